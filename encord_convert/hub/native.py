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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Keys = Mapping[str, Any]
"""Key to JSON value, as the source has both."""

CLASSES = "classes"
"""Key of ``LabelSet.native[family]`` that holds the keys of each class, by its name; all others are of the file."""


@dataclass(slots=True)
class Native:
    """What is native of a row and of its annotations.

    Parameters
    ----------
    family : str
        Formats that write it back.
    row : mapping
        Of the image or video.
    labels : mapping
        Hash of an object or classification to its frames, each with its keys.
    """

    family: str
    row: Keys = field(default_factory=dict)
    labels: Mapping[str, Mapping[int, Keys]] = field(default_factory=dict)

    def of(self, hash_: str, frame: int) -> Keys:
        """Return the keys of an annotation; none if there are none."""
        return self.labels.get(hash_, {}).get(frame, {})


@dataclass(slots=True)
class NativeColumns:
    """What is native of the images of a table and of their annotations.

    Parameters
    ----------
    family : str
    rows, labels : mapping
        By number of the image, by index of the annotation: the keys that only some have.
    row_columns, label_columns : mapping
        By key: a value for every image, for every annotation of the table, such as ids.
    """

    family: str
    rows: Mapping[int, Keys] = field(default_factory=dict)
    labels: Mapping[int, Keys] = field(default_factory=dict)
    row_columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    label_columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def row(self, number: int, hashes: Mapping[int, str]) -> Native | None:
        """Return what is native of an image; ``hashes`` gives those of its annotations by their index."""
        own = {key: _plain(column[number]) for key, column in self.row_columns.items()}
        own.update(self.rows.get(number, {}))
        labels: dict[str, Mapping[int, Keys]] = {}
        for index, hash_ in hashes.items():
            keys = {key: _plain(column[index]) for key, column in self.label_columns.items()}
            keys.update(self.labels.get(index, {}))
            if keys:
                labels[hash_] = {0: keys}
        return Native(self.family, own, labels) if own or labels else None

    def counts(self) -> Iterator[tuple[str, int]]:
        """Yield ``image.<key>`` or ``annotation.<key>`` with the number of leaves there are of it."""
        for scope, columns, some in (
            ("image", self.row_columns, self.rows),
            ("annotation", self.label_columns, self.labels),
        ):
            for key, column in columns.items():
                yield f"{scope}.{key}", len(column)
            for keys in some.values():
                for key, value in keys.items():
                    yield f"{scope}.{key}", leaves(value)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def leaves(value: Any) -> int:
    """Return how many values stand in a JSON value; an empty list or object is one.

    >>> leaves(3), leaves({"a": 1, "b": [2, {"c": None}]}), leaves([])
    (1, 3, 1)
    """
    if isinstance(value, Mapping):
        return sum(map(leaves, value.values())) or 1
    if isinstance(value, (list, tuple)):
        return sum(map(leaves, value)) or 1
    return 1
