"""Sources in object stores, read in place: members are fetched on opening, archives by ranges."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

from encord_convert.batch.locations import remote, told_as_reading
from encord_convert.errors import ReadError, missing
from encord_convert.formats._files import Source, ZipSource, name_fault

_ZIP = b"PK\x03\x04"


class StoreSource(Source):
    """A file or folder of an object store.

    Parameters
    ----------
    place : str
        Its URI.
    """

    def __init__(self, place: str) -> None:
        self.name = place
        self._system, path = remote(place)
        self._path = path.rstrip("/")
        with told_as_reading(place):
            infos: dict[str, Any] = self._system.find(self._path, detail=True)
        if not infos:
            raise missing(place)
        self._is_file = list(infos) == [self._path]
        base = self._path.rpartition("/")[0] if self._is_file else self._path
        names = {path[len(base) :].lstrip("/"): int(info.get("size") or 0) for path, info in infos.items()}
        self._sizes = {
            name: size for name, size in sorted(names.items())
            if not re.search(r"(^|/)\.", name) and name_fault(name) is None
        }  # fmt: skip
        self._base = f"{base}/" if base else ""

    def names(self, suffix: str = "", depth: int | None = None) -> list[str]:
        """Return the names below it without hidden files; for a file its own name."""
        return [
            name for name in self._sizes
            if self._is_file or (name.lower().endswith(suffix) and (depth is None or name.count("/") < depth))
        ]  # fmt: skip

    def open(self, name: str) -> BinaryIO:
        """Open a member, fetched in blocks."""
        if name not in self._sizes:
            raise ReadError(self.place(name), "does not exist.")
        with told_as_reading(self.place(name)):
            stream: BinaryIO = self._system.open(self._base + name, "rb")
        return stream

    def size(self, name: str) -> int | None:
        """Return the size from the store."""
        return self._sizes.get(name)

    def place(self, name: str) -> str:
        """Return the URI of a member."""
        return self.name if self._is_file else f"{self.name.rstrip('/')}/{name}"


def store_source(place: str) -> Source:
    """Return the source at a URI: a folder, a file, or an archive fetched by ranges.

    Raises
    ------
    ReadError
        It does not exist, or cannot be read.
    MissingDependencyError
        The package for its scheme is not installed.
    """
    source = StoreSource(place)
    names = source.names()
    if len(names) == 1 and source.head(names[0], len(_ZIP)) == _ZIP:
        return ZipSource(source.open(names[0]), place)
    return source
