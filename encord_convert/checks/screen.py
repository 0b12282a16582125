"""Screens a table for images that need a closer check; most are clearly fine from the columns.

An image that is not returned has no findings, neither in :mod:`encord_convert.checks.rows` nor for a target. One that
is returned may still be fine.
"""

from __future__ import annotations

from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.checks.findings import CHANGES
from encord_convert.checks.rows import PER_PX
from encord_convert.hub.extents import Extents
from encord_convert.hub.loss import Carries
from encord_convert.hub.table import Column, Table, Variant
from encord_convert.sdk.objects import Shape

_ODD = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xBF58476D1CE4E5B9)
_RINGED = (Shape.POLYGON, Shape.POLYLINE)


def suspects(table: Table, tolerance_px: float, carries: Carries) -> set[int]:
    """Return the images of a table that need a closer look.

    Shapes that the target cannot hold are ignored here: see :func:`unwritable`.
    """
    limits = carries.limits
    found = table.odd_images() | {table.image_of(place) for place in table.made}
    found |= {number for number, size in enumerate(table.sizes) if min(size) < max(limits.least_image_px, 1)}
    owners = np.repeat(np.arange(len(table)), table.counts)
    outlined: dict[bool, set[int]] = {True: set(), False: set()}
    for shape, column in table.columns.items():
        if not column.places:
            continue
        of, extents = owners[np.array(column.places, np.int64)], table.extents(shape)
        if shape in carries.shapes | carries.approximates:
            sure = extents.surely_inside(tolerance_px, is_bounded=limits.is_bounded)
            if limits.least_side_px:
                sure = sure & (_least_sides(shape, extents) >= limits.least_side_px)
            if shape in carries.approximates and carries.code(shape) in CHANGES:
                sure = np.zeros(len(of), bool)
            found.update(of[~sure].tolist())
            outlined[shape is not Shape.BOUNDING_BOX].update(of.tolist())
        found.update(_alike(table, shape, column, extents, of))
    return found | (outlined[True] & outlined[False] if limits.masks_of_all else set())


def unwritable(table: Table, carries: Carries) -> dict[int, list[tuple[Variant, Shape]]]:
    """Return, by image of a table, the shapes a target cannot hold, grouped by variant."""
    found: dict[int, list[tuple[Variant, Shape]]] = {}
    for shape, column in table.columns.items():
        if shape not in carries.shapes | carries.approximates:
            for place in column.places:
                variant = table.variants[place]
                if variant is not None:
                    found.setdefault(table.image_of(place), []).append((variant, shape))
    return found


def _least_sides(shape: Shape, extents: Extents) -> Any:
    """Return the lesser side of shapes in pixels; 0 if that needs a closer check."""
    if shape not in (Shape.BOUNDING_BOX, Shape.POLYGON):
        return 0.0
    low, high = extents.bounds
    return (high - low).min(axis=1)


def _alike(table: Table, shape: Shape, column: Column, extents: Extents, owners: Any) -> set[int]:
    """Return the images on which two shapes seem to share class and geometry."""
    variants = [table.variants[place] for place in column.places]
    classes = np.fromiter((id(variant and variant.item) for variant in variants), np.uint64, len(variants))
    if shape is Shape.BITMASK:
        runs = [mask._string if mask._runs is None else (mask._box, mask._runs.tobytes()) for mask in column.numbers]
        marks = np.fromiter((hash(run) & (1 << 63) - 1 for run in runs), np.uint64, len(runs))
    elif shape in _RINGED:
        at = (np.arange(len(extents.pixels)) - np.repeat(extents.starts, extents.counts)).astype(np.float64)
        marks = np.add.reduceat(_mixed(np.column_stack([extents.pixels, at])), extents.starts)
    elif shape is Shape.ROTATABLE_BOUNDING_BOX:
        marks = _mixed(np.column_stack([extents.pixels, extents.angles_deg]))
    else:
        marks = _mixed(extents.pixels)
    keys = (marks ^ owners.astype(np.uint64) * _ODD) * _ODD + classes * _OTHER
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    return set(compress(owners[order].tolist(), same.tolist()))


def _mixed(px: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return a hash per row, equal if no number differs by a hundredth of a pixel, and rarely otherwise."""
    with np.errstate(invalid="ignore", over="ignore"):
        full = np.rint(px * PER_PX).astype(np.int64).view(np.uint64).reshape(px.shape)
    marks = np.zeros(len(px), np.uint64)
    for column in range(px.shape[1]):
        marks = (marks ^ full[:, column]) * _ODD
        marks ^= marks >> np.uint64(29)
    return marks
