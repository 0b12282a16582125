"""A socket for the service: uvicorn, on the loopback unless told otherwise."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from encord_convert.errors import ListenError
from encord_convert.sdk.http.transport import Reply
from encord_convert.service import connections, faults, files
from encord_convert.service.app import POLL_S, AnyReply, Asked, LaterReply, LongReply, Service
from encord_convert.service.connections import Connection
from encord_convert.service.storage import PREFIX

MOST_BODY = 256 << 20
"""Bytes of a request that is no file."""
MOST_BODIES = 512 << 20
"""Bytes of all requests that are arriving or being answered; more are told to come again."""
MOST_CONNECTIONS = 1024
"""At once; more are told to come again."""
IDLE_S = 75
"""How long a connection stays on which nothing is asked."""
THREADS = 8
"""Requests that read at once."""
TRANSFERS = 64
"""Files that arrive at once; a slow one keeps nobody else waiting."""


class Application(Starlette):
    """The ASGI application of a service; what :class:`.Connection` asks it the short way.

    Parameters
    ----------
    service : Service
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pool = ThreadPoolExecutor(THREADS, "reads")
        self._transfers = ThreadPoolExecutor(TRANSFERS, "files")
        self._replies = _Replies()
        self._held = 0
        super().__init__(routes=_routes(service, self._pool, self._transfers))

    # --- the short way ------------------------------------------------------------------------------------------------

    def is_short(self, method: str, target: str) -> bool:
        """Tell whether the answer to a request is short as well."""
        if target.startswith(PREFIX + "/"):
            return method == "PUT"
        return target.partition("?")[0] != "/healthz"

    def hold(self, size: int) -> bool:
        """Note that bytes of a request arrived; tell whether there is room for them."""
        self._held += size
        return self._held <= MOST_BODIES

    def release(self, size: int) -> None:
        """Note that bytes of a request are no longer needed."""
        self._held -= size

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, told: Callable[[AnyReply], None]
    ) -> None:
        """Answer a request, on the loop, now or later; names of headers are in lower case."""
        if headers.get("content-encoding", "identity") != "identity":
            told(_plain(415, "Requests are not compressed: send the body as it is."))
        elif target.startswith(PREFIX + "/"):
            self._hear(self._transfers.submit(files.answer_file, self._service, method, target, headers, [body]), told)
        else:
            taken = self._service.take_in(method, target, headers, body)
            if isinstance(taken, Reply):
                told(taken)
            else:
                self._carry_out(taken, told)

    def _carry_out(self, asked: Asked, told: Callable[[AnyReply], None]) -> None:
        def tell(outcome: Any) -> None:
            if isinstance(outcome, LaterReply):
                self._hear(outcome, tell)
            elif outcome is None:
                asyncio.get_running_loop().call_later(POLL_S, self._carry_out, asked, told)
            else:
                told(outcome)

        if asked.handler.writes and asked.handler.prepare is None:
            tell(self._service.begin(asked, asyncio.get_running_loop().call_soon_threadsafe))
        else:
            self._hear(self._pool.submit(self._service.begin, asked), tell)

    def _hear(self, outcome: Future[Any] | LaterReply, tell: Callable[[Any], None]) -> None:
        loop = asyncio.get_running_loop()
        outcome.add_done_callback(lambda done: self._replies.put(loop, tell, done.result()))

    # --- the general way ----------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] == "/healthz" or scope["path"].startswith(PREFIX + "/"):
            await super().__call__(scope, receive, send)
            return
        reply = await self._answer(scope, receive)
        headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        size = reply.size if isinstance(reply, LongReply) else len(reply.body)
        headers.append((b"content-length", str(size).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if isinstance(reply, LongReply):
            with reply.file:
                while part := reply.file.read(connections.PART):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if isinstance(reply, LongReply) else reply.body})

    async def _answer(self, scope: Scope, receive: Receive) -> AnyReply:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        held = 0

        def hold(size: int) -> bool:
            nonlocal held
            held += size
            return self.hold(size)

        try:
            body = await _body(headers, receive, hold)
            if isinstance(body, Reply):
                return body
            reply: asyncio.Future[AnyReply] = asyncio.get_running_loop().create_future()
            self.ask(scope["method"], _target(scope), headers, body, reply.set_result)
            return await reply
        finally:
            self.release(held)


class _Replies:
    """What other threads found out, brought to the loop: all that is there in one go, since waking the loop costs."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._is_called = False

    def put(self, loop: asyncio.AbstractEventLoop, tell: Callable[[Any], None], outcome: Any) -> None:
        """Call a function on the loop: now if this is its thread, else soon."""
        if asyncio._get_running_loop() is loop:
            tell(outcome)
            return
        self._waiting.append((tell, outcome))
        if not self._is_called:
            self._is_called = True
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        self._is_called = False  # first: what is put from here on calls again
        while self._waiting:
            tell, outcome = self._waiting.popleft()
            tell(outcome)


def _routes(service: Service, pool: ThreadPoolExecutor, transfers: ThreadPoolExecutor) -> list[Route]:
    async def health(request: HttpRequest) -> Response:
        return _response(await asyncio.get_running_loop().run_in_executor(pool, service.health))

    async def storage(request: HttpRequest) -> Response:
        loop = asyncio.get_running_loop()
        try:
            if request.method == "PUT":
                await _receive(service, request, transfers)
                return Response(b"{}", 200, dict(files.TEXT))
            opened = await loop.run_in_executor(
                pool, files.serve, service, request.method, _target(request.scope), request.headers.get("range")
            )
        except ClientDisconnect:
            return _response(_plain(400, "The file did not arrive whole; nothing of it was kept."))
        except Exception as error:
            status, text = faults.status_of(error)
            return Response(text, status, dict(files.TEXT))
        stream, headers, first, last, status = opened
        if request.method == "HEAD":
            stream.close()
            return Response(None, status, headers)
        return StreamingResponse(_closing(stream, files.read(stream, first, last)), status, headers)

    return [
        Route("/healthz", health, methods=["GET"]),
        Route(PREFIX + "/{rest:path}", storage, methods=["PUT", "GET"]),
    ]


def _closing(stream: Any, parts: Iterator[bytes]) -> Iterator[bytes]:
    with stream:
        yield from parts


def _target(scope: Scope) -> str:
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope["query_string"]
    target: bytes = path + b"?" + query if query else path
    return target.decode("latin-1")


async def _body(headers: Mapping[str, str], receive: Receive, hold: Callable[[int], bool]) -> bytes | Reply:
    """Return the body of a request, or the refusal of one that is too long, too slow, or cut short.

    ``hold`` is told of each part, and tells whether there is room for it.
    """
    too_long = f"A request may have {MOST_BODY >> 20} MiB."
    said = headers.get("content-length", "")
    if said.isdigit() and int(said) > MOST_BODY:
        return _plain(413, too_long)
    parts: list[bytes] = []
    size, is_more = 0, True
    while is_more:
        try:
            async with asyncio.timeout(connections.PART_S):
                message = await receive()
        except TimeoutError:
            return _plain(408, "The request did not arrive in time.")
        if message["type"] == "http.disconnect":
            return _plain(400, "The request did not arrive whole.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BODY:
            return _plain(413, too_long)
        if not hold(len(parts[-1])):
            return _plain(503, "Too much is under way; come again.")
        is_more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _parts(request: HttpRequest) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), connections.PART_S)
        except StopAsyncIteration:
            return


async def _receive(service: Service, request: HttpRequest, pool: ThreadPoolExecutor) -> None:
    """Hand the parts of a file to a thread as they come; no more than a few wait in memory."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(4)

    def arriving() -> Iterator[bytes]:
        while (part := asyncio.run_coroutine_threadsafe(waiting.get(), loop).result()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part

    taken = loop.run_in_executor(pool, files.receive, service, _target(request.scope), arriving())
    try:
        async for part in _parts(request):
            if part:
                await _put(waiting, part, taken)
        await _put(waiting, None, taken)
    except (ClientDisconnect, TimeoutError) as error:
        await _put(waiting, error, taken)
    await taken


async def _put(waiting: asyncio.Queue[Any], part: Any, taken: asyncio.Future[None]) -> None:
    put = asyncio.ensure_future(waiting.put(part))
    await asyncio.wait({put, taken}, return_when=asyncio.FIRST_COMPLETED)
    if not put.done():
        put.cancel()
        await taken  # it failed before it took everything


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers))


def _plain(status: int, message: str) -> Reply:
    return Reply(status, {"content-type": "text/plain", "connection": "close"}, message.encode())


def _why(error: OSError) -> str:
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return str(error.strerror).partition(" (while ")[0]  # Python says the address once more


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
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        config = uvicorn.Config(
            Application(service),
            http=Connection,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=5,
            loop="auto",  # uvloop where it runs: a short request takes a tenth less of the processor
            lifespan="off",
            ws="none",
            proxy_headers=False,
        )
        # Addresses of files carry a signature: whoever collects logs must not find them there.
        logging.getLogger("uvicorn.access").disabled = True
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Listen until a signal, or :meth:`stop`, ends it."""
        gc.freeze()  # what is there stays: it need not be looked through again and again
        self._server.run([self._socket])

    def start(self) -> Callable[[], None]:
        """Listen on a thread; return what ends that."""
        thread = Thread(target=self.run, daemon=True)
        thread.start()

        def stop() -> None:
            self._server.should_exit = True
            thread.join()

        return stop
