"""Polygon rings: area, orientation, containment, holes, clipping, hulls, ellipses.

A ring is a flat sequence of numbers x0, y0, x1, y1, ... whose last point joins the first; a repeated first point at the
end is harmless. The origin is top-left and y grows downwards, so a positive area means clockwise on screen. The unit is
the caller's; nothing here rounds to pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from encord_convert.geometry.boxes import cos_sin

Flat = Sequence[float] | NDArray[np.float64]
"""A flat sequence x0, y0, x1, y1, ..."""

_ELLIPSE_VERTICES = 72
_FARTHEST = 1e12  # still exact to a ten-thousandth of a pixel
_MOST_CELLS = 1 << 22  # of a table of points against edges, 32 MB as floats


def check_ring(flat: Flat) -> NDArray[np.float64]:
    """Validate a ring.

    Returns
    -------
    (2 n,) float64
        The same numbers; without a copy when they came as such an array.

    Raises
    ------
    ValueError
        A coordinate is infinite, not a number or beyond 1e12 in any unit, or a y is missing.

    >>> check_ring([0, 0, 4, 0, 4, 3])
    array([0., 0., 4., 0., 4., 3.])
    """
    numbers = _points(flat).ravel()
    is_far = ~(np.abs(numbers) <= _FARTHEST)  # not a number compares false
    if is_far.any():
        strange = float(numbers[is_far][0])
        raise ValueError(f"A ring has the coordinate {strange}; coordinates are from {-_FARTHEST:g} to {_FARTHEST:g}.")
    return numbers


def signed_area(flat: Flat) -> float:
    """Return the signed area of a ring, positive when clockwise on screen.

    Parameters
    ----------
    flat : (2 n,) float
        x0, y0, x1, y1, ...

    Returns
    -------
    float
        Square units. 0 for fewer than three points; overlaps of a ring that crosses itself count by their winding.

    Raises
    ------
    ValueError
        A y is missing.

    >>> signed_area([0, 0, 4, 0, 4, 3, 0, 3])
    12.0
    """
    points = _points(flat)
    if len(points) < 3:
        return 0.0
    x, y = (points - points[0]).T  # near the origin the products keep their digits
    return float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2


def areas_of(flat: Flat, starts: ArrayLike) -> NDArray[np.float64]:
    """Return the signed areas of many rings at once.

    Parameters
    ----------
    flat : (2 n,) float
        The points of all rings, one ring after the other: x0, y0, x1, y1, ...
    starts : (k,) int
        Index of each ring's first point, counted in points from 0; increasing.

    Returns
    -------
    (k,) float64
        Square units, positive clockwise on screen.

    Raises
    ------
    ValueError
        A ring has no points, or a start is not among the points.

    >>> areas_of([0, 0, 4, 0, 4, 3, 0, 3, 0, 0, 0, 2, 2, 0], [0, 4])
    array([12., -2.])
    """
    points = _points(flat)
    first, counts = _ring_spans(starts, len(points))
    if not len(first):
        return np.empty(0)
    x, y = (points - np.repeat(points[first], counts, axis=0)).T
    # Around its own first point the joining edge of a ring adds nothing, so the neighbours in the list are enough.
    cross = np.zeros(len(points))
    cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    cross[first[1:] - 1] = 0  # from one ring to the next there is no edge
    return np.asarray(np.add.reduceat(cross, first) / 2)


def bounds_of(flat: Flat, starts: ArrayLike) -> NDArray[np.float64]:
    """Return the upright boxes of many rings at once.

    Parameters are those of ``areas_of``.

    Returns
    -------
    (k, 4) float64
        Left, top, right, bottom of each ring.

    >>> bounds_of([0, 0, 4, 0, 4, 3, 1, 1, 1, 2, 2, 1], [0, 3])
    array([[0., 0., 4., 3.],
           [1., 1., 2., 2.]])
    """
    points = _points(flat)
    first, _ = _ring_spans(starts, len(points))
    if not len(first):
        return np.empty((0, 4))
    return np.hstack([np.minimum.reduceat(points, first), np.maximum.reduceat(points, first)])


def is_clockwise(flat: Flat) -> bool:
    """Return whether a ring runs clockwise on screen.

    >>> is_clockwise([0, 0, 4, 0, 4, 3])
    True
    """
    return signed_area(flat) > 0


def distinct_points(flat: Flat) -> int:
    """Count the points of a ring that differ; a ring with fewer than three encloses nothing.

    >>> distinct_points([0, 0, 4, 0, 4, 3, 0, 0])
    3
    """
    xs, ys = flat[0::2], flat[1::2]
    return len(set(zip(xs, ys, strict=True)))


def contains(flat: Flat, x: float, y: float) -> bool:
    """Return whether a point is inside a ring, by the even-odd rule.

    A point on the ring itself counts as inside along left and top edges and as outside along right and bottom edges.

    >>> contains([0, 0, 4, 0, 4, 3], 3, 1), contains([0, 0, 4, 0, 4, 3], 1, 2)
    (True, False)
    """
    return bool(_inside(_points(flat), np.array([[x, y]], np.float64))[0])


def nest(rings: Sequence[Flat]) -> list[list[Flat]]:
    """Group rings to polygons: each outer ring with the holes directly in it.

    Parameters
    ----------
    rings : sequence of (2 n,) float
        Rings that do not cross; they may touch at vertices. Their orientation is not looked at.

    Returns
    -------
    list of list of rings
        Polygons in the order of their outer rings; the outer ring first, then its holes in their order. A ring inside a
        hole is the outer ring of another polygon. Rings are passed on as they are.

    >>> nest([[0, 0, 9, 0, 9, 9, 0, 9], [3, 3, 3, 6, 6, 6], [4, 5, 4.5, 5, 4.5, 5.2]])
    [[[0, 0, 9, 0, 9, 9, 0, 9], [3, 3, 3, 6, 6, 6]], [[4, 5, 4.5, 5, 4.5, 5.2]]]
    """
    if len(rings) < 2:
        return [[ring] for ring in rings]
    points = [_points(ring) for ring in rings]
    starts = np.cumsum([0, *map(len, points[:-1])])
    everything = np.concatenate(points).ravel()
    bounds = bounds_of(everything, starts)
    areas = np.abs(areas_of(everything, starts))
    # Rings may share vertices but no stretch of an edge, so the middle of an edge tells.
    middles = np.array([(ring[0] + ring[1 % len(ring)]) / 2 for ring in points])
    depth = np.zeros(len(rings), np.int64)
    parent = np.full(len(rings), -1)
    for index in np.argsort(-areas, kind="stable"):  # from large to small, so the last container is the nearest
        left, top, right, bottom = bounds[index]
        inner = (bounds[:, 0] >= left) & (bounds[:, 1] >= top) & (bounds[:, 2] <= right) & (bounds[:, 3] <= bottom)
        candidates = np.flatnonzero(inner & (areas < areas[index]))
        if len(candidates):
            held = candidates[_inside(points[index], middles[candidates])]
            depth[held] += 1
            parent[held] = index
    polygons: dict[int, list[Flat]] = {index: [ring] for index, ring in enumerate(rings) if depth[index] % 2 == 0}
    for index, ring in enumerate(rings):
        if depth[index] % 2:
            polygons[int(parent[index])].append(ring)
    return list(polygons.values())


def clip_ring(flat: Flat, width: float, height: float) -> list[float]:
    """Clip a ring to the image.

    Parameters
    ----------
    flat : (2 n,) float
        x0, y0, x1, y1, ... in the unit of the size.
    width, height : float
        Size of the image: pixels, or 1 and 1 for relative coordinates.

    Returns
    -------
    list of float
        The ring inside the image, in the same direction; as it was when nothing is outside, empty when nothing is
        inside. Where the border cuts a ring into several pieces they stay one ring, joined along the border.

    Raises
    ------
    ValueError
        See ``check_ring``.

    >>> clip_ring([-2.0, 1.0, 4.0, 1.0, 4.0, 3.0, -2.0, 3.0], 10, 10)
    [0.0, 1.0, 4.0, 1.0, 4.0, 3.0, 0.0, 3.0]
    """
    return clip_ring_to(flat, 0, 0, width, height)


def clip_ring_to(flat: Flat, x0: float, y0: float, x1: float, y1: float) -> list[float]:
    """Clip a ring to the box x0, y0, x1, y1; see ``clip_ring``.

    Source
    ------
    Sutherland and Hodgman, Reentrant polygon clipping, 1974: one border after the other.
    """
    points = check_ring(flat).reshape(-1, 2)
    if not len(points):
        return []
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    ring = points.tolist()
    borders = ((0, x0, 1, left < x0), (0, x1, -1, right > x1), (1, y0, 1, top < y0), (1, y1, -1, bottom > y1))
    crossed = [border[:3] for border in borders if border[3]]
    for axis, border, sign in crossed:
        ring = _clip_at(ring, axis, border, sign)
    if crossed and _is_on_a_line(ring):
        return []
    return [coordinate for point in ring for coordinate in point]


def hull(flat: Flat) -> list[float]:
    """Return the convex hull of points.

    Parameters
    ----------
    flat : (2 n,) float
        x0, y0, x1, y1, ...

    Returns
    -------
    list of float
        The corners only, clockwise on screen, from the leftmost (of these the topmost). Points on one line give its two
        ends, equal points one.

    Source
    ------
    Andrew, Another efficient algorithm for convex hulls in two dimensions, 1979 (monotone chain).

    >>> hull([0.0, 0.0, 2.0, 0.0, 4.0, 0.0, 4.0, 4.0, 1.0, 2.0, 0.0, 4.0])
    [0.0, 0.0, 4.0, 0.0, 4.0, 4.0, 0.0, 4.0]
    """
    points = sorted(set(map(tuple, _points(flat).tolist())))
    if len(points) < 3:
        return [coordinate for point in points for coordinate in point]
    corners = _half_hull(points)[:-1] + _half_hull(points[::-1])[:-1]
    return [coordinate for point in corners for coordinate in point]


def ring_from_ellipse(
    cx: float, cy: float, rx: float, ry: float, angle_deg: float = 0.0, vertices: int = _ELLIPSE_VERTICES
) -> list[float]:
    """Approximate an ellipse by a ring of points on it.

    Parameters
    ----------
    cx, cy : float
        Centre in pixels; relative numbers would be sheared by the rotation.
    rx, ry : float
        Radii in pixels, along x and y before rotation.
    angle_deg : float
        Degrees, clockwise on screen about the centre.
    vertices : int
        How many, three at least.

    Returns
    -------
    list of float
        x0, y0, ... clockwise on screen. The first point is (cx + rx, cy) before the turn; equal steps of the parameter.

    Raises
    ------
    ValueError
        Fewer than three vertices, or an infinite angle.

    Source
    ------
    CVAT XML 1.1, ``<ellipse>`` with ``rotation``.

    >>> ring_from_ellipse(10, 20, 4, 2, vertices=4)
    [14.0, 20.0, 10.0, 22.0, 6.0, 20.0, 10.0, 18.0]
    """
    if vertices < 3:
        raise ValueError(f"A ring has three vertices at least, not {vertices}.")
    cos, sin = cos_sin(angle_deg)
    unit = _unit_circle(vertices)
    along, across = unit[:, 0] * rx, unit[:, 1] * ry
    ring = np.empty(2 * vertices)
    ring[0::2] = cx + (along * cos - across * sin)
    ring[1::2] = cy + (along * sin + across * cos)
    return ring.tolist()


def xyxy_from_ellipse(
    cx: float, cy: float, rx: float, ry: float, angle_deg: float = 0.0
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of an ellipse; the parameters are those of :func:`ring_from_ellipse`.

    >>> xyxy_from_ellipse(10, 20, 4, 2, 90)
    (8.0, 16.0, 12.0, 24.0)
    """
    cos, sin = cos_sin(angle_deg)
    x, y = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
    return cx - x, cy - y, cx + x, cy + y


@lru_cache(maxsize=8)
def _unit_circle(vertices: int) -> NDArray[np.float64]:
    return np.array([cos_sin(360.0 * step / vertices) for step in range(vertices)])


def _points(flat: Flat) -> NDArray[np.float64]:
    points = np.asarray(flat, np.float64)
    if points.ndim != 1 or points.size % 2:
        raise ValueError(f"A ring is a flat list of x and y in turn; this one has shape {points.shape}.")
    return points.reshape(-1, 2)


def _ring_spans(starts: ArrayLike, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First point and number of points of each ring."""
    first = np.asarray(starts, np.intp)
    counts = np.diff(first, append=count)
    if len(first) and (first[0] != 0 or counts.min() < 1):
        raise ValueError(f"Ring starts increase from 0 and stay below the {count} points; these do not.")
    return first, counts


def _inside(ring: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points are inside the ring: a ray to the left crosses it an odd number of times."""
    following = np.roll(ring, -1, axis=0)
    inside = np.empty(len(points), bool)
    step = max(1, _MOST_CELLS // max(1, len(ring)))
    ax, ay = ring[:, 0, None], ring[:, 1, None]
    bx, by = following[:, 0, None], following[:, 1, None]
    with np.errstate(all="ignore"):  # level edges span no height and are masked out
        slope = (bx - ax) / (by - ay)
    for begin in range(0, len(points), step):
        x, y = points[begin : begin + step].T
        spans = (ay <= y) != (by <= y)
        with np.errstate(over="ignore", invalid="ignore"):
            crossed = spans & (ax + (y - ay) * slope <= x)
        inside[begin : begin + step] = np.count_nonzero(crossed, axis=0) % 2 == 1
    return inside


def _clip_at(ring: list[list[float]], axis: int, border: float, sign: int) -> list[list[float]]:
    """Keep what is on the inner side of one border: above it for sign 1, below for -1."""
    kept: list[list[float]] = []
    for index, point in enumerate(ring):
        before = ring[index - 1]
        is_in = sign * (point[axis] - border) >= 0
        if is_in != (sign * (before[axis] - border) >= 0):
            kept.append(_crossing(before, point, axis, border))
        if is_in:
            kept.append(point)
    return kept


def _crossing(a: list[float], b: list[float], axis: int, border: float) -> list[float]:
    other = 1 - axis
    crossing = [float(border)] * 2  # on the border exactly, not by arithmetic
    share = (border - a[axis]) / (b[axis] - a[axis])
    crossing[other] = a[other] + share * (b[other] - a[other])
    return crossing


def _is_on_a_line(ring: list[list[float]]) -> bool:
    """Whether clipping left only points on one border, or none."""
    return not ring or any(len({point[axis] for point in ring}) == 1 for axis in (0, 1))


def _half_hull(points: list[Any]) -> list[Any]:
    """One side of the hull of sorted points, turning clockwise on screen."""
    half: list[Any] = []
    for x, y in points:
        while len(half) > 1:
            (ax, ay), (bx, by) = half[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            half.pop()
        half.append((x, y))
    return half
