"""Images with one value a pixel, as runs: masks painted over each other, and cut out again.

What lies later hides what lies before it. A mask is given by its *box runs*: row runs inside a box, and the box (left,
top, width, height), as :func:`encord_convert.geometry.rle.box_runs_from_frame_runs` returns them. The work grows with
the runs; no pixel is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from encord_convert.geometry import rle

BoxRuns = tuple[rle.Runs, int, int, int, int]
"""Row runs inside a box, and the box: left, top, width, height in pixels."""

_WIDEST = 1 << 23
"""Pixels of a row: one row at least is in memory where it is read."""
_BAND_PIXELS = 1 << 20
_PAINTED_AT_ONCE = 1 << 20
"""How many runs of masks are painted together, so that memory is that of the runs of the image."""
MOST_PIECES = 1 << 24
"""Runs of pixels of one value in an image that is read."""


class FlatImage:
    """An image with one value a pixel, which is where in reading order values begin.

    Parameters
    ----------
    begins : (n,) int64
        The pixels, row x width + column, from which on there is another value; ascending, the first 0. Empty if there
        are no pixels.
    values : (n,) bool or unsigned int
        What begins there.
    height, width : int
        In pixels.
    """

    __slots__ = ("begins", "height", "values", "width")

    def __init__(self, begins: rle.Runs, values: NDArray[Any], height: int, width: int) -> None:
        self.begins = begins
        self.values = values
        self.height = height
        self.width = width

    @classmethod
    def of(cls, bands: Iterable[NDArray[Any]]) -> FlatImage:
        """Return the image of bands of rows, (rows, width) bool or unsigned int, from its top.

        Raises
        ------
        ValueError
            It has more than :data:`MOST_PIECES`.

        >>> image = FlatImage.of([np.array([[7, 8, 8, 0]], np.uint8)])
        >>> image.begins, image.values
        (array([0, 1, 3]), array([7, 8, 0], dtype=uint8))
        """
        firsts, kinds = [np.empty(0, np.int64)], []
        width = height = count = 0
        last = -1
        for band in bands:
            width = band.shape[1]
            if not band.size:
                continue
            flat = np.ascontiguousarray(band).ravel()
            # Neighbours are mostly equal: the places where a value begins are few, and say all there is to know.
            begins = np.flatnonzero(flat[1:] != flat[:-1]) + 1
            if int(flat[0]) != last:
                begins = np.concatenate(([0], begins))
            last = int(flat[-1])
            firsts.append(begins + height * width)
            kinds.append(flat[begins])
            height += len(band)
            count += len(begins)
            if count > MOST_PIECES:
                raise ValueError(f"The image has more than {MOST_PIECES} pieces of one value; a mask has fewer.")
        values = np.concatenate(kinds) if kinds else np.empty(0, np.uint8)
        return cls(np.concatenate(firsts), values, height, width)

    @classmethod
    def of_mask(cls, box_runs: BoxRuns, height: int, width: int) -> FlatImage:
        """Return the image of one mask, of booleans."""
        begins = np.append(0, rle.frame_changes_from_box_runs(*box_runs, width, height))
        there = np.diff(begins, append=height * width) > 0
        return cls(begins[there], (np.arange(len(begins)) & 1).astype(bool)[there], height, width)

    def with_values(self, values: NDArray[Any]) -> FlatImage:
        """Return the image with other values, or values of another type, in place of these."""
        return FlatImage(self.begins, values, self.height, self.width)

    def bands(self) -> Iterator[NDArray[Any]]:
        """Yield the pixels, (rows, width), some rows at a time."""
        step, area = max(1, _BAND_PIXELS // max(self.width, 1)) * self.width, self.height * self.width
        for first in range(0, area, step or 1):
            last = min(first + step, area)
            begin, end = np.searchsorted(self.begins, first, "right") - 1, np.searchsorted(self.begins, last, "left")
            begins = np.maximum(self.begins[begin:end], first)
            yield np.repeat(self.values[begin:end], np.diff(begins, append=last)).reshape(-1, self.width)

    def masks(self, *, has_zero: bool = False) -> list[tuple[int, BoxRuns]]:
        """Cut the image into the masks of its values, ascending; 0 is left out unless it is one."""
        starts, ends = self.begins, np.append(self.begins[1:], self.height * self.width)[: len(self.begins)]
        order = np.argsort(self.values, kind="stable")
        cuts = np.flatnonzero(self.values[order][1:] != self.values[order][:-1]) + 1
        found = []
        for places in np.split(order, cuts) if len(order) else ():
            value = int(self.values[places[0]])
            if value or has_zero:
                edges = np.stack((starts[places], ends[places]), axis=1).ravel()
                runs = np.diff(np.concatenate(([0], edges, [self.height * self.width])))
                found.append((value, rle.box_runs_from_frame_runs(runs, self.width, self.height)))
        return found


class Painting:
    """Masks painted over each other, the first at the bottom.

    Parameters
    ----------
    masks : sequence of BoxRuns
        Each inside the image.
    values : (n,) int
        What each mask writes into its pixels, above 0; masks of one value do not hide each other.
    height, width : int
        Size of the image in pixels.
    extents : bool
        Whether to fill ``extents`` too.

    Attributes
    ----------
    image : FlatImage
        0 where no mask is; of the smallest unsigned type that holds all values.
    areas, hidden : list of int
        For each mask the number of its pixels, and of those that show another value in the end.
    extents : list of (int, int, int, int)
        For each mask the box of its pixels that show its value: left, top, right, bottom.

    Raises
    ------
    ValueError
        The runs of a mask do not fit its box, a box does not fit the image, or the image is too large.

    >>> painting = Painting([(np.array([0, 2]), 0, 0, 2, 1), (np.array([0, 2]), 1, 0, 2, 1)], [7, 8], 1, 4)
    >>> list(painting.image.bands()), painting.hidden
    ([array([[7, 8, 8, 0]], dtype=uint8)], [1, 0])
    """

    def __init__(
        self, masks: Sequence[BoxRuns], values: ArrayLike, height: int, width: int, *, extents: bool = False
    ) -> None:
        rle.check_size(height, width)
        if width > _WIDEST:
            raise ValueError(f"An image of {width} pixels in a row is wider than the {_WIDEST} that can be painted.")
        self._height, self._width = height, width
        self._values: list[int] = np.asarray(values, np.uint32).tolist()
        if len(masks) != len(self._values):
            raise ValueError(f"{len(masks)} masks have {len(self._values)} values.")
        self._changes = [_changes(*mask, height, width) for mask in masks]
        self._has_extents = extents
        self.areas = [int((one[1::2] - one[::2]).sum()) for one in self._changes]
        self.hidden = self.areas.copy()
        self.extents = [(width, height, 0, 0)] * len(masks)
        self.image = self._painted()

    def _painted(self) -> FlatImage:
        area, kind = self._height * self._width, np.min_scalar_type(max(self._values, default=0))
        parts = 1 + sum(map(len, self._changes)) // _PAINTED_AT_ONCE
        cuts = [area * part // parts for part in range(parts + 1)]
        begins, values = [np.zeros(min(area, 1), np.int64)], [np.zeros(min(area, 1), kind)]
        for first, last in pairwise(cuts):
            some = self._changes if parts == 1 else [_between(one, first, last) for one in self._changes]
            edges, painted = self._paint(some, kind)
            begins.append(edges)
            values.append(painted)
        places, painted = np.concatenate(begins), np.concatenate(values)
        # The last of several values that begin at one pixel counts; an edge between equal values is none.
        is_last = np.append(places[1:] != places[:-1], places[-1:] < area)
        places, painted = places[is_last], painted[is_last]
        is_new = np.append([True] * min(len(painted), 1), painted[1:] != painted[:-1])
        return FlatImage(places[is_new], painted[is_new], self._height, self._width)

    def _paint(self, changes: Sequence[rle.Runs], kind: Any) -> tuple[rle.Runs, NDArray[Any]]:
        """Paint pixels between neighbouring edges together; return the edges of all masks, and what begins there."""
        edges, places = np.unique(np.concatenate([np.empty(0, np.int64), *changes]), return_inverse=True)
        painted, lengths = np.zeros(len(edges), kind), np.diff(edges)
        spans: list[tuple[slice, NDArray[np.bool_]]] = []
        end = 0
        for one, value in zip(changes, self._values, strict=True):
            own = places[end : end + len(one)]
            end += len(one)
            span = slice(int(own[0]), int(own[-1])) if len(own) else slice(0, 0)
            inside = np.repeat(np.arange(1, len(own)) & 1 == 1, np.diff(own))
            painted[span][inside] = value
            spans.append((span, inside))
        for index, ((span, inside), value) in enumerate(zip(spans, self._values, strict=True)):
            shown = painted[span] == value
            shown &= inside
            self.hidden[index] -= int(lengths[span][shown].sum())
            if self._has_extents and shown.any():
                self._extend(index, edges[span][shown], edges[span.start + 1 : span.stop + 1][shown])
        return edges, painted

    def _extend(self, index: int, starts: rle.Runs, ends: rle.Runs) -> None:
        rows = starts // self._width
        columns = starts - rows * self._width
        top, bottom = int(rows[0]), (int(ends[-1]) - 1) // self._width + 1
        left, right = int(columns.min()), int((columns + ends - starts).max())
        if right > self._width:  # it goes on in the next row, and has set both ends of a row
            left, right = 0, self._width
        x0, y0, x1, y1 = self.extents[index]
        self.extents[index] = min(x0, left), min(y0, top), max(x1, right), max(y1, bottom)


def _changes(runs: rle.Runs, left: int, top: int, box_width: int, box_height: int, height: int, width: int) -> rle.Runs:
    """Return where in an image a mask begins and ends, in pairs."""
    if min(left, top) < 0 or left + box_width > width or top + box_height > height:
        size = f"{box_width} x {box_height}"
        raise ValueError(f"A box at {left}, {top} of {size} pixels leaves {width} x {height}.")
    return rle.frame_changes_from_box_runs(runs, left, top, box_width, box_height, width, height)


def _between(changes: rle.Runs, first: int, last: int) -> rle.Runs:
    """Return what of a mask, given by pairs of changes, is from one pixel to another."""
    begin, end = np.searchsorted(changes[1::2], first, "right"), np.searchsorted(changes[::2], last, "left")
    return np.clip(changes[2 * begin : 2 * end], first, last)


def values_in(bands: Iterable[NDArray[Any]], *, has_zero: bool = False) -> list[tuple[int, BoxRuns]]:
    """Cut an image with one value a pixel into the masks of its values; 0 is left out unless it is one.

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
    return FlatImage.of(bands).masks(has_zero=has_zero)


def values_of(band: NDArray[Any]) -> list[int]:
    """Return which values the pixels of an image have, ascending.

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
