"""The seam where bytes leave: a socket, or a service in the same process.

A transport sends one request and returns what came back, whatever its status. It knows nothing of signatures,
envelopes or retries. What never came back whole is one of two errors: the request may be sent again after
:class:`NotConnected`, since the service never saw it; after :class:`ReplyLost` nobody knows.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock, local
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests

CONNECTIONS = 16
"""How many connections to one host are kept open."""
IDLE_S = 4.0
"""Seconds after which an idle connection is not used again: servers close them from 5 s on. What is sent on one that is
being closed is lost, and may not be sent twice if it makes something."""
LEAST_PACE = 1024
"""Bytes a second an answer comes with, on average, once it takes longer than the time allowed for its beginning."""
CHUNK = 1 << 17
LARGEST_REPLY = 1 << 30
"""Bytes of the largest reply that is read, once it is decoded."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Parameters
    ----------
    method : str
    url : str
        Absolute.
    headers : mapping
    body : bytes, open file or None
        A file is streamed from where it stands.
    connect_timeout_s, read_timeout_s : float or None
        None: as long as it takes.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | IO[bytes] | None = field(default=None, repr=False)
    connect_timeout_s: float | None = None
    read_timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status, headers (names in lower case) and body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class TransportError(Exception):
    """No whole reply came back. The text names the host and never the address, which may hold a signature."""


class NotConnected(TransportError):
    """No connection was made: the service never saw the request."""


class ReplyTooLarge(TransportError):
    """The reply is larger than any should be."""


class ReplyLost(TransportError):
    """The connection broke before the reply was whole."""


class ReplyLate(ReplyLost):
    """No reply within the time allowed."""


class Transport(Protocol):
    """Sends requests; used by several threads at once."""

    def send(self, request: Request) -> Reply:
        """Send a request and wait for its reply.

        Raises
        ------
        NotConnected, ReplyLost, ReplyTooLarge
        """


class _WithoutQueries(logging.Filter):
    """Removes URL queries, which may hold signatures, from our HTTP log records.

    Log records of other users of the library are unchanged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_flight = local()

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(self.in_flight, "is_ours", False) and isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


_without_queries = _WithoutQueries()
for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_without_queries)


class SocketTransport:
    """Sends over sockets that are kept open between requests.

    Proxies and certificate bundles are taken from the environment; passwords of ``.netrc`` are not, since they would
    replace the signature. Redirects are not followed: they would carry signatures elsewhere, or lose the body.
    """

    def __init__(self) -> None:
        self._session: requests.Session | None = None
        self._last_variant = 0.0
        self._proxies_of: dict[str, dict[str, str]] = {}
        self._lock = Lock()

    def send(self, request: Request) -> Reply:
        """Send a request and wait for its reply; see :class:`Transport`."""
        _without_queries.in_flight.is_ours = True
        try:
            outcome = self._outcome(request)
        finally:
            _without_queries.in_flight.is_ours = False
        if isinstance(outcome, TransportError):
            # Raised here, where the library's error is no longer under way: its text holds the whole address, and
            # with it signatures, and would stay in the chain.
            raise outcome
        return outcome

    def _outcome(self, request: Request) -> Reply | TransportError:
        import requests
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        host = urlsplit(request.url).netloc.rpartition("@")[2]
        late = ReplyLate(f"{host} did not answer within {request.read_timeout_s or 0:g} s")
        try:
            with self._opened().request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                timeout=(request.connect_timeout_s, request.read_timeout_s),
                proxies=self._proxies(request.url),
                allow_redirects=False,
                stream=True,
            ) as reply:
                body = _body(reply.raw, request.read_timeout_s)
        except requests.exceptions.ConnectTimeout:
            return NotConnected(f"{host} did not accept a connection within {request.connect_timeout_s:g} s")
        except (requests.exceptions.ReadTimeout, ReadTimeoutError, TimeoutError):
            return late
        except requests.exceptions.ProxyError:
            return NotConnected(f"the proxy of the environment does not lead to {host}")
        except requests.exceptions.SSLError:  # may also happen when the request has been sent
            return ReplyLost(
                f"no safe connection to {host} could be made or kept; if its certificate is of your own making, "
                "REQUESTS_CA_BUNDLE names a file of those you trust"
            )
        except requests.exceptions.ConnectionError as error:
            if _never_connected(error):
                return NotConnected(f"{host} refuses connections, or does not exist")
            return ReplyLost(f"{host} closed the connection before its answer was complete")
        except ReplyTooLarge:
            return ReplyTooLarge(f"the answer of {host} is larger than {LARGEST_REPLY} bytes")
        except (requests.exceptions.RequestException, HTTPError) as error:
            return ReplyLost(f"the answer of {host} is damaged or incomplete ({type(error).__name__})")
        finally:
            self._last_variant = time.monotonic()
        return Reply(reply.status_code, {name.lower(): value for name, value in reply.headers.items()}, body)

    def _proxies(self, url: str) -> dict[str, str]:
        """Return the proxies of the environment for an address; looked up once for each host, since that takes long."""
        from requests.utils import get_environ_proxies

        host = urlsplit(url).netloc
        if host not in self._proxies_of:
            self._proxies_of[host] = get_environ_proxies(url)
        return self._proxies_of[host]

    def _opened(self) -> requests.Session:
        with self._lock:
            if self._session is not None and time.monotonic() - self._last_variant > IDLE_S:
                self._session.close()
            if self._session is None:
                import requests
                from requests.adapters import HTTPAdapter

                session = requests.Session()
                session.headers.clear()
                # Else the environment is read for each request, and a .netrc would replace the signature.
                session.trust_env = False
                session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
                for scheme in ("http://", "https://"):
                    # A dead connection of the pool is noticed by us, who know what may be sent twice.
                    session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=0))
                self._session = session
            return self._session

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None


def _body(raw: Any, timeout_s: float | None) -> bytes:
    """Return the decoded body of a reply; one that trickles in counts as late."""
    began, size = time.monotonic(), 0
    parts: list[bytes] = []
    while part := raw.read1(CHUNK, decode_content=True):
        parts.append(part)
        size += len(part)
        taken_s = time.monotonic() - began
        if size > LARGEST_REPLY:
            raise ReplyTooLarge
        if timeout_s is not None and taken_s > timeout_s and size < LEAST_PACE * taken_s:
            raise TimeoutError
    return b"".join(parts)


def _never_connected(error: Exception) -> bool:
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    reason = error.args[0] if error.args else None
    reason = reason.reason if isinstance(reason, MaxRetryError) else reason
    return isinstance(reason, NewConnectionError)


class AppTransport:
    """Hands requests to a service in the same process.

    Parameters
    ----------
    app : callable
        Takes a request whose ``url`` is the part after the host, and returns the reply.
    """

    def __init__(self, app: Callable[[Request], Reply]) -> None:
        self._app = app

    def send(self, request: Request) -> Reply:
        """Let the service answer; see :class:`Transport`."""
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        body = request.body if request.body is None or isinstance(request.body, bytes) else request.body.read()
        return self._app(Request(request.method, target, request.headers, body))
