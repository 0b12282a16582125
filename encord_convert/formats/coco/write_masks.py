"""Masks of many images at once: row runs inside a box to what a COCO file says of a mask.

What :func:`~encord_convert.geometry.rle.column_frame_runs_from_box_runs` does for one mask takes twenty calls of numpy,
each dearer than its work; done for forty masks together it takes hardly more.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from encord_convert.geometry import rle
from encord_convert.hub.extents import Extents

Numbers = tuple[rle.Runs, list[float], int]
"""Column runs in the image, tight ``bbox``, and the pixels set."""

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""

_MOST_PIXELS = 1 << 20
"""Pixels that are painted together; a larger mask is painted alone."""


def mask_numbers(masks: Extents) -> Iterator[Numbers | None]:
    """Give each mask its numbers; None if it is not plain: in its image, with a pixel set, its runs filling its box."""
    jobs: list[tuple[int, rle.Runs, Box, tuple[int, int]]] = []
    found: list[Numbers | None] = [None] * len(masks.masks)
    pixels = 0
    for place, (boxed, size) in enumerate(zip(masks.masks, masks.sizes, strict=True)):
        if boxed is None:
            continue
        runs, *box = boxed
        pixels += box[2] * (box[3] + 2)
        if pixels > _MOST_PIXELS and jobs:
            _compute(jobs, found)
            jobs, pixels = [], box[2] * (box[3] + 2)
        jobs.append((place, runs, tuple(box), size))  # type: ignore[arg-type]
    if jobs:
        _compute(jobs, found)
    return iter(found)


def _compute(jobs: list[tuple[int, rle.Runs, Box, tuple[int, int]]], found: list[Numbers | None]) -> None:
    boxes = np.array([box for _, _, box, _ in jobs], np.int64)
    sizes = np.array([size for _, _, _, size in jobs], np.int64)
    counts = np.array([len(runs) for _, runs, _, _ in jobs])
    runs = np.concatenate([runs for _, runs, _, _ in jobs])
    if not _fill(runs, counts, boxes):
        for job in jobs if len(jobs) > 1 else ():
            _compute([job], found)
        return
    starts = np.cumsum(counts) - counts
    is_set = ((np.arange(len(runs)) - np.repeat(starts, counts)) & 1).astype(bool)
    areas = np.add.reduceat(np.where(is_set, runs, 0), starts)
    if not areas.all():
        jobs = [job for job, area in zip(jobs, areas.tolist(), strict=True) if area]
        if jobs:
            _compute(jobs, found)
        return
    cells, owners = _changed_cells(runs, is_set, counts, boxes)
    widths = boxes[owners, 2]
    rows = cells // widths
    columns = cells - rows * widths
    rows += boxes[owners, 1]
    columns += boxes[owners, 0]
    firsts = np.searchsorted(owners, np.arange(len(jobs)))
    tops, bottoms = np.minimum.reduceat(rows, firsts), np.maximum.reduceat(rows, firsts)
    lefts, rights = np.minimum.reduceat(columns, firsts), np.maximum.reduceat(columns, firsts)
    bounds = np.stack([lefts, tops, rights - lefts + 1, bottoms - tops], axis=1)
    columns *= sizes[owners, 1]
    columns += rows
    all_runs = _column_runs(columns, owners, sizes[:, 0] * sizes[:, 1])
    for (place, *_), column_runs, bbox, area in zip(jobs, all_runs, bounds.tolist(), areas.tolist(), strict=True):
        found[place] = column_runs, bbox, area


def _fill(runs: rle.Runs, counts: NDArray[np.int64], boxes: NDArray[np.int64]) -> bool:
    """Tell whether runs are numbers of 0 or more that fill their boxes; seen as unsigned, a negative one is huge."""
    if runs.view(np.uint64).max() > rle.MAX_PIXELS:
        return False
    return bool((np.add.reduceat(runs, np.cumsum(counts) - counts) == boxes[:, 2] * boxes[:, 3]).all())


def _changed_cells(
    runs: rle.Runs, is_set: NDArray[np.bool_], counts: NDArray[np.int64], boxes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where a pixel differs from the one above it: row × width + column in the box, and the number of the mask.

    The row after the last counts as background, as the one before the first does.
    """
    ends = np.cumsum(counts)
    widths, areas = boxes[:, 2], boxes[:, 2] * boxes[:, 3]
    # Two background rows after each mask: one is its own, the other that above the next.
    places = np.repeat(ends, 2)
    padded = np.insert(runs, places, np.repeat(widths, 2))
    pixels = np.repeat(np.insert(is_set, places, False), padded)
    changed = np.zeros(len(pixels), bool)
    firsts = np.cumsum(areas + 2 * widths) - areas - 2 * widths
    spans = zip(firsts.tolist(), areas.tolist(), widths.tolist(), strict=True)
    for first, area, width in spans:
        changed[first : first + width] = pixels[first : first + width]
        below = slice(first + width, first + area + width)
        np.not_equal(pixels[below], pixels[first : first + area], out=changed[below])
    cells = np.flatnonzero(changed)
    owners = np.repeat(np.arange(len(firsts)), np.diff(np.searchsorted(cells, firsts), append=len(cells)))
    return cells - firsts[owners], owners


def _column_runs(places: NDArray[np.int64], owners: NDArray[np.int64], areas: NDArray[np.int64]) -> list[rle.Runs]:
    """Return the runs of masks from the places, column × height + row, where a pixel differs from the one before it."""
    # What is behind the last pixel of one mask and what is the first of the next are two places.
    bases = np.cumsum(areas + 1) - areas - 1
    places += bases[owners]
    places.sort()
    touching = places[1:-1:2] == places[2::2]
    if touching.any():
        keep = np.ones(len(places), bool)
        keep[1:-1:2] = keep[2::2] = ~touching
        places, owners = places[keep], owners[keep]
    counts = np.bincount(owners, minlength=len(areas))
    ends = np.cumsum(counts + 1)
    runs = np.insert(places, np.cumsum(counts), bases + areas)
    starts = ends - counts - 1
    before = np.empty_like(runs)
    before[1:] = runs[:-1]
    before[starts] = bases
    runs -= before
    trailing = runs[ends - 1] == 0
    spans = zip(starts.tolist(), (ends - trailing).tolist(), strict=True)
    return [runs[start:end] for start, end in spans]
