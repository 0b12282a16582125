"""Statements on label rows: what a project knows of each piece of its data, and every save as a revision.

Source: wire protocol, section 11.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    bindparam,
    insert,
    select,
    update,
)

from encord_convert.service.store.prepared import Prepared, PreparedList
from encord_convert.service.store.tables import DATA_FILES, DATA_ROWS, DATASETS, USERS
from encord_convert.service.store.tables_labels import LABEL_EVENTS, LABEL_REVISIONS, LABEL_ROWS
from encord_convert.service.store.tables_projects import PROJECT_DATASETS

MOST_IN_A_CONDITION = 10_000
"""Hashes one statement is given; SQLite takes 32,766 values."""

LISTED_AT_ONCE = 500
"""Rows of a listing in memory at once, so that a long one never stands there as objects."""

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
_LISTED_MORE = (DATA_ROWS.c.file_type, DATA_ROWS.c.backing_item_uuid)
"""What one for younger clients has besides."""
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
    db: Connection, project_hash: str, dataset_hash: str, conditions: Iterable[ColumnElement[bool]], *, more: bool
) -> Iterator[Sequence[Any]]:
    """Yield the columns of the data of a dataset that meets the conditions, in order, some at a time.

    The columns are :data:`LISTED`, and :data:`_LISTED_MORE` if more is asked for.
    The index on the number of the rows gives the order: nothing is sorted, and nothing waits for the last row.
    """
    statement = (
        select(*LISTED, *(_LISTED_MORE if more else ()))
        .outerjoin_from(DATA_ROWS, LABEL_ROWS, _own(project_hash))
        .where(DATA_ROWS.c.dataset_hash == dataset_hash, *conditions)
        .order_by(DATA_ROWS.c.number)
    )
    return db.execute(statement, execution_options={"yield_per": LISTED_AT_ONCE}).partitions()


_WHOLE_ROWS = PreparedList(
    select(*_WHOLE, PROJECT_DATASETS.c.place).select_from(
        DATA_ROWS.join(DATASETS, DATASETS.c.dataset_hash == DATA_ROWS.c.dataset_hash)
        .outerjoin(
            PROJECT_DATASETS,
            and_(
                PROJECT_DATASETS.c.project_hash == bindparam("project_hash"),
                PROJECT_DATASETS.c.dataset_hash == DATA_ROWS.c.dataset_hash,
            ),
        )
        .outerjoin(
            LABEL_ROWS,
            and_(
                LABEL_ROWS.c.project_hash == bindparam("project_hash"),
                LABEL_ROWS.c.data_hash == DATA_ROWS.c.data_hash,
            ),
        )
        .outerjoin(USERS, USERS.c.user_hash == LABEL_ROWS.c.head_by)
    ),
    DATA_ROWS.c.data_hash,
)
_WHOLE_NAMES = [column.key for column in (*_WHOLE, PROJECT_DATASETS.c.place)]
_KNOWN = PreparedList(select(LABEL_ROWS), LABEL_ROWS.c.label_hash)


def whole(
    db: Connection, project_hash: str, *, label_hashes: list[str] | None = None, data_hashes: list[str] | None = None
) -> list[dict[str, Any]]:
    """Return the same and more of some rows, in the order of either hash: ``head``, its author's ``email``, …"""
    if label_hashes is not None:
        there = known(db, project_hash, label_hashes)
        data_hashes = [there[label_hash]["data_hash"] for label_hash in label_hashes if label_hash in there]
    rows = _WHOLE_ROWS.rows(db, data_hashes or [], {"project_hash": project_hash})
    found = {row["data_hash"]: row for row in (dict(zip(_WHOLE_NAMES, row, strict=True)) for row in rows)}
    named = (found.get(data_hash) for data_hash in data_hashes or ())
    return [row for row in named if row is not None and row["place"] is not None]


def client_metadata(db: Connection, data_hashes: Sequence[str]) -> dict[str, str]:
    """Return the client metadata, JSON, of data that has some."""
    own = DATA_ROWS.c.client_metadata
    query = select(DATA_ROWS.c.data_hash, own).where(DATA_ROWS.c.data_hash.in_(data_hashes), own.is_not(None))
    return {data_hash: text for data_hash, text in db.execute(query)}  # noqa: C416


def files(db: Connection, data_hashes: Sequence[str]) -> dict[str, list[RowMapping]]:
    """Return the images of groups and the files of series, in order, by data hash."""
    found: dict[str, list[RowMapping]] = {}
    if not data_hashes:
        return found
    statement = (
        select(DATA_FILES)
        .where(DATA_FILES.c.data_hash.in_(data_hashes))
        .order_by(DATA_FILES.c.data_hash, DATA_FILES.c.position)
    )
    for file in db.execute(statement).mappings():
        found.setdefault(file["data_hash"], []).append(file)
    return found


def present(db: Connection, project_hash: str, data_hashes: list[str]) -> set[str]:
    """Return which of some pieces of data the project has."""
    statement = _of_project((DATA_ROWS.c.data_hash,), project_hash)
    return set(db.scalars(statement.where(DATA_ROWS.c.data_hash.in_(data_hashes))))


_BODIES = PreparedList(select(LABEL_REVISIONS.c.id, LABEL_REVISIONS.c.body), LABEL_REVISIONS.c.id)


def bodies(db: Connection, revisions: Sequence[int]) -> dict[int, bytes]:
    """Return what was saved, by number of the revision."""
    return dict(_BODIES.rows(db, revisions))


def known(db: Connection, project_hash: str, label_hashes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what the project knows of rows, by label hash."""
    rows = (dict(zip(LABEL_ROWS.c.keys(), row, strict=True)) for row in _KNOWN.rows(db, label_hashes))
    return {row["label_hash"]: row for row in rows if row["project_hash"] == project_hash}


def put(db: Connection, project_hash: str, data_hash: str, values: dict[str, Any]) -> None:
    """Overwrite columns of the row of a piece of data; there is one afterwards."""
    if not change(db, project_hash, data_hash, values):
        new = {"project_hash": project_hash, "data_hash": data_hash, "label_status": "NOT_LABELLED"} | values
        _adding(tuple(new)).change(db, new)


def change(db: Connection, project_hash: str, data_hash: str, values: dict[str, Any]) -> bool:
    """Overwrite columns of the row of a piece of data; return whether there is one."""
    own = {"own_project": project_hash, "own_data": data_hash}
    return _changing(tuple(values)).change(db, {**values, **own}) > 0


def add(db: Connection, project_hash: str, rows: dict[str, dict[str, Any]]) -> None:
    """Add rows of data that has none in a project; columns by data hash, the same of each."""
    new = [{"project_hash": project_hash, "data_hash": data_hash} | columns for data_hash, columns in rows.items()]
    if new:
        _adding(tuple(new[0])).change_many(db, new)


def change_all(db: Connection, project_hash: str, data_hashes: Sequence[str], values: dict[str, Any]) -> None:
    """Overwrite columns of the rows of several pieces of data, which are there."""
    own = [{**values, "own_project": project_hash, "own_data": data_hash} for data_hash in data_hashes]
    _changing(tuple(values)).change_many(db, own)


_OWN = (LABEL_ROWS.c.project_hash == bindparam("own_project"), LABEL_ROWS.c.data_hash == bindparam("own_data"))


@lru_cache
def _changing(names: tuple[str, ...]) -> Prepared:
    return Prepared(update(LABEL_ROWS).where(*_OWN).values({name: bindparam(name) for name in names}))


@lru_cache
def _adding(names: tuple[str, ...]) -> Prepared:
    return Prepared(insert(LABEL_ROWS).values({name: bindparam(name) for name in names}))


def note(
    db: Connection, project_hash: str, data_hashes: Sequence[str], user_hash: str, action: int, now: float
) -> None:
    """Note what a user did to rows besides saving."""
    common = {"project_hash": project_hash, "user_hash": user_hash, "action": action, "done_at": now}
    if data_hashes:
        db.execute(insert(LABEL_EVENTS), [{**common, "data_hash": data_hash} for data_hash in data_hashes])


@dataclass(frozen=True, slots=True)
class Revision:
    """A save under way: of which row, when, what, and its SHA-256."""

    data_hash: str
    label_hash: str
    saved_at: float
    sha256: bytes
    body: bytes


class Head(NamedTuple):
    """The newest revision of a row, without its body; None where nothing was saved yet."""

    label_hash: str
    data_hash: str
    last_edited_at: float
    head: int | None
    head_by: str | None
    head_sha256: bytes | None
    data_type: str
    number_of_frames: int


_HEADS = PreparedList(
    select(
        LABEL_ROWS.c.project_hash,
        LABEL_ROWS.c.label_hash,
        LABEL_ROWS.c.data_hash,
        LABEL_ROWS.c.last_edited_at,
        LABEL_ROWS.c.head,
        LABEL_ROWS.c.head_by,
        LABEL_ROWS.c.head_sha256,
        DATA_ROWS.c.data_type,
        DATA_ROWS.c.number_of_frames,
    ).join_from(LABEL_ROWS, DATA_ROWS, DATA_ROWS.c.data_hash == LABEL_ROWS.c.data_hash),
    LABEL_ROWS.c.label_hash,
)
_INSERT_MANY = insert(LABEL_REVISIONS).returning(LABEL_REVISIONS.c.id, LABEL_REVISIONS.c.label_hash)
_INSERT = Prepared(
    insert(LABEL_REVISIONS)
    .values({column.name: bindparam(column.name) for column in LABEL_REVISIONS.c if column.name != "id"})
    .returning(LABEL_REVISIONS.c.id, LABEL_REVISIONS.c.label_hash)
)
_POINT_MANY = (
    update(LABEL_ROWS)
    .where(*_OWN)
    .values(
        head=bindparam("new_head"),
        head_by=bindparam("new_head_by"),
        head_sha256=bindparam("new_sha256"),
        last_edited_at=bindparam("new_time"),
    )
)
_POINT = Prepared(_POINT_MANY)


def heads(db: Connection, project_hash: str, label_hashes: Sequence[str]) -> dict[str, Head]:
    """Return the newest revision of rows, by label hash."""
    return {row[1]: Head._make(row[1:]) for row in _HEADS.rows(db, label_hashes) if row[0] == project_hash}


def save(db: Connection, project_hash: str, user_hash: str, revisions: list[Revision]) -> None:
    """Store revisions, one of a row at most, and make them the newest."""
    rows = [
        {
            "project_hash": project_hash,
            "data_hash": entry.data_hash,
            "label_hash": entry.label_hash,
            "user_hash": user_hash,
            "saved_at": entry.saved_at,
            "sha256": entry.sha256,
            "body": entry.body,
        }
        for entry in revisions
    ]
    if not rows:
        return
    made = _INSERT.rows(db, rows[0]) if len(rows) == 1 else db.execute(_INSERT_MANY, rows)
    numbers = {label_hash: number for number, label_hash in made}
    pointers = [
        {
            "own_project": project_hash,
            "own_data": item.data_hash,
            "new_head": numbers[item.label_hash],
            "new_head_by": user_hash,
            "new_sha256": item.sha256,
            "new_time": item.saved_at,
        }
        for item in revisions
    ]
    if len(pointers) == 1:
        _POINT.change(db, pointers[0])
    else:
        db.execute(_POINT_MANY, pointers)


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
