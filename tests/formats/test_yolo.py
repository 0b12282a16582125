"""YOLO: tasks, layouts and descriptions as they are met, damage row by row, and what is written of everything."""

import io
import json
import os
import random
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encord_convert import ReadError, Report, convert, read, write
from encord_convert.errors import UndetectedFormatError
from encord_convert.formats import Match, detect, formats
from encord_convert.formats._files import FolderSource, MemorySource, MemoryTarget, source_at
from encord_convert.formats.yolo.page import FORMAT
from encord_convert.formats.yolo.rows import page_of
from encord_convert.hub.headers import header_in
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.media import read_header
from encord_convert.hub.splits import split_of
from encord_convert.hub.table import Table
from encord_convert.losses.compare import diff
from encord_convert.sdk.objects.coordinates import Visibility
from encord_convert.testing import FormatLaws, hub_of
from encord_convert.training import write_target

FIXTURES = Path(__file__).parents[2] / "fixtures" / "yolo"
HELD = {
    "coco-excerpt-segmentation": ({"polygon": 3}, {"kite": 0, "person": 1, "elephant": 1, "sports ball": 1}),
    "cvat-ultralytics-pose": ({"skeleton": 1}, {"skeleton_label": 1}),
    "cvat-ultralytics-segmentation": ({"polygon": 2}, {"label_2": 1, "label_4": 1}),
    "label-studio-export": ({"box": 25}, {"closed_door": 10, "opened_door": 1, "bus": 8, "number": 6}),
}
"""Rows by what they are, and by class: what `expected.json` beside the samples says."""

NAMES = "names: [cat, dog, 'traffic light']\n"
YAML = f"train: images/train\nval: images/val\n{NAMES}"
BOX = "0 0.5 0.5 0.2 0.2\n"
RING = "1 0.1 0.1 0.5 0.1 0.5 0.5\n"
POSE = "0 0.25 0.3 0.3 0.4 0.1 0.1 2 0.3 0.5 1 0 0 0\n"


def png(width: int = 64, height: int = 48, **more: Any) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, "PNG", **more)
    return stream.getvalue()


def jpeg(width: int = 64, height: int = 48, orientation: int = 1) -> bytes:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height)).save(stream, "JPEG", **({"exif": exif} if orientation > 1 else {}))
    return stream.getvalue()


IMAGE = png()


def memory(files: dict[str, str | bytes]) -> MemorySource:
    return MemorySource({name: data.encode() if isinstance(data, str) else data for name, data in files.items()})


def one(rows: str | bytes, yaml: str = YAML, **more: str | bytes) -> dict[str, str | bytes]:
    return {"data.yaml": yaml, "images/train/a.png": IMAGE, "labels/train/a.txt": rows, **more}


def reading(files: dict[str, str | bytes], **options: Any) -> tuple[LabelSet, Report]:
    report = Report()
    labels = read(memory(files), "yolo", report=report, **options)
    list(labels.walk())
    return labels, report


def shapes(labels: LabelSet) -> Counter[str]:
    return Counter(one.ontology_item.shape.value for row in labels.walk() for one in row._objects.values())


def classes(labels: LabelSet) -> Counter[str]:
    return Counter(one.object_name for row in labels.walk() for one in row._objects.values())


def notes(report: Report) -> dict[str, int]:
    return {note.code: note.count for note in report.notes()}


def lost(report: Report) -> dict[str, int]:
    return {loss.code: loss.count for loss in report.losses()}


def titles(labels: LabelSet) -> list[tuple[str, str]]:
    return [(row.data_title, split_of(row.client_metadata)) for row in labels.walk()]


def first(labels: LabelSet) -> Any:
    [instance, *_] = next(iter(labels.walk()))._objects.values()
    return instance._frames[0].coordinates


def options_of(case: Path) -> dict[str, Any]:
    return json.loads(file.read_text()) if (file := case / "options.json").exists() else {}


# --- the samples -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HELD)
def test_a_sample_reads_with_the_counts_of_its_rows(name: str) -> None:
    types, by_class = HELD[name]
    report = Report()
    labels = read(FIXTURES / name, "yolo", report=report, **options_of(FIXTURES / name))
    list(labels.walk())
    found = {type_: row["in"] for type_, row in report.counts().items()}
    assert found.pop("image") == len(labels)
    assert found == types
    assert {key: row["kept"] for key, row in report.labels().items()} == {k: n for k, n in by_class.items() if n}
    assert not report.losses()


@pytest.mark.parametrize("name", HELD)
def test_a_sample_goes_to_coco_and_encord_and_back(name: str, tmp_path: Path) -> None:
    case, options = FIXTURES / name, options_of(FIXTURES / name)
    labels = read(case, "yolo", report=Report(), **options).held()
    for format_ in ("coco", "encord"):
        report = Report()
        convert(case, tmp_path / format_, from_="yolo", to=format_, read_options=options, report=report)
        assert not [loss for loss in report.losses() if loss.type != "key"]
        back = read(tmp_path / format_, format_, report=Report())
        assert not list(diff(labels, back, tolerance_px=0.01))


@pytest.mark.parametrize("name", HELD)
def test_pycocotools_loads_what_coco_gets_and_scores_it_1_against_itself(name: str, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    case = FIXTURES / name
    kind = {"polygon": "segm", "box": "bbox", "skeleton": "keypoints"}[next(iter(HELD[name][0]))]
    convert(case, tmp_path / "out", from_="yolo", to="coco", read_options=options_of(case), report=Report())
    truth = coco.COCO(str(tmp_path / "out" / "annotations.json"))
    assert len(truth.anns) == sum(HELD[name][0].values())
    for one in truth.anns.values():
        one["ignore"] = 0
    found = truth.loadRes([{**one, "score": 0.9} for one in truth.anns.values()])
    score = COCOeval(truth, found, kind)
    if kind == "keypoints":
        score.params.kpt_oks_sigmas = np.full(3, 0.1)
    score.evaluate()
    score.accumulate()
    precision = score.eval["precision"][..., 0, -1]  # of any area, with the most detections
    assert precision[precision > -1].min() == pytest.approx(1)


class TestYolo(FormatLaws):
    format = FORMAT


class TestYoloSegments(FormatLaws):
    format = formats()["yolo-seg"]


class TestYoloRotated(FormatLaws):
    format = formats()["yolo-obb"]


class TestYoloSkeletons(FormatLaws):
    format = formats()["yolo-pose"]


# --- what rows are ---------------------------------------------------------------------------------------------------

CORNERS = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n"


@pytest.mark.parametrize(
    ("rows", "yaml", "shape", "rule"),
    [
        (BOX, YAML, {"bounding_box": 1}, "rows have 5 values"),
        ("0 .5 .5 .2 .2 .9\n" + BOX, YAML, {"bounding_box": 2}, "rows have 5 values"),
        ("0 .5 .5 .2 .2 .9 3\n0 .5 .5 .2 .2 .8 4\n", YAML, {"bounding_box": 2}, "rows have 5 values"),
        (RING, YAML, {"polygon": 1}, "7 or more values"),
        (RING.strip() + " 0.9\n", YAML, {"polygon": 1}, "7 or more values"),
        (RING + BOX, YAML, {"polygon": 1, "bounding_box": 1}, "7 or more values"),
        (CORNERS, YAML, {"rotatable_bounding_box": 1}, "and are rectangles"),
        (CORNERS.replace("0.1 0.5\n", "0.3 0.6\n"), YAML, {"polygon": 1}, "7 or more values"),
        (CORNERS, YAML + "task: segment\n", {"polygon": 1}, "data.yaml says so"),
        (POSE, YAML + "kpt_shape: [3, 3]\n", {"skeleton": 1}, "kpt_shape says so"),
    ],
)
def test_the_task_is_decided_for_all_rows_and_told(rows: str, yaml: str, shape: dict[str, int], rule: str) -> None:
    labels, report = reading(one(rows, yaml))
    assert shapes(labels) == shape
    [told] = [note.detail for note in report.notes() if note.code == "TASK"]
    assert rule in told
    assert not report.losses()


def test_an_option_says_the_task() -> None:
    labels, report = reading(one(CORNERS), task="segment")
    assert shapes(labels) == {"polygon": 1}
    assert any("-r task says so" in note.detail for note in report.notes())


def test_a_box_is_given_by_its_centre() -> None:
    box = first(reading(one("0 0.5 0.5 0.2 0.4\n"))[0])
    assert (box.top_left_x, box.top_left_y, box.width, box.height) == pytest.approx((0.4, 0.3, 0.2, 0.4))


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("angle", [0, 30, 100, 200, 315])
def test_the_angle_of_four_corners_survives_the_whole_circle(angle: int, way: int) -> None:
    from encord_convert.geometry.boxes import corners_from_rotated

    corners = np.reshape(corners_from_rotated(20, 20, 16, 8, angle), (4, 2))
    if way < 0:  # counter-clockwise, along the same first side
        corners = corners[[3, 2, 1, 0]]
    row = " ".join(f"{x / 64:.9f} {y / 48:.9f}" for x, y in corners)
    labels, _ = reading(one(f"0 {row}\n"))
    box = first(labels)
    assert box.theta == pytest.approx(angle, abs=1e-4)
    assert (box.width * 64, box.height * 48) == pytest.approx((16, 8))
    files = written(labels, "yolo-obb")
    again = first(read(MemorySource(files), report=Report()))
    assert again.theta == pytest.approx(angle, abs=0.01)


def test_corners_without_right_angles_are_a_polygon() -> None:
    skewed = "0 0.1 0.1 0.5 0.2 0.5 0.5 0.1 0.5\n"
    labels, report = reading(one(CORNERS + skewed, YAML + "task: obb\n"))
    assert shapes(labels) == {"rotatable_bounding_box": 1, "polygon": 1}
    assert notes(report)["INVALID_ROTATION"] == 1


def test_keypoints_have_names_visibilities_and_a_box_of_their_own() -> None:
    yaml = YAML + "kpt_shape: [3, 3]\nkpt_names: {0: [nose, eye, ear]}\nflip_idx: [0, 2, 1]\n"
    labels, _ = reading(one(POSE, yaml))
    points = first(labels).values
    assert [(one.name, one.visibility) for one in points] == [
        ("nose", Visibility.VISIBLE),
        ("eye", Visibility.OCCLUDED),
        ("ear", Visibility.INVISIBLE),
    ]
    [row] = labels.walk()
    [keys] = [frames[0] for frames in row._native.labels.values()]
    assert keys["bbox"] == pytest.approx([6.4, 4.8, 19.2, 19.2])
    data = written(labels, "yolo-pose")
    assert data["labels/train/a.txt"].decode().split() == [
        f"{float(n):.6f}" if "." in n else n for n in POSE.split()[:-3]
    ] + ["0.000000", "0.000000", "0"]
    assert b"flip_idx: [0, 2, 1]" in data["data.yaml"]


def test_keypoints_of_two_numbers_are_visible_unless_they_are_at_the_origin() -> None:
    labels, _ = reading(one("0 .2 .3 .2 .4 .1 .1 0 0\n", YAML + "kpt_shape: [2, 2]\n"))
    assert [one.visibility for one in first(labels).values] == [Visibility.VISIBLE, Visibility.INVISIBLE]


@pytest.mark.parametrize("short", ["0 .5 .5 .2 .2\n", "0 .5 .5 .2 .2 .3 .4 2 .5 .6 1 .7 0\n", "0 .5 .5 .2 .2 .9\n"])
def test_a_row_that_kpt_shape_does_not_fit_leaves_the_other_skeletons_as_they_are(short: str) -> None:
    yaml = YAML + "kpt_shape: [3, 3]\n"
    labels, report = reading(one(POSE + short + POSE, yaml))
    assert shapes(labels) == {"skeleton": 2}
    assert lost(report) == {"VALUE_COUNT": 1}
    assert [point.visibility for point in first(labels).values] == [
        Visibility.VISIBLE, Visibility.OCCLUDED, Visibility.INVISIBLE,
    ]  # fmt: skip
    assert not {"KEYPOINT_CONFIDENCE", "VISIBILITY_UNKNOWN"} & set(notes(report))


def test_confidences_of_some_polygons_alone_are_doubted() -> None:
    scored = RING.strip() + " 0.9\n"
    assert notes(reading(one(RING + scored + RING))[1])["CONFIDENCE_DOUBTFUL"] == 1
    assert "CONFIDENCE_DOUBTFUL" not in notes(reading(one(scored + scored))[1])
    assert "CONFIDENCE_DOUBTFUL" not in notes(reading(one(RING + RING + BOX))[1])


def test_a_row_that_a_kpt_shape_of_places_does_not_fit_is_lost_alone() -> None:
    whole = "0 .5 .5 .5 .5 .3 .4 .5 .6 .7 .4\n"
    labels, report = reading(one(whole + BOX + whole, YAML + "kpt_shape: [3, 2]\n"))
    assert (shapes(labels), lost(report)) == ({"skeleton": 2}, {"VALUE_COUNT": 1})


def test_a_kpt_shape_that_no_row_fits_is_told() -> None:
    labels, report = reading(one(BOX + BOX, YAML + "kpt_shape: [3, 3]\n"))
    assert shapes(labels) == {"bounding_box": 2}
    assert notes(report)["INVALID_YAML"] == 1


@pytest.mark.parametrize("yaml", [YAML, YAML + "task: segment\n"])
def test_a_polygon_that_was_cut_short_is_not_a_box_with_a_confidence(yaml: str) -> None:
    labels, report = reading(one(RING + "0 0.1 0.1 0.2 0.2 0.3\n" + RING, yaml))
    assert shapes(labels) == {"polygon": 2}
    assert lost(report) == {"VALUE_COUNT": 1}
    assert "confidence" not in report.counts()


def test_the_place_of_an_unlabelled_keypoint_is_kept() -> None:
    labels, _ = reading(one("0 .2 .3 .2 .4 .1 .1 0 .3 .3 2\n", YAML + "kpt_shape: [2, 3]\n"))
    point = first(labels).values[0]
    assert (point.visibility, point.x) == (Visibility.INVISIBLE, 0.1)


def test_confidences_of_keypoints_are_named_as_not_kept() -> None:
    _, report = reading(one("0 .2 .3 .2 .4 .1 .1 .9 .3 .3 .8 .7\n", YAML + "kpt_shape: [2, 3]\n"))
    assert notes(report)["KEYPOINT_CONFIDENCE"] == 2


def test_a_prediction_is_not_made_by_hand_and_keeps_its_confidence() -> None:
    labels, report = reading(one("0 .5 .5 .2 .2 .25\n"))
    [row] = labels.walk()
    [instance] = row._objects.values()
    info = instance._frames[0].object_frame_instance_info
    assert (info.confidence, info.manual_annotation) == (0.25, False)
    assert report.counts()["confidence"]["in"] == 1
    assert (
        written(labels, "yolo", confidence=True)["labels/train/a.txt"]
        == b"0 0.500000 0.500000 0.200000 0.200000 0.25\n"
    )
    report = Report()
    assert written(labels, "yolo", report)["labels/train/a.txt"] == b"0 0.500000 0.500000 0.200000 0.200000\n"
    assert lost(report) == {"CONFIDENCE_DROPPED": 1, "MANUAL_DROPPED": 1}


def test_numbers_of_tracks_are_told_from_confidences_and_carried_along(tmp_path: Path) -> None:
    labels, _ = reading(one("0 .5 .5 .2 .2 7\n1 .5 .5 .2 .2 8\n"))
    [row] = labels.walk()
    assert [frames[0] for frames in row._native.labels.values()] == [{"track_id": 7}, {"track_id": 8}]
    for format_ in ("coco", "yolo"):
        report = write(labels, tmp_path / format_, format_, report=Report())
        assert lost(report) == {"NATIVE_DROPPED": 2}
    report = Report()
    text = written(labels, "yolo", report, track_ids=True)["labels/train/a.txt"].decode()
    assert text == "0 0.500000 0.500000 0.200000 0.200000 7\n1 0.500000 0.500000 0.200000 0.200000 8\n"
    assert report.is_lossless


def test_a_polygon_that_runs_back_over_itself_is_split_on_request() -> None:
    ring = "0 " + " ".join(map(str, [0.1, 0.1, 0.4, 0.1, 0.4, 0.4, 0.6, 0.6, 0.9, 0.6, 0.9, 0.9, 0.6, 0.6, 0.4, 0.4]))
    _, report = reading(one(ring))
    assert notes(report)["PARTS_JOINED"] == 1
    labels, _ = reading(one(ring), bridges="split")
    assert [len(rings) for rings in first(labels).polygons] == [1, 1]


# --- layouts ---------------------------------------------------------------------------------------------------------

ROBOFLOW = {
    "README.dataset.txt": "Sharks\n",
    "train/images/a_jpg.rf.1.jpg": jpeg(),
    "train/labels/a_jpg.rf.1.txt": BOX,
    "valid/images/b_jpg.rf.2.jpg": jpeg(),
    "valid/labels/b_jpg.rf.2.txt": BOX,
}
LAYOUTS: dict[str, tuple[dict[str, str | bytes], list[tuple[str, str]]]] = {
    "ultralytics": (
        {
            "data.yaml": "path: ../datasets/x\n" + YAML,
            "images/train/a.png": IMAGE,
            "labels/train/a.txt": BOX,
            "images/val/b.png": IMAGE,
            "labels/val/b.txt": BOX,
        },
        [("a.png", "train"), ("b.png", "val")],
    ),
    "roboflow": (
        {
            "data.yaml": f"train: ../train/images\nval: ../valid/images\nnc: 3\n{NAMES}roboflow:\n  license: MIT\n",
            **ROBOFLOW,
        },
        [("a_jpg.rf.1.jpg", "train"), ("b_jpg.rf.2.jpg", "valid")],
    ),
    "another machine": (
        {
            "data.yaml": f"train: /home/somebody/sharks/train/images\nval: C:\\data\\sharks\\valid\\images\n{NAMES}",
            **ROBOFLOW,
        },
        [("a_jpg.rf.1.jpg", "train"), ("b_jpg.rf.2.jpg", "valid")],
    ),
    "lists": (
        {
            "data.yaml": f"path: .\ntrain: train.txt\nfold_b: fold_b.txt\n{NAMES}",
            "train.txt": "images/train/cam/a.png\n",
            "fold_b.txt": "images/fold_b/b.png\n",
            "images/train/cam/a.png": IMAGE,
            "labels/train/cam/a.txt": BOX,
            "images/fold_b/b.png": IMAGE,
            "labels/fold_b/b.txt": BOX,
        },
        [("b.png", "fold_b"), ("cam/a.png", "train")],
    ),
    "lists of folders": (
        {
            "data.yaml": f"train: [images/a, images/b]\nval: images/c\n{NAMES}",
            "images/a/1.png": IMAGE,
            "labels/a/1.txt": BOX,
            "images/b/2.png": IMAGE,
            "labels/b/2.txt": BOX,
            "images/c/3.png": IMAGE,
        },
        [("a/1.png", "train"), ("b/2.png", "train"), ("c/3.png", "val")],
    ),
    "darknet": (
        {
            "obj.data": "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n",
            "obj.names": "cat\ndog\n",
            "train.txt": "data/obj_train_data/a.png\n",
            "obj_train_data/a.png": IMAGE,
            "obj_train_data/a.txt": BOX,
        },
        [("a.png", "")],
    ),
    "label studio": (
        {"classes.txt": "cat\ndog\n", "notes.json": '{"categories": []}', "images/a.png": IMAGE, "labels/a.txt": BOX},
        [("a.png", "")],
    ),
    "labelImg": (
        {"classes.txt": "cat\n", "a.png": IMAGE, "a.txt": BOX, "b.JPG": jpeg()},
        [("a.png", ""), ("b.JPG", "")],
    ),
    "no list of classes": ({"images/a.png": IMAGE, "labels/a.txt": BOX}, [("a.png", "")]),
    "capital labels": ({"data.yaml": YAML, "images/a.png": IMAGE, "Labels/a.txt": BOX}, [("a.png", "")]),
    "stray list of classes": (
        {"data.yaml": YAML, "images/a.png": IMAGE, "labels/a.txt": BOX, "labels/classes.txt": "cat\ndog\n"},
        [("a.png", "")],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_images_labels_and_splits_are_found_in_every_layout(name: str) -> None:
    files, expected = LAYOUTS[name]
    assert FORMAT.identify(memory(files)) is Match.YES
    labels, report = reading(files)
    assert titles(labels) == expected
    assert sum(classes(labels).values()) == sum(data == BOX for data in files.values())
    assert not report.losses()


def test_a_yaml_file_that_is_named_stands_for_its_folder(tmp_path: Path) -> None:
    for name, data in one(BOX).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
    assert len(read(tmp_path / "data.yaml", report=Report())) == 1


def test_rows_of_dota_are_in_pixels_and_name_their_class() -> None:
    files: dict[str, str | bytes] = {
        "data.yaml": "train: ../train/images\nval: ../valid/images\nnames: [ship]\n",
        "train/images/a.png": IMAGE,
        "train/labelTxt/a.txt": "imagesource:x\ngsd:0.1\n8 8 24 8 24 16 8 16 ship 0\n8 8 24 8 24 16 8 16 plane 1\n",
    }
    labels, report = reading(files)
    assert classes(labels) == {"ship": 1, "plane": 1}
    box = first(labels)
    assert (box.top_left_x * 64, box.width * 64, box.height * 48) == pytest.approx((8, 16, 8))
    assert lost(report) == {"ATTRIBUTE_DROPPED": 1}


def test_folders_of_images_by_class_are_labels_of_images(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        f"{split}/{name}/1.png": IMAGE for split in ("train", "val") for name in ("cat", "dog")
    }
    assert FORMAT.identify(memory(files)) is Match.YES
    labels, report = reading(files)
    answers = [
        answer.label
        for row in labels.walk()
        for c in row._classifications.values()
        for _, answer in c._static_answers()
    ]
    assert answers == ["cat", "dog", "cat", "dog"]
    assert titles(labels)[0] == ("cat/1.png", "train")
    report = write(labels, tmp_path / "out", "coco", report=Report())
    assert report.is_lossless


def test_images_alone_are_no_data_set_of_classes() -> None:
    assert FORMAT.identify(memory({"cam1/a.png": IMAGE, "cam2/b.png": IMAGE})) is Match.NO


NDJSON = [
    {"type": "dataset", "task": "detect", "class_names": {"0": "cat", "1": "dog"}},
    {
        "type": "image",
        "file": "a.jpg",
        "split": "train",
        "width": 640,
        "height": 480,
        "annotations": {"boxes": [[1, 0.5, 0.5, 0.1, 0.2]]},
    },
    {"type": "image", "file": "b.jpg", "split": "valid", "width": 640, "height": 480, "annotations": {}},
]


def lines(*entries: Any) -> dict[str, str | bytes]:
    return {"x.ndjson": "".join(json.dumps(entry) + "\n" for entry in entries)}


def test_the_lines_of_one_file_are_images() -> None:
    assert FORMAT.identify(memory(lines(*NDJSON))) is Match.YES
    labels, _ = reading(lines(*NDJSON))
    assert titles(labels) == [("a.jpg", "train"), ("b.jpg", "valid")]
    assert classes(labels) == {"dog": 1}


def test_every_key_of_the_annotations_of_a_line_is_read() -> None:
    entry = {
        **NDJSON[1],
        "annotations": {"boxes": [[0, 0.5, 0.5, 0.1, 0.2]], "mine": [[1, 0.1, 0.1, 0.5, 0.1, 0.5, 0.5]]},
    }
    labels, _ = reading(lines({**NDJSON[0], "task": "segment"}, entry))
    assert shapes(labels) == {"bounding_box": 1, "polygon": 1}


def test_lines_of_images_with_a_class_each_are_labels_of_images() -> None:
    head = {**NDJSON[0], "task": "classify"}
    labels, report = reading(lines(head, {**NDJSON[1], "annotations": {"classification": [1]}}, NDJSON[2]))
    assert [len(row._classifications) for row in labels.walk()] == [1, 0]
    assert report.counts()["classification"] == {"in": 1, "kept": 1, "changed": 0, "dropped": 0}


@pytest.mark.parametrize("task", ["yolo", "yolo-seg", "yolo-obb", "yolo-pose"])
def test_what_is_written_as_lines_says_what_files_say(task: str) -> None:
    yaml = YAML + ("kpt_shape: [3, 3]\n" if task == "yolo-pose" else "")
    row = {"yolo": BOX, "yolo-seg": RING, "yolo-obb": CORNERS, "yolo-pose": POSE}[task]
    labels, _ = reading(one(row, yaml, **{"images/val/b.png": IMAGE}))
    files = read(MemorySource(written(labels, task)), report=Report())
    lined = read(MemorySource(written(labels, task, container="ndjson")), report=Report())
    assert not list(diff(files, lined))
    assert titles(lined) == titles(labels)


def test_a_line_that_is_cut_short_is_an_error_with_its_place() -> None:
    with pytest.raises(ReadError, match=r"x\.ndjson:2: is not JSON"):
        reading({"x.ndjson": json.dumps(NDJSON[0]) + '\n{"type": "image", "fi'})


# --- descriptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("names: [cat, dog]\n", ["cat", "dog"]),
        ("names:\n  0: cat\n  1: dog\n", ["cat", "dog"]),
        ("names:\n- cat\n- dog\n", ["cat", "dog"]),
        ("names: ['no', yes, 1.0, ~]\n", ["no", "yes", "1.0", "class_3"]),
        ("names: [\"driver's seat\", 'it''s']\n", ["driver's seat", "it's"]),
        ("names: cat\n", ["cat"]),
        ("names: \"['cat', 'dog']\"\n", ["cat", "dog"]),
        ("nc: 2\n", ["class_0", "class_1"]),
        ("names: [cat, cat]\n", ["cat", "cat (2)"]),
        ("names:\n\t0: cat\n\t1: dog\n", ["cat", "dog"]),
    ],
)
def test_classes_are_named_in_every_form(names: str, expected: list[str]) -> None:
    labels, _ = reading(one(BOX, f"train: images/train\nval: images/val\n{names}"))
    assert [item.name for item in labels.ontology.objects] == expected


def test_numbers_of_classes_with_gaps_are_read_as_they_are() -> None:
    labels, report = reading(one("5 .5 .5 .2 .2\n", "train: images/train\nval: images\nnames: {0: cat, 5: dog}\n"))
    assert classes(labels) == {"dog": 1}
    assert notes(report)["ID_RENUMBERED"] == 1


def test_without_names_the_highest_number_decides() -> None:
    labels, report = reading({"images/a.png": IMAGE, "labels/a.txt": "2 .5 .5 .2 .2\n"})
    assert [item.name for item in labels.ontology.objects] == ["class_0", "class_1", "class_2"]
    assert notes(report)["CLASS_NAMES_MISSING"] == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("nc: 7\n", "CLASS_COUNT"),
        ("task: dance\n", "UNKNOWN_KEY"),
        ("kpt_shape: [3, 3]\nflip_idx: [0, 0, 1]\n", "FLIP_UNKNOWN"),
        ("test: images/nowhere\n", "SPLIT_MISSING"),
        ("minival: {a: 1}\n", "INVALID_YAML"),
    ],
)
def test_what_is_wrong_with_a_description_is_told(more: str, code: str) -> None:
    _, report = reading(one(BOX, YAML + more))
    assert code in notes(report)


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("names: [cat\ntrain: x\n", "data.yaml:2: is not YAML"),
        ("names: {a: cat}\ntrain: x\n", "names a class by 'a'"),
        ("names: &a [cat]\ntrain: *a\n", "is an alias"),
        (f"{YAML}kpt_shape: [3, 9]\n", "has 'kpt_shape'"),
        (f"{YAML}names: [dog]\n", "'names' stands here twice"),
        ("names: " + "[" * 5000 + "\ntrain: x\n", "nests deeper than 50 levels"),
    ],
)
def test_a_description_that_cannot_be_read_is_an_error_with_its_place(yaml: str, said: str) -> None:
    with pytest.raises(ReadError) as error:
        reading(one(BOX, yaml))
    assert said in str(error.value)


def test_keys_that_only_yolo_has_come_back_and_are_named_elsewhere(tmp_path: Path) -> None:
    labels, _ = reading(one(BOX, YAML + "roboflow:\n  license: MIT\ndownload: https://x.example/x.zip\n"))
    again, _ = reading(written(labels, "yolo"))
    assert again.native["yolo"] == {"roboflow": {"license": "MIT"}, "download": "https://x.example/x.zip"}
    report = write(labels, tmp_path / "out", "coco", report=Report())
    assert notes(report)["NATIVE_DROPPED"] == 1


# --- sizes -----------------------------------------------------------------------------------------------------------


def sizes(labels: LabelSet) -> list[tuple[Any, Any]]:
    return [(row._units[0].width, row._units[0].height) for row in labels.walk()]


def test_sizes_come_from_headers_lists_and_the_option_in_this_order() -> None:
    files: dict[str, str | bytes] = {
        "data.yaml": YAML,
        "images/a.png": IMAGE,
        "labels/a.txt": BOX,
        "labels/b.txt": BOX,
        "labels/c.txt": BOX,
        "sizes.csv": "image,width,height\nimages/b.png,30,20\n",
    }
    labels, report = reading(files, size="10x12")
    assert dict(zip([title for title, _ in titles(labels)], sizes(labels), strict=True)) == {
        "b.png": (30, 20),
        "a.png": (64, 48),
        "c.jpg": (10, 12),
    }
    assert not report.losses()


def test_an_image_that_exif_data_rotates_has_the_size_it_is_shown_in() -> None:
    files = one(BOX)
    del files["images/train/a.png"]
    labels, report = reading({**files, "images/train/a.jpg": jpeg(orientation=6)})
    assert sizes(labels) == [(48, 64)]
    assert notes(report)["EXIF_ORIENTATION"] == 1


def test_rows_of_images_of_unknown_size_are_refused_or_counted() -> None:
    files = {name: data for name, data in one(BOX).items() if not name.endswith(".png")}
    with pytest.raises(ReadError, match=r"gives no image sizes, .* -r size=WIDTHxHEIGHT"):
        reading(files)
    _, report = reading({**files, "images/train/b.png": IMAGE})
    assert lost(report) == {"SIZE_UNKNOWN": 1}


@pytest.mark.parametrize("make", [png, jpeg])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_header_that_is_read_quickly_says_what_pillow_says(make: Any, orientation: int) -> None:
    data = make(37, 23) if make is png else make(37, 23, orientation)
    quick, sure = header_in(data), read_header(io.BytesIO(data), "x")
    assert quick == sure is not None
    chance = random.Random(orientation)
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            broken[chance.randrange(len(data) // 2)] = chance.randrange(256)
        quick, sure = header_in(bytes(broken)), read_header(io.BytesIO(bytes(broken)), "x")
        assert quick is None or sure is None or quick == sure


def test_headers_of_images_alike_are_read_each(tmp_path: Path) -> None:
    made = [jpeg(10 + number, 20, 6 if number % 3 == 0 else 1) for number in range(12)]
    for number, data in enumerate(made):
        (tmp_path / f"{number:02}.jpg").write_bytes(data)
    from encord_convert.hub.headers import read_headers

    source = FolderSource(tmp_path)
    found = [header and header.shown for header in read_headers(source, source.names())]
    assert found == [(20, 10 + n) if n % 3 == 0 else (10 + n, 20) for n in range(12)]


@pytest.mark.parametrize(
    "files",
    [
        {"data.yaml": f"train: [a/images, b/images]\nval: a/images\n{NAMES}"},
        {
            "data.yaml": f"train: train.txt\nval: val.txt\n{NAMES}",
            "train.txt": "a/images/1.png\nb/images/2.png\n",
            "val.txt": "a/images/1.png\n",
        },
    ],
)
def test_images_in_two_splits_are_told_and_are_of_the_first(files: dict[str, str | bytes]) -> None:
    images = {"a/images/1.png": IMAGE, "a/labels/1.txt": BOX, "b/images/2.png": IMAGE, "b/labels/2.txt": BOX}
    labels, report = reading({**files, **images})
    assert {split for _, split in titles(labels)} == {"train"}
    assert notes(report)["SPLIT_OVERLAP"] == 1


def test_one_folder_that_stands_for_train_and_val_is_no_overlap() -> None:
    images: dict[str, str | bytes] = {"images/a.png": IMAGE, "labels/a.txt": BOX}
    labels, report = reading({"data.yaml": f"train: images\nval: images\n{NAMES}", **images})
    assert titles(labels) == [("a.png", "")]
    assert "SPLIT_OVERLAP" not in notes(report)


@pytest.mark.parametrize("forms", [("NFD", "NFC"), ("NFC", "NFD")])
def test_an_image_and_its_label_file_are_paired_in_either_unicode_form(forms: tuple[str, str]) -> None:
    image, label = (unicodedata.normalize(form, "é/caf\u00e9") for form in forms)
    files = {"data.yaml": NAMES + "train: images\n", f"images/{image}.png": IMAGE, f"labels/{label}.txt": BOX}
    labels, report = reading(files)
    assert (len(list(labels.walk())), classes(labels), lost(report)) == (1, {"cat": 1}, {})
    assert any("Unicode" in note.detail for note in report.notes() if note.code == "TRAINER_SKIPS")


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("0 nan .5 .2 .2", "INVALID_ROW"),
        ("0,0 0,5 0,5 0,2 0,2", "INVALID_ROW"),
        ("cat .5 .5 .2 .2", "INVALID_ROW"),
        ("0 .5 .5 .2 .2 .9 x", "INVALID_ROW"),
        ("3 .5 .5 .2 .2", "CLASS_UNKNOWN"),
        ("0.5 .5 .5 .2 .2", "CLASS_UNKNOWN"),
        ("-1 .5 .5 .2 .2", "CLASS_UNKNOWN"),
        ("99999999999 .5 .5 .2 .2", "CLASS_UNKNOWN"),
        ("0 .5 .5", "VALUE_COUNT"),
        ("0", "VALUE_COUNT"),
        ("0 .5 .5 -.2 .2", "INVALID_BBOX"),
        ("0 1e400 .5 .2 .2", "INVALID_ROW"),
    ],
)
def test_a_damaged_row_costs_itself_and_its_place_is_named(row: str, code: str) -> None:
    labels, report = reading(one(f"{BOX}\n{row}\n{BOX}"))
    assert classes(labels) == {"cat": 2}
    [loss] = report.losses()
    assert (loss.code, loss.count, loss.where.line, loss.where.file) == (code, 1, 3, "memory/labels/train/a.txt")
    assert report.counts()["box"] == {"in": 3, "kept": 2, "changed": 0, "dropped": 1}


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + BOX.encode(),
        BOX.replace("\n", "\r\n").encode(),
        b"\n\n" + BOX.encode(),
        BOX.replace(" ", "\t").encode(),
        b"0.0 .5 .5 .2 .2",
        b"+0 .5 5e-1 .2 .2",
        BOX.replace("\n", "\r").encode(),
    ],
)
def test_harmless_forms_of_a_row_are_read(text: bytes) -> None:
    labels, report = reading(one(text))
    assert (classes(labels), lost(report)) == ({"cat": 1}, {})


def test_what_leaves_the_image_is_kept_and_cut_where_it_is_written() -> None:
    labels, report = reading(one("0 1.0 0.5 0.2 0.2\n"))
    assert first(labels).top_left_x == pytest.approx(0.9)
    assert not report.losses()
    report = Report()
    assert written(labels, "yolo", report)["labels/train/a.txt"] == b"0 0.950000 0.500000 0.100000 0.200000\n"
    assert lost(report) == {"CLIPPED": 1}


def test_pixels_and_corners_are_suspected_by_name_and_pixels_are_read_on_request() -> None:
    rows = "0 32 24 16 12\n0 16 12 8 8\n"
    _, report = reading(one(rows))
    assert "-r units=pixels" in next(note.detail for note in report.notes() if note.code == "BBOX_SUSPECT_FORMAT")
    assert first(reading(one(rows), units="pixels")[0]).width == 0.25
    _, report = reading(one("0 .4 .4 .9 .95\n0 .5 .6 .8 .99\n0 .3 .7 .9 .9\n"))
    assert notes(report)["BBOX_SUSPECT_FORMAT"] == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (RING + BOX, "boxes among polygons"),
        ("3 .5 .5 .2 .2\n", "class is not a whole number"),
        ("0 1.02 .5 .2 .2\n", "below -0.01 or above 1.01"),
        ("0 .5 .5 .2 .2 .9\n", "another number of values"),
        (BOX + "x\n", "not a number"),
        (BOX + BOX, "removes a row"),
    ],
)
def test_what_the_trainer_would_leave_out_is_told(rows: str, said: str) -> None:
    _, report = reading(one(BOX + rows, **{"images/val/b.png": IMAGE, "labels/val/b.txt": BOX}))
    told = [note for note in report.notes() if note.code == "TRAINER_SKIPS" and said in note.detail]
    assert [note.count for note in told] == [2 if rows == BOX + BOX else 1]


def test_what_the_trainer_takes_is_not_told() -> None:
    rows = "0 1.005 .5 .2 .2\n0 -.005 .5 .2 .2\n2.0 .5 .5 .2 .2\n"
    assert "TRAINER_SKIPS" not in notes(reading(one(rows))[1])


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"classes.txt": b"dog\ncaf\xe9\n"}, "classes.txt:2"),
        ({"classes.txt": "汽车\n".encode("gbk")}, "classes.txt:1"),
        ({"data.yaml": b"train: images\nnames: [caf\xe9]\n"}, "data.yaml:2"),
        ({"data.yaml": "train: images\nnames: names.txt\n", "names.txt": b"caf\xe9\n"}, "names.txt:1"),
        ({"obj.data": "names = obj.names\n", "obj.names": b"caf\xe9\n"}, "obj.names:1"),
    ],
)
def test_names_of_classes_in_another_encoding_are_refused_by_file_and_line(
    files: dict[str, str | bytes], place: str
) -> None:
    with pytest.raises(ReadError, match="is not text in UTF-8") as caught:
        reading({"images/a.png": IMAGE, "labels/a.txt": BOX, **files})
    assert place in str(caught.value)


def test_a_file_of_something_else_may_have_any_encoding() -> None:
    labels, _ = reading(one(BOX, **{"weights.data": b"\xff\xfe\x00=\xe9", "aaa.yaml": b"owner: Ren\xe9\n"}))
    assert classes(labels) == {"cat": 1}


def test_files_that_are_not_read_are_named() -> None:
    _, report = reading(one(BOX, **{"other.yaml": YAML, "todo.txt": "buy milk", "x.json": "{}"}))
    told = " ".join(note.detail for note in report.notes() if note.code == "FILE_NOT_READ")
    assert all(name in told for name in ("other.yaml", "todo.txt", "x.json"))


@pytest.mark.parametrize("seed", range(8))
def test_many_rows_read_together_are_those_read_one_by_one(seed: int) -> None:
    chance = random.Random(seed)

    def row() -> str:
        form = chance.choice(["{:.6f}", "{:.6f}", "{:g}", "{:.3e}", "{:.17f}"]) if seed % 2 else "{:.6f}"
        numbers = [form.format(chance.random() * chance.choice([1, 1, 12])) for _ in range(chance.choice([4, 4, 6, 8]))]
        return f"{chance.choice([0, 3, 12, 1234, 12345])}{chance.choice([' ', '  '])}" + " ".join(numbers)

    texts = [
        chance.choice(["", "\n"])
        .join(["", *(row() + chance.choice(["\n", " \n", "\n\n"]) for _ in range(chance.randrange(4)))])
        .encode()
        for _ in range(30)
    ]
    together, apart = page_of(texts), page_of([*texts, b"x"])  # one that is no row, and each file is read by itself
    assert len(apart.faults) == 1
    for name in ("classes", "widths", "numbers", "lines"):
        assert np.array_equal(getattr(together, name), getattr(apart, name))
    assert together.counts.tolist() == apart.counts.tolist()[:-1]


# --- writing ---------------------------------------------------------------------------------------------------------


def written(labels: LabelSet, format_: str, report: Report | None = None, **options: Any) -> dict[str, Any]:
    target = MemoryTarget()
    write(labels, target, format_, report=report or Report(), **options)
    return dict(target.files)


def rows_of(labels: LabelSet) -> LabelSet:
    """Return the same set without its tables."""
    bare = LabelSet(labels.ontology, lambda: labels.walk(), counts=labels.counts)
    bare.native, bare.splits = labels.native, labels.splits
    return bare


@pytest.mark.parametrize("task", ["yolo", "yolo-seg", "yolo-obb"])
def test_tables_are_written_as_rows_are(task: str) -> None:
    chance = random.Random(task)
    texts = {}
    for number in range(40):
        rows = []
        for _ in range(chance.randrange(6)):
            x, y, w, h = chance.uniform(-0.02, 0.9), chance.random(), chance.random() / 4, chance.choice([0, 0.1, 0.2])
            if task == "yolo":
                rows.append(f"{chance.randrange(3)} {x:.9f} {y:.9f} {w:.9f} {h:.9f}")
            elif task == "yolo-seg":
                ring = [value for k in range(5) for value in (x + w * (k % 3), y + h * (k // 2))]
                rows.append(f"{chance.randrange(3)} " + " ".join(f"{value:.9f}" for value in ring))
            else:
                from encord_convert.geometry.boxes import corners_from_rotated

                corners = corners_from_rotated(x * 64, y * 48, w * 64, (h or 0.01) * 48, chance.choice([0, 90, 33.3]))
                rows.append("0 " + " ".join(f"{c / (64, 48)[k % 2]:.9f}" for k, c in enumerate(corners)))
        if rows and number % 3 == 0:
            rows.append(rows[0])
        texts[f"labels/train/{number:03}.txt"] = "".join(f"{row}\n" for row in rows)
    images = {name.replace("labels", "images").replace("txt", "png"): IMAGE for name in texts}
    labels, _ = reading({"data.yaml": YAML, **texts, **images})
    assert any(isinstance(one, Table) for one in labels.tables())
    reports = Report(), Report()
    assert written(labels, task, reports[0]) == written(rows_of(labels), task, reports[1])
    assert reports[0].to_dict() == reports[1].to_dict()


def test_equal_rows_are_told_apart_since_the_trainer_keeps_one() -> None:
    labels, _ = reading(one(BOX + BOX))
    text = written(labels, "yolo")["labels/train/a.txt"].decode().splitlines()
    assert text == ["0 0.500000 0.500000 0.200000 0.200000", "0 0.500000 0.500000 0.200001 0.200000"]


def test_splits_are_written_as_the_source_calls_them_and_train_and_val_are_there() -> None:
    files: dict[str, str | bytes] = {"data.yaml": f"train: train.txt\nfold 3: fold 3.txt\n{NAMES}"}
    for split in ("valid", "train2017", "fold 3"):
        files |= {f"images/{split}/{split}.png": IMAGE, f"labels/{split}/{split}.txt": BOX}
    files["images/rest.png"] = IMAGE
    files["fold 3.txt"] = "images/fold 3/fold 3.png\n"
    labels, _ = reading(files)
    expected = {("valid.png", "valid"), ("train2017.png", "train2017"), ("fold 3.png", "fold 3"), ("rest.png", "")}
    assert set(titles(labels)) == expected
    data = written(labels, "yolo")
    assert b"images/default" in data["data.yaml"]
    assert b"val: images/valid" in data["data.yaml"]
    assert set(titles(reading(data)[0])) == expected


def test_a_set_without_splits_stays_without(tmp_path: Path) -> None:
    labels, _ = reading({"images/a.png": IMAGE, "labels/a.txt": BOX})
    data = written(labels, "yolo")
    assert data["data.yaml"].startswith(b"train: images\nval: images\n")
    assert titles(reading(data)[0]) == [("a.png", "")]


def test_all_classes_are_named_in_the_order_of_the_ontology() -> None:
    labels, _ = reading(one(BOX))
    assert b'names:\n  0: "cat"\n  1: "dog"\n  2: "traffic light"\n' in written(labels, "yolo")["data.yaml"]


def test_parts_and_holes_are_bridged_and_the_overlap_is_told() -> None:
    from encord_convert._samples import SAMPLES

    for sample in ("holes", "parts"):
        if sample not in SAMPLES:
            continue
        report = Report()
        data = written(SAMPLES[sample](), "yolo-seg", report)
        assert any("IoU" in note.detail for note in report.notes())
        assert sum(len(text.split()) > 7 for name, text in data.items() if name.startswith("labels/"))


def test_what_is_written_for_ultralytics_is_read_back(tmp_path: Path) -> None:
    for task, rows, more in (
        ("detect", BOX, ""),
        ("segment", RING, ""),
        ("obb", CORNERS, "task: obb\n"),
        ("pose", POSE, "kpt_shape: [3, 3]\n"),
    ):
        case = tmp_path / task
        for name, data in one(rows, YAML + more, **{"images/val/b.png": IMAGE, "labels/val/b.txt": rows}).items():
            (case / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (case / "in" / name).write_bytes(data.encode() if isinstance(data, str) else data)
        labels = read(case / "in", report=Report())
        report = write_target(labels, case / "out", "ultralytics", task=task, report=Report())
        again = read(case / "out", report=Report())
        assert not report.losses()
        assert shapes(again) == shapes(labels)
        assert titles(again) == titles(labels)
        assert not list(diff(labels, again, tolerance_px=0.01))


def test_images_that_are_put_beside_what_was_written_are_found(tmp_path: Path) -> None:
    convert(FIXTURES.parent / "street", tmp_path / "out", to="yolo-seg", report=Report())
    for path in sorted((tmp_path / "out" / "labels").rglob("*.txt")):
        place = tmp_path / "out" / "images" / path.parent.name / f"{path.stem}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(png(320, 200))
    labels = read(tmp_path / "out", report=Report())
    report = write_target(labels, tmp_path / "again", "ultralytics", task="segment", report=Report())
    assert report.target.splits == {"train": 4, "val": 2}
    assert "MISSING_MEDIA" not in notes(report)
    assert len(list((tmp_path / "again" / "images").rglob("*.png"))) == 6


@pytest.mark.parametrize("folder", ["sub", "2024/sub"])
def test_images_in_a_folder_below_that_of_the_split_are_found(folder: str, tmp_path: Path) -> None:
    files = {f"images/train/{folder}/a b.png": IMAGE, f"labels/train/{folder}/a b.txt": BOX}
    files |= {f"images/val/{folder}/a b.png": png(32, 24), f"labels/val/{folder}/a b.txt": BOX}
    for name, data in {"data.yaml": YAML, **files}.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data.encode() if isinstance(data, str) else data)
    labels = read(tmp_path / "in", report=Report())
    report = write_target(labels, tmp_path / "out", "ultralytics", report=Report())
    assert "MISSING_MEDIA" not in notes(report)
    images = {path.relative_to(tmp_path / "out").parts[1]: path for path in (tmp_path / "out").rglob("*.png")}
    assert images["train"].read_bytes() == IMAGE
    assert images["val"].read_bytes() == png(32, 24)


# --- detection, hostile sources --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": "Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n"},
        {"gt/gt.txt": "1,1,912,484,97,109,0,7,1\n"},
        {"labels/a.txt": "hello world\n"},
        {"classes.txt": "0 road\n1 car\n", "a.png": IMAGE},
        {"data.yaml": YAML},
        {"config.yaml": "train:\n  epochs: 3\n", "a.png": IMAGE},
    ],
)
def test_what_is_something_else_is_not_claimed(files: dict[str, str | bytes]) -> None:
    assert FORMAT.identify(memory(files)) is Match.NO


NOTES = '{"categories": [{"id": 0, "name": "cat"}], "info": {"year": 2024, "contributor": "Label Studio"}}'


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_told_to_be_yolo(name: str) -> None:
    files = LAYOUTS[name][0]
    files = {**files, "notes.json": NOTES} if name == "label studio" else files
    assert detect(memory(files)).name == "yolo"


def test_notes_of_label_studio_beside_images_and_annotations_are_coco() -> None:
    whole = '{"images": [], "annotations": [], ' + NOTES[1:]
    assert detect(memory({"notes.json": whole, "readme.txt": "hello"})).name == "coco"


@pytest.mark.parametrize(
    "rows",
    [
        BOX + "999999999 .5 .5 .2 .2\n",
        "0 .5 .5 .2\n" + BOX + "0 a b c d\n0 nan .5 .2 .2\n-1 .5 .5 .2 .2\n",
    ],
)
def test_rows_are_told_to_be_yolo_where_most_are_damaged_and_nothing_describes_them(rows: str) -> None:
    files = {"a.png": IMAGE, "a.txt": rows}
    assert detect(memory(files)).name == "yolo"
    labels, report = reading(files)
    assert classes(labels) == {"class_0": 1}
    assert sum(lost(report).values()) == rows.count("\n") - 1


def test_rows_of_yolo_among_others_are_told() -> None:
    kitti = "Car 0 0 0 1 2 30 40 0 0 0 0 0 0 0\n"
    with pytest.raises(UndetectedFormatError, match=r"has YOLO rows \(b.txt\) among other text files"):
        detect(memory({"a.png": IMAGE, "a.txt": kitti, "b.png": IMAGE, "b.txt": BOX}))


VOC = (
    "<annotation><filename>a.jpg</filename><size><width>64</width><height>48</height><depth>3</depth></size><object>"
    "<name>c</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>"
)
LABELME = (
    '{"version": "5.0", "shapes": [{"label": "c", "points": [[1, 2], [3, 4]], "shape_type": "rectangle"}],'
    ' "imagePath": "a.png", "imageHeight": 48, "imageWidth": 64}'
)


@pytest.mark.parametrize(("name", "text", "other"), [("a.xml", VOC, "voc"), ("a.json", LABELME, "labelme")])
def test_labels_of_another_format_in_the_same_folder_are_not_chosen_for_anyone(
    name: str, text: str, other: str
) -> None:
    files = {"a.png": IMAGE, name: text, "b.png": IMAGE, "b.txt": BOX, "classes.txt": "cat\n"}
    with pytest.raises(UndetectedFormatError) as caught:
        detect(memory(files))
    assert {other, "yolo"} <= set(re.findall(r"\w+", str(caught.value)))
    assert caught.value.exit_code == 6


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.txt").write_text(BOX)
    (tmp_path / "secret" / "list.txt").write_text("images/b.png\n")
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    (root / "images" / "a.png").write_bytes(IMAGE)
    os.symlink(tmp_path / "secret" / "a.txt", root / "labels" / "a.txt")
    (root / "data.yaml").write_text("train: ../secret/list.txt\nval: images\nnames: ../secret/a.txt\n")
    with source_at(root) as source, pytest.raises(ReadError, match="leads through a link out of"):
        list(read(source, "yolo", report=Report()).walk())
    (root / "labels" / "a.txt").unlink()
    labels = read(root, "yolo", report=Report())
    assert (titles(labels), classes(labels)) == ([("a.png", "val")], {})


@pytest.mark.parametrize("number", [1 << 20, 1 << 31, 10**18])
def test_a_number_of_any_size_makes_no_room_for_as_many_classes(number: int) -> None:
    labels, _ = reading({"images/a.png": IMAGE, "labels/a.txt": f"{BOX}{number} .5 .5 .2 .2\n"})
    assert [item.name for item in labels.ontology.objects] == ["class_0"]
    assert classes(labels) == {"class_0": 1}


def test_a_label_file_of_any_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from encord_convert.formats.yolo import pages

    monkeypatch.setattr(pages, "LARGEST_FILE", 10)
    with pytest.raises(ReadError, match="too much for the labels of one image"):
        reading(one(BOX))


def test_reading_twice_gives_the_same() -> None:
    files = one(BOX + RING, **{"images/val/b.png": IMAGE})
    assert hub_of(reading(files)[0]) == hub_of(reading(files)[0])


def test_label_files_without_an_image_are_told() -> None:
    _, report = reading(one(BOX, **{"labels/train/b.txt": BOX}), size="64x48")
    assert [(note.level, note.count) for note in report.notes() if note.code == "MISSING_MEDIA"] == [("warning", 1)]
    _, report = reading({"data.yaml": YAML, "labels/a.txt": BOX}, size="64x48")
    assert [(note.level, note.count) for note in report.notes() if note.code == "MISSING_MEDIA"] == [("info", 1)]
