"""Pushes that meet, that were interrupted before their source changed, and journals of strangers."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
from pathlib import Path

import pytest
from harness import Running
from pushes import boxes, state_of
from served import COMMAND, Served, environment

from encord_convert import sync
from encord_convert.cli import run
from encord_convert.sdk.user_client import EncordUserClient

DAMAGES = 60


def test_of_two_pushes_at_once_one_is_refused_and_nothing_is_there_twice(tmp_path: Path) -> None:
    source = boxes(tmp_path, 12)
    served = Served(tmp_path / "service")
    try:
        reach = ["--domain", served.url, "--key", str(served.key)]
        words = [*COMMAND, "push", str(source), "--new-project", "Boxes", *reach]
        both = [
            subprocess.Popen(words, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
            for _ in range(2)
        ]  # fmt: skip
        told = [one.communicate()[1] for one in both]
        codes = sorted(one.returncode for one in both)
        assert not any("Traceback" in one for one in told)
        if codes != [0, 0]:  # else the second began when the first had ended, and found all done
            assert codes == [0, 9]
            assert "another push is running this plan" in "".join(told)
        assert run(["push", str(source), "--new-project", "Boxes", *reach, "-q"]) == 0
        client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=str(served.key), domain=served.url)
        state = state_of(client)
        assert [len(list(state[kind])) for kind in ("projects", "datasets")] == [1, 1]
        assert not list(tmp_path.glob("*.lock"))
    finally:
        served.close()


def interrupted(server: Running, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Push until all data was sent and before labels are."""
    with monkeypatch.context() as patch:
        patch.setattr("encord_convert.sync.writing.Writing.write", interrupt)
        assert run(["push", str(source), "--new-project", "Boxes"]) == 130


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def change(source: Path) -> None:
    annotations = source / "annotations.xml"
    annotations.write_text(annotations.read_text().replace('xtl="8"', 'xtl="9"'))


def test_a_push_whose_source_changed_says_what_to_do_and_continue_does_it(
    reached: Path, server: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(server, Path("boxes"), monkeypatch)
    change(Path("boxes"))
    capsys.readouterr()
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 9
    said = capsys.readouterr().err
    assert "has changed since its push was interrupted. --continue brings what was made so far" in said
    assert run(["push", "boxes", "--new-project", "Boxes", "--continue"]) == 0
    project = capsys.readouterr().out.strip()
    state = state_of(server.user())
    assert [len(list(state[kind])) for kind in ("projects", "datasets")] == [1, 1]
    assert run(["verify", "boxes", project]) == 0
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 0
    assert state_of(server.user()) == state


def test_labels_a_push_wrote_before_its_source_changed_are_replaced_by_continue(
    reached: Path, server: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("encord_convert.sync.journal.Journal.finish_all", interrupted_by("labels"))
        assert run(["push", "boxes", "--new-project", "Boxes"]) == 130
    change(Path("boxes"))
    capsys.readouterr()
    assert run(["push", "boxes", "--new-project", "Boxes", "--continue"]) == 0
    assert run(["verify", "boxes", capsys.readouterr().out.strip()]) == 0
    assert len(list(state_of(server.user())["projects"])) == 1


@pytest.mark.parametrize("kind", ["made", "data", "labels"])
def test_a_push_over_several_projects_goes_on_with_a_source_that_changed(
    reached: Path, server: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    words = ["push", "boxes", "--new-project", "Boxes", "--shard-rows", "2"]
    with monkeypatch.context() as patch:
        patch.setattr("encord_convert.sync.journal.Journal.finish_all", interrupted_by(kind))
        patch.setattr("encord_convert.sync.journal.Journal.finish", interrupted_after(kind, 3))
        assert run(words) == 130
    change(Path("boxes"))
    capsys.readouterr()
    assert run([*words, "--continue"]) == 0
    client = server.user()
    hashes = [one["project"].project_hash for one in client.get_projects()]
    assert list(sync.verify("boxes", client, hashes)) == []
    state = state_of(client)
    assert [len(list(state[kind])) for kind in ("projects", "datasets")] == [2, 2]
    assert run(words) == 0
    assert state_of(client) == state


def interrupted_after(kind: str, count: int) -> object:
    """Return what notes a step, and is interrupted before it notes one more than some of a kind."""
    from encord_convert.sync.journal import Journal

    noted, seen = Journal.finish, []

    def note(self: Journal, of: str, name: str, value: object = None) -> None:
        if of == kind:
            seen.append(name)
            if len(seen) > count:
                raise KeyboardInterrupt
        noted(self, of, name, value)

    return note


def interrupted_by(kind: str) -> object:
    """Return what notes steps and is interrupted before it notes those of a kind."""
    from encord_convert.sync.journal import Journal

    noted = Journal.finish_all

    def note(self: Journal, of: str, values: dict[str, object]) -> None:
        if of == kind and values:
            raise KeyboardInterrupt
        noted(self, of, values)

    return note


def test_an_abandoned_push_is_kept_to_be_undone_and_another_may_begin(
    reached: Path, server: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(server, Path("boxes"), monkeypatch)
    capsys.readouterr()
    assert run(["push", "boxes", "--new-project", "Other"]) == 9
    assert "was interrupted that was asked for in other words" in capsys.readouterr().err
    assert run(["push", "boxes", "--new-project", "Boxes", "--abandon"]) == 0
    assert "encord-convert undo takes its labels back" in capsys.readouterr().err
    assert Path("boxes.push.json.1.journal").is_file()
    assert run(["push", "boxes", "--new-project", "Other"]) == 0
    assert run(["push", "boxes", "--new-project", "Other", "--abandon"]) == 2


def test_two_sources_of_one_stem_have_plans_of_their_own(reached: Path) -> None:
    for name in ("boxes.xml", "boxes.json"):
        suffix = ["--to", "cvat"] if name.endswith("xml") else []
        assert run(["convert", "boxes", name, *suffix]) == 0
        assert run(["push", name, "--new-project", name, "--images", "boxes/images"]) == 0
    assert {path.name for path in Path().glob("*.push.json")} == {"boxes.xml.push.json", "boxes.json.push.json"}


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return a file with some bytes overwritten, gone, or cut off."""
    kind = chance.randrange(4)
    if kind == 0:
        return data[: chance.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(chance.choice((1, 8, 64, 512))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    if kind == 1:
        place = chance.randrange(len(changed))
        changed[place : place + 64] = bytes(64)
    return bytes(changed)


def test_no_damage_of_a_journal_ends_in_a_traceback_or_sends_anything_twice(
    reached: Path, server: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(server, Path("boxes"), monkeypatch)
    journal = Path("boxes.push.json.journal")
    whole = journal.read_bytes()
    others = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.suffix != ".journal"}
    for seed in range(DAMAGES):
        for path in Path().glob("boxes.push.json*"):
            if path not in others:
                path.unlink()
        journal.write_bytes(damaged(whole, random.Random(seed)))
        Path("boxes.push.json").write_bytes(others[Path("boxes.push.json")])
        with monkeypatch.context() as patch:
            patch.setattr("encord_convert.sync.writing.Writing.write", interrupt)
            words = ["apply", "boxes.push.json"] if seed % 2 else ["push", "boxes", "--new-project", "Boxes"]
            code = run(words)
        said = capsys.readouterr().err
        assert code in (5, 8, 9, 130), (seed, said)
        assert "Traceback" not in said and "bug" not in said, seed
    assert all(path.read_bytes() == data for path, data in others.items())


@pytest.mark.parametrize(
    ("kind", "state", "value"),
    [("made", "done", ["x"]), ("data", "done", {"a": 1}), ("data", "begun", "x"), ("labels", "done", {"project": 1}),
     ("replaced", "done", 7), ("file", "done", None)],
)  # fmt: skip
def test_a_value_of_a_wrong_type_in_a_journal_is_damage(
    kind: str, state: str, value: object, reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 0
    with sqlite3.connect("boxes.push.json.journal") as db:
        db.execute("update steps set state = ?, value = ? where kind = ?", (state, json.dumps(value), kind))
        db.execute("insert or ignore into steps values (?, 'x', ?, ?)", (kind, state, json.dumps(value)))
        db.execute("delete from steps where kind = 'push'")
    db.close()
    capsys.readouterr()
    code = run(["undo", "boxes.push.json"]), run(["apply", "boxes.push.json"])
    said = capsys.readouterr().err
    assert set(code) <= {0, 1, 9}
    assert "Traceback" not in said and "bug" not in said


def test_apply_of_a_plan_that_is_at_work_is_refused(server: Running, tmp_path: Path) -> None:
    from encord_convert.errors import ConflictError

    source, client = boxes(tmp_path, 2), server.user()
    plan = sync.plan(source, client, new_project="Boxes")
    refused: list[str] = []

    def again(event: dict[str, object]) -> None:
        if not refused:
            import threading

            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()

    def attempt() -> None:
        try:
            sync.apply(plan, client, journal=tmp_path / "journal")
        except ConflictError as error:
            refused.append(error.sentence)

    assert sync.apply(plan, client, journal=tmp_path / "journal", on_event=again).failures == []
    assert refused == [f"{tmp_path / 'journal'}: another push is running this plan. Wait for its end."]
