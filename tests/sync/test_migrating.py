"""What its page says of migrating, as a newcomer types it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from harness import Running, key_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "encord_convert" / "docs" / "migrating.md"
HASH = "01234567-89ab-cdef-0123-456789abcdef"


def block(language: str) -> str:
    [text] = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return text


@pytest.fixture
def environment(server: Running, tmp_path: Path) -> dict[str, str]:
    server.user()
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    key = tmp_path / "key"
    key.write_bytes(
        key_of("ann").private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    return {
        **os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "ENCORD_CONVERT_DOMAIN": server.url,
        "ENCORD_SSH_KEY_FILE": str(key),
    }  # fmt: skip


def test_the_session_prints_what_it_shows(environment: dict[str, str], tmp_path: Path, accept: bool) -> None:
    session, project, printed = block("session"), HASH, ""
    for command in re.findall(r"^\$ (.*)", session, re.MULTILINE):
        words = [word.replace(HASH, project) for word in shlex.split(command)]
        done = subprocess.run(
            [sys.executable, "-m", "encord_convert", *words[1:]],
            cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if words[1] == "apply":
            project = done.stdout.split()[0]
        printed += f"$ {command}\n" + done.stdout.replace(project, HASH)
    if accept:
        PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(session, printed), encoding="utf-8")
    assert printed == session or accept


def test_the_python_and_the_mapping_do_what_they_say(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "vehicles.yaml").write_text(block("yaml"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", block("py")], cwd=tmp_path, env=environment, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    # What is counted of each class; and nothing differs afterwards.
    assert done.stdout.splitlines() == [
        "car polygon 3 {'a4': 3, 'occluded': 3, 'plate': 3}",
        "label1 polygon 3 {}",
        "label2 polyline 3 {}",
        "label2 (point) point 9 {}",
    ]
