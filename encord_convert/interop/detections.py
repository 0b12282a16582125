"""Images of a label set with boxes and masks in pixels, for detection libraries.

Boxes are upright, ``[x0, y0, x1, y1]`` in px, clipped to the image; masks are the pixels of the shape.
Points, lines, keypoints and classifications are dropped; ellipses, circles and cuboids become the outlines around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.formats._files import Source, source_at
from encord_convert.formats._finding import Finder, beside
from encord_convert.geometry.rle import frame_runs_from_box_runs, mask_from_runs
from encord_convert.hub.conversions import box_of
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.rasterize import raster
from encord_convert.hub.splits import split_of
from encord_convert.hub.visibility import CROWD, frame_size, is_crowd, unit_of
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from encord_convert.hub.labelset import LabelSet
    from encord_convert.losses.report import Report
    from encord_convert.sdk.objects import LabelRowV2

TOLERANCE_PX = 0.005


def carries(*features: Feature, masks: bool, crowds: bool = False) -> Carries:
    """Return what is carried, plus these features: pixels of shapes with an outline, else only boxes."""
    approximates: dict[Any, str] = {
        Shape.ROTATABLE_BOUNDING_BOX: "ROTATION_AS_BOX",
        Shape.POLYGON: "POLYGON_AS_MASK" if masks else "POLYGON_AS_BOX",
    }
    if not masks:
        approximates[Shape.BITMASK] = "MASK_AS_BOX"
    return Carries(
        shapes=frozenset({Shape.BOUNDING_BOX, *([Shape.BITMASK] if masks else [])}),
        data_types=frozenset({DataType.IMAGE}),
        features=frozenset({Feature.EMPTY_ROWS, Feature.OVERLAPS, Feature.HOLES, Feature.PARTS, *features}),
        approximates=frozenset(approximates),
        tolerance_px=TOLERANCE_PX,
        codes={
            **approximates,
            Feature.OUT_OF_BOUNDS: "CLIPPED",
            (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
            (Feature.DEGENERATE, Shape.POLYGON): "INVALID_POLYGON",
        },
        colours_by=None,
        keeps_upright=True,
        keeps_answer=(lambda attribute, value: attribute.name.lower() in CROWD) if crowds else None,
    )


@dataclass(slots=True)
class Detected:
    """One image, and what is detected on it.

    Parameters
    ----------
    title, split : str
    frame : int
        Of a video, from 0.
    size : (int, int)
        Width and height, px.
    member : str or None
        Image file in the searched source; None: not found.
    path : str
        Path of the file on disk, else the title of the image.
    classes : list of int
        Indexes of the class names.
    hashes : list of str
        Of the objects.
    coordinates : list
        Relative to the image.
    confidences : list of float
    crowds : list of bool
        Whether each is a region of several.
    """

    title: str
    split: str
    frame: int
    size: tuple[int, int]
    member: str | None
    path: str
    classes: list[int] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    coordinates: list[Any] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    crowds: list[bool] = field(default_factory=list)
    tracked: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.classes)

    def boxes(self) -> NDArray[np.float64]:
        """Return the boxes: (n, 4), left, top, right, bottom in px."""
        return np.array([box_of(coordinate, self.size) for coordinate in self.coordinates], np.float64).reshape(-1, 4)

    def masks(self) -> NDArray[np.bool_] | None:
        """Return the masks: (n, height, width); None if no shape is more than a box."""
        if all(type(coordinate)._key == "boundingBox" for coordinate in self.coordinates):
            return None
        width, height = self.size
        found = np.zeros((len(self), height, width), bool)
        for index, one in enumerate(self.coordinates):
            runs = frame_runs_from_box_runs(*raster(one, width, height, TOLERANCE_PX), width, height)
            found[index] = mask_from_runs(runs, height, width)
        return found


class Detections:
    """The images of a label set, one after the other.

    Parameters
    ----------
    labels : LabelSet
    report : Report
        Receives what is not carried.
    declared : Carries
    images : path, optional
        Folder or archive with the images; by default they are looked for next to the labels.

    Attributes
    ----------
    classes : list of str
        Names of the detectable classes, in ontology order.
    source : Source or None
        Source of the images.
    """

    def __init__(self, labels: LabelSet, report: Report, declared: Carries, images: Any = None) -> None:
        self._narrowed = Narrowed(labels, report, declared)
        shapes = declared.shapes | declared.approximates
        named = [item.title for item in self._narrowed.labels.ontology.objects if item.shape in shapes]
        self.classes = list(dict.fromkeys(named))
        self._finder = Finder(source_at(images)) if images is not None else beside(labels.source or _NoSource())
        self.source: Source | None = None if self._finder is None else self._finder.source

    def __iter__(self) -> Iterator[Detected]:
        numbers = {name: number for number, name in enumerate(self.classes)}
        for left in self._narrowed:
            placed = left.on_frames()
            for frame in _frames(left.row, placed):
                shown = self._image(left.row, frame)
                for instance in placed.get(frame, ()):
                    data = instance._frames[frame]
                    shown.classes.append(numbers[instance.object_name])
                    shown.hashes.append(instance.object_hash)
                    shown.coordinates.append(data.coordinates)
                    shown.confidences.append(float(data.object_frame_instance_info.confidence))
                    shown.crowds.append(is_crowd(instance, frame))
                    shown.tracked.append(len(instance._frames) > 1)
                yield shown

    def _image(self, row: LabelRowV2, frame: int) -> Detected:
        member = None if self._finder is None else self._finder.find(row, frame)
        found = None if member is None or self.source is None else self.source.path(member)
        name = unit_of(row, frame).data_title if row.data_type is DataType.IMG_GROUP else row.data_title
        if row.data_type in (DataType.VIDEO, DataType.DICOM):
            name = f"{name}/{frame:06d}"
        path = name if found is None else str(found)
        return Detected(name, split_of(row.client_metadata), frame, frame_size(row, frame), member, path)


class _NoSource:
    """Placeholder for a set without a source."""

    name = ""


def _frames(row: LabelRowV2, placed: Any) -> list[int]:
    """Return the frames to use: all of stills and groups, labelled ones of videos and series."""
    if row.data_type in (DataType.VIDEO, DataType.DICOM):
        return sorted(placed)
    return list(range(max(1, row.number_of_frames)))
