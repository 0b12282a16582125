"""Who gets in: signatures over the bytes as they came, times of REST v2, API keys and what they allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness import Running, key_of, running
from sqlalchemy import text

from encord_convert.sdk._dataset_client import EncordClientDataset
from encord_convert.sdk.client import client_by_key
from encord_convert.sdk.configs import ApiKeyConfig
from encord_convert.sdk.exceptions import (
    AuthenticationError,
    AuthorisationError,
    InvalidArgumentsError,
    ResourceNotFoundError,
)
from encord_convert.sdk.http import _signatures
from encord_convert.sdk.http._calls import Querier, Session
from encord_convert.sdk.http._envelopes import request_bytes
from encord_convert.sdk.http.routes import COLLABORATOR_TIMERS, REQUEST_ID, USER, PathRoute, Query, Verb
from encord_convert.sdk.http.transport import Reply, Request
from encord_convert.sdk.orm.dataset import DatasetScope, DatasetUserRole, StorageLocation
from encord_convert.service import auth
from encord_convert.service.calls import HANDLERS, PATH_HANDLERS, Access, Call, Handler, Kind

REFUSED = "The key is unknown, or the signature is not of this request."
LIST = request_bytes(Query.DATASET_WITH_USER_ROLE, Verb.GET, None, {"filter": {}})


def sent(server: Running, body: bytes, authorization: str | None, path: str = USER, **headers: str) -> dict[str, Any]:
    """Send raw bytes, and return the envelope."""
    given = {**headers} | ({} if authorization is None else {"Authorization": authorization})
    reply = server.transport().send(Request("POST", server.url + path, given, body))
    assert reply.status == 200
    return json.loads(reply.body)


def refusal(code: str, payload: str, status: int) -> dict[str, Any]:
    return {"status": status, "response": [code], "payload": payload}


@pytest.mark.proves("service: 17")
def test_a_signature_over_the_bytes_as_they_came_gets_in(server: Running) -> None:
    server.user("ann")
    odd = LIST.replace(b": ", b" :\n ")
    envelope = sent(server, odd, _signatures.authorization(key_of("ann"), odd))
    assert envelope == {"status": 200, "response": []}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "nonsense",
        "a:b",
        _signatures.authorization(key_of("ann"), LIST + b" "),
        _signatures.authorization(key_of("ann"), LIST).upper(),
        _signatures.authorization(key_of("stranger"), LIST),
        f"{_signatures.public_key_hex(key_of('ann'))}:{_signatures.authorization(key_of('bob'), LIST)[65:]}",
        "0" * 64 + ":" + "0" * 128,
        "f" * 64 + ":" + "f" * 128,
        "x" * 100_000,
    ],
    ids=["none", "empty", "word", "short", "other bytes", "upper case", "unknown key", "another's", "0", "f", "long"],
)
def test_what_is_not_signed_by_a_known_key_is_refused_in_the_same_words(
    tmp_path: Path, authorization: str | None
) -> None:
    with running(tmp_path) as server:
        server.user("ann")
        assert sent(server, LIST, authorization) == refusal("AUTHENTICATION_ERROR", REFUSED, 401)


def test_a_refused_request_changes_nothing(server: Running) -> None:
    ann, stranger = server.user("ann"), server.stranger("stranger")
    with pytest.raises(AuthenticationError, match="The key is unknown"):
        stranger.create_dataset("Mine", StorageLocation.CORD_STORAGE)
    assert ann.get_datasets() == []


@pytest.mark.proves("service: 17")
def test_what_is_unknown_and_what_is_forbidden_look_alike(server: Running) -> None:
    made = server.user("ann").create_dataset("Crossings", StorageLocation.CORD_STORAGE).dataset_hash
    bob, messages = server.user("bob"), []
    for hash_ in (made, made[:-4] + "0000"):
        with pytest.raises(ResourceNotFoundError) as caught:
            bob.get_dataset(hash_)
        messages.append(caught.value.message.replace(hash_, "HASH"))
    assert messages == ["There is no dataset HASH, or this key may not see it."] * 2


def test_a_role_that_only_reads_does_not_write(server: Running) -> None:
    ann, bob = server.user("ann"), server.user("bob")
    made = ann.create_dataset("Crossings", StorageLocation.CORD_STORAGE).dataset_hash
    given = ann.get_dataset(made).add_users(["Bob@Example.com"], DatasetUserRole.USER)
    assert [(one.user_email, one.user_role) for one in given] == [("bob@example.com", DatasetUserRole.USER)]
    assert bob.get_datasets()[0]["user_role"] == DatasetUserRole.USER
    seen = bob.get_dataset(made)
    with pytest.raises(AuthorisationError, match="role in this dataset does not allow this"):
        seen.add_users(["eve@example.com"], DatasetUserRole.ADMIN)


# --- REST v2 ------------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Answer two routes of REST v2, and count what is written."""
    written: list[Any] = []

    def write(call: Call) -> dict[str, str]:
        written.append((call.path, call.payload))
        return {"email": call.caller.email}

    monkeypatch.setitem(PATH_HANDLERS, PathRoute("POST", "/v2/public/counted/{name}"), Handler(write, Access(), True))
    monkeypatch.setitem(
        PATH_HANDLERS, COLLABORATOR_TIMERS, Handler(lambda call: {"results": [], "query": call.query}, Access(), False)
    )
    return written


def signed(server: Running, target: str, body: bytes, age_s: float, key: Ed25519PrivateKey, **other: str) -> Reply:
    created = int(server.service.clock() - age_s)
    headers = _signatures.signature_headers(key, "POST", target, body, created) | other
    return server.transport().send(Request("POST", server.url + target, headers, body))


def test_a_path_is_called_with_its_names_query_and_payload(server: Running, counted: list[Any]) -> None:
    ann = server.user("ann")
    reply = signed(server, "/v2/public/counted/a%2Fb", b'{"p": 1}', 30, key_of("ann"))
    assert (reply.status, json.loads(reply.body)) == (200, {"email": "ann@example.com"})
    assert counted == [({"name": "a/b"}, {"p": 1})]
    answer = ann.querier.call(COLLABORATOR_TIMERS, query={"projectHash": "p", "after": "2024-01-01 00:00:00+00:00"})
    assert answer["query"] == {"projectHash": "p", "after": "2024-01-01 00:00:00+00:00"}


@pytest.mark.parametrize("age_s", [-310, 310, 1e9])
def test_a_signature_of_another_time_is_refused(server: Running, counted: list[Any], age_s: float) -> None:
    server.user("ann")
    reply = signed(server, "/v2/public/counted/a", b"{}", age_s, key_of("ann"))
    assert reply.status == 401
    assert json.loads(reply.body)["message"] == "The signature is not of this time. Is a clock wrong?"
    assert counted == []


@pytest.mark.proves("service: 17")
def test_a_replay_gets_the_answer_again_and_changes_nothing(
    server: Running, counted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.user("ann")
    now = server.service.clock()
    monkeypatch.setattr(server.service, "clock", lambda: now)  # a second later it would be another signature
    replies = [signed(server, "/v2/public/counted/a", b"{}", 30.5, key_of("ann")) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 200]
    assert replies[0].body == replies[1].body
    assert len(counted) == 1


def test_a_signature_in_another_spelling_is_not_another_request(
    server: Running, counted: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.user("ann")
    now = server.service.clock()
    monkeypatch.setattr(server.service, "clock", lambda: now)
    target = "/v2/public/counted/a"
    headers = _signatures.signature_headers(key_of("ann"), "POST", target, b"{}", int(now - 30))
    assert server.transport().send(Request("POST", server.url + target, headers, b"{}")).status == 200
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = headers["Signature"][-4]  # its lower four bits stand for nothing
    other = headers["Signature"][:-4] + letters[letters.index(last) + 1] + headers["Signature"][-3:]
    reply = server.transport().send(Request("POST", server.url + target, {**headers, "Signature": other}, b"{}"))
    assert (reply.status, len(counted)) == (401, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"Content-Digest": _signatures.content_digest(b"{ }")},
        {"Signature": "encord-sig=:AAAA:"},
        {"Signature": ""},
        {"Signature-Input": 'encord-sig=("@method");created=1;keyid="00";alg="ed25519"'},
    ],
    ids=["digest", "short", "none", "less is signed"],
)
def test_a_path_whose_signature_is_wrong_is_refused(server: Running, counted: list[Any], other: dict[str, str]) -> None:
    server.user("ann")
    reply = signed(server, "/v2/public/counted/a", b"{}", 30, key_of("ann"), **other)
    assert (reply.status, json.loads(reply.body)["message"]) == (401, REFUSED)
    assert counted == []


def test_a_signature_for_one_path_is_none_for_another(server: Running, counted: list[Any]) -> None:
    server.user("ann")
    created = int(server.service.clock()) - 30
    headers = _signatures.signature_headers(key_of("ann"), "POST", "/v2/public/counted/a", b"{}", created)
    reply = server.transport().send(Request("POST", server.url + "/v2/public/counted/b", headers, b"{}"))
    assert (reply.status, counted) == (401, [])


# --- API keys --------------------------------------------------------------------------------------------------------


def holder(server: Running, dataset_hash: str, key: str) -> EncordClientDataset:
    config = ApiKeyConfig(dataset_hash, key, server.url)
    client = client_by_key(config, Querier(config, Session(server.transport())))
    assert isinstance(client, EncordClientDataset)
    return client


@pytest.mark.proves("service: 8")
def test_an_api_key_opens_its_dataset_and_no_other(server: Running) -> None:
    ann = server.user("ann")
    one, other = (ann.create_dataset(title, StorageLocation.CORD_STORAGE).dataset_hash for title in "ab")
    key = ann.create_dataset_api_key(one, "reader", [DatasetScope.READ])
    assert (key.title, key.scopes, len(key.api_key)) == ("reader", [DatasetScope.READ], 43)
    assert holder(server, one, key.api_key).get_dataset().title == "a"
    with pytest.raises(AuthenticationError):
        holder(server, other, key.api_key)
    with pytest.raises(AuthenticationError):
        holder(server, one, key.api_key[:-1] + ("A" if key.api_key[-1] != "A" else "B"))


def test_a_key_that_reads_does_not_write(server: Running) -> None:
    ann = server.user("ann")
    made = ann.create_dataset("a", StorageLocation.CORD_STORAGE).dataset_hash
    reader = holder(server, made, ann.create_dataset_api_key(made, "r", [DatasetScope.READ]).api_key)
    with pytest.raises(AuthorisationError, match="The API key does not allow this"):
        reader.delete_data(["x"])
    writer = holder(server, made, ann.create_dataset_api_key(made, "w", [DatasetScope.WRITE]).api_key)
    writer.delete_data(["x"])
    with pytest.raises(AuthorisationError, match="The API key does not allow this"):
        writer.get_dataset()


@pytest.mark.proves("service: 8")
def test_every_route_refuses_a_key_without_its_scope(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        ann = server.user("ann")
        made = ann.create_dataset("a", StorageLocation.CORD_STORAGE).dataset_hash
        scopes = {"dataset.read": [DatasetScope.READ], "dataset.write": [DatasetScope.WRITE]}
        keys = {name: ann.create_dataset_api_key(made, name, scope).api_key for name, scope in scopes.items()}
        for (endpoint, query, verb), handler in sorted(HANDLERS.items()):
            for scope, key in keys.items():
                body = request_bytes(Query(query), Verb(verb), None, None)
                envelope = sent(server, body, key, endpoint, ResourceID=made)
                is_of_datasets = not handler.access.kinds or Kind.DATASET in handler.access.kinds
                passes = endpoint != USER and is_of_datasets and handler.access.scope in ("*", scope)
                refused = envelope["response"] in (["AUTHORISATION_ERROR"], ["AUTHENTICATION_ERROR"])
                assert refused is not passes, (endpoint, query, verb, scope)


def test_a_key_is_not_in_the_database(server: Running) -> None:
    ann = server.user("ann")
    made = ann.create_dataset("a", StorageLocation.CORD_STORAGE).dataset_hash
    key = ann.get_or_create_dataset_api_key(made).api_key
    assert ann.get_or_create_dataset_api_key(made).api_key == key
    assert [one.api_key for one in ann.get_dataset_api_keys(made)] == [key]
    rows = server.service.database.read(lambda db: str(db.execute(text("SELECT * FROM api_keys")).all()))
    assert key not in rows and key[:20] not in rows


def test_a_key_ends_with_the_role_of_its_maker(server: Running) -> None:
    ann = server.user("ann")
    made = ann.create_dataset("a", StorageLocation.CORD_STORAGE).dataset_hash
    key = ann.get_or_create_dataset_api_key(made).api_key
    server.service.database.write(lambda db: db.execute(text("DELETE FROM roles"))).result()
    with pytest.raises(AuthenticationError):
        holder(server, made, key)


# --- request ids, first keys, times ----------------------------------------------------------------------------------


@pytest.mark.proves("service: 17")
def test_a_request_sent_twice_makes_one_thing(server: Running) -> None:
    ann = server.user("ann")
    payload = {"title": "Crossings", "type": 0}
    body = request_bytes(Query.DATASET, Verb.POST, None, payload)
    key = _signatures.authorization(key_of("ann"), body)
    first, second = (sent(server, body, key, **{REQUEST_ID: "one"}) for _ in range(2))
    assert first == second
    assert len(ann.get_datasets()) == 1
    assert sent(server, body, key, **{REQUEST_ID: "two"}) != first
    assert len(ann.get_datasets()) == 2


def test_a_request_id_is_of_one_request(server: Running) -> None:
    server.user("ann")
    for title, code in (("a", 200), ("b", 400)):
        body = request_bytes(Query.DATASET, Verb.POST, None, {"title": title, "type": 0})
        envelope = sent(server, body, _signatures.authorization(key_of("ann"), body), **{REQUEST_ID: "one"})
        assert envelope["status"] == code


def test_our_client_learns_that_ids_are_honoured(server: Running) -> None:
    ann = server.user("ann")
    ann.get_datasets()
    assert ann.querier.session.honours_request_ids


@pytest.mark.proves("service: 2")
@pytest.mark.parametrize("way", ["in process", "socket"])
def test_the_first_key_is_trusted_only_if_so_told_and_only_the_first(tmp_path: Path, way: str) -> None:
    with running(tmp_path / "a", way) as server, pytest.raises(AuthenticationError):
        server.stranger("ann").get_datasets()
    with running(tmp_path / "b", way, trust_first_key=True) as server:
        assert server.stranger("ann").get_datasets() == []
        with pytest.raises(AuthenticationError):
            server.stranger("bob").get_datasets()
        assert server.stranger("ann").get_datasets() == []


@pytest.mark.proves("service: 2")
def test_a_wrong_signature_is_not_trusted_as_the_first(tmp_path: Path) -> None:
    with running(tmp_path, trust_first_key=True) as server:
        wrong = _signatures.authorization(key_of("ann"), LIST + b" ")
        assert sent(server, LIST, wrong) == refusal("AUTHENTICATION_ERROR", REFUSED, 401)
        assert server.stranger("bob").get_datasets() == []


def test_an_answer_is_told_apart_from_a_bug(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fails(call: Call) -> None:
        raise RuntimeError("a secret of the database")

    handler = HANDLERS[USER, "datasetwithuserrole", "GET"]
    with running(tmp_path) as server, pytest.MonkeyPatch.context() as patch:
        patch.setitem(HANDLERS, (USER, "datasetwithuserrole", "GET"), Handler(fails, handler.access, False))
        server.user("ann")
        envelope = sent(server, LIST, _signatures.authorization(key_of("ann"), LIST))
    assert envelope == refusal("UNKNOWN_ERROR", "The service failed; its log says where.", 502)
    assert "a secret of the database" in caplog.text


def test_the_window_of_times_is_that_of_the_protocol() -> None:
    assert auth.WINDOW_S == 300


def test_scopes_that_do_not_exist_are_refused(server: Running) -> None:
    ann = server.user("ann")
    made = ann.create_dataset("a", StorageLocation.CORD_STORAGE).dataset_hash
    payload = {"dataset_hash": made, "title": "k", "scopes": ["everything"]}
    with pytest.raises(InvalidArgumentsError, match=r"dataset\.read, dataset\.write"):
        ann.querier.post(Query.DATASET_API_KEY, None, payload)
