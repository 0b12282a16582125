"""Masks as run lengths, in seven dialects, as JSON lines or CSV.

What it is
    Run lengths are how masks travel in JSON and CSV. Every tool has a dialect of its own: the scan (rows or columns),
    the region (the image or a box), the text. They say the same, so the dialect is an option and not a format.

Files on disk
    ``masks.jsonl`` (or ``masks.csv``)  a mask a line: ``image``, ``frame``, ``class``, ``width``, ``height``,
                                        ``dialect``, ``mask`` (CSV: ImageId, Frame, ClassName, Width, Height, Dialect,
                                        EncodedPixels)
    ``classes.json``                    ``classes`` with their colours, and the ontology in the form of the hub
    ``labels.jsonl``                    one label row a line in the form of the hub; ``bitmask`` of an object is
                                        ``{"record": n}``, the n-th mask from 1

    ==============  ===========================================================================================
    ``dialect``     ``mask``
    ==============  ===========================================================================================
    coco            ``{"size": [height, width], "counts": "…"}``, columns of the image, base 32
    coco-counts     the same with a list of numbers
    encord          ``{"top", "left", "height", "width", "rleString"}``, rows of the image, base 32
    cvat            ``{"rle": "0, 2, …", "left", "top", "width", "height"}``, rows of a box
    label-studio    ``{"format": "rle", "rle": [bytes], "original_width", "original_height"}``, a brush stream
    supervisely     ``{"data": "…", "origin": [x, y]}``, base64 of zlib of a PNG of a box
    kaggle          a text ``"start length start length …"``, columns of the image, its first pixel is 1
    ==============  ===========================================================================================

    In CSV, ``EncodedPixels`` is the text of pairs, or the JSON of the others. A still image without masks has a line
    without one there (``masks.csv`` alone, as such challenges want it).

How each hub thing maps
    A bitmask keeps its pixels. A polygon, a box and a rotatable box become the pixels whose centres they hold, one at
    least, as do the outlines of ellipses, circles and cuboids; their class becomes one of bitmasks. Answers, frame
    labels, tracks, authors, times stand in ``labels.jsonl``.

What is lost
    Points, polylines, skeletons; reviews. The corners of what was painted (``POLYGON_AS_MASK``, ``BOX_AS_MASK``,
    ``ROTATED_BOX_AS_MASK``); what lies outside its image (``CLIPPED``) and what covers nothing (``EMPTY_MASK``,
    ``INVALID_POLYGON``). Nothing of it depends on the dialect.

Dialects met in the wild
    Also read, each image as a still:

    - JSON exports of Label Studio that hold brushes or ellipses. Results of one id are one region: its mask or
      ellipse, an object for each of its labels (``MULTI_LABEL``), and its choices, texts and numbers as answers.
      Answers about the image are classifications. What several people made of one image is told apart by an answer
      ``annotator`` (``-r annotations=newest`` reads one). Cancelled annotations, drafts and predictions are counted
      (``-r predictions=yes`` reads these), as are other shapes.
    - Annotations of Supervisely, known by their structure, where some of a project hold bitmaps; tags are answers.
    - CSV of Kaggle: a column of pairs, and one that names the image, perhaps a class; blank or -1 for an image without
      masks; ``Image_Label`` holds both. Columns are known by their names and by what stands in them, else
      ``-r columns=IMAGE,PIXELS`` names both.
    - Records of the form above without the two other files.

    Keys that are not read are named in the report, columns counted (``KEYS_NOT_READ``). ``-r dialect=`` is that of
    records that do not, ``-r size=WIDTHxHEIGHT`` the size of images that are not described. Pairs by rows, from 0 or
    relative to each other are read with ``-r order=rows``, ``-r first=0``, ``-r relative=yes``; pairs that look scanned
    the other way are told (``SCAN_DOUBTFUL``).

Sources
    pycocotools 2.0.11, measured; CVAT XML 1.1; Label Studio, "Brush" (``format: rle``); Supervisely, "Annotation
    format"; Airbus Ship Detection, "Data description" (Kaggle).
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, BinaryIO, Literal

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._api import Exporter, Format, Importer, Match
from encord_convert.formats._beside import tell_json
from encord_convert.formats._files import Source, Target
from encord_convert.formats._sizes import MOST_PX
from encord_convert.formats.masks import rows as rows
from encord_convert.formats.masks.label_studio import ANNOTATOR, PREDICTION
from encord_convert.formats.masks.questions import Questions
from encord_convert.formats.masks.records import Answer, Record
from encord_convert.formats.masks.rle_dialects import Dialect, Reading, decoded, encoded
from encord_convert.formats.masks.rle_files import Container, Named, container_of, holds_any, members
from encord_convert.geometry import rle
from encord_convert.geometry.encodings import likely_scan
from encord_convert.geometry.paintings import BoxRuns
from encord_convert.hub.counts import Counts, Origin
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.native import Keys
from encord_convert.hub.rasterize import Layer
from encord_convert.hub.visibility import unit_of, unit_size
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, Object, ObjectInstance, Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.common import NewerShape

CARRIES = rows.CARRIES
_READ: frozenset[Any] = frozenset({NewerShape.ELLIPSE})
CARRIES_READ = replace(CARRIES, shapes=CARRIES.shapes | _READ)
"""Label Studio has ellipses beside masks."""

_ELLIPSE = "\0ellipse"
"""Behind a label: the class of its ellipses."""

_LINES, _TABLE = "masks.jsonl", "masks.csv"
_HEAD = ("ImageId", "Frame", "ClassName", "Width", "Height", "Dialect", "EncodedPixels")
_MOST_KEYS = 200
"""Keys that are named one by one."""
_SIZE = re.compile(r"(\d{1,6})x(\d{1,6})")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How run lengths are read that do not say what they are."""

    dialect: Dialect | None = field(default=None, metadata={"help": "Dialect of every mask; none: as the file says."})
    size: str | None = field(
        default=None, metadata={"help": "Size of images that are not described, WIDTHxHEIGHT in pixels."}
    )
    order: Literal["columns", "rows"] = field(default="columns", metadata={"help": "Scan of pairs."})
    first: int = field(default=1, metadata={"help": "What pairs call the first pixel, 1 or 0."})
    relative: bool = field(default=False, metadata={"help": "Whether pairs count from the end of the run before."})
    threshold: int = field(default=1, metadata={"help": "Least alpha of a brush that is inside, 1 to 255."})
    label: str = field(default="object", metadata={"help": "Class of masks that have none."})
    predictions: bool = field(
        default=False, metadata={"help": "Read predictions of Label Studio too, as made by a machine."}
    )
    annotations: Literal["all", "newest"] = field(
        default="all",
        metadata={
            "help": "Of an image that several people labelled in Label Studio: all, each with an answer `annotator`; "
            "newest: the ground truth, or what was changed last."
        },
    )
    columns: str | None = field(
        default=None, metadata={"help": "IMAGE,PIXELS: names of the columns of a CSV file that hold them."}
    )

    def __post_init__(self) -> None:
        if self.size is not None and not _SIZE.fullmatch(self.size):
            raise ValueError(f"size={self.size} is not allowed; it takes WIDTHxHEIGHT, as in 640x480.")
        if self.first not in (0, 1):
            raise ValueError(f"first={self.first} is not allowed; it takes 0 or 1.")
        if not 1 <= self.threshold <= 255:
            raise ValueError(f"threshold={self.threshold} is not allowed; it takes 1 to 255.")
        if not self.label:
            raise ValueError("label= is not allowed; it takes a word.")
        if self.columns is not None and self.columns.count(",") != 1:
            raise ValueError(f"columns={self.columns} is not allowed; it takes IMAGE,PIXELS, the names of two columns.")

    @property
    def named(self) -> Named:
        """What files do not say of themselves."""
        image, _, pixels = (self.columns or "").partition(",")
        return Named(self.dialect is not None, (image, pixels) if self.columns else None)

    @property
    def reading(self) -> Reading:
        """What a mask does not say of itself."""
        return Reading(self.order, self.first, self.relative, self.threshold)


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How run lengths are written; what survives does not depend on it."""

    dialect: Dialect = field(default="coco", metadata={"help": "What the masks look like."})
    container: Literal["jsonl", "csv"] = field(default="jsonl", metadata={"help": "Whether masks are JSON or CSV."})


# --- writing --------------------------------------------------------------------------------------------------------


class _Records:
    """Writes masks, numbered from 1."""

    def __init__(self, stream: BinaryIO, options: WriteOptions) -> None:
        self._stream = stream
        self._dialect = options.dialect
        self._is_table = options.container == "csv"
        self._count = 0
        if self._is_table:
            self._write_cells(_HEAD)

    def mask(self, row: LabelRowV2, frame: int, instance: ObjectInstance, box_runs: BoxRuns) -> dict[str, Any]:
        width, height = unit_size(row, frame)
        mask = encoded(self._dialect, box_runs, width, height)
        values = (_title(row, frame), frame, instance.object_name, width, height, self._dialect)
        if self._is_table:
            text = mask if isinstance(mask, str) else msgspec.json.encode(mask).decode()
            self._write_cells((*values, text))
        else:
            keys = ("image", "frame", "class", "width", "height", "dialect", "mask")
            self._stream.write(msgspec.json.encode(dict(zip(keys, (*values, mask), strict=True))) + b"\n")
        self._count += 1
        return {"record": self._count}

    def layer(self, row: LabelRowV2, frame: int, layer: Layer, values: Sequence[int]) -> str:
        raise AssertionError("masks have runs of their own")

    def empty(self, row: LabelRowV2) -> None:
        """Write an image without masks, in CSV."""
        if self._is_table:
            self._write_cells((_title(row, 0), 0, "", *unit_size(row, 0), "", ""))
            self._count += 1

    def _write_cells(self, cells: Any) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        self._stream.write(text.getvalue().encode("utf-8"))


def _title(row: LabelRowV2, frame: int) -> str:
    if row.data_type is DataType.IMG_GROUP:
        return f"{row.data_title}/{unit_of(row, frame).data_title}"
    return row.data_title


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write a line for each mask, and the labels that belong to them."""
    name = _TABLE if options.container == "csv" else _LINES
    with target.open(name) as stream:
        sink = _Records(stream, options)
        rows.write_rows(narrowed, narrowed, target, sink)
    classes = [
        {"name": item.name, "color": item.color, "featureNodeHash": item.feature_node_hash}
        for item in rows.class_rows(narrowed)
    ]
    rows.write_classes(target, "rle", narrowed, records=name, classes=classes)


# --- reading --------------------------------------------------------------------------------------------------------


def identify(source: Source) -> Match:
    """Say yes to what is written here, and to files that begin as those of a known dialect."""
    if rows.folder_of(source, "rle") is not None:
        return Match.YES
    return Match.YES if holds_any(source) else Match.NO


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read masks with their labels, or the files of another tool.

    Raises
    ------
    ReadError
        There is none; a file is damaged; a mask is none of its dialect, or not of the size of its image.
    """
    folder = rows.folder_of(source, "rle")
    if folder is None:
        return _foreign(source, options, report)
    named, structure = rows.read_classes(source, folder)
    records_in = named.get("records")
    name = folder + (records_in if isinstance(records_in, str) else _LINES)
    if name not in source.names():
        raise ReadError(source.name, f"has no file {name!r}, which classes.json names.")
    container = container_of(source, name, Named(is_dialect=True))

    def start() -> Any:
        records = enumerate(container(source, name, None) if container else (), 1)
        waiting: dict[int, Record] = {}
        unnamed = array("L")

        def fill(place: dict[str, Any], layers: Mapping[str, Any]) -> tuple[dict[str, Any], Keys]:
            number = place.get("record")
            while number not in waiting:
                found = next(records, None)
                if found is None or not isinstance(number, int) or found[0] > number:
                    raise ReadError(
                        source.place(name), f"has no mask {number!r} that {rows.ROWS} has not named before."
                    )
                waiting[found[0]] = found[1]
            record = waiting.pop(number)
            box_runs, (width, height) = _mask_of(record, options)
            return rows.encoded_mask(box_runs, width, height), {**dict.fromkeys(record.unread), "class": record.label}

        def finish(row: LabelRowV2, layers: Mapping[str, Any]) -> None:
            unnamed.extend(number for number, record in waiting.items() if record.is_shape)
            waiting.clear()

        def left() -> Iterator[str]:
            unnamed.extend(number for number, record in records if record.is_shape)
            return (f"{name}: mask {number}" for number in unnamed)

        return fill, finish, left

    return rows.labels_of(source, folder, named, structure, start, report)


def _mask_of(record: Record, options: ReadOptions) -> tuple[BoxRuns, tuple[int, int]]:
    """Return the mask of a record, and the size of its image."""
    size = _size_of(record, options)
    try:
        if record.dialect is None:
            raise ValueError("There is no mask.")
        rle.check_size(size[1], size[0])
        return decoded(record.dialect, record.mask, *size, options.reading), size
    except ValueError as error:
        raise ReadError(record.place, f"{record.image!r}: {error}", line=record.line) from error


def _size_of(record: Record, options: ReadOptions) -> tuple[int, int]:
    if record.size is not None and all(type(side) is int and side <= MOST_PX for side in record.size):
        if min(record.size) < 0:
            raise ReadError(record.place, f"{record.image!r}: Its size cannot be negative.", line=record.line)
        return record.size
    if options.size is not None and (found := _SIZE.fullmatch(options.size)):
        return int(found[1]), int(found[2])
    mask = record.mask if isinstance(record.mask, dict) else {}
    size = mask.get("size") if record.dialect in ("coco", "coco-counts") else None
    if record.dialect == "encord":
        size = [mask.get("height"), mask.get("width")]
    if isinstance(size, list) and len(size) == 2 and all(type(one) is int and 0 <= one <= MOST_PX for one in size):
        return size[1], size[0]
    fact = f"the size of {record.image!r} is not known."
    raise ReadError(record.place, fact, line=record.line, advice="Give it with -r size=WIDTHxHEIGHT.")


def _foreign(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    found = members(source, options.named)
    if not found:
        fact = "holds no run lengths in a known dialect."
        advice = "Name it with -r dialect=, and the columns of CSV with -r columns=IMAGE,PIXELS."
        raise ReadError(source.name, fact, advice=advice)
    read = {name for name, _ in found}
    others = [name for name in source.names() if name.lower().endswith((".json", ".jsonl")) and name not in read]
    if others:
        tell_json(source, others, report.finding)
    reading = _Foreign(source, found, options)
    report.reading = reading.counts
    return LabelSet(reading.draft.ontology, reading.rows, counts=reading.counts)


class _Foreign:
    """Files of other tools: classes and questions first, then a row for each image."""

    def __init__(self, source: Source, found: list[tuple[str, Container]], options: ReadOptions) -> None:
        self._source = source
        self._found = found
        self._options = options
        self.draft = Draft("rle")
        self.counts = Counts()
        self._classes: dict[str, Object] = {}
        self._questions = Questions(self.draft)
        self._is_in_turn = True
        self._learn()
        self.counts.mark_head()

    def _learn(self) -> None:
        """Walk all records once, for what the ontology needs."""
        seen: set[str] = set()
        unread: Counter[str] = Counter()
        columns: Counter[str] = Counter()
        last = None
        for record in self._records():
            (columns if record.place.lower().endswith(".csv") else unread).update(record.unread)
            if record.is_shape:
                key = self._key(record)
                if key not in self._classes:
                    shape: Any = Shape.BITMASK if record.ellipse is None else NewerShape.ELLIPSE
                    self._classes[key] = self.draft.add_object(self._label(record), shape)
                self._questions.learn(key, record.answers)
            elif record.is_of_image and record.reason is None:
                self._questions.learn(None, record.answers)
            if record.image != last:
                self._is_in_turn = self._is_in_turn and record.image not in seen
                seen.add(record.image)
                last = record.image
        self._questions.settle(self._classes)
        for name, count in columns.items():
            detail, column = f"The column {name!r} is not read.", ("key", f"record.{name}")
            self.counts.lose(Kind.DROPPED, "KEYS_NOT_READ", Feature.NATIVE, column, Where(), detail, count)
        if unread:
            named = ", ".join(sorted(unread)[:_MOST_KEYS]) + (" and others" if len(unread) > _MOST_KEYS else "")
            detail = f"Keys that are not read: {named}."
            self.counts.note(Level.INFO, "KEYS_NOT_READ", detail, count=unread.total())

    def _label(self, record: Record) -> str:
        return record.label or self._options.label

    def _key(self, record: Record) -> str:
        """Return what tells the class of a shape: its label, and that it is an ellipse."""
        return self._label(record) + (_ELLIPSE if record.ellipse is not None else "")

    def _records(self) -> Iterator[Record]:
        for name, container in self._found:
            for record in container(self._source, name, self._options.dialect):
                reason = record.reason
                if reason is None and record.rank and self._options.annotations == "newest":
                    reason = ANNOTATOR, "Another annotation of the image is newer, or the ground truth."
                if reason is None and record.annotator and self._options.annotations == "all":
                    told = Answer("text", (record.annotator,))
                    yield replace(
                        record, answers={**record.answers, "annotator": told} if record.is_shape else record.answers
                    )
                elif reason is None:
                    yield record
                elif reason[0] == PREDICTION and self._options.predictions:
                    yield replace(record, reason=None, is_machine=True)
                else:
                    yield replace(record, dialect=None, ellipse=None, reason=reason)

    def rows(self) -> Iterator[LabelRowV2]:
        """Walk the images, with counts that start again."""
        self.counts.rewind()
        groups: Iterable[tuple[str, Iterable[Record]]]
        if self._is_in_turn:
            groups = groupby(self._records(), lambda record: record.image)
        else:
            by_image: dict[str, list[Record]] = {}
            for record in self._records():
                by_image.setdefault(record.image, []).append(record)
            groups = by_image.items()
        for image, records in groups:
            row = self._row(image, list(records))
            if row is not None:
                yield row

    def _row(self, image: str, records: list[Record]) -> LabelRowV2 | None:
        if not image:
            self._drop_others(records)
            return None
        shapes = [record for record in records if record.is_shape]
        first = next((record for record in records if record.size is not None), records[0])
        if first.size is None and self._options.size is None and not shapes:
            where, key = Where(file=first.place, line=first.line, row=image), ("row", "")
            detail = f"The image {image!r} has no masks, and its size is not known; -r size=WIDTHxHEIGHT gives it."
            self.counts.lose(Kind.DROPPED, "SIZE_UNKNOWN", Feature.EMPTY_ROWS, key, where, detail)
            self._drop_others(records, ("SIZE_UNKNOWN", detail))
            return None
        size = _size_of(next(iter(shapes), first), self._options)
        unit = self.draft.unit(image, *size, (image,))
        row = self.draft.row(DataType.IMAGE, image, [unit], frames=1, key=(image,))
        row._origin = first.place
        self._drop_others(records)
        for record in sorted(records, key=lambda record: record.rank):
            if record.is_of_image and record.reason is None:
                self._answer_of(row, record)
        for record in shapes:
            if record.ellipse is not None:
                box_runs, found = None, _size_of(record, self._options)
            else:
                box_runs, found = _mask_of(record, self._options)
            if found != size:
                fact = (
                    f"{image!r} is {found[0]} x {found[1]} pixels, and {size[0]} x {size[1]} before (width x height)."
                )
                raise ReadError(record.place, fact, line=record.line)
            self._place(row, record, box_runs, size)
        return row

    def _drop_others(self, records: list[Record], reason: tuple[str, str] | None = None) -> None:
        for record in records:
            why = record.reason or (reason if record.is_of_image else None)
            if not record.other or record.is_shape or (record.is_of_image and why is None):
                continue
            key = record.other, record.label
            self.counts.into[key] += 1
            where = Where(file=record.place, line=record.line, row=record.image)
            code, detail = why or ("UNSUPPORTED_SHAPE", "")
            detail = detail or f"{record.label!r} is a {record.other} result; only brush masks and ellipses are read."
            self.counts.drop(code, Feature.SHAPE, key, where, detail)

    def _answer_of(self, row: LabelRowV2, record: Record) -> None:
        """Make the classifications of an image, one of each question: a frame takes no second one."""
        where = Where(file=record.place, line=record.line, row=record.image)
        for name, answer in record.answers.items():
            item, attribute, value = self._questions.of_image(name, answer)
            self.counts.into["classification", name] += 1
            if any(one.ontology_item is item for one in row._classifications.values()):
                detail = f"{name!r} of the image has an answer already; a frame takes one."
                self.counts.drop(ANNOTATOR, Feature.CLASSIFICATIONS, ("classification", name), where, detail)
                continue
            hash_ = self.draft.hashes.short("image", record.image, name)
            instance = ClassificationInstance(item, classification_hash=hash_)
            instance._origin = Origin("classification", name, record.line)
            info: Any = self.draft.machine_info if record.is_machine else self.draft.info
            instance._place(0, info)
            instance._answer(attribute, value)
            row._adopt(instance)

    def _place(self, row: LabelRowV2, record: Record, box_runs: BoxRuns | None, size: tuple[int, int]) -> None:
        label, key, kind = self._label(record), self._key(record), "ellipse" if box_runs is None else "mask"
        hash_ = self.draft.hashes.short(record.image, len(row._objects))
        instance = ObjectInstance(self._classes[key], object_hash=hash_)
        info = self.draft.machine_info if record.is_machine else self.draft.info
        if record.score is not None and record.is_machine:
            info = replace(info, confidence=record.score)
        coordinates: Any = record.ellipse
        if box_runs is not None:
            coordinates = BitmaskCoordinates._from_box_runs(*box_runs, *size)
        instance._place(0, coordinates, info)
        instance._origin = Origin(kind, label, record.line)
        row.add_object_instance(instance)
        for name, answer in record.answers.items():
            instance._answer(*self._questions.of_class(key, name, answer))
            self.counts.into["answer", label] += 1
        self.counts.into[kind, label] += 1
        where = Where(file=record.place, line=record.line, row=record.image)
        if record.is_again:
            detail = "A region has several labels; it is an object of each."
            self.counts.note(Level.WARNING, "MULTI_LABEL", detail, where)
        if record.annotator and self._options.annotations == "all":
            detail = (
                "Several people labelled one image; all their shapes are kept, with an answer `annotator`, and "
                "-r annotations=newest reads one annotation of each image."
            )
            self.counts.note(Level.WARNING, "SEVERAL_ANNOTATORS", detail, where)
        if box_runs is not None and record.dialect == "kaggle" and box_runs[0].size > 2:
            self._doubt(record, box_runs[0], size)

    def _doubt(self, record: Record, runs: rle.Runs, size: tuple[int, int]) -> None:
        width, height = size
        columns = rle.column_runs_from_row_runs(runs, height, width)
        given, other = (columns, "rows") if self._options.order == "columns" else (runs, "columns")
        if likely_scan(given, height, width) == other:
            detail = f"Pairs give stripes; read by {other} they give compact areas. Is it -r order={other}?"
            self.counts.note(Level.WARNING, "SCAN_DOUBTFUL", detail, Where(file=record.place, line=record.line))


FORMAT = Format(
    name="rle",
    title="Run lengths of masks as JSON lines or CSV",
    spec="https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.h",
    suffixes=(),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES_READ),
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES),
)
