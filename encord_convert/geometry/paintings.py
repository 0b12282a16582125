"""Many masks in one image with one value per pixel: later masks hide earlier ones.

A mask is given by its *box runs*: row runs inside a box, and the box (left, top, width, height), as
:func:`encord_convert.geometry.rle.box_runs_from_frame_runs` returns them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from encord_convert.geometry import rle

BoxRuns = tuple[rle.Runs, int, int, int, int]
"""Row runs inside a box, and the box: left, top, width, height in pixels."""


_BAND_PIXELS = 1 << 22
_WIDEST = 1 << 23
"""Pixels of a row: one row at least is in memory."""
_KEPT_BYTES = 32 << 20
"""How much of the masks of a band is kept from painting until counting; the rest is painted again."""


class Painting:
    """Masks painted over each other, the first at the bottom, a band of rows at a time to bound memory.

    Parameters
    ----------
    masks : sequence of BoxRuns
        Each inside the image.
    values : (n,) int
        Pixel value of each mask, above 0; masks of one value do not hide each other.
    height, width : int
        Size of the image in pixels.
    extents : bool
        Whether to fill ``extents`` too.

    Attributes
    ----------
    hidden : list of int
        For each mask the number of its pixels that finally show another value; valid after all bands.
    extents : list of (int, int, int, int)
        For each mask the box of its pixels that show its value: left, top, right, bottom; likewise.

    Raises
    ------
    ValueError
        The runs of a mask do not fit its box, a box does not fit the image, or the image is too large.

    >>> painting = Painting([(np.array([0, 2]), 0, 0, 2, 1), (np.array([0, 2]), 1, 0, 2, 1)], [7, 8], 1, 4)
    >>> list(painting.bands()), painting.hidden
    ([array([[7, 8, 8, 0]], dtype=uint8)], [1, 0])
    """

    def __init__(
        self, masks: Sequence[BoxRuns], values: ArrayLike, height: int, width: int, *, extents: bool = False
    ) -> None:
        rle.check_size(height, width)
        if width > _WIDEST:
            raise ValueError(f"An image of {width} pixels in a row is wider than the {_WIDEST} that can be painted.")
        self.height, self.width = height, width
        self.values: list[int] = np.asarray(values, np.uint32).tolist()
        self._type = np.min_scalar_type(max(self.values, default=0))
        self._masks = [_Piece(*mask) for mask in masks]
        for item in self._masks:
            item.check(height, width)
        if len(self._masks) != len(self.values):
            raise ValueError(f"{len(self._masks)} masks have {len(self.values)} values.")
        self._has_extents = extents
        self.hidden = [0] * len(self._masks)
        self.extents = [(width, height, 0, 0)] * len(self._masks)

    def bands(self) -> Iterator[NDArray[Any]]:
        """Yield the image, (rows, width), 0 where no mask is; of the smallest unsigned type that holds all values."""
        step = max(1, _BAND_PIXELS // max(self.width, 1))
        blank: NDArray[Any] | None = None
        for top in range(0, self.height, step):
            rows = min(step, self.height - top)
            touched = [index for index, one in enumerate(self._masks) if one.top < top + rows and one.bottom > top]
            if touched:
                yield self._painted(touched, top, rows)
                continue
            if blank is None or len(blank) != rows:
                blank = np.zeros((rows, self.width), self._type)
            yield blank

    def _painted(self, touched: list[int], top: int, rows: int) -> NDArray[Any]:
        band = np.zeros((rows, self.width), self._type)
        kept: dict[int, NDArray[np.bool_]] = {}
        left = _KEPT_BYTES
        for index in touched:
            one, inside = self._masks[index], self._masks[index].rows(top, top + rows)
            np.copyto(one.view(band, top), self._type.type(self.values[index]), where=inside)
            if inside.size <= left:
                kept[index] = inside
                left -= inside.size
        for index in touched:
            one, value = self._masks[index], self.values[index]
            piece = one.view(band, top)
            inside = kept[index] if index in kept else one.rows(top, top + rows)
            shown = piece == self._type.type(value)
            shown &= inside
            self.hidden[index] += int(np.count_nonzero(inside)) - int(np.count_nonzero(shown))
            if self._has_extents:
                columns, lines = np.flatnonzero(shown.any(axis=0)), np.flatnonzero(shown.any(axis=1))
                if len(columns):
                    x, y = one.left, max(one.top, top)
                    x0, y0, x1, y1 = self.extents[index]
                    found = x + int(columns[0]), y + int(lines[0]), x + int(columns[-1]) + 1, y + int(lines[-1]) + 1
                    self.extents[index] = min(x0, found[0]), min(y0, found[1]), max(x1, found[2]), max(y1, found[3])
        return band


class _Piece:
    """A mask, cut into bands of rows."""

    __slots__ = ("_ends", "_runs", "bottom", "left", "top", "width")

    def __init__(self, runs: rle.Runs, left: int, top: int, width: int, height: int) -> None:
        self._runs = rle.check_runs(runs, height, width)
        self._ends: NDArray[np.int64] | None = None
        self.left, self.top, self.width, self.bottom = left, top, width, top + height

    def check(self, height: int, width: int) -> None:
        if min(self.left, self.top) < 0 or self.left + self.width > width or self.bottom > height:
            size = f"{self.width} x {self.bottom - self.top}"
            raise ValueError(f"A box at {self.left}, {self.top} of {size} pixels leaves {width} x {height}.")

    def view(self, band: NDArray[Any], top: int) -> NDArray[Any]:
        """Return the part of a band that the box covers."""
        return band[max(self.top - top, 0) : self.bottom - top, self.left : self.left + self.width]

    def rows(self, first: int, last: int) -> NDArray[np.bool_]:
        """Return the rows of the box between two rows of the image."""
        first, last = max(first, self.top) - self.top, min(last, self.bottom) - self.top
        if (first, last) == (0, self.bottom - self.top):
            return rle.mask_from_runs(self._runs, last, self.width)
        if self._ends is None:
            self._ends = np.cumsum(self._runs)
        start, end = first * self.width, last * self.width
        one, other = np.searchsorted(self._ends, (start, end), "right")
        ends = np.minimum(self._ends[one : other + 1], end)
        runs = np.diff(ends, prepend=start)
        runs = np.concatenate(([0], runs)) if one & 1 else runs
        return rle.mask_from_runs(runs, last - first, self.width)


def values_in(bands: Iterable[NDArray[Any]], *, has_zero: bool = False) -> list[tuple[int, BoxRuns]]:
    """Split an image with one value per pixel into the masks of its values; 0 only if ``has_zero``.

    Memory grows with the pieces of one value, and not with the image.

    Parameters
    ----------
    bands : iterable of (rows, width) bool or unsigned int
        The image from its top; values below 2**32.
    has_zero : bool

    Returns
    -------
    list of (int, BoxRuns)
        Ascending by value.

    Raises
    ------
    ValueError
        It has more than :data:`MOST_PIECES`.

    >>> [(value, runs.tolist(), *box) for value, (runs, *box) in values_in([np.array([[7, 8, 8, 0]])])]
    [(7, [0, 1], 0, 0, 1, 1), (8, [0, 2], 1, 0, 2, 1)]
    """
    firsts, kinds = [np.empty(0, np.int64)], [np.empty(0, np.uint32)]
    width = height = count = 0
    last = -1
    for band in bands:
        if not band.size:
            continue
        flat = np.ascontiguousarray(band).ravel()
        # Neighbours are mostly equal: the few positions where a value begins suffice.
        begins = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        if int(flat[0]) != last:
            begins = np.concatenate(([0], begins))
        last, width = int(flat[-1]), band.shape[1]
        firsts.append(begins + height * width)
        kinds.append(flat[begins].astype(np.uint32))
        height += len(band)
        count += len(begins)
        if count > MOST_PIECES:
            raise ValueError(f"The image has more than {MOST_PIECES} pieces of one value; a mask has fewer.")
    starts, values = np.concatenate(firsts), np.concatenate(kinds)
    ends = np.append(starts[1:], height * width)[: len(starts)]
    order = np.argsort(values, kind="stable")
    cuts = np.flatnonzero(np.diff(values[order])) + 1
    found = []
    for places in np.split(order, cuts) if len(order) else ():
        value = int(values[places[0]])
        if value or has_zero:
            edges = np.stack((starts[places], ends[places]), axis=1).ravel()
            runs = np.diff(np.concatenate(([0], edges, [height * width])))
            found.append((value, rle.box_runs_from_frame_runs(runs, width, height)))
    return found


def values_of(band: NDArray[Any]) -> list[int]:
    """Return the distinct pixel values of an image, ascending.

    >>> values_of(np.array([[7, 300, 7]], np.uint16))
    [7, 300]
    """
    if band.itemsize == 1:  # one pass and a table, where sorting takes twenty times as long
        return [int(value) for value in np.flatnonzero(np.bincount(band.ravel(), minlength=1))]
    return [int(value) for value in np.unique(band)]


def mask_of(bands: Iterable[NDArray[Any]]) -> BoxRuns:
    """Return the mask of the pixels of an image that are not 0; see :func:`values_in`.

    >>> mask_of([np.array([[7, 8, 8, 0]])])
    (array([0, 3]), 0, 0, 3, 1)
    """
    found = values_in(band != 0 for band in bands)
    return found[0][1] if found else (np.zeros(1, np.int64), 0, 0, 0, 0)


MOST_PIECES = 1 << 24
"""Runs of pixels of one value in an image that is read."""
