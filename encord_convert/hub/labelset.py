"""One ontology and its label rows.

A :class:`LabelSet` is what every importer returns and every exporter takes. Its rows are a *stream that can be
walked again*: an importer makes each row when it is asked for and forgets it, so a million shapes never stand in
memory together. :class:`encord_convert.hub.draft.Draft` builds rows and ontologies;
:mod:`encord_convert.losses.compare` compares two sets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import ref

import msgspec

from encord_convert.errors import OptionError, near_to
from encord_convert.hub.changes import EDITED, FILTERED
from encord_convert.hub.class_names import joined
from encord_convert.hub.counts import Counts
from encord_convert.hub.exchanges import Exchanges, above
from encord_convert.hub.table import Table
from encord_convert.hub.video import Video
from encord_convert.sdk.objects import LabelRowV2, Object, OntologyStructure, Shape
from encord_convert.sdk.objects._label_row_data import like

if TYPE_CHECKING:
    from encord_convert.hub.edits import Edits


class Before(msgspec.Struct, frozen=True):
    """What comes before a shard: rows, and objects by the shape of their class.

    It is an estimate: an importer may find that it has to leave something out.
    """

    rows: int
    objects: Mapping[Shape, int]


class LabelSet(Exchanges):
    """One ontology and a stream of label rows that can be walked again.

    ``for row in labels`` hands out rows to look at and to edit. An edited row is held, and stands in the place of what
    the source says in every walk from then on, also in that of :func:`encord_convert.write`; rows that are only looked
    at are forgotten. :meth:`filter`, :meth:`rename` and :meth:`map` give new sets and leave this one as it is.

    Parameters
    ----------
    ontology : OntologyStructure
        The classes every row is drawn with.
    rows : callable or sequence
        Rows, or a function that starts a new walk over them.
    title : str
        What the set is called where it came from.
    counts : Counts, optional
        The importer's counts of the walk under way, complete when the walk ends. None: nobody counted.
    shards : callable, optional
        ``shards(n)`` cuts the set into up to n sets whose rows, one after the other, are the rows of this one.
        Each has a ``spec``, by which another process makes it again.
    tables : callable, optional
        Instead of ``rows``: a function that starts a new walk over them, many at a time where it can.

    Attributes
    ----------
    spec : (str, object) or None
        Address of a function, ``module:name``, and the argument it makes this set of; both can be pickled.
    before : Before or None
        What the shards before this one hold, as far as that is known.
    source : Source or None
        What it was read from: images lie there, too.
    origins : tuple of str
        The files and folders that it and the sets it was made of were read from: nothing is written over them.
    """

    def __init__(
        self,
        ontology: OntologyStructure,
        rows: Callable[[], Iterator[LabelRowV2]] | Sequence[LabelRowV2] = (),
        *,
        title: str = "",
        counts: Counts | None = None,
        shards: Callable[[int], Sequence[LabelSet]] | None = None,
        tables: Callable[[], Iterator[Table | Video | LabelRowV2]] | None = None,
    ) -> None:
        self.ontology = ontology
        self.title = title
        self.counts = counts
        self.native: dict[str, Any] = {}
        self.spec: tuple[str, Any] | None = None
        self.before: Before | None = None
        self._mapping: Counts | None = None
        self.source: Any = None
        self.origins: tuple[str, ...] = ()
        self._splits: Collection[str] | None = None
        self._rows = rows
        self._shards = shards
        self._tables = tables
        self._as_read = ontology.to_dict() if shards is not None else None
        self._edits: Edits | None = None
        self._length: int | None = None
        self._last_walk: ref[_Walk] | None = None

    def __repr__(self) -> str:
        """Show how much there is, without a walk."""
        length = len(self._rows) if isinstance(self._rows, Sequence) and self._tables is None else self._length
        rows = "not counted yet" if length is None else length
        classes, classifications = len(self.ontology.objects), len(self.ontology.classifications)
        return f"LabelSet(title={self.title!r}, rows={rows}, classes={classes}, classifications={classifications})"

    def _repr_html_(self) -> str:
        """Show the first images with their labels, in a notebook."""
        shown: str = above("view.notebook").set_html(self)
        return shown

    # --- walking ----------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[LabelRowV2]:
        """Walk the rows from the first, to look at them and to edit them."""
        if isinstance(self._rows, list) and self._tables is None:  # the caller's own rows: they hold their edits
            return iter(self._rows)
        walk = _Walk(self._handed_out())
        self._last_walk = ref(walk)
        return walk

    def _handed_out(self) -> Iterator[LabelRowV2]:
        if self._edits is None:
            from encord_convert.hub.edits import Edits  # conversions walk rows that nobody edits

            self._edits = Edits()
        number = 0
        for number, row in enumerate(rows_of(without_videos(self._source())), 1):
            yield self._edits.handed_out(number - 1, row)
        self._length = number

    def __len__(self) -> int:
        """Return the number of rows. Where the source does not say, they are walked once."""
        if self._tables is None and isinstance(self._rows, Sequence):
            return len(self._rows)
        if self._length is None:
            walk = None if self._last_walk is None else self._last_walk()
            if walk is not None and walk.is_new:  # list(labels) asks for the length when its own walk is about to begin
                return walk.length()
            self._length = sum(len(one) if isinstance(one, Table) else 1 for one in self._source())
        return self._length

    def _source(self) -> Iterator[Table | Video | LabelRowV2]:
        if self._tables is not None:
            return self._tables()
        return self._rows() if callable(self._rows) else iter(self._rows)

    def tables(self) -> Iterator[Table | LabelRowV2]:
        """Walk the rows from the first, many at a time where the importer has them so; none of them is to be edited."""
        walk = without_videos(self._source())
        return self._edits.applied(walk, self._told()) if self._edits else walk

    def _columns(self) -> Iterator[Table | Video | LabelRowV2]:
        """Walk what :meth:`tables` does, videos in columns where the importer has them so."""
        return self.tables() if self._edits else self._source()

    def walk(self) -> Iterator[LabelRowV2]:
        """Walk the rows from the first, to look at them: an edit of one would be lost, and raises an error.

        Edit those of ``for row in labels``. Rows of a list that the caller made a set of are the caller's own.
        """
        from encord_convert.hub.edits import read_only

        is_own = isinstance(self._rows, list) and self._tables is None
        return self._unguarded() if is_own else read_only(self._unguarded())

    def _unguarded(self) -> Iterator[LabelRowV2]:
        """Walk the rows from the first; whoever does sees to it that none is edited."""
        return rows_of(self.tables())

    def _told(self) -> Counts | None:
        """Return what an edited walk adds to the report; None if nobody counted what comes in."""
        return None if self.counts is None else self._mapping or Counts()

    @property
    def mapping(self) -> Counts | None:
        """What edits, filters and mappings dropped and changed, of the walk under way; None if there are none."""
        return self._edits.counts if self._edits and self.counts is not None else self._mapping

    @mapping.setter
    def mapping(self, mapping: Counts | None) -> None:
        self._mapping = mapping

    @property
    def splits(self) -> Collection[str] | None:
        """The splits its rows say they are in, where that is known before they are walked; an edit may change it."""
        return None if self._edits else self._splits

    @splits.setter
    def splits(self, splits: Collection[str] | None) -> None:
        self._splits = splits

    def stats(self) -> dict[str, Any]:
        """Walk the rows once, and return the numbers of ``encord-convert stats --json``, which its page explains.

        Counts of classes, shapes and splits; sizes in px, by their side, the root of the area, and for COCO's small,
        medium and large; which classes stand on one image; answers.
        """
        numbers = above("hub.stats").Stats()
        numbers.add(self)
        form: dict[str, Any] = numbers.to_dict()
        return form

    def shards(self, count: int) -> Sequence[LabelSet]:
        """Return up to ``count`` sets that together are this one; this one alone if it cannot be cut.

        A set that was edited, or whose ontology was, cannot: other processes would read the source.
        """
        if self._shards is None or count < 2 or self._edits or self.ontology.to_dict() != self._as_read:
            return [self]
        return self._shards(count)

    def held(self) -> LabelSet:
        """Return the same set with its rows in memory: for small sets that are looked at more than once."""
        held = LabelSet(self.ontology, tuple(self._unguarded()), title=self.title, counts=self.counts)
        held.native = self.native
        held.mapping = self.mapping
        held.source, held.origins, held.splits = self.source, self.origins, self.splits
        return held

    # --- new sets ---------------------------------------------------------------------------------------------------

    def map(self, function: Callable[[LabelRowV2], LabelRowV2 | None], *, code: str = EDITED) -> LabelSet:
        """Return the set of what a function makes of each row.

        Rows are made when they are walked, one at a time, and memory stays flat. What the function takes away, changes
        and adds is counted in the report as asked for: no loss for ``strict``, unless it has a code of its own.

        Parameters
        ----------
        function : callable
            Given a copy of a row, which it may edit; returns it, another row, or None to leave the row out. It is
            called in every walk, and has to give the same each time.
        code : str
            Of the loss that is told, as ``BLURRED``: one that ``strict`` refuses and ``allow`` permits.

        Raises
        ------
        OptionError
            The code is not in capital letters, digits and ``_``.
        """
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", code):
            raise OptionError(f"map: the code {code!r} is not in capital letters, as BLURRED.")

        def step(row: LabelRowV2) -> LabelRowV2 | None:
            made = function(row)
            if made is not None and not isinstance(made, LabelRowV2):
                raise TypeError(
                    f"map: the function returned {made!r} for {row.data_title!r}; it returns a row or None."
                )
            return made

        return _row_by_row(self, step, code)

    def filter(
        self,
        where: str | Callable[[LabelRowV2], bool] | None = None,
        *,
        classes: Iterable[str] | None = None,
        drop_empty: bool = False,
    ) -> LabelSet:
        """Return the set of some images and annotations. What is left out is counted in the report as asked for.

        Parameters
        ----------
        where : str or callable, optional
            A condition on annotations, as ``class == "car" and area > 400``; see
            :mod:`encord_convert.hub.conditions`. Or a function that is given a row and tells whether it stays.
        classes : iterable of str, optional
            Names of the classes and classifications that stay; labels of all others go, and the others leave the
            ontology.
        drop_empty : bool
            Rows without labels go too; else they stay unless ``where`` excludes them.

        Raises
        ------
        OptionError
            There is no class of a name, or the text is not a condition.
        """
        chosen = self
        if callable(where):
            chosen = _row_by_row(self, lambda row: row if where(row) else None, FILTERED)
        elif where is not None:
            chosen = _selection().where(self, where)
        if classes is not None:
            names = {classes} if isinstance(classes, str) else set(classes)
            chosen = _selection().of_classes(chosen, _narrowed(self.ontology, names))
        return _selection().where(chosen, None, drop_empty=True) if drop_empty else chosen

    def sample(self, count: int, *, seed: int = 0, per_class: bool = False) -> LabelSet:
        """Return the set of some rows, chosen by chance; see :func:`encord_convert.hub.selection.sample`.

        Parameters
        ----------
        count : int
            How many rows (images, videos, series); all if there are fewer.
        seed : int
            The same seed draws the same rows.
        per_class : bool
            For each class, that many of the rows it is on.
        """
        drawn: LabelSet = _selection().sample(self, count, seed=seed, per_class=per_class)
        return drawn

    def rename(self, names: Mapping[str, str] | None = None, *, mapping: Any = None) -> LabelSet:
        """Return the set with other names for its classes, or with what a mapping file makes of them.

        Classes that get one name become one class for each shape. New names are what was asked for, and no loss.

        Parameters
        ----------
        names : mapping, optional
            Name of a class or classification to its new name; those that are not mentioned keep theirs.
        mapping : mapping or path, optional
            Instead: a document or file as ``--mapping`` takes; see :func:`encord_convert.sync.mapped`.

        Raises
        ------
        OptionError
            There is no class of a name.
        MappingError
            The mapping names what the labels do not have, or makes two kinds of one attribute.
        """
        if names is not None:
            if mapping is not None:
                raise TypeError("rename takes names or a mapping, not both.")
            _check_names(self.ontology, names)
            mapping = {"classes": [
                {"name": item.title, "shape": _shape(item), "to": names[item.title]}
                for item in _items(self.ontology)
                if item.title in names
            ]}  # fmt: skip
        renamed: LabelSet = above("sync").mapped(self, mapping or {}, place="rename")
        return renamed

    def split(
        self, *, train: float = 0.0, val: float = 0.0, test: float = 0.0, seed: int = 0, group: str = "row"
    ) -> LabelSet:
        """Return the set whose rows are in splits, by chance: those that ``--split`` and ``--seed`` give them.

        ``filter('split == "train"')`` is one of them then. What is in another split before is counted as edited.

        Parameters
        ----------
        train, val, test : float
            Shares of the rows, which add up to 1; 0 makes no such split.
        seed : int
        group : str
            What stays in one split: ``row``, ``folder`` or a key of the client metadata, as ``patient_id``.

        Raises
        ------
        OptionError
            The shares do not add up to 1.
        """
        shares = {"train": train, "val": val, "test": test}
        new: LabelSet = above("training.splits").assigned(self, shares, seed=seed, group=group)
        return new

    def merge(self, *others: LabelSet) -> LabelSet:
        """Return the set of the rows of this one and of others, with one ontology.

        Classes are the same if name and shape are; see :mod:`encord_convert.batch.merges`. Rows of sources whose paths
        name a split (``train/``, ``val.json``) are in it, unless they say another. The report has what was counted of
        all.
        """
        new: LabelSet = above("batch.merges").united([self, *others])
        return new

    # --- the official package ----------------------------------------------------------------------------------------

    @classmethod
    def from_encord(cls, label_rows: Iterable[Any], ontology: Any = None) -> LabelSet:
        """Take over label rows of the official package, or ours, through what they say of themselves.

        Parameters
        ----------
        label_rows : iterable
            Anything with ``to_encord_dict()`` and ``ontology_structure``, of any version.
        ontology : optional
            Anything with ``to_dict()`` in the ontology form; by default the first row's. Its classes of one label
            (:mod:`encord_convert.hub.class_names`) have one name here.
        """
        rows = list(label_rows)
        if ontology is None:
            ontology = rows[0].ontology_structure if rows else OntologyStructure()
        structure = OntologyStructure._from_dict(joined(ontology.to_dict()))
        return cls(structure, [_taken_over(row, structure) for row in rows])

    def to_encord(self, rows: Iterable[Any], *, mapping: Any = None) -> Iterator[Any]:
        """Put the labels into rows of the official package and yield each, to be saved.

        See :func:`encord_convert.sync.to_encord`.
        """
        given: Iterator[Any] = above("sync").to_encord(self, rows, mapping=mapping)
        return given


def _taken_over(row: Any, structure: OntologyStructure) -> LabelRowV2:
    """Return our copy of a label row; its JSON does not say how many frames it has."""
    ours = LabelRowV2._from_dict(row.to_encord_dict(), structure)
    frames = getattr(row, "number_of_frames", None)
    if type(frames) is int and frames > ours.number_of_frames:
        ours._contents.stats = like(ours._contents.stats, number_of_frames=frames)
    return ours


def _selection() -> Any:
    return above("hub.selection")


def _row_by_row(labels: LabelSet, function: Callable[[LabelRowV2], LabelRowV2 | None], code: str) -> LabelSet:
    """Return the set of what a function makes of a copy of each row."""
    made: LabelSet = _selection().derived(labels, lambda: _selection().RowStep(function), code, in_rows=True)
    return made


class _Walk(Iterator[LabelRowV2]):
    """A walk over rows that are handed out."""

    def __init__(self, rows: Iterator[LabelRowV2]) -> None:
        self._rows = rows
        self.is_new = True

    def __next__(self) -> LabelRowV2:
        self.is_new = False
        return next(self._rows)

    def length(self) -> int:
        """Walk now, keep the rows, and return how many there are."""
        rows: list[LabelRowV2] = []
        try:
            rows.extend(self._rows)
        except Exception as error:  # list() would take a TypeError for a set without a length, and the set for empty
            self._rows = _raising(rows, error)
            raise
        self._rows = iter(rows)
        return len(rows)


def _raising(rows: list[LabelRowV2], error: Exception) -> Iterator[LabelRowV2]:
    yield from rows
    raise error


def _items(ontology: OntologyStructure) -> list[Any]:
    return [*ontology.objects, *(item for item in ontology.classifications if item.attributes)]


def _shape(item: Any) -> str:
    return str(getattr(item.shape, "value", item.shape)) if isinstance(item, Object) else "classification"


def _check_names(ontology: OntologyStructure, names: Iterable[str]) -> None:
    known = list(dict.fromkeys(item.title for item in _items(ontology)))
    for name in names:
        if name not in known:
            near = near_to(name, known)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise OptionError(f"There is no class {name!r}. {hint}There are: {', '.join(known) or 'none'}.")


def _narrowed(ontology: OntologyStructure, names: set[str]) -> OntologyStructure:
    """Return the ontology with the classes of these names alone."""
    _check_names(ontology, sorted(names))
    narrowed = OntologyStructure(
        [item for item in ontology.objects if item.title in names],
        [item for item in ontology.classifications if item.attributes and item.title in names],
    )
    narrowed.skeleton_templates = [one for one in ontology.skeleton_templates if one.name in names]
    return narrowed


def without_videos(tables: Iterable[Table | Video | LabelRowV2]) -> Iterator[Table | LabelRowV2]:
    """Yield the same with a row for each video."""
    for one in tables:
        yield one.row if isinstance(one, Video) else one
        del one  # a table of some megabytes goes before the next is made


def from_spec(spec: tuple[str, Any]) -> LabelSet:
    """Return the set that :attr:`LabelSet.spec` describes, in whatever process this runs."""
    address, payload = spec
    module, _, function = address.partition(":")
    labels: LabelSet = getattr(import_module(module), function)(payload)
    return labels


def rows_of(tables: Iterable[Table | LabelRowV2]) -> Iterator[LabelRowV2]:
    """Yield the rows of tables, and what are rows already."""
    for one in tables:
        if isinstance(one, Table):
            yield from one.rows()
        else:
            yield one
