"""Statements on projects, their datasets and workflows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from encord_convert.service.calls import Kind
from encord_convert.service.store import records
from encord_convert.service.store.datasets import listed
from encord_convert.service.store.prepared import Prepared
from encord_convert.service.store.tables import DATASETS, ROLES
from encord_convert.service.store.tables_projects import PROJECT_DATASETS, PROJECTS, WORKFLOW_NODES

STAGES = ("Annotate 1", "Review 1", "Complete")
"""Every workflow of this service: labelling, review, done."""

_NODES = Prepared(
    select(WORKFLOW_NODES.c.place, WORKFLOW_NODES.c.uuid, WORKFLOW_NODES.c.title).where(
        WORKFLOW_NODES.c.project_hash == bindparam("project_hash")
    )
)


def add(db: Connection, values: dict[str, Any]) -> None:
    """Store a new project with its stages."""
    db.execute(insert(PROJECTS).values(values))
    nodes = [
        {"project_hash": values["project_hash"], "place": place, "uuid": str(uuid4()), "title": title}
        for place, title in enumerate(STAGES)
    ]
    db.execute(insert(WORKFLOW_NODES), nodes)


def find(db: Connection, project_hash: str) -> RowMapping | None:
    """Return a project."""
    return db.execute(select(PROJECTS).where(PROJECTS.c.project_hash == project_hash)).mappings().one_or_none()


def edited(db: Connection, project_hash: str, now: float) -> None:
    """Note that a project was edited."""
    db.execute(update(PROJECTS).where(PROJECTS.c.project_hash == project_hash).values(last_edited_at=now))


def of_user(db: Connection, user_hash: str, conditions: dict[str, Any]) -> list[RowMapping]:
    """Return the projects a user has a ``role`` in, oldest first."""
    statement = (
        select(ROLES.c.role, PROJECTS)
        .join_from(ROLES, PROJECTS, ROLES.c.hash == PROJECTS.c.project_hash)
        .where(ROLES.c.kind == Kind.PROJECT, ROLES.c.user_hash == user_hash, *listed(PROJECTS, conditions))
        .order_by(PROJECTS.c.created_at, PROJECTS.c.project_hash)
    )
    return list(db.execute(statement).mappings())


def datasets(db: Connection, project_hash: str) -> list[RowMapping]:
    """Return hash, title and description of the datasets of a project, in the order they were attached."""
    statement = (
        select(DATASETS.c.dataset_hash, DATASETS.c.title, DATASETS.c.description)
        .join_from(PROJECT_DATASETS, DATASETS, PROJECT_DATASETS.c.dataset_hash == DATASETS.c.dataset_hash)
        .where(PROJECT_DATASETS.c.project_hash == project_hash)
        .order_by(PROJECT_DATASETS.c.place)
    )
    return list(db.execute(statement).mappings())


BRANCH = "branch"
"""Kind of the records of branches."""


def branches(db: Connection, project_hash: str) -> dict[str, str]:
    """Return the branches of labels of a project besides the main one: name to hash.

    The label rows of a branch are those of a project of its own, which nobody has a role in.
    """
    return {msgspec.json.decode(record["body"]): record["uuid"] for record in records.all_of(db, BRANCH, project_hash)}


def add_branch(db: Connection, project_hash: str, name: str, user_hash: str, now: float) -> str:
    """Make a branch, on which nothing is labelled; return its hash."""
    own = dict(find(db, project_hash) or {}) | {"project_hash": str(uuid4()), "workflow_manager_uuid": None}
    add(db, own | {"title": name, "created_at": now, "last_edited_at": now})
    attach(db, own["project_hash"], [dataset["dataset_hash"] for dataset in datasets(db, project_hash)])
    return records.put(db, BRANCH, name, user_hash, now, uuid=own["project_hash"], scope=project_hash)


def attach(db: Connection, project_hash: str, dataset_hashes: Iterable[str]) -> None:
    """Attach datasets, to the branches as well; those attached already stay where they are."""
    dataset_hashes = list(dataset_hashes)
    for branch in branches(db, project_hash).values():
        attach(db, branch, dataset_hashes)
    own = PROJECT_DATASETS.c.project_hash == project_hash
    there = set(db.scalars(select(PROJECT_DATASETS.c.dataset_hash).where(own)))
    last = db.execute(select(func.coalesce(func.max(PROJECT_DATASETS.c.place), -1)).where(own)).scalar_one()
    new = [hash_ for hash_ in dict.fromkeys(dataset_hashes) if hash_ not in there]
    rows = [
        {"project_hash": project_hash, "dataset_hash": hash_, "place": last + 1 + number}
        for number, hash_ in enumerate(new)
    ]
    if rows:
        db.execute(insert(PROJECT_DATASETS), rows)


def detach(db: Connection, project_hash: str, dataset_hashes: list[str]) -> None:
    """Detach datasets; their labels stay, and come back with them."""
    of = [project_hash, *branches(db, project_hash).values()]
    db.execute(
        delete(PROJECT_DATASETS).where(
            PROJECT_DATASETS.c.project_hash.in_(of), PROJECT_DATASETS.c.dataset_hash.in_(dataset_hashes)
        )
    )


_MANAGER = Prepared(
    select(PROJECTS.c.workflow_manager_uuid).where(PROJECTS.c.project_hash == bindparam("project_hash"))
)


def has_workflow(db: Connection, project_hash: str) -> bool:
    """Return whether a project was made with a workflow; all others have statuses, and stages as well."""
    found = _MANAGER.first(db, {"project_hash": project_hash})
    return found is not None and found[0] is not None


def nodes(db: Connection, project_hash: str) -> dict[int, dict[str, str]]:
    """Return the stages of the workflow of a project, by place."""
    rows = _NODES.rows(db, {"project_hash": project_hash})
    return {place: {"uuid": uuid, "title": title} for place, uuid, title in rows}
