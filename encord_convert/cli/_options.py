"""``-r key=value``, ``-w key=value`` and ``--mapping``."""

from __future__ import annotations

import click

from encord_convert.errors import OptionError

mapping_option = click.option(
    "--mapping", metavar="FILE", help="YAML file: classes and attributes to rename, merge, drop, redraw or split."
)


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
        options[name] = value
    return options
