"""Measure COCO to images of classes, beside plain numpy code and datumaro: whole processes, interleaved.

    python tests/bench/masks_index.py
    python tests/bench/masks_index.py --images 100 --datumaro ~/datumaro/bin/python

The input holds polygons of 20 vertices and run lengths, 5 to 20 an image of 4000 x 3000 pixels. The plain code is what
people write: pycocotools paints each annotation into an array, and Pillow saves that with a palette. Pixels are
compared with those of the plain code; if one differs, the exit code is 1. Goals are judged on screen only.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from _measure import Run, median_of, own_peak_mb, run
from cvat_to_coco import environment_of_checkout, judge, peer, work_folder
from generate_cvat import LABELS, image_name

WIDTH, HEIGHT = 4000, 3000
VERTICES = 20
WALL_GOAL_S, GOAL_IMAGES = 10.0, 1500

PLAIN = """
import json, sys
from pathlib import Path
import numpy as np
from PIL import Image
from pycocotools import mask
data = json.loads(Path(sys.argv[1]).read_bytes())
target = Path(sys.argv[2])
target.mkdir()
by_image = {}
for one in data["annotations"]:
    by_image.setdefault(one["image_id"], []).append(one)
palette = [number * 40 % 256 for number in range(3 * 256)]
for image in data["images"]:
    size = image["height"], image["width"]
    pixels = np.zeros(size, np.uint8)
    for one in by_image.get(image["id"], ()):
        said = one["segmentation"]
        runs = said if isinstance(said, dict) else mask.merge(mask.frPyObjects(said, *size))
        pixels[mask.decode(runs).astype(bool)] = one["category_id"]
    out = Image.fromarray(pixels)
    out.putpalette(palette)
    out.save(target / (Path(image["file_name"]).stem + ".png"))
"""


def make(folder: Path, images: int) -> Path:
    """Write the input, laid out as datumaro wants it; return the COCO file."""
    from encord_convert.geometry import rle

    chance, count = Random(1), 0
    path = folder / "annotations" / "instances_default.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "images" / "default").mkdir(parents=True, exist_ok=True)  # datumaro wants it, and no image in it
    size = {"width": WIDTH, "height": HEIGHT}
    entries = [{"id": number + 1, **size, "file_name": image_name(number)} for number in range(images)]
    with path.open("w", encoding="utf-8") as file:
        file.write('{"info":{},"images":' + json.dumps(entries) + ',"annotations":[')
        for image in range(images):
            for _ in range(chance.randint(5, 20)):
                w, h = chance.randint(WIDTH // 40, WIDTH // 4), chance.randint(HEIGHT // 40, HEIGHT // 4)
                x, y = chance.randint(0, WIDTH - w), chance.randint(0, HEIGHT - h)
                box_runs, ring = _ellipse(w, h), _star(chance, x, y, w, h)
                columns = rle.column_frame_runs_from_box_runs(box_runs, x, y, w, h, WIDTH, HEIGHT)
                said = {"size": [HEIGHT, WIDTH], "counts": rle.string_from_runs(columns)} if count % 2 else [ring]
                entry = {"id": count + 1, "image_id": image + 1, "category_id": chance.randrange(len(LABELS)) + 1}
                entry |= {"bbox": [x, y, w, h], "area": w * h, "iscrowd": 0, "segmentation": said}
                file.write((",\n" if count else "\n") + json.dumps(entry))
                count += 1
        categories = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(LABELS, 1)]
        file.write('],"categories":' + json.dumps(categories) + "}")
    return path


def _star(chance: Random, x: int, y: int, w: int, h: int) -> list[float]:
    """Return a ring; pycocotools rounds at tenths, so that no coordinate is one."""
    ring: list[float] = []
    for vertex in range(VERTICES):
        angle, reach = 2 * math.pi * vertex / VERTICES, 0.6 + 0.4 * chance.random()
        right, down = w / 2 * (1 + reach * math.cos(angle)), h / 2 * (1 + reach * math.sin(angle))
        ring += [x + int(right) + 0.25, y + int(down) + 0.25]
    return ring


def _ellipse(w: int, h: int) -> list[int]:
    """Return row runs inside the box of an ellipse."""
    runs, background = [], 0
    for row in range(h):
        begin = round(w / 2 * (1 - math.sqrt(1 - ((row + 0.5) / h * 2 - 1) ** 2)))
        runs += (background + begin, w - 2 * begin)
        background = begin
    return [*runs, background]


def commands(given: argparse.Namespace, folder: Path, coco: Path, target: Path) -> dict[str, Sequence[str | Path]]:
    """Return the words of each converter, by its name."""
    ours = (sys.executable, "-m", "encord_convert", "convert", coco, target, "--to", "masks-index", "--json")
    found: dict[str, Sequence[str | Path]] = {f"{jobs} job(s)": (*ours, "--jobs", str(jobs)) for jobs in given.jobs}
    if not given.alone:
        found["plain numpy"] = (sys.executable, "-c", PLAIN, coco, target)
    datumaro = peer("datumaro", given.datumaro)
    if datumaro:
        words = ("convert", "-i", folder, "-if", "coco_instances", "-f", "voc_segmentation", "-o", target)
        found["datumaro CLI"] = (datumaro.parent / "datum", *words)
    return found


def differing(ours: Path, plain: Path) -> int:
    """Count images whose pixels are not those of the plain code; run in a process of its own, which may be large."""
    import numpy as np
    from PIL import Image

    values = {one["name"]: one["value"] for one in json.loads((ours / "classes.json").read_bytes())["classes"]}
    table = np.array([0, *(values[name] for name in LABELS)], np.uint8)
    wrong = 0
    for path in sorted(plain.glob("*.png")):
        with Image.open(path) as one, Image.open(ours / "masks" / path.name) as other:
            wrong += not (table[np.asarray(one)] == np.asarray(other)).all()
    return wrong


def measure(given: argparse.Namespace, folder: Path) -> bool:
    """Make the input, run everything, print the table; tell whether what we wrote is right."""
    coco, target = make(folder / "coco", given.images), folder / "target"
    contestants = commands(given, folder / "coco", coco, target)
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    sizes: dict[str, float] = {}
    kept: dict[str, Path] = {}
    for _ in range(given.repeats):
        for name, words in contestants.items():
            environment = environment_of_checkout(folder) if name.endswith("job(s)") else dict(os.environ)
            one = run(words, stdout=folder / "stdout", stderr=folder / "stderr", cwd=folder, env=environment)
            if one.code:
                print(f"{name}: exit code {one.code}: {(folder / 'stderr').read_text().strip()[-300:]}")
            runs[name].append(one)
            sizes[name] = sum(path.stat().st_size for path in target.rglob("*.png")) / 1e6
            if not target.exists():
                continue
            if name in kept or not name.endswith(("job(s)", "numpy")):
                shutil.rmtree(target)
            else:
                kept[name] = target.rename(folder / f"kept-{len(kept)}")
    print(f"\n{given.images:,} images of {WIDTH} x {HEIGHT} pixels, {coco.stat().st_size / 1e6:.0f} MB of COCO")
    print(f"  {'':<16}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'PNG MB':>8}{'ms an image':>13}")
    for name, some in runs.items():
        its = median_of(some)
        each = 1000 * its.cpu_s / given.images
        print(f"  {name:<16}{its.cpu_s:>8.2f}{its.wall_s:>8.2f}{its.peak_mb:>9.0f}{sizes[name]:>8.1f}{each:>13.1f}")
    print(f"  memory below {own_peak_mb():.0f} MB cannot be told: it is that of the measuring process")
    walls = [median_of(some).wall_s for name, some in runs.items() if name == "2 job(s)"]
    if walls:
        goal_s = WALL_GOAL_S * given.images / GOAL_IMAGES
        judge("seconds of wall time with two processes", walls[0], goal_s, at_least=False)
    return given.alone or _is_right(folder, [kept[name] for name in contestants if name in kept])


def _is_right(folder: Path, kept: Sequence[Path]) -> bool:
    *ours, plain = kept
    code = "import sys, pathlib, masks_index as m; print(m.differing(*map(pathlib.Path, sys.argv[1:])))"
    environment = environment_of_checkout(folder)
    environment["PYTHONPATH"] = f"{Path(__file__).parent}{os.pathsep}{environment['PYTHONPATH']}"
    for one in ours:
        words = (sys.executable, "-c", code, one, plain)
        run(words, stdout=folder / "stdout", stderr=folder / "stderr", cwd=folder, env=environment)
        if (folder / "stdout").read_text().strip() != "0":
            print("  WRONG  pixels differ from those of the plain code")
            return False
    print("  met    every pixel is that of the plain code")
    return True


def main() -> int:
    """Measure what the arguments say; return 1 if what we wrote was wrong."""
    parser = argparse.ArgumentParser(description="Measure COCO to images of classes on large images.")
    default = os.environ.get("BENCH_DATUMARO")
    parser.add_argument("--datumaro", metavar="PYTHON", default=default, help="interpreter that has datumaro")
    parser.add_argument("--images", type=int, default=GOAL_IMAGES)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="how many processes, one run each (1 2)")
    parser.add_argument("--alone", action="store_true", help="do not run the plain code, which takes minutes")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--work", type=Path, help="folder for the files (a temporary one)")
    given = parser.parse_args()
    with work_folder(given.work) as folder:
        return 0 if measure(given, folder) else 1


if __name__ == "__main__":
    raise SystemExit(main())
