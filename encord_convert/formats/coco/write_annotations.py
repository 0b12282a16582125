"""Annotations of a COCO file: what is placed on many images gathered, computed together, and written with its answers.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from encord_convert.formats.coco.categories import Class, Classes
from encord_convert.formats.coco.index_entries import SIDE_KEYS
from encord_convert.formats.coco.json_lines import Lines, body_of
from encord_convert.formats.coco.native import FAMILY
from encord_convert.formats.coco.ontology import text_of
from encord_convert.formats.coco.write_numbers import Style
from encord_convert.formats.coco.write_shapes import GATHERED, Annotation, Draw, Gather, Shapes, WrittenImage
from encord_convert.formats.coco.write_tables import NUMBERED, Tables
from encord_convert.hub.loss import Carries
from encord_convert.hub.native import NativeColumns
from encord_convert.hub.table import Table
from encord_convert.losses.narrow import LeftTable
from encord_convert.sdk.objects import Object, ObjectInstance

_NUMBERED_BODY = f"{NUMBERED}%b".encode()

_MOST_COMMON = 10_000
"""How many different sets of answers are remembered."""

_Plan = tuple[Class, Gather, Draw]


class Annotator:
    """Takes images with what is placed on them, and writes their annotations.

    Parameters
    ----------
    classes : Classes
    style : Style
    carries : Carries
        What the format declares.
    block : Lines
        Receives the annotations.
    largest : mapping or None
        Of each kind of entry whose ids are those of the source the largest; None: nothing is known of a source.
    """

    def __init__(
        self, classes: Classes, style: Style, carries: Carries, block: Lines, largest: Mapping[str, int] | None
    ) -> None:
        self._classes = classes
        self._block = block
        self._knows_native = largest is not None
        self._keeps_ids = "annotation" in (largest or {})
        self._shapes = Shapes(style, carries)
        self._tables = Tables(classes, style, carries, _answers_on)
        self._plans: dict[int, _Plan] = {}
        self._images: list[WrittenImage] = []
        self._waiting = 0
        self._common: dict[tuple[int, int, int], tuple[Any, dict[str, Any]]] = {}

    def add(self, image: WrittenImage, instances: Sequence[ObjectInstance]) -> None:
        """Take an image and the objects on it; all images of a row one after the other."""
        self._gather(image, instances)
        self._images.append(image)
        self._waiting += len(image.placed)
        if self._waiting >= GATHERED:
            self.flush()

    def _gather(self, image: WrittenImage, instances: Sequence[ObjectInstance]) -> None:
        frame, size, plans = image.frame, image.size, self._plans
        placed = image.placed
        for instance in instances:
            item = instance.ontology_item
            plan = plans.get(id(item)) or self._plan(item)
            data = instance._frames[frame]
            plan[1](data.coordinates, size)
            placed.append((plan, instance, data))

    def add_table(self, left: LeftTable, image_ids: Sequence[int]) -> None:
        """Write what is on the images of a table, which have these numbers."""
        self.flush()
        table, native = left.table, self._native(left.table)
        own = {} if native is None else native.labels
        drawn = self._tables.drawn(left, own)
        if None in drawn.texts:
            places = [at for at, text in enumerate(drawn.texts) if text is None]
            bodies = self._bodies(table, own, places, image_ids)
            for at in places:
                drawn.texts[at] = _NUMBERED_BODY
            drawn.columns.append((places, (bodies,)))
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
    ) -> list[bytes]:
        """Return the lines of shapes that are not plain, without their numbers."""
        images: list[WrittenImage] = []
        for number, group in groupby(places, table.image_of):
            odd = {at: table.object(at) for at in group}
            tracks = {one.object_hash: table.numbers[at] for at, one in odd.items()} if table.numbers else None
            image = WrittenImage(0, image_ids[number], table.sizes[number], tracks)
            self._gather(image, list(odd.values()))
            images.append(image)
        self._shapes.compute()
        annotations = (self._annotation(image, *placed) for image in images for placed in image.placed)
        return [
            body_of(annotation, _take(annotation, own[at]) if own.get(at) else None)
            for at, annotation in zip(places, annotations, strict=True)
        ]

    def flush(self) -> None:
        """Write what was gathered."""
        self._shapes.compute()
        annotations: list[Annotation] = []
        more: dict[int, dict[str, Any]] = {}
        for image in self._images:
            for one in image.placed:
                annotation = self._annotation(image, *one)
                keys = image.native.of(one[1].object_hash, image.frame) if image.native is not None else None
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

    def _annotation(self, image: WrittenImage, plan: _Plan, instance: ObjectInstance, data: Any) -> Annotation:
        """Return the entry of an object on an image."""
        class_, _, draw = plan
        annotation = draw(image, class_, data.coordinates)
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
        if not info.manual_annotation:
            attributes["manual_annotation"] = False
        if info.confidence != 1:
            annotation.score = info.confidence
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
