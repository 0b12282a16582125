"""Guards against an output that replaces its own source."""

from __future__ import annotations

import os
from collections.abc import Iterable

from encord_convert.errors import WriteError


def refuse_source(dst: str | os.PathLike[str], sources: Iterable[str], *, is_earlier: bool = False) -> None:
    """Raise if an output is a source, contains one, or exists as part of one.

    ``is_earlier``: the existing output is an earlier result, and no part of a source around it.

    Raises
    ------
    WriteError
    """
    target = os.path.realpath(dst)
    for source in sources:
        real = os.path.realpath(source)
        if real == target:
            fault = "it is the source"
        elif _holds(target, real):
            fault = f"the source {source} lies in it"
        elif not is_earlier and _holds(real, target) and stands(target):
            fault = f"it is a part of the source {source}"
        else:
            continue
        raise WriteError(f"{os.fspath(dst)}: not written, since {fault}. Name another place.")


def _holds(folder: str, path: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def stands(path: str) -> bool:
    """Return whether anything exists there."""
    try:
        if os.path.isdir(path):
            with os.scandir(path) as entries:
                return next(entries, None) is not None
        return os.path.getsize(path) > 0
    except OSError:
        return os.path.lexists(path)
