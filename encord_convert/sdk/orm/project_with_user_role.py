"""A project as it stands in the listing of a user's projects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProjectWithUserRole:
    """What a user may do with a project.

    Parameters
    ----------
    user_role : int
        The value of a :class:`~encord_convert.sdk.utilities.project_user.ProjectUserRole`.
    project : dict
    """

    user_role: int
    project: dict[str, Any]
