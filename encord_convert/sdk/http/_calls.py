"""One conversation with the service: builds requests, signs them, sends them with patience, judges the replies.

Source: wire protocol, sections 2 to 6.
"""

from __future__ import annotations

import json
import platform
import random
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import msgspec

from encord_convert.sdk import exceptions
from encord_convert.sdk.configs import BaseConfig, SshConfig, UserConfig
from encord_convert.sdk.exceptions import EncordException, RequestException, ResourceNotFoundError, TimeOutError
from encord_convert.sdk.http import _signatures
from encord_convert.sdk.http._envelopes import TracedContext, excerpt, request_bytes, response_of, told
from encord_convert.sdk.http._newest import TRANSLATED, is_unserved, translated
from encord_convert.sdk.http._retries import ASKING_AGAIN, Clock, RetryPolicy, send
from encord_convert.sdk.http.routes import (
    REQUEST_ID,
    REQUEST_ID_HONOURED,
    PathRoute,
    Query,
    Verb,
    is_repeatable,
    is_repeatable_path,
)
from encord_convert.sdk.http.transport import Reply, ReplyLate, Request, SocketTransport, Transport, TransportError

COMPATIBLE = "0.1.104"
"""Version of the API's own SDK whose manners these are; the service reads it from the user agent."""
LEAST_SKEW_S = 5.0
"""Clocks that differ by less are taken to agree: the service's clock is read to the second, and replies travel."""


def user_agent() -> str:
    """Return the ``User-Agent`` of API calls: what the service knows, then what this is."""
    try:
        own = version("encord-convert")
    except PackageNotFoundError:  # a checkout that is not installed
        own = "0"
    return f"encord-sdk-python/{COMPATIBLE} python/{platform.python_version()} encord-convert/{own}"


class Session:
    """What the calls of one client share: connections, the clock, what was learned of the service.

    Parameters
    ----------
    transport : Transport, optional
        By default sockets that are kept open.
    clock : Clock, optional
    """

    def __init__(self, transport: Transport | None = None, clock: Clock | None = None) -> None:
        self.transport = SocketTransport() if transport is None else transport
        self.clock = Clock() if clock is None else clock
        self.skew_s = 0.0
        """How far the service's clock is ahead of ours, in seconds."""
        self.honours_request_ids = False
        """Whether the service makes a thing only once for a request id."""
        self.is_newest = False
        """Whether the service answers what the newest clients ask, and not what they have left off asking."""
        self.places: dict[str, dict[str, str]] = {}
        """Where files were sent that are not registered yet, by hash; for newest services."""
        self.user_agent = user_agent()

    def learn(self, reply: Reply) -> None:
        """Take from a reply what the next request can use."""
        if REQUEST_ID_HONOURED.lower() in reply.headers:
            self.honours_request_ids = True
        try:
            skew = parsedate_to_datetime(reply.headers.get("date", "")).timestamp() - self.clock.now()
        except (ValueError, TypeError):
            return
        self.skew_s = skew if abs(skew) >= LEAST_SKEW_S else 0.0


class Querier:
    """Asks the service in the name of one configuration.

    Parameters
    ----------
    config : BaseConfig
    session : Session, optional
        Shared with the other queriers of a client.
    """

    def __init__(self, config: BaseConfig, session: Session | None = None) -> None:
        self.config = config
        self.session = Session() if session is None else session

    def get(self, query: Query, uid: Any = None, payload: Any = None) -> Any:
        """Read one thing.

        Raises
        ------
        ResourceNotFoundError
            There is none: the response is null, false or empty.
        """
        response, context = self._query(query, Verb.GET, uid, payload)
        if not response:
            raise ResourceNotFoundError(
                f"{_asked(query, Verb.GET, uid)}: there is none, or this key may not see it.", context
            )
        return response

    def get_list(self, query: Query, uid: Any = None, payload: Any = None) -> list[Any]:
        """Read a list, which may be empty."""
        return self._list(query, Verb.GET, uid, payload)

    def put_list(self, query: Query, uid: Any = None, payload: Any = None) -> list[Any]:
        """Create resources and return them as a list."""
        return self._list(query, Verb.PUT, uid, payload)

    def post(self, query: Query, uid: Any = None, payload: Any = None) -> Any:
        """Make or start something; the response may be false, but not null."""
        response, context = self._query(query, Verb.POST, uid, payload)
        if response is None:
            raise RequestException(f"{_asked(query, Verb.POST, uid)}: the service answered nothing.", context)
        return response

    def put(self, query: Query, uid: Any = None, payload: Any = None) -> Any:
        """Set something; the response is never null, false or empty."""
        response, context = self._query(query, Verb.PUT, uid, payload)
        if not response:
            raise RequestException(f"{_asked(query, Verb.PUT, uid)}: the service answered {response!r}.", context)
        return response

    def delete(self, query: Query, uid: Any = None) -> Any:
        """Delete a resource, and return the service's reply."""
        return self._query(query, Verb.DELETE, uid, None)[0]

    def _list(self, query: Query, verb: Verb, uid: Any, payload: Any) -> list[Any]:
        response, context = self._query(query, verb, uid, payload)
        if response is None:
            raise ResourceNotFoundError(
                f"{_asked(query, verb, uid)}: there is none, or this key may not see it.", context
            )
        if not isinstance(response, list):
            raise RequestException(
                f"{_asked(query, verb, uid)}: expected a list, found {type(response).__name__}.", context
            )
        return response

    def _query(self, query: Query, verb: Verb, uid: Any, payload: Any) -> tuple[Any, TracedContext]:
        """Send a query by the API the service supports: the older is tried first, once."""
        newer = TRANSLATED.get((query, verb)) if isinstance(self.config, SshConfig | UserConfig) else None
        if newer is None:
            return self._enveloped(query, verb, uid, payload)
        if self.session.is_newest:
            return translated(newer, self, uid, payload), self._trace({})
        try:
            return self._enveloped(query, verb, uid, payload)
        except EncordException as error:
            if not is_unserved(error):
                raise
            told = error
        try:
            answer = translated(newer, self, uid, payload)
        except (RequestException, exceptions.UnknownException):
            raise told from None  # it knows neither
        except EncordException as error:
            if is_unserved(error):
                raise told from None
            self.session.is_newest = True
            raise
        self.session.is_newest = True
        return answer, self._trace({})

    def _enveloped(self, query: Query, verb: Verb, uid: Any, payload: Any) -> tuple[Any, TracedContext]:
        body = request_bytes(query, verb, uid, payload)
        settings = self.config.requests_settings
        is_repeatable_ = is_repeatable(query, verb)
        headers = {**self.config.define_headers(body.decode()), "User-Agent": self.session.user_agent}
        if verb in (Verb.POST, Verb.PUT) and not is_repeatable_:
            headers[REQUEST_ID] = str(uuid4())
        context = self._trace(headers)
        reads = verb in (Verb.GET, Verb.DELETE) or (verb is Verb.PUT and isinstance(uid, list))
        timeout = settings.read_timeout if reads else settings.write_timeout
        request = Request("POST", self.config.endpoint, headers, body, settings.connect_timeout, timeout)
        asked = _asked(query, verb, uid)
        reply = self._send(request, context, asked, is_repeatable_)
        if reply.status in ASKING_AGAIN and not _is_envelope(reply.body):
            raise _exhausted(reply, asked, context)
        return response_of(reply.body, reply.status, context, asked), context

    def call(self, route: PathRoute, *, query: dict[str, Any] | None = None, payload: Any = None, **names: str) -> Any:
        """Call a path of REST v2 and return its JSON.

        Parameters
        ----------
        route : PathRoute
        query : dict, optional
            Members that are None are left out.
        payload : optional
            The body.
        **names
            What stands for the names in the path.

        Raises
        ------
        EncordException
            The configuration has no key that signs; or the service reports an error.
        """
        user = self.config._user_config if isinstance(self.config, SshConfig) else self.config
        if not isinstance(user, UserConfig):
            raise EncordException(
                "This call is signed with a user's private key; a client with an API key cannot make it."
            )
        members = {name: value for name, value in (query or {}).items() if value is not None}
        path = route.path.format(**names)
        url = user.domain + path + (f"?{urlencode(members)}" if members else "")
        body = b"" if payload is None else json.dumps(payload).encode()
        settings = user.requests_settings
        asked = f"{route.method} {path}"
        common = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": self.session.user_agent,
        }
        context = self._trace(common)
        target = url.removeprefix("{0.scheme}://{0.netloc}".format(urlsplit(url)))
        is_repeatable = is_repeatable_path(route) or self.session.honours_request_ids
        for is_last in (False, True):
            skew = self.session.skew_s
            created = int(self.session.clock.now() + skew) - _signatures.BACKDATED_S
            signed = _signatures.signature_headers(user._private_key, route.method, target, body, created)
            request = Request(
                route.method, url, {**common, **signed}, body or None, settings.connect_timeout, settings.read_timeout
            )
            reply = self._send(request, context, asked, is_repeatable)
            if reply.status != 401 or is_last or abs(self.session.skew_s - skew) < LEAST_SKEW_S:
                break  # a refused signature is made again if the clocks differ
        return _json_of(reply, asked, context)

    def _send(self, request: Request, context: TracedContext, asked: str, is_repeatable: bool) -> Reply:
        settings = self.config.requests_settings
        may_repeat = is_repeatable or (self.session.honours_request_ids and REQUEST_ID in request.headers)
        retry_policy = RetryPolicy(
            settings.max_retries if may_repeat else 0, settings.connection_retries, settings.backoff_factor
        )
        failure: EncordException
        try:
            reply, _ = send(self.session.transport, lambda: request, retry_policy, self.session.clock)
        except ReplyLate as error:
            failure = TimeOutError(f"{asked}: {error}.{_once(may_repeat)}", context)
        except TransportError as error:
            failure = RequestException(f"{asked}: {error}.{_once(may_repeat)}", context)
        else:
            self.session.learn(reply)
            return reply
        raise failure

    def _trace(self, headers: dict[str, str]) -> TracedContext:
        """Give a request a trace id, and return it for error messages."""
        trace, span = uuid4().hex, str(random.randint(1, 2**63 - 1))
        headers["X-Cloud-Trace-Context"] = f"{trace}/{span};o=1"
        return TracedContext(trace_id=trace, span_id=span)


def _asked(query: Query, verb: Verb, uid: Any) -> str:
    of = f" {uid}" if isinstance(uid, str | int) else ""
    return f"{verb.value} {query.value}{of}"


def _once(may_repeat: bool) -> str:
    return (
        "" if may_repeat else " It was not sent again, since it may have been carried out: look before you repeat it."
    )


def _is_envelope(body: bytes) -> bool:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(value, dict) and "status" in value and "response" in value


_STATUSES: dict[int, type[EncordException]] = {
    401: exceptions.AuthenticationError,
    403: exceptions.AuthorisationError,
    404: exceptions.ResourceNotFoundError,
    405: exceptions.MethodNotAllowedError,
}


def _json_of(reply: Reply, asked: str, context: TracedContext) -> Any:
    if reply.status != 200:
        if reply.status in ASKING_AGAIN:
            raise _exhausted(reply, asked, context)
        class_ = _STATUSES.get(reply.status, exceptions.UnknownException)
        raise class_(f"{asked}: HTTP {reply.status}.{_words(reply.body)}", context)
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError) as error:
        place = str(error) if reply.body else "it is empty"
        raise RequestException(f"{asked}: the answer is not JSON: {place}.", context) from None


def _exhausted(reply: Reply, asked: str, context: TracedContext) -> EncordException:
    return exceptions.UnknownException(
        f"{asked}: the service cannot answer now (HTTP {reply.status}).{_words(reply.body)}", context
    )


def _words(body: bytes) -> str:
    """Return the service's message: ``message`` of a JSON body, else the beginning of the body."""
    if not body:
        return ""
    try:
        message = msgspec.json.decode(body).get("message")
    except (msgspec.DecodeError, RecursionError, AttributeError):
        message = None
    return f" The service says: {told(message) if isinstance(message, str) else excerpt(body)}"
