"""Boxes and areas that annotations say beside their geometry: those that are not of it are kept as they are.

The box of a person is one of its own beside keypoints, and an amodal one holds what is hidden; an area may be that of
pixels, or of what can be seen.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import mul
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.coco.index_entries import is_given, numbers_of, value_of
from encord_convert.geometry import rle
from encord_convert.hub.visibility import FARTHEST_PX
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    Visibility,
)

Floats = NDArray[np.float64]

BOX_PX = 0.02
"""Sides of a box that are as near to those of the geometry are those, rounded."""
_AREA, _AREA_PX = 1e-3, 0.01
"""Areas are, if they differ by no more than this share, and this much."""

_NO_ATTRIBUTES: Mapping[str, Any] = {}

_boxes, _areas = msgspec.json.Decoder(list[float]), msgspec.json.Decoder(float)
_values = msgspec.json.Decoder(list[Any])


def own_extent(
    entry: Any, coordinates: Any, size: tuple[int, int], attributes: Mapping[str, Any] = _NO_ATTRIBUTES
) -> dict[str, Any]:
    """Return ``bbox`` and ``area`` of an annotation as it says them, if they are not those of its geometry."""
    own: dict[str, Any] = {}
    if not (len(entry.bbox) or len(entry.area)):
        return own
    bbox, of_geometry = extent_of(coordinates, size)
    if _says(entry, bbox, of_geometry):
        return own
    says_box, area = is_given(entry.bbox), value_of(entry.area)
    box = value_of(entry.bbox) if says_box else None
    if box is not None and not _is_box(box):
        if len(numbers_of(box) or ()) != 5:
            own["bbox"] = box
    elif box is not None and _differ(box, bbox):
        is_rotated = isinstance(coordinates, RotatableBoundingBoxCoordinates)
        if not is_rotated or not ("unrotated_bbox" in attributes or not _differ(box, _box(coordinates, size))):
            own["bbox"] = box
    if area is not None and _is_other(area, of_geometry):
        own["area"] = area
    return own


def _says(entry: Any, bbox: list[float], of_geometry: float) -> bool:
    """Tell an annotation that says the box and the area of its geometry, in numbers, as most do."""
    try:
        left, top, width, height = _boxes.decode(entry.bbox)
        area = _areas.decode(entry.area)
    except ValueError:
        return False
    return (
        abs(left - bbox[0]) <= BOX_PX
        and abs(top - bbox[1]) <= BOX_PX
        and abs(width - bbox[2]) <= BOX_PX
        and abs(height - bbox[3]) <= BOX_PX
        and not _is_other(area, of_geometry)
    )


def is_sound(key: str, value: Any) -> bool:
    """Tell whether a ``bbox`` is four numbers and an ``area`` one: what is neither is not kept."""
    return _is_box(value) if key == "bbox" else _is_number(value)


def own_extents(
    bboxes: list[Any], areas: list[Any], of_geometry: Floats, boxes: Floats | None = None
) -> tuple[dict[int, dict[str, Any]], bool]:
    """Return what :func:`own_extent` does of many annotations, where it is anything, and whether it is all numbers.

    Parameters
    ----------
    bboxes, areas : n Raw
        What annotations say.
    of_geometry : (n,) float
        The areas of their geometries.
    boxes : (n, 4) float, optional
        The boxes of their geometries, if they are something else than what ``bbox`` says.
    """
    found: dict[int, dict[str, Any]] = {}
    given = None if boxes is None else flat_of(bboxes, 4)
    if given is not None and boxes is not None:
        for at, value in _values_at((np.abs(given - boxes) > BOX_PX).any(axis=1), bboxes):
            found[at] = {"bbox": value}
    elif boxes is not None:
        for at, (raw, box) in enumerate(zip(bboxes, boxes.tolist(), strict=True)):
            own = value_of(raw) if is_given(raw) else None
            if own is not None and (not _is_box(own) or _differ(own, box)):
                found[at] = {"bbox": own}
    said = flat_of(areas, 1)
    if said is not None:
        differ = np.abs(said[:, 0] - of_geometry) > _AREA * np.abs(of_geometry) + _AREA_PX
        for at, value in _values_at(differ, areas):
            found.setdefault(at, {})["area"] = value
    else:
        for at, (raw, other) in enumerate(zip(areas, of_geometry.tolist(), strict=True)):
            area = value_of(raw)
            if area is not None and _is_other(area, other):
                found.setdefault(at, {})["area"] = area
    return found, said is not None and (boxes is None or given is not None)


def _values_at(flags: Any, raws: list[Any]) -> Iterator[tuple[int, Any]]:
    """Yield those of some values that are flagged, with their places."""
    places = np.flatnonzero(flags).tolist()
    return zip(places, _values.decode(b"[" + b",".join([raws[at] for at in places]) + b"]"), strict=True)


def flat_of(raws: list[Any], width: int) -> Floats | None:
    """Return what texts say, each so many numbers that are not far; None if any says something else."""
    text = b",".join(raws)
    if width > 1:
        if text.count(b"[") != len(raws) or {bytes(raw).count(b",") for raw in raws} != {width - 1}:
            return None
        text = text.translate(None, b"[]")
    try:
        numbers = np.array(_boxes.decode(b"[%b]" % text), np.float64)
    except (msgspec.DecodeError, RecursionError):
        return None
    is_whole = len(numbers) == width * len(raws) and bool((np.abs(numbers) <= FARTHEST_PX).all())
    return numbers.reshape(-1, width) if is_whole else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def _is_other(area: Any, of_geometry: float) -> bool:
    return not _is_number(area) or abs(area - of_geometry) > _AREA * abs(of_geometry) + _AREA_PX


def _is_box(value: Any) -> bool:
    return len(numbers_of(value) or ()) == 4


def _differ(box: list[float], other: list[float]) -> bool:
    return any(abs(a - b) > BOX_PX for a, b in zip(box, other, strict=True))


def extent_of(coordinates: Any, size: tuple[int, int]) -> tuple[list[float], float]:
    """Return left, top, width and height of a geometry in pixels, and its area."""
    if isinstance(coordinates, BoundingBoxCoordinates):
        box = _box(coordinates, size)
        return box, box[2] * box[3]
    if isinstance(coordinates, PolygonCoordinates) and not coordinates._is_nested:
        return _extent_of_ring(coordinates._flat, size)
    if isinstance(coordinates, BitmaskCoordinates):
        runs, left, top, width, height = coordinates._box_runs()
        return [left, top, width, height], float(rle.area_from_runs(runs))
    if isinstance(coordinates, RotatableBoundingBoxCoordinates):
        x, y, w, h = _box(coordinates, size)
        angle = np.deg2rad(coordinates.theta)
        cos, sin = abs(float(np.cos(angle))), abs(float(np.sin(angle)))
        across, down = w * cos + h * sin, w * sin + h * cos
        return [x + (w - across) / 2, y + (h - down) / 2, across, down], w * h
    if isinstance(coordinates, PointCoordinate):
        return [coordinates.x * size[0] - 0.5, coordinates.y * size[1] - 0.5, 1.0, 1.0], 1.0
    if isinstance(coordinates, SkeletonCoordinates):
        box = box_around(coordinates.values, size)
        return box, box[2] * box[3]
    if isinstance(coordinates, PolygonCoordinates):
        outlines, area = [], 0.0
        for part in coordinates.polygons:
            outer, *holes = (np.array(ring, np.float64).reshape(-1, 2) * size for ring in part)
            outlines.append(outer)
            area += abs(_shoelace(outer)) - sum(abs(_shoelace(hole)) for hole in holes)
        return _bounds(np.concatenate(outlines)), area
    return [0.0, 0.0, 0.0, 0.0], 0.0


def box_around(points: Sequence[Any], size: tuple[int, int]) -> list[float]:
    """Return the box around skeleton points that are shown (of all, if none is): in the image, 1 px at least."""
    shown = [point for point in points if point.visibility is not Visibility.INVISIBLE] or points
    sides = []
    for places, limit in (([p.x for p in shown], size[0]), ([p.y for p in shown], size[1])):
        low, high = (min(max(place * limit, 0.0), limit) for place in (min(places), max(places)))
        side = min(max(high - low, 1.0), limit)
        sides.append((min(low, limit - side), side))
    (left, width), (top, height) = sides
    return [left, top, width, height]


def _box(c: Any, size: tuple[int, int]) -> list[float]:
    return [c.top_left_x * size[0], c.top_left_y * size[1], c.width * size[0], c.height * size[1]]


def _extent_of_ring(flat: Any, size: tuple[int, int]) -> tuple[list[float], float]:
    """Return what :func:`extent_of` does of one ring, x0, y0, …; of the few points of most, lists are faster."""
    if not 0 < len(flat) < 2 * _FEW_POINTS:
        ring = np.array(flat, np.float64).reshape(-1, 2) * size
        return _bounds(ring), abs(_shoelace(ring)) if len(ring) else 0.0
    width, height = size
    numbers = flat.tolist() if isinstance(flat, np.ndarray) else flat
    xs, ys = [x * width for x in numbers[::2]], [y * height for y in numbers[1::2]]
    left, top = min(xs), min(ys)
    twice = sum(map(mul, xs, ys[1:])) - sum(map(mul, ys, xs[1:])) + xs[-1] * ys[0] - ys[-1] * xs[0]
    return [left, top, max(xs) - left, max(ys) - top], abs(twice) / 2


_FEW_POINTS = 50


def _bounds(places: Floats) -> list[float]:
    if not len(places):
        return [0.0, 0.0, 0.0, 0.0]
    (left, top), (right, bottom) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    return [left, top, right - left, bottom - top]


def _shoelace(ring: Floats) -> float:
    x, y = ring[:, 0], ring[:, 1]
    inner = np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:])
    return float(inner + x[-1] * y[0] - y[-1] * x[0]) / 2


def extents_of_rings(pixels: Floats, counts: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the box and the area of each of many rings.

    Parameters
    ----------
    pixels : (n, 2) float
        Their points, one ring after the other.
    counts : (k,) int
        How many points each has.
    """
    ends = np.cumsum(counts)
    starts = ends - counts
    low, high = np.minimum.reduceat(pixels, starts), np.maximum.reduceat(pixels, starts)
    following = np.roll(pixels, -1, axis=0)
    following[ends - 1] = pixels[starts]
    crosses = pixels[:, 0] * following[:, 1] - pixels[:, 1] * following[:, 0]
    return np.hstack([low, high - low]), np.abs(np.add.reduceat(crosses, starts)) / 2
