"""How long collaborators worked: measured by their saves.

Between two saves of a user on the same piece of data they were at work, for :data:`CAP_S` at most: after that they
had gone. A first save ends no stretch and counts nothing. A stretch belongs to the moment of the save that ends it, so
that times of adjoining periods add up.

Source: wire protocol, section 16. Unknown: how the original measures; it sees the editor, this service sees saves.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.service.calls import Call, Kind, handles_path
from encord_convert.service.handlers.projects import MANAGERS, role
from encord_convert.service.store import label_logs
from encord_convert.service.times import seconds_of

CAP_S = 300.0
USUAL_PAGE, LARGEST_PAGE = 100, 1000
NO_ROLE_LEFT = 1


@handles_path("GET analytics/collaborators/timers", writes=False)
def timers(call: Call) -> dict[str, Any]:
    """Return a page of the times of collaborators, by user, or by user and piece of data."""
    query = call.query
    project_hash = query.get("projectHash", "")
    if role(call, Kind.PROJECT, project_hash) not in MANAGERS:
        raise ResourceNotFoundError(f"There is no project {project_hash[:64]}, or this key may not see it.")
    group_by = query.get("groupBy", "dataUnit")
    if group_by not in ("dataUnit", "project"):
        raise InvalidArgumentsError(f"groupBy is dataUnit or project, not {group_by[:64]!r}.")
    by_data = group_by == "dataUnit"
    size = _size(query.get("pageSize", str(USUAL_PAGE)))
    before = query.get("before")
    rows = label_logs.times(
        call.db,
        project_hash,
        after=seconds_of(query.get("after")),
        before=None if before is None else seconds_of(before),
        by_data=by_data,
        cap_s=CAP_S,
        start=_start(query.get("pageToken"), 2 if by_data else 1),
        most=size + 1,
    )
    items = [
        {
            "userEmail": row.email,
            "userRole": NO_ROLE_LEFT if row.role is None else row.role,
            "dataTitle": row.data_title,
            "timeSeconds": row.seconds,
        }
        for row in rows[:size]
    ]
    return {"results": items, "nextPageToken": _token(rows[size - 1], by_data) if len(rows) > size else None}


def _token(row: Any, by_data: bool) -> str:
    key = (row.user_hash, row.data_hash) if by_data else (row.user_hash,)
    return urlsafe_b64encode(msgspec.json.encode(key)).decode()


def _start(token: str | None, length: int) -> tuple[str, ...] | None:
    if token is None:
        return None
    try:
        key = msgspec.json.decode(urlsafe_b64decode(token), type=tuple[str, ...])
    except (ValueError, msgspec.DecodeError):
        key = ()
    if len(key) != length:
        raise InvalidArgumentsError("The pageToken is not one of this listing.")
    return key


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LARGEST_PAGE:
        raise InvalidArgumentsError(f"pageSize is 1 to {LARGEST_PAGE}, not {text[:64]!r}.")
    return int(text)
