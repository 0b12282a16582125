"""Merges ontologies: what a source needs of a project's ontology, and what must be added.

Classes are equal if name and shape are; where names clash, a project appends the shape, which is ignored
(:mod:`encord_convert.hub.class_names`). Attributes are equal by name below the same class or option, options by label.
All of this works on the JSON form, so that unknown keys are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from encord_convert.hub.class_names import apart, hash_of, label_of
from encord_convert.hub.draft import Hashes
from encord_convert.sync.mapping.attributes import asked_again
from encord_convert.sync.mapping.file import CLASSIFICATION, MappingRules, Rule, Structure, classes_of, templates_of

_HASHES = Hashes("sync")


def empty_structure() -> Structure:
    """Return an ontology without classes."""
    return {"objects": [], "classifications": []}


def needed(source: Structure, rules: MappingRules) -> Joined:
    """Return the ontology a source needs after mapping, and its conflicts."""
    structure = empty_structure()
    joined = Joined(structure, sides=("of one class", "of another"))
    for name, shape, one in classes_of(source):
        for _, title, attributes in outcomes(one, rules.rule(name, shape)):
            new = {**one, "attributes": attributes}
            if shape != CLASSIFICATION:
                new |= {"name": title, "shape": rules.rule(name, shape).shape}
            joined.add_class(new, title, new.get("shape", CLASSIFICATION))
    templates = [template for template in source.get("skeleton_templates") or () if _is_kept(template, rules)]
    if templates:
        structure["skeleton_templates"] = templates
    return joined


def _is_kept(template: dict[str, Any], rules: MappingRules) -> bool:
    rule = rules.rule(template["template"]["name"], "skeleton")
    return rule.to is not None and rule.shape == "skeleton"


def outcomes(one: dict[str, Any], rule: Rule) -> Iterator[tuple[str | None, str, list[dict[str, Any]]]]:
    """Yield what a class becomes: the splitting option, if any, the title and the attributes."""
    attributes = one.get("attributes") or []
    if rule.shape == CLASSIFICATION:
        if rule.to is not None:
            first = mapped_attributes(attributes, rule)
            first[0] = {**first[0], "name": rule.to}
            yield None, rule.to, first
        return
    kept = mapped_attributes([each for each in attributes if each["name"] != rule.split], rule)
    if rule.to is not None:
        yield None, rule.to, kept
    for each in attributes:
        if each["name"] == rule.split:
            for option in each["options"]:
                title = rule.split_to.get(option["label"], option["label"])
                if title is not None:
                    path = f"{rule.split}/{option['label']}/"
                    yield option["label"], title, kept + mapped_attributes(option.get("options") or [], rule, path)


def mapped_attributes(attributes: list[dict[str, Any]], rule: Rule, above: str = "") -> list[dict[str, Any]]:
    """Return attributes as they will be in the project."""
    mapped: list[dict[str, Any]] = []
    for attribute in attributes:
        path = above + attribute["name"]
        title = rule.title(path, attribute["name"])
        if title is None and not (rule.shape == CLASSIFICATION and not above):
            continue
        new = {**attribute, "name": title or attribute["name"]}
        if "options" in attribute:
            new["options"] = []
            for option in attribute["options"]:
                inner = f"{path}/{option['label']}"
                label = rule.title(inner, option["label"])
                if label is not None:
                    below = mapped_attributes(option.get("options") or [], rule, inner + "/")
                    renamed = {} if label == option["label"] else {"label": label, "value": label}
                    new["options"].append({**option, **renamed, **({"options": below} if below else {})})
        if path in rule.kinds:
            mapped += asked_again(new, rule.kinds[path], rule.values.get(path, ()))
        else:
            mapped.append(new)
    return mapped


@dataclass
class Joined:
    """An ontology that is extended by what it lacks.

    Attributes
    ----------
    structure : dict
        The ontology, changed in place.
    added : list of str
        Descriptions of additions.
    reused : list of str
        Classes that already existed.
    conflicts : list of str
        Attributes of one name and different types.
    sides : (str, str)
        Names of the added and existing side in conflicts.
    is_project : bool
        Whether classes of one label get distinct names.
    """

    structure: Structure
    added: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    sides: tuple[str, str] = ("in the source", "in the project")
    is_project: bool = False

    def __post_init__(self) -> None:
        self._taken = {item["featureNodeHash"] for item in _everything(self.structure)}

    def add(self, other: Structure) -> None:
        """Add what another ontology has and this one lacks."""
        for name, shape, one in classes_of(other):
            self.add_class(one, name, shape)
        own = {label for label, _ in templates_of(self.structure)}
        for label, template in templates_of(other):
            class_ = self._class(label, "skeleton")
            if label not in own:
                new = template if class_ is None else {**template, "name": class_["name"]}
                self.structure.setdefault("skeleton_templates", []).append({"template": new})

    def _class(self, name: str, shape: str) -> dict[str, Any] | None:
        """Return the class of a label and shape; the project's own name counts too."""
        same = [(title, each) for title, kind, each in classes_of(self.structure) if kind == shape]
        of_label = (each for title, each in same if title == name)
        return next(of_label, None) or next((each for _, each in same if each.get("name") == name), None)

    def add_class(self, one: dict[str, Any], name: str, shape: str) -> None:
        """Add a class, or extend the existing one."""
        there = self._class(name, shape)
        if there is not None:
            words = f"{there.get('name', name)!r} ({shape})"
            self.reused.append(words)
            attributes = there.setdefault("attributes", [])
            self._add_attributes(attributes, one.get("attributes") or [], there["id"], words)
            if not attributes and shape != CLASSIFICATION:
                del there["attributes"]
            return
        classes = self.structure["classifications" if shape == CLASSIFICATION else "objects"]
        new = {**one, "id": str(max((int(each["id"]) for each in classes), default=0) + 1)}
        hash_ = one["featureNodeHash"]
        if shape != CLASSIFICATION and any(label_of(each) == name for each in classes):
            hash_ = hash_of(name, shape)
            if self.is_project:
                name = new["name"] = apart(name, shape, {each["name"] for each in classes})
        words = f"{name!r} ({shape})"
        new["featureNodeHash"] = self._free(hash_, name, shape)
        attributes = new.pop("attributes", None) or []
        classes.append(new)
        self.added.append(f"class {words}")
        if attributes:
            new["attributes"] = []
            self._add_attributes(new["attributes"], attributes, new["id"], words, is_reported=False)

    def _add_attributes(
        self,
        there: list[dict[str, Any]],
        more: list[dict[str, Any]],
        parent: str,
        place: str,
        *,
        is_reported: bool = True,
    ) -> None:
        for item in more:
            same = next((each for each in there if each["name"] == item["name"]), None)
            words = f"{place}, {item['name']!r}"
            if same is None:
                same = {key: value for key, value in item.items() if key != "options"}
                same["id"] = _next_id(there, parent)
                same["featureNodeHash"] = self._free(item["featureNodeHash"], place, item["name"], short=True)
                there.append(same)
                if "options" in item:
                    same["options"] = []
                if is_reported:
                    self.added.append(f"attribute {words}")
                self._add_options(same, item, words, is_reported=False)
            elif same["type"] != item["type"] or bool(same.get("dynamic")) != bool(item.get("dynamic")):
                self.conflicts.append(
                    f"{words} is {_kind(item)} {self.sides[0]} and {_kind(same)} {self.sides[1]}: "
                    "map it to another title."
                )
            else:
                self._add_options(same, item, words, is_reported=is_reported)

    def _add_options(self, there: dict[str, Any], more: dict[str, Any], place: str, *, is_reported: bool) -> None:
        for option in more.get("options") or ():
            options = there.setdefault("options", [])
            same = next((each for each in options if each["label"] == option["label"]), None)
            words = f"{place}/{option['label']}"
            below = option.get("options") or []
            if same is None:
                same = {key: value for key, value in option.items() if key != "options"}
                same["id"] = _next_id(options, there["id"])
                same["featureNodeHash"] = self._free(option["featureNodeHash"], place, option["label"], short=True)
                options.append(same)
                if is_reported:
                    self.added.append(f"option {words}")
            if below:
                nested = same.setdefault("options", [])
                self._add_attributes(nested, below, same["id"], words, is_reported=is_reported)

    def _free(self, hash_: str, *words: str, short: bool = False) -> str:
        """Return an unused hash: the given one, or one derived from the words."""
        number = 0
        while hash_ in self._taken:
            hash_ = (_HASHES.short if short else _HASHES.hex)(*words, number)
            number += 1
        self._taken.add(hash_)
        return hash_


def _next_id(siblings: list[dict[str, Any]], parent: str) -> str:
    return f"{parent}.{max((int(str(each['id']).rpartition('.')[2]) for each in siblings), default=0) + 1}"


def _kind(attribute: dict[str, Any]) -> str:
    return ("a dynamic " if attribute.get("dynamic") else "a ") + str(attribute["type"])


def _everything(structure: Structure) -> Iterator[dict[str, Any]]:
    for _, _, one in classes_of(structure):
        yield one
        yield from below(one.get("attributes") or ())


def below(attributes: Any) -> Iterator[dict[str, Any]]:
    """Yield attributes, their options and what is nested in them."""
    for attribute in attributes or ():
        yield attribute
        for option in attribute.get("options") or ():
            yield option
            yield from below(option.get("options") or ())
