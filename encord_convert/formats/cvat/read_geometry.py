"""Where a shape is, from numbers in pixels (:class:`Pose`) to coordinates of the hub, and between two keyframes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from encord_convert.formats.cvat.cuboids import coordinates_of as cuboid_of
from encord_convert.formats.cvat.ontology import ShapePlan
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.read_attributes import Change
from encord_convert.formats.cvat.read_shapes import Invalid, Point, Pose
from encord_convert.geometry import boxes, interpolation, masks, rings, rle
from encord_convert.hub.loss import Feature, Kind, Level
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

# -- between two keyframes ----------------------------------------------------------------------------------------


def poses_between(plan: ShapePlan, before: Pose, after: Pose | None, shares: Sequence[float]) -> list[Pose]:
    """Return where a shape is at shares, above 0 and below 1, of the way from one keyframe to the next; None: at rest.

    Source
    ------
    CVAT for video 1.1, interpolation of tracks; the rules are those of ``geometry.interpolation``.
    """
    a = before.numbers
    if after is None:
        return [Pose(a, before.rotation)] * len(shares)
    b = after.numbers
    if plan.element == "mask":
        return [Pose(a)] * len(shares)
    if plan.element == "skeleton":
        return [Pose([_point_between(one, other, share) for one, other in zip(a, b, strict=True)]) for share in shares]
    if plan.element == "points":
        return [Pose(interpolation.loose_points_between(a, b, share)) for share in shares]
    if plan.element in ("polygon", "polyline"):
        return list(map(Pose, interpolation.curves_between(a, b, shares, plan.element == "polygon")))
    turns = [interpolation.angle_lerp(before.rotation, after.rotation, share) for share in shares]
    return [Pose(interpolation.lerp(a, b, share), turn) for share, turn in zip(shares, turns, strict=True)]


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
    """Make coordinates of the hub shape that a plan makes of numbers in pixels.

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


def is_rotated_within(angle: float, x0: float, y0: float, x1: float, y1: float, width: float, height: float) -> bool:
    """Tell whether a box in pixels, rotated about its centre, is within its image."""
    cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    w, h = x1 - x0, y1 - y0
    across, down = (w * cos + h * sin - w) / 2, (w * sin + h * cos - h) / 2
    return x0 >= across and y0 >= down and x1 + across <= width and y1 + down <= height


def leaves_rotated(angle: float, x0: float, y0: float, x1: float, y1: float, width: float, height: float) -> bool:
    """Tell whether a box in pixels that is within its image leaves it when it is rotated about its centre."""
    return bool(angle) and _leaves(boxes.xyxy_from_rotated(x0, y0, x1 - x0, y1 - y0, angle), width, height)
