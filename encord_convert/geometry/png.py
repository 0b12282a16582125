"""PNG images of masks: written the same, byte for byte, wherever; read only after their header was checked.

Written are images of one value a pixel: 1 bit for booleans, 8 bits (with a palette, if one is given), 16 bits. No
time, no text; every row unfiltered, which is what packs flat areas best.

Sources: PNG (Portable Network Graphics), 2nd edition, ISO/IEC 15948:2004.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.geometry import rle

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 29
"""How much of a file :func:`header` looks at."""

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

_LEVEL = 6
_PACK_AT_ONCE = 1 << 22
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
class Picture:
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
    return encoded_in_bands([pixels], height, width, palette)


def encoded_in_bands(bands: Iterable[NDArray[Any]], height: int, width: int, palette: Sequence[Colour] = ()) -> bytes:
    """Return an image as a PNG that is given a band of rows at a time.

    Parameters
    ----------
    bands : iterable of (rows, width) bool, uint8 or uint16, or of (rows, width, 3) uint8
        From the top, all of one type.
    height, width : int
        Of the image, in pixels; at least 1.
    palette : sequence of Colour
        As of :func:`encoded`.
    """
    packer = zlib.compressobj(_LEVEL)
    parts = []
    depth, colour_type = 8, 3 if palette else 0
    for band in bands:
        if band.dtype == bool:
            depth, rows = 1, np.packbits(band, axis=1)
        elif band.dtype == np.uint8:
            colour_type = 2 if band.ndim == 3 else colour_type
            rows = band.reshape(len(band), -1)
        else:
            depth, rows = 16, np.ascontiguousarray(band, ">u2").view(np.uint8)
        step = max(1, _PACK_AT_ONCE // rows.shape[1])
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            lines = np.zeros((len(some), some.shape[1] + 1), np.uint8)  # each row opens with its filter, 0: none
            lines[:, 1:] = some
            parts.append(packer.compress(lines.tobytes()))
    parts.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    colours = _chunk(b"PLTE", bytes(np.array(palette, np.uint8))) if palette else b""
    return SIGNATURE + _chunk(b"IHDR", header) + colours + _chunk(b"IDAT", b"".join(parts)) + _chunk(b"IEND", b"")


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


def decoded(data: bytes) -> Picture:
    """Read a PNG.

    Raises
    ------
    ValueError
        It is none, is too large (see :func:`header`), or is damaged.

    >>> decoded(encoded(np.array([[0, 1]], np.uint8), [(0, 0, 0), (9, 8, 7)]))
    Picture(pixels=array([[0, 1]], dtype=uint8), palette=[(0, 0, 0), (9, 8, 7)])
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
    return Picture(pixels, palette)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
