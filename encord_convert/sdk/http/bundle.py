"""Many small calls sent as few large ones.

Source: wire protocol, section 11.7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import islice
from types import TracebackType
from typing import Any

CONNECTIONS = 4
"""How many large calls are under way at once."""


class Bundle:
    """Collects calls, and sends those of a kind together.

    Kinds are sent in the order they were first queued, one after the other, since a later one may need what an earlier
    one made; the large calls of one kind go out on a few connections at once, and their results are taken in the order
    they were asked for. Leaving a ``with`` block without an error sends what is queued.
    """

    def __init__(self) -> None:
        self._queued: dict[Any, list[tuple[Any, Any, Any, int]]] = {}

    def add(
        self,
        operation: Callable[[Any], Any],
        request_reducer: Callable[[Any, Any], Any],
        result_mapper: Any,
        payload: Any,
        limit: int,
    ) -> None:
        """Queue a call.

        Parameters
        ----------
        operation : callable
            Takes a payload and returns the rows that came back.
        request_reducer : callable
            Makes one payload of two.
        result_mapper : ResultMapper or None
            Tells which of the rows belongs to this call, and takes it; None: nothing comes back.
        payload
            What the operation takes.
        limit : int
            The most calls one large call carries.
        """
        self._queued.setdefault(operation, []).append((request_reducer, result_mapper, payload, limit))

    def execute(self) -> None:
        """Send what is queued. What failed stays out of the queue; what was sent before it has been carried out."""
        queued, self._queued = self._queued, {}
        for operation, calls in queued.items():
            _execute(operation, calls)

    def __enter__(self) -> Bundle:
        """Collect calls until the block ends."""
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Send what is queued, unless the block failed."""
        if type_ is None:
            self.execute()


def _execute(operation: Callable[[Any], Any], calls: list[tuple[Any, Any, Any, int]]) -> None:
    batches = list(_batches(calls, calls[0][3]))
    payloads = [reduce(calls[0][0], (payload for _, _, payload, _ in batch)) for batch in batches]
    if len(payloads) == 1:
        _take(batches[0], operation(payloads[0]))
        return
    with ThreadPoolExecutor(min(CONNECTIONS, len(payloads))) as pool:
        for batch, rows in zip(batches, pool.map(operation, payloads), strict=True):
            _take(batch, rows)


def _batches(calls: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(calls)
    while batch := list(islice(rest, size)):
        yield batch


def _take(batch: list[tuple[Any, Any, Any, int]], rows: Any) -> None:
    """Give each call its row; unrequested rows and calls without a row are ignored."""
    waiting: dict[str, list[Any]] = defaultdict(list)
    for _, mapper, _, _ in batch:
        if mapper is not None:
            waiting[mapper.uid].append(mapper)
    for row in rows if waiting else ():
        mappers = next(iter(waiting.values()))
        for mapper in waiting.get(mappers[0].uid_of(row), ()):
            mapper.take(row)
