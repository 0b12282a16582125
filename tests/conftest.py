"""What every test may count on: a fixed environment, and goldens that can be accepted."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Else each of the thousands of commands that tests start would compile every module again, for half of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

collect_ignore_glob = ["*conftest.py"]
"""They hold no examples, and all have one name: looking for examples would import the second as the first."""

FIXTURES = Path(__file__).parent.parent / "fixtures"

# A neighbour that takes the processor is no fault of an example.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="rewrite golden files; read the diff before you commit it")
    parser.addoption(
        "--law-mutations", type=int, metavar="N", help="changed copies a format to hold to the law of the file"
    )


@pytest.fixture
def accept(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--accept"))


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def fixed_environment(monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("ENCORD_SSH_KEY", "ENCORD_SSH_KEY_FILE", "ENCORD_API_KEY", "ENCORD_CONVERT_DOMAIN"):
        monkeypatch.delenv(name, raising=False)
