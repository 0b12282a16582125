"""The calls of ``fixtures/wire`` in Python, and a world in which they can be made.

``CALLS`` maps area and call, as the fixtures write them, to a function of a :class:`World`. What a call needs to stand
on (a project that is open, a row that is listed) is fetched from standard replies, and not recorded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from loopback import Answer, Loopback, Received, success

from encord_convert.sdk import Dataset, EncordClient, EncordUserClient, Ontology, Project
from encord_convert.sdk.client import EncordClientDataset, EncordClientProject
from encord_convert.sdk.configs import ApiKeyConfig, UserConfig
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.constants.model import AutomationModels, Device
from encord_convert.sdk.constants.model_weights import fast_ai, faster_rcnn_R_50_FPN_3x
from encord_convert.sdk.http._calls import Querier, Session
from encord_convert.sdk.http._retries import Clock
from encord_convert.sdk.http.constants import RequestsSettings
from encord_convert.sdk.http.transport import AppTransport, Reply, Request
from encord_convert.sdk.http.utils import CloudUploadSettings
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
from encord_convert.sdk.objects.attributes import ChecklistAttribute, RadioAttribute, TextAttribute
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.common import (
    DeidentifyRedactTextMode,
    SaveDeidentifiedDicomConditionIn,
    SaveDeidentifiedDicomConditionNotSubstr,
    Shape,
)
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
)
from encord_convert.sdk.orm.dataset import (
    DataRow,
    DatasetAccessSettings,
    DatasetScope,
    DatasetUserRole,
    ImagesDataFetchOptions,
    StorageLocation,
)
from encord_convert.sdk.orm.label_row import AnnotationTaskStatus, LabelStatus, ShadowDataState
from encord_convert.sdk.orm.project import (
    BenchmarkQaWorkflowSettings,
    CopyDatasetAction,
    CopyDatasetOptions,
    CopyLabelsOptions,
    ReviewApprovalState,
    ReviewMode,
)
from encord_convert.sdk.project_ontology.classification_type import ClassificationType
from encord_convert.sdk.project_ontology.object_type import ObjectShape
from encord_convert.sdk.utilities.client_utilities import APIKeyScopes, LocalImport
from encord_convert.sdk.utilities.project_user import ProjectUserRole

WIRE = Path(__file__).parents[2] / "fixtures" / "wire"
REPLIES = json.loads((WIRE / "synthetic_replies.json").read_text())["replies"]
KEY = Ed25519PrivateKey.from_private_bytes(
    bytes.fromhex(json.loads((WIRE / "test_key.json").read_text())["private_seed_hex"])
)
API_KEY = "SYNTHETIC-API-KEY"


def uid(tail: str) -> str:
    return f"00000000-0000-4000-8000-{tail:0>12}"


PROJECT, OTHER_PROJECT, TEMPLATE = uid("a001"), uid("a002"), uid("f001")
DATASET, OTHER_DATASET = uid("d001"), uid("d002")
ONTOLOGY, INTEGRATION, ITEM, JOB = uid("e001"), uid("5001"), uid("6002"), uid("8001")
VIDEO, IMAGE, GROUP, DICOM = (uid(f"200{n}") for n in range(1, 5))
VIDEO_ROW, IMAGE_ROW, GROUP_ROW, DICOM_ROW = (uid(f"100{n}") for n in range(1, 5))
MODEL, ITERATION = uid("7001"), uid("7002")

SETTINGS = RequestsSettings(max_retries=2, backoff_factor=0.01, connection_retries=2, read_timeout=5)

STANDARD: dict[str, Any] = {
    "project": {**REPLIES["project_GET_1"]["response"], "label_rows": None},
    "ontology": REPLIES["ontology_GET_1"]["response"],
    "dataset": REPLIES["dataset_GET_1"]["response"],
    "datarows": REPLIES["datarows_GET_1"]["response"],
    "labelrowmetadata": REPLIES["labelrowmetadata_GET_1"]["response"],
    "labelrow": REPLIES["labelrow_GET_3"]["response"],
}


class World:
    """A server with a script, and clients that ask it.

    Parameters
    ----------
    answer : callable
        What the server answers while a call is made.
    clock : Clock, optional
    settings : RequestsSettings
    in_process : bool
        Whether requests are handed to the server, instead of sent over a socket.
    """

    def __init__(
        self,
        answer: Callable[[Received], Answer],
        clock: Clock | None = None,
        settings: RequestsSettings = SETTINGS,
        in_process: bool = False,
    ) -> None:
        self.answer = answer
        self.replies = dict(STANDARD)
        self.recorded: list[Received] = []
        self._is_setting_up = False
        self.server = Loopback(self._answer)
        self.settings = settings
        self.session = Session(AppTransport(self._app) if in_process else None, clock)

    def _app(self, request: Request) -> Reply:
        body = request.body or b""
        assert isinstance(body, bytes)
        headers = {**request.headers, "Content-Length": str(len(body))}
        answer = self._answer(Received(request.method, request.url, headers, body, 0, 0.0))
        return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body)

    def _answer(self, received: Received) -> Answer:
        if self._is_setting_up:
            envelope = received.envelope
            if envelope["query_type"] == "apikeymeta":
                kind = "project" if received.headers["ResourceID"] == PROJECT else "dataset"
                return success({"title": "Synthetic key", "resource_type": kind})
            return success(self.replies[envelope["query_type"]])
        self.recorded.append(received)
        return self.answer(received)

    @contextmanager
    def _setting_up(self) -> Any:
        self._is_setting_up = True
        try:
            yield
        finally:
            self._is_setting_up = False

    @property
    def url(self) -> str:
        return self.server.url

    @cached_property
    def user(self) -> EncordUserClient:
        config = UserConfig(KEY, domain=self.url, requests_settings=self.settings)
        return EncordUserClient(config, Querier(config, self.session))

    @cached_property
    def project(self) -> Project:
        with self._setting_up():
            return self.user.get_project(PROJECT)

    @cached_property
    def dataset(self) -> Dataset:
        with self._setting_up():
            return self.user.get_dataset(DATASET)

    @cached_property
    def ontology(self) -> Ontology:
        with self._setting_up():
            return self.user.get_ontology(ONTOLOGY)

    @cached_property
    def rows(self) -> dict[str, LabelRowV2]:
        project = self.project
        with self._setting_up():
            return {row.data_hash: row for row in project.list_label_rows_v2()}

    @cached_property
    def read_row(self) -> LabelRowV2:
        row = self.rows[VIDEO]
        with self._setting_up():
            row.initialise_labels()
        return row

    def data_row(self, data_hash: str) -> DataRow:
        dataset = self.dataset
        with self._setting_up():
            return next(row for row in dataset.list_data_rows() if row.uid == data_hash)

    def api_key_client(self, resource: str) -> Any:
        from encord_convert.sdk.client import client_by_key

        config = ApiKeyConfig(resource, API_KEY, self.url, self.settings)
        with self._setting_up():
            return client_by_key(config, Querier(config, self.session))

    @property
    def project_client(self) -> EncordClientProject:
        client = self.api_key_client(PROJECT)
        assert isinstance(client, EncordClientProject)
        return client

    @property
    def dataset_client(self) -> EncordClientDataset:
        client = self.api_key_client(DATASET)
        assert isinstance(client, EncordClientDataset)
        return client


def files(folder: Path) -> None:
    """Write the files the calls name into a folder."""
    for name, content in {
        "clip.mp4": "SYNTHETIC-VIDEO",
        "g0.png": "SYNTHETIC-IMG0",
        "g1.jpeg": "SYNTHETIC-IMG-1",
        "s0.dcm": "SYNTHETIC-DCM0",
        "noext": "SYNTHETIC-RAW",
        "empty.png": "",
        "frame.jpg": "SYNTHETIC",
        "files.json": json.dumps(PRIVATE),
        "task/annotations.xml": "<annotations><synthetic/></annotations>",
        "task/images/sub/one.png": "SYNTHETIC-PNG-1",
        "whole/annotations.xml": "<annotations><synthetic/></annotations>",
        "whole/images/default/one.png": "SYNTHETIC-PNG-1",
        "whole/images/default/two.jpg": "SYNTHETIC-JPG-22",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


PRIVATE = {
    "videos": [{"objectUrl": "https://bucket.example.invalid/clip.mp4", "title": "clip.mp4"}],
    "skip_duplicate_urls": True,
}
EVERY_FILTER: dict[str, Any] = {
    "title_eq": "a",
    "title_like": "%a%",
    "desc_eq": "d",
    "desc_like": "%d%",
    "created_before": datetime(2024, 1, 1),
    "created_after": "2023-01-02 03:04:05",
    "edited_before": datetime(2024, 1, 1, tzinfo=UTC),
    "edited_after": datetime(2023, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=2))),
}
MADE_AT, EDITED_AT = datetime(2024, 1, 2, 3, 4, 5), datetime(2024, 1, 2, 3, 4, 6)


def _structure() -> OntologyStructure:
    return OntologyStructure.from_dict(REPLIES["ontology_GET_1"]["response"]["editor"])


def _edit_ontology(world: World) -> None:
    ontology = world.ontology
    ontology.title, ontology.description = "Renamed", "Changed"
    thing = ontology.structure.add_object("New thing", Shape.POLYLINE, feature_node_hash="cccc0001")
    kind = thing.add_attribute(RadioAttribute, "Kind", feature_node_hash="cccc0011", required=True, dynamic=True)
    big = kind.add_option("Big One", feature_node_hash="cccc0111")
    big.add_nested_attribute(TextAttribute, "Why", feature_node_hash="cccc1111")
    kind.add_option("Small One", feature_node_hash="cccc0112")
    flags = ontology.structure.add_classification(feature_node_hash="dddd0001")
    checklist = flags.add_attribute(ChecklistAttribute, "Flags", feature_node_hash="dddd0011")
    checklist.add_option("F 1", feature_node_hash="dddd0111")
    ontology.save()


def _read(world: World, data_hash: str) -> LabelRowV2:
    row = next(row for row in world.project.list_label_rows_v2() if row.data_hash == data_hash)
    row.initialise_labels()
    return row


def _boxed(world: World, data_hash: str, hash_: str, frame: int) -> None:
    row = _read(world, data_hash)
    box = row.ontology_structure.get_child_by_hash("aaaa0001")
    instance = box.create_instance()  # type: ignore[union-attr]
    instance._hash = hash_
    coordinates = BoundingBoxCoordinates(height=0.1, width=0.2, top_left_x=0.3, top_left_y=0.4)
    instance.set_for_frames(coordinates, frame, created_at=MADE_AT, last_edited_at=MADE_AT)
    row.add_object_instance(instance)
    row.save()


SHAPES: list[Any] = [
    BoundingBoxCoordinates(height=0.1, width=0.2, top_left_x=0.3, top_left_y=0.4),
    PolygonCoordinates([PointCoordinate(0.1, 0.1), PointCoordinate(0.2, 0.1), PointCoordinate(0.2, 0.2)]),
    PolylineCoordinates([PointCoordinate(0.1, 0.1), PointCoordinate(0.2, 0.2)]),
    PointCoordinate(0.5, 0.5),
    RotatableBoundingBoxCoordinates(height=0.1, width=0.2, top_left_x=0.3, top_left_y=0.4, theta=30.0),
    BitmaskCoordinates(BitmaskCoordinates.EncodedBitmask(0, 0, 100, 200, "SYNTHETICRLE")),
]


def _draw_everything(row: LabelRowV2, frames: list[int]) -> list[Any]:
    structure = row.ontology_structure
    instances = []
    for number, coordinates in enumerate(SHAPES, 1):
        instance = structure.get_child_by_hash(f"aaaa000{number}").create_instance()  # type: ignore[union-attr]
        instance._hash = f"NEWOBJ0{number}"
        instance.set_for_frames(
            coordinates,
            frames,
            created_at=MADE_AT,
            created_by="me@example.invalid",
            last_edited_at=EDITED_AT.replace(tzinfo=UTC),
            last_edited_by="me@example.invalid",
            confidence=0.5,
            manual_annotation=False,
        )
        row.add_object_instance(instance)
        instances.append(instance)
    instances[0].set_answer("a note", structure.get_child_by_hash("aaaa0011", type_=TextAttribute))
    weather = structure.get_child_by_hash("bbbb0001").create_instance()  # type: ignore[union-attr]
    weather._hash = "NEWCLS01"
    weather.set_for_frames(frames, created_at=MADE_AT, last_edited_at=EDITED_AT)
    radio = structure.get_child_by_hash("bbbb0011", type_=RadioAttribute)
    weather.set_answer(radio.options[1])
    weather.set_answer("a lot", structure.get_child_by_hash("bbbb1121", type_=TextAttribute))
    row.add_classification_instance(weather)
    tags = structure.get_child_by_hash("bbbb0002").create_instance()  # type: ignore[union-attr]
    tags._hash = "NEWCLS02"
    tags.set_for_frames(frames, created_at=MADE_AT, last_edited_at=EDITED_AT)
    tags.set_answer(structure.get_child_by_hash("bbbb0021", type_=ChecklistAttribute).options)
    row.add_classification_instance(tags)
    return instances


def _save_every_shape(world: World) -> None:
    row = _read(world, IMAGE)
    _draw_everything(row, [0])
    row.save()


def _save_dynamic(world: World) -> None:
    row = _read(world, VIDEO)
    box = _draw_everything(row, [0, 1, 2])[0]
    state = row.ontology_structure.get_child_by_hash("aaaa0012", type_=RadioAttribute)
    box.set_answer(state.options[0], state, frames=[0, 1])
    box.set_answer(state.options[1], state, frames=2)
    row.save()


def _fetch_and_begin(world: World) -> None:
    project = world.project
    rows = {row.data_hash: row for row in project.list_label_rows_v2()}
    begun = {row.data_hash: row for row in project.list_label_rows_v2()}
    with project.create_bundle() as bundle:
        for row in (rows[VIDEO], rows[IMAGE], begun[GROUP], begun[DICOM]):
            row.initialise_labels(bundle=bundle)


def _save_two(world: World) -> None:
    project = world.project
    rows = {row.data_hash: row for row in project.list_label_rows_v2()}
    rows[IMAGE].initialise_labels()
    rows[GROUP].initialise_labels()
    with project.create_bundle() as bundle:
        rows[IMAGE].save(bundle)
        rows[GROUP].save(bundle)


def _workflow(world: World) -> None:
    project = world.project
    rows = {row.data_hash: row for row in project.list_label_rows_v2()}
    with project.create_bundle() as bundle:
        for data_hash in (VIDEO, IMAGE, GROUP):
            rows[data_hash].workflow_reopen(bundle)
        for data_hash in (VIDEO, IMAGE):
            rows[data_hash].workflow_complete(bundle)
        rows[VIDEO].set_priority(0.25, bundle)
        rows[IMAGE].set_priority(0.5, bundle)


def _mixed_options(world: World) -> None:
    project = world.project
    rows = {row.data_hash: row for row in project.list_label_rows_v2()}
    with project.create_bundle() as bundle:
        rows[VIDEO].initialise_labels({"aaaa0001"}, bundle=bundle, include_signed_url=True)
        rows[IMAGE].initialise_labels(bundle=bundle)


def _executed_inside(world: World) -> None:
    project = world.project
    rows = {row.data_hash: row for row in project.list_label_rows_v2()}
    with project.create_bundle() as bundle:
        rows[VIDEO].workflow_reopen(bundle)
        rows[IMAGE].workflow_reopen(bundle)
        bundle.execute()


def _many(world: World) -> None:
    listing = STANDARD["labelrowmetadata"][0]
    world.replies["labelrowmetadata"] = [{**listing, "data_hash": f"d{n}", "label_hash": f"l{n}"} for n in range(205)]
    rows = world.rows.values()
    with world.project.create_bundle() as bundle:
        for row in rows:
            row.workflow_reopen(bundle)


def _unbegun(world: World) -> LabelRowV2:
    world.replies["labelrowmetadata"] = REPLIES["labelrowmetadata_GET_3"]["response"]
    return world.rows[IMAGE]


def _rename(world: World) -> None:
    row = world.data_row(VIDEO)
    row.title = "renamed.mp4"
    row.client_metadata = {"k": "v"}
    row.save()


def _in_environment(**variables: str) -> Callable[[World], Any]:
    def call(world: World) -> Any:
        before = dict(os.environ)
        os.environ.update(variables)
        try:
            given = () if "ENCORD_PROJECT_ID" in variables else (PROJECT,)
            return EncordClient.initialise(*given, domain=world.url, requests_settings=world.settings)
        finally:
            os.environ.clear()
            os.environ.update(before)

    return call


_USER: dict[str, Callable[[World], Any]] = {
    "get_dataset(dataset_hash)": lambda w: w.user.get_dataset(DATASET),
    "get_dataset(dataset_hash, dataset_access_settings=DatasetAccessSettings(fetch_client_metadata=True))": lambda w: (
        w.user.get_dataset(DATASET, DatasetAccessSettings(fetch_client_metadata=True))
    ),
    "get_project(project_hash)": lambda w: w.user.get_project(PROJECT),
    "get_ontology(ontology_hash)": lambda w: w.user.get_ontology(ONTOLOGY),
    "create_dataset(title, StorageLocation.CORD_STORAGE)": lambda w: w.user.create_dataset(
        "New dataset", StorageLocation.CORD_STORAGE
    ),
    "create_dataset(title, StorageLocation.AWS, description, create_backing_folder=False)": lambda w: (
        w.user.create_dataset("New dataset", StorageLocation.AWS, "desc", create_backing_folder=False)
    ),
    "create_private_dataset(title, StorageLocation.GCP, description)": lambda w: w.user.create_private_dataset(
        "Private dataset", StorageLocation.GCP, "desc"
    ),
    "create_dataset_api_key(dataset_hash, title, scopes)": lambda w: w.user.create_dataset_api_key(
        DATASET, "key title", [DatasetScope.READ, DatasetScope.WRITE]
    ),
    "get_dataset_api_keys(dataset_hash)": lambda w: w.user.get_dataset_api_keys(DATASET),
    "get_or_create_dataset_api_key(dataset_hash)": lambda w: w.user.get_or_create_dataset_api_key(DATASET),
    "get_datasets()": lambda w: w.user.get_datasets(),
    "get_datasets(<all filters>)": lambda w: w.user.get_datasets(**EVERY_FILTER),
    "get_projects()": lambda w: w.user.get_projects(),
    "get_projects(<all filters>)": lambda w: w.user.get_projects(**EVERY_FILTER),
    "get_ontologies()": lambda w: w.user.get_ontologies(),
    "get_ontologies(<all filters>)": lambda w: w.user.get_ontologies(**EVERY_FILTER),
    "create_project(title, [dataset_hash])": lambda w: w.user.create_project("New project", [DATASET]),
    "create_project(title, hashes, description, ontology_hash, workflow_template_hash=...)": lambda w: (
        w.user.create_project(
            "New project", [DATASET, OTHER_DATASET], "desc", ONTOLOGY, workflow_template_hash=TEMPLATE
        )
    ),
    "create_project(..., workflow_settings=BenchmarkQaWorkflowSettings([project_hash]))": lambda w: (
        w.user.create_project("New project", [DATASET], workflow_settings=BenchmarkQaWorkflowSettings([OTHER_PROJECT]))
    ),
    "create_project_api_key(project_hash, title, scopes)": lambda w: w.user.create_project_api_key(
        PROJECT, "key title", list(APIKeyScopes)
    ),
    "get_project_api_keys(project_hash)": lambda w: w.user.get_project_api_keys(PROJECT),
    "get_or_create_project_api_key(project_hash)": lambda w: w.user.get_or_create_project_api_key(PROJECT),
    "get_cloud_integrations()": lambda w: w.user.get_cloud_integrations(),
    "create_ontology(title)": lambda w: w.user.create_ontology("New ontology"),
    "create_ontology(title, description, structure)": lambda w: w.user.create_ontology(
        "New ontology", "desc", _structure()
    ),
    "deidentify_dicom_files(urls, integration_hash)": lambda w: w.user.deidentify_dicom_files(
        ["https://bucket.example.invalid/a.dcm"], INTEGRATION
    ),
    "deidentify_dicom_files(<all arguments>)": lambda w: w.user.deidentify_dicom_files(
        ["https://bucket.example.invalid/a.dcm"],
        INTEGRATION,
        False,
        DeidentifyRedactTextMode.REDACT_SENSITIVE_TEXT,
        [
            SaveDeidentifiedDicomConditionNotSubstr(value="abc", dicom_tag="PatientName"),
            SaveDeidentifiedDicomConditionIn(value=["CT", "MR"], dicom_tag="Modality"),
        ],
        "out/dir",
    ),
}

_PROJECT: dict[str, Callable[[World], Any]] = {
    "refetch_data()": lambda w: w.project.refetch_data(),
    "refetch_ontology()": lambda w: w.project.refetch_ontology(),
    "get_project()": lambda w: w.project.get_project(),
    "label_rows": lambda w: w.project.label_rows,
    "list_label_rows_v2()": lambda w: w.project.list_label_rows_v2(),
    "list_label_rows_v2(<all filters>)": lambda w: w.project.list_label_rows_v2(
        [VIDEO],
        [VIDEO_ROW],
        "2024-02-01",
        datetime(2024, 1, 1, 10),
        [AnnotationTaskStatus.QUEUED, AnnotationTaskStatus.COMPLETED],
        ShadowDataState.NOT_SHADOW_DATA,
        "t",
        "%t%",
        "n",
        "%n%",
    ),
    "list_label_rows()": lambda w: w.project.list_label_rows(),
    "list_label_rows(<all filters>)": lambda w: w.project.list_label_rows(
        "2024-02-01",
        datetime(2024, 1, 1),
        [AnnotationTaskStatus.IN_REVIEW],
        ShadowDataState.ALL_DATA,
        include_uninitialised_labels=True,
        label_hashes=[VIDEO_ROW],
        data_hashes=[VIDEO],
    ),
    "add_users(emails, ProjectUserRole.ANNOTATOR)": lambda w: w.project.add_users(
        ["a@example.invalid", "b@example.invalid"], ProjectUserRole.ANNOTATOR
    ),
    "copy_project()": lambda w: w.project.copy_project(),
    "copy_project(copy_datasets=True, copy_collaborators=True, copy_models=True, copy_labels=CopyLabelsOptions(...), "
    "new_title, new_description)": lambda w: w.project.copy_project(
        True,
        True,
        True,
        copy_labels=CopyLabelsOptions(
            accepted_label_hashes=[VIDEO_ROW],
            accepted_label_statuses=[ReviewApprovalState.APPROVED, ReviewApprovalState.PENDING],
        ),
        new_title="Copy",
        new_description="copy desc",
    ),
    "copy_project(copy_datasets=CopyDatasetOptions(ATTACH))": lambda w: w.project.copy_project(
        copy_datasets=CopyDatasetOptions(action=CopyDatasetAction.ATTACH)
    ),
    "copy_project(copy_datasets=CopyDatasetOptions(CLONE, ...), copy_labels=CopyLabelsOptions())": lambda w: (
        w.project.copy_project(
            copy_datasets=CopyDatasetOptions(
                action=CopyDatasetAction.CLONE,
                dataset_title="ds title",
                dataset_description="ds desc",
                datasets_to_data_hashes_map={DATASET: [VIDEO, IMAGE]},
            ),
            copy_labels=CopyLabelsOptions(),
        )
    ),
    "submit_label_row_for_review(label_hash)": lambda w: w.project.submit_label_row_for_review(VIDEO_ROW),
    "add_datasets([dataset_hash])": lambda w: w.project.add_datasets([OTHER_DATASET]),
    "remove_datasets([dataset_hash])": lambda w: w.project.remove_datasets([OTHER_DATASET]),
    "get_project_ontology()  [ontology contains a bitmask object]": lambda w: w.project.get_project_ontology(),
    "get_project_ontology()": lambda w: w.project.get_project_ontology(),
    "add_object(name, ObjectShape.POLYGON)": lambda w: w.project.add_object("Legacy poly", ObjectShape.POLYGON),
    "add_classification(name, ClassificationType.RADIO, required, options)": lambda w: w.project.add_classification(
        "Legacy radio", ClassificationType.RADIO, True, ["Yes Please", "No"]
    ),
    "add_classification(name, ClassificationType.TEXT, required)": lambda w: w.project.add_classification(
        "Legacy text", ClassificationType.TEXT, False
    ),
    "get_data(data_hash)": lambda w: w.project.get_data(VIDEO),
    "get_data(data_hash, get_signed_url=True)  [image group]": lambda w: w.project.get_data(GROUP, get_signed_url=True),
    "get_cloud_integrations()": lambda w: w.project.get_cloud_integrations(),
    "set_label_status(label_hash, LabelStatus.LABELLED)": lambda w: w.project.set_label_status(
        VIDEO_ROW, LabelStatus.LABELLED
    ),
    "get_websocket_url()": lambda w: w.project.get_websocket_url(),
    "object_interpolation(key_frames, objects)": lambda w: w.project.object_interpolation(
        {
            "0": {
                "objects": [
                    {"objectHash": "OBJ00001", "featureHash": "aaaa0001", "polygon": {"0": {"x": 0.1, "y": 0.1}}}
                ]
            }
        },
        ["OBJ00001"],
    ),
    "fitted_bounding_boxes(frames, video)": lambda w: w.project.fitted_bounding_boxes(
        {"0": {"objects": []}}, {"width": 200, "height": 100}
    ),
    "get_label_logs()": lambda w: w.project.get_label_logs(),
    "get_label_logs(<all filters, datetimes>)": lambda w: w.project.get_label_logs(
        "SYNTHETICuserHASH0000000001",
        VIDEO,
        after=datetime(2024, 1, 1, tzinfo=UTC),
        before=datetime(2024, 1, 2, tzinfo=UTC),
        user_email="a@example.invalid",
    ),
    "get_label_logs(from_unix_seconds, to_unix_seconds)": lambda w: w.project.get_label_logs(
        from_unix_seconds=10, to_unix_seconds=20
    ),
}

_DATASET: dict[str, Callable[[World], Any]] = {
    "Dataset.refetch_data()": lambda w: w.dataset.refetch_data(),
    "Dataset.get_dataset()": lambda w: w.dataset.get_dataset(),
    "Dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))": lambda w: (
        w.dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))
    ),
    "Dataset.list_data_rows()": lambda w: (
        w.dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True), refetch_data=False),
        w.dataset.list_data_rows(),
    )[1],
    "Dataset.list_data_rows(<all filters>)": lambda w: w.dataset.list_data_rows(
        "t", "%t%", "2024-02-01", datetime(2024, 1, 1), [DataType.VIDEO, DataType.IMG_GROUP], [VIDEO]
    ),
    "Dataset.add_users(emails, DatasetUserRole.USER)": lambda w: w.dataset.add_users(
        ["a@example.invalid"], DatasetUserRole.USER
    ),
    "Dataset.link_items([uuid])": lambda w: w.dataset.link_items([UUID(ITEM)]),
    "Dataset.delete_image_group(data_hash)": lambda w: w.dataset.delete_image_group(GROUP),
    "Dataset.delete_data([data_hash])": lambda w: w.dataset.delete_data([VIDEO, GROUP]),
    "Dataset.update_data_item(data_hash, new_title)": lambda w: w.dataset.update_data_item(VIDEO, "renamed.mp4"),
    "Dataset.re_encode_data([data_hash])": lambda w: w.dataset.re_encode_data([VIDEO]),
    "Dataset.re_encode_data_status(job_id)": lambda w: w.dataset.re_encode_data_status(424242),
    "Dataset.re_encode_data_status(job_id)  [unfinished]": lambda w: w.dataset.re_encode_data_status(424242),
    "Dataset.run_ocr(image_group_id)": lambda w: w.dataset.run_ocr(GROUP),
    "Dataset.get_cloud_integrations()": lambda w: w.dataset.get_cloud_integrations(),
    "DataRow.refetch_data()": lambda w: w.data_row(VIDEO).refetch_data(),
    "DataRow.refetch_data(signed_url=True, images_data_fetch_options=ImagesDataFetchOptions(fetch_signed_urls=True), "
    "client_metadata=True)": lambda w: w.data_row(GROUP).refetch_data(
        signed_url=True,
        images_data_fetch_options=ImagesDataFetchOptions(fetch_signed_urls=True),
        client_metadata=True,
    ),
    "DataRow.title = ...; DataRow.client_metadata = ...; DataRow.save()": _rename,
    "DataRow.save()  [nothing changed]": lambda w: w.data_row(VIDEO).save(),
    "Dataset.add_private_data_to_dataset_start(integration_id, <dict>, ignore_errors=True)": lambda w: (
        w.dataset.add_private_data_to_dataset_start(INTEGRATION, PRIVATE, ignore_errors=True)
    ),
    "Dataset.add_private_data_to_dataset_start(integration_id, 'files.json')": lambda w: (
        w.dataset.add_private_data_to_dataset_start(INTEGRATION, "files.json")
    ),
    "Dataset.add_private_data_to_dataset_get_result(job)": lambda w: w.dataset.add_private_data_to_dataset_get_result(
        JOB
    ),
    "Dataset.add_private_data_to_dataset_get_result(job, timeout_seconds=0)  [pending]": lambda w: (
        w.dataset.add_private_data_to_dataset_get_result(JOB, timeout_seconds=0)
    ),
    "Dataset.add_private_data_to_dataset(integration_id, files)": lambda w: w.dataset.add_private_data_to_dataset(
        INTEGRATION, PRIVATE
    ),
    "Dataset.add_private_data_to_dataset(integration_id, files)  [ERROR]": lambda w: (
        w.dataset.add_private_data_to_dataset(INTEGRATION, json.dumps(PRIVATE))
    ),
}

_ONTOLOGY: dict[str, Callable[[World], Any]] = {
    "Ontology.refetch_data()": lambda w: w.ontology.refetch_data(),
    "Ontology.title/description/structure edits; Ontology.save()": _edit_ontology,
    "Project ontology refetch uses project headers: Project.refetch_ontology()": lambda w: w.project.refetch_ontology(),
}

_LABELS: dict[str, Callable[[World], Any]] = {
    "Project.get_label_row(label_hash)": lambda w: w.project.get_label_row(VIDEO_ROW),
    "Project.get_label_row(label_hash, False, include_object_feature_hashes={...}, "
    "include_classification_feature_hashes=set(), include_reviews=True)": lambda w: w.project.get_label_row(
        VIDEO_ROW,
        False,
        include_object_feature_hashes={"aaaa0001"},
        include_classification_feature_hashes=set(),
        include_reviews=True,
    ),
    "Project.get_label_rows([label_hash, ...])": lambda w: w.project.get_label_rows([VIDEO_ROW, IMAGE_ROW]),
    "Project.get_label_rows([...], <all options>)": lambda w: w.project.get_label_rows(
        [VIDEO_ROW],
        False,
        include_object_feature_hashes={"aaaa0001"},
        include_classification_feature_hashes={"bbbb0001"},
        include_reviews=True,
    ),
    "Project.create_label_row(data_hash)": lambda w: w.project.create_label_row(IMAGE),
    "Project.save_label_row(label_hash, label_row)": lambda w: w.project.save_label_row(
        VIDEO_ROW, REPLIES["labelrow_GET_1"]["response"]
    ),
    "LabelRowV2.initialise_labels()  [label_hash known]": lambda w: w.rows[VIDEO].initialise_labels(),
    "LabelRowV2.initialise_labels(<all options>, overwrite=True, include_signed_url=True)": lambda w: (
        w.read_row.initialise_labels({"aaaa0001"}, {"bbbb0001"}, True, True, include_signed_url=True)
    ),
    "LabelRowV2.initialise_labels()  [label_hash null]": lambda w: _unbegun(w).initialise_labels(),
    "LabelRowV2.save()  [video, unmodified after read]": lambda w: w.read_row.save(),
    "LabelRowV2.initialise_labels(); add one object of every shape and two classifications; "
    "LabelRowV2.save()  [image]": _save_every_shape,
    "LabelRowV2 with objects over frames 0..2 and a dynamic answer; LabelRowV2.save()  [video]": _save_dynamic,
    "LabelRowV2 save  [image group, object on second image]": lambda w: _boxed(w, GROUP, "NEWOBJ11", 1),
    "LabelRowV2 save  [dicom]": lambda w: _boxed(w, DICOM, "NEWOBJ21", 1),
    "Bundle: initialise_labels x2 existing + x2 new": _fetch_and_begin,
    "Bundle: save x2": _save_two,
    "Bundle: workflow_reopen x3, workflow_complete x2, set_priority x2": _workflow,
    "LabelRowV2.workflow_reopen()": lambda w: w.rows[VIDEO].workflow_reopen(),
    "LabelRowV2.workflow_complete()": lambda w: w.rows[VIDEO].workflow_complete(),
    "LabelRowV2.set_priority(0.75)": lambda w: w.rows[VIDEO].set_priority(0.75),
    "Bundle: initialise_labels with different options per row": _mixed_options,
    "Bundle: execute() called inside the with block": _executed_inside,
    "Bundle: workflow_reopen over 205 rows": _many,
}

_MODELS: dict[str, Callable[[World], Any]] = {
    "list_models()": lambda w: w.project.list_models(),
    "get_training_metadata([uid])": lambda w: w.project.get_training_metadata([ITERATION]),
    "get_training_metadata([uid], True, True, True)": lambda w: w.project.get_training_metadata(
        [ITERATION], True, True, True
    ),
    "create_model_row(title, description, features, AutomationModels.FASTER_RCNN)": lambda w: (
        w.project.create_model_row("m", "d", ["aaaa0001"], AutomationModels.FASTER_RCNN)
    ),
    "create_model_row(title, description, features, 'resnet18')": lambda w: w.project.create_model_row(
        "m", "d", ["bbbb0011"], "resnet18"
    ),
    "model_delete(uid)": lambda w: w.project.model_delete(MODEL),
    "model_inference(uid, file_paths=['frame.jpg'])": lambda w: w.project.model_inference(
        ITERATION, file_paths=["frame.jpg"]
    ),
    "model_inference(uid, base64_strings=[b'...'], <all options>)": lambda w: w.project.model_inference(
        ITERATION,
        base64_strings=[b"U1lOVEhFVElD"],
        conf_thresh=0.5,
        iou_thresh=0.4,
        device=Device.CPU,
        detection_frame_range=[0, 5],
        allocation_enabled=True,
        rdp_thresh=0.01,
    ),
    "model_inference(uid, data_hashes=[...])": lambda w: w.project.model_inference(ITERATION, data_hashes=[VIDEO]),
    "model_inference(uid, data_hashes=[...], conf_thresh=1, iou_thresh=0)": lambda w: w.project.model_inference(
        ITERATION, data_hashes=[VIDEO], conf_thresh=1, iou_thresh=0
    ),
    "model_train(uid, label_rows, epochs, weights=faster_rcnn_R_50_FPN_3x)": lambda w: w.project.model_train(
        MODEL, [VIDEO_ROW], 5, weights=faster_rcnn_R_50_FPN_3x
    ),
    "model_train(uid, label_rows, epochs, batch_size, weights=fast_ai, device='cpu')": lambda w: w.project.model_train(
        MODEL,
        [VIDEO_ROW],
        5,
        2,
        fast_ai,
        "cpu",  # type: ignore[arg-type]
    ),
}

_ALLOWING = CloudUploadSettings(allow_failures=True)

_UPLOAD: dict[str, Callable[[World], Any]] = {
    "upload_video('clip.mp4')": lambda w: w.dataset.upload_video("clip.mp4"),
    "upload_video('clip.mp4', title='Other title.mp4')": lambda w: w.dataset.upload_video(
        "clip.mp4", title="Other title.mp4"
    ),
    "create_image_group(['g0.png', 'g1.jpeg'])": lambda w: w.dataset.create_image_group(["g0.png", "g1.jpeg"]),
    "create_image_group([...], title='grp', create_video=False)": lambda w: w.dataset.create_image_group(
        ["g0.png"], title="grp", create_video=False
    ),
    "create_dicom_series(['s0.dcm'])": lambda w: w.dataset.create_dicom_series(["s0.dcm"]),
    "create_dicom_series(['s0.dcm'], title='series')": lambda w: w.dataset.create_dicom_series(
        ["s0.dcm"], title="series"
    ),
    "upload_image('g0.png')": lambda w: w.dataset.upload_image("g0.png"),
    "upload_image('g0.png', title='Other.png')": lambda w: w.dataset.upload_image("g0.png", title="Other.png"),
    "upload_image('noext')": lambda w: w.dataset.upload_image("noext"),
    "upload_image('empty.png')": lambda w: w.dataset.upload_image("empty.png"),
    "upload_image('g0.png', cloud_upload_settings=CloudUploadSettings(allow_failures=True))  [storage replies 403]": (
        lambda w: w.dataset.upload_image("g0.png", cloud_upload_settings=_ALLOWING)
    ),
    "upload_video('clip.mp4')  [signed URL reply carries a different title]": lambda w: w.dataset.upload_video(
        "clip.mp4"
    ),
}

_CVAT: dict[str, Callable[[World], Any]] = {
    "(LocalImport(dir), dataset_name)  [task export]": lambda w: w.user.create_project_from_cvat(
        LocalImport("task"), "CVAT dataset"
    ),
    "(LocalImport(dir, map_filename_to_cvat_name=fn), dataset_name, ReviewMode.REVIEWED, "
    "transform_bounding_boxes_to_polygons=True)  [project export, server-side error]": lambda w: (
        w.user.create_project_from_cvat(
            LocalImport("whole", map_filename_to_cvat_name=lambda name: f"mapped/{name}"),
            "CVAT dataset",
            ReviewMode.REVIEWED,
            transform_bounding_boxes_to_polygons=True,
        )
    ),
    "(...)  [info error]": lambda w: w.user.create_project_from_cvat(LocalImport("task"), "CVAT dataset"),
}

_ANALYTICS: dict[str, Callable[[World], Any]] = {
    "list(Project.list_collaborator_timers(after, before))": lambda w: list(
        w.project.list_collaborator_timers(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, 1, 2, 3, tzinfo=UTC))
    ),
    "list(Project.list_collaborator_timers(naive after with microseconds, group_by_data_unit=False))": lambda w: list(
        w.project.list_collaborator_timers(datetime(2024, 1, 1, 5, 6, 7, 89), group_by_data_unit=False)
    ),
    "LabelRowV2.set_priority(1.0)": lambda w: w.rows[IMAGE].set_priority(1.0),
}

_KEYS: dict[str, Callable[[World], Any]] = {
    "EncordClient.initialise(project_hash, api_key, domain=...)": lambda w: EncordClient.initialise(
        PROJECT, API_KEY, domain=w.url, requests_settings=w.settings
    ),
    "EncordClientProject.get_project()": lambda w: w.project_client.get_project(),
    "EncordClientProject.get_project(include_labels_metadata=False)": lambda w: w.project_client.get_project(
        include_labels_metadata=False
    ),
    "EncordClientProject.list_label_rows()": lambda w: w.project_client.list_label_rows(),
    "EncordClientProject.get_label_row(label_hash)": lambda w: w.project_client.get_label_row(VIDEO_ROW),
    "EncordClientProject.get_label_rows([label_hash])": lambda w: w.project_client.get_label_rows([VIDEO_ROW]),
    "EncordClientProject.create_label_rows([data_hash])": lambda w: w.project_client.create_label_rows([VIDEO, IMAGE]),
    "EncordClientProject.save_label_rows([label_hash], [dict])": lambda w: w.project_client.save_label_rows(
        [IMAGE_ROW], [REPLIES["labelrow_PUT_1"]["response"]]
    ),
    "EncordClientProject.workflow_reopen([label_hash])": lambda w: w.project_client.workflow_reopen([VIDEO_ROW]),
    "EncordClientProject.workflow_complete([label_hash])": lambda w: w.project_client.workflow_complete([VIDEO_ROW]),
    "EncordClientProject.get_cloud_integrations()": lambda w: w.project_client.get_cloud_integrations(),
    "EncordClientProject.get_websocket_url()": lambda w: w.project_client.get_websocket_url(),
    "EncordClientProject.workflow_set_priority([(data_hash, 0.5)])": lambda w: w.project_client.workflow_set_priority(
        [(VIDEO, 0.5)]
    ),
    "EncordClient.initialise(dataset_hash, api_key, domain=...)": lambda w: EncordClient.initialise(
        DATASET, API_KEY, domain=w.url, requests_settings=w.settings
    ),
    "EncordClientDataset.initialise(dataset_hash, api_key, domain=...)": lambda w: EncordClientDataset.initialise(
        DATASET, API_KEY, domain=w.url, requests_settings=w.settings
    ),
    "EncordClientDataset.get_dataset()": lambda w: w.dataset_client.get_dataset(),
    "EncordClientDataset.list_data_rows()": lambda w: w.dataset_client.list_data_rows(),
    "EncordClientDataset.upload_video('clip.mp4')": lambda w: w.dataset_client.upload_video("clip.mp4"),
    "EncordClientDataset.create_dicom_series(['s0.dcm'], 'series')": lambda w: w.dataset_client.create_dicom_series(
        ["s0.dcm"], "series"
    ),
    "EncordClient.initialise(...)  [key of another resource type]": lambda w: EncordClient.initialise(
        DATASET, API_KEY, domain=w.url, requests_settings=w.settings
    ),
    "EncordClientDataset.initialise(...)  [project key]": lambda w: EncordClientDataset.initialise(
        DATASET, API_KEY, domain=w.url, requests_settings=w.settings
    ),
    "ENCORD_API_KEY in the environment; EncordClient.initialise(project_hash, domain=...)": _in_environment(
        ENCORD_API_KEY="SYNTHETIC-ENV-KEY"
    ),
    "ENCORD_API_KEY + ENCORD_PROJECT_ID in the environment; EncordClient.initialise(domain=...)": _in_environment(
        ENCORD_API_KEY=API_KEY, ENCORD_PROJECT_ID=PROJECT
    ),
    "EncordUserClient.get_project_client(project_hash, domain=...)": lambda w: w.user.get_project_client(
        PROJECT, domain=w.url
    ),
}


def _under(area: str, prefix: str, calls: dict[str, Callable[[World], Any]]) -> dict[tuple[str, str], Any]:
    return {(area, prefix + name): call for name, call in calls.items()}


CALLS: dict[tuple[str, str], Callable[[World], Any]] = {
    **_under("user_client", "EncordUserClient.", _USER),
    **_under("project", "Project.", _PROJECT),
    **_under("dataset", "", _DATASET),
    **_under("ontology", "", _ONTOLOGY),
    **_under("labels", "", _LABELS),
    **_under("models", "Project.", _MODELS),
    **_under("upload", "Dataset.", _UPLOAD),
    **_under("cvat", "EncordUserClient.create_project_from_cvat", _CVAT),
    **_under("analytics", "", _ANALYTICS),
    **_under("api_key_client", "", _KEYS),
}
