"""Where the images of a CVAT file lie: in ``images/`` beside it, in a folder of its subset there, or beside it."""

from __future__ import annotations

from encord_convert.errors import ReadError
from encord_convert.hub.media import Header, Media

ROTATED = "EXIF data turns the image: its size is that as it is shown, which is how CVAT labels it."


def header_of(media: Media, name: str, subset: str = "") -> Header | None:
    """Return the header of an image, which knows its size as CVAT shows it; None if there is no image of the name.

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
        return None if member is None else media.header(member)
    except ReadError:  # no image to take a size from
        return None
