"""Labels of one ontology said in another."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import numpy as np
import pytest
import samples
from samples import HEIGHT, WIDTH, Sample, box

import encord_convert
from encord_convert import Report
from encord_convert.comparison import diff
from encord_convert.errors import MappingError, TranslationError
from encord_convert.formats.encord import row_dict
from encord_convert.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    LabelRowV2,
    ObjectInstance,
    OntologyStructure,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sync.mappings import mapping_text, parse_mapping
from encord_convert.sync.ontologies import Joined, empty_structure, wanted
from encord_convert.sync.retyping import EXACT, KEYS, TARGETS, retyped
from encord_convert.sync.translations import Translation

HELD = samples.SAMPLES


def project_of(labels: LabelSet, rules: Any = None, there: dict[str, Any] | None = None) -> tuple[Any, Translation]:
    """Return the ontology a project gets, and what translates for it."""
    source = labels.ontology.to_dict()
    parsed = parse_mapping(rules or {"class": []}, source)
    joined = Joined(copy.deepcopy(there) if there else empty_structure())
    joined.add(wanted(source, parsed))
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


def cars(data_type: DataType = DataType.IMAGE, frames: int = 1, *, dynamic: bool = False) -> tuple[Sample, Any]:
    """A sample with a class that has a radio attribute with a nested one, a checklist and a text."""
    sample = Sample(data_type, frames, "a.mp4" if frames > 1 else "a.png")
    car = sample.draft.add_object("car", Shape.BOUNDING_BOX)
    kind = car.add_attribute(RadioAttribute, "kind", dynamic=dynamic)
    van = kind.add_option("van")
    if not dynamic:
        van.add_nested_attribute(TextAttribute, "load")
    kind.add_option("bus")
    colours = car.add_attribute(ChecklistAttribute, "colours")
    colours.add_option("red")
    colours.add_option("pink")
    car.add_attribute(TextAttribute, "plate")
    return sample, car


def driven(car: Any, sample: Sample, kind: str | None, x: float, frames: Any = 0) -> ObjectInstance:
    instance = sample.place(car, box(x), frames)
    if kind:
        attribute = car.get_child_by_title("kind", RadioAttribute)
        instance.set_answer(attribute.get_child_by_title(kind), attribute)
    instance.set_answer("B-1", car.get_child_by_title("plate", TextAttribute))
    return instance


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


def mapping(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def test_a_class_and_its_answers_are_renamed() -> None:
    sample, car = cars()
    driven(car, sample, "van", 0.1)
    rules = mapping('[[class]]\nname = "car"\nto = "vehicle"\n[class.attributes]\nkind = "type"\n"kind/van" = "truck"')
    assert classes(translated(sample.done(), rules)) == [("vehicle", "bounding_box", {"type": "truck", "plate": "B-1"})]


def test_two_classes_of_one_name_are_one_with_the_attributes_of_both() -> None:
    sample, car = cars()
    bike = sample.draft.add_object("bike", Shape.BOUNDING_BOX)
    bike.add_attribute(TextAttribute, "bell")
    driven(car, sample, "bus", 0.1)
    sample.place(bike, box(0.5))
    found = translated(sample.done(), mapping('[[class]]\nname = "bike"\nto = "car"'))
    assert [one[:2] for one in classes(found)] == [("car", "bounding_box")] * 2
    assert [one.name for one in found.ontology.objects] == ["car"]
    assert [one.title for one in found.ontology.objects[0].attributes] == ["kind", "colours", "plate", "bell"]


def test_what_is_dropped_is_gone_and_counted() -> None:
    sample, car = cars()
    bike = sample.draft.add_object("bike", Shape.BOUNDING_BOX)
    driven(car, sample, "van", 0.1)
    sample.place(bike, box(0.5))
    labels = sample.done()
    rules = mapping('[[class]]\nname = "bike"\nto = false\n[[class]]\nname = "car"\n[class.attributes]\nplate = false')
    assert classes(translated(labels, rules)) == [("car", "bounding_box", {"kind": "van"})]
    _, translation = project_of(labels, rules)
    translation.row(row_dict(next(iter(labels))))
    assert translation.dropped == {"'bike' (bounding_box)": 1}


def test_an_option_that_is_dropped_takes_the_answer_and_what_is_below_it() -> None:
    sample, car = cars()
    instance = driven(car, sample, "van", 0.1)
    instance.set_answer("sand", car.get_child_by_title("load", TextAttribute))
    rules = mapping('[[class]]\nname = "car"\n[class.attributes]\n"kind/van" = false')
    assert classes(translated(sample.done(), rules)) == [("car", "bounding_box", {"plate": "B-1"})]


def test_two_options_of_one_name_are_one_answer() -> None:
    sample, car = cars()
    instance = driven(car, sample, None, 0.1)
    colours = car.get_child_by_title("colours", ChecklistAttribute)
    instance.set_answer([colours.get_child_by_title("red"), colours.get_child_by_title("pink")], colours)
    rules = mapping('[[class]]\nname = "car"\n[class.attributes]\n"colours/pink" = "red"')
    found = translated(sample.done(), rules)
    assert classes(found) == [("car", "bounding_box", {"colours": ["red"], "plate": "B-1"})]


def test_an_attribute_becomes_classes() -> None:
    sample, car = cars()
    van = driven(car, sample, "van", 0.1)
    van.set_answer("sand", car.get_child_by_title("load", TextAttribute))
    driven(car, sample, "bus", 0.3)
    driven(car, sample, None, 0.5)
    rules = mapping('[[class]]\nname = "car"\nto = "other car"\nsplit = "kind"\n[class.split_to]\nbus = "coach"')
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
    found = translated(sample.done(), mapping('[[class]]\nname = "car"\nsplit = "kind"'))
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
    }
    drawn = retyped(entries[shape], shape, new, WIDTH, HEIGHT)
    assert set(drawn) == {KEYS[new]}
    value = drawn[KEYS[new]]
    if new == "bitmask":
        assert np.array_equal(BitmaskCoordinates(value).to_numpy_array(), _mask().to_numpy_array())
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
    found = translated(sample.done(), mapping('[[class]]\nname = "car"\nas = "polygon"'))
    assert classes(found) == [("car", "polygon", {"kind": "van", "plate": "B-1"})]


def test_attributes_of_one_name_and_two_kinds_are_a_conflict_with_advice() -> None:
    sample, _ = cars()
    other = Sample()
    other.draft.add_object("car", Shape.BOUNDING_BOX).add_attribute(TextAttribute, "kind")
    joined = Joined(other.done().ontology.to_dict())
    joined.add(wanted(sample.done().ontology.to_dict(), parse_mapping({"class": []}, empty_structure())))
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
    from pushes import FIXTURES

    structure = encord_convert.read(FIXTURES / case, report=Report()).ontology.to_dict()
    rules = parse_mapping(tomllib.loads(mapping_text(structure)), structure)
    assert wanted(structure, rules) == structure


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[class]]\nname = "carr"', "the source has no class 'carr'; did you mean 'car'?"),
        ('[[class]]\nname = "car"\nshape = "polygon"', "'car' of the source is drawn as bounding_box, not as"),
        ('[[class]]\nname = "car"\ntoo = "x"', "class 'car': 'too' means nothing; did you mean 'to'?"),
        ('[[class]]\nname = "car"\nas = "bitmap"', "class 'car': bounding_box cannot become 'bitmap'; it can become "),
        ('[[class]]\nname = "car"\nsplit = "kinds"', "'kinds' is no radio attribute of it; did you mean 'kind'?"),
        ('[[class]]\nname = "car"\nsplit = "plate"', "'plate' is no radio attribute of it; there are: kind."),
        ('[[class]]\nname = "car"\n[class.attributes]\n"kind/vann" = "x"', "there is no 'kind/vann'; did you mean"),
        ('[[class]]\nname = "car"\nsplit = "kind"\n[class.split_to]\nbuss = "x"', "no 'buss'; did you mean 'bus'"),
        ('[[class]]\nname = "car"\n[class.split_to]\nbus = "x"', "class 'car': split_to needs split."),
        ('[[class]]\nname = "car"\nto = 5', "class 'car', to: expected a title, or false; found 5."),
        ('[[class]]\nname = "car"\n[[class]]\nname = "car"', "the class 'car' (bounding_box) stands here twice."),
        ('[[classes]]\nname = "car"', "expected tables [[class]], found none."),
    ],
)  # fmt: skip
def test_a_mapping_that_means_nothing_is_an_error_with_the_nearest_name(text: str, sentence: str) -> None:
    with pytest.raises(MappingError) as error:
        parse_mapping(tomllib.loads(text), ontology(), "m.toml")
    assert str(error.value).startswith("m.toml: ")
    assert sentence in str(error.value)
