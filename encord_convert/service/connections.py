"""Limits that uvicorn's connections lack: on time, rate and number."""

from __future__ import annotations

from math import inf
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

SLACK_S = 20.0  # seconds a head, a body, or an unread answer may stall
LEAST_RATE = 16 << 10  # minimum bytes per second of a head or body, after the slack
BODY_S = 600.0  # seconds for a body that is not a file
MOST_HEAD, MOST_UNREAD = 64 << 10, 1 << 20  # bytes of a head; and of a body that is skipped after the answer
_CLOSING = b"content-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
_Protocol: Any = HttpToolsProtocol


class Connection(_Protocol):  # type: ignore[misc]
    """A connection that is checked periodically, and closed if too slow or too large."""

    most = 1024  # connections at once
    is_known = False  # whether its sender is authenticated

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {"connection": self}
        self._wait(True, self.loop.time())
        if len(self.connections) > self.most:  # drop an unknown sender, an idle one, or this one
            idle = (item for item in self.connections if item.cycle is not None and item.cycle.response_complete)
            strangers = (item for item in self.connections if not item.is_known and item is not self)
            (next(strangers, None) or next(idle, self)).refuse(503, b"Too much is under way; come again.")

    def _wait(self, is_head: bool, now: float) -> None:
        self._is_head, self._since, self._taken_at, self._arrived = is_head, now, now, 0

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait(True, self.loop.time())

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._wait(False, self._since)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._since = inf

    def data_received(self, data: bytes) -> None:
        self._arrived += len(data)
        super().data_received(data)
        is_answered = self.cycle is not None and self.cycle.response_complete
        if self._since == inf and is_answered:  # empty lines before the next head do not reset the timeout
            self._wait(True, self.loop.time())
        elif self._arrived > (MOST_HEAD if self._is_head else MOST_UNREAD if is_answered else inf):
            self.transport.abort()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken_at = self.loop.time()

    def look(self, now: float) -> None:
        if not self.transport.get_write_buffer_size():
            self._taken_at = now
        longest = inf if not self._is_head and self.scope["path"].startswith("/storage/") else BODY_S
        is_late = now - self._since > min(SLACK_S + self._arrived / LEAST_RATE, longest)
        if now - self._taken_at > SLACK_S or (is_late and self._is_head):
            self.transport.abort()
        elif self.flow.read_paused and self._since < inf:
            self._wait(self._is_head, now)  # it is the service that is slow
        elif is_late and not self.transport.is_closing():
            self.refuse(408, b"The request did not arrive in time.")

    def refuse(self, status: int, sentence: bytes) -> None:
        if self.cycle is None or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[status] + _CLOSING % (len(sentence), sentence))
        self.transport.close()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
