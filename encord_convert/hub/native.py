"""What a source says that only its own format has words for: ids, licences, addresses, keys of its own.

It is *native* to a family of formats (``coco``, ``cvat``, …), travels beside the labels, and is written back where the
target is of that family (:attr:`~encord_convert.hub.loss.Carries.native`). Every other target counts it, key by key:
what is of the file alone (who made it, when) as a note, the rest as a loss of
:attr:`~encord_convert.hub.loss.Feature.NATIVE`. Numbers that only count (ids 1, 2, 3, … in the order of the file) say
nothing and are not native.

Three levels: the set (``LabelSet.native``: by family, then by key), the row and its annotations (:class:`Native`, on
``row._native``), and the same for the images of a table in columns (:class:`NativeColumns`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from encord_convert.hub.loss import Feature, Kind

UNREAD = "unread"
"""Stands for a family where no format has a place for what was found."""

Keys = Mapping[str, Any]
"""Key to JSON value, as the source has both."""

HUB = frozenset({"ontology", "rows", "labels"})
"""Families of what the hub's own JSON form may say beyond the model: of an ontology, of a row, of its labels."""

CLASSES = "classes"
"""Key of ``LabelSet.native[family]`` that holds the keys of each class, by its name; others are of the file."""

LARGEST = "largest"
"""Key of ``LabelSet.native[family]`` that is no word of the source: by kind the largest id, where ids are native."""

QUIET = "quiet"
"""Key of ``LabelSet.native[family]`` that is no word of the source either: names of what is not lost elsewhere."""

OF_GEOMETRY = frozenset({"area", "bbox", "keypoints", "num_keypoints", "segmentation"})
"""Keys of an annotation that speak of its geometry: whoever edits that makes them untrue."""

_NOTHING: tuple[Any, ...] = (None, "", [], {})

ALSO = "also"
"""Key of an annotation that stands for several things of the source: what is native of each, by its label."""

NOTES = "notes"
"""Key of ``LabelSet.native[family]`` that holds what is said of the file's own where it is not written back, in the
words of the importer: level, code, sentence, element and count of each note. The keys beside it then tell nothing."""


KEPT = "track_id (kept)"
"""Key of an annotation whose value is an answer too: it is written back, and nothing is lost where it is not."""


class Word(msgspec.Struct, frozen=True):
    """How the loss of a native key of an annotation is told that has a name of its own.

    ``type`` is what the importer counts it as, beside the annotation; ``detail`` has a gap for the value.
    """

    type: str
    kind: Kind
    code: str
    feature: Feature
    detail: str


_GROUP = "group_id {} has no place in the hub; -r group_id=yes keeps it."
_GROUPED = Word("group_id", Kind.DROPPED, "GROUP_DROPPED", Feature.GROUPS, _GROUP)
_SOURCE = "The source {!r} is read as not made by hand; the word itself is lost."
_Z_ORDER = "z_order {} is kept as the order of labels alone."

WORDS: Mapping[str, Mapping[str, Word]] = {
    "cvat": {
        "z_order": Word("z_order", Kind.DROPPED, "Z_ORDER_DROPPED", Feature.Z_ORDER, _Z_ORDER),
        "group_id": _GROUPED,
        "track.group_id": _GROUPED,
        "source": Word("source", Kind.MERGED, "SOURCE_MERGED", Feature.PROVENANCE, _SOURCE),
    }
}
"""By family and key; the other keys of annotations have no names of their own."""


class Native(msgspec.Struct):
    """What is native of a row and of its annotations.

    Parameters
    ----------
    family : str
        Formats that write it back.
    row : mapping
        Of the image or video.
    labels : mapping
        Hash of an object or classification to its frames, each with its keys.
    frames : mapping
        Of the images that are frames of a video, by frame.
    quiet : set of str
        Keys, such as ``annotation.id``, that are written back, but tell nothing that would be lost elsewhere: ids that
        only count.
    unread : mapping
        Of the row and its labels: what no format has a place for, counted by every target.
    stale : mapping of str to int
        Keys of labels that say otherwise than the ontology, which is right, by how many there are: a note.
    """

    family: str
    row: Keys = {}
    labels: Mapping[str, Mapping[int, Keys]] = {}
    frames: Mapping[int, Keys] = {}
    quiet: frozenset[str] = frozenset()
    unread: Keys = {}
    stale: Mapping[str, int] = {}

    def of(self, hash_: str, frame: int) -> Keys:
        """Return the keys of an annotation; none if there are none."""
        return self.labels.get(hash_, {}).get(frame, {})

    def moved(self, parts: Mapping[str, Sequence[str]]) -> Native:
        """Return the same for labels that became others: to the hash of each those of what it became."""
        labels = {new: frames for hash_, frames in self.labels.items() for new in parts.get(hash_, ())}
        return replace(self, labels=labels)

    def keys_of(self, hash_: str) -> set[str]:
        """Return the keys of a label, of any frame."""
        return {key for keys in self.labels.get(hash_, {}).values() for key in keys}

    def without(self, hashes: Collection[str], names: Collection[str]) -> Native:
        """Return the same without some keys of some labels."""
        labels = {
            hash_: {frame: _without(keys, names) for frame, keys in frames.items()} if hash_ in hashes else frames
            for hash_, frames in self.labels.items()
        }
        return replace(self, labels=labels)


class NativeColumns(msgspec.Struct):
    """What is native of the images of a table and of their annotations.

    Parameters
    ----------
    family : str
    rows, labels : mapping
        By number of the image, by index of the annotation: the keys that only some have.
    row_columns, label_columns : mapping
        By key: a value for every image, for every annotation of the table, such as ids.
    classifications : mapping
        By number of the image, then by hash of the classification: its keys.
    quiet : set of str
        As of :class:`Native`.
    shared : sequence
        For every annotation of the table the keys it has in common with many, or None; empty if none has any.
    """

    family: str
    rows: Mapping[int, Keys] = {}
    labels: Mapping[int, Keys] = {}
    row_columns: Mapping[str, Sequence[Any]] = {}
    label_columns: Mapping[str, Sequence[Any]] = {}
    classifications: Mapping[int, Mapping[str, Keys]] = {}
    quiet: frozenset[str] = frozenset()
    shared: Sequence[Keys | None] = ()

    def row(self, number: int, hashes: Sequence[str], first: int = 0) -> Native | None:
        """Return what is native of an image; ``hashes`` are those of its annotations, which count from ``first``."""
        own = {key: column[number] for key, column in self.row_columns.items()}
        own.update(self.rows.get(number, {}))
        labels: dict[str, Mapping[int, Keys]] = {}
        some, shared, columns = self.labels, self.shared, self.label_columns.items()
        for index, hash_ in enumerate(hashes, first):
            keys = {key: column[index] for key, column in columns}
            if shared and (common := shared[index]):
                keys.update(common)
            if index in some:
                keys.update(some[index])
            if keys:
                labels[hash_] = {0: keys}
        labels.update({hash_: {0: said} for hash_, said in self.classifications.get(number, {}).items()})
        return Native(self.family, own, labels, quiet=self.quiet) if own or labels else None

    def taken(self, numbers: Sequence[int], indexes: Sequence[int], hashes: Collection[str]) -> NativeColumns:
        """Return the same of some images and annotations; those of these numbers and indexes count from 0 then.

        ``hashes`` are those of the classifications that are taken.
        """
        images, annotations = ({old: new for new, old in enumerate(olds)} for olds in (numbers, indexes))
        return NativeColumns(
            self.family,
            {images[number]: keys for number, keys in self.rows.items() if number in images},
            {annotations[index]: keys for index, keys in self.labels.items() if index in annotations},
            {key: [column[number] for number in numbers] for key, column in self.row_columns.items()},
            {key: [column[index] for index in indexes] for key, column in self.label_columns.items()},
            {
                images[number]: {hash_: keys for hash_, keys in said.items() if hash_ in hashes}
                for number, said in self.classifications.items()
                if number in images
            },
            self.quiet,
            [self.shared[index] for index in indexes] if self.shared else (),
        )

    def counts(self) -> Counter[str]:
        """Return the number of leaves of each ``image.<key>`` or ``annotation.<key>`` that could be lost."""
        counts: Counter[str] = Counter()
        said = [keys for by_hash in self.classifications.values() for keys in by_hash.values()]
        for scope, columns, some in (
            ("image", self.row_columns, self.rows.values()),
            ("annotation", self.label_columns, [*self.labels.values(), *said]),
        ):
            for key, column in columns.items():
                if f"{scope}.{key}" not in self.quiet:
                    counts[f"{scope}.{key}"] += len(column)
            for keys in some:
                self._add(counts, scope, keys, 1)
        by_id = dict(zip(map(id, self.shared), self.shared, strict=True))
        for id_, count in Counter(map(id, self.shared)).items():
            self._add(counts, "annotation", by_id[id_] or {}, count)
        return counts

    def _add(self, counts: Counter[str], scope: str, keys: Keys, times: int) -> None:
        for key, value in keys.items():
            name = f"{scope}.{key}"
            if name not in self.quiet and not says_nothing(value):
                counts[name] += times * weight(key, value)


def of_classes(native: Mapping[str, Any], names: Mapping[str, str | None]) -> dict[str, Any]:
    """Return what is native of a set whose classes have other names; None: there is no such class any more.

    Of several classes that have one name then, the keys of the first stand.
    """
    found: dict[str, Any] = {}
    for family, keys in native.items():
        classes: dict[str, Any] = {}
        for name, own in keys.get(CLASSES, {}).items():
            new = names.get(name, name)
            if new is not None:
                classes.setdefault(new, own)
        found[family] = {**keys, CLASSES: classes} if CLASSES in keys else keys
    return found


def _without(keys: Keys, gone: Collection[str]) -> Keys:
    return {key: value for key, value in keys.items() if key not in gone}


def says_nothing(value: Any) -> bool:
    """Tell a value that stands where nothing is known: it is written back, and nothing is lost where it is not."""
    return value in _NOTHING


def weight(key: str, value: Any) -> int:
    """Return as how much the loss of a key counts: a geometry as one, all else as its leaves."""
    return 1 if key in ("keypoints", "segmentation") else leaves(value)


def leaves(value: Any) -> int:
    """Return how many values stand in a JSON value; an empty list or object is one.

    >>> leaves(3), leaves({"a": 1, "b": [2, {"c": None}]}), leaves([])
    (1, 3, 1)
    """
    if value.__class__ in _LEAVES:
        return 1
    if isinstance(value, (list, tuple)):
        return sum(map(leaves, value)) or 1
    return sum(map(leaves, value.values())) or 1 if isinstance(value, Mapping) else 1


_LEAVES = frozenset({bool, float, int, str, type(None)})
