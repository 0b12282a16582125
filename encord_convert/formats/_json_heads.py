"""JSON told by its first bytes: the structure of a file, as far as its beginning shows it.

Recognition looks at keys and at what stands under them, never at words somewhere in the text: a class may be called
anything.
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
"""What the beginning of a file shows if it is not JSON."""

DEPTH = 6
"""Levels of objects and lists that an outline has: tasks, annotations, results and their values."""

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]|[^\s,:"\[\]{}]++', re.DOTALL)


def head_of(source: Source, name: str, size: int = HEAD_BYTES) -> bytes:
    """Return the first bytes of a member, inflated if it is gzip; none if it cannot be read."""
    try:
        head = source.head(name, size)
        if head[:2] == b"\x1f\x8b":
            head = zlib.decompressobj(31).decompress(head, size)
    except (ReadError, OSError, ValueError, zlib.error):
        return b""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


@lru_cache(8)
def sketch(text: bytes) -> Any:
    """Return the outline of the value a text begins with; where it is cut short or broken, as much as is there.

    Every format that is JSON looks at the same text in turn, so that an outline must not be changed.

    Objects and lists are what they are, down to :data:`DEPTH` levels; below they are empty. Texts are texts, other
    values None.

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
    """Return whether a value is a list of objects, perhaps an empty one."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def is_object_table(value: Any) -> bool:
    """Return whether a value is an object that holds objects, as lists keyed by id are."""
    return isinstance(value, dict) and bool(value) and all(isinstance(item, dict) for item in value.values())
