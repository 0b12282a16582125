"""A frame of a label row."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.objects._label_row_data import FrameLevelImageGroupData, LabelRowReadOnlyData
from encord_convert.sdk.objects.constants import DEFAULT_CONFIDENCE, DEFAULT_MANUAL_ANNOTATION

if TYPE_CHECKING:
    from encord_convert.sdk.objects._label_row import LabelRowV2
    from encord_convert.sdk.objects.classification import Classification
    from encord_convert.sdk.objects.classification_instance import ClassificationInstance
    from encord_convert.sdk.objects.coordinates import Coordinates
    from encord_convert.sdk.objects.metadata import DICOMSliceMetadata
    from encord_convert.sdk.objects.ontology_object import Object
    from encord_convert.sdk.objects.ontology_object_instance import ObjectInstance


@seen_as("encord_convert.sdk.objects.ontology_labels_impl:LabelRowV2.FrameView")
class FrameView:
    """A frame of a label row: a handle that always shows the row as it is now.

    Parameters
    ----------
    label_row : LabelRowV2
    label_row_read_only_data : LabelRowV2.LabelRowReadOnlyData
        Not kept: the row itself is asked, which may have been read again.
    frame : int
        From 0; not checked.
    """

    __slots__ = ("_frame", "_row")

    def __init__(self, label_row: LabelRowV2, label_row_read_only_data: LabelRowReadOnlyData, frame: int) -> None:
        self._row = label_row
        self._frame = frame

    @property
    def frame(self) -> int:
        """The frame, from 0."""
        return self._frame

    def _image(self) -> FrameLevelImageGroupData:
        """Return the image; :class:`LabelRowError` if the row has no images, ``KeyError`` if none is this frame's."""
        self._row._check_has_images("The image of a frame")
        return self._row._label_row_read_only_data.frame_level_data[self._frame]

    @property
    def image_hash(self) -> str:
        """The hash of the image. Images and image groups only."""
        return self._image().image_hash

    @property
    def image_title(self) -> str:
        """The title of the image. Images and image groups only."""
        return self._image().image_title

    @property
    def file_type(self) -> str:
        """The MIME type of the image. Images and image groups only."""
        return self._image().file_type

    @property
    def data_link(self) -> str | None:
        """Where the image is. Images and image groups only."""
        return self._image().data_link

    @property
    def width(self) -> int:
        """Pixels. :class:`LabelRowError` if the row does not say."""
        if self._row.data_type is DataType.IMG_GROUP:
            return self._image().width
        return _known(self._row.width, "width")

    @property
    def height(self) -> int:
        """Pixels. :class:`LabelRowError` if the row does not say."""
        if self._row.data_type is DataType.IMG_GROUP:
            return self._image().height
        return _known(self._row.height, "height")

    @property
    def metadata(self) -> DICOMSliceMetadata | None:
        """The DICOM slice the frame shows, if it is known."""
        return self._row._slice(self._frame)

    def add_object_instance(
        self,
        object_instance: ObjectInstance,
        coordinates: Coordinates,
        *,
        overwrite: bool = False,
        created_at: datetime | None = None,
        created_by: str | None = None,
        last_edited_at: datetime | None = None,
        last_edited_by: str | None = None,
        confidence: float | None = None,
        manual_annotation: bool | None = None,
    ) -> None:
        """Place an object on the frame, and add it to the row if it is in none.

        The parameters are those of :meth:`ObjectInstance.set_for_frames`.

        Raises
        ------
        LabelRowError
            The object is in another row, or cannot be placed here; nothing was changed.
        """
        row = object_instance.is_assigned_to_label_row()
        if row is not None and row is not self._row:
            raise LabelRowError("The object is in another label row. Add a copy of it.")
        if row is None:
            self._row._check_can_add_object(object_instance, self._frame)
        object_instance.set_for_frames(
            coordinates,
            self._frame,
            overwrite=overwrite,
            created_at=created_at,
            created_by=created_by,
            last_edited_at=last_edited_at,
            last_edited_by=last_edited_by,
            confidence=confidence,
            manual_annotation=manual_annotation,
        )
        if row is None:
            self._row.add_object_instance(object_instance)

    def add_classification_instance(
        self,
        classification_instance: ClassificationInstance,
        *,
        overwrite: bool = False,
        created_at: datetime | None = None,
        created_by: str | None = None,
        confidence: float = DEFAULT_CONFIDENCE,
        manual_annotation: bool = DEFAULT_MANUAL_ANNOTATION,
        last_edited_at: datetime | None = None,
        last_edited_by: str | None = None,
    ) -> None:
        """Place a classification on the frame, and add it to the row if it is in none.

        The parameters are those of :meth:`ClassificationInstance.set_for_frames`.

        Raises
        ------
        LabelRowError
            The classification is in another row, another of its kind is on the frame, or it cannot be placed here;
            nothing was changed.
        """
        row = classification_instance._label_row()
        if row is not None and row is not self._row:
            raise LabelRowError("The classification is in another label row. Add a copy of it.")
        if row is None:
            self._row._check_can_add_classification(classification_instance, self._frame)
        classification_instance.set_for_frames(
            self._frame,
            overwrite=overwrite,
            created_at=created_at,
            created_by=created_by,
            confidence=confidence,
            manual_annotation=manual_annotation,
            last_edited_at=last_edited_at,
            last_edited_by=last_edited_by,
        )
        if row is None:
            self._row.add_classification_instance(classification_instance)

    def get_object_instances(self, filter_ontology_object: Object | None = None) -> list[ObjectInstance]:
        """Return the objects on the frame, of one class if one is named."""
        return self._row.get_object_instances(filter_ontology_object, self._frame)

    def get_classification_instances(
        self, filter_ontology_classification: Classification | None = None
    ) -> list[ClassificationInstance]:
        """Return the classifications on the frame, of one kind if one is named."""
        return self._row.get_classification_instances(filter_ontology_classification, self._frame)


def _known(pixels: int | None, name: str) -> int:
    if pixels is None:
        raise LabelRowError(f"The label row does not say the {name} of its data.")
    return pixels
