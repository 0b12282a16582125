"""Files that were sent to the storage become items there, and data rows of a dataset.

Upload slots are requested without a dataset. Uploads are registered all at once, unless errors are ignored. The answer
is immediate, and kept for progress requests.

Source: wire protocol of the newest package, sections 6.4 and 6.5.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import Query
from encord_convert.service.calls import Call, handles_path
from encord_convert.service.handlers.datasets import ADMIN, titled
from encord_convert.service.handlers.folders import JOB, role
from encord_convert.service.handlers.items import seen
from encord_convert.service.pages import page_reply
from encord_convert.service.registering import PLAIN, Failed, added, looked_at, older_document, private, register
from encord_convert.service.store import records, uploads

KINDS = {
    "image": Query.SIGNED_IMAGES_URL.value,
    "video": Query.SIGNED_VIDEO_URL.value,
    "dicomFile": Query.SIGNED_DICOMS_URL.value,
}
"""How files of each item type are inspected; others are not."""
MOST_PLACES = 10_000


def places(call: Call, owner: str, item_type: str, count: int) -> dict[str, Any]:
    """Return upload slots."""
    if item_type not in {*KINDS, *PLAIN.values()}:
        raise InvalidArgumentsError(f"{item_type[:64]!r} is no type of a file; they are {', '.join(KINDS)}, …")
    if not 0 < count <= MOST_PLACES:
        raise InvalidArgumentsError(f"From 1 to {MOST_PLACES} places are given at once, not {count}.")
    kind = KINDS.get(item_type, item_type)
    made = [uploads.new_upload(owner, kind, "", call.now) for _ in range(count)]
    made = [item._replace(title=item.data_hash) for item in made]
    uploads.add_uploads(call.db, made)
    return page_reply(
        {
            "itemUuid": entry.data_hash,
            "objectKey": entry.file_link,
            "signedUrl": call.storage.upload_url(call.base_url, entry.data_hash, call.now),
            "uploadHeaders": {},
        }
        for entry in made
    )


@handles_path("GET presigned-urls", writes=True)
def places_for_user(call: Call) -> dict[str, Any]:
    """Return upload slots owned by the caller."""
    count = call.query.get("count", "1")
    if not (count.isascii() and count.isdigit()):
        raise InvalidArgumentsError(f"count is a number, not {count[:64]!r}.")
    return places(call, call.caller.user_hash, call.query.get("uploadItemType", ""), int(count[:9]))


@handles_path("POST storage/folders/{folder}/upload-signed-urls", writes=True, roles=ADMIN)
def places_in_folder(call: Call) -> dict[str, Any]:
    """Return upload slots for a folder."""
    return places(call, call.of.hash, call.given("itemType", str), call.given("count", int, 1))


def _prepared(call: Call) -> list[dict[str, Any] | Failed]:
    external = call.given("externalFiles", (dict, type(None)), None)
    if external is not None:
        return private(call, external, call.given("integrationHash", str))
    document = call.given("dataItems", dict)
    if call.given("integrationHash", (str, type(None)), None):
        return private(call, older_document(document), call.given("integrationHash", str))
    return looked_at(call, document, [call.of.hash, call.caller.user_hash])


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
        "itemsWithNames": [{"itemUuid": unit["item"], "name": unit["name"]} for unit in job["units"]],
        "errors": [error["why"] for error in job["errors"]],
        "unitErrors": [
            {"objectUrls": item["urls"], "error": item["why"], "subtaskUuid": str(uuid4()), "actionDescription": "read"}
            for item in job["errors"]
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
    if not isinstance(wanted, list) or not all(isinstance(entry, dict) for entry in wanted):
        raise InvalidArgumentsError("Expected a list of groups.")
    made = []
    for each in wanted:
        uuids = each.get("layoutContents")
        uuids = list(uuids.values()) if isinstance(uuids, dict) else uuids
        if not isinstance(uuids, list) or not uuids or not all(isinstance(uuid, str) for uuid in uuids):
            raise InvalidArgumentsError("layoutContents names the items of a group.")
        uuid = str(uuid4())
        children = [{"uuid": seen(call, child).uuid} for child in uuids]
        item = {"item_type": "group", "name": titled(each.get("name") or f"group-{uuid[:5]}")}
        columns = {"uuid": uuid, "name": item["name"], "item": item, "children": children, "uploads": []}
        made.append(added(call, call.of.hash, None, columns)["item"])
    return made


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


def job_result(call: Call, process_hash: str) -> dict[str, Any] | None:
    """Return what came of a job; None if there is none of that hash."""
    job = records.get(call.db, JOB, process_hash, call.of.hash)
    if job is None:
        return None
    return {
        "status": job["status"],
        "data_hashes_with_titles": [
            {"data_hash": unit["data_hash"], "title": unit["name"], "backing_item_uuid": unit["item"]}
            for unit in job["units"]
        ],
        "errors": [error["why"] for error in job["errors"]],
        "data_unit_errors": [
            {
                "object_urls": item["urls"], "error": item["why"], "subtask_uuid": str(uuid4()),
                "action_description": "read",
            }
            for item in job["errors"]
        ],
        "units_pending_count": 0,
        "units_done_count": len(job["units"]),
        "units_error_count": len(job["errors"]),
        "units_cancelled_count": job["undone"],
    }  # fmt: skip
