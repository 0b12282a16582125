"""A COCO file that was walked once: its images and annotations, read again where they stand.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np

from encord_convert.formats.coco.index import Index
from encord_convert.formats.coco.index_entries import number_of
from encord_convert.formats.coco.index_records import Join
from encord_convert.formats.coco.json_walk import Document
from encord_convert.formats.coco.read_shapes import Reader
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
