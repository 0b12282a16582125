"""The other shapes a label is written as: an upright box, rings, a mask, four corners, or keypoints.

Everything is in pixels of the image, origin top-left, and lies inside it. It is asked only for what
:func:`encord_convert.losses.narrow.account` says is written, so that there is always something to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from encord_convert.geometry import masks, rle
from encord_convert.geometry.rings import clip_ring, hull, signed_area
from encord_convert.hub.visibility import drawing, drawn_box, is_degenerate_ring, is_point_within, ring_px
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    PolygonCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    Visibility,
)

TOLERANCE_PX = 0.005

Size = tuple[int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def box_of(coordinates: Any, size: Size) -> Box:
    """Return the upright box around what can be drawn."""
    return drawn_box(coordinates, *size, TOLERANCE_PX)


def corners_of(box: Box) -> list[float]:
    """Return the corners of a box, clockwise from the top-left.

    >>> corners_of((1, 2, 3, 4))
    [1, 2, 3, 2, 3, 4, 1, 4]
    """
    left, top, right, bottom = box
    return [left, top, right, top, right, bottom, left, bottom]


def rings_of(coordinates: Any, size: Size) -> list[list[float]]:
    """Return outer rings, cut at the border of the image; holes are filled.

    A mask gives the edges of its pixels, a box or skeleton the corners of its box.
    """
    if isinstance(coordinates, BitmaskCoordinates):
        return _outlines(mask_runs(coordinates, size), size)
    if isinstance(coordinates, (PolygonCoordinates, RotatableBoundingBoxCoordinates)):
        return [list(map(float, ring)) for ring in drawing(coordinates, *size, TOLERANCE_PX)[1]]
    return [corners_of(box_of(coordinates, size))]


def one_ring_of(coordinates: Any, size: Size, *, with_holes: bool = False) -> list[float]:
    """Return what :func:`rings_of` does as a single ring: parts are joined by bridges of no width.

    Parts that overlap are united first, for what is painted twice counts as outside where rings are filled evenly.
    ``with_holes`` joins holes to it as well, which are filled otherwise.
    """
    rings = rings_of(coordinates, size)
    holes = holes_of(coordinates, size) if with_holes else []
    is_mask = isinstance(coordinates, BitmaskCoordinates)  # whose outlines do not overlap
    if len(rings) > 1 and not (is_mask and holes) and do_meet(rings):
        runs = rle.union_of_runs([masks.column_runs_from_rings([ring], size[1], size[0]) for ring in rings],
                                 size[0] * size[1])  # fmt: skip
        if holes:
            runs = polygon_runs(coordinates, size)
        united = masks.rings_from_runs(rle.row_runs_from_column_runs(runs, size[1], size[0]), size[1], size[0])
        rings = [ring for ring in united if signed_area(ring) > 0] or rings[:1]
        holes = [ring for ring in united if signed_area(ring) < 0] if holes else []
    joined = rings[0]
    for ring in (*rings[1:], *holes):
        joined = _bridged(joined, ring)
    return joined


def holes_of(coordinates: Any, size: Size) -> list[list[float]]:
    """Return the holes of a polygon or mask that enclose something, cut at the border of the image."""
    if isinstance(coordinates, BitmaskCoordinates):
        rings = masks.rings_from_runs(mask_runs(coordinates, size), size[1], size[0])
        return [ring for ring in rings if signed_area(ring) < 0]
    if not has_holes(coordinates):
        return []
    found = [ring_px(hole, *size) for rings in coordinates.polygons for hole in rings[1:]]
    cut = [clip_ring(hole, *size) for hole in found]
    return [list(map(float, hole)) for hole in cut if not is_degenerate_ring(hole, TOLERANCE_PX)]


def _bridged(first: list[float], second: list[float]) -> list[float]:
    """Walk the first ring to its point nearest to the second, around that, and back."""
    a, b = np.reshape(first, (-1, 2)), np.reshape(second, (-1, 2))
    distances = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    i, j = np.unravel_index(distances.argmin(), distances.shape)
    joined = np.concatenate([a[: i + 1], b[j:], b[: j + 1], a[i:]])
    return [float(number) for number in joined.ravel()]


def do_meet(rings: Sequence[Sequence[float]]) -> bool:
    """Tell whether the upright boxes of any two rings overlap."""
    boxes = [(min(ring[0::2]), min(ring[1::2]), max(ring[0::2]), max(ring[1::2])) for ring in rings]
    return any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
        for index, a in enumerate(boxes)
        for b in boxes[:index]
    )


def area_of(rings: Sequence[Sequence[float]], size: Size) -> float:
    """Return the area of rings in square pixels; of rings that may overlap, the pixels they cover together."""
    if len(rings) == 1 or not do_meet(rings):
        return sum(abs(signed_area(ring)) for ring in rings)
    parts = [masks.column_runs_from_rings([ring], size[1], size[0]) for ring in rings]
    return float(rle.area_from_runs(rle.union_of_runs(parts, size[0] * size[1])))


def has_holes(coordinates: Any) -> bool:
    """Tell whether a polygon has holes."""
    return isinstance(coordinates, PolygonCoordinates) and any(len(rings) > 1 for rings in coordinates.polygons)


def polygon_runs(polygon: PolygonCoordinates, size: Size) -> rle.Runs:
    """Return column runs of the pixels of a polygon with holes."""
    width, height = size
    parts = []
    for rings in polygon.polygons:
        flat = [ring_px(ring, width, height) for ring in rings]
        if flat and not is_degenerate_ring(flat[0], TOLERANCE_PX):
            kept = [flat[0], *(hole for hole in flat[1:] if not is_degenerate_ring(hole, TOLERANCE_PX))]
            parts.append(masks.column_runs_from_rings(kept, height, width))
    return rle.union_of_runs(parts, width * height)


def mask_runs(mask: BitmaskCoordinates, size: Size) -> rle.Runs:
    """Return row runs of the pixels of a mask inside the image."""
    return rle.frame_runs_from_box_runs(*rle.clipped_box_runs(*mask._box_runs(), *size)[:5], *size)


def _outlines(row_runs: rle.Runs, size: Size) -> list[list[float]]:
    rings = masks.rings_from_runs(row_runs, size[1], size[0])
    return [ring for ring in rings if signed_area(ring) > 0]


def rotated_box_of(coordinates: Any, size: Size) -> list[float]:
    """Return four corners, clockwise: of a box as it is, else of the smallest turned box around the outline.

    A corner outside the image is moved to its border, unless all are so near that an angle would be lost for nothing.
    """
    if isinstance(coordinates, RotatableBoundingBoxCoordinates):
        from encord_convert.geometry.boxes import corners_from_rotated

        c, (width, height) = coordinates, size
        corners = corners_from_rotated(
            c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height, c.theta
        )
    elif isinstance(coordinates, (PolygonCoordinates, BitmaskCoordinates)):
        corners = _smallest_box([number for ring in rings_of(coordinates, size) for number in ring])
    else:
        corners = corners_of(box_of(coordinates, size))
    within = [min(max(number, 0.0), float(size[index % 2])) for index, number in enumerate(corners)]
    is_near = all(abs(one - other) <= 2 * TOLERANCE_PX for one, other in zip(corners, within, strict=True))
    return corners if is_near else within


def _smallest_box(points: list[float]) -> list[float]:
    """Return the corners of the turned box of least area around points: a side of it lies on a side of their hull."""
    ring = np.reshape(hull(points), (-1, 2))
    best: tuple[float, Any] | None = None
    for start, end in pairwise([*ring, ring[0]]):
        along = (end - start) / np.hypot(*(end - start))
        axes = np.stack([along, [-along[1], along[0]]])
        places = ring @ axes.T
        (x0, y0), (x1, y1) = places.min(axis=0), places.max(axis=0)
        area = (x1 - x0) * (y1 - y0)
        if best is None or area < best[0] - 1e-9:
            best = area, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ axes
    assert best is not None
    return [float(number) for number in best[1].ravel()]


def keypoints_of(skeleton: SkeletonCoordinates, keypoints: Any, size: Size, *, is_bounded: bool) -> list[float]:
    """Return x, y and v of each keypoint: 2 visible, 1 hidden, 0 with x and y 0 where there is none.

    Parameters
    ----------
    skeleton : SkeletonCoordinates
    keypoints : Keypoints
        Their order.
    size : Size
    is_bounded : bool
        Whether a point outside the image counts as none.
    """
    numbers: list[float] = [0, 0, 0] * len(keypoints.names)
    for point in skeleton.values:
        index = keypoints.index(point)
        is_cut = is_bounded and not is_point_within(point, *size, TOLERANCE_PX)
        if index is None or point.visibility is Visibility.INVISIBLE or is_cut:
            continue
        is_hidden = point.visibility is Visibility.OCCLUDED or getattr(point, "_self_occluded", False)
        x, y = (point.x * size[0], point.y * size[1])
        if is_bounded:
            x, y = min(max(x, 0.0), float(size[0])), min(max(y, 0.0), float(size[1]))
        numbers[3 * index : 3 * index + 3] = [x, y, 1 if is_hidden else 2]
    return numbers
