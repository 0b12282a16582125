"""Documented addresses of classes whose home is a private module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

ClassT = TypeVar("ClassT", bound=type)


def seen_as(address: str) -> Callable[[ClassT], ClassT]:
    """Let a class be seen, printed and pickled under its documented address, ``module:name``."""

    def rename(cls: ClassT) -> ClassT:
        cls.__module__, cls.__qualname__ = address.split(":")
        return cls

    return rename
