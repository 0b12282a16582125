"""Tables of what takes long: jobs, and the units they are done in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from encord_convert.service.store.tables import METADATA, NUMBER

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("process_hash", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("dataset_hash", Text, ForeignKey("datasets.dataset_hash", ondelete="CASCADE"), nullable=False),
    Column("user_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("integration", Text),
    Column("ignore_errors", Boolean, nullable=False),
    Column("skip_duplicates", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("jobs_by_status", "status", "id"),
)
"""``status`` is ``PENDING``, ``DONE`` or ``ERROR``."""

JOB_UNITS = Table(
    "job_units",
    METADATA,
    Column("job", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("unit", LargeBinary, nullable=False),
    Column("found", LargeBinary),
    PrimaryKeyConstraint("job", "place"),
    Index("job_units_by_state", "job", "state", "place"),
)
"""``unit`` is what is asked for, ``found`` what came of it: the columns of the data row to be, then what is told of it,
or the error; JSON."""

WAITING, READ, DONE, FAILED = range(4)
"""States of a unit: not looked at, looked at, registered, refused."""
