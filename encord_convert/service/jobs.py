"""Background jobs: done by a thread, unit by unit, and resumed after a restart.

A unit is first looked at, outside of any transaction; what was found is kept. When all were, they are registered, a
batch in one transaction: either the job's errors are ignored, or there are none. So a job never registers a part of
what it was asked, and nothing twice, however many services have the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from encord_convert.sdk.exceptions import EncordException
from encord_convert.service import videos
from encord_convert.service.calls import Call, Caller, Kind, Resource
from encord_convert.service.handlers.uploads import new_row
from encord_convert.service.private_data import Unit, columns_of
from encord_convert.service.storage import Storage
from encord_convert.service.store import data_rows, datasets, jobs
from encord_convert.service.store.tables_jobs import DONE, FAILED, READ, WAITING

if TYPE_CHECKING:
    from encord_convert.service.app import Service

_LOG = logging.getLogger("encord_convert.service")

PRIVATE_DATA, RE_ENCODING = "private data", "re-encoding"
POLL_S = 0.2
"""Seconds between polls for new jobs."""
LONGEST_END_S = 10.0
"""Seconds that shutdown waits for a unit."""
LOOKED_AT_ONCE = 64
PART = 1 << 20
REGISTERED_AT_ONCE = 256
MOST_ATTEMPTS = 3
"""Attempts per video, so that one that crashes the service is given up."""


class Jobs:
    """The threads that do the jobs of a service: one for each kind, so that videos keep nothing else waiting."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._is_over = Event()
        self._threads = [
            Thread(target=self._run, args=(kind,), name=kind, daemon=True) for kind in (PRIVATE_DATA, RE_ENCODING)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop after the current units, or without waiting for slow ones, which are redone after a restart."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(LONGEST_END_S)

    def _run(self, kind: str) -> None:
        while not self._is_over.wait(POLL_S):
            try:
                while waiting := self._read(lambda db: jobs.pending(db, kind)):
                    for job in waiting:  # some units of each in turn
                        self._carry_on(job)
                    if self._is_over.is_set():
                        return
            except Exception:
                if not self._is_over.is_set():
                    _LOG.exception("A job could not be carried on; it is tried again.")
                self._is_over.wait(10 * POLL_S)

    def _carry_on(self, job: Any) -> None:
        """Do some units of a job, or end it."""
        look, at_once = (self._looked_at, LOOKED_AT_ONCE) if job.kind == PRIVATE_DATA else (self._encoded, 1)
        if waiting := self._read(lambda db: jobs.units(db, job.id, [WAITING], at_once)):
            results = []
            for item in waiting:
                if self._is_over.is_set():
                    break
                results.append((item.place, *_outcome(look, job, item)))
            self._write(lambda db: jobs.record(db, job.id, WAITING, results))
        elif not job.ignore_errors and self._read(lambda db: jobs.counts(db, job.id)).get(FAILED):
            self._write(lambda db: jobs.end(db, job.id, "ERROR"))
        elif not self._is_over.is_set() and not self._write(lambda db: _registered(db, self._service, job)):
            self._write(lambda db: jobs.end(db, job.id, "DONE"))

    def _read(self, work: Callable[[Connection], Any]) -> Any:
        return self._service.database.read(work)

    def _write(self, work: Callable[[Connection], Any]) -> Any:
        return self._service.database.write(work).result()

    def _looked_at(self, job: Any, one: Any) -> dict[str, Any]:
        dataset = self._read(lambda db: datasets.dataset(db, job.dataset_hash))
        wanted = msgspec.json.decode(one.unit, type=Unit)
        return columns_of(self._service.storage.clouds, job.integration, dataset.type, wanted)

    def _encoded(self, job: Any, one: Any) -> dict[str, Any]:
        data_hash = msgspec.json.decode(one.unit)
        attempts = msgspec.json.decode(one.found) if one.found else 0
        if attempts >= MOST_ATTEMPTS:
            raise EncordException(f"{data_hash}: was begun {attempts} times, and the service ended each time.")
        begun = [(one.place, WAITING, msgspec.json.encode(attempts + 1))]
        self._write(lambda db: jobs.record(db, job.id, WAITING, begun))
        row = self._read(lambda db: data_rows.data_row(db, job.dataset_hash, data_hash))
        if row is None:
            raise EncordException(f"{data_hash}: was deleted meanwhile.")
        return {"data_hash": data_hash, "title": row.data_title, "sha256": encoded(self._service.storage, row)}


def encoded(storage: Storage, row: Any) -> str:
    """Encode the video of a data row again; return the SHA-256 of the result, which the storage has."""
    if row.sha256 is None:
        raise EncordException(f"{row.data_title}: its file is not in the storage of the service.")
    with TemporaryDirectory(prefix="encoding-") as name:
        path = Path(name) / "video.mp4"
        with storage.open(row.sha256) as stream:
            fault = videos.fault_of_encoding(row.data_title, stream, str(path))
        if fault is not None:
            raise EncordException(fault)
        with storage.incoming() as file, path.open("rb") as done:
            while part := done.read(PART):
                file.write(part)
            return file.keep()


def _outcome(look: Callable[[Any, Any], dict[str, Any]], job: Any, one: Any) -> tuple[int, bytes]:
    try:
        return READ, msgspec.json.encode(look(job, one))
    except EncordException as error:
        return FAILED, msgspec.json.encode(error.message)
    except Exception as error:  # a bug, or a library's: the others go on, and the log says where
        _LOG.exception("A unit of a job failed.")
        what = bytes(one.unit).decode()[:256]
        fault = f"{what}: the service failed on it; its log says where ({type(error).__name__})."
        return FAILED, msgspec.json.encode(fault)


def _registered(db: Connection, service: Service, job: Any) -> int:
    """Register the next units that were looked at; return how many."""
    ready = jobs.units(db, job.id, [READ], REGISTERED_AT_ONCE)
    if job.kind == RE_ENCODING:
        jobs.record(db, job.id, READ, [(item.place, DONE, bytes(item.found)) for item in ready])
        return len(ready)
    there = set()
    if job.skip_duplicates:
        named = [url for entry in ready for url in msgspec.json.decode(entry.unit, type=Unit).urls]
        there = jobs.links(db, job.dataset_hash, named)
    call = Call(
        Caller(job.user_hash, ""), Resource(Kind.DATASET, job.dataset_hash, 0), None, b"null", db, service.storage,
        service.clock(), "",
    )  # fmt: skip
    results = []
    for each in ready:
        urls = msgspec.json.decode(each.unit, type=Unit).urls
        if there.issuperset(urls):
            results.append((each.place, DONE, b"null"))
            continue
        if job.skip_duplicates:
            there.update(urls)
        results.append((each.place, DONE, msgspec.json.encode(_added(call, msgspec.json.decode(each.found)))))
    jobs.record(db, job.id, READ, results)
    return len(ready)


def _added(call: Call, columns: dict[str, Any]) -> dict[str, Any]:
    files = [{**file, "image_hash": str(uuid4())} for file in columns.pop("files")]
    title, data_type = columns.pop("data_title"), columns.pop("data_type")
    if columns.get("dicom"):
        columns["dicom"] = columns["dicom"].encode()
    row = new_row(call, str(uuid4()), title, data_type, **columns)
    data_rows.add_data_row(call.db, row, files)
    return {"data_hash": row["data_hash"], "title": title, "backing_item_uuid": row["backing_item_uuid"]}
