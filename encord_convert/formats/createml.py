"""Create ML object detection: one JSON list of images, each with its labels and boxes.

What it is
    What Apple's Create ML and Turi Create train object detectors on, and Roboflow, RectLabel and MakeML export.

Files on disk
    A JSON file next to the images: ``annotations.json``, or ``<split>/_annotations.createml.json`` for each split.
    Create ML wants it to be the only JSON file of its folder. Sizes come from the images, else from ``sizes.csv``
    (ours), else from ``-r size=640x480``.

How each hub thing maps
    ================  ==================================================================================================
    image             the title of the row; ``annotations`` are its objects. Older files call the two ``imagefilename``
                      and ``annotation``, which comes back
    label             the class
    coordinates       a bounding box: x and y are its centre, in pixels as continuous numbers from 0 at the top left
    other keys        kept as Create ML's own: they come back, and other formats count them
    ================  ==================================================================================================

What is lost
    Reading: boxes without an area, entries without an image or a label. Writing: all but boxes; other areas are written
    as their bounding box, video frames as images.

Sources
    Apple developer documentation, "Building an object detector data source" and
    ``MLObjectDetector.AnnotationType.boundingBox(units: .pixel, origin: .topLeft, anchor: .center)``;
    ``fixtures/createml/sharks-tiny``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO

from encord_convert.errors import ReadError, SizeUnknownError
from encord_convert.formats._annotations import Annotation, RowBuilder, native_of
from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._boxes import box_carries, box_from_px, box_px, rounded
from encord_convert.formats._files import HEAD_BYTES, Source, Target
from encord_convert.formats._images import named_images
from encord_convert.formats._json_heads import head_of, sketch
from encord_convert.formats._lines import json_of
from encord_convert.formats._sizes import SIZES, Size, SizeOptions, Sizes, write_sizes
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Level, Where
from encord_convert.hub.media import LabelFile
from encord_convert.hub.splits import metadata_of, named_in, split_of, standard
from encord_convert.hub.visibility import is_far
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

FAMILY = "createml"
CARRIES = box_carries(set(), {DataType.IMAGE}, 0.001, native=frozenset({FAMILY}))
_KEYS = (("image", "annotations"), ("imagefilename", "annotation"))
_SIDES = ("x", "y", "width", "height")
_DEPTH = 3


def _keys_of(entry: Any) -> tuple[str, str] | None:
    """Return the keys of an entry's image and labels; None if it is not an entry."""
    return next((keys for keys in _KEYS if isinstance(entry, dict) and keys[0] in entry), None)


def _files(source: Source) -> list[str]:
    heads = ((name, head_of(source, name)) for name in source.names(".json", depth=_DEPTH))
    return [name for name, head in heads if _is_mine(sketch(head), is_cut=len(head) >= HEAD_BYTES)]


def _is_mine(top: Any, *, is_cut: bool = False) -> bool:
    if is_cut and isinstance(top, list) and len(top) == 1 and isinstance(top[0], dict) and len(top[0]) == 1:
        return _keys_of(top[0]) is not None  # the name of its first image is longer than the head
    entries = [(entry, keys) for entry in top if (keys := _keys_of(entry))] if isinstance(top, list) else []
    lists = [
        one[keys[1]] for one, keys in entries if isinstance(one[keys[0]], str) and isinstance(one.get(keys[1]), list)
    ]
    inner = [each for some in lists for each in some if isinstance(each, dict)]
    return any("coordinates" in item for item in inner) or bool(lists and not inner)


def _is_empty(source: Source, name: str) -> bool:
    return head_of(source, name).replace(b" ", b"").replace(b"\n", b"") == b"[]"


def identify(source: Source) -> Match:
    """Say yes to JSON lists of images whose annotations have coordinates."""
    return Match.YES if _files(source) else Match.NO


def read(source: Source, options: SizeOptions, report: Report) -> LabelSet:
    """Read all files: their classes at once, their rows when they are walked.

    Raises
    ------
    ReadError
        There are none, one is not JSON, or the size of an image is not known.
    """
    files, sizes = _files(source), Sizes(source, options.size)
    others = [name for name in source.names(".json", depth=_DEPTH) if name not in files]
    if not files and (SIZES not in source.names(SIZES, depth=1) or not all(_is_empty(source, one) for one in others)):
        raise ReadError(source.name, "has no JSON list of images with annotations.")
    builder = RowBuilder(FAMILY, {"image.(keys)"})
    for name in files:
        for number, entry in enumerate(json_of(source, name, list)):
            keys = _keys_of(entry)
            if keys is None or not isinstance(entry[keys[0]], str):
                where, detail = (
                    Where(source.place(name), element=f"[{number}]"),
                    f"An entry has no image: {entry!r:.80}",
                )
                builder.counts.into["image", ""] += 1
                builder.counts.drop("INVALID_ANNOTATION", Feature.MEDIA, ("image", ""), where, detail)
            elif keys[1] not in entry:
                where, detail = Where(source.place(name)), f"{entry[keys[0]]}: no {keys[1]!r} among {', '.join(entry)}."
                builder.counts.note(Level.WARNING, "NO_ANNOTATIONS", detail, where)

    def entries() -> Iterator[tuple[str, int, Any, tuple[str, str]]]:
        for name in files:
            for number, entry in enumerate(json_of(source, name, list)):
                keys = _keys_of(entry)
                if keys is not None and isinstance(entry[keys[0]], str):
                    yield name, number, entry, keys

    def rows() -> Iterator[LabelRowV2]:
        for name, number, entry, keys in entries():
            image, place = entry[keys[0]], source.place(name)
            try:
                size = sizes.known(image, place, title=image, beside=LabelFile(name).folder)
            except SizeUnknownError as error:
                builder.leave_out(error, image, place)
                continue
            row = builder.row(DataType.IMAGE, size.title, size.px, f"{name} {number}", place)
            row._file = LabelFile(name, image)
            row.client_metadata = metadata_of(named_in(name) if len(files) > 1 or "/" in name else "")
            own = {key: value for key, value in entry.items() if key not in keys}
            yield builder.fill(
                row, _annotations(entry, keys, size.px), own | ({} if keys == _KEYS[0] else {"(keys)": list(keys)})
            )

    return builder.labels(
        (annotation for _, _, entry, keys in entries() for annotation in _annotations(entry, keys, (1, 1))), rows
    )


def _annotations(entry: dict[str, Any], keys: tuple[str, str], size: tuple[int, int]) -> Iterator[Annotation]:
    given = entry.get(keys[1])
    for item in given if isinstance(given, list) else [] if given is None else [given]:
        label = item.get("label") if isinstance(item, dict) else None
        annotation = Annotation(label if isinstance(label, str) else "")
        if not isinstance(label, str):
            annotation.fault = "INVALID_ANNOTATION", f"Annotation without a label: {item!r:.80}"
            yield annotation
            continue
        said = item.get("coordinates")
        sides: list[Any] = [said.get(side) for side in _SIDES] if isinstance(said, dict) else []
        if len(sides) == 4 and all(type(side) in (int, float) for side in sides) and not is_far(sides):
            x, y, width, height = map(float, sides)
            annotation.coordinates = box_from_px(x - width / 2, y - height / 2, width, height, size)
        if annotation.coordinates is None:
            annotation.fault = "INVALID_BBOX", f"Annotation without a box of positive area: {item!r:.120}"
        else:
            annotation.native = {f"coordinates.{key}": value for key, value in said.items() if key not in _SIDES}
            annotation.native |= {key: value for key, value in item.items() if key not in ("label", "coordinates")}
        yield annotation


def write(narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write a file for each split, or one."""
    sizes: list[Size] = []
    with ExitStack() as stack:
        streams: dict[str, BinaryIO] = {}
        for image in named_images(narrowed):
            split = split_of(image.row.client_metadata)
            name = f"{split}/_annotations.createml.json" if standard(split) else "annotations.json"
            begun = name in streams
            if not begun:
                streams[name] = stack.enter_context(target.open(name))
            native = native_of(image.row, FAMILY, narrowed.labels.native)
            own = dict(native.row) if native else {}
            keys, boxes, size = own.pop("(keys)", _KEYS[0]), [], (image.width, image.height)
            for object_ in image.objects:
                members = dict(native.of(object_.object_hash, image.frame)) if native else {}
                left, top, *sides = box_px(object_._frames[image.frame].coordinates, size, CARRIES.tolerance_px)
                box = map(rounded, (left + sides[0] / 2, top + sides[1] / 2, *sides))
                inner = {key[12:]: members.pop(key) for key in [*members] if key.startswith("coordinates.")}
                boxes.append(
                    {"label": object_.object_name, "coordinates": dict(zip(_SIDES, box, strict=True)) | inner} | members
                )
            text = json.dumps({keys[0]: image.name, keys[1]: boxes} | own, ensure_ascii=False)
            streams[name].write((b",\n" if begun else b"[\n") + text.encode("utf-8", "surrogatepass"))
            sizes.append(Size(image.name, *size, image.title if image.title != image.name else ""))
        for stream in streams.values() or [stack.enter_context(target.open("annotations.json"))]:
            stream.write(b"\n]\n" if streams else b"[]\n")
    write_sizes(target, sizes)


FORMAT = Format(
    name="createml",
    title="Create ML object detection",
    spec="https://developer.apple.com/documentation/createml/building-an-object-detector-data-source",
    suffixes=(),
    identify=identify,
    importer=Importer(read, SizeOptions, CARRIES),
    exporter=Exporter.of_narrowed(write, NoOptions, CARRIES, walk=named_images),
)
