"""Many masks in one image with one value a pixel: what lies later hides what lies before it.

A mask is given by its *box runs*: row runs inside a box, and the box (left, top, width, height), as
:func:`encord_convert.geometry.rle.box_runs_from_frame_runs` returns them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from encord_convert.geometry import rle

BoxRuns = tuple[rle.Runs, int, int, int, int]
"""Row runs inside a box, and the box: left, top, width, height in pixels."""


def painting(
    masks: Sequence[BoxRuns], values: ArrayLike, height: int, width: int
) -> tuple[NDArray[np.uint32], list[int]]:
    """Paint masks over each other, the first at the bottom.

    The work grows with the boxes, not with the number of masks times the image.

    Parameters
    ----------
    masks : sequence of BoxRuns
        Each inside the image.
    values : (n,) int
        What each mask writes into its pixels, above 0; masks of one value do not hide each other.
    height, width : int
        Size of the image in pixels.

    Returns
    -------
    picture : (height, width) uint32
        0 where no mask is.
    hidden : list of int
        For each mask the number of its pixels that show another value in the end.

    Raises
    ------
    ValueError
        The runs of a mask do not fit its box, a box does not fit the image, or the image is too large.

    >>> painting([(np.array([0, 2]), 0, 0, 2, 1), (np.array([0, 2]), 1, 0, 2, 1)], [7, 8], 1, 4)
    (array([[7, 8, 8, 0]], dtype=uint32), [1, 0])
    """
    rle.check_size(height, width)
    picture = np.zeros((height, width), np.uint32)
    numbers = np.asarray(values, np.uint32).tolist()
    pieces = []
    for (runs, left, top, box_width, box_height), value in zip(masks, numbers, strict=True):
        if min(left, top) < 0 or left + box_width > width or top + box_height > height:
            raise ValueError(f"A box at {left}, {top} of {box_width} x {box_height} pixels leaves {width} x {height}.")
        piece = picture[top : top + box_height, left : left + box_width]
        inside = rle.mask_from_runs(runs, box_height, box_width)
        piece[inside] = value
        pieces.append((piece, inside))
    hidden = [
        int(np.count_nonzero(piece[inside] != value)) for (piece, inside), value in zip(pieces, numbers, strict=True)
    ]
    return picture, hidden


def values_in(picture: NDArray[np.integer]) -> list[tuple[int, BoxRuns]]:
    """Cut an image with one value a pixel into the masks of its values, 0 left out.

    One pass finds the values and their boxes; each mask is then measured inside its box alone.

    Parameters
    ----------
    picture : (height, width) unsigned int
        Values below 2**32.

    Returns
    -------
    list of (int, BoxRuns)
        Ascending by value.

    >>> [(value, runs.tolist(), *box) for value, (runs, *box) in values_in(np.array([[7, 8, 8, 0]]))]
    [(7, [0, 1], 0, 0, 1, 1), (8, [0, 2], 1, 0, 2, 1)]
    """
    height, width = picture.shape
    if not picture.size:
        return []
    flat = np.ascontiguousarray(picture).ravel()
    # Neighbours are mostly equal: the ends of the pieces of one value are few, and say all there is to know. A piece
    # ends with its row, so that its two ends bound its columns.
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.union1d(starts, np.arange(0, flat.size, width))
    ends = np.append(starts[1:], flat.size)
    values, index = np.unique(flat[starts], return_inverse=True)
    rows, lefts = np.divmod(starts, width)
    rights = lefts + (ends - starts)
    box = np.empty((len(values), 4), np.int64)
    box[:] = (width, height, 0, 0)
    np.minimum.at(box[:, 0], index, lefts)
    np.minimum.at(box[:, 1], index, rows)
    np.maximum.at(box[:, 2], index, rights)
    np.maximum.at(box[:, 3], index, rows + 1)
    found = []
    for value, (x0, y0, x1, y1) in zip(values.tolist(), box.tolist(), strict=True):
        if value:
            runs = rle.runs_from_mask(picture[y0:y1, x0:x1] == value)
            found.append((value, (runs, x0, y0, x1 - x0, y1 - y0)))
    return found
