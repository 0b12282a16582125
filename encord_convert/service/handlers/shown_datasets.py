"""Datasets and ontologies as REST v2 has them.

Source: wire protocol of the newest package, sections 6.3 and 6.4.
"""

from __future__ import annotations

from typing import Any

import msgspec

from encord_convert.service.calls import Call, Kind, handles_path
from encord_convert.service.handlers import datasets as older
from encord_convert.service.handlers import ontologies as older_ontologies
from encord_convert.service.handlers.datasets import ADMIN
from encord_convert.service.pages import cut, filters, page_reply
from encord_convert.service.store import datasets, ontologies, users
from encord_convert.service.times import zulu

ROLES = ("admin", "user")
"""Of datasets, ontologies and folders, by their numbers."""


@handles_path("POST datasets", writes=True)
def create(call: Call) -> dict[str, Any]:
    """Make a dataset, whose admin the caller is."""
    title = older.titled(call.given("title", str))
    description = call.given("description", (str, type(None)), None) or ""
    description = older.titled(description, "description", older.LONGEST_DESCRIPTION)
    with_folder = call.given("createBackingFolder", bool, True)
    row = datasets.add_dataset(call.db, call.caller.user_hash, title, description, 0, with_folder, call.now)
    users.set_role(call.db, Kind.DATASET, row["dataset_hash"], call.caller.user_hash, 0)
    return {"datasetUuid": row["dataset_hash"], "backingFolderUuid": row["backing_folder_uuid"]}


@handles_path("GET datasets/list", writes=False)
def listing(call: Call) -> dict[str, Any]:
    """List the datasets the caller has a role in; this is not a page."""
    rows = datasets.datasets(call.db, call.caller.user_hash, filters(call))
    return {
        "result": [
            {
                "datasetUuid": row.dataset_hash,
                "title": row.title,
                "description": row.description or "",
                "createdAt": zulu(row.created_at),
                "lastEditedAt": zulu(row.last_edited_at),
                "userRole": ROLES[row.role],
                "storageLocation": row.type,
                "backingFolderUuid": row.backing_folder_uuid,
            }
            for row in rows
        ]
    }


@handles_path("GET datasets/{dataset}/users", writes=False)
def list_users(call: Call) -> dict[str, Any]:
    """List who has a role in the dataset."""
    rows, token = cut(call, users.members(call.db, Kind.DATASET, call.of.hash))
    items = ({"datasetUuid": call.of.hash, "userEmail": email, "userRole": role} for _, email, role in rows)
    return page_reply(items, token)


@handles_path("GET cloud-integrations", writes=False)
def integrations(call: Call) -> dict[str, Any]:
    """List the clouds whose data can be registered; this is not a page."""
    by_hash, by_title = call.asked.get("filterIntegrationUuids"), call.asked.get("filterIntegrationTitles")
    return {
        "result": [
            {"integrationUuid": hash_, "title": root.url}
            for hash_, root in call.storage.clouds.roots.items()
            if (by_hash is None or hash_ in by_hash) and (by_title is None or root.url in by_title)
        ]
    }


def _record(row: Any, role: int) -> dict[str, Any]:
    return {
        "ontologyUuid": row["ontology_hash"],
        "title": row["title"],
        "description": row["description"] or "",
        "editor": msgspec.Raw(row["editor"]),
        "createdAt": zulu(row["created_at"]),
        "lastEditedAt": zulu(row["last_edited_at"]),
        "userRole": role,
    }


@handles_path("POST ontologies", writes=True, prepare=older_ontologies.checked_editor)
def create_ontology(call: Call) -> dict[str, Any]:
    """Make an ontology; the caller is its admin."""
    title = older.titled(call.given("title", str))
    hash_ = older_ontologies.add(call, title, older_ontologies.described(call), call.prepared)
    return _record(ontologies.find(call.db, hash_), 0)


@handles_path("GET ontologies", writes=False)
def list_ontologies(call: Call) -> dict[str, Any]:
    """List the ontologies the caller has a role on."""
    rows, token = cut(call, ontologies.of_user(call.db, call.caller.user_hash, filters(call)))
    return page_reply((_record(row, row["role"]) for row in rows), token)


@handles_path("GET ontologies/{ontology}", writes=False)
def fetch_ontology(call: Call) -> dict[str, Any]:
    """Fetch an ontology."""
    return _record(ontologies.find(call.db, call.of.hash), call.of.role)


@handles_path("PUT ontologies/{ontology}", writes=True, roles=ADMIN, prepare=older_ontologies.checked_editor)
def save_ontology(call: Call) -> dict[str, Any]:
    """Save title, description and structure of an ontology."""
    older_ontologies.save_as(call, call.of.hash)
    return _record(ontologies.find(call.db, call.of.hash), call.of.role)
