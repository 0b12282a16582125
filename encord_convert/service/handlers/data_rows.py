"""Data rows: listed, fetched, renamed, linked, deleted.

Source: wire protocol, sections 9.1 to 9.3.
"""

from __future__ import annotations

from typing import Any

import msgspec

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceExistsError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.sdk.orm.dataset import DatasetScope
from encord_convert.service.auth import unseen
from encord_convert.service.calls import Call, Kind, handles
from encord_convert.service.handlers.datasets import ADMIN, ANYONE, titled
from encord_convert.service.handlers.datasets import record as dataset_record
from encord_convert.service.store import data_rows, datasets, folders, items, users
from encord_convert.service.store.data_rows import texts
from encord_convert.service.times import spaced

IN_A_DATASET = [Kind.DATASET]
READ, WRITE = DatasetScope.READ.value, DatasetScope.WRITE.value
MOST_ITEMS = 2000
"""Linked by one request."""
MOST_METADATA = 1 << 20
"""Bytes of the client metadata of one row."""


def record(row: Any, *, with_metadata: bool = False) -> dict[str, Any]:
    """Return a data row as the wire has it."""
    metadata = row.client_metadata if with_metadata else None
    return {
        "data_hash": row.data_hash,
        "data_title": row.data_title,
        "data_type": row.data_type,
        "created_at": spaced(row.created_at),
        "last_edited_at": spaced(row.last_edited_at),
        "width": row.width,
        "height": row.height,
        "frames_per_second": row.frames_per_second,
        "duration": row.duration,
        "file_link": row.file_link,
        "file_type": row.file_type,
        "file_size": row.file_size,
        "storage_location": row.storage_location,
        "client_metadata": None if metadata is None else msgspec.Raw(metadata.encode()),
        "signed_url": None,
        "is_optimised_image_group": row.is_optimised_image_group,
        "backing_item_uuid": row.backing_item_uuid,
        "images_data": None,
    }


def signed_url(call: Call, row: Any, title: str) -> str | None:
    """Return an address the bytes of a row or a file can be fetched from; None if they lie elsewhere."""
    if row.sha256 is None:
        return None
    return call.storage.download_url(call.base_url, row.sha256, title, row.file_type, call.now)


def _wants_metadata(call: Call) -> bool:
    return call.given("dataset_access_settings", dict, {}).get("fetch_client_metadata") is True


@handles(Query.DATASET, Verb.GET, RESOURCE, writes=False, scope=READ, roles=ANYONE, kinds=IN_A_DATASET)
def opened(call: Call) -> dict[str, Any]:
    """Return a dataset with its data rows."""
    row = datasets.dataset(call.db, call.of.hash)
    with_metadata = _wants_metadata(call)
    wants_rows = call.given("dataset_access_settings", dict, {}).get("fetch_rows") is not False
    rows = data_rows.data_rows(call.db, call.of.hash) if wants_rows else []
    return {**dataset_record(row), "data_rows": [record(item, with_metadata=with_metadata) for item in rows]}


@handles(Query.DATA_ROWS, Verb.GET, RESOURCE, writes=False, scope=READ, roles=ANYONE, kinds=IN_A_DATASET)
def listing(call: Call) -> list[dict[str, Any]]:
    """List the data rows that meet every condition."""
    with_metadata = _wants_metadata(call)
    conditions = call.payload if isinstance(call.payload, dict) else {}
    rows = data_rows.data_rows(call.db, call.of.hash, conditions)
    return [record(row, with_metadata=with_metadata) for row in rows]


def _row(call: Call) -> Any:
    row = data_rows.data_row(call.db, call.of.hash, call.uid) if isinstance(call.uid, str) else None
    if row is None:
        raise unseen("data row", str(call.uid))
    return row


@handles(Query.DATA_ROW, Verb.GET, RESOURCE, writes=False, scope=READ, roles=ANYONE, kinds=IN_A_DATASET)
def fetched(call: Call) -> dict[str, Any]:
    """Return one data row, with what else is asked for."""
    row = _row(call)
    wanted = call.given("additional_data", dict, {})
    found = record(row, with_metadata=wanted.get("client_metadata") is True)
    if wanted.get("signed_url"):
        found["signed_url"] = signed_url(call, row, row.data_title)
    images = wanted.get("images_data_fetch_options")
    if isinstance(images, dict) and row.data_type == "IMG_GROUP":
        is_signed = images.get("fetch_signed_urls") is True
        found["images_data"] = [_image(call, file, is_signed) for file in data_rows.files_of(call.db, row.data_hash)]
    return found


def _image(call: Call, file: Any, is_signed: bool) -> dict[str, Any]:
    return {
        "title": file.title,
        "file_link": file.file_link,
        "file_type": file.file_type,
        "file_size": file.file_size,
        "image_hash": file.image_hash,
        "storage_location": file.storage_location,
        "created_at": spaced(file.created_at),
        "last_edited_at": spaced(file.last_edited_at),
        "height": file.height,
        "width": file.width,
        "signed_url": signed_url(call, file, file.title) if is_signed else None,
    }


@handles(Query.DATA_ROW, Verb.POST, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def changed(call: Call) -> dict[str, Any]:
    """Change the title or the client metadata of a data row."""
    _row(call)
    payload = call.payload if isinstance(call.payload, dict) else {}
    unknown = sorted(set(payload) - {"data_title", "client_metadata"})
    if unknown:
        raise InvalidArgumentsError(f"{unknown[0][:64]!r} of a data row cannot be changed.")
    changes: dict[str, Any] = {}
    if "data_title" in payload:
        changes["data_title"] = titled(payload["data_title"])
    if "client_metadata" in payload:
        changes["client_metadata"] = metadata_text(payload["client_metadata"])
    if changes:
        data_rows.change_data_row(call.db, call.of.hash, call.uid, changes, call.now)
    return {"updated_fields": list(payload), "data_row": record(_row(call), with_metadata=True)}


def metadata_text(value: object) -> str | None:
    """Return client metadata as it is kept.

    Raises
    ------
    InvalidArgumentsError
        It is no object, or too long.
    """
    if value is None:
        return None
    text = msgspec.json.encode(value).decode()
    if not isinstance(value, dict) or len(text) > MOST_METADATA:
        raise InvalidArgumentsError(f"Client metadata is an object of at most {MOST_METADATA >> 10} KiB.")
    return text


@handles(Query.VIDEO, Verb.POST, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def renamed(call: Call) -> dict[str, bool]:
    """Rename data rows; return whether all of them were there."""
    items = call.payload
    if not isinstance(items, list) or not all(isinstance(entry, dict) for entry in items):
        raise InvalidArgumentsError("Expected a list of objects with video_hash and title.")
    titles = [(str(item.get("video_hash")), titled(item.get("title"))) for item in items]
    return {"success": data_rows.rename_data_rows(call.db, call.of.hash, titles, call.now)}


@handles(Query.VIDEO, Verb.DELETE, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
@handles(Query.IMAGE_GROUP, Verb.DELETE, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def deleted(call: Call) -> bool:
    """Delete data rows of any kind; what is not there is passed over."""
    hashes = texts([call.uid] if isinstance(call.uid, str) else call.uid)
    data_rows.delete_data_rows(call.db, call.of.hash, hashes, call.now)
    return True


@handles(Query.DATASET_LINK_ITEMS, Verb.POST, RESOURCE, writes=True, scope=None, roles=ADMIN, kinds=IN_A_DATASET)
def linked(call: Call) -> list[dict[str, Any]]:
    """Add items of the storage that the caller can see; those that are here already stay, unless asked otherwise."""
    made = []
    duplicates = call.given("duplicates_behavior", str, "SKIP")
    if duplicates not in ("SKIP", "DUPLICATE", "FAIL"):
        raise InvalidArgumentsError(f"{duplicates[:64]!r} is not SKIP, DUPLICATE or FAIL.")
    items = texts(call.given("item_uuids", list))
    if len(items) > MOST_ITEMS:
        raise InvalidArgumentsError(f"At most {MOST_ITEMS} items are linked at once.")
    for item in items:
        shown = data_rows.rows_of_item(call.db, item)
        here = next((row for row in shown if row.dataset_hash == call.of.hash), None)
        if here is not None and duplicates == "FAIL":
            raise ResourceExistsError(f"{here.data_title}: the dataset shows this item already.")
        if here is None or duplicates == "DUPLICATE":
            here = _shown(call, item, shown)
        made.append(record(here))
    return made


def _may_see(call: Call, dataset_hash: str) -> bool:
    return users.role_of(call.db, Kind.DATASET, dataset_hash, call.caller.user_hash) is not None


def _shown(call: Call, uuid: str, rows: list[Any]) -> Any:
    """Make a data row that shows an item, named as one that shows it elsewhere."""
    item = items.item(call.db, uuid)
    source = next((row for row in rows if _may_see(call, row.dataset_hash)), None)
    by_folder = None if item is None else folders.role_of(call.db, item.folder, call.caller.user_hash)
    if item is None or (source is None and by_folder is None):
        raise unseen("item", uuid)
    if item.item_type not in items.TYPES:
        raise InvalidArgumentsError(f"{item.name}: is a file of a series; link the series.")
    row = items.row_of(item, call.of.hash, call.now)
    if source is not None and by_folder is None:
        row["data_title"] = source.data_title
    data_rows.add_data_row(call.db, row, items.files_of(call.db, uuid))
    return data_rows.data_row(call.db, call.of.hash, row["data_hash"])
