"""A real HTTP server on 127.0.0.1 whose answers are a function of the request; HTTP/1.1, connections kept open."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import msgspec


@dataclass(frozen=True)
class Received:
    """A request as it arrived.

    Parameters
    ----------
    connection : int
        Which of the connections it came over, counted from 1.
    at : float
        Seconds of a clock that only runs forward.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    at: float

    @property
    def path(self) -> str:
        return urlsplit(self.target).path if not self.target.startswith("//") else self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def envelope(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Parameters
    ----------
    raw : bytes, optional
        Sent instead of all else, as it is; then the connection is closed. Empty: it is closed without a word.
    after_s : float
        How long to wait before.
    closes : bool
        Whether the connection is closed after, without saying so.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    after_s: float = 0.0
    closes: bool = False


DROPPED = Answer(raw=b"")
"""The connection is closed without a reply."""


def success(response: Any, **headers: str) -> Answer:
    """Return an answer of the envelope API of the API that says it went well."""
    return Answer(body=msgspec.json.encode({"status": 200, "response": response}), headers=headers)


class Loopback:
    """A server, running while its ``with`` block does.

    Parameters
    ----------
    answer : callable
        Takes what arrived; called by a thread for each connection.
    """

    def __init__(self, answer: Callable[[Received], Answer]) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        lock = Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with lock:
                    outer.connections += 1
                    self.number = outer.connections

            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                received = Received(
                    self.command, self.path, dict(self.headers.items()), body, self.number, time.monotonic()
                )
                with lock:
                    outer.requests.append(received)
                reply = answer(received)
                if reply.after_s:
                    time.sleep(reply.after_s)
                if reply.raw is not None:
                    self.wfile.write(reply.raw)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status not in (204, 304):
                    self.send_header("Content-Length", str(len(reply.body)))
                self._headers_buffer.append(b"\r\n")
                if reply.status not in (204, 304):
                    self._headers_buffer.append(reply.body)
                self.flush_headers()
                self.close_connection = reply.closes

            do_GET = do_POST = do_PUT = do_DELETE = _handle

            def date_time_string(self, timestamp: float | None = None) -> str:
                return outer.date or super().date_time_string(timestamp)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # the client hung up, as some tests mean it to

        self.date: str | None = None
        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
