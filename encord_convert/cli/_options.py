"""``-r key=value``, ``-w key=value`` and ``--mapping``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from encord_convert.cli._completion import readable, reading, writable, writing
from encord_convert.errors import OptionError

F = TypeVar("F", bound=Callable[..., Any])

mapping_option = click.option(
    "--mapping", metavar="FILE", help="YAML file: classes and attributes to rename, merge, drop, redraw or split."
)

read_option = click.option(
    "-r", "read_options", multiple=True, metavar="KEY=VALUE", shell_complete=reading,
    help="An option of reading; repeatable.",
)  # fmt: skip
write_option = click.option(
    "-w", "write_options", multiple=True, metavar="KEY=VALUE", shell_complete=writing,
    help="An option of writing; repeatable.",
)  # fmt: skip
to_option = click.option(
    "--to", metavar="FORMAT", shell_complete=writable,
    help="Format to write; by default the one DST's suffix belongs to.",
)  # fmt: skip


def from_option(what: str) -> Callable[[F], F]:
    """Add --from to a command that reads ``what``."""
    help_ = f"Format of {what}; recognised by default."
    return click.option("--from", "from_", metavar="FORMAT", shell_complete=readable, help=help_)


overwrite_option = click.option(
    "--overwrite", is_flag=True, help="Replace what is there, also if another program wrote it."
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")


def strict_options(help_: str) -> Callable[[F], F]:
    """Add --strict, which ``help_`` explains, and --allow to a command."""
    strict = click.option("--strict", is_flag=True, help=help_)
    allow = click.option(
        "--allow", multiple=True, metavar="CODE[,CODE]", help="With --strict: losses that are no reason; repeatable."
    )
    return lambda command: strict(allow(command))


def allowed(codes: tuple[str, ...], *, strict: bool) -> tuple[str, ...]:
    """Return the codes of --allow.

    Raises
    ------
    OptionError
        ``--strict`` was not given.
    """
    if codes and not strict:
        raise OptionError("--allow goes with --strict, which was not given.")
    return tuple(one.strip() for text in codes for one in text.split(",") if one.strip())


NO_OPTIONS = frozenset({"format", "jobs", "labels", "path", "report", "strict"})
"""Names of parameters of reading and writing, which no option of a format has."""


def options_from(pairs: tuple[str, ...], flag: str) -> dict[str, str]:
    """Return the options as names to texts.

    Raises
    ------
    OptionError
        A pair has no ``=``.
    """
    options = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise OptionError(f"{flag} {pair}: expected KEY=VALUE, as in {flag} decimals=2.")
        if name in NO_OPTIONS:
            raise OptionError(
                f"{flag} {pair}: no format has an option {name!r}. `encord-convert formats NAME` lists them."
            )
        options[name] = value
    return options
