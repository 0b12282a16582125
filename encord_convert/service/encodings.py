"""Videos encoded again, and kept in the storage beside what they were made of."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from encord_convert.sdk.exceptions import EncordException, InvalidArgumentsError
from encord_convert.service import videos
from encord_convert.service.storage import Storage

PART = 1 << 20


def check_available() -> None:
    """Let pass if there is an encoder.

    Raises
    ------
    InvalidArgumentsError
        PyAV is not installed.
    """
    if not videos.has_reader():
        raise InvalidArgumentsError(videos.NEEDS_PYAV)


def encoded(storage: Storage, row: Any) -> str:
    """Encode the video of a data row again; return the SHA-256 of the result, which the storage has.

    Raises
    ------
    EncordException
        The bytes are not here, are no video, or one that takes too long.
    """
    check_available()
    if row.sha256 is None:
        raise EncordException(f"{row.data_title}: its file is not in the storage of the service.")
    with tempfile.TemporaryDirectory(prefix="encoding-") as name:
        path = Path(name) / "video.mp4"
        with storage.open(row.sha256) as stream:
            fault = videos.fault_of_encoding(row.data_title, stream, str(path))
        if fault is not None:
            raise EncordException(fault)
        with storage.incoming() as file, path.open("rb") as done:
            while part := done.read(PART):
                file.write(part)
            return file.keep()
