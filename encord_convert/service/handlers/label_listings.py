"""The listing of the label rows of a project, with every condition it takes.

Source: wire protocol, section 11.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, func, select

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.sdk.orm.label_row import AnnotationTaskStatus, LabelRowMetadata, ShadowDataState
from encord_convert.service.calls import Call, Kind, Parts, handles
from encord_convert.service.store import label_rows, projects, tasks
from encord_convert.service.store.datasets import like
from encord_convert.service.store.tables import DATA_ROWS
from encord_convert.service.store.tables_labels import LABEL_ROWS
from encord_convert.service.store.tables_projects import PROJECT_DATASETS, WORKFLOW_NODES
from encord_convert.service.times import seconds_of

_EPOCH = datetime(1970, 1, 1)
_PLACES = {"label_hashes": 0, "data_hashes": 7}
"""Where these stand in a row of the listing."""

MAIN = "main"
"""The branch of labels that is always there."""
_NO_SPACES: dict[str, Any] = {}
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
_MORE = (
    "file_type", "backing_item_uuid", "task_uuid", "assigned_user_email", "last_actioned_by_user_email",
    "client_metadata", "images_data",
)  # fmt: skip
"""What only younger clients read."""
_NAMES = [field.name for field in fields(LabelRowMetadata)]
_Entry: Any = msgspec.defstruct("_Entry", _NAMES, gc=False)
_YoungerEntry: Any = msgspec.defstruct(
    "_YoungerEntry",
    [*_NAMES, "branch_name", "spaces"] + [(name, Any, None) for name in _MORE],
    gc=False,
    omit_defaults=True,
)


_YOUNGER = {"include_client_metadata", "include_images_data", "include_all_label_branches", "branch_name"}
"""What only younger clients ask."""


def _parts(call: Call, project: Any, wanted: dict[str, Any]) -> Iterator[bytes]:
    # Stages are told of every project to whoever asks for them, since a row with a stage has no status for its client.
    is_asked = wanted.get("include_workflow_graph_node") is True
    has_workflow = project["workflow_manager_uuid"] is not None
    nodes = projects.nodes(call.db, call.of.hash) if has_workflow or is_asked else {}
    shadows = _shadows(call, project)
    too_many: list[tuple[int, set[str]]] = []
    conditions = _conditions(call, wanted, has_workflow, too_many)
    state = wanted.get("shadow_data_state") or "ALL_DATA"
    if state not in [item.value for item in ShadowDataState]:
        raise InvalidArgumentsError(f"{state!r:.80} is no shadow_data_state.")
    of_tasks = tasks.assignees(call.db, call.of.hash) if is_asked else {}
    more = _More(call, wanted, is_asked, of_tasks)
    branches = _branches(call, wanted)
    before = b"["
    for dataset in projects.datasets(call.db, call.of.hash):
        is_shadow = dataset["dataset_hash"] in shadows
        if state not in ("ALL_DATA", "SHADOW_DATA" if is_shadow else "NOT_SHADOW_DATA"):
            continue
        for name, own, only in branches:
            for batch in label_rows.listed(call.db, own, dataset["dataset_hash"], [*conditions, *only], more=is_asked):
                rows = [row for row in batch if all(row[place] in hashes for place, hashes in too_many)]
                if rows:
                    yield before
                    entries = _entries(rows, dataset, nodes, is_shadow, has_workflow, more, name)
                    yield msgspec.json.encode(entries)[1:-1]
                    before = b","
    yield b"[]" if before == b"[" else b"]"


def _branches(call: Call, wanted: dict[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """Return the branches that are asked for: name, hash, and what is asked of their rows besides."""
    name, wants_all = wanted.get("branch_name") or MAIN, wanted.get("include_all_label_branches") is True
    if name == MAIN and not wants_all:
        return [(MAIN, call.of.hash, [])]
    others = projects.branches(call.db, call.of.hash)
    if not wants_all:
        return [(str(name), others.get(name, ""), [])]
    is_begun = [LABEL_ROWS.c.label_hash.is_not(None)]
    return [(MAIN, call.of.hash, []), *((one, own, is_begun) for one, own in others.items())]


class _More(NamedTuple):
    """What else is asked for."""

    call: Call
    wanted: dict[str, Any]
    with_tasks: bool
    of_tasks: dict[str, Any]

    def of(self, rows: Sequence[Any], branch: str) -> Iterable[tuple[Any, ...]]:
        """Return for each row its branch, and what of :data:`_MORE` is asked for."""
        hashes = [row[7] for row in rows]
        metadata: dict[str, Any] = {}
        if self.wanted.get("include_client_metadata") is True:
            found = label_rows.client_metadata(self.call.db, hashes)
            metadata = {data_hash: msgspec.Raw(text.encode()) for data_hash, text in found.items()}
        images: dict[str, Any] = {}
        if self.wanted.get("include_images_data") is True:
            groups = [row[7] for row in rows if row[9] == "IMG_GROUP"]
            images = {
                data_hash: [_image(file) for file in files]
                for data_hash, files in label_rows.files(self.call.db, groups).items()
            }
        if not self.with_tasks:
            empty = (branch, _NO_SPACES, *[None] * 5)
            return [(*empty, metadata.get(hash_), images.get(hash_)) for hash_ in hashes]
        project_hash, nobody = self.call.of.hash, (None, None, None)
        return (
            (
                branch, _NO_SPACES, *row[-2:], tasks.uuid_of(project_hash, row[7]),
                *self.of_tasks.get(row[7], nobody)[1:], metadata.get(row[7]), images.get(row[7]),
            )
            for row in rows
        )  # fmt: skip


def _image(file: Any) -> dict[str, Any]:
    names = ("title", "file_type", "height", "width", "image_hash")
    return {"index": file["position"], **{name: file[name] for name in names}}


def _entries(
    rows: Sequence[Any],
    dataset: Any,
    nodes: dict[int, Any],
    is_shadow: bool,
    has_workflow: bool,
    more: _More,
    branch: str,
) -> list[Any]:
    dataset_hash, dataset_title = dataset["dataset_hash"], dataset["title"]
    is_plain = not (more.with_tasks or more.wanted.keys() & _YOUNGER)
    others: Iterable[tuple[Any, ...]] = repeat((), len(rows)) if is_plain else more.of(rows, branch)
    own = rows if not more.with_tasks else [row[:16] for row in rows]
    entry = _Entry if is_plain else _YoungerEntry
    return [
        entry(
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
            None if has_workflow else task_status or WAITING,
            nodes.get(node or 0),
            is_shadow,
            frames,
            duration,
            fps,
            height,
            width,
            priority,
            *other,
        )
        for (
            label_hash, created_at, edited_at, label_status, task_status, node, priority, data_hash, data_title,
            data_type, link, frames, duration, fps, height, width,
        ), other in zip(own, others, strict=True)
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
            case "shadow_data_state" | "include_client_metadata" | "include_images_data" | "include_children":
                pass  # a matter of whole datasets, or of what is told
            case "include_workflow_graph_node" | "include_all_label_branches" | "client_metadata_as_signed_url":
                pass
            case "branch_name":
                pass
            case _ if value is False:
                pass  # younger clients name what they do not ask for
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
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidArgumentsError(f"{name} is a list of texts.")
    return value
