"""Ontologies: every shape, every kind of attribute."""

from __future__ import annotations

from datetime import UTC, datetime

from encord.exceptions import (
    ResourceNotFoundError,
)
from encord.objects import (
    ChecklistAttribute,
    OntologyStructure,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from world import DAY, check, refused, w


def full_structure() -> OntologyStructure:
    structure = OntologyStructure()
    for shape in Shape:
        if shape is Shape.SKELETON:
            continue
        thing = structure.add_object(name=f"a {shape.value}", shape=shape)
        if shape is Shape.BOUNDING_BOX:
            kind = thing.add_attribute(RadioAttribute, "Kind", required=True)
            car = kind.add_option("Car")
            kind.add_option("Bus")
            car.add_nested_attribute(TextAttribute, "Maker")
            car.add_nested_attribute(ChecklistAttribute, "Lights").add_option("Left")
            moves = thing.add_attribute(RadioAttribute, "Moves", dynamic=True)
            moves.add_option("Yes")
            moves.add_option("No")
            thing.add_attribute(TextAttribute, "Plate", dynamic=True)
    weather = structure.add_classification().add_attribute(RadioAttribute, "Weather")
    weather.add_option("Sun")
    weather.add_option("Rain").add_nested_attribute(TextAttribute, "How much")
    checks = structure.add_classification().add_attribute(ChecklistAttribute, "Things")
    checks.add_option("Bridge")
    checks.add_option("Tunnel")
    structure.add_classification().add_attribute(TextAttribute, "Note")
    return structure


def with_skeleton(structure: OntologyStructure) -> OntologyStructure:
    """The structure with a skeleton: its template is written as JSON, since nothing makes one."""
    editor = structure.to_dict()
    editor["objects"].append(
        {"id": str(len(editor["objects"]) + 1), "name": "a person", "color": "#16406C", "shape": "skeleton",
         "featureNodeHash": "5ce1e701"}
    )  # fmt: skip
    return OntologyStructure.from_dict(editor)


@check
def create_ontology() -> None:
    w.structure = with_skeleton(full_structure())
    w.ontology = w.ann.create_ontology("Traffic", "all there is", w.structure)
    assert (w.ontology.title, w.ontology.description) == ("Traffic", "all there is")


@check
def fetched_ontology_is_equal() -> None:
    fetched = w.ann.get_ontology(w.ontology.ontology_hash)
    assert fetched.structure.to_dict() == w.structure.to_dict()


@check
def every_shape_and_attribute_is_in_the_ontology() -> None:
    structure = w.ann.get_ontology(w.ontology.ontology_hash).structure
    assert {item.shape for item in structure.objects} == set(Shape)
    box = next(item for item in structure.objects if item.shape is Shape.BOUNDING_BOX)
    assert [(one.title, one.dynamic, one.required) for one in box.attributes] == [
        ("Kind", False, True),
        ("Moves", True, False),
        ("Plate", True, False),
    ]


@check
def edit_and_save_ontology() -> None:
    w.ontology.structure.add_object("late", Shape.POLYGON)
    w.ontology.title = "Traffic 2"
    w.ontology.save()
    again = w.ann.get_ontology(w.ontology.ontology_hash)
    assert again.title == "Traffic 2"
    assert again.structure.objects[-1].title == "late"


@check
def refetch_ontology_data() -> None:
    w.ontology.refetch_data()
    assert w.ontology.structure.objects[-1].title == "late"


@check
def list_ontologies() -> None:
    [found] = w.ann.get_ontologies(title_like="Traffic%")
    assert found["ontology"].ontology_hash == w.ontology.ontology_hash
    assert w.ann.get_ontologies(title_eq="other") == []


@check
def ontology_of_another_is_not_found() -> None:
    refused(ResourceNotFoundError, lambda: w.bob.get_ontology(w.ontology.ontology_hash))


@check
def create_empty_ontology() -> None:
    made = w.ann.create_ontology("Empty")
    assert made.structure.to_dict() == {"objects": [], "classifications": []}


@check
def list_ontologies_by_each_filter() -> None:
    now = datetime.now(UTC)

    def listed(**filters: object) -> set[str]:
        return {one["ontology"].title for one in w.ann.get_ontologies(**filters)}

    both = {"Traffic 2", "Empty"}
    assert listed(desc_eq="all there is") == {"Traffic 2"} == listed(desc_like="all%") == listed(title_like="%2")
    assert listed(created_after=now - DAY) == both == listed(created_before=now + DAY)
    assert listed(edited_after=now - DAY) == both == listed(edited_before=now + DAY)
    assert listed(created_after=now + DAY) == set() == listed(edited_before=now - DAY)
