"""Cuboids in the plane: a front face, and a back face that is the front moved, or shrunk towards a vanishing point.

Faces are flat lists x0, y0, x1, y1, … with as many corners each; corner n of the back belongs to corner n of the front.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Flat = Sequence[float]
Point = tuple[float, float]

_EQUAL_SCALE = 1e-9
"""Relative size difference below which a back face has no vanishing point."""


def moved_face(front: Flat, offset: Point) -> list[float]:
    """Return a back face: the front moved by an offset.

    >>> moved_face([0, 0, 4, 0, 4, 2, 0, 2], (1, -1))
    [1, -1, 5, -1, 5, 1, 1, 1]
    """
    return [number + offset[place % 2] for place, number in enumerate(front)]


def shrunk_face(front: Flat, vanishing_point: Point, scale: float) -> list[float]:
    """Return a back face in perspective: ``v + scale * (corner - v)``.

    Source: newest label-row JSON, "Geometry", ``cuboid_2d``.

    >>> shrunk_face([0, 0, 4, 0, 4, 2, 0, 2], (8, 2), 0.5)
    [4.0, 1.0, 6.0, 1.0, 6.0, 2.0, 4.0, 2.0]
    """
    return [
        vanishing_point[place % 2] + scale * (number - vanishing_point[place % 2]) for place, number in enumerate(front)
    ]


def prism_of(front: Flat, back: Flat) -> tuple[Point, float | None]:
    """Return how a back face follows from the front, by least squares if not exactly.

    Parameters
    ----------
    front, back : (2 n,) float
        In any unit.

    Returns
    -------
    point, scale
        The offset and None; or, if that fits better, the vanishing point and the scale of the back face.

    >>> prism_of([0, 0, 4, 0, 4, 2, 0, 2], [1, -1, 5, -1, 5, 1, 1, 1])
    ((1.0, -1.0), None)
    >>> prism_of([0, 0, 4, 0, 4, 2, 0, 2], [4, 1, 6, 1, 6, 2, 4, 2])
    ((8.0, 2.0), 0.5)
    """
    (fx, fy), (bx, by) = _middle(front), _middle(back)
    offset = bx - fx, by - fy
    spread = [number - (fx, fy)[place % 2] for place, number in enumerate(front)]
    target = [number - (bx, by)[place % 2] for place, number in enumerate(back)]
    size = math.fsum(item * item for item in spread)
    scale = math.fsum(one * other for one, other in zip(spread, target, strict=True)) / size if size else 1.0
    if abs(1.0 - scale) < _EQUAL_SCALE:
        return offset, None
    point = (bx - scale * fx) / (1.0 - scale), (by - scale * fy) / (1.0 - scale)
    # Least squares never misses by more with a scale than without; what is told apart by rounding alone is an offset.
    moved, shrunk = farthest(moved_face(front, offset), back), farthest(shrunk_face(front, point, scale), back)
    return (point, scale) if shrunk < moved and moved > _EQUAL_SCALE * (1 + max(map(abs, front))) else (offset, None)


def farthest(one: Flat, other: Flat) -> float:
    """Return the largest difference of coordinates of two faces."""
    return max((abs(a - b) for a, b in zip(one, other, strict=True)), default=0.0)


def _middle(flat: Flat) -> Point:
    count = len(flat) // 2
    return math.fsum(flat[0::2]) / count, math.fsum(flat[1::2]) / count
