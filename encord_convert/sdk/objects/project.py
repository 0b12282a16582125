"""The datasets of a project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass
class ProjectDataset:
    """A dataset that belongs to a project."""

    dataset_hash: str
    title: str
    description: str

    @staticmethod
    def from_dict(d: dict[str, Any]) -> ProjectDataset:
        """Return the dataset a JSON object describes."""
        return ProjectDataset(dataset_hash=d["dataset_hash"], title=d["title"], description=d["description"])

    @classmethod
    def from_list(cls, dataset_list: Iterable[dict[str, Any]]) -> list[ProjectDataset]:
        """Return the datasets of a list, in order."""
        return [cls.from_dict(item) for item in dataset_list]
