"""Files sent to storage: a place is asked for, the bytes go there, and whoever asked registers what arrived.

Several files are under way at once, on a few connections; what comes back is in the order asked for. A file that
arrived is remembered: if a later one fails and the call is made again, only what is missing is sent.

Source: wire protocol, section 9.4.
"""

from __future__ import annotations

import mimetypes
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from encord_convert.sdk._fitted import fitted
from encord_convert.sdk.exceptions import CloudUploadError, EncordException
from encord_convert.sdk.http._calls import Querier
from encord_convert.sdk.http._retries import RetryPolicy, send
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.http.transport import Request, TransportError
from encord_convert.sdk.http.utils import CloudUploadSettings

CONNECTIONS = 8
"""How many files are under way at once."""

Progress = Callable[[int, int], None]
"""Takes the number of files done, and of all."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of file is sent.

    Parameters
    ----------
    query : Query
        By which a place is asked for.
    content_type : str or None
        None: by the suffix of the name; not said if that tells nothing.
    """

    query: Query
    content_type: str | None


VIDEO = Kind(Query.SIGNED_VIDEO_URL, "application/octet-stream")
IMAGE = Kind(Query.SIGNED_IMAGES_URL, None)
DICOM = Kind(Query.SIGNED_DICOMS_URL, "application/dicom")


class UploadWarning(UserWarning):
    """A file does not begin like what it is sent as. It is sent all the same: the service decides."""


class UploadRefusedError(CloudUploadError, RuntimeError):
    """Storage did not take a file, or any file. Also a ``RuntimeError``, which scripts for the original catch."""


class WrongPlaceError(CloudUploadError, AssertionError):
    """The place given is for another file. Also an ``AssertionError``, which the original raises."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that did not arrive, and why."""

    path: str
    error: EncordException = field(compare=False)


class Outcome(dict[str, Any]):
    """What the service said of an upload, and the files that did not arrive."""

    failures: tuple[Failure, ...] = ()


class OutcomeList(list[Any]):
    """What the service said of an upload, and the files that did not arrive."""

    failures: tuple[Failure, ...] = ()


def with_failures(reply: Any, failures: Iterable[Failure]) -> Any:
    """Return a reply with the files that did not arrive as ``failures``."""
    outcome: Any = (
        Outcome(reply) if isinstance(reply, dict) else OutcomeList(reply) if isinstance(reply, list) else None
    )
    if outcome is None:
        return reply
    outcome.failures = tuple(failures)
    return outcome


class Uploads:
    """Sends files, and remembers those that arrived.

    Parameters
    ----------
    querier : Querier
        In the name of a dataset.
    """

    def __init__(self, querier: Querier) -> None:
        self._querier = querier
        self._arrived: dict[tuple[str, int, int, int, Query], dict[str, str]] = {}
        self.progress: Progress | None = None

    def send_all(
        self, kind: Kind, paths: Iterable[str | os.PathLike[str]], settings: CloudUploadSettings
    ) -> tuple[list[dict[str, str]], list[Failure]]:
        """Send files.

        Parameters
        ----------
        kind : Kind
        paths : iterable of path
            May be a generator; it is walked once, before anything is sent.
        settings : CloudUploadSettings

        Returns
        -------
        list of dict
            ``signed_url``, ``data_hash``, ``title`` and ``file_link`` of each file that arrived, in order.
        list of Failure
            Empty unless failures are allowed.

        Raises
        ------
        EncordException
            A file is not there: nothing was sent. A file did not arrive, and failures are not allowed; or none did.
        """
        files = [Path(path) for path in paths]
        for file in files:
            if not file.is_file():
                raise EncordException(f"{file}: there is no such file. Nothing was sent.")
        for file in files:
            warn_of_another_kind(kind, file)
        arrived: list[dict[str, str]] = []
        failures: list[Failure] = []
        for done, outcome in enumerate(self._outcomes(kind, files, settings), 1):
            if isinstance(outcome, Failure):
                failures.append(outcome)
                if not settings.allow_failures:
                    raise outcome.error
            else:
                arrived.append(outcome)
            if self.progress is not None:
                self.progress(done, len(files))
        if failures and not arrived:
            raise UploadRefusedError(
                f"None of the {len(failures)} files arrived. The first: {failures[0].error.message}"
            )
        return arrived, failures

    def forget(self, places: Iterable[dict[str, str]]) -> None:
        """Forget files that were registered: the same file sent again is another one."""
        hashes = {place["data_hash"] for place in places}
        self._arrived = {key: place for key, place in self._arrived.items() if place["data_hash"] not in hashes}

    def _outcomes(
        self, kind: Kind, files: list[Path], settings: CloudUploadSettings
    ) -> Iterable[dict[str, str] | Failure]:
        # A file given twice is sent twice: its position is part of the key.
        turns: Counter[Path] = Counter()
        jobs = []
        for file in files:
            jobs.append((file, turns[file]))
            turns[file] += 1
        if len(jobs) == 1:
            yield self._outcome(kind, jobs[0], settings)
            return
        pool = ThreadPoolExecutor(min(CONNECTIONS, max(len(jobs), 1)))
        try:
            yield from pool.map(lambda job: self._outcome(kind, job, settings), jobs)
        finally:
            pool.shutdown(cancel_futures=True)

    def _outcome(self, kind: Kind, job: tuple[Path, int], settings: CloudUploadSettings) -> dict[str, str] | Failure:
        file, turn = job
        try:
            status = file.stat()
            key = (str(file.absolute()), turn, status.st_size, status.st_mtime_ns, kind.query)
            if key in self._arrived:
                return self._arrived[key]
            place = self._place(kind, file.name)
            self.put(kind, file, status.st_size, place["signed_url"], settings)
        except OSError as error:
            return Failure(str(file), CloudUploadError(f"{file}: cannot be read: {error.strerror}."))
        except EncordException as error:
            return Failure(str(file), error)
        self._arrived[key] = place
        return place

    def places(self, kind: Kind, names: list[str]) -> list[dict[str, str]]:
        """Ask for a place for each of several names, at once where the service gives several at once."""
        if kind is not VIDEO and len(names) > 1:
            reply = self._querier.get(kind.query, names)
            if isinstance(reply, list) and len(reply) == len(names):
                return [_checked(kind, name, one) for name, one in zip(names, reply, strict=True)]
        return [self._place(kind, name) for name in names]

    def _place(self, kind: Kind, name: str) -> dict[str, str]:
        reply = self._querier.get(kind.query, name if kind is VIDEO else [name])
        return _checked(kind, name, reply[0] if isinstance(reply, list) else reply)

    def put(
        self,
        kind: Kind,
        file: Path,
        size: int,
        url: str,
        settings: CloudUploadSettings,
        content: bytes | None = None,
    ) -> None:
        """Send a file to its place: its content, if that was read already."""
        session, usual = self._querier.session, self._querier.config.requests_settings
        headers = {"Accept": "*/*", "Cache-Control": "max-age=86400"}
        content_type = kind.content_type or mimetypes.guess_type(file.name)[0]
        if content_type:
            headers["Content-Type"] = content_type
        retries = usual.max_retries if settings.max_retries is None else settings.max_retries
        backoff_s = usual.backoff_factor if settings.backoff_factor is None else settings.backoff_factor
        retry_policy = RetryPolicy(retries, usual.connection_retries, backoff_s)
        opened: list[IO[bytes]] = []

        def request() -> Request:
            # Each attempt begins at the beginning. An empty file is sent as such, and not as a stream of no known end.
            for stream in opened:
                stream.close()
            opened[:] = [file.open("rb")] if size and content is None else []
            body = opened[0] if opened else content or b""
            return Request("PUT", url, headers, body, usual.connect_timeout, usual.write_timeout)

        failure: EncordException | None = None
        try:
            reply, attempts = send(session.transport, request, retry_policy, session.clock)
            if reply.status != 200:
                tried = f" after {attempts} attempts" if attempts > 1 else ""
                failure = UploadRefusedError(f"{file}: storage answered HTTP {reply.status}{tried}.")
        except TransportError as error:
            failure = CloudUploadError(f"{file}: {error}.")
        finally:
            for stream in opened:
                stream.close()
        if failure is not None:
            raise failure


def _checked(kind: Kind, name: str, one: Any) -> dict[str, str]:
    asked = f"GET {kind.query.value} {name}"
    place = fitted(lambda d: {key: d[key] for key in ("signed_url", "data_hash", "title", "file_link")}, one, asked)
    if place["title"] != name:
        raise WrongPlaceError(f"{asked}: the service gave a place for {place['title']!r}.")
    return place


_MAGIC: dict[Query, tuple[tuple[int, bytes], ...]] = {
    Query.SIGNED_VIDEO_URL: (
        (4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (8, b"AVI "), (4, b"moov"), (4, b"mdat"), (0, b"\x00\x00\x01\xba"),
        (0, b"FLV"), (0, b"G"), (4, b"wide"), (4, b"free"), (0, b"OggS"), (0, b"0&\xb2u"),
    ),
    Query.SIGNED_IMAGES_URL: (
        (0, b"\x89PNG"), (0, b"\xff\xd8\xff"), (0, b"GIF8"), (0, b"BM"), (8, b"WEBP"), (0, b"II*\x00"),
        (0, b"MM\x00*"), (4, b"ftyp"), (0, b"\xff\n"), (4, b"JXL "), (4, b"jP  "), (0, b"<svg"), (0, b"<?xml"),
    ),
    Query.SIGNED_DICOMS_URL: ((128, b"DICM"), (0, b"\x08\x00"), (0, b"\x02\x00"), (0, b"\x00\x08")),
}  # fmt: skip
"""How files of a kind begin: offset and bytes."""

_WORDS = {
    Query.SIGNED_VIDEO_URL: "a video",
    Query.SIGNED_IMAGES_URL: "an image",
    Query.SIGNED_DICOMS_URL: "a DICOM file",
}


def warn_of_another_kind(kind: Kind, file: Path) -> None:
    """Warn if a file does not begin like one of its kind. Only its first bytes are read."""
    try:
        with file.open("rb") as stream:
            head = stream.read(132)
    except OSError as error:
        raise CloudUploadError(f"{file}: cannot be read: {error.strerror}.") from None
    if not any(head[at : at + len(bytes_)] == bytes_ for at, bytes_ in _MAGIC[kind.query]):
        message = f"{file}: does not begin like {_WORDS[kind.query]}; the service may refuse it."
        warnings.warn(message, UploadWarning, stacklevel=4)
