"""Nothing that this tool did not write is replaced by accident.

What stands at the place of an output is ours if it is, to the last file, size and time, what a command wrote there. A
small file among the user's state says so for each place (``$XDG_STATE_HOME/encord-convert/outputs``). Anything else
that is not empty needs ``--overwrite``; a source is never replaced.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from encord_convert.conversion import refuse_source, stands
from encord_convert.errors import OptionError, WriteError


@contextlib.contextmanager
def guarded(dst: str, sources: Iterable[str], *, overwrite: bool, what: str = "labels") -> Iterator[bool]:
    """Refuse an output that would replace what is not ours; remember what the block wrote.

    Parameters
    ----------
    dst : str
        File or folder; what is neither, such as a pipe, takes no labels, but any other output.
    sources : iterable of str
        What it is made of, which is never replaced.
    what : str
        What is written there; all but labels are one file.

    Yields
    ------
    bool
        Whether all that is there is an earlier result, which the new one may take the place of.

    Raises
    ------
    OptionError
        ``dst`` is standard output.
    WriteError
        It is a source, holds it or is a part of it, is something else that must not be replaced, or cannot be written.
    """
    is_file = what != "labels"
    if is_file and dst != "-":
        _check_file(dst, what)
        if os.path.exists(dst) and not os.path.isfile(dst):
            yield False
            return
    is_earlier, place = _is_ours(dst), os.path.realpath(dst)
    refuse_source(dst, (one for one in sources if one != "-"), is_earlier=is_earlier)
    refuse_foreign(dst, overwrite=overwrite, what=what)
    if place in _under_way:
        raise OptionError(f"{dst}: the {what} would replace what else is written there. Name another place.")
    before = _stamp(dst)
    _under_way.add(place)
    try:
        yield is_earlier
    except BaseException:  # a report is also written of what was refused
        if is_file and before != _stamp(dst):
            _remember(dst)
        raise
    finally:
        _under_way.remove(place)
    if is_earlier or before != _stamp(dst):  # the block may have written nothing
        _remember(dst)


_under_way: set[str] = set()
"""Places of the outputs that are being made."""


def refuse_foreign(dst: str, *, overwrite: bool, what: str = "labels") -> None:
    """Refuse an output where something is that is not ours."""
    if dst == "-":
        verb = "are" if what in ("labels", "events") else "is"
        kind = "file or folder" if what == "labels" else "file"
        name = "DST is -, but" if what == "labels" else "-: the"
        raise OptionError(f"{name} {what} {verb} not written to standard output. Name a {kind}.")
    if os.path.exists(dst) and not (os.path.isfile(dst) or os.path.isdir(dst)):
        raise WriteError(f"{dst}: not written, since it is neither a file nor a folder. Name another place.")
    if not overwrite and stands(dst) and not _is_ours(dst):
        there = "a folder with files" if os.path.isdir(dst) else "a file"
        raise WriteError(
            f"{dst}: not written, since {there} that encord-convert did not write, or that changed since, is there. "
            "--overwrite replaces it."
        )


def _check_file(file: str, what: str) -> None:
    path = Path(file)
    folder = path.absolute().parent
    if path.is_dir():
        fault = "it is a folder"
    elif not folder.is_dir():
        fault = f"there is no folder {path.parent}"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        fault = "Permission denied"
    else:
        return
    raise WriteError(f"{file}: the {what} cannot be written ({fault}).")


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        stats = os.stat(path)
    except OSError:
        return None
    return stats.st_ino, stats.st_size, stats.st_mtime_ns


def _is_ours(path: str) -> bool:
    try:
        return _record(path).read_text() == _print_of(path)
    except OSError:
        return False


def _remember(path: str) -> None:
    record = _record(path)
    with contextlib.suppress(OSError):  # without it the next command asks for --overwrite
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(_print_of(path))


def _record(path: str) -> Path:
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    name = blake2b(os.fsencode(os.path.realpath(path)), digest_size=16).hexdigest()
    return Path(state, "encord-convert", "outputs", name)


def _print_of(path: str) -> str:
    """Return a digest of the names, sizes and times of all files; of nothing if there are none."""
    digest = blake2b(digest_size=16)
    pending = [os.path.realpath(path)]
    while pending:
        place = pending.pop()
        if not os.path.lexists(place):
            continue
        if os.path.isdir(place) and not os.path.islink(place):
            with os.scandir(place) as entries:
                pending += sorted(entry.path for entry in entries)
        else:
            stats = os.lstat(place)
            digest.update(os.fsencode(f"{place}\0{stats.st_size}\0{stats.st_mtime_ns}\n"))
    return digest.hexdigest()
