"""The options of reading and writing Pascal VOC."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

UNWRITABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML cannot hold."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of reading."""

    coordinates: Literal["auto", "voc", "continuous"] = field(
        default="auto",
        metadata={
            "help": "voc: corners are one-based pixel indexes, both included; continuous: coordinates; "
            "auto: decided from the source."
        },
    )


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of writing."""

    coordinates: Literal["auto", "voc", "continuous"] = field(
        default="auto",
        metadata={"help": "As for reading; auto: as in a VOC source, else voc, as the official devkit defines."},
    )
