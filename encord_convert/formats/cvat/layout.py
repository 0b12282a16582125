"""Which file of a CVAT export a row goes to, and what its images are called there.

Single images share a file; each video, image group and series has one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from encord_convert.errors import WriteError
from encord_convert.formats._files import Target
from encord_convert.formats.cvat.grid import FAMILY, Grid, grid_of, takes_all
from encord_convert.formats.cvat.head import META
from encord_convert.hub.class_names import first_free
from encord_convert.hub.loss import Level, Where
from encord_convert.hub.native import NOTES
from encord_convert.hub.splits import split_of
from encord_convert.hub.table import Table
from encord_convert.hub.visibility import frame_size, slice_name, unit_of
from encord_convert.losses.narrow import Left, LeftTable, Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

_MOST_FRAMES = 10_000_000
"""Images of a group or series. A row of a few bytes can name any number."""


class Layout:
    """Gives the images that rows become their names, and says what is worth noting of where they go.

    Parameters
    ----------
    narrowed : Narrowed
    target : Target
    options : WriteOptions

    Attributes
    ----------
    count : int
        Files so far.
    """

    def __init__(self, narrowed: Narrowed, target: Target, options: Any) -> None:
        self.count = 0
        self._narrowed = narrowed
        self._set = narrowed.labels
        self._target = target
        self._by_uid = options.slices == "uid"
        self._say = narrowed.note
        self._stills: set[int] | None = None
        self._renamed = self._unsized = 0

    @property
    def is_one_again(self) -> bool:
        """Whether the one file that the set was read from becomes one file again."""
        return META in self._set.native.get(FAMILY, {}) and self.count <= 1

    def __iter__(self) -> Iterator[tuple[Left | LeftTable, Mapping[int, str]]]:
        """Yield what is left of each row, or of a table of rows, and by frame or number of the row the names of images.

        Raises
        ------
        WriteError
            The target is one file, and the rows need several; or a row has more frames than any.
        """
        for left in self._narrowed.tables():
            yield left, self._of_table(left.table) if isinstance(left, LeftTable) else self._of_row(left.row)
            del left  # a table of some megabytes goes before the next is made
        self._close()

    def _of_table(self, table: Table) -> dict[int, str]:
        names = {}
        for number, title in enumerate(table.titles):
            subset = split_of(table.client_metadata.get(number))
            wanted = self._file_name(table.empty_row(number)) if subset else title
            names[number] = self._still(wanted, subset, table.sizes[number])
        return names

    def _still(self, wanted: str, subset: str, size: tuple[int, int]) -> str:
        """Return the name of an image that is a row; ``size`` is in pixels, 0 where it is not known."""
        self._unsized += not all(size)
        if self._stills is None:
            self._open()
            self._stills = set()
        return self._named(self._stills, wanted, subset)

    def _of_row(self, row: LabelRowV2) -> dict[int, str]:
        """Return by frame the name of each image that a row becomes; a video has images where it has tags."""
        if row.data_type is DataType.IMAGE:
            return {0: self._still(self._file_name(row), split_of(row.client_metadata), frame_size(row, 0))}
        self._open()
        if row.data_type is DataType.VIDEO:
            frames = _tagged(row)
            self._note_video(row, bool(frames))
        else:
            frames = _tagged(row) | {frame for one in row._objects.values() for frame in one._frames}
            frames |= set(range(_frame_count(row)))
        own = row._native.frames if row._native is not None and row._native.family == FAMILY else {}
        if numbered := sum("id" in own.get(frame, ()) for frame in frames):
            detail = "Images of one row are numbered by their frames; their 'id' is not written."
            self._say(Level.INFO, "NATIVE_DROPPED", detail, count=numbered)
        self._unsized += sum(not all(frame_size(row, frame)) for frame in frames)
        given: set[int] = set()
        return {frame: self._named(given, self.title(row, frame)) for frame in sorted(frames)}

    def title(self, row: LabelRowV2, frame: int) -> str:
        """Return what the image that a frame is should be called."""
        if row.data_type is DataType.IMAGE:
            return row.data_title
        if row.data_type is DataType.IMG_GROUP:
            return unit_of(row, frame).data_title
        if row.data_type is DataType.VIDEO:
            return f"frame_{frame:06d}"
        return f"{row.data_title}/{slice_name(row, frame) if self._by_uid else f'{frame:06d}'}"

    def _file_name(self, row: LabelRowV2) -> str:
        """Return what the one file that the set was read from calls an image, if its row is not called otherwise."""
        title, file = row.data_title, row._file
        is_known = META in self._set.native.get(FAMILY, {}) and file is not None
        return file.name if is_known and file is not None and file.name and title.endswith(file.name) else title

    def _close(self) -> None:
        """Say how many names were taken, and what is not written of the description of the files that were read."""
        for _ in range(self._renamed):
            self._say(Level.WARNING, "NAME_CLASH", "Two images have the same name; the second gets a number.")
        if self._unsized:
            detail = "Images without a size are written as 1 × 1 pixels."
            self._say(Level.WARNING, "SIZE_UNKNOWN", detail, count=self._unsized)
        for level, code, detail, element, count in self._set.native.get(FAMILY, {}).get(NOTES, ()):
            if not self.is_one_again:
                self._say(Level(level), code, detail, Where(element=element), count)

    def _open(self) -> None:
        if self._target.is_file and self.count:
            raise WriteError(
                f"{self._target.path}: holds one CVAT task, and there are several: images are one, and each video, "
                "group and series is one. Name a folder."
            )
        self.count += 1

    def _named(self, given: set[int], wanted: str, subset: str = "") -> str:
        """Return a name for an image that no other of the file has; 64 bits of each are remembered."""
        stem, dot, suffix = wanted.rpartition(".")
        if not stem or "/" in suffix:
            stem, dot, suffix = wanted, "", ""

        def code(name: str) -> int:
            return _code(f"{subset}\0{name}")

        name = wanted
        if code(wanted) in given:
            number = first_free(lambda number: code(f"{stem}_{number}{dot}{suffix}") in given, 1)
            name = f"{stem}_{number}{dot}{suffix}"
            self._renamed += 1
        given.add(code(name))
        return name

    def _note_video(self, row: LabelRowV2, has_tags: bool) -> None:
        if has_tags:
            detail = (
                "Labels of frames of a video are tags of images before the tracks: this package reads them back, and "
                "CVAT for video alone has no place for them."
            )
            self._say(Level.WARNING, "TAGS_BEFORE_TRACKS", detail)
        grid: Grid = grid_of(row)
        if grid.start == 0 and grid.step == 1 and not takes_all(row):
            detail = (
                "Labels stand on frames that the task of their video leaves out; it is written as one of all frames."
            )
            self._say(Level.WARNING, "FRAME_STEP", detail)


def _tagged(row: LabelRowV2) -> set[int]:
    return {frame for one in row._classifications.values() for frame in one._frames}


def _frame_count(row: LabelRowV2) -> int:
    """Return how many images a group or series has."""
    count = len(row._units) if row.data_type is DataType.IMG_GROUP else row.number_of_frames
    if count > _MOST_FRAMES:
        raise WriteError(
            f"{row.data_title}: says it has {count} frames; at most {_MOST_FRAMES} of a row can be listed. "
            "Is that number right?"
        )
    return count


def _code(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
