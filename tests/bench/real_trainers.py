"""Convert three sources for every trainer and load what was written with the trainers' own code; print the table.

    python tests/bench/real_trainers.py [--python PYTHON]...

Each PYTHON is an interpreter that has some of the trainers (default: this one). None of them need be the one that runs
this, and none has to have this project:

    python -m venv one && one/bin/pip install ultralytics supervision datasets torchvision rfdetr pycocotools
    python -m venv two && two/bin/pip install mmdet mmengine mmcv-lite==2.1.0 torch pycocotools

The command is ``encord-convert convert SRC DST --target T`` (``--task`` where there are several), and nothing else. The
sources are what people have: the ZIP of a CVAT project with images and subsets, a Roboflow folder of COCO files, and
two unzipped exports in one folder. Each number is what the source has, and then what the trainer loaded; exits with 1
if any two differ. Detectron2 is on no registry; what is written for it is loaded by supervision.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Target(NamedTuple):
    """A target, the trainer that loads it, its task and further words of the command."""

    name: str
    trainer: str
    task: str = ""
    words: tuple[str, ...] = ()


TARGETS = [
    Target("detectron2", "supervision"),
    Target("hf", "datasets"),
    Target("mmdet", "mmdet"),
    Target("mmdet", "mmdet", "masks", ("-w", "box_polygons=yes")),
    Target("rfdetr", "rfdetr"),
    Target("torchvision", "torchvision"),
    Target("ultralytics", "ultralytics", "detect"),
    *(Target("ultralytics", "ultralytics", task, ("--task", task)) for task in ("segment", "obb", "pose")),
]

Splits = dict[str, int]

LABELS = """<label><name>car</name><type>rectangle</type><attributes/></label>
<label><name>leaf</name><type>polygon</type><attributes/></label>
<label><name>object</name><type>rectangle</type><attributes/></label>
<label><name>spill</name><type>mask</type><attributes/></label>
<label><name>face</name><type>skeleton</type><attributes/><svg>&lt;circle r="1" cx="20" cy="20" data-type="element node"
data-element-id="1" data-node-id="1" data-label-name="left eye"/&gt;&lt;circle r="1" cx="40" cy="20"
data-type="element node" data-element-id="2" data-node-id="2" data-label-name="right eye"/&gt;</svg></label>
<label><name>left eye</name><type>points</type><attributes/><parent>face</parent></label>
<label><name>right eye</name><type>points</type><attributes/><parent>face</parent></label>"""

SHAPES = """<box label="car" xtl="5" ytl="6" xbr="25" ybr="16" occluded="0" z_order="0"/>
<box label="car" xtl="60" ytl="10" xbr="90" ybr="20" rotation="30" occluded="0" z_order="0"/>
<polygon label="leaf" points="30,10;50,10;50,30" occluded="0" z_order="0"/>
<mask label="spill" rle="3, 58, 3" left="60" top="40" width="8" height="8" occluded="0" z_order="0"/>
<skeleton label="face" z_order="0"><points label="left eye" points="20,40" occluded="0" outside="0"/>
<points label="right eye" points="40,42" occluded="0" outside="0"/></skeleton>"""


def image(number: int) -> bytes:
    """Return a JPEG that no other is like."""
    stream = io.BytesIO()
    Image.new("RGB", (96, 64), (number * 7 % 256, number * 31 % 256, 99)).save(stream, "JPEG")
    return stream.getvalue()


def cvat_xml(images: list[tuple[str, str]], meta: str) -> str:
    """Return CVAT XML of images, each by name and subset; every fourth has no labels."""
    entries = "".join(
        f'<image id="{n}" name="{name}"{subset and f" subset={subset!r}"} width="96" height="64">\n'
        f"{SHAPES if n % 4 != 3 else ''}</image>\n"
        for n, (name, subset) in enumerate(images)
    )
    meta = f"<meta><{meta}><labels>{LABELS}</labels></{meta}></meta>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{meta}\n{entries}</annotations>'


def cvat_zip(folder: Path) -> tuple[Path, int, Splits]:
    path, sizes = folder / "project.zip", {"Train": 8, "Validation": 4, "Test": 4}
    images = [(f"cam/{n}.jpg", subset) for subset, size in sizes.items() for n in range(size)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("annotations.xml", cvat_xml(images, "project"))
        for number, (name, subset) in enumerate(images):
            archive.writestr(f"images/{subset}/{name}", image(number))
    return path, 16, {"train": 8, "val": 4, "test": 4}


def roboflow(folder: Path) -> tuple[Path, int, Splits]:
    root, sizes = folder / "roboflow", {"train": 8, "valid": 4, "test": 4}
    categories = [{"id": 0, "name": "things", "supercategory": "none"}]
    categories += [{"id": n, "name": name, "supercategory": "things"} for n, name in enumerate(("car", "leaf"), 1)]
    for start, (split, size) in enumerate(sizes.items()):
        (root / split).mkdir(parents=True)
        images, annotations = [], []
        for n in range(size):
            name = f"{n}_jpg.rf.{n:04d}.jpg"  # of one name in every split
            (root / split / name).write_bytes(image(n + 10 * start))
            images.append({"id": n, "file_name": name, "width": 96, "height": 64, "license": 1})
            for category, ring in ((1, []), (2, [[30, 10, 50, 10, 50, 30]])) if n % 4 != 3 else ():
                box = [30, 10, 20, 20] if ring else [5, 6, 20, 10]
                annotations.append(
                    {"id": len(annotations), "image_id": n, "category_id": category, "bbox": box, "segmentation": ring,
                     "area": box[2] * box[3], "iscrowd": 0}
                )  # fmt: skip
        members = {"info": {}, "licenses": [{"id": 1}], "categories": categories, "images": images}
        (root / split / "_annotations.coco.json").write_text(json.dumps(members | {"annotations": annotations}))
    return root, 16, {"train": 8, "val": 4, "test": 4}


def two_exports(folder: Path) -> tuple[Path, int, Splits]:
    for start, name in enumerate(("task_1", "task_2")):
        images = folder / "exports" / name / "images"
        images.mkdir(parents=True)
        names = [f"{n}.jpg" for n in range(40)]  # the same in both
        for number, one in enumerate(names):
            (images / one).write_bytes(image(number + 40 * start))
        (images.parent / "annotations.xml").write_text(cvat_xml([(one, "") for one in names], "task"))
    return folder / "exports", 80, {}


@functools.cache
def interpreter(pythons: tuple[str, ...], library: str) -> str | None:
    """Return the first interpreter that has a library."""
    code = f"import sys, importlib.util; sys.exit(importlib.util.find_spec({library!r}) is None)"
    return next(
        (python for python in pythons if subprocess.run([python, "-c", code], check=False).returncode == 0), None
    )


def written(source: Path, out: Path, target: Target) -> dict[str, Any]:
    """Convert, and return the report."""
    report = out.with_suffix(".report.json")
    words = [str(source), str(out), "--target", target.name, *target.words, "--report", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "encord_convert", "convert", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return dict(json.loads(report.read_text()))


def loaded(python: str, target: Target, out: Path) -> dict[str, Any]:
    """Load with the trainer's own code."""
    words = [python, str(HERE / "_trainer_loads.py"), target.trainer, str(out), target.task]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=out)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def classes_in(out: Path) -> int:
    """Return how many classes the files name."""
    if (out / "data.yaml").exists():
        return int(next(line for line in (out / "data.yaml").read_text().splitlines() if line.startswith("nc: "))[4:])
    if (out / "id2label.json").exists():
        return len(json.loads((out / "id2label.json").read_text()))
    return len(json.loads(next(out.rglob("*.json")).read_text())["categories"])


def compared(source: Path, images: int, splits: Splits, target: Target, python: str, out: Path) -> tuple[str, bool]:
    """Return a row of the table, and whether what was written was loaded."""
    try:
        report = written(source, out, target)
        sums = report["labels"].values()
        found = loaded(python, target, out)
    except RuntimeError as error:
        return str(error)[:150], False
    have = {split: count for split, (count, _) in found["splits"].items()}
    want = splits or images_in(out)
    distinct = len({path.read_bytes() for path in out.rglob("*.jpg")})  # rows that share a file are one image
    pairs = [
        (images, min(sum(have.values()), distinct)),
        (sum(row["kept"] + row["changed"] for row in sums), sum(count for _, count in found["splits"].values())),
        (classes_in(out), found["classes"]),
        ("/".join(str(want[name]) for name in want), "/".join(str(have.get(name, 0)) for name in want)),
    ]
    cells = "  ".join(f"{f'{a} = {b}' if a == b else f'{a} ≠ {b}':<15}" for a, b in pairs)
    return f"{found['version']:<9} {cells}".rstrip(), all(a == b for a, b in pairs)


def images_in(out: Path) -> Splits:
    """Return how many images lie in the folder of each split."""
    names = {"train": ["train"], "val": ["val", "valid", "validation"], "test": ["test"]}
    patterns = {split: [f"{name}{year}" for name in known for year in ("", "2017")] for split, known in names.items()}
    folders = {
        split: [*map(out.joinpath, found), *map((out / "images").joinpath, found)] for split, found in patterns.items()
    }
    return {split: sum(len(list(folder.rglob("*.jpg"))) for folder in found) for split, found in folders.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", help="An interpreter that has trainers; repeatable.")
    pythons = tuple(parser.parse_args().python or [sys.executable])
    is_right = True
    with tempfile.TemporaryDirectory() as folder:
        titles = (
            "source",
            "target",
            "task",
            "trainer",
            "version",
            "images",
            "annotations",
            "classes",
            "train/val/test",
        )
        print("{:<12} {:<11} {:<7} {:<11} {:<9} {:<15}  {:<15}  {:<15}  {}".format(*titles))
        for make in (cvat_zip, roboflow, two_exports):
            source, images, splits = make(Path(folder))
            for number, target in enumerate(TARGETS):
                if target.task == "pose" and make is roboflow:
                    continue  # it has no keypoints
                python = interpreter(pythons, target.trainer)
                head = f"{make.__name__:<12} {target.name:<11} {target.task:<7} {target.trainer:<11}"
                if python is None:
                    print(head, "is not installed")
                    continue
                out = Path(folder) / f"{make.__name__}-{number}"
                row, same = compared(source, images, splits, target, python, out)
                print(head, row, flush=True)
                is_right &= same
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
