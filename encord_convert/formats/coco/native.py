"""What of a COCO file only COCO has words for: which ids are kept, and the keys of files, classes and images.

Ids are kept where they are unique and above 0 over all files that are read together; those that count (1, 2, 3, … in
the order of the file) are written back, too, but nothing is lost where they are not.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.coco.images import is_url
from encord_convert.formats.coco.index_entries import NO_ID, SIDE_KEYS, number_of
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.native import CLASSES, LARGEST, QUIET, says_nothing

FAMILY = "coco"
LARGEST_ID = 1 << 53
"""From here on other tools read another number."""

SEGMENT = "segment_id"
"""Native key of a segment of a panoptic PNG: the number of its pixels, which tells it apart on its image alone."""
SEGMENT_NAME = f"annotation.{SEGMENT}"
SAID = "labels"
"""Native key of a classification: the annotations without a geometry that it is made of."""

_QUIET = (
    f"annotation.{SAID}", "class.color", "class.image_count", "class.instance_count",
    *(f"annotation.{key}" for key in SIDE_KEYS),  # they are answers, too
)  # fmt: skip
_EMPTY_WHERE_ZERO = ("license", "date_captured")


class IdStats(msgspec.Struct):
    """What the ids of a list are, as they are met.

    Attributes
    ----------
    count, missing, invalid : int
        Entries, those of them without an id, and of these those whose id is neither a number nor a text.
    low, largest : int
        Of the ids.
    first : int or None
        The first id, as long as they count on from that without a gap.
    """

    count: int = 0
    missing: int = 0
    low: int = LARGEST_ID
    largest: int = 0
    first: int | None = None
    repeated: int = 0
    invalid: int = 0

    def see(self, ids: list[int], given: Sequence[Any] = ()) -> None:
        """Take the ids of the next entries into account; ``given`` are the values they stand for."""
        if not ids:
            return
        if not self.count:
            self.first = ids[0]
        if self.first is not None and ids != list(range(self.first + self.count, self.first + self.count + len(ids))):
            self.first = None
        self.count += len(ids)
        if NO_ID in ids:
            self.missing += ids.count(NO_ID)
            self.invalid += sum(id_ == NO_ID and value is not None for id_, value in zip(ids, given, strict=False))
            ids = [id_ for id_ in ids if id_ != NO_ID]
        if ids:
            self.low, self.largest = min(self.low, min(ids)), max(self.largest, max(ids))

    @property
    def is_usable(self) -> bool:
        """Whether all that are there are unique and above 0."""
        return self.count > self.missing and not self.repeated and self.low > 0 and self.largest < LARGEST_ID

    @property
    def is_counting(self) -> bool:
        """Whether they only count."""
        return self.first in (0, 1) and not self.missing


def stats_of(ids: Sequence[int] | NDArray[Any], given: Sequence[Any] = ()) -> IdStats:
    """Return what ids are, given all at once."""
    stats = IdStats()
    stats.see(list(map(int, ids)), given)
    stats.repeated = len(ids) - len(np.unique(np.array(ids, np.int64))) if stats.count > stats.missing else 0
    return stats


class KeptIds(msgspec.Struct):
    """Which ids are written back.

    Attributes
    ----------
    largest : dict of str to int
        Of ``image``, ``annotation``, ``video`` and ``class`` those that are kept, with their largest.
    quiet : set of str
        Names of those that only count, and what else says nothing.
    """

    largest: dict[str, int]
    quiet: set[str]

    def keeps(self, kind: str) -> bool:
        """Tell whether those of a kind are kept."""
        return kind in self.largest

    def settle(self, kind: str, parts: Sequence[IdStats], counts: Counts, where: Where) -> None:
        """Decide whether the ids of a kind are kept; ``parts`` are those of each file."""
        invalid = sum(one.invalid for one in parts)
        parts = [one for one in parts if one.count > one.missing]
        spans = sorted((one.low, one.largest) for one in parts)
        things = {"class": "categories"}.get(kind, f"{kind}s")
        if invalid:
            detail = f"Some ids of {things} are neither numbers nor texts; where they are written, they have others."
            counts.lose(Kind.RENAMED, "ID_RENUMBERED", Feature.NATIVE, ("key", f"{kind}.id"), where, detail, invalid)
        is_apart = all(one[1] < other[0] for one, other in pairwise(spans))
        if not parts:
            return
        if is_apart and all(one.is_usable for one in parts):
            self.largest[kind] = spans[-1][1]
            if len(parts) == 1 and parts[0].first == 1 and not parts[0].missing:
                self.quiet.add(f"{kind}.id")
            return
        count = sum(one.count - one.missing for one in parts)
        if all(one.is_counting for one in parts):
            detail = f"The ids of {things} only count; where they are written, they count from 1."
            counts.note(Level.INFO, "ID_RENUMBERED", detail, where, count)
            return
        detail = f"The ids of {things} are not unique and above 0; where they are written, they count from 1."
        counts.lose(Kind.RENAMED, "ID_RENUMBERED", Feature.NATIVE, ("key", f"{kind}.id"), where, detail, count)


_POSE = ("keypoints", "skeleton")


class Natives:
    """What of the files of a source only COCO has words for, and which ids are kept.

    Parameters
    ----------
    indexes : sequence of (Index, Index)
        Of each document: the index of its annotations, that of its images.
    categories : sequence of sequence of Category
        Of each document.
    image_ids : sequence of array
        Of each document those of the images that are rows or frames.
    counts : Counts

    Attributes
    ----------
    of_set : dict
        That of the label set.
    ids : KeptIds
    """

    def __init__(
        self, indexes: Sequence[tuple[Any, Any]], categories: Sequence[Sequence[Any]],
        image_ids: Sequence[NDArray[Any]], counts: Counts,
    ) -> None:  # fmt: skip
        self.ids = KeptIds({}, set(_QUIET))
        where = Where(file=indexes[0][0].document.place if len(indexes) == 1 else None)
        together = stats_of(np.concatenate(image_ids))
        each = [together] if together.is_usable else [stats_of(ids) for ids in image_ids]
        each[0].invalid = sum(index.invalid_image_ids for _, index in indexes)
        self.ids.settle("image", each, counts, where)
        self.ids.settle("annotation", [index.annotation_ids for index, _ in indexes], counts, where)
        videos = [[one.get("id") for one in index.videos if isinstance(one, dict)] for _, index in indexes]
        self.ids.settle("video", [stats_of(list(map(number_of, ids)), ids) for ids in videos], counts, where)
        self.of_set = self._blocks([index for _, index in indexes], counts, where)
        self.of_set[CLASSES] = self._classes(categories, counts, where)
        self.of_set[LARGEST] = self.ids.largest
        self.of_set[QUIET] = frozenset(self.ids.quiet)

    def _blocks(self, indexes: Sequence[Any], counts: Counts, where: Where) -> dict[str, Any]:
        """Return the blocks of files that are of the file itself; of several that differ, that of the first."""
        blocks: dict[str, Any] = {}
        for index in indexes:
            info = {key: value for key, value in index.info.items() if key not in ("encord", "description")}
            for key, value in ({"info": info} | index.blocks).items():
                if not says_nothing(value) and blocks.setdefault(key, value) != value:
                    detail = f"The files differ in their block {key!r}; that of the first is kept."
                    lose_block(counts, key, detail, where)
        return blocks

    def _classes(self, categories: Sequence[Sequence[Any]], counts: Counts, where: Where) -> dict[str, dict[str, Any]]:
        """Return the keys of each class, by its name."""
        classes: dict[str, dict[str, Any]] = {}
        ids: dict[str, int] = {}
        for category in (one for some in categories for one in some):
            if category.id == NO_ID and not category.native:  # there is none in the file
                continue
            if (category.keypoints or category.edges) and (
                category.stats.points or not category.stats.kinds
            ):  # its skeleton has them
                category.native = {key: one for key, one in category.native.items() if key not in _POSE}
            own = classes.setdefault(category.name, category.native)
            first = ids.setdefault(category.name, category.id)
            if first != category.id:
                detail = f"Several categories are called {category.name!r}; their class has the id of the first."
                counts.lose(Kind.MERGED, "ID_RENUMBERED", Feature.NATIVE, ("key", "class.id"), where, detail)
            for key, value in category.native.items():
                if value != own.get(key, value):
                    detail = f"Categories called {category.name!r} differ in {key!r}; that of the first is kept."
                    name = ("key", f"class.{key}")
                    counts.lose(Kind.MERGED, "CATEGORY_KEYS", Feature.NATIVE, name, where, detail)
            classes[category.name] = {**category.native, **own}
            if category.is_declared:
                self.ids.quiet.add("class.supercategory")
        self.ids.settle("class", [stats_of(list(ids.values()))], counts, where)
        if "class" in self.ids.largest:
            classes = {name: {"id": ids[name], **own} for name, own in classes.items()}
        return classes


def lose_block(counts: Counts, key: str, detail: str, where: Where, count: int = 1) -> None:
    """Say that a block of a file, or what it says otherwise than that of another file, is not taken over."""
    counts.lose(Kind.DROPPED, "BLOCK_NOT_READ", Feature.NATIVE, ("key", f"file.{key}"), where, detail, count)


def own_of(entry: Mapping[str, Any], read: Iterable[str]) -> dict[str, Any]:
    """Return the keys of an image or video that are not read."""
    return {key: value for key, value in entry.items() if key not in read}


def is_loud(key: str, row: Mapping[str, Any]) -> bool:
    """Tell whether a key of an image says something: tools write 0 for a licence or a date that is not known.

    What a title is made of says nothing but the host of a URL.
    """
    value = row[key]
    if key == "file_name":
        return is_url(value)
    if key == "image_title":
        return not str(row.get("file_name", "")).startswith("images/")
    return not says_nothing(value) and not (value == 0 and key in _EMPTY_WHERE_ZERO)


def quiet_of(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return those keys of which no image says anything, by their names."""
    rows = list(rows)
    return {
        f"{scope}.{key}"
        for key in (*_EMPTY_WHERE_ZERO, "file_name", "image_title")
        if not any(is_loud(key, row) for row in rows if key in row)
        for scope in ("image", "frame")
    }
