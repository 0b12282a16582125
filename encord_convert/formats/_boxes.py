"""Shared by formats of upright boxes: what they carry, and boxes in pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.visibility import drawn_box, is_far
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates

AS_BOX: Mapping[Any, str] = {
    Shape.ROTATABLE_BOUNDING_BOX: "ROTATION_AS_BOX",
    Shape.POLYGON: "POLYGON_AS_BOX",
    Shape.BITMASK: "MASK_AS_BOX",
}
"""Shapes written as their bounding box, with the loss code."""

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def box_carries(features: set[Feature], data_types: set[DataType], tolerance_px: float, **more: Any) -> Carries:
    """Return the declaration of a format of boxes; other shapes are clipped to the image."""
    shared = {Feature.EMPTY_ROWS, Feature.OVERLAPS, Feature.OUT_OF_BOUNDS}
    return Carries(
        shapes=frozenset({Shape.BOUNDING_BOX}),
        data_types=frozenset(data_types),
        features=frozenset(features | shared),
        tolerance_px=tolerance_px,
        codes=AS_BOX,
        approximates=frozenset(AS_BOX),
        bounded=frozenset(AS_BOX),
        **more,
    )


def box_px(coordinates: Any, size: tuple[int, int], tolerance_px: float) -> tuple[float, float, float, float]:
    """Return left, top, width and height in pixels: of a box unchanged, of other shapes the part inside the image."""
    if isinstance(coordinates, BoundingBoxCoordinates):
        c, (width, height) = coordinates, size
        return c.top_left_x * width, c.top_left_y * height, c.width * width, c.height * height
    left, top, right, bottom = drawn_box(coordinates, *size, tolerance_px)
    return left, top, right - left, bottom - top


def box_from_px(
    left: float, top: float, width: float, height: float, size: tuple[int, int]
) -> BoundingBoxCoordinates | None:
    """Return the box for pixel values; None if they are not numbers, the area is 0 or the image size is unknown."""
    if not (all(size) and width > 0 and height > 0 and not is_far((left, top, width, height))):
        return None
    return BoundingBoxCoordinates(height / size[1], width / size[0], left / size[0], top / size[1])


def is_number(text: Any) -> bool:
    """Return whether a value is the text of a finite number.

    >>> is_number("-1.5e3"), is_number("nan"), is_number(" 1"), is_number(3)
    (True, False, False, False)
    """
    return isinstance(text, str) and NUMBER.fullmatch(text) is not None


def is_checked(attribute: Any, value: Any) -> bool:
    """Return whether a value is a checklist answer with just the option named like the attribute checked."""
    return isinstance(value, tuple) and [item.label for item in value] == [attribute.title]


def decimal(value: float, digits: int = 2) -> str:
    """Format a number with as few decimals as it needs.

    >>> decimal(12.0), decimal(1.005, 3), decimal(-0.001)
    ('12', '1.005', '0')
    """
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def whole(text: str) -> int:
    """Return an integral float as an int (``3.0`` is 3); absurdly large values stay floats."""
    return int(min(max(float(text), -1e15), 1e15))


def rounded(value: float, digits: int = 6) -> float:
    """Round a number to this many decimals; integral values become ints.

    >>> rounded(244.00000000001), rounded(302.5)
    (244, 302.5)
    """
    near = round(value, digits)
    return int(near) if near == int(near) else near
