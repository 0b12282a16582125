"""Videos encoded anew, so that every player shows the same frame at the same time: H.264, a constant frame rate."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from encord_convert.sdk.exceptions import EncordException, InvalidArgumentsError
from encord_convert.service.storage import Storage

NO_PYAV = "Videos are encoded anew by PyAV where the service runs: pip install 'encord-convert[video]'."
PART = 1 << 20


def check_available() -> None:
    """Let pass if there is an encoder.

    Raises
    ------
    InvalidArgumentsError
        PyAV is not installed.
    """
    if find_spec("av") is None:
        raise InvalidArgumentsError(NO_PYAV)


def encoded(storage: Storage, row: Any) -> str:
    """Encode the video of a data row; return the SHA-256 of the result, which the storage has.

    Raises
    ------
    EncordException
        The bytes are not here, or no video.
    """
    check_available()
    import av

    if row.sha256 is None:
        raise EncordException(f"{row.data_title}: its file is not in the storage of the service.")
    with tempfile.TemporaryDirectory(prefix="encoding-") as name:
        path = Path(name) / "video.mp4"
        try:
            with storage.open(row.sha256) as stream:
                _encode(av, stream, path)
        except (av.error.FFmpegError, IndexError, ValueError) as error:
            raise EncordException(f"{row.data_title}: cannot be encoded anew ({type(error).__name__}).") from error
        with storage.incoming() as file, path.open("rb") as done:
            while part := done.read(PART):
                file.write(part)
            return file.keep()


def _encode(av: Any, stream: Any, path: Path) -> None:
    """Write every frame of a video, at equal distances, in the order they are shown."""
    with av.open(stream, metadata_errors="ignore") as source, av.open(str(path), "w") as target:
        track = source.streams.video[0]
        rate = Fraction(track.average_rate or track.guessed_rate or 25).limit_denominator(65535)
        made = target.add_stream("libx264", rate=rate)
        # Sides of an odd number of pixels cannot be stored with halved colours.
        is_even = track.codec_context.width % 2 == track.codec_context.height % 2 == 0
        made.width, made.height = track.codec_context.width, track.codec_context.height
        made.pix_fmt = "yuv420p" if is_even else "yuv444p"
        for number, frame in enumerate(source.decode(track)):
            frame.pts, frame.time_base = number, 1 / rate
            target.mux(made.encode(frame))
        target.mux(made.encode(None))
