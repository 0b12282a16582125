"""Statements on the models of a project."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from encord_convert.service.store.tables_projects import MODEL_ITERATIONS, MODELS


def add(db: Connection, values: dict[str, Any]) -> None:
    """Store a new model."""
    db.execute(insert(MODELS).values(values))


def add_iteration(db: Connection, values: dict[str, Any]) -> None:
    """Store what is known of a training."""
    db.execute(insert(MODEL_ITERATIONS).values(values))


def of_project(db: Connection, project_hash: str) -> list[RowMapping]:
    """Return the models of a project, oldest first."""
    statement = select(MODELS).where(MODELS.c.project_hash == project_hash).order_by(MODELS.c.created_at)
    return list(db.execute(statement).mappings())


def iterations(db: Connection, project_hash: str) -> list[RowMapping]:
    """Return the trainings of all models of a project, oldest first."""
    statement = (
        select(MODEL_ITERATIONS)
        .join_from(MODEL_ITERATIONS, MODELS, MODELS.c.model_uid == MODEL_ITERATIONS.c.model_uid)
        .where(MODELS.c.project_hash == project_hash)
        .order_by(MODEL_ITERATIONS.c.created_at)
    )
    return list(db.execute(statement).mappings())


def remove(db: Connection, project_hash: str, model_uid: str) -> bool:
    """Delete a model with its trainings; return whether there was one."""
    own = (MODELS.c.project_hash == project_hash, MODELS.c.model_uid == model_uid)
    return db.execute(delete(MODELS).where(*own)).rowcount > 0
