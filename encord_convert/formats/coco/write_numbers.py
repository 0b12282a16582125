"""Geometry of many shapes at once: their pixels to the rounded pixels of a COCO file.

Each function takes the shapes of one kind that many images hold (:class:`~encord_convert.hub.extents.Extents`), and
gives them back one by one with what belongs to each. Work is done on arrays, since a call per shape is what costs. A
shape is *sure* if it is plain from the arrays that it is written as it is; the others are computed one by one.

Written numbers are whole multiples of the last decimal place, never below 0 nor beyond the image's far edges; that
moves nothing by more than the tolerance, and keeps the right edge of a box inside even after rounding. The many numbers
of rings are rendered here as well, from tables: a float of each, and a text of each float, would take twice as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.coco.json_lines import in_ascii
from encord_convert.geometry import rle
from encord_convert.geometry.rings import areas_of
from encord_convert.hub.extents import Extents, Flags, Floats
from encord_convert.sdk.objects import Shape

TOLERANCE_PX = 0.005
"""How far a written number may lie from the hub's: half of the second decimal place, the fewest that can be chosen."""


class Style(Protocol):
    """What of the writing options decides how an annotation looks."""

    @property
    def decimals(self) -> int:
        """Decimals of coordinates and areas."""

    @property
    def box_polygons(self) -> bool:
        """Whether boxes have a segmentation."""

    @property
    def point_size_px(self) -> float:
        """Width and height of the box around a point."""

    @property
    def counts(self) -> Literal["string", "list"]:
        """Whether run lengths are a string or a list."""


Texts = tuple[tuple[Any, ...], list[bool]]
"""Lists, each with one text of every shape: of ``bbox``, of the area, and of what else :func:`texts_of` says; and which
shapes are sure."""


def texts_of(extents: Extents, style: Style) -> Texts:
    """Return what the file says of shapes of a kind, as text, without the brackets of lists.

    Of polygons the numbers of the ring are third; of points x and y; of rotatable boxes corners (clockwise on screen,
    from the one that was top-left), angle in [0, 360), and the box before it is rotated. Of masks height and width of
    their images, as numbers, and the run lengths.
    """
    return _TEXTS[extents.shape](extents, style)


def _box_texts(boxes: Extents, style: Style) -> Texts:
    units, areas, sure = _boxes(boxes, style.decimals)
    return (_quad_texts(units, style.decimals), _number_texts(areas)), sure.tolist()


def _boxes(boxes: Extents, decimals: int) -> tuple[Floats, Floats, Flags]:
    """Return boxes in units of the last decimal place, areas, and which of them are sure."""
    units = _box_units(boxes.pixels, boxes.limits, decimals)
    areas = _rounded(units[:, 2] * units[:, 3] / 10.0 ** (2 * decimals), decimals)
    return units, areas, boxes.surely_inside(TOLERANCE_PX)


def _rotated_texts(boxes: Extents, style: Style) -> Texts:
    decimals = style.decimals
    bounds, corners, areas, sure = _rotated(boxes, decimals)
    values = (
        _quad_texts(bounds, decimals),
        _number_texts(areas),
        _ring_texts(corners.ravel(), np.arange(8, corners.size + 1, 8), decimals),
        _number_texts(boxes.angles_deg),
        _quad_texts(np.rint(boxes.pixels * 10.0**decimals) + 0.0, decimals),
    )
    return values, sure.tolist()


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


def _polygon_texts(rings: Extents, style: Style) -> Texts:
    units, bounds, areas, sure = _rings(rings, style.decimals)
    texts = _ring_texts(units.ravel(), 2 * np.cumsum(rings.counts), style.decimals)
    return (_quad_texts(bounds, style.decimals), _number_texts(areas), texts), sure.tolist()


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


def _point_texts(points: Extents, style: Style) -> Texts:
    pixels, boxes, areas = _points(points, style.decimals, style.point_size_px)
    if (pixels < 0).any():
        places = [_encoder.encode(place)[1:-1] for place in (pixels / 10.0**style.decimals).tolist()]
    else:
        places = _ring_texts(pixels.ravel(), np.arange(2, pixels.size + 1, 2), style.decimals)
    return (_quad_texts(boxes, style.decimals), _number_texts(areas), places), [True] * len(places)


def _points(points: Extents, decimals: int, side_px: float) -> tuple[Floats, Floats, Floats]:
    """Return points and the boxes around them in units of the last decimal place, and areas.

    The box of a point is centred on it, but kept inside the image.
    """
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


# -- masks -------------------------------------------------------------------------------------------------------------


def counts_of(columns: rle.Runs, style: Style) -> str | list[int]:
    """Return run lengths as COCO writes them."""
    return columns.tolist() if style.counts == "list" else rle.string_from_runs(columns)


def _mask_texts(masks: Extents, style: Style) -> Texts:
    texts, areas, counts, sure = [], [], [], []
    for found in mask_numbers(masks):
        columns, bbox, area = (None, (0, 0, 0, 0), 0) if found is None else found
        texts.append(",".join(map(str, bbox)).encode())
        areas.append(b"%d" % area)
        counts.append(b"" if columns is None else in_ascii(_encoder.encode(counts_of(columns, style))))
        sure.append(found is not None)
    sizes = masks.sizes
    return (texts, areas, [height for _, height in sizes], [width for width, _ in sizes], counts), sure


Numbers = tuple[rle.Runs, list[float], int]
"""Column runs in the image, tight ``bbox``, and the pixels set."""

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""

_MOST_PIXELS = 1 << 20
"""Pixels that are painted together; a larger mask is painted alone."""


def mask_numbers(masks: Extents) -> Iterator[Numbers | None]:
    """Give each mask its numbers; None if it is not plain: in its image, with a pixel set, its runs filling its box."""
    jobs: list[tuple[int, rle.Runs, Box, tuple[int, int]]] = []
    found: list[Numbers | None] = [None] * len(masks.masks)
    pixels = 0
    for place, (boxed, size) in enumerate(zip(masks.masks, masks.sizes, strict=True)):
        if boxed is None:
            continue
        runs, *box = boxed
        pixels += box[2] * (box[3] + 2)
        if pixels > _MOST_PIXELS and jobs:
            _compute(jobs, found)
            jobs, pixels = [], box[2] * (box[3] + 2)
        jobs.append((place, runs, tuple(box), size))  # type: ignore[arg-type]
    if jobs:
        _compute(jobs, found)
    return iter(found)


def _compute(jobs: list[tuple[int, rle.Runs, Box, tuple[int, int]]], found: list[Numbers | None]) -> None:
    boxes = np.array([box for _, _, box, _ in jobs], np.int64)
    sizes = np.array([size for _, _, _, size in jobs], np.int64)
    counts = np.array([len(runs) for _, runs, _, _ in jobs])
    runs = np.concatenate([runs for _, runs, _, _ in jobs])
    if not _fill(runs, counts, boxes):
        for job in jobs if len(jobs) > 1 else ():
            _compute([job], found)
        return
    starts = np.cumsum(counts) - counts
    is_set = ((np.arange(len(runs)) - np.repeat(starts, counts)) & 1).astype(bool)
    areas = np.add.reduceat(np.where(is_set, runs, 0), starts)
    if not areas.all():
        jobs = [job for job, area in zip(jobs, areas.tolist(), strict=True) if area]
        if jobs:
            _compute(jobs, found)
        return
    cells, owners = _changed_cells(runs, is_set, counts, boxes)
    widths = boxes[owners, 2]
    rows = cells // widths
    columns = cells - rows * widths
    rows += boxes[owners, 1]
    columns += boxes[owners, 0]
    firsts = np.searchsorted(owners, np.arange(len(jobs)))
    tops, bottoms = np.minimum.reduceat(rows, firsts), np.maximum.reduceat(rows, firsts)
    lefts, rights = np.minimum.reduceat(columns, firsts), np.maximum.reduceat(columns, firsts)
    bounds = np.stack([lefts, tops, rights - lefts + 1, bottoms - tops], axis=1)
    columns *= sizes[owners, 1]
    columns += rows
    all_runs = _column_runs(columns, owners, sizes[:, 0] * sizes[:, 1])
    for (place, *_), column_runs, bbox, area in zip(jobs, all_runs, bounds.tolist(), areas.tolist(), strict=True):
        found[place] = column_runs, bbox, area


def _fill(runs: rle.Runs, counts: NDArray[np.int64], boxes: NDArray[np.int64]) -> bool:
    """Tell whether runs are numbers of 0 or more that fill their boxes; seen as unsigned, a negative one is huge."""
    if runs.view(np.uint64).max() > rle.MAX_PIXELS:
        return False
    return bool((np.add.reduceat(runs, np.cumsum(counts) - counts) == boxes[:, 2] * boxes[:, 3]).all())


def _changed_cells(
    runs: rle.Runs, is_set: NDArray[np.bool_], counts: NDArray[np.int64], boxes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where a pixel differs from the one above it: row × width + column in the box, and the number of the mask.

    The row after the last counts as background, as the one before the first does.
    """
    ends = np.cumsum(counts)
    widths, areas = boxes[:, 2], boxes[:, 2] * boxes[:, 3]
    # Two background rows after each mask: one is its own, the other that above the next.
    places = np.repeat(ends, 2)
    padded = np.insert(runs, places, np.repeat(widths, 2))
    pixels = np.repeat(np.insert(is_set, places, False), padded)
    changed = np.zeros(len(pixels), bool)
    firsts = np.cumsum(areas + 2 * widths) - areas - 2 * widths
    spans = zip(firsts.tolist(), areas.tolist(), widths.tolist(), strict=True)
    for first, area, width in spans:
        changed[first : first + width] = pixels[first : first + width]
        below = slice(first + width, first + area + width)
        np.not_equal(pixels[below], pixels[first : first + area], out=changed[below])
    cells = np.flatnonzero(changed)
    owners = np.repeat(np.arange(len(firsts)), np.diff(np.searchsorted(cells, firsts), append=len(cells)))
    return cells - firsts[owners], owners


def _column_runs(places: NDArray[np.int64], owners: NDArray[np.int64], areas: NDArray[np.int64]) -> list[rle.Runs]:
    """Return the runs of masks from the places, column × height + row, where a pixel differs from the one before it."""
    # What is behind the last pixel of one mask and what is the first of the next are two places.
    bases = np.cumsum(areas + 1) - areas - 1
    places += bases[owners]
    places.sort()
    touching = places[1:-1:2] == places[2::2]
    if touching.any():
        keep = np.ones(len(places), bool)
        keep[1:-1:2] = keep[2::2] = ~touching
        places, owners = places[keep], owners[keep]
    counts = np.bincount(owners, minlength=len(areas))
    ends = np.cumsum(counts + 1)
    runs = np.insert(places, np.cumsum(counts), bases + areas)
    starts = ends - counts - 1
    before = np.empty_like(runs)
    before[1:] = runs[:-1]
    before[starts] = bases
    runs -= before
    trailing = runs[ends - 1] == 0
    spans = zip(starts.tolist(), (ends - trailing).tolist(), strict=True)
    return [runs[start:end] for start, end in spans]


_TEXTS: dict[Shape, Callable[[Extents, Style], Texts]] = {
    Shape.BOUNDING_BOX: _box_texts,
    Shape.ROTATABLE_BOUNDING_BOX: _rotated_texts,
    Shape.POLYGON: _polygon_texts,
    Shape.POINT: _point_texts,
    Shape.BITMASK: _mask_texts,
}
