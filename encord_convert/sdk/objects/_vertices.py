"""Points, and what is made of points: polygons and polylines.

Vertices are one flat list ``x0, y0, x1, y1, …`` until somebody asks for points.

Source: label-row JSON, "Coordinates".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, List, Self  # noqa: UP035 -- documented as they are

from encord_convert.sdk.objects._addresses import seen_as

_new = object.__new__

_KEYS_KEPT = 256
"""Up to how many vertices the keys of a polygon are kept ready."""
_keys_of: dict[int, dict[str, Any]] = {}


def _keys(count: int) -> dict[str, Any]:
    """Return a dictionary with the texts of 0, 1, … ``count`` - 1 as keys, to be copied."""
    keys = _keys_of.get(count)
    if keys is None:
        keys = dict.fromkeys(map(str, range(count)))
        if count <= _KEYS_KEPT:
            _keys_of[count] = keys
    return keys


def _vertices_in_order(vertices: Any) -> Iterable[dict[str, Any]]:
    """Return the vertices of a JSON form: a list, or a dictionary whose keys are read as integers."""
    if isinstance(vertices, list):
        return vertices
    if [*vertices.keys()] == [*_keys(len(vertices))]:
        return vertices.values()  # type: ignore[no-any-return]
    numbered = {int(key): vertex for key, vertex in vertices.items()}
    if len(numbered) != len(vertices):
        raise TypeError("Two vertices have the same number.")
    return [numbered[number] for number in sorted(numbered)]


def _flat_from_vertices(vertices: Any) -> list[float]:
    flat: list[float] = []
    for vertex in _vertices_in_order(vertices):
        flat += (vertex["x"], vertex["y"])
    return flat


def _vertices_from_flat(flat: Sequence[float]) -> dict[str, dict[str, float]]:
    numbers = flat if isinstance(flat, list) else flat.tolist()  # type: ignore[attr-defined]
    vertices = _keys(len(numbers) // 2).copy()
    rest = iter(numbers)
    for key, x, y in zip(vertices, rest, rest):  # noqa: B905 -- the keys end first
        vertices[key] = {"x": x, "y": y}
    return vertices


def _set_slot(frozen: object, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(frozen, name, value)


class _PointDraft:
    __slots__ = ("x", "y")


@seen_as("encord_convert.sdk.objects.coordinates:PointCoordinate")
@dataclass(frozen=True, slots=True, init=False)
class PointCoordinate:
    """A point.

    Parameters
    ----------
    x, y : float
        0..1 of the frame.
    """

    x: float
    y: float

    _key: ClassVar[str] = "point"

    def __new__(cls, x: float, y: float) -> Self:
        self: Any = _new(_PointDraft)
        self.x = x
        self.y = y
        self.__class__ = cls
        return self  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        return PointCoordinate, (self.x, self.y)

    @staticmethod
    def from_dict(d: dict[str, Any]) -> PointCoordinate:
        """Return the point of a frame object's JSON, which has it under ``point``; further points are ignored."""
        point = d["point"]["0"]
        if "z" in point:
            return _PointInSpace(point["x"], point["y"], point["z"])
        return PointCoordinate(point["x"], point["y"])

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return the JSON form, without the key it stands under."""
        return {"0": {"x": self.x, "y": self.y}}

    _json = to_dict


class _PointInSpace(PointCoordinate):
    """A point with a depth, which newer servers write: carried, not interpreted."""

    __slots__ = ("_z",)

    _z: float

    def __new__(cls, x: float, y: float, z: float) -> Self:
        self = _new(cls)
        _set_slot(self, x=x, y=y, _z=z)
        return self

    def __reduce__(self) -> Any:
        return _PointInSpace, (self.x, self.y, self._z)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _PointInSpace):
            return NotImplemented
        return (self.x, self.y, self._z) == (other.x, other.y, other._z)

    __hash__ = PointCoordinate.__hash__

    def _json(self) -> dict[str, dict[str, float]]:
        return {"0": {"x": self.x, "y": self.y, "z": self._z}}


class _VerticesDraft:
    __slots__ = ("_line", "_more", "_points")


class _Vertices:
    """A list of points, kept flat until somebody asks for the points; those are the truth from then on."""

    __slots__ = ("_line", "_more", "_points")

    _key: ClassVar[str]
    _line: Any
    _more: Any
    _points: list[PointCoordinate] | None

    def __new__(cls, values: List[PointCoordinate]) -> Self:  # noqa: UP006
        return cls._made(None, None, values)

    @classmethod
    def _made(cls, line: Any, more: Any, points: list[PointCoordinate] | None) -> Self:
        self: Any = _new(_VerticesDraft)
        self._line = line
        self._more = more
        self._points = points
        self.__class__ = cls
        return self  # type: ignore[no-any-return]

    @classmethod
    def _from_flat(cls, flat: Any) -> Self:
        """Return the vertices of ``x0, y0, x1, y1, …``: a list or a 1-D float64 array, taken without a copy."""
        self: Any = _new(_VerticesDraft)
        self._line = flat
        self._more = None
        self._points = None
        self.__class__ = cls
        return self  # type: ignore[no-any-return]

    @property
    def values(self) -> List[PointCoordinate]:  # noqa: UP006
        """The points."""
        if self._points is None:
            numbers = iter(self._line if isinstance(self._line, list) else self._line.tolist())
            _set_slot(self, _points=[PointCoordinate(x, y) for x, y in zip(numbers, numbers, strict=True)])
        return self._points  # type: ignore[return-value]

    @property
    def _flat(self) -> Any:
        """``x0, y0, x1, y1, …``: a list, or the array the vertices were made from."""
        if self._points is None:
            return self._line
        return [number for point in self._points for number in (point.x, point.y)]

    def _twin(self) -> Self:
        """Return the same vertices, with a list of points of their own."""
        return self._made(self._line, self._more, None if self._points is None else [*self._points])

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return the JSON form, without the key it stands under."""
        return _vertices_from_flat(self._flat)

    _json = to_dict

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return [*self._flat] == [*other._flat] and self._further() == other._further()

    def _further(self) -> Any:
        return self._more

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}(values={self.values!r})"

    def __reduce__(self) -> Any:
        return type(self)._made, (self._flat, self._more, None)

    def __setattr__(self, name: str, value: Any) -> None:
        _refuse(name)

    def __delattr__(self, name: str) -> None:
        _refuse(name)


def _refuse(name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"Coordinates do not change: {name!r} cannot be set. Make new ones.")


@seen_as("encord_convert.sdk.objects.coordinates:PolygonCoordinates")
class PolygonCoordinates(_Vertices):
    """A polygon. Nothing closes it: the last vertex is joined with the first.

    A polygon may have several parts, and holes in them. The points are those of the first ring then.

    Parameters
    ----------
    values : list of PointCoordinate
    """

    __slots__ = ()

    _key = "polygon"

    @classmethod
    def _from_rings(cls, polygons: list[list[Any]]) -> Self:
        """Return a polygon of several parts: each a list of rings, the outer first, then its holes, each flat."""
        first = polygons[0][0] if polygons and polygons[0] else []
        return cls._made(first, polygons, None)

    @property
    def _is_nested(self) -> bool:
        """Whether there is more than one ring."""
        return self._more is not None and sum(map(len, self._more)) > 1

    def _twin(self) -> Self:
        """Return the same polygon, with lists of points and rings of its own."""
        twin = super()._twin()
        if self._more is not None:
            rings = [[ring.copy() if hasattr(ring, "copy") else ring for ring in part] for part in self._more]
            _set_slot(twin, _more=rings)
        return twin

    @property
    def polygons(self) -> list[list[Any]]:
        """The parts: each a list of rings, the outer first, then its holes, each ``x0, y0, x1, y1, …``."""
        if self._more is not None and self._points is None:
            return self._more  # type: ignore[no-any-return]
        if self._more is None or not self._is_nested:
            return [[self._flat]]
        (_, *holes), *parts = self._more
        return [[self._flat, *holes], *parts]

    def _further(self) -> Any:
        return [[[*ring] for ring in part] for part in self.polygons] if self._is_nested else None

    def _rings_json(self) -> list[list[list[float]]] | None:
        """Return what is written under ``polygons``; None when nothing is.

        It is written for several rings, and for one if it was read from there.
        """
        if self._more is None:
            return None
        return [[ring[:] if isinstance(ring, list) else ring.tolist() for ring in part] for part in self.polygons]

    @staticmethod
    def from_dict(d: dict[str, Any]) -> PolygonCoordinates:
        """Return the polygon of a frame object's JSON.

        It stands under ``polygon``, a dictionary or a list of points, and with all its rings under ``polygons``;
        if the two differ, ``polygons`` is right.
        """
        polygons = d.get("polygons")
        if polygons is not None:
            if any(len(ring) % 2 for part in polygons for ring in part):
                raise ValueError("A ring of 'polygons' has an odd number of coordinates.")
            return PolygonCoordinates._from_rings([[[*ring] for ring in part] for part in polygons])
        return PolygonCoordinates._from_flat(_flat_from_vertices(d["polygon"]))


@seen_as("encord_convert.sdk.objects.coordinates:PolylineCoordinates")
class PolylineCoordinates(_Vertices):
    """A line from point to point.

    Parameters
    ----------
    values : list of PointCoordinate
    """

    __slots__ = ()

    _key = "polyline"

    @staticmethod
    def from_dict(d: dict[str, Any]) -> PolylineCoordinates:
        """Return the line of a frame object's JSON, which has it under ``polyline``."""
        vertices = d["polyline"]
        depths = [vertex["z"] for vertex in _vertices_in_order(vertices) if "z" in vertex]
        return PolylineCoordinates._made(_flat_from_vertices(vertices), depths or None, None)

    def _json(self) -> dict[str, dict[str, float]]:
        """Return the JSON form; with depths if it was read with them and still has as many points."""
        vertices = _vertices_from_flat(self._flat)
        if self._more is not None and len(self._more) == len(vertices):
            for vertex, z in zip(vertices.values(), self._more, strict=True):
                vertex["z"] = z
        return vertices


@dataclass(frozen=True)
class _Prototype:
    """What dataclass tools are told about classes that keep their points flat."""

    values: List[PointCoordinate]  # noqa: UP006


for _one in (PolygonCoordinates, PolylineCoordinates):
    _one.__dataclass_fields__ = _Prototype.__dataclass_fields__  # type: ignore[union-attr]
    _one.__dataclass_params__ = _Prototype.__dataclass_params__  # type: ignore[union-attr,attr-defined]
