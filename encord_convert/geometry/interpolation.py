"""Motion between the keyframes of a track.

``t`` is the fraction of the way from keyframe a to keyframe b: (frame - a) / (b - a), 0 at a and 1 at b. Interpolation
by kind:

=============================  ===============================================================
Box, ellipse, cuboid           ``lerp`` on the stored numbers
Rotation                       ``angle_lerp``, along the shorter arc
Points                         ``loose_points_between``: one point moves, several hold
Polyline, polygon              ``points_between``: matched by position along the curve
Mask, attributes, visibility   hold the value of a until b: nothing to compute
=============================  ===============================================================

Points are flat sequences x0, y0, x1, y1, ... in any unit in which x and y are of one size (pixels; relative numbers of
an image that is not square would distort distances). Source of all rules: CVAT for video 1.1, interpolation of tracks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encord_convert.geometry.boxes import normalised_angle
from encord_convert.geometry.rings import Flat

_Points = NDArray[np.float64]


def lerp(a: Flat, b: Flat, t: float) -> list[float]:
    """Interpolate numbers linearly from a to b.

    Parameters
    ----------
    a, b : (n,) float
        The stored numbers of a box, an ellipse (centre and radii), a cuboid or a point.
    t : float
        0 at a, 1 at b.

    Raises
    ------
    ValueError
        a and b differ in length.

    >>> lerp([0, 10], [4, 20], 0.25)
    [1.0, 12.5]
    """
    if len(a) != len(b):
        raise ValueError(
            f"The keyframes hold {len(a)} and {len(b)} numbers; they move together only when equally many."
        )
    return [float(before + (after - before) * t) for before, after in zip(a, b, strict=True)]


def angle_lerp(a_deg: float, b_deg: float, t: float) -> float:
    """Interpolate an angle along the shorter arc.

    Parameters
    ----------
    a_deg, b_deg : float
        Degrees, modulo 360.
    t : float
        0 at a, 1 at b.

    Returns
    -------
    float
        Degrees in [0, 360). From an angle to its opposite, where both arcs are equal, the numbers grow.

    >>> angle_lerp(350, 10, 0.75)
    5.0
    """
    arc = normalised_angle(b_deg - a_deg)
    if arc > 180.0:
        arc -= 360.0
    return normalised_angle(a_deg + arc * t)


def loose_points_between(a: Flat, b: Flat, t: float) -> list[float]:
    """Interpolate a shape of loose points: one point linearly; several, or a changed number, hold as in a.

    >>> loose_points_between([0, 0], [4, 2], 0.5), loose_points_between([0, 0, 1, 1], [4, 2, 5, 5], 0.5)
    ([2.0, 1.0], [0, 0, 1, 1])
    """
    return lerp(a, b, t) if len(a) == len(b) == 2 else list(a)


def points_between(a: Flat, b: Flat, t: float, closed: bool) -> list[float]:
    """Interpolate a polyline or polygon from a to b with any numbers of vertices.

    Each vertex has a position from 0 to 1 along its own curve. Every vertex of a is matched to the vertex of b at the
    nearest position, every vertex of b still without a match to the nearest of a, and matched pairs move linearly.
    Where several vertices of one curve meet a single one of the other, they crowd: of those, vertices nearer than half
    the mean spacing of that stretch are left out, and two ends that nearly meet become the vertex between them.

    Parameters
    ----------
    a, b : (2 n,), (2 m,) float
        x0, y0, x1, y1, ...; a polygon without its first point repeated. Its first vertex and direction matter.
    t : float
        0 at a, 1 at b, in between for a result.
    closed : bool
        Whether it is a polygon.

    Returns
    -------
    list of float
        The vertices at t. Their number may differ from both.

    Raises
    ------
    ValueError
        A keyframe has no points, or a y is missing.

    Source
    ------
    CVAT for video 1.1. Unknown: whether the mean spacing divides the length of a stretch by its vertices (taken here)
    or by its gaps, and what becomes of two ends that nearly meet (here one vertex); an export of CVAT with interpolated
    polygons of unequal vertex counts would settle both.

    >>> points_between([0, 0, 10, 0], [0, 10, 10, 10], 0.5, closed=False)
    [0.0, 5.0, 10.0, 5.0]
    """
    [points] = curves_between(a, b, [t], closed)
    return points


def curves_between(a: Flat, b: Flat, shares: Sequence[float], closed: bool) -> Iterator[list[float]]:
    """Yield what :func:`points_between` returns for each of many shares of one way, which is worked out once."""
    left, right = _curve(a, closed), _curve(b, closed)
    matches = _matches(_positions(left), _positions(right))
    stretches = list(_stretches(matches))
    if len(stretches) == len(matches) and not any(chunk.fans_out for chunk in stretches):  # none has to be left out
        ends = right[[other for (other,) in matches]]
        for t in shares:
            moved = left + (ends - left) * t
            yield (moved[:-1] if closed and len(moved) > 1 else moved).ravel().tolist()
        return
    for t in shares:
        crowds = [
            [tuple(left[index] + (right[other] - left[index]) * t) for other in others]
            for index, others in enumerate(matches)
        ]
        points: list[tuple[float, float]] = []
        for chunk in stretches:
            met = slice(chunk.first, chunk.last + 1)
            curve = right[matches[chunk.first]] if chunk.fans_out else left[met]
            crowd = [point for points_of_one in crowds[met] for point in points_of_one]
            points += _thinned(crowd, _length(curve) / (2 * len(curve)))
        if closed and len(points) > 1:
            points.pop()
        yield [float(number) for point in points for number in point]


class _Chunk(NamedTuple):
    """Vertices of a, first to last, that meet one vertex of b; or one vertex of a that fans out to several of b."""

    first: int
    last: int
    fans_out: bool


def _curve(flat: Flat, closed: bool) -> _Points:
    points = np.asarray(flat, np.float64)
    if points.ndim != 1 or not points.size or points.size % 2:
        raise ValueError(
            f"A curve is a flat list of x and y in turn, one pair at least; this one has shape {points.shape}."
        )
    points = points.reshape(-1, 2)
    return np.vstack([points, points[:1]]) if closed else points


def _gaps(curve: _Points) -> NDArray[np.float64]:
    return np.asarray(np.hypot(*np.diff(curve, axis=0).T))


def _length(curve: _Points) -> float:
    return float(_gaps(curve).sum())


def _positions(curve: _Points) -> NDArray[np.float64]:
    """Share of the length of the curve at each vertex; even shares when the curve has no length."""
    along = np.append(0.0, np.cumsum(_gaps(curve)))
    return along / along[-1] if along[-1] > 0 else np.linspace(0.0, 1.0, len(curve))


def _matches(left: NDArray[np.float64], right: NDArray[np.float64]) -> list[list[int]]:
    """Vertices of the right curve that each vertex of the left one moves to, in order, one at least."""
    matches = [[index] for index in _nearest(left, right)]
    taken = {index for (index,) in matches}
    for index, other in enumerate(_nearest(right, left)):
        if index not in taken:
            matches[other].append(index)
    return [sorted(match) for match in matches]


def _nearest(of: NDArray[np.float64], among: NDArray[np.float64]) -> list[int]:
    """Index of the nearest of some growing positions for each position; of two at one distance, the first."""
    after = np.minimum(np.searchsorted(among, of, side="left"), len(among) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.where(np.abs(of - among[before]) <= np.abs(among[after] - of), before, after)
    # Of several vertices at one place the first.
    return list(map(int, np.searchsorted(among, among[nearer], side="left")))


def _stretches(matches: list[list[int]]) -> Iterator[_Chunk]:
    first = 0
    while first < len(matches):
        last = first
        if len(matches[first]) == 1:
            while last + 1 < len(matches) and matches[last + 1] == matches[first]:
                last += 1
        yield _Chunk(first, last, len(matches[first]) > 1)
        first = last + 1


def _thinned(crowd: list[tuple[float, float]], least: float) -> list[tuple[float, float]]:
    """Keep the ends of a run, and between them vertices at least so far from the last kept one."""
    if len(crowd) < 2:
        return crowd
    kept = [crowd[0]]
    for point in crowd[1:-1]:
        if math.dist(kept[-1], point) >= least:
            kept.append(point)
    end = crowd[-1]
    if len(kept) == 1 and math.dist(kept[0], end) < least:
        return [((kept[0][0] + end[0]) / 2, (kept[0][1] + end[1]) / 2)]
    return [*kept, end]
