"""Requests are signed as the recorded ones are, bit for bit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wire_calls import KEY, PROJECT, WIRE

from encord_convert.sdk.configs import SshConfig, UserConfig
from encord_convert.sdk.http._envelopes import request_bytes
from encord_convert.sdk.http._signatures import signature_base, signature_headers, signature_parameters
from encord_convert.sdk.http.routes import Query, Verb

VECTORS = json.loads((WIRE / "signature_vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["legacy"], ids=range(len(VECTORS["legacy"])))
def test_the_older_half_is_signed_by_the_digest_of_the_body(vector: dict[str, Any]) -> None:
    user = UserConfig(KEY, domain="http://127.0.0.1:1")
    resource = vector["resource_headers"]
    config = SshConfig(user, resource["ResourceType"], resource["ResourceID"]) if resource else user
    assert config.endpoint == "http://127.0.0.1:1" + vector["path"]
    body = vector["input_text"]
    headers = config.define_headers(body)
    assert {name: headers[name] for name in {**resource, "Authorization": ""}} == {
        **resource,
        **vector["expected_header"],
    }
    asked = json.loads(body)
    values = asked["values"]
    sent = request_bytes(Query(asked["query_type"]), Verb(asked["query_method"]), values["uid"], values["payload"])
    assert sent.hex() == vector["input_bytes_hex"]


@pytest.mark.parametrize("vector", VECTORS["v2"], ids=range(len(VECTORS["v2"])))
def test_the_younger_half_is_signed_by_method_target_and_digest(vector: dict[str, Any]) -> None:
    target, body = vector["path_and_query"], bytes.fromhex(vector["body_hex"])
    headers = signature_headers(KEY, vector["method"], target, body, vector["created"])
    assert headers == vector["expected_headers"]
    parameters = signature_parameters(vector["keyid"], vector["created"])
    base = signature_base(vector["method"], target, headers["Content-Digest"], parameters)
    assert base.encode().hex() == vector["signature_base_hex"]


def test_the_address_of_a_socket_is_signed_by_the_resource() -> None:
    config = SshConfig(UserConfig(KEY), "project", PROJECT)
    assert config.get_websocket_url() == VECTORS["websocket"]["url"]
