"""What one walk over a CVAT file counts: things read, changed and dropped.

Shapes of one variant (:class:`~encord_convert.formats.cvat.read_attributes.Ready`) are counted by it. The counts reach
those of the report in :meth:`Account.flush`; the first :data:`~encord_convert.hub.counts.EXAMPLES` of each kind of loss
are told apart by place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from encord_convert.formats.cvat.exact_xml import UNREAD, Answers, Shape, Sides
from encord_convert.formats.cvat.read_attributes import Change, Plan, Ready, Variants
from encord_convert.hub.counts import EXAMPLES, Counts, Key
from encord_convert.hub.draft import Draft
from encord_convert.hub.loss import NOWHERE, Feature, Kind, Level, Where

_FLAGS, _FLAG_VALUES = ("outside", "keyframe"), ("", "0", "1")
_MAX_READY = 8192
"""How many different variants are remembered; free texts make each shape a variant of its own."""


@lru_cache(maxsize=1024)
def _unread_in(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of the names of a shape's values stand for what is not read; few lists of names make up a file."""
    return tuple(name[1:] for name in names if name[:1] == UNREAD)


class Tables(Protocol):
    """Counts of variants that are kept apart."""

    def settle(self) -> None:
        """Add the counts to those of the variants."""

    def clear(self) -> None:
        """Forget the variants."""


class Account:
    """The counting side of one walk over one file.

    Parameters
    ----------
    counts : Counts
    draft : Draft
        For the frame informations that all labels share.
    place : str
        What to call the file.

    Attributes
    ----------
    title : str
        Of the image or video at hand.
    cache : dict
        Where readers keep the variants they asked for; emptied when there are too many.
    tables : Tables or None
        Whoever else counts variants: asked for its counts when they are needed, and to forget the variants.
    """

    def __init__(self, counts: Counts, draft: Draft, place: str) -> None:
        self.counts = counts
        self.place = place
        self.title = ""
        self.cache: dict[Any, Ready] = {}
        self.tables: Tables | None = None
        self._variants = Variants(draft)
        self._all: list[tuple[str, str, Ready]] = []
        self._told: dict[tuple[str, bool, str, str], int] = {}
        self._untold: dict[tuple[str, bool, str, str, bool], list[Any]] = {}

    def where(self, line: int | None, element: str) -> Where:
        """Return a place in this file."""
        return Where(file=self.place, line=line, row=self.title or None, element=f"<{element}>")

    # -- variants -------------------------------------------------------------------------------------------------

    def ready(
        self, plan: Plan, element: str, sides: Sides, answers: Answers, points: Sequence[tuple[str, Answers]] = ()
    ) -> Ready:
        """Return what shapes of this variant have in common; the parameters are those of ``Variants.ready``."""
        if len(self._all) > _MAX_READY:
            self._forget()
        ready = self._variants.ready(plan, sides, answers, points)
        self._all.append((element, plan.label, ready))
        return ready

    def make_room(self, count: int) -> None:
        """See to it that no variant is forgotten while so many are asked for; whoever holds them may go on counting."""
        if len(self._all) + count > _MAX_READY:
            self._forget()

    def _forget(self) -> None:
        """Forget the variants that came once, or all if those are few."""
        if self.tables is not None:
            self.tables.settle()
        often = {key: ready for key, ready in self.cache.items() if ready.count > 1}
        self.flush()
        self._variants.forget()
        if len(often) > _MAX_READY * 3 // 4:
            often.clear()
        self.cache.clear()
        self.cache.update(often)
        kept = {id(ready) for ready in often.values()}
        self._all = [entry for entry in self._all if id(entry[2]) in kept]
        if self.tables is not None:
            self.tables.clear()

    # -- shapes -----------------------------------------------------------------------------------------------

    def tell(self, ready: Ready, element: str, line: int | None) -> None:
        """Tell the changes of one shape of an open variant, as long as there are too few examples of one of them."""
        label = ready.plan.label
        is_counted = ready.is_open = False
        for change in ready.changes:
            if self._lose(change, element, label, line, is_counted and not change.type):
                ready.is_open = True
            is_counted |= not change.type
        # `flush` counts the changes of every shape counted here; this one has told them already.
        ready.count -= 1
        self._count(ready, (element, label), 1)

    def _lose(self, change: Change, element: str, label: str, line: int | None, is_counted: bool) -> bool:
        """Tell a change of one shape, or just count it; return whether more examples of it are wanted."""
        index = (change.code, change.is_drop, change.type or element, label)
        told = self._told.get(index, 0)
        if told >= EXAMPLES:
            self._add_untold(change, element, label, is_counted, 1)
            return False
        self._told[index] = told + 1
        self._write(change, (change.type or element, label), self.where(line, element), is_counted, change.count)
        return True

    def _add_untold(self, change: Change, element: str, label: str, is_counted: bool, times: int) -> None:
        index = (change.code, change.is_drop, change.type or element, label, is_counted)
        entry = self._untold.get(index)
        if entry is None:
            entry = self._untold[index] = [change, 0]
        entry[1] += change.count * times

    def _write(self, change: Change, key: Key, where: Where, is_counted: bool, count: int) -> None:
        if change.is_drop:
            self.counts.drop(change.code, change.feature, key, where, change.detail, count=count)
        else:
            self.counts.change(
                change.kind, change.code, change.feature, key, where, change.detail, counted=is_counted, count=count
            )

    def change(self, ready: Ready, change: Change, line: int | None, is_counted: bool) -> None:
        """Say what was changed about one shape, which is no tag; ``is_counted``: another change was said of it."""
        plan: Any = ready.plan
        self._lose(change, plan.element, plan.label, line, is_counted)

    def wants(self, ready: Ready, change: Change) -> bool:
        """Tell whether another example of a change of shapes of this variant is wanted."""
        plan: Any = ready.plan
        return self._told.get((change.code, change.is_drop, change.type or plan.element, plan.label), 0) < EXAMPLES

    def drop(self, ready: Ready, element: str, line: int | None, loss: Change) -> None:
        """Say that a shape, with all it carries, is not taken over; it must not be counted otherwise."""
        key = (element, ready.plan.label)
        self._count(ready, key, 1)
        for type_, count in ready.into:
            self.counts.dropped[type_, key[1]] += count
        if loss.kind is Kind.DROPPED:
            self.counts.drop(loss.code, loss.feature, key, self.where(line, element), loss.detail)
        else:
            self.counts.dropped[key] += 1
            self.counts.lose(loss.kind, loss.code, loss.feature, key, self.where(line, element), loss.detail)

    def drop_unknown(self, element: str, label: str, line: int | None) -> None:
        """Say that an element is none this format knows."""
        self.counts.into[element, label] += 1
        detail = f"<{element}> is no shape of CVAT that can be read."
        self.counts.drop("UNSUPPORTED_SHAPE", Feature.SHAPE, (element, label), self.where(line, element), detail)
        self.counts.note(Level.ERROR, "UNSUPPORTED_SHAPE", detail, self.where(line, element))

    def lose_unread(self, shape: Shape) -> None:
        """Say what of a shape is not read: elements in it, and XML attributes of its answers."""
        values, children = shape[3], shape[5]
        for name in _unread_in(tuple(values)):
            self._lose_name(shape, name)
        for name in _FLAGS:
            if values.get(name, "") not in _FLAG_VALUES:
                self._lose_name(shape, name)
        for child in children or ():
            self.lose_unread(child)

    def _lose_name(self, shape: Shape, name: str) -> None:
        detail = f"{name.rpartition('.')[2]!r} in <{shape[0]}> is nothing CVAT writes; it is not read."
        where = self.where(shape[6], shape[0])
        key = ("key", f"annotation.{name}")
        self.counts.lose(Kind.DROPPED, "UNKNOWN_ELEMENT", Feature.NATIVE, key, where, detail)

    def note(self, level: Level, code: str, detail: str, line: int | None, element: str) -> None:
        """Say something that lost nothing."""
        self.counts.note(level, code, detail, self.where(line, element))

    def _count(self, ready: Ready, key: Key, count: int) -> None:
        into = self.counts.into
        into[key] += count
        for type_, number in ready.into:
            into[type_, key[1]] += number * count

    def flush(self) -> None:
        """Bring all counts to those of the report."""
        if self.tables is not None:
            self.tables.settle()
        for element, label, ready in self._all:
            count, ready.count = ready.count, 0
            if count:
                self._count(ready, (element, label), count)
                is_counted = False
                for change in ready.changes:
                    self._add_untold(change, element, label, is_counted and not change.type, count)
                    is_counted |= not change.type
        for (_, _, type_, label, is_counted), (change, count) in self._untold.items():
            self._write(change, (type_, label), NOWHERE, is_counted, count)
        self._untold.clear()
