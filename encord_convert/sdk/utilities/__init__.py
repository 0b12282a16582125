"""Documented helpers around the model."""
