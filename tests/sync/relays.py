"""A relay on loopback between a client and a service: it counts, delays, refuses and cuts."""

from __future__ import annotations

import http.client
import random
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

FAULTS = ("429", "500", "503", "cut before", "cut after")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None: ...  # a client that is killed leaves in the middle of a word


class Relay:
    """Passes requests on to a port of this machine.

    Parameters
    ----------
    port : int
        Where the service listens.
    share : float
        Which part of the requests meet a fault: an answer of 429, 500 or 503, or a connection that is cut before the
        request is passed on, or after.
    delay_s : float
        How long each request waits.
    retry_after_s : int
        What answers of 429 and 503 ask to wait.

    Attributes
    ----------
    faults : Counter
        How many of each there were.
    acknowledged : Counter
        How often each address of an upload was answered with 200 by the service, and this answer was passed on.
    waited_s : list of float
        How long after each 429 or 503 the same request came again.
    """

    def __init__(
        self, port: int, *, share: float = 0.0, delay_s: float = 0.0, retry_after_s: int = 0, seed: int = 1
    ) -> None:
        self.faults: Counter[str] = Counter()
        self.acknowledged: Counter[str] = Counter()
        self.waited_s: list[float] = []
        self._random, self._lock = random.Random(seed), Lock()
        self._asked: dict[bytes, float] = {}
        self._port, self._share, self._delay_s, self._retry_after_s = port, share, delay_s, retry_after_s
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                relay._pass_on(self)

            do_GET = do_PUT = do_POST

            def log_message(self, *_: Any) -> None: ...

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _fault(self) -> str | None:
        with self._lock:
            if self._random.random() >= self._share:
                return None
            fault = self._random.choice(FAULTS)
            self.faults[fault] += 1
            return fault

    def _pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self._lock:
            asked = self._asked.pop(body, None)
            if asked is not None:
                self.waited_s.append(time.monotonic() - asked)
        time.sleep(self._delay_s)
        fault = self._fault()
        if fault in ("429", "500", "503"):
            handler.send_response(int(fault))
            if fault != "500" and self._retry_after_s:
                handler.send_header("Retry-After", str(self._retry_after_s))
                with self._lock:
                    self._asked[body] = time.monotonic()
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if fault == "cut before":
            handler.close_connection = True
            return
        reply = self._asked_of_the_service(handler, body)
        if reply is None or fault == "cut after":
            handler.close_connection = True
            return
        status, headers, content = reply
        if handler.command == "PUT" and status == 200:
            with self._lock:
                self.acknowledged[handler.path.partition("?")[0]] += 1
        try:
            handler.send_response(status)
            for name, value in headers:
                if name.lower() not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                    handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            handler.close_connection = True  # nobody waits for it any more

    def _asked_of_the_service(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes] | None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            # It goes on to say what it was called, so that addresses the service gives lead here.
            connection.request(handler.command, handler.path, body, dict(handler.headers.items()))
            reply = connection.getresponse()
            content = reply.read()
        except OSError:
            return None
        except http.client.HTTPException:
            return None
        finally:
            connection.close()
        return reply.status, reply.getheaders(), content

    def __enter__(self) -> Self:
        """Pass requests on until the end of the block."""
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()
