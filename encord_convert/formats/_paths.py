"""Unique output paths, also on case-insensitive systems."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b

from encord_convert.formats._files import name_fault
from encord_convert.formats.coco.write_images import split_suffix
from encord_convert.hub.class_names import first_free
from encord_convert.hub.media import SUFFIXES


class Paths:
    """Hands out unique paths.

    Stores 64 bits per path, so that a million take little memory.
    """

    def __init__(self) -> None:
        self._taken: set[bytes] = set()
        self._folders: set[bytes] = set()
        self._stems: set[bytes] = set()
        self.clashes = 0

    def folder(self, path: str) -> str:
        """Return ``path``, or the first of ``path (2)``, ``path (3)``, … not handed out yet."""
        return self._first(path, "", by_stem=False)

    def file(self, path: str, suffix: str, *, by_stem: bool = False) -> str:
        """Return the path of a file without its suffix.

        A number is appended if a file or folder of that name exists, ignoring case, and to a folder if a file has its
        name. With ``by_stem`` no two paths differ only in their suffix.

        >>> paths = Paths()
        >>> [paths.file(path, ".png") for path in ("a", "A", "a.png/1", "b.png/1", "b")]
        ['a', 'A (2)', 'a.png (2)/1', 'b.png/1', 'b (2)']
        """
        *folders, last = path.split("/")
        above = ""
        for folder in folders:
            own = self._free(above + folder, self._is_file)[len(above) :]
            self._folders.add(_code(above + own))
            above += own + "/"
        return self._first(above + last, suffix, by_stem=by_stem)

    @staticmethod
    def meet(parts: Sequence[Paths]) -> bool:
        """Tell whether a path that one of several gave, or a folder of it, would have made another give a number."""
        taken, folders = set[bytes](), set[bytes]()
        for part in parts:
            if part._taken & taken or part._taken & folders or part._folders & taken:
                return True
            taken |= part._taken
            folders |= part._folders
        return False

    def _first(self, path: str, suffix: str, *, by_stem: bool) -> str:
        found = self._free(path, lambda path: self._is_taken(path, suffix, by_stem=by_stem))
        self._taken.add(_code(found + suffix))
        if by_stem:
            self._stems.add(_code(found))
        self.clashes += found != path
        return found

    def _free(self, path: str, is_taken: Callable[[str], bool]) -> str:
        if not is_taken(path):
            return path
        return f"{path} ({first_free(lambda number: is_taken(f'{path} ({number})'))})"

    def _is_file(self, path: str) -> bool:
        return _code(path) in self._taken

    def _is_taken(self, path: str, suffix: str, *, by_stem: bool) -> bool:
        code = _code(path + suffix)
        return (
            code in self._taken or (bool(suffix) and code in self._folders) or (by_stem and _code(path) in self._stems)
        )


def _code(path: str) -> bytes:
    return blake2b(path.casefold().encode("utf-8", "surrogatepass"), digest_size=8).digest()


_NO_TEXT = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates, except those that stand for bytes in file names."""


_LONGEST_BYTES, _LONGEST_SUFFIX = 200, 20


def shortened(name: str) -> str:
    """Return a file name, shortened if too long for some disks, keeping its suffix.

    >>> shortened("a.png"), shortened("x" * 300 + ".png")[175:]
    ('a.png', 'xxxx~861cfb3f15efbc23.png')
    """
    data = name.encode("utf-8", "surrogatepass")
    if len(data) <= _LONGEST_BYTES:
        return name
    suffix = split_suffix(name)[1].encode("utf-8", "surrogatepass")
    suffix = suffix if len(suffix) <= _LONGEST_SUFFIX else b""
    code = f"~{blake2b(data, digest_size=8).hexdigest()}".encode()
    kept = data[: _LONGEST_BYTES - len(code) - len(suffix)].decode("utf-8", "ignore")
    return kept + (code + suffix).decode("utf-8", "surrogatepass")


def safe_name(name: str) -> str:
    r"""Return a relative path that is safe on every system, ``/`` between folders, and valid Unicode.

    >>> safe_name("../C:\\cam 1\\a?.jpg"), safe_name("/nul/a.jpg"), safe_name("images/a.jpg"), safe_name("a.png/1.png")
    ('C_/cam 1/a_.jpg', '_nul/a.jpg', '_images/a.jpg', 'a.png_/1.png')
    """
    plain = "".join(
        "_" if char in '<>:"|?*' or char < " " or _NO_TEXT.match(char) else char for char in name.replace("\\", "/")
    )
    parts = [part.rstrip(" .") for part in plain.split("/")]
    # Ultralytics derives label paths from the last folder "images" of a path.
    # Readers skip files whose names begin with a dot.
    is_odd = {part for part in parts if part and (part[0] == "." or part == "images" or name_fault(part))}
    parts = [f"_{part}" if part in is_odd else part for part in parts if part] or ["_"]
    # Training code that lists images by suffix would take a folder of such a name for one.
    folders = [f"{part}_" if split_suffix(part)[1].lower() in SUFFIXES else part for part in parts[:-1]]
    return "/".join(map(shortened, [*folders, parts[-1]]))
