"""Images of COCO files to label rows: which file speaks of which, stills, and whatever belongs to no image.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from encord_convert.formats._files import Source
from encord_convert.formats.coco.index_columns import Ints
from encord_convert.formats.coco.read_document import Extents, Found, Part, title_of
from encord_convert.formats.coco.read_stills import Stills
from encord_convert.formats.coco.read_videos import Videos
from encord_convert.hub.draft import Draft
from encord_convert.hub.loss import Feature, Level, Where
from encord_convert.hub.table import Table
from encord_convert.sdk.objects import LabelRowV2

MOST_PICTURES = 256
MOST_BYTES = 1 << 19
"""A table ends after so many images, or with the image in which it has so many bytes of annotations."""


def together(part: Part, places: Iterable[int]) -> Iterator[list[int]]:
    """Yield the images of each table."""
    some: list[int] = []
    size = 0
    for place in places:
        some.append(place)
        size += part.join.length(place)
        if len(some) == MOST_PICTURES or size >= MOST_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


Shared = tuple[dict[tuple[int, int], list[tuple[int, int]]], set[tuple[int, int]]]
"""By number of the document and place of the image: which images of later documents are the same; and all of those."""


def shared_images(parts: Sequence[Part]) -> Shared:
    """Return which images of later files are those of earlier ones, by file name within a split."""
    guests: dict[tuple[int, int], list[tuple[int, int]]] = {}
    hosted: set[tuple[int, int]] = set()
    if len(parts) == 1:
        return guests, hosted
    first: dict[tuple[str, Any], tuple[int, int]] = {}
    for number, part in enumerate(parts):
        count = len(part.images_index.image_ids())
        mine: dict[Any, tuple[int, int]] = {}
        for start in range(0, count, 1024):
            places = list(range(start, min(start + 1024, count)))
            for place, image in zip(places, part.images_at(places), strict=True):
                key = (part.split, str(image.get("file_name")))
                host = first.get(key)
                if host is not None and part.split and not part.images_index.groups()[place]:
                    guests.setdefault(host, []).append((number, place))
                    hosted.add((number, place))
                else:
                    mine.setdefault(key, (number, place))
        for key, where in mine.items():
            first.setdefault(key, where)
    return guests, hosted


def written_ids(number: int, part: Part, hosted: set[tuple[int, int]]) -> Ints:
    """Return the ids of the images of a document that are no image of an earlier one, nor repeated in it."""
    ids = part.images_index.image_ids()
    gone = [at for at in range(len(ids)) if (number, at) in hosted] if hosted else []
    return np.delete(ids, [*gone, *part.join.repeated])


class Images:
    """Makes the rows of all documents.

    Parameters
    ----------
    source : Source
    draft : Draft
    parts : sequence of Part
    size : (int, int), optional
        Of images whose size is not known.
    shared : Shared
        Images of several documents.
    """

    def __init__(
        self, source: Source, draft: Draft, parts: Sequence[Part], size: tuple[int, int] | None, shared: Shared
    ) -> None:
        self._source = source
        self._draft = draft
        self._parts = parts
        self._extents = Extents(source, size)
        self._videos = Videos(source, draft, self._extents)
        self._guests, self._hosted = shared
        self._ambiguous_of: dict[int, set[int]] = {}

    def tables(self, span: range | None = None) -> Iterator[Table | LabelRowV2]:
        """Walk all rows, many at a time where images are rows of their own.

        Of a single document of nothing but stills those of a ``span`` of its images can be walked. What belongs to no
        image comes with the last.
        """
        for number, part in enumerate(self._parts):
            reader = part.reader
            reader.begin()
            images = range(len(part.images_index.image_ids()))
            own = images if span is None else span
            for type_, count in (
                ("image", len(own)),
                ("video", len(part.images_index.videos)),
            ):
                if count:
                    reader.counts.into[type_, ""] += count
            for _ in range(len(part.images_index.videos) - len(part.videos)) if not own.start else ():
                where, detail = Where(file=part.images.place), "Two videos have the same id; the first is read."
                reader.counts.drop("DUPLICATE_ID", Feature.MEDIA, ("video", ""), where, detail)
            if part.by_video:
                yield from self._videos.tracks(part)
            else:
                yield from self._images(number, part, own)
            if own.stop == images.stop:
                self._lose_orphans(part)
            reader.close()

    def _with_guests(self, number: int, place: int, own: Found) -> list[Found]:
        found = [own]
        for other, at in self._guests.get((number, place), ()) if self._guests else ():
            found += self._parts[other].found([at])
        return found

    # -- images -----------------------------------------------------------------------------------------------

    def _images(self, number: int, part: Part, span: range) -> Iterator[Table | LabelRowV2]:
        groups = part.images_index.groups()
        members: dict[int, list[int]] = {}
        has_groups = bool(groups.any())
        if has_groups:
            for place, group in enumerate(groups.tolist()):
                if group:
                    members.setdefault(group, []).append(place)
        stills = Stills(self._source, self._draft, part, self._extents)
        rows = (at for at in span if (number, at) not in self._hosted and not self._is_repeated(part, at))
        for group, places in groupby(rows, lambda at: int(groups[at])):
            if not group:
                for some in together(part, places):
                    yield self._table(number, part, stills, some)
            elif group in members:
                yield self._videos.group(part, group, members.pop(group))
        seen = {(group - 1) // 2 for group in groups.tolist() if group % 2} if has_groups else set()
        for id_, video in part.videos.items():
            if id_ not in seen:
                yield self._videos.video(part, id_, video, [])

    def _is_repeated(self, part: Part, place: int) -> bool:
        if place not in part.join.repeated:
            return False
        earlier, later = part.images_at([part.join.repeated[place], place])
        counts, where = part.reader.counts, Where(file=part.images.place, element=f"image {later.get('id')}")
        detail = "Two images have the same id; the first is read."
        if earlier.get("file_name") != later.get("file_name"):
            detail = "Two images of different names have the same id; the first is read, without the labels of the two."
        counts.drop("DUPLICATE_ID", Feature.MEDIA, ("image", ""), where, detail)
        counts.note(Level.ERROR, "DUPLICATE_ID", detail, where)
        return True

    def _table(self, number: int, part: Part, stills: Stills, places: list[int]) -> Table:
        found = zip(places, self._without_ambiguous(part, places, part.found(places)), strict=True)
        return stills.table(places, [self._with_guests(number, place, own) for place, own in found])

    def _without_ambiguous(self, part: Part, places: list[int], found: list[Found]) -> list[Found]:
        """Return images without annotations that may be those of another image of the same id and another name."""
        ambiguous = self._ambiguous(part)
        for number, place in enumerate(places) if ambiguous else ():
            if place in ambiguous:
                own, image, entries = found[number]
                for entry in entries:
                    detail = f"Two images of different names have the id {image.get('id')!r}."
                    part.reader.lose(entry, "AMBIGUOUS_IMAGE", detail, title_of(image))
                found[number] = own, image, []
        return found

    def _ambiguous(self, part: Part) -> set[int]:
        """Return the images whose id another has, too, that is called otherwise."""
        if id(part) not in self._ambiguous_of:
            repeated = part.join.repeated
            firsts = sorted(set(repeated.values()))
            names = {at: image.get("file_name") for at, image in zip(firsts, part.each_image(firsts), strict=True)}
            later = list(repeated)
            self._ambiguous_of[id(part)] = {
                repeated[at]
                for at, image in zip(later, part.each_image(later), strict=True)
                if image.get("file_name") != names[repeated[at]]
            }
        return self._ambiguous_of[id(part)]

    def _lose_orphans(self, part: Part) -> None:
        parents = part.video_ids if part.by_video else part.images_index.image_ids()
        for entry in part.each_annotation(len(parents)):
            if entry is None:
                part.reader.lose(entry, "INVALID_ANNOTATION", "An entry of annotations is no object.")
                continue
            id_ = entry.image_id if entry.image_id is not None else entry.video_id
            part.reader.lose(entry, "ORPHAN_IMAGE", f"There is no image {id_!r}.")
