"""Recorded requests of the official package, sent as they are, get replies the wire protocol accepts.

Every call of ``fixtures/wire`` is sent request by request: method, address, headers and body byte for byte, signature
included, to a served service that has what they name. What a request has from an earlier reply (addresses to upload to,
hashes of what was made) is put in its place, and then the request is signed again; so are those whose signature holds
only for minutes. Images, videos and slices that are uploaded are real ones. Accepted is

- of the envelope API: HTTP 200, ``status`` 200 and a ``response`` of the shape :mod:`wire_replies` has for the query;
  of what needs an engine, the documented code;
- of REST v2 and of storage: HTTP 200, and the shape.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from capture_worlds import KEY, WIRE, prepare
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness import running
from media import CT, film, image
from wire_replies import BY_UID, REFUSED, REPLIES, YOUNGER, faults

from encord_convert.sdk.http._signatures import authorization, signature_headers
from encord_convert.sdk.http.routes import ROUTES
from encord_convert.service.server import Server

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEY["private_seed_hex"]))
VECTORS = json.loads((WIRE / "signature_vectors.json").read_text())
SAMPLES = {
    "<random uuid4>": "01234567-89ab-4def-8123-456789abcdef",
    "<8 base64 chars>": "abcd+/12",
    "<8 hex>": "0123abcd",
    "<32 lowercase hex>": "0" * 32,
    "<decimal 1..2^63-1>": "1",
    "<x.y.z>": "3.11.7",
}
EMPTY = "FILE_TYPE_NOT_SUPPORTED_ERROR"
"""The code for an image without a byte."""
MADE = re.compile(r".*(hash|_url|_link|_uuid|PageToken)")
"""Members of replies that later requests repeat."""


def blocks() -> Iterator[Any]:
    for file in sorted(WIRE.glob("*.json")):
        for block in json.loads(file.read_text()).get("calls", ()):
            if block["requests"]:
                yield pytest.param(block, id=f"{file.stem}: {block['call']}")


def filled_in(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def send(method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """Send a request with these headers and no other."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.putrequest(method, url.partition(parts.netloc)[2], skip_host=True, skip_accept_encoding=True)
    is_chunked = headers.get("Transfer-Encoding") == "chunked"
    for name, value in (headers | {"Host": parts.netloc}).items():
        if name != "Content-Length":
            connection.putheader(name, value)
    if not is_chunked:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body, encode_chunked=is_chunked)
    reply = connection.getresponse()
    told = reply.read()
    connection.close()
    return reply.status, told


def real(title: str, folder: Path) -> bytes:
    """Return a file of the kind its name says; of none, an image."""
    match Path(title).suffix:
        case ".mp4":
            return film(folder / title).read_bytes()
        case ".dcm":
            return next(iter(sorted(CT.glob("*.dcm")))).read_bytes()
        case ".jpg" | ".jpeg":
            return image(folder / title, 64, 48, format="JPEG").read_bytes()
    return image(folder / title, 64, 48, format="PNG").read_bytes()


class Player:
    """Sends the requests of a block one after another."""

    def __init__(self, url: str, known: dict[str, str], folder: Path) -> None:
        self.url, self.known, self.folder = url, dict(known), folder
        self.title = ""
        self.is_over = self.sent_nothing = False

    def play(self, request: dict[str, Any]) -> Iterator[str]:
        """Send a request; yield what of its reply is not accepted."""
        if request["http_method"] == "PUT":
            yield from self._upload(request)
        elif isinstance(request["body"], dict) and "query_type" in request["body"]:
            yield from self._older(request)
        else:
            yield from self._younger(request)

    def _headers(self, request: dict[str, Any]) -> dict[str, str]:
        return {name: filled_in(value, SAMPLES | self.known) for name, value in request["headers"].items()}

    def _older(self, request: dict[str, Any]) -> Iterator[str]:
        written = json.dumps(request["body"])
        text = filled_in(written, SAMPLES | self.known)
        if text == written and "body_sha256" in request:
            assert sha256(text.encode()).hexdigest() == request["body_sha256"]
        headers = self._headers(request)
        is_exact = text == written and "<" not in headers["Authorization"]
        if not is_exact and ":" in headers["Authorization"]:
            headers["Authorization"] = authorization(SIGNER, text.encode())
        status, told = send("POST", self.url + request["path"], headers, text.encode())
        reply = json.loads(told)
        values = json.loads(text)["values"]
        if request["body"]["query_type"].startswith("signed"):
            self.title = values["uid"][0] if isinstance(values["uid"], list) else values["uid"]
        route = request["body"]["query_type"], request["body"]["query_method"]
        refused = EMPTY if self.sent_nothing else REFUSED.get(route)
        if refused is not None:
            if reply["response"] != [refused]:
                yield f"{route}: {told[:200]!r}"
            return
        if (status, reply["status"]) != (200, 200):
            yield f"{route}: HTTP {status}, {told[:300]!r}"
            return
        shape = REPLIES[route]
        of_many = route in BY_UID and isinstance(values["uid"], list)
        yield from faults(reply["response"], [shape] if of_many else shape, " ".join(route))
        self._learn(request, reply)

    def _younger(self, request: dict[str, Any]) -> Iterator[str]:
        body = b"" if request["body"] is None else json.dumps(request["body"]).encode()
        query = filled_in(request.get("query", ""), self.known)
        target = request["path"] + (f"?{query}" if query else "")
        signed = signature_headers(SIGNER, request["http_method"], target, body, int(time.time()) - 30)
        assert signed["Content-Digest"] == request["headers"]["Content-Digest"]
        status, told = send(request["http_method"], self.url + target, self._headers(request) | signed, body)
        if status != 200:
            yield f"{target}: HTTP {status}, {told[:200]!r}"
            return
        reply = json.loads(told)
        yield from faults(reply, YOUNGER[request["http_method"]], target.partition("?")[0])
        self.is_over = isinstance(reply, dict) and reply.get("nextPageToken", ...) is None

    def _upload(self, request: dict[str, Any]) -> Iterator[str]:
        self.sent_nothing = not request["body"]
        body = b"" if self.sent_nothing else real(self.title, self.folder)
        url = filled_in(f"http://127.0.0.1:18104{request['path']}?{request['query']}", self.known)
        status, told = send("PUT", url, self._headers(request), body)
        if status != 200:
            yield f"{url}: HTTP {status}, {told[:200]!r}"

    def _learn(self, request: dict[str, Any], reply: Any) -> None:
        recorded = request["reply"]
        if "body" in recorded:
            self.known |= dict(_pairs(recorded["body"], reply))


def _pairs(recorded: Any, found: Any) -> Iterator[tuple[str, str]]:
    """Yield what was made then and what was made now, of two replies."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for name, value in recorded.items():
            if isinstance(value, str) and isinstance(found.get(name), str) and MADE.fullmatch(name):
                yield value, found[name]
            else:
                yield from _pairs(value, found.get(name))
    elif isinstance(recorded, list) and isinstance(found, list):
        for one, other in zip(recorded, found, strict=False):
            yield from _pairs(one, other)


class Stand:
    """What listens for one service after another."""

    def __init__(self) -> None:
        self.service: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.service, name)


@pytest.fixture(scope="module")
def stand() -> Iterator[tuple[Stand, str]]:
    it = Stand()
    server = Server(it)  # type: ignore[arg-type]
    stop = server.start()
    yield it, server.url
    stop()


@pytest.mark.proves(
    "service: 4",
    "service: 19.1",
    "service: 19.2",
    "service: 19.5 19.6",
    "service: 19.7 19.8",
    "service: 19.9",
    "service: 19.13 19.14",
)
@pytest.mark.parametrize("block", list(blocks()))
def test_a_recorded_call_gets_replies_the_protocol_accepts(
    block: dict[str, Any], stand: tuple[Stand, str], tmp_path: Path
) -> None:
    with running(tmp_path / "service") as server:
        stand[0].service = server.service
        player = Player(stand[1], prepare(server, block, tmp_path / "cloud"), tmp_path)
        for request in block["requests"]:
            if player.is_over:  # the package asks for no page after the last
                break
            assert list(player.play(request)) == []


@pytest.mark.proves("service: 4")
def test_every_query_was_recorded_and_has_a_shape() -> None:
    recorded = {
        (one["body"]["query_type"], one["body"]["query_method"])
        for block in blocks()
        for one in block.values[0]["requests"]
        if isinstance(one["body"], dict) and "query_type" in one["body"]
    }
    assert recorded == REPLIES.keys() | REFUSED.keys() == {(str(query), str(verb)) for query, verb in ROUTES}


@pytest.mark.proves("service: 17")
@pytest.mark.parametrize("vector", VECTORS["legacy"], ids=lambda one: json.loads(one["input_text"])["query_type"])
def test_a_recorded_signature_opens_and_a_changed_one_does_not(
    vector: dict[str, Any], stand: tuple[Stand, str], tmp_path: Path
) -> None:
    with running(tmp_path / "service") as server:
        stand[0].service = server.service
        prepare(server, {"requests": []}, tmp_path / "cloud")
        headers = vector["resource_headers"] | vector["expected_header"]
        body = bytes.fromhex(vector["input_bytes_hex"])
        assert json.loads(send("POST", stand[1] + vector["path"], headers, body)[1])["status"] == 200
        for changed in (body + b" ", body.replace(b'"uid"', b'"uix"')):
            told = json.loads(send("POST", stand[1] + vector["path"], headers, changed)[1])
            assert told["response"] == ["AUTHENTICATION_ERROR"]


@pytest.mark.proves("service: 17", "service: 19.3")
@pytest.mark.parametrize("vector", VECTORS["v2"], ids=lambda one: one["method"] + one["path_and_query"][-20:])
def test_a_recorded_signature_of_the_younger_half_opens_in_its_time_alone(
    vector: dict[str, Any], stand: tuple[Stand, str], tmp_path: Path
) -> None:
    statuses = []
    for number, later in enumerate((30, 400)):
        with running(tmp_path / str(number), clock=lambda later=later: vector["created"] + later) as server:
            stand[0].service = server.service
            prepare(server, {"requests": [{"body": None, "headers": {}, "path": "/priorities"}]}, tmp_path / "cloud")
            body = bytes.fromhex(vector["body_hex"])
            target = stand[1] + vector["path_and_query"]
            statuses.append(send(vector["method"], target, vector["expected_headers"], body)[0])
    is_of_another_page = "pageToken" in vector["path_and_query"]
    assert statuses == [400 if is_of_another_page else 200, 401]
