"""What takes long is done by a thread, unit by unit, and goes on where it was when the service starts again.

A unit is first looked at, outside of any transaction; what was found is kept. When all were, they are registered, a
batch in one transaction: either the job's errors are ignored, or there are none. So a job never registers a part of
what it was asked, and nothing twice, however many services have the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from encord_convert.sdk.exceptions import EncordException
from encord_convert.service.calls import Call, Caller, Kind, Resource
from encord_convert.service.encodings import encoded
from encord_convert.service.handlers.uploads import new_row
from encord_convert.service.private_data import Unit, columns_of
from encord_convert.service.store import data_rows, datasets, jobs
from encord_convert.service.store.tables_jobs import DONE, FAILED, READ, WAITING

if TYPE_CHECKING:
    from encord_convert.service.app import Service

_LOG = logging.getLogger("encord_convert.service")

PRIVATE_DATA, RE_ENCODING = "private data", "re-encoding"
POLL_S = 0.2
"""Between two looks for new jobs."""
LONGEST_END_S = 10.0
"""How long the end of the service waits for a unit."""
LOOKED_AT_ONCE = 64
REGISTERED_AT_ONCE = 256


class Jobs:
    """The thread that does the jobs of a service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the unit that is under way, or without it if it takes long: it is done again after a restart."""
        self._is_over.set()
        self._thread.join(LONGEST_END_S)

    def _run(self) -> None:
        while not self._is_over.wait(POLL_S):
            try:
                for job in self._service.database.read(jobs.pending):
                    self._carry_on(job)
            except Exception:
                if not self._is_over.is_set():
                    _LOG.exception("A job could not be carried on; it is tried again.")
                self._is_over.wait(10 * POLL_S)

    def _carry_on(self, job: Any) -> None:
        look = self._looked_at if job.kind == PRIVATE_DATA else self._encoded
        while waiting := self._read(lambda db: jobs.units(db, job.id, [WAITING], LOOKED_AT_ONCE)):
            told = []
            for one in waiting:
                if self._is_over.is_set():
                    break
                told.append((one.place, *_outcome(look, job, one.unit)))
            self._write(lambda db, told=told: jobs.tell(db, job.id, WAITING, told))  # type: ignore[misc]
            if self._is_over.is_set():
                return
        has_failed = self._read(lambda db: jobs.counts(db, job.id)).get(FAILED, 0) > 0
        if has_failed and not job.ignore_errors:
            self._write(lambda db: jobs.end(db, job.id, "ERROR"))
            return
        while not self._is_over.is_set():
            if not self._write(lambda db: _registered(db, self._service, job)):
                self._write(lambda db: jobs.end(db, job.id, "DONE"))
                return

    def _read(self, work: Callable[[Connection], Any]) -> Any:
        return self._service.database.read(work)

    def _write(self, work: Callable[[Connection], Any]) -> Any:
        return self._service.database.write(work).result()

    def _looked_at(self, job: Any, unit: bytes) -> dict[str, Any]:
        dataset = self._read(lambda db: datasets.dataset(db, job.dataset_hash))
        wanted = msgspec.json.decode(unit, type=Unit)
        return columns_of(self._service.storage.clouds, job.integration, dataset.type, wanted)

    def _encoded(self, job: Any, unit: bytes) -> dict[str, Any]:
        data_hash = msgspec.json.decode(unit)
        row = self._read(lambda db: data_rows.data_row(db, job.dataset_hash, data_hash))
        if row is None:
            raise EncordException(f"{data_hash}: was deleted meanwhile.")
        return {"data_hash": data_hash, "title": row.data_title, "sha256": encoded(self._service.storage, row)}


def _outcome(look: Callable[[Any, bytes], dict[str, Any]], job: Any, unit: bytes) -> tuple[int, bytes]:
    try:
        return READ, msgspec.json.encode(look(job, unit))
    except EncordException as error:
        return FAILED, msgspec.json.encode(error.message)
    except Exception as error:  # a bug, or a library's: the others go on, and the log says where
        _LOG.exception("A unit of a job failed.")
        return FAILED, msgspec.json.encode(f"{bytes(unit).decode()[:256]}: the service failed on it; its log says where"
                                           f" ({type(error).__name__}).")  # fmt: skip


def _registered(db: Connection, service: Service, job: Any) -> int:
    """Register the next units that were looked at; return how many."""
    ready = jobs.units(db, job.id, [READ], REGISTERED_AT_ONCE)
    if job.kind == RE_ENCODING:
        jobs.tell(db, job.id, READ, [(one.place, DONE, bytes(one.found)) for one in ready])
        return len(ready)
    there = set()
    if job.skip_duplicates:
        named = [url for one in ready for url in msgspec.json.decode(one.unit, type=Unit).urls]
        there = jobs.links(db, job.dataset_hash, named)
    call = Call(
        Caller(job.user_hash, ""), Resource(Kind.DATASET, job.dataset_hash, 0), None, b"null", db, service.storage,
        service.clock(), "",
    )  # fmt: skip
    told = []
    for one in ready:
        urls = msgspec.json.decode(one.unit, type=Unit).urls
        if there.issuperset(urls):
            told.append((one.place, DONE, b"null"))
            continue
        if job.skip_duplicates:
            there.update(urls)
        told.append((one.place, DONE, msgspec.json.encode(_added(call, msgspec.json.decode(one.found)))))
    jobs.tell(db, job.id, READ, told)
    return len(ready)


def _added(call: Call, columns: dict[str, Any]) -> dict[str, Any]:
    files = [{**file, "image_hash": str(uuid4())} for file in columns.pop("files")]
    title, data_type = columns.pop("data_title"), columns.pop("data_type")
    if columns.get("dicom"):
        columns["dicom"] = columns["dicom"].encode()
    row = new_row(call, str(uuid4()), title, data_type, **columns)
    data_rows.add_data_row(call.db, row, files)
    return {"data_hash": row["data_hash"], "title": title, "backing_item_uuid": row["backing_item_uuid"]}
