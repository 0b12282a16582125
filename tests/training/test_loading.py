"""Each target is loaded by the rules its trainer documents: what is loaded is what was exported, where it was."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import loaders
import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from random_labels import random_labels
from road import DISC, HEIGHT, NAMES, RING, WIDTH, images, png, road

from encord_convert.errors import WriteError
from encord_convert.formats.coco.write_images import file_name
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.report import Report, sum_counts
from encord_convert.training import TASKS, write_target

SPLIT = "train=0.5,val=0.3,test=0.2"

Load = Callable[..., list[dict[str, Any]]]

TRAINERS: dict[str, tuple[Load, dict[str, str]]] = {
    "detectron2": (loaders.detectron2, {}),
    "hf": (loaders.hugging_face, {"val": "validation"}),
    "mmdet": (loaders.mmdet, {}),
    "rfdetr": (loaders.rfdetr, {"val": "valid"}),
    "torchvision": (loaders.torchvision, {}),
}


def exported(report: Report) -> int:
    total = sum_counts(report.labels().values())
    return total["kept"] + total["changed"]


def written(tmp_path: Path, name: str, split: str = SPLIT, **options: Any) -> tuple[Path, Report]:
    out = tmp_path / "out"
    report = write_target(
        road(), out, name, report=Report(), images=str(images(tmp_path / "pictures")), split=split, **options
    )
    assert "MISSING_MEDIA" not in {note.code for note in report.notes()}
    return out, report


@pytest.mark.parametrize("name", TRAINERS)
@pytest.mark.parametrize("negatives", ["keep", "drop"])
def test_all_that_is_exported_is_loaded(name: str, negatives: str, tmp_path: Path) -> None:
    load, splits = TRAINERS[name]
    out, report = written(tmp_path, name, negatives=negatives)
    loaded = [one for split in ("train", "val", "test") for one in load(out, splits.get(split, split))]
    assert len(loaded) == exported(report) == 12
    assert sum_counts(report.labels().values())["dropped"] == 1  # the polyline
    assert {one["image"] for one in loaded} <= set(NAMES)
    assert sum(1 for path in out.rglob("*.png")) == len(NAMES) - (negatives == "drop")


def by_ultralytics(out: Path, task: str) -> list[dict[str, Any]]:
    """Load each folder once: what has nothing to validate on is validated on what it is trained on."""
    data = loaders.yaml_of((out / "data.yaml").read_text("utf-8"))
    splits = {data[split]: split for split in ("train", "val", "test")}
    return [one for split in splits.values() for one in loaders.ultralytics(out, split, task)]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("negatives", ["keep", "drop"])
def test_all_that_is_exported_is_loaded_by_ultralytics(task: str, negatives: str, tmp_path: Path) -> None:
    out, report = written(tmp_path, "ultralytics", task=task, negatives=negatives)
    loaded = by_ultralytics(out, task)
    assert len(loaded) == exported(report) == {"detect": 12, "segment": 11, "obb": 11, "pose": 1}[task]


def images_of(labels: LabelSet, folder: Path) -> bool:
    """Write an image for each frame of a set; tell whether its names can be those of files that are not hidden."""
    for row in labels:
        for frame in range(row.number_of_frames):
            path = folder / file_name(row, frame).lstrip("/")
            if path.is_dir() or any(one.is_file() or one.name.startswith(".") for one in (path, *path.parents)):
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(size=frame_size(row, frame)))
    return True


def test_all_that_is_exported_of_sets_drawn_by_chance_is_loaded(tmp_path: Path) -> None:
    count = 0
    for seed in range(16):
        labels, source = random_labels(seed), tmp_path / f"images {seed}"
        if not images_of(labels, source):
            continue
        for name, task in [*((name, None) for name in TRAINERS), *(("ultralytics", task) for task in TASKS)]:
            out, report = tmp_path / f"{name} {task} {seed}", Report()
            try:
                write_target(labels, out, name, report=report, images=str(source), split=SPLIT, task=task)
            except WriteError as error:
                assert "not written, since " in str(error)
                continue
            if task is not None:
                loaded = by_ultralytics(out, task)
            else:
                load, splits = TRAINERS[name]
                loaded = [one for split in ("train", "val", "test") for one in load(out, splits.get(split, split))]
            assert len(loaded) == exported(report), (seed, name, task)
            count += len(loaded)
    assert count > 500


def test_polygons_are_where_they_were_for_torchvision(tmp_path: Path) -> None:
    out, _ = written(tmp_path, "torchvision", "train=1")
    loaded = loaders.torchvision(out, "train")
    _, parts, holed = (one for one in loaded if one["name"] == "leaf")
    assert len(parts["segmentation"]) == 2
    assert parts["area"] == 16 * 12 + 16 * 12 / 2
    assert abs(parts["mask"].sum() - parts["area"]) <= 8  # the pixels along the slope
    assert holed["mask"].sum() == holed["area"] == 48 * 36  # the hole is filled
    assert holed["bbox"] == [8, 6, 48, 36]
    masks = [one["mask"] for one in loaded if one["name"] == "spill"]
    assert [np.array_equal(mask, DISC) for mask in masks] == [True, True]  # filled too
    face = next(one for one in loaded if one["name"] == "face")
    assert face["bbox"] == [16, 12, 16, 12]
    assert "keypoints" not in face


@pytest.mark.parametrize("name", ["detectron2", "mmdet"])
def test_masks_are_exact_and_holes_stay_where_masks_are_read(name: str, tmp_path: Path) -> None:
    out, report = written(tmp_path, name, "train=1")
    found = TRAINERS[name][0](out, "train")
    masks = [
        coco_mask.decode(one["segmentation"]).astype(bool) for one in found if isinstance(one["segmentation"], dict)
    ]
    holed = np.zeros((HEIGHT, WIDTH), bool)
    holed[6:42, 8:56] = True
    holed[12:36, 16:32] = False
    assert [mask.sum() for mask in masks] == [holed.sum(), DISC.sum(), RING.sum()]
    assert all(np.array_equal(a, b) for a, b in zip(masks, [holed, DISC, RING], strict=True))
    codes = {loss.code for loss in report.losses()}
    assert "HOLES_AS_RLE" in codes
    assert "HOLES_FILLED" not in codes
    assert ("MASK_FORMAT" in {note.code for note in report.notes()}) == (name == "detectron2")


def test_keypoints_are_where_they_were_for_detectron2(tmp_path: Path) -> None:
    out, _ = written(tmp_path, "detectron2", "train=1")
    face = next(one for one in loaders.detectron2(out, "train") if one["name"] == "face")
    assert face["keypoints"][:6] == [32, 24, 2, 16, 12, 1]
    assert face["keypoints"][8] == 0
    assert face["num_keypoints"] == 2


def test_pycocotools_reads_what_is_written_for_detectron2(tmp_path: Path) -> None:
    out, report = written(tmp_path, "detectron2", "train=1")
    coco = COCO(out / "annotations" / "instances_train2017.json")
    assert len(coco.anns) == exported(report)
    assert [one["name"] for one in coco.cats.values()] == ["car", "ship", "leaf", "spill", "face"]
    assert coco.cats[5]["keypoints"] == ["nose", "left eye", "right eye"]
    assert coco.cats[5]["skeleton"] == [[1, 2], [1, 3]]


def test_mmdet_finds_classes_by_name(tmp_path: Path) -> None:
    out, _ = written(tmp_path, "mmdet", "train=1")
    assert len(loaders.mmdet(out, "train", ["car"])) == 5
    assert loaders.mmdet(out, "train", ["Car"]) == []


def test_yolo_boxes_are_centres_and_sides(tmp_path: Path) -> None:
    out, _ = written(tmp_path, "ultralytics", "train=1", task="detect")
    loaded = loaders.ultralytics(out, "train", "detect")
    video = [one["px"].tolist() for one in loaded if one["image"].startswith("drive/")]
    assert video == [[24, 18, 16, 12], [24, 18, 16, 12]]
    cut = next(one for one in loaded if one["px"][0] > 58)
    assert cut["px"] == pytest.approx([0.95 * WIDTH, 0.95 * HEIGHT, 0.1 * WIDTH, 0.1 * HEIGHT], abs=0.001)


def test_two_objects_in_one_place_stay_two_for_ultralytics(tmp_path: Path) -> None:
    out, _ = written(tmp_path, "ultralytics", "train=1")
    lines = (out / "labels" / "train" / "cam 1" / "a.txt").read_text().splitlines()
    assert lines[:2] == ["0 0.225000 0.450000 0.250000 0.500000", "0 0.225000 0.450000 0.250001 0.500000"]


def test_parts_are_one_ring_of_the_same_area_for_ultralytics(tmp_path: Path) -> None:
    out, report = written(tmp_path, "ultralytics", "train=1", task="segment")
    rings = {len(one["px"]): one["px"] for one in loaders.ultralytics(out, "train", "segment") if one["name"] == "leaf"}
    joined = rings[2 * (4 + 3 + 2)]  # two points more than both: there and back
    x, y = joined[0::2], joined[1::2]
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert area == pytest.approx(16 * 12 + 16 * 12 / 2, abs=0.01)
    assert {"PARTS_JOINED", "HOLES_FILLED", "MASK_AS_POLYGON", "BOX_AS_POLYGON"} <= {
        one.code for one in report.losses()
    }


def test_rotated_boxes_are_four_corners_for_ultralytics(tmp_path: Path) -> None:
    out, _ = written(tmp_path, "ultralytics", "train=1", task="obb")
    ship = next(one for one in loaders.ultralytics(out, "train", "obb") if one["name"] == "ship")
    corners = ship["px"].reshape(4, 2)
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    assert sides == pytest.approx([32, 12, 32, 12], abs=0.001)
    along = corners[1] - corners[0]
    assert np.degrees(np.arctan2(along[1], along[0])) == pytest.approx(30, abs=0.01)
    assert corners.mean(axis=0) == pytest.approx([32, 18], abs=0.001)


def test_poses_have_a_box_keypoints_and_their_mirror_images_for_ultralytics(tmp_path: Path) -> None:
    out, _ = written(tmp_path, "ultralytics", "train=1", task="pose")
    (face,) = loaders.ultralytics(out, "train", "pose")
    assert face["px"].tolist() == [24, 18, 16, 12, 32, 24, 16, 12, 0, 0]
    assert face["row"][7::3] == ("2", "1", "0")
    data = loaders.yaml_of((out / "data.yaml").read_text())
    assert data["kpt_shape"] == [3, 3]
    assert data["flip_idx"] == [0, 2, 1]
    assert data["names"] == {0: "face"}


def test_boxes_are_in_pixels_for_hugging_face(tmp_path: Path) -> None:
    out, _ = written(tmp_path, "hf", "train=1")
    loaded = loaders.hugging_face(out, "train")
    assert [one["bbox"] for one in loaded if one["image"].startswith("drive/")] == [[16, 12, 16, 12]] * 2
    spill = next(one for one in loaded if one["name"] == "spill")
    assert spill["bbox"] == [21, 11, 19, 19]


def test_a_split_of_nothing_but_empty_images_is_told_for_hugging_face(tmp_path: Path) -> None:
    out, report = written(tmp_path, "hf")
    lines = [json.loads(line) for line in (out / "test" / "metadata.jsonl").read_text().splitlines()]
    assert [line["file_name"] for line in lines] == ["cam 2/nothing.png"]
    [note] = [note for note in report.notes() if note.code == "UNTYPED_SPLIT"]
    assert note.detail == (
        "No image of the split 'test' has an object: load_dataset refuses it with the others, whose types it "
        "lacks. Give it a larger share, or leave such images out with --negatives drop."
    )
    assert "UNTYPED_SPLIT" not in {note.code for note in written(tmp_path / "2", "hf", negatives="drop")[1].notes()}


def test_a_split_without_images_has_no_file_for_hugging_face(tmp_path: Path) -> None:
    out, report = written(tmp_path, "hf", "train=0.999,test=0.001")
    assert "EMPTY_SPLIT" in {note.code for note in report.notes()}
    assert sorted(path.name for path in out.iterdir()) == ["id2label.json", "train"]


LOADED = """
import json, sys
from datasets import disable_progress_bars, load_dataset
disable_progress_bars()
found = []
for folder in sys.argv[2:]:
    splits = load_dataset("imagefolder", data_dir=folder, cache_dir=sys.argv[1]).values()
    assert all(row["image"].size == (row["width"], row["height"]) for rows in splits for row in rows)
    found.append([sum(map(len, splits)), sum(len(row["objects"]["bbox"]) for rows in splits for row in rows)])
print(json.dumps(found))
"""
"""Loads folders with the library itself; prints how many images and objects each has."""


@pytest.mark.skipif(find_spec("datasets") is None, reason="the library `datasets` is not installed")
def test_the_library_of_hugging_face_loads_all_that_is_exported(tmp_path: Path) -> None:
    out, report = written(tmp_path, "hf", negatives="drop")
    kept, _ = written(tmp_path / "kept", "hf", "train=0.5,val=0.5")
    alone = written(tmp_path / "alone", "hf")[0] / "test"
    words = [sys.executable, "-c", LOADED, str(tmp_path / "cache"), str(out), str(kept), str(alone)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[len(NAMES) - 1, exported(report)], [len(NAMES), exported(report)], [1, 0]]
