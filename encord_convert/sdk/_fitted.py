"""Replies made into records, and one sentence where a reply does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from encord_convert.sdk.exceptions import EncordException, RequestException

T = TypeVar("T")


class UnfitReplyError(RequestException, KeyError, TypeError, ValueError):
    """A reply lacks something, or has it in another form. Also what the original raises over such a reply."""


def fitted(make: Callable[[Any], T], reply: Any, asked: str) -> T:
    """Make a record of a reply.

    Parameters
    ----------
    make : callable
        Takes the reply.
    reply
        JSON values.
    asked : str
        What was asked, for the message.

    Raises
    ------
    UnfitReplyError
        The reply does not fit; says which member, what was expected and what was found.
    """
    try:
        return make(reply)
    except EncordException as error:
        raise UnfitReplyError(f"{asked}: the answer does not fit: {error.message}") from None
    except KeyError as error:
        found = ", ".join(map(str, reply)) or "nothing" if isinstance(reply, dict) else type(reply).__name__
        raise UnfitReplyError(
            f"{asked}: the answer has no {error} where it should; at its top it has {found}."
        ) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise UnfitReplyError(f"{asked}: the answer does not fit: {error}") from None


def fitted_list(make: Callable[[Any], T], replies: list[Any], asked: str) -> list[T]:
    """Make a record of each member of a reply; see :func:`fitted`."""
    return [fitted(make, reply, f"{asked}, [{index}]") for index, reply in enumerate(replies)]
