"""COCO keypoints: skeletons and points alone, as ``person_keypoints_*.json`` has them.

What it is
    The file of the COCO keypoint challenge: a :mod:`encord_convert.formats.coco.page` file in which every annotation
    has keypoints and every category says which. Training code for keypoints takes whatever is in its file for some, so
    that boxes and masks have to stay away from it.

Files on disk
    One file, ``annotations.json``, as ``coco`` writes it.

How each hub thing maps
    ===============  ==============================================================================================
    skeleton         ``keypoints``, x, y and v of each in the order of the template: visible 2, occluded 1, invisible
                     0 with x and y 0; ``num_keypoints`` counts those with v above 0
    point            one keypoint with v 2, ``bbox`` a pixel around it (``point_size_px``)
    ``bbox``         around the points that are shown, a pixel wide and high at least; ``area`` is that of the box,
                     by which the evaluation scales distances
    ``segmentation`` empty
    class            a category with ``keypoints`` (names) and ``skeleton`` (pairs of numbers from 1); ids from 1, in
                     the order of the ontology, over the classes of these two shapes
    the rest         images, videos, answers, tracks, confidence and labels of frames as in ``coco``
    ===============  ==============================================================================================

What is lost
    Objects of all other shapes (``UNSUPPORTED_SHAPE``), and of skeletons what ``coco`` loses: the position of invisible
    points, whether it is its own object that hides one, points the template lacks.

Dialects met in the wild
    The official file has one category, ``person``, of 17 keypoints; the evaluation has spreads (``kpt_oks_sigmas``) for
    those alone, and wants ``params.kpt_oks_sigmas`` set for skeletons of another number.

Sources
    cocodataset.org, "Data format", 2 (keypoint detection); pycocotools 2.0.11, measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Source, Target
from encord_convert.formats.coco.page import CARRIES as CARRIES_ALL
from encord_convert.formats.coco.write import write_whole
from encord_convert.formats.coco.write_walk import walk
from encord_convert.hub.loss import Carries, Feature
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import Shape

CARRIES = Carries(
    shapes=frozenset({Shape.POINT, Shape.SKELETON}),
    data_types=CARRIES_ALL.data_types,
    features=CARRIES_ALL.features - {Feature.PARTS, Feature.ROTATION},
    tolerance_px=CARRIES_ALL.tolerance_px,
    codes={Feature.UNKNOWN_POINTS: "KEYPOINT_UNKNOWN"},
    native=CARRIES_ALL.native,
)


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a keypoint file is written; what survives does not depend on it."""

    decimals: int = field(default=3, metadata={"help": "Decimals of coordinates and areas, 2 to 9."})
    frames: Literal["labelled", "all"] = field(
        default="labelled", metadata={"help": "Frames of videos, groups and series that are listed as images."}
    )
    point_size_px: float = field(default=1.0, metadata={"help": "Width and height of the box around a point."})
    supercategory: str | None = field(
        default=None, metadata={"help": "Supercategory of every category; none: its own name."}
    )
    box_polygons: ClassVar[bool] = False
    counts: ClassVar[Literal["string"]] = "string"
    checklists: ClassVar[Literal["names"]] = "names"
    ids: ClassVar[Mapping[str, int]] = {}

    def __post_init__(self) -> None:
        if not 2 <= self.decimals <= 9:
            raise ValueError(f"decimals={self.decimals} is not allowed; it takes 2 to 9.")
        if not 0.01 <= self.point_size_px <= 1000:
            raise ValueError(f"point_size_px={self.point_size_px:g} is not allowed; it takes 0.01 to 1000.")


def identify(source: Source) -> Match:
    """Say no: the format ``coco`` reads these files."""
    return Match.NO


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write one COCO file of skeletons and points, a row at a time."""
    write_whole(narrowed, target, options)


FORMAT = Format(
    name="coco-keypoints",
    title="COCO keypoints",
    spec="https://cocodataset.org/#format-data",
    suffixes=(".json",),
    identify=identify,
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES, walk=walk),
    read_by="coco",
)
