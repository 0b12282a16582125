"""Images of a CVAT file that are frames of one row: the file was written by this package and says so."""

from __future__ import annotations

from collections.abc import Iterable

from encord_convert.formats.cvat.exact_xml import Image
from encord_convert.formats.cvat.meta import Own, OwnRow
from encord_convert.formats.cvat.read_images import Images
from encord_convert.formats.cvat.stats import frame_number
from encord_convert.formats.cvat.united import United
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import Native
from encord_convert.hub.splits import metadata_of
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

_TYPES = {one.value: one for one in (DataType.IMG_GROUP, DataType.DICOM, DataType.VIDEO)}


def own_row(own: Own | None) -> OwnRow | None:
    """Return the row that a file says it is about, if that is of a kind whose frames belong together."""
    row = None if own is None else own.row
    return row if row is not None and row.type in _TYPES and row.units else None


class Groups:
    """Gathers the labels of images, and makes the row they are on, or adds them to one.

    Parameters
    ----------
    images : Images
        Makes the labels of each.
    draft : Draft
    counts : Counts
    own : Own
        What the file says of itself.
    key : tuple of str
        What tells this file from others of the source.
    """

    def __init__(self, images: Images, draft: Draft, counts: Counts, own: Own, key: tuple[str, ...]) -> None:
        assert own.row is not None
        self._images = images
        self._draft = draft
        self._counts = counts
        self._own = own
        self._row = own.row
        self._key = key
        self._united = United(counts)

    @property
    def is_video(self) -> bool:
        """Whether the row is a video, whose objects are tracks."""
        return _TYPES[self._row.type] is DataType.VIDEO

    def add(self, images: Iterable[Image]) -> None:
        """Take the next images."""
        for image in images:
            self._counts.into["image", ""] += 1
            frame = frame_number(image.attributes.get("id")) or 0
            hash_of = self._draft.hashes.series("picture", *self._key, frame)
            labels = self._images.labels(image, max(0, frame), hash_of)
            self._united.add(image, labels, hash_of)

    def row(self) -> LabelRowV2:
        """Return the row of all images."""
        own = self._row
        units = [
            self._draft.unit(unit.title, unit.width, unit.height, (*self._key, str(number)), number)
            for number, unit in enumerate(own.units)
        ]
        for unit, said in zip(units, own.units, strict=True):
            unit.data_type = said.type
        row = self._draft.row(
            _TYPES[own.type],
            own.title,
            units,
            frames=own.frames,
            key=(*self._key, "group"),
            dataset=self._own.title,
            client_metadata=metadata_of(own.subset),
        )
        return self.filled(row)

    def filled(self, row: LabelRowV2) -> LabelRowV2:
        """Add the labels of all images to a row, and return it."""
        row._origin = self._images.account.place
        if row._file is None:
            row._file = LabelFile(self._images.member, self._row.title)
        for instance in self._united.labels:
            row._adopt(instance)
        own = self._images.native({}, self._united.joined)
        if own is not None and row._native is not None:
            row._native = Native(own.family, row._native.row, {**row._native.labels, **own.labels})
        elif own is not None:
            row._native = own
        self._united = United(self._counts)
        if self.is_video:
            row._units[0].data_title, row._units[0].data_type = self._row.units[0].title, self._row.units[0].type
            row.client_metadata = metadata_of(self._row.subset)
        return row
