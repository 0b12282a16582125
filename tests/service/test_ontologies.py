"""Ontologies, through our own client, in process and over a socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import Running
from worlds import ontology, world

from encord_convert.sdk.exceptions import (
    AuthorisationError,
    InvalidArgumentsError,
    InvalidDateFormatError,
    ResourceNotFoundError,
)
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.objects import OntologyStructure, Shape
from encord_convert.sdk.orm.project import CopyDatasetOptions
from encord_convert.sdk.project_ontology.classification_type import ClassificationType
from encord_convert.sdk.project_ontology.object_type import ObjectShape
from encord_convert.sdk.utilities.project_user import ProjectUserRole

HUB = Path(__file__).parents[2] / "fixtures/hub/ontologies"


@pytest.mark.proves("service: 7")
@pytest.mark.parametrize("name", ["all-shapes", "rich-attributes", "newer-all", "empty"])
def test_an_ontology_is_fetched_as_it_was_made(server: Running, name: str) -> None:
    sample = json.loads((HUB / f"{name}.json").read_text())
    structure = OntologyStructure.from_dict(sample.get("ontology", sample))
    made = server.user("ann").create_ontology("Traffic", "all of it", structure)
    fetched = server.user("ann").get_ontology(made.ontology_hash)
    assert (fetched.title, fetched.description) == ("Traffic", "all of it")
    assert fetched.structure.to_dict() == structure.to_dict()


@pytest.mark.proves("service: 7")
def test_what_is_changed_is_saved_and_dates_are_the_services(server: Running) -> None:
    made = server.user("ann").create_ontology("Traffic", structure=ontology())
    made.title, made.description = "Roads", "renamed"
    made.structure.add_object("Bus", Shape.POLYGON)
    made.save()
    fetched = server.user("ann").get_ontology(made.ontology_hash)
    assert (fetched.title, fetched.description) == ("Roads", "renamed")
    assert [one.name for one in fetched.structure.objects] == ["Car", "Leaf", "Bus"]
    assert fetched.created_at == made.created_at


def test_a_listing_has_the_ontologies_of_the_caller_that_meet_the_conditions(server: Running) -> None:
    ann = server.user("ann")
    for title in ("50% of cars", "50 of cars", "trees"):
        ann.create_ontology(title, f"about {title}")
    server.user("bob").create_ontology("of cars, bob's")

    def titles(**conditions: Any) -> list[str]:
        return [one["ontology"].title for one in ann.get_ontologies(**conditions)]

    assert titles() == ["50% of cars", "50 of cars", "trees"]
    assert titles(title_like="%of cars") == ["50% of cars", "50 of cars"]
    assert titles(title_like=r"50\% of cars") == ["50% of cars"]
    assert titles(title_eq="trees", desc_like="about%") == ["trees"]
    assert titles(created_before="2020-01-01") == titles(edited_after="2999-01-01T00:00:00+02:00") == []
    assert titles(created_after="2020-01-01") == titles()


def test_items_of_the_listing_have_exactly_three_keys(server: Running) -> None:
    ann = server.user("ann")
    ann.create_ontology("Traffic", structure=ontology())
    [item] = ann.querier.get_list(Query.ONTOLOGY_WITH_USER_ROLE, None, {"filter": {}})
    assert set(item) == {"user_role", "user_email", "ontology"} and item["user_email"] == "ann@example.com"
    assert set(item["ontology"]) == {"ontology_hash", "title", "description", "editor", "created_at", "last_edited_at"}


def test_a_condition_nobody_knows_is_refused(server: Running) -> None:
    querier = server.user("ann").querier
    with pytest.raises(InvalidArgumentsError, match="The filter has no 'titel_eq'"):
        querier.get_list(Query.ONTOLOGY_WITH_USER_ROLE, None, {"filter": {"titel_eq": "x"}})
    with pytest.raises(InvalidDateFormatError):
        querier.get_list(Query.ONTOLOGY_WITH_USER_ROLE, None, {"filter": {"created_before": "soon"}})


def test_what_no_client_could_read_is_no_ontology(server: Running) -> None:
    querier = server.user("ann").querier
    editor = {"objects": [{"id": "1", "name": "Car", "color": "#000000", "shape": "egg", "featureNodeHash": "a"}]}
    for broken, message in (
        (
            editor | {"classifications": []},
            "The editor is no ontology structure: The shape of an object is one of .*, not 'egg'",
        ),
        ({"objects": []}, "The editor is no ontology structure: 'classifications' is missing"),
    ):
        with pytest.raises(InvalidArgumentsError, match=message):
            querier.post(Query.ONTOLOGY, None, {"title": "t", "description": "", "editor": broken})


def test_an_ontology_of_another_is_as_if_it_were_not(server: Running) -> None:
    made = server.user("ann").create_ontology("Traffic")
    with pytest.raises(ResourceNotFoundError, match="or this key may not see it"):
        server.user("bob").get_ontology(made.ontology_hash)


@pytest.mark.proves("service: 7")
def test_members_of_a_project_read_its_ontology_and_admins_change_it(server: Running) -> None:
    here = world(server)
    bobs = here.seen_by("bob", ProjectUserRole.ANNOTATOR)
    assert [one.name for one in bobs.ontology_structure.objects] == ["Car", "Leaf"]
    bobs._ontology.title = "Bob's"
    with pytest.raises(AuthorisationError):
        bobs._ontology.save()
    evas = here.seen_by("eva", ProjectUserRole.ADMIN)
    evas.ontology_structure.add_object("Bus", Shape.POLYGON)
    evas._ontology.save()
    here.project.refetch_ontology()
    assert [one.name for one in here.project.ontology_structure.objects] == ["Car", "Leaf", "Bus"]


def test_other_ontologies_are_not_reached_through_a_project(server: Running) -> None:
    here = world(server)
    secret = server.user("bob").create_ontology("Secret")
    with pytest.raises(ResourceNotFoundError):
        here.client._querier.get(Query.ONTOLOGY, secret.ontology_hash)


@pytest.mark.proves("service: 7", "service: 19.2")
def test_the_older_flat_ontology_is_read_and_written(server: Running) -> None:
    here = world(server)
    here.client.add_object("Bus", ObjectShape.POLYGON)
    here.client.add_classification("Light", ClassificationType.RADIO, True, ["red", "green"])
    here.client.add_classification("Plate", ClassificationType.TEXT, False)
    here.project.refetch_ontology()
    structure = here.project.ontology_structure
    assert [one.name for one in structure.objects] == ["Car", "Leaf", "Bus"]
    assert [one.title for one in structure.classifications] == ["Weather", "Light", "Plate"]
    assert [one.label for one in structure.classifications[1].attributes[0].options] == ["red", "green"]


@pytest.mark.proves("service: 7")
def test_a_copied_project_has_the_same_ontology(server: Running) -> None:
    here = world(server)
    copy = here.user.get_project(here.project.copy_project(copy_datasets=CopyDatasetOptions()))
    assert copy.ontology_hash == here.project.ontology_hash
