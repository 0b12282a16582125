"""Images of a training target: found, named, and linked, copied or left in place.

A **hard link** is the default: it takes no space, cannot dangle, and works where only the target folder is mounted (in
a container, say). Across file systems it is a symbolic link; archive members are copied. Links share content with the
original: training code that repairs images in place changes both; ``image_files=copy`` avoids that.

An image rotated by EXIF data is rewritten upright without that tag, since training code differs in applying it (OpenCV
and Hugging Face do, Pillow does not) and labels refer to the displayed image.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

from encord_convert.errors import ReadError
from encord_convert.formats._files import Target
from encord_convert.formats._finding import Finder
from encord_convert.formats._paths import Paths, safe_name
from encord_convert.formats.coco.write_images import RowFolders, file_name, name_code, split_suffix
from encord_convert.hub.headers import END_MARKS, read_ends
from encord_convert.hub.loss import NOWHERE, Level, Where
from encord_convert.hub.media import SUFFIXES, Header, Media
from encord_convert.hub.splits import split_of, standard
from encord_convert.hub.texts import has_lone, mended
from encord_convert.hub.visibility import frame_size
from encord_convert.sdk.objects import LabelRowV2

Placing = Literal["link", "copy", "leave"]
Put = Callable[[Target], None]
"""A function that puts an image into a target."""


class Images:
    """Assigns target names to frames, and puts their images there.

    Parameters
    ----------
    finder : Finder or None
        Finds the images; None: only names are assigned.
    placing : "link", "copy" or "leave"
        With ``leave`` a found image keeps its name, a missing one the labels' name.
    say : callable
        :meth:`~encord_convert.losses.narrow.Narrowed.note`; called for images that are missing, of another size, or
        rotated.
    by_stem : bool
        Whether images of a folder must differ in their stems, by which labels are found.

    Attributes
    ----------
    missing : int
        Number of images not found; ``first_missing`` is the first.
    """

    def __init__(self, finder: Finder | None, placing: Placing, say: Callable[..., None], by_stem: bool) -> None:
        self.missing = 0
        self.first_missing = NOWHERE
        self._cut = 0
        self._first_cut: tuple[str, Where] | None = None
        self._finder = finder
        self._media = None if finder is None else Media(finder.source)
        self._source = None if finder is None else finder.source
        self._given: set[int] = set()
        self._row_folders = RowFolders()
        self._placing = placing
        self._say = say
        self._by_stem = by_stem
        self._paths = Paths()

    def find(self, row: LabelRowV2, frames: Iterable[int]) -> dict[int, str | None] | None:
        """Return the files of a row's frames; None if another row has one of them.

        Raises
        ------
        AmbiguousFileError
            Several files could be the image.
        """
        if self._finder is None:
            return dict.fromkeys(frames)
        members = {frame: self._finder.find(row, frame) for frame in frames}
        codes = [name_code(member) for member in members.values() if member is not None]
        if not self._given.isdisjoint(codes):
            return None
        self._given.update(codes)
        return members

    def place(
        self, row: LabelRowV2, frame: int, member: str | None, split: str, folder: str
    ) -> tuple[str, tuple[int, int], Put | None]:
        """Return the name of a frame's image below ``folder`` of the target, its size, and the function to put it
        there.

        A source folder named like ``split`` is not repeated. The size is the image's own if the labels lack it.

        Raises
        ------
        ReadError
            The image cannot be read.
        """
        name = self._name(row, frame, member, split, folder)
        if member is not None:
            return name, *self._placed(row, frame, member, f"{folder}/{name}")
        if not self.missing:
            self.first_missing = Where(row=row.data_title, frame=frame)
        self.missing += 1
        return name, frame_size(row, frame), None

    def close(self) -> None:
        """Note images that seem truncated, and name clashes."""
        if self._first_cut is not None:
            member, where = self._first_cut
            first = f"{member} has" if self._cut == 1 else f"{self._cut} images, {member} first, have"
            detail = f"{first} no end marker: they seem truncated, and training may fail there."
            self._say(Level.WARNING, "TRUNCATED", detail, where, self._cut)
        for _ in range(self._paths.clashes):
            detail = "Two images have the same name; a number is appended to the second."
            self._say(Level.WARNING, "NAME_CLASH", detail)

    def _name(self, row: LabelRowV2, frame: int, member: str | None, split: str, folder: str) -> str:
        left = None
        if self._placing == "leave":
            left = member or file_name(row, frame)
            if not self._by_stem:
                return self._as_text(left)
            left = left if member is not None else safe_name(left)
        name = left or safe_name(self._below(row, frame, split))
        stem, suffix = split_suffix(name if self._by_stem else self._as_text(name))
        if left is None and suffix.lower() not in SUFFIXES:  # a slice, or a frame: training code reads images
            stem, suffix = (stem, ".png") if suffix == ".dcm" else (stem + suffix, ".png")
        if left is None and member is not None:
            suffix = self._ending(member) or suffix
        return self._paths.file(f"{folder}/{stem}", suffix, by_stem=self._by_stem)[len(folder) + 1 :] + suffix

    def _as_text(self, name: str) -> str:
        """Return the name of an image as a label file can hold it."""
        if not has_lone(name):
            return name
        detail = "The name of an image is not text in UTF-8; in the target it has U+FFFD where it is not."
        self._say(Level.WARNING, "UNWRITABLE_TEXT", detail)
        return mended(name)

    def _below(self, row: LabelRowV2, frame: int, split: str) -> str:
        name = self._row_folders.name(row, frame)
        own = split_of(row.client_metadata)
        return name[len(own) + 1 :] if own and standard(own) == split and name.startswith(f"{own}/") else name

    def _ending(self, member: str) -> str:
        """Return the suffix of an image, or the one it should have: training code needs it."""
        assert self._media is not None
        suffix = split_suffix(member)[1]
        if suffix.lower() in SUFFIXES:
            return suffix
        header = self._media.header(member)
        return header.suffix if header is not None else ""

    def _placed(self, row: LabelRowV2, frame: int, member: str, name: str) -> tuple[tuple[int, int], Put | None]:
        assert self._media is not None and self._source is not None
        header = self._media.header(member)
        if header is None:
            raise ReadError(self._source.place(member), "is not an image that can be read.")
        if self._is_cut_short(member, header):
            self._first_cut = self._first_cut or (member, Where(row=row.data_title, frame=frame))
            self._cut += 1
        width, height = size = frame_size(row, frame)
        is_stored = (width, height) == (header.width, header.height) != header.shown
        if not (width or height):  # unknown to the labels, which then have no shapes
            size = header.shown
        elif not is_stored and (width, height) != header.shown:
            detail = "The size of an image differs from its labels'."
            self._note(row, frame, Level.WARNING, "SIZE_MISMATCH", detail)
        if self._placing == "leave":
            if header.orientation != 1:
                detail = "EXIF data rotates an image that is left in place; not all training code applies that."
                self._note(row, frame, Level.WARNING, "EXIF_ORIENTATION", detail)
            return size, None
        if header.orientation != 1:
            detail = "An image that EXIF data rotates is written upright, as its labels expect."
            self._note(row, frame, Level.INFO, "EXIF_ORIENTATION", detail)
            return size, lambda target: self._turn(member, target.adopt(name), header, is_stored)
        return size, lambda target: self._take(member, target.adopt(name))

    def _is_cut_short(self, member: str, header: Header) -> bool:
        """Return whether an image lacks its format's end marker; nothing is decoded."""
        mark = END_MARKS.get(header.suffix)
        if mark is None:
            return False
        assert self._source is not None
        with self._source.open(member) as stream:
            return mark not in read_ends(stream)[1]

    def _take(self, member: str, path: Path) -> None:
        assert self._source is not None
        try:
            original = self._source.path(member)
        except ValueError as error:
            raise ReadError(self._source.place(member), f"{error}.") from error
        if original is not None and self._placing == "link":
            with contextlib.suppress(OSError):
                return os.link(original.resolve() if original.is_symlink() else original, path)
            with contextlib.suppress(OSError):
                return os.symlink(original.resolve(), path)
        with self._source.open(member) as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)

    def _turn(self, member: str, path: Path, header: Header, is_stored: bool) -> None:
        """Write an image without EXIF orientation: upright, or as stored if its labels refer to that."""
        from PIL import Image, ImageOps

        assert self._source is not None
        try:
            with self._source.open(member) as stream, Image.open(stream) as image:
                kind, profile = image.format, image.info.get("icc_profile")
                rotated: Any = image if is_stored else ImageOps.exif_transpose(image)
                rotated = rotated.copy()
                rotated.info.pop("exif", None)
                rotated.save(path, kind, quality=95, icc_profile=profile, exif=b"")
        except (OSError, ValueError, SyntaxError) as error:
            raise ReadError(self._source.place(member), f"is a damaged image ({error}).") from error

    def _note(self, row: LabelRowV2, frame: int, level: Level, code: str, detail: str) -> None:
        self._say(level, code, detail, Where(row=row.data_title, frame=frame))
