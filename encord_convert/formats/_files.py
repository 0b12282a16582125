"""Where formats read from and write to.

A :class:`Source` is a file, a folder, a ZIP archive, standard input or memory: named members, opened one at a time. A
:class:`Target` is a file or a folder that appears whole or not at all: everything is written next to it under a
temporary name, and :meth:`Target.commit` renames.

No name leads out of its folder: every member name goes through :func:`name_fault`. The module is long because all code
that opens or creates a file under an untrusted name is here.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, BinaryIO, TextIO

from encord_convert.errors import ReadError, WriteError, missing
from encord_convert.locks import Room, remove_folder

if TYPE_CHECKING:
    import zipfile

HEAD_BYTES = 65_536
MAX_MEMBERS = 2_000_000
MAX_MEMBER_BYTES = 64 << 30
MAX_RATIO = 100
"""Largest ratio of inflated to stored bytes, above a slack for small repetitive members."""
RATIO_SLACK_BYTES = 32 << 20

_PAGE_BYTES, _MORE_BYTES = 4096, 1 << 20
"""Bytes of the first read of a file, and of later ones."""

_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


def name_fault(name: str) -> str | None:
    """Return what makes ``name`` unsafe as a path below a folder, or None.

    >>> name_fault("images/cam 1/a.jpg") is None
    True
    >>> name_fault("../a.jpg")
    'leaves its folder'
    """
    if not name or "\0" in name:
        return "is empty" if not name else "holds a NUL character"
    plain = name.replace("\\", "/")
    if plain.startswith("/"):
        return "is absolute"
    parts = plain.split("/")
    if len(parts[0]) == 2 and parts[0][1] == ":":
        return "names a drive"
    if ".." in parts:
        return "leaves its folder"
    if any(part.split(".", 1)[0].lower() in _RESERVED for part in parts):
        return _IS_RESERVED
    return None


_IS_RESERVED = "is reserved by Windows"


def join_within(root: Path, name: str) -> Path:
    """Return the path of ``name`` below ``root``.

    Raises
    ------
    ValueError
        The name, or a link on its way, leads out of ``root``.
    """
    fault = name_fault(name)
    if fault:
        raise ValueError(f"the name {name!r} {fault}")
    path = root / name
    if _has_link(root, name) and not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"the name {name!r} leads through a link out of {root}")
    return path


def _has_link(root: Path, name: str) -> bool:
    """Return whether there may be a link on the way from a folder to a name below it."""
    at = os.fspath(root)
    for part in name.split("/"):
        at = f"{at}/{part}"
        if os.path.islink(at):
            return True
    return os.name == "nt"  # a junction is a link that is not reported as one


class Source(ABC):
    """Named members, opened one at a time; ``name`` is what messages call the source.

    ``root`` is its file, folder or archive on disk, if any.
    """

    name: str
    root: Path | None = None

    @abstractmethod
    def names(self, suffix: str = "", depth: int | None = None) -> list[str]:
        """Return member names ending in ``suffix`` (lower case), sorted; ``depth`` 1 is the top folder alone."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a member for reading, from its start."""

    def size(self, name: str) -> int | None:
        """Return a member's size in bytes, if known without reading it."""
        return None

    def place(self, name: str) -> str:
        """Return how messages name a member."""
        return f"{self.name}/{name}"

    def path(self, name: str) -> Path | None:
        """Return the path of a member that is a file, so that another process can open it."""
        return None

    def head(self, name: str, size: int = HEAD_BYTES) -> bytes:
        """Return the first bytes of a member, at most ``size``."""
        with self.open(name) as stream:
            if size <= _MORE_BYTES:
                return stream.read(size)
            parts, left = [], size
            while left and (part := stream.read(min(left, _MORE_BYTES))):
                parts.append(part)
                left -= len(part)
            return b"".join(parts)

    def heads(self, names: Iterable[str], size: int) -> Iterator[bytes]:
        """Yield the first bytes of each of many members, all of which :meth:`names` has listed."""
        for name in names:
            yield self.head(name, size)

    def close(self) -> None:
        """Release open files."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _selected(name: str, suffix: str, depth: int | None) -> bool:
    return name.lower().endswith(suffix) and (depth is None or name.count("/") < depth)


class FileSource(Source):
    """One file; its only member is itself."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self._path = self.root = path
        self.name = name or str(path)

    def names(self, suffix: str = "", depth: int | None = None) -> list[str]:
        """Return the file's own name, whatever its suffix: the user named it."""
        return [self._path.name]

    def open(self, name: str) -> BinaryIO:
        """Open the file."""
        return _opened(self._path, self.name)

    def size(self, name: str) -> int | None:
        """Return the file's size."""
        return self._path.stat().st_size

    def place(self, name: str) -> str:
        """Return the path as it was given."""
        return self.name

    def path(self, name: str) -> Path | None:
        """Return the file."""
        return self._path


class _Listed:
    """Sorted member names, indexed by suffix and depth."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._deepest = max(
            (folder.count("/") for folder in {name[: name.rfind("/") + 1] for name in names}), default=0
        )
        by_ending: dict[str, list[str]] = {}
        for name in names:
            by_ending.setdefault(name[name.rfind(".") + 1 :], []).append(name)
        self._by_ending: dict[str, list[str]] = {}
        for ending, some in by_ending.items():
            known = self._by_ending.setdefault(ending.lower(), some)
            if known is not some:
                known += some
                known.sort()

    def names(self, suffix: str, depth: int | None) -> list[str]:
        """Return what :meth:`Source.names` does."""
        _, point, ending = suffix.rpartition(".")
        some = self._by_ending.get(ending, []) if point else self._names
        if (not suffix or suffix == f".{ending}") and (depth is None or self._deepest < depth):
            return list(some)
        return [name for name in some if _selected(name, suffix, depth)]


class FolderSource(Source):
    """A folder. Links are not followed out of it."""

    def __init__(self, root: Path) -> None:
        self._root = self.root = root
        self.name = str(root)
        self._all: _Listed | None = None

    def names(self, suffix: str = "", depth: int | None = None) -> list[str]:
        """Walk the folder once, without hidden files; detection asks for the names many times."""
        if self._all is not None:
            return self._all.names(suffix, depth)
        listed = self._walked(depth)
        return [name for name in listed if _selected(name, suffix, depth)]

    def _walked(self, depth: int | None) -> list[str]:
        found: list[str] = []
        waiting, is_whole = [""], True
        while waiting:
            prefix = waiting.pop()
            try:
                with os.scandir(self._root / prefix) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            continue
                        name = prefix + entry.name
                        if entry.is_dir(follow_symlinks=False):
                            if depth is None or name.count("/") < depth - 1:
                                waiting.append(name + "/")
                            else:
                                is_whole = False
                        elif entry.is_file():  # a pipe would block for ever
                            found.append(name)
            except OSError as error:
                raise ReadError(self.place(prefix), f"cannot be read ({error.strerror}).") from error
        found.sort()
        if is_whole:
            self._all = _Listed(found)
        return found

    def open(self, name: str) -> BinaryIO:
        """Open a member below the folder."""
        try:
            path = join_within(self._root, name)
        except ValueError as error:
            raise ReadError(self.name, f"{error}.") from error
        return _opened(path, self.place(name))

    def heads(self, names: Iterable[str], size: int) -> Iterator[bytes]:
        """Yield the first bytes of each member; folders are resolved once, and links left to :meth:`open`."""
        if os.open not in os.supports_dir_fd:
            yield from super().heads(names, size)
            return
        folder, handle = "", -1
        try:
            for name in names:
                above, _, last = name.rpartition("/")
                if handle < 0 or above != folder:
                    if handle >= 0:
                        os.close(handle)
                        handle = -1
                    folder, handle = (
                        above,
                        os.open(join_within(self._root, above) if above else self._root, os.O_RDONLY),
                    )
                try:
                    file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=handle)
                except OSError:
                    yield self.head(name, size)
                    continue
                try:
                    data = os.read(file, min(size, _PAGE_BYTES))
                    while _PAGE_BYTES <= len(data) < size and (
                        more := os.read(file, min(size - len(data), _MORE_BYTES))
                    ):
                        data += more
                finally:
                    os.close(file)
                yield data
        except (OSError, ValueError) as error:
            raise ReadError(self.place(folder), f"cannot be read ({error}).") from error
        finally:
            if handle >= 0:
                os.close(handle)

    def size(self, name: str) -> int | None:
        """Return the member's size."""
        return (self._root / name).stat().st_size

    def path(self, name: str) -> Path | None:
        """Return the member's path."""
        return join_within(self._root, name)


class ZipSource(Source):
    """A ZIP archive, read without unpacking it anywhere.

    The archive is refused if any member name leads out of it, is a link, or if there are too many. A member is refused
    if it inflates beyond :data:`MAX_RATIO` times its stored size, is encrypted, or occurs twice.
    """

    def __init__(self, path: Path | BinaryIO, name: str | None = None) -> None:
        self._path = path
        self.root = path if isinstance(path, Path) else None
        self.name = name or str(path)
        import zipfile  # with all its codecs: a third of the time it takes to load this module

        self._broken = zipfile.BadZipFile
        try:
            self._zip = zipfile.ZipFile(path)
        except (self._broken, OSError, ValueError, NotImplementedError) as error:
            raise ReadError(self.name, f"not a readable ZIP archive ({error}).", advice="Was it cut short?") from error
        members = [info for info in self._zip.infolist() if not info.filename.endswith("/")]
        self._members = {info.filename: info for info in members}
        self._twice = {name for name, count in Counter(info.filename for info in members).items() if count > 1}
        try:
            self._check()
        except ReadError:
            self._zip.close()
            raise

    def _check(self) -> None:
        if len(self._members) > MAX_MEMBERS:
            raise ReadError(self.name, f"has {len(self._members)} members; at most {MAX_MEMBERS} are read.")
        for name, info in self._members.items():
            fault = name_fault(name)
            if fault and fault != _IS_RESERVED:  # nothing is unpacked here
                raise ReadError(self.name, f"the member {name!r} {fault}.", advice="The archive is refused.")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise ReadError(self.name, f"the member {name!r} is a link.", advice="The archive is refused.")

    def names(self, suffix: str = "", depth: int | None = None) -> list[str]:
        """Return the members' names."""
        return sorted(name for name in self._members if _selected(name, suffix, depth))

    def open(self, name: str) -> BinaryIO:
        """Open a member as a stream that limits how far it inflates."""
        info = self._members.get(name)
        if info is None:
            raise ReadError(self.name, f"has no member {name!r}.")
        if name in self._twice:
            fact = "the archive holds two members of this name."
            raise ReadError(self.place(name), fact, advice="Pack it again with only the right one.")
        if info.flag_bits & _ENCRYPTED:
            raise ReadError(self.place(name), "is encrypted.", advice="Pack it again without a password.")
        if info.file_size > _most_inflated(info):
            raise _bomb(self.place(name))
        try:
            stream = self._zip.open(info)
        except (RuntimeError, NotImplementedError, self._broken, OSError, ValueError) as error:
            fact = f"cannot be unpacked ({error})."
            raise ReadError(self.place(name), fact, advice="Was the archive cut short?") from error
        return io.BufferedReader(_Inflating(stream, info, self.place(name), self._broken), 1 << 18)

    def size(self, name: str) -> int | None:
        """Return the size the archive declares."""
        return self._members[name].file_size

    def place(self, name: str) -> str:
        """Return ``archive.zip!member``."""
        return f"{self.name}!{name}"

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()


_ENCRYPTED = 1
"""Flag bit of an encrypted member (PKWARE APPNOTE 6.3.10, 4.4.4)."""


def _most_inflated(info: zipfile.ZipInfo) -> int:
    return min(MAX_MEMBER_BYTES, info.compress_size * MAX_RATIO + RATIO_SLACK_BYTES)


def _bomb(place: str) -> ReadError:
    fact = f"inflates to more than {MAX_RATIO} times its stored size."
    return ReadError(place, fact, advice="The archive is refused.")


class _Inflating(io.RawIOBase):
    """A ZIP member that raises once it inflates out of proportion to its stored size."""

    def __init__(self, stream: IO[bytes], info: zipfile.ZipInfo, place: str, broken: type[Exception]) -> None:
        super().__init__()
        self._stream = stream
        self._left = _most_inflated(info)
        self._place = place
        self._broken = broken

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._stream.read(len(buffer))
        except (self._broken, EOFError, OSError, zlib.error) as error:
            raise ReadError(self._place, f"the archive is damaged here ({error}).") from error
        self._left -= len(data)
        if self._left < 0:
            raise _bomb(self._place)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


class MemorySource(Source):
    """Members that are bytes."""

    def __init__(self, members: Mapping[str, bytes], name: str = "memory") -> None:
        self._members = dict(members)
        self.name = name

    def names(self, suffix: str = "", depth: int | None = None) -> list[str]:
        """Return the members' names."""
        return sorted(name for name in self._members if _selected(name, suffix, depth))

    def open(self, name: str) -> BinaryIO:
        """Open a member."""
        return io.BytesIO(self._members[name])

    def size(self, name: str) -> int | None:
        """Return the member's size."""
        return len(self._members[name])


class _SpooledFile(FileSource):
    """Standard input, spooled to a temporary file so that it can be read twice."""

    def close(self) -> None:
        self._path.unlink(missing_ok=True)


class _SpooledZip(ZipSource):
    """Standard input that is a ZIP archive."""

    def close(self) -> None:
        super().close()
        assert isinstance(self._path, Path)
        self._path.unlink(missing_ok=True)


def spooled(stream: BinaryIO) -> Source:
    """Return standard input as a source: a file or a ZIP archive, read from a temporary file that closing removes."""
    import shutil
    import tempfile

    name = "standard input"
    handle, file = tempfile.mkstemp(prefix="encord-convert-")
    path = Path(file)
    try:
        with os.fdopen(handle, "wb") as spool:
            shutil.copyfileobj(stream, spool, 1 << 20)
        return (_SpooledZip if _is_zip(path, name) else _SpooledFile)(path, name)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise ReadError(name, f"cannot be read ({error.strerror}).") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _is_zip(path: Path, name: str) -> bool:
    with _opened(path, name) as stream:
        return stream.read(4) in (b"PK\3\4", b"PK\5\6")


def _opened(path: Path, place: str) -> BinaryIO:
    try:
        return path.open("rb", buffering=1 << 18)
    except OSError as error:
        raise ReadError(place, f"cannot be read ({error.strerror}).") from error


def source_at(path: str | os.PathLike[str]) -> Source:
    """Return the source at a path; ``-`` is standard input.

    Raises
    ------
    ReadError
        Nothing is there, it is neither a file nor a folder, or the archive is broken.
    """
    text = os.fspath(path)
    if text == "-":
        if sys.stdin is None:
            raise ReadError("standard input", "is closed.")
        return spooled(sys.stdin.buffer)
    if not text:
        raise ReadError("''", "is not a path.", advice="Name a file or folder; . is the current folder.")
    place = Path(text)
    try:
        if place.is_dir():
            return FolderSource(place)
        if place.is_symlink() and not place.exists():
            raise ReadError(text, f"is a link that leads nowhere ({os.readlink(place)}).")
        if not place.exists():
            raise missing(text)
        if not place.is_file():
            raise ReadError(text, "is neither a file nor a folder.")
    except ValueError as error:
        raise ReadError(repr(text), f"is not a path ({error}).") from error
    except OSError as error:
        raise ReadError(text, f"cannot be read ({error.strerror}).") from error
    return ZipSource(place) if _is_zip(place, text) else FileSource(place)


class Target:
    """A file or folder that appears whole or not at all.

    As a context manager: a normal exit commits, an exception discards.

    Parameters
    ----------
    path : path
        A file if it ends in one of ``suffixes``, else a folder.
    suffixes : tuple of str
        The suffixes the format writes, lower case.
    clear : bool
        Remove whatever else is in the folder, which is an earlier result.
    """

    clear = False

    def __init__(self, path: str | os.PathLike[str], suffixes: tuple[str, ...] = (), *, clear: bool = False) -> None:
        self.clear = clear
        self.path = Path(path)
        self.is_file = self.path.suffix.lower() in suffixes and not self.path.is_dir()
        self.name = str(self.path)
        self._staging: Path | None = None
        self._room: Room | None = None
        self._made: list[Path] = []
        self._names: list[str] = []
        self._adopted: list[str] = []
        self._folders: set[Path] = set()

    def _stage(self) -> Path:
        if self._staging is None:
            if self.path.exists() and not self.is_file and not self.path.is_dir():
                raise WriteError(f"{self.path}: is a file, and the target is a folder. Name another target.")
            final = Path(os.path.realpath(self.path))
            try:
                self._make(final.parent)
                self._room = Room(final.parent, f".{final.name[:50]}.partial-")
                self._staging = self._room.path
            except OSError as error:
                self._unmake()
                raise WriteError(f"{self.path}: cannot be written ({error.strerror}).") from error
        return self._staging

    def _make(self, folder: Path) -> None:
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            folder.mkdir()
            self._made.append(folder)

    def _unmake(self) -> None:
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def open(self, name: str) -> BinaryIO:
        """Open a file of the target for writing; ``name`` is ignored if the target is a single file."""
        path = self.scratch(name)
        self._names.append(path.name if self.is_file else name)
        return path.open("wb", buffering=1 << 20)

    def scratch(self, name: str) -> Path:
        """Return a path next to the files being written; it is removed unless :meth:`open` named it."""
        staging = self._stage()
        path = staging / self.path.name if self.is_file and name != "scratch" else join_within(staging, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def adopt(self, name: str) -> Path:
        """Return the path at which to put a link or copy that becomes ``name`` of the target.

        Unlike files from :meth:`open` it is not synced to disk: for a million images that takes hours.
        """
        fault = name_fault(name)
        if fault:
            raise ValueError(f"the name {name!r} {fault}")
        path = self._stage() / name
        if path.parent not in self._folders:  # stat calls dominate for a million names
            self._folders.add(self.scratch(name).parent)
        self._adopted.append(name)
        return path

    def take(self, names: Iterable[str]) -> None:
        """Take files that another process wrote where :meth:`scratch` has their names."""
        self._names += names

    def written(self) -> list[str]:
        """Return the names of the files written."""
        return sorted(self._names)

    def commit(self) -> None:
        """Move everything into place."""
        if self._staging is None:
            return
        try:
            sync_all([self._staging / name for name in self._names])
            self._publish(self._staging)
        except OSError as error:
            self.discard()
            raise WriteError(f"{self.path}: cannot be written ({error.strerror}).") from error
        self._staging = None
        if self._room is not None:
            self._room.leave()

    def _publish(self, staging: Path) -> None:
        keep = {*self._names, *self._adopted}
        for path in [p for p in staging.rglob("*") if p.is_file() and p.relative_to(staging).as_posix() not in keep]:
            path.unlink()
        final = Path(os.path.realpath(self.path))
        if self.is_file:
            os.replace(staging / self.path.name, final)
        elif self._named(staging, final):
            return
        elif _is_around_us(final) or staging.absolute().is_relative_to(final):
            # A caller whose working directory this is must not end up in a deleted folder.
            self._replace_one_by_one(staging, final, keep)
        else:
            self._swap(staging, final, keep)
        remove_folder(staging)

    def _named(self, staging: Path, final: Path) -> bool:
        """Rename the staging folder if the name is free; return whether it was. Another worker may run the same job."""
        if final.exists():
            return False
        staging.chmod(0o777 & ~_umask())
        try:
            staging.rename(final)
        except OSError:
            if not final.exists():
                raise
            return False
        return True

    def _swap(self, staging: Path, final: Path, keep: set[str]) -> None:
        """Replace the folder atomically by what was written, keeping its other files."""
        import shutil

        if not self.clear:
            for folder, _, names in os.walk(final):
                below = Path(folder).relative_to(final)
                (staging / below).mkdir(exist_ok=True)
                for name in names:
                    if (below / name).as_posix() not in keep:
                        _link(Path(folder, name), staging / below / name)
        shutil.copymode(final, staging)
        try:
            exchange(staging, final)
        except OSError:  # a mounted folder, say
            self._replace_one_by_one(staging, final, keep)

    def _replace_one_by_one(self, staging: Path, final: Path, keep: set[str]) -> None:
        for name in keep:
            (final / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(staging / name, final / name)
        if self.clear:
            _remove_all_but(final, {final / name for name in keep})

    def discard(self) -> None:
        """Remove everything written."""
        if self._staging is not None:
            remove_folder(self._staging)
            self._staging = None
            if self._room is not None:
                self._room.leave()
            self._unmake()

    def __enter__(self) -> Target:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()
            if isinstance(error, OSError) and not isinstance(error, WriteError):
                raise WriteError(f"{self.path}: cannot be written ({error.strerror}).") from error


class MemoryTarget(Target):
    """A target in memory; ``files`` holds what was written once it is committed."""

    def __init__(self) -> None:
        super().__init__("memory")
        self.files: dict[str, bytes] = {}

    def _stage(self) -> Path:
        if self._staging is None:
            import tempfile

            self._staging = Path(tempfile.mkdtemp(prefix="encord-convert-"))
        return self._staging

    def commit(self) -> None:
        """Publish the files."""
        names = (*self._names, *self._adopted)
        self.files = {name: (self._stage() / name).read_bytes() for name in names}
        self.discard()


def _is_around_us(folder: Path) -> bool:
    try:
        return Path.cwd().is_relative_to(folder)
    except OSError:  # the current folder is gone
        return False


def _link(path: Path, other: Path) -> None:
    """Hard-link a file, or copy it where that is impossible."""
    try:
        os.link(path, other, follow_symlinks=False)
    except OSError:
        import shutil

        shutil.copy2(path, other, follow_symlinks=False)


def _remove_all_but(root: Path, kept: set[Path]) -> None:
    for folder, folders, names in os.walk(root, topdown=False):
        for name in names:
            if Path(folder, name) not in kept:
                os.unlink(Path(folder, name))
        for name in folders:
            with contextlib.suppress(OSError):  # it has files, or is a link
                os.rmdir(Path(folder, name))


_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def exchange(one: Path, other: Path) -> None:
    """Swap the names of two folders: atomically where the kernel can (Linux), else in two steps."""
    import ctypes

    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if renameat2 is not None and not renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE
    ):
        return
    aside = one.with_name(f"{one.name}-old")
    other.rename(aside)
    try:
        one.rename(other)
    except OSError:
        aside.rename(other)
        raise
    aside.rename(one)


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], what: str) -> Iterator[TextIO]:
    """Open a text file that appears whole or not at all; a pipe or device is written to directly.

    Half of a surrogate pair, of a file name that is not UTF-8, is escaped as JSON escapes it.

    Raises
    ------
    WriteError
        It cannot be written; ``what`` names it in the message.
    """
    final = Path(path)
    try:
        if final.exists() and not final.is_file():
            with final.open("w", encoding="utf-8", errors="backslashreplace") as stream:
                yield stream
            return
        real = Path(os.path.realpath(final))
        draft = real.with_name(f".{real.name[:50]}.{os.getpid()}.part")
        try:
            with draft.open("w", encoding="utf-8", errors="backslashreplace") as stream:
                yield stream
            draft.replace(real)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WriteError(f"{path}: {what} cannot be written ({error.strerror}).") from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def sync(path: Path) -> None:
    """Sync a file to disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_all(paths: Sequence[Path]) -> None:
    """Force files to disk, many at a time: a file system that is asked at once writes them together."""
    if len(paths) < _MANY_FILES:
        for path in paths:
            sync(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:
        for _ in pool.map(sync, paths):
            pass


_MANY_FILES, _SYNCED_AT_ONCE = 16, 8
