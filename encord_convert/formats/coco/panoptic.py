"""COCO panoptic: for each image one PNG in which every pixel says to which object it belongs.

What it is
    The format of the COCO panoptic challenge: no pixel belongs to two objects. Pixels as in
    :mod:`encord_convert.formats.coco.page`.

Files on disk
    ``panoptic.json``: ``info``, ``licenses``, ``images``, ``annotations`` (one for each image, with ``segments_info``),
    ``categories``; and the folder ``panoptic`` of PNG files, 8-bit RGB without palette or alpha, which ``file_name`` of
    an annotation names. Images are not copied.

How each hub thing maps
    ===============  ==============================================================================================
    image          an image and an annotation, also without labels; ids from 1. Of videos, groups and series the
                     frames with labels (``frames=all``: all), under the names ``coco`` gives them; a title that is
                     given twice stands in ``encord``, a key of our own
    object           a segment: its pixels are ``id = R + 256 G + 65536 B``, the source's, else from 1 on
                     each image; 0 is void
    class            a category with ``isthing`` 0 for those that ``stuff`` names, else as a COCO source says, else 1
    bitmask          its pixels
    polygon          the pixels whose centres are inside, holes left out
    ``area``         pixels that show, and ``bbox`` the whole pixels around them; ``iscrowd`` 1 where an answer says so
    ===============  ==============================================================================================

    Where objects overlap, the one that comes later in its row lies above.

What is lost
    What others hide (``HIDDEN_PIXELS``): a part, or all of an object. The corners of polygons (``POLYGON_AS_MASK``).
    Objects of other shapes: a box would hide what stands in it. Answers, tracks, labels of frames, confidence, whether
    a person made it; that an image belongs to a video, a group or a series (``MEDIA_CHANGED``). Classes of one name
    share a category: all have the colour of the first (``COLOUR_DROPPED``).

Dialects met in the wild
    Official segments have any ids; readers go by the file alone. Stuff has one segment an image in official files;
    here an object stays one, and a note (``STUFF_TWICE``) says where there are several of a class. An older form with
    the category in R and the instance in G is not written. Some loaders look for the image beside the PNG under the
    same stem, so that the PNG has that of its image; where that is no safe name of a file it has the number of the
    image.

Sources
    cocodataset.org, "Data format", 4 (panoptic segmentation); the example files of panopticapi.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from encord_convert.errors import OptionError, WriteError
from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Source, Target, name_fault
from encord_convert.formats._paths import Paths
from encord_convert.formats.coco.categories import Category, Classes
from encord_convert.formats.coco.images import plain_name
from encord_convert.formats.coco.json_lines import Lines, append_file, written_lines
from encord_convert.formats.coco.native import FAMILY, SEGMENT, SEGMENT_NAME
from encord_convert.formats.coco.write_images import Names, split_suffix
from encord_convert.formats.coco.write_instances import account_for_rest, listed_frames, on_frames
from encord_convert.formats.coco.write_native import Kept
from encord_convert.geometry import png, rle
from encord_convert.geometry.paintings import BoxRuns, Painting
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature, Kind, Level
from encord_convert.hub.rasterize import LEAST_TOLERANCE_PX, raster
from encord_convert.hub.visibility import fate, is_crowd, unit_size
from encord_convert.losses.narrow import changes
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance, Shape

CARRIES = Carries(
    shapes=frozenset({Shape.BITMASK}),
    data_types=frozenset({DataType.IMAGE}),
    features=frozenset({Feature.COLOUR, Feature.EMPTY_ROWS, Feature.GROUPS}),
    codes={
        Shape.POLYGON: "POLYGON_AS_MASK",
        Feature.HOLES: "HOLES_AS_MASK",
        Feature.PARTS: "PARTS_AS_MASK",
        Feature.OUT_OF_BOUNDS: "CLIPPED",
        Feature.OVERLAPS: "HIDDEN_PIXELS",
        (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
        (Feature.DEGENERATE, Shape.POLYGON): "INVALID_POLYGON",
    },
    approximates=frozenset({Shape.POLYGON}),
    one_layer="objects",
    colours_by="name",
    native=frozenset(f"{FAMILY}:{name}" for name in ("file", "class", "image", "frame", SEGMENT_NAME)),
)

NAME = "panoptic"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How panoptic files are written; what survives does not depend on it."""

    stuff: str | None = field(
        default=None, metadata={"help": "Classes that are stuff and no things, by name, `,` between them."}
    )
    frames: Literal["labelled", "all"] = field(
        default="labelled", metadata={"help": "Frames of videos, groups and series that are listed as images."}
    )
    supercategory: str | None = field(
        default=None, metadata={"help": "Supercategory of every category; none: its own name."}
    )


class _Image(msgspec.Struct):
    id: int
    width: int
    height: int
    file_name: str
    encord: dict[str, str] | UnsetType = UNSET


class _Annotation(msgspec.Struct):
    """An entry of ``annotations``, which has no number of its own."""

    image_id: int
    file_name: str
    segments_info: list[dict[str, Any]]


def identify(source: Source) -> Match:
    """Say no: the format ``coco`` reads these files."""
    return Match.NO


def write(labels: LabelSet, target: Target, options: WriteOptions, report: Report) -> None:
    """Write the JSON file and a PNG for each image, one at a time.

    Raises
    ------
    OptionError
        ``stuff`` names a class that is none.
    WriteError
        An image with objects is too large to be painted.
    """
    kept = Kept(labels)
    shapes = CARRIES.shapes | CARRIES.approximates
    classes = Classes(labels.ontology, shapes, kept.category_ids, names=kept.classes)
    stuff = _stuff(classes.categories, options, kept)
    paths = [target.scratch("scratch").with_name(f"scratch-{block}") for block in ("images", "annotations")]
    names, pngs, painter = Names(), _PngNames(), _Painter(classes, stuff, report, kept)
    with paths[0].open("wb") as images, paths[1].open("wb") as annotations:
        block = Lines(images)
        for row in report.rows(labels, CARRIES):
            placed = on_frames(row)
            for image, frame in _images(row, options, kept, names):
                block.add([image], {0: kept.image(row, frame)})
                size = width, height = image.width, image.height
                drawn = painter.drawn(placed.get(frame, ()), frame, size)
                if not (width and height):  # the size is not known, and a PNG has one
                    continue
                ids = painter.ids(row, [instance for instance, _ in drawn], frame)
                try:
                    painting = Painting([box_runs for _, (_, box_runs) in drawn], ids, height, width, extents=True)
                except ValueError as error:
                    raise WriteError(f"{image.file_name}: {error}") from error
                name = pngs.of(image)
                with target.open(f"{NAME}/{name}") as stream:
                    stream.write(png.encoded_in_bands(map(_rgb, painting.bands()), height, width))
                entry = _Annotation(image.id, name, painter.segments(drawn, painting, frame))
                annotations.write((b",\n" if annotations.tell() else b"") + written_lines([entry]))
            account_for_rest(row, CARRIES, report)
    names.say_clashes(report.note)
    for detail in classes.clashes():
        report.note(Level.WARNING, "NAME_CLASH", detail)
    with target.open(f"{NAME}.json") as stream:
        stream.write(kept.head(labels))
        for name, path in zip(("images", "annotations"), paths, strict=True):
            stream.write(b',"%s":[\n' % name.encode())
            append_file(stream, path)
            stream.write(b"\n]")
        categories = [_category(one, options, one.id not in stuff, kept) for one in classes.categories]
        stream.write(b',"categories":[\n' + written_lines(categories) + b"\n]}\n")


def _stuff(categories: list[Category], options: WriteOptions, kept: Kept) -> set[int]:
    """Return the numbers of the categories that are stuff: as the options say, else as the source does."""
    if options.stuff is None:
        return {one.id for one in categories if kept.classes.get(one.name, {}).get("isthing") == 0}
    named = {name.strip() for name in (options.stuff or "").split(",")} - {""}
    known = {category.name: category.id for category in categories}
    unknown = sorted(named - known.keys())
    if unknown:
        listed = ", ".join(map(repr, known)) or "none"
        raise OptionError(f"coco-panoptic: stuff names {unknown[0]!r}, which is no class here; there are: {listed}.")
    return {known[name] for name in named}


def _category(category: Category, options: WriteOptions, is_thing: bool, kept: Kept) -> dict[str, Any]:
    members = {**category.to_dict(options.supercategory, kept.classes), "isthing": int(is_thing)}
    digits = re.match("#?([0-9a-fA-F]{6})", members["color"]) if isinstance(members.get("color"), str) else None
    if digits is not None:
        colour = int(digits[1], 16)
        members["color"] = [colour >> 16, colour >> 8 & 255, colour & 255]
    return members


def _images(row: LabelRowV2, options: WriteOptions, kept: Kept, names: Names) -> Iterator[tuple[_Image, int]]:
    """Return the images of a row with their frames; one at least."""
    for frame in listed_frames(row, options, kept) or [0]:
        width, height = unit_size(row, frame)
        image = _Image(kept.number(kept.image(row, frame).get("id")), width, height, names.of(row, frame))
        if row.data_type is DataType.IMAGE and plain_name(image.file_name) != row.data_title:
            image.encord = {"title": row.data_title}
        yield image, frame


class _PngNames:
    """Gives each image a PNG of its own: with the stem of the image, or its number where that would not do."""

    def __init__(self) -> None:
        self._paths = Paths()

    def of(self, image: _Image) -> str:
        stem = split_suffix(image.file_name)[0]
        return self._paths.file(stem if name_fault(stem + ".png") is None else f"{image.id:012d}", ".png") + ".png"


def _rgb(pixels: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return ids as red, green and blue: id = R + 256 G + 65536 B."""
    return np.ascontiguousarray(pixels, "<u4").view(np.uint8).reshape(*pixels.shape, 4)[..., :3]


_Drawn = tuple[ObjectInstance, tuple[str, BoxRuns]]
"""An object, where it lies, and its pixels."""


class _Painter:
    """Paints one image after the other, and tells what is lost on each."""

    def __init__(self, classes: Classes, stuff: set[int], report: Report, kept: Kept) -> None:
        self._kept = kept
        self._classes = classes
        self._stuff = stuff
        self._report = report

    def drawn(self, placed: Sequence[ObjectInstance], frame: int, size: tuple[int, int]) -> list[_Drawn]:
        """Return the objects of an image of which something can be drawn, where they lie, and their pixels."""
        return [(one, raster_) for one in placed if (raster_ := self._raster(one, frame, size))]

    def segments(self, drawn: list[_Drawn], painting: Painting, frame: int) -> list[dict[str, Any]]:
        """Return the segments of an image that was painted; their ids are what they painted."""
        segments: list[dict[str, Any]] = []
        for id_, (instance, (state, box_runs)), lost, extent in zip(
            painting.values, drawn, painting.hidden, painting.extents, strict=True
        ):
            area = rle.area_from_runs(box_runs[0])
            if self._shows(instance, frame, state, lost, area):
                category = self._classes.of(instance.ontology_item).category_id
                crowd = int(is_crowd(instance, frame))
                left, top, right, bottom = extent
                box = {"area": area - lost, "bbox": [left, top, right - left, bottom - top]}
                segments.append({"id": id_, "category_id": category, **box, "iscrowd": crowd})
        self._note_stuff(segments)
        return segments

    def ids(self, row: LabelRowV2, drawn: Sequence[ObjectInstance], frame: int) -> list[int]:
        """Return the number of each object on an image: that of its segment in the source, else the next free."""
        native = self._kept.of(row)
        ids = [0 if native is None else native.of(one.object_hash, frame).get(SEGMENT, 0) for one in drawn]
        first = {id_: at for at, id_ in reversed(list(enumerate(ids)))}
        ids = [id_ if 0 < id_ < 1 << 24 and first[id_] == at else 0 for at, id_ in enumerate(ids)]
        taken = set(ids)
        free = (number for number in count(1) if number not in taken)
        return [id_ or next(free) for id_ in ids]

    def _raster(self, instance: ObjectInstance, frame: int, size: tuple[int, int]) -> tuple[str, BoxRuns] | None:
        """Return where an object lies and its pixels; None if nothing of it can be drawn."""
        shape, coordinates = instance.ontology_item.shape, instance._frames[frame].coordinates
        if shape not in CARRIES.shapes | CARRIES.approximates:
            what = f"is a {shape.value.replace('_', ' ')}, which this format cannot hold"
            self._drop(instance, frame, CARRIES.code(shape), Feature.SHAPE, what)
            return None
        state = fate(coordinates, *size, LEAST_TOLERANCE_PX)
        if state == "degenerate":
            code = CARRIES.code(Feature.DEGENERATE, shape)
            self._drop(instance, frame, code, Feature.DEGENERATE, "covers nothing that could be drawn")
            return None
        if state == "outside":
            what = f"lies outside its {size[0]} × {size[1]} pixels"
            self._drop(instance, frame, CARRIES.code(Feature.OUT_OF_BOUNDS), Feature.OUT_OF_BOUNDS, what)
            return None
        return state, raster(coordinates, *size, LEAST_TOLERANCE_PX)

    def _drop(self, instance: ObjectInstance, frame: int, code: str, feature: Feature, what: str) -> None:
        self._report.drop(instance, frame, code, feature, f"{instance.object_name!r} {what}.")

    def _shows(self, instance: ObjectInstance, frame: int, state: Any, lost: int, area: int) -> bool:
        """Tell what an object of which something can be drawn loses, and whether any of its pixels shows."""
        code, name = CARRIES.code(Feature.OVERLAPS), instance.object_name
        if lost == area:
            self._drop(instance, frame, code, Feature.OVERLAPS, f"lies under others with all of its {area} pixels")
            return False
        item = instance.ontology_item
        told = [
            (kind, CARRIES.code(feature), feature, _CHANGES[feature])
            for kind, feature in changes(instance._frames[frame].coordinates, state)
        ]
        if lost:
            told.append((Kind.APPROXIMATED, code, Feature.OVERLAPS, f"lies under others with {lost} of {area} pixels"))
        if item.shape in CARRIES.approximates:
            told.append((Kind.APPROXIMATED, CARRIES.code(item.shape), Feature.SHAPE, "is written as its pixels"))
        for kind, code, feature, what in told:
            self._report.change(instance, frame, kind, code, feature, f"{name!r} {what}.")
        self._report.drop_side(instance, frame, CARRIES)
        return True

    def _note_stuff(self, segments: list[dict[str, Any]]) -> None:
        found = [segment["category_id"] for segment in segments if segment["category_id"] in self._stuff]
        for id_ in sorted({one for one in found if found.count(one) > 1}):
            name = next(one.name for one in self._classes.categories if one.id == id_)
            detail = f"There are several segments of {name!r} on an image, which is stuff; readers may want one."
            self._report.note(Level.WARNING, "STUFF_TWICE", detail)


_CHANGES = {
    Feature.OUT_OF_BOUNDS: "leaves its image and is cut at the border",
    Feature.HOLES: "has holes, which are left out of its pixels",
    Feature.PARTS: "has several parts, which are one area of pixels",
}


FORMAT = Format(
    name="coco-panoptic",
    title="COCO panoptic segmentation",
    spec="https://cocodataset.org/#format-data",
    suffixes=(),
    identify=identify,
    exporter=Exporter(write, WriteOptions, CARRIES),
    read_by="coco",
)
