"""Images beside a COCO file: found by the many forms of ``file_name``, and asked for their size.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.hub.media import Header, normalized, read_header

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def plain_name(name: str, tail: int = 2) -> str:
    """Return a file name as a path with ``/``, that of a URL without host and escapes: its last ``tail`` parts.

    >>> plain_name(r"C:\\cam\\a.jpg"), plain_name("http://h/x/train2017/a%20b.jpg?k=1"), plain_name("../a.jpg")
    ('cam/a.jpg', 'train2017/a b.jpg', 'a.jpg')
    """
    if is_url(name):
        try:
            name = unquote(urlsplit(name).path)
        except ValueError:
            name = name.rpartition("/")[2]
        name = "/".join(name.split("/")[-tail:])
    parts = name.replace("\\", "/").split("/")
    if len(parts[0]) == 2 and parts[0][1] == ":":
        parts = parts[1:]
    return "/".join(part for part in parts if part not in ("", ".", "..") and "\0" not in part)


def is_url(name: Any) -> bool:
    """Tell a URL from a path."""
    return isinstance(name, str) and _URL.match(name) is not None


class Media:
    """Finds the images a file names.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._by_name: dict[str, list[str]] | None = None

    def find(self, name: str) -> list[str]:
        """Return the members that could be the image: one if it is clear, none if there is none.

        By the exact path, the longest common end of the path, the name alone, the name without suffix.
        """
        if self._by_name is None:
            self._list()
        assert self._by_name is not None
        path = PurePosixPath(normalized(plain_name(name)))
        found = self._by_name.get(path.name) or self._by_name.get(unquote(path.name))
        if not found:
            found = self._by_name.get(f"{path.stem}\0", [])
        if len(found) < 2:
            return found
        ends = [_common_end(path.parts, PurePosixPath(normalized(member)).parts) for member in found]
        best = [member for member, end in zip(found, ends, strict=True) if end == max(ends)]
        exact = [member for member in best if member == str(path)]
        return exact or best

    def _list(self) -> None:
        names: dict[str, list[str]] = defaultdict(list)
        for member in self._source.names():
            path = PurePosixPath(normalized(member))
            if path.suffix.lower() in _SUFFIXES:
                names[path.name].append(member)
                names[f"{path.stem}\0"].append(member)
        self._by_name = names

    def header(self, members: Sequence[str]) -> Header | None:
        """Return the header of an image that is the only one found, None if that cannot be had."""
        if len(members) != 1:
            return None
        try:
            with self._source.open(members[0]) as stream:
                return read_header(stream, self._source.place(members[0]))
        except (ReadError, OSError):  # no image to take a size from
            return None


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count
