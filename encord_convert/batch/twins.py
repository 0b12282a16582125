"""Images that are in a merged set twice: of one name, size and number of frames.

==========  ============================================================================================================
``keep``    they stay two, and a note says how many there are (``IMAGE_TWICE``)
``first``   the first one stays, the labels of the others are left out (a loss that was asked for, ``IMAGE_TWICE``)
``unite``   one image has the labels of all; of labels that are equal, it has one (``ANNOTATION_TWICE``)
==========  ============================================================================================================

Which images of one name are none of these is told and named apart before: see :mod:`encord_convert.batch.naming`.
Labels are equal if class, answers and geometry are, to the fifth decimal of relative coordinates; who made them, and
when, is that of the first.
"""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

from encord_convert.batch.naming import Rule, key_of
from encord_convert.formats.encord import row_dict
from encord_convert.hub.changes import Changes
from encord_convert.hub.contents import placed_answers
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Hashes
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Level
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

_NOTES: dict[Rule, tuple[Level, str]] = {
    "keep": (
        Level.WARNING,
        "An image of the same name and size came before; both are kept. "
        "--twice unite puts all annotations on one, first leaves the later ones out.",
    ),
    "first": (Level.INFO, "An image of the same name and size came before; the first is kept."),
    "unite": (Level.INFO, "An image of the same name and size came before; they are united."),
}
_DECIMALS = 5
_HASHES = Hashes("twins")


def without_twins(labels: LabelSet, rule: Rule) -> LabelSet:
    """Return a merged set in which images that are there twice are treated by a rule.

    Parameters
    ----------
    labels : LabelSet
        Not changed; one that was counted.
    rule : {"keep", "first", "unite"}
        For ``unite`` the rows are walked once more, and those with twins are held in a temporary file.
    """
    assert labels.counts is not None
    counts, told = labels.counts, Counts()
    known: list[Counter[bytes]] = []

    def rows() -> Iterator[LabelRowV2]:
        told.rewind()
        if rule == "unite" and not known:
            known.append(Counter(map(key_of, labels.walk())))
        seen: Counter[bytes] = Counter()
        again = 0
        with tempfile.TemporaryFile() as file:
            held = _Held(file, labels.ontology)
            for row in labels.walk():
                key = key_of(row)
                seen[key] += 1
                again += seen[key] > 1
                if rule == "keep" or (rule == "first" and seen[key] == 1):
                    yield row
                elif rule == "first":
                    Changes(told, "IMAGE_TWICE", counts).tell(row, None)
                elif known[0][key] == 1:
                    yield row
                else:
                    whole = row if seen[key] == 1 else _united(held.taken(key), row, told)
                    if seen[key] == known[0][key]:
                        yield whole
                    else:
                        held.hold(key, whole)
        if again:
            counts.note(_NOTES[rule][0], "IMAGE_TWICE", _NOTES[rule][1], count=again)
        if labels.mapping is not None:
            told.merge(labels.mapping)

    new = LabelSet(labels.ontology, rows, title=labels.title, counts=counts)
    new.native, new.mapping = labels.native, told
    new.source, new.origins = labels.source, labels.origins
    return new


class _Held:
    """Rows in a file, each with where its labels came from."""

    def __init__(self, file: IO[bytes], ontology: OntologyStructure) -> None:
        self._file = file
        self._ontology = ontology
        self._places: dict[bytes, int] = {}

    def hold(self, key: bytes, row: LabelRowV2) -> None:
        """Keep a row."""
        origins = {hash_: one._origin for hash_, one in (*row._objects.items(), *row._classifications.items())}
        self._places[key] = self._file.seek(0, 2)
        pickle.dump((row_dict(row), row._origin, row._file, origins), self._file)

    def taken(self, key: bytes) -> LabelRowV2:
        """Return a row that was kept."""
        self._file.seek(self._places.pop(key))
        form, origin, file, origins = pickle.load(self._file)
        row = LabelRowV2._from_dict(form, self._ontology)
        row._origin, row._file = origin, file
        for instances in (row._objects, row._classifications):
            for hash_, instance in instances.items():
                instance._origin = origins[hash_]
        return row


def _united(first: LabelRowV2, other: LabelRowV2, told: Counts) -> LabelRowV2:
    """Return the first row with the labels of the other that it has not."""
    there = {_content_of(one) for one in (*first._objects.values(), *first._classifications.values())}
    rest = other._twin()
    for instance in [*rest._objects.values()]:
        if _content_of(instance) in there:
            rest.remove_object(instance)
    for classification in [*rest._classifications.values()]:
        if _content_of(classification) in there:
            rest.remove_classification(classification)
    Changes(told, "ANNOTATION_TWICE").tell(other, rest)
    known = {*first._objects, *first._classifications}
    for one in (*rest._objects.values(), *rest._classifications.values()):
        new: Any = one._twin()
        count = 0
        while new._hash in known:
            count += 1
            new._hash = _HASHES.short(one._hash, count)
        known.add(new._hash)
        first._adopt(new)
    return first


def _content_of(instance: Any) -> str:
    """Return what a label says, without who said it."""
    frames = [(frame, _rounded(data.coordinates._json()) if hasattr(data, "coordinates") else None)
              for frame, data in sorted(instance._frames.items())]  # fmt: skip
    answers = [(attribute.feature_node_hash, str(value)) for attribute, value, _ in placed_answers(instance)]
    return repr((instance.feature_hash, frames, answers))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return [(key, _rounded(one)) for key, one in sorted(value.items())]
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
