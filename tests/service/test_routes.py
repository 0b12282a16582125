"""Every route and every kind of caller: allowed exactly where the table says, and answered by somebody.

The table is written down here and read from nowhere. A call is *let in* if what it gets is not a refusal of the caller:
it has nothing in it, so most that are let in are told what is missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from harness import Running, key_of, running
from sqlalchemy import Connection
from worlds import World, world

from encord_convert.sdk.http._envelopes import request_bytes
from encord_convert.sdk.http._signatures import authorization, signature_headers
from encord_convert.sdk.http.routes import PATH_ROUTES, RESOURCE, ROUTES, USER, V2, Query, Verb
from encord_convert.sdk.http.transport import Request
from encord_convert.sdk.orm.dataset import DatasetScope, DatasetUserRole
from encord_convert.sdk.utilities.client_utilities import APIKeyScopes
from encord_convert.sdk.utilities.project_user import ProjectUserRole
from encord_convert.service.calls import HANDLERS, PATH_HANDLERS
from encord_convert.service.store import datasets, groups, users

PROJECT_ROLES = {role.name.lower(): role for role in ProjectUserRole}
DATASET_ROLES = {"admin": DatasetUserRole.ADMIN, "user": DatasetUserRole.USER}
EVERY_ROLE = "admin annotator reviewer annotator_reviewer team_manager"
EVERY_REVIEWER = "admin reviewer annotator_reviewer team_manager"
NAMES = re.compile(r"{\w+}")
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
        hashes |= server.service.database.write(lambda db: shared(db, made.dataset_hash)).result()
        yield Callers(server, made, hashes, keys)


def shared(db: Connection, dataset_hash: str) -> dict[str, str]:
    """The folder of a dataset, and a group with a member."""
    of = {name: users.user_named(db, f"{name}@example.com", 0.0) for name in ("ann", "dataset-user")}
    group_hash = groups.add(db, of["ann"], "Labellers", "", 0.0)
    groups.add_users(db, group_hash, [of["dataset-user"]])
    return {"folder": datasets.dataset(db, dataset_hash).backing_folder_uuid, "group": group_hash}


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


YOUNGER = f"""
project   GET    projects/{{project}}                                {EVERY_ROLE}
project   GET    projects/{{project}}/branches                       {EVERY_ROLE}
project   GET    projects/{{project}}/datasets                       {EVERY_ROLE}
project   GET    projects/{{project}}/editor-logs                    admin team_manager
project   GET    projects/{{project}}/issue-tags                     {EVERY_ROLE}
project   POST   projects/{{project}}/issue-tags                     admin team_manager
project   GET    active/{{project}}/collections                      {EVERY_ROLE}
project   POST   active/{{project}}/collections                      {EVERY_ROLE}
project   PATCH  active/{{project}}/collections/x                    {EVERY_ROLE}
project   DELETE active/{{project}}/collections/x                    {EVERY_ROLE}
project   GET    active/{{project}}/collections/x/items              {EVERY_ROLE}
project   POST   active/{{project}}/collections/x/add-items          {EVERY_ROLE}
project   POST   active/{{project}}/collections/x/add-preset-items   {EVERY_ROLE}
project   POST   active/{{project}}/collections/x/remove-items       {EVERY_ROLE}
project   POST   active/{{project}}/collections/x/remove-preset-items {EVERY_ROLE}
project   POST   active/{{project}}/import                           admin team_manager
project   POST   active/{{project}}/sync                             admin team_manager
project   GET    active/{{project}}/presets                          {EVERY_ROLE}
project   POST   active/{{project}}/presets                          {EVERY_ROLE}
project   GET    active/{{project}}/presets/x/raw                    {EVERY_ROLE}
project   PATCH  active/{{project}}/presets/x                        {EVERY_ROLE}
project   DELETE active/{{project}}/presets/x                        {EVERY_ROLE}
project   GET    projects/{{project}}/groups                         {EVERY_ROLE}
project   POST   projects/{{project}}/groups                         admin
project   DELETE projects/{{project}}/groups                         admin
project   POST   projects/{{project}}/label-rows/classifications     {EVERY_ROLE}
project   POST   projects/{{project}}/labels/copy-branch             admin team_manager
project   GET    projects/{{project}}/labels/x/validation-state      {EVERY_ROLE}
project   POST   projects/{{project}}/priorities                     admin team_manager
project   PUT    projects/{{project}}/status                         admin team_manager
project   GET    projects/{{project}}/tags                           {EVERY_ROLE}
project   PUT    projects/{{project}}/tags/x                         admin team_manager
project   DELETE projects/{{project}}/tags/x                         admin team_manager
project   GET    projects/{{project}}/users                          {EVERY_ROLE}
project   POST   projects/{{project}}/users/bulk-delete              admin team_manager
project   POST   projects/{{project}}/workflow/stages/x/actions      {EVERY_ROLE}
project   POST   projects/{{project}}/workflow/stages/x/move-tasks   admin team_manager
project   GET    projects/{{project}}/workflow/stages/x/tasks        {EVERY_ROLE}
project   GET    projects/{{project}}/workflow/stages/x/tasks/y/reviews            {EVERY_ROLE}
project   POST   projects/{{project}}/workflow/stages/x/tasks/y/reviews/actions    {EVERY_REVIEWER}
project   GET    analytics/collaborators/timers?projectHash={{project}}&after=2024-01-01 admin team_manager
project   GET    analytics/task-actions?projectUuid={{project}}&after=2024-01-01   admin team_manager
project   GET    analytics/time-spent?projectUuid={{project}}&after=2024-01-01     admin team_manager
dataset   GET    datasets/{{dataset}}/users                          admin user
dataset   POST   datasets/{{dataset}}/users/bulk-delete              admin
dataset   GET    datasets/{{dataset}}/groups                         admin user
dataset   POST   datasets/{{dataset}}/groups                         admin
dataset   DELETE datasets/{{dataset}}/groups                         admin
folder    GET    storage/folders/{{folder}}                          admin user
folder    PATCH  storage/folders/{{folder}}                          admin
folder    DELETE storage/folders/{{folder}}                          admin
folder    POST   storage/folders/{{folder}}/create-group-items       admin
folder    POST   storage/folders/{{folder}}/data-upload-jobs         admin
folder    GET    storage/folders/{{folder}}/data-upload-jobs/x       admin
folder    POST   storage/folders/{{folder}}/data-upload-jobs/x/cancel admin
folder    GET    storage/folders/{{folder}}/folder-config            admin user
folder    GET    storage/folders/{{folder}}/folders                  admin user
folder    GET    storage/folders/{{folder}}/groups                   admin user
folder    POST   storage/folders/{{folder}}/groups                   admin
folder    DELETE storage/folders/{{folder}}/groups                   admin
folder    GET    storage/folders/{{folder}}/items                    admin user
folder    POST   storage/folders/{{folder}}/items/delete             admin
folder    POST   storage/folders/{{folder}}/items/move               admin
folder    PATCH  storage/folders/{{folder}}/items/x                  admin
folder    GET    storage/folders/{{folder}}/items/x/child-items      admin user
folder    GET    storage/folders/{{folder}}/items/x/summary          admin user
folder    GET    storage/folders/{{folder}}/summary                  admin user
folder    POST   storage/folders/{{folder}}/upload-signed-urls       admin
ontology  GET    ontologies/{{ontology}}                             owner {EVERY_ROLE}
ontology  PUT    ontologies/{{ontology}}                             owner admin
ontology  GET    ontologies/{{ontology}}/groups                      owner {EVERY_ROLE}
ontology  POST   ontologies/{{ontology}}/groups                      owner admin
ontology  DELETE ontologies/{{ontology}}/groups                      owner admin
group     GET    organisation/groups/{{group}}                       owner member
group     PATCH  organisation/groups/{{group}}                       owner
group     GET    organisation/groups/{{group}}/users                 owner member
group     POST   organisation/groups/{{group}}/users                 owner
group     POST   organisation/groups/{{group}}/users/bulk-delete     owner
group     DELETE organisation/groups/{{group}}                       owner
"""
"""Kind of what is named, method and path below v2; roles that are let in. All others are as if it were not there."""

OF_ANY_USER = """
GET cloud-integrations, POST datasets, GET datasets/list, POST dicom-deidentification, GET dicom-deidentification/x,
GET index/collections, POST index/collections, PATCH index/collections/x, DELETE index/collections/x, GET
index/collections/x/accessible-items, GET index/collections/x/all-items, POST index/collections/x/add-items, POST
index/collections/x/add-preset-items, POST index/collections/x/remove-items, POST
index/collections/x/remove-preset-items, GET index/presets, POST index/presets, GET index/presets/x, PATCH
index/presets/x, DELETE index/presets/x, GET ontologies, POST ontologies, GET organisation/client-metadata-schema, GET
organisation/client-metadata-schema-v2, POST organisation/client-metadata-schema-v2, POST organisation/groups, GET
organisation/organisation-tags, POST organisation/organisation-tags, DELETE organisation/organisation-tags/x, GET
organisation/users, GET presigned-urls, GET projects, POST projects/cvat-import, GET projects/cvat-import/x, GET
storage/folders, POST storage/folders, POST storage/folders/move, PATCH storage/folders/patch-bulk, POST
storage/items/get-bulk, PATCH storage/items/patch-bulk, POST storage/items/reencode, GET storage/items/reencode/x, GET
storage/items/x, GET storage/search/folders, GET storage/search/items, GET user/bearer-token, GET user/bearer_token,
GET user/current-organisation/groups
"""
"""What every user may ask; what it names is looked at by each."""


def younger() -> Iterator[tuple[str, str, str, set[str]]]:
    for line in YOUNGER.strip().splitlines():
        kind, method, path, *roles = line.split()
        yield kind, method, path, set(roles)


def of_any_user() -> list[tuple[str, str]]:
    return [(method, path) for method, path in (one.split() for one in OF_ANY_USER.split(","))]


def users_of(kind: str) -> dict[str, str]:
    """Role to the user who has it, of what REST v2 names."""
    if kind == "folder":
        return names_of("dataset")
    if kind == "group":
        return {"owner": "ann", "member": "dataset-user"}
    return names_of(kind) | (names_of("project") if kind == "ontology" else {})


def asked(callers: Callers, name: str, method: str, target: str, *, created: int = 0) -> tuple[int, str]:
    """Ask as a user; return the status, and what is said."""
    body = b"" if method in ("GET", "DELETE") else b"{}"
    now = int(callers.server.service.clock()) + created
    headers = signature_headers(key_of(name), method, target, body, now)
    reply = callers.server.transport().send(Request(method, callers.server.url + target, headers, body))
    return reply.status, reply.body.decode()


@pytest.mark.parametrize("row", list(younger()), ids=lambda row: " ".join(row[1:3]))
def test_the_younger_half_lets_in_whom_the_table_says(callers: Callers, row: tuple[str, str, str, set[str]]) -> None:
    kind, method, path, roles = row
    target = f"{V2}/{path.format(**callers.hashes)}"

    def is_let_in(name: str) -> bool:
        status, told = asked(callers, name, method, target)
        return status not in (401, 403) and not (status == 404 and callers.hashes[kind] in told)

    own = users_of(kind)
    # Whoever may delete it asks last.
    order = sorted(own, key=lambda role: method == "DELETE" and role in ("owner", "admin"))
    assert {role for role in order if is_let_in(own[role])} == roles
    status, told = asked(callers, "other", method, target)
    assert status == 404 and callers.hashes[kind] in told
    refused(callers, method, target)


def refused(callers: Callers, method: str, target: str) -> None:
    """Nobody without a key, with another's, or of another time is told more than that."""
    assert asked(callers, "nobody knows", method, target)[0] == 401
    assert asked(callers, "ann", method, target, created=-400)[0] == 401
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": next(iter(callers.keys["project"].values()))}):
        assert callers.server.transport().send(Request(method, callers.server.url + target, headers, b"")).status == 401


@pytest.mark.parametrize(("method", "path"), of_any_user())
def test_the_rest_of_the_younger_half_is_for_users(callers: Callers, method: str, path: str) -> None:
    target = f"{V2}/{path}"
    assert asked(callers, "other", method, target)[0] in (200, 400, 404)
    refused(callers, method, target)


def test_what_the_younger_half_does_not_serve_is_said(callers: Callers) -> None:
    for method, path in (("GET", "index/models"), ("PATCH", "projects"), ("GET", "active/x/embeddings")):
        status, told = asked(callers, "ann", method, f"{V2}/{path}")
        assert (status, json.loads(told)["message"]) == (400, f"{method} {V2}/{path} is not served.")


def test_every_route_is_in_the_table_and_has_a_handler() -> None:
    told = {(RESOURCE, query, verb) for _, query, verb, _, _ in rows()} | {(USER, *one) for one in user_routes()}
    known = {(endpoint, *route) for route, one in ROUTES.items() for endpoint in one.endpoints}
    assert told == known
    assert known - set(HANDLERS) == set()
    assert set(PATH_ROUTES) - set(PATH_HANDLERS) == set()
    in_table = {(method, path.partition("?")[0]) for _, method, path, _ in younger()} | set(of_any_user())
    assert {(one.method, NAMES.sub("x", one.path)) for one in PATH_ROUTES} == {
        (method, f"{V2}/" + NAMES.sub("x", re.sub(r"/y\b", "/x", path))) for method, path in in_table
    }


def test_what_is_no_route_is_refused(callers: Callers) -> None:
    body = json.dumps(
        {"query_type": "secrets", "query_method": "GET", "values": {"uid": None, "payload": None}}
    ).encode()
    told = callers.send(USER, body, {"Authorization": authorization(key_of("ann"), body)})
    assert (told["response"], told["payload"]) == (["INVALID_ARGUMENTS_ERROR"], f"GET secrets is not served at {USER}.")
