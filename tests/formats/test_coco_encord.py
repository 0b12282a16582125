"""What the COCO file in the conventions of Encord's exporter holds: its own output, value by value, and its losses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_masks

from encord_convert._samples import SAMPLES, Sample, box, ring
from encord_convert.formats import format_named
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure, Shape
from encord_convert.sdk.objects.coordinates import PolygonCoordinates
from encord_convert.testing import written as files_of

CASE = Path(__file__).parents[2] / "fixtures" / "coco-encord" / "exporter"


def written(labels: LabelSet) -> tuple[dict[str, Any], Report]:
    files, report = files_of(format_named("coco-encord"), labels)
    assert list(files) == ["annotations.json"]
    return json.loads(files["annotations.json"]), report


def golden_rows() -> LabelSet:
    structure = OntologyStructure.from_dict(json.loads((CASE / "ontology.json").read_text()))
    rows = [LabelRowV2._from_dict(row, structure) for row in json.loads((CASE / "labels.json").read_text())]
    return LabelSet(structure, rows)


@pytest.fixture(scope="module")
def expected() -> Any:
    return json.loads((CASE / "expected_coco.json").read_text())


@pytest.fixture(scope="module")
def found() -> Any:
    return written(golden_rows())[0]


def assert_alike(found: Any, expected: Any, place: str = "") -> None:
    """Compare JSON values: floats to 12 digits, everything else exactly."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), place
        for key, value in expected.items():
            assert_alike(found[key], value, f"{place}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for index, value in enumerate(expected):
            assert_alike(found[index], value, f"{place}/{index}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-9), place
    else:
        assert found == expected, place
        assert type(found) is type(expected), place


@pytest.mark.proves(
    "labels: 44",
    "coco official exporter: info",
    "coco official exporter: categories",
    "coco official exporter: images[].id",
    "coco official exporter: images, still",
    "coco official exporter: images, video",
    "coco official exporter: images, DICOM",
    "coco official exporter: images, NIfTI",
)
@pytest.mark.parametrize("block", ["info", "categories", "images"])
def test_the_short_blocks_are_those_of_the_exporter(block: str, found: Any, expected: Any) -> None:
    assert_alike(found[block], expected[block])


@pytest.mark.proves(
    "labels: 44",
    "coco official exporter: annotations[].id",
    "coco official exporter: keys always present",
    "coco official exporter: attributes",
    "coco official exporter: bounding_box",
    "coco official exporter: rotatable_bounding_box",
    "coco official exporter: polygon, one ring",
    "coco official exporter: polyline",
    "coco official exporter: point",
    "coco official exporter: skeleton",
    "coco official exporter: bitmask",
    "coco official exporter: classifications",
)
def test_all_64_annotations_are_those_of_the_exporter_but_for_changing_answers(found: Any, expected: Any) -> None:
    assert len(expected["annotations"]) == len(found["annotations"]) == 64
    changing = {
        key
        for one in golden_rows().ontology.objects
        for attribute in one.attributes
        if attribute.dynamic
        for key in (attribute.name, *(option.label for option in attribute.options))
    }
    of_objects = {(one["image_id"], one["attributes"]["encord_track_uuid"]): one for one in found["annotations"]}
    moved = 0
    for theirs in expected["annotations"]:
        ours = of_objects[theirs["image_id"], theirs["attributes"]["encord_track_uuid"]]
        if theirs["image_id"] == 7:  # objects of another frame come first here: a row has one order for all its frames
            moved += ours.pop("id") != theirs.pop("id")
        answers, golden = ours["attributes"].pop("classifications"), theirs["attributes"].pop("classifications")
        assert answers.keys() == golden.keys()
        for key in golden.keys() - changing:
            assert answers[key] == golden[key]
        assert_alike(ours, theirs, f"image {theirs['image_id']}")
    assert moved == 3


@pytest.mark.proves("labels: 45", "coco official exporter: automatic")
def test_changing_answers_are_those_of_the_frame_in_every_row() -> None:
    labels = golden_rows()
    answers = {
        (entry["attributes"]["encord_track_uuid"], entry["image_id"]): entry["attributes"]["classifications"]
        for entry in written(labels)[0]["annotations"]
    }
    # Frame 0 and 1 of the second group: option 0 holds on both, option 1 on the first.
    assert answers["AxVrCSDf", 6] == {"polygon checklist option 0": True, "polygon checklist option 1": True}
    assert answers["AxVrCSDf", 7] == {"polygon checklist option 0": True, "polygon checklist option 1": False}
    # Frame 1 of the first group, where the exporter says null.
    assert answers["RUlxBBGp", 3]["box radio"] == "box radio option 1"
    assert answers["Zy5PjiQu", 3] == {"polygon text": "egeg"}


@pytest.mark.proves("coco official exporter: polygon, complex")
def test_a_polygon_with_a_hole_is_a_mask_and_marked_as_a_crowd() -> None:
    file, report = written(SAMPLES["polygon_with_hole"]())
    [entry] = file["annotations"]
    assert entry["iscrowd"] == 1
    assert entry["area"] == 24 * 32 - 8 * 6
    assert entry["bbox"] == [4.0, 3.0, 32.0, 24.0]
    mask = coco_masks.decode(entry["segmentation"])
    assert mask.shape == (30, 40)
    assert int(mask.sum()) == entry["area"]
    assert not mask[15, 20]
    assert [(loss.code, loss.count) for loss in report.losses()] == [("HOLES_AS_RLE", 1)]


def test_nothing_is_cut_at_the_border() -> None:
    file, report = written(SAMPLES["out_of_bounds"]())
    assert [entry["bbox"] for entry in file["annotations"]][:2] == [
        pytest.approx([-4, 6, 20, 15]),
        pytest.approx([60, 6, 8, 15]),
    ]
    assert report.is_lossless


def test_a_mask_larger_than_its_image_keeps_its_pixels() -> None:
    from encord_convert.sdk.objects.bitmask import BitmaskCoordinates

    s = Sample()
    pixels = np.zeros((35, 50), bool)
    pixels[33, 45:48] = True
    s.place(s.draft.add_object("spill", Shape.BITMASK), BitmaskCoordinates(pixels))
    [entry] = written(s.done())[0]["annotations"]
    assert (coco_masks.decode(entry["segmentation"])[:34, :48] == pixels[:34, :48]).all()
    assert entry["bbox"] == [45.0, 33.0, 3.0, 1.0]


@pytest.mark.proves("coco official exporter: classifications")
def test_nested_answers_are_lost_and_counted() -> None:
    file, report = written(SAMPLES["answers"]())
    assert [entry["attributes"]["classifications"] for entry in file["annotations"]] == [
        {"colour": "red", "dent": True, "scratch": False, "lit": True},
        {"colour": None, "dent": False, "scratch": False, "lit": False},
    ]
    assert sorted((loss.code, loss.count) for loss in report.losses()) == [
        ("ANSWERS_FLATTENED", 4),
        ("NESTED_ANSWERS_DROPPED", 1),
    ]
    assert report.counts()["answer"] == {"in": 5, "kept": 0, "changed": 4, "dropped": 1}


@pytest.mark.proves("coco official exporter: skeleton")
def test_invisible_points_keep_their_place_and_points_their_order() -> None:
    [entry] = written(SAMPLES["skeleton_with_hidden_position"]())[0]["annotations"]
    assert entry["keypoints"] == pytest.approx([8, 9, 2, 16, 9, 1, 24, 18, 0])
    assert entry["num_keypoints"] == 3
    assert entry["segmentation"] == []


@pytest.mark.proves("coco official exporter: polyline")
def test_a_line_goes_there_and_back() -> None:
    entry = written(SAMPLES["polylines_beside_boxes"]())[0]["annotations"][0]
    assert entry["segmentation"] == [pytest.approx([4, 3, 24, 4.5, 16, 21, 16, 21, 24, 4.5, 4, 3])]
    assert (entry["area"], entry["iscrowd"]) == (0, 0)


@pytest.mark.proves("coco official exporter: attributes")
def test_tracks_are_numbered_over_the_whole_file() -> None:
    s = Sample(DataType.VIDEO, frames=3, title="a.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, box(), [0, 2])
    s.add_row(DataType.VIDEO, 2, "b.mp4")
    s.place(car, box(), 1)
    file, _ = written(s.done())
    assert [image["file_name"].split("/")[-1] for image in file["images"]] == ["0.jpg", "2.jpg", "1.jpg"]
    assert [(one["id"], one["image_id"], one["attributes"]["track_id"]) for one in file["annotations"]] == [
        (0, 0, 0), (1, 1, 0), (2, 2, 1),
    ]  # fmt: skip


def test_classes_of_one_name_are_one_category() -> None:
    s = Sample()
    s.place(s.draft.add_object("leaf", Shape.BOUNDING_BOX), box())
    s.place(s.draft.add_object("leaf", Shape.POLYGON), PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7))))
    file, _ = written(s.done())
    assert file["categories"] == [
        {"supercategory": "bounding_box, polygon", "id": 1, "name": "leaf"},
    ]
    said = [(one["category_id"], one["attributes"]["encord_shape"]) for one in file["annotations"]]
    assert said == [(1, "bounding_box"), (1, "polygon")]
