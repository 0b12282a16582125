"""Statements of tasks: each piece of data is one in a project, on a stage of its workflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select

from encord_convert.service.store.tables import DATA_ROWS, USERS
from encord_convert.service.store.tables_labels import LABEL_ROWS
from encord_convert.service.store.tables_people import TASK_ACTIONS, TASKS
from encord_convert.service.store.tables_projects import PROJECT_DATASETS

_BITS = (1 << 128) - 1


def uuid_of(project_hash: str, data_hash: str) -> str | None:
    """Return the hash of a task: the sum of those of its project and its data; None if one of these is no UUID.

    >>> uuid_of("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002")
    '00000000-0000-0000-0000-000000000003'
    """
    # A listing does this for each row: by hand it takes a fifth of the time.
    digits = data_hash.replace("-", "")
    try:
        total = f"{(_number(project_hash) + int(digits, 16)) & _BITS:032x}"
    except ValueError:
        return None
    return f"{total[:8]}-{total[8:12]}-{total[12:16]}-{total[16:20]}-{total[20:]}" if len(digits) == 32 else None


@lru_cache
def _number(hash_: str) -> int:
    return UUID(hash_).int


def data_of(project_hash: str, uuid: str) -> str | None:
    """Return the data of a task of a project: the inverse of :func:`uuid_of`."""
    try:
        return str(UUID(int=(UUID(uuid).int - UUID(project_hash).int) & _BITS))
    except ValueError:
        return None


def listed(
    db: Connection, project_hash: str, place: int, *where: ColumnElement[bool], first: int, most: int
) -> list[Any]:
    """Return the tasks on a stage, a page of them, in the order of the data."""
    query = (
        select(
            DATA_ROWS.c.data_hash, DATA_ROWS.c.data_title, DATA_ROWS.c.created_at, LABEL_ROWS.c.label_hash,
            TASKS.c.status, TASKS.c.assignee, TASKS.c.last_actioned_by, TASKS.c.updated_at,
        )
        .select_from(PROJECT_DATASETS)
        .join(DATA_ROWS, DATA_ROWS.c.dataset_hash == PROJECT_DATASETS.c.dataset_hash)
        .outerjoin(LABEL_ROWS, _same(LABEL_ROWS, project_hash))
        .outerjoin(TASKS, _same(TASKS, project_hash))
        .where(PROJECT_DATASETS.c.project_hash == project_hash, func.coalesce(LABEL_ROWS.c.node, 0) == place, *where)
        .order_by(PROJECT_DATASETS.c.place, DATA_ROWS.c.number)
        .offset(first)
        .limit(most)
    )  # fmt: skip
    return list(db.execute(query))


def _same(table: Any, project_hash: str) -> ColumnElement[bool]:
    return and_(table.c.project_hash == project_hash, table.c.data_hash == DATA_ROWS.c.data_hash)


def places(db: Connection, project_hash: str, data_hashes: Sequence[str]) -> dict[str, int]:
    """Return the stage, by its place, of pieces of data of a project that are not on the first."""
    own = (LABEL_ROWS.c.project_hash == project_hash, LABEL_ROWS.c.data_hash.in_(data_hashes))
    query = select(LABEL_ROWS.c.data_hash, func.coalesce(LABEL_ROWS.c.node, 0)).where(*own)
    return {data_hash: place for data_hash, place in db.execute(query)}  # noqa: C416


def put(db: Connection, project_hash: str, data_hash: str, values: dict[str, Any]) -> None:
    """Note what was done with a task, in place of what was before."""
    own = (TASKS.c.project_hash == project_hash, TASKS.c.data_hash == data_hash)
    db.execute(delete(TASKS).where(*own))
    db.execute(insert(TASKS), {"project_hash": project_hash, "data_hash": data_hash, "assignee": None, **values})


def assignees(db: Connection, project_hash: str) -> dict[str, Any]:
    """Return who has which task, and who did something with it last, by data hash."""
    query = select(TASKS.c.data_hash, TASKS.c.assignee, TASKS.c.last_actioned_by)
    return {row[0]: row for row in db.execute(query.where(TASKS.c.project_hash == project_hash))}


def note(
    db: Connection, project_hash: str, data_hash: str, stage: str, user_hash: str, action: str, now: float
) -> None:
    """Note an action."""
    row = {"project_hash": project_hash, "data_hash": data_hash, "stage": stage, "user_hash": user_hash}
    db.execute(insert(TASK_ACTIONS), {**row, "action": action, "done_at": now})


def actions(
    db: Connection, project_hash: str, where: Iterable[ColumnElement[bool]], first: int, most: int
) -> list[Any]:
    """Return actions that meet every condition, each with the ``email`` of who did it, oldest first."""
    query = (
        select(TASK_ACTIONS, USERS.c.email)
        .join(USERS, USERS.c.user_hash == TASK_ACTIONS.c.user_hash)
        .where(TASK_ACTIONS.c.project_hash == project_hash, *where)
        .order_by(TASK_ACTIONS.c.id)
    )
    return list(db.execute(query.offset(first).limit(most)))
