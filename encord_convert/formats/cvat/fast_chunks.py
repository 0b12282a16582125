"""Chunks of CVAT files in columns: what the fast reader finds, without a record for each shape.

A chunk is taken apart by a few calls that return lists of all its tags, attributes and numbers, and only what is not
written as CVAT writes it is looked at tag by tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from encord_convert.formats.cvat.exact_xml import NO_ANSWERS, Shape, sides_of
from encord_convert.formats.cvat.fast_codes import Codes, Ints, Tag, Variant, images_in, tracks_in
from encord_convert.formats.cvat.fast_xml import TOKEN, NotCanonical, attributes_of, count_in

_LINE_FEED, _LESS = 10, 60
_NUMBER = b"0123456789.-"
_ALL_BUT_NUMBERS = bytes(set(range(256)) - set(_NUMBER) - set(b'"'))

MOST = 4096
"""How many tags a page has at most."""


class Page:
    """The images of a chunk, or its tracks.

    Parameters
    ----------
    chunk : bytes
    line : int
        One-based line of its first character.
    found : list of Tag
    codes : array
        Of the tags.
    known : Codes
    starts, ends : array
        Where the tag of each image or track is, and the first behind its shapes.

    Attributes
    ----------
    bodies : sequence of bytes
        Of the tags.
    kinds : array
        Of the tags.
    owners : array
        The image of each tag.
    """

    def __init__(
        self, chunk: bytes, line: int, found: list[Tag], codes: Ints, known: Codes, starts: Ints, ends: Ints
    ) -> None:
        self._chunk = chunk
        self._line = line
        self._known = known
        self.codes = codes
        self.starts = starts
        self.ends = ends
        self.bodies: list[bytes] = [body for _, body, _ in found]
        self.kinds = known.kinds[codes]
        self.owners = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(found)))

    def __len__(self) -> int:
        return len(self.bodies)

    def variant(self, place: int) -> Variant:
        """Return what the key of a tag says."""
        return self._known.variants[int(self.codes[place])]

    def attributes(self, place: int) -> dict[str, str]:
        """Return the XML attributes of a tag."""
        own, more = attributes_of(self.bodies[place].decode()), self.variant(place).attributes
        if not own.keys().isdisjoint(more):
            raise NotCanonical
        return own | more if more else own

    def shape(self, place: int) -> Shape:
        """Return a shape as the fast reader gives those that are not as most are."""
        variant, attributes = self.variant(place), self.attributes(place)
        answers = variant.answers or NO_ANSWERS
        label = variant.label or attributes.get("label", "")  # it may stand elsewhere than before the others
        return variant.tag, label, sides_of(attributes), attributes, answers, None, self.line_of(place)

    def line_of(self, place: int) -> int:
        """Return the one-based line of a tag."""
        return self._lines[place]

    @cached_property
    def _lines(self) -> list[int]:
        values = np.frombuffer(self._chunk, np.uint8)
        inner = self._known.inner[self.codes]
        own = np.flatnonzero(values == _LESS)[np.arange(len(self)) + np.cumsum(inner) - inner]
        lines: list[int] = (np.searchsorted(np.flatnonzero(values == _LINE_FEED), own) + self._line).tolist()
        return lines


def page_of(chunk: bytes, line: int, known: Codes, *, of_tracks: bool = False) -> Page | None:
    """Return a chunk in columns; None if there is more on it than images with plain shapes, or tracks with such.

    Raises
    ------
    NotCanonical
        It is no chunk that the scan accepted.
    """
    if (b"<track" if of_tracks else b"<image") not in chunk:
        return None
    found: list[Tag] = TOKEN.findall(chunk)
    if not found or (len(found) > MOST and not of_tracks):
        return None
    codes = known.of(found)
    spans = (tracks_in if of_tracks else images_in)(known.kinds[codes])
    if spans is None:
        return None
    if count_in(chunk, b"<") != len(found) + int(known.inner[codes].sum()):
        raise NotCanonical
    return Page(chunk, line, found, codes, known, *spans)


# -- the values of many bodies ---------------------------------------------------------------------------------------


class Chunk(NamedTuple):
    """Shapes that have the same XML attributes in the same order.

    ``is_numeric``: nothing but digits, points and signs is in their values.
    """

    places: Sequence[int]
    bodies: Sequence[bytes]
    names: tuple[str, ...]
    is_numeric: bool


def stretches(places: Sequence[int], bodies: Sequence[bytes]) -> Iterator[Chunk]:
    """Group shapes by their XML attributes."""
    if not bodies:
        return
    first = bodies[0].split(b'"')[::2]
    if _are_numeric(first, bodies):
        yield Chunk(places, bodies, _plain(first), True)
        return
    groups: dict[tuple[bytes, ...], list[int]] = {}
    for number, body in enumerate(bodies):
        groups.setdefault(tuple(body.split(b'"')[::2]), []).append(number)
    for names, numbers in groups.items():
        own = [bodies[number] for number in numbers]
        yield Chunk([places[number] for number in numbers], own, _plain(names), _are_numeric(names, own))


def names_in(bodies: Sequence[bytes]) -> set[tuple[bytes, ...]]:
    """Return the XML attributes of bodies, as they are written."""
    own = [body for body in bodies if body[:8] == b' frame="']  # most are numeric, and alike
    first = own[0].split(b'"')[::2] if own else []
    if not own or not _are_numeric(first, own):
        own, first = [], []
    others = (body for body in bodies if body[:8] != b' frame="') if own else bodies
    return {tuple(body.split(b'"')[::2]) for body in others} | {tuple(first)}


def _are_numeric(names: Sequence[bytes], bodies: Sequence[bytes]) -> bool:
    """Tell whether bodies have these XML attributes, and nothing but numbers for values."""
    return b"".join(bodies).translate(None, _NUMBER) == b'""'.join(names) * len(bodies)


def _plain(names: Sequence[bytes]) -> tuple[str, ...]:
    return tuple([name.decode().strip(" =") for name in names[:-1]])


def numbers_text(bodies: Sequence[bytes]) -> bytes:
    """Return the numbers of bodies that are numeric, with commas between them."""
    return b"".join(bodies).translate(None, _ALL_BUT_NUMBERS).replace(b'""', b",")[1:-1]


def columns_of(bodies: Sequence[bytes], names: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of bodies that have the same XML attributes, by name."""
    pieces = b'"'.join(bodies).decode().split('"')
    width = 2 * len(names) + 1
    return {name: pieces[2 * at + 1 :: width] for at, name in enumerate(names)}
