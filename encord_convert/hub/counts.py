"""Counts of what was read or written, and where each thing came from."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from encord_convert.hub.loss import NOWHERE, Feature, Kind, Level, Loss, Note, Where

EXAMPLES = 20
"""How many places a tally of equal losses or notes remembers; the count goes on."""

_kept = EXAMPLES


@contextlib.contextmanager
def examples_kept(count: int) -> Iterator[None]:
    """Let tallies remember more places than :data:`EXAMPLES`, for who wants to see them all."""
    global _kept
    before, _kept = _kept, count
    try:
        yield
    finally:
        _kept = before


Key = tuple[str, str]
"""A type of thing in a source (``box``, ``answer``) and the label it belongs to."""

Carried = tuple[tuple[str, int], ...]
"""Things that live and die with a shape: ``(("answer", 2), ("occluded", 1))``."""


class Origin(msgspec.Struct, gc=False):
    """Where a hub instance came from: what it was called in the source, and what lives and dies with it.

    Parameters
    ----------
    type : str
        The source's own word: ``box``, ``ellipse``, ``tag``.
    label : str
        The source's own class name.
    line : int or None
        One-based line of the element.
    carried : Carried
        Counted things that are lost when the shape is (single-frame shapes).
    changed : bool
        The importer already counted the shape as changed.
    weights : dict of int to (int, Carried), optional
        For tracks: source elements each hub frame stands for, and what they carry. A frame that is not listed
        stands for none (it was computed). Empty: another instance stands for the element.
    also : tuple of Origin
        Further source elements a single-frame instance stands for.
    is_track : bool
        Whether an instance with weights is a track of the source; False where that was accounted for already.
    others : dict of int to (str, bool), optional
        For tracks: type and ``changed`` of the element on a frame, where they are not those above.
    """

    type: str
    label: str
    line: int | None = None
    carried: Carried = ()
    changed: bool = False
    weights: dict[int, tuple[int, Carried]] | None = None
    also: tuple[Origin, ...] = ()
    is_track: bool = True
    others: dict[int, tuple[str, bool]] | None = None

    def on(self, frame: int) -> tuple[str, bool]:
        """Return the type of the element on a frame, and whether the importer counted it as changed."""
        known = (self.type, self.changed)
        return known if self.others is None else self.others.get(frame, known)


class _Tally:
    __slots__ = ("count", "detail", "examples", "where")

    def __init__(self, where: Where, detail: str) -> None:
        self.count = 0
        self.where = where
        self.detail = detail
        self.examples: list[tuple[Where, str]] = []

    def add(self, count: int, where: Where, detail: str) -> None:
        self.count += count
        if len(self.examples) < _kept:
            self.examples.append((where, detail))


CROWD = "crowd"
"""Type of what an annotation carries that is one of many things."""

SECONDARY = frozenset(
    {
        "answer", "attribute", "author", "confidence", CROWD, "file", "frame", "group_id", "image", "key", "manual",
        "occluded", "review", "row", "source", "timestamp", "track", "unplaced", "video", "z_order",
    }
)  # fmt: skip
"""Types that are not labels themselves but belong to one: left out of the count per label."""


_LAST = frozenset({Feature.NATIVE, Feature.Z_ORDER, Feature.GROUPS, Feature.PROVENANCE})
"""Features that are told where rows are taken, of many at once, and not in the order of what is written."""


class Verdict(Protocol):
    """What is said of all rows together, however many processes walked them; it can be hashed and sent."""

    def __call__(self, counts: Counts, totals: Mapping[str, int]) -> None:
        """Make the notes that follow from the counts."""


_COUNTED = ("into", "changed", "dropped", "_losses", "_notes", "_verdicts")


class Counts:
    """Counts of what was read (or written), and the losses and notes that came with it.

    ``into``, ``changed`` and ``dropped`` are plain counters by :data:`Key`; importers add to them directly, since a
    call per shape is what costs. What was found before the rows (in the ontology) is the *head*: the counts rewind
    to it when its rows are read again.
    """

    __slots__ = ("_head", "_losses", "_notes", "_verdicts", "changed", "dropped", "into")

    def __init__(self) -> None:
        self.into: defaultdict[Key, int] = defaultdict(int)
        self.changed: defaultdict[Key, int] = defaultdict(int)
        self.dropped: defaultdict[Key, int] = defaultdict(int)
        self._losses: dict[tuple[Kind, str, Feature, str, str], _Tally] = {}
        self._notes: dict[tuple[Level, str, str], _Tally] = {}
        self._verdicts: dict[Verdict, Counter[str]] = {}
        self._head: Counts | None = None

    def lose(
        self,
        kind: Kind,
        code: str,
        feature: Feature,
        key: Key,
        where: Where,
        detail: str,
        count: int = 1,
    ) -> None:
        """Record a loss without counting its things; see :meth:`drop` and :meth:`change`."""
        index = (kind, code, feature, *key)
        tally = self._losses.get(index)
        if tally is None:
            tally = self._losses[index] = _Tally(where, detail)
        tally.add(count, where, detail)

    def lose_more(self, kind: Kind, code: str, feature: Feature, key: Key) -> bool:
        """Count one more thing under a loss that has examples enough; return whether there is one."""
        tally = self._losses.get((kind, code, feature, *key))
        if tally is None or len(tally.examples) < _kept:
            return False
        tally.count += 1
        return True

    def wants_examples(self, kind: Kind, code: str, feature: Feature, key: Key) -> bool:
        """Tell whether a loss has fewer examples than it may have."""
        tally = self._losses.get((kind, code, feature, *key))
        return tally is None or len(tally.examples) < _kept

    def drop(
        self,
        code: str,
        feature: Feature,
        key: Key,
        where: Where,
        detail: str,
        *,
        carried: Carried = (),
        count: int = 1,
    ) -> None:
        """Record that ``count`` things, and what they carry, are not taken over."""
        self.dropped[key] += count
        for type_, number in carried:
            self.dropped[type_, key[1]] += number
        self.lose(Kind.DROPPED, code, feature, key, where, detail, count)

    def change(
        self,
        kind: Kind,
        code: str,
        feature: Feature,
        key: Key,
        where: Where,
        detail: str,
        *,
        counted: bool = False,
        count: int = 1,
    ) -> None:
        """Record that ``count`` things are taken over in another form; ``counted``: as changed already."""
        if not counted:
            self.changed[key] += count
        self.lose(kind, code, feature, key, where, detail, count)

    def note(self, level: Level, code: str, detail: str, where: Where = NOWHERE, count: int = 1) -> None:
        """Record something that lost nothing; equal details are counted together."""
        tally = self._notes.get((level, code, detail))
        if tally is None:
            tally = self._notes[level, code, detail] = _Tally(where, detail)
        tally.add(count, where, detail)

    def note_more(self, level: Level, code: str, detail: str, count: int = 1) -> bool:
        """Count more under a note that has places enough; return whether there is one."""
        tally = self._notes.get((level, code, detail))
        if tally is None or len(tally.examples) < _kept:
            return False
        tally.count += count
        return True

    def weigh(self, verdict: Verdict, totals: Mapping[str, int]) -> None:
        """Add to the counts of which a verdict speaks, after all notes."""
        self._verdicts.setdefault(verdict, Counter()).update(totals)

    def mark_head(self) -> None:
        """Keep what was recorded so far when the rows are read again."""
        self._head = self._copy()

    def rewind(self) -> None:
        """Forget all that came after :meth:`mark_head`."""
        head = (self._head or Counts())._copy()
        self.restore(head.state())

    def state(self) -> tuple[Any, ...]:
        """Return what a walk counted, for :meth:`restore`: the next walk begins with counts of its own."""
        return tuple(getattr(self, name) for name in _COUNTED)

    def restore(self, state: tuple[Any, ...]) -> None:
        """Let what was counted before a walk that nobody asked for stand again."""
        for name, value in zip(_COUNTED, state, strict=True):
            setattr(self, name, value)

    def merge(self, other: Counts) -> None:
        """Add what other counts hold; the order of merging decides which examples are kept."""
        for name in ("into", "changed", "dropped"):
            mine = getattr(self, name)
            for key, count in getattr(other, name).items():
                mine[key] += count
        for store in ("_losses", "_notes"):
            mine = getattr(self, store)
            for index, tally in getattr(other, store).items():
                kept = mine.setdefault(index, _Tally(tally.where, tally.detail))
                kept.count += tally.count
                kept.examples.extend(tally.examples[: _kept - len(kept.examples)])
        for verdict, totals in other._verdicts.items():
            self.weigh(verdict, totals)

    def without(self, code: str) -> Counts:
        """Return a copy without the losses of a code."""
        copy = self._copy()
        copy._losses = {index: tally for index, tally in copy._losses.items() if index[1] != code}
        return copy

    def _copy(self) -> Counts:
        copy = Counts()
        copy.merge(self)
        return copy

    def losses(self) -> list[Loss]:
        """Return the losses in the order they were met, those of what is native last."""
        losses = [
            Loss(*index, tally.count, tally.where, tally.detail, tuple(tally.examples))
            for index, tally in self._losses.items()
        ]
        return sorted(losses, key=lambda loss: loss.feature in _LAST)

    def notes(self) -> list[Note]:
        """Return the notes in the order they were made."""
        whole = self._copy()
        for verdict, totals in self._verdicts.items():
            verdict(whole, totals)
        return [
            Note(
                index[0], index[1], tally.where, tally.detail, tally.count, tuple(where for where, _ in tally.examples)
            )
            for index, tally in whole._notes.items()
        ]
