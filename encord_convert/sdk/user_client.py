"""The client of a user: makes, finds and opens projects, datasets and ontologies.

Source: wire protocol, section 8.
"""

from __future__ import annotations

import os
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from encord_convert.sdk._dataset_client import EncordClientDataset
from encord_convert.sdk._fitted import fitted, fitted_list
from encord_convert.sdk._project_client import EncordClientProject
from encord_convert.sdk._warnings import deprecated
from encord_convert.sdk.client import client_by_key
from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.configs import ApiKeyConfig, SshConfig, UserConfig, get_env_ssh_key
from encord_convert.sdk.dataset import Dataset
from encord_convert.sdk.exceptions import ResourceNotFoundError
from encord_convert.sdk.http._calls import Querier, Session
from encord_convert.sdk.http.constants import DEFAULT_REQUESTS_SETTINGS, RequestsSettings
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.objects.common import DeidentifyRedactTextMode, SaveDeidentifiedDicomCondition
from encord_convert.sdk.objects.ontology_structure import OntologyStructure
from encord_convert.sdk.ontology import Ontology
from encord_convert.sdk.orm.cloud_integration import CloudIntegration
from encord_convert.sdk.orm.dataset import (
    DEFAULT_DATASET_ACCESS_SETTINGS,
    CreateDatasetResponse,
    DatasetAccessSettings,
    DatasetAPIKey,
    DatasetInfo,
    DatasetScope,
    DatasetUserRole,
    StorageLocation,
)
from encord_convert.sdk.orm.dataset_with_user_role import DatasetWithUserRole
from encord_convert.sdk.orm.project import (
    BenchmarkQaWorkflowSettings,
    ManualReviewWorkflowSettings,
    ProjectWorkflowSettings,
    ProjectWorkflowType,
    ReviewMode,
)
from encord_convert.sdk.orm.project import Project as OrmProject
from encord_convert.sdk.orm.project_api_key import ProjectAPIKey
from encord_convert.sdk.orm.project_with_user_role import ProjectWithUserRole
from encord_convert.sdk.project import Project
from encord_convert.sdk.utilities.client_utilities import (
    APIKeyScopes,
    CvatImporterError,
    CvatImporterSuccess,
    LocalImport,
    optional_datetime_to_iso_str,
)
from encord_convert.sdk.utilities.ontology_user import OntologyUserRole, OntologyWithUserRole
from encord_convert.sdk.utilities.project_user import ProjectUserRole

Moment = str | datetime


class ListingFilter(Enum):
    """A condition of a listing; those of time take datetimes."""

    TITLE_EQ = "title_eq"
    TITLE_LIKE = "title_like"
    DESC_EQ = "desc_eq"
    DESC_LIKE = "desc_like"
    CREATED_BEFORE = "created_before"
    CREATED_AFTER = "created_after"
    EDITED_BEFORE = "edited_before"
    EDITED_AFTER = "edited_after"


class EncordUserClient:
    """The client of a user; :meth:`create_with_ssh_private_key` makes one.

    All its calls share connections, and so do the projects and datasets it opens.
    """

    def __init__(self, user_config: UserConfig, querier: Querier) -> None:
        self.user_config = user_config
        self.querier = querier

    @staticmethod
    def create_with_ssh_private_key(
        ssh_private_key: str | None = None,
        password: str | None = None,
        requests_settings: RequestsSettings = DEFAULT_REQUESTS_SETTINGS,
        ssh_private_key_path: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> EncordUserClient:
        """Return the client of the user with a private key, Ed25519, as OpenSSH or PEM text.

        Parameters
        ----------
        ssh_private_key : str, optional
            The text itself. By default ``ENCORD_SSH_KEY_FILE`` names a file, or ``ENCORD_SSH_KEY`` is the text.
        password : str, optional
            Of a key that has one.
        requests_settings : RequestsSettings
        ssh_private_key_path : path, optional
            A file with the text; comes before ``ssh_private_key``.
        **kwargs
            ``domain``: which service; by default ``ENCORD_CONVERT_DOMAIN``, else the hosted one.

        Raises
        ------
        ResourceNotFoundError
            No key is given, or the file of the environment is not there.
        ValueError
            The text is no private key, or of another type; or its password is wrong or missing.
        """
        if ssh_private_key_path is not None:
            path = Path(ssh_private_key_path).expanduser()
            if not path.is_file():
                raise ResourceNotFoundError(f"{path}: there is no such file; ssh_private_key_path names it.")
            ssh_private_key = path.read_text(encoding="ascii", errors="replace")
        config = UserConfig.from_ssh_private_key(
            ssh_private_key or get_env_ssh_key(), password, requests_settings, **kwargs
        )
        return EncordUserClient(config, Querier(config))

    # --- opening ----------------------------------------------------------------------------------------------------

    def get_dataset(
        self, dataset_hash: str, dataset_access_settings: DatasetAccessSettings = DEFAULT_DATASET_ACCESS_SETTINGS
    ) -> Dataset:
        """Open a dataset."""
        client = self._dataset_client(dataset_hash, dataset_access_settings)
        return Dataset(client, client.get_dataset())

    def get_project(self, project_hash: str) -> Project:
        """Open a project."""
        querier = self._in_the_name_of("project", project_hash)
        client = EncordClientProject(querier, _resource_config(querier))
        record = client.get_project(include_labels_metadata=False)
        ontology_hash = fitted(lambda one: one["ontology_hash"], record, "GET project")
        return Project(client, record, Ontology._fetched_from(querier, ontology_hash))

    def get_ontology(self, ontology_hash: str) -> Ontology:
        """Open an ontology."""
        return Ontology._fetched_from(self._in_the_name_of("ontology", ontology_hash), ontology_hash)

    def _in_the_name_of(self, resource_type: str, resource_hash: str) -> Querier:
        return Querier(SshConfig(self.user_config, resource_type, resource_hash), self.querier.session)

    def _dataset_client(self, dataset_hash: str, settings: DatasetAccessSettings) -> EncordClientDataset:
        querier = self._in_the_name_of("dataset", dataset_hash)
        return EncordClientDataset(querier, _resource_config(querier), settings)

    # --- datasets ---------------------------------------------------------------------------------------------------

    def create_private_dataset(
        self, dataset_title: str, dataset_type: StorageLocation, dataset_description: str | None = None
    ) -> CreateDatasetResponse:
        """Make a dataset. Deprecated: see :meth:`create_dataset`."""
        deprecated("EncordUserClient.create_private_dataset", "EncordUserClient.create_dataset")
        return self.create_dataset(dataset_title, dataset_type, dataset_description)

    def create_dataset(
        self,
        dataset_title: str,
        dataset_type: StorageLocation,
        dataset_description: str | None = None,
        create_backing_folder: bool = True,
    ) -> CreateDatasetResponse:
        """Make a dataset.

        Parameters
        ----------
        dataset_title : str
        dataset_type : StorageLocation
            Where its data will lie.
        dataset_description : str, optional
        create_backing_folder : bool
            Whether the storage gets a folder for it.
        """
        payload: dict[str, Any] = {
            "title": dataset_title,
            "type": dataset_type.value,
            "create_backing_folder": create_backing_folder,
        }
        if dataset_description:
            payload["description"] = dataset_description
        return fitted(CreateDatasetResponse.from_dict, self.querier.post(Query.DATASET, None, payload), "POST dataset")

    def get_datasets(
        self,
        title_eq: str | None = None,
        title_like: str | None = None,
        desc_eq: str | None = None,
        desc_like: str | None = None,
        created_before: Moment | None = None,
        created_after: Moment | None = None,
        edited_before: Moment | None = None,
        edited_after: Moment | None = None,
    ) -> list[dict[str, Any]]:
        """Fetch the datasets that meet every condition given, and what the user may do with each.

        Parameters
        ----------
        title_eq, desc_eq : str, optional
        title_like, desc_like : str, optional
            ``%`` stands for any text, ``_`` for any character.
        created_before, created_after, edited_before, edited_after : datetime or its text, optional

        Returns
        -------
        list of dict
            ``dataset``, a :class:`DatasetInfo`, and ``user_role``, a :class:`DatasetUserRole`.
        """
        conditions = _conditions(
            title_eq, title_like, desc_eq, desc_like, created_before, created_after, edited_before, edited_after
        )
        payload = {"filter": conditions, "enable_storage_api": True}
        replies = self.querier.get_list(Query.DATASET_WITH_USER_ROLE, None, payload)
        return fitted_list(_dataset_listing, replies, "GET datasetwithuserrole")

    def create_dataset_api_key(
        self, dataset_hash: str, api_key_title: str, dataset_scopes: list[DatasetScope]
    ) -> DatasetAPIKey:
        """Make an API key of a dataset, for what the scopes allow."""
        scopes = [scope.value for scope in dataset_scopes]
        payload = {"dataset_hash": dataset_hash, "title": api_key_title, "scopes": scopes}
        reply = self.querier.post(Query.DATASET_API_KEY, None, payload)
        return fitted(DatasetAPIKey.from_dict, reply, "POST datasetapikey")

    def get_dataset_api_keys(self, dataset_hash: str) -> list[DatasetAPIKey]:
        """Fetch the API keys of a dataset."""
        replies = self.querier.get_list(Query.DATASET_API_KEY, None, {"dataset_hash": dataset_hash})
        return fitted_list(DatasetAPIKey.from_dict, replies, "GET datasetapikey")

    def get_or_create_dataset_api_key(self, dataset_hash: str) -> DatasetAPIKey:
        """Fetch the API key of a dataset that allows everything; make it if there is none."""
        reply = self.querier.put(Query.DATASET_API_KEY, None, {"dataset_hash": dataset_hash})
        return fitted(DatasetAPIKey.from_dict, reply, "PUT datasetapikey")

    def get_dataset_client(
        self,
        dataset_hash: str,
        dataset_access_settings: DatasetAccessSettings = DEFAULT_DATASET_ACCESS_SETTINGS,
        **kwargs: Any,
    ) -> EncordClientDataset:
        """Return the older client of a dataset, by its API key. Deprecated: see :meth:`get_dataset`.

        Parameters
        ----------
        **kwargs
            ``domain``, ``requests_settings``; by default this client's own.
        """
        deprecated("EncordUserClient.get_dataset_client", "EncordUserClient.get_dataset")
        key = self.get_or_create_dataset_api_key(dataset_hash).api_key
        client = self._client_by_key(dataset_hash, key, kwargs)
        assert isinstance(client, EncordClientDataset)
        client.set_access_settings(dataset_access_settings)
        return client

    # --- projects ---------------------------------------------------------------------------------------------------

    def get_projects(
        self,
        title_eq: str | None = None,
        title_like: str | None = None,
        desc_eq: str | None = None,
        desc_like: str | None = None,
        created_before: Moment | None = None,
        created_after: Moment | None = None,
        edited_before: Moment | None = None,
        edited_after: Moment | None = None,
    ) -> list[dict[str, Any]]:
        """Fetch the projects that meet every condition given, and the user's role in each.

        Parameters are as in :meth:`get_datasets`.

        Returns
        -------
        list of dict
            ``project``, a record, and ``user_role``, a :class:`ProjectUserRole`.
        """
        conditions = _conditions(
            title_eq, title_like, desc_eq, desc_like, created_before, created_after, edited_before, edited_after
        )
        replies = self.querier.get_list(Query.PROJECT_WITH_USER_ROLE, None, {"filter": conditions})
        return fitted_list(_project_listing, replies, "GET projectwithuserrole")

    def create_project(
        self,
        project_title: str,
        dataset_hashes: list[str],
        project_description: str = "",
        ontology_hash: str = "",
        workflow_settings: ProjectWorkflowSettings = ManualReviewWorkflowSettings(),  # noqa: B008 (as documented)
        workflow_template_hash: str | None = None,
    ) -> str:
        """Make a project; return its hash.

        Parameters
        ----------
        project_title : str
        dataset_hashes : list of str
            What is labelled.
        project_description : str
        ontology_hash : str
            By default a new ontology is made.
        workflow_settings : ManualReviewWorkflowSettings or BenchmarkQaWorkflowSettings
        workflow_template_hash : str, optional
        """
        is_benchmark = isinstance(workflow_settings, BenchmarkQaWorkflowSettings)
        kind = ProjectWorkflowType.BENCHMARK_QA if is_benchmark else ProjectWorkflowType.MANUAL_QA
        payload: dict[str, Any] = {
            "title": project_title,
            "description": project_description,
            "dataset_hashes": dataset_hashes,
            "workflow_type": kind.value,
        }
        if isinstance(workflow_settings, BenchmarkQaWorkflowSettings):
            payload["source_projects"] = workflow_settings.source_projects
        if ontology_hash:
            payload["ontology_hash"] = ontology_hash
        if workflow_template_hash is not None:
            payload["workflow_template_id"] = workflow_template_hash
        project_hash: str = self.querier.post(Query.PROJECT, None, payload)
        return project_hash

    def create_project_api_key(self, project_hash: str, api_key_title: str, scopes: list[APIKeyScopes]) -> str:
        """Make an API key of a project, for what the scopes allow."""
        payload = {"title": api_key_title, "scopes": [scope.value for scope in scopes]}
        key: str = self.querier.post(Query.PROJECT_API_KEY, project_hash, payload)
        return key

    def get_project_api_keys(self, project_hash: str) -> list[ProjectAPIKey]:
        """Fetch the API keys of a project."""
        replies = self.querier.get_list(Query.PROJECT_API_KEY, project_hash)
        return fitted_list(ProjectAPIKey.from_dict, replies, "GET projectapikey")

    def get_or_create_project_api_key(self, project_hash: str) -> str:
        """Fetch the API key of a project that allows everything; make it if there is none."""
        key: str = self.querier.put(Query.PROJECT_API_KEY, project_hash, {})
        return key

    def get_project_client(self, project_hash: str, **kwargs: Any) -> EncordClientProject | EncordClientDataset:
        """Return the older client of a project, by its API key. Deprecated: see :meth:`get_project`.

        Parameters
        ----------
        **kwargs
            ``domain``, ``requests_settings``; by default this client's own.
        """
        deprecated("EncordUserClient.get_project_client", "EncordUserClient.get_project")
        return self._client_by_key(project_hash, self.get_or_create_project_api_key(project_hash), kwargs)

    def _client_by_key(
        self, resource_hash: str, key: str, settings: dict[str, Any]
    ) -> EncordClientProject | EncordClientDataset:
        own = {"domain": self.user_config.domain, "requests_settings": self.user_config.requests_settings}
        config = ApiKeyConfig(resource_hash, key, **{**own, **settings})
        # Another domain is another service: nothing learned of this one holds there.
        session = self.querier.session if config.domain == self.user_config.domain else Session()
        return client_by_key(config, Querier(config, session))

    def create_project_from_cvat(
        self,
        import_method: LocalImport,
        dataset_name: str,
        review_mode: ReviewMode = ReviewMode.LABELLED,
        max_workers: int | None = None,
        *,
        transform_bounding_boxes_to_polygons: bool = False,
    ) -> CvatImporterSuccess | CvatImporterError:
        """Upload a folder that CVAT exported, and let the service make a dataset and a project of it.

        Parameters
        ----------
        import_method : LocalImport
            The folder, exported as *CVAT for images 1.1* with its images.
        dataset_name : str
        review_mode : ReviewMode
            What is known of the labels.
        max_workers : int, optional
            Not looked at.
        transform_bounding_boxes_to_polygons : bool
            Whether boxes become polygons, rotated ones with their rotation.

        Raises
        ------
        ValueError
            The folder is no such export, or the service cannot import it. Nothing was made.
        """
        from encord_convert.sdk._cvat_imports import annotations_of, export_type_of, import_folder

        annotations = annotations_of(Path(import_method.file_path))
        export_type = export_type_of(self.querier, annotations)
        made = self.create_dataset(dataset_name, StorageLocation.CORD_STORAGE)
        client = self._dataset_client(made.dataset_hash, DEFAULT_DATASET_ACCESS_SETTINGS)
        client.get_dataset()
        return import_folder(
            self.querier, client, import_method, annotations, export_type, review_mode,
            transform_bounding_boxes_to_polygons,
        )  # fmt: skip

    # --- ontologies -------------------------------------------------------------------------------------------------

    def get_ontologies(
        self,
        title_eq: str | None = None,
        title_like: str | None = None,
        desc_eq: str | None = None,
        desc_like: str | None = None,
        created_before: Moment | None = None,
        created_after: Moment | None = None,
        edited_before: Moment | None = None,
        edited_after: Moment | None = None,
    ) -> list[dict[str, Any]]:
        """Fetch the ontologies that meet every condition given, and what the user may do with each.

        Parameters are as in :meth:`get_datasets`.

        Returns
        -------
        list of dict
            ``ontology``, an :class:`~encord_convert.sdk.ontology.Ontology`, and ``user_role``.
        """
        conditions = _conditions(
            title_eq, title_like, desc_eq, desc_like, created_before, created_after, edited_before, edited_after
        )
        replies = self.querier.get_list(Query.ONTOLOGY_WITH_USER_ROLE, None, {"filter": conditions})
        return fitted_list(self._ontology_listing, replies, "GET ontologywithuserrole")

    def _ontology_listing(self, reply: dict[str, Any]) -> dict[str, Any]:
        listed = OntologyWithUserRole(**reply)
        querier = self._in_the_name_of("ontology", listed.ontology["ontology_hash"])
        ontology = Ontology._of_reply(querier, listed.ontology, "GET ontologywithuserrole")
        return {"ontology": ontology, "user_role": OntologyUserRole(listed.user_role)}

    def create_ontology(
        self, title: str, description: str = "", structure: OntologyStructure | None = None
    ) -> Ontology:
        """Make an ontology; by default one without classes."""
        editor = (OntologyStructure() if structure is None else structure).to_dict()
        payload = {"title": title, "description": description, "editor": editor}
        reply = self.querier.post(Query.ONTOLOGY, None, payload)
        ontology_hash = fitted(lambda one: one["ontology_hash"], reply, "POST ontology")
        return Ontology._of_reply(self._in_the_name_of("ontology", ontology_hash), reply, "POST ontology")

    # --- clouds -----------------------------------------------------------------------------------------------------

    def get_cloud_integrations(self) -> list[CloudIntegration]:
        """Fetch the clouds whose data can be registered."""
        replies = self.querier.get_list(Query.CLOUD_INTEGRATION)
        return fitted_list(CloudIntegration.from_dict, replies, "GET cloudintegration")

    def deidentify_dicom_files(
        self,
        dicom_urls: list[str],
        integration_hash: str,
        redact_dicom_tags: bool = True,
        redact_pixels_mode: DeidentifyRedactTextMode = DeidentifyRedactTextMode.REDACT_NO_TEXT,
        save_conditions: list[SaveDeidentifiedDicomCondition] | None = None,
        upload_dir: str | None = None,
    ) -> list[str]:
        """Let the service write copies of DICOM files in a cloud that do not say of whom they are.

        Parameters
        ----------
        dicom_urls : list of str
        integration_hash : str
            Of the cloud they lie in.
        redact_dicom_tags : bool
            Whether tags are taken out.
        redact_pixels_mode : DeidentifyRedactTextMode
            Which text in the images is blackened.
        save_conditions : list, optional
            A copy is written only if all are met.
        upload_dir : str, optional
            By default copies lie next to the files.

        Returns
        -------
        list of str
            Addresses of the copies.
        """
        payload = {
            "dicom_urls": dicom_urls,
            "redact_dicom_tags": redact_dicom_tags,
            "redact_pixels_mode": redact_pixels_mode.value,
            "save_conditions": [condition.to_dict() for condition in save_conditions or ()],
            "upload_dir": upload_dir,
        }
        urls: list[str] = self.querier.post(Query.DICOM_DEIDENTIFY_TASK, integration_hash, payload)
        return urls


def _resource_config(querier: Querier) -> SshConfig:
    assert isinstance(querier.config, SshConfig)
    return querier.config


def _conditions(
    title_eq: str | None,
    title_like: str | None,
    desc_eq: str | None,
    desc_like: str | None,
    created_before: Moment | None,
    created_after: Moment | None,
    edited_before: Moment | None,
    edited_after: Moment | None,
) -> dict[str, Any]:
    """Return the conditions of a listing that are given."""
    values = {
        "title_eq": title_eq,
        "title_like": title_like,
        "desc_eq": desc_eq,
        "desc_like": desc_like,
        "created_before": optional_datetime_to_iso_str("created_before", created_before),
        "created_after": optional_datetime_to_iso_str("created_after", created_after),
        "edited_before": optional_datetime_to_iso_str("edited_before", edited_before),
        "edited_after": optional_datetime_to_iso_str("edited_after", edited_after),
    }
    return {name: value for name, value in values.items() if value is not None}


def _dataset_listing(reply: dict[str, Any]) -> dict[str, Any]:
    listed = DatasetWithUserRole(**reply)
    moments = {name: parse_datetime(listed.dataset[name]) for name in ("created_at", "last_edited_at")}
    return {"dataset": DatasetInfo(**{**listed.dataset, **moments}), "user_role": DatasetUserRole(listed.user_role)}


def _project_listing(reply: dict[str, Any]) -> dict[str, Any]:
    listed = ProjectWithUserRole(**reply)
    return {"project": OrmProject(listed.project), "user_role": ProjectUserRole(listed.user_role)}
