"""Hub coordinates as the numbers a CVAT element holds, and which of a track's frames must be written as keyframes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.cvat.cuboids import NAMES as CUBOID
from encord_convert.formats.cvat.cuboids import numbers_of
from encord_convert.formats.cvat.write_texts import DECIMALS, number_text, points_text
from encord_convert.geometry import interpolation, rings, rle
from encord_convert.geometry.boxes import normalised_angle
from encord_convert.hub.outlines import ellipse_px
from encord_convert.hub.visibility import ring_px
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import PolygonCoordinates, Visibility

TOLERANCE_PX = 1e-5
"""How far a written number may lie from the hub's, sides of boxes and frames that are interpolated included."""

_SAME_PX = 2e-6
"""How far interpolation may miss a frame that is left out: less than the tolerance, since numbers are rounded too."""


@dataclass(slots=True)
class Written:
    """The geometry of one shape, in pixels, rounded as it is written.

    ``numbers`` of a box: left, top, right, bottom; of an ellipse: centre and radii; of a mask: runs, left, top, width,
    height; else x0, y0, ….
    ``points`` of a skeleton: place of each in its template, whether it is absent, and whether it is occluded.
    """

    element: str
    numbers: Any
    rotation: float = 0.0
    points: tuple[tuple[int, bool, bool], ...] = ()

    def attributes(self) -> str:
        """Return the XML attributes, each with a blank before it; none for a skeleton."""
        return _TEXTS[self.element](self)


def written(shape: Shape, coordinates: Any, width: int, height: int, places: Callable[[Any], int]) -> Written:
    """Return coordinates that are not degenerate as the numbers that are written.

    Parameters
    ----------
    shape : Shape
    coordinates : coordinates of the hub
    width, height : int
        Of the image, in pixels.
    places : callable
        From a point of a skeleton to its place in the template.
    """
    return _WRITERS[shape](coordinates, width, height, places)


# --- from the hub ---------------------------------------------------------------------------------------------------

_SCALE = 10**DECIMALS


def rounded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return coordinates as they are written, which is not with a sign where they are 0.

    >>> rounded(np.array([12.339999999999998, -1e-9])).tolist()
    [12.34, 0.0]
    """
    return np.asarray(np.rint(numbers * _SCALE) / _SCALE + 0.0)


def _each_rounded(numbers: Iterable[float]) -> list[float]:
    """Return what :func:`rounded` does, which takes longer for a few."""
    return [round(number * _SCALE) / _SCALE for number in numbers]


def _rounded(flat: Any, width: int, height: int) -> list[float]:
    if len(flat) > 32:
        all_: list[float] = rounded(np.asarray(flat, np.float64) * _sides(width, height, len(flat) // 2)).tolist()
        return all_
    return _each_rounded(ring_px(flat, width, height))


@lru_cache(maxsize=256)
def _sides(width: int, height: int, count: int) -> Any:
    return np.tile(np.array((width, height), np.float64), count)


def _box(c: Any, width: int, height: int, places: Any) -> Written:
    x, y = c.top_left_x * width, c.top_left_y * height
    corners = (x, y, x + c.width * width, y + c.height * height)
    return Written("box", _each_rounded(corners))


def _rotatable(c: Any, width: int, height: int, places: Any) -> Written:
    box = _box(c, width, height, places)
    box.rotation = turn_of(c.theta)
    return box


def turn_of(theta: float) -> float:
    """Return an angle in degrees as it is written."""
    return normalised_angle(round(normalised_angle(theta), DECIMALS))


def _polygon(c: PolygonCoordinates, width: int, height: int, places: Any) -> Written:
    flat = c._flat
    if c._is_nested:
        flat = joined_rings([[list(map(float, ring)) for ring in polygon] for polygon in c.polygons])
    return Written("polygon", _rounded(flat, width, height))


def joined_rings(polygons: Sequence[Sequence[list[float]]]) -> list[float]:
    """Return one ring that covers what polygons with holes cover: cuts of no width lead from ring to ring.

    Parameters
    ----------
    polygons : sequence of sequence of flat lists
        Of each its outer ring, then its holes.

    >>> joined_rings([[[0, 0, 9, 0, 9, 9]], [[20, 0, 29, 0, 29, 9]]])
    [0, 0, 9, 0, 20, 0, 29, 0, 29, 9, 20, 0, 9, 0, 9, 9]
    """
    path: list[tuple[float, float]] = []
    for polygon in polygons:
        for number, flat in enumerate(polygon):
            ring = list(zip(flat[0::2], flat[1::2], strict=True))
            # Holes turn the other way round, so that they are holes by either rule of filling.
            if len(ring) > 2 and rings.is_clockwise(flat) is (number > 0):
                ring.reverse()
            if not path:
                path = ring
            elif ring:
                near = min(range(len(path)), key=lambda place: math.dist(path[place], ring[0]))
                path = [*path[: near + 1], *ring, ring[0], *path[near:]]
    return [number for point in path for number in point]


def _polyline(c: Any, width: int, height: int, places: Any) -> Written:
    return Written("polyline", _rounded(c._flat, width, height))


def _point(c: Any, width: int, height: int, places: Any) -> Written:
    return Written("points", _rounded([c.x, c.y], width, height))


def _skeleton(c: Any, width: int, height: int, places: Callable[[Any], int]) -> Written:
    flat: list[float] = []
    points = []
    for point in c.values:
        is_absent = point.visibility is Visibility.INVISIBLE
        flat += (0.0, 0.0) if is_absent else _rounded([point.x, point.y], width, height)
        points.append((places(point), is_absent, not is_absent and point.visibility not in (None, Visibility.VISIBLE)))
    return Written("skeleton", flat, points=tuple(points))


def _mask(c: Any, width: int, height: int, places: Any) -> Written:
    runs, left, top, box_width, box_height = c._box_runs()
    if left + box_width > width or top + box_height > height:
        runs, left, top, box_width, box_height, _ = rle.clipped_box_runs(
            runs, left, top, box_width, box_height, width, height
        )
    return Written("mask", (runs.tolist(), left, top, box_width, box_height))


def _ellipse(c: Any, width: int, height: int, places: Any) -> Written:
    x, y, along, across = ellipse_px(c, width, height)
    return Written("ellipse", _each_rounded((x, y, along, across)), rotation=turn_of(c.theta))


def _cuboid(c: Any, width: int, height: int, places: Any) -> Written:
    return Written("cuboid", _each_rounded(numbers_of(c, width, height)))


_WRITERS: dict[Any, Callable[..., Written]] = {
    Shape.BOUNDING_BOX: _box,
    Shape.ROTATABLE_BOUNDING_BOX: _rotatable,
    Shape.POLYGON: _polygon,
    Shape.POLYLINE: _polyline,
    Shape.POINT: _point,
    Shape.SKELETON: _skeleton,
    Shape.BITMASK: _mask,
    NewerShape.ELLIPSE: _ellipse,
    NewerShape.CIRCLE: _ellipse,
    NewerShape.CUBOID_2D: _cuboid,
}


# --- to text --------------------------------------------------------------------------------------------------------


def _box_text(one: Written) -> str:
    x0, y0, x1, y1 = one.numbers
    text = f' xtl="{x0!r}" ytl="{y0!r}" xbr="{x1!r}" ybr="{y1!r}"'
    return text + rotation_text(one.rotation)


def rotation_text(turn: float) -> str:
    """Return the XML attribute that rotates a box, with a blank before it; nothing if it is not rotated."""
    return f' rotation="{number_text(turn)}"' if turn else ""


def _line_text(one: Written) -> str:
    return f' points="{points_text(one.numbers)}"'


def _mask_text(one: Written) -> str:
    runs, left, top, width, height = one.numbers
    return f' rle="{", ".join(map(str, runs))}" left="{left}" top="{top}" width="{width}" height="{height}"'


def _ellipse_text(one: Written) -> str:
    x, y, along, across = one.numbers
    return f' cx="{x!r}" cy="{y!r}" rx="{along!r}" ry="{across!r}"' + rotation_text(one.rotation)


def _cuboid_text(one: Written) -> str:
    return "".join([f' {name}="{number!r}"' for name, number in zip(CUBOID, one.numbers, strict=True)])


_TEXTS: dict[str, Callable[[Written], str]] = {
    "box": _box_text,
    "polygon": _line_text,
    "polyline": _line_text,
    "points": _line_text,
    "mask": _mask_text,
    "skeleton": lambda _: "",
    "ellipse": _ellipse_text,
    "cuboid": _cuboid_text,
}


# --- keyframes ------------------------------------------------------------------------------------------------------


def keyframes(poses: Sequence[Written], says: Sequence[Any]) -> list[int]:
    """Return which of the consecutive frames of a run must be keyframes, for interpolation to give the others.

    Parameters
    ----------
    poses : n Written
    says : n
        What each frame says beside its geometry; an interpolated frame says what the keyframe before it does.

    Returns
    -------
    list of int
        Places in the run, ascending; the first and the last always.
    """
    kept, at, last = [0], 0, len(poses) - 1
    while at < last:
        reach = step = 1
        # Doubling finds long stretches with few looks; halving then finds how far the last one goes.
        while at + reach + step <= last and _gives(poses, says, at, at + reach + step):
            reach += step
            step *= 2
        while step > 1:
            step //= 2
            if at + reach + step <= last and _gives(poses, says, at, at + reach + step):
                reach += step
        at += reach
        kept.append(at)
    return kept


def _gives(poses: Sequence[Written], says: Sequence[Any], start: int, end: int) -> bool:
    """Tell whether interpolation between two keyframes gives all frames between them."""
    a, b = poses[start], poses[end]
    return all(
        says[place] == says[start] and _is_same(_between(a, b, (place - start) / (end - start)), poses[place])
        for place in range(start + 1, end)
    )


def _between(a: Written, b: Written, share: float) -> Written:
    numbers, turn = a.numbers, 0.0
    if a.element in ("box", "ellipse", "cuboid"):
        numbers = interpolation.lerp(a.numbers, b.numbers, share)
        turn = interpolation.angle_lerp(a.rotation, b.rotation, share)
    elif a.element == "points":
        numbers = interpolation.loose_points_between(a.numbers, b.numbers, share)
    elif a.element in ("polygon", "polyline"):
        numbers = interpolation.points_between(a.numbers, b.numbers, share, a.element == "polygon")
    elif a.element == "skeleton":
        if [place for place, *_ in a.points] != [place for place, *_ in b.points]:
            return Written(a.element, ())
        numbers = interpolation.lerp(a.numbers, b.numbers, share)
        for place, (_, is_absent, _) in enumerate(a.points):
            if is_absent:
                numbers[2 * place : 2 * place + 2] = 0.0, 0.0
    return Written(a.element, numbers, turn, a.points)


def _is_same(one: Written, other: Written) -> bool:
    if one.element == "mask" or one.points != other.points:
        return bool(one.numbers == other.numbers) and one.points == other.points
    turn = abs(one.rotation - other.rotation)
    return (
        len(one.numbers) == len(other.numbers)
        and min(turn, 360.0 - turn) <= _SAME_PX
        and all(abs(a - b) <= _SAME_PX for a, b in zip(one.numbers, other.numbers, strict=True))
    )
