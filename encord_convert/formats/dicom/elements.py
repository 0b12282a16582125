"""Streaming reader for data elements of DICOM files.

Values are not converted, only requested sequences are entered, and no length is trusted before the bytes are there:
sequences of any depth are skipped in a loop, and inflation is limited.
"""

from __future__ import annotations

import contextlib
import io
import zlib
from struct import Struct
from typing import Any, BinaryIO

from encord_convert.formats._files import MAX_RATIO, RATIO_SLACK_BYTES

CHUNK_BYTES = 16_384
MAX_VALUE_BYTES = 65_536
"""Longest value that is kept; the elements read here have a few dozen bytes."""
MAX_DEPTH = 8
"""Nesting limit of requested sequences; functional groups need two."""
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
DEFLATED = "1.2.840.10008.1.2.1.99"

_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
VRS = _LONG | frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Value representations. Source: PS3.5, 6.2 and 7.1.2."""

Element = Any
"""The bytes of a value, or the items of a sequence."""
Dataset = dict[int, Element]


class NotDicomError(ValueError):
    """The bytes are not a DICOM file."""


class CutError(ValueError):
    """The file is truncated."""


class DamagedError(ValueError):
    """The file is DICOM but malformed."""


class Inflated(io.RawIOBase):
    """The inflated bytes of a deflated data set, of limited ratio."""

    def __init__(self, stream: Any, stored: int) -> None:
        super().__init__()
        self._stream = stream
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        self._left = stored * MAX_RATIO + RATIO_SLACK_BYTES

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; nothing at the end."""
        data = b""
        while not data and not self._zlib.eof:
            stored = self._zlib.unconsumed_tail or self._stream.read(CHUNK_BYTES)
            try:
                data = self._zlib.decompress(stored, size)
            except zlib.error as error:
                raise DamagedError(f"its deflated data set cannot be inflated ({error})") from error
            if not stored and not data:
                break
        self._left -= len(data)
        if self._left < 0:
            raise DamagedError(f"it inflates to more than {MAX_RATIO} times its stored size")
        return data


class Elements:
    """The elements of a DICOM file, read once from front to back.

    Parameters
    ----------
    stream : binary stream
    size : int or None
        Size of the file in bytes, if known; seekable streams then skip values for free.

    Attributes
    ----------
    syntax : str or None
        Transfer syntax as stated by the file.
    media_class : str
        Storage class as stated by the meta group.
    tags : set of int
        All elements seen so far, at all entered depths.
    """

    def __init__(self, stream: BinaryIO, size: int | None) -> None:
        self._stream: Any = stream
        self._size = size if size is not None and stream.seekable() else None
        self._data = stream.read(CHUNK_BYTES)
        self._at = 0
        self._base = 0
        self.syntax: str | None = None
        self.media_class = ""
        self.is_implicit = False
        self.tags: set[int] = set()
        self._begin(size)

    @property
    def offset(self) -> int:
        """Offset from the start of the file, or of the inflated data set."""
        return self._base + self._at

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes, or raise CutError."""
        at = self._at
        if at + count > len(self._data):
            self._fill(count)
            at = self._at
        self._at = at + count
        return self._data[at : at + count]

    def peek(self, count: int) -> bytes:
        """Return up to ``count`` of the next bytes without consuming them."""
        if self._at + count > len(self._data):
            with contextlib.suppress(CutError):
                self._fill(count)
        return self._data[self._at : self._at + count]

    def _fill(self, count: int) -> None:
        self._base += self._at
        rest = [self._data[self._at :]]
        have = len(rest[0])
        while have < count:
            more = self._stream.read(max(CHUNK_BYTES, min(count - have, 1 << 20)))
            if not more:
                break
            rest.append(more)
            have += len(more)
        self._data, self._at = b"".join(rest), 0
        if have < count:
            raise CutError(f"{count} bytes were expected, {have} are there")

    def skip(self, count: int) -> None:
        """Skip ``count`` bytes, or raise CutError."""
        if self._at + count <= len(self._data):
            self._at += count
            return
        if self._size is not None:
            target = self.offset + count
            if target > self._size:
                raise CutError(f"{count} bytes were expected, {self._size - self.offset} are there")
            self._stream.seek(target)
            self._data, self._at, self._base = b"", 0, target
            return
        left = count
        while left:
            step = min(left, CHUNK_BYTES)
            try:
                self.take(step)
            except CutError:
                there = count - left + len(self._data)
                raise CutError(f"{count} bytes were expected, {there} are there") from None
            left -= step

    def _begin(self, size: int | None) -> None:
        """Skip the preamble and the meta group, and detect the encoding."""
        self._set_order("<")
        if self._data[128:132] == b"DICM":
            self._at = 132
        elif not is_bare(self._data):
            raise NotDicomError("there is no DICM at byte 128, and it does not begin with a DICOM element")
        while self.peek(2) == b"\2\0":
            tag, _, length = self.head()
            if length > MAX_VALUE_BYTES:
                raise DamagedError(f"an element of the meta group claims {length} bytes")
            value = self.take(length)
            self.tags.add(tag)
            if tag == 0x00020010:
                self.syntax = value.rstrip(b"\0 ").decode("ascii", "replace")
            elif tag == 0x00020002:
                self.media_class = value.rstrip(b"\0 ").decode("ascii", "replace")
        if self.syntax == DEFLATED:
            stored = size if size is not None else len(self._data)
            self._stream = Inflated(_Rest(self._data[self._at :], self._stream), stored)
            self._size, self._data, self._at, self._base = None, b"", 0, 0
        first = self.peek(6)
        self._set_order(">" if first[:1] == b"\0" and first[1:2] != b"\0" else "<")
        self.is_implicit = first[4:6] not in VRS

    def _set_order(self, order: str) -> None:
        self._short = Struct(f"{order}HH2sH").unpack
        self._plain = Struct(f"{order}HHL").unpack
        self._length = Struct(f"{order}L").unpack
        self.order = order

    def head(self, implicit: bool | None = None) -> tuple[int, bytes, int]:
        """Return tag, value representation (empty if implicit) and length of the next element."""
        raw = self.take(8)
        if not (self.is_implicit if implicit is None else implicit):
            group, element, vr, length = self._short(raw)
            if vr in VRS:
                if vr in _LONG:
                    length = self._length(self.take(4))[0]
                return group << 16 | element, vr, length
        group, element, length = self._plain(raw)
        return group << 16 | element, b"", length

    def dataset(
        self, wanted: frozenset[int], sequences: frozenset[int], end: int | None = None, depth: int = 0
    ) -> Dataset:
        """Return the wanted elements up to ``end``, the end of the item, or the pixels, whose element is not read.

        Parameters
        ----------
        wanted : frozenset of int
            Tags whose value is kept as bytes.
        sequences : frozenset of int
            Tags whose items are read, for the same tags.
        """
        found: Dataset = {}
        while end is None or self.offset < end:
            if depth == 0 and len(self.peek(8)) < 8:
                return found
            tag, vr, length = self.head()
            if tag == ITEM_END:
                return found
            self.tags.add(tag)
            if depth == 0 and tag in PIXELS:
                found[tag] = length
                return found
            if tag in sequences:
                if depth == MAX_DEPTH:
                    raise DamagedError("its sequences are nested too deep")
                found[tag] = self._items(wanted, sequences, length, depth + 1)
            elif length == UNDEFINED:
                self.pass_over(self.is_implicit or vr == b"UN")
            elif tag in wanted and length <= MAX_VALUE_BYTES:
                found[tag] = self.take(length)
            else:
                self.skip(length)
        return found

    def _items(self, wanted: frozenset[int], sequences: frozenset[int], length: int, depth: int) -> list[Dataset]:
        end = None if length == UNDEFINED else self.offset + length
        items = []
        while end is None or self.offset < end:
            tag, _, length = self.head(implicit=True)
            if tag == SEQUENCE_END:
                break
            if tag != ITEM:
                raise DamagedError(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) found where an item was expected")
            items.append(self.dataset(wanted, sequences, None if length == UNDEFINED else self.offset + length, depth))
        return items

    def pass_over(self, implicit: bool) -> int:
        """Skip a value of undefined length, whatever its content; return the number of its items."""
        stack = [(False, implicit)]
        count = 0
        while stack:
            in_item, implicit = stack[-1]
            tag, vr, length = self.head(implicit or not in_item)
            if tag == (ITEM_END if in_item else SEQUENCE_END):
                stack.pop()
            elif not in_item and tag != ITEM:
                raise DamagedError(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) found where an item was expected")
            else:
                count += not in_item and len(stack) == 1
                if length == UNDEFINED:
                    stack.append((not in_item, implicit or vr == b"UN"))
                else:
                    self.skip(length)
        return count


class _Rest:
    """Bytes already read, followed by the stream."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        self._first = first
        self._stream = stream

    def read(self, size: int) -> bytes:
        first, self._first = self._first, b""
        return first or self._stream.read(size)


def is_bare(head: bytes) -> bool:
    """Return whether bytes without a preamble begin like a data set: with the meta group or group 0008."""
    if len(head) < 12:
        return False
    little = head[0] in (2, 8) and head[1] == 0 and head[3] == 0
    if little and head[4:6] in VRS:
        return True
    if little:
        return int.from_bytes(head[4:8], "little") <= (1024 if head[0] == 8 else 64)
    return head[0] == 0 and head[1] == 8 and head[2] == 0 and head[4:6] in VRS
