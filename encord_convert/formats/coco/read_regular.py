"""Annotations of COCO files that are as most are: what many of them have in common is found once for all.

Such an annotation is a box, a polygon of one ring, run lengths, a point, or a box that is rotated as this package
writes it, and a set of attributes that others have too; nothing about it is changed or lost. The numbers of many of
them are read in one go.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import compress, repeat
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from encord_convert.formats.coco.index import OWN_KEYS, drawn_as
from encord_convert.formats.coco.index_entries import Looks, sides, value_of
from encord_convert.formats.coco.ontology import Plan, Unknown, answer_of
from encord_convert.formats.coco.read_extent import (
    Floats,
    extent_of,
    extents_of_rings,
    flat_of,
    own_extent,
    own_extents,
)
from encord_convert.formats.coco.read_geometry import Drawing, Invalid, coordinates_of
from encord_convert.formats.coco.read_shapes import Reader
from encord_convert.hub.counts import Key
from encord_convert.hub.table import Column, Size, Variant
from encord_convert.hub.visibility import FARTHEST_PX, is_far
from encord_convert.sdk.objects import Shape

SHAPES = {
    "bbox": Shape.BOUNDING_BOX,
    "polygon": Shape.POLYGON,
    "rle": Shape.BITMASK,
    "keypoints": Shape.POINT,
}
"""What annotations of a kind of geometry become if they are as most are; of one that is rotated its box does."""

_SIDES = ("keypoints", "score", "confidence", "segments_info", "segmentations", "bboxes", "track_id", "instance_id",
          "caption", "file_name")  # fmt: skip
"""Keys of which a plain annotation has none."""

_MOST_KNOWN = 10_000
_LONG = 256
"""Attributes of more bytes are hardly those of another annotation."""

_NONE = Raw(b"")
_rings = msgspec.json.Decoder(list[list[list[float]]])
_boxes = msgspec.json.Decoder(list[list[float]])


class Alike:
    """What annotations have in common.

    Parameters
    ----------
    shape : Shape
        What they become.
    plan : Plan
    variant : Variant
    counts : tuple of (Key, int)
        The things each of them is counted as.
    """

    __slots__ = ("counts", "plan", "shape", "variant")

    def __init__(self, plan: Plan, variant: Variant, counts: tuple[tuple[Key, int], ...]) -> None:
        self.shape = plan.shape
        self.plan = plan
        self.variant = variant
        self.counts = counts


class Alikes:
    """Finds what the annotations a reader reads have in common with others."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[Any, Alike | None] = {}

    def of(self, entries: list[Any]) -> tuple[list[Alike | None], Looks]:
        """Return for each annotation what it has in common with others, and what they look like.

        None for one that is not as most are.
        """
        known = self._known
        if len(known) > _MOST_KNOWN:
            known.clear()
        sides_of, no_sides = sides(_SIDES, len(self._reader.unknown_keys))
        looks = Looks(entries, sides_of, no_sides)
        kinds = looks.outlines
        for at, kind in enumerate(kinds):
            if not kind and entries[at] is not None and len(entries[at].keypoints):
                crowd, _, *others = sides_of(entries[at])
                if (crowd, _NONE, *others) in no_sides and drawn_as(entries[at]) == "keypoints":
                    kinds[at] = "keypoints"
        turns, categories = looks.turns, [None if entry is None else entry.category_id for entry in entries]
        are_turned = [at in turns for at in range(len(entries))] if turns else repeat(False)
        keys = list(zip(categories, kinds, looks.texts, are_turned, strict=False))
        if set(map(type, categories)) - {int} or max(map(len, looks.texts), default=0) > _LONG:
            keys = [key if key[0].__class__ is int and len(key[2]) <= _LONG else (0, "", b"", False) for key in keys]
        for key in dict.fromkeys(keys):
            if key not in known:
                known[key] = self._alike(*key) if key[1] else None
        return list(map(known.__getitem__, keys)), looks

    def _alike(self, category_id: Any, kind: str, text: bytes, is_turned: bool) -> Alike | None:
        """Return what annotations of a category and a kind, with these attributes, have in common."""
        reader = self._reader
        category = reader.categories.get(category_id)
        is_own = text[-1:] in (b"{", b",")  # what is left before a hash
        attributes = value_of(Raw(text.rstrip(b",") + b"}" if is_own else text))
        if attributes is not None and not isinstance(attributes, dict):
            return None
        attributes = attributes or {}
        if category is None or category.is_declared or attributes.keys() & _TOLD_APART:
            return None
        plan = reader.plans.known(category, kind, attributes.get("encord_shape"))
        if plan is None or plan.shape is not (Shape.ROTATABLE_BOUNDING_BOX if is_turned else SHAPES[kind]):
            return None
        answers = list(plan.constants)
        kept = 0
        for name, value in attributes.items():
            if name in OWN_KEYS or value is None:
                continue
            question = plan.questions.get(name)
            answer = Unknown if question is None else answer_of(question, value)
            if answer is Unknown:
                return None
            answers.append((question.attribute, answer))  # type: ignore[union-attr]
            kept += 1
        carried = (("answer", kept),) if kept else ()
        info = reader.info_of(None, attributes.get("manual_annotation"), is_own)
        static, dynamic = reader.shared(plan.object, tuple(answers), 0) if answers else (None, None)
        label = plan.label
        counts = (((kind, label), 1), *(((type_, label), count) for type_, count in carried))
        return Alike(plan, Variant(plan.object, info, static, dynamic, kind, label, carried), counts)


_TOLD_APART = frozenset({"encord_object_hash", "encord_track_uuid", "classifications", "track_id"})
"""Attributes by which an annotation is one of its own, or which hold further ones."""


# -- where they are ---------------------------------------------------------------------------------------------------


class Plain:
    """The annotations of some images that are plain in what they are and in where they are.

    Parameters
    ----------
    reader : Reader
        Counts the plain annotations; it is told how many boxes look odd.
    entries : list
        All annotations.
    alikes : list of Alike or None
        What each has in common with others; None: it is not plain.
    looks : Looks
    owners : (n,) int
        The image of each.
    sizes : list of Size
        Of the images.

    Attributes
    ----------
    alikes : list of Alike or None
        None too for one whose geometry is not plain.
    native : dict of int to dict
        Of those that are plain: box and area that are not of the geometry, whatever they are.
    is_sound : bool
        Those are all numbers.
    """

    def __init__(
        self, reader: Reader, entries: list[Any], alikes: list[Alike | None], looks: Looks,
        owners: NDArray[np.int64], sizes: list[Size],
    ) -> None:  # fmt: skip
        self.alikes: list[Alike | None] = [None] * len(entries)
        self._reader = reader
        self._is_relative = reader.options.coordinates == "relative"
        self._entries = entries
        self._given = alikes
        self._looks = looks
        self._owners = owners
        self._all_sizes = sizes
        self._sizes = np.array(sizes[:1] if sizes.count(sizes[0]) == len(sizes) else sizes, np.float64)
        self.native: dict[int, dict[str, Any]] = {}
        self.is_sound = True
        self._found: dict[Shape, tuple[list[int], Any, Any]] = {}
        by_shape: dict[Shape, list[int]] = {shape: [] for shape in _READERS}
        for at, alike in enumerate(alikes):
            if alike is not None:
                by_shape[alike.shape].append(at)
        for shape, some in by_shape.items():
            kept, numbers, more = _READERS[shape](self, some) if some else ([], (), ())
            for one in kept:
                self.alikes[one] = alikes[one]
            if kept:
                self._found[shape] = kept, numbers, more
        plain = [entry for entry, alike in zip(entries, self.alikes, strict=True) if alike is not None]
        self.lacks = not all((len(entry.area) or len(entry.areas)) and entry.iscrowd is not None for entry in plain)
        for alike, count in Counter(self.alikes).items():
            for key, number in alike.counts if alike is not None else ():
                reader.counts.into[key] += number * count

    def columns(self, places: NDArray[np.int64]) -> dict[Shape, Column]:
        """Return the columns of a table in which each annotation has such a place."""
        return {
            shape: Column(places[kept].tolist(), numbers, more) for shape, (kept, numbers, more) in self._found.items()
        }

    def _limits(self, at: Sequence[int]) -> Floats:
        """Return width and height of the image of each, in one row if they are all alike."""
        return self._sizes if len(self._sizes) == 1 else self._sizes[self._owners[at]]

    def _boxes(self, at: list[int]) -> tuple[list[int], Any, Any]:
        at, numbers = _quads(at, b",".join([self._entries[one].bbox for one in at]))
        if not at:
            return [], (), ()
        relative = self._relative(at, numbers)
        self._compare(at, numbers[:, 2] * numbers[:, 3])
        self._reader.judge(relative, self._limits(at))
        return at, relative, ()

    def _rotated(self, at: list[int]) -> tuple[list[int], Any, Any]:
        turns = self._looks.turns
        at, numbers = _quads(at, b",".join([b"[%b]" % turns[one][1] for one in at]))
        angles = [float(turns[one][0]) for one in at]
        if not all(abs(angle) < 1e15 for angle in angles) or flat_of([self._entries[o].bbox for o in at], 4) is None:
            return [], (), ()
        self._compare(at, numbers[:, 2] * numbers[:, 3])
        return at, self._relative(at, numbers), [angle % 360.0 for angle in angles]

    def _relative(self, at: list[int], boxes: Floats) -> Floats:
        return boxes if self._is_relative else boxes / np.tile(self._limits(at), 2)

    def _polygons(self, at: list[int]) -> tuple[list[int], Any, Any]:
        kept, rings = [], []
        found = _decoded(_rings, b",".join([self._entries[one].segmentation for one in at]))
        for one, parts in zip(at, found, strict=False):
            if len(parts) != 1:
                continue
            [ring] = parts
            count = len(ring)
            if count < 6 or count % 2:
                continue
            if count > 6 and ring[0] == ring[-2] and ring[1] == ring[-1]:
                del ring[-2:]
            kept.append(one)
            rings.append(ring)
        flat = _packed(rings)
        if not -FARTHEST_PX <= flat.min(initial=0.0) <= flat.max(initial=0.0) <= FARTHEST_PX:
            near = [not is_far(ring) for ring in rings]
            kept, rings = [*compress(kept, near)], [*compress(rings, near)]
            flat = _packed(rings)
        counts = list(map(len, rings))
        if self._is_relative or not kept:
            return kept, flat, counts
        points, numbers = flat.reshape(-1, 2), np.array(counts, np.int64) >> 1
        boxes, areas = extents_of_rings(points, numbers)
        self._compare(kept, areas, boxes)
        limits = self._limits(kept)
        spread = limits if len(limits) == 1 else np.repeat(limits, numbers, axis=0)
        return kept, (points / spread).reshape(-1), counts

    def _compare(self, at: list[int], areas: Floats, boxes: Floats | None = None) -> None:
        """Look whether annotations say of their extent what their geometry is."""
        if self._is_relative or not at:
            return
        entries = [self._entries[one] for one in at]
        bboxes = [] if boxes is None else [entry.bbox for entry in entries]
        own, is_sound = own_extents(bboxes, [entry.area for entry in entries], areas, boxes)
        self.is_sound = self.is_sound and is_sound
        for number, keys in own.items():
            self.native[at[number]] = keys

    def _masks(self, at: list[int]) -> tuple[list[int], Any, Any]:
        kept, found = self._one_by_one(at)
        if kept:
            extents = [extent_of(one, (1, 1)) for one in found]
            boxes = np.array([box for box, _ in extents], np.float64)
            self._compare(kept, np.array([area for _, area in extents]), boxes)
        return kept, found, ()

    def _points(self, at: list[int]) -> tuple[list[int], Any, Any]:
        kept, points = self._one_by_one(at)
        for one, point in zip(kept, points, strict=True):
            size = self._all_sizes[int(self._owners[one])]
            if not self._is_relative and (own := own_extent(self._entries[one], point, size)):
                self.native[one] = own
                self.is_sound = False
        return kept, np.array([(point.x, point.y) for point in points], np.float64).reshape(-1, 2), ()

    def _one_by_one(self, at: list[int]) -> tuple[list[int], list[Any]]:
        """Return which of the annotations can be taken over without a word, and their coordinates."""
        kept, found = [], []
        drawing, options = Drawing(), self._reader.options
        for one in at:
            size, plan = self._all_sizes[int(self._owners[one])], self._given[one].plan  # type: ignore[union-attr]
            try:
                coordinates = coordinates_of(plan, self._entries[one], {}, size, options, drawing)
            except Invalid:
                continue
            if drawing.is_used:
                drawing = Drawing()
                continue
            kept.append(one)
            found.append(coordinates)
        return kept, found


_READERS: dict[Shape, Callable[[Plain, list[int]], tuple[list[int], Any, Any]]] = {
    Shape.BOUNDING_BOX: Plain._boxes,
    Shape.ROTATABLE_BOUNDING_BOX: Plain._rotated,
    Shape.POLYGON: Plain._polygons,
    Shape.BITMASK: Plain._masks,
    Shape.POINT: Plain._points,
}


def _quads(at: list[int], text: bytes) -> tuple[list[int], Floats]:
    """Return which of some annotations have boxes of four numbers, and these: left, top, width, height."""
    found = _decoded(_boxes, text)
    if set(map(len, found)) != {4}:
        pairs = [(one, box) for one, box in zip(at, found, strict=False) if len(box) == 4]
        at, found = [one for one, _ in pairs], [box for _, box in pairs]
    boxes = np.array(found, np.float64).reshape(-1, 4)
    good = np.asarray((np.abs(boxes) <= FARTHEST_PX).all(axis=1) & (boxes[:, 2:] >= 0).all(axis=1))
    return (at, boxes) if good.all() else (list(compress(at, good.tolist())), boxes[good])


def _packed(rings: Sequence[Sequence[float]]) -> Floats:
    """Return the numbers of rings, one ring after the other."""
    return np.frombuffer(b"".join([_packer(len(ring))(*ring) for ring in rings]))


@lru_cache(maxsize=1024)
def _packer(count: int) -> Callable[..., bytes]:
    """Return what makes doubles of so many numbers: of all ways there are, the quickest."""
    return struct.Struct(f"{count}d").pack


def _decoded(decoder: Any, text: bytes) -> list[Any]:
    """Return what JSON values are, nothing if any of them is something else."""
    try:
        return decoder.decode(b"[%b]" % text)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, RecursionError):
        return []
