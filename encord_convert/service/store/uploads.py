"""Statements of places to upload to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, update

from encord_convert.service.store.tables import UPLOADS

AT_ONCE = 500
"""Values in one list of a statement; SQLite takes 32,766 and older ones 999."""


def add_upload(db: Connection, dataset_hash: str, kind: str, title: str, now: float) -> dict[str, Any]:
    """Make a place and return its row."""
    data_hash = str(uuid4())
    row = {
        "data_hash": data_hash,
        "dataset_hash": dataset_hash,
        "kind": kind,
        "title": title,
        "file_link": f"service/{dataset_hash}/{data_hash}",
        "created_at": now,
    }
    db.execute(insert(UPLOADS), row)
    return row


def upload(db: Connection, data_hash: str) -> Any:
    """Return the row of a place that was asked for and not registered, or None."""
    return db.execute(select(UPLOADS).where(UPLOADS.c.data_hash == data_hash)).first()


def uploads(db: Connection, dataset_hash: str, data_hashes: Sequence[str]) -> dict[str, Any]:
    """Return the rows of places of a dataset, by their hashes."""
    found = {}
    for first in range(0, len(data_hashes), AT_ONCE):
        part = data_hashes[first : first + AT_ONCE]
        query = select(UPLOADS).where(UPLOADS.c.dataset_hash == dataset_hash, UPLOADS.c.data_hash.in_(part))
        found.update({row.data_hash: row for row in db.execute(query)})
    return found


def arrived(db: Connection, data_hash: str, sha256: str, size: int, facts: str) -> None:
    """Note what arrived at a place."""
    place = update(UPLOADS).where(UPLOADS.c.data_hash == data_hash)
    db.execute(place.values(sha256=sha256, size=size, facts=facts))


def forget_uploads(db: Connection, data_hashes: Sequence[str]) -> None:
    """Close places: what arrived there is registered."""
    for first in range(0, len(data_hashes), AT_ONCE):
        db.execute(delete(UPLOADS).where(UPLOADS.c.data_hash.in_(data_hashes[first : first + AT_ONCE])))
