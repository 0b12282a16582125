"""Folders of the storage: made, listed, found, changed, moved, deleted.

Roles are inherited. Whoever has a role in a dataset has it in the folder of its items.

Source: wire protocol of the newest package, section 6.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from encord_convert.sdk.exceptions import AuthorisationError, InvalidArgumentsError
from encord_convert.service.auth import unseen
from encord_convert.service.calls import Call, Kind, handles_path
from encord_convert.service.handlers.data_rows import metadata_text
from encord_convert.service.handlers.datasets import ADMIN, LONGEST_DESCRIPTION, titled
from encord_convert.service.handlers.shown_datasets import ROLES
from encord_convert.service.pages import is_asked, page, page_reply, window
from encord_convert.service.store import folders, items, records, users
from encord_convert.service.store.datasets import like_any
from encord_convert.service.store.tables_storage import FOLDERS, ITEMS
from encord_convert.service.times import zulu

MOST_AT_ONCE = 1000
"""Folders or items of one request."""
JOB = "upload job"


def wire_records(call: Call, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return folders as the wire has them; of what they are in, what the caller may see."""
    owners = users.emails(call.db, [row.user_hash for row in rows])
    found = []
    for row in rows:
        path = folders.path(call.db, row.uuid)
        given = folders.given(call.db, [part.uuid for part in path], call.caller.user_hash)
        seen = next((place for place, one in enumerate(path) if one.uuid in given), len(path) - 1)
        path = path[seen:]
        backed = folders.backed(call.db, [item.uuid for item in path])
        parents = dict(zip([entry.uuid for entry in path], [None, *(each.uuid for each in path)], strict=False))
        found.append(
            {
                "uuid": row.uuid,
                "parent": parents[row.uuid],
                "name": row.name,
                "description": row.description,
                "clientMetadata": row.client_metadata,
                "owner": owners.get(row.user_hash, ""),
                "createdAt": zulu(row.created_at),
                "lastEditedAt": zulu(row.last_edited_at),
                "userRole": ROLES[min(given.values(), default=1)],
                "syncedDatasetHash": backed.get(row.uuid),
                "pathToRoot": [
                    {
                        "uuid": one.uuid,
                        "parentUuid": parents[one.uuid],
                        "name": one.name,
                        "syncedDatasetHash": backed.get(one.uuid),
                    }
                    for one in path
                ],
                "folderType": "generic",
                "integrationHash": None,
                "remoteUrl": None,
            }
        )
    return found


def role(call: Call, uuid: str, *, is_admin: bool = True) -> None:
    """Let pass who may change a folder, or see it.

    Raises
    ------
    ResourceNotFoundError
        The caller may not see it.
    AuthorisationError
        The caller may only see it.
    """
    own = folders.role_of(call.db, uuid, call.caller.user_hash)
    if own is None:
        raise unseen("folder", uuid)
    if is_admin and own not in ADMIN:
        raise AuthorisationError("The caller's role in this folder does not allow this.")


def _one(call: Call, uuid: str) -> dict[str, Any]:
    return wire_records(call, [folders.folder(call.db, uuid)])[0]


def given_metadata(call: Call, value: Any) -> str | None:
    """Return client metadata as they are kept: they come as an object, or as the text of one."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise InvalidArgumentsError(f"clientMetadata is no JSON: {error}.") from None
    return metadata_text(value)


@handles_path("POST storage/folders", writes=True)
def create(call: Call) -> dict[str, Any]:
    """Make a folder, in another or in none; the caller is its admin."""
    name = titled(call.given("name", str), "name")
    if not name:
        raise InvalidArgumentsError("A folder needs a name.")
    if call.given("cloudSyncedFolderParams", (dict, type(None)), None):
        raise InvalidArgumentsError("A local service keeps no folder that follows a bucket.")
    text = call.given("description", (str, type(None)), None) or ""
    parent = call.given("parent", (str, type(None)), None)
    if parent is not None:
        role(call, parent)
        if len(folders.path(call.db, parent)) >= folders.DEEPEST:
            raise InvalidArgumentsError(f"Folders are at most {folders.DEEPEST} deep.")
    uuid = folders.add(
        call.db, call.caller.user_hash, name, call.now, parent=parent,
        description=titled(text, "description", LONGEST_DESCRIPTION),
        client_metadata=given_metadata(call, call.given("clientMetadata", (str, dict, type(None)), None)),
    )  # fmt: skip
    users.set_role(call.db, Kind.FOLDER, uuid, call.caller.user_hash, 0)
    return _one(call, uuid)


def order_of(call: Call, table: Any) -> list[Any]:
    """Return the order a listing is asked for in."""
    by = call.query.get("order", "name")
    if by not in ("name", "createdAt"):
        raise InvalidArgumentsError(f"order is name or createdAt, not {by[:64]!r}.")
    column = table.c.name if by == "name" else table.c.created_at
    return [column.desc() if is_asked(call, "desc") else column]


def matching(call: Call, table: Any) -> list[Any]:
    """Return the condition on names that a listing is asked with."""
    text = call.query.get("search")
    return [] if not text else [like_any(table.c.name, text)]


def _listed(call: Call, *where: Any) -> dict[str, Any]:
    first, most = window(call)
    where += tuple(matching(call, FOLDERS))
    if "datasetSynced" in call.query:
        synced = folders.is_backing()
        where += (synced if is_asked(call, "datasetSynced") else ~synced,)
    rows = folders.listed(call.db, *where, order=order_of(call, FOLDERS), first=first, most=most + 1)
    some, token = page(rows, first, most)
    return page_reply(wire_records(call, some), token)


@handles_path("GET storage/folders", writes=False)
def list_own(call: Call) -> dict[str, Any]:
    """List the folders that are in no other the caller sees; or all the caller sees."""
    seen = folders.visible(call.caller.user_hash)
    where: list[Any] = [FOLDERS.c.uuid.in_(seen)]
    if not is_asked(call, "isRecursive"):
        where.append(FOLDERS.c.parent.is_(None) | FOLDERS.c.parent.not_in(seen))
    return _listed(call, *where)


@handles_path("GET storage/search/folders", writes=False)
def search(call: Call) -> dict[str, Any]:
    """Find folders among all the caller sees."""
    return _listed(call, FOLDERS.c.uuid.in_(folders.visible(call.caller.user_hash)))


@handles_path("GET storage/folders/{folder}", writes=False)
def opened(call: Call) -> dict[str, Any]:
    """Return a folder."""
    return _one(call, call.of.hash)


@handles_path("GET storage/folders/{folder}/folders", writes=False)
def list_inner(call: Call) -> dict[str, Any]:
    """List the folders in a folder."""
    if is_asked(call, "isRecursive"):
        return _listed(call, FOLDERS.c.uuid.in_(folders.below(call.of.hash)), FOLDERS.c.uuid != call.of.hash)
    return _listed(call, FOLDERS.c.parent == call.of.hash)


def patched(call: Call, patch: Any, *, of_item: bool) -> dict[str, Any]:
    """Return the columns a patch of a folder or an item changes."""
    if not isinstance(patch, dict):
        raise InvalidArgumentsError("A patch is an object.")
    columns: dict[str, Any] = {}
    if patch.get("name") is not None:
        columns["name"] = titled(patch["name"], "name")
    if patch.get("description") is not None:
        columns["description"] = titled(patch["description"], "description", LONGEST_DESCRIPTION)
    if patch.get("clientMetadata") is not None:
        columns["client_metadata"] = given_metadata(call, patch["clientMetadata"])
    unknown = set(patch) - {"name", "description", "clientMetadata"}
    if any(patch[name] is not None for name in unknown):
        raise InvalidArgumentsError(f"{min(unknown)[:64]!r} of {'an item' if of_item else 'a folder'} is not changed.")
    return columns


@handles_path("PATCH storage/folders/{folder}", writes=True, roles=ADMIN)
def change(call: Call) -> dict[str, Any]:
    """Change name, description or client metadata of a folder."""
    folders.change(call.db, call.of.hash, patched(call, call.payload, of_item=False), call.now)
    return _one(call, call.of.hash)


@handles_path("PATCH storage/folders/patch-bulk", writes=True)
def change_several(call: Call) -> dict[str, Any]:
    """Change several folders; all of them, or none."""
    patches = several(call.given("folderPatches", dict))
    for uuid, patch in patches.items():
        role(call, uuid)
        folders.change(call.db, uuid, patched(call, patch, of_item=False), call.now)
    return page_reply(_one(call, uuid) for uuid in patches)


def several(given: Any) -> Any:
    """Return what a request names, if it is not too much."""
    if len(given) > MOST_AT_ONCE:
        raise InvalidArgumentsError(f"At most {MOST_AT_ONCE} are changed at once.")
    return given


@handles_path("POST storage/folders/move", writes=True)
def move(call: Call) -> None:
    """Put folders into another, or out of all."""
    parent = call.given("newParentUuid", (str, type(None)), None)
    if parent is not None:
        role(call, parent)
    for uuid in several(call.given("folderUuids", list)):
        role(call, str(uuid))
        if parent is None:  # whoever moves it out keeps it
            users.set_role(call.db, Kind.FOLDER, uuid, call.caller.user_hash, 0)
        folders.move(call.db, uuid, parent, call.now)


@handles_path("DELETE storage/folders/{folder}", writes=True, roles=ADMIN)
def remove(call: Call) -> None:
    """Delete a folder that holds nothing."""
    inner, count = folders.holds(call.db, call.of.hash)
    if inner or count:
        raise InvalidArgumentsError(f"The folder holds {inner} folders and {count} items; move or delete them first.")
    if folders.is_of_dataset(call.db, call.of.hash):
        raise InvalidArgumentsError("The folder is that of a dataset, and stays as long as that does.")
    folders.remove(call.db, call.of.hash)


@handles_path("GET storage/folders/{folder}/summary", writes=False)
def summary(call: Call) -> dict[str, Any]:
    """Count what a folder holds."""
    counts, size = items.counted(call.db, call.of.hash)
    inner, files = folders.holds(call.db, call.of.hash)
    of_type = {
        "videos": "video", "images": "image", "imageGroups": "imageGroup", "imageSequences": "imageSequence",
        "dicomFiles": "dicomFile", "dicomSeries": "dicomSeries", "niftis": "nifti", "audios": "audio", "pdfs": "pdf",
        "plainTexts": "plainText",
    }  # fmt: skip
    return {
        "files": files,
        "folders": inner,
        **{name: counts.get(type_, 0) for name, type_ in of_type.items()},
        "tombstones": 0,
        "uploadJobs": len(records.all_of(call.db, JOB, call.of.hash)),
        "totalSize": size,
    }


@handles_path("GET storage/folders/{folder}/folder-config", writes=False)
def config(call: Call) -> dict[str, Any]:
    """Say that nothing is taken from the names of files."""
    return {"metadataIngestion": None}


def items_listed(call: Call, *where: Any) -> tuple[list[Any], str | None]:
    """Return a page of the items that meet every condition and those of the query."""
    first, most = window(call)
    where += tuple(matching(call, ITEMS))
    if "itemTypes" in call.asked:
        where += (ITEMS.c.item_type.in_(call.asked["itemTypes"]),)
    if "isInDataset" in call.query:
        where += (items.is_shown() if is_asked(call, "isInDataset") else ~items.is_shown(),)
    rows = items.listed(call.db, *where, order=order_of(call, ITEMS), first=first, most=most + 1)
    return page(rows, first, most)
