"""From what a CVAT file declares and holds to the ontology, and to plans: how each shape and answer becomes the hub's.

A plan exists per label and element (:class:`ShapePlan`) or per tag label (:class:`TagPlan`). It holds the hub's parts
ready at hand, so that reading a shape is a few look-ups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from encord_convert.formats.cvat.meta import SHAPES, TAGS, UNDEFINED, UNLABELED, Attribute, Label, Node
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.stats import LabelStats
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.loss import Level, Where
from encord_convert.sdk.objects import Classification, Object, Shape
from encord_convert.sdk.objects._skeleton_template import SkeletonNode, SkeletonTemplate
from encord_convert.sdk.objects.attributes import (
    ChecklistAttribute,
    NumericAttribute,
    RadioAttribute,
    TextAttribute,
)
from encord_convert.sdk.objects.common import NewerShape

_KINDS: dict[str, Any] = {
    "choice": RadioAttribute,
    "check": ChecklistAttribute,
    "number": TextAttribute,
    "text": TextAttribute,
}

_ENDLESS = 1e300
"""Numbers from here on are taken for none."""

_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0", ""})


class Unknown:
    """Stands for a value an attribute cannot hold."""


class AnswerPlan:
    """How the value text of one attribute becomes an answer."""

    __slots__ = ("_values", "attribute", "default", "is_dynamic", "is_lifted", "is_number", "is_part", "kind", "name")

    def __init__(self, attribute: Any, declared: Attribute, is_dynamic: bool, is_lifted: bool = False) -> None:
        self.attribute = attribute
        self.is_part = False  # whether others give the rest of the answer
        self.name = declared.name
        self.kind = declared.kind
        self.default = declared.default
        self.is_dynamic = is_dynamic
        self.is_lifted = is_lifted
        self.is_number = isinstance(attribute, NumericAttribute)
        self._values = {option.label: option for option in attribute.options} if self.kind == "choice" else {}

    def value(self, text: str) -> Any:
        """Return the answer a text means: None for no answer, :class:`Unknown` if it means none of the options."""
        if self.kind == "choice":
            option = self._values.get(text) or self._values.get(text.strip())
            return option or (None if text.strip() in ("", UNDEFINED) else Unknown)
        if self.kind == "check":
            word = text.strip().lower()
            if word in _TRUE:
                return (self.attribute.options[0],)
            return () if word in _FALSE else None if word == UNDEFINED else Unknown
        if self.is_number:
            return None if text.strip() in ("", UNDEFINED) else number_of(text)
        return text


def number_of(text: str) -> Any:
    """Return the number a text is, :class:`Unknown` if it is none.

    >>> number_of(" 35"), number_of("2.50"), number_of("1_000")
    (35, 2.5, <class 'encord_convert.formats.cvat.ontology.Unknown'>)
    """
    for kind in () if "_" in text else (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if abs(number) < _ENDLESS else Unknown
    return Unknown


class ShapePlan(msgspec.Struct):
    """How a shape element of one label becomes an object.

    ``element`` and ``label`` are the source's words; ``makes`` is the hub shape; ``renamed`` the code of the reason if
    the object is not called as the label; ``points`` are the answers of the sub-labels of a skeleton, ``nodes`` what is
    common to all its instances, ``places`` where in them a sub-label stands.
    """

    element: str
    label: str
    object: Object
    makes: Shape
    renamed: str | None = None
    answers: dict[str, AnswerPlan] = {}
    points: dict[str, dict[str, AnswerPlan]] = {}
    nodes: list[SkeletonNode] = []
    places: dict[str, int] = {}
    occluded: AnswerPlan | None = None
    group_id: AnswerPlan | None = None
    track_id: AnswerPlan | None = None
    defaults: dict[str, AnswerPlan] = {}


class TagPlan(msgspec.Struct):
    """How a tag becomes a classification: ``root`` is a checklist of tags, or a radio with the label for option.

    Without a root the tag itself answers nothing.
    """

    label: str
    classification: Classification
    root: Any
    option: Any
    is_plain: bool
    renamed: str | None = None
    answers: dict[str, AnswerPlan] = {}
    defaults: dict[str, AnswerPlan] = {}


class Plans(msgspec.Struct):
    """All plans of a label set."""

    shapes: dict[tuple[str, str], ShapePlan] = {}
    tags: dict[str, TagPlan] = {}


def build(
    draft: Draft, labels: list[Label], stats: Mapping[str, LabelStats], options: ReadOptions, counts: Counts,
    left: list[list[Any]],
) -> Plans:  # fmt: skip
    """Fill the ontology of ``draft``, note what the description of the source has and the hub has no place for.

    Parameters
    ----------
    draft : Draft
    labels : list of Label
        As declared, those of several files merged.
    facts : mapping
        How each label is used.
    options : ReadOptions
    counts : Counts
        Receives the notes.
    left : list
        Receives the notes that hold where nothing that is native is written: :data:`encord_convert.hub.native.NOTES`.
    """
    return _Builder(draft, stats, options, counts, left).build(labels)


class _Builder:
    def __init__(
        self, draft: Draft, stats: Mapping[str, LabelStats], options: ReadOptions, counts: Counts, left: list[list[Any]]
    ) -> None:
        self._left = left
        self._draft = draft
        self._stats = stats
        self._options = options
        self._counts = counts
        self._plans = Plans()
        self._shared: dict[tuple[str, Shape], Object] = {}
        self._taken: set[tuple[str, Shape]] = set()
        self._titles: set[str] = set()
        self._tags: tuple[Classification, ChecklistAttribute] | None = None

    def build(self, labels: list[Label]) -> Plans:
        labels = labels + self._undeclared({label.name for label in labels})
        for label in labels:
            self._label(label, self._stats.get(label.name) or LabelStats())
        return self._plans

    def _undeclared(self, declared: set[str]) -> list[Label]:
        found = []
        for name in self._stats:
            if name not in declared:
                found.append(Label(name, is_declared=False))
                shown = name or UNLABELED
                self._note(Level.WARNING, "UNDECLARED_LABEL", f"The label {shown!r} is used but not declared.", name)
        return found

    def _note(self, level: Level, code: str, detail: str, element: str) -> None:
        self._counts.note(level, code, detail, Where(element=element))

    # -- labels -----------------------------------------------------------------------------------------------

    def _label(self, label: Label, stats: LabelStats) -> None:
        _complete(label, stats, self._note)
        self._note_what_is_left(label)
        used = [element for element in SHAPES if element in stats.elements]
        is_tag = "tag" in stats.elements or label.element == "tag"
        if not used and label.element in SHAPES:
            used = [label.element]
        name = label.name or UNLABELED
        if not used and not is_tag:
            detail = "Labels of any shape that are never used have the shape that -r unused_shape says."
            self._note(Level.INFO, "LABEL_UNUSED", detail, name)
            self._object(name, Shape(self._options.unused_shape), label, stats, "box")
        for element in used:
            self._plans.shapes[element, label.name] = self._shape(element, name, label, stats)
        if is_tag:
            self._tag(name, label)

    def _note_what_is_left(self, label: Label) -> None:
        for attribute in (*label.attributes, *(a for node in label.nodes for a in node.attributes)):
            element = f"{label.name or UNLABELED}/{attribute.name}"
            if attribute.kind == "number" and attribute.values:
                detail = "The ontology has no minimum, maximum or step of number attributes."
                self._left.append([Level.INFO.value, "NUMBER_RANGE_DROPPED", detail, element, 1])
            if attribute.default and not self._options.apply_defaults:
                detail = "The ontology has no default values of attributes; -r apply_defaults=yes uses them."
                self._left.append([Level.INFO.value, "DEFAULT_DROPPED", detail, element, 1])

    def _shape(self, element: str, name: str, label: Label, stats: LabelStats) -> ShapePlan:
        makes = self._makes(element, stats)
        object_ = self._object(name, makes, label, stats, element)
        renamed = None if object_.name == label.name else _renaming(label)
        plan = ShapePlan(element, label.name, object_, makes, renamed)
        hub = {attribute.name: attribute for attribute in object_.attributes}
        for attribute in label.attributes:
            plan.answers[attribute.name] = AnswerPlan(hub[attribute.name], attribute, hub[attribute.name].dynamic)
        if element == "skeleton":
            self._skeleton(plan, label, hub)
        elif makes is Shape.SKELETON:
            self._numbered_skeleton(plan, next(iter(stats.pair_counts)))
        for extra, title in _extras(label, stats, self._options).items():
            setattr(plan, extra, AnswerPlan(hub[title], Attribute(title, _EXTRA_KINDS[extra]), hub[title].dynamic))
        if self._options.apply_defaults:
            plan.defaults = {name: answer for name, answer in plan.answers.items() if answer.default}
        return plan

    def _makes(self, element: str, stats: LabelStats) -> Any:
        options = self._options
        if element == "box":
            if options.transform_bounding_boxes_to_polygons:
                return Shape.POLYGON
            is_rotatable = stats.is_rotated or options.boxes == "rotatable"
            return Shape.ROTATABLE_BOUNDING_BOX if is_rotatable else Shape.BOUNDING_BOX
        if element == "points":
            counts = list(stats.pair_counts)
            is_skeleton = options.points_as_skeleton and len(counts) == 1 and counts[0] > 1
            return Shape.SKELETON if is_skeleton else Shape.POINT
        if element == "ellipse":
            return _ELLIPSES[options.ellipse]
        if element == "cuboid":
            return _CUBOIDS[options.cuboid]
        return _MAKES[element]

    # -- objects ----------------------------------------------------------------------------------------------

    def _object(self, name: str, shape: Shape, label: Label, stats: LabelStats, element: str) -> Object:
        """Return the object of this label and shape, with all attributes of the label.

        A skeleton has points of its own, and so an object of its own.
        """
        shared = self._shared.get((label.name, shape))
        if shared is not None and shape is not Shape.SKELETON:
            return shared
        title, number = name, 2
        while (title, shape) in self._taken:
            title, number = f"{name} {number}", number + 1
        object_ = self._draft.add_object(title, shape, color=label.color)
        self._taken.add((title, shape))
        self._shared[label.name, shape] = object_
        taken: set[str] = set()
        for attribute in label.attributes:
            self._attribute(object_, attribute.name, attribute, stats, taken)
        if element == "skeleton":
            for node in label.nodes:
                for attribute in node.attributes:
                    self._attribute(object_, f"{node.name}.{attribute.name}", attribute, stats, taken)
        for extra, extra_title in _extras(label, stats, self._options).items():
            declared = Attribute(extra_title, _EXTRA_KINDS[extra], is_mutable=extra == "occluded")
            self._attribute(object_, extra_title, declared, stats, taken, is_extra=True)
        return object_

    def _attribute(
        self,
        object_: Object,
        name: str,
        declared: Attribute,
        stats: LabelStats,
        taken: set[str],
        is_extra: bool = False,
    ) -> None:
        is_dynamic = declared.is_mutable and (
            stats.is_tracked or is_extra or self._options.mutable_in_images == "dynamic"
        )
        if name in taken:
            return
        taken.add(name)
        words = (object_.name, object_.shape.value, name)
        hash_ = self._draft.hashes.short("attribute", *words)
        attribute = object_.add_attribute(self._kind(declared), name, feature_node_hash=hash_, dynamic=is_dynamic)
        self._add_options(attribute, name, declared, words)

    def _kind(self, declared: Attribute) -> Any:
        is_numeric = declared.kind == "number" and self._options.numbers == "numeric"
        return NumericAttribute if is_numeric else _KINDS[declared.kind]

    def _add_options(self, attribute: Any, name: str, declared: Attribute, words: tuple[str, ...]) -> None:
        short = self._draft.hashes.short
        labels = [name] if declared.kind == "check" else declared.values if declared.kind == "choice" else []
        for label in labels:
            attribute.add_option(label, feature_node_hash=short("option", *words, label))

    # -- skeletons --------------------------------------------------------------------------------------------

    def _skeleton(self, plan: ShapePlan, label: Label, hub: dict[str, Any]) -> None:
        plan.nodes = self._add_template(plan.object, label.nodes, label.edges)
        plan.places = {node.name: place for place, node in enumerate(label.nodes)}
        for node in label.nodes:
            plan.points[node.name] = {
                attribute.name: AnswerPlan(
                    hub[f"{node.name}.{attribute.name}"], attribute, hub[f"{node.name}.{attribute.name}"].dynamic, True
                )
                for attribute in node.attributes
            }

    def _numbered_skeleton(self, plan: ShapePlan, count: int) -> None:
        plan.nodes = self._add_template(plan.object, [Node(str(number + 1)) for number in range(count)], [])

    def _add_template(self, object_: Object, nodes: list[Node], edges: list[tuple[int, int]]) -> list[SkeletonNode]:
        template = SkeletonTemplate(
            name=object_.name,
            width=1.0,
            height=1.0,
            skeleton=[
                node_of(self._draft, object_, node.name, place, len(nodes), node) for place, node in enumerate(nodes)
            ],
            edges=[(start, end, None) for start, end in edges],
            feature_node_hash=object_.feature_node_hash,
        )
        self._draft.ontology.skeleton_templates.append(template)
        return template.skeleton

    # -- tags -------------------------------------------------------------------------------------------------

    def _tag(self, name: str, label: Label) -> None:
        short = self._draft.hashes.short
        if not label.attributes:
            classification, root = self._common_tags()
            option: Any = root.add_option(name, feature_node_hash=short("option", TAGS, label.name))
            renamed = None if label.name else _renaming(label)
            self._plans.tags[label.name] = TagPlan(label.name, classification, root, option, True, renamed)
            return
        title = self._title(name)
        classification = self._draft.add_classification(title)
        radio = classification.add_attribute(RadioAttribute, title, feature_node_hash=short("attribute", "tag", title))
        option = radio.add_option(name, feature_node_hash=short("option", "tag", title, name))
        renamed = None if title == label.name else _renaming(label)
        plan = TagPlan(label.name, classification, radio, option, False, renamed)
        for declared in label.attributes:
            words = ("tag", title, name, declared.name)
            attribute = option.add_nested_attribute(
                self._kind(declared), declared.name, feature_node_hash=short("attribute", *words)
            )
            self._add_options(attribute, declared.name, declared, words)
            plan.answers[declared.name] = AnswerPlan(attribute, declared, False)
        if self._options.apply_defaults:
            plan.defaults = {name: answer for name, answer in plan.answers.items() if answer.default}
        self._plans.tags[label.name] = plan

    def _common_tags(self) -> tuple[Classification, ChecklistAttribute]:
        if self._tags is None:
            title = self._title(TAGS)
            classification = self._draft.add_classification(title)
            hash_ = self._draft.hashes.short("attribute", "tag", title)
            root = classification.add_attribute(ChecklistAttribute, title, feature_node_hash=hash_)
            self._tags = classification, root
        return self._tags

    def _title(self, name: str) -> str:
        title, number = name, 2
        while title in self._titles:
            title, number = f"{name} {number}", number + 1
        self._titles.add(title)
        return title


def node_of(
    draft: Draft, object_: Object, name: str, place: int, count: int, drawn: Node | None = None
) -> SkeletonNode:
    """Return the point of a template; one that no drawing places stands on a line with the others."""
    drawn = drawn or Node(name)
    return SkeletonNode(
        x=drawn.x / 100 if drawn.x is not None else (place + 1) / (count + 1),
        y=drawn.y / 100 if drawn.y is not None else 0.5,
        name=name,
        color=drawn.color or object_.color,
        feature_hash=draft.hashes.short("node", object_.name, name),
        value=name.lower().replace(" ", "_"),
    )


def _renaming(label: Label) -> str:
    return "LABEL_RENAMED" if label.name else "UNDECLARED_LABEL"


_MAKES = {
    "polygon": Shape.POLYGON,
    "polyline": Shape.POLYLINE,
    "mask": Shape.BITMASK,
    "skeleton": Shape.SKELETON,
}
_ELLIPSES: dict[str, Any] = {
    "ellipse": NewerShape.ELLIPSE, "polygon": Shape.POLYGON, "bitmask": Shape.BITMASK,
    "rotatable": Shape.ROTATABLE_BOUNDING_BOX, "box": Shape.BOUNDING_BOX,
}  # fmt: skip
_CUBOIDS: dict[str, Any] = {"cuboid_2d": NewerShape.CUBOID_2D, "polygon": Shape.POLYGON}

_EXTRA_KINDS = {"occluded": "check", "group_id": "text", "track_id": "text"}


def _extras(label: Label, stats: LabelStats, options: ReadOptions) -> dict[str, str]:
    """Return the attributes that stand for properties of a shape, and their titles, which no other attribute has."""
    wanted = {
        "occluded": stats.is_occluded and options.occluded == "auto",
        "group_id": stats.is_grouped and options.group_id,
        "track_id": stats.has_track_id,
    }
    taken = {attribute.name for attribute in label.attributes}
    return {name: f"{name} (shape)" if name in taken else name for name, is_wanted in wanted.items() if is_wanted}


# -- attributes as they are used ----------------------------------------------------------------------------------


def _complete(label: Label, stats: LabelStats, note: Any) -> None:
    """Add to a label what its shapes have beyond the declaration: points, attributes, options."""
    _complete_attributes(label.attributes, stats, label.name or UNLABELED, stats.is_tracked, note)
    known = {node.name: node for node in label.nodes}
    for name in stats.points:
        if name not in known:
            known[name] = Node(name)
            label.nodes.append(known[name])
            if label.is_declared:
                detail = f"The skeleton {label.name!r} has a point {name!r} that is not declared."
                note(Level.WARNING, "UNDECLARED_LABEL", detail, f"{label.name}/{name}")
    for node in label.nodes:
        below = stats.points.get(node.name) or LabelStats()
        _complete_attributes(node.attributes, below, f"{label.name}/{node.name}", stats.is_tracked, note)


def _complete_attributes(
    attributes: list[Attribute], stats: LabelStats, owner: str, is_tracked: bool, note: Any
) -> None:
    known = {attribute.name: attribute for attribute in attributes}
    for name in stats.answers:
        if name not in known:
            attributes.append(Attribute(name, is_mutable=is_tracked, is_declared=False))
            detail = f"The attribute {name!r} of {owner!r} is used but not declared; it is read as text."
            note(Level.WARNING, "UNDECLARED_ATTRIBUTE", detail, f"{owner}/{name}")
    for attribute in attributes:
        if attribute.kind == "choice":
            _complete_options(attribute, stats.answers.get(attribute.name, {}), owner, note)


def _complete_options(attribute: Attribute, observed: Mapping[str, None], owner: str, note: Any) -> None:
    """Settle the options of a choice: as declared, apart where blanks separate them, with those used besides."""
    used = [value for value in observed if value.strip() not in ("", UNDEFINED)]
    options = [value for value in dict.fromkeys(attribute.values) if value.strip() != UNDEFINED]
    if len(options) == 1 and _is_list_of_words(options[0], [*used, attribute.default]):
        options = list(dict.fromkeys(options[0].split()))
    known = set(options) | {option.strip() for option in options}
    for value in used:
        if value not in known and value.strip() not in known:
            options.append(value)
            known |= {value, value.strip()}
            detail = f"Values of {attribute.name!r} of {owner!r} that are none of its options are added to them."
            note(Level.WARNING, "UNKNOWN_OPTION", detail, f"{owner}/{attribute.name}={value}")
    attribute.values = options


def _is_list_of_words(option: str, values: list[str]) -> bool:
    """Tell whether a single option is really several: some writers put blanks between options, not line breaks."""
    words = option.split()
    seen = {value for value in values if value}
    return len(words) > 1 and bool(seen) and option not in seen and seen <= set(words)
