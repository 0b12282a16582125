"""A dataset of the service: its data rows, and how data gets there.

Source: wire protocol, section 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

from encord_convert.sdk._dataset_client import EncordClientDataset, FilePath
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.http.utils import CloudUploadSettings
from encord_convert.sdk.orm.cloud_integration import CloudIntegration
from encord_convert.sdk.orm.dataset import (
    AddPrivateDataResponse,
    DataRow,
    DatasetAccessSettings,
    DatasetDataLongPolling,
    DatasetUser,
    DatasetUserRole,
    Image,
    ImageGroupOCR,
    ReEncodeVideoTask,
    StorageLocation,
)
from encord_convert.sdk.orm.dataset import Dataset as OrmDataset

PrivateFiles = str | dict[str, Any] | Path | TextIO


class Dataset:
    """A dataset of the service.

    Parameters
    ----------
    client : EncordClientDataset
    orm_dataset : encord_convert.sdk.orm.dataset.Dataset
        What the service says of it.
    """

    def __init__(self, client: EncordClientDataset, orm_dataset: OrmDataset) -> None:
        self._client = client
        self._dataset_instance = orm_dataset

    @property
    def dataset_hash(self) -> str:
        """Its identifier."""
        return self._dataset_instance.dataset_hash

    @property
    def title(self) -> str:
        """What it is called."""
        return self._dataset_instance.title

    @property
    def description(self) -> str:
        """What it is for."""
        return self._dataset_instance.description

    @property
    def storage_location(self) -> StorageLocation:
        """Where its data lies."""
        return self._dataset_instance.storage_location

    @property
    def backing_folder_uuid(self) -> UUID | None:
        """Identifier of the folder of the storage behind it, if there is one."""
        return self._dataset_instance.backing_folder_uuid

    @property
    def data_rows(self) -> list[DataRow]:
        """Its data, as it was when the dataset was last fetched."""
        return self._dataset_instance.data_rows

    def list_data_rows(
        self,
        title_eq: str | None = None,
        title_like: str | None = None,
        created_before: str | datetime | None = None,
        created_after: str | datetime | None = None,
        data_types: list[DataType] | None = None,
        data_hashes: list[str] | None = None,
    ) -> list[DataRow]:
        """Fetch the data rows that meet every condition given.

        Parameters
        ----------
        title_eq : str, optional
        title_like : str, optional
            ``%`` stands for any text, ``_`` for any character.
        created_before, created_after : datetime or its text, optional
        data_types : list of DataType, optional
        data_hashes : list of str, optional
        """
        return self._client.list_data_rows(title_eq, title_like, created_before, created_after, data_types, data_hashes)

    def refetch_data(self) -> None:
        """Refetch the dataset's record."""
        self._dataset_instance = self._client.get_dataset()

    def get_dataset(self) -> OrmDataset:
        """Refetch the dataset's record, and return it."""
        return self._client.get_dataset()

    def set_access_settings(self, dataset_access_settings: DatasetAccessSettings, *, refetch_data: bool = True) -> None:
        """Set what is fetched with each data row, and by default fetch again."""
        self._client.set_access_settings(dataset_access_settings)
        if refetch_data:
            self.refetch_data()

    def upload_video(
        self,
        file_path: FilePath,
        cloud_upload_settings: CloudUploadSettings = CloudUploadSettings(),  # noqa: B008 (as documented)
        title: str | None = None,
    ) -> Any:
        """Upload a video; the file is read as it is sent, whatever its size.

        Parameters
        ----------
        file_path : path
        cloud_upload_settings : CloudUploadSettings
        title : str, optional
            By default the name of the file.

        Returns
        -------
        dict
            ``data_hash`` and ``title``.
        """
        return self._client.upload_video(file_path, cloud_upload_settings, title)

    def create_image_group(
        self,
        file_paths: Iterable[FilePath],
        max_workers: int | None = None,
        cloud_upload_settings: CloudUploadSettings = CloudUploadSettings(),  # noqa: B008 (as documented)
        title: str | None = None,
        *,
        create_video: bool = True,
    ) -> Any:
        """Upload images, and make a group of them.

        Parameters
        ----------
        file_paths : iterable of path
            In the order of the group; a generator will do.
        max_workers : int, optional
            Not looked at.
        cloud_upload_settings : CloudUploadSettings
            With ``allow_failures`` the group is made of the images that arrived.
        title : str, optional
        create_video : bool
            Whether the group is kept as a video.

        Returns
        -------
        list of dict
            ``data_hash`` and ``title`` of the group. Its attribute ``failures`` lists the files that did not arrive.
        """
        return self._client.create_image_group(
            file_paths, max_workers, cloud_upload_settings, title, create_video=create_video
        )

    def create_dicom_series(
        self,
        file_paths: Iterable[FilePath],
        cloud_upload_settings: CloudUploadSettings = CloudUploadSettings(),  # noqa: B008 (as documented)
        title: str | None = None,
    ) -> Any:
        """Upload DICOM files, and make a series of them; its order comes from the files.

        Returns
        -------
        dict
            ``data_hash`` and ``title``. Its attribute ``failures`` lists the files that did not arrive.
        """
        return self._client.create_dicom_series(file_paths, title, cloud_upload_settings)

    def upload_image(
        self,
        file_path: FilePath,
        title: str | None = None,
        cloud_upload_settings: CloudUploadSettings = CloudUploadSettings(),  # noqa: B008 (as documented)
    ) -> Image:
        """Upload one image; by default its title is the name of the file."""
        return self._client.upload_image(file_path, title, cloud_upload_settings)

    def link_items(self, item_uuids: list[UUID]) -> Any:
        """Add items of the storage to the dataset."""
        return self._client.link_items(item_uuids)

    def add_private_data_to_dataset(
        self, integration_id: str, private_files: PrivateFiles, ignore_errors: bool = False
    ) -> AddPrivateDataResponse:
        """Register data that lies in a cloud of your own, and wait until that is done.

        Parameters
        ----------
        integration_id : str
        private_files : dict, JSON text or path
            What to register.
        ignore_errors : bool
            Whether what can be registered is, although something else cannot.

        Raises
        ------
        EncordException
            The service could not register it.
        """
        return self._client.add_private_data_to_dataset(integration_id, private_files, ignore_errors)  # type: ignore[arg-type]

    def add_private_data_to_dataset_start(
        self, integration_id: str, private_files: PrivateFiles, ignore_errors: bool = False
    ) -> str:
        """Start to register data that lies in a cloud of your own; return the hash of the job."""
        return self._client.add_private_data_to_dataset_start(integration_id, private_files, ignore_errors)  # type: ignore[arg-type]

    def add_private_data_to_dataset_get_result(
        self, upload_job_id: str, timeout_seconds: int = 7 * 24 * 60 * 60
    ) -> DatasetDataLongPolling:
        """Wait until a job of registering data ends, or the seconds are used up; 0 asks once."""
        return self._client.add_private_data_to_dataset_get_result(upload_job_id, timeout_seconds)

    def add_users(self, user_emails: list[str], user_role: DatasetUserRole) -> list[DatasetUser]:
        """Give users a role in the dataset."""
        return self._client.add_users(user_emails, user_role)

    def delete_image_group(self, data_hash: str) -> None:
        """Delete an image group."""
        self._client.delete_image_group(data_hash)

    def delete_data(self, data_hashes: list[str]) -> None:
        """Delete data of any kind."""
        self._client.delete_data(data_hashes)

    def update_data_item(self, data_hash: str, new_title: str) -> bool:
        """Rename a piece of data. Deprecated: set the title of a data row, and save it."""
        return self._client.update_data_item(data_hash, new_title)

    def re_encode_data(self, data_hashes: list[str]) -> int:
        """Start to encode videos again; return the number of the job."""
        return self._client.re_encode_data(data_hashes)

    def re_encode_data_status(self, job_id: int) -> ReEncodeVideoTask:
        """Say how far a re-encoding job is."""
        return self._client.re_encode_data_status(job_id)

    def run_ocr(self, image_group_id: str) -> list[ImageGroupOCR]:
        """Read the text in the images of a group."""
        return self._client.run_ocr(image_group_id)

    def get_cloud_integrations(self) -> list[CloudIntegration]:
        """Fetch the clouds whose data can be registered."""
        return self._client.get_cloud_integrations()
