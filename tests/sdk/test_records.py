"""Records that travel: listings, rows, and the helper that completes answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hub_samples import listing, object_entry, row_json, unit

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import EncordException, InvalidDateFormatError
from encord_convert.sdk.objects.project import ProjectDataset
from encord_convert.sdk.objects.utils import check_type, filter_by_type, is_valid_email, short_uuid_str
from encord_convert.sdk.orm.dataset import (
    AddPrivateDataResponse,
    CreateDatasetResponse,
    DataRow,
    Dataset,
    DatasetAPIKey,
    DatasetDataLongPolling,
    DatasetScope,
    ImagesDataFetchOptions,
    LongPollingStatus,
    ReEncodeVideoTask,
    StorageLocation,
)
from encord_convert.sdk.orm.label_log import Action, LabelLog
from encord_convert.sdk.orm.label_row import (
    AnnotationTaskStatus,
    LabelRow,
    LabelRowMetadata,
    LabelStatus,
    WorkflowGraphNode,
)
from encord_convert.sdk.orm.model import ModelConfiguration, TrainingMetadata
from encord_convert.sdk.orm.project import (
    CvatExportType,
    Project,
    ProjectImporter,
    ProjectImporterCvatInfo,
    TaskPriorityParams,
)
from encord_convert.sdk.orm.project_api_key import ProjectAPIKey
from encord_convert.sdk.utilities.client_utilities import (
    APIKeyScopes,
    Issue,
    Issues,
    optional_datetime_to_iso_str,
    optional_set_to_list,
    pretty_print,
)
from encord_convert.sdk.utilities.label_utilities import construct_answer_dictionaries
from encord_convert.sdk.utilities.project_user import ProjectUser
from encord_convert.sdk.utilities.project_utilities import get_all_model_iteration_uids

ENTRY = {
    "label_hash": None,
    "created_at": "2024-06-01T08:00:00",
    "last_edited_at": None,
    "data_hash": "d",
    "dataset_hash": "s",
    "dataset_title": "t",
    "data_title": "q",
    "data_type": "IMG_GROUP",
    "data_link": None,
    "label_status": "LABELLED",
    "annotation_task_status": "IN_REVIEW",
    "workflow_graph_node": {"uuid": "u", "title": "n"},
    "is_shadow_data": True,
    "number_of_frames": 3,
    "duration": 1.5,
    "frames_per_second": 25,
    "height": 6,
    "width": 8,
    "priority": 0.5,
}


def test_a_listing_entry_is_written_as_it_was_read() -> None:
    entry = LabelRowMetadata.from_dict(ENTRY)
    assert entry.to_dict() == ENTRY
    assert entry.created_at == datetime(2024, 6, 1, 8)
    assert entry.annotation_task_status is AnnotationTaskStatus.IN_REVIEW
    assert entry.workflow_graph_node == WorkflowGraphNode("u", "n")
    assert LabelRowMetadata.from_list([ENTRY, ENTRY]) == [entry, entry]


def test_unknown_words_of_a_listing_are_read_or_refused() -> None:
    assert listing(label_status="NEW").label_status is LabelStatus.MISSING_LABEL_STATUS
    assert listing(annotation_task_status=None).annotation_task_status is None
    with pytest.raises(ValueError):
        listing(annotation_task_status="NEW")
    with pytest.raises(KeyError):
        LabelRowMetadata.from_dict({key: value for key, value in ENTRY.items() if key != "data_hash"})


def test_data_types_are_upper_case_in_listings_only() -> None:
    assert DataType.from_upper_case_string("IMG_GROUP") is DataType.IMG_GROUP
    for text in ("img_group", "HOLOGRAM", "_MISSING_DATA_TYPE_"):
        assert DataType.from_upper_case_string(text) is DataType.MISSING_DATA_TYPE
    assert DataType.DICOM_STUDY.to_upper_case_string() == "DICOM_STUDY"
    assert DataType.from_string("hologram") is None
    assert DataType("something new") is DataType.MISSING_DATA_TYPE


def test_a_row_record_holds_its_own_keys() -> None:
    record = LabelRow({"label_hash": "h", "data_units": {}, "other": 1, "data_hash": 5})
    assert record == {"label_hash": "h", "data_units": {}}
    record.data_hash = "d"
    assert record["data_hash"] == record.data_hash == "d"
    for attempt in (
        lambda: record.created_at,
        lambda: setattr(record, "other", 1),
        lambda: setattr(record, "label_hash", 1),
    ):
        with pytest.raises(AttributeError):
            attempt()
    assert record.to_dic() == {"label_hash": "h", "data_units": "{}", "data_hash": "d"}
    assert dict(record.updatable_fields()) == {"data_units": {}, "data_hash": "d"}


def test_missing_answers_are_added_and_others_left() -> None:
    labels = {"0": {"objects": [object_entry("O1"), object_entry("O2")], "classifications": []}}
    kept = {"objectHash": "O1", "classifications": ["kept"]}
    d = row_json(units=[unit("v", labels=labels)], object_answers={"O1": kept}, spaces={})
    record = construct_answer_dictionaries(d)
    assert d["object_answers"] == {"O1": kept, "O2": {"objectHash": "O2", "classifications": []}}
    assert isinstance(record, LabelRow) and "spaces" not in record


@pytest.mark.parametrize(
    ("d", "error"),
    [
        (row_json(units=[unit("v", labels={"0": {"objects": []}})]), TypeError),
        ({key: value for key, value in row_json().items() if key != "object_answers"}, AttributeError),
    ],
)
def test_rows_without_their_lists_or_answers_are_refused(d: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        construct_answer_dictionaries(d)


def test_small_helpers_do_what_they_say() -> None:
    assert len(short_uuid_str()) == 8 and short_uuid_str() != short_uuid_str()
    assert is_valid_email("a@b.c, and more") and not is_valid_email("a@b")
    assert filter_by_type([1, "a", 2], int) == [1, 2] and filter_by_type([1, "a"], None) == [1, "a"]
    check_type(1, None)
    with pytest.raises(TypeError):
        check_type(1, str)
    given = {"dataset_hash": "h", "title": "t", "description": "d"}
    assert ProjectDataset.from_list([given]) == [ProjectDataset("h", "t", "d")]


LOG = {
    "log_hash": "l",
    "user_hash": "u",
    "user_email": "e",
    "data_hash": "d",
    "action": 3,
    "frame": "7",
    "identifier": "O1",
    "feature_hash": None,
    "label_name": None,
    "time_taken": 5.0,
    "created_at": 1700000000,
}


def test_times_enums_and_numbers_of_records_are_read_and_checked() -> None:
    log = LabelLog.from_dict(LOG)
    assert (log.action, log.frame, log.time_taken) == (Action.START, 7, 5)
    assert log.annotation_hash == log.identifier == "O1"
    assert log.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert ProjectUser("e", 3, "p") == ProjectUser.from_dict({"userEmail": "e", "user_role": "3", "project_hash": "p"})
    assert TaskPriorityParams(priorities=[["d", 1]]).priorities == [("d", 1.0)]
    with pytest.raises(EncordException, match=r"ProjectUser.user_role is ProjectUserRole, not 9."):
        ProjectUser.from_dict({"user_email": "e", "user_role": 9, "project_hash": "p"})
    with pytest.raises(EncordException, match=r"LabelLog.action is Action, not 18."):
        LabelLog.from_dict({**log.to_dict(exclude_none=False), "action": 18})


def test_a_project_record_reads_its_times_and_drops_what_does_not_fit() -> None:
    given = {
        "title": 5,
        "created_at": "2024-01-01 10:00:00",
        "datasets": "[]",
        "x": 1,
        "label_rows": [{"label_hash": "h"}],
    }
    record = Project(given)
    assert record == {"created_at": datetime(2024, 1, 1, 10), "datasets": "[]", "label_rows": [{"label_hash": "h"}]}
    assert record.get_labels_list() == ["h"]
    assert record.to_dic()["created_at"] == "2024-01-01 10:00:00"
    with pytest.raises(KeyError, match="title"):
        _ = record.title
    with pytest.raises(InvalidDateFormatError, match="'created_at' is a time like 2024-01-31 23:59:59, not '2024'"):
        Project({"created_at": "2024"})
    assert ProjectImporter({"project_hash": None, "errors": []}) == {"project_hash": None, "errors": []}
    assert ProjectImporterCvatInfo({"export_type": "task"}).export_type is CvatExportType.TASK


IMAGE = {
    "title": "i",
    "file_link": "l",
    "file_type": "image/png",
    "file_size": 3,
    "image_hash": "h",
    "storage_location": 0,
    "created_at": "2024-01-01T10:00:00",
    "last_edited_at": "2024-01-01T10:00:00",
    "height": 4,
    "width": 5,
}
DATA_ROW = {
    "data_hash": "d",
    "data_title": "t",
    "data_type": "IMG_GROUP",
    "width": 1,
    "height": 2,
    "duration": None,
    "created_at": "2024-01-01T10:00:00.5+02:00",
    "last_edited_at": "2024-01-01 10:00:00",
    "file_link": "x",
    "frames_per_second": None,
    "file_type": "y",
    "file_size": 3.5,
    "storage_location": 77,
    "images_data": [IMAGE],
    "backing_item_uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
}


def test_a_data_row_is_read_and_its_times_keep_their_zone() -> None:
    row = DataRow.from_dict(DATA_ROW)
    assert (row.uid, row.title, row.data_type) == ("d", "t", DataType.IMG_GROUP)
    assert row.created_at.isoformat() == "2024-01-01T10:00:00.500000+02:00"
    assert row["last_edited_at"] == "2024-01-01 10:00:00"
    assert row.storage_location is StorageLocation.NEW_STORAGE
    assert row.images_data is not None and row.images_data[0].signed_url is None
    with pytest.raises(NotImplementedError, match="did not say which storage item"):
        _ = DataRow.from_dict({**DATA_ROW, "backing_item_uuid": None}).backing_item_uuid


class Store:
    """Answers what a service would, and remembers what it was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def fetch_data_row(self, data_hash: str, additional_data: dict[str, Any]) -> dict[str, Any]:
        self.sent.append((data_hash, additional_data))
        return {**DATA_ROW, "signed_url": "s", "images_data": None}

    def send_data_row(self, data_hash: str, changes: dict[str, Any]) -> dict[str, Any]:
        self.sent.append((data_hash, changes))
        return {"updated_fields": [*changes][:1], "data_row": {**DATA_ROW, **changes}}


def test_a_data_row_sends_what_was_set_and_keeps_what_comes_as_null() -> None:
    row, store = DataRow.from_dict(DATA_ROW), Store()
    with pytest.raises(EncordException, match="Data row d was not fetched from a service"):
        row.save()
    row._store = store
    row.title = "new"
    row.save()
    row.refetch_data(signed_url=True, images_data_fetch_options=ImagesDataFetchOptions())
    assert (row.title, row.signed_url) == ("t", "s")
    assert row.images_data is not None and row.images_data[0].image_hash == "h"
    options = {"fetch_signed_urls": False}
    assert store.sent == [
        ("d", {"data_title": "new"}),
        ("d", {"signed_url": True, "images_data_fetch_options": options, "client_metadata": False}),
    ]
    row.title, row.client_metadata = "a", {"b": 1}
    with pytest.raises(EncordException, match=r"was sent \['client_metadata', 'data_title'\] of data row d"):
        row.save()
    assert (row.title, row.client_metadata) == ("a", {"b": 1})


def test_a_dataset_knows_its_storage_by_the_word_on_the_wire() -> None:
    given = {"title": "T", "description": None, "dataset_hash": "H", "dataset_type": "AWS_S3", "data_rows": [DATA_ROW]}
    dataset = Dataset.from_dict(given)
    assert dataset.storage_location is StorageLocation.AWS and dataset.data_rows[0].uid == "d"
    assert {key: dataset[key] for key in ("title", "dataset_type")} == {"title": "T", "dataset_type": "AWS_S3"}
    with pytest.raises(KeyError):
        _ = Dataset.from_dict({**given, "dataset_type": "ODD"}).storage_location
    assert all(StorageLocation.from_str(one.get_str()) is one for one in StorageLocation)


UUIDS = [UUID(int=1), UUID(int=2)]


@pytest.mark.parametrize(
    ("record", "name", "value", "key", "written"),
    [
        (DataRow, "uid", "e", "data_hash", "e"),
        (DataRow, "title", "n", "data_title", "n"),
        (DataRow, "data_type", DataType.VIDEO, "data_type", "VIDEO"),
        (DataRow, "created_at", datetime(2020, 1, 2, 3), "created_at", "2020-01-02 03:00:00"),
        (DataRow, "client_metadata", {"a": 1}, "client_metadata", {"a": 1}),
        (Dataset, "title", "n", "title", "n"),
        (Dataset, "description", "n", "description", "n"),
        (Dataset, "storage_location", StorageLocation.AZURE, "dataset_type", "AZURE_STR"),
        (Dataset, "data_rows", [], "data_rows", []),
        (Dataset, "backing_folder_uuid", UUIDS[1], "backing_folder_uuid", UUIDS[1]),
        (CreateDatasetResponse, "title", "n", "title", "n"),
        (CreateDatasetResponse, "storage_location", StorageLocation.GCP, "type", 2),
        (CreateDatasetResponse, "dataset_hash", "n", "dataset_hash", "n"),
        (CreateDatasetResponse, "user_hash", "n", "user_hash", "n"),
        (CreateDatasetResponse, "backing_folder_uuid", UUIDS[1], "backing_folder_uuid", UUIDS[1]),
        (Project, "title", "n", "title", "n"),
        (Project, "label_rows", [{"label_hash": "h"}], "label_rows", [{"label_hash": "h"}]),
        (Project, "created_at", datetime(2020, 1, 2), "created_at", datetime(2020, 1, 2)),
    ],
)
def test_a_record_says_the_same_as_its_dictionary(record: Any, name: str, value: Any, key: str, written: Any) -> None:
    given: dict[Any, Any] = {
        DataRow: {**DATA_ROW, "images_data": None},
        Dataset: {"title": "T", "description": None, "dataset_hash": "H", "dataset_type": "AWS_S3"},
        CreateDatasetResponse: {"title": "T", "type": 0, "dataset_hash": "H", "user_hash": "U"},
        Project: {"title": "T"},
    }
    made = [record(given[record]) if record is Project else record.from_dict(given[record]) for _ in range(2)]
    others = {own: one for own, one in made[0].items() if own != key}
    setattr(made[0], name, value)
    made[1][key] = written
    for one in made:
        assert (getattr(one, name), one[key]) == (value, written)
        assert {own: one[own] for own in others} == others


def test_a_data_row_in_a_dataset_is_the_dictionary_that_came() -> None:
    for created in ("2024-01-01 10:00:00", "2024-01-01T10:00:00Z", "Mon, 01 Jan 2024 10:00:00 BST"):
        row = {**DATA_ROW, "created_at": created, "data_type": "AUDIO", "storage_location": 1, "images_data": None}
        given = {"title": "T", "description": None, "dataset_hash": "H", "dataset_type": "AWS_S3", "data_rows": [row]}
        found = Dataset.from_dict(given)["data_rows"][0]
        assert {key: found[key] for key in row} == {**row, "backing_item_uuid": UUID(row["backing_item_uuid"])}
        assert found.data_type is DataType.MISSING_DATA_TYPE and found.created_at.hour in (9, 10)


def test_keys_take_their_scopes_as_a_list_or_as_its_text() -> None:
    key = {"resource_hash": "r", "api_key": "k", "title": "t", "key_hash": "h"}
    for scopes in (["dataset.read"], '["dataset.read"]'):
        assert DatasetAPIKey.from_dict({**key, "scopes": scopes}).scopes == [DatasetScope.READ]
    for scopes in (["label.read"], '["label.read"]'):
        assert ProjectAPIKey.from_dict({**key, "scopes": scopes}).scopes == [APIKeyScopes.LABEL_READ]
    with pytest.raises(ValueError, match="nope"):
        ProjectAPIKey.from_dict({**key, "scopes": ["nope"]})


def test_long_jobs_and_models_are_read() -> None:
    info = {"data_hash": "a", "title": "b"}
    assert AddPrivateDataResponse.from_dict({"dataset_data_info": [info]}).dataset_data_list[0].data_hash == "a"
    done = {"status": "DONE", "data_hashes_with_titles": [info], "errors": ["x"]}
    counts = {"units_pending_count": 1, "units_done_count": 2, "units_error_count": 3}
    state = DatasetDataLongPolling.from_dict({**done, **counts})
    assert (state.status, state.units_done_count) == (LongPollingStatus.DONE, 2)
    assert ReEncodeVideoTask.from_dict({"status": "s"}).result is None
    task = ReEncodeVideoTask.from_dict({"status": "s", "result": [{"data_hash": "a", "bucket_path": "b"}]})
    assert task.result is not None and task.result[0].signed_url is None
    model = {"model_uid": "m", "title": "t", "description": "d", "feature_node_hashes": {"x": 1}, "model": "vgg16"}
    read = ModelConfiguration.from_dict({**model, "model_iteration_uids": ["i", "j"]})
    assert read.feature_node_hashes == ["x"] and get_all_model_iteration_uids([read, read]) == {"i", "j"}
    with pytest.raises(EncordException, match="'hal9000' is no model this version knows"):
        ModelConfiguration.from_dict({**model, "model": "hal9000", "model_iteration_uids": []})
    label = {"label_uid": "a", "data_uid": "b", "data_link": "c"}
    trained = {"model_iteration_uid": "i", "created_at": "2024-01-01T10:00:00", "training_final_loss": 0.5}
    labels = {"label_metadata_list": [label], "feature_uids": ["f"]}
    record = TrainingMetadata.from_dict({**trained, "model_training_labels": labels})
    assert record.created_at == datetime(2024, 1, 1, 10)
    assert record.model_training_labels is not None
    assert record.model_training_labels.label_metadata_list[0].data_uid == "b"
    with pytest.raises(KeyError, match="created_at"):
        TrainingMetadata.from_dict({"model_iteration_uid": "i"})


def test_the_helpers_of_the_client_convert_and_print() -> None:
    assert optional_datetime_to_iso_str("k", None) is None and optional_set_to_list(None) is None
    assert optional_datetime_to_iso_str("k", "2024-01-01T10:00:00+02:00") == "2024-01-01T10:00:00+02:00"
    assert optional_datetime_to_iso_str("k", datetime(2024, 1, 1)) == "2024-01-01T00:00:00"
    with pytest.raises(ValueError, match="'k' is a time or its text, not 3"):
        optional_datetime_to_iso_str("k", 3)  # type: ignore[arg-type]
    assert optional_set_to_list({3}) == [3]
    assert pretty_print({"b": 1, "a": [1, {"x": "é"}]}) == "{   'a': [   1,\n             {   'x': 'é'}],\n    'b': 1}"
    issues = {"errors": [{"issue_type": "t", "instances": ["q"]}], "warnings": [], "infos": []}
    assert Issues.from_dict(issues) == Issues([Issue("t", ["q"])], [], [])
