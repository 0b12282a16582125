"""Paths of what a format writes: each given once, on systems that do not tell case apart too."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b

from encord_convert.formats._files import name_fault
from encord_convert.formats.coco.write_images import split_suffix
from encord_convert.hub.class_names import first_free
from encord_convert.hub.media import SUFFIXES


class Paths:
    """Gives paths that no other has.

    It remembers 64 bits of each, so that a million take little memory.
    """

    def __init__(self) -> None:
        self._taken: set[bytes] = set()
        self._folders: set[bytes] = set()
        self._stems: set[bytes] = set()
        self.clashes = 0

    def folder(self, path: str) -> str:
        """Return ``path``, or with `` (2)``, `` (3)``, … the first that was not given."""
        return self._first(path, "", by_stem=False)

    def file(self, path: str, suffix: str, *, by_stem: bool = False) -> str:
        """Return the path of a file without its suffix.

        Where a file has the name already, in whatever case, or a folder has, a number follows it; where a file has the
        name of one of its folders, a number follows that. With ``by_stem`` no two differ in their suffixes alone.

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
"""Halves of characters, but those that stand for bytes in the names of files."""


_LONGEST_BYTES, _LONGEST_SUFFIX = 200, 20


def shortened(name: str) -> str:
    """Return the name of a file, or one that every disk takes instead of one that is too long; its ending stays.

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
    r"""Return a name that stays below any folder on every system, ``/`` between folders, and is text.

    >>> safe_name("../C:\\cam 1\\a?.jpg"), safe_name("/nul/a.jpg"), safe_name("images/a.jpg"), safe_name("a.png/1.png")
    ('C_/cam 1/a_.jpg', '_nul/a.jpg', '_images/a.jpg', 'a.png_/1.png')
    """
    plain = "".join(
        "_" if char in '<>:"|?*' or char < " " or _NO_TEXT.match(char) else char for char in name.replace("\\", "/")
    )
    parts = [part.rstrip(" .") for part in plain.split("/")]
    # Ultralytics finds labels by the last folder "images" of a path.
    # Files whose names begin with a point are passed over by readers.
    is_odd = {part for part in parts if part and (part[0] == "." or part == "images" or name_fault(part))}
    parts = [f"_{part}" if part in is_odd else part for part in parts if part] or ["_"]
    # Training code that lists images by their endings takes a folder of such a name for one.
    folders = [f"{part}_" if split_suffix(part)[1].lower() in SUFFIXES else part for part in parts[:-1]]
    return "/".join(map(shortened, [*folders, parts[-1]]))
