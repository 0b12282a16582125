"""What is kept of every annotation of a COCO file, on disk: where it stands, and to which image it belongs.

A file of a gigabyte has some two million annotations. What is kept of them lies in temporary files as soon as it is
more than a few megabytes, and is sorted there, a part at a time; what is kept in memory is a number for each image.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.coco.index_entries import NO_ID
from encord_convert.formats.coco.json_walk import Document

Ints = NDArray[np.int64]

IN_MEMORY_BYTES = 4 << 20
"""Records of up to so many bytes stay in memory."""

CHUNK = 1 << 15
"""Records that are looked at together."""

_ODD = np.int64(0x9E3779B97F4A7C15 - (1 << 64))


class Records:
    """Records of a few 64-bit integers, one after the other in a temporary file.

    Parameters
    ----------
    width : int
        Integers of each.
    """

    def __init__(self, width: int) -> None:
        self._row_bytes = 8 * width
        self._width = width
        self._count = 0
        self._path: Path | None = None
        self._take(tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES))  # noqa: SIM115 -- closed with this

    def _take(self, file: IO[bytes]) -> None:
        self._file = file
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        return self._count

    def share(self) -> None:
        """Let other processes read them: they lie in a file with a name then, which goes when this does."""
        if self._path is not None:
            return
        handle, name = tempfile.mkstemp(prefix="encord-convert-")
        weakref.finalize(self, _remove, name, os.getpid())
        self._file.seek(0)
        with open(handle, "wb") as named:
            shutil.copyfileobj(self._file, named, 1 << 20)
        self._file.close()
        self._path = Path(name)
        self._take(self._path.open("rb"))

    def __reduce__(self) -> tuple[Any, ...]:
        assert self._path is not None, "they are shared first"
        return _shared, (self._width, self._count, self._path)

    def extend(self, *columns: Sequence[int] | Ints) -> None:
        """Add records, given as columns."""
        rows = np.array(columns, np.int64).T
        self.write(self._count, rows)

    def write(self, start: int, rows: Ints) -> None:
        """Write records from a place on."""
        self._file.seek(start * self._row_bytes)
        self._file.write(rows.tobytes())
        self._count = max(self._count, start + len(rows))

    def read(self, start: int, end: int) -> Ints:
        """Return the records from one place to before another, a row each."""
        self._file.seek(start * self._row_bytes)
        found = np.frombuffer(self._file.read((end - start) * self._row_bytes), np.int64)
        return found.reshape(-1, self._width)

    def chunks(self) -> Iterator[Ints]:
        """Yield all records, some at a time."""
        for start in range(0, self._count, CHUNK):
            yield self.read(start, min(start + CHUNK, self._count))


def _shared(width: int, count: int, path: Path) -> Records:
    records = Records(width)
    records._count, records._path = count, path
    records._take(path.open("rb"))
    return records


def _remove(name: str, owner: int) -> None:
    if os.getpid() == owner:  # and not a copy of the process that made it
        Path(name).unlink(missing_ok=True)


def repetitions(ids: Records) -> int:
    """Return how many ids stand there a second time."""
    last = None
    for chunk in ids.chunks():
        numbers = chunk[:, 0]
        if not (numbers[1:] > numbers[:-1]).all() or (last is not None and numbers[0] <= last):
            break
        last = int(numbers[-1])
    else:
        return 0  # they rise, as in most files
    parts = len(ids) // CHUNK + 1
    count = 0
    for part in range(parts):
        of_part = [numbers[_parts_of(numbers, parts) == part] for numbers in (chunk[:, 0] for chunk in ids.chunks())]
        together = np.concatenate(of_part)
        count += len(together) - len(np.unique(together))
    return count


def _parts_of(numbers: Ints, count: int) -> Ints:
    """Return in which of so many parts of about equal size each number is, equal ones in the same."""
    with np.errstate(over="ignore"):
        return np.asarray((numbers * _ODD >> np.int64(33)) % count)


class Join:
    """Which annotations belong to which parent, images or videos, and where they stand.

    Parameters
    ----------
    ids : (n,) int
        Of the parents.
    records : Records
        Of each annotation the id of its parent, where it begins in the document, and its bytes.

    Attributes
    ----------
    repeated : dict of int to int
        Parents that have the id of an earlier one, which gets all their annotations.
    """

    def __init__(self, ids: Ints, records: Records) -> None:
        self._order = np.argsort(ids, kind="stable")
        self._ranked = ids[self._order]
        counts = np.zeros(len(ids) + 2, np.int64)
        self._lengths = np.zeros(len(ids) + 1)
        is_sorted, last = True, 0
        for chunk in records.chunks():
            owners = self._owners(chunk[:, 0])
            counts[1:] += np.bincount(owners, minlength=len(ids) + 1)
            self._lengths += np.bincount(owners, chunk[:, 2], minlength=len(ids) + 1)
            is_sorted = is_sorted and last <= int(owners[0]) and bool((owners[1:] >= owners[:-1]).all())
            last = int(owners[-1])
        self._starts = np.cumsum(counts)
        self._is_sorted = is_sorted
        self._records = records if is_sorted else self._sorted(records)
        repeated = np.flatnonzero(self._ranked[1:] == self._ranked[:-1])
        self.repeated = {int(self._order[place + 1]): int(self._order[place]) for place in repeated}
        for later, earlier in self.repeated.items():
            self.repeated[later] = self.repeated.get(earlier, earlier)
        del self._order, self._ranked  # which take as much as all else that is kept

    def share(self) -> None:
        """Let other processes join with it; see :meth:`Records.share`."""
        self._records.share()

    def length(self, parent: int) -> int:
        """Return how many bytes the annotations of a parent are."""
        return int(self._lengths[parent])

    def span(self, parent: int) -> range:
        """Return which annotations a parent has, in the order of parents; of one beyond the last: which have none."""
        return range(int(self._starts[parent]), int(self._starts[parent + 1]))

    def text(self, document: Document, spans: Iterable[range]) -> bytes:
        """Return annotations of the document as a JSON list."""
        merged: list[range] = []
        for span in spans:
            if merged and merged[-1].stop == span.start:
                merged[-1] = range(merged[-1].start, span.stop)
            elif span:
                merged.append(span)
        pieces: list[bytes] = []
        for span in merged:
            rows = self._records.read(span.start, span.stop)
            numbers = np.arange(span.start, span.stop) if self._is_sorted else rows[:, 3]
            # Those that stand one after the other are read together, with the commas between them.
            firsts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 2) != 1)
            if document.is_keyed:
                firsts = np.arange(len(rows))
            lasts = np.append(firsts[1:], len(rows)) - 1
            begins, ends = rows[firsts, 1].tolist(), (rows[lasts, 1] + rows[lasts, 2]).tolist()
            pieces += [document.read(begin, end - begin) for begin, end in zip(begins, ends, strict=True)]
        return b"[" + b",".join(pieces) + b"]"

    def _owners(self, parents: Ints) -> Ints:
        """Return the place of each parent; their number for one that is not among them."""
        count = len(self._ranked)
        if not count:
            return np.zeros(len(parents), np.int64)
        found = np.minimum(np.searchsorted(self._ranked, parents), count - 1)
        is_there = (self._ranked[found] == parents) & (parents != NO_ID)
        return np.where(is_there, self._order[found], count).astype(np.int64)

    def _sorted(self, records: Records) -> Records:
        """Return the records by parent, those of one as they stand: parent, place, bytes, and number in the document.

        They are dealt out to parts of a file that each fit in memory, and each part is sorted.
        """
        bounds = self._bounds(len(records))
        begins = self._starts[bounds]
        ends = np.append(begins[1:], len(records))
        found, free, number = Records(4), begins.tolist(), 0
        for chunk in records.chunks():
            owners = self._owners(chunk[:, 0])
            parts = np.searchsorted(bounds, owners, side="right") - 1
            order = np.argsort(parts, kind="stable")
            rows = np.column_stack([owners, chunk[:, 1:], np.arange(number, number + len(chunk))])[order]
            number += len(chunk)
            firsts = np.flatnonzero(np.diff(parts[order], prepend=-1))
            for part, piece in zip(parts[order[firsts]].tolist(), np.split(rows, firsts[1:]), strict=True):
                found.write(free[part], piece)
                free[part] += len(piece)
        is_one = np.diff(bounds, append=len(self._starts) - 1) == 1
        for start, end in zip(begins[~is_one].tolist(), ends[~is_one].tolist(), strict=True):
            rows = found.read(start, end)
            found.write(start, rows[np.argsort(rows[:, 0], kind="stable")])
        return found

    def _bounds(self, count: int) -> Ints:
        """Return the first parent of each part: a part has one parent, or not much more than a chunk of records."""
        starts = self._starts[:-1]
        cuts = np.searchsorted(starts, np.arange(0, count, CHUNK), side="right") - 1
        large = np.flatnonzero(np.diff(self._starts) > CHUNK)
        bounds = np.unique(np.concatenate([[0], cuts, large, large + 1]))
        return bounds[bounds < len(starts)]
