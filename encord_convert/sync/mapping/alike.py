"""Suggests a mapping that merges classes whose names differ only in case, blanks, hyphens or plural."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from encord_convert.hub.yaml_file import text_of
from encord_convert.sync.mapping.file import CLASSIFICATION, Structure, classes_of

_BETWEEN = re.compile(r"[\s_\-]+")
_ES = ("ses", "xes", "zes", "ches", "shes")
"""Endings of plurals that add "es" to a word."""


@dataclass(frozen=True, slots=True)
class Alike:
    """A group of similar names.

    Parameters
    ----------
    to : str
        The first one.
    names : dict of str to list of str
        Each name, and the sources that have it.
    shapes : dict of str to list of str
        The shapes to list, for names used by both objects and whole-image labels.
    """

    to: str
    names: dict[str, list[str]]
    shapes: dict[str, list[str]]


def forms(name: str) -> list[str]:
    """Return the normalized forms of a name: without case and separators, and possible singulars.

    >>> forms("Traffic_Lights"), forms("traffic light"), forms("buses"), forms("glass"), forms("berries")
    (['trafficlights', 'trafficlight'], ['trafficlight'], ['buses', 'buse', 'bus'], ['glass'], \
['berries', 'berrie', 'berry'])
    """
    word = _BETWEEN.sub("", name.casefold())
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return [word]
    found = [word, word[:-1]]
    if word.endswith(_ES):
        found.append(word[:-2])
    return [*found, f"{word[:-3]}y"] if word.endswith("ies") else found


def alike(sources: Iterable[tuple[str, Structure]]) -> list[Alike]:
    """Return groups of similar class names, also within one source, in order of appearance.

    Parameters
    ----------
    sources : iterable of (str, dict)
        Name and ontology, in JSON form.
    """
    groups: list[Alike] = []
    known: dict[tuple[bool, str], Alike] = {}
    shapes: dict[str, list[str]] = {}
    for source, structure in sources:
        for name, shape, _ in classes_of(structure):
            keys = [(shape == CLASSIFICATION, form) for form in forms(name)]
            group = next((known[key] for key in keys if key in known), None)
            if group is None:
                group = Alike(name, {}, {})
                groups.append(group)
            for key in keys:
                known.setdefault(key, group)
            for places, place in ((group.names, source), (group.shapes, shape), (shapes, shape)):
                if place not in places.setdefault(name, []):
                    places[name].append(place)
    for group in groups:
        for name, own in group.shapes.items():
            if own == shapes[name]:
                own.clear()
    return [group for group in groups if len(group.names) > 1]


def mapping_of(found: Iterable[Alike]) -> dict[str, Any]:
    """Return the mapping that merges the names."""
    return {"classes": [table for group in found for name in group.names for table in _tables(group, name)]}


def mapping_text(found: Iterable[Alike]) -> str:
    """Return it as a YAML mapping file for editing."""
    lines = []
    for group in found:
        for name, sources in group.names.items():
            for table in _tables(group, name):
                lines.append(f"- name: {text_of(name)}  # {', '.join(map(_comment, sources))}")
                lines += [f"  {key}: {text_of(value)}" for key, value in table.items() if key != "name"]
    head = "# Classes with similar names, each with its sources. Edit `to`, or delete those that differ."
    return "\n".join([head, "classes:" if lines else "classes: []", *lines]) + "\n"


def _tables(group: Alike, name: str) -> list[dict[str, str]]:
    shapes = group.shapes[name]
    return [{"name": name, "shape": shape, "to": group.to} for shape in shapes] or [{"name": name, "to": group.to}]


def _comment(text: str) -> str:
    return "".join(item if item.isprintable() else " " for item in text)
