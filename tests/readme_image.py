"""Draws the image of the README: a labelled image, what the conversion to COCO says, and what COCO holds of it.

Everything on it comes from ``fixtures/street``: the labels as they are read, the screen as it is printed, and the
annotations of the COCO file that was written. What is not in that file is dashed red.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import encord_convert
from encord_convert.sdk.objects import Shape

ROOT = Path(__file__).parents[1]
STREET = ROOT / "fixtures" / "street"
IMAGE = "street_3.png"
COLOURS = {"car": "#e8482c", "lane": "#f5d90a", "tree": "#1f7a3d", "person": "#8a2f86"}
LOST = 'fill="none" stroke="#d1242f" stroke-width="2" stroke-dasharray="5 4"'


def svg(screen: str) -> str:
    """Return the drawing, as SVG text.

    Parameters
    ----------
    screen : str
        What the command printed.
    """
    row = next(
        row for row in encord_convert.read(STREET, report=encord_convert.Report()) if row.data_title.endswith(IMAGE)
    )
    width, height = row.width, row.height
    assert width and height
    written = written_annotations()
    shapes = list(source_shapes(row, width, height))
    lines = screen.splitlines()
    panels = [
        panel(0, width, height, "CVAT", [drawn(kind, points, colour(name)) for name, kind, points in shapes]),
        panel(width + 20, width, height, "COCO", [
            *(drawn(kind, points, LOST) for name, kind, points in shapes if name not in {n for n, *_ in written}),
            *(drawn(kind, points, colour(name)) for name, kind, points in written),
        ]),
    ]  # fmt: skip
    text = "".join(
        f'<text x="12" y="{height + 58 + 17 * number}" xml:space="preserve">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    wide, high = 2 * width + 20, height + 58 + 17 * len(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12">\n'
        f'<rect width="{wide}" height="{high}" rx="6" fill="#0d1117"/>\n'
        + "\n".join(panels)
        + f'\n<g fill="#e6edf3">{text}</g>\n</svg>\n'
    )


def panel(left: float, width: float, height: float, title: str, shapes: Iterable[str]) -> str:
    """Return an image under its title, with shapes on it."""
    data = base64.b64encode((STREET / "images" / IMAGE).read_bytes()).decode()
    return (
        f'<g transform="translate({left} 0)"><text x="12" y="18" fill="#e6edf3" font-weight="bold">{title}</text>'
        f'<g transform="translate(0 28)"><image href="data:image/png;base64,{data}" width="{width}" height="{height}"/>'
        + "".join(shapes)
        + "</g></g>"
    )


def drawn(kind: str, points: list[tuple[float, float]], style: str) -> str:
    """Return a shape: a ring, a line, or dots."""
    if kind == "dots":
        return "".join(f'<circle cx="{x:g}" cy="{y:g}" r="2.5" {style}/>' for x, y in points)
    return f'<{kind} points="{" ".join(f"{x:g},{y:g}" for x, y in points)}" {style}/>'


def colour(name: str) -> str:
    """Return how shapes of a class are drawn."""
    return f'fill="{COLOURS[name]}" fill-opacity="0.25" stroke="{COLOURS[name]}" stroke-width="2"'


def source_shapes(row: Any, width: int, height: int) -> Iterable[tuple[str, str, list[tuple[float, float]]]]:
    """Yield class, kind and pixels of every object on an image."""
    for instance in row.get_object_instances():
        at = instance.get_annotation(0).coordinates
        name = next(name for name in COLOURS if instance.object_name.startswith(name))
        if instance.ontology_item.shape is Shape.BOUNDING_BOX:
            yield (
                name,
                "polygon",
                box(at.top_left_x * width, at.top_left_y * height, at.width * width, at.height * height),
            )
        else:
            pixels = [(round(point.x * width, 2), round(point.y * height, 2)) for point in at.values]
            kinds = {Shape.POLYLINE: "polyline", Shape.SKELETON: "dots"}
            yield name, kinds.get(instance.ontology_item.shape, "polygon"), pixels


def written_annotations() -> list[tuple[str, str, list[tuple[float, float]]]]:
    """Return class, kind and pixels of every annotation of the image in the COCO file."""
    from encord_convert.formats._files import MemoryTarget

    target = MemoryTarget()
    encord_convert.convert(STREET, target, to="coco", report=encord_convert.Report())
    coco = json.loads(target.files["annotations.json"])
    names = {category["id"]: category["name"].partition(" (")[0] for category in coco["categories"]}
    wanted = {image["id"] for image in coco["images"] if image["file_name"].endswith(IMAGE)}
    shapes = []
    for annotation in coco["annotations"]:
        if annotation["image_id"] in wanted:
            name = names[annotation["category_id"]]
            if flat := annotation.get("keypoints"):
                shapes.append((name, "dots", list(zip(flat[::3], flat[1::3], strict=True))))
            elif rings := annotation.get("segmentation"):
                shapes += [(name, "polygon", list(zip(ring[::2], ring[1::2], strict=True))) for ring in rings]
            else:
                shapes.append((name, "polygon", box(*annotation["bbox"])))
    return shapes


def box(left: float, top: float, width: float, height: float) -> list[tuple[float, float]]:
    """Return the corners of a box, in pixels, clockwise from the top left."""
    right, bottom = left + width, top + height
    return [(round(x, 2), round(y, 2)) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]


def screen(folder: Path) -> str:
    """Return the command of the README and what it prints, run in a folder that holds ``fixtures``."""
    command = "encord-convert convert fixtures/street out --to coco"
    done = subprocess.run(
        [sys.executable, "-m", "encord_convert", *command.split()[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "COLUMNS": "100"},
    )
    return f"$ {command}\n{done.stderr}"
