"""Words of the client: scopes of keys, importing what CVAT exported, and two small conversions."""

from __future__ import annotations

import pprint
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from encord_convert.sdk.common.time_parser import parse_datetime

T = TypeVar("T")


def pretty_print(data: Any) -> str:
    """Return the data as indented text, keys sorted.

    >>> print(pretty_print({"b": 1, "a": [2]}))
    {   'a': [ 2],
        'b': 1}
    """
    return pprint.pformat(data, indent=4, width=10)


class APIKeyScopes(Enum):
    """One thing a project key allows."""

    LABEL_READ = "label.read"
    LABEL_WRITE = "label.write"
    MODEL_INFERENCE = "model.inference"
    MODEL_TRAIN = "model.train"
    LABEL_LOGS_READ = "label_logs.read"
    ALGO_LIBRARY = "algo.library"


@dataclass
class LocalImport:
    """A folder that CVAT exported, with ``annotations.xml`` and ``images``.

    Parameters
    ----------
    file_path : str
        The folder.
    map_filename_to_cvat_name : function or None
        What CVAT called the image of a path below ``images``; None: the path.
    """

    file_path: str
    map_filename_to_cvat_name: Callable[[str], str] | None = None


ImportMethod = LocalImport


@dataclass
class Issue:
    """One kind of trouble an import met.

    Parameters
    ----------
    issue_type : str
    instances : list of str
        What is known of each occurrence; may be empty.
    """

    issue_type: str
    instances: list[str]


@dataclass
class Issues:
    """All trouble an import met, by severity."""

    errors: list[Issue]
    warnings: list[Issue]
    infos: list[Issue]

    @staticmethod
    def from_dict(d: dict[str, Any]) -> Issues:
        """Return the issues a JSON object lists.

        Raises
        ------
        KeyError
            One of the three lists, or a key of an issue, is missing.
        """
        errors, warnings, infos = (
            [Issue(entry["issue_type"], entry["instances"]) for entry in d[severity]]
            for severity in ("errors", "warnings", "infos")
        )
        return Issues(errors, warnings, infos)


@dataclass
class CvatImporterSuccess:
    """An import that made a project."""

    project_hash: str
    dataset_hash: str
    issues: Issues


@dataclass
class CvatImporterError:
    """An import that made a dataset and failed to make a project of it."""

    dataset_hash: str
    issues: Issues


def optional_datetime_to_iso_str(key: str, val: str | datetime | None) -> str | None:
    """Return a time as ISO 8601 text; None for None.

    Parameters
    ----------
    key : str
        What the time is called, for the error.
    val : str or datetime or None
        Text is read first.

    Raises
    ------
    ValueError
        Not a time.

    >>> optional_datetime_to_iso_str("created_before", "2024-01-01")
    '2024-01-01T00:00:00'
    """
    if val is None:
        return None
    if isinstance(val, str):
        return parse_datetime(val).isoformat()
    if isinstance(val, datetime):
        return val.isoformat()
    raise ValueError(f"{key!r} is a time or its text, not {val!r}.")


def optional_set_to_list(s: Iterable[T] | None) -> list[T] | None:
    """Return the elements as a list; None for None."""
    return None if s is None else list(s)
