"""From categories and their annotations to the classes of the ontology, and to plans: how each becomes the hub's.

A class that the file itself, or the ontology a caller gives, describes is taken as it is; the others follow from the
data.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from encord_convert.formats.coco.categories import RESERVED, Questions, color_of
from encord_convert.formats.coco.index_entries import NO_ID, number_of, texts_of
from encord_convert.formats.coco.options import ReadOptions
from encord_convert.formats.coco.stats import AnswerStats, ClassStats
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.native import leaves, says_nothing
from encord_convert.sdk.objects import Classification, Object, Shape
from encord_convert.sdk.objects._skeleton_template import SkeletonNode, SkeletonTemplate
from encord_convert.sdk.objects.attributes import (
    ChecklistAttribute,
    NumericAttribute,
    RadioAttribute,
    TextAttribute,
)

CAPTION = "caption"
LABELS = "Labels"
"""The checklist of categories that annotations give without a geometry."""

SHAPES_BETWEEN = ", "
"""What stands between the shapes of a category that has several, in the files of Encord's exporter."""
_SHAPE_NAMES = {shape.value: shape for shape in Shape}
_LONGEST_OPTION = 100
_ENDLESS = 1e300
"""Numbers from here on are taken for none."""


class Unknown:
    """Stands for a value an attribute cannot hold."""


class Category(msgspec.Struct):
    """One entry of ``categories``.

    ``is_declared`` says that its ``supercategory`` is what Encord's own exporter writes there, shapes; ``declared`` is
    the shape if there is but one. ``pose`` is what the file has as ``keypoints`` and ``skeleton``. ``native`` are the
    keys that nothing else is made of, ``id`` is its own.
    """

    name: str
    supercategory: str = ""
    keypoints: list[str] = []
    pose: tuple[Any, Any] = (None, None)
    edges: list[Any] = []
    color: str | None = None
    declared: Shape | None = None
    is_declared: bool = False
    stats: ClassStats = msgspec.field(default_factory=ClassStats)
    id: int = NO_ID
    native: dict[str, Any] = {}


def categories_by_id(entries: Iterable[Any], counts: Counts) -> dict[int, Category]:
    """Return the categories of a file by id; of two with the same id the first."""
    found: dict[int, Category] = {}
    for entry in entries:
        if not isinstance(entry, dict) or number_of(entry.get("id")) == NO_ID:
            label = str(entry.get("name", "")) if isinstance(entry, dict) else ""
            detail = "An entry of categories has no id; annotations cannot be of it."
            counts.lose(
                Kind.DROPPED, "INVALID_CATEGORY", Feature.LABEL_NAME, ("class", label), Where(element=label), detail
            )
            continue
        id_ = number_of(entry["id"])
        if id_ in found:
            detail, where = "Two categories have the same id; the first is read.", f"category {entry['id']}"
            key = ("class", str(entry.get("name", "")))
            counts.lose(Kind.DROPPED, "DUPLICATE_ID", Feature.LABEL_NAME, key, Where(element=where), detail)
            counts.note(Level.ERROR, "DUPLICATE_ID", detail, Where(element=where))
            continue
        name = entry.get("encord_name") or entry.get("name")
        supercategory = entry.get("supercategory")
        category = found[id_] = Category(str(entry["id"] if name is None else name))
        category.supercategory = supercategory if isinstance(supercategory, str) else ""
        category.pose = names, edges = entry.get("keypoints"), entry.get("skeleton")
        category.keypoints = list(texts_of(names))
        category.edges = edges if isinstance(edges, list) else []
        category.color = color_of(entry.get("color"))
        category.id = id_
        category.native = {
            key: value for key, value in entry.items() if key not in _KEYS and (key, value) != ("supercategory", name)
        }
    shapes = [[_SHAPE_NAMES.get(name) for name in one.supercategory.split(SHAPES_BETWEEN)] for one in found.values()]
    # Others write a supercategory of that name too: a class `point` is its own supercategory, an `animal` has none.
    if all(map(all, shapes)) and any(one.supercategory != one.name for one in found.values()):
        for category, declared in zip(found.values(), shapes, strict=True):
            category.is_declared = True
            category.declared = declared[0] if len(declared) == 1 else None
    return found


_KEYS = frozenset({"id", "name", "encord_name"})
"""Keys of categories of which the class has its name."""


class Plan(msgspec.Struct):
    """How annotations of one category and geometry become objects of one class.

    Parameters
    ----------
    label : str
        Name of the category.
    object : Object
    questions : dict
        How answers are written, by their keys.
    crowd : Attribute or None
        Answered for crowds.
    constants : list of (Attribute, value)
        Answers of all.
    nodes : list of SkeletonNode
    """

    label: str
    object: Object
    questions: dict[str, Any]
    crowd: Any = None
    constants: list[tuple[Any, Any]] = []
    nodes: list[SkeletonNode] = []

    @property
    def shape(self) -> Shape:
        """The shape of the class."""
        return self.object.shape


class Plans:
    """All plans of a source, made when they are asked for.

    Parameters
    ----------
    draft : Draft
        Its ontology holds the classes that are known; those that are not are added.
    options : ReadOptions
    counts : Counts
    """

    def __init__(self, draft: Draft, options: ReadOptions, counts: Counts) -> None:
        self._draft = draft
        self._options = options
        self._counts = counts
        self._known = bool(draft.ontology.objects)
        self._by_key: dict[tuple[str, str], list[Object]] = {}
        for item in draft.ontology.objects:
            self._by_key.setdefault((item.name, item.shape.value), []).append(item)
        self._plans: dict[int, Plan] = {}
        self._classifications = {item.title: item for item in draft.ontology.classifications if item.attributes}
        self._options_of: dict[str, Any] = {}

    # -- classes ----------------------------------------------------------------------------------------------

    def add(self, categories: Iterable[Category]) -> None:
        """Add the classes of all categories, in their order."""
        categories = list(categories)
        merged: dict[str, Category] = {}
        for category in categories:
            first = merged.setdefault(category.name, category)
            if first is not category:
                first.stats.merge(category.stats)
                first.keypoints = first.keypoints or category.keypoints
                first.edges = first.edges or category.edges
        parents = {category.supercategory for category in categories}
        drawn = [one for one in merged.values() if set(one.stats.kinds) - {"label", CAPTION}]
        is_labelling = any(one.stats.kinds["label"] for one in merged.values())
        for category in merged.values():
            kinds = category.stats.kinds
            if "label" in kinds or (not kinds and not drawn and is_labelling):
                self.option(category.name)
            elif not kinds:
                self._unused(category, category.name in parents)
            for kind in ("keypoints", "polygon", "rle", "bbox"):
                if kinds[kind]:
                    self.of(category, kind)
            for said in category.stats.said:
                if said in _SHAPE_NAMES:
                    self.of(category, "keypoints" if said == "skeleton" else "bbox", said)

    def _unused(self, category: Category, is_parent: bool) -> None:
        where = Where(element=category.name)
        if self._named(category.name):
            return
        if is_parent and category.supercategory in ("", "none"):
            detail = "A category that is only the parent of others and never used is not a class."
            self._counts.note(Level.INFO, "LABEL_UNUSED", detail, where)
            return
        shape = category.declared or (Shape.SKELETON if len(category.keypoints) > 1 else None)
        if shape is None:
            shape = Shape(self._options.unused_shape)
            detail = "Categories that are never used have the shape that -r unused_shape says."
            self._counts.note(Level.INFO, "LABEL_UNUSED", detail, where)
        self._class(category, shape)

    def _named(self, name: str) -> list[Object]:
        return [one for (other, _), items in self._by_key.items() if other == name for one in items]

    def of(self, category: Category, kind: str, said: Any = None) -> Plan:
        """Return the plan of annotations of a category.

        Parameters
        ----------
        category : Category
        kind : str
            The geometry: ``keypoints``, ``polygon``, ``rle`` or ``bbox``.
        said : str, optional
            The shape the annotation itself names.
        """
        item = self._class(category, self._shape(category, kind, said))
        plan = self._plans.get(id(item))
        if plan is None:
            plan = self._plans[id(item)] = self._plan(category, item)
        return plan

    def known(self, category: Category, kind: str, said: Any) -> Plan | None:
        """Return what :meth:`of` does, None if the ontology has no such class yet."""
        if (category.name, self._shape(category, kind, said).value) not in self._by_key:
            return None
        return self.of(category, kind, said)

    def _shape(self, category: Category, kind: str, said: Any) -> Shape:
        if isinstance(said, str) and said in _SHAPE_NAMES:
            return _SHAPE_NAMES[said]
        usual = self._usual(category, kind)
        known = {item.shape for item in self._named(category.name)} if self._known else set()
        if known and usual not in known:
            for other in _ALSO[kind]:
                if other in known:
                    return other
        return category.declared if category.declared is not None and not known else usual

    def _usual(self, category: Category, kind: str) -> Shape:
        prefer = self._options.prefer
        if kind == "keypoints":
            return Shape.POINT if category.stats.points == 1 and len(category.keypoints) < 2 else Shape.SKELETON
        if kind == "bbox":
            return Shape.ROTATABLE_BOUNDING_BOX if category.stats.is_rotated else Shape.BOUNDING_BOX
        if kind == "polygon":
            return Shape.BITMASK if prefer == "bitmask" else Shape.POLYGON
        return Shape.POLYGON if prefer == "polygon" else Shape.BITMASK

    def _class(self, category: Category, shape: Shape) -> Object:
        known = self._by_key.get((category.name, shape.value))
        if known:
            return known[0]
        if self._known:
            detail = f"The ontology has no {shape.value.replace('_', ' ')} {category.name!r}; it is added."
            self._counts.note(Level.WARNING, "UNDECLARED_LABEL", detail, Where(element=category.name))
        item = self._draft.add_object(category.name, shape, color=category.color)
        self._by_key[category.name, shape.value] = [item]
        for name, stats in category.stats.answers.items():
            self._attribute(item, name, stats, (category.name, shape.value, name))
        if category.stats.crowds and self._options.crowd == "attribute" and not category.is_declared:
            if "iscrowd" not in category.stats.answers:
                self._attribute(item, "iscrowd", AnswerStats({"bool"}), (category.name, shape.value, "iscrowd"))
            detail = "Crowds are objects whose checklist `iscrowd` says so."
            self._counts.note(Level.INFO, "CROWD_KEPT", detail, Where(element=category.name))
        has_parent = category.supercategory and not category.is_declared and category.supercategory != category.name
        if has_parent and self._options.supercategory == "attribute":
            self._supercategory(item, category)
        if shape is Shape.SKELETON:
            template = self._template(item, category)
            self._draft.ontology.skeleton_templates.append(template)
            self._lose_pose(category, len(template.edges))
        return item

    def _supercategory(self, item: Object, category: Category) -> None:
        stats = AnswerStats({"text"}, {category.supercategory: None})
        self._attribute(item, "supercategory", stats, (item.name, item.shape.value, "supercategory"))

    def _plan(self, category: Category, item: Object) -> Plan:
        questions: dict[str, Any] = dict(Questions(item.attributes, RESERVED).by_key())
        plan = Plan(category.name, item, questions)
        if self._options.crowd == "attribute":
            plan.crowd = next((one.attribute for key, one in questions.items() if key.lower() in ("iscrowd", "is_crowd")
                               and one.attribute.options), None)  # fmt: skip
        parent = questions.get("supercategory")
        if parent is not None and self._options.supercategory == "attribute":
            value = answer_of(parent, category.supercategory)
            plan.constants = [] if value is Unknown else [(parent.attribute, value)]
        if item.shape is Shape.SKELETON:
            plan.nodes = self._nodes(item, category)
        return plan

    def _nodes(self, item: Object, category: Category) -> list[SkeletonNode]:
        """Return the points of a skeleton class; an ontology from outside may have no template of it."""
        for template in self._draft.ontology.skeleton_templates:
            if template.name == item.name:
                return template.skeleton
        return self._template(item, category).skeleton

    # -- attributes -------------------------------------------------------------------------------------------

    def _attribute(self, item: Any, name: str, stats: AnswerStats, words: tuple[str, ...]) -> Any:
        short = self._draft.hashes.short
        more = {"dynamic": stats.changes} if isinstance(item, Object) else {}
        kind = _kind_of(stats, self._options)
        attribute = item.add_attribute(kind, name, feature_node_hash=short("attribute", *words), **more)
        labels = [name] if stats.kinds == {"bool"} else stats.values if kind in _CHOICES else []
        for label in labels:
            attribute.add_option(label, feature_node_hash=short("option", *words, label))
        if "number" in stats.kinds and kind is not NumericAttribute:
            detail = "Numbers among the attributes are read as text."
            self._counts.note(Level.INFO, "NUMBER_AS_TEXT", detail, Where(element=f"{words[0]}/{name}"))
        if kind is TextAttribute and not stats.kinds <= {"text", "number"}:
            detail = f"Values of {name!r} that are neither texts nor numbers are read as their JSON."
            self._counts.note(Level.INFO, "VALUE_AS_TEXT", detail, Where(element=f"{words[0]}/{name}"))
        return attribute

    # -- skeletons --------------------------------------------------------------------------------------------

    def _template(self, item: Object, category: Category) -> SkeletonTemplate:
        count = max(category.stats.points, len(category.keypoints))
        names = list(category.keypoints[:count])
        if len(names) < count:
            detail = f"The keypoints of {category.name!r} have no names; they are called kp_1, …"
            if names:
                detail = f"Only {len(names)} of {count} keypoints of {category.name!r} have names; the others are kp_…"
            self._counts.note(Level.WARNING, "KEYPOINT_NAMES_MISSING", detail, Where(element=category.name))
            names += [f"kp_{number}" for number in range(len(names) + 1, count + 1)]
        short = self._draft.hashes.short
        nodes = [
            SkeletonNode(x, y, name, item.color, short("node", item.name, number), f"{name}".lower().replace(" ", "_"))
            for number, (name, (x, y)) in enumerate(zip(names, _layout(category.stats.pose, count), strict=True))
        ]
        edges = _edges(category.edges, count)
        return SkeletonTemplate(
            name=item.name, width=1.0, height=1.0, skeleton=nodes, edges=[(a, b, None) for a, b in edges],
            feature_node_hash=item.feature_node_hash,
        )  # fmt: skip

    def _lose_pose(self, category: Category, edges: int) -> None:
        """Say what of the names and edges of a category is not in its template."""
        names, given = category.pose
        lost = {
            "keypoints": 0 if category.keypoints or says_nothing(names) else leaves(names),
            "skeleton": len(given) - edges if isinstance(given, list) else 0 if says_nothing(given) else leaves(given),
        }
        for key, count in lost.items():
            if count:
                detail = f"{key!r} of {category.name!r} does not say which points there are, or which are joined."
                where, name = Where(element=category.name), ("key", f"class.{key}")
                self._counts.lose(Kind.DROPPED, "NATIVE_DROPPED", Feature.NATIVE, name, where, detail, count)

    # -- labels of images -------------------------------------------------------------------------------------

    def option(self, name: str) -> tuple[Classification, Any, Any]:
        """Return the checklist of categories without geometry, its attribute, and the option of one category."""
        item = self._classification(LABELS, ChecklistAttribute)
        attribute: Any = item.attributes[0]
        if name not in self._options_of:
            known = [option for option in attribute.options if option.label == name]
            self._options_of[name] = known[0] if known else attribute.add_option(
                name, feature_node_hash=self._draft.hashes.short("option", LABELS, name)
            )  # fmt: skip
        return item, attribute, self._options_of[name]

    def caption(self, number: int = 0) -> Classification:
        """Return the classification that holds captions; an image takes one of a kind, so that others are numbered."""
        return self._classification(f"{CAPTION} {number + 1}" if number else CAPTION, TextAttribute)

    def _classification(self, name: str, kind: Any) -> Classification:
        item = self._classifications.get(name)
        if item is None:
            item = self._classifications[name] = self._draft.add_classification(name)
            item.add_attribute(kind, name, feature_node_hash=self._draft.hashes.short("attribute", "image", name))
        return item

    def add_image_answers(self, answers: Mapping[str, AnswerStats]) -> None:
        """Add a classification for each attribute of images."""
        for name, stats in answers.items():
            if name not in self._classifications and stats.kinds:
                item = self._classifications[name] = self._draft.add_classification(name)
                self._attribute(item, name, stats, ("image", name))

    def classification(self, title: str, hash_: Any = None) -> Classification | None:
        """Return the classification of a title; of several, the one with a hash."""
        if hash_ is not None:
            known = self._draft.ontology.classifications
            return next((one for one in known if one.feature_node_hash == hash_ and one.title == title), None)
        return self._classifications.get(title)


_ALSO = {
    "keypoints": (Shape.SKELETON, Shape.POINT),
    "polygon": (Shape.ROTATABLE_BOUNDING_BOX, Shape.BOUNDING_BOX, Shape.POLYLINE, Shape.BITMASK),
    "rle": (Shape.POLYGON, Shape.BOUNDING_BOX),
    "bbox": (Shape.ROTATABLE_BOUNDING_BOX, Shape.POLYGON),
}
"""What else an annotation can be read as, where the ontology lacks the usual."""


_CHOICES = (ChecklistAttribute, RadioAttribute)


def _kind_of(stats: AnswerStats, options: ReadOptions) -> Any:
    most = options.radio_values
    if stats.kinds == {"bool"}:
        return ChecklistAttribute
    if stats.kinds == {"number"} and options.numbers == "numeric":
        return NumericAttribute
    is_choice = 0 < len(stats.values) <= most and all(
        0 < len(value) <= _LONGEST_OPTION and "\n" not in value for value in stats.values
    )
    if stats.kinds == {"text"} and is_choice:
        return RadioAttribute
    return ChecklistAttribute if stats.kinds <= {"list"} and is_choice else TextAttribute


def answer_of(question: Any, value: Any) -> Any:
    """Return the hub's form of an answer, None for no answer, :class:`Unknown` if it cannot hold the value.

    Parameters
    ----------
    question : Question
        How the answers to the attribute are written.
    value
        From JSON.
    """
    if value is None:
        return None
    attribute = question.attribute
    if isinstance(attribute, ChecklistAttribute):
        if question.is_claim and isinstance(value, bool):
            return tuple(attribute.options) if value else ()
        if isinstance(value, dict) and all(isinstance(is_chosen, bool) for is_chosen in value.values()):
            value = [label for label, is_chosen in value.items() if is_chosen]
        if not isinstance(value, list):
            value = [value]
        labels = {question.label(option): option for option in attribute.options}
        if not all(isinstance(one, str) and one in labels for one in value):
            return Unknown
        return tuple(option for label, option in labels.items() if label in value)
    if isinstance(attribute, RadioAttribute):
        return next((option for option in attribute.options if question.label(option) == value), Unknown)
    if not isinstance(attribute, TextAttribute):  # a number
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _ENDLESS
        return value if is_number else Unknown
    return value if isinstance(value, str) else text_of(value)


def text_of(value: Any) -> str:
    """Return a JSON value as text.

    >>> text_of(3.0), text_of(True), text_of([1, "a"])
    ('3.0', 'true', '[1, "a"]')
    """
    return json.dumps(value, ensure_ascii=False)


def _layout(pose: list[float] | None, count: int) -> list[tuple[float, float]]:
    """Return places in a box of 1 × 1 for the points of a template: those of given keypoints, or on a line."""
    places = [((number + 1) / (count + 1), 0.5) for number in range(count)]
    if pose is None:
        return places
    points = [(x, y) for x, y, v in zip(pose[::3], pose[1::3], pose[2::3], strict=True) if v]
    if not points:
        return places
    left, top = min(x for x, _ in points), min(y for _, y in points)
    width = max(x for x, _ in points) - left or 1.0
    height = max(y for _, y in points) - top or 1.0
    for number in range(min(count, len(pose) // 3)):
        x, y, v = pose[3 * number : 3 * number + 3]
        if v and math.isfinite(x + y):
            places[number] = ((x - left) / width, (y - top) / height)
    return places


def _edges(edges: list[Any], count: int) -> list[tuple[int, int]]:
    """Return edges from 0; those of COCO count from 1, unless a 0 among them says otherwise."""
    pairs = [
        (edge[0], edge[1])
        for edge in edges
        if isinstance(edge, list) and len(edge) == 2 and all(type(end) is int for end in edge)
    ]
    base = 0 if any(0 in pair for pair in pairs) else 1
    moved = [(a - base, b - base) for a, b in pairs]
    return [(a, b) for a, b in moved if 0 <= a < count and 0 <= b < count]
