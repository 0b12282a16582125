"""Lines of a COCO file: JSON in ASCII, one entry a line, and blocks put together from parts.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
from msgspec import UNSET

_MOST_BYTES = 1 << 30
_TOGETHER_BYTES = 1 << 18

_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_encoder = msgspec.json.Encoder()


class Block(Protocol):
    """Where the entries of one of the file's long blocks go."""

    @property
    def count(self) -> int:
        """Entries so far."""

    def add(self, entries: Sequence[Any], more: Mapping[int, Mapping[str, Any]] = {}) -> None:
        """Take entries; those that have no number get the next. ``more`` are further members, by place."""

    @property
    def next_id(self) -> int:
        """Number of the next entry."""

    def add_lines(self, lines: bytes, count: int, numbered: int) -> None:
        """Take entries as lines, of which so many have the numbers from ``next_id`` on; the others have their own."""


class Lines:
    """A block in the form it has in the file: numbered entries, ``,`` between them.

    Parameters
    ----------
    stream : binary file
    first : int
        Number of the first entry that has none of its own.
    """

    def __init__(self, stream: BinaryIO, first: int = 1) -> None:
        self._count = 0
        self._next = first
        self._stream = stream

    @property
    def count(self) -> int:
        """Entries so far."""
        return self._count

    @property
    def next_id(self) -> int:
        """Number of the next entry."""
        return self._next

    def add(self, entries: Sequence[Any], more: Mapping[int, Mapping[str, Any]] = {}) -> None:
        """Number entries, and write them."""
        if entries:
            number = self._next
            for entry in entries:
                if not entry.id:
                    entry.id = number
                    number += 1
            if more:
                entries = [with_more(entry, more.get(at)) for at, entry in enumerate(entries)]
            self.add_lines(written_lines(entries), len(entries), number - self._next)

    def add_lines(self, lines: bytes, count: int, numbered: int) -> None:
        """Write entries that have their numbers."""
        self._next += numbered
        if count:
            if self._count:
                self._stream.write(b",\n")
            self._stream.write(lines)
            self._count += count


def renumbered(path: Path, more: int, more_images: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a block with other numbers.

    Parameters
    ----------
    path : Path
        Where the block is.
    more : int
        What is added to the number of each entry.
    more_images : int, optional
        What is added to the number of its image, if the entries are annotations.
    """
    with path.open("rb") as stream:
        # No string of JSON holds a line feed as it is, so that each line is an entry.
        while lines := stream.readlines(_TOGETHER_BYTES):
            if more_images is None:
                parts = [line.split(b",", 1) for line in lines]
                yield b"".join([b'{"id":%d,%b' % (_number(id_) + more, rest) for id_, rest in parts])
            else:
                entries = [line.split(b",", 2) for line in lines]
                yield b"".join(
                    [
                        b'{"id":%d,"image_id":%d,%b' % (_number(id_) + more, _number(image) + more_images, rest)
                        for id_, image, rest in entries
                    ]
                )


def _number(member: bytes) -> int:
    return int(member.rpartition(b":")[2])


def body_of(annotation: Any, more: Mapping[str, Any] | None = None) -> bytes:
    """Return the line of an annotation without its brace and the numbers of it and its image."""
    annotation.id = annotation.image_id = UNSET
    return written_lines([with_more(annotation, more)])[1:]


def with_more(entry: Any, more: Mapping[str, Any] | None) -> Any:
    """Return an entry with members of its own behind those that are known; what stands there already stays."""
    own = {key: value for key, value in (more or {}).items() if getattr(entry, key, UNSET) is UNSET}
    if not own:
        return entry
    return msgspec.Raw(written_lines([entry])[:-1] + b"," + written_value(own)[1:])


def numbered_lines(path: Path, first: int, more_images: int = 0) -> Iterator[bytes]:
    """Yield annotations that lie in a file, one a line, without a comma, each with a number.

    Parameters
    ----------
    path : Path
        Each line begins with ``id``, or with ``image_id`` if it has none yet.
    first : int
        The first number that is free.
    more_images : int
        What is added to the number of each image.
    """
    with path.open("rb") as stream:
        for line in stream:
            id_, rest = first, line[1:].rstrip(b"\n")
            if rest.startswith(b'"id":'):
                own, _, rest = rest.partition(b",")
                id_ = _number(own)
            else:
                first += 1
            image, _, rest = rest.partition(b",")
            yield b'{"id":%d,"image_id":%d,%b' % (id_, _number(image) + more_images, rest)


def written_lines(entries: Sequence[Any]) -> bytes:
    """Encode entries, one a line, ``,`` at the end of each but the last line, which ends without a line feed."""
    return in_ascii(_encoder.encode_lines(entries)[:-1].replace(b"\n", b",\n"))


def in_ascii(text: bytes) -> bytes:
    r"""Return JSON in UTF-8 with everything beyond ASCII escaped, so that a reader of any encoding reads the same.

    >>> in_ascii('{"name":"Größe"}'.encode())
    b'{"name":"Gr\\u00f6\\u00dfe"}'
    """
    if text.isascii():
        return text
    return _NOT_ASCII.sub(lambda found: json.dumps(found.group().decode())[1:-1].encode(), text)


def written_value(value: Any) -> bytes:
    """Encode one value in ASCII."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def append_file(stream: BinaryIO, path: Path) -> None:
    """Add a file to the end of an open one, without a copy in this process where the system can do that."""
    with path.open("rb") as part:
        if hasattr(os, "copy_file_range"):
            stream.flush()
            try:
                while os.copy_file_range(part.fileno(), stream.fileno(), _MOST_BYTES):
                    pass
                stream.seek(0, os.SEEK_END)
                return
            except OSError:  # two file systems, or one that cannot; the rest is copied as anywhere
                pass
        import shutil

        shutil.copyfileobj(part, stream, 1 << 20)
