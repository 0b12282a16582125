"""Default colours of objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from encord_convert.sdk.objects.constants import AVAILABLE_COLORS


class Coloured:
    """Remembers an object's default colour; None if it was chosen."""

    color: str
    _default_color: str | None = None

    def has_default_color(self) -> bool:
        """Return whether the colour is the default."""
        return self._default_color == self.color


def keep_defaults(objects: Iterable[Coloured], before: Iterable[Coloured]) -> None:
    """Mark colours of objects made from others as defaults, where they were."""
    chosen: dict[str, bool] = {}
    for item in before:
        chosen[item.color] = chosen.get(item.color, False) or not item.has_default_color()
    for object_ in objects:
        if not chosen.get(object_.color, True):
            object_._default_color = object_.color


def next_color(objects: Sequence[Any]) -> str:
    """Return the default colour after the last object's; the first if there is none, or its colour is not a default."""
    if not objects or objects[-1].color not in AVAILABLE_COLORS:
        return AVAILABLE_COLORS[0]
    return AVAILABLE_COLORS[(AVAILABLE_COLORS.index(objects[-1].color) + 1) % len(AVAILABLE_COLORS)]
