"""One label drawn in several shapes: one name here, one name for each shape in an Encord ontology.

A class of an Encord ontology has one shape. A label set holds a label drawn in several as classes of *equal names*, and
every format that knows classes by name makes one of them. Only where an ontology leaves for Encord (the format
``encord``, and a push) do the later ones get their shape behind the name: ``car``, ``car (polygon)``. Both forms are
worked on as JSON.

That such a class is one with ``car`` is remembered in its hash, which the service keeps and people do not edit: it
follows from the label and the shape (:func:`hash_of`). A class somebody called ``car (polygon)`` has another, and stays
a class of its own.

>>> ontology = {"objects": [
...     {"name": "car", "shape": "bounding_box", "featureNodeHash": "6ab1f0c2"},
...     {"name": "car", "shape": "polygon", "featureNodeHash": hash_of("car", "polygon")},
... ]}
>>> [one["name"] for one in told_apart(ontology)["objects"]]
['car', 'car (polygon)']
>>> [one["name"] for one in joined(told_apart(ontology))["objects"]]
['car', 'car']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.objects._answer_values import _written_value

if TYPE_CHECKING:
    from encord_convert.sdk.objects import OntologyStructure

Structure = dict[str, Any]
"""An ontology in its JSON form."""

_APART = re.compile(r"(.+) \(([a-z0-9 ]+)\)(?: \d+)?", re.DOTALL)


def hash_of(label: str, shape: str) -> str:
    """Return the hash of a class of a label that has a class of another shape already: 8 hexadecimal digits."""
    return blake2b("\0".join(("label", label, shape)).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def label_of(one: Mapping[str, Any]) -> str:
    """Return the label a class of an ontology belongs to: its name, without the shape where that was put behind it."""
    name: str = one["name"]
    found = _APART.fullmatch(name)
    is_ours = found is not None and one.get("featureNodeHash") == hash_of(found[1], one["shape"])
    return found[1] if found is not None and is_ours else name


def apart(label: str, shape: str, taken: Container[str]) -> str:
    """Return a name for the class of a label in a shape, other than those that are taken.

    >>> apart("car", "rotatable_bounding_box", {"car"})
    'car (rotatable bounding box)'
    """
    name = f"{label} ({shape.replace('_', ' ')})"
    return unique(name, taken, "{} {}")


def unique(name: str, taken: Container[str], form: str = "{} ({})") -> str:
    """Return a name, or with a number from 2 on the first that is not taken.

    >>> unique("car", {"car", "car (2)"})
    'car (3)'
    """
    if name not in taken:
        return name
    return form.format(name, first_free(lambda number: form.format(name, number) in taken))


def first_free(is_taken: Callable[[int], bool], start: int = 2) -> int:
    """Return the first number that is not taken; where some before it are free, perhaps one behind those.

    It looks in steps that grow: of 100,000 things of one name, none looks at all those before it.
    """
    last, number, step = start - 1, start, 1
    while is_taken(number):
        last, number, step = number, number + step, 2 * step
    while number - last > 1:
        middle = (last + number) // 2
        if is_taken(middle):
            last = middle
        else:
            number = middle
    return number


def united(structure: Structure) -> Structure:
    """Return an ontology in which classes of one name and shape are one class that asks what any of them does.

    Classes that are drawn as another shape may be so; the given ontology if there are none.

    >>> car = {"name": "car", "shape": "polygon", "attributes": [{"name": "wet", "type": "text"}]}
    >>> united({"objects": [{"name": "car", "shape": "polygon"}, car]})["objects"] == [car]
    True
    """
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for one in structure["objects"]:
        same = first.get((one["name"], one["shape"]))
        if same is None:
            first[one["name"], one["shape"]] = one
        elif one.get("attributes"):
            asked = same.get("attributes") or []
            both = {**same, "attributes": _united(asked, one["attributes"])}
            first[one["name"], one["shape"]] = both
    return {**structure, "objects": [*first.values()]} if len(first) < len(structure["objects"]) else structure


def _united(ours: Iterable[Mapping[str, Any]], theirs: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return attributes, or options, of two classes: those of one name and kind are one."""
    found: dict[Any, Any] = {}
    for one in (*ours, *theirs):
        key = one.get("name", one.get("label")), one.get("type")
        same = found.get(key)
        if same is None:
            found[key] = one
        elif one.get("options"):
            found[key] = {**same, "options": _united(same.get("options") or [], one["options"])}
    return [*found.values()]


def told_apart(structure: Structure) -> Structure:
    """Return an ontology in which classes of one label have names that differ; the given one if they do."""
    ours = [one for one in structure["objects"] if one["featureNodeHash"] == hash_of(one["name"], one["shape"])]
    taken = {one["name"] for one in structure["objects"]}
    own = set(map(id, ours))
    free = taken - {one["name"] for one in structure["objects"] if id(one) not in own}
    names: dict[str, str] = {}
    for one in ours:
        if one["name"] in free:
            free.remove(one["name"])
            continue
        names[one["featureNodeHash"]] = apart(one["name"], one["shape"], taken)
        taken.add(names[one["featureNodeHash"]])
    return _renamed(structure, lambda one: names.get(one["featureNodeHash"], one["name"]))


def joined(structure: Structure) -> Structure:
    """Return an ontology in which classes of one label have its name; the given one if they do."""
    return _renamed(structure, label_of)


def names_given(before: Structure, after: Structure) -> dict[str, str]:
    """Return by hash the names that classes got; see :func:`told_apart`."""
    pairs = zip(before["objects"], after["objects"], strict=True)
    return {new["featureNodeHash"]: new["name"] for old, new in pairs if old["name"] != new["name"]}


def rename(row: dict[str, Any], names: Mapping[str, str]) -> None:
    """Give the labels of a row in its JSON form the names their classes got, in place."""
    for unit in row["data_units"].values() if names else ():
        labels = unit["labels"]
        for frame in [labels] if "objects" in labels else labels.values():
            for entry in frame["objects"]:
                name = names.get(entry["featureHash"])
                if name is not None:
                    entry["name"], entry["value"] = name, _written_value(name)


def join_classes(structure: OntologyStructure) -> None:
    """Give the classes of one label its name, in place."""
    for one in structure.objects:
        name = label_of({"name": one.name, "shape": one.shape.value, "featureNodeHash": one.feature_node_hash})
        for template in structure.skeleton_templates if one.shape.value == "skeleton" else ():
            template.name = name if template.name == one.name else template.name
        one.name = name


def _renamed(structure: Structure, name_of: Callable[[Mapping[str, Any]], str]) -> Structure:
    objects = [{**one, "name": name_of(one)} for one in structure["objects"]]
    if objects == structure["objects"]:
        return structure
    renamed = {**structure, "objects": objects}
    skeletons = {old["name"]: new["name"] for old, new in zip(structure["objects"], objects, strict=True)
                 if new["shape"] == "skeleton"}  # fmt: skip
    if structure.get("skeleton_templates"):  # the one of a class has its name
        templates = [one["template"] for one in structure["skeleton_templates"]]
        renamed["skeleton_templates"] = [
            {"template": {**one, "name": skeletons.get(one["name"], one["name"])}} for one in templates
        ]
    return renamed
