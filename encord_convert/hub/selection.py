"""Label sets derived from others: of some images, of some annotations, of rows as a function makes them.

A derived set is a stream like the first: tables stay tables, rows rows, and memory flat. What is taken away, changed
and added is told in the walk under way, as asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from heapq import heappush, heappushpop
from typing import Any, Protocol

import numpy as np

from encord_convert.hub.changes import FILTERED, Changes
from encord_convert.hub.conditions import Coded, Condition, Fields
from encord_convert.hub.contents import count_row, labels_off_frames
from encord_convert.hub.counts import Counts
from encord_convert.hub.fields import RowFields, RowImages, TableFields, TableImages
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Level
from encord_convert.hub.native import of_classes as native_of_classes
from encord_convert.hub.table import Table
from encord_convert.hub.unmatched import refuse_unmatched
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

One = Table | LabelRowV2


class Step(Protocol):
    """What becomes of each table and row of one walk."""

    def table(self, table: Table, changes: Changes) -> Table | None:
        """Return what becomes of a table, which is not changed; None: all of it is left out."""

    def row(self, row: LabelRowV2, changes: Changes) -> LabelRowV2 | None:
        """Return what becomes of a row, which is not changed; None: it is left out."""


def derived(
    labels: LabelSet,
    begin: Callable[[], Step],
    code: str,
    *,
    in_rows: bool = False,
    end: Callable[[Any], None] = lambda step: None,
) -> LabelSet:
    """Return the set of what the steps make of another.

    Parameters
    ----------
    labels : LabelSet
        Not changed.
    begin : callable
        Gives the step of a new walk.
    code : str
        Of what is told: :data:`~encord_convert.hub.changes.EDITED` or :data:`~encord_convert.hub.changes.FILTERED`.
    in_rows : bool
        The steps take rows alone.
    end : callable
        Is given the step of a walk that has come to its end.
    """
    own = Counts() if labels.counts is None else None
    told = Counts()

    def walk() -> Iterator[One]:
        told.rewind()
        if own is not None:
            own.rewind()
        counts = labels.counts if own is None else own
        changes, step = Changes(told, code, counts), begin()
        # What nobody counted is counted row by row.
        for one in labels._unguarded() if in_rows or own is not None else labels.tables():
            if isinstance(one, Table):
                table = step.table(one, changes)
                if table is not None and len(table):
                    yield table
                continue
            if own is not None:
                count_row(one, own.into)
                own.into.pop(("row", ""), None)  # as importers do, only labels are counted
            row = step.row(one, changes)
            if row is not None:
                yield row
        end(step)
        if labels.mapping is not None:
            told.merge(labels.mapping)

    new = LabelSet(labels.ontology, tables=walk, title=labels.title, counts=labels.counts if own is None else own)
    new.native, new.mapping, new.source = labels.native, told, labels.source
    return new


class RowStep:
    """Makes of each row what a function does of a copy of it."""

    def __init__(self, function: Callable[[LabelRowV2], LabelRowV2 | None]) -> None:
        self._function = function

    def table(self, table: Table, changes: Changes) -> Table | None:
        """Refuse a table; see ``in_rows`` of :func:`derived`."""
        raise NotImplementedError

    def row(self, row: LabelRowV2, changes: Changes) -> LabelRowV2 | None:
        new = self._function(row._twin())
        changes.tell(row, new)
        return new


class Where:
    """Leaves out the annotations and images for which a condition does not hold.

    An image goes if the condition fails whatever is on it: by its split, its title, its size.
    """

    def __init__(self, condition: Condition | None, drop_empty: bool) -> None:
        self._condition = condition
        self._drop_empty = drop_empty
        self._is_said = False
        self.is_met = False
        """Whether it holds for an annotation that was seen."""
        self.is_met_by_images = False
        """Whether it may hold for an image that was seen."""

    def table(self, table: Table, changes: Changes) -> Table | None:
        self._say(changes)
        fields = TableFields(table)
        kept, images = self._may_hold(fields), self._may_hold(TableImages(table))
        self.is_met = self.is_met or bool(kept.any())
        self.is_met_by_images = self.is_met_by_images or bool(images.any())
        if self._drop_empty:
            images = images & (np.bincount(fields.owners[kept], minlength=len(table)) > 0)
        return _taken(table, fields, images, kept, changes)

    def row(self, row: LabelRowV2, changes: Changes) -> LabelRowV2 | None:
        self._say(changes)
        fields = RowFields(row)
        kept = self._may_hold(fields)
        self.is_met = self.is_met or bool(kept.any())
        is_empty = self._drop_empty and not kept.any() and not labels_off_frames(row)
        may_stay = bool(self._may_hold(RowImages(row))[0])
        self.is_met_by_images = self.is_met_by_images or may_stay
        stays = may_stay and not is_empty
        if stays:
            return _with(row, fields, kept, changes)
        changes.tell(row, None)
        return None

    def _may_hold(self, fields: Fields) -> Any:
        return np.ones(len(fields), bool) if self._condition is None else self._condition.of(fields).may_hold

    def _say(self, changes: Changes) -> None:
        for sentence in () if self._is_said or self._condition is None else self._condition.unknown:
            changes.note(Level.WARNING, "CLASS_UNKNOWN", sentence)
        self._is_said = True


class Classes:
    """Leaves out the labels of some classes.

    Parameters
    ----------
    gone : set of str
        Hashes of the classes and classifications.
    """

    def __init__(self, gone: frozenset[str]) -> None:
        self._gone = gone

    def table(self, table: Table, changes: Changes) -> Table | None:
        """Return the table without them."""
        fields = TableFields(table)
        kept = fields.by_variant(lambda one: one.item.feature_node_hash, lambda one: one.feature_hash)
        stays = kept.mapped(lambda hash_: hash_ not in self._gone, bool)
        return _taken(table, fields, np.ones(len(table), bool), stays, changes)

    def row(self, row: LabelRowV2, changes: Changes) -> LabelRowV2 | None:
        """Return the row without them."""
        fields = RowFields(row)
        return _with(row, fields, [one.feature_hash not in self._gone for one, _ in fields.annotations], changes)


class Sample:
    """Leaves out the rows that are not among some, by their number in the walk."""

    def __init__(self, numbers: frozenset[int]) -> None:
        self._numbers = numbers
        self._next = 0

    def table(self, table: Table, changes: Changes) -> Table | None:
        first, self._next = self._next, self._next + len(table)
        images = np.array([number in self._numbers for number in range(first, self._next)])
        fields = TableFields(table)
        return _taken(table, fields, images, images[fields.owners], changes)

    def row(self, row: LabelRowV2, changes: Changes) -> LabelRowV2 | None:
        number, self._next = self._next, self._next + 1
        new = row._twin() if number in self._numbers else None
        changes.tell(row, new)
        return new


def where(labels: LabelSet, text: str | None, *, drop_empty: bool = False, needed: str = "") -> LabelSet:
    """Return the set of the annotations for which a condition holds, and of the images it does not exclude.

    Parameters
    ----------
    labels : LabelSet
        Not changed.
    text : str or None
        See :mod:`encord_convert.hub.conditions`; None holds for all.
    drop_empty : bool
        Images on which no annotation is left, or was, are left out too.
    needed : str
        How the condition was given, as ``--where``: a walk that comes to its end without an annotation for which it
        holds is an error.

    Raises
    ------
    OptionError
        It is not a condition; or, in a walk, it is ``needed`` and holds for none of the annotations there are.
    """
    condition = None if text is None else Condition(text, labels.ontology)

    def end(step: Where) -> None:
        if condition is not None and needed and not step.is_met:
            refuse_unmatched(condition, labels, needed, has_images=step.is_met_by_images)

    return derived(labels, lambda: Where(condition, drop_empty), FILTERED, end=end)


def of_classes(labels: LabelSet, ontology: OntologyStructure) -> LabelSet:
    """Return the set of the labels of the classes and classifications of an ontology, which it then has."""
    hashes, left = (
        {item.feature_node_hash for item in [*one.objects, *one.classifications]} for one in (labels.ontology, ontology)
    )
    gone = frozenset(hashes - left)
    new = derived(labels, lambda: Classes(gone), FILTERED)
    new.ontology = ontology
    names = {item.title for item in ontology.objects}
    gone_names = {item.title: None for item in labels.ontology.objects if item.title not in names}
    new.native = native_of_classes(labels.native, gone_names)
    return new


def sample(labels: LabelSet, count: int, *, seed: int = 0, per_class: bool = False) -> LabelSet:
    """Return the set of some rows, chosen by their title and the seed.

    Which they are does not depend on their order: of a set that grows, those that were chosen mostly stay. The rows
    are walked once to choose them, when the new set is first walked.

    Parameters
    ----------
    labels : LabelSet
        Not changed.
    count : int
        How many rows (images, videos, series); all if there are fewer.
    seed : int
    per_class : bool
        For each class, that many of the rows it is on; together those of all classes.
    """
    known: list[frozenset[int]] = []

    def begin() -> Sample:
        if not known:
            known.append(frozenset(_drawn(labels, count, seed, per_class)))
        return Sample(known[0])

    return derived(labels, begin, FILTERED)


def _drawn(labels: LabelSet, count: int, seed: int, per_class: bool) -> Iterator[int]:
    """Yield the numbers of the rows that are drawn; of each class the ``count`` of least digest are."""
    heaps: dict[str, list[tuple[int, int]]] = {}
    number = 0
    for one in labels.tables():
        titles = one.titles if isinstance(one, Table) else [one.data_title]
        groups = _classes_on(one) if per_class else [[""]] * len(titles)
        for title, names in zip(titles, groups, strict=True):
            digest = blake2b(f"{seed}\0{title}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
            entry = -int.from_bytes(digest, "big"), -number
            for name in names:
                heap = heaps.setdefault(name, [])
                if len(heap) < count:
                    heappush(heap, entry)
                elif count:
                    heappushpop(heap, entry)
            number += 1
    for heap in heaps.values():
        yield from (-number for _, number in heap)


def _classes_on(one: One) -> list[list[str]]:
    """Return the classes on each image of a table, or on a row."""
    if not isinstance(one, Table):
        column = RowFields(one).field("class")
        assert isinstance(column, Coded)
        return [[*column.vocabulary]]
    fields = TableFields(one)
    column = fields.field("class")
    assert isinstance(column, Coded)
    names = Coded.of(column.vocabulary)
    found: list[list[str]] = [[] for _ in range(len(one))]
    pairs = np.unique(np.stack([fields.owners, names.codes[column.codes]], axis=1), axis=0) if len(fields) else ()
    for owner, code in np.asarray(pairs).tolist():
        found[owner].append(names.vocabulary[code])
    return found


def _with(row: LabelRowV2, fields: RowFields, kept: Any, changes: Changes) -> LabelRowV2:
    """Return a copy of a row with some of its annotations, and tell of the others."""
    gone: dict[str, list[int | None]] = {}
    for (one, frame), stays in zip(fields.annotations, kept, strict=True):
        if not stays:
            gone.setdefault(one._hash, []).append(frame)
    known: dict[str, Any] = {**row._objects, **row._classifications}
    whole = {hash_ for hash_, frames in gone.items() if len(frames) >= len(known[hash_]._frames)}
    new = row._twin(but=whole)
    for hash_ in gone.keys() - whole:
        instance: Any = new._objects.get(hash_) or new._classifications[hash_]
        instance.remove_from_frames(gone[hash_])
    changes.tell_left(row, new, gone)
    return new


def _taken(table: Table, fields: TableFields, images: Any, kept: Any, changes: Changes) -> Table | None:
    """Return the table of some of its images and annotations, and tell of the others."""
    kept = kept & images[fields.owners]
    if images.all() and kept.all():
        return table
    shapes, said = kept[: len(table.variants)], kept[len(table.variants) :]
    for number in np.flatnonzero(~images).tolist():
        changes.drop_image(table.empty_row(number) if changes.wants_image() else None)
    changes.drop_shapes(table, np.flatnonzero(~shapes).tolist())
    classifications: dict[int, list[Any]] = {}
    for (number, one), stays in zip(fields.classifications, said.tolist(), strict=True):
        if stays:
            classifications.setdefault(number, []).append(one)
        else:
            changes.drop(table.empty_row(number), one)
    return table.taken(images, shapes, classifications) if images.any() else None
