"""Option dataclasses: parsing of values, help texts and documentation rows.

An option is a field: its type (``bool``, ``int``, ``float``, ``str`` or a ``Literal`` of words, optionally ``| None``),
its default, and ``metadata={"help": …}``. Names in the class variable ``GONE`` are former options: accepted and
ignored.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from encord_convert.errors import OptionError, near_to

_TRUE = {"yes", "true", "on", "1"}
_FALSE = {"no", "false", "off", "0"}


def parse_options(cls: type, given: Mapping[str, Any], *, format_name: str) -> Any:
    """Return an instance of the option dataclass ``cls``.

    Parameters
    ----------
    cls : type
        A frozen dataclass.
    given : mapping
        Names to values; strings from the command line are parsed by the field's type.
    format_name : str
        Used in messages.

    Raises
    ------
    OptionError
        No such option (the message lists all), or an invalid value.
    """
    hints = _hints(cls)
    names = [field.name for field in fields(cls)]
    values = {}
    for raw, value in given.items():
        name = raw.replace("-", "_")
        if name in getattr(cls, "GONE", ()):
            continue
        if name not in names:
            raise OptionError(_unknown(raw, names, format_name))
        values[name] = _value(name, value, hints[name], format_name)
    try:
        return cls(**values)
    except ValueError as error:
        raise OptionError(f"{format_name}: {error}") from error


_hints = cache(get_type_hints)


def _unknown(name: str, names: list[str], format_name: str) -> str:
    if not names:
        return f"{format_name} has no options; {name!r} was given."
    near = near_to(name, names)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{format_name} has no option {name!r}. {hint}It has: {', '.join(names)}."


def _value(name: str, value: Any, hint: Any, format_name: str) -> Any:
    # None first: where it is allowed, the word "none" means None.
    for kind in sorted(_kinds(hint), key=lambda kind: kind is not type(None)):
        parsed = _parsed(value, kind)
        if parsed is not MISSING:
            return parsed
    raise OptionError(f"{format_name}: {name}={value} is not allowed; it takes {allowed(hint)}.")


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _parsed(value: Any, kind: Any) -> Any:
    text = isinstance(value, str)
    if get_origin(kind) is Literal:
        return value if value in get_args(kind) else MISSING
    if kind is type(None):
        return None if value is None or value == "none" else MISSING
    if kind is bool:
        if isinstance(value, bool):
            return value
        word = value.lower() if text else value
        return True if word in _TRUE else False if word in _FALSE else MISSING
    if kind is str:
        return value if text else MISSING
    if isinstance(value, bool):
        return MISSING
    try:
        return kind(value) if text or isinstance(value, (int, float)) else MISSING
    except (ValueError, OverflowError):
        return MISSING


def allowed(hint: Any) -> str:
    """Return in words what an option takes: ``yes or no``, ``a number``, ``auto, never or always``."""
    words: list[str] = []
    for kind in _kinds(hint):
        if get_origin(kind) is Literal:
            words.extend(map(str, get_args(kind)))
        else:
            known = {bool: "yes or no", int: "a whole number", float: "a number", str: "a text", type(None): "none"}
            words.append(known[kind])
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def option_rows(cls: type) -> list[tuple[str, str, str, str]]:
    """Return name, what it takes, default and help of each option, for help texts and documentation."""
    hints = _hints(cls)
    rows = []
    for field in fields(cls):
        rows.append((field.name, allowed(hints[field.name]), _shown(field.default), field.metadata.get("help", "")))
    return rows


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
