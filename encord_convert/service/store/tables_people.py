"""Tables of groups of users, and of what is kept for all that have it."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from encord_convert.service.store.tables import METADATA, NUMBER

GROUPS = Table(
    "groups",
    METADATA,
    Column("group_hash", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)
"""Whoever makes a group has the role 0 in it, of the kind ``group``; its members the role 1."""

GROUP_USERS = Table(
    "group_users",
    METADATA,
    Column("group_hash", Text, ForeignKey("groups.group_hash", ondelete="CASCADE"), nullable=False),
    Column("user_hash", Text, ForeignKey("users.user_hash", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("group_hash", "user_hash"),
)

GROUP_ROLES = Table(
    "group_roles",
    METADATA,
    Column("group_hash", Text, ForeignKey("groups.group_hash", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("role", Integer, nullable=False),
    PrimaryKeyConstraint("group_hash", "kind", "hash"),
    Index("group_roles_of_resource", "kind", "hash"),
)
"""What a group may do with a resource. Its members' roles stand in the roles like any other, see :data:`GRANTED`."""

GRANTED = Table(
    "granted_roles",
    METADATA,
    Column("user_hash", Text, ForeignKey("users.user_hash", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("user_hash", "kind", "hash"),
)
"""Which roles come of groups: they change and go with these. A role somebody was given is not here, and wins."""

RECORDS = Table(
    "records",
    METADATA,
    Column("kind", Text, nullable=False),
    Column("uuid", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("user_hash", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_edited_at", Float, nullable=False),
    PrimaryKeyConstraint("kind", "uuid"),
    Index("records_of_scope", "scope", "kind"),
)
"""What is only kept, and given again: ``body`` is JSON; ``scope`` is what it belongs to, a hash or empty."""

TASKS = Table(
    "tasks",
    METADATA,
    Column("project_hash", Text, ForeignKey("projects.project_hash", ondelete="CASCADE"), nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("assignee", Text),
    Column("last_actioned_by", Text),
    Column("updated_at", Float, nullable=False),
    PrimaryKeyConstraint("project_hash", "data_hash"),
)
"""Of the task a piece of data is in a project, what was done with it; none, nothing yet. Users by their address."""

TASK_ACTIONS = Table(
    "task_actions",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("project_hash", Text, ForeignKey("projects.project_hash", ondelete="CASCADE"), nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("user_hash", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("done_at", Float, nullable=False),
    Index("task_actions_in_time", "project_hash", "done_at"),
)
