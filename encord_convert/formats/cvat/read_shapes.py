"""One shape element: from its XML attributes to numbers in pixels (:class:`Pose`), and from these to hub coordinates.

The two steps are apart because frames between keyframes have a pose and no element.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from encord_convert.formats.cvat.cuboids import NAMES as CUBOID
from encord_convert.formats.cvat.cuboids import coordinates_of as cuboid_of
from encord_convert.formats.cvat.exact_xml import Shape as Element
from encord_convert.formats.cvat.exact_xml import Values, values_of
from encord_convert.formats.cvat.ontology import ShapePlan
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.read_attributes import Change
from encord_convert.geometry import boxes, interpolation, masks, rings, rle
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.hub.visibility import FARTHEST_PX
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import (
    BitmaskCoordinates,
    BoundingBoxCoordinates,
    CircleCoordinates,
    EllipseCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
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
    return _POSES[plan.element](plan, values_of(element), element[5])


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
    tag, label, attributes = child[0], child[1], values_of(child)
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


def plain_box(values: Values, makes: Shape, width: int, height: int) -> Any:
    """Return the coordinates of a box as most are: in order and within the image. None if it is not."""
    if isinstance(values, tuple):
        left, top, right, bottom, rotation = values
    else:
        left, top, right, bottom, rotation = map(values.get, ("xtl", "ytl", "xbr", "ybr", "rotation"))
    try:
        x0, y0, x1, y1 = float(left), float(top), float(right), float(bottom)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        return None
    if rotation is None:
        if makes is Shape.BOUNDING_BOX:
            return BoundingBoxCoordinates((y1 - y0) / height, (x1 - x0) / width, x0 / width, y0 / height)
        theta = 0.0
    else:
        angle = angle_within(rotation, x0, y0, x1, y1, width, height)
        if angle is None:
            return None
        theta = angle
    if makes is not Shape.ROTATABLE_BOUNDING_BOX:
        return None
    return RotatableBoundingBoxCoordinates((y1 - y0) / height, (x1 - x0) / width, x0 / width, y0 / height, theta)


def angle_within(rotation: str, x0: float, y0: float, x1: float, y1: float, width: int, height: int) -> float | None:
    """Return the angle in degrees, None unless it is in [0, 360) and the turned box is within the image."""
    angle = plain_angle(rotation)
    return angle if angle is not None and is_rotated_within(angle, x0, y0, x1, y1, width, height) else None


def plain_angle(rotation: str) -> float | None:
    """Return an angle in degrees, None unless it is in [0, 360)."""
    try:
        angle = float(rotation)
    except ValueError:
        return None
    return angle if 0 <= angle < 360 else None


def is_rotated_within(angle: float, x0: float, y0: float, x1: float, y1: float, width: float, height: float) -> bool:
    """Tell whether a box in pixels, turned about its centre, is within its image."""
    cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    w, h = x1 - x0, y1 - y0
    across, down = (w * cos + h * sin - w) / 2, (w * sin + h * cos - h) / 2
    return x0 >= across and y0 >= down and x1 + across <= width and y1 + down <= height


def leaves_rotated(angle: float, x0: float, y0: float, x1: float, y1: float, width: float, height: float) -> bool:
    """Tell whether a box in pixels that is within its image leaves it when it is turned about its centre."""
    return bool(angle) and _leaves(boxes.xyxy_from_rotated(x0, y0, x1 - x0, y1 - y0, angle), width, height)


def plain_mask(values: Values, width: int, height: int) -> Any:
    """Return the coordinates of a mask as most are: its runs fill its box, which is in the image. None if not."""
    try:
        text, *numbers = values if isinstance(values, tuple) else ()
        left, top, box_width, box_height = map(int, numbers)  # type: ignore[arg-type]
        runs = rle.runs_from_text(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if not (0 <= left <= width - box_width and 0 <= top <= height - box_height and box_width > 0 and box_height > 0):
        return None
    if int(np.add.reduce(runs)) != box_width * box_height or width * height > rle.current_pixel_limit():
        return None
    return BitmaskCoordinates._from_box_runs(runs, left, top, box_width, box_height, width, height)


# -- between two keyframes ----------------------------------------------------------------------------------------


def pose_between(plan: ShapePlan, before: Pose, after: Pose, share: float) -> Pose:
    """Return the pose at a share, above 0 and below 1, of the way from one keyframe to the next.

    Source
    ------
    CVAT for video 1.1, interpolation of tracks; the rules are those of ``geometry.interpolation``.
    """
    a, b = before.numbers, after.numbers
    if plan.element == "mask":
        return Pose(a)
    if plan.element == "skeleton":
        return Pose([_point_between(one, other, share) for one, other in zip(a, b, strict=True)])
    if plan.element == "points":
        return Pose(interpolation.loose_points_between(a, b, share))
    if plan.element in ("polygon", "polyline"):
        return Pose(interpolation.points_between(a, b, share, plan.element == "polygon"))
    turn = interpolation.angle_lerp(before.rotation, after.rotation, share)
    return Pose(interpolation.lerp(a, b, share), turn)


def _point_between(before: Point | None, after: Point | None, share: float) -> Point | None:
    if before is None or after is None:
        return before
    x, y = interpolation.lerp(before[:2], after[:2], share)
    return x, y, before[2]


# -- from numbers to the hub --------------------------------------------------------------------------------------


class Drawing(msgspec.Struct):
    """Hub coordinates of a shape, several where it had to be split; what was changed; whether it leaves the image."""

    coordinates: list[Any]
    changes: list[Change]
    notes: list[tuple[Level, str, str]]
    is_outside: bool = False


def drawn(plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> Drawing:
    """Turn a pose into coordinates of the hub shape its plan makes.

    Parameters
    ----------
    plan : ShapePlan
    pose : Pose
    width, height : int
        Of the image, in pixels.
    options : ReadOptions

    Raises
    ------
    Invalid
        Nothing is left of it.
    """
    drawing = Drawing([], list(pose.changes), list(pose.notes))
    try:
        _DRAWERS[plan.element](drawing, plan, pose, width, height, options)
    except ValueError as error:
        raise Invalid(str(error)) from error
    return drawing


def _clipped(detail: str) -> Change:
    return Change(Kind.APPROXIMATED, "OUT_OF_BOUNDS", Feature.OUT_OF_BOUNDS, detail)


def _gone() -> Invalid:
    return Invalid("It lies outside the image.", "OUT_OF_BOUNDS", Feature.OUT_OF_BOUNDS)


def _box(drawing: Drawing, plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> None:
    x0, y0, x1, y1 = pose.numbers
    if plan.makes is Shape.POLYGON:
        ring = boxes.corners_from_rotated(x0, y0, x1 - x0, y1 - y0, pose.rotation)
        _ring(drawing, ring, width, height, options)
        return
    if pose.rotation:
        around = boxes.xyxy_from_rotated(x0, y0, x1 - x0, y1 - y0, pose.rotation)
        drawing.is_outside = _leaves(around, width, height)
    elif _leaves((x0, y0, x1, y1), width, height):
        drawing.is_outside = not options.clip
        if options.clip:
            x0, y0, x1, y1 = boxes.clip_xyxy((x0, y0, x1, y1), width, height)
            if x0 >= x1 or y0 >= y1:
                raise _gone()
            drawing.changes.append(_clipped("What the box had outside the image is cut away."))
    if plan.makes is Shape.BOUNDING_BOX:
        box: Any = BoundingBoxCoordinates((y1 - y0) / height, (x1 - x0) / width, x0 / width, y0 / height)
    else:
        box = RotatableBoundingBoxCoordinates(
            (y1 - y0) / height, (x1 - x0) / width, x0 / width, y0 / height, pose.rotation
        )
    drawing.coordinates.append(box)


def _leaves(xyxy: Sequence[float], width: float, height: float) -> bool:
    return xyxy[0] < 0 or xyxy[1] < 0 or xyxy[2] > width or xyxy[3] > height


def _ring(drawing: Drawing, ring: Sequence[float], width: int, height: int, options: ReadOptions) -> None:
    """Add a polygon given in pixels."""
    if _leaves(boxes.xyxy_from_points(ring), width, height):
        drawing.is_outside = not options.clip
        if options.clip:
            ring = rings.clip_ring(ring, width, height)
            if not ring:
                raise _gone()
            drawing.changes.append(_clipped("What the polygon had outside the image is cut away."))
    drawing.coordinates.append(PolygonCoordinates._from_flat(_relative(ring, width, height)))


def _relative(flat: Sequence[float], width: int, height: int) -> Any:
    return (np.array(flat, np.float64).reshape(-1, 2) / (width, height)).ravel()


def _polygon(drawing: Drawing, plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> None:
    _ring(drawing, pose.numbers, width, height, options)


def _kept_inside(drawing: Drawing, flat: list[float], width: int, height: int, options: ReadOptions) -> list[float]:
    """Return points, those beyond the border moved to it if the options ask for it."""
    box = boxes.xyxy_from_points(flat)
    if not _leaves(box, width, height):
        return flat
    drawing.is_outside = not options.clip
    if not options.clip:
        return flat
    if box[0] > width or box[1] > height or box[2] < 0 or box[3] < 0:
        raise _gone()
    drawing.changes.append(_clipped("Points outside the image are moved to its border."))
    sides = (width, height)
    return [min(max(number, 0.0), float(sides[place % 2])) for place, number in enumerate(flat)]


def _polyline(drawing: Drawing, plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> None:
    flat = _kept_inside(drawing, pose.numbers, width, height, options)
    drawing.coordinates.append(PolylineCoordinates._from_flat(_relative(flat, width, height)))


def _points(drawing: Drawing, plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> None:
    flat = _kept_inside(drawing, pose.numbers, width, height, options)
    places = [(flat[n] / width, flat[n + 1] / height) for n in range(0, len(flat), 2)]
    if plan.makes is Shape.SKELETON:
        drawing.coordinates.append(
            SkeletonCoordinates(
                [_vertex(node, x, y, Visibility.VISIBLE) for node, (x, y) in zip(plan.nodes, places, strict=False)]
            )
        )
        return
    _split(drawing, places)


def split_points(flat: Sequence[float]) -> Drawing:
    """Return the drawing of points within the image that are an object each, from ``x0, y0, …`` relative to it."""
    drawing = Drawing([], [], [])
    _split(drawing, list(zip(flat[0::2], flat[1::2], strict=True)))
    return drawing


def _split(drawing: Drawing, places: Sequence[tuple[float, float]]) -> None:
    if len(places) > 1:
        drawing.changes.append(points_split(len(places)))
    drawing.coordinates.extend([PointCoordinate(x, y) for x, y in places])


@lru_cache(maxsize=256)
def points_split(count: int) -> Change:
    """Return the change that an element of several points is as many objects."""
    detail = f"A points shape of {count} points is read as so many objects."
    return Change(Kind.SPLIT, "POINTS_SPLIT", Feature.SHAPE, detail)


def _vertex(node: Any, x: float, y: float, visibility: Visibility) -> SkeletonCoordinate:
    return SkeletonCoordinate(x, y, node.name, node.color, node.feature_hash, node.value, visibility)


def _ellipse(drawing: Drawing, plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> None:
    cx, cy, rx, ry = pose.numbers
    if plan.makes is Shape.ROTATABLE_BOUNDING_BOX:
        around = boxes.xyxy_from_rotated(cx - rx, cy - ry, 2 * rx, 2 * ry, pose.rotation)
        drawing.is_outside = _leaves(around, width, height)
        drawing.coordinates.append(
            RotatableBoundingBoxCoordinates(
                2 * ry / height, 2 * rx / width, (cx - rx) / width, (cy - ry) / height, pose.rotation
            )
        )
        return
    around = rings.xyxy_from_ellipse(cx, cy, rx, ry, pose.rotation)
    if plan.makes is Shape.BOUNDING_BOX:
        _box(drawing, plan, Pose([*around]), width, height, options)
        return
    if plan.makes in _ROUND:
        drawing.is_outside = _leaves(around, width, height)
        drawing.coordinates.append(_ROUND[plan.makes](cx, cy, rx, ry, pose.rotation, width, height))
        return
    ring = rings.ring_from_ellipse(cx, cy, rx, ry, pose.rotation, options.ellipse_vertices)
    if plan.makes is Shape.POLYGON:
        _ring(drawing, ring, width, height, options)
        return
    runs = rle.row_runs_from_column_runs(masks.column_runs_from_rings([ring], height, width), height, width)
    if _leaves(boxes.xyxy_from_points(ring), width, height):
        drawing.changes.append(_clipped("What the ellipse had outside the image is cut away."))
    if not rle.area_from_runs(runs):
        raise _gone()
    drawing.coordinates.append(
        BitmaskCoordinates._from_box_runs(*rle.box_runs_from_frame_runs(runs, width, height), width, height)
    )


_ROUND: dict[Any, Callable[..., Any]] = {
    NewerShape.ELLIPSE: lambda x, y, a, b, turn, width, height: EllipseCoordinates(
        x / width, y / height, a / width, b / height, turn
    ),
    NewerShape.CIRCLE: lambda x, y, a, b, turn, width, height: CircleCoordinates(
        x / width, y / height, a / width, b / a, turn
    ),
}
"""Coordinates of centre, radii and turn in pixels, and the size of the image; circles as files of this package say."""


def _is_spanned(flat: Sequence[float]) -> bool:
    """Tell whether points are not all on one line."""
    x, y = flat[0], flat[1]
    far_x, far_y = max(((flat[n] - x, flat[n + 1] - y) for n in range(2, len(flat), 2)), key=lambda p: math.hypot(*p))
    return any((flat[n] - x) * far_y != (flat[n + 1] - y) * far_x for n in range(2, len(flat), 2))


def _cuboid(drawing: Drawing, plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> None:
    if not _is_spanned(pose.numbers):
        raise Invalid("The eight points of the cuboid lie on one line.")
    if plan.makes is not Shape.POLYGON:
        drawing.is_outside = _leaves(boxes.xyxy_from_points(pose.numbers), width, height)
        drawing.coordinates.append(cuboid_of(pose.numbers, width, height))
        return
    _ring(drawing, rings.hull(pose.numbers), width, height, options)


def _mask(drawing: Drawing, plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> None:
    runs, left, top, box_width, box_height = pose.numbers
    limit = rle.current_pixel_limit()
    if width * height > limit:
        fact = f"The mask is of an image of {width} x {height} pixels, more than the {limit} pixels allowed."
        raise Invalid(fact, "INVALID_RLE", Feature.SHAPE)
    if left < 0 or top < 0 or left + box_width > width or top + box_height > height:
        runs, left, top, box_width, box_height, lost = rle.clipped_box_runs(
            runs, left, top, box_width, box_height, width, height
        )
        if not box_width:
            raise _gone()
        if lost:
            drawing.changes.append(_clipped(f"{lost} pixels of the mask were outside the image."))
    drawing.coordinates.append(BitmaskCoordinates._from_box_runs(runs, left, top, box_width, box_height, width, height))


def _skeleton(drawing: Drawing, plan: ShapePlan, pose: Pose, width: int, height: int, options: ReadOptions) -> None:
    vertices = []
    for node, point in zip(plan.nodes, pose.numbers, strict=True):
        x, y, visibility = point or (0.0, 0.0, Visibility.INVISIBLE)
        if visibility is Visibility.INVISIBLE:
            x = y = 0.0  # by the format the place of such a point means nothing
        drawing.is_outside |= _leaves((x, y, x, y), width, height)
        vertices.append(_vertex(node, x / width, y / height, visibility))
    drawing.coordinates.append(SkeletonCoordinates(vertices))


_DRAWERS = {
    "box": _box,
    "polygon": _polygon,
    "polyline": _polyline,
    "points": _points,
    "ellipse": _ellipse,
    "cuboid": _cuboid,
    "mask": _mask,
    "skeleton": _skeleton,
}
