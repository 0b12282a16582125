"""Writes the JSON of a label row, in time linear in the labels.

Objects are gone through once, in the row's order, each handing its entries to the frames it is on; so every frame
has its objects in the row's order without being sorted. Entries that differ only in hash and coordinates are copies
of one template.

Source: label-row JSON, "Label-row JSON".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.common.time_parser import format_datetime
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects._answer_values import _written_value
from encord_convert.sdk.objects._frame_info import (
    CarriedClassificationFrameData,
    ObjectFrameData,
)
from encord_convert.sdk.objects._label_row_reader import Contents, is_grouped
from encord_convert.sdk.objects._vertices import _vertices_from_flat
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.classification import Classification
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates, PolygonCoordinates, _copied
from encord_convert.sdk.objects.frames import _runs_of
from encord_convert.sdk.objects.ontology_object import Object
from encord_convert.sdk.orm.label_row import LabelStatus

if TYPE_CHECKING:
    from encord_convert.sdk.objects._label_row_data import DataUnit
    from encord_convert.sdk.objects.classification_instance import ClassificationInstance
    from encord_convert.sdk.objects.ontology_object_instance import ObjectInstance
    from encord_convert.sdk.objects.ontology_structure import OntologyStructure

MAIN_BRANCH = "main"
"""The branch a row is of unless it names another. Newer packages read only rows that say it; older ones drop it."""

Frame = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""The object entries and the classification entries of a frame."""


class Writer:
    """Writes one row."""

    def __init__(self, structure: OntologyStructure, contents: Contents) -> None:
        self._structure = structure
        self._contents = contents
        self._sizes = {unit.data_sequence: (unit.width, unit.height) for unit in contents.units}
        self._size = (contents.stats.width, contents.stats.height)

    def write(self) -> dict[str, Any]:
        """Return the row's JSON, sharing nothing with the row."""
        contents = self._contents
        stats = contents.stats
        texts = contents.texts
        row = {
            "label_hash": stats.label_hash,
            "created_at": _row_time(texts.get("created_at"), stats.created_at),
            "last_edited_at": _row_time(texts.get("last_edited_at"), stats.last_edited_at),
            "data_hash": stats.data_hash,
            "dataset_hash": stats.dataset_hash,
            "dataset_title": stats.dataset_title,
            "data_title": stats.data_title,
            "data_type": stats.data_type.value,
            "annotation_task_status": _value(stats.annotation_task_status),
            "is_shadow_data": stats.is_shadow_data,
            "object_answers": self._object_answers(),
            "classification_answers": self._classification_answers(),
            "object_actions": self._object_actions(),
            "label_status": _status_text(stats.label_status, texts.get("label_status")),
            "data_units": {unit.data_hash: self._unit(unit) for unit in contents.units},
        }
        row.update(_copied(contents.extras))
        row.setdefault("branch_name", MAIN_BRANCH)
        row.setdefault("spaces", {})
        return row

    def _unit(self, unit: DataUnit) -> dict[str, Any]:
        stats = self._contents.stats
        data_type: Any = stats.data_type
        is_documented = isinstance(data_type, DataType)
        d: dict[str, Any] = {"data_hash": unit.data_hash, "data_title": unit.data_title}
        if unit.data_link is not None or (is_documented and data_type is not DataType.DICOM):
            d["data_link"] = unit.data_link
        d["data_type"] = unit.data_type
        d["data_sequence"] = str(unit.data_sequence) if data_type is DataType.IMG_GROUP else unit.data_sequence
        if is_documented or unit.width is not None:
            d["width"] = unit.width
        if is_documented or unit.height is not None:
            d["height"] = unit.height
        d["labels"] = self._labels(unit)
        if stats.duration is not None:
            d["data_duration"] = stats.duration
        if stats.fps is not None:
            d["data_fps"] = stats.fps
        if unit.extras is not None:
            d.update(_copied(unit.extras))
        return d

    def _labels(self, unit: DataUnit) -> dict[str, Any]:
        if is_grouped(self._contents.stats.data_type):
            return self._frame_json(unit.data_sequence, self._grouped_frames().get(unit.data_sequence, ([], [])))
        labels = {str(frame): self._frame_json(frame, lists) for frame, lists in self._frames().items()}
        return labels | _copied(self._contents.streams) if self._contents.streams else labels

    def _frame_json(self, frame: int, lists: Frame) -> dict[str, Any]:
        d: dict[str, Any] = {"objects": lists[0], "classifications": lists[1]}
        extras = self._contents.frame_extras.get(frame)
        if extras is not None:
            d.update(_copied(extras))
        return d

    _frames_once: dict[int, Frame] | None = None

    def _grouped_frames(self) -> dict[int, Frame]:
        """Return the frames, written once: each is one unit's."""
        if self._frames_once is None:
            self._frames_once = self._frames()
        return self._frames_once

    def _frames(self) -> dict[int, Frame]:
        """Return the entries of every frame that has or had labels, in the order the frames were first used."""
        contents = self._contents
        frames: dict[int, Frame] = {frame: ([], []) for frame in contents.touched}
        is_group = is_grouped(contents.stats.data_type)
        if is_group:
            frames = {unit.data_sequence: ([], []) for unit in contents.units}
        templates = _Templates(self._structure)
        item: Any = None
        of_info: dict[int, dict[str, Any]] = {}
        for instance in contents.objects.values():
            if instance._item is not item:
                item = instance._item
                of_info = templates.of_object(item)
            self._write_object(instance, frames, of_info, is_group)
        for classification in contents.classifications.values():
            self._write_classification(classification, frames, templates, is_group)
        for frame, (object_hashes, classification_hashes) in contents.listings.items():
            if frame in frames:
                _sort_as_read(frames[frame][0], "objectHash", object_hashes)
                _sort_as_read(frames[frame][1], "classificationHash", classification_hashes)
        return frames

    def _write_object(
        self, instance: ObjectInstance, frames: dict[int, Frame], of_info: dict[int, dict[str, Any]], is_group: bool
    ) -> None:
        hash_ = instance._hash
        last_info, template = None, of_info[0]
        for frame, data in instance._frames.items():
            lists = frames.get(frame)
            if lists is None:
                if is_group:
                    continue
                lists = frames[frame] = ([], [])
            info = data.object_frame_instance_info
            if info is not last_info:
                last_info = info
                template = of_info.get(id(info)) or _Templates.with_info(of_info, info)
                template["objectHash"] = hash_
            entry = template.copy()
            if "reviews" in entry:
                entry["reviews"] = _copied(entry["reviews"])
            coordinates: Any = data.coordinates
            if coordinates.__class__ is BoundingBoxCoordinates:
                entry["boundingBox"] = {
                    "h": coordinates.height,
                    "w": coordinates.width,
                    "x": coordinates.top_left_x,
                    "y": coordinates.top_left_y,
                }
            elif coordinates.__class__ is PolygonCoordinates and coordinates._more is None:
                flat = coordinates._line if coordinates._points is None else coordinates._flat
                entry["polygon"] = _vertices_from_flat(flat)
            else:
                self._write_coordinates(entry, coordinates, frame)
            if data.__class__ is not ObjectFrameData:
                entry.update(_copied(data._extras))  # type: ignore[attr-defined]
            lists[0].append(entry)

    def _write_coordinates(self, entry: dict[str, Any], coordinates: Any, frame: int) -> None:
        if isinstance(coordinates, BitmaskCoordinates):
            self._check_bitmask(coordinates, frame)
        entry[coordinates._key] = coordinates._json()
        if coordinates.__class__ is PolygonCoordinates:
            rings = coordinates._rings_json()
            if rings is not None:
                entry["polygons"] = rings

    def _check_bitmask(self, bitmask: BitmaskCoordinates, frame: int) -> None:
        wanted = self._size
        if self._contents.stats.data_type is DataType.IMG_GROUP:
            wanted = self._sizes.get(frame, wanted)
        if None not in wanted and bitmask.frame_size != wanted:
            raise ValueError(
                f"A bitmask on frame {frame} is {bitmask.frame_size[0]} x {bitmask.frame_size[1]} pixels, "
                f"its image {wanted[0]} x {wanted[1]} (width x height)."
            )

    def _write_classification(
        self, instance: ClassificationInstance, frames: dict[int, Frame], templates: _Templates, is_group: bool
    ) -> None:
        hash_ = instance._hash
        of_info = templates.of_classification(instance._item)
        for frame, info in instance._frames.items():
            lists = frames.get(frame)
            if lists is None:
                if is_group:
                    continue
                lists = frames[frame] = ([], [])
            template = of_info.get(id(info)) or templates.with_classification_info(of_info, info)
            entry = template.copy()
            entry["classificationHash"] = hash_
            if "reviews" in entry:
                entry["reviews"] = _copied(entry["reviews"])
            if info.__class__ is CarriedClassificationFrameData:
                entry.update(_copied(info._extras))
            lists[1].append(entry)

    def _object_answers(self) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        for hash_, instance in self._contents.objects.items():
            static = [] if instance._static is None else instance._static_json()
            answers[hash_] = entry = {"classifications": static, "objectHash": hash_}
            if instance._extras is not None:
                entry.update(_copied(instance._extras))
        return self._with_orphans("object_answers", answers)

    def _classification_answers(self) -> dict[str, Any]:
        """Return the answers, each with where its classification is and who made it.

        Older readers place classifications by their entries on frames, newer ones by ``range``, and each passes the
        other form over without a word. One author is all that an answer can say: that of the first frame.
        """
        answers: dict[str, Any] = {}
        for hash_, instance in self._contents.classifications.items():
            frames = instance._frames
            answers[hash_] = entry = {
                "classifications": instance._static_json(),
                "classificationHash": hash_,
                "featureHash": instance._item.feature_node_hash,
                "spaces": {},
                "range": [[start, end] for start, end in _runs_of(frames)],
            }
            if frames:
                info = frames[min(frames)]
                entry["createdBy"] = info.created_by
                entry["createdAt"] = format_datetime(info.created_at)
                entry["lastEditedBy"] = info.last_edited_by
                if info.last_edited_at is not None:
                    entry["lastEditedAt"] = format_datetime(info.last_edited_at)
                entry["confidence"] = info.confidence
                entry["manualAnnotation"] = info.manual_annotation
            if instance._extras is not None:
                entry.update(_copied(instance._extras))
        return self._with_orphans("classification_answers", answers)

    def _object_actions(self) -> dict[str, Any]:
        actions: dict[str, Any] = {}
        for hash_, instance in self._contents.objects.items():
            dynamic, extras = instance._dynamic, self._contents.action_extras.get(hash_, {})
            if extras or (dynamic is not None and dynamic.entries):
                own = [] if dynamic is None else dynamic.to_json(hash_)
                actions[hash_] = {"actions": own, "objectHash": hash_, **_copied(extras)}
        return self._with_orphans("object_actions", actions)

    def _with_orphans(self, name: str, entries: dict[str, Any]) -> dict[str, Any]:
        for hash_, entry in self._contents.orphans.get(name, {}).items():
            entries.setdefault(hash_, _copied(entry))
        return entries


class _Templates:
    """Entries without hash and coordinates, one per class and record.

    The template of a class alone stands under 0, which is the address of no record.
    """

    def __init__(self, structure: OntologyStructure) -> None:
        self._structure = structure
        self._by_item: dict[int, dict[int, dict[str, Any]]] = {}

    def of_object(self, item: Object) -> dict[int, dict[str, Any]]:
        found = self._by_item.get(id(item))
        if found is None:
            own = self._structure._feature(item.feature_node_hash, Object)
            base = {
                "name": own.name,
                "color": own.color,
                "shape": own.shape.value,
                "value": _written_value(own.name),
                "featureHash": own.feature_node_hash,
            }
            found = self._by_item[id(item)] = {0: base}
        return found

    def of_classification(self, item: Classification) -> dict[int, dict[str, Any]]:
        found = self._by_item.get(id(item))
        if found is None:
            own = self._structure._feature(item.feature_node_hash, Classification)
            base = {"name": own.title, "value": _written_value(own.title), "featureHash": own.feature_node_hash}
            found = self._by_item[id(item)] = {0: base}
        return found

    @staticmethod
    def with_info(of_info: dict[int, dict[str, Any]], info: Any) -> dict[str, Any]:
        base = of_info[0]
        template = of_info[id(info)] = {
            "name": base["name"],
            "color": base["color"],
            "shape": base["shape"],
            "value": base["value"],
            "createdAt": format_datetime(info.created_at),
            "createdBy": info.created_by,
            "confidence": info.confidence,
            "objectHash": None,
            "featureHash": base["featureHash"],
            "manualAnnotation": info.manual_annotation,
        }
        _add_edits(template, info)
        if info.is_deleted is not None:
            template["isDeleted"] = info.is_deleted
        return template

    @staticmethod
    def with_classification_info(of_info: dict[int, dict[str, Any]], info: Any) -> dict[str, Any]:
        base = of_info[0]
        template = of_info[id(info)] = {
            "name": base["name"],
            "value": base["value"],
            "createdAt": format_datetime(info.created_at),
            "createdBy": info.created_by,
            "confidence": info.confidence,
            "featureHash": base["featureHash"],
            "classificationHash": None,
            "manualAnnotation": info.manual_annotation,
        }
        _add_edits(template, info)
        return template


def _add_edits(template: dict[str, Any], info: Any) -> None:
    if info.last_edited_at is not None:
        template["lastEditedAt"] = format_datetime(info.last_edited_at)
    if info.last_edited_by is not None:
        template["lastEditedBy"] = info.last_edited_by
    if info.reviews is not None:
        template["reviews"] = info.reviews


def _sort_as_read(entries: list[dict[str, Any]], key: str, hashes: Iterable[str] | None) -> None:
    """Put entries into the order their frame was read in; those that came later follow."""
    if hashes is not None:
        places = {hash_: place for place, hash_ in enumerate(hashes)}
        entries.sort(key=lambda entry: places.get(entry[key], len(places)))


def _row_time(text: Any, moment: Any) -> Any:
    """Return a time of the row: as it was read, else in ISO 8601."""
    if text is not None or moment is None:
        return text
    return moment.isoformat(sep=" ")


def _value(one: Any) -> Any:
    return one.value if isinstance(one, Enum) else one


def _status_text(status: LabelStatus, text: str | None) -> str:
    """Return the status; text nobody knows as it came."""
    return text if text is not None and status is LabelStatus.MISSING_LABEL_STATUS else status.value


__all__ = ["Writer"]
