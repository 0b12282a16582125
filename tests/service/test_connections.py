"""Requests over a socket: the short way and the general one answer alike, however the bytes come in."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness import Running, key_of, running
from worlds import world

from encord_convert.sdk.exceptions import UnknownException
from encord_convert.sdk.http._envelopes import request_bytes
from encord_convert.sdk.http._signatures import authorization
from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.service import connections, storage
from encord_convert.service.app import LongReply
from encord_convert.service.connections import head_of
from encord_convert.service.server import Application

BODY = request_bytes(Query.DATASET_WITH_USER_ROLE, Verb.GET, None, {"filter": {}, "enable_storage_api": True})


def request(body: bytes = BODY, path: str = USER, *lines: str, first: str = "POST /{} HTTP/1.1") -> bytes:
    """A signed request as it stands on the wire."""
    head = [first.format(path), "Host: here", f"Authorization: {authorization(key_of('ann'), body)}", *lines]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Wire:
    """A connection on which bytes are sent as they are."""

    def __init__(self, server: Running) -> None:
        address = urlsplit(server.url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=10)
        self.stream = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)
            time.sleep(0.02 if len(parts) > 1 else 0)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer; the status is 0 if the connection is closed."""
        status = self.stream.readline()
        if not status:
            return 0, {}, b""
        headers = {}
        while line := self.stream.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name] = value
        return int(status.split()[1]), headers, self.stream.read(int(headers["content-length"]))

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, "socket") as it:
        it.user("ann")
        yield it


@pytest.fixture
def wire(server: Running) -> Iterator[Wire]:
    it = Wire(server)
    yield it
    it.close()


LISTED = b'{"status":200,"response":[]}'


def test_a_request_is_answered_however_it_is_cut(wire: Wire) -> None:
    whole = request()
    for cuts in ((), (1,), (20,), (len(whole) - len(BODY),), (len(whole) - 1,), (5, 60, len(whole) - 10)):
        edges = [0, *cuts, len(whole)]
        wire.send(*(whole[a:b] for a, b in pairwise(edges)))
        status, headers, body = wire.answer()
        assert (status, body) == (200, LISTED), cuts
        assert {"date", "content-type", "x-content-type-options"} <= set(headers)


def test_requests_that_come_together_are_answered_in_order(wire: Wire) -> None:
    unknown = request(BODY, "nowhere")
    wire.send(b"".join([request(), unknown, request()] * 200) + request()[:30])
    for _ in range(200):
        assert [wire.answer()[0] for _ in range(3)] == [200, 401, 200]
    wire.send(request()[30:])
    assert wire.answer()[2] == LISTED


def test_ways_may_change_on_one_connection(wire: Wire) -> None:
    general = request(BODY, USER, "X-Empty:")
    for one in (request(), general, request(), b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n", request(), general):
        wire.send(one)
        assert wire.answer()[0] == 200
    wire.send(general + request()[:40])
    assert wire.answer()[2] == LISTED
    wire.send(request()[40:])
    assert wire.answer()[2] == LISTED


@pytest.mark.parametrize(
    "lines",
    [
        ("Transfer-Encoding: chunked",),
        ("Content-Length: 3",),
        ("Connection: close",),
        ("Expect: 100-continue",),
        ("Upgrade: websocket", "Connection: upgrade"),
        ("X-Empty:",),
        ("X-Accent: é",),
        ("X-Folded: a\r\n b",),
        ("Host: there",),
        ("Space : a",),
    ],
)
def test_what_is_doubtful_goes_the_general_way(lines: tuple[str, ...]) -> None:
    assert head_of(request()) is not None
    assert head_of(request(BODY, USER, *lines)) is None


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"POST /x HTTP/1.1\r\nHost: here\r\nContent-Length: 1",
        b"POST /x HTTP/1.1\r\nHost: here\r\n\r\n",
        b"POST /x HTTP/1.0\r\nHost: here\r\nContent-Length: 0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /x HTTP/1.1\nHost: here\nContent-Length: 0\n\n",
        b"POST http://here/x HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: here\r\nContent-Length: +1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999\r\n\r\n",
        b"post /x HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n",
        b"POST /x y HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: here\r\nX: " + b"x" * connections.MOST_HEADER + b"\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_what_is_no_plain_head_goes_the_general_way(beginning: bytes) -> None:
    assert head_of(beginning) is None


def test_a_head_is_read_as_it_stands() -> None:
    data = b"PUT /a?b=%20 HTTP/1.1\r\nHOST:  here:80\r\nX-A:b: c\r\nContent-Length: 12\r\n\r\nhello"
    assert head_of(data) == (
        "PUT", "/a?b=%20", {"host": "here:80", "x-a": "b: c", "content-length": "12"}, len(data) - 5, 12,
    )  # fmt: skip


def test_both_ways_say_the_same(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        request(), request(b"{"), request(BODY, "nowhere"), request(BODY, USER, "Content-Encoding: gzip"),
        request(BODY, USER, first="PUT /{} HTTP/1.1"), request(BODY, RESOURCE, "ResourceType: project"),
        request(b"", "storage/uploads/x?expires=1&signature=2", first="PUT /{} HTTP/1.1"),
    ]  # fmt: skip

    def answers() -> list[tuple[int, dict[str, str], bytes]]:
        found = []
        for one in asked:
            wire = Wire(server)
            wire.send(one)
            status, headers, body = wire.answer()
            headers.pop("date")
            found.append((status, headers, body))
            wire.close()
        return found

    short = answers()
    monkeypatch.setattr(Application, "is_short", lambda *_: False)
    assert answers() == short
    assert [status for status, _, _ in short] == [200, 200, 401, 415, 200, 200, 403]


def test_a_caller_who_leaves_is_no_trouble(server: Running) -> None:
    for one in (request(), request()[:-5], request() + request()):
        wire = Wire(server)
        wire.send(one)
        wire.close()
    wire = Wire(server)
    wire.send(request())
    assert wire.answer()[2] == LISTED
    wire.close()


@pytest.mark.parametrize("is_short", [True, False])
def test_a_body_that_stops_is_not_waited_for(server: Running, monkeypatch: pytest.MonkeyPatch, is_short: bool) -> None:
    monkeypatch.setattr(connections, "PART_S", 0.3)
    wire = Wire(server)
    wire.send(request(BODY, USER, *([] if is_short else ["X-Empty:"]))[:-5])
    assert wire.answer()[0] == 408
    assert wire.answer()[0] == 0
    wire.close()


def test_nobody_who_is_silent_after_an_answer_stays_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encord_convert.service.server.IDLE_S", 1)
    with running(tmp_path, "socket") as server:
        server.user("ann")
        wire = Wire(server)
        wire.send(request())
        assert wire.answer()[0] == 200
        assert wire.answer()[0] == 0
        wire.close()


@pytest.mark.parametrize("is_short", [True, False])
def test_a_long_answer_comes_from_a_file_and_is_the_same(
    server: Running, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_short: bool
) -> None:
    made = world(server)
    for number in range(40):
        made.add(title=f"{number}.png")
    body = request_bytes(Query.LABEL_ROW_METADATA, Verb.GET, None, {"include_uninitialised_labels": True})
    of = ["ResourceType: project", f"ResourceID: {made.project.project_hash}"]
    asked = request(body, RESOURCE, *of, *([] if is_short else ["X-Empty:"]))
    wire.send(asked)
    _, _, in_memory = wire.answer()
    assert len(json.loads(in_memory)["response"]) == 40
    monkeypatch.setattr(storage, "SHORT", 1000)
    monkeypatch.setattr(connections, "PART", 700)
    sent = []
    monkeypatch.setattr(LongReply, "size", property(lambda reply: sent.append(reply.file) or len(in_memory)))
    wire.send(asked + request())
    assert wire.answer()[2] == in_memory
    assert len(json.loads(wire.answer()[2])["response"]) == 1
    assert [file.closed for file in sent] == [True]
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


def test_a_long_answer_is_the_same_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path) as server:
        made = world(server)
        for number in range(40):
            made.add(title=f"{number}.png")
        in_memory = made.client.list_label_rows(include_uninitialised_labels=True)
        monkeypatch.setattr(storage, "SHORT", 1000)
        assert made.client.list_label_rows(include_uninitialised_labels=True) == in_memory
        assert len(in_memory) == 40


def test_an_answer_that_fails_on_the_way_is_an_error_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as server:
        made = world(server)
        made.add()
        monkeypatch.setattr(storage, "SHORT", 0)

        def torn(*_: object) -> Iterator[object]:
            yield []
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("encord_convert.service.store.label_rows.listed", torn)
        with pytest.raises(UnknownException, match="The disk of the service is full or failing"):
            made.client.list_label_rows()
        assert list((tmp_path / "files" / "incoming").iterdir()) == []
