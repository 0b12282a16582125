"""The first pass over a CVAT file: what the ontology needs to know before the first row can be made.

Which shapes each label has, whether any box is turned and anything occluded, labels, attributes and options the
description does not declare, pictures that are listed twice, tasks. Nothing is kept per shape: memory does not grow
with the file, but for 8 bytes a picture.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from lxml import etree

from encord_convert.errors import ReadError
from encord_convert.formats import _cvat_bytes as lane
from encord_convert.formats._cvat_codes import EMPTY_IMAGE, NAMELESS, ODD, Codes, Ints, Tag, Use, pictures_in
from encord_convert.formats._cvat_meta import SHAPES, Meta, parse_meta
from encord_convert.formats._cvat_xml import (
    ROOT,
    Answers,
    Picture,
    Record,
    Shape,
    Track,
    describing_elements,
    parsed_elements,
    root_name,
    values_of,
)
from encord_convert.formats._files import Source

_SHAPES = frozenset(SHAPES)
_NO_SIZE = (None, "", "0")
_MAX_SEEN = 16_384
"""How many keys are remembered."""


@dataclass(slots=True)
class LabelFacts:
    """How a label is used. The dictionaries are sets in the order of first appearance."""

    elements: dict[str, None] = field(default_factory=dict)
    answers: dict[str, dict[str, None]] = field(default_factory=dict)
    points: dict[str, LabelFacts] = field(default_factory=dict)
    pair_counts: dict[int, None] = field(default_factory=dict)
    is_rotated: bool = False
    is_occluded: bool = False
    is_tracked: bool = False
    is_grouped: bool = False
    has_track_id: bool = False


@dataclass(slots=True)
class TaskFacts:
    """What belongs to one task: numbers of pictures and of tracks, and the frames its tracks touch."""

    subset: str = ""
    pictures: int = 0
    tracks: int = 0
    first_frame: int | None = None
    last_frame: int | None = None


@dataclass(slots=True)
class Facts:
    """What one file holds."""

    labels: dict[str, LabelFacts] = field(default_factory=dict)
    tasks: dict[str, TaskFacts] = field(default_factory=dict)
    subsets: dict[str, None] = field(default_factory=dict)
    pictures: int = 0
    tracks: int = 0
    without_size: int = 0
    has_computed_frames: bool = False
    duplicates: frozenset[int] = frozenset()
    """Places, in the order of the file, of pictures that stand in it a second time."""


@dataclass(slots=True)
class Wanted:
    """What the reader's options ask of the scan beyond the ordinary."""

    groups: bool = False
    pairs: bool = False


@dataclass(slots=True)
class Scan:
    """One file, described.

    ``is_canonical``: all of it can be read by the byte lane. ``stamp``: by what it is known to be the same file still.
    """

    member: str
    meta: Meta
    facts: Facts
    is_canonical: bool
    stamp: tuple[int, int] | None = None


class _Collector:
    """Gathers facts, record by record or a chunk at a time."""

    def __init__(self, wanted: Wanted, choices: set[tuple[str, str]] | None) -> None:
        self.facts = Facts()
        self._wanted = wanted
        self._choices = choices
        self._codes = Codes()
        self._known = 0
        self._pictures = array("q")

    # -- a record at a time -----------------------------------------------------------------------------------

    def record(self, record: Record) -> None:
        if isinstance(record, Picture):
            self._picture(record.attributes)
            for shape in record.shapes:
                self._shape(shape, shape[1])
        elif isinstance(record, Track):
            self._track(record)
        else:
            self._shape(record.shape, record.shape[1])

    def _picture(self, attributes: dict[str, str]) -> None:
        facts = self.facts
        subset, task_id = attributes.get("subset", ""), attributes.get("task_id", "")
        facts.pictures += 1
        facts.subsets[subset] = None
        if attributes.get("width") in _NO_SIZE or attributes.get("height") in _NO_SIZE:
            facts.without_size += 1
        self._task(task_id, subset).pictures += 1
        self._pictures.append(hash((subset, task_id, attributes.get("name", "").replace("\\", "/"))))

    def _task(self, task_id: str, subset: str) -> TaskFacts:
        task = self.facts.tasks.get(task_id)
        if task is None:
            task = self.facts.tasks[task_id] = TaskFacts(subset)
        return task

    def _label(self, name: str) -> LabelFacts:
        label = self.facts.labels.get(name)
        if label is None:
            label = self.facts.labels[name] = LabelFacts()
        return label

    def _shape(self, shape: Shape, name: str) -> None:
        tag, _, sides, _, answers, children, _ = shape
        if tag not in _SHAPES and tag != "tag":
            return
        label = self._label(name)
        self._used(label, name, tag, answers)
        if tag == "tag":
            return
        if tag == "box" and not label.is_rotated:
            label.is_rotated = is_turned(values_of(shape).get("rotation"))
        sides = lane.sides_in(sides)
        label.is_occluded |= sides[1] == "1"
        label.is_grouped |= sides[3] is not None
        label.has_track_id |= sides[4] is not None
        if self._wanted.pairs and tag == "points":
            self._pairs(label, values_of(shape).get("points", ""))
        if tag == "skeleton":
            for child in children or ():
                self._point(label, child[1], name, child)

    @staticmethod
    def _pairs(label: LabelFacts, points: str) -> None:
        label.pair_counts[sum(map(bool, map(str.strip, points.split(";"))))] = None

    def _point(self, label: LabelFacts, point: str, name: str, child: Shape) -> None:
        facts = label.points.get(point)
        if facts is None:
            facts = label.points[point] = LabelFacts()
        self._used(facts, f"{name}\0{point}", child[0], child[4])

    def _used(self, label: LabelFacts, name: str, tag: str, answers: Answers) -> None:
        label.elements[tag] = None
        for attribute, value in lane.answers_of(answers):
            values = label.answers.setdefault(attribute, {})
            if self._choices is None or (name, attribute) in self._choices:
                values[value] = None

    def _track(self, track: Track) -> None:
        facts, attributes = self.facts, track.attributes
        facts.tracks += 1
        subset, name = attributes.get("subset", ""), attributes.get("label", "")
        facts.subsets[subset] = None
        task = self._task(attributes.get("task_id", ""), subset)
        task.tracks += 1
        label = self._label(name)
        label.is_tracked = True
        label.is_grouped |= "group_id" in attributes
        for shape in track.shapes:
            self._shape(shape, name)
            self._frame(task, values_of(shape))
        for nested in track.tracks:
            label.elements["skeleton"] = None
            for shape in nested.shapes:
                self._point(label, nested.attributes.get("label", ""), name, shape)
                self._frame(task, values_of(shape))

    def _frame(self, task: TaskFacts, attributes: dict[str, str]) -> None:
        if attributes.get("keyframe") == "0":
            self.facts.has_computed_frames = True
        frame = frame_number(attributes.get("frame"))
        if frame is not None:
            task.first_frame = frame if task.first_frame is None else min(task.first_frame, frame)
            task.last_frame = frame if task.last_frame is None else max(task.last_frame, frame)

    # -- a chunk at a time ------------------------------------------------------------------------------------

    def chunk(self, chunk: bytes) -> None:
        """Gather what :meth:`record` would of each record of a chunk, without making them if it can be helped.

        Raises
        ------
        NotCanonical
            Some ``<`` is not the start of a tag of this lane, some ``&`` not that of a plain entity, tags are nested in
            another way than pictures or tracks, shapes and answers, or a value holds a line break.
        """
        lane.check_characters(chunk)
        found: list[Tag] = lane.TOKEN.findall(chunk)
        codes = self._codes.of(found)
        # A directly closed element accounts for the `<` of its end tag and of its attribute elements.
        if chunk.count(b"<") != len(found) + int(self._codes.inner[codes].sum()):
            raise lane.NotCanonical
        bodies = b"".join([body for _, body, _ in found])
        if b"\n" in bodies:
            raise lane.NotCanonical
        uses = self._codes.uses
        kinds = self._codes.kinds[codes]
        if pictures_in(kinds) is None or b"track_id" in chunk or NAMELESS in kinds:
            lane.check_nesting(uses[code].tag for code in codes.tolist() if uses[code].tail.is_open)
            for record in lane.records(chunk.decode(), 1):
                self.record(record)
        else:
            for use in uses[self._known :]:
                self._use(use)
            self._flags(found, codes, bodies)
            for place in np.flatnonzero(kinds <= EMPTY_IMAGE).tolist():
                self._picture(lane.attributes_of(found[place][1].decode()) | uses[codes[place]].attributes)
        self._known = len(uses)
        if self._known > _MAX_SEEN:
            self._codes.clear()
            self._known = 0

    def _use(self, use: Use) -> None:
        if use.kind < ODD or (use.tag not in _SHAPES and use.tag != "tag"):
            return
        name = lane.unescaped(use.label)
        label = self._label(name)
        self._used(label, name, use.tag, use.answers)
        if use.tag == "tag":
            return
        label.is_occluded |= use.attributes.get("occluded") == "1"
        if use.tag == "box":
            label.is_rotated |= is_turned(use.attributes.get("rotation"))
        if self._wanted.groups:
            label.is_grouped |= "group_id" in use.attributes

    def _flags(self, found: list[Tag], codes: Ints, bodies: bytes) -> None:
        """Look at the bodies of shapes, of those labels only that lack a flag: in a long file these are soon few."""
        if b' occluded="1"' in bodies:  # not where CVAT writes it
            for (_, body, _), use in self._with_uses(found, codes):
                if b' occluded="1"' in body and use.tag in _SHAPES:
                    self._label(lane.unescaped(use.label)).is_occluded = True
        if b' rotation="' in bodies and any(
            not label.is_rotated and "box" in label.elements for label in self.facts.labels.values()
        ):
            for (_, body, _), use in self._with_uses(found, codes):
                if use.tag == "box" and b' rotation="' in body:
                    turn = lane.attributes_of(body.decode()).get("rotation")
                    self._label(lane.unescaped(use.label)).is_rotated |= is_turned(turn)
        if self._wanted.pairs:
            for (_, body, _), use in self._with_uses(found, codes):
                if use.tag == "points":
                    points = (lane.attributes_of(body.decode()) | use.attributes).get("points", "")
                    self._pairs(self._label(lane.unescaped(use.label)), points)

    def _with_uses(self, found: list[Tag], codes: Ints) -> Iterator[tuple[Tag, Use]]:
        return zip(found, map(self._codes.uses.__getitem__, codes.tolist()), strict=True)

    # -- the end ----------------------------------------------------------------------------------------------

    def finished(self) -> Facts:
        facts = self.facts
        keys = np.frombuffer(self._pictures, np.int64)
        order = np.argsort(keys, kind="stable")
        repeated = keys[order[1:]] == keys[order[:-1]]
        facts.duplicates = frozenset(order[1:][repeated].tolist())
        return facts


def is_turned(rotation: str | None) -> bool:
    """Tell whether a rotation in degrees, as text, turns a box at all."""
    try:
        angle = float(rotation or 0)
    except ValueError:
        return False
    return math.isfinite(angle) and angle % 360 != 0


def frame_number(text: str | None) -> int | None:
    """Return a frame number, None if it is missing or none."""
    try:
        return int(text or "")
    except ValueError:
        return None


def choices_of(meta: Meta) -> set[tuple[str, str]]:
    """Return label and attribute of each choice, the only ones whose values matter to the ontology.

    The label of a skeleton's point is the skeleton's name, NUL, and its own.
    """
    found = {(label.name, a.name) for label in meta.labels for a in label.attributes if a.kind == "choice"}
    for label in meta.labels:
        for node in label.nodes:
            found |= {(f"{label.name}\0{node.name}", a.name) for a in node.attributes if a.kind == "choice"}
    return found


def scan(source: Source, member: str, wanted: Wanted) -> Scan:
    """Read a file once and describe it.

    Raises
    ------
    ReadError
        It is not a CVAT file, is broken, or has a document type declaration.
    """
    place = source.place(member)
    with source.open(member) as stream:
        root = root_name(stream, place)
    if root != ROOT:
        raise ReadError(place, f"the root element is <{root}>, and that of a CVAT file is <{ROOT}>.")
    stamp = stamp_of(source, member)
    try:
        found = _canonical(source, member, wanted)
    except lane.NotCanonical:
        found = _exact(source, member, wanted)
    found.stamp = stamp
    return found


def stamp_of(source: Source, member: str) -> tuple[int, int] | None:
    """Return size and time of change of a member that is a file, None of others, which nobody can change."""
    path = source.path(member)
    if path is None:
        return None
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _canonical(source: Source, member: str, wanted: Wanted) -> Scan:
    with source.open(member) as stream:
        head, data = lane.prologue(stream)
        try:
            meta = parse_meta(*describing_elements(head + lane.END))
        except etree.XMLSyntaxError as error:
            raise lane.NotCanonical from error
        collector = _Collector(wanted, choices_of(meta))
        for chunk in pieces(lane.chunks(stream, data)):
            collector.chunk(chunk)
    return Scan(member, meta, collector.finished(), True)


def pieces(chunks: Iterable[bytes], has_end: bool = True) -> Iterator[bytes]:
    """Yield chunks; the last, if it has the end of the document, without that."""
    held: bytes | None = None
    for chunk in chunks:
        if held is not None:
            yield held
        held = chunk
    if held is not None:
        yield lane.without_end(held) if has_end else held


def _exact(source: Source, member: str, wanted: Wanted) -> Scan:
    meta: Meta | None = None
    version = ""
    collector = _Collector(wanted, None)
    with source.open(member) as stream:
        for kind, item in parsed_elements(stream, source.place(member)):
            if kind == "record":
                collector.record(item)
            elif kind == "version":
                version = item
            elif meta is None:
                meta = parse_meta(item, version)
    meta = meta or Meta(version=version)
    meta.version = version
    facts = collector.finished()
    _forget_texts(facts, choices_of(meta))
    return Scan(member, meta, facts, False)


def _forget_texts(facts: Facts, choices: set[tuple[str, str]]) -> None:
    for name, label in facts.labels.items():
        for key, one in ((name, label), *((f"{name}\0{point}", below) for point, below in label.points.items())):
            for attribute in one.answers:
                if (key, attribute) not in choices:
                    one.answers[attribute] = {}
