"""Formatting and types, where the tools that check them are installed."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def complaints(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
@pytest.mark.parametrize("words", ["check", "format --check"])
def test_the_code_is_clean(words: str) -> None:
    assert not complaints("ruff", *words.split(), "--no-cache")


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_the_types_agree(tmp_path: Path) -> None:
    assert not complaints("mypy", "--cache-dir", str(tmp_path))
