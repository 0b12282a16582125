"""Copies of projects: with the same datasets or data of their own, with labels, models and collaborators.

A copy has the ontology, the kind and the workflow of its model; the caller is its admin. Labels are copied as they are
now, as first revisions of the caller's; which ones, is told by hash and by how their review stands:

========================  ==============================================
``APPROVED``              REVIEWED, REVIEWED_TWICE, the last stage
``REJECTED``              returned by the reviewer
``PENDING``               LABELLED, REVIEW_IN_PROGRESS, the review stage
``NOT_SELECTED_FOR_REVIEW``   all others
========================  ==============================================

Source: wire protocol, section 10.3. Unknown: what the original calls a copy without a title.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.sdk.orm.project import ProjectCopyOptions, ReviewApprovalState
from encord_convert.service.calls import Call, Kind, handles
from encord_convert.service.handlers.datasets import LONGEST_DESCRIPTION, titled
from encord_convert.service.handlers.label_rows import begin_row, save_rows
from encord_convert.service.handlers.projects import ADMIN, found, hashes
from encord_convert.service.store import copies, datasets, label_rows, projects, users

MOST_COPIED = 1_000_000
"""Hashes that say what is copied."""
AT_ONCE = 200
"""Labels of so many rows stand in memory together."""
_KEPT = ("label_status", "annotation_task_status", "node", "priority")
_STATES = {
    "REVIEWED": ReviewApprovalState.APPROVED,
    "REVIEWED_TWICE": ReviewApprovalState.APPROVED,
    "LABELLED": ReviewApprovalState.PENDING,
    "REVIEW_IN_PROGRESS": ReviewApprovalState.PENDING,
}


@handles(Query.PROJECT_COPY, Verb.POST, RESOURCE, writes=True, roles=(ADMIN,), kinds=(Kind.PROJECT,))
def copy(call: Call) -> str:
    """Copy the project; return the hash of the copy."""
    wanted = hashes(call.given("copy_project_options", list), "copy_project_options")
    unknown = [item for item in wanted if item not in {option.value for option in ProjectCopyOptions}]
    if unknown:
        raise InvalidArgumentsError(f"{unknown[0]!r:.80} is nothing that can be copied with a project.")
    options = call.given("copy_labels_options", (dict, type(None)), None) or {}
    words = call.given("project_copy_metadata", (dict, type(None)), None) or {}
    is_clone = bool(options.get("create_new_dataset"))
    if "labels" in wanted and not is_clone and "datasets" not in wanted:
        raise InvalidArgumentsError("Labels are copied with their datasets: attach or clone them.")
    model = found(call)
    title = titled(words.get("project_title") or f"Copy of {model['title']}"[:1024])
    new = str(uuid4())
    own = {
        "project_hash": new,
        "title": title,
        "description": titled(
            words.get("project_description") or model["description"], "description", LONGEST_DESCRIPTION
        ),
        "workflow_manager_uuid": str(uuid4()) if model["workflow_manager_uuid"] else None,
        "created_at": call.now,
        "last_edited_at": call.now,
    }
    projects.add(call.db, {**model, **own})
    users.set_role(call.db, Kind.PROJECT, new, call.caller.user_hash, ADMIN)
    of_model = [dataset["dataset_hash"] for dataset in projects.datasets(call.db, call.of.hash)]
    new_hashes: dict[str, str] | None = None
    if is_clone:
        new_hashes = _clone(call, new, of_model, options, words, title)
    elif "datasets" in wanted:
        projects.attach(call.db, new, of_model)
    if "labels" in wanted:
        _copy_labels(call, new, options, new_hashes)
    if "models" in wanted:
        copies.models(call.db, call.of.hash, new)
    if "collaborators" in wanted:
        copies.roles(call.db, call.of.hash, new, but=call.caller.user_hash)
    return new


def _clone(
    call: Call, new: str, of_model: list[str], options: dict[str, Any], words: dict[str, Any], title: str
) -> dict[str, str]:
    """Make a dataset of the caller's with the data that is named; return old to new hashes."""
    named = options.get("datasets_to_data_hashes_map") or {}
    if not isinstance(named, dict):
        raise InvalidArgumentsError("datasets_to_data_hashes_map is an object of lists of data hashes.")
    made = datasets.add_dataset(
        call.db,
        call.caller.user_hash,
        titled(words.get("dataset_title") or title),
        titled(words.get("dataset_description") or "", "description", LONGEST_DESCRIPTION),
        StorageLocation.CORD_STORAGE.value,
        True,
        call.now,
    )
    users.set_role(call.db, Kind.DATASET, made["dataset_hash"], call.caller.user_hash, ADMIN)
    projects.attach(call.db, new, [made["dataset_hash"]])
    new_hashes: dict[str, str] = {}
    for dataset_hash, data_hashes in named.items():
        if dataset_hash not in of_model:
            raise ResourceNotFoundError(f"The project has no dataset {dataset_hash[:64]}.")
        wanted = hashes(data_hashes, "datasets_to_data_hashes_map", MOST_COPIED)
        copied: dict[str, str] = {}
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            copied |= copies.data(call.db, dataset_hash, some, made["dataset_hash"], call.now)
        missing = set(wanted) - copied.keys()
        if missing:
            raise ResourceNotFoundError(f"The dataset {dataset_hash} has no data {min(missing)[:64]}.")
        new_hashes |= copied
    return new_hashes


def _copy_labels(call: Call, new: str, options: dict[str, Any], new_hashes: dict[str, str] | None) -> None:
    by_hash, by_state = options.get("accepted_label_hashes"), options.get("accepted_label_statuses")
    accepted = None if by_hash is None else set(hashes(by_hash, "accepted_label_hashes", MOST_COPIED))
    states = None if by_state is None else set(hashes(by_state, "accepted_label_statuses"))
    has_workflow = projects.has_workflow(call.db, new)
    rows = [
        row
        for row in copies.labelled(call.db, call.of.hash)
        if (accepted is None or row["label_hash"] in accepted)
        and (states is None or _state(row) in states)
        and (new_hashes is None or row["data_hash"] in new_hashes)
    ]
    for number in range(0, len(rows), AT_ONCE):
        some = rows[number : number + AT_ONCE]
        bodies = label_rows.bodies(call.db, [row["head"] for row in some if row["head"] is not None])
        for row in some:
            data_hash, body = row["data_hash"], bodies.get(row["head"])
            if new_hashes is not None:
                data_hash = new_hashes[data_hash]
                body = body and _renamed(body, new_hashes)
            label_hash = begin_row(call, data_hash, has_workflow, new)
            if body is not None:
                save_rows(call, new, {label_hash: body})
            label_rows.change(call.db, new, data_hash, {name: row[name] for name in _KEPT})


def _state(row: Any) -> str:
    if row["annotation_task_status"] == "RETURNED":
        return ReviewApprovalState.REJECTED.value
    return _STATES.get(row["label_status"], ReviewApprovalState.NOT_SELECTED_FOR_REVIEW).value


def _renamed(body: bytes, new_hashes: dict[str, str]) -> bytes:
    """Return a label row with the hashes of copied data."""
    row = msgspec.json.decode(body)
    row["data_hash"] = new_hashes[row["data_hash"]]
    units = {}
    for key, unit in row["data_units"].items():
        unit["data_hash"] = new_hashes.get(unit.get("data_hash", key), unit.get("data_hash", key))
        units[unit["data_hash"]] = unit
    row["data_units"] = units
    return msgspec.json.encode(row)
