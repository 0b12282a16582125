"""The service as a process: it says where it is, our client signs in, and what it acknowledged outlives ``kill -9``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from harness import key_of

from encord_convert.cli import run
from encord_convert.sdk.exceptions import AuthenticationError, EncordException
from encord_convert.sdk.http.constants import RequestsSettings
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.sdk.user_client import EncordUserClient

ROOT = Path(__file__).parents[2]


def key_files(folder: Path, name: str = "ann") -> tuple[Path, Path]:
    """Write a key pair as ssh-keygen does, and return private and public file."""
    key = key_of(name)
    private, public = folder / name, folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" ann@laptop\n")
    return private, public


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "encord_convert", "serve", "--data", str(folder), "--print-url", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=30)


def client(url: str, private: Path) -> EncordUserClient:
    settings = RequestsSettings(max_retries=0, connection_retries=0)
    return EncordUserClient.create_with_ssh_private_key(
        ssh_private_key_path=private, domain=url, requests_settings=settings
    )


@pytest.mark.proves("service: 1")
def test_a_user_is_added_and_signs_in_to_the_running_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, public = key_files(tmp_path)
    with served(tmp_path / "data") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert urllib.request.urlopen(url + "/healthz").read() == b'{"status": "ok"}'
        with pytest.raises(AuthenticationError):
            client(url, private).get_datasets()
        assert run(["users", "add", "ann@example.com", "--key", str(public), "--data", str(tmp_path / "data")]) == 0
        ann = client(url, private)
        ann.create_dataset("Crossings", StorageLocation.CORD_STORAGE)
        assert [one["dataset"].title for one in ann.get_datasets()] == ["Crossings"]
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=30)[1]
        assert process.returncode == 0
    assert f"export ENCORD_CONVERT_DOMAIN={url}" in said
    assert f"encord-convert users add EMAIL --key KEY.pub --data {tmp_path / 'data'}" in said
    assert capsys.readouterr().err == f"ann@example.com may sign in with the key of {public}.\n"
    assert run(["users", "list", "--data", str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out == "ann@example.com  1 key\n"


def test_the_two_variables_point_our_client_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, _ = key_files(tmp_path)
    with served(tmp_path / "data", "--trust-first-key") as (_, url):
        monkeypatch.setenv("ENCORD_CONVERT_DOMAIN", url)
        monkeypatch.setenv("ENCORD_SSH_KEY_FILE", str(private))
        assert EncordUserClient.create_with_ssh_private_key().get_datasets() == []


@pytest.mark.proves("service: 20")
def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    private, public = key_files(tmp_path)
    data = tmp_path / "data"
    assert run(["users", "add", "ann@example.com", "--key", str(public), "--data", str(data)]) == 0
    acknowledged: list[str] = []
    for round_ in range(2):
        with served(data) as (process, url):

            def work(number: int, url: str = url, round_: int = round_) -> None:
                ann = client(url, private)
                try:
                    for count in range(10_000):
                        title = f"{round_} {number} {count}"
                        ann.create_dataset(title, StorageLocation.CORD_STORAGE)
                        acknowledged.append(title)
                except EncordException:
                    return

            threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.7)
            process.kill()
            for thread in threads:
                thread.join()
    with served(data) as (_, url):
        found = {one["dataset"].title for one in client(url, private).get_datasets()}
    assert len(acknowledged) > 10
    assert set(acknowledged) <= found


@pytest.mark.proves("service: 1")
def test_an_address_that_is_taken_is_told_and_exits_7(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(tmp_path / "data") as (_, url):
        port = url.rpartition(":")[2]
        assert run(["serve", "--data", str(tmp_path / "other"), "--port", port]) == 7
    assert (
        capsys.readouterr().err
        == f"error: 127.0.0.1:{port}: the service cannot listen there (Address already in use).\n"
    )


@pytest.mark.proves("service: 2")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("private", "is a private key; the public one stands next to it, in a file ending in .pub."),
        ("rsa", "is a key of another type; the service takes Ed25519: ssh-keygen -t ed25519 makes one."),
        ("text", "is not a public key; expected a line as in a .pub file: ssh-ed25519 AAAA… name."),
        ("missing", "cannot be read: No such file or directory."),
    ],
)
def test_a_key_that_is_none_is_told_without_showing_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    private, _ = key_files(tmp_path)
    rsa = generate_private_key(65537, 2048).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    (tmp_path / "rsa").write_bytes(rsa)
    (tmp_path / "text").write_text("hello")
    file = private if name == "private" else tmp_path / name
    assert run(["users", "add", "ann@example.com", "--key", str(file), "--data", str(tmp_path / "data")]) == 4
    assert capsys.readouterr().err == f"error: {file}: {sentence}\n"


@pytest.mark.proves("service: 2")
def test_a_key_is_of_one_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, public = key_files(tmp_path)
    arguments = ["--key", str(public), "--data", str(tmp_path / "data")]
    assert run(["users", "add", "ann@example.com", *arguments]) == 0
    assert run(["users", "add", "bob@example.com", *arguments]) == 2
    assert "This public key is registered already." in capsys.readouterr().err
    assert run(["users", "add", "bob", *arguments]) == 2
    assert "'bob' is not a mail address" in capsys.readouterr().err
