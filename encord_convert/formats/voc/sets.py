"""Image sets, which are splits, and ``labelmap.txt``."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, takewhile

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
_BELOW = re.compile(r".*(?:^|/)(?:Annotations|JPEGImages|SegmentationObject|SegmentationClass)/")
_NUMBER = re.compile(r"-?\d+")
_COLOUR = re.compile(r"(\d{1,3}),(\d{1,3}),(\d{1,3})")
_TASKS = ("Main", "Segmentation", "Layout", "Action")
_MOST_BYTES = 1 << 28


@dataclass(slots=True)
class Sets:
    """The lines of image sets, by task and name (``Main/train``), and which images are in which split."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    images: dict[str, None] = field(default_factory=dict)
    """The images in any set, without repeats."""


def sets_of(source: Source, names: Iterable[str]) -> Sets:
    """Read the image sets of a source."""
    sets = Sets()
    for name in names:
        if (found := _SET.fullmatch(name)) and (source.size(name) or 0) <= _MOST_BYTES:
            with source.open(name) as stream:
                text = stream.read().decode("utf-8-sig", "replace")
            lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
            sets.lines[found[1]] = sets.lines.get(found[1], []) + lines
    if not sets.lines:
        return sets
    known = {stem for name in names for stem in _stems(name)}
    images = {name: [image_in(line, known) for line in lines] for name, lines in sets.lines.items()}
    sets.images = dict.fromkeys(chain.from_iterable(images.values()))
    plain = {name: some for name, some in images.items() if some == [line.strip() for line in sets.lines[name]]}
    for task in reversed(_TASKS):
        sets.splits |= _splits({name: some for name, some in plain.items() if name.startswith(f"{task}/")})
    return sets


def image_in(line: str, known: Container[str]) -> str:
    """Return the image named by a line of a set, which may end in a flag, or an object number and a flag.

    Names may have blanks: the longest prefix that is a known image counts.

    >>> image_in("a b", {"a", "a b"}), image_in("a b -1", {"a b"}), image_in("gone  1", ()), image_in("000 (2)", ())
    ('a b', 'a b', 'gone', '000 (2)')
    """
    if line in known:
        return line
    line = line.strip()
    starts = [line, *(line.rsplit(None, count)[0] for count in (1, 2)), line.split(None, 1)[0]]
    found = next((start for start in starts if start in known), None)
    if found is not None:
        return found
    numbers = takewhile(_NUMBER.fullmatch, reversed(line.rsplit(None, 2)[1:]))
    return starts[sum(1 for _ in numbers)]


def _stems(name: str) -> Iterator[str]:
    """Yield the names a set may use for a file: its name, or its path below a VOC folder, without suffix."""
    path = name.rpartition(".")[0] or name
    yield path.rpartition("/")[2]
    if found := _BELOW.search(path):
        yield path[found.end() :]


def _splits(images: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the split of each image: of its sets, preferably train, val or test."""
    splits: dict[str, str] = {}
    for name in sorted(images, key=lambda one: (standard(one.partition("/")[2]) is not None, -len(images[one]))):
        word = name.partition("/")[2]
        if word != UNNAMED:
            splits |= dict.fromkeys(images[name], word)
    return splits


@dataclass(slots=True)
class Listed:
    """A class of ``labelmap.txt``: its colour as ``#rrggbb``, and the rest of its line."""

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
    """Return whether a class is the background."""
    return name.lower() in ("background", "ignored")


@cache
def palette() -> tuple[tuple[int, int, int], ...]:
    """Return VOC's 256 colours: index bits distributed over red, green and blue in turn.

    Source: VOC 2012 development kit, ``VOClabelcolormap.m``.

    >>> palette()[:3], palette()[255]
    (((0, 0, 0), (128, 0, 0), (0, 128, 0)), (224, 224, 192))
    """
    colours = []
    for number in range(256):
        channels = [sum((number >> 3 * bit + channel & 1) << (7 - bit) for bit in range(3)) for channel in range(3)]
        colours.append((channels[0], channels[1], channels[2]))
    return tuple(colours)
