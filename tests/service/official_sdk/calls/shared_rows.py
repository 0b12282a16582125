"""What each version puts on a row, and how what is read is compared with it."""

from __future__ import annotations

import json
from importlib.metadata import version

from encord.objects import (
    ChecklistAttribute,
    Classification,
    LabelRowV2,
    OntologyStructure,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord.objects.coordinates import BoundingBoxCoordinates, PointCoordinate, PolygonCoordinates
from encord.project import Project
from world import FOLDER

V = version("encord")
NUMBER = int(V.rpartition(".")[2])
NAME = f"v{NUMBER}"
VERSIONS = json.loads((FOLDER / "versions.json").read_text())


def structure() -> OntologyStructure:
    made = OntologyStructure()
    car = made.add_object("Car", Shape.BOUNDING_BOX)
    car.add_attribute(TextAttribute, "Plate")
    colour = car.add_attribute(RadioAttribute, "Colour", dynamic=True)
    colour.add_option("Red")
    colour.add_option("Blue")
    made.add_object("Leaf", Shape.POLYGON)
    made.add_object("Tip", Shape.POINT)
    weather = made.add_classification().add_attribute(RadioAttribute, "Weather")
    weather.add_option("Sunny")
    weather.add_option("Rainy")
    made.add_classification().add_attribute(TextAttribute, "Remark")
    hazards = made.add_classification().add_attribute(ChecklistAttribute, "Hazards")
    hazards.add_option("Fire")
    hazards.add_option("Water")
    return made


def rows_of(project: Project) -> dict[str, LabelRowV2]:
    return {row.data_title: row for row in project.list_label_rows_v2()}


def named(structure: OntologyStructure, title: str) -> object:
    for one in (*structure.objects, *structure.classifications):
        if title in (getattr(one, "name", None), one.attributes[0].name if isinstance(one, Classification) else None):
            return one
    raise AssertionError(title)


BOX = BoundingBoxCoordinates(height=0.25, width=0.5, top_left_x=0.125, top_left_y=0.25)
LEAF = PolygonCoordinates([PointCoordinate(0.25, 0.25), PointCoordinate(0.75, 0.25), PointCoordinate(0.5, 0.5)])


def label(row: LabelRowV2, frames: list[int]) -> None:
    """Put what every row has on it: two objects, one with answers, and three classifications."""
    own = row.ontology_structure
    car = named(own, "Car").create_instance()
    car.set_for_frames(BOX, frames)
    car.set_answer("B 42", named_attribute(own, "Plate"))
    colour = named_attribute(own, "Colour")
    car.set_answer(colour.options[1], colour, frames=frames[:1])
    row.add_object_instance(car)
    leaf = named(own, "Leaf").create_instance()
    leaf.set_for_frames(LEAF, frames[:1])
    row.add_object_instance(leaf)
    weather = named(own, "Weather")
    sunny = weather.create_instance()
    sunny.set_for_frames(frames, manual_annotation=False, confidence=0.75)
    sunny.set_answer(weather.attributes[0].options[0])
    row.add_classification_instance(sunny)
    remark = named(own, "Remark").create_instance()
    remark.set_for_frames(frames[:1])
    remark.set_answer(f"said by {V}")
    row.add_classification_instance(remark)
    hazards = named(own, "Hazards")
    both = hazards.create_instance()
    both.set_for_frames(frames[-1:])
    both.set_answer(list(hazards.attributes[0].options))
    row.add_classification_instance(both)


def named_attribute(structure: OntologyStructure, name: str) -> object:
    return next(one for one in named(structure, "Car").attributes if one.name == name)


FRAMES = {"first.png": [0], "pair": [0, 1], "walk": [1, 2, 3], "scan": [0, 2]}


def compared(row: LabelRowV2, frames: list[int], author: str) -> None:
    """Compare a row with what :func:`label` put on it, by whichever version."""
    objects = {one.object_name: one for one in row.get_object_instances()}
    assert {"Car", "Leaf"} <= set(objects), set(objects)
    car = objects["Car"]
    assert sorted(one.frame for one in car.get_annotations()) == frames
    assert all(one.coordinates == BOX for one in car.get_annotations())
    own = row.ontology_structure
    assert car.get_answer(named_attribute(own, "Plate")) == "B 42"
    told = car.get_answer(named_attribute(own, "Colour"))
    assert [(one.answer.label, [(r.start, r.end) for r in one.ranges]) for one in told] == [
        ("Blue", [(frames[0], frames[0])])
    ]
    found = {one.ontology_item.attributes[0].name: one for one in row.get_classification_instances()}
    assert set(found) == {"Weather", "Remark", "Hazards"}, set(found)
    placed = {name: sorted(a.frame for a in one.get_annotations()) for name, one in found.items()}
    assert placed == {"Weather": frames, "Remark": frames[:1], "Hazards": frames[-1:]}, placed
    assert found["Weather"].get_answer().label == "Sunny"
    assert found["Remark"].get_answer() == f"said by {author}"
    assert sorted(one.label for one in found["Hazards"].get_answer()) == ["Fire", "Water"]
    assert {(a.confidence, a.manual_annotation) for a in found["Weather"].get_annotations()} == {(0.75, False)}
