"""Measure COCO-to-CVAT conversion beside two other converters: same input, same run, whole processes, interleaved.

    python tests/bench/coco_to_cvat.py --datumaro ~/datumaro/bin/python --hotcoco ~/hotcoco/bin/python
    python tests/bench/coco_to_cvat.py --to yolo --images 10000    # polygons of ours, boxes of the others

The input holds boxes, and polygons of 20 vertices, each with one attribute. The numbers are medians; trust CPU seconds
and ratios. If a box or a polygon is missing in what we wrote, the exit code is 1. Goals are judged on screen only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from _measure import Run, median_of, own_peak_mb, run
from cvat_to_coco import environment_of_checkout, judge, peer, work_folder
from generate_cvat import COLOURS, HEIGHT, LABELS, WIDTH, image_name, write_images

HOTCOCO_API = "import sys, hotcoco; hotcoco.COCO(sys.argv[1]).to_{to}(sys.argv[2])"
SUBSETS = {"cvat": "default", "yolo": "train"}
"""What the input is called, so that datumaro takes it."""
FORMATS = {"cvat": ("cvat", "cvat"), "yolo": ("yolo-seg", "yolo")}
"""By target, what we and datumaro call it."""
CPU_GOAL = 5.0
"""How many times less CPU than the datumaro command line."""
ELEMENTS = ("box", "polygon")
VERTICES = 20


def make(folder: Path, images: int, per_image: int, subset: str = "default") -> Path:
    """Write the input, laid out as datumaro wants it, and its images; return the COCO file."""
    chance = Random(1)
    path = folder / "annotations" / f"instances_{subset}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [
        {"id": number + 1, "width": WIDTH, "height": HEIGHT, "file_name": image_name(number)}
        for number in range(images)
    ]
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info":{},"images":' + json.dumps(entries) + ',"annotations":[')
        for index in range(images * per_image):
            file.write((",\n" if index else "\n") + json.dumps(_annotation(chance, index, index // per_image + 1)))
        categories = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(LABELS, 1)]
        file.write('],"categories":' + json.dumps(categories) + "}")
    write_images(folder / "images" / subset, images)
    return path


def _annotation(chance: Random, index: int, image: int) -> dict[str, object]:
    w, h = round(chance.uniform(20, 300), 2), round(chance.uniform(20, 300), 2)
    x, y = round(chance.uniform(0, WIDTH - w), 2), round(chance.uniform(0, HEIGHT - h), 2)
    ring: list[float] = []
    for vertex in range(VERTICES if index % 2 else 0):
        side, part = divmod(vertex, VERTICES // 4)
        along = part / (VERTICES // 4)
        right, down = ((along, 0), (1, along), (1 - along, 1), (0, 1 - along))[side]
        ring += [round(x + right * w, 2), round(y + down * h, 2)]
    return {
        "id": index + 1,
        "image_id": image,
        "category_id": chance.randrange(len(LABELS)) + 1,
        "bbox": [x, y, w, h],
        "area": round(w * h, 2),
        "iscrowd": 0,
        "segmentation": [ring] if ring else [],
        "attributes": {"colour": chance.choice(COLOURS)},
    }


def elements_in(folder: Path) -> dict[str, int]:
    """Count boxes and polygons in the XML files of a folder, or rows in label files."""
    texts = [path.read_bytes() for path in folder.rglob("*.xml")]
    found = {name: sum(text.count(f"<{name} ".encode()) for text in texts) for name in ELEMENTS}
    rows = sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.txt") if path.stem[-1].isdigit())
    return {"row": rows} if rows else found


def commands(given: argparse.Namespace, folder: Path, coco: Path, target: Path) -> dict[str, Sequence[str | Path]]:
    """Return the words of each converter, by its name; ours is the first."""
    found: dict[str, Sequence[str | Path]] = {
        "encord_convert": (sys.executable, "-m", "encord_convert", "convert", coco, target / "ours", "--to",
                           FORMATS[given.to][0], "--json"),
    }  # fmt: skip
    datumaro, hotcoco = peer("datumaro", given.datumaro), peer("hotcoco", given.hotcoco)
    if datumaro:
        words = (
            "convert",
            "-i",
            folder,
            "-if",
            "coco_instances",
            "-f",
            FORMATS[given.to][1],
            "-o",
            target / "datumaro",
        )
        found["datumaro CLI"] = (datumaro.parent / "datum", *words)
    if hotcoco:
        found["hotcoco API"] = (
            hotcoco,
            "-c",
            HOTCOCO_API.format(to=given.to),
            coco,
            target / "hotcoco.xml" if given.to == "cvat" else target / "hotcoco",
        )
    return found


def measure(given: argparse.Namespace, folder: Path) -> bool:
    """Make the input, run everything, print the table; tell whether what we wrote is whole."""
    coco, target = make(folder / "coco", given.images, given.per_image, SUBSETS[given.to]), folder / "target"
    contestants = commands(given, folder / "coco", coco, target)
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    written: dict[str, dict[str, int]] = {}
    for _ in range(given.repeats):
        for name, words in contestants.items():
            target.mkdir()
            is_ours = words[0] == sys.executable
            environment = environment_of_checkout(folder) if is_ours else dict(os.environ)
            one = run(words, stdout=folder / "stdout", stderr=folder / "stderr", cwd=folder, env=environment)
            if one.code:
                print(f"{name}: exit code {one.code}: {(folder / 'stderr').read_text().strip()[-300:]}")
            runs[name].append(one)
            written[name] = elements_in(target)
            shutil.rmtree(target)
    count = given.images * given.per_image
    print(f"\n{given.images:,} images, {count:,} annotations, {coco.stat().st_size / 1e6:.0f} MB")
    medians = {name: median_of(some) for name, some in runs.items()}
    tell(medians, written)
    whole = {"box": count - count // 2, "polygon": count // 2} if given.to == "cvat" else {"row": count}
    is_whole = written["encord_convert"] == whole
    print(f"  {'met   ' if is_whole else 'WRONG '} all is there that is to be written: {whole}")
    if "datumaro CLI" in medians:
        times = medians["datumaro CLI"].cpu_s / medians["encord_convert"].cpu_s
        judge("times less CPU than the datumaro CLI", times, CPU_GOAL, at_least=True)
    return is_whole


def tell(medians: dict[str, Run], written: dict[str, dict[str, int]]) -> None:
    """Print a table: medians, how many times ours each peer takes, and what was written."""
    mine = medians["encord_convert"]
    print(f"  {'':<16}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}  {'its/our CPU':>11}{'wall':>7}{'peak':>7}  written")
    for name, its in medians.items():
        ratios = f"{its.cpu_s / mine.cpu_s:>11.2f}{its.wall_s / mine.wall_s:>7.2f}{its.peak_mb / mine.peak_mb:>7.2f}"
        counts = ", ".join(f"{count:,} {name}" for name, count in written[name].items())
        print(f"  {name:<16}{its.cpu_s:>8.2f}{its.wall_s:>8.2f}{its.peak_mb:>9.0f}  {ratios}  {counts}")
    if mine.peak_mb <= own_peak_mb():
        print(f"  memory below {own_peak_mb():.0f} MB cannot be told: it is that of the measuring process")


def main() -> int:
    """Measure what the arguments say; return 1 if what we wrote was wrong."""
    parser = argparse.ArgumentParser(description="Measure COCO-to-CVAT conversion beside other converters.")
    for package in ("datumaro", "hotcoco"):
        default = os.environ.get(f"BENCH_{package.upper()}")
        parser.add_argument(f"--{package}", metavar="PYTHON", default=default, help=f"interpreter that has {package}")
    parser.add_argument("--to", choices=sorted(FORMATS), default="cvat")
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--per-image", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with work_folder(None) as folder:
        return 0 if measure(given, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
