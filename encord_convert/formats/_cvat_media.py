"""Where the pictures of a CVAT file lie: in ``images/`` beside it, in a folder of its subset there, or beside it."""

from __future__ import annotations

from encord_convert.errors import ReadError
from encord_convert.media import Media


def shown_size(media: Media, name: str, subset: str = "") -> tuple[int, int] | None:
    """Return width and height in pixels of a picture as CVAT shows it; None if it is not there or cannot be read.

    Parameters
    ----------
    media : Media
        Of the folder that holds the CVAT file.
    name : str
        As the CVAT file has it: ``/`` or ``\\`` between folders, without an ending for frames of a video.
    subset : str
        Exports of projects have a folder for each.
    """
    folders = (f"images/{subset}/", "images/", "") if subset else ("images/", "", "images/default/")
    member = media.find_in(folders, name)
    try:
        header = None if member is None else media.header(member)
    except ReadError:  # no picture to take a size from
        return None
    return None if header is None else header.shown
