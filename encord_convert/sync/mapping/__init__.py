"""Mapping of classes and attributes to others: the mapping file and its effect on labels."""
