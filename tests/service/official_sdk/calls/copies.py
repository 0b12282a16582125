"""Copies of projects, and their keys."""

from __future__ import annotations

from datasets import rows
from encord.client import EncordClientProject
from encord.exceptions import (
    AuthenticationError,
    AuthorisationError,
)
from encord.orm.project import CopyDatasetAction, CopyDatasetOptions, CopyLabelsOptions, ReviewApprovalState
from encord.utilities.client_utilities import APIKeyScopes
from label_rows import label_rows
from world import DOMAIN, check, refused, w


@check
def copy_project_with_labels() -> None:
    hash_ = w.project.copy_project(
        copy_datasets=True, copy_collaborators=True, copy_labels=CopyLabelsOptions(), new_title="Copy"
    )
    copy = w.ann.get_project(hash_)
    assert copy.title == "Copy"
    row = next(one for one in copy.list_label_rows_v2() if one.data_title == "walk")
    row.initialise_labels()
    assert len(row.get_object_instances()) == 2
    assert w.bob.get_project(hash_).title == "Copy"


@check
def copy_project_with_cloned_dataset() -> None:
    options = CopyDatasetOptions(
        action=CopyDatasetAction.CLONE,
        dataset_title="Clone",
        datasets_to_data_hashes_map={w.dataset_hash: [rows()["walk"].uid]},
    )
    hash_ = w.project.copy_project(copy_datasets=options, copy_labels=CopyLabelsOptions())
    copy = w.ann.get_project(hash_)
    [found] = copy.list_label_rows_v2()
    assert (found.data_title, found.dataset_title) == ("walk", "Clone")
    assert found.data_hash != rows()["walk"].uid


@check
def copy_project_bare() -> None:
    copy = w.ann.get_project(w.project.copy_project(new_title="Bare", new_description="nothing in it"))
    assert (copy.title, copy.datasets) == ("Bare", [])


@check
def project_api_keys() -> None:
    w.read_key = w.ann.create_project_api_key(w.project_hash, "reader", [APIKeyScopes.LABEL_READ])
    assert [key.title for key in w.ann.get_project_api_keys(w.project_hash)] == ["reader"]


def by_key(key: str) -> EncordClientProject:
    return EncordClientProject.initialise(w.project_hash, key, domain=DOMAIN)


@check
def project_api_key_reads() -> None:
    client = by_key(w.read_key)
    assert client.get_project().title == "Labels"
    label_hash = label_rows()["walk"].label_hash
    assert client.get_label_row(label_hash)["label_hash"] == label_hash


@check
def read_only_api_key_does_not_save() -> None:
    client = by_key(w.read_key)
    label_hash = label_rows()["walk"].label_hash
    row = client.get_label_row(label_hash, get_signed_url=False)
    refused(AuthorisationError, lambda: client.save_label_row(label_hash, row))


@check
def read_only_api_key_sees_no_logs() -> None:
    refused(AuthorisationError, lambda: by_key(w.read_key).get_label_logs())


@check
def get_or_create_project_api_key() -> None:
    key = w.ann.get_or_create_project_api_key(w.project_hash)
    assert by_key(key).get_project().title == "Labels"


@check
def wrong_project_api_key_is_an_authentication_error() -> None:
    refused(AuthenticationError, lambda: by_key("y" * 43))


@check
def copy_project_with_labels_of_some_rows() -> None:
    label_hash = label_rows()["walk"].label_hash
    hash_ = w.project.copy_project(
        copy_datasets=CopyDatasetOptions(action=CopyDatasetAction.ATTACH),
        copy_labels=CopyLabelsOptions(accepted_label_hashes=[label_hash]),
    )
    found = {row.data_title: row for row in w.ann.get_project(hash_).list_label_rows_v2()}
    assert [title for title, row in found.items() if row.label_hash] == ["walk"]
    assert found["walk"].label_hash != label_hash


@check
def copy_project_with_labels_of_some_states() -> None:
    hash_ = w.project.copy_project(
        copy_datasets=True, copy_labels=CopyLabelsOptions(accepted_label_statuses=[ReviewApprovalState.APPROVED])
    )
    approved = {title for title, row in label_rows().items() if row.label_status.name.startswith("REVIEWED")}
    copied = {row.data_title for row in w.ann.get_project(hash_).list_label_rows_v2() if row.label_hash}
    assert approved == copied


@check
def copy_project_with_models() -> None:
    uid = w.project.create_model_row("copied", "", [w.project.ontology_structure.objects[0].feature_node_hash], "vgg16")
    copy = w.ann.get_project(w.project.copy_project(copy_models=True))
    assert [model.title for model in copy.list_models()] == ["copied"]
    w.project.model_delete(uid)


@check
def a_key_that_writes_saves() -> None:
    key = w.ann.create_project_api_key(w.project_hash, "writer", [APIKeyScopes.LABEL_READ, APIKeyScopes.LABEL_WRITE])
    client = by_key(key)
    label_hash = label_rows()["walk"].label_hash
    row = client.get_label_row(label_hash, get_signed_url=False)
    assert client.save_label_row(label_hash, row)
    assert client.save_label_rows([label_hash], [row])


@check
def a_key_of_logs_reads_logs_and_no_labels() -> None:
    client = by_key(w.ann.create_project_api_key(w.project_hash, "logs", [APIKeyScopes.LABEL_LOGS_READ]))
    assert client.get_label_logs()
    refused(AuthorisationError, lambda: client.get_label_row(label_rows()["walk"].label_hash))


@check
def project_client_of_a_user() -> None:
    client = w.ann.get_project_client(w.project_hash, domain=DOMAIN)
    assert client.get_project().title == "Labels"
    assert len(client.list_label_rows()) == len(label_rows())


@check
def a_key_opens_no_other_project() -> None:
    refused(
        AuthenticationError,
        lambda: EncordClientProject.initialise(w.own.project_hash, w.read_key, domain=DOMAIN),
    )
