"""What CVAT, Datumaro, Roboflow, FiftyOne, COCO Annotator, SAHI and Encord's own exporter put into COCO files."""

import json
from pathlib import Path
from typing import Any

import pytest
from coco_files import CATEGORY, IMAGE, Read, answers_of, document, note

from encord_convert import Report, read

FIXTURES = Path(__file__).parents[2] / "fixtures" / "coco"


def attributed(*attributes: dict[str, Any], **options: Any) -> Read:
    return Read(document(*(note(id=n, attributes=one) for n, one in enumerate(attributes, 1))), **options)


def kinds(found: Read) -> dict[str, str]:
    return {one.name: one.get_property_type().value for one in found.labels.ontology.objects[0].attributes}


# -- attributes ---------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 38", "coco read: attributes")
def test_attributes_have_the_type_of_their_values() -> None:
    found = attributed(
        {"lit": True, "speed": 3, "state": "new", "parts": ["door", "wheel"], "note": "line 1\nline 2"},
        {"lit": False, "speed": 4.5, "state": "old", "parts": [], "note": ""},
    )
    expected = {"lit": "checklist", "speed": "text", "state": "radio", "parts": "checklist", "note": "text"}
    assert kinds(found) == expected
    first = {"lit": ["lit"], "speed": "3", "state": "new", "parts": ["door", "wheel"], "note": "line 1\nline 2"}
    assert found.answers(0) == first
    assert found.answers(1) == {"lit": [], "speed": "4.5", "state": "old", "parts": [], "note": ""}
    assert found.report.counts()["answer"] == {"in": 10, "kept": 10, "changed": 0, "dropped": 0}
    assert "NUMBER_AS_TEXT" in found.notes


@pytest.mark.proves("coco read: attributes")
def test_numbers_are_numbers_if_asked_for() -> None:
    found = attributed({"speed": 3, "size": 2}, {"speed": 4.5, "size": "big"}, numbers="numeric")
    assert kinds(found) == {"speed": "numeric", "size": "text"}
    assert [found.answers(n) for n in (0, 1)] == [{"speed": 3, "size": "2"}, {"speed": 4.5, "size": "big"}]
    assert found.losses == {}
    huge = attributed({"speed": 10**400}, {"speed": 1}, numbers="numeric")
    assert (huge.answers(0), huge.losses) == ({}, {"UNKNOWN_OPTION": 1})


def test_null_is_no_answer() -> None:
    found = attributed({"state": None, "lit": True})
    assert found.answers() == {"lit": ["lit"]}
    assert found.report.counts()["answer"]["in"] == 1


@pytest.mark.proves("coco read: attributes")
def test_many_different_texts_are_free_text() -> None:
    many = [{"plate": f"P {n}"} for n in range(4)]
    assert kinds(attributed(*many)) == {"plate": "radio"}
    assert kinds(attributed(*many, radio_values=3)) == {"plate": "text"}


def test_values_of_several_types_are_text() -> None:
    found = attributed({"size": "big"}, {"size": 3}, {"size": True}, {"size": {"a": 1}})
    assert kinds(found) == {"size": "text"}
    assert [found.answers(n)["size"] for n in range(4)] == ["big", "3", "true", '{"a": 1}']


@pytest.mark.proves("coco read: attributes")
def test_attributes_belong_to_their_category() -> None:
    entries = [note(attributes={"lit": True}), note(id=2, category_id=2, attributes={"tall": True})]
    found = Read(document(*entries, categories=[CATEGORY, {"id": 2, "name": "tree"}]))
    assert [[one.name for one in item.attributes] for item in found.labels.ontology.objects] == [["lit"], ["tall"]]


@pytest.mark.proves("labels: 38")
def test_keys_beside_the_geometry_that_are_known_are_answers() -> None:
    found = Read(document(note(occluded=True, truncated=False, visibility=0.5)))
    assert found.answers() == {"occluded": ["occluded"], "truncated": [], "visibility": "0.5"}
    assert found.losses == {}


@pytest.mark.proves("coco read: unknown keys")
def test_unknown_keys_are_native_or_answers() -> None:
    entry = note(zone="north", weight=2)
    dropped = Read(document(entry))
    [keys] = dropped.rows[0]._native.labels.values()
    assert {"zone": "north", "weight": 2}.items() <= keys[0].items()
    assert dropped.losses == {}
    kept = Read(document(entry), extras="attributes")
    assert kept.answers() == {"zone": "north", "weight": "2"}
    assert kept.losses == {}


@pytest.mark.proves("coco read: score")
def test_scores_of_ground_truth_are_confidences_of_a_machine() -> None:
    for key in ("score", "confidence"):
        info = Read(document(note(**{key: 0.75}))).objects[0]._frames[0].object_frame_instance_info
        assert (info.confidence, info.manual_annotation) == (0.75, False)


def test_attributes_of_images_are_classifications() -> None:
    found = Read(document(note(), images=[{**IMAGE, "attributes": {"weather": "rain", "night": True}}]))
    assert [answers_of(one) for one in found.classifications] == [{"weather": "rain"}, {"night": ["night"]}]


# -- CVAT ---------------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 38", "coco read: attributes.rotation")
def test_rotation_of_cvat_is_an_angle_and_no_answer() -> None:
    found = attributed({"rotation": 390.0, "occluded": True}, {"rotation": 0.0, "occluded": False})
    assert found.classes == [("car", "rotatable_bounding_box")]
    assert [found.place(n).theta for n in (0, 1)] == [30, 0]
    assert found.place(0).top_left_x == 0.05
    assert found.answers(0) == {"occluded": ["occluded"]}


@pytest.mark.proves("labels: 3", "coco read: attributes.rotation")
def test_boxes_that_are_never_rotated_are_plain() -> None:
    assert attributed({"rotation": 0.0}, {"rotation": 360}).classes == [("car", "bounding_box")]


# -- Roboflow, COCO Annotator, SAHI, Datumaro -----------------------------------------------------------------------


def test_the_unused_parent_of_roboflow_is_no_class() -> None:
    parent = {"id": 0, "name": "animals", "supercategory": "none"}
    found = Read(document(note(), categories=[parent, {**CATEGORY, "supercategory": "animals"}]))
    assert found.classes == [("car", "bounding_box")]
    assert "LABEL_UNUSED" in found.notes


@pytest.mark.proves("labels: 41")
def test_category_zero_is_a_category() -> None:
    found = Read(document(note(id=0, category_id=0, image_id=0), images=[{**IMAGE, "id": 0}],
                          categories=[{"id": 0, "name": "fish"}]))  # fmt: skip
    assert [one.object_name for one in found.objects] == ["fish"]


def test_splits_in_folders_are_read_together_and_do_not_mix() -> None:
    one = document(note())
    other = document(note(bbox=[0, 0, 20, 10]))
    from encord_convert.formats._files import MemorySource

    members = {f"{split}/_annotations.coco.json": json.dumps(file).encode()
               for split, file in (("train", one), ("valid", other))}  # fmt: skip
    found = Read(MemorySource(members))
    assert [(row.data_title, len(row._objects)) for row in found.rows] == [("train/a.jpg", 1), ("valid/a.jpg", 1)]
    assert found.place(1).width == 0.1
    assert found.rows[0].data_hash != found.rows[1].data_hash


# -- Encord's exporter --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported() -> Any:
    return read(FIXTURES / "encord-exporter", "coco", report=Report()).held()


@pytest.mark.proves("coco read: supercategory")
def test_the_shape_that_encords_exporter_names_is_the_shape(exported: Any) -> None:
    assert [(one.name, one.shape.value) for one in exported.ontology.objects] == [
        ("box", "bounding_box"), ("rotatable box", "rotatable_bounding_box"), ("polygon", "polygon"),
        ("polyline", "polyline"), ("bitmask", "bitmask"), ("keypoint", "point"), ("skeleton", "skeleton"),
    ]  # fmt: skip


@pytest.mark.proves("coco read: images of one video")
def test_frames_of_encords_exporter_are_one_row_and_its_tracks_one_object(exported: Any) -> None:
    golden = json.loads((FIXTURES / "encord-exporter" / "expected_coco.json").read_text())
    videos = {image["video_title"] for image in golden["images"] if "video_title" in image}
    assert {row.data_title for row in exported if row.data_type.value == "video"} == videos
    uuids = {one["attributes"]["encord_track_uuid"] for one in golden["annotations"]}
    assert {hash_ for row in exported for hash_ in row._objects} == uuids


def test_polylines_there_and_back_are_lines_again(exported: Any) -> None:
    golden = json.loads((FIXTURES / "encord-exporter" / "expected_coco.json").read_text())
    [line] = {one["id"] for one in golden["categories"] if one["name"] == "polyline"}
    there = [one["segmentation"][0] for one in golden["annotations"] if one["category_id"] == line]
    lines = [
        data.coordinates
        for row in exported
        for instance in row._objects.values()
        if instance.object_name == "polyline"
        for data in instance._frames.values()
    ]
    assert sorted(len(one.values) for one in lines) == sorted(len(ring) // 4 for ring in there)
