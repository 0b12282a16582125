"""Statements on ontologies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from encord_convert.service.calls import Kind
from encord_convert.service.store.datasets import listed
from encord_convert.service.store.tables import ROLES
from encord_convert.service.store.tables_projects import ONTOLOGIES, PROJECTS


def add(db: Connection, ontology_hash: str, title: str, description: str, editor: bytes, now: float) -> None:
    """Store a new ontology."""
    db.execute(
        insert(ONTOLOGIES).values(
            ontology_hash=ontology_hash,
            title=title,
            description=description,
            editor=editor,
            created_at=now,
            last_edited_at=now,
        )
    )


def change(db: Connection, ontology_hash: str, now: float, **values: Any) -> bool:
    """Overwrite some columns of an ontology; return whether there is one."""
    statement = update(ONTOLOGIES).where(ONTOLOGIES.c.ontology_hash == ontology_hash)
    return db.execute(statement.values(last_edited_at=now, **values)).rowcount > 0


def find(db: Connection, ontology_hash: str) -> RowMapping | None:
    """Return an ontology."""
    return db.execute(select(ONTOLOGIES).where(ONTOLOGIES.c.ontology_hash == ontology_hash)).mappings().one_or_none()


def role_by_project(db: Connection, ontology_hash: str, user_hash: str) -> int | None:
    """Return the role in an ontology that comes of projects with it: 0 of who may change it there, 1 of all others."""
    statement = (
        select(ROLES.c.role, PROJECTS.c.edits_ontology)
        .join_from(ROLES, PROJECTS, ROLES.c.hash == PROJECTS.c.project_hash)
        .where(
            ROLES.c.kind == Kind.PROJECT, ROLES.c.user_hash == user_hash, PROJECTS.c.ontology_hash == ontology_hash
        )
    )  # fmt: skip
    return min((0 if role == 0 and edits else 1 for role, edits in db.execute(statement)), default=None)


def of_user(db: Connection, user_hash: str, conditions: dict[str, Any]) -> list[RowMapping]:
    """Return the ontologies a user has a ``role`` on, oldest first."""
    statement = (
        select(ROLES.c.role, ONTOLOGIES)
        .join_from(ROLES, ONTOLOGIES, ROLES.c.hash == ONTOLOGIES.c.ontology_hash)
        .where(ROLES.c.kind == Kind.ONTOLOGY, ROLES.c.user_hash == user_hash, *listed(ONTOLOGIES, conditions))
        .order_by(ONTOLOGIES.c.created_at, ONTOLOGIES.c.ontology_hash)
    )
    return list(db.execute(statement).mappings())
