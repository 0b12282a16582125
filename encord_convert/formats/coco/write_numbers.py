"""Geometry of many shapes at once: their pixels to the rounded pixels of a COCO file.

Each function takes the shapes of one kind that many images hold (:class:`~encord_convert.hub.extents.Extents`), and
gives them back one by one with what belongs to each. Work is done on arrays, since a call per shape is what costs. A
shape is *sure* if it is plain from the arrays that it is written as it is; the others are drawn one by one.

Written numbers are whole multiples of the last decimal place, never below 0 nor beyond the image's far edges; that
moves nothing by more than the tolerance, and keeps the right edge of a box inside even after rounding. The many numbers
of rings are rendered here as well, from tables: a float of each, and a text of each float, would take twice as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.geometry.rings import areas_of
from encord_convert.hub.extents import Extents, Flags, Floats
from encord_convert.sdk.objects import Shape

TOLERANCE_PX = 0.005
"""How far a written number may lie from the hub's: half of the second decimal place, the fewest that can be chosen."""

Rings = Iterator[tuple[bytes, list[float], float, bool]]
"""Text, ``bbox``, area and sureness of each ring."""


def box_numbers(boxes: Extents, decimals: int) -> Iterator[tuple[list[float], float, bool]]:
    """Give each box its ``bbox``, its area and whether it is sure."""
    units, areas, sure = _boxes(boxes, decimals)
    return zip((units / 10.0**decimals).tolist(), areas.tolist(), sure.tolist(), strict=True)


def box_texts(boxes: Extents, decimals: int) -> tuple[list[bytes], list[bytes], list[bool]]:
    """Return ``bbox`` and area of boxes as texts, and which of them are sure; see :func:`box_numbers`."""
    units, areas, sure = _boxes(boxes, decimals)
    return _quad_texts(units, decimals), _number_texts(areas), sure.tolist()


def _boxes(boxes: Extents, decimals: int) -> tuple[Floats, Floats, Flags]:
    """Return boxes in units of the last decimal place, areas, and which of them are sure."""
    units = _box_units(boxes.pixels, boxes.limits, decimals)
    areas = _rounded(units[:, 2] * units[:, 3] / 10.0 ** (2 * decimals), decimals)
    return units, areas, boxes.surely_inside(TOLERANCE_PX)


def rotated_numbers(
    boxes: Extents, decimals: int
) -> Iterator[tuple[list[float], bytes, list[float], float, float, bool]]:
    """Give each rotatable box its ``bbox``, corners, unrotated box, angle in [0, 360), area and whether it is sure.

    The corners are text: x0, y0, … clockwise on screen, from the one that was top-left.
    """
    bounds, corners, areas, sure = _rotated(boxes, decimals)
    return zip(
        (bounds / 10.0**decimals).tolist(),
        _ring_texts(corners.ravel(), np.arange(8, corners.size + 1, 8), decimals),
        _rounded(boxes.pixels, decimals).tolist(),
        boxes.angles_deg.tolist(),
        areas.tolist(),
        sure.tolist(),
        strict=True,
    )


def rotated_texts(
    boxes: Extents, decimals: int
) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes], list[bytes], list[bool]]:
    """Return ``bbox``, area, corners, angle and unrotated box of rotatable boxes as texts, and which are sure.

    See :func:`rotated_numbers`.
    """
    bounds, corners, areas, sure = _rotated(boxes, decimals)
    return (
        _quad_texts(bounds, decimals),
        _number_texts(areas),
        _ring_texts(corners.ravel(), np.arange(8, corners.size + 1, 8), decimals),
        _number_texts(boxes.angles_deg),
        _quad_texts(np.rint(boxes.pixels * 10.0**decimals) + 0.0, decimals),
        sure.tolist(),
    )


def _rotated(boxes: Extents, decimals: int) -> tuple[Floats, Floats, Floats, Flags]:
    """Return bounds and corners of rotatable boxes in units of the last decimal place, areas, and which are sure."""
    sure = boxes.have_finite_angles() & boxes.have_sides(TOLERANCE_PX) & boxes.are_within(TOLERANCE_PX)
    scale = 10.0**decimals
    corner_units = _inside_units(boxes.corners, boxes.limits[:, None, :], scale)
    areas = _rounded(boxes.pixels[:, 2] * boxes.pixels[:, 3], decimals)
    return _bounds(*boxes.bounds, boxes.limits, scale), corner_units, areas, np.asarray(sure)


def rings_px(rings: Sequence[Any], limits: Floats) -> Extents:
    """Return where rings x0, y0, … in pixels are."""
    return Extents(Shape.POLYGON, np.concatenate(rings), [len(ring) for ring in rings], limits, is_relative=False)


def ring_numbers(rings: Extents, decimals: int) -> Rings:
    """Give each ring its numbers x0, y0, … as text, its ``bbox``, its area and whether it is sure."""
    units, bounds, areas, sure = _rings(rings, decimals)
    texts = _ring_texts(units.ravel(), 2 * np.cumsum(rings.counts), decimals)
    return zip(texts, (bounds / 10.0**decimals).tolist(), areas.tolist(), sure.tolist(), strict=True)


def ring_texts(rings: Extents, decimals: int) -> tuple[list[bytes], list[bytes], list[bytes], list[bool]]:
    """Return ``bbox``, area and numbers of rings as texts, and which of them are sure; see :func:`ring_numbers`."""
    units, bounds, areas, sure = _rings(rings, decimals)
    texts = _ring_texts(units.ravel(), 2 * np.cumsum(rings.counts), decimals)
    return _quad_texts(bounds, decimals), _number_texts(areas), texts, sure.tolist()


def _rings(rings: Extents, decimals: int) -> tuple[Floats, Floats, Floats, Flags]:
    """Return points and bounds of rings in units of the last decimal place, areas, and which of them are sure."""
    low, high = rings.bounds
    scale = 10.0**decimals
    units = _inside_units(rings.pixels, rings.spread, scale)
    areas = np.abs(areas_of(units.ravel(), rings.starts)) / scale**2
    # A ring whose points lie on a line, give or take, has no more area than this; rounding may have added to it.
    sides = high - low
    least = 4 * TOLERANCE_PX * rings.counts * (sides[:, 0] + sides[:, 1])
    sure = rings.are_within(TOLERANCE_PX) & rings.have_sides(TOLERANCE_PX) & (areas > least)
    return units, _bounds(low, high, rings.limits, scale), _rounded(areas, decimals), np.asarray(sure)


def point_numbers(points: Extents, decimals: int, side_px: float) -> Iterator[tuple[list[float], list[float], float]]:
    """Give each point its x and y, a ``bbox`` around it and the area of that.

    Parameters
    ----------
    points : Extents
    decimals : int
    side_px : float
        Width and height of the box in pixels. It is centred on the point, but kept inside the image.
    """
    pixels, boxes, areas = _points(points, decimals, side_px)
    scale = 10.0**decimals
    return zip((pixels / scale).tolist(), (boxes / scale).tolist(), areas.tolist(), strict=True)


def point_texts(points: Extents, decimals: int, side_px: float) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Return ``bbox``, area, and x and y of points as texts; see :func:`point_numbers`."""
    pixels, boxes, areas = _points(points, decimals, side_px)
    if (pixels < 0).any():
        places = [_encoder.encode(place)[1:-1] for place in (pixels / 10.0**decimals).tolist()]
    else:
        places = _ring_texts(pixels.ravel(), np.arange(2, pixels.size + 1, 2), decimals)
    return _quad_texts(boxes, decimals), _number_texts(areas), places


def _points(points: Extents, decimals: int, side_px: float) -> tuple[Floats, Floats, Floats]:
    """Return points and the boxes around them in units of the last decimal place, and areas."""
    pixels, limits = points.pixels, points.limits
    sides = np.minimum(side_px, limits)
    corners = np.clip(pixels - sides / 2, 0.0, limits - sides)
    boxes = _box_units(np.hstack(np.broadcast_arrays(corners, sides)), limits, decimals)
    scale = 10.0**decimals
    return np.rint(pixels * scale) + 0.0, boxes, _rounded(boxes[:, 2] * boxes[:, 3] / scale**2, decimals)


_WIDEST = 1 << 14
_PLACES = 4
_encoder = msgspec.json.Encoder()


@cache
def _whole_cells() -> NDArray[np.uint64]:
    """Texts of 0, 1, … in cells of 8 bytes, what is left of each cell 0."""
    return np.arange(_WIDEST).astype("S8").view(np.uint64)


@cache
def _part_cells(decimals: int) -> NDArray[np.uint64]:
    """Texts of all decimal places, from the point on, in cells of 8 bytes that end with a comma."""
    texts = (f"{part:0{decimals}d}".rstrip("0") or "0" for part in range(10**decimals))
    return np.frombuffer(b"".join(f".{text}".encode().ljust(7, b"\0") + b"," for text in texts), np.uint64)


def _ring_texts(units: Floats, ends: NDArray[np.intp], decimals: int) -> list[bytes]:
    """Render the numbers of rings, ``,`` between them, as a JSON encoder would.

    Parameters
    ----------
    units : (n,) float
        Whole numbers of 0 or more: the numbers of all rings, in units of the last decimal place.
    ends : (k,) int
        Index after the last number of each ring.
    decimals : int
    """
    scale = 10**decimals
    if decimals > _PLACES or units.max() >= _WIDEST * scale:
        numbers = (units / scale).tolist()
        spans = pairwise([0, *ends.tolist()])
        return [_encoder.encode(numbers[begin:end])[1:-1] for begin, end in spans]
    parts = units.astype(np.int64)
    wholes = parts // scale
    parts -= wholes * scale
    cells = np.empty((len(parts), 2), np.uint64)
    cells[:, 0] = _whole_cells().take(wholes)
    cells[:, 1] = _part_cells(decimals).take(parts)
    cells.view(np.uint8).reshape(-1)[16 * ends - 1] = ord("\n")
    return cells.tobytes().translate(None, b"\0").split(b"\n")[:-1]


def _quad_texts(units: Floats, decimals: int) -> list[bytes]:
    """Render four numbers of each of some boxes, given in units of the last decimal place."""
    if (units < 0).any():
        return [_encoder.encode(quad)[1:-1] for quad in (units / 10.0**decimals).tolist()]
    return _ring_texts(units.ravel(), np.arange(4, units.size + 1, 4), decimals)


def _number_texts(values: Floats) -> list[bytes]:
    return _encoder.encode(values.tolist())[1:-1].split(b",")


def rounded(numbers: Any, decimals: int) -> Any:
    """Return a number or (nested) numbers rounded as all numbers of the file are, as plain floats."""
    return _rounded(np.asarray(numbers, np.float64), decimals).tolist()


def _rounded(numbers: Floats, decimals: int) -> Floats:
    scale = 10.0**decimals
    units = np.rint(numbers * scale)
    units += 0.0  # no negative zero
    return np.asarray(units / scale)


def _inside_units(pixels: Floats, limits: Floats, scale: float) -> Floats:
    """Round points to units of the last decimal place, inside the image."""
    units = np.rint(pixels * scale)
    np.maximum(units, 0.0, out=units)
    np.minimum(units, limits * scale, out=units)
    units += 0.0
    return np.asarray(units)


def _box_units(pixels: Floats, limits: Floats, decimals: int) -> Floats:
    """Round boxes to units of the last decimal place, inside the image."""
    scale = 10.0**decimals
    units = np.rint(pixels * scale)
    corners, sides = units[:, :2], units[:, 2:]
    np.minimum(corners, limits * scale - 1.0, out=corners)
    np.maximum(corners, 0.0, out=corners)
    np.minimum(sides, limits * scale - corners, out=sides)
    units += 0.0
    return np.asarray(units)


def _bounds(low: Floats, high: Floats, limits: Floats, scale: float) -> Floats:
    """Left, top, width and height, in units, of what lies between; at least a unit wide and high."""
    low, high = _inside_units(low, limits, scale), _inside_units(high, limits, scale)
    return np.hstack([low, np.maximum(high - low, 1.0)])
