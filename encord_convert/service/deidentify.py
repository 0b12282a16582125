"""De-identifies DICOM files: keeps only listed elements, and paints over text in images.

Kept are the published list of Encord's service and the elements needed for decoding; all else is removed at any depth,
private elements included. PatientName and the UIDs of instance, series and study are on that list, so the result is
marked as identity *not* removed.

Source: API reference of encord 0.1.104, ``deidentify_dicom_files`` (the list); PS3.15, Annex E; PS3.3, C.7.6 (pixels),
C.12.1 (how an object says what was done to it). Only files of one image object are taken: no documents, no big endian
(retired in 2006), no text redaction in video or 1-bit pixels.
"""

from __future__ import annotations

import math
import os
import re
import struct
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from encord_convert.service.dicom_texts import Box, text_boxes

DOCUMENTED = frozenset({
    0x00080018, 0x00100010, 0x00180050, 0x00180088, 0x0020000D, 0x0020000E, 0x00200032, 0x00200037, 0x00280008,
    0x00281050, 0x00281051, 0x00520014,
})  # fmt: skip
"""Elements documented as kept."""
STRUCTURAL = frozenset({
    0x00080005, 0x00080016, 0x00280002, 0x00280004, 0x00280006, 0x00280010, 0x00280011, 0x00280100, 0x00280101,
    0x00280102, 0x00280103, 0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203, 0x00282110,
    0x00282112, 0x00282114, 0x7FE00001, 0x7FE00002, 0x7FE00008, 0x7FE00009, 0x7FE00010,
})  # fmt: skip
"""Elements needed for decoding."""
GROUPS = frozenset({0x52009229, 0x52009230, 0x00209113, 0x00209116, 0x00289110, 0x00289132, 0x00289145})
"""Functional groups of multi-frame objects, kept for the elements of :data:`LEAVES` in them."""
LEAVES = DOCUMENTED - {0x00080018, 0x00100010, 0x0020000D, 0x0020000E} | {0x00280030, 0x00281052, 0x00281053}

WARNINGS = (
    "PatientName and the UIDs of instance, series and study are kept, as documented: the result is not de-identified "
    "by the standard, and says so.",
    "PixelSpacing and the rescale factors are not on the documented list and are removed: mm and HU are lost.",
)
NO_OCR = "No text recognition is installed: all text is painted over, not only what is sensitive."

MOST_PIXEL_BYTES = 2 << 30
"""Largest decoded size of a file."""
MOST_DEFLATED_BYTES = 64 << 20
"""Largest deflated file."""
PIXELS_LOOKED_AT = 1 << 26
"""Frames searched for text, evenly chosen if there are more. A box found on one is painted over on all."""
FRAMES_LOOKED_AT = 16
"""At least."""
IMPLEMENTATION = UID("2.25.110264127441346352127417923718231265081")
_HEX = re.compile(r"[0-9a-f]{8}", re.ASCII)
_VIDEO = "1.2.840.10008.1.2.4.10"


class Mode(Enum):
    """Treatment of text in the image."""

    ALL = "REDACT_ALL_TEXT"
    NONE = "REDACT_NO_TEXT"
    SENSITIVE = "REDACT_SENSITIVE_TEXT"


class NotRedactable(ValueError):
    """A file that cannot be de-identified: one sentence."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Save condition: an element equals one of these texts, or does not contain this one.

    Parameters
    ----------
    tag : BaseTag
    values : tuple of str
        To equal one of, after padding is taken off; or one, to stand nowhere in the element.
    is_member : bool
        Which of the two.
    """

    tag: BaseTag
    values: tuple[str, ...]
    is_member: bool

    def holds(self, header: Dataset) -> bool:
        """Return whether the original header meets it; a missing element matches nothing and contains nothing."""
        found = texts(header, self.tag)
        if self.is_member:
            return any(text in self.values for text in found)
        return not any(self.values[0] in text for text in found) and self.values[0] != ""


@dataclass(frozen=True, slots=True)
class Redaction:
    """Result for a file.

    Parameters
    ----------
    boxes : int
        That were painted over.
    share : float
        Of the image that they are.
    is_name_identifying : bool
        Whether the file's name holds the name, the id or the birth date of the patient.
    """

    boxes: int = 0
    share: float = 0.0
    is_name_identifying: bool = False


def tag_of(spelled: str) -> BaseTag:
    """Return a tag from any of its spellings: ``00100010``, ``(0010,0010)``, ``x00100010``, ``PatientName``.

    Raises
    ------
    ValueError
        It is not a tag.
    """
    bare = spelled.strip().strip("()").replace(",", "").replace(" ", "").lower().removeprefix("0x").removeprefix("x")
    try:
        return Tag(int(bare, 16)) if _HEX.fullmatch(bare) else Tag(spelled)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{spelled[:64]!r} is no DICOM tag; expected one as 00100010 or PatientName.") from error


def texts(header: Dataset, tag: BaseTag) -> list[str]:
    """Return the values of an element as texts without padding; empty if missing or unreadable."""
    try:
        value = header[tag].value if tag in header else None
    except Exception:  # pydicom converts on access, and raises what the converter raises
        return []
    if value is None:
        return []
    values = value if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]
    return [str(item).strip(" \0") for item in values]


def tells(name: str, header: Dataset) -> bool:
    """Return whether a file name contains the name, id or birth date of its patient."""
    found = [text for tag in (0x00100010, 0x00100020, 0x00100030) for text in texts(header, Tag(tag))]
    words = {word.casefold() for text in found for word in re.split(r"[\^= ]", text) if len(word) > 2}
    return any(word in name.casefold() for word in words)


def redact(
    source: BinaryIO, target: BinaryIO, *, tags: bool, mode: Mode, conditions: Iterable[Condition], name: str = ""
) -> Redaction | None:
    """De-identify one file.

    Parameters
    ----------
    source : open file
        Seekable, at its beginning.
    target : open file
    tags : bool
        Whether to reduce the header to kept elements.
    mode : Mode
    conditions : iterable of Condition
        Checked on the original header; if one fails None is returned and nothing written.
    name : str
        Of the file.

    Raises
    ------
    NotRedactable
        It is not a DICOM image, is damaged, too large, or of an unsupported kind.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for message in ("Invalid value for VR", "The value length", "Value of", "A value"):
            warnings.filterwarnings("ignore", message)
        try:
            found = _read(source)
            if not all(condition.holds(found) for condition in conditions):
                return None
            is_name_identifying = tells(name, found)
            done = replace(Redaction() if mode is Mode.NONE else _paint(found), is_name_identifying=is_name_identifying)
            if not tags and mode is Mode.NONE:
                source.seek(0)
                _copy(source, target)
                return done
            written = _kept(found) if tags else found
            written.file_meta = _meta(found)
            written.preamble = bytes(128)
            written.save_as(target, enforce_file_format=True)
        except NotRedactable:
            raise
        except (InvalidDicomError, EOFError, struct.error) as error:
            raise NotRedactable("It is no DICOM file, or is cut short.") from error
        except RecursionError as error:
            raise NotRedactable("Its sequences are nested too deep.") from error
        except (ValueError, TypeError, AttributeError, KeyError, RuntimeError, NotImplementedError, Warning) as error:
            raise NotRedactable(f"It is damaged, or of a kind that cannot be read: {type(error).__name__}.") from error
    return done


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    while part := source.read(1 << 20):
        target.write(part)


def _read(source: BinaryIO) -> Dataset:
    source.seek(0, os.SEEK_END)
    size = source.tell()
    source.seek(0)
    head = source.read(4096)
    source.seek(0)
    if head[128:132] != b"DICM":
        raise NotRedactable("It is no DICOM file: the letters DICM are not at byte 128.")
    if str(DeflatedExplicitVRLittleEndian).encode() in head and size > MOST_DEFLATED_BYTES // 100:
        raise NotRedactable("It is deflated as a whole and large; inflate it first.")
    found = dcmread(source)
    syntax = found.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise NotRedactable("It does not say how it is encoded (no TransferSyntaxUID).")
    if syntax == ExplicitVRBigEndian:
        raise NotRedactable("It is big endian, which DICOM retired in 2006; convert it first.")
    missing = [
        name for name in ("SOPClassUID", "SOPInstanceUID", "Rows", "Columns", "BitsAllocated") if name not in found
    ]
    if missing or not any(tag in found for tag in (0x7FE00010, 0x7FE00008, 0x7FE00009)):
        raise NotRedactable(f"It holds no image: it has no {missing[0] if missing else 'PixelData'}.")
    bits = found.Rows * found.Columns * found.get("SamplesPerPixel", 1) * found.BitsAllocated * _frames(found)
    if bits > MOST_PIXEL_BYTES * 8:
        raise NotRedactable(f"Its pixels are {bits >> 33} GiB; {MOST_PIXEL_BYTES >> 30} GiB are the most.")
    if not syntax.is_compressed and 0x7FE00010 in found and len(found.PixelData) < math.ceil(bits / 8):
        raise NotRedactable(
            f"It is cut short: of {math.ceil(bits / 8)} bytes of pixels {len(found.PixelData)} are there."
        )
    return found


def _frames(header: Dataset) -> int:
    counted = texts(header, Tag(0x00280008))
    frames = int(counted[0]) if counted and counted[0] else 1
    if frames < 1:
        raise NotRedactable(f"Its number of frames is {frames}.")
    return frames


def _kept(found: Dataset) -> Dataset:
    """Return the reduced data set, which records what was done."""
    kept = Dataset()
    for element in _elements(found):
        if element.tag in DOCUMENTED or element.tag in STRUCTURAL:
            kept.add(element)
        elif element.tag in GROUPS:
            kept.add(_reduced(element))
    kept.PatientIdentityRemoved = "NO"
    kept.DeidentificationMethod = "All but a list removed; PatientName and UIDs are kept"
    kept.LongitudinalTemporalInformationModified = "REMOVED"
    return kept


def _elements(found: Dataset) -> Iterator[Any]:
    """Yield the raw elements of a data set, without conversion."""
    for tag in sorted(found.keys()):
        if tag in DOCUMENTED or tag in STRUCTURAL or tag in GROUPS or tag in LEAVES:
            yield found[tag]


def _reduced(element: Any) -> Any:
    """Reduce a sequence of functional groups, at any depth, to kept elements."""
    for item in element.value:
        for tag in list(item.keys()):
            if tag in GROUPS:
                _reduced(item[tag])
            elif tag not in LEAVES:
                del item[tag]
    return element


def _meta(found: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = found.SOPClassUID
    meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    meta.TransferSyntaxUID = found.file_meta.TransferSyntaxUID
    meta.ImplementationClassUID = IMPLEMENTATION
    return meta


def _paint(found: Dataset) -> Redaction:
    """Paint over, on all frames, what looks like text on any."""
    syntax = found.file_meta.TransferSyntaxUID
    if "PixelData" not in found or found.BitsAllocated not in (8, 16) or str(syntax).startswith(_VIDEO):
        raise NotRedactable("Text in it cannot be found: its pixels are not of 8 or 16 bits, or are a video.")
    if syntax.is_encapsulated:
        try:
            found.decompress(generate_instance_uid=False)
        except Exception as error:  # decoders raise arbitrary exceptions
            raise NotRedactable(f"Its pixels cannot be decoded: {type(error).__name__}.") from error
        found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pixels, is_planar = _pixels(found)
    frames, height, width = pixels.shape[:3]
    count = min(frames, max(FRAMES_LOOKED_AT, PIXELS_LOOKED_AT // (height * width)))
    looked_at = np.unique(np.linspace(0, frames - 1, count).round().astype(int))
    boxes: set[Box] = {box for frame in looked_at for box in text_boxes(_luminance(found, pixels[frame]))}
    if not boxes:
        return Redaction()
    covered = np.zeros((height, width), bool)
    for top, bottom, left, right in boxes:
        covered[top:bottom, left:right] = True
    painted = pixels.copy()
    painted[:, covered] = _black(found)
    stored = painted.transpose(0, 3, 1, 2) if is_planar else painted
    data = stored.tobytes()
    found.PixelData = data + bytes(len(data) % 2)
    found["PixelData"].VR = "OW" if found.BitsAllocated > 8 else "OB"
    found.pop(0x00280301, None)
    return Redaction(len(boxes), float(covered.mean()))


def _pixels(found: Dataset) -> tuple[NDArray[Any], bool]:
    """Return the stored values, (frames, height, width, samples), and whether samples are stored plane by plane."""
    samples = int(found.get("SamplesPerPixel", 1))
    if str(found.PhotometricInterpretation).startswith("YBR") and "422" in found.PhotometricInterpretation:
        raise NotRedactable("Its colours are stored for pairs of pixels (YBR_FULL_422), which are not painted over.")
    is_signed = found.get("PixelRepresentation", 0) == 1
    dtype = np.dtype(f"<{'i' if is_signed else 'u'}{found.BitsAllocated // 8}")
    frames, height, width = _frames(found), int(found.Rows), int(found.Columns)
    flat = np.frombuffer(found.PixelData, dtype, frames * height * width * samples)
    is_planar = samples > 1 and found.get("PlanarConfiguration", 0) == 1
    if is_planar:
        return flat.reshape(frames, samples, height, width).transpose(0, 2, 3, 1), True
    return flat.reshape(frames, height, width, samples), False


def _luminance(found: Dataset, frame: NDArray[Any]) -> Any:
    if found.PhotometricInterpretation == "PALETTE COLOR":
        return _palette(found)[np.clip(frame[..., 0].astype(np.int64) - _first_entry(found), 0, None)]
    if frame.shape[2] == 3 and found.PhotometricInterpretation == "RGB":
        return frame.astype(np.float32).mean(2)
    return frame[..., 0].astype(np.float32)


def _black(found: Dataset) -> Any:
    """Return the stored value, or values, of black."""
    bits = int(found.get("BitsStored", found.BitsAllocated))
    is_signed = found.get("PixelRepresentation", 0) == 1
    lowest, highest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed else (0, (1 << bits) - 1)
    kind = found.PhotometricInterpretation
    if kind == "MONOCHROME1":
        return highest
    if kind == "PALETTE COLOR":
        return int(np.argmin(_palette(found))) + _first_entry(found)
    if str(kind).startswith("YBR"):
        return [0, 1 << (bits - 1), 1 << (bits - 1)]
    return lowest


def _first_entry(found: Dataset) -> int:
    return int(found.RedPaletteColorLookupTableDescriptor[1])


def _palette(found: Dataset) -> NDArray[np.float32]:
    """Return the brightness of each entry of the palette, as long as any stored value asks for."""
    size = int(found.RedPaletteColorLookupTableDescriptor[0]) or 65536
    total = np.zeros(1 << int(found.BitsAllocated), np.float32)
    for name in ("Red", "Green", "Blue"):
        data = found[f"{name}PaletteColorLookupTableData"].value
        entries = np.frombuffer(data, np.uint8 if len(data) < 2 * size else "<u2", size).astype(np.float32)
        total[:size] += entries
        total[size:] += entries[-1]
    return total
