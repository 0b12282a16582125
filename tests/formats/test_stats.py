"""The numbers of `stats`: as many annotations as the report counts, by tables or by rows, each where it belongs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from coco_files import CATEGORY, IMAGE, document, note, source
from test_golden import CASES, ROOT

from encord_convert import LabelSet, Report, read
from encord_convert._samples import SAMPLES
from encord_convert.hub.measures import measure
from encord_convert.hub.spread import of_whole
from encord_convert.hub.stats import Stats
from encord_convert.hub.tallies import HELD, MOST_ANSWERS, MOST_CLASSES, Tallies
from encord_convert.losses.report import sum_counts
from encord_convert.sdk.objects.coordinates import PolygonCoordinates


def counted(*sets: LabelSet) -> dict[str, Any]:
    stats = Stats()
    for labels in sets:
        stats.add(labels)
    form = stats.to_dict()
    assert form["dropped_in_reading"] == stats.dropped.total()
    assert form["annotations"] == form["dropped_in_reading"] + sum(one["annotations"] for one in form["classes"])
    return form


def of_file(*annotations: Any, **blocks: Any) -> dict[str, Any]:
    return counted(read(source(document(*annotations, **blocks)), "coco"))


def of_class(form: dict[str, Any], name: str = "car", shape: str = "bounding_box") -> dict[str, Any]:
    [one] = [one for one in form["classes"] if (one["class"], one["shape"]) == (name, shape)]
    return dict(one)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "/".join(case.parts[1:]))
def test_totals_of_each_class_are_those_of_the_report(case: Path) -> None:
    options = json.loads(file.read_text()) if (file := ROOT / case / "options.json").exists() else {}
    report, stats = Report(), Stats()
    labels = read(ROOT / case, case.parts[1], report=report, **options)
    rows = list(report.rows(labels))
    stats.add(labels)
    form = stats.to_dict()
    sums = Counter(stats.dropped)
    for one in form["classes"]:
        sums[one["class"]] += one["annotations"]
    assert +sums == +Counter({label: row["in"] for label, row in report.labels().items()})
    assert form["annotations"] == sum_counts(report.labels().values())["in"]
    assert {name: one["images"] for name, one in form["splits"].items() if name} == report.source.splits
    if labels._tables is not None:
        assert counted(LabelSet(labels.ontology, rows, counts=labels.counts)) == form, "rows give what tables give"


@pytest.mark.parametrize("name", SAMPLES)
def test_totals_of_a_set_that_nobody_counted_are_those_of_the_report(name: str) -> None:
    report = Report()
    for _ in report.rows(SAMPLES[name]()):
        pass
    assert counted(SAMPLES[name]())["annotations"] == sum_counts(report.labels().values())["in"]


def test_a_track_counts_its_keyframes_and_every_image_it_is_on() -> None:
    form = counted(read(ROOT / "fixtures" / "cvat" / "video-boxes-minimal"))
    person = of_class(form, "person")
    assert (person["annotations"], person["on_images"], person["tracks"]) == (5, 5, 1)
    assert form["images"] == 5
    assert sum(bar["count"] for bar in form["annotations_per_image"]["histogram"]) == 5


def test_sizes_are_those_of_coco() -> None:
    sides = (31, 32, 95, 96)
    big = {**IMAGE, "width": 1000, "height": 500}
    boxes = [note(id=side, bbox=[0, 0, side, side], area=side**2) for side in sides]
    form = of_file(*boxes, images=[big])
    car = of_class(form)
    assert [car[name] for name in ("small", "medium", "large")] == [1, 2, 1]
    assert form["annotation_side_px"]["histogram"] == [
        {"from": 16, "to": 32, "count": 1}, {"from": 32, "to": 64, "count": 1}, {"from": 64, "to": 128, "count": 2},
    ]  # fmt: skip
    assert form["annotation_side_px"]["median"] == pytest.approx(32, rel=0.022)
    assert form["annotation_side_percent"]["p95"] == pytest.approx(100 * 96 / 500000**0.5, rel=0.022)


def test_the_area_of_a_hole_and_of_unset_pixels_is_no_area() -> None:
    ring = [[10, 10, 70, 10, 70, 70, 10, 70]]
    mask = {"counts": [0, 100, 19900], "size": [100, 200]}
    form = of_file(
        note(id=1, segmentation=ring, bbox=[10, 10, 60, 60], area=3600),
        note(id=2, segmentation=mask, bbox=[0, 0, 1, 100], area=100, iscrowd=1),
    )
    assert of_class(form, shape="polygon")["side_px"]["median"] == pytest.approx(60, rel=0.011)
    assert of_class(form, shape="bitmask")["side_px"]["median"] == pytest.approx(10, rel=0.011)
    outer, hole = [0.1, 0.1, 0.7, 0.1, 0.7, 0.7, 0.1, 0.7], [0.2, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3, 0.2]
    assert measure(PolygonCoordinates._from_rings([[outer, hole], [hole]]), 100, 100)[4] == pytest.approx(3600)


def test_images_without_labels_pairs_and_answers_are_counted() -> None:
    images = [{**IMAGE, "id": number, "file_name": f"{number}.jpg"} for number in (1, 2, 3)]
    dogs = {"id": 2, "name": "dog"}
    form = of_file(
        note(id=1, attributes={"colour": "red"}), note(id=2, attributes={"colour": "red"}),
        note(id=3, category_id=2), note(id=4, image_id=2),
        images=images, categories=[CATEGORY, dogs],
    )  # fmt: skip
    assert form["images_without_labels"] == 1
    assert form["pairs"] == [{"classes": ["car", "dog"], "images": 1}]
    assert {"class": "car", "attribute": "colour", "answers": {"red": 2}, "further": 0} in form["answers"]
    assert form["annotations_per_image"]["histogram"][0] == {"from": 0, "to": 1, "count": 1}
    assert form["image_sizes"] == [{"width": 200, "height": 100, "images": 3}]


def test_several_sets_are_counted_together() -> None:
    street = ROOT / "fixtures" / "street"
    assert read(street).stats() == counted(read(street))
    once, twice = counted(read(street)), counted(read(street), read(street))
    assert [2 * one["annotations"] for one in once["classes"]] == [one["annotations"] for one in twice["classes"]]
    assert twice["images"] == 2 * once["images"]
    assert twice["annotation_side_px"]["median"] == once["annotation_side_px"]["median"]


def test_what_is_counted_in_several_portions_is_what_is_counted_at_once() -> None:
    forms = []
    for portions in (1, 7):
        tallies = Tallies()
        groups = [tallies.group("car", "bounding_box"), tallies.group("dog", "polygon")]
        split = tallies.split("train")
        for image in range(70):
            tallies.image(100, 50, split)
            place = len(tallies.image_splits)
            tallies.image_splits.append(split)
            for group in groups[: image % 3]:
                tallies.hold([group], [place], [1], [image + 1.0], [5000])
            tallies.count(1 if portions > 1 and image % 10 == 9 else HELD)
        tallies.count()
        forms.append(tallies.to_dict())
    assert forms[0] == forms[1]
    assert forms[0]["pairs"] == [{"classes": ["car", "dog"], "images": 23}]
    assert forms[0]["images_without_labels"] == 24


def test_memory_does_not_grow_with_answers_and_classes_of_one_image() -> None:
    tallies = Tallies()

    class Attribute:
        title = "plate"

    for number in range(MOST_ANSWERS + 5):
        tallies.answer("car", [(Attribute, f"{number}")])
    tallies.image_splits.append(tallies.split(""))
    for number in range(MOST_CLASSES + 1):
        tallies.hold([tallies.group(f"{number}", "point")], [0], [1], [float("nan")], [100])
    tallies.count()
    form = tallies.to_dict()
    [answers] = form["answers"]
    assert (len(answers["answers"]), answers["further"]) == (MOST_ANSWERS, 5)
    assert (form["pairs"], form["images_left_out_of_pairs"]) == ([], 1)


def test_quantiles_of_whole_numbers_are_exact() -> None:
    told = of_whole({1: 50, 2: 30, 900: 20})
    assert (told["p5"], told["median"], told["p75"], told["p95"]) == (1, 1, 2, 900)
    assert told["mean"] == 181.1
