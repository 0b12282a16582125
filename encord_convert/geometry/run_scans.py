"""Run lengths in other scans and frames: rows to columns, a box to its frame, and back.

*Row runs* scan a mask of shape (height, width) left to right and then down; *column runs* scan it downwards and then to
the right: they are the row runs of its transpose.

The names for others are those of :mod:`encord_convert.geometry.rle`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from encord_convert.geometry.runs import (
    Runs,
    alternating,
    changes_of,
    check_runs,
    check_size,
    mask_from_runs,
    runs_from_changes,
    runs_from_mask,
)  # fmt: skip


def box_from_runs(runs: ArrayLike, height: int, width: int) -> tuple[int, int, int, int]:
    """Find the tight box of a mask given by row runs.

    Returns
    -------
    left, top, width, height : int
        In pixels, origin top-left; four zeros when no pixel is set.

    >>> box_from_runs([1, 2, 2, 1, 6], 3, 4)
    (1, 0, 2, 2)
    """
    changes = changes_of(check_runs(runs, height, width))
    return _box(changes, width)[:4] if len(changes) else (0, 0, 0, 0)


def frame_runs_from_box_runs(
    runs: ArrayLike, left: int, top: int, width: int, height: int, frame_width: int, frame_height: int
) -> Runs:
    """Place the row runs of a box into its frame.

    Parameters
    ----------
    runs : (n,) int
        Row runs inside the box, background first.
    left, top, width, height : int
        The box in pixels, origin top-left; inside the frame.
    frame_width, frame_height : int
        Size of the frame in pixels.

    Returns
    -------
    (m,) int64
        Row runs of the whole frame.

    Raises
    ------
    ValueError
        The runs do not fit the box, or the box does not fit the frame; see ``check_runs``, ``clipped_box_runs``.

    >>> frame_runs_from_box_runs([1, 2, 1], 1, 0, 2, 2, 4, 2)
    array([2, 1, 2, 1, 2])
    """
    changes = frame_changes_from_box_runs(runs, left, top, width, height, frame_width, frame_height)
    return runs_from_changes(changes, frame_width * frame_height)


def frame_changes_from_box_runs(
    runs: ArrayLike, left: int, top: int, width: int, height: int, frame_width: int, frame_height: int
) -> Runs:
    """Say where in a frame the foreground of a box begins and ends.

    Parameters and errors are those of ``frame_runs_from_box_runs``.

    Returns
    -------
    (2 m,) int64
        Start and end of each run in turn, row x width + column of the frame.

    >>> frame_changes_from_box_runs([1, 2, 1], 1, 0, 2, 2, 4, 2)
    array([2, 3, 5, 6])
    """
    _checked_placement(left, top, width, height, frame_width, frame_height)
    changes = changes_of(check_runs(runs, height, width))
    if width == frame_width:
        return changes + top * frame_width
    changes, rows = _cut_at_rows(changes, width)
    changes += np.repeat(rows, 2) * (frame_width - width) + (top * frame_width + left)
    return changes


def box_runs_from_frame_runs(runs: ArrayLike, frame_width: int, frame_height: int) -> tuple[Runs, int, int, int, int]:
    """Cut the tight box out of the row runs of a frame.

    Returns
    -------
    runs : (n,) int64
        Row runs inside the box, background first; one run of 0 when no pixel is set.
    left, top, width, height : int
        The box in pixels, origin top-left; four zeros when no pixel is set.

    Raises
    ------
    ValueError
        See ``check_runs``.

    >>> box_runs_from_frame_runs([2, 1, 2, 1, 2], 4, 2)
    (array([1, 2, 1]), 1, 0, 2, 2)
    """
    changes = changes_of(check_runs(runs, frame_height, frame_width))
    if not len(changes):
        return np.zeros(1, np.int64), 0, 0, 0, 0
    left, top, width, height, rows = _box(changes, frame_width)
    if width == frame_width:
        changes = changes - top * width
    else:
        shift = rows * (frame_width - width) + (left + top * width)
        changes = (changes.reshape(-1, 2) - shift[:, None]).ravel()
        changes = _without_touching(changes)
    return runs_from_changes(changes, width * height), left, top, width, height


def clipped_box_runs(
    runs: ArrayLike, left: int, top: int, width: int, height: int, frame_width: int, frame_height: int
) -> tuple[Runs, int, int, int, int, int]:
    """Cut away what a box of row runs has outside its frame.

    Returns
    -------
    runs : (n,) int64
        Row runs inside the clipped box; one run of 0 when nothing of the box is inside.
    left, top, width, height : int
        The clipped box in pixels, origin top-left; four zeros when nothing of the box is inside.
    lost : int
        Set pixels that were outside the frame.

    >>> clipped_box_runs([0, 4], -1, 0, 2, 2, 4, 2)
    (array([0, 2]), 0, 0, 1, 2, 2)
    """
    check_size(frame_height, frame_width)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, frame_width), min(top + height, frame_height)
    if (x0, y0, x1, y1) == (left, top, left + width, top + height):
        return check_runs(runs, height, width), left, top, width, height, 0
    mask = mask_from_runs(runs, height, width)
    if x0 >= x1 or y0 >= y1:
        return np.zeros(1, np.int64), 0, 0, 0, 0, int(np.count_nonzero(mask))
    inside = mask[y0 - top : y1 - top, x0 - left : x1 - left]
    lost = int(np.count_nonzero(mask)) - int(np.count_nonzero(inside))
    return runs_from_mask(inside), x0, y0, x1 - x0, y1 - y0, lost


def column_frame_runs_from_box_runs(
    runs: ArrayLike, left: int, top: int, width: int, height: int, frame_width: int, frame_height: int
) -> Runs:
    """Turn the row runs of a box into the column runs of its frame: CVAT mask to COCO.

    The work grows with the box, not with the frame. Parameters and errors are those of ``frame_runs_from_box_runs``.

    Returns
    -------
    (m,) int64
        Column runs of the whole frame.

    >>> column_frame_runs_from_box_runs([1, 2, 1], 1, 0, 2, 2, 4, 2)
    array([3, 2, 3])
    """
    area = _checked_placement(left, top, width, height, frame_width, frame_height)
    runs = check_runs(runs, height, width)
    if len(runs) < 2:
        return np.array([area])
    # Each difference between two rows that follow each other is a change in its column; sorting the few changes is
    # several times faster than transposing the many pixels.
    cells = _cells_below_others(runs, height, width)
    rows = cells // width
    # cell = row * width + column; place = (left + column) * frame_height + top + row
    changes = cells * frame_height
    rows *= width * frame_height - 1
    changes -= rows
    changes += left * frame_height + top
    changes.sort()
    if height == frame_height:
        changes = _without_touching(changes)
    return runs_from_changes(changes, area)


def box_runs_from_column_frame_runs(
    runs: ArrayLike, frame_width: int, frame_height: int
) -> tuple[Runs, int, int, int, int]:
    """Cut the tight box, as row runs, out of the column runs of a frame: COCO to CVAT mask.

    Returns
    -------
    runs, left, top, width, height
        As ``box_runs_from_frame_runs`` returns them.

    >>> box_runs_from_column_frame_runs([3, 2, 3], 4, 2)
    (array([1, 2, 1]), 1, 0, 2, 2)
    """
    columns, top, left, height, width = box_runs_from_frame_runs(runs, frame_height, frame_width)
    rows = column_frame_runs_from_box_runs(columns, 0, 0, height, width, height, width)
    return rows, left, top, width, height


def column_runs_from_row_runs(runs: ArrayLike, height: int, width: int) -> Runs:
    """Change the scan of a mask from rows to columns: hub bitmask to COCO.

    Parameters
    ----------
    runs : (n,) int
        Row runs, background first, summing to height x width.
    height, width : int
        Size of the mask in pixels.

    Returns
    -------
    (m,) int64
        Column runs of the same mask.

    Raises
    ------
    ValueError
        See ``check_runs``.

    >>> column_runs_from_row_runs([1, 2, 2, 1], 2, 3)
    array([2, 1, 1, 2])
    """
    box_runs, left, top, box_width, box_height = box_runs_from_frame_runs(runs, width, height)
    return column_frame_runs_from_box_runs(box_runs, left, top, box_width, box_height, width, height)


def row_runs_from_column_runs(runs: ArrayLike, height: int, width: int) -> Runs:
    """Change the scan of a mask from columns to rows: COCO to hub bitmask.

    ``height`` and ``width`` are those of the mask, as for ``column_runs_from_row_runs``, whose inverse this is.

    >>> row_runs_from_column_runs([2, 1, 1, 2], 2, 3)
    array([1, 2, 2, 1])
    """
    return column_runs_from_row_runs(runs, width, height)


def row_pieces(runs: ArrayLike, height: int, width: int) -> Runs:
    """List the left and right ends of the foreground in each row.

    Parameters
    ----------
    runs : (n,) int
        Row runs, background first, summing to height x width.
    height, width : int
        Size in pixels.

    Returns
    -------
    (2 m,) int64
        Start and end of each piece in turn, in reading order, numbered row x (width + 1) + column; columns are edges,
        from 0 to width.

    >>> np.divmod(row_pieces([1, 4, 1], 2, 3), 4)
    (array([0, 0, 1, 1]), array([1, 3, 0, 2]))
    """
    pieces, rows = _cut_at_rows(changes_of(check_runs(runs, height, width)), width)
    pieces += np.repeat(rows, 2)
    return pieces


def _checked_placement(left: int, top: int, width: int, height: int, frame_width: int, frame_height: int) -> int:
    area = check_size(frame_height, frame_width)
    if left < 0 or top < 0 or left + width > frame_width or top + height > frame_height:
        raise ValueError(
            f"The box at left {left}, top {top} of {width} x {height} pixels (width x height) "
            f"is not inside the frame of {frame_width} x {frame_height}."
        )
    return area


def _cells_below_others(runs: Runs, height: int, width: int) -> Runs:
    """Pixels, row x width + column, that differ from the one above them; there are unset rows above and below."""
    if len(runs) * _LONG_RUN < height * width:
        changes = changes_of(runs)
        edges = np.concatenate((changes, changes + width))
        edges.sort()  # where a change meets one of the row above, nothing is between the two
        starts, counts = edges[::2], edges[1::2] - edges[::2]
        return np.repeat(starts + counts - np.cumsum(counts), counts) + np.arange(int(counts.sum()))
    padded = runs.copy() if len(runs) % 2 else np.append(runs, 0)
    padded[0] += width
    padded[-1] += width
    pixels = np.repeat(alternating(len(padded)), padded)
    return np.flatnonzero(pixels[width:] != pixels[:-width])


_LONG_RUN = 128
"""Pixels of a run on the average from which on the runs are looked at, and no pixel is."""


def _without_touching(changes: Runs) -> Runs:
    """Join a foreground run that starts where the one before it ends."""
    touching = changes[1:-1:2] == changes[2::2]
    if not touching.any():
        return changes
    keep = np.ones(len(changes), bool)
    keep[1:-1:2] = keep[2::2] = ~touching
    return changes[keep]


def _box(changes: Runs, width: int) -> tuple[int, int, int, int, Runs]:
    """Tight box of at least one foreground run, and the row in which each run starts."""
    starts, ends = changes[0::2], changes[1::2]
    rows = starts // width
    top = int(rows[0])
    height = (int(ends[-1]) - 1) // width - top + 1
    from_left = starts - rows * width
    until = from_left + (ends - starts)
    right = int(until.max())
    if right > width:  # a run that goes on in the next row has set both ends of a row
        return 0, top, width, height, rows
    left = int(from_left.min())
    return left, top, right - left, height, rows


def _cut_at_rows(changes: Runs, width: int) -> tuple[Runs, Runs]:
    """Cut foreground runs at the ends of rows: changes in pairs as before, and the row of each pair."""
    if not len(changes):
        return changes.copy(), changes
    starts, ends = changes[0::2], changes[1::2]
    first = starts // width
    counts = (ends - 1) // width - first + 1
    if int(counts.max()) == 1:
        return changes.copy(), first
    index = np.repeat(np.arange(len(starts)), counts)
    rows = first[index] + (np.arange(len(index)) - (np.cumsum(counts) - counts)[index])
    pieces = np.empty(2 * len(index), np.int64)
    pieces[0::2] = np.maximum(starts[index], rows * width)
    pieces[1::2] = np.minimum(ends[index], (rows + 1) * width)
    return pieces, rows
