"""Numbers of many annotations at once, as most tools write them: up to seven digits, with or without a point.

Such a number is a word of 64 bits, and hundreds of thousands of words are read with a few operations on arrays, sooner
than by any reader of texts, and to the same numbers. What has another form is read as JSON.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_decode = msgspec.json.Decoder(list[float]).decode

_TOGETHER_BYTES = 1 << 16
"""Lists of so many bytes are read together: their arrays stay in the cache, and are not given back to the system."""

_WORD = 8
_BLANKS = b" \t\r\n"
_AS_COMMA = bytes.maketrans(b"]", b",")
_COMMA, _POINT, _NINE, _END = b",.9]"

_ZEROES = np.uint64(0x3030303030303030)
_HIGH = np.uint64(0xF0F0F0F0F0F0F0F0)
_LOW = np.uint64(0x0F0F0F0F0F0F0F0F)
_SIXES = np.uint64(0x0606060606060606)
_SCALES = 10.0 ** np.arange(_WORD)


def numbers_of(texts: Sequence[bytes]) -> tuple[Floats, Counts] | None:
    """Return the numbers of JSON lists, one after the other, and how many each has; None if any holds something else.

    Parameters
    ----------
    texts : sequence of bytes
        Lists without their brackets.
    """
    step = len(texts) * _TOGETHER_BYTES // (sum(map(len, texts)) + 1) + 1
    parts = [_numbers_of(texts[start : start + step]) for start in range(0, len(texts), step)]
    if None in parts or len(parts) < 2:
        return parts[0] if len(parts) == 1 else None
    numbers, counts = zip(*parts, strict=True)
    return np.concatenate(numbers), np.concatenate(counts)


def _numbers_of(texts: Sequence[bytes]) -> tuple[Floats, Counts] | None:
    text = b"]".join(texts) + b"]"
    if b" " in text or b"\n" in text or b"\t" in text:
        text = text.translate(None, _BLANKS)
    found = _decimals(text, len(texts))
    if found is not None:
        return found
    try:
        numbers = _decode(b"[" + text[:-1].translate(_AS_COMMA) + b"]")
    except (msgspec.DecodeError, RecursionError):
        return None
    counts = np.array([one.count(b",") + 1 for one in texts], np.int64)
    return (np.frombuffer(array("d", numbers)), counts) if len(numbers) == counts.sum() else None


def numbers_of_lists(raws: Sequence[Any]) -> tuple[Floats, Counts] | None:
    """Return what :func:`numbers_of` does of JSON texts, each a list."""
    texts = list(map(bytes, raws))
    return numbers_of([text[1:-1] if text[:1] == b"[" else b"" for text in texts])


def _decimals(text: bytes, lists: int) -> tuple[Floats, Counts] | None:
    """Return numbers of few digits, and how many each list has; None if any number is of another form.

    Parameters
    ----------
    text : bytes
        Numbers, each with ``,`` behind it, the last of a list with ``]``.
    lists : int
    """
    values = np.frombuffer(bytes(_WORD) + text, np.uint8)
    are_ends = values == _COMMA
    are_ends |= values > _NINE
    ends = np.flatnonzero(are_ends)
    lengths = np.diff(ends, prepend=_WORD - 1) - 1
    if lengths.min() < 1 or lengths.max() > _WORD:
        return None
    kinds = values[ends]
    lasts = np.flatnonzero(kinds == _END)
    if len(lasts) != lists or np.count_nonzero(kinds == _COMMA) != len(ends) - lists:
        return None
    points = np.flatnonzero(values == _POINT)
    if len(points) == len(ends):
        decimals = ends - points - 1
    else:  # what stands behind a whole number is taken for its point
        decimals = np.zeros(len(ends), np.int64)
        owners = np.searchsorted(ends, points)
        decimals[owners] = ends[owners] - points - 1
        is_whole = np.ones(len(ends), bool)
        is_whole[owners] = False
        ends, lengths = ends + is_whole, lengths + is_whole
        if lengths.max() > _WORD:
            return None
    if decimals.min() < 0:
        return None
    # Every eight characters as a word, of which the first character is the lowest byte.
    words = np.ndarray((len(values) - _WORD + 1,), "<u8", values, strides=(1,))[ends - _WORD]
    before = ((_WORD - lengths) << 3).astype(np.uint64)  # bits of what stands before the number
    words >>= before
    words <<= before
    # The point goes: what is before it moves up to its place.
    whole = (np.uint64(1) << ((_WORD - 1 - decimals) << 3).astype(np.uint64)) - np.uint64(1)
    digits = words & ~(whole << np.uint64(8) | np.uint64(0xFF))
    digits |= (words & whole) << np.uint64(8)
    before += np.uint64(8)
    are_digits = (digits & _HIGH) == (_ZEROES >> before) << before
    digits &= _LOW
    are_digits &= ((digits + _SIXES) & _HIGH) == 0
    if not are_digits.all():
        return None
    # Neighbours are joined: digits to pairs, pairs to fours, fours to the number.
    digits = digits * np.uint64(10) + (digits >> np.uint64(8))
    digits &= np.uint64(0x00FF00FF00FF00FF)
    digits = digits * np.uint64(100) + (digits >> np.uint64(16))
    digits &= np.uint64(0x0000FFFF0000FFFF)
    digits = digits * np.uint64(10_000) + (digits >> np.uint64(32))
    digits &= np.uint64(0xFFFFFFFF)
    return digits / _SCALES[decimals], np.diff(lasts, prepend=-1)
