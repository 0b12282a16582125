"""Labels with the classes a mapping gives them, written: what is there, and an account that adds up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import samples
from samples import Sample, box

import encord_convert
from encord_convert import Report
from encord_convert.comparison import diff
from encord_convert.errors import MappingError, NotRepresentableError, WriteError
from encord_convert.formats._registry import format_named
from encord_convert.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ChecklistAttribute, RadioAttribute, Shape, TextAttribute
from encord_convert.sync import mapped
from encord_convert.sync.mappings import CLASSIFICATION, classes_of
from encord_convert.sync.retyping import TARGETS

FIXTURES = Path(__file__).parents[2] / "fixtures"
SUBSETS = FIXTURES / "cvat" / "images-project-subsets"
FILES = [
    *("cvat/" + name for name in (
        "authored-images-modern-shapes", "authored-video-modern-tracks", "images-project-subsets",
        "images-skeleton-legacy-attrs", "project-skeleton-mixed", "video-boxes-minimal",
    )),
    "coco/video-cocovid", "coco/keypoints-17",
]  # fmt: skip


def all_to_one(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    return {"to": "thing"} if shape not in ("skeleton", CLASSIFICATION) else {}


def without_attributes(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    names = {each["name"]: False for each in one.get("attributes") or () if shape != CLASSIFICATION}
    return {"attributes": names} if names else {}


def without_options(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    attributes = (one.get("attributes") or ())[shape == CLASSIFICATION :]
    paths = {f"{each['name']}/{option['label']}": False for each in attributes for option in (each.get("options") or ())[:1]}
    return {"attributes": paths} if paths else {}


def redrawn(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    return {"as": TARGETS[shape][0]} if TARGETS.get(shape) else {}


def split(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    radios = [each["name"] for each in one.get("attributes") or () if each["type"] == "radio"]
    return {"split": radios[0]} if radios and shape != CLASSIFICATION else {}


def asked_anew(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    kinds = {"radio": "text", "checklist": "yes_no"}
    new = {
        each["name"]: {"as": kinds[each["type"]]} for each in one.get("attributes") or ()
        if each["type"] in kinds and not any(option.get("options") for option in each["options"])
    }  # fmt: skip
    return {"attributes": new} if new and shape != CLASSIFICATION else {}


def only_every_other(name: str, shape: str, one: dict[str, Any]) -> dict[str, Any]:
    return {"to": False} if len(name) % 2 else {}


RULES = [all_to_one, without_attributes, without_options, redrawn, split, asked_anew, only_every_other]


def mapping_by(rule: Any, labels: LabelSet) -> dict[str, Any]:
    tables = [
        {"name": name, **({"shape": shape} if "shape" in one else {}), **rule(name, shape, one)}
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
        assert "none of the" in str(error)
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
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


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
@pytest.mark.parametrize("name", samples.SAMPLES)
def test_the_account_of_mapped_labels_of_the_hub_adds_up_and_is_foretold(name: str, rule: Any, tmp_path: Path) -> None:
    labels = samples.SAMPLES[name]()
    for to in ("coco", "encord", "coco-results"):
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
