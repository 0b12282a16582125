"""Statements that run with nearly every request, without the way through the layers above the driver.

What such a statement is stands in the terms of SQLAlchemy, like any other. Its text is made once for a kind of
database, and runs on the connection of the driver: a tenth of the time, which for a statement that finds one row by
its key is nearly all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Executable, bindparam
from sqlalchemy.exc import DBAPIError

_Text = tuple[str, list[str] | None, dict[str, Any]]
"""A statement for a kind of database, the order of its values where they have no names, and its constants."""


class Prepared:
    """A statement whose values are all named by ``bindparam``.

    Rows come as plain tuples, in the order of its columns and as the driver has them: only for columns whose values no
    layer above turns into something else (texts, numbers, bytes).
    """

    def __init__(self, statement: Executable) -> None:
        self._statement: Any = statement
        self._texts: dict[str, _Text] = {}

    def rows(self, db: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run the statement; return all rows."""
        try:
            found: Sequence[Any] = self._run(db, values).fetchall()
        except db.dialect.loaded_dbapi.Error as error:
            raise self._translated(db, error) from error
        return found

    def first(self, db: Connection, values: Mapping[str, Any]) -> Any:
        """Run the statement to its end; return the first row, or None."""
        rows = self.rows(db, values)
        return rows[0] if rows else None

    def change(self, db: Connection, values: Mapping[str, Any]) -> int:
        """Run a statement that returns no rows; return how many rows it changed."""
        try:
            changed: int = self._run(db, values).rowcount
        except db.dialect.loaded_dbapi.Error as error:
            raise self._translated(db, error) from error
        return changed

    def change_many(self, db: Connection, values: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement that returns no rows for each of several values; return how many rows it changed."""
        if not values:
            return 0
        text, names, constants = self._texts.get(db.dialect.name) or self._compiled(db)
        given: list[Any] = [{**constants, **item} for item in values]
        if names is not None:
            given = [[entry[name] for name in names] for entry in given]
        raw: Any = db.connection.driver_connection
        cursor = raw.cursor()
        try:
            cursor.executemany(text, given)
            changed: int = cursor.rowcount
        except db.dialect.loaded_dbapi.Error as error:
            raise self._translated(db, error) from error
        return changed

    def _run(self, db: Connection, values: Mapping[str, Any]) -> Any:
        text, names, constants = self._texts.get(db.dialect.name) or self._compiled(db)
        if constants:
            values = {**constants, **values}
        given: Any = values if names is None else [values[name] for name in names]
        raw: Any = db.connection.driver_connection
        return raw.execute(text, given)

    def _compiled(self, db: Connection) -> _Text:
        made = self._statement.compile(dialect=db.dialect)
        constants = {name: value for name, value in made.params.items() if value is not None}
        text: _Text = made.string, made.positiontup, constants
        self._texts[db.dialect.name] = text
        return text

    def _translated(self, db: Connection, error: Exception) -> Exception:
        """Return an error of the driver as the rest of the program knows it."""
        text = self._texts[db.dialect.name][0]
        base = db.dialect.loaded_dbapi.Error
        told: Exception = DBAPIError.instance(text, None, error, base, hide_parameters=True, dialect=db.dialect)
        return told


SIZES = (1, 10, 100)
"""Values in the condition of a :class:`PreparedList`; a shorter list is filled up with its last."""


class PreparedList:
    """A statement for rows whose column is one of several values; see :class:`Prepared`.

    Let the column be all the statement is restricted by, and look at the rest of a row when it is there. Given another
    condition with an index, SQLite takes that one from a dozen values on, and reads through a whole project.

    Parameters
    ----------
    statement : Select or Delete
    column : Column
        Unique, or nearly so.
    """

    def __init__(self, statement: Any, column: Column[Any]) -> None:
        self._sized = {
            size: Prepared(statement.where(column.in_([bindparam(name, type_=column.type) for name in _names(size)])))
            for size in SIZES
        }

    def rows(self, db: Connection, given: Sequence[Any], values: Mapping[str, Any] | None = None) -> list[Any]:
        """Run the statement for the values given, some at a time; return all rows, in no order."""
        found: list[Any] = []
        for first in range(0, len(given), SIZES[-1]):
            statement, named = self._part(given[first : first + SIZES[-1]])
            found += statement.rows(db, {**named, **values} if values else named)
        return found

    def change(self, db: Connection, given: Sequence[Any]) -> None:
        """Run a statement that returns no rows for the values given."""
        for first in range(0, len(given), SIZES[-1]):
            statement, named = self._part(given[first : first + SIZES[-1]])
            statement.change(db, named)

    def _part(self, given: Sequence[Any]) -> tuple[Prepared, dict[str, Any]]:
        size = next(size for size in SIZES if size >= len(given))
        return self._sized[size], dict(zip(_names(size), [*given, *[given[-1]] * (size - len(given))], strict=True))


def _names(size: int) -> list[str]:
    return [f"given_{number}" for number in range(size)]
