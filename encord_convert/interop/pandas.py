"""Label sets as a pandas ``DataFrame``: a row for each annotation, an object once for each of its frames.

Columns
    ===========================  ====================================================================================
    ``row``                      number of the image, video or series, from 0
    ``title``, ``file``          of the image or video; of the image file, where it has another name
    ``split``                    as the source says it; empty if it says none
    ``image_width``, ``_height`` px
    ``frame``                    from 0; 0 of still images
    ``instance``                 hash of the object or classification, the same on all its frames
    ``class``, ``shape``         name of the class; ``bounding_box``, ``polygon``, … or ``classification``
    ``x``, ``y``, ``width``,     the upright box around the shape, px; NaN of classifications
    ``height``
    ``area``                     of the shape itself, px²; NaN of points, lines, keypoints and classifications
    ``confidence``               0..1
    ``attributes``               a dictionary of answers by the title of the attribute
    ``geometry``                 JSON as in a label row, relative to the image: ``{"boundingBox": {"x": …}}``
    ===========================  ====================================================================================

    An image without annotations has a row with title, split and size but no class. Converting back, a row with a shape
    or box but no class, a shape other than its geometry's, or a confidence outside 0..1 is an error.
    ``frame.attrs["ontology"]`` is the ontology as JSON.

What is lost
    Authors, times, reviews, whether a machine made a label, client metadata except the split, native data; videos,
    groups and series become images with frames.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.errors import OptionError, nearest
from encord_convert.hub.conditions import CLASSIFICATION, SHAPES
from encord_convert.hub.draft import Draft, frame_info
from encord_convert.hub.fields import MEASURES, RowFields, answers_of
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.measures import measure
from encord_convert.hub.splits import metadata_of, split_of
from encord_convert.hub.visibility import frame_size, unit_of
from encord_convert.interop import imported, reported
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    ClassificationInstance,
    ObjectInstance,
    OntologyStructure,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects._label_row_reader import _READERS
from encord_convert.sdk.objects.attributes import NumericAttribute
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates, _is_carried, _kind_for

if TYPE_CHECKING:
    from encord_convert.losses.report import Report
    from encord_convert.sdk.objects import LabelRowV2

_MOST_FRAMES = 10_000_000
IMAGE_COLUMNS = ("row", "title", "file", "split", "image_width", "image_height", "frame")
COLUMNS = (*IMAGE_COLUMNS, "instance", "class", "shape", *MEASURES, "confidence", "attributes", "geometry")

CARRIES = Carries(
    shapes=frozenset[Any]({*Shape, *NewerShape}),
    data_types=frozenset({DataType.IMAGE}),
    features=frozenset(Feature)
    - {
        Feature.MANUAL, Feature.AUTHOR, Feature.TIMESTAMPS, Feature.REVIEWS, Feature.UNPLACED, Feature.DEPTH,
        Feature.UNSAID_VISIBILITY, Feature.NATIVE,
    },
    redraws={},
)  # fmt: skip


def to_pandas(labels: LabelSet, *, report: Report | None = None) -> Any:
    """Return the data frame of a label set; see :meth:`LabelSet.to_pandas`."""
    pandas = imported("pandas", "to_pandas")
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    with reported(report, "pandas") as account:
        for number, left in enumerate(Narrowed(labels, account, CARRIES)):
            written = {instance.object_hash: set(frames) for instance, frames in left.objects()}
            for values in _rows(number, left.row, written):
                for name, value in zip(COLUMNS, values, strict=True):
                    columns[name].append(value)
    frame = pandas.DataFrame(columns, columns=COLUMNS)
    frame = frame.astype({"row": "int64", "frame": "int64", "image_width": "int64", "image_height": "int64"})
    frame.attrs["ontology"] = labels.ontology.to_dict()
    return frame


def _rows(number: int, row: LabelRowV2, written: Mapping[str, set[int]]) -> Iterator[tuple[Any, ...]]:
    fields = RowFields(row)
    numbers = [fields.field(name) for name in (*MEASURES, "confidence")]
    texts: Any = [fields.field(name) for name in ("class", "shape")]
    split, is_empty = split_of(row.client_metadata), True
    for index, (instance, frame) in enumerate(fields.annotations):
        is_object = isinstance(instance, ObjectInstance)
        if frame is None or (is_object and frame not in written.get(instance.object_hash, ())):
            continue
        is_empty = False
        coordinates: Any = instance._frames[frame].coordinates if is_object else None
        yield (
            *_image(number, row, frame, split),
            instance._hash,
            *(column.vocabulary[column.codes[index]] for column in texts),
            *(float(column[index]) for column in numbers),  # type: ignore[index]
            answers_of(instance, frame),
            None if coordinates is None else json.dumps(_json_of(coordinates)),
        )
    if is_empty:
        yield (*_image(number, row, 0, split), None, None, None, *[math.nan] * 6, {}, None)


def _image(number: int, row: LabelRowV2, frame: int, split: str) -> tuple[Any, ...]:
    return (number, row.data_title, unit_of(row, frame).data_title, split, *frame_size(row, frame), frame)


def _json_of(coordinates: Any) -> dict[str, Any]:
    rings = coordinates._rings_json() if hasattr(coordinates, "_rings_json") else None
    return {coordinates._key: coordinates._json()} if rings is None else {"polygons": rings}


def from_pandas(frame: Any, *, ontology: Any = None) -> LabelSet:
    """Return the label set of a data frame; see :meth:`LabelSet.from_pandas`."""
    pandas = imported("pandas", "from_pandas")
    if not isinstance(frame, pandas.DataFrame):
        raise OptionError(f"from_pandas: {frame!r:.80} is not a pandas DataFrame.")
    missing = [name for name in ("title", "class", "image_width", "image_height") if name not in frame.columns]
    if "geometry" not in frame.columns:
        missing += [name for name in ("x", "y", "width", "height") if name not in frame.columns]
    if missing:
        raise OptionError(f"from_pandas: the frame lacks {', '.join(missing)}. `encord-convert help python` lists all.")
    given = frame.attrs.get("ontology") if ontology is None else ontology
    return _Reader(given, [name for name in frame.columns if name not in COLUMNS]).read(frame)


class _Reader:
    """Makes label rows from a data frame.

    Parameters
    ----------
    ontology : OntologyStructure or its JSON form, optional
        Classes that are not in it are added.
    others : sequence of str
        Columns read as attributes.
    """

    def __init__(self, ontology: Any, others: list[str]) -> None:
        self._draft = Draft("pandas")
        if ontology is not None:
            form = ontology if isinstance(ontology, Mapping) else ontology.to_dict()
            self._draft.ontology = OntologyStructure._from_dict(dict(form))
        self._others = others
        self._number = 0
        self._wrong: dict[str, list[str]] = {}
        """By column, messages on unreadable rows; all rows are checked, to count them."""

    def read(self, frame: Any) -> LabelSet:
        """Return the label set of a data frame."""
        keys = [name for name in ("row", "title") if name in frame.columns]
        rows = []
        for key, group in frame.groupby(keys, sort=False, dropna=False):
            if not isinstance(key[-1], str):
                raise OptionError(f"from_pandas: row {group.index[0]} has no title.")
            rows.append(self._row(key, group.to_dict("records"), list(group.index)))
        for column, sentences in self._wrong.items():
            count = len(sentences)
            more = f" It is the first of {count} such rows." if count > 1 else ""
            raise OptionError(f"from_pandas: {sentences[0]}{more}{_ADVICE[column]}")
        return LabelSet(self._draft.ontology, rows, title="pandas")

    def _row(self, key: tuple[Any, ...], records: list[dict[str, Any]], indexes: list[Any]) -> LabelRowV2:
        title = key[-1]
        files: dict[int, tuple[str, tuple[int, int]]] = {}
        for record, index in zip(records, indexes, strict=True):
            frame, name = _whole(record.get("frame")), record.get("file")
            if not 0 <= frame < _MOST_FRAMES:
                raise OptionError(f"from_pandas: row {index} is on frame {frame}; frames are 0 to {_MOST_FRAMES - 1}.")
            file = name if isinstance(name, str) else title, _size(record, index)
            if files.setdefault(frame, file) != file:
                raise OptionError(
                    f"from_pandas: row {index} has another file or size for {title!r} than an earlier row."
                )
        frames, first = 1 + max(files), next(iter(files.values()))
        data_type = DataType.IMAGE if frames == 1 else DataType.VIDEO
        if len(set(files.values())) > 1:
            data_type = DataType.IMG_GROUP
        images = range(frames) if data_type is DataType.IMG_GROUP else [next(iter(files))]
        units = []
        for number, frame in enumerate(images):
            name, size = files.get(frame, (f"{title}/{frame}", first[1]))
            units.append(self._draft.unit(name, *size, [*key, number], number))
        split = records[0].get("split")
        row = self._draft.row(
            data_type, title, units, frames=frames, key=key,
            client_metadata=metadata_of(split if isinstance(split, str) else ""),
        )  # fmt: skip
        for record, index in zip(records, indexes, strict=True):
            self._number += 1
            if self._is_annotation(record, index):
                self._annotation(row, record, index)
        return row

    def _is_annotation(self, record: dict[str, Any], index: Any) -> bool:
        """Return whether a row becomes an annotation: not if it marks an empty image, or is invalid."""
        name, said, confidence = record["class"], record.get("shape"), record.get("confidence")
        has_shape = isinstance(said, str) and said != ""
        if not isinstance(name, str) or not name:
            box = [record.get(key) for key in ("x", "y", "width", "height")]
            if name != "" and not _is_missing(name):
                self._refuse("class", index, f"is {name!r:.40}, which is not a text")
            elif has_shape or not _is_missing(record.get("geometry")) or not any(map(_is_missing, box)):
                self._refuse("class", index, "is empty, but the row is an annotation")
            return False
        if not _is_missing(said) and said not in ("", *SHAPES):
            known = nearest(str(said), SHAPES) or f" Shapes are: {', '.join(SHAPES)}."
            self._refuse("shape", index, f"is {said!r:.40}, which is not a shape.{known}")
            return False
        try:
            is_right = _is_missing(confidence) or 0 <= float(confidence) <= 1  # type: ignore[arg-type]
        except (TypeError, ValueError):
            is_right = False
        if not is_right:
            self._refuse("confidence", index, f"is {confidence!r:.40}, which is not a number from 0 to 1")
        return is_right

    def _refuse(self, column: str, index: Any, why: str) -> None:
        sentence = f"row {index}, column {column}: it {why}{'' if why.endswith(('.', '?')) else '.'}"
        self._wrong.setdefault(column, []).append(sentence)

    def _annotation(self, row: LabelRowV2, record: dict[str, Any], index: Any) -> None:
        confidence = record.get("confidence")
        confidence = 1.0 if _is_missing(confidence) else float(confidence)  # type: ignore[arg-type]
        info = frame_info(confidence=confidence)
        frame, name = _whole(record.get("frame")), record["class"]
        hash_ = record.get("instance")
        if not isinstance(hash_, str):
            hash_ = self._draft.hashes.short("object", row.label_hash, self._number)
        instance: Any
        if record.get("shape") == CLASSIFICATION:
            instance = row._classifications.get(hash_)
            if instance is None:
                item = next((c for c in self._draft.ontology.classifications if c.title == name), None)
                if item is None:
                    raise OptionError(f"from_pandas: row {index} is of the classification {name!r}, which the ontology "
                                      "does not have.")  # fmt: skip
                instance = ClassificationInstance(item, classification_hash=hash_)
                self._answer(instance, record, frame)
                instance._frames[frame] = info
                row._adopt(instance)
            else:
                instance._frames[frame] = info
            return
        coordinates = self._coordinates(record, *_size(record, index), index)
        if "geometry" in record and isinstance(record.get("shape"), str) and record["shape"]:
            fitting = [shape.value for shape in _shapes_of(coordinates)]
            if record["shape"] not in fitting:
                self._refuse("shape", index, f"is {record['shape']!r}, and the geometry is of {' or '.join(fitting)}")
                return
        instance = row._objects.get(hash_)
        if instance is None:
            instance = ObjectInstance(self._class(name, record.get("shape"), coordinates), object_hash=hash_)
            instance._place(frame, coordinates, info)
            row._adopt(instance)
        elif frame in instance._frames:
            raise OptionError(f"from_pandas: row {index} has the instance {hash_!r} on frame {frame} a second time.")
        else:
            instance.set_for_frames(coordinates, frame, confidence=confidence)
            instance._frames[frame].object_frame_instance_info = info
        self._answer(instance, record, frame)

    def _class(self, name: str, said: Any, coordinates: Any) -> Any:
        shapes = _shapes_of(coordinates)
        shape: Any = next((entry for entry in shapes if entry.value == said), shapes[0])
        for item in self._draft.ontology.objects:
            if item.name == name and item.shape == shape:
                return item
        return self._draft.add_object(name, shape)

    def _coordinates(self, record: dict[str, Any], width: int, height: int, index: Any) -> Any:
        """Return the geometry of a row: its geometry, which the box must match, else its box."""
        box = [record.get(name) for name in ("x", "y", "width", "height")]
        is_box = not any(map(_is_missing, box))
        text = record.get("geometry")
        if not _is_missing(text):
            try:
                form = json.loads(text) if isinstance(text, str) else dict(text)  # type: ignore[arg-type]
                key = next(key for key in _READERS if key in form)
                coordinates: Any = _READERS["polygon" if key == "polygons" else key](form)
                found = measure(coordinates, width, height)
            except (ValueError, KeyError, TypeError, StopIteration) as error:
                raise OptionError(f"from_pandas: row {index}: the geometry cannot be read ({error!r}).") from error
            limit = 1e-6 * max(width, height)
            if not is_box or all(abs(one - other) <= limit for one, other in zip(box, found, strict=False)):  # type: ignore[operator]
                return coordinates
            if not isinstance(coordinates, BoundingBoxCoordinates):
                raise OptionError(
                    f"from_pandas: row {index}: x, y, width and height are not those of its geometry. Drop the column "
                    "geometry to make boxes of them, or the box to keep the shape."
                )
        if not is_box:
            raise OptionError(f"from_pandas: row {index} has neither a geometry nor a box.")
        x, y, w, h = map(float, box)  # type: ignore[arg-type]
        return BoundingBoxCoordinates(height=h / height, width=w / width, top_left_x=x / width, top_left_y=y / height)

    def _answer(self, instance: Any, record: dict[str, Any], frame: int) -> None:
        answers = dict(record.get("attributes") if isinstance(record.get("attributes"), Mapping) else {})  # type: ignore[arg-type]
        answers.update({name: record[name] for name in self._others if not _is_missing(record[name])})
        item = instance.ontology_item
        known: dict[str, Any] = {}
        for attribute in _attributes_of(item):
            known.setdefault(attribute.title, attribute)
        for title in sorted(answers, key=lambda title: len(known[title].uid) if title in known else 0):
            value = answers[title]
            attribute = known.get(title)
            if attribute is None:
                attribute = known[title] = item.add_attribute(*_kind_of(value, title))
            dynamic = getattr(attribute, "dynamic", False)
            said = _answered(attribute, value, add=len(attribute.uid) <= 2)
            if said is not None and (dynamic or instance._static is None or
                                     attribute.feature_node_hash not in instance._static):  # fmt: skip
                instance.set_answer(said, attribute, *[frame] * dynamic, overwrite=True)


def _shapes_of(coordinates: Any) -> list[Any]:
    """Return the shapes with such coordinates."""
    known = (*Shape, *NewerShape)
    return [item for item in known if isinstance(coordinates, _kind_for(item)) or _is_carried(coordinates, item)]


def _attributes_of(item: Any) -> Iterator[Any]:
    for attribute in item.attributes or ():
        yield attribute
        for option in getattr(attribute, "options", None) or ():
            yield from _attributes_of(option)


def _kind_of(value: Any, title: str) -> tuple[Any, str]:
    if isinstance(value, bool):
        return RadioAttribute, title
    if isinstance(value, int | float):
        return NumericAttribute, title
    return (ChecklistAttribute if isinstance(value, list | tuple) else TextAttribute), title


def _answered(attribute: Any, value: Any, *, add: bool) -> Any:
    """Return a value as an answer of an attribute; missing options are added."""
    if isinstance(attribute, ChecklistAttribute | RadioAttribute):
        labels = [str(item) for item in (value if isinstance(value, list | tuple) else [value])]
        options: dict[str, Any] = {option.label: option for option in attribute.options}
        for label in labels:
            if label not in options:
                options[label] = attribute.add_option(label)
        found = [options[label] for label in labels]
        return found if isinstance(attribute, ChecklistAttribute) else found[0]
    return float(value) if isinstance(attribute, NumericAttribute) else str(value)


def _size(record: dict[str, Any], index: Any) -> tuple[int, int]:
    try:
        size = int(record["image_width"]), int(record["image_height"])
    except (TypeError, ValueError) as error:
        raise OptionError(f"from_pandas: row {index} has no image_width and image_height.") from error
    if min(size) <= 0:
        raise OptionError(f"from_pandas: row {index}: the image has {size[0]} × {size[1]} pixels.")
    return size


def _whole(value: Any) -> int:
    return 0 if _is_missing(value) else int(value)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas has three more missing values
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


_ADVICE = {
    "class": " Series.map leaves NaN for names it has no new one for: use Series.replace, or drop these rows.",
    "confidence": " Leave it empty where there is none.",
    "shape": " Leave it empty, or drop the column, to take the shape of the geometry.",
}
