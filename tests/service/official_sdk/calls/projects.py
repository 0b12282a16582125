"""Projects: made, listed, shared."""

from __future__ import annotations

from datetime import UTC, datetime

from encord.exceptions import (
    AuthorisationError,
    ResourceNotFoundError,
)
from encord.project_ontology.classification_type import ClassificationType
from encord.project_ontology.object_type import ObjectShape
from encord.utilities.client_utilities import APIKeyScopes
from encord.utilities.project_user import ProjectUserRole
from world import DAY, check, refused, w


@check
def create_project() -> None:
    w.project_hash = w.ann.create_project(
        "Labels", [w.dataset_hash], project_description="first", ontology_hash=w.ontology.ontology_hash
    )
    w.project = w.ann.get_project(w.project_hash)


@check
def open_project() -> None:
    assert (w.project.title, w.project.description, w.project.ontology_hash) == (
        "Labels",
        "first",
        w.ontology.ontology_hash,
    )
    assert [one["dataset_hash"] for one in w.project.datasets] == [w.dataset_hash]
    assert w.project.created_at.year >= 2024
    assert w.project.ontology_structure.to_dict() == w.ontology.structure.to_dict()


@check
def list_projects() -> None:
    [found] = w.ann.get_projects(title_eq="Labels")
    assert found["project"].project_hash == w.project_hash
    assert found["user_role"] == ProjectUserRole.ADMIN
    assert w.ann.get_projects(desc_like="sec%") == []


@check
def create_project_without_ontology() -> None:
    hash_ = w.ann.create_project("Own ontology", [])
    w.own = w.ann.get_project(hash_)
    assert w.own.ontology_structure.to_dict() == {"objects": [], "classifications": []}


@check
def add_object_and_classification_the_old_way() -> None:
    assert w.own.add_object("Car", ObjectShape.BOUNDING_BOX)
    assert w.own.add_classification("Weather", ClassificationType.RADIO, True, ["Sun", "Rain"])
    ontology = w.own.get_project_ontology()
    assert [item.name for item in ontology.ontology_objects] == ["Car"]
    assert len(ontology.ontology_classifications) == 1
    w.own.refetch_ontology()
    [weather] = w.own.ontology_structure.classifications
    assert (weather.title, [one.title for one in weather.attributes[0].options]) == ("Weather", ["Sun", "Rain"])


@check
def unknown_project_is_not_found() -> None:
    refused(ResourceNotFoundError, lambda: w.ann.get_project("00000000-0000-4000-8000-000000000000"))


@check
def project_of_another_is_not_found() -> None:
    refused(ResourceNotFoundError, lambda: w.bob.get_project(w.project_hash))


@check
def refetch_project() -> None:
    w.project.refetch_data()
    w.project.refetch_ontology()
    assert w.project.get_project().title == "Labels"


@check
def add_and_remove_datasets() -> None:
    assert w.project.add_datasets([w.plain.dataset_hash])
    assert len(w.project.datasets) == 2
    assert w.project.remove_datasets([w.plain.dataset_hash])
    assert [one["dataset_hash"] for one in w.project.datasets] == [w.dataset_hash]


@check
def add_users_to_project() -> None:
    [user] = w.project.add_users(["bob@example.com"], ProjectUserRole.REVIEWER)
    assert (user.user_email, user.user_role) == ("bob@example.com", ProjectUserRole.REVIEWER)
    assert w.bob.get_project(w.project_hash).title == "Labels"


@check
def reviewer_may_not_add_users() -> None:
    project = w.bob.get_project(w.project_hash)
    refused(AuthorisationError, lambda: project.add_users(["eve@example.com"], ProjectUserRole.ADMIN))


@check
def list_projects_by_each_filter() -> None:
    now = datetime.now(UTC)

    def listed(**filters: object) -> set[str]:
        return {one["project"].title for one in w.ann.get_projects(**filters)}

    both = {"Labels", "Own ontology"}
    assert listed(desc_eq="first") == {"Labels"} == listed(desc_like="fir_t") == listed(title_like="Lab%")
    assert listed(created_after=now - DAY) == both == listed(created_before=now + DAY)
    assert listed(edited_after=now - DAY) == both == listed(edited_before=now + DAY)
    assert listed(created_after=now + DAY) == set() == listed(edited_before=now - DAY)


@check
def every_role_in_a_project() -> None:
    for role in ProjectUserRole:
        [user] = w.own.add_users([f"{role.name.lower()}@example.com"], role)
        assert user.user_role == role


@check
def a_reviewer_may_not_give_keys() -> None:
    refused(AuthorisationError, lambda: w.bob.create_project_api_key(w.project_hash, "k", [APIKeyScopes.LABEL_READ]))


@check
def integrations_of_a_project() -> None:
    assert [one.id for one in w.project.get_cloud_integrations()] == [w.integration]
