"""Keeps the garbage collector from looking at what has no cycles while it is being made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Pause the collector, if it runs.

    Label rows and their JSON hold no cycles. Made in bulk they would set off pass after pass over everything alive,
    which is half the time of reading a large row.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
