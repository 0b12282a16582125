"""Checks annotations of an image for duplicates and for boxes that contradict their shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec.structs import replace

from encord_convert.checks.findings import FIXABLE
from encord_convert.formats.coco.native import FAMILY as COCO
from encord_convert.formats.coco.read_extent import extent_of
from encord_convert.hub.contents import where_of
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Feature, Kind, Where
from encord_convert.hub.matching import geometry_px
from encord_convert.hub.visibility import frame_size
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.objects.coordinates import BitmaskCoordinates, BoundingBoxCoordinates

_WITH_AREA = frozenset({Shape.BITMASK, Shape.BOUNDING_BOX, Shape.POLYGON})
_NEAR_PX, _NEAR = 1.0, 0.05
"""Tolerance of a bbox edge from the shape's: in pixels, and relative to the shape's side."""
PER_PX = 100
"""Geometry is equal if no number differs by a hundredth of a pixel."""


class Rows:
    """Checks the annotations of rows.

    Parameters
    ----------
    counts : Counts
        Is told what is wrong.
    needs_outlines : bool
        Whether the trainer reads the file unchanged, and fails on annotations without a segmentation.
    """

    def __init__(self, counts: Counts, needs_outlines: bool) -> None:
        self._counts = counts
        self._needs_outlines = needs_outlines

    def see(self, row: LabelRowV2) -> None:
        """Check a row."""
        if len(row._objects) > 1:
            for instance, frame, first in twice(row):
                if are_same(instance, first):
                    detail, type_ = (
                        "It has the class, geometry and answers of another annotation of the image.",
                        FIXABLE,
                    )
                else:
                    detail, type_ = "It has the class and geometry of another annotation of the image.", "annotation"
                self._count("DUPLICATE_ANNOTATION", type_, row, instance, frame, detail)
        for hash_, frame, box, extent in contradicting(row):
            if extent is None:
                detail = f"Its bbox {list(box)} has no area, but its shape does: some trainers drop it by its bbox."
            else:
                detail = f"Its bbox {list(box)} is not that of its shape, {extent}: some trainers learn the bbox."
            self._count("INVALID_BBOX", FIXABLE, row, row._objects[hash_], frame, detail)
        if self._needs_outlines:
            for instance in row._objects.values():
                if instance.ontology_item.shape in (Shape.BOUNDING_BOX, Shape.SKELETON):
                    detail = "It has no segmentation, which torchvision's references take a mask from."
                    self._count(
                        "OUTLINE_MISSING", "annotation", row, instance, min(instance._frames, default=0), detail
                    )

    def _count(self, code: str, type_: str, row: LabelRowV2, instance: Any, frame: int, detail: str) -> None:
        where = place_of(row, instance, frame)
        kind = Kind.DROPPED if code == "OUTLINE_MISSING" else Kind.APPROXIMATED
        self._counts.lose(kind, code, Feature.SHAPE, (type_, instance.object_name), where, detail)


def contradicting(row: LabelRowV2) -> Iterator[tuple[str, int, Any, list[float] | None]]:
    """Yield objects of COCO files whose box has no area or is not that of their shape.

    Yields
    ------
    (hash, frame, box, extent)
        ``extent`` is left, top, width and height of the shape in pixels; None: the box has no area.
    """
    if row._native is None or row._native.family != COCO:
        return
    for hash_, frames in row._native.labels.items():
        instance = row._objects.get(hash_)
        if instance is None or instance.ontology_item.shape not in _WITH_AREA:
            continue
        for frame, keys in frames.items():
            box = keys.get("bbox")
            if not isinstance(box, list | tuple) or len(box) != 4 or frame not in instance._frames:
                continue
            if min(box[2:]) <= 0:
                yield hash_, frame, box, None
            elif instance.ontology_item.shape is not Shape.BOUNDING_BOX:
                size = frame_size(row, frame)
                extent, _ = extent_of(instance._frames[frame].coordinates, size)
                if all(size) and _is_other(box, extent):
                    yield hash_, frame, box, [round(item, 2) for item in extent]


def _is_other(box: Any, extent: list[float]) -> bool:
    """Return whether an edge of a box is off by more than a pixel and a twentieth of the other's side."""
    for low, side in ((0, 2), (1, 3)):
        near = max(_NEAR_PX, _NEAR * extent[side])
        apart = box[low] - extent[low]
        if abs(apart) > near or abs(apart + box[side] - extent[side]) > near:
            return True
    return False


def place_of(row: LabelRowV2 | None, instance: Any, frame: int) -> Where:
    """Return the location of an annotation: its line or id in the file, else its index.

    For videos the id is the one on the frame.
    """
    where = where_of(row, instance, frame)
    if row is None:
        return where
    if row.number_of_frames == 1:
        where = replace(where, frame=None)
    if where.line is not None:
        return where
    number = next((n for n, hash_ in enumerate(row._objects) if hash_ == where.object_hash), None)
    named = where.element or "annotation"
    if number is None:
        return replace(where, element=named)
    ids = () if row._file is None else row._file.ids
    id_ = ids[number] if number < len(ids) else None
    if id_ is None and row._native is not None and row._native.family == COCO:
        id_ = row._native.of(instance._hash, frame).get("id")
    holder = "image" if row.number_of_frames == 1 else "row"
    element = f"{named} {number} of its {holder}" if id_ is None else f"annotation {id_}"
    return replace(where, element=element)


def twice(row: LabelRowV2) -> Iterator[tuple[Any, int, Any]]:
    """Yield each object that repeats class and geometry of an earlier one on a frame, with the frame and that one."""
    seen: dict[Any, Any] = {}
    for instance in row._objects.values():
        for frame, data in instance._frames.items():
            key = frame, instance.feature_hash, _key(data.coordinates, row, frame)
            first = seen.setdefault(key, instance)
            if first is not instance:
                yield instance, frame, first


def _key(coordinates: Any, row: LabelRowV2, frame: int) -> Any:
    width, height = frame_size(row, frame)
    width, height = (width or 1000) * PER_PX, (height or 1000) * PER_PX
    if type(coordinates) is BoundingBoxCoordinates:
        c = coordinates
        if not abs(c.top_left_x) + abs(c.top_left_y) + abs(c.width) + abs(c.height) < np.inf:
            return id(c)
        return (
            round(c.top_left_x * width), round(c.top_left_y * height), round(c.width * width), round(c.height * height)
        )  # fmt: skip
    if isinstance(coordinates, BitmaskCoordinates):
        return coordinates.to_dict()["rleString"]
    form, numbers = geometry_px(coordinates, width, height)
    if isinstance(numbers, str):
        return form, numbers
    return form, tuple(np.rint(np.asarray(number, np.float64)).tobytes() for number in numbers)


def are_same(instance: Any, first: Any) -> bool:
    """Return whether an object adds nothing to another: the same frames and answers."""
    if instance._frames.keys() != first._frames.keys() or len(instance._frames) != 1:
        return False
    return all(_answers(instance, frame) == _answers(first, frame) for frame in instance._frames)


def _answers(instance: Any, frame: int) -> dict[str, Any]:
    answers = (*instance._static_answers(), *instance._dynamic_answers_at(frame))
    return {attribute.feature_node_hash: value for attribute, value in answers}
