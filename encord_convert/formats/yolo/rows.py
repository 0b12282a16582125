"""Parses rows of label files to numbers, many files at a time.

A row is a class and numbers, separated by white space. :mod:`encord_convert.formats.yolo.tasks` decides what it means.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.yolo.fast_numbers import six_decimals
from encord_convert.hub.visibility import FARTHEST_PX, is_far

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]
Flags = NDArray[np.bool_]

LARGEST_FILE = 64 << 20
"""Bytes of a label file."""
_PLAIN = b"0123456789.-+eE \n"
_TO_SPACE = bytes.maketrans(b"\r\t\x0b\x0c", b"    ")
_MARK = b"\xef\xbb\xbf"
_LARGEST_CLASS = 1 << 31
_EXCERPT = 60


class Fault(NamedTuple):
    """A row that is not read.

    ``image`` is its index in the page, ``line`` one-based, ``number`` the class if it can be parsed.
    """

    image: int
    line: int
    code: str
    detail: str
    number: int = -1


@dataclass(slots=True)
class Page:
    """The rows of many images, in columns.

    Attributes
    ----------
    counts : (images,) int
        How many rows each image has.
    classes : (n,) int
    widths : (n,) int
        Count of numbers after the class of each row.
    numbers : (sum of widths,) float
        All rows concatenated.
    lines : (n,) int
        Line of each row in its file, one-based.
    faults : list of Fault
    """

    counts: Ints
    classes: Ints
    widths: Ints
    numbers: Floats
    lines: Ints
    faults: list[Fault] = field(default_factory=list)
    _starts: Ints | None = None
    _owners: Ints | None = None

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def starts(self) -> Ints:
        """Start of each row in ``numbers``."""
        if self._starts is None:
            self._starts = np.cumsum(self.widths, dtype=np.int64) - self.widths
        return self._starts

    @property
    def owners(self) -> Ints:
        """Image index of each row."""
        if self._owners is None:
            self._owners = np.repeat(np.arange(len(self.counts)), self.counts)
        return self._owners

    def row(self, index: int) -> list[float]:
        """Return the numbers of a row."""
        start = int(self.starts[index])
        values: list[float] = self.numbers[start : start + int(self.widths[index])].tolist()
        return values

    def block(self, at: Ints, count: int) -> Floats:
        """Return the first ``count`` numbers of some rows as a 2-D array."""
        if len(at) == len(self) and len(self) and int(self.widths.min()) == int(self.widths.max()):
            return self.numbers.reshape(len(self), -1)[:, :count]
        found: Floats = self.numbers[self.starts[at][:, None] + np.arange(count)]
        return found

    def last(self, back: int = 1) -> Floats:
        """Return the last, or last but one, number of each row; arbitrary for empty rows."""
        ends = np.cumsum(self.widths, dtype=np.int64)
        return self.numbers[np.maximum(ends - back, 0)] if len(self.numbers) else np.zeros(len(self))

    def without(self, gone: Flags) -> Page:
        """Return the page without some rows."""
        if not gone.any():
            return self
        kept = ~gone
        owners = self.owners[kept]
        counts = np.bincount(owners, minlength=len(self.counts)).astype(np.int64)
        numbers = self.numbers[np.repeat(kept, self.widths)]
        return Page(counts, self.classes[kept], self.widths[kept], numbers, self.lines[kept], self.faults)


def page_of(texts: Sequence[bytes]) -> Page:
    """Parse label files, one text per image, empty for images without a file."""
    text = b"\n".join([*texts, b""]).translate(_TO_SPACE)
    page = None if text.translate(None, _PLAIN) else _numeric_page(texts, text)
    return page if page is not None else joined([_file_page(item) for item in texts])


def page_of_rows(images: Iterable[Iterable[Sequence[float]]]) -> Page:
    """Make a page from rows given as lists of numbers, the class first."""
    counts: list[int] = []
    classes: list[int] = []
    widths: list[int] = []
    lines: list[int] = []
    numbers: list[float] = []
    faults: list[Fault] = []
    for image, rows in enumerate(images):
        before = len(classes)
        for line, row in enumerate(rows, 1):
            code = _fault_of(row)
            if code:
                faults.append(Fault(image, line, *code))
                continue
            classes.append(int(row[0]))
            widths.append(len(row) - 1)
            numbers += row[1:]
            lines.append(line)
        counts.append(len(classes) - before)
    ints = [np.array(item, np.int64) for item in (counts, classes, widths, lines)]
    return Page(ints[0], ints[1], ints[2], np.array(numbers, np.float64), ints[3], faults)


def joined(pages: Sequence[Page]) -> Page:
    """Concatenate pages."""
    faults: list[Fault] = []
    before = 0
    for item in pages:
        faults += [fault._replace(image=fault.image + before) for fault in item.faults]
        before += len(item.counts)
    counts, classes, widths, numbers, lines = (
        np.concatenate([getattr(page, name) for page in pages])
        for name in ("counts", "classes", "widths", "numbers", "lines")
    )
    return Page(counts, classes, widths, numbers, lines, faults)


def _numeric_page(texts: Sequence[bytes], text: bytes) -> Page | None:
    """Parse files of nothing but numbers; None if something is not a number."""
    chars = np.frombuffer(text, np.uint8)
    is_ink = chars > ord(" ")
    tokens = np.flatnonzero(is_ink & ~np.concatenate([[False], is_ink[:-1]]))
    newlines = np.flatnonzero(chars == ord("\n"))
    counts_by_line = np.diff(np.searchsorted(tokens, newlines), prepend=0)
    lines = np.flatnonzero(counts_by_line)
    widths = counts_by_line[lines]
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    last_lines = np.searchsorted(newlines, np.cumsum(lengths + 1) - 1)  # the last newline of each file was added
    owners = np.searchsorted(last_lines, lines)
    firsts = np.cumsum(widths) - widths
    is_class = np.zeros(len(tokens), bool)
    is_class[firsts] = True
    values = six_decimals(chars, tokens, is_class)
    if values is None:
        values = _numbers_in(text)
        if len(values) != len(tokens):
            return None
    classes = values[firsts]
    is_whole = (classes == np.floor(classes)) & (classes >= 0) & (classes < _LARGEST_CLASS)
    if not is_whole.all() or not -FARTHEST_PX <= values.min(initial=0.0) <= values.max(initial=0.0) <= FARTHEST_PX:
        return None
    counts = np.bincount(owners, minlength=len(texts)).astype(np.int64)
    before = np.concatenate([[0], last_lines[:-1] + 1])
    lines = (lines - before[owners] + 1).astype(np.int32)
    return Page(counts, classes.astype(np.int32), (widths - 1).astype(np.int32), values[~is_class], lines)


def _numbers_in(text: bytes) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parsing that stops early gives too few
        try:
            return np.fromstring(text, np.float64, sep=" ")
        except ValueError:
            return np.zeros(0)


def _file_page(text: bytes) -> Page:
    rows: list[list[float]] = []
    lines: list[int] = []
    faults: list[Fault] = []
    text = text.removeprefix(_MARK)
    for line, words in enumerate(text.split(b"\n" if b"\n" in text else b"\r"), 1):
        tokens = words.split()
        if not tokens:
            continue
        row, wrong = _numbers_of(tokens)
        if wrong is not None:
            said = wrong.decode("utf-8", "replace")[:_EXCERPT]
            comma = " Numbers have points, and spaces between them." if "," in said else ""
            faults.append(Fault(0, line, "INVALID_ROW", f"{said!r} is not a number.{comma}"))
            continue
        if code := _fault_of(row):
            faults.append(Fault(0, line, *code))
        else:
            rows.append(row)
            lines.append(line)
    page = page_of_rows([rows])
    page.lines = np.array(lines, np.int64)
    page.faults = faults
    return page


def _numbers_of(tokens: Sequence[bytes]) -> tuple[list[float], bytes | None]:
    """Return the numbers of a row, and the first word that is not a number; None if all are."""
    row: list[float] = []
    for token in tokens:
        try:
            row.append(float(token))
        except ValueError:
            return row, token
    return row, None


def _fault_of(row: Sequence[float]) -> tuple[str, str] | None:
    """Return code and sentence of what is wrong with a row whatever it means; None if nothing is."""
    is_fine = all(isinstance(one, (int, float)) for one in row) and not is_far(row[1:])
    if not row or not is_fine or not abs(row[0]) < 1e300:
        return "INVALID_ROW", "A row has a number that is not finite, or beyond any image."
    if row[0] != int(row[0]) or not 0 <= row[0] < _LARGEST_CLASS:
        return "CLASS_UNKNOWN", f"{row[0]:g} is not the number of a class."
    return None
