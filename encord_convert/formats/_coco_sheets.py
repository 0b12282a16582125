"""Sheets to annotations of a COCO file: lines made of columns, without an object or an entry for each shape.

What a line of shapes of one use says apart from place, size and hash is written once, as a template. A shape that is
not plain (it leaves its picture, or has no place in the file) is made, and told, as any object of a row is.

The page of the format is :mod:`encord_convert.formats.coco`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from encord_convert.formats import _coco_numbers as numbers
from encord_convert.formats._coco_classes import Class, Classes
from encord_convert.formats._coco_lines import in_ascii
from encord_convert.formats._coco_masks import mask_numbers
from encord_convert.formats._coco_shapes import Style
from encord_convert.geometry import rle
from encord_convert.losses import Carries, Feature
from encord_convert.report import SIDES, Report, side_types
from encord_convert.sdk.objects import Shape
from encord_convert.sheets import Column, Sheet, Use

if TYPE_CHECKING:
    from numpy.typing import NDArray

_encoder = msgspec.json.Encoder()

_MOST_USES = 10_000
"""How many uses are remembered."""

_GEOMETRY = {
    Shape.BOUNDING_BOX: '"bbox":[%s],"area":%s,"iscrowd":{crowd},"segmentation":[]',
    Shape.ROTATABLE_BOUNDING_BOX: '"bbox":[%s],"area":%s,"iscrowd":{crowd},"segmentation":[[%s]]',
    Shape.POLYGON: '"bbox":[%s],"area":%s,"iscrowd":{crowd},"segmentation":[[%s]]',
    Shape.BITMASK: '"bbox":[%d,%d,%d,%d],"area":%d,"iscrowd":{crowd},"segmentation":{{"size":[%d,%d],"counts":%s}}',
    Shape.POINT: '"bbox":[%s],"area":%s,"iscrowd":{crowd},"segmentation":[],"keypoints":[%s,2],"num_keypoints":1',
}
"""How the members of an annotation that say where it is are written; their order is that of ``Annotation``."""

_OWN = {Shape.ROTATABLE_BOUNDING_BOX: '"rotation":%s,"unrotated_bbox":%s,'}
"""What stands among the attributes of a shape by itself, between its answers and what its class says."""


class Template:
    """How the shapes of a use are written: ``text`` with gaps for numbers and hash; None: one by one.

    ``code`` is that of the loss if the file has no place for them.
    """

    __slots__ = ("code", "text", "use")

    def __init__(self, use: Use, text: str | None, code: str | None) -> None:
        self.use = use  # held, so that its `id` stays its own
        self.text = text
        self.code = code


class Sheets:
    """Writes the annotations of sheets.

    Parameters
    ----------
    classes : Classes
    style : Style
    carries : Carries
        What the format declares.
    report : Report
        Told of shapes that have no place in the file.
    answers : callable
        From a class, an object of it and a frame to its ``attributes``, as far as they are answers.
    """

    def __init__(
        self,
        classes: Classes,
        style: Style,
        carries: Carries,
        report: Report,
        answers: Callable[[Class, Any, int], dict[str, Any]],
    ) -> None:
        self._classes = classes
        self._style = style
        self._carries = carries
        self._report = report
        self._answers = answers
        self._templates: dict[int, Template] = {}

    def bodies(self, sheet: Sheet) -> list[str | None]:
        """Return for each shape its line without the numbers of annotation and image; None: it is not plain.

        The text of a shape that has no place in the file, and is accounted for, is empty.
        """
        found: list[str | None] = [None] * len(sheet.uses)
        templates = [None if use is None else self._template(use) for use in sheet.uses]
        owners = np.repeat(np.arange(len(sheet)), sheet.counts)
        sizes = np.array(sheet.sizes[:1] if sheet.sizes.count(sheet.sizes[0]) == len(sheet) else sheet.sizes, np.float64)
        for shape, column in sheet.columns.items():
            if shape not in _GEOMETRY or not column.places:
                continue
            limits = sizes if len(sizes) == 1 else sizes[owners[column.places]]
            numbers_of = _NUMBERS[shape]
            for at, values in zip(column.places, numbers_of(column, limits, self._style), strict=True):
                template: Any = templates[at]
                if values is not None and template.text is not None:
                    found[at] = template.text % (*values, sheet.hashes[at])
        for at, one in enumerate(templates):
            if one is not None and one.code is not None:
                if self._report.drop_alike(one.use, one.code, Feature.SHAPE):
                    found[at] = ""
        return found

    def _template(self, use: Use) -> Template:
        template = self._templates.get(id(use))
        if template is None:
            if len(self._templates) > _MOST_USES:
                self._templates.clear()
            template = self._templates[id(use)] = self._made(use)
        return template

    def _made(self, use: Use) -> Template:
        class_, shape, carries = self._classes.of(use.item), use.item.shape, self._carries
        if shape not in carries.shapes | carries.approximates:
            return Template(use, None, carries.code(shape))
        loses_sides = any(SIDES[side] not in carries.features for side in side_types(use.info))
        is_own = shape not in _GEOMETRY or shape in carries.approximates
        if is_own or loses_sides or (shape is Shape.BOUNDING_BOX and self._style.box_polygons):
            return Template(use, None, None)
        instance = use.instance("", None, None)
        answers = self._answers(class_, instance, 0)
        behind: dict[str, Any] = dict(class_.constants)
        if not use.info.manual_annotation:
            behind["manual_annotation"] = False
        is_crowd = bool(class_.crowd_keys) and class_.is_crowd(answers)
        try:
            before, after = _members(answers), _members(behind)
        except UnicodeEncodeError:  # half of a surrogate pair
            return Template(use, None, None)
        score = "" if use.info.confidence == 1 else f'"score":{_json(use.info.confidence)},'
        return Template(
            use,
            f'"category_id":{class_.category_id},{_GEOMETRY[shape].format(crowd=int(is_crowd))},{score}'
            f'"attributes":{{{before}{_OWN.get(shape, "")}{after}"encord_object_hash":"%s"}}}}',
            None,
        )


def _json(value: Any) -> str:
    return in_ascii(_encoder.encode(value)).decode()


def _listed(values: list[float]) -> str:
    return _json(values)[1:-1]


def _members(values: dict[str, Any]) -> str:
    """Return the members of a JSON object, a comma behind each, as part of a template."""
    return _json(values)[1:-1].replace("%", "%%") + "," if values else ""


# -- numbers of the columns, as texts; None for a shape that is not sure --------------------------------------------

_Values = Iterator[tuple[Any, ...] | None]


def _boxes(column: Column, limits: NDArray[np.float64], style: Style) -> _Values:
    for bbox, area, is_sure in numbers.box_texts(column.numbers, limits, style.decimals):
        yield (bbox, area) if is_sure else None


def _turned(column: Column, limits: NDArray[np.float64], style: Style) -> _Values:
    found = numbers.rotated_numbers(column.numbers, column.more, limits, style.decimals)
    for bbox, corners, unrotated, angle, area, is_sure in found:
        yield (_listed(bbox), _json(area), corners.decode(), _json(angle), _json(unrotated)) if is_sure else None


def _rings(column: Column, limits: NDArray[np.float64], style: Style) -> _Values:
    counts = np.array(column.more) >> 1
    for bbox, area, ring, is_sure in numbers.ring_texts(column.numbers, counts, limits, style.decimals):
        yield (bbox, area, ring) if is_sure else None


def _points(column: Column, limits: NDArray[np.float64], style: Style) -> _Values:
    found = numbers.point_numbers(column.numbers, limits, style.decimals, style.point_size_px)
    for place, bbox, area, is_sure in found:
        yield (_listed(bbox), _json(area), _listed(place)) if is_sure else None


def _masks(column: Column, limits: NDArray[np.float64], style: Style) -> _Values:
    sizes = [(int(width), int(height)) for width, height in limits.tolist()]
    sizes = sizes * len(column.places) if len(sizes) == 1 else sizes
    for size, found in zip(sizes, mask_numbers(column.numbers, sizes), strict=True):
        if found is None:
            yield None
            continue
        columns, bbox, area = found
        width, height = size
        yield (*bbox, area, height, width, _json(rle.string_from_runs(columns)))


_NUMBERS: dict[Shape, Callable[[Column, NDArray[np.float64], Style], _Values]] = {
    Shape.BOUNDING_BOX: _boxes,
    Shape.ROTATABLE_BOUNDING_BOX: _turned,
    Shape.POLYGON: _rings,
    Shape.POINT: _points,
    Shape.BITMASK: _masks,
}
