"""Writes: one at a time where the database has one writer, many in one commit, answered after the commit.

SQLite: a thread of its own takes what waits, runs it and commits all together, so that one flush to the disk serves
many callers; a write that fails undoes itself alone. Short writes run on the thread that hands them in, a moment later
and all together; another waits for the disk meanwhile. For every statement lets go of the interpreter, and to get it
back from another thread takes longer than a short write. If a longer write is under way, that thread does these too.
PostgreSQL: a pool of threads, a transaction each.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from encord_convert.service.faults import FULL, FullDiskError

T = TypeVar("T")
Work = Callable[[Connection], T]

MOST_AT_ONCE = 128
"""Writes in one commit, at most: none waits for long."""
ATTEMPTS = 25
"""How often a write of PostgreSQL is run that met another one: of those that meet, one gets through each time."""
SHORTEST_WAIT_MS = 20
"""How long a short write waits for another process that writes, before it is left to the thread."""
LONGEST_PAUSE_S = 0.1
"""Before it is run again."""


Soon = Callable[..., Any]
"""Lets a function be called on the thread that hands in, on any thread: ``loop.call_soon_threadsafe``."""


class Writes(Protocol):
    """Where writes are handed in."""

    def submit(self, work: Work[T], soon: Soon | None = None) -> Future[T]:
        """Run a function in a transaction; its result is there once that is committed.

        The function may be run more than once; what it did before is rolled back each time. Given ``soon``, it is short
        and may run on this thread, which hands in all that come with it.
        """

    def close(self) -> None:
        """Finish what was handed in, and take no more."""


class OneWriter:
    """Writes of SQLite: a thread that commits in batches, and batches of short ones."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: SimpleQueue[tuple[Work[Any], Future[Any]] | None] = SimpleQueue()
        self._short: list[tuple[Work[Any], Future[Any]]] = []
        self._soon: Soon = _never
        self._short_connection: Connection | None = None
        self._underway: tuple[list[tuple[Work[Any], Future[Any]]], list[Any]] | None = None
        """Short writes that are being committed, and what they returned."""
        self._committer = ThreadPoolExecutor(1, "commits")
        self._turn = Lock()
        """Whoever has it writes."""
        self._is_open = True
        self._thread = Thread(target=self._run, name="writes", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], soon: Soon | None = None) -> Future[T]:
        """Hand in a write; see :class:`Writes`. Short ones come from one thread."""
        if not self._is_open:
            raise RuntimeError("The database is closed.")
        future: Future[T] = Future()
        if soon is None:
            self._waiting.put((work, future))
        else:
            self._soon = soon
            self._short.append((work, future))
            if len(self._short) == 1 and self._underway is None:
                soon(self._begin_short)
        return future

    def close(self) -> None:
        """Finish; see :class:`Writes`."""
        if self._is_open:
            self._is_open = False
            self._committer.shutdown()
            if self._underway is not None:  # whoever handed them in hears no more
                self._turn.release()
            self._leave([])
            self._waiting.put(None)
            self._thread.join()
            if self._short_connection is not None:
                self._short_connection.close()

    def _begin_short(self) -> None:
        """Run the short writes that were handed in, and let the disk have them; or leave them to the other thread."""
        if not self._short or self._underway is not None or not self._is_open:
            return
        batch, self._short = self._short[:MOST_AT_ONCE], self._short[MOST_AT_ONCE:]
        if not self._turn.acquire(blocking=False):
            self._leave(batch)
            return
        try:
            connection = self._connection_of_short()
            transaction = connection.begin()
            values = [work(connection) for work, _ in batch]
        except Exception:  # nothing of it is written; the other thread finds out whose fault it is
            self._give_up(batch)
            return
        self._underway = batch, values
        committed = self._committer.submit(transaction.commit)
        committed.add_done_callback(self._report_end)

    def _report_end(self, committed: Future[None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._soon(self._end_short, committed)

    def _end_short(self, committed: Future[None]) -> None:
        assert self._underway is not None
        batch, values = self._underway
        self._underway = None
        if committed.exception() is not None:
            self._give_up(batch)
            return
        self._turn.release()
        _resolve(batch, [(value, None) for value in values])
        self._begin_short()

    def _give_up(self, batch: list[tuple[Work[Any], Future[Any]]]) -> None:
        """Leave writes to the other thread, and let go of whatever the connection still holds."""
        if self._short_connection is not None:
            self._short_connection.invalidate()
            self._short_connection.close()
            self._short_connection = None
        self._turn.release()
        self._leave(batch)

    def _leave(self, batch: list[tuple[Work[Any], Future[Any]]]) -> None:
        for item in (*batch, *self._short):
            self._waiting.put(item)
        self._short = []

    def _connection_of_short(self) -> Connection:
        if self._short_connection is None:
            connection = self._engine.connect().execution_options(writes=True)
            raw: Any = connection.connection.driver_connection
            raw.execute(f"PRAGMA busy_timeout={SHORTEST_WAIT_MS}")
            self._short_connection = connection
        return self._short_connection

    def _run(self) -> None:
        with self._engine.connect().execution_options(writes=True) as connection:
            while (first := self._waiting.get()) is not None:
                batch = [first]
                while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                    following = self._waiting.get()
                    if following is None:
                        self._waiting.put(None)
                        break
                    batch.append(following)
                self._commit([item for item in batch if item[1].set_running_or_notify_cancel()], connection)

    def _commit(self, batch: list[tuple[Work[Any], Future[Any]]], connection: Connection) -> None:
        try:
            with self._turn:
                outcomes = _together([work for work, _ in batch], connection)
        except Exception as error:
            if len(batch) > 1:
                # One of them made the database give up on all: each alone, only that one fails.
                for item in batch:
                    self._commit([item], connection)
            else:
                batch[0][1].set_exception(_translated(error))
            return
        _resolve(batch, outcomes)


def _never(*_: Any) -> None:
    raise AssertionError("nothing was handed in")


def _resolve(batch: list[tuple[Work[Any], Future[Any]]], outcomes: list[tuple[Any, Exception | None]]) -> None:
    for (_, future), (value, failure) in zip(batch, outcomes, strict=True):
        future.set_result(value) if failure is None else future.set_exception(failure)


def _together(batch: list[Work[Any]], connection: Connection) -> list[tuple[Any, Exception | None]]:
    """Run writes and commit them. Mostly none fails; if one does, all are run again, each in a savepoint of its own."""
    if len(batch) == 1:
        with connection.begin():
            return [(batch[0](connection), None)]
    with suppress(Exception), connection.begin():  # what it was is told by the second run
        return [(work(connection), None) for work in batch]
    with connection.begin():
        return [_outcome(work, connection) for work in batch]


def _outcome(work: Work[Any], connection: Connection) -> tuple[Any, Exception | None]:
    """Run one write in a savepoint; a failure that is not the database's undoes that one alone."""
    raw: Any = connection.connection.driver_connection
    raw.execute("SAVEPOINT one")
    try:
        value = work(connection)
    except OperationalError:
        raise
    except Exception as error:
        raw.execute("ROLLBACK TO one")
        raw.execute("RELEASE one")
        return None, error
    raw.execute("RELEASE one")
    return value, None


def _translated(error: Exception) -> Exception:
    """Return the error a caller is told: a full disk is no bug."""
    text = str(getattr(error, "orig", "")).lower()
    if "disk is full" in text or "no space left" in text or "disk i/o error" in text:
        return FullDiskError(FULL)
    return error


class ManyWriters:
    """Writes of PostgreSQL: a transaction each, on a few threads."""

    def __init__(self, engine: Engine, threads: int = 8) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(threads, "writes")

    def submit(self, work: Work[T], soon: Soon | None = None) -> Future[T]:
        """Hand in a write; see :class:`Writes`."""
        return self._pool.submit(self._run, work)

    def close(self) -> None:
        """Finish; see :class:`Writes`."""
        self._pool.shutdown()

    def _run(self, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except (IntegrityError, OperationalError) as error:
                # Two writes met: the later one sees what the earlier one wrote, and says what it has to say of it.
                if attempt == ATTEMPTS:
                    raise _translated(error) from error
                # By chance, or those that met would meet again.
                time.sleep(random.uniform(0, min(0.002 * 2**attempt, LONGEST_PAUSE_S)))
        raise AssertionError
