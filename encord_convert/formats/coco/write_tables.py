"""Tables to annotations of a COCO file: lines made of columns, without an object or an entry for each shape.

What a line of shapes of one variant says apart from place, size and hash is written once, as a template. A shape that
is not plain (it leaves its image) is made, and written as any object of a row is.

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
from encord_convert.hub.extents import Floats
from encord_convert.hub.loss import Carries
from encord_convert.hub.table import HASH, Column, Variant
from encord_convert.hub.visibility import drawing
from encord_convert.losses.narrow import LeftTable
from encord_convert.sdk.objects import Shape

_encoder = msgspec.json.Encoder()

_MOST_VARIANTS = 10_000
"""How many variants are remembered."""

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


_TRACKED = '"track_id":%d,'
"""The number of the object on frames of a video."""


@dataclass(slots=True)
class Drawn:
    """Lines of the shapes of a table.

    Attributes
    ----------
    texts : list of bytes or None
        By place: the line, with gaps for the numbers of annotation and image and for what is in ``columns``. Empty: it
        is not written. None: it is not plain.
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
    """Writes the annotations of tables.

    Parameters
    ----------
    classes : Classes
    style : Style
    carries : Carries
        What the format declares.
    answers : callable
        From a class, an object of it and a frame to its ``attributes``, as far as they are answers.
    """

    def __init__(
        self,
        classes: Classes,
        style: numbers.Style,
        carries: Carries,
        answers: Callable[[Class, Any, int], dict[str, Any]],
    ) -> None:
        self._classes = classes
        self._style = style
        self._carries = carries
        self._answers = answers
        self._templates: dict[Variant | None, bytes | None] = {}

    def drawn(self, left: LeftTable, native: Mapping[int, Mapping[str, Any]]) -> Drawn:
        """Return the lines of the shapes of a table, as far as they are plain; ``native`` are keys of the source."""
        table, drawn = left.table, Drawn([None] * len(left.table.variants))
        if len(self._templates) > _MOST_VARIANTS:
            self._templates.clear()
        for variant in left.variants.difference(self._templates):
            self._templates[variant] = None if variant is None else self._template(variant)
        hashes = np.frombuffer(table.hashes, f"S{HASH}")
        for shape, column in table.columns.items():
            if shape in _GEOMETRY and column.places:
                self._draw(drawn, left, shape, column, hashes[column.places].tolist(), native)
        for at in left.dropped:
            drawn.texts[at] = b""
        return drawn

    def _draw(
        self, drawn: Drawn, left: LeftTable, shape: Shape, column: Column, hashes: list[bytes],
        native: Mapping[int, Mapping[str, Any]],
    ) -> None:  # fmt: skip
        """Write the shapes of a column; ``native`` are keys that only COCO has words for."""
        table, places = left.table, column.places
        extents = table.extents(shape)
        values, sure = numbers.texts_of(extents, self._style)
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
            self._cut(column, extents.limits, values[0], values[2], sure)
        texts = [self._templates[table.variants[at]] for at in places]
        own: tuple[Sequence[Any], ...] = (*values, hashes)
        if table.numbers:
            own = (*values, [table.numbers[at] for at in places], hashes)
        if not all(sure) or None in texts or not left.dropped.isdisjoint(places):
            chosen = [
                is_sure and text is not None and at not in left.dropped
                for at, is_sure, text in zip(places, sure, texts, strict=True)
            ]
            places, texts = list(compress(places, chosen)), list(compress(texts, chosen))
            own = tuple([list(compress(one, chosen)) for one in own])
        for at, text in zip(places, texts, strict=True):
            drawn.texts[at] = text
        drawn.columns.append((places, own))

    def _cut(self, column: Column, limits: Floats, boxes: list[bytes], corners: list[bytes], sure: list[bool]) -> None:
        """Fill in ``bbox`` and corners of those turned boxes of which a part is in the image: it alone is written."""
        cut, rings = [], []
        for number, is_sure in enumerate(sure):
            if not is_sure:
                width, height = map(int, limits[number % len(limits)].tolist())
                coordinates = column.at(Shape.ROTATABLE_BOUNDING_BOX, column.places[number])
                _, drawn = drawing(coordinates, width, height, self._carries.tolerance_px)
                if len(drawn) == 1:
                    cut.append(number)
                    rings.append(drawn[0])
        if cut:
            extents = numbers.rings_px(rings, limits if len(limits) == 1 else limits[cut])
            for number, bbox, _, ring in zip(cut, *numbers.texts_of(extents, self._style)[0], strict=True):
                boxes[number], corners[number], sure[number] = bbox, ring, True

    def _template(self, variant: Variant) -> bytes | None:
        """Return the line of shapes of a variant with gaps for numbers and hash; None: they are written one by one."""
        class_, shape, carries = self._classes.of(variant.item), variant.item.shape, self._carries
        if shape not in _GEOMETRY or shape not in carries.shapes or (self._style.box_polygons and shape is _BOX):
            return None
        instance = variant.instance("", None, None)
        answers = self._answers(class_, instance, 0)
        behind: dict[str, Any] = {}
        if not variant.info.manual_annotation:
            behind["manual_annotation"] = False
        is_crowd = bool(class_.crowd_keys) and class_.is_crowd(answers)
        try:
            before, constants, after = _members(answers), _members(class_.constants), _members(behind)
        except UnicodeEncodeError:  # half of a surrogate pair
            return None
        score = "" if variant.info.confidence == 1 else f'"score":{_json(variant.info.confidence)},'
        tracked = _TRACKED if variant.is_tracked else ""
        text = (
            f'{NUMBERED}"category_id":{class_.category_id},{_GEOMETRY[shape].format(crowd=int(is_crowd))},{score}'
            f'"attributes":{{{before}{_OWN.get(shape, "")}{constants}{tracked}{after}"encord_object_hash":"%b"}}}}'
        )
        return text.encode("ascii")


_BOX = Shape.BOUNDING_BOX


def _json(value: Any) -> str:
    return in_ascii(_encoder.encode(value)).decode()


def _members(values: dict[str, Any]) -> str:
    """Return the members of a JSON object, a comma behind each, as part of a template."""
    return _json(values)[1:-1].replace("%", "%%") + "," if values else ""
