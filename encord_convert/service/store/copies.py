"""Statements that copy data, label rows and models into another project."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, RowMapping, func, insert, select

from encord_convert.service.calls import Kind
from encord_convert.service.store.tables import DATA_FILES, DATA_ROWS, ROLES
from encord_convert.service.store.tables_labels import LABEL_ROWS
from encord_convert.service.store.tables_projects import MODEL_ITERATIONS, MODELS


def data(db: Connection, from_dataset: str, wanted: list[str], to_dataset: str, now: float) -> dict[str, str]:
    """Copy pieces of data of a dataset to the end of another one; return old to new hashes, those of images too.

    The files are the same: storage keeps them by what is in them.
    """
    own = (DATA_ROWS.c.dataset_hash == from_dataset, DATA_ROWS.c.data_hash.in_(wanted))
    last = db.scalar(select(func.max(DATA_ROWS.c.number)).where(DATA_ROWS.c.dataset_hash == to_dataset))
    number = -1 if last is None else last
    new_hashes: dict[str, str] = {}
    for row in db.execute(select(DATA_ROWS).where(*own).order_by(DATA_ROWS.c.number)).mappings().all():
        number += 1
        new = {
            "data_hash": new_hashes.setdefault(row["data_hash"], str(uuid4())),
            "dataset_hash": to_dataset,
            "number": number,
            "created_at": now,
            "last_edited_at": now,
        }
        db.execute(insert(DATA_ROWS).values({**row, **new}))
    files = select(DATA_FILES).where(DATA_FILES.c.data_hash.in_(list(new_hashes)))
    for file in db.execute(files).mappings().all():
        new = {
            "data_hash": new_hashes[file["data_hash"]],
            "image_hash": new_hashes.setdefault(file["image_hash"], str(uuid4())),
        }
        db.execute(insert(DATA_FILES).values({**file, **new}))
    return new_hashes


def labelled(db: Connection, project_hash: str) -> list[RowMapping]:
    """Return the label rows of a project."""
    statement = (
        select(LABEL_ROWS)
        .where(LABEL_ROWS.c.project_hash == project_hash, LABEL_ROWS.c.label_hash.is_not(None))
        .order_by(LABEL_ROWS.c.data_hash)
    )
    return list(db.execute(statement).mappings())


def models(db: Connection, from_project: str, to_project: str) -> None:
    """Copy the models of a project, and what is known of their trainings."""
    for model in db.execute(select(MODELS).where(MODELS.c.project_hash == from_project)).mappings().all():
        new = {"model_uid": str(uuid4()), "project_hash": to_project}
        db.execute(insert(MODELS).values({**model, **new}))
        trained = select(MODEL_ITERATIONS).where(MODEL_ITERATIONS.c.model_uid == model["model_uid"])
        for item in db.execute(trained).mappings().all():
            own = {"model_iteration_uid": str(uuid4()), "model_uid": new["model_uid"]}
            db.execute(insert(MODEL_ITERATIONS).values({**item, **own}))


def roles(db: Connection, from_project: str, to_project: str, but: str) -> None:
    """Give everyone but one user the role in a project that they have in another."""
    where = (ROLES.c.kind == Kind.PROJECT, ROLES.c.hash == from_project, ROLES.c.user_hash != but)
    for row in db.execute(select(ROLES).where(*where)).mappings().all():
        db.execute(insert(ROLES).values({**row, "hash": to_project}))
