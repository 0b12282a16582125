"""Everything that can be asked of the service in the name of one dataset.

Source: wire protocol, section 9.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from math import floor
from pathlib import Path
from typing import Any
from uuid import UUID

from encord_convert.sdk._fitted import fitted, fitted_list
from encord_convert.sdk._uploads import DICOM, IMAGE, VIDEO, Uploads, with_failures
from encord_convert.sdk.client import EncordClient
from encord_convert.sdk.configs import Config
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import EncordException, RequestException, TimeOutError
from encord_convert.sdk.http._calls import Querier
from encord_convert.sdk.http.constants import DEFAULT_REQUESTS_SETTINGS, RequestsSettings
from encord_convert.sdk.http.routes import DEFAULT_DOMAIN, Query
from encord_convert.sdk.http.utils import CloudUploadSettings
from encord_convert.sdk.orm.dataset import (
    DEFAULT_DATASET_ACCESS_SETTINGS,
    AddPrivateDataResponse,
    DataRow,
    Dataset,
    DatasetAccessSettings,
    DatasetDataLongPolling,
    DatasetUser,
    DatasetUserRole,
    Image,
    ImageGroupOCR,
    LongPollingStatus,
    ReEncodeVideoTask,
)
from encord_convert.sdk.utilities.client_utilities import optional_datetime_to_iso_str

FilePath = str | os.PathLike[str]

LONG_POLL_S = 60
"""Seconds one request waits for a job to end, at most."""
MOST_FAILURES = 3
"""Failures in a row after which waiting for a job ends."""
PAUSE_S = 10.0
"""Seconds between a failure and the next request for a job."""
LEAST_POLL_S = 1.0
"""Seconds a request for an unfinished job takes at least: a service that answers at once is not asked in a hurry."""


class EncordClientDataset(EncordClient):
    """A client in the name of one dataset; :class:`encord_convert.sdk.dataset.Dataset` is the comfortable one."""

    def __init__(
        self,
        querier: Querier,
        config: Config,
        dataset_access_settings: DatasetAccessSettings = DEFAULT_DATASET_ACCESS_SETTINGS,
    ) -> None:
        super().__init__(querier, config)
        self._dataset_access_settings = dataset_access_settings
        self._uploads = Uploads(querier)

    @staticmethod
    def initialise(
        resource_id: str | None = None,
        api_key: str | None = None,
        domain: str = DEFAULT_DOMAIN,
        requests_settings: RequestsSettings = DEFAULT_REQUESTS_SETTINGS,
        dataset_access_settings: DatasetAccessSettings = DEFAULT_DATASET_ACCESS_SETTINGS,
    ) -> EncordClientDataset:
        """Return a client by an API key of a dataset.

        Raises
        ------
        RuntimeError
            The key is of a project.
        """
        client = EncordClient.initialise(resource_id, api_key, domain, requests_settings)
        if not isinstance(client, EncordClientDataset):
            raise RuntimeError("The API key is of a project. EncordClient.initialise takes keys of both.")
        client._dataset_access_settings = dataset_access_settings
        return client

    def get_dataset(self) -> Dataset:
        """Fetch the dataset with its data rows."""
        reply = self._querier.get(Query.DATASET, None, {"dataset_access_settings": self._access()})
        dataset = fitted(Dataset.from_dict, reply, "GET dataset")
        self._keep(dataset.data_rows)
        return dataset

    def set_access_settings(self, dataset_access_settings: DatasetAccessSettings) -> None:
        """Set what is fetched with a data row."""
        self._dataset_access_settings = dataset_access_settings

    def list_data_rows(
        self,
        title_eq: str | None = None,
        title_like: str | None = None,
        created_before: str | datetime | None = None,
        created_after: str | datetime | None = None,
        data_types: list[DataType] | None = None,
        data_hashes: list[str] | None = None,
    ) -> list[DataRow]:
        """Fetch the data rows that meet every condition given."""
        payload = {
            "title_eq": title_eq,
            "title_like": title_like,
            "created_before": optional_datetime_to_iso_str("created_before", created_before),
            "created_after": optional_datetime_to_iso_str("created_after", created_after),
            "data_types": None if data_types is None else [type_.to_upper_case_string() for type_ in data_types],
            "dataset_access_settings": self._access(),
            "data_hashes": data_hashes,
        }
        rows = fitted_list(DataRow.from_dict, self._querier.get_list(Query.DATA_ROWS, None, payload), "GET datarows")
        self._keep(rows)
        return rows

    def _access(self) -> dict[str, bool]:
        return {"fetch_client_metadata": self._dataset_access_settings.fetch_client_metadata}

    def _keep(self, rows: Iterable[DataRow]) -> None:
        for row in rows:
            row._store = self

    def fetch_data_row(self, data_hash: str, additional_data: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON of a data row; see :class:`encord_convert.sdk.orm._data_rows.DataRowStore`."""
        reply = self._querier.get(Query.DATA_ROW, data_hash, {"additional_data": additional_data})
        return fitted(dict, reply, f"GET datarow {data_hash}")

    def send_data_row(self, data_hash: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change a data row; see :class:`encord_convert.sdk.orm._data_rows.DataRowStore`."""
        reply: dict[str, Any] = self._querier.post(Query.DATA_ROW, data_hash, changes)
        return reply

    def upload_video(
        self,
        file_path: FilePath,
        cloud_upload_settings: CloudUploadSettings = CloudUploadSettings(),  # noqa: B008 (as documented)
        title: str | None = None,
    ) -> Any:
        """Upload a video, and register it.

        Returns
        -------
        dict
            What the service says of it: ``data_hash``, ``title``.

        Raises
        ------
        EncordException
            There is no such file, or it did not arrive.
        """
        places, failures = self._uploads.send_all(VIDEO, [file_path], cloud_upload_settings)
        place = places[0]
        reply = self._querier.put(Query.VIDEO, place["data_hash"], {**place, "video_title": title})
        self._uploads.forget(places)
        return with_failures(reply, failures)

    def create_image_group(
        self,
        file_paths: Iterable[FilePath],
        max_workers: int | None = None,
        cloud_upload_settings: CloudUploadSettings = CloudUploadSettings(),  # noqa: B008 (as documented)
        title: str | None = None,
        *,
        create_video: bool = True,
    ) -> Any:
        """Upload images, and make a group of them, in order.

        Returns
        -------
        list of dict
            What the service says of the group. Its ``failures`` are the files that did not arrive, where that is
            allowed.

        Raises
        ------
        EncordException
            A file is not there: nothing was sent. A file did not arrive, and that is not allowed.
        """
        places, failures = self._uploads.send_all(IMAGE, file_paths, cloud_upload_settings)
        if not places:
            raise EncordException("An image group is made of at least one image; no file was given.")
        self._querier.put(Query.IMAGES, None, places)
        payload = {"image_group_title": title, "create_video": create_video}
        reply = self._querier.post(Query.IMAGE_GROUP, [place["data_hash"] for place in places], payload)
        if not reply:
            raise RequestException(f"POST imagegroup: the service answered {reply!r}.")
        self._uploads.forget(places)
        return with_failures(reply, failures)

    def create_dicom_series(
        self,
        file_paths: Iterable[FilePath],
        title: str | None = None,
        cloud_upload_settings: CloudUploadSettings = CloudUploadSettings(),  # noqa: B008 (as documented)
    ) -> Any:
        """Upload DICOM files, and make a series of them; its order comes from the files.

        Returns
        -------
        dict
            What the service says of the series: ``data_hash``, ``title``. Its ``failures`` are the files that did not
            arrive, where that is allowed.
        """
        places, failures = self._uploads.send_all(DICOM, file_paths, cloud_upload_settings)
        if not places:
            raise EncordException("A DICOM series is made of at least one file; none was given.")
        files = [{"id": place["data_hash"], "uri": place["file_link"], "title": place["title"]} for place in places]
        reply = self._querier.post(Query.DICOM_SERIES, files, {"title": title})
        if not reply:
            raise RequestException(f"POST dicomseries: the service answered {reply!r}.")
        self._uploads.forget(places)
        return with_failures(reply, failures)

    def upload_image(
        self,
        file_path: FilePath,
        title: str | None = None,
        cloud_upload_settings: CloudUploadSettings = CloudUploadSettings(),  # noqa: B008 (as documented)
    ) -> Image:
        """Upload one image, and register it as a thing of its own."""
        places, _ = self._uploads.send_all(IMAGE, [file_path], cloud_upload_settings)
        place = {**places[0], **({"title": title} if title else {})}
        reply = self._querier.post(Query.SINGLE_IMAGE, None, place)
        if not fitted(lambda d: d["success"], reply, "POST singleimage"):
            raise EncordException(f"{file_path}: arrived, but the service did not register it.")
        self._uploads.forget(places)
        data_hash = reply.get("data_hash", place["data_hash"])
        return Image({"data_hash": data_hash, "title": place["title"], "file_link": place["file_link"]})

    def add_users(self, user_emails: list[str], user_role: DatasetUserRole) -> list[DatasetUser]:
        """Give users a role in the dataset."""
        payload = {"user_emails": user_emails, "user_role": user_role.value}
        reply = self._querier.post(Query.DATASET_USERS, self._config.resource_id, payload)
        return fitted_list(DatasetUser.from_dict, reply, "POST datasetusers")

    def link_items(self, item_uuids: list[UUID]) -> Any:
        """Add items of the storage to the dataset; returns what the service says."""
        payload = {"item_uuids": [str(uuid) for uuid in item_uuids]}
        return self._querier.post(Query.DATASET_LINK_ITEMS, self._config.resource_id, payload)

    def delete_image_group(self, data_hash: str) -> None:
        """Delete an image group."""
        self._querier.delete(Query.IMAGE_GROUP, data_hash)

    def delete_data(self, data_hashes: list[str]) -> None:
        """Delete data of any kind."""
        self._querier.delete(Query.VIDEO, data_hashes)

    def update_data_item(self, data_hash: str, new_title: str) -> bool:
        """Rename a piece of data; return whether the service did so."""
        dataset_hash = self.get_dataset().dataset_hash
        reply = self._querier.post(Query.VIDEO, dataset_hash, [{"video_hash": data_hash, "title": new_title}])
        return bool(reply.get("success", False)) if isinstance(reply, dict) else False

    def re_encode_data(self, data_hashes: list[str]) -> int:
        """Start to encode videos again; return the number of the job."""
        job: int = self._querier.put(Query.REENCODE_VIDEO_TASK, None, {"data_hash": data_hashes})
        return job

    def re_encode_data_status(self, job_id: int) -> ReEncodeVideoTask:
        """Say how far a re-encoding job is."""
        reply = self._querier.get(Query.REENCODE_VIDEO_TASK, job_id)
        return fitted(ReEncodeVideoTask.from_dict, reply, f"GET reencodevideotask {job_id}")

    def run_ocr(self, image_group_id: str) -> list[ImageGroupOCR]:
        """Read the text in the images of a group."""
        replies = self._querier.get_list(Query.IMAGE_GROUP_OCR, None, {"image_group_data_hash": image_group_id})
        return fitted_list(lambda one: ImageGroupOCR(**one), replies, "GET imagegroupocr")

    def add_private_data_to_dataset(
        self, integration_id: str, private_files: FilePath | dict[str, Any], ignore_errors: bool = False
    ) -> AddPrivateDataResponse:
        """Register data that lies in a cloud of your own, and wait until that is done.

        Raises
        ------
        EncordException
            The service could not register it; says its words.
        """
        job = self.add_private_data_to_dataset_start(integration_id, private_files, ignore_errors)
        result = self.add_private_data_to_dataset_get_result(job)
        if result.status == LongPollingStatus.DONE:
            return AddPrivateDataResponse(dataset_data_list=result.data_hashes_with_titles)
        if result.status == LongPollingStatus.ERROR:
            raise EncordException(f"The private data was not added: {'; '.join(result.errors)}")
        raise TimeOutError(f"The job {job} is still under way; add_private_data_to_dataset_get_result goes on waiting.")

    def add_private_data_to_dataset_start(
        self, integration_id: str, private_files: FilePath | dict[str, Any], ignore_errors: bool = False
    ) -> str:
        """Start to register data that lies in a cloud of your own; return the hash of the job.

        Parameters
        ----------
        integration_id : str
        private_files : dict, JSON text or path
            The files document; sent as it is.
        ignore_errors : bool
            Whether what can be registered is, although something else cannot.
        """
        payload = {
            "files": _document(private_files),
            "integration_id": integration_id,
            "ignore_errors": ignore_errors,
        }
        reply = self._querier.post(Query.DATASET_DATA_LONG_POLLING, self._config.resource_id, payload)
        job: str = fitted(lambda d: d["process_hash"], reply, "POST datasetdatalongpolling")
        return job

    def add_private_data_to_dataset_get_result(
        self, upload_job_id: str, timeout_seconds: int = 7 * 24 * 60 * 60
    ) -> DatasetDataLongPolling:
        """Wait until a job of registering private data ends, or the time is used up.

        Raises
        ------
        RequestException
            Three answers in a row did not come, or could not be read.
        """
        clock = self._querier.session.clock
        ends, failures = clock.now() + timeout_seconds, 0
        while True:
            began, left = clock.now(), max(ends - clock.now(), 0.0)
            payload = {"process_hash": upload_job_id, "timeout_seconds": min(LONG_POLL_S, floor(left))}
            try:
                reply = self._querier.get(Query.DATASET_DATA_LONG_POLLING, self._config.resource_id, payload)
            except (RequestException, TimeOutError):
                failures += 1
                if failures >= MOST_FAILURES:
                    raise
                clock.sleep(PAUSE_S)
                continue
            failures = 0
            state = fitted(DatasetDataLongPolling.from_dict, reply, "GET datasetdatalongpolling")
            if state.status != LongPollingStatus.PENDING or clock.now() >= ends:
                return state
            clock.sleep(min(max(LEAST_POLL_S - (clock.now() - began), 0.0), max(ends - clock.now(), 0.0)))


def _document(private_files: Any) -> Any:
    """Return the files document of an object, a JSON text or a path."""
    if isinstance(private_files, dict):
        return private_files
    if isinstance(private_files, os.PathLike):
        return json.loads(Path(private_files).read_text(encoding="utf-8"))
    if not isinstance(private_files, str):
        raise ValueError(f"private_files is an object, JSON text or a path, not {type(private_files).__name__}.")
    if Path(private_files).is_file():
        return json.loads(Path(private_files).read_text(encoding="utf-8"))
    return json.loads(private_files)
