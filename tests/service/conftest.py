"""A fresh service for each test: in process, behind a socket, and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import WAYS, Running, running
from postgresql import THROWAWAY


@pytest.fixture(params=WAYS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "service", request.param) as it:
        yield it


@pytest.fixture(scope="session", autouse=True)
def no_database_is_left() -> Iterator[None]:
    yield
    THROWAWAY.stop()
