"""DOTA label files, which Roboflow writes for rotated boxes: corners in pixels, class name, difficulty.

Source
------
DOTA v1.0, "Annotation format": ``x1 y1 x2 y2 x3 y3 x4 y4 category difficult``, two lines ``imagesource:`` and ``gsd:``
before the first object.
"""

from __future__ import annotations

import re

FOLDER = "labelTxt"
"""Folder of such files."""

_HEAD = re.compile(rb"\s*(imagesource|gsd)\s*:")
_CORNERS = 8


class Dota:
    """Converts DOTA rows to YOLO rows, in pixels.

    Parameters
    ----------
    names : dict of int to str
        Class names by number; new ones are added.

    Attributes
    ----------
    difficult, heads : int
        Number of rows marked difficult, and of header lines.
    """

    def __init__(self, names: dict[int, str]) -> None:
        self.difficult = 0
        self.heads = 0
        self._names = names
        self._numbers = {name: number for number, name in names.items()}

    def rows(self, text: bytes, *, is_first: bool) -> bytes:
        """Return the rows of a file; other lines stay unchanged. Counts are kept if ``is_first``."""
        lines = []
        for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            words = line.split()
            if _HEAD.match(line):
                self.heads += is_first
                lines.append(b"")
            elif len(words) > _CORNERS:
                lines.append(b" ".join([b"%d" % self._number(words[_CORNERS:], is_first), *words[:_CORNERS]]))
            else:
                lines.append(line)
        return b"\n".join(lines)

    def _number(self, words: list[bytes], is_first: bool) -> int:
        """Return the number of a class, whose name may have spaces and be followed by a difficulty."""
        if len(words) > 1 and words[-1].isdigit():
            self.difficult += is_first and words[-1] != b"0"
            words = words[:-1]
        name = b" ".join(words).decode("utf-8", "replace")
        if name not in self._numbers:
            self._numbers[name] = max(self._names, default=-1) + 1
            self._names[self._numbers[name]] = name
        return self._numbers[name]
