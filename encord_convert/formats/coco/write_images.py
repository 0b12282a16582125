"""Images and videos of a COCO file: which frames are listed, and under which names.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from encord_convert.errors import WriteError
from encord_convert.formats.coco.images import plain_name
from encord_convert.hub.class_names import first_free
from encord_convert.hub.loss import Level
from encord_convert.hub.media import SUFFIXES, LabelFile
from encord_convert.hub.visibility import slice_name, unit_of
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

Say = Callable[[Level, str, str], None]
"""``Report.note``."""


class Image(msgspec.Struct, kw_only=True):
    """One entry of ``images``; sizes in pixels, frames from 0. The members are written in this order."""

    id: int | UnsetType
    width: int
    height: int
    file_name: str
    video_id: int | UnsetType = UNSET
    frame_id: int | UnsetType = UNSET
    split: str | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    encord: dict[str, Any]


_MOST_FRAMES = 10_000_000
"""Four days of video. A row of a few bytes can name any number."""


def frames_of(row: LabelRowV2, labelled: Iterable[int], *, everything: bool) -> list[int]:
    """Return the frames of a row that are listed, ascending.

    A still image always is: without labels it is a negative example. So is a frame of a video whose image the source
    has. Of other videos, an image group or a DICOM series those with labels are, or all on request. A group or series
    without any label is listed whole, so that it is not forgotten; a video has its entry under ``videos``.

    Raises
    ------
    WriteError
        The row says it has more frames than any medium, and all of them are to be listed.
    """
    frames = set(labelled)
    data_type = row.data_type
    if data_type is DataType.IMAGE:
        frames.add(0)
    elif data_type is DataType.VIDEO and row._file is not None and not everything:
        frames.update(frame for frame in row._file.frames if 0 <= frame < row.number_of_frames)
    elif everything or not (frames or data_type is DataType.VIDEO):
        count = len(row._units) if data_type is DataType.IMG_GROUP else row.number_of_frames
        if count > _MOST_FRAMES:
            raise WriteError(
                f"{row.data_title}: says it has {count} frames; at most {_MOST_FRAMES} of a row can be listed. "
                "Is that number right?"
            )
        frames.update(range(count))
    return sorted(frames)


class RowFolders:
    """Gives frames names, and the frames of each row a folder that no other row of that name has."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def name(self, row: LabelRowV2, frame: int) -> str:
        """Return the name of the file of a frame; in the folder ``clip (2)`` if another row has ``clip``."""
        name = file_name(row, frame)
        if row.data_type is DataType.IMAGE or own_name(row, frame):
            return name
        folder, _, last = name.rpartition("/")
        number, own = 1, folder
        while self._owners.setdefault(own.casefold(), row.data_hash) != row.data_hash:
            number += 1
            own = f"{folder} ({number})"
        return f"{own}/{last}"

    def codes(self) -> list[int]:
        """Return 64 bits of each folder given."""
        return [name_code(f"{folder}/") for folder in self._owners]


class Names:
    """Gives each frame a file name that no other has.

    It remembers 64 bits of each name and not the name, so that a million of them take little memory; those that are
    given many at a time take 8 bytes each.
    """

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._packed: list[NDArray[np.uint64]] = []  # each sorted, and more than half as long as the one before
        self._clashes = 0
        self._folders = RowFolders()

    def of(
        self, row: LabelRowV2, frame: int, suffix: Callable[[str], str] = lambda _: "", own: str | None = None
    ) -> str:
        """Return a name for the file of a frame.

        Parameters
        ----------
        suffix : callable
            From a name to the ending it lacks. That of a frame of a video is not known before.
        own : str, optional
            What a COCO source calls the file.
        """
        if own:
            return self.unique(own)
        name = self._folders.name(row, frame)
        if row.data_type is DataType.VIDEO and not own_name(row, frame):
            stem = split_suffix(name)[0]
            return self.unique(stem + (suffix(stem) or ".jpg"))
        return self.unique(name + suffix(name))

    def unique(self, name: str) -> str:
        """Return ``name``, or with `` (2)``, `` (3)``, … behind its stem the first that is not taken."""
        code = name_code(name)
        if not self._is_taken(code):
            self._taken.add(code)
            return name
        stem, suffix = split_suffix(name)
        number = first_free(lambda number: self._is_taken(name_code(f"{stem} ({number}){suffix}")))
        code = name_code(f"{stem} ({number}){suffix}")
        self._taken.add(code)
        self._clashes += 1
        return f"{stem} ({number}){suffix}"

    def unique_many(self, names: list[str]) -> list[str]:
        """Return what :meth:`unique` does for each of many names."""
        codes = np.sort(np.frombuffer(b"".join(map(_digest, names)), "<u8").astype(np.uint64))
        is_new = not np.any(codes[1:] == codes[:-1]) and self._taken.isdisjoint(codes.tolist())
        if not is_new or any(np.isin(codes, packed, assume_unique=True).any() for packed in self._packed):
            return list(map(self.unique, names))
        while self._packed and len(self._packed[-1]) < 2 * len(codes):
            codes = np.sort(np.concatenate([self._packed.pop(), codes]))
        self._packed.append(codes)
        return names

    def _is_taken(self, code: int) -> bool:
        return code in self._taken or any(
            packed[np.searchsorted(packed, np.uint64(code)) % len(packed)] == code for packed in self._packed
        )

    def say_clashes(self, say: Say) -> None:
        """Say how many names were taken, since this was last asked."""
        for _ in range(self._clashes):
            say(Level.WARNING, "NAME_CLASH", "Two images have the same name; the second gets a number.")
        self._clashes = 0

    def codes(self) -> NDArray[np.uint64]:
        """Return 64 bits of each name given, and of each folder that is of one row."""
        taken = np.array([*self._taken, *self._folders.codes()], np.uint64)
        return np.concatenate([*self._packed, taken])


def name_code(name: str) -> int:
    """Return 64 bits that tell a name from others, the same in every process."""
    return int.from_bytes(_digest(name), "little")


def _digest(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def split_suffix(path: str) -> tuple[str, str]:
    """Return a path without the suffix of its last part, and the suffix.

    >>> split_suffix("clips.v2/night.mp4"), split_suffix("clips.v2/night")
    (('clips.v2/night', '.mp4'), ('clips.v2/night', ''))
    """
    folder, slash, last = path.rpartition("/")
    stem, dot, suffix = last.rpartition(".")
    return (folder + slash + stem, dot + suffix) if stem else (path, "")


def own_name(row: LabelRowV2, frame: int) -> str:
    """Return what the source calls the file of a frame of a video; empty if it does not say."""
    file: LabelFile | None = row._file
    name = plain_name(file.frames.get(frame, "")) if file is not None and row.data_type is DataType.VIDEO else ""
    if file is None or split_suffix(name)[1].lower() not in SUFFIXES:
        return ""
    title = row.data_title.replace("\\", "/")
    return (title[: -len(file.name)] if file.name and title.endswith(file.name) else "") + name


def file_name(row: LabelRowV2, frame: int) -> str:
    """Return what the file of a frame is called, ``/`` between folders."""
    if name := own_name(row, frame):
        return name
    title = row.data_title.replace("\\", "/")
    data_type = row.data_type
    if data_type is DataType.IMAGE:
        return title
    if data_type is DataType.IMG_GROUP:
        return f"{title}/{unit_of(row, frame).data_title}".replace("\\", "/")
    if data_type is DataType.DICOM:
        return f"{title}/{slice_name(row, frame)}.dcm"
    first = row._file.first if row._file is not None else 0
    return f"{split_suffix(title)[0]}/{frame + first:06d}.jpg"


def identity(row: LabelRowV2, frame: int, *, is_first: bool) -> dict[str, Any]:
    """Return what ties an image to the hub: the medium, the frame and, where frames belong together, to what.

    The first listed of a row other than a still or a video says what the row is, with title and size of its images.
    """
    members: dict[str, Any] = {"data_hash": unit_of(row, frame).data_hash, "frame": frame}
    if row.data_type not in (DataType.IMAGE, DataType.VIDEO):
        members["data_type"] = row.data_type.value
        members["row_hash"] = row.data_hash
        if is_first:
            units = [[unit.data_title, unit.width or 0, unit.height or 0] for unit in row._units]
            members["row"] = {"title": row.data_title, "frames": row.number_of_frames, "units": units}
    return members
