"""Statements of jobs and their units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, func, insert, select, update

from encord_convert.service.store.tables import DATA_FILES, DATA_ROWS
from encord_convert.service.store.tables_jobs import JOB_UNITS, JOBS, WAITING

AT_ONCE = 5000
"""Units or links of one statement."""


def add(db: Connection, values: dict[str, Any], units: Iterable[bytes]) -> Any:
    """Store a job; return its row."""
    process_hash = str(uuid4())
    db.execute(insert(JOBS).values({"process_hash": process_hash, "status": "PENDING", **values}))
    job = by_hash(db, values["dataset_hash"], process_hash)
    rows = [{"job": job.id, "place": place, "state": WAITING, "unit": unit} for place, unit in enumerate(units)]
    for first in range(0, len(rows), AT_ONCE):
        db.execute(insert(JOB_UNITS), rows[first : first + AT_ONCE])
    return job


def by_hash(db: Connection, dataset_hash: str, process_hash: object) -> Any:
    """Return a job of a dataset, or None."""
    query = select(JOBS).where(JOBS.c.dataset_hash == dataset_hash, JOBS.c.process_hash == str(process_hash))
    return db.execute(query).first()


def by_number(db: Connection, dataset_hash: str, number: int) -> Any:
    """Return a job of a dataset, or None."""
    return db.execute(select(JOBS).where(JOBS.c.dataset_hash == dataset_hash, JOBS.c.id == number)).first()


def pending(db: Connection, kind: str | None = None, dataset_hash: str | None = None) -> list[Any]:
    """Return the jobs, of a kind, that are not done, oldest first."""
    query = select(JOBS).where(JOBS.c.status == "PENDING").order_by(JOBS.c.id)
    if kind is not None:
        query = query.where(JOBS.c.kind == kind)
    if dataset_hash is not None:
        query = query.where(JOBS.c.dataset_hash == dataset_hash)
    return list(db.execute(query))


def units(db: Connection, job: int, states: Iterable[int], most: int = 1 << 30) -> list[Any]:
    """Return units of a job in these states, in order."""
    query = select(JOB_UNITS).where(JOB_UNITS.c.job == job, JOB_UNITS.c.state.in_(list(states)))
    return list(db.execute(query.order_by(JOB_UNITS.c.place).limit(most)))


def counts(db: Connection, job: int) -> dict[int, int]:
    """Return how many units of a job are in each state."""
    query = select(JOB_UNITS.c.state, func.count()).where(JOB_UNITS.c.job == job).group_by(JOB_UNITS.c.state)
    return {state: count for state, count in db.execute(query)}  # noqa: C416 (rows are no pairs)


def record(db: Connection, job: int, was: int, results: Iterable[tuple[int, int, bytes]]) -> None:
    """Note what came of units that were in a state: place, new state, JSON.

    Of one that is in another by now nothing is noted: a second service on this database was faster.
    """
    rows = [{"own_place": place, "new_state": state, "new_found": found} for place, state, found in results]
    own = (JOB_UNITS.c.job == job, JOB_UNITS.c.state == was, JOB_UNITS.c.place == bindparam("own_place"))
    if rows:
        db.execute(
            update(JOB_UNITS).where(*own).values(state=bindparam("new_state"), found=bindparam("new_found")), rows
        )


def end(db: Connection, job: int, status: str) -> None:
    """End a job."""
    db.execute(update(JOBS).where(JOBS.c.id == job).values(status=status))


def links(db: Connection, dataset_hash: str, wanted: list[str]) -> set[str]:
    """Return which of some links files of a dataset have."""
    own = select(DATA_ROWS.c.file_link).where(DATA_ROWS.c.dataset_hash == dataset_hash)
    files = (
        select(DATA_FILES.c.file_link)
        .join(DATA_ROWS, DATA_ROWS.c.data_hash == DATA_FILES.c.data_hash)
        .where(DATA_ROWS.c.dataset_hash == dataset_hash)
    )
    found: set[str] = set()
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        found.update(db.scalars(own.where(DATA_ROWS.c.file_link.in_(some))))
        found.update(db.scalars(files.where(DATA_FILES.c.file_link.in_(some))))
    return found
