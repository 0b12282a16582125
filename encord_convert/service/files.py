"""What is answered below ``/storage``: files sent to addresses of ours, and fetched from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from encord_convert.sdk.exceptions import ResourceNotFoundError
from encord_convert.sdk.http.transport import Reply
from encord_convert.service import faults
from encord_convert.service.contents import facts_of
from encord_convert.service.store import uploads

if TYPE_CHECKING:
    from encord_convert.service.app import Service

PART = 1 << 20
"""Bytes read at once."""

SHOWN = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff",
        "video/mp4", "video/webm", "video/quicktime", "video/x-matroska", "video/x-msvideo", "application/dicom",
    }
)  # fmt: skip
"""Types a browser is told; everything else is bytes to keep, since it could hold a script."""

TEXT = {"content-type": "application/json", "x-content-type-options": "nosniff"}


def answer_file(
    service: Service, method: str, target: str, headers: Mapping[str, str], parts: Iterable[bytes]
) -> Reply:
    """Answer a request in one piece; see :func:`receive` and :func:`serve`."""
    try:
        if method == "PUT":
            receive(service, target, parts)
            return Reply(200, TEXT, b"{}")
        stream, answer_headers, first, last, status = serve(service, method, target, headers.get("range"))
        with stream:
            body = b"" if method == "HEAD" else b"".join(read(stream, first, last))
        return Reply(status, answer_headers, body)
    except Exception as error:
        status, text = faults.status_of(error)
        return Reply(status, TEXT, text)


def receive(service: Service, target: str, parts: Iterable[bytes]) -> None:
    """Take in a file that is sent to an address of ours; it is on the disk when this returns."""
    now = service.clock()
    (place, data_hash), _ = service.storage.checked("PUT", target, now)
    assert place == "uploads"
    kind, title = service.database.read(lambda db: _awaited(db, data_hash))
    with service.storage.incoming() as file:
        for part in parts:
            file.write(part)
        digest = file.keep()
    with service.storage.open(digest) as stream:
        facts = facts_of(kind, title, stream, file.size)
    encoded = msgspec.json.encode(facts).decode()
    service.database.write(lambda db: uploads.arrived(db, data_hash, digest, file.size, encoded)).result()


def _awaited(db: Connection, data_hash: str) -> tuple[str, str]:
    row = uploads.upload(db, data_hash)
    if row is None:
        raise ResourceNotFoundError("Nothing is awaited at this address: it was registered, or forgotten.")
    return row.kind, row.title


def serve(
    service: Service, method: str, target: str, wanted: str | None
) -> tuple[IO[bytes], dict[str, str], int, int, int]:
    """Open a file that is asked for; return it, the headers, the first byte, the one after the last, the status."""
    (place, digest, name), query = service.storage.checked(method, target, service.clock())
    assert place == "files"
    stream = service.storage.open(digest)
    size = stream.seek(0, 2)
    first, last = _range(wanted, size)
    type_ = query.get("type", "")
    is_shown = type_ in SHOWN
    headers = {
        "content-type": type_ if is_shown else "application/octet-stream",
        "content-length": str(last - first),
        "content-disposition": f"{'inline' if is_shown else 'attachment'}; filename*=UTF-8''{name}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=86400",
        "etag": f'"{digest}"',
    }
    if wanted is not None and (first, last) != (0, size):
        headers["content-range"] = f"bytes {first}-{last - 1}/{size}"
        return stream, headers, first, last, 206
    return stream, headers, first, last, 200


def read(stream: IO[bytes], first: int, last: int) -> Iterator[bytes]:
    """Read from one byte to before another."""
    stream.seek(first)
    while first < last and (part := stream.read(min(PART, last - first))):
        first += len(part)
        yield part


def _range(wanted: str | None, size: int) -> tuple[int, int]:
    """Return the bytes a ``Range`` asks for; all of them if it is none we read."""
    with suppress(ValueError):
        unit, _, span = (wanted or "").partition("=")
        begin, dash, end = span.partition("-")
        if unit == "bytes" and dash:
            if not begin:
                return max(size - int(end), 0), size
            first, last = int(begin), min(int(end) + 1, size) if end else size
            if 0 <= first < last:
                return first, last
    return 0, size
