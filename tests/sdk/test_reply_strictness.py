"""Odd replies: what the original takes is taken; what it stumbles over is an error that says where and why."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from loopback import success
from test_wire import _check_value, told_differences
from wire_calls import DATASET, GROUP, ITERATION, JOB, PROJECT, STANDARD, VIDEO, WIRE, World, files

from encord_convert.sdk.exceptions import EncordException, RequestException
from encord_convert.sdk.orm.dataset import DatasetInfo, DatasetUserRole, ReEncodeVideoTask
from encord_convert.sdk.utilities.project_user import ProjectUserRole

CASES = json.loads((WIRE / "reply_strictness.json").read_text())["cases"]
BLOCKS = {
    area: json.loads((WIRE / f"{area}.json").read_text())["calls"]
    for area in ("user_client", "project", "dataset", "models", "upload")
}


def _recorded(area: str, query: str) -> Any:
    for block in BLOCKS[area]:
        for request in block["requests"]:
            if request["http_method"] == "POST" and request["body"].get("query_type") == query:
                return copy.deepcopy(request["reply"]["body"]["response"])
    raise KeyError(query)


REPLIES: dict[str, Any] = {
    **STANDARD,
    **{query: _recorded("user_client", query) for query in ("projectwithuserrole", "datasetwithuserrole")},
    "ontologywithuserrole": [
        {"user_role": 0, "user_email": "a@example.invalid", "ontology": STANDARD["ontology"]}
    ],
    "projectapikey": _recorded("user_client", "projectapikey"),
    **{query: _recorded("project", query) for query in ("labellog", "datasetdata", "projectusers")},
    **{query: _recorded("models", query) for query in ("modelconfiguration", "trainingmetadata")},
    **{query: _recorded("dataset", query) for query in ("reencodevideotask", "imagegroupocr")},
    "datasetdatalongpolling": {
        "status": "DONE", "data_hashes_with_titles": [], "errors": [],
        "units_pending_count": 0, "units_done_count": 1, "units_error_count": 0,
    },
}  # fmt: skip

Change = Callable[[Any], Any]


def _without(key: str) -> Change:
    def change(reply: Any) -> None:
        del reply[key]

    return change


def _losing(key: str, part: Callable[[Any], Any] = lambda reply: reply[0]) -> Change:
    def change(reply: Any) -> None:
        del part(reply)[key]

    return change


def _with(**values: Any) -> Change:
    return lambda reply: reply.update(values)


_LISTED = {"user_role": 0, "dataset": {
    "dataset_hash": DATASET, "user_hash": "SYNTHETICuserHASH0000000001", "title": "t", "description": "d", "type": 0,
    "created_at": "2024-01-02 03:04:05", "last_edited_at": "2024-01-03 04:05:06",
}}  # fmt: skip
_LONG = "Tue, 02 Jan 2024 03:04:05 GMT"
_CLASS = {"id": 1, "name": "n", "color": "#000000", "shape": "polygon", "featureNodeHash": "aaaa0001"}

_ROW_PARTS: dict[str, Callable[[Any], Any]] = {
    "label row data unit": lambda row: row["data_units"][VIDEO],
    "label row": lambda row: row,
    "object": lambda row: row["data_units"][VIDEO]["labels"]["0"]["objects"][0],
    "classification": lambda row: row["data_units"][VIDEO]["labels"]["0"]["classifications"][0],
}


def _listed(**values: Any) -> Any:
    return [{**_LISTED, "dataset": {**_LISTED["dataset"], **values}}]  # type: ignore[dict-item]


SPECIAL: dict[str, Any] = {
    "created_at in ISO form with T": _with(created_at="2024-01-02T03:04:05"),
    "created_at with microseconds": _with(created_at="2024-01-02 03:04:05.123456"),
    "created_at as 'YYYY-MM-DD HH:MM:SS'": _with(created_at="2024-01-02 03:04:05"),
    "label_rows null in both replies, then .label_rows": _with(label_rows=None),
    "title is a number, then .title": _with(title=7),
    "unknown extra key": _with(synthetic=1),
    "extra key next to user_role/project": lambda reply: reply[0].update(synthetic=1),
    "project reduced to project_hash": lambda _: [{"user_role": 0, "project": {"project_hash": PROJECT}}],
    "unknown user_role": lambda reply: reply[0].update(user_role=77),
    "no backing_folder_uuid": lambda _: _listed(),
    "extra key inside dataset": lambda _: _listed(synthetic=1),
    "description missing": lambda _: [
        {"user_role": 0, "dataset": {k: v for k, v in _LISTED["dataset"].items() if k != "description"}}  # type: ignore[attr-defined]
    ],
    "created_at long form": lambda _: _listed(created_at=_LONG),
    "type 77": lambda _: _listed(type=77),
    "ontology item without user_email": _losing("user_email"),
    "created_at is passed through unparsed": lambda reply: None,
    "editor without classifications": _losing("classifications", lambda reply: reply["editor"]),
    "numeric ids": lambda reply: reply.update(editor={"objects": [_CLASS], "classifications": []}),
    "unknown shape": lambda reply: reply.update(
        editor={"objects": [{**_CLASS, "shape": "synthetic"}], "classifications": []}
    ),
    "skeleton shape": lambda reply: reply.update(
        editor={"objects": [{**_CLASS, "id": "1", "shape": "skeleton"}], "classifications": []}
    ),
    "dataset_type as integer, then .storage_location": _with(dataset_type=0),
    "backing_folder_uuid not a UUID": _with(backing_folder_uuid="synthetic"),
    "data row with lower-case data_type": lambda reply: reply[0].update(data_type="video"),
    "data row storage_location 77": lambda reply: reply[0].update(storage_location=77),
    "data row created_at with microseconds and offset": lambda reply: reply[0].update(
        created_at="2024-01-02T03:04:05.678901+00:00"
    ),
    "updated_fields differs from what was sent": lambda _: {
        "updated_fields": ["data_title"],
        "data_row": STANDARD["datarows"][0],
    },
    "label row metadata, annotation_task_status null": lambda reply: reply[0].update(annotation_task_status=None),
    "label row metadata, annotation_task_status unknown": lambda reply: reply[0].update(
        annotation_task_status="SYNTHETIC"
    ),
    "label row metadata, label_status unknown": lambda reply: reply[0].update(label_status="SYNTHETIC"),
    "label row metadata, created_at '2024-01-02T03:04:05.678901'": lambda reply: reply[0].update(
        created_at="2024-01-02T03:04:05.678901"
    ),
    "label row metadata, created_at long form": lambda reply: reply[0].update(created_at=_LONG),
    "label row with upper-case data_type, then initialise_labels": lambda reply: reply[0].update(data_type="VIDEO"),
    "object_answers names an object that no frame has": lambda reply: reply[0]["object_answers"].update(
        ZZZZZZZZ={"objectHash": "ZZZZZZZZ", "classifications": []}
    ),
    "classification without entry in classification_answers": lambda reply: (
        reply[0]["classification_answers"].clear()
    ),
    "object without entry in object_answers": lambda reply: reply[0].update(object_answers={}, object_actions={}),
    "two label rows returned for one uid (no bundle)": lambda reply: reply * 2,
    "another label_hash returned (no bundle)": lambda reply: reply[0].update(label_hash="other"),
    "label log in camelCase keys": lambda _: [
        {
            "logHash": "a", "userHash": "b", "userEmail": "c", "dataHash": "d", "action": 14,
            "createdAt": "2024-01-02T03:04:05", "identifier": None, "featureHash": None, "labelName": None,
            "timeTaken": None, "frame": None,
        }
    ],
    "label log action 18 (unassigned number)": lambda reply: reply[0].update(action=18),
    "label log created_at long form": lambda reply: reply[0].update(created_at=_LONG),
    "label log created_at unix seconds": lambda reply: reply[0].update(created_at=1704164645),
    "model name not in the known list": lambda reply: reply[0].update(model="synthetic"),
    "feature_node_hashes as list": lambda reply: reply[0].update(feature_node_hashes=["aaaa0001"]),
    "optional parts null": lambda reply: reply[0].update(
        created_at=None, training_final_loss=None, model_training_labels=None
    ),
    "optional parts missing": lambda reply: [{"model_iteration_uid": ITERATION}],
    "images key missing": _without("images"),
    "long-poll without errors key": _without("errors"),
    "long-poll unknown status": _with(status="SYNTHETIC"),
    "re-encode result null": lambda _: {"status": "submitted", "result": None},
    "OCR extra key": lambda reply: reply[0].update(synthetic=1),
    "project user in camelCase keys": lambda _: [
        {"userEmail": "a@example.invalid", "userRole": 2, "projectHash": PROJECT}
    ],
    "api key scopes unknown": lambda _: [{"api_key": "k", "title": "t", "scopes": ["synthetic"]}],
    "video update reply is true": lambda _: True,
    "single image success false": lambda _: {"success": False},
    "signed URL extra keys": lambda reply: reply[0].update(synthetic=1, bucket=None),
    "signed URL list empty": lambda _: [],
}  # fmt: skip


def _change(query: str, case: str) -> Change:
    """Return the change of a good reply that a case describes."""
    if (query, case) == ("datasetwithuserrole", "created_at null"):
        return lambda _: _listed(created_at=None)
    if (query, case) == ("ontology", "description missing"):
        return _without("description")
    if case in SPECIAL:
        return SPECIAL[case]  # type: ignore[no-any-return]
    if kind := re.fullmatch(r"dataset_type '(\w+)', then .storage_location", case):
        return _with(dataset_type=kind[1])
    if null := re.fullmatch(r"(\w+) null", case):
        return _with(**{null[1]: None})
    if missing := re.fullmatch(r"(\w+) (?:key )?missing(?:, then .\w+)?", case):
        return _without(missing[1])
    part, key = re.fullmatch(r"(.+) without (\w+)(?:, then initialise_labels)?", case).groups()  # type: ignore[union-attr]
    if part in _ROW_PARTS and query == "labelrow":
        return _losing(key, lambda reply: _ROW_PARTS[part](reply[0]))
    return _losing(key)


def _saved(world: World) -> None:
    row = world.data_row(VIDEO)
    row.client_metadata = {}
    row.save()


def _initialised(world: World) -> Any:
    row = world.rows[VIDEO]
    row.initialise_labels()
    return row.data_type.name


def _project(world: World, case: str) -> Any:
    project = world.user.get_project(PROJECT)
    if then := re.search(r"then \.(\w+)", case):
        return getattr(project, then[1])
    if "extra key" in case:
        return sorted(project.get_project())
    return project.created_at


def _dataset(world: World, case: str) -> Any:
    dataset = world.user.get_dataset(DATASET)
    if "backing" in case:
        return dataset.backing_folder_uuid
    return dataset.data_rows if "data_rows" in case else dataset.storage_location


def _rows(world: World, case: str) -> Any:
    rows = world.dataset.list_data_rows()
    if "data_type" in case and "without" not in case:
        return rows[0].data_type.name
    if "storage_location 77" in case:
        return rows[0].storage_location
    return rows[0].created_at if "offset" in case else len(rows[:1])


def _metadata(world: World, case: str) -> Any:
    rows = world.project.list_label_rows()
    if "label_status unknown" in case:
        return rows[0].label_status
    return rows[0].created_at if ", created_at" in case else len(rows[:1])


ASK: dict[str, Callable[[World, str], Any]] = {
    "project": _project,
    "projectwithuserrole": lambda w, _: w.user.get_projects(),
    "datasetwithuserrole": lambda w, _: w.user.get_datasets(),
    "ontologywithuserrole": lambda w, _: w.user.get_ontologies(),
    "ontology": lambda w, case: (
        w.user.get_ontology("e")._instance.created_at
        if "created_at" in case
        else w.user.get_ontology("e").structure.to_dict()
    ),
    "dataset": _dataset,
    "datarows": _rows,
    "datarow": lambda w, _: _saved(w),
    "labelrowmetadata": _metadata,
    "labelrow": lambda w, _: _initialised(w),
    "labellog": lambda w, case: (
        w.project.get_label_logs()[0].created_at if "unix" in case else w.project.get_label_logs()
    ),
    "modelconfiguration": lambda w, _: w.project.list_models(),
    "trainingmetadata": lambda w, _: w.project.get_training_metadata([ITERATION]),
    "datasetdata": lambda w, _: w.project.get_data(VIDEO),
    "datasetdatalongpolling": lambda w, _: w.dataset.add_private_data_to_dataset_get_result(JOB),
    "reencodevideotask": lambda w, _: w.dataset.re_encode_data_status(1),
    "imagegroupocr": lambda w, _: w.dataset.run_ocr(GROUP),
    "projectusers": lambda w, _: w.project.add_users(["a@example.invalid"], ProjectUserRole.REVIEWER),
    "projectapikey": lambda w, _: w.user.get_project_api_keys(PROJECT),
    "video": lambda w, _: w.dataset.update_data_item(VIDEO, "t"),
    "singleimage": lambda w, _: w.dataset.upload_image("g0.png"),
    "signedimagesurl": lambda w, _: w.dataset.upload_image("g0.png"),
}

_MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)

DIFFERENCES: dict[str, tuple[str, Any]] = {
    "created_at long form": (
        "dates keep their zone",
        [{
            "dataset": DatasetInfo(
                DATASET, "SYNTHETICuserHASH0000000001", "t", "d", 0, _MOMENT, datetime(2024, 1, 3, 4, 5, 6)
            ),
            "user_role": DatasetUserRole.ADMIN,
        }],
    ),
    "label row metadata, created_at long form": ("dates keep their zone", _MOMENT),
    "data row created_at with microseconds and offset": (
        "dates keep their zone",
        _MOMENT.replace(microsecond=678901),
    ),
    "object_answers names an object that no frame has": ("answers for what is on no frame are kept", "VIDEO"),
    "classification without entry in classification_answers": ("a label without answers is unanswered", "VIDEO"),
    "feature_node_hashes as list": ("errors of the client are EncordExceptions", RequestException),
    "re-encode result null": (
        "null is read where nothing is meant",
        ReEncodeVideoTask(status="submitted", result=None),
    ),
}  # fmt: skip
"""Where we differ on purpose: case, reason, and what we give (an exception class, or a value)."""


@pytest.mark.parametrize("case", CASES, ids=[f"{one['query_type']}: {one['case']}" for one in CASES])
@pytest.mark.filterwarnings("ignore")
def test_an_odd_reply(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path)
    monkeypatch.chdir(tmp_path)
    query, name = case["query_type"], case["case"]
    world = World(lambda received: success(world.replies.get(received.envelope["query_type"], True)))
    place = {
        "signed_url": f"{world.url}/s", "data_hash": "00000000-0000-4000-8000-000000003000", "title": "g0.png",
        "file_link": "synthetic-bucket/00000000-0000-4000-8000-000000003000",
    }  # fmt: skip
    world.replies = copy.deepcopy({**REPLIES, "signedimagesurl": [place], "singleimage": {"success": True}})
    changed = _change(query, name)(world.replies.get(query))
    if changed is not None:
        world.replies[query] = changed
    found: Any = None
    error: Exception | None = None
    monkeypatch.setattr(world, "answer", lambda received: _reply(world, received))
    with world.server:
        try:
            found = ASK[query](world, name)
        except Exception as caught:
            error = caught
    if name in DIFFERENCES:
        ours = DIFFERENCES[name][1]
        if isinstance(ours, type) and issubclass(ours, Exception):
            assert isinstance(error, ours), repr(error or found)
        else:
            assert error is None and found == ours, repr(error or found)
        return
    if "raises" not in case:
        if error is not None:
            raise error
        _check_value(found, case["value"])
        return
    assert isinstance(error, EncordException), repr(error or found)
    old = case["raises"]["class"].rpartition(".")[2]
    assert old in {one.__name__ for one in type(error).__mro__}, repr(error)
    if old == "KeyError":
        assert case["raises"]["message"].strip("'") in error.message


def _reply(world: World, received: Any) -> Any:
    if received.method == "PUT":
        return success(True)
    return success(world.replies.get(received.envelope["query_type"], True))


def test_every_difference_is_a_case() -> None:
    assert len(CASES) == 165
    assert DIFFERENCES.keys() <= {case["case"] for case in CASES}
    assert {reason for reason, _ in DIFFERENCES.values()} <= told_differences()
