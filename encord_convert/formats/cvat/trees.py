"""XML elements as trees that can stand in JSON.

A tree maps the tags below an element to texts and trees, those of XML attributes with ``@`` before their names. Of
several elements of one tag each has its name, or its number, in brackets behind it: ``label[car]``, ``segment[2]``.
"""

from __future__ import annotations

from sys import intern
from typing import Any

Tree = dict[str, Any]

PERSONAL = ("owner", "assignee")

_OURS = "encord"
_NAMED = {"labels": "label", "attributes": "attribute"}


def tree_of(element: Any) -> Tree | str:
    """Return an element of a file as a tree, but for personal data and what this package says in files."""
    children = [child for child in element if isinstance(child.tag, str) and child.tag != _OURS]
    children = [child for child in children if child.tag not in PERSONAL or not len(child)]
    tree: Tree = {f"@{name}": value for name, value in element.items()}
    counts: dict[str, int] = {}
    for child in children:
        name = _NAMED.get(element.tag) == child.tag and _name_of(child)
        tag = intern(child.tag)  # there are as many as elements, and few that differ
        step = f"{tag}[{name}]" if name is not False else tag
        counts[step] = counts.get(step, 0) + 1
        tree[step if counts[step] == 1 else f"{step}[{counts[step]}]"] = tree_of(child)
    if not tree:
        text = element.text or ""
        return {} if not text.strip() and (len(element) or "\n" in text) else text
    if element.text and element.text.strip():
        tree["#"] = element.text
    return tree


def _name_of(element: Any) -> str | bool:
    name, parent = element.findtext("name"), element.findtext("parent")
    if name is None:
        return False
    return f"{parent}/{name}" if parent is not None else str(name)
