"""Records of data on their way in: signed links, what was made of them, and long jobs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.orm.base_orm import BaseListORM, BaseORM
from encord_convert.sdk.orm.formatter import Formatter

_HOME = "encord_convert.sdk.orm.dataset:"
_SIGNED = [("signed_url", str), ("data_hash", str), ("title", str), ("file_link", str)]


@seen_as(_HOME + "DatasetData")
class DatasetData(BaseORM):
    """A video or the images of a group."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("data_hash", str), ("video", dict), ("images", list)])


@seen_as(_HOME + "SignedVideoURL")
class SignedVideoURL(BaseORM):
    """Where to put a video."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(_SIGNED)


@seen_as(_HOME + "SignedImageURL")
class SignedImageURL(BaseORM):
    """Where to put an image."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(_SIGNED)


@seen_as(_HOME + "SignedImagesURL")
class SignedImagesURL(BaseListORM):
    """Where to put several images."""

    BASE_ORM_TYPE = SignedImageURL


@seen_as(_HOME + "SignedDicomURL")
class SignedDicomURL(BaseORM):
    """Where to put a DICOM file."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(_SIGNED)


@seen_as(_HOME + "SignedDicomsURL")
class SignedDicomsURL(BaseListORM):
    """Where to put several DICOM files."""

    BASE_ORM_TYPE = SignedDicomURL


@seen_as(_HOME + "Video")
class Video(BaseORM):
    """A video that was added."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(
        [("data_hash", str), ("title", str), ("file_link", str), ("backing_item_uuid", UUID)]
    )
    NON_UPDATABLE_FIELDS: ClassVar[set[str]] = {"data_hash", "backing_item_uuid"}


@seen_as(_HOME + "ImageGroup")
class ImageGroup(BaseORM):
    """A group of images that was added."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("data_hash", str), ("title", str), ("file_link", str)])
    NON_UPDATABLE_FIELDS: ClassVar[set[str]] = {"data_hash"}


@seen_as(_HOME + "Image")
class Image(BaseORM):
    """An image that was added."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(
        [("data_hash", str), ("title", str), ("file_link", str), ("image_hash", str)]
    )
    NON_UPDATABLE_FIELDS: ClassVar[set[str]] = {"data_hash"}


@seen_as(_HOME + "SingleImage")
class SingleImage(Image):
    """An image that was added on its own."""

    success: bool


@seen_as(_HOME + "Images")
@dataclass(frozen=True)
class Images:
    """Whether a batch of images was added."""

    success: bool


@seen_as(_HOME + "DicomSeries")
@dataclass(frozen=True)
class DicomSeries:
    """A DICOM series that was added."""

    data_hash: str
    title: str


@seen_as(_HOME + "DicomDeidentifyTask")
@dataclass(frozen=True)
class DicomDeidentifyTask:
    """DICOM files whose patients are to be forgotten."""

    dicom_urls: list[str]
    integration_hash: str


@seen_as(_HOME + "ImageGroupOCR")
@dataclass(frozen=True)
class ImageGroupOCR:
    """The texts read in a group of images."""

    processed_texts: dict[str, Any]


@seen_as(_HOME + "ReEncodeVideoTaskResult")
@dataclass(frozen=True)
class ReEncodeVideoTaskResult:
    """A video that was encoded again.

    Parameters
    ----------
    data_hash : str
    signed_url : str or None
    bucket_path : str
    """

    data_hash: str
    signed_url: str | None
    bucket_path: str


@seen_as(_HOME + "ReEncodeVideoTask")
@dataclass(frozen=True)
class ReEncodeVideoTask(Formatter):
    """How far the encoding of videos is.

    Parameters
    ----------
    status : str
    result : list of ReEncodeVideoTaskResult or None
        None while the job runs.
    """

    status: str
    result: list[ReEncodeVideoTaskResult] | None = None

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> ReEncodeVideoTask:
        """Return the state a JSON object describes.

        Raises
        ------
        KeyError
            A key is missing.
        """
        result = json_dict.get("result")
        if result is not None:
            result = [ReEncodeVideoTaskResult(r["data_hash"], r.get("signed_url"), r["bucket_path"]) for r in result]
        return cls(json_dict["status"], result)


@seen_as(_HOME + "LongPollingStatus")
class LongPollingStatus(str, Enum):  # noqa: UP042 (printed by its name, as documented)
    """How far a long job is."""

    PENDING = "PENDING"
    """Waits, or runs."""

    DONE = "DONE"
    """Ended well, or ended while errors were to be passed over."""

    ERROR = "ERROR"
    """Ended at an error that was not to be passed over."""


@seen_as(_HOME + "DatasetDataInfo")
@dataclass(frozen=True)
class DatasetDataInfo(Formatter):
    """A piece of data that was added.

    Parameters
    ----------
    data_hash, title : str
    backing_item_uuid : UUID or None
    """

    data_hash: str
    title: str
    backing_item_uuid: UUID | None

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> DatasetDataInfo:
        """Return what a JSON object describes.

        Raises
        ------
        KeyError
            A key other than ``backing_item_uuid`` is missing.
        """
        return cls(json_dict["data_hash"], json_dict["title"], optional_uuid(json_dict.get("backing_item_uuid")))


@seen_as(_HOME + "AddPrivateDataResponse")
@dataclass(frozen=True)
class AddPrivateDataResponse(Formatter):
    """What was added from a customer's own storage."""

    dataset_data_list: list[DatasetDataInfo]

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> AddPrivateDataResponse:
        """Return what a JSON object lists under ``dataset_data_info``.

        Raises
        ------
        KeyError
            A key is missing.
        """
        return cls([DatasetDataInfo.from_dict(item) for item in json_dict["dataset_data_info"]])


@seen_as(_HOME + "DatasetDataLongPolling")
@dataclass(frozen=True)
class DatasetDataLongPolling(Formatter):
    """How far the adding of data is; a unit is one video, image, group or series.

    Parameters
    ----------
    status : LongPollingStatus
    data_hashes_with_titles : list of DatasetDataInfo
        What was added.
    errors : list of str
    units_pending_count, units_done_count, units_error_count : int
    """

    status: LongPollingStatus
    data_hashes_with_titles: list[DatasetDataInfo]
    errors: list[str]
    units_pending_count: int
    units_done_count: int
    units_error_count: int

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> DatasetDataLongPolling:
        """Return the state a JSON object describes.

        Raises
        ------
        KeyError
            A key is missing.
        ValueError
            The status is unknown.
        """
        return cls(
            LongPollingStatus(json_dict["status"]),
            [DatasetDataInfo.from_dict(title) for title in json_dict["data_hashes_with_titles"]],
            json_dict["errors"],
            json_dict["units_pending_count"],
            json_dict["units_done_count"],
            json_dict["units_error_count"],
        )


def optional_uuid(value: str | UUID | None) -> UUID | None:
    """Return the UUID of a text; None for None."""
    return UUID(value) if isinstance(value, str) else value
