"""Files that were sent to the storage become items there, and data rows of a dataset.

Places are asked for without a dataset. What arrived is registered all at once: either errors are ignored, or there are
none. The answer is there at once, and is kept for whoever asks how far the job is.

Source: wire protocol of the newest package, sections 6.4 and 6.5.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from encord_convert.sdk.exceptions import EncordException, InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import Query
from encord_convert.service.calls import Call, handles_path
from encord_convert.service.handlers.data_rows import metadata_text
from encord_convert.service.handlers.datasets import ADMIN, titled
from encord_convert.service.handlers.folders import JOB, role
from encord_convert.service.handlers.items import seen
from encord_convert.service.handlers.uploads import OWN, arrived
from encord_convert.service.pages import told
from encord_convert.service.private_data import ARRAYS, MOST_UNITS, Unit, columns_from, columns_of, units_of
from encord_convert.service.store import data_rows, items, records, uploads
from encord_convert.service.store.tables_storage import ITEMS

KINDS = {
    "image": Query.SIGNED_IMAGES_URL.value,
    "video": Query.SIGNED_VIDEO_URL.value,
    "dicomFile": Query.SIGNED_DICOMS_URL.value,
}
"""Item types to what files of them are looked at as; of all others nothing is looked at."""
PLAIN = {
    "audio": "audio", "nifti": "nifti", "text": "plainText", "pdf": "pdf", "timeSeries": "timeseries",
    "scenes": "scene",
}  # fmt: skip
"""Arrays of ``dataItems`` to the types of items that are kept as they come."""
_GROUPS = {"imageGroups": ("image_groups", "images"), "dicomSeries": ("dicom_series", "dicomFiles")}
MOST_PLACES = 10_000
MOST_PRIVATE = 2000
"""Units of a cloud that are registered in a folder at once."""


# --- places -----------------------------------------------------------------------------------------------------------


def places(call: Call, owner: str, item_type: str, count: int) -> dict[str, Any]:
    """Give places to send files to."""
    if item_type not in {*KINDS, *PLAIN.values()}:
        raise InvalidArgumentsError(f"{item_type[:64]!r} is no type of a file; they are {', '.join(KINDS)}, …")
    if not 0 < count <= MOST_PLACES:
        raise InvalidArgumentsError(f"From 1 to {MOST_PLACES} places are given at once, not {count}.")
    kind = KINDS.get(item_type, item_type)
    made = [uploads.new_upload(owner, kind, "", call.now) for _ in range(count)]
    made = [one._replace(title=one.data_hash) for one in made]
    uploads.add_uploads(call.db, made)
    return told(
        {
            "itemUuid": one.data_hash,
            "objectKey": one.file_link,
            "signedUrl": call.storage.upload_url(call.base_url, one.data_hash, call.now),
            "uploadHeaders": {},
        }
        for one in made
    )


@handles_path("GET presigned-urls", writes=True)
def places_for_user(call: Call) -> dict[str, Any]:
    """Give places that are the caller's own."""
    count = call.query.get("count", "1")
    if not (count.isascii() and count.isdigit()):
        raise InvalidArgumentsError(f"count is a number, not {count[:64]!r}.")
    return places(call, call.caller.user_hash, call.query.get("uploadItemType", ""), int(count[:9]))


@handles_path("POST storage/folders/{folder}/upload-signed-urls", writes=True, roles=ADMIN)
def places_in_folder(call: Call) -> dict[str, Any]:
    """Give places for a folder."""
    return places(call, call.of.hash, call.given("itemType", str), call.given("count", int, 1))


# --- registering ------------------------------------------------------------------------------------------------------


class Failed(Exception):
    """A unit cannot be registered: its addresses, and why."""

    def __init__(self, urls: list[str], why: str) -> None:
        super().__init__(why)
        self.urls, self.why = urls, why


def register(
    call: Call, folder: str, dataset_hash: str | None, made: list[dict[str, Any] | Failed], *, ignore_errors: bool
) -> dict[str, Any]:
    """Make items of units that were looked at, and data rows; return the job as it is kept."""
    errors = [one for one in made if isinstance(one, Failed)]
    found: list[dict[str, Any]] = []
    if ignore_errors or not errors:
        found = [_added(call, folder, dataset_hash, one) for one in made if not isinstance(one, Failed)]
    return {
        "status": "ERROR" if errors and not ignore_errors else "DONE",
        "units": found,
        "errors": [{"urls": one.urls, "why": one.why} for one in errors],
        "undone": len(made) - len(errors) - len(found),
    }


def _added(call: Call, folder: str, dataset_hash: str | None, columns: dict[str, Any]) -> dict[str, Any]:
    uuid = columns["uuid"]
    if "item" in columns:
        new = {name: value for name, value in columns["item"].items() if name in ITEMS.c}
        common = {
            "folder": folder, "user_hash": call.caller.user_hash, "created_at": call.now, "last_edited_at": call.now,
        }  # fmt: skip
        items.add(call.db, new | common | {"uuid": uuid}, [one | common for one in columns["children"]])
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
        if name in known and isinstance(value, list) and all(isinstance(one, dict) for one in value):
            yield from ((name, one) for one in value)
        elif value not in (None, False, [], {}) and name not in ("skipDuplicateUrls", "upsertMetadata"):
            raise InvalidArgumentsError(f"dataItems has no {name[:64]!r}, or it is not a list of objects.")


def _urls(array: str, unit: dict[str, Any]) -> list[str]:
    given: list[Any]
    if array in _GROUPS:
        members = unit.get(_GROUPS[array][1])
        given = [one.get("url") for one in members if isinstance(one, dict)] if isinstance(members, list) else []
    elif array == "imageGroupsFromItems":
        given = unit.get("imageItems") or []
    elif array == "scenes":
        given = [unit.get("scene", {}).get("url") if isinstance(unit.get("scene"), dict) else None]
    else:
        given = [unit.get("objectUrl")]
    if not given or not all(isinstance(one, str) for one in given):
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
        titles = [one.get("title") for one in unit[_GROUPS[array][1]]]
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


# --- jobs of folders --------------------------------------------------------------------------------------------------


def _prepared(call: Call) -> list[dict[str, Any] | Failed]:
    external = call.given("externalFiles", (dict, type(None)), None)
    if external is not None:
        return private(call, external, call.given("integrationHash", str))
    document = call.given("dataItems", dict)
    if call.given("integrationHash", (str, type(None)), None):
        return private(call, older_document(document), call.given("integrationHash", str))
    return looked_at(call, document, [call.of.hash, call.caller.user_hash])


def older_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return ``dataItems`` of a cloud as a document of the older half."""
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


@handles_path(
    "POST storage/folders/{folder}/data-upload-jobs", writes=True, roles=ADMIN, prepare=_prepared, is_long=True
)
def begin(call: Call) -> str:
    """Make items of what arrived; return the hash of the job, which is over."""
    job = register(call, call.of.hash, None, call.prepared, ignore_errors=call.given("ignoreErrors", bool, False))
    return records.put(call.db, JOB, job, call.caller.user_hash, call.now, scope=call.of.hash)


def _job(call: Call) -> dict[str, Any]:
    job: dict[str, Any] | None = records.get(call.db, JOB, call.path["job"], call.of.hash)
    if job is None:
        raise ResourceNotFoundError("The folder has no such job.")
    return job


@handles_path("GET storage/folders/{folder}/data-upload-jobs/{job}", writes=False, roles=ADMIN)
def progress(call: Call) -> dict[str, Any]:
    """Say what came of a job."""
    job = _job(call)
    return {
        "status": job["status"],
        "itemsWithNames": [{"itemUuid": one["item"], "name": one["name"]} for one in job["units"]],
        "errors": [one["why"] for one in job["errors"]],
        "unitErrors": [
            {"objectUrls": one["urls"], "error": one["why"], "subtaskUuid": str(uuid4()), "actionDescription": "read"}
            for one in job["errors"]
        ],
        "unitsPendingCount": 0,
        "unitsDoneCount": len(job["units"]),
        "unitsErrorCount": len(job["errors"]),
        "unitsCancelledCount": job["undone"],
        "fileName": None,
    }


@handles_path("POST storage/folders/{folder}/data-upload-jobs/{job}/cancel", writes=True, roles=ADMIN)
def cancel(call: Call) -> dict[str, int]:
    """Say that nothing is left to be cancelled: a job is over when its hash is told."""
    _job(call)
    return {"unitsCancelledCount": 0}


@handles_path("POST storage/folders/{folder}/create-group-items", writes=True, roles=ADMIN)
def group(call: Call) -> list[str]:
    """Keep groups of items, with the layout that is asked for."""
    wanted = call.payload
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        raise InvalidArgumentsError("Expected a list of groups.")
    made = []
    for one in wanted:
        uuids = one.get("layoutContents")
        uuids = list(uuids.values()) if isinstance(uuids, dict) else uuids
        if not isinstance(uuids, list) or not uuids or not all(isinstance(uuid, str) for uuid in uuids):
            raise InvalidArgumentsError("layoutContents names the items of a group.")
        uuid = str(uuid4())
        children = [{"uuid": seen(call, child).uuid} for child in uuids]
        item = {"item_type": "group", "name": titled(one.get("name") or f"group-{uuid[:5]}")}
        columns = {"uuid": uuid, "name": item["name"], "item": item, "children": children, "uploads": []}
        made.append(_added(call, call.of.hash, None, columns)["item"])
    return made


# --- jobs of datasets -------------------------------------------------------------------------------------------------


def prepared_for_dataset(call: Call) -> list[dict[str, Any] | Failed]:
    """Look at the units of ``dataItems`` that are to become data rows."""
    return looked_at(call, call.given("dataItems", dict), [call.of.hash, call.caller.user_hash, *_folder(call)])


def _folder(call: Call) -> list[str]:
    given = call.given("folderUuid", (str, type(None)), None)
    if given is None:
        return []
    role(call, given)
    return [given]


def begin_for_dataset(call: Call, folder: str) -> dict[str, str]:
    """Make data rows of what arrived; return the hash of the job, which is over."""
    where = next(iter(_folder(call)), folder)
    job = register(call, where, call.of.hash, call.prepared, ignore_errors=call.given("ignoreErrors", bool, False))
    return {"process_hash": records.put(call.db, JOB, job, call.caller.user_hash, call.now, scope=call.of.hash)}


def told_of_dataset(call: Call, process_hash: str) -> dict[str, Any] | None:
    """Return what came of a job; None if there is none of that hash."""
    job = records.get(call.db, JOB, process_hash, call.of.hash)
    if job is None:
        return None
    return {
        "status": job["status"],
        "data_hashes_with_titles": [
            {"data_hash": one["data_hash"], "title": one["name"], "backing_item_uuid": one["item"]}
            for one in job["units"]
        ],
        "errors": [one["why"] for one in job["errors"]],
        "data_unit_errors": [
            {
                "object_urls": one["urls"], "error": one["why"], "subtask_uuid": str(uuid4()),
                "action_description": "read",
            }
            for one in job["errors"]
        ],
        "units_pending_count": 0,
        "units_done_count": len(job["units"]),
        "units_error_count": len(job["errors"]),
        "units_cancelled_count": job["undone"],
    }  # fmt: skip
