"""Collections, filter presets and issue tags: kept as records, since a service without an engine filters nothing.

Of storage items a collection belongs to a folder, of frames or annotations to a project: whoever may see that sees it,
and its maker, or an admin, changes it. Presets of the storage are their maker's own.

Source: requests of the newest package; wire protocol of it, section 6.12.
"""

from __future__ import annotations

from typing import Any

import msgspec

from encord_convert.sdk.exceptions import AuthorisationError, InvalidArgumentsError
from encord_convert.service.auth import unseen
from encord_convert.service.calls import Call, handles_path
from encord_convert.service.handlers.data_rows import metadata_text
from encord_convert.service.handlers.datasets import LONGEST_DESCRIPTION, titled
from encord_convert.service.handlers.folders import role
from encord_convert.service.handlers.items import wire_records
from encord_convert.service.handlers.label_listings import entries
from encord_convert.service.handlers.projects import ADMIN, ANYBODY_AT_WORK, MANAGERS, found
from encord_convert.service.pages import cut, page_reply
from encord_convert.service.store import folders, items, records
from encord_convert.service.times import zulu

COLLECTION, PRESET, FRAMES, PROJECT_PRESET, ISSUE_TAG = (
    "collection", "preset", "project collection", "project preset", "issue tag",
)  # fmt: skip
MOST_ITEMS = 100_000
"""Of one collection."""
NO_ENGINE = "A local service has no engine that evaluates filters; add the items themselves."
_TYPES = ("FRAME", "LABEL")
_NO_SOUND = dict.fromkeys(("audio_codec", "audio_sample_rate", "audio_bit_depth", "audio_num_channels"))


def _kept(call: Call, kind: str, scope: str, more: dict[str, Any]) -> str:
    body = {"name": titled(call.given("name", str), "name"), **_description(call), **more}
    return records.put(call.db, kind, body, call.caller.user_hash, call.now, scope=scope)


def _description(call: Call) -> dict[str, str]:
    text = call.given("description", (str, type(None)), None)
    return {} if text is None else {"description": titled(text, "description", LONGEST_DESCRIPTION)}


def _listed(call: Call, kind: str, scopes: list[str], names: tuple[str, ...]) -> list[tuple[Any, dict[str, Any]]]:
    wanted = {uuid for name in names for uuid in call.asked.get(name, ())}
    rows = [record for scope in scopes for record in records.all_of(call.db, kind, scope)]
    return [(row, msgspec.json.decode(row["body"])) for row in rows if not wanted or row["uuid"] in wanted]


def _one(call: Call, kind: str, *, changes: bool) -> tuple[Any, dict[str, Any]]:
    """Return the record that the path names, if the caller may see it, or change it."""
    uuid = call.path.get("collection") or call.path["preset"]
    row = records.row(call.db, kind, uuid)
    is_of_project = kind in (FRAMES, PROJECT_PRESET)
    is_own = row is not None and row["user_hash"] == call.caller.user_hash
    if row is None or (row["scope"] != call.of.hash if is_of_project else kind == PRESET and not is_own):
        raise unseen(kind, uuid)
    if kind == COLLECTION:
        role(call, row["scope"], is_admin=changes and not is_own)
    elif changes and not is_own and call.of.role != ADMIN:
        raise AuthorisationError(f"The {kind} is another's.")
    return row, msgspec.json.decode(row["body"])


def _changed(call: Call, kind: str, row: Any, body: dict[str, Any]) -> None:
    records.put(call.db, kind, body, call.caller.user_hash, call.now, uuid=row["uuid"], scope=row["scope"])


def _patch(call: Call, kind: str) -> None:
    """Change name, description or filters of what is kept."""
    row, body = _one(call, kind, changes=True)
    name = call.given("name", (str, type(None)), None)
    given = {} if name is None else {"name": titled(name, "name")}
    filters = call.given("filterPreset", (dict, type(None)), None)
    metadata_text(filters)
    _changed(call, kind, row, body | given | _description(call) | ({} if filters is None else {"filters": filters}))


def _removed(call: Call, kind: str) -> None:
    """Forget what is kept."""
    row, _ = _one(call, kind, changes=True)
    records.remove(call.db, kind, row["uuid"])


def _no_engine(call: Call) -> None:
    """Refuse: there is no engine that evaluates filters."""
    raise InvalidArgumentsError(NO_ENGINE)


def _filters(call: Call) -> dict[str, Any]:
    given: dict[str, Any] = call.given("filterPresetJson", dict)
    metadata_text(given)
    return {"filters": given}


def _times(row: Any) -> dict[str, str]:
    return {"createdAt": zulu(row["created_at"]), "lastEditedAt": zulu(row["last_edited_at"])}


@handles_path("POST index/collections", writes=True)
def make_collection(call: Call) -> str:
    """Keep a collection of items, in a folder the caller sees."""
    folder = call.query.get("topLevelFolderUuid", "")
    role(call, folder, is_admin=False)
    return _kept(call, COLLECTION, folder, {"items": []})


@handles_path("GET index/collections", writes=False)
def list_collections(call: Call) -> dict[str, Any]:
    """List the collections of a folder, or of all the caller sees."""
    seen = [row[0] for row in call.db.execute(folders.visible(call.caller.user_hash))]
    wanted = call.asked.get("topLevelFolderUuid", seen)
    rows = _listed(call, COLLECTION, [item for item in wanted if item in seen], ("uuids",))
    some, token = cut(call, rows)
    items_ = (
        {
            "uuid": row["uuid"],
            "topLevelFolderUuid": row["scope"],
            "name": body["name"],
            "description": body.get("description", ""),
            **_times(row),
        }
        for row, body in some
    )
    return page_reply(items_, token)


def _change_items(call: Call, *, adds: bool) -> dict[str, Any]:
    """Add items to a collection, or take them out."""
    row, body = _one(call, COLLECTION, changes=True)
    given = [str(each) for each in call.given("itemUuids", list)]
    there = items.items(call.db, given)
    seen = {one for one in given if one in there and _sees(call, there[one].folder)}
    kept = [*body["items"], *(item for item in given if item in seen)] if adds else [
        one for one in body["items"] if one not in given
    ]  # fmt: skip
    _changed(call, COLLECTION, row, body | {"items": _bounded(kept)})
    return {"failedItems": [entry for entry in given if adds and entry not in seen]}


def _bounded(kept: list[Any]) -> list[Any]:
    unique = list({msgspec.json.encode(item): item for item in kept}.values())
    if len(unique) > MOST_ITEMS:
        raise InvalidArgumentsError(f"A collection has at most {MOST_ITEMS} items.")
    return unique


def _sees(call: Call, folder: str) -> bool:
    return folders.role_of(call.db, folder, call.caller.user_hash) is not None


@handles_path("GET index/collections/{collection}/accessible-items", writes=False)
def list_items(call: Call) -> dict[str, Any]:
    """List the items of a collection that the caller sees."""
    _, body = _one(call, COLLECTION, changes=False)
    some, token = cut(call, body["items"])
    rows = [item for item in items.items(call.db, some).values() if _sees(call, item.folder)]
    return page_reply(wire_records(call, rows, is_signed=False), token)


@handles_path("GET index/collections/{collection}/all-items", writes=False)
def list_all_items(call: Call) -> dict[str, Any]:
    """List the items of a collection; of those the caller does not see, the hashes."""
    _, body = _one(call, COLLECTION, changes=False)
    some, token = cut(call, body["items"])
    rows = [item for item in items.items(call.db, some).values() if _sees(call, item.folder)]
    shown = {note["uuid"]: note for note in wire_records(call, rows, is_signed=False)}
    return page_reply((shown.get(uuid, {"uuid": uuid}) for uuid in some), token)


@handles_path("POST index/presets", writes=True)
def make_preset(call: Call) -> str:
    """Keep a preset of the caller's own."""
    return _kept(call, PRESET, call.caller.user_hash, _filters(call))


@handles_path("GET index/presets", writes=False)
def list_presets(call: Call) -> dict[str, Any]:
    """List the presets of the caller."""
    some, token = cut(call, _listed(call, PRESET, [call.caller.user_hash], ("uuids",)))
    items_ = (
        {
            "uuid": row["uuid"],
            "name": body["name"],
            "description": body.get("description", ""),
            "createdAt": zulu(row["created_at"]),
            "lastUpdatedAt": zulu(row["last_edited_at"]),
        }
        for row, body in some
    )
    return page_reply(items_, token)


@handles_path("GET index/presets/{preset}", writes=False)
def preset(call: Call) -> Any:
    """Return the filters of a preset, as they were given."""
    return _one(call, PRESET, changes=False)[1]["filters"]


@handles_path("POST active/{project}/collections", writes=True, roles=ANYBODY_AT_WORK)
def make_project_collection(call: Call) -> str:
    """Keep a collection of frames or annotations of the project."""
    type_ = call.given("collectionType", str)
    if type_ not in _TYPES:
        raise InvalidArgumentsError(f"{type_[:64]!r} is no type of a collection; they are {' and '.join(_TYPES)}.")
    return _kept(call, FRAMES, call.of.hash, {"items": [], "type": type_})


@handles_path("GET active/{project}/collections", writes=False)
def list_project_collections(call: Call) -> dict[str, Any]:
    """List the collections of the project."""
    some, token = cut(call, _listed(call, FRAMES, [call.of.hash], ("uuids",)))
    items_ = (
        {
            "collectionUuid": row["uuid"],
            "name": body["name"],
            "description": body.get("description", ""),
            "projectUuid": call.of.hash,
            "collectionType": body["type"],
            **_times(row),
        }
        for row, body in some
    )
    return page_reply(items_, token)


def _change_frames(call: Call, *, adds: bool) -> dict[str, Any]:
    """Add frames or annotations to a collection, or take them out."""
    row, body = _one(call, FRAMES, changes=True)
    given = call.given("items", list)
    if not all(isinstance(entry, dict) and isinstance(entry.get("dataUuid"), str) for entry in given):
        raise InvalidArgumentsError("items is a list of objects with dataUuid and frame.")
    kept = [*body["items"], *given] if adds else [item for item in body["items"] if item not in given]
    _changed(call, FRAMES, row, body | {"items": _bounded(kept)})
    return {"failedItems": []}


@handles_path("GET active/{project}/collections/{collection}/items", writes=False)
def list_frames(call: Call) -> dict[str, Any]:
    """List the frames, or the annotations, of a collection by label row."""
    _, body = _one(call, FRAMES, changes=False)
    by_data: dict[str, list[Any]] = {}
    for item in body["items"]:
        instance = {name: item[name] for name in ("frame", "annotationId") if name in item}
        by_data.setdefault(item["dataUuid"], []).append(instance)
    wanted = {"data_hashes": list(by_data), "include_workflow_graph_node": True}
    rows = msgspec.json.decode(entries(call, found(call), wanted))
    some, token = cut(call, rows)
    return page_reply(
        ({"labelRowMetadata": _NO_SOUND | row, "instances": by_data[row["data_hash"]]} for row in some), token
    )


@handles_path("POST active/{project}/presets", writes=True, roles=ANYBODY_AT_WORK)
def make_project_preset(call: Call) -> str:
    """Keep a preset of the project."""
    return _kept(call, PROJECT_PRESET, call.of.hash, _filters(call))


@handles_path("GET active/{project}/presets", writes=False)
def list_project_presets(call: Call) -> dict[str, Any]:
    """List the presets of the project."""
    some, token = cut(call, _listed(call, PROJECT_PRESET, [call.of.hash], ("presetUuids",)))
    items_ = (
        {
            "presetUuid": row["uuid"],
            "name": body["name"],
            "createdAt": zulu(row["created_at"]),
            "updatedAt": zulu(row["last_edited_at"]),
        }
        for row, body in some
    )
    return page_reply(items_, token)


@handles_path("GET active/{project}/presets/{preset}/raw", writes=False)
def project_preset(call: Call) -> Any:
    """Return the filters of a preset, as they were given."""
    return _one(call, PROJECT_PRESET, changes=False)[1]["filters"]


@handles_path("GET projects/{project}/issue-tags", writes=False)
def list_issue_tags(call: Call) -> dict[str, Any]:
    """List the tags for issues of the project."""
    rows = records.all_of(call.db, ISSUE_TAG, call.of.hash)
    return page_reply({"uuid": row["uuid"], "name": msgspec.json.decode(row["body"])} for row in rows)


@handles_path("POST projects/{project}/issue-tags", writes=True, roles=MANAGERS)
def add_issue_tags(call: Call) -> None:
    """Keep tags for issues of the project."""
    there = {msgspec.json.decode(row["body"]) for row in records.all_of(call.db, ISSUE_TAG, call.of.hash)}
    for name in call.given("issueTagNames", list):
        if titled(name, "name") not in there:
            there.add(name)
            records.put(call.db, ISSUE_TAG, name, call.caller.user_hash, call.now, scope=call.of.hash)


handles_path("POST active/{project}/import", writes=True, roles=MANAGERS)(_no_engine)
handles_path("POST active/{project}/sync", writes=True, roles=MANAGERS)(_no_engine)

_FAMILIES = (
    ("index/collections/{collection}", COLLECTION, _change_items, None),
    ("index/presets/{preset}", PRESET, None, None),
    ("active/{project}/collections/{collection}", FRAMES, _change_frames, ANYBODY_AT_WORK),
    ("active/{project}/presets/{preset}", PROJECT_PRESET, None, ANYBODY_AT_WORK),
)
"""What is done alike with each: where it is, what it is, what changes its items, and who may."""


def _register() -> None:
    for path, kind, change, roles in _FAMILIES:
        for method, act in (("PATCH", _patch), ("DELETE", _removed)):

            def run(call: Call, act: Any = act, kind: str = kind) -> None:
                act(call, kind)

            run.__doc__ = act.__doc__
            handles_path(f"{method} {path}", writes=True, roles=roles)(run)
        if change is None:
            continue
        for name, adds in (("add-items", True), ("remove-items", False)):

            def run_items(call: Call, change: Any = change, adds: bool = adds) -> Any:
                return change(call, adds=adds)

            run_items.__doc__ = change.__doc__
            handles_path(f"POST {path}/{name}", writes=True, roles=roles)(run_items)
        for name in ("add-preset-items", "remove-preset-items"):
            handles_path(f"POST {path}/{name}", writes=True, roles=roles)(_no_engine)


_register()
