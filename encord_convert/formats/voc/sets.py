"""Files beside the annotations: image sets, which are splits, and ``labelmap.txt``.

The page of the format is :mod:`encord_convert.formats.voc.page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from encord_convert.formats._files import Source
from encord_convert.hub.splits import UNNAMED, standard

OFFICIAL = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
"""The classes of VOC 2007 to 2012, in the order in which segmentation numbers them from 1."""

LABELMAP = "labelmap.txt"
HEADER = "# label:color_rgb:parts:actions"
_SET = re.compile(r"(?:.*/)?ImageSets/([^/]+/[^/]+)\.txt")
_COLOUR = re.compile(r"(\d{1,3}),(\d{1,3}),(\d{1,3})")
_TASKS = ("Main", "Segmentation", "Layout", "Action")
_MOST_BYTES = 1 << 28


@dataclass(slots=True)
class Sets:
    """The lines of image sets, by task and name (``Main/train``), and which images are in which split."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> Iterable[str]:
        """The images that are in any set, each once."""
        return dict.fromkeys(line.split()[0] for lines in self.lines.values() for line in lines)


def sets_of(source: Source, names: Iterable[str]) -> Sets:
    """Read the image sets of a source."""
    sets = Sets()
    for name in names:
        if (found := _SET.fullmatch(name)) and (source.size(name) or 0) <= _MOST_BYTES:
            with source.open(name) as stream:
                text = stream.read().decode("utf-8", "replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            sets.lines[found[1]] = sets.lines.get(found[1], []) + lines
    for task in reversed(_TASKS):
        sets.splits |= _splits({name: lines for name, lines in sets.lines.items() if name.startswith(f"{task}/")})
    return sets


def _splits(lines: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the split of each image: of the sets it is in, one that is called train, val or test comes first."""
    plain = [name for name, some in lines.items() if some and not any(len(line.split()) > 1 for line in some)]
    splits: dict[str, str] = {}
    for name in sorted(plain, key=lambda one: (standard(one.partition("/")[2]) is not None, -len(lines[one]))):
        word = name.partition("/")[2]
        if word != UNNAMED:
            splits |= dict.fromkeys(lines[name], word)
    return splits


@dataclass(slots=True)
class Listed:
    """A class as ``labelmap.txt`` names it: its colour as ``#rrggbb``, and the rest of its line."""

    color: str | None
    parts: str = ""
    actions: str = ""


def labelmap_of(source: Source, name: str) -> dict[str, Listed]:
    """Read the classes of a ``labelmap.txt``, in their order."""
    found: dict[str, Listed] = {}
    text = source.head(name, 1 << 20).decode("utf-8-sig", "replace")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            label, color, parts, actions = (*line.strip("\r\n").split(":"), "", "", "")[:4]
            rgb = _COLOUR.fullmatch(color.strip())
            is_colour = rgb is not None and all(int(part) < 256 for part in rgb.groups())
            hex_ = "#{:02x}{:02x}{:02x}".format(*map(int, rgb.groups())) if rgb and is_colour else None
            found.setdefault(label.strip(), Listed(hex_, parts, actions))
    return found


def is_background(name: str) -> bool:
    """Tell the class that is none."""
    return name.lower() in ("background", "ignored")


def palette() -> list[tuple[int, int, int]]:
    """Return the 256 colours of VOC: the bits of a number dealt out to red, green and blue in turn.

    Source: VOC 2012 development kit, ``VOClabelcolormap.m``.

    >>> palette()[:3], palette()[255]
    ([(0, 0, 0), (128, 0, 0), (0, 128, 0)], (224, 224, 192))
    """
    colours = []
    for number in range(256):
        channels = [sum((number >> 3 * bit + channel & 1) << (7 - bit) for bit in range(3)) for channel in range(3)]
        colours.append((channels[0], channels[1], channels[2]))
    return colours
