"""Nothing that this tool did not write is replaced by accident.

What stands at the place of an output is ours if it is, to the last file, size and time, what a command wrote there. A
small file among the user's state says so for each place (``$XDG_STATE_HOME/encord-convert/outputs``). Anything else
that is not empty needs ``--overwrite``; a source is never replaced.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from encord_convert.errors import OptionError, WriteError


@contextlib.contextmanager
def guarded(dst: str, src: str | None, *, overwrite: bool) -> Iterator[bool]:
    """Refuse an output that would replace what is not ours; remember what the block wrote.

    Yields
    ------
    bool
        Whether all that is there is an earlier result, which the new one may take the place of.

    Raises
    ------
    OptionError
        ``dst`` is standard output.
    WriteError
        It is the source, holds it, or is something else that must not be replaced.
    """
    if src is not None:
        refuse_source(dst, src)
    refuse_foreign(dst, overwrite=overwrite)
    is_ours = _is_ours(dst)
    foreign = None if is_ours else _print_of(dst)
    yield is_ours
    if foreign is None or _print_of(dst) != foreign:  # the block may have written nothing
        _remember(dst)


def refuse_source(dst: str, src: str) -> None:
    """Refuse an output that is the source, or a folder the source is in."""
    source, target = os.path.realpath(src), os.path.realpath(dst)
    if source == target:
        raise WriteError(f"{dst}: not written, since it is the source. Name another place.")
    if source.startswith(target.rstrip(os.sep) + os.sep):
        raise WriteError(f"{dst}: not written, since the source {src} lies in it. Name another place.")


def refuse_foreign(dst: str, *, overwrite: bool) -> None:
    """Refuse an output where something is that is not ours."""
    if dst == "-":
        raise OptionError("DST is -, but labels are not written to standard output. Name a file or folder.")
    if os.path.exists(dst) and not (os.path.isfile(dst) or os.path.isdir(dst)):
        raise WriteError(f"{dst}: not written, since it is neither a file nor a folder. Name another place.")
    if not overwrite and _stands(dst) and not _is_ours(dst):
        what = "a folder with files" if os.path.isdir(dst) else "a file"
        raise WriteError(
            f"{dst}: not written, since {what} that encord-convert did not write, or that changed since, is there. "
            "--overwrite replaces it."
        )


def _stands(path: str) -> bool:
    """Tell whether there is anything to lose."""
    try:
        if os.path.isdir(path):
            with os.scandir(path) as entries:
                return next(entries, None) is not None
        return os.path.getsize(path) > 0
    except OSError:
        return os.path.lexists(path)


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
