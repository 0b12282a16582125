"""Cuboids of CVAT, eight points each, as the cuboids of newer servers: a front face, and how the back face follows.

The back is the front moved by an offset, or shrunk towards a vanishing point; a cuboid that is neither is its outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.sdk.objects.coordinates import _RawCoordinates

KEY = "cuboid_2d"
MOST_OFF_PX = 1.0
"""How far a corner of the back may lie from where the form has it."""

_CLOCKWISE = [0, 2, 3, 1]
"""CVAT's corners are top-left, bottom-left, top-right, bottom-right; the hub's go clockwise from the top-left."""

Points = NDArray[np.float64]


def off_px(numbers: Sequence[float]) -> float:
    """Return how far the eight points of a cuboid are from those of the form that fits best, at the most.

    >>> off_px([0, 0, 0, 9, 9, 0, 9, 9, 5, -5, 5, 4, 14, -5, 14, 4])
    0.0
    """
    front, back = np.array(numbers, float).reshape(2, 4, 2)
    return float(np.abs(_back(front, *_form(front, back)) - back).max())


def coordinates_of(numbers: Sequence[float], width: int, height: int) -> Any:
    """Return the hub's form of a cuboid.

    Parameters
    ----------
    numbers : (16,) float
        x and y in pixels of the front's corners, then of the back's, in CVAT's order.
    width, height : int
        Of the image, in pixels.

    Returns
    -------
    coordinates
        ``front`` is flat, clockwise from the top-left, relative to the image; with it either ``offset``, or
        ``vanishingPoint`` and ``scaleRatio``: back = v + s (front - v).
    """
    front, back = np.array(numbers, float).reshape(2, 4, 2)
    point, scale = _form(front, back)
    size = np.array([width, height])
    members: dict[str, Any] = {"front": (front[_CLOCKWISE] / size).ravel().tolist()}
    x, y = (point / size).tolist()
    if scale == 1:
        members["offset"] = {"x": x, "y": y}
    else:
        members |= {"vanishingPoint": {"x": x, "y": y}, "scaleRatio": scale}
    return _RawCoordinates(KEY, members)


def _form(front: Points, back: Points) -> tuple[Points, float]:
    """Return the offset and 1, or the vanishing point and how much smaller the back is: an offset where that fits."""
    offset = (back - front).mean(axis=0)
    if np.abs(front + offset - back).max() <= MOST_OFF_PX:
        return offset, 1.0
    spread, target = front - front.mean(axis=0), back - back.mean(axis=0)
    scale = float((spread * target).sum() / ((spread**2).sum() or 1.0))
    if abs(1 - scale) < 1e-9:
        return offset, 1.0
    return (back.mean(axis=0) - scale * front.mean(axis=0)) / (1 - scale), scale


def _back(front: Points, point: Points, scale: float) -> Points:
    return front + point if scale == 1 else point + scale * (front - point)
