"""Masks as PNG images: one per object, one of instances per image, or one of classes per image.

What it is
    The form in which segmentation models are trained and their predictions come: ``masks`` has an image of one bit
    for each object, ``masks-instance`` an image of 16-bit object numbers for each frame, ``masks-index`` an image of
    class numbers with a palette for each frame.

Files on disk
    ===================================  ==============================================================================
    ``masks/<image>/<n>_<class>.png``    ``masks``: the objects of an image, numbered from 0; 1 bit, white inside
    ``masks/<image>.png``                ``masks-instance``: 16 bits, 0 for nothing, else the number of the object from
                                         1; ``masks-index``: 8 bits with a palette (16 bits without one from 255 classes
                                         on), 0 for nothing, else ``value`` of the class
    ``classes.json``                     ``classes``: name, colour and, in ``masks-index``, ``value``; ``ontology``: all
                                         the ontology in the form of the hub
    ``labels.jsonl``                     one label row a line in the form of the hub. ``bitmask`` of an object is
                                         ``{"file": …}``, or ``{"value": …}`` in the image its frame has in ``masks``
    ===================================  ==============================================================================

    ``<image>`` is the title without suffix, and its folders; images of a group stand below the group's title,
    frames of videos and DICOM series have six digits below the title. What no system takes in a name is ``%XX``; a name
    given twice gets `` (2)``. The files say which image is whose, so no name has to be read back. A still image
    without objects has an image of zeros where there is one per frame; of other media the labelled frames have one.
    The bytes are the same on every run: no time, no text, one compression.

How each hub thing maps
    A bitmask keeps its pixels. A polygon, a box and a rotatable box become the pixels whose centres they hold, one at
    least, as do the outlines of ellipses, circles and cuboids; their class becomes one of bitmasks, and a label drawn
    in several of these shapes is one class. Answers, frame labels, tracks, authors, times and what else the row says
    stand in ``labels.jsonl``, save in ``masks-index``, where objects of a class are one area.

What is lost
    Points, polylines, skeletons; reviews. The corners of what was painted (``POLYGON_AS_MASK``, ``BOX_AS_MASK``,
    ``ROTATED_BOX_AS_MASK``); what lies outside its image (``CLIPPED``) and what covers nothing (``EMPTY_MASK``,
    ``INVALID_POLYGON``). Where a frame has one image, what lies below an object that comes later: a part
    (``HIDDEN_PIXELS``, changed) or all of it (dropped). In ``masks-index`` the objects, with all that is said of them.
    Images that no label names are not read (``FILE_NOT_READ``).

Dialects met in the wild
    ``masks-index`` reads folders that others made: images of 8 or 16 bits, with a palette or grey, and RGB coded by
    colour. The classes come from ``classes.txt``, ``labelmap.txt``, ``class_dict.csv``, ``label_colors.txt`` or
    ``-r classes=FILE``, a file beside the masks with a class a line: a name (numbered from 0), a number and a name, or
    three numbers of a colour and a name in either order. Without one a class is called after its number. 255 is void
    unless a class has it (``-r ignore``). Each image is read as a still image of its own name, and each class in it
    as one object. ``masks`` reads ``<image>/masks/*.png``, as nuclei sets come, and
    knows them by ``<image>/images/<image>.png``.

Sources
    PNG, 2nd edition, ISO/IEC 15948:2004. Pascal VOC 2012 development kit, "Segmentation" (palette, 255 void). CamVid
    ``label_colors.txt``. 2018 Data Science Bowl, "Data" (a folder of masks per image).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from encord_convert.errors import OptionError, ReadError
from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._files import Source
from encord_convert.formats.masks import rows as rows
from encord_convert.formats.masks.folders import (
    has_nuclei,
    is_index_folder,
    nuclei,
    read_image,
    read_index_folder,
)
from encord_convert.formats.masks.write import walk_index, walk_instance, write, write_parts
from encord_convert.geometry import png
from encord_convert.geometry.paintings import mask_of, values_in
from encord_convert.hub.draft import Hashes, frame_info
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.native import HUB, Keys
from encord_convert.hub.visibility import unit_size
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance, Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates

if TYPE_CHECKING:
    pass

CARRIES = rows.CARRIES

CARRIES_INSTANCE = Carries(
    CARRIES.shapes,
    CARRIES.data_types,
    CARRIES.features,
    0.0,
    CARRIES.codes,
    CARRIES.approximates,
    "objects",
    native=HUB,
    extent="unit",
)

CARRIES_INDEX = Carries(
    shapes=frozenset(),
    data_types=CARRIES.data_types,
    features=frozenset({Feature.COLOUR, Feature.EMPTY_ROWS}),
    codes={**CARRIES.codes, Shape.BITMASK: "BITMASK_AS_AREA"},
    approximates=frozenset({Shape.BITMASK, *CARRIES.approximates}),
    one_layer="classes",
    extent="unit",
    native=frozenset({"ontology", "rows"}),
)


@dataclass(frozen=True, slots=True)
class IndexReadOptions:
    """How images of classes are read that say nothing of their classes."""

    classes: str | None = field(
        default=None, metadata={"help": "File beside the masks that names the classes; none: one of the usual names."}
    )
    ignore: int | None = field(default=255, metadata={"help": "Value that is no class, unless a class has it."})
    label: str = field(default="class", metadata={"help": "First word of the name of a class that has none."})

    def __post_init__(self) -> None:
        if not self.label:
            raise ValueError("label= is not allowed; it takes a word.")


# --- reading --------------------------------------------------------------------------------------------------------


def identify(source: Source) -> Match:
    """Say yes to the two files of ``masks``, and to a folder of masks per image."""
    return Match.YES if rows.folder_of(source, "masks") is not None or has_nuclei(source) else Match.NO


def identify_instance(source: Source) -> Match:
    """Say yes to the two files of ``masks-instance``."""
    return Match.YES if rows.folder_of(source, "masks-instance") is not None else Match.NO


def identify_index(source: Source) -> Match:
    """Say yes to the two files of ``masks-index``, and to images of indices beside a list of classes."""
    return Match.YES if rows.folder_of(source, "masks-index") is not None else is_index_folder(source)


def read(source: Source, options: NoOptions, report: Report) -> LabelSet:
    """Read an image per object.

    Raises
    ------
    ReadError
        A file is missing, damaged, or not of the size of its image.
    """
    folder = rows.folder_of(source, "masks")
    if folder is None:
        _tell_beside(source, report)
        return nuclei(source)
    classes, structure = rows.read_classes(source, folder)

    def start() -> Any:
        images = rows.Unnamed(source, folder)

        def fill(place: dict[str, Any], layers: Mapping[str, Any]) -> tuple[dict[str, Any], Keys]:
            image = read_image(source, images.named(place.get("file")))
            if image.has_channels:
                raise ValueError(f"{place['file']} has {image.channels} channels, and a mask has one")
            return rows.encoded_mask(mask_of(image), image.width, image.height), {}

        return fill, lambda row, layers: None, images.left

    return rows.labels_of(source, folder, classes, structure, start, report)


def read_instance(source: Source, options: NoOptions, report: Report) -> LabelSet:
    """Read an image of object numbers per frame.

    Raises
    ------
    ReadError
        A file is missing, damaged, or not of the size of its image.
    """
    folder = rows.folder_of(source, "masks-instance")
    if folder is None:
        fact = "holds no classes.json and labels.jsonl of masks-instance."
        raise ReadError(source.name, fact, advice="Plain images of numbers are read as masks-index.")
    classes, structure = rows.read_classes(source, folder)

    def start() -> Any:
        images = rows.Unnamed(source, folder)
        last: dict[str, Any] = {}

        def fill(place: dict[str, Any], layers: Mapping[str, Any]) -> tuple[dict[str, Any], Keys]:
            name = images.named(layers.get(str(layers["frame"])))
            if last.get("name") != name:
                image = _values(source, name)
                last.update(name=name, masks=dict(values_in(image)), size=(image.width, image.height))
            value = place.get("value")
            if value not in last["masks"]:
                raise ValueError(f"{name} has no pixel of the value {value!r}")
            return rows.encoded_mask(last["masks"][value], *last["size"]), {}

        return fill, images.take, images.left

    return rows.labels_of(source, folder, classes, structure, start, report)


def read_index(source: Source, options: IndexReadOptions, report: Report) -> LabelSet:
    """Read an image of class numbers per frame.

    Raises
    ------
    ReadError
        A file is missing, damaged, or not of the size of its image.
    OptionError
        There is no file of the name ``classes`` gives.
    """
    folder = rows.folder_of(source, "masks-index")
    if folder is None:
        if options.classes is not None and options.classes not in source.names():
            raise OptionError(f"masks-index: classes={options.classes} is no file of {source.name}.")
        _tell_beside(source, report, options.classes)
        return read_index_folder(source, options.classes, options.ignore, options.label)
    members, structure = rows.read_classes(source, folder)
    place = source.place(folder + rows.CLASSES)
    try:
        by_hash = {item.feature_node_hash: item for item in structure.objects}
        classes = {one["value"]: by_hash[one["featureNodeHash"]] for one in members["classes"]}
    except (KeyError, TypeError) as error:
        fact = f"names a class without value or of no hash in its ontology ({error})."
        raise ReadError(place, fact) from error
    other = next((item for item in classes.values() if item.shape is not Shape.BITMASK), None)
    if other is not None:
        shape = getattr(other.shape, "value", other.shape)
        raise ReadError(place, f"gives a value to the class {other.name!r}, which is a {shape} and not a bitmask.")
    hashes, info = Hashes("masks-index"), frame_info()

    def finish(images: rows.Unnamed, row: LabelRowV2, layers: Mapping[str, Any]) -> None:
        for frame, name in layers.items():
            image = _values(source, images.named(name))
            if (image.width, image.height) != (size := unit_size(row, int(frame))):
                found = f"{image.width} x {image.height}"
                raise ValueError(f"{name} is {found} pixels, its image {size[0]} x {size[1]} (width x height)")
            for value, box_runs in values_in(image):
                if value not in classes:
                    raise ValueError(f"{name} has the value {value}, which classes.json has not")
                hash_ = hashes.short(row.label_hash, frame, value)
                instance = ObjectInstance(classes[value], object_hash=hash_)
                instance._place(int(frame), BitmaskCoordinates._from_box_runs(*box_runs, *size), info)
                row.add_object_instance(instance)

    def start() -> Any:
        images = rows.Unnamed(source, folder)
        return lambda place, layers: (place, {}), partial(finish, images), images.left

    return rows.labels_of(source, folder, members, structure, start, report)


def _tell_beside(source: Source, report: Report, read: str | None = None) -> None:
    """Say which JSON files beside the masks are not read."""
    others = [name for name in source.names() if name.lower().endswith((".json", ".jsonl")) and name != read]
    if others:
        from encord_convert.formats._beside import tell_json

        tell_json(source, others, report.finding)


def _values(source: Source, name: str) -> png.Bands:
    image = read_image(source, name)
    if image.has_channels:
        raise ReadError(source.place(name), "has several channels; a mask of numbers has one.")
    return image


_SPEC = "https://www.w3.org/TR/png/"

FORMAT = Format(
    name="masks",
    title="PNG masks, one per object",
    spec=_SPEC,
    suffixes=(),
    identify=identify,
    importer=Importer(read, NoOptions, CARRIES),
    exporter=Exporter.of_narrowed(partial(write, "masks"), NoOptions, CARRIES, partial(write_parts, "masks")),
)

FORMAT_INSTANCE = Format(
    name="masks-instance",
    title="PNG masks of object numbers, one per image",
    spec=_SPEC,
    suffixes=(),
    identify=identify_instance,
    importer=Importer(read_instance, NoOptions, CARRIES_INSTANCE),
    exporter=Exporter.of_narrowed(
        partial(write, "masks-instance"),
        NoOptions,
        CARRIES_INSTANCE,
        partial(write_parts, "masks-instance"),
        walk=walk_instance,
    ),
)

FORMAT_INDEX = Format(
    name="masks-index",
    title="PNG masks of classes, one per image",
    spec="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html",
    suffixes=(),
    identify=identify_index,
    importer=Importer(read_index, IndexReadOptions, CARRIES_INDEX, cuts=True),
    exporter=Exporter.of_narrowed(
        partial(write, "masks-index"),
        NoOptions,
        CARRIES_INDEX,
        partial(write_parts, "masks-index"),
        walk=walk_index,
    ),
)
