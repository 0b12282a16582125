"""The options of reading and writing YOLO files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from encord_convert.formats._sizes import px_of

FAMILY = "yolo"
"""Format name of native data."""

Task = Literal["detect", "segment", "obb", "pose", "classify"]


def _option(default: Any, help_: str) -> Any:
    return field(default=default, metadata={"help": help_})


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read YOLO files."""

    task: Literal["auto", "detect", "segment", "obb", "pose", "classify"] = _option(
        "auto", "What the rows are; auto: as data.yaml says, else inferred from all rows."
    )
    size: str | None = _option(
        None, "WIDTHxHEIGHT of images that are missing and not in sizes.csv: rows are relative to it."
    )
    units: Literal["shares", "pixels"] = _option("shares", "Units of the numbers: relative to the image, or pixels.")
    bridges: Literal["keep", "split"] = _option(
        "keep", "split: a polygon that runs back over itself is split into the parts and holes its bridges join."
    )

    def __post_init__(self) -> None:
        self.size_px()

    def size_px(self) -> tuple[int, int] | None:
        """Return the width and height of ``size``, None if it is not given.

        Raises
        ------
        ValueError
            It is not two whole numbers above 0 with an ``x`` between.

        >>> ReadOptions(size="1280x720").size_px()
        (1280, 720)
        """
        if self.size is None:
            return None
        return px_of(self.size)


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How YOLO files are written."""

    confidence: bool = _option(
        False, "Append the confidence of machine-made objects: predictions, which no trainer loads."
    )
    track_ids: bool = _option(False, "Append the source's track ids to rows.")
    container: Literal["folder", "ndjson"] = _option(
        "folder", "A folder of text files, or the one NDJSON file that Ultralytics takes as well."
    )
