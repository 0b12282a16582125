"""Whoever hands out a label row may watch it: it is told before the row, or anything in it, changes.

A row and its instances refer to the row by one weak reference. Of a row that is watched, that reference is a
:class:`Watch`. Rows that nobody watches pay for the comparison of two classes.
"""

from __future__ import annotations

from typing import Any
from weakref import ref


class Watch(ref[Any]):
    """A weak reference to a row that is told what happens to it."""

    __slots__ = ()

    def touched(self, instance: Any = None) -> None:
        """Take note that the row is about to change; ``instance`` is what changes, None the row itself."""
        raise NotImplementedError

    def shown(self, value: Any, instance: Any = None) -> None:
        """Take note that the caller gets a list or a dictionary that belongs to the row and can change it unseen."""
        raise NotImplementedError
