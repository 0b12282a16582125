"""DOTA's label files, which Roboflow writes for rotated boxes: corners in pixels, a class by its name, a difficulty.

The page of the format is :mod:`encord_convert.formats.yolo.page`.

Source
------
DOTA v1.0, "Annotation format": ``x1 y1 x2 y2 x3 y3 x4 y4 category difficult``, two lines ``imagesource:`` and ``gsd:``
before the first object.
"""

from __future__ import annotations

import re

FOLDER = "labelTxt"
"""The folder such files are in."""

_HEAD = re.compile(rb"\s*(imagesource|gsd)\s*:")
_CORNERS = 8


class Dota:
    """Writes rows of DOTA as rows of numbers, in pixels.

    Parameters
    ----------
    names : dict of int to str
        Of classes by their numbers; those that are met and are not in it are added.

    Attributes
    ----------
    difficult, heads : int
        How many rows are called difficult, and lines that are not of objects.
    """

    def __init__(self, names: dict[int, str]) -> None:
        self.difficult = 0
        self.heads = 0
        self._names = names
        self._numbers = {name: number for number, name in names.items()}

    def rows(self, text: bytes, *, is_first: bool) -> bytes:
        """Return the rows of a file; a line that is not one stays as it is. What is met is counted ``is_first``."""
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
        """Return the number of a class, whose name may have spaces; a difficulty may stand behind it."""
        if len(words) > 1 and words[-1].isdigit():
            self.difficult += is_first and words[-1] != b"0"
            words = words[:-1]
        name = b" ".join(words).decode("utf-8", "replace")
        if name not in self._numbers:
            self._numbers[name] = max(self._names, default=-1) + 1
            self._names[self._numbers[name]] = name
        return self._numbers[name]
