"""Who works on an ontology."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class OntologyUserRole(IntEnum):
    """What a user may do with an ontology."""

    ADMIN = 0
    USER = 1


@dataclass(frozen=True)
class OntologyWithUserRole:
    """What a user may do with an ontology.

    Parameters
    ----------
    user_role : int
        The value of an :class:`OntologyUserRole`.
    user_email : str
    ontology : dict
    """

    user_role: int
    user_email: str
    ontology: dict[str, Any]
