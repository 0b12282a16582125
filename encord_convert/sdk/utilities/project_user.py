"""Who works on a project."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Self

from encord_convert.sdk.orm.base_dto import BaseDTO


class ProjectUserRole(IntEnum):
    """What a user may do in a project."""

    ADMIN = 0
    ANNOTATOR = 1
    REVIEWER = 2
    ANNOTATOR_REVIEWER = 3
    TEAM_MANAGER = 4


class ProjectUser(BaseDTO):
    """A user of a project."""

    user_email: str
    user_role: ProjectUserRole
    project_hash: str

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> Self:
        """Return the user a JSON object describes.

        Raises
        ------
        EncordException
            A key is missing, or the role is unknown.
        """
        return super().from_dict(json_dict)
