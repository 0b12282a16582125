"""Statements of places to upload to."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from encord_convert.service.store.prepared import Prepared, PreparedList
from encord_convert.service.store.tables_storage import UPLOADS

AT_ONCE = 500
"""Values in one list of a statement; SQLite takes 32,766 and older ones 999."""


class Upload(NamedTuple):
    """A place: the columns of :data:`UPLOADS`. Until something arrived, ``sha256``, ``size`` and ``facts`` are None."""

    data_hash: str
    owner: str
    kind: str
    title: str
    file_link: str
    sha256: str | None
    size: float | None
    facts: str | None
    created_at: float


_ADD = Prepared(insert(UPLOADS).values({name: bindparam(name) for name in Upload._fields}))
_UPLOADS = PreparedList(select(UPLOADS), UPLOADS.c.data_hash)
_ARRIVED = Prepared(
    update(UPLOADS)
    .where(UPLOADS.c.data_hash == bindparam("of_data"))
    .values({name: bindparam(name) for name in ("sha256", "size", "facts")})
)
_FORGET = PreparedList(delete(UPLOADS), UPLOADS.c.data_hash)


def new_upload(owner: str, kind: str, title: str, now: float) -> Upload:
    """Return a place that is not there yet."""
    data_hash = str(uuid4())
    return Upload(data_hash, owner, kind, title, f"service/{owner}/{data_hash}", None, None, None, now)


def add_uploads(db: Connection, places: Sequence[Upload]) -> None:
    """Make places."""
    _ADD.change_many(db, [place._asdict() for place in places])


def upload(db: Connection, data_hash: str) -> Upload | None:
    """Return a place that was asked for and not registered, or None."""
    rows = _UPLOADS.rows(db, [data_hash])
    return Upload._make(rows[0]) if rows else None


def uploads(db: Connection, owners: Container[str], data_hashes: Sequence[str]) -> dict[str, Upload]:
    """Return places that were given to one of some datasets, folders or users, by their hashes."""
    found = map(Upload._make, _UPLOADS.rows(db, data_hashes))
    return {match.data_hash: match for match in found if match.owner in owners}


def arrived(db: Connection, data_hash: str, sha256: str, size: int, facts: str) -> None:
    """Note what arrived at a place."""
    _ARRIVED.change(db, {"of_data": data_hash, "sha256": sha256, "size": size, "facts": facts})


def forget_uploads(db: Connection, data_hashes: Sequence[str]) -> None:
    """Close places: what arrived there is registered."""
    _FORGET.change(db, data_hashes)
