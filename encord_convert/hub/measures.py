"""Boxes and areas of annotations in pixels, one by one or of a whole table at once.

The box is the upright one around a shape, whatever lies outside the image included; the area is that of the shape
itself. What has none (points, polylines, keypoints), and what cannot be measured, is NaN.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.geometry.boxes import xyxy_from_rotated
from encord_convert.geometry.rings import areas_of, bounds_of, signed_area
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

    >>> measure(BoundingBoxCoordinates(height=0.5, width=0.25, top_left_x=0.5, top_left_y=0), 40, 20)
    (20.0, 0.0, 10.0, 10.0, 100.0)
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
    sizes = np.repeat(np.array(table.sizes, np.float64).reshape(-1, 2), table.counts, axis=0)
    with np.errstate(invalid="ignore", over="ignore"):
        for shape, column in table.columns.items():
            if column.places:
                found[column.places] = _column(shape, column, sizes[column.places])
    for index, instance in table.made.items():
        if table.variants[index] is None:
            size = table.sizes[table.image_of(index)]
            found[index] = measure(instance._frames[0].coordinates, *size) if 0 in instance._frames else math.nan
    return found


def _column(shape: Shape, column: Column, sizes: NDArray[np.float64]) -> Any:
    if shape is Shape.BITMASK:
        return [_mask(mask) for mask in column.numbers]
    numbers = np.asarray(column.numbers, np.float64)
    if shape is Shape.POINT:
        return np.hstack([numbers.reshape(-1, 2) * sizes, [[0.0, 0.0, math.nan]] * len(sizes)])
    if shape in (Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX):
        pixels = numbers.reshape(-1, 4) * np.hstack([sizes, sizes])
        area = np.abs(pixels[:, 2:3] * pixels[:, 3:4])
        if shape is Shape.ROTATABLE_BOUNDING_BOX:
            angles = np.radians(np.asarray(column.more, np.float64))
            cos, sin = np.abs(np.cos(angles)), np.abs(np.sin(angles))
            w, h = pixels[:, 2], pixels[:, 3]
            sides = np.stack([cos * w + sin * h, sin * w + cos * h], axis=1)
            pixels = np.hstack([pixels[:, :2] + (pixels[:, 2:] - sides) / 2, sides])
        return np.hstack([pixels, area])
    points = np.asarray(column.more, np.int64) >> 1
    pixels = (numbers.reshape(-1, 2) * np.repeat(sizes, points, axis=0)).ravel()
    some = points > 0
    starts = (np.cumsum(points) - points)[some]
    bounds = bounds_of(pixels, starts)
    area = np.abs(areas_of(pixels, starts)) if shape is Shape.POLYGON else np.full(len(starts), math.nan)
    measured = np.full((len(points), 5), math.nan)
    measured[some] = np.hstack([bounds[:, :2], bounds[:, 2:] - bounds[:, :2], area[:, None]])
    return measured


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
