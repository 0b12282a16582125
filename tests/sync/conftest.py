"""A service behind a socket."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from harness import Running, key_of, running
from pushes import boxes


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "service", "socket") as it:
        yield it


@pytest.fixture
def reached(server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a key the service knows, and the service named by the environment."""
    server.user()
    key = tmp_path / "key"
    key.write_bytes(
        key_of("ann").private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    monkeypatch.setenv("ENCORD_CONVERT_DOMAIN", server.url)
    monkeypatch.setenv("ENCORD_SSH_KEY_FILE", str(key))
    monkeypatch.chdir(tmp_path)
    boxes(tmp_path, 4)
    return tmp_path
