"""Conditions on annotations, and samples: what is taken, what is left out as asked, and what is said of that."""

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encord_convert import LabelSet, OptionError, Report, read, write
from encord_convert._samples import SAMPLES
from encord_convert.cli import run
from encord_convert.formats import formats
from encord_convert.formats._files import MemoryTarget
from encord_convert.hub.fields import RowFields, TableFields
from encord_convert.hub.labelset import rows_of
from encord_convert.hub.measures import measures_of
from encord_convert.hub.table import Table
from encord_convert.testing import broken_laws

CVAT = "fixtures/cvat/authored-images-modern-shapes"
SUBSETS = "fixtures/cvat/images-project-subsets"
BOXES = "fixtures/coco/boxes-only"
VIDEO = "fixtures/cvat/authored-video-modern-tracks"
SOURCES = [CVAT, SUBSETS, BOXES, "fixtures/coco/coco-annotator", "fixtures/coco/all-tasks", VIDEO,
           "fixtures/cvat/project-skeleton-mixed", "fixtures/dicom/mixed_folder"]  # fmt: skip


def in_rows(source: str) -> LabelSet:
    """Return what is read, of which the new set has no tables."""
    labels = read(source, report=Report())
    rows = LabelSet(labels.ontology, lambda: rows_of(labels._source()), title=labels.title, counts=labels.counts)
    rows.native, rows.source = labels.native, labels.source
    return rows


def conditions(labels: LabelSet) -> Iterator[str]:
    """Yield conditions that divide what a set has."""
    first = labels.ontology.objects[0].title if labels.ontology.objects else "none"
    yield f"class == {first!r}"
    yield f"class != {first!r} or area > 400"
    yield "not (width < 50 or height < 50)"
    yield 'shape in ("bounding_box", "polygon", "classification") and frame < 5'
    yield "title < 'g' or track"
    yield 'split == "train"'


def known(labels: LabelSet) -> tuple[dict[str, Any], dict[str, bytes]]:
    report, target = Report(), MemoryTarget()
    write(labels, target, "encord", report=report)
    return report.to_dict(), target.files


@pytest.mark.parametrize("source", SOURCES)
def test_tables_and_rows_are_selected_alike(source: str) -> None:
    for text in conditions(read(source, report=Report())):
        chosen = [make.filter(text) for make in (read(source, report=Report()), in_rows(source))]
        try:
            one, other = (known(labels) for labels in chosen)
        except Exception as error:
            assert "none of its" in str(error)
            continue
        assert one[1] == other[1], text
        assert one[0]["counts"] == other[0]["counts"] and one[0]["labels"] == other[0]["labels"], text
        sums = [Counter({(loss["code"], loss["type"], loss["label"]): loss["count"] for loss in report["losses"]})
                for report, _ in (one, other)]  # fmt: skip
        assert sums[0] == sums[1], text


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_is_lost_but_what_was_asked_for_and_the_sums_add_up(source: str) -> None:
    before = Report()
    write(read(source, report=before), MemoryTarget(), "encord", report=before)
    for text in conditions(read(source, report=Report())):
        for name in ("encord", "coco", "cvat", "yolo"):
            report = Report()
            labels = read(source, report=report).filter(text)
            exporter = formats()[name].exporter
            assert exporter is not None
            exporter.foretell(labels, MemoryTarget(), exporter.options(), report)
            for key, row in (*report.counts().items(), *report.labels().items()):
                assert min(row.values()) >= 0, f"{name}: {text}: {key}: {row}"
            assert sum(row["in"] for row in report.labels().values()) == sum(
                row["in"] for row in before.labels().values()
            )
            if name == "encord":
                assert {(loss.code, loss.label, loss.type) for loss in report.refused()} <= {
                    (loss.code, loss.label, loss.type) for loss in before.refused()
                }


@pytest.mark.parametrize("name", ["coco", "cvat", "encord", "yolo"])
@pytest.mark.parametrize("sample", ["answers", "boxes", "tracks", "classifications", "rotated_boxes"])
def test_what_is_selected_keeps_the_laws(name: str, sample: str) -> None:
    assert not broken_laws(formats()[name], SAMPLES[sample]().filter("frame != 1"))


def test_measures_of_tables_are_those_of_their_rows() -> None:
    count = 0
    for source in SOURCES:
        for one in read(source, report=Report()).tables():
            if isinstance(one, Table):
                columns = TableFields(one)
                found = measures_of(one)
                hashes = [one._hash_of(index) for index in range(len(one.variants))]
                for row in one.rows():
                    fields = RowFields(row)
                    for (instance, _), area, width, x, class_ in zip(
                        fields.annotations, fields.field("area"), fields.field("width"), fields.field("x"),
                        fields.field("class").values(), strict=True,  # type: ignore[union-attr]
                    ):  # fmt: skip
                        if hasattr(instance, "object_hash"):
                            index = hashes.index(instance.object_hash)
                            expected = [x, width, area]
                            np.testing.assert_allclose(found[index, [0, 2, 4]], expected, rtol=1e-9, atol=1e-9)
                            assert columns.field("class").values()[index] == class_  # type: ignore[union-attr]
                            count += 1
    assert count > 40


# --- conditions -------------------------------------------------------------------------------------------------------


def titles(labels: LabelSet) -> list[str]:
    return [row.data_title for row in labels.walk()]


def objects(labels: LabelSet) -> list[tuple[str, int]]:
    return [
        (instance.object_name, frame)
        for row in labels.walk()
        for instance in row.get_object_instances()
        for frame in sorted(instance._frames)
    ]


def test_images_stay_as_negatives_unless_the_condition_excludes_them_or_they_are_dropped() -> None:
    labels = read(BOXES, report=Report())
    dogs = labels.filter('class == "dog"')
    assert {name for name, _ in objects(dogs)} == {"dog"} and titles(dogs) == titles(labels)
    with_dogs = labels.filter('class == "dog"', drop_empty=True)
    assert 0 < len(titles(with_dogs)) < len(titles(labels)) and objects(with_dogs) == objects(dogs)
    first = titles(labels)[0]
    one = labels.filter(f"title == {first!r} and class == 'dog'")
    assert titles(one) == [first], "whatever is on the others, the condition fails"
    assert titles(labels.filter(f"not (title == {first!r} and class == 'dog')")) == titles(labels)


def test_a_split_is_selected_with_its_images() -> None:
    labels = read(SUBSETS, report=Report())
    splits = {(row.client_metadata or {}).get("split") for row in labels.walk()}
    assert len(splits) > 1
    report = Report()
    train = read(SUBSETS, report=report).filter('split == "train"')
    write(train, MemoryTarget(), "coco", report=report)
    assert {(row.client_metadata or {}).get("split") for row in train.walk()} == {"Train"}
    left = [loss for loss in report.losses() if loss.code == "FILTERED" and loss.type == "image"]
    assert sum(loss.count for loss in left) == len(titles(labels)) - len(titles(train))
    assert report.counts()["image"]["dropped"] == len(titles(labels)) - len(titles(train))


def test_a_track_is_left_out_on_frames_and_kept_as_it_is_on_the_others() -> None:
    report = Report()
    labels = read(VIDEO, report=report)
    whole = objects(labels)
    part = labels.filter("frame >= 2")
    assert objects(part) == [(name, frame) for name, frame in whole if frame >= 2]
    write(part, MemoryTarget(), "encord", report=report)
    assert not any(row["changed"] for name, row in report.counts().items() if name != "answer"), report.counts()


def test_answers_of_all_kinds_are_compared() -> None:
    labels = read(CVAT, report=Report())
    rows = list(labels.walk())
    answered = Counter()  # type: Counter[str]
    for row in rows:
        for instance in row.get_object_instances():
            for attribute, value in instance._static_answers():
                answered[f"{attribute.title}={getattr(value, 'label', value)}"] += 1
    [(said, count), *_] = answered.most_common()
    title, value = said.split("=")
    assert len(objects(labels.filter(f"attribute[{title!r}] == {value!r}"))) == count
    missing = len(objects(labels.filter(f"attribute[{title!r}] is None")))
    assert missing + len(objects(labels.filter(f"attribute[{title!r}] is not None"))) == len(objects(labels))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("clas == 'dog'", r"where, character 1: there is no name 'clas'\. Did you mean 'class'\?"),
        ("area > 3 and heigth < 4", r"where, character 14: there is no name 'heigth'\. Did you mean 'height'\?"),
        ("class in (dog, 'bench')", r'where, character 11: there is no name \'dog\'\. A text stands in quotes: "dog"'),
        ("class = 'dog'", r"where, character 7: '=' is not an operator here\. Write =="),
        ("area > 3 && area < 9", r"where, character 11: '&' is not an operator here\. Write and"),
        ("area > 3 || area < 2", r"where, character 11: '\|' is not an operator here\. Write or"),
        ("area > 3 AND area < 9", r"where, character 10: 'AND' is not an operator here\. Write and"),
        ("class == 'dog", r"where, character 10: unterminated string literal"),
        ("area > 'big'", r"where, character 8: area and 'big' cannot be compared: one is a number, the other a text"),
        ("shape == 'box'", r"where, character 10: there is no shape 'box'\..* Shapes are: bounding_box, "),
        ("attribute['colr']", r"where, character 1: there is no attribute 'colr'\. There are: "),
        ("attribute == 3", r"where, character 1: there is no name 'attribute'\. It takes a name: attribute"),
        ("__import__('os').system('true')", r"where, character 1: .* is not allowed here"),
        ("class.upper() == 'DOG'", r"where, character 1: 'class\.upper\(\)' is not allowed here"),
        ("(lambda: 1)()", "is not allowed here"),
        ("[area for area in ()]", "is not allowed here"),
        ("area ** 9 ** 9 > 1", r"where, character 1: 'area \*\* 9 \*\* 9' is not allowed here"),
        ("area > 1 if class else 2", "is not allowed here"),
        ("class", None),
        ("'dog'", r"alone is neither true nor false"),
        ("", r"where: the condition is empty"),
        ("not " * 900 + "area", r"nested too deeply"),
        ("(" * 300 + "area" + ")" * 300, "where"),
        ("area > 1 or " * 900 + "area", r"has 10804 characters; 4000 are allowed"),
        ("area > " + "9" * 3000, "the number is too large"),
        ("area + class > 3", r"only numbers are added"),
        ("area > 3\x00", "where"),
        ("é == 1 and clas", r"where, character 1: there is no name 'é'"),
        ("title == 'é' and clas", r"where, character 18: there is no name 'clas'"),
        ("'a' in area", r"behind `in` stands a list"),
        ("class in 'dog'", r'character 10: .* say class == "dog" or class in \("dog", …\)\.'),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_with_its_position(text: str, sentence: str | None) -> None:
    labels = read(BOXES, report=Report())
    if sentence is None:
        labels.filter(text)
        return
    with pytest.raises(OptionError, match=sentence):
        labels.filter(text)


def test_a_class_that_there_is_not_is_a_warning_with_the_nearest() -> None:
    report = Report()
    write(read(BOXES, report=report).filter("class in ('dog', 'pirson')"), MemoryTarget(), "coco", report=report)
    [note] = [note for note in report.notes() if note.code == "CLASS_UNKNOWN"]
    assert note.detail == "where: there is no class 'pirson'. Did you mean 'person'?"


def test_a_split_and_an_answer_that_nothing_has_are_told_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source, text, sentence in (
        (SUBSETS, 'split == "trian"', "there is no split 'trian'. Did you mean 'Train'? There are: Test, Train, "),
        (CVAT, 'attribute["lit"] == "purple"', "there is no answer 'purple' to attribute[\"lit\"]. There "),
    ):
        assert run(["select", source, str(tmp_path / "out"), "--where", text]) == 2
        assert sentence in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_class_that_nothing_fits_is_told_before_what_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = [{"id": number, "image_id": 1, "category_id": 1 + number % 2, "bbox": [1, 1, 5, 5], "area": 25}
             for number in range(4)]  # fmt: skip
    image = {"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}
    file = tmp_path / "a.json"
    classes = [{"id": 1, "name": "Car"}, {"id": 3, "name": "Bus"}]
    file.write_text(json.dumps({"images": [image], "annotations": boxes, "categories": classes}))
    assert run(["select", str(file), str(tmp_path / "out.json"), "--where", 'class == "car"']) == 2
    error = "there is no class 'car'. Did you mean 'Car'? There is: Car.\n"
    assert capsys.readouterr().err.endswith(error)
    assert run(["select", str(file), str(tmp_path / "out.json"), "--where", 'class == "Bus"']) == 2
    assert "no annotation has the class 'Bus'. There is: Car.\n" in capsys.readouterr().err


def test_images_alone_are_enough_but_one_has_to_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.json"
    images = [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}]
    file.write_text(json.dumps({"images": images, "annotations": [], "categories": [{"id": 1, "name": "Car"}]}))
    for text in ('class == "Car"', 'title == "a.jpg"'):
        assert run(["select", str(file), str(tmp_path / "out.json"), "--where", text]) == 0
        (tmp_path / "out.json").unlink()
        capsys.readouterr()
    assert run(["select", str(file), str(tmp_path / "out.json"), "--where", 'title == "b.jpg"']) == 2
    error = "there is no title 'b.jpg'. Did you mean 'a.jpg'? There is: a.jpg."
    error = f"""no image fits --where 'title == "b.jpg"': {error}"""
    assert error in capsys.readouterr().err and not (tmp_path / "out.json").exists()


def test_what_is_divided_by_zero_is_missing() -> None:
    labels = read(BOXES, report=Report())
    for text in ("10 / 0 > 1", "width / 0 > 1", "width / frame > 1", "-width / (0 * height) < 1"):
        assert objects(labels.filter(text)) == [], text
    assert objects(labels.filter("10 / 5 == 2 and width / 0 is None")) == objects(labels)


def test_an_annotation_without_confidence_has_one_as_the_page_says() -> None:
    labels = read(BOXES, report=Report())
    assert objects(labels.filter("confidence == 1")) == objects(labels)
    assert objects(labels.filter("confidence is None")) == []


@pytest.mark.parametrize("make", [LabelSet.tables, LabelSet.walk])
def test_a_rotatable_box_that_is_not_rotated_is_a_bounding_box(make: Any, tmp_path: Path) -> None:
    box = '<box label="car" xtl="{}" ytl="10" xbr="{}" ybr="20" occluded="0" z_order="0" {}/>'
    boxes = box.format(1, 9, "") + box.format(11, 19, 'rotation="30"') + box.format(21, 29, 'rotation="0"')
    file = tmp_path / "a.xml"
    file.write_text('<annotations><version>1.1</version><image id="0" name="a.jpg" width="50" height="50">'
                    f"{boxes}</image></annotations>")  # fmt: skip
    read_ = read(file, report=Report())
    labels = LabelSet(read_.ontology, lambda: rows_of(read_.tables())) if make is LabelSet.walk else read_
    assert {item.shape.value for item in labels.ontology.objects} == {"rotatable_bounding_box"}
    for text, count in (
        ("shape == 'bounding_box'", 2),
        ("shape != 'bounding_box'", 1),
        ("shape in ('polygon', 'bounding_box') and width > 1", 2),
        ("shape == 'rotatable_bounding_box'", 3),
        ("shape == 'rotatable_bounding_box' and shape != 'bounding_box'", 1),
    ):
        assert len(objects(labels.filter(text))) == count, text


def evaluated(text: str, **values: Any) -> bool:
    """Evaluate a condition as Python would, of the values of one annotation."""
    return bool(eval(text.replace("class", "class_"), {"__builtins__": {}}, values))


def test_a_condition_is_what_python_makes_of_it() -> None:
    labels = read(BOXES, report=Report())
    chance = random.Random(3)
    names = [item.title for item in labels.ontology.objects]
    atoms: list[Callable[[], str]] = [
        lambda: f"class {chance.choice(['==', '!='])} {chance.choice(names)!r}",
        lambda: f"area {chance.choice(['<', '<=', '>', '>='])} {chance.choice([100, 1000, 5000, 20000])}",
        lambda: f"{chance.choice([10, 50])} < width <= {chance.choice([80, 200])}",
        lambda: f"width / height > {chance.choice([0.5, 1, 2])}",
        lambda: f"class {chance.choice(['in', 'not in'])} ({', '.join(map(repr, chance.sample(names, 2)))})",
        lambda: f"area - width * {chance.choice([2, 30])} > -5",
    ]

    def expression(depth: int) -> str:
        kind = chance.randrange(4) if depth else 0
        if kind == 0:
            return chance.choice(atoms)()
        if kind == 1:
            return f"not ({expression(depth - 1)})"
        return f"({expression(depth - 1)} {chance.choice(['and', 'or'])} {expression(depth - 1)})"

    entries = []
    for row in labels.walk():
        fields = RowFields(row)
        columns = [fields.field(name) for name in ("class", "area", "width", "height")]
        entries += list(zip(columns[0].values(), *(column.tolist() for column in columns[1:]), strict=True))  # type: ignore[union-attr]
    assert not any(math.isnan(entry[1]) for entry in entries)
    for _ in range(40):
        text = expression(3)
        expected = [entry[0] for entry in entries
                    if evaluated(text, class_=entry[0], area=entry[1], width=entry[2], height=entry[3])]  # fmt: skip
        assert [name for name, _ in objects(labels.filter(text))] == expected, text


# --- samples ----------------------------------------------------------------------------------------------------------


def test_a_sample_has_as_many_rows_and_the_seed_decides_which() -> None:
    labels = read(SUBSETS, report=Report())
    drawn = [titles(labels.sample(2, seed=seed)) for seed in range(12)]
    assert all(len(one) == 2 for one in drawn) and len({tuple(one) for one in drawn}) > 1
    assert titles(labels.sample(2, seed=5)) == drawn[5] == titles(in_rows(SUBSETS).sample(2, seed=5))
    assert titles(labels.sample(1000)) == titles(labels)
    assert set(drawn[0]) <= set(titles(labels.sample(3)))


def test_a_sample_of_each_class_has_each_class() -> None:
    labels = read(BOXES, report=Report())
    few = labels.sample(1, per_class=True)
    assert {name for name, _ in objects(few)} == {name for name, _ in objects(labels)}
    assert titles(few) == titles(in_rows(BOXES).sample(1, per_class=True))


# --- the command line -------------------------------------------------------------------------------------------------


def test_select_writes_the_format_of_its_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "dogs"
    assert run(["select", BOXES, str(out), "--where", 'class == "dog"', "--strict"]) == 0
    said = capsys.readouterr().err
    written = json.loads((out / "annotations.json").read_text())
    all_ = read(BOXES, report=Report())
    assert len(written["annotations"]) == [name for name, _ in objects(all_)].count("dog")
    assert len(written["images"]) == len(titles(all_))
    left = len(objects(all_)) - len(written["annotations"])
    assert f"\nleft out as asked: {left} annotations\n" in said and "lost" not in said
    assert "mapped" not in said


def test_convert_takes_the_same_condition(tmp_path: Path) -> None:
    assert run(["convert", BOXES, str(tmp_path / "a"), "--to", "cvat", "--where", 'class == "dog"', "-q"]) == 0
    assert run(["convert", BOXES, str(tmp_path / "b"), "--to", "cvat", "--sample", "1", "--seed", "4", "-q"]) == 0
    assert {name for name, _ in objects(read(tmp_path / "a", report=Report()))} == {"dog"}
    assert len(titles(read(tmp_path / "b", report=Report()))) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--where", "clas == 'dog'"], 2, "where, character 1: there is no name 'clas'. Did you mean 'class'?"),
        ([], 2, "Say what to take: --where, --sample, --per-class or --drop-empty."),
        (["--sample", "1", "--per-class", "1"], 2, "--sample and --per-class exclude each other"),
        (["--where", "area < 0"], 2, "no annotation fits --where 'area < 0'; there are 16."),
        (["--where", "class == 'Dog'"], 2, "there is no class 'Dog'. Did you mean 'dog'? There are: snowboard, "),
        (["--where", "class in ('a', 'b')"], 2, "there is no class 'a' or 'b'. There are: snowboard, person, bench, "),
        (["--where", "split == 'train'"], 2, "there is no split 'train'. There is none at all."),
        (["--where", "title == 'x'"], 2, "there is no title 'x'. There are: a-weird Filename.asdf.jpg, "),
        (["--where", "'x/' in title"], 2, "there is no title with 'x/'. There are: a-weird Filename.asdf.jpg, "),
        (["--where", "shape == 'polygon'", "--dry-run"], 2, "no shape 'polygon'. There is: bounding_box."),
        (["--where", "10 / 0 > 1"], 2, "no annotation fits --where '10 / 0 > 1'; there are 16."),
        (["--where", "area > 0", "--to", "coko"], 6, "Did you mean 'coco'?"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(
    arguments: list[str], code: int, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["select", BOXES, str(tmp_path / "out"), *arguments]) == code
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# --- splits and merging -----------------------------------------------------------------------------------------------


def splits_of(labels: LabelSet) -> dict[str, str]:
    return {row.data_title: (row.client_metadata or {}).get("split", "") for row in labels.walk()}


@pytest.mark.parametrize("source", [SUBSETS, BOXES, VIDEO, "fixtures/coco/coco-annotator"])
def test_rows_are_split_as_the_option_of_targets_does(source: str) -> None:
    from encord_convert.training.splits import Assignment

    shares = {"train": 0.5, "val": 0.25, "test": 0.25}
    labels = read(source, report=Report())
    for seed in range(3):
        assignment = Assignment(labels, "train=0.5,val=0.25,test=0.25", seed, "row", lambda row: True)
        expected = {row.data_title: assignment.of(row, lambda *_: None) for row in labels.walk()}
        assert (
            splits_of(labels.split(**shares, seed=seed))
            == expected
            == splits_of(  # type: ignore[arg-type]
                in_rows(source).split(**shares, seed=seed)  # type: ignore[arg-type]
            )
        )
    parts = [labels.split(**shares).filter(f"split == {name!r}") for name in shares]  # type: ignore[arg-type]
    assert sorted(title for part in parts for title in titles(part)) == sorted(titles(labels))
    with pytest.raises(OptionError, match=r"the shares add up to 0\.9, not 1"):
        labels.split(train=0.7, val=0.2)


def test_rows_that_change_splits_are_told_as_edited() -> None:
    report = Report()
    labels = read(SUBSETS, report=report).split(val=1.0)
    write(labels, MemoryTarget(), "encord", report=report)
    assert set(splits_of(labels).values()) <= {"val", "train"}
    told = [loss for loss in report.losses() if loss.code == "EDITED"]
    assert told and all(loss.is_asked for loss in told)


def test_merged_sets_have_the_rows_and_the_counts_of_each() -> None:
    boxes, shapes = read(BOXES, report=Report()), read(CVAT, report=Report())
    merged = boxes.filter('class == "dog"').merge(shapes, SAMPLES["boxes"]())
    assert titles(merged) == [*titles(boxes), *titles(shapes), *titles(SAMPLES["boxes"]())]
    report = Report()
    write(merged, MemoryTarget(), "encord", report=report)
    assert {loss.code for loss in report.losses() if loss.is_asked} == {"FILTERED"}
    total = sum(row["in"] for row in report.labels().values())
    alone = Report()
    write(shapes, MemoryTarget(), "encord", report=alone)
    of_shapes = sum(row["in"] for row in alone.labels().values())
    assert total == len(objects(boxes)) + of_shapes + len(objects(SAMPLES["boxes"]()))
    assert all(min(row.values()) >= 0 for row in report.counts().values())
    assert objects(boxes) == objects(read(BOXES, report=Report())), "the first is as it was"


@pytest.mark.parametrize("other", ["train.json", None])
def test_what_is_merged_has_to_be_a_label_set(other: Any) -> None:
    with pytest.raises(OptionError, match=rf"^merge: {other!r} is not a label set\. Read it with encord_convert\.read"):
        SAMPLES["boxes"]().merge(other)
    with pytest.raises(OptionError, match=r"^merge: 'train' is not a label set\."):
        LabelSet.merge("train")  # type: ignore[arg-type]


def test_merged_files_that_name_splits_are_in_them(tmp_path: Path) -> None:
    for name in ("train", "val"):
        write(read(BOXES, report=Report()), tmp_path / f"{name}.json", "coco", report=Report())
    merged = read(tmp_path / "train.json", report=Report()).merge(read(tmp_path / "val.json", report=Report()))
    assert [row.client_metadata["split"] for row in merged.walk()] == ["train", "train", "val", "val"]  # type: ignore[index]
