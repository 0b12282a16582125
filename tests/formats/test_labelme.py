"""LabelMe: the counts of fixtures, every shape, groups, embedded images, odd files, and what comes back."""

import io
import json
import warnings
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from encord_convert import ReadError, Report, convert, read
from encord_convert.formats import MemorySource, MemoryTarget, NoOptions
from encord_convert.formats._files import source_at
from encord_convert.formats._finding import Finder
from encord_convert.formats._registry import detect
from encord_convert.formats.labelme.page import FORMAT
from encord_convert.formats.labelme.read import ReadOptions
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.common import NewerShape

FIXTURES = Path(__file__).parents[2] / "fixtures" / "labelme"
COUNTS = {
    "labelme-7.9.1": {
        ("rectangle", "cat"): 1, ("polygon", "dog"): 2, ("oriented_rectangle", "ship"): 1, ("point", "nose"): 1,
        ("line", "edge"): 1, ("linestrip", "road"): 1, ("circle", "coin"): 1, ("mask", "cell"): 1,
        ("points", "dots"): 1, ("rectangle", "out"): 1,
    },
    "small-shapes": {
        ("polygon", "Eye"): 2, ("linestrip", "Groove"): 6, ("circle", "Iris"): 2, ("rectangle", "Nose"): 1,
        ("line", "EyeBrow"): 1, ("point", "Nostril"): 2, ("point", "Glabella"): 1, ("point", "TL"): 2,
        ("point", "TR"): 1, ("point", "BL"): 1, ("point", "BR"): 1,
    },
}  # fmt: skip


def file(*shapes: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {
        "version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "a.png", "imageData": None,
        "imageHeight": 30, "imageWidth": 40, **top,
    }  # fmt: skip


def shape(label: Any, type_: str | None, *points: list[float], **more: Any) -> dict[str, Any]:
    form = {"label": label, "points": list(points), "group_id": None, "description": "", "flags": {}, "mask": None}
    return {**form, "shape_type": type_, **more}


def read_members(report: Report | None = None, groups: Any = "auto", **members: Any) -> LabelSet:
    data = {
        f"{name}.json": one if isinstance(one, bytes) else json.dumps(one).encode() for name, one in members.items()
    }
    assert FORMAT.importer is not None
    labels = FORMAT.importer.read(MemorySource(data), ReadOptions(groups=groups), Report())
    list(labels.walk())
    if report is not None and labels.counts is not None:
        report.reading = labels.counts
    return labels


def back(labels: LabelSet) -> tuple[dict[str, Any], Report]:
    """Write labels; return the files of images by name, and the report."""
    assert FORMAT.exporter is not None
    report, target = Report(), MemoryTarget()
    with target:
        FORMAT.exporter.write(labels, target, NoOptions(), report)
    files = {name: json.loads(text) for name, text in target.files.items() if name.endswith(".json")}
    return {name: one for name, one in files.items() if "shapes" in one}, report


def shown(labels: LabelSet) -> list[tuple[str, Shape]]:
    return [(one.object_name, one.ontology_item.shape) for row in labels for one in row.get_object_instances()]


def codes(report: Report) -> set[str]:
    return {one.code for one in (*report.losses(), *report.notes())}


@pytest.mark.parametrize("case", COUNTS)
def test_a_fixture_has_the_counts_it_was_published_with(case: str) -> None:
    labels = read(FIXTURES / case)
    list(labels)
    into = labels.counts.into if labels.counts else {}
    assert {key: n for key, n in into.items() if key[0] not in ("image", "answer", "classification")} == COUNTS[case]


@pytest.mark.parametrize("case", COUNTS)
def test_a_fixture_comes_back_shape_by_shape(case: str, tmp_path: Path) -> None:
    convert(FIXTURES / case, tmp_path / "out", to="labelme")
    for path in FIXTURES.joinpath(case).glob("*.json"):
        given = json.loads(path.read_text())
        if "shapes" in given:
            found = json.loads((tmp_path / "out" / path.name).read_text())
            for one, other in zip(given["shapes"], found["shapes"], strict=True):
                assert one["points"] == [pytest.approx(point, abs=1e-6) for point in other["points"]]
                assert {**one, "points": 0} == {key: other[key] for key in one} | {"points": 0}
            assert {key: found[key] for key in given if key != "shapes"} == {
                key: value for key, value in given.items() if key != "shapes"
            }


@pytest.mark.parametrize("case", COUNTS)
def test_a_fixture_goes_to_coco_and_encord_and_back(case: str, tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    convert(FIXTURES / case, tmp_path / "coco.json", to="coco")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        coco = COCO(str(tmp_path / "coco.json"))
        results = [
            {key: one[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
            for one in coco.dataset["annotations"]
            if one["bbox"][2] * one["bbox"][3] > 0
        ]
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox") if results else None
        if evaluation is not None:
            evaluation.params.catIds = sorted({one["category_id"] for one in results})
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            assert evaluation.stats[0] == pytest.approx(1)
    convert(FIXTURES / case, tmp_path / "encord", to="encord")
    convert(tmp_path / "encord", tmp_path / "back", to="labelme")
    assert Counter(shown(read(tmp_path / "back"))) == Counter(shown(read(FIXTURES / case)))


# --- shapes -----------------------------------------------------------------------------------------------------------

SHAPES: dict[str, tuple[dict[str, Any], Any]] = {
    "corners in any order": (shape("a", "rectangle", [9, 2], [1, 8]), Shape.BOUNDING_BOX),
    "four corners of X-AnyLabeling": (shape("a", "rectangle", [1, 2], [9, 2], [9, 8], [1, 8]), Shape.BOUNDING_BOX),
    "rotation of X-AnyLabeling": (
        shape("a", "rotation", [10, 10], [20, 10], [20, 15], [10, 15], direction=0.5, score=0.5), 
        Shape.ROTATABLE_BOUNDING_BOX,
    ),
    "counter-clockwise": (
        shape("a", "oriented_rectangle", [10, 15], [20, 15], [20, 10], [10, 10]), Shape.ROTATABLE_BOUNDING_BOX,
    ),
    "before 4.0": ({"label": "a", "points": [[1, 1], [9, 1], [5, 9]]}, Shape.POLYGON),
    "three numbers a point": (shape("a", "polygon", [1, 1, 2], [9, 1, 2], [5, 9, 2]), Shape.POLYGON),
    "a line strip of two points": (shape("a", "linestrip", [1, 1], [9, 1]), Shape.POLYLINE),
    "a circle": (shape("a", "circle", [20, 15], [17, 11]), NewerShape.CIRCLE),
    "outside the image": (shape("a", "rectangle", [-9, 2], [90, 80]), Shape.BOUNDING_BOX),
    "what nobody knows": (
        shape("a", "point", [1, 1], flags={"hidden": False}, description=None, kie_linking=[[1, 2]], difficult=True),
        Shape.POINT,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_comes_back_as_it_was_said(name: str) -> None:
    entry, hub = SHAPES[name]
    labels = read_members(a=file(entry))
    assert shown(labels) == [("a", hub)]
    [found] = back(labels)[0]["a.json"]["shapes"]
    assert {**found, "shape_type": entry.get("shape_type", "polygon")} == {**found, **entry} | {
        "shape_type": found["shape_type"]
    }


def test_points_of_one_shape_are_objects_and_one_shape_again() -> None:
    entry = shape("dots", "points", [1, 1], [2, 2], [3, 3])
    report = Report()
    labels = read_members(report, a=file(entry))
    assert shown(labels) == [("dots", Shape.POINT)] * 3
    assert report.counts()["points"] == {"in": 1, "kept": 0, "changed": 1, "dropped": 0}
    assert back(labels)[0]["a.json"]["shapes"] == [entry]


# --- groups -----------------------------------------------------------------------------------------------------------


def test_polygons_of_a_group_are_parts_of_one_object() -> None:
    one, other = ([[1, 1], [9, 1], [5, 9]], [[11, 1], [19, 1], [15, 9]])
    entries = [shape("dog", "polygon", *one, group_id=4), shape("dog", "polygon", *other, group_id=4)]
    labels = read_members(a=file(*entries))
    assert shown(labels) == [("dog", Shape.POLYGON)]
    assert back(labels)[0]["a.json"]["shapes"] == entries
    assert shown(read_members(groups="attribute", a=file(*entries))) == [("dog", Shape.POLYGON)] * 2


def test_a_rectangle_and_points_of_a_group_are_a_skeleton() -> None:
    entries = [
        shape("hand", "rectangle", [1, 1], [20, 20], group_id=0),
        shape("wrist", "point", [2, 3], group_id=0),
        shape("tip", "point", [8, 9], group_id=0, flags={"occluded": True}),
    ]
    labels = read_members(a=file(*entries))
    assert shown(labels) == [("hand", Shape.SKELETON)]
    [row] = labels
    points: Any = row.get_object_instances()[0].get_annotation(0).coordinates
    assert [(point.name, point.visibility.name.lower()) for point in points.values] == [
        ("wrist", "visible"), ("tip", "occluded"),
    ]  # fmt: skip
    assert back(labels)[0]["a.json"]["shapes"] == entries


def test_any_other_group_is_an_answer() -> None:
    entries = [
        shape("car", "rectangle", [1, 1], [9, 9], group_id=7),
        shape("plate", "line", [1, 1], [2, 2], group_id=7),
    ]
    labels = read_members(a=file(*entries))
    [row] = labels
    answers = [
        (attribute.title, value) for one in row.get_object_instances() for attribute, value in one._static_answers()
    ]
    assert answers == [("group_id", "7")] * 2
    assert back(labels)[0]["a.json"]["shapes"] == entries


# --- files ------------------------------------------------------------------------------------------------------------


def test_an_embedded_image_is_kept_gives_the_size_and_is_not_read_otherwise(tmp_path: Path) -> None:
    from base64 import b64encode

    data = b64encode((FIXTURES / "labelme-7.9.1" / "one.png").read_bytes()).decode()
    top = file(shape("a", "point", [1, 1]), imageData=data, imageHeight=None, imageWidth=None)
    report = Report()
    labels = read_members(report, a=top)
    assert [(row.width, row.height) for row in labels] == [(64, 48)]
    assert "IMAGE_EMBEDDED" in codes(report)
    assert back(labels)[0]["a.json"]["imageData"] == data


def test_flags_and_unknown_keys_of_a_file_come_back() -> None:
    top = file(flags={"night": True, "rain": False}, lineColor=[1, 2, 3, 4], checked={"by": ["x", 1]})
    labels = read_members(a=top)
    [row] = labels
    assert [one.classification_name for one in row.get_classification_instances()] == ["night"]
    found = back(labels)[0]["a.json"]
    assert {key: found[key] for key in top} == top


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("parent\\stem.jpg", "parent/stem.jpg"),
        ("../images/x.jpg", "x.jpg"),
        ("C:\\data\\x.jpg", "x.jpg"),
        ("/home/me/x.jpg", "x.jpg"),
        ("a b.png", "a b.png"),
        (None, "a.png"),
    ],
)
def test_the_image_is_named_without_what_only_another_machine_knows(path: str | None, title: str) -> None:
    labels = read_members(a=file(imagePath=path))
    assert [row.data_title for row in labels] == [title]
    assert back(labels)[0]["a.json"]["imagePath"] == (path or "a.png")


def test_what_is_damaged_costs_itself_alone() -> None:
    report = Report()
    entries = [
        shape("a", "cuboid", [1, 1]), shape("a", "rectangle", [1, 1]), shape(7, "point", [1, 1]),
        shape("a", "mask", [1, 1], [2, 2], mask="AAAA"), shape("a", "point", ["x", 1]), shape("a", "point", [1, 1]),
        shape("a", ["polygon"], [1, 1]),  # type: ignore[arg-type]
    ]  # fmt: skip
    labels = read_members(report, a=file(*entries, 3), b=b'{"shapes": [', c=file(imageHeight=None), d=file(shapes=None))  # type: ignore[arg-type]  # fmt: skip
    assert shown(labels) == [("a", Shape.POINT)]
    assert {"UNSUPPORTED_SHAPE", "INVALID_SHAPE", "NAME_MISSING", "FILE_DAMAGED", "SIZE_UNKNOWN"} <= codes(report)
    sums = report.counts()
    assert sum(sums[key]["dropped"] for key in ("shape", "rectangle", "point", "mask")) == 7
    assert sums["file"]["dropped"] == 2


def test_classes_come_in_the_order_of_labels_txt_else_of_the_alphabet() -> None:
    entries = [shape(name, "point", [1, 1]) for name in ("b", "c", "a")]
    assert [item.name for item in read_members(a=file(*entries)).ontology.objects] == ["a", "b", "c"]
    data = {"a.json": json.dumps(file(*entries)).encode(), "labels.txt": b"__ignore__\nc\nb\n"}
    assert FORMAT.importer is not None
    labels = FORMAT.importer.read(MemorySource(data), ReadOptions(), Report())
    assert [item.name for item in labels.ontology.objects] == ["c", "b", "a"]


def test_other_json_beside_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(file(shape("a", "point", [1, 1]))))
    (tmp_path / "classes.json").write_text('{"classes": ["a"]}')
    with source_at(tmp_path) as source:
        assert detect(source).name == "labelme"
    report = Report()
    read(tmp_path, report=report)
    assert "FILE_NOT_READ" in codes(report)


def test_a_folder_without_labelme_files_is_refused() -> None:
    with pytest.raises(ReadError, match="holds no JSON file with 'shapes'"):
        read_members(a={"images": []})


def test_what_is_written_obeys_what_labelme_refuses(tmp_path: Path) -> None:
    """labelme 7.9.1 refuses a whole file for each of these, as measured."""
    convert(FIXTURES.parent / "street" / "annotations.xml", tmp_path / "out", to="labelme")
    known = {"rectangle": 2, "oriented_rectangle": 4, "line": 2, "point": 1, "circle": 2, "mask": 2}
    files = [path for path in (tmp_path / "out").rglob("*.json") if path.parent.name != "encord"]
    assert len(files) == 6
    for path in files:
        top = json.loads(path.read_text())
        assert "imageData" in top
        assert all(type(top[side]) is int for side in ("imageHeight", "imageWidth"))
        for one in top["shapes"]:
            assert isinstance(one["label"], str)
            assert one["shape_type"] in (*known, "polygon", "linestrip", "points")
            assert len(one["points"]) == known.get(one["shape_type"], len(one["points"]))
            assert all(len(point) == 2 for point in one["points"])
            assert one["group_id"] is None or type(one["group_id"]) is int
            assert all(isinstance(value, bool) for value in one["flags"].values())


@pytest.mark.parametrize("path", ["../imgs/a.jpg", "..\\imgs\\a.jpg", "../ann/../imgs/./a.jpg"])
def test_an_image_in_a_folder_beside_that_of_its_label_file_is_found(path: str, tmp_path: Path) -> None:
    for folder in ("ann", "imgs", "images"):
        (tmp_path / "in" / folder).mkdir(parents=True)
    Image.new("RGB", (60, 40), "red").save(tmp_path / "in/imgs/a.jpg")
    Image.new("RGB", (60, 40), "blue").save(tmp_path / "in/images/a.jpg")
    top = {"version": "5.5.0", "shapes": [], "imagePath": path, "imageData": None, "imageHeight": 40, "imageWidth": 60}
    (tmp_path / "in/ann/a.json").write_text(json.dumps(top))
    [row] = read(tmp_path / "in", "labelme")
    with source_at(tmp_path / "in") as source:
        assert Finder(source).find(row, 0) == "imgs/a.jpg"


@pytest.mark.parametrize("path", ["../../a.jpg", "/a.jpg", "..", "C:/../a.jpg", "../\0/a.jpg"])
def test_an_image_outside_the_source_is_not_found(path: str, tmp_path: Path) -> None:
    (tmp_path / "in/ann").mkdir(parents=True)
    Image.new("RGB", (60, 40), "red").save(tmp_path / "a.jpg")
    top = {"version": "5.5.0", "shapes": [], "imagePath": path, "imageData": None, "imageHeight": 40, "imageWidth": 60}
    (tmp_path / "in/ann/a.json").write_text(json.dumps(top))
    [row] = read(tmp_path / "in", "labelme")
    with source_at(tmp_path / "in") as source:
        assert Finder(source).find(row, 0) is None


def test_a_height_that_is_no_number_is_told(tmp_path: Path) -> None:
    shape = {"label": "a", "points": [[1, 1], [5, 5]], "shape_type": "rectangle", "flags": {}, "group_id": None}
    file = {
        "version": "5.0.1",
        "flags": {},
        "shapes": [shape],
        "imagePath": "a.png",
        "imageHeight": "zq",
        "imageWidth": 9,
    }
    (tmp_path / "a.json").write_text(json.dumps(file | {"imageData": None}))
    Image.new("L", (9, 7)).save(tmp_path / "a.png")
    report = Report()
    [row] = report.rows(read(tmp_path, "labelme", report=report))
    assert (row.width, row.height) == (9, 7)
    assert [loss.detail for loss in report.losses() if loss.label == "image.imageHeight"] == [
        "'imageHeight' is 'zq', which is not a number."
    ]


def test_a_mask_of_an_image_too_large_for_masks_is_told(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("1", (3, 3), 1).save(stream, "PNG")
    mask = b64encode(stream.getvalue()).decode()
    shape = {
        "label": "a",
        "points": [[1, 1], [3, 3]],
        "shape_type": "mask",
        "flags": {},
        "group_id": None,
        "mask": mask,
    }
    box = {"label": "a", "points": [[1, 1], [5, 5]], "shape_type": "rectangle", "flags": {}, "group_id": None}
    file = {"version": "5.0.1", "flags": {}, "shapes": [shape, box], "imagePath": "a.png", "imageData": None}
    (tmp_path / "a.json").write_text(json.dumps(file | {"imageHeight": 30, "imageWidth": 40_000_000}))
    report = Report()
    [row] = report.rows(read(tmp_path, "labelme", report=report))
    assert [instance.ontology_item.shape for instance in row.get_object_instances()] == [Shape.BOUNDING_BOX]
    assert any("larger than" in loss.detail for loss in report.losses())
