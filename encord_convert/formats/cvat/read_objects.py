"""Objects of the tracks of a CVAT file: from the shapes that a track lists to the frames of an object, in columns.

What a track does not list follows from the format: a shape with ``outside="1"`` begins a gap, between keyframes shapes
move, and a track that is not closed goes on to the last frame of its task.

The module is one thing, the way from listed shapes to an object: each step (entries, courses, answers, weights) reads
what the step before it made, and none is of use alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
import numpy as np

from encord_convert.errors import ReadError
from encord_convert.formats.cvat.counts import Account
from encord_convert.formats.cvat.exact_xml import NO_ANSWERS, Answers, Shape, Sides, Track
from encord_convert.formats.cvat.fast_chunks import Page
from encord_convert.formats.cvat.fast_tracks import TrackBoxes, TrackCodes
from encord_convert.formats.cvat.meta import Task
from encord_convert.formats.cvat.native import absent, of_shape
from encord_convert.formats.cvat.ontology import ShapePlan
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.read_attributes import Change, Ready, counts_of
from encord_convert.formats.cvat.read_geometry import Drawing
from encord_convert.formats.cvat.read_listed import (
    Boxes,
    Course,
    Flags,
    Geometry,
    Ints,
    Leaving,
    Listed,
    Poses,
    are_whole,
    boxes_of,
)
from encord_convert.formats.cvat.read_shapes import Invalid, Pose, pose_of
from encord_convert.formats.cvat.stats import frame_number
from encord_convert.hub.counts import Carried, Origin
from encord_convert.hub.draft import Draft
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.hub.video import Answer
from encord_convert.hub.video import Track as Columns
from encord_convert.sdk.objects import Shape as HubShape

_INTERPOLATED = "Frames between the listed ones are computed as CVAT computes them."
_EXTENDED = (
    "Tracks that are never closed go on behind their last keyframe, as CVAT shows them; -r tracks=listed ends them "
    "there."
)
_ENDED = (
    "Tracks that list every frame and are never closed end at their last listed frame; -r tracks=cvat continues them "
    "to the end of the task, as CVAT does."
)
_HELD = "Masks do not move: frames between the listed ones show the mask before them."

_ZEROES = np.zeros(1024, np.int64)

MOST_COMPUTED = 1_000_000
"""Frames of a track between two that are listed: nine hours of video. A file of a few bytes can ask for any number."""


class Objects:
    """Makes the objects of the tracks of one task.

    Parameters
    ----------
    draft, options, account
        What was learnt before.
    task : Task
    first_frame : int or None
        The least that any track of it has.
    is_sparse : bool
        Whether frames between two that are listed are computed; else the file lists them.
    size : (int, int)
        Width and height of the video in pixels.
    key : tuple of str
        What tells the video from others.

    Attributes
    ----------
    made : list of (int, Columns)
        The objects so far, each with its ``z_order``.
    natives : dict of str to dict of int to Keys
        What is native of them, by hash and frame.
    last_frame : int
        The last any of them is on; -1: none is on any.
    """

    def __init__(
        self,
        draft: Draft,
        options: ReadOptions,
        account: Account,
        task: Task,
        first_frame: int | None,
        is_sparse: bool,
        size: tuple[int, int],
        key: tuple[str, ...],
    ) -> None:
        self._draft = draft
        self._options = options
        self._account = account
        self._task = task
        self._is_sparse = is_sparse
        self._size = size
        self._offset = task.shift(first_frame)
        self._hash_of = draft.hashes.series("track", *key)
        self.made: list[tuple[int, Columns]] = []
        self.natives: dict[str, dict[int, Any]] = {}
        self.last_frame = -1

    def _hub_frame(self, frame: Any) -> Any:
        """Return the frame of the hub for one, or an array of them, as the file numbers them."""
        return self._task.hub_frame(frame - self._offset, self._options)

    def has_frame(self, frame: int) -> bool:
        """Tell whether a frame, as the file numbers them, is one of the video."""
        return bool(self._hub_frame(frame) >= 0)

    def courses(self, page: Page, boxes: TrackBoxes, chosen: Flags) -> list[tuple[Leaving, Course, int]]:
        """Return of each of the chosen tracks of a page what is to be told of its boxes, its course, and how many
        frames behind its last shape are left out."""
        starts, ends = page.starts, page.ends
        present = np.flatnonzero(~boxes.is_absent & np.repeat(chosen, ends - starts + 1))
        geometry = Boxes(boxes.numbers, boxes.angles, self._size)
        course, ended = self._course(boxes, present, starts + 1, ends - 1, geometry, page.line_of)
        spans = np.searchsorted(course.of, np.append(starts, ends[-1])).tolist()
        return [
            (geometry.part(start + 1, end), course.part(spans[number], spans[number + 1], start + 1), ended[number])
            for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True))
        ]

    def listed(
        self, page: Page, boxes: TrackBoxes, known: TrackCodes, span: slice, plan: ShapePlan, track: Track
    ) -> Listed:
        """Return the regular boxes of a track in columns."""
        is_key = boxes.is_key[span]
        said = (page.codes[span] * 3 + boxes.occluded[span]).tolist()
        distinct = dict.fromkeys(said)
        self._account.make_room(len(distinct))
        source, variants = track.attributes.get("source"), known.variants
        readies = [
            self.ready(plan, known.sides(one // 3, one % 3), variants[one // 3].answers or NO_ANSWERS, source)
            for one in distinct
        ]
        codes = _ZEROES[: len(said)]
        if len(distinct) > 1 or len(said) > len(_ZEROES):
            numbers = dict(zip(distinct, range(len(distinct)), strict=True))
            codes = np.array([numbers[one] for one in said], np.int64)
        natives: list[Any] = []
        if not is_key.all():
            own = [(ready.native, {**(ready.native or {}), "keyframe": "0"}) for ready in readies]
            natives = [own[code][not key] for code, key in zip(codes.tolist(), is_key.tolist(), strict=True)]
        elif any(ready.native for ready in readies):
            natives = [readies[code].native for code in codes.tolist()]
        first = span.start
        return Listed(
            boxes.frames[span],
            readies,
            codes,
            boxes.is_absent[span],
            is_key,
            natives,
            lambda number: page.shape(first + number),
            lambda number: page.line_of(first + number),
        )

    def _entries(self, plan: ShapePlan, shapes: Iterable[tuple[Shape, bool]], track: Track) -> list[_Entry]:
        """Return the listed shapes by frame, those that cannot be read dropped."""
        entries: dict[int, _Entry] = {}
        for shape, is_counted in shapes:
            entry = self._entry(plan, shape, is_counted, track)
            if entry is None:
                continue
            former = entries.get(entry.frame)
            if former is not None and former.is_counted:
                detail = f"Frame {entry.frame} of the track is listed more than once; the last is read."
                loss = Change(Kind.DROPPED, "INVALID_GEOMETRY", Feature.TRACKS, detail)
                self._account.drop(former.ready, plan.element, former.element[6], loss)
            entries[entry.frame] = entry
        return [entries[frame] for frame in sorted(entries)]

    def of_shapes(
        self, plan: ShapePlan, shapes: Iterable[tuple[Shape, bool]], track: Track, index: int
    ) -> list[Columns]:
        """Return the objects of shapes that a track lists, each with whether it stands in the file as one."""
        own = self._entries(plan, shapes, track)
        if not own:
            return []
        readies = list({id(one.ready): one.ready for one in own}.values())
        codes = {id(ready): code for code, ready in enumerate(readies)}
        listed = Listed(
            np.array([one.frame for one in own], np.int64),
            readies,
            np.array([codes[id(one.ready)] for one in own], np.int64),
            np.array([one.is_absent for one in own], bool),
            np.array([one.is_key for one in own], bool),
            [of_shape(one.ready, one.element, is_tracked=True) for one in own],
            lambda number: own[number].element,
            lambda number: own[number].element[6],
            frozenset(number for number, one in enumerate(own) if not one.is_counted),
            frozenset(number for number, one in enumerate(own) if one.pose is None),
        )
        poses = [one.pose for one in own]
        geometry = boxes_of(plan, poses, self._size, self._options) or Poses(
            plan, poses, listed.is_absent, self._size, self._options
        )
        told = geometry.part(0, len(own)) if isinstance(geometry, Boxes) else geometry
        is_there = ~listed.is_absent
        for number in () if told.is_plain else np.flatnonzero(is_there).tolist():
            is_there[number] = not isinstance(told.drawing(number), Invalid)
        if not self.counted(plan, listed, told):
            return []
        first, last = np.array([0]), np.array([len(own) - 1])
        course, [ended] = self._course(
            listed, np.flatnonzero(is_there), first, last, geometry, listed.line_of, holds=plan.element == "mask"
        )
        return self.of_listed(plan, listed, told, course, ended, index)

    def _entry(self, plan: ShapePlan, shape: Shape, is_counted: bool, track: Track) -> _Entry | None:
        attributes, children, line = shape[3], shape[5], shape[6]
        self._account.lose_unread(shape)
        ready = self.ready(plan, shape[2], shape[4], track.attributes.get("source"), children or ())
        frame = frame_number(attributes.get("frame"))
        is_absent = _is_absent(attributes, children)
        fault = None
        pose = None
        if frame is None or self._hub_frame(frame) < 0:
            fault = Invalid(f"frame={attributes.get('frame')!r} is no frame of the video.", feature=Feature.TRACKS)
        try:
            pose = pose_of(plan, shape)
        except Invalid as error:
            fault = fault or (None if is_absent else error)
        if fault is not None or frame is None:
            if is_counted and fault is not None:
                self._account.drop(ready, plan.element, line, fault.loss)
            return None
        return _Entry(frame, shape, ready, pose, is_absent, attributes.get("keyframe", "1") != "0", is_counted)

    def ready(
        self, plan: ShapePlan, sides: Sides, answers: Answers, source: str | None, children: Iterable[Shape] = ()
    ) -> Ready:
        """Return what a shape of a track of this source has in common with others."""
        sides = (sides[0] or source, *sides[1:])
        points = tuple([(child[1], child[4]) for child in children])
        key = (plan.element, plan.label, sides, answers, points)
        ready = self._account.cache.get(key)
        if ready is None:
            ready = self._account.cache[key] = self._account.ready(plan, plan.element, sides, answers, points)
        return ready

    # -- objects ----------------------------------------------------------------------------------------------

    def counted(self, plan: ShapePlan, listed: Listed, geometry: Geometry) -> bool:
        """Count listed shapes, but drop those that cannot be drawn, and all if none can; tell whether some can."""
        is_there = ~listed.is_absent
        self._count(plan, listed, geometry, is_there)
        for number in () if geometry.is_plain else np.flatnonzero(is_there).tolist():
            is_there[number] = not isinstance(geometry.drawing(number), Invalid)
        if is_there.any():
            self._count(plan, listed, geometry, listed.is_absent)
            return True
        loss = Change(Kind.DROPPED, "EMPTY_TRACK", Feature.TRACKS, "The track is on no frame.")
        for number in np.flatnonzero(listed.is_absent).tolist():
            self._drop(plan, listed, number, loss)
        return False

    def of_listed(
        self, plan: ShapePlan, listed: Listed, geometry: Geometry, course: Course, ended: int, index: int
    ) -> list[Columns]:
        """Return the objects of listed shapes that are on some frame."""
        self._note_computed(plan, listed, course)
        if ended:
            where = self._account.where(listed.line_of(len(listed) - 1), plan.element)
            level = Level.INFO if self._options.tracks == "listed" else Level.WARNING  # who asks, knows
            self._account.counts.note(level, "TRACK_ENDED", _ENDED, where, ended)
        return self._made(plan, listed, geometry, course, index)

    def _drop(self, plan: ShapePlan, listed: Listed, number: int, loss: Change) -> None:
        if number not in listed.uncounted:
            self._account.drop(listed.ready(number), plan.element, listed.line_of(number), loss)

    def _count(self, plan: ShapePlan, listed: Listed, geometry: Geometry, chosen: Flags) -> None:
        numbers = chosen.nonzero()[0]
        if geometry.is_plain and not listed.uncounted and not any(ready.is_open for ready in listed.readies):
            for code, count in enumerate(np.bincount(listed.codes[numbers]).tolist()):
                listed.readies[code].count += count
            return
        for number in numbers.tolist():
            fault, ready = geometry.drawing(number), listed.ready(number)
            if isinstance(fault, Invalid):
                self._drop(plan, listed, number, fault.loss)
            elif number not in listed.uncounted:
                ready.count += 1
                if ready.is_open:
                    self._account.tell(ready, plan.element, listed.line_of(number))

    def _course(
        self, listed: Listed | TrackBoxes, present: Ints, firsts: Ints, lasts: Ints, geometry: Boxes | Poses,
        line_of: Callable[[int], int], *, holds: bool = False,
    ) -> tuple[Course, list[int]]:  # fmt: skip
        """Return where the objects of tracks are on the frames that listed shapes stand for.

        Parameters
        ----------
        listed
            The shapes of all tracks.
        present : (n,) int
            Those that are there.
        firsts, lasts : (k,) int
            Where the first and the last shape of each track are.
        geometry
        line_of : callable
        holds : bool
            Frames between two listed ones are always computed.

        Returns
        -------
        course : Course
        ended : list of int
            Of each track how many frames behind its last shape are left out.
        """
        step, count = self._task.step, len(listed.frames)
        begins = listed.frames[present]
        ends = begins + 1
        is_last = np.zeros(count, bool)
        is_last[lasts] = True
        at_end = is_last[present].nonzero()[0]
        if self._is_sparse or holds:
            ends = listed.frames[np.minimum(present + 1, count - 1)]
            ends[at_end] = begins[at_end] + 1
        ended = [0] * len(lasts)
        final = self._task.last_frame
        if final is not None and len(at_end):
            own = present[at_end]
            until = np.where(listed.is_key[own], np.maximum(begins[at_end], final + self._offset), begins[at_end])
            more = (until - begins[at_end]) // step
            is_extended = np.full(len(lasts), self._options.tracks == "cvat")
            if self._options.tracks == "auto":
                is_extended = ~are_whole(listed.frames, listed.is_absent, listed.is_key, firsts, lasts, step)
            tracks = np.searchsorted(lasts, own)
            goes_on = is_extended[tracks]
            ends[at_end] = np.where(goes_on, until, begins[at_end]) + 1
            for track, left_out in zip(tracks[~goes_on].tolist(), more[~goes_on].tolist(), strict=True):
                ended[track] = left_out
        if (far := np.flatnonzero(ends - begins - step > MOST_COMPUTED * step)).size:
            at = int(far[0])
            fact = f"a track goes on from frame {begins[at]} to {ends[at] - 1}, which the file does not list."
            advice = f"At most {MOST_COMPUTED} frames of a track are computed; are its frames and the task's right?"
            raise ReadError(self._account.place, fact, line=line_of(int(present[at])), advice=advice)
        counts = np.maximum((ends - begins - 1) // step, 0) + 1
        of = np.repeat(present, counts)
        offsets = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        is_listed = offsets == 0
        frames = listed.frames[of] + offsets * step
        to = np.where(is_listed | is_last[of], -1, of + 1)
        for number in listed.unplaced:
            to[to == number] = -1
        shares = np.zeros(len(of))
        moving = np.flatnonzero(to >= 0)
        starts = listed.frames[of[moving]]
        shares[moving] = (frames[moving] - starts) / (listed.frames[to[moving]] - starts)
        hub = self._hub_frame(frames)
        if isinstance(geometry, Boxes):
            return Course(of, frames, is_listed, hub, *geometry.along(of, to, shares)), ended
        lists = geometry.along(of, to, shares)
        if not all(lists):
            drawn = np.array(list(map(bool, lists)))
            of, frames, is_listed, hub = of[drawn], frames[drawn], is_listed[drawn], hub[drawn]
        return Course(of, frames, is_listed, hub, lists=list(filter(None, lists))), ended

    def _note_computed(self, plan: ShapePlan, listed: Listed, course: Course) -> None:
        """Say which frames are computed."""
        if course.is_listed.all():
            return
        account, last = self._account, len(listed) - 1
        numbers, counts = np.unique(course.of[~course.is_listed], return_counts=True)
        code, detail = ("MASK_TRACK_HELD", _HELD) if plan.element == "mask" else ("INTERPOLATED", _INTERPOLATED)
        extended = int(counts[-1]) if numbers[-1] == last else 0
        left = int(counts.sum()) - extended
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            if number == last or account.counts.note_more(Level.INFO, code, detail, left):
                break  # of the rest there are examples enough
            account.counts.note(Level.INFO, code, detail, account.where(listed.line_of(number), plan.element), count)
            left -= count
        if extended:
            level = Level.INFO if self._options.tracks == "cvat" else Level.WARNING
            where = account.where(listed.line_of(last), plan.element)
            account.counts.note(level, "TRACK_EXTENDED", _EXTENDED, where, extended)

    def _made(self, plan: ShapePlan, listed: Listed, geometry: Geometry, course: Course, index: int) -> list[Columns]:
        settled = self._static(plan, listed)
        of, hub, lists, boxes = course.of, course.hub, course.lists, course.boxes
        number = int(of[0])
        first, line = listed.ready(number), listed.line_of(number)
        changed = frozenset(self._mended(plan, listed, geometry, first.is_changed))
        states, state_of = self._states(plan, listed)
        infos, info_of = self._infos(listed, course)
        angles = course.angles
        if plan.makes is HubShape.ROTATABLE_BOUNDING_BOX and boxes is not None and angles is None:
            angles = np.zeros(len(of))
        is_there = course.is_listed
        weights = partial(_weights, listed.is_absent, of[is_there], self._hub_frame(listed.frames), listed.readies,
            listed.codes, listed.uncounted, settled.lost, first.is_changed, changed)  # fmt: skip
        made = []
        for number in range(max(map(len, lists)) if lists else 1):
            own = np.array([len(one) > number for one in lists]).nonzero()[0] if lists else None
            own = _apart(hub, own)
            frames = hub if own is None else hub[own]
            coordinates: Any = boxes if own is None or boxes is None else boxes[own]
            if lists:
                coordinates = [lists[at][number] for at in (range(len(hub)) if own is None else own.tolist())]
            elif plan.makes is not HubShape.ROTATABLE_BOUNDING_BOX:
                angles = None
            columns = Columns(
                plan.object,
                self._hash_of(index + (number << 32)),
                Origin(plan.element, plan.label, line, changed=first.is_changed),
                None if number else weights,
                list(settled.values.values()),
                frames,
                coordinates,
                angles if own is None or angles is None else angles[own],
                states,
                state_of if isinstance(state_of, int) else state_of[of if own is None else of[own]],
                infos,
                info_of if isinstance(info_of, int) or own is None else info_of[own],
            )
            if listed.natives:
                chosen = is_there.nonzero()[0] if own is None else own[is_there[own]]
                pairs = zip(hub[chosen].tolist(), map(listed.natives.__getitem__, of[chosen].tolist()), strict=True)
                if native := {frame: keys for frame, keys in pairs if keys}:
                    self.natives[columns.object_hash] = native
            made.append(columns)
            self.last_frame = max(self.last_frame, int(frames[-1]))
            self.made.append((first.z, columns))
        if not_there := self._absent(listed, course):
            self.add_native(made[0], not_there)
        return made

    def add_native(self, made: Columns, keys: Mapping[str, Any]) -> None:
        """Keep what is native of an object, with its first frame."""
        own = self.natives.setdefault(made.object_hash, {})
        frame = int(made.frames[0])
        own[frame] = {**own.get(frame, {}), **keys}

    def _states(self, plan: ShapePlan, listed: Listed) -> tuple[list[tuple[Answer, ...]], Ints | int]:
        """Return the changeable answers that come together, and which of them hold from each listed shape on."""
        changes = [0]
        if len(listed.readies) > 1:
            changes += ((listed.codes[1:] != listed.codes[:-1]).nonzero()[0] + 1).tolist()
        state: dict[int, Answer] = {}
        states: list[dict[int, Answer]] = []
        for number in changes:
            state = self._state(plan, state, listed.ready(number))
            states.append(state)
        said = [tuple(one.values()) for one in states]
        if len(changes) == 1:
            return said, 0
        return said, np.repeat(np.arange(len(changes)), np.diff([*changes, len(listed)]))

    def _state(self, plan: ShapePlan, before: dict[int, Answer], ready: Ready) -> dict[int, Answer]:
        """Return the changeable answers from this shape on: what it does not say stays as it was, but for occlusion."""
        state = dict(before)
        for attribute in ready.cleared:
            state.pop(id(attribute), None)
        if plan.occluded is not None:
            state.pop(id(plan.occluded.attribute), None)
        for attribute, value in ready.dynamic:
            state[id(attribute)] = (attribute, value)
        return before if state == before else state

    def _infos(self, listed: Listed, course: Course) -> tuple[list[Any], Ints | int]:
        """Return who made the labels, and which of these each is by."""
        infos = list({id(ready.info): ready.info for ready in listed.readies}.values())
        info_of: Any = 0
        if len(infos) > 1:
            codes = {id(info): code for code, info in enumerate(infos)}
            info_of = np.array([codes[id(ready.info)] for ready in listed.readies])[listed.codes[course.of]]
        if self._options.keyframes_manual:
            is_key = listed.is_key[course.of] & course.is_listed
            if not is_key.all():
                info_of = np.where(is_key, info_of, len(infos))
                infos.append(self._draft.machine_info)
        return infos, info_of

    def _absent(self, listed: Listed, course: Course) -> dict[str, Any]:
        """Return what is said of frames the object is not on, if it is more than that it ended as it was."""
        found = {}
        for number in listed.is_absent.nonzero()[0].tolist():
            frame = int(listed.frames[number])
            is_end = number > 0 and not listed.is_absent[number - 1]
            is_end = is_end and bool((course.frames == frame - self._task.step).any())
            if not (is_end and _says_the_same(listed, number - 1, number)):
                found[str(self._hub_frame(frame))] = listed.element_of(number)
        return absent(found)

    def _static(self, plan: ShapePlan, listed: Listed) -> _Settled:
        """Settle answers that hold for the whole track: of several the one given most often, the first of equals."""
        settled = _Settled({}, Counter())
        static = listed.readies[0].static
        if all(ready.static == static for ready in listed.readies):
            settled.values = {id(attribute): (attribute, value) for attribute, value in static}
            return settled
        given: dict[int, list[tuple[int, Any, Any]]] = {}
        for number in np.flatnonzero(~listed.is_absent).tolist():
            for attribute, value in listed.ready(number).static:
                given.setdefault(id(attribute), []).append((number, attribute, value))
        for key, answers in given.items():
            values: list[Any] = []
            counts: list[int] = []
            for _, _, value in answers:
                if value not in values:
                    values.append(value)
                    counts.append(0)
                counts[values.index(value)] += 1
            chosen = values[counts.index(max(counts))]
            settled.values[key] = (answers[0][1], chosen)
            for number, attribute, value in answers:
                if value != chosen:
                    detail = f"{attribute.name!r} does not change over a track, but the track gives several values."
                    change = Change(Kind.DROPPED, "IMMUTABLE_CONFLICT", Feature.ANSWERS, detail, "answer", is_drop=True)
                    self._account.change(listed.ready(number), change, listed.line_of(number), False)
                    settled.lost[number] += 1
        return settled

    def _mended(self, plan: ShapePlan, listed: Listed, geometry: Geometry, is_changed: bool) -> Iterator[int]:
        """Say what was changed about listed shapes; yield those of which that alone makes them changed ones."""
        for number in () if geometry.is_plain else range(len(listed)):
            drawing = geometry.drawing(number)
            if listed.is_absent[number] or not isinstance(drawing, Drawing):
                continue
            ready, line = listed.ready(number), listed.line_of(number)
            counted = is_changed or ready.is_changed
            for change in drawing.changes if number not in listed.uncounted else ():
                self._account.change(ready, change, line, counted)
                counted = True
            for level, code, detail in drawing.notes:
                self._account.note(level, code, detail, line, plan.element)
            if drawing.is_outside:
                detail = "Shapes reach outside their image and are kept as they are; -r clip=yes cuts them."
                self._account.note(Level.WARNING, "OUT_OF_BOUNDS", detail, line, plan.element)
            if counted and not is_changed and not ready.is_changed:
                yield number


def _apart(frames: Ints, chosen: Ints | None) -> Ints | None:
    """Return which frames are taken, None for all: two frames of the source off the grid of steps may meet in one."""
    own = frames if chosen is None else frames[chosen]
    is_new = own[1:] > own[:-1]
    if is_new.all():
        return chosen if chosen is None or len(chosen) < len(frames) else None
    apart = np.append(0, is_new.nonzero()[0] + 1)
    return apart if chosen is None else chosen[apart]


class _Entry(msgspec.Struct):
    """One listed shape of a track. ``pose`` is None where an absent shape does not say where it would be."""

    frame: int
    element: Shape
    ready: Ready
    pose: Pose | None
    is_absent: bool
    is_key: bool
    is_counted: bool


def _weights(
    is_absent: Flags, present: Ints, frames: Ints, readies: list[Ready], codes: Ints, uncounted: Container[int],
    lost: Mapping[int, int], is_changed: bool, changed: Container[int],
) -> dict[int, tuple[int, Carried]]:  # fmt: skip
    """Return, by hub frame, the listed shapes it stands for: its own, and those of the gap that follows it."""
    there = set(present.tolist())
    sums: dict[int, tuple[int, Carried]] = {}
    frame = int(frames[present[0]])
    for number, (own_frame, code, absent_there) in enumerate(
        zip(frames.tolist(), codes.tolist(), is_absent.tolist(), strict=True)
    ):
        if not absent_there and number not in there:
            continue  # dropped
        ready, count = readies[code], int(number not in uncounted)
        carried = ready.carried if count else ()
        if not absent_there:
            frame = own_frame
            if number in changed or (ready.is_changed and not is_changed):
                count = 0  # counted as changed by itself, and so it stays, whatever becomes of the frame
        if frame not in sums and not lost.get(number):
            sums[frame] = count, carried
            continue
        own = Counter(dict(carried))
        own["answer"] -= lost.get(number, 0)
        weight, others = sums.get(frame, (0, ()))
        sums[frame] = weight + count, counts_of(Counter(dict(others)) + own)
    return sums


class _Settled(msgspec.Struct):
    """Answers by attribute, and how many answers of each listed shape were not kept."""

    values: dict[int, Answer]
    lost: Counter[int]


def _says_the_same(listed: Listed, number: int, absent: int) -> bool:
    """Tell whether an absent shape is where the one before it is, and answers the same."""
    if not listed.unplaced.isdisjoint((number, absent)) or not listed.is_key[absent]:
        return False
    one, other = listed.element_of(number), listed.element_of(absent)
    said = _points_said if other[5] else _values_said
    readies = listed.ready(number), listed.ready(absent)
    return said(one) == said(other) and all(getattr(readies[0], name) == getattr(readies[1], name) for name in _SAID)


_SAID = ("static", "dynamic", "native", "info")


def _values_said(shape: Shape) -> dict[str, str]:
    values = shape[3]
    return {name: values[name] for name in values.keys() - {"frame", "keyframe", "outside"}}


def _points_said(skeleton: Shape) -> list[tuple[str, str | None, str, Any]]:
    points = [(child[1], child[3], child[4]) for child in skeleton[5] or ()]
    return [(label, at.get("points"), at.get("occluded", "0"), answers) for label, at, answers in points]


def _is_absent(attributes: dict[str, str], children: list[Shape] | None) -> bool:
    if attributes.get("outside") == "1":
        return True
    return bool(children) and all(child[3].get("outside") == "1" for child in children or ())
