"""Labels of one row paired with those of another, and what differs between the partners.

What is equal is paired first. Of the rest, labels of one class on the same frames that overlap are the same label,
moved or answered otherwise; those that lie in the same place are the same, of another class or on other frames; what is
left is missing or further.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from encord_convert.geometry.rings import xyxy_from_ellipse
from encord_convert.hub.loss import Where
from encord_convert.hub.outlines import ellipse_px, faces_px
from encord_convert.sdk.objects._newer_coordinates import _CuboidOfCorners
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    CircleCoordinates,
    Cuboid2DIsometricCoordinates,
    Cuboid2DPerspectiveCoordinates,
    EllipseCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    Visibility,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two label sets differ.

    ``where`` is of the first set where it has the thing, else of the second; ``expected`` is the first set's.
    """

    where: Where
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        """Say it in words: ``cam/1.jpg, frame 3, car: left differs, expected 4.0, found 5.0``."""
        place = str(self.where)
        return f"{place}: {self.what}, expected {self.expected}, found {self.found}" if place else self.what


Geometry = tuple[str, Any]
"""A word for the form and the numbers in pixels, or a bitmask."""


@dataclass(frozen=True, slots=True)
class Placement:
    geometry: Geometry | None
    """None: the geometry is written in another form, so whatever stands there will do."""
    answers: dict[str, Any] | None
    """None: they are written in another form."""
    sides: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Thing:
    """An object or a classification, on the frames that are kept of it."""

    label: str
    shape: str
    frames: dict[int, Placement]
    hash: str

    @property
    def is_changed(self) -> bool:
        return any(placement.geometry is None for placement in self.frames.values())


def geometry_px(coordinates: Any, width: int, height: int) -> Geometry:
    """Return a word for the form of hub coordinates, and their numbers in pixels; a bitmask stays one."""
    kind = _NUMBERS.get(type(coordinates))
    if kind is not None:
        return kind(coordinates, width, height)  # type: ignore[no-any-return]
    if isinstance(coordinates, BitmaskCoordinates):
        return "bitmask", coordinates
    return type(coordinates).__name__, repr(coordinates._json())


def _box(c: Any, width: int, height: int) -> Geometry:
    return "box", [[c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height]]


def _rotatable(c: Any, width: int, height: int) -> Geometry:
    return "rotated box", [*_box(c, width, height)[1], [c.theta % 360.0]]


def _polygon(c: PolygonCoordinates, width: int, height: int) -> Geometry:
    form = "polygon of " + ", ".join(f"{len(rings)} rings" for rings in c.polygons)
    return form, [_open(_scaled(ring, width, height)) for rings in c.polygons for ring in rings]


def _open(ring: Any) -> Any:
    """Return a ring without a last vertex that only closes it: some formats leave it out, and some ask for it."""
    return ring[:-2] if len(ring) > 6 and (ring[:2] == ring[-2:]).all() else ring


def _polyline(c: Any, width: int, height: int) -> Geometry:
    return "polyline", [_scaled(c._flat, width, height)]


def _point(c: PointCoordinate, width: int, height: int) -> Geometry:
    return "point", [[c.x * width, c.y * height, *([c._z] if hasattr(c, "_z") else [])]]


def _skeleton(c: SkeletonCoordinates, width: int, height: int) -> Geometry:
    # A point that is invisible at the origin is one that is not there: formats with a template write it, or do not.
    points = [point for point in c.values if point.visibility is not Visibility.INVISIBLE or point.x or point.y]
    words = ", ".join(f"{point.name} {point.visibility}" for point in points)
    return f"skeleton {words}", [[point.x * width, point.y * height] for point in points]


def _ellipse(c: Any, width: int, height: int) -> Geometry:
    return "ellipse", [[*ellipse_px(c, width, height)], [c.theta % 360.0]]


def _cuboid(c: Any, width: int, height: int) -> Geometry:
    return "cuboid", [*faces_px(c, width, height)]


def _scaled(flat: Any, width: int, height: int) -> Any:
    return (np.asarray(flat, float).reshape(-1, 2) * (width, height)).ravel()


_NUMBERS: dict[type, Any] = {
    BoundingBoxCoordinates: _box,
    RotatableBoundingBoxCoordinates: _rotatable,
    PolygonCoordinates: _polygon,
    PolylineCoordinates: _polyline,
    PointCoordinate: _point,
    EllipseCoordinates: _ellipse,
    CircleCoordinates: _ellipse,
    Cuboid2DIsometricCoordinates: _cuboid,
    Cuboid2DPerspectiveCoordinates: _cuboid,
    _CuboidOfCorners: _cuboid,
    SkeletonCoordinates: _skeleton,
}


def differences(row: str, ones: Sequence[Thing], others: Sequence[Thing], tolerance: float) -> Iterator[Difference]:
    """Name what differs between the labels of two rows.

    Parameters
    ----------
    row : str
        Title, for the places.
    ones, others : sequence of Thing
        What is expected, and what was found.
    tolerance : float
        Pixels, or degrees.
    """
    left = _by(others, lambda thing: (thing.label, thing.shape, *thing.frames))
    unmatched: list[Thing] = []
    changed: list[Thing] = []
    for thing in ones:
        if thing.is_changed:
            changed.append(thing)
        elif not _take(left.get((thing.label, thing.shape, *thing.frames), ()), thing, tolerance):
            unmatched.append(thing)
    rest = _by(chain.from_iterable(left.values()), lambda thing: (thing.label, *thing.frames))
    for thing in changed:
        # In another form its class and its frames stay; a thing of several parts may have become several things.
        if not _take(rest.get((thing.label, *thing.frames), ()), thing, tolerance):
            unmatched.append(thing)
    loose = {thing.label for thing in changed}
    further = list(chain.from_iterable(rest.values()))
    for is_partner, told in (
        (_is_moved, _told_changed), (_is_relabelled(tolerance), _told_class), (_is_retimed(tolerance), _told_frames),
    ):  # fmt: skip
        for thing, other in _partners(unmatched, further, is_partner):
            yield told(row, thing, other, tolerance)
    for thing in unmatched:
        where = Where(row=row, frame=min(thing.frames, default=None), object_hash=thing.hash)
        yield Difference(where, f"the {thing.shape} {thing.label!r}", _say(thing), "none")
    for thing in further:
        if thing.label not in loose:
            where = Where(row=row, frame=min(thing.frames, default=None), object_hash=thing.hash)
            yield Difference(where, f"a {thing.shape} of {thing.label!r}", "none", _say(thing))


MOST_PAIRS = 1_000_000
"""Pairs of leftover labels that are weighed; of more, each is told as missing or further."""

NEAR_PX = 8
"""Pixels between two labels that may still be one that was moved: points overlap nothing."""

Distance = Callable[[Thing, Thing], "float | None"]
"""How far two labels are from being the same one; None: they are not."""


def _partners(ones: list[Thing], others: list[Thing], distance: Distance) -> list[tuple[Thing, Thing]]:
    """Take pairs out of both lists, the nearest first."""
    if len(ones) * len(others) > MOST_PAIRS:
        return []
    near = [
        (apart, i, j)
        for i, one in enumerate(ones)
        for j, other in enumerate(others)
        if (apart := distance(one, other)) is not None
    ]
    mine: dict[int, int] = {}
    for _, i, j in sorted(near):
        if i not in mine and j not in mine.values():
            mine[i] = j
    pairs = [(ones[i], others[j]) for i, j in sorted(mine.items())]
    ones[:] = [one for i, one in enumerate(ones) if i not in mine]
    taken = set(mine.values())
    others[:] = [other for j, other in enumerate(others) if j not in taken]
    return pairs


def _is_moved(one: Thing, other: Thing) -> float | None:
    """Weigh two labels of a class on the same frames: those that overlap, or nearly, where they first are
    may be the same."""
    if one.label != other.label or one.frames.keys() != other.frames.keys() or not one.frames:
        return None
    frame = min(one.frames)
    here, there = _extent(one.frames[frame].geometry), _extent(other.frames[frame].geometry)
    if here is None or there is None:
        return 0.0
    left, top, right, bottom = (here[0] - there[2], here[1] - there[3], there[0] - here[2], there[1] - here[3])
    if max(left, top, right, bottom) > NEAR_PX:
        return None
    return sum(abs(a - b) for a, b in zip(here, there, strict=True))


def _is_relabelled(tolerance: float) -> Distance:
    def distance(one: Thing, other: Thing) -> float | None:
        is_there = one.frames.keys() == other.frames.keys() and one.shape == other.shape != "classification"
        return 0.0 if is_there and one.frames and _is_in_place(one, other, min(one.frames), tolerance) else None

    return distance


def _is_retimed(tolerance: float) -> Distance:
    def distance(one: Thing, other: Thing) -> float | None:
        common = one.frames.keys() & other.frames.keys()
        if not common or one.label != other.label or one.shape != other.shape:
            return None
        alone = len(one.frames.keys() ^ other.frames.keys())
        return float(alone) if _is_in_place(one, other, min(common), tolerance) else None

    return distance


def _is_in_place(one: Thing, other: Thing, frame: int, tolerance: float) -> bool:
    here = one.frames[frame].geometry
    return here is None or _is_same(here, other.frames[frame].geometry, tolerance)


def _told_changed(row: str, one: Thing, other: Thing, tolerance: float) -> Difference:
    unlike = _unlike(one, other, tolerance)
    if unlike is None:  # the same but for its shape
        where = Where(row=row, frame=min(one.frames), object_hash=one.hash)
        return Difference(where, f"{one.label!r}: its shape", one.shape, other.shape)
    frame, what, expected, found = unlike
    return Difference(Where(row=row, frame=frame, object_hash=one.hash), f"{one.label!r}: {what}", expected, found)


def _told_class(row: str, one: Thing, other: Thing, tolerance: float) -> Difference:
    where = Where(row=row, frame=min(one.frames), object_hash=one.hash)
    return Difference(where, f"the class of {one.label!r}", repr(one.label), repr(other.label))


def _told_frames(row: str, one: Thing, other: Thing, tolerance: float) -> Difference:
    where = Where(row=row, frame=min(one.frames.keys() ^ other.frames.keys()), object_hash=one.hash)
    return Difference(where, f"{one.label!r}: its frames", _listed(one), _listed(other))


def _by(things: Any, key: Any) -> dict[Any, list[Thing]]:
    groups: dict[Any, list[Thing]] = defaultdict(list)
    for thing in things:
        groups[key(thing)].append(thing)
    return groups


def _take(candidates: Sequence[Thing], thing: Thing, tolerance: float) -> bool:
    """Take the first candidate that equals ``thing``; labels usually come in the same order."""
    for index, candidate in enumerate(candidates):
        if _unlike(thing, candidate, tolerance) is None:
            del candidates[index]  # type: ignore[attr-defined]
            return True
    return False


def _unlike(thing: Thing, other: Thing, tolerance: float) -> tuple[int, str, str, str] | None:
    """Return the first thing in which two things on the same frames differ: frame, what, expected, found."""
    for frame, placement in thing.frames.items():
        there = other.frames[frame]
        if placement.geometry is not None and not _is_same(placement.geometry, there.geometry, tolerance):
            return frame, "its geometry", _numbers(placement.geometry), _numbers(there.geometry)
        if placement.answers is not None and placement.answers != there.answers:
            return frame, "its answers", str(placement.answers), str(there.answers)
        for side, value in placement.sides.items():
            if there.sides.get(side) != value:
                return frame, f"its {side}", str(value), str(there.sides.get(side))
    return None


def _is_same(one: Geometry, other: Geometry | None, tolerance: float) -> bool:
    if other is None or one[0] != other[0] or len(one[1:]) != len(other[1:]):
        return False
    if one[0] == "bitmask":
        return _is_same_mask(one[1], other[1])
    if isinstance(one[1], str):
        return bool(one[1] == other[1])
    return len(one[1]) == len(other[1]) and all(map(lambda a, b: _is_near(a, b, tolerance), one[1], other[1]))


def _is_near(one: Any, other: Any, tolerance: float) -> bool:
    a, b = np.asarray(one, float), np.asarray(other, float)
    # A tolerance in writing is one in reading: two roundings, and the last digit of a double.
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=tolerance + 1e-9, equal_nan=True))


def _is_same_mask(one: BitmaskCoordinates, other: BitmaskCoordinates) -> bool:
    if one.frame_size != other.frame_size:
        return False
    return one.to_dict()["rleString"] == other.to_dict()["rleString"] or np.array_equal(
        one.to_numpy_array(), other.to_numpy_array()
    )


def _say(thing: Thing) -> str:
    placement = next(iter(thing.frames.values()), None)
    frames = f"on frames {_listed(thing)}"
    return frames if placement is None else f"{_numbers(placement.geometry)} {frames}"


def _listed(thing: Thing) -> str:
    """Return frames as runs: ``0-3, 7``."""
    runs: list[list[int]] = []
    for frame in sorted(thing.frames):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _extent(geometry: Geometry | None) -> list[float] | None:
    """Return left, top, right and bottom in pixels; None where nothing is drawn, or in any form."""
    if geometry is None or isinstance(geometry[1], str) or not len(geometry[1] if geometry[0] != "bitmask" else "m"):
        return None
    form, numbers = geometry
    if isinstance(numbers, BitmaskCoordinates):
        _, left, top, width, height = numbers._box_runs()
        return [left, top, left + width, top + height]
    if "box" in form:
        x, y, width, height = numbers[0]
        return [x, y, x + width, y + height]
    if form == "ellipse":
        (x, y, along, across), [theta] = numbers
        return [*xyxy_from_ellipse(x, y, along, across, theta)]
    xs = [x for part in numbers for x in part[0::2]]
    ys = [y for part in numbers for y in part[1::2]]
    return [min(xs), min(ys), max(xs), max(ys)]


def _numbers(geometry: Geometry | None) -> str:
    if geometry is None:
        return "any form"
    form, numbers = geometry
    if isinstance(numbers, BitmaskCoordinates):
        width, height = numbers.frame_size
        return f"a mask of {int(numbers.to_numpy_array().sum())} pixels in {width} × {height}"
    if isinstance(numbers, str):
        return numbers
    return f"{form} " + "; ".join(" ".join(f"{number:g}" for number in part) for part in numbers)
