"""The lines of a PNG image, filtered and packed: of an image that is given as runs, mostly without its pixels.

Sources: PNG (Portable Network Graphics), 2nd edition, ISO/IEC 15948:2004, clauses 7.2, 9 and 10.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.geometry.deflate import Runs, zlib_of_runs
from encord_convert.geometry.paintings import FlatImage

_LEVEL = 6


def lines_of_pixels(bands: Iterable[NDArray[Any]]) -> bytes:
    """Return the lines of an image that comes a band of rows at a time, none of them filtered, as zlib packs them."""
    packer = zlib.compressobj(_LEVEL)
    parts = []
    for band in bands:
        if band.dtype == bool:
            rows = np.packbits(band, axis=1)
        elif band.itemsize == 2:
            rows = band.astype(">u2").view(np.uint8)
        elif band.itemsize == 4:
            rows = band.astype("<u4").view(np.uint8).reshape(*band.shape, 4)[..., :3].reshape(len(band), -1)
        else:
            rows = band
        lines = np.zeros((len(rows), rows.shape[1] + 1), np.uint8)  # each row opens with its filter, 0: none
        lines[:, 1:] = rows
        parts.append(packer.compress(lines.tobytes()))
    return b"".join((*parts, packer.flush()))


def lines_of_runs(image: FlatImage) -> bytes:
    """Return the lines of an image as runs.

    Of a row is written whichever has fewer runs: its bytes, or how far they differ from those of the row above it.
    """
    begins, texts, width = _units(image)
    height, unit = image.height, texts.shape[1]
    own = _lines(begins, texts, height, width)
    differing = _lines(*_differences(begins, texts, width), height, width)
    is_up = np.bincount(differing[0], minlength=height) < np.bincount(own[0], minlength=height)
    above, stride = np.flatnonzero(is_up), width * unit + 1
    filters = np.zeros((len(above), unit), np.uint8)
    filters[:, 0] = UP
    parts = [(above * stride, np.ones(len(above), np.int64), filters, np.ones(len(above), np.int64))]
    for (rows, columns, counts, some), chosen in ((own, ~is_up[own[0]]), (differing, is_up[differing[0]])):
        starts = rows[chosen] * stride + columns[chosen] * unit + 1
        parts.append((starts, counts[chosen], some[chosen], np.full(len(starts), unit)))
    starts, *others = (np.concatenate(some) for some in zip(*parts, strict=True))
    order = np.argsort(starts, kind="stable")
    return zlib_of_runs(Runs(starts[order], *(one[order] for one in others)), stride * height)


UP = 2
"""The filter of a row whose bytes are what they differ by from those above them."""

_Lines = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]
"""Runs that are not 0, none longer than its row: row, column, length, and the bytes that are repeated."""


def _units(image: FlatImage) -> tuple[NDArray[np.int64], NDArray[np.uint8], int]:
    """Return where other bytes begin, these bytes (n, unit), and how many times as many are in a row.

    A unit is a pixel, of pixels of one bit the byte that eight of them share.
    """
    values = image.values
    if values.dtype == bool:
        return *_packed(image), (image.width + 7) // 8
    if values.itemsize == 2:
        return image.begins, values.astype(">u2").view(np.uint8).reshape(-1, 2), image.width
    if values.itemsize == 4:
        return image.begins, values.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3], image.width
    return image.begins, values.reshape(-1, 1), image.width


def _packed(image: FlatImage) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return where other bytes begin, and these (n, 1), of an image of booleans: of 8 pixels each, none in two rows."""
    bits = (image.width + 7) // 8 * 8
    rows, columns, counts, _ = _lines(image.begins, image.values.reshape(-1, 1), image.height, image.width)
    changes = np.empty(2 * len(rows), np.int64)
    changes[::2] = rows * bits + columns
    changes[1::2] = changes[::2] + counts
    places = changes >> 3
    firsts = np.flatnonzero(np.diff(places, prepend=-1))
    # Behind a change all bits of the byte are other ones; an odd number of changes before it has set them all.
    texts = np.bitwise_xor.reduceat((0xFF >> (changes & 7)).astype(np.uint8), firsts) if len(firsts) else places
    begins, values = np.zeros(2 * len(firsts) + 1, np.int64), np.zeros(2 * len(firsts) + 1, np.uint8)
    begins[1::2], begins[2::2] = places[firsts], places[firsts] + 1
    values[1::2] = texts ^ (firsts & 1) * np.uint8(0xFF)
    values[2::2] = (np.append(firsts[1:], len(changes))[: len(firsts)] & 1) * np.uint8(0xFF)
    there = np.diff(begins, append=bits // 8 * image.height) > 0
    return begins[there], values[there].reshape(-1, 1)


def _differences(
    begins: NDArray[np.int64], texts: NDArray[np.uint8], width: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return where other differences to what is one row above begin, and these; above the first row is 0."""
    count = len(begins)
    places = np.concatenate((begins, begins + width))
    order = np.argsort(places, kind="stable")
    places = places[order]
    here = np.maximum.accumulate(np.where(order < count, order, 0))
    above = np.maximum.accumulate(np.where(order < count, -1, order - count))
    differences = texts[here] - np.where(above[:, None] < 0, np.uint8(0), texts[above])
    is_last = np.append(places[1:] != places[:-1], True)
    places, differences = places[is_last], differences[is_last]
    is_new = np.append(True, (differences[1:] != differences[:-1]).any(axis=1))
    return places[is_new], differences[is_new]


def _lines(begins: NDArray[np.int64], texts: NDArray[Any], height: int, width: int) -> _Lines:
    chosen = np.flatnonzero(texts.any(axis=1) & (begins < height * width))
    starts, ends = begins[chosen], np.minimum(np.append(begins[1:], height * width)[chosen], height * width)
    rows = starts // width
    counts = (ends - 1) // width - rows + 1
    if len(counts) and counts.max() > 1:
        chosen, starts, ends = (np.repeat(one, counts) for one in (chosen, starts, ends))
        rows = np.repeat(rows - np.cumsum(counts) + counts, counts) + np.arange(len(chosen))
        starts, ends = np.maximum(starts, rows * width), np.minimum(ends, (rows + 1) * width)
    return rows, starts - rows * width, ends - starts, texts[chosen]
