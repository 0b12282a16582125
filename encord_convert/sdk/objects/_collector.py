"""Keeps the garbage collector from looking at what has no cycles while it is being made."""

from __future__ import annotations

import gc


class paused:
    """Pause the collector, if it runs.

    Label rows and their JSON hold no cycles. Made in bulk they would set off pass after pass over everything alive,
    which is half the time of reading a large row.
    """

    __slots__ = ("_was_enabled",)

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_enabled:
            gc.enable()
