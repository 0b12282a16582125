"""Files sent to a dataset and registered there, each once, however often it is begun."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from encord_convert.errors import ConvertError, StalePlanError
from encord_convert.formats._files import Source
from encord_convert.sdk import exceptions
from encord_convert.sdk._uploads import DICOM, IMAGE, VIDEO
from encord_convert.sdk.dataset import Dataset
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.http.utils import CloudUploadSettings
from encord_convert.sync.digests import digest_of_member
from encord_convert.sync.journal import Journal
from encord_convert.sync.plans import PlannedRow

T = TypeVar("T")

KEY = "encord_convert_key"
"""Under which the client metadata of data say what title and files it was sent with."""

ATTEMPTS = 6
"""How often a step is tried whose failure may pass."""
_PASSING = (
    exceptions.RequestException, exceptions.TimeOutError, exceptions.UnknownException, exceptions.GenericServerError,
    exceptions.CloudUploadError, exceptions.ResourceExistsError,
)  # fmt: skip
_KINDS = {"video": VIDEO, "image": IMAGE, "img_group": IMAGE, "dicom": DICOM}


def persistently(step: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """Take a step until it succeeds, or fails in a way that will not pass; it looks first what is done already."""
    for attempt in range(1, ATTEMPTS):
        try:
            return step()
        except _PASSING:
            sleep(0.1 * 2**attempt)
    return step()


class Sending:
    """Sends the files of planned rows.

    Parameters
    ----------
    dataset : Dataset
    media : Source
        Where the files lie.
    journal : Journal
    there : dict
        Titles of data the dataset has already to their hashes, and the keys they were sent with.
    sleep : callable
        Takes seconds.
    """

    def __init__(
        self,
        dataset: Dataset,
        media: Source,
        journal: Journal,
        there: dict[str, tuple[str, str | None]],
        sleep: Callable[[float], None],
    ) -> None:
        self._dataset = dataset
        self._media = media
        self._journal = journal
        self._there = there
        self._sleep = sleep

    def send(self, row: PlannedRow) -> str:
        """Return the hash of the data of a row, which is there afterwards.

        Raises
        ------
        ConvertError
            A file is not what it was when the plan was made.
        EncordException
            The service did not take it.
        """
        done: str | None = self._journal.done("data", row.title)
        if done is None:
            done = persistently(lambda: self._sent(row), self._sleep)
            self._journal.finish("data", row.title, done)
        return done

    def _sent(self, row: PlannedRow) -> str:
        data_hash = self._found(row)
        if data_hash is None:
            places = self._journal.begun("data", row.title)
            if places is None:
                places = self._put(row)
                self._journal.begin("data", row.title, places)
            try:
                data_hash = self._registered(row, places)
            except _PASSING:
                raise
            except EncordException:
                # The place may be too old: the next attempt sends the file anew.
                if self._journal.begun("data", row.title + "\0again"):
                    raise
                self._journal.begin("data", row.title + "\0again")
                places = self._put(row)
                self._journal.begin("data", row.title, places)
                data_hash = self._registered(row, places)
        self._note(data_hash, row)
        return data_hash

    def _found(self, row: PlannedRow) -> str | None:
        """Return the data of the title, if an earlier attempt registered it.

        Raises
        ------
        StalePlanError
            Somebody else did.
        """
        if self._journal.begun("data", row.title) is not None:
            found = self._dataset.list_data_rows(title_eq=row.title)
            return found[0].uid if found else None
        data_hash, key = self._there.get(row.title, (None, None))
        if data_hash is not None and key != row.key:
            raise StalePlanError("data of that title came to the dataset since the plan was made.")
        return data_hash

    def _put(self, row: PlannedRow) -> list[dict[str, str]]:
        with tempfile.TemporaryDirectory(prefix="encord-convert-") as folder:
            paths = [self._file(file.name, file.sha256, Path(folder)) for file in row.files]
            client = self._dataset._client
            places, _ = client._uploads.send_all(_KINDS[row.data_type], paths, CloudUploadSettings())
            client._uploads.forget(places)
        return places

    def _file(self, name: str, sha256: str, folder: Path) -> Path:
        if digest_of_member(self._media, name) != sha256:
            raise ConvertError(f"{self._media.place(name)}: has changed since the plan was made.")
        path = self._media.path(name)
        if path is None:  # in an archive
            path = folder / name.rpartition("/")[2]
            with self._media.open(name) as stream, path.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
        return path

    def _registered(self, row: PlannedRow, places: list[dict[str, str]]) -> str:
        querier = self._dataset._client._querier
        first = places[0]
        if row.data_type == "image":
            querier.post(Query.SINGLE_IMAGE, None, {**first, "title": row.title})
            return first["data_hash"]
        if row.data_type == "video":
            reply: Any = querier.put(Query.VIDEO, first["data_hash"], {**first, "video_title": row.title})
        elif row.data_type == "img_group":
            querier.put(Query.IMAGES, None, places)
            payload = {"image_group_title": row.title, "create_video": False}
            [reply] = querier.post(Query.IMAGE_GROUP, [place["data_hash"] for place in places], payload)
        else:
            files = [{"id": one["data_hash"], "uri": one["file_link"], "title": one["title"]} for one in places]
            reply = querier.post(Query.DICOM_SERIES, files, {"title": row.title})
        data_hash: str = reply["data_hash"]
        return data_hash

    def _note(self, data_hash: str, row: PlannedRow) -> None:
        """Note at the data what its owner knows of it, and the key of its content."""
        metadata = {**(row.metadata or {}), KEY: row.key}
        self._dataset._client.send_data_row(data_hash, {"client_metadata": metadata})
