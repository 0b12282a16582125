"""Outlines of ellipses, circles and cuboids: the polygons that stand for them where a target has no such shapes."""

from __future__ import annotations

import math
from typing import Any

from encord_convert.geometry.rings import hull, ring_from_ellipse
from encord_convert.sdk.objects.coordinates import CircleCoordinates, Cuboid2DCoordinates, EllipseCoordinates

OUTLINED = (EllipseCoordinates, CircleCoordinates, Cuboid2DCoordinates)
"""The coordinates that have an outline here."""


def ellipse_px(c: Any, width: int, height: int) -> tuple[float, float, float, float]:
    """Return centre and half axes, before the turn and above 0, of an ellipse or a circle, in pixels.

    Source: newest label-row JSON, "Geometry": a circle has both its axes in units of the width.

    >>> ellipse_px(CircleCoordinates(0.5, 0.5, 0.25, stretch=2.0), 40, 30)
    (20.0, 15.0, 10.0, 20.0)
    """
    x, y = c.center_x * width, c.center_y * height
    if isinstance(c, CircleCoordinates):
        return x, y, abs(c.radius * width), abs(c.stretch * c.radius * width)
    return x, y, abs(c.rx * width), abs(c.ry * height)


def faces_px(c: Cuboid2DCoordinates, width: int, height: int) -> tuple[list[float], list[float]]:
    """Return the corners of the front and of the back face of a cuboid, x0, y0, … in pixels."""
    front, back = ([n * (width, height)[at % 2] for at, n in enumerate(face)] for face in (c._front, c._back))
    return front, back


def outline_px(c: Any, width: int, height: int) -> list[float]:
    """Return the ring around an ellipse, a circle or a cuboid.

    Parameters
    ----------
    c : EllipseCoordinates, CircleCoordinates or Cuboid2DCoordinates
    width, height : int
        Size of the image in pixels.

    Returns
    -------
    list of float
        x0, y0, … in pixels: 72 points on an ellipse, the hull of the corners of a cuboid. Empty if a number is none.
    """
    if isinstance(c, Cuboid2DCoordinates):
        front, back = faces_px(c, width, height)
        return hull(front + back) if all(map(math.isfinite, front + back)) else []
    numbers = ellipse_px(c, width, height)
    return ring_from_ellipse(*numbers, c.theta) if all(map(math.isfinite, (*numbers, c.theta))) else []


def is_four_cornered(coordinates: Any) -> bool:
    """Tell a cuboid that has four corners to a face, which is all that some tools know; other shapes are that too."""
    return not isinstance(coordinates, Cuboid2DCoordinates) or len(coordinates.front) == 4
