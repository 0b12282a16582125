"""Statements of datasets, and of the conditions listings share."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Table, insert, select

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.service.store import folders
from encord_convert.service.store.tables import DATASETS, ROLES
from encord_convert.service.times import seconds_of

LONGEST_PATTERN = 1024
"""Characters of a title or pattern in a condition."""


def like(column: ColumnElement[Any], pattern: object) -> ColumnElement[bool]:
    """Return the condition that a column is like a pattern of SQL: ``%`` any text, ``_`` any character.

    Raises
    ------
    InvalidArgumentsError
        The pattern is too long, or no text.
    """
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        raise InvalidArgumentsError(f"A pattern is a text of at most {LONGEST_PATTERN} characters.")
    return column.like(pattern, escape="\\") if "\\" not in pattern else column.like(_literal(pattern), escape="\\")


def like_any(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that a column contains a text, whatever its case."""
    return column.icontains(text[:LONGEST_PATTERN], autoescape=True)


def _literal(pattern: str) -> str:
    """Double every backslash that does not stand before one of ``% _ \\``, where it could stand for itself alone."""
    parts, index = [], 0
    while index < len(pattern):
        if pattern[index] == "\\" and pattern[index + 1 : index + 2] in ("%", "_", "\\"):
            parts.append(pattern[index : index + 2])
            index += 2
        else:
            parts.append("\\\\" if pattern[index] == "\\" else pattern[index])
            index += 1
    return "".join(parts)


def listed(table: Table, conditions: object) -> list[ColumnElement[bool]]:
    """Return the conditions of a listing of datasets, projects or ontologies.

    Parameters
    ----------
    table : Table
        With ``title``, ``description``, ``created_at`` and ``last_edited_at``.
    conditions : object
        The ``filter`` as it came.

    Raises
    ------
    InvalidArgumentsError
        A condition has no such name, or a value of another type.
    InvalidDateFormatError
        A date is none.
    """
    if not isinstance(conditions, dict):
        raise InvalidArgumentsError("The filter is an object.")
    columns = table.c
    makers: dict[str, Any] = {
        "title_eq": lambda value: columns.title == _text(value),
        "title_like": lambda value: like(columns.title, value),
        "desc_eq": lambda value: columns.description == _text(value),
        "desc_like": lambda value: like(columns.description, value),
        "created_before": lambda value: columns.created_at < seconds_of(value),
        "created_after": lambda value: columns.created_at > seconds_of(value),
        "edited_before": lambda value: columns.last_edited_at < seconds_of(value),
        "edited_after": lambda value: columns.last_edited_at > seconds_of(value),
    }
    unknown = sorted(set(conditions) - set(makers))
    if unknown:
        raise InvalidArgumentsError(f"The filter has no {unknown[0][:64]!r}; it knows {', '.join(makers)}.")
    return [makers[name](value) for name, value in conditions.items() if value is not None]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidArgumentsError("A title or description is compared with a text.")
    return value


def add_dataset(
    db: Connection, user_hash: str, title: str, description: str | None, type_: int, with_folder: bool, now: float
) -> dict[str, Any]:
    """Make a dataset and the folder of its items, and return its row."""
    row = {
        "dataset_hash": str(uuid4()),
        "user_hash": user_hash,
        "title": title,
        "description": description,
        "type": type_,
        "backing_folder_uuid": str(uuid4()) if with_folder else None,
        "created_at": now,
        "last_edited_at": now,
    }
    db.execute(insert(DATASETS), row)
    uuid = row["backing_folder_uuid"] or row["dataset_hash"]
    folders.add(db, user_hash, title, now, uuid=str(uuid))
    return row


def dataset(db: Connection, dataset_hash: str) -> Any:
    """Return the row of a dataset, or None."""
    return db.execute(select(DATASETS).where(DATASETS.c.dataset_hash == dataset_hash)).first()


def datasets(db: Connection, user_hash: str, conditions: object) -> list[Any]:
    """Return the datasets a user has a role in, each with the ``role``, oldest first."""
    query = (
        select(DATASETS, ROLES.c.role)
        .join(ROLES, (ROLES.c.hash == DATASETS.c.dataset_hash) & (ROLES.c.kind == "dataset"))
        .where(ROLES.c.user_hash == user_hash, *listed(DATASETS, conditions))
        .order_by(DATASETS.c.created_at, DATASETS.c.dataset_hash)
    )
    return list(db.execute(query))
