"""Shapes and coordinates of objects of irregular VOC files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from encord_convert.formats.voc.elements import CORNERS, Annotation, ObjectInfo, XmlObject
from encord_convert.formats.voc.masks import Mask, matched
from encord_convert.formats.voc.sets import is_background
from encord_convert.geometry.boxes import xyxy_from_rotated
from encord_convert.hub.visibility import is_far
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PolygonCoordinates,
    RotatableBoundingBoxCoordinates,
)

NEAR_PX = 1e-3
"""Tolerance within which two numbers are equal."""
Size = tuple[int, int]


@dataclass(slots=True)
class Candidate:
    """An object, part or mask, before conversion.

    Parameters
    ----------
    type : str
        ``object``, ``part`` or ``mask``.
    info : Said
    shape : Shape or None
        None without geometry.
    xml_object : Drawn or None
        None for masks without an XML object.
    mask : Mask or None
    parent : int or None
        Of a part: the number of objects with parts before its own.
    has_parts : int or None
    """

    type: str
    info: ObjectInfo
    shape: Shape | None
    xml_object: XmlObject | None
    mask: Mask | None = None
    parent: int | None = None
    has_parts: int | None = None


def numbers_of(texts: Sequence[str] | None) -> list[float] | None:
    """Return texts as numbers; None if missing or not all finite."""
    if not texts:
        return None
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return None
    return None if is_far(numbers) else numbers


def candidates(annotation: Annotation, masks: Sequence[Mask]) -> Iterator[Candidate]:
    """Yield the objects of a file in order, each followed by its parts, then unmatched masks."""
    boxes = [numbers_of(xml_object.box) for xml_object in annotation.objects]
    if annotation.mark:  # written by this package: mask numbers are object numbers
        places: list[int | None] = [mask.number - 1 for mask in masks]
    else:
        masks = [mask for mask in masks if not is_background(mask.label)]
        places = matched(masks, [None if box is None else tuple(box) for box in boxes])
    own = {at: mask for mask, at in zip(masks, places, strict=True) if at is not None and at < len(boxes)}
    parents = 0
    for at, xml_object in enumerate(annotation.objects):
        one = Candidate("object", xml_object.info, _shape(xml_object), xml_object)
        if at in own:
            one.shape, one.mask = Shape.BITMASK, own[at]
        if xml_object.parts:
            one.has_parts = parents
        yield one
        for part in _below(xml_object):
            yield Candidate("part", part.info, _shape(part), part, parent=parents)
        parents += bool(xml_object.parts)
    taken = {id(mask) for mask in own.values()}
    for mask in masks:
        if id(mask) not in taken:
            yield Candidate("mask", ObjectInfo(mask.label), Shape.BITMASK, None, mask)


def _below(xml_object: XmlObject) -> Iterator[XmlObject]:
    for part in xml_object.parts:
        yield part
        yield from _below(part)


def _shape(xml_object: XmlObject) -> Shape | None:
    if numbers_of(xml_object.rotated) is not None:
        return Shape.ROTATABLE_BOUNDING_BOX
    if xml_object.polygons and all(numbers_of(ring) is not None for ring in xml_object.polygons):
        return Shape.POLYGON
    return Shape.BOUNDING_BOX if numbers_of(xml_object.box) is not None else None


@dataclass(frozen=True, slots=True)
class Plane:
    """Pixel convention of a source: ``is_one_based`` means one-based inclusive corners."""

    is_one_based: bool

    def coordinates(self, one: Candidate, size: Size) -> tuple[Any, dict[str, str], bool]:
        """Return the coordinates of an object, its ``bndbox`` by path if it differs, and whether corners are swapped.

        ``one`` has a shape.
        """
        width, height = size
        xml_object = one.xml_object
        if one.mask is not None:
            coordinates: Any = BitmaskCoordinates._from_box_runs(*one.mask.runs, width, height)
            return coordinates, self._own_box(xml_object, one.mask.box), False
        assert xml_object is not None
        if one.shape is Shape.ROTATABLE_BOUNDING_BOX:
            cx, cy, w, h, angle = numbers_of(xml_object.rotated) or (0.0,) * 5
            theta = math.degrees(angle)
            left, top = cx - w / 2, cy - h / 2
            coordinates = RotatableBoundingBoxCoordinates(h / height, w / width, left / width, top / height, theta)
            bounds = xyxy_from_rotated(cx - w / 2, cy - h / 2, w, h, theta)
            return coordinates, self._own_box(xml_object, bounds), False
        if one.shape is Shape.POLYGON:
            shift = float(self.is_one_based)
            rings = [[number - shift for number in numbers_of(ring) or ()] for ring in xml_object.polygons]
            flat = [
                [number / side for number, side in zip(ring, (width, height) * (len(ring) // 2), strict=True)]
                for ring in rings
            ]
            xs, ys = [x for ring in rings for x in ring[::2]], [y for ring in rings for y in ring[1::2]]
            bounds = (min(xs), min(ys), max(xs), max(ys))
            made = PolygonCoordinates._from_flat(flat[0]) if len(flat) == 1 else None
            return (
                made or PolygonCoordinates._from_rings([[ring] for ring in flat]),
                self._own_box(xml_object, bounds),
                False,
            )
        left, top, right, bottom = numbers_of(xml_object.box) or (0.0,) * 4
        shift = float(self.is_one_based)  # a box under a pixel wide has its maximum below its minimum
        swapped = left - shift > right or top - shift > bottom
        left, right = (right, left) if left - shift > right else (left, right)
        top, bottom = (bottom, top) if top - shift > bottom else (top, bottom)
        left, top = left - shift, top - shift
        box = (bottom - top) / height, (right - left) / width, left / width, top / height
        return BoundingBoxCoordinates(*box), {}, swapped

    def corners(self, bounds: Sequence[float]) -> list[float]:
        """Return left, top, right and bottom in pixels in the source's convention."""
        return [bounds[0] + self.is_one_based, bounds[1] + self.is_one_based, bounds[2], bounds[3]]

    def _own_box(self, xml_object: XmlObject | None, bounds: Sequence[float] | None) -> dict[str, str]:
        """Return the ``bndbox`` of an object by path, if it is not the one around its shape."""
        numbers = None if xml_object is None else numbers_of(xml_object.box)
        if xml_object is None or xml_object.box is None:
            return {}
        if numbers is not None and bounds is not None:
            pairs = zip(numbers, self.corners(bounds), strict=True)
            if all(abs(one - other) <= NEAR_PX for one, other in pairs):
                return {}
        return {f"bndbox.{tag}": text for tag, text in zip(CORNERS, xml_object.box, strict=True)}
