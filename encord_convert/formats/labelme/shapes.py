"""Converts shapes of LabelMe files to hub coordinates and back."""

from __future__ import annotations

import binascii
import math
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encord_convert.geometry import png, rle
from encord_convert.geometry.boxes import corners_from_rotated, rotated_from_corners
from encord_convert.hub.outlines import ellipse_px, outline_px
from encord_convert.hub.visibility import FARTHEST_PX, ring_px
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    CircleCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
)

DECIMALS = 6
OURS = "encord"
"""Key of a file or shape for data specific to the hub."""
SQUARE_PX = 0.01
"""Tolerance of a rotated rectangle's corners."""

HUB: dict[str, Any] = {
    "rectangle": Shape.BOUNDING_BOX,
    "oriented_rectangle": Shape.ROTATABLE_BOUNDING_BOX,
    "rotation": Shape.ROTATABLE_BOUNDING_BOX,
    "polygon": Shape.POLYGON,
    "circle": NewerShape.CIRCLE,
    "line": Shape.POLYLINE,
    "linestrip": Shape.POLYLINE,
    "point": Shape.POINT,
    "points": Shape.POINT,
    "mask": Shape.BITMASK,
}
"""Hub shape of each ``shape_type``."""
_LEAST = {"rectangle": 2, "oriented_rectangle": 4, "rotation": 4, "circle": 2, "line": 2, "linestrip": 2, "mask": 2}
Size = tuple[int, int]


@dataclass(slots=True)
class Converted:
    """Hub coordinates of a shape (several for ``points``), and how they differ from the file.

    Parameters
    ----------
    coordinates : list
    changes : list of (str, str)
        Code and sentence of each.
    """

    coordinates: list[Any]
    changes: list[tuple[str, str]]


def points_of(entry: Mapping[str, Any]) -> list[tuple[float, float]] | None:
    """Return the points of a shape in pixels, the first two numbers of each; None if they are not numbers."""
    points = entry.get("points")
    if not isinstance(points, list) or not points:
        return None
    found = []
    for point in points:
        if not isinstance(point, list) or len(point) < 2:
            return None
        x, y = point[:2]
        if not all(type(one) in (int, float) and abs(one) <= FARTHEST_PX for one in (x, y)):
            return None
        found.append((float(x), float(y)))
    return found


def type_of(entry: Mapping[str, Any]) -> str:
    """Return the ``shape_type`` of a shape; before LabelMe 4.0 all were polygons."""
    given = entry.get("shape_type")
    return "polygon" if given is None else given if isinstance(given, str) else repr(given)


def converted(entry: Mapping[str, Any], size: Size) -> Converted:
    """Return the coordinates of a shape.

    Parameters
    ----------
    size : (int, int)
        Width and height of the image in pixels.

    Raises
    ------
    ValueError
        Too few points, a mask that is not PNG, or an image larger than a mask may be.
    """
    type_, points = type_of(entry), points_of(entry)
    if points is None or len(points) < _LEAST.get(type_, 1):
        raise ValueError(f"its points are not those of a {type_}")
    width, height = size
    flat = [number / side for point in points for number, side in zip(point, size, strict=True)]
    if type_ == "rectangle":
        xs, ys = [x for x, _ in points], [y for _, y in points]
        left, top, w, h = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
        return Converted([BoundingBoxCoordinates(h / height, w / width, left / width, top / height)], [])
    if type_ in ("oriented_rectangle", "rotation"):
        return _rotated(points, size)
    if type_ == "circle":
        (cx, cy), (x, y) = points[:2]
        return Converted([CircleCoordinates(cx / width, cy / height, math.hypot(x - cx, y - cy) / width)], [])
    if type_ in ("line", "linestrip"):
        return Converted([PolylineCoordinates._from_flat(flat)], [])
    if type_ in ("point", "points"):
        return Converted([PointCoordinate(x, y) for x, y in zip(flat[::2], flat[1::2], strict=True)], [])
    if type_ == "mask":
        return _mask(entry, points, size)
    if numbers := ellipse_of(entry):
        return Converted([CircleCoordinates(*numbers)], [])
    return Converted([PolygonCoordinates._from_flat(flat)], [])


def ellipse_of(entry: Mapping[str, Any]) -> list[float] | None:
    """Return centre, radius, stretch and angle of a stretched hub circle from its polygon.

    Relative to the image, as in :class:`CircleCoordinates`; None for other shapes.
    """
    ours = entry.get(OURS)
    numbers = ours.get("circle") if isinstance(ours, dict) else None
    if type_of(entry) != "polygon" or not isinstance(numbers, list) or len(numbers) != 5:
        return None
    return numbers if all(type(one) in (int, float) and abs(one) <= FARTHEST_PX for one in numbers) else None


def hub_shape(entry: Mapping[str, Any]) -> Any:
    """Return the hub shape of an entry; None if it is not read."""
    return NewerShape.CIRCLE if ellipse_of(entry) else HUB.get(type_of(entry))


def _rotated(points: list[tuple[float, float]], size: Size) -> Converted:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points[:4]
    flat = [x0, y0, x1, y1, x2, y2, x3, y3]
    changes = []
    try:
        x, y, w, h, theta = rotated_from_corners(flat, tolerance=SQUARE_PX)
    except ValueError:
        w, h = math.hypot(x1 - x0, y1 - y0), math.hypot(x2 - x1, y2 - y1)
        theta = math.degrees(math.atan2(y1 - y0, x1 - x0)) % 360
        x, y = (x0 + x2) / 2 - w / 2, (y0 + y2) / 2 - h / 2
        found = corners_from_rotated(x, y, w, h, theta)
        far = [min(math.hypot(a - c, b - d) for c, d in zip(found[::2], found[1::2], strict=True)) for a, b in points]
        if max(far) > SQUARE_PX:
            detail = "The four 'points' are not a rectangle's corners; the rectangle on their first edge is read."
            changes.append(("NOT_RECTANGULAR", detail))
    width, height = size
    box = RotatableBoundingBoxCoordinates(h / height, w / width, x / width, y / height, theta)
    return Converted([box], changes)


def _mask(entry: Mapping[str, Any], points: list[tuple[float, float]], size: Size) -> Converted:
    rle.check_size(size[1], size[0])
    pixels = pixels_of(entry.get("mask"))
    (x0, y0), (x1, y1) = points[:2]
    left, top = round(min(x0, x1)), round(min(y0, y1))
    height, width = pixels.shape
    changes = []
    if (width, height) != (round(abs(x1 - x0)) + 1, round(abs(y1 - y0)) + 1):
        detail = "The size of the 'mask' differs from its corners; it is read as is, from the first corner."
        changes.append(("MASK_EXTENT", detail))
    seen = pixels[max(-top, 0) : max(size[1] - top, 0), max(-left, 0) : max(size[0] - left, 0)]
    if seen.sum() < pixels.sum():
        changes.append(("CLIPPED", "The 'mask' leaves its image and is clipped."))
    high, wide = seen.shape
    if not seen.any():
        return Converted([BitmaskCoordinates(np.zeros((size[1], size[0]), bool))], changes)
    runs = rle.runs_from_mask(np.ascontiguousarray(seen))
    return Converted([BitmaskCoordinates._from_box_runs(runs, max(left, 0), max(top, 0), wide, high, *size)], changes)


def pixels_of(text: Any) -> Any:
    """Return the mask of a base64 text: (height, width) bool.

    Raises
    ------
    ValueError
    """
    if not isinstance(text, str):
        raise ValueError("it has no mask")
    try:
        pixels = png.decoded(b64decode(text, validate=True)).pixels
    except binascii.Error as error:
        raise ValueError(f"its mask is not base64 ({error})") from error
    if pixels.ndim == 3:
        pixels = np.asarray(pixels[:, :, :3].any(axis=2))
    return np.asarray(pixels, bool)


def written(coordinates: Any, size: Size) -> dict[str, Any]:
    """Return ``shape_type``, ``points`` and ``mask`` of a one-part shape, as LabelMe 7 writes them.

    Skeletons (several shapes) and empty masks are not written here.
    """
    width, height = size
    mask, flat = None, list[float]()
    if isinstance(coordinates, BitmaskCoordinates):
        runs, x, y, box_width, box_height, _ = rle.clipped_box_runs(*coordinates._box_runs(), width, height)
        left, top, wide, high = rle.box_from_runs(runs, box_height, box_width)
        pixels: Any = rle.mask_from_runs(runs, box_height, box_width)[top : top + high, left : left + wide]
        x, y = x + left, y + top
        type_, flat = "mask", [x, y, x + wide - 1, y + high - 1]
        mask = b64encode(png.encoded(pixels.astype(np.uint8) * np.uint8(255))).decode()
    elif isinstance(coordinates, BoundingBoxCoordinates):
        c = coordinates
        type_, flat = "rectangle", [c.top_left_x, c.top_left_y, c.top_left_x + c.width, c.top_left_y + c.height]
        flat = [number * side for number, side in zip(flat, size * 2, strict=True)]
    elif isinstance(coordinates, RotatableBoundingBoxCoordinates):
        r = coordinates
        box = r.top_left_x * width, r.top_left_y * height, r.width * width, r.height * height
        type_, flat = "oriented_rectangle", corners_from_rotated(*box, r.theta)
    elif isinstance(coordinates, CircleCoordinates):
        o = coordinates
        if o.stretch != 1 or o.theta:
            numbers = [o.center_x, o.center_y, o.radius, o.stretch, o.theta]
            return {**_form("polygon", outline_px(o, width, height), None), OURS: {"circle": numbers}}
        cx, cy, radius, _ = ellipse_px(o, width, height)
        type_, flat = "circle", [cx, cy, cx + radius, cy]
    elif isinstance(coordinates, PointCoordinate):
        type_, flat = "point", [coordinates.x * width, coordinates.y * height]
    elif isinstance(coordinates, PolylineCoordinates):
        flat = ring_px(coordinates._flat, width, height)
        type_ = "line" if len(flat) == 4 else "linestrip"
    else:
        type_, flat = "polygon", ring_px(coordinates.polygons[0][0], width, height)
    return _form(type_, flat, mask)


def _form(type_: str, flat: Sequence[float], mask: str | None) -> dict[str, Any]:
    rounded = [_rounded(number) for number in flat]
    points = [list(point) for point in zip(rounded[::2], rounded[1::2], strict=True)]
    return {"shape_type": type_, "points": points, "mask": mask}


def _rounded(number: float) -> float:
    """Round to six decimals; integral values become ints."""
    found = round(float(number), DECIMALS)
    return int(found) if found.is_integer() else found


def is_as_written(entry: Mapping[str, Any], form: Mapping[str, Any]) -> bool:
    """Return whether a shape equals what would be written for it."""
    points = entry.get("points")
    if (
        entry.get("shape_type") != form["shape_type"]
        or entry.get("mask") != form["mask"]
        or not isinstance(points, list)
    ):
        return False
    pairs = zip(points, form["points"], strict=False)
    return len(points) == len(form["points"]) and all(
        len(one) == 2 and abs(one[0] - other[0]) + abs(one[1] - other[1]) <= 10**-DECIMALS for one, other in pairs
    )


def same(one: Any, other: Any, size: Size, tolerance_px: float) -> bool:
    """Return whether coordinates of one kind are equal."""
    if isinstance(one, BitmaskCoordinates):
        return written(one, size) == written(other, size)
    numbers, others = _numbers(one), _numbers(other)
    reach = tolerance_px / max(1, *size)
    return len(numbers) == len(others) and all(abs(a - b) <= reach for a, b in zip(numbers, others, strict=True))


def _numbers(coordinates: Any) -> list[float]:
    if isinstance(coordinates, PolygonCoordinates):
        return [float(number) for rings in coordinates.polygons for ring in rings for number in ring]
    if isinstance(coordinates, PolylineCoordinates):
        return [float(number) for number in coordinates._flat]
    if isinstance(coordinates, PointCoordinate):
        return [coordinates.x, coordinates.y]
    if isinstance(coordinates, CircleCoordinates):
        o = coordinates
        return [o.center_x, o.center_y, o.radius, o.stretch, o.theta / 360]
    c = coordinates
    return [c.top_left_x, c.top_left_y, c.width, c.height, getattr(c, "theta", 0.0) / 360]
