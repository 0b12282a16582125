"""The options of reading LabelMe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of reading."""

    groups: Literal["auto", "attribute"] = field(
        default="auto",
        metadata={
            "help": "auto: polygons of one label and group are one object, a rectangle and points a skeleton; "
            "attribute: the number is an answer to group_id."
        },
    )
