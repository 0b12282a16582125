"""What a file that arrived says of itself: its type, its size in pixels, its frames; or why it cannot be taken."""

from __future__ import annotations

import mimetypes
from importlib import import_module
from importlib.util import find_spec
from typing import IO, Any, BinaryIO, cast

from encord_convert.errors import ReadError
from encord_convert.formats.dicom.headers import Refused
from encord_convert.formats.dicom.headers import read_header as read_dicom
from encord_convert.hub.media import read_header as read_picture
from encord_convert.sdk.http.routes import Query

DICOM = "application/dicom"
_MIME_OF_SUFFIX = {
    ".bmp": "image/bmp", ".gif": "image/gif", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp",
}  # fmt: skip
MOST_PIXELS = 1 << 16
"""Along one side of a video."""


def facts_of(kind: str, title: str, stream: IO[bytes], size: int) -> dict[str, Any]:
    """Return what a file says of itself.

    Parameters
    ----------
    kind : str
        The query type by which its place was asked for.
    title : str
    stream : open file
    size : int
        In bytes.

    Returns
    -------
    dict
        ``fault``, a sentence; or ``type`` (MIME), and what is known of ``width``, ``height`` (pixels, as the picture is
        shown), ``frames``, ``fps``, ``duration_s``; of DICOM ``header``, see :class:`Header` of the DICOM reader.
    """
    if kind == Query.SIGNED_IMAGES_URL:
        return _picture(title, stream)
    if kind == Query.SIGNED_VIDEO_URL:
        return _video(title, stream)
    return _dicom(title, stream, size)


def _picture(title: str, stream: IO[bytes]) -> dict[str, Any]:
    try:
        header = read_picture(cast(BinaryIO, stream), title)
    except ReadError as error:
        return {"fault": error.sentence}
    if header is None:
        return {"fault": f"{title}: is no picture the service reads (BMP, GIF, JPEG, PNG, TIFF, WebP), or is damaged."}
    width, height = header.shown
    suffix = "." + title.rpartition(".")[2].lower()
    type_ = _MIME_OF_SUFFIX.get(suffix) or mimetypes.guess_type(title)[0]
    return {"type": type_, "width": width, "height": height, "frames": 1}


def _dicom(title: str, stream: IO[bytes], size: int) -> dict[str, Any]:
    try:
        header = read_dicom(cast(BinaryIO, stream), size, title, keep_cut=False, names=False)
    except Refused as error:
        return {"fault": f"{title}: {error.sentence}"}
    return {"type": DICOM, "header": header}


def _video(title: str, stream: IO[bytes]) -> dict[str, Any]:
    if find_spec("av") is None:
        return {"fault": "Videos need PyAV where the service runs: pip install 'encord-convert[video]'."}
    av: Any = import_module("av")
    try:
        with av.open(stream, metadata_errors="ignore") as container:
            track = container.streams.video[0]
            width, height = track.codec_context.width, track.codec_context.height
            rate = track.average_rate or track.guessed_rate
            # Containers may not say, or say wrongly: packets are counted, and nothing is decoded.
            sizes = [packet.pts for packet in container.demux(track) if packet.size]
            frames, base = len(sizes), track.time_base
            type_ = _type_of_video(title, container.format.name)
    except (av.error.FFmpegError, IndexError, OSError, ValueError) as error:
        return {"fault": f"{title}: is no video the service reads, or is damaged ({type(error).__name__})."}
    if not frames or not 0 < width <= MOST_PIXELS or not 0 < height <= MOST_PIXELS:
        return {"fault": f"{title}: holds no frames of a video."}
    times = [at for at in sizes if at is not None]
    fps = float(rate) if rate else None
    if fps is None and len(times) > 1 and base:
        span = float((max(times) - min(times)) * base)
        fps = (frames - 1) / span if span else None
    fps = fps or 25.0
    return {
        "type": type_, "width": width, "height": height, "frames": frames, "fps": fps, "duration_s": frames / fps,
    }  # fmt: skip


def _type_of_video(title: str, container: str) -> str:
    guessed = mimetypes.guess_type(title)[0]
    if guessed and guessed.startswith("video/"):
        return guessed
    known = {"mov": "video/mp4", "matroska": "video/x-matroska", "avi": "video/x-msvideo", "mpegts": "video/mp2t"}
    return known.get(container.partition(",")[0], "video/mp4")
