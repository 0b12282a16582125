"""Labels of one ontology said in another."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from cars import cars, driven
from hypothesis import given
from hypothesis import strategies as st
from pushes import FIXTURES

import encord_convert
from encord_convert import Report
from encord_convert import _samples as samples
from encord_convert._samples import HEIGHT, WIDTH, Sample, box
from encord_convert.errors import MappingError, TranslationError
from encord_convert.formats.encord import row_dict
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.yaml_file import parse_document, text_of
from encord_convert.losses.compare import diff
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    LabelRowV2,
    OntologyStructure,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sync.mapping.answers import EXACT, KEYS, TARGETS, retyped
from encord_convert.sync.mapping.file import mapping_text, parse_mapping
from encord_convert.sync.mapping.ontology import Joined, empty_structure, needed
from encord_convert.sync.mapping.translate import Translation

HELD = samples.SAMPLES


def project_of(labels: LabelSet, rules: Any = None, there: dict[str, Any] | None = None) -> tuple[Any, Translation]:
    """Return the ontology a project gets, and what translates for it."""
    source = labels.ontology.to_dict()
    parsed = parse_mapping(rules or {"classes": []}, source)
    joined = Joined(copy.deepcopy(there) if there else empty_structure())
    joined.add(needed(source, parsed).structure)
    assert joined.conflicts == []
    return joined, Translation(source, joined.structure, parsed)


def translated(labels: LabelSet, rules: Any = None, there: dict[str, Any] | None = None) -> LabelSet:
    joined, translation = project_of(labels, rules, there)
    assert translation.missing == []
    structure = OntologyStructure.from_dict(joined.structure)
    rows = [LabelRowV2._from_dict(translation.row(row_dict(row)), structure) for row in labels]
    return LabelSet(structure, rows)


@pytest.mark.parametrize("name", HELD)
def test_a_sample_translated_to_a_new_ontology_is_the_same(name: str) -> None:
    labels = HELD[name]().held()
    assert [str(one) for one in diff(labels, translated(labels))] == []


def test_what_is_on_no_frame_is_counted_as_dropped() -> None:
    sample, car = cars()
    driven(car, sample, "van", 0.1).remove_from_frames(0)
    labels = sample.done()
    _, translation = project_of(labels)
    assert translation.row(row_dict(next(iter(labels))))["object_answers"] == {}
    assert translation.dropped == {"what is on no frame": 1}


def strangers(structure: dict[str, Any]) -> dict[str, Any]:
    """Return an ontology with the same titles, and hashes, ids and order of its own."""
    number = iter(range(10_000))

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(one) for one in reversed(value)]
        if isinstance(value, dict):
            return {key: f"x{next(number):07}" if key == "featureNodeHash" else walk(one) for key, one in value.items()}
        return value

    return {
        **structure,
        "objects": walk(structure["objects"]),
        "classifications": [
            {**one, "featureNodeHash": f"y{place:07}", "attributes": [walk(each) for each in one["attributes"]]}
            for place, one in enumerate(structure["classifications"])
        ],
    }


@pytest.mark.parametrize("name", HELD)
def test_classes_of_a_project_are_reused_by_name_and_shape_whatever_their_hashes(name: str) -> None:
    labels = HELD[name]().held()
    there = strangers(labels.ontology.to_dict())
    joined, translation = project_of(labels, there=there)
    assert joined.added == []
    assert translation.missing == []
    assert joined.structure == there
    own = {one.feature_node_hash for one in labels.ontology.objects}
    for row in labels:
        text = str({**translation.row(row_dict(row)), "data_hash": ""})
        assert not any(f"'featureHash': '{hash_}'" in text for hash_ in own)


def classes(labels: LabelSet) -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, shape and answers of each object."""
    found = []
    for row in labels:
        for one in row.get_object_instances():
            answers = {
                attribute.title: sorted(each.label for each in value) if isinstance(value, tuple) else
                getattr(value, "label", value)
                for attribute, value in one._static_answers()
            }  # fmt: skip
            found.append((one.object_name, one.ontology_item.shape.value, answers))
    return found


def mapping(classes: str) -> dict[str, Any]:
    return parse_document("classes:\n" + classes, "m.yaml")


def test_a_class_and_its_answers_are_renamed() -> None:
    sample, car = cars()
    driven(car, sample, "van", 0.1)
    rules = mapping("- {name: car, to: vehicle, attributes: {kind: type, kind/van: truck}}")
    assert classes(translated(sample.done(), rules)) == [("vehicle", "bounding_box", {"type": "truck", "plate": "B-1"})]


def test_two_classes_of_one_name_are_one_with_the_attributes_of_both() -> None:
    sample, car = cars()
    bike = sample.draft.add_object("bike", Shape.BOUNDING_BOX)
    bike.add_attribute(TextAttribute, "bell")
    driven(car, sample, "bus", 0.1)
    sample.place(bike, box(0.5))
    found = translated(sample.done(), mapping("- {name: bike, to: car}"))
    assert [one[:2] for one in classes(found)] == [("car", "bounding_box")] * 2
    assert [one.name for one in found.ontology.objects] == ["car"]
    assert [one.title for one in found.ontology.objects[0].attributes] == ["kind", "colours", "plate", "bell"]


def test_what_is_dropped_is_gone_and_counted() -> None:
    sample, car = cars()
    bike = sample.draft.add_object("bike", Shape.BOUNDING_BOX)
    driven(car, sample, "van", 0.1)
    sample.place(bike, box(0.5))
    labels = sample.done()
    rules = mapping("- {name: bike, to: false}\n- {name: car, attributes: {plate: false}}")
    assert classes(translated(labels, rules)) == [("car", "bounding_box", {"kind": "van"})]
    _, translation = project_of(labels, rules)
    translation.row(row_dict(next(iter(labels))))
    assert translation.dropped == {"'bike' (bounding_box)": 1}


def test_an_option_that_is_dropped_takes_the_answer_and_what_is_below_it() -> None:
    sample, car = cars()
    instance = driven(car, sample, "van", 0.1)
    instance.set_answer("sand", car.get_child_by_title("load", TextAttribute))
    rules = mapping("- {name: car, attributes: {kind/van: false}}")
    assert classes(translated(sample.done(), rules)) == [("car", "bounding_box", {"plate": "B-1"})]


def test_two_options_of_one_name_are_one_answer() -> None:
    sample, car = cars()
    instance = driven(car, sample, None, 0.1)
    colours = car.get_child_by_title("colours", ChecklistAttribute)
    instance.set_answer([colours.get_child_by_title("red"), colours.get_child_by_title("pink")], colours)
    rules = mapping("- {name: car, attributes: {colours/pink: red}}")
    found = translated(sample.done(), rules)
    assert classes(found) == [("car", "bounding_box", {"colours": ["red"], "plate": "B-1"})]


def test_an_attribute_becomes_classes() -> None:
    sample, car = cars()
    van = driven(car, sample, "van", 0.1)
    van.set_answer("sand", car.get_child_by_title("load", TextAttribute))
    driven(car, sample, "bus", 0.3)
    driven(car, sample, None, 0.5)
    rules = mapping("- {name: car, to: other car, split: kind, split_to: {bus: coach}}")
    found = translated(sample.done(), rules)
    assert classes(found) == [
        ("van", "bounding_box", {"load": "sand", "plate": "B-1"}),
        ("coach", "bounding_box", {"plate": "B-1"}),
        ("other car", "bounding_box", {"plate": "B-1"}),
    ]
    assert [[one.title for one in each.attributes] for each in found.ontology.objects] == [
        ["colours", "plate"], ["colours", "plate", "load"], ["colours", "plate"],
    ]  # fmt: skip


def test_a_track_whose_answer_changes_is_an_object_of_each_class() -> None:
    sample, car = cars(DataType.VIDEO, 6, dynamic=True)
    instance = sample.place(car, box(), list(range(6)))
    kind = car.get_child_by_title("kind", RadioAttribute)
    instance.set_answer(kind.get_child_by_title("van"), kind, frames=[0, 1, 2])
    instance.set_answer(kind.get_child_by_title("bus"), kind, frames=[3, 4])
    instance.set_answer("B-1", car.get_child_by_title("plate", TextAttribute))
    found = translated(sample.done(), mapping("- {name: car, split: kind}"))
    [row] = found
    assert [(one.object_name, sorted(one._frames)) for one in row.get_object_instances()] == [
        ("van", [0, 1, 2]), ("bus", [3, 4]), ("car", [5]),
    ]  # fmt: skip
    assert {answers["plate"] for _, _, answers in classes(found)} == {"B-1"}


@pytest.mark.parametrize(("shape", "new"), [(shape, new) for shape in TARGETS for new in TARGETS[shape]])
def test_a_shape_drawn_as_another_covers_the_same(shape: str, new: str) -> None:
    entries = {
        "bounding_box": {"boundingBox": {"x": 0.25, "y": 0.2, "w": 0.5, "h": 0.4}},
        "rotatable_bounding_box": {"rotatableBoundingBox": {"x": 0.25, "y": 0.2, "w": 0.5, "h": 0.4, "theta": 0.0}},
        "polygon": {"polygon": _points((0.25, 0.2), (0.75, 0.2), (0.75, 0.6), (0.25, 0.6))},
        "polyline": {"polyline": _points((0.25, 0.2), (0.75, 0.2), (0.75, 0.6), (0.25, 0.6))},
        "skeleton": {"skeleton": _points((0.25, 0.2), (0.75, 0.6))},
        "bitmask": {"bitmask": _mask().to_dict()},
        "ellipse": {"ellipse": {"x": 0.5, "y": 0.4, "rx": 0.25, "ry": 0.2}},
        "circle": {"circle": {"x": 0.5, "y": 0.4, "r": 0.25, "stretch": 0.6}},  # 10 by 6 pixels
        "cuboid_2d": {"cuboid_2d": {
            "front": [0.25, 0.2, 0.5, 0.2, 0.5, 0.6, 0.25, 0.6], "offset": {"x": 0.25, "y": 0.0},
        }},
    }  # fmt: skip
    drawn = retyped(entries[shape], shape, new, WIDTH, HEIGHT)
    assert set(drawn) == {KEYS[new]}
    value = drawn[KEYS[new]]
    if new == "bitmask":
        pixels, around = BitmaskCoordinates(value).to_numpy_array(), _mask().to_numpy_array()
        is_round = shape in ("ellipse", "circle")
        assert np.array_equal(pixels & around, pixels)
        assert pixels.sum() == (pytest.approx(np.pi * 10 * 6, abs=4) if is_round else around.sum())
    elif new.endswith("bounding_box"):
        assert [value[key] for key in "xywh"] == pytest.approx([0.25, 0.2, 0.5, 0.4])
    else:
        xs, ys = ([point[axis] for point in value.values()] for axis in "xy")
        assert (min(xs), max(xs), min(ys), max(ys)) == pytest.approx((0.25, 0.75, 0.2, 0.6))


def _points(*points: tuple[float, float]) -> dict[str, dict[str, float]]:
    return {str(number): {"x": x, "y": y} for number, (x, y) in enumerate(points)}


def _mask() -> BitmaskCoordinates:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[6:18, 10:30] = True
    return BitmaskCoordinates(pixels)


def test_a_mask_with_a_hole_becomes_a_polygon_with_a_hole_and_back() -> None:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[4:20, 5:30] = True
    pixels[8:12, 10:15] = False
    pixels[22:25, 3:9] = True
    polygon = retyped({"bitmask": BitmaskCoordinates(pixels).to_dict()}, "bitmask", "polygon", WIDTH, HEIGHT)
    assert [len(rings) for rings in polygon["polygons"]] == [2, 1]
    mask = retyped(polygon, "polygon", "bitmask", WIDTH, HEIGHT)
    assert np.array_equal(BitmaskCoordinates(mask["bitmask"]).to_numpy_array(), pixels)
    assert ("bitmask", "polygon") in EXACT


def test_a_class_drawn_as_another_shape_is_so_in_the_project() -> None:
    sample, car = cars()
    driven(car, sample, "van", 0.1)
    found = translated(sample.done(), mapping("- {name: car, as: polygon}"))
    assert classes(found) == [("car", "polygon", {"kind": "van", "plate": "B-1"})]


def test_attributes_of_one_name_and_two_kinds_are_a_conflict_with_advice() -> None:
    sample, _ = cars()
    other = Sample()
    other.draft.add_object("car", Shape.BOUNDING_BOX).add_attribute(TextAttribute, "kind")
    joined = Joined(other.done().ontology.to_dict())
    rules = parse_mapping({"classes": []}, empty_structure())
    joined.add(needed(sample.done().ontology.to_dict(), rules).structure)
    assert joined.conflicts == [
        "'car' (bounding_box), 'kind' is a radio in the source and a text in the project: map it to another title."
    ]


def test_a_project_that_has_a_class_gets_only_what_it_lacks() -> None:
    sample, _ = cars()
    there = sample.done().ontology.to_dict()
    kind = there["objects"][0]["attributes"][0]
    kind["options"] = kind["options"][:1]
    joined, translation = project_of(sample.done(), there=there)
    assert joined.added == ["option 'car' (bounding_box), 'kind'/bus"]
    assert translation.missing == []
    assert [one["id"] for one in joined.structure["objects"][0]["attributes"][0]["options"]] == ["1.1.1", "1.1.2"]


def test_a_class_the_project_does_not_have_is_missing_and_a_hash_nobody_declares_an_error() -> None:
    sample, car = cars()
    driven(car, sample, "van", 0.1)
    translation = Translation(sample.done().ontology.to_dict(), empty_structure())
    assert translation.missing == ["the class 'car' (bounding_box)"]
    row = row_dict(next(iter(sample.done())))
    nobody = Translation(empty_structure(), empty_structure())
    with pytest.raises(TranslationError, match=r"which the source does not declare"):
        nobody.row(row)


# --- the file --------------------------------------------------------------------------------------------------------


def ontology() -> dict[str, Any]:
    sample, _ = cars()
    return sample.done().ontology.to_dict()


@pytest.mark.parametrize(
    "case", ["cvat/images-project-subsets", "cvat/authored-images-modern-shapes", "coco/keypoints-17"]
)
def test_the_mapping_file_that_is_written_changes_nothing(case: str) -> None:

    structure = encord_convert.read(FIXTURES / case, report=Report()).ontology.to_dict()
    rules = parse_mapping(parse_document(mapping_text(structure), "m.yaml"), structure)
    assert needed(structure, rules).structure == structure


@pytest.mark.parametrize(
    ("own", "drawn"),
    [
        ("", {("fish", "bounding_box"), ("fish", "polygon")}),
        ("\n- {name: shark, shape: polygon, to: whale}", {("fish", "bounding_box"), ("whale", "polygon")}),
        ("\n- {name: shark, shape: polygon, to: false}", {("fish", "bounding_box")}),
    ],
)
def test_a_mapping_without_a_shape_is_about_all_of_its_label(own: str, drawn: set[tuple[str, str]]) -> None:
    structure = encord_convert.read(FIXTURES / "coco/roboflow", report=Report()).ontology.to_dict()
    rules = parse_mapping(parse_document("classes:\n- {name: shark, to: fish}" + own, "m.yaml"), structure)
    found = {(one["name"], one["shape"]) for one in needed(structure, rules).structure["objects"]}
    assert {one for one in found if one[0] in ("fish", "whale", "shark")} == drawn


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- {name: carr}", "the source has no class 'carr'; did you mean 'car'?"),
        ("- {name: car, shape: polygon}", "'car' of the source has the shape bounding_box, not as"),
        ("- {name: car, too: x}", "class 'car': 'too' is not a known key; did you mean 'to'?"),
        ("- {name: car, as: bitmap}", "class 'car': bounding_box cannot become 'bitmap'; it can become "),
        ("- {name: car, split: kinds}", "'kinds' is not a radio attribute of it; did you mean 'kind'?"),
        ("- {name: car, split: plate}", "'plate' is not a radio attribute of it; there are: kind."),
        ("- {name: car, attributes: {kind/vann: x}}", "there is no 'kind/vann'; did you mean"),
        ("- {name: car, split: kind, split_to: {buss: x}}", "no 'buss'; did you mean 'bus'"),
        ("- {name: car, split_to: {bus: x}}", "class 'car': split_to needs split."),
        ("- {name: car, to: [5]}", "class 'car', to: expected a title, or false; found ['5']."),
        ("- {name: car, attributes: {kind: {as: text}}}", "a text has nothing below its options; drop 'kind/van/load'"),
        ("- {name: car, attributes: {plate: {as: yes_no}}}", "a text cannot become 'yes_no'; it can become radio."),
        ("- {name: car, attributes: {plate: {to: x, ass: radio}}}", "'ass' is not a known key; did you mean 'as'?"),
        ("- {name: car, attributes: {kind/van: {as: text}}}", "an option cannot become 'text'; it can become nothing"),
            ],
)  # fmt: skip
def test_a_mapping_that_means_nothing_is_an_error_with_the_nearest_name(text: str, sentence: str) -> None:
    with pytest.raises(MappingError) as error:
        parse_mapping(mapping(text), ontology(), "m.yaml")
    assert str(error.value).startswith("m.yaml:2: ")
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("classes:\n- {name: car}\n- {name: car}", "m.yaml:3: the class 'car' (bounding_box) is listed twice."),
        ("klasses: []", "m.yaml: expected a list of mappings under 'classes'."),
        ("classes: []\nothers: []", "m.yaml:2: 'others' is not a known key; there are: classes."),
        ("classes:\n- name: car\n  to: x\n  to: y", "m.yaml:4: 'to' stands here twice, first on line 3."),
        (
            "a: &a [x, x]\nb: &b [*a, *a]\nclasses: [*b, *b]",
            "m.yaml:2: '*a' is an alias. Write out what it stands for.",
        ),
        ("classes:\n- name: car\n   to: x", "m.yaml:3: is not YAML (mapping values are not allowed here)."),
        ("classes:\n- {name: carr}\n- {name: bike, tu: x}", "m.yaml:2: the source has no class 'carr'"),
    ],
)
def test_a_document_that_cannot_be_meant_is_an_error_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(MappingError) as error:
        parse_mapping(parse_document(text, "m.yaml"), ontology(), "m.yaml")
    assert sentence in str(error.value)


def test_only_true_false_and_null_are_not_text() -> None:
    text = "a: no\nb: 1.10\nc: 'true'\nd: false\ne: 2024-01-01\nyes: ~"
    assert parse_document(text, "m") == {
        "a": "no", "b": "1.10", "c": "true", "d": False, "e": "2024-01-01", "yes": None,
    }  # fmt: skip


@given(st.text(min_size=1))
def test_any_title_stands_in_a_mapping_as_it_is(title: str) -> None:
    assert parse_document(f"{text_of(title)}: {text_of(title)}", "m") == {title: title}


# --- asked in another way --------------------------------------------------------------------------------------------


def asked(labels: LabelSet, classes_: str) -> LabelSet:
    """Translate labels by a mapping that may turn texts of theirs into options."""
    source = labels.ontology.to_dict()
    rules = parse_mapping(mapping(classes_), source)
    rules.learn(source, lambda: map(row_dict, labels))
    structure = needed(source, rules).structure
    translation = Translation(source, structure, rules)
    assert translation.missing == []
    read = OntologyStructure.from_dict(structure)
    return LabelSet(read, [LabelRowV2._from_dict(translation.row(row_dict(row)), read) for row in labels])


def asked_of(labels: LabelSet) -> list[tuple[str, str]]:
    return [(one.title, one.get_property_type().value) for one in labels.ontology.objects[0].attributes]


def test_a_choice_becomes_text() -> None:
    sample, car = cars()
    driven(car, sample, "bus", 0.1)
    driven(car, sample, None, 0.5)
    found = asked(
        sample.done(), "- {name: car, attributes: {kind: {to: type, as: text}, kind/van: false, kind/bus: coach}}"
    )
    assert asked_of(found)[0] == ("type", "text")
    assert [answers for _, _, answers in classes(found)] == [{"type": "coach", "plate": "B-1"}, {"plate": "B-1"}]


def test_text_becomes_a_choice_of_the_texts_there_are() -> None:
    sample, car = cars()
    for x, plate in ((0.1, "B-1"), (0.3, "A-7"), (0.5, "B-1")):
        sample.place(car, box(x)).set_answer(plate, car.get_child_by_title("plate", TextAttribute))
    found = asked(sample.done(), "- {name: car, attributes: {plate: {as: radio}}}")
    plate = found.ontology.objects[0].attributes[2]
    assert [option.label for option in plate.options] == ["A-7", "B-1"]
    assert [answers for _, _, answers in classes(found)] == [{"plate": each} for each in ("B-1", "A-7", "B-1")]


def test_too_many_texts_are_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encord_convert.sync.mapping.attributes.MOST_VALUES", 2)
    sample, car = cars()
    for number in range(3):
        sample.place(car, box()).set_answer(f"B-{number}", car.get_child_by_title("plate", TextAttribute))
    with pytest.raises(MappingError, match=r"'plate' has more than 2 different texts: too many for a radio."):
        asked(sample.done(), "- {name: car, attributes: {plate: {as: radio}}}")


def checked(car: Any, sample: Sample, x: float, *colours: str) -> None:
    attribute = car.get_child_by_title("colours", ChecklistAttribute)
    instance = sample.place(car, box(x))
    if colours:
        instance.set_answer([attribute.get_child_by_title(each) for each in colours], attribute)


def test_a_checklist_becomes_questions_of_yes_and_no_and_these_a_checklist_again() -> None:
    sample, car = cars()
    checked(car, sample, 0.1, "red")
    checked(car, sample, 0.3, "red", "pink")
    checked(car, sample, 0.5)
    found = asked(sample.done(), "- {name: car, attributes: {colours: {as: yes_no}}}")
    assert asked_of(found)[1:3] == [("red", "radio"), ("pink", "radio")]
    assert [answers for _, _, answers in classes(found)] == [
        {"red": "yes", "pink": "no"}, {"red": "yes", "pink": "yes"}, {"red": "no", "pink": "no"},
    ]  # fmt: skip
    back = asked(found, "- {name: car, attributes: {red: {as: checklist}, pink: {as: checklist}}}")
    assert asked_of(back)[1:3] == [("red", "checklist"), ("pink", "checklist")]
    assert [answers for _, _, answers in classes(back)] == [{"red": ["red"]}, {"red": ["red"], "pink": ["pink"]}, {}]


def test_a_checklist_becomes_text() -> None:
    sample, car = cars()
    checked(car, sample, 0.1, "red", "pink")
    checked(car, sample, 0.5)
    found = asked(sample.done(), "- {name: car, attributes: {colours: {as: text}, colours/pink: rose}}")
    assert [answers for _, _, answers in classes(found)] == [{"colours": "red, rose"}, {}]


def test_a_checkbox_that_changes_is_yes_on_the_frames_it_was_checked_on_and_no_on_the_others() -> None:
    sample = Sample(DataType.VIDEO, 6, "a.mp4")
    car = sample.draft.add_object("car", Shape.BOUNDING_BOX)
    hidden = car.add_attribute(ChecklistAttribute, "hidden", dynamic=True)
    option = hidden.add_option("hidden")
    instance = sample.place(car, box(), list(range(6)))
    instance.set_answer([option], hidden, frames=[1, 2])
    sample.place(car, box(0.5), [0, 1])
    [row] = asked(sample.done(), "- {name: car, attributes: {hidden: {to: is hidden, as: yes_no}}}")
    first, second = row.get_object_instances()
    [attribute] = first.ontology_item.attributes
    assert (attribute.title, attribute.get_property_type().value) == ("is hidden", "radio")
    answers = [[first.get_answer(attribute, filter_frame=frame)[0].answer.label for frame in range(6)]]
    answers += [[second.get_answer(attribute, filter_frame=frame)[0].answer.label for frame in range(2)]]
    assert answers == [["no", "yes", "yes", "no", "no", "no"], ["no", "no"]]


def test_two_attributes_of_one_name_have_one_answer() -> None:
    sample = Sample()
    car = sample.draft.add_object("car", Shape.BOUNDING_BOX)
    asked_for = {}
    for name in ("front", "rear"):
        attribute = car.add_attribute(ChecklistAttribute, name)
        asked_for[name] = [attribute, attribute.add_option(f"{name} light")]
    note, remark = (car.add_attribute(TextAttribute, name) for name in ("note", "remark"))
    instance = sample.place(car, box())
    for attribute, option in asked_for.values():
        instance.set_answer([option], attribute)
    instance.set_answer("first", note)
    instance.set_answer("second", remark)
    rules = mapping("- {name: car, attributes: {front: lights, rear: lights, remark: note}}")
    _, translation = project_of(sample.done(), rules)
    [row] = translated(sample.done(), rules)
    assert classes([row]) == [("car", "bounding_box", {"lights": ["front light", "rear light"], "note": "first"})]
    translation.row(row_dict(next(iter(sample.done()))))
    assert translation.dropped == {"a second answer to 'note' of 'car'": 1}


def test_text_nobody_gave_becomes_a_choice_without_options() -> None:
    sample, car = cars()
    sample.place(car, box())
    labels = sample.done()
    source = labels.ontology.to_dict()
    rules = parse_mapping(mapping("- {name: car, attributes: {plate: {as: radio}}}"), source)
    rules.learn(source, lambda: map(row_dict, labels))
    there = OntologyStructure.from_dict(needed(source, rules).structure).to_dict()
    translation = Translation(source, there, rules)
    assert translation.missing == []
    assert translation.row(row_dict(next(iter(labels))))["object_answers"] != {}
