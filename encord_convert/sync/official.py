"""Puts labels into rows of the official package, of any version, through their JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from encord_convert.errors import MappingError, RowMismatchError, TranslationError
from encord_convert.formats.encord import row_dict
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.objects import LabelRowV2
from encord_convert.sync.mapping.file import rules_of
from encord_convert.sync.mapping.translate import Translation
from encord_convert.sync.matches import Matcher
from encord_convert.sync.rows import placed


def to_encord(
    labels: LabelSet, rows: Iterable[Any], *, mapping: Mapping[str, Any] | str | Path | None = None
) -> Iterator[Any]:
    """Replace the labels of rows of the official package; yield each row, to be saved.

    Parameters
    ----------
    labels : LabelSet
        Rows are matched by title, by the rules of ``push``.
    rows : iterable
        Anything with ``data_title``, ``ontology_structure``, ``to_encord_dict()`` and ``from_labels_dict(d)``, such as
        the rows of ``project.list_label_rows_v2()``; with labelling initialised and one ontology.
    mapping : mapping or path, optional
        Mapping to the project's classes, as in ``push --mapping``; default: by name and shape.

    Raises
    ------
    RowMismatchError
        A row with labels has no match, or its images differ.
    MappingError
        The ontology of the rows lacks a class, an attribute or an option.
    TranslationError
        A label cannot be stored, such as one without frames.
    """
    theirs = list(rows)
    matches: Matcher[Any] = Matcher("the rows", ((row.data_title, row) for row in theirs))
    pairs = [(row.data_title, matches.find(row.data_title)) for row in labels._unguarded() if _has_labels(row)]
    if unmatched := [title for title, found in pairs if found is None]:
        raise RowMismatchError(f"{unmatched[0]}: has labels, but there is no row of this title.")
    if not theirs:
        return
    translated = _translation(labels, theirs[0].ontology_structure.to_dict(), mapping)
    for row in labels._unguarded():
        found = matches.find(row.data_title)
        if found is not None:
            try:
                form = placed(translated(row), found[0].to_encord_dict())
            except (RowMismatchError, TranslationError) as error:
                raise type(error)(f"{row.data_title}: {error}") from error
            found[0].from_labels_dict(form)
            yield found[0]


def _has_labels(row: LabelRowV2) -> bool:
    return bool(row._objects or row._classifications or row._contents.orphans)


def _translation(labels: LabelSet, project: dict[str, Any], mapping: Any) -> Any:
    """Return a function from the JSON of a row to the project's ontology; the identity if that has everything."""
    source = labels.ontology.to_dict()
    if mapping is None and _hashes(source) <= _hashes(project):
        return row_dict
    translation = Translation(source, project, rules_of(mapping, source))
    if translation.missing:
        raise MappingError(f"The ontology of the rows lacks {'; '.join(translation.missing)}.")

    def translated(row: LabelRowV2) -> dict[str, Any]:
        before = translation.dropped.total()
        form = translation.row(row_dict(row))
        if translation.dropped.total() != before:
            raise TranslationError(f"cannot hold {', '.join(translation.dropped)}.")
        return form

    return translated


def _hashes(part: Any) -> set[str]:
    """Return the hashes of all classes, attributes and options of an ontology."""
    if isinstance(part, dict):
        own = {part["featureNodeHash"]} if "featureNodeHash" in part else set()
        return own.union(*map(_hashes, part.values()))
    return set().union(*map(_hashes, part)) if isinstance(part, list) else set()
