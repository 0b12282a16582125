"""Small data sets that are right, as trainers load them, and faults that are put into them one at a time."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

SIZE = (64, 48)


def image(number: int, size: tuple[int, int] = SIZE, **more: Any) -> bytes:
    """Return a JPEG file that no other number has."""
    stream = io.BytesIO()
    picture = Image.new("RGB", size, (number * 37 % 256, number * 91 % 256, 80))
    picture.putpixel((number % size[0], number // size[0] % size[1]), (255, 0, 0))
    picture.save(stream, "JPEG", quality=95, **more)
    return stream.getvalue()


# --- YOLO -------------------------------------------------------------------------------------------------------------

BOX = "0 0.3 0.4 0.2 0.2"
OTHER = "1 0.7 0.6 0.2 0.3"
RING = "0 0.1 0.1 0.4 0.1 0.4 0.5"
OTHER_RING = "1 0.6 0.6 0.9 0.6 0.9 0.9"


def yolo(root: Path, rows: tuple[str, ...] = (BOX, OTHER), more: str = "") -> None:
    """Write six images to train on and two to validate on."""
    for split, count, start in (("train", 6, 0), ("val", 2, 100)):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for n in range(count):
            (root / "images" / split / f"{n}.jpg").write_bytes(image(n + start))
            (root / "labels" / split / f"{n}.txt").write_text("".join(f"{row}\n" for row in rows))
    (root / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames:\n  0: car\n  1: van\n{more}")


def polygons(root: Path) -> None:
    yolo(root, (RING, OTHER_RING))


POINTS = "0.25 0.35 2 0.35 0.45 2"


def poses(root: Path) -> None:
    yolo(root, (f"{BOX} {POINTS}",), "kpt_shape: [2, 3]\nflip_idx: [1, 0]\n")


def label(text: str) -> Callable[[Path], None]:
    """Return what makes a text the second row of the third image."""

    def put(root: Path) -> None:
        path = root / "labels" / "train" / "2.txt"
        path.write_text(path.read_text().splitlines()[0] + f"\n{text}\n")

    return put


def file(name: str, data: bytes | None) -> Callable[[Path], None]:
    """Return what makes a file hold other bytes, or none at all."""

    def put(root: Path) -> None:
        (root / name).unlink(missing_ok=True)
        if data is not None:
            (root / name).write_bytes(data)

    return put


def without_val(root: Path) -> None:
    path = root / "data.yaml"
    path.write_text(path.read_text().replace("val: images/val\n", ""))


# --- COCO -------------------------------------------------------------------------------------------------------------


def annotation(id_: int, image_id: int, box: tuple[float, ...], category: int = 1) -> dict[str, Any]:
    x, y, w, h = box
    ring = [x, y, x + w, y, x + w, y + h, x, y + h]
    return {"id": id_, "image_id": image_id, "category_id": category, "bbox": list(box), "area": w * h, "iscrowd": 0,
            "segmentation": [ring]}  # fmt: skip


def document(images: int, start: int, supercategory: str = "things") -> dict[str, Any]:
    """Return images from 1 with two annotations each: 10 and 11 of the first, 20 and 21 of the second."""
    return {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": SIZE[0], "height": SIZE[1]}
                   for n in range(1, images + 1)],
        "annotations": [one for n in range(1, images + 1)
                        for one in (annotation(10 * n, n, (5 + n, 6, 20, 10)),
                                    annotation(10 * n + 1, n, (30, 20 + n, 12, 14), 2))],
        "categories": [{"id": n, "name": name, "supercategory": supercategory} for n, name in ((1, "car"), (2, "van"))],
    }  # fmt: skip


def coco(root: Path) -> None:
    """Write the layout of Detectron2 and of torchvision's references."""
    (root / "annotations").mkdir(parents=True)
    for split, images, start in (("train", 6, 0), ("val", 2, 100)):
        folder = root / f"{split}2017"
        folder.mkdir()
        for n in range(1, images + 1):
            (folder / f"{n}.jpg").write_bytes(image(n + start))
        text = json.dumps(document(images, start), indent=1)
        (root / "annotations" / f"instances_{split}2017.json").write_text(text)


def roboflow(root: Path) -> None:
    """Write the layout of RF-DETR."""
    for split, images, start in (("train", 6, 0), ("valid", 2, 100)):
        folder = root / split
        folder.mkdir(parents=True)
        for n in range(1, images + 1):
            (folder / f"{n}.jpg").write_bytes(image(n + start))
        (folder / "_annotations.coco.json").write_text(json.dumps(document(images, start), indent=1))


def edit(change: Callable[[dict[str, Any], dict[int, Any]], None]) -> Callable[[Path], None]:
    """Return what changes the document of train; it is given that and its annotations by id."""

    def put(root: Path) -> None:
        path = root / "annotations" / "instances_train2017.json"
        path = path if path.exists() else root / "train" / "_annotations.coco.json"
        members = json.loads(path.read_text())
        change(members, {one["id"]: one for one in members["annotations"]})
        path.write_text(json.dumps(members, indent=1))

    return put


def say(id_: int, **keys: Any) -> Callable[[Path], None]:
    """Return what changes keys of an annotation; None takes one away."""

    def change(members: dict[str, Any], by_id: dict[int, Any]) -> None:
        by_id[id_].update(keys)
        for key in [key for key, value in keys.items() if value is None]:
            del by_id[id_][key]

    return edit(change)


def boxed(id_: int, box: list[float], **keys: Any) -> Callable[[Path], None]:
    x, y, w, h = box
    return say(id_, **{"bbox": box, "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]], "area": w * h, **keys})


def again(members: dict[str, Any], by_id: dict[int, Any]) -> None:
    members["annotations"].append({**by_id[30], "id": 99})


def of_no_image(members: dict[str, Any], by_id: dict[int, Any]) -> None:
    members["annotations"].append(annotation(99, 77, (5, 5, 9, 9)))


def of_no_class(members: dict[str, Any], by_id: dict[int, Any]) -> None:
    by_id[31]["category_id"] = 9


def same_id(members: dict[str, Any], by_id: dict[int, Any]) -> None:
    by_id[31]["id"] = 30


def other_size(members: dict[str, Any], by_id: dict[int, Any]) -> None:
    members["images"][2]["width"] = 90


RLE = {"size": [48, 64], "counts": "d53^10000N_2"}
"""Compressed: columns 3 to 6 or so; what it shows is of no matter."""


CUT_SHORT = image(3, (640, 480))[:3000]
ROTATED = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
"""Orientation 6."""


class Fault(NamedTuple):
    """A fault: of which trainer, in which set, what it is, and what is to be found of it, where.

    ``place`` is a part of the file, the image and the annotation of a finding, in this order, with blanks between.
    """

    target: str
    name: str
    base: Callable[[Path], None]
    put: Callable[[Path], None]
    code: str
    place: str


def _of(target: str, base: Callable[[Path], None], *rows: tuple[str, Callable[[Path], None], str, str]) -> list[Fault]:
    return [Fault(target, name, base, put, code, place) for name, put, code, place in rows]


_SECOND = "labels/train/2.txt:2"
FAULTS = [
    *_of(
        "ultralytics", yolo,
        ("value-above-1.01", label("1 1.02 0.5 0.1 0.1"), "TRAINER_SKIPS", "labels/train/2.txt"),
        ("negative-side", label("1 0.5 0.5 -0.1 0.1"), "TRAINER_SKIPS", "labels/train/2.txt"),
        ("class-above-names", label("2 0.5 0.5 0.1 0.1"), "CLASS_UNKNOWN", _SECOND),
        ("six-numbers", label("1 0.5 0.5 0.1 0.1 0.9"), "TRAINER_SKIPS", "labels/train/2.txt"),
        ("not-a-number", label("1 nan 0.5 0.1 0.1"), "INVALID_ROW", _SECOND),
        ("commas", label("1,0.5,0.5,0.1,0.1"), "INVALID_ROW", _SECOND),
        ("row-twice", label(BOX), "DUPLICATE_ANNOTATION", _SECOND),
        ("image-too-small", file("images/train/2.jpg", image(2, (8, 8))), "TRAINER_SKIPS", "labels/train/2.txt"),
        ("image-broken", file("images/train/2.jpg", b"not an image"), "UNREADABLE", "labels/train/2.txt 2.jpg"),
        ("image-cut-short", file("images/train/2.jpg", CUT_SHORT), "TRUNCATED", "labels/train/2.txt 2.jpg"),
        ("image-missing", file("images/train/2.jpg", None), "MISSING_MEDIA", "2.jpg"),
        ("no-val", without_val, "TRAINER", "data.yaml"),
    ),
    *_of(
        "ultralytics", polygons,
        ("box-among-polygons", label(OTHER), "TRAINER_SKIPS", "labels/train/2.txt"),
        ("odd-polygon", label("1 0.6 0.6 0.9 0.6 0.9 0.9 0.7"), "TRAINER_SKIPS", "labels/train/2.txt"),
    ),
    *_of("ultralytics", poses, ("too-few-keypoints", label(f"{BOX} 0.1 0.1 2"), "TRAINER_SKIPS", "labels/train/2.txt")),
    *_of(
        "detectron2", coco,
        ("id-twice", edit(same_id), "DUPLICATE_ID", "instances_train2017.json"),
        ("crowd", say(31, iscrowd=1), "CROWD_DROPPED", "3.jpg annotation 31"),
        ("no-height", boxed(31, [5, 5, 10, 0]), "INVALID_POLYGON", "3.jpg annotation 31"),
        ("two-points", say(31, segmentation=[[1, 1, 5, 5]]), "INVALID_POLYGON", "3.jpg annotation 31"),
        ("odd-polygon", say(31, segmentation=[[1, 1, 9, 1, 9, 9, 4]]), "INVALID_POLYGON", "3.jpg annotation 31"),
        ("unknown-category", edit(of_no_class), "ORPHAN_CATEGORY", "3.jpg annotation 31"),
        ("unknown-image", edit(of_no_image), "ORPHAN_IMAGE", "annotation 99"),
        ("image-missing", file("train2017/3.jpg", None), "MISSING_MEDIA", "3.jpg"),
        ("image-broken", file("train2017/3.jpg", b"x"), "UNREADABLE", "3.jpg"),
        ("other-size", edit(other_size), "SIZE_MISMATCH", "3.jpg"),
        ("box-beside-masks", say(31, segmentation=[]), "MASK_NOT_LOADED", "3.jpg annotation 30"),
        ("outside", boxed(31, [70, 5, 10, 10]), "CLIPPED", "3.jpg annotation 31"),
    ),
    *_of(
        "torchvision", coco,
        ("one-pixel", boxed(31, [5, 5, 1, 10]), "TOO_SMALL", "3.jpg annotation 31"),
        ("crowd", say(31, iscrowd=1), "CROWD_DROPPED", "3.jpg annotation 31"),
        ("run-lengths", say(31, segmentation=RLE), "MASK_AS_POLYGON", "3.jpg annotation 31"),
        ("no-segmentation", say(31, segmentation=None), "OUTLINE_MISSING", "3.jpg annotation 31"),
        ("no-area", say(31, area=None), "AREA_DERIVED", "instances_train2017.json"),
        ("no-iscrowd", say(31, iscrowd=None), "ISCROWD_MISSING", "instances_train2017.json"),
        ("leaves-the-image", boxed(31, [58, 5, 10, 10]), "CLIPPED", "3.jpg annotation 31"),
        ("no-width", boxed(31, [5, 5, 0, 10]), "INVALID_POLYGON", "3.jpg annotation 31"),
        ("unknown-category", edit(of_no_class), "ORPHAN_CATEGORY", "3.jpg annotation 31"),
        ("image-missing", file("train2017/3.jpg", None), "MISSING_MEDIA", "3.jpg"),
        ("image-cut-short", file("train2017/3.jpg", CUT_SHORT), "TRUNCATED", "3.jpg"),
        ("rotated-by-exif", file("train2017/3.jpg", image(3, exif=ROTATED)), "EXIF_ORIENTATION", "3.jpg"),
    ),
    *_of(
        "rfdetr", roboflow,
        ("no-area", say(31, area=None), "AREA_DERIVED", "train/_annotations.coco.json"),
        ("crowd", say(31, iscrowd=1), "CROWD_DROPPED", "3.jpg annotation 31"),
        ("unknown-category", edit(of_no_class), "ORPHAN_CATEGORY", "3.jpg annotation 31"),
        ("unknown-image", edit(of_no_image), "ORPHAN_IMAGE", "annotation 99"),
        ("outside", boxed(31, [5, 60, 10, 10]), "CLIPPED", "3.jpg annotation 31"),
        ("no-height", boxed(31, [5, 5, 10, 0], segmentation=[]), "DEGENERATE_DROPPED", "3.jpg annotation 31"),
        ("negative-side", say(31, bbox=[30, 20, -5, 5], segmentation=[]), "INVALID_BBOX", "3.jpg annotation 31"),
        ("twice", edit(again), "DUPLICATE_ANNOTATION", "3.jpg annotation 99"),
        ("image-broken", file("train/3.jpg", image(3)[:40]), "UNREADABLE", "3.jpg"),
        ("image-missing", file("train/3.jpg", None), "MISSING_MEDIA", "3.jpg"),
        ("image-twice", file("train/3.jpg", image(2)), "DUPLICATE_IMAGE", "3.jpg"),
        ("other-size", edit(other_size), "SIZE_MISMATCH", "3.jpg"),
    ),
]  # fmt: skip
