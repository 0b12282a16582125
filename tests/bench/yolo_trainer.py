"""Hold what is written of YOLO, and what is said of damage, to Ultralytics' own check of labels.

    python tests/bench/yolo_trainer.py --ultralytics ~/trainers/bin/python

1. A data set of all shapes, some of which leave their image, have holes or parts or are there twice, is written for all
   four tasks, as the target and as the format: Ultralytics leaves out no image, and removes no row.
2. Of rows damaged in every way the report says how many images Ultralytics leaves out, and rows it removes.

The exit code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

from PIL import Image

from encord_convert import LabelSet, Report, convert, read
from encord_convert.training import write_target

SIZE = (64, 48)
TASKS = {"detect": "yolo", "segment": "yolo-seg", "obb": "yolo-obb", "pose": "yolo-pose"}
BOX, RING = "0 .5 .5 .2 .2", "1 .1 .1 .5 .1 .5 .5"
POSE = "0 .5 .5 .2 .2 .1 .2 2 .3 .4 2"
DAMAGE: dict[str, tuple[str | bytes, str]] = {
    "a box among polygons": (f"{RING}\n{BOX}", "detect"),
    "a confidence": (f"{BOX}\n{BOX} .9", "detect"),
    "confidences": (f"{BOX} .9\n0 .4 .4 .2 .2 .8", "detect"),
    "x 1.02": ("0 1.02 .5 .2 .2", "detect"),
    "x 1.005": ("0 1.005 .5 .2 .2", "detect"),
    "x -0.005": ("0 -.005 .5 .2 .2", "detect"),
    "x -0.02": ("0 -.02 .5 .2 .2", "detect"),
    "a side of 1.02": ("0 .5 .5 1.02 .2", "detect"),
    "a negative side": ("0 .5 .5 -.2 .2", "detect"),
    "a side a little negative": ("0 .5 .5 -.005 .2", "detect"),
    "no side": ("0 .5 .5 0 .2", "detect"),
    "the number of classes": ("3 .5 .5 .2 .2", "detect"),
    "half a class": ("0.5 .5 .5 .2 .2", "detect"),
    "class 2.0": ("2.0 .5 .5 .2 .2", "detect"),
    "class -1": ("-1 .5 .5 .2 .2", "detect"),
    "nan": ("0 nan .5 .2 .2", "detect"),
    "inf": ("0 inf .5 .2 .2", "detect"),
    "commas": ("0,.5,.5,.2,.2", "detect"),
    "a class by name": ("cat .5 .5 .2 .2", "detect"),
    "three values": ("0 .5 .5", "detect"),
    "four values": ("0 .5 .5 .2", "detect"),
    "one value": ("0", "detect"),
    "pixels": ("0 32 24 16 12", "detect"),
    "equal rows": (f"{BOX}\n{BOX}\n{BOX}", "detect"),
    "rows equal in single precision": (f"{BOX}\n0 .50000001 .5 .2 .2", "detect"),
    "rows a little apart": (f"{BOX}\n0 .5000001 .5 .2 .2", "detect"),
    "a byte-order mark": (b"\xef\xbb\xbf" + BOX.encode(), "detect"),
    "an empty file": ("", "detect"),
    "blank lines": (f"\n\n{BOX}\n \n", "detect"),
    "tabs and carriage returns": (BOX.replace(" ", "\t") + "\r\n", "detect"),
    "equal polygons": (f"{RING}\n{RING}", "segment"),
    "polygons with one box": (f"{RING}\n1 .1 .1 .5 .1 .5 .5 .3 .3", "segment"),
    "a corner at 1.02": ("0 .1 .1 1.02 .1 .5 .5", "segment"),
    "a corner at 1.2": ("0 .1 .1 1.2 .1 .5 .5", "segment"),
    "a corner at -0.5": ("0 -.5 .1 .1 .1 .1 .5", "segment"),
    "half a corner": ("0 .1 .1 .5 .1 .5 .5 .9", "segment"),
    "a polygon of no area": ("0 .1 .1 .1 .1 .1 .1", "segment"),
    "a polygon of an unknown class": ("3 .1 .1 .5 .1 .5 .5", "segment"),
    "four corners and a confidence": ("0 .1 .1 .5 .1 .5 .5 .1 .5 .9", "obb"),
    "keypoints": (POSE, "pose"),
    "visibility 5": (POSE[:-1] + "5", "pose"),
    "visibility -1": (POSE[:-1] + "-1", "pose"),
    "too few keypoints": (POSE[:-8], "pose"),
    "a confidence behind keypoints": (f"{POSE} .9", "pose"),
    "a box among keypoints": (f"{POSE}\n{BOX}", "pose"),
    "a keypoint at 1.02": (POSE.replace(".3", "1.02"), "pose"),
    "a keypoint at -0.02": (POSE.replace(".3", "-.02"), "pose"),
    "equal keypoints": (f"{POSE}\n{POSE}", "pose"),
}
"""Rows by what is wrong with them, and the task they are for."""


def verified(python: Path, sets: list[tuple[Path, str]]) -> list[dict[str, object]]:
    """Return what Ultralytics says of data sets."""
    words = [str(word) for pair in sets for word in pair]
    script = Path(__file__).with_name("_yolo_verify.py")
    done = subprocess.run([python, script, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def total(found: dict[str, object], what: str) -> int:
    """Add up a number over the splits, each image once."""
    splits: dict[str, dict[str, int]] = found["splits"]  # type: ignore[assignment]
    return sum(one[what] for one in splits.values())


# --- what is written -------------------------------------------------------------------------------------------------


def make(folder: Path, images: int) -> Path:
    """Write a COCO file of all shapes, and its images."""
    chance = Random(1)
    annotations: list[dict[str, object]] = []
    for image in range(images):
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE).save(folder / "images" / f"{image}.jpg")
        for _ in range(chance.randrange(6)):
            x, y, w, h = chance.uniform(-9, 50), chance.uniform(-9, 40), chance.uniform(1, 30), chance.uniform(1, 30)
            ring = [x, y, x + w, y, x + w, y + h, x, y + h]
            other = [x + 2 * w, y, x + 3 * w, y, x + 3 * w, y + h]
            kind = chance.randrange(4)
            one: dict[str, object] = {"id": len(annotations) + 1, "image_id": image + 1, "category_id": 1 + (kind == 3),
                                      "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0}  # fmt: skip
            if kind == 1:
                one["segmentation"] = [ring] if chance.random() < 0.7 else [ring, other]
            if kind == 2:
                one["attributes"] = {"rotation": chance.uniform(0, 360), "unrotated_bbox": [x, y, w, h]}
                one["segmentation"] = [ring]
            if kind == 3:
                one["keypoints"] = [
                    v for px, py in zip(ring[0:6:2], ring[1:6:2], strict=True) for v in (px, py, chance.randrange(3))
                ]
                one["num_keypoints"] = 3
            annotations.append(one)
            if chance.random() < 0.2:
                annotations.append({**one, "id": len(annotations) + 1})
    document = {
        "images": [{"id": n + 1, "width": SIZE[0], "height": SIZE[1], "file_name": f"{n}.jpg"} for n in range(images)],
        "annotations": annotations,
        "categories": [
            {"id": 1, "name": "thing"},
            {"id": 2, "name": "person", "keypoints": ["nose", "left eye", "right eye"]},
        ],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(document))
    return path


def with_images(written: Path, images: Path) -> Path:
    """Put the images of a format where it says they are."""
    with open(written / "sizes.csv", newline="") as stream:
        for row in csv.DictReader(stream):
            place = written / row["image"]
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(images / place.name, place)
    return written


def check_written(python: Path, folder: Path, images: int) -> bool:
    """Write all tasks as target and as format; tell whether Ultralytics takes all of it."""
    coco = make(folder / "coco", images)
    sets: list[tuple[Path, str]] = []
    kept: list[int] = []
    for task, name in TASKS.items():
        report = write_target(
            read(coco, report=Report()), folder / f"target-{task}", "ultralytics", task=task, report=Report()
        )
        sets.append((folder / f"target-{task}", task))
        kept.append(objects(report))
        report = convert(coco, folder / name, to=name, report=Report())
        sets.append((with_images(folder / name, coco.parent / "images"), task))
        kept.append(objects(report))
    is_fine = True
    print(f"{images} images, written for all tasks as target and as format\n")
    print(f"  {'':<16}{'images':>8}{'left out':>10}{'removed':>9}{'objects':>9}{'ours':>7}")
    for (place, _), found, ours in zip(sets, verified(python, sets), kept, strict=True):
        splits: dict[str, dict[str, int]] = found["splits"]  # type: ignore[assignment]
        if place.name.startswith("yolo"):  # `val` is `train` there
            splits.pop("val")
        numbers = [total(found, what) for what in ("images", "left out", "removed", "objects")]
        is_right = numbers == [images, 0, 0, ours]
        is_fine &= is_right
        numbers.append(ours)
        columns = "".join(f"{number:>{width}}" for number, width in zip(numbers, (8, 10, 9, 9, 7), strict=True))
        print(f"  {place.name:<16}{columns}{'' if is_right else '  WRONG'}")
    return is_fine


def objects(report: Report) -> int:
    """Return how many objects a report says are written."""
    return sum(row["kept"] + row["changed"] for row in report.labels().values())


# --- what is said of damage ------------------------------------------------------------------------------------------


def check_damage(python: Path, folder: Path) -> bool:
    """Compare what our report says of damaged rows to what Ultralytics makes of them."""
    sets: list[tuple[Path, str]] = []
    for number, (rows, task) in enumerate(DAMAGE.values()):
        place = folder / f"damage-{number}"
        good = {"detect": BOX, "segment": RING, "obb": "0 .1 .1 .5 .1 .5 .5 .1 .5", "pose": POSE}[task]
        for name, text in (("good", good), ("bad", rows)):
            for kind in ("images/train", "labels/train"):
                (place / kind).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", SIZE).save(place / "images/train" / f"{name}.png")
            (place / "labels/train" / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
        shape = "kpt_shape: [2, 3]\n" if task == "pose" else ""
        names = "names: [cat, dog, cow]\n"
        (place / "data.yaml").write_text(
            f"path: {place}\ntrain: images/train\nval: images/train\ntask: {task}\n{shape}{names}"
        )
        sets.append((place, task))
    wrong = 0
    for (name, _), (place, _), found in zip(DAMAGE.items(), sets, verified(python, sets), strict=True):
        theirs = found["splits"]["train"]["left out"], found["splits"]["train"]["removed"]  # type: ignore[index]
        ours = said(read(place, "yolo", report=(report := Report())), report)
        wrong += ours != theirs
        if ours != theirs:
            print(f"  WRONG {name}: the report says {ours}, Ultralytics {theirs}")
    print(f"\n{len(DAMAGE)} kinds of rows: images left out and rows removed are as the report says, but for {wrong}")
    return not wrong


def said(labels: LabelSet, report: Report) -> tuple[int, int]:
    """Return how many images and rows the report says Ultralytics leaves out."""
    list(labels.walk())
    told = [note for note in report.notes() if note.code == "TRAINER_SKIPS"]
    rows = sum(note.count for note in told if "removes a row" in note.detail)
    return sum(note.count for note in told) - rows, rows


def main() -> int:
    """Check both; return 1 if anything differs."""
    parser = argparse.ArgumentParser(description="Hold YOLO files to Ultralytics' own check.")
    default = os.environ.get("BENCH_ULTRALYTICS")
    parser.add_argument("--ultralytics", metavar="PYTHON", default=default, required=default is None)
    parser.add_argument("--images", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        is_fine = check_written(Path(given.ultralytics), folder, given.images)
        return 0 if check_damage(Path(given.ultralytics), folder) and is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
