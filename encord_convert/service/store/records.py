"""Statements of what is only kept: see :data:`.tables_people.RECORDS`."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from encord_convert.service.store.tables_people import RECORDS


def put(
    db: Connection, kind: str, body: Any, user_hash: str, now: float, *, uuid: str | None = None, scope: str = ""
) -> str:
    """Keep a record, in place of the one of the same hash; return its hash."""
    text = msgspec.json.encode(body).decode()
    uuid = uuid or str(uuid4())
    own = (RECORDS.c.kind == kind, RECORDS.c.uuid == uuid)
    if not db.execute(update(RECORDS).where(*own).values(body=text, last_edited_at=now)).rowcount:
        row = {"kind": kind, "uuid": uuid, "scope": scope, "user_hash": user_hash, "body": text}
        db.execute(insert(RECORDS), {**row, "created_at": now, "last_edited_at": now})
    return uuid


def get(db: Connection, kind: str, uuid: str, scope: str = "") -> Any:
    """Return a record, or None."""
    own = (RECORDS.c.kind == kind, RECORDS.c.uuid == uuid, RECORDS.c.scope == scope)
    body = db.scalar(select(RECORDS.c.body).where(*own))
    return None if body is None else msgspec.json.decode(body)


def row(db: Connection, kind: str, uuid: str) -> RowMapping | None:
    """Return the row of a record, or None; ``body`` is JSON."""
    own = (RECORDS.c.kind == kind, RECORDS.c.uuid == uuid)
    return db.execute(select(RECORDS).where(*own)).mappings().one_or_none()


def all_of(db: Connection, kind: str, scope: str = "") -> list[RowMapping]:
    """Return the rows of records, oldest first; ``body`` is JSON."""
    own = (RECORDS.c.scope == scope, RECORDS.c.kind == kind)
    return list(db.execute(select(RECORDS).where(*own).order_by(RECORDS.c.created_at, RECORDS.c.uuid)).mappings())


def remove(db: Connection, kind: str, uuid: str, scope: str | None = None) -> bool:
    """Forget a record; return whether it was there."""
    own = [RECORDS.c.kind == kind, RECORDS.c.uuid == uuid]
    if scope is not None:
        own.append(RECORDS.c.scope == scope)
    return db.execute(delete(RECORDS).where(*own)).rowcount > 0
