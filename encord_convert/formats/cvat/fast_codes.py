"""Tags of CVAT files as numbers: what a tag says beside the place of its shape is worked out once, and has a code.

A file has as many tags as shapes, but most of them differ in nothing but their *body*, which says where the shape is.
Head and tail of a tag are its key, and each key has a code; what is known of it stands in tables by code, so that a
chunk is looked at as an array.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.cvat.exact_xml import CANONICAL, Sides, sides_of
from encord_convert.formats.cvat.fast_xml import NotCanonical, attributes_of

Ints = NDArray[np.int64]

Tag = tuple[bytes, bytes, bytes]
"""What ``_cvat_bytes.TOKEN`` finds: head, body and tail."""

Key = tuple[bytes, bytes]
"""Head and tail."""

OTHER, IMAGE, EMPTY_IMAGE, END_IMAGE, NAMELESS, ODD, PLAIN = range(7)
"""Kinds of tags: an image's start, an image without shapes, its end; shapes; and others, which no plain image has.

Shapes are nameless if their label does not stand first, and odd if they are not as most are; those that are have a kind
from :data:`PLAIN` on, see :data:`KINDS`.
"""

KINDS = {element: PLAIN + number for number, element in enumerate(CANONICAL)}

_SHAPES = frozenset({"tag", "ellipse", "cuboid", *CANONICAL})
_KEY = itemgetter(0, 2)
_TAIL = re.compile(r'((?: [a-z_\d]++="[^"]*+")*+) ?(/?)>(.*)', re.DOTALL | re.ASCII)
_ANSWERS = re.compile(r'\s*+(?:<attribute (?:[^<>"]*+"[^<"]*+")*+(?: ?/>|>[^<]*+</attribute>)\s*+)*+</[a-z]++>')
"""Attribute elements and an end tag, without text between them."""
_LAST = frozenset({"source", "occluded", "z_order", "group_id"})
_FIRST_ROOM = 1024


class Head:
    """What the head of a tag says.

    Attributes
    ----------
    text : bytes
    tag, label : str
        As they stand there: the name of a tag that closes begins with ``/``.
    attributes : dict of str to str
    """

    __slots__ = ("attributes", "label", "tag", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        tag, blank, rest = text.decode().partition(" ")
        self.tag = tag
        self.attributes = _attributes(blank + rest)
        self.label = rest.split('"')[1] if rest.startswith('label="') else ""


class Tail:
    """What the tail of a tag says.

    Attributes
    ----------
    text : bytes
    attributes : dict of str to str
    answers : str
        Attribute elements with the end tag, empty if it has none.
    is_open : bool
        Whether a tag that closes it must follow.
    """

    __slots__ = ("answers", "attributes", "is_open", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        found = _TAIL.fullmatch(text.decode())
        if found is None:
            raise NotCanonical
        self.attributes = _attributes(found[1])
        self.answers = found[3]
        self.is_open = not found[3] and not found[2]


def _attributes(text: str) -> dict[str, str]:
    if "\n" in text:
        raise NotCanonical
    return attributes_of(text) if text else {}


class Variant(NamedTuple):
    """What the key of a tag says; ``kind`` is of :data:`KINDS`, or one of those above."""

    head: Head
    tail: Tail
    kind: int

    @property
    def tag(self) -> str:
        """Name of the tag."""
        return self.head.tag

    @property
    def label(self) -> str:
        """Label as it stands there."""
        return self.head.label

    @property
    def answers(self) -> str:
        """Attribute elements with the end tag, empty if it has none."""
        return self.tail.answers

    @property
    def attributes(self) -> dict[str, str]:
        """XML attributes that are not in the body."""
        return self.head.attributes | self.tail.attributes

    def sides(self) -> Sides:
        """Return what a shape says beside its geometry; not right of an odd one."""
        return sides_of(self.attributes)


def _kind(head: Head, tail: Tail) -> int:
    tag = head.tag
    if tag == "image":
        return IMAGE if tail.is_open else EMPTY_IMAGE
    if tag == "/image":
        return END_IMAGE if not head.attributes and not tail.attributes else OTHER
    if tail.is_open or tag not in _SHAPES:
        return OTHER
    if not head.label:
        return NAMELESS
    return KINDS[tag] if tag in KINDS and tail.attributes.keys() <= _LAST else ODD


class Codes:
    """Gives every key a number, from 0.

    Attributes
    ----------
    kinds, inner : array
        By code: kind, and how many ``<`` are in the tail.
    uses : list of Use
        By code.
    """

    def __init__(self) -> None:
        self.clear()

    def __len__(self) -> int:
        return len(self.variants)

    def clear(self) -> None:
        """Forget all keys."""
        self._numbers = _Numbers(self)
        self._heads: dict[bytes, Head] = {}
        self._tails: dict[bytes, Tail] = {}
        self.variants: list[Variant] = []
        self.kinds = np.zeros(_FIRST_ROOM, np.int8)
        self.inner = np.zeros(_FIRST_ROOM, np.int64)

    def of(self, found: list[Tag]) -> Ints:
        """Return the code of each tag.

        Raises
        ------
        NotCanonical
            A tag is not written as this lane reads it.
        """
        return np.fromiter(map(self._numbers.__getitem__, map(_KEY, found)), np.int64, len(found))

    def add(self, key: Key) -> int:
        """Give a key a number."""
        code = len(self.variants)
        variant = self._variant(key)
        if code == len(self.kinds):
            self.grow(2 * code)
        self.variants.append(variant)
        self.kinds[code] = self.kind_of(code, variant)
        self.inner[code] = key[1].count(b"<")
        return code

    def _variant(self, key: Key) -> Variant:
        head, tail = self._heads.get(key[0]), self._tails.get(key[1])
        if head is None:
            head = self._heads[key[0]] = Head(key[0])
        if tail is None:
            tail = self._tails[key[1]] = Tail(key[1])
        if tail.answers and not tail.answers.endswith(f"</{head.tag}>"):
            raise NotCanonical
        if tail.answers and head.tag != "attribute" and not _ANSWERS.fullmatch(tail.answers):
            raise NotCanonical
        if head.attributes and not head.attributes.keys().isdisjoint(tail.attributes):
            raise NotCanonical
        return Variant(head, tail, _kind(head, tail))

    def grow(self, room: int) -> None:
        """Make room in the tables."""
        self.kinds = np.resize(self.kinds, room)
        self.inner = np.resize(self.inner, room)

    def kind_of(self, code: int, variant: Variant) -> int:
        """Return the kind that the table shall have."""
        return variant.kind


class _Numbers(dict[Key, int]):
    """Codes by key; one that is not known is added."""

    def __init__(self, codes: Codes) -> None:
        super().__init__()
        self._codes = codes

    def __missing__(self, key: Key) -> int:
        code = self._codes.add(key)
        variant = self._codes.variants[code]
        self[variant.head.text, variant.tail.text] = code  # thousands of keys of the same few texts
        return code


def images_in(kinds: NDArray[np.int8]) -> tuple[Ints, Ints] | None:
    """Return where the images of a chunk begin and, exclusive, where their shapes end.

    None unless the chunk is nothing but images, one after the other, and shapes in them.
    """
    marks = np.flatnonzero(kinds <= END_IMAGE)
    found = kinds[marks]
    starts = found != END_IMAGE
    begins = marks[starts]
    # An image with shapes ends at the next mark; behind an end or an empty image another one follows at once.
    follows = np.append(found[1:], IMAGE)
    gaps = np.diff(marks, append=len(kinds))
    is_open = found == IMAGE
    is_right = (
        len(marks) > 0
        and marks[0] == 0
        and bool(starts[0])
        and found.min() > OTHER
        and bool(np.all(np.where(is_open, follows == END_IMAGE, (follows != END_IMAGE) & (gaps == 1))))
    )
    return (begins, np.where(is_open[starts], begins + gaps[starts], begins + 1)) if is_right else None
