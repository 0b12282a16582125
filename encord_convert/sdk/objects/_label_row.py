"""Label rows: the labels of one image, image group, video or DICOM series.

The module is one thing, the documented class with all its methods; what these do stands in modules of their own.

Source: label-row JSON, "Object model".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar, cast
from weakref import ref

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.objects._collector import paused
from encord_convert.sdk.objects._frame_view import FrameView
from encord_convert.sdk.objects._instance import LabelInstance, by_serial
from encord_convert.sdk.objects._label_row_data import (
    DataUnit,
    FrameLevelImageGroupData,
    LabelRowReadOnlyData,
    like,
    read_only_data_from,
)
from encord_convert.sdk.objects._label_row_reader import Contents, Reader, is_bounded, number_of_frames_in
from encord_convert.sdk.objects._label_row_saving import SavingLabelRow
from encord_convert.sdk.objects._label_row_writer import Writer
from encord_convert.sdk.objects._watching import Watch
from encord_convert.sdk.objects.classification_instance import ClassificationInstance
from encord_convert.sdk.objects.coordinates import _copied
from encord_convert.sdk.objects.frames import Frames, frames_class_to_frames_list
from encord_convert.sdk.objects.ontology_object_instance import ObjectInstance
from encord_convert.sdk.orm.label_row import LabelRowMetadata, LabelStatus

if TYPE_CHECKING:
    from encord_convert.sdk.objects.classification import Classification
    from encord_convert.sdk.objects.metadata import DICOMSeriesMetadata, DICOMSliceMetadata
    from encord_convert.sdk.objects.ontology_object import Object
    from encord_convert.sdk.objects.ontology_structure import OntologyStructure

InstanceT = TypeVar("InstanceT", bound=LabelInstance)

_IMAGES = (DataType.IMAGE, DataType.IMG_GROUP)


@seen_as("encord_convert.sdk.objects.ontology_labels_impl:LabelRowV2")
class LabelRowV2(SavingLabelRow):
    """The labels of one image, image group, video or DICOM series.

    What the listing says can be read at once; labels can when the row is initialised: from the server with
    :meth:`initialise_labels`, from JSON with :meth:`from_labels_dict`.

    Parameters
    ----------
    label_row_metadata : LabelRowMetadata
        What the listing says.
    project_client : optional
        Where the row is stored. None: nowhere; the row is offline.
    ontology : Ontology or OntologyStructure
        The classes the labels are drawn with, or something that has them under ``structure``.

    Attributes
    ----------
    client_metadata : dict or None
        What the owner of the data has noted on it; kept, not written.
    """

    FrameView: TypeAlias = FrameView
    FrameLevelImageGroupData: TypeAlias = FrameLevelImageGroupData
    LabelRowReadOnlyData: TypeAlias = LabelRowReadOnlyData

    def __init__(self, label_row_metadata: LabelRowMetadata, project_client: Any, ontology: Any) -> None:
        self._begin(read_only_data_from(label_row_metadata), project_client, ontology)
        self._client_metadata = getattr(label_row_metadata, "_client_metadata", None)

    def _begin(self, stats: LabelRowReadOnlyData, store: Any, ontology: Any) -> None:
        self._store = store
        self._ontology = ontology
        self._contents = Contents(stats)
        self._is_initialised = False
        self._origin: Any = None
        self._native: Any = None  # what only its source has words for: `encord_convert.hub.native.Native`
        self._file: Any = None  # where its images are looked for: `encord_convert.hub.media.LabelFile`
        self._ref: ref[Any] = ref(self)
        self._next_serial = 0
        self._objects_by_frame: dict[int, dict[str, ObjectInstance]] | None = None
        self._classifications_by_frame: dict[int, dict[str, ClassificationInstance]] | None = None

    @classmethod
    def _build(cls, metadata: LabelRowMetadata, structure: OntologyStructure, units: Sequence[DataUnit]) -> Self:
        """Return an offline row, initialised and without labels.

        Parameters
        ----------
        units : sequence of DataUnit
            In order.
        """
        return cls._of_stats(read_only_data_from(metadata), structure, units)

    @classmethod
    def _of_stats(cls, stats: LabelRowReadOnlyData, structure: OntologyStructure, units: Sequence[DataUnit]) -> Self:
        """Return what :meth:`_build` does, of facts that are the row's from now on."""
        row = cls.__new__(cls)
        row._begin(stats, None, structure)
        row._contents.units = list(units)
        row._is_initialised = True
        row._client_metadata = None
        return row

    @classmethod
    def _from_dict(cls, row_dict: dict[str, Any], structure: OntologyStructure) -> Self:
        """Return the offline row a JSON object describes; what a listing would say is taken from the row itself."""
        row = cls(_metadata_from_row(row_dict), None, structure)
        row.from_labels_dict(row_dict)
        return row

    def __repr__(self) -> str:
        named = f"label_hash={self.label_hash}, data_hash={self.data_hash}, data_title={self.data_title}"
        if self._is_initialised:
            named += f", objects={len(self._objects)}, classifications={len(self._classifications)}"
        return f"LabelRowV2({named})"

    def _repr_html_(self) -> str:
        """Show the labels of the first frame that has some, in a notebook."""
        # The page stands on a floor above, which is reached only when it is asked for.
        shown: str = import_module("encord_convert.view.notebook").row_html(self)
        return shown

    @property
    def metadata(self) -> DICOMSeriesMetadata | None:
        """The DICOM series the row labels, if it is one and known."""
        self._check_initialised()
        if self._contents.series is not None:
            self._touch()  # the record can be changed
        return self._contents.series

    @property
    def _units(self) -> list[DataUnit]:
        """The files, in order."""
        return self._contents.units

    @property
    def _objects(self) -> dict[str, ObjectInstance]:
        """The objects by hash, in order of addition."""
        return self._contents.objects

    @property
    def _classifications(self) -> dict[str, ClassificationInstance]:
        """The classifications by hash, in order of addition."""
        return self._contents.classifications

    def _check_initialised(self) -> None:
        if not self._is_initialised:
            raise LabelRowError(
                "The labels of this row are not there yet. Call initialise_labels, or from_labels_dict with its JSON."
            )

    def _check_has_images(self, what: str) -> None:
        if self.data_type not in _IMAGES:
            raise LabelRowError(f"{what} exists in images and image groups only; this row is {self.data_type.value}.")

    # --- being watched ----------------------------------------------------------------------------------------------

    @property
    def client_metadata(self) -> dict[str, Any] | None:
        """What the owner of the data has noted on it; kept, not written."""
        metadata = self._client_metadata
        if metadata is not None and self._ref.__class__ is not ref:
            cast(Watch, self._ref).shown(metadata)
        return metadata

    @client_metadata.setter
    def client_metadata(self, client_metadata: dict[str, Any] | None) -> None:
        self._touch()
        self._client_metadata = client_metadata

    def _touch(self) -> None:
        """Tell whoever watches the row that it is about to change."""
        if self._ref.__class__ is not ref:
            cast(Watch, self._ref).touched()

    def _watch(self, watch: ref[Any]) -> None:
        """Be watched from now on, with all that is in the row."""
        self._ref = watch
        for instance in self._instances(self._contents):
            instance._row = watch

    def _put_back(self, instance: ObjectInstance | ClassificationInstance) -> None:
        """Give an instance that has outlived its row its place in this one, which is the same row read again."""
        for frame in instance._frames:
            self._check_frame(frame)
            self._contents.touched.setdefault(frame)
        instances: dict[str, Any] = (
            self._contents.objects if isinstance(instance, ObjectInstance) else self._contents.classifications
        )
        before = instances.get(instance._hash)
        if before is None:
            self._adopt(instance)
        else:
            instances[instance._hash] = instance
            instance._row, instance._serial = before._row, before._serial
            before._row = None
        self._objects_by_frame = self._classifications_by_frame = None

    def _twin(self, but: Collection[str] = ()) -> Self:
        """Return a copy of the row with the same hashes, watched by nobody. Nothing that changes is shared.

        ``but`` are hashes of labels that the copy does not have.
        """
        twin = self.__class__.__new__(self.__class__)
        twin._begin(like(self._contents.stats), self._store, self._ontology)
        twin._contents.take(self._contents)
        twin._is_initialised = self._is_initialised
        twin._origin, twin._native, twin._file = self._origin, self._native, self._file
        told = twin._contents.extras.get("client_metadata")
        twin._client_metadata = told if told == self._client_metadata else _copied(self._client_metadata)
        for instance in self._instances(self._contents):
            if instance._hash not in but:
                twin._adopt(instance._twin())  # type: ignore[arg-type]
        return twin

    # --- labels as JSON ---------------------------------------------------------------------------------------------

    def from_labels_dict(self, label_row_dict: dict[str, Any]) -> None:
        """Take the labels of a row's JSON; whatever the row held is replaced.

        Instances the row held are in no row afterwards.

        Raises
        ------
        KeyError, TypeError, ValueError, LabelRowError, OntologyError, NotImplementedError, EncordException
            The JSON is not a label row of this ontology; the row is as it was.
        """
        self._touch()
        with paused():
            contents = Reader(self.ontology_structure, self._contents.stats).read(label_row_dict)
        for instance in self._instances(self._contents):
            instance._row = None
        self._contents = contents
        self._is_initialised = True
        self._objects_by_frame = self._classifications_by_frame = None
        own = self._ref
        serial = 0
        for serial, instance in enumerate(self._instances(contents), 1):
            instance._row = own
            instance._serial = serial
        self._next_serial = serial + 1
        if label_row_dict.get("client_metadata") is not None:
            self.client_metadata = contents.extras["client_metadata"]

    def to_encord_dict(self) -> dict[str, Any]:
        """Return the row's JSON, a new dictionary.

        Raises
        ------
        LabelRowError
            The row is not initialised.
        OntologyError
            A label's class is no longer in the ontology.
        ValueError
            A bitmask is of another size than its frame.
        """
        self._check_initialised()
        with paused():
            return Writer(self.ontology_structure, self._contents).write()

    @staticmethod
    def _instances(contents: Contents) -> Iterable[LabelInstance]:
        yield from contents.objects.values()
        yield from contents.classifications.values()

    # --- frames -----------------------------------------------------------------------------------------------------

    @property
    def _label_row_read_only_data(self) -> LabelRowReadOnlyData:
        """What the row says about itself, images included."""
        stats = self._contents.stats
        if self.data_type in _IMAGES and len(stats.frame_level_data) != len(self._contents.units):
            for unit in self._contents.units:
                frame = unit.data_sequence
                stats.frame_level_data[frame] = FrameLevelImageGroupData(
                    image_hash=unit.data_hash,
                    image_title=unit.data_title,
                    file_type=unit.data_type,
                    frame_number=frame,
                    width=unit.width,  # type: ignore[arg-type]
                    height=unit.height,  # type: ignore[arg-type]
                    data_link=unit.data_link,
                )
                stats.image_hash_to_frame[unit.data_hash] = frame
                stats.frame_to_image_hash[frame] = unit.data_hash
        return stats

    def get_image_hash(self, frame_number: int) -> str | None:
        """Return the hash of the image of a frame, None if there is none. Images and image groups only."""
        self._check_initialised()
        self._check_has_images("The image of a frame")
        return self._label_row_read_only_data.frame_to_image_hash.get(frame_number)

    def get_frame_number(self, image_hash: str) -> int | None:
        """Return the frame of an image, None if no image has the hash. Images and image groups only."""
        self._check_initialised()
        self._check_has_images("The frame of an image")
        return self._label_row_read_only_data.image_hash_to_frame.get(image_hash)

    def get_frame_view(self, frame: int | str = 0) -> FrameView:
        """Return a handle on a frame.

        Parameters
        ----------
        frame : int or str
            From 0, not checked; or, in an image group, the hash of the image.

        Raises
        ------
        KeyError
            No image has the hash.
        """
        self._check_initialised()
        data = self._label_row_read_only_data
        if isinstance(frame, str):
            self._check_has_images("The frame of an image")
            return FrameView(self, data, data.image_hash_to_frame[frame])
        return FrameView(self, data, frame)

    def get_frame_views(self) -> list[FrameView]:
        """Return a handle on each frame."""
        self._check_initialised()
        data = self._label_row_read_only_data
        return [FrameView(self, data, frame) for frame in range(self.number_of_frames)]

    def _slice(self, frame: int) -> DICOMSliceMetadata | None:
        found = self._contents.slices.get(frame)
        if found is not None:
            self._touch()  # the record can be changed
        return found

    def _check_frame(self, frame: int) -> None:
        if frame < 0 or (frame >= self.number_of_frames and is_bounded(self.data_type)):
            raise LabelRowError(
                f"Frame {frame} is outside the row, which has {self.number_of_frames} frames counted from 0."
            )

    # --- looking up -------------------------------------------------------------------------------------------------

    def get_object_instances(
        self, filter_ontology_object: Object | None = None, filter_frames: Frames | None = None
    ) -> list[ObjectInstance]:
        """Return the objects, in order of addition.

        Parameters
        ----------
        filter_ontology_object : Object, optional
            Only those of this class.
        filter_frames : optional
            Only those on at least one of these frames.
        """
        self._check_initialised()
        return _filtered(self._contents.objects, filter_ontology_object, filter_frames, self._frame_objects)

    def get_classification_instances(
        self, filter_ontology_classification: Classification | None = None, filter_frames: Frames | None = None
    ) -> list[ClassificationInstance]:
        """Return the classifications, in order of addition.

        Parameters
        ----------
        filter_ontology_classification : Classification, optional
            Only those of this kind.
        filter_frames : optional
            Only those on at least one of these frames.
        """
        self._check_initialised()
        return _filtered(
            self._contents.classifications, filter_ontology_classification, filter_frames, self._frame_classifications
        )

    def _frame_objects(self) -> dict[int, dict[str, ObjectInstance]]:
        if self._objects_by_frame is None:
            self._objects_by_frame = _by_frame(self._contents.objects)
        return self._objects_by_frame

    def _frame_classifications(self) -> dict[int, dict[str, ClassificationInstance]]:
        if self._classifications_by_frame is None:
            self._classifications_by_frame = _by_frame(self._contents.classifications)
        return self._classifications_by_frame

    def _has_another(self, classification: ClassificationInstance, frame: int) -> bool:
        """Return whether another classification of the same kind is on the frame."""
        on_frame = self._frame_classifications().get(frame)
        return on_frame is not None and any(
            c is not classification and c.feature_hash == classification.feature_hash for c in on_frame.values()
        )

    # --- adding and removing ----------------------------------------------------------------------------------------

    def _adopt(self, instance: ObjectInstance | ClassificationInstance) -> None:
        """Add an object or a classification at the end, unchecked: it is in no row and its hash is new here."""
        contents = self._contents
        if instance.__class__ is ObjectInstance:
            contents.objects[instance._hash] = instance
            by_frame: Any = self._objects_by_frame
        else:
            contents.classifications[instance._hash] = instance  # type: ignore[assignment]
            by_frame = self._classifications_by_frame
        instance._row = self._ref
        instance._serial = self._next_serial
        self._next_serial += 1
        if by_frame is not None:
            for frame in instance._frames:
                by_frame.setdefault(frame, {})[instance._hash] = instance

    def _placed(self, instance: LabelInstance, frame: int) -> None:
        """Take note that an instance of this row is on a frame."""
        self._contents.touched.setdefault(frame)
        by_frame: Any = (
            self._objects_by_frame if isinstance(instance, ObjectInstance) else self._classifications_by_frame
        )
        if by_frame is not None:
            by_frame.setdefault(frame, {})[instance._hash] = instance

    def _unplaced(self, instance: LabelInstance, frame: int) -> None:
        """Take note that an instance of this row is no longer on a frame."""
        self._contents.touched.setdefault(frame)
        by_frame: Any = (
            self._objects_by_frame if isinstance(instance, ObjectInstance) else self._classifications_by_frame
        )
        if by_frame is not None:
            by_frame.get(frame, {}).pop(instance._hash, None)

    def _check_can_add_object(self, object_instance: ObjectInstance, *more_frames: int) -> None:
        self._check_initialised()
        if object_instance.is_assigned_to_label_row() is not None:
            raise LabelRowError("The object is in a label row already. Remove it there, or add a copy.")
        object_instance._check_dynamic_answers(*more_frames)
        for frame in (*object_instance._frames, *more_frames):
            self._check_frame(frame)

    def _check_can_add_classification(
        self, classification: ClassificationInstance, *more_frames: int, force: bool = False
    ) -> None:
        self._check_initialised()
        if classification.is_assigned_to_label_row():
            raise LabelRowError("The classification is in a label row already. Remove it there, or add a copy.")
        for frame in (*classification._frames, *more_frames):
            self._check_frame(frame)
            if not force and self._has_another(classification, frame):
                raise LabelRowError(
                    f"Frame {frame} has a classification of the kind {classification.feature_hash!r}. "
                    "To add one more, say force=True."
                )
        if not force and classification._hash in self._contents.classifications:
            raise _hash_taken(classification)

    def add_object_instance(self, object_instance: ObjectInstance, force: bool = True) -> None:
        """Add an object at the end.

        Parameters
        ----------
        force : bool
            Whether it takes the place of an object with the same hash, which is in no row then.

        Raises
        ------
        LabelRowError
            The object is not valid, is in a row already, is on a frame outside the row, or has the hash of another
            and ``force`` is false; nothing was changed.
        """
        self._check_initialised()
        object_instance.is_valid()
        self._check_can_add_object(object_instance)
        if not force and object_instance._hash in self._contents.objects:
            raise _hash_taken(object_instance)
        self._add(self._contents.objects, object_instance)

    def add_classification_instance(self, classification_instance: ClassificationInstance, force: bool = False) -> None:
        """Add a classification at the end.

        Parameters
        ----------
        force : bool
            Whether it takes the place of one with the same hash, and may share frames with others of its kind.

        Raises
        ------
        LabelRowError
            The classification is not valid, is in a row already, is on a frame outside the row; or, unless ``force``
            is true, has the hash of another or shares a frame with another of its kind; nothing was changed.
        """
        self._check_initialised()
        classification_instance.is_valid()
        self._check_can_add_classification(classification_instance, force=force)
        self._add(self._contents.classifications, classification_instance)

    def _add(self, instances: dict[str, Any], instance: ObjectInstance | ClassificationInstance) -> None:
        self._touch()
        before = instances.get(instance._hash)
        if before is not None:
            self._take_out(instances, before)
        for frame in instance._frames:
            self._contents.touched.setdefault(frame)
        self._adopt(instance)

    def _take_out(self, instances: dict[str, Any], instance: LabelInstance) -> None:
        del instances[instance._hash]
        for frame in instance._frames:
            self._unplaced(instance, frame)
        instance._row = None

    def remove_object(self, object_instance: ObjectInstance) -> None:
        """Take an object out of the row; it can be added again.

        Raises
        ------
        KeyError
            No object of the row has its hash.
        """
        self._check_initialised()
        found = self._contents.objects[object_instance.object_hash]
        self._touch()
        self._take_out(self._contents.objects, found)
        object_instance._row = None

    def remove_classification(self, classification_instance: ClassificationInstance) -> None:
        """Take a classification out of the row; it can be added again.

        Raises
        ------
        KeyError
            No classification of the row has its hash.
        """
        self._check_initialised()
        found = self._contents.classifications[classification_instance.classification_hash]
        self._touch()
        self._take_out(self._contents.classifications, found)
        classification_instance._row = None

    def add_to_single_frame_to_hashes_map(
        self, label_item: ObjectInstance | ClassificationInstance, frame: int
    ) -> None:
        """Take note that a label of this row is on a frame; placing it does so of itself."""
        self._check_initialised()
        self._touch()
        self._placed(label_item, frame)


def _hash_taken(instance: LabelInstance) -> LabelRowError:
    return LabelRowError(
        f"The row has another {instance._kind} of the hash {instance._hash!r}. To replace it, say force=True."
    )


def _filtered(instances: dict[str, InstanceT], element: Any, frames: Frames | None, frame_map: Any) -> list[InstanceT]:
    found: Iterable[InstanceT] = instances.values()
    if frames is not None:
        numbers = frames_class_to_frames_list(frames)
        by_frame = frame_map()
        if len(numbers) == 1:
            on_frames = by_frame.get(numbers[0], {})
        else:
            on_frames = {hash_: one for frame in numbers for hash_, one in by_frame.get(frame, {}).items()}
        found = sorted(on_frames.values(), key=by_serial)
    if element is not None:
        found = [match for match in found if match._item.feature_node_hash == element.feature_node_hash]
    return list(found)


def _by_frame(instances: dict[str, InstanceT]) -> dict[int, dict[str, InstanceT]]:
    by_frame: dict[int, dict[str, InstanceT]] = {}
    for hash_, instance in instances.items():
        for frame in instance._frames:
            by_frame.setdefault(frame, {})[hash_] = instance
    return by_frame


def _metadata_from_row(row: dict[str, Any]) -> LabelRowMetadata:
    """Return the listing entry a row's own JSON amounts to."""
    units = [*row["data_units"].values()]
    first = units[0] if units else {}
    metadata = LabelRowMetadata(
        label_hash=row["label_hash"],
        created_at=None,
        last_edited_at=None,
        data_hash=row["data_hash"],
        dataset_hash=row["dataset_hash"],
        dataset_title=row["dataset_title"],
        data_title=row["data_title"],
        data_type=row["data_type"].upper(),
        data_link=first.get("data_link"),
        label_status=LabelStatus(row["label_status"]),
        annotation_task_status=None,
        workflow_graph_node=None,
        is_shadow_data=row.get("is_shadow_data", False),
        number_of_frames=number_of_frames_in(row),
        duration=first.get("data_duration"),
        frames_per_second=first.get("data_fps"),
        height=first.get("height"),
        width=first.get("width"),
    )
    metadata._client_metadata = row.get("client_metadata")
    return metadata
