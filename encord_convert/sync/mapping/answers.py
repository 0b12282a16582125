"""Converts labels to another shape, in the JSON form of a label row.

Every shape can become its bounding box; one with an area a polygon or mask of it, ellipses and cuboids by their
outline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from encord_convert.geometry.boxes import corners_from_rotated, xyxy_from_points
from encord_convert.geometry.masks import mask_from_rings, rings_from_mask
from encord_convert.geometry.rings import nest
from encord_convert.hub.outlines import outline_px
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    CircleCoordinates,
    Cuboid2DCoordinates,
    EllipseCoordinates,
    PolygonCoordinates,
)

KEYS: Mapping[str, str] = {
    "bounding_box": "boundingBox",
    "rotatable_bounding_box": "rotatableBoundingBox",
    "polygon": "polygon",
    "polyline": "polyline",
    "point": "point",
    "skeleton": "skeleton",
    "bitmask": "bitmask",
    "ellipse": "ellipse",
    "circle": "circle",
    "cuboid_2d": "cuboid_2d",
}
"""Key of the coordinates in an entry, by shape."""

TARGETS: Mapping[str, tuple[str, ...]] = {
    "bounding_box": ("rotatable_bounding_box", "polygon", "bitmask"),
    "rotatable_bounding_box": ("bounding_box", "polygon", "bitmask"),
    "polygon": ("bounding_box", "bitmask", "polyline"),
    "polyline": ("bounding_box", "polygon"),
    "bitmask": ("bounding_box", "polygon"),
    "skeleton": ("bounding_box",),
    "point": (),
    "ellipse": ("bounding_box", "polygon", "bitmask"),
    "circle": ("bounding_box", "polygon", "bitmask"),
    "cuboid_2d": ("bounding_box", "polygon", "bitmask"),
}
"""Shapes that each shape can become."""

EXACT = frozenset({("bounding_box", "rotatable_bounding_box"), ("bounding_box", "polygon"), ("bitmask", "polygon"),
                   ("rotatable_bounding_box", "polygon"), ("polyline", "polygon")})  # fmt: skip
"""Lossless changes of shape."""

OUTLINES: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "ellipse": EllipseCoordinates.from_dict,
    "circle": CircleCoordinates.from_dict,
    "cuboid_2d": Cuboid2DCoordinates._from_dict,
}
"""Parsers of shapes that are converted by their outline."""

Ring = list[float]


def retyped(entry: dict[str, Any], shape: str, new: str, width: int, height: int) -> dict[str, Any]:
    """Return an entry of a frame converted to another shape.

    Parameters
    ----------
    entry : dict
        Not changed.
    shape, new : str
        A pair :data:`TARGETS` allows.
    width, height : int
        The frame in pixels.

    Raises
    ------
    ValueError
        The shape is empty, so it cannot be converted.
    """
    polygons = _polygons_px(entry[KEYS[shape]], entry.get("polygons"), shape, width, height)
    kept = {key: value for key, value in entry.items() if key not in (KEYS[shape], "polygons")}
    if not any(len(ring) for rings in polygons for ring in rings):
        raise ValueError(f"a {shape} without a point cannot become a {new}")
    kept[KEYS[new]] = _drawn(polygons, new, width, height)
    if new == "polygon" and (len(polygons) > 1 or len(polygons[0]) > 1):
        kept["polygons"] = [[_relative(ring, width, height) for ring in rings] for rings in polygons]
    return kept


def _polygons_px(drawn: Any, nested: Any, shape: str, width: int, height: int) -> list[list[Ring]]:
    """Return a shape as polygons in pixels: each its outer ring, then its holes."""
    if shape == "bitmask":
        found = nest(rings_from_mask(BitmaskCoordinates(drawn).to_numpy_array()))
        return [[list(map(float, ring)) for ring in rings] for rings in found]
    if shape in ("bounding_box", "rotatable_bounding_box"):
        box = (drawn["x"] * width, drawn["y"] * height, drawn["w"] * width, drawn["h"] * height)
        return [[corners_from_rotated(*box, drawn.get("theta", 0.0))]]
    if shape == "polygon":
        rings_of = PolygonCoordinates.from_dict({"polygon": drawn, **({"polygons": nested} if nested else {})}).polygons
        return [[_flat_px(ring, width, height) for ring in rings] for rings in rings_of]
    if shape in OUTLINES:
        try:
            return [[outline_px(OUTLINES[shape]({KEYS[shape]: drawn}), width, height)]]
        except (KeyError, TypeError, ValueError):  # it lacks a number, and was carried unchanged
            return []
    points = drawn if isinstance(drawn, list) else list(drawn.values())
    return [[[number for point in points for number in (point["x"] * width, point["y"] * height)]]]


def _flat_px(ring: Any, width: int, height: int) -> Ring:
    return [float(number) * (height if index % 2 else width) for index, number in enumerate(ring)]


def _drawn(polygons: list[list[Ring]], new: str, width: int, height: int) -> Any:
    if new in ("bounding_box", "rotatable_bounding_box"):
        left, top, right, bottom = xyxy_from_points([number for rings in polygons for ring in rings for number in ring])
        box = {
            "h": (bottom - top) / height, "w": (right - left) / width, "x": left / width, "y": top / height,
        }  # fmt: skip
        return box | ({"theta": 0.0} if new == "rotatable_bounding_box" else {})
    if new == "bitmask":
        mask = mask_from_rings([ring for rings in polygons for ring in rings], height, width)
        return BitmaskCoordinates(mask).to_dict()
    flat = _relative(polygons[0][0], width, height)
    return {str(i): {"x": x, "y": y} for i, (x, y) in enumerate(zip(flat[::2], flat[1::2], strict=True))}


def _relative(ring: Ring, width: int, height: int) -> Ring:
    return [number / (height if index % 2 else width) for index, number in enumerate(ring)]
