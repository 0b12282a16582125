"""What a user is told of an exception that ends a command, and with which exit code. Never a traceback.

An error that is raised on purpose is its sentence. Anything else is a fault of ours or of a plug-in: a person gets one
sentence that says so and where it is; the traceback is for whoever sets ``ENCORD_CONVERT_DEBUG``.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from types import TracebackType
from typing import Any

import click

from encord_convert.errors import BUG, ConvertError, nearest, trainer_of

DEBUG = "ENCORD_CONVERT_DEBUG"
"""Environment variable: whoever sets it gets tracebacks."""


def told(error: BaseException) -> int:
    """Say on stderr what ended a command, and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return int(error.exit_code)
    if isinstance(error, BrokenPipeError):  # whoever reads our output has enough
        _pour_away(sys.stdout, sys.stderr)
        return 0
    with contextlib.suppress(OSError):
        if os.environ.get(DEBUG):
            traceback.print_exception(error)
        click.echo(_sentence(error), err=True)
    return _code(error)


def _pour_away(*streams: Any) -> None:
    """Let what is still to be written go nowhere, so that ending complains no more."""
    for stream in streams:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _code(error: BaseException) -> int:
    if isinstance(error, click.ClickException | ConvertError):
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return 130
    return 5 if isinstance(error, OSError) and error.strerror else BUG


def _sentence(error: BaseException) -> str:
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return "Interrupted; nothing was left half-written."
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message()
    if isinstance(error, click.ClickException):
        return f"error: {_usage(error)}"
    if isinstance(error, ConvertError):
        return f"error: {error}"
    if isinstance(error, MemoryError):
        return "error: there is not enough memory for this. Convert fewer files at once, or with fewer --jobs."
    if isinstance(error, OSError) and error.strerror:
        file = _file_of(error)
        return f"error: {f'{file}: ' if file else ''}{error.strerror}."
    name, words = type(error).__name__, " ".join(str(error).split())
    where = _place(error.__traceback__)
    return (
        f"error: {name}{f': {words}' if words else ''} ({where}). This is a bug of {_owner(error.__traceback__)}. "
        f"Please report it with the traceback that {DEBUG}=1 shows."
    )


_CHOICE = re.compile(r"'([^']*)' is not one of (.*)\.")
_PLAIN = {
    "is not a valid integer range": "is not a whole number",
    "is not a valid integer": "is not a whole number",
    "is not a valid float range": "is not a number",
    "is not a valid float": "is not a number",
}
"""What click says of numbers, and what people say."""


def _usage(error: click.ClickException) -> str:
    """Return what is wrong with a command line, and where its right form stands."""
    words = error.format_message()
    for theirs, ours in _PLAIN.items():
        words = words.replace(theirs, ours)
    choice = _CHOICE.search(words)
    if choice is not None:
        known = re.findall(r"'([^']*)'", choice[2])
        trainer = trainer_of(choice[1])
        words += f" Did you mean {trainer!r}?" if trainer in known else nearest(choice[1], known)
    context = getattr(error, "ctx", None)
    words = words if words.endswith((".", "?")) else f"{words}."
    return words if context is None else f"{words} See `{context.command_path} --help`."


def _file_of(error: OSError) -> str:
    """Return what a failure of the system was about."""
    if error.filename is not None:
        return str(error.filename)
    if any(module.partition(".")[0] == "click" for module, _ in _frames(error.__traceback__)[-3:]):
        _pour_away(sys.stdout)
        return "standard output"
    return "the current folder" if not os.path.exists(os.curdir) else ""


def _frames(trace: TracebackType | None) -> list[tuple[str, int]]:
    """Return module and line of every frame, the innermost last."""
    return [(frame.f_globals.get("__name__", "?"), line) for frame, line in traceback.walk_tb(trace)]


def _place(trace: TracebackType | None) -> str:
    frames = _frames(trace) or [("?", 0)]
    return "{}, line {}".format(*frames[-1])


def _owner(trace: TracebackType | None) -> str:
    """Return whose bug it is: ours, or that of the plug-in we were calling."""
    from encord_convert.formats._registry import outside

    plugins = {address.partition(":")[0].partition(".")[0]: name for name, address in outside().items()}
    for module, _ in reversed(_frames(trace)):
        root = module.partition(".")[0]
        if root == "encord_convert":
            break
        if root in plugins:
            return f"{root}, which brings the format {plugins[root]!r}"
    return "encord-convert"
