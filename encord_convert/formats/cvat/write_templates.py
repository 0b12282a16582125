"""Tables to elements of a CVAT file: text made of columns, without an object for each shape.

What shapes of one variant say apart from where they are is written once, as a template. A shape of which something may
be lost (a part of a mask is outside its image, a polygon all but covers nothing) is narrowed, and written as any object
of a row is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import mod
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.cvat.grid import FAMILY
from encord_convert.formats.cvat.write_skeletons import TOLERANCE_PX, Written, rotation_text, rounded, turn_of
from encord_convert.geometry.rle import current_pixel_limit
from encord_convert.hub.native import Keys
from encord_convert.hub.table import Column, Table, Variant
from encord_convert.sdk.objects import Shape

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GAPS = {
    Shape.BOUNDING_BOX: ' xtl="%r" ytl="%r" xbr="%r" ybr="%r"',
    Shape.ROTATABLE_BOUNDING_BOX: ' xtl="%r" ytl="%r" xbr="%r" ybr="%r"%s',
    Shape.POLYGON: ' points="%s"',
    Shape.POLYLINE: ' points="%s"',
    Shape.POINT: ' points="%s"',
    Shape.BITMASK: "%s",
}
"""What of an element is its own: where it is."""

_MOST_VARIANTS = 10_000
"""How many variants are remembered."""

_NONE: Keys = {}

_encode = msgspec.json.Encoder().encode


class Templates:
    """Writes the shapes of tables.

    Parameters
    ----------
    keeps : callable
        From a variant, whether all that its shapes have in common survives.
    template_of : callable
        From a variant, what is native of its shapes, and what these have of their own to a template.
    """

    def __init__(self, keeps: Callable[[Variant], bool], template_of: Callable[[Variant, Keys, str], str]) -> None:
        self._keeps = keeps
        self._template_of = template_of
        self._templates: dict[tuple[Variant, int], str | None] = {}
        self._natives: dict[int, Keys] = {}  # held, so that their `id` stays their own

    def elements(self, table: Table) -> list[str | None]:
        """Return the element of each shape; None for one of which something may be lost."""
        found: list[str | None] = [None] * len(table.variants)
        if len(self._templates) > _MOST_VARIANTS:
            self._templates.clear()
            self._natives.clear()
        shared = table.native.shared if table.native is not None and table.native.family == FAMILY else ()
        owners = np.repeat(np.arange(len(table)), table.counts)
        is_alike = table.sizes.count(table.sizes[0]) == len(table)
        sizes = np.array(table.sizes[:1] if is_alike else table.sizes, np.float64)
        for shape, column in table.columns.items():
            if shape in GAPS and column.places:
                limits = np.broadcast_to(sizes, (len(column.places), 2)) if is_alike else sizes[owners[column.places]]
                self._fill(found, table.variants, shared, shape, column, limits)
        return found

    def _fill(
        self, found: list[str | None], variants: list[Variant | None], shared: Sequence[Keys | None], shape: Shape,
        column: Column, limits: Floats,
    ) -> None:  # fmt: skip
        values, sure = _VALUES[shape](column, limits)
        places = column.places
        if not all(sure):
            places = [at for at, is_sure in zip(places, sure, strict=True) if is_sure]
            values = [value for value, is_sure in zip(values, sure, strict=True) if is_sure]
        natives = [shared[at] or _NONE for at in places] if shared else [_NONE] * len(places)
        own: list[Any] = list(zip([variants[at] for at in places], map(id, natives), strict=True))
        self._natives.update(zip(map(id, natives), natives, strict=True))
        for variant, native in set(own).difference(self._templates):
            is_kept = self._keeps(variant)
            template = self._template_of(variant, self._natives[native], GAPS[shape]) if is_kept else None
            self._templates[variant, native] = template
        texts: list[Any] = list(map(self._templates.get, own))
        if None in texts:
            kept = [number for number, text in enumerate(texts) if text is not None]
            places, texts, values = ([some[number] for number in kept] for some in (places, texts, values))
        # Formatting in C, without a frame of Python for each shape, takes half the time.
        for at, text in zip(places, map(mod, texts, values), strict=True):
            found[at] = text


# -- what fills the gaps ---------------------------------------------------------------------------------------------

_Values = tuple[list[Any], list[bool]]
"""What fills the gap of each shape, and whether it is sure that there is something to draw."""

_FAR_PX = 1e9
_LEAST_PX = 1e-3
"""Coordinates that are together nearer, and sides of boxes that are longer, are beyond doubt not degenerate."""


def _corners(column: Column, limits: Floats) -> tuple[Floats, list[bool]]:
    low = column.numbers[:, :2] * limits
    corners = rounded(np.hstack([low, low + column.numbers[:, 2:] * limits]))
    is_wide = (corners[:, 2:] - corners[:, :2] > _LEAST_PX).all(axis=1)
    return corners, (is_wide & (np.abs(corners).sum(axis=1) < _FAR_PX)).tolist()


def _boxes(column: Column, limits: Floats) -> _Values:
    corners, sure = _corners(column, limits)
    return list(map(tuple, corners.tolist())), sure


def _rotated(column: Column, limits: Floats) -> _Values:
    corners, sure = _corners(column, limits)
    turns = [rotation_text(turn_of(theta)) if math.isfinite(theta) else "" for theta in column.more]
    is_sure = [one and math.isfinite(theta) for one, theta in zip(sure, column.more, strict=True)]
    return [(*corner, turn) for corner, turn in zip(corners.tolist(), turns, strict=True)], is_sure


def _lines(column: Column, limits: Floats) -> tuple[list[str], Floats, Ints]:
    """Return the text of each line, the points of all in pixels, and where each begins among them."""
    counts = np.array(column.more, np.int64) // 2
    points = rounded(np.asarray(column.numbers, np.float64).reshape(-1, 2) * np.repeat(limits, counts, axis=0))
    ends = np.cumsum(counts)
    pairs = points.tolist()
    lines = [pairs[start:end] for start, end in zip((ends - counts).tolist(), ends.tolist(), strict=True)]
    texts = _encode(lines)[3:-3].replace(b"],[", b";").decode().split("];[")
    return texts, points, ends - counts


def _polygons(column: Column, limits: Floats) -> _Values:
    texts, points, starts = _lines(column, limits)
    counts = np.array(column.more, np.int64) // 2
    third = counts // 3
    size = np.add.reduceat(np.abs(points).sum(axis=1), starts)
    a, b, c = points[starts], points[starts + third], points[starts + 2 * third]
    (x1, y1), (x2, y2) = (b - a).T, (c - a).T
    # Of points that all but lie on a line no three span an area; their distances are no more than the sum of all.
    return texts, ((counts > 2) & (abs(x1 * y2 - x2 * y1) > 8 * TOLERANCE_PX * size)).tolist()


def _polylines(column: Column, limits: Floats) -> _Values:
    texts, points, starts = _lines(column, limits)
    spans = (np.maximum.reduceat(points, starts) - np.minimum.reduceat(points, starts)).max(axis=1)
    is_near = np.add.reduceat(np.abs(points).sum(axis=1), starts) < _FAR_PX
    return texts, ((spans > _LEAST_PX) & is_near).tolist()


def _points(column: Column, limits: Floats) -> _Values:
    points = rounded(column.numbers * limits)
    texts = _encode(points.tolist())[2:-2].decode().split("],[")
    return texts, (np.abs(points).sum(axis=1) < _FAR_PX).tolist()


def _masks(column: Column, limits: Floats) -> _Values:
    sizes = limits.astype(int).tolist()
    texts = [_mask(coordinates, *size) for coordinates, size in zip(column.numbers, sizes, strict=True)]
    return texts, list(map(bool, texts))


def _mask(coordinates: Any, width: int, height: int) -> str:
    """Return the text of a mask that lies in its image, empty if it takes a closer look."""
    try:
        runs, left, top, box_width, box_height = coordinates._box_runs()
    except (ValueError, LookupError, ArithmeticError):  # damaged
        return ""
    is_within = 0 <= left <= width - box_width and 0 <= top <= height - box_height
    if not is_within or not any(runs[1::2].tolist()) or width * height > current_pixel_limit():
        return ""
    return Written("mask", (runs.tolist(), left, top, box_width, box_height)).attributes()


_VALUES: dict[Shape, Callable[[Column, Floats], _Values]] = {
    Shape.BOUNDING_BOX: _boxes,
    Shape.ROTATABLE_BOUNDING_BOX: _rotated,
    Shape.POLYGON: _polygons,
    Shape.POLYLINE: _polylines,
    Shape.POINT: _points,
    Shape.BITMASK: _masks,
}
