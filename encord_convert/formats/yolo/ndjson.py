"""Ultralytics NDJSON: a whole data set in one file, a line for the set and then one per image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats._keypoints import Poses
from encord_convert.formats._sizes import MOST_PX
from encord_convert.formats.yolo.data_yaml import Description, names_in, take_keypoints, task_in
from encord_convert.formats.yolo.rows import Page, page_of_rows
from encord_convert.formats.yolo.write_rows import flips_of_all, point_names

_ROWS_OF = {"detect": "boxes", "segment": "segments", "obb": "obb", "pose": "pose"}
_KNOWN = frozenset({"type", "task", "name", "class_names", "kpt_shape", "kpt_names", "flip_idx"})
_OF_IMAGE = frozenset({"type", "file", "split", "width", "height", "title", "annotations"})
"""``title`` is ours."""

_MOST_CLASSES = 100_000
_LONGEST_LINE = 64 << 20

_decoder = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode


def head(task: str, title: str, names: list[str], poses: Poses | None) -> bytes:
    """Return the line of the data set."""
    members: dict[str, Any] = {"type": "dataset", "task": task, "name": title}
    members["class_names"] = {str(number): name for number, name in enumerate(names)}
    if poses is not None and poses.most:
        members["kpt_shape"] = [poses.most, 3]
        flips = flips_of_all(poses)
        if flips is not None:
            members["flip_idx"] = flips
        members["kpt_names"] = {str(number): point_names(poses, name) for number, name in enumerate(names)}
    return _encode(members) + b"\n"


class Named(Protocol):
    """An image that is written; ``title`` is empty if it equals the name."""

    @property
    def name(self) -> str:
        """Path below the folder of the split."""

    @property
    def split(self) -> str:
        """Key of ``data.yaml``."""

    @property
    def title(self) -> str:
        """Title of the row, if not ``name``."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""


def line(task: str, image: Named, rows: bytes) -> bytes:
    """Return the line of an image; ``rows`` is the text of its label file."""
    listed = ",".join(f"[{','.join(row.split())}]" for row in rows.decode("ascii").splitlines())
    members: dict[str, Any] = {"type": "image", "file": image.name, "split": image.split}
    members |= {"width": image.width, "height": image.height, **({"title": image.title} if image.title else {})}
    annotations = f',"annotations":{{"{_ROWS_OF[task]}":[{listed}]}}}}\n' if listed else ',"annotations":{}}\n'
    return _encode(members)[:-1] + annotations.encode("ascii")


class Lines:
    """Images that are lines of a file.

    Raises
    ------
    ReadError
        A line is not JSON, or does not describe an image.
    """

    def __init__(self, source: Source, member: str) -> None:
        self.titles: list[str] = []
        self.splits: list[str] = []
        self.sizes: list[tuple[int, int]] = []
        self.description = Description(source.place(member))
        self.lost: dict[str, int] = {}
        self._source = source
        self._member = member
        self._offsets: list[int] = []
        at = 0
        for number, line in enumerate(self._lines(), 1):
            entry = self._entry(line, number)
            if number == 1:
                self._describe(entry)
            elif line.strip():
                self._add(entry, number, at)
            at += len(line)
        for key, count in self.lost.items():
            self.description.note("KEYS_NOT_READ", f"Keys of images that are not read: {key} ({count}).")

    def _lines(self) -> Iterator[bytes]:
        with self._source.open(self._member) as stream:
            while line := stream.readline(_LONGEST_LINE + 1):
                if len(line) > _LONGEST_LINE:
                    raise ReadError(self.description.place, f"has a line of more than {_LONGEST_LINE >> 20} MB.")
                yield line

    def _entry(self, line: bytes, number: int) -> dict[str, Any]:
        if not line.strip():
            return {}
        try:
            entry = _decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ReadError(
                f"{self.description.place}:{number}", f"is not JSON ({error}).", advice="Was it cut short?"
            ) from error
        if not isinstance(entry, dict):
            raise ReadError(f"{self.description.place}:{number}", "is not a JSON object.")
        return entry

    def _describe(self, entry: dict[str, Any]) -> None:
        description = self.description
        description.task = task_in(entry.get("task"), description)
        description.names = names_in(entry.get("class_names"), self._source, description)
        shape = entry.get("kpt_shape")
        texts = {"kpt_shape": [str(item) for item in shape] if isinstance(shape, list) else shape}
        flips = entry.get("flip_idx")
        texts["flip_idx"] = [str(flip) for flip in flips] if isinstance(flips, list) else flips
        take_keypoints({**texts, "kpt_names": entry.get("kpt_names")}, description)
        description.others = {key: value for key, value in entry.items() if key not in _KNOWN}

    def _add(self, entry: dict[str, Any], number: int, offset: int) -> None:
        name, width, height = entry.get("file"), entry.get("width"), entry.get("height")
        if entry.get("type") != "image" or not isinstance(name, str):
            raise ReadError(
                f"{self.description.place}:{number}", "is not an image: it has no 'file' of the type 'image'."
            )
        split = entry.get("split")
        title = entry.get("title")
        self.titles.append(title if isinstance(title, str) else name)
        self.splits.append(split if isinstance(split, str) else "")
        is_sized = all(type(side) is int and 0 < side <= MOST_PX for side in (width, height))
        self.sizes.append((width, height) if is_sized else (0, 0))  # type: ignore[arg-type]
        self._offsets.append(offset)
        for key in entry.keys() - _OF_IMAGE:
            self.lost[key] = self.lost.get(key, 0) + 1

    def page(self, images: range) -> Page:
        """Return the rows of some images."""
        return page_of_rows([list(_rows_in(said)) for said in self._annotations(images)])

    def classes(self, images: range) -> list[int]:
        """Return the class number of each image, -1 for none."""
        found = []
        for said in self._annotations(images):
            values = said.get("classification") if isinstance(said, dict) else None
            first = values[0] if isinstance(values, list) and values else values
            found.append(first if type(first) is int and 0 <= first < _MOST_CLASSES else -1)
        return found

    def _annotations(self, images: range) -> list[Any]:
        with self._source.open(self._member) as stream:
            _skip(stream, self._offsets[images.start])
            found: list[Any] = []
            while len(found) < len(images) and (line := stream.readline()):
                if line.strip():
                    found.append(_decoder.decode(line).get("annotations"))
        return found

    def place(self, image: int) -> str:
        """Return the file."""
        return self.description.place

    def member(self, image: int) -> str:
        """Return the file."""
        return self._member

    def name(self, image: int) -> str:
        """Return the title of an image."""
        return self.titles[image]

    def key(self, image: int) -> tuple[str, ...]:
        """Return split, title and number of an image."""
        return (self.splits[image], self.titles[image], str(image))


def _skip(stream: Any, count: int) -> None:
    if stream.seekable():
        stream.seek(count)
        return
    while count > 0 and (data := stream.read(min(count, 1 << 20))):
        count -= len(data)


def _rows_in(annotations: Any) -> Iterator[list[float]]:
    """Yield the rows under every key of the annotations of an image."""
    for rows in annotations.values() if isinstance(annotations, dict) else ():
        for row in rows if isinstance(rows, list) else (rows,):
            yield row if isinstance(row, list) else []
