"""Properties of records that are dictionaries."""

from __future__ import annotations

from typing import Any


def member(key: str, doc: str | None = None, *, settable: bool = False) -> Any:
    """Return a property that reads a key of the dictionary it belongs to, and sets it if ``settable``."""

    def read(self: dict[str, Any]) -> Any:
        return self[key]

    def write(self: dict[str, Any], value: Any) -> None:
        self[key] = value

    return property(read, write if settable else None, doc=doc)
