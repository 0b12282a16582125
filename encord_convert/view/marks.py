"""What was lost of a label set, or differs from another, by image and label: the worst first.

Marks are made of the losses of a report, which name up to 20 places each, or of the differences between two sets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from encord_convert.hub.loss import Loss, Where
from encord_convert.hub.matching import Difference
from encord_convert.losses.wording import gravest_first, gravity, is_minor, things, verb, why

Mark = tuple[int, str]
"""The number of a line, and what is said of this very label."""
MOST_DIFFERENCES = 10_000
"""How many are marked where they are; all are counted."""
MINOR = 9
"""Gravity of losses that decide nothing of what is drawn where, or of which class."""
MOST_PLACES = 20
"""Of a line, that are listed."""
_MOST_TEXT = 300


class Line(msgspec.Struct):
    """Losses alike, of one kind, code, type and label; or differences alike."""

    verb: str
    count: int
    things: str
    label: str
    why: str
    code: str = ""
    gravity: int = 0
    """See :func:`~encord_convert.losses.wording.gravity`; :data:`MINOR` for what decides nothing of what is drawn."""
    places: list[tuple[Where, str]] = msgspec.field(default_factory=list)
    """Those that are known, and what is said of each."""


class Places:
    """Marks of one label set, by row and label."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, str], list[tuple[int | None, Mark]]] = {}
        self._rows: dict[str, list[tuple[int | None, Mark]]] = {}
        self._whole: dict[str, Mark] = {}
        self._ranks: dict[tuple[str, int], int] = {}

    def add(
        self, number: int, where: Where, sentence: str, *, is_whole: bool = False, everywhere: bool = False
    ) -> None:
        """Mark a place: on all frames of its label with ``everywhere``, all labels of its row if it ``is_whole``."""
        if where.row is None:
            return
        at, mark = (None if everywhere else where.frame), (number, sentence)
        image = where.row, where.frame or 0
        self._ranks[image] = min(self._ranks.get(image, number), number)
        if is_whole:
            self._whole[where.row] = mark
        elif where.object_hash:
            self._labels.setdefault((where.row, where.object_hash), []).append((at, mark))
        else:
            self._rows.setdefault(where.row, []).append((at, mark))

    def of(self, title: str, frame: int, hash_: str) -> list[Mark]:
        """Return the marks of a label on a frame."""
        marks = [mark for at, mark in self._labels.get((title, hash_), ()) if at is None or at == frame]
        return [self._whole[title], *marks] if title in self._whole else marks

    def of_any_frame(self, title: str, hash_: str) -> list[Mark]:
        """Return the marks of a label, wherever."""
        return [mark for _, mark in self._labels.get((title, hash_), ())]

    def of_image(self, title: str, frame: int) -> list[Mark]:
        """Return what is said of a row or a frame and of none of its labels."""
        return [mark for at, mark in self._rows.get(title, ()) if at is None or at == frame]

    def gravest(self, most: int) -> dict[str, set[int]]:
        """Return the images with the gravest marks, as many as asked for: frames by title of the row."""
        found: dict[str, set[int]] = {}
        for title, frame in sorted(self._ranks, key=lambda image: (self._ranks[image], image))[:most]:
            found.setdefault(title, set()).add(frame)
        return found


class Marks:
    """What was lost or differs, in lines and by place.

    Attributes
    ----------
    lines : list of Line
        The worst first; marks name their numbers.
    ours, theirs : Places
        In the set that is shown, and in the one that it is compared with.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.ours = Places()
        self.theirs = Places()

    @classmethod
    def of_losses(cls, losses: Iterable[Loss], target: str | None) -> Marks:
        """Return the marks of a report; ``target`` is the format that was written."""
        marks = cls()
        for loss in gravest_first(losses):
            number = len(marks.lines)
            line = Line(
                verb(loss),
                loss.count,
                things(loss, loss.count),
                loss.label,
                why(loss, target),
                loss.code,
                MINOR if is_minor(loss) else gravity(loss),
            )
            for where, detail in loss.examples:
                line.places.append((where, detail))
                marks.ours.add(number, where, detail)
            marks.lines.append(line)
        return marks

    @classmethod
    def of_differences(cls, differences: Iterable[Difference]) -> Marks:
        """Return the marks of what differs between two sets: what is missing first, what was added last."""
        alike: dict[tuple[int, str], list[Difference]] = {}
        counts: dict[tuple[int, str], int] = {}
        held = 0
        for difference in differences:
            key = _kind(difference), difference.what
            counts[key] = counts.get(key, 0) + 1
            same = alike.setdefault(key, [])
            if held < MOST_DIFFERENCES:
                same.append(difference)
                held += 1
        marks = cls()
        for key in sorted(alike, key=lambda key: (key[0], -counts[key])):
            marks._add(key, alike[key], counts[key])
        return marks

    def _add(self, key: tuple[int, str], same: list[Difference], count: int) -> None:
        kind, what = key
        words = what.removeprefix("the ").removeprefix("a ")
        number, line = len(self.lines), Line(_VERBS[kind], count, words, "", "")
        self.lines.append(line)
        places = self.theirs if kind == _ADDED else self.ours
        for item in same:
            sentence = _said(item)
            if len(line.places) < MOST_PLACES:
                line.places.append((item.where, sentence))
            is_row = what in ("the row", "a row")
            is_moved = kind == _DIFFERS and not what.startswith("the class")
            places.add(number, item.where, sentence, is_whole=is_row, everywhere=not is_moved)


_MISSING, _DIFFERS, _ADDED, _OF_SET = range(4)
_VERBS = ("missing", "differs", "added", "differs")


def _kind(one: Difference) -> int:
    if one.where.row is None:
        return _OF_SET
    return _MISSING if one.found == "none" else _ADDED if one.expected == "none" else _DIFFERS


def _said(one: Difference) -> str:
    texts: list[Any] = [
        text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…" for text in (one.expected, one.found)
    ]
    return f"{one.what}: expected {texts[0]}, found {texts[1]}"
