"""Sheets to annotations of a COCO file: lines made of columns, without an object or an entry for each shape.

What a line of shapes of one use says apart from place, size and hash is written once, as a template. A shape that is
not plain (it leaves its image, or has no place in the file) is made, and told, as any object of a row is.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from typing import Any

import msgspec
import numpy as np

from encord_convert.formats.coco import write_numbers as numbers
from encord_convert.formats.coco.categories import Class, Classes
from encord_convert.formats.coco.json_lines import in_ascii, written_value
from encord_convert.formats.coco.write_masks import mask_numbers
from encord_convert.formats.coco.write_shapes import Style, counts_of
from encord_convert.hub.contents import loses_sides
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.table import HASH, Column, Table, Variant
from encord_convert.hub.visibility import fate_and_drawing
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import Shape

Floats = numbers.Floats

_encoder = msgspec.json.Encoder()

_MOST_VARIANTS = 10_000
"""How many uses are remembered."""

NUMBERED = '{"id":%d,"image_id":%d,'
"""How the line of an annotation begins."""

_GEOMETRY = {
    Shape.BOUNDING_BOX: '"bbox":[%b],"area":%b,"iscrowd":{crowd},"segmentation":[]',
    Shape.ROTATABLE_BOUNDING_BOX: '"bbox":[%b],"area":%b,"iscrowd":{crowd},"segmentation":[[%b]]',
    Shape.POLYGON: '"bbox":[%b],"area":%b,"iscrowd":{crowd},"segmentation":[[%b]]',
    Shape.BITMASK: '"bbox":[%b],"area":%b,"iscrowd":{crowd},"segmentation":{{"size":[%d,%d],"counts":%b}}',
    Shape.POINT: '"bbox":[%b],"area":%b,"iscrowd":{crowd},"segmentation":[],"keypoints":[%b,2],"num_keypoints":1',
}
"""How the members of an annotation that say where it is are written; their order is that of ``Annotation``."""

_PATCHED = frozenset({"id", "bbox", "area"})
"""Native keys that fill a gap; shapes with others are written one by one."""

_OWN = {Shape.ROTATABLE_BOUNDING_BOX: '"rotation":%b,"unrotated_bbox":[%b],'}
"""What stands among the attributes of a shape by itself, between its answers and what its class says."""


class Template:
    """How the shapes of a use are written: ``text`` with gaps for numbers and hash; None: one by one.

    ``code`` is that of the loss if the file has no place for them.
    """

    __slots__ = ("code", "text", "variant")

    def __init__(self, variant: Variant, text: bytes | None, code: str | None) -> None:
        self.variant = variant
        self.text = text
        self.code = code


@dataclass(slots=True)
class Drawn:
    """Lines of the shapes of a sheet.

    Attributes
    ----------
    texts : list of bytes or None
        By place: the line, with gaps for the numbers of annotation and image and for what is in ``columns``. Empty: it
        has no place in the file, and is accounted for. None: it is not plain.
    columns : list of (list of int, tuple of sequences)
        Places, and of what fills each gap in their lines the values.
    """

    texts: list[bytes | None]
    columns: list[tuple[list[int], tuple[Sequence[Any], ...]]] = field(default_factory=list)

    def filled(self, ids: Sequence[int], image_ids: Sequence[int]) -> bytes:
        """Return all lines that are written, given the numbers of each place."""
        rows: list[tuple[Any, ...]] = [()] * len(self.texts)
        for places, values in self.columns:
            numbers = [ids[at] for at in places], [image_ids[at] for at in places]
            for at, row in zip(places, zip(*numbers, *values, strict=True), strict=True):
                rows[at] = row
        # One call for all: formatting in C, without a string for each shape, takes a third of the time.
        return b",\n".join(filter(None, self.texts)) % tuple(chain.from_iterable(rows))


class Tables:
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
        self._templates: dict[Variant | None, Template] = {}

    def drawn(self, table: Table, native: Mapping[int, Mapping[str, Any]]) -> Drawn:
        """Return the lines of the shapes of a sheet, as far as they are plain; ``native`` are keys of the source."""
        templates = self._templates_of(table.variants)
        drawn = Drawn([None] * len(table.variants))
        owners = np.repeat(np.arange(len(table)), table.counts)
        is_alike = table.sizes.count(table.sizes[0]) == len(table)
        sizes = np.array(table.sizes[:1] if is_alike else table.sizes, np.float64)
        hashes = np.frombuffer(table.hashes, f"S{HASH}")
        for shape, column in table.columns.items():
            if shape in _GEOMETRY and column.places:
                limits = sizes if is_alike else sizes[owners[column.places]]
                self._draw(drawn, shape, column, templates, hashes[column.places].tolist(), limits, native)
        for at, one in enumerate(templates):
            if (
                one is not None
                and one.code is not None
                and self._report.drop_alike(one.variant, one.code, Feature.SHAPE)
            ):
                drawn.texts[at] = b""
        return drawn

    def _draw(
        self,
        drawn: Drawn,
        shape: Shape,
        column: Column,
        templates: list[Template | None],
        hashes: list[bytes],
        limits: Floats,
        native: Mapping[int, Mapping[str, Any]],
    ) -> None:
        """Draw the shapes of a column; ``native`` are keys that only COCO has words for."""
        places = column.places
        values, sure = _NUMBERS[shape](column, limits, self._style)
        sure = list(sure)
        for number, place in enumerate(places) if native else ():
            keys = native.get(place)
            if keys is not None:
                if not keys.keys() <= _PATCHED:
                    sure[number] = False
                if "bbox" in keys:
                    values[0][number] = written_value(keys["bbox"])[1:-1]
                if "area" in keys:
                    values[1][number] = written_value(keys["area"])
        if shape is Shape.ROTATABLE_BOUNDING_BOX and not all(sure):
            self._cut(column, limits, values[0], values[2], sure)
        texts = [templates[at].text for at in places]  # type: ignore[union-attr]
        own: tuple[Sequence[Any], ...] = (*values, hashes)
        if not all(sure) or None in texts:
            chosen = [is_sure and text is not None for is_sure, text in zip(sure, texts, strict=True)]
            places, texts = list(compress(places, chosen)), list(compress(texts, chosen))
            own = tuple([list(compress(one, chosen)) for one in own])
        for at, text in zip(places, texts, strict=True):
            drawn.texts[at] = text
        drawn.columns.append((places, own))

    def _cut(self, column: Column, limits: Floats, boxes: list[bytes], corners: list[bytes], sure: list[bool]) -> None:
        """Fill in ``bbox`` and corners of those turned boxes of which a part is in the image: it alone is drawn."""
        cut, rings = [], []
        for number, is_sure in enumerate(sure):
            if not is_sure:
                width, height = map(int, limits[number % len(limits)].tolist())
                place = column.places[number]
                coordinates = column.at(Shape.ROTATABLE_BOUNDING_BOX, place)
                state, drawn = fate_and_drawing(coordinates, width, height, self._carries.tolerance_px)
                if state == "inside" and drawn and len(drawn) == 1:
                    cut.append(number)
                    rings.append(drawn[0])
        if cut:
            own = limits if len(limits) == 1 else limits[cut]
            texts = numbers.ring_texts_px(rings, own, self._style.decimals)
            for number, bbox, _, ring, _ in zip(cut, *texts, strict=True):
                boxes[number], corners[number], sure[number] = bbox, ring, True

    def _templates_of(self, variants: list[Variant | None]) -> list[Template | None]:
        if len(self._templates) > _MOST_VARIANTS:
            self._templates.clear()
        for variant in set(variants).difference(self._templates, (None,)):
            assert variant is not None
            self._templates[variant] = self._made(variant)
        return list(map(self._templates.get, variants))

    def _made(self, variant: Variant) -> Template:
        class_, shape, carries = self._classes.of(variant.item), variant.item.shape, self._carries
        if shape not in carries.shapes | carries.approximates:
            return Template(variant, None, carries.code(shape))
        is_own = shape not in _GEOMETRY or shape in carries.approximates
        if is_own or loses_sides(variant.info, carries) or (shape is Shape.BOUNDING_BOX and self._style.box_polygons):
            return Template(variant, None, None)
        instance = variant.instance("", None, None)
        answers = self._answers(class_, instance, 0)
        behind: dict[str, Any] = dict(class_.constants)
        if not variant.info.manual_annotation:
            behind["manual_annotation"] = False
        is_crowd = bool(class_.crowd_keys) and class_.is_crowd(answers)
        try:
            before, after = _members(answers), _members(behind)
        except UnicodeEncodeError:  # half of a surrogate pair
            return Template(variant, None, None)
        score = "" if variant.info.confidence == 1 else f'"score":{_json(variant.info.confidence)},'
        text = (
            f'{NUMBERED}"category_id":{class_.category_id},{_GEOMETRY[shape].format(crowd=int(is_crowd))},{score}'
            f'"attributes":{{{before}{_OWN.get(shape, "")}{after}"encord_object_hash":"%b"}}}}'
        )
        return Template(variant, text.encode("ascii"), None)


def _json(value: Any) -> str:
    return in_ascii(_encoder.encode(value)).decode()


def _members(values: dict[str, Any]) -> str:
    """Return the members of a JSON object, a comma behind each, as part of a template."""
    return _json(values)[1:-1].replace("%", "%%") + "," if values else ""


# -- numbers of the columns ------------------------------------------------------------------------------------------

_Values = tuple[tuple[Any, ...], list[bool]]
"""Lists, each with one of the values that fill a template; and whether each shape is sure."""


def _boxes(column: Column, limits: Floats, style: Style) -> _Values:
    *values, sure = numbers.box_texts(column.numbers, limits, style.decimals)
    return tuple(values), sure


def _rotated(column: Column, limits: Floats, style: Style) -> _Values:
    *values, sure = numbers.rotated_texts(column.numbers, column.more, limits, style.decimals)
    return tuple(values), sure


def _rings(column: Column, limits: Floats, style: Style) -> _Values:
    *values, sure = numbers.ring_texts(column.numbers, np.array(column.more) >> 1, limits, style.decimals)
    return tuple(values), sure


def _points(column: Column, limits: Floats, style: Style) -> _Values:
    *values, sure = numbers.point_texts(column.numbers, limits, style.decimals, style.point_size_px)
    return tuple(values), sure


def _masks(column: Column, limits: Floats, style: Style) -> _Values:
    sizes = [(int(width), int(height)) for width, height in limits.tolist()]
    sizes = sizes * len(column.places) if len(sizes) == 1 else sizes
    texts, areas, counts, sure = [], [], [], []
    for found in mask_numbers(column.numbers, sizes):
        columns, bbox, area = (None, (0, 0, 0, 0), 0) if found is None else found
        texts.append(",".join(map(str, bbox)).encode())
        areas.append(b"%d" % area)
        counts.append(b"" if columns is None else in_ascii(_encoder.encode(counts_of(columns, style))))
        sure.append(found is not None)
    return (texts, areas, [height for _, height in sizes], [width for width, _ in sizes], counts), sure


_NUMBERS: dict[Shape, Callable[[Column, Floats, Style], _Values]] = {
    Shape.BOUNDING_BOX: _boxes,
    Shape.ROTATABLE_BOUNDING_BOX: _rotated,
    Shape.POLYGON: _rings,
    Shape.POINT: _points,
    Shape.BITMASK: _masks,
}
