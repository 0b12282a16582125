"""Marks: losses of a label set, or differences from another, by image and label, the worst first.

They come from the losses of a report, with up to 20 locations each, or from the differences of two sets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from encord_convert.hub.loss import Loss, Where
from encord_convert.hub.matching import Difference
from encord_convert.losses.wording import gravest_first, gravity, is_minor, things, verb, why

Mark = tuple[int, str]
"""Number of a line, and the sentence for this label."""
MOST_DIFFERENCES = 10_000
"""Most differences marked; all are counted."""
MINOR = 9
"""Severity of losses that affect neither geometry nor class."""
MOST_PLACES = 20
"""Most locations listed per line."""
_MOST_TEXT = 300


class Line(msgspec.Struct):
    """A group of losses of one kind, code, type and label, or of similar differences."""

    verb: str
    count: int
    things: str
    label: str
    why: str
    code: str = ""
    gravity: int = 0
    """See :func:`~encord_convert.losses.wording.gravity`; :data:`MINOR` if nothing visible is affected."""
    places: list[tuple[Where, str]] = msgspec.field(default_factory=list)
    """Known locations with their sentences."""


class MarkIndex:
    """Marks of a label set by row and label."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, str], list[tuple[int | None, Mark]]] = {}
        self._rows: dict[str, list[tuple[int | None, Mark]]] = {}
        self._whole: dict[str, Mark] = {}
        self._ranks: dict[tuple[str, int], int] = {}

    def add(
        self, number: int, where: Where, sentence: str, *, is_whole: bool = False, everywhere: bool = False
    ) -> None:
        """Add a mark: on all frames of its label if ``everywhere``, on all labels of its row if ``is_whole``."""
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
        """Return the marks of a label on any frame."""
        return [mark for _, mark in self._labels.get((title, hash_), ())]

    def of_image(self, title: str, frame: int) -> list[Mark]:
        """Return the marks of a row or frame itself."""
        return [mark for at, mark in self._rows.get(title, ()) if at is None or at == frame]

    def gravest(self, most: int) -> dict[str, set[int]]:
        """Return up to this many images with the most severe marks: frames by row title."""
        found: dict[str, set[int]] = {}
        for title, frame in sorted(self._ranks, key=lambda image: (self._ranks[image], image))[:most]:
            found.setdefault(title, set()).add(frame)
        return found


class Marks:
    """Losses or differences, as lines and by location.

    Attributes
    ----------
    lines : list of Line
        The worst first; marks refer to them by number.
    ours, theirs : Places
        Marks of the shown set, and of the one it is compared with.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.ours = MarkIndex()
        self.theirs = MarkIndex()

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
        """Return the marks of differences of two sets: missing first, added last."""
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
            sentence = _sentence(item)
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


def _sentence(one: Difference) -> str:
    texts: list[Any] = [
        text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…" for text in (one.expected, one.found)
    ]
    return f"{one.what}: expected {texts[0]}, found {texts[1]}"
