"""What training code does with a folder, written from its documentation: each returns the objects that are left.

Independent of what writes: nothing here imports it. Each loader opens every image it names.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

SUFFIXES = (".png", ".PNG", ".jpg", ".jpeg")


class Broken(AssertionError):
    """The trainer would stop here, or leave out an image as corrupt."""


def check(condition: object, what: str) -> None:
    if not condition:
        raise Broken(what)


def size_of(path: Path) -> tuple[int, int]:
    check(path.is_file(), f"{path} is missing")
    with Image.open(path) as image:
        image.load()
        return image.size


def read_coco(file: Path, folder: Path) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]], dict[int, Any]]]:
    """Read a COCO file as pycocotools does, and open every image."""
    members = json.loads(file.read_text("ascii"))
    images, annotations = members["images"], members["annotations"]
    categories = {one["id"]: one for one in members["categories"]}
    check(len({one["id"] for one in images}) == len(images), "image ids are not unique")
    check(len({one["id"] for one in annotations}) == len(annotations), "annotation ids are not unique")
    check(0 not in {one["id"] for one in annotations}, "the evaluation takes annotation 0 for no match")
    check(len({one["file_name"] for one in images}) == len(images), "file names are not unique")
    check(sorted(categories) == list(range(1, len(categories) + 1)), "category ids have gaps")
    check({one["image_id"] for one in annotations} <= {one["id"] for one in images}, "an image is unknown")
    for image in images:
        check(size_of(folder / image["file_name"]) == (image["width"], image["height"]), "another size")
        yield image, [one for one in annotations if one["image_id"] == image["id"]], categories


def torchvision(root: Path, split: str) -> list[dict[str, Any]]:
    """The detection references: crowds and boxes without sides removed, polygons through frPyObjects, and images
    removed whose boxes all have a side of 1 px or less; SanitizeBoundingBoxes removes boxes below 1 px or outside."""
    left = []
    file, folder = root / "annotations" / f"instances_{split}2017.json", root / f"{split}2017"
    for image, annotations, categories in read_coco(file, folder):
        if all(min(one["bbox"][2:]) <= 1 for one in annotations):
            continue
        for one in annotations:
            if one["iscrowd"]:
                continue
            runs = coco_mask.frPyObjects(one["segmentation"], image["height"], image["width"])
            mask = coco_mask.decode(runs).any(axis=2)
            check(mask.shape == (image["height"], image["width"]), "a mask of another size")
            x, y, w, h = one["bbox"]
            if w < 1 or h < 1 or x < 0 or y < 0 or x + w > image["width"] + 1e-6 or y + h > image["height"] + 1e-6:
                continue
            left.append({"image": image["file_name"], "mask": mask, "name": categories[one["category_id"]]["name"],
                         **one})  # fmt: skip
    return left


def detectron2(root: Path, split: str) -> list[dict[str, Any]]:
    """load_coco_json and the filters of training: polygons of an odd or too short list dropped, an annotation without
    any left dropped, crowds dropped, half a pixel added to keypoints; masks in the format ``bitmask``. Then
    annotations_to_instances: the first annotation of an image tells whether it has masks, and keypoints; if so, each
    must have them, keypoints as many as the first."""
    left = []
    file, folder = root / "annotations" / f"instances_{split}2017.json", root / f"{split}2017"
    for image, annotations, categories in read_coco(file, folder):
        loaded: list[dict[str, Any]] = []
        for one in annotations:
            check(not one.get("ignore"), "ignore is not supported")
            category = categories[one["category_id"]]
            w, h = one["bbox"][2:]
            segmentation = one.get("segmentation")
            if isinstance(segmentation, list) and segmentation:
                segmentation = [ring for ring in segmentation if len(ring) % 2 == 0 and len(ring) >= 6]
                if not segmentation:
                    continue
            if one.get("iscrowd", 0) or w <= 1e-5 or h <= 1e-5:
                continue
            mask = None
            if isinstance(segmentation, dict):
                mask = coco_mask.decode(segmentation).astype(bool)
            entry = {"image": image["file_name"], "mask": mask, "name": category["name"], **one}
            keypoints = one.get("keypoints")
            if keypoints:
                check(len(keypoints) >= 3 * len(category.get("keypoints", ())), "fewer keypoints than names")
                entry["keypoints"] = [v + 0.5 if i % 3 != 2 else v for i, v in enumerate(keypoints)]
            loaded.append(entry)
        if loaded and loaded[0]["segmentation"]:
            check(all(one["segmentation"] for one in loaded), "KeyError: segmentation")
        if loaded and loaded[0].get("keypoints"):
            check(len({len(one.get("keypoints", ())) for one in loaded}) == 1, "keypoints of several lengths")
        for one in loaded:
            one["has_mask"] = bool(loaded[0]["segmentation"])
            one["has_keypoints"] = bool(loaded[0].get("keypoints"))
        left += loaded
    return left


def mmdet(root: Path, split: str, classes: list[str] | None = None) -> list[dict[str, Any]]:
    """CocoDataset with filter_cfg=dict(filter_empty_gt=True, min_size=32): categories by name, boxes without area or
    below 1 px or outside dropped, crowds kept as regions to ignore. LoadAnnotations(with_mask=True) asks each for its
    segmentation, and stops where there is none: ``has_mask`` tells whether all of an image have one."""
    left = []
    file, folder = root / "annotations" / f"instances_{split}2017.json", root / f"{split}2017"
    for image, annotations, categories in read_coco(file, folder):
        if min(image["width"], image["height"]) < 32:
            continue
        has_mask = all(one["segmentation"] for one in annotations)
        for one in annotations:
            if classes is not None and categories[one["category_id"]]["name"] not in classes:
                continue
            x, y, w, h = one["bbox"]
            inside_w = max(0, min(x + w, image["width"]) - max(x, 0))
            inside_h = max(0, min(y + h, image["height"]) - max(y, 0))
            if inside_w * inside_h == 0 or one["area"] <= 0 or w < 1 or h < 1:
                continue
            left.append({"image": image["file_name"], "is_ignored": bool(one["iscrowd"]), "has_mask": has_mask,
                         "name": categories[one["category_id"]]["name"], **one})  # fmt: skip
    return left


def rfdetr(root: Path, split: str) -> list[dict[str, Any]]:
    """The COCO layout of RF-DETR: train, valid, test; a category that another names as its supercategory, and that no
    annotation of train has, is no class (before 1.11: one of the supercategory "none"); crowds dropped; ``area``
    needed; polygons or run lengths, and a mask of nothing where an annotation has neither."""
    left = []
    folder = root / split
    for image, annotations, categories in read_coco(folder / "_annotations.coco.json", folder):
        parents = {one["supercategory"] for one in categories.values() if one["supercategory"] != one["name"]}
        check(not parents & {"none", *(one["name"] for one in categories.values())}, "a category is no class")
        for one in annotations:
            check(one["segmentation"], "a mask of nothing")
            mask = None
            if isinstance(one["segmentation"], dict):
                mask = coco_mask.decode(one["segmentation"]).astype(bool)
            if not one["iscrowd"] and one["area"] > 0:
                name = categories[one["category_id"]]["name"]
                left.append({"image": image["file_name"], "mask": mask, "name": name, **one})
    return left


def yaml_of(text: str) -> dict[str, Any]:
    """Read the YAML that is used: scalars, lists of numbers, and the names of classes and of keypoints."""
    members: dict[str, Any] = {}
    last = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if line.startswith("  "):
            members[last][int(key)] = json.loads(value)
        elif not value.strip():
            members[key], last = {}, key
        else:
            members[key] = json.loads(value) if re.match(r" [\[\d]", value) else value.strip()
    return members


def ultralytics(root: Path, split: str, task: str) -> list[dict[str, Any]]:
    """The dataset scan of Ultralytics: labels by the path with the last ``images`` replaced; numbers outside 0 to 1 or
    a wrong count of columns make an image corrupt; equal lines are kept once; outlines and boxes do not mix."""
    data = yaml_of((root / "data.yaml").read_text("utf-8"))
    check({"train", "val", "names"} <= data.keys(), "a key is missing")
    check(list(data["names"]) == list(range(len(data["names"]))), "names do not count from 0")
    left = []
    folder = root / data[split]
    found = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES) if folder.is_dir() else []
    for path in found:
        width, height = size_of(path)
        check(width > 9 and height > 9, "an image below 10 px is corrupt")
        label = Path("/labels/".join(str(path).rsplit("/images/", 1))).with_suffix(".txt")
        check(label.is_file(), f"{label} is missing")
        rows = [line.split() for line in label.read_text("ascii").splitlines()]
        once = {tuple(row) for row in rows}
        for row in once:
            numbers = np.array(row[1:], float)
            shares = np.delete(numbers, np.s_[6::3]) if task == "pose" else numbers
            check(int(row[0]) in data["names"], "a class is unknown")
            slack = 0.01 if task == "obb" else 0  # what the trainer allows; other rows of ours lie within the image
            check(shares.min() >= -slack and shares.max() <= 1 + slack, "non-normalized or out of bounds coordinates")
            columns = {"detect": 4, "obb": 8, "pose": 4 + 3 * data.get("kpt_shape", [0])[0]}.get(task)
            check(len(numbers) == columns if columns else len(numbers) >= 6 and len(numbers) % 2 == 0, "columns")
            scale = np.resize([width, height], len(shares))
            left.append({"image": path.relative_to(folder).as_posix(), "name": data["names"][int(row[0])],
                         "px": shares * scale, "row": row})  # fmt: skip
    return left


def hugging_face(root: Path, split: str) -> list[dict[str, Any]]:
    """imagefolder: each line names an image below its folder and each image has a line; numbers of one key have one
    type in all splits; the image processors of the DETR family drop crowds and boxes without sides."""
    folder = root / split
    names = json.loads((root / "id2label.json").read_text())
    if not folder.is_dir():
        return []
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("ascii").splitlines()]
    listed = Counter(line["file_name"] for line in lines)
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in SUFFIXES}
    check(set(listed) == on_disk and max(listed.values(), default=1) == 1, "images and lines differ")
    left = []
    for line in lines:
        check(size_of(folder / line["file_name"]) == (line["width"], line["height"]), "another size")
        objects = line["objects"]
        check(len({len(objects[key]) for key in ("id", "area", "bbox", "category")}) == 1, "lists of other lengths")
        types = {type(number) for number in (*objects["area"], *(side for box in objects["bbox"] for side in box))}
        check(types <= {float}, "numbers of two types")
        for area, bbox, category in zip(objects["area"], objects["bbox"], objects["category"], strict=True):
            if bbox[2] > 0 and bbox[3] > 0:
                left.append({"image": line["file_name"], "name": names[str(category)], "bbox": bbox, "area": area})
    return left
