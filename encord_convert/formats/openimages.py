"""Open Images: boxes in CSV tables, with coordinates as shares of the image.

What it is
    The form of the bounding boxes of Open Images V4 to V7, which CVAT, FiftyOne and Datumaro write too.

Files on disk
    ``<split>-annotations-bbox.csv``, a row a box; ``class-descriptions*.csv`` with the names of labels and
    ``*hierarchy.json`` next to it or below. Images are called by their id: ``0001eeaf4aed83f9.jpg``. Sizes come from
    them, else from ``sizes.csv`` (ours), else from ``-r size=1024x768``.

How each hub thing maps
    =========================  =====================================================================================
    ImageID, file              the title of the row, with the ending of its image; the split
    LabelName                  the class, by the name that its description has; the id comes back
    XMin, XMax, YMin, YMax     a bounding box, in shares of the image, 0 at the top left
    Confidence                 the confidence; below 1 a machine made it
    IsOccluded, IsGroupOf, …   a checklist of that name, checked for 1; 0 is no answer
    Source, -1 (not known),    kept as Open Images' own: they come back, and other formats count them
    hierarchy, other columns
    =========================  =====================================================================================

What is lost
    Reading: boxes without an area; image-level labels, masks and relations, which are in tables of their own (a note
    names them). Writing: all but boxes; other areas are written as the box around them, frames of videos as images.

Sources
    https://storage.googleapis.com/openimages/web/download_v7.html, "Data formats".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from encord_convert.errors import ReadError, SizeUnknownError
from encord_convert.formats._annotations import Annotation, RowBuilder, answers_at, native_of, plain
from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._boxes import box_carries, box_from_px, box_px, is_checked, is_number, rounded
from encord_convert.formats._files import Source, Target
from encord_convert.formats._images import named_images
from encord_convert.formats._json_heads import head_of
from encord_convert.formats._lines import Table, csv_writer, json_of, rows_of
from encord_convert.formats._paths import Paths
from encord_convert.formats._sizes import (
    META,
    SIZES,
    Size,
    SizeOptions,
    Sizes,
    meta_sizes,
    write_sizes,
)
from encord_convert.formats.coco.write_images import split_suffix
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Level
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import CLASSES, NOTES
from encord_convert.hub.splits import metadata_of, split_of, standard
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Shape

FAMILY = "openimages"
FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")
SIDES = ("XMin", "XMax", "YMin", "YMax")
COLUMNS = ("ImageID", "Source", "LabelName", "Confidence", *SIDES, *FLAGS)
CARRIES = box_carries(
    {Feature.CONFIDENCE}, {DataType.IMAGE}, 0.01, native=frozenset({FAMILY}),
    keeps_answer=lambda attribute, value: attribute.title in FLAGS and is_checked(attribute, value),
)  # fmt: skip
_MOST_META = 1 << 26
_DEPTH, _MOST_CLASSES, _TABLE = 3, 1000, "annotations-bbox.csv"


def _annotation(line: int, row: dict[str, str], labels: Mapping[str, str]) -> Annotation:
    annotation = Annotation(labels.get(row["LabelName"], row["LabelName"]), line=line)
    if all(is_number(row[side]) for side in SIDES):
        left, right, top, bottom = (float(row[side]) for side in SIDES)
        annotation.coordinates = box_from_px(left, top, right - left, bottom - top, (1, 1))
    if annotation.coordinates is None:
        annotation.fault = "INVALID_BBOX", f"The box {' '.join(row[side] for side in SIDES)} has no area."
    annotation.answers = {flag: (flag,) for flag in FLAGS if row.get(flag) == "1"}
    annotation.native = {key: cell for key, cell in row.items() if cell and key not in _READ}
    annotation.native |= {flag: row[flag] for flag in FLAGS if row.get(flag, "0") not in ("0", "1")}
    score = row.get("Confidence", "1")
    if not is_number(score):
        annotation.native["Confidence"] = score
    elif float(score) != 1:
        annotation.score(score, "Confidence")
    return annotation


_READ = frozenset({*COLUMNS} - {"Source"})


def _files(source: Source) -> list[str]:
    heads = {name: head_of(source, name, 4096).partition(b"\n")[0] for name in source.names(".csv", depth=_DEPTH)}
    wanted = {"ImageID", "LabelName", *SIDES}
    return [name for name, head in heads.items() if wanted <= {*head.decode("utf-8", "replace").strip().split(",")}]


def identify(source: Source) -> Match:
    """Say yes to a CSV table with the columns of boxes."""
    return Match.YES if _files(source) else Match.NO


def read(source: Source, options: SizeOptions, report: Report) -> LabelSet:
    """Read all tables of boxes: their classes at once, their rows when they are walked.

    Raises
    ------
    ReadError
        There is none, one is not CSV, or the size of an image is not known.
    """
    files, sizes = _files(source), Sizes(source, options.size)
    if not files:
        raise ReadError(source.name, f"has no CSV table with the columns ImageID, LabelName, {', '.join(SIDES)}.")
    builder, native, names = RowBuilder(FAMILY), dict[str, Any]({NOTES: []}), dict[str, str]()
    for name in source.names(depth=_DEPTH):
        if re.search(r"class-descriptions[^/]*\.csv$", name):
            for _, cells in rows_of(source, name):
                if "head" in native or cells[0].startswith("/"):
                    names |= {cells[0]: cells[1]} if len(cells) > 1 else {}
                    continue
                native["head"] = cells[:2]
                if len(cells) > 2:
                    detail = f"Columns of {source.place(name)} that are not read: {', '.join(cells[2:])}."
                    builder.counts.note(Level.WARNING, "KEYS_NOT_READ", detail)
        elif name.endswith("hierarchy.json"):
            native["hierarchy"] = json_of(source, name, dict)
            detail = f"The label hierarchy, {name}, is kept for Open Images only."
            native[NOTES].append((Level.INFO, "NATIVE_DROPPED", detail, "hierarchy", 1))
        elif name.lower().endswith(".csv") and name not in (*files, SIZES):
            detail = f"{source.place(name)} is not read: only tables of boxes are."
            builder.counts.note(Level.WARNING, "FILE_NOT_READ", detail)
    ids: dict[str, str] = {}
    labels = {id_: name if ids.setdefault(name, id_) == id_ else id_ for id_, name in names.items()}
    for label in labels.values() if len(labels) <= _MOST_CLASSES else ():
        builder.declare(label, Shape.BOUNDING_BOX, {})
    tables = [Table(source, name, "ImageID") for name in files]
    for table in tables:
        for line, fact in table.damaged:
            builder.lose("box", f"The row {fact}", source.place(table.name), line)
    _take_meta(source, tables, sizes)
    native["columns"] = [*dict.fromkeys(name for table in tables for name in table.columns if name not in COLUMNS)]
    native[CLASSES] = {label: {"LabelName": id_} for id_, label in labels.items() if label != id_}

    def row(key: str, table: Table, found: Sequence[tuple[int, dict[str, str]]]) -> LabelRowV2 | None:
        split, _, image = key.rpartition("/")
        try:
            size = sizes.known(key, source.place(table.name), f"{image}.jpg")
        except SizeUnknownError as error:
            builder.leave_out(error, key, source.place(table.name))
            return None
        made = builder.row(DataType.IMAGE, size.title, size.px, f"{table.name} {image}", source.place(table.name))
        made.client_metadata, made._file = metadata_of(split), LabelFile(table.name, size.member or size.title)
        return builder.fill(made, (_annotation(*match, labels) for match in found))

    def rows() -> Iterator[LabelRowV2 | None]:
        order = {key: number for number, key in enumerate(sizes.stated)}
        full = {_key(_split(table.name), image) for table in tables for image in table.groups}
        empty = sorted(order.keys() - full, key=lambda key: -order[key])
        for table in tables:
            for image, found in table.grouped():
                key = _key(_split(table.name), image)
                while empty and order[empty[-1]] < order.get(key, -1):
                    yield row(empty.pop(), table, ())
                yield row(key, table, found)
        yield from (row(key, tables[0], ()) for key in reversed(empty))

    every = (_annotation(*item, labels) for table in tables for item in table.rows())
    return builder.labels(every, lambda: filter(None, rows()), native=native)


def _take_meta(source: Source, tables: Sequence[Table], sizes: Sizes) -> None:
    """Add image sizes from CVAT's file; images without boxes get the split of the only table, if there is one."""
    lone = _split(tables[0].name) if len(tables) == 1 else ""
    for name in (item for item in source.names(META, depth=_DEPTH) if item.rpartition("/")[2] == META):
        for image, size in meta_sizes(source.head(name, _MOST_META).decode("utf-8-sig", "replace")).items():
            for split in [_split(table.name) for table in tables if image in table.groups] or [lone]:
                sizes.stated.setdefault(_key(split, image), Size(_key(split, image), *size))


def _split(name: str) -> str:
    found = re.search(rf"(?:^|[-_/])(train|validation|test)-{_TABLE}$", name)
    return found[1] if found else ""


def _key(split: str, image: str) -> str:
    return f"{split}/{image}" if split else image


def write(narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write a table for each split, or one, and the names of the labels."""
    own = narrowed.labels.native.get(FAMILY, {})
    ids = {name: keys["LabelName"] for name, keys in own.get(CLASSES, {}).items()}
    columns, sizes, paths = [*COLUMNS, *own.get("columns", ())], list[Size](), Paths()
    with ExitStack() as stack:
        table, tables = partial(csv_writer, stack, target), dict[str, Any]()
        for image in named_images(narrowed):
            known = standard(split_of(image.row.client_metadata)) or ""
            split = "validation" if known == "val" else known
            if split not in tables:
                tables[split] = table(f"{split}-{_TABLE}".lstrip("-"), columns)
            id_ = paths.file(plain(split_suffix(image.name)[0]), ".jpg", by_stem=True)
            native = native_of(image.row, FAMILY, narrowed.labels.native)
            for object_ in image.objects:
                frame, said = object_._frames[image.frame], answers_at(object_, image.frame, CARRIES)
                left, top, width, height = box_px(frame.coordinates, (image.width, image.height), CARRIES.tolerance_px)
                x, y = (left, left + width), (top, top + height)
                shares = (*(number / image.width for number in x), *(number / image.height for number in y))
                cells: dict[str, Any] = {"ImageID": id_, "LabelName": ids.get(object_.object_name, object_.object_name)}
                cells["Confidence"] = rounded(frame.object_frame_instance_info.confidence, 9)
                cells |= {side: rounded(share, 9) for side, share in zip(SIDES, shares, strict=True)}
                cells |= {flag: int(flag in said) for flag in FLAGS}
                cells |= native.of(object_.object_hash, image.frame) if native else {}
                tables[split].writerow([cells.get(column, "") for column in columns])
            sizes.append(Size(_key(split, id_), image.width, image.height, image.title))
        if not tables:
            table(_TABLE, columns)
        if ids:
            names = ((id_, name) for name, id_ in ids.items())
            table("class-descriptions.csv", own.get("head", ("LabelName", "DisplayName"))).writerows(names)
        if "hierarchy" in own:
            stack.enter_context(target.open("hierarchy.json")).write(json.dumps(own["hierarchy"]).encode())
    write_sizes(target, sizes)


FORMAT = Format(
    name="openimages",
    title="Open Images boxes",
    spec="https://storage.googleapis.com/openimages/web/download_v7.html",
    suffixes=(),
    identify=identify,
    importer=Importer(read, SizeOptions, CARRIES),
    exporter=Exporter.of_narrowed(write, NoOptions, CARRIES, walk=named_images),
)
