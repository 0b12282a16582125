"""Files that hold run lengths, and which they are: records as JSON lines or CSV here, those of tools elsewhere.

The page of the format is :mod:`encord_convert.formats.masks.rle`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast, get_args

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats._json_heads import head_of, sketch
from encord_convert.formats._lines import csv_reader
from encord_convert.formats.masks import label_studio, supervisely
from encord_convert.formats.masks.records import Record, image_name, json_of, unread_of
from encord_convert.formats.masks.rle_dialects import Dialect

DIALECTS: tuple[str, ...] = get_args(Dialect)

_LONGEST_FIELD = 1 << 28
_DEPTH = 3
_CHUNK_BYTES, _MARK_BYTES = 1 << 20, 64
_BRUSH_OR_ELLIPSE = re.compile(rb'"format"\s*:\s*"rle"|"radiusX"\s*:')
_BITMAP = re.compile(rb'"bitmap"\s*:\s*\{')
_NO_MASK = frozenset({"", "nan", "-1"})
_MASK_KEYS = ("mask", "segmentation", "bitmap", "EncodedPixels", "rle")
_IMAGE_KEYS = ("image", "file_name", "image_id", "ImageId")
_LABEL_KEYS = ("class", "label", "category", "category_id")
_RECORD_KEYS = frozenset({*_MASK_KEYS, *_IMAGE_KEYS, *_LABEL_KEYS, "width", "height", "frame", "dialect"})
_KEYS_IN_MASKS = frozenset(
    {
        "counts", "data", "format", "height", "left", "origin", "original_height", "original_width", "rle", "rleString",
        "size", "top", "width",
    }
)  # fmt: skip
"""Keys of masks, of all dialects."""
_IMAGE_COLUMNS = ("imageid", "image_id", "img_id", "image", "filename", "file_name", "id")
_PIXEL_COLUMNS = (
    "encodedpixels", "encoded_pixels", "encoding", "rle_mask", "rle", "pixels", "mask", "annotation", "segmentation",
)  # fmt: skip
_PIXEL_WORDS = ("rle", "encod", "pixel", "mask", "segment", "run")
_PAIRS = re.compile(r"\d++ \d++(?: \d++ \d++)*+")
_LINES_LOOKED_AT = 20
_CLASS_COLUMNS = (
    "classname", "class_name", "classid", "class", "class_id", "label", "label_id", "category", "category_id",
)  # fmt: skip
_BOTH_COLUMNS = ("imageid_classid", "image_label", "image_class")
_SIZE_COLUMNS = ("width", "img_width", "image_width"), ("height", "img_height", "image_height")

Container = Callable[[Source, str, Dialect | None], Iterator[Record]]


@dataclass(frozen=True, slots=True)
class Named:
    """What a person said of files that do not say it: that masks have a dialect, and columns of CSV.

    ``columns`` are the names of those with the image and its run lengths.
    """

    is_dialect: bool = False
    columns: tuple[str, str] | None = None


def members(source: Source, named: Named) -> list[tuple[str, Container]]:
    """Return the files that hold run lengths, and how each is read; of tools whose files some are, all."""
    found = dict(_found(source, named))
    tools = {label_studio.read, supervisely.read}.intersection(found.values())
    if tools:
        found = dict(_found(source, named, tools))
    images = supervisely.image_names([name for name, one in found.items() if one is supervisely.read])
    return [
        (name, partial(supervisely.read, image=images[name]) if name in images else one) for name, one in found.items()
    ]


def holds_any(source: Source) -> bool:
    """Tell whether some file holds run lengths."""
    return next(_found(source, Named()), None) is not None


def _found(source: Source, named: Named, tools: Collection[Any] = ()) -> Iterator[tuple[str, Container]]:
    for name in source.names(depth=_DEPTH):
        if name.lower().endswith((".csv", ".jsonl", ".json")):
            container = container_of(source, name, named, tools)
            if container is not None:
                yield name, container


def container_of(source: Source, name: str, named: Named, tools: Collection[Any] = ()) -> Container | None:
    """Tell by its beginning how a file is read; None if it holds no run lengths that are known.

    Files of ``tools`` need no masks: they are of a project that has some.
    """
    head = head_of(source, name)
    if name.lower().endswith(".csv"):
        names, cells = _table_of(head)
        is_table = named.is_dialect or "encodedpixels" in names or _columns_of(names, cells, named) is not None
        return partial(_csv, named=named) if is_table else None
    if name.lower().endswith(".jsonl"):
        record = sketch(head.partition(b"\n")[0])
        if isinstance(record, dict) and "mask" in record:
            return _json_lines
    elif label_studio.tasks_of(top := sketch(head)):
        if label_studio.read in tools or _holds(source, name, _BRUSH_OR_ELLIPSE):
            return label_studio.read
    elif supervisely.is_annotation(top) and (supervisely.read in tools or _holds(source, name, _BITMAP)):
        return supervisely.read
    return _json_lines if named.is_dialect and head.startswith((b"{", b"[")) else None


# --- columns --------------------------------------------------------------------------------------------------------


def _table_of(head: bytes) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns of a table, in lower case, and its first lines, as far as they are whole."""
    lines = head.decode("utf-8", "replace").splitlines()[: 1 + _LINES_LOOKED_AT]
    try:
        rows = list(csv.reader(lines))
    except csv.Error:
        return [], []
    names = [name.strip().lower() for name in rows[0]] if rows else []
    return names, [row for row in rows[1:] if len(row) == len(names)]


def _columns_of(names: list[str], cells: list[list[str]], named: Named) -> tuple[int, int] | None:
    """Return which columns hold the image and its run lengths: by their names, and by what stands in them."""
    if named.columns is not None:
        image, pixels = (name.strip().lower() for name in named.columns)
        return (names.index(image), names.index(pixels)) if image in names and pixels in names else None
    holding = [index for index in range(len(names)) if _holds_pairs([row[index].strip() for row in cells])]
    usual = [names.index(name) for name in _PIXEL_COLUMNS if name in names]
    wordy = [index for index, name in enumerate(names) if any(word in name for word in _PIXEL_WORDS)]
    if named.is_dialect or "encodedpixels" in names:
        holding += usual + wordy
    pixels_at = next((index for index in (*usual, *wordy, *holding) if index in holding), None)
    image_at = next((names.index(name) for name in (*_BOTH_COLUMNS, *_IMAGE_COLUMNS) if name in names), None)
    if image_at is None:
        image_at = next((at for at, name in enumerate(names) if name.endswith("id") and at != pixels_at), None)
    return None if image_at is None or pixels_at is None or image_at == pixels_at else (image_at, pixels_at)


def _holds_pairs(cells: list[str]) -> bool:
    """Tell whether cells are run lengths: pairs whose starts ascend, or nothing."""
    pairs = [cell for cell in cells if cell.lower() not in _NO_MASK]
    return any(" " in cell for cell in pairs) and all(map(_begins_with_pairs, pairs))


def _begins_with_pairs(cell: str) -> bool:
    found = _PAIRS.match(cell)
    if found is None or (len(cell) < 200 and found[0] != cell):
        return False
    starts = [int(number[:18]) for number in found[0].split()[:40:2]]
    return starts == sorted(starts)


def _holds(source: Source, name: str, mark: re.Pattern[bytes]) -> bool:
    """Tell whether a mark is anywhere in a file: the first mask of an export may stand far behind its beginning."""
    rest = b""
    try:
        with source.open(name) as stream:
            while text := stream.read(_CHUNK_BYTES):
                if mark.search(rest + text):
                    return True
                rest = text[-_MARK_BYTES:]
    except (ReadError, OSError):
        return False
    return False


# --- one container after the other ----------------------------------------------------------------------------------


def _csv(source: Source, name: str, dialect: Dialect | None, *, named: Named) -> Iterator[Record]:
    place = source.place(name)
    found = _columns_of(*_table_of(head_of(source, name)), named)
    with source.open(name) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        reader = csv_reader(text, _LONGEST_FIELD, strict=True)
        try:
            columns = _Columns(next(reader, []), found, place)
            for cells in reader:
                if cells:
                    yield columns.record(cells, dialect, place, reader.line_num)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ReadError(place, f"is not CSV in UTF-8 ({error}).", line=reader.line_num or None) from error


class _Columns:
    """Which column of a CSV file holds what."""

    def __init__(self, given: list[str], found: tuple[int, int] | None, place: str) -> None:
        names = [name.strip().lower() for name in given]

        def find(*wanted: str) -> int | None:
            return next((names.index(name) for name in wanted if name in names), None)

        if found is None:
            fact = f"has the columns {', '.join(given)}; the image or its run lengths are in none that is known."
            raise ReadError(place, fact, line=1, advice="Name both with -r columns=IMAGE,PIXELS.")
        self._count = len(names)
        self._image, self._pixels = found
        self._is_both = names[self._image] in _BOTH_COLUMNS
        self._label = None if self._is_both else find(*_CLASS_COLUMNS)
        self._frame, self._dialect = find("frame"), find("dialect")
        self._size = [find(*side) for side in _SIZE_COLUMNS]
        known = {self._image, self._pixels, self._label, self._frame, self._dialect, *self._size}
        self._unread = tuple(name for at, name in enumerate(given) if at not in known)

    def record(self, cells: list[str], dialect: Dialect | None, place: str, line: int) -> Record:
        if len(cells) != self._count:
            fact = f"has {len(cells)} columns; its first line names {self._count}."
            raise ReadError(place, fact, line=line)
        image, label = cells[self._image], "" if self._label is None else cells[self._label].strip()
        if self._is_both:
            image, _, label = image.rpartition("_")
        frame = "" if self._frame is None else cells[self._frame]
        said = "" if self._dialect is None else cells[self._dialect]
        sides = [cells[side] for side in self._size if side is not None and cells[side].isdecimal()]
        size = (int(sides[0][:9]), int(sides[1][:9])) if len(sides) == 2 else None
        pixels = cells[self._pixels].strip()
        image = image_name(image, int(frame[:9]) if frame.isdecimal() else 0)
        if pixels.lower() in _NO_MASK:
            return Record(image, label, size, None, None, place, line, unread=self._unread)
        chosen = dialect or _known(said, place, line) or "kaggle"
        return Record(image, label, size, chosen, _cell(pixels, place, line), place, line, unread=self._unread)


def _cell(text: str, place: str, line: int) -> Any:
    """Return pairs as their text, and everything else as the JSON it is."""
    if not text.startswith("{"):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(place, f"holds a mask that is not JSON ({error}).", line=line) from error


def _json_lines(source: Source, name: str, dialect: Dialect | None) -> Iterator[Record]:
    place = source.place(name)
    is_list = source.head(name, 1) == b"["
    with source.open(name) as stream:
        if is_list:
            for entry in json_of(stream.read(), place, list):
                yield _json_record(entry, dialect, place, None)
            return
        for line, text in enumerate(stream, 1):
            if not text.isspace():
                yield _json_record(json_of(text, place, dict, line), dialect, place, line)


_SIDES = (int, type(None))


def _json_record(entry: Any, dialect: Dialect | None, place: str, line: int | None) -> Record:
    if not isinstance(entry, dict):
        raise ReadError(place, f"expected an object for each mask, found {entry!r:.60}.", line=line)
    mask = next((entry[key] for key in _MASK_KEYS if entry.get(key) is not None), None)
    image = next((entry[key] for key in _IMAGE_KEYS if key in entry), None)
    if image is None:
        raise ReadError(place, 'a mask has no "image".', line=line)
    if not isinstance(image, str | int):
        raise ReadError(place, f'expected the name of a file or a number as "image", found {image!r:.60}.', line=line)
    label = next((entry[key] for key in _LABEL_KEYS if key in entry), "")
    size = entry.get("width"), entry.get("height")
    known = size if all(type(side) is int for side in size) else None
    frame = entry.get("frame", 0)
    name = image_name(str(image), frame if type(frame) is int else 0)
    unread = unread_of(entry, _RECORD_KEYS)
    unread += tuple(key for key, side in zip(("width", "height"), size, strict=True) if type(side) not in _SIDES)
    if isinstance(mask, dict):
        unread += unread_of(mask, _KEYS_IN_MASKS, "mask.")
    if mask is None:
        return Record(name, str(label), known, None, None, place, line, unread=unread)  # type: ignore[arg-type]
    chosen = dialect or _known(entry.get("dialect", ""), place, line) or _guessed(mask)
    if chosen is None:
        raise ReadError(place, "a mask is in no known dialect.", line=line, advice="Name it with -r dialect=.")
    return Record(name, str(label), known, chosen, mask, place, line, unread=unread)  # type: ignore[arg-type]


# --- inside ---------------------------------------------------------------------------------------------------------


def _known(dialect: Any, place: str, line: int | None) -> Dialect | None:
    if not dialect:
        return None
    if dialect not in DIALECTS:
        fact = f"the dialect {dialect!r:.40} is not a known dialect: {', '.join(DIALECTS)}."
        raise ReadError(place, fact, line=line)
    return cast("Dialect", dialect)


def _guessed(mask: Any) -> Dialect | None:
    """Tell a dialect by the keys it alone has."""
    if isinstance(mask, str):
        return "kaggle"
    if not isinstance(mask, dict):
        return None
    if "counts" in mask:
        return "coco-counts" if isinstance(mask["counts"], list) else "coco"
    if "rleString" in mask:
        return "encord"
    if "origin" in mask:
        return "supervisely"
    if "rle" in mask:
        return "label-studio" if mask.get("format") == "rle" else "cvat"
    return None
