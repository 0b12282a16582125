"""A project of the service: its data, its people, its label rows.

Source: wire protocol, sections 10 and 11.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from encord_convert.sdk._fitted import fitted
from encord_convert.sdk._project_client import EncordClientProject
from encord_convert.sdk._warnings import deprecated
from encord_convert.sdk.constants.model import AutomationModels, Device
from encord_convert.sdk.http.bundle import Bundle
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
from encord_convert.sdk.ontology import Ontology
from encord_convert.sdk.orm.analytics import CollaboratorTimer
from encord_convert.sdk.orm.cloud_integration import CloudIntegration
from encord_convert.sdk.orm.dataset import Image, Video
from encord_convert.sdk.orm.label_log import LabelLog
from encord_convert.sdk.orm.label_row import (
    AnnotationTaskStatus,
    LabelRow,
    LabelRowMetadata,
    LabelStatus,
    ShadowDataState,
)
from encord_convert.sdk.orm.model import ModelConfiguration, ModelTrainingWeights, TrainingMetadata
from encord_convert.sdk.orm.project import CopyDatasetOptions, CopyLabelsOptions
from encord_convert.sdk.orm.project import Project as OrmProject
from encord_convert.sdk.project_ontology.classification_type import ClassificationType
from encord_convert.sdk.project_ontology.object_type import ObjectShape
from encord_convert.sdk.utilities.project_user import ProjectUser, ProjectUserRole

if TYPE_CHECKING:
    from encord_convert.sdk.project_ontology.ontology import Ontology as FlatOntology

_ROWS = "list_label_rows_v2 and LabelRowV2"
PAGE_SIZE = 100
"""Timers in one page."""


class Project:
    """A project of the service.

    Parameters
    ----------
    client : EncordClientProject
    project_instance : encord_convert.sdk.orm.project.Project
        What the service says of it.
    ontology : Ontology
    """

    def __init__(self, client: EncordClientProject, project_instance: OrmProject, ontology: Ontology) -> None:
        self._client = client
        self._project_instance = project_instance
        self._ontology = ontology

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def project_hash(self) -> str:
        """Its identifier."""
        return self._project_instance.project_hash

    @property
    def title(self) -> str:
        """What it is called."""
        return self._project_instance.title

    @property
    def description(self) -> str:
        """What it is for."""
        return self._project_instance.description

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        return self._project_instance.created_at

    @property
    def last_edited_at(self) -> datetime:
        """When it was last changed."""
        return self._project_instance.last_edited_at

    @property
    def ontology(self) -> dict[str, Any]:
        """The ontology as JSON. Deprecated: :attr:`ontology_structure` is the same, as objects."""
        deprecated("Project.ontology", "Project.ontology_structure")
        ontology: dict[str, Any] = self._project_instance.editor_ontology
        return ontology

    @property
    def ontology_hash(self) -> str:
        """Identifier of the ontology."""
        return self._ontology.ontology_hash

    @property
    def ontology_structure(self) -> OntologyStructure:
        """The classes of the project."""
        return self._ontology.structure

    @property
    def datasets(self) -> list[dict[str, Any]]:
        """Its datasets: objects with ``dataset_hash``, ``title`` and ``description``."""
        datasets: list[dict[str, Any]] = self._project_instance.datasets
        return datasets

    @property
    def label_rows(self) -> Any:
        """What the listing says of its label rows, as JSON. Deprecated: see :meth:`list_label_rows_v2`."""
        deprecated("Project.label_rows", _ROWS)
        if self._project_instance.label_rows is None:
            self.refetch_data()
        return self._project_instance.label_rows

    def refetch_data(self) -> None:
        """Fetch what the service says of it again."""
        self._project_instance = self._client.get_project()

    def refetch_ontology(self) -> None:
        """Fetch its ontology again; unsaved changes of it are forgotten."""
        self._ontology.refetch_data()

    def get_project(self) -> OrmProject:
        """Fetch what the service says of it, and return that."""
        return self._client.get_project()

    # --- label rows -------------------------------------------------------------------------------------------------

    def list_label_rows_v2(
        self,
        data_hashes: list[str] | None = None,
        label_hashes: list[str] | None = None,
        edited_before: str | datetime | None = None,
        edited_after: str | datetime | None = None,
        label_statuses: list[AnnotationTaskStatus] | None = None,
        shadow_data_state: ShadowDataState | None = None,
        data_title_eq: str | None = None,
        data_title_like: str | None = None,
        workflow_graph_node_title_eq: str | None = None,
        workflow_graph_node_title_like: str | None = None,
    ) -> list[LabelRowV2]:
        """Fetch the label rows that meet every condition given, also of data nobody has labelled.

        Parameters
        ----------
        data_hashes, label_hashes : list of str, optional
        edited_before, edited_after : datetime or its text, optional
        label_statuses : list of AnnotationTaskStatus, optional
        shadow_data_state : ShadowDataState, optional
        data_title_eq, workflow_graph_node_title_eq : str, optional
        data_title_like, workflow_graph_node_title_like : str, optional
            ``%`` stands for any text, ``_`` for any character.

        Returns
        -------
        list of LabelRowV2
            Without their labels; :meth:`LabelRowV2.initialise_labels` fetches those.
        """
        listed = self._client.list_label_rows(
            edited_before,
            edited_after,
            label_statuses,
            shadow_data_state,
            include_uninitialised_labels=True,
            data_hashes=data_hashes,
            label_hashes=label_hashes,
            data_title_eq=data_title_eq,
            data_title_like=data_title_like,
            workflow_graph_node_title_eq=workflow_graph_node_title_eq,
            workflow_graph_node_title_like=workflow_graph_node_title_like,
        )
        return [LabelRowV2(metadata, self._client, self._ontology) for metadata in listed]

    def create_bundle(self) -> Bundle:
        """Return a bundle, by which calls on many label rows are sent as a few."""
        return Bundle()

    def list_label_rows(
        self,
        edited_before: str | datetime | None = None,
        edited_after: str | datetime | None = None,
        label_statuses: list[AnnotationTaskStatus] | None = None,
        shadow_data_state: ShadowDataState | None = None,
        *,
        include_uninitialised_labels: bool = False,
        label_hashes: list[str] | None = None,
        data_hashes: list[str] | None = None,
    ) -> list[LabelRowMetadata]:
        """Fetch what the listing says of label rows. Deprecated: see :meth:`list_label_rows_v2`."""
        deprecated("Project.list_label_rows", _ROWS)
        return self._client.list_label_rows(
            edited_before,
            edited_after,
            label_statuses,
            shadow_data_state,
            include_uninitialised_labels=include_uninitialised_labels,
            label_hashes=label_hashes,
            data_hashes=data_hashes,
        )

    def get_label_row(
        self,
        uid: str,
        get_signed_url: bool = True,
        *,
        include_object_feature_hashes: set[str] | None = None,
        include_classification_feature_hashes: set[str] | None = None,
        include_reviews: bool = False,
    ) -> LabelRow:
        """Fetch a label row as JSON. Deprecated: see :meth:`list_label_rows_v2`."""
        deprecated("Project.get_label_row", _ROWS)
        return self._client.get_label_row(
            uid,
            get_signed_url,
            include_object_feature_hashes=include_object_feature_hashes,
            include_classification_feature_hashes=include_classification_feature_hashes,
            include_reviews=include_reviews,
        )

    def get_label_rows(
        self,
        uids: list[str],
        get_signed_url: bool = True,
        *,
        include_object_feature_hashes: set[str] | None = None,
        include_classification_feature_hashes: set[str] | None = None,
        include_reviews: bool = False,
    ) -> list[LabelRow]:
        """Fetch label rows as JSON. Deprecated: see :meth:`list_label_rows_v2`."""
        deprecated("Project.get_label_rows", _ROWS)
        return self._client.get_label_rows(
            uids,
            get_signed_url,
            include_object_feature_hashes=include_object_feature_hashes,
            include_classification_feature_hashes=include_classification_feature_hashes,
            include_reviews=include_reviews,
        )

    def save_label_row(self, uid: str, label: dict[str, Any]) -> Any:
        """Store a label row given as JSON. Deprecated: see :meth:`list_label_rows_v2`."""
        deprecated("Project.save_label_row", _ROWS)
        return self._client.save_label_row(uid, label)

    def create_label_row(self, uid: str) -> Any:
        """Begin labelling a piece of data, by its data hash. Deprecated: see :meth:`list_label_rows_v2`."""
        deprecated("Project.create_label_row", _ROWS)
        return self._client.create_label_row(uid)

    def submit_label_row_for_review(self, uid: str) -> bool:
        """Send a label row to its reviewers, by its label hash."""
        return self._client.submit_label_row_for_review(uid)

    def set_label_status(self, label_hash: str, label_status: LabelStatus) -> bool:
        """Set how far the labelling of a row is."""
        return self._client.set_label_status(label_hash, label_status)

    # --- people and data --------------------------------------------------------------------------------------------

    def add_users(self, user_emails: list[str], user_role: ProjectUserRole) -> list[ProjectUser]:
        """Give users a role in the project."""
        return self._client.add_users(user_emails, user_role)

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
        """Copy the project, and return the hash of the copy.

        Parameters
        ----------
        copy_datasets : bool or CopyDatasetOptions
            True attaches the datasets to the copy; the options may clone them into a new one.
        copy_collaborators, copy_models : bool
        copy_labels : CopyLabelsOptions, optional
            By default no labels are copied.
        new_title, new_description : str, optional
        """
        return self._client.copy_project(
            copy_datasets,
            copy_collaborators,
            copy_models,
            copy_labels=copy_labels,
            new_title=new_title,
            new_description=new_description,
        )

    def add_datasets(self, dataset_hashes: list[str]) -> bool:
        """Attach datasets."""
        done = self._client.add_datasets(dataset_hashes)
        self.refetch_data()
        return done

    def remove_datasets(self, dataset_hashes: list[str]) -> bool:
        """Detach datasets; their labels in the project go too."""
        done = self._client.remove_datasets(dataset_hashes)
        self.refetch_data()
        return done

    def get_data(self, data_hash: str, get_signed_url: bool = False) -> tuple[Video | None, list[Image] | None]:
        """Fetch where a video, or the images of a group, lie; one of the two is None."""
        return self._client.get_data(data_hash, get_signed_url)

    def get_cloud_integrations(self) -> list[CloudIntegration]:
        """Fetch the clouds whose data can be registered."""
        return self._client.get_cloud_integrations()

    def get_websocket_url(self) -> str:
        """Return the address of the project's socket. It holds a signature: do not print it."""
        return self._client.get_websocket_url()

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

        Parameters
        ----------
        user_hash, data_hash, user_email : str, optional
        from_unix_seconds, to_unix_seconds : int, optional
            Deprecated forms of ``after`` and ``before``.
        after, before : datetime, optional
            Without a zone, local time.

        Raises
        ------
        ValueError
            One bound is given in both its forms.
        """
        return self._client.get_label_logs(
            user_hash, data_hash, from_unix_seconds, to_unix_seconds, after, before, user_email
        )

    def list_collaborator_timers(
        self, after: datetime, before: datetime | None = None, group_by_data_unit: bool = True
    ) -> Iterable[CollaboratorTimer]:
        """Yield what collaborators spent how long on; pages are fetched as they are needed.

        Parameters
        ----------
        after, before : datetime
        group_by_data_unit : bool
            Whether the time on each piece of data is told apart.
        """
        params: dict[str, Any] = {
            "projectHash": self.project_hash,
            "after": str(after),
            "before": None if before is None else str(before),
            "groupBy": "dataUnit" if group_by_data_unit else "project",
            "pageSize": PAGE_SIZE,
        }
        return self._timers(params)

    def _timers(self, params: dict[str, Any]) -> Iterator[CollaboratorTimer]:
        asked = "GET timers"
        while True:
            page = self._client.timers_page(params)
            for item in fitted(lambda d: d["results"], page, asked):
                yield fitted(CollaboratorTimer.from_dict, item, asked)
            token = page.get("nextPageToken") or page.get("next_page_token")
            if not token:
                return
            params = {**params, "pageToken": token}

    # --- models and algorithms --------------------------------------------------------------------------------------

    def list_models(self) -> list[ModelConfiguration]:
        """Fetch the models of the project."""
        return self._client.list_models()

    def get_training_metadata(
        self,
        model_iteration_uids: Iterable[str],
        get_created_at: bool = False,
        get_training_final_loss: bool = False,
        get_model_training_labels: bool = False,
    ) -> list[TrainingMetadata]:
        """Fetch what is known of trainings; what is not asked for is None."""
        uids = list(model_iteration_uids)
        return self._client.get_training_metadata(
            uids, get_created_at, get_training_final_loss, get_model_training_labels
        )

    def create_model_row(self, title: str, description: str, features: list[str], model: str | AutomationModels) -> str:
        """Make a model that learns classes, by their hashes; return its uid."""
        return self._client.create_model_row(title, description, features, model)

    def model_delete(self, uid: str) -> bool:
        """Delete a model."""
        return self._client.model_delete(uid)

    def model_inference(
        self,
        uid: str,
        file_paths: list[str] | None = None,
        base64_strings: list[bytes] | None = None,
        conf_thresh: float = 0.6,
        iou_thresh: float = 0.3,
        device: Device = Device.CUDA,
        detection_frame_range: list[int] | None = None,
        allocation_enabled: bool = False,
        data_hashes: list[str] | None = None,
        rdp_thresh: float = 0.005,
    ) -> Any:
        """Run an iteration of a model, by its uid, on files, images in base64, or data of the service.

        Parameters
        ----------
        conf_thresh, iou_thresh : float
            Least confidence of a label, and greatest overlap of two; 0..1.
        detection_frame_range : list of int, optional
            First and last frame.
        allocation_enabled : bool
            Whether objects are followed from frame to frame.
        rdp_thresh : float
            How far polygons are simplified.
        """
        return self._client.model_inference(
            uid, file_paths, base64_strings, conf_thresh, iou_thresh, device, detection_frame_range,
            allocation_enabled, data_hashes, rdp_thresh,
        )  # fmt: skip

    def model_train(
        self,
        uid: str,
        label_rows: list[str] | None = None,
        epochs: int | None = None,
        batch_size: int = 24,
        weights: ModelTrainingWeights | None = None,
        device: Device = Device.CUDA,
    ) -> Any:
        """Train a model, by its uid, on label rows, by their label hashes."""
        return self._client.model_train(uid, label_rows, epochs, batch_size, weights, device)

    def object_interpolation(self, key_frames: dict[str, Any], objects_to_interpolate: list[str]) -> Any:
        """Let the service compute objects on the frames between key frames."""
        return self._client.object_interpolation(key_frames, objects_to_interpolate)

    def fitted_bounding_boxes(self, frames: dict[str, Any], video: dict[str, Any]) -> Any:
        """Let the service draw boxes closer around objects; ``video`` has ``width`` and ``height`` in pixels."""
        return self._client.fitted_bounding_boxes(frames, video)

    # --- the older ontology -----------------------------------------------------------------------------------------

    def get_project_ontology(self) -> FlatOntology:
        """Fetch the ontology in its older form. Deprecated: see :attr:`ontology_structure`."""
        deprecated("Project.get_project_ontology", "Project.ontology_structure")
        return self._client.get_project_ontology()

    def add_object(self, name: str, shape: ObjectShape) -> bool:
        """Add a class of objects to the ontology, in its older form, which loses attributes."""
        done = self._client.add_object(name, shape)
        self.refetch_data()
        return done

    def add_classification(
        self, name: str, classification_type: ClassificationType, required: bool, options: list[str] | None = None
    ) -> bool:
        """Add a classification to the ontology, in its older form, which loses attributes of objects."""
        done = self._client.add_classification(name, classification_type, required, options)
        self.refetch_data()
        return done
