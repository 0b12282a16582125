"""The shapes that a track lists, in columns, and where its object is on the frames that it stands for.

A shape with ``outside="1"`` begins a gap, between keyframes shapes move, and a track that is not closed goes on to the
last frame of its task. Boxes move as arrays (:class:`Boxes`), other shapes one by one (:class:`Poses`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.cvat.exact_xml import Shape
from encord_convert.formats.cvat.ontology import ShapePlan
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.read_attributes import Ready
from encord_convert.formats.cvat.read_geometry import Drawing, drawn, leaves_rotated, poses_between
from encord_convert.formats.cvat.read_shapes import Invalid, Pose
from encord_convert.geometry.interpolation import angle_lerp
from encord_convert.hub.native import Keys
from encord_convert.sdk.objects import Shape as HubShape

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Geometry(Protocol):
    """What is to be told of the shapes that a track lists; ``is_plain``: nothing of any."""

    is_plain: bool

    def drawing(self, number: int) -> Drawing | Invalid | None:
        """Return how a shape is drawn, why it is not, or None if there is nothing to tell of it."""


class Course(NamedTuple):
    """The frames an object is on, and where it is there.

    Parameters
    ----------
    of, frames : (n,) int
        The listed shape that each is of, and what the file calls the frame.
    is_listed : (n,) bool
        Whether it is the frame of that shape; else it is computed.
    hub : (n,) int
        The frame of the hub.
    boxes : (n, 4) float or None
        Left, top, width and height, relative to the image.
    angles : (n,) float or None
        Of boxes, in degrees; None: none is rotated.
    lists : list
        Of shapes that are no boxes, and may be several objects: the coordinates on each frame.
    """

    of: Ints
    frames: Ints
    is_listed: Flags
    hub: Ints
    boxes: Floats | None = None
    angles: Floats | None = None
    lists: Sequence[Sequence[Any]] = ()

    def part(self, begin: int, end: int, first: int) -> Course:
        """Return a part of a course of boxes; the listed shapes count from ``first``."""
        boxes, angles = self.boxes, self.angles
        assert boxes is not None
        return Course(
            self.of[begin:end] - first, self.frames[begin:end], self.is_listed[begin:end], self.hub[begin:end],
            boxes[begin:end], None if angles is None else angles[begin:end],
        )  # fmt: skip


class Boxes:
    """Boxes that are kept as they are.

    Parameters
    ----------
    numbers : (n, 4) float
        Left, top, right and bottom in pixels.
    angles : (n,) float
        In degrees, 0 to 360.
    size : (int, int)
        Width and height of the video in pixels.
    """

    def __init__(self, numbers: Floats, angles: Floats, size: tuple[int, int]) -> None:
        self._numbers = numbers
        self._angles = angles if angles.any() else None
        self._limits = np.array(size, np.float64)
        leaving: Flags = np.any((numbers[:, :2] < 0) | (numbers[:, 2:] > self._limits), axis=1)
        for at in () if self._angles is None else np.flatnonzero(angles).tolist():
            x0, y0, x1, y1 = numbers[at].tolist()
            leaving[at] = leaves_rotated(float(angles[at]), x0, y0, x1, y1, *size)
        self._leaving: list[int] = np.flatnonzero(leaving).tolist()

    def part(self, begin: int, end: int) -> Leaving:
        """Return what is to be told of a part of them."""
        own = self._leaving[bisect_left(self._leaving, begin) : bisect_left(self._leaving, end)]
        return Leaving({at - begin for at in own})

    def along(self, of: Ints, to: Ints, shares: Floats) -> tuple[Floats, Floats | None]:
        """Return boxes relative to the image, and their angles if one is rotated.

        They are at the shapes ``of``, or that share of the way to the shapes ``to``; -1: at rest.
        """
        numbers = self._numbers[of]
        angles = None if self._angles is None else self._angles[of]
        moving = np.flatnonzero(to >= 0)
        if len(moving):
            ends, part = to[moving], shares[moving]
            numbers[moving] += (self._numbers[ends] - numbers[moving]) * part[:, None]
            if angles is not None and self._angles is not None:
                pairs = zip(angles[moving].tolist(), self._angles[ends].tolist(), part.tolist(), strict=True)
                angles[moving] = [angle_lerp(*pair) for pair in pairs]
        corners = numbers[:, :2]
        return np.hstack([corners / self._limits, (numbers[:, 2:] - corners) / self._limits]), angles


class Leaving:
    """What is to be told of boxes, of which some leave their image."""

    __slots__ = ("_leaving", "is_plain")

    def __init__(self, leaving: Collection[int]) -> None:
        self._leaving = leaving
        self.is_plain = not leaving

    def drawing(self, number: int) -> Drawing | None:
        return Drawing([], [], [], True) if number in self._leaving else None


class Poses:
    """Shapes that are drawn one by one.

    Parameters
    ----------
    plan : ShapePlan
    poses : list of Pose or None
        None where an absent shape does not say where it would be.
    is_absent : (n,) bool
    size : (int, int)
        Width and height of the video in pixels.
    options : ReadOptions
    """

    is_plain = False

    def __init__(
        self, plan: ShapePlan, poses: list[Pose | None], is_absent: Flags, size: tuple[int, int], options: ReadOptions
    ) -> None:
        self._plan = plan
        self._poses = poses
        self._common = (*size, options)
        self._drawings: list[Drawing | Invalid | None] = [
            None if absent or pose is None else self._drawn(pose)
            for pose, absent in zip(poses, is_absent.tolist(), strict=True)
        ]

    def _drawn(self, pose: Pose) -> Drawing | Invalid:
        try:
            return drawn(self._plan, pose, *self._common)
        except Invalid as fault:
            return fault

    def drawing(self, number: int) -> Drawing | Invalid | None:
        return self._drawings[number]

    def along(self, of: Ints, to: Ints, shares: Floats) -> list[Sequence[Any]]:
        """Return the coordinates on each frame, none where it is on none; the parameters are those of boxes."""
        lists: list[Sequence[Any]] = []
        starts = np.flatnonzero(np.diff(of, prepend=-1)).tolist()
        for begin, end in zip(starts, [*starts[1:], len(of)], strict=True):
            number = int(of[begin])
            own, pose = self._drawings[number], self._poses[number]
            assert isinstance(own, Drawing) and pose is not None
            lists.append(own.coordinates)
            target = None if end - begin < 2 else int(to[begin + 1])
            if target is not None:
                after = None if target < 0 else self._poses[target]
                for one in poses_between(self._plan, pose, after, shares[begin + 1 : end].tolist()):
                    drawing = self._drawn(one)  # computed, so that nothing of the file is lost if it is invalid
                    lists.append(drawing.coordinates if isinstance(drawing, Drawing) else ())
        return lists


class Listed:
    """The shapes of one element that a track lists, by frame.

    Parameters
    ----------
    frames : (n,) int
        Ascending, as the file numbers them.
    readies : list of Ready
        What they have in common with others.
    codes : (n,) int
        Which of these each has.
    is_absent, is_key : (n,) bool
    natives : list of Keys or None
        What is native of each; empty if nothing is of any.
    element_of : callable
        From the index of a shape to its element.
    line_of : callable
        From the index of a shape to its one-based line.
    uncounted : set of int
        Those that do not stand in the file as such.
    unplaced : set of int
        Absent shapes that do not say where they would be.
    """

    def __init__(
        self,
        frames: Ints,
        readies: list[Ready],
        codes: Ints,
        is_absent: Flags,
        is_key: Flags,
        natives: list[Keys | None],
        element_of: Callable[[int], Shape],
        line_of: Callable[[int], int],
        uncounted: frozenset[int] = frozenset(),
        unplaced: frozenset[int] = frozenset(),
    ) -> None:
        self.frames = frames
        self.readies = readies
        self.codes = codes
        self.is_absent = is_absent
        self.is_key = is_key
        self.natives = natives
        self.element_of = element_of
        self.line_of = line_of
        self.uncounted = uncounted
        self.unplaced = unplaced

    def __len__(self) -> int:
        return len(self.frames)

    def ready(self, number: int) -> Ready:
        """Return what a shape has in common with others."""
        return self.readies[int(self.codes[number])]


def are_whole(frames: Ints, is_absent: Flags, is_key: Flags, firsts: Ints, lasts: Ints, step: int) -> Flags:
    """Tell which tracks are lists of all their frames, each a keyframe, as tools write it that know no others.

    Parameters
    ----------
    frames, is_absent, is_key : (n,) array
        Of the listed shapes of all tracks.
    firsts, lasts : (k,) int
        Where the first and the last shape of each track are; what is between two tracks is absent.
    step : int
        From one frame of the task to the next.
    """
    steps = np.zeros(len(frames), np.int64)
    steps[:-1] = frames[1:] - frames[:-1]
    counts = ~is_absent
    counts[lasts] = False
    steps[~counts] = 0
    is_many = np.add.reduceat(counts, firsts, dtype=np.int64) >= _FEWEST_LISTED - 1
    are_keys = np.logical_and.reduceat(is_key, firsts)
    return np.asarray(is_many & are_keys & (np.maximum.reduceat(steps, firsts) <= step))


_FEWEST_LISTED = 3
"""Shapes of a track that is a list of all its frames: two on frames side by side do not tell."""


def boxes_of(plan: ShapePlan, poses: list[Pose | None], size: tuple[int, int], options: ReadOptions) -> Boxes | None:
    """Return listed shapes as boxes, None if some are not."""
    if not can_be_boxes(plan, options) or not all(pose is not None and not pose.changes for pose in poses):
        return None
    boxes: list[Any] = poses
    numbers = np.array([pose.numbers for pose in boxes], np.float64).reshape(-1, 4)
    return Boxes(numbers, np.array([pose.rotation for pose in boxes], np.float64), size)


def can_be_boxes(plan: ShapePlan, options: ReadOptions) -> bool:
    """Tell whether the shapes of a plan are boxes that are kept as they are."""
    makes = plan.makes in (HubShape.BOUNDING_BOX, HubShape.ROTATABLE_BOUNDING_BOX)
    return plan.element == "box" and makes and not options.clip
