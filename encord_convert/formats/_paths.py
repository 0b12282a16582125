"""Paths of what a format writes: each given once, on systems that do not tell case apart too."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from encord_convert.hub.class_names import first_free


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
