"""The local service: the same API on an embedded database, so that everything runs with no account."""
