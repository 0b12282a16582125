"""The pictures beside a CVAT file: found by name, and asked for nothing but their size."""

from __future__ import annotations

import warnings
from pathlib import PurePosixPath

from encord_convert.formats._files import Source


class Media:
    """Finds the pictures a CVAT file names, and their sizes.

    Parameters
    ----------
    source : Source
    member : str
        The CVAT file; pictures lie in ``images/`` beside it, or beside it.
    """

    def __init__(self, source: Source, member: str) -> None:
        self._source = source
        self._folder = member.rpartition("/")[0]
        self._names: dict[str, str] | None = None

    def find(self, name: str, subset: str = "") -> str | None:
        """Return the member that is the picture ``name``.

        Parameters
        ----------
        name : str
            As the CVAT file has it: ``/`` or ``\\`` between folders, without a suffix for frames of a video.
        subset : str
            Exports of projects have a folder for each.
        """
        if self._names is None:
            self._names = self._listed()
        path = name.replace("\\", "/")
        for folder in (f"images/{subset}/", "images/", "") if subset else ("images/", "", "images/default/"):
            found = self._names.get(folder + path)
            if found is not None:
                return found
        return None

    def _listed(self) -> dict[str, str]:
        """Return the members below the folder by their path in it, with suffix and, first of its name, without."""
        prefix = self._folder + "/" if self._folder else ""
        names: dict[str, str] = {}
        members = [name for name in self._source.names() if name.startswith(prefix)]
        for member in members:
            names[member[len(prefix) :]] = member
        for member in members:
            path = PurePosixPath(member[len(prefix) :])
            if path.suffix:
                names.setdefault(path.with_suffix("").as_posix(), member)
        return names

    def size(self, name: str, subset: str = "") -> tuple[int, int] | None:
        """Return width and height of the picture ``name`` in pixels, read from its head; None if that cannot be."""
        member = self.find(name, subset)
        if member is None:
            return None
        from PIL import Image, UnidentifiedImageError

        bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
        try:
            with warnings.catch_warnings(), self._source.open(member) as stream:
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(stream) as picture:
                    return picture.size
        except (UnidentifiedImageError, OSError, ValueError, *bombs):
            return None
