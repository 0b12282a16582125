"""Private data registered in place: only in folders and buckets that the operator allowed.

An address must be below a root given when the service was started. The service makes no other connections for a caller:
no HTTP, no redirects, no internal network. Every user may register data below every root.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit
from uuid import NAMESPACE_URL, uuid4, uuid5

import fsspec

from encord_convert.errors import MissingDependencyError, ReadError
from encord_convert.formats._files import name_fault
from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError

LONGEST_URL = 16384
"""Characters of an address; as the documented limit."""


class Root:
    """A folder, or a bucket with perhaps a prefix.

    Parameters
    ----------
    spelled : str
        A path, or ``s3://bucket/prefix``.

    Raises
    ------
    ReadError
        There is no such folder.
    """

    def __init__(self, spelled: str) -> None:
        if spelled.startswith("s3://"):
            self.url = spelled.rstrip("/")
            self._folder = None
        elif "://" in spelled and not spelled.startswith("file://"):
            raise ReadError(spelled, "is not a place for private data; use a folder or s3://BUCKET.")
        else:
            path = unquote(urlsplit(spelled).path) if spelled.startswith("file://") else spelled
            self._folder = Path(path).resolve()
            if not self._folder.is_dir():
                raise ReadError(path, "is not a folder.")
            self.url = "file://" + quote(str(self._folder))
        self.hash = str(uuid5(NAMESPACE_URL, self.url))
        """Hash of the integration for this root; stable for the same root."""
        self._system: Any = None

    def has(self, url: str) -> bool:
        """Return whether an address is below this root, without file access."""
        with suppress(ValueError, InvalidArgumentsError):
            self._place(url)
            return True
        return False

    def open(self, url: str) -> IO[bytes]:
        """Open a file.

        Raises
        ------
        ResourceNotFoundError
            There is none, or it may not be read.
        """
        try:
            stream: IO[bytes] = self._fs().open(self._place(url), "rb")
        except OSError as error:
            raise ResourceNotFoundError(f"{url}: there is no such file.") from error
        return stream

    def size(self, url: str) -> int:
        """Return the bytes of a file."""
        try:
            return int(self._fs().info(self._place(url))["size"])
        except OSError as error:
            raise ResourceNotFoundError(f"{url}: there is no such file.") from error

    def exists(self, url: str) -> bool:
        """Return whether there is a file at an address."""
        return bool(self._fs().exists(self._place(url)))

    def put(self, url: str, file: Path) -> None:
        """Create a file at a new address atomically.

        Raises
        ------
        FileExistsError
            There is one.
        """
        place = self._place(url)
        if self._folder is None:
            self._fs().put_file(str(file), place, mode="create")
            return
        folder = Path(place).parent
        temporary = folder / f".{uuid4()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as source, temporary.open("xb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
            os.link(temporary, place)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise InvalidArgumentsError(f"{url[:256]}…: the file system takes no name that long.") from error
        finally:
            with suppress(OSError):
                temporary.unlink()

    def remove(self, url: str) -> None:
        """Delete what :meth:`put` created."""
        with suppress(FileNotFoundError):
            self._fs().rm_file(self._place(url))

    def _fs(self) -> Any:
        if self._system is None:
            try:
                self._system = fsspec.filesystem("file" if self._folder else "s3")
            except ImportError as error:
                raise MissingDependencyError("Data in S3 needs s3fs: pip install 'encord-convert[s3]'.") from error
        return self._system

    def _place(self, url: str) -> str:
        """Return the path, or the bucket and key, of an address below this root."""
        if self._folder is None:
            if not url.startswith(self.url + "/") or ".." in PurePosixPath(url).parts or "\0" in url:
                raise _outside(url)
            return url.removeprefix("s3://")
        parts = urlsplit(url)
        path = Path(unquote(parts.path))
        if parts.scheme != "file" or parts.netloc not in ("", "localhost") or parts.query or ".." in path.parts:
            raise _outside(url)
        # Links are resolved before the check, so that none leads out.
        resolved = path.resolve()
        if not resolved.is_relative_to(self._folder):
            raise _outside(url)
        return str(resolved)


class Clouds:
    """The roots of a service.

    Parameters
    ----------
    roots : iterable of str
        See :class:`Root`.
    """

    def __init__(self, roots: Iterable[str] = ()) -> None:
        self.roots = {root.hash: root for root in map(Root, roots)}

    def root(self, integration: object, url: object) -> Root:
        """Return the root of an address.

        Parameters
        ----------
        integration : object
            Its hash, as it came.
        url : object
            As it came.

        Raises
        ------
        ResourceNotFoundError
            There is no such integration.
        InvalidArgumentsError
            The address is invalid, or elsewhere.
        """
        root = self.integration(integration)
        if not isinstance(url, str) or len(url) > LONGEST_URL:
            raise InvalidArgumentsError(f"An address is a text of at most {LONGEST_URL} characters.")
        if not root.has(url):
            raise _outside(url)
        return root

    def integration(self, hash_: object) -> Root:
        """Return the root of an integration.

        Raises
        ------
        ResourceNotFoundError
            There is none.
        """
        root = self.roots.get(hash_) if isinstance(hash_, str) else None
        if root is None:
            raise ResourceNotFoundError(
                f"There is no cloud integration {str(hash_)[:64]}. A service has one for each folder or bucket it was "
                "started with: encord-convert serve --private-data DIR."
            )
        return root


def _outside(url: str) -> InvalidArgumentsError:
    return InvalidArgumentsError(f"{url[:256]}: is not below the folder or bucket of this integration.")


def name_of(url: str) -> str:
    """Return the name of a file from its address.

    >>> name_of("file:///data/a%20b.png")
    'a b.png'
    """
    last = url.rpartition("/")[2]
    return last if url.startswith("s3://") else unquote(last)


def beside(root: Root, url: str, name: str, folder: str | None = None) -> str:
    """Return the address of a file next to another, or in a folder below the same root.

    Raises
    ------
    InvalidArgumentsError
        The folder leads out.

    >>> beside(Root("s3://bucket"), "s3://bucket/a/b.dcm", "c.dcm")
    's3://bucket/a/c.dcm'
    >>> beside(Root("s3://bucket"), "s3://bucket/a/b.dcm", "c.dcm", "out/")
    's3://bucket/out/c.dcm'
    """
    is_s3 = root.url.startswith("s3://")
    above = url.rpartition("/")[0]
    if folder is not None:
        parts = folder.strip("/").split("/") if folder.strip("/") else []
        if any(name_fault(part) for part in parts):
            raise InvalidArgumentsError(f"upload_dir {folder[:256]!r} does not stay below the root of the integration.")
        above = "/".join([root.url, *(parts if is_s3 else map(quote, parts))])
    return f"{above}/{name if is_s3 else quote(name)}"
