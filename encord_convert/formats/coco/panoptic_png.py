"""Panoptic images: a PNG whose colours are the numbers of segments.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source, join_within, name_fault
from encord_convert.geometry import png, rle
from encord_convert.geometry.paintings import BoxRuns, values_in


class Segments(NamedTuple):
    """What a panoptic image shows: its width and height in pixels, and the mask of each number but 0."""

    size: tuple[int, int]
    masks: dict[int, BoxRuns]


def segments_of(source: Source, member: str, name: str) -> Segments | None:
    """Return the segments in the PNG of an annotation; None if there is none.

    The number of a segment is ``R + 256 G + 65536 B``. The PNG lies in a folder that has the name of the JSON file
    without its suffix, or beside it.
    """
    plain = name.replace("\\", "/")
    opened = _opened(source, member, [_own_folder(member) + plain, plain], member.rpartition("/")[0])
    if opened is None:
        return None
    place, stream = opened
    try:
        with stream:
            image = png.Bands(stream.read())
        masks = dict(values_in(map(_numbers, image.colours())))
    except (OSError, ValueError) as error:
        raise ReadError(place, f"is not an image that can be read ({error}).") from error
    return Segments((image.width, image.height), masks)


def _own_folder(member: str) -> str:
    return member.rpartition("/")[2].partition(".json")[0] + "/"


def png_of(member: str, name: str) -> str:
    """Return where the PNG of an annotation lies if it has a folder of its own, as a member of the source."""
    return f"{member[: member.rfind('/') + 1]}{_own_folder(member)}{name}".replace("\\", "/")


def _numbers(colours: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return colours as numbers: blue is highest there."""
    return np.asarray(colours >> 16 | colours & 0xFF00 | (colours & 0xFF) << 16, np.uint32)


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


def segmentation_of(found: Segments, number: Any) -> dict[str, Any] | None:
    """Return the run lengths of a segment as a COCO segmentation, None if no pixel has its number."""
    mask = found.masks.get(number) if isinstance(number, int) else None
    if mask is None:
        return None
    width, height = found.size
    return {
        "size": [height, width],
        "counts": rle.column_frame_runs_from_box_runs(*mask, width, height).tolist(),
    }
