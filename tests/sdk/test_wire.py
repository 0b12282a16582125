"""What the client sends and takes is what the original does, call by call; where it differs, here is why.

Each block of ``fixtures/wire`` is one call: its requests and replies, and what came of it. The call is made on a real
socket, against a server that plays the replies.
"""

from __future__ import annotations

import copy
import json
import re
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hub_samples import both_forms
from loopback import Answer, Received, success
from wire_calls import CALLS, KEY, REPLIES, WIRE, World, files

from encord_convert.sdk import http
from encord_convert.sdk.http._retries import Clock
from encord_convert.sdk.http._signatures import signature_headers

AREAS = (
    "user_client", "project", "dataset", "ontology", "labels", "models", "upload", "cvat", "analytics",
    "api_key_client",
)  # fmt: skip
RECORDED_HOST = "http://127.0.0.1:18104"

Block = dict[str, Any]


def _blocks() -> dict[tuple[str, str], Block]:
    return {
        (area, block["call"]): block
        for area in AREAS
        for block in json.loads((WIRE / f"{area}.json").read_text())["calls"]
    }


BLOCKS = _blocks()

# --- where we differ on purpose: block, reason, and the block as it is with us ----------------------------------------


def _body(block: Block, change: Callable[[str], str], step: int = -1) -> None:
    request = block["requests"][step]
    request["body"] = json.loads(change(json.dumps(request["body"])))
    request.pop("body_sha256", None)


def _zones(text: str) -> str:
    return text.replace('03:04:05 "', '03:04:05 UTC"').replace('03:04:06 "', '03:04:06 UTC"')


BOTH_FORMS = "frames and answers both say where classifications are"


def _in_both_forms(block: Block) -> None:
    _body(block, lambda text: text)
    payload = block["requests"][-1]["body"]["values"]["payload"]
    payload["labels"] = [both_forms(one) for one in payload["labels"]]


def _save_of_a_read_row(block: Block) -> None:
    _body(block, lambda text: _zones(text).replace("<8 base64 chars>", "TRACK001"))
    _in_both_forms(block)


def _with_metadata(block: Block) -> None:
    _in_both_forms(block)
    (sent,) = block["requests"][-1]["body"]["values"]["payload"]["labels"][0]["data_units"].values()
    (read,) = REPLIES["labelrow_GET_6"]["response"][0]["data_units"].values()
    sent["labels"] = {
        "0": read["labels"]["0"],
        "1": {**sent["labels"]["1"], "metadata": read["labels"]["1"]["metadata"]},
    }
    sent["metadata"] = read["metadata"]


def _in_any_order(block: Block) -> None:
    block["in_any_order"] = True


def _empty(block: Block) -> None:
    headers = block["requests"][1]["headers"]
    del headers["Transfer-Encoding"]
    headers["Content-Length"] = "0"


def _sorted_by_name(block: Block) -> None:
    block["in_any_order"] = True
    _body(block, lambda text: text, step=7)
    _body(block, lambda text: text, step=8)
    block["requests"][7]["body"]["values"]["payload"].reverse()


def _twice(block: Block) -> None:
    del block["requests"][2]


def _known_from_environment(block: Block) -> None:
    block.clear()
    block.update(BLOCKS["api_key_client", "EncordClient.initialise(project_hash, api_key, domain=...)"])


DIFFERENCES: dict[tuple[str, str], tuple[str, Callable[[Block], None]]] = {
    ("labels", "LabelRowV2.save()  [video, unmodified after read]"): (
        "dates keep their zone and tracks their hash",
        _save_of_a_read_row,
    ),
    **{
        ("labels", call): (BOTH_FORMS, _in_both_forms)
        for call in (
            "LabelRowV2.initialise_labels(); add one object of every shape and two classifications; "
            "LabelRowV2.save()  [image]",
            "LabelRowV2 with objects over frames 0..2 and a dynamic answer; LabelRowV2.save()  [video]",
            "LabelRowV2 save  [image group, object on second image]",
            "Bundle: save x2",
        )
    },
    ("labels", "LabelRowV2 save  [dicom]"): ("what a slice and its series say of themselves is kept", _with_metadata),
    ("labels", "Bundle: workflow_reopen over 205 rows"): ("large calls of a kind go out at once", _in_any_order),
    ("labels", "Bundle: execute() called inside the with block"): ("what was sent is not sent again", _twice),
    ("upload", "Dataset.create_image_group(['g0.png', 'g1.jpeg'])"): (
        "several files are under way at once",
        _in_any_order,
    ),
    ("upload", "Dataset.upload_image('empty.png')"): ("an empty file is sent with its length", _empty),
    (
        "cvat",
        "EncordUserClient.create_project_from_cvat(LocalImport(dir, map_filename_to_cvat_name=fn), dataset_name, "
        "ReviewMode.REVIEWED, transform_bounding_boxes_to_polygons=True)  [project export, server-side error]",
    ): ("several files are under way at once, and stand in order of name", _sorted_by_name),
    (
        "api_key_client",
        "ENCORD_API_KEY + ENCORD_PROJECT_ID in the environment; EncordClient.initialise(domain=...)",
    ): ("the resource of the environment works with API keys", _known_from_environment),
}

# --- playing a block -----------------------------------------------------------------------------------------------


class Script:
    """The replies of a block, for the requests as they come."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.waiting = list(block["requests"])

    def __call__(self, received: Received) -> Answer:
        if "observed_batch_sizes" in self.block:
            return success(True)
        if not self.waiting:
            return Answer(status=599, body=b"nothing more was expected")
        match = next((one for one in self.waiting if _is_same(one, received)), self.waiting[0])
        self.waiting.remove(match)
        reply = match["reply"]
        body = REPLIES[reply["body_ref"]] if "body_ref" in reply else reply.get("body")
        is_storage = match["http_method"] == "PUT"
        content = (body or "").encode() if is_storage else json.dumps(body).encode()
        return Answer(reply["http_status"], content)


def _is_same(expected: dict[str, Any], received: Received) -> bool:
    return received.path == expected["path"] and (
        expected["http_method"] == "PUT" or not received.body or _fits(received.envelope, expected["body"])
    )


PLACEHOLDERS = {
    "<random uuid4>": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "<8 hex>": r"[0-9a-f]{8}",
    "<8 base64 chars>": r"[A-Za-z0-9+/]{8}",
    "<public key hex>": r"[0-9a-f]{64}",
    "<host>": r"127\.0\.0\.1:\d+",
    "<32 lowercase hex>": r"[0-9a-f]{32}",
    "<decimal 1..2^63-1>": r"[1-9]\d{0,18}",
    "<x.y.z>": r"\d+\.\d+\.\d+\S*",
    "<unix seconds>": r"\d{10}",
}


def _fits(found: Any, expected: Any) -> bool:
    """Tell whether JSON is as expected, where a placeholder stands for anything of its kind."""
    if isinstance(expected, str) and isinstance(found, str):
        return expected == found or (expected in PLACEHOLDERS and bool(re.fullmatch(PLACEHOLDERS[expected], found)))
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(_fits(found[key], expected[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_fits, found, expected))
    return type(found) is type(expected) and bool(found == expected)


def _fits_text(found: str, expected: str) -> bool:
    pattern = re.escape(expected)
    for placeholder, kind in PLACEHOLDERS.items():
        pattern = pattern.replace(re.escape(placeholder), kind)
    return bool(re.fullmatch(pattern, found))


FREE = {"Host", "Content-Length", "User-Agent", "Connection", "Accept-Encoding", "X-Request-Id"}
"""Headers that are looked at one by one."""


def _check_request(received: Received, expected: dict[str, Any]) -> None:
    assert (received.method, received.path, received.query) == (
        expected["http_method"], expected["path"], expected.get("query", ""),
    )  # fmt: skip
    is_storage = expected["http_method"] == "PUT"
    wanted = {name: value for name, value in expected["headers"].items() if name not in FREE}
    found = {name: value for name, value in received.headers.items() if name not in FREE}
    body = expected["body"]
    is_exact = "body_sha256" in expected and sha256(received.body).hexdigest() == expected["body_sha256"]
    if not is_exact and "Authorization" in wanted:
        # Another body, another signature, by the same key: that signatures are right is the business of others.
        key = wanted["Authorization"].partition(":")[0]
        assert _fits_text(found.pop("Authorization").partition(":")[0], key)
        del wanted["Authorization"]
    if "Signature-Input" in wanted:
        made = re.search(r"created=(\d+)", found["Signature-Input"])
        assert made is not None and abs(time.time() - 30 - int(made[1])) < 10
        signed = signature_headers(KEY, received.method, received.target, received.body, int(made[1]))
        assert {name: found.pop(name) for name in signed} == signed
        assert _fits_text(signed["Signature-Input"], wanted.pop("Signature-Input"))
        del wanted["Signature"]
        assert wanted.pop("Content-Digest") == signed["Content-Digest"]
    trace = wanted.pop("X-Cloud-Trace-Context", None)
    assert trace is None or _fits_text(found.pop("X-Cloud-Trace-Context"), trace)
    assert found == wanted
    agent = received.headers.get("User-Agent", "")
    assert agent.startswith("encord-sdk-python/0.1.104 python/3.") or (is_storage and "Authorization" not in found)
    assert is_storage or received.headers["Accept-Encoding"] == "gzip"
    assert received.headers.get("Content-Length", "0") == str(len(received.body))
    if is_storage:
        assert received.body.decode() == (body or "")
    elif body is None:
        assert received.body == b""
    else:
        assert _fits(received.envelope, body), _first_difference(received.envelope, body)
        if "body_sha256" in expected and not _has_variables(body):
            assert is_exact, "the same JSON in other bytes"


def _has_variables(body: Any) -> bool:
    text = json.dumps(body)
    return "<" in text or "http://127.0.0.1:" in text


def _first_difference(found: Any, expected: Any, place: str = "$") -> str:
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        inner = ((found[key], expected[key], f"{place}.{key}") for key in expected)
    elif isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        inner = ((found[index], one, f"{place}[{index}]") for index, one in enumerate(expected))
    else:
        return f"{place}: found {found!r}, expected {expected!r}"
    return next(_first_difference(*one) for one in inner if not _fits(one[0], one[1]))


def _check_value(found: Any, expected: Any, place: str = "$") -> None:
    """Check what a call returned against how the fixtures write it."""
    where = f"{place}: found {found!r}, expected {expected!r}"
    if isinstance(expected, dict) and "<class>" in expected:
        assert type(found).__name__ == expected["<class>"], where
        for name, value in expected.items():
            if not name.startswith(("<", "_")):  # what begins with _ is nobody's business
                inner = found[name] if isinstance(found, dict) else getattr(found, name)
                _check_value(inner, value, f"{place}.{name}")
    elif isinstance(expected, dict):
        assert isinstance(found, dict) and found.keys() == expected.keys(), where
        for key, value in expected.items():
            _check_value(found[key], value, f"{place}.{key}")
    elif isinstance(expected, list):
        assert isinstance(found, list | tuple | set) and len(found) == len(expected), where
        for index, (one, value) in enumerate(zip(found, expected, strict=True)):
            _check_value(one, value, f"{place}[{index}]")
    elif isinstance(expected, str) and re.fullmatch(r"<\w+>", expected):
        assert type(found).__name__ == expected[1:-1], where
    elif isinstance(found, datetime):
        assert expected == f"datetime({found.isoformat()})", where
    elif isinstance(found, UUID):
        assert expected == f"UUID({found})", where
    elif isinstance(found, Enum) and isinstance(expected, str) and "." in expected:
        assert expected == f"{type(found).__name__}.{found.name}", where
    else:
        assert found == expected and type(found) is type(expected), where


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path)
    monkeypatch.chdir(tmp_path)


IDS = ["-".join(key) for key in CALLS]


def clock_that_does_not_wait() -> Clock:
    return Clock(sleep=lambda seconds: None)


@pytest.mark.parametrize("seam", ["socket", "app"])
@pytest.mark.parametrize("key", list(CALLS), ids=IDS)
def test_a_call_sends_what_the_original_sends_and_gives_what_it_gives(key: tuple[str, str], seam: str) -> None:
    if seam == "app" and key[0] == "api_key_client" and "initialise(" in key[1]:
        pytest.skip("a client that is started so has a socket of its own")
    block = copy.deepcopy(BLOCKS[key])
    if key in DIFFERENCES:
        DIFFERENCES[key][1](block)
    script = Script(block)
    world = World(script, clock_that_does_not_wait(), in_process=seam == "app")
    block.update(json.loads(json.dumps(block).replace(RECORDED_HOST, world.url)))
    script.waiting = list(block["requests"])
    raised: Exception | None = None
    returned: Any = None
    with world.server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            returned = CALLS[key](world)
        except Exception as error:
            raised = error
    if "raises" in block:
        class_ = block["raises"]["class"].rpartition(".")[2]
        assert raised is not None and class_ in {one.__name__ for one in type(raised).__mro__}, repr(raised)
    elif raised is not None:
        raise raised
    if "returns" in block:
        _check_value(returned, block["returns"])
    if "observed_batch_sizes" in block:
        sizes = [len(one.envelope["values"]["uid"]) for one in world.recorded]
        assert sorted(sizes, reverse=bool(block["in_any_order"])) == block["observed_batch_sizes"]
        return
    assert len(world.recorded) == len(block["requests"])
    received = list(world.recorded)
    if block.get("in_any_order"):
        received = [_taken(received, one) for one in block["requests"]]
    for one, expected in zip(received, block["requests"], strict=True):
        _check_request(one, expected)


def _taken(received: list[Received], expected: dict[str, Any]) -> Received:
    match = next(one for one in received if _is_same(expected, one))
    received.remove(match)
    return match


def test_every_block_has_a_call_and_every_difference_a_reason() -> None:
    assert CALLS.keys() == BLOCKS.keys()
    assert DIFFERENCES.keys() <= BLOCKS.keys()
    assert {reason for reason, _ in DIFFERENCES.values()} <= told_differences()
    assert (len(BLOCKS), len(BLOCKS.keys() - DIFFERENCES.keys())) == (163, 151)


def told_differences() -> set[str]:
    """Return the reasons the client's docstring gives for being different."""
    table = (http.__doc__ or "").partition("====\n")[2]
    return {line[19:].strip() for line in table.splitlines() if len(line) > 19}
