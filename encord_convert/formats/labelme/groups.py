"""Groups shapes of a LabelMe file that are one object by their ``group_id``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from encord_convert.formats.labelme.shapes import points_of, type_of

_OF_POINTS = frozenset({"label", "points", "shape_type", "group_id", "flags", "description", "mask"})
_SHAPE = frozenset({"points"})


@dataclass(slots=True)
class Group:
    """The shapes of one object.

    Parameters
    ----------
    number : int
        Index of the first shape in its file, from 0.
    first : mapping
        The first shape; for a skeleton the rectangle.
    others : list of mapping
        Further parts of a polygon, or the points of a skeleton.
    is_skeleton : bool
    """

    number: int
    first: Mapping[str, Any]
    others: list[Mapping[str, Any]] = field(default_factory=list)
    is_skeleton: bool = False

    @property
    def is_joined(self) -> bool:
        """Whether it is more than one shape."""
        return bool(self.others)

    @property
    def all_of(self) -> list[Mapping[str, Any]]:
        """All its shapes."""
        return [self.first, *self.others]


def grouped(shapes: Sequence[Mapping[str, Any]], joins: bool) -> Iterator[Group]:
    """Yield the groups of a file in the order of their first shapes.

    Parameters
    ----------
    joins : bool
        Whether polygons of a group, and a rectangle with points, are one object.
    """
    by_id: dict[int, list[int]] = {}
    for number, entry in enumerate(shapes if joins else ()):
        if type(entry.get("group_id")) is int:
            by_id.setdefault(entry["group_id"], []).append(number)
    whole: dict[int, list[int]] = {}
    skeletons: set[int] = set()
    for numbers in by_id.values():
        some = [shapes[number] for number in numbers]
        if _are_parts(some):
            whole |= dict.fromkeys(numbers, numbers)
        elif _is_skeleton(some):
            first = next(number for number in numbers if type_of(shapes[number]) == "rectangle")
            numbers = [first, *(number for number in numbers if number != first)]
            whole |= dict.fromkeys(numbers, numbers)
            skeletons.add(first)
    seen: set[int] = set()
    for number, entry in enumerate(shapes):
        numbers = whole.get(number, [number])
        if numbers[0] not in seen:
            seen.add(numbers[0])
            others = [shapes[other] for other in numbers[1:]]
            yield Group(numbers[0], shapes[numbers[0]] if others else entry, others, numbers[0] in skeletons)


def _are_parts(shapes: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether these are polygons that differ only in their points."""
    if len(shapes) < 2 or any(type_of(shape) != "polygon" or not _is_whole(shape, 3) for shape in shapes):
        return False
    first = {key: value for key, value in shapes[0].items() if key not in _SHAPE}
    return all({key: value for key, value in item.items() if key not in _SHAPE} == first for item in shapes)


def _is_skeleton(shapes: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether these are a rectangle and points with distinct names and at most an occluded flag."""
    boxes = [item for item in shapes if type_of(item) == "rectangle"]
    points = [shape for shape in shapes if type_of(shape) == "point"]
    if len(boxes) != 1 or not points or len(boxes) + len(points) < len(shapes) or not _is_whole(boxes[0], 2):
        return False
    if len(boxes[0]["points"]) != 2 or len({point["label"] for point in points if _is_whole(point, 1)}) < len(points):
        return False
    return all(
        entry.keys() <= _OF_POINTS
        and len(entry["points"]) == 1
        and len(entry["points"][0]) == 2
        and entry.get("description") in (None, "")
        and entry.get("flags") in (None, {}, {"occluded": True})
        and entry.get("mask") is None
        for entry in points
    )


def _is_whole(entry: Mapping[str, Any], least: int) -> bool:
    points = points_of(entry)
    return isinstance(entry.get("label"), str) and points is not None and len(points) >= least
