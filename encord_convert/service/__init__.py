"""The local service: the same API on an embedded database, without an account."""
