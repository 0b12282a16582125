"""Sizes of images where the labels do not say them: of the images themselves, of a table next to the labels, or given.

The table is ``sizes.csv``: a line an image, with its path, width, height and, where that is not the path, the title of
its row; of a video also how many frames it has. It is ours, and other tools pass it over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from encord_convert.errors import ReadError, SizeUnknownError
from encord_convert.formats._files import Source, Target
from encord_convert.hub.media import Media

SIZES = "sizes.csv"
ADVICE = "Give it with -r size=WIDTHxHEIGHT, or put the images next to the labels."
META = "images.meta"
"""Sizes as CVAT writes them next to labels that do not say them."""
_HEAD = ("path", "width", "height", "title", "frames")
_MOST_BYTES = 1 << 28
MOST_PX = 1 << 31
"""As of label rows: no image has a longer side."""


class Size(NamedTuple):
    """An image or video as the table has it: pixels, the title of its row, its number of frames; and its file."""

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
    """Return a side of an image in pixels, or how many there are of something; 0 for a text that does not say it.

    >>> side_of("1280"), side_of("-1"), side_of("9" * 400)
    (1280, 0, 0)
    """
    is_whole = text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_PX))
    return number if is_whole and (number := int(text)) <= MOST_PX else 0


def px_of(text: str) -> tuple[int, int]:
    """Return width and height in pixels of a text like ``1280x720``.

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
    """How to read a format that does not say how large its images are."""

    size: str | None = field(
        default=None, metadata={"help": "WIDTHxHEIGHT of images that are neither there nor in sizes.csv."}
    )

    def __post_init__(self) -> None:
        if self.size is not None:
            px_of(self.size)


class Sizes:
    """Tells how large images are.

    Parameters
    ----------
    source : Source
    size : str, optional
        As the option has it.

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
        """Return what is known of an image: as the table has it under its path, else as its file says.

        Parameters
        ----------
        path : str
        place : str
            What messages call the file of its labels.
        image : str
            What its file is looked for as; by default its path.
        title : str
            Of its row, if the table has none; by default the name of its file.
        beside : str
            The folder of the label file, with ``/`` at its end: an image that is in it is meant before all others.

        Raises
        ------
        SizeUnknownError
            Its size is not known.
        """
        stated = self.stated.get(path)
        if stated is not None:
            return stated._replace(title=stated.title or title or (image or path).rpartition("/")[2])
        own = self._media.find_in([beside], image or path) if beside else None
        member = own or self.find(image or path)
        size = self.of(image or path, member, place)
        return Size(path, *size, title or (member or image or path).rpartition("/")[2], member=member or "")

    def of(self, name: str, member: str | None, place: str) -> tuple[int, int]:
        """Return width and height of an image that the table does not have: of its file, if there is one.

        Raises
        ------
        SizeUnknownError
            They are not known.
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
        text, is_ours = data.decode("utf-8-sig", "surrogatepass"), True  # as it is written: titles may hold anything
    except UnicodeDecodeError:
        text, is_ours = data.decode("utf-8-sig", "surrogateescape"), False
    for number, row in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
        path, width, height, title, frames = [*row, "", "", "", "", ""][:5]
        sides = [side_of(side) for side in (width, height, frames)]
        if not is_ours and any("\udc80" <= character <= "\udcff" for character in title):
            raise ReadError(source.place(SIZES), "the title of an image is not UTF-8.", line=number)
        is_unsized = (width, height) == ("0", "0")  # of an image whose size nobody knew, which has no shapes
        if is_unsized or (sides[0] and sides[1]):
            yield Size(path, sides[0], sides[1], title, sides[2])
        elif row and number > 1:
            fact = f"a line is an image, its width and height; this one is {','.join(row):.60}."
            raise ReadError(source.place(SIZES), fact, line=number)


def meta_sizes(text: str) -> dict[str, tuple[int, int]]:
    """Return width and height of images by their names, as CVAT's ``images.meta`` has them: name, height, width.

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
