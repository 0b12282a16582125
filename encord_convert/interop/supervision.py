"""Label sets as a ``supervision.DetectionDataset``, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.errors import OptionError
from encord_convert.hub.changes import origin_of
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Where
from encord_convert.hub.media import read_header
from encord_convert.interop import imported, reported
from encord_convert.interop.detections import Detections, carries
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates

if TYPE_CHECKING:
    from encord_convert.losses.report import Report

HASHES = "object_hash"
"""Key of ``Detections.data`` with the hash of each object."""
_OWN = (HASHES, "class_name")


def to_supervision(labels: LabelSet, *, images: Any = None, masks: bool = True, report: Report | None = None) -> Any:
    """Return the dataset of a label set; see :meth:`LabelSet.to_supervision`."""
    library = imported("supervision", "to_supervision")
    annotations: dict[str, Any] = {}
    with reported(report, "supervision") as account:
        declared = carries(Feature.CONFIDENCE, Feature.MANUAL, Feature.TRACKS, masks=masks)
        found = Detections(labels, account, declared, images)
        trackers: dict[tuple[str, str], int] = {}
        for match in found:
            if match.path in annotations:
                raise OptionError(f"to_supervision: two images are named {match.path!r}; filter one out.")
            tracker = [trackers.setdefault((match.title.rpartition("/")[0], hash_), len(trackers) + 1) if flag else -1
                       for hash_, flag in zip(match.hashes, match.tracked, strict=True)]  # fmt: skip
            annotations[match.path] = library.Detections(
                xyxy=match.boxes(),
                mask=match.masks() if masks else None,
                confidence=np.array(match.confidences, np.float64),
                class_id=np.array(match.classes, np.int64),
                tracker_id=np.array(tracker, np.int64) if any(match.tracked) else None,
                data={HASHES: np.array(match.hashes, dtype=str)},
            )
    return library.DetectionDataset(classes=found.classes, images=list(annotations), annotations=annotations)


def from_supervision(dataset: Any, *, sizes: Mapping[str, tuple[int, int]] | None = None) -> LabelSet:
    """Return the label set of a dataset; see :meth:`LabelSet.from_supervision`."""
    imported("supervision", "from_supervision")
    draft, counts = Draft("supervision"), Counts()
    rows = []
    for path, detections in dataset.annotations.items():
        width, height = _size(dataset, path, detections, sizes or {})
        unit = draft.unit(path, width, height, [path])
        row = draft.row(DataType.IMAGE, path, [unit], frames=1, key=[path])
        where = Where(row=path)
        for key, values in detections.data.items():
            if key not in _OWN:
                counts.drop("NATIVE_DROPPED", Feature.NATIVE, ("key", ""), where, f"The key {key!r} of the detections "
                            "has no place in the hub.", count=len(values))  # fmt: skip
                counts.into["key", ""] += len(values)
        hashes = detections.data.get(HASHES, [None] * len(detections))
        for index, box in enumerate(detections.xyxy.tolist()):
            number = -1 if detections.class_id is None else int(detections.class_id[index])
            if not 0 <= number < len(dataset.classes):
                raise OptionError(f"from_supervision: detection {index} of {path} has no class.")
            coordinates, shape = _coordinates(box, detections.mask, index, width, height)
            name = dataset.classes[number]
            item = next((o for o in draft.ontology.objects if (o.name, o.shape) == (name, shape)), None)
            item = item or draft.add_object(name, shape)
            confidence = 1.0 if detections.confidence is None else float(detections.confidence[index])
            instance = draft.place(row, item, coordinates, confidence=confidence)
            if hashes[index] and str(hashes[index]) not in row._objects:
                row._objects.pop(instance._hash)
                instance._hash = str(hashes[index])
                row._objects[instance._hash] = instance
            instance._origin = origin_of(instance)
            counts.into[shape.value, name] += 1
            for type_, count in instance._origin.carried:
                counts.into[type_, name] += count
        if detections.tracker_id is not None:
            counts.drop("TRACKS_DROPPED", Feature.TRACKS, ("track", ""), where, "Images of a dataset have no order: "
                        "tracker ids are not read.", count=len(detections))  # fmt: skip
            counts.into["track", ""] += len(detections)
        rows.append(row)
    counts.mark_head()
    return LabelSet(draft.ontology, rows, title="supervision", counts=counts)


def _coordinates(box: list[float], masks: Any, index: int, width: int, height: int) -> tuple[Any, Shape]:
    x0, y0, x1, y1 = box
    if masks is not None:
        mask = np.asarray(masks[index], bool)
        whole = np.zeros_like(mask)
        whole[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
        if not np.array_equal(mask, whole):  # else it is the filled box
            return BitmaskCoordinates(mask), Shape.BITMASK
    coordinates = BoundingBoxCoordinates(
        height=(y1 - y0) / height, width=(x1 - x0) / width, top_left_x=x0 / width, top_left_y=y0 / height
    )
    return coordinates, Shape.BOUNDING_BOX


def _size(dataset: Any, path: str, detections: Any, sizes: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Return width and height of an image: as given, else of its mask, its pixels or its file."""
    if path in sizes:
        return sizes[path]
    if detections.mask is not None and len(detections):
        height, width = np.asarray(detections.mask[0]).shape
        return int(width), int(height)
    held = dataset._images_in_memory.get(path)
    if held is not None:
        return int(held.shape[1]), int(held.shape[0])
    try:
        with Path(path).open("rb") as stream:
            header = read_header(stream, path)
    except OSError:
        header = None
    if header is None:
        raise OptionError(f"from_supervision: the size of {path} is unknown. Pass sizes={{{path!r}: (640, 480)}}.")
    return header.shown
