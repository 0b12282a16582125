"""What the service answers to a request: without sockets, so that a client in the same process can ask it too.

A request is taken in (its signature checked, its envelope decoded), then carried out in a transaction that knows the
caller, and answered after the commit. Errors of the older half travel in an envelope with HTTP 200.

Source: wire protocol, sections 1 to 4 and 19.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from itertools import chain
from pathlib import Path
from pkgutil import iter_modules
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from sqlalchemy import Connection

from encord_convert.sdk.exceptions import InvalidArgumentsError, MethodNotAllowedError
from encord_convert.sdk.http.routes import (
    REQUEST_ID,
    REQUEST_ID_HONOURED,
    RESOURCE,
    USER,
    PathRoute,
    Query,
    Verb,
    is_repeatable,
)
from encord_convert.sdk.http.transport import Reply, Request
from encord_convert.service import auth, faults, handlers
from encord_convert.service.calls import HANDLERS, PATH_HANDLERS, Call, Handler, NotYet, Parts
from encord_convert.service.clouds import Clouds
from encord_convert.service.files import answer_file
from encord_convert.service.jobs import Jobs
from encord_convert.service.storage import PREFIX, Storage
from encord_convert.service.store import users
from encord_convert.service.store.database import Database, make_folder, open_database
from encord_convert.service.store.writes import Soon

HANDLER_MODULES = tuple(sorted(module.name for module in iter_modules(handlers.__path__)))
"""Modules of :mod:`.handlers`, which register what they answer."""

ANSWERS_KEPT_S = 24 * 3600.0
"""How long a request id is remembered."""
FIRST_USER = "me@localhost"
"""Whose the first key is, where it is trusted."""
SHORT = 128 << 10
"""Bytes of a request whose write is short, at most."""
POLL_S = 0.25
"""Between two looks at what may still change."""

_JSON = {"content-type": "application/json", REQUEST_ID_HONOURED.lower(): "1", "x-content-type-options": "nosniff"}
_ENDPOINTS = {USER: USER, RESOURCE: RESOURCE, "/" + USER: USER, "/" + RESOURCE: RESOURCE}


class _Values(msgspec.Struct):
    uid: Any = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct):
    query_type: str
    query_method: str
    values: _Values = msgspec.field(default_factory=_Values)


_decoder = msgspec.json.Decoder(_Envelope)
_NO_VALUE = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class LongReply:
    """A reply whose body is in a file, which nobody else has; whoever has sent it closes the file."""

    status: int
    headers: Mapping[str, str]
    file: IO[bytes]

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return os.fstat(self.file.fileno()).st_size

    def whole(self) -> Reply:
        """Return the same with its body in memory."""
        with self.file:
            return Reply(self.status, self.headers, self.file.read())


AnyReply = Reply | LongReply


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was taken in: what it proves and wants, and how its answer is told."""

    handler: Handler
    proof: auth.Proof
    kind: str | None
    hash: str | None
    make: Callable[[Any, Any, Connection], Call]
    told: Callable[[Any], bytes]
    request_id: str | None
    body: bytes


class LaterReply:
    """The reply to a write, once that is committed: a future of what was written, seen as a reply.

    Parameters
    ----------
    written : Future
        Of the body.
    refusal : callable
        Gives the reply that tells an error.
    """

    __slots__ = ("_refusal", "_written")

    def __init__(self, written: Future[bytes], refusal: Callable[[BaseException], Reply]) -> None:
        self._written = written
        self._refusal = refusal

    def result(self) -> Reply:
        """Return the reply; wait for it if need be."""
        error = self._written.exception()
        return Reply(200, _JSON, self._written.result()) if error is None else self._refusal(error)

    def add_done_callback(self, call: Callable[[LaterReply], None]) -> None:
        """Let a function be called when the reply is there; on any thread."""
        self._written.add_done_callback(lambda _: call(self))


class Service:
    """The service.

    Parameters
    ----------
    database : Database
    storage : Storage
    trust_first_key : bool
        Whether the first key that signs a request becomes the key of :data:`FIRST_USER`, as long as there is no user.
    strict_saves : bool
        Whether label rows are not saved over a newer revision of another author.
    public_url : str, optional
        Scheme and host of the addresses that are given out; by default those a request came to.
    clock : callable
        Gives unix seconds.
    """

    def __init__(
        self,
        database: Database,
        storage: Storage,
        *,
        trust_first_key: bool = False,
        strict_saves: bool = False,
        public_url: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        for name in HANDLER_MODULES:
            import_module(f"encord_convert.service.handlers.{name}")
        self.database = database
        self.storage = storage
        self.clock = clock
        self._public_url = public_url and public_url.rstrip("/")
        self._trusts = trust_first_key
        self._strict_saves = strict_saves
        self._forgot_at = 0.0
        self._jobs = Jobs(self)

    # --- answering ----------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """Answer a request whose ``url`` is what stands after the host."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.body if isinstance(request.body, bytes) else request.body.read() if request.body else b""
        path = urlsplit(request.url).path
        if path.startswith(PREFIX + "/"):
            return answer_file(self, request.method, request.url, headers, [body])
        if path == "/healthz":
            return self.health()
        taken = self.take_in(request.method, request.url, headers, body)
        while not isinstance(taken, Reply):
            outcome = self.begin(taken)
            done = outcome.result() if isinstance(outcome, LaterReply) else outcome
            if isinstance(done, LongReply):
                return done.whole()
            if done is not None:
                return done
            time.sleep(POLL_S)
        return taken

    def health(self) -> Reply:
        """Answer that the service is up, and its database readable."""
        try:
            self.database.read(users.is_empty)
        except Exception as error:
            return Reply(502, _JSON, faults.status_of(error)[1])
        return Reply(200, _JSON, b'{"status": "ok"}')

    def take_in(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Asked | Reply:
        """Check and decode a request; return what it asks, or the refusal.

        Parameters
        ----------
        method : str
        target : str
            Path and query as they came.
        headers : mapping
            Names in lower case.
        body : bytes
        """
        path = target.partition("?")[0]
        endpoint = _ENDPOINTS.get(path)
        now = self.clock()
        if endpoint is not None:
            try:
                if method != "POST":
                    raise MethodNotAllowedError("Every request to this address is an HTTP POST.")
                return self._older(endpoint, headers, body, now)
            except Exception as error:
                return Reply(200, _JSON, faults.envelope_of(error))
        try:
            return self._younger(method, path, target, headers, body, now)
        except Exception as error:
            status, text = faults.status_of(error)
            return Reply(status, _JSON, text)

    def _older(self, endpoint: str, headers: Mapping[str, str], body: bytes, now: float) -> Asked:
        proof = auth.proof_of(headers, body)
        envelope = _decoder.decode(body)
        values = envelope.values
        handler = HANDLERS.get((endpoint, envelope.query_type, envelope.query_method))
        if handler is None:
            raise MethodNotAllowedError(
                f"{envelope.query_method[:16]} {envelope.query_type[:64]} is not answered at {endpoint}."
            )
        base_url = self._public_url or _base_url(headers)

        def make(caller: Any, resource: Any, db: Connection) -> Call:
            return Call(caller, resource, values.uid, values.payload, db, self.storage, now, base_url)

        repeats = is_repeatable(Query(envelope.query_type), Verb(envelope.query_method))
        request_id = headers.get(REQUEST_ID.lower()) if handler.writes and not repeats else None
        kind, hash_ = (
            (headers.get("resourcetype"), headers.get("resourceid", "")) if endpoint == RESOURCE else (None,) * 2
        )
        return Asked(handler, proof, kind, hash_, make, _enveloped, request_id, body)

    def _younger(
        self, method: str, path: str, target: str, headers: Mapping[str, str], body: bytes, now: float
    ) -> Asked:
        proof, signature = auth.path_proof_of(method, target, headers, body, now)
        handler, names = _path_handler(method, path)
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        payload = msgspec.Raw(body) if body else _NO_VALUE
        base_url = self._public_url or _base_url(headers)

        def make(caller: Any, resource: Any, db: Connection) -> Call:
            return Call(caller, resource, None, payload, db, self.storage, now, base_url, None, names, query)

        # A signature is good for some minutes. Sent again, by its maker or by another, it changes nothing more.
        return Asked(handler, proof, None, None, make, msgspec.json.encode, signature if handler.writes else None, body)

    # --- carrying out -------------------------------------------------------------------------------------------------

    def begin(self, asked: Asked, soon: Soon | None = None) -> LaterReply | AnyReply | None:
        """Carry out what is asked; return the reply, now or later, or None if it is too early: begin again then.

        Given ``soon``, a short write may be done on this thread: see :class:`.Writes`.
        """
        if not asked.handler.writes:
            try:
                self._trust(asked.proof)
                body = self.database.read(lambda db: self._read(asked, db))
                return Reply(200, _JSON, body) if isinstance(body, bytes) else LongReply(200, _JSON, body)
            except NotYet as error:
                return None if self.clock() < error.until else Reply(200, _JSON, asked.told(error.answer))
            except Exception as error:
                return self._refusal(asked, error)
        try:
            self._trust(asked.proof)
            prepared = None
            if asked.handler.prepare is not None:
                prepared = self.database.read(lambda db: self._prepared(asked, db))
            if not asked.handler.is_short or len(asked.body) > SHORT:
                soon = None
            written = self.database.write(lambda db: self._written(asked, db, prepared), soon)
        except Exception as error:
            return self._refusal(asked, error)
        return LaterReply(written, lambda error: self._refusal(asked, error))

    def _trust(self, proof: auth.Proof) -> None:
        """Make whoever signs a request the first user, unless there is one."""
        if not self._trusts:
            return
        key_hex = proof.key_hex

        def work(db: Connection) -> None:
            if users.is_empty(db) and key_hex is not None:
                users.add_key(db, FIRST_USER, key_hex, self.clock())

        self.database.write(work).result()
        self._trusts = key_hex is None

    def _prepared(self, asked: Asked, db: Connection) -> Any:
        call = self._call(asked, db)
        if asked.request_id is not None and users.answered(db, *_once(asked, asked.request_id)) is not None:
            return None  # sent again: it was done, and is only answered again
        assert asked.handler.prepare is not None
        return asked.handler.prepare(call)

    def _read(self, asked: Asked, db: Connection) -> bytes | IO[bytes]:
        value = asked.handler.run(self._call(asked, db))
        if isinstance(value, Parts):
            before, after = (_PREFIX, b"}") if asked.told is _enveloped else (b"", b"")
            return self.storage.spooled(chain((before,), value.parts, (after,)))
        return asked.told(value)

    def _written(self, asked: Asked, db: Connection, prepared: Any) -> bytes:
        call = self._call(asked, db)
        call.prepared = prepared
        if asked.request_id is None:
            return asked.told(asked.handler.run(call))
        maker, request_id = _once(asked, asked.request_id)
        digest = sha256(asked.body).digest()
        before = users.answered(db, maker, request_id)
        if before is not None:
            if before[0] != digest:
                raise InvalidArgumentsError("This request id was used for another request.")
            return self.storage.unseal(before[1])
        told = asked.told(asked.handler.run(call))
        users.remember(db, maker, request_id, digest, self.storage.seal(told), call.now)
        if call.now - self._forgot_at > ANSWERS_KEPT_S / 24:
            self._forgot_at = call.now
            users.forget_answers(db, call.now - ANSWERS_KEPT_S)
        return told

    def _call(self, asked: Asked, db: Connection) -> Call:
        caller, resource = auth.identified(db, asked.proof, asked.kind, asked.hash)
        auth.check(asked.handler.access, caller, resource)
        call = asked.make(caller, resource, db)
        call.strict_saves = self._strict_saves
        return call

    def _refusal(self, asked: Asked, error: BaseException) -> Reply:
        if asked.told is _enveloped:
            return Reply(200, _JSON, faults.envelope_of(error))
        status, text = faults.status_of(error)
        return Reply(status, _JSON, text)

    def close(self) -> None:
        """Finish what is under way and close the database."""
        self._jobs.close()
        self.database.close()


def open_service(
    folder: Path,
    url: str | None = None,
    *,
    trust_first_key: bool = False,
    strict_saves: bool = False,
    private_data: Iterable[str] = (),
    public_url: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Service:
    """Open the service of a folder, which is made if it is not there.

    Parameters
    ----------
    folder : Path
    url : str, optional
        Of a PostgreSQL database; by default the folder holds one.
    trust_first_key, strict_saves, public_url, clock
        See :class:`Service`.
    private_data : iterable of str
        Folders and buckets whose files may be registered where they lie, see :mod:`.clouds`.
    """
    make_folder(folder)
    storage = Storage(folder)
    storage.clouds = Clouds(private_data)
    return Service(
        open_database(folder, url),
        storage,
        trust_first_key=trust_first_key,
        strict_saves=strict_saves,
        public_url=public_url,
        clock=clock,
    )


def _once(asked: Asked, request_id: str) -> tuple[str, str]:
    """Return by whom a request was made, and the digest of what they call it."""
    return asked.proof.key_hex or asked.proof.secret_sha256 or "", sha256(request_id.encode()).hexdigest()


_PREFIX = b'{"status":200,"response":'


def _enveloped(value: Any) -> bytes:
    if isinstance(value, msgspec.Raw):
        return b"".join((_PREFIX, value, b"}"))
    return b"%s%s}" % (_PREFIX, msgspec.json.encode(value))


_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?", re.ASCII)


def _base_url(headers: Mapping[str, str]) -> str:
    host = headers.get("host", "")
    return f"http://{host}" if _HOST.fullmatch(host) else "http://localhost"


def _path_handler(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    for route, handler in PATH_HANDLERS.items():
        names = _names(route, path)
        if names is not None and route.method == method:
            return handler, names
    raise MethodNotAllowedError(f"{method} is not answered at this address.")


def _names(route: PathRoute, path: str) -> dict[str, str] | None:
    own, given = route.path.split("/"), path.split("/")
    if len(own) != len(given):
        return None
    pairs = list(zip(own, given, strict=True))
    if any(not one.startswith("{") and one != other for one, other in pairs):
        return None
    return {one[1:-1]: unquote(other) for one, other in pairs if one.startswith("{")}
