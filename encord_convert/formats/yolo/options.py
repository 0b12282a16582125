"""The options of reading and writing YOLO files.

The page of the format is :mod:`encord_convert.formats.yolo.page`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from encord_convert.formats._sizes import px_of

FAMILY = "yolo"
"""What keys of a data set belong to that only YOLO has words for."""

Task = Literal["detect", "segment", "obb", "pose", "classify"]


def _option(default: Any, help_: str) -> Any:
    return field(default=default, metadata={"help": help_})


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read YOLO files."""

    task: Literal["auto", "detect", "segment", "obb", "pose", "classify"] = _option(
        "auto", "What the rows are; auto: what data.yaml says, else what all rows together look like."
    )
    size: str | None = _option(
        None, "WIDTHxHEIGHT of images that are neither there nor in sizes.csv: rows are shares of it."
    )
    units: Literal["shares", "pixels"] = _option(
        "shares", "What the numbers of rows are: shares of the image or pixels."
    )
    bridges: Literal["keep", "split"] = _option(
        "keep", "split: a polygon that runs back over itself becomes the parts and holes that bridges join."
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
        False, "Write the confidence of machine-made objects behind their numbers: predictions, which no trainer loads."
    )
    track_ids: bool = _option(False, "Write the numbers of tracks that the source has, last in a row.")
    container: Literal["folder", "ndjson"] = _option(
        "folder", "A folder of text files, or the one NDJSON file that Ultralytics takes as well."
    )
