"""What the checks share: the registry, the clients and hashes that earlier checks left, and how errors are asserted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from encord import EncordUserClient

DOMAIN, FOLDER = sys.argv[1], Path(sys.argv[2])
DAY = timedelta(days=1)


class World:
    """What the checks before left behind."""


w = World()
CHECKS: list[tuple[str, Callable[[], object]]] = []


def check(function: Callable[[], object]) -> Callable[[], object]:
    CHECKS.append((function.__name__, function))
    return function


def refused(kind: type[Exception], call: Callable[[], object]) -> Exception:
    try:
        call()
    except kind as error:
        assert type(error) is kind, f"{type(error).__name__} in place of {kind.__name__}"
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def signed_in(name: str) -> EncordUserClient:
    return EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=str(FOLDER / f"{name}.key"), domain=DOMAIN)


def image(name: str) -> str:
    return str(FOLDER / "pictures" / name)
