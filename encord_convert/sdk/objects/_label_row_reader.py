"""Reads the JSON of a label row into a fresh :class:`Contents`; a row that cannot be read changes nothing.

Most of the work is done once per *form* of entry, not once per entry: entries with the same keys in the same order
share a plan that says where the coordinates are, which keys are unknown, and which records have been made already. All
parts share these plans, which is why the module is one thing.

Source: label-row JSON, "Label-row JSON", "Order of parsing".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from weakref import ref

from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.constants.enums import DataType, _NewerDataType
from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects._answer_values import Unread
from encord_convert.sdk.objects._classification_ranges import MOST_FRAMES, Disagreement, Ranges
from encord_convert.sdk.objects._frame_info import (
    CarriedClassificationFrameData,
    CarriedObjectFrameData,
    ClassificationFrameData,
    ObjectFrameData,
    ObjectFrameInfo,
)
from encord_convert.sdk.objects._label_row_data import DataUnit, LabelRowReadOnlyData
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.classification import Classification
from encord_convert.sdk.objects.classification_instance import ClassificationInstance
from encord_convert.sdk.objects.common import Shape
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    CircleCoordinates,
    Cuboid2DCoordinates,
    EllipseCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    _copied,
    _kind_for,
    _RawCoordinates,
)
from encord_convert.sdk.objects.metadata import DICOMSeriesMetadata, DICOMSliceMetadata
from encord_convert.sdk.objects.ontology_object import Object
from encord_convert.sdk.objects.ontology_object_instance import ObjectInstance, check_coordinate_type
from encord_convert.sdk.objects.utils import short_uuid_str
from encord_convert.sdk.orm.label_row import AnnotationTaskStatus, LabelStatus, WorkflowGraphNode

if TYPE_CHECKING:
    from encord_convert.sdk.objects.ontology_structure import OntologyStructure

TOP_KEYS = (
    "label_hash",
    "created_at",
    "last_edited_at",
    "data_hash",
    "dataset_hash",
    "dataset_title",
    "data_title",
    "data_type",
    "annotation_task_status",
    "is_shadow_data",
    "object_answers",
    "classification_answers",
    "object_actions",
    "label_status",
    "data_units",
)
"""Keys of a row that are held in the model, in the order they are written."""

_KNOWN_TOP = frozenset(TOP_KEYS)
_KNOWN_OF_UNIT = frozenset(
    {"data_hash", "data_title", "data_link", "data_type", "data_sequence", "width", "height", "labels"}
)
_COMMON_KEYS = (
    "name",
    "value",
    "createdAt",
    "createdBy",
    "confidence",
    "featureHash",
    "manualAnnotation",
    "lastEditedAt",
    "lastEditedBy",
    "reviews",
)
_KNOWN_OF_OBJECT = frozenset((*_COMMON_KEYS, "color", "shape", "objectHash", "isDeleted"))
_KNOWN_OF_CLASSIFICATION = frozenset((*_COMMON_KEYS, "classificationHash"))
_new = object.__new__
_new_object = ObjectInstance._made
_BITMASK_KEYS = frozenset({"top", "left", "height", "width", "rleString"})
_GROUPED = (DataType.IMAGE, DataType.IMG_GROUP, _NewerDataType.GROUP)
"""Kinds of data whose units have their labels without a level of frames."""
_SINGLE = (DataType.IMAGE, DataType.VIDEO, DataType.DICOM)
"""Kinds of data that are one unit."""
_UNBOUNDED = (DataType.DICOM, _NewerDataType.NIFTI, _NewerDataType.SCENE)
"""Kinds of data whose frames are not checked against their number."""


def _raw(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda entry: _RawCoordinates(key, _copied(entry[key]))


def _newer(key: str, read: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Return what reads coordinates of a newer form; those that lack something are carried as they came."""
    carried = _raw(key)

    def reader(entry: dict[str, Any]) -> Any:
        try:
            return read(entry)
        except (KeyError, TypeError, ValueError, AttributeError):
            return carried(entry)

    return reader


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "boundingBox": BoundingBoxCoordinates.from_dict,
    "rotatableBoundingBox": RotatableBoundingBoxCoordinates.from_dict,
    "polygon": PolygonCoordinates.from_dict,
    "point": PointCoordinate.from_dict,
    "polyline": PolylineCoordinates.from_dict,
    "skeleton": SkeletonCoordinates._from_dict,
    "bitmask": BitmaskCoordinates.from_dict,
    "polygons": PolygonCoordinates.from_dict,
    "cuboid": _raw("cuboid"),
    "cuboid_2d": _newer("cuboid_2d", Cuboid2DCoordinates._from_dict),
    "segmentation": _raw("segmentation"),
    "circle": _newer("circle", CircleCoordinates.from_dict),
    "ellipse": _newer("ellipse", EllipseCoordinates.from_dict),
}
"""What reads each coordinate key; the first key present decides."""


class Contents:
    """Everything a label row holds once it is initialised.

    Attributes
    ----------
    facts : LabelRowReadOnlyData
    units : list of DataUnit
    objects, classifications : dict
        Hash to instance, in the row's order.
    disagreements : list of Disagreement
        What the two places that say where a classification is, and who made it, said differently.
    touched : dict
        The frames that have held a label, in order; the values are None.
    has_extras : bool
        Whether anything of this was read from JSON, which may have keys that the model does not know.
    listings : dict
        Frame to the hashes of its objects and of its classifications, where their order was not the row's.
    frame_extras : dict
        Frame to keys of its labels that the model does not know.
    slices : dict
        Frame to what is known of the slice it shows.
    series : DICOMSeriesMetadata or None
    streams : dict
        Labels of a scene that are of one of its streams, not of a frame, by their key; carried unread.
    orphans : dict
        Name of an answer dictionary to its entries for what is on no frame.
    action_extras : dict
        Object hash to keys of its actions entry that the model does not know.
    extras : dict
        Keys of the row that the model does not know.
    texts : dict
        Texts of the row that are written as they came.
    unread : list of (str, value)
        What its answers said that is neither held nor written back, by where it stood.
    """

    __slots__ = (
        "action_extras",
        "classifications",
        "disagreements",
        "extras",
        "frame_extras",
        "has_extras",
        "listings",
        "objects",
        "orphans",
        "series",
        "slices",
        "stats",
        "streams",
        "texts",
        "touched",
        "units",
        "unread",
    )

    def __init__(self, stats: LabelRowReadOnlyData) -> None:
        self.stats = stats
        self.units: list[DataUnit] = []
        self.objects: dict[str, ObjectInstance] = {}
        self.classifications: dict[str, ClassificationInstance] = {}
        self.disagreements: list[Disagreement] = []
        self.touched: dict[int, None] = {}
        self.listings: dict[int, tuple[list[str] | None, list[str] | None]] = {}
        self.frame_extras: dict[int, dict[str, Any]] = {}
        self.slices: dict[int, DICOMSliceMetadata] = {}
        self.series: DICOMSeriesMetadata | None = None
        self.streams: dict[str, Any] = {}
        self.orphans: dict[str, dict[str, Any]] = {}
        self.action_extras: dict[str, dict[str, Any]] = {}
        self.extras: dict[str, Any] = {}
        self.has_extras = False
        self.texts: dict[str, Any] = {}
        self.unread: Unread = []

    def take(self, other: Contents) -> None:
        """Copy what another row holds other than its facts and labels."""
        self.units = [replace(unit, extras=_copied(unit.extras)) for unit in other.units]
        self.series, self.has_extras = _copied_record(other.series), other.has_extras
        self.slices = {frame: _copied_record(one) for frame, one in other.slices.items()}
        self.touched, self.listings = dict(other.touched), dict(other.listings)
        self.disagreements = list(other.disagreements)
        for name in ("frame_extras", "streams", "orphans", "action_extras", "extras", "texts"):
            setattr(self, name, _copied(getattr(other, name)))


def _copied_record(record: Any) -> Any:
    return None if record is None else copy(record)


def is_grouped(data_type: Any) -> bool:
    """Return whether units of this kind have their labels without a level of frames."""
    return data_type in _GROUPED


def is_bounded(data_type: Any) -> bool:
    """Return whether frames of this kind of data are checked against their number."""
    return data_type not in _UNBOUNDED


_PLANS_KEPT = 512
"""How many forms of entry are remembered from row to row."""
_RECORDS_KEPT = 4096
"""How many records are remembered for each form."""


class _Plan:
    """How entries with the same keys in the same order are read."""

    __slots__ = ("extra_keys", "infos", "is_shared", "read", "values")

    def __init__(self, keys: tuple[str, ...], known: frozenset[str], own: tuple[str, ...]) -> None:
        self.infos: dict[Any, Any] = {}
        # Without a date of editing that date is now, and reviews are lists: such records are not shared.
        self.is_shared = "reviews" not in keys and "lastEditedAt" in keys
        self.read: Callable[[dict[str, Any]], Any] = _read_nothing
        self.extra_keys = tuple(key for key in keys if key not in known)
        optional = [key for key in ("lastEditedAt", "lastEditedBy", *own) if key in keys]
        self.values = itemgetter("createdAt", "createdBy", "confidence", "manualAnnotation", *optional)

    @classmethod
    def for_object(cls, keys: tuple[str, ...], shape: Any) -> _Plan:
        plan = cls(keys, _KNOWN_OF_OBJECT, ("isDeleted",))
        coordinate_key = next((key for key in _READERS if key in keys), None)
        used: Any = ()
        if coordinate_key is not None:
            plan.read = _READERS[coordinate_key]
            used = ("polygon", "polygons") if coordinate_key.startswith("polygon") else (coordinate_key,)
        elif set(keys) >= _BITMASK_KEYS:
            plan.read = BitmaskCoordinates._from_json
            used = _BITMASK_KEYS
        elif plan.extra_keys and isinstance(shape, str) and Shape.from_string(shape) is None:
            named = [key for key in plan.extra_keys if key.replace("_", "").lower() == shape.replace("_", "").lower()]
            used = (named or plan.extra_keys)[-1:]
            plan.read = _raw(used[0])
        plan.extra_keys = tuple(key for key in plan.extra_keys if key not in used)
        return plan

    def info(self, entry: dict[str, Any], make: Callable[[dict[str, Any]], Any]) -> Any:
        """Return the record of an entry, the same one for all that say the same."""
        values = self.values(entry)
        info = self.infos.get(values)
        # 1, 1.0 and True are one key; a number is written with the type it came with.
        if info is None or info.confidence.__class__ is not values[2].__class__:
            info = make(entry)
            if self.is_shared:
                if len(self.infos) >= _RECORDS_KEPT:
                    self.infos.clear()
                self.infos[values] = info
        return info


_object_plans: dict[tuple[str, ...], _Plan] = {}
_classification_plans: dict[tuple[str, ...], _Plan] = {}


def _object_plan(keys: tuple[str, ...], shape: Any) -> _Plan:
    if len(_object_plans) >= _PLANS_KEPT:
        _object_plans.clear()
    plan = _object_plans[keys] = _Plan.for_object(keys, shape)
    return plan


def _classification_plan(keys: tuple[str, ...]) -> _Plan:
    if len(_classification_plans) >= _PLANS_KEPT:
        _classification_plans.clear()
    plan = _classification_plans[keys] = _Plan(keys, _KNOWN_OF_CLASSIFICATION, ())
    return plan


def _read_nothing(entry: dict[str, Any]) -> Any:
    raise NotImplementedError(
        f"The object {entry.get('objectHash')!r} has no coordinates: none of {', '.join(_READERS)} is there."
    )


class Reader:
    """Reads one row.

    Parameters
    ----------
    structure : OntologyStructure
    facts : LabelRowReadOnlyData
        What is known of the row from elsewhere; its JSON overrides most of it.
    """

    def __init__(self, structure: OntologyStructure, stats: LabelRowReadOnlyData) -> None:
        self._structure = structure
        self._contents = Contents(stats)
        self._known: dict[str, tuple[dict[int, Any], Any, int, ObjectInstance]] = {}
        self._features: dict[str, tuple[Object, Any]] = {}
        self._numbers: dict[str, int] = {}
        self._answers: dict[str, Any] = {}
        self._limit = stats.number_of_frames
        self._is_bounded = True

    def read(self, row: dict[str, Any]) -> Contents:
        """Return what the row holds."""
        contents = self._contents
        data_type = _data_type(row["data_type"])
        self._is_bounded = is_bounded(data_type)
        self._answers = row["classification_answers"]
        object_answers, object_actions = row["object_answers"], row["object_actions"]
        contents.texts = {key: row[key] for key in ("created_at", "last_edited_at", "label_status")}
        contents.has_extras = True
        contents.extras = {key: _copied(value) for key, value in row.items() if key not in _KNOWN_TOP}
        units = {}
        for raw in row["data_units"].values():
            unit = self._unit(raw, data_type)
            units[unit.data_sequence] = unit
        contents.units = [*units.values()]
        if data_type in _SINGLE and not units:
            raise IndexError(f"A {data_type.value} has one data unit; this row has none.")
        contents.stats = self._stats(row, data_type)
        for raw in row["data_units"].values():
            self._labels(raw, data_type)
        self._take_object_answers(object_answers)
        self._take_object_actions(object_actions)
        if self._answers:
            limit = self._limit if self._is_bounded else MOST_FRAMES
            Ranges(contents, self._answers, limit, self._new_classification).take()
        self._keep_orphans("classification_answers", self._answers, contents.classifications)
        return contents

    def _check_frame(self, frame: int) -> None:
        if frame < 0 or (self._is_bounded and frame >= self._limit):
            raise LabelRowError(f"Frame {frame} is outside the row, which has {self._limit} frames counted from 0.")

    # --- the row and its units --------------------------------------------------------------------------------------

    def _stats(self, row: dict[str, Any], data_type: Any) -> LabelRowReadOnlyData:
        before = self._contents.stats
        units = self._contents.units
        first = units[0] if data_type in _SINGLE or (units and data_type is not DataType.IMG_GROUP) else None
        return LabelRowReadOnlyData(
            label_hash=row["label_hash"],
            created_at=_datetime(row["created_at"]),
            last_edited_at=_datetime(row["last_edited_at"]),
            data_hash=row["data_hash"],
            data_type=data_type,
            label_status=LabelStatus(row["label_status"]),
            annotation_task_status=_task_status(row.get("annotation_task_status")),
            workflow_graph_node=_workflow_node(row.get("workflow_graph_node"), before.workflow_graph_node),
            is_shadow_data=before.is_shadow_data,
            number_of_frames=before.number_of_frames,
            duration=before.duration,
            fps=before.fps,
            dataset_hash=row["dataset_hash"],
            dataset_title=row["dataset_title"],
            data_title=row["data_title"],
            width=first.width if first is not None else None,
            height=first.height if first is not None else None,
            data_link=first.data_link if first is not None and data_type is not DataType.DICOM else None,
            priority=row.get("priority", before.priority),
        )

    def _unit(self, raw: dict[str, Any], data_type: Any) -> DataUnit:
        stats = self._contents.stats
        needs_size = isinstance(data_type, DataType)
        unit = DataUnit(
            data_hash=raw["data_hash"],
            data_title=raw["data_title"],
            data_type=raw["data_type"],
            data_sequence=int(raw["data_sequence"]),
            width=raw["width"] if needs_size else raw.get("width"),
            height=raw["height"] if needs_size else raw.get("height"),
            data_link=raw["data_link"] if data_type in (DataType.IMAGE, DataType.VIDEO) else raw.get("data_link"),
        )
        extras = {key: _copied(value) for key, value in raw.items() if key not in _KNOWN_OF_UNIT}
        if stats.duration is not None:
            extras.pop("data_duration", None)
        if stats.fps is not None:
            extras.pop("data_fps", None)
        if data_type is DataType.DICOM and extras.get("metadata") is not None:
            self._contents.series = DICOMSeriesMetadata.from_dict(extras["metadata"])
        unit.extras = extras or None
        return unit

    def _labels(self, raw: dict[str, Any], data_type: Any) -> None:
        labels = raw["labels"]
        contents = self._contents
        if data_type in _GROUPED:
            frame = int(raw["data_sequence"])
            self._frame(frame, labels.get("objects", ()), labels.get("classifications", ()))
            self._keep_frame_extras(frame, labels)
            return
        for key, on_frame in labels.items():
            if data_type is _NewerDataType.SCENE and not key.lstrip("-").isdecimal():
                contents.streams[key] = _copied(on_frame)
                continue
            frame = int(key)
            contents.touched[frame] = None
            self._frame(frame, on_frame["objects"], on_frame["classifications"])
            if len(on_frame) > 2:
                self._keep_frame_extras(frame, on_frame)
                if data_type is DataType.DICOM and on_frame.get("metadata") is not None:
                    contents.slices[frame] = DICOMSliceMetadata.from_dict(on_frame["metadata"])

    def _keep_frame_extras(self, frame: int, labels: dict[str, Any]) -> None:
        extras = {key: _copied(value) for key, value in labels.items() if key not in ("objects", "classifications")}
        if extras:
            self._contents.frame_extras[frame] = extras

    def _frame(self, frame: int, objects: Any, classifications: Any) -> None:
        object_order = self._objects_on(frame, objects) if len(objects) else None
        classification_order = self._classifications_on(frame, classifications) if len(classifications) else None
        if object_order is not None or classification_order is not None:
            self._contents.listings[frame] = (object_order, classification_order)

    # --- objects ----------------------------------------------------------------------------------------------------

    def _objects_on(self, frame: int, entries: list[dict[str, Any]]) -> list[str] | None:
        """Read the objects of a frame; return their hashes if their order is not the row's."""
        plans, known, features = _object_plans, self._known, self._features
        limit = self._limit if self._is_bounded else None
        last, is_ordered = -1, True
        for entry in entries:
            keys = tuple(entry)
            plan = plans.get(keys) or _object_plan(keys, entry.get("shape"))
            hash_ = entry["objectHash"]
            found = known.get(hash_)
            if found is None:
                item, wanted = features.get(entry["featureHash"]) or self._feature(entry["featureHash"])
                instance = _new_object(item, hash_ or short_uuid_str())
                self._contents.objects[instance._hash] = instance
                frames, number = instance._frames, len(known)
                known[hash_] = (frames, wanted, number, instance)
            else:
                frames, wanted, number, instance = found
                if frame in frames:
                    raise LabelRowError(f"The object {hash_!r} is on frame {frame} twice.")
                if limit is not None and frame >= limit:
                    self._check_frame(frame)
            coordinates = plan.read(entry)
            if coordinates.__class__ is not wanted:
                check_coordinate_type(coordinates, instance._item)
            if plan.extra_keys:
                data: Any = _new(CarriedObjectFrameData)
                data._extras = {key: _copied(entry[key]) for key in plan.extra_keys}
            else:
                data = _new(ObjectFrameData)
            data.coordinates = coordinates
            data.object_frame_instance_info = plan.info(entry, _object_info)
            frames[frame] = data
            if number < last:
                is_ordered = False
            last = number
        return None if is_ordered else [entry["objectHash"] for entry in entries]

    def _feature(self, feature_hash: str) -> tuple[Object, Any]:
        """Return a class of objects and the class of its coordinates."""
        item = self._structure._feature(feature_hash, Object)
        wanted = _kind_for(item.shape)
        found = self._features[feature_hash] = (item, wanted)
        return found

    # --- classifications --------------------------------------------------------------------------------------------

    def _classifications_on(self, frame: int, entries: list[dict[str, Any]]) -> list[str] | None:
        """Read the classifications of a frame; return their hashes if their order is not the row's."""
        features: set[str] = set()
        numbers = []
        for entry in entries:
            keys = tuple(entry)
            plan = _classification_plans.get(keys) or _classification_plan(keys)
            hash_ = entry["classificationHash"]
            instance = self._contents.classifications.get(hash_)
            if instance is None:
                instance = self._new_classification(hash_, entry["featureHash"])
            elif self._is_bounded and frame >= self._limit:
                self._check_frame(frame)
            feature = instance.feature_hash
            if feature in features:
                raise LabelRowError(f"Frame {frame} has two classifications of the kind {feature!r}.")
            features.add(feature)
            info = plan.info(entry, _classification_info)
            if plan.extra_keys:
                info = _carried_classification_info(info, {key: _copied(entry[key]) for key in plan.extra_keys})
            instance._frames[frame] = info
            numbers.append(self._numbers[instance._hash])
        if numbers == sorted(numbers):
            return None
        return [entry["classificationHash"] for entry in entries]

    def _new_classification(self, hash_: str, feature_hash: str) -> ClassificationInstance:
        answers = self._answers.get(hash_)
        if answers is not None and isinstance(answers.get("featureHash"), str):
            feature_hash = answers["featureHash"]
        item = self._structure._feature(feature_hash, Classification)
        instance = ClassificationInstance(item, classification_hash=hash_)
        if answers is not None:
            self._contents.unread += instance._read_answers(answers["classifications"])
            if len(answers) > 2:
                instance._extras = _extras_of(answers, "classificationHash")
        self._contents.classifications[instance._hash] = instance
        self._numbers[instance._hash] = len(self._numbers)
        return instance

    # --- answers ----------------------------------------------------------------------------------------------------

    def _take_object_answers(self, answers: dict[str, Any]) -> None:
        for key, entry in answers.items():
            found = self._known.get(entry["objectHash"])
            if found is None:
                self._contents.orphans.setdefault("object_answers", {})[key] = _copied(entry)
                continue
            if entry["classifications"]:
                self._take_answers(found[3], entry["classifications"], is_read=False)
            if len(entry) > 2:
                found[3]._extras = _extras_of(entry, "objectHash")

    def _take_object_actions(self, actions: dict[str, Any]) -> None:
        for key, entry in actions.items():
            hash_ = entry.get("objectHash", key)
            found = self._known.get(hash_)
            if found is None:
                self._contents.orphans.setdefault("object_actions", {})[key] = _copied(entry)
                continue
            self._take_answers(found[3], entry["actions"], is_read=True)
            extras = {name: _copied(one) for name, one in entry.items() if name not in ("actions", "objectHash")}
            if extras:
                self._contents.action_extras[hash_] = extras

    def _take_answers(self, instance: ObjectInstance, answers: list[dict[str, Any]], *, is_read: bool) -> None:
        instance._row = ref(self)  # type: ignore[arg-type]
        self._contents.unread += instance._read_answers(answers, is_read=is_read)

    def _keep_orphans(self, name: str, entries: dict[str, Any], known: dict[str, Any]) -> None:
        orphans = {key: _copied(entry) for key, entry in entries.items() if key not in known}
        if orphans:
            self._contents.orphans[name] = orphans


def _data_type(text: str) -> Any:
    found = DataType.from_string(text) or _NewerDataType.from_string(text)
    if found in (None, DataType.DICOM_STUDY, DataType.MISSING_DATA_TYPE):
        raise NotImplementedError(f"Label rows of the data type {text!r} cannot be read.")
    return found


def _datetime(text: str) -> Any:
    """Return a time; text nobody can read stays text."""
    try:
        return parse_datetime(text)
    except (TypeError, ValueError):
        return text


def _task_status(text: Any) -> Any:
    return AnnotationTaskStatus._value2member_map_.get(text, text)


def _workflow_node(node: Any, before: WorkflowGraphNode | None) -> Any:
    if isinstance(node, dict) and node.keys() >= {"uuid", "title"}:
        return WorkflowGraphNode.from_optional_dict(node)
    return before if node is None else node


def _object_info(entry: dict[str, Any]) -> ObjectFrameInfo:
    return ObjectFrameInfo.from_dict(entry)


def _classification_info(entry: dict[str, Any]) -> ClassificationFrameData:
    return ClassificationFrameData.from_dict(entry)


def _carried_classification_info(info: ClassificationFrameData, extras: dict[str, Any]) -> ClassificationFrameData:
    carried = CarriedClassificationFrameData(
        info.created_at,
        info.created_by,
        info.confidence,
        info.manual_annotation,
        info.last_edited_at,
        info.last_edited_by,
        info.reviews,
    )
    carried._extras = extras
    return carried


def _extras_of(entry: dict[str, Any], own_key: str) -> dict[str, Any] | None:
    """Return the keys of an answers entry that the model does not know."""
    return {key: _copied(value) for key, value in entry.items() if key not in ("classifications", own_key)} or None


def number_of_frames_in(row: Mapping[str, Any]) -> int:
    """Return how many frames a row's medium has, as far as the row says.

    The key ``number_of_frames`` if it is there, but of images as many as they need; else rate times duration; else
    one more than the highest labelled frame; else the number of units.
    """
    units = [*row["data_units"].values()]
    data_type = _data_type(row["data_type"])
    if "number_of_frames" in row:
        is_still = data_type is DataType.IMAGE or is_grouped(data_type)
        least = max((int(unit["data_sequence"]) + 1 for unit in units), default=0) if is_still else 0
        said: int = row["number_of_frames"]
        return max(said, least) if least else said
    if is_grouped(data_type):
        return len(units)
    for unit in units:
        if unit.get("data_fps") and unit.get("data_duration"):
            return round(float(unit["data_fps"] * unit["data_duration"]))
    frames = [int(frame) for unit in units for frame in unit["labels"] if frame.lstrip("-").isdigit()]
    frames += _ends_of(row.get("classification_answers"))
    return max(frames) + 1 if frames else len(units)


def _ends_of(answers: Any) -> list[int]:
    """Return the last frame of each ``range`` that places a classification."""
    if not isinstance(answers, dict):
        return []
    ranges = [entry.get("range") for entry in answers.values() if isinstance(entry, dict)]
    pairs = [pair for range_ in ranges if isinstance(range_, list) for pair in range_ if isinstance(pair, list)]
    return [pair[-1] for pair in pairs if pair and type(pair[-1]) is int and 0 <= pair[-1] < MOST_FRAMES]


__all__ = ["Contents", "Reader", "is_bounded", "is_grouped", "number_of_frames_in"]
