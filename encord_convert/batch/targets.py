"""Targets of a batch: written now, made to last and shown together with others.

Forcing a file to disk costs ten milliseconds, of many files little more than of one: a task writes all its targets
into the staging folder, forces them to disk, and only then gives them their names.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from encord_convert.batch import locations as places
from encord_convert.errors import WriteError
from encord_convert.formats._files import Target, sync_all

Stamp = tuple[str, int, int]
"""A file of an output: its name below the target, its size in bytes, its time of change in ns (0 if remote)."""


class StagedTarget(Target):
    """A local target that appears when it is told to, and not when its writer is done."""

    def __init__(self, place: str, suffixes: tuple[str, ...], *, folder: str, staging: str) -> None:
        super().__init__(os.path.join(folder, place), suffixes)
        self.name = place
        self._folder = staging

    def _stage(self) -> Path:
        if self._staging is None:
            if not self.is_file and self.path.exists() and not self.path.is_dir():
                raise WriteError(f"{self.name}: is a file, and the target is a folder. Name another target.")
            self._staging = Path(tempfile.mkdtemp(dir=self._folder))
        return self._staging

    def commit(self) -> None:
        """Leave everything where it is, ready."""

    def force(self) -> None:
        """Force what was written to disk."""
        try:
            sync_all([self._stage() / name for name in self._names])
        except OSError as error:
            raise WriteError(f"{self.name}: cannot be written ({error.strerror}).") from error

    def publish(self) -> None:
        """Give everything its name, for readers and for ever once :func:`force_folders` was called."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._staging is not None:
                self._publish(self._staging)
                self._staging = None
        except OSError as error:
            self.discard()
            raise WriteError(f"{self.name}: cannot be written ({error.strerror}).") from error

    def folders(self) -> set[Path]:
        """Return the folders in which names were given."""
        return {self.path.parent, *((self._final(name)).parent for name in (*self._names, *self._adopted))}

    def stamps(self) -> list[Stamp]:
        """Return what to know the output by."""
        return [stamp(self._final(name), name) for name in sorted((*self._names, *self._adopted))]

    def _final(self, name: str) -> Path:
        return self.path if self.is_file else self.path / name


class SentTarget(StagedTarget):
    """A target below a URI."""

    def __init__(self, place: str, suffixes: tuple[str, ...], *, staging: str) -> None:
        super().__init__(place.rpartition("/")[2], suffixes, folder=staging, staging=staging)
        self.name = place

    def force(self) -> None:
        """Do nothing: it does not stay on this disk."""

    def publish(self) -> None:
        """Send every file that is not there; stop at the first that is, with other bytes."""
        for name in sorted((*self._names, *self._adopted)):
            places.send(self._stage() / name, self.name if self.is_file else f"{self.name}/{name}")

    def folders(self) -> set[Path]:
        """Return none."""
        return set()

    def stamps(self) -> list[Stamp]:
        """Return names and sizes."""
        names = sorted((*self._names, *self._adopted))
        return [(name, (self._stage() / name).stat().st_size, 0) for name in names]


def stamp(path: Path, name: str) -> Stamp:
    """Return the stamp of a local file."""
    stats = path.stat()
    return name, stats.st_size, stats.st_mtime_ns


def is_intact(place: str, folder: str, stamps: list[Stamp]) -> bool:
    """Tell whether an output is still as it was written."""
    if places.is_remote(place):
        system, root = places.remote(place)
        names = {path: info["size"] for path, info in system.find(root, detail=True).items()}
        return all(size in (names.get(f"{root}/{name}"), names.get(root)) for name, size, _ in stamps)
    path = Path(folder, place)
    try:
        return all(stamp(path / one[0] if path.is_dir() else path, one[0]) == tuple(one) for one in stamps)
    except OSError:
        return False


def force_folders(folders: set[Path]) -> None:
    """Force the names in folders to disk, where the system lets a folder be opened."""
    for folder in folders if os.name != "nt" else ():
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
