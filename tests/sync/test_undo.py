"""A push taken back."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from harness import Running, running
from pushes import Fragile, Killed, boxes, client_through, state_of

from encord_convert import sync
from encord_convert.cli import run
from encord_convert.errors import JournalError, StalePlanError
from encord_convert.sdk.http.transport import AppTransport
from encord_convert.sdk.user_client import EncordUserClient


def pushed(source: Path, client: EncordUserClient, plan: Path, **options: str) -> str:
    """Plan into a file, apply it, and return the hash of the project."""
    sync.plan(source, client, **options).write(plan)
    outcome = sync.apply(plan, client)
    assert outcome.failures == []
    return outcome.project_hash


def moved(source: Path) -> None:
    """Move one box of each image, and give its class another name."""
    annotations = source / "annotations.xml"
    annotations.write_text(annotations.read_text().replace('xtl="8"', 'xtl="9"').replace("bike", "bicycle"))


def labels_of(client: EncordUserClient, project: str) -> list[tuple[str, str]]:
    """Say what the rows of a project have, with authors and times."""
    rows = client.get_project(project).list_label_rows_v2()
    for row in rows:
        row.initialise_labels()
    return sorted((row.data_title, json.dumps(row.to_encord_dict()["data_units"], sort_keys=True)) for row in rows)


def test_rows_a_push_labelled_first_are_empty_again_and_what_stays_is_said(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    project = pushed(source, client, tmp_path / "plan.json", new_project="Boxes")
    undone = sync.undo(tmp_path / "plan.json", client)
    assert (undone.emptied, undone.restored, undone.edited, undone.failures) == (3, 0, [], [])
    assert undone.stays == [
        "3 pieces of data, which the push sent", "1 dataset the push made", "1 ontology the push made",
        "1 project the push made",
    ]  # fmt: skip
    assert len(list(sync.verify(source, client, project))) == 6
    again = sync.undo(tmp_path / "plan.json.journal", client)
    assert (again.emptied, again.restored) == (0, 0)
    with pytest.raises(StalePlanError, match=r"What this plan did was undone. Make the plan again"):
        sync.apply(tmp_path / "plan.json", client)
    pushed(source, client, tmp_path / "second.json", project=project)
    assert list(sync.verify(source, client, project)) == []


@pytest.mark.parametrize("how", ["replace", "merge"])
def test_labels_a_push_wrote_over_are_there_again_with_authors_and_times(
    server: Running, tmp_path: Path, how: str
) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    project = pushed(source, client, tmp_path / "first.json", new_project="Boxes")
    before = labels_of(client, project)
    moved(source)
    pushed(source, client, tmp_path / "second.json", project=project, on_conflict=how)
    assert labels_of(client, project) != before
    undone = sync.undo(tmp_path / "second.json", client)
    assert (undone.emptied, undone.restored, undone.edited) == (0, 3, [])
    assert undone.stays == ["1 addition to the ontology"]
    assert labels_of(client, project) == before


def test_rows_that_were_there_already_are_no_business_of_undoing(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 2), server.user()
    project = pushed(source, client, tmp_path / "first.json", new_project="Boxes")
    pushed(source, client, tmp_path / "second.json", project=project)
    before = labels_of(client, project)
    undone = sync.undo(tmp_path / "second.json", client)
    assert (undone.emptied, undone.restored, undone.stays) == (0, 0, [])
    assert labels_of(client, project) == before


def test_a_row_that_was_edited_since_is_left_and_named(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    project = pushed(source, client, tmp_path / "plan.json", new_project="Boxes")
    [row] = client.get_project(project).list_label_rows_v2(data_title_eq="0001.png")
    row.initialise_labels()
    row.remove_object(row.get_object_instances()[0])
    row.save()
    undone = sync.undo(tmp_path / "plan.json", client)
    assert (undone.emptied, undone.edited) == (2, ["0001.png"])
    [row] = client.get_project(project).list_label_rows_v2(data_title_eq="0001.png")
    row.initialise_labels()
    assert len(row.get_object_instances()) == 1


def test_undoing_that_ends_at_any_request_goes_on_to_the_same_end(tmp_path: Path) -> None:
    def undone(folder: Path, ends_at: int | None) -> tuple[int, object]:
        folder.mkdir()
        source = boxes(folder, 2)
        with running(folder / "service") as server:
            client = server.user()
            project = pushed(source, client, folder / "first.json", new_project="Boxes")
            moved(source)
            pushed(source, client, folder / "second.json", project=project, on_conflict="replace")
            fragile = Fragile(AppTransport(server.service.answer), ends_at, after=True)
            with contextlib.suppress(Killed):
                sync.undo(folder / "second.json", client_through(fragile, server.url))
            assert sync.undo(folder / "second.json", client).edited == []
            return fragile.count, state_of(client)

    requests, expected = undone(tmp_path / "whole", None)
    assert requests >= 4
    for ends_at in range(1, requests + 1):
        assert undone(tmp_path / f"{ends_at}", ends_at)[1] == expected


def test_the_command_says_what_it_did_and_each_push_of_a_source_can_be_undone(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 0
    project = capsys.readouterr().out.strip()
    before = labels_of(server.user(), project)
    moved(Path("boxes"))
    assert run(["push", "boxes", "--project", project, "--on-conflict", "replace"]) == 0
    capsys.readouterr()
    assert run(["undo", "boxes.push.json"]) == 0
    assert capsys.readouterr().err == ("restored 4 label rows, emptied 0\nstays    1 addition to the ontology\n")
    assert labels_of(server.user(), project) == before
    assert run(["undo", "boxes.push.json.1", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["emptied"], last["edited"]) == ("finished", 4, [])
    assert run(["push", "boxes", "--project", project]) == 0
    assert run(["verify", "boxes", project]) == 0
    [row] = server.user().get_project(project).list_label_rows_v2(data_title_eq="0001.png")
    row.initialise_labels()
    row.remove_object(row.get_object_instances()[0])
    row.save()
    capsys.readouterr()
    assert run(["undo", "boxes.push.json"]) == 9
    assert "left     0001.png: was edited since" in capsys.readouterr().err
    assert run(["undo", "nowhere.json"]) == JournalError.exit_code
    assert "nowhere.json.journal: there is no such journal" in capsys.readouterr().err
