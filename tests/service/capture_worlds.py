"""A service that has what the recorded requests of ``fixtures/wire`` name, under the hashes they name it by."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness import Running
from media import CT, image
from sqlalchemy import Connection, insert
from worlds import add_data

from encord_convert.sdk.orm.dataset import DatasetScope
from encord_convert.sdk.utilities.client_utilities import APIKeyScopes
from encord_convert.service.calls import Kind
from encord_convert.service.clouds import Root
from encord_convert.service.jobs import PRIVATE_DATA, RE_ENCODING
from encord_convert.service.store import folders, jobs, keys, label_rows, models, ontologies, projects, users
from encord_convert.service.store.tables import DATASETS

WIRE = Path(__file__).parents[2] / "fixtures/wire"
REPLIES = json.loads((WIRE / "synthetic_replies.json").read_text())["replies"]
KEY = json.loads((WIRE / "test_key.json").read_text())
THEN, ME = 1_700_000_000.0, "me@example.invalid"
CLOUD = "https://bucket.example.invalid"
"""Where recorded requests have their private data."""


def uid(tail: str) -> str:
    return f"00000000-0000-4000-8000-{tail:0>12}"


PROJECTS, DATASETS_OF, ONTOLOGY = [uid("a001"), uid("a002")], [uid("d001"), uid("d002")], uid("e001")
INTEGRATION, ITEM, JOB, ENCODING = uid("5001"), uid("6002"), uid("8001"), 424242
MODEL, ITERATION = uid("7001"), uid("7002")
SCOPES = {Kind.PROJECT: list(APIKeyScopes), Kind.DATASET: list(DatasetScope)}


def prepare(server: Running, block: dict[str, Any], cloud: Path) -> dict[str, str]:
    """Give a service what the requests of a block name; return what in them is called otherwise here.

    Rows that the block begins are not begun, and the project has a workflow if the block asks for one.
    """
    text = json.dumps(block["requests"])
    has_workflow = "labelworkflowgraphnode" in text or "/priorities" in text
    begun_later = {
        data_hash
        for request in block["requests"]
        if _envelope(request).get("query_type") == "labelrow" and _envelope(request)["query_method"] == "PUT"
        for data_hash in _listed(_envelope(request)["values"]["uid"])
    }
    server.service.storage.clouds.roots[INTEGRATION] = Root(str(_filled(cloud)))
    server.service.database.write(lambda db: _resources(db, has_workflow)).result()
    for entry in REPLIES["labelrowmetadata_GET_1"]["response"]:
        _add(server, entry)
    add_data(server, DATASETS_OF[1], "IMAGE", "linked.png", backing_item_uuid=ITEM)
    server.service.database.write(lambda db: _label_rows(db, begun_later, has_workflow)).result()
    server.service.database.write(lambda db: _keys(db, block)).result()
    return {CLOUD: cloud.as_uri()}


def _envelope(request: dict[str, Any]) -> dict[str, Any]:
    return request["body"] if isinstance(request["body"], dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _filled(cloud: Path) -> Path:
    image(cloud / "clip.mp4", 8, 8, format="PNG")
    (cloud / "a.dcm").write_bytes(next(iter(sorted(CT.glob("*.dcm")))).read_bytes())
    return cloud


def _resources(db: Connection, has_workflow: bool) -> None:
    users.add_key(db, ME, KEY["public_key_hex"], THEN)
    me = users.user_named(db, ME, THEN)
    for number, dataset_hash in enumerate(DATASETS_OF):
        row = {"title": f"Synthetic dataset {number}", "description": None, "type": 0, "backing_folder_uuid": None}
        times = {"created_at": THEN, "last_edited_at": THEN}
        db.execute(insert(DATASETS), {"dataset_hash": dataset_hash, "user_hash": me, **row, **times})
        folders.add(db, me, "Synthetic folder", THEN, uuid=dataset_hash)
        users.set_role(db, Kind.DATASET, dataset_hash, me, 0)
    editor = json.dumps(REPLIES["ontology_GET_1"]["response"]["editor"]).encode()
    ontologies.add(db, ONTOLOGY, "Synthetic ontology", "made-up", editor, THEN)
    users.set_role(db, Kind.ONTOLOGY, ONTOLOGY, me, 0)
    for project_hash in PROJECTS:
        values = {
            "project_hash": project_hash, "title": "Synthetic project", "description": "made-up",
            "ontology_hash": ONTOLOGY, "edits_ontology": True, "workflow_type": "manual",
            "workflow_manager_uuid": uid("f002") if has_workflow else None, "source_projects": None,
            "created_at": THEN, "last_edited_at": THEN,
        }  # fmt: skip
        projects.add(db, values)
        projects.attach(db, project_hash, DATASETS_OF)
        users.set_role(db, Kind.PROJECT, project_hash, me, 0)
    common = {"project_hash": PROJECTS[0], "title": "m", "description": "", "model": "resnet18", "created_at": THEN}
    models.add(db, {"model_uid": MODEL, "features": '["aaaa0001"]', **common})
    iteration = {"model_iteration_uid": ITERATION, "model_uid": MODEL, "created_at": THEN}
    models.add_iteration(db, iteration | {"training_final_loss": 0.5, "model_training_labels": None})
    for own in ({"process_hash": JOB, "kind": PRIVATE_DATA}, {"process_hash": uid("9"), "kind": RE_ENCODING}):
        job = {"dataset_hash": DATASETS_OF[0], "user_hash": me, "status": "DONE", "integration": None}
        flags = {"ignore_errors": False, "skip_duplicates": False, "created_at": THEN}
        jobs.add(db, own | job | flags | ({"id": ENCODING} if own["kind"] == RE_ENCODING else {}), [])


def _add(server: Running, entry: dict[str, Any]) -> None:
    row = _row_of(entry["data_hash"])
    units = list(row["data_units"].values())
    frames = entry["number_of_frames"]
    more: dict[str, Any] = {"frames_per_second": entry["frames_per_second"], "duration": entry["duration"]}
    if entry["data_type"] == "IMG_GROUP":
        more["images"] = [(unit["data_hash"], unit["data_title"]) for unit in units]
    if entry["data_type"] == "DICOM":
        blocks = [frame["metadata"] for frame in units[0]["labels"].values()]
        more["dicom"] = json.dumps({"metadata": units[0]["metadata"], "frames": blocks}).encode()
    size = (entry["width"], entry["height"])
    add_data(
        server, DATASETS_OF[0], entry["data_type"], entry["data_title"], data_hash=entry["data_hash"], frames=frames,
        size=size, **more,
    )  # fmt: skip


def _row_of(data_hash: str) -> dict[str, Any]:
    """Return the label row of a piece of data as the recording has it."""
    replies = (one["response"] for name, one in REPLIES.items() if name.startswith("labelrow_"))
    return next(row for reply in replies for row in _listed(reply) if row["data_hash"] == data_hash)


def _label_rows(db: Connection, begun_later: set[str], has_workflow: bool) -> None:
    me = users.user_named(db, ME, THEN)
    for entry in REPLIES["labelrowmetadata_GET_1"]["response"]:
        data_hash, label_hash = entry["data_hash"], entry["label_hash"]
        if data_hash in begun_later:
            continue
        values = {
            "label_hash": label_hash, "created_at": THEN, "last_edited_at": THEN, "label_status": "LABEL_IN_PROGRESS",
            "annotation_task_status": None if has_workflow else "QUEUED",
        }  # fmt: skip
        label_rows.put(db, PROJECTS[0], data_hash, values)
        body = json.dumps(_row_of(data_hash)).encode()
        revision = label_rows.Revision(data_hash, label_hash, THEN, sha256(body).digest(), body)
        label_rows.save(db, PROJECTS[0], me, [revision])


def _keys(db: Connection, block: dict[str, Any]) -> None:
    """Let the API keys in that the requests of a block carry."""
    me = users.user_named(db, ME, THEN)
    carried = {
        (one["headers"].get("Authorization", ":"), one["headers"].get("ResourceID")) for one in block["requests"]
    }
    for secret, hash_ in carried:
        if ":" not in secret:
            kind = Kind.PROJECT if hash_ in PROJECTS else Kind.DATASET
            row = {
                "key_hash": uid("b001"), "secret_sha256": sha256(secret.encode()).hexdigest(), "kind": kind.value,
                "hash": hash_, "user_hash": me, "title": "Synthetic key",
                "scopes": json.dumps([scope.value for scope in SCOPES[kind]]), "created_at": THEN,
            }  # fmt: skip
            keys.add_key(db, row)
