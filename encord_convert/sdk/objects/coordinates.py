"""Where a label is: boxes, points, polygons, polylines, skeletons; newer than those, ellipses, circles, cuboids.

Every number is a fraction of the frame's width (x, w) or height (y, h); the origin is the top-left corner. No range,
sign or type is checked: values pass through as they are.

The classes are frozen dataclasses to whoever looks at them. Making one is the most frequent thing a conversion does,
so they are filled through a twin class that may be written to and then given their own class, which is twice as
fast as the way frozen dataclasses take.

Source: label-row JSON, "Coordinates".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self, Union

from encord_convert.sdk.objects._newer_coordinates import (
    CircleCoordinates,
    Cuboid2DCoordinates,
    Cuboid2DIsometricCoordinates,
    Cuboid2DPerspectiveCoordinates,
    EllipseCoordinates,
)
from encord_convert.sdk.objects._skeletons import SkeletonCoordinate, SkeletonCoordinates, Visibility
from encord_convert.sdk.objects._vertices import PointCoordinate, PolygonCoordinates, PolylineCoordinates
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.common import NewerShape, Shape

__all__ = [
    "ACCEPTABLE_COORDINATES_FOR_ONTOLOGY_ITEMS",
    "BitmaskCoordinates",
    "BoundingBoxCoordinates",
    "CircleCoordinates",
    "Coordinates",
    "Cuboid2DCoordinates",
    "Cuboid2DIsometricCoordinates",
    "Cuboid2DPerspectiveCoordinates",
    "EllipseCoordinates",
    "PointCoordinate",
    "PolygonCoordinates",
    "PolylineCoordinates",
    "RotatableBoundingBoxCoordinates",
    "Shape",
    "SkeletonCoordinate",
    "SkeletonCoordinates",
    "Visibility",
]

_new = object.__new__


class _BoxDraft:
    __slots__ = ("height", "width", "top_left_x", "top_left_y")  # noqa: RUF023 -- the order of the twin


@dataclass(frozen=True, slots=True, init=False)
class BoundingBoxCoordinates:
    """A box along the axes.

    Parameters
    ----------
    height, width : float
        0..1 of the frame.
    top_left_x, top_left_y : float
        The corner nearest the origin, 0..1 of the frame.
    """

    height: float
    width: float
    top_left_x: float
    top_left_y: float

    _key: ClassVar[str] = "boundingBox"

    def __new__(cls, height: float, width: float, top_left_x: float, top_left_y: float) -> Self:
        self: Any = _new(_BoxDraft)
        self.height = height
        self.width = width
        self.top_left_x = top_left_x
        self.top_left_y = top_left_y
        self.__class__ = cls
        return self  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        return BoundingBoxCoordinates, (self.height, self.width, self.top_left_x, self.top_left_y)

    @staticmethod
    def from_dict(d: dict[str, Any]) -> BoundingBoxCoordinates:
        """Return the box of a frame object's JSON, which has it under ``boundingBox``."""
        box = d["boundingBox"]
        self: Any = _new(_BoxDraft)
        self.height = box["h"]
        self.width = box["w"]
        self.top_left_x = box["x"]
        self.top_left_y = box["y"]
        self.__class__ = BoundingBoxCoordinates
        return self  # type: ignore[no-any-return]

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form, without the key it stands under."""
        return {"h": self.height, "w": self.width, "x": self.top_left_x, "y": self.top_left_y}

    _json = to_dict


class _RotatedDraft:
    __slots__ = ("height", "width", "top_left_x", "top_left_y", "theta")  # noqa: RUF023 -- the order of the twin


@dataclass(frozen=True, slots=True, init=False)
class RotatableBoundingBoxCoordinates:
    """A box turned about its centre.

    Parameters
    ----------
    height, width : float
        0..1 of the frame.
    top_left_x, top_left_y : float
        The corner nearest the origin before turning, 0..1 of the frame.
    theta : float
        Degrees, clockwise on screen; any value, kept as it is.
    """

    height: float
    width: float
    top_left_x: float
    top_left_y: float
    theta: float

    _key: ClassVar[str] = "rotatableBoundingBox"

    def __new__(cls, height: float, width: float, top_left_x: float, top_left_y: float, theta: float) -> Self:
        self: Any = _new(_RotatedDraft)
        self.height = height
        self.width = width
        self.top_left_x = top_left_x
        self.top_left_y = top_left_y
        self.theta = theta
        self.__class__ = cls
        return self  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        return RotatableBoundingBoxCoordinates, (
            self.height,
            self.width,
            self.top_left_x,
            self.top_left_y,
            self.theta,
        )

    @staticmethod
    def from_dict(d: dict[str, Any]) -> RotatableBoundingBoxCoordinates:
        """Return the box of a frame object's JSON, which has it under ``rotatableBoundingBox``."""
        box = d["rotatableBoundingBox"]
        return RotatableBoundingBoxCoordinates(box["h"], box["w"], box["x"], box["y"], box["theta"])

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form, without the key it stands under."""
        return {"h": self.height, "w": self.width, "x": self.top_left_x, "y": self.top_left_y, "theta": self.theta}

    _json = to_dict


class _RawCoordinates:
    """A place in a form only newer servers know: carried, not interpreted.

    Parameters
    ----------
    key : str
        The key it stands under in a frame object's JSON.
    value
        What stands there.
    """

    __slots__ = ("_key", "value")

    def __init__(self, key: str, value: Any) -> None:
        self._key = key
        self.value = value

    def _json(self) -> Any:
        return _copied(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _RawCoordinates) and (self._key, self.value) == (other._key, other.value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"_RawCoordinates({self._key!r}, {self.value!r})"


def _copied(value: Any) -> Any:
    """Return a JSON value that shares no list and no dictionary with the given one."""
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


Coordinates = Union[  # noqa: UP007 -- documented as it is
    BoundingBoxCoordinates,
    RotatableBoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    SkeletonCoordinates,
    BitmaskCoordinates,
]

ACCEPTABLE_COORDINATES_FOR_ONTOLOGY_ITEMS: dict[Shape, type[Coordinates]] = {
    Shape.BOUNDING_BOX: BoundingBoxCoordinates,
    Shape.ROTATABLE_BOUNDING_BOX: RotatableBoundingBoxCoordinates,
    Shape.POINT: PointCoordinate,
    Shape.POLYGON: PolygonCoordinates,
    Shape.POLYLINE: PolylineCoordinates,
    Shape.SKELETON: SkeletonCoordinates,
    Shape.BITMASK: BitmaskCoordinates,
}
"""The class of coordinates an object of each shape takes."""

_NEWER_COORDINATES: dict[NewerShape, type] = {
    NewerShape.ELLIPSE: EllipseCoordinates,
    NewerShape.CIRCLE: CircleCoordinates,
    NewerShape.CUBOID_2D: Cuboid2DCoordinates,
}


def _is_carried(coordinates: Any, shape: Any) -> bool:
    """Tell coordinates of a newer shape that lack something, and are carried as they came."""
    return isinstance(coordinates, _RawCoordinates) and coordinates._key == shape.value


def _kind_for(shape: Any) -> type[Any]:
    """Return the class of coordinates that objects of a shape take: carried ones where it is not interpreted."""
    return ACCEPTABLE_COORDINATES_FOR_ONTOLOGY_ITEMS.get(shape) or _NEWER_COORDINATES.get(shape, _RawCoordinates)
