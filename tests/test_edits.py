"""The obvious script: read, walk the rows, edit them, write. What was edited is written, and is accounted for."""

import contextlib
import gc
import inspect
import json
import random
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from encord_convert import LabelSet, Report, convert, read, write
from encord_convert._samples import SAMPLES
from encord_convert.formats import formats
from encord_convert.formats._files import MemoryTarget
from encord_convert.formats.coco import read_images
from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, ObjectInstance, Shape
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates, PointCoordinate
from encord_convert.testing import broken_laws, written

CVAT = "fixtures/cvat/authored-images-modern-shapes"
BOXES = "fixtures/coco/boxes-only"
COCO = "fixtures/coco/coco-annotator"
MOVED = BoundingBoxCoordinates(height=0.125, width=0.25, top_left_x=0.5, top_left_y=0.5)


def as_json(labels: LabelSet) -> dict[str, Any]:
    """Return what a label set is when it is written."""
    files, _ = written(formats()["encord"], labels)
    rows, ontology = (files[name] for name in sorted(files))
    return {"ontology": json.loads(ontology), "rows": [json.loads(line) for line in rows.splitlines()]}


def streams() -> dict[str, Callable[[], LabelSet]]:
    """Return label sets that are read when they are walked, and one that is in memory."""
    return {
        "cvat": lambda: read(CVAT, report=Report()),
        "subsets": lambda: read("fixtures/cvat/images-project-subsets", report=Report()),
        "boxes": lambda: read(BOXES, report=Report()),
        "coco": lambda: read(COCO, report=Report()),
        "held": lambda: read(CVAT, report=Report()).held(),
        "mapped": lambda: read(CVAT, report=Report()).rename({}),
        "filtered": lambda: read(CVAT, report=Report()).filter(lambda row: True),
        "video": lambda: read("fixtures/cvat/video-boxes-minimal", report=Report()),
        "dicom": lambda: read("fixtures/dicom/mixed_folder", report=Report()),
    }


STREAMS = streams()

# --- every kind of edit -----------------------------------------------------------------------------------------------


def first_object(labels: LabelSet, *shapes: Shape) -> Iterator[tuple[LabelRowV2, ObjectInstance]]:
    for row in labels:
        for instance in row.get_object_instances():
            if not shapes or instance.ontology_item.shape in shapes:
                yield row, instance
                return


def remove_object(labels: LabelSet) -> None:
    for row, instance in first_object(labels):
        row.remove_object(instance)


def remove_all_objects(labels: LabelSet) -> None:
    for row in labels:
        for instance in row.get_object_instances():
            row.remove_object(instance)


def add_object(labels: LabelSet) -> None:
    box = labels.ontology.add_object("new class", Shape.BOUNDING_BOX, feature_node_hash="newclass")
    for row in labels:
        instance = ObjectInstance(box, object_hash="new00000")
        instance.set_for_frames(MOVED, 0)
        row.add_object_instance(instance)


def move_box(labels: LabelSet) -> None:
    for _, instance in first_object(labels, Shape.BOUNDING_BOX):
        [annotation, *_] = instance.get_annotations()
        annotation.coordinates = MOVED


def place_elsewhere(labels: LabelSet) -> None:
    for _, instance in first_object(labels, Shape.BOUNDING_BOX):
        instance.remove_from_frames(min(one.frame for one in instance.get_annotations()))


def set_confidence(labels: LabelSet) -> None:
    for _, instance in first_object(labels):
        for annotation in instance.get_annotations():
            annotation.confidence = 0.25
            annotation.created_by = "ann@example.org"


def append_vertex(labels: LabelSet) -> None:
    for _, instance in first_object(labels, Shape.POLYGON):
        instance.get_annotations()[0].coordinates.values.append(PointCoordinate(0.5, 0.5))  # type: ignore[union-attr]


def delete_answers(labels: LabelSet) -> None:
    for row in labels:
        for instance in row.get_object_instances():
            for attribute in instance.ontology_item.attributes:
                instance.delete_answer(attribute)


def note_on_data(labels: LabelSet) -> None:
    for row in labels:
        row.client_metadata = {**(row.client_metadata or {}), "reviewed": True}


def note_in_place(labels: LabelSet) -> None:
    for row in labels:
        if row.client_metadata is not None:
            row.client_metadata["reviewed"] = True


def classify(labels: LabelSet) -> None:
    from encord_convert.sdk.objects import TextAttribute

    weather = labels.ontology.add_classification()
    weather.add_attribute(TextAttribute, "weather")
    for row in labels:
        instance = ClassificationInstance(weather, classification_hash="class000")
        instance.set_for_frames(0)
        instance.set_answer("rain")
        row.add_classification_instance(instance)


def rename_class(labels: LabelSet) -> None:
    for item in labels.ontology.objects[:1]:
        item.name = "renamed"


def add_class(labels: LabelSet) -> None:
    labels.ontology.add_object("new class", Shape.POLYGON, feature_node_hash="newclass")


EDITS = [
    remove_object, remove_all_objects, add_object, move_box, place_elsewhere, set_confidence, append_vertex,
    delete_answers, note_on_data, note_in_place, classify, rename_class, add_class,
]  # fmt: skip


def kept(labels: LabelSet) -> LabelSet:
    """Return a set of the same rows, all of which the caller keeps: what edits of it are is not in doubt."""
    return LabelSet(labels.ontology, [row._twin() for row in labels.walk()], title=labels.title)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("source", STREAMS)
def test_an_edit_in_the_loop_is_written(source: str, edit: Callable[[LabelSet], None]) -> None:
    labels, expected = STREAMS[source](), kept(STREAMS[source]())
    edit(labels)
    edit(expected)
    gc.collect()
    after = as_json(labels)
    assert timeless(after) == timeless(as_json(expected))
    assert as_json(labels) == after, "the second walk gives the same"


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_every_edit_of_these_tests_edits_something(edit: Callable[[LabelSet], None]) -> None:
    assert any(as_json(edited(make(), edit)) != as_json(make()) for make in STREAMS.values())


def edited(labels: LabelSet, edit: Callable[[LabelSet], None]) -> LabelSet:
    edit(labels)
    return labels


def timeless(written: dict[str, Any]) -> Any:
    """Take out the times and hashes that adding something now gives."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items() if key not in ("createdAt", "lastEditedAt")}
        return [plain(one) for one in value] if isinstance(value, list) else value

    text = json.dumps(plain(written))
    hashes = {one["featureNodeHash"]: f"class {n}" for n, one in enumerate(written["ontology"]["objects"])}
    for n, one in enumerate(written["ontology"]["classifications"]):
        hashes[one["featureNodeHash"]] = f"kind {n}"
        hashes |= {part["featureNodeHash"]: f"part {n}" for part in one["attributes"]}
    for hash_, name in hashes.items():
        text = text.replace(json.dumps(hash_), json.dumps(name))
    return json.loads(text)


@pytest.mark.parametrize("source", STREAMS)
def test_an_edit_of_rows_in_a_list_is_written(source: str) -> None:
    labels = STREAMS[source]()
    rows = list(labels)
    for row in rows:
        for instance in row.get_object_instances():
            row.remove_object(instance)
    del rows, row
    gc.collect()
    assert not any(row.get_object_instances() for row in labels)
    assert not any(one["object_answers"] for one in as_json(labels)["rows"])


def test_an_object_that_outlives_its_row_is_edited_in_the_set() -> None:
    labels = read(BOXES, report=Report())
    objects = [instance for row in labels for instance in row.get_object_instances()]
    gc.collect()
    for instance in objects:
        instance.set_for_frames(MOVED, 0, overwrite=True)
    del objects, instance
    boxes = [
        entry["boundingBox"]
        for row in as_json(labels)["rows"]
        for unit in row["data_units"].values()
        for entry in unit["labels"]["objects"]
    ]
    assert boxes and all(box == MOVED.to_dict() for box in boxes)


def test_vertices_changed_in_place_are_written_when_the_row_was_kept_for_a_while() -> None:
    labels = read(CVAT, report=Report())
    rows = list(labels)
    polygons = [
        instance.get_annotation(0).coordinates
        for row in rows
        for instance in row.get_object_instances()
        if instance.ontology_item.shape is Shape.POLYGON
    ]
    for polygon in polygons:
        polygon.values[0] = PointCoordinate(0.0, 0.0)  # type: ignore[union-attr]
    del rows
    gc.collect()
    for row in labels:
        for instance in row.get_object_instances():
            if instance.ontology_item.shape is Shape.POLYGON:
                assert instance.get_annotation(0).coordinates.values[0] == PointCoordinate(0.0, 0.0)  # type: ignore[union-attr]


def test_a_ring_changed_in_place_is_written() -> None:
    labels = streamed("polygon_with_hole")
    for row in labels:
        polygon = row.get_object_instances()[0].get_annotation(0).coordinates
        polygon.polygons[0][1][:2] = [0.5, 0.5]  # type: ignore[union-attr]
    del row, polygon
    gc.collect()
    [row] = labels
    hole = row.get_object_instances()[0].get_annotation(0).coordinates.polygons[0][1]  # type: ignore[union-attr]
    assert hole[:2] == [0.5, 0.5]


def test_the_same_object_edited_twice_over_is_refused_and_not_lost() -> None:
    labels = read(BOXES, report=Report())
    first = next(iter(next(iter(labels)).get_object_instances()))
    gc.collect()
    again = next(iter(labels))
    again.get_object_instances()[0].set_for_frames(MOVED, 0, overwrite=True)
    with pytest.raises(LabelRowError, match=r"the row at hand, or keep all rows in memory with labels\.held\(\)"):
        first.set_for_frames(MOVED, 0, overwrite=True)


def test_a_row_in_hand_is_the_same_row_in_the_next_walk() -> None:
    labels = read(CVAT, report=Report())
    rows = list(labels)
    assert all(one is other for one, other in zip(rows, labels, strict=True))


NEW_SETS: dict[str, Callable[[LabelSet], LabelSet]] = {
    "where": lambda labels: labels.filter("area > 0 or area is None"),
    "sampled": lambda labels: labels.sample(100),
    "split": lambda labels: labels.split(train=0.5, val=0.5),
    "merged": lambda labels: labels.merge(SAMPLES["boxes"]()),
}


@pytest.mark.parametrize("edit", [remove_all_objects, move_box, note_on_data], ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("made", NEW_SETS)
def test_an_edit_of_a_new_set_is_written_and_leaves_the_first_as_it_is(
    made: str, edit: Callable[[LabelSet], None]
) -> None:
    first = read(BOXES, report=Report())
    labels, expected = NEW_SETS[made](first), kept(NEW_SETS[made](read(BOXES, report=Report())))
    edit(labels)
    edit(expected)
    gc.collect()
    assert timeless(as_json(labels)) == timeless(as_json(expected)) != timeless(as_json(NEW_SETS[made](first)))
    assert as_json(first) == as_json(read(BOXES, report=Report()))


@pytest.mark.parametrize("source", STREAMS)
def test_an_edit_of_a_row_that_would_be_lost_is_an_error_or_kept(source: str) -> None:
    labels = STREAMS[source]()
    for row in labels.walk():
        for instance in row.get_object_instances():
            with contextlib.suppress(LabelRowError):
                row.remove_object(instance)
                row.client_metadata = {"seen": True}
    assert as_json(labels) == as_json(STREAMS[source]())
    refused = 0
    for row in labels.walk():
        with pytest.raises(LabelRowError, match=r"an edit of it would be lost\. Edit the rows of `for row in labels`"):
            row.client_metadata = {"seen": True}
        for instance in row.get_object_instances():
            with pytest.raises(LabelRowError, match=r"an edit of it would be lost"):
                instance.get_annotations()[0].confidence = 0.5
        refused += 1
    assert refused


def test_a_script_that_removes_objects_in_a_loop_writes_what_it_says(tmp_path: Path) -> None:
    report = Report()
    labels = read(BOXES, report=report)
    removed = 0
    for row in labels:
        for instance in row.get_object_instances():
            if instance.object_name == "person":
                row.remove_object(instance)
                removed += 1
    write(labels, tmp_path / "out", "coco", report=report)
    written = json.loads((tmp_path / "out" / "annotations.json").read_text())["annotations"]
    before = objects_of(read(BOXES, report=Report()))
    assert removed == before.count("person") > 0 and len(written) == len(before) - removed
    assert sum(loss.count for loss in report.losses() if loss.code == "EDITED") == removed
    assert report.labels()["person"] == {"in": removed, "kept": 0, "changed": 0, "dropped": removed}


# --- nothing is missed ------------------------------------------------------------------------------------------------

LOOKS = {
    LabelRowV2: {
        "get_classification_instances", "get_frame_number", "get_frame_view", "get_frame_views", "get_image_hash",
        "get_object_instances", "to_encord_dict",
        "save", "set_priority", "workflow_complete", "workflow_reopen",  # change what a service has
    },
    ObjectInstance: {
        "are_dynamic_answers_valid", "check_within_range", "copy", "get_annotation", "get_annotations", "get_answer",
        "is_assigned_to_label_row", "is_valid",
    },
    ClassificationInstance: {
        "copy", "get_all_static_answers", "get_annotation", "get_annotations", "get_answer",
        "is_assigned_to_label_row", "is_valid",
    },
}  # fmt: skip
"""What only looks, or makes something new."""

CHANGES = {
    LabelRowV2: {
        "add_classification_instance", "add_object_instance", "add_to_single_frame_to_hashes_map", "from_labels_dict",
        "initialise_labels", "remove_classification", "remove_object",
    },
    ObjectInstance: {"delete_answer", "remove_from_frames", "set_answer", "set_answer_from_list", "set_for_frames"},
    ClassificationInstance: {
        "delete_answer", "remove_from_frames", "set_answer", "set_answer_from_list", "set_for_frames",
    },
}  # fmt: skip
"""What has to be noticed; a new method of these classes belongs into one of the two lists."""


@pytest.mark.parametrize("cls", CHANGES)
def test_every_method_is_known_to_look_or_to_change(cls: type) -> None:
    methods = {name for name, _ in inspect.getmembers(cls, inspect.isroutine) if not name.startswith("_")}
    assert methods == LOOKS[cls] | CHANGES[cls]


def touched(labels: LabelSet, change: Callable[[LabelRowV2], object]) -> bool:
    """Tell whether a change to the first row is noticed: whether the row is held when the caller lets go."""
    row = next(iter(labels))
    change(row)
    there = weakref.ref(row)
    del row
    gc.collect()
    return there() is not None


def noticed() -> dict[str, tuple[str, Callable[[LabelRowV2], object]]]:
    def kind(row: LabelRowV2) -> Any:
        return row.get_classification_instances()[0]

    def thing(row: LabelRowV2) -> Any:
        return row.get_object_instances()[0]

    def other(row: LabelRowV2) -> ObjectInstance:
        instance: ObjectInstance = thing(row).copy()
        return instance

    def colour(row: LabelRowV2) -> Any:
        return thing(row).ontology_item.attributes[0]

    def setting(name: str, value: Any) -> Callable[[LabelRowV2], object]:
        return lambda row: setattr(thing(row).get_annotation(0), name, value)

    def setting_on_kind(name: str, value: Any) -> Callable[[LabelRowV2], object]:
        return lambda row: setattr(kind(row).get_annotation(0), name, value)

    now = frozenset_time()
    fields = {
        "created_at": now, "created_by": "a@b.org", "last_edited_at": now, "last_edited_by": "a@b.org",
        "confidence": 0.5, "manual_annotation": False,
    }  # fmt: skip
    return {
        "LabelRowV2.add_object_instance": ("answers", lambda row: row.add_object_instance(other(row))),
        "LabelRowV2.remove_object": ("answers", lambda row: row.remove_object(thing(row))),
        "LabelRowV2.add_classification_instance": (
            "classifications", lambda row: row.add_classification_instance(kind(row).copy(), force=True),
        ),
        "LabelRowV2.remove_classification": ("classifications", lambda row: row.remove_classification(kind(row))),
        "LabelRowV2.from_labels_dict": ("answers", lambda row: row.from_labels_dict(row.to_encord_dict())),
        "LabelRowV2.add_to_single_frame_to_hashes_map": (
            "answers", lambda row: row.add_to_single_frame_to_hashes_map(thing(row), 0),
        ),
        "LabelRowV2.client_metadata": ("answers", lambda row: setattr(row, "client_metadata", {"a": 1})),
        "LabelRowV2.metadata": ("dicom_metadata", lambda row: row.metadata),
        "FrameView.metadata": ("dicom_metadata", lambda row: row.get_frame_view(0).metadata),
        "FrameView.add_object_instance": (
            "boxes", lambda row: row.get_frame_view(0).add_object_instance(thing(row), MOVED, overwrite=True),
        ),
        "FrameView.add_classification_instance": (
            "classifications",
            lambda row: row.get_frame_view(0).add_classification_instance(kind(row), overwrite=True),
        ),
        "ObjectInstance.set_for_frames": ("boxes", lambda row: thing(row).set_for_frames(MOVED, 0, overwrite=True)),
        "ObjectInstance.remove_from_frames": ("tracks", lambda row: thing(row).remove_from_frames(3)),
        "ObjectInstance.set_answer": (
            "answers", lambda row: thing(row).set_answer(colour(row).options[0], colour(row), overwrite=True),
        ),
        "ObjectInstance.set_answer dynamic": ("tracks", lambda row: thing(row).set_answer("x", colour(row), 1)),
        "ObjectInstance.set_answer_from_list": ("answers", lambda row: thing(row).set_answer_from_list([])),
        "ObjectInstance.delete_answer": ("answers", lambda row: thing(row).delete_answer(colour(row))),
        "ObjectInstance.delete_answer dynamic": ("tracks", lambda row: thing(row).delete_answer(colour(row))),
        "Annotation.coordinates": ("boxes", setting("coordinates", MOVED)),
        **{f"Annotation.{name}": ("boxes", setting(name, value)) for name, value in fields.items()},
        **{
            f"ClassificationInstance.Annotation.{name}": ("classifications", setting_on_kind(name, value))
            for name, value in fields.items()
        },
        "ClassificationInstance.set_for_frames": (
            "classifications", lambda row: kind(row).set_for_frames(0, overwrite=True),
        ),
        "ClassificationInstance.remove_from_frames": ("classifications", lambda row: kind(row).remove_from_frames(0)),
        "ClassificationInstance.set_answer": (
            "classifications",
            lambda row: kind(row).set_answer(kind(row).ontology_item.attributes[0].options[0], overwrite=True),
        ),
        "ClassificationInstance.set_answer_from_list": (
            "classifications", lambda row: kind(row).set_answer_from_list([]),
        ),
        "ClassificationInstance.delete_answer": ("classifications", lambda row: kind(row).delete_answer()),
    }  # fmt: skip


def frozenset_time() -> Any:
    from datetime import UTC, datetime

    return datetime(2024, 1, 2, tzinfo=UTC)


NOTICED = noticed()


def streamed(sample: str) -> LabelSet:
    """Return a sample whose rows are made in every walk."""
    return LabelSet(SAMPLES[sample]().ontology, lambda: iter(SAMPLES[sample]()._rows))  # type: ignore[call-overload]


@pytest.mark.parametrize("name", NOTICED)
def test_a_change_is_noticed(name: str) -> None:
    sample, change = NOTICED[name]
    assert touched(streamed(sample), change)
    assert not touched(streamed(sample), lambda row: row.get_object_instances()), "a row that is looked at is forgotten"


def test_every_change_has_a_test() -> None:
    tested = {name.split(" ")[0] for name in NOTICED} | {"LabelRowV2.initialise_labels"}  # reads as from_labels_dict
    assert {f"{cls.__name__}.{name}" for cls, names in CHANGES.items() for name in names} <= tested
    setters = {
        f"Annotation.{name}"
        for name, one in inspect.getmembers(ObjectInstance.Annotation)
        if isinstance(one, property) and one.fset is not None
    }
    assert setters <= tested


def test_rows_that_are_only_looked_at_are_forgotten() -> None:
    labels = read(CVAT, report=Report())
    seen = []
    for row in labels:
        for instance in row.get_object_instances():
            assert instance.get_annotations()[0].coordinates
        seen.append(weakref.ref(row))
    del row, instance
    gc.collect()
    assert seen and not any(one() for one in seen)
    assert as_json(labels) == as_json(read(CVAT, report=Report()))


# --- processes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edit", [remove_object, rename_class, add_class], ids=lambda one: one.__name__)
@pytest.mark.parametrize("source", [CVAT, COCO])
def test_an_edit_is_written_with_any_number_of_processes(
    source: str, edit: Callable[[LabelSet], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_images, "MOST_PICTURES", 1)
    found = []
    for jobs in (1, 3):
        labels = read(source, report=Report())
        assert len(labels.shards(3)) > 1 or source == CVAT
        edit(labels)
        write(labels, tmp_path / str(jobs), "coco", jobs=jobs, report=Report())
        found.append((tmp_path / str(jobs) / "annotations.json").read_bytes())
    assert found[0] == found[1]
    write(read(source, report=Report()), tmp_path / "plain", "coco", report=Report())
    assert found[0] != (tmp_path / "plain" / "annotations.json").read_bytes()


# --- the report -------------------------------------------------------------------------------------------------------


def test_the_sums_of_the_report_add_up_to_what_was_read_and_added() -> None:
    report = Report()
    labels = read(BOXES, report=report)
    boxes = sum(len(row.get_object_instances()) for row in labels)
    for row, instance in first_object(labels):
        row.remove_object(instance)
    row = next(row for row in labels if row.get_object_instances())
    row.get_object_instances()[0].set_for_frames(MOVED, 0, overwrite=True)
    added = row.get_object_instances()[0].copy()
    row.add_object_instance(added)
    target = MemoryTarget()
    write(labels, target, "coco", report=report, strict=False)
    assert report.labels() and sum(one["in"] for one in report.labels().values()) == boxes + 1
    assert sum(one["dropped"] for one in report.labels().values()) == 1
    assert sum(one["changed"] for one in report.labels().values()) == 1
    assert len(json.loads(target.files["annotations.json"])["annotations"]) == boxes
    told = {(str(loss.kind), loss.code): loss.count for loss in report.losses() if loss.is_asked}
    assert told == {("dropped", "EDITED"): 1, ("edited", "EDITED"): 1}


def edit_by_chance(labels: LabelSet, seed: int) -> None:
    """Do to a third of the objects what edits do."""
    chance = random.Random(seed)
    for row in labels:
        for instance in row.get_object_instances():
            what = chance.randrange(12)
            frames = [one.frame for one in instance.get_annotations()]
            if what == 0:
                row.remove_object(instance)
            elif what == 1 and frames:
                row.add_object_instance(instance.copy())
            elif what == 2 and frames:
                instance.remove_from_frames(frames[0])
            elif what == 3 and frames and row.number_of_frames > 1:
                coordinates = instance.get_annotation(frames[0]).coordinates
                instance.set_for_frames(coordinates, list(range(row.number_of_frames)), overwrite=True)
            elif what == 4:
                for attribute in instance.ontology_item.attributes:
                    instance.delete_answer(attribute)
            elif what == 5 and frames:
                instance.get_annotation(frames[0]).created_by = "ann@example.org"
        for classification in row.get_classification_instances():
            if chance.randrange(3) == 0:
                row.remove_classification(classification)


@pytest.mark.parametrize("source", [CVAT, "fixtures/cvat/authored-video-modern-tracks",
                                    "fixtures/cvat/images-project-subsets", "fixtures/cvat/project-skeleton-mixed",
                                    "fixtures/coco/all-tasks", "fixtures/coco/video-tao"])  # fmt: skip
@pytest.mark.parametrize("seed", range(4))
def test_no_sum_of_an_edited_set_is_negative_in_any_format(source: str, seed: int) -> None:
    labels = read(source, report=Report())
    edit_by_chance(labels, seed)
    for format_ in formats().values():
        if format_.exporter is not None:
            report = Report.predict(labels, format_.exporter.carries)
            for name, row in (*report.counts().items(), *report.labels().items()):
                assert min(row.values()) >= 0, f"{format_.name}: {name}: {row}"


# --- new sets ---------------------------------------------------------------------------------------------------------


def objects_of(labels: LabelSet) -> list[str]:
    return [instance.object_name for row in labels for instance in row.get_object_instances()]


def test_a_filter_of_classes_leaves_the_others_out_and_says_so() -> None:
    report = Report()
    labels = read(BOXES, report=report)
    names = {item.title for item in labels.ontology.objects}
    few = labels.filter(classes=["dog"])
    assert {item.title for item in few.ontology.objects} == {"dog"} < names
    assert set(objects_of(few)) == {"dog"} < set(objects_of(labels))
    assert len(few) == len(labels), "images without labels stay"
    write(few, MemoryTarget(), "encord", report=report)
    told = [loss for loss in report.losses() if loss.code == "FILTERED"]
    assert {loss.label for loss in told} == set(objects_of(labels)) - {"dog"}
    assert all(loss.is_asked for loss in told)
    assert report.labels()["dog"]["kept"] == objects_of(labels).count("dog")
    assert sum(row["dropped"] for row in report.labels().values()) == len(objects_of(labels)) - len(objects_of(few))


def test_a_filter_of_an_unknown_class_offers_the_nearest() -> None:
    from encord_convert import OptionError

    labels = SAMPLES["boxes"]()
    with pytest.raises(OptionError, match=r"^There is no class 'cat'\. Did you mean 'car'\? There are: car\.$"):
        labels.filter(classes=["cat"])
    with pytest.raises(OptionError, match=r"^There is no class 'cat'"):
        labels.rename({"cat": "dog"})


def without_first(row: LabelRowV2) -> LabelRowV2:
    for instance in row.get_object_instances()[:1]:
        row.remove_object(instance)
    return row


def test_new_sets_chain_and_leave_the_first_as_it_is() -> None:
    labels = read(BOXES, report=Report())
    before = as_json(labels)

    made = labels.map(without_first).filter(classes=["dog", "bench"]).rename({"dog": "thing"})
    assert set(objects_of(made)) <= {"thing", "bench"} and 0 < len(objects_of(made)) < len(objects_of(labels))
    assert as_json(made) == as_json(made) and as_json(labels) == before
    report = Report()
    write(made, MemoryTarget(), "encord", report=report)
    assert {loss.code for loss in report.losses() if loss.is_asked} == {"EDITED", "FILTERED"}
    assert sum(row["in"] for row in report.labels().values()) == len(objects_of(labels))
    assert sum(row["kept"] for row in report.labels().values()) == len(objects_of(made))


def test_a_function_that_edits_rows_in_memory_edits_copies() -> None:
    labels = SAMPLES["boxes"]()

    def shifted(row: LabelRowV2) -> LabelRowV2:
        for instance in row.get_object_instances():
            box = instance.get_annotation(0).coordinates
            assert isinstance(box, BoundingBoxCoordinates)
            instance.get_annotation(0).coordinates = BoundingBoxCoordinates(
                box.height, box.width, box.top_left_x + 0.125, box.top_left_y
            )
        return row

    before, moved = as_json(labels), labels.map(shifted)
    assert as_json(moved) == as_json(moved) != before == as_json(labels)


def test_a_function_that_gives_no_row_is_named() -> None:
    with pytest.raises(TypeError, match=r"^map: the function returned True for 'cam/1\.png'; it returns a row or None"):
        list(SAMPLES["boxes"]().map(lambda row: True))  # type: ignore[arg-type,return-value]


def test_a_mapping_file_renames_as_the_command_line_does(tmp_path: Path) -> None:
    name = read(BOXES, report=Report()).ontology.objects[0].title
    file = tmp_path / "mapping.yaml"
    file.write_text(f"classes:\n- {{name: {name}, shape: bounding_box, to: thing}}\n")
    renamed = read(BOXES, report=Report()).rename(mapping=file)
    assert set(objects_of(renamed)) == {*objects_of(read(BOXES, report=Report())), "thing"} - {name}


def test_convert_takes_what_stands_between_reading_and_writing(tmp_path: Path) -> None:
    def few(labels: LabelSet) -> LabelSet:
        return labels.filter(classes=[labels.ontology.objects[0].title])

    report = convert(BOXES, tmp_path / "out", to="coco", through=few, dry_run=True)
    assert not (tmp_path / "out").exists()
    assert {loss.code for loss in report.losses() if loss.is_asked} == {"FILTERED"}
    assert convert(BOXES, tmp_path / "out", to="coco", through=few).counts() == report.counts()


DERIVED: dict[str, Callable[[LabelSet], LabelSet]] = {
    "rows": lambda labels: labels.filter(lambda row: "1" not in row.data_title),
    "half": lambda labels: labels.filter(classes=[one.title for one in labels.ontology.objects[::2] if one.title]),
    "renamed": lambda labels: labels.rename({one.title: one.title + "!" for one in labels.ontology.objects}),
    "fewer": lambda labels: labels.map(without_first),
    "emptied": lambda labels: labels.map(lambda row: (row.from_labels_dict(emptied(row)), row)[1]),
}


def emptied(row: LabelRowV2) -> dict[str, Any]:
    members = row.to_encord_dict()
    for unit in members["data_units"].values():
        unit["labels"] = {} if row.data_type.value in ("video", "dicom") else {"objects": [], "classifications": []}
    return {**members, "object_answers": {}, "classification_answers": {}, "object_actions": {}}


@pytest.mark.parametrize("derived", DERIVED)
@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_new_sets_add_up_in_every_format(sample: str, derived: str) -> None:
    labels = DERIVED[derived](SAMPLES[sample]())
    for format_ in formats().values():
        if format_.exporter is not None:
            report = Report.predict(labels, format_.exporter.carries)
            for name, row in (*report.counts().items(), *report.labels().items()):
                assert min(row.values()) >= 0, f"{format_.name}: {name}: {row}"


@pytest.mark.parametrize("derived", ["renamed", "fewer"])
@pytest.mark.parametrize("sample", ["answers", "boxes", "out_of_bounds", "provenance", "tracks", "rotated_boxes"])
@pytest.mark.parametrize("name", ["coco", "cvat", "encord"])
def test_new_sets_keep_the_laws(name: str, sample: str, derived: str) -> None:
    assert not broken_laws(formats()[name], DERIVED[derived](SAMPLES[sample]()))


# --- how much there is ------------------------------------------------------------------------------------------------


def test_the_length_is_the_number_of_rows_and_a_list_walks_once() -> None:
    walks = 0

    def rows() -> Iterator[LabelRowV2]:
        nonlocal walks
        walks += 1
        yield from SAMPLES["equal_titles"]()

    labels = LabelSet(SAMPLES["equal_titles"]().ontology, rows, title="two")
    assert repr(labels) == "LabelSet(title='two', rows=not counted yet, classes=1, classifications=0)"
    assert len(list(labels)) == 2 and walks == 1
    assert len(labels) == 2 and walks == 1
    assert repr(labels) == "LabelSet(title='two', rows=2, classes=1, classifications=0)"
    assert len(read(CVAT, report=Report())) == len(list(read(CVAT, report=Report())))
