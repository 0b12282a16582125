"""Registers uploads and cloud files as items and data rows.

Units are inspected first, outside of writes; then all are registered together, or none.

Source: wire protocol of the newest package, section 6.4.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from encord_convert.sdk.exceptions import EncordException, InvalidArgumentsError
from encord_convert.service.calls import Call
from encord_convert.service.handlers.data_rows import metadata_text
from encord_convert.service.handlers.datasets import titled
from encord_convert.service.handlers.items import seen
from encord_convert.service.handlers.uploads import OWN, arrived
from encord_convert.service.private_data import ARRAYS, MOST_UNITS, Unit, columns_from, columns_of, units_of
from encord_convert.service.store import data_rows, items, uploads
from encord_convert.service.store.tables_storage import ITEMS

PLAIN = {
    "audio": "audio", "nifti": "nifti", "text": "plainText", "pdf": "pdf", "timeSeries": "timeseries",
    "scenes": "scene",
}  # fmt: skip
"""Arrays of ``dataItems`` to the types of items that are kept as they come."""
_GROUPS = {"imageGroups": ("image_groups", "images"), "dicomSeries": ("dicom_series", "dicomFiles")}
MOST_PRIVATE = 2000
"""Units of a cloud that are registered in a folder at once."""


class Failed(Exception):
    """A unit cannot be registered: its addresses, and why."""

    def __init__(self, urls: list[str], why: str) -> None:
        super().__init__(why)
        self.urls, self.why = urls, why


def register(
    call: Call, folder: str, dataset_hash: str | None, made: list[dict[str, Any] | Failed], *, ignore_errors: bool
) -> dict[str, Any]:
    """Make items of units that were looked at, and data rows; return the job as it is kept."""
    errors = [item for item in made if isinstance(item, Failed)]
    found: list[dict[str, Any]] = []
    if ignore_errors or not errors:
        found = [added(call, folder, dataset_hash, entry) for entry in made if not isinstance(entry, Failed)]
    return {
        "status": "ERROR" if errors and not ignore_errors else "DONE",
        "units": found,
        "errors": [{"urls": error.urls, "why": error.why} for error in errors],
        "undone": len(made) - len(errors) - len(found),
    }


def added(call: Call, folder: str, dataset_hash: str | None, columns: dict[str, Any]) -> dict[str, Any]:
    """Make an item, and the data row that shows it; return what is told of both."""
    uuid = columns["uuid"]
    if "item" in columns:
        new = {name: value for name, value in columns["item"].items() if name in ITEMS.c}
        common = {
            "folder": folder, "user_hash": call.caller.user_hash, "created_at": call.now, "last_edited_at": call.now,
        }  # fmt: skip
        items.add(call.db, new | common | {"uuid": uuid}, [child | common for child in columns["children"]])
        uploads.forget_uploads(call.db, columns["uploads"])
    told = {"item": uuid, "name": columns["name"]}
    if dataset_hash is not None:
        row = items.row_of(items.item(call.db, uuid), dataset_hash, call.now)
        data_rows.add_data_row(call.db, row, items.files_of(call.db, uuid))
        told["data_hash"] = row["data_hash"]
    return told


def looked_at(call: Call, document: dict[str, Any], owners: list[str]) -> list[dict[str, Any] | Failed]:
    """Return what each unit of ``dataItems`` is to become, or why it cannot.

    Raises
    ------
    InvalidArgumentsError
        The document names something that is not known, or too much.
    """
    units = list(_units(document))
    if len(units) > MOST_UNITS:
        raise InvalidArgumentsError(f"{len(units)} items; {MOST_UNITS} are the most of one request.")
    found: list[dict[str, Any] | Failed] = []
    for array, unit in units:
        urls = _urls(array, unit)
        try:
            found.append(_columns(call, array, unit, urls, owners))
        except EncordException as error:
            found.append(Failed(urls, f"{unit.get('title') or ', '.join(urls)[:256]}: {error.message}"))
    return found


def _units(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    known = {"videos", "images", "imageGroupsFromItems", *_GROUPS, *PLAIN}
    for name, value in document.items():
        if name in known and isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            yield from ((name, item) for item in value)
        elif value not in (None, False, [], {}) and name not in ("skipDuplicateUrls", "upsertMetadata"):
            raise InvalidArgumentsError(f"dataItems has no {name[:64]!r}, or it is not a list of objects.")


def _urls(array: str, unit: dict[str, Any]) -> list[str]:
    given: list[Any]
    if array in _GROUPS:
        members = unit.get(_GROUPS[array][1])
        given = [m.get("url") for m in members if isinstance(m, dict)] if isinstance(members, list) else []
    elif array == "imageGroupsFromItems":
        given = unit.get("imageItems") or []
    elif array == "scenes":
        given = [unit.get("scene", {}).get("url") if isinstance(unit.get("scene"), dict) else None]
    else:
        given = [unit.get("objectUrl")]
    if not given or not all(isinstance(item, str) for item in given):
        raise InvalidArgumentsError(f"An entry of {array} names no file.")
    return given


def _columns(call: Call, array: str, unit: dict[str, Any], urls: list[str], owners: list[str]) -> dict[str, Any]:
    title = unit.get("title")
    title = None if title is None else titled(title)
    metadata = unit.get("clientMetadata") or None
    text = metadata_text(metadata)
    if array == "imageGroupsFromItems":
        return _from_items(call, unit, urls, title, text)
    hashes = [url.rpartition("/")[2] for url in urls]
    if array in PLAIN:
        [(place, _)] = arrived(call, hashes, PLAIN[array], owners)
        return _plain(place, PLAIN[array], title, text)
    kind = {"videos": "videos", "images": "images"}.get(array) or _GROUPS[array][0]
    members = arrived(call, hashes, ARRAYS[kind], owners)
    if array in _GROUPS:
        titles = [item.get("title") for item in unit[_GROUPS[array][1]]]
        members = [
            (place if name is None else place._replace(title=titled(name)), facts)
            for (place, facts), name in zip(members, titles, strict=True)
        ]
    wanted = Unit(kind, urls, title, metadata, unit.get("createVideo") is True)
    columns = columns_from(wanted, members, OWN)
    uuid = hashes[0] if array in ("videos", "images") else str(uuid4())
    return _item(columns, uuid, {place.file_link: place.data_hash for place, _ in members}) | {"uploads": hashes}


def _item(columns: dict[str, Any], uuid: str, by_link: dict[str, str]) -> dict[str, Any]:
    """Return an item for the columns of a data row, and those that are in it, which have hashes by their links."""
    item_type = items.item_type_of(columns | {"backing_item_uuid": uuid})
    dicom = columns.get("dicom")
    item = columns | {
        "item_type": item_type, "name": columns["data_title"], "dicom": dicom.encode() if dicom else None,
    }  # fmt: skip
    child_type = "dicomFile" if item_type == "dicomSeries" else "image"
    children = [
        {name: file[name] for name in items.SHARED if name in file}
        | {"uuid": by_link.get(file["file_link"]) or str(uuid4()), "name": file["title"], "item_type": child_type}
        for file in columns["files"]
    ]
    return {"uuid": uuid, "name": item["name"], "item": item, "children": children, "uploads": []}


def _plain(place: Any, item_type: str, title: str | None, metadata: str | None) -> dict[str, Any]:
    name = title or place.title
    item = {
        "item_type": item_type, "name": name, "client_metadata": metadata, "file_link": place.file_link,
        "file_size": place.size, "sha256": place.sha256, "file_type": mimetypes.guess_type(name)[0] or _MIME[item_type],
    }  # fmt: skip
    return {"uuid": place.data_hash, "name": name, "item": item, "children": [], "uploads": [place.data_hash]}


_MIME = {
    "audio": "audio/wav", "nifti": "application/octet-stream", "plainText": "text/plain", "pdf": "application/pdf",
    "timeseries": "text/csv", "scene": "application/json",
}  # fmt: skip


def _from_items(
    call: Call, unit: dict[str, Any], uuids: list[str], title: str | None, text: str | None
) -> dict[str, Any]:
    """Return a group of images that are items already."""
    rows = [seen(call, uuid) for uuid in uuids]
    if any(row.item_type != "image" for row in rows):
        raise InvalidArgumentsError("An image group is made of images.")
    uuid = str(uuid4())
    item = {
        "item_type": "imageSequence" if unit.get("createVideo") is True else "imageGroup",
        "name": title or f"image-group-{uuid[:5]}", "client_metadata": text, "width": rows[0].width,
        "height": rows[0].height, "number_of_frames": len(rows), "file_size": sum(row.file_size or 0 for row in rows),
        "is_optimised_image_group": unit.get("createVideo") is True, "storage_location": rows[0].storage_location,
    }  # fmt: skip
    children = [{"uuid": row.uuid} for row in rows]
    return {"uuid": uuid, "name": item["name"], "item": item, "children": children, "uploads": []}


def private(call: Call, document: dict[str, Any], integration: Any) -> list[dict[str, Any] | Failed]:
    """Return what each unit of a document of private data is to become, or why it cannot."""
    units, _ = units_of(document)
    if len(units) > MOST_PRIVATE:
        raise InvalidArgumentsError(f"{len(units)} items; {MOST_PRIVATE} are the most of one request for a folder.")
    clouds = call.storage.clouds
    hash_ = clouds.integration(integration).hash
    found: list[dict[str, Any] | Failed] = []
    for unit in units:
        try:
            found.append(_item(columns_of(clouds, hash_, OWN, unit), str(uuid4()), {}))
        except EncordException as error:
            found.append(Failed(unit.urls, error.message))
    return found


def older_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return ``dataItems`` of a cloud as a document of the envelope API."""
    found: dict[str, Any] = {}
    for name, unit in _units(document):
        kind = _GROUPS[name][0] if name in _GROUPS else name
        if kind not in ARRAYS:
            raise InvalidArgumentsError(f"{name[:64]} of a cloud cannot be registered.")
        entry = {key: unit[key] for key in ("title", "clientMetadata", "createVideo") if unit.get(key)}
        urls = _urls(name, unit)
        if name in _GROUPS:
            entry |= {f"objectUrl_{number}": url for number, url in enumerate(urls)}
        else:
            entry["objectUrl"] = urls[0]
        found.setdefault(kind, []).append(entry)
    return found
