"""Short writes run on the thread that hands them in, many in a commit; whatever gets in their way, each is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from encord_convert.service.store.database import Database, open_database


class Loop:
    """What an event loop does for the writes: calls functions on this thread, one after the other."""

    def __init__(self) -> None:
        self.calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self.called = Event()

    def soon(self, function: Callable[..., None], *arguments: Any) -> None:
        self.calls.append((function, arguments))
        self.called.set()

    def run(self, *until: Future[Any]) -> None:
        """Call what is to be called until the futures are done."""
        while not all(future.done() for future in until):
            if not self.calls:
                self.called.wait(0.01)
                self.called.clear()
                continue
            function, arguments = self.calls.popleft()
            function(*arguments)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path)
    opened.write(lambda db: db.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))).result()
    yield opened
    opened.close()


def adding(number: int) -> Callable[[Connection], int]:
    def work(db: Connection) -> int:
        db.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
        return number

    return work


def numbers(database: Database) -> list[int]:
    return database.read(lambda db: list(db.scalars(text("SELECT number FROM numbers ORDER BY number"))))


def test_writes_handed_in_together_are_there_when_each_is_answered(database: Database) -> None:
    loop = Loop()
    first = [database.write(adding(number), loop.soon) for number in range(5)]
    assert len(loop.calls) == 1
    later: list[Future[int]] = []
    first[0].add_done_callback(lambda _: later.append(database.write(adding(9), loop.soon)))
    loop.run(*first)
    assert numbers(database)[:5] == [0, 1, 2, 3, 4]
    loop.run(*later)
    assert [one.result() for one in (*first, *later)] == [0, 1, 2, 3, 4, 9]
    assert numbers(database)[-1] == 9


def test_of_writes_handed_in_together_the_one_that_fails_fails_alone(database: Database) -> None:
    loop = Loop()
    works = [database.write(adding(number), loop.soon) for number in (1, 2, 2, 3)]
    loop.run(*works)
    assert [one.exception() is None for one in works] == [True, True, False, True]
    assert numbers(database) == [1, 2, 3]


def test_a_longer_write_is_not_waited_for(database: Database) -> None:
    loop, began, may_end = Loop(), Event(), Event()

    def long(db: Connection) -> None:
        began.set()
        assert may_end.wait(10)
        adding(0)(db)

    longer = database.write(long)
    assert began.wait(10)
    works = [database.write(adding(number), loop.soon) for number in (1, 2)]
    while loop.calls:
        function, arguments = loop.calls.popleft()
        function(*arguments)  # does not wait, or this test would not end
    assert not any(one.done() for one in works)
    may_end.set()
    assert [longer.result(10), *(one.result(10) for one in works)] == [None, 1, 2]
    assert numbers(database) == [0, 1, 2]


def test_a_commit_that_fails_holds_nothing_and_is_tried_again(database: Database) -> None:
    loop, failures = Loop(), [OSError("the disk")]

    @event.listens_for(database.engine, "commit")
    def fail(_: Connection) -> None:
        if failures:
            raise failures.pop()

    works = [database.write(adding(number), loop.soon) for number in (1, 2)]
    loop.run(*works)
    assert not failures
    later = database.write(adding(3), loop.soon)
    loop.run(later)
    assert [one.result() for one in (*works, later)] == [1, 2, 3]
    assert numbers(database) == [1, 2, 3]


def test_another_process_that_writes_is_not_waited_for_on_this_thread(database: Database) -> None:
    loop = Loop()
    with database.engine.connect().execution_options(writes=True) as other, other.begin():
        works = [database.write(adding(number), loop.soon) for number in (1, 2)]
        while loop.calls:
            function, arguments = loop.calls.popleft()
            function(*arguments)
        assert not any(one.done() for one in works)
    assert [one.result(10) for one in works] == [1, 2]


def test_what_is_handed_in_when_the_database_closes_is_done(database: Database, tmp_path: Path) -> None:
    loop = Loop()
    works = [database.write(adding(number), loop.soon) for number in (1, 2)]
    function, arguments = loop.calls.popleft()
    function(*arguments)  # these are being committed, and the loop is never heard of again
    works.append(database.write(adding(3), loop.soon))
    database.close()
    assert works[2].result(10) == 3
    again = open_database(tmp_path)
    assert numbers(again) == [1, 2, 3]
    again.close()
