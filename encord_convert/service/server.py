"""The socket server: uvicorn, on loopback by default.

Short bodies stand in memory, as many as there are connections: so there is room for a short request whatever others
send. Longer ones wait in a file, and are read when the signature over them is proven. What takes long has threads of
its own, and so has whoever is not known.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import socket
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from threading import Thread
from typing import Any
from urllib.parse import quote
from weakref import WeakValueDictionary

import uvicorn

from encord_convert.errors import ListenError
from encord_convert.sdk.http.transport import Reply
from encord_convert.service import files
from encord_convert.service.app import POLL_S, AnyReply, Asked, LaterReply, Service, refusal
from encord_convert.service.connections import Connection
from encord_convert.service.files import LongReply
from encord_convert.service.storage import PREFIX

SHORT = 128 << 10
"""Bytes of a body that stands in memory while it comes."""
PART = 1 << 18
"""Bytes of a file, or of a longer body, that stand in memory at once."""
MOST_BODY = 256 << 20
"""Bytes of a request that is no file."""
MOST_OF_ONE = 256 << 20
"""Bytes of longer bodies that come from one sender at once; more are told to come again."""
MOST_BODIES = 1 << 30
"""Of all senders."""
MOST_CONNECTIONS = 1024
"""At once; see :class:`.Connection`."""
IDLE_S = 75
"""How long a connection stays on which nothing is asked."""
THREADS = 8
"""Requests that read at once."""
READS_OF_ONE = 2
"""Of one caller."""
LONG = 2
"""Requests at once that take long to prepare; of one caller, one."""
BODIES = 2
"""Longer bodies that are looked at at once."""
TRANSFERS = 16
"""Files that are written or read at once, a part each."""
VIDEOS = 2
"""Videos that are looked at at once."""
MOST_STRANGERS = 256
"""Requests of whom the key is being looked up; more are told to come again."""
MOST_OF_STRANGER = 64
"""Of one address."""
SWITCH_S = 0.0005
"""How long one thread computes while others wait: a short request needs its turn ten times, long ones compute on."""
LOOK = 5
"""Tenths of a second between two looks at the connections."""

Send = Callable[[dict[str, Any]], Any]
Receive = Callable[[], Any]


class Application:
    """The ASGI application of a service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reads = ThreadPoolExecutor(THREADS, "reads")
        self._long = ThreadPoolExecutor(LONG, "long")
        self._bodies = ThreadPoolExecutor(BODIES, "bodies")
        self._transfers = ThreadPoolExecutor(TRANSFERS, "files")
        self._videos = ThreadPoolExecutor(VIDEOS, "videos")
        self._lookups = ThreadPoolExecutor(1, "strangers")
        self._strangers: Counter[str] = Counter()
        self._held: Counter[Any] = Counter()
        self._turns: WeakValueDictionary[Any, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        target = _target(scope)
        try:
            if scope["path"].startswith(PREFIX + "/"):
                reply = await self._file(scope, target, headers, receive)
            elif scope["path"] == "/healthz":
                reply = await self._of_stranger(scope, self._service.health)
            else:
                reply = await self._answer(scope, target, headers, receive)
        except _Left:
            return
        except Exception as error:
            reply = refusal(False, error)
        await self._send(reply, receive, send, is_head=scope["method"] == "HEAD")

    async def _answer(self, scope: dict[str, Any], target: str, headers: dict[str, str], receive: Receive) -> AnyReply:
        if headers.get("content-encoding", "identity") != "identity":
            return _plain(415, "Requests are not compressed: send the body as it is.")
        head = self._service.head(scope["method"], target, headers)
        if isinstance(head, Reply):
            return head
        if not self._service.knows(head):
            refused: Reply | None = await self._of_stranger(scope, self._service.refused, head)
            if refused is not None:
                return refused
        size = int(headers.get("content-length", -1 if "transfer-encoding" in headers else 0))
        if size > MOST_BODY:
            return _plain(413, f"A request may have {MOST_BODY >> 20} MiB.")
        if 0 <= size <= SHORT:
            asked = self._service.take_in(head, await _body(receive))
        else:
            with self._service.storage.scratch() as file:
                sender = scope["client"] and scope["client"][0], head.proof.key_hex or head.proof.secret_sha256
                refused = await self._hold(receive, file.write, sender)
                if refused is not None:
                    return refused
                asked = await _on(self._bodies, self._service.take_in, head, file)
        if isinstance(asked, Reply):
            return asked
        scope["state"]["connection"].is_known = True
        return await self._carried_out(asked)

    async def _carried_out(self, asked: Asked) -> AnyReply:
        loop, prepare = asyncio.get_running_loop(), asked.handler.prepare
        while True:
            if asked.handler.writes and prepare is None:
                outcome = self._service.begin(asked, loop.call_soon_threadsafe)
            else:
                is_long = prepare is not None and (asked.handler.is_long or asked.size > SHORT)
                async with self._turn(asked.proof.key_hex or asked.proof.secret_sha256, is_long):
                    outcome = await _on(self._long if is_long else self._reads, self._service.begin, asked)
            if isinstance(outcome, LaterReply):
                outcome = await _later(outcome)
            if outcome is not None:
                reply: AnyReply = outcome
                return reply
            await asyncio.sleep(POLL_S)

    def _turn(self, caller: Any, is_long: bool) -> asyncio.Semaphore:
        """Return a semaphore that keeps one caller from taking all threads."""
        found = self._turns.get((caller, is_long))
        if found is None:
            found = self._turns[caller, is_long] = asyncio.Semaphore(1 if is_long else READS_OF_ONE)
        return found

    async def _of_stranger(self, scope: dict[str, Any], look: Callable[..., Any], *arguments: Any) -> Any:
        """Do unauthenticated work, a few at a time."""
        address = scope["client"][0] if scope["client"] else ""
        if self._strangers.total() >= MOST_STRANGERS or self._strangers[address] >= MOST_OF_STRANGER:
            return _FULL
        self._strangers[address] += 1
        try:
            return await _on(self._lookups, look, *arguments)
        finally:
            self._strangers -= Counter({address: 1})

    async def _hold(self, receive: Receive, write: Callable[[bytes], Any], sender: Any) -> Reply | None:
        """Write a body to a file as it comes, or return why there is no room for it."""
        held = 0
        try:
            async for part in _parts(receive):
                held += len(part)
                self._held[sender] += len(part)
                if held > MOST_BODY:
                    return _plain(413, f"A request may have {MOST_BODY >> 20} MiB.")
                if self._held[sender] > MOST_OF_ONE or self._held.total() > MOST_BODIES:
                    return _FULL
                await _on(self._transfers, write, part)
        finally:
            self._held -= Counter({sender: held})
        return None

    async def _file(self, scope: dict[str, Any], target: str, headers: dict[str, str], receive: Receive) -> AnyReply:
        reply: AnyReply
        connection, method = scope["state"]["connection"], scope["method"]
        if method != "PUT":
            reply = await _on(self._transfers, files.serve, self._service, method, target, headers)
            connection.is_known = True
            return reply
        upload = await _on(self._transfers, files.Upload, self._service, target)
        connection.is_known = True
        try:
            async for part in _parts(receive):
                await _on(self._transfers, upload.write, part)
            reply = await _on(self._videos if upload.is_video else self._transfers, upload.end)
            return reply
        finally:
            upload.close()

    async def _send(self, reply: AnyReply, receive: Receive, send: Send, is_head: bool) -> None:
        if isinstance(reply, Reply) and len(reply.body) > PART:  # a slow reader takes no memory
            spooled = await _on(self._transfers, self._service.storage.spooled, [reply.body])
            if not isinstance(spooled, bytes):
                reply = LongReply(reply.status, reply.headers, *spooled)
        size = reply.size if isinstance(reply, LongReply) else len(reply.body)
        if isinstance(reply, Reply) and reply.body and not is_head:
            send.__self__.transport = _Joined(send.__self__.transport)  # type: ignore[attr-defined]
        headers = [*_encoded(tuple(reply.headers.items())), (b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if isinstance(reply, Reply):
            await send({"type": "http.response.body", "body": reply.body})
            return
        left = asyncio.ensure_future(receive())  # the request is complete: the next event is a disconnect
        with reply.file:
            missing = 0 if is_head else size
            while missing and not left.done():
                part = await _on(self._transfers, reply.file.read, min(PART, missing))
                missing -= len(part)
                await send({"type": "http.response.body", "body": part, "more_body": missing > 0 and part != b""})
        left.cancel()
        if is_head or not size:
            await send({"type": "http.response.body"})


class _Joined:
    """What uvicorn writes a short answer to: its head leaves with its body, in one call of the system."""

    def __init__(self, transport: Any) -> None:
        self._write, self._head = transport.write, b""
        self.close, self.is_closing = transport.close, transport.is_closing

    def write(self, data: bytes) -> None:
        if self._head:
            self._write(self._head + data)
        else:
            self._head = data


class _Left(Exception):
    """The sender of a request has disconnected."""


async def _on(pool: ThreadPoolExecutor, work: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


async def _later(reply: LaterReply) -> Reply:
    loop = asyncio.get_running_loop()
    committed = loop.create_future()

    def done(_: Any) -> None:
        if asyncio._get_running_loop() is loop:
            _resolve(committed)
        else:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_resolve, committed)

    reply.written.add_done_callback(done)
    await committed
    return reply.result()


@lru_cache(64)
def _encoded(headers: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers]


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise _Left
    return body


async def _parts(receive: Receive) -> Any:
    """Yield a body, gathered into parts that are worth a thread."""
    waiting, is_more = bytearray(), True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        waiting += message.get("body", b"")
        is_more = message.get("more_body", False)
        if len(waiting) >= PART or not is_more:
            yield bytes(waiting)
            waiting.clear()


def _target(scope: dict[str, Any]) -> str:
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope["query_string"]
    target: bytes = path + b"?" + query if query else path
    return target.decode("latin-1")


def _plain(status: int, message: str) -> Reply:
    return Reply(status, {"content-type": "text/plain", "connection": "close"}, message.encode())


_FULL = _plain(503, "Too much is under way; come again.")


def _why(error: OSError) -> str:
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return str(error.strerror).partition(" (while ")[0]  # Python says the address once more


def _room() -> int:
    """Return how many connections there may be, each perhaps with a file open as well; raise the limit for them."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS + 256
    if now != resource.RLIM_INFINITY and now < wanted:
        now = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
        return max(min(MOST_CONNECTIONS, (now - 256) // 2), 8)
    return MOST_CONNECTIONS


class _Uvicorn(uvicorn.Server):
    async def on_tick(self, counter: int) -> bool:
        if counter % LOOK == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                connection.look(now)  # type: ignore[union-attr]
        return await super().on_tick(counter)


class Server:
    """A service that listens.

    Parameters
    ----------
    service : Service
    host : str
    port : int
        0: any that is free.
    """

    def __init__(self, service: Service, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=MOST_CONNECTIONS)
        except OSError as error:
            raise ListenError(f"{host}:{port}: the service cannot listen there ({_why(error)}).") from error
        address, self.port = self._socket.getsockname()[:2]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        service.is_local = address == "::1" or address.startswith("127.")
        config = uvicorn.Config(
            Application(service),
            http=type("Connection", (Connection,), {"most": _room()}),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=5,
            loop="auto",  # uvloop where it runs: a short request takes a tenth less of the processor
            lifespan="off",
            ws="none",
            proxy_headers=False,
        )
        # Addresses of files carry a signature: whoever collects logs must not find them there.
        logging.getLogger("uvicorn.access").disabled = True
        self._server = _Uvicorn(config)

    def run(self) -> None:
        """Listen until a signal, or :meth:`stop`, ends it."""
        sys.setswitchinterval(SWITCH_S)
        gc.freeze()  # long-lived objects: exclude them from garbage collection
        self._server.run([self._socket])

    def start(self) -> Callable[[], None]:
        """Listen on a thread; return what ends that."""
        thread = Thread(target=self.run, daemon=True)
        thread.start()

        def stop() -> None:
            self._server.should_exit = True
            thread.join()

        return stop
