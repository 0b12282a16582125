"""Uploads files to a dataset and registers them, each exactly once, however often restarted.

Upload slots are requested and journalled in batches before use. A file whose arrival was not recorded is thus found
again: already listed, or registered from its slot, and only otherwise sent again.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue
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
from encord_convert.sync.plan_file import PlannedFile, PlannedRow
from encord_convert.sync.rows import BATCH, batches

T = TypeVar("T")

KEY = "encord_convert_key"
"""Key in the client metadata for the digest of title and files."""
CONNECTIONS = 16
"""Files, or bundles of labels, in flight at once."""
ATTEMPTS = 6
"""Attempts for transient failures."""
WHOLE = 8 << 20
"""Up to this size a file is read once for both digest and upload, in bytes."""
NOTED_S = 0.5
"""Seconds a registered file may wait to be journalled with others, to save disk writes."""
_PASSING = (
    exceptions.RequestException, exceptions.TimeOutError, exceptions.UnknownException, exceptions.GenericServerError,
    exceptions.CloudUploadError, exceptions.ResourceExistsError,
)  # fmt: skip
_KINDS = {"video": VIDEO, "image": IMAGE, "img_group": IMAGE, "dicom": DICOM}

Place = dict[str, str]
"""An upload slot: ``signed_url``, ``data_hash``, ``title`` and ``file_link``."""


def persistently(step: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """Retry a step until it succeeds or fails permanently; each attempt first checks what is done."""
    for attempt in range(1, ATTEMPTS):
        try:
            return step()
        except _PASSING:
            sleep(0.1 * 2**attempt)
    return step()


class Sending:
    """Uploads the files of planned rows to a dataset.

    Parameters
    ----------
    dataset : Dataset
    media : Source
        Source of the files.
    journal : Journal
    there : dict
        Titles of existing data to their hashes and keys.
    sleep : callable
        Takes seconds.
    is_own : bool
        Whether this push created the dataset: then all its data is ours, without checking keys.
    """

    def __init__(
        self,
        dataset: Dataset,
        media: Source,
        journal: Journal,
        there: dict[str, tuple[str, str | None]],
        sleep: Callable[[float], None],
        *,
        is_own: bool,
    ) -> None:
        self._client = dataset._client
        self._media = media
        self._journal = journal
        self._there = there
        self._sleep = sleep
        self._is_own = is_own

    def send(self, rows: Iterable[PlannedRow]) -> Iterator[tuple[PlannedRow, str | EncordException]]:
        """Yield each row with the hash of its data, or the reason it failed.

        A row fails with a ConvertError if a file changed since the plan, or another EncordException if the service
        refused it.
        """
        done: SimpleQueue[Future[str]] = SimpleQueue()
        waiting: dict[Future[str], PlannedRow] = {}
        arrived: dict[str, str] = {}
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            try:
                for batch in batches(rows):
                    for row, step in self._steps(batch):
                        future = pool.submit(persistently, step, self._sleep)
                        waiting[future] = row
                        future.add_done_callback(done.put)
                    yield from self._settled(waiting, done, BATCH, arrived)
                yield from self._settled(waiting, done, 0, arrived)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            finally:
                self._journal.finish_all("data", arrived)

    def _settled(
        self, waiting: dict[Future[str], PlannedRow], done: SimpleQueue[Future[str]], most: int, arrived: dict[str, str]
    ) -> Iterator[tuple[PlannedRow, str | EncordException]]:
        """Yield rows as they finish, until at most so many are pending; journal them periodically."""
        noted = time.monotonic()
        while len(waiting) > most:
            future = done.get()
            row = waiting.pop(future)
            failure = future.exception()
            if failure is None:
                arrived[row.title] = future.result()
                yield row, arrived[row.title]
            elif isinstance(failure, EncordException):
                yield row, failure
            else:
                raise failure
            if time.monotonic() - noted > NOTED_S:
                self._journal.finish_all("data", arrived)
                arrived.clear()
                noted = time.monotonic()

    def _steps(self, rows: list[PlannedRow]) -> Iterator[tuple[PlannedRow, Callable[[], str]]]:
        """Yield the step of each row; images already have their slots."""
        begun = {row.title: self._journal.begun("data", row.title) for row in rows}
        fresh = [row for row in rows if begun[row.title] is None and row.title not in self._there]
        images = [row for row in fresh if row.data_type == "image"]
        places: dict[str, list[Place]] = {}
        if images:
            names = [_base(row.files[0].name) for row in images]
            try:
                given = persistently(lambda: self._client._uploads.places(IMAGE, names), self._sleep)
                places = {row.title: [place] for row, place in zip(images, given, strict=True)}
                self._journal.begin_all("data", places)
            except EncordException:
                pass  # each requests and fails on its own
        for row in rows:
            yield row, _Step(self, row, places.get(row.title))

    def sent(self, row: PlannedRow, fresh: list[Place] | None) -> str:
        """Upload the data of a row and return its hash; ``fresh`` slots are still unused."""
        if fresh is not None:
            self._put(row, fresh)
            data_hash = self._registered(row, fresh)
        else:
            data_hash = self._found(row) or self._again(row)
        if row.metadata or not self._is_own:
            self._note(data_hash, row)
        return data_hash

    def _found(self, row: PlannedRow) -> str | None:
        """Return the data of a row, if an earlier attempt registered or fully sent it.

        Raises
        ------
        StalePlanError
            Other data of the title was registered.
        """
        places = self._journal.begun("data", row.title)
        if places is None:
            data_hash, key = self._there.get(row.title, (None, None))
            if data_hash is not None and not self._is_own and key != row.key:
                raise StalePlanError("data of that title was added to the dataset since the plan was made.")
            return data_hash
        found = self._client.list_data_rows(title_eq=row.title)
        if row.data_type not in (
            "img_group",
            "dicom",
        ):  # the data, or the item they show, have the hash
            place = places[0]["data_hash"]
            found = [match for match in found if place in (match.uid, str(match["backing_item_uuid"]))]
        if found:
            return found[0].uid
        try:
            return self._registered(row, places)
        except _PASSING:
            raise
        except EncordException:
            return None  # some files did not arrive

    def _again(self, row: PlannedRow) -> str:
        """Send what did not arrive, to the recorded slots or, if expired, to new ones."""
        places = self._journal.begun("data", row.title)
        if places is not None:
            try:
                self._put(row, places)
                return self._registered(row, places)
            except _PASSING:
                raise
            except ConvertError:
                raise
            except EncordException:
                self._journal.forget("file", [f"{row.title}\0{number}" for number in range(len(row.files))])
        places = self._client._uploads.places(_KINDS[row.data_type], [_base(file.name) for file in row.files])
        self._journal.begin("data", row.title, places)
        self._put(row, places)
        return self._registered(row, places)

    def _put(self, row: PlannedRow, places: list[Place]) -> None:
        """Send the files of a row, journalling each of several."""
        pairs = list(zip(row.files, places, strict=True))
        if len(pairs) == 1:
            self._put_read(row, *pairs[0])
            return

        def put(number: int) -> None:
            step = f"{row.title}\0{number}"
            if self._journal.done("file", step) is None:
                self._put_read(row, *pairs[number])
                self._journal.finish("file", step)

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(put, range(len(pairs))))

    def _put_read(self, row: PlannedRow, file: PlannedFile, place: Place) -> None:
        try:
            self._put_one(row, file, place)
        except OSError as error:
            raise ConvertError(
                f"{self._media.place(file.name)}: cannot be read ({error.strerror or error})."
            ) from error

    def _put_one(self, row: PlannedRow, file: PlannedFile, place: Place) -> None:
        kind, settings = _KINDS[row.data_type], CloudUploadSettings()
        size = self._media.size(file.name)
        if size is not None and size <= WHOLE:
            with self._media.open(file.name) as stream:
                content = stream.read()
            self._check(file, sha256(content).hexdigest())
            self._client._uploads.put(
                kind, Path(_base(file.name)), len(content), place["signed_url"], settings, content
            )
            return
        self._check(file, digest_of_member(self._media, file.name))
        with tempfile.TemporaryDirectory(prefix="encord-convert-") as folder:
            path = self._media.path(file.name)
            if path is None:  # in an archive
                path = Path(folder, _base(file.name))
                with self._media.open(file.name) as stream, path.open("wb") as copy:
                    shutil.copyfileobj(stream, copy)
            self._client._uploads.put(kind, path, path.stat().st_size, place["signed_url"], settings)

    def _check(self, file: PlannedFile, digest: str) -> None:
        if digest != file.sha256:
            raise ConvertError(f"{self._media.place(file.name)}: has changed since the plan was made.")

    def _registered(self, row: PlannedRow, places: list[Place]) -> str:
        querier = self._client._querier
        first = places[0]
        if row.data_type == "image":
            reply: Any = querier.post(Query.SINGLE_IMAGE, None, {**first, "title": row.title})
            if not reply.get("success"):
                raise EncordException("the service did not register it.")
            return str(reply.get("data_hash", first["data_hash"]))
        if row.data_type == "video":
            reply = querier.put(Query.VIDEO, first["data_hash"], {**first, "video_title": row.title})
        elif row.data_type == "img_group":
            querier.put(Query.IMAGES, None, places)
            payload = {"image_group_title": row.title, "create_video": False}
            [reply] = querier.post(Query.IMAGE_GROUP, [place["data_hash"] for place in places], payload)
        else:
            files = [{"id": item["data_hash"], "uri": item["file_link"], "title": item["title"]} for item in places]
            reply = querier.post(Query.DICOM_SERIES, files, {"title": row.title})
        data_hash: str = reply["data_hash"]
        return data_hash

    def _note(self, data_hash: str, row: PlannedRow) -> None:
        """Store client metadata and the content key with the data."""
        self._client.send_data_row(data_hash, {"client_metadata": {**(row.metadata or {}), KEY: row.key}})


class _Step:
    """The upload of one row; fresh slots are so only at the first attempt."""

    def __init__(self, sending: Sending, row: PlannedRow, fresh: list[Place] | None) -> None:
        self._sending, self._row, self._fresh = sending, row, fresh

    def __call__(self) -> str:
        fresh, self._fresh = self._fresh, None
        return self._sending.sent(self._row, fresh)


def _base(name: str) -> str:
    return name.rpartition("/")[2]
