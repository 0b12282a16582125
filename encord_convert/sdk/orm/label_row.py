"""Label rows as records: the listing entry, and the row itself as the server sends it.

Source: label-row JSON, "Label-row metadata", "Top level".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Self

from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.orm.base_orm import BaseORM
from encord_convert.sdk.orm.formatter import Formatter


class LabelRow(BaseORM):
    """A label row as the server sends it, reduced to the keys it has always had."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(
        [
            ("label_hash", str),
            ("created_at", str),
            ("last_edited_at", str),
            ("dataset_hash", str),
            ("dataset_title", str),
            ("data_title", str),
            ("data_hash", str),
            ("data_type", str),
            ("data_units", dict),
            ("object_answers", dict),
            ("classification_answers", dict),
            ("object_actions", dict),
            ("label_status", str),
            ("annotation_task_status", str),
        ]
    )
    NON_UPDATABLE_FIELDS: ClassVar[set[str]] = {"label_hash"}


class Review:
    """A review of a label; reviews travel as plain dictionaries."""


class AnnotationTaskStatus(Enum):
    """How far the annotation task of a row is, in a project without workflow."""

    QUEUED = "QUEUED"
    ASSIGNED = "ASSIGNED"
    IN_REVIEW = "IN_REVIEW"
    RETURNED = "RETURNED"
    COMPLETED = "COMPLETED"


class ShadowDataState(Enum):
    """Which rows a listing holds, by whether their data is hidden quality-control data."""

    ALL_DATA = "ALL_DATA"
    SHADOW_DATA = "SHADOW_DATA"
    NOT_SHADOW_DATA = "NOT_SHADOW_DATA"


class LabelStatus(Enum):
    """How far labelling of a row is, in a project without workflow. Unknown text gives the last."""

    NOT_LABELLED = "NOT_LABELLED"
    LABEL_IN_PROGRESS = "LABEL_IN_PROGRESS"
    LABELLED = "LABELLED"
    REVIEW_IN_PROGRESS = "REVIEW_IN_PROGRESS"
    REVIEWED = "REVIEWED"
    REVIEWED_TWICE = "REVIEWED_TWICE"
    MISSING_LABEL_STATUS = "_MISSING_LABEL_STATUS_"

    @classmethod
    def _missing_(cls, value: object) -> LabelStatus:
        return cls.MISSING_LABEL_STATUS


@dataclass(frozen=True)
class WorkflowGraphNode:
    """The stage of a workflow a row stands in."""

    uuid: str
    title: str

    @classmethod
    def from_optional_dict(cls, json_dict: dict[str, Any] | None) -> WorkflowGraphNode | None:
        """Return the stage a JSON object describes; None for None."""
        return None if json_dict is None else cls(uuid=json_dict["uuid"], title=json_dict["title"])


@dataclass
class LabelRowMetadata(Formatter):
    """What a listing says of a label row.

    Parameters
    ----------
    label_hash : str or None
        None: labelling never started.
    created_at, last_edited_at : datetime or None
    data_hash, dataset_hash, dataset_title, data_title : str
    data_type : str
        Upper case, as listings write it; a :class:`DataType` will do.
    data_link : str or None
    label_status : LabelStatus
    annotation_task_status : AnnotationTaskStatus or None
    workflow_graph_node : WorkflowGraphNode or None
        Set in projects with a workflow only.
    is_shadow_data : bool
    number_of_frames : int
    duration : float or None
        Seconds.
    frames_per_second : float or None
    height, width : int or None
        Pixels.
    priority : float or None
    """

    label_hash: str | None
    created_at: datetime | None
    last_edited_at: datetime | None
    data_hash: str
    dataset_hash: str
    dataset_title: str
    data_title: str
    data_type: str
    data_link: str | None
    label_status: LabelStatus
    annotation_task_status: AnnotationTaskStatus | None
    workflow_graph_node: WorkflowGraphNode | None
    is_shadow_data: bool
    number_of_frames: int
    duration: float | None
    frames_per_second: int | None
    height: int | None
    width: int | None
    priority: float | None = None

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> LabelRowMetadata:
        """Return the entry a JSON object describes.

        Raises
        ------
        KeyError
            A key is missing.
        ValueError
            The annotation task status is unknown, or a date unreadable.
        """
        status = json_dict["annotation_task_status"]
        entry = cls(
            label_hash=json_dict.get("label_hash"),
            created_at=_optional_datetime(json_dict.get("created_at")),
            last_edited_at=_optional_datetime(json_dict.get("last_edited_at")),
            data_hash=json_dict["data_hash"],
            dataset_hash=json_dict["dataset_hash"],
            dataset_title=json_dict["dataset_title"],
            data_title=json_dict["data_title"],
            data_type=json_dict["data_type"],
            data_link=json_dict["data_link"],
            label_status=LabelStatus(json_dict["label_status"]),
            annotation_task_status=None if status is None else AnnotationTaskStatus(status),
            workflow_graph_node=WorkflowGraphNode.from_optional_dict(json_dict.get("workflow_graph_node")),
            is_shadow_data=json_dict.get("is_shadow_data", False),
            number_of_frames=json_dict["number_of_frames"],
            duration=json_dict.get("duration"),
            frames_per_second=json_dict.get("frames_per_second"),
            height=json_dict.get("height"),
            width=json_dict.get("width"),
            priority=json_dict.get("priority"),
        )
        entry._client_metadata = json_dict.get("client_metadata")
        return entry

    @classmethod
    def from_list(cls, json_list: Iterable[dict[str, Any]]) -> list[Self]:
        """Return the entries of a listing, in order."""
        return [cls.from_dict(entry) for entry in json_list]  # type: ignore[misc]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: every key, enums by value, times in ISO 8601."""
        node, status, data_type = self.workflow_graph_node, self.annotation_task_status, self.data_type
        return {
            "label_hash": self.label_hash,
            "created_at": _optional_text(self.created_at),
            "last_edited_at": _optional_text(self.last_edited_at),
            "data_hash": self.data_hash,
            "dataset_hash": self.dataset_hash,
            "dataset_title": self.dataset_title,
            "data_title": self.data_title,
            "data_type": data_type.to_upper_case_string() if isinstance(data_type, DataType) else data_type,
            "data_link": self.data_link,
            "label_status": self.label_status.value,
            "annotation_task_status": None if status is None else status.value,
            "workflow_graph_node": None if node is None else {"uuid": node.uuid, "title": node.title},
            "is_shadow_data": self.is_shadow_data,
            "number_of_frames": self.number_of_frames,
            "duration": self.duration,
            "frames_per_second": self.frames_per_second,
            "height": self.height,
            "width": self.width,
            "priority": self.priority,
        }

    def __post_init__(self) -> None:
        self._client_metadata: dict[str, Any] | None = None


def _optional_datetime(text: str | None) -> datetime | None:
    return None if text is None else parse_datetime(text)


def _optional_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
