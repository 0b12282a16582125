"""Images of a push in a bucket, or anywhere else fsspec reaches."""

from __future__ import annotations

from typing import Any, BinaryIO

from encord_convert.errors import MissingDependencyError, OptionError, ReadError
from encord_convert.formats._files import Source


class RemoteFolder(Source):
    """All files below a URI: ``s3://bucket/folder``.

    Names and sizes are listed once, on opening.

    Raises
    ------
    MissingDependencyError
        The package for the scheme is not installed.
    OptionError
        The scheme is unknown.
    ReadError
        It cannot be listed, or is empty.
    """

    def __init__(self, uri: str) -> None:
        import fsspec

        self.name = uri.rstrip("/")
        scheme = uri.partition("://")[0]
        try:
            self._system, self._root = fsspec.core.url_to_fs(self.name)
            found: dict[str, Any] = self._system.find(self._root, detail=True)
        except ImportError as error:
            raise MissingDependencyError(
                f"{uri}: {scheme}:// needs a package that is not installed: {error}."
            ) from error
        except ValueError as error:
            raise OptionError(f"{uri}: {scheme}:// is not a known scheme.") from error
        except OSError as error:
            raise ReadError(uri, f"cannot be listed ({error}).") from error
        self._sizes = {path[len(self._root) :].strip("/"): one.get("size") for path, one in found.items()}
        if not self._sizes:
            raise ReadError(uri, "there is nothing there.")

    def names(self, suffix: str = "", depth: int | None = None) -> list[str]:
        """Return the names below the URI."""
        return sorted(
            name for name in self._sizes if name.lower().endswith(suffix) and (depth is None or name.count("/") < depth)
        )

    def open(self, name: str) -> BinaryIO:
        """Open a member for reading."""
        stream: BinaryIO = self._system.open(f"{self._root}/{name}", "rb")
        return stream

    def size(self, name: str) -> int | None:
        """Return the size of a member in bytes."""
        return self._sizes.get(name)
