"""Masks as PNG images and as run lengths."""
