"""Where annotations are that are as most are: the numbers of many of them, read in one go.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.coco.read_extent import extent_of, extents_of_rings, own_extent, own_extents
from encord_convert.formats.coco.read_geometry import Drawing, Invalid, coordinates_of
from encord_convert.formats.coco.read_regular import SHAPES, Alike
from encord_convert.formats.coco.read_shapes import Reader
from encord_convert.hub.table import Column, Size
from encord_convert.hub.visibility import FARTHEST_PX, is_far
from encord_convert.sdk.objects import Shape

Floats = NDArray[np.float64]

_rings = msgspec.json.Decoder(list[list[list[float]]])
_boxes = msgspec.json.Decoder(list[list[float]])


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
    """

    def __init__(
        self, reader: Reader, entries: list[Any], alikes: list[Alike | None], owners: NDArray[np.int64],
        sizes: list[Size],
    ) -> None:  # fmt: skip
        self.alikes: list[Alike | None] = [None] * len(entries)
        self._reader = reader
        self._is_relative = reader.options.coordinates == "relative"
        self._entries = entries
        self._given = alikes
        self._owners = owners
        self._all_sizes = sizes
        self._sizes = np.array(sizes[:1] if sizes.count(sizes[0]) == len(sizes) else sizes, np.float64)
        self.native: dict[int, dict[str, Any]] = {}
        self._found: dict[Shape, tuple[list[int], Any, Any]] = {}
        by_kind: dict[str, list[int]] = {kind: [] for kind in SHAPES}
        for at, alike in enumerate(alikes):
            if alike is not None:
                by_kind[alike.kind].append(at)
        for kind, drawn in by_kind.items():
            shape = SHAPES[kind]
            kept, numbers, more = _READERS[shape](self, drawn) if drawn else ([], (), ())
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
        found = _decoded(_boxes, [self._entries[one].bbox for one in at])
        if set(map(len, found)) != {4}:
            kept = [number for number, box in enumerate(found) if len(box) == 4]
            at, found = [at[number] for number in kept], [found[number] for number in kept]
        numbers = np.array(found, np.float64).reshape(-1, 4)
        good = (np.abs(numbers) <= FARTHEST_PX).all(axis=1) & (numbers[:, 2:] >= 0).all(axis=1)
        if not good.all():
            at, numbers = np.array(at)[good].tolist(), numbers[good]
        limits = self._limits(at)
        relative = numbers if self._is_relative else numbers / np.hstack([limits, limits])
        self._compare(at, numbers[:, 2] * numbers[:, 3])
        self._reader.judge(relative, limits)
        return at, relative, ()

    def _polygons(self, at: list[int]) -> tuple[list[int], Any, Any]:
        kept, rings = [], []
        for one, found in zip(at, _decoded(_rings, [self._entries[one].segmentation for one in at]), strict=False):
            if len(found) != 1:
                continue
            [ring] = found
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
        if self._is_relative:
            return kept, flat.reshape(-1), counts
        if kept:
            boxes, areas = extents_of_rings(flat, [count >> 1 for count in counts])
            self._compare(kept, areas, boxes)
        limits = self._limits(kept)
        spread = limits if len(limits) == 1 else np.repeat(limits, np.array(counts, int) // 2, axis=0)
        return kept, (flat / spread).reshape(-1), counts

    def _compare(self, at: list[int], areas: Floats, boxes: Floats | None = None) -> None:
        """Look whether annotations say of their extent what their geometry is."""
        if self._is_relative or not at:
            return
        entries = [self._entries[one] for one in at]
        bboxes = [] if boxes is None else [entry.bbox for entry in entries]
        for number, own in own_extents(bboxes, [entry.area for entry in entries], areas, boxes).items():
            self.native[at[number]] = own

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
        return kept, np.array([(point.x, point.y) for point in points], np.float64).reshape(-1, 2), ()

    def _one_by_one(self, at: list[int]) -> tuple[list[int], list[Any]]:
        """Return which of the annotations can be drawn without a word, and their coordinates."""
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
    Shape.POLYGON: Plain._polygons,
    Shape.BITMASK: Plain._masks,
    Shape.POINT: Plain._points,
}


def _packed(rings: Sequence[Sequence[float]]) -> Floats:
    """Return the points of rings, one ring after the other."""
    return np.frombuffer(b"".join([_packer(len(ring))(*ring) for ring in rings])).reshape(-1, 2)


@lru_cache(maxsize=1024)
def _packer(count: int) -> Callable[..., bytes]:
    """Return what makes doubles of so many numbers: of all ways there are, the quickest."""
    return struct.Struct(f"{count}d").pack


def _decoded(decoder: Any, raws: list[Any]) -> list[Any]:
    """Return what the texts are, nothing if any of them is something else."""
    try:
        return decoder.decode(b"[" + b",".join(raws) + b"]")  # type: ignore[no-any-return]
    except (msgspec.DecodeError, RecursionError):
        return []
