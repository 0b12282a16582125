"""What stands in a CVAT file, for each thing of the hub."""

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from encord_convert import Report, read, write
from encord_convert._samples import SAMPLES, Sample, box, ring
from encord_convert.errors import WriteError
from encord_convert.formats._files import MemorySource, MemoryTarget
from encord_convert.formats.cvat.page import FORMAT, WRITES
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.compare import diff
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    ClassificationInstance,
    LabelRowV2,
    OntologyStructure,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects.attributes import NumericAttribute
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates, PolygonCoordinates
from encord_convert.sdk.objects.frames import Range
from encord_convert.testing import tally, written

FIXTURES = Path(__file__).parents[2] / "fixtures" / "cvat"


def document(labels: LabelSet, **options: Any) -> Any:
    """Write a label set of one task; return the root of its file."""
    target = MemoryTarget()
    write(labels, target, "cvat", report=Report(), **options)
    assert list(target.files) == ["annotations.xml"]
    return etree.fromstring(target.files["annotations.xml"])


def sides(element: Any, *names: str) -> list[str]:
    return [element.get(name) for name in names]


def answers_of(element: Any) -> dict[str, str]:
    return {one.get("name"): one.text or "" for one in element.iterfind("attribute")}


def attribute(root: Any, label: str, name: str) -> dict[str, str]:
    """Return the members of a declared attribute."""
    for one in root.iterfind("meta/task/labels/label"):
        if one.findtext("name") == label:
            for declared in one.iterfind("attributes/attribute"):
                if declared.findtext("name") == name:
                    return {member.tag: member.text or "" for member in declared}
    raise AssertionError(f"{label}/{name} is not declared")


def label_types(root: Any) -> dict[str, str]:
    return {one.findtext("name"): one.findtext("type") for one in root.iterfind("meta/task/labels/label")}


# --- the file -------------------------------------------------------------------------------------------------------


@pytest.mark.proves("cvat written: order of the output")
def test_the_file_begins_with_version_meta_and_then_images() -> None:
    root = document(SAMPLES["boxes"]())
    assert [child.tag for child in root] == ["version", "meta", "image"]
    assert root.findtext("version") == "1.1"
    assert [child.tag for child in root.find("meta/task")] == [
        "id", "name", "size", "mode", "overlap", "bugtracker", "created", "updated", "subset", "start_frame",
        "stop_frame", "frame_filter", "labels", "owner", "assignee",
    ]  # fmt: skip


@pytest.mark.proves("cvat written: order of the output")
def test_times_and_people_are_left_empty() -> None:
    root = document(SAMPLES["provenance"]())
    assert [root.findtext(f"meta/{path}") for path in ("dumped", "task/created", "task/owner", "task/assignee")] == [
        "", "", "", "",
    ]  # fmt: skip


@pytest.mark.proves("cvat written: image, group, series")
def test_a_image_has_its_number_title_and_size() -> None:
    [first, second] = document(SAMPLES["empty_rows"]()).iterfind("image")
    assert sides(first, "id", "name", "width", "height") == ["0", "cam/1.png", "40", "30"]
    assert sides(second, "id", "name") == ["1", "cam/2.png"]
    assert len(second) == 0


def test_a_title_that_is_taken_gets_a_number_and_comes_back() -> None:
    labels = SAMPLES["equal_titles"]()
    images = list(document(labels).iterfind("image"))
    assert [one.get("name") for one in images] == ["cam/1.png", "cam/1_1.png"]
    _, report = written(FORMAT, labels)
    assert [note.code for note in report.notes()] == ["NAME_CLASH"]


def test_labels_declare_name_colour_and_the_one_element_they_are_used_with() -> None:
    root = document(SAMPLES["boxes"]())
    [label] = root.iterfind("meta/task/labels/label")
    assert [label.findtext(name) for name in ("name", "color", "type")] == ["car", "#102030", "rectangle"]


@pytest.mark.proves("cvat written: one name and several shapes")
def test_classes_of_one_name_that_ask_the_same_are_one_label_of_any_type() -> None:
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    s.place(s.draft.add_object("car", Shape.POLYGON), PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.1), (0.4, 0.7))))
    root = document(s.done())
    assert label_types(root) == {"car": "any"}
    assert [child.get("label") for child in root.find("image")] == ["car", "car"]


def test_classes_of_one_name_that_ask_otherwise_are_two_labels() -> None:
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    other = s.draft.add_object("car", Shape.POLYGON)
    other.add_attribute(TextAttribute, "plate")
    s.place(other, PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.1), (0.4, 0.7))))
    assert label_types(document(s.done())) == {"car": "rectangle", "car_2": "polygon"}


@pytest.mark.proves("labels: 15", "cvat written: text")
def test_names_and_texts_are_escaped_and_characters_xml_lacks_are_counted() -> None:
    s = Sample(title='a<&">\n.png')
    car = s.draft.add_object('"<car>" & co', Shape.BOUNDING_BOX)
    note = car.add_attribute(TextAttribute, "note")
    s.place(car, box()).set_answer("a\x0bb\r\n]]>", note)
    labels = s.done()
    image = document(labels).find("image")
    assert image.get("name") == 'a<&">\n.png'
    assert image[0].get("label") == '"<car>" & co'
    assert answers_of(image[0]) == {"note": "a\ufffdb\r\n]]>"}
    [loss] = written(FORMAT, labels)[1].losses()
    assert (loss.code, loss.type, loss.count) == ("UNWRITABLE_TEXT", "answer", 1)


# --- shapes ---------------------------------------------------------------------------------------------------------


@pytest.mark.proves("cvat written: bounding_box")
def test_a_box_is_its_corners_in_pixels() -> None:
    [first, second] = document(SAMPLES["boxes"]()).find("image")
    names = ("label", "source", "occluded", "xtl", "ytl", "xbr", "ybr", "z_order")
    assert first.keys() == list(names)
    assert sides(first, *names) == ["car", "manual", "0", "4.0", "6.0", "14.0", "21.0", "0"]
    assert sides(second, "xtl", "ytl", "xbr", "ybr") == ["20.0", "15.0", "40.0", "30.0"]


@pytest.mark.proves("cvat written: rotatable_bounding_box")
def test_a_rotated_box_has_a_rotation_and_one_that_is_not_has_none() -> None:
    [first, second] = document(SAMPLES["rotated_boxes"]()).find("image")
    assert sides(first, "xtl", "ytl", "xbr", "ybr", "rotation") == ["12.0", "12.0", "28.0", "18.0", "30.0"]
    assert second.get("rotation") is None


@pytest.mark.proves("labels: 5", "cvat written: polygon, one ring", "cvat written: polyline, point")
def test_polygons_polylines_and_points_keep_their_vertices() -> None:
    assert document(SAMPLES["polygons"]()).find("image/polygon").get("points") == "4.0,3.0;24.0,4.5;16.0,21.0"
    root = document(SAMPLES["polylines_beside_boxes"]())
    assert root.find("image/polyline").get("points") == "4.0,3.0;24.0,4.5;16.0,21.0"
    assert document(SAMPLES["points"]()).find("image/points").get("points") == "10.0,15.0"


@pytest.mark.proves("cvat written: polygon, several rings or holes")
def test_a_hole_is_cut_out_by_a_ring_that_covers_the_same_pixels() -> None:
    import numpy as np

    from encord_convert.geometry.masks import mask_from_rings

    text = document(SAMPLES["polygon_with_hole"]()).find("image/polygon").get("points")
    flat = [float(number) for pair in text.split(";") for number in pair.split(",")]
    mask = mask_from_rings([flat], 30, 40)
    assert int(mask.sum()) == 32 * 24 - 8 * 6
    assert not mask[15, 20]
    outer = mask_from_rings([[4, 3, 36, 3, 36, 27, 4, 27]], 30, 40)
    assert np.array_equal(mask | mask_from_rings([[16, 12, 24, 12, 24, 18, 16, 18]], 30, 40), outer)


@pytest.mark.proves("cvat written: polygon, several rings or holes")
def test_parts_are_joined_by_cuts_of_no_width() -> None:
    from encord_convert.geometry.rings import signed_area

    text = document(SAMPLES["polygon_parts"]()).find("image/polygon").get("points")
    flat = [float(number) for pair in text.split(";") for number in pair.split(",")]
    assert abs(signed_area(flat)) == pytest.approx(8 * 6 / 2 + 12 * 9 / 2)


@pytest.mark.proves("cvat written: bitmask")
def test_a_mask_is_row_runs_in_its_tight_box_background_first() -> None:
    mask = document(SAMPLES["bitmasks"]()).find("image/mask")
    assert sides(mask, "left", "top", "width", "height") == ["6", "3", "3", "3"]
    assert mask.get("rle") == "0, 2, 1, 1, 1, 4"


@pytest.mark.proves("labels: 7")
def test_the_runs_of_a_mask_of_cvat_come_back_as_they_were() -> None:
    case = FIXTURES / "authored-images-modern-shapes"
    before = etree.parse(case / "annotations.xml").find("image/mask")
    after = document(read(case, "cvat", report=Report())).find("image/mask")
    names = ("rle", "left", "top", "width", "height")
    assert sides(after, *names) == sides(before, *names)


@pytest.mark.proves("labels: 7")
def test_the_example_mask_has_its_own_runs_again() -> None:
    xml = (
        "<annotations><version>1.1</version><meta><task><labels><label><name>a</name></label></labels></task></meta>"
        '<image id="0" name="a.jpg" width="200" height="100">'
        '<mask label="a" rle="1, 2, 2, 1, 6" left="10" top="5" width="4" height="3" occluded="0" z_order="0"/>'
        "</image></annotations>"
    )
    mask = document(read(MemorySource({"a.xml": xml.encode()}), report=Report())).find("image/mask")
    assert sides(mask, "rle", "left", "top", "width", "height") == ["1, 2, 2, 1, 6", "10", "5", "4", "3"]


@pytest.mark.proves("cvat written: bitmask")
def test_an_empty_mask_is_left_out_and_told() -> None:
    labels = SAMPLES["degenerate"]()
    assert document(labels).find("image/mask") is None
    losses = {(str(loss.kind), loss.code, loss.type, loss.count) for loss in written(FORMAT, labels)[1].losses()}
    assert ("dropped", "EMPTY_MASK", "bitmask", 1) in losses


@pytest.mark.proves("cvat written: skeleton")
def test_a_point_hidden_by_its_own_object_is_occluded_and_told() -> None:
    labels = SAMPLES["self_occluded_skeleton"]()
    assert [sides(one, "label", "outside", "occluded") for one in document(labels).find("image/skeleton")] == [
        ["wrist", "0", "0"], ["thumb", "0", "1"], ["tip", "0", "1"],
    ]  # fmt: skip
    [loss] = written(FORMAT, labels)[1].losses()
    assert (str(loss.kind), loss.code, loss.type, loss.count) == ("merged", "SELF_OCCLUSION_MERGED", "skeleton", 1)


def newer(name: str) -> LabelSet:
    """Return a row of a newer server."""
    hub = FIXTURES.parent / "hub"
    saved = json.loads((hub / "label-rows" / f"newer-{name}.json").read_text())
    members = json.loads((hub / saved["ontology"]).read_text())
    structure = OntologyStructure.from_dict(members.get("ontology", members))
    return LabelSet(structure, [LabelRowV2._from_dict(saved["output"], structure)], title="rows")


@pytest.mark.proves("cvat written: cuboid_2d", "cvat written: audio, text, 3D, segmentation")
@pytest.mark.parametrize("name", ["audio", "group-spaces", "html", "image", "text"])
def test_shapes_cvat_has_no_place_for_are_left_out_and_counted(name: str) -> None:
    labels = newer(name)
    files, report = written(FORMAT, labels)
    root = etree.fromstring(files["annotations.xml"])
    known = {"box", "polygon", "polyline", "points", "mask", "skeleton", "ellipse", "cuboid", "tag"}
    assert {one.tag for one in root.iterfind("image/*")} <= known
    assert tally(report.losses()) == tally(Report.predict(labels, WRITES).losses())
    found = {(str(loss.kind), loss.code, loss.type, loss.count) for loss in report.losses()}
    if name == "image":
        assert len(root.findall("image/cuboid")) == 2 and not any(
            kind == "dropped" and type_ == "cuboid_2d" for kind, _, type_, _ in found
        )
    else:
        assert ("approximated", "MEDIA_CHANGED", "row", 1) in found


@pytest.mark.proves("labels: 11", "cvat written: skeleton")
def test_skeleton_points_are_elements_with_outside_and_occluded() -> None:
    root = document(SAMPLES["skeletons"]())
    skeleton = root.find("image/skeleton")
    assert skeleton.keys() == ["label", "source", "z_order"]
    assert [sides(one, "label", "outside", "occluded", "points") for one in skeleton] == [
        ["wrist", "0", "0", "8.0,9.0"],
        ["thumb", "0", "1", "16.0,9.0"],
        ["tip", "1", "0", "0.0,0.0"],
    ]
    labels = list(root.iterfind("meta/task/labels/label"))
    assert [(one.findtext("name"), one.findtext("parent")) for one in labels] == [
        ("hand", None), ("wrist", "hand"), ("thumb", "hand"), ("tip", "hand"),
    ]  # fmt: skip
    svg = etree.fromstring(f"<svg>{labels[0].findtext('svg')}</svg>")
    assert [sides(one, "data-node-id", "data-label-name", "cx", "cy") for one in svg.iter("circle")] == [
        ["1", "wrist", "0.0", "0.0"], ["2", "thumb", "50.0", "50.0"], ["3", "tip", "100.0", "100.0"],
    ]  # fmt: skip
    assert [sides(one, "data-node-from", "data-node-to") for one in svg.iter("line")] == [["1", "2"], ["2", "3"]]


def test_what_a_machine_made_has_the_source_auto() -> None:
    assert [one.get("source") for one in document(SAMPLES["provenance"]()).find("image")][:2] == ["manual", "auto"]


@pytest.mark.proves("labels: 47", "cvat written: bounding_box")
def test_coordinates_keep_the_digits_they_have() -> None:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, BoundingBoxCoordinates(height=1 / 3, width=12.34 / 40, top_left_x=1.11 / 40, top_left_y=1e-7))
    element = document(s.done()).find("image/box")
    assert sides(element, "xtl", "ytl", "xbr", "ybr") == ["1.11", "3e-06", "13.45", "10.000003"]


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.proves("cvat written: radio")
def test_a_radio_is_a_select_and_no_answer_is_an_attribute_left_out() -> None:
    root = document(SAMPLES["answers"]())
    [first, second] = root.find("image")
    assert answers_of(first)["colour"] == "red"
    assert "colour" not in answers_of(second)
    assert attribute(root, "car", "colour") == {
        "name": "colour", "mutable": "False", "input_type": "select", "default_value": "__undefined__",
        "values": "__undefined__\nred",
    }  # fmt: skip


@pytest.mark.proves("cvat written: radio")
def test_a_radio_is_a_radio_on_request() -> None:
    assert attribute(document(SAMPLES["answers"](), choices="radio"), "car", "colour")["input_type"] == "radio"


@pytest.mark.proves(
    "cvat written: checklist of one option",
    "cvat written: checklist of several options",
    "cvat written: nested attributes",
)
def test_a_checklist_of_its_own_name_is_a_checkbox_and_others_are_one_for_each_option() -> None:
    root = document(SAMPLES["answers"]())
    [first, second] = root.find("image")
    assert answers_of(first) == {
        "colour": "red", "colour/red/shade": "dark “red”\nline 2", "damage/dent": "true", "damage/scratch": "false",
        "lit": "true",
    }  # fmt: skip
    assert answers_of(second) == {"lit": "false"}
    assert attribute(root, "car", "lit")["input_type"] == "checkbox"


@pytest.mark.proves("cvat written: dynamic")
def test_a_dynamic_question_is_mutable_and_answered_on_every_shape_and_a_static_one_is_not() -> None:
    s = Sample(DataType.VIDEO, frames=3, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    speed = car.add_attribute(TextAttribute, "speed", dynamic=True)
    plate = car.add_attribute(TextAttribute, "plate")
    instance = s.place(car, box(), Range(0, 2))
    instance.set_answer("slow", speed, Range(0, 1))
    instance.set_answer("fast", speed, Range(2, 2))
    instance.set_answer("ABC", plate)
    root = document(s.done())
    assert [attribute(root, "car", name)["mutable"] for name in ("speed", "plate")] == ["True", "False"]
    assert [answers_of(one) for one in root.find("track")] == [
        {"plate": "ABC", "speed": "slow"}, {"plate": "ABC", "speed": "slow"}, {"plate": "ABC", "speed": "fast"},
    ]  # fmt: skip


@pytest.mark.proves("cvat written: numeric")
def test_a_number_declares_the_range_of_its_answers() -> None:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    car.add_attribute(TextAttribute, "doors", feature_node_hash="doors000")
    ontology = s.draft.ontology.to_dict()
    ontology["objects"][0]["attributes"][0]["type"] = "numeric"
    structure = OntologyStructure.from_dict(ontology)
    for place in range(2):
        s.place(car, box(0.1 * place))
    row = LabelRowV2._from_dict(s.rows[0].to_encord_dict(), structure)
    for number, instance in zip((2, 4.5), row.get_object_instances(), strict=True):
        instance._answer(structure.objects[0].attributes[0], number)
    labels = LabelSet(structure, [row])
    root = document(labels)
    declared = attribute(root, "car", "doors")
    assert (declared["input_type"], declared["values"]) == ("number", "2\n4.5\n0.1")
    assert [answers_of(one) for one in root.find("image")] == [{"doors": "2"}, {"doors": "4.5"}]


def test_a_number_of_an_object_that_is_not_written_is_not_in_the_range() -> None:
    s = Sample(DataType.VIDEO, frames=2, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    doors = car.add_attribute(NumericAttribute, "doors")
    for width, number in ((0.25, 4), (0.0, 9)):
        s.place(car, box(w=width))._answer(doors, number)
    root = document(s.done())
    assert [answers_of(track.find("box")) for track in root.findall("track")] == [{"doors": "4"}]
    assert attribute(root, "car", "doors")["values"].split("\n")[:2] == ["4", "4"]


@pytest.mark.proves("cvat written: name clashes")
def test_names_of_questions_that_clash_get_a_number() -> None:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    first = car.add_attribute(TextAttribute, "plate", feature_node_hash="plate001")
    second = car.add_attribute(TextAttribute, "plate", feature_node_hash="plate002")
    instance = s.place(car, box())
    instance.set_answer("a", first)
    instance.set_answer("b", second)
    assert answers_of(document(s.done()).find("image/box")) == {"plate": "a", "plate_2": "b"}


def test_occlusion_read_from_cvat_is_written_as_cvat_does() -> None:
    case = FIXTURES / "video-task-frame-step"
    root = document(read(case, "cvat", report=Report()))
    assert root.find("track/box").get("occluded") == "1"
    assert label_types(root)
    names = [one.text for one in root.iterfind("meta/task/labels/label/attributes/attribute/name")]
    assert "occluded" not in names


# --- classifications ------------------------------------------------------------------------------------------------


@pytest.mark.proves("cvat written: classification")
def test_a_classification_is_a_tag_with_its_answers() -> None:
    root = document(SAMPLES["classifications"]())
    tag = root.find("image/tag")
    assert sides(tag, "label", "source") == ["weather", "manual"]
    assert answers_of(tag) == {"weather": "rain"}
    assert label_types(root) == {"weather": "tag"}


@pytest.mark.proves("cvat written: classification")
def test_tags_of_cvat_are_written_as_they_were() -> None:
    s = Sample()
    tags = s.draft.add_classification("Tags")
    root = tags.add_attribute(ChecklistAttribute, "Tags")
    options = [root.add_option(label) for label in ("day", "wet", "dark")]
    scene = s.draft.add_classification("scene")
    radio = scene.add_attribute(RadioAttribute, "scene")
    chosen = radio.add_option("scene")
    kind = chosen.add_nested_attribute(TextAttribute, "kind")
    for item, answers in ((tags, [(options[:2], root)]), (scene, [(chosen, radio), ("harbour", kind)])):
        instance = ClassificationInstance(item, classification_hash=item.feature_node_hash)
        instance._place(0, s.draft.info)
        for answer, question in answers:
            instance.set_answer(answer, question)
        s.rows[-1].add_classification_instance(instance)
    written_root = document(s.done())
    assert [(one.get("label"), answers_of(one)) for one in written_root.iterfind("image/tag")] == [
        ("day", {}), ("wet", {}), ("scene", {"kind": "harbour"}),
    ]  # fmt: skip
    assert label_types(written_root) == {"day": "tag", "wet": "tag", "dark": "tag", "scene": "tag"}


# --- videos ---------------------------------------------------------------------------------------------------------


def track_shapes(root: Any) -> list[list[list[str]]]:
    return [[sides(one, "frame", "keyframe", "outside") for one in track] for track in root.iterfind("track")]


@pytest.mark.proves("cvat written: video")
def test_a_video_is_a_task_of_its_size_and_frames() -> None:
    task = document(SAMPLES["tracks"]()).find("meta/task")
    assert [task.findtext(name) for name in ("name", "size", "mode", "start_frame", "stop_frame", "source")] == [
        "road.mp4", "6", "interpolation", "0", "5", "road.mp4",
    ]  # fmt: skip
    assert [task.findtext(f"original_size/{side}") for side in ("width", "height")] == ["40", "30"]


@pytest.mark.proves("labels: 47", "cvat written: object on a video")
def test_an_object_on_a_video_is_one_track_closed_after_each_run() -> None:
    assert track_shapes(document(SAMPLES["tracks"]())) == [
        [["0", "1", "0"], ["1", "1", "0"], ["2", "1", "1"], ["3", "1", "0"], ["4", "1", "0"], ["5", "1", "1"]],
        [["3", "1", "0"], ["4", "1", "1"]],
    ]


@pytest.mark.proves("labels: 47", "cvat written: object on a video")
def test_a_track_that_lasts_to_the_end_is_not_closed() -> None:
    s = Sample(DataType.VIDEO, frames=3, title="road.mp4")
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box(), [1, 2])
    assert track_shapes(document(s.done())) == [[["1", "1", "0"], ["2", "1", "0"]]]


@pytest.mark.proves("cvat written: radio")
def test_an_answer_that_ends_is_undefined_from_there_on() -> None:
    s = Sample(DataType.VIDEO, frames=3, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    speed = car.add_attribute(TextAttribute, "speed", dynamic=True)
    s.place(car, box(), Range(0, 2)).set_answer("slow", speed, Range(1, 1))
    [track] = document(s.done()).iterfind("track")
    assert [answers_of(one) for one in track] == [{}, {"speed": "slow"}, {"speed": "__undefined__"}]


@pytest.mark.proves("cvat written: object on a video")
def test_sparse_keyframes_are_those_interpolation_does_not_give() -> None:
    s = Sample(DataType.VIDEO, frames=60, title="road.mp4")
    instance = s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box(0.0), 0)
    for frame in range(1, 40):
        x = 0.01 * frame if frame < 20 else 0.19
        instance.set_for_frames(box(x), frame, created_at=instance.get_annotation(0).created_at)
    labels = s.done()
    assert track_shapes(document(labels, keyframes="sparse")) == [
        [["0", "1", "0"], ["19", "1", "0"], ["39", "1", "0"], ["40", "1", "1"]]
    ]
    assert len(track_shapes(document(labels))[0]) == 41


@pytest.mark.proves("labels: 47", "cvat written: classification")
def test_tags_of_a_video_are_images_before_its_tracks() -> None:
    s = Sample(DataType.VIDEO, frames=9, title="road.mp4")
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box(), [1, 2])
    weather = s.draft.add_classification("weather")
    weather.add_attribute(TextAttribute, "weather")
    instance = ClassificationInstance(weather, classification_hash="class000")
    for frame in (4, 5):
        instance._place(frame, s.draft.info)
    instance.set_answer("rain")
    s.rows[-1].add_classification_instance(instance)
    labels = s.done()
    root = document(labels)
    assert [child.tag for child in root] == ["version", "meta", "image", "image", "track"]
    assert [sides(one, "id", "name") for one in root.iterfind("image")] == [
        ["4", "frame_000004"], ["5", "frame_000005"],
    ]  # fmt: skip
    assert [one.get("track_id") for one in root.iterfind("image/tag")] == ["1", "1"]
    report = Report()
    write(labels, MemoryTarget(), "cvat", report=report)
    [note] = report.notes()
    assert (str(note.level), note.code) == ("warning", "TAGS_BEFORE_TRACKS")
    assert report.is_lossless


# --- groups, and several files --------------------------------------------------------------------------------------


@pytest.mark.proves("cvat written: image, group, series")
def test_frames_of_a_group_are_images_and_what_is_on_several_has_one_track_id() -> None:
    root = document(SAMPLES["image_group"]())
    assert [one.get("name") for one in root.iterfind("image")] == ["group/0.png", "group/1.png", "group/2.png"]
    assert [one.get("track_id") for one in root.iterfind("image/box")] == ["0", "0"]


@pytest.mark.proves("cvat written: image, group, series")
def test_slices_of_a_series_are_images_named_by_their_place_or_on_request_by_their_uid() -> None:
    labels = SAMPLES["dicom_metadata"]()
    by_place = [one.get("name") for one in document(labels).iterfind("image")]
    assert by_place == ["series/000000", "series/000001", "series/000002"]
    by_uid = document(labels, slices="uid")
    assert [one.get("name") for one in by_uid.iterfind("image")] == [
        "series/2.25.10", "series/2.25.11_1", "series/2.25.11_2",
    ]  # fmt: skip
    back = read(MemorySource({"annotations.xml": etree.tostring(by_uid)}), report=Report())
    assert [str(one) for one in diff(labels, back, carries=WRITES)] == []
    without = SAMPLES["dicom_series"]()
    assert [one.get("name") for one in document(without, slices="uid").iterfind("image")] == by_place


@pytest.mark.proves("pixels: 15")
def test_a_slice_of_another_size_is_measured_by_its_own() -> None:
    images = list(document(SAMPLES["slices_of_two_sizes"]()).iterfind("image"))
    assert [sides(one, "width", "height") for one in images] == [["40", "30"], ["80", "60"], ["40", "30"]]
    assert [sides(one.find("box"), "xtl", "ytl", "xbr", "ybr") for one in images[:2]] == [
        ["30.0", "22.5", "40.0", "30.0"], ["60.0", "45.0", "80.0", "60.0"],
    ]  # fmt: skip


@pytest.mark.proves("cvat written: several rows")
def test_rows_that_are_tasks_of_their_own_are_files_of_their_own(tmp_path: Path) -> None:
    s = Sample(DataType.VIDEO, frames=3, title="clips/road 1.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, box())
    s.add_row(DataType.IMAGE, 1, "cam/2.png")
    s.place(car, box())
    s.add_row(DataType.VIDEO, 3, "street.mp4")
    labels = s.done()
    write(labels, tmp_path / "out", "cvat")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["000001-road_1.mp4.xml", "000003-street.mp4.xml", "annotations.xml"]
    back = read(tmp_path / "out")
    assert sorted(row.data_title for row in back) == ["cam/2.png", "clips/road 1.mp4", "street.mp4"]
    with pytest.raises(WriteError) as caught:
        write(labels, tmp_path / "all.xml")
    assert str(caught.value) == (
        f"{tmp_path / 'all.xml'}: holds one CVAT task, and there are several: images are one, and each video, group "
        "and series is one. Name a folder."
    )
    assert not (tmp_path / "all.xml").exists()
