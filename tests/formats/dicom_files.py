"""Small DICOM files for tests, made with pydicom: what a case needs and nothing else."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
ULTRASOUND_CINE = "1.2.840.10008.5.1.4.1.1.3.1"
AXIAL = [1, 0, 0, 0, 1, 0]


def dataset(uid: str, **elements: Any) -> Dataset:
    """Return an image of 4 × 3 pixels of 16 bits."""
    made = Dataset()
    defaults: dict[str, Any] = {
        "SOPClassUID": CT, "SOPInstanceUID": f"2.25.{uid}", "StudyInstanceUID": "2.25.1", "SeriesInstanceUID": "2.25.2",
        "PatientID": "P1", "Modality": "CT", "Rows": 3, "Columns": 4, "SamplesPerPixel": 1, "BitsAllocated": 16,
        "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0, "PhotometricInterpretation": "MONOCHROME2",
    }  # fmt: skip
    for name, value in {**defaults, **elements}.items():
        if value is not None:
            setattr(made, name, value)
    frames = int(elements.get("NumberOfFrames") or 1)
    if "PixelData" not in elements:
        made.PixelData = bytes(2 * frames * (made.get("Rows") or 0) * (made.get("Columns") or 0))
    made["PixelData"].VR = "OW"
    return made


def file_of(made: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return the bytes of a file."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = made.SOPClassUID
    meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta = meta
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def image(uid: object, position: Iterable[float] | None = None, orientation: Any = AXIAL, **elements: Any) -> bytes:
    """Return the file of one slice."""
    if position is not None:
        elements |= {"ImagePositionPatient": list(position), "ImageOrientationPatient": orientation}
    return file_of(dataset(str(uid), **elements))


def functional_groups(positions: Iterable[float], windows: Iterable[tuple[float, float]], **content: Any) -> Dataset:
    """Return an enhanced CT whose frames lie at these heights, each with a window of its own."""
    frames = []
    for index, (height, (center, width)) in enumerate(zip(positions, windows, strict=True)):
        frame, place, voi, frame_content = Dataset(), Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, height]
        voi.WindowCenter, voi.WindowWidth = center, width
        frame.PlanePositionSequence, frame.FrameVOILUTSequence = [place], [voi]
        for name, values in content.items():
            setattr(frame_content, name, values[index])
        frame.FrameContentSequence = [frame_content]
        frames.append(frame)
    shared, direction, measures = Dataset(), Dataset(), Dataset()
    direction.ImageOrientationPatient = AXIAL
    measures.PixelSpacing = [0.5, 0.25]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [direction], [measures]
    return dataset(
        "9",
        SOPClassUID=ENHANCED_CT,
        NumberOfFrames=len(frames),
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
    )
