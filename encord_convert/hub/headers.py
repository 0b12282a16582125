"""Headers and ends of many images: JPEG and PNG files that are as most are need no image library.

What is said of an image is what :func:`~encord_convert.hub.media.read_header` says; it is asked where a file is not as
most are. Tests hold the two together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

from encord_convert.hub.media import Header, Members, read_header

HEAD_BYTES = 4096
"""How much of a file is looked at first: most say their size there."""
TAIL_BYTES = 4096
"""How much is looked at for the end of an image: a few bytes may follow it."""
END_MARKS = {".jpg": b"\xff\xd9", ".png": b"IEND\xaeB`\x82"}
"""How whole JPEG (EOI, ITU-T T.81 B.1.1.3) and PNG files (IEND, ISO/IEC 15948 11.2.5) end, by their kind."""
_MORE_BYTES = 1 << 17
"""How much is looked at then: metadata may stand before the size of a JPEG image."""

_MOST_PIXELS = 80_000_000
"""Larger images are left to Pillow, which has a limit."""
_STARTS_OF_FRAME = frozenset({0xC0, 0xC1, 0xC2})
_ALONE = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})
"""Markers without a length."""
_ORIENTATION = 0x0112


class Heads(Members, Protocol):
    """Files whose beginnings can be read together: a :class:`~encord_convert.formats._files.Source`."""

    def heads(self, names: Iterable[str], size: int) -> Iterator[bytes]:
        """Yield the first bytes of each."""


def read_ends(stream: BinaryIO) -> tuple[bytes, bytes, int]:
    """Return the first :data:`HEAD_BYTES` and the last :data:`TAIL_BYTES` of a file, and how many bytes there are."""
    head = stream.read(HEAD_BYTES)
    if stream.seekable():
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - TAIL_BYTES, 0))
        return head, stream.read(TAIL_BYTES), size
    tail, size = head[-TAIL_BYTES:], len(head)
    while block := stream.read(1 << 20):  # in an archive
        tail, size = (tail + block)[-TAIL_BYTES:], size + len(block)
    return head, tail, size


def read_headers(source: Heads, names: list[str]) -> Iterator[Header | None]:
    """Yield what the header of each image says; None if it is not an image.

    Raises
    ------
    ReadError
        An image says it has more pixels than any should have, or cannot be read.
    """
    begin, orientation = b"\0", 1
    for name, head in zip(names, source.heads(names, HEAD_BYTES), strict=True):
        if head.startswith(begin):  # as the image before, up to the size
            at = len(begin)
            height, width = int.from_bytes(head[at + 3 : at + 5], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
            if 0 < width * height <= _MOST_PIXELS:
                yield Header(width, height, orientation, ".jpg")
                continue
        header, at = _header_in(head)
        if header is not None and at:
            begin, orientation = head[:at], header.orientation
        if header is None:
            with source.open(name) as stream:
                header = header_in(stream.read(_MORE_BYTES))
        if header is None:
            with source.open(name) as stream:
                header = read_header(stream, source.place(name))
        yield header


def header_in(head: bytes) -> Header | None:
    """Return what the first bytes of a plain JPEG or PNG file say; None if the image has to be looked at.

    Source
    ------
    ITU-T T.81, B.2.2 (frame header); PNG, 2nd edition, 11.2.2 (IHDR); Exif 2.32, 4.6.4 (orientation).
    """
    return _header_in(head)[0]


def _header_in(head: bytes) -> tuple[Header | None, int]:
    """Return the header, and where in a JPEG file the numbers of the frame begin, else 0."""
    header, at = None, 0
    if head[:3] == b"\xff\xd8\xff":
        header, at = _jpeg(head)
    elif head[:8] == b"\x89PNG\r\n\x1a\n":
        header = _png(head)
    if header is None or not 0 < header.width * header.height <= _MOST_PIXELS:
        return None, 0
    return header, at


_NONE = (None, 0)


def _jpeg(head: bytes) -> tuple[Header | None, int]:
    at, end, orientation = 2, len(head) - 9, 1
    while at < end and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _STARTS_OF_FRAME:
            height, width = int.from_bytes(head[at + 5 : at + 7], "big"), int.from_bytes(head[at + 7 : at + 9], "big")
            return Header(width, height, orientation, ".jpg"), at + 2
        if marker in _ALONE or not 0xC4 <= marker <= 0xFE or marker in (0xC8, 0xCC, 0xDA, 0xD9):
            return _NONE
        length = int.from_bytes(head[at + 2 : at + 4], "big")
        if length < 2 or 0xC5 <= marker <= 0xCF:
            return _NONE
        if marker == 0xE1 and head[at + 4 : at + 8] == b"Exif" and head[at + 8 : at + 10] != b"\0\0":
            return _NONE
        if marker == 0xE1 and head[at + 4 : at + 8] == b"Exif":
            found = _orientation_in(head[at + 10 : at + 2 + length])
            if found is None:
                return _NONE
            orientation = found
        if marker == 0xE2 and head[at + 4 : at + 8] == b"MPF\0":
            return _NONE
        at += 2 + length
    return _NONE


def _orientation_in(exif: bytes) -> int | None:
    """Return the orientation of Exif data, 1 where there is none; None if the data is not as most is."""
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(exif[:4])
    if order is None:
        return None
    start = int.from_bytes(exif[4:8], order)  # type: ignore[arg-type]
    count = int.from_bytes(exif[start : start + 2], order)  # type: ignore[arg-type]
    if start + 2 + 12 * count > len(exif):
        return None
    for at in range(start + 2, start + 2 + 12 * count, 12):
        if int.from_bytes(exif[at : at + 2], order) == _ORIENTATION:  # type: ignore[arg-type]
            if int.from_bytes(exif[at + 2 : at + 8], order) not in ((3 << 32) + 1, (1 << 16) + 3):  # type: ignore[arg-type]
                return None
            value = int.from_bytes(exif[at + 8 : at + 10], order)  # type: ignore[arg-type]
            return value if 1 <= value <= 8 else 1
    return 1


def _png(head: bytes) -> Header | None:
    if head[12:16] != b"IHDR":
        return None
    header = Header(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"), 1, ".png")
    at = 33
    while at + 8 <= len(head):
        kind = head[at + 4 : at + 8]
        if kind == b"IDAT":
            return header
        if kind in (b"eXIf", b"acTL", b"iTXt", b"zTXt", b"tEXt"):  # metadata may stand in any of these
            return None
        at += 12 + int.from_bytes(head[at : at + 4], "big")
    return None
