"""What is gathered of a CVAT file before its first row is made, record by record or a chunk at a time.

Which shapes each label has, whether any box is rotated and anything occluded, labels, attributes and options the
description does not declare, images that are listed twice, tasks. Nothing is kept per shape: memory does not grow
with the file, but for 8 bytes an image.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from struct import Struct
from typing import Any

import msgspec
import numpy as np

from encord_convert.formats.cvat import fast_xml
from encord_convert.formats.cvat.exact_xml import NO_ANSWERS, Answers, Image, Record, Shape, Sides, Track
from encord_convert.formats.cvat.fast_chunks import names_in
from encord_convert.formats.cvat.fast_codes import (
    EMPTY_IMAGE,
    KINDS,
    NAMELESS,
    ODD,
    Codes,
    Ints,
    Tag,
    Variant,
    images_in,
    tracks_in,
)
from encord_convert.formats.cvat.meta import SHAPES, Meta

_SHAPES = frozenset(SHAPES)
Choices = set[tuple[str, str]]
"""Label and attribute of choices."""

_NO_SIZE = (None, "", "0")
_FRAME = re.compile(rb' frame="(\d{1,9})"')
_SIGNS = {"is_occluded": b' occluded="1"', "has_track_id": b' track_id="', "is_rotated": b' rotation="'}
"""What a label is told to be by the body of a shape."""

_CODE = Struct("q")
_MAX_SEEN, _LONGEST_SEEN = 16_384, 512
"""How many keys are remembered, and of how many characters."""


class LabelStats(msgspec.Struct):
    """How a label is used. The dictionaries are sets in the order of first appearance."""

    elements: dict[str, None] = {}
    answers: dict[str, dict[str, None]] = {}
    points: dict[str, LabelStats] = {}
    pair_counts: dict[int, None] = {}
    is_rotated: bool = False
    is_occluded: bool = False
    is_tracked: bool = False
    is_grouped: bool = False
    has_track_id: bool = False


class TaskStats(msgspec.Struct):
    """What belongs to one task: numbers of images and of tracks, and the frames its tracks touch."""

    subset: str = ""
    images: int = 0
    tracks: int = 0
    first_frame: int | None = None
    last_frame: int | None = None

    def add(self, other: TaskStats) -> None:
        """Add what another part of the file says of the task."""
        self.images += other.images
        self.tracks += other.tracks
        self.first_frame = min((one for one in (self.first_frame, other.first_frame) if one is not None), default=None)
        self.last_frame = max((one for one in (self.last_frame, other.last_frame) if one is not None), default=None)


class Stats(msgspec.Struct):
    """What one file holds."""

    labels: dict[str, LabelStats] = {}
    tasks: dict[str, TaskStats] = {}
    subsets: dict[str, None] = {}
    images: int = 0
    tracks: int = 0
    without_size: int = 0
    has_computed_frames: bool = False
    duplicates: frozenset[int] = frozenset()
    """Places, in the order of the file, of images that stand in it a second time."""


class Wanted(msgspec.Struct):
    """What the reader's options ask of the scan beyond the ordinary."""

    groups: bool = False
    pairs: bool = False


class Collector:
    """Gathers facts, record by record or a chunk at a time.

    Parameters
    ----------
    wanted : Wanted
    choices : set of (str, str), optional
        Label and attribute of each choice; by default the values of all attributes are kept.

    Attributes
    ----------
    facts : Facts
    objects : dict of (str, str) to int, or None
        How many objects there most likely are, by element and label; None if nobody counted. Up to date after
        :meth:`settle`.
    images : array of int
        64 bits of each image's name.
    """

    def __init__(self, wanted: Wanted, choices: Choices | None) -> None:
        self.stats = Stats()
        self._wanted = wanted
        self._choices = choices
        self._seen: set[tuple[str, str, Sides, Answers]] = set()
        self._codes = Codes()
        self._known = 0
        self._known_pairs: set[tuple[str, int]] = set()
        self._counts = np.zeros(0, np.int64)
        self.objects: dict[tuple[str, str], int] | None = {}
        self.images = array("q")

    # -- a record at a time -----------------------------------------------------------------------------------

    def record(self, record: Record) -> None:
        if isinstance(record, Image):
            self._image(record.attributes)
            for shape in record.shapes:
                self._shape(shape, shape[1])
        elif isinstance(record, Track):
            self._track(record)
        else:
            self._shape(record.shape, record.shape[1])

    def _image(self, attributes: dict[str, str]) -> None:
        stats = self.stats
        subset, task_id = attributes.get("subset", ""), attributes.get("task_id", "")
        stats.images += 1
        stats.subsets[subset] = None
        if attributes.get("width") in _NO_SIZE or attributes.get("height") in _NO_SIZE:
            stats.without_size += 1
        self._task(task_id, subset).images += 1
        words = "\0".join((subset, task_id, attributes.get("name", "").replace("\\", "/")))
        self.images.append(_CODE.unpack(blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest())[0])

    def _task(self, task_id: str, subset: str) -> TaskStats:
        task = self.stats.tasks.get(task_id)
        if task is None:
            task = self.stats.tasks[task_id] = TaskStats(subset)
        return task

    def _label(self, name: str) -> LabelStats:
        label = self.stats.labels.get(name)
        if label is None:
            label = self.stats.labels[name] = LabelStats()
        return label

    def _shape(self, shape: Shape, name: str, *, is_whole: bool = True) -> None:
        tag, _, sides, _, answers, children, _ = shape
        if tag not in _SHAPES and tag != "tag":
            return
        label = self._label(name)
        length = len(answers) if isinstance(answers, str) else sum([len(text) for _, text in answers])
        if children is None and length <= _LONGEST_SEEN:
            alike = name, tag, sides, answers
            if alike in self._seen and not (tag == "points" and self._wanted.pairs):
                if tag == "box" and not label.is_rotated:
                    label.is_rotated = is_rotated(shape[3].get("rotation"))
                return
            if len(self._seen) >= _MAX_SEEN:
                self._seen.clear()
            self._seen.add(alike)
        self._used(label, name, tag, answers)
        if tag == "tag":
            return
        if tag == "box" and not label.is_rotated:
            label.is_rotated = is_rotated(shape[3].get("rotation"))
        label.is_occluded |= sides[1] == "1"
        label.is_grouped |= sides[3] is not None
        label.has_track_id |= sides[4] is not None
        if self._wanted.pairs and tag == "points" and is_whole:
            self._pairs(label, shape[3].get("points", ""))
        if tag == "skeleton":
            for child in children or ():
                self._point(label, child[1], name, child)

    @staticmethod
    def _pairs(label: LabelStats, points: str) -> None:
        label.pair_counts[sum(map(bool, map(str.strip, points.split(";"))))] = None

    def _point(self, label: LabelStats, point: str, name: str, child: Shape) -> None:
        stats = label.points.get(point)
        if stats is None:
            stats = label.points[point] = LabelStats()
        self._used(stats, f"{name}\0{point}", child[0], child[4])

    def _used(self, label: LabelStats, name: str, tag: str, answers: Answers) -> None:
        label.elements[tag] = None
        for attribute, value in fast_xml.answers_of(answers):
            values = label.answers.setdefault(attribute, {})
            if self._choices is None or (name, attribute) in self._choices:
                values[value] = None

    def _track(self, track: Track) -> TaskStats:
        stats, attributes = self.stats, track.attributes
        stats.tracks += 1
        subset, name = attributes.get("subset", ""), attributes.get("label", "")
        stats.subsets[subset] = None
        task = self._task(attributes.get("task_id", ""), subset)
        task.tracks += 1
        label = self._label(name)
        label.is_tracked = True
        label.is_grouped |= "group_id" in attributes
        for shape in track.shapes:
            self._shape(shape, name)
            self._frame(task, shape[3])
        for nested in track.tracks:
            label.elements["skeleton"] = None
            for shape in nested.shapes:
                self._point(label, nested.attributes.get("label", ""), name, shape)
                self._frame(task, shape[3])
        return task

    def _frame(self, task: TaskStats, attributes: dict[str, str]) -> None:
        if attributes.get("keyframe") == "0":
            self.stats.has_computed_frames = True
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
            Some ``<`` is not the start of a tag it reads, some ``&`` not that of a plain entity, tags are nested in
            another way than images or tracks, shapes and answers, or a value holds a line break.
        """
        fast_xml.check_characters(chunk)
        found: list[Tag] = fast_xml.TOKEN.findall(chunk)
        codes = self._codes.of(found)
        # A directly closed element accounts for the `<` of its end tag and of its attribute elements.
        if fast_xml.count_in(chunk, b"<") != len(found) + int(self._codes.inner[codes].sum()):
            raise fast_xml.NotCanonical
        bodies = b"".join([body for _, body, _ in found])
        if b"\n" in bodies:
            raise fast_xml.NotCanonical
        variants = self._codes.variants
        kinds = self._codes.kinds[codes]
        tracks = tracks_in(kinds)
        if tracks is not None and self._tracks(found, codes, *tracks):
            self.objects = None
        elif images_in(kinds) is None or NAMELESS in kinds:
            for record in fast_xml.records(chunk, 1):
                self.record(record)
            self.objects = None
        else:
            for variant in variants[self._known :]:
                if variant.kind >= ODD:
                    self._variant(variant, variant.label)
            owners = map(variants.__getitem__, codes.tolist())
            self._flags(bodies, ((body, one, one.label) for (_, body, _), one in zip(found, owners, strict=True)))
            for place in np.flatnonzero(kinds <= EMPTY_IMAGE).tolist():
                self._image(fast_xml.attributes_of(found[place][1].decode()) | variants[codes[place]].attributes)
            self._count(found, codes, kinds)
        self._known = len(variants)
        if self._known > _MAX_SEEN:
            self.settle()
            self._codes.clear()
            self._known = 0
            self._known_pairs.clear()

    def _tracks(self, found: list[Tag], codes: Ints, starts: Ints, ends: Ints) -> bool:
        """Gather facts of tracks; tell whether that could be done, and nothing was done if not."""
        spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
        bodies = [body for start, end in spans for _, body, _ in found[start + 1 : end]]
        text, names = b"".join(bodies), names_in(bodies)
        frames = _FRAME.findall(text)
        if len(frames) != len(bodies) or b' track_id="' in text or np.any(ends == starts + 1) or self._wanted.pairs:
            return False
        if any(len(set(some)) != len(some) for some in names):
            raise fast_xml.NotCanonical
        self.stats.has_computed_frames |= b' keyframe="0"' in text
        numbers = np.array(list(map(int, frames)), np.int64)
        firsts = starts - 2 * np.arange(len(starts))  # among the shapes alone
        least, most = np.minimum.reduceat(numbers, firsts).tolist(), np.maximum.reduceat(numbers, firsts).tolist()
        variants, signs = self._codes.variants, [flag for flag, sign in _SIGNS.items() if sign in text]
        owned: list[tuple[bytes, Variant, str]] = []
        for (start, end), first, last in zip(spans, least, most, strict=True):
            attributes = fast_xml.attributes_of(found[start][1].decode()) | variants[codes[start]].attributes
            name = attributes.get("label", "")
            self._track(Track(attributes, [], [], 0)).add(TaskStats(first_frame=first, last_frame=last))
            own = codes[start + 1 : end].tolist()
            for code in dict.fromkeys(own):
                if (name, code) not in self._known_pairs:
                    self._known_pairs.add((name, code))
                    self._variant(variants[code], name)
            if not all(getattr(self._label(name), flag) for flag in signs):
                owned += [(found[start + 1 + at][1], variants[code], name) for at, code in enumerate(own)]
        self._flags(text, owned)
        return True

    def _variant(self, variant: Variant, name: str) -> None:
        answers = variant.answers or NO_ANSWERS
        self._shape((variant.tag, name, variant.sides(), variant.attributes, answers, None, 0), name, is_whole=False)

    def _flags(self, text: bytes, shapes: Iterable[tuple[bytes, Variant, str]]) -> None:
        """Look at the bodies of shapes, given with their label, for what CVAT writes there seldom; ``text``: of all."""
        flags = {flag for flag, sign in _SIGNS.items() if sign in text}
        if "is_rotated" in flags and all(
            one.is_rotated or "box" not in one.elements for one in self.stats.labels.values()
        ):
            flags.remove("is_rotated")
        for body, variant, name in shapes if flags or self._wanted.pairs else ():
            tag, label = variant.tag, self._label(name) if variant.tag in _SHAPES else None
            for flag in flags if label is not None else ():
                if _SIGNS[flag] in body and flag != "is_rotated":
                    setattr(label, flag, True)
                elif _SIGNS[flag] in body and tag == "box" and label is not None and not label.is_rotated:
                    label.is_rotated = is_rotated(fast_xml.attributes_of(body.decode()).get("rotation"))
            if label is not None and tag == "points" and self._wanted.pairs:
                points = (fast_xml.attributes_of(body.decode()) | variant.attributes).get("points", "")
                self._pairs(label, points)

    def _count(self, found: list[Tag], codes: Ints, kinds: Any) -> None:
        """Count what most likely becomes an object; of several points each does."""
        self._counts = np.concatenate([self._counts, np.zeros(len(self._codes) - len(self._counts), np.int64)])
        self._counts += np.bincount(codes, minlength=len(self._counts))
        for place in np.flatnonzero(kinds == KINDS["points"]).tolist():
            self._counts[codes[place]] += found[place][1].count(b";")

    def settle(self) -> None:
        """Bring ``objects`` up to date."""
        if self.objects is not None:
            for code in np.flatnonzero(self._counts).tolist():
                variant = self._codes.variants[code]
                if variant.kind >= ODD:
                    key = (variant.tag, variant.label)
                    self.objects[key] = self.objects.get(key, 0) + int(self._counts[code])
        self._counts = np.zeros(0, np.int64)

    # -- the end ----------------------------------------------------------------------------------------------

    def merge(self, stats: Stats, images: array[int]) -> None:
        """Add what another gathered of the part of the file behind this one."""
        own = self.stats
        self.images.extend(images)
        own.labels = merged_stats([own.labels, stats.labels])
        for task_id, task in stats.tasks.items():
            self._task(task_id, task.subset).add(task)
        own.subsets |= stats.subsets
        own.images += stats.images
        own.tracks += stats.tracks
        own.without_size += stats.without_size
        own.has_computed_frames |= stats.has_computed_frames

    def finished(self) -> Stats:
        """Return the facts, all being gathered."""
        stats = self.stats
        keys = np.frombuffer(self.images, np.int64)
        order = np.argsort(keys, kind="stable")
        repeated = keys[order[1:]] == keys[order[:-1]]
        stats.duplicates = frozenset(order[1:][repeated].tolist())
        return stats


def is_rotated(rotation: str | None) -> bool:
    """Tell whether a rotation in degrees, as text, turns a box at all."""
    try:
        angle = float(rotation or 0)
    except ValueError:
        return False
    return math.isfinite(angle) and angle % 360 != 0


MOST_FRAMES = 1 << 31


def frame_number(text: str | None) -> int | None:
    """Return a frame number, None if it is missing, none, or beyond what a label row can have.

    >>> frame_number("7"), frame_number("x"), frame_number("4294967296")
    (7, None, None)
    """
    try:
        number = int(text or "")
    except ValueError:
        return None
    return number if abs(number) < MOST_FRAMES else None


def choices_of(meta: Meta) -> Choices:
    """Return label and attribute of each choice, the only ones whose values matter to the ontology.

    The label of a skeleton's point is the skeleton's name, NUL, and its own.
    """
    found = {(label.name, a.name) for label in meta.labels for a in label.attributes if a.kind == "choice"}
    for label in meta.labels:
        for node in label.nodes:
            found |= {(f"{label.name}\0{node.name}", a.name) for a in node.attributes if a.kind == "choice"}
    return found


def merged_stats(all_stats: Iterable[Mapping[str, LabelStats]]) -> dict[str, LabelStats]:
    """Join how labels are used in several files."""
    merged: dict[str, LabelStats] = {}
    for labels in all_stats:
        for name, stats in labels.items():
            if name in merged:
                _join(merged[name], stats)
            else:
                merged[name] = stats
    return merged


def _join(into: LabelStats, other: LabelStats) -> None:
    into.elements |= other.elements
    into.pair_counts |= other.pair_counts
    for name, values in other.answers.items():
        into.answers[name] = into.answers.get(name, {}) | values
    for name in ("is_rotated", "is_occluded", "is_tracked", "is_grouped", "has_track_id"):
        setattr(into, name, getattr(into, name) or getattr(other, name))
    for name, stats in other.points.items():
        if name in into.points:
            _join(into.points[name], stats)
        else:
            into.points[name] = stats
