"""Datasets: made, listed, opened, shared.

Source: wire protocol, sections 8.1, 9.1 and 9.3.
"""

from __future__ import annotations

from typing import Any

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.sdk.orm.dataset import DatasetScope, DatasetUserRole, StorageLocation
from encord_convert.service.calls import Call, Kind, handles
from encord_convert.service.store import datasets, users
from encord_convert.service.times import spaced

ADMIN = (DatasetUserRole.ADMIN.value,)
ANYONE = tuple(role.value for role in DatasetUserRole)
LONGEST_TITLE = 1024
LONGEST_DESCRIPTION = 65536


def titled(value: object, what: str = "title", most: int = LONGEST_TITLE) -> str:
    """Return a title, or another text people read.

    Raises
    ------
    InvalidArgumentsError
        It is no text, too long, or holds a NUL or half a character, which databases refuse.
    """
    if not isinstance(value, str) or len(value) > most:
        raise InvalidArgumentsError(f"The {what} is a text of at most {most} characters.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidArgumentsError(f"The {what} holds characters that cannot be kept.")
    return value


@handles(Query.DATASET, Verb.POST, USER, writes=True)
def create(call: Call) -> dict[str, Any]:
    """Make a dataset, whose admin the caller is."""
    title = titled(call.given("title", str))
    description = titled(call.given("description", str, ""), "description", LONGEST_DESCRIPTION)
    type_ = call.given("type", int, 0)
    if type_ not in {location.value for location in StorageLocation} - {StorageLocation.NEW_STORAGE.value}:
        raise InvalidArgumentsError(f"{type_} is no storage; 0 is the service's own.")
    with_folder = call.given("create_backing_folder", bool, True)
    row = datasets.add_dataset(call.db, call.caller.user_hash, title, description, type_, with_folder, call.now)
    users.set_role(call.db, Kind.DATASET, row["dataset_hash"], call.caller.user_hash, DatasetUserRole.ADMIN)
    return {key: row[key] for key in ("title", "type", "dataset_hash", "user_hash", "backing_folder_uuid")}


@handles(Query.DATASET_WITH_USER_ROLE, Verb.GET, USER, writes=False)
def listing(call: Call) -> list[dict[str, Any]]:
    """List the datasets the caller has a role in."""
    rows = datasets.datasets(call.db, call.caller.user_hash, call.given("filter", dict, {}))
    return [{"user_role": row.role, "dataset": _listed(row)} for row in rows]


def _listed(row: Any) -> dict[str, Any]:
    return {
        "dataset_hash": row.dataset_hash,
        "user_hash": row.user_hash,
        "title": row.title,
        "description": row.description or "",
        "type": row.type,
        "created_at": spaced(row.created_at),
        "last_edited_at": spaced(row.last_edited_at),
        "backing_folder_uuid": row.backing_folder_uuid,
    }


@handles(
    Query.DATASET, Verb.GET, RESOURCE, writes=False, scope=DatasetScope.READ.value, roles=ANYONE, kinds=[Kind.DATASET]
)
def opened(call: Call) -> dict[str, Any]:
    """Return a dataset with its data rows."""
    row = datasets.dataset(call.db, call.of.hash)
    return {
        "title": row.title,
        "description": row.description,
        "dataset_hash": row.dataset_hash,
        "dataset_type": StorageLocation(row.type).get_str(),
        "backing_folder_uuid": row.backing_folder_uuid,
        "data_rows": [],
    }
