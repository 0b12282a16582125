"""What is kept of every image of a COCO file: a few small integers.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.coco.json_walk import Document

Ints = NDArray[np.signedinteger[Any]]


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


class Places:
    """Where the entries of a list stand in a document; ``has_gaps``: some stand between that are none of them."""

    def __init__(self) -> None:
        self._offsets, self._lengths = Column(), Column()
        self._firsts: list[int] = []
        self._bases: list[int] = []
        self.has_gaps = False

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
            for first, last in (
                zip(wanted, wanted, strict=True) if document.is_keyed or self.has_gaps else _runs(wanted)
            )
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
