"""Statements of folders, and who may do what in them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.service.store.tables import DATASETS, ROLES
from encord_convert.service.store.tables_storage import FOLDERS, ITEMS

DEEPEST = 64
"""Folders in folders."""
KIND = "folder"
_FOLDER_OF_DATASET: ColumnElement[Any] = func.coalesce(DATASETS.c.backing_folder_uuid, DATASETS.c.dataset_hash)


def add(
    db: Connection, user_hash: str, name: str, now: float, *, uuid: str | None = None, parent: str | None = None,
    description: str = "", client_metadata: str | None = None,
) -> str:  # fmt: skip
    """Make a folder; return its hash."""
    row = {
        "uuid": uuid or str(uuid4()), "parent": parent, "name": name, "description": description,
        "client_metadata": client_metadata, "user_hash": user_hash, "created_at": now, "last_edited_at": now,
    }  # fmt: skip
    db.execute(insert(FOLDERS), row)
    return str(row["uuid"])


def folder(db: Connection, uuid: str) -> Any:
    """Return the row of a folder, or None."""
    return db.execute(select(FOLDERS).where(FOLDERS.c.uuid == uuid)).first()


def path(db: Connection, uuid: str) -> list[Any]:
    """Return a folder and all it is in, the outermost first; none if it is not there."""
    found: list[Any] = []
    next_: str | None = uuid
    while next_ is not None and len(found) <= DEEPEST:
        row = folder(db, next_)
        if row is None:
            break
        found.insert(0, row)
        next_ = row.parent
    return found


def given(db: Connection, uuids: list[str], user_hash: str) -> dict[str, int]:
    """Return the roles a user was given in some folders, or has in them by a dataset."""
    own = select(ROLES.c.hash, ROLES.c.role).where(
        ROLES.c.user_hash == user_hash, ROLES.c.kind == KIND, ROLES.c.hash.in_(uuids)
    )
    of_datasets = (
        select(_FOLDER_OF_DATASET, ROLES.c.role)
        .join(DATASETS, DATASETS.c.dataset_hash == ROLES.c.hash)
        .where(ROLES.c.user_hash == user_hash, ROLES.c.kind == "dataset", _FOLDER_OF_DATASET.in_(uuids))
    )
    found: dict[str, int] = {}
    for uuid, role in (*db.execute(own), *db.execute(of_datasets)):
        found[uuid] = min(role, found.get(uuid, role))
    return found


def role_of(db: Connection, uuid: str, user_hash: str) -> int | None:
    """Return the best role a user has in a folder, in one it is in, or in a dataset whose folder one of these is."""
    return min(given(db, [row.uuid for row in path(db, uuid)], user_hash).values(), default=None)


def visible(user_hash: str) -> Select[Any]:
    """Return the query for the hashes of all folders a user has a role in."""
    given = select(ROLES.c.hash.label("uuid")).where(ROLES.c.user_hash == user_hash, ROLES.c.kind == KIND)
    of_datasets = (
        select(_FOLDER_OF_DATASET)
        .join(ROLES, (ROLES.c.hash == DATASETS.c.dataset_hash) & (ROLES.c.kind == "dataset"))
        .where(ROLES.c.user_hash == user_hash)
    )
    return _with_all_below(given.union(of_datasets).subquery("given"))


def below(uuid: str) -> Select[Any]:
    """Return the query for the hashes of a folder and all in it."""
    return _with_all_below(select(FOLDERS.c.uuid).where(FOLDERS.c.uuid == uuid).subquery("given"))


def _with_all_below(given: Any) -> Select[Any]:
    found = select(FOLDERS.c.uuid).where(FOLDERS.c.uuid.in_(select(given.c.uuid))).cte("found", recursive=True)
    found = found.union(select(FOLDERS.c.uuid).where(FOLDERS.c.parent == found.c.uuid))
    return select(found.c.uuid)


def listed(db: Connection, *where: ColumnElement[bool], order: Any, first: int, most: int) -> list[Any]:
    """Return folders that meet every condition, a page of them."""
    query = select(FOLDERS).where(*where).order_by(*order, FOLDERS.c.uuid).offset(first).limit(most)
    return list(db.execute(query))


def backed(db: Connection, uuids: list[str]) -> dict[str, str]:
    """Return the datasets folders are the backing folders of, by folder."""
    query = select(DATASETS.c.backing_folder_uuid, DATASETS.c.dataset_hash)
    return {uuid: hash_ for uuid, hash_ in db.execute(query.where(DATASETS.c.backing_folder_uuid.in_(uuids)))}  # noqa: C416


def is_backing() -> ColumnElement[bool]:
    """Return the condition that a folder is the backing folder of a dataset."""
    return select(DATASETS.c.dataset_hash).where(DATASETS.c.backing_folder_uuid == FOLDERS.c.uuid).exists()


def is_of_dataset(db: Connection, uuid: str) -> bool:
    """Return whether a folder is that of a dataset."""
    return db.execute(select(DATASETS.c.dataset_hash).where(_FOLDER_OF_DATASET.in_([uuid]))).first() is not None


def change(db: Connection, uuid: str, values: dict[str, Any], now: float) -> None:
    """Change columns of a folder."""
    db.execute(update(FOLDERS).where(FOLDERS.c.uuid == uuid).values(**values, last_edited_at=now))


def move(db: Connection, uuid: str, parent: str | None, now: float) -> None:
    """Put a folder into another, or out of all.

    Raises
    ------
    InvalidArgumentsError
        It would be in itself, or too deep.
    """
    above = [] if parent is None else [row.uuid for row in path(db, parent)]
    if uuid in above:
        raise InvalidArgumentsError("A folder cannot be put into itself, nor into one that is in it.")
    if len(above) >= DEEPEST:
        raise InvalidArgumentsError(f"Folders are at most {DEEPEST} deep.")
    change(db, uuid, {"parent": parent}, now)


def holds(db: Connection, uuid: str) -> tuple[int, int]:
    """Return how many folders and items a folder holds."""
    inner = db.scalar(select(func.count()).select_from(FOLDERS).where(FOLDERS.c.parent == uuid))
    items = db.scalar(select(func.count()).select_from(ITEMS).where(ITEMS.c.folder == uuid))
    return inner or 0, items or 0


def remove(db: Connection, uuid: str) -> None:
    """Delete a folder, which is empty, and the roles in it."""
    db.execute(delete(ROLES).where(ROLES.c.kind == KIND, ROLES.c.hash == uuid))
    db.execute(delete(FOLDERS).where(FOLDERS.c.uuid == uuid))
