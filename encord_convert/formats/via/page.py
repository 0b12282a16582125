"""VGG Image Annotator (VIA) 1 and 2: regions of images, as JSON or CSV.

What it is
    Saved by the annotation tool of Oxford's Visual Geometry Group; a common input of Mask R-CNN training.

Files on disk
    A project (``_via_img_metadata`` among other keys), only its annotations (an object of images by name and size), or
    ``via_region_data.csv``. The form is kept; other sources are written as a project. Sizes come from the images, else
    from ``sizes.csv`` (ours), else from ``-r size=1024x768``.

How each hub thing maps
    =======================  =======================================================================================
    rect, polygon,           a bounding box, polygon, polyline and point, in pixels as continuous numbers from 0
    polyline, point
    circle, ellipse          a circle, an ellipse; a stretched circle of others is an ellipse with a mark
    region attribute         the class, if it is ``-r label=NAME``; by default the first there is of object_label,
                             label, class, name, type, category and object, else the only one there is
    other region attributes  answers: a text, an option of a radio or dropdown, what is checked of a checkbox, a number
    split                    the file attribute ``split``; where images have none, the folder of their file
    other file attributes,   kept as VIA's own: they come back, and other formats count them
    size, settings, others
    =======================  =======================================================================================

What is lost
    Reading: regions without an extent or of other shapes. Writing: masks and skeletons, dynamic or nested answers;
    rotated boxes become polygons, polygons keep only the outline of their largest part.

Sources
    VIA 2.0.12: its user guide, and CodeDoc.md (https://www.robots.ox.ac.uk/~vgg/software/via/).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from encord_convert.errors import ReadError, SizeUnknownError
from encord_convert.formats._annotations import Annotation, Choice, RowBuilder, answers_from_json
from encord_convert.formats._api import Exporter, Format, Importer, Match
from encord_convert.formats._files import Source, Target
from encord_convert.formats._images import named_images
from encord_convert.formats._lines import json_of
from encord_convert.formats._shapes import coordinates_from_px
from encord_convert.formats._sizes import SizeOptions, Sizes
from encord_convert.formats.via import forms
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature, Level
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import NOTES, leaves
from encord_convert.hub.splits import KEY, metadata_of, named_in
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.objects.common import NewerShape

FAMILY, TOLERANCE_PX, CIRCLE = "via", 0.001, "is_circle"
_SHAPES = (Shape.BOUNDING_BOX, Shape.POLYGON, Shape.POLYLINE, Shape.POINT)
CARRIES = Carries(
    shapes=frozenset({*_SHAPES, NewerShape.CIRCLE, NewerShape.ELLIPSE}),  # type: ignore[arg-type]
    data_types=frozenset({DataType.IMAGE}),
    features=frozenset({Feature.ANSWERS, Feature.EMPTY_ROWS, Feature.OVERLAPS, Feature.OUT_OF_BOUNDS}),
    tolerance_px=TOLERANCE_PX,
    codes={Shape.ROTATABLE_BOUNDING_BOX: "ROTATION_AS_POLYGON", Feature.HOLES: "HOLES_FILLED"},
    approximates=frozenset({Shape.ROTATABLE_BOUNDING_BOX}),
    bounded=frozenset({Shape.ROTATABLE_BOUNDING_BOX}),
    native=frozenset({FAMILY}),
)
LABELS = ("object_label", "label", "class", "name", "type", "category", "object")
POINTS = ("all_points_x", "all_points_y")
SHAPES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "rect": (Shape.BOUNDING_BOX, ("x", "y", "width", "height")), "point": (Shape.POINT, ("cx", "cy")),
    "polygon": (Shape.POLYGON, POINTS), "polyline": (Shape.POLYLINE, POINTS),
    "circle": (NewerShape.CIRCLE, ("cx", "cy", "r")), "ellipse": (NewerShape.ELLIPSE, ("cx", "cy", "rx", "ry")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadOptions(SizeOptions):
    """How to read VIA files."""

    label: str | None = field(default=None, metadata={"help": "The region attribute that is the class."})


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How VIA files are written."""

    form: Literal["auto", "project", "json", "csv"] = field(
        default="auto", metadata={"help": "The kind of file; auto: that of a source of VIA, else a project."}
    )


def identify(source: Source) -> Match:
    """Say yes to JSON or CSV of images with regions."""
    return Match.YES if forms.files_of(source) else Match.NO


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read all files: their classes at once, their rows when they are walked.

    Raises
    ------
    ReadError
        There is none, one is neither JSON nor CSV, or the size of an image is not known.
    """
    files, sizes = forms.files_of(source), Sizes(source, options.size)
    if not files:
        raise ReadError(source.name, "has no images with regions, neither as JSON nor as CSV.")
    builder = RowBuilder(FAMILY, {"image.size", "annotation.(no label)"})
    projects = [json_of(source, name, dict) for name, form in files.items() if form == "project"]
    given = [project.get(forms.ATTRIBUTES) for project in projects]
    asked = {key: forms.inner(how, "options") for each in given for key, how in forms.inner(each, "region").items()}
    used = {
        key: None
        for *_, entry in forms.entries_of(source, files)
        for one in forms.regions_of(entry)
        for key in forms.inner(one, forms.REGION[1])
    }
    label = options.label or next((key for key in LABELS if key in used), next(iter(used)) if len(used) == 1 else None)
    rest = {key: value for item in projects for key, value in item.items() if key != forms.METADATA}
    detail = f"Kept for VIA only, of a project: {', '.join(map(repr, rest))}."
    note = Level.INFO, "NATIVE_DROPPED", detail, "settings", leaves(rest)
    native = {"form": next(iter(files.values())), "label": label, "project": rest, NOTES: [note] if rest else []}

    def rows() -> Iterator[LabelRowV2]:
        for name, key, entry in forms.entries_of(source, files):
            image = str(entry["filename"])
            try:
                size = sizes.known(image, source.place(name), title=image, beside=LabelFile(name).folder)
            except SizeUnknownError as error:
                builder.leave_out(error, image, source.place(name))
                continue
            row = builder.row(DataType.IMAGE, size.title, size.px, f"{name} {key}", source.place(name))
            row._file = LabelFile(name, image)
            own = {one: value for one, value in entry.items() if one not in ("filename", "regions")}
            attributes = own.get("file_attributes")
            split = named_in(name) if len(files) > 1 or "/" in name else ""
            if isinstance(attributes, dict) and isinstance(attributes.get(KEY), str) and attributes[KEY]:
                split = attributes[KEY]
                own["file_attributes"] = {one: value for one, value in attributes.items() if one != KEY}
            row.client_metadata = metadata_of(split)
            own |= {} if key == f"{image}{entry.get('size', -1)}" else {"(key)": key}
            yield builder.fill(
                row, (_annotation(region, label, asked, size.px) for region in forms.regions_of(entry)), own
            )

    for name, form in files.items():
        forms.count_unread(source, name, form, builder)
    for *_, entry in forms.entries_of(source, files):
        for annotation in (_annotation(region, label, asked, (1, 1)) for region in forms.regions_of(entry)):
            if annotation.fault is not None and not annotation.label:
                continue
            builder.declare(annotation.label, annotation.shape, annotation.answers)
            for key in annotation.answers.keys() & asked.keys():
                for option in asked[key]:
                    one = (option,) if isinstance(annotation.answers[key], tuple) else Choice(option)
                    builder.declare(annotation.label, annotation.shape, {key: one})
    return builder.labels((), rows, native=native)


def _annotation(region: Any, label: str | None, asked: dict[str, Any], size: tuple[int, int]) -> Annotation:
    shape, attributes = dict(forms.inner(region, forms.REGION[0])), dict(forms.inner(region, forms.REGION[1]))
    name = given if isinstance(given := shape.get("name"), str) and given else "region"
    kind, keys = SHAPES.get(name, (Shape.POLYGON, ()))
    annotation = Annotation("region", type=name, shape=kind)
    if isinstance(attributes.get(label or ""), str):
        annotation.label = attributes.pop(label or "")
    else:
        annotation.native["(no label)"] = True
    annotation.answers, rest = answers_from_json(attributes, asked)
    annotation.native |= {f"{forms.REGION[1]}.{key}": value for key, value in rest.items()}
    try:
        numbers = [shape[key] for key in keys]
        if keys == POINTS:
            numbers = [number for both in zip(*numbers, strict=True) for number in both]
        elif name in ("circle", "ellipse"):
            annotation.shape = NewerShape.CIRCLE if shape.get(CIRCLE) is True else kind
            numbers = [*numbers, *numbers[2:]][:4]
            numbers.append(math.degrees(float(shape.get("theta") or 0)))
        annotation.coordinates = coordinates_from_px(annotation.shape, numbers, size)
    except (KeyError, TypeError, ValueError, OverflowError):
        annotation.fault = "INVALID_GEOMETRY", f"It is not a shape with an extent: {region!r:.120}"
        annotation.label = "" if "(no label)" in annotation.native else annotation.label
        return annotation
    read = {"name", *keys, *(key for key in ("theta", CIRCLE) if name == "ellipse" and shape.get(key))}
    extra = {key: value for key, value in shape.items() if key not in read}
    annotation.native |= {forms.REGION[0]: extra} if extra else {}
    annotation.native |= {key: one for key, one in region.items() if key not in forms.REGION}
    annotation.native |= (
        {} if isinstance(region.get(forms.REGION[1], {}), dict) else {forms.REGION[1]: region[forms.REGION[1]]}
    )
    return annotation


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write one file."""
    from encord_convert.formats.via.write import write_file

    write_file(narrowed, target, options.form)


FORMAT = Format(
    name="via",
    title="VGG Image Annotator",
    spec="https://www.robots.ox.ac.uk/~vgg/software/via/",
    suffixes=(),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES),
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES, walk=named_images),
)
