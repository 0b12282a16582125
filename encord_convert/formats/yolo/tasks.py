"""Infers what the rows of a data set are: boxes, polygons, rotated boxes or skeletons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.yolo.options import Task
from encord_convert.formats.yolo.rows import Floats, Ints, Page

BOX, POLYGON, ROTATED, SKELETON, UNKNOWN = 0, 1, 2, 3, 4
"""Kinds of rows."""
TYPES = {BOX: "box", POLYGON: "polygon", ROTATED: "rotated_box", SKELETON: "skeleton"}
"""Names of the kinds in counts."""

_BOX_WIDTH, _CORNERS_WIDTH, _LEAST_RING = 4, 8, 6
_OFF_SQUARE = 1e-3
"""Tolerance of a rotated box's corners from a rectangle's, relative to its longer side."""
OFF_RIGHT_DEG = 1.0
"""Tolerance of a rotated box's angles from 90 degrees."""


@dataclass(slots=True)
class RowStats:
    """Statistics of all rows; a row's width is its count of numbers after the class.

    Attributes
    ----------
    widths : Counter
        Rows of each width.
    whole, above : Counter
        Of those, rows that end in an integer, and in a number above 1.
    are_rectangles : bool
        Whether every row of eight numbers is a rectangle.
    keypoints : (int, int) or None
        From the description; rows of other lengths then do not count for ``flags``.
    flags : bool
        Whether every third number after the box is 0, 1 or 2, in rows that may be skeletons.
    pixels, corners : int
        Rows with only numbers above 1.5, and boxes that leave the image when read as centre and size.
    """

    keypoints: tuple[int, int] | None = None
    widths: Counter[int] = field(default_factory=Counter)
    whole: Counter[int] = field(default_factory=Counter)
    above: Counter[int] = field(default_factory=Counter)
    are_rectangles: bool = True
    flags: bool = True
    pixels: int = 0
    corners: int = 0

    def add_page(self, page: Page, sizes: NDArray[np.float64]) -> None:
        """Add a page with the sizes of its images."""
        if not len(page):
            return
        last = page.last()
        is_whole, most = last == np.floor(last), int(page.widths.max()) + 1
        for counts, weights in ((self.widths, None), (self.whole, is_whole), (self.above, is_whole & (last > 1))):
            found = np.bincount(page.widths, weights, most)
            counts.update({int(width): int(found[width]) for width in np.flatnonzero(found)})
        at = np.flatnonzero((page.widths >= _CORNERS_WIDTH) & (page.widths <= _CORNERS_WIDTH + 2))
        if len(at) and self.are_rectangles:
            corners = corners_of(page, at, sizes)
            sides = np.hypot(*np.diff(corners[:, [0, 1, 2]], axis=1).transpose(2, 0, 1)).max(axis=1)
            off = np.abs(corners - rectangles(corners)[0]).max(axis=(1, 2))
            self.are_rectangles = bool(np.all(off <= _OFF_SQUARE * np.maximum(sides, 1)))
        is_box = page.widths == _BOX_WIDTH
        if is_box.any():
            boxes = page.block(np.flatnonzero(is_box), _BOX_WIDTH)
            self.corners += int(np.count_nonzero((boxes[:, :2] + boxes[:, 2:] / 2 > 1.01).any(axis=1)))
        if float(page.numbers.max(initial=0)) > 1.5:
            least = np.minimum.reduceat(page.numbers, np.minimum(page.starts, len(page.numbers) - 1))
            self.pixels += int(np.count_nonzero(least[page.widths > 0] > 1.5))
        if self.flags and self.keypoints is not None:
            own = _skeleton_width(self.keypoints)
            rows = page.block(np.flatnonzero((page.widths >= own) & (page.widths <= own + 2)), own)
            self.flags = bool(np.isin(rows[:, _BOX_WIDTH + 2 :: 3], (0, 1, 2)).all())
        elif self.flags and np.all((page.widths - _BOX_WIDTH) % 3 == 0):
            places = np.arange(len(page.numbers)) - np.repeat(page.starts, page.widths)
            third = page.numbers[(places >= _BOX_WIDTH) & ((places - _BOX_WIDTH) % 3 == 2)]
            self.flags = bool(np.isin(third, (0, 1, 2)).all())
        else:
            self.flags = False


def _skeleton_width(keypoints: tuple[int, int]) -> int:
    """Return the width of a row of a box and keypoints."""
    return _BOX_WIDTH + keypoints[0] * keypoints[1]


def corners_of(page: Page, at: Ints, sizes: Floats) -> Floats:
    """Return the four corners of rows in pixels, (n, 4, 2)."""
    return page.block(at, _CORNERS_WIDTH).reshape(-1, 4, 2) * sizes[page.owners[at]][:, None, :]


def rectangles(corners: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the rectangles nearest to four corners each.

    Parameters
    ----------
    corners : (n, 4, 2) float
        Pixels, in order round the box, either way.

    Returns
    -------
    corners : (n, 4, 2) float
        Of the rectangle, in the order given.
    boxes : (n, 4) float
        Left, top, width and height before rotation: width is the first side, height the second.
    angles : (n,) float
        Degrees clockwise on screen about the centre, in [0, 360).
    off : (n,) float
        Deviation from 90 degrees between the first two sides.
    """
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    width, height = np.hypot(first[:, 0], first[:, 1]), np.hypot(second[:, 0], second[:, 1])
    centre = corners.mean(axis=1)
    angle = np.where(
        width > 0, np.arctan2(first[:, 1], first[:, 0]), np.arctan2(second[:, 1], second[:, 0]) - np.pi / 2
    )
    cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    turn = np.where(cross < 0, -1.0, 1.0)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (width / 2)[:, None]
    across = np.stack([-np.sin(angle), np.cos(angle)], axis=1) * (turn * height / 2)[:, None]
    ring = np.stack([-along - across, along - across, along + across, -along + across], axis=1) + centre[:, None, :]
    boxes = np.concatenate([centre - np.stack([width, height], axis=1) / 2, width[:, None], height[:, None]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        sine = np.abs(cross) / (width * height)
    off = np.where(width * height > 0, np.degrees(np.arccos(np.clip(sine, 0, 1))), 0.0)
    degrees = np.degrees(angle) % 360
    return ring, boxes, np.where(degrees >= 360, 0.0, degrees), off


@dataclass(frozen=True, slots=True)
class Plan:
    """What the rows are.

    Attributes
    ----------
    task : Task
    rule : str
        The rule that decided it, as a clause.
    keypoints : (int, int) or None
        Keypoints per skeleton, and numbers per keypoint.
    confidences, tracks : frozenset of int
        Widths of rows that end in a confidence, a track id, or both in this order.
    """

    task: Task
    rule: str
    keypoints: tuple[int, int] | None = None
    confidences: frozenset[int] = frozenset()
    tracks: frozenset[int] = frozenset()

    def tail(self, width: int) -> int:
        """Return how many trailing numbers of a row of a width are not geometry."""
        return (width in self.confidences) + (width in self.tracks)

    def kind(self, width: int) -> int:
        """Return the kind of a row of a width."""
        own = width - self.tail(width)
        if self.task == "pose":
            return SKELETON if own == _skeleton_width(self.keypoints or (0, 3)) else UNKNOWN
        if own == _BOX_WIDTH:
            return BOX
        if self.task == "obb":
            return ROTATED if own == _CORNERS_WIDTH else UNKNOWN
        return POLYGON if own >= _LEAST_RING and own % 2 == 0 else UNKNOWN


def decided(stats: RowStats, task: Task | None, said: str, keypoints: tuple[int, int] | None) -> Plan:
    """Decide what the rows are.

    Parameters
    ----------
    stats : Seen
    task : Task or None
        Stated task; ``said`` says by what.
    said : str
    keypoints : (int, int) or None
        From the description.
    """
    widths = {width for width in stats.widths if width >= _BOX_WIDTH}  # shorter rows are truncated
    rule = said
    if task is None:
        task, rule = _looked_at(stats, widths, keypoints)
    if task == "pose":
        keypoints = keypoints or _shape_of(stats)
    return Plan(task, rule, keypoints if task == "pose" else None, *_tails(stats, task, widths, keypoints))


def doubtful(stats: RowStats, plan: Plan) -> int:
    """Return how many polygons end in a confidence although others do not: they may be truncated."""
    if plan.task != "segment":
        return 0
    rings = {width: count for width, count in stats.widths.items() if width >= _LEAST_RING}
    scored = sum(count for width, count in rings.items() if width in plan.confidences)
    return scored if scored < sum(rings.values()) else 0


def _looked_at(stats: RowStats, widths: set[int], keypoints: tuple[int, int] | None) -> tuple[Task, str]:
    if keypoints is not None:
        own = _skeleton_width(keypoints)
        if not widths or widths & {own, own + 1, own + 2}:
            return "pose", "kpt_shape says so"
    if widths <= {4, 5} or (widths <= {4, 5, 6} and _ends_in_ids(stats, {6})):
        return "detect", "all rows have 5 values" if widths else "there are no rows"
    is_tracked = 10 not in widths or _ends_in_ids(stats, {10})
    if widths <= {8, 9, 10} and is_tracked and stats.are_rectangles:
        return "obb", "all rows have 9 values and are rectangles"
    return "segment", "rows have 7 or more values"


def _ends_in_ids(stats: RowStats, widths: set[int]) -> bool:
    """Return whether rows of these widths end in a track id: integers in all, above 1 in some."""
    rows = sum(stats.widths[width] for width in widths)
    is_whole = sum(stats.whole[width] for width in widths) == rows
    return bool(rows) and is_whole and sum(stats.above[width] for width in widths) > 0


def _tails(
    stats: RowStats, task: Task, widths: set[int], keypoints: tuple[int, int] | None
) -> tuple[frozenset[int], frozenset[int]]:
    if task == "pose":
        own = _skeleton_width(keypoints or (0, 3))
        one, two = {own + 1} & widths, {own + 2} & widths
    elif task == "obb":
        one, two = {_CORNERS_WIDTH + 1, 5} & widths, {_CORNERS_WIDTH + 2} & widths
    else:
        # among polygons five numbers are a truncated polygon rather than a box and its confidence
        least = _LEAST_RING if task == "segment" else _BOX_WIDTH
        one = {width for width in widths if width > least and width % 2}
        two = (
            {6} & widths
            if task == "detect" and widths <= {4, 5, 6}
            else {width for width in widths if width >= 8 and width % 2 == 0}
        )
        two = two if _ends_in_ids(stats, two) else set()
    if _ends_in_ids(stats, one):
        return frozenset(two), frozenset(one | two)
    return frozenset(one | two), frozenset(two)


def _shape_of(stats: RowStats) -> tuple[int, int]:
    """Infer the number of keypoints, and of numbers per keypoint, without a description."""
    [(width, _)] = stats.widths.most_common(1) or [(_BOX_WIDTH, 0)]
    rest = max(width - _BOX_WIDTH, 0)
    if rest % 3 == 0 and (stats.flags or rest % 2):
        return rest // 3, 3
    return (rest // 2, 2) if rest % 2 == 0 else (rest // 3, 3)
