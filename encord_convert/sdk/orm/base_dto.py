"""Records whose keys are camelCase on the wire and snake_case here, checked when they are made."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from inspect import Parameter, Signature, signature
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from encord_convert.sdk.exceptions import EncordException


class BaseDTO:
    """A record with named, typed fields.

    Fields are annotated in the class body and given by name or in that order. Integers may come as integral floats
    or as text of digits, members of an enum as their values, times as ISO 8601 text or as seconds since 1970; text
    must be text. A field with a value in the class body may be left out. Keys nobody asked for are dropped.

    Raises
    ------
    ValueError
        The constructor was given a missing, unknown or ill-typed field. :meth:`from_dict` raises
        :class:`EncordException` instead.
    """

    __slots__ = ("__dict__",)

    _fields: ClassVar[dict[str, Any]]
    __signature__: ClassVar[Signature]

    def __init_subclass__(cls) -> None:
        if "__init__" in vars(cls) and Parameter.VAR_POSITIONAL not in _kinds(cls.__init__):
            return
        fields = [(name, hint) for name, hint in cls.__annotations__.items() if not name.startswith("_")]
        kind = Parameter.POSITIONAL_OR_KEYWORD
        cls.__signature__ = Signature([Parameter(name, kind, annotation=hint) for name, hint in fields])

    def __init__(self, *given: Any, **values: Any) -> None:
        if given:
            values = self.__signature__.bind_partial(*given, **values).arguments
        unknown = values.keys() - self._field_types().keys()
        if unknown:
            raise ValueError(f"{type(self).__name__} has no field {min(unknown)!r}.")
        self.__dict__.update(_checked(type(self), values))

    @classmethod
    def _field_types(cls) -> dict[str, Any]:
        if "_fields" not in cls.__dict__:
            cls._fields = {name: hint for name, hint in get_type_hints(cls).items() if not name.startswith("_")}
        return cls._fields

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Self:
        """Return the record a dictionary describes; each key in either spelling.

        Raises
        ------
        EncordException
            A key is missing or a value is of the wrong type.
        """
        if not isinstance(d, dict):
            raise EncordException(f"{cls.__name__} is made from a dictionary, not from {d!r}.")
        values = {}
        for name in cls._field_types():
            for spelling in (name, camel_case_from_snake_case(name)):
                if spelling in d:
                    values[name] = d[spelling]
        try:
            return cls(**values)
        except ValueError as error:
            raise EncordException(str(error)) from error

    def to_dict(self, by_alias: bool = True, exclude_none: bool = True) -> dict[str, Any]:
        """Return the dictionary form.

        Parameters
        ----------
        by_alias : bool
            Whether keys are written in camelCase.
        exclude_none : bool
            Whether fields that are None are left out.
        """
        return {
            camel_case_from_snake_case(name) if by_alias else name: value
            for name, value in self.__dict__.items()
            if value is not None or not exclude_none
        }

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


def _kinds(function: Callable[..., None]) -> set[Any]:
    return {parameter.kind for parameter in signature(function).parameters.values()}


def camel_case_from_snake_case(name: str) -> str:
    """Return the name as the wire spells it.

    >>> camel_case_from_snake_case("dicom_instance_uid")
    'dicomInstanceUid'
    """
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _checked(cls: type[BaseDTO], values: dict[str, Any]) -> dict[str, Any]:
    checked = {}
    for name, hint in cls._field_types().items():
        if name not in values:
            if not hasattr(cls, name):
                raise ValueError(f"{cls.__name__} needs {name!r}.")
            checked[name] = getattr(cls, name)
            continue
        checked[name] = _fitted(f"{cls.__name__}.{name}", values[name], hint)
    return checked


def _fitted(where: str, value: Any, hint: Any) -> Any:
    """Return the value as the annotated type has it."""
    allowed = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if value is None and type(None) in allowed:
        return None
    for entry in allowed:
        try:
            return _as(entry, where, value)
        except (ValueError, OverflowError, OSError):
            continue
    wanted = " or ".join("None" if item is type(None) else getattr(item, "__name__", str(item)) for item in allowed)
    raise ValueError(f"{where} is {wanted}, not {value!r}.")


def _as(hint: Any, where: str, value: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is list and isinstance(value, (list, tuple)):
        return [_fitted(where, item, inner[0]) for item in value]
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(_fitted(where, one, kind) for one, kind in zip(value, inner, strict=True))
    if hint is int:
        return _integer(value)
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint is datetime:
        return _moment(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(_integer(value) if issubclass(hint, int) else value)
    if isinstance(hint, type) and hint is not float and isinstance(value, hint):
        return value
    raise ValueError(where)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and not value.isdecimal():
        return datetime.fromisoformat(value)
    seconds = float(value) if isinstance(value, (int, float, str)) else float("nan")
    return datetime.fromtimestamp(seconds / 1000 if abs(seconds) > 2e10 else seconds, UTC)


def _integer(value: Any) -> int:
    if isinstance(value, (int, str)) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise ValueError(value)
