"""The kinds of data a label row can describe."""

from __future__ import annotations

from encord_convert.sdk.common.enum import StringEnum


class DataType(StringEnum):
    """What a label row labels. The value is the lower-case text of label rows; listings use upper case.

    Unknown text gives the last.
    """

    VIDEO = "video"
    IMG_GROUP = "img_group"
    DICOM = "dicom"
    IMAGE = "image"
    DICOM_STUDY = "dicom_study"
    MISSING_DATA_TYPE = "_MISSING_DATA_TYPE_"

    @classmethod
    def _missing_(cls, value: object) -> DataType:
        return cls.MISSING_DATA_TYPE

    @staticmethod
    def from_upper_case_string(string: str) -> DataType:
        """Return the type a listing names; ``MISSING_DATA_TYPE`` for any other text."""
        if string != string.upper():
            return DataType.MISSING_DATA_TYPE
        return DataType.from_string(string.lower()) or DataType.MISSING_DATA_TYPE

    def to_upper_case_string(self) -> str:
        """Return the text of a listing."""
        return self.value.upper()


class _NewerDataType(StringEnum):
    """Kinds of data only newer servers know: their rows are carried."""

    NIFTI = "nifti"
    AUDIO = "audio"
    PLAIN_TEXT = "plain_text"
    PDF = "pdf"
    GROUP = "group"
    SCENE = "scene"
    TIME_SERIES = "time_series"

    def to_upper_case_string(self) -> str:
        """Return the text of a listing."""
        return self.value.upper()
