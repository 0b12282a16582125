"""The listing of the label rows of a project, with every condition it takes.

Source: wire protocol, section 11.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, select

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.sdk.orm.label_row import AnnotationTaskStatus, LabelRowMetadata, ShadowDataState
from encord_convert.service.calls import Call, Kind, Parts, handles
from encord_convert.service.store import label_rows, projects
from encord_convert.service.store.datasets import like
from encord_convert.service.store.tables import DATA_ROWS
from encord_convert.service.store.tables_labels import LABEL_ROWS
from encord_convert.service.store.tables_projects import PROJECT_DATASETS, WORKFLOW_NODES
from encord_convert.service.times import seconds_of

_EPOCH = datetime(1970, 1, 1)
_PLACES = {"label_hashes": 0, "data_hashes": 7}
"""Where these stand in a row of the listing."""

NOT_BEGUN = "NOT_LABELLED"
WAITING = AnnotationTaskStatus.QUEUED.value


@handles(Query.LABEL_ROW_METADATA, Verb.GET, RESOURCE, writes=False, scope="label.read", kinds=(Kind.PROJECT,))
def list_rows(call: Call) -> Parts:
    """List the label rows of the project that meet every condition given."""
    payload = call.payload if isinstance(call.payload, dict) else {}
    return Parts(_parts(call, projects.find(call.db, call.of.hash), payload))


def entries(call: Call, project: Any, wanted: dict[str, Any]) -> msgspec.Raw:
    """Return what the listing says of the label rows of a project, as JSON.

    Parameters
    ----------
    call : Call
    project : mapping
    wanted : dict
        Conditions; none: every piece of data, labelled or not.
    """
    return msgspec.Raw(b"".join(_parts(call, project, wanted)))


# As a record of its own, an entry is made and written twice as fast as a dictionary.
_Entry: Any = msgspec.defstruct("_Entry", [field.name for field in fields(LabelRowMetadata)], gc=False)


def _parts(call: Call, project: Any, wanted: dict[str, Any]) -> Iterator[bytes]:
    nodes = projects.nodes(call.db, call.of.hash)
    shadows = _shadows(call, project)
    too_many: list[tuple[int, set[str]]] = []
    conditions = _conditions(call, wanted, bool(nodes), too_many)
    state = wanted.get("shadow_data_state") or "ALL_DATA"
    if state not in [one.value for one in ShadowDataState]:
        raise InvalidArgumentsError(f"{state!r:.80} is no shadow_data_state.")
    before = b"["
    for dataset in projects.datasets(call.db, call.of.hash):
        is_shadow = dataset["dataset_hash"] in shadows
        if state not in ("ALL_DATA", "SHADOW_DATA" if is_shadow else "NOT_SHADOW_DATA"):
            continue
        for batch in label_rows.listed(call.db, call.of.hash, dataset["dataset_hash"], conditions):
            rows = [row for row in batch if all(row[place] in hashes for place, hashes in too_many)]
            if rows:
                yield before
                yield msgspec.json.encode(_entries(rows, dataset, nodes, is_shadow))[1:-1]
                before = b","
    yield b"[]" if before == b"[" else b"]"


def _entries(rows: Sequence[Any], dataset: Any, nodes: dict[int, dict[str, str]], is_shadow: bool) -> list[Any]:
    dataset_hash, dataset_title = dataset["dataset_hash"], dataset["title"]
    return [
        _Entry(
            label_hash,
            None if created_at is None else _EPOCH + timedelta(seconds=created_at),
            None if edited_at is None else _EPOCH + timedelta(seconds=edited_at),
            data_hash,
            dataset_hash,
            dataset_title,
            data_title,
            data_type,
            link,
            label_status or NOT_BEGUN,
            None if nodes else task_status or WAITING,
            nodes.get(node or 0),
            is_shadow,
            frames,
            duration,
            fps,
            height,
            width,
            priority,
        )
        for (
            label_hash, created_at, edited_at, label_status, task_status, node, priority, data_hash, data_title,
            data_type, link, frames, duration, fps, height, width,
        ) in rows
    ]  # fmt: skip


def _shadows(call: Call, project: Any) -> set[str]:
    """Return the datasets of the projects a benchmark is taken from: theirs is hidden among other data."""
    sources = msgspec.json.decode(project["source_projects"] or "[]")
    if not sources:
        return set()
    theirs = PROJECT_DATASETS.c.project_hash.in_(sources)
    return set(call.db.scalars(select(PROJECT_DATASETS.c.dataset_hash).where(theirs)))


def _conditions(
    call: Call, wanted: dict[str, Any], has_workflow: bool, too_many: list[tuple[int, set[str]]]
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    columns = LABEL_ROWS.c
    for name, value in wanted.items():
        if value is None:
            continue
        match name:
            case "edited_before":
                found.append(columns.last_edited_at < seconds_of(value))
            case "edited_after":
                found.append(columns.last_edited_at > seconds_of(value))
            case "include_uninitialised_labels":
                if not value:
                    found.append(columns.label_hash.is_not(None))
            case "label_statuses":
                own = columns.annotation_task_status
                status = own if has_workflow else func.coalesce(own, WAITING)
                found.append(status.in_(_texts(name, value)))
            case "shadow_data_state":
                pass  # a matter of whole datasets
            case "data_hashes" | "label_hashes":
                column = DATA_ROWS.c.data_hash if name == "data_hashes" else columns.label_hash
                hashes = _texts(name, value)
                if len(hashes) > label_rows.MOST_IN_A_CONDITION:
                    too_many.append((_PLACES[name], set(hashes)))
                else:
                    found.append(column.in_(hashes))
            case "data_title_eq":
                found.append(DATA_ROWS.c.data_title == _texts(name, [value])[0])
            case "data_title_like":
                found.append(like(DATA_ROWS.c.data_title, value))
            case "workflow_graph_node_title_eq" | "workflow_graph_node_title_like":
                title = WORKFLOW_NODES.c.title
                test = title == _texts(name, [value])[0] if name.endswith("eq") else like(title, value)
                places = select(WORKFLOW_NODES.c.place).where(WORKFLOW_NODES.c.project_hash == call.of.hash, test)
                found.append(func.coalesce(columns.node, 0).in_(places))
            case _:
                raise InvalidArgumentsError(f"The listing of label rows has no condition {name[:64]!r}.")
    return found


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidArgumentsError(f"{name} is a list of texts.")
    return value
