"""Areas of shapes, one by one and of whole tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.geometry.rings import areas_of, signed_area
from encord_convert.geometry.rle import area_from_runs
from encord_convert.hub.outlines import OUTLINED, outline_px
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PolygonCoordinates,
    RotatableBoundingBoxCoordinates,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from encord_convert.hub.table import Table


def area_px(coordinates: Any, width: int, height: int) -> float:
    """Return the area of a shape in square pixels.

    Parameters
    ----------
    coordinates
        Relative to the image.
    width, height : int
        Of the image, in pixels.

    Returns
    -------
    float
        Not a number of what has no area: points, polylines, keypoints. Parts of a polygon that overlap count twice.

    >>> area_px(BoundingBoxCoordinates(0.5, 0.25, 0, 0), 100, 80)
    1000.0
    """
    if isinstance(coordinates, (BoundingBoxCoordinates, RotatableBoundingBoxCoordinates)):
        return abs(coordinates.width * coordinates.height) * width * height
    if isinstance(coordinates, PolygonCoordinates):
        areas = [[abs(signed_area(ring)) for ring in part] for part in coordinates.polygons]
        return sum(sum(part[:1]) - sum(part[1:]) for part in areas) * width * height
    if isinstance(coordinates, BitmaskCoordinates):
        try:
            return area_from_runs(coordinates._box_runs()[0])
        except (IndexError, ValueError):  # its string holds more pixels than the image
            return math.nan
    return abs(signed_area(outline_px(coordinates, width, height))) if isinstance(coordinates, OUTLINED) else math.nan


def areas_px(table: Table, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the areas of the shapes of a table, as :func:`area_px` does; not a number of those that are objects.

    Parameters
    ----------
    pixels : (n,) float64
        Pixels of the image of each shape.
    """
    areas = np.full(len(pixels), np.nan)
    for shape, column in table.columns.items():
        if shape in (Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX):
            boxes = np.asarray(column.numbers, np.float64).reshape(-1, 4)
            areas[column.places] = np.abs(boxes[:, 2] * boxes[:, 3]) * pixels[column.places]
        elif shape is Shape.POLYGON:
            points = np.asarray(column.more, np.int64) // 2
            rings = areas_of(np.asarray(column.numbers, np.float64), np.cumsum(points) - points)
            areas[column.places] = np.abs(rings) * pixels[column.places]
        elif shape is Shape.BITMASK:
            areas[column.places] = [area_px(mask, *mask.frame_size) for mask in column.numbers]
    return areas
