"""Objects of a VOC file that are not a plain box alone: which shape each is, and where it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from encord_convert.formats.voc.elements import CORNERS, Annotation, Drawn, Said
from encord_convert.formats.voc.masks import Mask, matched
from encord_convert.formats.voc.sets import is_background
from encord_convert.geometry.boxes import xyxy_from_rotated
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PolygonCoordinates,
    RotatableBoundingBoxCoordinates,
)

NEAR_PX = 1e-3
"""How far apart two numbers are that say the same."""
Size = tuple[int, int]


@dataclass(slots=True)
class Shown:
    """An object, a part of one, or a mask, before it is the hub's.

    Parameters
    ----------
    type : str
        ``object``, ``part`` or ``mask``.
    said : Said
    shape : Shape or None
        None where nothing says where it is.
    drawn : Drawn or None
        None for masks of which the file says nothing.
    mask : Mask or None
    parent : int or None
        Of parts: how many objects with parts come before their own.
    has_parts : int or None
    """

    type: str
    said: Said
    shape: Shape | None
    drawn: Drawn | None
    mask: Mask | None = None
    parent: int | None = None
    has_parts: int | None = None


def numbers_of(texts: Sequence[str] | None) -> list[float] | None:
    """Return texts as numbers; None if one is not a finite number, or none are there."""
    if not texts:
        return None
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return None
    return numbers if all(abs(number) < 1e9 for number in numbers) else None


def shown(annotation: Annotation, masks: Sequence[Mask]) -> Iterator[Shown]:
    """Yield what a file shows, objects in their order, each followed by its parts, then masks that are no object's."""
    boxes = [numbers_of(drawn.box) for drawn in annotation.objects]
    if annotation.mark:  # written by this package: the number of a mask is that of its object
        places: list[int | None] = [mask.number - 1 for mask in masks]
    else:
        masks = [mask for mask in masks if not is_background(mask.label)]
        places = matched(masks, [None if box is None else tuple(box) for box in boxes])
    own = {at: mask for mask, at in zip(masks, places, strict=True) if at is not None and at < len(boxes)}
    parents = 0
    for at, drawn in enumerate(annotation.objects):
        one = Shown("object", drawn.said, _shape(drawn), drawn)
        if at in own:
            one.shape, one.mask = Shape.BITMASK, own[at]
        if drawn.parts:
            one.has_parts = parents
        yield one
        for part in _below(drawn):
            yield Shown("part", part.said, _shape(part), part, parent=parents)
        parents += bool(drawn.parts)
    taken = {id(mask) for mask in own.values()}
    for mask in masks:
        if id(mask) not in taken:
            yield Shown("mask", Said(mask.label), Shape.BITMASK, None, mask)


def _below(drawn: Drawn) -> Iterator[Drawn]:
    for part in drawn.parts:
        yield part
        yield from _below(part)


def _shape(drawn: Drawn) -> Shape | None:
    if numbers_of(drawn.rotated) is not None:
        return Shape.ROTATABLE_BOUNDING_BOX
    if drawn.polygons and all(numbers_of(ring) is not None for ring in drawn.polygons):
        return Shape.POLYGON
    return Shape.BOUNDING_BOX if numbers_of(drawn.box) is not None else None


@dataclass(frozen=True, slots=True)
class Plane:
    """What the numbers of a source are: ``is_one_based`` says that corners count pixels from 1, both included."""

    is_one_based: bool

    def coordinates(self, one: Shown, size: Size) -> tuple[Any, dict[str, str], bool]:
        """Return the coordinates of an object, what its ``bndbox`` says otherwise, by path, and whether it is swapped.

        ``one`` has a shape.
        """
        width, height = size
        drawn = one.drawn
        if one.mask is not None:
            coordinates: Any = BitmaskCoordinates._from_box_runs(*one.mask.runs, width, height)
            return coordinates, self._beside(drawn, one.mask.box), False
        assert drawn is not None
        if one.shape is Shape.ROTATABLE_BOUNDING_BOX:
            cx, cy, w, h, angle = numbers_of(drawn.rotated) or (0.0,) * 5
            theta = math.degrees(angle)
            left, top = cx - w / 2, cy - h / 2
            coordinates = RotatableBoundingBoxCoordinates(h / height, w / width, left / width, top / height, theta)
            bounds = xyxy_from_rotated(cx - w / 2, cy - h / 2, w, h, theta)
            return coordinates, self._beside(drawn, bounds), False
        if one.shape is Shape.POLYGON:
            shift = float(self.is_one_based)
            rings = [[number - shift for number in numbers_of(ring) or ()] for ring in drawn.polygons]
            flat = [
                [number / side for number, side in zip(ring, (width, height) * (len(ring) // 2), strict=True)]
                for ring in rings
            ]
            xs, ys = [x for ring in rings for x in ring[::2]], [y for ring in rings for y in ring[1::2]]
            bounds = (min(xs), min(ys), max(xs), max(ys))
            made = PolygonCoordinates._from_flat(flat[0]) if len(flat) == 1 else None
            return made or PolygonCoordinates._from_rings([[ring] for ring in flat]), self._beside(drawn, bounds), False
        left, top, right, bottom = numbers_of(drawn.box) or (0.0,) * 4
        shift = float(self.is_one_based)  # a box may be less than a pixel wide: its maximum is below its minimum then
        swapped = left - shift > right or top - shift > bottom
        left, right = (right, left) if left - shift > right else (left, right)
        top, bottom = (bottom, top) if top - shift > bottom else (top, bottom)
        left, top = left - shift, top - shift
        box = (bottom - top) / height, (right - left) / width, left / width, top / height
        return BoundingBoxCoordinates(*box), {}, swapped

    def corners(self, bounds: Sequence[float]) -> list[float]:
        """Return left, top, right and bottom in pixels as the four corners of a file."""
        return [bounds[0] + self.is_one_based, bounds[1] + self.is_one_based, bounds[2], bounds[3]]

    def _beside(self, drawn: Drawn | None, bounds: Sequence[float] | None) -> dict[str, str]:
        """Return the ``bndbox`` of an object by path, where it is not around what is drawn."""
        numbers = None if drawn is None else numbers_of(drawn.box)
        if drawn is None or drawn.box is None:
            return {}
        if numbers is not None and bounds is not None:
            pairs = zip(numbers, self.corners(bounds), strict=True)
            if all(abs(one - other) <= NEAR_PX for one, other in pairs):
                return {}
        return {f"bndbox.{tag}": text for tag, text in zip(CORNERS, drawn.box, strict=True)}
