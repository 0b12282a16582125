"""What a file that arrived says of itself: its type, its size in pixels, its frames; or why it cannot be taken."""

from __future__ import annotations

import mimetypes
from typing import IO, Any

from encord_convert.media import read_header
from encord_convert.sdk.http.routes import Query

MIME_OF_FORMAT = {
    "PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "BMP": "image/bmp", "TIFF": "image/tiff",
    "WEBP": "image/webp",
}  # fmt: skip


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
        ``fault``, a sentence; or ``type`` (MIME) and what is known of ``width``, ``height``, ``frames``, ``fps``,
        ``duration_s``.
    """
    if kind == Query.SIGNED_IMAGES_URL:
        return _image(title, stream)
    return {"type": mimetypes.guess_type(title)[0]}


def _image(title: str, stream: IO[bytes]) -> dict[str, Any]:
    header = read_header(stream, title)  # type: ignore[arg-type]
    if header is None:
        return {"fault": f"{title}: is no picture of a kind the service reads ({', '.join(sorted(MIME_OF_FORMAT))})."}
    return {"type": mimetypes.guess_type(title)[0], "width": header.shown[0], "height": header.shown[1]}
