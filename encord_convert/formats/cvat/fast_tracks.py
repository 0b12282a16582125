"""Boxes of the tracks of a page of a CVAT file in columns, read in one go as far as they are written as CVAT does."""

from __future__ import annotations

from typing import Any

import numpy as np

from encord_convert.formats.cvat.exact_xml import CANONICAL
from encord_convert.formats.cvat.fast_chunks import Chunk, Page, numbers_text, stretches
from encord_convert.formats.cvat.fast_codes import Codes, Variant
from encord_convert.formats.cvat.fast_numbers import END, numbers_in
from encord_convert.formats.cvat.read_listed import Flags, Floats, Ints
from encord_convert.formats.cvat.stats import MOST_FRAMES
from encord_convert.geometry.boxes import normalised_angle
from encord_convert.hub.visibility import FARTHEST_PX

_FLAGS = ("keyframe", "outside", "occluded")
_CORNERS = CANONICAL["box"][:4]
_NAMES = frozenset({"frame", "rotation", *_FLAGS, *_CORNERS})
_SIDES = frozenset({"source", "z_order", "group_id", "track_id"})
_COMMA, _DOT = 44, 46

ABSENT = 2
"""Stands for an ``occluded`` that is not said."""


class TrackBoxes:
    """The boxes of a page of tracks; what is of another tag or of one that is written otherwise is not told.

    Attributes
    ----------
    is_regular : (k,) bool
        By track: whether all its shapes are such boxes, ascending by frame.
    frames, occluded : (n,) int
        By tag; ``occluded`` is 0, 1 or :data:`ABSENT`.
    is_key, is_absent : (n,) bool
    numbers : (n, 4) float
        Left, top, right and bottom in pixels.
    angles : (n,) float
        In degrees, 0 to 360.
    """

    unplaced: frozenset[int] = frozenset()

    def __init__(self, page: Page, known: TrackCodes) -> None:
        count = len(page)
        self.frames: Ints = np.zeros(count, np.int64)
        self.occluded: Ints = np.full(count, ABSENT)
        self.is_key: Flags = np.ones(count, bool)
        self.is_absent: Flags = np.zeros(count, bool)
        self.numbers: Floats = np.zeros((count, 4))
        self.angles: Floats = np.zeros(count)
        is_read = np.zeros(count, bool)
        boxes = np.flatnonzero(known.is_box[page.codes])
        for some in stretches(boxes.tolist(), [page.bodies[at] for at in boxes.tolist()]):
            if some.is_numeric and "frame" in some.names and set(some.names) <= _NAMES:
                self._read(some, is_read)
        is_read[page.starts] = is_read[page.ends] = True
        self.is_absent[page.starts] = self.is_absent[page.ends] = True
        ascends = np.diff(self.frames, prepend=-1) > 0
        ascends[page.starts] = ascends[page.starts + 1] = ascends[page.ends] = True
        self.is_regular = np.logical_and.reduceat(is_read & ascends, page.starts) & (page.ends > page.starts + 1)

    def _read(self, some: Chunk, is_read: Flags) -> None:
        places, width = np.asarray(some.places), len(some.names)
        text = numbers_text(some.bodies)
        read = numbers_in(text + END)
        if read is None or len(read[0]) != len(places) * width or not set(_CORNERS) <= set(some.names):
            return
        values = read[0].reshape(-1, width)
        characters = np.frombuffer(text, np.uint8)
        commas = np.flatnonzero(characters == _COMMA)
        lengths = np.diff(commas, prepend=-1, append=len(text)).reshape(-1, width) - 1
        parts = np.searchsorted(commas, np.flatnonzero(characters == _DOT)) % width
        columns = {name: values[:, at] for at, name in enumerate(some.names)}
        fits = np.all(np.abs(values) <= FARTHEST_PX, axis=1)
        for at, name in enumerate(some.names):
            if name in _FLAGS:
                fits &= (lengths[:, at] == 1) & (values[:, at] <= 1)
        if some.names.index("frame") in parts:
            return
        frames = columns["frame"]
        numbers = np.stack([columns[name] for name in _CORNERS], axis=1)
        fits &= (frames >= 0) & (frames < MOST_FRAMES) & np.all(numbers[:, :2] < numbers[:, 2:], axis=1)
        self.frames[places] = frames.astype(np.int64)
        self.numbers[places] = numbers
        if "keyframe" in columns:
            self.is_key[places] = columns["keyframe"] != 0
        if "outside" in columns:
            self.is_absent[places] = columns["outside"] == 1
        if "occluded" in columns:
            self.occluded[places] = columns["occluded"].astype(np.int64)
        if "rotation" in columns:
            self.angles[places] = list(map(normalised_angle, columns["rotation"].tolist()))
        is_read[places] = fits


class TrackCodes(Codes):
    """Codes of the tags of tracks.

    Attributes
    ----------
    is_box : (n,) bool
        By code, whether it is of a box that says beside its body no more than CVAT does.
    """

    def clear(self) -> None:
        """Forget all keys."""
        super().clear()
        self.is_box: Flags = np.zeros(len(self.kinds), bool)

    def grow(self, room: int) -> None:
        """Make room in the tables."""
        super().grow(room)
        self.is_box = np.concatenate([self.is_box, np.zeros(room - len(self.is_box), bool)])

    def kind_of(self, code: int, variant: Variant) -> int:
        """Return the kind of a key."""
        self.is_box[code] = (
            variant.tag == "box" and not variant.head.attributes and variant.tail.attributes.keys() <= _SIDES
        )
        return variant.kind

    def sides(self, code: int, occluded: int) -> tuple[Any, ...]:
        """Return what a box says beside its geometry, whose ``occluded`` is in its body."""
        get = self.variants[code].attributes.get
        said = None if occluded == ABSENT else str(occluded)
        return get("source"), said, get("z_order"), get("group_id"), get("track_id")
