"""One shape element: from its XML attributes to numbers in pixels (:class:`Pose`).

:mod:`encord_convert.formats.cvat.read_geometry` makes coordinates of these: frames between keyframes have numbers, and
no element.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from encord_convert.formats.cvat.cuboids import NAMES as CUBOID
from encord_convert.formats.cvat.exact_xml import Shape as Element
from encord_convert.formats.cvat.ontology import ShapePlan
from encord_convert.formats.cvat.read_attributes import Change
from encord_convert.geometry import boxes, rle
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.hub.visibility import FARTHEST_PX
from encord_convert.sdk.objects.coordinates import (
    Visibility,
)

LEAST_POINTS = {"polygon": 3, "polyline": 2, "points": 1}
"""How many points a shape must have to be one."""

Point = tuple[float, float, Visibility]

_decode_numbers = msgspec.json.Decoder(list[float]).decode


class Invalid(Exception):
    """A shape that cannot be taken over; :attr:`loss` says why."""

    def __init__(self, detail: str, code: str = "INVALID_GEOMETRY", feature: Feature = Feature.DEGENERATE) -> None:
        super().__init__(detail)
        self.loss = Change(Kind.DROPPED, code, feature, detail)


class Pose(msgspec.Struct):
    """Where a shape is, in pixels.

    ``numbers`` of a box: left, top, right, bottom; of an ellipse: centre and radii; of a cuboid: its eight points;
    of a mask: runs, left, top, width, height; of a skeleton: a point or None for each node; of the others: x0, y0, ….
    ``changes`` is what had to be mended.
    """

    numbers: Any
    rotation: float = 0.0
    changes: list[Change] = []
    notes: list[tuple[Level, str, str]] = []


# -- from XML attributes to numbers -------------------------------------------------------------------------------


def pose_of(plan: ShapePlan, element: Element) -> Pose:
    """Read the geometry of an element.

    Raises
    ------
    Invalid
        Numbers are missing, are none, or make no such shape.
    """
    return _POSES[plan.element](plan, element[3], element[5])


def _number(attributes: Mapping[str, str], name: str) -> float:
    text = attributes.get(name)
    if text is None:
        raise Invalid(f"It has no {name!r}.")
    try:
        number = float(text)
    except ValueError:
        raise Invalid(f"{name}={text!r} is no number.") from None
    if not math.isfinite(number):
        raise Invalid(f"{name}={text!r} is no finite number.")
    if abs(number) > FARTHEST_PX:
        raise Invalid(f"{name}={text!r} lies beyond any image.")
    return number


def _rotation(attributes: Mapping[str, str]) -> float:
    return boxes.normalised_angle(_number(attributes, "rotation")) if attributes.get("rotation") else 0.0


def _box_pose(plan: ShapePlan, attributes: Mapping[str, str], children: Any) -> Pose:
    try:
        x0, y0, x1, y1 = map(float, (attributes["xtl"], attributes["ytl"], attributes["xbr"], attributes["ybr"]))
        if -FARTHEST_PX <= x0 < x1 <= FARTHEST_PX and -FARTHEST_PX <= y0 < y1 <= FARTHEST_PX:
            return Pose([x0, y0, x1, y1], _rotation(attributes))
    except (KeyError, ValueError):
        pass
    corners = [_number(attributes, name) for name in ("xtl", "ytl", "xbr", "ybr")]
    ordered = boxes.ordered_xyxy(corners)
    if ordered[0] == ordered[2] or ordered[1] == ordered[3]:
        raise Invalid(f"The box {corners} has a side of length 0.")
    pose = Pose(list(ordered), _rotation(attributes))
    if list(ordered) != corners:
        pose.changes.append(_mended(f"The corners of the box {corners} were swapped; they are put in order."))
    return pose


def _mended(detail: str) -> Change:
    return Change(Kind.APPROXIMATED, "INVALID_GEOMETRY", Feature.DEGENERATE, detail)


def _line_pose(plan: ShapePlan, attributes: Mapping[str, str], children: Any) -> Pose:
    flat = flat_of(attributes.get("points"))
    least = LEAST_POINTS[plan.element]
    if len(flat) < 2 * least:
        raise Invalid(f"A {plan.element} has at least {least} points; this one has {len(flat) // 2}.")
    return Pose(flat)


def flat_of(text: str | None) -> list[float]:
    """Return ``x0, y0, x1, …`` of a ``points`` attribute. Blanks and a trailing ``;`` are tolerated.

    Raises
    ------
    Invalid
        It is missing, or not pairs of finite numbers.

    >>> flat_of("1,2; 3.5,4e1;")
    [1.0, 2.0, 3.5, 40.0]
    """
    if text is None:
        raise Invalid("It has no 'points'.")
    try:
        flat = _decode_numbers("[" + text.replace(";", ",") + "]")
        if (
            len(flat) == 2 * (text.count(";") + 1) == 2 * text.count(",")
            and -FARTHEST_PX <= min(flat) <= max(flat) <= FARTHEST_PX
        ):
            return flat
    except msgspec.DecodeError:
        pass
    return _flat_of_odd(text)


def _flat_of_odd(text: str) -> list[float]:
    pairs = [pair for pair in text.split(";") if pair.strip()]
    try:
        flat = [float(number) for pair in pairs for number in pair.split(",")]
    except ValueError:
        raise Invalid(f"The points {_short(text)} are not all numbers.") from None
    if len(flat) != 2 * len(pairs) or any(pair.count(",") != 1 for pair in pairs):
        raise Invalid(f"The points {_short(text)} are not all pairs.")
    if not all(map(math.isfinite, flat)):
        raise Invalid(f"The points {_short(text)} are not all finite.")
    if max(map(abs, flat), default=0) > FARTHEST_PX:
        raise Invalid(f"The points {_short(text)} lie beyond any image.")
    return flat


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")


def _ellipse_pose(plan: ShapePlan, attributes: Mapping[str, str], children: Any) -> Pose:
    cx, cy, rx, ry = (_number(attributes, name) for name in ("cx", "cy", "rx", "ry"))
    if rx == 0 or ry == 0:
        raise Invalid(f"The ellipse has a radius of 0 (rx={rx:g}, ry={ry:g}).")
    pose = Pose([cx, cy, abs(rx), abs(ry)], _rotation(attributes))
    if rx < 0 or ry < 0:
        pose.changes.append(_mended(f"The ellipse had a negative radius (rx={rx:g}, ry={ry:g})."))
    return pose


def _cuboid_pose(plan: ShapePlan, attributes: Mapping[str, str], children: Any) -> Pose:
    return Pose([_number(attributes, name) for name in CUBOID])


def _mask_pose(plan: ShapePlan, attributes: Mapping[str, str], children: Any) -> Pose:
    left, top, width, height = (int(_number(attributes, name)) for name in ("left", "top", "width", "height"))
    if width <= 0 or height <= 0:
        raise Invalid(f"The mask has a box of {width} x {height} pixels.")
    text = attributes.get("rle", "")
    try:
        runs = rle.runs_from_text(text.strip().rstrip(","))
        repaired, missing = rle.repaired_runs(runs, height, width)
    except ValueError as error:
        raise Invalid(str(error), "INVALID_RLE", Feature.SHAPE) from error
    pose = Pose((repaired, left, top, width, height))
    if missing:
        mended = "short, and filled up with background" if missing > 0 else "long, and cut"
        detail = f"The runs of the mask were {abs(missing)} pixels {mended}."
        pose.changes.append(Change(Kind.APPROXIMATED, "INVALID_RLE", Feature.SHAPE, detail))
        level = Level.ERROR if abs(missing) > width else Level.WARNING
        bound = "more" if abs(missing) > width else "no more"
        pose.notes.append((level, "INVALID_RLE", f"The runs of a mask miss the size of its box by {bound} than a row."))
    return pose


def _skeleton_pose(plan: ShapePlan, attributes: Mapping[str, str], children: Sequence[Element] | None) -> Pose:
    points: list[Point | None] = [None] * len(plan.nodes)
    pose = Pose(points)
    if not children and attributes.get("points"):
        flat = flat_of(attributes["points"])
        for number in range(min(len(points), len(flat) // 2)):
            points[number] = (flat[2 * number], flat[2 * number + 1], Visibility.VISIBLE)
        return pose
    for child in children or ():
        place = plan.places.get(child[1])
        if place is not None:
            points[place] = point_of(child, pose)
    if None in points:
        detail = "A skeleton lacks points; they are invisible at (0, 0)."
        pose.notes.append((Level.WARNING, "INVALID_GEOMETRY", detail))
    return pose


def point_of(child: Element, pose: Pose) -> Point:
    """Return where a point of a skeleton is; what had to be mended is said of ``pose``."""
    tag, label, attributes = child[0], child[1], child[3]
    if attributes.get("outside") == "1":
        # It is not in the image; where it is written to be matters to the frames before, which move towards it.
        try:
            x, y = flat_of(attributes.get("points"))[:2]
        except (Invalid, ValueError):
            x = y = 0.0
        return x, y, Visibility.INVISIBLE
    visibility = Visibility.OCCLUDED if attributes.get("occluded") == "1" else Visibility.VISIBLE
    if tag == "box":
        flat = [_number(attributes, name) for name in ("xtl", "ytl", "xbr", "ybr")]
    else:
        flat = flat_of(attributes.get("points"))
    if not flat:
        raise Invalid(f"The point {label!r} has no place.")
    if len(flat) > 2:
        x0, y0, x1, y1 = boxes.xyxy_from_points(flat)
        detail = f"The point {label!r} is a {tag} of several points; its middle is read."
        pose.changes.append(Change(Kind.APPROXIMATED, "UNSUPPORTED_SHAPE", Feature.SHAPE, detail))
        return (x0 + x1) / 2, (y0 + y1) / 2, visibility
    return flat[0], flat[1], visibility


_POSES = {
    "box": _box_pose,
    "polygon": _line_pose,
    "polyline": _line_pose,
    "points": _line_pose,
    "ellipse": _ellipse_pose,
    "cuboid": _cuboid_pose,
    "mask": _mask_pose,
    "skeleton": _skeleton_pose,
}
