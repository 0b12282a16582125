"""What the model does not know is written where it stood."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hub_samples import BOX, both_forms, classification_entry, listing, object_entry, ontology, row_json, unit

from encord_convert.sdk.exceptions import EncordException, LabelRowError
from encord_convert.sdk.objects import DICOMSeriesMetadata, DICOMSliceMetadata, LabelRowV2

EXTRA = {"k": [1, {"deep": None}]}


def action(**more: Any) -> dict[str, Any]:
    return {
        "name": "Operator Note",
        "value": "operator_note",
        "answers": "a",
        "featureHash": "b1dtext1",
        "manualAnnotation": True,
        "dynamic": True,
        "range": [[0, 1]],
        "shouldPropagate": False,
        "trackHash": "track001",
    } | more


def full() -> dict[str, Any]:
    """Return a row with something unknown at every level."""
    serial = {
        "name": "Serial Number",
        "value": "serial_number",
        "answers": "SN",
        "featureHash": "b1text01",
        "manualAnnotation": False,
        "note": EXTRA,
    }
    on_frame = {
        "objects": [object_entry("O1", vendorExtra=EXTRA)],
        "classifications": [classification_entry("C1", vendorExtra=EXTRA)],
        "frameExtra": EXTRA,
    }
    remark = {
        "name": "Free Remark",
        "value": "free_remark",
        "answers": "x",
        "featureHash": "c3text01",
        "manualAnnotation": True,
        "note": EXTRA,
    }
    more = {"shouldPropagate": True, "spaceId": "s", "manualAnnotation": False}
    return row_json(
        units=[
            unit("v", labels={"0": on_frame, "1": {"objects": [object_entry("O1")], "classifications": []}}, x=EXTRA)
        ],
        object_answers={
            "O1": {"classifications": [serial], "objectHash": "O1", "entryExtra": EXTRA},
            "gone": {"classifications": [{"anything": 1}], "objectHash": "gone"},
        },
        classification_answers={
            "C1": {"classifications": [remark], "classificationHash": "C1", "featureHash": "cc000003"},
            "gone": {"classifications": [], "classificationHash": "gone", "range": []},
        },
        object_actions={
            "O1": {"actions": [action(**more)], "objectHash": "O1", "actionsExtra": EXTRA},
            "gone": {"actions": [], "objectHash": "gone"},
        },
        label_status="SOMETHING_NEW",
        branch_name="main",
        spaces={"s": EXTRA},
        number_of_frames=20,
        client_metadata={"camera": 3},
    )


def test_unknown_keys_survive_at_every_level() -> None:
    row = LabelRowV2._from_dict(full(), ontology())
    assert row.to_encord_dict() == both_forms(full())
    assert row.number_of_frames == 20
    assert row.client_metadata == {"camera": 3}


def test_unknown_keys_do_not_come_back_spoiled() -> None:
    row = LabelRowV2._from_dict(full(), ontology())
    row.to_encord_dict()["spaces"]["s"]["k"].clear()
    assert row.to_encord_dict() == both_forms(full())


def test_unknown_keys_of_a_label_stay_when_it_is_moved_and_go_with_it() -> None:
    row = LabelRowV2._from_dict(full(), ontology())
    (instance,) = row.get_object_instances()
    instance.get_annotation(0).coordinates = BOX
    instance.get_annotation(0).confidence = 0.5
    copy = instance.copy()
    row.remove_object(instance)
    row.add_object_instance(copy)
    (entry,) = row.to_encord_dict()["data_units"]["v"]["labels"]["0"]["objects"]
    assert entry["vendorExtra"] == EXTRA and entry["confidence"] == 0.5


def test_an_answer_given_again_is_as_any_new_answer() -> None:
    structure = ontology()
    row = LabelRowV2._from_dict(full(), structure)
    (instance,) = row.get_object_instances()
    instance.set_answer("new", structure.get_child_by_hash("b1text01"), overwrite=True)
    instance.set_answer("b", structure.get_child_by_hash("b1dtext1"), frames=1)
    written = row.to_encord_dict()
    (serial,) = written["object_answers"]["O1"]["classifications"]
    assert serial["manualAnnotation"] is True and "note" not in serial
    new, old = written["object_actions"]["O1"]["actions"]
    assert (new["answers"], new["range"], new["manualAnnotation"]) == ("b", [[1, 1]], True)
    assert (old["answers"], old["range"], old["trackHash"]) == ("a", [[0, 0]], "track001")
    assert len(new["trackHash"]) == 8 and row.to_encord_dict() == written


def test_the_range_newer_servers_repeat_follows_the_frames() -> None:
    structure = ontology()
    d = row_json(
        units=[
            unit("v", labels={str(n): {"objects": [], "classifications": [classification_entry("C1")]} for n in (2, 3)})
        ],
        classification_answers={"C1": {"classifications": [], "classificationHash": "C1", "range": [[2, 3]]}},
    )
    row = LabelRowV2(listing(), None, structure)
    row.from_labels_dict(d)
    assert row.to_encord_dict() == both_forms(d)
    (one,) = row.get_classification_instances()
    one.set_for_frames(7)
    assert row.to_encord_dict()["classification_answers"]["C1"]["range"] == [[2, 3], [7, 7]]


SERIES = {"patient_id": None, "study_uid": "2.25.7", "series_uid": "2.25.8"}
SLICE = {"dicom_instance_uid": "2.25.1", "multiframe_frame_number": None, "file_uri": "s-0", "width": 8, "height": 6}


def dicom(**frames: Any) -> dict[str, Any]:
    labels = {frame[1:]: one for frame, one in frames.items()}
    one = unit("dcm", labels=labels, mime="application/dicom", metadata=SERIES, data_links=["s-0"])
    del one["data_link"]
    return row_json("dicom", [one])


def test_dicom_metadata_is_read_and_written() -> None:
    d = dicom(_0={"objects": [], "classifications": [], "metadata": SLICE}, _1={"objects": [], "classifications": []})
    row = LabelRowV2(listing("DICOM"), None, ontology())
    row.from_labels_dict(d)
    assert row.metadata == DICOMSeriesMetadata(patient_id=None, study_uid="2.25.7", series_uid="2.25.8")
    assert row.get_frame_view(0).metadata == DICOMSliceMetadata(**SLICE)
    assert row.get_frame_view(1).metadata is None
    assert row.data_link is None
    assert row.to_encord_dict() == both_forms(d)


@pytest.mark.parametrize("broken", [{"width": "wide"}, {"file_uri": 5}, {"dicom_instance_uid": ...}, {"height": 1.5}])
def test_broken_dicom_metadata_is_refused(broken: dict[str, Any]) -> None:
    metadata = {key: value for key, value in (SLICE | broken).items() if value is not ...}
    row = LabelRowV2(listing("DICOM"), None, ontology())
    with pytest.raises(EncordException, match="DICOMSliceMetadata"):
        row.from_labels_dict(dicom(_0={"objects": [], "classifications": [], "metadata": metadata}))
    assert not row.is_labelling_initialised


def test_dicom_metadata_is_read_in_both_spellings_and_written_in_one() -> None:
    camel = {"dicomInstanceUid": "2.25.1", "multiframeFrameNumber": "3", "fileUri": "s", "width": 8.0, "height": 6}
    one = DICOMSliceMetadata.from_dict(camel | {"other": 1})
    assert (one.multiframe_frame_number, one.width) == (3, 8)
    assert one.to_dict() == camel | {"multiframeFrameNumber": 3, "width": 8}
    assert "multiframeFrameNumber" not in DICOMSliceMetadata(**SLICE).to_dict()
    assert repr(DICOMSeriesMetadata(**SERIES)).startswith("DICOMSeriesMetadata(patient_id=None, ")
    with pytest.raises(ValueError, match="study_uid"):
        DICOMSeriesMetadata(patient_id=None, series_uid="x")


def test_shapes_of_newer_servers_are_placed_only_where_they_belong() -> None:
    structure = ontology("ontologies/newer-all.json")
    entry = object_entry("P", "na000008", shape="cuboid_2d")
    with pytest.raises(LabelRowError, match="drawn as cuboid_2d"):
        LabelRowV2._from_dict(
            row_json(units=[unit("v", labels={"0": {"objects": [entry], "classifications": []}})]), structure
        )


def test_numbers_answer_numeric_attributes_of_newer_servers() -> None:
    structure = ontology("ontologies/newer-all.json")
    parcel, weight = structure.get_child_by_hash("na000001"), structure.get_child_by_hash("nanum001")
    instance = parcel.create_instance()
    instance.set_answer(12.5, weight)
    assert instance.get_answer(weight) == 12.5
    with pytest.raises(ValueError, match="number"):
        instance.set_answer("heavy", weight, overwrite=True)


@pytest.mark.parametrize("more", [{}, {"branch_name": "main"}])
def test_a_classification_says_where_it_is_in_its_answers_too(more: dict[str, Any]) -> None:
    """Measured with encord 0.1.211: it places classifications by these keys, and silently drops those without."""
    row = LabelRowV2(listing(), None, ontology())
    row.from_labels_dict(row_json(**more))
    instance = row.ontology_structure.classifications[0].create_instance()
    when = {"created_at": datetime(2024, 1, 1, tzinfo=UTC), "last_edited_at": datetime(2024, 1, 2, tzinfo=UTC)}
    instance.set_for_frames([0, 1, 4], created_by="ann@example.org", confidence=0.5, manual_annotation=False, **when)
    row.add_classification_instance(instance)
    written = row.to_encord_dict()
    (entry,) = written["classification_answers"].values()
    assert (written["branch_name"], written["spaces"]) == ("main", {})
    assert {key: entry[key] for key in entry if key not in ("classifications", "classificationHash")} == {
        "featureHash": instance.feature_hash,
        "spaces": {},
        "range": [[0, 1], [4, 4]],
        "createdBy": "ann@example.org",
        "createdAt": "Mon, 01 Jan 2024 00:00:00 UTC",
        "lastEditedBy": None,
        "lastEditedAt": "Tue, 02 Jan 2024 00:00:00 UTC",
        "confidence": 0.5,
        "manualAnnotation": False,
    }


def said_twice(frames: list[int], **answer: Any) -> LabelRowV2:
    """Return a row with a classification on frames, whose answer says more of where it is."""
    entry = {"classifications": [], "classificationHash": "C1", "featureHash": "cc000003", "spaces": {}, **answer}
    labels = {str(n): {"objects": [], "classifications": [classification_entry("C1")]} for n in frames}
    return LabelRowV2._from_dict(
        row_json(units=[unit("v", labels=labels)], classification_answers={"C1": entry}, number_of_frames=20),
        ontology(),
    )


def test_a_range_counts_where_it_differs_from_the_frames() -> None:
    row = said_twice([0, 1], range=[[1, 3]], createdBy="bob@example.org", createdAt="Mon, 01 Jan 2024 00:00:00 UTC")
    (one,) = row.get_classification_instances()
    assert [(on.frame, on.created_by) for on in one.get_annotations()] == [
        (1, "ann@example.org"), (2, "bob@example.org"), (3, "bob@example.org"),
    ]  # fmt: skip
    assert row._contents.disagreements[0] == ("Free Remark (C1): placed on frames 1-3 by its range, not on 0-1.", 3)
    written = row.to_encord_dict()
    assert written["classification_answers"]["C1"]["range"] == [[1, 3]]
    on = {frame: len(labels["classifications"]) for frame, labels in written["data_units"]["v"]["labels"].items()}
    assert on == {"0": 0, "1": 1, "2": 1, "3": 1}


@pytest.mark.parametrize("range_", [[], None, [[5, 40]], [[3, 1]], [[-1, 2]], [[0.5, 2]], "all"])
def test_frames_count_where_a_range_says_none_of_the_row(range_: Any) -> None:
    row = said_twice([0, 1], range=range_)
    (one,) = row.get_classification_instances()
    assert [on.frame for on in one.get_annotations()] == [0, 1]
    assert row.to_encord_dict()["classification_answers"]["C1"]["range"] == [[0, 1]]
    told = [f"Free Remark (C1): placed by its frames; its range {range_!r} is not of this row."] if range_ else []
    assert [one.sentence for one in row._contents.disagreements] == told


def test_an_author_of_the_answer_alone_is_told() -> None:
    row = said_twice([0, 1], range=[[0, 1]], createdBy="bob@example.org", confidence=1)
    assert [one.sentence for one in row._contents.disagreements] == [
        "Free Remark (C1): 'createdBy' is ann@example.org on its frames, and not kept where its answer says "
        "bob@example.org."
    ]
    assert row.to_encord_dict()["classification_answers"]["C1"]["createdBy"] == "ann@example.org"
    assert not said_twice([0, 1], range=[[0, 1]], createdAt="2024-06-01T09:00:00Z")._contents.disagreements
