"""Writes a label set to a folder of label files or one NDJSON file; images stay where they are.

Images of tables without losses are written from columns, others row by row, with the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from encord_convert.formats._files import Target
from encord_convert.formats._keypoints import Poses
from encord_convert.formats._paths import Paths, safe_name
from encord_convert.formats.coco.categories import categories_of
from encord_convert.formats.coco.native import Kept
from encord_convert.formats.coco.write_images import Names, file_name, frames_of, split_suffix
from encord_convert.formats.yolo import ndjson
from encord_convert.formats.yolo.layout import IMAGE_SUFFIXES, SIZES, split_key
from encord_convert.formats.yolo.options import FAMILY, WriteOptions
from encord_convert.formats.yolo.write_rows import RowWriter, Task, data_yaml, flips_of_all
from encord_convert.formats.yolo.write_tables import TableWriter
from encord_convert.geometry import masks, rle
from encord_convert.hub.conversions import has_holes, one_ring_of, polygon_runs
from encord_convert.hub.loss import Level
from encord_convert.hub.splits import NAMES, UNNAMED, split_of, standard
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.narrow import Left, LeftTable, Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.objects.coordinates import PolygonCoordinates

DATA = "data.yaml"
NDJSON = "dataset.ndjson"


@dataclass(frozen=True, slots=True)
class Written:
    """An image that is written.

    ``path`` is the image's path in the target, ``name`` its name in its folder.
    """

    path: str
    label: str
    split: str
    name: str
    width: int
    height: int
    title: str


class _Plan:
    """Set-up before the images: classes, keypoints, and the walk over the images."""

    def __init__(self, task: Task, narrowed: Narrowed, options: WriteOptions) -> None:
        labels, carries = narrowed.labels, narrowed.carries
        categories = categories_of(labels.ontology, carries.shapes | carries.approximates)
        numbers = {(c.name, c.shape): n for n, category in enumerate(categories) for c in category.classes}
        self.names = [category.name for category in categories]
        self.poses = Poses(labels) if Shape.SKELETON in task.shapes else None
        writer = RowWriter(task, numbers, self.poses, with_confidence=options.confidence)
        self.images = _Walk(task, narrowed, writer, TableWriter(task, numbers), options)
        self.native = labels.native.get(FAMILY, {})


def walk(
    task: Task, narrowed: Narrowed, target: Target, options: WriteOptions, plan: _Plan | None = None
) -> Iterator[tuple[Written, bytes]]:
    """Yield each image, and the text of its rows."""
    plan = plan or _Plan(task, narrowed, options)
    yield from plan.images
    if plan.poses is not None and flips_of_all(plan.poses) is None and plan.native.get("flip_idx") is None:
        detail = "Keypoint names do not tell left from right: there is no flip_idx, and no mirroring."
        narrowed.note(Level.INFO, "FLIP_UNKNOWN", detail)


def write(task: Task, narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write a label set as rows of a task."""
    plan = _Plan(task, narrowed, options)
    if target.is_file or options.container == "ndjson":
        with target.open(NDJSON) as stream:
            stream.write(ndjson.head(task.name, narrowed.labels.title, plan.names, plan.poses))
            for image, rows in walk(task, narrowed, target, options, plan):
                stream.write(ndjson.line(task.name, image, rows))
        return
    sizes = io.StringIO()
    table = csv.writer(sizes, lineterminator="\n")
    table.writerow(("image", "width", "height", "title"))
    for image, rows in walk(task, narrowed, target, options, plan):
        with open(target.adopt(image.label), "wb", buffering=0) as stream:
            stream.write(rows)
        table.writerow((image.path, image.width, image.height, image.title))
    with target.open(SIZES) as stream:
        stream.write(sizes.getvalue().encode("utf-8", "surrogatepass"))
    with target.open(DATA) as stream:
        stream.write(data_yaml(plan.images.folders, plan.names, task.name, plan.poses, plan.native))


class _Walk:
    """Assigns a path and rows to each image.

    Attributes
    ----------
    folders : dict of str to list of str
        Image folders by split key of ``data.yaml``.
    """

    def __init__(
        self, task: Task, narrowed: Narrowed, writer: RowWriter, tables: TableWriter, options: WriteOptions
    ) -> None:
        labels = narrowed.labels
        self.folders: dict[str, list[str]] = {}
        self._task = task
        self._narrowed = narrowed
        self._writer = writer
        self._tables = tables
        self._kept = Kept(labels)
        self._options = options
        self._names = Names()
        self._paths = Paths()
        found = labels.splits
        if found is None:
            found = {split for row in labels._unguarded() if (split := split_of(row.client_metadata))}
        self._has_splits = bool(found)
        self._overlaps: list[float] = []
        self._known: dict[str, tuple[str, str]] = {}

    def __iter__(self) -> Iterator[tuple[Written, bytes]]:
        for table in self._narrowed.tables():
            yield from self._of_table(table) if isinstance(table, LeftTable) else self._of_row(table)
            del table
        self._end()

    def _of_table(self, narrowed: LeftTable) -> Iterator[tuple[Written, bytes]]:
        table = narrowed.table
        texts: list[bytes | None] = [None] * len(table)
        if not (self._options.track_ids and table.native is not None and table.native.family == FAMILY):
            texts = self._tables.texts(narrowed)
        names = self._names.unique_many([title.replace("\\", "/") for title in table.titles])
        for number, name in enumerate(names):
            text = texts[number]
            if text is None:
                left = narrowed.image(number)
                text = self._rows(left.row, left.on_frames(), 0)
            split = split_of(table.client_metadata.get(number))
            yield self._image(name, table.titles[number], split, table.sizes[number]), text

    def _of_row(self, left: Left) -> Iterator[tuple[Written, bytes]]:
        row, written = left.row, left.on_frames()
        labelled = {frame for instance in row._objects.values() for frame in instance._frames}
        split = split_of(row.client_metadata)
        for frame in frames_of(row, labelled, everything=False):
            name = self._names.unique(file_name(row, frame))
            title = row.data_title if row.data_type is DataType.IMAGE else name
            yield self._image(name, title, split, frame_size(row, frame)), self._rows(row, written, frame)

    def _rows(self, row: LabelRowV2, written: dict[int, list[Any]], frame: int) -> bytes:
        size = frame_size(row, frame)
        placed = [(item, item._frames[frame].coordinates) for item in written.get(frame, ())]
        native = self._kept.of(row)
        own = row._native if self._options.track_ids and row._native and row._native.family == FAMILY else None

        def own_box(instance: Any) -> tuple[float, float, float, float] | None:
            bbox = None if native is None else native.of(instance.object_hash, frame).get("bbox")
            return _within(bbox, size) if bbox is not None else None

        def track_of(instance: Any) -> int | None:
            return None if own is None else own.of(instance.object_hash, frame).get("track_id")

        rows = self._writer.rows(placed, size, frame, own_box, track_of)
        if self._task.name == "segment":
            self._measure(placed, size)
        return "".join(rows).encode("ascii")

    def _measure(self, placed: Sequence[tuple[Any, Any]], size: tuple[int, int]) -> None:
        """Measure the overlap of polygons with parts or holes and the single ring they become."""
        for _, coordinates in placed:
            if not isinstance(coordinates, PolygonCoordinates) or len(self._overlaps) >= _MOST_MEASURED:
                continue
            if (has_holes(coordinates) or len(coordinates.polygons) > 1) and size[0] * size[1] <= _MOST_PIXELS:
                ring = one_ring_of(coordinates, size, with_holes=True)
                both = masks.column_runs_from_rings([ring], size[1], size[0]), polygon_runs(coordinates, size)
                union, apart = (rle.area_from_runs(of(both, size[0] * size[1])) for of in _OF_BOTH)
                self._overlaps.append((union - apart) / union if union else 1.0)

    def _image(self, name: str, title: str, split: str, size: tuple[int, int]) -> Written:
        folder, key = self._known.get(split) or self._folder(split)
        own = name.removeprefix(f"{split}/") if split else name
        stem, suffix = split_suffix(safe_name(own))
        if suffix.lower() not in IMAGE_SUFFIXES:
            stem, suffix = (stem, ".png") if suffix == ".dcm" else (stem + suffix, ".png")
        path = self._paths.file(folder + stem, suffix, by_stem=True)
        below = path[len(folder) :] + suffix
        said = "" if below == title and "/" not in below else title
        return Written(f"{path}{suffix}", f"labels{path[6:]}.txt", key, below, *size, said)

    def _folder(self, split: str) -> tuple[str, str]:
        """Return the image folder of a split, and its key in ``data.yaml``."""
        word = split or (UNNAMED if self._has_splits else "")
        folder = f"{safe_name(word).replace('/', '_')}/" if word else ""
        key = standard(split) or ("train" if word in ("", UNNAMED) else folder[:-1])
        key = key if key in NAMES else split_key(key)
        self.folders.setdefault(key, []).append(f"images/{folder}".rstrip("/"))
        self._known[split] = f"images/{folder}", key
        return self._known[split]

    def _end(self) -> None:
        """Add the notes known after writing."""
        for _ in range(self._paths.clashes):
            detail = "Two images have the same name; a number is appended to the second."
            self._narrowed.note(Level.WARNING, "NAME_CLASH", detail)
        if self._overlaps:
            mean = sum(self._overlaps) / len(self._overlaps)
            detail = (
                f"Polygons with several parts or holes become one ring, joined by zero-width bridges. They "
                f"overlap (IoU) by {mean:.4f} on average, {min(self._overlaps):.4f} at least."
            )
            self._narrowed.note(Level.INFO, "PARTS_JOINED", detail, count=len(self._overlaps))


_OF_BOTH = (rle.union_of_runs, rle.xor_of_runs)
_MOST_MEASURED = 10_000
_MOST_PIXELS = 1 << 26


def _within(bbox: Sequence[float], size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    left, top, width, height = bbox
    right, bottom = min(left + width, size[0]), min(top + height, size[1])
    box = max(left, 0), max(top, 0), right, bottom
    return box if box[2] > box[0] and box[3] > box[1] else None
