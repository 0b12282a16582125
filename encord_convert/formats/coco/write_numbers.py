"""Geometry of many shapes at once: relative numbers of the hub to the rounded pixels of a COCO file.

Each function takes the shapes of one kind that many images hold, and gives them back one by one with what belongs
to each. Work is done on arrays, since a call per shape is what costs. A shape is *sure* if it is plain from the arrays
that it lies inside its image and is not degenerate; the others are for :func:`~encord_convert.hub.visibility.fate`.

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

TOLERANCE_PX = 0.005
"""How far a written number may lie from the hub's: half of the second decimal place, the fewest that can be chosen."""

FAR_PX = -1e6
"""Stands for a coordinate that is no finite number: outside, so that its shape is not sure."""

Floats = NDArray[np.float64]
Sizes = Sequence[tuple[int, int]] | Floats
"""Width and height of the image of each shape in pixels; as an array one row if they are all the same."""

Rings = Iterator[tuple[bytes, list[float], float, bool]]
"""Text, ``bbox``, area and sureness of each ring."""


def box_numbers(relative: Sequence[float], sizes: Sizes, decimals: int) -> Iterator[tuple[list[float], float, bool]]:
    """Give each box its ``bbox``, its area and whether it is sure.

    Parameters
    ----------
    relative : (4 n,) float
        Left, top, width and height of each, relative.
    sizes : n sizes
    decimals : int
    """
    if not len(sizes):
        return iter(())
    units, areas, sure = _boxes(relative, _limits(sizes), decimals)
    return zip((units / 10.0**decimals).tolist(), areas.tolist(), sure.tolist(), strict=True)


def box_texts(relative: Floats, limits: Floats, decimals: int) -> tuple[list[bytes], list[bytes], list[bool]]:
    """Return ``bbox`` and area of boxes as texts, and which of them are sure; see :func:`box_numbers`."""
    units, areas, sure = _boxes(relative, limits, decimals)
    return _quad_texts(units, decimals), _number_texts(areas), sure.tolist()


def _boxes(relative: Any, limits: Floats, decimals: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return boxes in units of the last decimal place, areas, and which of them are sure."""
    pixels = _pixels(relative, 2, limits)
    units = _box_units(pixels, limits, decimals)
    areas = _rounded(units[:, 2] * units[:, 3] / 10.0 ** (2 * decimals), decimals)
    return units, areas, _are_boxes_sure(pixels, limits)


def rotated_numbers(
    relative: Sequence[float], angles_deg: Sequence[float] | Floats, sizes: Sizes, decimals: int
) -> Iterator[tuple[list[float], bytes, list[float], float, float, bool]]:
    """Give each rotatable box its ``bbox``, corners, unrotated box, angle in [0, 360), area and whether it is sure.

    The corners are text: x0, y0, … clockwise on screen, from the one that was top-left.

    Parameters
    ----------
    relative : (4 n,) float
        Left, top, width and height of each before it is turned, relative.
    angles_deg : (n,) float
        Degrees, clockwise on screen about the centre.
    sizes : n sizes
    decimals : int
    """
    if not len(sizes):
        return iter(())
    limits = _limits(sizes)
    bounds, corners, pixels, angles, areas, sure = _rotated(relative, angles_deg, limits, decimals)
    return zip(
        (bounds / 10.0**decimals).tolist(),
        _ring_texts(corners.ravel(), np.arange(8, corners.size + 1, 8), decimals),
        _rounded(pixels, decimals).tolist(),
        angles.tolist(),
        areas.tolist(),
        sure.tolist(),
        strict=True,
    )


def rotated_texts(
    relative: Floats, angles_deg: Sequence[float] | Floats, limits: Floats, decimals: int
) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes], list[bytes], list[bool]]:
    """Return ``bbox``, area, corners, angle and unrotated box of rotatable boxes as texts, and which are sure.

    See :func:`rotated_numbers`.
    """
    bounds, corners, pixels, angles, areas, sure = _rotated(relative, angles_deg, limits, decimals)
    return (
        _quad_texts(bounds, decimals),
        _number_texts(areas),
        _ring_texts(corners.ravel(), np.arange(8, corners.size + 1, 8), decimals),
        _number_texts(angles),
        _quad_texts(np.rint(pixels * 10.0**decimals) + 0.0, decimals),
        sure.tolist(),
    )


def _rotated(
    relative: Any, angles_deg: Sequence[float] | Floats, limits: Floats, decimals: int
) -> tuple[Floats, Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return bounds and corners of rotatable boxes in units of the last decimal place, the unrotated boxes in pixels,
    angles, areas, and which of them are sure."""
    pixels = _pixels(relative, 2, limits)
    angles = np.array(angles_deg, np.float64)
    finite = np.isfinite(angles)
    angles[~finite] = 0.0
    angles = _rounded(np.mod(angles, 360.0), 9) % 360.0
    corners = _corners(pixels, angles)
    first, second, third, fourth = corners.transpose(1, 0, 2)
    low = np.minimum(np.minimum(first, second), np.minimum(third, fourth))
    high = np.maximum(np.maximum(first, second), np.maximum(third, fourth))
    sure = finite & _have_sides(pixels[:, 2:]) & _are_within(low, high, limits)
    scale = 10.0**decimals
    corner_units = _inside_units(corners, limits[:, None, :], scale)
    areas = _rounded(pixels[:, 2] * pixels[:, 3], decimals)
    return _bounds(low, high, limits, scale), corner_units, pixels, angles, areas, sure


def ring_numbers(rings: Sequence[Any], sizes: Sizes, decimals: int) -> Rings:
    """Give each ring its numbers x0, y0, … as text, its ``bbox``, its area and whether it is sure.

    Parameters
    ----------
    rings : n flat sequences
        x0, y0, x1, y1, … relative; of one point at least.
    sizes : n sizes
    decimals : int
    """
    if not rings:
        return iter(())
    counts = np.array([len(ring) for ring in rings]) >> 1
    limits = _limits(sizes)
    spread = limits if len(limits) == 1 else np.repeat(limits, counts, axis=0)
    return _ring_numbers(_pixels(np.concatenate(rings), 1, spread), counts, limits, spread, decimals)


def ring_numbers_px(rings: Sequence[Any], size: tuple[int, int], decimals: int) -> Rings:
    """Give what :func:`ring_numbers` gives of rings in the pixels of one image."""
    counts = np.array([len(ring) for ring in rings]) >> 1
    limits = np.array([size], np.float64)
    return _ring_numbers(np.concatenate(rings).reshape(-1, 2), counts, limits, limits, decimals)


def ring_texts(
    flat: Floats, counts: NDArray[np.int64], limits: Floats, decimals: int
) -> tuple[list[bytes], list[bytes], list[bytes], list[bool]]:
    """Return ``bbox``, area and numbers of rings as texts, and which of them are sure; see :func:`ring_numbers`.

    Parameters
    ----------
    flat : (2 n,) float
        x0, y0, … of one ring after the other, relative.
    counts : (k,) int
        Points of each.
    limits : (k, 2) or (1, 2) float
        Width and height of the image of each in pixels.
    decimals : int
    """
    spread = limits if len(limits) == 1 else np.repeat(limits, counts, axis=0)
    return _texts_of_rings(_pixels(flat, 1, spread), counts, limits, spread, decimals)


def ring_texts_px(
    rings: Sequence[Any], limits: Floats, decimals: int
) -> tuple[list[bytes], list[bytes], list[bytes], list[bool]]:
    """Return what :func:`ring_texts` does, of rings x0, y0, … in pixels."""
    counts = np.array([len(ring) for ring in rings]) >> 1
    spread = limits if len(limits) == 1 else np.repeat(limits, counts, axis=0)
    return _texts_of_rings(np.concatenate(rings).reshape(-1, 2), counts, limits, spread, decimals)


def _texts_of_rings(
    pixels: Floats, counts: NDArray[np.int64], limits: Floats, spread: Floats, decimals: int
) -> tuple[list[bytes], list[bytes], list[bytes], list[bool]]:
    units, bounds, areas, sure = _rings(pixels, counts, limits, spread, decimals)
    texts = _ring_texts(units.ravel(), 2 * np.cumsum(counts), decimals)
    return _quad_texts(bounds, decimals), _number_texts(areas), texts, sure.tolist()


def _ring_numbers(pixels: Floats, counts: NDArray[np.int64], limits: Floats, spread: Floats, decimals: int) -> Rings:
    units, bounds, areas, sure = _rings(pixels, counts, limits, spread, decimals)
    texts = _ring_texts(units.ravel(), 2 * np.cumsum(counts), decimals)
    return zip(texts, (bounds / 10.0**decimals).tolist(), areas.tolist(), sure.tolist(), strict=True)


def _rings(
    pixels: Floats, counts: NDArray[np.int64], limits: Floats, spread: Floats, decimals: int
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return points and bounds of rings in units of the last decimal place, areas, and which of them are sure."""
    starts = np.cumsum(counts) - counts
    low, high = np.minimum.reduceat(pixels, starts), np.maximum.reduceat(pixels, starts)
    scale = 10.0**decimals
    units = _inside_units(pixels, spread, scale)
    areas = np.abs(areas_of(units.ravel(), starts)) / scale**2
    # A ring whose points lie on a line, give or take, has no more area than this; rounding may have added to it.
    sides = high - low
    least = 4 * TOLERANCE_PX * counts * (sides[:, 0] + sides[:, 1])
    sure = _are_within(low, high, limits) & _have_sides(sides) & (areas > least)
    return units, _bounds(low, high, limits, scale), _rounded(areas, decimals), sure


def point_numbers(
    relative: Sequence[float], sizes: Sizes, decimals: int, side_px: float
) -> Iterator[tuple[list[float], list[float], float, bool]]:
    """Give each point its x and y, a ``bbox`` around it, the area of that and whether it is sure.

    Parameters
    ----------
    relative : (2 n,) float
        x and y of each, relative.
    sizes : n sizes
    decimals : int
    side_px : float
        Width and height of the box in pixels. It is centred on the point, but kept inside the image.
    """
    if not len(sizes):
        return iter(())
    pixels, boxes, areas, sure = _points(relative, _limits(sizes), decimals, side_px)
    scale = 10.0**decimals
    return zip((pixels / scale).tolist(), (boxes / scale).tolist(), areas.tolist(), sure.tolist(), strict=True)


def point_texts(
    relative: Floats, limits: Floats, decimals: int, side_px: float
) -> tuple[list[bytes], list[bytes], list[bytes], list[bool]]:
    """Return ``bbox``, area, and x and y of points as texts, and which of them are sure; see :func:`point_numbers`."""
    pixels, boxes, areas, sure = _points(relative, limits, decimals, side_px)
    if (pixels < 0).any():
        places = [_encoder.encode(place)[1:-1] for place in (pixels / 10.0**decimals).tolist()]
    else:
        places = _ring_texts(pixels.ravel(), np.arange(2, pixels.size + 1, 2), decimals)
    return _quad_texts(boxes, decimals), _number_texts(areas), places, sure.tolist()


def _points(
    relative: Any, limits: Floats, decimals: int, side_px: float
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return points and the boxes around them in units of the last decimal place, areas, and which are sure."""
    pixels = np.array(relative, np.float64).reshape(-1, 2) * limits
    finite = np.isfinite(pixels)
    sure: NDArray[np.bool_] = finite[:, 0] & finite[:, 1]
    pixels[~sure] = 0.0
    sides = np.minimum(side_px, limits)
    corners = np.clip(pixels - sides / 2, 0.0, limits - sides)
    boxes = _box_units(np.hstack(np.broadcast_arrays(corners, sides)), limits, decimals)
    scale = 10.0**decimals
    return np.rint(pixels * scale) + 0.0, boxes, _rounded(boxes[:, 2] * boxes[:, 3] / scale**2, decimals), sure


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


def _limits(sizes: Sizes) -> Floats:
    """Width and height of each shape's image; a single row if they are all the same."""
    if isinstance(sizes, np.ndarray):
        return sizes
    first = sizes[0]
    alike = sizes.count(first) == len(sizes)
    return np.array([first] if alike else sizes, np.float64)


def _pixels(relative: Any, pairs: int, limits: Floats) -> Floats:
    """Multiply x and y by width and height: (n, 2 pairs), what is not finite replaced."""
    numbers = np.asarray(relative, np.float64).reshape(-1, pairs, 2)
    with np.errstate(invalid="ignore", over="ignore"):
        pixels = (numbers * limits[:, None, :]).reshape(-1, 2 * pairs)
    finite = np.isfinite(pixels)
    if not finite.all():
        pixels[~finite] = FAR_PX
    return np.asarray(pixels)


def _are_boxes_sure(pixels: Floats, limits: Floats) -> NDArray[np.bool_]:
    corners, sides = pixels[:, :2], pixels[:, 2:]
    return _have_sides(sides) & _are_within(corners, corners + sides, limits)


def _are_within(low: Floats, high: Floats, limits: Floats) -> NDArray[np.bool_]:
    within = (low >= -TOLERANCE_PX) & (high <= limits + TOLERANCE_PX)
    return np.asarray(within[:, 0] & within[:, 1])


def _have_sides(sides: Floats) -> NDArray[np.bool_]:
    long = sides > TOLERANCE_PX
    return np.asarray(long[:, 0] & long[:, 1])


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


def _corners(boxes: Floats, angles_deg: Floats) -> Floats:
    """Corners of boxes turned about their centres, (n, 4, 2), clockwise from the one that was top-left."""
    angles = np.radians(angles_deg)
    cos, sin = np.cos(angles), np.sin(angles)
    quarter = angles_deg % 90.0 == 0.0
    cos[quarter], sin[quarter] = np.rint(cos[quarter]), np.rint(sin[quarter])
    half = boxes[:, 2:] / 2
    centre = boxes[:, :2] + half
    along = np.stack([cos * half[:, 0], sin * half[:, 0]], axis=1)
    across = np.stack([-sin * half[:, 1], cos * half[:, 1]], axis=1)
    return centre[:, None, :] + np.stack([-along - across, along - across, along + across, across - along], axis=1)
