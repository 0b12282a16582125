"""Lines of a COCO file: JSON in ASCII, one entry a line, and blocks put together from parts.

The page of the format is :mod:`encord_convert.formats.coco`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from operator import add
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
from msgspec import UNSET

_MOST_BYTES = 1 << 30

_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_encoder = msgspec.json.Encoder()


class Block(Protocol):
    """Where the entries of one of the file's long blocks go."""

    @property
    def count(self) -> int:
        """Entries so far."""

    def add(self, entries: Sequence[Any]) -> None:
        """Take entries, which have no number yet."""

    def add_bodies(self, bodies: Sequence[str], image_ids: Sequence[int]) -> None:
        """Take annotations as :func:`body_of` gives them, and the image of each."""


class Lines:
    """A block in the form it has in the file: entries numbered from 1, ``,`` between them.

    Parameters
    ----------
    stream : binary file
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._count = 0
        self._stream = stream

    @property
    def count(self) -> int:
        """Entries so far."""
        return self._count

    def add(self, entries: Sequence[Any]) -> None:
        """Number entries, and write them."""
        if entries:
            for number, entry in enumerate(entries, self._count + 1):
                entry.id = number
            lines = written_lines(entries)
            self._stream.write(b",\n" + lines if self._count else lines)
            self._count += len(entries)

    def add_bodies(self, bodies: Sequence[str], image_ids: Sequence[int]) -> None:
        """Number annotations, and write them."""
        if bodies:
            numbers = zip(count(self._count + 1), image_ids, bodies, strict=False)
            lines = ",\n".join([f'{{"id":{id_},"image_id":{image},{body}' for id_, image, body in numbers]).encode()
            self._stream.write(b",\n" + lines if self._count else lines)
            self._count += len(bodies)


@dataclass(slots=True)
class Pieces:
    """What is known of a block whose first number is not known yet, and whose entries were written without numbers.

    Attributes
    ----------
    count : int
        Entries.
    sizes : array of int
        Bytes of each piece that was written.
    image_ids : array of int
        The image of each entry, numbered from 1 in this part of the file; empty if the entries are images.
    """

    count: int = 0
    sizes: array[int] = field(default_factory=partial(array, "q"))
    image_ids: array[int] = field(default_factory=partial(array, "q"))


class Tails:
    """A block of entries without their numbers.

    Parameters
    ----------
    stream : binary file
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.pieces = Pieces()
        self._stream = stream

    @property
    def count(self) -> int:
        """Entries so far."""
        return self.pieces.count

    def add(self, entries: Sequence[Any]) -> None:
        """Write entries, and remember which image each is of."""
        if not entries:
            return
        if hasattr(entries[0], "image_id"):
            self.pieces.image_ids.extend([entry.image_id for entry in entries])
            for entry in entries:
                entry.image_id = UNSET
        for entry in entries:
            entry.id = UNSET
        lines = written_lines(entries)
        self._stream.write(lines)
        self.pieces.sizes.append(len(lines))
        self.pieces.count += len(entries)

    def add_bodies(self, bodies: Sequence[str], image_ids: Sequence[int]) -> None:
        """Write annotations, and remember which image each is of."""
        if bodies:
            lines = ("{" + ",\n{".join(bodies)).encode("ascii")
            self._stream.write(lines)
            self.pieces.image_ids.extend(image_ids)
            self.pieces.sizes.append(len(lines))
            self.pieces.count += len(bodies)


def numbered(path: Path, pieces: Pieces, first_id: int, first_image: int) -> Iterator[bytes]:
    """Return the lines of a block with their numbers, piece by piece.

    Parameters
    ----------
    path : Path
        Where the block is.
    pieces : Pieces
        What is known of it.
    first_id, first_image : int
        Numbers of the first entry, and of the part's first image.
    """
    ids, images = count(first_id), iter(pieces.image_ids)
    with path.open("rb") as stream:
        for size in pieces.sizes:
            # No string of JSON holds a line feed as it is, so this is where one entry ends and the next begins.
            entries = stream.read(size)[1:].split(b",\n{")
            if pieces.image_ids:
                starts = [b'{"id":%d,"image_id":%d,' % (next(ids), next(images) + first_image - 1) for _ in entries]
            else:
                starts = [b'{"id":%d,' % next(ids) for _ in entries]
            yield b",\n".join(map(add, starts, entries))


def body_of(annotation: Any) -> str:
    """Return the line of an annotation without its brace and the numbers of it and its image; of none, none."""
    if annotation is None:
        return ""
    annotation.id = annotation.image_id = UNSET
    return written_lines([annotation])[1:].decode()


def written_lines(entries: Sequence[Any]) -> bytes:
    """Encode entries, one a line, ``,`` at the end of each but the last line, which ends without a line feed."""
    try:
        lines = _encoder.encode_lines(entries)
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 cannot hold and an escape can
        plain = msgspec.to_builtins(entries, enc_hook=msgspec.json.decode)
        lines = b"".join(written_value(entry) + b"\n" for entry in plain)
    return in_ascii(lines[:-1].replace(b"\n", b",\n"))


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
        shutil.copyfileobj(part, stream, 1 << 20)
