"""A label drawn in several shapes is one class wherever classes are known by name, and comes back as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
SHAPES = """
<box label="car" source="manual" occluded="0" xtl="1" ytl="2" xbr="9" ybr="8" z_order="0"></box>
<polygon label="car" source="manual" occluded="0" points="10,10;20,10;20,20" z_order="0"></polygon>
<mask label="car" source="manual" occluded="0" rle="0, 4" left="22" top="22" width="2" height="2" z_order="0"></mask>
<points label="car" source="manual" occluded="0" points="30,5" z_order="0"></points>
<box label="tree" source="manual" occluded="0" xtl="31" ytl="12" xbr="39" ybr="18" z_order="0"></box>
"""
LABELS = "".join(
    f"<label><name>{name}</name><color>{color}</color><attributes></attributes></label>"
    for name, color in (("car", "#ff0000"), ("tree", "#00ff00"))
)
NAMES = ["car", "tree"]


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A CVAT file in which the label `car` is drawn as box, polygon, mask and point, with its image."""
    (tmp_path / "cvat" / "images").mkdir(parents=True)
    Image.new("RGB", (64, 48)).save(tmp_path / "cvat" / "images" / "a.png")
    return write(tmp_path / "cvat", SHAPES)


def write(folder: Path, shapes: str, labels: str = LABELS) -> Path:
    folder.mkdir(exist_ok=True)
    task = f"<task><id>1</id><name>t</name><size>1</size><mode>annotation</mode><labels>{labels}</labels></task>"
    image = f'<image id="0" name="a.png" width="64" height="48">{shapes}</image>'
    text = f"<annotations><version>1.1</version><meta>{task}</meta>{image}</annotations>"
    (folder / "annotations.xml").write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{text}')
    return folder


def loaded(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def categories(folder: Path) -> list[str]:
    [file] = folder.rglob("*.json")
    return [one["name"] for one in loaded(file)["categories"]]


def classes(folder: Path) -> list[tuple[str, str]]:
    return [(one["name"], one["shape"]) for one in loaded(folder / "ontology.json")["objects"]]


ONCE_FOR_EACH_SHAPE = [
    ("car", "bounding_box"), ("car (polygon)", "polygon"), ("car (point)", "point"), ("car (bitmask)", "bitmask"),
    ("tree", "bounding_box"),
]  # fmt: skip


@pytest.mark.parametrize("to", ["coco", "coco-encord", "coco-rle", "coco-ytvis"])
def test_a_label_of_several_shapes_is_one_coco_category(to: str, source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "out", "--to", to) == 0
    assert categories(tmp_path / "out") == NAMES


@pytest.mark.parametrize("to", ["coco-keypoints", "coco-panoptic"])
def test_a_label_of_several_shapes_is_one_category_of_those_that_are_written(
    to: str, source: Path, tmp_path: Path
) -> None:
    assert call("convert", source, tmp_path / "out", "--to", to) == 0
    assert categories(tmp_path / "out") == ["car"]


def test_results_of_a_label_of_several_shapes_name_one_category(source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "out", "--to", "coco-results") == 0
    results = [one["category_id"] for file in (tmp_path / "out").glob("*.json") for one in loaded(file)]
    assert sorted(results) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize("to", ["masks", "masks-index", "masks-instance", "rle"])
def test_a_label_of_several_shapes_is_one_class_of_masks(to: str, source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "out", "--to", to) == 0
    assert [one["name"] for one in loaded(tmp_path / "out" / "classes.json")["classes"]] == NAMES
    assert call("convert", tmp_path / "out", tmp_path / "hub", "--to", "encord") == 0
    assert [name for name, shape in classes(tmp_path / "hub") if shape == "bitmask"] == NAMES


def test_shapes_of_a_label_have_one_index_in_a_mask(source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "out", "--to", "masks-index") == 0
    [path] = (tmp_path / "out").rglob("*.png")
    with Image.open(path) as image:
        found = {image.getpixel(at) for at in ((4, 4), (18, 12), (22, 22))}
        assert (found, image.getpixel((35, 15))) == ({1}, 2)


def test_a_label_of_several_shapes_is_one_cvat_label(source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "out", "--to", "cvat", "--strict") == 0
    text = (tmp_path / "out" / "annotations.xml").read_text()
    assert [text.count(f"<name>{name}</name>") for name in NAMES] == [1, 1]
    assert [text.count(f'label="{name}"') for name in NAMES] == [4, 1]


@pytest.mark.parametrize("target", ["detectron2", "hf", "mmdet", "rfdetr", "torchvision", "ultralytics"])
def test_a_label_of_several_shapes_is_trained_as_one_class(target: str, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    more = ("--images", source / "images", "--split", "train=1")
    assert call("convert", source, out, "--target", target, *more) == 0
    texts = [path.read_text() for path in out.rglob("*") if path.suffix in (".json", ".jsonl", ".yaml", ".txt", ".md")]
    assert any("car" in text for text in texts)
    assert not any("(polygon)" in text or "(bitmask)" in text for text in texts)
    if target == "ultralytics":
        assert 'nc: 2\nnames:\n  0: "car"\n  1: "tree"\n' in (out / "data.yaml").read_text()
        [labels] = (out / "labels").rglob("*.txt")
        assert sorted(line[0] for line in labels.read_text().splitlines()) == ["0", "0", "0", "1"]


def test_nothing_is_renamed_and_strict_does_not_refuse(source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "out", "--to", "coco", "--strict", "--report", tmp_path / "r") == 0
    report = loaded(tmp_path / "r")
    assert report["losses"] == []
    assert report["labels"]["car"] == {"in": 4, "kept": 4, "changed": 0, "dropped": 0}


def test_the_ontology_tells_the_shapes_apart_and_the_label_comes_back(source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "hub", "--to", "encord", "--strict") == 0
    assert classes(tmp_path / "hub") == ONCE_FOR_EACH_SHAPE
    row = loaded(tmp_path / "hub" / "label_rows.jsonl")
    [unit] = row["data_units"].values()
    said = [(one["name"], one["value"], one["shape"]) for one in unit["labels"]["objects"]]
    assert ("car (polygon)", "car_(polygon)", "polygon") in said
    for to in ("coco", "cvat", "masks"):
        assert call("convert", source, tmp_path / f"{to}-1", "--to", to) == 0
        assert call("convert", tmp_path / "hub", tmp_path / f"{to}-2", "--to", to) == 0
    assert categories(tmp_path / "coco-2") == NAMES
    assert [one["name"] for one in loaded(tmp_path / "masks-2" / "classes.json")["classes"]] == NAMES
    for name in ("coco-{}/annotations.json", "cvat-{}/annotations.xml", "masks-{}/classes.json"):
        assert (tmp_path / name.format(1)).read_bytes() == (tmp_path / name.format(2)).read_bytes()
    assert call("convert", tmp_path / "hub", tmp_path / "again", "--to", "encord", "--strict") == 0
    for name in ("ontology.json", "label_rows.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "hub" / name).read_bytes()
    assert call("diff", source, tmp_path / "hub") == 0


def test_a_class_that_somebody_called_like_a_shape_stays_a_class_of_its_own(tmp_path: Path) -> None:
    own = '<polygon label="car (polygon)" occluded="0" points="1,20;9,20;9,28" z_order="0"></polygon>'
    labels = LABELS.replace("tree", "car (polygon)")
    source = write(tmp_path / "cvat", SHAPES.replace('label="tree"', 'label="car"') + own, labels)
    assert call("convert", source, tmp_path / "hub", "--to", "encord", "--strict") == 0
    assert [name for name, shape in classes(tmp_path / "hub") if shape == "polygon"] == [
        "car (polygon) 2", "car (polygon)",
    ]  # fmt: skip
    assert call("convert", tmp_path / "hub", tmp_path / "out", "--to", "coco") == 0
    assert categories(tmp_path / "out") == ["car", "car (polygon)"]


def test_classes_that_were_not_told_apart_here_are_not_joined(source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "hub", "--to", "encord") == 0
    hub = tmp_path / "hub"
    polygon = loaded(hub / "ontology.json")["objects"][1]["featureNodeHash"]
    for name in ("ontology.json", "label_rows.jsonl"):
        (hub / name).write_text((hub / name).read_text().replace(polygon, "00c0ffee"))
    assert call("convert", hub, tmp_path / "out", "--to", "coco") == 0
    assert categories(tmp_path / "out") == ["car", "car (polygon)", "tree"]


def test_a_mapping_names_a_label_and_its_shape(source: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text("classes:\n- {name: car, shape: polygon, to: tree}\n- {name: car, shape: point, to: false}\n")
    assert call("convert", source, tmp_path / "hub", "--to", "encord", "--mapping", mapping) == 0
    assert classes(tmp_path / "hub") == [
        ("car", "bounding_box"), ("tree", "polygon"), ("car (bitmask)", "bitmask"),
        ("tree (bounding box)", "bounding_box"),
    ]  # fmt: skip
    assert call("convert", tmp_path / "hub", tmp_path / "out", "--to", "coco") == 0
    assert categories(tmp_path / "out") == ["car", "tree"]


def test_an_ontology_beside_a_coco_file_names_its_classes(source: Path, tmp_path: Path) -> None:
    assert call("convert", source, tmp_path / "hub", "--to", "encord") == 0
    assert call("convert", source, tmp_path / "coco", "--to", "coco") == 0
    file = loaded(tmp_path / "coco" / "annotations.json")
    del file["info"]["encord"]
    car, tree = file["categories"]
    polygon = next(one for one in file["annotations"] if one["attributes"].get("encord_shape") == "polygon")
    file["categories"] = [car, tree, {**car, "id": 3, "name": "car (polygon)"}]  # as Encord's exporter names them
    polygon["category_id"] = 3
    (tmp_path / "named.json").write_text(json.dumps(file))
    option = ("-r", f"ontology={tmp_path / 'hub' / 'ontology.json'}")
    assert call("convert", tmp_path / "named.json", tmp_path / "again", "--to", "encord", *option) == 0
    assert classes(tmp_path / "again") == ONCE_FOR_EACH_SHAPE


def test_sources_of_one_label_are_merged_into_one_class(tmp_path: Path) -> None:
    polygon = SHAPES.splitlines()[2]
    write(tmp_path / "1", polygon)
    write(tmp_path / "2", SHAPES.replace(polygon, ""))
    sources = (tmp_path / "1", tmp_path / "2")
    assert call("batch", *sources, "--to", "encord", "--out", tmp_path / "out", "--merge") == 0
    names, shapes = zip(*classes(tmp_path / "out"), strict=True)
    assert sorted(shapes) == sorted(shape for _, shape in ONCE_FOR_EACH_SHAPE)
    assert len(set(names)) == len(names)
    assert call("convert", tmp_path / "out", tmp_path / "coco", "--to", "coco") == 0
    assert categories(tmp_path / "coco") == ["car", "tree"]


@pytest.mark.parametrize("target", ["detectron2", "hf", "mmdet", "rfdetr", "torchvision", "ultralytics"])
def test_boxes_that_are_not_rotated_are_kept_for_a_trainer(target: str, tmp_path: Path) -> None:
    case = ROOT / "fixtures" / "cases" / "cvat" / "03-unrotated-boxes-counted-as-approximated"
    report = tmp_path / "report.json"
    words = ("--target", target, "--image-files", "leave", "--report", report)
    assert call("convert", case, tmp_path / "out", *words) == 0
    assert loaded(report)["counts"]["box"] == {"in": 3, "kept": 2, "changed": 1, "dropped": 0}
