"""Images and what is drawn on them, in columns: the short way from an importer to an exporter.

Most conversions make a million objects only to take each apart again. An importer that has read many images together
may give them as a :class:`Table`, through the ``tables`` of its label set; an exporter that draws many together may
take what is left of it, through ``Narrowed.tables``. Neither must: whoever walks the rows of the set gets real rows,
made from the table one by one, and what is written is the same, byte for byte.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from itertools import accumulate, compress
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.hub.counts import Carried, Origin
from encord_convert.hub.extents import Extents
from encord_convert.hub.loss import Where
from encord_convert.hub.native import Native, NativeColumns
from encord_convert.sdk.objects import ObjectInstance, Shape
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, Object
    from encord_convert.sdk.objects._dynamic_answers import DynamicAnswers
    from encord_convert.sdk.objects._frame_info import ObjectFrameInfo
    from encord_convert.sdk.objects._instance import SharedAnswers

Size = tuple[int, int]
"""Width and height in pixels."""


HASH = 8
"""How many characters the hash of an object has."""


class Variant:
    """What shapes have in common that differ in nothing but where they are and in their hashes.

    Parameters
    ----------
    item : Object
        Their class.
    info : ObjectFrameInfo
    static, dynamic
        Their answers, those that may change for frame 0; None if there are none.
    type, label, carried, changed, weights
        Of their :class:`~encord_convert.hub.counts.Origin`.
    """

    __slots__ = ("carried", "changed", "dynamic", "info", "item", "label", "static", "type", "weights")

    def __init__(
        self,
        item: Object,
        info: ObjectFrameInfo,
        static: SharedAnswers | None,
        dynamic: DynamicAnswers | None,
        type: str,
        label: str,
        carried: Carried = (),
        changed: bool = False,
        weights: dict[int, tuple[int, Carried]] | None = None,
    ) -> None:
        self.item = item
        self.info = info
        self.static = static
        self.dynamic = dynamic
        self.type = type
        self.label = label
        self.carried = carried
        self.changed = changed
        self.weights = weights

    def instance(self, hash_: str, coordinates: Any, line: int | None) -> ObjectInstance:
        """Return an object of this variant."""
        origin = Origin(self.type, self.label, line, self.carried, self.changed, self.weights)
        return ObjectInstance._on_frame(
            self.item, hash_, 0, coordinates, self.info, self.static, self.dynamic, origin
        )  # fmt: skip


class Column:
    """Where the shapes of one kind are.

    Parameters
    ----------
    places : list of int
        Which shapes of the table they are, ascending.
    numbers : array or list
        Relative to the image. Boxes: (n, 4), left, top, width, height, before they are turned. Points: (n, 2).
        Polygons of one ring, and polylines: x0, y0, … of one after the other. Bitmasks: their coordinates.
    more : sequence, optional
        Boxes that are turned: angles in degrees. Polygons and polylines: how many numbers each has.
    """

    __slots__ = ("_at", "more", "numbers", "places")

    def __init__(self, places: list[int], numbers: Any, more: Sequence[Any] | NDArray[Any] = ()) -> None:
        self.places = places
        self.numbers = numbers
        self.more = more
        self._at: tuple[dict[int, int], list[int]] | None = None

    def at(self, shape: Shape, place: int) -> Any:
        """Return the coordinates of the shape of a place of the table."""
        is_ringed = shape in (Shape.POLYGON, Shape.POLYLINE)
        if self._at is None:
            starts = [0, *accumulate(self.more)] if is_ringed else []
            self._at = dict(zip(self.places, range(len(self.places)), strict=True)), starts
        numbers_of, starts = self._at
        number = numbers_of[place]
        span = slice(starts[number], starts[number + 1]) if is_ringed else slice(number, number + 1)
        one = Column([place], self.numbers[span], self.more[number : number + 1])
        [coordinates] = one.coordinates(shape)
        return coordinates

    def taken(self, shape: Shape, keeps: NDArray[np.bool_], indexes: NDArray[np.int64]) -> Column:
        """Return the same of some shapes of the table.

        Parameters
        ----------
        shape : Shape
        keeps : (n,) bool
            Which shapes of the table are taken.
        indexes : (n,) int
            The index each of those has then.
        """
        places = np.asarray(self.places, np.int64)
        chosen = keeps[places]
        more: Any = self.more if len(self.more) == 0 else np.asarray(self.more)[chosen].tolist()
        if shape is Shape.BITMASK:
            numbers: Any = list(compress(self.numbers, chosen))
        elif shape in (Shape.POLYGON, Shape.POLYLINE):
            numbers = np.asarray(self.numbers)[np.repeat(chosen, np.asarray(self.more, np.int64))]
        else:
            numbers = np.asarray(self.numbers)[chosen]
        return Column(indexes[places[chosen]].tolist(), numbers, more)

    def coordinates(self, shape: Shape) -> Iterator[Any]:
        """Yield the coordinates of each."""
        if shape is Shape.BITMASK:
            yield from self.numbers
        elif shape is Shape.POINT:
            for x, y in self.numbers.tolist():
                yield PointCoordinate(x, y)
        elif shape is Shape.BOUNDING_BOX:
            for left, top, width, height in self.numbers.tolist():
                yield BoundingBoxCoordinates(height, width, left, top)
        elif shape is Shape.ROTATABLE_BOUNDING_BOX:
            for (left, top, width, height), angle in zip(self.numbers.tolist(), self.more, strict=True):
                yield RotatableBoundingBoxCoordinates(height, width, left, top, angle)
        else:
            kind: Any = PolygonCoordinates if shape is Shape.POLYGON else PolylineCoordinates
            ends = list(accumulate(self.more))
            for start, end in zip([0, *ends], ends, strict=False):
                yield kind._from_flat(self.numbers[start:end])


class Table:
    """Still images, each of them a row, and what is drawn on them.

    Parameters
    ----------
    titles, data_hashes : list of str
        Of the images.
    sizes : list of Size
    counts : list of int
        How many shapes each image has.
    variants : list of Variant or None
        Of the shapes, in the order of the rows. None: the object itself is in ``made``.
    hashes : bytes
        Of the shapes, :data:`HASH` characters each, one after the other.
    columns : dict of Shape to Column
        Where those shapes are that have a variant, by the shape of their class.
    made : dict of int to ObjectInstance
        Objects that were made already, by their place among the shapes.
    classifications : dict of int to list of ClassificationInstance
        By image.
    line_of : callable
        From the place of a shape to its one-based line in the source.
    empty_row : callable
        From an image to a new row without labels.
    client_metadata : dict of int to dict
        Of the row of each image that has some.
    unit_titles : dict of int to str
        Titles of the data units of images that are not called as their rows are.
    native : NativeColumns, optional
        What only the format of the source has words for.
    """

    def __init__(
        self,
        titles: list[str],
        data_hashes: list[str],
        sizes: list[Size],
        counts: list[int],
        variants: list[Variant | None],
        hashes: bytes,
        columns: Mapping[Shape, Column],
        made: Mapping[int, ObjectInstance],
        classifications: Mapping[int, list[ClassificationInstance]],
        line_of: Callable[[int], int | None],
        empty_row: Callable[[int], LabelRowV2],
        client_metadata: Mapping[int, dict[str, Any]],
        unit_titles: Mapping[int, str],
        native: NativeColumns | None = None,
    ) -> None:
        self.titles = titles
        self.data_hashes = data_hashes
        self.sizes = sizes
        self.counts = counts
        self.variants = variants
        self.hashes = hashes
        self.columns = columns
        self.made = made
        self.classifications = classifications
        self.client_metadata = client_metadata
        self.unit_titles = unit_titles
        self.native = native
        self._line_of = line_of
        self._empty_row = empty_row
        self._ends = list(accumulate(counts))
        self._coordinates: list[Any] = []
        self._rows: dict[int, LabelRowV2] = {}
        self._named: tuple[int, LabelRowV2] | None = None
        self._extents: dict[Shape, Extents] = {}

    def __len__(self) -> int:
        return len(self.titles)

    def span(self, number: int) -> range:
        """Return the places of the shapes of an image."""
        end = self._ends[number]
        return range(end - self.counts[number], end)

    def image_of(self, place: int) -> int:
        """Return the image on which a shape is."""
        return bisect_right(self._ends, place)

    def extents(self, shape: Shape) -> Extents:
        """Return where the shapes of a kind are in pixels, of which there are some."""
        known = self._extents.get(shape)
        if known is None:
            column = self.columns[shape]
            if self.sizes.count(self.sizes[0]) == len(self):
                limits = np.array(self.sizes[:1], np.float64)
            else:
                owners = np.repeat(np.arange(len(self)), self.counts)
                limits = np.array(self.sizes, np.float64)[owners[column.places]]
            known = self._extents[shape] = Extents(shape, column.numbers, column.more, limits)
        return known

    def taken(
        self,
        images: NDArray[np.bool_],
        shapes: NDArray[np.bool_],
        classifications: Mapping[int, list[ClassificationInstance]],
    ) -> Table:
        """Return the table of some of the images and annotations.

        Parameters
        ----------
        images : (n,) bool
            Which images are taken.
        shapes : (m,) bool
            Which shapes are; none on an image that is not.
        classifications : mapping
            By number of the image, as it is here, those that are.
        """
        numbers, places = np.flatnonzero(images).tolist(), np.flatnonzero(shapes).tolist()
        indexes = np.cumsum(shapes) - 1
        new = {number: index for index, number in enumerate(numbers)}
        hashes = {one.classification_hash for some in classifications.values() for one in some}
        letters = np.frombuffer(self.hashes, f"S{HASH}")
        counts = np.add.reduceat(np.append(shapes, False), [0, *self._ends[:-1]], dtype=np.int64)
        counts[np.asarray(self.counts) == 0] = 0

        def kept(some: Mapping[int, Any]) -> dict[int, Any]:
            return {new[number]: value for number, value in some.items() if number in new}

        return Table(
            [self.titles[number] for number in numbers],
            [self.data_hashes[number] for number in numbers],
            [self.sizes[number] for number in numbers],
            counts[images].tolist(),
            [self.variants[place] for place in places],
            letters[shapes].tobytes(),
            {shape: column.taken(shape, shapes, indexes) for shape, column in self.columns.items()},
            {int(indexes[place]): made for place, made in self.made.items() if shapes[place]},
            kept(classifications),
            lambda place: self._line_of(places[place]),
            lambda number: self._empty_row(numbers[number]),
            kept(self.client_metadata),
            kept(self.unit_titles),
            None if self.native is None else self.native.taken(numbers, places, hashes),
        )

    def with_metadata(self, metadata: Mapping[int, dict[str, Any]]) -> Table:
        """Return the table with other client metadata of its rows."""
        table = copy(self)
        table.client_metadata = metadata
        table._rows, table._named = {}, None

        def empty_row(number: int) -> LabelRowV2:
            row = self._empty_row(number)
            row.client_metadata = metadata.get(number)
            return row

        table._empty_row = empty_row
        return table

    def rows(self) -> Iterator[LabelRowV2]:
        """Yield the row of each image."""
        for number in range(len(self)):
            yield self.row(number)

    def row(self, number: int) -> LabelRowV2:
        """Return the row of an image, always the same one."""
        row = self._rows.get(number)
        if row is None:
            if not self._coordinates:
                self._coordinates = [None] * len(self.variants)
                for shape, column in self.columns.items():
                    for place, coordinates in zip(column.places, column.coordinates(shape), strict=True):
                        self._coordinates[place] = coordinates
            row = self._rows[number] = self._empty_row(number)
            for place in self.span(number):
                row._adopt(self._instance(place, self._coordinates[place]))
            for classification in self.classifications.get(number, ()):
                row._adopt(classification)
            row._native = self.native_of(number)
        return row

    def native_of(self, number: int) -> Native | None:
        """Return what only the format of the source has words for, of an image and what is on it."""
        if self.native is None:
            return None
        return self.native.row(number, {place: self._hash_of(place) for place in self.span(number)})

    def empty_row(self, number: int) -> LabelRowV2:
        """Return a row of an image without its labels, which is enough to say where something is."""
        return self._empty_row(number)

    def where(self, number: int, place: int | None = None) -> Where:
        """Return where an image is, or a shape on it that has a variant."""
        if self._named is None or self._named[0] != number:  # one after the other is asked for
            self._named = number, self._empty_row(number)
        row, variant = self._named[1], None if place is None else self.variants[place]
        if place is None or variant is None:
            return Where(row._origin, row=row.data_title)
        return Where(row._origin, self._line_of(place), row.data_title, 0, f"<{variant.type}>", self._hash_of(place))

    def odd_images(self) -> set[int]:
        """Return the images of which something is native, or of annotations on them that share it with no other."""
        if self.native is None:
            return set()
        some = self.native.rows.keys() | self.native.classifications.keys()
        return some | set(map(self.image_of, self.native.labels))

    def object(self, place: int) -> ObjectInstance:
        """Return an object that is in no row."""
        variant = self.variants[place]
        return self._instance(
            place, None if variant is None else self.columns[variant.item.shape].at(variant.item.shape, place)
        )

    def _instance(self, place: int, coordinates: Any) -> ObjectInstance:
        variant = self.variants[place]
        if variant is None:
            return self.made[place]
        return variant.instance(self._hash_of(place), coordinates, self._line_of(place))

    def _hash_of(self, place: int) -> str:
        made = self.made.get(place) if self.variants[place] is None else None
        return self.hashes[HASH * place : HASH * (place + 1)].decode() if made is None else made.object_hash
