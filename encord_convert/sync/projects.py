"""Lists the projects of a service, and finds them by hash or title."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import msgspec

from encord_convert.errors import AccessError, OptionError, nearest
from encord_convert.sdk.exceptions import AuthorisationError, ResourceNotFoundError
from encord_convert.sdk.user_client import EncordUserClient

AT_ONCE = 8
"""Projects counted concurrently."""


class Listed(msgspec.Struct):
    """A project: title, hash, the user's role, and its number of label rows, if visible."""

    title: str
    hash: str
    role: str
    rows: int | None


def listed(client: EncordUserClient) -> list[Listed]:
    """Return all projects the user has a role in, by title."""
    found = sorted(client.get_projects(), key=lambda one: (one["project"].title, one["project"].project_hash))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        counts = list(pool.map(lambda one: _rows(client, one["project"].project_hash), found))
    return [
        Listed(one["project"].title, one["project"].project_hash, one["user_role"].name.lower(), count)
        for one, count in zip(found, counts, strict=True)
    ]


def _rows(client: EncordUserClient, project_hash: str) -> int | None:
    try:
        return len(client.get_project(project_hash).list_label_rows_v2())
    except (AuthorisationError, ResourceNotFoundError):
        return None


def hashes_of(client: EncordUserClient, word: str) -> list[str]:
    """Return the hashes of projects given as comma-separated hashes or a title.

    Raises
    ------
    OptionError
        Several projects have this title.
    AccessError
        No project visible to this user has it.
    """
    parts = [part for part in word.split(",") if part]
    if parts and all(map(_is_hash, parts)):
        return parts
    found: list[Any] = [item["project"] for item in client.get_projects(title_eq=word)] if word else []
    if len(found) > 1:
        which = ", ".join(sorted(match.project_hash for match in found))
        raise OptionError(f"{len(found)} projects are named {word!r}: {which}. Give its hash.")
    if not found:
        hint = nearest(word, (project["project"].title for project in client.get_projects()))
        fact = f"There is no project {word}, or this key may not see it."
        raise AccessError(f"{fact}{hint or ' `encord-convert projects` lists those it may see.'}")
    return [found[0].project_hash]


def _is_hash(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
