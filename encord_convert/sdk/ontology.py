"""An ontology of the service: fetched, edited, saved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from encord_convert.sdk._fitted import fitted
from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.configs import BaseConfig
from encord_convert.sdk.http._calls import Querier
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.objects.ontology_structure import OntologyStructure


class _Record:
    """What the service says of an ontology. Its dates are kept as they came, and sent back so.

    Source: wire protocol, section 13.
    """

    __slots__ = ("created_at", "description", "last_edited_at", "ontology_hash", "structure", "title")

    def __init__(self, reply: dict[str, Any]) -> None:
        self.ontology_hash: str = reply["ontology_hash"]
        self.title: str = reply["title"]
        self.description: str | None = reply["description"]
        self.created_at: str = reply["created_at"]
        self.last_edited_at: str = reply["last_edited_at"]
        self.structure = OntologyStructure.from_dict(reply["editor"])

    def to_dict(self) -> dict[str, Any]:
        return {
            "ontology_hash": self.ontology_hash,
            "title": self.title,
            "description": self.description,
            "created_at": self.created_at,
            "last_edited_at": self.last_edited_at,
            "editor": self.structure.to_dict(),
        }


class Ontology:
    """An ontology of the service. Change its title, description and structure, then :meth:`save`.

    Parameters
    ----------
    querier : Querier
    config : BaseConfig
    instance
        What the service says of it.
    """

    def __init__(self, querier: Querier, config: BaseConfig, instance: _Record) -> None:
        self._querier = querier
        self._config = config
        self._instance = instance

    @property
    def ontology_hash(self) -> str:
        """Its identifier."""
        return self._instance.ontology_hash

    @property
    def title(self) -> str:
        """What it is called."""
        return self._instance.title

    @title.setter
    def title(self, value: str) -> None:
        self._instance.title = value

    @property
    def description(self) -> str | None:
        """What it is for."""
        return self._instance.description

    @description.setter
    def description(self, value: str) -> None:
        self._instance.description = value

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        return parse_datetime(self._instance.created_at)

    @property
    def last_edited_at(self) -> datetime:
        """When it was last saved."""
        return parse_datetime(self._instance.last_edited_at)

    @property
    def structure(self) -> OntologyStructure:
        """Its classes; change them in place."""
        return self._instance.structure

    def refetch_data(self) -> None:
        """Fetch it again; unsaved changes are forgotten."""
        self._instance = _fetched(self._querier, self.ontology_hash)

    def save(self) -> None:
        """Store title, description and structure."""
        self._querier.put(Query.ONTOLOGY, self.ontology_hash, self._instance.to_dict())

    @classmethod
    def _fetched_from(cls, querier: Querier, ontology_hash: str) -> Ontology:
        return cls(querier, querier.config, _fetched(querier, ontology_hash))

    @classmethod
    def _of_reply(cls, querier: Querier, reply: dict[str, Any], asked: str) -> Ontology:
        return cls(querier, querier.config, fitted(_Record, reply, asked))


def _fetched(querier: Querier, ontology_hash: str) -> _Record:
    return fitted(_Record, querier.get(Query.ONTOLOGY, ontology_hash), f"GET ontology {ontology_hash}")
