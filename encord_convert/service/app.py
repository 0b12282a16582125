"""Request handling without sockets, so that a client in the same process can use it too.

A request is admitted by its head if its key is known, so unknown senders cost one database lookup. Then its body is
taken in (signature checked, envelope decoded), handled in a transaction that knows the caller, and answered after the
commit. Errors of the envelope API travel in an envelope with HTTP 200.

Source: wire protocol, sections 1 to 4 and 19.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from hashlib import file_digest, sha256
from importlib import import_module
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from pkgutil import iter_modules
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from encord_convert.sdk.exceptions import AuthorisationError, InvalidArgumentsError, MethodNotAllowedError
from encord_convert.sdk.http.routes import (
    NEWEST,
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
from encord_convert.service.calls import HANDLERS, PATH_HANDLERS, Call, Handler, Kind, NotYet, Parts, decoded
from encord_convert.service.clouds import Clouds
from encord_convert.service.files import LongReply, answer_file
from encord_convert.service.jobs import Jobs
from encord_convert.service.storage import PREFIX, Storage
from encord_convert.service.store import users
from encord_convert.service.store.database import Database, make_folder, open_database
from encord_convert.service.store.writes import Soon

HANDLER_MODULES = tuple(sorted(module.name for module in iter_modules(handlers.__path__)))
"""Modules of :mod:`.handlers`, which register their routes."""

ANSWERS_KEPT_S = 24 * 3600.0
"""Seconds a request id is remembered."""
FIRST_USER = "me@localhost"
"""Owner of the first key, if trusted."""
SHORT = 128 << 10
"""Largest request with a short write, in bytes."""
TRACE = "x-cloud-trace-context"
POLL_S = 0.25
"""Seconds between polls of what may still change."""

_REQUEST_ID = REQUEST_ID.lower()
_JSON = {"content-type": "application/json", REQUEST_ID_HONOURED.lower(): "1", "x-content-type-options": "nosniff"}
_KINDS = frozenset(Kind)
_OLDER_KINDS = (None, Kind.PROJECT, Kind.DATASET, Kind.ONTOLOGY)
_ENDPOINTS = {USER: USER, RESOURCE: RESOURCE, "/" + USER: USER, "/" + RESOURCE: RESOURCE}


class _Values(msgspec.Struct):
    uid: msgspec.Raw = msgspec.Raw(b"null")
    payload: msgspec.Raw = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct):
    query_type: str
    query_method: str
    values: _Values = msgspec.field(default_factory=_Values)


_decoder = msgspec.json.Decoder(_Envelope)
_NO_VALUE = msgspec.Raw(b"null")


AnyReply = Reply | LongReply


class Head(msgspec.Struct, frozen=True, gc=False):
    """A request without its body; header names in lower case, path and query as sent."""

    endpoint: str | None  # of the envelope API; None: REST v2
    method: str
    target: str
    headers: Mapping[str, str]
    proof: auth.Proof
    now: float


class Asked(msgspec.Struct, frozen=True):
    """An accepted request: its proof, its call, and how to send the answer."""

    handler: Handler
    proof: auth.Proof
    kind: str | None
    hash: str | None
    make: Callable[[Any, Any, Connection], Call]
    encode: Callable[[Any], bytes]
    request_id: str | None
    size: int
    """Bytes of the body."""
    digest: bytes
    """SHA-256 of the body."""


class LaterReply(msgspec.Struct, frozen=True, gc=False):
    """The reply to a write after its commit, as a future.

    Parameters
    ----------
    written : Future
        Of the body.
    refusal : callable
        Makes the reply for an error.
    """

    written: Future[bytes]
    refusal: Callable[[BaseException], Reply]

    def result(self) -> Reply:
        """Return the reply; wait for it if need be."""
        error = self.written.exception()
        return Reply(200, _JSON, self.written.result()) if error is None else self.refusal(error)


class Service:
    """The service.

    Parameters
    ----------
    database : Database
    storage : Storage
    trust_first_key : bool
        Whether the first key that signs a request becomes that of :data:`FIRST_USER`, if there is no user yet.
    strict_saves : bool
        Whether label rows are not saved over a newer revision of another author.
    is_newest : bool
        Whether to serve only the newest client's calls, for testing clients.
    public_url : str, optional
        Scheme and host of generated addresses; default: the request's.
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
        is_newest: bool = False,
        public_url: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        for name in HANDLER_MODULES:
            import_module(f"encord_convert.service.handlers.{name}")
        self.database = database
        self.storage = storage
        self.clock = clock
        self._public_url = public_url and public_url.rstrip("/")
        self._trusts = trust_first_key and database.read(users.is_empty)
        self._known: set[str] = set()
        """Keys known at their last lookup; each request checks them again."""
        self.is_local = False
        """Whether only this machine reaches the service."""
        self._strict_saves = strict_saves
        self._is_newest = is_newest
        self._forgot_at = 0.0
        self._jobs = Jobs(self)

    # --- answering ----------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """Answer a request; ``url`` is the part after the host."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.body if isinstance(request.body, bytes) else request.body.read() if request.body else b""
        path = urlsplit(request.url).path
        if path.startswith(PREFIX + "/"):
            return answer_file(self, request.method, request.url, headers, body)
        if path == "/healthz":
            return self.health()
        taken: Any = self.head(request.method, request.url, headers)
        if isinstance(taken, Head):
            taken = self.refused(taken) or self.take_in(taken, body)
        while isinstance(taken, Asked):
            outcome = self.begin(taken)
            done = outcome.result() if isinstance(outcome, LaterReply) else outcome
            if done is not None:
                return done.whole() if isinstance(done, LongReply) else done
            time.sleep(POLL_S)
        assert isinstance(taken, Reply)
        return taken

    def health(self) -> Reply:
        """Answer that the service is up and its database readable."""
        try:
            self.database.read(users.is_empty)
        except Exception as error:
            return Reply(502, _JSON, faults.status_of(error)[1])
        return Reply(200, _JSON, b'{"status": "ok"}')

    def head(self, method: str, target: str, headers: Mapping[str, str]) -> Head | Reply:
        """Return the parsed head of a request, or the refusal of one without a key; see :class:`Head`."""
        endpoint = _ENDPOINTS.get(target.partition("?")[0])
        now = self.clock()
        try:
            if self._trusts and self.is_local and not _is_own(headers.get("host", ""), self._public_url):
                raise AuthorisationError(
                    "Until its first key is known, the service answers to localhost and its own address only."
                )  # a web page could use another name (DNS rebinding)
            token = headers.get("authorization", "")
            if token.startswith(auth.BEARER):
                proof = auth.token_proof(token.removeprefix(auth.BEARER), self.storage.unseal, now)
                if endpoint is None or method == "POST":
                    return Head(endpoint, method, target, headers, proof, now)
            elif endpoint is None:
                return Head(None, method, target, headers, auth.rest_proof(method, target, headers, now), now)
            if method != "POST":
                raise MethodNotAllowedError("Every request to this address is an HTTP POST.")
            return Head(endpoint, method, target, headers, auth.envelope_proof(headers), now)
        except Exception as error:
            return refusal(endpoint is not None, error)

    def knows(self, head: Head) -> bool:
        """Return whether the key of a request is already known."""
        return (head.proof.key_hex or head.proof.secret_sha256) in self._known

    def refused(self, head: Head) -> Reply | None:
        """Look up the key of a request; return the refusal of an unknown one, before reading the body."""
        try:
            if not self.knows(head) and self.database.read(lambda db: auth.is_known(db, head.proof)):
                self._known.add(head.proof.key_hex or head.proof.secret_sha256 or "")
            elif not self.knows(head) and not self._trusts:
                raise auth.refusal()
        except Exception as error:
            return refusal(head.endpoint is not None, error)
        return None

    def take_in(self, head: Head, body: bytes | IO[bytes]) -> Asked | Reply:
        """Check and decode a request; return it, or the refusal. A body in a file is read after the check."""
        try:
            digest = sha256(body).digest() if isinstance(body, bytes) else digest_of(body)
            head.proof.check(digest)
            if not isinstance(body, bytes):
                body.seek(0)
                body = body.read()
            if self._trusts:
                self._trust(head.proof)
            return self._envelope(head, body, digest) if head.endpoint else self._rest(head, body, digest)
        except Exception as error:
            return refusal(head.endpoint is not None, error)

    def _envelope(self, head: Head, body: bytes, digest: bytes) -> Asked:
        envelope = _decoder.decode(body)
        values, headers, endpoint = envelope.values, head.headers, head.endpoint or ""
        handler = HANDLERS.get((endpoint, envelope.query_type, envelope.query_method))
        if handler is None or (self._is_newest and (envelope.query_type, envelope.query_method) not in NEWEST):
            raise InvalidArgumentsError(
                f"{envelope.query_method[:16]} {envelope.query_type[:64]} is not served at {endpoint}."
            )
        uid, base_url = decoded(values.uid), self._public_url or _base_url(headers)

        def make(caller: Any, resource: Any, db: Connection) -> Call:
            return Call(caller, resource, uid, values.payload, db, self.storage, head.now, base_url)

        request_id = headers.get(_REQUEST_ID) if handler.writes else None
        if request_id and is_repeatable(Query(envelope.query_type), Verb(envelope.query_method)):
            request_id = None
        kind, hash_ = None, None
        if endpoint == RESOURCE:
            kind, hash_ = headers.get("resourcetype"), headers.get("resourceid", "")
            if kind not in _OLDER_KINDS:
                kind = ""  # the envelope API has no other statuses
        return Asked(handler, head.proof, kind, hash_, make, _enveloped, request_id, len(body), digest)

    def _rest(self, head: Head, body: bytes, digest: bytes) -> Asked:
        parts = urlsplit(head.target)
        handler, names = _path_handler(head.method, head.target.partition("?")[0])
        query = parse_qs(parts.query)
        payload = msgspec.Raw(body) if body else _NO_VALUE
        base_url = self._public_url or _base_url(head.headers)

        def make(caller: Any, resource: Any, db: Connection) -> Call:
            return Call(caller, resource, None, payload, db, self.storage, head.now, base_url, None, names, query)

        # A signature is good for some minutes. Sent again it changes nothing more. The same asked twice within a second
        # has the same signature; clients give each request a trace of its own.
        once = f"{head.proof.signature.hex()} {head.headers.get(TRACE, '')}" if handler.writes else None
        if head.proof.is_token:
            once = None
        kind = next((name for name in names if name in _KINDS), None)
        of = None if kind is None else names[kind]
        return Asked(handler, head.proof, kind, of, make, msgspec.json.encode, once, len(body), digest)

    # --- carrying out -------------------------------------------------------------------------------------------------

    def begin(self, asked: Asked, soon: Soon | None = None) -> LaterReply | AnyReply | None:
        """Carry out a request; return the reply, now or later, or None if it must be retried later.

        With ``soon`` a short write may run on this thread: see :class:`.Writes`.
        """
        try:
            if not asked.handler.writes:
                body = self.database.read(lambda db: self._read(asked, db))
                return Reply(200, _JSON, body) if isinstance(body, bytes) else LongReply(200, _JSON, *body)
            prepared = None
            if asked.handler.prepare is not None:
                prepared = self.database.read(lambda db: self._prepared(asked, db))
                if asked.handler.is_long:
                    gc.collect()  # large and cyclic: freed before the next is read
            if not asked.handler.is_short or asked.size > SHORT:
                soon = None
            written = self.database.write(lambda db: self._written(asked, db, prepared), soon)
        except NotYet as error:
            return None if self.clock() < error.until else Reply(200, _JSON, asked.encode(error.answer))
        except Exception as error:
            return refusal(asked.encode is _enveloped, error)
        return LaterReply(written, lambda error: refusal(asked.encode is _enveloped, error))

    def _trust(self, proof: auth.Proof) -> None:
        """Make the signer of a request the first user, unless there is one."""
        key_hex = proof.key_hex

        def work(db: Connection) -> None:
            if users.is_empty(db) and key_hex is not None:
                users.add_key(db, FIRST_USER, key_hex, self.clock())

        self.database.write(work).result()
        self._trusts = key_hex is None

    def _prepared(self, asked: Asked, db: Connection) -> Any:
        call = self._call(asked, db)
        if asked.request_id is not None and users.answered(db, *_once(asked, asked.request_id)) is not None:
            return None  # a repeat: already done, only answered again
        assert asked.handler.prepare is not None
        return asked.handler.prepare(call)

    def _read(self, asked: Asked, db: Connection) -> bytes | tuple[IO[bytes], int]:
        value = asked.handler.run(self._call(asked, db))
        if not isinstance(value, Parts):
            return asked.encode(value)
        before, after = (_PREFIX, b"}") if asked.encode is _enveloped else (b"", b"")
        return self.storage.spooled(chain((before,), value.parts, (after,)))

    def _written(self, asked: Asked, db: Connection, prepared: Any) -> bytes:
        call = self._call(asked, db)
        call.prepared = prepared
        if asked.request_id is None:
            return asked.encode(asked.handler.run(call))
        maker, request_id = _once(asked, asked.request_id)
        before = users.answered(db, maker, request_id)
        if before is not None:
            if before[0] != asked.digest:
                raise InvalidArgumentsError("This request id was used for another request.")
            return self.storage.unseal(before[1])
        encoded = asked.encode(asked.handler.run(call))
        users.remember(db, maker, request_id, asked.digest, self.storage.seal(encoded), call.now)
        if call.now - self._forgot_at > ANSWERS_KEPT_S / 24:
            self._forgot_at = call.now
            users.forget_answers(db, call.now - ANSWERS_KEPT_S)
        return encoded

    def _call(self, asked: Asked, db: Connection) -> Call:
        caller, resource = auth.identified(db, asked.proof, asked.kind, asked.hash)
        auth.check(asked.handler.access, caller, resource)
        call = asked.make(caller, resource, db)
        call.strict_saves = self._strict_saves
        call.key_hex = None if asked.proof.is_token else asked.proof.key_hex
        return call

    def close(self) -> None:
        """Finish pending work and close the database."""
        self._jobs.close()
        self.database.close()


def open_service(
    folder: Path,
    url: str | None = None,
    *,
    trust_first_key: bool = False,
    strict_saves: bool = False,
    is_newest: bool = False,
    private_data: Iterable[str] = (),
    public_url: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Service:
    """Open the service of a folder, creating it if missing.

    Parameters
    ----------
    folder : Path
    url : str, optional
        URL of a PostgreSQL database; default: SQLite in the folder.
    trust_first_key, strict_saves, is_newest, public_url, clock
        See :class:`Service`.
    private_data : iterable of str
        Folders and buckets whose files may be registered in place, see :mod:`.clouds`.
    """
    make_folder(folder)
    storage = Storage(folder)
    storage.clouds = Clouds(private_data)
    return Service(
        open_database(folder, url),
        storage,
        trust_first_key=trust_first_key,
        strict_saves=strict_saves,
        is_newest=is_newest,
        public_url=public_url,
        clock=clock,
    )


def digest_of(file: IO[bytes]) -> bytes:
    """Return the SHA-256 of a file."""
    file.seek(0)
    return file_digest(file, "sha256").digest()  # type: ignore[arg-type]


def refusal(is_envelope: bool, error: BaseException) -> Reply:
    """Return the reply for an error: in an envelope, or in REST v2 form."""
    if is_envelope:
        return Reply(200, _JSON, faults.envelope_of(error))
    status, text = faults.status_of(error)
    return Reply(status, _JSON, text)


def _once(asked: Asked, request_id: str) -> tuple[str, str]:
    """Return the sender of a request, and the digest of its id."""
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


def _is_own(host: str, public_url: str | None) -> bool:
    """Return whether a ``Host`` is a name of a loopback service."""
    name = urlsplit(f"//{host}").hostname or "localhost"
    with suppress(ValueError):
        return bool(ip_address(name))
    return name == "localhost" or name == urlsplit(public_url or "").hostname


def _path_handler(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    fits = [
        (route.path.count("{"), handler, names)
        for route, handler in PATH_HANDLERS.items()
        if route.method == method and (names := _names(route, path)) is not None
    ]
    if fits:  # prefer the one with fewer placeholders: the other would match a literal part
        _, handler, names = min(fits, key=lambda one: one[0])
        return handler, names
    raise InvalidArgumentsError(f"{method} {path[:256]} is not served.")


def _names(route: PathRoute, path: str) -> dict[str, str] | None:
    own, given = _parts(route.path), path.split("/")
    if len(own) != len(given):
        return None
    pairs = list(zip(own, given, strict=True))
    if any(not one.startswith("{") and one != other for one, other in pairs):
        return None
    return {one[1:-1]: _same(unquote(other)) for one, other in pairs if one.startswith("{")}


@cache
def _parts(path: str) -> list[str]:
    return path.split("/")


def _same(text: str) -> str:
    """Return a UUID in its usual spelling, anything else as it is."""
    try:
        return str(UUID(text)) if len(text) in (32, 36) else text
    except ValueError:
        return text
