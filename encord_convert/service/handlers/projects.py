"""Projects: made, listed, opened, shared; datasets in and out; their data looked up.

Source: wire protocol, sections 8.3, 10.1, 10.2, 10.4, 10.6 and 10.9.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec

from encord_convert.sdk.exceptions import (
    AuthorisationError,
    InvalidArgumentsError,
    OperationNotAllowed,
    ResourceNotFoundError,
)
from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.service.calls import ANY_SCOPE, Call, Kind, handles
from encord_convert.service.handlers.datasets import LONGEST_DESCRIPTION, titled
from encord_convert.service.handlers.label_listings import entries
from encord_convert.service.handlers.ontologies import EMPTY, add, check_editable, checked
from encord_convert.service.store import label_rows, ontologies, projects, users
from encord_convert.service.times import spaced

ADMIN, ANNOTATOR, REVIEWER, ANNOTATOR_REVIEWER, TEAM_MANAGER, VIEWER = range(6)
ANYBODY_AT_WORK = (ADMIN, ANNOTATOR, REVIEWER, ANNOTATOR_REVIEWER, TEAM_MANAGER)
MANAGERS = (ADMIN, TEAM_MANAGER)
WORKFLOW_TYPES = ("manual", "benchmark")


@handles(Query.PROJECT, Verb.POST, USER, writes=True)
def create(call: Call) -> str:
    """Make a project with datasets and an ontology, given or empty; the caller is its admin."""
    title = titled(call.given("title", str))
    description = titled(call.given("description", str, ""), "description", LONGEST_DESCRIPTION)
    workflow_type = call.given("workflow_type", str, "manual")
    if workflow_type not in WORKFLOW_TYPES:
        raise InvalidArgumentsError(f"A project is {' or '.join(WORKFLOW_TYPES)}, not {workflow_type[:64]!r}.")
    sources = hashes(call.given("source_projects", list, []), "source_projects")
    dataset_hashes = hashes(call.given("dataset_hashes", list), "dataset_hashes")
    for kind, wanted in ((Kind.PROJECT, sources), (Kind.DATASET, dataset_hashes)):
        for hash_ in wanted:
            role(call, kind, hash_)
    ontology_hash = call.given("ontology_hash", (str, type(None)), None)
    is_own = not ontology_hash or role(call, Kind.ONTOLOGY, ontology_hash) == ADMIN
    template = call.given("workflow_template_id", (str, type(None)), None)
    project_hash = str(uuid4())
    values = {
        "project_hash": project_hash,
        "title": title,
        "description": description,
        "ontology_hash": ontology_hash or add(call, title, "", msgspec.json.encode(EMPTY)),
        "edits_ontology": is_own,
        "workflow_type": workflow_type,
        "workflow_manager_uuid": str(uuid4()) if template else None,
        "source_projects": msgspec.json.encode(sources).decode() if workflow_type == "benchmark" else None,
        "created_at": call.now,
        "last_edited_at": call.now,
    }
    projects.add(call.db, values)
    projects.attach(call.db, project_hash, dataset_hashes)
    users.set_role(call.db, Kind.PROJECT, project_hash, call.caller.user_hash, ADMIN)
    return project_hash


@handles(Query.PROJECT_WITH_USER_ROLE, Verb.GET, USER, writes=False)
def list_own(call: Call) -> list[dict[str, Any]]:
    """List the projects the caller has a role in."""
    found = projects.of_user(call.db, call.caller.user_hash, call.given("filter", dict, {}))
    return [{"user_role": match["role"], "project": _record(match)} for match in found]


@handles(Query.PROJECT, Verb.GET, RESOURCE, writes=False, scope=ANY_SCOPE, kinds=(Kind.PROJECT,))
def opened(call: Call) -> dict[str, Any]:
    """Return the record of the project; with what the listing says of each label row, if asked."""
    project = found(call)
    ontology = ontologies.find(call.db, project["ontology_hash"])
    sources = project["source_projects"]
    return _record(project) | {
        "ontology_hash": project["ontology_hash"],
        "editor_ontology": msgspec.Raw(ontology["editor"]) if ontology is not None else EMPTY,
        "datasets": [
            {**item, "description": item["description"] or ""} for item in projects.datasets(call.db, call.of.hash)
        ],
        "label_rows": entries(call, project, {}) if call.given("include_labels_metadata", bool, False) else None,
        "source_projects": None if sources is None else msgspec.Raw(sources.encode()),
        "workflow_manager_uuid": project["workflow_manager_uuid"],
    }


@handles(Query.PROJECT, Verb.POST, RESOURCE, writes=True, roles=(ADMIN,), kinds=(Kind.PROJECT,))
def write_ontology(call: Call) -> bool:
    """Overwrite the structure of the ontology of the project."""
    editor = checked(call.given("editor", dict))
    check_editable(call)
    return ontologies.change(call.db, found(call)["ontology_hash"], call.now, editor=editor)


@handles(Query.PROJECT_USERS, Verb.POST, RESOURCE, writes=True, roles=MANAGERS, kinds=(Kind.PROJECT,))
def add_users(call: Call) -> list[dict[str, Any]]:
    """Give users a role; team managers neither make admins nor change them, and one admin stays."""
    new_role = call.given("user_role", int)
    if new_role not in range(6):
        raise InvalidArgumentsError(f"{new_role} is no role in a project; roles are 0 to 5.")
    emails = [users.address(hash_) for hash_ in hashes(call.given("user_emails", list), "user_emails")]
    own = (Kind.PROJECT, call.of.hash)
    for email in emails:
        user_hash = users.user_named(call.db, email, call.now)
        if call.of.role != ADMIN and ADMIN in (new_role, users.role_of(call.db, *own, user_hash)):
            raise AuthorisationError("A team manager neither makes admins nor changes their role.")
        users.set_role(call.db, *own, user_hash, new_role)
    if not any(one == ADMIN for _, _, one in users.members(call.db, *own)):
        raise OperationNotAllowed("A project has one admin at least; this would leave none.")
    return [{"user_email": email, "user_role": new_role, "project_hash": call.of.hash} for email in emails]


@handles(Query.PROJECT_DATASET, Verb.POST, RESOURCE, writes=True, roles=(ADMIN,), kinds=(Kind.PROJECT,))
def attach(call: Call) -> bool:
    """Attach datasets the caller has a role in."""
    wanted = hashes(call.given("dataset_hashes", list), "dataset_hashes")
    for hash_ in wanted:
        role(call, Kind.DATASET, hash_)
    projects.attach(call.db, call.of.hash, wanted)
    projects.edited(call.db, call.of.hash, call.now)
    return True


@handles(Query.PROJECT_DATASET, Verb.DELETE, RESOURCE, writes=True, roles=(ADMIN,), kinds=(Kind.PROJECT,))
def detach(call: Call) -> bool:
    """Detach datasets; their labels come back if they are attached again."""
    wanted = hashes(call.uid, "uid")
    unknown = set(wanted) - {dataset["dataset_hash"] for dataset in projects.datasets(call.db, call.of.hash)}
    if unknown:
        raise ResourceNotFoundError(f"The project has no dataset {min(unknown)[:64]}.")
    projects.detach(call.db, call.of.hash, wanted)
    projects.edited(call.db, call.of.hash, call.now)
    return True


@handles(Query.DATASET_DATA, Verb.GET, RESOURCE, writes=False, scope="label.read", kinds=(Kind.PROJECT,))
def look_up(call: Call) -> dict[str, Any]:
    """Return where a piece of data lies: a video, or images or the files of a series."""
    uid = call.uid if isinstance(call.uid, dict) else {}
    data_hash, is_signed = str(uid.get("data_hash")), uid.get("get_signed_url") is True
    rows = label_rows.whole(call.db, call.of.hash, data_hashes=[data_hash])
    if not rows:
        raise ResourceNotFoundError(f"The project has no data {data_hash[:64]}.")
    link = links(call, is_signed)
    row = rows[0]
    video, images = None, None
    if row["data_type"] == "VIDEO":
        video = {"data_hash": data_hash, "title": row["data_title"], "file_link": link(row), "backing_item_uuid": None}
    elif row["data_type"] == "IMAGE":
        own = {"data_hash": data_hash, "image_hash": data_hash, "title": row["data_title"], "file_link": link(row)}
        images = [own]
    else:
        images = [
            {
                "data_hash": file["image_hash"],
                "image_hash": file["image_hash"],
                "title": file["title"],
                "file_link": link(file),
            }
            for file in label_rows.files(call.db, [data_hash]).get(data_hash, ())
        ]
    return {"data_hash": data_hash, "video": video, "images": images}


def links(call: Call, is_signed: bool) -> Any:
    """Return what gives the link of a file or of a piece of data: if asked, one that opens without a key."""

    def link(file: Any) -> str | None:
        title = file["data_title"] if "data_title" in file else file["title"]
        if is_signed and file["sha256"]:
            return call.storage.download_url(call.base_url, file["sha256"], title, file["file_type"], call.now)
        text: str | None = file["file_link"]
        return text

    return link


def found(call: Call) -> Any:
    """Return the project the call is made in the name of."""
    project = projects.find(call.db, call.of.hash)
    if project is None:
        raise ResourceNotFoundError(f"There is no project {call.of.hash[:64]}, or this key may not see it.")
    return project


def role(call: Call, kind: Kind, hash_: str) -> int:
    """Return the caller's role in another resource.

    Raises
    ------
    ResourceNotFoundError
        There is none: no role, or no resource.
    """
    own = users.role_of(call.db, kind, hash_, call.caller.user_hash)
    if own is None:
        raise ResourceNotFoundError(f"There is no {kind.value} {hash_[:64]}, or this key may not see it.")
    return own


def hashes(value: Any, name: str, most: int = label_rows.MOST_IN_A_CONDITION) -> list[str]:
    """Return a list of texts, each once.

    Raises
    ------
    InvalidArgumentsError
        It is none, or longer than ``most``.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidArgumentsError(f"{name} is a list of texts.")
    if len(value) > most:
        raise InvalidArgumentsError(f"{name} holds {len(value)} texts; at most {most} are taken at once.")
    return list(dict.fromkeys(value))


def _record(project: Any) -> dict[str, Any]:
    return {
        "project_hash": project["project_hash"],
        "title": project["title"],
        "description": project["description"],
        "created_at": spaced(project["created_at"]),
        "last_edited_at": spaced(project["last_edited_at"]),
    }
