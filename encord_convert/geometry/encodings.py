"""Further encodings of a mask: brush streams, bitmaps in a PNG, pairs of start and length.

They complement the run-length dialects of :mod:`encord_convert.geometry.rle`: runs are 1-D
int64 arrays of pixels, background first, of rows or of columns as each function says.

===================  ==========================  ===================================================================
Encoding             Scan                        Text
===================  ==========================  ===================================================================
Label Studio brush   rows of the whole image     a bit stream of RGBA values, as numbers from 0 to 255
Supervisely bitmap   a box, as a PNG             base64 of zlib of the PNG, and its ``origin``
Kaggle pairs         columns of the whole image  ``start length`` of each foreground run, the first pixel being 1
===================  ==========================  ===================================================================

Input is untrusted: every size is checked before memory is allocated, and inflation is bounded by the size of the mask.

Sources: Label Studio, "Brush" (``format: rle``); Supervisely, "Annotation format", ``bitmap``; Airbus Ship Detection,
"Data description" (Kaggle); the streams of the tests were measured.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from encord_convert.geometry import png, rle

_WIDTHS = (3, 4, 8, 16)
"""Bits of a run length in the brush streams written here, the four that public ones have too."""

_LONGEST_BRUSH_RUN = 1 << 16
_BRUSH_HEAD_BYTES = 7
_ALL_64 = (1 << 64) - 1
_CUT_SHORT = "The brush stream ends inside a run. Was it cut short?"
_MOST_INFLATED = 1 << 24
_NUMBERS: msgspec.json.Decoder[list[int]] = msgspec.json.Decoder(list[int])


def brush_from_runs(runs: ArrayLike) -> list[int]:
    """Render row runs of a whole image as a Label Studio brush stream.

    Parameters
    ----------
    runs : (n,) int
        Row runs, background first.

    Returns
    -------
    list of int
        Bytes. Each pixel is four values, red, green, blue and alpha, 255 inside and 0 outside.

    Raises
    ------
    ValueError
        See ``rle.canonical_runs``; or the image has 2**30 pixels or more.

    >>> brush_from_runs([1, 2, 3, 3, 3, 2, 5, 1])[:8]
    [0, 0, 0, 80, 57, 27, 252, 96]
    """
    runs = rle.canonical_runs(runs)
    count = 4 * int(runs.sum())
    if count >= 1 << 32:
        raise ValueError(f"A brush stream holds less than {1 << 30} pixels, not {count // 4}.")
    lengths, is_set = _split(4 * runs, _LONGEST_BRUSH_RUN)
    # flag 1, two bits for the width, the length less one, and the repeated value
    chosen = np.searchsorted([1 << width for width in _WIDTHS], lengths)
    widths = np.array(_WIDTHS)[chosen]
    words = (((1 << 2 | chosen) << widths | lengths - 1) << 8) | is_set * 255
    head = np.array([count << 21 | 7 << 16 | sum(w - 1 << 12 - 4 * i for i, w in enumerate(_WIDTHS))])
    bits = np.concatenate([_bits(head, np.array([53])), _bits(words, widths + 11)])
    return np.packbits(bits).tolist()


def runs_from_brush(numbers: Sequence[int] | bytes, height: int, width: int, threshold: int = 1) -> rle.Runs:
    """Parse a Label Studio brush stream to row runs of the whole image.

    The work grows with the stream, not with the image.

    Parameters
    ----------
    numbers : sequence of int
        Bytes of the stream; anything after the last value is ignored.
    height, width : int
        Size of the image in pixels: of the result's ``original_height`` and ``original_width``.
    threshold : int
        Least value of alpha that is inside.

    Returns
    -------
    (n,) int64
        Row runs, canonical.

    Raises
    ------
    ValueError
        A number is not a byte, the stream ends early, or it does not have 4 x height x width values.

    >>> stream = brush_from_runs([1, 2, 3, 3, 3, 2, 5, 1])
    >>> runs_from_brush(stream, 4, 5).tolist()
    [1, 2, 3, 3, 3, 2, 5, 1]
    """
    area = rle.check_size(height, width)
    data = _bytes_of(numbers)
    if len(data) < _BRUSH_HEAD_BYTES:
        raise ValueError(_CUT_SHORT)
    head = int.from_bytes(data[:_BRUSH_HEAD_BYTES], "big") >> 3
    count, word = head >> 21, (head >> 16 & 31) + 1
    widths = [(head >> shift & 15) + 1 for shift in (12, 8, 4, 0)]
    if count != 4 * area:
        raise ValueError(
            f"The brush stream holds {count} values, but {height} x {width} (height x width) pixels have {4 * area}."
        )
    lengths: list[int] = []
    values: list[int] = []
    place, end = 53, 8 * len(data)
    data += bytes(8)
    while count > 0:
        if place > end:
            raise ValueError(_CUT_SHORT)
        # A piece has at most 3 + 16 + 32 bits before its literal values, so 8 bytes hold it at any bit offset.
        piece = int.from_bytes(data[place >> 3 : (place >> 3) + 8], "big") << (place & 7) & _ALL_64
        width_bits = widths[piece >> 61 & 3]
        length = (piece >> 61 - width_bits & (1 << width_bits) - 1) + 1
        place += 3 + width_bits
        if length > count:
            raise ValueError(f"A piece of {length} values of the brush stream goes beyond its end by {length - count}.")
        count -= length
        if piece >> 63:
            lengths.append(length)
            values.append(piece >> 61 - width_bits - word & (1 << word) - 1)
            place += word
        else:
            literal = length * word
            if place + literal > end:
                raise ValueError(_CUT_SHORT)
            bits = np.unpackbits(np.frombuffer(data[place >> 3 : (place + literal + 7) >> 3], np.uint8))
            words = bits[place & 7 : (place & 7) + literal].reshape(length, word)
            values += (words @ (1 << np.arange(word)[::-1])).tolist()
            lengths += [1] * length
            place += literal
    if place > end:
        raise ValueError(_CUT_SHORT)
    # The alpha of pixel k is value 4 k + 3: up to an end lie as many of them as whole pixels.
    ends = np.cumsum(np.array(lengths, np.int64)) // 4
    is_inside = np.array(values, np.int64) >= threshold
    changes = ends[:-1][is_inside[1:] != is_inside[:-1]]
    first = [0] if len(is_inside) and is_inside[0] else []
    return rle.canonical_runs(np.diff(np.concatenate([first, changes, [area]]).astype(np.int64), prepend=0))


def bitmap_from_box_runs(runs: ArrayLike, width: int, height: int) -> str:
    """Render the row runs of a box as the ``data`` of a Supervisely bitmap; its ``origin`` is the box's left and top.

    >>> runs_from_bitmap(bitmap_from_box_runs([1, 2, 1], 2, 2))
    (array([1, 2, 1]), 2, 2)
    """
    mask = rle.mask_from_runs(runs, height, width)
    return base64.b64encode(zlib.compress(png.encoded(mask), 6)).decode("ascii")


def runs_from_bitmap(data: str) -> tuple[rle.Runs, int, int]:
    """Parse the ``data`` of a Supervisely bitmap.

    Parameters
    ----------
    data : str
        base64 of zlib of a PNG, or of a PNG. Of four channels alpha tells what is inside, of others any value but 0.

    Returns
    -------
    runs : (n,) int64
        Row runs inside the box.
    width, height : int
        Size of the box in pixels.

    Raises
    ------
    ValueError
        It is not base64, inflates beyond 16 MB, or holds no PNG that can be read.
    """
    try:
        packed = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("The data of a bitmap is base64; this is not.") from None
    pixels = png.decoded(packed if packed.startswith(png.SIGNATURE) else _inflated(packed)).pixels
    if pixels.ndim == 3:
        pixels = pixels[:, :, -1] if pixels.shape[2] in (2, 4) else np.asarray(pixels.any(axis=2))
    height, width = pixels.shape
    return rle.runs_from_mask(pixels), width, height


def pairs_from_runs(runs: ArrayLike) -> str:
    """Render runs as Kaggle pairs ``start length``, the first pixel being 1; of column runs, as most challenges ask.

    >>> pairs_from_runs([4, 2, 2, 3, 2, 2, 4, 1])
    '5 2 9 3 14 2 20 1'
    """
    runs = rle.canonical_runs(runs)
    lengths = runs[1::2]
    starts = np.cumsum(runs)[0::2][: len(lengths)] + 1
    return " ".join(map(str, np.column_stack([starts, lengths]).ravel().tolist()))


def runs_from_pairs(text: str, area: int, first: int = 1, *, is_relative: bool = False) -> rle.Runs:
    """Parse pairs ``start length`` of foreground runs.

    Parameters
    ----------
    text : str
        Whole numbers separated by blanks; without any, the mask is empty.
    area : int
        Pixels of the whole image.
    first : int
        Number of the first pixel: 1, or 0 in some challenges.
    is_relative : bool
        Starts count from the end of the run before them.

    Returns
    -------
    (n,) int64
        Runs in the scan of the pairs, summing to ``area``.

    Raises
    ------
    ValueError
        Something is not an integer or has no partner; runs overlap, go backwards, or leave the image.

    >>> runs_from_pairs("5 2 9 3 14 2 20 1", 20)
    array([4, 2, 2, 3, 2, 2, 4, 1])
    """
    rle.check_size(1, area)
    try:
        numbers = np.array(_NUMBERS.decode(f"[{','.join(text.split())}]"), np.int64)
    except (msgspec.DecodeError, OverflowError):
        raise ValueError("Pairs are whole numbers separated by blanks; these are not.") from None
    if len(numbers) % 2:
        raise ValueError(f"Pairs are a start and a length each; these are {len(numbers)} numbers.")
    starts, lengths = numbers[0::2], numbers[1::2]
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() <= area + first):
        raise ValueError(f"A pair has a number outside the {area} pixels of the image.")
    if is_relative:
        gaps = starts
    else:
        ends = starts - first + lengths
        gaps = starts - first - np.concatenate([[0], ends[:-1]])
    if len(gaps) and gaps.min() < 0:
        place = int(np.argmax(gaps < 0))
        raise ValueError(f"Pair {place} (counted from 0) starts at {int(starts[place])}, before the end of another.")
    runs = np.empty(len(numbers) + 1, np.int64)
    runs[0:-1:2], runs[1::2] = gaps, lengths
    runs[-1] = rest = area - int(runs[:-1].sum())
    if rest < 0:
        raise ValueError(f"The pairs reach {-rest} pixels beyond the {area} of the image.")
    return rle.canonical_runs(runs)


def likely_scan(runs: ArrayLike, height: int, width: int) -> Literal["rows", "columns", "unknown"]:
    """Guess the scan order of runs: in the wrong one, an object is smeared into stripes.

    Parameters
    ----------
    runs : (n,) int
        Runs in either scan.
    height, width : int
        Size of the mask in pixels.

    Returns
    -------
    "rows", "columns" or "unknown"
        The scan with less than half the pixel edges of the other, if any.

    >>> likely_scan([10, *[6, 44] * 5, 6, 134], 8, 50)  # a block of 6 x 6 pixels
    'rows'
    """
    as_rows = _edges(rle.column_runs_from_row_runs(runs, height, width), rle.check_runs(runs, height, width))
    as_columns = _edges(runs, rle.row_runs_from_column_runs(runs, height, width))
    return "rows" if 2 * as_rows < as_columns else "columns" if 2 * as_columns < as_rows else "unknown"


def _edges(columns: ArrayLike, rows: ArrayLike) -> int:
    """Pixel edges between inside and outside, those at the border of the image but for a few."""
    return len(np.asarray(columns)) + len(np.asarray(rows))


def _split(lengths: NDArray[np.int64], longest: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cut alternating runs into pieces of at most ``longest``: the pieces, and whether each is foreground."""
    counts = -(-lengths // longest)
    index = np.repeat(np.arange(len(lengths)), counts)
    pieces = np.full(len(index), longest)
    last = (np.cumsum(counts) - 1)[counts > 0]
    pieces[last] = (lengths - (counts - 1) * longest)[counts > 0]
    return pieces, index % 2 == 1


def _bits(words: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The lowest ``widths`` bits of each word, most significant first, one after the other."""
    place = np.arange(64)
    table = np.unpackbits(words.astype(">u8").view(np.uint8)).reshape(-1, 64).astype(bool)
    return np.asarray(table[place >= 64 - widths[:, None]])


def _bytes_of(numbers: Sequence[int] | bytes) -> bytes:
    try:
        return numbers if isinstance(numbers, bytes) else bytes(list(numbers))  # the number 1 << n would be n bits long
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            "A brush stream is numbers from 0 to 255; these are not. Are they run lengths of another dialect?"
        ) from None


def _inflated(packed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, _MOST_INFLATED)
    except zlib.error as error:
        raise ValueError(f"The data of a bitmap is neither zlib nor PNG ({error}).") from None
    if inflater.unconsumed_tail:
        raise ValueError(f"The data of a bitmap inflates beyond {_MOST_INFLATED} bytes.")
    return data
