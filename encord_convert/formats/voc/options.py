"""The options of reading and writing Pascal VOC."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

UNWRITABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML has no place for."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How corners are read."""

    coordinates: Literal["auto", "voc", "continuous"] = field(
        default="auto",
        metadata={
            "help": "voc: corners are numbers of pixels from 1, both included; continuous: places on the plane; "
            "auto: what the source shows."
        },
    )


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How corners are written."""

    coordinates: Literal["auto", "voc", "continuous"] = field(
        default="auto",
        metadata={"help": "As for reading; auto: as a VOC source has them, else voc, as the official devkit defines."},
    )
