"""Masks of many images, read in one go, where nothing is odd: numpy calls cost more than the runs of one mask do.

All other masks are read by :mod:`encord_convert.formats.cvat.read_shapes`, which says what is wrong with them too.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np

from encord_convert.geometry import rle
from encord_convert.sdk.objects.coordinates import BitmaskCoordinates

_decode = msgspec.json.Decoder(list[int]).decode


def runs_of(texts: Sequence[Any]) -> Iterator[tuple[rle.Runs, int]]:
    """Return runs and their sum for each text; nothing at all unless all are plain."""
    if not texts:
        return iter(())
    try:
        numbers = array("q", _decode("[" + ",".join(texts) + "]"))
    except (msgspec.DecodeError, OverflowError):
        return iter(())
    runs = np.frombuffer(numbers, np.int64)
    ends = list(accumulate([text.count(",") + 1 for text in texts]))
    # Seen as unsigned, a negative run is huge.
    if len(runs) != ends[-1] or runs.view(np.uint64).max() > rle.MAX_PIXELS:
        return iter(())
    starts = [0, *ends[:-1]]
    sums = np.add.reduceat(runs, starts).tolist()
    return zip([runs[start:end] for start, end in zip(starts, ends, strict=True)], sums, strict=True)


def placed_mask(values: Any, own: tuple[rle.Runs, int], width: int, height: int) -> Any:
    """Return the coordinates of a mask of these runs, None if it does not fill its box, or this leaves the image."""
    runs, area = own
    try:
        left, top, box_width, box_height = map(int, values[1:])
    except ValueError:
        return None
    if not (0 <= left <= width - box_width and 0 <= top <= height - box_height and box_width > 0 and box_height > 0):
        return None
    if area != box_width * box_height or width * height > rle.current_pixel_limit():
        return None
    return BitmaskCoordinates._from_box_runs(runs, left, top, box_width, box_height, width, height)
