"""Load what is written for trainers with their own code, as far as it is installed here; print what came out.

    python tests/bench/real_trainers.py

The data set is that of the tests (``tests/training/road.py``): boxes, polygons of several parts and with holes, masks,
keypoints, a picture without labels, a video. Of each library its counts of pictures and objects must be those that were
exported; exits with 1 if one is not.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from encord_convert.report import Report, sum_counts
from encord_convert.training import TASKS, write_target

Counts = tuple[int, int]


def with_datasets(root: Path, task: str | None) -> Counts:
    from datasets import load_dataset

    splits = load_dataset("imagefolder", data_dir=str(root), cache_dir=str(root.parent / "cache")).values()
    return sum(map(len, splits)), sum(len(row["objects"]["bbox"]) for rows in splits for row in rows)


def with_ultralytics(root: Path, task: str | None) -> Counts:
    os.environ["YOLO_CONFIG_DIR"] = str(root.parent)
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(root / "data.yaml"), autodownload=False)
    paths = [data[split] for split in ("train", "val", "test") if data.get(split)]
    sets = [YOLODataset(img_path=path, data=data, task=task, augment=False, imgsz=64) for path in paths]
    return sum(len(one.labels) for one in sets), sum(len(label["cls"]) for one in sets for label in one.labels)


def with_supervision(root: Path, task: str | None) -> Counts:
    import supervision

    files = sorted(root.glob("annotations/*.json")) or sorted(root.glob("*/_annotations.coco.json"))
    found = [0, 0]
    for file in files:
        folder = file.parent if file.name.startswith("_") else root / file.stem.removeprefix("instances_")
        for _, _, drawn in supervision.DetectionDataset.from_coco(str(folder), str(file), force_masks=True):
            found[0] += 1
            found[1] += len(drawn)
    return found[0], found[1]


LOADERS: list[tuple[str, str, str | None, Callable[[Path, str | None], Counts]]] = [
    ("datasets", "hf", None, with_datasets),
    *(("ultralytics", "ultralytics", task, with_ultralytics) for task in TASKS),
    *(("supervision", name, None, with_supervision) for name in ("detectron2", "mmdet", "rfdetr", "torchvision")),
]


def main() -> int:
    tests = Path(__file__).parents[1]
    sys.path[:0] = [str(tests / "training"), str(tests)]
    from road import NAMES, pictures, road

    is_right = True
    for library, name, task, load in LOADERS:
        if find_spec(library) is None:
            print(f"{library:<12} is not installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            out, options = Path(folder) / "out", {"task": task} if task else {}
            options |= {"negatives": "drop"} if library == "datasets" else {}
            given: Any = {"images": str(pictures(Path(folder) / "pictures")), "split": "train=0.5,val=0.3,test=0.2"}
            report = write_target(road(), out, name, report=Report(), **given, **options)
            total = sum_counts(report.labels().values())
            expected = (len(NAMES) - (library == "datasets"), total["kept"] + total["changed"])
            found = load(out, task)
        is_right &= found == expected
        print(f"{library:<12} {name:<12} {task or '':<8} {found[0]} pictures, {found[1]} objects; exported {expected}")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
