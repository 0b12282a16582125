"""Annotations of a COCO file: what is placed on many images gathered, drawn together, and written with its answers.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from encord_convert.formats.coco.categories import Class, Classes
from encord_convert.formats.coco.index_entries import SIDE_KEYS
from encord_convert.formats.coco.json_lines import Block, body_of
from encord_convert.formats.coco.native import FAMILY
from encord_convert.formats.coco.ontology import text_of
from encord_convert.formats.coco.write_native import native_of
from encord_convert.formats.coco.write_shapes import Annotation, Draw, Shapes, Size, Style, WrittenImage
from encord_convert.formats.coco.write_tables import NUMBERED, Tables
from encord_convert.hub.contents import loses_sides
from encord_convert.hub.loss import Carries
from encord_convert.hub.native import NativeColumns
from encord_convert.hub.table import Table
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import Object, ObjectInstance, Shape

GATHERED = 512
"""Annotations that are drawn together: enough to make the cost of a call small, few enough to stay in the cache."""

_NUMBERED_BODY = f"{NUMBERED}%b".encode()

_MOST_COMMON = 10_000
"""How many different sets of answers are remembered."""

_Plan = tuple[Class, Callable[[Any, Size], None], Draw]


class Annotator:
    """Takes images with what is placed on them, and writes their annotations.

    Parameters
    ----------
    classes : Classes
    style : Style
    carries : Carries
        What the format declares.
    report : Report
        Told of everything that is not written, or not as it was.
    block : Block
        Receives the annotations.
    largest : mapping or None
        Of each kind of entry whose ids are those of the source the largest; None: nothing is known of a source.
    """

    def __init__(
        self,
        classes: Classes,
        style: Style,
        carries: Carries,
        report: Report,
        block: Block,
        largest: Mapping[str, int] | None,
    ) -> None:
        self._classes = classes
        self._carries = carries
        self._report = report
        self._block = block
        self._knows_native = largest is not None
        self._keeps_ids = "annotation" in (largest or {})
        self._shapes = Shapes(style, carries, report, as_masks=Shape.POLYGON in carries.approximates)
        self._tables = Tables(classes, style, carries, report, _answers_on)
        self._plans: dict[int, _Plan] = {}
        self._images: list[WrittenImage] = []
        self._waiting = 0
        self._is_split = False
        self._common: dict[tuple[int, int, int], tuple[Any, dict[str, Any]]] = {}
        self._info: Any = None
        self._is_manual = True
        self._confidence: float | None = None
        self._loses_sides = False

    def add(self, image: WrittenImage, instances: Sequence[ObjectInstance]) -> None:
        """Take an image and the objects on it; all images of a row one after the other."""
        if self._waiting >= 4 * GATHERED:
            self.flush()
            self._is_split = True
        self._gather(image, instances)
        self._images.append(image)
        self._waiting += len(image.placed)

    def _gather(self, image: WrittenImage, instances: Sequence[ObjectInstance]) -> None:
        frame, size, plans = image.frame, image.size, self._plans
        placed = image.placed
        for instance in instances:
            item = instance.ontology_item
            plan = plans.get(id(item)) or self._plan(item)
            data = instance._frames[frame]
            plan[1](data.coordinates, size)
            placed.append((plan, instance, data))

    def add_table(self, table: Table, image_ids: Sequence[int]) -> None:
        """Write what is on the images of a sheet, which have these numbers."""
        self.flush()
        native = self._native(table)
        drawn = self._tables.drawn(table, {} if native is None else native.labels)
        if None in drawn.texts:
            own = native.labels if native is not None else {}
            bodies = self._bodies(table, own, [at for at, text in enumerate(drawn.texts) if text is None], image_ids)
            for at, body in bodies.items():
                drawn.texts[at] = _NUMBERED_BODY if body else b""
            written = [at for at, body in bodies.items() if body]
            drawn.columns.append((written, ([bodies[at] for at in written],)))
        is_written = np.array(list(map(bool, drawn.texts)), np.int64)
        ids, numbered = self._ids_of(native, is_written)
        shown = np.repeat(np.array(image_ids, np.int64), table.counts).tolist()
        self._block.add_lines(drawn.filled(ids, shown), int(is_written.sum()), numbered)

    def _native(self, table: Table) -> NativeColumns | None:
        is_known = self._knows_native and table.native is not None and table.native.family == FAMILY
        return table.native if is_known else None

    def _ids_of(self, native: NativeColumns | None, is_written: NDArray[np.int64]) -> tuple[list[int], int]:
        """Return the number of each shape of a table, and how many of them are new ones."""
        own = native.label_columns.get("id") if native is not None and self._keeps_ids else None
        if own is not None:
            return np.asarray(own).tolist(), 0
        first = self._block.next_id
        if native is None or not self._keeps_ids:
            return (np.cumsum(is_written) + (first - 1)).tolist(), int(is_written.sum())
        ids, number = [], first
        for at, is_there in enumerate(is_written.tolist()):
            id_ = native.labels.get(at, {}).get("id")
            ids.append(id_ or number)
            number += bool(is_there and not id_)
        return ids, number - first

    def _bodies(
        self, table: Table, own: Mapping[int, Mapping[str, Any]], places: list[int], image_ids: Sequence[int]
    ) -> dict[int, bytes]:
        """Return the lines of shapes that are not plain, without their numbers; empty if one is not written."""
        owners = np.repeat(np.arange(len(table)), table.counts)[places].tolist()
        images: list[tuple[WrittenImage, list[int]]] = []
        for number, group in groupby(zip(owners, places, strict=True), itemgetter(0)):
            image = WrittenImage(table.empty_row(number), 0, image_ids[number], table.sizes[number])
            odd = [at for _, at in group]
            self._gather(image, [table.object(at) for at in odd])
            images.append((image, odd))
        self._shapes.compute()
        bodies = {}
        for image, odd in images:
            self._report.turn_to(image.row)
            for at, placed in zip(odd, image.placed, strict=True):
                annotation = self._annotation(image, *placed)
                keys = own.get(at)
                bodies[at] = body_of(annotation, None if annotation is None or not keys else _take(annotation, keys))
        return bodies

    def end_row(self) -> None:
        """Write what was gathered if that is enough. A row is written in one go or ends a go: its losses are counted
        together."""
        if self._waiting >= GATHERED or self._is_split:
            self.flush()
            self._is_split = False

    def flush(self) -> None:
        """Write what was gathered."""
        self._shapes.compute()
        annotations: list[Annotation] = []
        more: dict[int, dict[str, Any]] = {}
        for image in self._images:
            self._report.turn_to(image.row)
            native = native_of(image.row) if self._knows_native else None
            for one in image.placed:
                annotation = self._annotation(image, *one)
                if annotation is None:
                    continue
                keys = native.of(one[1].object_hash, image.frame) if native is not None else None
                if keys:
                    more[len(annotations)] = _take(annotation, keys)
                    annotation.id = keys.get("id", 0) if self._keeps_ids else 0
                annotations.append(annotation)
        self._block.add(annotations, more)
        self._images = []
        self._waiting = 0

    def _plan(self, item: Object) -> _Plan:
        """Return how objects of a class are written, and remember it under the ``id`` of the class, which it holds."""
        class_ = self._classes.of(item)
        plan = self._plans[id(item)] = (class_, *self._shapes.of(class_.shape))
        return plan

    def _annotation(self, image: WrittenImage, plan: _Plan, instance: ObjectInstance, data: Any) -> Annotation | None:
        """Return the entry of an object on an image, None if it cannot be written."""
        class_, _, draw = plan
        annotation = draw(image, class_, instance, data.coordinates)
        if annotation is None:
            return None
        attributes = self._answers(class_, instance, image.frame)
        if class_.crowd_keys and class_.is_crowd(attributes):
            annotation.iscrowd = 1
        if annotation.attributes is not UNSET:
            attributes.update(annotation.attributes)
        if class_.constants:
            attributes.update(class_.constants)
        hash_ = instance.object_hash
        if image.tracks is not None:
            attributes["track_id"] = image.tracks[hash_]
        info = data.object_frame_instance_info
        if info is not self._info:
            self._learn(info)
        if not self._is_manual:
            attributes["manual_annotation"] = False
        if self._confidence is not None:
            annotation.score = self._confidence
        if self._loses_sides:
            self._report.drop_side(instance, image.frame, self._carries)
        attributes["encord_object_hash"] = hash_
        annotation.attributes = attributes
        return annotation

    def _answers(self, class_: Class, instance: ObjectInstance, frame: int) -> dict[str, Any]:
        """Return the answers about an object that hold on a frame, for the caller to add to."""
        common = instance._answers_in_common()
        if common is None:
            return _answers_on(class_, instance, frame)
        key = (id(common[0]), id(common[1]), frame)
        known = self._common.get(key)
        if known is None:
            if len(self._common) > _MOST_COMMON:
                self._common.clear()
            # What is shared is held with what was made of it, so that its `id` stays its own.
            known = self._common[key] = (common, _answers_on(class_, instance, frame))
        return known[1].copy()

    def _learn(self, info: Any) -> None:
        """Look at frame information, which many annotations in a row usually share."""
        self._info = info
        self._is_manual = info.manual_annotation
        self._confidence = None if info.confidence == 1 else info.confidence
        self._loses_sides = loses_sides(info, self._carries)


def _take(annotation: Annotation, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Give an annotation the keys of the source that it has a member for; return the others."""
    more = {key: value for key, value in keys.items() if key != "id"}
    for name in _MEMBERS & more.keys():
        setattr(annotation, name, more.pop(name))
    for name in SIDE_KEYS & more.keys():  # as long as the answer is still the same
        if text_of(annotation.attributes.get(name)) not in (text_of(more[name]), text_of(text_of(more[name]))):
            del more[name]
    if isinstance(said := more.pop("attributes", None), dict):
        hash_ = annotation.attributes.pop("encord_object_hash")
        annotation.attributes.update(said, encord_object_hash=hash_)  # our reader looks for it at the end
    return more


_MEMBERS = frozenset({"bbox", "area", "iscrowd", "num_keypoints", "segmentation"})


def _answers_on(class_: Class, instance: ObjectInstance, frame: int) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    answers = instance._static_answers()
    if answers:
        class_.questions.fill(attributes, answers)
    answers = instance._dynamic_answers_at(frame)
    if answers:
        class_.questions.fill(attributes, answers)
    return attributes
