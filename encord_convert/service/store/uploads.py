"""Statements of places to upload to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from encord_convert.service.store.tables import UPLOADS


def upload(db: Connection, data_hash: str) -> Any:
    """Return the row of a place that was asked for and not registered, or None."""
    return db.execute(select(UPLOADS).where(UPLOADS.c.data_hash == data_hash)).first()


def arrived(db: Connection, data_hash: str, sha256: str, size: int, facts: str) -> None:
    """Note what arrived at a place."""
    place = update(UPLOADS).where(UPLOADS.c.data_hash == data_hash)
    db.execute(place.values(sha256=sha256, size=size, facts=facts))
