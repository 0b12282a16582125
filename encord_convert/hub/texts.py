"""Text that no file can hold: half of a surrogate pair, which Python keeps in a string and UTF-8 has no bytes for.

It comes from file names that are not UTF-8 (:func:`os.fsdecode`), of which titles are made, and from code. What code
made is refused; a title that was read has U+FFFD instead, where the target does not take names of files as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from encord_convert.errors import WriteError
from encord_convert.hub.contents import answered_texts, names_in
from encord_convert.sdk.objects import TextAttribute
from encord_convert.sdk.objects._label_row_data import like

if TYPE_CHECKING:
    from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

LONGEST = 10_000
"""Characters of a name: readers tell a file by its first bytes, and those of other tools have limits of their own."""
LONE = re.compile("[\ud800-\udfff]")


def check_names(structure: OntologyStructure) -> bool:
    """Refuse names of classes, attributes and options that no file can hold, or that are far too long.

    It tells whether answers can be text.

    Raises
    ------
    WriteError
    """
    items: list[Any] = [*structure.objects, *structure.classifications]
    for item in items:
        for name in names_in(item):
            if len(name) > LONGEST:
                raise WriteError(f"The name {name[:40]!a}… has {len(name)} characters; at most {LONGEST} are written.")
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


def has_lone(text: str) -> bool:
    """Tell whether a text has half of a surrogate pair."""
    return not text.isascii() and LONE.search(text) is not None


def mended(text: str) -> str:
    """Return a text with U+FFFD for each half of a surrogate pair."""
    return LONE.sub("\ufffd", text)


def mend_titles(row: LabelRowV2) -> None:
    """Give a row that was just read titles that a file can hold."""
    stats = row._contents.stats
    row._contents.stats = like(stats, data_title=mended(stats.data_title))
    for unit in row._units:
        unit.data_title = mended(unit.data_title)


def _has_text(attributes: Any) -> bool:
    return any(isinstance(one, TextAttribute) or _has_text(_nested(one)) for one in attributes)


def _nested(attribute: Any) -> Iterator[Any]:
    for option in getattr(attribute, "options", None) or ():
        yield from getattr(option, "nested_options", None) or ()


def _check(what: str, text: str) -> None:
    """Refuse a text that no file can hold."""
    if has_lone(text):
        raise WriteError(
            f"{what} {text!a} holds half of a surrogate pair, which no file can hold as text. "
            "Put another character in its place."
        )
