"""Mapping of classes and attributes to others: the file, and what it does to labels."""
