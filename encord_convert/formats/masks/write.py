"""Images of masks and the rows beside them, written: by one process, or a part of the rows by each of several.

The page of the formats is :mod:`encord_convert.formats.masks.page`.
"""

from __future__ import annotations

import re
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from encord_convert.errors import WriteError
from encord_convert.formats._api import NoOptions
from encord_convert.formats._files import Target, source_at
from encord_convert.formats._paths import Paths
from encord_convert.formats.masks import rows
from encord_convert.formats.masks.names import image_path, safe_path
from encord_convert.geometry import png
from encord_convert.geometry.paintings import BoxRuns, FlatImage
from encord_convert.geometry.rle import current_pixel_limit, pixel_limit
from encord_convert.hub.labelset import from_spec
from encord_convert.hub.loss import Carries
from encord_convert.hub.rasterize import Layer
from encord_convert.hub.visibility import unit_size
from encord_convert.losses.narrow import Left, Narrowed
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance
from encord_convert.workers import Pool, current_pool, pool

if TYPE_CHECKING:
    from concurrent.futures import Future

_FOLDER = "masks/"
_MOST_OBJECTS = 65_535
_MOST_INDICES = 254
"""Classes that fit a palette: 0 is nothing, and 255 is void elsewhere."""


class _Images:
    """Writes images, which other processes encode where a conversion has several; each ends as it would without."""

    def __init__(self, target: Target, pool: Pool | None) -> None:
        self.paths = Paths()
        self._target = target
        self._pool = pool
        self._waiting: deque[tuple[str, Future[bytes]]] = deque()

    def write(self, name: str, image: FlatImage, palette: Sequence[png.Colour] = ()) -> None:
        """Write an image."""
        pool = self._pool
        if pool is None or image.height * image.width < _LEAST_SHARED:
            self._put(name, png.encoded_flat(image, palette))
            return
        self._waiting.append((name, pool.start(png.encoded_flat, image, palette)))
        if len(self._waiting) > 2 * pool.size:
            self._take()

    def end(self) -> None:
        """Write what other processes still have."""
        while self._waiting:
            self._take()

    def _take(self) -> None:
        name, image = self._waiting.popleft()
        self._put(name, image.result())

    def _put(self, name: str, data: bytes) -> None:
        with self._target.open(name) as stream:
            stream.write(data)


_LEAST_SHARED = 1 << 16
"""How many pixels an image has that is worth sending to another process."""


class _Files(_Images):
    """Writes images of single objects."""

    def __init__(self, target: Target, pool: Pool | None) -> None:
        super().__init__(target, pool)
        self._row: LabelRowV2 | None = None
        self._frames: dict[int, tuple[str, int]] = {}

    def mask(self, row: LabelRowV2, frame: int, instance: ObjectInstance, box_runs: BoxRuns) -> dict[str, Any]:
        width, height = unit_size(row, frame)
        if row is not self._row:
            self._row, self._frames = row, {}
        folder, number = self._frames.get(frame) or (self.paths.folder(image_path(row, frame)), 0)
        self._frames[frame] = folder, number + 1
        name = f"{_FOLDER}{folder}/{number:03d}_{safe_path(instance.object_name).replace('/', '%2F')}.png"
        self.write(name, FlatImage.of_mask(box_runs, height, width))
        return {"file": name}

    def layer(self, row: LabelRowV2, frame: int, layer: Layer, values: Sequence[int]) -> str:
        raise AssertionError("objects have an image each")

    def empty(self, row: LabelRowV2) -> None:
        """There is nothing to show."""


class _Layers(_Images):
    """Writes one image per frame."""

    def __init__(self, target: Target, pool: Pool | None, kind: type, palette: list[png.Colour]) -> None:
        super().__init__(target, pool)
        self._kind = kind
        self._palette = palette

    def mask(self, row: LabelRowV2, frame: int, instance: ObjectInstance, box_runs: BoxRuns) -> dict[str, Any]:
        raise AssertionError("objects have an image in common")

    def layer(self, row: LabelRowV2, frame: int, layer: Layer, values: Sequence[int]) -> str:
        name = f"{_FOLDER}{self.paths.file(image_path(row, frame), '.png')}.png"
        self.write(name, layer.image(values, self._kind), self._palette)
        return name

    def empty(self, row: LabelRowV2) -> None:
        """Its layer has been written."""


def walk_instance(narrowed: Narrowed, target: Target, options: NoOptions) -> Iterator[Left]:
    """Yield what is left of each row.

    Raises
    ------
    WriteError
        A frame has more than 65,535 objects.
    """
    for left in narrowed:
        for frame, layer in left.layers.items():
            if len(layer.values) > _MOST_OBJECTS:
                fact = f"has {len(layer.values)} objects; 16 bits tell {_MOST_OBJECTS} apart."
                raise WriteError(f"{left.row.data_title}, frame {frame}: {fact}")
        yield left


def walk_index(narrowed: Narrowed, target: Target, options: NoOptions) -> Iterator[Left]:
    """Yield what is left of each row.

    Raises
    ------
    WriteError
        There are more than 65,535 classes.
    """
    classes = rows.class_rows(narrowed)
    if len(classes) > _MOST_OBJECTS:
        raise WriteError(f"{target.name}: has {len(classes)} classes; 16 bits tell {_MOST_OBJECTS} apart.")
    yield from narrowed


def write(name: str, narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write the format of a name."""
    write_parts(name, [narrowed], target, options)


def write_parts(name: str, parts: Sequence[Narrowed], target: Target, options: NoOptions) -> None:
    """Write the format of a name, of the rows of all parts one after the other, with a process for each.

    A part that another process can open says how: ``labels.spec`` is the address of a function, ``module:name``, and
    what to call it with.
    """
    are_shared = len(parts) > 1 and all(part.labels.spec is not None for part in parts)
    if not are_shared or not _write_at_once(name, parts, target):
        _write_rows(name, parts, target, current_pool())
    narrowed = parts[0]
    values = _values(narrowed) if name == "masks-index" else {}
    listed = [
        {
            **({"value": values[item.name]} if values else {}),
            "name": item.name,
            "color": item.color,
            "featureNodeHash": item.feature_node_hash,
        }
        for item in rows.class_rows(narrowed)
    ]
    rows.write_classes(target, name, narrowed, classes=listed)


def _write_rows(name: str, parts: Sequence[Narrowed], target: Target, pool: Pool | None) -> Paths:
    """Write the rows of parts with their images; return the paths these have."""
    values: dict[str, int] | None = None
    sink: _Files | _Layers
    walked: list[Any] = [*parts]
    if name == "masks":
        sink = _Files(target, pool)
    elif name == "masks-instance":
        sink = _Layers(target, pool, np.uint16, [])
        walked = [walk_instance(part, target, NoOptions()) for part in parts]
    else:
        values, classes = _values(parts[0]), rows.class_rows(parts[0])
        is_small = len(classes) <= _MOST_INDICES
        palette = [(0, 0, 0), *(_colour(item.color) for item in classes)] if is_small else []
        sink = _Layers(target, pool, np.uint8 if is_small else np.uint16, palette)
        walked = [walk_index(part, target, NoOptions()) for part in parts]
    rows.write_rows(parts[0], chain.from_iterable(walked), target, sink, values)
    sink.end()
    return sink.paths


def _values(narrowed: Narrowed) -> dict[str, int]:
    """Return the value of each class, by its name."""
    return {item.name: value for value, item in enumerate(rows.class_rows(narrowed), 1)}


def _colour(text: str) -> png.Colour:
    found = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text)
    return (int(found[1], 16), int(found[2], 16), int(found[3], 16)) if found else (255, 255, 255)


# --- with several processes -----------------------------------------------------------------------------------------


class _Part(msgspec.Struct):
    """What one process has written: its files, with the paths it gave them, and what was told of its rows."""

    names: list[str]
    paths: Paths
    account: Any


class _PartTarget(Target):
    """The folder of a target, for one of several processes; the rows go into a file of its own."""

    def __init__(self, name: str, folder: Path, number: int) -> None:
        super().__init__(folder)
        self.name = name
        self._staging = folder
        self._number = number

    def scratch(self, name: str) -> Path:
        """Return where a file is written."""
        return super().scratch(_rows_of(self._number) if name == rows.ROWS else name)


def _rows_of(number: int) -> str:
    return f"scratch-rows-{number}"


def _write_at_once(name: str, narrowed: Sequence[Narrowed], target: Target) -> bool:
    """Write with a process for each part, this one included; tell whether each path is as one process gives it."""
    folder = target.scratch("scratch").parent
    first, place = narrowed[0], narrowed[0].labels.source
    with pool(len(narrowed)) as processes:
        others = [
            processes.start(
                _opened_part,
                *(name, one.labels.spec, None if place is None else place.name, target.name),
                *(folder, number, one.carries, current_pixel_limit()),
            )
            for number, one in enumerate(narrowed[1:], 1)
        ]
        parts = [_part(name, first, _PartTarget(target.name, folder, 0)), *(other.result() for other in others)]
    if Paths.meet([part.paths for part in parts]):
        return False
    for one, part in zip(narrowed, parts, strict=True):
        one.account = part.account
        target.take(path for path in part.names if path != rows.ROWS)
    with target.open(rows.ROWS) as stream:
        for number in range(len(parts)):
            with target.scratch(_rows_of(number)).open("rb") as some:
                shutil.copyfileobj(some, stream, 1 << 20)
    return True


def _opened_part(
    name: str, spec: Any, place: str | None, target: str, folder: Path, number: int, carries: Carries, limit: int
) -> _Part:
    """Write the part of a shard spec: in another process."""
    with pixel_limit(limit):
        shard = from_spec(spec)
        shard.source = source_at(place) if place is not None and Path(place).exists() else None
        return _part(name, Narrowed(shard, None, carries), _PartTarget(target, folder, number))


def _part(name: str, narrowed: Narrowed, target: _PartTarget) -> _Part:
    paths = _write_rows(name, [narrowed], target, None)
    return _Part(target.written(), paths, narrowed.account)
