"""Whatever happens between the client and the service, on a real socket and a real clock, the end is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Running, key_of, running
from pushes import boxes, state_of
from relays import FAULTS, Relay

from encord_convert import sync
from encord_convert.sdk.configs import UserConfig
from encord_convert.sdk.http._calls import Querier, Session
from encord_convert.sdk.http.transport import SocketTransport
from encord_convert.sdk.user_client import EncordUserClient


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    """A source, and what there is when it was pushed and nothing happened."""
    folder = tmp_path_factory.mktemp("undisturbed")
    source = boxes(folder, 24)
    with running(folder / "service", "socket") as server:
        client = server.user()
        plan = sync.plan(source, client, new_project="Boxes")
        assert sync.apply(plan, client, journal=folder / "journal").failures == []
        return source, state_of(client)


def patient(url: str) -> EncordUserClient:
    """Return a client that waits as long as it is told to."""
    config = UserConfig(key_of("ann"), url)
    return EncordUserClient(config, Querier(config, Session(SocketTransport())))


def port_of(server: Running) -> int:
    return int(server.url.rpartition(":")[2])


def test_answers_of_429_and_500_and_cut_connections_change_nothing_and_what_is_asked_to_wait_waits(
    server: Running, tmp_path: Path, undisturbed: tuple[Path, object]
) -> None:
    source, expected = undisturbed
    server.user()
    with Relay(port_of(server), share=0.15, retry_after_s=1, seed=3) as relay:
        client = patient(relay.url)
        plan = sync.plan(source, client, new_project="Boxes")
        outcome = sync.apply(plan, client, journal=tmp_path / "journal")
        if outcome.failures:  # it may run out of patience, and says so; once more is enough
            outcome = sync.apply(plan, client, journal=tmp_path / "journal")
        assert outcome.failures == []
        assert set(relay.faults) == set(FAULTS)
        assert relay.waited_s
        assert min(relay.waited_s) >= 1, "a Retry-After is obeyed"
        assert len(relay.acknowledged) == 24
        assert set(relay.acknowledged.values()) == {1}, "no file arrived twice"
    assert state_of(server.user()) == expected


def test_a_slow_way_changes_nothing(server: Running, tmp_path: Path, undisturbed: tuple[Path, object]) -> None:
    source, expected = undisturbed
    server.user()
    with Relay(port_of(server), delay_s=0.2) as relay:
        client = patient(relay.url)
        plan = sync.plan(source, client, new_project="Boxes")
        assert sync.apply(plan, client, journal=tmp_path / "journal").failures == []
    assert state_of(server.user()) == expected
