"""Converts rows of numbers to hub geometry, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from encord_convert.formats.yolo.rows import Fault, Flags, Floats, Ints, Page
from encord_convert.formats.yolo.tasks import (
    BOX,
    OFF_RIGHT_DEG,
    POLYGON,
    ROTATED,
    SKELETON,
    UNKNOWN,
    Plan,
    corners_of,
    rectangles,
)

_BOX_WIDTH = 4


@dataclass(slots=True)
class Classified:
    """A page of rows with their kinds.

    Attributes
    ----------
    page : Page
        Its faults are the rows that are dropped.
    kinds : (n,) int
    askew : (k,) int
        Rows of rotated boxes without right angles, read as polygons.
    """

    page: Page
    kinds: Ints
    askew: Ints


def classified(
    page: Page, plan: Plan, is_class: Flags, sizes: Sequence[tuple[int, int]], *, is_in_pixels: bool
) -> Classified:
    """Classify the rows of a page, without those that cannot be read.

    Parameters
    ----------
    page : Page
    plan : Plan
    is_class : (classes,) bool
        Which numbers are classes.
    sizes : sequence of (int, int)
        Of the images; 0: unknown.
    is_in_pixels : bool
        Whether numbers are pixels rather than relative.
    """
    widths = page.widths
    kinds = np.array([plan.kind(width) for width in range(int(widths.max(initial=0)) + 1)], np.int64)[widths]
    bounded = np.minimum(page.classes, len(is_class))
    known = np.append(is_class, False)[bounded]
    has_size = np.array([width > 0 and height > 0 for width, height in sizes], bool)[page.owners]
    gone = (kinds == UNKNOWN) | ~known | ~has_size
    at = np.flatnonzero(kinds == BOX)
    if len(at):
        gone[at[(page.block(at, _BOX_WIDTH)[:, 2:] < 0).any(axis=1)]] = True
    if gone.any():
        faults = [*page.faults, *_faults(page, np.flatnonzero(gone), kinds, known, has_size)]
        page = replace(page.without(gone), faults=faults)
        kinds = kinds[~gone]
    if is_in_pixels:
        page = replace(page, numbers=page.numbers / _divisors(page, plan, sizes))
    askew = np.zeros(0, np.int64)
    at = np.flatnonzero(kinds == ROTATED)
    if len(at):
        askew = at[rectangles(corners_of(page, at, np.array(sizes, np.float64)))[3] > OFF_RIGHT_DEG]
        kinds[askew] = POLYGON
    return Classified(page, kinds, askew)


def _faults(page: Page, at: Ints, kinds: Ints, known: Flags, has_size: Flags) -> list[Fault]:
    owners = page.owners
    found = []
    for row in at.tolist():
        number, width = int(page.classes[row]), int(page.widths[row])
        if not known[row]:
            code, detail = "CLASS_UNKNOWN", f"There is no class {number}."
        elif kinds[row] == UNKNOWN:
            code, detail = "VALUE_COUNT", f"A row has {width + 1} values, which does not fit the task."
        elif not has_size[row]:
            code, detail = "SIZE_UNKNOWN", "The size of its image is unknown."
        else:
            code, detail = "INVALID_BBOX", "A box has a negative side."
        found.append(Fault(int(owners[row]), int(page.lines[row]), code, detail, number))
    return found


def _divisors(page: Page, plan: Plan, sizes: Sequence[tuple[int, int]]) -> Floats:
    """Return the divisors that make pixel rows relative."""
    places = np.arange(len(page.numbers)) - np.repeat(page.starts, page.widths)
    each = plan.keypoints[1] if plan.keypoints else 2
    axis = np.where(places < _BOX_WIDTH, places % 2, (places - _BOX_WIDTH) % each)
    tails = np.array([plan.tail(width) for width in range(int(page.widths.max(initial=0)) + 1)], np.int64)[page.widths]
    axis[places >= np.repeat(page.widths - tails, page.widths)] = 2
    limits = np.array([(width, height, 1) for width, height in sizes], np.float64)
    divisors: Floats = limits[np.repeat(page.owners, page.widths), axis]
    return divisors


def boxes(page: Page, at: Ints) -> Floats:
    """Return left, top, width and height of rows, relative, (n, 4)."""
    found = page.block(at, _BOX_WIDTH).copy()
    found[:, :2] -= found[:, 2:] / 2
    return found


def rotated(page: Page, at: Ints, sizes: Floats) -> tuple[Floats, list[float]]:
    """Return unrotated boxes, relative, and angles in degrees."""
    _, found, angles, _ = rectangles(corners_of(page, at, sizes))
    limits = sizes[page.owners[at]]
    return found / np.concatenate([limits, limits], axis=1), angles.tolist()


def rings(page: Page, at: Ints, plan: Plan) -> tuple[Floats, list[int]]:
    """Return the concatenated numbers of rings, relative, and their counts."""
    widths = page.widths[at]
    tails = np.array([plan.tail(width) for width in range(int(widths.max(initial=0)) + 1)], np.int64)[widths]
    if len(at) == len(page) and not tails.any():
        return page.numbers, widths.tolist()
    counts = widths - tails
    firsts = np.repeat(page.starts[at], counts)
    within = np.arange(len(firsts)) - np.repeat(np.cumsum(counts) - counts, counts)
    return page.numbers[firsts + within], counts.tolist()


def tail_values(page: Page, plan: Plan) -> tuple[Floats, Ints]:
    """Return confidence and track of each row; NaN and -1 for none."""
    confidences, tracks = np.full(len(page), np.nan), np.full(len(page), -1, np.int64)
    for widths, values, back in ((plan.tracks, tracks, None), (plan.confidences, confidences, plan.tracks)):
        for width in widths:
            at = np.flatnonzero(page.widths == width)
            if len(at):
                place = width - 1 - (back is not None and width in back)
                values[at] = page.numbers[page.starts[at] + place]
    return confidences, tracks


def kinds_by_class(found: Classified, classes: int) -> dict[int, Ints]:
    """Return the number of rows by class and kind."""
    return {
        kind: np.bincount(found.page.classes[found.kinds == kind], minlength=classes)
        for kind in (BOX, POLYGON, ROTATED, SKELETON)
    }


def split_bridges(ring: list[float]) -> list[list[float]]:
    """Split a ring that runs back over itself at its zero-width bridges.

    >>> split_bridges([0, 0, 4, 0, 4, 4, 9, 9, 12, 9, 12, 12, 9, 9, 4, 4, 0, 4])
    [[0, 0, 4, 0, 4, 4, 0, 4], [9, 9, 12, 9, 12, 12]]
    """
    points = list(zip(ring[0::2], ring[1::2], strict=True))
    edges = {(start, end): at for at, (start, end) in enumerate(zip(points, [*points[1:], points[0]], strict=True))}
    for first, (start, end) in enumerate(pairwise(points)):
        back = edges.get((end, start))
        if start == end or back is None or back <= first:
            continue
        inner, outer = points[first + 1 : back], points[: first + 1] + points[back + 2 :]
        parts = []
        for part in (outer, inner):
            flat = [number for point in part for number in point]
            parts += split_bridges(flat) if len(part) > 2 else []
        return parts or [ring]
    return [ring]


def runs_back(page: Page, at: Ints) -> list[int]:
    """Return the polygon rows that traverse an edge both ways."""
    at = at[page.widths[at] >= _LEAST_BRIDGED]
    if not len(at):
        return []
    # Few rings repeat a corner; they are found by hashing each corner with its row.
    counts = page.widths[at] >> 1
    firsts = np.repeat(page.starts[at], counts)
    places = firsts + 2 * (np.arange(len(firsts)) - np.repeat(np.cumsum(counts) - counts, counts))
    bits = page.numbers.view(np.uint64)
    rows = np.repeat(np.arange(len(at)), counts)
    codes = bits[places] * _ODD ^ (bits[places + 1] + rows.astype(np.uint64)) * _OTHER
    order = np.argsort(codes, kind="stable")
    again = order[1:][codes[order[1:]] == codes[order[:-1]]]
    found = []
    for row in at[np.unique(rows[again])].tolist():
        ring = page.row(row)
        if len(split_bridges(ring[: len(ring) - len(ring) % 2])) > 1:
            found.append(row)
    return found


_LEAST_BRIDGED = 16
"""Count of numbers for two triangles and the bridge between them."""
_ODD, _OTHER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
