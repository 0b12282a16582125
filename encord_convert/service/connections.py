"""Connections that do not wait for ever: who is too slow to say what they want, or says too much, is cut off."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEADER_S = 20.0
"""How long the head of a request may take."""
MOST_HEADER = 64 << 10
"""Bytes of a head."""

_Http: Any = AutoHTTPProtocol


class Connection(_Http):  # type: ignore[misc]
    """An HTTP connection of uvicorn, with a limit to time and size of a request's head."""

    _timer: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; as long as they are of a head, time and size count."""
        cycle = self.cycle
        super().data_received(data)
        if self.cycle is not cycle or (self.cycle is not None and not self.cycle.response_complete):
            self._stop_waiting()
            return
        self._head += len(data)
        if self._head > MOST_HEADER:
            self._cut()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEADER_S, self._cut)

    def _stop_waiting(self) -> None:
        self._head = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.abort()
