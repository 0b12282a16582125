"""Statements of API keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from encord_convert.service.store.tables import API_KEYS


def add_key(db: Connection, row: dict[str, Any]) -> None:
    """Add the row of a key."""
    db.execute(insert(API_KEYS), row)


def keys_of(db: Connection, kind: str, hash_: str) -> list[Any]:
    """Return the rows of the keys of a resource, oldest first."""
    query = select(API_KEYS).where(API_KEYS.c.kind == kind, API_KEYS.c.hash == hash_)
    return list(db.execute(query.order_by(API_KEYS.c.created_at, API_KEYS.c.key_hash)))
