"""Mask to rings, rings to mask, mask to box.

Both ways are exact. A ring made from a mask runs along the edges between set and unset pixels ("cracks"), with vertices
at whole numbers and only where it turns. A mask made from rings has the very pixels that pycocotools gives them. One
follows from the other: ``mask_from_rings(rings_from_mask(mask), *mask.shape)`` is the mask.

A mask has shape (height, width), row 0 at the top; the pixel (0, 0) covers [0, 1) x [0, 1). Ring coordinates are
pixels, x before y, origin top-left. Foreground pixels are connected along edges, not corners, so no ring crosses
itself; it may touch itself or another ring at a corner. Outer rings run clockwise on screen (positive ``signed_area``),
holes the other way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pycocotools import _mask

from encord_convert.geometry import rle
from encord_convert.geometry.rings import Flat, check_ring, clip_ring_to

_FAR_PX = 2**14
"""Coordinates up to here outside the image go to the rasteriser as they are."""

_FARTHEST_PX = 2**28
"""Five times this, and no more, fits the 32-bit whole numbers of the rasteriser; no image is wider."""

_MOST_STEPS = 2**26
"""Longest outline, in fifths of a pixel, that is handed to the rasteriser: it holds every step in memory (0.5 GB)."""


def rings_from_mask(mask: Any) -> list[list[float]]:
    """Trace the pixel edges around every part and hole of a mask.

    Parameters
    ----------
    mask : (height, width) bool or integer
        Set where it is not 0.

    Returns
    -------
    list of rings
        x0, y0, x1, y1, ... in pixels, whole numbers, vertices only at turns; outer rings clockwise on screen, holes
        counter-clockwise. Ordered by their first points, row by row. ``rings.nest`` groups them.

    Raises
    ------
    ValueError
        See ``rle.runs_from_mask``.

    >>> rings_from_mask(np.array([[0, 1, 1], [0, 0, 1]], bool))
    [[1.0, 0.0, 3.0, 0.0, 3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0]]
    """
    pixels = np.asarray(mask)
    runs = rle.runs_from_mask(pixels)
    return rings_from_runs(runs, *pixels.shape)


def rings_from_runs(runs: ArrayLike, height: int, width: int) -> list[list[float]]:
    """Trace the pixel edges around every part and hole of a mask given by row runs.

    The work grows with the number of runs, not of pixels. Result as ``rings_from_mask``; for runs inside a box, add its
    left and top.

    Parameters
    ----------
    runs : (n,) int
        Row runs, background first, summing to height x width.
    height, width : int
        Size in pixels.

    Raises
    ------
    ValueError
        See ``rle.check_runs``.

    >>> rings_from_runs([1, 2, 2, 1], 2, 3)
    [[1.0, 0.0, 3.0, 0.0, 3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0]]
    """
    places, is_down, is_end = _corners(rle.row_pieces(runs, height, width), width + 1)
    if not len(places):
        return []
    ys, xs = np.divmod(places, width + 1)
    # Along a column the corners come in pairs, the upper end of an edge and the lower; at a corner of two diagonal
    # pixels the edge that ends there comes before the one that starts.
    by_column = np.lexsort((is_down, ys, xs))
    vertical = np.empty(len(places), np.int64)
    vertical[by_column[0::2]] = by_column[1::2]
    vertical[by_column[1::2]] = by_column[0::2]
    # Along a row the pairs are neighbours: 0 and 1, 2 and 3. With the foreground to its right a ring goes down where a
    # piece ends and up where one starts; this says from which corners it sets out horizontally.
    index = np.arange(len(places))
    following = vertical[index ^ 1]
    sets_out = np.flatnonzero(is_down != is_end)
    order, starts = _cycles(following.tolist(), sets_out.tolist())
    first = np.array(order)
    flat = np.empty((len(first), 4))
    flat[:, 0], flat[:, 1] = xs[first], ys[first]
    flat[:, 2], flat[:, 3] = xs[first ^ 1], ys[first ^ 1]
    numbers = flat.ravel().tolist()
    return [numbers[4 * begin : 4 * end] for begin, end in zip(starts, [*starts[1:], len(order)], strict=True)]


def mask_from_rings(rings: Iterable[Flat], height: int, width: int) -> NDArray[np.bool_]:
    """Rasterise rings into a mask, combined by exclusive or: nested rings are holes.

    Parameters
    ----------
    rings : iterable of (2 n,) float
        x0, y0, x1, y1, ... in pixels, in either direction. A ring of fewer than three points paints nothing.
    height, width : int
        Size of the mask in pixels.

    Returns
    -------
    (height, width) bool
        The pixels pycocotools gives each ring. Writable, C order.

    Raises
    ------
    ValueError
        See ``column_runs_from_rings``.

    Source
    ------
    cocoapi 2.0 ``maskApi.c``, ``rleFrPoly``: corners in fifths of a pixel, a pixel belongs when its centre is inside.

    >>> mask_from_rings([[1, 0, 3, 0, 3, 2, 2, 2, 2, 1, 1, 1]], 2, 3).astype(int)
    array([[0, 1, 1],
           [0, 0, 1]])
    """
    return _mask_from_column_runs(column_runs_from_rings(rings, height, width), height, width)


def mask_from_polygons_union(polygons: Iterable[Flat], height: int, width: int) -> NDArray[np.bool_]:
    """Rasterise rings into a mask, united: the parts of a COCO polygon annotation, which has no holes.

    Parameters, result and errors are those of ``mask_from_rings``.

    Source
    ------
    cocoapi 2.0 ``coco.py``, ``annToRLE``: the parts of one object are merged.

    >>> mask_from_polygons_union([[0, 0, 2, 0, 2, 1, 0, 1], [1, 0, 3, 0, 3, 1, 1, 1]], 1, 4).astype(int)
    array([[1, 1, 1, 0]])
    """
    return _mask_from_column_runs(column_runs_from_polygons_union(polygons, height, width), height, width)


def column_runs_from_rings(rings: Iterable[Flat], height: int, width: int) -> rle.Runs:
    """Rasterise rings, each alone, combined by exclusive or, without touching a pixel.

    Parameters
    ----------
    rings : iterable of (2 n,) float
        x0, y0, x1, y1, ... in pixels.
    height, width : int
        Size of the mask in pixels.

    Returns
    -------
    (n,) int64
        Column runs of the whole mask, background first.

    Raises
    ------
    ValueError
        A ring is refused by ``rings.check_ring``, an outline is too long for the memory it would take,
        or the size is refused. Coordinates far outside the image are no error: the ring is cut there.

    >>> column_runs_from_rings([[1, 0, 3, 0, 3, 2, 2, 2, 2, 1, 1, 1]], 2, 3)
    array([2, 1, 1, 2])
    """
    return rle.xor_of_runs(_runs_of_each(rings, height, width), height * width)


def column_runs_from_polygons_union(polygons: Iterable[Flat], height: int, width: int) -> rle.Runs:
    """Rasterise rings, each alone, united, without touching a pixel; see ``column_runs_from_rings``.

    >>> column_runs_from_polygons_union([[0, 0, 2, 0, 2, 1, 0, 1], [1, 0, 3, 0, 3, 1, 1, 1]], 1, 4)
    array([0, 3, 1])
    """
    return rle.union_of_runs(_runs_of_each(polygons, height, width), height * width)


def box_from_mask(mask: Any) -> tuple[int, int, int, int]:
    """Return the tight box of a mask.

    Returns
    -------
    left, top, width, height : int
        In pixels, origin top-left; four zeros when no pixel is set.

    >>> box_from_mask(np.array([[0, 1, 1], [0, 0, 1]], bool))
    (1, 0, 2, 2)
    """
    pixels = np.asarray(mask)
    return rle.box_from_runs(rle.runs_from_mask(pixels), *pixels.shape)


def _corners(pieces: rle.Runs, stride: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the corners of the outline.

    ``pieces`` are the ends of vertical edges one pixel high, start and end of each foreground piece in turn, numbered
    row * stride + column. Returns the corners in reading order, numbered alike: where they are, whether their vertical
    edge goes down from there (else up), and whether the foreground is left of that edge (else right). A corner of two
    diagonal pixels is there twice: first the one whose horizontal edge goes left, then the one whose edge goes right.
    """
    is_end = np.arange(len(pieces)) % 2 == 1
    places = np.concatenate([pieces, pieces + stride])  # upper ends, lower ends
    is_down = np.repeat([True, False], len(pieces))
    is_end = np.concatenate([is_end, is_end])
    order = np.argsort(places, kind="stable")
    places, is_down, is_end = places[order], is_down[order], is_end[order]
    twice = np.flatnonzero(places[1:] == places[:-1])
    # Where an edge simply goes on downwards nothing turns. Where the foreground changes sides, two pixels meet at their
    # corners; each keeps its own two edges. The upper pixel is left when the upper edge has foreground to its left, and
    # then its corner comes first, as its horizontal edge goes left.
    goes_on = twice[is_end[twice] == is_end[twice + 1]]
    diagonal = twice[is_end[twice] != is_end[twice + 1]]
    # The stable sort has put the edge that goes down before the one that goes up.
    upper_first = diagonal[is_end[diagonal + 1]]
    swapped = np.arange(len(places))
    swapped[upper_first], swapped[upper_first + 1] = upper_first + 1, upper_first
    turns = np.ones(len(places), bool)
    turns[goes_on] = turns[goes_on + 1] = False
    chosen = swapped[turns]
    return places[chosen], is_down[chosen], is_end[chosen]


def _cycles(following: list[int], members: list[int]) -> tuple[list[int], list[int]]:
    """Walk every cycle from its first member: all members in the order of the walk, and where each cycle starts."""
    order: list[int] = []
    starts: list[int] = []
    is_seen = bytearray(len(following))
    for member in members:
        if is_seen[member]:
            continue
        starts.append(len(order))
        while not is_seen[member]:
            is_seen[member] = 1
            order.append(member)
            member = following[member]
    return order, starts


def _runs_of_each(rings: Iterable[Flat], height: int, width: int) -> list[rle.Runs]:
    rle.check_size(height, width)
    drawable = [ring for ring in (_drawable(flat, height, width) for flat in rings) if len(ring)]
    if not drawable:
        return []
    return [rle.runs_from_string(each["counts"]) for each in _mask.frPyObjects(drawable, height, width)]


def _drawable(flat: Flat, height: int, width: int) -> NDArray[np.float64]:
    """Give the C code a ring it can take: finite, not far away, of bounded length; empty when it paints nothing."""
    ring = check_ring(flat)
    if ring.size < 6:
        return ring[:0]
    first_x, last_x = _reach(width)
    first_y, last_y = _reach(height)
    xs, ys = ring[0::2], ring[1::2]
    if xs.min() < first_x or xs.max() > last_x or ys.min() < first_y or ys.max() > last_y:
        ring = np.array(clip_ring_to(ring, first_x, first_y, last_x, last_y))
        if ring.size < 6:
            return ring[:0]
        xs, ys = ring[0::2], ring[1::2]
    across, down = np.diff(xs, append=xs[0]), np.diff(ys, append=ys[0])
    steps = 5 * float(np.maximum(np.abs(across), np.abs(down)).sum())
    if steps > _MOST_STEPS:
        raise ValueError(f"The outline of a ring is {steps / 5:.0f} pixels long, more than {_MOST_STEPS // 5}.")
    return ring


def _reach(size: int) -> tuple[int, int]:
    """First and last coordinate that go to the rasteriser as they are, in pixels."""
    far = max(size, _FAR_PX)
    return -far, min(2 * far, _FARTHEST_PX)


def _mask_from_column_runs(runs: rle.Runs, height: int, width: int) -> NDArray[np.bool_]:
    return rle.mask_from_runs(rle.row_runs_from_column_runs(runs, height, width), height, width)
