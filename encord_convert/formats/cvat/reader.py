"""What the readers of images and of tracks have in common: what is known of their file, and where its images lie."""

from __future__ import annotations

from encord_convert.errors import ReadError
from encord_convert.formats.cvat.counts import Account
from encord_convert.formats.cvat.meta import Meta
from encord_convert.formats.cvat.ontology import Plans
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.stats import Stats
from encord_convert.hub.draft import Draft
from encord_convert.hub.media import Header, Media
from encord_convert.hub.splits import named_in

ROTATED = "EXIF data turns the image: its size is that as it is shown, which is how CVAT labels it."


def header_of(media: Media, name: str, subset: str = "") -> Header | None:
    """Return the header of an image, which knows its size as CVAT shows it; None if there is no image of the name.

    It lies in ``images/`` beside the file, in a folder of its subset there, or beside the file.

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


class Reader:
    """What is known of a file whose records become rows.

    Parameters
    ----------
    draft, plans, options, account, meta, stats
        What was learnt before.
    media : Media or None
        For sizes the file does not say.
    member : str
        The file, as a member of the source.
    key : tuple of str
        What tells this file from others of the source: nothing if it is alone.
    folder : str
        What stands before titles, to tell them from those of files in other folders: empty, or with ``/`` at its end.

    Attributes
    ----------
    named : str
        The split that the path of one of several files says.
    """

    def __init__(
        self,
        draft: Draft,
        plans: Plans,
        options: ReadOptions,
        account: Account,
        meta: Meta,
        stats: Stats,
        media: Media | None,
        member: str,
        key: tuple[str, ...],
        folder: str,
    ) -> None:
        self.draft = draft
        self.plans = plans
        self.options = options
        self.account = account
        self.meta = meta
        self.stats = stats
        self.media = media
        self.member = member
        self.key = key
        self.folder = folder
        self.named = named_in(member) if key else ""
