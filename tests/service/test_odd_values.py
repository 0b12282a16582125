"""Whatever stands in a request, it is answered or refused in words: no value makes the service fail.

Every recorded request is sent with one value after another in place of one of its members.
``ONE_IN=1 pytest tests/service/test_odd_values.py`` for all of them.
"""

from __future__ import annotations

import copy
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from capture_worlds import prepare
from harness import WAYS, running
from test_captures import SAMPLES, SIGNER, blocks, filled_in

from encord_convert.sdk.http._signatures import authorization
from encord_convert.sdk.http.transport import Request

ODD = [
    "\0", "a\0b", "\ud800", "", "%", "\\", "x" * 5000, "0001-01-01", "9999-12-31T23:59:59", 2**31, 2**63, 2**70, -1, 0,
    1.5, 1e308, -1e308, True, False, None, [], [[]], [None], ["\0"], [2**70], {}, {"\0": 1},
    {"abc": {"objects": []}}, {"objects": None}, {"0": 1},
]  # fmt: skip
ONE_IN = int(os.environ.get("ONE_IN", "24"))
"""Of all places a value could stand in, chosen by their name and the value."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to a JSON value, and to all that is in it; of a list, to the first two."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def with_value(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(body)
    within: Any = made
    for key in path[:-1]:
        within = within[key]
    within[path[-1]] = value
    return made


def requests() -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    """Yield every recorded request of the envelope API by the user, with each place of what it says."""
    seen = set()
    for block in blocks():
        for one in block.values[0]["requests"]:
            if isinstance(one["body"], dict) and ":" in one["headers"].get("Authorization", ""):
                route = one["body"]["query_type"], one["body"]["query_method"], one["path"]
                for path in places(one["body"]["values"], ("values",)):
                    if (route, path) not in seen:
                        seen.add((route, path))
                        yield one, path


@pytest.mark.proves("service: 23")
@pytest.mark.timeout(120 + 3000 // ONE_IN)
@pytest.mark.parametrize("way", [way for way in WAYS if way != "socket"])
def test_no_value_makes_the_service_fail(way: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    failed = []
    with running(tmp_path / "service", way) as server:
        known = prepare(server, {"requests": []}, tmp_path / "cloud") | SAMPLES
        for request, path in requests():
            for number, value in enumerate(ODD):
                name = f"{request['body']['query_type']} {request['body']['query_method']} {path} {number}"
                if crc32(name.encode()) % ONE_IN:
                    continue
                body = filled_in(json.dumps(with_value(request["body"], path, value)), known).encode()
                headers = request["headers"] | {"Authorization": authorization(SIGNER, body)}
                reply = server.service.answer(Request("POST", request["path"], headers, body))
                if b"The service failed" in reply.body:
                    failed.append(f"{name}: {value!r:.40}")
        for request, path in requests():
            if path == ("values",) and request["body"]["query_method"] == "GET":
                body = filled_in(json.dumps(request["body"]), known).encode()
                headers = request["headers"] | {"Authorization": authorization(SIGNER, body)}
                reply = server.service.answer(Request("POST", request["path"], headers, body))
                if b"The service failed" in reply.body:
                    failed.append(f"{request['body']['query_type']} after all that")
    assert failed == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
