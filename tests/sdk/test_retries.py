"""What fails is tried again as often as the original tries, where that does no harm; on a clock of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from loopback import DROPPED, Answer, Received, success
from test_wire import told_differences
from wire_calls import IMAGE, JOB, KEY, PROJECT, REPLIES, VIDEO, VIDEO_ROW, WIRE, World, files

from encord_convert.sdk import EncordUserClient, exceptions
from encord_convert.sdk.configs import UserConfig
from encord_convert.sdk.exceptions import CloudUploadError, EncordException
from encord_convert.sdk.http._calls import Querier, Session
from encord_convert.sdk.http._retries import Clock
from encord_convert.sdk.http.constants import RequestsSettings
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.http.utils import CloudUploadSettings
from encord_convert.sdk.project import Project

OBSERVATIONS = json.loads((WIRE / "retries.json").read_text())["observations"]


@dataclass
class Waiting:
    """Time that passes only when somebody sleeps; chance that always draws the longest wait."""

    slept: list[float] = field(default_factory=list)
    began: float = 1_700_000_000.0

    def clock(self) -> Clock:
        return Clock(lambda: self.began + sum(self.slept), self.slept.append, lambda: 1.0)


def _upload(settings: CloudUploadSettings) -> Callable[[World], Any]:
    return lambda w: w.dataset.upload_image("g0.png", cloud_upload_settings=settings)


def _timers(world: World) -> Any:
    project: Project = world.project
    return list(project.list_collaborator_timers(datetime(2024, 1, 1)))


ROW = REPLIES["labelrow_GET_1"]["response"]

OPERATIONS: dict[str, Callable[[World], Any]] = {
    "single read (GET)": lambda w: w.user.get_ontology("e"),
    "list read (GET)": lambda w: w.user.get_cloud_integrations(),
    "PUT write": lambda w: w.user.get_or_create_project_api_key(PROJECT),
    "POST write": lambda w: w.user.querier.post(Query.PROJECT_COPY, "p", {}),
    "DELETE": lambda w: w.project.model_delete("m"),
    "labelrow list create (PUT)": lambda w: w.project._client.create_label_rows([VIDEO, IMAGE]),
    "labelrow create (PUT)": lambda w: w.project.create_label_row(VIDEO),
    "labelrow save (POST)": lambda w: w.project.save_label_row(VIDEO_ROW, ROW),
    "labelrow list save (POST)": lambda w: w.project._client.save_label_rows([VIDEO_ROW], [ROW]),
    "v2 GET": _timers,
    "v2 POST": lambda w: w.rows[IMAGE].set_priority(0.5),
    "upload": _upload(CloudUploadSettings()),
    "add_private_data_to_dataset_get_result": lambda w: w.dataset.add_private_data_to_dataset_get_result(JOB),
}

DIFFERENCES = {
    "labelrow create (PUT)": "nor is a PUT that begins a label row, makes a model or starts a job",
    "requests.exceptions.RetryError": "exhausted retries, lost and late replies are exceptions of ours",
    "requests.exceptions.ConnectionError": "exhausted retries, lost and late replies are exceptions of ours",
    "gaps": "full jitter, and a wait before the first time too",
}
"""Operation, exception or other thing in which we differ, and why."""

CLOUD = [{"id": "00000000-0000-4000-8000-000000005001", "title": "Synthetic integration"}]


def _answer(failure: str) -> Callable[[Received], Answer]:
    calls: list[Received] = []

    def answer(received: Received) -> Answer:
        calls.append(received)
        if failure.startswith("storage") and received.method != "PUT":
            host = received.headers["Host"]
            place = {"signed_url": f"http://{host}/s", "data_hash": "d", "title": "g0.png", "file_link": "l"}
            return success([place])
        if "then success" in failure and len(calls) == (3 if "twice" in failure else 2):
            return success(CLOUD)
        if failure == "connection dropped before the reply":
            return DROPPED
        if failure == "no reply within read_timeout":
            return Answer(after_s=1.0)
        if failure == "long-poll reply is not JSON":
            return Answer(body=b"<html>")
        status = int(re.search(r"HTTP (\d+)", failure)[1])  # type: ignore[index]
        headers = {"Retry-After": "2"} if "Retry-After: 2" in failure else {}
        if status in (400, 502, 504):
            return Answer(status, b'{"status": 400, "response": ["UNKNOWN_ERROR"]}')
        return Answer(status, b'{"message": "the words of the service"}', headers)

    return answer


ON_WIRE = [one for one in OBSERVATIONS if one["failure"] != "connection refused"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", ON_WIRE, ids=[f"{one['failure']}, {one['operation']}" for one in ON_WIRE])
def test_a_failure_is_tried_again(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path)
    monkeypatch.chdir(tmp_path)
    failure, operation = case["failure"], case["operation"]
    given = {name: value for name, value in case["settings"].items() if name != "defaults"}
    if "read_timeout" in given and "no reply" in failure:
        given["read_timeout"] = given["write_timeout"] = 0.2
    settings = RequestsSettings(**given)
    waiting = Waiting()
    world = World(_answer(failure), waiting.clock(), settings)
    call = OPERATIONS[operation]
    if "CloudUploadSettings" in failure:
        call = _upload(CloudUploadSettings(max_retries=1, backoff_factor=0.01))
    error: Exception | None = None
    with world.server:
        try:
            call(world)
        except Exception as caught:
            error = caught
    attempts = 1 if operation in DIFFERENCES else case["attempts"]
    assert len(world.recorded) == attempts
    _check_gaps(waiting.slept, case, settings, attempts)
    if "raises" not in case:
        assert error is None
    elif case["raises"]["class"] in DIFFERENCES:
        _check_own_error(error, failure)
    else:
        assert type(error).__name__ == case["raises"]["class"].rpartition(".")[2]


def _check_gaps(slept: list[float], case: dict[str, Any], settings: RequestsSettings, attempts: int) -> None:
    failure, gaps = case["failure"], case["gaps_seconds"]
    if "Retry-After" in failure:
        assert slept == gaps
    elif "long-poll" in failure:
        assert slept == gaps == [10.0, 10.0]
    else:
        tries = attempts - 1 - failure.startswith("storage")  # the place of a file was asked for once
        assert slept == [settings.backoff_factor * 2**n for n in range(tries)]


def _check_own_error(error: Exception | None, failure: str) -> None:
    assert isinstance(error, EncordException)
    if failure.startswith("storage"):
        assert isinstance(error, CloudUploadError) and "HTTP 503 after" in error.message
    elif "read_timeout" in failure:
        assert type(error) is exceptions.TimeOutError
    elif "dropped" in failure:
        assert type(error) is exceptions.RequestException
    else:
        assert type(error) is exceptions.UnknownException and "the words of the service" in error.message


def test_a_refused_connection_is_tried_again_for_every_call() -> None:
    (case,) = [one for one in OBSERVATIONS if one["failure"] == "connection refused"]
    waiting = Waiting()
    with World(lambda received: success(True)).server as server:
        gone = server.url
    config = UserConfig(KEY, domain=gone, requests_settings=RequestsSettings(**case["settings"]))
    client = EncordUserClient(config, Querier(config, Session(clock=waiting.clock())))
    for call in (client.get_cloud_integrations, lambda: client.create_ontology("t")):
        waiting.slept.clear()
        with pytest.raises(exceptions.RequestException, match="refuses connections"):
            call()
        assert waiting.slept == [0.1, 0.2, 0.4]
        assert sum(waiting.slept) == pytest.approx(case["total_seconds"], abs=0.11)


def test_every_difference_is_told() -> None:
    assert set(DIFFERENCES.values()) <= told_differences()
    assert len(OBSERVATIONS) == 71
