"""Edits of rows that a label set has handed out: an edit is kept, and a row that nobody edits is forgotten.

A label set makes each row when it is asked for. A row that it hands out is watched (see
:mod:`encord_convert.sdk.objects._watching`) and, from the first edit on, held: the next walk gives the edited row
instead of what the source says. Rows that are only looked at go when the caller lets go of them, so that memory stays
flat however many there are.

An object that outlives its row may be edited too: it takes its place in the row when that is read again. Lists and
dictionaries that a row shows, which can be changed without a call, are compared with what they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import ref

from encord_convert.hub.changes import EDITED, Changes
from encord_convert.hub.counts import Counts
from encord_convert.hub.table import Table
from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance
from encord_convert.sdk.objects._watching import Watch
from encord_convert.sdk.objects.coordinates import _copied
from encord_convert.sdk.objects.ontology_object_instance import _own


class Edits:
    """The rows one label set has handed out, by their number.

    Attributes
    ----------
    counts : Counts
        Is told, in each walk, how the edited rows differ from the source.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self._rows: dict[int, tuple[LabelRowV2, LabelRowV2]] = {}
        self._live: dict[int, _Watch] = {}
        self._loose: dict[int, list[Any]] = {}
        self._metadata: dict[int, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        """Whether any row was edited."""
        for watch in list(self._live.values()):
            watch.look()
        return bool(self._rows or self._loose or self._metadata)

    def handed_out(self, number: int, row: LabelRowV2) -> LabelRowV2:
        """Return a row for the caller to keep and to edit: the one that was handed out before, while it is there."""
        watch = self._live.get(number)
        before: LabelRowV2 | None = None if watch is None else watch()
        if before is not None:
            return before
        row = self._edited(number, row)[1]
        if number not in self._rows:
            self._live[number] = watch = _Watch(row, self, number)
            row._watch(watch)
        return row

    def applied(self, tables: Iterator[Table | LabelRowV2], told: Counts | None) -> Iterator[Table | LabelRowV2]:
        """Yield what a walk yields, edited.

        Parameters
        ----------
        told : Counts or None
            What the walk was told before; the counts of the edits add to it. None: nothing is told.
        """
        self.counts.rewind()
        changes = Changes(self.counts, EDITED)
        number = 0
        for one in tables:
            edited = self._rows.keys() | self._loose.keys() | self._metadata.keys()
            if isinstance(one, Table) and edited.isdisjoint(range(number, number + len(one))):
                number += len(one)
                yield one
                continue
            for row in one.rows() if isinstance(one, Table) else [one]:
                was, now = self._edited(number, row)
                if told is not None and was is not now:
                    changes.tell(was, now)
                number += 1
                yield now
        if told is not None:
            self.counts.merge(told)

    def _edited(self, number: int, row: LabelRowV2) -> tuple[LabelRowV2, LabelRowV2]:
        """Return a row of the source as it was and as it is; twice the same where nothing was edited."""
        known = self._rows.get(number)
        if known is not None:
            return known
        if number not in self._loose and number not in self._metadata:
            return row, row
        was = row._twin()
        for instance in self._loose.pop(number, ()):
            row._put_back(instance)
        if number in self._metadata:
            row.client_metadata = self._metadata.pop(number)
        self._rows[number] = was, row
        return was, row

    # --- what watches say -------------------------------------------------------------------------------------------

    def _hold(self, number: int, was: LabelRowV2, row: LabelRowV2) -> None:
        self._rows.setdefault(number, (was, row))
        self._live.pop(number, None)

    def _let_go(self, watch: _Watch) -> None:
        if self._live.get(watch.number) is watch:
            del self._live[watch.number]

    def _keep_loose(self, number: int, instance: Any) -> None:
        """Keep an instance whose row is gone."""
        loose = self._loose.setdefault(number, [])
        if any(one is instance for one in loose):
            return
        is_second = any(type(one) is type(instance) and one._hash == instance._hash for one in loose)
        if is_second or number in self._rows or number in self._live:
            if not loose:
                del self._loose[number]
            raise LabelRowError(
                f"The row of this {instance._kind} is gone and was read again: there are two of the same. "
                "Edit the one in the row at hand, or keep all rows in memory with labels.held()."
            )
        loose.append(instance)


class _Watch(Watch):
    """Watches one row that was handed out."""

    __slots__ = ("_shown", "edits", "number")

    def __new__(cls, row: LabelRowV2, edits: Edits, number: int) -> _Watch:
        return ref.__new__(cls, row, _gone)

    def __init__(self, row: LabelRowV2, edits: Edits, number: int) -> None:
        self.edits = edits
        self.number = number
        self._shown: dict[int, tuple[Any, Any, Any]] = {}

    def touched(self, instance: Any = None) -> None:
        row = self()
        if row is None:
            self.edits._keep_loose(self.number, instance)
        elif self.number not in self.edits._rows:
            self.look()
            if self.number not in self.edits._rows:
                self.edits._hold(self.number, row._twin(), row)

    def shown(self, value: Any, instance: Any = None) -> None:
        if self() is None:
            self.edits._keep_loose(self.number, instance)
        elif self.number not in self.edits._rows and id(value) not in self._shown:
            is_plain = isinstance(value, list | dict)
            self._shown[id(value)] = value, _copied(value) if is_plain else _own(value), instance

    def look(self) -> None:
        """Look whether something that was shown has changed since, while the row is there."""
        row = self()
        changed = [(value, before, one) for value, before, one in self._shown.values() if value != before]
        if not changed or row is None or self.number in self.edits._rows:
            return
        was = row._twin()
        for value, before, instance in changed:
            if instance is None:
                was._client_metadata = before
            elif isinstance(instance, ObjectInstance) and instance._hash in was._objects:
                for frame, data in instance._frames.items():
                    if data.coordinates is value:
                        was._objects[instance._hash]._frames[frame].coordinates = before
        self.edits._hold(self.number, was, row)

    def settle(self) -> None:
        """Keep what has changed of what was shown, now that the row is gone."""
        for value, before, instance in self._shown.values():
            if value != before and instance is None:
                self.edits._metadata[self.number] = value
            elif value != before:
                self.edits._keep_loose(self.number, instance)
        self._shown.clear()


class _ReadOnly(Watch):
    """Refuses that a row is edited whose edits nobody would see."""

    __slots__ = ()

    def touched(self, instance: Any = None) -> None:
        raise LabelRowError(
            "This row is there to be looked at, and an edit of it would be lost. "
            "Edit the rows of `for row in labels`, or of labels.held()."
        )

    def shown(self, value: Any, instance: Any = None) -> None:
        pass


def read_only(rows: Iterator[LabelRowV2]) -> Iterator[LabelRowV2]:
    """Yield rows that refuse to be edited, but for those that are edited and held."""
    for row in rows:
        if not isinstance(row._ref, Watch):
            row._watch(_ReadOnly(row))
        yield row


def _gone(watch: Any) -> None:
    watch.edits._let_go(watch)
    watch.settle()
