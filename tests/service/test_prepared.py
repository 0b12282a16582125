"""Prepared statements: the rows and the errors of any other statement, and no way through all of a project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from harness import database_of
from sqlalchemy import Connection, bindparam, delete, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from encord_convert.service.store.database import Database, open_database
from encord_convert.service.store.label_rows import _HEADS, _KNOWN, _WHOLE_ROWS
from encord_convert.service.store.prepared import Prepared, PreparedList
from encord_convert.service.store.tables import USERS

ADD = Prepared(insert(USERS).values({name: bindparam(name) for name in ("user_hash", "email", "created_at")}))
NAMED = PreparedList(select(USERS.c.user_hash, USERS.c.created_at), USERS.c.user_hash)
FORGET = PreparedList(delete(USERS), USERS.c.user_hash)
CONSTANT = Prepared(select(USERS.c.created_at + 1, USERS.c.email == "é@x").where(USERS.c.email == bindparam("email")))


@pytest.fixture
def database(tmp_path: Path) -> Any:
    opened = open_database(tmp_path, database_of(tmp_path))
    yield opened
    opened.close()


def add(database: Database, count: int) -> list[str]:
    """Add users; return their hashes."""

    def work(db: Connection) -> list[str]:
        for number in range(count):
            row = {"user_hash": f"u{number}", "email": f"{number}@example.com", "created_at": float(number)}
            assert ADD.change(db, row) == 1
        return [f"u{number}" for number in range(count)]

    return database.write(work).result()


@pytest.mark.parametrize("count", [0, 1, 2, 10, 11, 100, 101, 250])
def test_a_list_of_any_length_finds_each_row_once(database: Database, count: int) -> None:
    asked = add(database, 260)[:count]
    found = database.read(lambda db: NAMED.rows(db, [*asked, "nobody"]))
    assert sorted(found) == sorted((hash_, float(hash_[1:])) for hash_ in asked)
    database.write(lambda db: FORGET.change(db, asked)).result()
    assert database.read(lambda db: len(NAMED.rows(db, [f"u{number}" for number in range(260)]))) == 260 - count


def test_constants_of_a_statement_stay_where_they_are(database: Database) -> None:
    add(database, 3)
    assert tuple(database.read(lambda db: CONSTANT.first(db, {"email": "2@example.com"}))) == (3.0, False)
    assert database.read(lambda db: CONSTANT.first(db, {"email": "3@example.com"})) is None


def test_errors_are_those_of_any_other_statement(database: Database) -> None:
    add(database, 1)
    with pytest.raises(IntegrityError):
        add(database, 1)
    broken = Prepared(text("SELECT nothing FROM nowhere"))
    for run in (broken.rows, broken.change):
        with pytest.raises(DBAPIError, match="nowhere"):
            database.read(lambda db, run=run: run(db, {}))
    assert len(database.read(lambda db: NAMED.rows(db, ["u0"]))) == 1


@pytest.mark.skipif("SERVICE_DATABASE" in os.environ, reason="asks SQLite how it finds rows")
@pytest.mark.parametrize("statement", [_HEADS, _KNOWN, _WHOLE_ROWS])
def test_a_bundle_of_label_rows_is_found_without_reading_through_the_project(
    database: Database, statement: PreparedList
) -> None:
    def plan(db: Connection) -> list[str]:
        text, names, _ = statement._sized[100]._compiled(db)
        raw: Any = db.connection.driver_connection
        return [row[3] for row in raw.execute("EXPLAIN QUERY PLAN " + text, [""] * len(names or ()))]

    steps = database.read(plan)
    assert steps[0].startswith("SEARCH ")
    assert steps[0].endswith(("(label_hash=?)", "(data_hash=?)"))
    assert all(step.startswith("SEARCH ") and "project_hash=?)" not in step for step in steps)
