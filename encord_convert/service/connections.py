"""Connections: short requests take a short way, all others that of uvicorn; who is slow or says too much is cut off.

A short request has its head whole, in plain form, and a body of known, small size. Its head is read here, by one
pattern that takes nothing doubtful, and it is answered without a task of its own: requests come by the thousand, and
the general way costs several times what most of them ask for. Whatever the pattern does not take goes the general way
from its first byte on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from math import inf
from typing import IO, TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from encord_convert.sdk.http.transport import Reply
from encord_convert.service.app import AnyReply, LongReply

if TYPE_CHECKING:
    from encord_convert.service.server import Application

HEADER_S = 20.0
"""How long the head of a request may take."""
PART_S = 20.0
"""How long the next part of a body may take."""
MOST_HEADER = 64 << 10
"""Bytes of a head."""
SHORT = 1 << 20
"""Bytes of the body of a short request, at most."""
PART = 1 << 18
"""Bytes of a long reply that stand in memory at once."""

_HEAD = re.compile(
    rb"(GET|POST|PUT|PATCH|DELETE) (/[!-~]*) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]+:[ \t]*[!-~](?:[ -~]*[!-~])?\r\n){1,64})\r\n",
    re.ASCII,
)
"""Method, target, headers. No folding, no empty values, nothing beyond printable ASCII."""
_LINE = re.compile(r"([A-Za-z0-9-]+):[ \t]*([^\r]+)\r\n", re.ASCII)
_LENGTH = re.compile(r"0|[1-9][0-9]{0,7}", re.ASCII)
_NOT_SHORT = frozenset({"transfer-encoding", "upgrade", "expect", "trailer", "te"})

_LATE = Reply(408, {"content-type": "text/plain", "connection": "close"}, b"The request did not arrive in time.")
_FULL = Reply(503, {"content-type": "text/plain", "connection": "close"}, b"Too much is under way; come again.")
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}

_Http: Any = H11Protocol


def head_of(data: bytes) -> tuple[str, str, dict[str, str], int, int] | None:
    """Return method, target, headers (names in lower case), length of the head and of the body of a short request.

    None stands for any other beginning: it may be incomplete, wrong, or only unusual.
    """
    found = _HEAD.match(data, 0, MOST_HEADER)
    if found is None:
        return None
    method, target = found[1].decode("ascii"), found[2].decode("ascii")
    lines = _LINE.findall(found[3].decode("ascii"))
    headers = {name.lower(): value for name, value in lines}
    length = headers.get("content-length", "0" if method == "GET" else "")
    if len(headers) < len(lines) or _LENGTH.fullmatch(length) is None or int(length) > SHORT:
        return None
    if "host" not in headers or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    if not _NOT_SHORT.isdisjoint(headers):
        return None
    return method, target, headers, found.end(), int(length)


class Connection(_Http):  # type: ignore[misc]
    """An HTTP connection of uvicorn with a short way, and with limits to time and size of a request's head."""

    _timer: asyncio.TimerHandle | None = None
    _until = inf
    """When it is too late; the timer looks then, or earlier."""
    _too_late: Callable[[], None]
    _head = 0
    """Bytes of a head that is not whole yet."""
    _asked: tuple[str, str, Mapping[str, str]] | None = None
    """Method, target and headers of the short request that is arriving or being answered."""
    _parts: list[bytes]
    _missing = 0
    """Bytes of its body that have not arrived."""
    _held = 0
    """Bytes the application was told of."""
    _early = b""
    """What came before the answer to the short request was sent."""
    _is_general = False
    """Whether uvicorn may still have bytes of a request."""
    _ends = False
    """Whether no further request is taken."""

    @property
    def _application(self) -> Application:
        application: Application = self.config.app
        return application

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch(HEADER_S, self._cut)

    def data_received(self, data: bytes) -> None:
        """Take bytes: of a short request, or of any other."""
        if self._asked is None:
            self._begin(data)
        elif self._missing:
            self._take(data)
        else:
            self._early += data
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._until = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._missing:
            self._release()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close; after the answer to a short request that is on its way."""
        self._ends = True
        if self._asked is None:
            super().shutdown()

    # --- short requests -----------------------------------------------------------------------------------------------

    def _begin(self, data: bytes) -> None:
        read = head_of(data) if self._is_free() else None
        if read is None or not self._application.is_short(read[0], read[1]):
            self._pass_on(data)
            return
        method, target, headers, end, self._missing = read
        self._unset_keepalive_if_required()
        self._until = inf
        self._asked = method, target, headers
        self._parts = []
        self._take(data[end:])

    def _is_free(self) -> bool:
        """Tell whether a request begins here, and there is room for it."""
        if self._is_general and self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self._is_general = False
        is_room = len(self.connections) < self.limit_concurrency and not self.flow.write_paused
        return is_room and not self._is_general and not self._ends

    def _take(self, data: bytes) -> None:
        if len(data) > self._missing:
            data, self._early = data[: self._missing], data[self._missing :]
        self._missing -= len(data)
        self._parts.append(data)
        self._held += len(data)
        if not self._application.hold(len(data)):
            self._answered(_FULL)
        elif self._missing:
            self._watch(PART_S, self._late)
        else:
            self._until = inf
            assert self._asked is not None
            body, self._parts = b"".join(self._parts), []
            self._application.ask(*self._asked, body, self._answered)

    def _answered(self, reply: AnyReply) -> None:
        self._release()
        if self.transport.is_closing():
            if isinstance(reply, LongReply):
                reply.file.close()
            return
        head = [_STATUS_LINES[reply.status]]
        head += [b"%s: %s\r\n" % pair for pair in self.server_state.default_headers]
        head += [f"{name}: {value}\r\n".encode("latin-1") for name, value in reply.headers.items()]
        self.server_state.total_requests += 1
        if isinstance(reply, LongReply):
            self.transport.write(b"".join((*head, b"content-length: %d\r\n\r\n" % reply.size)))
            sending = self.loop.create_task(self._send(reply.file))
            self.tasks.add(sending)
            sending.add_done_callback(self.tasks.discard)
            return
        self.transport.write(b"".join((*head, b"content-length: %d\r\n\r\n" % len(reply.body), reply.body)))
        if "connection" in reply.headers:
            self.transport.close()
        else:
            self._next()

    async def _send(self, file: IO[bytes]) -> None:
        try:
            with file:
                while not self.transport.is_closing() and (part := file.read(PART)):
                    self.transport.write(part)
                    await self.flow.drain()
        except OSError:
            self._cut()  # the disk fails: what was begun cannot become whole
        if not self.transport.is_closing():
            self._next()

    def _next(self) -> None:
        """Wait for the next request, unless it is there."""
        if self._ends:
            self.transport.close()
            return
        self._watch(self.timeout_keep_alive, self.transport.close)
        if self._early:
            self.loop.call_soon(self._go_on)  # not here: a thousand requests may have come in one piece
        else:
            self._asked = None

    def _go_on(self) -> None:
        data, self._early, self._asked = self._early, b"", None
        if not self.transport.is_closing():
            self.transport.resume_reading()
            self._begin(data)

    def _release(self) -> None:
        self._application.release(self._held)
        self._held = self._missing = 0
        self._parts = []

    def _late(self) -> None:
        self._answered(_LATE)

    # --- all others ---------------------------------------------------------------------------------------------------

    def _pass_on(self, data: bytes) -> None:
        """Let uvicorn have it; as long as the bytes are of a head, time and size count."""
        self._is_general = True
        cycle = self.cycle
        super().data_received(data)
        if self.cycle is not cycle or (self.cycle is not None and not self.cycle.response_complete):
            self._head = 0
            self._until = inf
            return
        if self._head == 0:
            self._watch(HEADER_S, self._cut)
        self._head += len(data)
        if self._head > MOST_HEADER:
            self._cut()

    def _watch(self, seconds: float, too_late: Callable[[], None]) -> None:
        """Call a function after a while, unless something happens before."""
        self._until = self.loop.time() + seconds
        self._too_late = too_late
        if self._timer is None or self._timer.when() > self._until:
            self._look_again()

    def _look_again(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(self._until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self.loop.time() >= self._until:
            self._until = inf
            self._too_late()
        elif self._until < inf:
            self._look_again()

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
