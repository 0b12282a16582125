"""What a label row says about itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import WrongProjectTypeError
from encord_convert.sdk.objects._label_row_reader import Contents
from encord_convert.sdk.orm.label_row import AnnotationTaskStatus, LabelStatus, WorkflowGraphNode

if TYPE_CHECKING:
    from encord_convert.sdk.objects.ontology_structure import OntologyStructure


class LabelRowStats:
    """The properties of a label row: what the listing says, and once it is read, what the row says."""

    _contents: Contents
    _is_initialised: bool
    _ontology: Any

    @property
    def label_hash(self) -> str | None:
        """The hash of the row; None if labelling never started."""
        return self._contents.stats.label_hash

    @property
    def data_hash(self) -> str:
        """The hash of the data."""
        return self._contents.stats.data_hash

    @property
    def dataset_hash(self) -> str:
        """The hash of the dataset the data belongs to."""
        return self._contents.stats.dataset_hash

    @property
    def dataset_title(self) -> str:
        """The title of the dataset the data belongs to."""
        return self._contents.stats.dataset_title

    @property
    def data_title(self) -> str:
        """The title of the data."""
        return self._contents.stats.data_title

    @property
    def data_type(self) -> DataType:
        """The kind of data."""
        return self._contents.stats.data_type

    @property
    def label_status(self) -> LabelStatus:
        """How far labelling is; :class:`WrongProjectTypeError` in a project with a workflow."""
        self._check_workflow(False, "label_status")
        return self._contents.stats.label_status

    @property
    def annotation_task_status(self) -> AnnotationTaskStatus:
        """How far the annotation task is; :class:`WrongProjectTypeError` in a project with a workflow."""
        self._check_workflow(False, "annotation_task_status")
        return self._contents.stats.annotation_task_status  # type: ignore[return-value]

    @property
    def workflow_graph_node(self) -> WorkflowGraphNode | None:
        """The stage of the workflow; None in a project without one."""
        return self._contents.stats.workflow_graph_node

    @property
    def is_shadow_data(self) -> bool:
        """Whether the data is hidden quality-control data."""
        return self._contents.stats.is_shadow_data

    @property
    def created_at(self) -> datetime | None:
        """When labelling started."""
        return self._contents.stats.created_at

    @property
    def last_edited_at(self) -> datetime | None:
        """When the labels last changed."""
        return self._contents.stats.last_edited_at

    @property
    def branch_name(self) -> str:
        """The branch of the labels; newer than the documented SDK. ``main`` where nobody said another."""
        return str(self._contents.extras.get("branch_name", "main"))

    @property
    def number_of_frames(self) -> int:
        """How many frames the data has."""
        return self._contents.stats.number_of_frames

    @property
    def duration(self) -> float | None:
        """Seconds; of videos only."""
        return self._contents.stats.duration

    @property
    def fps(self) -> float | None:
        """Frames per second; of videos only."""
        return self._contents.stats.fps

    @property
    def data_link(self) -> str | None:
        """Where the data is."""
        return self._contents.stats.data_link

    @property
    def width(self) -> int | None:
        """Pixels; None for image groups, whose images may differ."""
        return self._contents.stats.width

    @property
    def height(self) -> int | None:
        """Pixels; None for image groups, whose images may differ."""
        return self._contents.stats.height

    @property
    def priority(self) -> float | None:
        """Which rows come first; :class:`WrongProjectTypeError` in a project without a workflow."""
        self._check_workflow(True, "priority")
        return self._contents.stats.priority

    @property
    def ontology_structure(self) -> OntologyStructure:
        """The classes the labels are drawn with."""
        return getattr(self._ontology, "structure", self._ontology)  # type: ignore[no-any-return]

    @property
    def is_labelling_initialised(self) -> bool:
        """Whether the labels can be read and changed."""
        return self._is_initialised

    def _check_workflow(self, wanted: bool, name: str) -> None:
        if (self._contents.stats.workflow_graph_node is not None) is not wanted:
            kind = "with" if wanted else "without"
            advice = "" if wanted else " Use workflow_graph_node."
            raise WrongProjectTypeError(f"{name!r} means something in projects {kind} a workflow only.{advice}")
