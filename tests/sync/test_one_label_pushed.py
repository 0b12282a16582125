"""A label drawn in several shapes is pushed as several classes of names that differ, and pulled as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import Running
from PIL import Image

from encord_convert.cli import run
from encord_convert.sdk.objects import Shape

SHAPES = {
    "box": '<box label="car" occluded="0" xtl="1" ytl="2" xbr="9" ybr="8" z_order="0"></box>',
    "polygon": '<polygon label="car" occluded="0" points="10,10;20,10;20,20" z_order="0"></polygon>',
    "mask": '<mask label="car" occluded="0" rle="0, 4" left="22" top="22" width="2" height="2" z_order="0"></mask>',
    "skeleton": '<skeleton label="car"><points label="front" outside="0" occluded="0" points="1,2"></points>'
    '<points label="back" outside="0" occluded="0" points="5,6"></points></skeleton>',
}
TOLD_APART = [("car", "bounding_box"), ("car (polygon)", "polygon"), ("car (bitmask)", "bitmask")]


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def source(folder: Path, *shapes: str, name: str = "a.png") -> Path:
    """Write a CVAT file with the label `car` in some shapes, and its image."""
    folder.mkdir()
    Image.new("RGB", (40, 30)).save(folder / name)
    label = "<label><name>car</name><color>#ff0000</color><attributes></attributes></label>"
    task = f"<task><id>1</id><name>t</name><size>1</size><mode>annotation</mode><labels>{label}</labels></task>"
    drawn = "".join(SHAPES[shape] for shape in shapes)
    image = f'<image id="0" name="{name}" width="40" height="30">{drawn}</image>'
    text = f"<annotations><version>1.1</version><meta>{task}</meta>{image}</annotations>"
    (folder / "annotations.xml").write_text(text)
    return folder


def pushed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Push, and return the hash of the project."""
    assert call("push", *arguments) == 0
    return capsys.readouterr().out.split()[-1]


def classes(server: Running, project: str) -> list[tuple[str, str]]:
    structure = server.user().get_project(project).ontology_structure
    return [(one.name, one.shape.value) for one in structure.objects]


def pulled(project: str, out: Path, to: str) -> Path:
    assert call("pull", project, out, "--to", to) == 0
    return out


def loaded(path: Path) -> Any:
    return json.loads(path.read_text())


def test_a_label_of_several_shapes_is_pulled_as_one(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = source(reached / "in", "box", "polygon", "mask")
    project = pushed(capsys, labels, "--new-project", "Cars")
    assert classes(server, project) == TOLD_APART
    assert call("verify", labels, project) == 0
    coco = loaded(pulled(project, reached / "coco", "coco") / "annotations.json")
    assert [one["name"] for one in coco["categories"]] == ["car"]
    assert len(coco["annotations"]) == 3
    masks = loaded(pulled(project, reached / "masks", "masks-index") / "classes.json")
    assert [one["name"] for one in masks["classes"]] == ["car"]
    cvat = (pulled(project, reached / "cvat", "cvat") / "annotations.xml").read_text()
    assert (cvat.count("<name>car</name>"), cvat.count('label="car"')) == (1, 3)
    hub = loaded(pulled(project, reached / "hub", "encord") / "ontology.json")
    assert [(one["name"], one["shape"]) for one in hub["objects"]] == TOLD_APART


def test_a_later_shape_of_a_label_joins_the_class_that_is_there(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(capsys, source(reached / "1", "box"), "--new-project", "Cars")
    second = source(reached / "2", "polygon", name="b.png")
    third = source(reached / "3", "polygon", "box", name="c.png")
    for one in (second, third):
        pushed(capsys, one, "--project", project)
        assert call("verify", one, project) == 0
    assert classes(server, project) == TOLD_APART[:2]
    coco = loaded(pulled(project, reached / "coco", "coco") / "annotations.json")
    assert [one["name"] for one in coco["categories"]] == ["car"]
    assert len(coco["annotations"]) == 4


def test_what_was_pulled_is_pushed_into_the_classes_it_came_from(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = source(reached / "in", "box", "polygon", "mask")
    project = pushed(capsys, labels, "--new-project", "Cars")
    for to in ("encord", "coco", "cvat"):
        again = pulled(project, reached / to, to)
        assert call("verify", again, project) == 0
        pushed(capsys, again, "--project", project, "--on-conflict", "replace", "--images", labels)
    assert classes(server, project) == TOLD_APART


def test_classes_of_one_name_that_a_project_has_are_used(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    user = server.user()
    ontology = user.create_ontology("Same names")
    for shape in (Shape.BOUNDING_BOX, Shape.POLYGON):
        ontology.structure.add_object("car", shape)
    ontology.save()
    labels = source(reached / "in", "box", "polygon")
    project = pushed(capsys, labels, "--new-project", "Cars", "--ontology", ontology.ontology_hash)
    assert classes(server, project) == [("car", "bounding_box"), ("car", "polygon")]
    assert call("verify", labels, project) == 0


def test_a_skeleton_of_a_label_keeps_its_points(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(capsys, source(reached / "1", "box"), "--new-project", "Poses")
    labels = source(reached / "2", "box", "skeleton", name="b.png")
    for _ in range(2):
        pushed(capsys, labels, "--project", project, "--on-conflict", "skip")
        assert call("verify", labels, project) == 0
    assert classes(server, project) == [("car", "bounding_box"), ("car (skeleton)", "skeleton")]
    [template] = server.user().get_project(project).ontology_structure.skeleton_templates
    assert (template.name, [point.name for point in template.skeleton]) == ("car (skeleton)", ["front", "back"])
    coco = loaded(pulled(project, reached / "coco", "coco") / "annotations.json")
    assert [(one["name"], one["keypoints"]) for one in coco["categories"]] == [("car", ["front", "back"])]
    hub = loaded(pulled(project, reached / "hub", "encord") / "ontology.json")
    assert [one["template"]["name"] for one in hub["skeleton_templates"]] == ["car (skeleton)"]


def test_a_mapping_names_a_label_and_its_shape_for_a_push(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = source(reached / "in", "box", "polygon", "mask")
    mapping = reached / "m.yaml"
    mapping.write_text("classes:\n- {name: car, shape: polygon, to: lorry}\n- {name: car, shape: bitmask, to: false}\n")
    project = pushed(capsys, labels, "--new-project", "Cars", "--mapping", mapping)
    assert classes(server, project) == [("car", "bounding_box"), ("lorry", "polygon")]
    assert call("verify", labels, project, "--mapping", mapping) == 0
