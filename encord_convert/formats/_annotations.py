"""Label rows from line-based annotations: objects, tracks, answers, native data, and their counts.

A format turns each line into an :class:`Annotation`: first all lines, to collect the classes, then those of each row.
The rest is shared: annotations of one track become one object, answers that vary over frames are dynamic, and whatever
cannot be read is counted with its location.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from encord_convert.errors import ReadError
from encord_convert.formats._files import name_fault
from encord_convert.formats._paths import shortened
from encord_convert.hub.counts import Carried, Counts, Origin
from encord_convert.hub.draft import Draft, frame_info
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature, Level, Where
from encord_convert.hub.native import Keys, Native
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    LabelRowV2,
    Object,
    ObjectInstance,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects.attributes import NumericAttribute


class Choice(str):
    """An answer that is an option of a radio attribute."""

    __slots__ = ()


Answer = str | float | tuple[str, ...]
"""A text, a :class:`Choice`, a number, or the checked options of a checklist."""


@dataclass(slots=True)
class Annotation:
    """One object on one frame, from one line of the source.

    Parameters
    ----------
    label : str
        Its class.
    coordinates : coordinates of the hub, optional
        None: see ``fault``.
    line : int, optional
        One-based.
    frame : int
        Zero-based.
    track : optional
        Track id within the row; None: an object of its own.
    confidence : float
        0..1.
    answers : mapping
        Attribute to answer.
    native : mapping
        Data specific to the format.
    fault : (str, str), optional
        Code and sentence of why it is dropped.
    type : str
        The source's name for it.
    is_computed : bool
        Interpolated: the source has no line for it.
    """

    label: str
    coordinates: Any = None
    line: int | None = None
    frame: int = 0
    track: Any = None
    confidence: float = 1.0
    is_manual: bool = True
    answers: dict[str, Answer] = field(default_factory=dict)
    native: dict[str, Any] = field(default_factory=dict)
    fault: tuple[str, str] | None = None
    type: str = "box"
    is_computed: bool = False
    shape: Any = Shape.BOUNDING_BOX

    def score(self, text: str, key: str) -> None:
        """Set a model's score: a confidence if between 0 and 1, else native data under a key."""
        self.is_manual = False
        if 0 <= float(text) <= 1:
            self.confidence = float(text)
        else:
            self.native[key] = text


MOST_FRAMES = 10_000_000
"""Four days of video; bounds the frame numbers that lines may claim."""

_KINDS: dict[type, Any] = {
    str: TextAttribute, float: NumericAttribute, Choice: RadioAttribute, tuple: ChecklistAttribute
}  # fmt: skip


class RowBuilder:
    """Builds label rows from annotations.

    Parameters
    ----------
    family : str
        Name of the format, under which native data is kept.
    quiet : set of str
        As of :class:`~encord_convert.hub.native.Native`.
    is_dynamic : bool
        Whether answers may change over the frames of an object.
    """

    def __init__(self, family: str, quiet: Collection[str] = (), *, is_dynamic: bool = False) -> None:
        self.draft = Draft(family)
        self.counts = Counts()
        self._family = family
        self._quiet = frozenset(quiet)
        self._is_dynamic = is_dynamic
        self._seen: dict[tuple[str, Shape], dict[tuple[str, type], dict[str, None]]] = {}
        self._objects: dict[tuple[str, Shape], Object] = {}
        self._attributes: dict[tuple[str, Shape], dict[tuple[str, type], Any]] = {}
        self._infos: dict[tuple[bool, float], Any] = {}
        self._left_out: ReadError | None = None

    # -- classes ----------------------------------------------------------------------------------------------------

    def declare(self, label: str, shape: Shape, answers: Mapping[str, Answer]) -> None:
        """Declare a class and its attributes; ``answers`` are examples, or hold all options."""
        asked = self._seen.setdefault((label, shape), {})
        for name, answer in answers.items():
            options = asked.setdefault((name, type(answer)), {})
            if isinstance(answer, Choice | tuple):
                options.update(dict.fromkeys([answer] if isinstance(answer, str) else answer))

    def labels(
        self, every: Iterable[Annotation], rows: Callable[[], Iterable[LabelRowV2]], *,
        native: Keys | None = None, colors: Mapping[str, str] | None = None, order: Callable[[str], Any] = str,
    ) -> LabelSet:  # fmt: skip
        """Return the label set; its classes are the declared ones and those of all annotations, sorted.

        Parameters
        ----------
        every : iterable of Annotation
            All annotations of the source, iterated once.
        rows : callable
            Starts a walk over the rows.
        native : mapping, optional
            Native data of the set.
        """
        for annotation in every:
            if annotation.fault is not None and not annotation.label:
                continue
            self.declare(annotation.label, annotation.shape, annotation.answers)
        self._build(colors or {}, order)
        self.counts.mark_head()

        def walk() -> Iterator[LabelRowV2]:
            self.counts.rewind()
            self._left_out, is_empty = None, True
            for row in rows():
                is_empty = False
                yield row
            if is_empty and self._left_out is not None:
                raise self._left_out

        labels = LabelSet(self.draft.ontology, walk, title=self._family, counts=self.counts)
        labels.native[self._family] = dict(native or {})
        return labels

    def _build(self, colors: Mapping[str, str], order: Callable[[str], Any]) -> None:
        for key in sorted(self._seen, key=lambda one: (order(one[0]), one[0], one[1].value)):
            label, shape = key
            item = self._objects[key] = self.draft.add_object(label, shape, color=colors.get(label))
            self._attributes[key] = {}
            for (name, kind), options in self._seen[key].items():
                words = (label, shape.value, name, kind.__name__)
                hash_ = self.draft.hashes.short("attribute", *words)
                attribute: Any = item.add_attribute(
                    _KINDS[kind], name, feature_node_hash=hash_, dynamic=self._is_dynamic
                )
                for option in map(str, options):
                    attribute.add_option(option, feature_node_hash=self.draft.hashes.short("option", *words, option))
                self._attributes[key][name, kind] = attribute

    # -- rows ---------------------------------------------------------------------------------------------------------

    def row(
        self, data_type: DataType, title: str, size: tuple[int, int], key: str, place: str, *, frames: int = 1,
        fps: int | None = None,
    ) -> LabelRowV2:  # fmt: skip
        """Return an empty row for one image or video; ``key`` is unique in the source."""
        unit = self.draft.unit(title, *size, key=(key,))
        return self.draft.row(data_type, title, [unit], frames=frames, fps=fps, key=(key,), file=place)

    def leave_out(self, error: ReadError, image: str, place: str) -> None:
        """Count an image skipped because its size is unknown; the walk raises the error if no row is left."""
        self._left_out = self._left_out or error
        detail, where = f"The size of the image {image!r:.90} is unknown: it is left out.", Where(file=place)
        self.counts.into["image", ""] += 1
        self.counts.drop("SIZE_UNKNOWN", Feature.MEDIA, ("image", ""), where, detail)
        self.counts.note(Level.ERROR, "SIZE_UNKNOWN", "Images of unknown size are left out.", where)

    def lose(self, type_: str, fact: str, place: str, line: int) -> None:
        """Count a line that cannot be parsed."""
        self.counts.into[type_, ""] += 1
        self.counts.drop("INVALID_ROW", Feature.DEGENERATE, (type_, ""), Where(file=place, line=line), fact)

    def fill(self, row: LabelRowV2, annotations: Iterable[Annotation], own: Keys | None = None) -> LabelRowV2:
        """Add the objects of annotations and native data to a row."""
        hash_of = self.draft.hashes.series("row", row.label_hash)
        tracks: dict[Any, _Track] = {}
        classes: dict[Any, str] = {}
        for number, annotation in enumerate(annotations):
            self._count(row, annotation)
            if annotation.fault is not None:
                self._drop(row, annotation, *annotation.fault)
                continue
            key = (annotation.label, annotation.shape, annotation.track) if annotation.track is not None else number
            track = tracks.get(key)
            if track is None:
                made = ObjectInstance._made(self._objects[annotation.label, annotation.shape], hash_of(len(tracks)))
                track = tracks[key] = _Track(made, annotation)
            if annotation.frame in track.instance._frames:
                self._drop(
                    row, annotation, "DUPLICATE_ID", f"Track {annotation.track} is already on frame {annotation.frame}."
                )
                continue
            track.take(annotation, self._info(annotation))
            if (
                annotation.track is not None
                and classes.setdefault(annotation.track, annotation.label) != annotation.label
            ):
                detail = "A track changes its class; it becomes one object per class."
                self.counts.note(Level.WARNING, "TRACK_CLASS_CHANGES", detail, self._where(row, annotation))
        labels: dict[str, Mapping[int, Keys]] = {}
        for track in tracks.values():
            self._finish(track)
            row._adopt(track.instance)
            if track.native:
                labels[track.instance.object_hash] = track.native
        if own or labels:
            row._native = Native(self._family, own or {}, labels, quiet=self._quiet)
        return row

    def _finish(self, track: _Track) -> None:
        first, instance = track.first, track.instance
        if track.is_unsorted:
            instance._frames = dict(sorted(instance._frames.items()))
        if track.answers:
            self._answer(instance, track.answers, self._attributes[first.label, first.shape])
        if len(instance._frames) == 1:
            instance._origin = Origin(first.type, first.label, first.line, _carried(first))
        else:
            self.counts.into["track", first.label] += 1
            instance._origin = Origin(first.type, first.label, first.line, weights=track.weights)

    def _count(self, row: LabelRowV2, annotation: Annotation) -> None:
        if annotation.is_computed:
            detail = "Missing frames of a track are interpolated linearly."
            self.counts.note(Level.INFO, "INTERPOLATED", detail, self._where(row, annotation))
            return
        self.counts.into[annotation.type, annotation.label] += 1
        for type_, count in _carried(annotation):
            self.counts.into[type_, annotation.label] += count

    def _drop(self, row: LabelRowV2, annotation: Annotation, code: str, detail: str) -> None:
        feature = Feature.TRACKS if code == "DUPLICATE_ID" else Feature.DEGENERATE
        key, where = (annotation.type, annotation.label), self._where(row, annotation)
        self.counts.drop(code, feature, key, where, detail, carried=_carried(annotation))

    def _where(self, row: LabelRowV2, annotation: Annotation) -> Where:
        return Where(row._origin, annotation.line, row.data_title, annotation.frame, f"<{annotation.type}>")

    def _info(self, annotation: Annotation) -> Any:
        if annotation.is_manual and annotation.confidence == 1:
            return self.draft.info
        key = annotation.is_manual, annotation.confidence
        if key not in self._infos:
            if len(self._infos) > 4096:
                self._infos.clear()
            self._infos[key] = frame_info(manual=annotation.is_manual, confidence=annotation.confidence)
        return self._infos[key]

    def _answer(
        self, instance: ObjectInstance, answers: dict[int, dict[str, Answer]], attributes: Mapping[Any, Any]
    ) -> None:  # fmt: skip
        runs: dict[int, list[Any]] = {}
        for frame in sorted(answers):
            for name, answer in answers[frame].items():
                attribute = attributes[name, type(answer)]
                value = _value(attribute, answer)
                if not self._is_dynamic:
                    instance._answer(attribute, value)
                    continue
                run = runs.get(id(attribute))
                if run is not None and run[3] == frame - 1 and run[1] == value:
                    run[3] = frame
                else:
                    if run is not None:
                        instance._answer_frames(*run)
                    runs[id(attribute)] = [attribute, value, frame, frame]
        for run in runs.values():
            instance._answer_frames(*run)


class _Track:
    """An object under construction; of its annotations only the first is kept."""

    __slots__ = ("answers", "first", "instance", "is_unsorted", "last", "native", "weights")

    def __init__(self, instance: ObjectInstance, first: Annotation) -> None:
        self.instance = instance
        self.first = first
        self.last = -1
        self.is_unsorted = False
        self.answers: dict[int, dict[str, Answer]] = {}
        self.native: dict[int, Keys] = {}
        self.weights: dict[int, tuple[int, Carried]] = {}

    def take(self, annotation: Annotation, info: Any) -> None:
        frame = annotation.frame
        self.is_unsorted |= frame < self.last
        self.last = frame
        self.instance._place(frame, annotation.coordinates, info)
        if annotation.answers:
            self.answers[frame] = annotation.answers
        if annotation.native:
            self.native[frame] = annotation.native
        if not annotation.is_computed:
            self.weights[frame] = _weights[_carried(annotation)]


class _Weights(dict[Carried, tuple[int, Carried]]):
    def __missing__(self, carried: Carried) -> tuple[int, Carried]:
        self[carried] = weight = 1, carried
        return weight


_weights = _Weights()
"""Weights of annotations, shared by those that carry the same."""


def _carried(annotation: Annotation) -> Carried:
    """Return what is lost along with an annotation."""
    sides = (
        ("answer", len(annotation.answers)),
        ("confidence", annotation.confidence != 1),
        ("manual", not annotation.is_manual),
    )
    return tuple((type_, int(count)) for type_, count in sides if count)


def _value(attribute: Any, answer: Answer) -> Any:
    if not isinstance(answer, Choice | tuple):
        return answer
    chosen = [answer] if isinstance(answer, str) else answer
    options = [option for option in attribute.options if option.label in chosen]
    return tuple(options) if isinstance(attribute, ChecklistAttribute) else options[0]


def native_of(row: LabelRowV2, family: str, natives: Iterable[str]) -> Native | None:
    """Return the native data of a row in a format; None if it has none."""
    native: Native | None = row._native
    return native if native is not None and native.family == family and family in natives else None


def answers_at(instance: Any, frame: int, carries: Carries) -> dict[str, Any]:
    """Return the answers of an object on a frame that a format carries, by attribute name."""
    answers = (*instance._static_answers(), *instance._dynamic_answers_at(frame))
    return {one.title: value for one, value in answers if carries.answers(one, value, Feature.ANSWERS)}


def answers_from_json(
    members: Mapping[str, Any], options: Mapping[str, Collection[str]]
) -> tuple[dict[str, Answer], dict[str, Any]]:
    """Return JSON values as answers by attribute name, and the values that are not answers.

    Strings are texts, or choices where they are options; numbers stay; objects of booleans are checklists.
    """
    answers: dict[str, Answer] = {}
    rest: dict[str, Any] = {}
    for key, value in members.items():
        is_checklist = isinstance(value, dict) and all(isinstance(item, bool) for item in value.values())
        if isinstance(value, str):
            answers[key] = Choice(value) if value in options.get(key, ()) else value
        elif (value or options.get(key)) and is_checklist:  # no options to choose from
            answers[key] = tuple(option for option, is_checked in value.items() if is_checked)
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _FARTHEST:
            answers[key] = float(value)
        else:
            rest[key] = value
    return answers, rest


_FARTHEST = 1e300
"""Larger numbers are not answers: an integer of 400 digits is not a float."""


def answers_of(instance: Any) -> dict[str, Any]:
    """Return the static answers of an object as JSON values, without nested ones."""
    answers: dict[str, Any] = {}
    for attribute, value in instance._static_answers():
        if len(attribute.uid) <= 2:
            is_list = isinstance(value, tuple | list)
            answers[attribute.title] = (
                {option.label: True for option in value} if is_list else getattr(value, "label", value)
            )
    return answers


def plain(title: str) -> str:
    """Return a title as a safe file name.

    >>> plain("cam 1/a:b"), plain(".."), plain("con.png")
    ('cam 1_a_b', '__', '_con.png')
    """
    name = re.sub(r"[^\w.() -]|^[. ]|[. ]$", "_", title) or "_"
    return shortened(f"_{name}" if name_fault(name) else name)


def ids_of(row: LabelRowV2, native: Native | None, least: int = 0) -> dict[str, int | str]:
    """Return an id for each object of a row by its hash: the source's, else the next free one from 1.

    Of objects that share an id the first keeps it, as do those of other classes never on a frame with it. Ids below
    ``least`` may repeat.
    """
    ids: dict[str, int | str] = {}
    taken: dict[int | str, list[ObjectInstance]] = {}
    for item in row._objects.values():
        id_ = native.of(item.object_hash, min(item._frames)).get("track_id") if native and item._frames else None
        others = taken.get(id_, []) if isinstance(id_, int | str) else []
        apart = all(item._item is not other._item and item._frames.keys().isdisjoint(other._frames) for other in others)
        if isinstance(id_, int | str) and (apart or (isinstance(id_, int) and id_ < least)):
            ids[item.object_hash] = id_
            taken.setdefault(id_, []).append(item)
    free = 1
    for object_ in row._objects.values():
        if object_.object_hash not in ids:
            while free in taken:
                free += 1
            ids[object_.object_hash] = free
            taken[free] = [object_]
    return ids
