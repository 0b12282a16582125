"""Every route and every kind of caller: allowed exactly where the table says, and answered by somebody.

The table is written down here and read from nowhere. A call is *let in* if what it gets is not a refusal of the caller:
it has nothing in it, so most that are let in are told what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from harness import Running, key_of, running
from worlds import World, world

from encord_convert.sdk.http._envelopes import request_bytes
from encord_convert.sdk.http._signatures import authorization, signature_headers
from encord_convert.sdk.http.routes import PATH_ROUTES, RESOURCE, ROUTES, USER, Query, Verb
from encord_convert.sdk.http.transport import Request
from encord_convert.sdk.orm.dataset import DatasetScope, DatasetUserRole
from encord_convert.sdk.utilities.client_utilities import APIKeyScopes
from encord_convert.sdk.utilities.project_user import ProjectUserRole
from encord_convert.service.calls import HANDLERS, PATH_HANDLERS

PROJECT_ROLES = {role.name.lower(): role for role in ProjectUserRole}
DATASET_ROLES = {"admin": DatasetUserRole.ADMIN, "user": DatasetUserRole.USER}
EVERY_ROLE = "admin annotator reviewer annotator_reviewer team_manager"
EVERY_SCOPE = "label.read label.write model.inference model.train label_logs.read algo.library"

TABLE = f"""
project   project                GET     {EVERY_ROLE}                                   | {EVERY_SCOPE}
project   project                POST    admin                                          |
project   projectusers           POST    admin team_manager                             |
project   projectcopy            POST    admin                                          |
project   projectdataset         POST    admin                                          |
project   projectdataset         DELETE  admin                                          |
project   ontology               GET     {EVERY_ROLE}                                   | {EVERY_SCOPE}
project   ontology               PUT     admin                                          |
project   datasetdata            GET     {EVERY_ROLE}                                   | label.read
project   labelrowmetadata       GET     {EVERY_ROLE}                                   | label.read
project   labelrow               GET     {EVERY_ROLE}                                   | label.read
project   labelrow               PUT     admin annotator annotator_reviewer team_manager | label.write
project   labelrow               POST    admin annotator annotator_reviewer team_manager | label.write
project   review                 PUT     admin annotator annotator_reviewer team_manager | label.write
project   labelstatus            POST    admin reviewer annotator_reviewer team_manager | label.write
project   labelworkflowgraphnode POST    admin reviewer annotator_reviewer team_manager | label.write
project   labellog               GET     admin team_manager                             | label_logs.read
project   labelingalgorithm      POST    {EVERY_ROLE}                                   | algo.library
project   modelconfiguration     GET     {EVERY_ROLE}                                   | model.inference
project   trainingmetadata       GET     {EVERY_ROLE}                                   | model.inference
project   model                  POST    {EVERY_ROLE}                                   | model.inference
project   model                  PUT     admin team_manager                             | model.train
project   model                  DELETE  admin team_manager                             | model.train
project   cloudintegration       GET     {EVERY_ROLE}                                   | {EVERY_SCOPE}
project   apikeymeta             GET                                                    | {EVERY_SCOPE}
dataset   dataset                GET     admin user                                     | dataset.read
dataset   datarows               GET     admin user                                     | dataset.read
dataset   datarow                GET     admin user                                     | dataset.read
dataset   datarow                POST    admin                                          | dataset.write
dataset   video                  POST    admin                                          | dataset.write
dataset   video                  PUT     admin                                          | dataset.write
dataset   video                  DELETE  admin                                          | dataset.write
dataset   imagegroup             POST    admin                                          | dataset.write
dataset   imagegroup             DELETE  admin                                          | dataset.write
dataset   imagegroupocr          GET     admin user                                     | dataset.read
dataset   images                 PUT     admin                                          | dataset.write
dataset   singleimage            POST    admin                                          | dataset.write
dataset   dicomseries            POST    admin                                          | dataset.write
dataset   signedvideourl         GET     admin                                          | dataset.write
dataset   signedimagesurl        GET     admin                                          | dataset.write
dataset   signeddicomsurl        GET     admin                                          | dataset.write
dataset   datasetusers           POST    admin                                          |
dataset   datasetlinkitems       POST    admin                                          |
dataset   datasetdatalongpolling GET     admin                                          | dataset.write
dataset   datasetdatalongpolling POST    admin                                          | dataset.write
dataset   reencodevideotask      GET     admin user                                     | dataset.read
dataset   reencodevideotask      PUT     admin                                          | dataset.write
dataset   cloudintegration       GET     admin user                                     | dataset.read dataset.write
dataset   apikeymeta             GET                                                    | dataset.read dataset.write
ontology  ontology               GET     owner                                          |
ontology  ontology               PUT     owner                                          |
"""
"""In whose name, query type, verb; roles that are let in | scopes of API keys that are."""

OF_USERS = """
cloudintegration GET, dataset POST, datasetapikey GET, datasetapikey POST, datasetapikey PUT, datasetwithuserrole GET,
dicomdeidentifytask POST, ontology GET, ontology POST, ontology PUT, ontologywithuserrole GET, project POST,
projectapikey GET, projectapikey POST, projectapikey PUT, projectimporter POST, projectimportercvatinfo POST,
projectwithuserrole GET
"""
"""What every user may ask on the user endpoint, and nobody else."""


def rows() -> Iterator[tuple[str, Query, Verb, set[str], set[str]]]:
    for line in TABLE.strip().splitlines():
        words, _, scopes = line.partition("|")
        kind, query, verb, *roles = words.split()
        yield kind, Query(query), Verb(verb), set(roles), set(scopes.split())


def user_routes() -> list[tuple[Query, Verb]]:
    return [(Query(query), Verb(verb)) for query, verb in (one.split() for one in OF_USERS.split(","))]


@dataclass
class Callers:
    """Everyone who may call, with a project, a dataset and an ontology they share."""

    server: Running
    made: World
    hashes: dict[str, str]
    keys: dict[str, dict[str, str]]

    def send(self, path: str, body: bytes, headers: dict[str, str]) -> dict:
        reply = self.server.transport().send(Request("POST", self.server.url + path, headers, body))
        return json.loads(reply.body)

    def is_let_in(self, path: str, body: bytes, headers: dict[str, str], kind: str = "") -> bool:
        told = self.send(path, body, headers)
        if told["response"] == ["RESOURCE_NOT_FOUND_ERROR"]:
            return self.hashes.get(kind, "nothing") not in (told.get("payload") or "")
        return told["response"] not in (["AUTHENTICATION_ERROR"], ["AUTHORISATION_ERROR"])

    def resource(self, kind: str) -> dict[str, str]:
        return {"ResourceType": kind, "ResourceID": self.hashes[kind]}


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    with running(tmp_path_factory.mktemp("routes")) as server:
        made = world(server)
        ann, project_hash = made.user, made.project.project_hash
        dataset = ann.get_dataset(made.dataset_hash)
        for name in (
            *(f"project-{one}" for one in PROJECT_ROLES),
            *(f"dataset-{one}" for one in DATASET_ROLES),
            "other",
        ):
            server.user(name)
        for name, role in PROJECT_ROLES.items():
            made.project.add_users([f"project-{name}@example.com"], role)
        for name, dataset_role in DATASET_ROLES.items():
            dataset.add_users([f"dataset-{name}@example.com"], dataset_role)
        keys = {
            "project": {
                scope.value: ann.create_project_api_key(project_hash, scope.value, [scope]) for scope in APIKeyScopes
            },
            "dataset": {
                scope.value: ann.create_dataset_api_key(made.dataset_hash, scope.value, [scope]).api_key
                for scope in DatasetScope
            },
        }
        hashes = {"project": project_hash, "dataset": made.dataset_hash, "ontology": made.project.ontology_hash}
        yield Callers(server, made, hashes, keys)


def names_of(kind: str) -> dict[str, str]:
    """Role to the user who has it."""
    if kind == "ontology":
        return {"owner": "ann"}
    return {role: f"{kind}-{role}" for role in (PROJECT_ROLES if kind == "project" else DATASET_ROLES)}


@pytest.mark.proves("service: 4")
@pytest.mark.parametrize("row", list(rows()), ids=lambda row: " ".join(row[:3]))
def test_roles_and_scopes_are_let_in_as_the_table_says(
    callers: Callers, row: tuple[str, Query, Verb, set[str], set[str]]
) -> None:
    kind, query, verb, roles, scopes = row
    body = request_bytes(query, verb, None, {})
    resource = callers.resource(kind)
    let_in = {
        role
        for role, name in names_of(kind).items()
        if callers.is_let_in(RESOURCE, body, {**resource, "Authorization": authorization(key_of(name), body)}, kind)
    }
    assert let_in == roles
    by_key = {
        scope
        for scope, key in callers.keys.get(kind, {}).items()
        if callers.is_let_in(RESOURCE, body, {"ResourceID": resource["ResourceID"], "Authorization": key}, kind)
    }
    assert by_key == scopes


@pytest.mark.proves("service: 4")
@pytest.mark.parametrize("row", list(rows()), ids=lambda row: " ".join(row[:3]))
def test_nobody_else_is_let_in(callers: Callers, row: tuple[str, Query, Verb, set[str], set[str]]) -> None:
    kind, query, verb, _, _ = row
    body = request_bytes(query, verb, None, {})
    resource = callers.resource(kind)
    good = authorization(key_of("ann"), body)
    others = {
        "another user": {**resource, "Authorization": authorization(key_of("other"), body)},
        "an unknown key": {**resource, "Authorization": authorization(key_of("nobody knows"), body)},
        "no key": resource,
        "a signature of another body": {**resource, "Authorization": authorization(key_of("ann"), body + b" ")},
        "a changed signature": {**resource, "Authorization": good[:-2] + ("00" if good[-2:] != "00" else "01")},
        "an API key that is none": {"ResourceID": resource["ResourceID"], "Authorization": "x" * 43},
    }
    elsewhere = "dataset" if kind == "project" else "project"
    for scope, key in callers.keys[elsewhere].items():
        others[f"the key {scope} of the {elsewhere}"] = {"ResourceID": resource["ResourceID"], "Authorization": key}
    assert {name for name, headers in others.items() if callers.is_let_in(RESOURCE, body, headers, kind)} == set()


@pytest.mark.proves("service: 4")
@pytest.mark.parametrize(("query", "verb"), user_routes(), ids=lambda one: str(one))
def test_the_user_endpoint_is_for_users(callers: Callers, query: Query, verb: Verb) -> None:
    body = request_bytes(query, verb, None, {})
    good = authorization(key_of("other"), body)
    assert callers.is_let_in(USER, body, {"Authorization": good})
    for headers in (
        {},
        {"Authorization": authorization(key_of("nobody knows"), body)},
        {"Authorization": authorization(key_of("ann"), b"")},
        *({"Authorization": key, "ResourceID": callers.hashes["project"]} for key in callers.keys["project"].values()),
        *({"Authorization": key, "ResourceID": callers.hashes["dataset"]} for key in callers.keys["dataset"].values()),
    ):
        assert not callers.is_let_in(USER, body, headers)


ALLOWED_PATHS = {
    ("GET", "/v2/public/analytics/collaborators/timers?projectHash={project}&after=2024-01-01&groupBy=project"): {
        "admin",
        "team_manager",
    },
    ("POST", "/v2/public/projects/{project}/priorities"): {"admin", "team_manager"},
}


@pytest.mark.proves("service: 4")
@pytest.mark.parametrize(("method", "path"), ALLOWED_PATHS)
def test_the_younger_half_lets_in_whom_the_table_says(callers: Callers, method: str, path: str) -> None:
    target = path.format(**callers.hashes)
    body = b'{"priorities": []}' if method == "POST" else b""

    def status(name: str, method_signed: str = method, created: int = 0) -> int:
        now = int(callers.server.service.clock()) + created
        headers = signature_headers(key_of(name), method_signed, target, body, now)
        return callers.server.transport().send(Request(method, callers.server.url + target, headers, body)).status

    refused = {403, 404}
    let_in = {role for role, name in names_of("project").items() if status(name) not in refused}
    assert let_in == ALLOWED_PATHS[method, path]
    assert status("other") == 404
    assert status("nobody knows") == status("ann", "PATCH") == status("ann", created=-400) == 401
    reply = callers.server.transport().send(Request(method, callers.server.url + target, {}, body))
    assert reply.status == 401


@pytest.mark.proves("service: 4")
def test_every_route_is_in_the_table_and_has_a_handler() -> None:
    told = {(RESOURCE, query, verb) for _, query, verb, _, _ in rows()} | {(USER, *one) for one in user_routes()}
    known = {(endpoint, *route) for route, one in ROUTES.items() for endpoint in one.endpoints}
    assert told == known
    assert known - set(HANDLERS) == set()
    assert set(PATH_ROUTES) - set(PATH_HANDLERS) == set()


def test_what_is_no_route_is_refused(callers: Callers) -> None:
    body = json.dumps(
        {"query_type": "secrets", "query_method": "GET", "values": {"uid": None, "payload": None}}
    ).encode()
    told = callers.send(USER, body, {"Authorization": authorization(key_of("ann"), body)})
    assert (told["response"], told["payload"]) == (["INVALID_ARGUMENTS_ERROR"], f"GET secrets is not served at {USER}.")
