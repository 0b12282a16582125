"""Converts hub coordinates to areas, lines and dots in pixels, and to SVG paths.

Pages use the SVG paths; Pillow draws contact sheets and images with too many shapes. Dots are zero-length subpaths with
round ends, so that they have a constant size on screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from encord_convert.geometry.boxes import corners_from_rotated
from encord_convert.geometry.masks import rings_from_mask, rings_from_runs
from encord_convert.geometry.rle import current_pixel_limit
from encord_convert.hub.outlines import OUTLINED, faces_px, outline_px
from encord_convert.hub.visibility import ring_px
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    Cuboid2DCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    Visibility,
)

Flat = list[float]
"""x0, y0, x1, y1, … in pixels of the image, origin top-left."""
MOST_RUNS = 500_000
"""Most runs of a mask drawn exactly."""
COARSE_PX = 500
"""Longest side of a coarsened mask."""
Edges = Sequence[tuple[str, str]]
"""Names of skeleton points joined by a line."""


@dataclass(slots=True)
class Drawing:
    """The drawing of one shape, in pixels.

    Parameters
    ----------
    areas : list of Flat
        Closed rings, filled by the even-odd rule: nested rings are holes.
    lines : list of Flat
        Open lines.
    dots, hollow : list of (x, y)
        Points; hollow ones are occluded.
    is_stepped : bool
        Whether rings run along pixel edges, with alternating horizontal and vertical steps.
    """

    areas: list[Flat] = field(default_factory=list)
    lines: list[Flat] = field(default_factory=list)
    dots: list[tuple[float, float]] = field(default_factory=list)
    hollow: list[tuple[float, float]] = field(default_factory=list)
    is_stepped: bool = False

    def paths(self) -> dict[str, str]:
        """Return the data of its SVG paths: ``a`` areas, ``l`` lines, ``p`` dots, ``h`` hollow dots."""
        ring = _stepped if self.is_stepped else _ring
        paths = {
            "a": "".join(map(ring, self.areas)),
            "l": "".join(map(_line, self.lines)),
            "p": "".join(map(_dot, self.dots)),
            "h": "".join(map(_dot, self.hollow)),
        }
        return {key: path for key, path in paths.items() if path}


def drawing_of(coordinates: Any, width: int, height: int, edges: Edges = ()) -> Drawing:
    """Return the drawing of hub coordinates; empty if they are damaged or of an unknown kind.

    Parameters
    ----------
    coordinates : coordinates of the hub
        Relative to the image.
    width, height : int
        Of the image, in pixels.
    edges : sequence of (str, str)
        Edges of the skeleton template.
    """
    if isinstance(coordinates, BitmaskCoordinates):
        return _of_mask(coordinates, width, height)
    drawn = _of_numbers(coordinates, width, height, edges)
    parts = chain(drawn.areas, drawn.lines, drawn.dots, drawn.hollow)
    return drawn if all(map(math.isfinite, chain.from_iterable(parts))) else Drawing()


def _of_numbers(c: Any, width: int, height: int, edges: Edges) -> Drawing:
    if isinstance(c, BoundingBoxCoordinates | RotatableBoundingBoxCoordinates):
        box = c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height
        angle = getattr(c, "theta", 0.0)
        return Drawing([corners_from_rotated(*box, angle)] if math.isfinite(angle) else [])
    if isinstance(c, PolygonCoordinates):
        return Drawing([ring_px(ring, width, height) for rings in c.polygons for ring in rings])
    if isinstance(c, PolylineCoordinates):
        return Drawing(lines=[ring_px(c._flat, width, height)])
    if isinstance(c, PointCoordinate):
        return Drawing(dots=[(c.x * width, c.y * height)])
    if isinstance(c, SkeletonCoordinates):
        return _of_skeleton(c, width, height, edges)
    if isinstance(c, Cuboid2DCoordinates):
        front, back = faces_px(c, width, height)
        between = [[*front[at : at + 2], *back[at : at + 2]] for at in range(0, len(front), 2)]
        return Drawing([front], [back + back[:2], *between])
    return Drawing([outline_px(c, width, height)] if isinstance(c, OUTLINED) else [])


def _of_skeleton(c: SkeletonCoordinates, width: int, height: int, edges: Edges) -> Drawing:
    drawn = Drawing()
    at: dict[str, tuple[float, float]] = {}
    for point in c.values:
        if point.visibility is not Visibility.INVISIBLE:
            at[point.name] = point.x * width, point.y * height
            (drawn.hollow if point.visibility is Visibility.OCCLUDED else drawn.dots).append(at[point.name])
    drawn.lines = [[*at[one], *at[other]] for one, other in edges if one in at and other in at]
    return drawn


def _of_mask(c: BitmaskCoordinates, width: int, height: int) -> Drawing:
    mask_width, mask_height = c.frame_size
    if not (mask_width and mask_height) or mask_width * mask_height > current_pixel_limit():
        return Drawing()
    try:
        runs, left, top, box_width, box_height = c._box_runs()
        if len(runs) > MOST_RUNS:
            return _coarse(c.to_numpy_array(), width, height)
        rings = rings_from_runs(runs, box_height, box_width) if box_width and box_height else []
    except (ValueError, IndexError):  # an invalid string, or more pixels than its frame
        return Drawing()
    if (mask_width, mask_height) != (width, height):
        across, down = width / mask_width, height / mask_height
        moved = [[(n + (top if at % 2 else left)) * (down if at % 2 else across) for at, n in enumerate(ring)]
                 for ring in rings]  # fmt: skip
        return Drawing(moved)
    moved = [[n + (top if at % 2 else left) for at, n in enumerate(ring)] for ring in rings]
    return Drawing(moved, is_stepped=True)


def _coarse(mask: Any, width: int, height: int) -> Drawing:
    """Subsample a mask that is mostly noise."""
    step = -(-max(mask.shape) // COARSE_PX)
    small = mask[::step, ::step]
    across, down = width / small.shape[1], height / small.shape[0]
    return Drawing([[n * (down if at % 2 else across) for at, n in enumerate(ring)] for ring in rings_from_mask(small)])


def edges_of(ontology: Any) -> Mapping[str, Edges]:
    """Return the edges of skeletons by class name."""
    return {
        template.name: [
            (template.skeleton[start].name, template.skeleton[end].name)
            for start, end, _ in template.edges
            if max(start, end) < len(template.skeleton)
        ]
        for template in ontology.skeleton_templates
    }


def _number(value: float) -> str:
    return f"{round(value, 1):g}" if abs(value) < 1e5 else str(round(value))


def _line(flat: Iterable[float]) -> str:
    return "M" + " ".join(map(_number, flat))


def _ring(flat: Flat) -> str:
    return _line(flat) + "Z" if flat else ""


def _stepped(flat: Flat) -> str:
    """Return a ring along pixel edges as relative steps, which is short: ``M4 0h2v2h-1`` …."""
    numbers = [round(number) for number in flat]
    xs, ys = numbers[0::2], numbers[1::2]
    steps = [
        f"h{x1 - x0}" if y0 == y1 else f"v{y1 - y0}" for x0, y0, x1, y1 in zip(xs, ys, xs[1:], ys[1:], strict=False)
    ]
    return f"M{xs[0]} {ys[0]}{''.join(steps)}Z"


def _dot(at: tuple[float, float]) -> str:
    return f"M{_number(at[0])} {_number(at[1])}h0"
