"""Shapes as Encord's own COCO exporter writes them: nothing rounded, nothing cut at the border.

The page of the format is :mod:`encord_convert.formats.coco.encord`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from encord_convert.geometry import masks, rle
from encord_convert.geometry.rings import signed_area
from encord_convert.hub.visibility import is_degenerate_ring, ring_px
from encord_convert.losses.geometry import is_self_occluded
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    Visibility,
)

TOLERANCE_PX = 1e-6
"""Pixels: the hub's numbers times the size of the image."""

Size = tuple[int, int]
"""Width and height in pixels."""


def shape_members(coordinates: Any, size: Size) -> dict[str, Any]:
    """Return area, bbox, iscrowd, segmentation, keypoints and num_keypoints of coordinates that are not degenerate."""
    c = coordinates
    if isinstance(c, (BoundingBoxCoordinates, RotatableBoundingBoxCoordinates)):
        x, y, w, h = c.top_left_x * size[0], c.top_left_y * size[1], c.width * size[0], c.height * size[1]
        return _members(w * h, [x, y, w, h], [[x, y, x + w, y, x + w, y + h, x, y + h]])
    if isinstance(c, PolygonCoordinates):
        return _polygon(c, size)
    if isinstance(c, PolylineCoordinates):
        there = ring_px(c._flat, *size)
        back = [number for index in range(len(there) - 2, -1, -2) for number in there[index : index + 2]]
        return _members(0.0, _bounds(there), [there + back])
    if isinstance(c, PointCoordinate):
        x, y = c.x * size[0], c.y * size[1]
        return _members(0.0, [x, y, 0.0, 0.0], [[x, y]], [x, y, 2.0])
    if isinstance(c, SkeletonCoordinates):
        return _skeleton(c, size)
    return _bitmask(c, size)


def _members(
    area: float, bbox: list[float], segmentation: Any, keypoints: list[float] | None = None, is_crowd: bool = False
) -> dict[str, Any]:
    return {
        "area": area,
        "bbox": bbox,
        "iscrowd": int(is_crowd),
        "segmentation": segmentation,
        "keypoints": keypoints,
        "num_keypoints": None if keypoints is None else len(keypoints) // 3,
    }


def _polygon(polygon: PolygonCoordinates, size: Size) -> dict[str, Any]:
    parts = [[ring_px(ring, *size) for ring in rings] for rings in polygon.polygons if rings]
    if len(parts) > 1 or len(parts[0]) > 1:
        columns = _painted(parts, size)
        if columns is not None:
            return _mask(columns, size)
    outer = [rings[0] for rings in parts if not is_degenerate_ring(rings[0], TOLERANCE_PX)]
    area = sum(abs(signed_area(ring)) for ring in outer)
    return _members(area, _bounds([number for ring in outer for number in ring]), outer)


def _painted(parts: list[list[list[float]]], size: Size) -> rle.Runs | None:
    """Return column runs of parts with their holes cut out; None if there are too many pixels, or none is covered."""
    width, height = size
    drawn = [[ring for ring in rings if not is_degenerate_ring(ring, TOLERANCE_PX)] for rings in parts]
    try:
        runs = [masks.column_runs_from_rings(rings, height, width) for rings in drawn]
        columns = rle.union_of_runs(runs, width * height)
    except ValueError:
        return None
    return columns if len(columns) > 1 else None


def _skeleton(skeleton: SkeletonCoordinates, size: Size) -> dict[str, Any]:
    keypoints: list[float] = []
    for point in skeleton.values:
        x, y = point.x * size[0], point.y * size[1]
        if point.visibility is Visibility.INVISIBLE:
            flag = 0.0
        else:
            flag = 1.0 if point.visibility is Visibility.OCCLUDED or is_self_occluded(point) else 2.0
        keypoints += (x, y, flag) if math.isfinite(x + y) else (0.0, 0.0, flag)
    places = [number for index, number in enumerate(keypoints) if index % 3 < 2]
    return _members(0.0, _bounds(places), [], keypoints)


def _bitmask(bitmask: Any, size: Size) -> dict[str, Any]:
    """A mask that reaches beyond the right or lower border has a larger ``size``; above and left of 0 is no place."""
    runs, left, top, width, height = bitmask._box_runs()
    canvas = max(size[0], left + width), max(size[1], top + height)
    runs, left, top, width, height, _ = rle.clipped_box_runs(runs, left, top, width, height, *canvas)
    return _mask(rle.column_frame_runs_from_box_runs(runs, left, top, width, height, *canvas), canvas)


def _mask(columns: rle.Runs, size: Size) -> dict[str, Any]:
    width, height = size
    top, left, box_height, box_width = rle.box_from_runs(columns, width, height)
    counts = {"size": [height, width], "counts": rle.string_from_runs(columns)}
    bbox = [float(side) for side in (left, top, box_width, box_height)]
    return _members(float(rle.area_from_runs(columns)), bbox, counts, is_crowd=True)


def _bounds(flat: list[float]) -> list[float]:
    points = np.array(flat).reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    bounds: list[float] = [*low.tolist(), *(high - low).tolist()]
    return bounds
