"""Workflows, logs, timers, algorithms, models."""

from __future__ import annotations

from datetime import UTC, datetime

from datasets import rows
from encord.constants.model_weights import faster_rcnn_R_50_FPN_3x
from encord.exceptions import (
    AuthorisationError,
    MethodNotAllowedError,
    ResourceNotFoundError,
    WrongProjectTypeError,
)
from encord.objects import (
    LabelRowV2,
    Shape,
)
from encord.orm.label_log import Action
from encord.orm.label_row import LabelStatus
from label_rows import label_rows, objects_of
from world import DAY, check, refused, w


@check
def priority_needs_a_workflow() -> None:
    refused(WrongProjectTypeError, lambda: label_rows()["walk"].set_priority(0.5))


@check
def create_workflow_project() -> None:
    hash_ = w.ann.create_project(
        "Flow", [w.dataset_hash], ontology_hash=w.ontology.ontology_hash, workflow_template_hash="any"
    )
    w.flow = w.ann.get_project(hash_)
    row = w.flow.list_label_rows_v2()[0]
    assert row.workflow_graph_node is not None


def flow_row() -> LabelRowV2:
    return next(row for row in w.flow.list_label_rows_v2() if row.data_title == "walk")


@check
def set_priority() -> None:
    flow_row().set_priority(0.25)
    assert flow_row().priority == 0.25


@check
def workflow_complete_and_reopen() -> None:
    row = flow_row()
    row.initialise_labels()
    first = row.workflow_graph_node.title
    row.workflow_complete()
    last = flow_row().workflow_graph_node.title
    assert last != first
    flow_row().workflow_reopen()
    assert flow_row().workflow_graph_node.title == first


@check
def workflow_stage_filters() -> None:
    title = flow_row().workflow_graph_node.title
    assert len(w.flow.list_label_rows_v2(workflow_graph_node_title_eq=title)) == len(rows())
    assert w.flow.list_label_rows_v2(workflow_graph_node_title_like="nothing%") == []


@check
def workflow_in_a_bundle() -> None:
    found = w.flow.list_label_rows_v2()
    for row in found:
        row.initialise_labels()
    with w.flow.create_bundle() as bundle:
        for row in found:
            row.workflow_complete(bundle=bundle)
    assert len({row.workflow_graph_node.title for row in w.flow.list_label_rows_v2()}) == 1


@check
def label_logs() -> None:
    logs = w.project.get_label_logs()
    assert {Action.ADD, Action.SUBMIT_TASK} <= {log.action for log in logs}
    assert {log.user_email for log in logs} == {"ann@example.com"}


@check
def label_logs_of_some() -> None:
    data_hash = rows()["walk"].uid
    logs = w.project.get_label_logs(data_hash=data_hash, after=datetime.now() - DAY, user_email="ann@example.com")
    assert logs and {log.data_hash for log in logs} == {data_hash}
    assert w.project.get_label_logs(before=datetime.now() - DAY) == []


@check
def collaborator_timers() -> None:
    timers = list(w.project.list_collaborator_timers(datetime.now() - DAY, datetime.now() + DAY))
    assert {timer.user_email for timer in timers} <= {"ann@example.com"}
    assert all(timer.time_seconds >= 0 for timer in timers)


@check
def collaborator_timers_of_the_project() -> None:
    list(w.project.list_collaborator_timers(datetime.now(UTC) - DAY, group_by_data_unit=False))


@check
def object_interpolation() -> None:
    box = objects_of(Shape.BOUNDING_BOX)

    def at(x: float) -> dict[str, object]:
        return {
            "objects": [
                {"objectHash": "abcd1234", "featureHash": box.feature_node_hash, "shape": "bounding_box",
                 "boundingBox": {"x": x, "y": 0.1, "w": 0.2, "h": 0.2}, "name": "b", "color": "#000000", "value": "b"}
            ]
        }  # fmt: skip

    found = w.project.object_interpolation({"0": at(0.0), "4": at(0.4)}, ["abcd1234"])
    frames = found.get("frames", found)
    middle = frames["2"]["objects"][0]["boundingBox"]
    assert abs(middle["x"] - 0.2) < 1e-6


@check
def fitted_bounding_boxes() -> None:
    polygon = {"0": {"x": 0.25, "y": 0.25}, "1": {"x": 0.75, "y": 0.25}, "2": {"x": 0.5, "y": 0.5}}
    frames = {"0": {"objects": [{"objectHash": "abcd1234", "shape": "polygon", "polygon": polygon}]}}
    assert w.project.fitted_bounding_boxes(frames, {"width": 64, "height": 48})


@check
def model_rows() -> None:
    box = objects_of(Shape.BOUNDING_BOX).feature_node_hash
    uid = w.project.create_model_row("detector", "finds", [box], "faster_rcnn")
    [model] = w.project.list_models()
    assert (model.model_uid, model.title) == (uid, "detector")
    assert w.project.get_training_metadata([]) == []
    w.project.model_delete(uid)
    assert w.project.list_models() == []


@check
def priorities_in_a_bundle() -> None:
    found = w.flow.list_label_rows_v2()
    with w.flow.create_bundle() as bundle:
        for number, row in enumerate(found):
            row.set_priority(number / 10, bundle=bundle)
    told = {row.data_hash: row.priority for row in w.flow.list_label_rows_v2()}
    assert told == {row.data_hash: number / 10 for number, row in enumerate(found)}


@check
def workflow_reopen_in_a_bundle() -> None:
    found = w.flow.list_label_rows_v2()
    with w.flow.create_bundle() as bundle:
        for row in found:
            row.workflow_reopen(bundle=bundle)
    assert {row.workflow_graph_node.title for row in w.flow.list_label_rows_v2()} == {"Annotate 1"}


@check
def a_workflow_has_no_label_statuses() -> None:
    label_hash = flow_row().label_hash
    refused(WrongProjectTypeError, lambda: w.flow.set_label_status(label_hash, LabelStatus.LABELLED))
    refused(WrongProjectTypeError, lambda: w.flow.submit_label_row_for_review(label_hash))


@check
def label_logs_by_user_and_seconds() -> None:
    logs = w.project.get_label_logs(from_unix_seconds=0, to_unix_seconds=4_000_000_000)
    user_hash = logs[0].user_hash
    assert len(w.project.get_label_logs(user_hash=user_hash)) == len(logs)
    assert w.project.get_label_logs(user_email="eve@example.com") == []
    assert w.project.get_label_logs(to_unix_seconds=1) == []


@check
def label_logs_say_what_was_done() -> None:
    actions = {log.action for log in w.project.get_label_logs()}
    assert {Action.ADD, Action.EDIT, Action.DELETE, Action.MARK_AS_LABELLED, Action.MARK_AS_REVIEWED} <= actions


@check
def a_reviewer_sees_neither_logs_nor_timers() -> None:
    project = w.bob.get_project(w.project_hash)
    refused(AuthorisationError, project.get_label_logs)
    refused(ResourceNotFoundError, lambda: list(project.list_collaborator_timers(datetime.now() - DAY)))


@check
def interpolation_of_polygons_and_key_points() -> None:
    def at(shape: str, key: str, x: float) -> dict[str, object]:
        points = (
            {"0": {"x": x, "y": 0.1}}
            if key == "point"
            else {str(n): {"x": x + dx, "y": 0.1 + dy} for n, (dx, dy) in enumerate([(0, 0), (0.2, 0), (0.2, 0.2)])}
        )
        return {"objects": [{"objectHash": shape, "featureHash": "f", "shape": shape, key: points}]}

    for shape in ("polygon", "point"):
        found = w.project.object_interpolation({"0": at(shape, shape, 0.0), "2": at(shape, shape, 0.4)}, [shape])
        assert abs(found["1"]["objects"][0][shape]["0"]["x"] - 0.2) < 1e-6


@check
def engines_that_are_not_there_are_said() -> None:
    box = objects_of(Shape.BOUNDING_BOX).feature_node_hash
    uid = w.project.create_model_row("detector", "finds", [box], "faster_rcnn")
    label_hash = label_rows()["walk"].label_hash
    refused(
        MethodNotAllowedError,
        lambda: w.project.model_train(uid, [label_hash], 5, weights=faster_rcnn_R_50_FPN_3x),
    )
    refused(MethodNotAllowedError, lambda: w.project.model_inference(uid, data_hashes=[rows()["walk"].uid]))
    w.project.model_delete(uid)
