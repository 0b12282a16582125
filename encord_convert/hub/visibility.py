"""Where geometry lies in its image: what every exporter that draws, and the prediction of losses, must agree on.

:func:`fate` looks at hub coordinates and the size of the image, and at nothing else. Its four words are

* **inside**: it can be written as it is;
* **leaves**: a part lies outside the image; what remains inside can be drawn;
* **outside**: nothing that can be drawn lies inside the image;
* **degenerate**: there is nothing to draw, wherever it lies.

"Outside" means by more than the tolerance: a corner 0.003 px beyond the border is a rounding error, not a place. The
same tolerance is the least width and height of what can be drawn, so that nothing drawn rounds to a box without sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal

from encord_convert.geometry.boxes import corners_from_rotated
from encord_convert.geometry.rings import clip_ring
from encord_convert.geometry.rle import box_from_runs, clipped_box_runs, current_pixel_limit
from encord_convert.hub.outlines import OUTLINED, outline_px
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
    _RawCoordinates,
)

if TYPE_CHECKING:
    from encord_convert.hub.loss import Carries
    from encord_convert.sdk.objects import LabelRowV2
    from encord_convert.sdk.objects.ontology_labels_impl import DataUnit

FARTHEST_PX = 1e9
"""No image reaches as far: coordinates beyond are damage, as those that are no finite numbers are, read or written.

Readers whose numbers are shares of an image hold them to the same limit: what is read can be written and read again.
"""

_RINGED = (PolygonCoordinates, *OUTLINED)
"""What is drawn as rings."""

Fate = Literal["inside", "leaves", "outside", "degenerate"]


def fate(coordinates: Any, width: int, height: int, tolerance_px: float) -> Fate:
    """Tell where coordinates lie in an image.

    Parameters
    ----------
    coordinates : coordinates of the hub
        Relative to the image, origin top-left.
    width, height : int
        Size of the image in pixels; in one without size everything is degenerate.
    tolerance_px : float
        Pixels, above 0: how far beyond the border is still inside, and the side nothing drawn may fall below.

    Returns
    -------
    "inside", "leaves", "outside" or "degenerate"
        Points and skeletons are inside wherever they lie, and degenerate if a coordinate that is shown is no finite
        number or, of a skeleton, none is shown. A rotatable box is inside as long as a part of it is: its numbers stay
        what they are, whatever is drawn of it. Coordinates of shapes not listed here are inside.
    """
    kind = _KINDS.get(type(coordinates))
    if kind is None:
        return "inside"
    return kind(coordinates, width, height, tolerance_px) if width > 0 and height > 0 else "degenerate"


def _spanned(flat: list[float]) -> float:
    """Return twice the area of three points of a ring.

    Were all points on a line, give or take a tolerance, it would be at most twice that times the way to the farthest.
    """
    third = len(flat) // 6 * 2
    x0, y0 = flat[0], flat[1]
    across, down = flat[third] - x0, flat[third + 1] - y0
    return abs(across * (flat[2 * third + 1] - y0) - (flat[2 * third] - x0) * down)


def unbounded_fate(coordinates: Any, width: int, height: int, tolerance_px: float) -> Fate:
    """Tell what :func:`fate` tells, of a target in which geometry may lie anywhere: "inside" or "degenerate"."""
    if isinstance(coordinates, _RINGED) and width > 0 and height > 0:
        if isinstance(coordinates, PolygonCoordinates) and not coordinates._is_nested and len(coordinates._flat) > 5:
            flat = coordinates._flat if isinstance(coordinates._flat, list) else coordinates._flat.tolist()
            size = sum(map(abs, flat)) * max(width, height)
            if size < FARTHEST_PX and _spanned(flat) * width * height > 4 * tolerance_px * size:
                return "inside"
        rings = _outer_rings(coordinates, width, height)
        return "degenerate" if all(is_degenerate_ring(ring, tolerance_px) for ring in rings) else "inside"
    return "degenerate" if fate(coordinates, width, height, tolerance_px) == "degenerate" else "inside"


def bounded_fate(coordinates: Any, width: int, height: int, tolerance_px: float) -> Fate:
    """Tell what :func:`fate` tells, of a target in which no number may lie outside the image.

    A rotatable box leaves the image if a corner of it does, a skeleton if a point that is shown does; the skeleton
    is outside if all of those are.
    """
    place = fate(coordinates, width, height, tolerance_px)
    if place != "inside":
        return place
    if isinstance(coordinates, RotatableBoundingBoxCoordinates):
        return drawing(coordinates, width, height, tolerance_px)[0]
    if isinstance(coordinates, SkeletonCoordinates):
        within = [is_point_within(p, width, height, tolerance_px) for p in shown_points(coordinates)]
        return "inside" if all(within) else "leaves" if any(within) else "outside"
    return place


def shown_points(skeleton: SkeletonCoordinates) -> list[Any]:
    """Return the points of a skeleton that are not invisible."""
    return [point for point in skeleton.values if point.visibility is not Visibility.INVISIBLE]


def is_point_within(point: Any, width: int, height: int, tolerance_px: float) -> bool:
    """Tell whether a relative point lies in the image, give or take the tolerance."""
    x, y = point.x * width, point.y * height
    return is_within(x, y, x, y, width, height, tolerance_px)


def drawn_box(coordinates: Any, width: int, height: int, tolerance_px: float) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom in pixels of what can be drawn: cut at the border of the image.

    Around a skeleton that is the box of its shown points (of all, if none is shown), a pixel wide and high at least.

    Parameters
    ----------
    coordinates : coordinates of the hub
        Of a box, rotatable box, polygon, ellipse, circle, cuboid, bitmask or skeleton of which something can be drawn.
    width, height : int
        Size of the image in pixels.
    tolerance_px : float
    """
    if isinstance(coordinates, BoundingBoxCoordinates):
        c = coordinates
        xs: list[float] = [c.top_left_x * width, (c.top_left_x + c.width) * width]
        ys: list[float] = [c.top_left_y * height, (c.top_left_y + c.height) * height]
    elif isinstance(coordinates, BitmaskCoordinates):
        runs, x, y, box_width, box_height, _ = clipped_box_runs(*coordinates._box_runs(), width, height)
        left, top, wide, high = box_from_runs(runs, box_height, box_width)
        xs, ys = [x + left, x + left + wide], [y + top, y + top + high]
    elif isinstance(coordinates, SkeletonCoordinates):
        points = shown_points(coordinates) or coordinates.values
        xs = _at_least_a_pixel([point.x * width for point in points], width)
        ys = _at_least_a_pixel([point.y * height for point in points], height)
    else:
        _, rings = drawing(coordinates, width, height, tolerance_px)
        xs, ys = [x for ring in rings for x in ring[0::2]], [y for ring in rings for y in ring[1::2]]
    return max(min(xs), 0.0), max(min(ys), 0.0), min(max(xs), float(width)), min(max(ys), float(height))


def _at_least_a_pixel(places: list[float], limit: int) -> list[float]:
    low, high = (min(max(place, 0.0), float(limit)) for place in (min(places), max(places)))
    side = min(max(high - low, 1.0), float(limit))
    low = min(low, limit - side)
    return [low, low + side]


CROWD = ("iscrowd", "is_crowd")
"""An object is a crowd if an answer to a question of this name says yes."""


def is_crowd(instance: Any, frame: int) -> bool:
    """Tell whether an answer that holds on a frame calls an object a crowd: a region of several."""
    answers = (*instance._static_answers(), *instance._dynamic_answers_at(frame))
    return any(len(one.uid) <= 2 and one.name.lower() in CROWD and says_yes(answer) for one, answer in answers)


def says_yes(answer: Any) -> bool:
    """Tell whether an answer, a text or an option means yes.

    >>> says_yes("Yes"), says_yes("no"), says_yes(["iscrowd"]), says_yes(None)
    (True, False, True, False)
    """
    if isinstance(answer, (list, tuple)):
        return any(says_yes(one) for one in answer)
    word = str(getattr(answer, "label", answer)).lower()
    return word in ("true", "yes", "1", *CROWD)


def unit_of(row: LabelRowV2, frame: int) -> DataUnit:
    """Return the image a frame of an image group is, and of every other row the one medium it has."""
    units = row._units
    if len(units) == 1:
        return units[0]
    if 0 <= frame < len(units) and units[frame].data_sequence == frame:
        return units[frame]
    return next((unit for unit in units if unit.data_sequence == frame), units[0])


def slice_name(row: LabelRowV2, frame: int) -> str:
    """Return the instance UID of a slice, with the number inside a multi-frame file; the frame where it is unknown."""
    metadata = row.get_frame_view(frame).metadata
    if metadata is None:
        return f"{frame:06d}"
    number = metadata.multiframe_frame_number
    return str(metadata.dicom_instance_uid) if number is None else f"{metadata.dicom_instance_uid}_{number}"


def frame_size(row: LabelRowV2, frame: int) -> tuple[int, int]:
    """Return width and height of a frame in pixels; 0 where the row does not say.

    A slice of a series has its own where its metadata says so.
    """
    slice_ = row._slice(frame)
    if slice_ is not None and slice_.width and slice_.height:
        return slice_.width, slice_.height
    return unit_size(row, frame)


def extent_of(row: LabelRowV2, frame: int, carries: Carries) -> tuple[int, int]:
    """Return width and height in pixels of what geometry on a frame is judged and written in."""
    return unit_size(row, frame) if carries.extent == "unit" else frame_size(row, frame)


def unit_size(row: LabelRowV2, frame: int) -> tuple[int, int]:
    """Return width and height of the medium a frame belongs to, in pixels; 0 where the row does not say.

    Bitmasks of the hub are of this size, those of slices of another size too.
    """
    unit = unit_of(row, frame)
    return unit.width or 0, unit.height or 0


def box_fate(x: float, y: float, w: float, h: float, width: int, height: int, tolerance_px: float) -> Fate:
    """Tell where a box of left, top, width and height in pixels lies.

    >>> box_fate(-3, 0, 10, 10, 100, 100, 0.005), box_fate(-0.003, 0, 10, 10, 100, 100, 0.005)
    ('leaves', 'inside')
    >>> box_fate(-10, 0, 10, 10, 100, 100, 0.005), box_fate(5, 5, 0, 10, 100, 100, 0.005)
    ('outside', 'degenerate')
    """
    right, bottom = x + w, y + h
    is_near = -FARTHEST_PX <= x <= right <= FARTHEST_PX and -FARTHEST_PX <= y <= bottom <= FARTHEST_PX
    if not (w > tolerance_px and h > tolerance_px and is_near):
        return "degenerate"
    if is_within(x, y, right, bottom, width, height, tolerance_px):
        return "inside"
    is_left = min(right, width) - max(x, 0) > tolerance_px and min(bottom, height) - max(y, 0) > tolerance_px
    return "leaves" if is_left else "outside"


def is_within(x0: float, y0: float, x1: float, y1: float, width: int, height: int, tolerance_px: float) -> bool:
    """Tell whether left, top, right and bottom in pixels are all in the image, give or take the tolerance.

    >>> is_within(0, 0, 100.004, 50, 100, 50, 0.005)
    True
    """
    return x0 >= -tolerance_px and y0 >= -tolerance_px and x1 <= width + tolerance_px and y1 <= height + tolerance_px


def is_far(numbers: Sequence[float]) -> bool:
    """Tell whether one of some coordinates, in pixels or shares, is beyond any image, infinite or not a number.

    >>> is_far([0.0, -1e9]), is_far([1e10]), is_far([math.nan, 1.0])
    (False, True, True)
    """
    return not all(-FARTHEST_PX <= number <= FARTHEST_PX for number in numbers)


def _is_far_ring(flat: list[float]) -> bool:
    return not sum(map(abs, flat)) <= FARTHEST_PX and is_far(flat)  # the sum is quick, and most often near


def is_degenerate_ring(flat: list[float], tolerance_px: float) -> bool:
    """Tell whether a ring encloses nothing: all points lie on one line, or a coordinate is none that could be meant.

    Parameters
    ----------
    flat : list of float
        x0, y0, x1, y1, … in pixels.
    tolerance_px : float
        How far from the line, in pixels, still counts as on it. Fewer than three distinct points are always on one.

    >>> is_degenerate_ring([0.0, 0.0, 9.0, 9.0, 4.0, 4.0], 0.005)
    True
    """
    xs, ys = flat[0::2], flat[1::2]
    if len(ys) < 3 or _is_far_ring(flat):
        return True
    across, down = max(xs) - min(xs), max(ys) - min(ys)
    if across <= tolerance_px or down <= tolerance_px:
        return True
    if _spanned(flat) > 4 * tolerance_px * (across + down):
        return False
    offsets = [(x - xs[0], y - ys[0]) for x, y in zip(xs, ys, strict=True)]
    far_x, far_y = max(offsets, key=lambda offset: abs(offset[0]) + abs(offset[1]))
    reach = tolerance_px * math.hypot(far_x, far_y)
    return not any(abs(x * far_y - y * far_x) > reach for x, y in offsets)


def drawing(coordinates: Any, width: int, height: int, tolerance_px: float) -> tuple[Fate, list[list[float]]]:
    """Tell where a polygon, a rotatable box or the outline of another shape lies, and what of it can be drawn.

    Returns
    -------
    fate : "inside", "leaves", "outside" or "degenerate"
        Where the area itself lies, a rotatable box too.
    rings : list of flat lists
        Outer rings x0, y0, … in pixels, cut at the border of the image; those that enclose nothing are left out.
    """
    drawn = [ring for ring in _outer_rings(coordinates, width, height) if not is_degenerate_ring(ring, tolerance_px)]
    if not drawn:
        return "degenerate", []
    if all(_is_ring_within(ring, width, height, tolerance_px) for ring in drawn):
        return "inside", drawn
    clipped = [clip_ring(ring, width, height) for ring in drawn]
    clipped = [ring for ring in clipped if not is_degenerate_ring(ring, tolerance_px)]
    return ("leaves" if clipped else "outside"), clipped


def has_empty_part(coordinates: Any, width: int, height: int, tolerance_px: float) -> bool:
    """Tell whether a polygon of several parts has one that encloses nothing, which :func:`drawing` leaves out."""
    if not isinstance(coordinates, PolygonCoordinates) or len(coordinates.polygons) < 2:
        return False
    return any(is_degenerate_ring(ring, tolerance_px) for ring in _outer_rings(coordinates, width, height))


def ring_px(flat: Any, width: int, height: int) -> list[float]:
    """Return a flat relative ring x0, y0, … in pixels."""
    numbers = flat if isinstance(flat, list) else flat.tolist()
    return [number * side for number, side in zip(numbers, cycle((width, height)))]


def _outer_rings(coordinates: Any, width: int, height: int) -> list[list[float]]:
    if isinstance(coordinates, PolygonCoordinates):
        return [ring_px(rings[0], width, height) for rings in coordinates.polygons if rings]
    if isinstance(coordinates, OUTLINED):
        return [outline_px(coordinates, width, height)]
    c: RotatableBoundingBoxCoordinates = coordinates
    box = c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height
    return [corners_from_rotated(*box, c.theta)] if math.isfinite(c.theta) else []


def _is_ring_within(flat: list[float], width: int, height: int, tolerance_px: float) -> bool:
    xs, ys = flat[0::2], flat[1::2]
    return is_within(min(xs), min(ys), max(xs), max(ys), width, height, tolerance_px)


def _box(c: BoundingBoxCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    return box_fate(
        c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height, width, height, tolerance_px
    )


def _rotatable(c: RotatableBoundingBoxCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    if not (c.width * width > tolerance_px and c.height * height > tolerance_px):
        return "degenerate"
    place, _ = drawing(c, width, height, tolerance_px)
    return "inside" if place == "leaves" else place


def _polygon(c: Any, width: int, height: int, tolerance_px: float) -> Fate:
    return drawing(c, width, height, tolerance_px)[0]


def _polyline(c: PolylineCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    flat = ring_px(c._flat, width, height)
    xs, ys = flat[0::2], flat[1::2]
    if len(ys) < 2 or _is_far_ring(flat):
        return "degenerate"
    x0, y0, x1, y1 = min(xs), min(ys), max(xs), max(ys)
    if max(x1 - x0, y1 - y0) <= tolerance_px:
        return "degenerate"
    if is_within(x0, y0, x1, y1, width, height, tolerance_px):
        return "inside"
    return "outside" if x1 < 0 or y1 < 0 or x0 > width or y0 > height else "leaves"


def _point(c: PointCoordinate, width: int, height: int, tolerance_px: float) -> Fate:
    return "degenerate" if is_far((c.x * width, c.y * height)) else "inside"


def _skeleton(c: SkeletonCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    shown = shown_points(c)
    return "inside" if shown and not any(is_far((p.x * width, p.y * height)) for p in shown) else "degenerate"


def _bitmask(c: BitmaskCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    try:
        runs, left, top, box_width, box_height = c._box_runs()
    except (ValueError, IndexError):  # a string that is none, or holds more pixels than its frame
        return "degenerate"
    area = int(runs[1::2].sum())
    if not area or width * height > current_pixel_limit():
        return "degenerate"
    if left >= 0 and top >= 0 and left + box_width <= width and top + box_height <= height:
        return "inside"
    lost = clipped_box_runs(runs, left, top, box_width, box_height, width, height)[-1]
    return "inside" if not lost else "outside" if lost == area else "leaves"


_KINDS: dict[type, Any] = {
    BoundingBoxCoordinates: _box,
    RotatableBoundingBoxCoordinates: _rotatable,
    PolygonCoordinates: _polygon,
    EllipseCoordinates: _polygon,
    CircleCoordinates: _polygon,
    Cuboid2DIsometricCoordinates: _polygon,
    Cuboid2DPerspectiveCoordinates: _polygon,
    _CuboidOfCorners: _polygon,
    _RawCoordinates: lambda *_: "degenerate",
    PolylineCoordinates: _polyline,
    PointCoordinate: _point,
    SkeletonCoordinates: _skeleton,
    BitmaskCoordinates: _bitmask,
}
