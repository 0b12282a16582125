"""Dictionaries that are also read by attribute, with a fixed set of keys."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar


class BaseORM(dict[str, Any]):
    """A dictionary of the keys in ``DB_FIELDS``; other keys, and values of a type their key does not have, are dropped.

    Parameters
    ----------
    dic : dict
    """

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict()
    NON_UPDATABLE_FIELDS: ClassVar[set[str]] = set()

    def __init__(self, dic: dict[str, Any]) -> None:
        super().__init__(
            {key: dic[key] for key, type_ in self.DB_FIELDS.items() if key in dic and _fits(dic[key], type_)}
        )

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"{type(self).__name__} has no {name!r}.")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.DB_FIELDS:
            raise AttributeError(f"{type(self).__name__} takes no {name!r}.")
        if not _fits(value, self.DB_FIELDS[name]):
            raise AttributeError(f"{name!r} is {self.DB_FIELDS[name].__name__}, not {type(value).__name__}.")
        self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise AttributeError(f"{type(self).__name__} has no {name!r}.")
        del self[name]

    @staticmethod
    def from_db_row(row: Any, db_field: Any) -> Any:
        """Return a dictionary of a row's values under the names of its columns."""
        return dict(zip(db_field, row, strict=False))

    def to_dic(self, time_str: bool = True) -> dict[str, Any]:
        """Return a plain dictionary with inner dictionaries as JSON text, and times as text unless told otherwise."""
        return {key: _as_text(value, time_str) for key, value in self.items()}

    def updatable_fields(self) -> Iterable[tuple[str, Any]]:
        """Return the keys and values a server lets be changed."""
        return [
            (key, value) for key, value in self.items() if value is not None and key not in self.NON_UPDATABLE_FIELDS
        ]


class BaseListORM(list[Any]):
    """A list of records of one type.

    Parameters
    ----------
    iter_ : iterable of dict
    """

    BASE_ORM_TYPE: ClassVar[type[BaseORM]] = BaseORM

    def __init__(self, iter_: Iterable[dict[str, Any]]) -> None:
        super().__init__(self.BASE_ORM_TYPE(one) for one in iter_)


def _fits(value: Any, type_: Any) -> bool:
    return value is None or not isinstance(type_, type) or isinstance(value, type_)


def _as_text(value: Any, time_str: bool) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value) if time_str and isinstance(value, datetime) else value
