"""Fixes with one right result: shapes clipped to the image, empty ones dropped, sizes corrected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from encord_convert.checks.rows import are_same, contradicting, twice
from encord_convert.formats._api import Format
from encord_convert.formats._registry import formats
from encord_convert.geometry.rings import clip_ring
from encord_convert.hub.changes import FIXED
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.visibility import fate, frame_size, is_degenerate_ring, is_within
from encord_convert.sdk.objects import LabelRowV2
from encord_convert.sdk.objects._label_row_data import like
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
)

TOLERANCE_PX = 0.005
"""Tolerance as in training targets: leaving the image by less is rounding."""


_OF_EXTENT = frozenset({"area", "bbox"})
"""Native keys of COCO annotations that describe the shape."""


def with_fixes(labels: LabelSet, size_of: Callable[[Any], tuple[int, int] | None]) -> LabelSet:
    """Return the label set with fixes applied.

    Parameters
    ----------
    labels : LabelSet
    size_of : callable
        From a row to its image's size if the row's is clearly wrong; else None.
    """

    def step(row: LabelRowV2) -> LabelRowV2:
        size = size_of(row)
        if size is not None:
            row = _resized(row, size)
        for instance, _, first in [*twice(row)] if len(row._objects) > 1 else ():
            if are_same(instance, first) and instance._hash in row._objects:
                row.remove_object(instance)
        for instance in [*row._objects.values()]:
            _mend(row, instance)
        if row._native is not None and (wrong := [hash_ for hash_, *_ in contradicting(row)]):
            row._native = row._native.without(wrong, _OF_EXTENT)
        return row

    return labels.map(step, code=FIXED)


def _mend(row: LabelRowV2, instance: Any) -> None:
    gone = []
    for frame, data in [*instance._frames.items()]:
        size = frame_size(row, frame)
        if not all(size):
            continue
        state = fate(data.coordinates, *size, TOLERANCE_PX)
        if state in ("degenerate", "outside"):
            gone.append(frame)
        elif type(data.coordinates) is PolygonCoordinates:
            cut = _clipped_polygon(data.coordinates, *size)
            if cut is not None:
                instance._place(frame, cut, data.object_frame_instance_info)
        elif state == "leaves" and type(data.coordinates) is BoundingBoxCoordinates:
            instance._place(frame, _clipped_box(data.coordinates), data.object_frame_instance_info)
    if gone and len(gone) == len(instance._frames):
        row.remove_object(instance)
    elif gone:
        instance.remove_from_frames(gone)


def _clipped_box(c: BoundingBoxCoordinates) -> BoundingBoxCoordinates:
    left, top = max(c.top_left_x, 0.0), max(c.top_left_y, 0.0)
    right, bottom = min(c.top_left_x + c.width, 1.0), min(c.top_left_y + c.height, 1.0)
    return BoundingBoxCoordinates(bottom - top, right - left, left, top)


def _clipped_polygon(c: PolygonCoordinates, width: int, height: int) -> PolygonCoordinates | None:
    """Return a polygon clipped to the image without empty parts; None if unchanged."""
    parts, is_changed = [], False
    for part in c.polygons:
        rings = []
        for number, ring in enumerate(part):
            numbers = [float(point) for point in ring]
            px = [one * side for one, side in zip(numbers, (width, height) * (len(numbers) // 2), strict=True)]
            if is_degenerate_ring(px, TOLERANCE_PX):
                if number == 0:  # with its holes
                    is_changed = True
                    break
            elif not is_within(min(px), min(px), max(px[0::2]), max(px[1::2]), width, height, TOLERANCE_PX):
                px = clip_ring(px, width, height)
                numbers = [one / side for one, side in zip(px, (width, height) * (len(px) // 2), strict=True)]
                is_changed = True
                if is_degenerate_ring(px, TOLERANCE_PX):
                    if number == 0:
                        break
                    continue
            rings.append(numbers)
        if rings:
            parts.append(rings)
    if not is_changed or not parts:
        return None
    return _polygon(parts)


def _polygon(parts: list[list[list[float]]]) -> PolygonCoordinates:
    is_clear = len(parts) == len(parts[0]) == 1
    return PolygonCoordinates._from_flat(parts[0][0]) if is_clear else PolygonCoordinates._from_rings(parts)


def bounds_rel(coordinates: Any) -> tuple[float, float, float, float] | None:
    """Return left, top, right and bottom of a shape, relative; None if it cannot be resized."""
    if isinstance(coordinates, BoundingBoxCoordinates | RotatableBoundingBoxCoordinates):
        c = coordinates
        return c.top_left_x, c.top_left_y, c.top_left_x + c.width, c.top_left_y + c.height
    if isinstance(coordinates, PointCoordinate):
        return coordinates.x, coordinates.y, coordinates.x, coordinates.y
    if isinstance(coordinates, PolygonCoordinates):
        numbers = [float(point) for part in coordinates.polygons for ring in part for point in ring]
    elif isinstance(coordinates, PolylineCoordinates):
        numbers = [float(item) for item in coordinates._flat]
    else:
        return None
    return (min(numbers[0::2]), min(numbers[1::2]), max(numbers[0::2]), max(numbers[1::2])) if numbers else None


def _resized(row: LabelRowV2, size: tuple[int, int]) -> LabelRowV2:
    """Return a row with another image size, its shapes unchanged in pixels."""
    said = frame_size(row, 0)
    stats = like(row._contents.stats, width=size[0], height=size[1])
    units = [replace(unit, width=size[0], height=size[1]) for unit in row._units]
    new = LabelRowV2._of_stats(stats, row._ontology, units)
    new._client_metadata = row._client_metadata
    new._origin, new._native, new._file = row._origin, row._native, row._file
    scale = said[0] / size[0], said[1] / size[1]
    for instance in [*row._objects.values(), *row._classifications.values()]:
        twin: Any = instance._twin()
        for frame, data in [*twin._frames.items()]:
            if hasattr(data, "coordinates"):
                twin._place(frame, _scaled(data.coordinates, *scale), data.object_frame_instance_info)
        new._adopt(twin)
    return new


def _scaled(c: Any, x: float, y: float) -> Any:
    def flat(numbers: Any) -> list[float]:
        return [float(one) * share for one, share in zip(numbers, (x, y) * (len(numbers) // 2), strict=True)]

    if isinstance(c, RotatableBoundingBoxCoordinates):
        return RotatableBoundingBoxCoordinates(c.height * y, c.width * x, c.top_left_x * x, c.top_left_y * y, c.theta)
    if isinstance(c, BoundingBoxCoordinates):
        return BoundingBoxCoordinates(c.height * y, c.width * x, c.top_left_x * x, c.top_left_y * y)
    if isinstance(c, PointCoordinate):
        return PointCoordinate(c.x * x, c.y * y)
    if isinstance(c, PolylineCoordinates):
        return PolylineCoordinates._from_flat(flat(c._flat))
    return _polygon([[flat(ring) for ring in part] for part in c.polygons])


def own_format(labels: LabelSet, name: str) -> Format | None:
    """Return the format that rewrites a source with the most of its shapes; None if there is none."""
    shapes = {item.shape for item in labels.ontology.objects}
    family = [one for other, one in formats().items() if other == name or other.startswith(f"{name}-")]
    writers = [entry for entry in family if entry.exporter is not None and entry.read_by in (None, name)]
    if not writers:
        return None
    return max(writers, key=lambda one: (len(shapes & one.exporter.carries.shapes), one.name == name))  # type: ignore[union-attr]
