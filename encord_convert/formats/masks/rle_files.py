"""Files that hold run lengths: records as JSON lines or CSV, Label Studio exports, Supervisely annotations.

The page of the format is :mod:`encord_convert.formats.masks.rle`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats._json_heads import head_of, is_object_list, sketch
from encord_convert.formats.masks.rle_dialects import Dialect

DIALECTS: tuple[str, ...] = get_args(Dialect)

_LONGEST_FIELD = 1 << 28
_DEPTH = 3
_CHUNK_BYTES, _MARK_BYTES = 1 << 20, 64
_BRUSH = re.compile(rb'"format"\s*:\s*"rle"')
_BITMAP = re.compile(rb'"geometryType"\s*:\s*"bitmap"')
_BRUSH_TYPES = ("brushlabels", "brush", "magicwand")
PREDICTION = "PREDICTION_NOT_READ"
_ANNOTATION_LISTS = ("annotations", "completions", "predictions", "drafts")
_NO_MASK = frozenset({"", "nan", "-1"})
_MASK_KEYS = ("mask", "segmentation", "bitmap", "EncodedPixels", "rle")
_IMAGE_COLUMNS = ("imageid", "image_id", "img_id", "image", "filename", "file_name", "id")
_PIXEL_COLUMNS = (
    "encodedpixels", "encoded_pixels", "encoding", "rle_mask", "rle", "pixels", "mask", "annotation", "segmentation",
)  # fmt: skip
_PAIRS = re.compile(r"\d++ \d++(?: \d++ \d++)*+")
_LINES_LOOKED_AT = 20
_CLASS_COLUMNS = ("classname", "classid", "class", "class_id", "label", "category")
_BOTH_COLUMNS = ("imageid_classid", "image_label", "image_class")


@dataclass(frozen=True, slots=True)
class Record:
    """A mask as a file gives it, or an image without one.

    Parameters
    ----------
    image, label : str
        ``label`` is empty where the file names no class.
    size : (width, height) or None
        In pixels, if the file says it.
    dialect : Dialect or None
        None: an image without mask.
    mask : Any
        In the dialect.
    place, line : str, int
        Where it is.
    other : str
        What the file calls a shape that is no mask; empty for masks.
    reason : (code, sentence), optional
        Why it is not read, a mask too; the sentence may be empty.
    texts : dict of str to str
        What is said of the mask, by the question.
    score : float, optional
        How sure the model was of a prediction.
    is_machine : bool
        A prediction that is read as a label.
    """

    image: str
    label: str
    size: tuple[int, int] | None
    dialect: Dialect | None
    mask: Any
    place: str
    line: int | None = None
    other: str = ""
    reason: tuple[str, str] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    score: float | None = None
    is_machine: bool = False


Container = Callable[[Source, str, Dialect | None], Iterator[Record]]


def members(source: Source, *, is_named: bool = False) -> list[tuple[str, Container]]:
    """Return the files that hold run lengths, and how each is read; ``is_named``: the dialect is known."""
    return [*_found(source, is_named)]


def holds_any(source: Source) -> bool:
    """Tell whether some file holds run lengths."""
    return next(_found(source, False), None) is not None


def _found(source: Source, is_named: bool) -> Iterator[tuple[str, Container]]:
    for name in source.names(depth=_DEPTH):
        if name.lower().endswith((".csv", ".jsonl", ".json")):
            container = container_of(source, name, is_named=is_named)
            if container is not None:
                yield name, container


def container_of(source: Source, name: str, *, is_named: bool) -> Container | None:
    """Tell by its beginning how a file is read; None if it holds no run lengths that are known."""
    head = head_of(source, name)
    if name.lower().endswith(".csv"):
        first = head.partition(b"\n")[0].lower()
        words = [word.strip(' "\r') for word in first.decode("utf-8", "replace").split(",")]
        is_known = "encodedpixels" in words or (is_named and {*words} & {*_PIXEL_COLUMNS})
        return _csv if is_known or _has_pairs(words, head.partition(b"\n")[2]) else None
    if name.lower().endswith(".jsonl"):
        record = sketch(head.partition(b"\n")[0])
        if isinstance(record, dict) and "mask" in record:
            return _json_lines
    elif tasks_of(top := sketch(head)) and _holds(source, name, _BRUSH):
        return _label_studio
    elif is_supervisely(top) and _holds(source, name, _BITMAP):
        return _supervisely
    return _json_lines if is_named and head.startswith((b"{", b"[")) else None


def _has_pairs(names: list[str], text: bytes) -> bool:
    """Tell whether a column of one of the usual names holds run lengths, beside one that says of which image."""
    pixels = next((names.index(name) for name in _PIXEL_COLUMNS if name in names), None)
    if pixels is None or _image_column(names) is None:
        return False
    lines = text.decode("utf-8", "replace").splitlines()[:_LINES_LOOKED_AT]
    try:
        cells = [row[pixels].strip() for row in csv.reader(lines) if len(row) == len(names)]
    except csv.Error:
        return False
    return any(map(_PAIRS.fullmatch, cells)) and all(_PAIRS.match(cell) or cell.lower() in _NO_MASK for cell in cells)


def _image_column(names: list[str]) -> int | None:
    known = next((names.index(name) for name in (*_BOTH_COLUMNS, *_IMAGE_COLUMNS) if name in names), None)
    return known if known is not None else next((n for n, name in enumerate(names) if name.endswith("id")), None)


def tasks_of(top: Any) -> list[dict[str, Any]]:
    """Return the tasks a file of Label Studio begins with; none if it is no such file."""
    tasks = top if isinstance(top, list) else [top]
    return [one for one in tasks if isinstance(one, dict) and any(map(is_object_list, _annotations_in(one)))]


def _annotations_in(task: dict[str, Any]) -> Iterator[Any]:
    """Yield the results of each annotation and prediction of a task."""
    for key in _ANNOTATION_LISTS:
        for annotation in task[key] if is_object_list(task.get(key)) else ():
            yield annotation.get("result")


def is_supervisely(top: Any) -> bool:
    """Tell whether a file begins as annotations of Supervisely do."""
    if not isinstance(top, dict) or not isinstance(top.get("size"), dict) or not is_object_list(top.get("objects")):
        return False
    return any("classTitle" in one for one in top["objects"])


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


def _csv(source: Source, name: str, dialect: Dialect | None) -> Iterator[Record]:
    place = source.place(name)
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    with source.open(name) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            columns = _Columns([word.strip().lower() for word in next(reader, [])], place)
            for cells in reader:
                if cells:
                    yield columns.record(cells, dialect, place, reader.line_num)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ReadError(place, f"is not CSV in UTF-8 ({error}).", line=reader.line_num or None) from error


class _Columns:
    """Which column of a CSV file holds what."""

    def __init__(self, names: list[str], place: str) -> None:
        def find(*wanted: str) -> int | None:
            return next((names.index(name) for name in wanted if name in names), None)

        self._count = len(names)
        self._both = find(*_BOTH_COLUMNS)
        image, pixels = _image_column(names), find(*_PIXEL_COLUMNS)
        if image is None or pixels is None:
            fact = f"has the columns {', '.join(names)}; expected ImageId and EncodedPixels among them."
            raise ReadError(place, fact, line=1)
        self._image, self._pixels = image, pixels
        self._label = find(*_CLASS_COLUMNS)
        self._frame, self._dialect = find("frame"), find("dialect")
        self._size = find("width"), find("height")

    def record(self, cells: list[str], dialect: Dialect | None, place: str, line: int) -> Record:
        if len(cells) != self._count:
            fact = f"has {len(cells)} columns; its first line names {self._count}."
            raise ReadError(place, fact, line=line)
        image, label = cells[self._image], "" if self._label is None else cells[self._label].strip()
        if self._both is not None:
            image, _, label = image.rpartition("_")
        frame = "" if self._frame is None else cells[self._frame]
        said = "" if self._dialect is None else cells[self._dialect]
        sides = [cells[side] for side in self._size if side is not None and cells[side].isdecimal()]
        size = (int(sides[0][:9]), int(sides[1][:9])) if len(sides) == 2 else None
        pixels = cells[self._pixels].strip()
        image = image_name(image, int(frame[:9]) if frame.isdecimal() else 0)
        if pixels.lower() in _NO_MASK:
            return Record(image, label, size, None, None, place, line)
        chosen = dialect or _known(said, place, line) or "kaggle"
        return Record(image, label, size, chosen, _cell(pixels, place, line), place, line)


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
    with source.open(name) as stream:
        if stream.read(1) == b"[":
            stream.seek(0)
            for entry in _json(stream.read(), place, list):
                yield _json_record(entry, dialect, place, None)
            return
        stream.seek(0)
        for line, text in enumerate(stream, 1):
            if not text.isspace():
                yield _json_record(_json(text, place, dict, line), dialect, place, line)


def _json_record(entry: Any, dialect: Dialect | None, place: str, line: int | None) -> Record:
    if not isinstance(entry, dict):
        raise ReadError(place, f"expected an object for each mask, found {entry!r:.60}.", line=line)
    mask = next((entry[key] for key in _MASK_KEYS if entry.get(key) is not None), None)
    image = next((entry[key] for key in ("image", "file_name", "image_id", "ImageId") if key in entry), None)
    if image is None:
        raise ReadError(place, 'a mask has no "image".', line=line)
    label = next((entry[key] for key in ("class", "label", "category", "category_id") if key in entry), "")
    size = entry.get("width"), entry.get("height")
    known = size if all(type(side) is int for side in size) else None
    frame = entry.get("frame", 0)
    name = image_name(str(image), frame if type(frame) is int else 0)
    if mask is None:
        return Record(name, str(label), known, None, None, place, line)  # type: ignore[arg-type]
    chosen = dialect or _known(entry.get("dialect", ""), place, line) or _guessed(mask)
    if chosen is None:
        raise ReadError(place, "a mask is in no dialect that is known.", line=line, advice="Name it with -r dialect=.")
    return Record(name, str(label), known, chosen, mask, place, line)  # type: ignore[arg-type]


def _label_studio(source: Source, name: str, dialect: Dialect | None) -> Iterator[Record]:
    place = source.place(name)
    with source.open(name) as stream:
        tasks = _json(stream.read(), place, list | dict)
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        try:
            yield from _task(task, number, place)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            fact = f"task {number} is not a task of Label Studio ({type(error).__name__}: {error})."
            raise ReadError(place, fact) from error


def _task(task: dict[str, Any], number: int, place: str) -> Iterator[Record]:
    images = _images_of(task)
    results = list(_results_of(task))
    if not results:
        for image in images:
            yield Record(image, "", None, None, None, place)
    brushes = {(id(owner), one.get("id")) for owner, one, _ in results if _is_brush(one)}
    remarks: dict[tuple[int, Any], dict[str, str]] = {}
    for owner, one, _ in results:
        if (id(owner), one.get("id")) in brushes and one.get("type") == "textarea":
            texts = remarks.setdefault((id(owner), one.get("id")), {})
            texts[str(one.get("from_name") or "text")] = "\n".join(map(str, _value_of(one).get("text") or ()))
    for owner, result, reason in results:
        value, size = _value_of(result), (result.get("original_width"), result.get("original_height"))
        known = cast("tuple[int, int]", size) if all(type(side) is int for side in size) else None
        kind = str(result.get("type") or "result")
        label = str(next((value[key][0] for key in (kind, "brushlabels", "labels") if value.get(key)), ""))
        page = result.get("item_index") or 0
        image = images[page] if type(page) is int and 0 <= page < len(images) else ""
        if not image and not reason:
            what = f"has no image number {page}" if images else "has no image in its data"
            reason = "NO_IMAGE", f"Task {number} {what}, so that its labels have no place."
        region = id(owner), result.get("id")
        if _is_brush(result):
            score = result.get("score", owner.get("score"))
            yield Record(image, label, known, "label-studio", value, place, other=kind, reason=reason,
                         texts=remarks.get(region, {}), score=score if type(score) is float else None)  # fmt: skip
        elif reason or region not in brushes or kind != "textarea":
            reason = reason or ("ANSWER_DROPPED" if region in brushes else "UNSUPPORTED_SHAPE", "")
            yield Record(image, label, known, None, None, place, other=kind, reason=reason)


def _value_of(result: dict[str, Any]) -> dict[str, Any]:
    value = result.get("value")
    return value if isinstance(value, dict) else {}


def _is_brush(result: dict[str, Any]) -> bool:
    """Tell whether a result is a mask, and not what is said of one: that repeats the mask."""
    value = _value_of(result)
    return value.get("format") == "rle" and (result.get("type") in _BRUSH_TYPES or "brushlabels" in value)


def _results_of(task: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any], tuple[str, str] | None]]:
    """Yield each result with its annotation, and the code and sentence of why it is no label, if it is none."""
    for key in ("annotations", "completions", "predictions"):
        for annotation in task.get(key) or ():
            reason = None
            if annotation.get("was_cancelled") or annotation.get("skipped"):
                reason = "ANNOTATION_CANCELLED", "The annotation was cancelled by who made it."
            elif key == "predictions":
                reason = PREDICTION, "It is a prediction; -r predictions=yes reads it."
            for result in annotation.get("result") or ():
                yield annotation, result, reason


def _images_of(task: dict[str, Any]) -> list[str]:
    """Return the images of a task: of the usual keys, else the first text or list of texts."""
    data = task.get("data")
    if not isinstance(data, dict):
        data = {key: value for key, value in task.items() if key not in _ANNOTATION_LISTS}
    for key in ("image", "img", "images", "url", *data):
        value = data.get(key)
        pages = [page for page in (value if isinstance(value, list) else [value]) if isinstance(page, str)]
        if pages and all(pages) and len(pages) == (len(value) if isinstance(value, list) else 1):
            return pages
    return []


def _supervisely(source: Source, name: str, dialect: Dialect | None) -> Iterator[Record]:
    place = source.place(name)
    with source.open(name) as stream:
        members = _json(stream.read(), place, dict)
    image = name.rpartition("/")[2][: -len(".json")]
    try:
        size = members["size"]["width"], members["size"]["height"]
        if not members["objects"]:
            yield Record(image, "", size, None, None, place)
        for one in members["objects"]:
            label, kind = str(one["classTitle"]), str(one.get("geometryType", "bitmap"))
            if kind == "bitmap":
                yield Record(image, label, size, "supervisely", one["bitmap"], place)
            else:
                yield Record(image, label, size, None, None, place, other=kind)
    except (KeyError, TypeError, AttributeError) as error:
        raise ReadError(place, f"is not an annotation of Supervisely ({type(error).__name__}: {error}).") from error


# --- inside ---------------------------------------------------------------------------------------------------------


def image_name(image: str, frame: int) -> str:
    """Return what a frame is called where the file does not say of what it is a frame.

    >>> image_name("a.jpg", 0), image_name("road.mp4", 7)
    ('a.jpg', 'road.mp4/000007')
    """
    return f"{image}/{frame:06d}" if frame else image


def _json(text: bytes, place: str, kind: Any, line: int | None = None) -> Any:
    try:
        value = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(place, f"is not JSON ({error}).", line=line, advice="Was the file cut short?") from error
    if not isinstance(value, kind):
        raise ReadError(place, f"expected an object or a list, found {value!r:.60}.", line=line)
    return value


def _known(dialect: Any, place: str, line: int | None) -> Dialect | None:
    if not dialect:
        return None
    if dialect not in DIALECTS:
        fact = f"the dialect {dialect!r:.40} is none that is known: {', '.join(DIALECTS)}."
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
