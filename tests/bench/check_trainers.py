"""Check data sets for a trainer, let the trainer's own code load them as they are, and compare: print the table.

    python tests/bench/check_trainers.py [--python PYTHON]

PYTHON is an interpreter that has the trainers (default: this one; ``real_trainers.py`` says how to make it). Twelve
sets: those of ``tests/seeded_faults.py`` with several faults each, and real files of ``fixtures``. What was said is
``encord-convert check SET --target TRAINER --json``; what was left out is in ``_trainer_drops.py``. Exits with 1 if an
image or an annotation was left out that was not named, or named and not left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from seeded_faults import (  # noqa: E402, I001
    BOX, RLE, annotation, boxed, coco, edit, file, image, label, polygons, poses, roboflow, say, yolo,
)  # fmt: skip

OF_IMAGE = frozenset({
    "AREA_DERIVED", "MISSING_MEDIA", "PICTURE_TOO_SMALL", "SIZE_MISMATCH", "TRAINER_SKIPS", "TRUNCATED", "UNREADABLE",
})  # fmt: skip
"""Codes that cost the whole image."""

OF_IMAGE_BY_TRAINER = {
    "detectron2": frozenset[str](),
    "rfdetr": frozenset({"ORPHAN_CATEGORY"}),
    "torchvision": frozenset({"MASK_AS_POLYGON", "OUTLINE_MISSING"}),
    "ultralytics": frozenset[str](),
}
HARMLESS = {
    "detectron2": frozenset({"CLIPPED", "DUPLICATE_ANNOTATION", "MASK_NOT_LOADED"}),
    "rfdetr": frozenset({"CLIPPED", "DUPLICATE_ANNOTATION", "DUPLICATE_IMAGE", "SIZE_MISMATCH"}),
    "torchvision": frozenset({"DUPLICATE_ANNOTATION", "EXIF_ORIENTATION", "SIZE_MISMATCH"}),
    "ultralytics": frozenset({"CLIPPED", "CONFIDENCE_DOUBTFUL"}),
}
"""Warnings of what the trainer loads, though otherwise than it is meant."""

STOPS = {"detectron2": frozenset({"DUPLICATE_ID", "ORPHAN_CATEGORY"}), "ultralytics": frozenset({"TRAINER"})}
"""Codes that cost the whole set."""


def at(number: int, put: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return what does to another image of YOLO what a fault does to the third."""

    def moved(root: Path) -> None:
        third, other = (root / "labels" / "train" / f"{n}.txt" for n in (2, number))
        kept = third.read_text()
        put(root)
        other.write_text(third.read_text())
        third.write_text(kept)

    return moved


def many(base: Callable[[Path], None], *puts: Callable[[Path], None]) -> Callable[[Path], None]:
    def made(root: Path) -> None:
        base(root)
        for put in puts:
            put(root)

    return made


def fixture(name: str) -> Callable[[Path], None]:
    """Return what copies a real set into the layout its trainer loads."""

    def made(root: Path) -> None:
        shutil.copytree(
            ROOT / "fixtures" / name, root, ignore=shutil.ignore_patterns("hub.json", "losses.json", "*.md")
        )

    return made


def real(root: Path) -> None:
    """Put a real file of COCO's where the trainer looks for it, with images of its sizes, and a crowd."""
    members = json.loads((ROOT / "fixtures" / "coco" / "polygons" / "instances.json").read_text())
    (root / "annotations").mkdir(parents=True)
    (root / "train2017").mkdir()
    for number, one in enumerate(members["images"]):
        (root / "train2017" / one["file_name"]).write_bytes(image(number, (one["width"], one["height"])))
    members["annotations"].append({**members["annotations"][-1], "id": 10**9, "iscrowd": 1})
    (root / "annotations" / "instances_train2017.json").write_text(json.dumps(members))


def third_and_more(members: dict[str, Any], by_id: dict[int, Any]) -> None:
    members["annotations"] += [annotation(99, 77, (5, 5, 9, 9)), annotation(98, 5, (63.2, 5, 9, 9))]


SETS: list[tuple[str, str, str, Callable[[Path], None]]] = [
    ("ultralytics", "detect", "boxes", many(
        yolo, label("1 1.02 0.5 0.1 0.1"), at(0, label("1 0.5 0.5 0.1 0.1 0.9")), at(1, label(BOX)),
        at(3, label("2 0.5 0.5 0.1 0.1")), file("images/train/4.jpg", image(4, (8, 8))),
        file("images/train/5.jpg", b"junk"))),
    ("ultralytics", "segment", "polygons", many(
        polygons, label("1 0.7 0.6 0.2 0.3"), at(0, label("1 0.6 0.6 0.9 0.6 0.9 0.9 0.7")),
        at(1, label("1 nan 0.6 0.9 0.6 0.9 0.9")))),
    ("ultralytics", "pose", "poses", many(
        poses, label(f"{BOX} 0.1 0.1 2"), at(0, label(f"{BOX} 0.2 0.3 2 1.2 0.4 2")))),
    ("ultralytics", "segment", "no val", fixture("yolo/cvat-ultralytics-segmentation")),
    ("rfdetr", "", "roboflow", many(
        roboflow, say(31, iscrowd=1), boxed(21, [5, 60, 10, 10]), say(40, area=None), edit(third_and_more),
        file("train/6.jpg", b"junk"))),
    ("rfdetr", "", "categories", many(
        roboflow, say(31, category_id=9), boxed(10, [5, 5, 10, 0], segmentation=[]), file("valid/2.jpg", None))),
    ("rfdetr", "", "clean", roboflow),
    ("torchvision", "", "masks", many(
        coco, say(31, segmentation=RLE), say(21, segmentation=None), say(11, iscrowd=1), boxed(41, [58, 5, 10, 10]),
        file("train2017/5.jpg", image(5, (640, 480))[:3000]))),
    ("torchvision", "", "keys", many(
        coco, say(31, area=None), boxed(21, [5, 5, 0.4, 10]), edit(third_and_more), say(41, category_id=9))),
    ("torchvision", "", "real", real),
    ("detectron2", "", "shapes", many(
        coco, say(31, iscrowd=1), say(21, segmentation=[[1, 1, 5, 5]]), boxed(11, [70, 5, 10, 10]),
        boxed(41, [58, 5, 10, 10]), edit(third_and_more), file("train2017/6.jpg", None),
        edit(lambda members, by_id: members["images"][4].update(width=90)))),
    ("detectron2", "", "ids", many(coco, edit(lambda members, by_id: by_id[31].update(id=30)))),
]  # fmt: skip


def said(folder: Path, trainer: str, task: str) -> dict[str, Any]:
    """Return what a check says, in the form of ``_trainer_drops.py``."""
    words = [sys.executable, "-m", "encord_convert", "check", str(folder), "--target", trainer, "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.strip())
    findings = json.loads(done.stdout)["findings"]
    stops = [one["code"] for one in findings if one["code"] in STOPS.get(trainer, ())]
    images: dict[str, str] = {}
    lost: dict[str, set[Any]] = {}
    for one in findings:
        code = one["code"]
        if (code in HARMLESS[trainer] and one["level"] == "warning") or code in STOPS.get(trainer, ()):
            continue
        name = named(one, folder)
        if code in OF_IMAGE | OF_IMAGE_BY_TRAINER[trainer] and code not in HARMLESS[trainer]:
            images[name] = code
        else:
            lost.setdefault(name, set()).add(one["line"] or one["annotation"])
    counts = {name: len(some) for name, some in lost.items() if name not in images}
    return {"stops": ", ".join(stops) or None, "images": images, "annotations": counts}


def named(finding: dict[str, Any], folder: Path) -> str:
    """Return the image of a finding by its split and file."""
    if finding["image"] is None:
        return ""
    path = (finding["file"] or "")[len(str(folder)) :]
    split = "val" if "val" in path else "train"
    return f"{split}/{finding['image'].rpartition('/')[2]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="An interpreter that has the trainers.")
    python = parser.parse_args().python
    is_right = True
    with tempfile.TemporaryDirectory() as scratch:
        rows = []
        for number, (trainer, task, title, make) in enumerate(SETS):
            folder = Path(scratch) / f"{number}-{trainer}"
            make(folder)
            rows.append((trainer, task, title, folder, said(folder, trainer, task)))
        for trainer, task in sorted({(trainer, task) for trainer, task, *_ in rows}):
            chosen = [one for one in rows if one[:2] == (trainer, task)]
            words = [python, str(HERE / "_trainer_drops.py"), trainer, task, *(str(one[3]) for one in chosen)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                print(trainer, task, done.stderr.strip().splitlines()[-1])
                is_right = False
                continue
            found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            for (*_, title, _, ours), theirs in zip(chosen, found, strict=True):
                same = bool(ours["stops"]) == bool(theirs["stops"]) and (
                    bool(ours["stops"])
                    or (ours["images"].keys() == theirs["images"].keys()
                        and Counter(ours["annotations"]) == Counter(theirs["annotations"]))
                )  # fmt: skip
                is_right &= same
                lost = sum(theirs["annotations"].values())
                words_ = "stops" if theirs["stops"] else f"{len(theirs['images'])} images, {lost} annotations left out"
                print(
                    f"{trainer:<12} {task:<8} {title:<11} {words_:<40} {'as said' if same else 'NOT AS SAID'}",
                    flush=True,
                )
                if not same:
                    print("   said  ", ours)
                    print("   loaded", theirs)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
