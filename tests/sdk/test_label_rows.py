"""Label rows: their life, what they hold, and how it is found."""

from __future__ import annotations

import gc
from typing import Any
from weakref import ref

import pytest
from hub_samples import (
    BOX,
    classification_entry,
    forklift,
    images,
    listing,
    object_entry,
    ontology,
    row_json,
    unit,
    video,
)

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import LabelRowError, OntologyError, WrongProjectTypeError
from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, ObjectInstance
from encord_convert.sdk.objects.coordinates import BitmaskCoordinates, PointCoordinate
from encord_convert.sdk.objects.frames import Range
from encord_convert.sdk.objects.ontology_labels_impl import DataUnit
from encord_convert.sdk.orm.label_row import AnnotationTaskStatus, LabelStatus, WorkflowGraphNode


def remark(row: LabelRowV2, frames: Any = 0, hash_: str | None = None) -> ClassificationInstance:
    """Return a remark on frames, not in the row yet."""
    kind = row.ontology_structure.get_child_by_hash("cc000003")
    instance = ClassificationInstance(kind, classification_hash=hash_)
    instance.set_for_frames(frames)
    return instance


def frame_json(row: LabelRowV2, frame: int) -> dict[str, Any]:
    (only,) = row.to_encord_dict()["data_units"].values()
    return only["labels"][str(frame)]


# --- life -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attempt",
    [
        lambda row: row.metadata,
        lambda row: row.to_encord_dict(),
        lambda row: row.save(),
        lambda row: row.get_frame_view(),
        lambda row: row.get_frame_views(),
        lambda row: row.get_image_hash(0),
        lambda row: row.get_frame_number("x"),
        lambda row: row.get_object_instances(),
        lambda row: row.get_classification_instances(),
        lambda row: row.add_object_instance(None),
        lambda row: row.add_classification_instance(None),
        lambda row: row.remove_object(None),
        lambda row: row.remove_classification(None),
        lambda row: row.add_to_single_frame_to_hashes_map(None, 0),
    ],
)
def test_labels_cannot_be_used_before_they_are_there(attempt: Any) -> None:
    row = LabelRowV2(listing(), None, ontology())
    with pytest.raises(LabelRowError, match="Call initialise_labels"):
        attempt(row)
    assert not row.is_labelling_initialised


def test_what_the_listing_says_is_there_at_once_and_the_json_overrides_it() -> None:
    row = LabelRowV2(listing(is_shadow_data=True, duration=0.8, frames_per_second=25), None, ontology())
    assert (row.label_hash, row.width, row.data_link, row.created_at) == (None, None, None, None)
    assert row.label_status is LabelStatus.NOT_LABELLED
    row.from_labels_dict(row_json(data_title="New", is_shadow_data=False))
    assert (row.label_hash, row.data_title, row.width, row.height) == ("label-0001", "New", 8, 6)
    assert row.label_status is LabelStatus.LABEL_IN_PROGRESS
    assert row.annotation_task_status is AnnotationTaskStatus.QUEUED
    assert row.data_link == "bucket/vid-0"
    assert (row.number_of_frames, row.duration, row.fps, row.is_shadow_data) == (20, 0.8, 25, True)
    assert row.created_at.isoformat() == "2024-06-01T08:00:00"


def test_members_of_the_other_kind_of_project_are_refused() -> None:
    row = LabelRowV2(listing(), None, ontology())
    for attempt in (lambda: row.priority, lambda: row.set_priority(0.5)):
        with pytest.raises(WrongProjectTypeError):
            attempt()
    row = LabelRowV2(listing(workflow_graph_node={"uuid": "u", "title": "t"}, priority=0.7), None, ontology())
    assert row.workflow_graph_node == WorkflowGraphNode("u", "t")
    assert row.priority == 0.7
    for attempt in (lambda: row.label_status, lambda: row.annotation_task_status):
        with pytest.raises(WrongProjectTypeError, match="workflow_graph_node"):
            attempt()


def test_the_ontology_may_be_a_structure_or_something_that_holds_one() -> None:
    structure = ontology()

    class Holder:
        pass

    holder = Holder()
    holder.structure = structure  # type: ignore[attr-defined]
    for given in (structure, holder):
        assert LabelRowV2(listing(), None, given).ontology_structure is structure


def test_a_row_that_cannot_be_read_leaves_everything_as_it_was() -> None:
    row = video()
    instance = forklift(row, [1, 2], "O1")
    before = row.to_encord_dict()
    labels = {"0": {"objects": [object_entry("O2"), object_entry("O3", feature="nope")], "classifications": []}}
    with pytest.raises(OntologyError):
        row.from_labels_dict(row_json(units=[unit("vid-9", labels=labels)], data_title="Broken"))
    assert row.to_encord_dict() == before
    assert instance.is_assigned_to_label_row() is row
    fresh = LabelRowV2(listing(), None, ontology())
    with pytest.raises(KeyError):
        fresh.from_labels_dict({})
    assert not fresh.is_labelling_initialised


def test_instances_of_a_row_that_is_read_again_belong_to_none() -> None:
    row = video()
    old = forklift(row, 3, "O1")
    row.from_labels_dict(row_json())
    assert old.is_assigned_to_label_row() is None
    old.set_for_frames(BOX, 5)
    assert row.get_object_instances() == []
    assert row.to_encord_dict()["data_units"]["vid-0"]["labels"] == {}
    row.add_object_instance(old)
    assert row.get_object_instances() == [old]


def test_a_row_that_is_dropped_is_gone_at_once_and_its_instances_are_free() -> None:
    gc.collect()
    gc.disable()
    try:
        row = video()
        instance = forklift(row)
        classification = remark(row)
        row.add_classification_instance(classification)
        gone = ref(row)
        row.get_frame_views()
        row.to_encord_dict()
        del row
        assert gone() is None
    finally:
        gc.enable()
    assert instance.is_assigned_to_label_row() is None
    assert classification.is_assigned_to_label_row() is False
    video(instance.ontology_item and ontology()).add_object_instance(instance)


def test_reading_and_writing_leave_the_collector_as_it_was() -> None:
    row = video()
    assert gc.isenabled()
    gc.disable()
    try:
        row.from_labels_dict(row.to_encord_dict())
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("data_type", ["video", "image", "dicom"])
def test_data_of_one_unit_needs_it(data_type: str) -> None:
    with pytest.raises(IndexError):
        LabelRowV2(listing(), None, ontology()).from_labels_dict(row_json(data_type, []))


def test_a_row_built_from_units_is_initialised_and_empty() -> None:
    units = [DataUnit("img-0", "a.png", "image/png", 0, 8, 6), DataUnit("img-1", "b.png", "image/png", 1, 4, 4)]
    row = LabelRowV2._build(listing("IMG_GROUP", 2), ontology(), units)
    forklift(row, 1, "O1")
    written = row.to_encord_dict()
    assert [len(one["labels"]["objects"]) for one in written["data_units"].values()] == [0, 1]
    assert LabelRowV2._from_dict(written, ontology()).to_encord_dict() == written
    assert (row.data_type, row._units) == (DataType.IMG_GROUP, units)


# --- adding and removing --------------------------------------------------------------------------------------------


def test_objects_stand_in_the_order_they_were_added() -> None:
    row = video()
    first, second = forklift(row, [5, 1], "B"), forklift(row, [1], "A")
    assert row.get_object_instances() == [first, second]
    assert [one["objectHash"] for one in frame_json(row, 1)["objects"]] == ["B", "A"]
    assert list(row.to_encord_dict()["object_answers"]) == ["B", "A"]


def test_an_object_is_in_one_row_at_a_time() -> None:
    row, other = video(), video()
    instance = forklift(row)
    for target in (row, other):
        with pytest.raises(LabelRowError, match="already"):
            target.add_object_instance(instance)
    row.remove_object(instance)
    assert instance.is_assigned_to_label_row() is None
    other.add_object_instance(instance)
    assert instance.is_assigned_to_label_row() is other
    with pytest.raises(KeyError):
        row.remove_object(instance)


def test_an_object_of_the_same_hash_takes_the_place_of_the_old_one_entirely() -> None:
    row = video()
    old, other = forklift(row, [1, 2], "same"), forklift(row, 1, "other")
    new = ObjectInstance(old.ontology_item, object_hash="same")
    new.set_for_frames(BOX, 7)
    with pytest.raises(LabelRowError, match="force"):
        row.add_object_instance(new, force=False)
    row.add_object_instance(new)
    assert old.is_assigned_to_label_row() is None
    assert row.get_object_instances() == [other, new]
    assert row.get_object_instances(filter_frames=[1, 2]) == [other]
    assert frame_json(row, 2) == {"objects": [], "classifications": []}
    assert len(frame_json(row, 7)["objects"]) == 1


def test_instances_on_no_frame_are_not_added() -> None:
    row = video()
    with pytest.raises(LabelRowError, match="no frame"):
        row.add_object_instance(row.ontology_structure.get_child_by_hash("bb000001").create_instance())
    with pytest.raises(LabelRowError, match="no frame"):
        row.add_classification_instance(row.ontology_structure.get_child_by_hash("cc000001").create_instance())


def test_frames_are_checked_when_an_instance_is_added() -> None:
    row = video()
    instance = ObjectInstance(row.ontology_structure.get_child_by_hash("bb000001"))
    instance.set_for_frames(BOX, 20)
    with pytest.raises(LabelRowError, match="Frame 20 is outside"):
        row.add_object_instance(instance)
    with pytest.raises(LabelRowError, match="Frame 30 is outside"):
        row.add_classification_instance(remark(row, 30))
    assert row.get_object_instances() == [] and instance.is_assigned_to_label_row() is None


def test_the_number_of_frames_of_dicom_is_no_bound() -> None:
    row = LabelRowV2(listing("DICOM", 4), None, ontology())
    row.from_labels_dict(row_json("dicom", [unit("dcm-0", mime="application/dicom")]))
    forklift(row, 99)
    assert len(frame_json(row, 99)["objects"]) == 1


def test_one_classification_of_a_kind_is_on_a_frame() -> None:
    row = video()
    first = remark(row, [1, 2], "C1")
    row.add_classification_instance(first)
    with pytest.raises(LabelRowError, match="Frame 2 has a classification"):
        row.add_classification_instance(remark(row, [2, 3]))
    second = remark(row, 3, "C2")
    row.add_classification_instance(second)
    with pytest.raises(LabelRowError, match="another"):
        second.set_for_frames([4, 1])
    assert [one.frame for one in second.get_annotations()] == [3]


def test_classifications_can_be_forced_together_and_taken_out_again() -> None:
    row = video()
    first, second = remark(row, 1, "C1"), remark(row, 1, "C2")
    row.add_classification_instance(first)
    row.add_classification_instance(second, force=True)
    assert row.get_classification_instances(filter_frames=1) == [first, second]
    row.remove_classification(first)
    row.remove_classification(second)
    assert not first.is_assigned_to_label_row()
    row.add_classification_instance(first)
    assert row.get_classification_instances() == [first]
    with pytest.raises(KeyError):
        row.remove_classification(second)


def test_a_classification_is_renewed_on_its_own_frame() -> None:
    row = video()
    one = remark(row, 1)
    row.add_classification_instance(one)
    one.set_for_frames(1, overwrite=True, confidence=0.5)
    assert one.get_annotation(1).confidence == 0.5


# --- looking up -----------------------------------------------------------------------------------------------------


def test_objects_are_found_by_class_and_by_frame() -> None:
    row = video()
    first, second = forklift(row, [1, 2]), forklift(row, [2, 3])
    point = ObjectInstance(row.ontology_structure.get_child_by_hash("bb000003"))
    point.set_for_frames(PointCoordinate(0.5, 0.5), 2)
    row.add_object_instance(point)
    assert row.get_object_instances(first.ontology_item) == [first, second]
    assert row.get_object_instances(filter_frames=2) == [first, second, point]
    assert row.get_object_instances(point.ontology_item, Range(1, 3)) == [point]
    assert row.get_object_instances(filter_frames=[3, 1]) == [first, second]
    assert row.get_object_instances(filter_frames=[]) == row.get_object_instances(filter_frames=99) == []
    with pytest.raises(RuntimeError):
        row.get_object_instances(filter_frames="1")  # type: ignore[arg-type]


def test_look_ups_follow_what_is_placed_and_removed() -> None:
    row = video()
    instance = forklift(row, 1)
    assert row.get_object_instances(filter_frames=4) == []
    instance.set_for_frames(BOX, 4)
    late = ObjectInstance(instance.ontology_item)
    late._place(4, BOX, ObjectInstance.FrameInfo())
    row._adopt(late)
    late._place(5, BOX, ObjectInstance.FrameInfo())
    assert row.get_object_instances(filter_frames=4) == [instance, late]
    assert row.get_object_instances(filter_frames=5) == [late]
    instance.remove_from_frames(4)
    assert row.get_object_instances(filter_frames=4) == [late]
    assert row.get_object_instances(filter_frames=1) == [instance]
    row.remove_object(instance)
    assert row.get_object_instances(filter_frames=1) == []


def test_images_have_hashes_and_nothing_else_has() -> None:
    row = images()
    assert row.get_image_hash(1) == "img-1"
    assert row.get_image_hash(9) is None
    assert row.get_frame_number("img-2") == 2
    assert row.get_frame_number("nope") is None
    instance = forklift(row, 2)
    assert instance.get_annotation("img-2").coordinates == BOX
    with pytest.raises(KeyError):
        instance.get_annotation("nope")
    with pytest.raises(LabelRowError, match="in none"):
        instance.copy().get_annotation("img-2")
    for attempt in (lambda: video().get_image_hash(0), lambda: video().get_frame_number("x")):
        with pytest.raises(LabelRowError, match="images and image groups only"):
            attempt()


# --- frames ---------------------------------------------------------------------------------------------------------


def test_a_frame_view_shows_its_image() -> None:
    row = images()
    view = row.get_frame_view("img-1")
    assert (view.frame, view.image_hash, view.image_title, view.file_type) == (1, "img-1", "img-1.bin", "image/png")
    assert (view.width, view.height, view.data_link, view.metadata) == (9, 6, "bucket/img-1", None)
    with pytest.raises(KeyError):
        row.get_frame_view("nope")
    with pytest.raises(KeyError):
        _ = row.get_frame_view(7).width
    assert [one.frame for one in row.get_frame_views()] == [0, 1, 2]
    with pytest.raises(LabelRowError):
        _ = video().get_frame_view().image_hash
    assert video().get_frame_view().width == 8


def test_a_frame_view_adds_what_is_not_in_the_row_yet() -> None:
    row = video()
    view = row.get_frame_view(3)
    instance = row.ontology_structure.get_child_by_hash("bb000001").create_instance()
    view.add_object_instance(instance, BOX, created_by="ann@example.org", confidence=0.5)
    row.get_frame_view(4).add_object_instance(instance, BOX)
    assert [one.frame for one in instance.get_annotations()] == [3, 4]
    assert instance.get_annotation(3).created_by == "ann@example.org"
    assert view.get_object_instances() == [instance]
    one = row.ontology_structure.get_child_by_hash("cc000003").create_instance()
    view.add_classification_instance(one)
    row.get_frame_view(5).add_classification_instance(one)
    assert [each.frame for each in one.get_annotations()] == [3, 5]
    assert row.get_frame_view(5).get_classification_instances() == [one]
    assert view.get_object_instances(row.ontology_structure.get_child_by_hash("bb000003")) == []


def test_a_frame_view_that_refuses_changes_nothing() -> None:
    row, other = video(), video()
    mine = forklift(other)
    with pytest.raises(LabelRowError, match="another label row"):
        row.get_frame_view(1).add_object_instance(mine, BOX)
    fresh = row.ontology_structure.get_child_by_hash("bb000001").create_instance()
    with pytest.raises(LabelRowError, match="outside"):
        row.get_frame_view(50).add_object_instance(fresh, BOX)
    with pytest.raises(LabelRowError, match="drawn as"):
        row.get_frame_view(5).add_object_instance(fresh, PointCoordinate(0, 0))
    assert fresh.get_annotations() == [] and fresh.is_assigned_to_label_row() is None
    row.add_classification_instance(remark(row, 2))
    late = row.ontology_structure.get_child_by_hash("cc000003").create_instance()
    with pytest.raises(LabelRowError):
        row.get_frame_view(2).add_classification_instance(late)
    assert late.get_annotations() == [] and not late.is_assigned_to_label_row()


def test_frames_are_written_in_the_order_they_were_first_used() -> None:
    row = video()
    forklift(row, 9)
    instance = forklift(row, [5, 2])
    instance.set_for_frames(BOX, 4)
    instance.remove_from_frames(5)
    row.add_classification_instance(remark(row, 7))
    labels = row.to_encord_dict()["data_units"]["vid-0"]["labels"]
    assert list(labels) == ["9", "2", "5", "4", "7"]
    assert labels["5"] == {"objects": [], "classifications": []}


def test_the_order_of_a_frame_survives_where_no_order_of_the_row_fits() -> None:
    def on(*hashes: str) -> dict[str, Any]:
        return {
            "objects": [object_entry(hash_) for hash_ in hashes],
            "classifications": [],
        }

    labels = {"0": on("A", "B", "C"), "1": on("C", "A"), "2": on("B", "A")}
    row = LabelRowV2._from_dict(row_json(units=[unit("v", labels=labels)]), ontology())
    assert [one.object_hash for one in row.get_object_instances()] == ["A", "B", "C"]
    written = row.to_encord_dict()["data_units"]["v"]["labels"]
    assert {frame: [one["objectHash"] for one in on_["objects"]] for frame, on_ in written.items()} == {
        "0": ["A", "B", "C"],
        "1": ["C", "A"],
        "2": ["B", "A"],
    }
    forklift(row, 1, "D")
    assert [one["objectHash"] for one in frame_json(row, 1)["objects"]] == ["C", "A", "D"]


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_bitmask_of_another_size_than_its_frame_is_not_written() -> None:
    structure = ontology("ontologies/all-shapes.json")
    row = images(2, structure)
    instance = ObjectInstance(structure.get_child_by_hash("aa000007"))
    instance.set_for_frames(BitmaskCoordinates({"top": 0, "left": 0, "height": 6, "width": 9, "rleString": "f1"}), 1)
    row.add_object_instance(instance)
    row.to_encord_dict()
    instance.set_for_frames(instance.get_annotation(1).coordinates, 0)
    with pytest.raises(ValueError, match=r"9 x 6 pixels, its image 8 x 6"):
        row.to_encord_dict()


def test_a_label_whose_class_is_gone_from_the_ontology_is_not_written() -> None:
    row = video()
    forklift(row)
    row.ontology_structure.objects.pop(0)
    with pytest.raises(OntologyError, match="bb000001"):
        row.to_encord_dict()


def test_a_time_of_none_is_not_written() -> None:
    row = video()
    forklift(row).get_annotation().created_at = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        row.to_encord_dict()


def test_a_frame_classification_without_answers_is_read() -> None:
    labels = {"0": {"objects": [], "classifications": [classification_entry("C1")]}}
    row = LabelRowV2._from_dict(row_json(units=[unit("v", labels=labels)]), ontology())
    (one,) = row.get_classification_instances()
    assert one.get_answer() is None
    answer = row.to_encord_dict()["classification_answers"]["C1"]
    assert (answer["classifications"], answer["range"]) == ([], [[0, 0]])


def test_two_classifications_of_a_kind_on_a_frame_are_refused() -> None:
    entries = [classification_entry("C1"), classification_entry("C2")]
    labels = {"0": {"objects": [], "classifications": entries}}
    with pytest.raises(LabelRowError, match="two classifications"):
        LabelRowV2._from_dict(row_json(units=[unit("v", labels=labels)]), ontology())


# --- the store ------------------------------------------------------------------------------------------------------


class Store:
    """Keeps what it is asked, and answers with one row."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") or name.startswith("__"):
            raise AttributeError(name)

        def call(payload: Any) -> Any:
            self.calls.append((name, payload))
            return self.rows

        return call


class Bundle:
    def __init__(self) -> None:
        self.queue: list[tuple[Any, ...]] = []

    def add(self, *call: Any) -> None:
        self.queue.append(call)


def test_labelling_is_begun_by_data_hash_and_fetched_by_label_hash() -> None:
    store = Store(row_json())
    row = LabelRowV2(listing(), store, ontology())
    row.initialise_labels()
    assert row.is_labelling_initialised and row.label_hash == "label-0001"
    with pytest.raises(LabelRowError, match="overwrite=True"):
        row.initialise_labels()
    row.initialise_labels({"bb000001"}, include_reviews=True, overwrite=True)
    (_, created), (_, fetched) = store.calls
    assert [name for name, _ in store.calls] == ["_create_rows", "_fetch_rows"]
    assert (created.uids, fetched.uids) == (["data-0001"], ["label-0001"])
    assert fetched.include_object_feature_hashes == {"bb000001"} and fetched.include_reviews


def test_a_store_that_gives_another_row_is_not_believed() -> None:
    row = LabelRowV2(listing(), Store(row_json(data_hash="other")), ontology())
    with pytest.raises(AssertionError):
        row.initialise_labels()


def test_rows_are_saved_with_what_they_hold() -> None:
    store = Store(row_json())
    row = LabelRowV2(listing(workflow_graph_node={"uuid": "u", "title": "t"}), store, ontology())
    row.workflow_reopen()
    with pytest.raises(LabelRowError, match="never started"):
        row.workflow_complete()
    assert store.calls == []
    row.initialise_labels()
    forklift(row)
    row.save()
    row.workflow_reopen()
    row.workflow_complete()
    row.set_priority(0.3)
    names = ["_create_rows", "_save_rows", "_reopen_rows", "_complete_rows", "_set_row_priorities"]
    assert [name for name, _ in store.calls] == names
    assert store.calls[1][1].payload == [row.to_encord_dict()]
    assert store.calls[4][1].priorities == [("data-0001", 0.3)]


def test_a_bundle_is_given_all_it_needs_to_do_it_later() -> None:
    bundle = Bundle()
    row = LabelRowV2(listing(), Store(), ontology())
    row.initialise_labels(bundle=bundle)
    assert not row.is_labelling_initialised
    _, reducer, mapper, payload, limit = bundle.queue.pop()
    assert limit == 100
    assert reducer(payload, payload).uids == ["data-0001", "data-0001"]
    assert mapper.uid_of(row_json()) == mapper.uid
    mapper.take(row_json())
    assert row.is_labelling_initialised


@pytest.mark.parametrize(
    "attempt",
    [
        lambda row: row.save(),
        lambda row: row.initialise_labels(overwrite=True),
        lambda row: row.workflow_reopen(),
        lambda row: row.workflow_complete(),
    ],
)
def test_a_row_without_a_client_says_it_is_offline(attempt: Any) -> None:
    with pytest.raises(LabelRowError, match=r"offline.*from_labels_dict and to_encord_dict work"):
        attempt(video())
