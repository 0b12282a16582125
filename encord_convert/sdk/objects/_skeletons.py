"""Skeletons: named points that belong together.

Source: label-row JSON, "Newer server JSON", coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag
from typing import Any, ClassVar, List  # noqa: UP035 -- documented as it is

from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.objects._vertices import _keys, _set_slot, _vertices_in_order


@seen_as("encord_convert.sdk.objects.coordinates:Visibility")
class Visibility(Flag):
    """Whether a skeleton's point can be seen."""

    VISIBLE = 1
    INVISIBLE = 2
    OCCLUDED = 4


_VISIBILITIES = {
    "visible": Visibility.VISIBLE,
    "invisible": Visibility.INVISIBLE,
    "occluded": Visibility.OCCLUDED,
    "selfOccluded": Visibility.OCCLUDED,
}
_TEXTS = {Visibility.VISIBLE: "visible", Visibility.INVISIBLE: "invisible", Visibility.OCCLUDED: "occluded"}
_KNOWN_OF_POINT = frozenset({"x", "y", "name", "color", "featureHash", "value", "visibility"})


@seen_as("encord_convert.sdk.objects.coordinates:SkeletonCoordinate")
@dataclass(frozen=True, slots=True)
class SkeletonCoordinate:
    """One point of a skeleton.

    Parameters
    ----------
    x, y : float
        0..1 of the frame.
    name : str
        Which point of the template it is.
    color : str
        Empty if there is none.
    feature_hash : str, optional
    value : str, optional
    visibility : Visibility, optional
    """

    x: float
    y: float
    name: str
    color: str
    feature_hash: str | None = None
    value: str | None = None
    visibility: Visibility | None = None

    _self_occluded: ClassVar[bool] = False
    """Whether its own object hides it, which is one way of being occluded."""

    @staticmethod
    def _hidden_by_itself(
        x: float, y: float, name: str, color: str, feature_hash: str | None = None, value: str | None = None
    ) -> SkeletonCoordinate:
        """Return an occluded point that its own object hides."""
        point = _CarriedSkeletonCoordinate(x, y, name, color, feature_hash, value, Visibility.OCCLUDED)
        _set_slot(point, _kept={"visibility": "selfOccluded"})
        return point

    @staticmethod
    def _from_dict(d: dict[str, Any]) -> SkeletonCoordinate:
        """Return the point a JSON form describes; its visibility under ``visibility``, or as a key that is true."""
        text = d.get("visibility")
        if text is None:
            text = next((name for name in _VISIBILITIES if d.get(name)), None)
        visibility = None if text is None else _VISIBILITIES[text]
        fields = (d["x"], d["y"], d["name"], d.get("color", ""), d.get("featureHash"), d.get("value"), visibility)
        kept = {key: value for key, value in d.items() if key not in _KNOWN_OF_POINT}
        if d.get("visibility") == "selfOccluded":
            kept["visibility"] = "selfOccluded"
        if not kept:
            return SkeletonCoordinate(*fields)
        point = _CarriedSkeletonCoordinate(*fields)
        _set_slot(point, _kept=kept)
        return point

    def _json(self) -> dict[str, Any]:
        d: dict[str, Any] = {"x": self.x, "y": self.y, "name": self.name}
        if self.color:
            d["color"] = self.color
        if self.feature_hash is not None:
            d["featureHash"] = self.feature_hash
        if self.value is not None:
            d["value"] = self.value
        if self.visibility is not None:
            d["visibility"] = _TEXTS[self.visibility]
        return d


class _CarriedSkeletonCoordinate(SkeletonCoordinate):
    """A point whose JSON says more than the model, or says it in another way; written back as it came."""

    __slots__ = ("_kept",)

    _kept: dict[str, Any]

    @property
    def _self_occluded(self) -> bool:  # type: ignore[override]
        return self._kept.get("visibility") == "selfOccluded" or bool(self._kept.get("selfOccluded"))

    def _json(self) -> dict[str, Any]:
        d = SkeletonCoordinate._json(self)
        if "visibility" not in self._kept and any(name in self._kept for name in _VISIBILITIES):
            d.pop("visibility", None)
        return d | self._kept

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SkeletonCoordinate):
            return NotImplemented
        return self._json() == other._json()

    __hash__ = SkeletonCoordinate.__hash__


@seen_as("encord_convert.sdk.objects.coordinates:SkeletonCoordinates")
@dataclass(frozen=True, slots=True)
class SkeletonCoordinates:
    """The points of a skeleton, in the order of its template."""

    values: List[SkeletonCoordinate]  # noqa: UP006

    _key: ClassVar[str] = "skeleton"

    @staticmethod
    def _from_dict(d: dict[str, Any]) -> SkeletonCoordinates:
        """Return the skeleton of a frame object's JSON, which has it under ``skeleton``."""
        return SkeletonCoordinates([SkeletonCoordinate._from_dict(item) for item in _vertices_in_order(d["skeleton"])])

    def _json(self) -> dict[str, dict[str, Any]]:
        return {key: point._json() for key, point in zip(_keys(len(self.values)), self.values, strict=True)}
