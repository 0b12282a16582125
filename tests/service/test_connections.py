"""Requests over a socket: answered however the bytes come in, and cut off where they come too slowly."""

from __future__ import annotations

import gc
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
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
from encord_convert.service import server as server_module
from encord_convert.service.calls import HANDLERS, Handler, Parts

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


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("X-Empty:",), 200),
        (("X-Accent: é",), 200),
        (("Connection: close",), 200),
        (("Expect: 100-continue",), 100),
        (("Upgrade: websocket", "Connection: upgrade"), 200),
        (("Transfer-Encoding: chunked",), 400),
        (("Content-Length: 3",), 400),
        (("Content-Length: +1",), 400),
        (("Space : a",), 400),
        (("X-Folded: a\r\n b",), 400),
    ],
)
def test_a_head_is_read_in_one_way_or_refused(wire: Wire, lines: tuple[str, ...], status: int) -> None:
    wire.send(request(BODY, USER, *lines))
    assert int(wire.stream.readline().split()[1]) == status


def test_an_answer_to_a_head_request_has_no_body(wire: Wire) -> None:
    wire.send(b"HEAD /healthz HTTP/1.1\r\nHost: here\r\n\r\n" + request())
    assert int(wire.stream.readline().split()[1]) == 200
    while wire.stream.readline().strip():
        pass
    assert wire.answer()[2] == LISTED


def test_a_write_leaves_nothing_for_the_garbage_collector(server: Running, wire: Wire) -> None:
    made = world(server)
    begun = made.begun()
    body = request_bytes(Query.LABEL_ROW, Verb.POST, begun["label_hash"], begun)
    asked = request(body, RESOURCE, "ResourceType: project", f"ResourceID: {made.project.project_hash}")
    for count in (3, 50):  # at first, modules and statements are made
        gc.collect()
        gc.disable()
        try:
            for _ in range(count):
                wire.send(asked)
                assert wire.answer()[0] == 200
            left = gc.collect()
        finally:
            gc.enable()
    assert left < count


def test_a_caller_who_leaves_is_no_trouble(server: Running) -> None:
    for one in (request(), request()[:-5], request() + request()):
        wire = Wire(server)
        wire.send(one)
        wire.close()
    wire = Wire(server)
    wire.send(request())
    assert wire.answer()[2] == LISTED
    wire.close()


@pytest.mark.proves("service: 22")
@pytest.mark.parametrize("size", [len(BODY), 1 << 20])
def test_a_body_that_stops_is_not_waited_for(server: Running, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(connections, "SLACK_S", 0.3)
    monkeypatch.setattr(connections, "LEAST_RATE", 16 << 20)
    wire = Wire(server)
    wire.send(request(BODY.ljust(size))[:-5])
    assert wire.answer()[0] == 408
    assert wire.answer()[0] == 0
    wire.close()


@pytest.mark.proves("service: 22")
def test_a_body_that_trickles_is_not_waited_for(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SLACK_S", 0.5)
    wire, began = Wire(server), time.monotonic()
    whole = request(BODY.ljust(1 << 20))
    with suppress(OSError):  # it is cut while it sends
        for at in range(0, 1000, 10):
            wire.send(whole[at : at + 10], b"")
    assert time.monotonic() - began < 2
    wire.close()


@pytest.mark.proves("service: 22")
def test_a_body_has_an_end_however_fast_it_comes(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BODY_S", 0.5)
    wire, began = Wire(server), time.monotonic()
    whole = request(BODY.ljust(8 << 20))
    with suppress(OSError):
        for at in range(0, len(whole), 1 << 15):
            wire.send(whole[at : at + (1 << 15)], b"")
    assert time.monotonic() - began < 3
    wire.close()


def test_empty_lines_keep_no_connection_open(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SLACK_S", 0.3)
    wire = Wire(server)
    wire.send(request())
    assert wire.answer()[0] == 200
    wire.send(b"\r\n")
    with suppress(ConnectionResetError):
        assert wire.stream.read(1) == b""
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


def test_a_long_answer_comes_from_a_file_and_is_the_same(
    server: Running, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world(server)
    for number in range(40):
        made.add(title=f"{number}.png")
    body = request_bytes(Query.LABEL_ROW_METADATA, Verb.GET, None, {"include_uninitialised_labels": True})
    asked = request(body, RESOURCE, "ResourceType: project", f"ResourceID: {made.project.project_hash}")
    wire.send(asked)
    _, _, in_memory = wire.answer()
    assert len(json.loads(in_memory)["response"]) == 40
    monkeypatch.setattr(server_module, "PART", 700)
    for short in (1000, 1 << 20):  # as it is made, and when it is there
        monkeypatch.setattr(storage, "SHORT", short)
        wire.send(asked + request())
        assert wire.answer()[2] == in_memory
        assert len(json.loads(wire.answer()[2])["response"]) == 1
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


@pytest.mark.proves("service: 22")
def test_who_does_not_take_an_answer_is_cut_off(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SLACK_S", 0.5)
    handler = HANDLERS[USER, Query.DATASET_WITH_USER_ROLE, Verb.GET]
    long = Handler(lambda call: Parts([b"[]".ljust(64 << 20)]), handler.access, False)
    monkeypatch.setitem(HANDLERS, (USER, Query.DATASET_WITH_USER_ROLE, Verb.GET), long)
    wire = Wire(server)
    wire.send(request())
    time.sleep(2)
    taken = 0
    with suppress(ConnectionResetError):
        while part := wire.socket.recv(1 << 20):
            taken += len(part)
    assert taken < 60 << 20
    wire.close()


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

        def torn(*_: object, **__: object) -> Iterator[object]:
            yield []
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("encord_convert.service.store.label_rows.listed", torn)
        with pytest.raises(UnknownException, match="The disk of the service is full or failing"):
            made.client.list_label_rows()
        assert list((tmp_path / "files" / "incoming").iterdir()) == []
