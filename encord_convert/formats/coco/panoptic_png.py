"""Panoptic images: a PNG whose colours are the numbers of segments.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source, join_within, name_fault
from encord_convert.geometry import png, rle


def segment_numbers(source: Source, member: str, name: str) -> NDArray[np.uint32] | None:
    """Return the segment of each pixel, (height, width), of the PNG of an annotation; None if there is none.

    ``R + 256 G + 65536 B``; 0 is no segment. The PNG lies in a folder that has the name of the JSON file without its
    suffix, or beside it.
    """
    folder = member.rpartition("/")[0]
    stem = member.rpartition("/")[2].partition(".json")[0]
    plain = name.replace("\\", "/")
    opened = _opened(source, member, [f"{stem}/{plain}", plain], folder)
    if opened is None:
        return None
    place, stream = opened
    from PIL import Image, UnidentifiedImageError

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with warnings.catch_warnings(), stream:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            data = stream.read()
            if data.startswith(png.SIGNATURE):
                png.check_length(png.header(data), len(data))
            with Image.open(BytesIO(data)) as picture:
                rle.check_size(picture.height, picture.width)
                numbers = np.empty((picture.height, picture.width), np.uint32)
                for top in range(0, picture.height, _ROWS):
                    band = picture.crop((0, top, picture.width, min(top + _ROWS, picture.height))).convert("RGB")
                    red, green, blue = np.moveaxis(np.asarray(band), 2, 0)
                    numbers[top : top + _ROWS] = red | green.astype(np.uint32) << 8 | blue.astype(np.uint32) << 16
    except (UnidentifiedImageError, OSError, ValueError, *bombs) as error:
        raise ReadError(place, f"is not an image that can be read ({error}).") from error
    return numbers


_ROWS = 256
"""Rows of an image that are taken apart at once."""


def _opened(source: Source, member: str, names: list[str], folder: str) -> tuple[str, BinaryIO] | None:
    """Open the first image of these names beside a member: of a file on disk, in its folder."""
    path = source.path(member)
    for name in names:
        if name_fault(name):
            continue
        if path is not None:
            place = join_within(path.parent, name)
            if place.is_file():
                return str(place), place.open("rb")
        else:
            inside = f"{folder}/{name}" if folder else name
            if inside in source.names(".png"):
                return source.place(inside), source.open(inside)
    return None


def segmentation_of(numbers: NDArray[np.uint32], number: Any) -> dict[str, Any] | None:
    """Return the run lengths of a segment as a COCO segmentation, None if no pixel has its number."""
    mask: NDArray[np.bool_] = np.equal(numbers.T, number if isinstance(number, int) else -1)
    if not mask.any():
        return None
    height, width = numbers.shape
    return {"size": [height, width], "counts": rle.runs_from_mask(np.ascontiguousarray(mask)).tolist()}
