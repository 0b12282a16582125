"""Replies made into records, and one sentence where a reply does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from encord_convert.sdk.exceptions import EncordException, RequestException

T = TypeVar("T")


def fitted(make: Callable[[Any], T], reply: Any, asked: str, shape: Any = None) -> T:
    """Make a record of a reply.

    Parameters
    ----------
    make : callable
        Takes the reply.
    reply
        JSON values.
    asked : str
        What was asked, for the message.
    shape : type, optional
        What msgspec must find in the reply first; keys it does not name may be there too.

    Raises
    ------
    RequestException
        The reply does not fit; says which member, what was expected and what was found.
    """
    try:
        if shape is not None:
            msgspec.convert(reply, shape)
        return make(reply)
    except msgspec.ValidationError as error:
        raise RequestException(f"{asked}: the answer does not fit: {error}") from None
    except KeyError as error:
        found = ", ".join(map(str, reply)) if isinstance(reply, dict) else type(reply).__name__
        raise RequestException(f"{asked}: the answer has no {error}; it has {found}.") from None
    except EncordException as error:
        raise RequestException(f"{asked}: the answer does not fit: {error.message}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise RequestException(f"{asked}: the answer does not fit: {error}") from None


def fitted_list(make: Callable[[Any], T], replies: list[Any], asked: str, shape: Any = None) -> list[T]:
    """Make a record of each member of a reply; see :func:`fitted`."""
    return [fitted(make, reply, f"{asked}, [{index}]", shape) for index, reply in enumerate(replies)]
