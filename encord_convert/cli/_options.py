"""``-r key=value`` and ``-w key=value``."""

from __future__ import annotations

from encord_convert.errors import OptionError


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
