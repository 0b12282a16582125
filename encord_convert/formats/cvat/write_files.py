"""The files of a CVAT export: one for all single images, one for each video, image group and series.

A file is the size of a task in CVAT, since annotations are uploaded to tasks. What stands in it is written beside it,
row by row, and its description, which comes first, when all rows are known.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from encord_convert.formats._files import Target
from encord_convert.formats.cvat.grid import FAMILY, Grid, grid_of
from encord_convert.formats.cvat.head import META, WAS, body, joined, label_steps, labels_of, rendered, values_of
from encord_convert.formats.cvat.layout import Layout
from encord_convert.formats.cvat.meta import Own, OwnRow, OwnUnit
from encord_convert.formats.cvat.trees import Tree
from encord_convert.formats.cvat.write_elements import Elements, Range
from encord_convert.formats.cvat.write_labels import Label, Labels, Question
from encord_convert.formats.cvat.write_templates import Templates
from encord_convert.formats.cvat.write_texts import attribute_text, escaped
from encord_convert.hub.native import Keys
from encord_convert.hub.splits import split_of
from encord_convert.hub.table import Table
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.narrow import Left, LeftTable, Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

NAME = "annotations.xml"

_NONE: Keys = {}


class _Document:
    """One file: its description, and the scratch file where its images and tracks wait."""

    def __init__(self, path: Path, row: LabelRowV2 | None) -> None:
        self.path = path
        self.row = row
        self.grid = Grid(0, 1, 0, 0) if row is None else grid_of(row)
        self.size = 0
        self._ids: set[str] = set()
        self.body: BinaryIO = path.open("wb", buffering=1 << 20)

    def id_of(self, native: Keys) -> str:
        """Return the id of the next image: that of the source, of which subsets may share some, or one that is free."""
        number, id_ = self.size, str(native.get("id", self.size))
        while "id" not in native and id_ in self._ids:
            number += 1
            id_ = str(number)
        self._ids.add(id_)
        return escaped(id_)

    def add_image(self, number: int | str, names: str, size: tuple[int, int], inner: str) -> None:
        """Write an image."""
        # What has no size has no shapes either; an image of one pixel can have its tags.
        width, height = (side or 1 for side in size)
        head = f'  <image id="{number}" {names} width="{width}" height="{height}">'
        self.body.write(f"{head}\n{inner}  </image>\n".encode())
        self.size += 1

    @property
    def is_video(self) -> bool:
        return self.row is not None and self.row.data_type is DataType.VIDEO


class Documents:
    """Writes what is left of the rows of a label set.

    Parameters
    ----------
    narrowed : Narrowed
    target : Target
    options : WriteOptions
    """

    def __init__(self, narrowed: Narrowed, target: Target, options: Any) -> None:
        self._set = narrowed.labels
        self._labels = Labels(self._set.ontology)
        self._target = target
        self._options = options
        self._elements = Elements(self._labels, options.keyframes == "sparse")
        self._templates = Templates(self._elements.template)
        self._images: _Document | None = None
        self._all: list[_Document] = []
        self._layout = Layout(narrowed, target, options)

    def write(self) -> None:
        """Walk the rows and write all files.

        Raises
        ------
        WriteError
            The target is one file, and the rows need several; or a row has more frames than any.
        """
        try:
            self._write_rows()
        finally:
            for document in self._all:
                document.body.close()
        self._close()

    def _write_rows(self) -> None:
        for left, names in self._layout:
            if isinstance(left, LeftTable):
                self._table(self._still_images(), left, names)
            elif left.row.data_type is DataType.IMAGE:
                self._still(self._still_images(), left, names[0])
            else:
                document = self._document(left.row)
                (self._video if document.is_video else self._group)(document, left, names)
                document.body.close()
            del left  # a table of some megabytes goes before the next is made
        if not self._all:
            self._document(None)

    def _table(self, document: _Document, left: LeftTable, given: Mapping[int, str]) -> None:
        """Write many images that are rows of their own."""
        table, elements = left.table, self._templates.elements(left)
        for number, title in enumerate(table.titles):
            span = table.span(number)
            shapes: list[Any] = elements[span.start : span.stop]
            if None in shapes or number in table.classifications:
                shapes = self._filled(table, number, shapes)
            subset = split_of(table.client_metadata.get(number))
            own = {} if table.native is None or table.native.family != FAMILY else table.native.rows.get(number, {})
            names = _names(given[number], title, table.unit_titles.get(number, title), subset, own)
            document.add_image(document.id_of(own), names, table.sizes[number], "".join(shapes))

    def _filled(self, table: Table, number: int, shapes: list[Any]) -> list[str]:
        """Return what is on an image: its shapes, of which None are to be written by themselves, and its tags."""
        row = table.empty_row(number)
        row._native = table.native_of(number)
        inner = [
            self._elements.shape(row, 0, table.object(place), {}) if shape is None else shape
            for place, shape in zip(table.span(number), shapes, strict=True)
        ]
        return [*inner, *self._elements.tags(row, 0, table.classifications.get(number, ()), {})]

    def _still_images(self) -> _Document:
        """Return the file of images that are rows of their own."""
        self._images = self._images or self._document(None)
        return self._images

    def _document(self, row: LabelRowV2 | None) -> _Document:
        path = self._target.scratch("scratch").with_name(f"scratch-{len(self._all)}")
        self._all.append(_Document(path, row))
        return self._all[-1]

    def _close(self) -> None:
        for number, document in enumerate(self._all, 1):
            with self._target.open(self._name(document, number)) as stream:
                stream.write(self._head(document).encode())
                with document.path.open("rb") as body:
                    shutil.copyfileobj(body, stream, 1 << 20)
                stream.write(b"</annotations>\n")
            document.path.unlink()

    def _name(self, document: _Document, number: int) -> str:
        if len(self._all) == 1 or document.row is None:
            return NAME
        title = re.sub(r"[^\w.-]+", "_", document.row.data_title.rpartition("/")[2])[:80]
        return f"{number:06d}-{title}.xml"

    # --- rows -------------------------------------------------------------------------------------------------------

    def _still(self, document: _Document, left: Left, name: str) -> None:
        """Write an image that is a row of its own."""
        row = left.row
        own = row._native.row if row._native is not None and row._native.family == FAMILY else {}
        names = _names(name, row.data_title, row._units[0].data_title, split_of(row.client_metadata), own)
        inner = self._inner(row, 0, left.on_frames().get(0, ()), {})
        document.add_image(document.id_of(own), names, frame_size(row, 0), inner)

    def _image(
        self,
        document: _Document,
        row: LabelRowV2,
        frame: int,
        name: str,
        objects: Iterable[Any],
        tracks: dict[str, int],
    ) -> None:
        """Write a frame as an image of this name, with objects that are on it and its classifications."""
        own = row._native.frames.get(frame, {}) if row._native is not None and row._native.family == FAMILY else {}
        names = _names(name, self._layout.title(row, frame), native=own)
        document.add_image(frame, names, frame_size(row, frame), self._inner(row, frame, objects, tracks))

    def _inner(self, row: LabelRowV2, frame: int, objects: Iterable[Any], tracks: dict[str, int]) -> str:
        """Return what is on an image."""
        shapes = [self._elements.shape(row, frame, one, tracks) for one in objects]
        tags = [one for one in row._classifications.values() if frame in one._frames]
        return "".join([*shapes, *self._elements.tags(row, frame, tags, tracks)])

    def _group(self, document: _Document, left: Left, names: Mapping[int, str]) -> None:
        """Write an image group or series, each frame an image."""
        tracks, on_frames = _tracks(left.row), left.on_frames()
        for frame, name in names.items():
            self._image(document, left.row, frame, name, on_frames.get(frame, ()), tracks)

    def _video(self, document: _Document, left: Left, names: Mapping[int, str]) -> None:
        """Write a video: frames that are classified as images with tags alone, then a track for each object."""
        row, tracks = left.row, _tracks(left.row)
        for frame, name in names.items():
            self._image(document, row, frame, name, (), tracks)
        # What another object stands for in the source, a point of several, has a number behind all others.
        number, further = 0, sum(not _is_further(one) for one in row._objects.values())
        for instance, frames in left.objects():
            if not frames:
                continue
            is_further = _is_further(instance)
            text = self._elements.track(row, instance, frames, further if is_further else number, document.grid)
            document.body.write(text.encode())
            number += not is_further
            further += is_further

    # --- descriptions -----------------------------------------------------------------------------------------------

    def _head(self, document: _Document) -> str:
        row = document.row
        size = document.size if row is None else row.number_of_frames
        grid = document.grid if document.is_video else Grid(0, 1, max(0, size - 1), size)
        name = row.data_title if row is not None else self._set.title
        subset = split_of(row.client_metadata) if row is not None else ""
        video = None if row is None or not document.is_video else (*frame_size(row, 0), row.data_title)
        said = self._said()
        kind = next(iter(said.get(WAS, ())), "task")
        labels = {step: value for label in self._labels.all for step, value in self._label(label)}
        tree = body(kind, name, grid, subset, labels, video)
        if said:
            now = body(kind, name, grid, subset, labels_of(self._labels), video)
            tree = joined(tree, now, said[META], said[WAS])
        tree = {**tree, "dumped": tree.get("dumped", "")}
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
            f"  <meta>\n{rendered(tree, '    ')}{self._hint(row)}  </meta>\n"
        )

    def _said(self) -> dict[str, Any]:
        """Return what the one file says that the set was read from, if it becomes one file again."""
        return self._set.native.get(FAMILY, {}) if self._layout.is_one_again else {}

    def _hint(self, row: LabelRowV2 | None) -> str:
        """Return what lets this package read the file back into the ontology and row it was written from."""
        own = Own(self._set.title, None if row is None else _own_row(row))
        parts = {"ontology": self._set.ontology.to_dict(), "row": own}
        texts = [
            f"      <{name}>{escaped(msgspec.json.encode(one).decode())}</{name}>\n" for name, one in parts.items()
        ]
        return f"    <encord>\n{''.join(texts)}    </encord>\n"

    def _label(self, label: Label) -> Iterator[tuple[str, Tree]]:
        elements = self._elements
        if label.is_spare and label not in elements.spare:
            return
        more = [elements.explicit[label]] if label in elements.explicit else []
        for step, tree in label_steps(label, more, self._values):
            for attribute in tree["attributes"].values():
                if attribute["input_type"] == "select":
                    attribute["input_type"] = self._options.choices
            yield step, tree

    def _values(self, question: Question) -> tuple[str, str]:
        """Return default and values of an attribute, which are what CVAT's editor offers."""
        if question.input_type != "number":
            return values_of(question)
        range_ = self._elements.ranges.get(question, Range(0, 0))
        limits = [_short(range_.least), _short(range_.greatest), _short(10.0**-range_.decimals)]
        return limits[0], "\n".join(limits)


def _is_further(instance: Any) -> bool:
    """Tell an object that stands for nothing of the source, but for a part of what another stands for."""
    return instance._origin is not None and instance._origin.weights == {}


def _names(name: str, title: str, unit: str = "", subset: str = "", native: Keys = _NONE) -> str:
    """Return the XML attributes that name an image; one that is not called as it should be says that too."""
    own = {"title": "" if name == title else title, "unit": "" if unit == title else unit, "subset": subset}
    more = [f' {key}="{escaped(text)}"' for key, text in own.items() if text]
    more += [attribute_text(key, text, at) for at, (key, text) in enumerate(native.items()) if key != "id"]
    return f'name="{escaped(name)}"' + "".join(more)


def _short(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:.9f}".rstrip("0")


def _tracks(row: LabelRowV2) -> dict[str, int]:
    """Number what is on several frames."""
    several = [
        *(one.object_hash for one in row._objects.values() if len(one._frames) > 1),
        *(one.classification_hash for one in row._classifications.values() if len(one._frames) > 1),
    ]
    return {hash_: number for number, hash_ in enumerate(several)}


def _own_row(row: LabelRowV2) -> OwnRow:
    units = [OwnUnit(unit.data_title, unit.data_type, unit.width or 0, unit.height or 0) for unit in row._units]
    return OwnRow(row.data_type.value, row.data_title, row.number_of_frames, units, split_of(row.client_metadata))
