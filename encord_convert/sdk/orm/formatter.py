"""What a record that comes as JSON can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self


class Formatter(ABC):
    """Something that is made from a JSON object."""

    @classmethod
    @abstractmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> Self:
        """Return the record a JSON object describes."""
