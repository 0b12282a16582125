"""What is kept of every annotation of a COCO file: a few small integers, and which belong to which image.

A file of a gigabyte has some two million annotations, so that each byte kept of one is two megabytes.

The page of the format is :mod:`encord_convert.formats.coco`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats._coco_documents import Document
from encord_convert.formats._coco_entries import NO_ID

Ints = NDArray[np.signedinteger[Any]]

_CHUNK = 1 << 17


class Column:
    """Integers, in four bytes each as long as all of them fit, else in eight."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: array[int] = array("i")

    def __len__(self) -> int:
        return len(self._numbers)

    def extend(self, numbers: Sequence[int]) -> None:
        """Add integers of up to 64 bits."""
        before = len(self._numbers)
        try:
            self._numbers.extend(numbers)
        except OverflowError:
            self._numbers = array("q", self._numbers[:before])
            self._numbers.extend(numbers)

    def values(self) -> Ints:
        """Return all of them; nothing can be added as long as that is held."""
        return np.frombuffer(self._numbers, self._numbers.typecode) if self._numbers else np.zeros(0, np.int64)

    def clear(self) -> None:
        """Forget all of them."""
        self._numbers = array("i")


def repetitions(ids: Column) -> int:
    """Return how many of the numbers stand there a second time; they are forgotten."""
    numbers = ids.values()
    numbers.sort()  # in place: a copy would be as large
    count = int(np.count_nonzero(numbers[1:] == numbers[:-1]))
    ids.clear()
    return count


class Places:
    """Where the entries of a list stand in a document."""

    def __init__(self) -> None:
        self._offsets, self._lengths = Column(), Column()
        self._firsts: list[int] = []
        self._bases: list[int] = []

    def __len__(self) -> int:
        return len(self._offsets)

    def extend(self, base: int, offsets: Sequence[int], lengths: Sequence[int]) -> None:
        """Add entries that stand together: where each begins behind ``base``, and its bytes."""
        self._firsts.append(len(self._offsets))
        self._bases.append(base)
        self._offsets.extend(offsets)
        self._lengths.extend(lengths)

    def fetched(self, document: Document, wanted: Sequence[int]) -> bytes:
        """Return entries of the document as a JSON list, in the order they are asked for."""
        pieces = [
            document.read(start, self._start(last) + int(self._lengths.values()[last]) - start)
            for first, last in _runs(wanted)
            for start in (self._start(first),)
        ]
        return b"[" + b",".join(pieces) + b"]"

    def _start(self, number: int) -> int:
        base = self._bases[bisect_right(self._firsts, number) - 1]
        return base + int(self._offsets.values()[number])


def _runs(wanted: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each stretch of numbers that follow each other."""
    if not wanted:
        return
    first = last = wanted[0]
    for number in wanted:
        if number > last + 1 or number < last:
            yield first, last
            first = number
        last = number
    yield first, last


class Join:
    """Which annotations belong to which parent, images or videos.

    Parameters
    ----------
    ids : (n,) int
        Of the parents.
    parents : Column of m
        Of each annotation, the id of its parent; forgotten when it is looked up.

    Attributes
    ----------
    repeated : dict of int to int
        Parents that have the id of an earlier one, which gets all their annotations.
    """

    def __init__(self, ids: Ints, parents: Column) -> None:
        order = np.argsort(ids, kind="stable")
        ranked = ids[order]
        owners = np.empty(len(parents), np.int32)
        numbers, counts = parents.values(), np.zeros(len(ids) + 2, np.int64)
        for chunk in _chunks(len(owners)):
            owners[chunk] = _owners(ranked, order, numbers[chunk])
            counts[1:] += np.bincount(owners[chunk], minlength=len(ids) + 1)
        del numbers
        parents.clear()
        self._starts = np.cumsum(counts)
        is_sorted = all(bool((owners[chunk][1:] >= owners[chunk][:-1]).all()) for chunk in _chunks(len(owners), 1))
        self._order = None if is_sorted else _sorted(owners, self._starts)
        repeated = np.flatnonzero(ranked[1:] == ranked[:-1])
        self.repeated = {int(order[place + 1]): int(order[place]) for place in repeated}
        for later, earlier in self.repeated.items():
            self.repeated[later] = self.repeated.get(earlier, earlier)

    def of(self, parent: int) -> list[int]:
        """Return the places of the annotations of a parent; of one beyond the last: of those without any."""
        start, end = int(self._starts[parent]), int(self._starts[parent + 1])
        if self._order is None:
            return list(range(start, end))
        return self._order[start:end].tolist()  # type: ignore[no-any-return]


def _chunks(count: int, overlap: int = 0) -> Iterator[slice]:
    for start in range(0, count, _CHUNK):
        yield slice(start, start + _CHUNK + overlap)


def _owners(ranked: Ints, order: Ints, parents: Ints) -> Ints:
    """Return the place of each parent among those ranked; their number for one that is not among them."""
    if not len(ranked):
        return np.zeros(len(parents), np.int32)
    found = np.minimum(np.searchsorted(ranked, parents), len(ranked) - 1)
    return np.where((ranked[found] == parents) & (parents != NO_ID), order[found], len(ranked)).astype(np.int32)


def _sorted(owners: Ints, starts: Ints) -> Ints:
    """Return the places of the owners in their order, equal ones as they stand; a chunk at a time, in little memory."""
    order, cursor = np.empty(len(owners), np.int32), starts.copy()
    for chunk in _chunks(len(owners)):
        local = np.argsort(owners[chunk], kind="stable")
        ranked = owners[chunk][local]
        begins = np.flatnonzero(np.diff(ranked, prepend=-1))
        sizes = np.diff(begins, append=len(ranked))
        order[cursor[ranked] + np.arange(len(ranked)) - np.repeat(begins, sizes)] = local + chunk.start
        cursor[ranked[begins]] += sizes
    return order
