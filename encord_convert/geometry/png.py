"""PNG images of masks: written the same, byte for byte, wherever; read only after their header was checked.

Written are images of one value a pixel: 1 bit for booleans, 8 bits (with a palette, if one is given), 16 bits, or RGB.
No time, no text; every row as it is, or as what it differs from the row above, whichever is shorter.

Sources: PNG (Portable Network Graphics), 2nd edition, ISO/IEC 15948:2004.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.geometry import rle
from encord_convert.geometry.paintings import FlatImage
from encord_convert.geometry.png_lines import UP, lines_of_pixels, lines_of_runs

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 29
"""How much of a file :func:`header` looks at."""

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by colour type: grey, RGB, palette, grey with alpha, RGBA."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a PNG say: its size in pixels, bits of a sample, colour type."""

    width: int
    height: int
    depth: int
    colour_type: int

    @property
    def has_palette(self) -> bool:
        """Whether the values are places in a palette."""
        return self.colour_type == 3


@dataclass(frozen=True, slots=True)
class DecodedPng:
    """An image, with indices left as they are.

    Parameters
    ----------
    pixels : (height, width) or (height, width, channels)
        uint8, or uint16 where a sample has 16 bits; booleans where it has 1.
    palette : list of Colour
        Empty where the pixels are no indices.
    """

    pixels: NDArray[Any]
    palette: list[Colour]


def encoded(pixels: NDArray[Any], palette: Sequence[Colour] = ()) -> bytes:
    """Return an image as a PNG.

    Parameters
    ----------
    pixels : (height, width) bool, uint8 or uint16
        At least one pixel each way.
    palette : sequence of Colour
        Colours of the values from 0, for uint8; at most 256.

    >>> decoded(encoded(np.array([[0, 300]], np.uint16))).pixels
    array([[  0, 300]], dtype=uint16)
    """
    height, width = pixels.shape
    if _row_bytes(pixels.dtype, width) * height < _LEAST_BYTES:
        return _file(height, width, pixels.dtype, palette, lines_of_pixels([pixels]))
    return encoded_flat(FlatImage.of([pixels]), palette)


def encoded_flat(image: FlatImage, palette: Sequence[Colour] = ()) -> bytes:
    """Return an image that is given as runs as a PNG; its pixels are made only where it is small, or noise.

    Parameters
    ----------
    image : FlatImage
        Of bool, uint8 or uint16, or of uint32: then the values are colours, red | green << 8 | blue << 16. At least one
        pixel each way.
    palette : sequence of Colour
        As of :func:`encoded`.
    """
    height, width, type_ = image.height, image.width, image.values.dtype
    are_few = len(image.begins) * _RUN_PIXELS < height * width
    as_runs = are_few and _row_bytes(type_, width) * height >= _LEAST_BYTES
    lines = lines_of_runs(image) if as_runs else lines_of_pixels(image.bands())
    return _file(height, width, type_, palette, lines)


def _row_bytes(type_: np.dtype[Any], width: int) -> int:
    depth, colour_type = _KINDS[type_.kind, type_.itemsize]
    return (width * depth * _CHANNELS[colour_type] + 7) // 8


def _file(height: int, width: int, type_: np.dtype[Any], palette: Sequence[Colour], lines: bytes) -> bytes:
    depth, colour_type = _KINDS[type_.kind, type_.itemsize]
    header = struct.pack(">IIBBBBB", width, height, depth, 3 if palette else colour_type, 0, 0, 0)
    colours = _chunk(b"PLTE", bytes(np.array(palette, np.uint8))) if palette else b""
    return SIGNATURE + _chunk(b"IHDR", header) + colours + _chunk(b"IDAT", lines) + _chunk(b"IEND", b"")


_KINDS = {("b", 1): (1, 0), ("u", 1): (8, 0), ("u", 2): (16, 0), ("u", 4): (8, 2)}
"""Bits of a sample and colour type, by the type of the values."""
_LEAST_BYTES, _RUN_PIXELS = 1 << 18, 16
"""Bytes of an image, and pixels of a run in it, from which on runs are faster; below, zlib finds more, too."""


def header(data: bytes) -> Header:
    """Read the header of a PNG from its first bytes.

    Raises
    ------
    ValueError
        It is none, or its size is 0 or larger than ``rle.MAX_PIXELS`` (less, by the channels it has).

    >>> header(encoded(np.ones((2, 3), bool)))
    Header(width=3, height=2, depth=1, colour_type=0)
    """
    if not data.startswith(SIGNATURE) or data[12:16] != b"IHDR" or len(data) < HEADER_BYTES:
        raise ValueError("This is not a PNG image.")
    width, height, depth, colour_type = struct.unpack(">IIBB", data[16:26])
    if not width or not height or colour_type not in _CHANNELS:
        raise ValueError("The header of the PNG image is damaged.")
    rle.check_size(height, width)
    if _CHANNELS[colour_type] > 1:  # which takes four bytes a pixel to read
        rle.check_size(4 * height, width)
    return Header(width, height, depth, colour_type)


def check_length(head: Header, size_bytes: int) -> None:
    """Refuse a file that cannot hold all the pixels of its header: a reader takes memory for them first.

    Raises
    ------
    ValueError
    """
    row_bytes = (head.width * head.depth * _CHANNELS[head.colour_type] + 7) // 8 + 1
    if head.height * row_bytes > size_bytes * _MOST_INFLATED:
        raise ValueError("The PNG image cannot be read: it holds fewer pixels than it says. Was it cut short?")


_MOST_INFLATED = 1040
"""Bytes that a byte of a deflated stream becomes at the most (zlib: 1032)."""


def decoded(data: bytes) -> DecodedPng:
    """Read a PNG.

    Raises
    ------
    ValueError
        It is none, is too large (see :func:`header`), or is damaged.

    >>> decoded(encoded(np.array([[0, 1]], np.uint8), [(0, 0, 0), (9, 8, 7)]))
    DecodedPng(pixels=array([[0, 1]], dtype=uint8), palette=[(0, 0, 0), (9, 8, 7)])
    """
    from PIL import Image

    head = header(data)
    check_length(head, len(data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # The header was checked above, by the limit that holds here.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=("PNG",)) as image:
                if image.size != (head.width, head.height):
                    raise ValueError("two headers")
                image.load()
                colours = image.getpalette("RGB") if head.has_palette else None
                pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError, Warning, struct.error) as error:
        raise ValueError(f"The PNG image cannot be read ({error}). Was it cut short?") from None
    if pixels.dtype not in (np.bool_, np.uint8, np.uint16):
        pixels = pixels.astype(np.uint16)  # 16-bit grey, as some versions hand it over
    palette = (
        [(r, g, b) for r, g, b in zip(colours[0::3], colours[1::3], colours[2::3], strict=True)] if colours else []
    )
    return DecodedPng(pixels, palette)


class Bands:
    """A PNG that is read a band of rows at a time, so that memory is that of a band and not of the image.

    Parameters
    ----------
    data : bytes
        The file.

    Attributes
    ----------
    width, height : int
    palette : list of Colour
        As of :class:`DecodedPng`.

    Raises
    ------
    ValueError
        It is none, is too large (see :func:`header`), or is damaged; the pixels are looked at when they are asked for.

    >>> bands = Bands(encoded(np.array([[0, 1]], np.uint8), [(0, 0, 0), (9, 8, 7)]))
    >>> list(bands), bands.palette
    ([array([[0, 1]], dtype=uint8)], [(0, 0, 0), (9, 8, 7)])
    """

    def __init__(self, data: bytes) -> None:
        self._head = head = header(data)
        check_length(head, len(data))
        if head.width > MOST_WIDE:
            raise ValueError(f"The PNG image is {head.width} pixels wide; up to {MOST_WIDE} are read.")
        if head.depth not in _DEPTHS[head.colour_type] or data[26:28] != b"\0\0" or data[28] > 1:
            raise ValueError("The header of the PNG image is damaged.")
        self._data = data
        self.width, self.height = head.width, head.height
        self._parts: list[memoryview] = []
        self.palette: list[Colour] = []
        for name, body in _chunks_of(data):
            if name == b"IDAT":
                self._parts.append(body)
            elif name == b"PLTE" and head.has_palette:
                self.palette = [(r, g, b) for r, g, b in zip(body[0::3], body[1::3], body[2::3], strict=False)]

    @property
    def channels(self) -> int:
        """Samples of a pixel."""
        return _CHANNELS[self._head.colour_type]

    @property
    def has_channels(self) -> bool:
        """Whether a pixel is not one value."""
        return self.channels > 1

    def colours(self) -> Iterator[NDArray[np.uint32]]:
        """Walk the bands, with colours as red << 16 | green << 8 | blue; those of the palette, if there is one."""
        table = np.zeros(256, np.uint32)
        table[: len(self.palette)] = [r << 16 | g << 8 | b for r, g, b in self.palette]
        for band in self:
            if band.ndim == 2 and self.palette:
                yield table[band]
            elif band.ndim == 2:
                grey = band >> 8 if band.dtype == np.uint16 else band * np.uint8(255) if band.dtype == bool else band
                yield grey.astype(np.uint32) * 0x10101
            else:
                some = band if band.shape[2] > 2 else band[:, :, [0, 0, 0]]
                red, green, blue = np.moveaxis(some[:, :, :3].astype(np.uint32), 2, 0)
                yield red << 16 | green << 8 | blue

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Walk the bands from the top; each as the ``pixels`` of :class:`DecodedPng`."""
        if self._data[28]:  # interlaced: its rows come in seven passes over the image
            pixels = decoded(self._data).pixels
            step = max(1, BAND_BYTES // (self.width * _CHANNELS[self._head.colour_type]))
            yield from (pixels[top : top + step] for top in range(0, self.height, step))
            return
        channels = _CHANNELS[self._head.colour_type]
        row_bytes = (self.width * self._head.depth * channels + 7) // 8
        reach = max(1, self._head.depth * channels // 8)
        step = max(1, BAND_BYTES // (row_bytes + 1))
        above: NDArray[np.uint8] = np.zeros(row_bytes, np.uint8)
        inflated = self._inflated(row_bytes + 1, step)
        for lines in inflated:
            rows = _unfiltered(lines, above, reach)
            above = rows[-1].copy()
            yield _samples(rows, self._head)

    def _inflated(self, line_bytes: int, step: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the lines, each with its filter before it, some at a time."""
        inflater, left = zlib.decompressobj(), self.height
        wanted, held = line_bytes * min(step, left), bytearray()
        try:
            for part in self._parts:
                rest: Any = part
                while left and len(rest):
                    held += inflater.decompress(rest, wanted - len(held))
                    rest = inflater.unconsumed_tail
                    if len(held) == wanted:
                        left -= wanted // line_bytes
                        yield np.frombuffer(bytes(held), np.uint8).reshape(-1, line_bytes)
                        wanted, held = line_bytes * min(step, left), bytearray()
                    elif inflater.eof:
                        break
        except zlib.error as error:
            raise ValueError(f"The PNG image cannot be read ({error}). Was it cut short?") from None
        if left:
            raise ValueError("The PNG image cannot be read: it holds fewer pixels than it says. Was it cut short?")


BAND_BYTES = 1 << 20
"""Of the samples of a band."""
MOST_WIDE = 1 << 23
"""Pixels of a row: one row at least is in memory."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def _chunks_of(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield name and body of the chunks up to the last; those that matter are checked."""
    place, view = len(SIGNATURE), memoryview(data)
    while place + 12 <= len(data):
        size, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        end = place + 8 + size
        if name in (b"IHDR", b"PLTE", b"IDAT"):
            if end + 4 > len(data) or zlib.crc32(view[place + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
                raise ValueError(f"The PNG image cannot be read ({name.decode()} is damaged). Was it cut short?")
            if name == b"IHDR" and (place != len(SIGNATURE) or size != 13):
                raise ValueError("The PNG image cannot be read (two headers).")
        if name == b"IEND":
            return
        yield name, view[place + 8 : end]
        place = end + 4


def _unfiltered(lines: NDArray[np.uint8], above: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """Return the bytes of rows, each line of which opens with its filter (clause 9).

    Parameters
    ----------
    lines : (rows, 1 + bytes)
    above : (bytes,)
        The row above the first.
    reach : int
        How many bytes before a byte that of the same sample of the pixel before is.
    """
    filters = lines[:, 0]
    if not filters.any():
        return lines[:, 1:]
    if filters.max() > 4:
        raise ValueError(f"The PNG image cannot be read: it has no filter {filters.max()}.")
    if not (filters & 0xFF - UP).any():
        rows = lines[:, 1:].copy()
        for at in np.flatnonzero(filters).tolist():
            rows[at] += rows[at - 1] if at else above
        return rows
    rows = np.empty((len(lines), len(above)), np.uint8)
    lanes = 3 if reach == 6 else min(reach, 4)  # samples of 16 bits: their bytes, as two images
    for first in range(0, reach, lanes):
        some = lines[:, 1:].reshape(len(lines), -1, reach)[:, :, first : first + lanes]
        packed = np.zeros((len(lines) + 1, 1 + some.shape[1] * lanes), np.uint8)
        packed[1:, 0] = filters
        packed[0, 1:] = above.reshape(-1, reach)[:, first : first + lanes].ravel()
        packed[1:, 1:] = some.reshape(len(lines), -1)
        rows.reshape(len(lines), -1, reach)[:, :, first : first + lanes] = _bytes_of(packed, lanes)[1:]
    return rows


def _bytes_of(packed: NDArray[np.uint8], lanes: int) -> NDArray[np.uint8]:
    """Return the bytes of filtered lines of 1 to 4 bytes a pixel: as an image, which Pillow undoes the filters of."""
    from PIL import Image

    height, width = len(packed), (packed.shape[1] - 1) // lanes
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 2: 4, 3: 2, 4: 6}[lanes], 0, 0, 0)
    data = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(packed.tobytes(), 0)) + _chunk(b"IEND", b"")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(BytesIO(SIGNATURE + data), formats=("PNG",)) as image:
            return np.asarray(image).reshape(height, width, lanes)


def _samples(rows: NDArray[np.uint8], head: Header) -> NDArray[Any]:
    """Return the pixels of rows of bytes as :func:`decoded` does."""
    channels = _CHANNELS[head.colour_type]
    if head.depth == 16:
        if channels == 1:
            return np.ascontiguousarray(rows).view(">u2").astype(np.uint16)
        samples = rows.reshape(len(rows), head.width, channels, 2)[:, :, :, 0]
        return samples[:, :, [0, 0, 0, 1]] if channels == 2 else samples  # as Pillow has it
    if head.depth == 8:
        return rows.reshape(len(rows), head.width, channels) if channels > 1 else rows
    if head.depth == 1:
        bits = np.unpackbits(rows, axis=1, count=head.width)
        return bits if head.has_palette else bits.astype(bool)
    shifts = np.arange(8 - head.depth, -1, -head.depth, dtype=np.uint8)
    most = (1 << head.depth) - 1
    values = (rows[:, :, None] >> shifts & most).reshape(len(rows), -1)[:, : head.width]
    return values if head.has_palette else values * np.uint8(255 // most)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
