"""The colours objects get when nobody chooses one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from encord_convert.sdk.objects.constants import AVAILABLE_COLORS


def next_color(objects: Sequence[Any]) -> str:
    """Return the colour after that of the last object; the first if there is none, or its colour is none of these."""
    if not objects or objects[-1].color not in AVAILABLE_COLORS:
        return AVAILABLE_COLORS[0]
    return AVAILABLE_COLORS[(AVAILABLE_COLORS.index(objects[-1].color) + 1) % len(AVAILABLE_COLORS)]
