"""Pictures beside the labels of a training target: found, named, and linked, copied or left where they are.

A **hard link** is the default: it needs no room, cannot dangle, and stays readable where only the target's folder is
seen (in a container, say). On another file system, which a hard link cannot reach, it is a symbolic link; what is in
an archive is copied. Links share their content with the original: training code that repairs pictures in place changes
both; ``pictures=copy`` keeps them apart.

A picture that its EXIF data turns is neither linked nor copied but written anew, upright and without that note, since
training code differs in whether it turns pictures (OpenCV and Hugging Face do, Pillow does not) and labels are drawn on
what is shown.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any, Literal

from encord_convert.errors import ReadError
from encord_convert.formats._coco_images import file_name, split_suffix
from encord_convert.formats._files import Source, Target, name_fault
from encord_convert.formats._paths import Paths
from encord_convert.losses import Level, Where
from encord_convert.media import SUFFIXES, Header, Media
from encord_convert.placement import frame_size, unit_of
from encord_convert.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

Placing = Literal["link", "copy", "leave"]


class Pictures:
    """Gives each frame the name its picture has in the target, and puts the picture there.

    Parameters
    ----------
    source : Source or None
        Where the pictures are; None: nowhere, and only names are given.
    placing : "link", "copy" or "leave"
        With ``leave`` a picture that is found keeps the name it has in the source.
    target : Target
    report : Report
        Told what is missing, has another size, or was turned.
    by_stem : bool
        Whether two pictures of a folder may not differ in their endings alone: labels are found by the stem.
    """

    def __init__(self, source: Source | None, placing: Placing, target: Target, report: Report, by_stem: bool) -> None:
        self._media = None if source is None else Media(source)
        self._source = source
        self._placing = placing
        self._target = target
        self._report = report
        self._by_stem = by_stem
        self._paths = Paths()

    def place(self, row: LabelRowV2, frame: int, folder: str) -> str:
        """Return the name of a frame's picture below ``folder`` of the target, where the picture is from now on.

        Raises
        ------
        AmbiguousFileError
            Several files could be the picture.
        ReadError
            The picture cannot be read.
        """
        member = self._find(row, frame)
        name = self._name(row, frame, member, folder)
        if member is not None:
            self._put(row, frame, member, f"{folder}/{name}")
        elif self._media is not None:
            self._note(row, frame, Level.WARNING, "MISSING_MEDIA", "A picture is not there; its labels are written.")
        return name

    def close(self) -> None:
        """Say how many names were taken."""
        for _ in range(self._paths.clashes):
            detail = "A picture has the name of another; in the target a number follows it."
            self._report.note(Level.WARNING, "NAME_CLASH", detail)

    def _find(self, row: LabelRowV2, frame: int) -> str | None:
        if self._media is None:
            return None
        metadata = row.client_metadata or {}
        digest = next((f"{kind}:{metadata[kind]}" for kind in ("sha256", "md5") if kind in metadata), None)
        for wanted in _titles(row, frame):
            member = self._media.find(wanted, digest=digest if row.data_type is DataType.IMAGE else None)
            if member is not None:
                return member
        return None

    def _name(self, row: LabelRowV2, frame: int, member: str | None, folder: str) -> str:
        left = member if self._placing == "leave" else None
        if left is not None and not self._by_stem:
            return left
        stem, suffix = split_suffix(left or safe_name(file_name(row, frame)))
        if left is None and suffix.lower() not in SUFFIXES:  # a slice, or a frame: training code reads pictures
            stem, suffix = (stem, ".png") if suffix == ".dcm" else (stem + suffix, ".png")
        if left is None and member is not None:
            suffix = self._ending(member) or suffix
        return self._paths.file(f"{folder}/{stem}", suffix, by_stem=self._by_stem)[len(folder) + 1 :] + suffix

    def _ending(self, member: str) -> str:
        """Return how the name of a picture ends, or should: training code finds pictures by that."""
        assert self._media is not None
        suffix = split_suffix(member)[1]
        if suffix.lower() in SUFFIXES:
            return suffix
        header = self._media.header(member)
        return header.suffix if header is not None else ""

    def _put(self, row: LabelRowV2, frame: int, member: str, name: str) -> None:
        assert self._media is not None and self._source is not None
        header = self._media.header(member)
        if header is None:
            raise ReadError(self._source.place(member), "is no picture that can be read.")
        width, height = frame_size(row, frame)
        is_stored = (width, height) == (header.width, header.height) != header.shown
        if not is_stored and (width, height) != header.shown:
            detail = "A picture has another size than its labels were drawn on."
            self._note(row, frame, Level.WARNING, "SIZE_MISMATCH", detail)
        if self._placing == "leave":
            if header.orientation != 1:
                detail = "EXIF data turns a picture that is left as it is; not all training code heeds that."
                self._note(row, frame, Level.WARNING, "EXIF_ORIENTATION", detail)
            return
        path = self._target.adopt(name)
        if header.orientation != 1:
            self._turn(member, path, header, is_stored)
            detail = "A picture turned by its EXIF data is written anew, as its labels were drawn."
            self._note(row, frame, Level.INFO, "EXIF_ORIENTATION", detail)
        else:
            self._take(member, path)

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
        """Write a picture without orientation: upright, or as stored if its labels were drawn on that."""
        from PIL import Image, ImageOps

        assert self._source is not None
        try:
            with self._source.open(member) as stream, Image.open(stream) as picture:
                kind, profile = picture.format, picture.info.get("icc_profile")
                turned: Any = picture if is_stored else ImageOps.exif_transpose(picture)
                turned = turned.copy()
                turned.info.pop("exif", None)
                turned.save(path, kind, quality=95, icc_profile=profile, exif=b"")
        except (OSError, ValueError, SyntaxError) as error:
            raise ReadError(self._source.place(member), f"is a damaged picture ({error}).") from error

    def _note(self, row: LabelRowV2, frame: int, level: Level, code: str, detail: str) -> None:
        self._report.writing.note(level, code, detail, Where(row=row.data_title, frame=frame))


def safe_name(name: str) -> str:
    r"""Return a name that stays below any folder on every system, ``/`` between folders.

    >>> safe_name("../C:\\cam 1\\a?.jpg"), safe_name("/nul/a.jpg"), safe_name("images/a.jpg"), safe_name("a.png/1.png")
    ('C_/cam 1/a_.jpg', '_nul/a.jpg', '_images/a.jpg', 'a.png_/1.png')
    """
    plain = "".join("_" if char in '<>:"|?*' or char < " " else char for char in name.replace("\\", "/"))
    parts = [part.rstrip(" .") for part in plain.split("/")]
    # Ultralytics finds labels by the last folder "images" of a path.
    parts = [f"_{part}" if name_fault(part) or part == "images" else part for part in parts if part] or ["_"]
    # Training code that lists pictures by their endings takes a folder of such a name for one.
    folders = [f"{part}_" if split_suffix(part)[1].lower() in SUFFIXES else part for part in parts[:-1]]
    return "/".join([*folders, parts[-1]])


def _titles(row: LabelRowV2, frame: int) -> list[str]:
    """Return what the picture of a frame may be called, the likeliest first."""
    names = [file_name(row, frame)]
    if row.data_type is DataType.IMG_GROUP:
        names.append(unit_of(row, frame).data_title)
    if row.data_type is DataType.VIDEO:
        stem = split_suffix(row.data_title.replace("\\", "/"))[0]
        names += [f"{stem}/frame_{frame:06d}", f"videos/{row.data_hash}/{frame}"]
    return names
