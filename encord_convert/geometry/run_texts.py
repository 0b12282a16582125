"""Run lengths as text: the base-32 string of COCO and of the hub, numbers in JSON and XML.

The names for others are those of :mod:`encord_convert.geometry.rle`.

Sources: cocoapi 2.0 ``maskApi.c`` (``rleToString``) and ``mask.py`` (opening comment); CVAT XML 1.1 ``<mask>``; the
hub's string is measured (``fixtures/hub/bitmask_vectors.json``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pycocotools import _mask

from encord_convert.geometry.runs import (
    MAX_PIXELS,
    Runs,
    check_size,
    checked,
    mask_from_runs,
    repaired_runs,
    runs_from_mask,
)  # fmt: skip

_NUMBER_LIST: msgspec.json.Decoder[list[int]] = msgspec.json.Decoder(list[int])

_LONGEST_NUMBER = 7  # characters: 35 bits hold every 32-bit run and difference

_LONGEST_LENIENT_NUMBER = 12


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
    runs = checked(runs)
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
    return checked(counts)


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
        return checked(_NUMBER_LIST.decode(f"[{text}]"))
    except msgspec.DecodeError:
        raise ValueError(f"Run lengths are whole numbers separated by commas, not {_excerpt(text)}.") from None


def text_from_runs(runs: ArrayLike) -> str:
    """Render runs as the decimal text of a CVAT mask.

    >>> text_from_runs([1, 2, 2, 1, 6])
    '1, 2, 2, 1, 6'
    """
    return ", ".join(map(str, checked(runs).tolist()))


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


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
