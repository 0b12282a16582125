"""However a push is interrupted, the end is the same."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from harness import Running, key_of, running
from pushes import Fragile, Killed, Unlucky, boxes, client_through, state_of
from relays import Relay
from served import COMMAND, Served, environment

from encord_convert import sync
from encord_convert.errors import JournalError
from encord_convert.sdk.http.transport import AppTransport
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sync.journal import Journal, is_over


def interrupted(folder: Path, source: Path, ends_at: int | None, *, after: bool = False) -> tuple[int, int, object]:
    """Push until a request, and again to the end; return requests, files sent, and what there is then."""
    folder.mkdir()
    with running(folder / "service") as server:
        server.user()
        first = Fragile(AppTransport(server.service.answer), after=after)
        plan = sync.plan(source, client_through(first, server.url), new_project="Boxes")
        first.count, first.ends_at = 0, ends_at
        with contextlib.suppress(Killed):
            sync.apply(plan, client_through(first, server.url), journal=folder / "journal")
        second = Fragile(AppTransport(server.service.answer))
        client = client_through(second, server.url)
        outcome = sync.apply(plan, client, journal=folder / "journal")
        assert outcome.failures == []
        assert list(sync.verify(source, client, outcome.project_hash)) == []
        return first.count, first.puts + second.puts, state_of(client)


@pytest.mark.parametrize("after", [False, True], ids=["before it is sent", "after it is answered"])
def test_a_push_that_ends_at_any_request_goes_on_to_the_same_end(tmp_path: Path, *, after: bool) -> None:
    source = boxes(tmp_path, 2)
    requests, files, expected = interrupted(tmp_path / "whole", source, None)
    assert files == 2
    for ends_at in range(1, requests + 1):
        _, files, found = interrupted(tmp_path / f"{ends_at}", source, ends_at, after=after)
        assert found == expected
        assert files == 2, "what arrived is not sent again, whether we heard of it or not"


def test_a_merge_into_a_project_that_ends_at_any_request_goes_on_to_the_same_end(tmp_path: Path) -> None:
    source = boxes(tmp_path, 2)
    annotations = source / "annotations.xml"
    before = annotations.read_text()
    after = before.replace('xtl="8"', 'xtl="9"').replace("<name>bike</name>", "<name>bicycle</name>")
    after = after.replace('label="bike"', 'label="bicycle"')

    def merged(folder: Path, ends_at: int | None) -> tuple[int, object]:
        folder.mkdir()
        with running(folder / "service") as server:
            client = server.user()
            annotations.write_text(before)
            first = sync.plan(source, client, new_project="Boxes")
            project = sync.apply(first, client, journal=folder / "first").project_hash
            annotations.write_text(after)
            fragile = Fragile(AppTransport(server.service.answer), after=True)
            plan = sync.plan(source, client, project=project, on_conflict="merge")
            assert plan.actions() == {"merge": 2}
            fragile.ends_at = ends_at
            with contextlib.suppress(Killed):
                sync.apply(plan, client_through(fragile, server.url), journal=folder / "journal")
            outcome = sync.apply(plan, client, journal=folder / "journal")
            assert outcome.failures == []
            return fragile.count, state_of(client)

    requests, expected = merged(tmp_path / "whole", None)
    assert requests > 5
    for ends_at in range(1, requests + 1):
        assert merged(tmp_path / f"{ends_at}", ends_at)[1] == expected


@pytest.mark.parametrize("seed", range(4))
def test_requests_that_fail_in_any_way_change_nothing(tmp_path: Path, seed: int) -> None:
    source = boxes(tmp_path, 30)
    _, _, expected = interrupted(tmp_path / "whole", source, None)
    with running(tmp_path / "service") as server:
        server.user()
        unlucky = Unlucky(AppTransport(server.service.answer), seed)
        client = client_through(unlucky, server.url)
        plan = sync.plan(source, client, new_project="Boxes")
        outcome = sync.apply(plan, client, journal=tmp_path / "journal")
        if outcome.failures:  # it may run out of patience, and says so; once more is enough
            outcome = sync.apply(plan, client, journal=tmp_path / "journal")
        assert outcome.failures == []
        assert sum(unlucky.faults.values()) > 10
        assert state_of(server.user()) == expected


def command(server: Running, folder: Path, *arguments: str) -> list[str]:
    key = folder / "key"
    key.write_bytes(
        key_of("ann").private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    return [sys.executable, "-m", "encord_convert", *arguments, "--domain", server.url, "--key", str(key)]


def test_a_push_killed_at_random_moments_and_begun_again_leaves_no_double(tmp_path: Path) -> None:
    source = boxes(tmp_path, 40)
    chance = random.Random(20_261_125)
    with running(tmp_path / "service", "socket") as server:
        client = server.user()
        words = command(server, tmp_path, "push", str(source), "--new-project", "Boxes", "--json")
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        killed = 0
        for most in (1, 25, 55, 10_000):
            process = subprocess.Popen(
                words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            events = 0
            ends_at = chance.randrange(most // 2, most) if most < 10_000 else most
            for line in process.stdout:
                events += json.loads(line)["event"] in ("made", "sent", "written")
                if events > ends_at:
                    time.sleep(chance.random() * 0.02)
                    process.send_signal(signal.SIGKILL)
                    break
            _, errors = process.communicate(timeout=60)
            killed += process.returncode == -signal.SIGKILL
        assert (process.returncode, killed >= 1) == (0, True), errors
        found = state_of(client)
    _, _, expected = interrupted(tmp_path / "whole", source, None)
    assert found == expected


def test_a_service_killed_while_it_is_pushed_to_has_all_once_when_the_push_was_begun_again(tmp_path: Path) -> None:
    source = boxes(tmp_path, 12)
    served = Served(tmp_path / "served")
    try:
        with Relay(served.port) as relay:
            reach = ["--domain", relay.url, "--key", str(served.key)]
            words = [*COMMAND, "push", str(source), "--new-project", "Boxes", "--json", *reach]
            for events in (9, None):
                process = subprocess.Popen(
                    words, cwd=tmp_path, env=environment(),
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                )  # fmt: skip
                assert process.stdout is not None
                if events is not None:
                    for _ in range(events):
                        process.stdout.readline()
                    served.kill()
                    served.start()
                _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
            assert set(relay.acknowledged.values()) == {1}, "no file arrived twice"
            client = EncordUserClient.create_with_ssh_private_key(
                ssh_private_key_path=str(served.key), domain=relay.url
            )
            found = state_of(client)
    finally:
        served.close()
    _, _, expected = interrupted(tmp_path / "whole", source, None)
    assert found == expected


@pytest.mark.parametrize("content", ["", "create table facts (name text primary key, value text not null)"])
def test_a_journal_that_was_hardly_begun_is_gone_on_with(tmp_path: Path, content: str) -> None:
    path = tmp_path / "journal"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(content)
    path.touch()
    assert not is_over(path)
    with Journal(path, "one") as journal:
        journal.finish("push", "all")
    assert is_over(path)


def test_a_journal_is_of_one_plan(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", "one").close()
    with pytest.raises(JournalError, match=r"is the journal of another plan"):
        Journal(tmp_path / "journal", "other")
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(JournalError, match=r"is not the journal of a push"):
        Journal(tmp_path / "text", "one")
