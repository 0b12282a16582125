"""Sizes of images for labels that lack them: from ``sizes.csv``, the images themselves, or an option.

``sizes.csv`` has a line per image: path, width, height, the title of the row if it is not the path, and for videos the
number of frames. It is our own file; other tools ignore it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from encord_convert.errors import ReadError, SizeUnknownError
from encord_convert.formats._files import Source, Target
from encord_convert.formats._lines import csv_reader
from encord_convert.hub.media import Media

SIZES = "sizes.csv"
ADVICE = "Give it with -r size=WIDTHxHEIGHT, or put the images next to the labels."
META = "images.meta"
"""CVAT's file of image sizes."""
_HEAD = ("path", "width", "height", "title", "frames")
_MOST_BYTES = 1 << 28
MOST_PX = 1 << 31
"""Longest side of an image, as in label rows."""


class Size(NamedTuple):
    """An image or video: width and height in pixels, title of its row, number of frames, and file."""

    path: str
    width: int
    height: int
    title: str = ""
    frames: int = 0
    member: str = ""

    @property
    def px(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


def side_of(text: str) -> int:
    """Parse a side in pixels, or a count; 0 if the text is not one.

    >>> side_of("1280"), side_of("-1"), side_of("9" * 400)
    (1280, 0, 0)
    """
    is_whole = text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_PX))
    return number if is_whole and (number := int(text)) <= MOST_PX else 0


def px_of(text: str) -> tuple[int, int]:
    """Parse width and height in pixels from a text like ``1280x720``.

    Raises
    ------
    ValueError
        It is not two whole numbers above 0 with an ``x`` between.

    >>> px_of("1280x720")
    (1280, 720)
    """
    width, _, height = text.lower().partition("x")
    if side_of(width) and side_of(height):
        return side_of(width), side_of(height)
    raise ValueError(f"size={text} is not allowed; it takes WIDTHxHEIGHT, like 1280x720.")


@dataclass(frozen=True, slots=True)
class SizeOptions:
    """Reading options of a format without image sizes."""

    size: str | None = field(
        default=None, metadata={"help": "WIDTHxHEIGHT of images that are neither there nor in sizes.csv."}
    )

    def __post_init__(self) -> None:
        if self.size is not None:
            px_of(self.size)


class Sizes:
    """Looks up the sizes of images.

    Parameters
    ----------
    source : Source
    size : str, optional
        Value of the option.

    Raises
    ------
    ReadError
        The table is damaged.
    """

    def __init__(self, source: Source, size: str | None) -> None:
        self.stated = {item.path: item for item in _stated(source)}
        self._source = source
        self._media = Media(source)
        self._given = None if size is None else px_of(size)

    def find(self, name: str) -> str | None:
        """Return the member that is an image; None if there is none."""
        return self._media.find(name)

    def known(self, path: str, place: str, image: str = "", title: str = "", beside: str = "") -> Size:
        """Return the size of an image: from the table by its path, else from its file.

        Parameters
        ----------
        path : str
        place : str
            Label file, for messages.
        image : str
            Name to look the file up by; default: its path.
        title : str
            Title of its row, if the table has none; default: the file name.
        beside : str
            Folder of the label file, ending in ``/``; an image in it takes precedence.

        Raises
        ------
        SizeUnknownError
            Its size is unknown.
        """
        stated = self.stated.get(path)
        if stated is not None:
            return stated._replace(title=stated.title or title or (image or path).rpartition("/")[2])
        own = self._media.find_in([beside], image or path) if beside else None
        member = own or self.find(image or path)
        size = self.of(image or path, member, place)
        return Size(path, *size, title or (member or image or path).rpartition("/")[2], member=member or "")

    def of(self, name: str, member: str | None, place: str) -> tuple[int, int]:
        """Return width and height of an image that is not in the table, from its file.

        Raises
        ------
        SizeUnknownError
            They are unknown.
        """
        header = None if member is None else self._media.header(member)
        size = self._given if header is None else header.shown
        if size is None:
            raise SizeUnknownError(place, f"does not say the size of the image {name!r:.90}.", advice=ADVICE)
        return size


def _stated(source: Source) -> Iterable[Size]:
    if SIZES not in source.names(SIZES, depth=1):
        return
    data = source.head(SIZES, _MOST_BYTES)
    try:
        text, is_ours = data.decode("utf-8-sig", "surrogatepass"), True  # as written: titles may hold anything
    except UnicodeDecodeError:
        text, is_ours = data.decode("utf-8-sig", "surrogateescape"), False
    rows = csv_reader(io.StringIO(text, newline=""))
    for number, row in enumerate(_readable(rows, source.place(SIZES)), 1):
        path, width, height, title, frames = [*row, "", "", "", "", ""][:5]
        sides = [side_of(side) for side in (width, height, frames)]
        if not is_ours and any("\udc80" <= character <= "\udcff" for character in title):
            raise ReadError(source.place(SIZES), "the title of an image is not UTF-8.", line=number)
        if all(side == "0" or side_of(side) for side in (width, height)):  # 0: unknown, without shapes
            yield Size(path, sides[0], sides[1], title, sides[2])
        elif row and number > 1:
            fact = f"a line is an image, its width and height; this one is {','.join(row):.60}."
            raise ReadError(source.place(SIZES), fact, line=number)


def _readable(rows: Any, place: str) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise ReadError(place, f"is not CSV ({error}).", line=rows.line_num or None) from error


def meta_sizes(text: str) -> dict[str, tuple[int, int]]:
    """Parse CVAT's ``images.meta`` (name, height, width) into width and height by image name.

    >>> meta_sizes('"a b" 50 100')
    {'a b': (100, 50)}
    """
    sizes = {}
    for line in text.splitlines():
        *words, height, width = line.split() if len(line.split()) > 2 else ("", "", "")
        if side_of(height) and side_of(width):
            sizes[" ".join(words).strip("\"'")] = side_of(width), side_of(height)
    return sizes


def write_sizes(target: Target, sizes: Iterable[Size]) -> None:
    """Write the table."""
    with target.open(SIZES) as stream, io.TextIOWrapper(stream, "utf-8", "surrogatepass", newline="") as text:
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(_HEAD)
        for size in sizes:
            lines.writerow([size.path, size.width, size.height, size.title or None, size.frames or None])
