"""Interface of handlers: they get one call, checked and decoded, and return a value or raise a documented error.

A handler is a plain function of a :class:`Call`. :func:`handles` registers it for a route of
:mod:`encord_convert.sdk.http.routes` and says who may call it and whether it writes; :mod:`.app` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.sdk.http.routes import ROUTES, PathRoute, Query, Verb, path_route

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from encord_convert.service.storage import Storage


MOST_VALUES = 2_000_000
"""Approximate limit of JSON values in a request."""
ANY_SCOPE = "*"
"""Scope of calls that every API key of the resource may make."""


class Kind(StrEnum):
    """A kind of resource that a call can be made for."""

    PROJECT = "project"
    DATASET = "dataset"
    ONTOLOGY = "ontology"
    FOLDER = "folder"
    GROUP = "group"


class Caller(msgspec.Struct, frozen=True, gc=False):
    """The caller: a user by signature, or the holder of an API key.

    Parameters
    ----------
    user_hash, email : str
        Of the user, or of whoever made the key.
    scopes : frozenset of str or None
        What the API key allows; None for a user.
    key_title : str
        Of the API key.
    """

    user_hash: str
    email: str
    scopes: frozenset[str] | None = None
    key_title: str = ""


class Resource(msgspec.Struct, frozen=True, gc=False):
    """The resource of a call, and the caller's role in it (number as on the wire; 0 is admin)."""

    kind: Kind
    hash: str
    role: int


def decoded(raw: bytes | msgspec.Raw) -> Any:
    """Return the JSON value of a text; None of an empty one.

    Raises
    ------
    InvalidArgumentsError
        It has too many members, which would take a hundred times its size in memory.
    """
    text = bytes(raw)
    if len(text) > MOST_VALUES and text.count(b",") + text.count(b":") > MOST_VALUES:
        raise InvalidArgumentsError(f"A request may have {MOST_VALUES} values; split it.")
    return msgspec.json.decode(text) if text else None


class Call(msgspec.Struct):
    """One call.

    Parameters
    ----------
    caller : Caller
    resource : Resource or None
        None on the user endpoint.
    uid
        As it stands in the request, a JSON value.
    raw_payload : bytes
        JSON as sent, for storing unchanged; :attr:`payload` is its value.
    db : Connection
        In a transaction that is committed before the answer is sent, and rolled back if the handler raises.
    storage : Storage
    now : float
        Unix seconds; the one time of everything the call writes.
    base_url : str
        Scheme and host the caller reached the service by, for signed addresses.
    prepared
        What the handler's ``prepare`` returned.
    path : dict
        Names in the path, of REST v2.
    asked : dict
        Members of the query string, each with all its values; :attr:`query` has the first of each.
    strict_saves : bool
        Whether label rows are not saved over a newer revision of another author.
    key_hex : str or None
        The public key the call is signed by.
    """

    caller: Caller
    resource: Resource | None
    uid: Any
    raw_payload: bytes | msgspec.Raw
    db: Connection
    storage: Storage
    now: float
    base_url: str
    prepared: Any = None
    path: dict[str, str] = {}  # a new one for each call
    asked: dict[str, list[str]] = {}
    strict_saves: bool = False
    key_hex: str | None = None
    _payload: Any = ...

    @property
    def payload(self) -> Any:
        """The payload as a JSON value; None if there is none."""
        if self._payload is ...:
            self._payload = decoded(self.raw_payload)
        return self._payload

    @property
    def query(self) -> dict[str, str]:
        """Members of the query string, of REST v2."""
        return {name: values[0] for name, values in self.asked.items()}

    @property
    def of(self) -> Resource:
        """The resource the call is made in the name of; only for handlers of the resource endpoint."""
        assert self.resource is not None
        return self.resource

    def given(self, name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """Return a member of the payload.

        Raises
        ------
        InvalidArgumentsError
            It is missing without a default, or of another type.
        """
        payload = self.payload if isinstance(self.payload, dict) else {}
        value = payload.get(name, default)
        if value is ...:
            raise InvalidArgumentsError(f"The payload has no {name!r}.")
        kinds = kind if isinstance(kind, tuple) else (kind,)
        fits = bool in kinds if isinstance(value, bool) else isinstance(value, kind)  # true is not a number
        if value is not default and not fits:
            raise InvalidArgumentsError(f"{name!r} is of the wrong type: {type(value).__name__}.")
        return value


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: users whose role is among these; API keys with this scope.

    Parameters
    ----------
    roles : frozenset of int or None
        None: any user, of calls on the user endpoint; or any role, of calls in the name of a resource.
    scope : str or None
        None: no API key; :data:`ANY_SCOPE`: every key of the resource.
    kinds : frozenset of Kind
        Resources the call can be made in the name of.
    """

    roles: frozenset[int] | None = None
    scope: str | None = None
    kinds: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class Parts:
    """A JSON value too large for memory, which a reading handler returns in parts."""

    parts: Iterable[bytes]


class NotYet(Exception):
    """Raised by a reading handler while the answer may still change: it is run again until the timeout.

    Parameters
    ----------
    answer
        The answer at the timeout.
    until : float
        Unix seconds.
    """

    def __init__(self, answer: Any, until: float) -> None:
        super().__init__(until)
        self.answer = answer
        self.until = until


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered function."""

    run: Callable[[Call], Any]
    access: Access
    writes: bool
    prepare: Callable[[Call], Any] | None = None
    is_short: bool = False
    is_long: bool = False


HANDLERS: dict[tuple[str, str, str], Handler] = {}
"""Handlers by endpoint, query type and verb."""

PATH_HANDLERS: dict[PathRoute, Handler] = {}


def handles(
    query: Query,
    verb: Verb,
    endpoint: str,
    *,
    writes: bool,
    roles: Iterable[int] | None = None,
    scope: str | None = None,
    kinds: Iterable[Kind] = (),
    prepare: Callable[[Call], Any] | None = None,
    is_short: bool = False,
    is_long: bool = False,
) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    """Register a function for a route; see :class:`Access` for who may call it.

    A writing handler must be quick, since all others wait. Slow work (reading files, say) goes into ``prepare``, which
    gets the same call in an earlier reading transaction; its result is ``call.prepared``. ``is_short``: so quick that
    others can wait for it. ``is_long``: preparing is always slow; otherwise only for large requests.
    """

    def register(run: Callable[[Call], Any]) -> Callable[[Call], Any]:
        route = ROUTES[query, verb]
        if endpoint not in route.endpoints:
            raise ValueError(f"{route} is not on {endpoint}")
        access = Access(None if roles is None else frozenset(roles), scope, frozenset(kinds))
        HANDLERS[endpoint, query, verb] = Handler(run, access, writes, prepare, is_short, is_long)
        return run

    return register


def handles_path(
    line: str,
    *,
    writes: bool,
    roles: Iterable[int] | None = None,
    prepare: Callable[[Call], Any] | None = None,
    is_long: bool = False,
) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    """Register a function for a route of REST v2, ``METHOD path``, which only users call.

    A path that names a project, a dataset, an ontology, a folder or a group is called in its name, and ``roles`` are
    those in it. See :func:`handles` for the rest.
    """

    def register(run: Callable[[Call], Any]) -> Callable[[Call], Any]:
        access = Access(None if roles is None else frozenset(roles))
        PATH_HANDLERS[path_route(*line.split())] = Handler(run, access, writes, prepare, is_long=is_long)
        return run

    return register
