"""Inspects uploaded files: type, size in pixels, frames; or why they are rejected."""

from __future__ import annotations

import mimetypes
from typing import IO, Any, BinaryIO, cast

from encord_convert.errors import ReadError
from encord_convert.formats.dicom.headers import Refused
from encord_convert.formats.dicom.headers import read_header as read_dicom
from encord_convert.hub.media import read_header as read_image
from encord_convert.sdk.http.routes import Query
from encord_convert.service.videos import facts_of_video

DICOM = "application/dicom"
_MIME_OF_SUFFIX = {
    ".bmp": "image/bmp", ".gif": "image/gif", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp",
}  # fmt: skip


def facts_of(kind: str, title: str, stream: IO[bytes], size: int) -> dict[str, Any]:
    """Return the properties of a file.

    Parameters
    ----------
    kind : str
        Query type of its upload slot; unknown types are not inspected.
    title : str
    stream : open file
    size : int
        In bytes.

    Returns
    -------
    dict
        ``fault``, a sentence; or ``type`` (MIME), and what is known of ``width``, ``height`` (pixels, as the image is
        shown), ``frames``, ``fps``, ``duration_s``; of DICOM ``header``, see :class:`Header` of the DICOM reader.
    """
    if kind == Query.SIGNED_IMAGES_URL:
        return _image(title, stream)
    if kind == Query.SIGNED_VIDEO_URL:
        return facts_of_video(title, stream)
    if kind == Query.SIGNED_DICOMS_URL:
        return _dicom(title, stream, size)
    return {"type": None}


def _image(title: str, stream: IO[bytes]) -> dict[str, Any]:
    try:
        header = read_image(cast(BinaryIO, stream), title)
    except ReadError as error:
        return {"fault": error.sentence}
    if header is None:
        return {"fault": f"{title}: is not a readable image (BMP, GIF, JPEG, PNG, TIFF or WebP)."}
    width, height = header.shown
    suffix = "." + title.rpartition(".")[2].lower()
    type_ = _MIME_OF_SUFFIX.get(suffix) or mimetypes.guess_type(title)[0] or _MIME_OF_SUFFIX.get(header.suffix)
    return {"type": type_, "width": width, "height": height, "frames": 1}


def _dicom(title: str, stream: IO[bytes], size: int) -> dict[str, Any]:
    try:
        header = read_dicom(cast(BinaryIO, stream), size, title, keep_cut=False, names=False)
    except Refused as error:
        return {"fault": f"{title}: {error.sentence}"}
    return {"type": DICOM, "header": header}
