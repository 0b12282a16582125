"""The envelope, and what a hostile or clumsy caller meets: limits, odd bodies, odd titles."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from harness import Running, key_of, running
from sqlalchemy import delete

from encord_convert.sdk.exceptions import AuthenticationError, InvalidArgumentsError, InvalidDateFormatError
from encord_convert.sdk.http import _signatures
from encord_convert.sdk.http._envelopes import CODES, MULTI_LABEL_LIMIT, request_bytes
from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.sdk.http.transport import Reply, Request
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.service import connections, faults
from encord_convert.service import server as server_module
from encord_convert.service.calls import HANDLERS, Handler, NotYet
from encord_convert.service.store.tables import PUBLIC_KEYS

LIST = request_bytes(Query.DATASET_WITH_USER_ROLE, Verb.GET, None, {"filter": {}})


def posted(server: Running, body: bytes, path: str = USER, method: str = "POST", **headers: str) -> Reply:
    """Send bytes that ann signs."""
    server.user("ann")
    given = {"Authorization": _signatures.authorization(key_of("ann"), body), **headers}
    return server.transport().send(Request(method, server.url + path, given, body))


def told(reply: Reply) -> tuple[Any, Any]:
    assert reply.status == 200
    envelope = json.loads(reply.body)
    return envelope["response"], envelope.get("payload")


def test_success_is_status_200_and_the_response_alone(server: Running) -> None:
    reply = posted(server, LIST)
    assert (reply.status, reply.body) == (200, b'{"status":200,"response":[]}')
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.proves("service: 19.1")
def test_a_domain_with_a_slash_at_its_end_works(server: Running) -> None:
    assert told(posted(server, LIST, "/" + USER)) == ([], None)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The request cannot be read: Input data was truncated."),
        (b"not json", "The request cannot be read: JSON is malformed: invalid character (byte 4)."),
        (b"[]", "The request cannot be read: Expected `object`, got `array`."),
        (b"{}", "The request cannot be read: Object missing required field `query_type`."),
        (b'{"query_type": 1, "query_method": "GET"}', "Expected `str`, got `int` - at `$.query_type`."),
        (b"[" * 100_000, "The request cannot be read: "),
        (b'{"query_type": "\xff", "query_method": "GET"}', "The request cannot be read: "),
    ],
    ids=["empty", "no json", "list", "no type", "number", "deep", "no text"],
)
def test_a_body_that_is_no_envelope_is_told(server: Running, body: bytes, sentence: str) -> None:
    code, payload = told(posted(server, body))
    assert code == ["INVALID_ARGUMENTS_ERROR"]
    assert sentence in payload


def test_a_payload_that_is_too_deep_is_told(server: Running) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    body = b'{"query_type": "dataset", "query_method": "POST", "values": {"uid": null, "payload": %b}}' % deep
    assert told(posted(server, body))[0] == ["INVALID_ARGUMENTS_ERROR"]


@pytest.mark.parametrize(
    ("query", "verb", "path"),
    [("nonsense", "GET", USER), ("dataset", "DELETE", USER), ("dataset", "POST", RESOURCE), ("dataset", "get", USER)],
)
def test_what_no_route_has_is_not_answered(server: Running, query: str, verb: str, path: str) -> None:
    body = json.dumps({"query_type": query, "query_method": verb}).encode()
    assert told(posted(server, body, path, ResourceID="x", ResourceType="dataset")) == (
        ["INVALID_ARGUMENTS_ERROR"], f"{verb} {query} is not served at {path}.",
    )  # fmt: skip


def test_a_resource_of_a_made_up_kind_is_not_there(server: Running) -> None:
    body = request_bytes(Query.DATASET, Verb.GET, None, {})
    for kind in ("folder", "", "dataset' OR 1=1 --"):
        code, payload = told(posted(server, body, RESOURCE, ResourceID="x", ResourceType=kind))
        assert (code, payload) == (["RESOURCE_NOT_FOUND_ERROR"], "There is no resource x, or this key may not see it.")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_http_method_is_told(server: Running, method: str) -> None:
    code, payload = told(posted(server, LIST, method=method))
    assert (code, payload) == (["METHOD_NOT_ALLOWED_ERROR"], "Every request to this address is an HTTP POST.")


def test_an_address_that_is_none_is_refused_without_a_signature(server: Running) -> None:
    assert posted(server, b"", "/nowhere", "GET").status == 401


@pytest.mark.proves("service: 19.4")
def test_every_code_is_told_as_the_client_reads_it() -> None:
    for code, class_ in CODES.items():
        assert faults.code_of(class_("words")) == (code, "words")
    from encord_convert.sdk.exceptions import MultiLabelLimitError

    limit = MultiLabelLimitError("words", 7)
    assert faults.code_of(limit) == (MULTI_LABEL_LIMIT, {"maximum_labels_allowed": 7})


@pytest.mark.proves("service: 19.4")
def test_no_error_asks_to_be_asked_again() -> None:
    assert not {413, 429, 500, 503} & {faults.status_of(class_("words"))[0] for class_ in CODES.values()}


@pytest.mark.proves("service: 1")
def test_health_needs_no_key(server: Running) -> None:
    reply = server.transport().send(Request("GET", server.url + "/healthz", {}))
    assert (reply.status, reply.body) == (200, b'{"status": "ok"}')


def test_what_may_still_change_is_looked_at_again(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    handler = HANDLERS[USER, "datasetwithuserrole", "GET"]

    def waits(call: Any) -> Any:
        looks.append(call.now)
        if len(looks) < 3:
            raise NotYet("too early", server.service.clock() + 60)
        return ["done"]

    monkeypatch.setitem(HANDLERS, (USER, "datasetwithuserrole", "GET"), Handler(waits, handler.access, False))
    assert told(posted(server, LIST)) == (["done"], None)
    assert len(looks) == 3
    looks.clear()

    def never(call: Any) -> Any:
        raise NotYet("time is up", server.service.clock() - 1)

    monkeypatch.setitem(HANDLERS, (USER, "datasetwithuserrole", "GET"), Handler(never, handler.access, False))
    assert told(posted(server, LIST)) == ("time is up", None)


# --- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.proves("service: 23")
@pytest.mark.parametrize(
    "title",
    ["<script>alert(1)</script>", "'; DROP TABLE datasets; --", "../../etc/passwd", "a\nb\tc", "東京 🚦", "%_\\", ""],
)
def test_a_title_is_a_text_and_nothing_else(server: Running, title: str) -> None:
    ann = server.user("ann")
    made = ann.create_dataset(title, StorageLocation.CORD_STORAGE)
    ann.create_dataset("another", StorageLocation.CORD_STORAGE)
    assert ann.get_dataset(made.dataset_hash).title == title
    assert [one["dataset"].title for one in ann.get_datasets(title_eq=title)] == [title] if title else True


@pytest.mark.parametrize("title", ["a\0b", "\ud800", "x" * 1025, 7, None])
def test_a_title_that_cannot_be_kept_is_refused(server: Running, title: object) -> None:
    body = json.dumps(
        {"query_type": "dataset", "query_method": "POST", "values": {"payload": {"title": title, "type": 0}}}
    ).encode()
    assert told(posted(server, body))[0] == ["INVALID_ARGUMENTS_ERROR"]


@pytest.mark.proves("service: 23")
def test_patterns_keep_the_meaning_sql_gives_them(server: Running) -> None:
    ann = server.user("ann")
    titles = ["alpha", "alphabet", "beta", "a%b", "a_b", "axb", "a\\b", "ALPHA"]
    for title in titles:
        ann.create_dataset(title, StorageLocation.CORD_STORAGE)

    def found(pattern: str) -> list[str]:
        return [one["dataset"].title for one in ann.get_datasets(title_like=pattern)]

    assert found("alpha%") == ["alpha", "alphabet"]
    assert found("a_b") == ["a%b", "a_b", "axb", "a\\b"]
    assert found(r"a\%b") == ["a%b"]
    assert found(r"a\_b") == ["a_b"]
    assert found(r"a\\b") == ["a\\b"]
    assert found("%' OR '1'='1") == []
    with pytest.raises(InvalidArgumentsError, match="at most 1024 characters"):
        found("%" * 2000)


def test_conditions_of_time_and_text_are_all_met(tmp_path: Path) -> None:
    now = [1_700_000_000.0]
    with running(tmp_path, clock=lambda: now[0]) as server:
        ann = server.user("ann")
        for title in ("first", "second", "third"):
            ann.create_dataset(title, StorageLocation.CORD_STORAGE, f"the {title}")
            now[0] += 3600
        found = ann.get_datasets(created_after="2023-11-14T22:13:20", created_before="2023-11-15T00:30:00+00:00")
        assert [one["dataset"].title for one in found] == ["second", "third"]
        assert [one["dataset"].title for one in ann.get_datasets(desc_eq="the third", title_like="t%")] == ["third"]
        with pytest.raises(InvalidDateFormatError, match="'yesterday' is no date"):
            ann.querier.get_list(Query.DATASET_WITH_USER_ROLE, None, {"filter": {"created_after": "yesterday"}})
        with pytest.raises(InvalidArgumentsError, match="The filter has no 'colour'"):
            ann.querier.get_list(Query.DATASET_WITH_USER_ROLE, None, {"filter": {"colour": "red"}})


# --- load ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def socketed(tmp_path: Path) -> Any:
    with running(tmp_path, "socket") as it:
        yield it


@pytest.mark.proves("service: 22")
def test_a_body_that_is_too_long_is_not_taken_in(socketed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MOST_BODY", 1 << 20)
    host = urlsplit(socketed.url).netloc
    socketed.user("ann")
    for headers in ({"Content-Length": str((1 << 20) + 1)}, {"Transfer-Encoding": "chunked"}):
        connection = http.client.HTTPConnection(host)
        connection.putrequest("POST", USER)
        connection.putheader("Authorization", _signatures.authorization(key_of("ann"), b""))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        if "Content-Length" not in headers:
            part = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
            for _ in range(17):
                connection.send(part)
            connection.send(b"0\r\n\r\n")
        assert connection.getresponse().status == 413
        connection.close()


@pytest.mark.proves("service: 22")
def test_a_compressed_request_is_refused(socketed: Running) -> None:
    body = gzip.compress(bytes(1 << 20))
    reply = posted(socketed, body, **{"Content-Encoding": "gzip"})
    assert (reply.status, reply.body) == (415, b"Requests are not compressed: send the body as it is.")


@pytest.mark.proves("service: 22")
def test_who_is_slow_to_say_what_they_want_is_cut_off(socketed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SLACK_S", 0.3)
    host, port = urlsplit(socketed.url).hostname, urlsplit(socketed.url).port
    silent, slow = socket.create_connection((host, port)), socket.create_connection((host, port))
    slow.sendall(b"GET /healthz HTTP/1.1\r\n")
    for one in (silent, slow):
        one.settimeout(5)
        with suppress(ConnectionResetError):
            assert one.recv(1) == b""
        one.close()


@pytest.mark.proves("service: 22")
def test_a_head_without_end_is_cut_off(socketed: Running) -> None:
    one = socket.create_connection((urlsplit(socketed.url).hostname, urlsplit(socketed.url).port))
    one.settimeout(5)
    answer = b"?"
    try:
        one.sendall(b"GET /healthz HTTP/1.1\r\n")
        for _ in range(100):
            one.sendall(b"X: " + b"x" * 8192 + b"\r\n")
            time.sleep(0.001)
        answer = one.recv(100)
    except OSError:
        answer = b""
    one.close()
    assert answer == b"" or b" 400 " in answer


@pytest.mark.proves("service: 22")
def test_of_more_connections_than_there_is_room_for_the_silent_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 20)
    with running(tmp_path, "socket") as server:
        ann = server.user("ann")
        ann.get_datasets()  # on a connection that is kept
        address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
        idle = [socket.create_connection(address) for _ in range(60)]
        time.sleep(0.2)
        assert ann.get_datasets() == []
        assert server.transport().send(Request("GET", server.url + "/healthz", {})).status == 200
        for one in idle:
            one.close()


@pytest.mark.proves("service: 21")
def test_many_callers_at_once_are_all_answered(socketed: Running) -> None:
    users = [socketed.user(f"user{number}") for number in range(8)]
    failures: list[BaseException] = []

    def work(user: Any) -> None:
        try:
            for number in range(10):
                user.create_dataset(str(number), StorageLocation.CORD_STORAGE)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [len(user.get_datasets()) for user in users] == [10] * 8


@pytest.mark.proves("service: 22")
def test_more_long_bodies_than_there_is_room_for_are_told_to_come_again(
    socketed: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MOST_BODIES", 1 << 20)
    long = LIST.ljust(1 << 20)
    signed = _signatures.authorization(key_of("ann"), long)
    socketed.user("ann")
    first = http.client.HTTPConnection(urlsplit(socketed.url).netloc)
    first.putrequest("POST", USER)
    first.putheader("Content-Length", str(1 << 20))
    first.putheader("Authorization", signed)
    first.endheaders(long[:-100])
    time.sleep(0.2)
    assert posted(socketed, long).status == 503
    assert posted(socketed, LIST).status == 200  # for a short one there is always room
    first.send(long[-100:])
    assert first.getresponse().status == 200
    first.close()
    assert posted(socketed, long).status == 200


def test_addresses_are_called_as_the_service_is_called_from_outside(tmp_path: Path) -> None:
    with running(tmp_path, public_url="https://labels.example/") as server:
        ann = server.user("ann")
        made = ann.create_dataset("a", StorageLocation.CORD_STORAGE).dataset_hash
        place = ann.get_dataset(made)._client._querier.get(Query.SIGNED_VIDEO_URL, "a.mp4")
        assert place["signed_url"].startswith("https://labels.example/storage/uploads/")


def test_a_host_that_is_none_makes_no_address(server: Running) -> None:
    ann = server.user("ann")
    made = ann.create_dataset("a", StorageLocation.CORD_STORAGE).dataset_hash
    body = request_bytes(Query.SIGNED_VIDEO_URL, Verb.GET, "a.mp4", None)
    headers = {"ResourceID": made, "ResourceType": "dataset", "Host": "evil.example/x?"}
    reply = posted(server, body, RESOURCE, **headers)
    assert json.loads(reply.body)["response"]["signed_url"].startswith("http://localhost/storage/")


# --- who is unknown --------------------------------------------------------------------------------------------------


@pytest.mark.proves("service: 22")
def test_of_who_has_no_key_no_body_is_waited_for(socketed: Running) -> None:
    socketed.user("ann")
    signed = _signatures.authorization(key_of("nobody"), b"")
    for path, headers in ((USER, {}), (USER, {"Authorization": signed}), ("/v2/public/x", {})):
        connection = http.client.HTTPConnection(urlsplit(socketed.url).netloc, timeout=10)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(64 << 20))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert b"The key is unknown, or the signature is not of this request." in connection.getresponse().read()
        connection.close()


@pytest.mark.proves("service: 22")
def test_who_names_a_key_without_proof_takes_nobodys_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 20)
    with running(tmp_path, "socket") as server:
        ann = server.user("ann")
        ann.get_datasets()
        address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
        signed = _signatures.authorization(key_of("ann"), b"other")
        head = f"POST /{USER} HTTP/1.1\r\nHost: x\r\nAuthorization: {signed}\r\nContent-Length: 100\r\n\r\nbegun"
        opened = [socket.create_connection(address) for _ in range(60)]
        for one in opened:
            with suppress(OSError):
                one.sendall(head.encode())
        assert ann.get_datasets() == server.user("ann").get_datasets() == []
        for one in opened:
            one.close()


def test_a_key_that_is_added_is_known_at_once_and_one_that_is_gone_is_not(socketed: Running) -> None:
    stranger = socketed.stranger("bob")
    with pytest.raises(AuthenticationError):
        stranger.get_datasets()
    socketed.user("bob")
    assert stranger.get_datasets() == []
    socketed.service.database.write(lambda db: db.execute(delete(PUBLIC_KEYS))).result()
    with pytest.raises(AuthenticationError):
        stranger.get_datasets()


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost:8000", True), ("127.0.0.1", True), ("[::1]:80", True), ("192.168.1.7", True),
        ("labels.example", True), ("evil.example", False), ("localhost.evil.example:8000", False),
    ],
)  # fmt: skip
def test_until_there_is_a_user_no_page_of_another_name_makes_itself_one(
    tmp_path: Path, host: str, is_own: bool
) -> None:
    with running(tmp_path, "socket", trust_first_key=True, public_url="https://labels.example") as server:
        given = {"Authorization": _signatures.authorization(key_of("ann"), LIST)}
        body = server.transport().send(Request("POST", server.url + USER, {**given, "Host": host}, LIST)).body
        assert (body == b'{"status":200,"response":[]}') is is_own
        assert is_own or b"Until its first key is known" in body
        ann = server.stranger("ann")
        assert ann.get_datasets() == []  # she is the first now, and then every name will do
        body = server.transport().send(Request("POST", server.url + USER, {**given, "Host": host}, LIST)).body
        assert body == b'{"status":200,"response":[]}'


def test_a_forged_signature_makes_nobody_the_first_user(tmp_path: Path) -> None:
    with running(tmp_path, "socket", trust_first_key=True) as server:
        given = {"Authorization": _signatures.authorization(key_of("bob"), b"other")}
        told(server.transport().send(Request("POST", server.url + USER, given, LIST)))
        assert server.stranger("ann").get_datasets() == []


def test_a_request_of_too_many_values_is_refused(server: Running) -> None:
    body = b'{"query_type": "dataset", "query_method": "POST", "values": {"uid": null, "payload": [%b0]}}'
    code, payload = told(posted(server, body % (b"0," * 2_000_001)))
    assert (code, payload) == (["INVALID_ARGUMENTS_ERROR"], "A request may have 2000000 values; split it.")
