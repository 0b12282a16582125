"""Load data sets as they are with a trainer's own code and print what it left out; run by the interpreter that has it.

    python tests/bench/_trainer_drops.py TRAINER TASK FOLDER...

Prints a line of JSON for each folder: ``stops`` (why the trainer takes none of it, else null), ``images`` (those it
leaves out or stops at, with the reason) and ``annotations`` (by image, how many it leaves out of those that it loads).
Images are named by their split and file, ``train/3.jpg``. Nothing of this project is imported here.

Detectron2 is on no registry, and torchvision's references are in no wheel. The rules of ``load_coco_json``,
``DatasetMapper`` and ``filter_empty_instances`` of the one, and of ``coco_utils`` of the other, are followed here with
pycocotools; then torchvision's own ``CocoDetection`` and ``SanitizeBoundingBoxes`` are run.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Left:
    """What was left out of a data set."""

    def __init__(self) -> None:
        self.stops: str | None = None
        self.images: dict[str, str] = {}
        self.annotations: Counter[str] = Counter()

    def told(self) -> dict[str, Any]:
        return {"stops": self.stops, "images": self.images, "annotations": +self.annotations}


def coco_files(root: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield split, annotation file and image folder of the COCO layouts."""
    for split, other in (("train", "train"), ("val", "valid"), ("test", "test")):
        for file, folder in (
            (root / "annotations" / f"instances_{split}2017.json", root / f"{split}2017"),
            (root / other / "_annotations.coco.json", root / other),
        ):
            if file.exists():
                yield split, file, folder


def ultralytics(root: Path, task: str, left: Left) -> None:
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    try:
        data = check_det_dataset(str(root / "data.yaml"), autodownload=False)
    except Exception as error:
        left.stops = f"{type(error).__name__}: {error}"
        return
    for split in ("train", "val"):
        if not data.get(split):
            continue
        rows = YOLODataset(img_path=data[split], data=data, task=task, augment=False, imgsz=64)
        kept = {Path(one["im_file"]).name: len(one["cls"]) for one in rows.labels}
        for label in sorted((root / "labels" / split).glob("*.txt")):
            name, count = f"{label.stem}.jpg", len(label.read_text().split("\n")) - 1
            if name not in kept:
                left.images[f"{split}/{name}"] = "left out"
            elif kept[name] < count:
                left.annotations[f"{split}/{name}"] = count - kept[name]


def rfdetr(root: Path, task: str, left: Left) -> None:
    from rfdetr.datasets import coco

    labels = coco._train_split_cat2label(root)
    for split, file, folder in coco_files(root):
        rows = coco.CocoDetection(folder, file, None, include_masks=True, remap_category_ids=True, cat2label=labels)
        known = {one["id"] for one in json.loads(file.read_text())["images"]}
        left.annotations[""] += sum(one["image_id"] not in known for one in rows.coco.anns.values())
        for at, id_ in enumerate(rows.ids):
            name = f"{split}/{rows.coco.imgs[id_]['file_name']}"
            try:
                found = len(rows[at][1]["boxes"])
            except Exception as error:
                left.images[name] = f"{type(error).__name__}: {error}"
                continue
            left.annotations[name] = len(rows.coco.imgToAnns[id_]) - found


def torchvision(root: Path, task: str, left: Left) -> None:
    from pycocotools import mask as coco_mask
    from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2
    from torchvision.transforms import v2

    for split, file, folder in coco_files(root):
        rows = CocoDetection(folder, file)
        known = {one["id"] for one in json.loads(file.read_text())["images"]}
        classes = {one["id"] for one in json.loads(file.read_text())["categories"]}
        left.annotations[""] += sum(one["image_id"] not in known for one in rows.coco.anns.values())
        ids = list(rows.ids)
        for id_ in ids:
            image, all_ = rows.coco.imgs[id_], rows.coco.imgToAnns[id_]
            name = f"{split}/{image['file_name']}"
            try:
                # FilterAndRemapCocoCategories, ConvertCocoPolysToMask
                some = [one for one in all_ if one["category_id"] in classes]
                some = [one for one in some if one["iscrowd"] == 0]
                for one in some:
                    coco_mask.frPyObjects(one["segmentation"], image["height"], image["width"])[0]
                    float(one["area"])
                rows.coco.imgToAnns[id_] = some
                rows.ids = [id_]
                found = 0
                rows._load_image(id_).load()
                if some:
                    wrapped = wrap_dataset_for_transforms_v2(rows, target_keys=("boxes", "labels"))
                    found = len(v2.SanitizeBoundingBoxes()(*wrapped[0])[1]["boxes"])
            except Exception as error:
                left.images[name] = f"{type(error).__name__}: {error}"
                continue
            left.annotations[name] = len(all_) - found


def detectron2(root: Path, task: str, left: Left) -> None:
    from PIL import Image
    from pycocotools.coco import COCO

    for split, file, folder in coco_files(root):
        api = COCO(str(file))
        members = json.loads(file.read_text())
        known = {one["id"] for one in members["images"]}
        left.annotations[""] += sum(one["image_id"] not in known for one in members["annotations"])
        of_images = [one for id_ in sorted(api.imgs) for one in api.imgToAnns[id_]]
        if len({one["id"] for one in of_images}) < len(of_images):
            left.stops = "Annotation ids are not unique!"
        elif not {one["category_id"] for one in of_images} <= set(api.cats):
            left.stops = "KeyError: a category is not among the categories"
        if left.stops:
            continue
        for id_, image in api.imgs.items():
            name, all_ = f"{split}/{image['file_name']}", api.imgToAnns[id_]
            some = [one for one in all_ if not one.get("iscrowd") and not one.get("ignore")]
            rings = [[ring for ring in one["segmentation"] if len(ring) % 2 == 0 and len(ring) >= 6]
                     if isinstance(one.get("segmentation"), list) and one["segmentation"] else None
                     for one in some]  # fmt: skip
            some = [one for one, found in zip(some, rings, strict=True) if found != []]
            try:
                with Image.open(folder / image["file_name"]) as picture:
                    picture.load()
                    size = picture.size
            except OSError as error:
                left.images[name] = f"{type(error).__name__}: {error}"
                continue
            if size != (image["width"], image["height"]):
                left.images[name] = f"SizeMismatchError: {size}"
                continue
            found = 0
            for one in some:  # clipped, then filter_empty_instances
                x, y, w, h = one["bbox"]
                width, height = min(x + w, size[0]) - max(x, 0), min(y + h, size[1]) - max(y, 0)
                found += width > 1e-5 and height > 1e-5
            left.annotations[name] = len(all_) - found


TRAINERS = {one.__name__: one for one in (detectron2, rfdetr, torchvision, ultralytics)}


def main() -> None:
    trainer, task, *folders = sys.argv[1:]
    os.environ |= {"YOLO_CONFIG_DIR": tempfile.gettempdir(), "YOLO_OFFLINE": "True", "HF_HUB_OFFLINE": "1"}
    for folder in folders:
        left = Left()
        with contextlib.redirect_stdout(sys.stderr):
            TRAINERS[trainer](Path(folder), task, left)
        print(json.dumps(left.told()), flush=True)


if __name__ == "__main__":
    main()
