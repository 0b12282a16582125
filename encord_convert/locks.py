"""Locks between processes: the kernel's, so that a process that is killed holds none.

A file is locked by whoever has it open; the lock is gone with the last process that does. Folders can be locked too,
except on Windows, which has no such lock: there nobody sweeps what another may be at.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from encord_convert.errors import ConflictError, WriteError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_held: ContextVar[frozenset[str]] = ContextVar("held", default=frozenset())


@contextlib.contextmanager
def locked(path: str | os.PathLike[str], refusal: str) -> Iterator[None]:
    """Hold the lock of a path for a block: a file beside it, which goes with the block. Whoever has it may ask again.

    Raises
    ------
    ConflictError
        Another process or thread has it; says ``refusal``.
    WriteError
        No file can be made there.
    """
    file = Path(os.path.realpath(path) + ".lock")
    if str(file) in _held.get():
        yield
        return
    handle = _locked_file(file, refusal)
    token = _held.set(_held.get() | {str(file)})
    try:
        yield
    finally:
        _held.reset(token)
        with contextlib.suppress(OSError):
            file.unlink()  # while it is ours: whoever waits for this file sees that it is no longer the one of the name
        os.close(handle)


def _locked_file(file: Path, refusal: str) -> int:
    while True:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise WriteError(f"{file}: cannot be written ({error.strerror}).") from error
        if not _lock(handle):
            os.close(handle)
            raise ConflictError(refusal)
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(handle), os.stat(file)):
                return handle
        os.close(handle)  # whoever had it removed it meanwhile


def _lock(handle: int) -> bool:
    """Lock an open file or folder, if nobody else has."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True


class Room:
    """A folder for what is being written, which others leave alone for as long as its process lives.

    Parameters
    ----------
    parent : Path
        There already.
    prefix : str
        What its name begins with; folders of the name that processes left which were killed are removed first.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        _sweep(parent, prefix)
        while True:
            self.path = parent / f"{prefix}{os.urandom(6).hex()}"
            self.path.mkdir(0o700)
            self._handle = _locked_folder(self.path)
            if self._handle is None or self.path.exists():
                return
            self.leave()  # another took it for a leftover before it was ours

    def leave(self) -> None:
        """Let others have it, whatever it is called by now."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def remove(self) -> None:
        """Remove it with all that is in it."""
        remove_folder(self.path)
        self.leave()


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Remove a folder with all that is in it, as far as that can be."""
    import shutil  # with all its codecs: what goes well removes nothing

    shutil.rmtree(path, ignore_errors=True)


def _locked_folder(folder: Path) -> int | None:
    """Open and lock a folder; None if another has, or folders have no locks here."""
    if fcntl is None:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    if not _lock(handle):
        os.close(handle)
        return None
    return handle


def _sweep(parent: Path, prefix: str) -> None:
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.is_dir(follow_symlinks=False):
                handle = _locked_folder(Path(entry.path))
                if handle is not None:
                    remove_folder(entry.path)
                    os.close(handle)
