"""Ellipses, circles, cuboids and numbers for answers stand beside what the SDK documents, under their own names."""

from __future__ import annotations

import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from encord_convert import LabelSet, Report, convert
from encord_convert._samples import Sample, box
from encord_convert.formats.encord import row_dict
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects import LabelRowV2, Object, OntologyStructure, Shape, coordinates
from encord_convert.sdk.objects._newer_coordinates import _cuboid_of_faces
from encord_convert.sdk.objects.attributes import NumericAttribute
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import (
    CircleCoordinates,
    Cuboid2DIsometricCoordinates,
    Cuboid2DPerspectiveCoordinates,
    EllipseCoordinates,
    PointCoordinate,
)

FRONT = [0.1, 0.1, 0.4, 0.1, 0.4, 0.5, 0.1, 0.5]
CORNERS = tuple(map(PointCoordinate, FRONT[0::2], FRONT[1::2]))
NAMES = {
    "EllipseCoordinates": ["center_x", "center_y", "rx", "ry", "theta"],
    "CircleCoordinates": ["center_x", "center_y", "radius", "stretch", "theta"],
    "Cuboid2DIsometricCoordinates": ["front", "offset"],
    "Cuboid2DPerspectiveCoordinates": ["front", "vanishing_point", "scale_ratio"],
}
"""As the newest package has them: ``help()`` of 0.1.211."""


@pytest.mark.parametrize("name", NAMES)
def test_the_newest_names_take_what_they_take_there(name: str) -> None:
    kind = getattr(coordinates, name)
    assert list(inspect.signature(kind).parameters) == NAMES[name]
    assert f"{kind.__module__}.{kind.__qualname__}" == f"encord_convert.sdk.objects.coordinates.{name}"
    assert "Newer than the documented SDK." in inspect.getdoc(kind)  # type: ignore[operator]


def test_the_documented_shapes_are_those_that_were() -> None:
    assert len(Shape) == len(coordinates.ACCEPTABLE_COORDINATES_FOR_ONTOLOGY_ITEMS) == 7
    assert NewerShape.ELLIPSE not in list(Shape)


@pytest.mark.parametrize("one", [
    EllipseCoordinates(0.5, 0.4, 0.2, 0.1, 30), CircleCoordinates(0.5, 0.4, 0.2, 1.5),
    Cuboid2DIsometricCoordinates(CORNERS, PointCoordinate(0.1, -0.05)),
    Cuboid2DPerspectiveCoordinates(CORNERS, PointCoordinate(0.9, 0.2), 0.75),
], ids=lambda one: type(one).__name__)  # fmt: skip
def test_coordinates_are_values(one: Any) -> None:
    assert pickle.loads(pickle.dumps(one)) == one
    assert hash(one) == hash(pickle.loads(pickle.dumps(one)))
    with pytest.raises(AttributeError):
        one.theta = 3
    s = Sample()
    item: Any = Object("0badf00d", 1, "a", "#102030", {"ellipse": NewerShape.ELLIPSE, "circle": NewerShape.CIRCLE}.get(
        one._key, NewerShape.CUBOID_2D))  # type: ignore[arg-type]  # fmt: skip
    s.draft.ontology.objects.append(item)
    s.place(item, one)
    [row] = s.done()
    again = LabelRowV2._from_dict(row_dict(row), row.ontology_structure)
    assert again.get_object_instances()[0].get_annotation(0).coordinates == one


def test_an_object_takes_the_coordinates_of_its_shape_alone() -> None:
    s = Sample()
    pond = s.draft.add_object("pond", NewerShape.ELLIPSE)  # type: ignore[arg-type]
    prism = s.draft.add_object("prism", NewerShape.CUBOID_2D)  # type: ignore[arg-type]
    with pytest.raises(
        LabelRowError, match="'pond' is drawn as ellipse, that is with EllipseCoordinates, not with Bou"
    ):
        s.place(pond, box())
    with pytest.raises(LabelRowError, match="'prism' is drawn as cuboid_2d, that is with Cuboid2DCoordinates"):
        s.place(prism, EllipseCoordinates(0.5, 0.5, 0.1, 0.1))


def test_numbers_answer_for_all_frames_or_for_some() -> None:
    s = Sample(DataType.VIDEO, frames=4, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    doors = car.add_attribute(NumericAttribute, "doors")
    speed = car.add_attribute(NumericAttribute, "speed", dynamic=True)
    instance = s.place(car, box(), [0, 1, 2, 3])
    instance.set_answer(4, doors)  # type: ignore[arg-type]
    instance.set_answer(30.5, speed, frames=[0, 1])  # type: ignore[arg-type]
    instance.set_answer(31, speed, frames=[2])  # type: ignore[arg-type]
    [row] = s.done()
    [again] = LabelRowV2._from_dict(row_dict(row), row.ontology_structure).get_object_instances()
    assert again.get_answer(doors) == 4
    found = {one.answer: [(run.start, run.end) for run in one.ranges] for one in again.get_answer(speed)}  # type: ignore
    assert found == {30.5: [(0, 1)], 31: [(2, 2)]}
    with pytest.raises(ValueError, match="'doors' is answered with a number, not with 'four'"):
        instance.set_answer("four", doors, overwrite=True)


def test_the_branch_of_a_row_is_the_main_one_unless_it_says_another() -> None:
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    [row] = s.done()
    assert row.branch_name == "main"
    said = LabelRowV2._from_dict({**row_dict(row), "branch_name": "second look"}, row.ontology_structure)
    assert said.branch_name == said.to_encord_dict()["branch_name"] == "second look"


# --- cuboids of other tools, and odd ones -----------------------------------------------------------------------------


def through(folder: Path, cuboid: Any) -> tuple[Any, Report]:
    """Convert a row with a cuboid from ``encord`` to ``encord``; return its cuboid then."""
    s = Sample()
    prism = s.draft.add_object("prism", NewerShape.CUBOID_2D)  # type: ignore[arg-type]
    s.place(prism, Cuboid2DIsometricCoordinates(CORNERS, PointCoordinate(0.1, -0.05)))
    [row] = labels = s.done()
    members = row_dict(row)
    next(iter(members["data_units"].values()))["labels"]["objects"][0]["cuboid_2d"] = cuboid
    source = folder / "in"
    source.mkdir()
    (source / "ontology.json").write_text(json.dumps(labels.ontology.to_dict()))
    (source / "label_rows.jsonl").write_text(json.dumps(members) + "\n")
    report = convert(source, folder / "out", from_="encord", to="encord", report=Report())
    written = json.loads((folder / "out" / "label_rows.jsonl").read_text())
    return next(iter(written["data_units"].values()))["labels"]["objects"][0]["cuboid_2d"], report


def test_corners_of_a_back_face_come_back_beside_the_nearest_prism(tmp_path: Path) -> None:
    back = [0.2, 0.2, 0.5, 0.2, 0.5, 0.5, 0.2, 0.6]
    said = _cuboid_of_faces(FRONT, back)._json()
    written, report = through(tmp_path, said)
    assert written == said and said["back"] == back
    assert report.is_lossless


def test_corners_that_somebody_moved_the_prism_away_from_are_told(tmp_path: Path) -> None:
    said = {"front": FRONT, "offset": {"x": 0.3, "y": 0.0}, "back": [0.2, 0.2, 0.5, 0.2, 0.5, 0.5, 0.2, 0.6]}
    written, report = through(tmp_path, said)
    assert written == {"front": FRONT, "offset": {"x": 0.3, "y": 0.0}}
    assert [(loss.code, loss.label) for loss in report.losses()] == [("NATIVE_DROPPED", "image.cuboid_2d.back")]


def test_of_two_forms_of_a_back_face_perspective_counts_and_the_other_is_told(tmp_path: Path) -> None:
    perspective = {"front": FRONT, "vanishingPoint": {"x": 0.9, "y": 0.2}, "scaleRatio": 0.75}
    written, report = through(tmp_path, {**perspective, "offset": {"x": 0.1, "y": 0.1}})
    assert written == perspective
    assert [loss.label for loss in report.losses()] == ["image.cuboid_2d.offset"]


def test_labels_on_no_frame_keep_their_class_under_another_name() -> None:
    golden = json.loads((Path(__file__).parents[2] / "fixtures/newest/label-rows/audio.json").read_text())
    ontology = golden["ontology"]
    if isinstance(ontology, str):
        ontology = json.loads((Path(__file__).parents[2] / "fixtures/newest" / ontology).read_text())
    structure = OntologyStructure.from_dict(ontology.get("ontology", ontology))
    labels = LabelSet(structure, [LabelRowV2._from_dict(golden["output"], structure)])
    [row] = labels.rename({"Audio": "speech"})
    [entry] = row.to_encord_dict()["object_answers"].values()
    assert (entry["name"], entry["value"], entry["range"]) == ("speech", "speech", [[0, 1000], [3000, 3500]])
