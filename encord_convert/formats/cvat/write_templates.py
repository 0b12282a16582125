"""Tables to elements of a CVAT file: text made of columns, without an object for each shape.

What shapes of one variant say apart from where they are is written once, as a template. Shapes that are in no column,
and masks of which a part is outside their image, are written as any object of a row is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import compress
from operator import mod
from typing import Any

import msgspec
import numpy as np

from encord_convert.formats.cvat.grid import FAMILY
from encord_convert.formats.cvat.write_skeletons import Written, rotation_text, rounded, turn_of
from encord_convert.hub.extents import Extents
from encord_convert.hub.native import Keys
from encord_convert.hub.table import Column, Variant
from encord_convert.losses.narrow import LeftTable
from encord_convert.sdk.objects import Shape

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
    template_of : callable
        From a variant, what is native of its shapes, and what these have of their own to a template.
    """

    def __init__(self, template_of: Callable[[Variant, Keys, str], str]) -> None:
        self._template_of = template_of
        self._templates: dict[tuple[Variant, int], str] = {}
        self._natives: dict[int, Keys] = {}  # held, so that their `id` stays their own

    def elements(self, left: LeftTable) -> list[str | None]:
        """Return the element of each shape, empty for one that is not written; None: it is to be written by itself."""
        found: list[str | None] = [None] * len(left.table.variants)
        if len(self._templates) > _MOST_VARIANTS:
            self._templates.clear()
            self._natives.clear()
        for shape, column in left.table.columns.items():
            if shape in GAPS and column.places:
                self._fill(found, left, shape, column)
        for place in left.dropped:
            found[place] = ""
        return found

    def _fill(self, found: list[str | None], left: LeftTable, shape: Shape, column: Column) -> None:
        table, places = left.table, column.places
        values = _VALUES[shape](table.extents(shape), column)
        if shape is Shape.BITMASK or left.dropped:
            kept = [value and place not in left.dropped for place, value in zip(places, values, strict=True)]
            places, values = list(compress(places, kept)), list(compress(values, kept))
        shared = table.native.shared if table.native is not None and table.native.family == FAMILY else ()
        natives = [shared[at] or _NONE for at in places] if shared else [_NONE] * len(places)
        own: list[Any] = list(zip([table.variants[at] for at in places], map(id, natives), strict=True))
        self._natives.update(zip(map(id, natives), natives, strict=True))
        for variant, native in set(own).difference(self._templates):
            self._templates[variant, native] = self._template_of(variant, self._natives[native], GAPS[shape])
        # Formatting in C, without a frame of Python for each shape, takes half the time.
        for at, text in zip(places, map(mod, map(self._templates.__getitem__, own), values), strict=True):
            found[at] = text


# -- what fills the gaps ---------------------------------------------------------------------------------------------


def _boxes(boxes: Extents, column: Column) -> list[Any]:
    low = boxes.pixels[:, :2]
    return list(map(tuple, rounded(np.hstack([low, low + boxes.pixels[:, 2:]])).tolist()))


def _rotated(boxes: Extents, column: Column) -> list[Any]:
    turns = [rotation_text(turn_of(theta)) if math.isfinite(theta) else "" for theta in column.more]
    return [(*corners, turn) for corners, turn in zip(_boxes(boxes, column), turns, strict=True)]


def _lines(lines: Extents, column: Column) -> list[Any]:
    pairs, starts = rounded(lines.pixels).tolist(), lines.starts.tolist()
    parts = [pairs[start:end] for start, end in zip(starts, [*starts[1:], len(pairs)], strict=True)]
    return _encode(parts)[3:-3].replace(b"],[", b";").decode().split("];[")


def _points(points: Extents, column: Column) -> list[Any]:
    return _encode(rounded(points.pixels).tolist())[2:-2].decode().split("],[")


def _masks(masks: Extents, column: Column) -> list[Any]:
    """Return the text of each mask, empty for one of which a part may be outside."""
    return ["" if one is None else Written("mask", (one[0].tolist(), *one[1:])).attributes() for one in masks.masks]


_VALUES: dict[Shape, Callable[[Extents, Column], list[Any]]] = {
    Shape.BOUNDING_BOX: _boxes,
    Shape.ROTATABLE_BOUNDING_BOX: _rotated,
    Shape.POLYGON: _lines,
    Shape.POLYLINE: _lines,
    Shape.POINT: _points,
    Shape.BITMASK: _masks,
}
