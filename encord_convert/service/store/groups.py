"""Statements of groups of users.

The members of a group have its roles like roles of their own, so that whoever asks who may do what looks in one place.
A role that somebody was given is not touched by groups; of several groups the best role counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, delete, func, insert, select, update

from encord_convert.service.store import users
from encord_convert.service.store.tables import ROLES, USERS
from encord_convert.service.store.tables_people import GRANTED, GROUP_ROLES, GROUP_USERS, GROUPS

KIND = "group"


def add(db: Connection, user_hash: str, name: str, description: str, now: float) -> str:
    """Make a group, whose owner a user is; return its hash."""
    group_hash = str(uuid4())
    db.execute(insert(GROUPS), {"group_hash": group_hash, "name": name, "description": description, "created_at": now})
    users.set_role(db, KIND, group_hash, user_hash, 0)
    return group_hash


def group(db: Connection, group_hash: str) -> Any:
    """Return the row of a group, or None."""
    return db.execute(select(GROUPS).where(GROUPS.c.group_hash == group_hash)).first()


def of_user(db: Connection, user_hash: str) -> list[Any]:
    """Return the groups a user owns or is in, oldest first."""
    query = select(GROUPS).join(ROLES, (ROLES.c.hash == GROUPS.c.group_hash) & (ROLES.c.kind == KIND))
    return list(
        db.execute(query.where(ROLES.c.user_hash == user_hash).order_by(GROUPS.c.created_at, GROUPS.c.group_hash))
    )


def change(db: Connection, group_hash: str, values: dict[str, Any]) -> None:
    """Change columns of a group."""
    if values:
        db.execute(update(GROUPS).where(GROUPS.c.group_hash == group_hash).values(**values))


def remove(db: Connection, group_hash: str) -> None:
    """Delete a group, and the roles its members had by it."""
    resources = _resources(db, group_hash)
    own = _members(db, group_hash)
    db.execute(delete(ROLES).where(ROLES.c.kind == KIND, ROLES.c.hash == group_hash))
    db.execute(delete(GROUPS).where(GROUPS.c.group_hash == group_hash))
    for kind, hash_ in resources:
        _grant(db, kind, hash_, own)


def emails(db: Connection, group_hash: str) -> list[str]:
    """Return the addresses of the members of a group."""
    query = select(USERS.c.email).join(GROUP_USERS, GROUP_USERS.c.user_hash == USERS.c.user_hash)
    return list(db.scalars(query.where(GROUP_USERS.c.group_hash == group_hash).order_by(USERS.c.email)))


def add_users(db: Connection, group_hash: str, user_hashes: Iterable[str]) -> None:
    """Take users into a group."""
    there = set(_members(db, group_hash))
    new = [item for item in user_hashes if item not in there]
    for user_hash in new:
        db.execute(insert(GROUP_USERS), {"group_hash": group_hash, "user_hash": user_hash})
        if users.role_of(db, KIND, group_hash, user_hash) is None:
            users.set_role(db, KIND, group_hash, user_hash, 1)
    for kind, hash_ in _resources(db, group_hash):
        _grant(db, kind, hash_, new)


def remove_users(db: Connection, group_hash: str, user_hashes: list[str]) -> None:
    """Put users out of a group."""
    of_group = (GROUP_USERS.c.group_hash == group_hash, GROUP_USERS.c.user_hash.in_(user_hashes))
    db.execute(delete(GROUP_USERS).where(*of_group))
    own = (ROLES.c.kind == KIND, ROLES.c.hash == group_hash, ROLES.c.role == 1, ROLES.c.user_hash.in_(user_hashes))
    db.execute(delete(ROLES).where(*own))
    for kind, hash_ in _resources(db, group_hash):
        _grant(db, kind, hash_, user_hashes)


def on_resource(db: Connection, kind: str, hash_: str) -> list[Any]:
    """Return the groups that have a role in a resource, each with the ``role``."""
    query = select(GROUPS, GROUP_ROLES.c.role).join(GROUP_ROLES, GROUP_ROLES.c.group_hash == GROUPS.c.group_hash)
    where = (GROUP_ROLES.c.kind == kind, GROUP_ROLES.c.hash == hash_)
    return list(db.execute(query.where(*where).order_by(GROUPS.c.created_at, GROUPS.c.group_hash)))


def set_group_role(db: Connection, kind: str, hash_: str, group_hash: str, role: int | None) -> None:
    """Give a group a role in a resource, in place of the one before; or None."""
    own = (GROUP_ROLES.c.group_hash == group_hash, GROUP_ROLES.c.kind == kind, GROUP_ROLES.c.hash == hash_)
    db.execute(delete(GROUP_ROLES).where(*own))
    if role is not None:
        db.execute(insert(GROUP_ROLES), {"group_hash": group_hash, "kind": kind, "hash": hash_, "role": role})
    _grant(db, kind, hash_, _members(db, group_hash))


def drop_role(db: Connection, kind: str, hash_: str, user_hash: str) -> None:
    """Take the role from a user that they were given in a resource; what their groups have they keep."""
    own = (ROLES.c.kind == kind, ROLES.c.hash == hash_, ROLES.c.user_hash == user_hash)
    db.execute(delete(ROLES).where(*own))
    _grant(db, kind, hash_, [user_hash])


def _members(db: Connection, group_hash: str) -> list[str]:
    return list(db.scalars(select(GROUP_USERS.c.user_hash).where(GROUP_USERS.c.group_hash == group_hash)))


def _resources(db: Connection, group_hash: str) -> list[tuple[str, str]]:
    query = select(GROUP_ROLES.c.kind, GROUP_ROLES.c.hash).where(GROUP_ROLES.c.group_hash == group_hash)
    return [(kind, hash_) for kind, hash_ in db.execute(query)]


def _grant(db: Connection, kind: str, hash_: str, user_hashes: Iterable[str]) -> None:
    """Make roles in a resource those that the groups of users have, where they were given none themselves."""
    for user_hash in user_hashes:
        mark = (GRANTED.c.kind == kind, GRANTED.c.hash == hash_, GRANTED.c.user_hash == user_hash)
        is_granted = db.execute(delete(GRANTED).where(*mark)).rowcount > 0
        if not is_granted and users.role_of(db, kind, hash_, user_hash) is not None:
            continue
        best = db.scalar(
            select(func.min(GROUP_ROLES.c.role))
            .join(GROUP_USERS, GROUP_USERS.c.group_hash == GROUP_ROLES.c.group_hash)
            .where(GROUP_ROLES.c.kind == kind, GROUP_ROLES.c.hash == hash_, GROUP_USERS.c.user_hash == user_hash)
        )
        if best is None:
            own = (ROLES.c.kind == kind, ROLES.c.hash == hash_, ROLES.c.user_hash == user_hash)
            db.execute(delete(ROLES).where(*own))
        else:
            users.set_role(db, kind, hash_, user_hash, best)
            db.execute(insert(GRANTED), {"kind": kind, "hash": hash_, "user_hash": user_hash})
