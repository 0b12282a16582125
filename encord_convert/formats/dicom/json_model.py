"""Series and slices in the DICOM JSON model, and as CSV.

Two files, each an array of data sets, one per line: ``series.json`` (like a DICOMweb search for series) and
``instances.json`` (like one for instances, a data set per frame). Data without a DICOM attribute is in a private block
of group 0009.

Source: PS3.18, Annex F (JSON model), 10.6.3 (search responses); PS3.5, 7.8 (private blocks).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source, Target
from encord_convert.formats._sizes import MOST_PX
from encord_convert.formats.dicom.slices import Attributes, Row, contents_of, tag_values
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Level, Where
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.constants.enums import DataType

SERIES, INSTANCES, TABLE = "series.json", "instances.json", "dicom.csv"
CREATOR = "ENCORD_CONVERT"
_BLOCK = {"00090010": {"vr": "LO", "Value": [CREATOR]}}
_NUMBER, _TITLE, _DATASET, _FRAMES, _CLIENT, _FRAME, _IN_FILE = (f"000910{n:02X}" for n in range(7))
_PATIENT, _STUDY, _SERIES, _UID, _URL, _HEIGHT, _WIDTH = (
    "00100020", "0020000D", "0020000E", "00080018", "00081190", "00280010", "00280011",
)  # fmt: skip
_OWN = frozenset({"00090010", _NUMBER, _FRAME, _IN_FILE, _UID, _URL, _HEIGHT, _WIDTH})


def _attribute(vr: str, value: Any) -> dict[str, Any]:
    return {"vr": vr} if value is None else {"vr": vr, "Value": [value]}


def _series_of(number: int, row: Row) -> Attributes:
    members = {
        **row.others,
        **_BLOCK,
        _NUMBER: _attribute("IS", number),
        _TITLE: _attribute("UC", row.title),
        _DATASET: _attribute("UC", row.dataset),
        _FRAMES: _attribute("UL", row.frames),
        _HEIGHT: _attribute("US", row.height),
        _WIDTH: _attribute("US", row.width),
    }
    if row.client:
        members[_CLIENT] = _attribute("UT", msgspec.json.encode(row.client).decode())
    if row.series is not None:
        members[_PATIENT] = _attribute("LO", row.series["patient_id"])
        members[_STUDY] = _attribute("UI", row.series["study_uid"] or None)
        members[_SERIES] = _attribute("UI", row.series["series_uid"] or None)
    return dict(sorted(members.items()))


def _instance_of(number: int, frame: int, block: dict[str, Any]) -> Attributes:
    members = {
        **{tag: value for tag, value in block["tags"].items() if tag not in _OWN},
        **_BLOCK,
        _NUMBER: _attribute("IS", number),
        _FRAME: _attribute("UL", frame),
        _IN_FILE: _attribute("SL", block["multiframe_frame_number"]),
        _UID: _attribute("UI", block["dicom_instance_uid"]),
        _URL: _attribute("UR", block["file_uri"]),
        _HEIGHT: _attribute("US", block["height"]),
        _WIDTH: _attribute("US", block["width"]),
    }
    return dict(sorted(members.items()))


class _Array:
    """A JSON array written one element per line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lead = b"[\n"
        self._encode = msgspec.json.Encoder().encode

    def add(self, value: Any) -> None:
        self._stream.write(self._lead + self._encode(value))
        self._lead = b",\n"

    def end(self) -> None:
        self._stream.write(b"[]\n" if self._lead == b"[\n" else b"\n]\n")


def walk(narrowed: Narrowed, target: Target, options: Any) -> Iterator[Row]:
    """Yield the series, with notes on slices beyond their frames."""
    for left in narrowed:
        if left.row.data_type is DataType.DICOM:
            contents = contents_of(left.row)
            for frame in contents.slices:
                if frame >= contents.frames:
                    detail = "A slice is on a frame beyond the number of frames of its series; it is kept."
                    narrowed.note(Level.WARNING, "FRAME_BEYOND", detail)
            yield contents


def write_json(narrowed: Narrowed, target: Target, options: Any) -> None:
    """Write both arrays."""
    with target.open(SERIES) as series_stream, target.open(INSTANCES) as stream:
        series, instances = _Array(series_stream), _Array(stream)
        for number, row in enumerate(walk(narrowed, target, options), 1):
            series.add(_series_of(number, row))
            for frame, block in row.slices.items():
                instances.add(_instance_of(number, frame, block))
        series.end()
        instances.end()


def read_json(source: Source, folder: str, counts: Counts) -> Iterator[tuple[int, Row]]:
    """Yield the series by number, with notes on what would be written differently.

    Raises
    ------
    ReadError
        A file is not JSON, or not as this module writes it.
    """
    place = source.place(folder + SERIES)
    of_series: dict[int, list[Attributes]] = {}
    for index, members in enumerate(_array(source, folder + INSTANCES), 1):
        number = _value(members, _NUMBER, int, source.place(folder + INSTANCES), index)
        of_series.setdefault(number, []).append(members)
    for index, members in enumerate(_array(source, folder + SERIES), 1):
        number = _value(members, _NUMBER, int, place, index)
        blocks: dict[int, dict[str, Any]] = {}
        for item in of_series.pop(number, ()):
            frame, block = _block(item, source.place(folder + INSTANCES))
            if frame in blocks:
                fact = f"has two instances for frame {frame} of series {number}."
                raise ReadError(source.place(folder + INSTANCES), fact)
            blocks[frame] = block
            _compare(item, _instance_of(number, frame, block), source.place(folder + INSTANCES), counts)
        row = _row(members, blocks, place, index)
        told = _series_of(number, row)
        row = row._replace(others={tag: value for tag, value in members.items() if tag not in told})
        _compare(members, {**told, **row.others}, place, counts)
        yield number, row
    if of_series:
        raise ReadError(source.place(folder + INSTANCES), f"has instances of a missing series {min(of_series)}.")


def _compare(members: Attributes, written: Attributes, place: str, counts: Counts) -> None:
    """Note the elements that would be written differently."""
    for tag, value in members.items():
        told = written.get(tag)
        if told != value and not (tag == _CLIENT and _client_of(told) == _client_of(value)):
            detail = f"({tag[:4]},{tag[4:]}) is not as this package writes it; it is read, and rewritten in our form."
            counts.note(Level.WARNING, "ELEMENT_CHANGED", detail, Where(file=place, element=tag))


def _client_of(value: dict[str, Any] | None) -> Any:
    if value is None or value.keys() != {"vr", "Value"} or value["vr"] != "UT":
        return value
    return msgspec.json.decode(value["Value"][0])


def _row(members: Attributes, blocks: dict[int, dict[str, Any]], place: str, index: int) -> Row:
    series = None
    if _SERIES in members:
        series = {
            "patient_id": _value(members, _PATIENT, str, place, index, optional=True),
            "study_uid": _value(members, _STUDY, str, place, index, optional=True) or "",
            "series_uid": _value(members, _SERIES, str, place, index, optional=True) or "",
        }
    client = _value(members, _CLIENT, str, place, index, optional=True)
    try:
        return Row(
            _value(members, _TITLE, str, place, index), _value(members, _DATASET, str, place, index),
            _value(members, _WIDTH, int, place, index), _value(members, _HEIGHT, int, place, index),
            _value(members, _FRAMES, int, place, index), series, blocks,
            None if client is None else msgspec.json.decode(client, type=dict),
        )  # fmt: skip
    except msgspec.MsgspecError as error:
        raise ReadError(place, f"data set {index}: ({_CLIENT[:4]},{_CLIENT[4:]}) is not JSON ({error}).") from error


def _block(members: Attributes, place: str) -> tuple[int, dict[str, Any]]:
    frame = _value(members, _FRAME, int, place, 0)
    return frame, {
        "dicom_instance_uid": _value(members, _UID, str, place, frame),
        "multiframe_frame_number": _value(members, _IN_FILE, int, place, frame, optional=True),
        "file_uri": _value(members, _URL, str, place, frame),
        "width": _value(members, _WIDTH, int, place, frame),
        "height": _value(members, _HEIGHT, int, place, frame),
        "tags": {tag: value for tag, value in members.items() if tag not in _OWN},
    }


def _array(source: Source, name: str) -> list[Attributes]:
    with source.open(name) as stream:
        text = stream.read()
    try:
        return msgspec.json.decode(text, type=list[dict[str, dict[str, Any]]])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ReadError(
            source.place(name), f"is not DICOM JSON ({error}).", advice="Was the file cut short?"
        ) from error


def _value(members: Attributes, tag: str, kind: type, place: str, index: int, *, optional: bool = False) -> Any:
    entry = members.get(tag)
    values = [] if entry is None else entry.get("Value", [])
    if optional and not values:
        return None
    is_one = isinstance(values, list) and len(values) == 1 and type(values[0]) is kind
    if not is_one or (kind is int and not 0 <= values[0] <= MOST_PX):
        fact = f"data set {index}: ({tag[:4]},{tag[4:]}) is not one {'number' if kind is int else 'text'}."
        raise ReadError(place, fact, advice="Only DICOM JSON that this tool wrote is read; read DICOM files instead.")
    return values[0]


def json_folder(source: Source) -> str | None:
    """Return the folder prefix of both files with our private block; None if not found."""
    for name in source.names(SERIES, depth=2):
        folder = name[: -len(SERIES)]
        head = source.head(name, 4096)
        is_ours = CREATOR.encode() in head or head.strip() == b"[]"
        if is_ours and folder + INSTANCES in source.names(INSTANCES, depth=2):
            return folder
    return None


COLUMNS = (
    "series", "series_uid", "frame", "sop_instance_uid", "multiframe_frame_number", "instance_number",
    "position_x_mm", "position_y_mm", "position_z_mm", "gap_mm", "pixel_spacing_vertical_mm",
    "pixel_spacing_horizontal_mm", "slice_thickness_mm", "window_center", "window_width", "modality", "width", "height",
    "file_uri",
)  # fmt: skip


def write_table(narrowed: Narrowed, target: Target, options: Any) -> None:
    """Write one line per slice, or one for a row without known slices.

    Multiple windows are separated by backslashes, as in DICOM.
    """
    with target.open(TABLE) as stream, io.TextIOWrapper(stream, "utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in walk(narrowed, target, options):
            uid = row.series["series_uid"] if row.series else ""
            if not row.slices:
                writer.writerow([row.title, uid, *[""] * (len(COLUMNS) - 5), row.width, row.height, ""])
            gaps = _gaps(list(row.slices.values()))
            for (frame, block), gap in zip(row.slices.items(), gaps, strict=True):
                writer.writerow(_spelled(row.title, uid, frame, block, gap))


def _spelled(title: str, uid: str, frame: int, block: dict[str, Any], gap: float | None) -> list[Any]:
    def values(tag: int, count: int) -> list[Any]:
        return (tag_values(block, tag) + [""] * count)[:count]

    return [
        title, uid, frame, block["dicom_instance_uid"], block["multiframe_frame_number"], *values(0x00200013, 1),
        *values(0x00200032, 3), "" if gap is None else f"{gap:.6g}", *values(0x00280030, 2), *values(0x00180050, 1),
        "\\".join(map(str, tag_values(block, 0x00281050))), "\\".join(map(str, tag_values(block, 0x00281051))),
        *values(0x00080060, 1), block["width"], block["height"], block["file_uri"],
    ]  # fmt: skip


def _gaps(blocks: list[dict[str, Any]]) -> list[float | None]:
    """Return the distance of each slice from the one before it."""
    gaps: list[float | None] = [None] * min(len(blocks), 1)
    for before, after in pairwise(tag_values(block, 0x00200032) for block in blocks):
        is_known = len(before) == len(after) == 3
        gaps.append(sum((b - a) ** 2 for a, b in zip(before, after, strict=True)) ** 0.5 if is_known else None)
    return gaps
