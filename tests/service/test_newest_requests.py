"""Requests of the newest official package, sent as they are to one service, get replies that the package accepts.

They were recorded against another service, so hashes it made are replaced by those that were made here; a call waits
until all it names is there. What the package refuses of a reply stands in ``fixtures/wire-newest/tables.json``.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from harness import Running, key_of, running
from media import CT, film, image

from encord_convert.sdk.http._signatures import authorization, signature_headers
from encord_convert.sdk.http.transport import Request
from encord_convert.sdk.utilities.project_user import ProjectUserRole

WIRE = Path(__file__).parents[2] / "fixtures/wire-newest"
CALLS = json.loads((WIRE / "requests.json").read_text())
TABLES = json.loads((WIRE / "tables.json").read_text())
ID = re.compile(r"00000000-0000-4000-8000-[0-9a-f]{12}")
NIL = "00000000-0000-0000-0000-000000000000"
OF_DATASETS = ("data", "video")
"""How query types begin that are asked in the name of a dataset; ``datasetdata`` is asked in that of a project."""


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


ALIASES = {uid(0x46): uid(0x45), uid(0x4C): uid(0x25), uid(0x7A): uid(0x3)}
"""What was made between the recorded calls, to what stands for it here."""
REFUSED_CALLS = {
    "Project.create_label_row(data_hash)": "has the label row",
    "ReviewTask.reject()": "The stage has no task",
}
"""Calls about what another call changed before, to the sentence they get."""
REFUSED = {
    ("POST", "/v2/public/storage/items/reencode"): "link them and ask there",
}
"""What is answered with a sentence: there is no engine for it."""
MADE = set(ID.findall(json.dumps([request["reply"] for call in CALLS for request in call["requests"]])))


DATASET, PROJECT = uid(0x2), uid(0x52)


def shape(path: str) -> str:
    return ID.sub("{}", path)


def table_of(request: dict[str, Any]) -> dict[str, list[str]]:
    """What is refused of a reply to a request; of all others, nothing."""
    body = request["body"]
    query = [body["query_type"], body["query_method"]] if isinstance(body, dict) and "query_type" in body else None
    found: dict[str, list[str]] = {}
    for table in TABLES.values():
        if table["query"] != query or table["method"] != request["method"]:
            continue
        if query is not None or shape(table["path"]) == shape(request["path"]):
            found |= table["refused"]
    return found


def places(value: Any, path: list[str]) -> Iterator[Any]:
    """The values at a path; ``0`` is every entry of a list, and a hash every member of an object."""
    if not path:
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from places(one, path[1:])
    elif isinstance(value, dict) and ID.fullmatch(path[0]):
        for one in value.values():
            yield from places(one, path[1:])
    elif isinstance(value, dict):
        yield from places(value.get(path[0], MISSING), path[1:])


MISSING = object()


def faults(reply: Any, refused: dict[str, list[str]]) -> Iterator[str]:
    """What of a reply the package would refuse."""
    for path, kinds in refused.items():
        parent, name = path.split(".")[:-1], path.split(".")[-1]
        for holder in places(reply, parent):
            if not isinstance(holder, dict):
                continue
            value = holder.get(name, MISSING)
            if value is MISSING:
                if "missing" in kinds:
                    yield f"{path} is missing"
            elif value is None:
                if "null" in kinds:
                    yield f"{path} is null"
            elif "not a uuid" in kinds and not is_uuid(value):
                yield f"{path} is not a UUID: {value!r}"
            elif "number" in kinds and "other text" not in kinds and isinstance(value, int | float):
                yield f"{path} is a number"
            elif "text" in kinds and isinstance(value, str) and not name.endswith(("_at", "At")):
                yield f"{path} is a text"
            elif value == "" and "empty text" in kinds:
                yield f"{path} is empty"


def is_uuid(value: Any) -> bool:
    try:
        UUID(value)
    except (ValueError, AttributeError, TypeError):
        return False
    return True


@dataclass
class Player:
    """Sends calls to a service, and learns what is called otherwise here."""

    server: Running
    folder: Path
    known: dict[str, str] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    kind: str = "image"

    def is_ready(self, call: dict[str, Any]) -> bool:
        first = call["requests"][0]
        named = set(ID.findall(json.dumps([first["path"], first["query"], first["body"]])))
        return not (named & MADE) - self.known.keys()

    def filled(self, value: Any) -> Any:
        text = json.dumps(value)
        for recorded, own in self.known.items():
            text = text.replace(recorded, own)
        return json.loads(text)

    def play(self, request: dict[str, Any]) -> Iterator[str]:
        """Send a request; yield what of its reply is not accepted."""
        if request["path"] == "<signedUrl>":
            status, told = self.send("PUT", self.addresses.pop(0), {}, self.content())
            assert status == 200, told
            return
        body = request["body"]
        is_older = isinstance(body, dict) and "query_type" in body
        status, told = self.older(request) if is_older else self.younger(request)
        sentence = REFUSED.get((request["method"], shape(request["path"])))
        if sentence is not None:
            assert status == 400 and sentence in told["message"]
            return
        if is_older and told["status"] == 200:
            told = told["response"]
        elif status != 200 or is_older:
            yield f"HTTP {status}: {told}"
            return
        yield from faults(told, table_of(request))
        if isinstance(told, str) and isinstance(request["reply"], str):
            self.known[request["reply"]] = told  # a job: its hash was the same for all
        self.learn(request["reply"], {"response": told} if is_older else told)
        self.known |= {name: self.known[other] for name, other in ALIASES.items() if other in self.known}
        if isinstance(told, dict) and told.get("results") and "signedUrl" in (told["results"] or [{}])[0]:
            self.addresses = [one["signedUrl"] for one in told["results"]]
            self.kind = dict(request["query"]).get("uploadItemType") or (body or {}).get("itemType")

    def older(self, request: dict[str, Any]) -> tuple[int, Any]:
        body = json.dumps(self.filled(request["body"])).encode()
        headers = {"Authorization": authorization(key_of("bar"), body), "ResourceType": "", "ResourceID": ""}
        if request["path"] == "/public":
            name = request["body"]["query_type"]
            of_dataset = name.startswith(OF_DATASETS) and name != "datasetdata"
            headers["ResourceType"] = "dataset" if of_dataset else "project"
            headers["ResourceID"] = self.known[DATASET if of_dataset else PROJECT]
        return self.send("POST", self.server.url + request["path"], headers, body)

    def younger(self, request: dict[str, Any]) -> tuple[int, Any]:
        body = b"" if request["body"] is None else json.dumps(self.filled(request["body"])).encode()
        query = urlencode(list(map(tuple, self.filled(request["query"]))))
        target = self.filled(request["path"]) + (f"?{query}" if query else "")
        headers = signature_headers(key_of("bar"), request["method"], target, body, int(time.time()))
        trace = {"X-Cloud-Trace-Context": f"{time.monotonic_ns():032x}/1;o=1"}
        return self.send(request["method"], self.server.url + target, headers | trace, body)

    def send(self, method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        reply = self.server.transport().send(Request(method, url, headers, body))
        return reply.status, json.loads(reply.body or b"null")

    def content(self) -> bytes:
        match self.kind:
            case "video":
                return film(self.folder / "film.mp4").read_bytes()
            case "dicomFile":
                return sorted(CT.glob("*.dcm"))[len(self.addresses) % 3].read_bytes()
            case "image":
                return image(self.folder / "image.png", 64, 48, format="PNG").read_bytes()
        return b"words"

    def learn(self, recorded: Any, found: Any) -> None:
        if isinstance(recorded, dict) and isinstance(found, dict):
            for name, value in recorded.items():
                if ID.fullmatch(name) and name not in found and len(found) == 1:
                    self.learn(name, next(iter(found)))
                self.learn(value, found.get(name))
        elif isinstance(recorded, list) and isinstance(found, list):
            for one, other in zip(recorded, found, strict=False):
                self.learn(one, other)
        elif isinstance(recorded, str) and isinstance(found, str):
            self.known.setdefault(recorded, found)


def prepare(player: Player, call: str) -> None:
    """Do what was done between the recorded calls."""
    role = ProjectUserRole.ANNOTATOR
    if call.startswith(("AnnotationTask.assign", "Project.remove_datasets")):
        project = player.server.stranger("bar").get_project(player.known[PROJECT])
        project.add_users(["a@example.com"], role)
        project.add_datasets([player.known[uid(0x3)]])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What was not accepted, by call."""
    folder = tmp_path_factory.mktemp("newest").resolve()
    (cloud := folder / "cloud").mkdir()
    image(cloud / "a.png", 64, 48, format="PNG")
    (cloud / "a.dcm").write_bytes(sorted(CT.glob("*.dcm"))[0].read_bytes())
    told: dict[str, list[str]] = {}
    with running(folder / "service", private_data=[str(cloud)]) as server:
        server.user("bar")
        player = Player(server, folder)
        player.known[NIL] = next(iter(server.service.storage.clouds.roots))
        player.known["s3://bucket"] = cloud.as_uri()
        waiting = list(enumerate(CALLS))
        while waiting:
            ready = [one for one in waiting if player.is_ready(one[1])]
            if not ready:
                break
            number, call = ready[0]
            waiting.remove(ready[0])
            prepare(player, call["call"])
            faults = [f"{r['method']} {r['path']}: {fault}" for r in call["requests"] for fault in player.play(r)]
            sentence = REFUSED_CALLS.get(call["call"])
            if sentence is not None:
                faults = [] if len(faults) == 1 and sentence in faults[0] else faults
            told[f"{number} {call['call']}"] = faults
        for number, call in waiting:
            told[f"{number} {call['call']}"] = ["names what was never made"]
    return told


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [f"{number} {call['call']}" for number, call in enumerate(CALLS)])
def test_a_request_of_the_newest_package_gets_a_reply_it_accepts(played: dict[str, list[str]], name: str) -> None:
    assert played[name] == []


def test_a_reply_that_lacks_a_member_is_not_accepted() -> None:
    request = {"method": "GET", "path": f"/v2/public/projects/{PROJECT}", "body": None}
    assert {"title is missing", "workflow is missing"} & set(faults({"workflow": {}}, table_of(request)))
    assert "workflow.stages is missing" in set(faults({"workflow": {}}, table_of(request)))
