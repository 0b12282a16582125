"""Nothing secret stands in what the service logs or prints, or in the errors it gives, however requests go wrong."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import requests
from harness import Running, key_of
from media import image
from test_serve_cli import client, key_files, served

from encord_convert.cli import run
from encord_convert.sdk.client import client_by_key
from encord_convert.sdk.configs import ApiKeyConfig
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.http._envelopes import request_bytes
from encord_convert.sdk.http._signatures import authorization, signature_headers
from encord_convert.sdk.http.routes import RESOURCE, USER, V2, Query, Verb
from encord_convert.sdk.http.transport import Request
from encord_convert.sdk.orm.dataset import DatasetScope, StorageLocation
from encord_convert.service.storage import Storage

PLACES = "presigned-urls?count=1&uploadItemType=image"


def younger(server: Running, path: str) -> bytes:
    """Ask as ann."""
    target = f"{V2}/{path}"
    headers = signature_headers(key_of("ann"), "GET", target, b"", int(server.service.clock()))
    return server.transport().send(Request("GET", server.url + target, headers, b"")).body


def secrets_of(server: Running, tmp_path: Path) -> tuple[list[str], str]:
    """Use every secret there is, rightly and wrongly; return them, and all that was answered to wrong ones."""
    ann = server.user("ann")
    dataset_hash = ann.create_dataset("Secrets", StorageLocation.CORD_STORAGE).dataset_hash
    key = ann.create_dataset_api_key(dataset_hash, "all", list(DatasetScope)).api_key
    ann.get_dataset(dataset_hash).upload_image(str(image(tmp_path / "a.png", 8, 6)))
    [row] = ann.get_dataset(dataset_hash).list_data_rows()
    row.refetch_data(signed_url=True)
    assert row.signed_url is not None
    signature = row.signed_url.rpartition("signature=")[2]
    body = request_bytes(Query.DATASET, Verb.GET, None, {})
    signed = authorization(key_of("ann"), body)
    errors = []

    def send(method: str, target: str, headers: dict[str, str], data: bytes = b"") -> None:
        reply = server.transport().send(Request(method, server.url + target, headers, data))
        errors.append(reply.body.decode(errors="replace"))

    address = row.signed_url.removeprefix(server.url)
    send("GET", address + "x", {})
    send("PUT", address, {}, b"bytes")
    send("GET", address.replace("expires=", "expires=1"), {})
    for headers in ({"Authorization": key}, {"Authorization": key, "ResourceID": "elsewhere"}):
        send("POST", RESOURCE, headers, body)
    send(
        "POST", RESOURCE, {"Authorization": signed, "ResourceType": "dataset", "ResourceID": dataset_hash}, b"{" + body
    )
    send("POST", USER, {"Authorization": signed}, body.replace(b"GET", b"PUT"))
    send("POST", USER, {"Authorization": f"{key}:{signature}"}, body)
    send("POST", RESOURCE, {"Authorization": key, "ResourceID": dataset_hash}, b"not JSON at all")
    token, place = (json.loads(younger(server, target)) for target in ("user/bearer-token", PLACES))
    signature_of_place = place["results"][0]["signedUrl"].rpartition("signature=")[2]
    bearer = {"Authorization": f"Bearer {token['token']}"}
    send("GET", f"{V2}/projects/elsewhere", bearer)
    send("GET", f"{V2}/projects/elsewhere", {"Authorization": f"Bearer {token['token']}x"})
    send("POST", RESOURCE, bearer | {"ResourceType": "dataset", "ResourceID": "elsewhere"}, body)
    send("PUT", "/storage/uploads/x?signature=" + signature_of_place, {}, b"bytes")
    send("POST", f"{V2}/storage/folders", bearer, b"{")
    secret = server.service.storage.secret
    return [
        key,
        token["token"],
        signature_of_place,
        signature,
        signed.partition(":")[2],
        secret.hex(),
        repr(secret)[2:-1],
    ], "\n".join(errors)


@pytest.mark.proves("service: 18")
def test_no_secret_is_logged_or_told_in_an_error(
    server: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets, errors = secrets_of(server, tmp_path)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("encord_convert.service.handlers.datasets.datasets.datasets", broken)
    with pytest.raises(EncordException, match="The service failed; its log says where"):
        server.user("ann").get_datasets()
    # What the client of these tests logs is no matter of the service.
    logged = "\n".join(caplog.handler.format(one) for one in caplog.records if not one.name.startswith("urllib3"))
    assert "ZeroDivisionError" in logged
    for secret in secrets:
        assert secret not in logged
        assert secret not in errors


@pytest.mark.proves("service: 18")
def test_no_secret_is_printed_by_the_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private, public = key_files(tmp_path)
    data = tmp_path / "data"
    assert run(["users", "add", "ann@example.com", "--key", str(public), "--data", str(data)]) == 0
    with served(data) as (process, url):
        ann = client(url, private)
        dataset_hash = ann.create_dataset("Secrets", StorageLocation.CORD_STORAGE).dataset_hash
        key = ann.create_dataset_api_key(dataset_hash, "all", list(DatasetScope)).api_key
        client_by_key(ApiKeyConfig(dataset_hash, key, domain=url))
        ann.get_dataset(dataset_hash).upload_image(str(image(tmp_path / "a.png", 8, 6)))
        for _ in range(3):
            requests.post(url + RESOURCE, headers={"Authorization": key}, data=b"\xff")
            requests.get(url + "/storage/files/x?signature=planted", timeout=10)
        process.terminate()
        printed = "".join(process.communicate(timeout=30)) + "".join(capsys.readouterr())
    secret = (data / "secret").read_bytes()
    text = private.read_text().splitlines()[1]
    for planted in (key, "planted", secret.hex(), text):
        assert planted not in printed


@pytest.mark.proves("service: 18")
def test_the_key_of_the_service_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Storage(tmp_path)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.proves("service: 18")
def test_an_api_key_is_not_in_the_database(server: Running, tmp_path: Path) -> None:
    secrets, _ = secrets_of(server, tmp_path)
    server.service.close()
    folder = tmp_path / "service"
    kept = b"".join(path.read_bytes() for path in folder.glob("service.sqlite*"))
    for secret in secrets[:3]:
        assert json.dumps(secret)[1:-1].encode() not in kept
