"""Values of another kind than a key has, in places where they are easily passed over: kept, or counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert import Report, convert

COCO: dict[str, Any] = {
    "images": [{"id": number, "width": 100, "height": 80, "file_name": f"{number}.jpg"} for number in (1, 2)],
    "categories": [{"id": 1, "name": "car"}],
    "annotations": [
        {"id": number, "image_id": number, "category_id": 1, "bbox": [1, 2, 30, 40], "area": 1200, "iscrowd": 0}
        for number in (1, 2)
    ],
}


def coco(tmp_path: Path, document: Any) -> tuple[Any, dict[str, int]]:
    """Convert COCO to COCO; return what is written, and how much of each label is lost."""
    (tmp_path / "in.json").write_text(json.dumps(document))
    report = convert(tmp_path / "in.json", tmp_path / "out", from_="coco", to="coco", report=Report())
    written = json.loads((tmp_path / "out" / "annotations.json").read_text())
    return written, {loss.label: loss.count for loss in report.losses()}


@pytest.mark.parametrize("attributes", ["red", 7, True, ["red"]])
def test_attributes_that_are_not_an_object_are_counted(attributes: Any, tmp_path: Path) -> None:
    document = json.loads(json.dumps(COCO))
    document["annotations"][0]["attributes"] = attributes
    written, lost = coco(tmp_path, document)
    assert lost == {"annotation.attributes": 1}
    assert len(written["annotations"]) == 2


def test_an_entry_of_images_that_is_not_an_object_is_counted_and_not_an_image(tmp_path: Path) -> None:
    document = json.loads(json.dumps(COCO))
    document["images"].insert(1, [{"id": 3}])
    document["images"].append("4.jpg")
    written, lost = coco(tmp_path, document)
    assert lost == {"file.images": 2}
    assert [(one["id"], one["file_name"]) for one in written["images"]] == [(1, "1.jpg"), (2, "2.jpg")]
    assert [one["image_id"] for one in written["annotations"]] == [1, 2]


@pytest.mark.parametrize("more", [{"file_name": "crop.png"}, {"segments_info": "none"}, {"segments_info": {"a": 1}}])
def test_keys_of_panoptic_files_come_back_on_other_annotations(more: dict[str, Any], tmp_path: Path) -> None:
    document = json.loads(json.dumps(COCO))
    document["annotations"][0] |= more | {"id": 17}
    written, lost = coco(tmp_path, document)
    assert not lost
    assert written["annotations"][0].items() >= (more | {"id": 17}).items()


def test_a_skeleton_that_joins_no_keypoints_is_counted(tmp_path: Path) -> None:
    document = json.loads(json.dumps(COCO))
    document["categories"][0] |= {"keypoints": 7, "skeleton": [[1, 2], [[2, 3]], [2, 9]]}
    for one in document["annotations"]:
        one |= {"keypoints": [5, 5, 2, 9, 9, 2, 20, 30, 2], "num_keypoints": 3}
    written, lost = coco(tmp_path, document)
    assert lost == {"class.keypoints": 1, "class.skeleton": 2}
    assert written["categories"][0]["skeleton"] == [[1, 2]]


def test_group_ids_of_labelme_that_are_not_numbers_come_back(tmp_path: Path) -> None:
    shape = {"label": "car", "points": [[1, 2], [30, 40]], "shape_type": "rectangle", "flags": {}, "group_id": "left"}
    file = {"imagePath": "a.jpg", "imageWidth": 100, "imageHeight": 80, "imageData": None, "version": "5", "flags": {}}
    (tmp_path / "a.json").write_text(json.dumps(file | {"shapes": [shape]}))
    report = convert(tmp_path / "a.json", tmp_path / "out", from_="labelme", to="labelme", report=Report())
    [written] = json.loads(next((tmp_path / "out").rglob("*.json")).read_text())["shapes"]
    assert written["group_id"] == "left"
    assert not [*report.losses()]


def test_regions_of_via_that_are_not_a_list_are_counted(tmp_path: Path) -> None:
    region = {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}, "region_attributes": {}}
    images = {
        f"{name}-1": {"filename": name, "size": -1, "regions": regions, "file_attributes": {}}
        for name, regions in (("a.jpg", [region]), ("b.jpg", "none"))
    }
    (tmp_path / "in.json").write_text(json.dumps(images))
    options = {"size": "100x80"}
    report = convert(tmp_path / "in.json", tmp_path / "out", from_="via", to="via", report=Report(),
                     read_options=options)  # fmt: skip
    assert [(loss.code, loss.count) for loss in report.losses()] == [("INVALID_ANNOTATION", 1)]


@pytest.mark.parametrize(
    ("in_image", "in_box", "label"),
    [("", "", None), ("see ticket 7", "", ""), ("\n  see ticket 7\n", "", ""), ("", "blurred", "annotation.#text"),
     ("", "<attribute name='a'>1</attribute>blurred", "annotation.#text")],
)  # fmt: skip
def test_text_where_cvat_has_none_is_counted(in_image: str, in_box: str, label: str | None, tmp_path: Path) -> None:
    declared = "<attribute><name>a</name><input_type>text</input_type></attribute>"
    meta = f"<task><labels><label><name>car</name><attributes>{declared}</attributes></label></labels></task>"
    box = f'<box label="car" xtl="1" ytl="2" xbr="30" ybr="40" occluded="0">{in_box}</box>'
    image = f'<image id="0" name="a.jpg" width="100" height="80">{box}{in_image}</image>'
    (tmp_path / "in.xml").write_text(f"<annotations><version>1.1</version><meta>{meta}</meta>{image}</annotations>")
    report = convert(tmp_path / "in.xml", tmp_path / "out", from_="cvat", to="cvat", report=Report())
    assert [loss.label for loss in report.losses()] == ([] if label is None else [label])


IMAGE = '<image id="0" name="a.jpg" width="100" height="80"></image>'
SECOND = IMAGE.replace('"0" name="a', '"1" name="b')


@pytest.mark.parametrize(
    "text",
    [f"stray<meta></meta>{IMAGE}", f"<meta></meta>stray{IMAGE}", f"<meta></meta>{IMAGE}stray{SECOND}",
     f"<meta></meta>{IMAGE}stray", f"<meta></meta>{IMAGE}<!-- a -->stray{SECOND}",
     f"<meta></meta><!-- a -->stray{IMAGE}", "<meta></meta>stray", f"<meta>stray</meta>{IMAGE}",
     f"<meta><task></task>stray</meta>{IMAGE}", f"<meta><task><id>1</id>stray</task></meta>{IMAGE}",
     f"<meta><task>stray<id>1</id></task></meta>{IMAGE}", f"<!-- a --><meta>stray</meta>{IMAGE}",
     f"<!-- a --><meta><task>stray<id>1</id></task></meta>{IMAGE}"],
)  # fmt: skip
def test_text_between_the_elements_of_cvat_is_counted_once(text: str, tmp_path: Path) -> None:
    (tmp_path / "in.xml").write_text(f"<annotations><version>1.1</version>\n{text}\n</annotations>")
    report = convert(tmp_path / "in.xml", tmp_path / "out", from_="cvat", to="cvat", report=Report())
    back = "".join(path.read_text() for path in (tmp_path / "out").glob("*.xml"))
    assert [(loss.code, loss.count) for loss in report.losses()] == [("UNKNOWN_ELEMENT", 1)] * ("stray" not in back)
