"""Small documented checks and helpers."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable
from os import urandom
from typing import Any, TypeVar, cast

T = TypeVar("T")

_EMAIL = re.compile(r"[^@]+@[^@]+\.[^@]+")


def short_uuid_str() -> str:
    """Return 8 random base64 characters (``A–Z a–z 0–9 + /``), from 6 random bytes."""
    return b2a_base64(urandom(6), newline=False).decode()


def _object_hash_str() -> str:
    """Return 8 random hexadecimal digits, the form of the hashes of ontology objects and classifications."""
    return urandom(4).hex()


def check_type(obj: Any, type_: type[Any] | None) -> None:
    """Check that a value is of a type; None accepts all.

    Raises
    ------
    TypeError
        It is not.
    """
    if not does_type_match(obj, type_):
        raise TypeError(f"Expected {type_}, got {type(obj)}.")


def does_type_match(obj: Any, type_: type[Any] | None) -> bool:
    """Return whether a value is of a type; None accepts all."""
    return type_ is None or isinstance(obj, type_)


def checked_cast(obj: Any, type_: type[T] | None) -> T:
    """Return the value, checked as by :func:`check_type`."""
    check_type(obj, type_)
    return cast(T, obj)


def filter_by_type(objects: Iterable[Any], type_: type[T] | None) -> list[T]:
    """Return those values that are of the type, in order; None keeps all."""
    return [object_ for object_ in objects if does_type_match(object_, type_)]


def is_valid_email(email: str) -> bool:
    """Return whether the text begins like an address: text, one ``@``, text with a dot inside."""
    return _EMAIL.match(email) is not None


def check_email(email: str) -> None:
    """Check that a text begins like an address.

    Raises
    ------
    ValueError
        It does not.
    """
    if not is_valid_email(email):
        raise ValueError(f"{email!r} is no e-mail address.")


def _value_from_name(name: str) -> str:
    """Return the ``value`` text label rows derive from a name: lower case, each blank an underscore."""
    return name.lower().replace(" ", "_")
