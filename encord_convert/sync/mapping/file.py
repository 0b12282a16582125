"""The mapping file from classes of a source to those of a project: written for editing, validated when used.

The file is YAML (JSON is YAML too), and lists the classes of the source::

    classes:
    - name: car                     # as the source has it,
      shape: bounding_box           # "classification" for labels of a whole frame
      to: vehicle                   # as the project shall have it; false drops it
      as: polygon                   # another shape
      split: kind                   # a radio attribute whose answer becomes the class
      split_to:                     # by default the class is called as the option is
        van: delivery van
      attributes:                   # attributes, and their options and nested attributes by path
        colour: paint
        colour/red: crimson         # false drops one, and what is below it
        plate: {to: number, as: radio}  # asked in another way; see :mod:`encord_convert.sync.mapping.attributes`

A label with several shapes has one name here, without the shape suffix that classes may have in a project
(:mod:`encord_convert.hub.class_names`). An entry without ``shape`` applies to all its shapes without an entry of their
own. Classes that map to the same name and shape are merged, as are attributes and options. Anything not mentioned is
unchanged. With ``split``, ``to`` is for objects without an answer.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from encord_convert.errors import MappingError
from encord_convert.hub.class_names import label_of
from encord_convert.hub.yaml_file import document_at, text_of
from encord_convert.sync.mapping.answers import TARGETS
from encord_convert.sync.mapping.attributes import KINDS, texts_of

CLASSIFICATION = "classification"
"""Takes the place of the shape for classifications."""
_KEYS = ("name", "shape", "to", "as", "split", "split_to", "attributes")

Structure = dict[str, Any]
"""An ontology in its JSON form."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Mapping of one class; default: unchanged.

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
    kinds : mapping
        Path of an attribute to its new type; see :data:`~encord_convert.sync.mapping.attributes.KINDS`.
    values : mapping
        Path of a text attribute that becomes a radio to its options.
    """

    to: str | None
    shape: str
    split: str | None = None
    split_to: Mapping[str, str | None] = field(default_factory=dict)
    parts: Mapping[str, str | None] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def title(self, path: str, title: str) -> str | None:
        """Return the title of an attribute or option in the project, None if dropped."""
        return self.parts.get(path, title)


class MappingRules:
    """The rules for the classes of one source."""

    def __init__(self, rules: Mapping[tuple[str, str], Rule] | None = None) -> None:
        self._rules = dict(rules or {})

    def rule(self, name: str, shape: str) -> Rule:
        """Return the rule for a class."""
        return self._rules.get((name, shape)) or Rule(name, shape)

    def learn(self, structure: Structure, rows: Callable[[], Iterable[dict[str, Any]]]) -> None:
        """Collect the texts that become options, if any do.

        Parameters
        ----------
        structure : dict
            Ontology of the source.
        rows : callable
            Returns its label rows in JSON form.
        """
        places = {
            part["featureNodeHash"]: ((name, shape), path)
            for name, shape, one in classes_of(structure)
            for path, part in parts_of(one.get("attributes") or ())
            if self.rule(name, shape).kinds.get(path) == "radio"
        }
        if not places:
            return
        for hash_, texts in texts_of(rows(), places).items():
            class_, path = places[hash_]
            rule = self._rules[class_]
            self._rules[class_] = replace(rule, values={**rule.values, path: tuple(texts)})


def classes_of(structure: Structure) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, shape and JSON form of each class; classifications have the shape :data:`CLASSIFICATION`.

    The name is the label's, without its shape suffix in a project
    (:mod:`encord_convert.hub.class_names`).
    """
    for object_ in structure["objects"]:
        yield label_of(object_), object_["shape"], object_
    for classification in structure["classifications"]:
        if classification["attributes"]:
            yield classification["attributes"][0]["name"], CLASSIFICATION, classification


def templates_of(structure: Structure) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the label and the JSON form of the template of each skeleton."""
    labels = {object_["name"]: label_of(object_) for object_ in structure["objects"] if object_["shape"] == "skeleton"}
    for template in structure.get("skeleton_templates") or ():
        name = template["template"]["name"]
        yield labels.get(name, name), template["template"]


def parts_of(attributes: Iterable[dict[str, Any]], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and JSON form of each attribute and option, depth-first."""
    for attribute in attributes or ():
        path = above + attribute["name"]
        yield path, attribute
        for option in attribute.get("options") or ():
            yield f"{path}/{option['label']}", option
            yield from parts_of(option.get("options") or (), f"{path}/{option['label']}/")


def rules_of(mapping: Mapping[str, Any] | str | Path | None, structure: Structure) -> MappingRules:
    """Return the rules of a mapping, given as a document or file; None keeps every class.

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
    """Return the rules of a document, validated against the ontology of the source.

    Raises
    ------
    MappingError
        Lists all faults, with lines if read from a file.
    """
    return _Reading(structure, place).rules(document)


class _Reading:
    """Parses one document, collecting its faults."""

    def __init__(self, structure: Structure, place: str) -> None:
        self._place = place
        self._known = {(name, shape): one for name, shape, one in classes_of(structure)}
        self._faults: list[str] = []

    def rules(self, document: Any) -> MappingRules:
        tables = document.get("classes") if isinstance(document, dict) else None
        if not isinstance(tables, list) or not all(isinstance(item, dict) for item in tables):
            raise MappingError(f"{self._place}: expected a list of mappings under 'classes'.")
        self._check_keys(document, ("classes",), "")
        rules: dict[tuple[str, str], Rule] = {}
        of_one = {(table.get("name"), table.get("shape")) for table in tables if "shape" in table}
        for table in tables:
            for shape in self._shapes(table):
                name = table["name"]
                if "shape" not in table and (name, shape) in of_one:
                    continue
                if (name, shape) in rules:
                    self._fault(table, "name", f"the class {name!r} ({shape}) is listed twice.")
                rules[name, shape] = self._rule(table, name, shape, self._known[name, shape])
        if self._faults:
            raise MappingError("\n".join(self._faults))
        return MappingRules(rules)

    def _fault(self, table: Any, key: str | None, sentence: str) -> None:
        line = getattr(table, "lines", {}).get(key, getattr(table, "line", None))
        at = self._place if line is None else f"{self._place}:{line}"
        if f"{at}: {sentence}" not in self._faults:
            self._faults.append(f"{at}: {sentence}")

    def _check_keys(self, table: Mapping[str, Any], known: Iterable[str], whose: str) -> None:
        for key in table:
            if key not in known:
                self._fault(table, key, f"{whose}{key!r} is not a known key; {_nearest(key, known)}")

    def _shapes(self, table: dict[str, Any]) -> list[str]:
        """Return the shapes an entry applies to: all of its label, unless it names one."""
        name, shape = table.get("name"), table.get("shape")
        self._check_keys(table, _KEYS, f"class {name!r}: ")
        shapes = [each for title, each in self._known if title == name]
        if not shapes:
            nearest = _nearest(str(name), {title for title, _ in self._known})
            self._fault(table, "name", f"the source has no class {name!r}; {nearest}")
            return []
        if shape is None and (len(shapes) == 1 or CLASSIFICATION not in shapes):
            return shapes
        if shape not in shapes:
            drawn = " and as ".join(shapes)
            rest = "; say which with 'shape'" if shape is None else f", not as {shape!r}"
            self._fault(table, "shape", f"the class {name!r} of the source has the shape {drawn}{rest}.")
            return []
        return [str(shape)]

    def _rule(self, table: dict[str, Any], name: str, shape: str, one: dict[str, Any]) -> Rule:
        whose = f"class {name!r}"
        attributes = one.get("attributes") or []
        to = self._title(table, "to", f"{whose}, to") if "to" in table else name
        drawn = table.get("as", shape)
        if drawn != shape and drawn not in TARGETS.get(shape, ()):
            allowed = ", ".join(TARGETS.get(shape, ())) or "nothing else"
            self._fault(table, "as", f"{whose}: {shape} cannot become {drawn!r}; it can become {allowed}.")
        split = table.get("split")
        options: dict[str, Any] = {}
        if split is not None:
            attribute = next((each for each in attributes if each["name"] == split), None)
            radios = [each["name"] for each in attributes if each["type"] == "radio"]
            if attribute is None or shape == CLASSIFICATION or attribute["type"] != "radio":
                near = _nearest(str(split), radios)
                self._fault(table, "split", f"{whose}: {split!r} is not a radio attribute of it; {near}")
                split = None
            else:
                options = {option["label"]: option for option in attribute["options"]}
        elif "split_to" in table:
            self._fault(table, "split_to", f"{whose}: split_to needs split.")
        split_to = {}
        if split and self._is_table(table, "split_to", f"{whose}, split_to"):
            split_to = self._titles(table["split_to"], f"{whose}, split_to", options)
        parts: dict[str, str | None] = {}
        kinds: dict[str, str] = {}
        if self._is_table(table, "attributes", f"{whose}, attributes"):
            known = dict(parts_of(attributes))
            parts, kinds = self._parts(table["attributes"], f"{whose}, attributes", known, shape)
        return Rule(to, drawn, split, split_to, parts, kinds)

    def _is_table(self, table: dict[str, Any], key: str, place: str) -> bool:
        if key in table and not isinstance(table[key], dict):
            self._fault(table, key, f"{place}: expected a mapping.")
        return isinstance(table.get(key), dict)

    def _parts(
        self, table: dict[str, Any], place: str, known: Mapping[str, Any], shape: str
    ) -> tuple[dict[str, str | None], dict[str, str]]:
        """Return titles and kinds of attributes and options, by path."""
        parts: dict[str, str | None] = {}
        kinds: dict[str, str] = {}
        for path, value in table.items():
            part = known.get(path)
            if part is None:
                self._fault(table, path, f"{place}: there is no {path!r}; {_nearest(path, known)}")
                continue
            if not isinstance(value, dict):
                parts[path] = self._title(table, path, f"{place}, {path!r}")
                continue
            self._check_keys(value, ("to", "as"), f"{place}, {path!r}: ")
            parts[path] = (
                self._title(value, "to", f"{place}, {path!r}, to")
                if "to" in value
                else part.get("label", part.get("name"))
            )
            if "as" in value and value["as"] != part.get("type"):
                kinds[path] = value["as"]
        for path, kind in kinds.items():
            self._check_kind(table, place, path, kind, known, parts, shape)
        self._check_merges(table, place, known, parts)
        return parts, kinds

    def _check_kind(
        self,
        table: dict[str, Any],
        place: str,
        path: str,
        kind: Any,
        known: Mapping[str, Any],
        parts: Mapping[str, str | None],
        shape: str,
    ) -> None:
        """Report an attribute that cannot have this type."""
        part, what = known[path], f"{place}, {path!r}"
        allowed = KINDS.get(part.get("type"), ())
        if kind not in allowed:
            was = f"a {part['type']}" if "type" in part else "an option"
            can = ", ".join(allowed) or "nothing else"
            self._fault(table, path, f"{what}: {was} cannot become {kind!r}; it can become {can}.")
            return
        below = [item for item in known if item.startswith(path + "/") and "type" in known[item]]
        kept = next((part for part in below if not any(parts.get(above, "") is None for above in _above(part))), None)
        if kept is not None:
            self._fault(
                table, path, f"{what}: a {kind} has nothing below its options; drop {kept!r} first, with false."
            )
        if kind == "yes_no" and ("/" in path or shape == CLASSIFICATION):
            self._fault(table, path, f"{what}: only an attribute of a class of objects itself can become yes_no.")

    def _check_merges(
        self, table: dict[str, Any], place: str, known: Mapping[str, Any], parts: Mapping[str, str | None]
    ) -> None:
        """Report dynamic attributes that would be merged."""
        titles = Counter(
            (path.rpartition("/")[0], parts.get(path, part["name"]))
            for path, part in known.items()
            if part.get("dynamic")
        )
        for (above, title), number in titles.items():
            if number > 1 and title is not None:
                what = f"{above}/{title}" if above else title
                self._fault(
                    table, None, f"{place}: {number} attributes with dynamic answers cannot become one {what!r}."
                )

    def _titles(self, table: dict[str, Any], place: str, known: Mapping[str, Any]) -> dict[str, str | None]:
        titles = {}
        for key in table:
            if key not in known:
                self._fault(table, key, f"{place}: there is no {key!r}; {_nearest(key, known)}")
            titles[key] = self._title(table, key, f"{place}, {key!r}")
        return titles

    def _title(self, table: dict[str, Any], key: str, place: str) -> str | None:
        value = table[key]
        if value is False or value is None:
            return None
        if not isinstance(value, str) or not value:
            self._fault(table, key, f"{place}: expected a title, or false; found {value!r}.")
        return str(value)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}."


def mapping_text(structure: Structure, *, unlisted: int = 50) -> str:
    """Return an identity mapping file, YAML, for editing.

    Parameters
    ----------
    structure : dict
        Ontology of the source.
    unlisted : int
        Options of attributes with more than this are not listed; lines may still be added.
    """
    lines = [
        "# Mapping of each class of the source. Edit the right-hand sides; false drops an item.",
        "# Items with the same new name are merged. Further keys of a class:",
        "#   as: polygon      another shape",
        "#   split: kind      a radio attribute whose answer becomes the class",
        "# An attribute can change its type: kind: {to: kind, as: text}",
        "classes:" if any(True for _ in classes_of(structure)) else "classes: []",
    ]
    for name, shape, one in classes_of(structure):
        lines += [f"- name: {text_of(name)}", f"  shape: {shape}", f"  to: {text_of(name)}"]
        attributes = one.get("attributes") or []
        rows = {
            path: str(part.get("label", part.get("name")))
            for path, part in parts_of(attributes)
            if not _is_long(attributes, path, unlisted) and not (shape == CLASSIFICATION and path == name)
        }
        if rows:
            lines += ["  attributes:", *(f"    {text_of(path)}: {text_of(title)}" for path, title in rows.items())]
    return "\n".join(lines) + "\n"


def _is_long(attributes: Any, path: str, most: int) -> bool:
    return any(
        len(part.get("options") or ()) > most and path.startswith(above + "/")
        for above, part in parts_of(attributes)
        if "type" in part
    )


def _above(path: str) -> Iterator[str]:
    """Yield a path and the paths above it."""
    while path:
        yield path
        path = path.rpartition("/")[0]
