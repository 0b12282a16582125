"""A COCO file that was walked once: its images and annotations, read again where they stand; what images are called,
and how large they are.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.coco.images import Media, plain_name
from encord_convert.formats.coco.index import Index
from encord_convert.formats.coco.index_entries import number_of, value_of
from encord_convert.formats.coco.index_records import Join
from encord_convert.formats.coco.json_walk import Document
from encord_convert.formats.coco.read_shapes import Reader
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.hub.splits import named_in

TOGETHER = 64
"""Images or annotations that are read together."""

_images = msgspec.json.Decoder(list[Any])

Found = tuple["Part", dict[str, Any], list[Any]]
"""An image of a file, with its annotations."""


class Part:
    """One document with what the first walk learnt, and how its annotations are read.

    Parameters
    ----------
    document : Document
        With the annotations. ``images`` is the one with the images, if that is another.
    index : Index
        Of the annotations; ``images`` that of the images.
    reader : Reader
    split : str
        The part of a dataset it is by the name of a task: ``train2017``, ``cars``.
    folder : str
        What stands before titles, to tell them from those of files in other folders: empty, or with ``/`` at its end.
    key : tuple of str
        What tells its rows from those of other documents.
    join : Join, optional
        If it was made already.
    """

    def __init__(
        self, document: Document, index: Index, images: Document, images_index: Index, reader: Reader, split: str,
        key: tuple[str, ...], folder: str = "", join: Join | None = None,
    ) -> None:  # fmt: skip
        self.document = document
        self.index = index
        self.images = images
        self.images_index = images_index
        self.reader = reader
        self.split = split
        self.key = key
        self.folder = folder
        self.named = named_in(document.member) if key else ""
        self.videos: dict[int, dict[str, Any]] = {}
        for video in images_index.videos:
            if isinstance(video, dict):
                self.videos.setdefault(number_of(video.get("id")), video)
        ids = images_index.image_ids()
        self.by_video = bool(self.videos) and not len(ids)
        self.video_ids = list(self.videos)
        parents = np.array(self.video_ids, np.int64) if self.by_video else ids
        self.join = Join(parents, index.records) if join is None else join

    def annotations(self, spans: Sequence[range]) -> list[Any]:
        """Return annotations; see :class:`Join`."""
        if not any(spans):
            return []
        try:
            found = self.reader.decoded(self.join.text(self.document, spans))
        except msgspec.DecodeError as error:
            raise self.document.changed() from error
        if len(found) != sum(map(len, spans)):
            raise self.document.changed()
        return found

    def split_of(self, image: dict[str, Any]) -> str:
        """Return the split of an image: as it says, else as the path of one of several files does."""
        split = image.get("split")
        return split if isinstance(split, str) and split else self.named

    def splits(self) -> set[str]:
        """Return the splits that its images may be in; empty: none."""
        return {*self.images_index.splits, *map(self.split_of, self.videos.values()), self.named}

    def images_at(self, places: list[int]) -> list[Any]:
        """Return entries of ``images``."""
        try:
            found = _images.decode(self.images_index.image_places.fetched(self.images, places))
        except msgspec.DecodeError as error:
            raise self.images.changed() from error
        return [one if isinstance(one, dict) else {} for one in found]

    def each_image(self, places: list[int]) -> Iterator[dict[str, Any]]:
        """Yield entries of ``images``, read a few at a time."""
        for start in range(0, len(places), TOGETHER):
            yield from self.images_at(places[start : start + TOGETHER])

    def each_annotation(self, parent: int) -> Iterator[Any]:
        """Yield the annotations of a parent, read a few at a time; of one beyond the last: those that have none."""
        span = self.join.span(parent)
        for start in range(0, len(span), TOGETHER):
            yield from self.annotations([span[start : start + TOGETHER]])

    def each_found(self, places: list[int]) -> Iterator[Found]:
        """Yield images with their annotations, read a few at a time."""
        for start in range(0, len(places), TOGETHER):
            yield from self.found(places[start : start + TOGETHER])

    def found(self, places: list[int]) -> list[Found]:
        """Return images with their annotations."""
        spans = [self.join.span(place) for place in places]
        entries = self.annotations(spans)
        ends = list(accumulate(map(len, spans)))
        return [
            (self, image, entries[end - len(span) : end])
            for image, span, end in zip(self.images_at(places), spans, ends, strict=True)
        ]


# -- names and sizes of images ------------------------------------------------------------------------------------

SIZE_ADVICE = "Give it with -r size=WIDTHxHEIGHT, or put the images beside the file."


def title_of(image: dict[str, Any]) -> str:
    """Return what an image is called."""
    encord = image.get("encord")
    name = image.get("file_name")
    title = image.get("image_title")
    if isinstance(title, str) and title and isinstance(name, str) and name.startswith("images/"):
        return title  # Encord's exporter names files by the hash of the image
    if isinstance(encord, dict) and isinstance(name, str):
        title = encord.get("title")
        return title if isinstance(title, str) else name
    url = image.get("coco_url")
    if not isinstance(name, str) or not name:
        name = url if isinstance(url, str) and url else f"image {image.get('id')}"
    return plain_name(name) or f"image {image.get('id')}"


def file_name_of(image: dict[str, Any], title: str) -> str | None:
    """Return what an image's entry calls its file, if that is not the title; None too if this package wrote it."""
    name = image.get("file_name")
    return name if isinstance(name, str) and name != title and "encord" not in image else None


def name_of(image: dict[str, Any]) -> str:
    """Return what the file of an image is called: as its entry has it, a path or a URL."""
    name = image.get("file_name") or image.get("coco_url")
    return name if isinstance(name, str) else ""


class Extents:
    """Tells the size of images.

    Parameters
    ----------
    source : Source
    size : (int, int), optional
        Of images whose size is not known.
    """

    def __init__(self, source: Source, size: tuple[int, int] | None) -> None:
        self._media = Media(source)
        self._size = size

    def of(self, part: Part, image: dict[str, Any], found: Sequence[Found] = ()) -> tuple[int, int]:
        """Return width and height in pixels.

        Raises
        ------
        ReadError
            They are not known.
        """
        known = self.known(part, image, found)
        if known is None:
            fact = f"the size of the image {title_of(image)!r} is not known, so its shapes cannot be read."
            raise ReadError(part.images.place, fact, advice=SIZE_ADVICE)
        return known

    def known(self, part: Part, image: dict[str, Any], found: Sequence[Found] = ()) -> tuple[int, int] | None:
        """Return width and height in pixels; None if nothing says them."""
        size = side(image.get("width")), side(image.get("height"))
        if all(size):
            return size
        tell_odd_sizes(part, image, title_of(image))
        title = title_of(image)
        members = self._media.find(str(image.get("file_name") or image.get("coco_url") or ""))
        if len(members) > 1:
            advice = f"It could be {' or '.join(map(repr, members[:3]))}."
            fact = f"AMBIGUOUS_FILE: the image {title!r} has no size, and several files have its name."
            raise ReadError(part.images.place, fact, advice=advice)
        header = self._media.header(members)
        if header is not None and header.orientation > 1:
            detail = "EXIF data turns the image: its size is that as it is shown, since its labels are drawn on that."
            part.reader.counts.note(Level.WARNING, "EXIF_ORIENTATION", detail, part.reader.where(title, None))
        return (header and header.shown) or self._size or _size_of_masks(found)


def tell_odd_name(part: Part, image: dict[str, Any], title: str, member: str = "file_name") -> None:
    """Say that the name of a file, or of a video, is something else than a text."""
    name = image.get(member)
    if name is not None and not isinstance(name, str):
        detail, key = f"{member!r} is {name!r:.60}, which is no name.", ("key", f"image.{member}")
        where = part.reader.where(title, None)
        part.reader.counts.lose(Kind.DEFAULTED, "NATIVE_DROPPED", Feature.NATIVE, key, where, detail)


def tell_odd_sizes(part: Part, entry: dict[str, Any], title: str) -> None:
    """Say which sides of an image or video are something else than a number; 0 and -1 say that they are not known."""
    for key in ("width", "height"):
        value = entry.get(key)
        if value is not None and value not in (0, -1) and not side(value):
            detail = f"The {key!r} of an image is {value!r:.40}, which is no number of pixels."
            where, name = part.reader.where(title, None), ("key", f"image.{key}")
            part.reader.counts.lose(Kind.DEFAULTED, "NATIVE_DROPPED", Feature.NATIVE, name, where, detail)


def side(value: Any) -> int:
    """Return a size in whole pixels, 0 if it is none."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and 0 < value < 1e9 else 0


def _size_of_masks(found: Sequence[Found]) -> tuple[int, int] | None:
    """Return the size the masks of an image say."""
    for _, _, entries in found:
        for entry in entries:
            value = value_of(entry.segmentation) if entry is not None else None
            size = value.get("size") if isinstance(value, dict) else None
            if isinstance(size, list) and len(size) == 2 and all(map(side, size)):
                return side(size[1]), side(size[0])
    return None
