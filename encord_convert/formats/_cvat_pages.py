"""Chunks of CVAT files in columns: what the byte lane finds, without a record for each shape.

A chunk is taken apart by a few calls that return lists of all its tags, attributes and numbers, and only what is not
written as CVAT writes it is looked at tag by tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from encord_convert.formats._cvat_bytes import TOKEN, NotCanonical, attributes_of
from encord_convert.formats._cvat_xml import CANONICAL, NO_ANSWERS, Shape, sides_of

_SIDES = ("source", "occluded", "z_order", "group_id")
_KNOWN = {element: {*_SIDES, *names} for element, names in CANONICAL.items()}
_NEEDED = {element: set(names) - {"rotation"} for element, names in CANONICAL.items()}
_LINE_FEED, _LESS = 10, 60

Columns = dict[str, list[str]]
"""Values of the shapes of a stretch, by XML attribute."""


class Page:
    """The pictures of a chunk.

    Parameters
    ----------
    text : str
        The chunk.
    line : int
        One-based line of its first character.
    found : list of Token

    Attributes
    ----------
    tags, labels, rests, closed : sequence of str
        What each tag of the chunk is, by its place; see ``_cvat_bytes.TOKEN``.
    pictures : list of (int, int, int)
        Place of the tag of each picture, of its first shape, and after its last.
    places : dict of str to list of int
        Where the shapes of each element are.
    """

    def __init__(self, text: str, line: int, found: list[tuple[str, str, str, str]]) -> None:
        self._text = text
        self._line = line
        self.tags, self.labels, self.rests, self.closed = zip(*found, strict=True)
        places: dict[str, list[int]] = {}
        for place, tag in enumerate(self.tags):
            if tag in places:
                places[tag].append(place)
            else:
                places[tag] = [place]
        starts = places.pop("image")
        ends = places.pop("/image", [])
        self.places = places
        if len(starts) == len(ends):
            self.pictures = [(start, start + 1, end) for start, end in zip(starts, ends, strict=True)]
        else:  # some have no shapes and end where they begin
            rest = iter(ends)
            self.pictures = [
                (at, at + 1, at + 1 if self.closed[at] or self.rests[at][-1:] == "/" else next(rest)) for at in starts
            ]

    @property
    def has_no_strays(self) -> bool:
        """Whether every tag is of a picture."""
        behind = [end + (self.tags[end : end + 1] == ("/image",)) for _, _, end in self.pictures]
        return behind == [*[at for at, _, _ in self.pictures[1:]], len(self.tags)]

    def attributes(self, place: int) -> dict[str, str]:
        """Return the XML attributes of a picture."""
        return attributes_of(self.rests[place])

    def shape(self, place: int) -> Shape:
        """Return a shape as the byte lane gives those that are not as most are."""
        attributes = attributes_of(self.rests[place])
        label = self.labels[place] or attributes.get("label", "")  # it may stand elsewhere than before the others
        attributes["label"] = label
        answers = self.closed[place] or NO_ANSWERS
        return self.tags[place], label, sides_of(attributes), attributes, answers, None, self.line_of(place)

    def line_of(self, place: int) -> int:
        """Return the one-based line of a tag."""
        return self._lines[place]

    @cached_property
    def _lines(self) -> list[int]:
        values = np.frombuffer(self._text.encode(), np.uint8)
        begins = np.flatnonzero(values == _LESS)
        inner = {closed: closed.count("<") for closed in set(self.closed)}
        ahead = np.cumsum([0, *map(inner.__getitem__, self.closed)])
        own = begins[np.arange(len(self.tags)) + ahead[:-1]]
        lines: list[int] = (np.searchsorted(np.flatnonzero(values == _LINE_FEED), own) + self._line).tolist()
        return lines

    def stretches(self, element: str) -> Iterator[tuple[list[int], Columns]]:
        """Yield shapes of an element that have the same XML attributes in the same order: places, and their values.

        Those that lack an attribute, or have one that CVAT does not write there, are left out.
        """
        groups: dict[int, list[int]] = {}
        for place in self.places.get(element, ()):
            count = self.rests[place].count('"')
            if count in groups:
                groups[count].append(place)
            else:
                groups[count] = [place]
        for count, places in groups.items():
            pieces = '"'.join([self.rests[place] for place in places]).split('"')
            width = count + 1
            names = [name.strip(" =") for name in pieces[: width - 1 : 2]]
            is_plain = (
                _KNOWN[element].issuperset(names)
                and _NEEDED[element].issubset(names)
                and len(set(names)) == len(names)
                and all(pieces[at::width].count(pieces[at]) == len(places) for at in range(0, width - 1, 2))
            )
            if is_plain:
                yield places, {name: pieces[2 * at + 1 :: width] for at, name in enumerate(names)}
            elif len(set(map(self._names, places))) > 1:
                yield from self._sorted_out(element, places)

    def _names(self, place: int) -> tuple[str, ...]:
        return tuple(self.rests[place].split('"')[::2])

    def _sorted_out(self, element: str, places: Sequence[int]) -> Iterator[tuple[list[int], Columns]]:
        """Yield the stretches of shapes that have as many XML attributes, but not the same."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for place in places:
            groups.setdefault(self._names(place), []).append(place)
        for signature, own in groups.items():
            names = [name.strip(" =") for name in signature[:-1]]
            if _KNOWN[element].issuperset(names) and _NEEDED[element].issubset(names) and len(set(names)) == len(names):
                values = [self.rests[place].split('"')[1::2] for place in own]
                yield own, dict(zip(names, map(list, zip(*values, strict=True)), strict=True))


_PAGE_TAGS = frozenset({"image", "/image", "tag", "ellipse", "cuboid", *CANONICAL})
MOST = 4096
"""How many tags a page has at most."""


def page_of(text: str, line: int) -> Page | None:
    """Return a chunk in columns; None if there is more on it than pictures with plain shapes.

    Raises
    ------
    NotCanonical
        It is no chunk that the scan accepted.
    """
    if "&" in text or "track_id" in text:
        return None
    found: list[Any] = TOKEN.findall(text)
    if not found or len(found) > MOST or found[0][0] != "image":
        return None
    if not {tag for tag, _, _, _ in found} <= _PAGE_TAGS:
        return None
    page = Page(text, line, found)
    if text.count("<") != len(found) + "".join(page.closed).count("<"):
        raise NotCanonical
    return page if page.has_no_strays else None
