"""How the classes of a source become those of a project: a file that is written for editing, and checked when used.

The file is TOML; JSON of the same form will do. It has one table for each class of the source::

    [[class]]
    name = "car"                    # as the source has it,
    shape = "bounding_box"          # "classification" for labels of a whole frame
    to = "vehicle"                  # as the project shall have it; false drops it
    as = "polygon"                  # another shape
    split = "kind"                  # a radio attribute whose answer becomes the class

    [class.split_to]                # by default the class is called as the option is
    "van" = "delivery van"

    [class.attributes]              # attributes, and their options and nested attributes by path
    "colour" = "paint"
    "colour/red" = "crimson"        # false drops one, and what is below it

Classes that become the same name and shape are merged, and so are attributes and options. What the file does not
mention stays as it is. With ``split``, ``to`` is for objects without an answer.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encord_convert.errors import MappingError
from encord_convert.sync.retyping import TARGETS

CLASSIFICATION = "classification"
"""Stands where a class of objects has its shape."""
_KEYS = ("name", "shape", "to", "as", "split", "split_to", "attributes")

Structure = dict[str, Any]
"""An ontology in its JSON form."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of one class; by default nothing.

    Parameters
    ----------
    to : str or None
        Name in the project; None drops it.
    shape : str
        Shape in the project.
    split : str or None
        A radio attribute whose answer becomes the class.
    split_to : mapping
        Label of an option to the name of its class, or None.
    parts : mapping
        Path of an attribute or option to its new title, or None.
    """

    to: str | None
    shape: str
    split: str | None = None
    split_to: Mapping[str, str | None] = field(default_factory=dict)
    parts: Mapping[str, str | None] = field(default_factory=dict)

    def title(self, path: str, title: str) -> str | None:
        """Return what an attribute or option is called in the project, None if it is dropped."""
        return self.parts.get(path, title)


class MappingRules:
    """The rules for the classes of one source."""

    def __init__(self, rules: Mapping[tuple[str, str], Rule] | None = None) -> None:
        self._rules = dict(rules or {})

    def rule(self, name: str, shape: str) -> Rule:
        """Return the rule for a class."""
        return self._rules.get((name, shape)) or Rule(name, shape)


def classes_of(structure: Structure) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, shape and JSON form of each class; the shape of a classification is :data:`CLASSIFICATION`."""
    for one in structure["objects"]:
        yield one["name"], one["shape"], one
    for one in structure["classifications"]:
        if one["attributes"]:
            yield one["attributes"][0]["name"], CLASSIFICATION, one


def parts_of(attributes: Iterable[dict[str, Any]], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and JSON form of each attribute and option, depth-first."""
    for attribute in attributes or ():
        path = above + attribute["name"]
        yield path, attribute
        for option in attribute.get("options") or ():
            yield f"{path}/{option['label']}", option
            yield from parts_of(option.get("options") or (), f"{path}/{option['label']}/")


def document_at(path: str | Path) -> dict[str, Any]:
    """Read a mapping file; :func:`parse_mapping` holds it against a source.

    Raises
    ------
    MappingError
        It cannot be read, or is neither TOML nor, with that ending, JSON.
    """
    place = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text) if place.endswith(".json") else tomllib.loads(text)
    except OSError as error:
        raise MappingError(f"{place}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        kind = "JSON" if place.endswith(".json") else "TOML"
        raise MappingError(f"{place}: is not {kind} ({error}).") from error
    return document


def rules_of(mapping: Mapping[str, Any] | str | Path | None, structure: Structure) -> MappingRules:
    """Return the rules of a mapping, a document or a file; without one, every class stays as it is.

    Raises
    ------
    MappingError
    """
    if mapping is None:
        return MappingRules()
    if isinstance(mapping, Mapping):
        return parse_mapping(mapping, structure)
    return parse_mapping(document_at(mapping), structure, str(mapping))


def parse_mapping(document: Any, structure: Structure, place: str = "mapping") -> MappingRules:
    """Return the rules a document states, held against the ontology of the source.

    Raises
    ------
    MappingError
    """
    faults: list[str] = []
    known = {(name, shape): one for name, shape, one in classes_of(structure)}
    tables = document.get("class") if isinstance(document, dict) else None
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise MappingError(f"{place}: expected tables [[class]], found none.")
    for key in document:
        if key != "class":
            faults.append(f"{key!r} means nothing here; expected [[class]].")
    rules: dict[tuple[str, str], Rule] = {}
    for table in tables:
        one = _found(table, known, faults)
        if one is not None:
            name, shape = table["name"], one.get("shape", CLASSIFICATION)
            if (name, shape) in rules:
                faults.append(f"the class {name!r} ({shape}) stands here twice.")
            rules[name, shape] = _rule(table, name, shape, one, faults)
    if faults:
        raise MappingError(f"{place}: " + " Also: ".join(faults))
    return MappingRules(rules)


def _found(table: dict[str, Any], known: Mapping[tuple[str, str], dict[str, Any]], faults: list[str]) -> Any:
    name, shape = table.get("name"), table.get("shape")
    faults += [f"class {name!r}: {key!r} means nothing; {_nearest(key, _KEYS)}" for key in table if key not in _KEYS]
    shapes = [each for title, each in known if title == name]
    if not shapes:
        faults.append(f"the source has no class {name!r}; {_nearest(str(name), {title for title, _ in known})}")
        return None
    if shape is None and len(shapes) == 1:
        shape = shapes[0]
    if shape not in shapes:
        faults.append(f"the class {name!r} of the source is drawn as {' and as '.join(shapes)}, not as {shape!r}.")
        return None
    return known[str(name), str(shape)]


def _rule(table: dict[str, Any], name: str, shape: str, one: dict[str, Any], faults: list[str]) -> Rule:
    parts = dict(parts_of(one.get("attributes") or ()))
    renamed = _titles(table.get("attributes", {}), f"class {name!r}, attributes", parts, faults)
    to = _title(table.get("to", name), f"class {name!r}, to", faults)
    drawn = table.get("as", shape)
    if drawn != shape and drawn not in TARGETS.get(shape, ()):
        allowed = ", ".join(TARGETS.get(shape, ())) or "nothing else"
        faults.append(f"class {name!r}: {shape} cannot become {drawn!r}; it can become {allowed}.")
    split = table.get("split")
    options: dict[str, Any] = {}
    if split is not None:
        attribute = next((each for each in one.get("attributes") or () if each["name"] == split), None)
        radios = [each["name"] for each in one.get("attributes") or () if each["type"] == "radio"]
        if attribute is None or shape == CLASSIFICATION or attribute["type"] != "radio":
            faults.append(f"class {name!r}: {split!r} is no radio attribute of it; {_nearest(str(split), radios)}")
            split = None
        else:
            options = {option["label"]: option for option in attribute["options"]}
    elif "split_to" in table:
        faults.append(f"class {name!r}: split_to needs split.")
    split_to = _titles(table.get("split_to", {}), f"class {name!r}, split_to", options, faults) if split else {}
    return Rule(to, drawn, split, split_to, renamed)


def _titles(table: Any, place: str, known: Mapping[str, Any], faults: list[str]) -> dict[str, str | None]:
    if not isinstance(table, dict):
        faults.append(f"{place}: expected a table.")
        return {}
    faults += [f"{place}: there is no {key!r}; {_nearest(key, known)}" for key in table if key not in known]
    return {key: _title(value, f"{place}, {key!r}", faults) for key, value in table.items()}


def _title(value: Any, place: str, faults: list[str]) -> str | None:
    if value is False or value is None:
        return None
    if not isinstance(value, str) or not value:
        faults.append(f"{place}: expected a title, or false; found {value!r}.")
    return str(value)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}."


def mapping_text(structure: Structure, *, unlisted: int = 50) -> str:
    """Return a mapping file, TOML, that changes nothing: for editing.

    Parameters
    ----------
    structure : dict
        Ontology of the source.
    unlisted : int
        Of an attribute with more options than this, none is listed; a line may still be added for one.
    """
    lines = [
        "# What becomes of each class of the source. Edit the right-hand sides; false drops a thing.",
        "# Two things that get one name are merged. Further keys of a class:",
        '#   as = "polygon"     another shape',
        '#   split = "kind"     a radio attribute whose answer becomes the class',
    ]
    for name, shape, one in classes_of(structure):
        lines += ["", "[[class]]", f"name = {_text(name)}", f"shape = {_text(shape)}", f"to = {_text(name)}"]
        attributes = one.get("attributes") or []
        rows = [
            (path, part.get("label", part.get("name")))
            for path, part in parts_of(attributes)
            if not _is_long(attributes, path, unlisted) and not (shape == CLASSIFICATION and path == name)
        ]
        if rows:
            lines += [
                "",
                "[class.attributes]",
                *(f"{_text(path)} = {_text(title)}" for path, title in dict(rows).items()),
            ]
    return "\n".join(lines) + "\n"


def _is_long(attributes: Any, path: str, most: int) -> bool:
    return any(
        len(part.get("options") or ()) > most and path.startswith(above + "/")
        for above, part in parts_of(attributes)
        if "type" in part
    )


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
