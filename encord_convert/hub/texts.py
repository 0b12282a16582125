"""Text that no file can hold: half of a surrogate pair, which Python keeps in a string and UTF-8 has no bytes for.

It comes from file names that are not UTF-8 (:func:`os.fsdecode`) and from code, never from a file that was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from encord_convert.errors import WriteError
from encord_convert.hub.contents import answered_texts, names_in
from encord_convert.sdk.objects import TextAttribute

if TYPE_CHECKING:
    from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

_LONE = re.compile("[\ud800-\udfff]")


def check_names(structure: OntologyStructure) -> bool:
    """Refuse the name of a class, attribute or option that no file can hold; tell whether answers can be text.

    Raises
    ------
    WriteError
    """
    items: list[Any] = [*structure.objects, *structure.classifications]
    for item in items:
        for name in names_in(item):
            _check("The name", name)
    return any(_has_text(item.attributes) for item in items)


def check_row(row: LabelRowV2, *, has_texts: bool) -> None:
    """Refuse a title or, if answers can be text, an answer that no file can hold.

    Raises
    ------
    WriteError
    """
    for title in (row.data_title, *(unit.data_title for unit in row._units)):
        _check("The title", title)
    for instance in (*row._objects.values(), *row._classifications.values()) if has_texts else ():
        for attribute, text in answered_texts(instance):
            _check(f"{row.data_title}: to {attribute.title!r}, the answer", text)


def _has_text(attributes: Any) -> bool:
    return any(isinstance(one, TextAttribute) or _has_text(_nested(one)) for one in attributes)


def _nested(attribute: Any) -> Iterator[Any]:
    for option in getattr(attribute, "options", None) or ():
        yield from getattr(option, "nested_options", None) or ()


def _check(what: str, text: str) -> None:
    if not text.isascii() and _LONE.search(text):
        raise WriteError(
            f"{what} {text!a} holds half of a surrogate pair, which no file can hold as text. "
            "Put another character in its place."
        )
