"""Tracks of a CVAT file: those of one task become one label row, each an object on many frames.

A track lists shapes by source frame. What it does not list follows from the format: a shape with ``outside="1"`` begins
a gap, between keyframes shapes move, and a track that is not closed goes on to the last frame of its task.

The module is one thing, the way from the listed shapes of a track to an object: each step (entries, frames, answers,
weights) reads what the step before it made, and none is of use alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats.cvat.counts import Account
from encord_convert.formats.cvat.exact_xml import NO_ANSWERS, Shape, Track, sides_of, values_of
from encord_convert.formats.cvat.fast_xml import sides_in
from encord_convert.formats.cvat.grid import FAMILY, keys_of
from encord_convert.formats.cvat.images import header_of
from encord_convert.formats.cvat.meta import Meta, Task
from encord_convert.formats.cvat.native import ABSENT, absent, of_shape, of_track
from encord_convert.formats.cvat.ontology import Plans, ShapePlan
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.read_attributes import Change, Ready, counts_of
from encord_convert.formats.cvat.read_shapes import (
    Drawing,
    Invalid,
    Pose,
    drawn,
    flat_of,
    pose_between,
    pose_of,
)
from encord_convert.formats.cvat.stats import Stats, TaskStats, frame_number
from encord_convert.geometry.interpolation import lerp
from encord_convert.hub.counts import Carried, Origin
from encord_convert.hub.labelset import Draft
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.hub.media import LabelFile, Media
from encord_convert.hub.native import Native
from encord_convert.hub.splits import metadata_of, named_in
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance

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

_FEWEST_LISTED = 3
"""Shapes of a track that is a list of all its frames: two on frames side by side do not tell."""

_MOST_COMPUTED = 1_000_000
"""Frames of a track between two that are listed: nine hours of video. A file of a few bytes can ask for any number."""

Answer = tuple[Any, Any]


class _Entry(msgspec.Struct):
    """One listed shape of a track. ``pose`` is None where an absent shape does not say where it would be."""

    frame: int
    element: Shape
    ready: Ready
    pose: Pose | None
    is_absent: bool
    is_key: bool
    is_counted: bool
    is_dropped: bool = False


class _Placed(msgspec.Struct):
    """Where an object is on one source frame; ``entry`` is what it was read from, None if it was computed."""

    frame: int
    drawing: Drawing
    state: dict[int, Answer]
    is_key: bool
    entry: _Entry | None


class Tracks:
    """Makes one row of the tracks of each task; the parameters are those of ``Images``."""

    def __init__(
        self,
        draft: Draft,
        plans: Plans,
        options: ReadOptions,
        account: Account,
        meta: Meta,
        stats: Stats,
        media: Media | None,
        member: str,
        key: tuple[str, ...],
        folder: str,
    ) -> None:
        self._draft = draft
        self._plans = plans
        self._options = options
        self._account = account
        self._meta = meta
        self._stats = stats
        self._media = media
        self._member = member
        self._file_key = key
        self._folder = folder
        self._named = named_in(member) if key else ""
        self._has_subsets = len([subset for subset in stats.subsets if subset]) > 1
        self._left = {task_id: task.tracks for task_id, task in stats.tasks.items()}
        self._videos: dict[str, _Video] = {}

    def rows(self, track: Track) -> Iterator[LabelRowV2]:
        """Take the next track; yield the row that is complete with it, if one is."""
        task_id = track.attributes.get("task_id", "")
        video = self._videos.get(task_id)
        if video is None:
            task = self._meta.task(task_id)
            video = self._videos[task_id] = self._video(task, task_id, self._stats.tasks[task_id])
        self._account.title = video.title
        video.add(track)
        self._left[task_id] -= 1
        if not self._left[task_id]:
            del self._videos[task_id]
            yield video.row()

    def empty_rows(self) -> Iterator[LabelRowV2]:
        """Yield a row for each video no track of which stands in the file, if the file is about videos."""
        if self._stats.images:
            return
        for task in self._meta.tasks:
            known = task.id in self._stats.tasks or (len(self._meta.tasks) == 1 and self._stats.tracks)
            if task.mode == "interpolation" and task.width and task.height and not known:
                yield self._video(task, task.id, TaskStats(task.subset)).row()

    def _video(self, task: Task, task_id: str, stats: TaskStats) -> _Video:
        subset = stats.subset or (task.subset if self._meta.kind == "project" else "")
        name = title = task.source or task.name or self._meta.name or "video"
        if self._has_subsets and subset:
            title = f"{subset}/{title}"
        title = self._folder + title
        self._account.title = title
        size = self._extent(task, stats, subset)
        split = subset or self._meta.split(task_id) or self._named
        key = (*self._file_key, task_id or task.id, subset, "video")
        return _Video(
            self._draft, self._plans, self._options, self._account, self._stats, task, stats, title, split, size, key,
            self._meta.dataset(subset, self._options), LabelFile(self._member, name, self._names(task)),
        )  # fmt: skip

    def _names(self, task: Task) -> dict[int, str]:
        """Return what CVAT calls the extracted frames of a video that has other numbers for them."""
        last = task.last_frame
        if self._options.frame_mapping != "relative" or last is None or last > _MOST_COMPUTED:
            return {}
        frames = range(task.start, last + 1, task.step)
        return {task.hub_frame(frame, self._options): f"frame_{frame:06d}" for frame in frames}

    def _extent(self, task: Task, stats: TaskStats, subset: str) -> tuple[int, int]:
        if task.width and task.height:
            return task.width, task.height
        found = None
        if self._media is not None and stats.first_frame is not None:
            header = header_of(self._media, f"frame_{stats.first_frame:06d}", subset)
            found = None if header is None else header.shown
        found = found or self._options.size_px()
        if found is None:
            fact = "the size of the video is not known, so its shapes cannot be read."
            advice = "Give it with -r size=WIDTHxHEIGHT."
            raise ReadError(self._account.place, fact, advice=advice)
        return found


class _Video:
    """The tracks of one task, on the way to a row."""

    def __init__(
        self,
        draft: Draft,
        plans: Plans,
        options: ReadOptions,
        account: Account,
        stats: Stats,
        task: Task,
        task_stats: TaskStats,
        title: str,
        split: str,
        size: tuple[int, int],
        key: tuple[str, ...],
        dataset: str,
        file: LabelFile,
    ) -> None:
        self.title = title
        self._draft = draft
        self._plans = plans
        self._options = options
        self._account = account
        self._is_sparse = not stats.has_computed_frames
        self._task = task
        self._split = split
        self._size = size
        self._key = key
        self._dataset = dataset
        self._file = file
        self._offset = task.shift(task_stats.first_frame)
        self._count = 0
        self._hash_of = draft.hashes.series("track", *key)
        self._objects: list[tuple[int, ObjectInstance]] = []
        self._natives: dict[str, dict[int, dict[str, Any]]] = {}
        self._last_frame = -1

    def row(self) -> LabelRowV2:
        """Return the row of all tracks added."""
        width, height = self._size
        unit = self._draft.unit(self.title, width, height, self._key)
        if not unit.data_type.startswith("video/"):
            unit.data_type = "video/mp4"
        row = self._draft.row(
            DataType.VIDEO,
            self.title,
            [unit],
            frames=max(self._task.frames(self._options), self._last_frame + 1),
            key=self._key,
            dataset=self._dataset,
            client_metadata=metadata_of(self._split),
        )
        row._origin, row._file = self._account.place, self._file
        own = keys_of(self._task)
        row._native = Native(FAMILY, own, self._natives) if own or self._natives else None
        for _, instance in sorted(self._objects, key=lambda pair: pair[0]):
            row._adopt(instance)
        return row

    def _hub_frame(self, frame: int) -> int:
        return self._task.hub_frame(frame - self._offset, self._options)

    # -- one track --------------------------------------------------------------------------------------------

    def add(self, track: Track) -> None:
        """Make the object of a track; several if its shapes are of several kinds or of several points."""
        index = self._count
        self._count += 1
        label = track.attributes.get("label", "")
        counts = self._account.counts
        counts.into["track", label] += 1
        by_element: dict[str, list[tuple[Shape, bool]]] = {}
        for shape, is_counted in _listed(track):
            by_element.setdefault(shape[0], []).append((shape, is_counted))
        made: list[ObjectInstance] = []
        for number, (element, shapes) in enumerate(by_element.items()):
            plan = self._plans.shapes.get((element, label))
            if plan is None:
                for shape, _ in shapes:
                    self._account.drop_unknown(element, label, shape[6])
                continue
            made += self._objects_of(plan, shapes, track, index + (number << 24))
        for instance in made[1:]:  # the track is counted once
            instance._origin.is_track = False
        self._lose_nested(track)
        self._group(track, label, made)
        own = of_track(track.attributes, index)
        if self._groups_in(label) is not None:
            own.pop("track.group_id", None)
        if own and made:
            self._natives.setdefault(made[0].object_hash, {}).setdefault(min(made[0]._frames), {}).update(own)
        if not made:
            detail = "The track is on no frame."
            where = self._account.where(track.line, "track")
            counts.drop("EMPTY_TRACK", Feature.TRACKS, ("track", label), where, detail)
            counts.note(Level.WARNING, "EMPTY_TRACK", detail, where)

    def _group(self, track: Track, label: str, made: list[ObjectInstance]) -> None:
        group = track.attributes.get("group_id", "0")
        if group == "0":
            return
        self._account.counts.into["group_id", label] += 1
        title = self._groups_in(label)
        for instance in made if title is not None else ():
            attribute = next(one for one in instance.ontology_item.attributes if one.name == title)
            instance._answer(attribute, group)
        if not made:
            self._account.counts.dropped["group_id", label] += 1  # with the track

    def _lose_nested(self, track: Track) -> None:
        """Say what the tracks of an old skeleton's points say of themselves, which is nothing of the skeleton."""
        for nested in track.tracks:
            own = of_track(nested.attributes, -1)
            own.pop("track.id", None)
            if nested.attributes.get("source") not in (None, track.attributes.get("source")):
                own["track.source"] = nested.attributes["source"]
            for name in (*own, *("track" for _ in nested.tracks)):
                detail = f"{name.removeprefix('track.')!r} of the track of a skeleton's point is not read."
                where = self._account.where(nested.line, "track")
                key = ("key", f"annotation.{name}")
                self._account.counts.lose(Kind.DROPPED, "UNKNOWN_ELEMENT", Feature.NATIVE, key, where, detail)

    def _groups_in(self, label: str) -> str | None:
        """Return the attribute that holds the numbers of groups, None if none does."""
        plan = next((plan for (_, name), plan in self._plans.shapes.items() if name == label), None)
        return None if plan is None or plan.group_id is None else str(plan.group_id.attribute.name)

    def _objects_of(
        self, plan: ShapePlan, shapes: Iterable[tuple[Shape, bool]], track: Track, index: int
    ) -> list[ObjectInstance]:
        entries = self._entries(plan, shapes, track)
        placed = list(self._placed(plan, entries))
        for entry in entries:
            if not placed:
                detail = "The track is on no frame."
                self._drop(entry, Change(Kind.DROPPED, "EMPTY_TRACK", Feature.TRACKS, detail))
            elif entry.is_absent:
                self._count_in(entry, plan.element)
        return self._made(plan, entries, placed, index) if placed else []

    def _entries(self, plan: ShapePlan, shapes: Iterable[tuple[Shape, bool]], track: Track) -> list[_Entry]:
        """Return the listed shapes by frame, those that cannot be read dropped."""
        entries: dict[int, _Entry] = {}
        for shape, is_counted in shapes:
            entry = self._entry(plan, shape, is_counted, track)
            if entry is None:
                continue
            former = entries.get(entry.frame)
            if former is not None:
                detail = f"Frame {entry.frame} of the track is listed more than once; the last is read."
                self._drop(former, Change(Kind.DROPPED, "INVALID_GEOMETRY", Feature.TRACKS, detail))
            entries[entry.frame] = entry
        return [entries[frame] for frame in sorted(entries)]

    def _entry(self, plan: ShapePlan, shape: Shape, is_counted: bool, track: Track) -> _Entry | None:
        attributes, children, line = values_of(shape), shape[5], shape[6]
        self._account.lose_unread(shape)
        ready = self._ready(plan, shape, track)
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

    def _ready(self, plan: ShapePlan, shape: Shape, track: Track) -> Ready:
        tag, _, sides, _, answers, children, _ = shape
        own = sides_in(sides)
        sides = (own[0] or track.attributes.get("source"), *own[1:])
        points = tuple([(child[1], child[4]) for child in children or ()])
        key = (tag, plan.label, sides, answers, points)
        ready = self._account.cache.get(key)
        if ready is None:
            ready = self._account.cache[key] = self._account.ready(plan, tag, sides, answers, points)
        return ready

    def _drop(self, entry: _Entry, loss: Change) -> None:
        if entry.is_counted and not entry.is_dropped:
            self._account.drop(entry.ready, entry.element[0], entry.element[6], loss)
        entry.is_dropped = True

    def _count_in(self, entry: _Entry, element: str) -> None:
        if entry.is_counted:
            entry.ready.count += 1
            if entry.ready.is_open:
                self._account.tell(entry.ready, element, entry.element[6])

    # -- frames -----------------------------------------------------------------------------------------------

    def _placed(self, plan: ShapePlan, entries: list[_Entry]) -> Iterator[_Placed]:
        """Yield where the object is, frame by frame; shapes that turn out not to be drawable are dropped."""
        state: dict[int, Answer] = {}
        ready: Ready | None = None
        is_extended = self._options.tracks == "cvat" or (
            self._options.tracks == "auto" and not _is_listed_whole(entries, self._task.step)
        )
        for entry, following in pairwise([*entries, None]):
            assert entry is not None
            if entry.ready is not ready:
                ready = entry.ready
                state = self._state(plan, state, ready)
            if entry.is_absent:
                continue
            assert entry.pose is not None
            try:
                drawing = drawn(plan, entry.pose, *self._size, self._options)
            except Invalid as fault:
                self._drop(entry, fault.loss)
                continue
            self._count_in(entry, plan.element)
            yield _Placed(entry.frame, drawing, state, entry.is_key, entry)
            yield from self._computed(plan, entry, following, state, is_extended)

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

    def _computed(
        self,
        plan: ShapePlan,
        entry: _Entry,
        following: _Entry | None,
        state: dict[int, Answer],
        is_extended: bool,
    ) -> Iterator[_Placed]:
        """Yield the frames a shape stands for that the file does not list."""
        step = self._task.step
        if following is None:
            last = self._task.last_frame
            end = entry.frame if last is None or not entry.is_key else last + self._offset
            frames = range(entry.frame + step, end + 1, step)
            if frames and not is_extended:
                where = self._account.where(entry.element[6], plan.element)
                level = Level.INFO if self._options.tracks == "listed" else Level.WARNING  # who asks, knows
                self._account.counts.note(level, "TRACK_ENDED", _ENDED, where, len(frames))
                return
        else:
            is_listed_whole = not self._is_sparse and plan.element != "mask"
            frames = range(entry.frame + step, entry.frame if is_listed_whole else following.frame, step)
        if frames.stop - frames.start > _MOST_COMPUTED * step:
            fact = f"a track goes on from frame {entry.frame} to {frames.stop - 1}, which the file does not list."
            advice = f"At most {_MOST_COMPUTED} frames of a track are computed; are its frames and the task's right?"
            raise ReadError(self._account.place, fact, line=entry.element[6], advice=advice)
        assert entry.pose is not None
        count = 0
        for frame in frames:
            pose = entry.pose
            if following is not None and following.pose is not None:
                share = (frame - entry.frame) / (following.frame - entry.frame)
                pose = pose_between(plan, entry.pose, following.pose, share)
            try:
                drawing = drawn(plan, Pose(pose.numbers, pose.rotation), *self._size, self._options)
            except Invalid:
                continue  # computed, so that nothing of the file is lost
            count += 1
            yield _Placed(frame, drawing, state, False, None)
        if count:
            level, code, detail = Level.INFO, "INTERPOLATED", _INTERPOLATED
            if following is None:
                level = Level.INFO if self._options.tracks == "cvat" else Level.WARNING
                code, detail = "TRACK_EXTENDED", _EXTENDED
            elif plan.element == "mask":
                code, detail = "MASK_TRACK_HELD", _HELD
            where = self._account.where(entry.element[6], plan.element)
            self._account.counts.note(level, code, detail, where, count)

    # -- objects ----------------------------------------------------------------------------------------------

    def _made(self, plan: ShapePlan, entries: list[_Entry], placed: list[_Placed], index: int) -> list[ObjectInstance]:
        split = max(len(one.drawing.coordinates) for one in placed)
        conflicts = self._static(entries)
        first = next(one.entry for one in placed if one.entry is not None)
        is_changed = first.ready.is_changed
        weights = self._weights(entries, placed, conflicts, is_changed)
        made = []
        for number in range(split):
            instance = ObjectInstance(plan.object, object_hash=self._hash_of(index + (number << 32)))
            instance._origin = Origin(
                plan.element, plan.label, first.element[6], changed=is_changed, weights=weights if number == 0 else {}
            )
            for attribute, value in conflicts.values.values():
                instance._answer(attribute, value)
            self._place(instance, [one for one in placed if len(one.drawing.coordinates) > number], number, first.ready)
            made.append(instance)
            self._objects.append((first.ready.z, instance))
        if not_there := self._absent(entries, placed):
            own = self._natives.setdefault(made[0].object_hash, {})
            own.setdefault(min(made[0]._frames), {})[ABSENT] = not_there
        return made

    def _place(self, instance: ObjectInstance, placed: list[_Placed], number: int, ready: Ready) -> None:
        runs = _Runs(instance)
        for one in placed:
            ready = ready if one.entry is None else one.entry.ready
            frame = self._hub_frame(one.frame)
            if frame in instance._frames:
                continue  # two source frames off the grid of steps meet in one
            is_by_hand = one.is_key or not self._options.keyframes_manual
            info = ready.info if is_by_hand else self._draft.machine_info
            instance._place(frame, one.drawing.coordinates[number], info)
            native = None if one.entry is None else of_shape(ready, one.entry.element, is_tracked=True)
            if native:
                self._natives.setdefault(instance.object_hash, {})[frame] = dict(native)
            runs.extend(frame, one.state)
            self._last_frame = max(self._last_frame, frame)
        runs.close()

    def _absent(self, entries: list[_Entry], placed: list[_Placed]) -> dict[str, Any]:
        """Return what is said of frames the object is not on, if it is more than that it ended as it was."""
        found = {}
        is_there = {one.frame for one in placed}
        for before, entry in pairwise([None, *entries]):
            assert entry is not None
            if not entry.is_absent:
                continue
            is_end = before is not None and not before.is_absent and entry.frame - self._task.step in is_there
            if not (is_end and before is not None and _says_the_same(before, entry)):
                found[str(self._hub_frame(entry.frame))] = absent(entry.element)
        return found

    def _static(self, entries: list[_Entry]) -> _Settled:
        """Settle answers that hold for the whole track: of several the one given most often, the first of equals."""
        given: dict[int, list[tuple[_Entry, Any, Any]]] = {}
        for entry in entries:
            if not entry.is_absent:
                for attribute, value in entry.ready.static:
                    given.setdefault(id(attribute), []).append((entry, attribute, value))
        settled = _Settled({}, Counter())
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
            for entry, attribute, value in answers:
                if value != chosen:
                    self._conflict(entry, attribute)
                    settled.lost[id(entry)] += 1
        return settled

    def _conflict(self, entry: _Entry, attribute: Any) -> None:
        detail = f"{attribute.name!r} does not change over a track, but the track gives several values."
        change = Change(Kind.DROPPED, "IMMUTABLE_CONFLICT", Feature.ANSWERS, detail, "answer", is_drop=True)
        self._account.change(entry.ready, change, entry.element[6], False)

    def _weights(
        self, entries: list[_Entry], placed: list[_Placed], settled: _Settled, is_changed: bool
    ) -> dict[int, tuple[int, Any]]:
        """Return, by hub frame, the listed shapes it stands for: its own, and those of the gap that follows it."""
        drawings = {id(one.entry): one.drawing for one in placed if one.entry is not None}
        sums: dict[int, tuple[int, Carried]] = {}
        frame = self._hub_frame(next(one.entry.frame for one in placed if one.entry is not None))
        for entry in entries:
            drawing = drawings.get(id(entry))
            if not entry.is_absent and drawing is None:
                continue  # dropped
            count = 1 if entry.is_counted else 0
            if drawing is not None:
                frame = self._hub_frame(entry.frame)
                if self._mended(entry, drawing, is_changed):
                    count = 0  # counted as changed by itself, and so it stays, whatever becomes of the frame
            carried = entry.ready.carried if entry.is_counted else ()
            lost = settled.lost.get(id(entry), 0)
            if frame not in sums and not lost:
                sums[frame] = count, counts_of(dict(carried))
                continue
            own = Counter(dict(carried))
            own["answer"] -= lost
            weight, others = sums.get(frame, (0, ()))
            sums[frame] = weight + count, counts_of(Counter(dict(others)) + own)
        return sums

    def _mended(self, entry: _Entry, drawing: Drawing, is_changed: bool) -> bool:
        """Say what was changed about one listed shape; tell whether that alone makes it a changed one."""
        line, element = entry.element[6], entry.element[0]
        counted = is_changed or entry.ready.is_changed
        for change in drawing.changes if entry.is_counted else ():
            self._account.change(entry.ready, change, line, counted)
            counted = True
        for level, code, detail in drawing.notes:
            self._account.note(level, code, detail, line, element)
        if drawing.is_outside:
            detail = "Shapes reach outside their image and are kept as they are; -r clip=yes cuts them."
            self._account.note(Level.WARNING, "OUT_OF_BOUNDS", detail, line, element)
        return counted and not is_changed


class _Settled(msgspec.Struct):
    """Answers by attribute, and how many answers of each listed shape were not kept."""

    values: dict[int, Answer]
    lost: Counter[int]


class _Runs:
    """Gathers answers frame by frame into runs of frames."""

    def __init__(self, instance: ObjectInstance) -> None:
        self._instance = instance
        self._open: dict[int, tuple[Any, Any, int]] = {}
        self._state: dict[int, Answer] | None = None
        self._last = -2

    def extend(self, frame: int, state: dict[int, Answer]) -> None:
        """Take the answers of a frame; frames come in order."""
        if frame != self._last + 1:
            self.close()
        elif state is not self._state:
            for key, (attribute, value, start) in list(self._open.items()):
                if key not in state or state[key][1] != value:
                    self._instance._answer_frames(attribute, value, start, self._last)
                    del self._open[key]
        if state is not self._state or frame != self._last + 1:
            for key, (attribute, value) in state.items():
                self._open.setdefault(key, (attribute, value, frame))
        self._state = state
        self._last = frame

    def close(self) -> None:
        """Answer all that is gathered."""
        for attribute, value, start in self._open.values():
            self._instance._answer_frames(attribute, value, start, self._last)
        self._open.clear()


def _is_listed_whole(entries: list[_Entry], step: int) -> bool:
    """Tell whether a track is a list of all its frames, each a keyframe, as tools write it that know no others."""
    steps = [after.frame - before.frame for before, after in pairwise(entries) if not before.is_absent]
    return len(steps) >= _FEWEST_LISTED - 1 and max(steps) <= step and all(entry.is_key for entry in entries)


def _says_the_same(one: _Entry, other: _Entry) -> bool:
    """Tell whether an absent shape is where the one before it is, and answers the same."""
    if one.pose is None or other.pose is None or not other.is_key:
        return False
    if other.element[5]:
        is_there = _points_said(one.element) == _points_said(other.element)
    else:
        is_there = _values_said(one.element) == _values_said(other.element)
    return is_there and all(getattr(one.ready, said) == getattr(other.ready, said) for said in _SAID)


_SAID = ("static", "dynamic", "native", "info")


def _values_said(shape: Shape) -> dict[str, str]:
    values = values_of(shape)
    return {name: values[name] for name in values.keys() - {"frame", "keyframe", "outside"}}


def _points_said(skeleton: Shape) -> list[tuple[str, str | None, str, Any]]:
    points = [(child[1], values_of(child), child[4]) for child in skeleton[5] or ()]
    return [(label, at.get("points"), at.get("occluded", "0"), answers) for label, at, answers in points]


def _is_absent(attributes: dict[str, str], children: list[Shape] | None) -> bool:
    if attributes.get("outside") == "1":
        return True
    return bool(children) and all(values_of(child).get("outside") == "1" for child in children or ())


# -- points of skeletons ------------------------------------------------------------------------------------------


def _listed(track: Track) -> list[tuple[Shape, bool]]:
    """Return the shapes of a track, and whether each stands in the file as one.

    Each point of a skeleton has keyframes of its own: where a skeleton does not list one, that point is on its way from
    one of its keyframes to the next. Old skeletons have a track for each of their points nested in their own; these win
    over the points the skeleton itself lists. There each frame becomes a skeleton of what its points are on it.
    """
    own: dict[int, Shape] = {}
    listed: list[tuple[Shape, bool]] = []
    for shape in track.shapes:
        frame = frame_number(values_of(shape).get("frame")) if shape[0] == "skeleton" else None
        if frame is None:
            listed.append((shape, True))
            continue
        if frame in own:
            listed.append((own[frame], True))
        own[frame] = shape
    if not own and not track.tracks:
        return listed
    points = {nested.attributes.get("label", ""): _by_frame(nested) for nested in track.tracks} or _points_of(own)
    for frame in sorted({*own, *(frame for by_frame in points.values() for frame in by_frame)}):
        children = [child for label, by_frame in points.items() for child in _point_at(label, by_frame, frame)]
        skeleton = own.get(frame)
        if skeleton is None:
            attributes = {"frame": str(frame), "keyframe": "1"}
            sides = sides_of(attributes)
            listed.append((("skeleton", "", sides, attributes, NO_ANSWERS, children, track.line), False))
        elif track.tracks or len(children) > len(skeleton[5] or ()):
            attributes = {name: value for name, value in values_of(skeleton).items() if name != "points"}
            listed.append((("skeleton", "", skeleton[2], attributes, skeleton[4], children, skeleton[6]), True))
        else:
            listed.append((skeleton, True))
    return listed


def _points_of(skeletons: dict[int, Shape]) -> dict[str, dict[int, Shape]]:
    """Return the points that skeletons list, by label and frame."""
    found: dict[str, dict[int, Shape]] = {}
    for frame, skeleton in skeletons.items():
        for child in skeleton[5] or ():
            found.setdefault(child[1], {}).setdefault(frame, child)
    return found


def _by_frame(track: Track) -> dict[int, Shape]:
    found = {}
    for shape in track.shapes:
        frame = frame_number(values_of(shape).get("frame"))
        if frame is not None:
            found[frame] = shape
    return found


def _point_at(label: str, by_frame: dict[int, Shape], frame: int) -> list[Shape]:
    """Return a point of a skeleton on a frame: as listed, or on its way from one listed place to the next."""
    before = max((other for other in by_frame if other <= frame), default=None)
    if before is None:
        return []
    tag, _, sides, _, answers, children, line = by_frame[before]
    attributes = {**values_of(by_frame[before]), "label": label}
    after = min((other for other in by_frame if other > frame), default=None)
    if before != frame:
        answers = NO_ANSWERS
        attributes["keyframe"] = "0"
        if after is not None:
            share = (frame - before) / (after - before)
            attributes["points"] = _between(attributes, values_of(by_frame[after]), share)
    return [(tag, label, sides, attributes, answers, children, line)]


def _between(before: dict[str, str], after: dict[str, str], share: float) -> str:
    text = before.get("points", "")
    try:
        a, b = flat_of(text), flat_of(after.get("points"))
    except Invalid:
        return text
    return ",".join(map(repr, lerp(a, b, share))) if len(a) == len(b) == 2 else text
