"""Shapes that a target has no place for, as others that it has: ellipses, circles and cuboids as polygons.

A format says in :attr:`~encord_convert.hub.loss.Carries.redraws` what becomes of them. It is done before anything is
written or predicted: exporters meet what is left alone. What it changes is told where filters and mappings tell theirs
(:attr:`LabelSet.mapping`), by these codes: ``ELLIPSE_APPROXIMATED``, ``CIRCLE_APPROXIMATED``, ``CUBOID_APPROXIMATED``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from encord_convert.hub.changes import origin_of
from encord_convert.hub.contents import label_of, unplaced_answers
from encord_convert.hub.counts import Counts, Origin
from encord_convert.hub.labelset import Before, LabelSet, from_spec
from encord_convert.hub.loss import Carries, Feature, Kind
from encord_convert.hub.outlines import OUTLINED, outline_px
from encord_convert.hub.table import Table
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance, OntologyStructure, Option, Shape
from encord_convert.sdk.objects._dynamic_answers import DynamicAnswers
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import PolygonCoordinates

CODES: Mapping[Any, tuple[str, str]] = {
    NewerShape.ELLIPSE: ("ELLIPSE_APPROXIMATED", "An ellipse is written as its outline, a polygon."),
    NewerShape.CIRCLE: ("CIRCLE_APPROXIMATED", "A circle is written as its outline, a polygon."),
    NewerShape.CUBOID_2D: ("CUBOID_APPROXIMATED", "A cuboid is written as its outline, a polygon."),
}
"""Codes and sentences of these shapes where they are redrawn."""


def redrawn(labels: LabelSet, carries: Carries) -> LabelSet:
    """Return a label set with those shapes redrawn that a target wants so; the set itself if it has none of them.

    Parameters
    ----------
    labels : LabelSet
        Not changed.
    carries : Carries
        Of the target.
    """
    return _redrawn(labels, carries.redrawn)


def _redrawn(labels: LabelSet, forms: Mapping[Shape, Shape]) -> LabelSet:
    if not any(item.shape in forms for item in labels.ontology.objects):
        return labels
    return _Redraw(labels, forms).made()


class _Form(msgspec.Struct, frozen=True):
    """What a class is drawn as: another class of its name that has the shape and the same attributes, or a new one.

    ``parts`` are the attributes and options of the other class, by the hashes of those they stand for.
    """

    item: Object
    parts: Mapping[str, Any] | None = None


def _forms(ontology: OntologyStructure, shapes: Mapping[Any, Shape]) -> dict[str, _Form]:
    """Return by its hash what each class of these shapes is drawn as."""
    found: dict[str, _Form] = {}
    drawn = {(item.name, item.shape): item for item in reversed(ontology.objects)}
    for item in ontology.objects:
        if item.shape in shapes:
            shape = shapes[item.shape]
            other = drawn.get((item.name, shape))
            parts = None if other is None else _parts(item.attributes, other.attributes)
            if other is None or parts is None or other.color != item.color:
                other, parts = copy(item), None
                other.shape = shape
            found[item.feature_node_hash] = _Form(other, parts)
            drawn.setdefault((item.name, shape), other)
    return found


def _parts(ours: Sequence[Any], others: Sequence[Any]) -> dict[str, Any] | None:
    """Return attributes and options by the hashes of those that say the same here; None if some say otherwise."""
    found: dict[str, Any] = {}
    if len(ours) != len(others):
        return None
    for one, other in zip(ours, others, strict=True):
        if [_said(one), one.dynamic, one.required] != [_said(other), other.dynamic, other.required]:
            return None
        found[one.feature_node_hash] = other
        for option, twin in zip(one.options, other.options, strict=True) if hasattr(one, "options") else ():
            below = _parts(option.attributes, twin.attributes)
            if below is None:
                return None
            found |= {option.feature_node_hash: twin, **below}
    return found


def _said(attribute: Any) -> tuple[Any, ...]:
    options = [(option.label, option.value) for option in getattr(attribute, "options", ())]
    return type(attribute), attribute.name, attribute._extras, options


class _Redraw:
    def __init__(self, labels: LabelSet, forms: Mapping[Shape, Shape]) -> None:
        self._labels = labels
        self._shapes = forms
        self._classes = _forms(labels.ontology, forms)
        objects: dict[int, Object] = {}
        for item in labels.ontology.objects:
            form = self._classes.get(item.feature_node_hash)
            one = item if form is None else form.item
            objects.setdefault(id(one), one)
        self._ontology = OntologyStructure([*objects.values()], labels.ontology.classifications)
        self._ontology.skeleton_templates = labels.ontology.skeleton_templates
        self._ontology._extras = labels.ontology._extras
        self._counts = Counts() if labels.counts is None else None
        self._told = Counts()
        self._report = Report()

    def made(self) -> LabelSet:
        labels, counts = self._labels, self._counts
        has_tables = counts is None
        new = LabelSet(
            self._ontology,
            () if has_tables else self._rows,
            title=labels.title,
            counts=labels.counts if counts is None else counts,
            shards=self._shards,
            tables=self._tables if has_tables else None,
        )
        new.native, new.mapping, new.source, new.splits = labels.native, self._told, labels.source, labels.splits
        return new

    def _shards(self, count: int) -> list[LabelSet]:
        shards = []
        for shard in self._labels.shards(count):
            new = _redrawn(shard, self._shapes)
            if shard.spec is not None:
                new.spec = f"{__name__}:{open_shard.__name__}", (shard.spec, dict(self._shapes))
            if shard.before is not None:
                objects: Counter[Shape] = Counter()
                for shape, number in shard.before.objects.items():
                    objects[self._shapes.get(shape, shape)] += number
                new.before = Before(shard.before.rows, objects)
            shards.append(new)
        return shards

    # --- walks --------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._told.rewind()
        self._report.writing = self._told
        if self._counts is not None:
            self._counts.rewind()
            self._report._counts_hub, self._report.reading = True, self._counts

    def _end(self) -> None:
        if self._labels.mapping is not None:
            self._told.merge(self._labels.mapping)

    def _rows(self) -> Iterator[LabelRowV2]:
        """Yield the rows of a set that nobody counted: they are counted here as what they were."""
        self._begin()
        for row in self._labels._unguarded():
            self._report._take(row, None)
            assert self._counts is not None
            self._counts.into.pop(("row", ""), None)  # as importers do, only labels are counted
            yield self._row(row)
        self._end()

    def _tables(self) -> Iterator[Table | LabelRowV2]:
        self._begin()
        for one in self._labels.tables():
            yield self._table(one) if isinstance(one, Table) else self._row(one)
            del one
        self._end()

    def _row(self, row: LabelRowV2) -> LabelRowV2:
        if self._counts is None and not any(one.feature_hash in self._classes for one in row._objects.values()):
            return row
        self._report.turn_to(row)
        twin = row._twin()
        twin._ontology = self._ontology
        self._leave_out(twin)
        for one in (*twin._objects.values(), *twin._classifications.values()) if self._counts is not None else ():
            one._origin = origin_of(one)
        for instance in twin._objects.values():
            if instance.feature_hash in self._classes:
                self._redraw(instance, {frame: frame_size(row, frame) for frame in instance._frames})
        return twin

    def _leave_out(self, twin: LabelRowV2) -> None:
        """Take out of a copy what is of such a shape and lacks a number it takes to draw it."""
        for hash_, instance in [*twin._objects.items()]:
            lacking = [at for at, data in instance._frames.items() if not isinstance(data.coordinates, OUTLINED)]
            if instance.feature_hash not in self._classes or not lacking:
                continue
            for frame in lacking:
                detail = f"Its {instance._item.shape.value} lacks a number."
                self._report.drop(instance, frame, "UNSUPPORTED_SHAPE", Feature.SHAPE, detail)
            before = len(unplaced_answers(instance))
            for frame in lacking:
                del instance._frames[frame]
            if not instance._frames:
                del twin._contents.objects[hash_]
            elif self._counts is not None:  # an answer that goes on there is now where the object is not
                self._counts.into["unplaced", label_of(instance)] += len(unplaced_answers(instance)) - before

    def _table(self, table: Table) -> Table:
        places = [place for place, one in table.made.items() if one.feature_hash in self._classes]
        if not places:
            return table
        new = copy(table)
        new.made, new._coordinates, new._rows = dict(table.made), [], {}
        last = -1
        for place in sorted(places):
            number = bisect_right(table._ends, place)
            if number != last:
                last = number
                self._report.turn_to(table.empty_row(number))
            twin = new.made[place] = table.made[place]._twin()
            self._redraw(twin, {0: table.sizes[number]})
        return new

    def _redraw(self, instance: ObjectInstance, sizes: Mapping[int, tuple[int, int]]) -> None:
        """Draw an object of a copy as its class has it now, and tell of each frame."""
        shape = instance._item.shape
        for frame in sorted(instance._frames):
            code, detail = CODES[shape]
            self._report.change(instance, frame, Kind.APPROXIMATED, code, Feature.SHAPE, detail)
            data = instance._frames[frame]
            data.coordinates = _polygon(data.coordinates, *sizes[frame])
        form = self._classes[instance.feature_hash]
        instance._item = form.item
        if form.parts is not None:
            _move_answers(instance, form.parts)
        origin = instance._origin or Origin(str(shape.value), instance.object_name)
        also = tuple(replace(one, changed=True) for one in origin.also)
        others = None if origin.others is None else {at: (type_, True) for at, (type_, _) in origin.others.items()}
        instance._origin = replace(origin, changed=True, also=also, others=others)


def _move_answers(instance: ObjectInstance, parts: Mapping[str, Any]) -> None:
    """Let an object answer the attributes of another class of the same attributes."""

    def of(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(parts[option.feature_node_hash] for option in value)
        return parts[value.feature_node_hash] if isinstance(value, Option) else value

    answers, dynamic = instance._static_answers(), instance._dynamic
    marks = {parts[hash_].feature_node_hash: mark for hash_, mark in (instance._marks or {}).items()}
    instance._static, instance._dynamic, instance._marks = None, None, marks or None
    for attribute, value in answers:
        instance._answer(parts[attribute.feature_node_hash], of(value))
    if dynamic is not None:
        instance._dynamic = DynamicAnswers()
        for entry, runs in dynamic.with_runs():
            new = instance._dynamic.entry(parts[entry.attribute.feature_node_hash], of(entry.value))
            new.mark, new.is_read = entry.mark, entry.is_read
            instance._dynamic.set(new, runs)


def _polygon(coordinates: Any, width: int, height: int) -> PolygonCoordinates:
    ring = outline_px(coordinates, width, height) if width and height else []
    relative = np.array(ring, np.float64).reshape(-1, 2) / (width or 1, height or 1)
    return PolygonCoordinates._from_flat(relative.ravel())


def open_shard(spec: tuple[tuple[str, Any], Mapping[Shape, Shape]]) -> LabelSet:
    """Return the part of a label set that a spec describes, redrawn, in whatever process this runs."""
    own, forms = spec
    return _redrawn(from_spec(own), forms)
