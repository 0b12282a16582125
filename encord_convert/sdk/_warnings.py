"""Warnings of calls that have a better successor, once each."""

from __future__ import annotations

import warnings

_said: set[str] = set()


def deprecated(name: str, successor: str, *, level: int = 3) -> None:
    """Warn once in a process that a call is deprecated.

    Parameters
    ----------
    name, successor : str
    level : int
        Of the stack, for the place that is blamed; 3 is the caller of the deprecated call.
    """
    if name not in _said:
        _said.add(name)
        warnings.warn(f"{name} is deprecated; use {successor}.", DeprecationWarning, stacklevel=level)
