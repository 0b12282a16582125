"""Pulls a project: its label rows as a label set, and into files of any format."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from encord_convert.conversion import write
from encord_convert.errors import OptionError
from encord_convert.formats._api import Format
from encord_convert.hub.class_names import join_classes
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Level
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import AuthorisationError
from encord_convert.sdk.objects import LabelRowV2
from encord_convert.sdk.orm.dataset import DatasetAccessSettings
from encord_convert.sdk.project import Project
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sync.mapping.mapped import mapped
from encord_convert.sync.rows import fetched
from encord_convert.sync.sending import KEY


def opened(client: EncordUserClient, projects: str | Sequence[str]) -> list[Project]:
    """Open one project, or several with the same ontology.

    Raises
    ------
    OptionError
        Their ontologies differ.
    """
    hashes = [projects] if isinstance(projects, str) else list(projects)
    found = [client.get_project(hash_) for hash_ in hashes]
    if len({match.ontology_hash for match in found}) != 1:
        raise OptionError(f"Expected projects with one ontology, as one push makes them; found {', '.join(hashes)}.")
    return found


def pulled(
    projects: list[Project],
    rows: list[LabelRowV2] | None = None,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    **filters: Any,
) -> LabelSet:
    """Return the label rows of projects, fetched lazily and not kept.

    Image groups and series without begun labelling are left out: their content is unknown until then.

    Parameters
    ----------
    projects : list of Project
        As :func:`opened` returns them.
    rows : list of LabelRowV2, optional
        Listed rows, in this order; default: all that pass the filters, by title.
    on_event : callable, optional
        Called for each fetched row.
    **filters
        As :meth:`Project.list_label_rows_v2` takes them.
    """
    listed = rows if rows is not None else listed_of(projects, **filters)
    known = [row for row in listed if row.label_hash or row.data_type in (DataType.IMAGE, DataType.VIDEO)]

    def walk() -> Iterator[LabelRowV2]:
        # Each walk has its own rows, freed afterwards.
        for done, row in enumerate(fetched(projects[0], (_unbegun(row) for row in known)), 1):
            if on_event is not None:
                on_event({"event": "fetched", "done": done, "of": len(known)})
            yield row

    return LabelSet(projects[0].ontology_structure, walk, title=projects[0].title)


def listed_of(projects: list[Project], **filters: Any) -> list[LabelRowV2]:
    """List the label rows of projects, by title."""
    listed = [row for project in projects for row in project.list_label_rows_v2(**filters)]
    return sorted(listed, key=lambda row: row.data_title)


def _unbegun(row: LabelRowV2) -> LabelRowV2:
    """Return a row as it was listed."""
    fresh = LabelRowV2.__new__(LabelRowV2)
    fresh._begin(row._contents.stats, row._store, row._ontology)
    fresh.client_metadata = row.client_metadata
    return fresh


def _add_metadata(listed: list[LabelRowV2], projects: list[Project], client: EncordUserClient, report: Report) -> None:
    """Add client metadata (with the split) to rows; the service lists it only with datasets."""
    settings = DatasetAccessSettings(fetch_client_metadata=True)
    metadata: dict[str, dict[str, Any]] = {}
    for dataset_hash in sorted({dataset["dataset_hash"] for project in projects for dataset in project.datasets}):
        try:
            rows = client.get_dataset(dataset_hash, settings).data_rows
        except AuthorisationError:
            detail = f"The key may not see the dataset {dataset_hash}: splits and other client metadata are not known."
            report.note(Level.WARNING, "METADATA_NOT_READ", detail)
            continue
        metadata |= {item.uid: item.client_metadata for item in rows if item.client_metadata}
    for row in listed:
        fetched_keys = {key: value for key, value in metadata.get(row.data_hash, {}).items() if key != KEY}
        if fetched_keys and row.client_metadata is None:
            row.client_metadata = fetched_keys


def pull(
    project: str | Sequence[str],
    client: EncordUserClient,
    path: str | os.PathLike[str],
    format: str | Format | None = None,
    *,
    mapping: Mapping[str, Any] | str | Path | None = None,
    strict: bool = False,
    allow: Collection[str] = (),
    report: Report | None = None,
    clear: bool = False,
    options: dict[str, Any] | None = None,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    **filters: Any,
) -> Report:
    """Write the labels of a project in a format, and return the loss report.

    Parameters
    ----------
    project : str or sequence of str
        Hash; of several projects if the push that made them was spread over them.
    client : EncordUserClient
    path : path
    format : str or Format, optional
        Default: by the suffix of the path.
    mapping : mapping or path, optional
        What becomes of the classes; see :mod:`encord_convert.sync.mapping.file`.
    strict : bool
        Write nothing if anything would be lost.
    allow : collection of str
        Codes of losses that ``strict`` does not refuse.
    report : Report, optional
    clear : bool
        As of :func:`encord_convert.write`.
    options : dict, optional
        Of writing.
    on_event : callable, optional
        Called for each fetched row.
    **filters
        As :meth:`Project.list_label_rows_v2` takes them.
    """
    projects = opened(client, project)
    account = Report() if report is None else report
    account.source.path, account.source.format = projects[0].title, "project"
    for item in projects:
        join_classes(item.ontology_structure)
    listed = listed_of(projects, **filters)
    _add_metadata(listed, projects, client, account)
    labels = pulled(projects, listed, on_event, **filters)
    if mapping is not None:
        labels = mapped(labels, mapping)
    return write(
        labels, os.fspath(path), format, strict=strict, allow=allow, report=account, clear=clear, **(options or {})
    )
