"""Statements that run with nearly every request, without the way through the layers above the driver.

What such a statement is stands in the terms of SQLAlchemy, like any other. Its text is made once for a kind of
database, and runs on the connection of the driver: a tenth of the time, which for a statement that finds one row by
its key is nearly all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError


class Prepared:
    """A statement whose values are all named by ``bindparam``.

    Rows come as plain tuples, in the order of its columns and as the driver has them: only for columns whose values no
    layer above turns into something else (texts, numbers, bytes).

    Parameters
    ----------
    statement : Executable
    """

    def __init__(self, statement: Executable) -> None:
        self._statement: Any = statement
        self._texts: dict[str, tuple[str, list[str] | None]] = {}

    def rows(self, db: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run the statement; return all rows."""
        try:
            found: Sequence[Any] = self._run(db, values).fetchall()
        except db.dialect.loaded_dbapi.Error as error:
            raise self._told(db, error) from error
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
            raise self._told(db, error) from error
        return changed

    def _run(self, db: Connection, values: Mapping[str, Any]) -> Any:
        text, names = self._texts.get(db.dialect.name) or self._compiled(db)
        given: Any = values if names is None else [values[name] for name in names]
        raw: Any = db.connection.driver_connection
        return raw.execute(text, given)

    def _compiled(self, db: Connection) -> tuple[str, list[str] | None]:
        made = self._statement.compile(dialect=db.dialect)
        self._texts[db.dialect.name] = text, names = made.string, made.positiontup
        return text, names

    def _told(self, db: Connection, error: Exception) -> Exception:
        """Return an error of the driver as the rest of the program knows it."""
        text = self._texts[db.dialect.name][0]
        base = db.dialect.loaded_dbapi.Error
        told: Exception = DBAPIError.instance(text, None, error, base, hide_parameters=True, dialect=db.dialect)
        return told
