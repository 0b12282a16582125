"""Which pixels of its image a shape covers: what every exporter that paints, and the prediction of losses, agree on.

A pixel belongs to a polygon, a box or a rotatable box when its centre is inside; to a bitmask when it is set. A shape
that covers the centre of no pixel is the pixel under its middle: an object that exists does not vanish.

Source: cocoapi 2.0 ``maskApi.c``, ``rleFrPoly``, for rings; holes are cut out of their part, and the parts united.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.errors import WriteError
from encord_convert.geometry import masks, rle
from encord_convert.geometry.boxes import corners_from_rotated
from encord_convert.geometry.paintings import BoxRuns, FlatImage, Painting
from encord_convert.hub.visibility import drawing, extent_of, fate, is_degenerate_ring, ring_px
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PolygonCoordinates,
    RotatableBoundingBoxCoordinates,
)

if TYPE_CHECKING:
    from encord_convert.hub.loss import Carries
    from encord_convert.sdk.objects import LabelRowV2

LEAST_TOLERANCE_PX = 1e-9
"""Where a format declares no tolerance, a shape is still nothing below this."""


def raster(coordinates: Any, width: int, height: int, tolerance_px: float) -> BoxRuns:
    """Return the pixels of a shape that is inside its image, or partly.

    Parameters
    ----------
    coordinates : coordinates of a bitmask, a polygon, a bounding box or a rotatable box
        Of which :func:`encord_convert.hub.visibility.fate` says "inside" or "leaves".
    width, height : int
        Size of the image in pixels.
    tolerance_px : float
        As for ``fate``.

    Returns
    -------
    BoxRuns
        Row runs inside a box, and the box (left, top, width, height). At least one pixel is set.

    Raises
    ------
    WriteError
        The image has more pixels than can be painted.
    """
    check_paintable(width, height)
    if isinstance(coordinates, BitmaskCoordinates):
        return rle.clipped_box_runs(*coordinates._box_runs(), width, height)[:5]
    if isinstance(coordinates, BoundingBoxCoordinates):
        return _box(coordinates, width, height)
    columns = rle.union_of_runs(_parts(coordinates, width, height, tolerance_px), width * height)
    if len(columns) > 1:
        return rle.box_runs_from_column_frame_runs(columns, width, height)
    _, drawn = drawing(coordinates, width, height, tolerance_px)
    xs, ys = drawn[0][0::2], drawn[0][1::2]
    return _pixel((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, width, height)


def check_paintable(width: int, height: int) -> None:
    """Refuse an image that is too large to be painted.

    Raises
    ------
    WriteError
    """
    if width * height > rle.current_pixel_limit():
        limit = rle.current_pixel_limit()
        raise WriteError(f"An image of {width} × {height} pixels is larger than the {limit} that can be painted.")


class Layer:
    """One frame of a target of one value a pixel: what lies later hides what lies before it.

    Parameters
    ----------
    drawn : list of (instance, coordinates)
        Of which something can be drawn, the lowest first.
    size : (int, int)
        Width and height in pixels.
    carries : Carries
    place : str
        What an error calls the frame.

    Attributes
    ----------
    instances : list of ObjectInstance
    values : list of int
        What each paints: its number from 1, or that of its class.
    hidden, areas : list of int
        Of each how many of its pixels show another value, and how many it has; 0 where it was not painted, being alone.

    Raises
    ------
    WriteError
        The image has more pixels than can be painted.
    """

    __slots__ = (
        "_drawn", "_has_extents", "_painting", "_place", "_tolerance_px", "areas", "hidden", "instances", "size",
        "values",
    )  # fmt: skip

    def __init__(self, drawn: Sequence[tuple[Any, Any]], size: tuple[int, int], carries: Carries, place: str) -> None:
        self.size = size
        self.instances = [instance for instance, _ in drawn]
        self.values = layer_values(self.instances, carries)
        self.hidden, self.areas = [0] * len(drawn), [0] * len(drawn)
        self._drawn = drawn
        self._tolerance_px = max(carries.tolerance_px, LEAST_TOLERANCE_PX)
        self._place = place
        self._has_extents = carries.one_layer == "objects"
        self._painting: Painting | None = None
        if len(drawn) > 1:
            self._painted()

    @property
    def extents(self) -> list[tuple[int, int, int, int]]:
        """Of each object of a layer of objects, the box of the pixels that show its value: left, top, right, bottom."""
        return self._painted().extents

    def image(self, values: Sequence[int], kind: type[Any] = np.uint32) -> FlatImage:
        """Return the image with a value for each object in place of its own; 0 elsewhere.

        ``kind`` is the unsigned type of the pixels, which holds all values.
        """
        image = self._painted().image
        table = np.zeros(max(self.values, default=0) + 1, kind)
        table[self.values] = values
        return image.with_values(table[image.values])

    @property
    def kept(self) -> int:
        """How many runs of pixels are kept of what was painted."""
        return 0 if self._painting is None else len(self._painting.image.begins)

    def forget(self) -> None:
        """Free what was painted, which is painted again when it is asked for."""
        self._painting = None

    def _painted(self) -> Painting:
        if self._painting is None:
            masks = [raster(coordinates, *self.size, self._tolerance_px) for _, coordinates in self._drawn]
            try:
                painting = Painting(masks, self.values, self.size[1], self.size[0], extents=self._has_extents)
            except ValueError as error:
                raise WriteError(f"{self._place}: {error}") from error
            self.areas, self.hidden, self._painting = painting.areas, painting.hidden, painting
        return self._painting


_KEPT_RUNS = 1 << 20
"""How many runs of pixels are kept of the images of a row; the others are painted again when they are written."""


def layers_of(row: LabelRowV2, carries: Carries) -> dict[int, Layer]:
    """Return by frame what a target of one value a pixel shows of a row; nothing if it has other targets."""
    if carries.one_layer is None:
        return {}
    by_frame: dict[int, list[Any]] = {}
    layered = carries.shapes | carries.approximates if carries.layered is None else carries.layered
    for instance in row._objects.values():
        if instance.ontology_item.shape in layered:
            for frame, data in instance._frames.items():
                by_frame.setdefault(frame, []).append((instance, data.coordinates))
    layers, kept = {}, 0
    for frame in sorted(by_frame):
        layer = layers[frame] = layer_on(row, frame, by_frame[frame], carries)
        kept += layer.kept
        if kept > _KEPT_RUNS and len(by_frame) > 1:
            layer.forget()
    return layers


def layer_on(row: LabelRowV2, frame: int, placed: Sequence[tuple[Any, Any]], carries: Carries) -> Layer:
    """Return what a target of one value a pixel shows of objects with their coordinates on a frame."""
    size, tolerance_px = extent_of(row, frame, carries), max(carries.tolerance_px, LEAST_TOLERANCE_PX)
    drawn = [one for one in placed if fate(one[1], *size, tolerance_px) in ("inside", "leaves")]
    return Layer(drawn, size, carries, f"{row.data_title}, frame {frame}")


def hidden_pixels(row: LabelRowV2, carries: Carries) -> dict[tuple[str, int], tuple[int, int]]:
    """Return how many of its pixels each object loses to those that lie over it, in a format of one layer.

    Returns
    -------
    dict
        Object hash and frame to hidden pixels and all pixels; only of objects that lose some.
    """
    return hidden_in(layers_of(row, carries))


def hidden_in(layers: Mapping[int, Layer]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return what :func:`hidden_pixels` does of the layers of a row."""
    return {
        (instance.object_hash, frame): (lost, layer.areas[index])
        for frame, layer in layers.items()
        for index, (instance, lost) in enumerate(zip(layer.instances, layer.hidden, strict=True))
        if lost
    }


def layer_values(instances: Sequence[Any], carries: Carries) -> list[int]:
    """Return the value each object of a frame paints: its number from 1, or the one of its class's name."""
    if carries.one_layer == "objects":
        return list(range(1, len(instances) + 1))
    classes: dict[str, int] = {}
    return [classes.setdefault(one.object_name, len(classes) + 1) for one in instances]


def _box(c: BoundingBoxCoordinates, width: int, height: int) -> BoxRuns:
    sides = []
    for start, length, limit in ((c.top_left_x, c.width, width), (c.top_left_y, c.height, height)):
        first = math.ceil(max(start * limit, 0) - 0.5)
        sides.append((first, math.ceil(min((start + length) * limit, limit) - 0.5) - first))
    (left, box_width), (top, box_height) = sides
    if box_width < 1 or box_height < 1:
        x0, x1 = max(c.top_left_x, 0), min(c.top_left_x + c.width, 1)
        y0, y1 = max(c.top_left_y, 0), min(c.top_left_y + c.height, 1)
        return _pixel((x0 + x1) / 2 * width, (y0 + y1) / 2 * height, width, height)
    return np.array([0, box_width * box_height]), left, top, box_width, box_height


def _pixel(x: float, y: float, width: int, height: int) -> BoxRuns:
    return np.array([0, 1]), min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1), 1, 1


def _parts(coordinates: Any, width: int, height: int, tolerance_px: float) -> Iterable[rle.Runs]:
    try:
        return [
            masks.column_runs_from_rings(rings, height, width)
            for rings in _polygons(coordinates, width, height, tolerance_px)
        ]
    except ValueError:  # a ring too long to be walked; inside the image it is not
        drawn = drawing(coordinates, width, height, tolerance_px)[1]
        return [masks.column_runs_from_rings([ring], height, width) for ring in drawn]


def _polygons(coordinates: Any, width: int, height: int, tolerance_px: float) -> list[list[list[float]]]:
    """Outer ring and holes of each part in pixels."""
    if isinstance(coordinates, PolygonCoordinates):
        polygons = [[ring_px(ring, width, height) for ring in rings] for rings in coordinates.polygons if rings]
    else:
        c: RotatableBoundingBoxCoordinates = coordinates
        box = c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height
        polygons = [[corners_from_rotated(*box, c.theta)]]
    return [
        [outer, *(hole for hole in holes if not is_degenerate_ring(hole, tolerance_px))]
        for outer, *holes in polygons
        if not is_degenerate_ring(outer, tolerance_px)
    ]
