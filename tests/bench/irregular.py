"""How much longer irregular annotations take than regular ones: four kinds of data, each beside its regular twin.

    python tests/bench/irregular.py
    python tests/bench/irregular.py --images 20000 --only answers

==========  ===========================================  ==============================================================
kind        irregular                                    regular twin, of as many shapes
==========  ===========================================  ==============================================================
scored      boxes, each of a score of its own            boxes that have none
answers     boxes, each of a text of its own             boxes of one of five options
holes       a polygon of ten has a hole, and crosses     polygons of as many vertices, within their images
            the border of its image
skeletons   of 17 points                                 polygons of 17 vertices
==========  ===========================================  ==============================================================

Each is converted from CVAT to COCO and from COCO to COCO, a process each, irregular and regular in turn. A score in
CVAT is an attribute. The numbers are medians; the ratio is what counts, less what a file without images takes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from html import escape
from math import cos, pi, sin
from pathlib import Path
from random import Random
from typing import Any

from _measure import Run, median_of, run
from cvat_to_coco import environment_of_checkout
from generate_cvat import COLOURS, HEIGHT, WIDTH

GOAL = 3.0
PER_IMAGE = 10
POINTS = 17
NAMES = [f"point {number}" for number in range(1, POINTS + 1)]

Shape = dict[str, Any]
"""``box``, ``rings`` or ``points``, in pixels; ``score`` and ``answer`` where there are any."""


# -- the data ---------------------------------------------------------------------------------------------------------


def ring(left: float, top: float, side: float, count: int, *, is_hole: bool = False) -> list[float]:
    """Return a ring of so many vertices in a square; a hole turns the other way round."""
    turns = [2 * pi * index / count * (-1 if is_hole else 1) for index in range(count)]
    middle = [(left + side / 2 * (1 + cos(turn)), top + side / 2 * (1 + sin(turn))) for turn in turns]
    return [round(number, 2) for point in middle for number in point]


def shapes(kind: str, is_irregular: bool, chance: Random, number: int) -> Shape:
    """Return one shape."""
    side = chance.uniform(40, 200)
    left, top = chance.uniform(0, WIDTH - side), chance.uniform(0, HEIGHT - side)
    if kind == "scored":
        score = {"score": round(chance.uniform(0.05, 0.95), 4)} if is_irregular else {}
        return {"box": [round(one, 2) for one in (left, top, side, side)], **score}
    if kind == "answers":
        answer = f"plate {number:08d}" if is_irregular else chance.choice(COLOURS)
        return {"box": [round(one, 2) for one in (left, top, side, side)], "answer": answer}
    if kind == "holes":
        if not is_irregular or number % 10:
            return {"rings": [ring(left, top, side, 18)]}
        left = -side / 4
        return {"rings": [ring(left, top, side, 10), ring(left + side / 3, top + side / 3, side / 3, 8, is_hole=True)]}
    flat = ring(left, top, side, POINTS)
    return {"points": flat} if is_irregular else {"rings": [flat]}


def written_coco(path: Path, kind: str, is_irregular: bool, images: int) -> None:
    """Write a COCO file."""
    chance = Random(1)
    category = {"id": 1, "name": "thing"} | ({"keypoints": NAMES, "skeleton": []} if kind == "skeletons" else {})
    entries = [{"id": n, "width": WIDTH, "height": HEIGHT, "file_name": f"{n:06d}.jpg"} for n in range(1, images + 1)]
    with path.open("w", encoding="utf-8") as file:
        file.write('{"images":' + json.dumps(entries) + ',"categories":' + json.dumps([category]) + ',"annotations":[')
        for number in range(images * PER_IMAGE):
            shape = shapes(kind, is_irregular, chance, number)
            file.write(",\n" * bool(number) + json.dumps(_annotation(shape, number)))
        file.write("]}")


def _annotation(shape: Shape, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"id": number + 1, "image_id": number // PER_IMAGE + 1, "category_id": 1, "iscrowd": 0}
    if "box" in shape:
        found |= {"bbox": shape["box"], "area": shape["box"][2] * shape["box"][3]}
    else:
        flat = shape["points"] if "points" in shape else shape["rings"][0]
        low, high = (min(flat[0::2]), min(flat[1::2])), (max(flat[0::2]), max(flat[1::2]))
        found["bbox"] = [*low, round(high[0] - low[0], 2), round(high[1] - low[1], 2)]
    if "rings" in shape:
        found["segmentation"] = shape["rings"]
    if "points" in shape:
        triples = zip(shape["points"][0::2], shape["points"][1::2], strict=True)
        found |= {"keypoints": [one for x, y in triples for one in (x, y, 2)], "num_keypoints": POINTS}
    if "score" in shape:
        found["score"] = shape["score"]
    return found | ({"attributes": {"mark": shape["answer"]}} if "answer" in shape else {})


def written_cvat(path: Path, kind: str, is_irregular: bool, images: int) -> None:
    """Write a CVAT file."""
    chance = Random(1)
    with path.open("w", encoding="utf-8") as file:
        file.write(_head(kind, is_irregular, images))
        for image in range(images):
            file.write(f'  <image id="{image}" name="{image:06d}.jpg" width="{WIDTH}" height="{HEIGHT}">\n')
            for index in range(PER_IMAGE):
                file.writelines(_elements(shapes(kind, is_irregular, chance, image * PER_IMAGE + index)))
            file.write("  </image>\n")
        file.write("</annotations>\n")


def _elements(shape: Shape) -> Iterator[str]:
    """Yield a shape as CVAT writes it: a hole joins its outline by a cut of no width."""
    common = 'label="thing" source="manual"'
    if "points" in shape:
        yield f'    <skeleton {common} z_order="0">\n'
        for name, x, y in zip(NAMES, shape["points"][0::2], shape["points"][1::2], strict=True):
            yield f'      <points label="{name}" source="manual" outside="0" occluded="0" points="{x:.2f},{y:.2f}">\n'
            yield "      </points>\n"
        yield "    </skeleton>\n"
        return
    if "box" in shape:
        x, y, width, height = shape["box"]
        sides = f'xtl="{x:.2f}" ytl="{y:.2f}" xbr="{x + width:.2f}" ybr="{y + height:.2f}"'
    else:
        first, *holes = [list(zip(one[0::2], one[1::2], strict=True)) for one in shape["rings"]]
        path = [*first, first[0], *(point for hole in holes for point in (*hole, hole[0]))] if holes else first
        sides = 'points="' + ";".join(f"{x:.2f},{y:.2f}" for x, y in path) + '"'
    element = "box" if "box" in shape else "polygon"
    yield f'    <{element} {common} occluded="0" {sides} z_order="0">\n'
    value = shape.get("answer", shape.get("score"))
    if value is not None:
        yield f'      <attribute name="mark">{value}</attribute>\n'
    yield f"    </{element}>\n"


def _head(kind: str, is_irregular: bool, images: int) -> str:
    asked = {"scored": "text" if is_irregular else "", "answers": "text" if is_irregular else "select"}.get(kind, "")
    values = "\n".join(COLOURS) if asked == "select" else ""
    attribute = (
        f"<attribute><name>mark</name><mutable>False</mutable><input_type>{asked}</input_type>"
        f"<default_value></default_value><values>{values}</values></attribute>"
    )
    labels = [_label("thing", "any", attribute if asked else "")]
    if kind == "skeletons" and is_irregular:
        nodes = "\n".join(
            f'<circle r="1" cx="{5 * number}" cy="{5 * number}" data-type="element node" data-element-id="{number}" '
            f'data-node-id="{number}" data-label-name="{name}"></circle>'
            for number, name in enumerate(NAMES, 1)
        )
        labels = [_label("thing", "skeleton", "", f"<svg>{escape(nodes)}</svg>")]
        labels += [_label(name, "points", "", "<parent>thing</parent>") for name in NAMES]
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
        f"      <id>1</id>\n      <name>bench</name>\n      <size>{images}</size>\n      <mode>annotation</mode>\n"
        f"      <labels>{''.join(labels)}</labels>\n    </task>\n  </meta>\n"
    )


def _label(name: str, type_: str, attributes: str, more: str = "") -> str:
    inside = f"<attributes>{attributes}</attributes>{more}"
    return f"<label><name>{name}</name><color>#ff0000</color><type>{type_}</type>{inside}</label>"


# -- running ----------------------------------------------------------------------------------------------------------

KINDS = ("scored", "answers", "holes", "skeletons")
SOURCES: dict[str, tuple[str, Callable[[Path, str, bool, int], None], tuple[str, ...]]] = {
    "cvat": ("annotations.xml", written_cvat, ()),
    "coco": ("annotations.json", written_coco, ("-r", "holes=detect")),
}


def main() -> int:
    """Measure what the arguments say; return 1 if a conversion failed."""
    parser = argparse.ArgumentParser(description="Measure irregular annotations beside regular ones.")
    parser.add_argument("--images", type=int, default=5_000, help="of ten shapes each (5000)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=KINDS, nargs="+", default=KINDS)
    parser.add_argument("--sources", choices=SOURCES, nargs="+", default=list(SOURCES))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="irregular-") as name:
        folder = Path(name)
        environment = environment_of_checkout(folder)

        def converted(path: Path, words: tuple[str, ...]) -> Run:
            command = [sys.executable, "-m", "encord_convert", "convert", path, folder / "out", "--to", "coco", *words]
            done = run(
                [*command, "-q", "--overwrite"], stdout=folder / "o", stderr=folder / "e", cwd=folder, env=environment
            )
            if done.code:
                raise SystemExit(f"{path}: exit code {done.code}: {(folder / 'e').read_text()[-300:]}")
            return done

        print(f"{given.images:,} images of {PER_IMAGE} shapes")
        print(f"  {'':<26}{'CPU s':>8}{'MB':>6}   {'regular':>9}{'MB':>6}   ratio, goal {GOAL:g}")
        for source in given.sources:
            file, write, words = SOURCES[source]
            write(folder / file, "scored", False, 1)
            converted(folder / file, words)  # the first compiles every module
            idle = median_of([converted(folder / file, words) for _ in range(given.repeats)]).cpu_s
            for kind in given.only:
                runs: dict[bool, list[Run]] = {True: [], False: []}
                paths = {is_irregular: folder / str(is_irregular) / file for is_irregular in runs}
                for is_irregular, path in paths.items():
                    path.parent.mkdir(exist_ok=True)
                    write(path, kind, is_irregular, given.images)
                for _ in range(given.repeats):
                    for is_irregular, path in paths.items():
                        runs[is_irregular].append(converted(path, words))
                odd, even = (median_of(runs[is_irregular]) for is_irregular in (True, False))
                ratio = (odd.cpu_s - idle) / (even.cpu_s - idle)
                row = f"{odd.cpu_s:>8.2f}{odd.peak_mb:>6.0f}   {even.cpu_s:>9.2f}{even.peak_mb:>6.0f}"
                verdict = "met" if ratio <= GOAL else "MISSED"
                print(f"  {f'{source} to coco, {kind}':<26}{row}{ratio:>8.1f}  {verdict}")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
