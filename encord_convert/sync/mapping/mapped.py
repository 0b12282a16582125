"""Applies a mapping of classes to a label set, and reports what became of each label.

The report uses the names of the source; requested renames are not losses. What the mapping drops or converts is
reported with these codes:

=====================  ================================================================================================
``MAPPED_AWAY``        a label of a class that is dropped, an answer to an attribute or with an option that is
``MAPPED_SHAPE``       a label changes its shape; *renamed* if lossless, else *approximated* ``MAPPED_SPLIT``       an
answer became the class of its object, a track several objects ``MAPPED_ANSWER``      an answer is converted, loses an
option, or is merged; it counts as kept, since the target may still drop it ``SECOND_ANSWER``      two merged attributes
have different answers: one is dropped ``UNDRAWABLE``         an empty label that cannot change its shape is dropped
``UNPLACED_DROPPED``   labels without frames are dropped =====================
================================================================================================

``strict`` refuses the last three, which are side effects; see :data:`encord_convert.hub.loss.ASKED`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from encord_convert.errors import MappingError, TranslationError
from encord_convert.formats.encord import row_dict
from encord_convert.hub.changes import origin_of
from encord_convert.hub.contents import hub_answers, placed_within, unplaced_answers
from encord_convert.hub.counts import Carried, Counts, Origin
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Kind, Where
from encord_convert.hub.native import CLASSES, OF_GEOMETRY, of_classes
from encord_convert.hub.yaml_file import document_at
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
from encord_convert.sdk.objects._colors import keep_defaults
from encord_convert.sync.mapping.answers import EXACT
from encord_convert.sync.mapping.file import CLASSIFICATION, parse_mapping
from encord_convert.sync.mapping.labels import AnswerOutcome, Relabelled
from encord_convert.sync.mapping.ontology import needed
from encord_convert.sync.mapping.translate import Translation

TracedAnswer = tuple[dict[str, Any], AnswerOutcome]
"""An answer in JSON form, and its outcome."""


def mapped(labels: LabelSet, mapping: Mapping[str, Any] | str | Path, *, place: str = "mapping") -> LabelSet:
    """Return a label set with mapped classes.

    Rows are translated lazily, one at a time, in constant memory; tables and shards of the source are given up.

    Parameters
    ----------
    labels : LabelSet
        Not changed.
    mapping : mapping or path
        A document or a file; see :mod:`encord_convert.sync.mapping.file`.
    place : str
        What messages call a document.

    Raises
    ------
    MappingError
        The mapping has unknown names, or conflicting types for an attribute.
    """
    is_file = isinstance(mapping, str | Path)
    place = str(mapping) if is_file else place
    source = labels.ontology.to_dict()
    rules = parse_mapping(document_at(mapping) if isinstance(mapping, str | Path) else mapping, source, place)
    rules.learn(source, lambda: map(row_dict, labels._unguarded()))
    joined = needed(source, rules)
    if joined.conflicts:
        raise MappingError("\n".join(f"{place}: {conflict}" for conflict in joined.conflicts))
    translation = Translation(source, joined.structure, rules, leaves_undrawable=True)
    structure = OntologyStructure._from_dict(joined.structure)
    keep_defaults(structure.objects, labels.ontology.objects)
    own = Counts() if labels.counts is None else None
    counts = Counts()

    def rows() -> Iterator[LabelRowV2]:
        counts.rewind()
        outcomes = Report()
        tracer = None
        for row in outcomes.rows(labels):
            if tracer is None:
                outcomes.writing = counts
                if own is not None:
                    own.into = outcomes.reading.into
                tracer = _Tracer(outcomes, counts_hub=own is not None)
            if own is not None:
                own.into.pop(("row", ""), None)  # as importers do, only labels are counted
            try:
                form, traced = translation.traced(row_dict(row))
            except TranslationError as error:
                raise TranslationError(f"{row.data_title}: {error.sentence}") from error
            new = LabelRowV2._from_dict(form, structure)
            new._origin, new._file = row._origin, row._file
            if row._native is not None:
                new._native = row._native.moved(traced.parts())
            tracer.tell(row, new, traced)
            yield new
        if labels.mapping is not None:
            counts.merge(labels.mapping)

    new = LabelSet(structure, rows, title=labels.title, counts=labels.counts if own is None else own)
    names = {title: list(dict.fromkeys(made)) for title, made in _names(labels, translation).items()}
    for title, made in names.items():
        if len(made) != 1 or sum(made == other for other in names.values()) > 1:
            _lose_class(counts, labels, title)
    counts.mark_head()
    new.native = of_classes(labels.native, {title: made[0] if made else None for title, made in names.items()})
    new.mapping = counts
    new.source, new.origins, new.splits = labels.source, labels.origins, labels.splits
    return new


def _names(labels: LabelSet, translation: Translation) -> dict[str, list[str]]:
    """Return the new name of each class for all its shapes, without dropped ones."""
    names: dict[str, list[str]] = {}
    for item in labels.ontology.objects:
        class_rule = translation.class_rule_of({"featureHash": item.feature_node_hash})
        made = [class_rule.plain, *class_rule.by_option.values()]
        names.setdefault(item.title, []).extend(entry.name for entry in made if entry is not None)
    return names


def _lose_class(counts: Counts, labels: LabelSet, title: str) -> None:
    """Count native keys of a class that is merged into another."""
    for keys in labels.native.values():
        own = keys.get(CLASSES, {}).get(title, {})
        for key in own:
            name, detail = f"class.{key}", f"The class {title!r} is no longer a class of its own."
            counts.lose(Kind.DROPPED, "MAPPED_AWAY", Feature.NATIVE, ("key", name), Where(element=title), detail)


class _Tracer:
    """Reports what became of the labels of each row, and records their origins.

    Parameters
    ----------
    report : Report
        Report of the source's rows; its write counts are the mapping's.
    counts_hub : bool
        The rows were not counted before.
    """

    def __init__(self, report: Report, *, counts_hub: bool) -> None:
        self._report = report
        self._counts = report.writing
        self._counts_hub = counts_hub
        self._row: LabelRowV2
        self._new: LabelRowV2

    def tell(self, row: LabelRowV2, new: LabelRowV2, traced: Relabelled) -> None:
        self._row, self._new = row, new
        parts = traced.parts()
        made = {**new._objects, **new._classifications}
        for hash_, instance in (*row._objects.items(), *row._classifications.items()):
            ours = [made[part] for part in parts.get(hash_, ())]
            self._record(instance, ours, list(traced.outcomes.get(hash_, {}).values()), traced.undrawable)
        for shape, label in traced.off_frames:
            where, detail = Where(file=row._origin, row=row.data_title), f"The mapping drops {label!r}."
            self._counts.drop("MAPPED_AWAY", Feature.LABEL_NAME, (shape, label), where, detail)

    def _record(
        self, instance: Any, made: list[Any], outcomes: list[TracedAnswer], undrawable: Mapping[tuple[str, int], str]
    ) -> None:
        kept: set[int] = set().union(*(item._frames for item in made))
        label = _label(instance)
        if not instance._frames:
            carried = (("answer", hub_answers(instance)),)
            where, key = self._where(instance), ("unplaced", label)
            self._counts.drop("UNPLACED_DROPPED", Feature.UNPLACED, key, where, "It is on no frame.", carried=carried)
            return
        for frame in sorted(instance._frames.keys() - kept):
            why = undrawable.get((instance._hash, frame))
            if why is None:
                what = "MAPPED_AWAY", Feature.LABEL_NAME, f"The mapping drops {label!r}."
            else:
                what = "UNDRAWABLE", Feature.DEGENERATE, f"{why[0].upper()}{why[1:]}."
            self._report.drop(instance, frame, *what)
        if not made:
            return
        is_redrawn = False
        for one in made:
            if _drawn(one) != _drawn(instance):
                is_redrawn = True
                self._redraw(instance, one)
                if self._new._native is not None:
                    self._new._native = self._new._native.without((one._hash,), OF_GEOMETRY)
        origin = origin_of(instance, kept) if self._counts_hub else instance._origin
        if origin is None:
            origin = Origin(_drawn(instance), label)
        if any(outcome is not AnswerOutcome.KEPT for _, outcome in outcomes):
            origin = self._answer(instance, kept, outcomes, origin)
        if is_redrawn:
            origin = replace(origin, changed=True, also=tuple(replace(each, changed=True) for each in origin.also))
        if len(made) > 1 and origin.weights and origin.is_track:
            detail = f"One object becomes {len(made)}, one per class."
            key = "track", label
            self._counts.change(Kind.SPLIT, "MAPPED_SPLIT", Feature.TRACKS, key, self._where(instance), detail)
            origin = replace(origin, is_track=False)
        for one in made:
            one._origin = origin
        if self._counts_hub:
            gone = len(unplaced_answers(instance)) - sum(len(unplaced_answers(entry)) for entry in made)
            for _ in range(gone):
                detail = "The mapping drops an answer on frames where the object is not."
                self._report.drop_part(instance, min(kept), "unplaced", "MAPPED_AWAY", Feature.UNPLACED, detail)

    def _redraw(self, instance: Any, one: Any) -> None:
        """Count a change of shape."""
        pair = _drawn(instance), _drawn(one)
        kind = Kind.RENAMED if pair in EXACT else Kind.APPROXIMATED
        was, now = (shape.replace("_", " ") for shape in pair)
        for frame in sorted(one._frames):
            detail = f"A {was} becomes a {now}, as the mapping asks."
            self._report.change(instance, frame, kind, "MAPPED_SHAPE", Feature.SHAPE, detail)

    def _answer(self, instance: Any, kept: set[int], outcomes: list[TracedAnswer], origin: Origin) -> Origin:
        """Count the outcomes of answers; return the origin without lost ones."""
        lost = [(entry, outcome) for entry, outcome in outcomes if outcome > AnswerOutcome.CHANGED]
        for entry, outcome in outcomes:
            if outcome is AnswerOutcome.CHANGED:
                detail = f"The answer to {entry['name']!r} is converted, as the mapping asks."
                self._lose(instance, Kind.APPROXIMATED, "MAPPED_ANSWER", "answer", detail)
        if not lost:
            return origin
        count = _Counted(instance, sorted(kept), lost, is_hub=self._counts_hub, leaves_some=len(lost) < len(outcomes))
        origin = count.without(origin)
        for (name, outcome, type_), number in count.found.items():
            self._lost(instance, name, outcome, type_, number)
        return origin

    def _lost(self, instance: Any, name: str, outcome: AnswerOutcome, type_: str, number: int) -> None:
        key = type_, _label(instance)
        if outcome is AnswerOutcome.BECAME_CLASS:
            detail = f"The answer to {name!r} became the class, as the mapping asks."
            self._counts.changed[key] += number
            self._lose(instance, Kind.RENAMED, "MAPPED_SPLIT", type_, detail, number)
            return
        detail = f"The mapping drops the answer to {name!r}."
        code = "MAPPED_AWAY"
        if outcome is AnswerOutcome.SECOND:
            code = "SECOND_ANSWER"
            detail = f"The answer to {name!r} differs from that of an attribute it is merged with."
        self._counts.dropped[key] += number
        self._lose(instance, Kind.DROPPED, code, type_, detail, number)

    def _lose(self, instance: Any, kind: Kind, code: str, type_: str, detail: str, number: int = 1) -> None:
        key = type_, _label(instance)
        self._counts.lose(kind, code, Feature.ANSWERS, key, self._where(instance), detail, max(number, 1))

    def _where(self, instance: Any) -> Where:
        origin = instance._origin
        return Where(
            file=self._row._origin,
            line=None if origin is None else origin.line,
            row=self._row.data_title,
            frame=min(instance._frames, default=None),
            object_hash=instance._hash,
        )


class _Counted:
    """Removes lost answers from the counts.

    An importer counts answers per element of its file and attribute. The hub's own are counted once per label and run.

    Attributes
    ----------
    found : Counter
        Counts by attribute name, outcome and type; 0 for what the importer does not count.
    """

    def __init__(
        self, instance: Any, frames: list[int], lost: list[TracedAnswer], *, is_hub: bool, leaves_some: bool
    ) -> None:
        self.found: Counter[tuple[str, AnswerOutcome, str]] = Counter()
        self._all = sorted(instance._frames)
        self._frames = frames
        self._lost = lost
        self._is_hub = is_hub
        self._leaves_some = leaves_some

    def without(self, origin: Origin) -> Origin:
        """Return an origin without them."""
        also = tuple(replace(item, carried=self._less(item.carried, self._frames)) for item in origin.also)
        if origin.weights is None:
            return replace(origin, carried=self._less(origin.carried, self._frames), also=also)
        weights = {
            frame: (weight, self._less(carried, [frame])) if frame in self._frames else (weight, carried)
            for frame, (weight, carried) in origin.weights.items()
        }
        return replace(origin, weights=weights, also=also)

    def _less(self, carried: Carried, frames: list[int]) -> Carried:
        counts = Counter(dict(carried))
        last = None
        for entry, outcome in self._lost:
            type_ = entry["name"] if counts[entry["name"]] else "answer"
            number = min(counts[type_], self._number(entry, frames))
            last = entry["name"], outcome, type_
            self.found[last] += number
            counts[type_] -= number
        if last is not None and not self._leaves_some and counts["answer"]:
            self.found[*last[:2], "answer"] += counts.pop("answer")
        return tuple((type_, count) for type_, count in counts.items() if count)

    def _number(self, entry: dict[str, Any], frames: list[int]) -> int:
        """Return how many element answers on some frames one label answer stands for."""
        if "range" not in entry:
            return 1
        if self._is_hub:
            return sum(placed_within(self._all, start, end) > 0 for start, end in entry["range"])
        return int(any(start <= frame <= end for start, end in entry["range"] for frame in frames))


def _drawn(instance: Any) -> str:
    item = instance.ontology_item
    return item.shape.value if hasattr(item, "shape") else CLASSIFICATION


def _label(instance: Any) -> str:
    if instance._origin is not None:
        return str(instance._origin.label)
    return str(instance.ontology_item.title)
