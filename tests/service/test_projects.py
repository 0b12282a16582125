"""Projects: made, listed, shared, copied; their datasets and data. Through our own client."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from harness import Running
from worlds import World, add_data, box, objects_of, save, with_objects, world

from encord_convert.sdk.exceptions import (
    AuthorisationError,
    InvalidArgumentsError,
    OperationNotAllowed,
    ResourceNotFoundError,
)
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.sdk.orm.label_row import LabelStatus
from encord_convert.sdk.orm.project import (
    BenchmarkQaWorkflowSettings,
    CopyDatasetAction,
    CopyDatasetOptions,
    CopyLabelsOptions,
    ReviewApprovalState,
)
from encord_convert.sdk.utilities.project_user import ProjectUserRole


def test_a_project_is_made_with_datasets_and_an_ontology_and_opened(server: Running) -> None:
    here = world(server)
    project = here.project
    assert (project.title, project.description) == ("Crossings 2024", "cameras")
    [dataset] = project.datasets
    assert (dataset["dataset_hash"], dataset["title"]) == (here.dataset_hash, "Crossings")
    assert [one.name for one in project.ontology_structure.objects] == ["Car", "Leaf"]


def test_without_an_ontology_a_project_gets_an_empty_one(server: Running) -> None:
    ann = server.user("ann")
    project = ann.get_project(ann.create_project("Empty", []))
    assert project.ontology_structure.to_dict() == {"objects": [], "classifications": []}
    assert [one["ontology"].ontology_hash for one in ann.get_ontologies()] == [project.ontology_hash]


@pytest.mark.proves("service: 19.7 19.8")
def test_the_record_of_a_project_has_each_key_the_wire_demands(server: Running) -> None:
    here = world(server)
    here.add()
    record = here.client._querier.get(Query.PROJECT, None, {"include_labels_metadata": False})
    assert set(record) == {
        "project_hash", "title", "description", "created_at", "last_edited_at", "ontology_hash", "editor_ontology",
        "datasets", "label_rows", "source_projects", "workflow_manager_uuid",
    }  # fmt: skip
    assert record["label_rows"] is record["source_projects"] is record["workflow_manager_uuid"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", record["created_at"])
    [row] = here.client._querier.get(Query.PROJECT, None, {"include_labels_metadata": True})["label_rows"]
    assert (row["data_title"], row["label_hash"], row["data_type"]) == ("a.png", None, "IMAGE")


@pytest.mark.proves("service: 19.5 19.6")
def test_items_of_the_listing_have_exactly_two_keys(server: Running) -> None:
    here = world(server)
    [item] = here.user.querier.get_list(Query.PROJECT_WITH_USER_ROLE, None, {"filter": {}})
    assert set(item) == {"user_role", "project"}
    [listed] = here.user.get_projects(title_like="%2024", desc_eq="cameras")
    assert listed["project"].project_hash == here.project.project_hash
    assert here.user.get_projects(title_like="%2023") == server.user("bob").get_projects() == []


def test_a_benchmark_remembers_its_sources(server: Running) -> None:
    here = world(server)
    settings = BenchmarkQaWorkflowSettings([here.project.project_hash])
    made = here.user.create_project("Check", [here.dataset_hash], workflow_settings=settings)
    assert here.user.get_project(made)._project_instance.source_projects == [here.project.project_hash]


def test_nothing_of_another_goes_into_a_project(server: Running) -> None:
    here, bob = world(server), server.user("bob")
    for given in (
        {"dataset_hashes": [here.dataset_hash]},
        {"dataset_hashes": [], "ontology_hash": here.project.ontology_hash},
        {"dataset_hashes": [], "workflow_settings": BenchmarkQaWorkflowSettings([here.project.project_hash])},
    ):
        with pytest.raises(ResourceNotFoundError, match=r"There is no (dataset|ontology|project) \S+, or this key"):
            bob.create_project("Mine", **given)
    assert bob.get_projects() == []


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.mark.proves("service: 8")
def test_users_get_roles_also_before_they_have_a_key(server: Running) -> None:
    here = world(server)
    added = here.project.add_users(["bob@example.com", "new@example.com"], ProjectUserRole.REVIEWER)
    assert [(one.user_email, one.user_role) for one in added] == [
        ("bob@example.com", ProjectUserRole.REVIEWER), ("new@example.com", ProjectUserRole.REVIEWER),
    ]  # fmt: skip
    [listed] = server.user("bob").get_projects()
    assert listed["user_role"] == ProjectUserRole.REVIEWER


def test_a_team_manager_makes_no_admin_and_unmakes_none(server: Running) -> None:
    here = world(server)
    managed = here.seen_by("mia", ProjectUserRole.TEAM_MANAGER)
    managed.add_users(["bob@example.com"], ProjectUserRole.ANNOTATOR)
    for emails, role in (["bob@example.com"], ProjectUserRole.ADMIN), (["ann@example.com"], ProjectUserRole.REVIEWER):
        with pytest.raises(AuthorisationError, match="A team manager neither makes admins nor changes their role"):
            managed.add_users(emails, role)


@pytest.mark.proves("service: 8")
def test_one_admin_stays(server: Running) -> None:
    here = world(server)
    with pytest.raises(OperationNotAllowed, match="A project has one admin at least"):
        here.project.add_users(["ann@example.com"], ProjectUserRole.ANNOTATOR)
    assert here.user.get_projects()[0]["user_role"] == ProjectUserRole.ADMIN


def test_an_annotator_changes_neither_people_nor_datasets(server: Running) -> None:
    bobs = world(server).seen_by("bob", ProjectUserRole.ANNOTATOR)
    for call in (
        lambda: bobs.add_users(["eve@example.com"], ProjectUserRole.ANNOTATOR),
        lambda: bobs.add_datasets([]),
        lambda: bobs.copy_project(),
    ):
        with pytest.raises(AuthorisationError):
            call()


# --- datasets and data ------------------------------------------------------------------------------------------------


def test_datasets_come_and_go_and_their_labels_wait_for_them(server: Running) -> None:
    here = world(server)
    row = with_objects(here.begun(), box("kept"))
    save(here.project, row)
    other = here.user.create_dataset("New", StorageLocation.CORD_STORAGE).dataset_hash
    add_data(server, other, title="new.png")
    here.project.add_datasets([other, other])
    assert [one["title"] for one in here.project.datasets] == ["Crossings", "New"]
    here.project.remove_datasets([here.dataset_hash])
    assert [one.data_title for one in here.project.list_label_rows_v2()] == ["new.png"]
    with pytest.raises(ResourceNotFoundError):
        here.client.get_label_row(row["label_hash"])
    here.project.add_datasets([here.dataset_hash])
    assert [one.data_title for one in here.project.list_label_rows_v2()] == ["new.png", "a.png"]
    assert objects_of(here.client.get_label_row(row["label_hash"]))[0]["objectHash"] == "kept"
    with pytest.raises(ResourceNotFoundError, match="The project has no dataset nowhere"):
        here.project.remove_datasets(["nowhere"])


def test_data_is_looked_up_by_its_kind(server: Running) -> None:
    here = world(server)
    video = here.add("VIDEO", "road.mp4", frames=9)
    group = here.add("IMG_GROUP", "walk", frames=2, images=[("i0", "0.png"), ("i1", "1.png")])
    found, nothing = here.project.get_data(video)
    assert nothing is None and found is not None
    assert (found["title"], found["file_link"]) == ("road.mp4", "bucket/road.mp4")
    nothing, images = here.project.get_data(group)
    assert nothing is None and images is not None
    assert [(one["image_hash"], one["file_link"]) for one in images] == [("i0", "bucket/0.png"), ("i1", "bucket/1.png")]
    with pytest.raises(ResourceNotFoundError, match="The project has no data nowhere"):
        here.project.get_data("nowhere")


# --- copies -----------------------------------------------------------------------------------------------------------


def labelled(server: Running) -> tuple[World, dict[str, Any], dict[str, Any]]:
    """A project of two labelled images, one of them reviewed, and a group."""
    here = world(server)
    a = with_objects(here.begun(title="a.png"), box("in a"))
    save(here.project, a)
    group = here.begun("IMG_GROUP", "walk", frames=2, images=[(str(uuid4()), "0.png"), (str(uuid4()), "1.png")])
    group = with_objects(group, box("in group"))
    save(here.project, group)
    here.client.set_label_status(a["label_hash"], LabelStatus.REVIEWED)
    return here, a, group


def test_a_bare_copy_has_title_description_and_one_admin(server: Running) -> None:
    here, *_ = labelled(server)
    here.seen_by("bob", ProjectUserRole.REVIEWER)
    copy = here.user.get_project(here.project.copy_project(new_title="Again", new_description="once more"))
    assert (copy.title, copy.description, copy.datasets) == ("Again", "once more", [])
    assert len(server.user("bob").get_projects()) == 1


@pytest.mark.proves("service: 8")
def test_a_copy_takes_collaborators_datasets_and_models_along(server: Running) -> None:
    here, *_ = labelled(server)
    here.seen_by("bob", ProjectUserRole.REVIEWER)
    here.project.create_model_row("m", "d", ["car00001"], "faster_rcnn")
    made = here.project.copy_project(copy_datasets=True, copy_collaborators=True, copy_models=True)
    copy = here.user.get_project(made)
    assert [one["dataset_hash"] for one in copy.datasets] == [here.dataset_hash]
    assert {one["user_role"] for one in server.user("bob").get_projects()} == {ProjectUserRole.REVIEWER}
    [model], [of_copy] = here.project.list_models(), copy.list_models()
    assert model.title == of_copy.title and model.model_uid != of_copy.model_uid
    assert {one.label_hash for one in copy.list_label_rows_v2()} == {None}


def test_labels_of_attached_data_are_copied_into_rows_of_their_own(server: Running) -> None:
    here, a, _ = labelled(server)
    copy = here.user.get_project(here.project.copy_project(copy_datasets=True, copy_labels=CopyLabelsOptions()))
    rows = copy.list_label_rows_v2()
    assert [one.label_status for one in rows] == [LabelStatus.REVIEWED, LabelStatus.LABEL_IN_PROGRESS]
    first = copy._client.get_label_row(rows[0].label_hash)
    assert first["label_hash"] != a["label_hash"] and objects_of(first)[0]["objectHash"] == "in a"
    save(copy, with_objects(first))
    assert objects_of(here.client.get_label_row(a["label_hash"]))[0]["objectHash"] == "in a"


@pytest.mark.proves("service: 8")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (CopyLabelsOptions(accepted_label_statuses=[ReviewApprovalState.APPROVED]), ["a.png"]),
        (CopyLabelsOptions(accepted_label_statuses=[ReviewApprovalState.NOT_SELECTED_FOR_REVIEW]), ["walk"]),
        (CopyLabelsOptions(accepted_label_statuses=[ReviewApprovalState.REJECTED]), []),
        (CopyLabelsOptions(accepted_label_hashes=[]), []),
    ],
)
def test_labels_are_chosen_by_their_state(server: Running, options: CopyLabelsOptions, expected: list[str]) -> None:
    here, *_ = labelled(server)
    copy = here.user.get_project(here.project.copy_project(copy_datasets=True, copy_labels=options))
    assert [one.data_title for one in copy.list_label_rows_v2() if one.label_hash] == expected


@pytest.mark.proves("service: 8")
def test_labels_are_chosen_by_hash(server: Running) -> None:
    here, _, group = labelled(server)
    options = CopyLabelsOptions(accepted_label_hashes=[group["label_hash"]])
    copy = here.user.get_project(here.project.copy_project(copy_datasets=True, copy_labels=options))
    assert [one.data_title for one in copy.list_label_rows_v2() if one.label_hash] == ["walk"]


@pytest.mark.proves("service: 8")
def test_cloned_data_is_the_callers_own_and_has_its_labels(server: Running) -> None:
    here, _, group = labelled(server)
    mapping = {here.dataset_hash: [group["data_hash"]]}
    options = CopyDatasetOptions(CopyDatasetAction.CLONE, "Clone", "of some", mapping)
    copy = here.user.get_project(here.project.copy_project(copy_datasets=options, copy_labels=CopyLabelsOptions()))
    [dataset] = copy.datasets
    assert (dataset["title"], dataset["description"]) == ("Clone", "of some")
    assert dataset["dataset_hash"] != here.dataset_hash
    [row] = copy.list_label_rows_v2()
    assert row.data_title == "walk" and row.data_hash != group["data_hash"]
    fetched = copy._client.get_label_row(row.label_hash)
    assert objects_of(fetched)[0]["objectHash"] == "in group"
    assert not set(fetched["data_units"]) & set(group["data_units"])
    assert [one["data_title"] for one in fetched["data_units"].values()] == ["0.png", "1.png"]
    row.initialise_labels()
    assert [one.object_hash for one in row.get_object_instances()] == ["in group"]


@pytest.mark.proves("service: 8")
def test_a_copy_that_cannot_be_made_leaves_nothing(server: Running) -> None:
    here, *_ = labelled(server)
    with pytest.raises(InvalidArgumentsError, match="Labels are copied with their datasets"):
        here.project.copy_project(copy_labels=CopyLabelsOptions())
    options = CopyDatasetOptions(CopyDatasetAction.CLONE, "Clone", "", {here.dataset_hash: ["nowhere"]})
    with pytest.raises(ResourceNotFoundError, match="has no data nowhere"):
        here.project.copy_project(copy_datasets=options)
    assert len(here.user.get_projects()) == len(here.user.get_datasets()) == 1
