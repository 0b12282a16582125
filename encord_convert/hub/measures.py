"""Boxes and areas of annotations in pixels, one by one or of a whole table at once.

The box is the upright one around a shape, whatever lies outside the image included; the area is that of the shape
itself. What has none (points, polylines, keypoints), and what cannot be measured, is NaN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.geometry.boxes import xyxy_from_rotated
from encord_convert.geometry.rings import areas_of, signed_area
from encord_convert.geometry.rle import box_from_runs
from encord_convert.hub.outlines import OUTLINED, outline_px
from encord_convert.hub.visibility import ring_px, shown_points
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from encord_convert.hub.table import Column, Table

Measure = tuple[float, float, float, float, float]
"""Left, top, width, height (px) and area (px²)."""

UNMEASURED: Measure = (math.nan, math.nan, math.nan, math.nan, math.nan)


def measure(coordinates: Any, width: int, height: int) -> Measure:
    """Measure a shape.

    Parameters
    ----------
    coordinates : coordinates of the hub
        Relative to the image, origin top-left.
    width, height : int
        Size of the image in pixels.

    Returns
    -------
    (left, top, width, height, area)
        In px and px²; NaN where there is nothing to measure.

    >>> measure(BoundingBoxCoordinates(height=0.5, width=0.25, top_left_x=0.5, top_left_y=0.25), 40, 20)
    (20.0, 5.0, 10.0, 10.0, 100.0)
    """
    c = coordinates
    if isinstance(c, BoundingBoxCoordinates):
        w, h = c.width * width, c.height * height
        return c.top_left_x * width, c.top_left_y * height, w, h, abs(w * h)
    if isinstance(c, RotatableBoundingBoxCoordinates):
        w, h = c.width * width, c.height * height
        if not math.isfinite(c.theta):
            return UNMEASURED
        box = xyxy_from_rotated(c.top_left_x * width, c.top_left_y * height, w, h, c.theta)
        return box[0], box[1], box[2] - box[0], box[3] - box[1], abs(w * h)
    if isinstance(c, BitmaskCoordinates):
        return _mask(c)
    if isinstance(c, PolygonCoordinates):
        polygons = [[ring_px(ring, width, height) for ring in rings if len(ring)] for rings in c.polygons]
        area = sum(
            abs(signed_area(outer)) - sum(abs(signed_area(hole)) for hole in holes)
            for outer, *holes in filter(None, polygons)
        )
        return _around([number for rings in polygons for number in rings[0]] if any(polygons) else [], area)
    if isinstance(c, OUTLINED):
        ring = outline_px(c, width, height)
        return _around(ring, abs(signed_area(ring)))
    if isinstance(c, PolylineCoordinates):
        return _around(ring_px(c._flat, width, height), math.nan)
    if isinstance(c, PointCoordinate):
        return c.x * width, c.y * height, 0.0, 0.0, math.nan
    if isinstance(c, SkeletonCoordinates):
        points = shown_points(c) or c.values
        flat = [number for point in points for number in (point.x * width, point.y * height)]
        return _around(flat, math.nan)
    return UNMEASURED


def measures_of(table: Table) -> NDArray[np.float64]:
    """Measure all shapes of a table.

    Returns
    -------
    (n, 5) float64
        Left, top, width, height and area of each, as :func:`measure` has them.
    """
    found = np.full((len(table.variants), 5), math.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        for shape, column in table.columns.items():
            if column.places:
                found[column.places] = _column(table, shape, column)
    for index, instance in table.made.items():
        if table.variants[index] is None:
            size = table.sizes[table.image_of(index)]
            found[index] = measure(instance._frames[0].coordinates, *size) if 0 in instance._frames else math.nan
    return found


def _column(table: Table, shape: Shape, column: Column) -> Any:
    if shape is Shape.BITMASK:
        return [_mask(mask) for mask in column.numbers]
    extents, count = table.extents(shape), len(column.places)
    if shape is Shape.POINT:
        return np.hstack([extents.pixels, [[0.0, 0.0, math.nan]] * count])
    low, high = extents.bounds
    area = np.full(count, math.nan)
    if shape is Shape.POLYGON:
        area = np.abs(areas_of(extents.pixels.ravel(), extents.starts))
    elif shape is not Shape.POLYLINE:
        area = np.abs(extents.pixels[:, 2] * extents.pixels[:, 3])
    return np.hstack([low, high - low, area[:, None]])


def _mask(mask: Any) -> Measure:
    try:
        runs, left, top, width, height = mask._box_runs()
    except (ValueError, IndexError):  # a string that is not a mask, or holds more pixels than its frame
        return UNMEASURED
    area = int(runs[1::2].sum())
    if not area:
        return (*UNMEASURED[:4], 0.0)
    x, y, w, h = box_from_runs(runs, height, width)
    return float(left + x), float(top + y), float(w), float(h), float(area)


def _around(flat: list[float], area: float) -> Measure:
    if len(flat) < 2:
        return UNMEASURED
    left, top = min(flat[0::2]), min(flat[1::2])
    return left, top, max(flat[0::2]) - left, max(flat[1::2]) - top, area
