"""Writes rows of label files from table columns, without an object per row.

Only images without losses; the others go through :class:`~encord_convert.formats.yolo.write_rows.RowWriter`, which
gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.coco.native import FAMILY as COCO
from encord_convert.formats.yolo.write_rows import UNIT, Task
from encord_convert.geometry.boxes import cos_sin
from encord_convert.hub.conversions import TOLERANCE_PX
from encord_convert.hub.extents import Extents, Flags, Floats
from encord_convert.hub.table import Column, Table, Variant
from encord_convert.losses.narrow import LeftTable
from encord_convert.sdk.objects import Shape

_WIDTH = 9
"""Characters per number: a space, a digit, a point and six digits."""
_THREE = np.array([[ord(digit) for digit in f"{number:03d}"] for number in range(1000)], np.uint8)
_MOST_VARIANTS = 10_000


class TableWriter:
    """Writes the rows of tables.

    Parameters
    ----------
    task : Task
    numbers : mapping
        Number of a class by its name and shape.
    """

    def __init__(self, task: Task, numbers: Mapping[tuple[str, Shape], int]) -> None:
        self._numbers = numbers
        self._has_box = task.has_box
        self._shape = next(iter(task.shapes))
        self._words: dict[Variant | None, bytes] = {}

    def texts(self, left: LeftTable) -> list[bytes | None]:
        """Return the text of each image; None: to be written row by row."""
        table = left.table
        rows: list[bytes | None] = [None] * len(table.variants)
        column = table.columns.get(self._shape)
        if column is not None and self._shape in _UNITS and len(column.places):
            self._fill(rows, table, column)
        for place in left.dropped:
            rows[place] = b""
        texts: list[bytes | None] = []
        for number in range(len(table)):
            span = table.span(number)
            own = [row for row in rows[span.start : span.stop] if row != b""]
            is_whole = None not in own and len(set(own)) == len(own)  # equal rows must be made to differ
            texts.append(b"".join(own) if is_whole else None)  # type: ignore[arg-type]
        return texts

    def _fill(self, rows: list[bytes | None], table: Table, column: Column) -> None:
        """Write the regular rows of a column."""
        if len(self._words) > _MOST_VARIANTS:
            self._words.clear()
        for variant in {table.variants[place] for place in column.places}.difference(self._words):
            self._words[variant] = self._word(variant)
        owners = np.repeat(np.arange(len(table)), table.counts)
        sizes = np.array(table.sizes, np.float64)[owners[column.places]]
        units, ends, sure = _UNITS[self._shape](column, sizes, table.extents(self._shape))
        text = _digits(units).tobytes()
        starts = [0, *ends]
        if self._has_box and table.native is not None and table.native.family == COCO:
            own = {place for place, keys in table.native.labels.items() if "bbox" in keys}
            sure = sure & np.array([place not in own for place in column.places], bool) if own else sure
        for at, (place, is_sure) in enumerate(zip(column.places, sure.tolist(), strict=True)):
            word = self._words[table.variants[place]]
            if word and is_sure:
                rows[place] = word + text[_WIDTH * starts[at] : _WIDTH * starts[at + 1]] + b"\n"

    def _word(self, variant: Variant | None) -> bytes:
        """Return the prefix of a variant's rows; empty if they may need more than geometry."""
        assert variant is not None
        number = self._numbers.get((variant.item.name, variant.item.shape))
        is_clean = variant.info.manual_annotation and variant.info.confidence == 1
        return b"%d" % number if is_clean and number is not None else b""


def _digits(units: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return numbers of six decimals as text, (n, 9) characters.

    >>> _digits(np.array([123456, 1_000_000])).tobytes()
    b' 0.123456 1.000000'
    """
    text = np.empty((len(units), _WIDTH), np.uint8)
    text[:, 0], text[:, 2] = ord(" "), ord(".")
    whole = units == UNIT
    text[:, 1] = whole
    text[:, 1] += ord("0")
    rest = units.astype(np.int32)
    rest[whole] = 0
    high = rest // 1000
    text[:, 3:6], text[:, 6:9] = _THREE[high], _THREE[rest - high * 1000]
    return text


_Written = tuple[NDArray[np.int64], list[int], Flags]
"""Numbers in units, the end of each row's numbers, and which rows surely lie inside and are not empty."""


def _in_units(pixels: Floats, limits: Floats) -> NDArray[np.int64]:
    return np.clip(np.rint(pixels / limits * UNIT), 0, UNIT).astype(np.int64)


def _boxes(column: Column, sizes: Floats, extents: Extents) -> _Written:
    relative = np.asarray(column.numbers, np.float64).reshape(-1, 4)
    sure = extents.surely_inside(TOLERANCE_PX)
    low, high = np.maximum(relative[:, :2] * sizes, 0.0), np.minimum((relative[:, :2] + relative[:, 2:]) * sizes, sizes)
    found = np.concatenate([(low + high) / 2, high - low], axis=1)
    found[~sure] = 0
    units = _in_units(found, np.concatenate([sizes, sizes], axis=1))
    return units.ravel(), list(range(4, units.size + 1, 4)), sure


def _rings(column: Column, sizes: Floats, extents: Extents) -> _Written:
    sure = extents.surely_inside(TOLERANCE_PX)
    pixels = np.where(np.repeat(sure, extents.counts)[:, None], extents.pixels, 0)
    units = _in_units(pixels, np.repeat(sizes, extents.counts, axis=0))
    return units.ravel(), (2 * np.cumsum(extents.counts)).tolist(), sure


def _corners(column: Column, sizes: Floats, extents: Extents) -> _Written:
    relative = np.asarray(column.numbers, np.float64).reshape(-1, 4)
    box = relative * np.concatenate([sizes, sizes], axis=1)
    finite = np.isfinite(np.asarray(column.more, np.float64)) & np.isfinite(box).all(axis=1)
    turns = np.array(
        [cos_sin(angle) if is_finite else (1.0, 0.0) for angle, is_finite in zip(column.more, finite, strict=True)]
    )
    cos, sin = turns[:, 0], turns[:, 1]
    centre_x, centre_y = box[:, 0] + box[:, 2] / 2, box[:, 1] + box[:, 3] / 2
    ux, uy = cos * box[:, 2] / 2, sin * box[:, 2] / 2
    vx, vy = -sin * box[:, 3] / 2, cos * box[:, 3] / 2
    pixels = np.stack(
        [
            centre_x - ux - vx, centre_y - uy - vy, centre_x + ux - vx, centre_y + uy - vy,
            centre_x + ux + vx, centre_y + uy + vy, centre_x - ux + vx, centre_y - uy + vy,
        ],
        axis=1,
    )  # fmt: skip
    limits = np.tile(sizes, 4)
    with np.errstate(invalid="ignore"):
        is_within = ((pixels >= 0) & (pixels <= limits)).all(axis=1)
        sure = finite & is_within & (box[:, 2:] > 2 * TOLERANCE_PX).all(axis=1)
    pixels[~sure] = 0
    units = _in_units(pixels, limits)
    return units.ravel(), list(range(8, units.size + 1, 8)), sure


_UNITS: dict[Shape, Any] = {
    Shape.BOUNDING_BOX: _boxes,
    Shape.POLYGON: _rings,
    Shape.ROTATABLE_BOUNDING_BOX: _corners,
}
