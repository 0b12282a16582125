"""What goes wrong at the service is the exception the original raises, with the service's own words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from loopback import Answer
from test_wire import _check_value, told_differences
from wire_calls import IMAGE, PROJECT, WIRE, World

from encord_convert.sdk import exceptions
from encord_convert.sdk.exceptions import EncordException, MultiLabelLimitError
from encord_convert.sdk.http._retries import Clock
from encord_convert.sdk.http.routes import Query

ERRORS = json.loads((WIRE / "errors.json").read_text())

OPERATIONS: dict[str, Callable[[World], Any]] = {
    "list read": lambda w: w.user.get_cloud_integrations(),
    "single read": lambda w: w.user.get_ontology("e"),
    "POST write": lambda w: w.user.querier.post(Query.PROJECT_COPY, "p", {}),
    "PUT write": lambda w: w.user.get_or_create_project_api_key(PROJECT),
    "DELETE": lambda w: w.project.model_delete("m"),
    "POST priorities": lambda w: w.rows[IMAGE].set_priority(0.5),
    "GET timers": lambda w: list(w.project.list_collaborator_timers(datetime(2024, 1, 1))),
}

OWN = "exhausted retries, lost and late replies are exceptions of ours"
DIFFERENCES: dict[str, tuple[str, type[EncordException]]] = {
    "body is a JSON list": ("errors of the client are EncordExceptions", exceptions.RequestException),
    **{f"HTTP {status}": (OWN, exceptions.UnknownException) for status in (413, 429, 500, 503)},
}


def _raised(world: World, operation: str) -> tuple[Any, Exception | None]:
    _ = world.session
    with world.server:
        try:
            return OPERATIONS[operation](world), None
        except Exception as error:
            return None, error


def _world(status: int, body: Any) -> World:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return World(lambda received: Answer(status, content), Clock(sleep=lambda seconds: None))


def _check(case: dict[str, Any], error: Exception, name: str) -> None:
    if name in DIFFERENCES:
        assert type(error) is DIFFERENCES[name][1]
        return
    expected = case["raises"]
    class_ = expected["class"].rpartition(".")[2]
    assert isinstance(error, EncordException), repr(error)
    assert class_ in {"EncordException", type(error).__name__, type(error).__mro__[1].__name__}, repr(error)
    if "maximum_labels_allowed" in expected:
        assert isinstance(error, MultiLabelLimitError)
        assert error.maximum_labels_allowed == expected["maximum_labels_allowed"]
    if expected.get("message", "<").startswith("<") is False:
        assert error.message == expected["message"]
    for part in expected.get("context_fields", ()):
        assert getattr(error.context, part) and f"{part}=" in str(error)


CODES = [("by code", one) for one in ERRORS["legacy_by_code"]] + [
    ("with payload", one) for one in ERRORS["legacy_with_payload"]
]


@pytest.mark.parametrize(("kind", "case"), CODES, ids=[f"{kind} {one['code']}" for kind, one in CODES])
def test_a_code_is_an_exception(kind: str, case: dict[str, Any]) -> None:
    reply = case["reply"]["body"]
    _, error = _raised(_world(case["reply"]["http_status"], reply), "list read")
    assert error is not None
    _check(case, error, case["code"])
    detail = reply.get("payload")
    if isinstance(detail, str):
        assert detail in str(error)
    elif detail and "maximum_labels_allowed" not in detail:
        assert json.dumps(detail) in str(error)


CASES = ERRORS["legacy_envelope_edge_cases"]


@pytest.mark.parametrize("case", CASES, ids=[f"{one['operation']}: {one['case']}" for one in CASES])
def test_an_odd_envelope(case: dict[str, Any]) -> None:
    found, error = _raised(_world(case["reply"]["http_status"], case["reply"]["body"]), case["operation"])
    if "raises" in case:
        assert error is not None
        _check(case, error, case["case"])
    else:
        assert error is None and found == case["returns"]


YOUNGER = ERRORS["v2_by_status"]


@pytest.mark.parametrize("case", YOUNGER, ids=[f"{one['http_status']} {one.get('case', '')}" for one in YOUNGER])
def test_a_status_of_the_younger_half(case: dict[str, Any]) -> None:
    name, status = case.get("case", ""), case["http_status"]
    body: Any = {"message": "the words of the service"}
    if "reply_body" in case:
        body = case["reply_body"]
    elif name:
        body = {"HTTP 200 empty body": "", "HTTP 200 not JSON": "<html>", "HTTP 200 null": None, "HTTP 200 {}": {}}[
            name
        ]
    world = _world(status, body)
    found, error = _raised(world, case["operation"])
    assert len(world.recorded) == case["attempts"]
    if "raises" in case:
        assert error is not None
        _check(case, error, name or f"HTTP {status}")
        assert status in (200, 204) or "the words of the service" in str(error)
    else:
        assert error is None
        _check_value(found, case["returns"])


def test_every_difference_is_told() -> None:
    assert {reason for reason, _ in DIFFERENCES.values()} <= told_differences()
    assert (len(CODES), len(CASES), len(YOUNGER)) == (34, 22, 24)
