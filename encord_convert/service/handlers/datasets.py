"""Datasets: made, listed, opened, shared.

Source: wire protocol, sections 8.1, 9.1 and 9.3.
"""

from __future__ import annotations

import re
from typing import Any

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.sdk.orm.dataset import DatasetUserRole, StorageLocation
from encord_convert.service.calls import Call, Kind, handles
from encord_convert.service.store import datasets, users
from encord_convert.service.times import spaced

ADMIN = (DatasetUserRole.ADMIN.value,)
ANYONE = tuple(role.value for role in DatasetUserRole)
LONGEST_TITLE = 1024
LONGEST_DESCRIPTION = 65536

_HALF = re.compile("[\ud800-\udfff]")


def titled(value: object, what: str = "title", most: int = LONGEST_TITLE) -> str:
    """Return a title, or another text people read.

    Raises
    ------
    InvalidArgumentsError
        It is no text, too long, or holds a NUL or half a character, which databases refuse.
    """
    if not isinstance(value, str) or len(value) > most:
        raise InvalidArgumentsError(f"The {what} is a text of at most {most} characters.")
    if "\0" in value or _HALF.search(value):
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


def record(row: Any) -> dict[str, Any]:
    """Return a dataset as the wire has it, its data rows left out."""
    return {
        "title": row.title,
        "description": row.description,
        "dataset_hash": row.dataset_hash,
        "dataset_type": StorageLocation(row.type).get_str(),
        "backing_folder_uuid": row.backing_folder_uuid,
    }


@handles(Query.DATASET_USERS, Verb.POST, RESOURCE, writes=True, roles=ADMIN, kinds=[Kind.DATASET])
def add_users(call: Call) -> list[dict[str, Any]]:
    """Give people a role in the dataset; whoever is new may register a key later."""
    role = call.given("user_role", int)
    if role not in ANYONE:
        raise InvalidArgumentsError(f"{role} is no role in a dataset: 0 is admin, 1 user.")
    return given_roles(call, Kind.DATASET, role, "dataset_hash")


def given_roles(call: Call, kind: Kind, role: int, hash_key: str) -> list[dict[str, Any]]:
    """Give the people of ``user_emails`` a role in the resource of the call, and return them as the wire has them."""
    emails = [users.address(item) for item in call.given("user_emails", list)]
    for email in emails:
        users.set_role(call.db, kind, call.of.hash, users.user_named(call.db, email, call.now), role)
    return [{"user_email": email, "user_role": role, hash_key: call.of.hash} for email in emails]
