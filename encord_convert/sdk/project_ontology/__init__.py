"""The older, flat form of an ontology, as far as the documented calls take or return it."""
