"""Where many shapes of a kind are, in pixels: vectors say of most that they lie in their image, at the cost of few.

What is surely inside here is inside for :func:`~encord_convert.hub.visibility.fate`, too; of the others that must be
asked. Whoever writes many shapes together starts from the same pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.geometry.rle import Runs, current_pixel_limit
from encord_convert.hub.visibility import FARTHEST_PX
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
BoxRuns = tuple[Runs, int, int, int, int]

FAR_PX = -1e6
"""Stands for a coordinate that is no finite number: outside, so that its shape is not sure."""

_NO_RING = (0.0, 0.0)
"""Stands for a polygon of more rings than one, or of none."""

_KINDS: dict[Shape, type] = {
    Shape.BOUNDING_BOX: BoundingBoxCoordinates,
    Shape.ROTATABLE_BOUNDING_BOX: RotatableBoundingBoxCoordinates,
    Shape.POLYGON: PolygonCoordinates,
    Shape.POLYLINE: PolylineCoordinates,
    Shape.POINT: PointCoordinate,
    Shape.BITMASK: BitmaskCoordinates,
}

_RINGED = (Shape.POLYGON, Shape.POLYLINE)


class Extents:
    """Shapes of one kind in pixels.

    Parameters
    ----------
    shape : Shape
    numbers, more
        As of :class:`~encord_convert.hub.table.Column`.
    limits : (n, 2) or (1, 2) float
        Width and height of the image of each in pixels, one row if they are all the same.
    is_relative : bool
        Whether the numbers are shares of the image; else they are pixels.

    Attributes
    ----------
    pixels : float
        Boxes: (n, 4), left, top, width and height before they are turned. Points: (n, 2). Of polygons and polylines all
        points, (m, 2).
    counts : (n,) int
        Points of each polygon or polyline.
    """

    def __init__(self, shape: Shape, numbers: Any, more: Any, limits: Floats, *, is_relative: bool = True) -> None:
        self.shape = shape
        self.limits = limits
        self._numbers = numbers
        self._more = more
        self._is_relative = is_relative
        self.counts = np.asarray(more, np.int64) >> 1 if shape in _RINGED else np.zeros(0, np.int64)

    @staticmethod
    def can_be_of(shape: Shape, coordinates: Iterable[Any]) -> bool:
        """Tell whether these are the coordinates of a shape that is known here, and no points in space."""
        return set(map(type, coordinates)) <= {_KINDS.get(shape)}

    @classmethod
    def of(cls, shape: Shape, coordinates: Sequence[Any], sizes: Sequence[tuple[int, int]]) -> Extents:
        """Return where coordinates are in images of these sizes; a polygon of other than one ring is nowhere sure."""
        limits = limits_of(sizes)
        if shape is Shape.BITMASK:
            return cls(shape, list(coordinates), (), limits)
        if shape in _RINGED:
            rings = [
                _NO_RING if (shape is Shape.POLYGON and c._is_nested) or not len(c._flat) else c._flat
                for c in coordinates
            ]
            return cls(shape, np.concatenate(rings), [len(ring) for ring in rings], limits)
        if shape is Shape.POINT:
            return cls(shape, [place for c in coordinates for place in (c.x, c.y)], (), limits)
        places = [place for c in coordinates for place in (c.top_left_x, c.top_left_y, c.width, c.height)]
        angles = [c.theta for c in coordinates] if shape is Shape.ROTATABLE_BOUNDING_BOX else ()
        return cls(shape, places, angles, limits)

    @cached_property
    def pixels(self) -> Floats:
        pairs = 2 if self.shape in (Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX) else 1
        numbers = np.asarray(self._numbers, np.float64).reshape(-1, pairs, 2)
        if not self._is_relative:
            return numbers.reshape(-1, 2 * pairs)
        with np.errstate(invalid="ignore", over="ignore"):
            pixels = (numbers * self.spread[:, None, :]).reshape(-1, 2 * pairs)
        finite = np.isfinite(pixels)
        if not finite.all():
            pixels[~finite] = FAR_PX
        return np.asarray(pixels)

    @property
    def spread(self) -> Floats:
        """Width and height for each row of :attr:`pixels`, or for all."""
        if len(self.limits) == 1 or self.shape not in _RINGED:
            return self.limits
        return np.repeat(self.limits, self.counts, axis=0)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each polygon or polyline begins among the points."""
        return np.cumsum(self.counts) - self.counts

    @cached_property
    def angles_deg(self) -> Floats:
        """Of boxes that are turned, 0 to 360; 0 where it is no finite number."""
        angles = np.array(self._more, np.float64)
        angles[~np.isfinite(angles)] = 0.0
        angles = np.rint(np.mod(angles, 360.0) * 1e9) / 1e9 + 0.0
        return np.asarray(angles % 360.0)

    @cached_property
    def corners(self) -> Floats:
        """Corners of boxes turned about their centres, (n, 4, 2), clockwise from the one that was top-left."""
        boxes, angles_deg = self.pixels, self.angles_deg
        angles = np.radians(angles_deg)
        cos, sin = np.cos(angles), np.sin(angles)
        quarter = angles_deg % 90.0 == 0.0
        cos[quarter], sin[quarter] = np.rint(cos[quarter]), np.rint(sin[quarter])
        half = boxes[:, 2:] / 2
        centre = boxes[:, :2] + half
        along = np.stack([cos * half[:, 0], sin * half[:, 0]], axis=1)
        across = np.stack([-sin * half[:, 1], cos * half[:, 1]], axis=1)
        ends = [-along - across, along - across, along + across, across - along]
        return centre[:, None, :] + np.stack(ends, axis=1)

    @cached_property
    def bounds(self) -> tuple[Floats, Floats]:
        """The upper left and the lower right corner of what holds each shape, (n, 2) and (n, 2)."""
        pixels = self.pixels
        if self.shape in _RINGED:
            return np.minimum.reduceat(pixels, self.starts), np.maximum.reduceat(pixels, self.starts)
        if self.shape is Shape.ROTATABLE_BOUNDING_BOX:
            first, second, third, fourth = self.corners.transpose(1, 0, 2)
            low = np.minimum(np.minimum(first, second), np.minimum(third, fourth))
            return low, np.maximum(np.maximum(first, second), np.maximum(third, fourth))
        return pixels[:, :2], pixels[:, :2] + pixels[:, 2:]

    @cached_property
    def masks(self) -> list[BoxRuns | None]:
        """Row runs of masks inside a box that lies in the image, and the box; None: it does not, or nothing is set."""
        return [_boxed(mask, *size) for mask, size in zip(self._numbers, self.sizes, strict=True)]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Width and height of the image of each mask in pixels."""
        sizes = [(int(width), int(height)) for width, height in self.limits.tolist()]
        return sizes * len(self._numbers) if len(sizes) == 1 else sizes

    def are_within(self, tolerance_px: float) -> Flags:
        """Tell which lie in their image, give or take the tolerance; boxes that are turned with all corners."""
        low, high = self.bounds
        within = (low >= -tolerance_px) & (high <= self.limits + tolerance_px)
        return np.asarray(within[:, 0] & within[:, 1])

    def have_sides(self, tolerance_px: float) -> Flags:
        """Tell which are wider and higher than the tolerance; boxes that are turned before they are."""
        if self.shape in _RINGED:
            low, high = self.bounds
            return _both(high - low > tolerance_px)
        return _both(self.pixels[:, 2:] > tolerance_px)

    def have_finite_angles(self) -> Flags:
        """Tell which boxes are turned by an angle that is a finite number."""
        return np.isfinite(np.asarray(self._more, np.float64))

    def surely_inside(self, tolerance_px: float, *, is_bounded: bool = False) -> Flags:
        """Tell of which shapes it is plain that nothing of them is outside, and that they enclose something.

        ``is_bounded``: no corner of a box that is turned may be outside, though its centre is inside.
        """
        shape = self.shape
        if shape is Shape.BITMASK:
            return np.array([one is not None and one[0].item(1) > 0 for one in self.masks], bool)
        if shape is Shape.POINT:
            numbers = np.asarray(self._numbers, np.float64).reshape(-1, 2)
            return _both(np.isfinite(numbers) & (np.abs(self.pixels) <= FARTHEST_PX))
        if shape is Shape.ROTATABLE_BOUNDING_BOX:
            sure = self.have_finite_angles() & self.have_sides(2 * tolerance_px)
            centres, margin = self.pixels[:, :2] + self.pixels[:, 2:] / 2, 2 * tolerance_px
            has_centre = _both((centres > margin) & (centres < self.limits - margin))
            return np.asarray(sure & (self.are_within(tolerance_px) if is_bounded else has_centre))
        if shape is Shape.POLYLINE:
            low, high = self.bounds
            return np.asarray(self.are_within(tolerance_px) & ((high - low).max(axis=1) > tolerance_px))
        sure = np.asarray(self.are_within(tolerance_px) & self.have_sides(tolerance_px))
        return np.asarray(sure & self._span_an_area(tolerance_px)) if shape is Shape.POLYGON else sure

    def _span_an_area(self, tolerance_px: float) -> Flags:
        """Tell which rings do not lie on a line, by three of their points."""
        first, third = self.pixels[self.starts], self.counts // 3
        one, other = self.pixels[self.starts + third] - first, self.pixels[self.starts + 2 * third] - first
        spanned = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])
        reach = np.abs(one) + np.abs(other)
        # All on a line, give or take the tolerance, they would span at most that much for each pixel between them.
        return np.asarray(spanned > 2 * tolerance_px * (reach[:, 0] + reach[:, 1]))


def limits_of(sizes: Sequence[tuple[int, int]]) -> Floats:
    """Return width and height of the image of each shape, (n, 2); (1, 2) if they are all the same."""
    is_alike = sizes.count(sizes[0]) == len(sizes)
    return np.array(sizes[:1] if is_alike else sizes, np.float64)


def _both(flags: Flags) -> Flags:
    return np.asarray(flags[:, 0] & flags[:, 1])


def _boxed(mask: Any, width: int, height: int) -> BoxRuns | None:
    if width * height > current_pixel_limit():
        return None
    try:
        runs, left, top, box_width, box_height = mask._box_runs()
    except (ValueError, IndexError):
        return None
    is_within = left >= 0 and top >= 0 and left + box_width <= width and top + box_height <= height
    return (runs, left, top, box_width, box_height) if len(runs) > 1 and is_within else None
