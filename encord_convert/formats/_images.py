"""Iteration over narrowed labels image by image, for simple exporters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from encord_convert.formats.coco.write_images import Names, file_name, frames_of
from encord_convert.formats.masks.names import safe_path
from encord_convert.hub.loss import Feature
from encord_convert.hub.rasterize import LEAST_TOLERANCE_PX
from encord_convert.hub.visibility import drawn_box, frame_size
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance


@dataclass(frozen=True, slots=True)
class Image:
    """One image, and the objects on it that a format carries.

    Parameters
    ----------
    name : str
        File name, unique in the set, ``/`` between folders.
    row : LabelRowV2
    frame : int
        Of the row, from 0.
    width, height : int
        Pixels.
    objects : list of ObjectInstance
        In the order of the row.
    """

    name: str
    row: LabelRowV2
    frame: int
    width: int
    height: int
    objects: list[ObjectInstance]
    _tolerance_px: float

    @property
    def title(self) -> str:
        """The title of a single-image row (titles may repeat), else the name."""
        return self.row.data_title if self.row.data_type is DataType.IMAGE else self.name

    def box_of(self, instance: ObjectInstance) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of an object in pixels, cut at the border of the image."""
        coordinates = instance._frames[self.frame].coordinates
        return drawn_box(coordinates, self.width, self.height, self._tolerance_px)


def label_path(name: str) -> str:
    """Return the path of an image's label file without suffix, safe on every system."""
    folder, slash, last = safe_path(name).rpartition("/")
    return folder + slash + (last.rpartition(".")[0] or last)


def images(narrowed: Narrowed, names: Names | None = None) -> Iterator[Image]:
    """Yield the images of a narrowed label set.

    Of a video only frames with labels are yielded. All objects have shapes that the format carries or approximates, and
    non-empty geometry, so exporters have no losses to report.

    Parameters
    ----------
    narrowed : Narrowed
    names : Names, optional
        Makes image names unique and records which ones changed.
    """
    carries = narrowed.carries
    tolerance_px = max(carries.tolerance_px, LEAST_TOLERANCE_PX)
    names = names or Names()
    for left in narrowed:
        row, written = left.row, left.on_frames()
        labelled = {frame for instance in row._objects.values() for frame in instance._frames}
        if Feature.CLASSIFICATIONS in carries.features:
            labelled.update(frame for label in row._classifications.values() for frame in label._frames)
        for frame in frames_of(row, labelled, everything=False):
            if frame in written or Feature.EMPTY_ROWS in carries.features:
                name = names.unique(file_name(row, frame))
                yield Image(name, row, frame, *frame_size(row, frame), written.get(frame, []), tolerance_px)


def named_images(narrowed: Narrowed, target: object = None, options: object = None) -> Iterator[Image]:
    """Yield the same images for a format that writes their names, and note how many names changed."""
    names = Names()
    yield from images(narrowed, names)
    names.say_clashes(narrowed.note)
