"""Which frames of a video a CVAT task is about: from which on, and every how manieth.

A task may begin after the first frame of its video and take every n-th frame. Rows carry that as native data, and the
task that is written from them is the one they were read from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from encord_convert.formats.cvat.meta import Task
from encord_convert.sdk.objects import LabelRowV2

FAMILY = "cvat"

_START, _STOP, _FILTER, _SIZE = "start_frame", "stop_frame", "frame_filter", "size"


class Grid(NamedTuple):
    """Frames of a task: ``size`` of them from ``start`` on, every ``step``-th of the video.

    ``is_relative``: the row numbers them 0, 1, 2, …; else by their place in the video, as CVAT does.
    """

    start: int
    step: int
    stop: int
    size: int
    is_relative: bool = False

    @property
    def spacing(self) -> int:
        """Frames of the row from one frame of the task to the next."""
        return 1 if self.is_relative else self.step

    @property
    def end(self) -> int:
        """The frame of the row behind the last one of the task."""
        return self.size if self.is_relative else self.start + self.step * (self.size - 1) + 1

    def number(self, frame: int) -> int:
        """Return what CVAT calls a frame of the row."""
        return self.start + self.step * frame if self.is_relative else frame

    def holds(self, frames: Iterable[int]) -> bool:
        """Tell whether frames of the row are all of the task."""
        if self.is_relative:
            return all(frame < self.size for frame in frames)
        return all(self.start <= frame < self.end and (frame - self.start) % self.step == 0 for frame in frames)


def keys_of(task: Task) -> dict[str, Any]:
    """Return what is native of the row of a task that leaves frames of its video out; nothing if it leaves out none."""
    if task.size is None or task.size < 1 or (task.start <= 0 and task.step == 1):
        return {}
    keys: dict[str, Any] = {_SIZE: task.size, _START: task.start}
    if task.step > 1:
        keys[_FILTER] = f"step={task.step}"
    if task.stop is not None and task.stop > task.start + task.step * (task.size - 1):
        keys[_STOP] = task.stop
    return keys


def takes_all(row: LabelRowV2) -> bool:
    """Tell whether nothing is known of a task that leaves frames of this video out."""
    return row._native is None or row._native.family != FAMILY or _START not in row._native.row


def grid_of(row: LabelRowV2) -> Grid:
    """Return the frames of the task that a video is written as: those it was read from, if all labels are on these."""
    whole = Grid(0, 1, max(0, row.number_of_frames - 1), row.number_of_frames)
    if takes_all(row):
        return whole
    native = row._native.row
    start, size = native[_START], native[_SIZE]
    step = int(native.get(_FILTER, "step=1").removeprefix("step="))
    stop = native.get(_STOP, start + step * (size - 1))
    grid = Grid(start, step, stop, size, is_relative=row.number_of_frames <= size)
    tagged = [frame for one in row._classifications.values() for frame in one._frames]
    frames = [*tagged, *(frame for one in row._objects.values() for frame in one._frames)]
    return grid if grid.holds(frames) and not (grid.is_relative and tagged) else whole
