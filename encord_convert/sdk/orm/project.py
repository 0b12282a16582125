"""Projects: the record a service sends, and what it is sent to make, copy and import them."""

# mypy: disable-error-code="no-any-return"
# The values of these dictionaries are what a service sent.

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

from encord_convert.sdk.orm._members import member
from encord_convert.sdk.orm.base_dto import BaseDTO
from encord_convert.sdk.orm.base_orm import BaseORM


class Project(BaseORM):
    """A project as the service sends it. A key that is missing, or was dropped, is a ``KeyError`` when asked for."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict(
        [
            ("project_hash", str),
            ("title", str),
            ("description", str),
            ("created_at", datetime),
            ("last_edited_at", datetime),
            ("ontology_hash", str),
            ("editor_ontology", (dict, str)),
            ("datasets", (list, str)),
            ("label_rows", (list, str)),
            ("source_projects", list),
            ("workflow_manager_uuid", str),
        ]
    )
    NON_UPDATABLE_FIELDS: ClassVar[set[str]] = {"editor_ontology", "datasets", "label_rows"}

    def get_labels_list(self) -> list[str | None]:
        """Return the label hash of each row; None for rows whose labelling never started."""
        return [row["label_hash"] for row in self["label_rows"]]

    project_hash: str = member("project_hash")
    title: str = member("title")
    description: str = member("description")
    editor_ontology: Any = member("editor_ontology", "The ontology as JSON.")
    datasets: Any = member("datasets", "Objects with ``dataset_hash``, ``title`` and ``description``.")
    label_rows: Any = member("label_rows", "What a listing says of each label row; None if it was not asked for.")
    ontology_hash: str = member("ontology_hash")
    source_projects: Any = member("source_projects", "Hashes of the projects a benchmark is taken from.")
    created_at: datetime = member("created_at")
    last_edited_at: datetime = member("last_edited_at")
    workflow_manager_uuid: UUID = member("workflow_manager_uuid", "Text, as it was sent.")


class ProjectCopy:
    """The name of the copying call."""


class ProjectUsers:
    """The name of the call that adds users to a project."""


class ProjectDataset:
    """The name of the calls that attach and detach datasets."""


class ProjectCopyOptions(str, Enum):  # noqa: UP042 (printed by its name, as documented)
    """What is copied along with a project."""

    COLLABORATORS = "collaborators"
    DATASETS = "datasets"
    MODELS = "models"
    LABELS = "labels"


class ReviewApprovalState(str, Enum):  # noqa: UP042 (printed by its name, as documented)
    """How a review of a label ended."""

    APPROVED = "APPROVED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    DELETED = "DELETED"
    NOT_SELECTED_FOR_REVIEW = "NOT_SELECTED_FOR_REVIEW"


class CopyDatasetAction(str, Enum):  # noqa: UP042 (printed by its name, as documented)
    """Whether a copied project uses the same datasets or one of its own."""

    ATTACH = "ATTACH"
    CLONE = "CLONE"


@dataclass
class CopyDatasetOptions:
    """How the datasets of a project are copied.

    Parameters
    ----------
    action : CopyDatasetAction
    dataset_title, dataset_description : str or None
        Of the dataset made by CLONE.
    datasets_to_data_hashes_map : dict of str to list of str
        For CLONE: which data of which dataset.
    """

    action: CopyDatasetAction = CopyDatasetAction.ATTACH
    dataset_title: str | None = None
    dataset_description: str | None = None
    datasets_to_data_hashes_map: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class CopyLabelsOptions:
    """Which labels of a project are copied.

    Parameters
    ----------
    accepted_label_hashes : list of str or None
        None: all.
    accepted_label_statuses : list of ReviewApprovalState or None
        None: all.
    """

    accepted_label_hashes: list[str] | None = None
    accepted_label_statuses: list[ReviewApprovalState] | None = None


@dataclass
class CopyProjectPayload:
    """What is sent to copy a project.

    Parameters
    ----------
    copy_project_options : list of ProjectCopyOptions
    copy_labels_options, project_copy_metadata
        Made from the nested classes.

    Source
    ------
    Wire protocol, "Copy".
    """

    @dataclass
    class _CopyLabelsOptions:
        datasets_to_data_hashes_map: dict[str, list[str]] = field(default_factory=dict)
        accepted_label_hashes: list[str] | None = None
        accepted_label_statuses: list[ReviewApprovalState] | None = None
        create_new_dataset: bool | None = None

    @dataclass
    class _ProjectCopyMetadata:
        project_title: str | None = None
        project_description: str | None = None
        dataset_title: str | None = None
        dataset_description: str | None = None

    copy_project_options: list[ProjectCopyOptions] = field(default_factory=list)
    copy_labels_options: _CopyLabelsOptions | None = None
    project_copy_metadata: _ProjectCopyMetadata | None = None


class ProjectWorkflowType(Enum):
    """How the labels of a project are checked."""

    MANUAL_QA = "manual"
    BENCHMARK_QA = "benchmark"


class ManualReviewWorkflowSettings:
    """Labels are checked by people."""


@dataclass
class BenchmarkQaWorkflowSettings:
    """Labels are checked against those of other projects.

    Parameters
    ----------
    source_projects : list of str
        Hashes of those projects.
    """

    source_projects: list[str] = field(default_factory=list)


ProjectWorkflowSettings = ManualReviewWorkflowSettings | BenchmarkQaWorkflowSettings


class ReviewMode(str, Enum):  # noqa: UP042 (printed by its name, as documented)
    """What is known of labels that are imported."""

    UNLABELLED = "unlabelled"
    LABELLED = "labelled"
    REVIEWED = "reviewed"


class ProjectImporter(BaseORM):
    """What an import made."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("project_hash", str | None), ("errors", list)])


class CvatExportType(str, Enum):  # noqa: UP042 (printed by its name, as documented)
    """What CVAT exported."""

    PROJECT = "project"
    TASK = "task"


class ProjectImporterCvatInfo(BaseORM):
    """What the service saw in a CVAT export."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("export_type", CvatExportType)])


class TaskPriorityParams(BaseDTO):
    """Priorities of tasks.

    Parameters
    ----------
    priorities : list of (str, float)
        Data hash, and 0.0 (last) to 1.0 (first).
    """

    priorities: list[tuple[str, float]]

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
