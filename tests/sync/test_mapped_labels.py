"""Labels with the classes a mapping gives them, written: what is there, and an account that adds up."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cars import cars, driven
from random_labels import random_labels

import encord_convert
from encord_convert import Report
from encord_convert import _samples as samples
from encord_convert._samples import Sample, box
from encord_convert.errors import MappingError, NotRepresentableError, WriteError
from encord_convert.formats._registry import format_named
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.compare import diff
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import RadioAttribute, Shape, TextAttribute
from encord_convert.sync import mapped
from encord_convert.sync.mapping.answers import TARGETS
from encord_convert.sync.mapping.file import CLASSIFICATION, classes_of

FIXTURES = Path(__file__).parents[2] / "fixtures"
SUBSETS = FIXTURES / "cvat" / "images-project-subsets"
FILES = [
    *("cvat/" + name for name in (
        "authored-images-modern-shapes", "authored-video-modern-tracks", "images-project-subsets",
        "images-skeleton-legacy-attrs", "project-skeleton-mixed", "video-boxes-minimal",
    )),
    "coco/video-cocovid", "coco/keypoints-17",
]  # fmt: skip

DRAWN = {**samples.SAMPLES, **{f"seed {seed}": partial(random_labels, seed) for seed in (5, 7, 9, 10)}}


def all_to_one(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    return {"to": "thing"} if shape not in ("skeleton", CLASSIFICATION) else {}


def without_attributes(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    names = {each["name"]: False for each in one.get("attributes") or () if shape != CLASSIFICATION}
    return {"attributes": names} if names else {}


def without_options(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    attributes = (one.get("attributes") or ())[shape == CLASSIFICATION :]
    paths = {
        f"{each['name']}/{option['label']}": False for each in attributes for option in (each.get("options") or ())[:1]
    }
    return {"attributes": paths} if paths else {}


def redrawn(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    return {"as": TARGETS[shape][0]} if TARGETS.get(shape) else {}


def split(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    radios = [each["name"] for each in one.get("attributes") or () if each["type"] == "radio"]
    return {"split": radios[0]} if radios and shape != CLASSIFICATION else {}


def asked_again(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    kinds = {"radio": "text", "checklist": "yes_no"}
    new = {
        each["name"]: {"as": kinds[each["type"]]} for each in one.get("attributes") or ()
        if each["type"] in kinds and "/" not in each["name"] and not any(one.get("options") for one in each["options"])
    }  # fmt: skip
    return {"attributes": new} if new and shape != CLASSIFICATION else {}


def only_every_other(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    return {"to": False} if len(name) % 2 else {}


RULES = [all_to_one, without_attributes, without_options, redrawn, split, asked_again, only_every_other]


def mapping_by(rule: Any, labels: LabelSet) -> dict[str, Any]:
    tables = [
        {"name": name, "shape": shape, **rule(name, shape, one)}
        for name, shape, one in classes_of(labels.ontology.to_dict())
    ]
    return {"classes": tables}


def account(labels: LabelSet, to: str, report: Report, path: Path) -> dict[str, Any]:
    """Write labels, hold what was told beforehand against what is told then, and return the account."""
    exporter = format_named(to).exporter
    assert exporter is not None
    predicted = Report.predict(labels, exporter.carries)
    try:
        encord_convert.write(labels, path, to, report=report)
    except WriteError as error:
        assert "not written, since" in str(error)
    assert predicted.counts() == report.counts()
    assert summed(predicted) == summed(report)
    for row in (*report.counts().values(), *report.labels().values()):
        assert row["in"] == row["kept"] + row["changed"] + row["dropped"]
        assert min(row.values()) >= 0
    return report.to_dict()


def summed(report: Report) -> dict[Any, int]:
    return {(loss.kind, loss.code, loss.type, loss.label): loss.count for loss in report.losses()}


def entered(account: dict[str, Any]) -> dict[str, int]:
    return {type_: row["in"] for type_, row in account["counts"].items() if row["in"] and type_ != "row"}


@pytest.mark.parametrize("to", ["coco", "coco-keypoints", "encord"])
@pytest.mark.parametrize("name", FILES)
def test_a_mapping_that_changes_nothing_changes_neither_what_is_written_nor_the_account(
    name: str, to: str, tmp_path: Path
) -> None:
    results = []
    for number in (0, 1):
        report = Report()
        labels = encord_convert.read(FIXTURES / name, report=report)
        labels = mapped(labels, {"classes": []}) if number else labels
        results.append(account(labels, to, report, tmp_path / "out" / str(number)))
    for one in results:
        one.pop("target")
    assert results[0] == results[1]
    files = [sorted(path for path in (tmp_path / "out" / str(one)).rglob("*") if path.is_file()) for one in (0, 1)]
    assert [content(path) for path in files[0]] == [content(path) for path in files[1]]


def content(path: Path) -> Any:
    """Return what a file holds: its bytes, but for skeletons, whose edges an ontology keeps in no order."""
    found = path.read_bytes()
    if b'"keypoints"' not in found or path.suffix != ".json":
        return found
    document = json.loads(found)
    for category in document.get("categories", ()):
        category["skeleton"] = sorted(map(sorted, category.get("skeleton", ())))
    return document


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", FILES)
def test_the_account_of_mapped_labels_of_a_file_adds_up_and_is_foretold(name: str, rule: Any, tmp_path: Path) -> None:
    for to in ("coco", "coco-keypoints", "encord", "coco-results"):
        plain, report = Report(), Report()
        before = account(encord_convert.read(FIXTURES / name, report=plain), to, plain, tmp_path / f"{to}-plain")
        labels = encord_convert.read(FIXTURES / name, report=report)
        labels = mapped(labels, mapping_by(rule, labels))
        assert entered(account(labels, to, report, tmp_path / to)) == entered(before)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", DRAWN)
def test_the_account_of_mapped_labels_of_the_hub_adds_up_and_is_foretold(name: str, rule: Any, tmp_path: Path) -> None:
    labels = DRAWN[name]()
    for to in ("coco", "encord", "coco-results", "cvat"):
        plain, report = Report(), Report()
        before = account(labels, to, plain, tmp_path / f"{to}-plain")
        own = mapped(labels, mapping_by(rule, labels))
        assert entered(account(own, to, report, tmp_path / to)) == entered(before)


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_a_sample_mapped_to_itself_is_the_same_and_loses_what_it_lost(name: str, tmp_path: Path) -> None:
    labels = samples.SAMPLES[name]()
    report = Report()
    encord_convert.write(mapped(labels, {"classes": []}), tmp_path / "out", "encord", report=report)
    unplaced = [loss.code for loss in report.losses()]
    assert set(unplaced) <= {"UNPLACED_DROPPED"}
    if not unplaced:
        assert [str(one) for one in diff(labels, encord_convert.read(tmp_path / "out"))] == []


# --- what is written -------------------------------------------------------------------------------------------------


def street() -> LabelSet:
    """Two cars, of which one is a van and one a bus, and a bike."""
    sample, car = cars()
    driven(car, sample, "van", 0.1)
    driven(car, sample, "bus", 0.3)
    sample.place(sample.draft.add_object("bike", Shape.BOUNDING_BOX), box(0.5))
    return sample.done()


def written(labels: LabelSet, mapping: str, tmp_path: Path, to: str = "coco") -> tuple[list[Any], Report]:
    """Return class and attributes of each annotation of a COCO file, and the account."""
    file = tmp_path / "m.yaml"
    file.write_text("classes:\n" + mapping)
    report = Report()
    account(mapped(labels, file), to, report, tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_bytes())
    names = {one["id"]: one["name"] for one in document["categories"]}
    found = []
    for one in document["annotations"]:
        answers = {key: value for key, value in one["attributes"].items() if not key.startswith("encord_")}
        found.append((names[one["category_id"]], answers))
    return found, report


def told(report: Report) -> list[tuple[str, str, str, str, int]]:
    return [(str(one.kind), one.code, one.type, one.label, one.count) for one in report.losses()]


def test_classes_that_are_renamed_and_merged_lose_nothing_and_are_told_by_the_names_of_the_source(
    tmp_path: Path,
) -> None:
    found, report = written(street(), "- {name: car, to: a vehicle}\n- {name: bike, to: a vehicle}", tmp_path)
    assert [name for name, _ in found] == ["a vehicle"] * 3
    assert found[0][1] == {"kind": "van", "plate": "B-1"}
    assert told(report) == []
    assert list(report.labels()) == ["bike", "car"]


def test_a_dropped_class_and_its_answers_are_counted(tmp_path: Path) -> None:
    found, report = written(street(), "- {name: car, to: false}", tmp_path)
    assert [name for name, _ in found] == ["bike"]
    assert told(report) == [("dropped", "MAPPED_AWAY", "bounding_box", "car", 2)]
    assert report.counts()["bounding_box"] == {"in": 3, "kept": 1, "changed": 0, "dropped": 2}
    assert report.counts()["answer"] == {"in": 4, "kept": 0, "changed": 0, "dropped": 4}


def test_a_dropped_attribute_and_a_dropped_option_are_answers_that_are_gone(tmp_path: Path) -> None:
    rules = "- {name: car, attributes: {plate: false, kind/van: false}}"
    found, report = written(street(), rules, tmp_path)
    assert [answers for _, answers in found] == [{}, {"kind": "bus"}, {}]
    assert told(report) == [("dropped", "MAPPED_AWAY", "answer", "car", 3)]
    assert report.counts()["answer"] == {"in": 4, "kept": 1, "changed": 0, "dropped": 3}


def test_a_split_makes_answers_classes(tmp_path: Path) -> None:
    found, report = written(street(), "- {name: car, split: kind, split_to: {van: a van}}", tmp_path)
    assert [name for name, _ in found] == ["a van", "bus", "bike"]
    assert told(report) == [("renamed", "MAPPED_SPLIT", "answer", "car", 2)]
    assert report.counts()["answer"] == {"in": 4, "kept": 2, "changed": 2, "dropped": 0}


def test_a_track_that_is_split_is_told(tmp_path: Path) -> None:
    sample, car = cars(DataType.VIDEO, 6, dynamic=True)
    one = sample.place(car, box(), list(range(6)))
    kind = car.get_child_by_title("kind", RadioAttribute)
    one.set_answer(kind.get_child_by_title("van"), kind, frames=[0, 1, 2])
    one.set_answer(kind.get_child_by_title("bus"), kind, frames=[3, 4, 5])
    found, report = written(sample.done(), "- {name: car, split: kind, split_to: {bus: false}}", tmp_path)
    assert [name for name, _ in found] == ["van"] * 3
    assert report.counts()["bounding_box"] == {"in": 6, "kept": 3, "changed": 0, "dropped": 3}
    found, report = written(sample.done(), "- {name: car, split: kind}", tmp_path)
    assert [name for name, _ in found] == ["van"] * 3 + ["bus"] * 3
    assert ("split", "MAPPED_SPLIT", "track", "car", 1) in told(report)
    assert report.counts()["track"] == {"in": 1, "kept": 0, "changed": 1, "dropped": 0}


def test_what_is_redrawn_is_changed_once_and_told_whether_anything_moves(tmp_path: Path) -> None:
    _, report = written(street(), "- {name: car, as: polygon}\n- {name: bike, as: bitmask}", tmp_path)
    assert told(report)[:2] == [
        ("renamed", "MAPPED_SHAPE", "bounding_box", "car", 2),
        ("approximated", "MAPPED_SHAPE", "bounding_box", "bike", 1),
    ]
    assert report.counts()["bounding_box"] == {"in": 3, "kept": 0, "changed": 3, "dropped": 0}


def test_of_two_answers_that_become_one_the_other_is_a_loss_nobody_asked_for(tmp_path: Path) -> None:
    sample, car = cars()
    car.add_attribute(TextAttribute, "sign")
    one = driven(car, sample, "van", 0.1)
    one.set_answer("C-2", car.get_child_by_title("sign", TextAttribute))
    found, report = written(sample.done(), "- {name: car, attributes: {sign: plate}}", tmp_path)
    assert found[0][1] == {"kind": "van", "plate": "B-1"}
    assert told(report) == [("dropped", "SECOND_ANSWER", "answer", "car", 1)]
    assert not report.is_lossless


def test_an_answer_asked_again_is_told(tmp_path: Path) -> None:
    found, report = written(
        street(), "- {name: car, attributes: {plate: {as: radio}, kind/van/load: false, kind: {as: text}}}", tmp_path
    )
    assert found[0][1] == {"kind": "van", "plate": "B-1"}
    assert told(report) == [("approximated", "MAPPED_ANSWER", "answer", "car", 4)]


def test_a_mask_without_a_pixel_that_should_be_a_box_is_a_loss_and_costs_nothing_else(tmp_path: Path) -> None:
    labels = samples.SAMPLES["degenerate"]()
    report = Report()
    account(mapped(labels, mapping_by(redrawn, labels)), "encord", report, tmp_path / "out")
    [loss] = [one for one in report.losses() if one.code == "UNDRAWABLE"]
    assert loss.detail == "A bitmask without a point cannot become a bounding_box."
    assert not report.is_lossless


def test_strict_refuses_only_what_nobody_asked_for(tmp_path: Path) -> None:
    labels = mapped(street(), {"classes": [{"name": "car", "to": False}]})
    report = encord_convert.write(labels, tmp_path / "a", "coco", strict=True)
    assert report.summary() == ""
    assert report.summary(asked=True) == "2 bounding boxes dropped"
    with pytest.raises(NotRepresentableError) as caught:
        encord_convert.write(mapped(street(), {"classes": []}), tmp_path / "b", "coco-results", strict=True)
    assert "4 answers dropped" in str(caught.value)


def test_a_mapping_of_a_mapping_tells_both(tmp_path: Path) -> None:
    once = mapped(street(), {"classes": [{"name": "car", "to": False}]})
    report = Report()
    encord_convert.write(
        mapped(once, {"classes": [{"name": "bike", "as": "polygon"}]}), tmp_path / "out", "coco", report=report
    )
    assert {(one.code, one.label) for one in report.losses()} == {("MAPPED_AWAY", "car"), ("MAPPED_SHAPE", "bike")}
    assert report.counts()["bounding_box"] == {"in": 3, "kept": 0, "changed": 1, "dropped": 2}


def test_a_mapping_that_drops_everything_says_so_and_writes_nothing(tmp_path: Path) -> None:
    labels = mapped(street(), {"classes": [{"name": "car", "to": False}, {"name": "bike", "to": False}]})
    with pytest.raises(WriteError, match=r"none of the 3 annotations can be converted: 3 bounding boxes dropped\."):
        encord_convert.write(labels, tmp_path / "out", "coco", report=Report())
    assert not (tmp_path / "out").exists()


def test_a_misspelt_class_is_told_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("classes:\n- name: bike\n- name: cra\n  to: vehicle\n")
    with pytest.raises(MappingError) as caught:
        mapped(street(), file)
    assert str(caught.value) == f"{file}:3: the source has no class 'cra'; did you mean 'car'?"


def test_attributes_of_two_kinds_do_not_become_one() -> None:
    sample = Sample()
    sample.draft.add_object("a", Shape.POINT).add_attribute(TextAttribute, "kind")
    sample.draft.add_object("b", Shape.POINT).add_attribute(RadioAttribute, "kind", dynamic=True)
    with pytest.raises(MappingError) as caught:
        mapped(sample.done(), {"classes": [{"name": "b", "to": "a"}]}, place="m.yaml")
    assert str(caught.value) == (
        "m.yaml: 'a' (point), 'kind' is a dynamic radio of one class and a text of another: map it to another title."
    )


def test_rows_are_translated_one_at_a_time() -> None:
    walked = []

    def rows() -> Any:
        for row in street():
            walked.append(row)
            yield row

    labels = LabelSet(street().ontology, rows)
    found = mapped(labels, {"classes": [{"name": "car", "to": "x"}]})
    assert walked == []
    next(iter(found))
    assert len(walked) == 1
