"""Which images of a table need a closer look: most have shapes that are plainly right, which columns show at once.

An image that is not named has nothing to tell in :mod:`encord_convert.checks.rows`, and nothing that covers too little
or leaves its image. One that is named may be right all the same.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.checks.findings import CHANGES
from encord_convert.checks.rows import PER_PX
from encord_convert.hub.loss import Carries
from encord_convert.hub.table import Column, Table, Variant
from encord_convert.hub.visibility import fate
from encord_convert.sdk.objects import Shape

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ODD = np.uint64(0x9E3779B97F4A7C15)
_LEAST_AREA_PX = 1.0
"""A ring of a smaller area may be a line, or cross itself."""


def suspects(table: Table, tolerance_px: float) -> set[int]:
    """Return the images of a table that need a closer look."""
    sizes = np.array(table.sizes, np.float64).reshape(-1, 2)
    owners = np.repeat(np.arange(len(table)), table.counts)
    found = table.odd_images()
    found.update(np.flatnonzero((sizes <= 0).any(axis=1) & (np.array(table.counts) > 0)).tolist())
    found.update(bisect_right(table._ends, place) for place in table.made)
    for shape, column in table.columns.items():
        places = np.array(column.places, np.int64)
        if not len(places):
            continue
        of = owners[places]
        if shape is Shape.BITMASK:
            found.update(_masks(table, column, of.tolist(), tolerance_px))
            continue
        look = _LOOKS.get(shape)
        if look is None:
            found.update(of.tolist())
            continue
        is_right, marks = look(column, sizes[of], tolerance_px)
        found.update(of[~is_right].tolist())
        variants = (table.variants[place] for place in column.places)
        classes = np.fromiter((id(one and one.item) for one in variants), np.uint64, len(places))
        keys = (marks ^ of.astype(np.uint64) * _ODD) * _ODD + classes * np.uint64(0xBF58476D1CE4E5B9)
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        found.update(of[order[same]].tolist())
    return found


def beyond(table: Table, carries: Carries) -> set[int]:
    """Return the images of a table of which a target may lose something though all their shapes are right.

    Shapes of which it has none are not looked at here: :func:`unwritable`.
    """
    limits = carries.limits
    owners = np.repeat(np.arange(len(table)), table.counts)
    found = {number for number, size in enumerate(table.sizes) if min(size) < limits.least_image_px}
    kinds: dict[bool, set[int]] = {True: set(), False: set()}
    for shape, column in table.columns.items():
        if shape not in carries.shapes | carries.approximates:
            continue
        of = owners[np.array(column.places, np.int64)]
        kinds[shape is Shape.BOUNDING_BOX].update(of.tolist())
        sizes = np.array(table.sizes, np.float64).reshape(-1, 2)[of]
        if shape in carries.approximates and carries.code(shape) in CHANGES:
            found.update(of.tolist())
        elif limits.is_bounded and shape is Shape.ROTATABLE_BOUNDING_BOX:
            found.update(of[~_has_corners_inside(column, sizes)].tolist())
        elif limits.least_side_px:
            found.update(of[_sides(shape, column, sizes).min(axis=1, initial=np.inf) < limits.least_side_px].tolist())
    return found | (kinds[True] & kinds[False] if limits.masks_of_all else set())


def unwritable(table: Table, carries: Carries) -> dict[int, list[tuple[Variant, Shape]]]:
    """Return, by image of a table, the shapes of which a target has none, by what they have in common with others."""
    owners = np.repeat(np.arange(len(table)), table.counts)
    found: dict[int, list[tuple[Variant, Shape]]] = {}
    for shape, column in table.columns.items():
        if shape not in carries.shapes | carries.approximates:
            for place in column.places:
                variant = table.variants[place]
                if variant is not None:
                    found.setdefault(int(owners[place]), []).append((variant, shape))
    return found


def _has_corners_inside(column: Column, sizes: Floats) -> Any:
    """Tell of each rotated box whether all its corners lie in the image."""
    px = np.asarray(column.numbers, np.float64) * np.hstack([sizes, sizes])
    middle, sides, angles = px[:, :2] + px[:, 2:] / 2, px[:, 2:], np.radians(np.asarray(column.more, np.float64))
    along, across = np.abs(np.cos(angles)), np.abs(np.sin(angles))
    reach = np.column_stack([
        sides[:, 0] * along + sides[:, 1] * across, sides[:, 0] * across + sides[:, 1] * along
    ]) / 2  # fmt: skip
    return (middle - reach >= 0).all(axis=1) & (middle + reach <= sizes).all(axis=1)


def _sides(shape: Shape, column: Column, sizes: Floats) -> Floats:
    """Return width and height of shapes in pixels; 0 where that takes a closer look."""
    if not len(column.places):
        return np.zeros((0, 2))
    if shape is Shape.BOUNDING_BOX:
        return np.asarray(column.numbers, np.float64)[:, 2:] * sizes
    if shape is Shape.POLYGON:
        low, high, *_ = _vertices(column, sizes)
        return np.asarray(high - low, np.float64)
    return np.zeros((len(column.places), 2))


def _boxes(column: Column, sizes: Floats, tolerance_px: float) -> tuple[Any, Any]:
    px = np.asarray(column.numbers, np.float64) * np.hstack([sizes, sizes])
    low, sides = px[:, :2], px[:, 2:]
    is_right = (sides > tolerance_px).all(axis=1) & (low >= -tolerance_px).all(axis=1)
    is_right &= (low + sides <= sizes + tolerance_px).all(axis=1)
    return is_right, _mixed(px)


def _rotated(column: Column, sizes: Floats, tolerance_px: float) -> tuple[Any, Any]:
    px = np.asarray(column.numbers, np.float64) * np.hstack([sizes, sizes])
    sides, angles = px[:, 2:], np.asarray(column.more, np.float64)
    middle = px[:, :2] + sides / 2
    is_right = (sides > tolerance_px).all(axis=1) & (middle > 0).all(axis=1) & (middle < sizes).all(axis=1)
    return is_right & np.isfinite(angles), _mixed(np.column_stack([px, angles]))


def _points(column: Column, sizes: Floats, tolerance_px: float) -> tuple[Any, Any]:
    px = np.asarray(column.numbers, np.float64) * sizes
    return np.isfinite(px).all(axis=1), _mixed(px)


def _rings(column: Column, sizes: Floats, tolerance_px: float) -> tuple[Any, Any]:
    low, high, xs, ys, starts, marks = _vertices(column, sizes)
    is_right = (low >= -tolerance_px).all(axis=1) & (high <= sizes + tolerance_px).all(axis=1)
    counts = np.asarray(column.more, np.int64) // 2
    after = np.arange(1, len(xs) + 1)
    after[starts + counts - 1] = starts
    area = np.add.reduceat(xs * ys[after] - xs[after] * ys, starts) / 2
    return is_right & (np.abs(area) > _LEAST_AREA_PX) & (counts > 2), marks


def _lines(column: Column, sizes: Floats, tolerance_px: float) -> tuple[Any, Any]:
    low, high, _, _, _, marks = _vertices(column, sizes)
    is_right = (low >= -tolerance_px).all(axis=1) & (high <= sizes + tolerance_px).all(axis=1)
    return is_right & ((high - low) > tolerance_px).any(axis=1), marks


def _vertices(column: Column, sizes: Floats) -> tuple[Any, ...]:
    """Return, of rings or lines, least and largest coordinates, all in pixels, where each begins, and a mark."""
    counts = np.asarray(column.more, np.int64) // 2
    flat = np.asarray(column.numbers, np.float64).reshape(-1, 2) * np.repeat(sizes, counts, axis=0)
    starts = np.cumsum(counts) - counts
    low, high = np.minimum.reduceat(flat, starts), np.maximum.reduceat(flat, starts)
    at = (np.arange(len(flat)) - np.repeat(starts, counts)).astype(np.uint64)
    marks = np.add.reduceat(_mixed(np.column_stack([flat, at])), starts)
    return low, high, flat[:, 0], flat[:, 1], starts, marks


def _mixed(px: Floats) -> NDArray[np.uint64]:
    """Return a number for each row that is the same if no number differs by a hundredth of a pixel, and seldom else."""
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.rint(px * PER_PX).astype(np.int64).view(np.uint64).reshape(px.shape)
    marks = np.zeros(len(px), np.uint64)
    for column in range(px.shape[1]):
        marks = (marks ^ whole[:, column]) * _ODD
        marks ^= marks >> np.uint64(29)
    return marks


def _masks(table: Table, column: Column, owners: list[int], tolerance_px: float) -> set[int]:
    found: set[int] = set()
    seen: set[Any] = set()
    for place, of, mask in zip(column.places, owners, column.numbers, strict=True):
        variant = table.variants[place]
        key = (
            of,
            id(variant and variant.item),
            mask._string if mask._runs is None else (mask._box, mask._runs.tobytes()),
        )
        if key in seen or fate(mask, *table.sizes[of], tolerance_px) != "inside":
            found.add(of)
        seen.add(key)
    return found


_LOOKS = {
    Shape.BOUNDING_BOX: _boxes,
    Shape.ROTATABLE_BOUNDING_BOX: _rotated,
    Shape.POINT: _points,
    Shape.POLYGON: _rings,
    Shape.POLYLINE: _lines,
}
