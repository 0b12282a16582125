"""Make a CVAT-for-images 1.1 export of any size, for measuring.

The same arguments give the same bytes. Beside ``OUT`` lies ``OUT.manifest.json`` with what a converter must find in
it, counted under the words of a conversion report: elements by name, and ``image``, ``answer``, ``occluded`` and
``z_order``. Standard library only.

    python tests/bench/generate_cvat.py work/annotations.xml --images 2000 --only box,polygon --rotated 0
    python tests/bench/generate_cvat.py work/annotations.xml --images 2000 --with-images work/images
"""

from __future__ import annotations

import argparse
import json
import math
import os
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TextIO

WIDTH, HEIGHT = 1280, 720
DEFAULT_MIX = "box=45,polygon=30,polyline=6,points=6,tag=6,mask=7"
LABELS = ("car", "truck", "person", "bicycle", "traffic light", "bus", "dog", "cat", "tree", "building")
COLOURS = ("red", "green", "blue", "white", "black")

VERTICES = 20
"""Vertices of a polygon and of a polyline."""
POINTS = 3
"""Points of one ``<points>`` element."""

ANSWERED = 0.9
"""Share of shapes that carry an attribute, for each of the two attributes."""
OCCLUDED = 0.1
LINKS = 30_000
"""Names given to one image file; file systems allow a limited number (ext4: 65,000)."""

_CIRCLE = [(math.cos(2 * math.pi * i / VERTICES), math.sin(2 * math.pi * i / VERTICES)) for i in range(VERTICES)]


@dataclass(frozen=True)
class Plan:
    """What to make: equal plans give equal files."""

    images: int
    per_image: int
    mix: dict[str, float]
    rotated: float
    seed: int


@dataclass
class Made:
    """What was made, counted as a conversion report counts it."""

    counts: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    rotated_boxes: int = 0


class Shapes:
    """Random shapes as the XML attributes that hold their geometry, in pixels with two decimals."""

    def __init__(self, random: Random) -> None:
        self._random = random.random
        self.makers: dict[str, Callable[[], str]] = {
            "box": self.box,
            "polygon": self.polygon,
            "polyline": self.polyline,
            "points": self.points,
            "tag": str,
            "mask": self.mask,
        }

    def _rectangle(self, smallest: float, largest: float) -> tuple[float, float, float, float]:
        width = smallest + self._random() * (largest - smallest)
        height = smallest + self._random() * (largest - smallest)
        left, top = self._random() * (WIDTH - width), self._random() * (HEIGHT - height)
        return left, top, left + width, top + height

    def box(self) -> str:
        """Return a box of 12 to 250 pixels a side."""
        left, top, right, bottom = self._rectangle(12, 250)
        return f' xtl="{left:.2f}" ytl="{top:.2f}" xbr="{right:.2f}" ybr="{bottom:.2f}"'

    def polygon(self) -> str:
        """Return a star-shaped polygon, which never crosses itself."""
        left, top, right, bottom = self._rectangle(24, 260)
        cx, cy, rx, ry = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
        flat: list[float] = []
        for cosine, sine in _CIRCLE:
            reach = 0.6 + 0.4 * self._random()
            flat += (cx + rx * reach * cosine, cy + ry * reach * sine)
        return _points_attribute(flat)

    def polyline(self) -> str:
        """Return a line that runs from left to right."""
        return self._path(VERTICES)

    def points(self) -> str:
        """Return a few points."""
        return self._path(POINTS)

    def _path(self, count: int) -> str:
        left, top, right, bottom = self._rectangle(30, 260)
        flat: list[float] = []
        for i in range(count):
            flat += (left + (right - left) * i / (count - 1), top + (bottom - top) * self._random())
        return _points_attribute(flat)

    def mask(self) -> str:
        """Return an ellipse as runs: row by row inside its own box, background first."""
        left, top, right, bottom = map(int, self._rectangle(12, 100))
        width, height = right - left, bottom - top
        runs: list[int] = []
        background = 0
        for row in range(height):
            half = math.sqrt(1 - ((row + 0.5) / height * 2 - 1) ** 2) * width / 2
            begin, end = round(width / 2 - half), round(width / 2 + half)
            if begin == 0 and background == 0 and runs:
                runs[-1] += end
            elif end > begin:
                runs += (background + begin, end - begin)
            background = width - end if end > begin else background + width
        if background:
            runs.append(background)
        rle = ", ".join(map(str, runs))
        return f' rle="{rle}" left="{left}" top="{top}" width="{width}" height="{height}"'


_FORMATS = {count: ";".join(["%.2f,%.2f"] * count) for count in (VERTICES, POINTS)}


def _points_attribute(flat: Sequence[float]) -> str:
    return f' points="{_FORMATS[len(flat) // 2] % tuple(flat)}"'


def image_name(index: int) -> str:
    """Return the name of an image, as the XML and the folder of images have it."""
    return f"frame_{index:06d}.png"


def write_xml(plan: Plan, out: TextIO) -> Made:
    """Write the export and return what is in it."""
    made = Made()
    out.write(_head(plan.images))
    for image in _images(plan, made):
        out.write(image)
    out.write("</annotations>\n")
    made.counts["image"] = plan.images
    return made


def _images(plan: Plan, made: Made) -> Iterator[str]:
    random = Random(plan.seed)
    makers = Shapes(random).makers
    kinds, weights = list(plan.mix), list(plan.mix.values())
    chance = random.random
    for index in range(plan.images):
        parts = [f'  <image id="{index}" name="{image_name(index)}" width="{WIDTH}" height="{HEIGHT}">\n']
        for kind in random.choices(kinds, weights, k=plan.per_image):
            label = LABELS[int(chance() * len(LABELS))]
            geometry = makers[kind]()
            if kind == "box" and chance() < plan.rotated:
                geometry += f' rotation="{1 + chance() * 358:.2f}"'
                made.rotated_boxes += 1
            parts.append(f'    <{kind} label="{label}" source="manual"')
            if kind != "tag":
                occluded, z_order = int(chance() < OCCLUDED), int(chance() * 3)
                made.counts["occluded"] += occluded
                made.counts["z_order"] += z_order != 0
                parts.append(f' occluded="{occluded}"{geometry} z_order="{z_order}"')
            answers = _answers(chance)
            parts += (">\n", *answers, f"    </{kind}>\n")
            made.counts[kind] += 1
            made.counts["answer"] += len(answers)
            made.labels[label] += 1
        parts.append("  </image>\n")
        yield "".join(parts)


def _answers(chance: Callable[[], float]) -> list[str]:
    answers = []
    if chance() < ANSWERED:
        answers.append(f'      <attribute name="color">{COLOURS[int(chance() * len(COLOURS))]}</attribute>\n')
    if chance() < ANSWERED:
        answers.append(f'      <attribute name="damaged">{"true" if chance() < 0.5 else "false"}</attribute>\n')
    return answers


def _head(images: int) -> str:
    labels = "".join(_label(name, index) for index, name in enumerate(LABELS))
    return f"""<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>1</id>
      <name>benchmark</name>
      <size>{images}</size>
      <mode>annotation</mode>
      <overlap>0</overlap>
      <bugtracker></bugtracker>
      <created>2026-01-02 03:04:05.000006+00:00</created>
      <updated>2026-01-02 03:04:05.000006+00:00</updated>
      <subset>default</subset>
      <start_frame>0</start_frame>
      <stop_frame>{images - 1}</stop_frame>
      <frame_filter></frame_filter>
      <labels>
{labels}      </labels>
    </task>
    <dumped>2026-01-02 03:04:05.000006+00:00</dumped>
  </meta>
"""


def _label(name: str, index: int) -> str:
    colours = "\n".join(COLOURS)
    return f"""        <label>
          <name>{name}</name>
          <color>#{(index + 1) * 1_500_000:06x}</color>
          <type>any</type>
          <attributes>
            <attribute>
              <name>color</name>
              <mutable>False</mutable>
              <input_type>select</input_type>
              <default_value>{COLOURS[0]}</default_value>
              <values>{colours}</values>
            </attribute>
            <attribute>
              <name>damaged</name>
              <mutable>True</mutable>
              <input_type>checkbox</input_type>
              <default_value>false</default_value>
              <values>false</values>
            </attribute>
          </attributes>
        </label>
"""


def write_images(folder: Path, images: int) -> None:
    """Give every image of the export an image file: a black PNG of the declared size, hard-linked where possible."""
    folder.mkdir(parents=True, exist_ok=True)
    image = _png()
    first = folder
    for index in range(images):
        path = folder / image_name(index)
        path.unlink(missing_ok=True)
        if index % LINKS == 0 or not _link(first, path):
            path.write_bytes(image)
            first = path


def _link(first: Path, path: Path) -> bool:
    try:
        os.link(first, path)
    except OSError:
        return False
    return True


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    one_bit_grey = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 1, 0, 0, 0, 0)
    row = bytes(1 + (WIDTH + 7) // 8)
    pixels = zlib.compress(row * HEIGHT, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", one_bit_grey) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def manifest_path(out: Path) -> Path:
    """Return where the manifest of ``out`` lies."""
    return out.with_name(out.name + ".manifest.json")


def parse_mix(text: str, only: str | None = None) -> dict[str, float]:
    """Return kinds and weights from ``box=45,polygon=30``, reduced to the kinds of ``only``.

    Raises
    ------
    ValueError
        A kind is unknown or a weight is not a number.
    """
    mix = {kind: float(weight) for kind, _, weight in (part.partition("=") for part in text.split(","))}
    if only:
        mix = {kind: mix.get(kind, 1.0) for kind in only.split(",")}
    unknown = set(mix) - set(Shapes(Random(0)).makers)
    if unknown:
        raise ValueError(f"unknown kinds: {', '.join(sorted(unknown))}")
    return mix


def generate(plan: Plan, out: Path) -> dict[str, Any]:
    """Write the export and its manifest, and return the manifest."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", buffering=1 << 20) as stream:
        made = write_xml(plan, stream)
    manifest = {
        "plan": asdict(plan),
        "counts": dict(made.counts),
        "labels": dict(made.labels),
        "rotated_boxes": made.rotated_boxes,
        "bytes": out.stat().st_size,
    }
    manifest_path(out).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return manifest


def main() -> None:
    """Make what the arguments say, and print the manifest."""
    parser = argparse.ArgumentParser(description="Make a CVAT-for-images 1.1 export, for measuring.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--per-image", type=int, default=10, help="shapes on each image (10)")
    parser.add_argument("--mix", default=DEFAULT_MIX, help=f"kinds and weights ({DEFAULT_MIX})")
    parser.add_argument("--only", help="kinds of the mix to keep, as in box,polygon")
    parser.add_argument("--rotated", type=float, default=0.1, help="share of boxes that are rotated (0.1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--with-images", type=Path, metavar="DIR", help="also write images of the declared size")
    given = parser.parse_args()
    try:
        mix = parse_mix(given.mix, given.only)
    except ValueError as error:
        parser.error(str(error))
    manifest = generate(Plan(given.images, given.per_image, mix, given.rotated, given.seed), given.out)
    if given.with_images:
        write_images(given.with_images, given.images)
    print(json.dumps(manifest, sort_keys=True))


if __name__ == "__main__":
    main()
