"""What takes long: private data registered, videos encoded again. A job is begun, then asked after.

Who asks how far private data is, waits: the answer comes when the job ends, or when the time is up they gave.

Source: wire protocol, sections 9.3 and 9.5.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import msgspec

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.service import videos
from encord_convert.service.auth import unseen
from encord_convert.service.calls import Call, NotYet, handles
from encord_convert.service.handlers import data_items
from encord_convert.service.handlers.data_rows import IN_A_DATASET, READ, WRITE
from encord_convert.service.handlers.datasets import ADMIN, ANYONE
from encord_convert.service.jobs import PRIVATE_DATA, RE_ENCODING
from encord_convert.service.private_data import Unit, units_of
from encord_convert.service.registering import older_document
from encord_convert.service.store import data_rows, datasets, jobs
from encord_convert.service.store.data_rows import texts
from encord_convert.service.store.tables_jobs import DONE, FAILED, WAITING
from encord_convert.service.store.tables_jobs import READ as LOOKED_AT

LONGEST_WAIT_S = 600
"""Clients ask for 60 at most, and give up after 180."""


def _either(call: Call, newer: str, older: str, kind: type, default: Any = ...) -> Any:
    """Return a member of the payload, by the name that younger or older clients give it."""
    payload = call.payload if isinstance(call.payload, dict) else {}
    return call.given(newer if newer in payload else older, kind, default)


def units(call: Call) -> Any:
    """Return the units of the document, as JSON, and whether what is there already is passed over.

    Of files that were sent to the storage: what they are to become.
    """
    payload = call.payload if isinstance(call.payload, dict) else {}
    if "dataItems" not in payload:
        found, skips = units_of(call.given("files", dict))
    elif payload.get("integrationId") is None:
        return data_items.prepared_for_dataset(call)
    else:
        found, skips = units_of(older_document(call.given("dataItems", dict)))
    return [msgspec.json.encode(unit) for unit in found], skips


@handles(
    Query.DATASET_DATA_LONG_POLLING, Verb.POST, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET,
    prepare=units,
)  # fmt: skip
def begin(call: Call) -> dict[str, str]:
    """Begin to register files of a cloud; the document is checked now, the files are looked at by and by."""
    _check_dataset(call)
    if isinstance(call.prepared, list):
        row = datasets.dataset(call.db, call.of.hash)
        return data_items.begin_for_dataset(call, row.backing_folder_uuid or row.dataset_hash)
    integration = call.storage.clouds.integration(_either(call, "integrationId", "integration_id", str)).hash
    found, skips = call.prepared
    ignores = _either(call, "ignoreErrors", "ignore_errors", bool, False)
    values = {"integration": integration, "ignore_errors": ignores, "skip_duplicates": skips}
    job = jobs.add(call.db, _new(call, PRIVATE_DATA) | values, found)
    return {"process_hash": job.process_hash}


def _new(call: Call, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "dataset_hash": call.of.hash,
        "user_hash": call.caller.user_hash,
        "created_at": call.now,
        "ignore_errors": True,
        "skip_duplicates": False,
    }


@handles(
    Query.DATASET_DATA_LONG_POLLING, Verb.GET, RESOURCE, writes=False, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET
)
def progress(call: Call) -> dict[str, Any]:
    """Say how far a job is; if it is under way, only when it ends or the time is up."""
    _check_dataset(call)
    result = data_items.job_result(call, call.given("process_hash", str))
    if result is not None:
        return result
    job = jobs.by_hash(call.db, call.of.hash, call.given("process_hash", str))
    if job is None or job.kind != PRIVATE_DATA:
        raise ResourceNotFoundError("The dataset has no such job.")
    wait_s = min(call.given("timeout_seconds", (int, float), 0), LONGEST_WAIT_S)
    if job.status == "PENDING" and wait_s > 0:
        raise NotYet(_progress(call, job), call.now + wait_s)
    return _progress(call, job)


def _progress(call: Call, job: Any) -> dict[str, Any]:
    counts = jobs.counts(call.db, job.id)
    # A job under way is looked at often: what came of it is told when it is over.
    is_over = job.status != "PENDING"
    failed = jobs.units(call.db, job.id, [FAILED])
    registered = [msgspec.json.decode(unit.found) for unit in jobs.units(call.db, job.id, [DONE])] if is_over else []
    return {
        "status": job.status,
        "data_hashes_with_titles": [item for item in registered if item is not None],
        "errors": [msgspec.json.decode(entry.found) for entry in failed],
        "data_unit_errors": [
            {
                "object_urls": msgspec.json.decode(each.unit, type=Unit).urls,
                "error": msgspec.json.decode(each.found),
                "subtask_uuid": str(uuid5(UUID(job.process_hash), str(each.place))),
                "action_description": "read",
            }
            for each in failed
        ],
        "units_pending_count": counts.get(WAITING, 0) + counts.get(LOOKED_AT, 0),
        "units_done_count": counts.get(DONE, 0),
        "units_error_count": counts.get(FAILED, 0),
        "units_cancelled_count": 0,
    }


def _check_dataset(call: Call) -> None:
    if call.uid not in (None, call.of.hash):
        raise unseen("dataset", str(call.uid))


@handles(Query.REENCODE_VIDEO_TASK, Verb.PUT, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def encode(call: Call) -> int:
    """Begin to encode videos again; return the number of the job. The same asked twice while it runs is one job."""
    if not videos.has_reader():
        raise InvalidArgumentsError(videos.NEEDS_PYAV)
    hashes = list(dict.fromkeys(texts(call.given("data_hash", list))))
    for data_hash in hashes:
        row = data_rows.data_row(call.db, call.of.hash, data_hash)
        if row is None:
            raise unseen("video", data_hash)
        if row.data_type != "VIDEO":
            raise InvalidArgumentsError(f"{row.data_title}: is no video.")
    if not hashes:
        raise InvalidArgumentsError("data_hash names no video.")
    wanted = [msgspec.json.encode(data_hash) for data_hash in hashes]
    for job in jobs.pending(call.db, RE_ENCODING, call.of.hash):
        if [bytes(unit.unit) for unit in jobs.units(call.db, job.id, range(4))] == wanted:
            return int(job.id)
    return int(jobs.add(call.db, _new(call, RE_ENCODING), wanted).id)


@handles(Query.REENCODE_VIDEO_TASK, Verb.GET, RESOURCE, writes=False, scope=READ, roles=ANYONE, kinds=IN_A_DATASET)
def encoding(call: Call) -> dict[str, Any]:
    """Say how far a job is, and where the videos are that it made."""
    job = jobs.by_number(call.db, call.of.hash, call.uid) if isinstance(call.uid, int) else None
    if job is None or job.kind != RE_ENCODING:
        raise ResourceNotFoundError("The dataset has no such job.")
    if job.status == "PENDING":
        return {"status": job.status}
    found = [msgspec.json.decode(unit.found) for unit in jobs.units(call.db, job.id, [DONE])]
    if not found:
        return {"status": "ERROR"}
    return {"status": job.status, "result": [_result(call, match) for match in found]}


def _result(call: Call, one: dict[str, str]) -> dict[str, str]:
    url = call.storage.download_url(call.base_url, one["sha256"], f"{one['title']}.mp4", "video/mp4", call.now)
    return {
        "data_hash": one["data_hash"],
        "signed_url": url,
        "bucket_path": f"service/{call.of.hash}/{one['data_hash']}/re-encoded.mp4",
    }
