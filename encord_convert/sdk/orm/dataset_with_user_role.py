"""A dataset as it stands in the listing of a user's datasets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DatasetWithUserRole:
    """What a user may do with a dataset.

    Parameters
    ----------
    user_role : int
        The value of a :class:`~encord_convert.sdk.orm.dataset.DatasetUserRole`.
    dataset : dict
    """

    user_role: int
    dataset: dict[str, Any]
