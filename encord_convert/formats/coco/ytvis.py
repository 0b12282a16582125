"""YouTube-VIS: videos, and one annotation for each object with its shape on every frame.

What it is
    The format of video instance segmentation (YouTube-VIS, OVIS), which trackers are trained on: COCO with videos for
    images, and lists with an entry a frame for single shapes. Pixels as in :mod:`encord_convert.formats.coco.page`.

Files on disk
    One file, ``annotations.json``: ``info``, ``licenses``, ``videos``, ``annotations``, ``categories``. One video or
    annotation a line; ids count from 1. Images are not copied.

How each hub thing maps
    ===============  ==============================================================================================
    row              a video: ``width``, ``height``, ``length`` and ``file_names`` of its frames; image groups, DICOM
                     series and single images too, since a video is a list of images here
    frame            of a video, group or series those with labels (``frames=all``: all) are listed, by the names
                     ``coco`` gives them; the n-th entry of each list belongs to the n-th file name
    object           an annotation with ``segmentations``, ``bboxes`` and ``areas``: as long as the video, ``null``
                     where the object is not
    class            a category, as in ``coco``
    bounding box     ``bboxes``; its ``segmentations`` are ``[]``, or its corners with ``box_polygons=yes``
    rotatable box    ``segmentations`` are the turned rectangle, ``bboxes`` enclose it
    polygon          its rings; with holes run lengths, and ``attributes.encord_shape`` says that they are a polygon
    ellipse, cuboid  a polygon, as in ``coco``
    bitmask          compressed run lengths
    ``iscrowd``      0
    frame numbers    ``frame_ids`` of the video: the numbers of the listed frames, from 0
    title            ``name`` of the video; ``frame_count`` is how many frames it has, listed or not. These three are
                     keys of our own
    ===============  ==============================================================================================

    Sizes of a video are those of its first listed frame.

What is lost
    Points, skeletons and polylines. Answers, labels of frames, confidence, whether a person made it; that a rotatable
    box is one (``ROTATION_DROPPED``); that a row is no video (``MEDIA_CHANGED``). What ``coco`` cannot write either.
    Classes of one name share a category: all have the colour of the first (``COLOUR_DROPPED``).

Dialects met in the wild
    OVIS is the same. Older readers take ``segmentations`` alone, and an object whose entry is ``[]`` to be absent:
    ``box_polygons=yes`` is for those.

Sources
    youtube-vos.org, "Video instance segmentation", data format; the files of YouTube-VIS 2019.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType

from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Source, Target
from encord_convert.formats.coco.categories import Classes
from encord_convert.formats.coco.json_lines import Lines, append_file, written_lines
from encord_convert.formats.coco.native import FAMILY
from encord_convert.formats.coco.page import CARRIES as CARRIES_ALL
from encord_convert.formats.coco.write_images import Names
from encord_convert.formats.coco.write_instances import Drawings
from encord_convert.formats.coco.write_native import Kept
from encord_convert.formats.coco.write_shapes import Annotation, WrittenImage
from encord_convert.formats.coco.write_walk import listed_frames
from encord_convert.hub.loss import Carries, Feature, Level
from encord_convert.hub.native import Keys
from encord_convert.hub.visibility import unit_size
from encord_convert.losses.narrow import Left, Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ObjectInstance, Shape

CARRIES = Carries(
    shapes=frozenset({Shape.BOUNDING_BOX, Shape.POLYGON, Shape.BITMASK}),
    data_types=frozenset({DataType.VIDEO}),
    features=frozenset({Feature.PARTS, Feature.TRACKS, Feature.COLOUR, Feature.EMPTY_ROWS}),
    tolerance_px=CARRIES_ALL.tolerance_px,
    codes={**CARRIES_ALL.codes, Shape.ROTATABLE_BOUNDING_BOX: "ROTATION_DROPPED"},
    approximates=frozenset({Shape.ROTATABLE_BOUNDING_BOX}),
    colours_by="name",
    extent="unit",
    native=frozenset(f"{FAMILY}:{name}" for name in ("file", "class", "image")),
)

NAME = "annotations.json"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a file is written; what survives does not depend on it."""

    decimals: int = field(default=3, metadata={"help": "Decimals of coordinates and areas, 2 to 9."})
    frames: Literal["labelled", "all"] = field(
        default="labelled", metadata={"help": "Frames of videos, groups and series that are listed."}
    )
    box_polygons: bool = field(default=False, metadata={"help": "Write the four corners of boxes as segmentations."})
    supercategory: str | None = field(
        default=None, metadata={"help": "Supercategory of every category; none: its own name."}
    )
    point_size_px: ClassVar[float] = 1.0
    counts: ClassVar[Literal["string"]] = "string"

    def __post_init__(self) -> None:
        if not 2 <= self.decimals <= 9:
            raise ValueError(f"decimals={self.decimals} is not allowed; it takes 2 to 9.")


def identify(source: Source) -> Match:
    """Say no: the format ``coco`` reads these files."""
    return Match.NO


def walk(narrowed: Narrowed, target: Target, options: WriteOptions) -> Iterator[tuple[Left, _Video, Keys]]:
    """Yield the rows with their videos, whose ids are 0 where they just count, and further keys of these.

    Raises
    ------
    WriteError
        A row says it has more frames than any medium, and all are to be listed.
    """
    kept, names, taken = Kept(narrowed.labels), Names(), set[int]()
    for left in narrowed:
        row = left.row
        frames = listed_frames(row, options, kept) or [0]  # a video without images is none
        width, height = unit_size(row, frames[0])
        native = kept.of(row)
        keys = native.row if native is not None else {}
        is_of_kind = (
            row.data_type is DataType.VIDEO or _kind(kept) == "image"
        )  # an image beside videos has an image's id
        id_ = keys.get("id", 0) if _kind(kept) in kept.largest and is_of_kind else 0
        id_ = 0 if id_ in taken else id_
        taken.add(id_)
        listed = [names.of(row, frame) for frame in frames]
        count = row.number_of_frames
        yield left, _Video(id_, width, height, len(frames), listed, row.data_title, frames, count), keys
    names.say_clashes(narrowed.note)
    shapes = narrowed.carries.shapes | narrowed.carries.approximates
    for detail in Classes(narrowed.labels.ontology, shapes, names=kept.classes).clashes():
        narrowed.note(Level.WARNING, "NAME_CLASH", detail)


def _kind(kept: Kept) -> str:
    """Return what the source had in place of videos."""
    return "video" if "video" in kept.largest else "image"


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write one file, an object at a time."""
    paths = [target.scratch("scratch").with_name(f"scratch-{block}") for block in ("videos", "annotations")]
    with paths[0].open("wb") as videos, paths[1].open("wb") as annotations:
        tracks = _Tracks(annotations)
        kept = Kept(narrowed.labels)
        drawings = Drawings(narrowed, options, tracks.add, kept)
        block = Lines(videos, kept.largest.get(_kind(kept), 0) + 1)
        for left, video, keys in walk(narrowed, target, options):
            block.add([video], {0: keys})
            tracks.expect(video.id, video.frame_ids)
            drawings.add(_by_object(left, video.id))
        drawings.flush()
        tracks.write()
    with target.open(NAME) as stream:
        stream.write(kept.head(narrowed.labels))
        for name, path in zip(("videos", "annotations"), paths, strict=True):
            stream.write(b',"%s":[\n' % name.encode())
            append_file(stream, path)
            stream.write(b"\n]")
        categories = [one.to_dict(options.supercategory, kept.classes) for one in drawings.classes.categories]
        stream.write(b',"categories":[\n' + written_lines(categories) + b"\n]}\n")


class _Video(msgspec.Struct):
    """An entry of ``videos``; sizes in pixels. The members are written in this order."""

    id: int
    width: int
    height: int
    length: int
    file_names: list[str]
    name: str
    frame_ids: list[int]
    frame_count: int


class _Track(msgspec.Struct):
    """An entry of ``annotations``; the members are written in this order."""

    id: int
    video_id: int
    category_id: int
    iscrowd: int
    segmentations: list[Any]
    bboxes: list[list[float] | None]
    areas: list[float | None]
    attributes: dict[str, Any] | UnsetType = UNSET


class _Tracks:
    """Joins the drawings of each object to one entry."""

    def __init__(self, stream: BinaryIO) -> None:
        self._block = Lines(stream)
        self._places: dict[int, dict[int, int]] = {}
        self._object: ObjectInstance | None = None
        self._track: _Track | None = None

    def expect(self, video_id: int, frames: Sequence[int]) -> None:
        """Take the frames of a video whose objects will come."""
        self._places[video_id] = {frame: place for place, frame in enumerate(frames)}

    def add(self, image: WrittenImage, instance: ObjectInstance, annotation: Annotation) -> None:
        """Take what an object is on a frame; its frames come one after the other, as do videos."""
        video_id = image.image_id
        if self._track is None or instance is not self._object:
            self.write()
            while next(iter(self._places)) != video_id:
                del self._places[next(iter(self._places))]
            absent: list[Any] = [None] * len(self._places[video_id])
            self._track = _Track(0, video_id, annotation.category_id, 0, absent, absent.copy(), absent.copy())
            self._object = instance
        track, place = self._track, self._places[video_id][image.frame]
        track.segmentations[place] = annotation.segmentation
        track.bboxes[place] = annotation.bbox
        track.areas[place] = annotation.area
        said = annotation.attributes
        if said is not UNSET and "encord_shape" in said:  # else some frames would be taken for masks of another class
            track.attributes = {"encord_shape": said["encord_shape"]}

    def write(self) -> None:
        """Write the object whose frames came last, if any."""
        if self._track is not None:
            self._block.add([self._track])
        self._track = self._object = None


def _by_object(left: Left, video_id: int) -> Iterator[tuple[WrittenImage, ObjectInstance]]:
    """Return objects one after the other, each on its frames in ascending order; a video has one size for all."""
    for instance, frames in left.objects():
        for frame in frames:
            yield WrittenImage(frame, video_id, unit_size(left.row, frame)), instance


FORMAT = Format(
    name="coco-ytvis",
    title="YouTube-VIS video instances",
    spec="https://youtube-vos.org/dataset/vis/",
    suffixes=(".json",),
    identify=identify,
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES, walk=walk),
    read_by="coco",
)
