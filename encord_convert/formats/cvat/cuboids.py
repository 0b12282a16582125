"""Cuboids of CVAT, eight points each, as those of the hub: a front face, and a back face corner by corner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from encord_convert.hub.outlines import faces_px
from encord_convert.sdk.objects._newer_coordinates import _cuboid_of_faces

_CLOCKWISE = [0, 2, 3, 1]
"""CVAT's corners are top-left, bottom-left, top-right, bottom-right; the hub's go clockwise from the top-left."""
_OF_CVAT = [0, 3, 1, 2]

NAMES = [axis + corner + face for face in "12" for corner in ("tl", "bl", "tr", "br") for axis in "xy"]
"""The XML attributes, in the order of the numbers."""


def coordinates_of(numbers: Sequence[float], width: int, height: int) -> Any:
    """Return the hub's form of a cuboid.

    Parameters
    ----------
    numbers : (16,) float
        x and y in pixels of the front's corners, then of the back's, in CVAT's order.
    width, height : int
        Of the image, in pixels.
    """
    relative = [number / (width, height)[place % 2] for place, number in enumerate(numbers)]
    return _cuboid_of_faces(_ordered(relative[:8], _CLOCKWISE), _ordered(relative[8:], _CLOCKWISE))


def numbers_of(coordinates: Any, width: int, height: int) -> list[float]:
    """Return the sixteen numbers of a cuboid of four corners to a face; see :func:`coordinates_of`."""
    front, back = faces_px(coordinates, width, height)
    return _ordered(front, _OF_CVAT) + _ordered(back, _OF_CVAT)


def _ordered(flat: Sequence[float], order: Sequence[int]) -> list[float]:
    return [flat[2 * corner + axis] for corner in order for axis in (0, 1)]
