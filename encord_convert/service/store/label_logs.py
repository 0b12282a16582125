"""Statements on what was done to label rows, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, select, tuple_

from encord_convert.service.calls import Kind
from encord_convert.service.store.tables import DATA_ROWS, ROLES, USERS
from encord_convert.service.store.tables_labels import LABEL_EVENTS, LABEL_REVISIONS

AT_ONCE = 100
"""Revisions read together."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which logs are asked for; None asks for all. Times are unix seconds, ``start`` included, ``end`` not."""

    user_hash: str | None = None
    user_email: str | None = None
    data_hash: str | None = None
    start: float | None = None
    end: float | None = None

    def of(self, table: Any, moment: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """Return the conditions on a table joined with its users."""
        found: list[ColumnElement[bool]] = []
        if self.user_hash is not None:
            found.append(table.c.user_hash == self.user_hash)
        if self.user_email is not None:
            found.append(USERS.c.email == self.user_email)
        if self.data_hash is not None:
            found.append(table.c.data_hash == self.data_hash)
        if self.start is not None:
            found.append(moment >= self.start)
        if self.end is not None:
            found.append(moment < self.end)
        return found


def revisions(db: Connection, project_hash: str, wanted: Conditions) -> Iterator[tuple[Row[Any], bool]]:
    """Yield revisions of the rows concerned, row by row and oldest first, and whether each is asked for.

    From the first that is asked for to the last of its row, and the one before: what a revision changed shows only
    next to the one before.
    """
    table = LABEL_REVISIONS
    is_asked_for = and_(True, *wanted.of(table, table.c.saved_at))
    first = (
        select(table.c.label_hash, func.min(table.c.id).label("id"))
        .join_from(table, USERS, USERS.c.user_hash == table.c.user_hash)
        .where(table.c.project_hash == project_hash, is_asked_for)
        .group_by(table.c.label_hash)
        .subquery()
    )
    other = table.alias()
    before = (
        select(func.max(other.c.id))
        .where(other.c.label_hash == first.c.label_hash, other.c.id < first.c.id)
        .correlate(first)
        .scalar_subquery()
    )
    statement = (
        select(
            table.c.id,
            table.c.label_hash,
            table.c.data_hash,
            table.c.user_hash,
            table.c.saved_at,
            table.c.body,
            USERS.c.email,
            is_asked_for.label("is_asked_for"),
        )
        .join_from(first, table, and_(table.c.label_hash == first.c.label_hash))
        .join(USERS, USERS.c.user_hash == table.c.user_hash)
        .where(table.c.id >= func.coalesce(before, 0))
        .order_by(table.c.label_hash, table.c.id)
    )
    if wanted.end is not None:
        statement = statement.where(table.c.saved_at < wanted.end)
    for row in db.execute(statement.execution_options(yield_per=AT_ONCE)):
        yield row, bool(row.is_asked_for)


def events(db: Connection, project_hash: str, wanted: Conditions) -> list[Row[Any]]:
    """Return what was done to rows besides saving, oldest first."""
    statement = (
        select(LABEL_EVENTS, USERS.c.email)
        .join_from(LABEL_EVENTS, USERS, USERS.c.user_hash == LABEL_EVENTS.c.user_hash)
        .where(LABEL_EVENTS.c.project_hash == project_hash, *wanted.of(LABEL_EVENTS, LABEL_EVENTS.c.done_at))
        .order_by(LABEL_EVENTS.c.id)
    )
    return list(db.execute(statement))


def times(
    db: Connection,
    project_hash: str,
    *,
    after: float,
    before: float | None,
    by_data: bool,
    cap_s: float,
    start: tuple[str, ...] | None,
    most: int,
) -> list[Row[Any]]:
    """Return seconds between the saves of each user, of each piece of data or of all together.

    Parameters
    ----------
    after, before : float
        Unix seconds: of saves that end a stretch; the first is included, the last not.
    by_data : bool
        Whether each piece of data has an item of its own.
    cap_s : float
        What a longer stretch counts.
    start : tuple of str or None
        ``key`` of the last item of the page before.
    most : int
        Items, at most.
    """
    table = LABEL_REVISIONS
    previous = func.lag(table.c.saved_at).over(
        partition_by=(table.c.user_hash, table.c.data_hash), order_by=(table.c.saved_at, table.c.id)
    )
    saves = (
        select(table.c.user_hash, table.c.data_hash, table.c.saved_at, (table.c.saved_at - previous).label("gap"))
        .where(table.c.project_hash == project_hash)
        .subquery()
    )
    key = (saves.c.user_hash, saves.c.data_hash) if by_data else (saves.c.user_hash,)
    counted = case((saves.c.gap > cap_s, cap_s), else_=func.coalesce(saves.c.gap, 0.0))
    title = func.max(DATA_ROWS.c.data_title) if by_data else func.max(None)
    statement = (
        select(
            *key,
            func.max(USERS.c.email).label("email"),
            func.max(ROLES.c.role).label("role"),
            title.label("data_title"),
            func.sum(counted).label("seconds"),
        )
        .join_from(saves, USERS, USERS.c.user_hash == saves.c.user_hash)
        .outerjoin(
            ROLES,
            and_(ROLES.c.user_hash == saves.c.user_hash, ROLES.c.kind == Kind.PROJECT, ROLES.c.hash == project_hash),
        )
        .outerjoin(DATA_ROWS, DATA_ROWS.c.data_hash == saves.c.data_hash)
        .where(saves.c.saved_at >= after)
        .group_by(*key)
        .order_by(*key)
        .limit(most)
    )
    if before is not None:
        statement = statement.where(saves.c.saved_at < before)
    if start is not None:
        statement = statement.where(tuple_(*key) > tuple_(*start) if by_data else saves.c.user_hash > start[0])
    return list(db.execute(statement))
