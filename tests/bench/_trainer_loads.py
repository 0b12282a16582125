"""Load a folder with a trainer's own code and print what it loaded; run by the interpreter that has the trainer.

    python tests/bench/_trainer_loads.py TRAINER FOLDER [TASK]

Prints JSON: ``version``, ``classes`` and, by split, images and annotations. Every image is opened. Images without
labels are left in: trainers that learn from labelled images alone take them out later. Nothing of this project is
imported here.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

Loaded = tuple[int, dict[str, list[int]]]
"""How many classes; by split, how many images and annotations."""

SPLITS = ("train", "val", "test")


def coco_files(root: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield split, annotation file and image folder of the COCO layouts: 2017's, and a file beside the images."""
    for split, other in zip(SPLITS, ("train", "valid", "test"), strict=True):
        for file, folder in (
            (root / "annotations" / f"instances_{split}2017.json", root / f"{split}2017"),
            (root / other / "_annotations.coco.json", root / other),
        ):
            if file.exists():
                yield split, file, folder


def datasets(root: Path, task: str) -> Loaded:
    from datasets import load_dataset

    with tempfile.TemporaryDirectory() as cache:
        found = load_dataset("imagefolder", data_dir=str(root), cache_dir=cache)
        splits = {
            "val" if name == "validation" else name: [len(rows), sum(len(row["objects"]["bbox"]) for row in rows)]
            for name, rows in found.items()
            if all(row["image"].size == (row["width"], row["height"]) for row in rows)
        }
    return len(json.loads((root / "id2label.json").read_text())), splits


def ultralytics(root: Path, task: str) -> Loaded:
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(root / "data.yaml"), autodownload=False)
    splits: dict[str, list[int]] = {}
    for split in SPLITS:
        if data.get(split) and Path(data[split]).name == split:  # else another stands in for one that is not there
            rows = YOLODataset(img_path=data[split], data=data, task=task, augment=False, imgsz=64)
            splits[split] = [len(rows), sum(len(rows[index]["cls"]) for index in range(len(rows)))]
    return len(data["names"]), splits


def supervision(root: Path, task: str) -> Loaded:
    from supervision import DetectionDataset

    classes, splits = 0, {}
    for split, file, folder in coco_files(root):
        rows = DetectionDataset.from_coco(str(folder), str(file), force_masks=True)
        classes, splits[split] = len(rows.classes), [len(rows), sum(len(found) for _, _, found in rows)]
    return classes, splits


def torchvision(root: Path, task: str) -> Loaded:
    """CocoDetection, and what coco_utils of the references does: crowds out, rings to masks, boxes without sides out;
    then the transform that the references end with."""
    from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2
    from torchvision.transforms import v2

    classes, splits = 0, {}
    for split, file, folder in coco_files(root):
        rows = CocoDetection(folder, file)
        classes, empty = len(rows.coco.cats), [id_ for id_ in rows.ids if not rows.coco.getAnnIds(id_)]
        assert not any(one["iscrowd"] for one in rows.coco.anns.values())
        for id_ in empty:  # the wrapper has no word for them
            rows._load_image(id_)
        rows.ids = [id_ for id_ in rows.ids if id_ not in empty]
        wrapped = wrap_dataset_for_transforms_v2(rows, target_keys=("boxes", "labels", "masks"))
        sanitized = [v2.SanitizeBoundingBoxes()(*wrapped[index])[1] for index in range(len(rows.ids))]
        assert all(len(one["masks"]) == len(one["boxes"]) for one in sanitized)
        splits[split] = [len(wrapped) + len(empty), sum(len(one["boxes"]) for one in sanitized)]
    return classes, splits


def rfdetr(root: Path, task: str) -> Loaded:
    from rfdetr.datasets import coco

    labels = coco._train_split_cat2label(root)
    assert coco.is_valid_coco_dataset(str(root)) and labels is not None
    splits = {}
    for split, file, folder in coco_files(root):
        rows = coco.CocoDetection(folder, file, None, include_masks=True, remap_category_ids=True, cat2label=labels)
        targets = [rows[index][1] for index in range(len(rows))]
        assert all(one["masks"].flatten(1).any(1).all() for one in targets)
        splits[split] = [len(targets), sum(len(one["boxes"]) for one in targets)]
    return len(labels), splits


def mmdet(root: Path, task: str) -> Loaded:
    """CocoDataset and LoadAnnotations; with masks if the task is ``masks``."""
    sys.modules["mmcv._ext"] = _Operators("mmcv._ext")  # mmcv-lite lacks it, and loading calls none of its operators
    from mmdet.datasets import CocoDataset
    from mmdet.utils import register_all_modules

    register_all_modules()
    steps = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations", "with_bbox": True, "with_mask": task == "masks"},
    ]
    classes, splits = 0, {}
    for split, file, folder in coco_files(root):
        names = tuple(one["name"] for one in json.loads(file.read_text())["categories"])
        rows = CocoDataset(
            ann_file=str(file), data_prefix={"img": str(folder)}, metainfo={"classes": names}, pipeline=steps
        )
        found = [rows[index] for index in range(len(rows))]
        if task == "masks":
            assert all(len(one["gt_masks"]) == len(one["gt_bboxes"]) for one in found)
        classes, splits[split] = len(names), [len(found), sum(len(one["gt_bboxes"]) for one in found)]
    return classes, splits


class _Operators(ModuleType):
    """Compiled operators that are only named, never called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


TRAINERS = {one.__name__: one for one in (datasets, mmdet, rfdetr, supervision, torchvision, ultralytics)}


def main() -> None:
    trainer, folder, task = (*sys.argv[1:], "")[:3]
    os.environ |= {"HF_HUB_OFFLINE": "1", "YOLO_CONFIG_DIR": tempfile.gettempdir(), "YOLO_OFFLINE": "True"}
    with contextlib.redirect_stdout(sys.stderr):
        classes, splits = TRAINERS[trainer](Path(folder), task)
    print(json.dumps({"version": version(trainer), "classes": classes, "splits": splits}))


if __name__ == "__main__":
    main()
