"""Keys, resources and the domain are taken from arguments and variables in the documented order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from loopback import success
from test_wire import told_differences
from wire_calls import API_KEY, DATASET, IMAGE, KEY, PROJECT, WIRE, World

from encord_convert.sdk import EncordClient, EncordUserClient
from encord_convert.sdk.configs import ApiKeyConfig, UserConfig, get_env_resource_id
from encord_convert.sdk.http._calls import Querier

CASES = json.loads((WIRE / "environment.json").read_text())["cases"]
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SLASHES = "a slash at the end of a domain, and a path in it, count for both halves of the API"


def text_of(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def _which(client: EncordUserClient) -> str:
    found = client.user_config.public_key_hex
    names = {UserConfig(KEY).public_key_hex: "key A", UserConfig(OTHER_KEY).public_key_hex: "key B"}
    return names[found]


def _call(case: str, tmp_path: Path, world: World) -> Any:
    a = text_of(KEY)
    if case.startswith("argument content is not a key"):
        return EncordUserClient.create_with_ssh_private_key("synthetic")
    if case.startswith("argument content key A and argument path"):
        return _which(EncordUserClient.create_with_ssh_private_key(a, ssh_private_key_path=str(tmp_path / "key_b")))
    if case.startswith("argument content key A"):
        return _which(EncordUserClient.create_with_ssh_private_key(a))
    if "SSH_KEY" in case or case == "nothing set":
        return _which(EncordUserClient.create_with_ssh_private_key())
    if case.startswith("API key"):
        given = "SYNTHETIC-ARG" if "argument" in case else None
        client = EncordClient.initialise(PROJECT, given, domain=world.url)
        return client.get_project().project_hash  # type: ignore[union-attr]
    return get_env_resource_id()


def _environment(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for prefix in ("ENCORD", "CORD"):
        for name in ("SSH_KEY", "SSH_KEY_FILE", "API_KEY", "PROJECT_ID", "DATASET_ID"):
            monkeypatch.delenv(f"{prefix}_{name}", raising=False)
    monkeypatch.delenv("ENCORD_CONVERT_DOMAIN", raising=False)
    for name, key in (("key_a", KEY), ("key_b", OTHER_KEY)):
        (tmp_path / name).write_text(text_of(key))
    stands_for = {"<valid key>": text_of(OTHER_KEY), **{name: str(tmp_path / name) for name in ("key_a", "key_b")}}
    for name, value in case["environment"].items():
        monkeypatch.setenv(name, stands_for.get(value, value))


LOCAL = [case for case in CASES if not case["case"].startswith("domain")]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", LOCAL, ids=[one["case"] for one in LOCAL])
def test_a_variable(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _environment(case, tmp_path, monkeypatch)

    def answer(received: Any) -> Any:
        if received.envelope["query_type"] == "apikeymeta":
            return success({"title": "t", "resource_type": "project"})
        return success(world.replies["project"])

    world = World(answer)
    with world.server:
        if "raises" in case:
            class_ = case["raises"]["class"].rpartition(".")[2]
            with pytest.raises(Exception) as error:
                _call(case["case"], tmp_path, world)
            assert error.type.__name__ == class_
            return
        assert _call(case["case"], tmp_path, world) == case["returns"]
    if case["requests"]:
        assert {one.headers["Authorization"] for one in world.recorded} == {
            one["authorization_key"] for one in case["requests"]
        }
        assert {(one.path, one.headers["ResourceID"]) for one in world.recorded} == {("/public", PROJECT)}


DOMAINS = {
    "domain without trailing slash": ("", None),
    "domain with trailing slash": ("/", SLASHES),
    "domain with a path prefix": ("/prefix", SLASHES),
    "domain with a path prefix and trailing slash": ("/prefix/", SLASHES),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain(name: str) -> None:
    (case,) = [one for one in CASES if one["case"] == name]
    suffix, difference = DOMAINS[name]
    world = World(lambda received: success(None))

    def answer(received: Any) -> Any:
        if "/v2/" in received.path:
            return success(None)
        return success(world.replies[received.envelope["query_type"]])

    world.answer = answer
    with world.server:
        config = UserConfig(KEY, domain=world.url + suffix)
        project = EncordUserClient(config, Querier(config, world.session)).get_project(PROJECT)
        next(row for row in project.list_label_rows_v2() if row.data_hash == IMAGE).set_priority(0.5)
    paths = [one["path"] for one in case["requests"]]
    if difference:
        prefix = suffix.rstrip("/")
        paths = [f"{prefix}/public"] * 3 + [f"{prefix}/v2/public/projects/{PROJECT}/priorities"]
    assert [one.path for one in world.recorded] == paths


def test_a_domain_is_taken_from_the_environment_unless_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCORD_CONVERT_DOMAIN", "http://127.0.0.1:9/")
    assert UserConfig(KEY).endpoint == "http://127.0.0.1:9/public/user"
    assert ApiKeyConfig("r", "k").endpoint == "http://127.0.0.1:9/public"
    assert UserConfig(KEY, domain="http://127.0.0.1:8").domain == "http://127.0.0.1:8"


@pytest.mark.filterwarnings("ignore")
def test_clients_by_key_stay_with_the_domain_of_their_user() -> None:
    def answer(received: Any) -> Any:
        query = received.envelope["query_type"]
        kind = "dataset" if received.headers.get("ResourceID") == DATASET else "project"
        key = {"resource_hash": DATASET, "api_key": API_KEY, "title": "t", "key_hash": "h", "scopes": []}
        meta = {"title": "t", "resource_type": kind}
        return success({"projectapikey": API_KEY, "datasetapikey": key, "apikeymeta": meta}[query])

    world = World(answer)
    with world.server:
        assert world.user.get_project_client(PROJECT)._config.domain == world.url
        assert world.user.get_dataset_client(DATASET)._config.domain == world.url
    assert len(world.recorded) == 4


def test_every_difference_is_told() -> None:
    assert SLASHES in told_differences()
    assert len(CASES) == len(LOCAL) + len(DOMAINS) == 23
