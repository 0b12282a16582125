"""Statements on label rows: what a project knows of each piece of its data, and every save as a revision.

Source: wire protocol, section 11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    RowMapping,
    Select,
    and_,
    bindparam,
    insert,
    select,
    update,
)

from encord_convert.service.store.tables import DATA_FILES, DATA_ROWS, DATASETS, USERS
from encord_convert.service.store.tables_labels import LABEL_EVENTS, LABEL_REVISIONS, LABEL_ROWS
from encord_convert.service.store.tables_projects import PROJECT_DATASETS

MOST_IN_A_CONDITION = 10_000
"""Hashes one statement is given; SQLite takes 32,766 values."""

LISTED = (
    LABEL_ROWS.c.label_hash,
    LABEL_ROWS.c.created_at,
    LABEL_ROWS.c.last_edited_at,
    LABEL_ROWS.c.label_status,
    LABEL_ROWS.c.annotation_task_status,
    LABEL_ROWS.c.node,
    LABEL_ROWS.c.priority,
    DATA_ROWS.c.data_hash,
    DATA_ROWS.c.data_title,
    DATA_ROWS.c.data_type,
    DATA_ROWS.c.file_link,
    DATA_ROWS.c.number_of_frames,
    DATA_ROWS.c.duration,
    DATA_ROWS.c.frames_per_second,
    DATA_ROWS.c.height,
    DATA_ROWS.c.width,
)
"""What a listing is made of."""
_WHOLE = (
    *LISTED,
    DATASETS.c.dataset_hash,
    DATASETS.c.title.label("dataset_title"),
    DATA_ROWS.c.file_type,
    DATA_ROWS.c.sha256,
    DATA_ROWS.c.dicom,
    LABEL_ROWS.c.head,
    USERS.c.email,
)


def _own(project_hash: str) -> ColumnElement[bool]:
    return and_(LABEL_ROWS.c.project_hash == project_hash, LABEL_ROWS.c.data_hash == DATA_ROWS.c.data_hash)


def _of_project(columns: Sequence[ColumnElement[Any]], project_hash: str) -> Select[Any]:
    return (
        select(*columns)
        .select_from(
            PROJECT_DATASETS.join(DATASETS, DATASETS.c.dataset_hash == PROJECT_DATASETS.c.dataset_hash)
            .join(DATA_ROWS, DATA_ROWS.c.dataset_hash == DATASETS.c.dataset_hash)
            .outerjoin(LABEL_ROWS, _own(project_hash))
        )
        .where(PROJECT_DATASETS.c.project_hash == project_hash)
        .order_by(PROJECT_DATASETS.c.place, DATA_ROWS.c.number)
    )


def listed(
    db: Connection, project_hash: str, dataset_hash: str, conditions: Iterable[ColumnElement[bool]]
) -> CursorResult[Any]:
    """Return the columns :data:`LISTED` of the data of a dataset that meets the conditions, in order.

    The index on the number of the rows gives the order: nothing is sorted, and nothing waits for the last row.
    """
    statement = (
        select(*LISTED)
        .outerjoin_from(DATA_ROWS, LABEL_ROWS, _own(project_hash))
        .where(DATA_ROWS.c.dataset_hash == dataset_hash, *conditions)
        .order_by(DATA_ROWS.c.number)
    )
    return db.execute(statement)


def whole(
    db: Connection, project_hash: str, *, label_hashes: list[str] | None = None, data_hashes: list[str] | None = None
) -> list[RowMapping]:
    """Return the same and more of some rows, by either hash: ``head``, its author's ``email``, ``dicom``, …"""
    statement = _of_project(_WHOLE, project_hash).outerjoin(USERS, USERS.c.user_hash == LABEL_ROWS.c.head_by)
    if label_hashes is not None:
        statement = statement.where(LABEL_ROWS.c.label_hash.in_(label_hashes))
    if data_hashes is not None:
        statement = statement.where(DATA_ROWS.c.data_hash.in_(data_hashes))
    return list(db.execute(statement).mappings())


def files(db: Connection, data_hashes: Iterable[str]) -> dict[str, list[RowMapping]]:
    """Return the images of groups and the files of series, in order, by data hash."""
    found: dict[str, list[RowMapping]] = {}
    statement = (
        select(DATA_FILES)
        .where(DATA_FILES.c.data_hash.in_(list(data_hashes)))
        .order_by(DATA_FILES.c.data_hash, DATA_FILES.c.position)
    )
    for file in db.execute(statement).mappings():
        found.setdefault(file["data_hash"], []).append(file)
    return found


def present(db: Connection, project_hash: str, data_hashes: list[str]) -> set[str]:
    """Return which of some pieces of data the project has."""
    statement = _of_project((DATA_ROWS.c.data_hash,), project_hash)
    return set(db.scalars(statement.where(DATA_ROWS.c.data_hash.in_(data_hashes))))


def lengths(db: Connection, data_hashes: list[str]) -> dict[str, int]:
    """Return how many frames some pieces of data have."""
    if not data_hashes:
        return {}
    statement = select(DATA_ROWS.c.data_hash, DATA_ROWS.c.number_of_frames).where(
        DATA_ROWS.c.data_hash.in_(data_hashes)
    )
    return {row.data_hash: row.number_of_frames for row in db.execute(statement)}


def bodies(db: Connection, revisions: Iterable[int]) -> dict[int, bytes]:
    """Return what was saved, by number of the revision."""
    statement = select(LABEL_REVISIONS.c.id, LABEL_REVISIONS.c.body).where(LABEL_REVISIONS.c.id.in_(list(revisions)))
    return {row.id: row.body for row in db.execute(statement)}


# --- rows -----------------------------------------------------------------------------------------------------------


def known(db: Connection, project_hash: str, label_hashes: Iterable[str]) -> dict[str, RowMapping]:
    """Return what the project knows of rows, by label hash."""
    statement = select(LABEL_ROWS).where(
        LABEL_ROWS.c.project_hash == project_hash, LABEL_ROWS.c.label_hash.in_(list(label_hashes))
    )
    return {row["label_hash"]: row for row in db.execute(statement).mappings()}


def put(db: Connection, project_hash: str, data_hash: str, values: dict[str, Any]) -> None:
    """Overwrite columns of the row of a piece of data; there is one afterwards."""
    if not change(db, project_hash, data_hash, values):
        new = {"project_hash": project_hash, "data_hash": data_hash, "label_status": "NOT_LABELLED"} | values
        db.execute(insert(LABEL_ROWS).values(new))


def change(db: Connection, project_hash: str, data_hash: str, values: dict[str, Any]) -> bool:
    """Overwrite columns of the row of a piece of data; tell whether there is one."""
    own = (LABEL_ROWS.c.project_hash == project_hash, LABEL_ROWS.c.data_hash == data_hash)
    return db.execute(update(LABEL_ROWS).where(*own).values(values)).rowcount > 0


def note(db: Connection, project_hash: str, data_hash: str, user_hash: str, action: int, now: float) -> None:
    """Note what a user did to a row besides saving."""
    values = {"project_hash": project_hash, "data_hash": data_hash, "user_hash": user_hash, "action": action}
    db.execute(insert(LABEL_EVENTS).values(**values, done_at=now))


# --- revisions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Revision:
    """A save under way: of which row, when, what, and its SHA-256."""

    data_hash: str
    label_hash: str
    saved_at: float
    sha256: bytes
    body: bytes


_HEADS = (
    select(
        LABEL_ROWS.c.label_hash,
        LABEL_ROWS.c.data_hash,
        LABEL_ROWS.c.last_edited_at,
        LABEL_ROWS.c.head,
        LABEL_ROWS.c.head_by,
        LABEL_ROWS.c.head_sha256,
        DATA_ROWS.c.data_type,
    )
    .join_from(LABEL_ROWS, DATA_ROWS, DATA_ROWS.c.data_hash == LABEL_ROWS.c.data_hash)
    .where(
        LABEL_ROWS.c.project_hash == bindparam("project_hash"),
        LABEL_ROWS.c.label_hash.in_(bindparam("label_hashes", expanding=True)),
    )
)
_INSERT = insert(LABEL_REVISIONS)
_INSERT_MANY = _INSERT.returning(LABEL_REVISIONS.c.id, LABEL_REVISIONS.c.label_hash)
_POINT = (
    update(LABEL_ROWS)
    .where(LABEL_ROWS.c.project_hash == bindparam("own_project"), LABEL_ROWS.c.data_hash == bindparam("own_data"))
    .values(
        head=bindparam("new_head"),
        head_by=bindparam("new_head_by"),
        head_sha256=bindparam("new_sha256"),
        last_edited_at=bindparam("new_time"),
    )
)


def heads(db: Connection, project_hash: str, label_hashes: list[str]) -> dict[str, Any]:
    """Return the newest revision of rows, without its body, by label hash."""
    rows = db.execute(_HEADS, {"project_hash": project_hash, "label_hashes": label_hashes})
    return {row.label_hash: row for row in rows}


def save(db: Connection, project_hash: str, user_hash: str, revisions: list[Revision]) -> None:
    """Store revisions, one of a row at most, and make them the newest."""
    rows = [
        {
            "project_hash": project_hash,
            "data_hash": one.data_hash,
            "label_hash": one.label_hash,
            "user_hash": user_hash,
            "saved_at": one.saved_at,
            "sha256": one.sha256,
            "body": one.body,
        }
        for one in revisions
    ]
    if not rows:
        return
    if len(rows) == 1:  # the usual case, and a third faster than as a list of one
        made: Any = db.execute(_INSERT, rows[0]).inserted_primary_key
        numbers = {rows[0]["label_hash"]: made.id}
    else:
        numbers = {label_hash: number for number, label_hash in db.execute(_INSERT_MANY, rows)}
    pointers = [
        {
            "own_project": project_hash,
            "own_data": one.data_hash,
            "new_head": numbers[one.label_hash],
            "new_head_by": user_hash,
            "new_sha256": one.sha256,
            "new_time": one.saved_at,
        }
        for one in revisions
    ]
    db.execute(_POINT, pointers if len(pointers) > 1 else pointers[0])


def revision_at(db: Connection, label_hash: str, saved_at: float) -> RowMapping | None:
    """Return number, time and author's address of the revision of a moment, to the microsecond."""
    at = LABEL_REVISIONS.c.saved_at
    return _revisions(db, LABEL_REVISIONS.c.label_hash == label_hash, at > saved_at - 7e-7, at < saved_at + 7e-7)


def revision(db: Connection, number: int) -> RowMapping | None:
    """Return number, time and author's address of a revision."""
    return _revisions(db, LABEL_REVISIONS.c.id == number)


def _revisions(db: Connection, *where: ColumnElement[bool]) -> RowMapping | None:
    statement = (
        select(LABEL_REVISIONS.c.id, LABEL_REVISIONS.c.saved_at, USERS.c.email)
        .join_from(LABEL_REVISIONS, USERS, USERS.c.user_hash == LABEL_REVISIONS.c.user_hash, isouter=True)
        .where(*where)
    )
    return db.execute(statement).mappings().first()
