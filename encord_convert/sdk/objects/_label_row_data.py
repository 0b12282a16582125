"""What a label row says about itself and its data, apart from the labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.orm.label_row import AnnotationTaskStatus, LabelRowMetadata, LabelStatus, WorkflowGraphNode


@dataclass(slots=True)
class DataUnit:
    """One file of a label row: an image, a video, a series.

    Parameters
    ----------
    data_hash : str
    data_title : str
    data_type : str
        MIME type.
    data_sequence : int
        In an image group, the frame; else 0.
    width, height : int or None
        Pixels; None for data that has none.
    data_link : str or None
    extras : dict or None
        Keys of its JSON that the model does not know, and ``data_duration`` and ``data_fps`` where the listing is
        silent on them.
    """

    data_hash: str
    data_title: str
    data_type: str
    data_sequence: int
    width: int | None
    height: int | None
    data_link: str | None = None
    extras: dict[str, Any] | None = None


@seen_as("encord_convert.sdk.objects.ontology_labels_impl:LabelRowV2.FrameLevelImageGroupData")
@dataclass(frozen=True)
class FrameLevelImageGroupData:
    """One image of a row.

    Parameters
    ----------
    image_hash, image_title : str
    file_type : str
        MIME type.
    frame_number : int
        From 0.
    width, height : int
        Pixels.
    data_link : str, optional
    """

    image_hash: str
    image_title: str
    file_type: str
    frame_number: int
    width: int
    height: int
    data_link: str | None = None


@seen_as("encord_convert.sdk.objects.ontology_labels_impl:LabelRowV2.LabelRowReadOnlyData")
@dataclass(frozen=True)
class LabelRowReadOnlyData:
    """What a label row says about itself.

    Parameters
    ----------
    frame_level_data : dict
        Frame to image; of images and image groups only.
    image_hash_to_frame, frame_to_image_hash : dict
    """

    label_hash: str | None
    created_at: datetime | None
    last_edited_at: datetime | None
    data_hash: str
    data_type: DataType
    label_status: LabelStatus
    annotation_task_status: AnnotationTaskStatus | None
    workflow_graph_node: WorkflowGraphNode | None
    is_shadow_data: bool
    number_of_frames: int
    duration: float | None
    fps: float | None
    dataset_hash: str
    dataset_title: str
    data_title: str
    width: int | None
    height: int | None
    data_link: str | None
    priority: float | None
    frame_level_data: dict[int, FrameLevelImageGroupData] = field(default_factory=dict)
    image_hash_to_frame: dict[str, int] = field(default_factory=dict)
    frame_to_image_hash: dict[int, str] = field(default_factory=dict)


def like(template: LabelRowReadOnlyData, **changes: Any) -> LabelRowReadOnlyData:
    """Return the facts of a row without images yet that differ from others in some fields."""
    return _without_images(**template.__dict__ | changes)


def _without_images(**facts: Any) -> LabelRowReadOnlyData:
    """Return what a row says about itself: all but its images.

    A frozen dataclass of 22 fields takes longer to construct than all else that a row of one image needs.
    """
    made = object.__new__(LabelRowReadOnlyData)
    made.__dict__.update(facts)
    made.__dict__.update(frame_level_data={}, image_hash_to_frame={}, frame_to_image_hash={})
    return made


def read_only_data_from(metadata: LabelRowMetadata) -> LabelRowReadOnlyData:
    """Return what a listing says of a row."""
    listed = metadata.data_type
    data_type = listed if isinstance(listed, DataType) else DataType.from_upper_case_string(listed)
    return _without_images(
        label_hash=metadata.label_hash,
        created_at=metadata.created_at,
        last_edited_at=metadata.last_edited_at,
        data_hash=metadata.data_hash,
        data_type=data_type,
        label_status=metadata.label_status,
        annotation_task_status=metadata.annotation_task_status,
        workflow_graph_node=metadata.workflow_graph_node,
        is_shadow_data=metadata.is_shadow_data,
        number_of_frames=metadata.number_of_frames,
        duration=metadata.duration,
        fps=metadata.frames_per_second,
        dataset_hash=metadata.dataset_hash,
        dataset_title=metadata.dataset_title,
        data_title=metadata.data_title,
        width=metadata.width,
        height=metadata.height,
        data_link=metadata.data_link,
        priority=metadata.priority,
    )
