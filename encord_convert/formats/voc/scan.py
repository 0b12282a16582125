"""A first walk over the files of a VOC source: what they say, in columns, and which are not as most are.

Most objects differ in nothing but their box. The bytes before and behind ``<bndbox>`` are parsed once for all objects
that have them alike, and the four numbers go into a column; so do the bytes before the first object, but for the name
of the image. A file in which anything is otherwise is parsed whole, here and again when its row is made.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.voc.elements import (
    CORNERS,
    MOST_BYTES,
    Annotation,
    Said,
    annotation_of,
    object_of,
    parsed,
    tag_of,
    text_of,
)
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Feature, Level, Where

_END = b"</annotation>"
_ENCODING = re.compile(rb"encoding\s*=\s*[\"'](?!utf-?8|us-ascii)", re.IGNORECASE)
_MOST_KNOWN = 20_000
"""How many different things are remembered; from then on files are read one by one."""


@dataclass(slots=True)
class Scanned:
    """The images of a source, in columns.

    Parameters
    ----------
    members : list of str
        Their files.
    filenames : list of str
        What each file calls its image.
    sizes : list of (int, int)
        0 where the file does not say.
    heads : list of int
        Index into ``natives``, which are shared by many.
    paths : list of (str, bool) or None
        ``<path>``, and whether the file name is to follow.
    conventions, titles, units : dict of int to str
        What files of this package say of coordinates, of the title of the row and of the image.
    owners : set of int
        Images whose files name a person.
    counts : array of int
        How many objects each image has; 0 for those that are odd.
    codes, numbers : array
        Of each object the index into ``said``, and four corners in the order of ``CORNERS``.
    odd : set of int
        Images that are read again one by one.
    """

    members: list[str] = field(default_factory=list)
    filenames: list[str] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    natives: list[dict[str, str]] = field(default_factory=list)
    paths: list[tuple[str, bool] | None] = field(default_factory=list)
    conventions: dict[int, str] = field(default_factory=dict)
    titles: dict[int, str] = field(default_factory=dict)
    units: dict[int, str] = field(default_factory=dict)
    owners: set[int] = field(default_factory=set)
    counts: Any = field(default_factory=lambda: array("I"))
    codes: Any = field(default_factory=lambda: array("I"))
    numbers: Any = field(default_factory=lambda: array("d"))
    said: list[Said] = field(default_factory=list)
    odd: set[int] = field(default_factory=set)


class Scanner:
    """Walks the files of a source.

    Parameters
    ----------
    source : Source
    counts : Counts
        Is told of files that are damaged.
    is_odd : callable
        From a member to whether it is odd whatever it says.
    """

    def __init__(self, source: Source, counts: Counts, is_odd: Callable[[str], bool]) -> None:
        self._source = source
        self._is_odd = is_odd
        self._counts = counts
        self._heads: dict[bytes, tuple[int, Annotation]] = {}
        self._of_native: dict[tuple[Any, ...], int] = {}
        self._codes: dict[tuple[bytes, bytes], int] = {}
        self._plain_codes: dict[bytes, int] = {}
        self._folders: dict[tuple[str, bool], tuple[str, bool]] = {}
        self._numbers = _Numbers()
        self._layouts: dict[bytes, list[int]] = {}
        self.found = Scanned()

    def scan(self, members: list[str]) -> Iterator[tuple[int, Annotation]]:
        """Take all files; yield the index of each that is odd, and what it says."""
        found = self.found
        for member, data in zip(members, self._source.heads(members, MOST_BYTES + 1), strict=True):
            if not self._is_odd(member) and self._take(member, data):
                continue
            number = len(found.members)
            annotation = self._exact(member, data, alone=len(members) == 1)
            if annotation is not None:
                found.odd.add(number)
                found.counts.append(0)
                self._add(member, annotation, annotation.filename, self._native(annotation.native))
                yield number, annotation  # once its own number is known

    def _add(self, member: str, head: Annotation, filename: str, native: int, path: str | None = None) -> None:
        found, number = self.found, len(self.found.members)
        if path is None:
            found.paths.append(None)
        else:
            is_followed = bool(filename) and path.endswith(filename)
            key = path[: -len(filename)] if is_followed else path, is_followed
            found.paths.append(self._folders.setdefault(key, key))
        found.members.append(member)
        found.filenames.append(filename)
        found.sizes.append(head.size)
        found.heads.append(native)
        if head.mark.get("coordinates"):
            found.conventions[number] = head.mark["coordinates"]
            if "title" in head.mark:
                found.titles[number] = head.mark["title"]
            if "unit" in head.mark:
                found.units[number] = head.mark["unit"]
        if head.has_owner:
            found.owners.add(number)

    def _native(self, native: dict[str, str]) -> int:
        key = tuple(native.items())
        if key not in self._of_native:
            self._of_native[key] = len(self.found.natives)
            self.found.natives.append(native)
        return self._of_native[key]

    def _exact(self, member: str, data: bytes, *, alone: bool) -> Annotation | None:
        place = self._source.place(member)
        try:
            return annotation_of(parsed(data))
        except ValueError as error:
            if alone:
                raise ReadError(place, f"{error}.") from error
            detail = f"{member} {error}, and is left out."
            self._counts.drop("FILE_DAMAGED", Feature.MEDIA, ("file", ""), Where(file=place), detail)
            self._counts.into["file", ""] += 1
            self._counts.note(Level.ERROR, "FILE_DAMAGED", detail, Where(file=place))
            return None

    # -- files that are as most are ---------------------------------------------------------------------------

    def _take(self, member: str, data: bytes) -> bool:
        """Take a file whose objects differ from known ones in their boxes alone; return whether it is one."""
        data = data.rstrip()
        if (
            (b"!" in data and b"<!" in data)
            or not data.endswith(_END)
            or len(self._codes) + len(self._heads) + len(self._plain_codes) > _MOST_KNOWN
        ):
            return False
        at = data.find(b"<object>")
        first, rest = (data[: -len(_END)], b"") if at < 0 else (data[:at], data[at + 8 : -len(_END)])
        head = self._head(first)
        if head is None:
            return False
        codes, numbers = self._plain(rest) or self._objects(rest)
        if -1 in codes or len(numbers) != 4 * len(codes):
            return False
        native, annotation, filename, path = head
        self._add(member, annotation, filename, native, path)
        found = self.found
        found.counts.append(len(codes))
        found.codes.extend(codes)
        found.numbers.extend(numbers)
        return True

    def _plain(self, rest: bytes) -> tuple[list[int], Any] | None:
        """Take objects that end with their box, all laid out alike; None if they are not."""
        first, *pieces = rest.split(b"<bndbox>")
        if not pieces:
            return None
        known, code = self._plain_codes, self._plain_codes.get(first)
        if code is None:
            code = self._plain_code(first)
        codes, inners = [], []
        for piece in pieces:
            codes.append(code)
            inner, _, between = piece.partition(b"</bndbox>")
            inners.append(inner)
            code = known.get(between)
            if code is None:
                code = self._plain_code(between)
        if code != _LAST or _LAST in codes or _ODD in codes:
            return None
        layout = inners[0].translate(None, _DIGITS)
        joined = b"".join(inners)
        if joined.translate(None, _DIGITS) != layout * len(inners):
            return None
        order = self._layouts.get(layout)
        if order is None:
            order = self._layouts[layout] = _order(layout)
        if order is not _AS_NAMED:
            return None
        return codes, self._numbers.of(joined.translate(_TO_SPACES).split())

    def _plain_code(self, between: bytes) -> int:
        """Return the code of the object that begins between two boxes, if the one before ends there with nothing more.

        ``between`` is what stands between them, or before the first, where there is no end. ``_LAST``: none begins.
        """
        end, opened, before = between.rpartition(b"<object>")
        if _CLOSED.fullmatch(end if opened else before):
            code = self._code(before, b"</object>") if opened else _LAST
        else:
            code = self._code(before, b"</object>") if not opened else _ODD
        code = _ODD if code == -1 else code
        self._plain_codes[between] = code
        return code

    def _objects(self, rest: bytes) -> tuple[list[int], Any]:
        """Take objects one by one; a code of -1 stands for one that is odd."""
        codes: list[int] = []
        tokens: list[bytes] = []
        for part in rest.split(b"<object>") if rest else ():
            before, _, inside = part.partition(b"<bndbox>")
            inner, closed, behind = inside.partition(b"</bndbox>")
            code = self._codes.get((before, behind))
            if code is None:
                code = self._code(before, behind) if closed else -1
            codes.append(code)
            layout = inner.translate(None, _DIGITS)
            order = self._layouts.get(layout)
            if order is None:
                order = self._layouts[layout] = _order(layout)
            four = inner.translate(_TO_SPACES).split()
            tokens += [four[at] for at in order if len(four) == 4]
        return codes, self._numbers.of(tokens)

    def _head(self, first: bytes) -> tuple[int, Annotation, str, str | None] | None:
        """Return what stands before the objects: where its native keys are, all of it, the names of the image."""
        key, filename = _cut(first, b"<filename>")
        key, path = _cut(key, b"<path>")
        known = self._heads.get(key)
        if known is None:
            if _ENCODING.search(first) or any(first.count(tag) > 1 for tag in (b"<filename", b"<path")):
                return None
            try:
                annotation = annotation_of(parsed(key + _END))
            except ValueError:
                return None
            if annotation.objects or "object" in annotation.native:
                return None
            annotation.native.pop("path", None)
            known = self._heads[key] = self._native(annotation.native), annotation
        if b"&" in (filename or b"") or b"&" in (path or b""):
            return None
        try:
            return *known, (filename or b"").decode().strip(), None if path is None else path.decode().strip()
        except UnicodeDecodeError:
            return None

    def _code(self, before: bytes, behind: bytes) -> int:
        """Return the index of what stands around a box; -1 if it is more than an object with one box and its class."""
        code = -1
        try:
            root = parsed(b"<r><object>" + before + b"<bndbox/>" + behind + b"</r>")
            if (
                len(root) == 1
                and tag_of(root[0]) == "object"
                and not text_of(root)
                and not (root[0].tail or "").strip()
            ):
                drawn = object_of(root[0])
                is_box = drawn.rotated is None and not (drawn.polygons or drawn.parts)
                if is_box and drawn.said.name and len(root[0].findall("bndbox")) == 1:
                    code = len(self.found.said)
                    self.found.said.append(drawn.said)
        except ValueError:
            pass
        self._codes[before, behind] = code
        return code


def _cut(data: bytes, tag: bytes) -> tuple[bytes, bytes | None]:
    """Return bytes without the text of an element, and that text."""
    at = data.find(tag)
    if at < 0:
        return data, None
    at += len(tag)
    end = data.find(b"<", at)
    return data[:at] + data[end:], data[at:end]


class _Numbers(dict[bytes, float]):
    """Texts as numbers, each made once: most are whole, and below the side of an image."""

    def __missing__(self, text: bytes) -> float:
        if len(self) > _MOST_KNOWN:
            self.clear()
        number = self[text] = float(text)
        return number

    def of(self, texts: list[bytes]) -> Any:
        """Return texts as numbers; none if one is not a number."""
        try:
            return array("d", map(self.__getitem__, texts))
        except ValueError:
            return ()


_LAST, _ODD = -2, -3
_CLOSED = re.compile(rb"\s*</object>\s*")
_AS_NAMED = [0, 1, 2, 3]
_DIGITS = b"0123456789.-"
_TO_SPACES = bytes(item if item in _DIGITS else 32 for item in range(256))
_LAYOUT = re.compile(rb"\s*".join([b"", *[rb"<(\w{4})></\%d>" % number for number in range(1, 5)], b""]))


def _order(layout: bytes) -> list[int]:
    """Return where each corner stands in a box whose digits were taken; nothing if it has other parts."""
    found = _LAYOUT.fullmatch(layout)
    tags = [tag.decode() for tag in found.groups()] if found else []
    if sorted(tags) != sorted(CORNERS):
        return []
    return _AS_NAMED if tags == list(CORNERS) else [tags.index(tag) for tag in CORNERS]
