"""Dictionaries that are also read by attribute, with a fixed set of keys."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Any, ClassVar, Union, get_args, get_origin

from encord_convert.sdk.exceptions import EncordException, InvalidDateFormatError

TIME = "%Y-%m-%d %H:%M:%S"


class MissingFieldError(EncordException, KeyError):
    """A record has no such key: it was not sent, or in another type. Also a ``KeyError``, which it is elsewhere."""


class BaseORM(dict[str, Any]):
    """A dictionary of the keys in ``DB_FIELDS``; other keys, and values of a type their key does not have, are dropped.

    Times are read from text, ``YYYY-MM-DD HH:MM:SS``; members of an enum from their values.

    Raises
    ------
    InvalidDateFormatError
        A time is written in another form.
    """

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict()
    NON_UPDATABLE_FIELDS: ClassVar[set[str]] = set()

    def __init__(self, dic: dict[str, Any]) -> None:
        super().__init__()
        for key, given in dic.items():
            if key in self.DB_FIELDS:
                type_ = self.DB_FIELDS[key]
                value = _read(key, given, type_)
                if _fits(value, type_):
                    self[key] = value

    def __missing__(self, key: str) -> Any:
        expected = self.DB_FIELDS.get(key)
        names = [
            getattr(item, "__name__", str(item)) for item in (expected if isinstance(expected, tuple) else [expected])
        ]
        wanted = f" ({' or '.join(names)})" if expected else ""
        raise MissingFieldError(f"{type(self).__name__} has no {key!r}{wanted}; it has {', '.join(self) or 'nothing'}.")

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"{type(self).__name__} has no {name!r}.")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.DB_FIELDS:
            raise AttributeError(f"{type(self).__name__} takes no {name!r}.")
        if not _fits(value, self.DB_FIELDS[name]):
            raise AttributeError(f"{name!r} is not of the right type: {value!r}.")
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
    """A list of records of one type."""

    BASE_ORM_TYPE: ClassVar[type[BaseORM]] = BaseORM

    def __init__(self, iter_: Iterable[dict[str, Any]]) -> None:
        super().__init__(self.BASE_ORM_TYPE(item) for item in iter_)


def _read(key: str, value: Any, type_: Any) -> Any:
    if type_ is datetime and isinstance(value, str):
        try:
            return datetime.strptime(value, TIME)
        except ValueError as error:
            raise InvalidDateFormatError(f"{key!r} is a time like 2024-01-31 23:59:59, not {value!r}.") from error
    if isinstance(type_, type) and issubclass(type_, Enum) and value in type_._value2member_map_:
        return type_(value)
    return value


def _fits(value: Any, type_: Any) -> bool:
    if value is None:
        return True
    if get_origin(type_) in (Union, UnionType):
        type_ = get_args(type_)
    return isinstance(value, type_)


def _as_text(value: Any, time_str: bool) -> Any:
    if isinstance(value, dict):
        import json

        return json.dumps(value)
    return value.strftime(TIME) if time_str and isinstance(value, datetime) else value
