"""Labels image by image, with what a format does not carry taken away: the short way to an exporter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from encord_convert.formats.coco.write_images import Names, file_name, frames_of
from encord_convert.formats.masks.names import safe_path
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.rasterize import LEAST_TOLERANCE_PX
from encord_convert.hub.visibility import drawn_box, frame_size
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance


@dataclass(frozen=True, slots=True)
class Image:
    """One image, and the objects on it that a format carries.

    Parameters
    ----------
    name : str
        Its file name, ``/`` between folders; no other image of the set has it.
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
        """What its row is called, if the row is one image: two rows may have one title. Else its name."""
        return self.row.data_title if self.row.data_type is DataType.IMAGE else self.name

    def box_of(self, instance: ObjectInstance) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of an object in pixels, cut at the border of the image."""
        coordinates = instance._frames[self.frame].coordinates
        return drawn_box(coordinates, self.width, self.height, self._tolerance_px)


def label_path(name: str) -> str:
    """Return the path of the label file of an image: its name, safe on every system and without its suffix."""
    folder, slash, last = safe_path(name).rpartition("/")
    return folder + slash + (last.rpartition(".")[0] or last)


def images(labels: LabelSet, report: Report, carries: Carries) -> Iterator[Image]:
    """Walk the images of a label set, and tell the report what ``carries`` does not carry.

    Of a video the frames with labels are walked. What is yielded can be written as it is declared: objects with shapes
    that are carried or approximated, and geometry that can be drawn. An exporter that writes it has no loss to tell.
    """
    return images_of(Narrowed(labels, report, carries))


def images_of(narrowed: Narrowed) -> Iterator[Image]:
    """Walk the images of labels of which a declaration has taken away what is not carried."""
    carries = narrowed.carries
    tolerance_px = max(carries.tolerance_px, LEAST_TOLERANCE_PX)
    names = Names()
    for left in narrowed:
        row, written = left.row, left.on_frames()
        labelled = {frame for instance in row._objects.values() for frame in instance._frames}
        if Feature.CLASSIFICATIONS in carries.features:
            labelled.update(frame for one in row._classifications.values() for frame in one._frames)
        for frame in frames_of(row, labelled, everything=False):
            if frame in written or Feature.EMPTY_ROWS in carries.features:
                name = names.unique(file_name(row, frame))
                yield Image(name, row, frame, *frame_size(row, frame), written.get(frame, []), tolerance_px)
