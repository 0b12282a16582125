"""Measure VOC-to-COCO conversion beside two other converters: same input, same run, whole processes, interleaved.

    python tests/bench/voc_to_coco.py --datumaro ~/datumaro/bin/python --hotcoco ~/hotcoco/bin/python
    python tests/bench/voc_to_coco.py --images 50000 --repeats 1

Every image has ten boxes, as labelImg writes them. The numbers are medians; trust CPU seconds and ratios. If a box is
missing in what we wrote, the exit code is 1. Goals are judged on screen only.
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

from _measure import Run, median_of, run
from coco_to_cvat import tell
from cvat_to_coco import environment_of_checkout, judge, peer, work_folder
from generate_cvat import HEIGHT, LABELS, WIDTH, image_name

HOTCOCO_API = "import sys, hotcoco; hotcoco.COCO.from_voc(sys.argv[1]).save(sys.argv[2])"
CPU_GOAL = 1.5
"""How many times the CPU of hotcoco."""
PEAK_GOAL_MB = 100.0
_OBJECT = """\t<object>
\t\t<name>{name}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>{truncated}</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>{x0}</xmin>
\t\t\t<ymin>{y0}</ymin>
\t\t\t<xmax>{x1}</xmax>
\t\t\t<ymax>{y1}</ymax>
\t\t</bndbox>
\t</object>
"""
_HEAD = """<annotation>
\t<folder>images</folder>
\t<filename>{name}</filename>
\t<path>/data/images/{name}</path>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>{width}</width>
\t\t<height>{height}</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
"""


def make(folder: Path, images: int, per_image: int) -> int:
    """Write the input, laid out as datumaro wants it; return its bytes."""
    chance, size = Random(1), 0
    (folder / "Annotations").mkdir(parents=True)
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    stems = [image_name(number).rpartition(".")[0].replace("/", "_") for number in range(images)]
    for stem in stems:
        objects = []
        for _ in range(per_image):
            w, h = chance.randint(20, 300), chance.randint(20, 300)
            x, y = chance.randint(1, WIDTH - w), chance.randint(1, HEIGHT - h)
            name, truncated = chance.choice(LABELS), chance.randint(0, 1)
            objects.append(_OBJECT.format(name=name, truncated=truncated, x0=x, y0=y, x1=x + w, y1=y + h))
        head = _HEAD.format(name=f"{stem}.jpg", width=WIDTH, height=HEIGHT)
        size += (folder / "Annotations" / f"{stem}.xml").write_text(f"{head}{''.join(objects)}</annotation>\n")
    (folder / "ImageSets" / "Main" / "train.txt").write_text("".join(f"{stem}\n" for stem in stems))
    lines = [f"{name}:{number},0,0::\n" for number, name in enumerate(["background", *LABELS])]
    (folder / "labelmap.txt").write_text("# label:color_rgb:parts:actions\n" + "".join(lines))
    return size


def boxes_in(folder: Path) -> dict[str, int]:
    """Count the annotations of the COCO files of a folder."""
    found = [json.loads(path.read_bytes()) for path in folder.rglob("*.json")]
    return {"box": sum(len(one.get("annotations", ())) for one in found if isinstance(one, dict))}


def commands(given: argparse.Namespace, source: Path, target: Path) -> dict[str, Sequence[str | Path]]:
    """Return the words of each converter, by its name; ours is the first."""
    ours = (sys.executable, "-m", "encord_convert", "convert", source, target / "ours.json", "--to", "coco", "--json")
    found: dict[str, Sequence[str | Path]] = {"encord_convert": ours}
    datumaro, hotcoco = peer("datumaro", given.datumaro), peer("hotcoco", given.hotcoco)
    if datumaro:
        words = ("convert", "-i", source, "-if", "voc", "-f", "coco_instances", "-o", target / "datumaro")
        found["datumaro CLI"] = (datumaro.parent / "datum", *words)
    if hotcoco:
        found["hotcoco API"] = (hotcoco, "-c", HOTCOCO_API, source, target / "hotcoco.json")
    return found


def measure(given: argparse.Namespace, folder: Path) -> bool:
    """Make the input, run everything, print the table; tell whether what we wrote is whole."""
    size, target = make(folder / "voc", given.images, given.per_image), folder / "target"
    runs: dict[str, list[Run]] = {}
    written: dict[str, dict[str, int]] = {}
    for _ in range(given.repeats):
        for name, words in commands(given, folder / "voc", target).items():
            target.mkdir()
            is_ours = words[0] == sys.executable
            environment = environment_of_checkout(folder) if is_ours else dict(os.environ)
            one = run(words, stdout=folder / "stdout", stderr=folder / "stderr", cwd=folder, env=environment)
            if one.code:
                print(f"{name}: exit code {one.code}: {(folder / 'stderr').read_text().strip()[-300:]}")
            runs.setdefault(name, []).append(one)
            written[name] = boxes_in(target)
            shutil.rmtree(target)
    count = given.images * given.per_image
    print(f"\n{given.images:,} images, {count:,} boxes, {size / 1e6:.0f} MB")
    medians = {name: median_of(some) for name, some in runs.items()}
    tell(medians, written)
    is_whole = written["encord_convert"] == {"box": count}
    print(f"  {'met   ' if is_whole else 'WRONG '} every box is there")
    if "hotcoco API" in medians:
        times = medians["encord_convert"].cpu_s / medians["hotcoco API"].cpu_s
        judge("times the CPU of hotcoco", times, CPU_GOAL, at_least=False)
    judge("MB peak", medians["encord_convert"].peak_mb, PEAK_GOAL_MB, at_least=False)
    return is_whole


def main() -> int:
    """Measure what the arguments say; return 1 if what we wrote was wrong."""
    parser = argparse.ArgumentParser(description="Measure VOC-to-COCO conversion beside other converters.")
    for package in ("datumaro", "hotcoco"):
        default = os.environ.get(f"BENCH_{package.upper()}")
        parser.add_argument(f"--{package}", metavar="PYTHON", default=default, help=f"interpreter that has {package}")
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--per-image", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with work_folder(None) as folder:
        return 0 if measure(given, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
