"""Run lengths: what they are, checked, of masks and back, united; whatever they scan.

A mask is a sequence of run lengths in pixels, background and foreground in turn, background first (the first run is 0
when the first pixel is set). Runs are 1-D int64 arrays; *canonical* runs hold no 0 except in front, and end with the
last pixel. Files come from strangers: each function checks its input before it allocates and before it calls C code,
which would read memory that is not ours.

The names for others are those of :mod:`encord_convert.geometry.rle`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    runs = checked(runs)
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
    runs = checked(runs)
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
    runs = checked(runs)
    if len(runs) and bool(runs[1:].all()):
        return runs
    ends = np.cumsum(runs)
    total = int(ends[-1]) if len(ends) else 0
    # Two changes at one place cancel: what is left are the places where the value really changes.
    places, times = np.unique(ends[:-1], return_counts=True)
    changes = places[(times % 2 == 1) & (places < total)]
    return np.asarray(np.diff(changes, prepend=0, append=total))


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
    return np.repeat(alternating(len(runs)), runs).reshape(height, width)


def area_from_runs(runs: ArrayLike) -> int:
    """Count the set pixels of runs in any scan order.

    >>> area_from_runs([1, 2, 2, 1])
    3
    """
    return int(np.add.reduce(checked(runs)[1::2]))


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
    changes = [changes_of(check_runs(runs, 1, area)) for runs in masks]
    if len(changes) == 1:
        return runs_from_changes(changes[0], area)
    starts = np.sort(np.concatenate([each[0::2] for each in changes] or [np.empty(0, np.int64)]))
    ends = np.sort(np.concatenate([each[1::2] for each in changes] or [np.empty(0, np.int64)]))
    if not len(starts):
        return np.array([area])
    # The k-th start opens a piece of its own exactly when all the earlier pieces have ended before it.
    opens = np.append(True, starts[1:] > ends[:-1])
    united = np.empty(2 * int(np.count_nonzero(opens)), np.int64)
    united[0::2] = starts[opens]
    united[1::2] = ends[np.append(opens[1:], True)]
    return runs_from_changes(united, area)


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
    changes = [changes_of(check_runs(runs, 1, area)) for runs in masks]
    if len(changes) == 1:
        return runs_from_changes(changes[0], area)
    places, times = np.unique(np.concatenate(changes or [np.empty(0, np.int64)]), return_counts=True)
    return runs_from_changes(places[times % 2 == 1], area)


def checked(runs: ArrayLike) -> Runs:
    """Return runs as an array of int64, without a copy where they are one; refuse what is negative or huge."""
    is_ready = isinstance(runs, np.ndarray) and runs.dtype == np.int64 and runs.ndim == 1
    array: Runs = runs if is_ready else _int64_array(runs)  # type: ignore[assignment]
    # Seen as unsigned, a negative run is huge: one pass finds both.
    if len(array) and np.maximum.reduce(array.view(np.uint64)) > MAX_PIXELS:
        place = int(array.view(np.uint64).argmax())
        raise ValueError(
            f"Run {place} (counted from 0) is {int(array[place])}. Runs are from 0 to {MAX_PIXELS} pixels."
        )
    return array


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


def alternating(count: int) -> NDArray[np.bool_]:
    """Return so many booleans, unset and set in turn; not to be written to."""
    if count <= len(_ALTERNATING):
        return _ALTERNATING[:count]
    return (np.arange(count) & 1).astype(bool)


def changes_of(runs: Runs) -> Runs:
    """Places where the value changes, in pairs: start and end of each foreground run, the end of the scan included."""
    runs = canonical_runs(runs)
    ends = np.cumsum(runs)
    return ends[:-1] if len(runs) % 2 else ends


def runs_from_changes(changes: Runs, area: int) -> Runs:
    count = len(changes)
    if not count:
        return np.array([area])
    runs = np.empty(count + 1, np.int64)
    runs[:count] = changes
    runs[count] = area
    runs[1:] -= changes
    return runs if runs[count] else runs[:count]
