"""Records that travel: listings, rows, and the helper that completes answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hub_samples import listing, object_entry, row_json, unit

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects.project import ProjectDataset
from encord_convert.sdk.objects.utils import check_type, filter_by_type, is_valid_email, short_uuid_str
from encord_convert.sdk.orm.label_row import (
    AnnotationTaskStatus,
    LabelRow,
    LabelRowMetadata,
    LabelStatus,
    WorkflowGraphNode,
)
from encord_convert.sdk.utilities.label_utilities import construct_answer_dictionaries

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
