"""The shapes that a track lists, in columns, and where its object is on the frames that it stands for.

A shape with ``outside="1"`` begins a gap, between keyframes shapes move, and a track that is not closed goes on to the
last frame of its task. Boxes move as arrays (:class:`Boxes`), other shapes one by one (:class:`Poses`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.cvat.exact_xml import Shape
from encord_convert.formats.cvat.ontology import ShapePlan
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.read_attributes import Ready
from encord_convert.formats.cvat.read_shapes import Drawing, Invalid, Pose, drawn, leaves_rotated, poses_between
from encord_convert.geometry.interpolation import angle_lerp
from encord_convert.hub.native import Keys
from encord_convert.sdk.objects import Shape as HubShape

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Geometry(Protocol):
    """Where the shapes that a track lists are."""

    def drawing(self, number: int) -> Drawing | Invalid | None:
        """Return how a shape is drawn, why it is not, or None if there is nothing to tell of it."""

    def along(self, of: Ints, to: Ints, shares: Floats) -> Placed:
        """Return where the object is: at the shapes ``of``, or that share of the way to the shapes ``to``, -1: at rest.

        Shapes that are drawn as objects of several coordinates give a list for each frame, empty if it is on none.
        """


class Placed:
    """Where an object is on some frames: an array of relative boxes and angles, or lists of coordinates by frame."""

    __slots__ = ("angles", "boxes", "lists")

    def __init__(self, boxes: Any = None, angles: Any = None, lists: Sequence[Sequence[Any]] | None = None) -> None:
        self.boxes = boxes
        self.angles = angles
        self.lists = lists


class Boxes:
    """Boxes that are kept as they are.

    Parameters
    ----------
    numbers : (n, 4) float
        Left, top, right and bottom in pixels.
    angles : (n,) float or None
        In degrees, 0 to 360; None: none is turned.
    has_angles : bool
        Whether the objects are of a class whose boxes can be turned.
    size : (int, int)
        Width and height of the video in pixels.
    """

    def __init__(self, numbers: Floats, angles: Floats | None, has_angles: bool, size: tuple[int, int]) -> None:
        self._numbers = numbers
        self._angles = angles if angles is not None and angles.any() else None
        self._has_angles = has_angles
        self._limits = np.array(size, np.float64)
        self._leaving: Flags = np.any((numbers[:, :2] < 0) | (numbers[:, 2:] > self._limits), axis=1)
        if self._angles is not None:
            for at in np.flatnonzero(self._angles).tolist():
                x0, y0, x1, y1 = numbers[at].tolist()
                self._leaving[at] = leaves_rotated(float(self._angles[at]), x0, y0, x1, y1, *size)
        self._has_leaving = bool(self._leaving.any())

    def drawing(self, number: int) -> Drawing | None:
        return Drawing([None], [], [], True) if self._has_leaving and self._leaving[number] else None

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to tell of any."""
        return not self._has_leaving

    def along(self, of: Ints, to: Ints, shares: Floats) -> Placed:
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
        relative = np.hstack([corners / self._limits, (numbers[:, 2:] - corners) / self._limits])
        if self._has_angles and angles is None:
            angles = np.zeros(len(of))
        return Placed(relative, angles if self._has_angles else None)


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

    def along(self, of: Ints, to: Ints, shares: Floats) -> Placed:
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
        return Placed(lists=lists)


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
    geometry : Geometry
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
        geometry: Boxes | Poses,
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
        self.geometry = geometry
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

    def is_whole(self, step: int) -> bool:
        """Tell whether a track is a list of all its frames, each a keyframe, as tools write it that know no others."""
        steps = np.diff(self.frames)[~self.is_absent[:-1]]
        return len(steps) >= _FEWEST_LISTED - 1 and int(steps.max()) <= step and bool(self.is_key.all())


_FEWEST_LISTED = 3
"""Shapes of a track that is a list of all its frames: two on frames side by side do not tell."""


def geometry_of(
    plan: ShapePlan, poses: list[Pose | None], is_absent: Flags, size: tuple[int, int], options: ReadOptions
) -> Boxes | Poses:
    """Return where listed shapes are, as arrays if they can be."""
    if can_be_boxes(plan, options) and all(pose is not None and not pose.changes for pose in poses):
        boxes: list[Any] = poses
        numbers = np.array([pose.numbers for pose in boxes], np.float64).reshape(-1, 4)
        angles = np.array([pose.rotation for pose in boxes], np.float64)
        return Boxes(numbers, angles, plan.makes is HubShape.ROTATABLE_BOUNDING_BOX, size)
    return Poses(plan, poses, is_absent, size, options)


def can_be_boxes(plan: ShapePlan, options: ReadOptions) -> bool:
    """Tell whether the shapes of a plan are boxes that are kept as they are."""
    makes = plan.makes in (HubShape.BOUNDING_BOX, HubShape.ROTATABLE_BOUNDING_BOX)
    return plan.element == "box" and makes and not options.clip
