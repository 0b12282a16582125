"""The options of reading and writing CVAT files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal


def _option(default: Any, help_: str) -> Any:
    return field(default=default, metadata={"help": help_})


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read CVAT files; the defaults lose least."""

    GONE: ClassVar[frozenset[str]] = frozenset({"same_names"})

    transform_bounding_boxes_to_polygons: bool = _option(
        False, "Read every box as a polygon of its four corners, turned if the box is."
    )
    boxes: Literal["auto", "rotatable"] = _option(
        "auto", "auto: rotatable boxes only for labels of which a box is turned; rotatable: for all."
    )
    frame_mapping: Literal["source", "relative"] = _option(
        "source",
        "Frames of a video: source: as in the original file; relative: 0, 1, 2, … of the frames CVAT extracted.",
    )
    unused_shape: Literal["bounding_box", "rotatable_bounding_box", "polygon", "polyline", "point", "bitmask"] = (
        _option("bounding_box", "The shape of a label of any shape that is never used.")
    )
    group_images: bool = _option(False, "Read the images of a task as one image group.")
    frames_as_video: bool = _option(
        False, "Read images that are the frames of a video as one video, its frames as frame_mapping says."
    )
    subsets: Literal["metadata", "datasets"] = _option(
        "metadata", "metadata: the subset of a project is client metadata alone; datasets: each is a dataset too."
    )
    points_as_skeleton: bool = _option(
        False, "Read a points shape of several points as a skeleton, where a label always has as many; else split it."
    )
    ellipse: Literal["ellipse", "polygon", "bitmask", "rotatable", "box"] = _option(
        "ellipse", "What an ellipse becomes: itself, its outline, its pixels, or a rotatable or upright box around it."
    )
    ellipse_vertices: int = _option(72, "How many vertices the polygon or bitmask of an ellipse is made with.")
    cuboid: Literal["cuboid_2d", "polygon"] = _option("cuboid_2d", "What a cuboid becomes: itself, or its outline.")
    occluded: Literal["auto", "never"] = _option(
        "auto", "auto: a checklist attribute `occluded` on labels of which any shape is; never: occlusion is dropped."
    )
    group_id: bool = _option(False, "Keep group numbers as a text attribute `group_id`.")
    mutable_in_images: Literal["dynamic", "static"] = _option(
        "dynamic", "What a mutable attribute is on labels that no track has."
    )
    numbers: Literal["text", "numeric"] = _option(
        "text", "What a number attribute is: text, as written; or numeric, a question that newer servers alone know."
    )
    tracks: Literal["auto", "listed", "cvat"] = _option(
        "auto",
        "Where a track ends that is not closed: cvat: at the last frame of its task; listed: at its last listed frame; "
        "auto: listed where every frame of it is listed as a keyframe, else cvat.",
    )
    apply_defaults: bool = _option(False, "Answer attributes a shape leaves out with their default value.")
    clip: bool = _option(False, "Cut away what leaves the image.")
    size: str | None = _option(None, "WIDTHxHEIGHT of images and videos whose size the file does not say.")
    keyframes_manual: bool = _option(
        True, "Mark as made by hand only the keyframes of a hand-made track, not the frames computed between them."
    )

    def __post_init__(self) -> None:
        if not 3 <= self.ellipse_vertices <= 100_000:
            raise ValueError(f"ellipse_vertices={self.ellipse_vertices} is not allowed; it takes 3 to 100000.")
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
        width, _, height = self.size.lower().partition("x")
        if width.isdecimal() and height.isdecimal() and int(width) and int(height):
            return int(width), int(height)
        raise ValueError(f"size={self.size} is not allowed; it takes WIDTHxHEIGHT, like 1280x720.")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How CVAT files are written; what survives does not depend on it."""

    keyframes: Literal["all", "sparse"] = _option(
        "all", "Frames of a track that are written: all, or sparse: those that interpolation does not give."
    )
    choices: Literal["select", "radio"] = _option("select", "How CVAT's editor shows questions of one answer.")
    slices: Literal["index", "uid"] = _option(
        "index", "What slices of a series are called: by their place, or by their SOP instance UID where it is known."
    )
