"""Conversion between flat lists of pixel values and hub coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from encord_convert.formats._boxes import box_from_px, box_px, rounded
from encord_convert.geometry.rings import signed_area
from encord_convert.hub.outlines import ellipse_px
from encord_convert.hub.visibility import drawing, is_far, ring_px
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    CircleCoordinates,
    EllipseCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
)

_LEAST: dict[Any, int] = {
    Shape.BOUNDING_BOX: 4, Shape.POINT: 2, Shape.POLYLINE: 4, Shape.POLYGON: 6, NewerShape.CIRCLE: 5,
    NewerShape.ELLIPSE: 5,
}  # fmt: skip


def coordinates_from_px(shape: Any, numbers: Sequence[Any], size: tuple[int, int]) -> Any:
    """Return hub coordinates for pixel values.

    A box is left, top, width, height; an ellipse or circle is the centre, the semi-axes along x and y and degrees
    clockwise on screen; other shapes are x0, y0, x1, y1, …

    Parameters
    ----------
    shape : Shape or NewerShape
        A bounding box, point, polyline, polygon, ellipse or circle.
    numbers : sequence
        Pixels, origin top-left.
    size : (int, int)
        Width and height of the image in pixels.

    Raises
    ------
    TypeError, ValueError
        Not numbers, too few, an empty shape, or an image without a size.
    """
    flat = [float(number) for number in numbers]
    if not all(size) or len(flat) < _LEAST[shape] or is_far(flat):
        raise ValueError
    if shape is Shape.BOUNDING_BOX:
        box = box_from_px(flat[0], flat[1], flat[2], flat[3], size)
        if box is None:
            raise ValueError
        return box
    shares = [number / size[index % 2] for index, number in enumerate(flat)]
    if isinstance(shape, NewerShape):
        if not (flat[2] > 0 and flat[3] > 0):
            raise ValueError
        if shape is NewerShape.ELLIPSE:
            return EllipseCoordinates(shares[0], shares[1], shares[2], shares[3], flat[4])
        return CircleCoordinates(shares[0], shares[1], shares[2], flat[3] / flat[2], flat[4])
    if shape is Shape.POINT:
        return PointCoordinate(shares[0], shares[1])
    return (PolylineCoordinates if shape is Shape.POLYLINE else PolygonCoordinates)._from_flat(shares)


def px_from_coordinates(coordinates: Any, size: tuple[int, int], tolerance_px: float) -> tuple[Any, list[float]]:
    """Return the shape and its pixel values: as :func:`coordinates_from_px` takes them.

    A polygon gives the outline of its largest part; a rotated box becomes a polygon clipped to the image.
    """
    shape: Any = Shape.POLYGON
    flat = list[float]()
    if isinstance(coordinates, BoundingBoxCoordinates):
        shape, flat = Shape.BOUNDING_BOX, [*box_px(coordinates, size, tolerance_px)]
    elif isinstance(coordinates, PointCoordinate):
        shape, flat = Shape.POINT, [coordinates.x * size[0], coordinates.y * size[1]]
    elif isinstance(coordinates, PolylineCoordinates):
        shape, flat = Shape.POLYLINE, ring_px(coordinates._flat, *size)
    elif isinstance(coordinates, EllipseCoordinates | CircleCoordinates):
        shape = NewerShape.ELLIPSE if isinstance(coordinates, EllipseCoordinates) else NewerShape.CIRCLE
        flat = [*ellipse_px(coordinates, *size), coordinates.theta]
    elif isinstance(coordinates, PolygonCoordinates):
        rings = [ring_px(rings[0], *size) for rings in coordinates.polygons if rings]
        flat = max(rings, key=lambda ring: abs(signed_area(ring)))
    else:
        flat = drawing(coordinates, *size, tolerance_px)[1][0]
    digits = (6, 6, 6, 6, 9) if isinstance(shape, NewerShape) else (6,) * len(flat)
    return shape, [rounded(number, count) for number, count in zip(flat, digits, strict=True)]
