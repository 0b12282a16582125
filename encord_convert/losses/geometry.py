"""What a target does not carry of geometry: why nothing of it is written, and what changes about what is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from encord_convert.geometry.rle import current_pixel_limit
from encord_convert.hub.loss import Carries, Feature, Kind
from encord_convert.hub.visibility import has_empty_part
from encord_convert.losses.wording import plural, sentence
from encord_convert.sdk.objects import Shape
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


class Reason(msgspec.Struct, frozen=True):
    """Why nothing of a thing is written: code, feature and sentence of the loss; of a row, how many images it is."""

    code: str
    feature: Feature
    detail: str
    images: int = 0

    @classmethod
    def of(cls, code: str, feature: Feature, **values: Any) -> Reason:
        """Return the reason of this code with its sentence, which says the values."""
        return cls(code, feature, sentence(Kind.DROPPED, code, feature, **values))


def dropped(carries: Carries, feature: Feature, shape: Shape | None = None, **values: Any) -> Reason:
    """Return why nothing of a geometry is written: for its shape, or a feature (of a shape) that is not carried."""
    code = carries.code(shape) if feature is Feature.SHAPE and shape else carries.code(feature, shape)
    shapes = plural(shape.value, 2) if shape else ""
    return Reason.of(code, feature, shapes=shapes, **values)


def changed(
    carries: Carries, kind: Kind, feature: Feature, shape: Shape, size: tuple[int, int], **values: Any
) -> tuple[str, str]:
    """Return code and sentence of what changes about geometry in an image of this size that is written."""
    of = shape if feature in (Feature.SHAPE, Feature.DEGENERATE) else None
    code = carries.code(shape) if feature is Feature.SHAPE else carries.code(feature, of)
    is_filled = code == "HOLES_AS_RLE" and size[0] * size[1] > current_pixel_limit()
    said = "HOLES_FILLED" if is_filled else "" if code == "UNSUPPORTED_SHAPE" else code
    return code, sentence(kind, said, feature, width=size[0], height=size[1], **values)


def other_corners(carries: Carries, shape: Any) -> Reason:
    """Return why a cuboid is not written whose faces have not four corners."""
    return Reason.of(carries.code(shape), Feature.SHAPE, shapes="cuboids of other than four corners to a face")


def loses_a_part(coordinates: Any, size: tuple[int, int], tolerance_px: float, carries: Carries) -> bool:
    """Tell whether a target that keeps the parts of a polygon leaves one of these out, since it covers nothing."""
    keeps_parts = Feature.PARTS in carries.features and Feature.DEGENERATE not in carries.features
    return keeps_parts and has_empty_part(coordinates, *size, tolerance_px)


def is_plain(coordinates: Any) -> bool:
    """Tell geometry that has no feature that a target could lack: nothing of it changes if it lies in its image."""
    kind = type(coordinates)
    return kind in _PLAIN or (kind is PolygonCoordinates and not coordinates._is_nested)


_PLAIN = frozenset(
    {
        BitmaskCoordinates, BoundingBoxCoordinates, PointCoordinate, PolylineCoordinates,
        RotatableBoundingBoxCoordinates,
    }
)  # fmt: skip
"""Points and lines in space have types of their own."""


def changes(coordinates: Any, state: str, strangers: Sequence[str] = ()) -> list[tuple[Kind, Feature]]:
    """Return what a target without the feature changes about coordinates whose fate is ``state``.

    ``strangers`` are points of a skeleton that its class does not have:
    :class:`~encord_convert.hub.skeletons.KnownPoints`.
    """
    changes = []
    if state == "leaves":
        changes.append((Kind.APPROXIMATED, Feature.OUT_OF_BOUNDS))
    if isinstance(coordinates, PolygonCoordinates):
        polygons = coordinates.polygons
        if any(len(rings) > 1 for rings in polygons):
            changes.append((Kind.APPROXIMATED, Feature.HOLES))
        if len(polygons) > 1:
            changes.append((Kind.APPROXIMATED, Feature.PARTS))
    if isinstance(coordinates, SkeletonCoordinates):
        points = coordinates.values
        if any(point.visibility not in (None, Visibility.VISIBLE) for point in points):
            changes.append((Kind.DEFAULTED, Feature.VISIBILITY))
        if any(is_self_occluded(point) for point in points):
            changes.append((Kind.MERGED, Feature.SELF_OCCLUSION))
        if any(point.visibility is Visibility.INVISIBLE and (point.x or point.y) for point in points):
            changes.append((Kind.DEFAULTED, Feature.HIDDEN_POSITION))
        if any(is_unsaid(point) for point in points):
            changes.append((Kind.DEFAULTED, Feature.UNSAID_VISIBILITY))
        if strangers:
            changes.append((Kind.APPROXIMATED, Feature.UNKNOWN_POINTS))
    if has_depth(coordinates):
        changes.append((Kind.APPROXIMATED, Feature.DEPTH))
    return changes


def is_unsaid(point: Any) -> bool:
    """Tell a skeleton point of which nobody said whether it is visible."""
    return point.visibility is None and not is_self_occluded(point)


def is_upright(coordinates: Any) -> bool:
    """Tell a rotatable box that is not turned."""
    return isinstance(coordinates, RotatableBoundingBoxCoordinates) and coordinates.theta % 360 == 0


def has_depth(coordinates: Any) -> bool:
    """Tell a point in space, which has a third coordinate."""
    return hasattr(coordinates, "_z")


def is_self_occluded(point: Any) -> bool:
    """Tell a skeleton point that its own object hides."""
    return getattr(point, "_self_occluded", False) is True
