"""Groups of users and their roles in resources; who else is there; tokens; the schema of client metadata.

A group is its maker's to change and its members' to see. The schema belongs to the whole service and is only kept.

Source: wire protocol of the newest package, sections 3, 6.9 and 6.10.
"""

from __future__ import annotations

from typing import Any

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.service.auth import new_token
from encord_convert.service.calls import Call, Kind, handles_path
from encord_convert.service.handlers.data_rows import metadata_text
from encord_convert.service.handlers.datasets import LONGEST_DESCRIPTION, titled
from encord_convert.service.handlers.shown_datasets import ROLES
from encord_convert.service.pages import cut, page_reply
from encord_convert.service.store import groups, records, users
from encord_convert.service.times import zulu

OWNER = (0,)
SCHEMA = "client metadata schema"
_RESOURCES = ("projects/{project}", "datasets/{dataset}", "ontologies/{ontology}", "storage/folders/{folder}")
MOST_USERS = 1000


def _record(row: Any) -> dict[str, Any]:
    return {
        "groupHash": row.group_hash,
        "name": row.name,
        "description": row.description,
        "createdAt": zulu(row.created_at),
    }


def _texts(call: Call) -> dict[str, str]:
    """Return name and description, where the call gives them."""
    name, text = (call.given(name, (str, type(None)), None) for name in ("name", "description"))
    given = {} if name is None else {"name": titled(name, "name")}
    return given if text is None else given | {"description": titled(text, "description", LONGEST_DESCRIPTION)}


@handles_path("GET user/current-organisation/groups", writes=False)
def list_own(call: Call) -> dict[str, Any]:
    """List the groups the caller made or is in."""
    rows, token = cut(call, groups.of_user(call.db, call.caller.user_hash))
    return page_reply(map(_record, rows), token)


@handles_path("POST organisation/groups", writes=True)
def create(call: Call) -> dict[str, Any]:
    """Make a group."""
    call.given("name", str)
    values = {"description": ""} | _texts(call)
    return _record(groups.group(call.db, groups.add(call.db, call.caller.user_hash, **values, now=call.now)))


@handles_path("GET organisation/groups/{group}", writes=False)
def opened(call: Call) -> dict[str, Any]:
    """Return a group."""
    return _record(groups.group(call.db, call.of.hash))


@handles_path("PATCH organisation/groups/{group}", writes=True, roles=OWNER)
def change(call: Call) -> dict[str, Any]:
    """Change name or description of a group."""
    groups.change(call.db, call.of.hash, _texts(call))
    return _record(groups.group(call.db, call.of.hash))


@handles_path("DELETE organisation/groups/{group}", writes=True, roles=OWNER)
def remove(call: Call) -> None:
    """Delete a group; its members lose what they had by it."""
    groups.remove(call.db, call.of.hash)


@handles_path("GET organisation/groups/{group}/users", writes=False)
def list_users(call: Call) -> dict[str, Any]:
    """List the members of a group."""
    rows, token = cut(call, groups.emails(call.db, call.of.hash))
    return page_reply(({"userEmail": email} for email in rows), token)


@handles_path("POST organisation/groups/{group}/users", writes=True, roles=OWNER)
def add_users(call: Call) -> dict[str, Any]:
    """Take users into a group."""
    emails = [users.address(item) for item in call.given("userEmails", list)]
    if len(emails) > MOST_USERS:
        raise InvalidArgumentsError(f"At most {MOST_USERS} users are added at once.")
    groups.add_users(call.db, call.of.hash, [users.user_named(call.db, entry, call.now) for entry in emails])
    return page_reply({"userEmail": email} for email in emails)


@handles_path("POST organisation/groups/{group}/users/bulk-delete", writes=True, roles=OWNER)
def remove_users(call: Call) -> None:
    """Put users out of a group."""
    emails = map(users.address, call.given("userEmails", list))
    groups.remove_users(call.db, call.of.hash, users.found(call.db, emails))


def list_on(call: Call) -> dict[str, Any]:
    """List the groups that have a role in a resource."""
    is_text = call.of.kind is Kind.FOLDER
    rows, token = cut(call, groups.on_resource(call.db, call.of.kind, call.of.hash))
    items = (
        {**_record(row), "isSameOrganisation": True, "userRole": ROLES[row.role] if is_text else row.role}
        for row in rows
    )
    return page_reply(items, token)


def add_to(call: Call) -> None:
    """Give groups of the caller a role in a resource."""
    role = call.given("userRole", (int, str))
    known = range(6) if call.of.kind is Kind.PROJECT else ROLES if call.of.kind is Kind.FOLDER else range(2)
    if role not in known:
        raise InvalidArgumentsError(f"{str(role)[:64]!r} is no role in a {call.of.kind.value}.")
    number = ROLES.index(role) if isinstance(role, str) else role
    for group_hash in call.given("groupHashList", list):
        if users.role_of(call.db, groups.KIND, str(group_hash), call.caller.user_hash) is None:
            raise ResourceNotFoundError(f"There is no group {str(group_hash)[:64]}, or this key may not see it.")
        groups.set_group_role(call.db, call.of.kind, call.of.hash, group_hash, number)


def remove_from(call: Call) -> None:
    """Take their role in a resource from groups."""
    for group_hash in call.asked.get("groupHashList", ()):
        groups.set_group_role(call.db, call.of.kind, call.of.hash, group_hash, None)


for _path in _RESOURCES:
    handles_path(f"GET {_path}/groups", writes=False)(list_on)
    handles_path(f"POST {_path}/groups", writes=True, roles=OWNER)(add_to)
    handles_path(f"DELETE {_path}/groups", writes=True, roles=OWNER)(remove_from)


@handles_path("GET organisation/users", writes=False)
def colleagues(call: Call) -> dict[str, Any]:
    """List the users who share a resource or a group with the caller."""
    rows, token = cut(call, users.beside(call.db, call.caller.user_hash))
    items = (
        {
            "email": row.email,
            "roleMnemonicName": "USER",
            "roleUuid": row.user_hash,
            "memberType": "internal",
            "createdAt": zulu(row.created_at),
            "lastEditedAt": zulu(row.created_at),
        }
        for row in rows
    )
    return page_reply(items, token)


@handles_path("GET user/bearer-token", writes=False)
@handles_path("GET user/bearer_token", writes=False)
def token(call: Call) -> dict[str, str]:
    """Give a token that stands for the signatures of the caller's key."""
    if call.key_hex is None:
        raise InvalidArgumentsError("A token is given to whoever signs with a key.")
    return {"token": new_token(call.key_hex, call.storage.seal, call.now)}


@handles_path("GET organisation/client-metadata-schema-v2", writes=False)
def schema(call: Call) -> Any:
    """Return the schema of client metadata."""
    return records.get(call.db, SCHEMA, SCHEMA) or {}


@handles_path("POST organisation/client-metadata-schema-v2", writes=True)
def save_schema(call: Call) -> None:
    """Keep the schema of client metadata; metadata are not compared with it."""
    metadata_text(call.payload)
    records.put(call.db, SCHEMA, call.payload, call.caller.user_hash, call.now, uuid=SCHEMA)


@handles_path("GET organisation/client-metadata-schema", writes=False)
def older_schema(call: Call) -> None:
    """Say that there is no schema of the older kind."""
