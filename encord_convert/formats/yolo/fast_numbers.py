"""Numbers of rows as most tools write them, with a digit and six decimals: a word of 64 bits each.

A page's worth of words is read with a few operations on arrays, ten times faster than any reader of texts, and to the
same numbers. What has another form is left to the reader of texts.

The page of the format is :mod:`encord_convert.formats.yolo.page`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WORD = 8
_LONGEST_CLASS = 4
_POINT = np.uint64(ord("."))
_BYTE = np.uint64(0xFF)
_DECIMALS = np.uint64(0xFFFFFFFFFFFF0000)
_ZEROES = np.uint64(0x3030303030303030)
_HIGH = np.uint64(0xF0F0F0F0F0F0F0F0)
_LOW = np.uint64(0x0F0F0F0F0F0F0F0F)
_SIXES = np.uint64(0x0606060606060606)


def six_decimals(
    chars: NDArray[np.uint8], starts: NDArray[np.intp], are_classes: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Return the numbers of rows; None if one is not written with a digit, a point and six digits.

    Parameters
    ----------
    chars : (n,) uint8
        Characters of rows, white space at the end.
    starts : (k,) int
        Where each number begins.
    are_classes : (k,) bool
        Which of them are those of classes: whole numbers of at most four digits.
    """
    firsts, others = starts[are_classes], starts[~are_classes]
    if not len(others) or int(others[-1]) + _WORD >= len(chars) or np.any(chars[others + _WORD] > ord(" ")):
        return None
    words = np.ndarray((len(chars) - _WORD + 1,), "<u8", chars, strides=(1,))[others]
    if not np.all((words >> np.uint64(8)) & _BYTE == _POINT):
        return None
    # The point goes, and the digit before it moves to its place; a 0 stands before all.
    digits = (words & _DECIMALS) | ((words & _BYTE) << np.uint64(8)) | np.uint64(ord("0"))
    if not np.all(((digits & _HIGH) == _ZEROES) & ((((digits & _LOW) + _SIXES) & _HIGH) == 0)):
        return None
    digits &= _LOW
    # Neighbours are joined: digits to pairs, pairs to fours, fours to the number.
    digits = digits * np.uint64(10) + (digits >> np.uint64(8))
    digits &= np.uint64(0x00FF00FF00FF00FF)
    digits = digits * np.uint64(100) + (digits >> np.uint64(16))
    digits &= np.uint64(0x0000FFFF0000FFFF)
    digits = digits * np.uint64(10_000) + (digits >> np.uint64(32))
    digits &= np.uint64(0xFFFFFFFF)
    classes = _whole(chars, firsts)
    if classes is None:
        return None
    values = np.empty(len(starts))
    values[~are_classes] = digits / 1e6
    values[are_classes] = classes
    return values


def _whole(chars: NDArray[np.uint8], starts: NDArray[np.intp]) -> NDArray[np.int64] | None:
    """Return short whole numbers; None if one is something else, or longer."""
    values = np.zeros(len(starts), np.int64)
    is_open = np.ones(len(starts), bool)
    for place in range(_LONGEST_CLASS + 1):
        digits = chars[np.minimum(starts + place, len(chars) - 1)].astype(np.int64) - ord("0")
        is_digit = (digits >= 0) & (digits <= 9)
        is_end = digits <= ord(" ") - ord("0")
        if np.any(is_open & ~is_digit & ~is_end) or (place == _LONGEST_CLASS and np.any(is_open & is_digit)):
            return None
        is_open &= is_digit
        if not is_open.any():
            return values
        values = np.where(is_open, values * 10 + digits, values)
    return values
