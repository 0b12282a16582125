"""What a page says of the command that wrote it: its words, its version, how long it took."""

from __future__ import annotations

import re
import shlex
import time

import click

from encord_convert.batch.plan import own_version
from encord_convert.cli import PROGRAM, Invocation

_SECRET = re.compile(r"(?<=://)[^/@\s]+@|(?<=\?)\S+")
"""Of a URI: who may, and how it was signed."""


def command_line() -> str:
    """Return the command as it was called, without what is secret in its URIs."""
    called = _called()
    return "" if called is None else shlex.join([PROGRAM, *map(without_secrets, called.arguments)])


def without_secrets(word: str) -> str:
    """Return a word of a command without what a URI says of who may read it.

    >>> without_secrets("https://me:pass@host/a.json?sig=abc")
    'https://…host/a.json?…'
    """
    return _SECRET.sub("…", word)


def facts() -> list[tuple[str, object]]:
    """Return version and duration so far, as the head of a page has them."""
    called = _called()
    return [
        (PROGRAM, own_version()),
        *([] if called is None else [("duration", duration_in_words(time.monotonic() - called.started))]),
    ]


def duration_in_words(seconds: float) -> str:
    """Return a duration as a person reads it.

    >>> [duration_in_words(seconds) for seconds in (0.04, 12.34, 754)]
    ['0.0 s', '12.3 s', '12 min 34 s']
    """
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _called() -> Invocation | None:
    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_root().obj
    return found if isinstance(found, Invocation) else None
