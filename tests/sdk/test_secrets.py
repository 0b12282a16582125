"""Keys and signed addresses are in no log, error, warning or repr, whatever a call does and however it fails."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from loopback import DROPPED, Answer, Received
from test_environment import text_of
from test_wire import BLOCKS, RECORDED_HOST, Script
from wire_calls import CALLS, KEY, World, files

from encord_convert.sdk import EncordUserClient
from encord_convert.sdk.http._retries import Clock
from encord_convert.sdk.http._signatures import authorization
from encord_convert.sdk.http.constants import RequestsSettings

SEED = KEY.private_bytes_raw()
PEM = text_of(KEY)
SECRETS = [
    SEED.hex(), b64encode(SEED).decode(), *PEM.splitlines()[1:-1], authorization(KEY, b"")[:64] + ":",
    "SYNTHETIC-API-KEY", "SYNTHETIC-ENV-KEY", "SYNTHETIC-DATASET-API-KEY", "SYNTHETIC-PROJECT-API-KEY", "synthetic=1",
]  # fmt: skip
"""The private key in its forms, any signature by it, API keys, and what signs an address."""


class Heard(logging.Handler):
    """Everything that is logged, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words += [record.getMessage(), repr(record.args), repr(record.exc_info)]


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, root = Heard(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    logging.getLogger("urllib3").setLevel(1)
    logging.getLogger("requests").setLevel(1)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path)
    monkeypatch.chdir(tmp_path)


def _said_by(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield from _said_by(error.__context__ if error.__cause__ is not None else None)
        error = error.__cause__ or error.__context__


def _objects(world: World, returned: Any) -> Iterator[str]:
    user, project, dataset, older = world.user, world.project, world.dataset, world.project_client
    clients = [user, project, dataset, world.ontology, older, project._client, dataset._client]
    parts = [user.user_config, user.querier, world.session, world.session.transport, dataset._client._uploads]
    configs = [older._config, project._client._config]
    records = [
        one for one in (returned if isinstance(returned, list) else [returned]) if not isinstance(one, str | dict)
    ]
    for one in (*clients, *parts, *configs, *records):
        yield from (repr(one), str(one))


def _check(words: list[str], secrets: list[str]) -> None:
    for secret in secrets:
        assert not [one for one in words if secret in one], secret


def _run(key: tuple[str, str], heard: Heard, fails: Callable[[int, Answer], Answer] | None = None, at: int = 0) -> None:
    block = copy.deepcopy(BLOCKS[key])
    script = Script(block)

    def answer(received: Received) -> Answer:
        reply = script(received)
        number = len(world.recorded) - 1
        return fails(number, reply) if fails and number >= at else reply

    settings = RequestsSettings(max_retries=0, backoff_factor=0.0, read_timeout=5)
    world = World(answer, Clock(sleep=lambda seconds: None), settings)
    block.update(json.loads(json.dumps(block).replace(RECORDED_HOST, world.url)))
    script.waiting = list(block["requests"])
    heard.words.clear()
    returned: Any = None
    error: Exception | None = None
    with world.server, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            returned = CALLS[key](world)
        except Exception as caught:
            error = caught
        shown = [] if fails else list(_objects(world, returned))
    _check([*heard.words, *_said_by(error), *(str(one.message) for one in warned), *shown], SECRETS)
    if world.recorded:
        assert any("Starting new HTTP connection" in one for one in heard.words)  # the log was really on


@pytest.mark.parametrize("key", list(CALLS), ids=["-".join(key) for key in CALLS])
def test_a_call_that_succeeds_tells_no_secret(key: tuple[str, str], heard: Heard) -> None:
    _run(key, heard)


def _cut(number: int, reply: Answer) -> Answer:
    return Answer(reply.status, reply.body[: len(reply.body) * 2 // 3])


def _odd_status(number: int, reply: Answer) -> Answer:
    return Answer(reply.status, reply.body.replace(b'"status": 200', b'"status": "200"'))


FAILURES: dict[str, Callable[[int, Answer], Answer]] = {
    "dropped": lambda number, reply: DROPPED,
    "cut": _cut,
    "odd status": _odd_status,
    "refused": lambda number, reply: Answer(403, b'{"message": "no: http://h/a?synthetic=1", "status": 1}'),
    "busy": lambda number, reply: Answer(503, b"<html>http://h/a?synthetic=1</html>"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("area", sorted({area for area, _ in CALLS}))
def test_a_call_that_fails_tells_no_secret(area: str, failure: str, heard: Heard) -> None:
    for key in CALLS:
        if key[0] == area:
            for at in range(len(BLOCKS[key]["requests"])):
                _run(key, heard, FAILURES[failure], at)


def _rsa() -> str:
    return generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


LOCKED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")).decode()

KEYS: dict[str, tuple[str, str | None]] = {
    "another type": (_rsa(), None),
    "cut": (PEM[: len(PEM) // 2], None),
    "no key": ("PLANTED " + PEM.splitlines()[1], None),
    "not text": (PEM.replace("OPENSSH", "OPEN\udcffSSH"), None),
    "no password": (LOCKED, None),
    "wrong password": (LOCKED, "PLANTED-PASSWORD"),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_is_refused_is_not_shown(name: str, heard: Heard) -> None:
    text, password = KEYS[name]
    with pytest.raises(ValueError) as caught:
        EncordUserClient.create_with_ssh_private_key(text, password)
    lines = [line for line in text.splitlines() if len(line) > 30 and "PRIVATE KEY" not in line]
    assert lines
    _check([*heard.words, *_said_by(caught.value)], [*lines, *SECRETS, "PLANTED"])


def test_logs_of_other_users_of_the_library_stay_as_they_are(heard: Heard) -> None:
    import requests

    world = World(lambda received: Answer(body=b"{}"))
    with world.server:
        requests.get(f"{world.url}/theirs?of=others", timeout=5)
    assert any("/theirs?of=others" in one for one in heard.words)
