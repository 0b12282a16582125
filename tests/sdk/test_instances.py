"""Objects and classifications: frames, what is known of each, copies, answers importers give."""

from __future__ import annotations

import dataclasses
import pickle
from datetime import datetime
from typing import Any

import pytest
from hub_samples import BOX, forklift, ontology, video

from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects import ClassificationInstance, NestableOption, ObjectInstance, TextAttribute
from encord_convert.sdk.objects.answers import (
    ChecklistAnswer,
    RadioAnswer,
    TextAnswer,
    get_default_answer_from_attribute,
)
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates, PointCoordinate
from encord_convert.sdk.objects.frames import Range
from encord_convert.sdk.objects.ontology_object_instance import AnswerForFrames, DynamicAnswerManager

STRUCTURE = ontology()
FORKLIFT = STRUCTURE.get_child_by_hash("bb000001")
SHIFT = STRUCTURE.get_child_by_hash("cc000001")
REMARK = STRUCTURE.get_child_by_hash("cc000003")
OTHER_BOX = BoundingBoxCoordinates(0.5, 0.5, 0.5, 0.5)


def element(hash_: str) -> Any:
    return STRUCTURE.get_child_by_hash(hash_)


# --- frames ---------------------------------------------------------------------------------------------------------


def test_placing_is_all_or_nothing() -> None:
    row = video()
    instance = forklift(row, [3])
    with pytest.raises(LabelRowError, match="frame 3 already"):
        instance.set_for_frames(BOX, [1, 3, 5])
    with pytest.raises(LabelRowError, match="outside"):
        instance.set_for_frames(BOX, [1, 20])
    with pytest.raises(LabelRowError, match="drawn as bounding_box"):
        instance.set_for_frames(PointCoordinate(0, 0), [1, 2])
    assert [one.frame for one in instance.get_annotations()] == [3]
    instance.set_for_frames(PointCoordinate(0, 0), [])
    with pytest.raises(KeyError):
        instance.remove_from_frames([3, 4])
    assert [one.frame for one in instance.get_annotations()] == [3]


def test_moving_keeps_what_is_not_given() -> None:
    instance = ObjectInstance(FORKLIFT)
    instance.set_for_frames(BOX, [1, 2], created_by="ann@example.org", confidence=0.5)
    instance.set_for_frames(OTHER_BOX, 1, overwrite=True, manual_annotation=False)
    moved, kept = instance.get_annotations()
    assert (moved.coordinates, kept.coordinates) == (OTHER_BOX, BOX)
    assert (moved.created_by, moved.confidence, moved.manual_annotation) == ("ann@example.org", 0.5, False)
    assert kept.manual_annotation is True


def test_renewing_a_classification_resets_what_is_not_given() -> None:
    one = ClassificationInstance(REMARK)
    then = datetime(2020, 1, 1)
    one.set_for_frames([1, 2], created_at=then, created_by="a@b.c", confidence=0.2, manual_annotation=False)
    one.set_for_frames(1, overwrite=True)
    renewed, other = one.get_annotations()
    assert (renewed.confidence, renewed.manual_annotation, renewed.created_by) == (1.0, True, "a@b.c")
    assert renewed.created_at > then == other.created_at
    assert (other.confidence, other.manual_annotation) == (0.2, False)


def test_negative_frames_are_refused_outside_a_row() -> None:
    for attempt in (
        lambda: ObjectInstance(FORKLIFT).set_for_frames(BOX, -1),
        lambda: ClassificationInstance(REMARK).set_for_frames(-1),
        lambda: ObjectInstance(FORKLIFT).check_within_range(-1),
    ):
        with pytest.raises(LabelRowError, match="counted from 0"):
            attempt()
    ObjectInstance(FORKLIFT).check_within_range(10**9)


# --- handles --------------------------------------------------------------------------------------------------------


def test_a_handle_reads_and_writes_the_instance() -> None:
    instance = ObjectInstance(FORKLIFT)
    instance.set_for_frames(BOX, 3)
    handle = instance.get_annotation(3)
    handle.coordinates = OTHER_BOX
    handle.created_by = "ann@example.org"
    handle.last_edited_by = None
    handle.confidence = 0.25
    handle.manual_annotation = False
    handle.created_at = handle.last_edited_at = datetime(2024, 1, 1)
    again = instance.get_annotation(3)
    assert again.coordinates == OTHER_BOX
    assert (again.created_by, again.last_edited_by, again.confidence) == ("ann@example.org", None, 0.25)
    assert (again.manual_annotation, again.created_at, again.last_edited_at) == (False,) + (datetime(2024, 1, 1),) * 2
    assert (again.reviews, again.is_deleted) == (None, None)
    with pytest.raises(LabelRowError):
        handle.coordinates = PointCoordinate(0, 0)


@pytest.mark.parametrize("name", ["created_by", "last_edited_by"])
def test_a_handle_takes_addresses_only(name: str) -> None:
    instance = ObjectInstance(FORKLIFT)
    instance.set_for_frames(BOX)
    with pytest.raises(ValueError, match="e-mail"):
        setattr(instance.get_annotation(), name, "nobody")
    for name in ("reviews", "frame", "is_deleted"):
        with pytest.raises(AttributeError):
            setattr(instance.get_annotation(), name, None)


def test_a_handle_rests_while_its_frame_is_not_set() -> None:
    instance, one = ObjectInstance(FORKLIFT), ClassificationInstance(REMARK)
    handles = [instance.get_annotation(4), one.get_annotation(4)]
    for handle in handles:
        assert handle.frame == 4
        for name in ("created_at", "created_by", "last_edited_at", "last_edited_by", "confidence", "reviews"):
            with pytest.raises(LabelRowError, match="not on frame 4"):
                getattr(handle, name)
    with pytest.raises(LabelRowError):
        handles[0].coordinates = BOX
    instance.set_for_frames(BOX, 4)
    one.set_for_frames(4)
    assert [handle.confidence for handle in handles] == [1.0, 1.0]


def test_a_record_shared_by_many_labels_changes_for_one() -> None:
    info = ObjectInstance.FrameInfo()
    instance, other = ObjectInstance(FORKLIFT), ObjectInstance(FORKLIFT)
    instance._place(0, BOX, info)
    instance._place(1, BOX, info)
    other._place(0, BOX, info)
    instance.get_annotation(0).confidence = 0.5
    instance.set_for_frames(OTHER_BOX, 1, overwrite=True, confidence=0.75)
    assert [one.confidence for one in instance.get_annotations()] == [0.5, 0.75]
    assert info.confidence == other.get_annotation().confidence == 1.0
    data = ClassificationInstance.FrameData()
    one = ClassificationInstance(REMARK)
    one._place(0, data)
    one._place(1, data)
    one.get_annotation(0).confidence = 0.5
    assert one.get_annotation(1).confidence == 1.0


def test_records_take_what_is_given() -> None:
    info = ObjectInstance.FrameInfo()
    info.update_from_optional_fields(created_by="a@b.c", is_deleted=False)
    assert (info.created_by, info.is_deleted, info.confidence) == ("a@b.c", False, 1.0)
    assert [one.name for one in dataclasses.fields(ObjectInstance.FrameData)] == [
        "coordinates",
        "object_frame_instance_info",
    ]
    assert pickle.loads(pickle.dumps(info)) == info
    assert repr(ClassificationInstance.FrameData()).startswith("ClassificationInstance.FrameData(created_at=")


# --- identity -------------------------------------------------------------------------------------------------------


def test_instances_are_compared_by_identity_and_ordered_by_hash() -> None:
    one, other = ObjectInstance(FORKLIFT, object_hash="A"), ObjectInstance(FORKLIFT, object_hash="A")
    assert one != other and len({one, other}) == 2
    assert one < ObjectInstance(FORKLIFT, object_hash="B")
    with pytest.raises(AttributeError):
        one.object_hash = "C"  # type: ignore[misc]
    with pytest.raises(LabelRowError):
        ClassificationInstance(REMARK).classification_hash = "C"
    assert len(ObjectInstance(FORKLIFT).object_hash) == 8
    assert repr(one) == "ObjectInstance(object_hash=A, object_name=Forklift, feature_hash=bb000001, frames=0)"


def test_a_copy_is_independent() -> None:
    row = video()
    original = forklift(row, [0, 1])
    original.set_answer("one", element("b1text01"))
    original.set_answer("a", element("b1dtext1"), frames=0)
    original._origin = ("file", 3)
    copy = original.copy()
    assert copy.object_hash != original.object_hash
    assert copy.is_assigned_to_label_row() is None
    assert copy._origin == ("file", 3)
    copy.set_answer("two", element("b1text01"), overwrite=True)
    copy.set_answer("b", element("b1dtext1"), frames=0)
    copy.set_for_frames(OTHER_BOX, 0, overwrite=True)
    copy.get_annotation(1).confidence = 0.1
    copy.set_for_frames(BOX, 99)
    assert original.get_answer(element("b1text01")) == "one"
    assert original.get_answer(element("b1dtext1")) == [AnswerForFrames("a", [Range(0, 0)])]
    assert original.get_annotation(0).coordinates == BOX
    assert original.get_annotation(1).confidence == 1.0


def test_a_copy_of_a_classification_is_independent() -> None:
    original = ClassificationInstance(SHIFT)
    original.set_for_frames([0, 1])
    original.set_answer(element("c1rad0o1"))
    copy = original.copy()
    copy.set_answer(element("c1rad0o2"), overwrite=True)
    copy.get_annotation(0).confidence = 0.1
    assert original.get_answer().label == "Day"
    assert original.get_annotation(0).confidence == 1.0


# --- answers --------------------------------------------------------------------------------------------------------


def test_a_one_shot_iterator_is_a_selection_like_any_other() -> None:
    instance = ObjectInstance(FORKLIFT)
    checklist = element("b1chk001")
    instance.set_answer(iter(checklist.options[:2]), checklist)
    assert [one.label for one in instance.get_answer(checklist)] == ["Dent", "Scratch"]


def test_an_attribute_added_later_can_be_answered() -> None:
    structure = ontology()
    forklift_class = structure.get_child_by_hash("bb000001")
    instance = ObjectInstance(forklift_class)
    instance.set_answer("x", structure.get_child_by_hash("b1text01"))
    late = forklift_class.add_attribute(TextAttribute, "Late")
    nested = structure.get_child_by_hash("b1rad0o2", NestableOption).add_nested_attribute(TextAttribute, "Deep")
    instance.set_answer("y", late)
    instance.set_answer(structure.get_child_by_hash("b1rad0o2"))
    instance.set_answer("z", nested)
    assert [attribute.title for attribute, _ in instance._static_answers()] == [
        "Serial Number",
        "Power Source",
        "Deep",
        "Late",
    ]


def test_answers_given_unchecked_are_found_in_ontology_order() -> None:
    instance = ObjectInstance(FORKLIFT)
    assert instance._static_answers() == instance._dynamic_answers_at(0) == ()
    assert list(instance._dynamic_runs()) == []
    dent = element("b1chk0o1")
    instance._answer(element("b1chk001"), (dent,))
    instance._answer(element("b1text01"), "SN")
    assert instance._static_answers() == [(element("b1text01"), "SN"), (element("b1chk001"), (dent,))]
    assert instance.get_answer(element("b1chk001")) == [dent]


def test_runs_given_unchecked_are_found_by_frame() -> None:
    instance = ObjectInstance(FORKLIFT)
    note, motion = element("b1dtext1"), element("b1drad01")
    idle, moving = motion.options
    instance._answer_frames(motion, idle, 0, 9)
    instance._answer_frames(motion, moving, 10, 19)
    instance._answer_frames(motion, idle, 20, 29)
    instance._answer_frames(motion, idle, 30, 39)
    instance._answer_frames(note, "x", 5, 12)
    assert instance._dynamic_answers_at(7) == [(note, "x"), (motion, idle)]
    assert instance._dynamic_answers_at(15) == [(motion, moving)]
    assert instance._dynamic_answers_at(40) == []
    assert list(instance._dynamic_runs()) == [
        (motion, idle, [(0, 9), (20, 39)]),
        (motion, moving, [(10, 19)]),
        (note, "x", [(5, 12)]),
    ]
    instance.set_answer(moving, motion, frames=[25])
    instance.delete_answer(note, filter_frame=8)
    assert instance.get_answer(motion, filter_frame=25) == [AnswerForFrames(moving, [Range(10, 19), Range(25, 25)])]
    assert instance.get_answer(note) == [AnswerForFrames("x", [Range(5, 7), Range(9, 12)])]


def test_validity_asks_that_answers_are_where_the_object_is() -> None:
    instance = ObjectInstance(FORKLIFT)
    with pytest.raises(LabelRowError, match="on no frame"):
        instance.is_valid()
    instance.set_for_frames(BOX, [1, 2])
    instance.set_answer("x", element("b1dtext1"), frames=[2, 3])
    with pytest.raises(LabelRowError, match="on frame 3"):
        instance.is_valid()
    instance.delete_answer(element("b1dtext1"), filter_frame=3)
    instance.is_valid()
    instance.remove_from_frames(2)
    instance.is_valid()
    assert instance.get_answer(element("b1dtext1")) == []


def test_a_failing_list_of_answers_sets_none() -> None:
    instance = ObjectInstance(FORKLIFT)
    good = {"featureHash": "b1text01", "answers": "SN"}
    with pytest.raises(LabelRowError):
        instance.set_answer_from_list([good, {"featureHash": "nope", "answers": "x"}])
    with pytest.raises(KeyError):
        instance.set_answer_from_list([good, {"featureHash": "b1dtext1", "answers": "x"}])
    assert instance.get_answer(element("b1text01")) is None


def test_a_manager_of_its_own_leaves_the_object_alone() -> None:
    instance = ObjectInstance(FORKLIFT)
    instance.set_for_frames(BOX, [1, 2, 3])
    manager = DynamicAnswerManager(instance)
    note = element("b1dtext1")
    manager.set_answer("a", note)
    manager.set_answer("b", note, frames=2)
    assert manager.get_answer(note, filter_answer="a") == [AnswerForFrames("a", [Range(1, 1), Range(3, 3)])]
    assert manager.get_answer(note, filter_frames=[2]) == [AnswerForFrames("b", [Range(2, 2)])]
    assert [(answer.get(), ranges) for answer, ranges in manager.get_all_answers()] == [
        ("a", [Range(1, 1), Range(3, 3)]),
        ("b", [Range(2, 2)]),
    ]
    copy = manager.copy()
    manager.delete_answer(note, filter_answer="a")
    assert (sorted(manager.frames()), sorted(copy.frames())) == ([2], [1, 2, 3])
    assert manager.is_valid_dynamic_attribute(note) and not manager.is_valid_dynamic_attribute(element("b1text01"))
    assert instance.get_answer(note) == []


# --- answers as objects ---------------------------------------------------------------------------------------------


def test_answers_as_objects_are_set_and_read() -> None:
    text = get_default_answer_from_attribute(element("b1text01"))
    radio = get_default_answer_from_attribute(element("b1rad001"))
    checklist = get_default_answer_from_attribute(element("b1chk001"))
    assert (type(text), type(radio), type(checklist)) == (TextAnswer, RadioAnswer, ChecklistAnswer)
    for answer in (text, radio, checklist):
        assert not answer.is_answered() and answer.to_encord_dict() is None
        with pytest.raises(ValueError, match="not answered"):
            answer.get()
    text.set("SN")
    radio.set(element("b1rad0o1"))
    dent, scratch, _ = element("b1chk001").options
    checklist.check_options([scratch])
    checklist.check_options(iter([dent]))
    assert checklist.get() == [dent, scratch] and checklist.get_option_value(dent)
    checklist.uncheck_options([dent, scratch])
    assert checklist.get() == [] and checklist.is_answered()
    assert (text.get(), radio.get_value()) == ("SN", element("b1rad0o1"))
    assert text.to_encord_dict() == {
        "name": "Serial Number",
        "value": "serial_number",
        "answers": "SN",
        "featureHash": "b1text01",
        "manualAnnotation": True,
    }
    with pytest.raises(RuntimeError):
        text.is_dynamic = True
    with pytest.raises(RuntimeError):
        text.ontology_attribute = element("b1text01")


def test_dynamic_answers_as_objects_need_ranges() -> None:
    answer = TextAnswer(element("b1dtext1"))
    answer.set("x")
    with pytest.raises(ValueError, match="ranges"):
        answer.to_encord_dict()
    d = answer.to_encord_dict([Range(1, 2)])
    assert d is not None and d["range"] == [[1, 2]] and d["dynamic"] is True
    again = TextAnswer(element("b1dtext1"))
    again.from_dict(d)
    assert again == answer and hash(again) == hash(answer)


def test_a_classification_gives_out_all_its_answers() -> None:
    one = ClassificationInstance(SHIFT)
    one.set_answer(element("c1rad0o2"))
    one.set_answer("5", element("c1ntext1"))
    answers = one.get_all_static_answers()
    assert [answer.is_answered() for answer in answers] == [True, True, False]
    assert answers[0].get().label == "Night"
