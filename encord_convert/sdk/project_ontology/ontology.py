"""The older, flat form of an ontology: it loses attributes of objects and nested options.

Source: wire protocol, section 10.9.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from encord_convert.sdk.objects.constants import AVAILABLE_COLORS
from encord_convert.sdk.project_ontology.classification_type import ClassificationType
from encord_convert.sdk.project_ontology.object_type import ObjectShape


@dataclass
class OntologyObject:
    """A class of objects."""

    id: str
    color: str
    name: str
    shape: ObjectShape
    feature_node_hash: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "color": self.color,
            "name": self.name,
            "shape": self.shape.value,
            "featureNodeHash": self.feature_node_hash,
        }


@dataclass
class ClassificationOption:
    """An option of a question."""

    id: str
    label: str
    value: str
    feature_node_hash: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"id": self.id, "label": self.label, "value": self.value, "featureNodeHash": self.feature_node_hash}


@dataclass
class ClassificationAttribute:
    """A question."""

    id: str
    name: str
    type: ClassificationType
    required: bool
    feature_node_hash: str
    options: list[ClassificationOption] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; ``options`` is null where there are none."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type.value,
            "required": self.required,
            "featureNodeHash": self.feature_node_hash,
            "options": None if self.options is None else [option.to_dict() for option in self.options],
        }


@dataclass
class OntologyClassification:
    """A classification."""

    id: str
    feature_node_hash: str
    attributes: list[ClassificationAttribute]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "featureNodeHash": self.feature_node_hash,
            "attributes": [attribute.to_dict() for attribute in self.attributes],
        }


@dataclass
class Ontology:
    """The older, flat form of an ontology."""

    ontology_objects: list[OntologyObject] = field(default_factory=list)
    ontology_classifications: list[OntologyClassification] = field(default_factory=list)

    @staticmethod
    def from_dict(d: dict[str, Any]) -> Ontology:
        """Return the flat form of a JSON ontology.

        Raises
        ------
        ValueError
            A shape, such as a bitmask, or a kind of question has no place in it.
        """
        return Ontology(
            [
                OntologyObject(o["id"], o["color"], o["name"], ObjectShape(o["shape"]), o["featureNodeHash"])
                for o in d["objects"]
            ],
            [
                OntologyClassification(
                    classification["id"],
                    classification["featureNodeHash"],
                    [_attribute(each) for each in classification["attributes"]],
                )
                for classification in d["classifications"]
            ],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "objects": [object_.to_dict() for object_ in self.ontology_objects],
            "classifications": [classification.to_dict() for classification in self.ontology_classifications],
        }

    def add_object(self, name: str, shape: ObjectShape) -> None:
        """Add a class of objects, with the colour after that of the last."""
        count = len(self.ontology_objects)
        color = AVAILABLE_COLORS[count % len(AVAILABLE_COLORS)]
        self.ontology_objects.append(OntologyObject(str(count + 1), color, name, shape, token_hex(4)))

    def add_classification(
        self, name: str, type_: ClassificationType, required: bool, options: list[str] | None = None
    ) -> None:
        """Add a classification of one question.

        Raises
        ------
        ValueError
            A radio or checklist question has no options, or a text question has some.
        """
        if (type_ is ClassificationType.TEXT) == bool(options):
            raise ValueError("A radio or checklist question has options, a text question has none.")
        id_ = str(len(self.ontology_classifications) + 1)
        made = [
            ClassificationOption(f"{id_}.1.{number}", label, label.replace(" ", "_"), token_hex(4))
            for number, label in enumerate(options or (), 1)
        ]
        attribute = ClassificationAttribute(f"{id_}.1", name, type_, required, token_hex(4), made or None)
        self.ontology_classifications.append(OntologyClassification(id_, token_hex(4), [attribute]))


def _attribute(d: dict[str, Any]) -> ClassificationAttribute:
    options = d.get("options")
    return ClassificationAttribute(
        d["id"],
        d["name"],
        ClassificationType(d["type"]),
        d["required"],
        d["featureNodeHash"],
        None
        if options is None
        else [ClassificationOption(o["id"], o["label"], o["value"], o["featureNodeHash"]) for o in options],
    )
