"""A video in columns: objects whose frames are arrays, from which its row is made, or tables of its frames.

An importer that has read whole tracks gives a :class:`Video` among its tables. Whoever walks rows gets the row of it;
an exporter that writes many shapes together takes its frames as :class:`~encord_convert.hub.table.Table`, each image
of which is one frame. What is written is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from encord_convert.hub.counts import Carried, Origin
from encord_convert.hub.extents import Extents
from encord_convert.hub.native import Keys, Native
from encord_convert.hub.table import HASH, Column, Size, Table, Variant
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance, Shape
from encord_convert.sdk.objects._dynamic_answers import DynamicAnswers
from encord_convert.sdk.objects._instance import SharedAnswers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from encord_convert.sdk.objects import Object
    from encord_convert.sdk.objects._frame_info import ObjectFrameInfo

    Ints = NDArray[np.int64]

Answer = tuple[Any, Any]
"""Attribute and value."""

MOST = 4096
"""About how many shapes a table of frames has."""


class Track:
    """An object on many frames; who says something of it may take it for the object itself.

    Parameters
    ----------
    item : Object
        Its class.
    hash_ : str
    origin : Origin
        Without ``weights``, for which a function stands: many tracks are written without them.
    weights : callable
        None: it is a part of what another track stands for, such as a point of several.
    static : list of Answer
    frames : (n,) int
        Ascending.
    coordinates : (n, 4) float or list
        Boxes: left, top, width and height, relative to the image; of other shapes what the hub has.
    angles : (n,) float, optional
        Of rotatable boxes, in degrees.
    states : list of tuple of Answer
        Answers that change, as they are together on some frames.
    state_of : (n,) int or int
        Which of them holds on each frame, or on all.
    infos : list of ObjectFrameInfo
    info_of : (n,) int or int
    """

    def __init__(
        self,
        item: Object,
        hash_: str,
        origin: Origin,
        weights: Callable[[], dict[int, tuple[int, Carried]]] | None,
        static: list[Answer],
        frames: Ints,
        coordinates: Any,
        angles: NDArray[np.float64] | None,
        states: Sequence[tuple[Answer, ...]],
        state_of: Ints | int,
        infos: Sequence[ObjectFrameInfo],
        info_of: Ints | int,
    ) -> None:
        self.item = item
        self.object_hash = hash_
        self._origin = origin
        self.static = static
        self.frames = frames
        self.coordinates = coordinates
        self.angles = angles
        self.states = states
        self.state_of = state_of
        self.infos = infos
        self.info_of = info_of
        self._weights = weights
        if weights is None:
            origin.weights = {}

    @cached_property
    def instance(self) -> ObjectInstance:
        """The object itself, in no row."""
        if self._weights is not None:
            self._origin.weights = self._weights()
        instance = ObjectInstance(self.item, object_hash=self.object_hash)
        instance._origin = self._origin
        for attribute, value in self.static:
            instance._answer(attribute, value)
        shape, places = self.item.shape, self.coordinates
        if not isinstance(places, list):
            more = () if self.angles is None else self.angles.tolist()
            places = Column([], places, more).coordinates(shape)
        infos = map(self.infos.__getitem__, self._spread(self.info_of).tolist())
        for frame, coordinates, info in zip(self.frames.tolist(), places, infos, strict=True):
            instance._place(frame, coordinates, info)
        for attribute, value, start, end in self._runs():
            instance._answer_frames(attribute, value, start, end)
        return instance

    @property
    def is_part(self) -> bool:
        """Whether another track stands for it in the source."""
        return self._weights is None

    def _spread(self, codes: Ints | int) -> Ints:
        return np.full(len(self.frames), codes) if isinstance(codes, int) else codes

    def _runs(self) -> Iterator[tuple[Any, Any, int, int]]:
        """Yield the answers that change: attribute, value, first and last frame of each run."""
        if not any(self.states):
            return
        codes = self._spread(self.state_of)
        is_new = (np.diff(codes, prepend=-1) != 0) | (np.diff(self.frames, prepend=-2) != 1)
        firsts = np.flatnonzero(is_new)
        lasts = np.append(firsts[1:], len(codes)) - 1
        held: dict[int, tuple[Any, Any, int]] = {}
        before = -2
        spans = self.frames[firsts].tolist(), self.frames[lasts].tolist(), codes[firsts].tolist()
        for start, end, code in zip(*spans, strict=True):
            state = {id(attribute): (attribute, value) for attribute, value in self.states[code]}
            for key, (attribute, value, since) in list(held.items()):
                if start != before + 1 or key not in state or state[key][1] != value:
                    yield attribute, value, since, before
                    del held[key]
            for key, (attribute, value) in state.items():
                held.setdefault(key, (attribute, value, start))
            before = end
        for attribute, value, since in held.values():
            yield attribute, value, since, before

    def variants(self, known: dict[Any, tuple[int, Variant]], *, is_followed: bool) -> Ints | int:
        """Return which variant each of its shapes is, or all are, as numbers in ``known``, to which new ones are added.

        Tracks of one class that are answered alike share them.
        """
        width, static = len(self.infos), _key_of(self.static)
        codes: Any = self.state_of * width + self.info_of
        is_alike = isinstance(codes, int)
        found, which = ([codes], None) if is_alike else np.unique(codes, return_inverse=True)
        numbers = []
        for code in found:
            state, info = self.states[code // width], self.infos[code % width]
            key = (id(self.item), id(info), static, _key_of(state))
            entry = known.get(key)
            if entry is None:
                entry = known[key] = len(known), self._variant(state, info, is_followed)
            numbers.append(entry[0])
        return numbers[0] if is_alike else np.array(numbers)[which]

    def _variant(self, state: Sequence[Answer], info: ObjectFrameInfo, is_followed: bool) -> Variant:
        origin, static = self._origin, SharedAnswers(self.item, self.static) if self.static else None
        dynamic = DynamicAnswers() if state else None
        for attribute, value in state:
            assert dynamic is not None
            dynamic.append(attribute, value, 0, 0)
            dynamic.is_shared = True
        return Variant(
            self.item, info, static, dynamic, origin.type, origin.label, (), origin.changed, None, is_followed
        )  # fmt: skip


def _key_of(answers: Iterable[Answer]) -> tuple[tuple[int, Any], ...]:
    """Return what tells answers from others, as long as these are held."""
    return tuple([(id(attribute), value if isinstance(value, str) else id(value)) for attribute, value in answers])


class _Numbers(NamedTuple):
    """Where shapes of one kind are: boxes and points as an array, others a list of what each has."""

    values: Any
    angles: NDArray[np.float64] | None

    def column(self, shape: Shape, places: list[int], chosen: Ints) -> Column:
        """Return some of them as the column of a table, at these places."""
        if shape in (Shape.POLYGON, Shape.POLYLINE):
            rings = [self.values[at] for at in chosen.tolist()]
            return Column(places, np.concatenate(rings), [len(ring) for ring in rings])
        if shape is Shape.BITMASK:
            return Column(places, [self.values[at] for at in chosen.tolist()])
        return Column(places, self.values[chosen], () if self.angles is None else self.angles[chosen].tolist())


class Video:
    """A row of many frames, all of one size, without classifications.

    Parameters
    ----------
    empty_row : callable
        Makes the row without its labels, with what is native of it and of them.
    size : Size
        Width and height in pixels.
    tracks : list of Track
        In the order of the row.
    """

    def __init__(self, empty_row: Callable[[], LabelRowV2], size: Size, tracks: list[Track]) -> None:
        self.size = size
        self.tracks = tracks
        self._empty_row = empty_row

    def __len__(self) -> int:
        return 1

    @cached_property
    def empty_row(self) -> LabelRowV2:
        """The row without its labels, which is enough to say where something is."""
        return self._empty_row()

    @cached_property
    def row(self) -> LabelRowV2:
        """The row, which :attr:`empty_row` becomes."""
        row = self.empty_row
        for track in self.tracks:
            row._adopt(track.instance)
        return row

    @property
    def natives(self) -> Mapping[str, Mapping[int, Keys]]:
        """What is native of the labels: by hash and frame."""
        native: Native | None = self.empty_row._native
        return {} if native is None else native.labels

    @cached_property
    def frames(self) -> list[int]:
        """The frames that have shapes, ascending."""
        every = [track.frames for track in self.tracks]
        return np.unique(np.concatenate(every)).tolist() if every else []

    @cached_property
    def numbers(self) -> dict[Shape, _Numbers] | None:
        """Where the shapes of all tracks are, by the shape of their class; None if they do not fit into columns."""
        by_shape: dict[Shape, list[Track]] = {}
        for track in self.tracks:
            by_shape.setdefault(track.item.shape, []).append(track)
        found = {}
        for shape, tracks in by_shape.items():
            numbers = _numbers_of(shape, tracks)
            if numbers is None:
                return None
            found[shape] = numbers
        return found

    def extents(self) -> Iterator[Extents]:
        """Yield where the shapes are in pixels, a kind at a time."""
        limits = np.array([self.size], np.float64)
        for shape, numbers in (self.numbers or {}).items():
            if len(numbers.values):
                count = len(numbers.values)
                column = numbers.column(shape, [], np.arange(count))
                yield Extents(shape, column.numbers, column.more, limits)

    def tables(self) -> Iterator[tuple[list[int], Table]]:
        """Yield frames that have shapes, and the table whose images they are, some thousand shapes at a time.

        The shapes of a frame are in the order of the row.
        """
        assert self.numbers is not None
        if not self.tracks:
            return
        is_followed = self.empty_row.number_of_frames > 1
        known: dict[Any, tuple[int, Variant]] = {}
        codes, places = [], []
        counts = dict.fromkeys(self.numbers, 0)
        for track in self.tracks:
            codes.append(track._spread(track.variants(known, is_followed=is_followed)))
            begin = counts[track.item.shape]
            places.append(np.arange(begin, begin + len(track.frames)))
            counts[track.item.shape] += len(track.frames)
        kinds = list(self.numbers)
        lengths = [len(track.frames) for track in self.tracks]
        all_kinds = np.repeat([kinds.index(track.item.shape) for track in self.tracks], lengths)
        all_hashes = np.repeat(np.array([track.object_hash.encode() for track in self.tracks], f"S{HASH}"), lengths)
        all_numbers = np.repeat(np.arange(1, len(self.tracks) + 1), lengths)
        variants = [variant for _, variant in known.values()]
        all_codes, all_places = np.concatenate(codes), np.concatenate(places)
        all_frames = np.concatenate([track.frames for track in self.tracks])
        order = np.argsort(all_frames, kind="stable")
        starts = np.flatnonzero(np.diff(all_frames[order], prepend=-1))
        cuts = starts[np.flatnonzero(np.diff(starts // MOST, prepend=-1))].tolist()
        for begin, end in pairwise([*cuts, len(order)]):
            chosen = order[begin:end]
            frames, sizes = np.unique(all_frames[chosen], return_counts=True)
            columns = {}
            for kind, (shape, numbers) in enumerate(self.numbers.items()):
                at = np.flatnonzero(all_kinds[chosen] == kind)
                if len(at):
                    columns[shape] = numbers.column(shape, at.tolist(), all_places[chosen[at]])
            own = [variants[code] for code in all_codes[chosen].tolist()]
            objects = all_numbers[chosen].tolist() if is_followed else ()
            yield frames.tolist(), self._table(sizes.tolist(), own, all_hashes[chosen].tobytes(), columns, objects)

    def _table(
        self, counts: list[int], variants: list[Variant], hashes: bytes, columns: dict[Shape, Column],
        numbers: Sequence[int],
    ) -> Table:  # fmt: skip
        row, count = self.empty_row, len(counts)
        return Table(
            [row.data_title] * count, [row._units[0].data_hash] * count, [self.size] * count, counts, list(variants),
            hashes, columns, {}, {}, lambda _: None, lambda _: row, {}, {}, None, numbers,
        )  # fmt: skip


def _numbers_of(shape: Shape, tracks: Sequence[Track]) -> _Numbers | None:
    """Return where the shapes of tracks are, None if some do not fit into columns."""
    arrays: list[Any] = []
    angles: list[Any] = []
    for track in tracks:
        if isinstance(track.coordinates, list):
            if not Extents.can_be_of(shape, track.coordinates) or shape not in _COLUMNS:
                return None
            own = _COLUMNS[shape](track.coordinates)
            if own is None:
                return None
            arrays.append(own)
            angles.append([one.theta for one in track.coordinates] if shape is Shape.ROTATABLE_BOUNDING_BOX else [])
        else:
            arrays.append(track.coordinates)
            angles.append([] if track.angles is None else track.angles)
    if shape in (Shape.POLYGON, Shape.POLYLINE, Shape.BITMASK):
        return _Numbers([one for some in arrays for one in some], None)
    has_angles = shape is Shape.ROTATABLE_BOUNDING_BOX
    return _Numbers(np.concatenate(arrays), np.concatenate(angles) if has_angles else None)


def _boxes(coordinates: list[Any]) -> Any:
    return np.array([(c.top_left_x, c.top_left_y, c.width, c.height) for c in coordinates], np.float64).reshape(-1, 4)


def _rings(coordinates: list[Any]) -> Any:
    if any(getattr(c, "_is_nested", False) or not len(c._flat) for c in coordinates):
        return None
    return [np.asarray(c._flat, np.float64) for c in coordinates]


_COLUMNS: dict[Shape, Callable[[list[Any]], Any]] = {
    Shape.BOUNDING_BOX: _boxes,
    Shape.ROTATABLE_BOUNDING_BOX: _boxes,
    Shape.POLYGON: _rings,
    Shape.POLYLINE: _rings,
    Shape.POINT: lambda coordinates: np.array([(c.x, c.y) for c in coordinates], np.float64).reshape(-1, 2),
    Shape.BITMASK: lambda coordinates: coordinates,
}
