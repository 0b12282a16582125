"""A socket for the service: uvicorn, on the loopback unless told otherwise."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from encord_convert.errors import ListenError
from encord_convert.sdk.http.transport import Reply
from encord_convert.service import faults, files
from encord_convert.service.app import POLL_S, Asked, Service
from encord_convert.service.connections import Connection
from encord_convert.service.storage import PREFIX

MOST_BODY = 256 << 20
"""Bytes of a request that is no file."""
MOST_CONNECTIONS = 1024
"""At once; more are told to come again."""
PART_S = 20.0
"""How long the next part of a body may take."""
THREADS = 8
"""Requests that read at once."""


def application(service: Service) -> Starlette:
    """Return the ASGI application of a service."""
    pool = ThreadPoolExecutor(THREADS, "reads")

    async def answer(request: HttpRequest) -> Response:
        headers = _headers(request)
        if headers.get("content-encoding", "identity") != "identity":
            return _plain(415, "Requests are not compressed: send the body as it is.")
        body = await _body(request)
        if isinstance(body, Response):
            return body
        taken = service.take_in(request.method, _target(request), headers, body)
        loop = asyncio.get_running_loop()
        while isinstance(taken, Asked):
            if taken.handler.writes and taken.handler.prepare is None:
                outcome: Any = service.begin(taken)
            else:
                outcome = await loop.run_in_executor(pool, service.begin, taken)
            if isinstance(outcome, Future):
                outcome = await asyncio.wrap_future(outcome)
            if isinstance(outcome, Reply):
                return _response(outcome)
            await asyncio.sleep(POLL_S)
        return _response(taken)

    async def health(request: HttpRequest) -> Response:
        return _response(await asyncio.get_running_loop().run_in_executor(pool, service.health))

    async def storage(request: HttpRequest) -> Response:
        loop = asyncio.get_running_loop()
        try:
            if request.method == "PUT":
                await _receive(service, request, pool)
                return Response(b"{}", 200, {"content-type": "application/json"})
            opened = await loop.run_in_executor(
                pool, files.serve, service, request.method, _target(request), request.headers.get("range")
            )
        except ClientDisconnect:
            return _plain(400, "The file did not arrive whole; nothing of it was kept.")
        except Exception as error:
            status, text = faults.status_of(error)
            return Response(text, status, {"content-type": "application/json"})
        stream, headers, first, last, status = opened
        if request.method == "HEAD":
            stream.close()
            return Response(None, status, headers)
        return StreamingResponse(_closing(stream, files.read(stream, first, last)), status, headers)

    routes = [
        Route("/healthz", health, methods=["GET"]),
        Route(PREFIX + "/{rest:path}", storage, methods=["PUT", "GET"]),
        Route("/{rest:path}", answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    return Starlette(routes=routes)


def _closing(stream: Any, parts: Iterator[bytes]) -> Iterator[bytes]:
    with stream:
        yield from parts


def _headers(request: HttpRequest) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}


def _target(request: HttpRequest) -> str:
    path = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    query = request.scope["query_string"]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


async def _parts(request: HttpRequest) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), PART_S)
        except StopAsyncIteration:
            return


async def _body(request: HttpRequest) -> bytes | Response:
    said = request.headers.get("content-length", "0")
    parts, size = [], int(said) if said.isdigit() else 0
    if size > MOST_BODY:
        return _plain(413, f"A request may have {MOST_BODY >> 20} MiB.")
    size = 0
    try:
        async for part in _parts(request):
            size += len(part)
            if size > MOST_BODY:
                return _plain(413, f"A request may have {MOST_BODY >> 20} MiB.")
            parts.append(part)
    except TimeoutError:
        return _plain(408, "The request did not arrive in time.")
    except ClientDisconnect:
        return _plain(400, "The request did not arrive whole.")
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _receive(service: Service, request: HttpRequest, pool: ThreadPoolExecutor) -> None:
    """Hand the parts of a file to a thread as they come; no more than a few wait in memory."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(4)

    def arriving() -> Iterator[bytes]:
        while (part := asyncio.run_coroutine_threadsafe(waiting.get(), loop).result()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part

    taken = loop.run_in_executor(pool, files.receive, service, _target(request), arriving())
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


def _plain(status: int, message: str) -> Response:
    return Response(message, status, {"content-type": "text/plain", "connection": "close"})


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
            raise ListenError(f"Nothing can listen at {host}:{port}: {error.strerror}.") from error
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        config = uvicorn.Config(
            application(service),
            http=Connection,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
            lifespan="off",
            ws="none",
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Listen until a signal, or :meth:`stop`, ends it."""
        self._server.run([self._socket])

    def start(self) -> Callable[[], None]:
        """Listen on a thread; return what ends that."""
        thread = Thread(target=self.run, daemon=True)
        thread.start()

        def stop() -> None:
            self._server.should_exit = True
            thread.join()

        return stop
