"""Everything that can be asked of the service in the name of one project.

Source: wire protocol, sections 10, 11 and 16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

from encord_convert.sdk._fitted import fitted, fitted_list
from encord_convert.sdk._project_models import ProjectModels
from encord_convert.sdk.exceptions import EncordException, MultiLabelLimitError
from encord_convert.sdk.http.routes import COLLABORATOR_TIMERS, LABEL_ROW_PRIORITIES, Query
from encord_convert.sdk.objects.bundled_operations import (
    BundledCreateRowsPayload,
    BundledGetRowsPayload,
    BundledSaveRowsPayload,
    BundledSetPriorityPayload,
    BundledWorkflowCompletePayload,
    BundledWorkflowReopenPayload,
)
from encord_convert.sdk.orm.dataset import Image, Video
from encord_convert.sdk.orm.label_log import LabelLog
from encord_convert.sdk.orm.label_row import (
    AnnotationTaskStatus,
    LabelRow,
    LabelRowMetadata,
    LabelStatus,
    ShadowDataState,
)
from encord_convert.sdk.orm.project import (
    CopyDatasetAction,
    CopyDatasetOptions,
    CopyLabelsOptions,
    Project,
    ProjectCopyOptions,
)
from encord_convert.sdk.project_ontology.classification_type import ClassificationType
from encord_convert.sdk.project_ontology.object_type import ObjectShape
from encord_convert.sdk.project_ontology.ontology import Ontology as FlatOntology
from encord_convert.sdk.utilities.client_utilities import optional_datetime_to_iso_str, optional_set_to_list
from encord_convert.sdk.utilities.project_user import ProjectUser, ProjectUserRole

SENT_OF_A_ROW = {
    "label_hash", "created_at", "last_edited_at", "dataset_hash", "dataset_title", "data_title", "data_hash",
    "data_type", "label_status", "annotation_task_status", "data_units", "object_answers", "classification_answers",
    "object_actions",
}  # fmt: skip
"""Keys of a label row that :meth:`EncordClientProject.save_label_row` sends."""


class EncordClientProject(ProjectModels):
    """A client in the name of one project; :class:`encord_convert.sdk.project.Project` is the comfortable one.

    It is what label rows are stored by: see :class:`encord_convert.sdk.objects._store.LabelRowStore`.
    """

    # --- the project ------------------------------------------------------------------------------------------------

    def get_project(self, include_labels_metadata: bool = True) -> Project:
        """Fetch the record of the project.

        Parameters
        ----------
        include_labels_metadata : bool
            Whether with what the listing says of each label row.
        """
        reply = self._querier.get(Query.PROJECT, None, {"include_labels_metadata": include_labels_metadata})
        return fitted(Project, reply, "GET project")

    def add_users(self, user_emails: list[str], user_role: ProjectUserRole) -> list[ProjectUser]:
        """Give users a role in the project."""
        payload = {"user_emails": user_emails, "user_role": user_role.value}
        reply = self._querier.post(Query.PROJECT_USERS, self._config.resource_id, payload)
        return fitted_list(ProjectUser.from_dict, reply, "POST projectusers")

    def copy_project(
        self,
        copy_datasets: bool | CopyDatasetOptions = False,
        copy_collaborators: bool = False,
        copy_models: bool = False,
        *,
        copy_labels: CopyLabelsOptions | None = None,
        new_title: str | None = None,
        new_description: str | None = None,
    ) -> str:
        """Copy the project; return the hash of the copy."""
        options: list[ProjectCopyOptions] = []
        labels: dict[str, Any] = {
            "datasets_to_data_hashes_map": {},
            "accepted_label_hashes": None,
            "accepted_label_statuses": None,
            "create_new_dataset": None,
        }
        words: dict[str, Any] = {
            "project_title": new_title,
            "project_description": new_description or None,
            "dataset_title": None,
            "dataset_description": None,
        }
        if copy_labels is not None:
            options.append(ProjectCopyOptions.LABELS)
            statuses = copy_labels.accepted_label_statuses
            labels["accepted_label_hashes"] = copy_labels.accepted_label_hashes
            labels["accepted_label_statuses"] = None if statuses is None else [status.value for status in statuses]
        if isinstance(copy_datasets, CopyDatasetOptions) and copy_datasets.action is CopyDatasetAction.CLONE:
            labels["create_new_dataset"] = True
            labels["datasets_to_data_hashes_map"] = copy_datasets.datasets_to_data_hashes_map
            words["dataset_title"] = copy_datasets.dataset_title
            words["dataset_description"] = copy_datasets.dataset_description
        elif copy_datasets:
            options.append(ProjectCopyOptions.DATASETS)
        if copy_models:
            options.append(ProjectCopyOptions.MODELS)
        if copy_collaborators:
            options.append(ProjectCopyOptions.COLLABORATORS)
        payload = {
            "copy_project_options": [option.value for option in options],
            "copy_labels_options": labels,
            "project_copy_metadata": words,
        }
        copy: str = self._querier.post(Query.PROJECT_COPY, self._config.resource_id, payload)
        return copy

    def add_datasets(self, dataset_hashes: list[str]) -> bool:
        """Attach datasets."""
        return bool(self._querier.post(Query.PROJECT_DATASET, None, {"dataset_hashes": dataset_hashes}))

    def remove_datasets(self, dataset_hashes: list[str]) -> bool:
        """Detach datasets."""
        return bool(self._querier.delete(Query.PROJECT_DATASET, dataset_hashes))

    def get_data(self, data_hash: str, get_signed_url: bool = False) -> tuple[Video | None, list[Image] | None]:
        """Fetch where a video, or the images of a group, lie."""
        reply = self._querier.get(Query.DATASET_DATA, {"data_hash": data_hash, "get_signed_url": get_signed_url})
        asked = f"GET datasetdata {data_hash}"
        video, images = fitted(lambda d: (d["video"], d["images"]), reply, asked)
        return (
            None if video is None else fitted(Video, video, asked),
            None if images is None else fitted_list(Image, images, asked),
        )

    # --- the older ontology -----------------------------------------------------------------------------------------

    def get_project_ontology(self) -> FlatOntology:
        """Fetch the ontology in its older, flat form."""
        return FlatOntology.from_dict(self.get_project().editor_ontology)

    def add_object(self, name: str, shape: ObjectShape) -> bool:
        """Add a class of objects. What the older form has no place for is lost."""
        if not name:
            raise ValueError("A class of objects has a name.")
        ontology = self.get_project_ontology()
        ontology.add_object(name, shape)
        return self._send_ontology(ontology)

    def add_classification(
        self, name: str, classification_type: ClassificationType, required: bool, options: list[str] | None = None
    ) -> bool:
        """Add a classification. What the older form has no place for is lost."""
        if not name:
            raise ValueError("A classification has a name.")
        ontology = self.get_project_ontology()
        ontology.add_classification(name, classification_type, required, options)
        return self._send_ontology(ontology)

    def _send_ontology(self, ontology: FlatOntology) -> bool:
        return bool(self._querier.post(Query.PROJECT, None, {"editor": ontology.to_dict()}))

    # --- label rows -------------------------------------------------------------------------------------------------

    def list_label_rows(
        self,
        edited_before: str | datetime | None = None,
        edited_after: str | datetime | None = None,
        label_statuses: list[AnnotationTaskStatus] | None = None,
        shadow_data_state: ShadowDataState | None = None,
        *,
        include_uninitialised_labels: bool = False,
        data_hashes: list[str] | None = None,
        label_hashes: list[str] | None = None,
        data_title_eq: str | None = None,
        data_title_like: str | None = None,
        workflow_graph_node_title_eq: str | None = None,
        workflow_graph_node_title_like: str | None = None,
    ) -> list[LabelRowMetadata]:
        """Fetch what the listing says of the label rows that meet every condition given."""
        payload = {
            "edited_before": optional_datetime_to_iso_str("edited_before", edited_before),
            "edited_after": optional_datetime_to_iso_str("edited_after", edited_after),
            "label_statuses": None if label_statuses is None else [status.value for status in label_statuses],
            "shadow_data_state": None if shadow_data_state is None else shadow_data_state.value,
            "include_uninitialised_labels": include_uninitialised_labels,
            "data_hashes": data_hashes,
            "label_hashes": label_hashes,
            "data_title_eq": data_title_eq,
            "data_title_like": data_title_like,
            "workflow_graph_node_title_eq": workflow_graph_node_title_eq,
            "workflow_graph_node_title_like": workflow_graph_node_title_like,
        }
        replies = self._querier.get_list(Query.LABEL_ROW_METADATA, None, payload)
        return fitted_list(LabelRowMetadata.from_dict, replies, "GET labelrowmetadata")

    def get_label_row(
        self,
        uid: str,
        get_signed_url: bool = True,
        *,
        include_object_feature_hashes: set[str] | None = None,
        include_classification_feature_hashes: set[str] | None = None,
        include_reviews: bool = False,
    ) -> LabelRow:
        """Fetch a label row as JSON, by its label hash."""
        hashes = (include_object_feature_hashes, include_classification_feature_hashes)
        payload = _fetch_payload(get_signed_url, *hashes, include_reviews, multi=False)
        return fitted(LabelRow, self._querier.get(Query.LABEL_ROW, uid, payload), f"GET labelrow {uid}")

    def get_label_rows(
        self,
        uids: list[str],
        get_signed_url: bool = True,
        *,
        include_object_feature_hashes: set[str] | None = None,
        include_classification_feature_hashes: set[str] | None = None,
        include_reviews: bool = False,
    ) -> list[LabelRow]:
        """Fetch label rows as JSON, by their label hashes.

        Raises
        ------
        MultiLabelLimitError
            The service does not give so many at once; ``maximum_labels_allowed`` says how many.
        """
        hashes = (include_object_feature_hashes, include_classification_feature_hashes)
        payload = _fetch_payload(get_signed_url, *hashes, include_reviews, multi=True)
        return fitted_list(LabelRow, self._querier.get_list(Query.LABEL_ROW, uids, payload), "GET labelrow")

    def create_label_row(self, uid: str) -> dict[str, Any]:
        """Begin labelling a piece of data; return the label row as JSON."""
        row: dict[str, Any] = self._querier.put(Query.LABEL_ROW, uid)
        return row

    def create_label_rows(self, uids: list[str]) -> list[LabelRow]:
        """Begin labelling pieces of data, by their data hashes; return the label rows as JSON."""
        return fitted_list(LabelRow, self._create(uids), "PUT labelrow")

    def save_label_row(self, uid: str, label: dict[str, Any]) -> Any:
        """Store a label row given as JSON."""
        row = {key: value for key, value in label.items() if key in SENT_OF_A_ROW}
        return self._querier.post(Query.LABEL_ROW, uid, row)

    def save_label_rows(self, uids: list[str], payload: list[dict[str, Any]]) -> Any:
        """Store label rows given as JSON, in the order of their label hashes."""
        return self._querier.post(Query.LABEL_ROW, uids, {"multi_request": True, "labels": payload})

    def submit_label_row_for_review(self, uid: str) -> bool:
        """Send a label row to its reviewers."""
        return bool(self._querier.put(Query.REVIEW, uid))

    def set_label_status(self, label_hash: str, label_status: LabelStatus) -> bool:
        """Set how far the labelling of a row is."""
        return bool(self._querier.post(Query.LABEL_STATUS, label_hash, {"label_status": label_status.value}))

    def workflow_reopen(self, label_hashes: list[str]) -> None:
        """Send label rows back to the first stage of their workflow."""
        self._querier.post(Query.LABEL_WORKFLOW_GRAPH_NODE, label_hashes, {"action": "reopen"})

    def workflow_complete(self, label_hashes: list[str]) -> None:
        """Send label rows to the last stage of their workflow."""
        self._querier.post(Query.LABEL_WORKFLOW_GRAPH_NODE, label_hashes, {"action": "complete"})

    def workflow_set_priority(self, priorities: list[tuple[str, float]]) -> None:
        """Set which pieces of data come first, by data hash; 0..1, higher comes first."""
        payload = {"priorities": priorities}
        self._api_client.call(LABEL_ROW_PRIORITIES, payload=payload, project=self._config.resource_id)

    def _create(self, uids: list[str]) -> list[dict[str, Any]]:
        return self._querier.put_list(Query.LABEL_ROW, uids, {"multi_request": True})

    # The store of label rows gets rows unparsed, since they read them themselves.

    def _create_rows(self, payload: BundledCreateRowsPayload) -> list[dict[str, Any]]:
        return _checked_rows(self._create(payload.uids), "PUT labelrow")

    def _fetch_rows(self, payload: BundledGetRowsPayload) -> list[dict[str, Any]]:
        sent = _fetch_payload(
            payload.get_signed_url,
            payload.include_object_feature_hashes,
            payload.include_classification_feature_hashes,
            payload.include_reviews,
            multi=True,
        )
        rows = self._in_parts(payload.uids, lambda uids: self._querier.get_list(Query.LABEL_ROW, uids, sent))
        return _checked_rows(rows, "GET labelrow")

    def _in_parts(self, uids: list[str], fetch: Callable[[list[str]], list[Any]]) -> list[Any]:
        """Fetch rows, in parts as large as the service allows if it does not give all at once."""
        try:
            return fetch(uids)
        except MultiLabelLimitError as error:
            size = error.maximum_labels_allowed
            if not 0 < size < len(uids):
                raise
        return [row for at in range(0, len(uids), size) for row in fetch(uids[at : at + size])]

    def _save_rows(self, payload: BundledSaveRowsPayload) -> Any:
        return self.save_label_rows(payload.uids, payload.payload)

    def _reopen_rows(self, payload: BundledWorkflowReopenPayload) -> Any:
        self.workflow_reopen(payload.label_hashes)

    def _complete_rows(self, payload: BundledWorkflowCompletePayload) -> Any:
        self.workflow_complete(payload.label_hashes)

    def _set_row_priorities(self, payload: BundledSetPriorityPayload) -> Any:
        self.workflow_set_priority(payload.priorities)

    # --- algorithms, logs, timers -----------------------------------------------------------------------------------

    def object_interpolation(self, key_frames: dict[str, Any], objects_to_interpolate: list[str]) -> Any:
        """Let the service compute objects on the frames between key frames."""
        if not key_frames or not objects_to_interpolate:
            raise EncordException("Interpolation needs key frames and the hashes of objects.")
        parameters = {"key_frames": key_frames, "objects_to_interpolate": objects_to_interpolate}
        return self._run("interpolation", parameters)

    def fitted_bounding_boxes(self, frames: dict[str, Any], video: dict[str, Any]) -> Any:
        """Let the service draw boxes closer around objects.

        Parameters
        ----------
        frames : dict
            Frames as in a label row.
        video : dict
            ``width`` and ``height`` in pixels.
        """
        if not frames or not video:
            raise EncordException("Fitting boxes needs frames and the size of the video.")
        size = {"width": video["width"], "height": video["height"]}
        return self._run("fitted_bounding_box", {"labels": frames, "video": size})

    def _run(self, name: str, parameters: dict[str, Any]) -> Any:
        payload = {"algorithm_name": name, "algorithm_parameters": parameters}
        return self._querier.post(Query.LABELING_ALGORITHM, str(uuid4()), payload)

    def get_label_logs(
        self,
        user_hash: str | None = None,
        data_hash: str | None = None,
        from_unix_seconds: int | None = None,
        to_unix_seconds: int | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        user_email: str | None = None,
    ) -> list[LabelLog]:
        """Fetch who did what to labels, and when.

        Raises
        ------
        ValueError
            One bound is given in both its forms.
        """
        members = {
            "user_hash": user_hash,
            "data_hash": data_hash,
            "start_timestamp": _seconds("after", after, "from_unix_seconds", from_unix_seconds),
            "end_timestamp": _seconds("before", before, "to_unix_seconds", to_unix_seconds),
            "user_email": user_email,
        }
        payload: dict[str, Any] = {name: value for name, value in members.items() if value is not None}
        payload["include_user_email_and_interface_key"] = True
        return fitted_list(LabelLog.from_dict, self._querier.get_list(Query.LABEL_LOG, None, payload), "GET labellog")

    def timers_page(self, params: dict[str, Any]) -> dict[str, Any]:
        """Fetch one page of what collaborators spent how long on."""
        page: dict[str, Any] = self._api_client.call(COLLABORATOR_TIMERS, query=params)
        return page


def _fetch_payload(
    get_signed_url: bool,
    object_hashes: Iterable[str] | None,
    classification_hashes: Iterable[str] | None,
    include_reviews: bool,
    *,
    multi: bool,
) -> dict[str, Any]:
    return {
        "get_signed_url": get_signed_url,
        "multi_request": multi,
        "include_object_feature_hashes": optional_set_to_list(object_hashes),
        "include_classification_feature_hashes": optional_set_to_list(classification_hashes),
        "include_reviews": include_reviews,
    }


def _checked_rows(rows: list[Any], asked: str) -> list[dict[str, Any]]:
    """Return rows, checking that each has its identifying hashes."""
    for index, row in enumerate(rows):
        fitted(lambda row: (row["label_hash"], row["data_hash"]), row, f"{asked}, [{index}]")
    return rows


def _seconds(name: str, moment: datetime | None, old_name: str, seconds: int | None) -> int | None:
    if moment is not None and seconds is not None:
        raise ValueError(f"{name} and {old_name} are one bound; give one of them.")
    return seconds if moment is None else int(moment.timestamp())
