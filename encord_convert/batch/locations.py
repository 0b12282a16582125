"""Where sources lie and targets go: paths, globs and URIs.

Paths are handled by the standard library; a URI (``s3://``, ``gs://``, ``az://``, …) by fsspec and the package it
names. A remote source is fetched to a temporary folder, whole, since formats read their members in any order; a remote
target is written to one and sent *create-only*: what is there is never overwritten.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from encord_convert.errors import (
    ConvertError,
    MissingDependencyError,
    OptionError,
    ReadError,
    UndetectedFormatError,
    WriteError,
    missing,
)
from encord_convert.formats._files import FolderSource, Source, source_at
from encord_convert.formats._registry import detect

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A source: its path or URI, its name without folders and suffix, and its size as far as it is known."""

    name: str
    stem: str
    size_bytes: int


def is_remote(place: str) -> bool:
    """Tell a URI from a path; ``file://`` is a path too.

    >>> is_remote("s3://bucket/a.xml"), is_remote("C://a.xml"), is_remote("file:///a.xml")
    (True, False, False)
    """
    match = _SCHEME.match(place)
    return match is not None and match[1] != "file"


def local(place: str) -> str:
    """Return the path that ``file://…`` names, and any other path as it is."""
    return place.removeprefix("file://")


def joined(out: str, name: str) -> str:
    """Return ``name`` below a folder or URI."""
    return f"{out.rstrip('/')}/{name}" if is_remote(out) else os.path.join(local(out), name)


def stem(name: str) -> str:
    """Return a source's name as that of a target: without suffix, whatever the system that wrote it.

    >>> stem("day 1/task.xml"), stem("a.tar.zip"), stem(".hidden")
    ('day 1/task', 'a.tar', '.hidden')
    """
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix else str(path)


def remote(place: str) -> tuple[Any, str]:
    """Return the file system of a URI, and what it calls the place.

    Raises
    ------
    MissingDependencyError
        The package for the scheme is not installed.
    """
    import fsspec

    scheme = place.partition("://")[0]
    try:
        system, path = fsspec.core.url_to_fs(place)
    except ImportError as error:
        extra = _EXTRAS.get(scheme, scheme)
        raise MissingDependencyError(
            f"{place}: {scheme}:// needs a package that is not installed. "
            f"Run: python -m pip install 'encord-convert[{extra}]'"
        ) from error
    except ValueError as error:
        raise OptionError(
            f"{place}: {scheme}:// is not a known scheme. Known with their packages: s3://, gs://, az://."
        ) from error
    return system, path


# -- finding ----------------------------------------------------------------------------------------------------------


def found(place: str) -> list[Found]:
    """Return the sources that a path, a glob, a folder or a URI stands for, in the order of their names.

    Raises
    ------
    ReadError
        There is none.
    """
    sources = _found_remote(place) if is_remote(place) else _found_local(local(place))
    if not sources:
        raise ReadError(place, "no file matches this." if glob.has_magic(place) else "is empty.")
    return sources


def _found_local(place: str) -> list[Found]:
    if not os.path.lexists(place) and glob.has_magic(place):
        base = place[: re.search(r"[*?[]", place).start()].rpartition("/")[0]  # type: ignore[union-attr]
        names = sorted(set(glob.glob(place, recursive=True)))
        return [_at(name, os.path.relpath(name, base or ".")) for name in names]
    if os.path.isdir(place) and not _is_one(place):
        names = sorted(name for name in os.listdir(place) if not name.startswith("."))
        return [_at(os.path.join(place, name), name) for name in names]
    if not os.path.exists(place):
        raise missing(place)
    return [_at(place, os.path.basename(os.path.abspath(place)))]


def _is_one(folder: str) -> bool:
    with source_at(folder) as source:
        try:
            detect(source)
        except UndetectedFormatError as error:
            return "could be" in error.sentence
    return True


def _at(path: str, name: str) -> Found:
    if os.path.isfile(path):
        return Found(path, stem(Path(name).as_posix()), os.stat(path).st_size)
    return Found(path, Path(name).as_posix(), _size_below(path))


def _size_below(folder: str) -> int:
    """Return the size in bytes of all files of a folder, 0 if it cannot be read."""
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                size += _size_below(entry.path)
            elif entry.is_file():
                size += entry.stat().st_size
    return size


def _found_remote(place: str) -> list[Found]:
    system, path = remote(place)
    base = path.rstrip("/").rpartition("/")[0]
    with told_as_reading(place):
        if glob.has_magic(path):
            base = path[: re.search(r"[*?[]", path).start()].rpartition("/")[0]  # type: ignore[union-attr]
            infos = sorted(system.glob(path, detail=True).items())
        else:
            infos = [(path.rstrip("/"), system.info(path))]
    named = []
    for name, info in infos:
        below = name[len(base) :].lstrip("/")
        target = below if info.get("type") == "directory" else stem(below)
        named.append(Found(system.unstrip_protocol(name), target, int(info.get("size") or 0)))
    return named


# -- reading ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def fetched(place: str, folder: str) -> Iterator[str]:
    """Give the path of a source; relative paths start at ``folder``. What is remote is fetched, and vanishes after.

    Raises
    ------
    ReadError
        It is not there, or cannot be read.
    """
    if not is_remote(place):
        yield os.path.join(folder, local(place))
        return
    with tempfile.TemporaryDirectory(prefix="encord-convert-") as room:
        yield _fetched(place, room)


def opened(path: str, place: str) -> Source:
    """Open the source at a path, to be called ``place``.

    Raises
    ------
    ReadError
        It is not there, or a broken archive.
    """
    try:
        source = source_at(path)
    except ReadError as error:
        raise ReadError(place, error.sentence.removeprefix(f"{path}: ")) from error
    source.name = place
    return source


def _fetched(place: str, folder: str) -> str:
    system, path = remote(place)
    aim = os.path.join(folder, path.rstrip("/").rpartition("/")[2])
    with told_as_reading(place):
        system.get(path.rstrip("/"), aim, recursive=bool(system.isdir(path)))
    return aim


@contextlib.contextmanager
def told_as_reading(place: str) -> Iterator[None]:
    """Tell whatever a store raises as that a place cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise missing(place) from error
    except OSError as error:
        raise ReadError(place, f"cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # each store has errors of its own, of credentials for one
        raise ReadError(place, f"cannot be read ({type(error).__name__}: {error}).") from error


def content_hash(path: str, place: str) -> str:
    """Return the sha256 of a file's bytes, or of the names, sizes and bytes of a folder's files.

    Raises
    ------
    ReadError
        Something cannot be read.
    """
    digest = hashlib.sha256()
    is_folder = os.path.isdir(path)
    try:
        for name in FolderSource(Path(path)).names() if is_folder else [""]:
            file = os.path.join(path, name) if is_folder else path
            if is_folder:
                digest.update(f"{name}\0{os.path.getsize(file)}\0".encode())
            with open(file, "rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
    except FileNotFoundError as error:
        raise missing(place) from error
    except OSError as error:
        raise ReadError(place, f"cannot be read ({error.strerror}).") from error
    return digest.hexdigest()


# -- writing ----------------------------------------------------------------------------------------------------------


def send(path: Path, place: str) -> None:
    """Put a file where a URI says, if nothing is there; what is there already and equal is left.

    Stores keep others from writing in between if they can (of S3, MinIO, SeaweedFS, Ceph and AWS do). What is there is
    looked at all the same: some heed no condition, and equal bytes need not be sent twice.

    Raises
    ------
    WriteError
        Something else is there, or the place cannot be written.
    """
    system, name = remote(place)
    try:
        if not _is_there(system, name):
            try:
                _create(system, path, name, place)
                return
            except OSError:  # they tell in different words that somebody was faster
                if not _is_there(system, name):
                    raise
        if not _is_equal(path, system, name):
            raise WriteError(f"{place}: something else is there already; it is not overwritten.")
    except OSError as error:
        raise WriteError(f"{place}: cannot be written ({error.strerror or error}).") from error
    except ConvertError:
        raise
    except Exception as error:  # see `told_as_reading`
        raise WriteError(f"{place}: cannot be written ({type(error).__name__}: {error}).") from error


def _create(system: Any, path: Path, name: str, place: str) -> None:
    is_azure = _EXTRAS.get(place.partition("://")[0]) == "azure"
    system.put_file(str(path), name, **({"overwrite": False} if is_azure else {"mode": "create"}))


def _is_there(system: Any, name: str) -> bool:
    system.invalidate_cache(name.rpartition("/")[0])
    return bool(system.exists(name))


def _is_equal(path: Path, system: Any, name: str) -> bool:
    if system.info(name)["size"] != path.stat().st_size:
        return False
    with path.open("rb") as mine, system.open(name, "rb") as theirs:
        while block := mine.read(_BLOCK):
            if theirs.read(len(block)) != block:
                return False
    return True
