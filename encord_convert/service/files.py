"""Requests below ``/storage``: uploads and downloads at our addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from encord_convert.sdk.exceptions import ResourceNotFoundError
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.http.transport import Reply
from encord_convert.service import faults
from encord_convert.service.contents import facts_of
from encord_convert.service.store import uploads

if TYPE_CHECKING:
    from encord_convert.service.app import Service

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)

SHOWN = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff",
        "video/mp4", "video/webm", "video/quicktime", "video/x-matroska", "video/x-msvideo", "application/dicom",
    }
)  # fmt: skip
"""MIME types sent to browsers; everything else is a download, since it could hold a script."""


@dataclass(frozen=True, slots=True)
class LongReply:
    """A reply whose body is a file from its current position; the sender closes it."""

    status: int
    headers: Mapping[str, str]
    file: IO[bytes]
    size: int
    """Bytes of the body."""

    def whole(self) -> Reply:
        """Return the same with its body in memory."""
        with self.file:
            return Reply(self.status, self.headers, self.file.read(self.size))


TEXT = {"content-type": "application/json", "x-content-type-options": "nosniff"}


def answer_file(service: Service, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Answer a request in one piece; see :class:`Upload` and :func:`serve`."""
    try:
        if method != "PUT":
            reply = serve(service, method, target, headers)
            return reply.whole() if isinstance(reply, LongReply) else reply
        with closing(Upload(service, target)) as upload:
            upload.write(body)
            return upload.end()
    except Exception as error:
        status, text = faults.status_of(error)
        return Reply(status, TEXT, text)


class Upload:
    """A file being uploaded to one of our addresses."""

    def __init__(self, service: Service, target: str) -> None:
        (place, self._data_hash), _ = service.storage.checked("PUT", target, service.clock())
        assert place == "uploads"
        self._kind, self._title = service.database.read(lambda db: _awaited(db, self._data_hash))
        self.is_video = self._kind == Query.SIGNED_VIDEO_URL
        self._service = service
        self._open = ExitStack()
        self._file = self._open.enter_context(service.storage.incoming())
        self.write = self._file.write

    def end(self) -> Reply:
        """Inspect the complete file; it is on disk when this returns."""
        file, digest = self._file, self._file.keep()
        with self._service.storage.open(digest) as stream:
            facts = facts_of(self._kind, self._title, stream, file.size)
        encoded = msgspec.json.encode(facts).decode()
        arrived = self._service.database.write(
            lambda db: uploads.arrived(db, self._data_hash, digest, file.size, encoded)
        )
        arrived.result()
        return Reply(200, TEXT, b"{}")

    def close(self) -> None:
        """Discard an incomplete file."""
        self._open.close()


def _awaited(db: Connection, data_hash: str) -> tuple[str, str]:
    row = uploads.upload(db, data_hash)
    if row is None:
        raise ResourceNotFoundError("No upload is expected at this address: it was registered, or discarded.")
    return row.kind, row.title


def serve(service: Service, method: str, target: str, asked: Mapping[str, str]) -> LongReply | Reply:
    """Answer with a file, or a range of one: the headers are those of RFC 9110, section 14."""
    (place, digest, name), query = service.storage.checked(method, target, service.clock())
    assert place == "files"
    stream = service.storage.open(digest)
    size = stream.seek(0, 2)
    type_ = query.get("type", "")
    is_shown = type_ in SHOWN
    headers = {
        "content-type": type_ if is_shown else "application/octet-stream",
        "content-disposition": f"{'inline' if is_shown else 'attachment'}; filename*=UTF-8''{name}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=86400",
        "etag": f'"{digest}"',
    }
    wanted = (
        asked.get("range") if method == "GET" and asked.get("if-range", headers["etag"]) == headers["etag"] else None
    )
    span = _range(wanted or "", size)
    if span is None:
        stream.seek(0)
        return LongReply(200, headers, stream, size)
    first, last = span
    if first >= last:
        stream.close()
        return Reply(416, {**TEXT, "content-range": f"bytes */{size}"}, b"{}")
    stream.seek(first)
    return LongReply(206, {**headers, "content-range": f"bytes {first}-{last - 1}/{size}"}, stream, last - first)


def _range(wanted: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of a ``Range``; an empty range if outside the file.

    None: the whole file, for no, malformed or multiple ranges.
    """
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return max(size - int(found[2]), 0), size
    first, last = int(found[1]), int(found[2] or size)
    return None if last < first and found[2] else (first, min(last + 1, size))
