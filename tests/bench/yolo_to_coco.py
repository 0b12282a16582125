"""Measure YOLO-to-COCO conversion beside other converters: same input, same run, whole processes, interleaved.

    python tests/bench/yolo_to_coco.py --hotcoco PYTHON --panlabel PYTHON --datumaro PYTHON --labelformat PYTHON

Boxes of a small and of a big data set, then polygons of 20 vertices, and those from COCO to YOLO again. The numbers
are medians; trust CPU seconds and ratios. If an annotation is missing in what we wrote, the exit code is 1. Goals are
judged on screen only. hotcoco's interpreter needs Pillow too.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

from _measure import Run, median_of, own_peak_mb, run
from cvat_to_coco import count_in, environment_of_checkout, judge
from PIL import Image

WIDTH, HEIGHT = 640, 480
CLASSES = 20
VERTICES = 20
HOTCOCO = (
    "import sys, hotcoco; root = sys.argv[1]; "
    "hotcoco.COCO.from_yolo(root + '/labels/train', images_dir=root + '/images/train').save(sys.argv[2])"
)
Commands = dict[str, Sequence[str | Path]]


def make(folder: Path, images: int, per_image: int, *, polygons: bool) -> Path:
    """Write a data set of JPEG images, and rows of six decimals."""
    chance = Random(1)
    stream = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT)).save(stream, "JPEG")
    for kind in ("images/train", "labels/train"):
        (folder / kind).mkdir(parents=True)
    for number in range(images):
        (folder / "images/train" / f"{number:06}.jpg").write_bytes(stream.getvalue())
        rows = "".join(_row(chance, polygons=polygons) for _ in range(per_image))
        (folder / "labels/train" / f"{number:06}.txt").write_text(rows)
    names = "".join(f"  {number}: class {number}\n" for number in range(CLASSES))
    (folder / "data.yaml").write_text(f"path: {folder}\ntrain: images/train\nval: images/train\nnames:\n{names}")
    return folder


def _row(chance: Random, *, polygons: bool) -> str:
    w, h = chance.uniform(0.02, 0.3), chance.uniform(0.02, 0.3)
    x, y = chance.uniform(w / 2, 1 - w / 2), chance.uniform(h / 2, 1 - h / 2)
    numbers = [x, y, w, h]
    if polygons:
        turns = [vertex * math.tau / VERTICES for vertex in range(VERTICES)]
        numbers = [part for turn in turns for part in (x + w / 2 * math.cos(turn), y + h / 2 * math.sin(turn))]
    return f"{chance.randrange(CLASSES)} {' '.join(f'{number:.6f}' for number in numbers)}\n"


def commands(given: argparse.Namespace, folder: Path, target: Path, *, polygons: bool) -> Commands:
    """Return the words of each converter, by its name; ours is the first."""
    found: Commands = {
        "encord_convert": (sys.executable, "-m", "encord_convert", "convert", folder, target / "ours", "--to", "coco",
                           "--json"),
    }  # fmt: skip
    if given.hotcoco and not polygons:
        found["hotcoco"] = (given.hotcoco, "-c", HOTCOCO, folder, target / "out.json")
    if given.panlabel and not polygons:
        panlabel = Path(given.panlabel).parent / "panlabel"
        words = ("convert", "-f", "yolo", "-t", "coco", "-i", folder, "-o", target / "out.json", "--allow-lossy")
        found["panlabel"] = (panlabel, *words)
    if given.datumaro and not polygons:
        words = ("convert", "-i", folder, "-if", "yolo", "-f", "coco_instances", "-o", target / "out")
        found["datumaro"] = (Path(given.datumaro).parent / "datum", *words)
    if given.labelformat:
        task, kind = ("instance-segmentation", "yolov8") if polygons else ("object-detection", "yolov8")
        found["labelformat"] = (
            Path(given.labelformat).parent / "labelformat", "convert", "--task", task, "--input-format", kind,
            "--input-file", folder / "data.yaml", "--input-split", "train", "--output-format", "coco",
            "--output-file", target / "out.json",
        )  # fmt: skip
    return found


def compete(folder: Path, contestants: Commands, target: Path, repeats: int) -> tuple[dict[str, Run], int]:
    """Run all, taking turns; return the medians of each, and how many annotations ours wrote."""
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    written = 0
    for _ in range(repeats):
        for name, words in contestants.items():
            target.mkdir()
            is_ours = words[0] == sys.executable
            listed = folder / "labels/train/data.yaml"  # hotcoco wants it there
            if name == "hotcoco":
                shutil.copy(folder / "data.yaml", listed)
            environment = environment_of_checkout(folder.parent) if is_ours else dict(os.environ)
            out, err = folder.parent / "stdout", folder.parent / "stderr"
            one = run(words, stdout=out, stderr=err, cwd=folder.parent, env=environment)
            if one.code:
                print(f"{name}: exit code {one.code}: {err.read_text(errors='replace').strip()[-300:]}")
            runs[name].append(one)
            if is_ours:
                written = count_in(target, b'"image_id"')
            listed.unlink(missing_ok=True)
            shutil.rmtree(target)
    return {name: median_of(some) for name, some in runs.items()}, written


def tell(title: str, medians: dict[str, Run]) -> None:
    """Print a table: medians, and how many times ours each peer takes."""
    mine = medians["encord_convert"]
    print(f"\n{title}")
    print(f"  {'':<16}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}  {'its/our CPU':>11}{'wall':>7}{'peak':>7}")
    for name, its in medians.items():
        ratios = f"{its.cpu_s / mine.cpu_s:>11.2f}{its.wall_s / mine.wall_s:>7.2f}{its.peak_mb / mine.peak_mb:>7.2f}"
        print(f"  {name:<16}{its.cpu_s:>8.2f}{its.wall_s:>8.2f}{its.peak_mb:>9.0f}  {ratios}")
    if mine.peak_mb <= own_peak_mb():
        print(f"  memory below {own_peak_mb():.0f} MB cannot be told: it is that of the measuring process")


def measure(given: argparse.Namespace, folder: Path) -> bool:
    """Make the inputs, run everything, print the tables; tell whether what we wrote is whole."""
    is_whole = True
    for images in given.images:
        data, target = make(folder / f"boxes-{images}", images, 10, polygons=False), folder / "target"
        medians, written = compete(data, commands(given, data, target, polygons=False), target, given.repeats)
        tell(f"{images:,} images × 10 boxes to COCO", medians)
        is_whole &= written == images * 10
        if images == max(given.images) and "hotcoco" in medians:
            judge("CPU, times that of hotcoco", medians["encord_convert"].cpu_s / medians["hotcoco"].cpu_s, 1)
            judge("peak MB", medians["encord_convert"].peak_mb, 100)
        shutil.rmtree(data)
    data, target = make(folder / "polygons", given.polygons, 10, polygons=True), folder / "target"
    medians, written = compete(data, commands(given, data, target, polygons=True), target, given.repeats)
    tell(f"{given.polygons:,} images × 10 polygons of {VERTICES} vertices to COCO", medians)
    is_whole &= written == given.polygons * 10
    if "labelformat" in medians:
        times = medians["labelformat"].cpu_s / medians["encord_convert"].cpu_s
        judge("times less CPU than labelformat", times, 5, at_least=True)
    return is_whole & back(given, folder)


def back(given: argparse.Namespace, folder: Path) -> bool:
    """Measure COCO to YOLO, ours alone: 2,000 images of 10 polygons."""
    data = make(folder / "back", 2000, 10, polygons=True)
    environment = environment_of_checkout(folder)
    ours = (sys.executable, "-m", "encord_convert", "convert")
    runs = []
    for number in range(given.repeats + 1):
        source, target, format_ = (
            (data, folder / "coco", "coco") if not number else (folder / "coco", folder / "y", "yolo-seg")
        )
        one = run(
            [*ours, source, target, "--to", format_, "--json"], stdout=folder / "o", stderr=folder / "e", cwd=folder,
            env=environment,
        )  # fmt: skip
        rows = sum(path.read_bytes().count(b"\n") for path in (folder / "y").rglob("labels/**/*.txt"))
        shutil.rmtree(folder / "y", ignore_errors=True)
        runs += [one] if number else []
    median = median_of(runs)
    print(f"\n2,000 images × 10 polygons from COCO to YOLO: {median.cpu_s:.2f} CPU s, {median.peak_mb:.0f} MB")
    judge("CPU s", median.cpu_s, 0.5)
    return rows == 20_000 and not median.code


def main() -> int:
    """Measure what the arguments say; return 1 if what we wrote was wrong."""
    parser = argparse.ArgumentParser(description="Measure YOLO-to-COCO conversion beside other converters.")
    for package in ("hotcoco", "panlabel", "datumaro", "labelformat"):
        default = os.environ.get(f"BENCH_{package.upper()}")
        parser.add_argument(f"--{package}", metavar="PYTHON", default=default, help=f"interpreter that has {package}")
    parser.add_argument("--images", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--polygons", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yolo-to-coco-") as folder:
        is_whole = measure(given, Path(folder))
    print(f"\n  {'met   ' if is_whole else 'WRONG '} every annotation is there")
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
