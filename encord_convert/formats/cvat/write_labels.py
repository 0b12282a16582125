"""CVAT labels and attributes that stand for the classes and attributes of an ontology.

The mapping follows from the ontology alone. So a file that says which ontology it was written from can be read back
into it: reader and writer ask the same :class:`Labels`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from encord_convert.formats.cvat.meta import TAGS, UNDEFINED, Node
from encord_convert.hub.class_names import unique
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    Classification,
    Object,
    OntologyStructure,
    RadioAttribute,
    Shape,
)
from encord_convert.sdk.objects.attributes import NumericAttribute
from encord_convert.sdk.objects.common import NewerShape, PropertyType

ELEMENTS: dict[Any, str] = {
    Shape.BOUNDING_BOX: "box",
    Shape.ROTATABLE_BOUNDING_BOX: "box",
    Shape.POLYGON: "polygon",
    Shape.POLYLINE: "polyline",
    Shape.POINT: "points",
    Shape.BITMASK: "mask",
    Shape.SKELETON: "skeleton",
    NewerShape.ELLIPSE: "ellipse",
    NewerShape.CIRCLE: "ellipse",
    NewerShape.CUBOID_2D: "cuboid",
}
"""The element each shape of the hub is written as."""

OCCLUDED = "occluded"
"""A dynamic checklist of one option, both of this name, is CVAT's own ``occluded``."""


@dataclass(slots=True, eq=False)
class Question:
    """One attribute of a CVAT label.

    Parameters
    ----------
    name : str
    input_type : str
        ``select``, ``checkbox``, ``number`` or ``text``.
    attribute : Attribute
        The hub's.
    option : FlatOption or None
        The option of a checklist that a checkbox stands for.
    options : dict of str to NestableOption
        What the texts of a select stand for.
    """

    name: str
    input_type: str
    attribute: Any
    option: Any = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def is_mutable(self) -> bool:
        """Whether answers may change over a track."""
        return bool(self.attribute.dynamic)

    @property
    def declared(self) -> tuple[str, bool, tuple[str, ...]]:
        """What labels that share an attribute must agree on."""
        return self.input_type, self.is_mutable, tuple(self.options)


class Questions:
    """The attributes below one class, as CVAT attributes of names that differ.

    A nested one is ``attribute/option/child``, an option of a checklist ``attribute/option``; a checklist of one option
    that has its own name is just that.
    """

    __slots__ = ("_by_id", "_by_place", "occluded")

    def __init__(self, attributes: Sequence[Any], has_occlusion: bool = False) -> None:
        self._by_id: dict[int, list[Question]] = {}
        self._by_place: dict[tuple[str, tuple[int, ...]], list[Question]] = {}
        self.occluded = next(filter(_is_occlusion, attributes), None) if has_occlusion else None
        self._add(attributes, "", set())

    def _add(self, attributes: Sequence[Any], prefix: str, taken: set[str]) -> None:
        for attribute in attributes:
            made = list(_questions(attribute, prefix + line_of(attribute.name), taken))
            taken.update(question.name for question in made)
            self._by_id[id(attribute)] = made
            self._by_place.setdefault(_place(attribute), made)
            if isinstance(attribute, RadioAttribute):
                for text, option in made[0].options.items():
                    self._add(option.nested_options, f"{made[0].name}/{text}/", taken)

    def of(self, attribute: Any) -> list[Question]:
        """Return the CVAT attributes that stand for one of the ontology, or for its twin of another copy of that."""
        return self._by_id.get(id(attribute)) or self._by_place[_place(attribute)]

    def __iter__(self) -> Iterator[Question]:
        """Walk them in the order of the ontology."""
        return (question for made in self._by_id.values() for question in made)


NO_QUESTIONS = Questions([])


def _questions(attribute: Any, name: str, taken: set[str]) -> Iterator[Question]:
    if isinstance(attribute, RadioAttribute):
        options: dict[str, Any] = {UNDEFINED: None}
        for option in attribute.options:
            options[_unique(line_of(option.label), options)] = option
        del options[UNDEFINED]
        yield Question(_unique(name, taken), "select", attribute, options=options)
    elif isinstance(attribute, ChecklistAttribute):
        is_claim = [option.label for option in attribute.options] == [attribute.name]
        for choice in attribute.options:
            own = _unique(name if is_claim else f"{name}/{line_of(choice.label)}", taken)
            taken.add(own)
            yield Question(own, "checkbox", attribute, choice)
    else:
        is_number = isinstance(attribute, NumericAttribute)
        yield Question(_unique(name, taken), "number" if is_number else "text", attribute)


def _unique(name: str, taken: Container[str]) -> str:
    return unique(name, taken, "{}_{}")


def line_of(text: str) -> str:
    """Return text as one line, which is what CVAT can show as a name.

    >>> line_of(" a \\n b")
    'a b'
    """
    return " ".join(text.split()) if text != text.strip() or not text.isprintable() else text


def _place(attribute: Any) -> tuple[str, tuple[int, ...]]:
    return attribute.feature_node_hash, tuple(attribute.uid)


def _is_occlusion(attribute: Any) -> bool:
    is_claim = attribute.name == OCCLUDED and attribute.get_property_type() == PropertyType.CHECKLIST
    return is_claim and attribute.dynamic and [option.label for option in attribute.options] == [OCCLUDED]


@dataclass(slots=True, eq=False)
class Label:
    """One label of a CVAT file, for classes that agree on their attributes.

    ``variants`` are the elements it is written with; ``nodes`` and ``edges`` those of its skeleton. One that
    ``is_spare`` is declared only if an irregular case comes.
    """

    name: str
    color: str | None
    variants: tuple[str, ...] = ()
    questions: dict[str, Question] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)
    is_spare: bool = False


@dataclass(slots=True, eq=False)
class ObjectVariant:
    """How objects of a class are written: label, element, attributes; ``places`` finds points of a skeleton by hash."""

    item: Object
    label: Label
    element: str
    questions: Questions
    places: dict[str, int] = field(default_factory=dict)

    def place(self, point: Any) -> int:
        """Return where a point stands in its skeleton; one that no template has gets a place of its own."""
        place = self.places.get(point.feature_hash)
        if place is None:
            place = self.places.get(point.name)
        if place is None:
            place = next((n for n, node in enumerate(self.label.nodes) if node.name == point.name), None)
        if place is None:
            place = self.places[point.name] = len(self.label.nodes)
            self.label.nodes.append(Node(point.name, color=point.color))
        return place


@dataclass(slots=True, eq=False)
class TagVariant:
    """How a classification is written.

    ``label`` has all its attributes. In the two forms CVAT users write themselves tags say more: each
    chosen option of the checklist ``Tags`` is a tag (``options``), and the only option of a radio of its own name is
    the tag ``single``, with what is nested below for attributes.
    """

    item: Classification
    label: Label
    questions: Questions
    options: dict[str, tuple[Any, Label]] = field(default_factory=dict)
    single: tuple[Any, Label, Questions] | None = None


class Labels:
    """All labels of an ontology.

    Attributes
    ----------
    all : list of Label
    objects : list of ObjectVariant
    tags : list of TagVariant
    """

    def __init__(self, structure: OntologyStructure) -> None:
        self.all: list[Label] = []
        self._names: dict[str, Label] = {}
        self._templates = {one.name: one for one in reversed(structure.skeleton_templates)}
        self.objects = [self._object(item) for item in structure.objects if item.shape in ELEMENTS]
        self.tags = [self._tags(item) for item in structure.classifications if item.attributes]
        variants: tuple[Any, ...] = (*self.objects, *self.tags)
        self._by_id: dict[int, Any] = {id(variant.item): variant for variant in variants}
        self._by_hash: dict[str, Any] = {variant.item.feature_node_hash: variant for variant in variants}

    def of(self, item: Any) -> Any:
        """Return the variant of a class, or of its twin in a copy of the ontology; None if CVAT has no place for it."""
        return self._by_id.get(id(item)) or self._by_hash.get(item.feature_node_hash)

    def _label(self, name: str, element: str, questions: Sequence[Question], color: str | None = None) -> Label:
        """Return the label of this name if the classes agree, else a new one."""
        own = {question.name: question for question in questions}
        label = self._names.get(name)
        if label is None or element == "skeleton" or element in label.variants or not _agree(label, own):
            label = Label(_unique(name, self._names), color)
            self._names[label.name] = label
            self.all.append(label)
        label.color = label.color or color
        if element not in label.variants:
            label.variants += (element,)
        if own:
            label.questions = {**own, **label.questions}
        return label

    def _object(self, item: Object) -> ObjectVariant:
        element = ELEMENTS[item.shape]
        questions = Questions(item.attributes, element != "skeleton") if item.attributes else NO_QUESTIONS
        asked = [one for one in questions if one.attribute is not questions.occluded]
        variant = ObjectVariant(item, self._label(line_of(item.name), element, asked, item.color), element, questions)
        template = self._templates.get(item.name)
        if element == "skeleton" and template is not None:
            names: dict[str, None] = {}
            for place, node in enumerate(template.skeleton):
                name = _unique(line_of(node.name), names)
                names[name] = None
                x, y = (100 * at / (side or 1) for at, side in ((node.x, template.width), (node.y, template.height)))
                variant.label.nodes.append(Node(name, x, y, node.color))
                variant.places.setdefault(node.feature_hash or node.name, place)
            variant.label.edges = [(start, end) for start, end, *_ in template.edges]
        return variant

    def _tags(self, item: Classification) -> TagVariant:
        root = item.attributes[0]
        questions = Questions(item.attributes)
        variant = TagVariant(item, Label("", None), questions)
        if isinstance(root, ChecklistAttribute) and root.name == TAGS:
            for option in root.options:
                variant.options[option.feature_node_hash] = option, self._label(line_of(option.label), "tag", ())
        elif isinstance(root, RadioAttribute) and [option.label for option in root.options] == [root.name]:
            below = Questions(root.options[0].nested_options)
            variant.single = root.options[0], self._label(line_of(root.name), "tag", list(below)), below
        variant.label = self._label(line_of(root.name), "tag", list(questions))
        variant.label.is_spare = bool(variant.options or variant.single) and variant.label.variants == ("tag",)
        return variant


def _agree(label: Label, questions: dict[str, Question]) -> bool:
    """Tell whether attributes can be asked of a label beside its own: they are the same ones."""
    known = label.questions
    return (
        "skeleton" not in label.variants
        and known.keys() == questions.keys()
        and all(known[name].declared == question.declared for name, question in questions.items())
    )
