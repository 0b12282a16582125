"""Values the label model falls back on."""

from __future__ import annotations

from typing import Final

__all__ = [
    "AVAILABLE_COLORS",
    "DATETIME_LONG_STRING_FORMAT",
    "DEFAULT_CONFIDENCE",
    "DEFAULT_MANUAL_ANNOTATION",
]

DEFAULT_CONFIDENCE: Final = 1.0
"""Confidence of a label that names none."""
DEFAULT_MANUAL_ANNOTATION: Final = True
"""Whether a label that does not say so was made by a person."""
DATETIME_LONG_STRING_FORMAT: Final = "%a, %d %b %Y %H:%M:%S %Z"
"""How label rows write times, in English."""

AVAILABLE_COLORS: Final = (
    "#D33115",
    "#E27300",
    "#16406C",
    "#FE9200",
    "#FCDC00",
    "#DBDF00",
    "#A4DD00",
    "#68CCCA",
    "#73D8FF",
    "#AEA1FF",
    "#FCC400",
    "#B0BC00",
    "#68BC00",
    "#16A5A5",
    "#009CE0",
    "#7B64FF",
    "#FA28FF",
    "#B3B3B3",
    "#9F0500",
    "#C45100",
    "#FB9E00",
    "#808900",
    "#194D33",
    "#0C797D",
    "#0062B1",
    "#653294",
    "#AB149E",
)
"""The palette objects take their colours from, in the order it is walked."""
