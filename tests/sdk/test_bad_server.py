"""A server that fails in every way leaves no call hanging, nothing made twice, and an error that says what happened."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from loopback import DROPPED, Answer, Received, success
from test_retries import Waiting
from wire_calls import DATASET, IMAGE, World

from encord_convert.sdk.exceptions import (
    AuthenticationError,
    EncordException,
    RequestException,
    TimeOutError,
    UnknownException,
)
from encord_convert.sdk.http import transport
from encord_convert.sdk.http.constants import RequestsSettings
from encord_convert.sdk.http.routes import REQUEST_ID, REQUEST_ID_HONOURED
from encord_convert.sdk.orm.dataset import StorageLocation

QUICK = RequestsSettings(
    max_retries=2,
    backoff_factor=1.0,
    connection_retries=1,
    connect_timeout=1,
    read_timeout=0.3,
    write_timeout=0.3,  # type: ignore[arg-type]
)
MADE = success({"title": "t", "type": 0, "dataset_hash": DATASET, "user_hash": "u", "backing_folder_uuid": None})
WORDS = b'{"message": "the words of the service"}'


def _create(world: World) -> Any:
    return world.user.create_dataset("t", StorageLocation.CORD_STORAGE)


def _read(world: World) -> Any:
    return world.user.get_cloud_integrations()


FAILURES: dict[str, tuple[Answer, int, type[EncordException], str]] = {
    # answer, attempts of a read, exception, part of its sentence
    "nothing": (Answer(after_s=1.0), 3, TimeOutError, "did not answer within 0.3 s"),
    "drops the connection": (DROPPED, 3, RequestException, "closed the connection before"),
    "cuts the head": (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Le"), 1, RequestException, "it is empty"),
    "cuts the body": (
        Answer(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status": 200'), 3, RequestException, "incomplete",
    ),
    "cuts the JSON": (Answer(body=b'{"status": 200, "respon'), 1, RequestException, "23 bytes like JSON"),
    "answers HTML": (Answer(502, b"<html>Bad gateway</html>"), 1, RequestException, "<html>Bad gateway</html>"),
    "answers nothing": (Answer(), 1, RequestException, "it is empty"),
    "damages gzip": (
        Answer(body=gzip.compress(b'{"status": 200}')[:-9] + b"damaged..", headers={"Content-Encoding": "gzip"}),
        3, RequestException, "damaged",
    ),
    "500": (Answer(500, WORDS), 3, UnknownException, "the words of the service"),
    "429": (Answer(429, WORDS, {"Retry-After": "7"}), 3, UnknownException, "the words of the service"),
    "413": (Answer(413, WORDS), 3, UnknownException, "the words of the service"),
    "speaks no HTTP": (Answer(raw=b"220 smtp.example.com ESMTP\r\n"), 3, RequestException, "closed the connection"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("call", [_read, _create])
def test_a_failure_ends_in_time_and_makes_nothing_twice(name: str, call: Callable[[World], Any]) -> None:
    answer, attempts, class_, words = FAILURES[name]
    waiting = Waiting()
    world = World(lambda received: answer, waiting.clock(), QUICK)
    began = time.monotonic()
    with world.server, pytest.raises(EncordException) as caught:
        call(world)
    assert time.monotonic() - began < 0.3 * attempts + 1.5
    assert type(caught.value) is class_ and words in caught.value.message
    assert len(world.recorded) == (attempts if call is _read else 1)
    if call is _create and attempts > 1 and class_ is not UnknownException:
        assert "It was not sent again, since it may have been carried out" in caught.value.message


def test_an_answer_that_trickles_is_late() -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Trickle(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            try:
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.05)
            except OSError:
                pass  # the client went, as it should

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Trickle)
    Thread(target=server.handle_request, daemon=True).start()
    request = transport.Request("POST", f"http://127.0.0.1:{server.server_port}/", {}, b"", 1, 0.3)
    began = time.monotonic()
    with pytest.raises(transport.ReplyLate, match=r"did not answer within 0\.3 s"):
        transport.SocketTransport().send(request)
    assert time.monotonic() - began < 2
    server.server_close()


@pytest.mark.parametrize(
    ("after", "waited"),
    [("7", 7.0), (formatdate(1_700_000_009, usegmt=True), 9.0), ("soon", 1.0), ("99999", 120.0), ("-5", 1.0)],
)
def test_retry_after_is_a_least_wait(after: str, waited: float) -> None:
    answers = [Answer(429, WORDS, {"Retry-After": after}), success([])]
    waiting = Waiting()
    world = World(lambda received: answers.pop(0), waiting.clock(), QUICK)
    with world.server:
        assert _read(world) == []
    assert waiting.slept == [waited]


def test_a_create_is_sent_again_where_the_service_honours_request_ids() -> None:
    made: dict[str, int] = {}

    def answer(received: Received) -> Answer:
        if received.envelope["query_type"] == "cloudintegration":
            return success([], **{REQUEST_ID_HONOURED: "true"})
        name = received.headers[REQUEST_ID]
        made[name] = made.get(name, 0) + 1
        return DROPPED if made[name] == 1 else MADE  # made, and the answer lost

    world = World(answer, Waiting().clock(), QUICK)
    with world.server:
        with pytest.raises(RequestException):
            _create(world)
        _read(world)
        assert _create(world)["dataset_hash"] == DATASET
    assert sorted(made.values()) == [1, 2]


def test_a_connection_the_server_closed_meanwhile_does_not_fail_a_create() -> None:
    answers = [Answer(body=b'{"status": 200, "response": []}', closes=True), MADE, MADE]
    world = World(lambda received: answers.pop(0), None, QUICK)
    with world.server:
        _read(world)
        time.sleep(0.1)
        _create(world)
        _create(world)
    assert [one.connection for one in world.recorded] == [1, 2, 2]


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "IDLE_S", 0.05)
    world = World(lambda received: MADE, None, QUICK)
    with world.server:
        _create(world)
        _create(world)
        time.sleep(0.1)
        _create(world)
    assert [one.connection for one in world.recorded] == [1, 1, 2]


def test_connections_are_shared_by_all_a_client_opens() -> None:
    world = World(lambda received: success(True))
    with world.server:
        world.project.submit_label_row_for_review("l")
        world.dataset.delete_data(["d"])
        world.project.model_delete("m")
    assert world.server.connections == 1


def _clocked(world: World, ahead_s: float, waiting: Waiting) -> None:
    world.server.date = formatdate(waiting.clock().now() + ahead_s, usegmt=True)


@pytest.mark.parametrize("ahead_s", [3600.0, -7200.0])
def test_clocks_that_differ_are_noticed_and_a_signature_made_again(ahead_s: float) -> None:
    waiting = Waiting()
    created: list[int] = []

    def answer(received: Received) -> Answer:
        made = int(received.headers["Signature-Input"].partition("created=")[2].partition(";")[0])
        created.append(made)
        is_near = abs(made - (waiting.began + ahead_s)) < 300
        return Answer(200 if is_near else 401, b"null" if is_near else WORDS)

    world = World(answer, waiting.clock(), QUICK)
    with world.server:
        row = world.rows[IMAGE]
        world.session.skew_s = 0.0
        _clocked(world, ahead_s, waiting)
        row.set_priority(0.5)
        row.set_priority(0.25)
    assert created == [waiting.began - 30] + [waiting.began + ahead_s - 30] * 2


def test_a_signature_that_stays_refused_is_made_twice_at_most() -> None:
    waiting = Waiting()
    world = World(lambda received: Answer(401, WORDS), waiting.clock(), QUICK)
    with world.server:
        row = world.rows[IMAGE]
        world.session.skew_s = 0.0
        _clocked(world, 3600, waiting)
        with pytest.raises(AuthenticationError, match="the words of the service"):
            row.set_priority(0.5)
    assert len(world.recorded) == 2


def test_a_redirect_is_not_followed() -> None:
    def answer(received: Received) -> Answer:
        return Answer(307, b"", {"Location": "http://127.0.0.1:1/elsewhere"})

    world = World(answer, Waiting().clock(), QUICK)
    with world.server, pytest.raises(RequestException, match=r"HTTP 307"):
        _read(world)
    assert len(world.recorded) == 1


def test_an_answer_that_swells_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_REPLY", 1 << 20)
    bomb = gzip.compress(bytes(1 << 26))
    world = World(lambda received: Answer(body=bomb, headers={"Content-Encoding": "gzip"}), Waiting().clock(), QUICK)
    with world.server, pytest.raises(RequestException, match="is larger than 1048576 bytes"):
        _read(world)
    assert len(world.recorded) == 1


def test_gzip_is_read() -> None:
    body = gzip.compress(json.dumps({"status": 200, "response": []}).encode())
    world = World(lambda received: Answer(body=body, headers={"Content-Encoding": "gzip"}))
    with world.server:
        assert _read(world) == []
