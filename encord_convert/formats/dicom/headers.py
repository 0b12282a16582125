"""Reads the header of one DICOM file: checked against the file, converted and compact."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from sys import intern
from typing import Any, BinaryIO, NamedTuple

from encord_convert.formats.dicom.elements import (
    PIXELS,
    UNDEFINED,
    CutError,
    DamagedError,
    Dataset,
    Elements,
    NotDicomError,
)

MAX_FRAMES = 100_000

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_CONTENT, _POSITION, _ORIENTATION, _MEASURES, _VOI = 0x00209111, 0x00209113, 0x00209116, 0x00289110, 0x00289132
_ECHO, _DIFFUSION = 0x00189114, 0x00189117
SEQUENCES = frozenset({_SHARED, _PER_FRAME, _CONTENT, _POSITION, _ORIENTATION, _MEASURES, _VOI, _ECHO, _DIFFUSION})

SLICE_TAGS: dict[int, str] = {
    0x00080060: "CS", 0x00180050: "DS", 0x00181114: "DS", 0x00181164: "DS", 0x00200013: "IS", 0x00200032: "DS",
    0x00200037: "DS", 0x00280004: "CS", 0x00280008: "IS", 0x00280030: "DS", 0x00281050: "DS", 0x00281051: "DS",
}  # fmt: skip
"""Tags kept of each slice besides its block, with value representations. None identifies a person."""

_ACQUISITION, _TEMPORAL, _TRIGGER, _ECHO_TIME, _B_VALUE = 0x00200012, 0x00200100, 0x00181060, 0x00180081, 0x00189087
_OFFSETS = 0x3004000C
"""GridFrameOffsetVector: offsets of the planes of a dose, in mm from the first."""
_TEMPORAL_INDEX, _STACK, _EFFECTIVE_ECHO = 0x00209128, 0x00209056, 0x00189082
DIMENSIONS: dict[str, tuple[int, ...]] = {
    "AcquisitionNumber": (_ACQUISITION,),
    "TemporalPositionIdentifier": (_TEMPORAL, _TEMPORAL_INDEX),
    "TriggerTime": (_TRIGGER,),
    "EchoTime": (_ECHO_TIME, _EFFECTIVE_ECHO),
    "DiffusionBValue": (_B_VALUE,),
}
"""Dimensions that may separate slices at one position, in order of preference."""

_PLAIN = frozenset({
    0x00080005, 0x00080016, 0x00080018, 0x0008002A, 0x00080033, 0x00100010, 0x00100020, 0x0020000D, 0x0020000E,
    0x00280002, 0x00280010, 0x00280011, 0x00280100, _STACK, _OFFSETS,
})  # fmt: skip
KEPT = frozenset(SLICE_TAGS) | {0x00080018, 0x00100020, 0x0020000D, 0x0020000E, 0x00280010, 0x00280011}
"""Elements kept in rows and slices."""
WANTED = _PLAIN | frozenset(SLICE_TAGS) | frozenset(tag for tags in DIMENSIONS.values() for tag in tags)

SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_DIRECTORY = "1.2.840.10008.1.3.10"
"""Media Storage Directory: the index of a CD."""
_VIDEO = "1.2.840.10008.1.2.4.10"
"""Prefix of the transfer syntaxes of MPEG-2, MPEG-4 and HEVC, whose frames are one stream."""


class Refused(Exception):
    """A file that is rejected: a stable code and one sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Slice(NamedTuple):
    """One frame of a series; a tuple, since there may be a hundred thousand."""

    file: str
    uid: str
    number: int | None
    """Frame number inside a multi-frame instance, from 1."""
    width: int
    height: int
    instance: int | None
    position: tuple[float, ...] | None
    """ImagePositionPatient, mm."""
    orientation: tuple[float, ...] | None
    """ImageOrientationPatient: cosines along a row, then along a column."""
    stack: str
    time: str
    dimensions: tuple[float | None, ...]
    """Values of :data:`DIMENSIONS`."""
    tags: tuple[tuple[int, tuple[Any, ...]], ...]


class Header(NamedTuple):
    """One file: its series and slices."""

    study: str
    series: str
    patient: str | None
    patient_name: str | None
    modality: str
    slices: list[Slice]
    problems: list[tuple[str, str]]
    """Codes and sentences of irregularities without loss."""
    others: frozenset[int]
    """Elements before the pixels that are not kept."""


def read_header(stream: BinaryIO, size: int | None, file: str, *, keep_cut: bool, names: bool) -> Header:
    """Read one file up to its pixels.

    Parameters
    ----------
    keep_cut : bool
        Accept a file with a complete header and truncated pixels.
    names : bool
        Read the patient's name.

    Raises
    ------
    Refused
        It is not DICOM, is truncated or damaged, or holds no image.
    """
    try:
        elements = Elements(stream, size)
        found = elements.dataset(WANTED, SEQUENCES)
        return _Interpreter(elements, found, file, keep_cut).header(names)
    except NotDicomError as error:
        raise Refused("NOT_DICOM", f"It is not DICOM: {error}.") from error
    except CutError as error:
        raise Refused("TRUNCATED", f"It is cut short: {error}.") from error
    except DamagedError as error:
        raise Refused("DAMAGED", f"It is damaged: {error}.") from error


class _Interpreter:
    def __init__(self, elements: Elements, found: Dataset, file: str, keep_cut: bool) -> None:
        self._elements = elements
        self._found = found
        self._file = file
        self._keep_cut = keep_cut
        self._order = "little" if elements.order == "<" else "big"
        self._problems: list[tuple[str, str]] = []

    def header(self, names: bool) -> Header:
        found = self._found
        class_uid = self._text(found, 0x00080016) or self._elements.media_class
        uid = self._text(found, 0x00080018)
        width, height = self._short(0x00280011), self._short(0x00280010)
        modality = self._text(found, 0x00080060)
        if class_uid == _DIRECTORY:
            raise Refused("NOT_DICOM", "It is an index of DICOM files (DICOMDIR).")
        if class_uid in SEGMENTATIONS:
            raise Refused("SEGMENTATION", "A DICOM segmentation is not read: it holds masks, not images.")
        if not width or not height:
            if not class_uid and not uid:
                raise Refused("NOT_DICOM", "It is not DICOM: it has no SOP class, no instance UID and no size.")
            if _WITH_PIXELS.fullmatch(class_uid):
                raise Refused("TRUNCATED", "It is cut short: it ends before Rows (0028,0010) and Columns (0028,0011).")
            raise Refused("NO_PICTURE", f"{modality or 'An object'} of the class {class_uid or '?'} carries no image.")
        if not uid:
            raise Refused("DAMAGED", "It has no SOPInstanceUID, so nothing can refer to it.")
        study, series = self._text(found, 0x0020000D), self._text(found, 0x0020000E)
        for value, name in ((series, "SeriesInstanceUID"), (study, "StudyInstanceUID")):
            if not value:
                sentence = f"It has no {name}; files without it form one series per folder and study."
                self._problems.append(("NO_UID", sentence))
        frames = self._frames()
        self._check_pixels(width, height, frames or 1)
        return Header(
            intern(study), intern(series), self._human(0x00100020),
            self._human(0x00100010) if names else None, intern(modality),
            list(self._slices(uid, width, height, frames)), self._problems, frozenset(self._elements.tags - KEPT),
        )  # fmt: skip

    def _short(self, tag: int) -> int:
        return int.from_bytes(self._found.get(tag, b"")[:2], self._order)  # type: ignore[arg-type]

    def _text(self, found: Dataset, tag: int) -> str:
        value = found.get(tag)
        return value.strip(b"\0 ").decode("latin-1") if isinstance(value, bytes) else ""

    def _human(self, tag: int) -> str | None:
        """Decode a text in the file's character set, without trailing empty ``=`` components."""
        raw = self._found.get(tag, b"").rstrip(b"\0 =")
        if not raw:
            return None
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii").strip()  # type: ignore[no-any-return]
        text, problem = decoded(raw, self._text(self._found, 0x00080005))
        if problem:
            self._problems.append(("CHARACTER_SET", problem))
        return text.strip()

    def _numbers(self, found: Dataset, tag: int) -> tuple[Any, ...] | None:
        """Return the numbers of an element; None if absent, empty or not numeric."""
        text = self._text(found, tag)
        if not text:
            return None
        try:
            return _parsed(text)
        except ValueError:
            sentence = (
                f"({tag >> 16:04X},{tag & 0xFFFF:04X}) holds {text[:40]!r}, which is not a number; it is left out."
            )
            self._problems.append(("BAD_VALUE", sentence))
            return None

    def _frames(self) -> int | None:
        """Return the number of frames; None if not stated."""
        numbers = self._numbers(self._found, 0x00280008)
        if numbers is None:
            return len(self._found[_PER_FRAME]) or None if _PER_FRAME in self._found else None
        if numbers[0] != int(numbers[0]) or not 1 <= numbers[0] <= MAX_FRAMES:
            raise Refused("DAMAGED", f"It claims {numbers[0]} frames; 1 to {MAX_FRAMES} are allowed.")
        per_frame = self._found.get(_PER_FRAME)
        if per_frame is not None and len(per_frame) != numbers[0]:
            fact = f"It has {numbers[0]} frames but functional groups of {len(per_frame)}."
            raise Refused("DAMAGED", fact)
        return int(numbers[0])

    def _check_pixels(self, width: int, height: int, frames: int) -> None:
        """Compare the header with the size of the pixel data, without decoding."""
        tag = next((tag for tag in PIXELS if tag in self._found), None)
        try:
            if tag is None:
                raise CutError("it ends before its pixels")
            length = self._found[tag]
            if length == UNDEFINED:
                fragments = self._elements.pass_over(implicit=True) - 1
                if fragments < frames and not (self._elements.syntax or "").startswith(_VIDEO):
                    raise CutError(f"it has {frames} frames but {max(fragments, 0)} compressed fragments")
            else:
                samples, bits = self._short(0x00280002) or 1, self._short(0x00280100)
                expected = (width * height * samples * bits * frames + 7) // 8
                subsampled = "422" in self._text(self._found, 0x00280004)
                if length < (expected * 2 // 3 if subsampled else expected):
                    raise CutError(f"its pixels need {expected} bytes, but its header says {length}")
                self._pass_pixels(length)
        except CutError as error:
            if not self._keep_cut:
                raise
            self._problems.append(("TRUNCATED_PIXELS", f"The pixels are cut short ({error}); the header is read."))

    def _pass_pixels(self, length: int) -> None:
        try:
            self._elements.skip(length)
        except CutError as error:
            raise CutError(f"its pixels are incomplete, {error}") from None

    def _slices(self, uid: str, width: int, height: int, frames: int | None) -> Iterator[Slice]:
        found = self._found
        instance = self._numbers(found, 0x00200013)
        time = self._text(found, 0x0008002A) or self._text(found, 0x00080033)
        shared = (found.get(_SHARED) or [{}])[0]
        per_frame: list[Dataset] | None = found.get(_PER_FRAME)
        is_single = frames is None or (frames == 1 and per_frame is None)
        planes = None if per_frame is not None or shared else self._planes(frames)
        for index in range(1 if is_single else frames or 1):
            values = dict(found)
            if per_frame is not None or shared:
                # Top-level elements of an enhanced object do not describe its frames.
                for tag in (0x00200032, 0x00200037, 0x00280030, 0x00281050, 0x00281051, 0x00180050):
                    values.pop(tag, None)
                for groups in (shared, per_frame[index] if per_frame is not None else {}):
                    for tag in SEQUENCES:
                        for item in groups.get(tag) or ():
                            values.update(item)
            if planes is not None:
                values[0x00200032] = planes[index]
            position = self._numbers(values, 0x00200032)
            orientation = self._numbers(values, 0x00200037)
            yield Slice(
                self._file, uid, None if is_single else index + 1, width, height,
                int(instance[0]) if instance else None,
                position if position and len(position) == 3 else None,
                orientation if orientation and len(orientation) == 6 else None,
                self._text(values, _STACK), time, tuple(self._dimension(values, tags) for tags in DIMENSIONS.values()),
                tuple(self._kept(values)),
            )  # fmt: skip

    def _planes(self, frames: int | None) -> list[bytes] | None:
        """Return the position of each plane of a dose as text; None if not stated.

        Source: PS3.3, C.8.8.3.2: offsets start at 0 along the normal, or are absolute positions.
        """
        offsets, first = self._numbers(self._found, _OFFSETS), self._numbers(self._found, 0x00200032)
        direction = normal_of(self._numbers(self._found, 0x00200037))
        if offsets is None or frames is None or first is None or len(first) != 3 or direction is None:
            return None
        if len(offsets) != frames:
            sentence = (
                f"GridFrameOffsetVector (3004,000C) has {len(offsets)} values for {frames} frames; it is left out."
            )
            self._problems.append(("BAD_VALUE", sentence))
            return None
        if offsets[0]:
            direction = (0.0, 0.0, 1.0)
        places = [[a + (offset - offsets[0]) * b for a, b in zip(first, direction, strict=True)] for offset in offsets]
        return ["\\".join(f"{number:.10g}" for number in place).encode() for place in places]

    def _dimension(self, values: Dataset, tags: tuple[int, ...]) -> float | None:
        for tag in tags:
            raw = values.get(tag)
            if raw is None:
                continue
            if tag in (_TEMPORAL_INDEX, _B_VALUE, _EFFECTIVE_ECHO):
                number = _binary(raw, self._elements.order)
                if number is not None:
                    return number
            elif numbers := self._numbers(values, tag):
                return float(numbers[0])
        return None

    def _kept(self, values: Dataset) -> Iterator[tuple[int, tuple[Any, ...]]]:
        for tag, vr in SLICE_TAGS.items():
            if tag in values:
                kept = (intern(self._text(values, tag)),) if vr == "CS" else self._numbers(values, tag)
                if kept and kept != ("",):
                    yield tag, kept


_WITH_PIXELS = re.compile(
    r"1\.2\.840\.10008\.5\.1\.4\.1\.1\."
    r"(?!4\.2$|12\.77$|77\.1\.5\.3$|501\.[3-6]$)"
    r"(?:(?:[1-7]|12|13|14|20|30|77|81|82|128|130|501|601)(?:\.[\d.]+)?|481\.(?:1|2|23|24))"
)
"""Storage classes whose objects hold images. Source: PS3.4, B.5."""


def normal_of(orientation: tuple[float, ...] | None) -> tuple[float, float, float] | None:
    """Return the unit normal of a plane with these cosines, row first; None if degenerate."""
    if orientation is None or len(orientation) != 6:
        return None
    ax, ay, az, bx, by, bz = orientation
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    length = (x * x + y * y + z * z) ** 0.5
    return None if not 0.5 < length < 2 else (x / length, y / length, z / length)


@lru_cache(4096)
def _parsed(text: str) -> tuple[Any, ...]:
    """Parse the numbers of a text, cached since slices of a series repeat them."""
    return tuple(_number(part) for part in text.split("\\") if part.strip())


def _number(text: str) -> Any:
    text = text.strip().replace(",", ".")
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(text)
    return int(number) if number.is_integer() and abs(number) < 1 << 53 else number


def _binary(raw: bytes, order: str) -> float | None:
    from struct import unpack

    if len(raw) == 4:
        return float(unpack(f"{order}L", raw)[0])
    number = float(unpack(f"{order}d", raw)[0]) if len(raw) == 8 else math.nan
    return number if math.isfinite(number) else None


def decoded(raw: bytes, character_sets: str) -> tuple[str, str | None]:
    """Decode a value in the character sets of (0008,0005); also return a sentence if that was ambiguous."""
    from pydicom.charset import convert_encodings, decode_bytes

    try:
        if not character_sets and b"\x1b" not in raw:
            raise LookupError("no character set is named, and the text is not ASCII")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # pydicom warns of what it cannot decode, and falls back to Latin-1
            return decode_bytes(raw, convert_encodings(character_sets.split("\\")), {0x3D, 0x5E}), None
    except (Warning, LookupError, ValueError) as error:
        return raw.decode("utf-8", "replace"), f"A patient's name or number was read as UTF-8: {error}."
