"""Ontologies: made, listed, fetched and saved; under their own headers, or those of a project that uses them.

Source: wire protocol, sections 8.1 (filters) and 13.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, RowMapping

from encord_convert.sdk.exceptions import EncordException, InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.sdk.objects.ontology_structure import OntologyStructure
from encord_convert.service.calls import ANY_SCOPE, Call, Kind, handles
from encord_convert.service.handlers.datasets import LONGEST_DESCRIPTION, titled
from encord_convert.service.store import ontologies, projects, users
from encord_convert.service.times import long

ADMIN = 0
EMPTY: dict[str, list[Any]] = {"objects": [], "classifications": []}


def checked_editor(call: Call) -> bytes:
    """Return the structure a call gives, checked."""
    return checked(call.given("editor", dict, EMPTY))


@handles(Query.ONTOLOGY, Verb.POST, USER, writes=True, prepare=checked_editor)
def create(call: Call) -> dict[str, Any]:
    """Make an ontology; the caller is its admin."""
    title = titled(call.given("title", str))
    ontology_hash = add(call, title, described(call), call.prepared)
    return _wire(_found(call.db, ontology_hash))


def add(call: Call, title: str, description: str, editor: bytes) -> str:
    """Store a new ontology of the caller's, see :func:`checked`; return its hash."""
    ontology_hash = str(uuid4())
    ontologies.add(call.db, ontology_hash, title, description, editor, call.now)
    users.set_role(call.db, Kind.ONTOLOGY, ontology_hash, call.caller.user_hash, ADMIN)
    return ontology_hash


@handles(Query.ONTOLOGY_WITH_USER_ROLE, Verb.GET, USER, writes=False)
def list_own(call: Call) -> list[dict[str, Any]]:
    """List the ontologies the caller has a role on."""
    found = ontologies.of_user(call.db, call.caller.user_hash, call.given("filter", dict, {}))
    return [{"user_role": match["role"], "user_email": call.caller.email, "ontology": _wire(match)} for match in found]


@handles(Query.ONTOLOGY, Verb.GET, RESOURCE, writes=False, scope=ANY_SCOPE, kinds=(Kind.ONTOLOGY, Kind.PROJECT))
def fetch(call: Call) -> dict[str, Any]:
    """Fetch an ontology."""
    return _wire(_found(call.db, _addressed(call)))


def checked_save(call: Call) -> bytes:
    """Return the structure a call gives, checked, if it may be saved."""
    _addressed(call)
    if call.of.kind is Kind.PROJECT:
        check_editable(call)
    return checked(call.given("editor", dict))


@handles(
    Query.ONTOLOGY, Verb.PUT, RESOURCE, writes=True, roles=(ADMIN,), kinds=(Kind.ONTOLOGY, Kind.PROJECT),
    prepare=checked_save,
)  # fmt: skip
def save(call: Call) -> bool:
    """Save title, description and structure of an ontology; its dates are the service's."""
    ontology_hash = _addressed(call)
    if call.of.kind is Kind.PROJECT:
        check_editable(call)
    save_as(call, ontology_hash)
    return True


def _roles(call: Call) -> tuple[int | None, int | None]:
    """Return the roles of the caller in the ontology that the call names: their own, and that by a project."""
    own = users.role_of(call.db, Kind.ONTOLOGY, str(call.uid), call.caller.user_hash)
    return own, ontologies.role_by_project(call.db, str(call.uid), call.caller.user_hash)


@handles(Query.ONTOLOGY, Verb.GET, USER, writes=False)
def fetch_by_user(call: Call) -> dict[str, Any]:
    """Fetch an ontology that the call names; versions between the first and the newest do so."""
    if _roles(call) == (None, None):
        raise _unknown()
    return _wire(_found(call.db, str(call.uid)))


def checked_by_user(call: Call) -> bytes:
    """Return the structure a call gives, checked, if the caller may save it."""
    if ADMIN not in _roles(call):
        raise _unknown()
    return checked(call.given("editor", dict))


@handles(Query.ONTOLOGY, Verb.PUT, USER, writes=True, prepare=checked_by_user)
def save_by_user(call: Call) -> bool:
    """Save an ontology that the call names."""
    save_as(call, str(call.uid))
    return True


def save_as(call: Call, ontology_hash: str) -> None:
    """Store what a call gives of an ontology."""
    values = {
        "title": titled(call.given("title", str)),
        "description": described(call),
        "editor": call.prepared,
    }
    ontologies.change(call.db, ontology_hash, call.now, **values)


def check_editable(call: Call) -> None:
    """Refuse to change an ontology through a project of someone who could not change it.

    Raises
    ------
    ResourceNotFoundError
    """
    project = projects.find(call.db, call.of.hash)
    if project is None or not project["edits_ontology"]:
        raise _unknown()


def checked(editor: dict[str, Any]) -> bytes:
    """Return a structure as JSON.

    Raises
    ------
    InvalidArgumentsError
        No client could read it.
    """
    editor = _without_null_options(editor)
    try:
        OntologyStructure.from_dict(editor)
    except (EncordException, TypeError, KeyError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InvalidArgumentsError(f"The editor is no ontology structure: {what.rstrip('.')}.") from None
    return msgspec.json.encode(editor)


def _without_null_options(value: Any) -> Any:
    """Drop ``options: null``, which the older, flat form has where there are none."""
    if isinstance(value, dict):
        return {key: _without_null_options(one) for key, one in value.items() if key != "options" or one is not None}
    return [_without_null_options(item) for item in value] if isinstance(value, list) else value


def described(call: Call) -> str:
    """Return the description a call gives; empty if it gives none."""
    return titled(call.given("description", (str, type(None)), None) or "", "description", LONGEST_DESCRIPTION)


def _addressed(call: Call) -> str:
    """Return the hash of the ontology asked for, if the headers give access to it."""
    own: Any = call.of.hash
    if call.of.kind is Kind.PROJECT:
        project = projects.find(call.db, call.of.hash)
        own = project["ontology_hash"] if project else None
    if own is None or call.uid not in (own, None):
        raise _unknown()
    return str(own)


def _found(db: Connection, ontology_hash: str) -> RowMapping:
    ontology = ontologies.find(db, ontology_hash)
    if ontology is None:
        raise _unknown()
    return ontology


def _unknown() -> ResourceNotFoundError:
    return ResourceNotFoundError("There is no such ontology, or it is not yours to use.")


def _wire(ontology: RowMapping) -> dict[str, Any]:
    return {
        "ontology_hash": ontology["ontology_hash"],
        "title": ontology["title"],
        "description": ontology["description"],
        "editor": msgspec.Raw(ontology["editor"]),
        "created_at": long(ontology["created_at"]),
        "last_edited_at": long(ontology["last_edited_at"]),
    }
