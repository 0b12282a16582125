"""Keys made by ssh-keygen, with and without a password, and PEM keys open a client; others are refused in words."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from encord_convert.sdk import EncordUserClient

PASSWORD = "öffne dich"
WITHOUT, WITH = "", PASSWORD

needs_ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
needs_bcrypt = pytest.mark.skipif(find_spec("bcrypt") is None, reason="bcrypt is not installed")


def made(folder: Path, password: str = "", type_: str = "ed25519") -> Path:
    path = folder / "key"
    bits = ["-b", "1024"] if type_ == "rsa" else []
    words = ["ssh-keygen", "-q", "-t", type_, *bits, "-N", password, "-f", str(path), "-C", "a comment"]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path


def public_hex(path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    key = load_ssh_public_key(path.with_suffix(".pub").read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    return key.public_bytes_raw().hex()


@needs_ssh_keygen
@pytest.mark.parametrize("password", [WITHOUT, pytest.param(WITH, marks=needs_bcrypt)], ids=["without", "with"])
@pytest.mark.parametrize("whence", ["text", "text with CRLF and blanks", "path", "variable", "file of a variable"])
def test_a_key_of_ssh_keygen_opens_a_client(
    whence: str, password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path, password)
    text = path.read_text()
    given: dict[str, str | Path] = {}
    if whence == "text":
        given["ssh_private_key"] = text
    elif whence == "path":
        given["ssh_private_key_path"] = path
    elif whence == "variable":
        monkeypatch.setenv("ENCORD_SSH_KEY", text)
    elif whence == "file of a variable":
        monkeypatch.setenv("ENCORD_SSH_KEY_FILE", str(path))
    else:
        given["ssh_private_key"] = "\n  " + text.replace("\n", "\r\n") + "\n\n"
    client = EncordUserClient.create_with_ssh_private_key(password=password or None, **given)  # type: ignore[arg-type]
    assert client.user_config.public_key_hex == public_hex(path)


@pytest.mark.parametrize("password", [WITHOUT, WITH], ids=["without", "with"])
def test_a_pem_key_opens_a_client(password: str) -> None:
    key = Ed25519PrivateKey.generate()
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()
    client = EncordUserClient.create_with_ssh_private_key(text, password or None)
    assert client.user_config.public_key_hex == key.public_key().public_bytes_raw().hex()


@needs_ssh_keygen
def test_a_password_is_of_no_harm_where_there_is_none(tmp_path: Path) -> None:
    path = made(tmp_path)
    client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=path, password="unneeded")
    assert client.user_config.public_key_hex == public_hex(path)


@needs_ssh_keygen
@needs_bcrypt
@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        (None, "The private key has a password."),
        ("wrong", "The password of the private key is wrong."),
    ],
)
def test_a_locked_key_says_what_it_needs(password: str | None, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:
        EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=made(tmp_path, PASSWORD), password=password)
    assert str(caught.value) == sentence


@needs_ssh_keygen
@pytest.mark.parametrize(("type_", "name"), [("rsa", "RSA"), ("ecdsa", "EC")])
def test_another_type_is_refused_by_its_name(type_: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:
        EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=made(tmp_path, type_=type_))
    assert str(caught.value) == (
        f"The private key is of the type {name}; the service takes Ed25519. `ssh-keygen -t ed25519` makes one."
    )
