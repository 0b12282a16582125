"""The colours objects get when nobody chooses one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from encord_convert.sdk.objects.constants import AVAILABLE_COLORS


class Coloured:
    """Remembers the colour an object got because nobody chose one; None if somebody did."""

    color: str
    _default_color: str | None = None

    def has_default_color(self) -> bool:
        """Return whether nobody chose the colour."""
        return self._default_color == self.color


def keep_defaults(objects: Iterable[Coloured], before: Iterable[Coloured]) -> None:
    """Remember of objects made from others which colours nobody chose."""
    chosen: dict[str, bool] = {}
    for item in before:
        chosen[item.color] = chosen.get(item.color, False) or not item.has_default_color()
    for object_ in objects:
        if not chosen.get(object_.color, True):
            object_._default_color = object_.color


def next_color(objects: Sequence[Any]) -> str:
    """Return the colour after that of the last object; the first if there is none, or its colour is none of these."""
    if not objects or objects[-1].color not in AVAILABLE_COLORS:
        return AVAILABLE_COLORS[0]
    return AVAILABLE_COLORS[(AVAILABLE_COLORS.index(objects[-1].color) + 1) % len(AVAILABLE_COLORS)]
