"""Run-length dialects of a mask: COCO string, COCO counts, hub bitmask, CVAT mask.

A mask is a sequence of run lengths in pixels, background and foreground in turn, background first (the first run is 0
when the first pixel is set). What tells the dialects apart is the scan and the text:

===================  ==========================  =============================================
Dialect              Scan                        Text
===================  ==========================  =============================================
COCO counts          columns of the whole image  a list of numbers
COCO string          columns of the whole image  base-32 differences, ``string_from_runs``
hub bitmask          rows of the whole image     the same string
CVAT mask            rows inside a tight box     decimal numbers, ``text_from_runs``
===================  ==========================  =============================================

Runs are 1-D int64 arrays. *Row runs* scan a mask of shape (height, width) left to right and then down; *column runs*
scan it downwards and then to the right. Column runs of a mask are the row runs of its transpose, so a function that
speaks of rows serves columns too when width and height (left and top) change places.

Canonical runs hold no 0 except in front, and end with the last pixel; everything returned here is canonical unless it
says that it keeps the runs of a file. Files come from strangers: each function checks its input before it allocates and
before it calls C code, which would read memory that is not ours.

One module, long as it is: every function is a few lines on the same array and shares the same checks, and a reader who
looks for a dialect should find all of them side by side.

Sources: cocoapi 2.0 ``maskApi.c`` (``rleToString``) and ``mask.py`` (opening comment); CVAT XML 1.1 ``<mask>``; the
hub's string is measured (``fixtures/hub/bitmask_vectors.json``).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pycocotools import _mask

Runs = NDArray[np.int64]
"""Run lengths in pixels, background first."""

MAX_PIXELS = 2**28
"""Largest mask, in pixels, that is taken from a file.

16384 x 16384, a quarter of a gigabyte as booleans: more than any camera and most scanners, and small enough that a file
of a few bytes cannot exhaust the memory of the machine that opens it. It also keeps every sum far inside the 32-bit
counts of the C code.
"""

_limit: ContextVar[int] = ContextVar("pixel_limit", default=MAX_PIXELS)


@contextmanager
def pixel_limit(pixels: int) -> Iterator[None]:
    """Set the largest mask, in pixels, that is taken from a file: up to ``MAX_PIXELS``, which it is by default.

    >>> with pixel_limit(5):
    ...     check_runs([6], 2, 3)
    Traceback (most recent call last):
    ...
    ValueError: A mask of 2 x 3 pixels is larger than the 5 pixels allowed here.
    """
    token = _limit.set(min(pixels, MAX_PIXELS))
    try:
        yield
    finally:
        _limit.reset(token)


def current_pixel_limit() -> int:
    """Return the limit in force: what another process has to be told."""
    return _limit.get()


_ALTERNATING = (np.arange(1 << 12) & 1).astype(bool)
_NUMBER_LIST: msgspec.json.Decoder[list[int]] = msgspec.json.Decoder(list[int])
_LONGEST_NUMBER = 7  # characters: 35 bits hold every 32-bit run and difference
_LONGEST_LENIENT_NUMBER = 12


# --- checks ---------------------------------------------------------------------------------------------------------


def check_size(height: int, width: int) -> int:
    """Refuse a size that no mask here can have.

    Returns
    -------
    int
        height x width.

    Raises
    ------
    ValueError
        The size is not two whole numbers of 0 or more, or has more than ``MAX_PIXELS`` pixels.
    """
    try:
        height, width = operator.index(height), operator.index(width)
    except TypeError:
        raise ValueError(f"The size of a mask is whole pixels, not {height!r} x {width!r} (height x width).") from None
    if height < 0 or width < 0:
        raise ValueError(f"The size of a mask cannot be negative: {height} x {width} (height x width).")
    if height * width > _limit.get():
        raise ValueError(f"A mask of {height} x {width} pixels is larger than the {_limit.get()} pixels allowed here.")
    return height * width


def check_runs(runs: ArrayLike, height: int, width: int) -> Runs:
    """Refuse runs that do not describe a mask of height x width pixels.

    Parameters
    ----------
    runs : (n,) int
        Run lengths in pixels, background first, in either scan order. Zero runs are allowed anywhere.
    height, width : int
        Size in pixels.

    Returns
    -------
    (n,) int64
        The same runs; without a copy when they came as such an array.

    Raises
    ------
    ValueError
        A run is negative, fractional or huge; the runs do not sum to height x width; the size is negative or larger
        than ``MAX_PIXELS``.
    """
    area = check_size(height, width)
    runs = _checked(runs)
    total = int(np.add.reduce(runs))
    if total != area:
        raise ValueError(f"The runs sum to {total} pixels, but {height} x {width} (height x width) is {area}.")
    return runs


def repaired_runs(runs: ArrayLike, height: int, width: int) -> tuple[Runs, int]:
    """Make runs fill a mask of height x width pixels: pad the end with background or clip it.

    Parameters
    ----------
    runs : (n,) int
        Run lengths in pixels, background first, as a file gave them.
    height, width : int
        Size in pixels.

    Returns
    -------
    runs : (m,) int64
        Runs that sum to height x width.
    missing : int
        Pixels that were padded; negative for pixels that were clipped; 0 when there was nothing to repair.

    Raises
    ------
    ValueError
        A run is negative, fractional or huge, or the size is.

    Source
    ------
    CVAT XML 1.1 ``<mask>``, measured in the wild: a missing tail means background, an excess carries nothing.

    >>> repaired_runs([1, 2], 2, 3)
    (array([1, 2, 3]), 3)
    >>> repaired_runs([1, 9], 2, 3)
    (array([1, 5]), -4)
    """
    area = check_size(height, width)
    runs = _checked(runs)
    missing = area - int(np.add.reduce(runs))
    if missing == 0 and len(runs):
        return runs, 0
    if missing >= 0:
        if len(runs) % 2 == 0:
            return np.append(runs, missing), missing
        padded = runs.copy()
        padded[-1] += missing
        return padded, missing
    ends = np.cumsum(runs)
    last = int(np.searchsorted(ends, area))
    clipped = runs[: last + 1].copy()
    clipped[-1] -= ends[last] - area
    return clipped, missing


def canonical_runs(runs: ArrayLike) -> Runs:
    """Merge what zero runs keep apart, so that equal masks have equal runs.

    >>> canonical_runs([1, 0, 1, 4, 0])
    array([2, 4])
    """
    runs = _checked(runs)
    if len(runs) and bool(runs[1:].all()):
        return runs
    ends = np.cumsum(runs)
    total = int(ends[-1]) if len(ends) else 0
    # Two changes at one place cancel: what is left are the places where the value really changes.
    places, times = np.unique(ends[:-1], return_counts=True)
    changes = places[(times % 2 == 1) & (places < total)]
    return np.asarray(np.diff(changes, prepend=0, append=total))


# --- masks ----------------------------------------------------------------------------------------------------------


def runs_from_mask(mask: Any) -> Runs:
    """Measure the row runs of a mask.

    Parameters
    ----------
    mask : (height, width) bool or integer
        Set where it is not 0; any memory layout, read-only too; an image of mode "1" will do. Row 0 is the top.

    Returns
    -------
    (n,) int64
        Row runs, background first. ``runs_from_mask(mask.T)`` are the column runs.

    >>> runs_from_mask(np.array([[0, 1, 1], [0, 0, 1]], bool))
    array([1, 2, 2, 1])
    """
    pixels = np.asarray(mask)
    if pixels.ndim != 2:
        raise ValueError(f"A mask has two dimensions, height and width; this array has {pixels.ndim}.")
    if pixels.dtype.kind not in "bui":
        raise ValueError(f"A mask is boolean or whole numbers, not {pixels.dtype}. Compare it with a threshold first.")
    if pixels.dtype.kind != "b":
        pixels = pixels != 0
    flat = pixels.ravel()
    if not flat.size:
        return np.zeros(1, np.int64)
    # On booleans != compares truth, not bytes, so 1 and 255 side by side are one run.
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    changes += 1
    first = 1 if flat[0] else 0
    runs = np.empty(len(changes) + first + 1, np.int64)
    runs[0] = 0
    ends = runs[first:]
    ends[:-1] = changes
    ends[-1] = flat.size
    ends[1:] -= changes
    return runs


def mask_from_runs(runs: ArrayLike, height: int, width: int) -> NDArray[np.bool_]:
    """Paint row runs into a mask.

    Parameters
    ----------
    runs : (n,) int
        Row runs, background first, summing to height x width; zero runs are allowed.
    height, width : int
        Size in pixels. For column runs give width and height, and transpose the result.

    Returns
    -------
    (height, width) bool
        Set inside. Writable, C order.

    Raises
    ------
    ValueError
        See ``check_runs``.

    >>> mask_from_runs([1, 2, 2, 1], 2, 3).astype(int)
    array([[0, 1, 1],
           [0, 0, 1]])
    """
    runs = check_runs(runs, height, width)
    return np.repeat(_alternating(len(runs)), runs).reshape(height, width)


# --- the base-32 string ---------------------------------------------------------------------------------------------


def string_from_runs(runs: ArrayLike) -> str:
    """Render runs as the base-32 string of COCO (column runs) and of the hub (row runs).

    Parameters
    ----------
    runs : (n,) int
        Run lengths in pixels. They are written as they are; canonical runs give the canonical string.

    Returns
    -------
    str
        ASCII from "0" to "o", backslash included.

    Raises
    ------
    ValueError
        A run is negative, fractional or huge, or their sum is larger than ``MAX_PIXELS``.

    Source
    ------
    cocoapi 2.0 ``maskApi.c``, ``rleToString``; equality with the hub is measured,
    ``fixtures/hub/bitmask_vectors.json``.

    >>> string_from_runs([1, 2, 3, 3, 3, 2, 5, 1])
    '12310O2O'
    """
    runs = _checked(runs)
    area = int(np.add.reduce(runs))
    if area > MAX_PIXELS:
        raise ValueError(f"The runs sum to {area} pixels, more than the {MAX_PIXELS} pixels allowed here.")
    # Given an array, not a list, the C coder is faster than a vectorised one at any number of runs. One row of all
    # pixels is a size as good as any: the string does not hold it.
    counts: bytes = _mask.frPyObjects({"counts": runs, "size": [1, area]}, 1, area)["counts"]
    return counts.decode("ascii")


def runs_from_string(text: str | bytes) -> Runs:
    """Parse the base-32 string of COCO (column runs) and of the hub (row runs).

    Parameters
    ----------
    text : str or bytes
        ASCII from "0" to "o".

    Returns
    -------
    (n,) int64
        Run lengths in pixels as the string holds them, zero runs included. The sum is not checked: ``check_runs`` does.

    Raises
    ------
    ValueError
        A character is outside the alphabet, the string ends inside a number, a number has more than 7 characters, or a
        run is negative.

    Source
    ------
    cocoapi 2.0 ``maskApi.c``, ``rleFrString``.

    >>> runs_from_string("12310O2O").tolist()
    [1, 2, 3, 3, 3, 2, 5, 1]
    """
    runs = _numbers_from_string(text)
    runs[1::2].cumsum(out=runs[1::2])
    runs[2::2].cumsum(out=runs[2::2])
    if len(runs) and runs.min() < 0:
        place = int(np.argmax(runs < 0))
        raise ValueError(f"Run {place} (counted from 0) of the string is {int(runs[place])}. Runs cannot be negative.")
    return runs


def string_from_mask(mask: Any) -> str:
    """Render the row runs of a mask as the hub's string.

    >>> string_from_mask(np.array([[0, 1, 1], [0, 0, 1]], bool))
    '122O'
    """
    return string_from_runs(runs_from_mask(mask))


def mask_from_string(text: str | bytes, height: int, width: int, *, lenient: bool = False) -> NDArray[np.bool_]:
    """Paint the hub's string, row runs, into a mask.

    Parameters
    ----------
    text : str or bytes
        The base-32 string.
    height, width : int
        Size in pixels.
    lenient : bool
        Read irregular strings as the hub does instead of refusing them: runs that end early leave the rest unset, a
        number cut short counts without its sign, a negative run paints nothing, and a character outside the alphabet
        counts by its low six bits.

    Returns
    -------
    (height, width) bool
        Set inside. Writable, C order.

    Raises
    ------
    ValueError
        The string is irregular and ``lenient`` is false, or the size is refused; see ``runs_from_string``,
        ``check_runs``.
    IndexError
        ``lenient``, and the runs reach beyond the last pixel.

    Source
    ------
    Measured, ``fixtures/hub/bitmask_vectors.json``, "decode".

    >>> mask_from_string("02", 2, 3, lenient=True).astype(int)
    array([[1, 1, 0],
           [0, 0, 0]])
    """
    if not lenient:
        return mask_from_runs(runs_from_string(text), height, width)
    area = check_size(height, width)
    try:
        runs = runs_from_string(text)
    except ValueError:
        runs = _lenient_runs(text, area)
    if (len(runs) and int(runs.max()) > area) or int(runs.sum()) > area:
        raise IndexError(f"The runs reach beyond the {area} pixels of {height} x {width} (height x width).")
    painted, _ = repaired_runs(runs, height, width)
    return mask_from_runs(painted, height, width)


# --- numbers in JSON and XML ----------------------------------------------------------------------------------------


def runs_from_counts(counts: str | bytes | Sequence[int] | NDArray[Any]) -> Runs:
    """Parse the ``counts`` of a COCO segmentation: a base-32 string, as text or bytes, or a list of numbers.

    Returns
    -------
    (n,) int64
        Column runs as the file holds them. The sum is not checked: ``check_runs`` does.

    Source
    ------
    cocoapi 2.0 ``mask.py``, opening comment.

    >>> runs_from_counts("321O4").tolist() == runs_from_counts([3, 2, 1, 1, 5]).tolist()
    True
    """
    if isinstance(counts, (str, bytes)):
        return runs_from_string(counts)
    return _checked(counts)


def runs_from_text(text: str) -> Runs:
    """Parse the decimal run lengths of a CVAT mask.

    Parameters
    ----------
    text : str
        Numbers separated by commas, blanks allowed around them: ``"1, 2, 2, 1, 6"``.

    Returns
    -------
    (n,) int64
        Row runs inside the mask's box, as the file holds them; empty for an empty text. The sum is not checked:
        ``check_runs`` and ``repaired_runs`` do.

    Raises
    ------
    ValueError
        Something is not a whole number of 0 or more.

    >>> runs_from_text("1, 2, 2, 1, 6")
    array([1, 2, 2, 1, 6])
    """
    try:
        return _checked(_NUMBER_LIST.decode(f"[{text}]"))
    except msgspec.DecodeError:
        raise ValueError(f"Run lengths are whole numbers separated by commas, not {_excerpt(text)}.") from None


def text_from_runs(runs: ArrayLike) -> str:
    """Render runs as the decimal text of a CVAT mask.

    >>> text_from_runs([1, 2, 2, 1, 6])
    '1, 2, 2, 1, 6'
    """
    return ", ".join(map(str, _checked(runs).tolist()))


# --- boxes and scan orders ------------------------------------------------------------------------------------------


def area_from_runs(runs: ArrayLike) -> int:
    """Count the set pixels of runs in any scan order.

    >>> area_from_runs([1, 2, 2, 1])
    3
    """
    return int(np.add.reduce(_checked(runs)[1::2]))


def box_from_runs(runs: ArrayLike, height: int, width: int) -> tuple[int, int, int, int]:
    """Find the tight box of a mask given by row runs.

    Returns
    -------
    left, top, width, height : int
        In pixels, origin top-left; four zeros when no pixel is set.

    >>> box_from_runs([1, 2, 2, 1, 6], 3, 4)
    (1, 0, 2, 2)
    """
    changes = _changes(check_runs(runs, height, width))
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
    return _runs_from_changes(changes, frame_width * frame_height)


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
    changes = _changes(check_runs(runs, height, width))
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
    changes = _changes(check_runs(runs, frame_height, frame_width))
    if not len(changes):
        return np.zeros(1, np.int64), 0, 0, 0, 0
    left, top, width, height, rows = _box(changes, frame_width)
    if width == frame_width:
        changes = changes - top * width
    else:
        shift = rows * (frame_width - width) + (left + top * width)
        changes = (changes.reshape(-1, 2) - shift[:, None]).ravel()
        changes = _without_touching(changes)
    return _runs_from_changes(changes, width * height), left, top, width, height


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
    return _runs_from_changes(changes, area)


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
    pieces, rows = _cut_at_rows(_changes(check_runs(runs, height, width)), width)
    pieces += np.repeat(rows, 2)
    return pieces


# --- sets of pixels -------------------------------------------------------------------------------------------------


def union_of_runs(masks: Iterable[ArrayLike], area: int) -> Runs:
    """Unite masks of the same size and scan.

    Parameters
    ----------
    masks : iterable of (n,) int
        Runs of each mask, background first, each summing to ``area``.
    area : int
        Pixels of each mask.

    Returns
    -------
    (m,) int64
        Runs of the pixels set in any mask.

    >>> union_of_runs([[0, 2, 4], [1, 3, 2]], 6)
    array([0, 4, 2])
    """
    changes = [_changes(check_runs(runs, 1, area)) for runs in masks]
    starts = np.sort(np.concatenate([each[0::2] for each in changes] or [np.empty(0, np.int64)]))
    ends = np.sort(np.concatenate([each[1::2] for each in changes] or [np.empty(0, np.int64)]))
    if not len(starts):
        return np.array([area])
    # The k-th start opens a piece of its own exactly when all the earlier pieces have ended before it.
    opens = np.append(True, starts[1:] > ends[:-1])
    united = np.empty(2 * int(np.count_nonzero(opens)), np.int64)
    united[0::2] = starts[opens]
    united[1::2] = ends[np.append(opens[1:], True)]
    return _runs_from_changes(united, area)


def xor_of_runs(masks: Iterable[ArrayLike], area: int) -> Runs:
    """Combine masks of the same size and scan by exclusive or: a ring and its holes become one mask.

    Parameters are those of ``union_of_runs``.

    Returns
    -------
    (m,) int64
        Runs of the pixels set in an odd number of masks.

    >>> xor_of_runs([[0, 6], [2, 2, 2]], 6)
    array([0, 2, 2, 2])
    """
    changes = [_changes(check_runs(runs, 1, area)) for runs in masks]
    if len(changes) == 1:
        return _runs_from_changes(changes[0], area)
    places, times = np.unique(np.concatenate(changes or [np.empty(0, np.int64)]), return_counts=True)
    return _runs_from_changes(places[times % 2 == 1], area)


# --- inside ---------------------------------------------------------------------------------------------------------


def _checked_placement(left: int, top: int, width: int, height: int, frame_width: int, frame_height: int) -> int:
    area = check_size(frame_height, frame_width)
    if left < 0 or top < 0 or left + width > frame_width or top + height > frame_height:
        raise ValueError(
            f"The box at left {left}, top {top} of {width} x {height} pixels (width x height) "
            f"is not inside the frame of {frame_width} x {frame_height}."
        )
    return area


def _checked(runs: ArrayLike) -> Runs:
    is_ready = isinstance(runs, np.ndarray) and runs.dtype == np.int64 and runs.ndim == 1
    checked: Runs = runs if is_ready else _int64_array(runs)  # type: ignore[assignment]
    # Seen as unsigned, a negative run is huge: one pass finds both.
    if len(checked) and np.maximum.reduce(checked.view(np.uint64)) > MAX_PIXELS:
        place = int(checked.view(np.uint64).argmax())
        raise ValueError(
            f"Run {place} (counted from 0) is {int(checked[place])}. Runs are from 0 to {MAX_PIXELS} pixels."
        )
    return checked


def _int64_array(runs: ArrayLike) -> Runs:
    try:
        array = np.asarray(runs)
    except ValueError:
        raise ValueError("Runs are a flat list of whole numbers; these are nested unevenly.") from None
    if array.ndim != 1:
        raise ValueError(f"Runs are a flat list of whole numbers; these have {array.ndim} dimensions.")
    if not array.size:
        return np.empty(0, np.int64)
    # Whole numbers beyond 63 bits come as unsigned, as floats or as objects.
    if array.dtype.kind not in "ui" or (array.dtype == np.uint64 and array.max() >= 2**63):
        raise ValueError(f"Runs are whole numbers from 0 to {MAX_PIXELS}; {_first_strange(runs)!r} is not one of them.")
    return array.astype(np.int64)


def _first_strange(runs: Any) -> Any:
    values = runs.tolist() if isinstance(runs, np.ndarray) else list(runs)
    return next((value for value in values if type(value) is not int or not 0 <= value <= MAX_PIXELS), values[0])


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _alternating(count: int) -> NDArray[np.bool_]:
    if count <= len(_ALTERNATING):
        return _ALTERNATING[:count]
    return (np.arange(count) & 1).astype(bool)


def _changes(runs: Runs) -> Runs:
    """Places where the value changes, in pairs: start and end of each foreground run, the end of the scan included."""
    runs = canonical_runs(runs)
    ends = np.cumsum(runs)
    return ends[:-1] if len(runs) % 2 else ends


def _runs_from_changes(changes: Runs, area: int) -> Runs:
    count = len(changes)
    if not count:
        return np.array([area])
    runs = np.empty(count + 1, np.int64)
    runs[:count] = changes
    runs[count] = area
    runs[1:] -= changes
    return runs if runs[count] else runs[:count]


def _cells_below_others(runs: Runs, height: int, width: int) -> Runs:
    """Pixels, row x width + column, that differ from the one above them; there are unset rows above and below."""
    if len(runs) * _LONG_RUN < height * width:
        changes = _changes(runs)
        edges = np.concatenate((changes, changes + width))
        edges.sort()  # where a change meets one of the row above, nothing is between the two
        starts, counts = edges[::2], edges[1::2] - edges[::2]
        return np.repeat(starts + counts - np.cumsum(counts), counts) + np.arange(int(counts.sum()))
    padded = runs.copy() if len(runs) % 2 else np.append(runs, 0)
    padded[0] += width
    padded[-1] += width
    pixels = np.repeat(_alternating(len(padded)), padded)
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


def _codes(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise ValueError(f"Run lengths in a string are text; this is {type(text).__name__}.")
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise ValueError(f'A run-length string is ASCII from "0" to "o", not {_excerpt(text)}.') from None


def _numbers_from_string(text: str | bytes) -> Runs:
    """Signed numbers as written: whole runs up to the third, differences from the fourth on."""
    groups = np.frombuffer(_codes(text), np.uint8) - np.uint8(48)
    if not len(groups):
        return np.empty(0, np.int64)
    if groups.max() > 63:
        strange = chr(int(groups[np.argmax(groups > 63)]) + 48 & 0xFF)
        raise ValueError(f'A run-length string has characters from "0" to "o"; {strange!r} is not one of them.')
    ends = np.flatnonzero(groups < 32)
    if not len(ends) or ends[-1] != len(groups) - 1:
        raise ValueError("The run-length string ends inside a number. Was it cut short?")
    numbers = groups[ends].astype(np.int64)
    numbers -= (numbers & 16) << 1
    if len(ends) == len(groups):
        return numbers
    lengths = ends.copy()
    lengths[1:] -= ends[:-1]
    lengths[0] += 1
    longest = int(lengths.max())
    if longest > _LONGEST_NUMBER:
        raise ValueError(f"A number in the run-length string has {longest} characters; {_LONGEST_NUMBER} is the most.")
    # The last group carries the sign; the ones before it follow in ever smaller places.
    for back in range(1, longest):
        longer = np.flatnonzero(lengths > back)
        numbers[longer] = numbers[longer] << 5 | groups[ends[longer] - back] & 31
    return numbers


def _lenient_runs(text: str | bytes, area: int) -> Runs:
    """Runs as the hub reads an irregular string; what is larger than the mask is capped one above it."""
    runs: list[int] = []
    value = length = 0
    codes: Iterable[int] = text if isinstance(text, bytes) else map(ord, text)
    for code in codes:
        group = code - 48 & 63
        value |= (group & 31) << 5 * length
        length += 1
        if length > _LONGEST_LENIENT_NUMBER:
            raise IndexError("A number in the run-length string is larger than any mask.")
        if group & 32:
            continue
        if group & 16:
            value -= 1 << 5 * length
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = length = 0
    if length:
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return np.array([min(max(run, 0), area + 1) for run in runs], np.int64)
