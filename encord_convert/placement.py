"""Where geometry lies in its picture: what every exporter that draws, and the prediction of losses, must agree on.

:func:`fate` looks at hub coordinates and the size of the picture, and at nothing else. Its four words are

* **inside**: it can be written as it is;
* **leaves**: a part lies outside the picture; what remains inside can be drawn;
* **outside**: nothing that can be drawn lies inside the picture;
* **degenerate**: there is nothing to draw, wherever it lies.

"Outside" means by more than the tolerance: a corner 0.003 px beyond the border is a rounding error, not a place. The
same tolerance is the least width and height of what can be drawn, so that nothing drawn rounds to a box without sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from encord_convert.geometry.boxes import corners_from_rotated
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    Visibility,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from encord_convert.sdk.objects import LabelRowV2
    from encord_convert.sdk.objects.ontology_labels_impl import DataUnit

Fate = Literal["inside", "leaves", "outside", "degenerate"]


def fate(coordinates: Any, width: int, height: int, tolerance_px: float) -> Fate:
    """Tell where coordinates lie in a picture.

    Parameters
    ----------
    coordinates : coordinates of the hub
        Relative to the picture, origin top-left.
    width, height : int
        Size of the picture in pixels; in one without size everything is degenerate.
    tolerance_px : float
        Pixels, above 0: how far beyond the border is still inside, and the side nothing drawn may fall below.

    Returns
    -------
    "inside", "leaves", "outside" or "degenerate"
        Points and skeletons are inside wherever they lie, and degenerate if a coordinate that is shown is no finite
        number. A rotatable box is inside as long as a part of it is: its numbers stay what they are, whatever is
        drawn of it. Coordinates of shapes not listed here are inside.
    """
    kind = _KINDS.get(type(coordinates))
    if kind is None:
        return "inside"
    return kind(coordinates, width, height, tolerance_px) if width > 0 and height > 0 else "degenerate"


def unit_of(row: LabelRowV2, frame: int) -> DataUnit:
    """Return the picture a frame of an image group is, and of every other row the one medium it has."""
    units = row._units
    if len(units) == 1:
        return units[0]
    if 0 <= frame < len(units) and units[frame].data_sequence == frame:
        return units[frame]
    return next((unit for unit in units if unit.data_sequence == frame), units[0])


def frame_size(row: LabelRowV2, frame: int) -> tuple[int, int]:
    """Return width and height of a frame in pixels; 0 where the row does not say."""
    unit = unit_of(row, frame)
    return unit.width or 0, unit.height or 0


def box_fate(x: float, y: float, w: float, h: float, width: int, height: int, tolerance_px: float) -> Fate:
    """Tell where a box of left, top, width and height in pixels lies.

    >>> box_fate(-3, 0, 10, 10, 100, 100, 0.005), box_fate(-0.003, 0, 10, 10, 100, 100, 0.005)
    ('leaves', 'inside')
    >>> box_fate(-10, 0, 10, 10, 100, 100, 0.005), box_fate(5, 5, 0, 10, 100, 100, 0.005)
    ('outside', 'degenerate')
    """
    if not (w > tolerance_px and h > tolerance_px and math.isfinite(x + y + w + h)):
        return "degenerate"
    right, bottom = x + w, y + h
    if is_within(x, y, right, bottom, width, height, tolerance_px):
        return "inside"
    is_left = min(right, width) - max(x, 0) > tolerance_px and min(bottom, height) - max(y, 0) > tolerance_px
    return "leaves" if is_left else "outside"


def is_within(x0: float, y0: float, x1: float, y1: float, width: int, height: int, tolerance_px: float) -> bool:
    """Tell whether left, top, right and bottom in pixels are all in the picture, give or take the tolerance.

    >>> is_within(0, 0, 100.004, 50, 100, 50, 0.005)
    True
    """
    return x0 >= -tolerance_px and y0 >= -tolerance_px and x1 <= width + tolerance_px and y1 <= height + tolerance_px


def is_degenerate_ring(points: NDArray[np.float64], tolerance_px: float) -> bool:
    """Tell whether a ring encloses nothing: a coordinate is not finite, or all points lie on one line.

    Parameters
    ----------
    points : (n, 2) float
        x and y in pixels.
    tolerance_px : float
        How far from the line, in pixels, still counts as on it. Fewer than three distinct points are always on one.

    >>> import numpy as np
    >>> is_degenerate_ring(np.array([[0.0, 0], [9, 9], [4, 4]]), 0.005)
    True
    """
    import numpy as np

    if len(points) < 3 or not np.isfinite(points).all():
        return True
    offsets = points - points[0]
    far = offsets[int(np.argmax(np.abs(offsets).sum(axis=1)))]
    length = math.hypot(*far)
    if length <= tolerance_px:
        return True
    away = np.abs(offsets[:, 0] * far[1] - offsets[:, 1] * far[0])
    sides = points.max(axis=0) - points.min(axis=0)
    return bool(away.max() <= tolerance_px * length or sides.min() <= tolerance_px)


def rings_fate(rings: Sequence[NDArray[np.float64]], width: int, height: int, tolerance_px: float) -> Fate:
    """Tell where an area lies that is the union of rings.

    Parameters
    ----------
    rings : sequence of (n, 2) float
        x and y in pixels. Degenerate ones among others do not count.
    """
    drawn = [ring for ring in rings if not is_degenerate_ring(ring, tolerance_px)]
    if not drawn:
        return "degenerate"
    if all(is_within(*_bounds(ring), width, height, tolerance_px) for ring in drawn):
        return "inside"
    clipped = [clipped_ring(ring, width, height) for ring in drawn]
    return "outside" if all(is_degenerate_ring(ring, tolerance_px) for ring in clipped) else "leaves"


def _bounds(points: NDArray[np.float64]) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x0, y0, x1, y1


def clipped_ring(points: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """Return what a ring of (n, 2) pixel coordinates has inside the picture; without points if that is nothing."""
    import numpy as np

    from encord_convert.geometry.rings import clip_ring

    return np.array(clip_ring(points.ravel(), width, height), np.float64).reshape(-1, 2)


def ring_px(flat: Any, width: int, height: int) -> NDArray[np.float64]:
    """Return a flat relative ring x0, y0, x1, y1, … as (n, 2) pixel coordinates."""
    import numpy as np

    return np.asarray(flat, np.float64).reshape(-1, 2) * (width, height)


def outer_rings_px(coordinates: PolygonCoordinates, width: int, height: int) -> list[NDArray[np.float64]]:
    """Return the outer ring of each polygon as (n, 2) pixel coordinates."""
    return [ring_px(rings[0], width, height) for rings in coordinates.polygons if rings]


def _box(c: BoundingBoxCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    return box_fate(
        c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height, width, height, tolerance_px
    )


def _rotatable(c: RotatableBoundingBoxCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    x, y, w, h = c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height
    if not (w > tolerance_px and h > tolerance_px and math.isfinite(x + y + w + h) and math.isfinite(c.theta)):
        return "degenerate"
    corners = corners_from_rotated(x, y, w, h, c.theta)
    xs, ys = corners[0::2], corners[1::2]
    if is_within(min(xs), min(ys), max(xs), max(ys), width, height, tolerance_px):
        return "inside"
    rest = rings_fate([ring_px(corners, 1, 1)], width, height, tolerance_px)
    return "outside" if rest == "outside" else "inside"


def _polygon(c: PolygonCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    return rings_fate(outer_rings_px(c, width, height), width, height, tolerance_px)


def _polyline(c: PolylineCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    import numpy as np

    points = ring_px(c._flat, width, height)
    if len(points) < 2 or not np.isfinite(points).all():
        return "degenerate"
    x0, y0, x1, y1 = _bounds(points)
    if max(x1 - x0, y1 - y0) <= tolerance_px:
        return "degenerate"
    if is_within(x0, y0, x1, y1, width, height, tolerance_px):
        return "inside"
    return "outside" if x1 < 0 or y1 < 0 or x0 > width or y0 > height else "leaves"


def _point(c: PointCoordinate, width: int, height: int, tolerance_px: float) -> Fate:
    return "inside" if math.isfinite(c.x) and math.isfinite(c.y) else "degenerate"


def _skeleton(c: SkeletonCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    points = c.values
    shown = (point for point in points if point.visibility is not Visibility.INVISIBLE)
    return "inside" if points and all(math.isfinite(p.x) and math.isfinite(p.y) for p in shown) else "degenerate"


def _bitmask(c: BitmaskCoordinates, width: int, height: int, tolerance_px: float) -> Fate:
    from encord_convert.geometry.rle import clipped_box_runs, current_pixel_limit

    try:
        runs, left, top, box_width, box_height = c._box_runs()
    except (ValueError, IndexError):  # a string that is none, or holds more pixels than its frame
        return "degenerate"
    area = int(runs[1::2].sum())
    if not area or width * height > current_pixel_limit():
        return "degenerate"
    lost = clipped_box_runs(runs, left, top, box_width, box_height, width, height)[-1]
    return "inside" if not lost else "outside" if lost == area else "leaves"


_KINDS: dict[type, Any] = {
    BoundingBoxCoordinates: _box,
    RotatableBoundingBoxCoordinates: _rotatable,
    PolygonCoordinates: _polygon,
    PolylineCoordinates: _polyline,
    PointCoordinate: _point,
    SkeletonCoordinates: _skeleton,
    BitmaskCoordinates: _bitmask,
}
