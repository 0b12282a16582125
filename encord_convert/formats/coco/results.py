"""COCO results: objects with scores, in the form the official evaluation loads beside a ``coco`` file.

What it is
    What a detector hands in: lists of boxes, masks or keypoints with an image, a category and a score. Names and sizes
    are not in them; they stand in the COCO file of the images, which ``coco`` or ``coco-rle`` writes of the same
    rows. The numbers of images and categories are the same here and there, as long as ``frames`` is.

Files on disk
    ``results.bbox.json``, ``results.segm.json`` and ``results.keypoints.json``, each a list, each only if there is
    something to stand in it: the evaluation takes the kind of the first entry for that of all. An object stands in
    one. A target that is one file takes objects of one kind.

How each hub thing maps
    ===============  ==============================================================================================
    image          ``image_id``, from 1, as ``coco`` numbers it
    class            ``category_id``, from 1, as ``coco`` numbers it
    bounding box     ``bbox``
    rotatable box    ``bbox`` around the turned box
    polygon          ``segmentation``: compressed run lengths, which alone are allowed here; without ``bbox``, since the
                     evaluation would take the area of the box for that of the mask
    bitmask          the same
    point            ``keypoints`` of one point
    skeleton         ``keypoints`` in the order of the template
    confidence       ``score``
    ===============  ==============================================================================================

What is lost
    Everything that is not a shape, its class or its confidence: images without objects, answers, tracks, labels of
    frames, colours, whether a person made it. Polygons become masks (``POLYGON_AS_RLE``); one that covers the centre of
    no pixel becomes the pixels its box touches. The angle of boxes (``ROTATION_DROPPED``). Polylines, and what
    ``coco`` cannot write either.

Dialects met in the wild
    Files are called ``*_results.json``, or as here ``results.bbox.json`` (MMDetection). The evaluation of old versions
    fails on an empty list, so that none is written where another file has entries.

Sources
    cocodataset.org, "Results format"; pycocotools 2.0.11, ``loadRes``, measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, Literal

import msgspec
import numpy as np

from encord_convert.errors import WriteError
from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Source, Target
from encord_convert.formats.coco.json_lines import append_file, written_lines
from encord_convert.formats.coco.native import FAMILY, Kept
from encord_convert.formats.coco.page import CARRIES as CARRIES_ALL
from encord_convert.formats.coco.write_rows import KEPT
from encord_convert.formats.coco.write_shapes import Annotation, Drawings, Size, WrittenImage, images_of
from encord_convert.formats.coco.write_walk import listed_frames
from encord_convert.geometry import rle
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.rasterize import check_paintable
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.narrow import Left, Narrowed
from encord_convert.sdk.objects import ObjectInstance, Shape

CARRIES = Carries(
    shapes=CARRIES_ALL.shapes - {Shape.POLYGON, Shape.ROTATABLE_BOUNDING_BOX},
    data_types=CARRIES_ALL.data_types,
    features=frozenset({Feature.PARTS, Feature.VISIBILITY, Feature.CONFIDENCE}),
    tolerance_px=CARRIES_ALL.tolerance_px,
    codes={
        **CARRIES_ALL.codes,
        Shape.POLYGON: "POLYGON_AS_RLE",
        Shape.ROTATABLE_BOUNDING_BOX: "ROTATION_DROPPED",
    },
    approximates=frozenset({Shape.POLYGON, Shape.ROTATABLE_BOUNDING_BOX}),
    native=frozenset(f"{FAMILY}:{name}.id" for name in ("image", "frame", "class")),
)

KINDS = ("bbox", "segm", "keypoints")
"""What a file holds, by the words of the evaluation."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How results are written; what survives does not depend on it."""

    decimals: int = field(default=3, metadata={"help": "Decimals of coordinates, 2 to 9."})
    frames: Literal["labelled", "all"] = field(
        default="labelled", metadata={"help": "As the COCO file of the images was written: it decides their numbers."}
    )
    box_polygons: ClassVar[bool] = False
    point_size_px: ClassVar[float] = 1.0
    counts: ClassVar[Literal["string"]] = "string"

    def __post_init__(self) -> None:
        if not 2 <= self.decimals <= 9:
            raise ValueError(f"decimals={self.decimals} is not allowed; it takes 2 to 9.")


def identify(source: Source) -> Match:
    """Say no: the format ``coco`` reads these files."""
    return Match.NO


def walk(narrowed: Narrowed, target: Target, options: WriteOptions) -> Iterator[Left]:
    """Yield what is left of each row.

    Raises
    ------
    WriteError
        The target is one file and there are several kinds; or a polygon's image is too large to be painted.
    """
    found: set[str] = set()
    for left in narrowed:
        for instance, frames in left.objects():
            found.add(_kind(instance.ontology_item.shape))
            if instance.ontology_item.shape is Shape.POLYGON:
                for frame in frames:
                    check_paintable(*frame_size(left.row, frame))
        yield left
    used = [kind for kind in KINDS if kind in found]
    if target.is_file and len(used) > 1:
        raise WriteError(
            f"{target.name}: results are of one kind a file, and these are of {len(used)}: {', '.join(used)}. "
            "Name a folder."
        )


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write a list of results of each kind there is."""
    with ExitStack() as stack:
        lists = {
            kind: _List(stack.enter_context(target.scratch("scratch").with_name(f"scratch-{kind}").open("w+b")))
            for kind in KINDS
        }
        _write_rows(narrowed, target, options, lists)
    for kind in [kind for kind in KINDS if lists[kind].count] or [KINDS[0]]:
        with target.open(f"results.{kind}.json") as stream:
            stream.write(b"[\n")
            append_file(stream, target.scratch("scratch").with_name(f"scratch-{kind}"))
            stream.write(b"\n]\n")


class _List:
    """Entries of one kind, in the form they have in the file."""

    def __init__(self, stream: BinaryIO) -> None:
        self.count = 0
        self._stream = stream
        self._kept: list[dict[str, Any]] = []

    def add(self, entry: dict[str, Any]) -> None:
        """Take an entry; some are written together."""
        self._kept.append(entry)
        if len(self._kept) >= KEPT:
            self.flush()

    def flush(self) -> None:
        """Write what was taken."""
        if self._kept:
            self._stream.write((b",\n" if self.count else b"") + written_lines(self._kept))
            self.count += len(self._kept)
            self._kept = []


def _write_rows(narrowed: Narrowed, target: Target, options: WriteOptions, lists: dict[str, _List]) -> None:
    def emit(image: WrittenImage, instance: ObjectInstance, annotation: Annotation) -> None:
        kind = _kind(instance.ontology_item.shape)
        confidence = instance._frames[image.frame].object_frame_instance_info.confidence
        head = {"image_id": image.image_id, "category_id": annotation.category_id}
        lists[kind].add({**head, **_members(kind, annotation, image.size), "score": confidence})

    kept = Kept(narrowed.labels)
    drawings = Drawings(narrowed, options, emit, kept)
    for left in walk(narrowed, target, options):
        frames, placed = listed_frames(left.row, options, kept), left.on_frames()
        images = images_of(left.row, frames, kept)
        # In the order of a COCO file: frame by frame, in the order of the row on each.
        drawings.add((images[frame], instance) for frame in frames for instance in placed.get(frame, ()))
    drawings.flush()
    for entries in lists.values():
        entries.flush()


def _kind(shape: Shape) -> str:
    """Return the kind of a result, by the words of the evaluation."""
    if shape in (Shape.POINT, Shape.SKELETON):
        return "keypoints"
    return "segm" if shape in (Shape.POLYGON, Shape.BITMASK) else "bbox"


def _members(kind: str, annotation: Annotation, size: Size) -> dict[str, Any]:
    """Return what a result of a kind says of an annotation."""
    if kind == "keypoints":
        return {"keypoints": annotation.keypoints}
    if kind == "bbox":
        return {"bbox": annotation.bbox}
    mask = annotation.segmentation
    return {"segmentation": mask if isinstance(mask, dict) else _pixels_of(annotation.bbox, size)}


def _pixels_of(bbox: Any, size: Size) -> dict[str, Any]:
    """Return the mask of the pixels a box touches."""
    width, height = size
    bbox = msgspec.json.decode(bbox) if isinstance(bbox, msgspec.Raw) else bbox
    check_paintable(width, height)
    left, top = min(int(bbox[0]), width - 1), min(int(bbox[1]), height - 1)
    right = max(min(math.ceil(bbox[0] + bbox[2]), width), left + 1)
    bottom = max(min(math.ceil(bbox[1] + bbox[3]), height), top + 1)
    runs = np.array([0, (right - left) * (bottom - top)])
    columns = rle.column_frame_runs_from_box_runs(runs, left, top, right - left, bottom - top, width, height)
    return {"size": [height, width], "counts": rle.string_from_runs(columns)}


FORMAT = Format(
    name="coco-results",
    title="COCO results with scores",
    spec="https://cocodataset.org/#format-results",
    suffixes=(".json",),
    identify=identify,
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES, walk=walk),
)
