"""What Ultralytics would skip in a data set, and why: whole images for one row, and repeated rows.

Source
------
Measured with ultralytics 8.4.190, ``verify_image_label``: ``tests/bench/yolo_trainer.py`` does it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from encord_convert.formats.yolo.rows import Page

LEAST_SIDE_PX = 10
_LOW, _HIGH = np.float32(-0.01), np.float32(1.01)
_BOX = 4
_LONGEST_BOX = 5
"""Most numbers of a row taken for a box: more are a polygon."""

ROW = "a row has something that is not a number"
MIXED = "there are boxes among polygons"
COUNT = "rows have another number of values than the task takes"
RANGE = "a value is below -0.01 or above 1.01, or a side negative"
CLASS = "a class is not a whole number below the number of classes"
SMALL = f"a side of the image is below {LEAST_SIDE_PX} pixels"


def skipped(
    page: Page, sizes: Sequence[tuple[int, int]], classes: int, keypoints: tuple[int, int] | None
) -> Iterator[tuple[int, str]]:
    """Yield the images of a page that would be skipped, each with the reason.

    Parameters
    ----------
    page : Page
    sizes : sequence of (int, int)
        Width and height of each image in pixels; 0: unknown.
    classes : int
        How many there are.
    keypoints : (int, int) or None
        Keypoints per row, and numbers per keypoint, if rows are skeletons.
    """
    broken: dict[int, str] = {}
    for fault in page.faults:
        broken.setdefault(fault.image, CLASS if fault.code == "CLASS_UNKNOWN" else ROW)
    if not _is_clean(page, classes, keypoints):
        singles, row = _singles(page), 0
        starts, widths = page.starts.tolist(), page.widths.tolist()
        for image, count in enumerate(page.counts.tolist()):
            rows = range(row, row + count)
            row += count
            if rows and image not in broken:
                values = [singles[starts[item] : starts[item] + widths[item]] for item in rows]
                reason = _reason(values, page.classes[rows.start : rows.stop].tolist(), classes, keypoints)
                if reason:
                    broken[image] = reason
    for image, size in enumerate(sizes):
        if image not in broken and any(size) and min(size) < LEAST_SIDE_PX:
            broken[image] = SMALL
    yield from sorted(broken.items())


def _singles(page: Page) -> np.ndarray:
    with np.errstate(over="ignore"):
        return page.numbers.astype(np.float32)


def _is_clean(page: Page, classes: int, keypoints: tuple[int, int] | None) -> bool:
    """Return whether the columns show that no image would be skipped."""
    if not len(page):
        return True
    low, high = int(page.widths.min()), int(page.widths.max())
    if int(page.classes.max()) >= classes or float(page.numbers.min(initial=0)) < 0:
        return False
    if keypoints is not None:
        return False
    if float(page.numbers.max(initial=0)) > 1:
        return False
    return low == high == _BOX or (low > _LONGEST_BOX and not np.any(page.widths % 2))


def _reason(rows: list[np.ndarray], numbers: list[int], classes: int, keypoints: tuple[int, int] | None) -> str | None:
    """Return why the image of these rows would be skipped; None if it would not."""
    if keypoints is not None:
        count, each = keypoints
        if any(len(row) != _BOX + count * each for row in rows):
            return COUNT
        points = np.array([row[_BOX:].reshape(count, each)[:, :2] for row in rows])
        beyond = any(row.min() < _LOW for row in rows) or points.max(initial=0) > _HIGH
        boxes = np.array([row[:_BOX] for row in rows])
    elif any(len(row) > _LONGEST_BOX for row in rows):
        if any(len(row) % 2 for row in rows):
            return COUNT
        if any(len(row) <= _LONGEST_BOX for row in rows):
            return MIXED
        boxes, beyond = np.array([_around(row) for row in rows]), False
    else:
        if any(len(row) != _BOX for row in rows):
            return COUNT
        boxes, beyond = np.array(rows), False
    if beyond or boxes.min() < _LOW or boxes.max() > _HIGH or boxes[:, 2:].min() < 0:
        return RANGE
    return CLASS if max(numbers) >= classes else None


def _around(ring: np.ndarray) -> list[np.float32]:
    xs, ys = ring[0::2], ring[1::2]
    return [(xs.min() + xs.max()) / 2, (ys.min() + ys.max()) / 2, xs.max() - xs.min(), ys.max() - ys.min()]


def repeated(page: Page) -> Counter[int]:
    """Return how many rows of each image repeat an earlier one in single precision."""
    found: Counter[int] = Counter()
    if len(page) < 2 or not len(page.numbers):
        return found
    singles = _singles(page)
    words = singles.view(np.uint32).astype(np.uint64)
    starts = page.starts
    places = np.arange(len(words)) - np.repeat(starts, page.widths)
    words = words * (places.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1))
    words ^= words >> np.uint64(29)
    ends = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words, dtype=np.uint64)])
    codes = ends[starts + page.widths] - ends[starts]
    keys = page.owners.astype(np.uint64) << np.uint64(32) | page.classes.astype(np.uint64)
    codes = (codes ^ keys * np.uint64(0xBF58476D1CE4E5B9)) * np.uint64(0x94D049BB133111EB)
    codes.sort()
    if not np.any(codes[1:] == codes[:-1]):
        return found
    owners = page.owners.tolist()
    seen: set[tuple[int, int, bytes]] = set()
    for row, (start, width, number) in enumerate(
        zip(starts.tolist(), page.widths.tolist(), page.classes.tolist(), strict=True)
    ):
        key = owners[row], number, singles[start : start + width].tobytes()
        found[key[0]] += key in seen
        seen.add(key)
    return +found
