"""Tracks of a CVAT file: those of one task become one label row, each an object on many frames.

How the shapes of a track become an object is in :mod:`encord_convert.formats.cvat.read_objects`.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from encord_convert.errors import ReadError
from encord_convert.formats.cvat.exact_xml import Shape, Track
from encord_convert.formats.cvat.fast_chunks import page_of
from encord_convert.formats.cvat.fast_tracks import TrackBoxes, TrackCodes
from encord_convert.formats.cvat.fast_xml import records as fast_records
from encord_convert.formats.cvat.grid import FAMILY, keys_of
from encord_convert.formats.cvat.meta import Task
from encord_convert.formats.cvat.native import of_track
from encord_convert.formats.cvat.ontology import ShapePlan
from encord_convert.formats.cvat.read_listed import (
    Course,
    Geometry,
    Listed,
    can_be_boxes,
)
from encord_convert.formats.cvat.read_objects import MOST_COMPUTED, Objects
from encord_convert.formats.cvat.read_skeletons import shapes_of
from encord_convert.formats.cvat.reader import Reader, header_of
from encord_convert.formats.cvat.stats import TaskStats
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import Native
from encord_convert.hub.splits import metadata_of
from encord_convert.hub.video import Track as Columns
from encord_convert.hub.video import Video
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

_MOST_CODES = 16_384
"""How many different tags are remembered."""


class Tracks(Reader):
    """Makes one row of the tracks of each task."""

    def __init__(self, *common: Any) -> None:
        super().__init__(*common)
        self._has_subsets = len([subset for subset in self.stats.subsets if subset]) > 1
        self._left = {task_id: task.tracks for task_id, task in self.stats.tasks.items()}
        self._videos: dict[str, _Video] = {}
        self._codes = TrackCodes()

    def page(self, chunk: bytes, line: int) -> list[Video] | None:
        """Take the tracks of a chunk; return the videos that are complete with them.

        None, and none is taken, if there is more in it than tracks of plain shapes.

        Parameters
        ----------
        chunk : bytes
        line : int
            One-based line of its first character.
        """
        if len(self._codes) > _MOST_CODES:
            self._codes.clear()
        page = page_of(chunk, line, self._codes, of_tracks=True)
        if page is None:
            return None
        boxes, records = TrackBoxes(page, self._codes), None
        starts, ends, regular = page.starts.tolist(), page.ends.tolist(), boxes.is_regular
        opened = []
        for number, start in enumerate(starts):
            track = Track(page.attributes(start), [], [], page.line_of(start))
            video, task_id = self._open(track)
            plan = self.plans.shapes.get(("box", track.attributes.get("label", "")))
            regular[number] &= (
                plan is not None and can_be_boxes(plan, self.options) and video.has_frame(int(boxes.frames[start + 1]))
            )
            opened.append((track, video, task_id, plan))
        videos = {id(video): video for _, video, _, _ in opened}
        courses = {
            id_: video.courses(page, boxes, regular & [one is video for _, one, _, _ in opened])
            for id_, video in videos.items()
        }
        done: list[Video] = []
        for number, (track, video, task_id, plan) in enumerate(opened):
            self.account.title = video.title
            if regular[number] and plan is not None:
                span = slice(starts[number] + 1, ends[number])
                listed = video.listed(page, boxes, self._codes, span, plan, track)
                video.add_listed(track, plan, listed, *courses[id(video)][number])
            else:
                records = records or list(fast_records(chunk, line))
                video.add(records[number])  # type: ignore[arg-type]
            done += self._close(video, task_id)
        return done

    def rows(self, track: Track) -> Iterator[Video]:
        """Take the next track; yield the video that is complete with it, if one is."""
        video, task_id = self._open(track)
        video.add(track)
        yield from self._close(video, task_id)

    def _open(self, track: Track) -> tuple[_Video, str]:
        """Return the video of a track, and the id of its task."""
        task_id = track.attributes.get("task_id", "")
        video = self._videos.get(task_id)
        if video is None:
            task = self.meta.task(task_id)
            video = self._videos[task_id] = self._video(task, task_id, self.stats.tasks[task_id])
        self.account.title = video.title
        return video, task_id

    def _close(self, video: _Video, task_id: str) -> Iterator[Video]:
        self._left[task_id] -= 1
        if not self._left[task_id]:
            del self._videos[task_id]
            yield video.video()

    def empty_rows(self) -> Iterator[Video]:
        """Yield a video for each video no track of which stands in the file, if the file is about videos."""
        if self.stats.images:
            return
        for task in self.meta.tasks:
            known = task.id in self.stats.tasks or (len(self.meta.tasks) == 1 and self.stats.tracks)
            if task.mode == "interpolation" and task.width and task.height and not known:
                yield self._video(task, task.id, TaskStats(task.subset)).video()

    def _video(self, task: Task, task_id: str, stats: TaskStats) -> _Video:
        subset = stats.subset or (task.subset if self.meta.kind == "project" else "")
        name = title = task.source or task.name or self.meta.name or "video"
        if self._has_subsets and subset:
            title = f"{subset}/{title}"
        title = self.folder + title
        self.account.title = title
        size = self._extent(task, stats, subset)
        split = subset or self.meta.split(task_id) or self.named
        key = (*self.key, task_id or task.id, subset, "video")
        dataset, file = self.meta.dataset(subset, self.options), LabelFile(self.member, name, self._names(task))
        return _Video(self, task, stats, title, split, size, key, dataset, file)

    def _names(self, task: Task) -> dict[int, str]:
        """Return what CVAT calls the extracted frames of a video that has other numbers for them."""
        last = task.last_frame
        if self.options.frame_mapping != "relative" or last is None or last > MOST_COMPUTED:
            return {}
        frames = range(task.start, last + 1, task.step)
        return {task.hub_frame(frame, self.options): f"frame_{frame:06d}" for frame in frames}

    def _extent(self, task: Task, stats: TaskStats, subset: str) -> tuple[int, int]:
        if task.width and task.height:
            return task.width, task.height
        found = None
        if self.media is not None and stats.first_frame is not None:
            header = header_of(self.media, f"frame_{stats.first_frame:06d}", subset)
            found = None if header is None else header.shown
        found = found or self.options.size_px()
        if found is None:
            fact = "the size of the video is not known, so its shapes cannot be read."
            advice = "Give it with -r size=WIDTHxHEIGHT."
            raise ReadError(self.account.place, fact, advice=advice)
        return found


class _Video(Objects):
    """The tracks of one task, on the way to a row."""

    def __init__(
        self,
        reader: Tracks,
        task: Task,
        stats: TaskStats,
        title: str,
        split: str,
        size: tuple[int, int],
        key: tuple[str, ...],
        dataset: str,
        file: LabelFile,
    ) -> None:
        is_sparse = not reader.stats.has_computed_frames
        super().__init__(reader.draft, reader.options, reader.account, task, stats.first_frame, is_sparse, size, key)
        self.title = title
        self._plans = reader.plans
        self._split = split
        self._key = key
        self._dataset = dataset
        self._file = file
        self._tracks = 0

    def video(self) -> Video:
        """Return the video of all tracks added."""
        own, natives = keys_of(self._task), self.natives
        unit_size, frames = self._size, max(self._task.frames(self._options), self.last_frame + 1)

        def empty_row() -> LabelRowV2:
            unit = self._draft.unit(self.title, *unit_size, self._key)
            if not unit.data_type.startswith("video/"):
                unit.data_type = "video/mp4"
            row = self._draft.row(
                DataType.VIDEO,
                self.title,
                [unit],
                frames=frames,
                key=self._key,
                dataset=self._dataset,
                client_metadata=metadata_of(self._split),
            )
            row._origin, row._file = self._account.place, self._file
            row._native = Native(FAMILY, own, natives) if own or natives else None
            return row

        return Video(empty_row, self._size, [one for _, one in sorted(self.made, key=itemgetter(0))])

    # -- one track --------------------------------------------------------------------------------------------

    def add(self, track: Track) -> None:
        """Make the object of a track; several if its shapes are of several kinds or of several points."""
        label = track.attributes.get("label", "")
        index = self._count_track(label)
        by_element: dict[str, list[tuple[Shape, bool]]] = {}
        for shape, is_counted in shapes_of(track):
            by_element.setdefault(shape[0], []).append((shape, is_counted))
        made: list[Columns] = []
        for number, (element, shapes) in enumerate(by_element.items()):
            plan = self._plans.shapes.get((element, label))
            if plan is None:
                for shape, _ in shapes:
                    self._account.drop_unknown(element, label, shape[6])
                continue
            made += self.of_shapes(plan, shapes, track, index + (number << 24))
        self._lose_nested(track)
        self._end(track, label, made, index)

    def add_listed(
        self, track: Track, plan: ShapePlan, listed: Listed, geometry: Geometry, course: Course, ended: int
    ) -> None:
        """Make the object of a track of which all shapes are boxes, and listed in columns already."""
        index = self._count_track(plan.label)
        made: list[Columns] = []
        if self.counted(plan, listed, geometry):
            made = self.of_listed(plan, listed, geometry, course, ended, index)
        self._end(track, plan.label, made, index)

    def _count_track(self, label: str) -> int:
        """Count a track; return its place among those of the video."""
        self._account.counts.into["track", label] += 1
        self._tracks += 1
        return self._tracks - 1

    def _end(self, track: Track, label: str, made: list[Columns], index: int) -> None:
        """Take what the track itself says."""
        for columns in made[1:]:  # the track is counted once
            columns._origin.is_track = False
        self._group(track, label, made)
        own = of_track(track.attributes, index)
        if self._groups_in(label) is not None:
            own.pop("track.group_id", None)
        if own and made:
            self.add_native(made[0], own)
        if not made:
            detail = "The track is on no frame."
            where = self._account.where(track.line, "track")
            counts = self._account.counts
            counts.drop("EMPTY_TRACK", Feature.TRACKS, ("track", label), where, detail)
            counts.note(Level.WARNING, "EMPTY_TRACK", detail, where)

    def _group(self, track: Track, label: str, made: list[Columns]) -> None:
        group = track.attributes.get("group_id", "0")
        if group == "0":
            return
        self._account.counts.into["group_id", label] += 1
        title = self._groups_in(label)
        for columns in made if title is not None else ():
            attribute = next(one for one in columns.item.attributes if one.name == title)
            columns.static.append((attribute, group))
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
