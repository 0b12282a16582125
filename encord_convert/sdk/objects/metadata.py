"""What label rows say of DICOM series and slices.

Keys are read in either spelling, ``dicom_instance_uid`` or ``dicomInstanceUid``.

Source: label-row JSON, "DICOM metadata".
"""

from __future__ import annotations

from encord_convert.sdk.orm.base_dto import BaseDTO


class DICOMSeriesMetadata(BaseDTO):
    """The series a label row labels.

    Parameters
    ----------
    patient_id : str or None
    study_uid, series_uid : str
    """

    patient_id: str | None
    study_uid: str
    series_uid: str


class DICOMSliceMetadata(BaseDTO):
    """The slice a frame shows.

    Parameters
    ----------
    dicom_instance_uid : str
    multiframe_frame_number : int or None
        Its place in a file of several frames.
    file_uri : str
    width, height : int
        Pixels.
    """

    dicom_instance_uid: str
    multiframe_frame_number: int | None
    file_uri: str
    width: int
    height: int
