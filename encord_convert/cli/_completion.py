"""What a shell offers for the word being typed: formats, and the options of the format that is meant.

The shell asks for each word, so that nothing here reads a file further than recognising it takes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from encord_convert.errors import OptionError

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from encord_convert.formats._api import Format


def readable(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the formats that can be read."""
    return _named(incomplete, lambda format_: format_.importer is not None)


def writable(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the formats that can be written."""
    return _named(incomplete, lambda format_: format_.exporter is not None)


def known(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer all formats."""
    return _named(incomplete, lambda format_: True)


def reading(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the reading options of the format of ``--from``, else of that of the source."""
    from encord_convert.formats._files import source_at
    from encord_convert.formats._registry import detect, format_named

    given = context.params
    with contextlib.suppress(Exception):  # whatever is wrong with a source, it is not for completion to say
        name = given.get("from_") or given.get("from_a")
        if name:
            return _keys(format_named(name).importer, incomplete)
        for word in _typed():
            if os.path.exists(word):
                with source_at(word) as source:
                    return _keys(detect(source).importer, incomplete)
    return []


def writing(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the writing options of the format of ``--to``, of the trainer, else of that the suffix belongs to."""
    from encord_convert.conversion import format_for
    from encord_convert.formats._registry import format_named

    given = context.params
    with contextlib.suppress(Exception):
        if given.get("target"):
            from encord_convert.training import target_named

            return _keys(target_named(given["target"], task=given.get("task")).exporter, incomplete)
        if given.get("to"):
            return _keys(format_named(given["to"]).exporter, incomplete)
        for word in reversed(_typed()):
            with contextlib.suppress(OptionError):
                return _keys(format_for(word).exporter, incomplete)
    return []


def _typed() -> list[str]:
    """Return the words after the command that are not options: click parses none while an option lacks its value."""
    from click.shell_completion import split_arg_string

    words = split_arg_string(os.environ.get("COMP_WORDS", ""))
    return [word for word in words[2:] if not word.startswith("-")]


def _named(incomplete: str, is_wanted: Any) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from encord_convert.formats._registry import formats

    found: Iterable[Format] = filter(is_wanted, formats().values())
    return [CompletionItem(one.name, help=one.title) for one in found if one.name.startswith(incomplete)]


def _keys(end: Any, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from encord_convert.formats._api import option_rows

    rows = option_rows(end.options)
    return [CompletionItem(f"{row[0]}=", help=row[3]) for row in rows if row[0].startswith(incomplete)]
