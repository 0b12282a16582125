"""Pages, read again as tests look at them."""

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from encord_convert.cli import run
from encord_convert.hub.labelset import LabelSet
from encord_convert.view.show import show

Json = dict[str, Any]


@dataclass
class Page:
    """What stands in a page: its text, its images as they are in JSON, and its index."""

    text: str
    images: list[Json]
    index: Json

    @property
    def names(self) -> list[str]:
        """Titles of the rows, as they are shown."""
        return [row["t"] for row in self.index["rows"]]

    def shapes(self, title: str, frame: int = 0) -> list[Json]:
        """The labels on a frame, each with the name of its class."""
        [row] = [row for row in self.index["rows"] if row["t"] == title]
        [at] = [one for one in row["f"] if one["n"] == frame]
        classes = self.index["classes"]
        return [shape | {"class": classes[shape["c"]]["n"]} for shape in self.images[at["b"]]["s"]]


class Scripts(HTMLParser):
    """Collects the texts of script and style elements, as a browser tells where they end."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("script", "style"):
            self.found.append((dict(attrs) | {"tag": tag}, ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is not None:
            self.found[-1] = self.found[-1][0], self.found[-1][1] + data


def scripts_in(text: str) -> Scripts:
    parser = Scripts()
    parser.feed(text)
    return parser


def read_page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    blocks = {attrs["id"]: json.loads(body) for attrs, body in scripts_in(text).found if "id" in attrs}
    return Page(text, [blocks[f"i{number}"] for number in range(len(blocks) - 1)], blocks["index"])


def viewed(tmp_path: Path, *words: object) -> Page:
    """Run ``view`` and read what it wrote."""
    assert run(["view", *map(str, words), "-o", str(tmp_path / "page.html"), "--overwrite", "-q"]) == 0
    return read_page(tmp_path / "page.html")


def shown(tmp_path: Path, labels: LabelSet, **how: Any) -> Page:
    """Write the page of a label set and read it."""
    show(labels, str(tmp_path / "page.html"), **how)
    return read_page(tmp_path / "page.html")


def pixels(path: str, width: int, height: int) -> Image.Image:
    """Fill an SVG path of level and upright steps by the even-odd rule, where a pixel's centre is inside."""
    filled = Image.new("1", (width, height))
    for ring in re.findall(r"M(\d+) (\d+)([hv0-9-]*)Z", path):
        x, y = int(ring[0]), int(ring[1])
        corners = [(x, y)]
        for axis, step in re.findall(r"([hv])(-?\d+)", ring[2]):
            x, y = (x + int(step), y) if axis == "h" else (x, y + int(step))
            corners.append((x, y))
        large = Image.new("1", (width * 4, height * 4))
        ImageDraw.Draw(large).polygon([(x * 4, y * 4) for x, y in corners], 1)
        for column in range(width):
            for row in range(height):
                if large.getpixel((column * 4 + 2, row * 4 + 2)):
                    filled.putpixel((column, row), 1 - filled.getpixel((column, row)))
    return filled
