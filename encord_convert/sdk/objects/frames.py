"""Frames and runs of frames.

Frames are counted from 0. A :class:`Range` is a run of frames with both ends inside. Wherever frames are asked for,
a number, a list of numbers, a range or a list of ranges will do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import List, Union  # noqa: UP035 -- the aliases below are documented as they are


@dataclass
class Range:
    """A run of frames, both ends inside. Nothing checks that it does not end before it starts."""

    start: int
    end: int


FramesList = List[int]  # noqa: UP006
Ranges = List[Range]  # noqa: UP006
Frames = Union[int, FramesList, Range, Ranges]  # noqa: UP007


def frame_to_range(frame: int) -> Range:
    """Return the range of one frame."""
    return Range(frame, frame)


def frames_to_ranges(frames: Collection[int]) -> Ranges:
    """Return the longest runs that hold exactly these frames, ascending.

    A frame given twice counts once.

    >>> frames_to_ranges([4, 5, 9, 4])
    [Range(start=4, end=5), Range(start=9, end=9)]
    """
    return [Range(start, end) for start, end in _runs_of(frames)]


def _runs_of(frames: Collection[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    ascending = sorted(set(frames)) if len(frames) > 1 else list(frames)
    if not ascending:
        return runs
    start = end = ascending[0]
    for frame in ascending:
        if frame > end + 1:
            runs.append((start, end))
            start = frame
        end = frame
    runs.append((start, end))
    return runs


def ranges_to_list(ranges: Ranges) -> list[list[int]]:
    """Return the pairs label rows write."""
    return [[range_.start, range_.end] for range_ in ranges]


def range_to_ranges(range_: Range) -> Ranges:
    """Return the list that holds the range."""
    return [range_]


def range_to_frames(range_: Range) -> list[int]:
    """Return the frames of a range, ascending; none if it ends before it starts."""
    return list(range(range_.start, range_.end + 1))


def ranges_to_frames(range_list: Ranges) -> list[int]:
    """Return the frames of all ranges, ascending, each once."""
    return sorted({frame for item in range_list for frame in range(item.start, item.end + 1)})


def ranges_list_to_ranges(range_list: list[list[int]]) -> Ranges:
    """Return the ranges of pairs as label rows write them.

    Raises
    ------
    ValueError
        An entry is not a pair.
    """
    return [Range(start, end) for start, end in range_list]


def frames_class_to_frames_list(frames_class: Frames) -> list[int]:
    """Return the frames any accepted form means, ascending, each once.

    Raises
    ------
    RuntimeError
        It is none of the accepted forms.
    """
    if isinstance(frames_class, int):
        return [frames_class]
    if isinstance(frames_class, Range):
        return range_to_frames(frames_class)
    if isinstance(frames_class, list):
        if all(isinstance(item, int) for item in frames_class):
            return sorted(set(frames_class))  # type: ignore[arg-type]
        if all(isinstance(entry, Range) for entry in frames_class):
            return ranges_to_frames(frames_class)  # type: ignore[arg-type]
    raise RuntimeError(f"Frames are a number, a list of numbers, a Range or a list of Ranges, not {frames_class!r}.")
