"""Label sets as a ``datasets.DatasetDict`` for object detection, and back.

Columns
    ``image`` (the file, where it is found), ``image_id``, ``file_name``, ``width``, ``height``, and ``objects``: lists
    of ``id`` (hash of the object), ``bbox`` (left, top, width, height in px), ``area``, ``category`` (a ``ClassLabel``)
    and ``confidence``. These are the columns that ``load_dataset`` gives of what ``--target hf`` writes. Splits are
    named as in the library: ``train``, ``validation``, ``test``; images without one are in ``train``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from encord_convert.errors import OptionError
from encord_convert.hub.changes import origin_of
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Where
from encord_convert.hub.splits import UNNAMED, metadata_of, standard
from encord_convert.interop import imported, reported
from encord_convert.interop.detections import Detected, Detections, carries
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates

if TYPE_CHECKING:
    from encord_convert.losses.report import Report

_SPLITS: dict[str | None, str] = {"train": "train", "val": "validation", "test": "test"}
_COLUMNS = ("image", "image_id", "file_name", "width", "height", "objects")
_OF_OBJECTS = ("id", "bbox", "area", "category", "confidence")


def to_hf(labels: LabelSet, *, images: Any = None, report: Report | None = None) -> Any:
    """Return the datasets of a label set; see :meth:`LabelSet.to_hf`."""
    library = imported("datasets", "to_hf")
    splits: dict[str, dict[str, list[Any]]] = {}
    with reported(report, "datasets") as account:
        found = Detections(labels, account, carries(Feature.CONFIDENCE, Feature.MANUAL, masks=False), images)
        for number, one in enumerate(found, 1):
            name = _SPLITS.get(standard(one.split)) or re.sub(r"\W+", "_", one.split)
            name = "train" if name in ("", UNNAMED) else name
            columns = splits.setdefault(name, {column: [] for column in _COLUMNS})
            for column, value in zip(_COLUMNS, _values(found, one, number), strict=True):
                columns[column].append(value)
    features = library.Features({
        "image": library.Image(), "image_id": library.Value("int64"), "file_name": library.Value("string"),
        "width": library.Value("int64"), "height": library.Value("int64"),
        "objects": {
            "id": library.List(library.Value("string")),
            "bbox": library.List(library.List(library.Value("float64"), length=4)),
            "area": library.List(library.Value("float64")),
            "category": library.List(library.ClassLabel(names=found.classes or ["none"])),
            "confidence": library.List(library.Value("float64")),
        },
    })  # fmt: skip
    return library.DatasetDict({
        name: library.Dataset.from_dict(columns, features=features) for name, columns in splits.items()
    })  # fmt: skip


def _values(found: Detections, one: Detected, number: int) -> tuple[Any, ...]:
    boxes = one.boxes()
    boxes[:, 2:] -= boxes[:, :2]
    objects = {
        "id": one.hashes,
        "bbox": boxes.tolist(),
        "area": (boxes[:, 2] * boxes[:, 3]).tolist(),
        "category": one.classes,
        "confidence": one.confidences,
    }
    image: Any = None
    if one.member is not None and found.source is not None:
        image = {"path": one.path, "bytes": None}
        if found.source.path(one.member) is None:  # in an archive
            with found.source.open(one.member) as stream:
                image["bytes"] = stream.read()
    return image, number, one.title, *one.size, objects


def from_hf(dataset: Any) -> LabelSet:
    """Return the label set of datasets; see :meth:`LabelSet.from_hf`."""
    imported("datasets", "from_hf")
    splits = dataset if hasattr(dataset, "keys") else {"": dataset}
    draft, counts = Draft("datasets"), Counts()
    rows: list[Any] = []
    for split, one in splits.items():
        names = _names(one)
        plain = one.remove_columns([name for name in one.column_names if name not in _COLUMNS or name == "image"])
        others = [name for name in one.column_names if name not in _COLUMNS]
        for number, record in enumerate(plain):
            title = record.get("file_name") or f"{split or 'image'}/{number:06d}"
            size = _size(one, number, record, title)
            row = draft.row(DataType.IMAGE, title, [draft.unit(title, *size, [split, number])], frames=1,
                            key=[split, number], client_metadata=metadata_of(split))  # fmt: skip
            for name in others:
                _lose(counts, "", title, f"The column {name!r} cannot be kept in the hub.")
            if record.get("image_id") not in (None, number, number + 1, len(rows), len(rows) + 1):
                _lose(counts, "", title, "An image_id that does more than count cannot be kept in the hub.")
            _objects(draft, counts, row, record["objects"], names, size)
            rows.append(row)
    counts.mark_head()
    return LabelSet(draft.ontology, rows, title="datasets", counts=counts)


def _objects(draft: Draft, counts: Counts, row: Any, objects: Any, names: list[str], size: tuple[int, int]) -> None:
    if isinstance(objects, list):  # a list of objects, as in other datasets
        objects = {key: [object_[key] for object_ in objects] for key in (objects[0] if objects else {})}
    categories = objects.get("category", objects.get("label", objects.get("categories", [])))
    for index, (box, category) in enumerate(zip(objects.get("bbox", []), categories, strict=True)):
        name = names[category] if isinstance(category, int) and category < len(names) else str(category)
        item = next((entry for entry in draft.ontology.objects if entry.name == name), None)
        item = item or draft.add_object(name, Shape.BOUNDING_BOX)
        x, y, w, h = box
        confidence = objects["confidence"][index] if objects.get("confidence") else 1.0
        coordinates = BoundingBoxCoordinates(
            height=h / size[1], width=w / size[0], top_left_x=x / size[0], top_left_y=y / size[1]
        )
        instance = draft.place(row, item, coordinates, confidence=confidence)
        instance._origin = origin_of(instance)
        counts.into[Shape.BOUNDING_BOX.value, name] += 1
        for type_, count in instance._origin.carried:
            counts.into[type_, name] += count
        own = objects.get("id", [None] * len(categories))[index]
        if isinstance(own, str) and own not in row._objects:
            row._objects.pop(instance._hash)
            instance._hash = own
            row._objects[own] = instance
        elif own is not None:
            _lose(counts, name, row.data_title, "The id of an object cannot be kept in the hub.")
        area = objects["area"][index] if objects.get("area") else w * h
        if abs(area - w * h) > 0.01 * w * h + 1:
            _lose(counts, name, row.data_title, "An area that is not that of the box cannot be kept in the hub.")
        for key in objects.keys() - {*_OF_OBJECTS, "label", "categories"}:
            _lose(counts, name, row.data_title, f"{key!r} of objects cannot be kept in the hub.")


def _lose(counts: Counts, label: str, title: str, detail: str) -> None:
    counts.into["key", label] += 1
    counts.drop("NATIVE_DROPPED", Feature.NATIVE, ("key", label), Where(row=title), detail)


def _names(dataset: Any) -> list[str]:
    """Return the class names in the features of a dataset; empty if there are none."""
    part = dataset.features.get("objects")
    if part is None:
        raise OptionError("from_hf: the dataset has no column objects with bbox and category.")
    part = getattr(part, "feature", part)
    category = part.get("category") or part.get("label") or part.get("categories")
    label = getattr(category, "feature", category)
    return list(getattr(label, "names", None) or [])


def _size(dataset: Any, number: int, record: Any, title: str) -> tuple[int, int]:
    """Return width and height, from the columns, else from the image."""
    if record.get("width") and record.get("height"):
        return int(record["width"]), int(record["height"])
    image = dataset[number].get("image")
    if image is None:
        raise OptionError(f"from_hf: the size of {title} is unknown: it has neither width and height nor an image.")
    width, height = image.size
    return int(width), int(height)
