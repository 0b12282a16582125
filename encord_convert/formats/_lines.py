"""Text files: streamed lines and CSV rows of bounded length, and whole JSON values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby, islice
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source, Target

LONGEST = 1 << 24
"""Longest line in bytes; a run-length mask is one line."""


def lines_of(source: Source, name: str, longest: int = LONGEST) -> Iterator[tuple[int, str]]:
    """Yield number, from 1, and text of each line of a file in UTF-8.

    Raises
    ------
    ReadError
        A line is not UTF-8, or too long.
    """
    number = 0
    with source.open(name) as stream:
        while line := stream.readline(longest + 1):
            number += 1
            if len(line) > longest:
                raise ReadError(source.place(name), f"is longer than {longest} bytes.", line=number)
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ReadError(source.place(name), f"is not text in UTF-8 ({error}).", line=number) from error


def csv_reader(lines: Iterable[str], longest: int = LONGEST, *, strict: bool = False) -> Any:
    """Return what reads the rows of CSV, whose cells have up to so many characters."""
    csv.field_size_limit(max(csv.field_size_limit(), longest))  # of the whole process, and 131072 at first
    return csv.reader(lines, strict=strict)


def rows_of(source: Source, name: str, longest: int = LONGEST) -> Iterator[tuple[int, list[str]]]:
    """Yield line number, from 1, and cells of each non-empty row of a CSV file.

    Raises
    ------
    ReadError
        It is not CSV in UTF-8.
    """
    rows = csv_reader((text for _, text in lines_of(source, name, longest)), longest, strict=True)
    try:
        for row in rows:
            if row:
                yield rows.line_num, row
    except csv.Error as error:
        raise ReadError(source.place(name), f"is not CSV ({error}).", line=rows.line_num or None) from error


def json_of(source: Source, name: str, kind: type, most: int = 1 << 29) -> Any:
    """Return the JSON value of a file.

    Raises
    ------
    ReadError
        It is not JSON, not of this type, or too large to hold in memory.
    """
    text = source.head(name, most + 1)
    if len(text) > most:
        raise ReadError(source.place(name), f"is larger than {most >> 20} MB.", advice="Cut it into several files.")
    try:
        value = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(source.place(name), f"is not JSON ({error}).", advice="Was the file cut short?") from error
    if not isinstance(value, kind):
        what = "a list" if kind is list else "an object"
        raise ReadError(source.place(name), f"holds {value!r:.60}, and not {what}.")
    return value


class Table:
    """A CSV file with a header line, whose rows are grouped by one column.

    Parameters
    ----------
    source : Source
    name : str
    by : str
        The column.

    Attributes
    ----------
    columns : list of str
    groups : set of str
        The values in the column ``by``.
    damaged : list of (int, str)
        Line and fault of each skipped row whose cell count differs from the header's.

    Raises
    ------
    ReadError
        It is not CSV, or no row has as many cells as the header.
    """

    def __init__(self, source: Source, name: str, by: str) -> None:
        self.name = name
        self._source = source
        self._by = by
        self.columns = [cell.lstrip("#") for cell in next((row for _, row in rows_of(source, name)), [])]
        if self.columns and by not in self.columns:
            raise ReadError(source.place(name), f"has no column {by!r} in its first line.", line=1)
        self.damaged = [*islice(self._faults(), MOST_HELD + 1)]
        if len(self.damaged) > MOST_HELD:
            raise ReadError(source.place(name), f"has more than {MOST_HELD} rows of another length than the first.")
        self.groups: set[str] = set()
        self._apart: set[str] = set()
        for key, _ in groupby(self.rows(), key=self._key):
            (self._apart if key in self.groups else self.groups).add(key)
            if len(self.groups) > MOST_GROUPS:
                fact = f"has more than {MOST_GROUPS} different values of {by}."
                raise ReadError(source.place(name), fact, advice="Cut it into several files.")
        if self.damaged and not self.groups:
            line, fact = self.damaged[0]
            raise ReadError(source.place(name), fact, line=line)

    def _faults(self) -> Iterator[tuple[int, str]]:
        for line, cells in rows_of(self._source, self.name):
            if len(cells) != len(self.columns):
                yield line, f"has {len(cells)} cells; the first line names {len(self.columns)} columns."

    def _key(self, row: tuple[int, dict[str, str]]) -> str:
        return row[1][self._by]

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield line and cells of each row."""
        rows = rows_of(self._source, self.name)
        next(rows, None)
        for line, cells in rows:
            if len(cells) == len(self.columns):
                yield line, dict(zip(self.columns, cells, strict=True))

    def grouped(self) -> Iterator[tuple[str, list[tuple[int, dict[str, str]]]]]:
        """Yield the rows of each group; rows apart from their group in the file are held in memory.

        Raises
        ------
        ReadError
            There are too many.
        """
        held: dict[str, list[tuple[int, dict[str, str]]]] = {key: [] for key in self._apart}
        count = 0
        for row in self.rows() if held else ():
            if self._key(row) in held:
                held[self._key(row)].append(row)
                count += 1
            if count > MOST_HELD:
                fact = f"has more than {MOST_HELD} rows that are apart from others with the same {self._by}."
                raise ReadError(self._source.place(self.name), fact, advice=f"Sort it by {self._by}.")
        for key, some in groupby(self.rows(), key=self._key):
            if key not in self._apart:
                together = list(islice(some, MOST_HELD + 1))
                if len(together) > MOST_HELD:
                    fact = f"has more than {MOST_HELD} rows with the {self._by} {key!r:.40}."
                    raise ReadError(self._source.place(self.name), fact)
                yield key, together
            elif key in held:
                yield key, held.pop(key)


MOST_HELD, MOST_GROUPS = 500_000, 10_000_000
"""Limits on the rows and groups held in memory."""


def csv_writer(stack: ExitStack, target: Target, name: str, columns: Sequence[str]) -> Any:
    """Return a CSV writer on a file that closes with the stack."""
    text = io.TextIOWrapper(stack.enter_context(target.open(name)), "utf-8", "surrogatepass", newline="")
    writer = csv.writer(stack.enter_context(text), lineterminator="\n")
    writer.writerow(columns)
    return writer
