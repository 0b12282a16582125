"""The journal of a push, an SQLite file written before each step begins and when it is done."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, NotRequired, Self, TypedDict

import msgspec

from encord_convert.errors import ConflictError, ConvertError, JournalError, WriteError

SCHEMA = """
create table if not exists facts (name text primary key, value text not null) without rowid;
create table if not exists steps (
    kind text not null, key text not null, state text not null, value text not null, primary key (kind, key)
) without rowid;
"""


FINISHED = ("push", "all")
"""The final step."""
UNDONE = ("push", "undone")
"""The step that marks undoing, begun and done."""


class _LabelStep(TypedDict):
    project: str
    label: str
    after: str
    is_ours: bool
    status: NotRequired[str]


_TYPES: dict[tuple[str, str], Any] = {
    ("made", "done"): str | int, ("data", "begun"): list[dict[str, Any]], ("data", "done"): str, ("file", "done"): bool,
    ("labels", "begun"): _LabelStep, ("labels", "done"): _LabelStep, ("replaced", "done"): dict[str, Any],
    ("undo", "done"): bool | int, ("push", "begun"): bool, ("push", "done"): bool,
}  # fmt: skip
"""Type of the value of each kind of step, checked since a journal may be damaged or foreign."""
_DECODERS = {step: msgspec.json.Decoder(type_) for step, type_ in _TYPES.items()}


class Journal:
    """The journal of one plan.

    Writes are on disk when the call returns. Thread-safe.

    Parameters
    ----------
    path : path
        Created if missing.
    plan : str
        Digest of the plan.

    Raises
    ------
    JournalError
        The file belongs to another plan, or is not a journal.
    """

    def __init__(self, path: str | Path, plan: str) -> None:
        self._path = path
        self._lock = Lock()
        with self._checked():
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=1)
            self._db.text_factory = _text
            self._db.execute("pragma locking_mode = exclusive")
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(SCHEMA)
            self._db.execute("insert or ignore into facts values ('plan', ?)", (plan,))
            [(known,)] = self._db.execute("select value from facts where name = 'plan'")
        if known != plan:
            self._db.close()
            raise JournalError(f"{path}: is the journal of another plan. Remove it, or apply that plan to its end.")

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """Convert errors of SQLite or the disk to JournalError."""
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _in_words(self._path, error) from error

    def _value(self, kind: str, state: str, text: Any) -> Any:
        """Return the value of a step, checked for the type of its kind."""
        try:
            return _DECODERS[kind, state].decode(text)
        except (KeyError, msgspec.DecodeError, TypeError, RecursionError) as error:
            raise JournalError(f"{self._path}: the journal is damaged ({kind} {state}: {error}). {_ADVICE}") from error

    def done(self, kind: str, key: str) -> Any:
        """Return the result of a step, None if it is not done."""
        state, value = self._read(kind, key)
        return value if state == "done" else None

    def begun(self, kind: str, key: str) -> Any:
        """Return the value with which a step was begun, None if never begun or already done."""
        state, value = self._read(kind, key)
        return value if state == "begun" else None

    def has(self, kind: str, key: str) -> bool:
        """Return whether a step was begun or done."""
        return self._read(kind, key)[0] is not None

    def _read(self, kind: str, key: str) -> tuple[str | None, Any]:
        with self._lock, self._checked():
            found = self._db.execute(
                "select state, value from steps where kind = ? and key = ?", (kind, key)
            ).fetchone()
        return (found[0], self._value(kind, found[0], found[1])) if found else (None, None)

    def begin(self, kind: str, key: str, value: Any = True) -> None:
        """Record that a step begins."""
        self._write([(kind, key, "begun", json.dumps(value))])

    def finish(self, kind: str, key: str, value: Any = True) -> None:
        """Record that a step is done, with its result."""
        self._write([(kind, key, "done", json.dumps(value))])

    def begin_all(self, kind: str, values: dict[str, Any]) -> None:
        """Record that several steps begin, in one transaction."""
        self._write([(kind, key, "begun", json.dumps(value)) for key, value in values.items()])

    def finish_all(self, kind: str, values: dict[str, Any]) -> None:
        """Record that several steps are done, in one transaction."""
        self._write([(kind, key, "done", json.dumps(value)) for key, value in values.items()])

    def forget(self, kind: str, keys: Iterable[str]) -> None:
        """Delete steps, begun or done."""
        with self._lock, self._checked():
            self._db.executemany("delete from steps where kind = ? and key = ?", [(kind, key) for key in keys])

    def _write(self, rows: list[tuple[str, str, str, str]]) -> None:
        if not rows:
            return
        with self._lock, self._checked():
            self._db.execute("begin")
            self._db.executemany("insert or replace into steps values (?, ?, ?, ?)", rows)
            self._db.execute("commit")

    def all_done(self, kind: str) -> dict[str, Any]:
        """Return the results of all done steps of a kind, by key."""
        with self._lock, self._checked():
            rows = self._db.execute(
                "select key, value from steps where kind = ? and state = 'done'", (kind,)
            ).fetchall()
        return {key: self._value(kind, "done", value) for key, value in rows}

    def keys_done(self, kind: str) -> set[str]:
        """Return the keys of all steps of a kind that are done."""
        with self._lock, self._checked():
            rows = self._db.execute("select key from steps where kind = ? and state = 'done'", (kind,)).fetchall()
        return {key for (key,) in rows}

    def count(self, kind: str) -> int:
        """Return how many steps of a kind were begun or done."""
        with self._lock, self._checked():
            [(number,)] = self._db.execute("select count(*) from steps where kind = ?", (kind,))
        return int(number)

    def steps(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Yield key and last value of each step of a kind, begun or done, sorted by key and paged."""
        last = ""
        while True:
            with self._lock, self._checked():
                rows = self._db.execute(
                    "select key, state, value from steps where kind = ? and key > ? order by key limit 1000",
                    (kind, last),
                ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            for key, state, value in rows:
                yield key, self._value(kind, state, value)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        """Return the journal."""
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _text(data: bytes) -> str:
    """Decode a text of the journal; damaged text matches no plan and no step."""
    return data.decode("utf-8", "replace")


_ADVICE = "Move it away to start over; what was sent stays."


def _in_words(path: str | Path, error: sqlite3.Error | UnicodeDecodeError) -> ConvertError:
    if "locked" in str(error):
        return ConflictError(AT_WORK.format(path))
    if type(error) is sqlite3.OperationalError and "no such" not in str(error):  # a full disk, a folder without rights
        return WriteError(f"{path}: the journal cannot be written ({error}).")
    return JournalError(f"{path}: is not the journal of a push, or is damaged ({error}). {_ADVICE}")


AT_WORK = "{}: another push is running this plan. Wait for its end."


def open_journal(path: str | Path) -> Journal:
    """Open a journal without knowing its plan.

    Raises
    ------
    JournalError
        The file is not a journal.
    """
    plan = _plan_of(path)
    if plan is None:
        raise JournalError(f"{path}: is not the journal of a push, or nothing was done yet.")
    return Journal(path, plan)


def _plan_of(path: str | Path) -> str | None:
    """Return the digest of a journal's plan, None if not yet written."""
    try:
        with closing(sqlite3.connect(path, timeout=1)) as db:
            db.text_factory = _text
            if db.execute("select 1 from sqlite_master where name = 'facts'").fetchone() is None:
                return None
            found = db.execute("select value from facts where name = 'plan'").fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _in_words(path, error) from error
    return None if found is None else str(found[0])


def is_over(path: str | Path) -> bool:
    """Return whether the push of a journal finished without failures, or was undone."""
    if _plan_of(path) is None:
        return False
    with open_journal(path) as journal:
        return journal.done(*FINISHED) is not None or journal.has(*UNDONE)


def is_begun(path: str | Path) -> bool:
    """Return whether a journal has any steps."""
    if _plan_of(path) is None:
        return False
    with open_journal(path) as journal:
        return any(map(journal.count, ("made", "data", "file", "labels")))
