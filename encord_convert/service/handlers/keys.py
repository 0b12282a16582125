"""API keys of datasets and projects: made, listed, and what one says of itself.

A key is derived from the service's secret and its own hash, and only its digest is in the database: who reads the
database learns no key, and whoever may see a key again can.

Source: wire protocol, sections 8.2, 8.4 and 8.9.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from uuid import uuid4

import msgspec

from encord_convert.sdk.exceptions import AuthorisationError, InvalidArgumentsError
from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.sdk.orm.dataset import DatasetScope
from encord_convert.sdk.utilities.client_utilities import APIKeyScopes
from encord_convert.service.auth import unseen
from encord_convert.service.calls import ANY_SCOPE, Call, Kind, handles
from encord_convert.service.handlers.datasets import titled
from encord_convert.service.store import keys, users

SCOPES = {
    Kind.DATASET: [scope.value for scope in DatasetScope],
    Kind.PROJECT: [scope.value for scope in APIKeyScopes],
}
ADMIN = 0
"""The role of datasets and projects whose bearer makes keys."""
DEFAULT_TITLE = "default"


@handles(Query.API_KEY_META, Verb.GET, RESOURCE, writes=False, scope=ANY_SCOPE)
def meta(call: Call) -> dict[str, str]:
    """Say what the API key is called, and of which kind of resource it is."""
    if call.caller.scopes is None:
        raise AuthorisationError("This is asked with an API key.")
    return {"title": call.caller.key_title, "resource_type": call.of.kind.value}


def secret_of(call: Call, key_hash: str) -> str:
    """Return an API key by its hash: 43 characters that can stand in an address."""
    digest = hmac.digest(call.storage.secret, b"API key " + key_hash.encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _owned(call: Call, kind: Kind, hash_: object) -> str:
    role = users.role_of(call.db, kind, hash_, call.caller.user_hash) if isinstance(hash_, str) else None
    if role is None or not isinstance(hash_, str):
        raise unseen(kind, str(hash_))
    if role != ADMIN:
        raise AuthorisationError(f"Keys of a {kind.value} are for its admins.")
    return hash_


def _made(call: Call, kind: Kind, hash_: str, title: str, scopes: list[str]) -> dict[str, Any]:
    unknown = sorted(set(map(str, scopes)) - set(SCOPES[kind]))
    if unknown or not scopes:
        raise InvalidArgumentsError(f"The scopes of a {kind.value} key are of {', '.join(SCOPES[kind])}.")
    key_hash = str(uuid4())
    row = {
        "key_hash": key_hash,
        "secret_sha256": sha256(secret_of(call, key_hash).encode()).hexdigest(),
        "kind": kind.value,
        "hash": hash_,
        "user_hash": call.caller.user_hash,
        "title": titled(title),
        "scopes": msgspec.json.encode(sorted(set(scopes))).decode(),
        "created_at": call.now,
    }
    keys.add_key(call.db, row)
    return row


def _found_or_made(call: Call, kind: Kind, hash_: str) -> Any:
    """Return a key of the caller's that allows everything, made if there is none."""
    for row in keys.keys_of(call.db, kind, hash_):
        if row.user_hash == call.caller.user_hash and set(msgspec.json.decode(row.scopes)) == set(SCOPES[kind]):
            return dict(row._mapping)
    return _made(call, kind, hash_, DEFAULT_TITLE, SCOPES[kind])


def _record(call: Call, row: Any) -> dict[str, Any]:
    return {
        "resource_hash": row["hash"],
        "api_key": secret_of(call, row["key_hash"]),
        "title": row["title"],
        "key_hash": row["key_hash"],
        "scopes": msgspec.json.decode(row["scopes"]),
    }


def _dataset(call: Call) -> str:
    return _owned(call, Kind.DATASET, call.given("dataset_hash", str))


@handles(Query.DATASET_API_KEY, Verb.POST, USER, writes=True)
def create_of_dataset(call: Call) -> dict[str, Any]:
    """Make a key of a dataset."""
    hash_ = _dataset(call)
    return _record(call, _made(call, Kind.DATASET, hash_, call.given("title", str), call.given("scopes", list)))


@handles(Query.DATASET_API_KEY, Verb.GET, USER, writes=False)
def of_dataset(call: Call) -> list[dict[str, Any]]:
    """List the keys of a dataset."""
    return [_record(call, row._mapping) for row in keys.keys_of(call.db, Kind.DATASET, _dataset(call))]


@handles(Query.DATASET_API_KEY, Verb.PUT, USER, writes=True)
def one_of_dataset(call: Call) -> dict[str, Any]:
    """Return a key of a dataset that allows everything."""
    return _record(call, _found_or_made(call, Kind.DATASET, _dataset(call)))


def _project(call: Call) -> str:
    return _owned(call, Kind.PROJECT, call.uid)


@handles(Query.PROJECT_API_KEY, Verb.POST, USER, writes=True)
def create_of_project(call: Call) -> str:
    """Make a key of a project."""
    row = _made(call, Kind.PROJECT, _project(call), call.given("title", str), call.given("scopes", list))
    return secret_of(call, row["key_hash"])


@handles(Query.PROJECT_API_KEY, Verb.GET, USER, writes=False)
def of_project(call: Call) -> list[dict[str, Any]]:
    """List the keys of a project."""
    rows = keys.keys_of(call.db, Kind.PROJECT, _project(call))
    kept = ("api_key", "title", "scopes")
    return [{name: value for name, value in _record(call, row._mapping).items() if name in kept} for row in rows]


@handles(Query.PROJECT_API_KEY, Verb.PUT, USER, writes=True)
def one_of_project(call: Call) -> str:
    """Return a key of a project that allows everything."""
    return secret_of(call, _found_or_made(call, Kind.PROJECT, _project(call))["key_hash"])
