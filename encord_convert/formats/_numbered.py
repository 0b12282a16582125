"""Frames of sequences stored as numbered image files in one folder."""

from __future__ import annotations

import re
from collections.abc import Iterable

from encord_convert.formats._annotations import MOST_FRAMES
from encord_convert.formats._files import Source
from encord_convert.hub.media import SUFFIXES
from encord_convert.hub.splits import named_in, standard

MASKS = "instances"
"""Folders of mask images, which are labels."""
_BY_NAME = ("{}/img1/", "image_02/{}/", "sequences/{}/", "images/{}/", "{}/")
"""Where MOT, KITTI, VisDrone and others keep the frames of a sequence of this name."""


class FrameFolders:
    """The folders of a source that hold images other than masks."""

    def __init__(self, source: Source) -> None:
        self._folders: dict[str, list[str]] = {}
        for name in source.names():
            if name[name.rfind(".") :].lower() in SUFFIXES and MASKS not in name.split("/")[:-1]:
                self._folders.setdefault(name[: name.rfind("/") + 1], []).append(name)

    def first_of(self, folders: list[str]) -> str:
        """Return the first of these folders (ending in ``/``) that holds images; empty if none does."""
        return next((folder for folder in folders if folder in self._folders), "")

    def named(self, name: str) -> str:
        """Return the folder with the frames of a sequence; empty unless there is exactly one."""
        for form in _BY_NAME:
            wanted = "/" + form.format(name)
            found = [folder for folder in self._folders if f"/{folder}".endswith(wanted)]
            if len(found) > 1:  # a test split has images without labels
                found = [match for match in found if standard(named_in(match)) != "test"]
            if found:
                return found[0] if len(found) == 1 else ""
        return ""

    def beside(self, folders: Iterable[str]) -> list[str]:
        """Return the sibling folders of these that hold images, each ending in ``/``."""
        known = {*folders}
        above = {f[: f.rstrip("/").rfind("/") + 1] for f in known}
        return [f for f in self._folders if f not in known and f[: f.rstrip("/").rfind("/") + 1] in above]

    def files(self, folder: str) -> list[str]:
        """Return the images of a folder, ascending."""
        return sorted(self._folders.get(folder, ()))

    def frames(self, folder: str, *, first: int | None = None, length: int = 0) -> dict[int, str]:
        """Return the images of a folder by frame, from 0, as numbered in their names.

        Parameters
        ----------
        folder : str
        first : int, optional
            Number of the first frame; default: 0 if an image has that number, else 1.
        length : int
            Number of frames. If it equals the number of images, their order alone counts.
        """
        files = self.files(folder)
        numbers = [number_of(file) for file in files]
        start = int(0 not in numbers) if first is None else first
        frames = {number - start: file for number, file in zip(numbers, files, strict=True) if number is not None}
        is_odd = len(frames) < len(files) or any(not 0 <= frame < (length or MOST_FRAMES) for frame in frames)
        return dict(enumerate(files)) if is_odd and length in (0, len(files)) else _known(frames)


def _known(frames: dict[int, str]) -> dict[int, str]:
    return {frame: frames[frame] for frame in sorted(frames) if 0 <= frame < MOST_FRAMES}


def number_of(name: str) -> int | None:
    """Return the last number in a file name; None if it has none.

    >>> number_of("cam2/frame_000007.png"), number_of("cam2/first.png")
    (7, None)
    """
    stem = name.rpartition("/")[2].rpartition(".")[0]
    digits = re.findall(r"[0-9]+", stem)
    return int(digits[-1][-9:]) if digits else None
