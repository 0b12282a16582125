"""Listings of REST v2: conditions and pages as its queries have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.service.calls import Call

USUAL, LARGEST = 100, 1000
"""Things on a page."""
_FILTERS = {
    "titleEq": "title_eq", "titleLike": "title_like", "descEq": "desc_eq", "descLike": "desc_like",
    "descriptionEq": "desc_eq", "descriptionLike": "desc_like", "createdBefore": "created_before",
    "createdAfter": "created_after", "editedBefore": "edited_before", "editedAfter": "edited_after",
}  # fmt: skip


def filters(call: Call) -> dict[str, Any]:
    """Return the conditions on title, description and times by their names of the envelope API."""
    return {_FILTERS[name]: value for name, value in call.query.items() if name in _FILTERS}


def is_asked(call: Call, name: str) -> bool:
    """Return whether a member of the query is true."""
    return call.query.get(name, "").lower() == "true"


def window(call: Call, usual: int = USUAL) -> tuple[int, int]:
    """Return the number of the first thing asked for, and how many are.

    Raises
    ------
    InvalidArgumentsError
        ``pageToken`` or ``pageSize`` is not a number of that kind.
    """
    first, size = call.query.get("pageToken", "0"), call.query.get("pageSize", str(usual))
    if not (first.isascii() and first.isdigit() and len(first) < 10):
        raise InvalidArgumentsError("The pageToken is not one of this listing.")
    if not (size.isascii() and size.isdigit() and int(size[:9]) > 0):
        raise InvalidArgumentsError(f"pageSize is 1 to {LARGEST}, not {size[:64]!r}.")
    return int(first), min(int(size[:9]), LARGEST)


def page(rows: list[Any], first: int, most: int) -> tuple[list[Any], str | None]:
    """Return the things of a page, given one more if there are more, and the token of the next."""
    return rows[:most], str(first + most) if len(rows) > most else None


def page_reply(results: Iterable[Any], token: str | None = None) -> dict[str, Any]:
    """Return a page as the wire has it."""
    return {"results": list(results), "nextPageToken": token}


def cut(call: Call, rows: list[Any]) -> tuple[list[Any], str | None]:
    """Return the page of a list that is asked for, and the token of the next."""
    first, most = window(call, max(len(rows), 1))
    return page(rows[first : first + most + 1], first, most)
