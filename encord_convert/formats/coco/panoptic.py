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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from encord_convert.errors import OptionError
from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Source, Target, name_fault
from encord_convert.formats._paths import Paths
from encord_convert.formats.coco.categories import Category, Classes
from encord_convert.formats.coco.images import plain_name
from encord_convert.formats.coco.json_lines import Lines, append_file, written_lines
from encord_convert.formats.coco.native import FAMILY, SEGMENT, SEGMENT_NAME, Kept
from encord_convert.formats.coco.write_images import Names, split_suffix
from encord_convert.formats.coco.write_walk import listed_frames
from encord_convert.geometry import png
from encord_convert.hub.loss import Carries, Feature, Level
from encord_convert.hub.native import Keys, Native
from encord_convert.hub.rasterize import Layer
from encord_convert.hub.visibility import is_crowd, unit_size
from encord_convert.losses.narrow import Narrowed
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
    extent="unit",
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


def identify(source: Source) -> Match:
    """Say no: the format ``coco`` reads these files."""
    return Match.NO


class _Image(msgspec.Struct):
    """An entry of ``images``; the members are written in this order."""

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


def walk(
    narrowed: Narrowed, target: Target, options: WriteOptions
) -> Iterator[tuple[_Image, Keys, Layer, list[int], _Annotation]]:
    """Yield each image, its further keys, what is painted on it with the ids of its segments, and its annotation.

    Raises
    ------
    OptionError
        ``stuff`` names a class that is none.
    WriteError
        An image with objects is too large to be painted.
    """
    kept, names, pngs = Kept(narrowed.labels), Names(), _PngNames()
    classes = _classes(narrowed, kept)
    stuff = _stuff(classes.categories, options, kept)
    for left in narrowed:
        shown = left.on_frames()
        for image, frame in _images(left.row, options, kept, names):
            layer = left.layer(frame)
            ids = _ids(kept.of(left.row), layer.instances, frame)
            segments = _segments(layer, ids, shown.get(frame, ()), frame, classes)
            _note_stuff(segments, stuff, narrowed)
            name = pngs.of(image) if all(layer.size) else ""  # the size is not known, and a PNG has one
            yield image, kept.image(left.row, frame), layer, ids, _Annotation(image.id, name, segments)
    names.say_clashes(narrowed.note)
    for detail in classes.clashes():
        narrowed.note(Level.WARNING, "NAME_CLASH", detail)


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write the JSON file and a PNG for each image, one at a time."""
    paths = [target.scratch("scratch").with_name(f"scratch-{block}") for block in ("images", "annotations")]
    with paths[0].open("wb") as images, paths[1].open("wb") as annotations:
        block = Lines(images)
        for image, keys, layer, ids, annotation in walk(narrowed, target, options):
            block.add([image], {0: keys})
            if not annotation.file_name:
                continue
            with target.open(f"{NAME}/{annotation.file_name}") as stream:
                stream.write(png.encoded_flat(layer.image(ids)))  # id = R + 256 G + 65536 B, as there
            annotations.write((b",\n" if annotations.tell() else b"") + written_lines([annotation]))
    kept = Kept(narrowed.labels)
    with target.open(f"{NAME}.json") as stream:
        stream.write(kept.head(narrowed.labels))
        for name, path in zip(("images", "annotations"), paths, strict=True):
            stream.write(b',"%s":[\n' % name.encode())
            append_file(stream, path)
            stream.write(b"\n]")
        listed = _classes(narrowed, kept).categories
        stuff = _stuff(listed, options, kept)
        categories = [_category(one, options, one.id not in stuff, kept) for one in listed]
        stream.write(b',"categories":[\n' + written_lines(categories) + b"\n]}\n")


def _classes(narrowed: Narrowed, kept: Kept) -> Classes:
    shapes = narrowed.carries.shapes | narrowed.carries.approximates
    return Classes(narrowed.labels.ontology, shapes, kept.category_ids, names=kept.classes)


def _stuff(categories: list[Category], options: WriteOptions, kept: Kept) -> dict[int, str]:
    """Return the names of the categories that are stuff, by number: as the options say, else as the source does."""
    if options.stuff is None:
        return {one.id: one.name for one in categories if kept.classes.get(one.name, {}).get("isthing") == 0}
    named = {name.strip() for name in (options.stuff or "").split(",")} - {""}
    known = {category.name: category.id for category in categories}
    unknown = sorted(named - known.keys())
    if unknown:
        listed = ", ".join(map(repr, known)) or "none"
        raise OptionError(f"coco-panoptic: stuff names {unknown[0]!r}, which is no class here; there are: {listed}.")
    return {known[name]: name for name in known if name in named}


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
        image = _Image(
            kept.number(kept.image(row, frame).get("id")),
            width,
            height,
            names.of(row, frame, own=kept.image(row, frame).get("file_name")),
        )
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


def _ids(native: Native | None, instances: Sequence[ObjectInstance], frame: int) -> list[int]:
    """Return the number of each object on an image: that of its segment in the source, else the next free."""
    ids = [0 if native is None else native.of(one.object_hash, frame).get(SEGMENT, 0) for one in instances]
    first = {id_: at for at, id_ in reversed(list(enumerate(ids)))}
    ids = [id_ if 0 < id_ < 1 << 24 and first[id_] == at else 0 for at, id_ in enumerate(ids)]
    taken = set(ids)
    free = (number for number in count(1) if number not in taken)
    return [id_ or next(free) for id_ in ids]


def _segments(
    layer: Layer, ids: Sequence[int], shown: Iterable[ObjectInstance], frame: int, classes: Classes
) -> list[dict[str, Any]]:
    """Return the segments of an image: of each object of which a pixel shows."""
    hashes = {one.object_hash for one in shown}
    segments = []
    for index, instance in enumerate(layer.instances if hashes else ()):
        if instance.object_hash in hashes:
            left, top, right, bottom = layer.extents[index]
            segments.append(
                {
                    "id": ids[index],
                    "category_id": classes.of(instance.ontology_item).category_id,
                    "area": layer.areas[index] - layer.hidden[index],
                    "bbox": [left, top, right - left, bottom - top],
                    "iscrowd": int(is_crowd(instance, frame)),
                }
            )
    return segments


def _note_stuff(segments: list[dict[str, Any]], stuff: Mapping[int, str], narrowed: Narrowed) -> None:
    found = Counter(segment["category_id"] for segment in segments)
    for id_ in sorted(id_ for id_ in stuff if found[id_] > 1):
        detail = f"There are several segments of {stuff[id_]!r} on an image, which is stuff; readers may want one."
        narrowed.note(Level.WARNING, "STUFF_TWICE", detail)


FORMAT = Format(
    name="coco-panoptic",
    title="COCO panoptic segmentation",
    spec="https://cocodataset.org/#format-data",
    suffixes=(),
    identify=identify,
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES, walk=walk),
    read_by="coco",
)
