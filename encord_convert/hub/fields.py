"""The values of annotations and images by name, as conditions and tables of annotations take them: from tables in
columns and from rows."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.hub.conditions import CLASSIFICATION, UPRIGHT, Coded, Column, Fields
from encord_convert.hub.measures import measure, measures_of
from encord_convert.hub.splits import split_of
from encord_convert.hub.visibility import frame_size, unit_of
from encord_convert.sdk.objects.common import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from encord_convert.hub.table import Table, Variant
    from encord_convert.sdk.objects import LabelRowV2

MEASURES = ("x", "y", "width", "height", "area")


class Some:
    """Some of the annotations or images of which others know the values."""

    def __init__(self, fields: Fields, some: NDArray[np.bool_]) -> None:
        self._fields = fields
        self._some = some

    def __len__(self) -> int:
        return int(self._some.sum())

    def field(self, name: str) -> Column | None:
        """Return the values of a field."""
        return self._of(self._fields.field(name))

    def attribute(self, name: str) -> Column | None:
        """Return the answers to the attributes of a name."""
        return self._of(self._fields.attribute(name))

    def only(self, some: NDArray[np.bool_]) -> Fields:
        """Return the values of some of these."""
        return Some(self, some)

    def _of(self, column: Column | None) -> Column | None:
        if isinstance(column, Coded):
            return Coded(column.codes[self._some], column.vocabulary)
        return None if column is None else np.asarray(column[self._some])


class TableImages:
    """The images of a table, of whose annotations nothing is known."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    def field(self, name: str) -> Column | None:
        """Return the values of a field; None: not known of an image."""
        table = self.table
        if name == "split":
            return Coded.of(split_of(table.client_metadata.get(number)) for number in range(len(table)))
        if name == "title":
            return Coded.of(table.titles)
        if name == "file":
            return Coded.of(table.unit_titles.get(number, title) for number, title in enumerate(table.titles))
        if name == "frame":
            return np.zeros(len(table))
        if name in _SIZES:
            return np.array([size[_SIZES[name]] for size in table.sizes], float)
        return None

    def attribute(self, name: str) -> Column | None:
        """Return None: images have no answers."""
        return None

    def only(self, some: NDArray[np.bool_]) -> Fields:
        """Return the values of some of them."""
        return Some(self, some)


class TableFields:
    """The annotations of a table: its shapes, then the classifications of its images.

    Attributes
    ----------
    owners : (n,) int
        The number of the image each is on.
    classifications : list of (int, ClassificationInstance)
        With the number of the image of each.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.classifications = [
            (number, one) for number in sorted(table.classifications) for one in table.classifications[number]
        ]
        self._shapes = len(table.variants)
        shapes = np.repeat(np.arange(len(table)), table.counts)
        self.owners = np.append(shapes, np.array([number for number, _ in self.classifications], np.int64))

    def __len__(self) -> int:
        return len(self.owners)

    def field(self, name: str) -> Column:
        """Return the values of a field."""
        if name in MEASURES:
            return _column_of(self._measures, name)
        if name == "confidence":
            return np.asarray(self.by_variant(lambda one: one.info.confidence, _confidence_of).mapped(float, float))
        if name == "class":
            return self.by_variant(lambda one: one.item.title, _class_of)
        if name == "shape":
            return self.by_variant(lambda one: one.item.shape.value, _shape_of)
        if name == "track":
            return self.by_variant(lambda one: "", _track_of)
        if name == UPRIGHT:
            return self._upright()
        column: Any = TableImages(self.table).field(name)
        if isinstance(column, Coded):
            return Coded(column.codes[self.owners], column.vocabulary)

        return np.asarray(column[self.owners])

    def attribute(self, name: str) -> Coded:
        """Return the answers to the attributes of a name."""
        return self.by_variant(lambda one: answers_of(_object_of(one), 0).get(name),
                                lambda one: answers_of(one, 0).get(name))  # fmt: skip

    def only(self, some: NDArray[np.bool_]) -> Fields:
        """Return the values of some of them."""
        return Some(self, some)

    def _upright(self) -> Coded:
        shapes = self.by_variant(lambda one: one.item.shape.value, _upright_of)
        column = self.table.columns.get(Shape.ROTATABLE_BOUNDING_BOX)
        if column is None or not column.places:
            return shapes
        places = np.asarray(column.places)[[_is_upright(angle) for angle in column.more]]
        codes = shapes.codes.copy()
        codes[places] = len(shapes.vocabulary)
        return Coded(codes, [*shapes.vocabulary, Shape.BOUNDING_BOX.value])

    @cached_property
    def _measures(self) -> NDArray[np.float64]:
        found = np.full((len(self), 5), math.nan)
        found[: self._shapes] = measures_of(self.table)
        return found

    def by_variant(self, of_variant: Any, of_instance: Any) -> Coded:
        """Return what is the same for all shapes of a variant."""
        table = self.table
        codes: dict[int, int] = {}
        values: list[Any] = []
        found: list[int] = []
        for index, variant in enumerate(table.variants):
            if variant is None:
                values.append(of_instance(table.made[index]))
                found.append(len(values) - 1)
                continue
            code = codes.get(id(variant))
            if code is None:
                code = codes[id(variant)] = len(values)
                values.append(of_variant(variant))
            found.append(code)
        for _, one in self.classifications:
            values.append(of_instance(one))
            found.append(len(values) - 1)
        return Coded(np.array(found, np.intp), values)


class RowImages:
    """A row as an image: what is known of it without its annotations."""

    def __init__(self, row: LabelRowV2) -> None:
        self.row = row

    def __len__(self) -> int:
        return 1

    def field(self, name: str) -> Column | None:
        """Return the value of a field; None: not known, or another for each frame."""
        row = self.row
        if name == "split":
            return Coded.of([split_of(row.client_metadata)])
        if name == "title":
            return Coded.of([row.data_title])
        if name == "file" and len(row._units) == 1:
            return Coded.of([row._units[0].data_title])
        if name in ("frame", *_SIZES) and row.number_of_frames == 1:
            return np.array([0.0 if name == "frame" else frame_size(row, 0)[_SIZES[name]]])
        return None

    def attribute(self, name: str) -> Column | None:
        """Return None: images have no answers."""
        return None

    def only(self, some: NDArray[np.bool_]) -> Fields:
        """Return the values of some of them."""
        return Some(self, some)


class RowFields:
    """The annotations of a row: each object and classification on each of its frames.

    Parameters
    ----------
    row : LabelRowV2
    annotations : list of (instance, int or None), optional
        Some of them, with the frame; None of one that is on no frame. By default all.
    """

    def __init__(self, row: LabelRowV2, annotations: list[tuple[Any, int | None]] | None = None) -> None:
        self.row = row
        if annotations is None:
            annotations = [
                (instance, frame)
                for instance in (*row._objects.values(), *row._classifications.values())
                for frame in sorted(instance._frames) or (None,)
            ]
        self.annotations = annotations

    def __len__(self) -> int:
        return len(self.annotations)

    def field(self, name: str) -> Column:
        """Return the values of a field."""
        row = self.row
        if name in MEASURES:
            return _column_of(self._measures, name)
        if name in ("split", "title"):
            value = split_of(row.client_metadata) if name == "split" else row.data_title
            return Coded(np.zeros(len(self), np.intp), [value])
        if name == "file":
            return Coded.of(unit_of(row, frame or 0).data_title if row._units else "" for _, frame in self.annotations)
        if name in _SIZES:
            return np.array([frame_size(row, frame or 0)[_SIZES[name]] for _, frame in self.annotations], float)
        if name == "frame":
            return np.array([math.nan if frame is None else frame for _, frame in self.annotations], float)
        if name == "confidence":
            found = [math.nan if frame is None else _confidence_of(one, frame) for one, frame in self.annotations]
            return np.array(found, float)
        if name == UPRIGHT:
            return Coded.of(_upright_of(one, frame or 0) for one, frame in self.annotations)
        of = {"class": _class_of, "shape": _shape_of, "track": _track_of}[name]
        return Coded.of(of(one) for one, _ in self.annotations)

    def attribute(self, name: str) -> Coded:
        """Return the answers to the attributes of a name."""
        return Coded.of(answers_of(one, frame or 0).get(name) for one, frame in self.annotations)

    def only(self, some: NDArray[np.bool_]) -> RowFields:
        """Return the values of some of them; nothing else is looked at."""
        return RowFields(self.row, list(compress(self.annotations, some)))

    @cached_property
    def _measures(self) -> NDArray[np.float64]:
        found = np.full((len(self), 5), math.nan)
        for index, (one, frame) in enumerate(self.annotations):
            if frame is not None and hasattr(one, "object_hash"):
                found[index] = measure(one._frames[frame].coordinates, *frame_size(self.row, frame))
        return found


def _column_of(measures: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    column: NDArray[np.float64] = measures[:, MEASURES.index(name)]
    return column


_SIZES = {"image_width": 0, "image_height": 1}


def answers_of(instance: Any, frame: int) -> dict[str, Any]:
    """Return the answers of an object or classification on a frame by the title of their attribute.

    Texts and numbers stay, an option is its label, and several are a tuple of labels.
    """
    dynamic = instance._dynamic_answers_at(frame) if hasattr(instance, "_dynamic_answers_at") else ()
    found: dict[str, Any] = {}
    for attribute, value in (*instance._static_answers(), *dynamic):
        found.setdefault(attribute.title, _plain(value))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_plain(one) for one in value)
    return getattr(value, "label", value)


def _object_of(variant: Variant) -> Any:
    return variant.instance("00000000", None, None)


def _class_of(instance: Any) -> str:
    return str(getattr(instance, "object_name", None) or getattr(instance, "classification_name", ""))


def _shape_of(instance: Any) -> str:
    shape = getattr(instance.ontology_item, "shape", None)
    return CLASSIFICATION if shape is None else str(shape.value)


def _upright_of(instance: Any, frame: int = 0) -> str:
    shape, data = _shape_of(instance), instance._frames.get(frame)
    is_box = shape == Shape.ROTATABLE_BOUNDING_BOX.value and data is not None and _is_upright(data.coordinates.theta)
    return Shape.BOUNDING_BOX.value if is_box else shape


def _is_upright(angle: float) -> bool:
    return bool(angle % 360 == 0) if math.isfinite(angle) else False


def _track_of(instance: Any) -> str:
    origin = instance._origin
    is_track = len(instance._frames) > 1 or (origin is not None and bool(origin.weights) and origin.is_track)
    return str(instance.object_hash) if is_track and hasattr(instance, "object_hash") else ""


def _confidence_of(instance: Any, frame: int = 0) -> float:
    data = instance._frames.get(frame)
    return float(getattr(data, "object_frame_instance_info", data).confidence) if data is not None else math.nan
