"""Text and numbers as they stand in a CVAT file: escaped, rounded, joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from encord_convert.formats.cvat.meta import UNDEFINED

DECIMALS = 6

_SPECIAL = re.compile('[&<>"\\x00-\\x1f\ud800-\udfff\ufffe\uffff]')
UNWRITABLE = re.compile(f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ud800-\udfff\ufffe\uffff]|\\A{UNDEFINED}\\Z")
"""Characters XML has no place for, and the text that would be taken for no answer."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}

_encode = msgspec.json.Encoder().encode


def escaped(text: str) -> str:
    """Return text for an element or an XML attribute; a character that XML has no place for becomes U+FFFD.

    >>> escaped('a < "b"\\n')
    'a &lt; &quot;b&quot;&#10;'
    """
    return _SPECIAL.sub(_entity, text) if _SPECIAL.search(text) else text


def _entity(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\t\n\r":
        return f"&#{ord(character)};"
    return _ENTITIES.get(character, "\ufffd")


def attribute_text(name: str, value: Any, number: int = 0) -> str:
    """Return an XML attribute with a blank before it; ``number`` tells its namespace from those of others.

    >>> attribute_text("a", 'say "b"'), attribute_text("{http://a.b}c", "d")
    (' a="say &quot;b&quot;"', ' xmlns:ns0="http://a.b" ns0:c="d"')
    """
    space, _, local = name[1:].partition("}") if name.startswith("{") else ("", "", name)
    if space == "http://www.w3.org/XML/1998/namespace":
        return f' xml:{local}="{escaped(str(value))}"'
    prefix = f' xmlns:ns{number}="{escaped(space)}" ns{number}:' if space else " "
    return f'{prefix}{local}="{escaped(str(value))}"'


def number_text(number: float) -> str:
    """Return a coordinate with as many of six decimals as it has.

    >>> number_text(12.339999999999998), number_text(5)
    ('12.34', '5.0')
    """
    return repr(round(float(number), DECIMALS))


def points_text(flat: Sequence[float]) -> str:
    """Return points x0, y0, … as CVAT writes them.

    >>> points_text([1.0, 2.5, 3.0, 4.0])
    '1.0,2.5;3.0,4.0'
    """
    pairs = list(zip(flat[0::2], flat[1::2], strict=True))
    return _encode(pairs)[2:-2].replace(b"],[", b";").decode()
