"""The options of reading COCO files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal


def _option(default: Any, help_: str) -> Any:
    return field(default=default, metadata={"help": help_})


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read COCO files; the defaults lose least."""

    prefer: Literal["as_drawn", "polygon", "bitmask"] = _option(
        "as_drawn", "as_drawn: polygons and masks of a category are two classes of its name; else all are the one."
    )
    holes: Literal["union", "detect"] = _option(
        "union", "detect: a ring inside another that winds the other way is a hole; union: it is filled, as COCO says."
    )
    crowd: Literal["attribute", "drop"] = _option(
        "attribute", "attribute: a checklist `iscrowd` on classes of which any annotation is a crowd; drop: lost."
    )
    rotated_bbox: Literal["centre_counterclockwise", "corner_clockwise"] = _option(
        "centre_counterclockwise", "What a bbox of five numbers is: centre x, y or left, top; which way it is turned."
    )
    coordinates: Literal["pixels", "relative"] = _option(
        "pixels", "relative: boxes, polygons and points are shares of the image's width and height, as Azure ML says."
    )
    captions: Literal["join", "separate"] = _option(
        "join",
        "Several captions of an image: one text of several lines, or a classification each, numbered from the second.",
    )
    radio_values: int = _option(20, "Attributes with more different texts than this are free text.")
    numbers: Literal["text", "numeric"] = _option(
        "text", "What attributes that are numbers become: text; or numeric, a question that newer servers alone know."
    )
    unused_shape: Literal["bounding_box", "rotatable_bounding_box", "polygon", "polyline", "point", "bitmask"] = (
        _option("bounding_box", "The shape of a category that is never used.")
    )
    supercategory: Literal["drop", "attribute"] = _option(
        "drop", "attribute: keep it as the answer to a radio `supercategory` of each class."
    )
    extras: Literal["drop", "attributes"] = _option(
        "drop", "attributes: keys that COCO does not define are answers; drop: only COCO files are given them again."
    )
    frame_pattern: str | None = _option(
        None, "Regular expression with groups `video` and `frame`: images whose file_name it finds are video frames."
    )
    ground_truth: str | None = _option(None, "COCO file with the images and categories of a results file.")
    ontology: str | None = _option(None, "ontology.json of the format encord, whose classes are used by name.")
    size: str | None = _option(None, "WIDTHxHEIGHT of images whose size neither the file nor an image says.")

    def __post_init__(self) -> None:
        if not 0 <= self.radio_values <= 64:
            raise ValueError(f"radio_values={self.radio_values} is not allowed; it takes 0 to 64.")
        self.pattern()
        self.size_px()

    def pattern(self) -> re.Pattern[str] | None:
        """Return the pattern of frames, compiled.

        Raises
        ------
        ValueError
            It is no regular expression with the two groups.
        """
        if self.frame_pattern is None:
            return None
        try:
            pattern = re.compile(self.frame_pattern)
        except re.error as error:
            raise ValueError(f"frame_pattern={self.frame_pattern} is no regular expression ({error}).") from error
        if not {"video", "frame"} <= pattern.groupindex.keys():
            raise ValueError("frame_pattern needs the groups (?P<video>...) and (?P<frame>\\d+).")
        return pattern

    def size_px(self) -> tuple[int, int] | None:
        """Return the width and height of ``size``, None if it is not given.

        >>> ReadOptions(size="1280x720").size_px()
        (1280, 720)
        """
        if self.size is None:
            return None
        width, _, height = self.size.lower().partition("x")
        if width.isdecimal() and height.isdecimal() and int(width) and int(height):
            return int(width), int(height)
        raise ValueError(f"size={self.size} is not allowed; it takes WIDTHxHEIGHT, like 1280x720.")
