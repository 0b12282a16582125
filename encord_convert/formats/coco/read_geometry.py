"""What an annotation draws, in pixels of its image, to coordinates of the hub; damage is repaired or refused.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw

from encord_convert.formats.coco.index import keypoints_of
from encord_convert.formats.coco.index_entries import first_byte, is_given, numbers_of, value_of
from encord_convert.formats.coco.ontology import Plan
from encord_convert.formats.coco.options import ReadOptions
from encord_convert.geometry import masks, rings, rle
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.hub.visibility import is_far
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
    Visibility,
)

_polygons = msgspec.json.Decoder(list[list[float]])
_boxes = msgspec.json.Decoder(list[float])

Size = tuple[int, int]
"""Width and height in pixels."""

_RUN_KEYS = frozenset({"counts", "size"})
_VISIBILITIES = {0: Visibility.INVISIBLE, 1: Visibility.OCCLUDED, 2: Visibility.VISIBLE}


class Invalid(Exception):
    """What is drawn cannot be taken over: the code of the loss, and why."""

    def __init__(self, code: str, detail: str, feature: Feature = Feature.SHAPE) -> None:
        self.code = code
        self.detail = detail
        self.feature = feature


@dataclass(slots=True)
class Drawing:
    """Notes about one drawing: what was changed about it, and what is worth knowing."""

    changes: list[tuple[Kind, str, str]] = field(default_factory=list)
    notes: list[tuple[Level, str, str]] = field(default_factory=list)

    @property
    def is_used(self) -> bool:
        """Whether anything was said."""
        return bool(self.changes or self.notes)

    def change(self, code: str, detail: str, kind: Kind = Kind.APPROXIMATED) -> None:
        """Say that the drawing is taken over in another form."""
        self.changes.append((kind, code, detail))

    def note(self, code: str, detail: str, level: Level = Level.INFO) -> None:
        """Say something that lost nothing."""
        self.notes.append((level, code, detail))


def coordinates_of(
    plan: Plan, entry: Any, turn: dict[str, Any], size: Size, options: ReadOptions, drawing: Drawing
) -> Any:
    """Return the coordinates of an annotation.

    Parameters
    ----------
    plan : Plan
    entry : Entry
    turn : dict
        Its attributes: ``rotation`` and ``unrotated_bbox`` are looked at.
    size : Size
    options : ReadOptions
    drawing : Drawing
        Told of what is changed.

    Raises
    ------
    Invalid
        There is nothing that could be drawn.
    """
    is_relative = options.coordinates == "relative" and first_byte(entry.segmentation) != 123  # "{": run lengths
    return _MAKERS[plan.shape](plan, entry, turn, (1, 1) if is_relative else size, options, drawing)


# -- boxes --------------------------------------------------------------------------------------------------------


def bbox_of(entry: Any, drawing: Drawing) -> list[float]:
    """Return ``bbox`` as numbers, four or five; where it is missing, the bounds of the segmentation.

    Raises
    ------
    Invalid
        There is neither, or a side is negative.
    """
    if is_given(entry.bbox):
        try:
            box = _boxes.decode(entry.bbox)
        except (msgspec.DecodeError, RecursionError):
            box = numbers_of(value_of(entry.bbox)) or []
        if len(box) not in (4, 5) or is_far(box):
            raise Invalid("INVALID_BBOX", f"bbox is {_excerpt(entry.bbox)}, not four finite numbers.")
        if box[2] < 0 or box[3] < 0:
            raise Invalid("INVALID_BBOX", f"bbox {_excerpt(entry.bbox)} has a negative side.")
        return box
    flat = [number for ring in rings_of(entry.segmentation, drawing) for number in ring] if is_given(
        entry.segmentation) else []  # fmt: skip
    if not flat:
        raise Invalid("INVALID_BBOX", "There is neither a bbox nor a segmentation to take it from.")
    drawing.note("BBOX_DERIVED", "A bbox is missing and is taken from the segmentation.")
    left, top = min(flat[::2]), min(flat[1::2])
    return [left, top, max(flat[::2]) - left, max(flat[1::2]) - top]


def _box(plan: Plan, entry: Any, turn: Any, size: Size, options: ReadOptions, drawing: Drawing) -> Any:
    x, y, w, h, *_ = bbox_of(entry, drawing)
    width, height = size
    return BoundingBoxCoordinates(h / height, w / width, x / width, y / height)


def _rotatable(plan: Plan, entry: Any, turn: dict[str, Any], size: Size, options: ReadOptions, drawing: Drawing) -> Any:
    box, theta = numbers_of(turn.get("unrotated_bbox")), turn.get("rotation", entry.rotation)
    if box is None or len(box) != 4:
        box = bbox_of(entry, drawing)
    if len(box) == 5:
        x, y, w, h, angle = box
        if options.rotated_bbox == "centre_counterclockwise":
            x, y, angle = x - w / 2, y - h / 2, -angle
        theta = angle
    else:
        x, y, w, h = box
    is_number = isinstance(theta, (int, float)) and not isinstance(theta, bool) and abs(theta) < 1e15
    if theta is not None and not is_number:
        drawing.note("INVALID_ROTATION", f"The rotation {theta!r} is not a number; 0 is used.", Level.WARNING)
    width, height = size
    angle = float(theta) % 360.0 if theta is not None and is_number else 0.0
    return RotatableBoundingBoxCoordinates(h / height, w / width, x / width, y / height, angle)


# -- rings --------------------------------------------------------------------------------------------------------


def rings_of(segmentation: Raw, drawing: Drawing) -> list[list[float]]:
    """Return the rings of a segmentation that is a list, each x0, y0, … of three points or more.

    Raises
    ------
    Invalid
        None of them can be used.
    """
    try:
        found = _polygons.decode(segmentation)
    except (msgspec.DecodeError, RecursionError):
        found = _levelled(value_of(segmentation), drawing)
    good = []
    for ring in found:
        if len(ring) % 2:
            drawing.change("INVALID_POLYGON", "A ring has an odd number of coordinates; the last is left out.")
            ring = ring[:-1]
        if len(ring) > 6 and ring[0] == ring[-2] and ring[1] == ring[-1]:
            ring = ring[:-2]
        if is_far(ring):
            beyond = "A ring with a coordinate beyond any image is left out."
            drawing.change("INVALID_POLYGON", beyond)
        elif len(ring) >= 6:
            good.append(ring)
        elif len(found) > 1:
            drawing.change("INVALID_POLYGON", "A ring of fewer than three points is left out.")
    if not good:
        raise Invalid("INVALID_POLYGON", f"The polygon {_excerpt(segmentation)} has fewer than three points.")
    return good


def _levelled(value: Any, drawing: Drawing) -> list[list[float]]:
    """Return the rings of a list that is flat, too deep or holds what are no numbers."""
    if not isinstance(value, list):
        raise Invalid("INVALID_POLYGON", "The segmentation is neither a list nor run lengths.")
    flat = numbers_of(value)
    if flat:
        drawing.note("INVALID_POLYGON", "A polygon without the outer list is read as one ring.", Level.WARNING)
        return [flat]
    found: list[list[float]] = []
    for one in value:
        ring = numbers_of(one)
        if ring is not None:
            found.append(ring)
        elif isinstance(one, list) and one and all(isinstance(deep, list) for deep in one):
            points = [numbers_of(deep) for deep in one]
            if all(point is not None and len(point) == 2 for point in points):
                found.append([number for point in points for number in point or ()])
            else:
                found += [point for point in points if point]
            drawing.note("INVALID_POLYGON", "A polygon nested too deep is read as its rings.", Level.WARNING)
        else:
            drawing.change("INVALID_POLYGON", "A ring with numbers that are not finite is left out.")
    return found


_LONG = 1024


def _relative(ring: Any, size: Size) -> Any:
    count = len(ring)
    if count > _LONG:
        return np.array(ring, np.float64) / np.tile(size, count // 2)
    pack, sides = _form(count, size)
    return np.frombuffer(pack(*ring)) / sides


@lru_cache(maxsize=1024)
def _form(count: int, size: Size) -> tuple[Callable[..., bytes], Any]:
    """Return what makes doubles of so many numbers, and the side of the image each is along."""
    return struct.Struct(f"{count}d").pack, np.tile(np.array(size, np.float64), count // 2)


def _polygon(plan: Plan, entry: Any, turn: Any, size: Size, options: ReadOptions, drawing: Drawing) -> Any:
    if first_byte(entry.segmentation) == 123:
        return _traced(entry, size, drawing)
    if not is_given(entry.segmentation):
        x, y, w, h, *_ = bbox_of(entry, drawing)
        drawing.change("BOX_AS_POLYGON", "The box is read as a polygon of its four corners.")
        found = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    else:
        found = rings_of(entry.segmentation, drawing)
    if len(found) == 1:
        return PolygonCoordinates._from_flat(_relative(found[0], size))
    parts: list[list[Any]] = [[ring] for ring in found]
    if options.holes == "detect":
        parts = _with_holes(found)
    return PolygonCoordinates._from_rings([[_relative(ring, size) for ring in part] for part in parts])


def _with_holes(found: list[list[float]]) -> list[list[Any]]:
    """Group rings: one inside another that winds the other way is its hole."""
    parts: list[list[Any]] = []
    for part in rings.nest(found):
        outer, *inner = part
        holes = [ring for ring in inner if rings.is_clockwise(ring) != rings.is_clockwise(outer)]
        parts.append([outer, *holes])
        parts += [[ring] for ring in inner if not any(ring is hole for hole in holes)]
    return parts


def _traced(entry: Any, size: Size, drawing: Drawing) -> Any:
    columns = runs_of(entry.segmentation, size, drawing)
    width, height = size
    found = masks.rings_from_runs(rle.row_runs_from_column_runs(columns, height, width), height, width)
    if not found:
        raise Invalid("EMPTY_MASK", "The mask is empty, and cannot be a polygon.", Feature.DEGENERATE)
    drawing.change("RLE_TO_POLYGON", "The mask is read as the polygon of its pixel edges.")
    parts = [[_relative(ring, size) for ring in part] for part in rings.nest(found)]
    if len(parts) == 1 and len(parts[0]) == 1:
        return PolygonCoordinates._from_flat(parts[0][0])
    return PolygonCoordinates._from_rings(parts)


def _polyline(plan: Plan, entry: Any, turn: Any, size: Size, options: ReadOptions, drawing: Drawing) -> Any:
    """Return the line of a ring that goes there and back, as Encord's exporter writes it: points, then reversed."""
    ring = [number for one in _polygons_or_none(entry.segmentation)[:1] for number in one]
    points = list(zip(ring[::2], ring[1::2], strict=False))
    half = len(points) // 2
    if len(points) < 4 or points[half:][::-1] != points[:half]:
        raise Invalid("INVALID_POLYGON", "The ring of a polyline does not go there and back.")
    flat = _relative([number for point in points[:half] for number in point], size)
    return PolylineCoordinates._from_flat(flat)


def _polygons_or_none(raw: Raw) -> list[list[float]]:
    try:
        return _polygons.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return []


# -- masks --------------------------------------------------------------------------------------------------------


def runs_of(segmentation: Raw, size: Size, drawing: Drawing) -> rle.Runs:
    """Return the column runs of a segmentation that is run lengths, filling the image.

    Raises
    ------
    Invalid
        They are none, or of an image of another size.
    """
    value = value_of(segmentation)
    width, height = size
    counts = value.get("counts") if isinstance(value, dict) else None
    shape = value.get("size") if isinstance(value, dict) else None
    if isinstance(value, dict) and not value.keys() <= _RUN_KEYS:
        names = ", ".join(repr(key) for key in value if key not in _RUN_KEYS)
        drawing.change("KEYS_NOT_READ", f"Run lengths have keys that are not read: {names}.")
    if shape is not None and shape != [height, width]:
        if shape != [width, height]:
            raise Invalid("SIZE_MISMATCH", f"The mask is of {shape} (height, width), its image of {[height, width]}.")
        detail = f"The size of the mask is {shape}, where [height, width] is {[height, width]}; it is taken for that."
        drawing.change("SIZE_MISMATCH", detail)
    if not isinstance(counts, (str, list)):
        raise Invalid("INVALID_RLE", "The mask has no counts.")
    try:
        parsed = rle.runs_from_text if isinstance(counts, str) and "," in counts else rle.runs_from_counts
        runs, missing = rle.repaired_runs(parsed(counts), height, width)  # type: ignore[arg-type]
    except (ValueError, OverflowError, TypeError, IndexError) as error:
        raise Invalid("INVALID_RLE", f"The mask cannot be read: {str(error).rstrip('.')}.") from error
    if missing:
        what = f"{missing} pixels too few, which are background" if missing > 0 else f"{-missing} too many, left out"
        drawing.change("INVALID_RLE", f"The runs of the mask have {what}.")
    return runs


def _bitmask(plan: Plan, entry: Any, turn: Any, size: Size, options: ReadOptions, drawing: Drawing) -> Any:
    width, height = size
    if first_byte(entry.segmentation) == 123:
        columns = runs_of(entry.segmentation, size, drawing)
    elif size == (1, 1) and options.coordinates == "relative":
        raise Invalid("INVALID_POLYGON", "A polygon of relative coordinates is not drawn as a mask.")
    else:
        found = rings_of(entry.segmentation, drawing)
        drawing.change("POLYGON_AS_RLE", "The polygon is read as a mask, by the rule of pycocotools.")
        try:
            columns = masks.column_runs_from_polygons_union(found, height, width)
        except ValueError as error:
            raise Invalid("INVALID_POLYGON", str(error)) from error
    return BitmaskCoordinates._from_box_runs(
        *rle.box_runs_from_column_frame_runs(columns, width, height), width, height
    )


# -- points -------------------------------------------------------------------------------------------------------


def _point(plan: Plan, entry: Any, turn: Any, size: Size, options: ReadOptions, drawing: Drawing) -> Any:
    pose = keypoints_of(entry)
    if not pose:
        x, y, w, h, *_ = bbox_of(entry, drawing)
        pose = [x + w / 2, y + h / 2, 2]
    return PointCoordinate(pose[0] / size[0], pose[1] / size[1])


def _skeleton(plan: Plan, entry: Any, turn: Any, size: Size, options: ReadOptions, drawing: Drawing) -> Any:
    pose = keypoints_of(entry)
    if not pose:
        raise Invalid("INVALID_KEYPOINTS", f"keypoints {_excerpt(entry.keypoints)} are no list of x, y, v.")
    width, height = size
    points = []
    if len(pose) // 3 > len(plan.nodes):
        detail = f"There are {len(pose) // 3} keypoints and {len(plan.nodes)} names; those beyond are left out."
        drawing.change("KEYPOINT_UNKNOWN", detail)
    for node, x, y, v in zip(plan.nodes, pose[::3], pose[1::3], pose[2::3], strict=False):
        visibility = _VISIBILITIES.get(v)  # type: ignore[call-overload]
        if visibility is None:
            visibility = Visibility.VISIBLE if v > 0 else Visibility.INVISIBLE
            drawing.note("VISIBILITY_UNKNOWN", f"The visibility {v} is none of 0, 1, 2; above 0 is visible.")
        points.append(
            SkeletonCoordinate(
                x / width, y / height, node.name, node.color or "", node.feature_hash, node.value, visibility
            )
        )
    return SkeletonCoordinates(points)


def _excerpt(raw: Raw) -> str:
    text = bytes(raw).decode("utf-8", "replace")
    return text if len(text) < 60 else text[:57] + "…"


_MAKERS: dict[Shape, Callable[..., Any]] = {
    Shape.BOUNDING_BOX: _box,
    Shape.ROTATABLE_BOUNDING_BOX: _rotatable,
    Shape.POLYGON: _polygon,
    Shape.POLYLINE: _polyline,
    Shape.BITMASK: _bitmask,
    Shape.POINT: _point,
    Shape.SKELETON: _skeleton,
}
