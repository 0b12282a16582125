"""Checks that every version can run on one service beside the others; what a version has not is left out.

Each version has a user of its own, makes things named after itself, and shares its project with all the others.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import requests
from encord import EncordUserClient
from encord.dataset import Dataset
from encord.exceptions import (
    AuthenticationError,
    EncordException,
    ResourceNotFoundError,
)
from encord.objects import (
    LabelRowV2,
    Shape,
)
from encord.orm.dataset import DatasetUserRole, StorageLocation
from encord.project import Project
from encord.utilities.project_user import ProjectUserRole
from shared_rows import BOX, FRAMES, NAME, NUMBER, VERSIONS, V, compared, label, named, rows_of, structure
from world import DAY, DOMAIN, FOLDER, check, image, refused, signed_in, w

OTHERS = [f"v{other}@example.com" for other in VERSIONS if other != NUMBER]
NOWHERE = "00000000-0000-4000-8000-000000000000"

try:
    from encord.storage import StorageFolder, StorageItem
except ImportError:
    StorageFolder = StorageItem = None


def needs(class_: object, name: str, since: int = 0):
    """Register a check for versions that have a method."""
    return check if hasattr(class_, name) and since <= NUMBER else lambda function: function


# --- datasets and uploads ---------------------------------------------------------------------------------------------


@check
def signs_in() -> None:
    w.me = signed_in(NAME)
    w.me.get_projects()


@check
def key_text_signs_in() -> None:
    text = (FOLDER / f"{NAME}.key").read_text()
    EncordUserClient.create_with_ssh_private_key(text, domain=DOMAIN).get_datasets()


@check
def unknown_key_is_refused() -> None:
    refused(AuthenticationError, signed_in("eve").get_datasets)


@check
def create_dataset() -> None:
    made = w.me.create_dataset(f"set {V}", StorageLocation.CORD_STORAGE, "cameras")
    w.dataset_hash = made.dataset_hash
    w.dataset = w.me.get_dataset(made.dataset_hash)
    assert (w.dataset.title, w.dataset.description) == (f"set {V}", "cameras")


@check
def create_dataset_again_is_another() -> None:
    one, two = (w.me.create_dataset(f"twice {V}", StorageLocation.CORD_STORAGE).dataset_hash for _ in range(2))
    assert one != two
    w.second = w.me.get_dataset(two)


@check
def create_private_dataset() -> None:
    assert w.me.create_private_dataset(f"private {V}", StorageLocation.AWS).dataset_hash


def titles(**filters: object) -> list[str]:
    return [one["dataset"].title for one in w.me.get_datasets(**filters)]


@check
def list_datasets() -> None:
    own = [f"set {V}", f"twice {V}", f"twice {V}"]
    assert sorted(title for title in titles() if title in own) == own


@check
def list_datasets_by_title() -> None:
    assert titles(title_eq=f"set {V}") == [f"set {V}"]
    assert titles(title_like=f"s_t {V}%") == [f"set {V}"]
    assert f"set {V}" in titles(desc_eq="cameras") and f"twice {V}" not in titles(desc_eq="cameras")


@check
def list_datasets_by_time() -> None:
    now = datetime.now(UTC)
    assert titles(created_after=now - DAY, created_before=now + DAY, title_eq=f"set {V}") == [f"set {V}"]
    assert titles(edited_after=now + DAY) == []


@check
def dataset_that_is_not_there() -> None:
    refused(ResourceNotFoundError, lambda: w.me.get_dataset(NOWHERE))


@check
def upload_images() -> None:
    w.dataset.upload_image(image("a.png"), "first.png")
    w.dataset.upload_image(image("b.jpg"), "second.jpg")
    w.dataset.refetch_data()
    rows = {row.title: row for row in w.dataset.data_rows}
    assert set(rows) == {"first.png", "second.jpg"}
    assert (rows["first.png"].width, rows["first.png"].height) == (64, 48)


@check
def upload_image_that_is_none() -> None:
    before = len(w.dataset.list_data_rows())
    try:
        w.dataset.upload_image(str(FOLDER / "pictures/text.png"))
    except EncordException:
        assert len(w.dataset.list_data_rows()) == before
        return
    raise AssertionError("a text was taken for an image")


@check
def create_image_group() -> None:
    w.dataset.create_image_group([image("a.png"), image("c.png")], title="pair", create_video=False)
    assert "pair" in [row.title for row in w.dataset.list_data_rows()]


@check
def upload_video() -> None:
    w.dataset.upload_video(str(FOLDER / "video.mp4"), title="walk")
    [row] = w.dataset.list_data_rows(title_eq="walk")
    assert row.frames_per_second and row.duration


@check
def create_dicom_series() -> None:
    files = sorted(str(path) for path in (FOLDER / "ct").rglob("*.dcm"))
    w.dataset.create_dicom_series(files, title="scan")
    [row] = w.dataset.list_data_rows(title_eq="scan")
    assert row.uid


@check
def list_data_rows_by_type() -> None:
    from encord.constants.enums import DataType

    found = {row.title for row in w.dataset.list_data_rows(data_types=[DataType.IMAGE])}
    assert found == {"first.png", "second.jpg"}


@check
def list_data_rows_by_hash() -> None:
    [one, *_] = w.dataset.list_data_rows()
    assert [row.uid for row in w.dataset.list_data_rows(data_hashes=[one.uid])] == [one.uid]


@check
def rename_data_row() -> None:
    [row] = w.dataset.list_data_rows(title_eq="second.jpg")
    row.title = "renamed.jpg"
    row.save()
    assert w.dataset.list_data_rows(title_eq="renamed.jpg")


@check
def client_metadata_of_data() -> None:
    [row] = w.dataset.list_data_rows(title_eq="first.png")
    row.client_metadata = {"camera": 4, "by": V}
    row.save()
    row.refetch_data(client_metadata=True)
    assert row.client_metadata == {"camera": 4, "by": V}


@check
def signed_url_of_data() -> None:
    [row] = w.dataset.list_data_rows(title_eq="first.png")
    row.refetch_data(signed_url=True)
    assert requests.get(row.signed_url, timeout=10).content == Path(image("a.png")).read_bytes()


@check
def update_data_item() -> None:
    [row] = w.dataset.list_data_rows(title_eq="renamed.jpg")
    assert w.dataset.update_data_item(row.uid, "second.jpg")


@check
def link_items() -> None:
    [row] = w.dataset.list_data_rows(title_eq="first.png")
    [linked] = w.second.link_items([row.backing_item_uuid])
    linked = linked if isinstance(linked, dict) else {"data_title": linked.title, "width": linked.width}
    assert (linked["data_title"], linked["width"]) == ("first.png", 64)


@check
def delete_data() -> None:
    w.second.refetch_data()
    hashes = [row.uid for row in w.second.list_data_rows()]
    assert hashes
    w.second.delete_data(hashes)
    assert w.second.list_data_rows() == []


@check
def add_users_of_dataset() -> None:
    w.dataset.add_users(OTHERS, DatasetUserRole.USER)


@needs(Dataset, "list_users")
def list_users_of_dataset() -> None:
    found = {one.user_email: one.user_role for one in w.dataset.list_users()}
    assert found[f"{NAME}@example.com"] == DatasetUserRole.ADMIN and len(found) == len(OTHERS) + 1


@needs(Dataset, "remove_users")
def remove_users_of_dataset() -> None:
    w.dataset.add_users(["gone@example.com"], DatasetUserRole.USER)
    w.dataset.remove_users(["gone@example.com"])
    assert "gone@example.com" not in [one.user_email for one in w.dataset.list_users()]


@check
def cloud_integrations() -> None:
    [one] = w.me.get_cloud_integrations()
    w.integration = one.id


@check
def private_data() -> None:
    made = w.me.create_dataset(f"cloud {V}", StorageLocation.CORD_STORAGE)
    dataset = w.me.get_dataset(made.dataset_hash)
    url = (FOLDER / "cloud/a.png").as_uri()
    dataset.add_private_data_to_dataset(w.integration, {"images": [{"objectUrl": url, "title": "far"}]})
    assert [row.title for row in dataset.list_data_rows()] == ["far"]


# --- ontologies -------------------------------------------------------------------------------------------------------


@check
def create_ontology() -> None:
    w.ontology = w.me.create_ontology(f"ontology {V}", "of checks", structure())
    assert (w.ontology.title, w.ontology.description) == (f"ontology {V}", "of checks")


@check
def get_ontology() -> None:
    found = w.me.get_ontology(w.ontology.ontology_hash)
    assert [one.name for one in found.structure.objects] == ["Car", "Leaf", "Tip"]
    assert len(found.structure.classifications) == 3


@check
def save_ontology() -> None:
    w.ontology.structure.add_object("Line", Shape.POLYLINE)
    w.ontology.save()
    w.ontology.refetch_data()
    assert [one.name for one in w.ontology.structure.objects][-1] == "Line"


@check
def list_ontologies() -> None:
    found = w.me.get_ontologies(title_eq=f"ontology {V}")
    assert [one["ontology"].title for one in found] == [f"ontology {V}"]
    assert w.me.get_ontologies(title_like="nothing%") == []


@check
def ontology_that_is_not_there() -> None:
    refused(ResourceNotFoundError, lambda: w.me.get_ontology(NOWHERE))


@check
def ontologies_by_time() -> None:
    now = datetime.now(UTC)
    assert len(w.me.get_ontologies(title_eq=f"ontology {V}", created_after=now - DAY)) == 1
    assert w.me.get_ontologies(created_after=now + DAY) == []


# --- projects ---------------------------------------------------------------------------------------------------------


@check
def create_project() -> None:
    w.project_hash = w.me.create_project(
        f"project {V}", [w.dataset_hash], "shared", ontology_hash=w.ontology.ontology_hash
    )
    w.project = w.me.get_project(w.project_hash)
    assert (w.project.title, w.project.description) == (f"project {V}", "shared")


@check
def list_projects_of_user() -> None:
    assert [one["project"].title for one in w.me.get_projects(title_eq=f"project {V}")] == [f"project {V}"]
    assert w.me.get_projects(title_like="nothing%") == []


@needs(EncordUserClient, "list_projects")
def list_projects() -> None:
    assert [one.title for one in w.me.list_projects(title_eq=f"project {V}")] == [f"project {V}"]


@check
def datasets_of_project() -> None:
    found = w.project.list_datasets() if hasattr(w.project, "list_datasets") else w.project.datasets
    assert len(list(found)) == 1


@check
def ontology_of_project() -> None:
    assert [one.name for one in w.project.ontology_structure.objects] == ["Car", "Leaf", "Tip", "Line"]


@check
def share_project() -> None:
    w.project.add_users(OTHERS, ProjectUserRole.TEAM_MANAGER)


@check
def detach_and_attach_dataset() -> None:
    w.project.add_datasets([w.second.dataset_hash])
    w.project.remove_datasets([w.second.dataset_hash])
    w.project.refetch_data()


@needs(Project, "list_users")
def list_users_of_project() -> None:
    found = {one.user_email: one.user_role for one in w.project.list_users()}
    assert found[f"{NAME}@example.com"] == ProjectUserRole.ADMIN and len(found) == len(OTHERS) + 1


@needs(Project, "remove_users")
def remove_users_of_project() -> None:
    w.project.add_users(["gone@example.com"], ProjectUserRole.ANNOTATOR)
    w.project.remove_users(["gone@example.com"])
    assert "gone@example.com" not in [one.user_email for one in w.project.list_users()]


@needs(Project, "set_status")
def set_status_of_project() -> None:
    from encord.orm.project import ProjectStatus

    w.project.set_status(ProjectStatus.PAUSED)
    assert w.me.get_project(w.project_hash).status == ProjectStatus.PAUSED


@needs(Project, "list_branches")
def list_branches() -> None:
    assert [getattr(one, "name", one) for one in w.project.list_branches()] == ["main"]


@check
def project_that_is_not_there() -> None:
    refused(ResourceNotFoundError, lambda: w.me.get_project(NOWHERE))


@check
def copy_project() -> None:
    hash_ = w.project.copy_project(copy_datasets=True, new_title=f"copy {V}")
    assert w.me.get_project(hash_).title == f"copy {V}"


# --- label rows -------------------------------------------------------------------------------------------------------


def rows() -> dict[str, LabelRowV2]:
    return rows_of(w.project)


@check
def list_label_rows() -> None:
    assert set(rows()) == {"first.png", "second.jpg", "pair", "walk", "scan"}


@check
def label_rows_say_their_data() -> None:
    found = rows()
    assert found["first.png"].data_type.value.upper() == "IMAGE"
    assert (found["walk"].width, found["walk"].height) == (64, 48)
    assert found["pair"].number_of_frames == 2


@check
def begin_label_rows() -> None:
    for row in rows().values():
        row.initialise_labels()
        assert row.is_labelling_initialised and row.label_hash


@check
def save_image() -> None:
    row = rows()["first.png"]
    row.initialise_labels()
    label(row, FRAMES["first.png"])
    row.save()


@check
def save_image_group() -> None:
    row = rows()["pair"]
    row.initialise_labels()
    label(row, FRAMES["pair"])
    row.save()


@check
def save_video() -> None:
    row = rows()["walk"]
    row.initialise_labels()
    label(row, FRAMES["walk"])
    row.save()


@check
def save_dicom() -> None:
    row = rows()["scan"]
    row.initialise_labels()
    label(row, FRAMES["scan"])
    row.save()


def read_back(title: str) -> None:
    row = rows()[title]
    row.initialise_labels()
    compared(row, FRAMES[title], V)


@check
def read_image() -> None:
    read_back("first.png")


@check
def read_image_group() -> None:
    read_back("pair")


@check
def read_video() -> None:
    read_back("walk")


@check
def read_dicom() -> None:
    read_back("scan")
    row = rows()["scan"]
    row.initialise_labels()
    assert row.metadata is not None


@check
def saving_again_changes_nothing() -> None:
    for title, frames in FRAMES.items():
        row = rows()[title]
        row.initialise_labels()
        row.save()
        again = rows()[title]
        again.initialise_labels()
        compared(again, frames, V)


@check
def rows_in_a_bundle() -> None:
    found = rows()
    with w.project.create_bundle() as bundle:
        for row in found.values():
            row.initialise_labels(bundle=bundle)
    with w.project.create_bundle() as bundle:
        for row in found.values():
            row.save(bundle=bundle)
    read_back("walk")


@check
def list_label_rows_by_title() -> None:
    assert [row.data_title for row in w.project.list_label_rows_v2(data_title_eq="walk")] == ["walk"]
    assert w.project.list_label_rows_v2(data_title_like="nothing%") == []


@check
def list_label_rows_by_hash() -> None:
    row = rows()["walk"]
    assert [one.data_title for one in w.project.list_label_rows_v2(label_hashes=[row.label_hash])] == ["walk"]
    assert [one.data_title for one in w.project.list_label_rows_v2(data_hashes=[row.data_hash])] == ["walk"]


@check
def list_label_rows_by_time() -> None:
    assert len(w.project.list_label_rows_v2(edited_after=datetime.now(UTC) - DAY)) == 5
    assert w.project.list_label_rows_v2(edited_after=datetime.now(UTC) + DAY) == []


@check
def signed_url_of_row() -> None:
    row = rows()["first.png"]
    row.initialise_labels(include_signed_url=True)
    assert requests.get(row.data_link, timeout=10).content == Path(image("a.png")).read_bytes()


@check
def some_classes_of_a_row() -> None:
    row = rows()["walk"]
    car, weather = (named(row.ontology_structure, name).feature_node_hash for name in ("Car", "Weather"))
    row.initialise_labels(include_object_feature_hashes={car}, include_classification_feature_hashes={weather})
    assert [one.object_name for one in row.get_object_instances()] == ["Car"]
    assert len(row.get_classification_instances()) == 1


@check
def data_of_project() -> None:
    row = rows()["first.png"]
    _, images = w.project.get_data(row.data_hash, get_signed_url=True)
    assert requests.get(images[0]["file_link"], timeout=10).content == Path(image("a.png")).read_bytes()


@check
def label_row_as_a_dictionary() -> None:
    row = rows()["walk"]
    found = w.project.get_label_row(row.label_hash)
    assert found["label_hash"] == row.label_hash and len(found["object_answers"]) == 2


@check
def remove_and_bring_back_a_label() -> None:
    row = rows()["second.jpg"]
    row.initialise_labels()
    car = named(row.ontology_structure, "Car").create_instance()
    car.set_for_frames(BOX, 0)
    row.add_object_instance(car)
    row.save()
    again = rows()["second.jpg"]
    again.initialise_labels()
    again.remove_object(again.get_object_instances()[0])
    again.save()
    empty = rows()["second.jpg"]
    empty.initialise_labels()
    assert empty.get_object_instances() == []


@needs(LabelRowV2, "workflow_complete")
def workflow_complete_and_reopen() -> None:
    row = rows()["second.jpg"]
    row.initialise_labels()
    row.workflow_complete()
    row.workflow_reopen()


@needs(LabelRowV2, "branch_name", since=115)
def branch_of_rows() -> None:
    assert {row.branch_name for row in rows().values()} == {"main"}


@needs(Project, "copy_labels_to_branch")
def labels_of_another_branch() -> None:
    w.project.copy_labels_to_branch("checked")
    assert sorted(getattr(one, "name", one) for one in w.project.list_branches()) == ["checked", "main"]
    found = {row.data_title: row for row in w.project.list_label_rows_v2(branch_name="checked")}
    row = found["walk"]
    row.initialise_labels()
    compared(row, FRAMES["walk"], V)
    row.remove_object(row.get_object_instances()[0])
    row.save()
    read_back("walk")
    [again] = [one for one in w.project.list_label_rows_v2(branch_name="checked") if one.data_title == "walk"]
    again.initialise_labels()
    assert (again.branch_name, len(again.get_object_instances())) == ("checked", 1)
    everything = list(w.project.list_label_rows_v2(include_all_label_branches=True))
    assert len([row for row in everything if row.data_title == "walk"]) == 2


@needs(LabelRowV2, "branch_name", since=145)
def begin_a_row_on_another_branch() -> None:
    [row] = [one for one in w.project.list_label_rows_v2(branch_name="fresh") if one.data_title == "walk"]
    row.initialise_labels()
    assert (row.branch_name, row.get_object_instances()) == ("fresh", [])
    read_back("walk")


@needs(LabelRowV2, "client_metadata", since=109)
def client_metadata_of_rows() -> None:
    found = {row.data_title: row.client_metadata for row in w.project.list_label_rows_v2(include_client_metadata=True)}
    assert found["first.png"] == {"camera": 4, "by": V}


@needs(LabelRowV2, "set_priority", since=109)
def priority_of_rows() -> None:
    rows()["walk"].set_priority(0.25)
    assert rows()["walk"].priority == 0.25


@needs(LabelRowV2, "get_storage_item", since=150)
def storage_item_of_row() -> None:
    row = rows()["first.png"]
    item = row.get_storage_item()
    assert (item.name, item.width) == ("first.png", 64)


@needs(Project, "get_label_classifications")
def label_classifications() -> None:
    row = rows()["walk"]
    [found] = w.project.get_label_classifications([row.label_hash])
    assert len(found.classification_answers) == 3


# --- logs and timers --------------------------------------------------------------------------------------------------


@check
def label_logs() -> None:
    logs = w.project.get_label_logs(data_hash=rows()["walk"].data_hash)
    assert {log.user_email for log in logs} == {f"{NAME}@example.com"}


@check
def label_logs_before() -> None:
    assert w.project.get_label_logs(before=datetime.now() - DAY) == []


@check
def collaborator_timers() -> None:
    found = list(w.project.list_collaborator_timers(datetime.now(UTC) - DAY))
    assert all(one.time_seconds >= 0 for one in found)


@needs(Project, "list_time_spent")
def time_spent() -> None:
    found = list(w.project.list_time_spent(datetime.now(UTC) - DAY))
    assert {one.user_email for one in found} == {f"{NAME}@example.com"}


@needs(Project, "get_editor_logs")
def editor_logs() -> None:
    now = datetime.now(UTC)
    assert list(w.project.get_editor_logs(now - DAY, now)) == []


# --- workflow ---------------------------------------------------------------------------------------------------------


def stage(name: str) -> object:
    return next(one for one in w.flow.workflow.stages if name in one.title)


def task(name: str, title: str) -> object:
    return next(one for one in stage(name).get_tasks() if one.data_title == title)


HAS_WORKFLOW = hasattr(Project, "workflow")
staged = check if HAS_WORKFLOW else lambda function: function


@staged
def workflow_stages() -> None:
    hash_ = w.me.create_project(f"flow {V}", [w.dataset_hash], ontology_hash=w.ontology.ontology_hash)
    w.flow = w.me.get_project(hash_)
    assert [one.title for one in w.flow.workflow.stages] == ["Annotate 1", "Review 1", "Complete"]


@staged
def workflow_tasks() -> None:
    assert {one.data_title for one in stage("Annotate").get_tasks()} == set(rows())
    assert list(stage("Review").get_tasks()) == []


@staged
def assign_and_release_task() -> None:
    found = task("Annotate", "walk")
    found.assign(f"{NAME}@example.com")
    assert task("Annotate", "walk").assignee == f"{NAME}@example.com"
    found.release()
    assert task("Annotate", "walk").assignee is None


@staged
def submit_task() -> None:
    task("Annotate", "walk").submit()
    assert [one.data_title for one in stage("Review").get_tasks()] == ["walk"]


@staged
def reject_task() -> None:
    task("Review", "walk").reject()
    assert "walk" in [one.data_title for one in stage("Annotate").get_tasks()]


@staged
def approve_task() -> None:
    task("Annotate", "walk").submit()
    task("Review", "walk").approve()
    assert [one.data_title for one in stage("Complete").get_tasks()] == ["walk"]


@staged
def tasks_in_a_bundle() -> None:
    with w.flow.create_bundle() as bundle:
        for one in stage("Annotate").get_tasks():
            one.submit(bundle=bundle)
    assert list(stage("Annotate").get_tasks()) == []


@staged
def stage_of_rows() -> None:
    found = {row.data_title: row.workflow_graph_node.title for row in w.flow.list_label_rows_v2()}
    assert found["walk"] == "Complete" and found["pair"] == "Review 1"


@needs(Project, "get_task_actions")
def task_actions() -> None:
    now = datetime.now(UTC)
    found = {one.action_type.value for one in w.flow.get_task_actions(after=now - DAY, before=now + DAY)}
    assert {"assign", "release", "submit", "reject", "approve"} <= found


# --- storage ----------------------------------------------------------------------------------------------------------


@needs(EncordUserClient, "create_storage_folder")
def create_storage_folder() -> None:
    w.folder = w.me.create_storage_folder(f"folder {V}", "of checks", client_metadata={"k": "v"})
    assert w.folder.name == f"folder {V}"


@needs(EncordUserClient, "get_storage_folder")
def get_storage_folder() -> None:
    found = w.me.get_storage_folder(w.folder.uuid)
    assert (found.name, found.description) == (f"folder {V}", "of checks")


@needs(StorageFolder, "client_metadata")
def client_metadata_of_folder() -> None:
    assert w.folder.client_metadata == {"k": "v"}


@needs(StorageFolder, "upload_image")
def upload_image_to_folder() -> None:
    w.item_uuid = w.folder.upload_image(image("a.png"), title="stored.png")
    w.folder.upload_image(image("c.png"), title="other.png")


@needs(StorageFolder, "create_image_group")
def create_image_group_in_folder() -> None:
    w.group_uuid = w.folder.create_image_group([image("a.png"), image("c.png")], title="stored group")


@needs(StorageFolder, "upload_video")
def upload_video_to_folder() -> None:
    w.folder.upload_video(str(FOLDER / "video.mp4"), title="stored video")


@needs(StorageFolder, "create_dicom_series")
def create_dicom_series_in_folder() -> None:
    files = sorted(str(path) for path in (FOLDER / "ct").rglob("*.dcm"))
    w.folder.create_dicom_series(files, title="stored scan")


@needs(StorageFolder, "upload_text")
def upload_text_to_folder() -> None:
    (FOLDER / "note.txt").write_text("words")
    w.folder.upload_text(str(FOLDER / "note.txt"), title="note.txt")
    [item] = w.folder.list_items(search="note.txt")
    assert (item.file_size, item.mime_type) == (5, "text/plain")


@needs(StorageFolder, "list_items")
def list_items() -> None:
    found = {one.name for one in w.folder.list_items()}
    assert {"stored.png", "other.png"} <= found


@needs(StorageFolder, "list_items")
def list_items_by_name() -> None:
    assert [one.name for one in w.folder.list_items(search="stored.p")] == ["stored.png"]


@needs(EncordUserClient, "get_storage_item")
def get_storage_item() -> None:
    item = w.me.get_storage_item(w.item_uuid, sign_url=True)
    assert (item.name, item.width, item.height) == ("stored.png", 64, 48)
    assert requests.get(item.get_signed_url(), timeout=10).content == Path(image("a.png")).read_bytes()


@needs(EncordUserClient, "get_storage_items")
def get_storage_items() -> None:
    assert [one.name for one in w.me.get_storage_items([w.item_uuid])] == ["stored.png"]


@needs(StorageItem, "get_child_items")
def child_items() -> None:
    if hasattr(w, "group_uuid"):
        names = [one.name for one in w.me.get_storage_item(w.group_uuid).get_child_items()]
        assert len(names) == 2


@needs(StorageItem, "get_summary")
def summary_of_item() -> None:
    assert w.me.get_storage_item(w.item_uuid).get_summary().used_in_datasets == 0


@needs(StorageFolder, "get_summary")
def summary_of_folder() -> None:
    assert w.folder.get_summary().images >= 2


@needs(StorageItem, "update")
def update_item() -> None:
    item = w.me.get_storage_item(w.item_uuid)
    item.update(name="again.png", client_metadata={"q": 2})
    found = w.me.get_storage_item(w.item_uuid)
    assert (found.name, found.client_metadata) == ("again.png", {"q": 2})


@needs(StorageFolder, "update")
def update_folder() -> None:
    w.folder.update(name=f"named {V}", description="more")
    assert w.me.get_storage_folder(w.folder.uuid).name == f"named {V}"


@needs(StorageFolder, "create_subfolder")
def subfolders() -> None:
    w.inner = w.folder.create_subfolder("inner")
    assert [one.name for one in w.folder.list_subfolders()] == ["inner"]
    assert w.inner.parent.uuid == w.folder.uuid


@needs(StorageFolder, "move_items_to_folder")
def move_items() -> None:
    w.folder.move_items_to_folder(w.inner, [w.item_uuid])
    assert [one.name for one in w.inner.list_items()] == ["again.png"]
    w.inner.move_items_to_folder(w.folder, [w.item_uuid])


@needs(EncordUserClient, "list_storage_folders")
def list_storage_folders() -> None:
    assert w.folder.uuid in [one.uuid for one in w.me.list_storage_folders()]


@needs(EncordUserClient, "find_storage_folders")
def find_storage_folders() -> None:
    assert w.inner.uuid in [one.uuid for one in w.me.find_storage_folders(search="inner")]


@needs(EncordUserClient, "find_storage_items")
def find_storage_items() -> None:
    assert uuid.UUID(str(w.item_uuid)) in [one.uuid for one in w.me.find_storage_items(search="again")]


@needs(StorageFolder, "upload_image")
def link_stored_item() -> None:
    [row] = w.second.link_items([uuid.UUID(str(w.item_uuid))])
    assert (row["width"] if isinstance(row, dict) else row.width) == 64


@needs(StorageFolder, "delete_storage_items")
def delete_item_that_is_used_is_refused() -> None:
    try:
        w.folder.delete_storage_items([w.item_uuid])
    except EncordException:
        return
    raise AssertionError("an item that a dataset shows was deleted")


@needs(StorageFolder, "delete_storage_items")
def delete_items() -> None:
    [other] = list(w.folder.list_items(search="other.png"))
    w.folder.delete_storage_items([other.uuid])
    assert list(w.folder.list_items(search="other.png")) == []


@needs(StorageFolder, "delete")
def delete_folder() -> None:
    w.inner.delete()
    assert list(w.folder.list_subfolders()) == []


@needs(StorageFolder, "list_items")
def backing_folder_of_dataset() -> None:
    found = w.me.get_storage_folder(w.dataset.backing_folder_uuid)
    assert {"first.png", "walk"} <= {one.name for one in found.list_items()}


@needs(EncordUserClient, "get_storage_folder")
def folder_that_is_not_there() -> None:
    refused(ResourceNotFoundError, lambda: w.me.get_storage_folder(uuid.UUID(NOWHERE)))


# --- groups, tags, the service ----------------------------------------------------------------------------------------


@needs(EncordUserClient, "create_group")
def create_group() -> None:
    w.group = w.me.create_group(f"group {V}", "of checks")
    w.group.add_users(["member@example.com"])
    assert [one.user_email for one in w.group.list_users()] == ["member@example.com"]


@needs(EncordUserClient, "list_groups")
def list_groups() -> None:
    found = [one.name for one in w.me.list_groups()]
    assert found == ([f"group {V}"] if hasattr(w, "group") else [])


@needs(EncordUserClient, "create_group")
def group_of_project() -> None:
    hash_ = w.group.group_hash
    w.flow.add_group(hash_, ProjectUserRole.ANNOTATOR)
    assert [one.group_hash for one in w.flow.list_groups()] == [hash_]
    assert "member@example.com" in [one.user_email for one in w.flow.list_users()]
    w.flow.remove_group(hash_)
    assert "member@example.com" not in [one.user_email for one in w.flow.list_users()]


@needs(EncordUserClient, "create_group")
def group_of_dataset_ontology_and_folder() -> None:
    from encord.orm.ontology import OntologyUserRole
    from encord.orm.storage import StorageUserRole

    hash_ = w.group.group_hash
    w.dataset.add_group(hash_, DatasetUserRole.USER)
    w.ontology.add_group(hash_, OntologyUserRole.USER)
    w.folder.add_group(hash_, StorageUserRole.USER)
    for one in (w.dataset, w.ontology, w.folder):
        assert [group.group_hash for group in one.list_groups()] == [hash_]


@needs(EncordUserClient, "delete_group")
def delete_group() -> None:
    w.me.delete_group(w.group.group_hash)
    assert list(w.dataset.list_groups()) == []


@needs(EncordUserClient, "create_organisation_tag")
def tags() -> None:
    w.me.create_organisation_tag(f"tag {V}")
    w.project.add_organisation_tag(tag_name=f"tag {V}")
    assert [one.name for one in w.project.get_organisation_tags(use_cache=False)] == [f"tag {V}"]


@needs(EncordUserClient, "list_organisation_users")
def users_of_the_service() -> None:
    assert f"{NAME}@example.com" in [one.email for one in w.me.list_organisation_users()]


@needs(EncordUserClient, "metadata_schema")
def metadata_schema() -> None:
    schema = w.me.metadata_schema()
    schema.add_scalar(f"camera{NUMBER}", data_type="varchar")
    schema.save()
    assert f"camera{NUMBER}" in str(w.me.metadata_schema())


@needs(EncordUserClient, "get_bearer_token")
def bearer_token() -> None:
    token = w.me.get_bearer_token()
    other = EncordUserClient.create_with_bearer_token(getattr(token, "token", token), domain=DOMAIN)
    assert other.get_project(w.project_hash).title == f"project {V}"
    assert other.get_dataset(w.dataset_hash).title == f"set {V}"


@needs(EncordUserClient, "create_project_from_cvat")
def import_from_cvat() -> None:
    from encord.utilities.client_utilities import LocalImport

    found = w.me.create_project_from_cvat(LocalImport(str(FOLDER / "cvat_task")), f"cvat {V}")
    project = w.me.get_project(found.project_hash)
    [row] = [row for row in project.list_label_rows_v2() if row.data_title == "a.png"]
    row.initialise_labels()
    assert len(row.get_object_instances()) == 2


@needs(EncordUserClient, "deidentify_dicom_files")
def deidentify() -> None:
    url = (FOLDER / "cloud/scan.dcm").as_uri()
    [made] = w.me.deidentify_dicom_files([url], w.integration)
    assert made.startswith("file:")


@needs(EncordUserClient, "create_collection")
def collections_of_items() -> None:
    made = w.me.create_collection(w.folder.uuid, f"picked {V}", "by hand")
    made.add_items([w.item_uuid])
    found = w.me.get_collection(made.uuid)
    assert (found.name, found.description) == (f"picked {V}", "by hand")
    assert [str(one.uuid) for one in found.list_items()] == [str(w.item_uuid)]
    made.remove_items([w.item_uuid])
    assert list(found.list_items()) == []
    made.update_collection("again", "more")
    assert [one.name for one in w.me.list_collections(top_level_folder_uuid=w.folder.uuid)] == ["again"]
    w.me.delete_collection(made.uuid)
    assert list(w.me.list_collections(top_level_folder_uuid=w.folder.uuid)) == []


@needs(EncordUserClient, "create_preset")
def presets() -> None:
    made = w.me.create_preset(f"preset {V}", {"local_filters": {}, "global_filters": {"filters": [{"a": 1}]}}, "d")
    found = w.me.get_filter_preset(made.uuid)
    assert (found.name, found.get_filter_preset_json().global_filters.filters) == (f"preset {V}", [{"a": 1}])
    made.update_preset(name="again")
    assert [one.name for one in w.me.list_presets()] == ["again"]
    w.me.delete_preset(made.uuid)


@needs(Project, "create_collection")
def collections_of_frames() -> None:
    from encord.orm.collection import ProjectDataCollectionItemRequest

    made = w.project.create_collection(f"frames {V}", "by hand")
    made.add_items([ProjectDataCollectionItemRequest(data_uuid=rows()["walk"].data_hash, frame=2)])
    [found] = list(w.project.list_collections())
    [(row, frames)] = [(row, frames) for row, frames in found.list_frames()]
    assert (row.data_title, [one.frame for one in frames]) == ("walk", [2])
    w.project.delete_collection(made.uuid)
    assert list(w.project.list_collections()) == []


@needs(Project, "create_filter_preset")
def presets_of_project() -> None:
    from encord.orm.filter_preset import ActiveFilterPresetDefinition

    made = w.project.create_filter_preset(f"preset {V}", ActiveFilterPresetDefinition())
    assert [one.name for one in w.project.list_filter_presets()] == [f"preset {V}"]
    made.get_filter_preset_json()
    w.project.delete_filter_preset(made.uuid)


@needs(Project, "add_issue_tags")
def issue_tags() -> None:
    w.project.add_issue_tags(["blurred", "cut"])
    assert sorted(one.name for one in w.project.get_issue_tags()) == ["blurred", "cut"]


@needs(Project, "active_sync")
def what_has_no_engine_is_refused_with_words() -> None:
    try:
        w.project.active_sync()
    except EncordException as error:
        assert "has no engine that evaluates filters" in str(error)
        return
    raise AssertionError("a sync without an engine was done")
