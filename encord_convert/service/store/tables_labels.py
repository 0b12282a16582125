"""Tables of label rows, their revisions, and what else was done to them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

LABEL_ROWS = Table(
    "label_rows",
    METADATA,
    Column("project_hash", Text, ForeignKey("projects.project_hash", ondelete="CASCADE"), nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("label_hash", Text, unique=True),
    Column("created_at", Float),
    Column("last_edited_at", Float),
    Column("label_status", Text, nullable=False),
    Column("annotation_task_status", Text),
    Column("node", Integer),
    Column("priority", Float),
    Column("head", BigInteger),
    Column("head_by", Text),
    Column("head_sha256", LargeBinary),
    PrimaryKeyConstraint("project_hash", "data_hash"),
    sqlite_with_rowid=False,
)
"""What a project knows of a piece of data besides its labels. It is narrow and lies in the order of its key, so that a
listing reads nothing else. There is a row from when labelling began (``label_hash``) or a priority was set.
``head`` is the newest revision, ``head_by`` its author, ``head_sha256`` that of its body; ``node`` the place of the
stage in the workflow."""

LABEL_REVISIONS = Table(
    "label_revisions",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("project_hash", Text, ForeignKey("projects.project_hash", ondelete="CASCADE"), nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("label_hash", Text, nullable=False),
    Column("user_hash", Text, nullable=False),
    Column("saved_at", Float, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("label_revisions_of_row", "label_hash", "id"),
    Index("label_revisions_in_time", "project_hash", "saved_at"),
)
"""Every save: who, when, and the bytes that came."""

LABEL_EVENTS = Table(
    "label_events",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("project_hash", Text, ForeignKey("projects.project_hash", ondelete="CASCADE"), nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("user_hash", Text, nullable=False),
    Column("action", Integer, nullable=False),
    Column("done_at", Float, nullable=False),
    Index("label_events_in_time", "project_hash", "done_at"),
)
"""What was done to a row besides saving: its status marked, its task submitted. ``action`` as in the label log."""
