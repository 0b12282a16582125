"""A YAML document whose tables know on which lines they stand, read without any of YAML's surprises.

Only ``true``, ``false`` and ``null`` are not text: a class called ``no`` or ``1.10`` is called so.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from encord_convert.errors import MappingError

LARGEST = 16 << 20
"""Bytes of a document."""
_DEEPEST = 50
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
_PLAIN = re.compile(r"[^\W\d][\w.]*(?: \w[\w.]*)*")
"""Text that is its own form in YAML."""
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


class Table(dict[str, Any]):
    """A table of a document.

    Attributes
    ----------
    line : int
        Where it begins, from 1.
    lines : dict
        Where each key stands.
    """

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


def document_at(path: str | Path) -> Any:
    """Read a document from a file.

    Raises
    ------
    MappingError
        It cannot be read, is not YAML, or says one thing twice.
    """
    return parse_document(text_at(path), str(path))


def text_at(path: str | Path) -> str:
    """Read the text of a document from a file.

    Raises
    ------
    MappingError
        It cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read(LARGEST)
    except OSError as error:
        raise MappingError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"{path}: is not UTF-8.") from error


def parse_document(text: str, place: str) -> Any:
    """Read a document from its text; ``place`` is what messages call it.

    Raises
    ------
    MappingError
    """
    import yaml

    try:
        depth = 0
        for event in yaml.parse(text, yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:  # of deep ones the parser takes ages
                raise MappingError(f"{place}:{event.start_mark.line + 1}: nests deeper than {_DEEPEST} levels.")
            if isinstance(event, yaml.AliasEvent):  # a few of them can stand for more than any memory holds
                line = event.start_mark.line + 1
                raise MappingError(f"{place}:{line}: '*{event.anchor}' is an alias. Write out what it stands for.")
        return _value(yaml.compose(text, yaml.SafeLoader), place)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{place}:{mark.line + 1}" if mark else place
        raise MappingError(f"{at}: is not YAML ({error.problem or error.context}).") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise MappingError(f"{place}: is not YAML ({' '.join(str(error).split())}).") from error


def _value(node: Any, place: str) -> Any:
    import yaml

    if node is None:
        return None
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        text = _joined(node.value)
        return _CONSTANTS.get(text, text) if node.style is None else text
    if isinstance(node, yaml.SequenceNode):
        return [_value(one, place) for one in node.value]
    table = Table(line)
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise MappingError(f"{place}:{key_line}: expected text before the colon.")
        key = _joined(key_node.value)
        if key in table:
            raise MappingError(f"{place}:{key_line}: {key!r} stands here twice, first on line {table.lines[key]}.")
        table[key] = _value(value_node, place)
        table.lines[key] = key_line
    return table


def _joined(text: str) -> str:
    """Return text in which what was escaped as two halves of a pair, as JSON escapes it, is one character.

    >>> _joined("\\ud83d\\ude00") == "\\U0001f600"
    True
    """
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def plain(value: Any) -> Any:
    """Return a document without its lines."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def text_of(value: str) -> str:
    """Return text as it stands in YAML.

    >>> print(text_of("traffic light"), text_of("no: 5"), text_of("true"))
    traffic light "no: 5" "true"
    """
    if _PLAIN.fullmatch(value) and value not in _CONSTANTS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
