"""Projects as REST v2 has them, and who works in them.

A project of any kind is one with a workflow there: labelling, review, done. Its status and its tags are only kept.

Source: wire protocol of the newest package, sections 6.1, 6.6 and 6.8.
"""

from __future__ import annotations

from typing import Any

import msgspec

from encord_convert.sdk.exceptions import InvalidArgumentsError, OperationNotAllowed, ResourceNotFoundError
from encord_convert.service.calls import Call, Kind, handles_path
from encord_convert.service.handlers.label_listings import MAIN
from encord_convert.service.handlers.label_rows import begin_row, branch_of, full_bodies, save_rows
from encord_convert.service.handlers.label_rows import found as of_branches
from encord_convert.service.handlers.ontologies import EMPTY
from encord_convert.service.handlers.projects import ADMIN, MANAGERS, found, hashes
from encord_convert.service.pages import cut, filters, page_reply
from encord_convert.service.store import groups, label_rows, ontologies, projects, records, users
from encord_convert.service.times import zulu

STATUSES = ("notStarted", "inProgress", "inReview", "paused", "completed", "cancelled", "archived")
STAGE_TYPES = ("ANNOTATION", "REVIEW", "DONE")
"""Of the stages of every workflow, in their order."""
STATUS, TAG, TAGGED = "project status", "tag", "tags of a project"


def record(call: Call, project: Any, role: int) -> dict[str, Any]:
    """Return a project as the wire has it."""
    hash_ = project["project_hash"]
    ontology = ontologies.find(call.db, project["ontology_hash"])
    members = users.members(call.db, Kind.PROJECT, hash_)
    sources = project["source_projects"]
    stages = [
        {"stageType": STAGE_TYPES[place], **node} for place, node in sorted(projects.nodes(call.db, hash_).items())
    ]
    return {
        "projectHash": hash_,
        "projectType": "workflow",
        "status": records.get(call.db, STATUS, hash_, hash_) or STATUSES[0],
        "title": project["title"],
        "description": project["description"],
        "createdAt": zulu(project["created_at"]),
        "lastEditedAt": zulu(project["last_edited_at"]),
        "creatorEmail": next((email for _, email, one in members if one == ADMIN), ""),
        "ontologyHash": project["ontology_hash"],
        "editorOntology": EMPTY if ontology is None else msgspec.Raw(ontology["editor"]),
        "userRole": role,
        "sourceProjects": None if sources is None else msgspec.Raw(sources.encode()),
        "workflowManagerUuid": project["workflow_manager_uuid"],
        "workflow": {"stages": stages},
    }


@handles_path("GET projects", writes=False)
def list_own(call: Call) -> dict[str, Any]:
    """List the projects the caller has a role in."""
    rows = projects.of_user(call.db, call.caller.user_hash, filters(call))
    tags = set(call.asked.get("tagsAnyof", ()))
    if tags:
        rows = [row for row in rows if tags & set(records.get(call.db, TAGGED, *[row["project_hash"]] * 2) or ())]
    some, token = cut(call, rows)
    return page_reply((record(call, item, item["role"]) for item in some), token)


@handles_path("GET projects/{project}", writes=False)
def opened(call: Call) -> dict[str, Any]:
    """Return the project."""
    return record(call, found(call), call.of.role)


@handles_path("GET projects/{project}/datasets", writes=False)
def list_datasets(call: Call) -> dict[str, Any]:
    """List the datasets of the project."""
    rows, token = cut(call, projects.datasets(call.db, call.of.hash))
    items = (
        {"datasetHash": row["dataset_hash"], "title": row["title"], "description": row["description"] or ""}
        for row in rows
    )
    return page_reply(items, token)


@handles_path("PUT projects/{project}/status", writes=True, roles=MANAGERS)
def set_status(call: Call) -> None:
    """Keep the status of the project; nothing depends on it."""
    status = call.given("status", str)
    if status not in STATUSES:
        raise InvalidArgumentsError(f"{status[:64]!r} is no status of a project; they are {', '.join(STATUSES)}.")
    records.put(call.db, STATUS, status, call.caller.user_hash, call.now, uuid=call.of.hash, scope=call.of.hash)


@handles_path("GET projects/{project}/users", writes=False)
def list_users(call: Call) -> dict[str, Any]:
    """List who has a role in the project."""
    rows, token = cut(call, users.members(call.db, Kind.PROJECT, call.of.hash))
    return page_reply(({"userEmail": email, "userRole": role} for _, email, role in rows), token)


@handles_path("POST projects/{project}/users/bulk-delete", writes=True, roles=MANAGERS)
@handles_path("POST datasets/{dataset}/users/bulk-delete", writes=True, roles=(ADMIN,))
def remove_users(call: Call) -> None:
    """Take their roles from users; one admin stays, and only admins take the role of one."""
    kind, hash_ = call.of.kind, call.of.hash
    for user_hash in users.found(call.db, map(users.address, call.given("userEmails", list))):
        if call.of.role != ADMIN and users.role_of(call.db, kind, hash_, user_hash) == ADMIN:
            raise OperationNotAllowed("A team manager does not remove admins.")
        groups.drop_role(call.db, kind, hash_, user_hash)
    if not any(role == ADMIN for _, _, role in users.members(call.db, kind, hash_)):
        raise OperationNotAllowed(f"A {kind.value} has one admin at least; this would leave none.")


@handles_path("GET projects/{project}/branches", writes=False)
def list_branches(call: Call) -> dict[str, Any]:
    """List the branches of labels of the project."""
    names = projects.branches(call.db, call.of.hash)
    return page_reply({"name": name} for name in [MAIN, *names])


@handles_path("POST projects/{project}/label-rows/classifications", writes=False)
def classifications(call: Call) -> dict[str, Any]:
    """Return the answers of classifications of label rows, without their objects."""
    wanted = hashes(call.given("labelUuids", list), "labelUuids")
    rows = full_bodies(call, wanted)
    return {
        "labels": [
            {
                "labelUuid": row["label_hash"],
                "dataUuid": row["data_hash"],
                "dataTitle": row["data_title"],
                "branchName": row["branch_name"],
                "classificationAnswers": row["classification_answers"],
            }
            for row in rows
        ]
    }


@handles_path("GET projects/{project}/labels/{label}/validation-state", writes=False)
def validation_state(call: Call) -> dict[str, Any]:
    """Say that a row is valid: what is not is refused when it is saved."""
    [row] = full_bodies(call, [call.path["label"]])
    return {
        "labelHash": row["label_hash"],
        "branchName": row["branch_name"],
        "version": 1,
        "isValid": True,
        "errors": [],
    }


@handles_path("GET projects/{project}/editor-logs", writes=False, roles=MANAGERS)
def editor_logs(call: Call) -> dict[str, Any]:
    """Return no log of an editor: a local service has none."""
    return page_reply([])


@handles_path("POST projects/{project}/labels/copy-branch", writes=True, roles=MANAGERS)
def copy_branch(call: Call) -> dict[str, int]:
    """Save labels of a branch on another, which is made if it is not there; rows that are there stay unless asked."""
    source = call.given("sourceBranchName", str)
    target = branch_of(call, call.given("targetBranchName", str))
    rows = of_branches(call, hashes(call.given("labelUuids", list), "labelUuids"))
    if any(row.get("branch_name", MAIN) != source for row in rows):
        raise InvalidArgumentsError(f"A label row is not of the branch {source[:64]}.")
    there = {item["data_hash"]: item["label_hash"] for item in _of_data(call, target, rows)}
    overwrites = call.given("overwrite", bool, False)
    bodies = label_rows.bodies(call.db, [row["head"] for row in rows if row["head"] is not None])
    saved, count = {}, 0
    for row in rows:
        label_hash = there.get(row["data_hash"])
        if label_hash is not None and not overwrites:
            continue
        label_hash = label_hash or begin_row(call, row["data_hash"], False, target)
        if row["head"] is not None:
            saved[label_hash] = bodies[row["head"]]
        count += 1
    save_rows(call, target, saved)
    return {"copiedCount": count}


def _of_data(call: Call, branch: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return label_rows.whole(call.db, branch, data_hashes=[row["data_hash"] for row in rows])


@handles_path("GET organisation/organisation-tags", writes=False)
def list_tags(call: Call) -> dict[str, Any]:
    """List the tags of the service."""
    return page_reply(_tag(item) for item in records.all_of(call.db, TAG))


@handles_path("POST organisation/organisation-tags", writes=True)
def add_tag(call: Call) -> dict[str, Any]:
    """Keep a tag."""
    body = {"name": call.given("name", str), "description": call.given("description", (str, type(None)), None)}
    uuid = records.put(call.db, TAG, body, call.caller.user_hash, call.now)
    return {"uuid": uuid, "name": body["name"]}


@handles_path("DELETE organisation/organisation-tags/{tag}", writes=True)
def remove_tag(call: Call) -> None:
    """Forget a tag the caller made."""
    own = [entry for entry in records.all_of(call.db, TAG) if entry["user_hash"] == call.caller.user_hash]
    if call.path["tag"] not in [item["uuid"] for item in own]:
        raise ResourceNotFoundError("There is no such tag, or it is another's.")
    records.remove(call.db, TAG, call.path["tag"])


@handles_path("GET projects/{project}/tags", writes=False)
def tags_of_project(call: Call) -> dict[str, Any]:
    """List the tags of the project."""
    own = records.get(call.db, TAGGED, call.of.hash, call.of.hash) or []
    return page_reply(_tag(item) for item in records.all_of(call.db, TAG) if item["uuid"] in own)


@handles_path("PUT projects/{project}/tags/{tag}", writes=True, roles=MANAGERS)
def tag(call: Call) -> None:
    """Give the project a tag."""
    uuid = call.path["tag"]
    if records.get(call.db, TAG, uuid) is None:
        raise ResourceNotFoundError("There is no such tag.")
    own = records.get(call.db, TAGGED, call.of.hash, call.of.hash) or []
    _keep_tags(call, [*own, uuid])


@handles_path("DELETE projects/{project}/tags/{tag}", writes=True, roles=MANAGERS)
def untag(call: Call) -> None:
    """Take a tag from the project."""
    own = records.get(call.db, TAGGED, call.of.hash, call.of.hash) or []
    _keep_tags(call, [item for item in own if item != call.path["tag"]])


def _keep_tags(call: Call, uuids: list[str]) -> None:
    own = list(dict.fromkeys(uuids))
    records.put(call.db, TAGGED, own, call.caller.user_hash, call.now, uuid=call.of.hash, scope=call.of.hash)


def _tag(row: Any) -> dict[str, Any]:
    return {"uuid": row["uuid"], "name": msgspec.json.decode(row["body"])["name"]}
