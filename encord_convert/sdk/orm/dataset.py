"""Datasets: the record a service sends, its users and keys. Data rows, storage and uploads have homes of their own."""

# mypy: disable-error-code="no-any-return"
# The values of these dictionaries are what a service sent.

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import Any, Self
from uuid import UUID

from encord_convert.sdk.orm._data_rows import DataRow, DataRows, DataRowStore, ImageData, ImagesDataFetchOptions
from encord_convert.sdk.orm._members import member
from encord_convert.sdk.orm._storage import StorageLocation
from encord_convert.sdk.orm._uploads import (
    AddPrivateDataResponse,
    DatasetData,
    DatasetDataInfo,
    DatasetDataLongPolling,
    DicomDeidentifyTask,
    DicomSeries,
    Image,
    ImageGroup,
    ImageGroupOCR,
    Images,
    LongPollingStatus,
    ReEncodeVideoTask,
    ReEncodeVideoTaskResult,
    SignedDicomsURL,
    SignedDicomURL,
    SignedImagesURL,
    SignedImageURL,
    SignedVideoURL,
    SingleImage,
    Video,
    optional_uuid,
)
from encord_convert.sdk.orm.base_dto import BaseDTO
from encord_convert.sdk.orm.formatter import Formatter

__all__ = [
    "AddPrivateDataResponse",
    "CreateDatasetResponse",
    "DataClientMetadata",
    "DataRow",
    "DataRowStore",
    "DataRows",
    "Dataset",
    "DatasetAPIKey",
    "DatasetAccessSettings",
    "DatasetData",
    "DatasetDataInfo",
    "DatasetDataLongPolling",
    "DatasetInfo",
    "DatasetLinkItems",
    "DatasetScope",
    "DatasetType",
    "DatasetUser",
    "DatasetUserRole",
    "DatasetUsers",
    "DicomDeidentifyTask",
    "DicomSeries",
    "Image",
    "ImageData",
    "ImageGroup",
    "ImageGroupOCR",
    "Images",
    "ImagesDataFetchOptions",
    "LongPollingStatus",
    "ReEncodeVideoTask",
    "ReEncodeVideoTaskResult",
    "SignedDicomURL",
    "SignedDicomsURL",
    "SignedImageURL",
    "SignedImagesURL",
    "SignedVideoURL",
    "SingleImage",
    "StorageLocation",
    "Video",
]

DatasetType = StorageLocation


class DatasetUserRole(IntEnum):
    """What a user may do with a dataset."""

    ADMIN = 0
    USER = 1


class DatasetUser(BaseDTO):
    """A user of a dataset."""

    user_email: str
    user_role: DatasetUserRole
    dataset_hash: str

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> Self:
        """Return the user a JSON object describes.

        Raises
        ------
        EncordException
            A key is missing, or the role is unknown.
        """
        return super().from_dict(json_dict)


class DatasetUsers:
    """The name of the call that adds users to a dataset."""


@dataclass(frozen=True)
class DataClientMetadata:
    """What a customer noted about data."""

    payload: dict[str, Any]


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset as it stands in a listing.

    Parameters
    ----------
    dataset_hash, user_hash, title, description : str
    type : int
        The value of a :class:`StorageLocation`.
    created_at, last_edited_at : datetime
    backing_folder_uuid : UUID or None
    """

    dataset_hash: str
    user_hash: str
    title: str
    description: str
    type: int
    created_at: datetime
    last_edited_at: datetime
    backing_folder_uuid: UUID | None = None


class Dataset(dict[str, Any], Formatter):
    """A dataset with its data rows; a dictionary too, for older scripts.

    Properties and keys say the same. Setters change this record only, nothing on a server.

    Parameters
    ----------
    title : str
    storage_location : str
        The word the wire uses.
    data_rows : list of DataRow
    dataset_hash : str
    description : str or None
    backing_folder_uuid : UUID or None
    """

    def __init__(
        self,
        title: str,
        storage_location: str,
        data_rows: list[DataRow],
        dataset_hash: str,
        description: str | None = None,
        backing_folder_uuid: UUID | None = None,
    ) -> None:
        super().__init__(
            dataset_hash=dataset_hash,
            title=title,
            description=description,
            dataset_type=storage_location,
            data_rows=data_rows,
            backing_folder_uuid=backing_folder_uuid,
        )

    dataset_hash: str = member("dataset_hash")
    title: str = member("title", settable=True)
    description: str = member("description", settable=True)

    @property
    def storage_location(self) -> StorageLocation:
        """Whose storage the data lie in.

        Raises
        ------
        KeyError
            The word is unknown.
        """
        return StorageLocation.from_str(self["dataset_type"])

    @storage_location.setter
    def storage_location(self, value: StorageLocation) -> None:
        self["dataset_type"] = value.get_str()

    data_rows: list[DataRow] = member("data_rows", settable=True)
    backing_folder_uuid: UUID | None = member("backing_folder_uuid", settable=True)

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> Dataset:
        """Return the dataset a JSON object describes.

        Raises
        ------
        KeyError
            A key other than ``data_rows`` and ``backing_folder_uuid`` is missing.
        """
        return cls(
            title=json_dict["title"],
            storage_location=json_dict["dataset_type"],
            data_rows=DataRow.from_dict_list(json_dict.get("data_rows", [])),
            dataset_hash=json_dict["dataset_hash"],
            description=json_dict["description"],
            backing_folder_uuid=optional_uuid(json_dict.get("backing_folder_uuid")),
        )


class DatasetScope(Enum):
    """One thing a dataset key allows."""

    READ = "dataset.read"
    WRITE = "dataset.write"


@dataclass(frozen=True)
class DatasetAPIKey(Formatter):
    """A key to one dataset."""

    dataset_hash: str
    api_key: str = field(repr=False)
    title: str
    key_hash: str
    scopes: list[DatasetScope]

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> DatasetAPIKey:
        """Return the key a JSON object describes; its scopes are a list or the JSON text of one.

        Raises
        ------
        KeyError
            A key is missing.
        ValueError
            A scope is unknown.
        """
        scopes: Iterable[str] | str = json_dict["scopes"]
        named = json.loads(scopes) if isinstance(scopes, str) else scopes
        return cls(
            json_dict["resource_hash"],
            json_dict["api_key"],
            json_dict["title"],
            json_dict["key_hash"],
            [DatasetScope(item) for item in named],
        )


class CreateDatasetResponse(dict[str, Any], Formatter):
    """A dataset that was made; a dictionary too, for older scripts.

    Properties and keys say the same. Setters change this record only, nothing on a server.

    Parameters
    ----------
    title : str
    storage_location : int
        The value of a :class:`StorageLocation`.
    dataset_hash, user_hash : str
    backing_folder_uuid : UUID or None
    """

    def __init__(
        self, title: str, storage_location: int, dataset_hash: str, user_hash: str, backing_folder_uuid: UUID | None
    ) -> None:
        super().__init__(
            title=title,
            type=storage_location,
            dataset_hash=dataset_hash,
            user_hash=user_hash,
            backing_folder_uuid=backing_folder_uuid,
        )

    title: str = member("title", settable=True)

    @property
    def storage_location(self) -> StorageLocation:
        return StorageLocation(self["type"])

    @storage_location.setter
    def storage_location(self, value: StorageLocation) -> None:
        self["type"] = value.value

    dataset_hash: str = member("dataset_hash", settable=True)
    user_hash: str = member("user_hash", settable=True)
    backing_folder_uuid: UUID | None = member("backing_folder_uuid", settable=True)

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> CreateDatasetResponse:
        """Return the dataset a JSON object describes.

        Raises
        ------
        KeyError
            A key other than ``backing_folder_uuid`` is missing.
        """
        return cls(
            title=json_dict["title"],
            storage_location=json_dict["type"],
            dataset_hash=json_dict["dataset_hash"],
            user_hash=json_dict["user_hash"],
            backing_folder_uuid=optional_uuid(json_dict.get("backing_folder_uuid")),
        )


@dataclass
class DatasetAccessSettings:
    """What is fetched of the data rows of a dataset."""

    fetch_client_metadata: bool


DEFAULT_DATASET_ACCESS_SETTINGS = DatasetAccessSettings(fetch_client_metadata=False)


@dataclass(frozen=True)
class DatasetLinkItems:
    """The name of the call that links storage items to a dataset."""
