"""What collaborators spent how long on."""

from __future__ import annotations

from encord_convert.sdk.orm.base_dto import BaseDTO
from encord_convert.sdk.utilities.project_user import ProjectUserRole


class CollaboratorTimer(BaseDTO):
    """The time one collaborator spent.

    Parameters
    ----------
    user_email : str
    user_role : ProjectUserRole
    data_title : str or None
        Of the piece of data it was spent on; None where times are summed over the project.
    time_seconds : float
    """

    user_email: str
    user_role: ProjectUserRole
    data_title: str | None = None
    time_seconds: float
