"""Scans the files of a VOC source into columns, and finds the irregular files.

Most objects differ only in their box. The bytes around ``<bndbox>`` are parsed once for all objects that share them,
and the four numbers go into a column; likewise the bytes before the first object, except the image name. An irregular
file is parsed whole, here and again when its row is made.
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
    ObjectInfo,
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
"""Cache limit; beyond it files are parsed one by one."""


@dataclass(slots=True)
class Scanned:
    """The images of a source, in columns.

    Parameters
    ----------
    members : list of str
        Their files.
    filenames : list of str
        The image name in each file.
    sizes : list of (int, int)
        0: not stated.
    heads : list of int
        Index into ``natives``, which many share.
    paths : list of (str, bool) or None
        ``<path>``, and whether the file name is appended to it.
    conventions, titles, units : dict of int to str
        From files of this package: the convention, the row's title and the image's title.
    owners : set of int
        Images whose files name a person.
    counts : array of int
        Objects per image; 0 for irregular ones.
    codes, numbers : array
        Index into ``infos`` of each object, and its corners in the order of ``CORNERS``.
    irregular : set of int
        Irregular images, parsed again one by one.
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
    infos: list[ObjectInfo] = field(default_factory=list)
    irregular: set[int] = field(default_factory=set)


class Scanner:
    """Scans the files of a source.

    Parameters
    ----------
    source : Source
    counts : Counts
        Counts damaged files.
    is_irregular : callable
        From a member to whether it is irregular regardless of its content.
    """

    def __init__(self, source: Source, counts: Counts, is_irregular: Callable[[str], bool]) -> None:
        self._source = source
        self._is_irregular = is_irregular
        self._counts = counts
        self._heads: dict[bytes, tuple[int, Annotation]] = {}
        self._of_native: dict[tuple[Any, ...], int] = {}
        self._codes: dict[tuple[bytes, bytes], int] = {}
        self._regular_codes: dict[bytes, int] = {}
        self._folders: dict[tuple[str, bool], tuple[str, bool]] = {}
        self._numbers = _Numbers()
        self._layouts: dict[bytes, list[int]] = {}
        self.found = Scanned()

    def scan(self, members: list[str]) -> Iterator[tuple[int, Annotation]]:
        """Scan all files; yield index and annotation of each irregular one."""
        found = self.found
        for member, data in zip(members, self._source.heads(members, MOST_BYTES + 1), strict=True):
            if not self._is_irregular(member) and self._take(member, data):
                continue
            number = len(found.members)
            annotation = self._exact(member, data, alone=len(members) == 1)
            if annotation is not None:
                found.irregular.add(number)
                found.counts.append(0)
                self._add(member, annotation, annotation.filename, self._native(annotation.native))
                yield number, annotation  # after its number is assigned

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
            detail = f"{member} {error} and is left out."
            self._counts.drop("FILE_DAMAGED", Feature.MEDIA, ("file", ""), Where(file=place), detail)
            self._counts.into["file", ""] += 1
            self._counts.note(Level.ERROR, "FILE_DAMAGED", detail, Where(file=place))
            return None

    def _take(self, member: str, data: bytes) -> bool:
        """Add a file whose objects differ from known ones only in their boxes; return whether it did."""
        data = data.rstrip()
        if (
            (b"!" in data and b"<!" in data)
            or not data.endswith(_END)
            or len(self._codes) + len(self._heads) + len(self._regular_codes) > _MOST_KNOWN
        ):
            return False
        at = data.find(b"<object>")
        first, rest = (data[: -len(_END)], b"") if at < 0 else (data[:at], data[at + 8 : -len(_END)])
        head = self._head(first)
        if head is None:
            return False
        codes, numbers = self._regular(rest) or self._objects(rest)
        if -1 in codes or len(numbers) != 4 * len(codes):
            return False
        native, annotation, filename, path = head
        self._add(member, annotation, filename, native, path)
        found = self.found
        found.counts.append(len(codes))
        found.codes.extend(codes)
        found.numbers.extend(numbers)
        return True

    def _regular(self, rest: bytes) -> tuple[list[int], Any] | None:
        """Parse objects that end with their box and share one layout; None if they do not."""
        first, *pieces = rest.split(b"<bndbox>")
        if not pieces:
            return None
        known, code = self._regular_codes, self._regular_codes.get(first)
        if code is None:
            code = self._regular_code(first)
        codes, inners = [], []
        for piece in pieces:
            codes.append(code)
            inner, _, between = piece.partition(b"</bndbox>")
            inners.append(inner)
            code = known.get(between)
            if code is None:
                code = self._regular_code(between)
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

    def _regular_code(self, between: bytes) -> int:
        """Return the code of the object that starts between two boxes, if the previous one ends there with nothing
        else.

        ``between`` is the text between them, or before the first box. ``_LAST``: no object starts.
        """
        end, opened, before = between.rpartition(b"<object>")
        if _CLOSED.fullmatch(end if opened else before):
            code = self._code(before, b"</object>") if opened else _LAST
        else:
            code = self._code(before, b"</object>") if not opened else _ODD
        code = _ODD if code == -1 else code
        self._regular_codes[between] = code
        return code

    def _objects(self, rest: bytes) -> tuple[list[int], Any]:
        """Parse objects one by one; code -1 marks an irregular one."""
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
        """Parse the part before the objects: index of its native data, the annotation, and the image names."""
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
        """Return the index of the text around a box; -1 if it is not an object with one box and a class."""
        code = -1
        try:
            root = parsed(b"<r><object>" + before + b"<bndbox/>" + behind + b"</r>")
            if (
                len(root) == 1
                and tag_of(root[0]) == "object"
                and not text_of(root)
                and not (root[0].tail or "").strip()
            ):
                xml_object = object_of(root[0])
                is_box = xml_object.rotated is None and not (xml_object.polygons or xml_object.parts)
                if is_box and xml_object.info.name and len(root[0].findall("bndbox")) == 1:
                    code = len(self.found.infos)
                    self.found.infos.append(xml_object.info)
        except ValueError:
            pass
        self._codes[before, behind] = code
        return code


def _cut(data: bytes, tag: bytes) -> tuple[bytes, bytes | None]:
    """Split bytes into those without an element's text, and that text."""
    at = data.find(tag)
    if at < 0:
        return data, None
    at += len(tag)
    end = data.find(b"<", at)
    return data[:at] + data[end:], data[at:end]


class _Numbers(dict[bytes, float]):
    """Parses numbers with a cache: most are integers below the side of an image."""

    def __missing__(self, text: bytes) -> float:
        if len(self) > _MOST_KNOWN:
            self.clear()
        number = self[text] = float(text)
        return number

    def of(self, texts: list[bytes]) -> Any:
        """Return texts as numbers; empty if one is not a number."""
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
    """Return the order of corners in a box without its digits; empty if it has other parts."""
    found = _LAYOUT.fullmatch(layout)
    tags = [tag.decode() for tag in found.groups()] if found else []
    if sorted(tags) != sorted(CORNERS):
        return []
    return _AS_NAMED if tags == list(CORNERS) else [tags.index(tag) for tag in CORNERS]
