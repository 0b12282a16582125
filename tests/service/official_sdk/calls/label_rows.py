"""Label rows: listed, begun, saved and fetched again."""

from __future__ import annotations

from datetime import UTC, datetime

import requests
from datasets import rows
from encord.exceptions import (
    AnswerDictionaryError,
    AuthorisationError,
    CorruptedLabelError,
    MultiLabelLimitError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from encord.objects import (
    LabelRowV2,
    Shape,
)
from encord.objects.coordinates import (
    BitmaskCoordinates,
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
)
from encord.objects.frames import Range
from encord.orm.label_row import AnnotationTaskStatus, LabelStatus, ShadowDataState
from encord.orm.project import BenchmarkQaWorkflowSettings
from world import DAY, FOLDER, check, refused, w


def label_rows(**filters: object) -> dict[str, LabelRowV2]:
    return {row.data_title: row for row in w.project.list_label_rows_v2(**filters)}


@check
def list_label_rows() -> None:
    found = label_rows()
    assert set(found) == set(rows())
    assert all(row.label_hash is None for row in found.values())
    assert found["walk"].number_of_frames == 3
    assert (found["a.png"].width, found["a.png"].height) == (64, 48)


@check
def list_label_rows_by_data_hash() -> None:
    assert set(label_rows(data_hashes=[rows()["walk"].uid])) == {"walk"}


@check
def list_label_rows_by_title() -> None:
    assert set(label_rows(data_title_eq="walk")) == {"walk"}
    assert set(label_rows(data_title_like="%png")) == {"a.png"}


@check
def initialise_one_row() -> None:
    row = label_rows()["a.png"]
    row.initialise_labels()
    assert row.is_labelling_initialised and row.label_hash
    assert row.get_object_instances() == []


@check
def initialise_rows_in_a_bundle() -> None:
    found = label_rows()
    with w.project.create_bundle() as bundle:
        for row in found.values():
            row.initialise_labels(bundle=bundle)
    assert all(row.is_labelling_initialised for row in found.values())


@check
def begin_a_row_twice_is_refused() -> None:
    refused(ResourceExistsError, lambda: w.project.create_label_row(rows()["a.png"].uid))


def mask(height: int, width: int) -> dict[str, object]:
    """A rectangle of 16 rows of 25 pixels, as run lengths in row order."""
    counts = [4 * width + 5, *([25, width - 25] * 15), 25]
    counts.append(height * width - sum(counts))
    text = ""
    for place, count in enumerate(counts):
        left = count - counts[place - 2] if place > 2 else count
        while True:
            low, left = left & 31, left >> 5
            ends = left == (-1 if low & 16 else 0)
            text += chr(48 + (low if ends else low | 32))
            if ends:
                break
    return {"top": 0, "left": 0, "height": height, "width": width, "rleString": text}


def coordinates_of(shape: Shape, row: LabelRowV2) -> object:
    points = [PointCoordinate(0.1, 0.2), PointCoordinate(0.5, 0.25), PointCoordinate(0.4, 0.75)]
    return {
        Shape.BOUNDING_BOX: lambda: BoundingBoxCoordinates(height=0.25, width=0.5, top_left_x=0.125, top_left_y=0.0625),
        Shape.ROTATABLE_BOUNDING_BOX: lambda: RotatableBoundingBoxCoordinates(
            height=0.25, width=0.5, top_left_x=0.125, top_left_y=0.0625, theta=30.0
        ),
        Shape.POLYGON: lambda: PolygonCoordinates(points),
        Shape.POLYLINE: lambda: PolylineCoordinates(points),
        Shape.POINT: lambda: PointCoordinate(0.3, 0.9),
        Shape.SKELETON: lambda: SkeletonCoordinates(
            [
                SkeletonCoordinate(
                    x=0.1 * n, y=0.2, name=f"p{n}", color="#000000", value=f"p{n}", feature_hash=f"5ce1e7{n:02}"
                )
                for n in range(3)
            ]
        ),
        Shape.BITMASK: lambda: BitmaskCoordinates(mask(row.height, row.width)),
    }[shape]()


def objects_of(shape: Shape) -> object:
    return next(item for item in w.project.ontology_structure.objects if item.shape is shape)


def opened(title: str) -> LabelRowV2:
    row = label_rows()[title]
    row.initialise_labels()
    return row


def comparable(row: LabelRowV2) -> object:
    """What must come back: everything but what the service says of itself."""
    found = row.to_encord_dict()
    return {key: value for key, value in found.items() if key not in ("last_edited_at", "label_status")}


def same_after_saving(row: LabelRowV2, title: str) -> LabelRowV2:
    before = comparable(row)
    row.save()
    again = opened(title)
    after = comparable(again)
    for found in (before, after):
        for actions in found["object_actions"].values():
            actions["actions"].sort(key=lambda one: (one["name"], one["range"]))
            for one in actions["actions"]:
                one.pop("trackHash")  # the package makes a new one each time
        for unit in found["data_units"].values():
            unit.pop("data_link", None)
            labels = unit["labels"]
            frames = [labels] if "objects" in labels else list(labels.values())
            for frame in frames:
                for kind in ("objects", "classifications"):
                    for entry in frame[kind]:
                        if entry.get("createdBy") is None:
                            entry["createdBy"] = "ann@example.com"
                        entry.pop("lastEditedAt"), entry.pop("lastEditedBy", None)
            if "objects" not in labels:
                unit["labels"] = {n: f for n, f in labels.items() if f["objects"] or f["classifications"]}
    assert before == after, f"{before}\n{after}"
    return again


def shape_comes_back(shape: Shape) -> None:
    title = "a.png"
    row = opened(title)
    instance = objects_of(shape).create_instance()
    given = coordinates_of(shape, row)
    instance.set_for_frames(given, 0, confidence=0.75, manual_annotation=False)
    row.add_object_instance(instance)
    again = same_after_saving(row, title)
    [found] = [one for one in again.get_object_instances() if one.object_hash == instance.object_hash]
    annotation = found.get_annotation(0)
    assert (annotation.confidence, annotation.manual_annotation) == (0.75, False)
    if shape is Shape.BITMASK:  # which are not compared
        assert annotation.coordinates.to_dict() == given.to_dict()
    else:
        assert annotation.coordinates == given


for _shape in (one for one in Shape if one is not Shape.SKELETON):

    def _check(shape: Shape = _shape) -> None:
        shape_comes_back(shape)

    _check.__name__ = f"saved_{_shape.value}_comes_back"
    check(_check)


@check
def saved_skeleton_comes_back_as_json() -> None:
    """The package refuses to write skeletons (``NotImplementedError``) and saves them as the JSON it is given."""
    row = opened("a.png")
    instance = objects_of(Shape.SKELETON).create_instance()
    instance.set_for_frames(coordinates_of(Shape.SKELETON, row), 0)
    row.add_object_instance(instance)
    refused(NotImplementedError, row.save)
    found = w.project.get_label_row(row.label_hash, get_signed_url=False)
    [unit] = found["data_units"].values()
    skeleton = {
        "name": "a person", "color": "#16406C", "shape": "skeleton", "value": "a_person", "objectHash": "skeleton",
        "featureHash": "5ce1e701", "createdAt": "Wed, 25 Nov 2026 21:48:37 UTC", "createdBy": "bob@example.com",
        "confidence": 1, "manualAnnotation": True,
        "skeleton": {
            str(n): {"x": 0.1 * n, "y": 0.2, "name": f"p{n}", "color": "#000000", "value": f"p{n}"}
            for n in range(3)
        },
    }  # fmt: skip
    unit["labels"]["objects"].append(skeleton)
    found["object_answers"]["skeleton"] = {"objectHash": "skeleton", "classifications": []}
    assert w.project.save_label_row(row.label_hash, found)
    again = w.project.get_label_row(row.label_hash, get_signed_url=False)
    [unit] = again["data_units"].values()
    assert skeleton in unit["labels"]["objects"]
    unit["labels"]["objects"].remove(skeleton)
    del again["object_answers"]["skeleton"]
    w.project.save_label_row(row.label_hash, again)


@check
def nested_answers_come_back() -> None:
    row = opened("a.png")
    box = objects_of(Shape.BOUNDING_BOX)
    [instance] = row.get_object_instances(filter_ontology_object=box)
    kind = next(one for one in box.attributes if one.title == "Kind")
    car = next(one for one in kind.options if one.title == "Car")
    maker, lights = car.nested_options
    instance.set_answer(car, attribute=kind)
    instance.set_answer("Volvo", attribute=maker)
    instance.set_answer([lights.options[0]], attribute=lights)
    again = same_after_saving(row, "a.png")
    [found] = again.get_object_instances(filter_ontology_object=box)
    assert found.get_answer(attribute=kind).title == "Car"
    assert found.get_answer(attribute=maker) == "Volvo"
    assert [one.title for one in found.get_answer(attribute=lights)] == ["Left"]


@check
def classifications_come_back() -> None:
    row = opened("Zebra crossing")
    weather, things, note = w.project.ontology_structure.classifications
    radio = weather.create_instance()
    rain = next(one for one in weather.attributes[0].options if one.title == "Rain")
    radio.set_answer(rain)
    radio.set_answer("buckets", attribute=rain.nested_options[0])
    checks = things.create_instance()
    checks.set_answer([things.attributes[0].options[1]])
    text = note.create_instance()
    text.set_answer("zażółć \U0001f6b2")
    for one in (radio, checks, text):
        one.set_for_frames(0)
        row.add_classification_instance(one)
    again = same_after_saving(row, "Zebra crossing")
    answers = {one.ontology_item.title: one.get_answer() for one in again.get_classification_instances()}
    assert answers["Note"] == "zażółć \U0001f6b2"
    assert answers["Weather"].title == "Rain"
    assert [one.title for one in answers["Things"]] == ["Tunnel"]


@check
def tracks_over_images_come_back() -> None:
    row = opened("walk")
    instance = objects_of(Shape.POLYGON).create_instance()
    instance.set_for_frames(coordinates_of(Shape.POLYGON, row), [0, 2])
    row.add_object_instance(instance)
    again = same_after_saving(row, "walk")
    [found] = again.get_object_instances()
    assert sorted(one.frame for one in found.get_annotations()) == [0, 2]


@check
def dynamic_answers_come_back() -> None:
    row = opened("thorax")
    box = objects_of(Shape.BOUNDING_BOX)
    instance = box.create_instance()
    instance.set_for_frames(coordinates_of(Shape.BOUNDING_BOX, row), Range(0, 2))
    row.add_object_instance(instance)
    moves = next(one for one in box.attributes if one.title == "Moves")
    plate = next(one for one in box.attributes if one.title == "Plate")
    instance.set_answer(moves.options[0], attribute=moves, frames=Range(0, 1))
    instance.set_answer("AB 12", attribute=plate, frames=2)
    again = same_after_saving(row, "thorax")
    [found] = again.get_object_instances()
    told = [(one.answer.title, [(r.start, r.end) for r in one.ranges]) for one in found.get_answer(attribute=moves)]
    assert told == [("Yes", [(0, 1)])]
    [spelled] = found.get_answer(attribute=plate)
    assert (spelled.answer, [(r.start, r.end) for r in spelled.ranges]) == ("AB 12", [(2, 2)])


@check
def dicom_metadata_is_there_after_saving() -> None:
    row = opened("thorax")
    assert row.metadata.study_uid
    view = row.get_frame_view(0)
    assert view.metadata.dicom_instance_uid and view.metadata.width == view.width


@check
def removed_objects_are_gone() -> None:
    row = opened("a.png")
    point = objects_of(Shape.POINT)
    [instance] = row.get_object_instances(filter_ontology_object=point)
    row.remove_object(instance)
    row.save()
    assert opened("a.png").get_object_instances(filter_ontology_object=point) == []


@check
def save_in_a_bundle() -> None:
    found = [opened(title) for title in ("a.png", "walk", "Zebra crossing")]
    for row in found:
        instance = objects_of(Shape.POLYLINE).create_instance()
        instance.set_for_frames(coordinates_of(Shape.POLYLINE, row), 0)
        row.add_object_instance(instance)
    with w.project.create_bundle() as bundle:
        for row in found:
            row.save(bundle=bundle)
    for row in found:
        assert any(one.ontology_item.shape is Shape.POLYLINE for one in opened(row.data_title).get_object_instances())


@check
def include_only_some_features() -> None:
    row = label_rows()["a.png"]
    wanted = objects_of(Shape.POLYGON).feature_node_hash
    row.initialise_labels(include_object_feature_hashes={wanted}, include_classification_feature_hashes=set())
    assert {one.feature_hash for one in row.get_object_instances()} == {wanted}


@check
def list_label_rows_by_label_hash() -> None:
    label_hash = label_rows()["walk"].label_hash
    assert set(label_rows(label_hashes=[label_hash])) == {"walk"}


@check
def list_label_rows_by_time() -> None:
    now = datetime.now(UTC)
    assert len(label_rows(edited_after=now - DAY)) == len(rows())
    assert label_rows(edited_after=now + DAY) == {}
    assert label_rows(edited_before=now - DAY) == {}


@check
def list_label_rows_by_status() -> None:
    statuses = {row.annotation_task_status for row in label_rows().values()}
    found = [row for status in statuses for row in label_rows(label_statuses=[status]).values()]
    assert len(found) == len(rows())


@check
def set_label_status() -> None:
    label_hash = label_rows()["walk"].label_hash
    assert w.project.set_label_status(label_hash, LabelStatus.LABELLED)
    assert label_rows()["walk"].label_status == LabelStatus.LABELLED


@check
def submit_for_review() -> None:
    label_hash = label_rows()["a.png"].label_hash
    assert w.project.submit_label_row_for_review(label_hash)
    assert label_rows(label_statuses=[AnnotationTaskStatus.IN_REVIEW])["a.png"].label_hash == label_hash


@check
def get_label_row_the_old_way() -> None:
    label_hash = label_rows()["walk"].label_hash
    row = w.project.get_label_row(label_hash)
    assert (row["label_hash"], len(row["data_units"])) == (label_hash, 3)

    unit = next(iter(row["data_units"].values()))
    assert requests.get(unit["data_link"]).status_code == 200


@check
def get_label_rows_the_old_way() -> None:
    hashes = [row.label_hash for row in label_rows().values()]
    assert {row["label_hash"] for row in w.project.get_label_rows(hashes, get_signed_url=False)} == set(hashes)


@check
def save_label_row_the_old_way() -> None:
    label_hash = label_rows()["walk"].label_hash
    row = w.project.get_label_row(label_hash, get_signed_url=False)
    assert w.project.save_label_row(label_hash, row)
    assert len(opened("walk").get_object_instances()) == 2


@check
def list_label_rows_the_old_way() -> None:
    assert len(w.project.list_label_rows()) == len(rows())
    assert len(w.project.label_rows) == len(rows())


@check
def too_many_label_rows_at_once() -> None:
    hashes = [f"{n:08}-0000-4000-8000-000000000000" for n in range(5000)]
    error = refused(MultiLabelLimitError, lambda: w.project.get_label_rows(hashes))
    assert error.maximum_labels_allowed > 0


@check
def unknown_label_row_is_not_found() -> None:
    refused(ResourceNotFoundError, lambda: w.project.get_label_row("00000000-0000-4000-8000-000000000000"))


@check
def reviewer_reads_and_does_not_save() -> None:
    row = next(one for one in w.bob.get_project(w.project_hash).list_label_rows_v2() if one.data_title == "walk")
    row.initialise_labels()
    assert len(row.get_object_instances()) == 2
    refused(AuthorisationError, row.save)


@check
def get_data() -> None:

    video, images = w.project.get_data(rows()["walk"].uid, get_signed_url=True)
    assert video is None and [one["title"] for one in images] == ["a.png", "b.jpg", "c.png"]
    assert requests.get(images[0]["file_link"]).content == (FOLDER / "pictures/a.png").read_bytes()


@check
def websocket_url_asks_nothing() -> None:
    assert w.project_hash in w.project.get_websocket_url()


@check
def tracks_and_dynamic_answers_over_a_video_come_back() -> None:
    row = opened("ride")
    assert (row.number_of_frames, row.fps) == (12, 10)
    box = objects_of(Shape.BOUNDING_BOX)
    instance = box.create_instance()
    instance.set_for_frames(coordinates_of(Shape.BOUNDING_BOX, row), [Range(0, 3), Range(8, 11)])
    moves = next(one for one in box.attributes if one.title == "Moves")
    instance.set_answer(moves.options[0], attribute=moves, frames=Range(0, 2))
    instance.set_answer(moves.options[1], attribute=moves, frames=[Range(3, 3), Range(8, 11)])
    row.add_object_instance(instance)
    weather = w.project.ontology_structure.classifications[0].create_instance()
    weather.set_for_frames(Range(0, 11))
    weather.set_answer(w.project.ontology_structure.classifications[0].attributes[0].options[0])
    row.add_classification_instance(weather)
    again = same_after_saving(row, "ride")
    [found] = again.get_object_instances()
    assert sorted(one.frame for one in found.get_annotations()) == [0, 1, 2, 3, 8, 9, 10, 11]
    told = {one.answer.title: [(r.start, r.end) for r in one.ranges] for one in found.get_answer(attribute=moves)}
    assert told == {"Yes": [(0, 2)], "No": [(3, 3), (8, 11)]}


@check
def include_only_some_classifications() -> None:
    row = label_rows()["ride"]
    wanted = w.project.ontology_structure.classifications[0].feature_node_hash
    row.initialise_labels(include_object_feature_hashes=set(), include_classification_feature_hashes={wanted})
    assert row.get_object_instances() == [] and len(row.get_classification_instances()) == 1


@check
def a_row_saved_twice_is_the_same() -> None:
    row = opened("ride")
    row.save()
    row.save()
    same_after_saving(row, "ride")


@check
def the_last_writer_wins() -> None:
    first, second = opened("ride"), opened("ride")
    first.save()
    second.remove_object(second.get_object_instances()[0])
    second.save()
    assert opened("ride").get_object_instances() == []


@check
def list_label_rows_by_state_of_shadow_data() -> None:
    hash_ = w.ann.create_project(
        "Benchmark",
        [w.dataset_hash],
        ontology_hash=w.ontology.ontology_hash,
        workflow_settings=BenchmarkQaWorkflowSettings([w.project_hash]),
    )
    listed = w.ann.get_project(hash_).list_label_rows_v2
    found = {state: len(listed(shadow_data_state=state)) for state in ShadowDataState}
    every = len(rows())
    assert found == {
        ShadowDataState.ALL_DATA: every,
        ShadowDataState.SHADOW_DATA: every,
        ShadowDataState.NOT_SHADOW_DATA: 0,
    }


@check
def list_label_rows_by_several_filters_at_once() -> None:
    found = label_rows(
        data_title_like="%a%", data_hashes=[rows()["walk"].uid, rows()["a.png"].uid], edited_after=datetime.now() - DAY
    )
    assert set(found) == {"walk", "a.png"}


@check
def list_label_rows_the_old_way_with_filters() -> None:
    [found] = w.project.list_label_rows(data_hashes=[rows()["walk"].uid])
    assert found.label_hash == label_rows()["walk"].label_hash
    assert len(w.project.list_label_rows(label_statuses=list(AnnotationTaskStatus))) == len(rows())


@check
def get_label_row_with_only_what_is_asked_for() -> None:
    label_hash = label_rows()["walk"].label_hash
    row = w.project.get_label_row(label_hash, include_object_feature_hashes=set(), include_reviews=True)
    assert row["object_answers"] == {}


@check
def every_label_status() -> None:
    label_hash = label_rows()["a.png"].label_hash
    for status in LabelStatus:
        if status in (LabelStatus.NOT_LABELLED, LabelStatus.MISSING_LABEL_STATUS):
            continue
        assert w.project.set_label_status(label_hash, status)
        assert label_rows()["a.png"].label_status == status


@check
def an_unknown_label_row_is_not_saved() -> None:
    row = w.project.get_label_row(label_rows()["walk"].label_hash, get_signed_url=False)
    refused(ResourceNotFoundError, lambda: w.project.save_label_row("00000000-0000-4000-8000-000000000000", row))


@check
def a_label_row_of_other_data_is_not_saved() -> None:
    row = w.project.get_label_row(label_rows()["walk"].label_hash, get_signed_url=False)
    refused(CorruptedLabelError, lambda: w.project.save_label_row(label_rows()["a.png"].label_hash, row))


@check
def answers_that_are_missing_are_refused() -> None:
    label_hash = label_rows()["Zebra crossing"].label_hash
    row = w.project.get_label_row(label_hash, get_signed_url=False)
    row["classification_answers"] = {}
    refused(AnswerDictionaryError, lambda: w.project.save_label_row(label_hash, row))
