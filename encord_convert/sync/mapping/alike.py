"""Classes whose names look alike, as a mapping that makes them one: equal but for case, blanks, hyphens or plural."""

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
    """Names that look alike.

    Parameters
    ----------
    to : str
        The one that came first.
    names : dict of str to list of str
        Each name, and the sources that have it.
    shapes : dict of str to list of str
        The shapes to name, of a name that is one of labels and of whole images too.
    """

    to: str
    names: dict[str, list[str]]
    shapes: dict[str, list[str]]


def forms(name: str) -> list[str]:
    """Return what a name is without case and what is between words, and what it may be the plural of.

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
    """Return the names of classes that look alike, of one source too, in the order they came.

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
    """Return the mapping that makes names one."""
    return {"classes": [table for group in found for name in group.names for table in _tables(group, name)]}


def mapping_text(found: Iterable[Alike]) -> str:
    """Return the same as a mapping file, YAML: for editing."""
    lines = []
    for group in found:
        for name, sources in group.names.items():
            for table in _tables(group, name):
                lines.append(f"- name: {text_of(name)}  # {', '.join(map(_comment, sources))}")
                lines += [f"  {key}: {text_of(value)}" for key, value in table.items() if key != "name"]
    head = "# Classes whose names look alike, each with its sources. Edit `to`, or delete what is not the same."
    return "\n".join([head, "classes:" if lines else "classes: []", *lines]) + "\n"


def _tables(group: Alike, name: str) -> list[dict[str, str]]:
    shapes = group.shapes[name]
    return [{"name": name, "shape": shape, "to": group.to} for shape in shapes] or [{"name": name, "to": group.to}]


def _comment(text: str) -> str:
    return "".join(item if item.isprintable() else " " for item in text)
