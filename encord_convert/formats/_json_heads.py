"""Outlines of JSON files from their first bytes.

Detection looks at keys and the types of their values, never at text: a class may have any name.
"""

from __future__ import annotations

import json
import re
import zlib
from functools import lru_cache
from typing import Any

from encord_convert.errors import ReadError
from encord_convert.formats._files import HEAD_BYTES, Source

UNKNOWN = object()
"""Outline of a file that is not JSON."""

DEPTH = 6
"""Nesting levels in an outline: tasks, annotations, results and their values."""

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]|[^\s,:"\[\]{}]++', re.DOTALL)


def head_of(source: Source, name: str, size: int = HEAD_BYTES) -> bytes:
    """Return the first bytes of a member, inflated if gzipped; empty if it cannot be read."""
    try:
        head = source.head(name, size)
        if head[:2] == b"\x1f\x8b":
            head = zlib.decompressobj(31).decompress(head, size)
    except (ReadError, OSError, ValueError, zlib.error):
        return b""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


@lru_cache(8)
def sketch(text: bytes) -> Any:
    """Return the outline of the JSON value a text starts with, as far as it is complete and valid.

    Outlines are cached and shared by all JSON formats: do not modify them.

    Objects and lists are kept down to :data:`DEPTH` levels and empty below; strings are kept, other values are None.

    >>> sketch(b'{"a": [1, {"b": "c')
    {'a': [None, {'b': 'c'}]}
    >>> sketch(b"<xml>") is UNKNOWN
    True
    """
    given = text.decode("utf-8", "replace").lstrip()
    if given[:1] not in ("{", "["):
        return UNKNOWN
    top: Any = {} if given[0] == "{" else []
    open_, key, depth = [top], None, 1
    for token in _TOKEN.finditer(given, 1):
        mark = token.group()
        if mark in "}]":
            depth -= 1
            if depth < len(open_):
                open_.pop()
            if not open_:
                return top
            continue
        is_container = mark in "{["
        if depth == len(open_):
            holder = open_[-1]
            value: Any = {} if mark == "{" else [] if mark == "[" else _text(mark) if mark[0] == '"' else None
            if isinstance(holder, list):
                holder.append(value)
            elif key is None and mark[0] == '"':
                key = value
                continue
            elif key is not None:
                holder[key], key = value, None
            if is_container and depth < DEPTH:
                open_.append(value)
        depth += is_container
    if key is not None and isinstance(open_[-1], dict):
        open_[-1].setdefault(key, None)
    return top


def _text(quoted: str) -> str:
    inner = quoted[1:-1] if len(quoted) > 1 and quoted.endswith('"') else quoted[1:]
    if "\\" not in inner:
        return inner
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return inner


def is_object_list(value: Any) -> bool:
    """Return whether a value is a list of objects, or empty."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def is_object_table(value: Any) -> bool:
    """Return whether a value is a non-empty object of objects, such as a list keyed by id."""
    return isinstance(value, dict) and bool(value) and all(isinstance(item, dict) for item in value.values())
