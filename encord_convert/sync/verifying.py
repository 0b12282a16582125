"""Verifies a push: compares label rows of a source and a project semantically."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from encord_convert.errors import AmbiguousFileError
from encord_convert.formats.encord import row_dict
from encord_convert.hub.draft import UNKNOWN_TIME
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Where
from encord_convert.hub.matching import Difference
from encord_convert.losses.compare import diff
from encord_convert.sdk.common.time_parser import format_datetime, parse_datetime
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sync.files import SourceOf
from encord_convert.sync.mapping.file import rules_of
from encord_convert.sync.mapping.translate import Translation
from encord_convert.sync.matches import Matcher
from encord_convert.sync.pulling import listed_of, opened, pulled
from encord_convert.sync.rows import entries_of, status_of

TOLERANCE_PX = 1e-6
"""Numbers round-trip exactly as text."""


def verify(
    source: str | os.PathLike[str] | SourceOf,
    client: EncordUserClient,
    project: str | Sequence[str],
    *,
    mapping: Mapping[str, Any] | str | Path | None = None,
    from_: str | None = None,
    options: dict[str, Any] | None = None,
    tolerance_px: float = TOLERANCE_PX,
) -> Iterator[Difference]:
    """Report every difference between a source and a project.

    Rows only in the project are ignored, except those with a title the source has once.
    Authors and times that the source lacks may be anything.

    Parameters
    ----------
    source : path
    client : EncordUserClient
    project : str or sequence of str
        Hash; of several projects if the push was spread over them.
    mapping : mapping or path, optional
        Mapping used for the push.
    from_, options : optional
        Format of the source, and options of reading.
    tolerance_px : float
        How far coordinates may be apart, in pixels.
    """
    where = source if isinstance(source, SourceOf) else SourceOf.at(source, from_, None, options)
    projects = opened(client, project)
    structure = projects[0].ontology_structure
    with where.opened() as file:
        labels = where.labels(file)
        ontology = labels.ontology.to_dict()
        translation = Translation(ontology, structure.to_dict(), rules_of(mapping, ontology))
        for what in translation.missing:
            yield Difference(Where(), f"the ontology of the project: {what}", "there", "none")
        if translation.missing:
            return
        pairing = _Pairing(labels, translation, structure, listed_of(projects))
        found = pulled(projects, list(pairing.listed()))
        yield from pairing.differences
        yield from diff(
            pairing.expected(), LabelSet(structure, lambda: pairing.found(found)), tolerance_px=tolerance_px
        )


class _Pairing:
    """Pairs the rows of a source and a project in one order."""

    def __init__(
        self, labels: LabelSet, translation: Translation, structure: OntologyStructure, listed: list[LabelRowV2]
    ) -> None:
        self._labels = labels
        self._translation = translation
        self._structure = structure
        self._matches = Matcher("the project", ((row.data_title, row) for row in listed))
        self._all = listed
        self._titles: dict[str, str] = {}
        self.differences: list[Difference] = []
        self._named: dict[str, set[Any]] = {}

    def listed(self) -> Iterator[LabelRowV2]:
        """Yield the project rows matched with the source, in its order."""
        for row in self._labels._unguarded():
            title = row.data_title
            try:
                found = self._matches.find(title)
            except AmbiguousFileError:
                # All are compared: one matches, and the others are reported as extra.
                self._titles[title] = title
                yield from (item for item in self._all if item.data_title == title)
                continue
            if found is None:
                self.differences.append(Difference(Where(row=title), "the row", f"{_count(row)} labels", "none"))
            else:
                self._titles[title] = found[0].data_title
                self._check_status(row, found[0])
                yield found[0]

    def _check_status(self, row: LabelRowV2, there: LabelRowV2) -> None:
        status, stats = status_of(row), there._contents.stats
        if status is not None and stats.workflow_graph_node is None and stats.label_status.value != status:
            self.differences.append(
                Difference(Where(row=row.data_title), "its label status", status, stats.label_status.value)
            )

    def expected(self) -> LabelSet:
        """Return the matched source rows, translated, with the match's title."""

        def walk() -> Iterator[LabelRowV2]:
            for row in self._labels._unguarded():
                if row.data_title in self._titles:
                    yield self._expected(row)

        return LabelSet(self._structure, walk)

    def _expected(self, row: LabelRowV2) -> LabelRowV2:
        translated = self._translation.row(row_dict(row))
        title = translated["data_title"] = self._titles[row.data_title]
        is_group = translated["data_type"] == "img_group"
        for unit in translated["data_units"].values():
            # Files of a group go by their bare names.
            unit["data_title"] = unit["data_title"].rpartition("/")[2] if is_group else title
        self._named[title] = {_side(entry, key) for entry in entries_of(translated) for key in _SIDES}
        return LabelRowV2._from_dict(translated, self._structure)

    def found(self, rows: LabelSet) -> Iterator[LabelRowV2]:
        """Yield project rows, without authors and times that the source row lacks."""
        for row in rows:
            members = row_dict(row)
            # `diff` asks for one row of each set in turn, ours first.
            named = self._named.pop(row.data_title, set())
            for entry in entries_of(members):
                for key, unknown in _SIDES.items():
                    if key in entry and _side(entry, key) not in named:
                        entry[key] = unknown
            yield LabelRowV2._from_dict(members, self._structure)


_UNKNOWN = format_datetime(UNKNOWN_TIME)
_SIDES = {"createdBy": None, "lastEditedBy": None, "createdAt": _UNKNOWN, "lastEditedAt": _UNKNOWN}
"""Authorship keys of labels, and their placeholder values."""


def _side(entry: dict[str, Any], key: str) -> Any:
    value = entry.get(key)
    return parse_datetime(value) if isinstance(value, str) and key.endswith("At") else value


def _count(row: LabelRowV2) -> int:
    return len(row._objects) + len(row._classifications)
