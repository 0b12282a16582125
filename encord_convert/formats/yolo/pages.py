"""The rows of a data set in pages: read once if they fit into memory, else once per walk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.yolo.dota import FOLDER, Dota
from encord_convert.formats.yolo.layout import Layout
from encord_convert.formats.yolo.rows import LARGEST_FILE, Page, page_of
from encord_convert.hub.headers import read_headers

IMAGES = 1000
"""Images per page."""
_MOST_KEPT = 24 << 20
"""Bytes of numbers kept in memory."""

Size = tuple[int, int]


class Images(Protocol):
    """The images of a data set, in columns.

    ``place`` names the file of an image in messages; ``member`` is its label file, else itself.
    """

    titles: list[str]
    splits: list[str]
    sizes: list[Size]

    def page(self, images: range) -> Page:
        """Return the rows of some images, and fill in ``sizes``."""

    def place(self, image: int) -> str:
        """Return how messages name the file that holds an image's rows."""

    def member(self, image: int) -> str:
        """Return the member of the source that holds the rows of an image."""

    def name(self, image: int) -> str:
        """Return the source's name of an image: its member, if it exists."""

    def key(self, image: int) -> tuple[str, ...]:
        """Return the key that identifies an image."""


class Files:
    """Images with a label file each."""

    def __init__(self, source: Source, layout: Layout, size: Size | None, names: dict[int, str]) -> None:
        self.titles = layout.titles
        self.splits = layout.splits
        self.sizes: list[Size] = [(0, 0)] * len(layout)
        self._source = source
        self._layout = layout
        self._size = size
        self._asked: set[int] = set()
        self._shared: dict[Size, Size] = {}
        self.rotated = 0
        self.unreadable: list[str] = []
        is_dota = any(f"/{FOLDER}/" in f"/{label}" for label in layout.labels[:IMAGES])
        self.dota = Dota(names) if is_dota else None

    def page(self, images: range) -> Page:
        """Return the rows of some images, and fill in ``sizes``."""
        is_first = images.start not in self._asked
        if is_first:
            self._asked.add(images.start)
            self._ask(images)
        labels = [self._layout.labels[image] for image in images]
        read = self._source.heads((name for name in labels if name), LARGEST_FILE + 1)
        texts = [next(read) if name else b"" for name in labels]
        for name, text in zip(labels, texts, strict=True):
            if len(text) > LARGEST_FILE:
                fact = f"has more than {LARGEST_FILE >> 20} MB, too much for the labels of one image."
                raise ReadError(self._source.place(name), fact)
        return page_of(texts if self.dota is None else [self.dota.rows(text, is_first=is_first) for text in texts])

    def _ask(self, images: range) -> None:
        """Look up the sizes of images: in the list, else in their headers, else from the option."""
        unknown = [n for n in images if self._layout.sizes[n] is None and self._layout.images[n]]
        found = dict(zip(unknown, read_headers(self._source, [self._layout.images[n] for n in unknown]), strict=True))
        for image in images:
            size = self._layout.sizes[image]
            header = found.get(image)
            if header is not None:
                size = header.shown  # trainers apply EXIF rotation first, and rows are relative to the result
                self.rotated += header.orientation != 1
            elif size is None and self._layout.images[image]:
                self.unreadable.append(self._layout.images[image])
            size = size or self._size or (0, 0)
            self.sizes[image] = self._shared.setdefault(size, size)

    def place(self, image: int) -> str:
        """Return how messages name the file that holds an image's rows."""
        return self._source.place(self.member(image))

    def member(self, image: int) -> str:
        """Return the label file of an image, else the image."""
        return self._layout.labels[image] or self._layout.images[image]

    def name(self, image: int) -> str:
        """Return the source's name of an image: its member, if it exists."""
        return self._layout.images[image] or self.titles[image]

    def key(self, image: int) -> tuple[str, ...]:
        """Return the key that identifies an image."""
        return (self._layout.splits[image], self._layout.titles[image], self.member(image))


class _Packed:
    """A page stored compactly: most rows are on consecutive lines and have numbers of six decimals."""

    __slots__ = ("_classes", "_counts", "_faults", "_lines", "_widths", "numbers")

    def __init__(self, page: Page) -> None:
        self._counts, self._classes, self._faults = page.counts, page.classes, page.faults
        are_alike = len(page) and int(page.widths.min()) == int(page.widths.max())
        self._widths: Any = int(page.widths[0]) if are_alike else page.widths
        self._lines = None if np.array_equal(page.lines, _lines(page.counts)) else page.lines
        self.numbers: Any = page.numbers
        if len(page.numbers) and np.abs(page.numbers).max() < 1000:
            units = np.rint(page.numbers * _UNIT).astype(np.int32)
            if np.array_equal(units / _UNIT, page.numbers):
                self.numbers = units

    def page(self) -> Page:
        """Return the page."""
        widths = self._widths
        if isinstance(widths, int):
            widths = np.full(len(self._classes), widths, np.int32)
        numbers = self.numbers / _UNIT if self.numbers.dtype == np.int32 else self.numbers
        lines = _lines(self._counts) if self._lines is None else self._lines
        return Page(self._counts, self._classes, widths, numbers, lines, self._faults)


_UNIT = 1e6


def _lines(counts: Any) -> Any:
    ends = np.cumsum(counts)
    return (np.arange(1, int(counts.sum()) + 1) - np.repeat(ends - counts, counts)).astype(np.int32)


@dataclass(slots=True)
class Pages:
    """The pages of a data set."""

    images: Images
    _kept: dict[int, _Packed] = field(default_factory=dict)
    _room: int = _MOST_KEPT

    def walk(self) -> Iterator[tuple[range, Page]]:
        """Yield image indexes and their rows."""
        count = len(self.images.titles)
        for start in range(0, count, IMAGES):
            images = range(start, min(start + IMAGES, count))
            packed = self._kept.get(start)
            if packed is not None:
                yield images, packed.page()
                continue
            page = self.images.page(images)
            if self._room > 0:
                packed = self._kept[start] = _Packed(page)
                self._room -= packed.numbers.nbytes
            yield images, page
