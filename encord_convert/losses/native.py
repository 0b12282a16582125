"""What only the source has words for (:mod:`encord_convert.hub.native`), and a target has no place for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import compress
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from encord_convert.hub.contents import hash_of, label_of, labels_off_frames, where_of
from encord_convert.hub.counts import Counts, Key
from encord_convert.hub.loss import Carries, Feature, Kind, Level, Where
from encord_convert.hub.native import (
    ALSO,
    CLASSES,
    KEPT,
    LARGEST,
    NOTES,
    QUIET,
    WORDS,
    Keys,
    Native,
    NativeColumns,
    Word,
    leaves,
    says_nothing,
    weight,
)
from encord_convert.hub.table import Table
from encord_convert.hub.unread import extras_of_ontology, extras_of_row
from encord_convert.hub.video import Video

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import LabelRowV2

_NOTHING = Carries(frozenset(), frozenset(), frozenset())


class NativeLosses:
    """Counts what native data is not written.

    Parameters
    ----------
    writing : Counts
    families : collection of str
        Those of which the label set knows: rows of another set bring along what means nothing here.
    """

    def __init__(self, writing: Counts, families: Collection[str]) -> None:
        self._writing = writing
        self._families = families

    def of_set(self, labels: LabelSet, carries: Carries) -> None:
        """Say what of a set is not written, of the file itself and of classes."""
        for family, keys in labels.native.items():
            self._lose_set(family, keys, carries)
        if "ontology" not in carries.native:
            own, classes = extras_of_ontology(labels.ontology)
            self._lose_set("ontology", {**own, CLASSES: classes}, carries)

    def of_row(self, row: LabelRowV2, carries: Carries) -> None:
        """Say what of a row and of its annotations is not written."""
        if row._native is not None:
            self._tell_unread(row)
            if not self._keeps_all(row._native, carries):
                self._lose_row(row, _of_its_labels(row), carries)
        if not {"rows", "labels"} <= carries.native:
            self._lose_extras_of(row, carries)

    def all_of(self, labels: LabelSet, row: LabelRowV2 | None = None, but: Collection[str] = ()) -> None:
        """Say that all is left behind, ``but`` some keys: of a row, else of the set."""
        if row is None:
            for family, keys in labels.native.items():
                self._lose_set(family, {**keys, QUIET: {*keys.get(QUIET, ()), *but}}, _NOTHING)
        elif row._native is not None:
            native = _of_its_labels(row)
            self._lose_row(row, replace(native, quiet=native.quiet | set(but)), _NOTHING)

    def _keeps_all(self, native: Native | NativeColumns, carries: Carries) -> bool:
        return native.family in carries.native and native.family in self._families

    def _keeps(self, family: str, name: str, carries: Carries) -> bool:
        """Tell whether a native key is written: not if it is of another set, of which this one knows nothing."""
        return family in self._families and carries.keeps(family, name)

    def _lose_set(self, family: str, keys: Mapping[str, Any], carries: Carries) -> None:
        """Say what only the source has words for: of classes as a loss, of the file itself as a note."""
        for name, own in keys.get(CLASSES, {}).items():
            self._lose_keys("class", own, Where(element=name), family, carries, keys.get(QUIET, ()))
        for level, code, detail, element, count in () if carries.keeps(family, "file") else keys.get(NOTES, ()):
            self._writing.note(Level(level), code, detail, Where(element=element), count)
        for key, value in keys.items() if NOTES not in keys else ():
            if key in (CLASSES, LARGEST, QUIET) or says_nothing(value) or carries.keeps(family, f"file.{key}"):
                continue
            detail = f"Only the format of the source has a word for {key!r} of the file."
            self._writing.note(Level.INFO, "NATIVE_DROPPED", detail, count=leaves(value))

    def _lose_row(self, row: LabelRowV2, native: Native, carries: Carries) -> None:
        """Say that what only the source has words for is not written, of a row and of its annotations."""
        where = Where(file=row._origin, row=row.data_title)
        of_row = carries if row.data_type in carries.data_types else _NOTHING
        self._lose_keys("image", native.row, where, native.family, of_row, native.quiet)
        for frame, keys in native.frames.items():
            place = Where(file=row._origin, row=row.data_title, frame=frame)
            self._lose_keys("frame", keys, place, native.family, carries, native.quiet)
        if native.family in WORDS:
            self._lose_worded_labels(row, _labels_of(row, native), WORDS[native.family])
            return
        for hash_, frames in native.labels.items():
            for frame, keys in frames.items():
                place = Where(file=row._origin, row=row.data_title, frame=frame, object_hash=hash_)
                self._lose_keys("annotation", keys, place, native.family, carries, native.quiet)

    def of_video(self, video: Video, carries: Carries) -> None:
        """Say of the labels of a video what :meth:`of_row`, which has seen its empty row, says of those of a row."""
        native, natives = video.empty_row._native, video.natives
        if native is None or self._keeps_all(native, carries):
            return
        labels = (
            (track, track._origin.label, not track.is_part, natives.get(track.object_hash, {}))
            for track in video.tracks
        )
        self._lose_worded_labels(video.empty_row, labels, WORDS[native.family])

    def of_table(self, table: Table, carries: Carries) -> None:
        """Say what :meth:`of_row` does of many rows, one by one only where examples are wanted."""
        native = table.native
        if native is None or self._keeps_all(native, carries):
            return
        if native.family in WORDS:
            self._lose_worded_table(table, native, WORDS[native.family])
            return
        lost = {name: count for name, count in native.counts().items() if not self._keeps(native.family, name, carries)}
        if any(self._writing.wants_examples(*_lost_native(name)) for name in lost):
            for number in range(len(table)):
                own = table.native_of(number)
                if own is not None:
                    self._lose_row(table.empty_row(number), own, carries)
            return
        for name, count in lost.items():
            self._lose_key(name, Where(), count)

    def _lose_keys(
        self, scope: str, keys: Mapping[str, Any], where: Where, family: str, carries: Carries,
        quiet: Collection[str] = (),
    ) -> None:  # fmt: skip
        for key, value in keys.items():
            name = f"{scope}.{key}"
            if not (name in quiet or says_nothing(value) or self._keeps(family, name, carries)):
                self._lose_key(name, where, weight(key, value))

    def _lose_worded_labels(
        self, row: LabelRowV2, labels: Iterable[tuple[Any, str, bool, Mapping[int, Keys]]], words: Mapping[str, Word]
    ) -> None:
        """Say what of labels is not written, each with its name, whether the source has words for it, and its keys."""
        # Those that say the same are counted together once their losses have examples enough.
        alike: dict[Any, list[Any]] = {}
        seen: dict[tuple[str, bool, int], list[Any]] = {}
        for instance, label, has_words, frames in labels:
            for frame, keys in frames.items():
                known = seen.get((label, has_words, id(keys)))
                if known is not None:
                    known[0] += 1
                    continue
                said = (label, has_words, *keys.items())
                try:
                    known = alike.get(said)
                except TypeError:  # a value that is a list or an object is like no other
                    known = None
                else:
                    if known is None and not self._wants_examples(label, keys, words):
                        known = alike[said] = [0, instance, label, keys]
                if known is not None:
                    known[0] += 1
                    seen[label, has_words, id(keys)] = known
                else:
                    self._lose_worded(instance, where_of(row, instance, frame), label, keys, words)
        for count, instance, label, keys in alike.values():
            self._lose_worded(instance, Where(), label, keys, words, count)

    def _lose_worded(
        self, instance: Any, where: Where, label: str, keys: Keys, words: Mapping[str, Word], count: int = 1
    ) -> None:
        """Say that keys of annotations are not written; ``instance`` is the annotation if it is just one."""
        for key, value in keys.items():
            if key == ALSO:
                for other, own in value.items():
                    self._lose_worded(instance, where, other, own, words)
            elif key not in words:
                if key != KEPT and not says_nothing(value):
                    self._lose_key(f"annotation.{key}", where, count * leaves(value))
            elif instance is None or instance._origin is None or instance._origin.weights != {}:
                self._lose_word(words[key], label, value, where, count)

    def _lose_worded_table(self, table: Table, native: NativeColumns, words: Mapping[str, Word]) -> None:
        """Say of a table what :meth:`of_row` does of its rows."""
        # Few keys are shared by many annotations: those of one label are counted together, under one dictionary.
        shared = native.shared
        known = {id(keys): keys for keys in shared if keys is not None}
        sums: Counter[tuple[str, int]] = Counter(
            (used.label, id(keys))
            for used, keys in (compress(zip(table.variants, shared, strict=True), shared) if known else ())
            if used is not None and used.weights is None
        )
        wanted = {key for key in sums if self._wants_examples(key[0], known[key[1]], words)}
        odd = table.odd_images()
        # One by one where an annotation is like no other or examples are wanted; the rest are counted.
        for number in range(len(table)) if wanted else sorted(odd):
            if not wanted and number not in odd:
                continue
            for key, value in native.rows.get(number, {}).items():
                if says_nothing(value):
                    continue
                where = table.where(number) if self._writing.wants_examples(*_lost_native(f"image.{key}")) else Where()
                self._lose_key(f"image.{key}", where, leaves(value))
            for place in table.span(number):
                variant = table.variants[place]
                if variant is None:
                    if place in native.labels:
                        self._lose_odd(table, number, table.made[place], native.labels[place], words)
                elif wanted and (alike := (variant.label, id(shared[place]))) in wanted and variant.weights is None:
                    sums[alike] -= 1
                    self._lose_worded(None, table.where(number, place), variant.label, known[alike[1]], words)
                    if not self._wants_examples(variant.label, known[alike[1]], words):
                        wanted.remove(alike)
            own = native.classifications.get(number, {})
            for one in table.classifications.get(number, ()) if own else ():
                self._lose_odd(table, number, one, own.get(hash_of(one), {}), words)
        for (label, id_), count in sums.items():
            if count:
                self._lose_worded(None, Where(), label, known[id_], words, count)

    def _lose_odd(self, table: Table, number: int, instance: Any, keys: Keys, words: Mapping[str, Word]) -> None:
        where = Where()
        if ALSO in keys or self._wants_examples(label_of(instance), keys, words):
            where = where_of(table.empty_row(number), instance, 0)
        self._lose_worded(instance, where, label_of(instance), keys, words)

    def _wants_examples(self, label: str, keys: Keys, words: Mapping[str, Word]) -> bool:
        own = [
            (words[key].kind, words[key].code, words[key].feature, (words[key].type, label))
            if key in words
            else _lost_native(f"annotation.{key}")
            for key in keys
            if key != KEPT
        ]
        return any(self._writing.wants_examples(*loss) for loss in own)

    def _lose_word(self, word: Word, label: str, value: Any, where: Where, count: int) -> None:
        counts = self._writing.dropped if word.kind is Kind.DROPPED else self._writing.changed
        counts[word.type, label] += count
        key, detail = (word.type, label), word.detail.format(value)
        self._writing.lose(word.kind, word.code, word.feature, key, where, detail, count)

    def _tell_unread(self, row: LabelRowV2) -> None:
        """Say what a row has that no format has a place for, and what the ontology overrules."""
        where = Where(file=row._origin, row=row.data_title)
        for key, count in row._native.stale.items():
            detail = f"The {key!r} of labels is not the one their class has in the ontology, which is right."
            self._writing.note(Level.INFO, "STALE_KEY", detail, where, count)
        for key, value in row._native.unread.items():
            self._lose_key(f"image.{key}", where, leaves(value))

    def _lose_extras_of(self, row: LabelRowV2, carries: Carries) -> None:
        """Say that labels on no frame, and keys of the hub's own JSON form that are not known here, are not written."""
        if "rows" not in carries.native and row._contents.has_extras:
            for key in labels_off_frames(row):
                where = Where(file=row._origin, row=row.data_title)
                detail = "It is a label of something else than images, which cannot be stored in the target."
                self._writing.drop("MEDIA_DROPPED", Feature.MEDIA, key, where, detail)
        for name, frame, hash_, value in extras_of_row(row):
            if ("rows" if name.startswith("image.") else "labels") not in carries.native:
                self._lose_key(name, Where(row._origin, None, row.data_title, frame, None, hash_), leaves(value))

    def _lose_key(self, name: str, where: Where, count: int) -> None:
        detail = f"Only the format of the source has a word for {name!r}."
        kind, code, feature, key = _lost_native(name)
        self._writing.lose(kind, code, feature, key, where, detail, count)


def _of_its_labels(row: LabelRowV2) -> Native:
    """Return what is native of a row without that of annotations that are not on it."""
    native: Native = row._native
    labels: dict[str, Mapping[int, Mapping[str, Any]]] = {}
    for instance in (*row._objects.values(), *row._classifications.values()):
        frames = native.labels.get(hash_of(instance))
        if frames:
            labels[hash_of(instance)] = {frame: keys for frame, keys in frames.items() if frame in instance._frames}
    return replace(native, labels=labels)


def _labels_of(row: LabelRowV2, native: Native) -> Iterator[tuple[Any, str, bool, Mapping[int, Keys]]]:
    """Yield labels of which something is native with their names, whether the source has words for each, and that."""
    for instance in (*row._objects.values(), *row._classifications.values()):
        keys = native.labels.get(hash_of(instance))
        if keys:
            origin = instance._origin
            yield instance, label_of(instance), origin is None or origin.weights != {}, keys


def _lost_native(name: str) -> tuple[Kind, str, Feature, Key]:
    code = "GEOMETRY_DROPPED" if name == "annotation.segmentation" else "NATIVE_DROPPED"
    return Kind.DROPPED, code, Feature.NATIVE, ("key", name)
