"""Enums whose members are looked up by text without raising."""

from __future__ import annotations

from enum import Enum
from typing import Self


class StringEnum(Enum):
    """An enum of texts."""

    @classmethod
    def from_string(cls, value: str) -> Self | None:
        """Return the member with this value, or None if there is none."""
        member = cls._value2member_map_.get(value)
        return member if isinstance(member, cls) else None
