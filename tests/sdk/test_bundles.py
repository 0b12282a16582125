"""Many rows go out as few requests, several at once, and each row gets what is its own."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from loopback import Answer, Received, success
from wire_calls import REPLIES, STANDARD, World

from encord_convert.sdk.exceptions import AuthorisationError, MultiLabelLimitError

ROW = REPLIES["labelrow_PUT_1"]["response"]


def row(label_hash: str) -> dict[str, Any]:
    return {**ROW, "label_hash": label_hash, "data_hash": "d" + label_hash[1:]}


def world_of(rows: int, answer: Any) -> World:
    world = World(answer)
    entry = STANDARD["labelrowmetadata"][1]
    world.replies["labelrowmetadata"] = [{**entry, "label_hash": f"l{n}", "data_hash": f"d{n}"} for n in range(rows)]
    return world


def fetch_all(world: World) -> list[Any]:
    rows = list(world.rows.values())
    with world.project.create_bundle() as bundle:
        for one in rows:
            one.initialise_labels(bundle=bundle)
    return rows


def test_rows_come_to_their_own_whatever_order_they_come_in() -> None:
    world = world_of(250, lambda received: success([row(uid) for uid in received.envelope["values"]["uid"]][::-1]))
    with world.server:
        rows = fetch_all(world)
    assert all(one.is_labelling_initialised and one.data_hash == "d" + one.label_hash[1:] for one in rows)
    assert sorted(len(one.envelope["values"]["uid"]) for one in world.recorded) == [50, 100, 100]


def test_several_requests_are_under_way_at_once() -> None:
    under_way, most, lock = [0], [0], threading.Lock()

    def answer(received: Received) -> Answer:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.2)
        with lock:
            under_way[0] -= 1
        return success([row(uid) for uid in received.envelope["values"]["uid"]])

    world = world_of(400, answer)
    with world.server:
        fetch_all(world)
    assert 2 <= most[0] <= 4


def test_rows_that_did_not_come_stay_as_they_were() -> None:
    world = world_of(3, lambda received: success([row("l1"), row("l77")]))
    with world.server:
        rows = fetch_all(world)
    assert [one.is_labelling_initialised for one in rows] == [False, True, False]


def test_a_lower_limit_of_the_service_is_kept() -> None:
    def answer(received: Received) -> Answer:
        uids = received.envelope["values"]["uid"]
        if len(uids) > 40:
            body = (
                b'{"status": 400, "response": ["MULTI_LABEL_LIMIT_ERROR"], "payload": {"maximum_labels_allowed": 40}}'
            )
            return Answer(body=body)
        return success([row(uid) for uid in uids])

    world = world_of(100, answer)
    with world.server:
        rows = fetch_all(world)
    assert all(one.is_labelling_initialised for one in rows)
    assert [len(one.envelope["values"]["uid"]) for one in world.recorded] == [100, 40, 40, 20]


@pytest.mark.parametrize("limit", [0, 100, 1000])
def test_a_limit_that_is_none_is_not_tried_for_ever(limit: int) -> None:
    body = (
        b'{"status": 400, "response": ["MULTI_LABEL_LIMIT_ERROR"], "payload": {"maximum_labels_allowed": %d}}' % limit
    )
    world = world_of(100, lambda received: Answer(body=body))
    with world.server, pytest.raises(MultiLabelLimitError):
        fetch_all(world)
    assert len(world.recorded) == 1


def test_after_a_failure_what_waits_is_not_sent() -> None:
    def answer(received: Received) -> Answer:
        return Answer(body=b'{"status": 403, "response": ["AUTHORISATION_ERROR"]}')

    world = world_of(2000, answer)
    with world.server:
        rows = list(world.rows.values())
        bundle = world.project.create_bundle()
        for one in rows:
            one.initialise_labels(bundle=bundle)
        with pytest.raises(AuthorisationError):
            bundle.execute()
        sent = len(world.recorded)
        bundle.execute()  # nothing is left
    assert sent == len(world.recorded) < 20
    assert not any(one.is_labelling_initialised for one in rows)


def test_a_block_that_fails_sends_nothing() -> None:
    world = world_of(2, lambda received: success([]))
    with world.server:
        first = next(iter(world.rows.values()))
        with pytest.raises(ZeroDivisionError), world.project.create_bundle() as bundle:
            first.initialise_labels(bundle=bundle)
            raise ZeroDivisionError
    assert world.recorded == []
