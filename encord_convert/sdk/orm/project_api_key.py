"""A key to one project."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from encord_convert.sdk.orm.formatter import Formatter
from encord_convert.sdk.utilities.client_utilities import APIKeyScopes


@dataclass(frozen=True)
class ProjectAPIKey(Formatter):
    """A key and what it allows."""

    api_key: str = field(repr=False)
    title: str
    scopes: list[APIKeyScopes]

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> ProjectAPIKey:
        """Return the key a JSON object describes; its scopes are a list or the JSON text of one.

        Raises
        ------
        KeyError
            A key is missing.
        ValueError
            A scope is unknown.
        """
        scopes = json_dict["scopes"]
        named = json.loads(scopes) if isinstance(scopes, str) else scopes
        return cls(json_dict["api_key"], json_dict["title"], [APIKeyScopes(item) for item in named])
