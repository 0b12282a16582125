"""Statements of users, their keys, their roles, and the keys of resources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from encord_convert.sdk.exceptions import DuplicateSshKeyError, InvalidArgumentsError
from encord_convert.service.store.prepared import Prepared
from encord_convert.service.store.tables import API_KEYS, PUBLIC_KEYS, REQUEST_IDS, ROLES, USERS
from encord_convert.service.store.tables_people import GRANTED

_ADDRESS = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")

_USER_OF_KEY = Prepared(
    select(USERS.c.user_hash, USERS.c.email)
    .join(PUBLIC_KEYS, PUBLIC_KEYS.c.user_hash == USERS.c.user_hash)
    .where(PUBLIC_KEYS.c.key_hex == bindparam("key_hex"))
)
_USER_AND_ROLE = Prepared(
    select(USERS.c.user_hash, USERS.c.email, ROLES.c.role)
    .join(PUBLIC_KEYS, PUBLIC_KEYS.c.user_hash == USERS.c.user_hash)
    .outerjoin(
        ROLES,
        and_(
            ROLES.c.user_hash == USERS.c.user_hash,
            ROLES.c.kind == bindparam("kind"),
            ROLES.c.hash == bindparam("hash"),
        ),
    )
    .where(PUBLIC_KEYS.c.key_hex == bindparam("key_hex"))
)
_API_KEY = (
    select(API_KEYS, USERS.c.email, ROLES.c.role)
    .join(USERS, USERS.c.user_hash == API_KEYS.c.user_hash)
    .outerjoin(
        ROLES,
        and_(
            ROLES.c.user_hash == API_KEYS.c.user_hash,
            ROLES.c.kind == API_KEYS.c.kind,
            ROLES.c.hash == API_KEYS.c.hash,
        ),
    )
    .where(API_KEYS.c.secret_sha256 == bindparam("secret_sha256"))
)
_OF = and_(
    ROLES.c.user_hash == bindparam("of_user"),
    ROLES.c.kind == bindparam("of_kind"),
    ROLES.c.hash == bindparam("of_hash"),
)
_ROLE = Prepared(select(ROLES.c.role).where(_OF))
_SET_ROLE = update(ROLES).where(_OF).values(role=bindparam("new_role"))
_ADD_ROLE = insert(ROLES)
_UNMARK = Prepared(
    delete(GRANTED).where(
        GRANTED.c.user_hash == bindparam("of_user"),
        GRANTED.c.kind == bindparam("of_kind"),
        GRANTED.c.hash == bindparam("of_hash"),
    )
)
_ANSWERED = Prepared(
    select(REQUEST_IDS.c.body_sha256, REQUEST_IDS.c.reply).where(
        REQUEST_IDS.c.caller == bindparam("caller"), REQUEST_IDS.c.request_id == bindparam("request_id")
    )
)
_REMEMBER = Prepared(insert(REQUEST_IDS))


def user_of_key(db: Connection, key_hex: str) -> tuple[str, str] | None:
    """Return hash and address of whoever has a public key, or None."""
    found: tuple[str, str] | None = _USER_OF_KEY.first(db, {"key_hex": key_hex})
    return found


def user_and_role(db: Connection, key_hex: str, kind: str, hash_: str) -> tuple[str, str, int | None] | None:
    """Return hash, address and role, None if there is none, of whoever has a public key, or None."""
    values = {"key_hex": key_hex, "kind": kind, "hash": hash_}
    found: tuple[str, str, int | None] | None = _USER_AND_ROLE.first(db, values)
    return found


def api_key(db: Connection, secret_sha256: str) -> Any:
    """Return the row of an API key, with the ``email`` and the present ``role`` of whoever made it; or None."""
    return db.execute(_API_KEY, {"secret_sha256": secret_sha256}).first()


def is_empty(db: Connection) -> bool:
    """Return whether there is no user yet."""
    return db.execute(select(USERS.c.user_hash).limit(1)).first() is None


def add_key(db: Connection, email: str, key_hex: str, now: float) -> str:
    """Register a public key of a user, who is made if new; return the user's hash.

    Raises
    ------
    DuplicateSshKeyError
        The key is registered already.
    """
    if user_of_key(db, key_hex) is not None:
        raise DuplicateSshKeyError("This public key is registered already.")
    user_hash = user_named(db, email, now)
    db.execute(insert(PUBLIC_KEYS).values(key_hex=key_hex, user_hash=user_hash, created_at=now))
    return user_hash


def address(text: object) -> str:
    """Return a mail address as it is kept: in lower case.

    Raises
    ------
    InvalidArgumentsError
        It is none.
    """
    if not isinstance(text, str) or len(text) > 320 or not _ADDRESS.fullmatch(text.strip()):
        raise InvalidArgumentsError(f"{str(text)[:64]!r} is not a mail address, such as ann@example.com.")
    return text.strip().lower()


def user_named(db: Connection, email: str, now: float) -> str:
    """Return the hash of the user of an address, who is made if new: a role can be given before a key is there."""
    found: str | None = db.execute(select(USERS.c.user_hash).where(USERS.c.email == email)).scalar()
    if found is None:
        found = str(uuid4())
        db.execute(insert(USERS).values(user_hash=found, email=email, created_at=now))
    return found


def emails(db: Connection, user_hashes: Iterable[str]) -> dict[str, str]:
    """Return the addresses of users, by their hashes."""
    query = select(USERS.c.user_hash, USERS.c.email).where(USERS.c.user_hash.in_(set(user_hashes)))
    return {user_hash: email for user_hash, email in db.execute(query)}  # noqa: C416


def found(db: Connection, given: Iterable[str]) -> list[str]:
    """Return the hashes of the users of some addresses; who is not there is passed over."""
    return list(db.scalars(select(USERS.c.user_hash).where(USERS.c.email.in_(list(given)))))


def beside(db: Connection, user_hash: str) -> list[Any]:
    """Return the users who share a resource or a group with one, and that one."""
    own = select(ROLES.c.kind, ROLES.c.hash).where(ROLES.c.user_hash == user_hash).subquery()
    others = select(ROLES.c.user_hash).join(own, (own.c.kind == ROLES.c.kind) & (own.c.hash == ROLES.c.hash))
    query = select(USERS).where(USERS.c.user_hash.in_(others) | (USERS.c.user_hash == user_hash))
    return list(db.execute(query.order_by(USERS.c.email)))


def users(db: Connection) -> list[tuple[str, int]]:
    """Return the address of every user and how many keys each has."""
    query = (
        select(USERS.c.email, func.count(PUBLIC_KEYS.c.key_hex))
        .outerjoin(PUBLIC_KEYS, PUBLIC_KEYS.c.user_hash == USERS.c.user_hash)
        .group_by(USERS.c.email)
        .order_by(USERS.c.email)
    )
    return [(email, count) for email, count in db.execute(query)]


def role_of(db: Connection, kind: str, hash_: str, user_hash: str) -> int | None:
    """Return the role of a user in a resource; None if there is none, and the resource is as if it were not."""
    found = _ROLE.first(db, {"of_user": user_hash, "of_kind": kind, "of_hash": hash_})
    return None if found is None else found[0]


def set_role(db: Connection, kind: str, hash_: str, user_hash: str, role: int) -> None:
    """Give a user a role in a resource, in place of the one before."""
    of = {"of_user": user_hash, "of_kind": kind, "of_hash": hash_}
    _UNMARK.change(db, of)
    if not db.execute(_SET_ROLE, {**of, "new_role": role}).rowcount:
        db.execute(_ADD_ROLE, {"kind": kind, "hash": hash_, "user_hash": user_hash, "role": role})


def members(db: Connection, kind: str, hash_: str) -> list[tuple[str, str, int]]:
    """Return hash, address and role of everyone who has one in a resource."""
    query = (
        select(USERS.c.user_hash, USERS.c.email, ROLES.c.role)
        .join(ROLES, ROLES.c.user_hash == USERS.c.user_hash)
        .where(ROLES.c.kind == kind, ROLES.c.hash == hash_)
        .order_by(USERS.c.email)
    )
    return [(user_hash, email, role) for user_hash, email, role in db.execute(query)]


def answered(db: Connection, caller: str, request_id: str) -> tuple[bytes, bytes] | None:
    """Return the SHA-256 of the body of a request that was carried out, and the sealed reply; or None."""
    found: tuple[bytes, bytes] | None = _ANSWERED.first(db, {"caller": caller, "request_id": request_id})
    return found


def remember(db: Connection, caller: str, request_id: str, body_sha256: bytes, reply: bytes, now: float) -> None:
    """Keep what was answered to a request, sealed: it may hold a key."""
    row = {"caller": caller, "request_id": request_id, "body_sha256": body_sha256, "reply": reply, "created_at": now}
    _REMEMBER.change(db, row)


def forget_answers(db: Connection, before: float) -> None:
    """Forget answers older than a moment, unix seconds."""
    db.execute(delete(REQUEST_IDS).where(REQUEST_IDS.c.created_at < before))
