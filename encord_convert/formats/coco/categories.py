"""Categories of a COCO file, and under which names the answers to a class are written.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from encord_convert.hub.class_names import unique
from encord_convert.hub.visibility import CROWD, says_yes
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    Classification,
    Object,
    OntologyStructure,
    RadioAttribute,
    Shape,
)

RESERVED = frozenset(
    {"encord_object_hash", "encord_shape", "manual_annotation", "rotation", "track_id", "unrotated_bbox"}
)
"""Attributes of an annotation that this format writes itself: no answer may take their place."""


# --- answers --------------------------------------------------------------------------------------------------------


class _Question:
    """How the answers to one attribute are written.

    ``is_choice``: an answer is an option, written by its label. ``is_claim``: the attribute is a checklist of one
    option that has its own name, which is how the hub holds a yes or no. ``labels`` are those of options, by hash,
    where two options of the attribute have the same label. ``as_object`` says of each option whether it is chosen.
    """

    __slots__ = ("as_object", "attribute", "is_choice", "is_claim", "key", "labels")

    def __init__(self, attribute: Any, key: str, as_object: bool) -> None:
        self.attribute = attribute
        self.key = key
        self.as_object = as_object
        labels = [option.label for option in attribute.options]
        self.is_claim = isinstance(attribute, ChecklistAttribute) and labels == [attribute.name]
        self.labels: dict[str, str] | None = None
        if len(set(labels)) < len(labels):
            self.labels, taken = {}, set[str]()
            for option in attribute.options:
                label = self.labels[option.feature_node_hash] = unique(option.label, taken)
                taken.add(label)
        self.is_choice = isinstance(attribute, RadioAttribute) and self.labels is None

    def label(self, option: Any) -> str:
        return str(option.label if self.labels is None else self.labels[option.feature_node_hash])

    def value(self, answer: Any) -> Any:
        """Return what is written for an answer that is not a claim: text, number, label or labels."""
        if isinstance(answer, tuple):
            chosen = [self.label(option) for option in answer]
            if self.as_object:
                return {label: label in chosen for label in map(self.label, self.attribute.options)}
            return chosen
        if isinstance(answer, (str, int)):
            return answer
        if isinstance(answer, float):
            return answer if math.isfinite(answer) else str(answer)
        return self.label(answer)


class Questions:
    """The attributes below one class, each with the key its answers stand under.

    A nested one stands under ``attribute/option/child``. Keys are unique: a second one of the same name, or one that
    the format keeps for itself, gets `` (2)``.
    """

    __slots__ = ("_as_objects", "_by_place", "_known", "clashes")

    def __init__(self, attributes: Sequence[Any], reserved: Iterable[str] = (), *, as_objects: bool = False) -> None:
        self._as_objects = as_objects
        self.clashes: list[tuple[str, str]] = []
        self._known: dict[int, _Question] = {}
        self._by_place: dict[tuple[str, tuple[int, ...]], _Question] = {}
        self._add(attributes, "", set(reserved))

    def _add(self, attributes: Sequence[Any], prefix: str, taken: set[str]) -> None:
        for attribute in attributes:
            key = unique(prefix + attribute.name, taken)
            if key != prefix + attribute.name:
                self.clashes.append((prefix + attribute.name, key))
            taken.add(key)
            question = _Question(attribute, key, self._as_objects)
            self._known[id(attribute)] = question
            self._by_place.setdefault(_place(attribute), question)
            if isinstance(attribute, RadioAttribute):
                for option in attribute.options:
                    self._add(option.nested_options, f"{key}/{question.label(option)}/", taken)

    def fill(self, members: dict[str, Any], answers: Iterable[tuple[Any, Any]]) -> None:
        """Add answers, each an attribute and its value, to the members of a JSON object."""
        known = self._known
        for attribute, answer in answers:
            question = known.get(id(attribute)) or self._same(attribute)
            if answer.__class__ is str:
                members[question.key] = answer
            elif question.is_choice:
                members[question.key] = answer.label
            elif question.is_claim:
                members[question.key] = bool(answer)
            else:
                members[question.key] = question.value(answer)

    def _same(self, attribute: Any) -> _Question:
        """Find how an attribute is written that is another object than the ontology's, but the same attribute."""
        return self._by_place[_place(attribute)]

    def by_key(self) -> dict[str, _Question]:
        """Return how each attribute is written, by the key of its answers."""
        return {question.key: question for question in self._known.values()}

    def all_keys(self) -> list[str]:
        """Return all keys, in the order of the ontology."""
        return [question.key for question in self._known.values()]


def _place(attribute: Any) -> tuple[str, tuple[int, ...]]:
    return attribute.feature_node_hash, tuple(attribute.uid)


# --- keypoints ------------------------------------------------------------------------------------------------------


class Keypoints:
    """Names and edges of a skeleton, in the order its points are written.

    Parameters
    ----------
    names : sequence of str
    edges : sequence of (int, int)
        Pairs of indexes into the names, from 0.
    hashes : sequence of str
        Feature hash of each point, which tells points of equal names apart.
    """

    __slots__ = ("_by_hash", "_by_name", "edges", "names")

    def __init__(
        self, names: Sequence[str], edges: Sequence[tuple[int, int]] = (), hashes: Sequence[str | None] = ()
    ) -> None:
        self.names = list(names)
        self.edges = [[start + 1, end + 1] for start, end in edges]
        self._by_hash = {hash_: index for index, hash_ in reversed(list(enumerate(hashes))) if hash_}
        self._by_name = {name: index for index, name in reversed(list(enumerate(names)))}

    def index(self, point: Any) -> int | None:
        """Return where a skeleton point stands, None if the skeleton has no such point."""
        index = self._by_hash.get(point.feature_hash)
        return self._by_name.get(point.name) if index is None else index


def keypoints_of(structure: OntologyStructure, name: str) -> Keypoints | None:
    """Return the keypoints of the skeleton template named ``name``, None if there is no such template."""
    for template in structure.skeleton_templates:
        if template.name == name:
            nodes = template.skeleton
            edges = [(start, end) for start, end, *_ in template.edges]
            return Keypoints([node.name for node in nodes], edges, [node.feature_hash for node in nodes])
    return None


# --- categories -----------------------------------------------------------------------------------------------------


class Category:
    """One entry of ``categories``: the classes of one name.

    ``class_name`` is the hub's name where the category needs another.
    """

    __slots__ = ("class_name", "classes", "id", "is_pointed", "keypoints", "name")

    def __init__(self, id_: int, name: str, classes: list[Object]) -> None:
        self.id = id_
        self.name = name
        self.class_name = classes[0].name if classes else name
        self.classes = classes
        self.keypoints: Keypoints | None = None
        self.is_pointed = any(one.shape is Shape.POINT for one in classes)

    @property
    def is_mixed(self) -> bool:
        """Whether the category alone does not tell the shape.

        A skeleton of one point looks like a point, and a class whose skeletons have another category like one of them.
        """
        is_point_like = self.keypoints is not None and len(self.keypoints.names) == 1 and not self.is_pointed
        return is_point_like or self.name != self.class_name or len({one.shape for one in self.classes}) > 1

    def to_dict(self, supercategory: str | None, native: Mapping[str, Mapping[str, Any]] = {}) -> dict[str, Any]:
        """Return the entry of the file; ``native`` are keys that the source has of classes, by their names."""
        own = native.get(self.class_name, {})
        members: dict[str, Any] = {"id": self.id, "name": self.name}
        members["supercategory"] = own.get("supercategory", self.class_name) if supercategory is None else supercategory
        if self.classes:
            color = self.classes[0].color
            members["color"] = own["color"] if color_of(own.get("color")) == color else color
        if self.keypoints is not None:
            members["keypoints"], members["skeleton"] = self.keypoints.names, self.keypoints.edges
        elif self.is_pointed:
            members["keypoints"], members["skeleton"] = [self.class_name], []
        if self.name != self.class_name:
            members["encord_name"] = self.class_name
        return {**{key: value for key, value in own.items() if key not in members}, **members}


def color_of(value: Any) -> str | None:
    """Return a colour of a category, hexadecimal or red, green and blue, as that of a class; None if it is none."""
    if isinstance(value, str) and value.startswith("#"):
        return value
    if isinstance(value, list) and len(value) == 3 and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        return "#{:02x}{:02x}{:02x}".format(*value)
    return None


def categories_of(
    structure: OntologyStructure,
    shapes: frozenset[Shape],
    ids: Mapping[str, int] | None = None,
    names: Iterable[str] = (),
) -> list[Category]:
    """Return the categories of an ontology, with ids from 1 in its order; those whose names have ``ids`` have those.

    Classes of one name share a category, so that no two categories have the same name. A category has one list of
    keypoints: where points and skeletons have the same name, the points get a category of their own. Those of
    ``names`` that no class has are categories, too.
    """
    drawn = [one for one in structure.objects if one.shape in shapes]
    with_skeleton = {one.name for one in drawn if one.shape is Shape.SKELETON}
    groups: dict[tuple[str, bool], list[Object]] = {}
    for one in drawn:
        is_apart = one.shape is Shape.POINT and one.name in with_skeleton
        groups.setdefault((one.name, is_apart), []).append(one)
    taken = {one.name for one in drawn}
    categories = []
    given = ids or {}
    kept = set(given.values())
    rest = (number for number in count(1) if number not in kept)
    for (name, is_apart), classes in groups.items():
        shown = unique(f"{name} (point)", taken) if is_apart else name
        taken.add(shown)
        category = Category(given.get(shown) or next(rest), shown, classes)
        if name in with_skeleton and not is_apart:
            category.keypoints = keypoints_of(structure, name)
        categories.append(category)
    categories += [Category(given.get(name) or next(rest), name, []) for name in names if name not in taken]
    return categories


class Class:
    """How the objects of one class are written.

    Parameters
    ----------
    item : Object
    category : Category or None
        None: COCO has no place for the shape.
    """

    __slots__ = ("category", "category_id", "constants", "crowd_keys", "item", "questions", "shape")

    def __init__(self, item: Object, category: Category | None, *, as_objects: bool = False) -> None:
        self.item = item
        self.shape = item.shape
        self.category = category
        self.category_id = category.id if category is not None else 0
        self.questions = Questions(item.attributes, RESERVED, as_objects=as_objects)
        self.crowd_keys = [key for key in self.questions.all_keys() if key.lower() in CROWD]
        self.constants = {"encord_shape": item.shape.value} if category is not None and category.is_mixed else {}

    def is_crowd(self, attributes: dict[str, Any]) -> bool:
        """Tell whether an answer says that this is a crowd."""
        return any(says_yes(attributes.get(key)) for key in self.crowd_keys)


class Classes:
    """Everything known about the classes of an ontology, found by the objects of a walk.

    Parameters
    ----------
    structure : OntologyStructure
    shapes : set of Shape
        Those COCO has a place for.
    ids : mapping, optional
        Ids of categories by name.
    as_objects : bool
        Whether answers to checklists say of each option whether it is chosen.
    names : iterable of str
        Categories that the source has, with or without a class.

    Attributes
    ----------
    categories : list of Category
    """

    def __init__(
        self,
        structure: OntologyStructure,
        shapes: frozenset[Shape],
        ids: Mapping[str, int] | None = None,
        *,
        as_objects: bool = False,
        names: Iterable[str] = (),
    ) -> None:
        self.categories = categories_of(structure, shapes, ids, names)
        self._as_objects = as_objects
        self._by_key = {(one.name, one.shape): category for category in self.categories for one in category.classes}
        self._objects: dict[int, Class] = {}
        self._classifications: dict[int, tuple[Classification, Questions]] = {}
        self._titles = Counter(one.title for one in structure.classifications if one.attributes)

    def of(self, item: Object) -> Class:
        """Return how objects of a class are written."""
        found = self._objects.get(id(item))
        if found is None:
            category = self._by_key.get((item.name, item.shape))
            found = self._objects[id(item)] = Class(item, category, as_objects=self._as_objects)
        return found

    def id_of(self, name: str) -> int | None:
        """Return the id of the category of a name, None if there is none."""
        return next((one.id for one in self.categories if one.name == name), None)

    def questions_of(self, item: Classification) -> Questions:
        """Return how a classification is written."""
        found = self._classifications.get(id(item))
        if found is None:
            found = self._classifications[id(item)] = (item, Questions(item.attributes, as_objects=self._as_objects))
        return found[1]

    def shares_its_title(self, item: Classification) -> bool:
        """Tell whether another classification has the same title."""
        return self._titles[item.title] > 1

    def clashes(self) -> list[str]:
        """Return in sentences which names could not stay as they are, of the categories and of the classes met."""
        sentences = []
        for category in self.categories:
            name, count = category.class_name, len(category.classes)
            if category.name != name:
                sentences.append(
                    f"The points named {name!r} stand in the category {category.name!r}: skeletons have their name."
                )
            elif len({one.shape for one in category.classes}) < count:
                sentences.append(f"{count} classes named {name!r} share a category.")
        met = [(one.item.name, one.questions) for one in self._objects.values() if one.category is not None]
        met += [(item.title, questions) for item, questions in self._classifications.values() if item.attributes]
        for title, questions in met:
            sentences += [
                f"The answers of {title!r} to {name!r} stand under {key!r}." for name, key in questions.clashes
            ]
        return list(dict.fromkeys(sentences))
