"""Ellipses, circles and cuboids in the plane: coordinates that are newer than the documented SDK.

The names are those the official package has since 0.1.195 (circles), 0.1.190 (cuboids) and 0.1.200 (ellipses). Numbers
are fractions of the frame, the origin is its top-left corner, angles are degrees, clockwise on the screen; nothing is
checked, values pass through as they are.

Source: newest label-row JSON, "Geometry".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from encord_convert.geometry.cuboids import farthest, moved_face, prism_of, shrunk_face
from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.objects._vertices import PointCoordinate

_HOME = "encord_convert.sdk.objects.coordinates"


@seen_as(f"{_HOME}:EllipseCoordinates")
@dataclass(frozen=True, slots=True)
class EllipseCoordinates:
    """An ellipse. Newer than the documented SDK.

    Parameters
    ----------
    center_x, center_y : float
        0..1 of the frame.
    rx, ry : float
        Half axes before the turn: ``rx`` along x, 0..1 of the width; ``ry`` along y, 0..1 of the *height*.
    theta : float
        Degrees, clockwise on screen about the centre, in pixel space; any value, kept as it is.
    """

    center_x: float
    center_y: float
    rx: float
    ry: float
    theta: float = 0.0

    _key: ClassVar[str] = "ellipse"

    @staticmethod
    def from_dict(d: dict[str, Any]) -> EllipseCoordinates:
        """Return the ellipse of a frame object's JSON, which has it under ``ellipse``."""
        c = d["ellipse"]
        return EllipseCoordinates(c["x"], c["y"], c["rx"], c["ry"], c.get("theta", 0.0))

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form, without the key it stands under."""
        return {"x": self.center_x, "y": self.center_y, "rx": self.rx, "ry": self.ry, "theta": self.theta}

    _json = to_dict


@seen_as(f"{_HOME}:CircleCoordinates")
@dataclass(frozen=True, slots=True)
class CircleCoordinates:
    """A circle, or an ellipse told by its stretch. Newer than the documented SDK.

    Parameters
    ----------
    center_x, center_y : float
        0..1 of the frame.
    radius : float
        First half axis, 0..1 of the *width* of the frame; along x before the turn.
    stretch : float
        The second half axis in units of the first, both in pixels: 1 is a circle on the screen.
    theta : float
        Degrees, clockwise on screen about the centre.
    """

    center_x: float
    center_y: float
    radius: float
    stretch: float = 1.0
    theta: float = 0.0

    _key: ClassVar[str] = "circle"

    @staticmethod
    def from_dict(d: dict[str, Any]) -> CircleCoordinates:
        """Return the circle of a frame object's JSON, which has it under ``circle``."""
        c = d["circle"]
        return CircleCoordinates(c["x"], c["y"], c["r"], c.get("stretch", 1.0), c.get("theta", 0.0))

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form, without the key it stands under."""
        c = self
        return {"x": c.center_x, "y": c.center_y, "r": c.radius, "stretch": c.stretch, "theta": c.theta}

    _json = to_dict


@seen_as(f"{_HOME}:Cuboid2DCoordinates")
class Cuboid2DCoordinates:
    """What cuboids in the plane have in common: a front face, and a back face with as many corners.

    Newer than the documented SDK. Its kinds are :class:`Cuboid2DIsometricCoordinates` and
    :class:`Cuboid2DPerspectiveCoordinates`.
    """

    __slots__ = ()

    _key: ClassVar[str] = "cuboid_2d"

    front: Sequence[PointCoordinate]

    def __post_init__(self) -> None:
        object.__setattr__(self, "front", tuple(self.front))

    @property
    def _front(self) -> list[float]:
        return [number for corner in self.front for number in (corner.x, corner.y)]

    @property
    def _back(self) -> list[float]:
        raise NotImplementedError

    @staticmethod
    def _from_dict(d: dict[str, Any]) -> Any:
        """Return the cuboid of a frame object's JSON; of two forms of a back face perspective counts."""
        c = d["cuboid_2d"]
        corners = _corners(c["front"])
        if "vanishingPoint" in c and "scaleRatio" in c:
            point = c["vanishingPoint"]
            prism: _Prism = Cuboid2DPerspectiveCoordinates(
                corners, PointCoordinate(point["x"], point["y"]), c["scaleRatio"]
            )
        else:
            prism = Cuboid2DIsometricCoordinates(corners, PointCoordinate(c["offset"]["x"], c["offset"]["y"]))
        back = c.get("back")
        if back is not None and _is_of(prism, back):
            return _CuboidOfCorners(corners, tuple(back))
        return prism


@seen_as(f"{_HOME}:Cuboid2DIsometricCoordinates")
@dataclass(frozen=True)
class Cuboid2DIsometricCoordinates(Cuboid2DCoordinates):
    """A cuboid in parallel projection: its back face is the front face, moved. Newer than the documented SDK.

    Parameters
    ----------
    front : sequence of PointCoordinate
        Corners of the front face, four by convention; held as a tuple.
    offset : PointCoordinate
        From each corner of the front to that of the back, 0..1 of the frame.
    """

    front: Sequence[PointCoordinate]
    offset: PointCoordinate

    @property
    def _back(self) -> list[float]:
        return moved_face(self._front, (self.offset.x, self.offset.y))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the key it stands under."""
        return {"front": self._front, "offset": {"x": self.offset.x, "y": self.offset.y}}

    _json = to_dict


@seen_as(f"{_HOME}:Cuboid2DPerspectiveCoordinates")
@dataclass(frozen=True)
class Cuboid2DPerspectiveCoordinates(Cuboid2DCoordinates):
    """A cuboid in perspective: its back face recedes towards a vanishing point. Newer than the documented SDK.

    Parameters
    ----------
    front : sequence of PointCoordinate
        Corners of the front face, four by convention; held as a tuple.
    vanishing_point : PointCoordinate
        0..1 of the frame.
    scale_ratio : float
        Size of the back face in units of the front: 1 is no depth, 0 is the vanishing point itself.
    """

    front: Sequence[PointCoordinate]
    vanishing_point: PointCoordinate
    scale_ratio: float

    @property
    def _back(self) -> list[float]:
        return shrunk_face(self._front, (self.vanishing_point.x, self.vanishing_point.y), self.scale_ratio)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the key it stands under."""
        point = {"x": self.vanishing_point.x, "y": self.vanishing_point.y}
        return {"front": self._front, "vanishingPoint": point, "scaleRatio": self.scale_ratio}

    _json = to_dict


@dataclass(frozen=True)
class _CuboidOfCorners(Cuboid2DCoordinates):
    """A cuboid whose back face is drawn corner by corner, as tools have it whose cuboids are no prisms.

    In JSON it is the nearest prism, which the platform shows, with its own corners under ``back``,
    which readers pass over that do not know it.
    """

    front: Sequence[PointCoordinate]
    back: tuple[float, ...]

    @property
    def _back(self) -> list[float]:
        return [*self.back]

    def _json(self) -> dict[str, Any]:
        return {**_nearest_prism(self._front, self.back).to_dict(), "back": [*self.back]}


_Prism = Cuboid2DIsometricCoordinates | Cuboid2DPerspectiveCoordinates

_SAME = 1e-9
"""How far a corner of a prism may lie from a given one and still be it, in fractions of the frame."""


def _nearest_prism(front: Sequence[float], back: Sequence[float]) -> _Prism:
    (x, y), scale = prism_of(front, back)
    corners = _corners(front)
    if scale is None:
        return Cuboid2DIsometricCoordinates(corners, PointCoordinate(x, y))
    return Cuboid2DPerspectiveCoordinates(corners, PointCoordinate(x, y), scale)


def _cuboid_of_faces(front: Sequence[float], back: Sequence[float]) -> Any:
    """Return the cuboid of two faces x0, y0, …, relative to the frame: a prism, if that is what it is."""
    prism = _nearest_prism(front, back)
    return prism if farthest(prism._back, back) <= _SAME else _CuboidOfCorners(prism.front, tuple(back))


def _is_of(prism: _Prism, back: Sequence[float]) -> bool:
    """Return whether a prism is the nearest to a back face, which somebody else may have moved since."""
    front = prism._front
    return len(back) == len(front) and farthest(_nearest_prism(front, back)._back, prism._back) <= _SAME


def _corners(flat: Sequence[float]) -> tuple[PointCoordinate, ...]:
    if not flat or len(flat) % 2:
        raise ValueError(f"The front of a cuboid has {len(flat)} numbers; it takes x and y of each corner.")
    return tuple(map(PointCoordinate, flat[0::2], flat[1::2]))
