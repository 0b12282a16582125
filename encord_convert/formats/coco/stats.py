"""What the annotations of COCO are, by category: what its ontology is built from."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

MOST_VALUES = 64
"""How many different values of an attribute are remembered."""


class AnswerStats(msgspec.Struct):
    """What the values of one attribute are, over all annotations of a class."""

    kinds: set[str] = set()
    values: dict[str, None] = {}
    last: dict[Any, Any] = {}
    changes: bool = False

    def see(self, value: Any, track: Any = None) -> None:
        """Look at a value, and that of a track on an earlier frame."""
        kind = kind_of_value(value)
        if not kind:
            return
        self.kinds.add(kind)
        if kind in ("text", "list"):
            for text in value if kind == "list" else (value,):
                if len(self.values) <= MOST_VALUES:
                    self.values[text] = None
        if track is not None and not self.changes and self.last.setdefault(track, value) != value:
            self.changes = True
            self.last.clear()

    def merge(self, other: AnswerStats) -> None:
        """Add what another file knows."""
        self.kinds |= other.kinds
        self.values.update(other.values)
        self.changes |= other.changes


def kind_of_value(value: Any) -> str:
    """Return ``bool``, ``number``, ``text``, ``list`` (of texts) or ``json``; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) and all(isinstance(one, str) for one in value) else "json"


class ClassStats(msgspec.Struct):
    """What the annotations of one category are.

    ``kinds`` counts them by their geometry, ``crowds`` are those of which some are crowds. ``said`` are the
    shapes that annotations themselves say they have. ``pose`` is the first list of keypoints, or the first in which all
    are labelled.
    """

    kinds: Counter[str] = msgspec.field(default_factory=Counter)
    crowds: set[str] = set()
    said: dict[str, None] = {}
    answers: dict[str, AnswerStats] = {}
    is_rotated: bool = False
    points: int = 0
    pose: list[float] | None = None
    is_whole: bool = False

    def see_pose(self, keypoints: list[float]) -> None:
        """Look at a list x, y, v, …."""
        self.points = max(self.points, len(keypoints) // 3)
        is_whole = all(keypoints[2::3])
        if self.pose is None or (is_whole and not self.is_whole):
            self.pose, self.is_whole = keypoints, is_whole

    def merge(self, other: ClassStats) -> None:
        """Add what another file knows."""
        self.kinds.update(other.kinds)
        self.crowds |= other.crowds
        self.said |= other.said
        self.is_rotated |= other.is_rotated
        self.points = max(self.points, other.points)
        if other.pose is not None and (self.pose is None or (other.is_whole and not self.is_whole)):
            self.pose, self.is_whole = other.pose, other.is_whole
        for name, stats in other.answers.items():
            self.answers.setdefault(name, AnswerStats()).merge(stats)
