"""Masks as run lengths: one example in every dialect, what comes back, what is refused."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from encord_convert import Report, convert, formats, read, write
from encord_convert._samples import SAMPLES, Sample
from encord_convert.errors import OptionError, ReadError
from encord_convert.formats._files import MemorySource, MemoryTarget
from encord_convert.formats.masks.rle_dialects import Reading, decoded, encoded
from encord_convert.formats.masks.rle_files import DIALECTS
from encord_convert.geometry import rle
from encord_convert.geometry.paintings import BoxRuns
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import EllipseCoordinates
from encord_convert.testing import hub_of

M = np.array([[0, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], bool)
BRUSH = [0, 0, 0, 80, 57, 27, 252, 96, 19, 255, 219, 0, 183, 255, 108, 2, 127, 252, 38, 1, 31, 248]
EXAMPLE: dict[str, Any] = {
    "coco": {"size": [4, 5], "counts": "42210O2O"},
    "coco-counts": {"size": [4, 5], "counts": [4, 2, 2, 3, 2, 2, 4, 1]},
    "encord": {"top": 0, "left": 0, "height": 4, "width": 5, "rleString": "12310O2O"},
    "cvat": {"rle": "0, 2, 2, 3, 2, 2, 4, 1", "left": 1, "top": 0, "width": 4, "height": 4},
    "label-studio": {"format": "rle", "rle": BRUSH, "original_width": 5, "original_height": 4},
    "kaggle": "5 2 9 3 14 2 20 1",
}


def box_runs(mask: np.ndarray) -> BoxRuns:
    height, width = mask.shape
    return rle.box_runs_from_frame_runs(rle.runs_from_mask(mask), width, height)


def pixels(mask: BoxRuns, width: int, height: int) -> np.ndarray:
    return rle.mask_from_runs(rle.frame_runs_from_box_runs(*mask, width, height), height, width)


@pytest.mark.proves("pixels: 33")
def test_the_example_in_every_dialect_both_ways() -> None:
    for dialect in DIALECTS:
        value = encoded(dialect, box_runs(M), 5, 4)  # type: ignore[arg-type]
        assert value == EXAMPLE.get(dialect, value)
        back = decoded(dialect, value, 5, 4, Reading())  # type: ignore[arg-type]
        assert (pixels(back, 5, 4) == M).all()
    supervisely = encoded("supervisely", box_runs(M), 5, 4)
    assert supervisely["origin"] == [1, 0]


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=24)).filter(lambda m: m.any()))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_inverted(dialect: Any, mask: np.ndarray) -> None:
    height, width = mask.shape
    through_json = msgspec.json.decode(msgspec.json.encode(encoded(dialect, box_runs(mask), width, height)))
    assert (pixels(decoded(dialect, through_json, width, height, Reading()), width, height) == mask).all()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("runs", [[0, 3_000_000], [2_999_999, 1], [0, 1, 2_999_999], [1_400_000, 1_300_000, 300_000]])
def test_long_runs_survive_every_dialect(dialect: Any, runs: list[int]) -> None:
    mask = rle.box_runs_from_frame_runs(runs, 2000, 1500)
    back = decoded(dialect, encoded(dialect, mask, 2000, 1500), 2000, 1500, Reading())
    assert rle.frame_runs_from_box_runs(*back, 2000, 1500).tolist() == runs


def written(labels: LabelSet, **options: Any) -> dict[str, bytes]:
    exporter = formats()["rle"].exporter
    assert exporter is not None
    with MemoryTarget() as target:
        exporter.write(labels, target, exporter.options(**options), Report())
    return target.files


def read_back(files: dict[str, bytes], **options: Any) -> LabelSet:
    importer = formats()["rle"].importer
    assert importer is not None
    return importer.read(MemorySource(files), importer.options(**options), Report())


@pytest.mark.parametrize("container", ["jsonl", "csv"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("sample", ["bitmasks", "tracks", "polygon_with_hole", "answers", "empty_rows", "image_group"])
def test_the_dialect_changes_nothing_of_what_survives(sample: str, dialect: str, container: str) -> None:
    plain = read_back(written(SAMPLES[sample]()))
    assert hub_of(read_back(written(SAMPLES[sample](), dialect=dialect, container=container))) == hub_of(plain)


def named(name: str) -> LabelSet:
    s = Sample(title='a,"b"\n.png')
    s.place(s.draft.add_object(name, Shape.BITMASK), BitmaskCoordinates(np.eye(30, 40, dtype=bool)))
    return s.done()


def test_names_with_commas_quotes_and_breaks_survive_csv() -> None:
    files = written(named('oil, "thick"\nspill'), dialect="kaggle", container="csv")
    assert hub_of(read_back(files)) == hub_of(named('oil, "thick"\nspill'))
    alone = read_back({"masks.csv": files["masks.csv"]})
    assert [row.data_title for row in alone] == ['a,"b"\n.png']
    assert [item.title for item in alone.ontology.objects] == ['oil, "thick"\nspill']


def test_csv_has_a_line_for_a_image_without_masks() -> None:
    labels = LabelSet(*(lambda one: (one.ontology, one._rows))(named("x")))
    s = Sample()
    s.draft.add_object("x", Shape.BITMASK)
    text = written(s.done(), container="csv")["masks.csv"].decode()
    assert text.splitlines()[1] == "cam/1.png,0,,40,30,,"
    assert len(list(labels)) == 1


# --- files of others ------------------------------------------------------------------------------------------------


def masks_in(labels: LabelSet) -> list[tuple[str, str, list[list[int]]]]:
    return [
        (row.data_title, one.object_name, one.get_annotation(0).coordinates.to_numpy_array().astype(int).tolist())  # type: ignore[union-attr]
        for row in labels
        for one in row.get_object_instances()
    ]


EXPECTED = M.astype(int).tolist()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("ImageId,EncodedPixels\na,5 2 9 3 14 2 20 1\n", {}),
        ("ImageId,EncodedPixels,ClassId\na,5 2 9 3 14 2 20 1,object\n", {}),
        ("Image_Label,EncodedPixels\na_object,5 2 9 3 14 2 20 1\n", {}),
        ("ImageId,EncodedPixels\na,2 2 7 3 13 2 20 1\n", {"order": "rows"}),
        ("ImageId,EncodedPixels\na,1 2 6 3 12 2 19 1\n", {"order": "rows", "first": 0}),
        ("ImageId,EncodedPixels\na,4 2 2 3 2 2 4 1\n", {"relative": True}),
    ],
)
def test_kaggle_files_are_read_with_their_dialect_of_pairs(text: str, options: dict[str, Any]) -> None:
    assert masks_in(read_back({"t.csv": text.encode()}, size="5x4", **options)) == [("a", "object", EXPECTED)]


def test_records_need_no_dialect_where_their_keys_tell_it() -> None:
    for mask in EXAMPLE.values():
        line = {"image": "a", "class": "spill", "width": 5, "height": 4, "mask": mask}
        labels = read_back({"a.jsonl": json.dumps(line).encode()})
        assert masks_in(labels) == [("a", "spill", EXPECTED)]


def test_a_list_of_coco_segmentations_is_read_when_it_is_named() -> None:
    entries = [{"image_id": 7, "category_id": 3, "segmentation": EXAMPLE["coco"]}]
    assert masks_in(read_back({"a.json": json.dumps(entries).encode()}, dialect="coco")) == [("7", "3", EXPECTED)]


def test_shapes_of_label_studio_that_are_no_brushes_are_counted() -> None:
    report = Report()
    labels = read(Path(__file__).parents[2] / "fixtures" / "rle" / "label-studio", report=report)
    assert len(list(labels)) == 1
    assert labels.counts is not None
    assert [(loss.code, loss.type, loss.label, loss.count) for loss in labels.counts.losses()] == [
        ("UNSUPPORTED_SHAPE", "rectanglelabels", "car", 1)
    ]


def test_ellipses_of_label_studio_are_ellipses_with_their_answers() -> None:
    at = {"x": 50, "y": 40, "radiusX": 20.0, "radiusY": 10, "rotation": 30}
    about = {"to_name": "image", "original_width": 200, "original_height": 100, "image_rotation": 0}
    results = [
        {**about, "id": "a", "type": "ellipselabels", "from_name": "e", "value": {**at, "ellipselabels": ["pond"]}},
        {**about, "id": "a", "type": "choices", "from_name": "frozen", "value": {**at, "choices": ["yes"]}},
        {**about, "id": "b", "type": "ellipse", "from_name": "e", "value": at},
        {**about, "id": "b", "type": "labels", "from_name": "l", "value": {**at, "labels": ["lake"]}},
        {**about, "id": "c", "type": "ellipselabels", "from_name": "e",
         "value": {**at, "radiusX": None, "ellipselabels": ["pond"]}},
    ]  # fmt: skip
    tasks = [{"id": 1, "data": {"image": "a.png"}, "annotations": [{"id": 1, "result": results}]}]
    labels = read_back({"project.json": json.dumps(tasks).encode()})
    [row] = labels
    pond, lake = row.get_object_instances()
    assert pond.get_annotation(0).coordinates == EllipseCoordinates(0.5, 0.4, 0.2, 0.1, 30)
    assert [(one.object_name, one.ontology_item.shape.value) for one in (pond, lake)] == [
        ("pond", "ellipse"), ("lake", "ellipse"),
    ]  # fmt: skip
    [(question, answer)] = pond._static_answers()
    assert (question.name, answer.label) == ("frozen", "yes")
    assert labels.counts is not None
    assert [(loss.code, loss.type, loss.count) for loss in labels.counts.losses()] == [
        ("UNSUPPORTED_SHAPE", "ellipselabels", 1)
    ]
    assert labels.counts.into["ellipse", "pond"] == 1


def test_pairs_scanned_the_other_way_are_told_and_not_rotated() -> None:
    y, x = np.mgrid[:60, :90]
    disc = (x - 40) ** 2 + (y - 25) ** 2 < 400
    starts = np.flatnonzero(np.diff(np.concatenate([[0], disc.ravel(), [0]])))
    text = " ".join(f"{a + 1} {b - a}" for a, b in zip(starts[0::2], starts[1::2], strict=True))
    labels = read_back({"t.csv": f"ImageId,EncodedPixels\na,{text}\n".encode()}, size="90x60")
    assert int(sum(map(sum, masks_in(labels)[0][2]))) == int(disc.sum())
    assert labels.counts is not None
    [note] = labels.counts.notes()
    assert (note.code, note.count) == ("SCAN_DOUBTFUL", 1)
    assert note.detail.endswith("Is it -r order=rows?")


def record(mask: Any, **more: Any) -> dict[str, bytes]:
    line = {"image": "a", "width": 5, "height": 4, "dialect": "coco", "mask": mask, **more}
    return {"a.jsonl": json.dumps(line).encode()}


def table(pixels: str) -> dict[str, bytes]:
    return {"a.csv": f"ImageId,EncodedPixels\na,{pixels}\n".encode()}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (record({"size": [5, 4], "counts": "42210O2O"}), r"a.jsonl:1: 'a': .*\[5, 4\].* Are height and width swapped"),
        (record({"size": [4, 5], "counts": [4, 2]}), "runs sum to 6 pixels, but 4 x 5"),
        (record({"size": [4, 5], "counts": [4, 2, 20]}), "runs sum to 26 pixels"),
        (record({"size": [4, 5], "counts": [21, -1]}), r"Run 1 \(counted from 0\) is -1"),
        (record({"size": [4, 5], "counts": [4.5, 15.5]}), "Runs are whole numbers"),
        (record({"size": [4, 5], "counts": "4~"}), 'characters from "0" to "o"'),
        (record({"size": [4, 5]}), "has a key 'counts'; this has not"),
        (record({"size": [4, 5], "counts": None}), "has numbers, lists and texts elsewhere|Runs are"),
        (record(7), "is an object; this is int"),
        (
            record({"rle": "20", "left": 3, "top": 0, "width": 5, "height": 4}, dialect="cvat"),
            "leaves its image of 5 x 4",
        ),
        (
            record({"rle": "20", "left": 0.5, "top": 0, "width": 5, "height": 4}, dialect="cvat"),
            "whole pixels, not 0.5",
        ),
        (record({"rle": "a", "left": 0, "top": 0, "width": 5, "height": 4}, dialect="cvat"), "separated by commas"),
        (record({"rle": [4, 2, 300]}, dialect="label-studio"), "run lengths of another dialect"),
        (record({"data": "x", "origin": [0, 0]}, dialect="supervisely"), "is base64; this is not"),
        (record({"data": "", "origin": 7}, dialect="supervisely"), "numbers, lists and texts elsewhere"),
        (
            record({"rleString": True, "left": 0, "top": 0, "width": 5, "height": 4}, dialect="encord"),
            "Run lengths in a string are text; this is bool",
        ),
        (record("1 2", dialect="morse"), "the dialect 'morse' is not a known dialect: coco, "),
        (record("1 2", width=1 << 20, height=1 << 20, dialect="kaggle"), "larger than the 268435456 pixels"),
        (record("1 2", width=-5, dialect="kaggle"), "cannot be negative"),
        (table("1 2 3"), "a.csv:2: 'a': Pairs are a start and a length each"),
        (table("1 2,3"), "a.csv:2: has 3 columns; its first line names 2"),
        (
            {"a.csv": b"EncodedPixels\n1 2\n"},
            "a.csv:1: has the columns EncodedPixels; the image or its run lengths are in none that is known",
        ),
        ({"a.csv": b'ImageId,EncodedPixels\na,"1 2\n'}, "is not CSV in UTF-8"),
        ({"a.csv": b"ImageId,EncodedPixels\n\xff,1 2\n"}, "is not CSV in UTF-8"),
        ({"a.jsonl": b'{"dialect":"coco","mask":'}, "a.jsonl:1: is not JSON"),
        ({"a.jsonl": b'{"dialect":"coco","mask":1}'}, 'a mask has no "image"'),
        (
            {"a.jsonl": b'{"image":{"a":1},"dialect":"coco","mask":1}'},
            'expected the name of a file or a number as "image"',
        ),
        ({"a.json": b"hello"}, "holds no run lengths in a known dialect"),
    ],
)
def test_damaged_masks_are_refused_with_a_sentence(files: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(ReadError, match=sentence):
        list(read_back(files, size="5x4"))


def test_a_image_whose_size_nobody_knows_asks_for_it() -> None:
    with pytest.raises(ReadError, match=r"the size of 'a' is not known. Give it with -r size=WIDTHxHEIGHT."):
        list(read_back(table("1 2")))


def test_a_record_that_is_missing_is_told() -> None:
    files = written(SAMPLES["bitmasks"]())
    with pytest.raises(ReadError, match=r"masks.jsonl: has no mask 1 that labels.jsonl has not named before"):
        list(read_back({**files, "masks.jsonl": b""}))
    with pytest.raises(ReadError, match=r"has no file 'masks.jsonl', which classes.json names"):
        read_back({name: data for name, data in files.items() if name != "masks.jsonl"})


def classes_with(records: Any) -> dict[str, bytes]:
    files = written(SAMPLES["bitmasks"]())
    return {**files, "classes.json": json.dumps({**json.loads(files["classes.json"]), "records": records}).encode()}


def test_records_are_read_from_the_file_that_classes_json_names() -> None:
    files = classes_with("others.jsonl")
    with pytest.raises(ReadError, match=r"has no file 'others.jsonl', which classes.json names"):
        read_back(files)
    files["others.jsonl"] = files.pop("masks.jsonl")
    assert hub_of(read_back(files)) == hub_of(read_back(written(SAMPLES["bitmasks"]())))


@pytest.mark.parametrize("records", [{"was": "masks.jsonl"}, ["masks.jsonl"], 7, True])
def test_records_that_name_no_file_are_counted(records: Any, tmp_path: Path) -> None:
    for name, data in classes_with(records).items():
        (tmp_path / name).write_bytes(data)
    report = convert(tmp_path, tmp_path / "out", to="rle", report=Report())
    assert any("'classes.json.records'" in entry.detail for entry in (*report.losses(), *report.notes()))


def test_a_record_that_no_label_names_is_told(tmp_path: Path) -> None:
    files = written(SAMPLES["bitmasks"]())
    files["masks.jsonl"] += 2 * files["masks.jsonl"].splitlines(keepends=True)[0]
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    report = convert(tmp_path, tmp_path / "out", to="rle", report=Report())
    assert [(note.code, note.count) for note in report.notes()] == [("FILE_NOT_READ", 2)]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": "5"}, "WIDTHxHEIGHT"),
        ({"first": 2}, "0 or 1"),
        ({"threshold": 0}, "1 to 255"),
        ({"label": ""}, "a word"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ImageId,EncodedPixels\n")
    with pytest.raises(OptionError, match=sentence):
        read(tmp_path / "a.csv", "rle", **options)


def test_cvat_masks_come_back_from_coco_runs_pixel_for_pixel(tmp_path: Path) -> None:
    xml = (
        "<annotations><version>1.1</version><meta><task><labels><label><name>a</name></label></labels></task></meta>"
        '<image id="0" name="a.jpg" width="20" height="15">'
        '<mask label="a" rle="1, 2, 2, 1, 6" left="10" top="5" width="4" height="3" occluded="0" z_order="0"/>'
        "</image></annotations>"
    )
    (tmp_path / "a.xml").write_text(xml)
    write(read(tmp_path / "a.xml"), tmp_path / "out", "rle", report=Report(), dialect="cvat")
    line = json.loads((tmp_path / "out" / "masks.jsonl").read_text())
    [(_, _, mask)] = masks_in(read(tmp_path / "out"))
    assert np.argwhere(np.array(mask)).tolist() == [[5, 11], [5, 12], [6, 11]]
    assert line["mask"] == {"rle": "0, 3, 1", "left": 11, "top": 5, "width": 2, "height": 2}
