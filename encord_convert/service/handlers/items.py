"""Items of the storage: listed, found, fetched, changed, moved, deleted, encoded again.

Source: wire protocol of the newest package, section 6.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from encord_convert.sdk.exceptions import AuthorisationError, InvalidArgumentsError
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.service.auth import unseen
from encord_convert.service.calls import Call, Kind, handles_path
from encord_convert.service.handlers.datasets import ADMIN
from encord_convert.service.handlers.folders import items_listed, patched, role, several
from encord_convert.service.pages import is_asked, page_reply
from encord_convert.service.store import folders, items, users
from encord_convert.service.store.tables_storage import ITEMS
from encord_convert.service.times import zulu

LOCATIONS = {
    StorageLocation.CORD_STORAGE.value: "encord", StorageLocation.AWS.value: "s3", StorageLocation.GCP.value: "gcp",
    StorageLocation.AZURE.value: "azure", StorageLocation.OTC.value: "openTelekom",
}  # fmt: skip
"""Where files lie, by the number of the envelope API."""
_UNKNOWN = (
    "duration", "dicomInstanceUid", "dicomStudyUid", "dicomSeriesUid", "audioSampleRate", "audioBitDepth", "audioCodec",
    "audioNumChannels", "integrationHash",
)  # fmt: skip


def wire_records(call: Call, rows: Sequence[Any], *, is_signed: bool) -> list[dict[str, Any]]:
    """Return items as the wire has them."""
    owners = users.emails(call.db, [row.user_hash for row in rows])
    shown = items.shown(call.db, [row.uuid for row in rows])
    return [
        {
            **dict.fromkeys(_UNKNOWN),
            "uuid": row.uuid,
            "parent": row.folder,
            "itemType": row.item_type,
            "name": row.name,
            "description": row.description,
            "clientMetadata": row.client_metadata or "{}",
            "owner": owners.get(row.user_hash, ""),
            "createdAt": zulu(row.created_at),
            "lastEditedAt": zulu(row.last_edited_at),
            "backedDataUnitsCount": shown[row.uuid],
            "storageLocation": LOCATIONS.get(row.storage_location, "directAccess"),
            "url": row.file_link,
            "signedUrl": _signed(call, row) if is_signed else None,
            "fileSize": row.file_size,
            "mimeType": row.file_type,
            "duration": row.duration,
            "fps": row.frames_per_second,
            "height": row.height,
            "width": row.width,
            "frameCount": row.number_of_frames,
        }
        for row in rows
    ]


def _signed(call: Call, row: Any) -> str | None:
    if row.sha256 is None:
        return None
    return call.storage.download_url(call.base_url, row.sha256, row.name, row.file_type, call.now)


def seen(call: Call, uuid: str, *, is_admin: bool = False) -> Any:
    """Return an item of a folder the caller has a role in, or of a dataset.

    Raises
    ------
    ResourceNotFoundError
        There is none.
    AuthorisationError
        The caller may only see it.
    """
    row = items.item(call.db, uuid)
    if row is None:
        raise unseen("item", uuid)
    own = folders.role_of(call.db, row.folder, call.caller.user_hash)
    if own is None and any(
        users.role_of(call.db, Kind.DATASET, item.dataset_hash, call.caller.user_hash) is not None
        for item in items.where_shown(call.db, uuid)
    ):
        own = 1
    if own is None:
        raise unseen("item", uuid)
    if is_admin and own not in ADMIN:
        raise AuthorisationError("The caller's role in this folder does not allow this.")
    return row


def _in_folder(call: Call, uuid: str | None = None) -> Any:
    """Return an item of the folder the call is made in the name of."""
    uuid = uuid or call.path["item"]
    row = items.item(call.db, uuid)
    if row is None or row.folder != call.of.hash:
        raise unseen("item", uuid)
    return row


@handles_path("GET storage/folders/{folder}/items", writes=False)
def list_of_folder(call: Call) -> dict[str, Any]:
    """List the items of a folder, or of all in it."""
    is_deep = is_asked(call, "isRecursive")
    rows, token = items_listed(
        call, ITEMS.c.folder.in_(folders.below(call.of.hash)) if is_deep else ITEMS.c.folder == call.of.hash
    )
    return page_reply(wire_records(call, rows, is_signed=is_asked(call, "signUrls")), token)


@handles_path("GET storage/search/items", writes=False)
def search(call: Call) -> dict[str, Any]:
    """Find items among all the caller sees."""
    rows, token = items_listed(call, ITEMS.c.folder.in_(folders.visible(call.caller.user_hash)))
    return page_reply(wire_records(call, rows, is_signed=is_asked(call, "signUrls")), token)


@handles_path("GET storage/items/{item}", writes=False)
def opened(call: Call) -> dict[str, Any]:
    """Return an item."""
    return wire_records(call, [seen(call, call.path["item"])], is_signed=is_asked(call, "signUrl"))[0]


@handles_path("POST storage/items/get-bulk", writes=False)
def opened_several(call: Call) -> dict[str, Any]:
    """Return several items; that one is not there is an error."""
    rows = [seen(call, str(uuid)) for uuid in several(call.given("itemUuids", list))]
    return page_reply(wire_records(call, rows, is_signed=call.given("signUrls", bool, False)))


@handles_path("GET storage/folders/{folder}/items/{item}/child-items", writes=False)
def list_children(call: Call) -> dict[str, Any]:
    """List the images of a group, or the files of a series, in order."""
    rows = items.children(call.db, _in_folder(call).uuid)
    return page_reply(wire_records(call, rows, is_signed=is_asked(call, "signUrls")))


@handles_path("GET storage/folders/{folder}/items/{item}/summary", writes=False)
def summary(call: Call) -> dict[str, Any]:
    """Say where an item is used, as far as the caller may see."""
    uuid = _in_folder(call).uuid
    found: dict[str, dict[str, Any]] = {}
    rows = items.where_shown(call.db, uuid)
    for row in rows:
        if users.role_of(call.db, Kind.DATASET, row.dataset_hash, call.caller.user_hash) is None:
            continue
        entry = found.setdefault(
            row.dataset_hash,
            {
                "datasetHash": row.dataset_hash,
                "backingFolderUuid": row.backing_folder_uuid,
                "title": row.title,
                "dataHashes": [],
                "dataUnitsCreatedAt": zulu(row.created_at),
            },
        )
        entry["dataHashes"].append(row.data_hash)
    return {
        "frameInGroups": len(items.parents(call.db, uuid)),
        "accessibleGroupItems": [],
        "usedInDatasets": len({row.dataset_hash for row in rows}),
        "accessibleDatasets": list(found.values()),
        "groupLayout": None,
    }


@handles_path("PATCH storage/folders/{folder}/items/{item}", writes=True, roles=ADMIN)
def change(call: Call) -> dict[str, Any]:
    """Change name, description or client metadata of an item."""
    uuid = _in_folder(call).uuid
    items.change(call.db, uuid, patched(call, call.payload, of_item=True), call.now)
    return wire_records(call, [items.item(call.db, uuid)], is_signed=False)[0]


@handles_path("PATCH storage/items/patch-bulk", writes=True)
def change_several(call: Call) -> dict[str, Any]:
    """Change several items; all of them, or none."""
    patches = several(call.given("itemPatches", dict))
    for uuid, patch in patches.items():
        items.change(call.db, seen(call, uuid, is_admin=True).uuid, patched(call, patch, of_item=True), call.now)
    return page_reply(wire_records(call, list(items.items(call.db, list(patches)).values()), is_signed=False))


@handles_path("POST storage/folders/{folder}/items/move", writes=True, roles=ADMIN)
def move(call: Call) -> None:
    """Put items into another folder; datasets that show them show them still."""
    target = call.given("newParentUuid", str)
    role(call, target)
    backed = folders.backed(call.db, [call.of.hash, target])
    if backed and not call.given("allowSyncedDatasetMove", bool, False):
        raise InvalidArgumentsError(
            f"The folder is that of the dataset {next(iter(backed.values()))}; say allowSyncedDatasetMove to move "
            "items all the same."
        )
    uuids = [_in_folder(call, str(uuid)).uuid for uuid in several(call.given("itemUuids", list))]
    items.move(call.db, uuids, target, call.now)


@handles_path("POST storage/folders/{folder}/items/delete", writes=True, roles=ADMIN)
def remove(call: Call) -> dict[str, int]:
    """Delete items that no dataset shows; all of them, or none."""
    rows = [_in_folder(call, str(uuid)) for uuid in several(call.given("childUuids", list))]
    uuids = [row.uuid for row in rows]
    shown = items.shown(call.db, uuids)
    for row in rows:
        if shown[row.uuid]:
            raise InvalidArgumentsError(f"{row.name}: a dataset shows it; delete its data rows first.")
        if set(items.parents(call.db, row.uuid)) - set(uuids):
            raise InvalidArgumentsError(f"{row.name}: is part of another item; delete that first.")
    parts: list[str] = []
    if call.given("removeUnusedFrames", bool, True):
        parts = [child.uuid for row in rows for child in items.children(call.db, row.uuid) if child.uuid not in uuids]
    count = items.remove(call.db, uuids)
    free = [uuid for uuid in parts if not items.parents(call.db, uuid) and not items.shown(call.db, [uuid])[uuid]]
    items.remove(call.db, free)
    return {"removedItemsCount": count, "removedFoldersCount": 0}
