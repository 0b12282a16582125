"""The commands, over a socket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives import serialization
from harness import Running, key_of
from pushes import state_of

import encord_convert
from encord_convert import Report
from encord_convert.cli import run
from encord_convert.cli._push_progress import PushProgress


def test_push_verify_and_pull_go_there_and_back(reached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 0
    told = capsys.readouterr()
    project = told.out.strip()
    assert "rows      4 to upload with their labels" in told.err
    assert f"pushed 4 pieces of data and 4 label rows to project {project}" in told.err
    assert run(["verify", "boxes", project]) == 0
    assert capsys.readouterr().err == "0 differences\n"
    assert run(["pull", project, "back.json", "--to", "coco", "--title-like", "000_.png"]) == 0
    assert "wrote   coco     back.json" in capsys.readouterr().err
    assert len(list(encord_convert.read("back.json", report=Report()))) == 4
    assert run(["pull", project, "one.json", "--to", "coco", "--title", "0002.png"]) == 0
    assert [row.data_title for row in encord_convert.read("one.json", report=Report())] == ["0002.png"]
    annotations = Path("boxes/annotations.xml")
    annotations.write_text(annotations.read_text().replace('xtl="8"', 'xtl="9"', 1))
    capsys.readouterr()
    assert run(["verify", "boxes", project, "--json"]) == 1
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["where"]["row"] == "0000.png"


def test_the_same_push_again_finds_all_done(reached: Path, server: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 0
    before = state_of(server.user())
    assert run(["push", "boxes", "--new-project", "Boxes", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["failed"]) == ("finished", 0)
    assert state_of(server.user()) == before


def test_a_plan_and_its_mapping_are_written_edited_and_applied(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", "boxes", "--new-project", "Boxes", "--plan", "plan.json"]) == 0
    assert state_of(server.user())["projects"] == {}
    mapping = Path("plan.json.mapping.yaml")
    text = mapping.read_text()
    assert "- name: bike\n  shape: bounding_box\n  to: bike" in text
    mapping.write_text(text.replace("to: bike", "to: two-wheeler").replace("to: car", "to: false\n  split: kind"))
    options = ["--new-project", "Mapped", "--mapping", str(mapping)]
    assert run(["push", "boxes", *options, "--plan", "mapped.json"]) == 0
    assert run(["apply", "mapped.json"]) == 0
    project = capsys.readouterr().out.strip()
    structure = server.user().get_project(project).ontology_structure
    assert [one.name for one in structure.objects] == ["van", "bus", "two-wheeler"]
    assert run(["verify", "boxes", project, "--mapping", str(mapping)]) == 0
    assert run(["verify", "boxes", project]) == 1
    mapping.write_text(text.replace("name: bike", "name: bikee"))
    line = mapping.read_text().partition("bikee")[0].count("\n") + 1
    assert run(["push", "boxes", *options]) == 2
    assert (
        f"plan.json.mapping.yaml:{line}: the source has no class 'bikee'; did you mean 'bike'?"
        in capsys.readouterr().err
    )


def test_an_edited_mapping_renames_merges_drops_and_turns_an_attribute_into_classes(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = Path(__file__).parents[1] / "bench" / "generate_cvat.py"
    words = [
        "made/annotations.xml",
        "--images",
        "12",
        "--only",
        "box",
        "--rotated",
        "0",
        "--with-images",
        "made/images",
    ]
    subprocess.run([sys.executable, str(generator), *words], check=True, capture_output=True)
    assert run(["push", "made", "--new-project", "Made", "--plan", "made.json"]) == 0
    mapping = Path("made.json.mapping.yaml")
    text = mapping.read_text()
    for before, after in (
        ("to: car\n", "to: vehicle\n"), ("to: dog\n", "to: animal\n"), ("to: cat\n", "to: animal\n"),
        ("to: tree\n", "to: false\n"), ("to: truck\n", "to: truck\n  split: color\n"),
    ):  # fmt: skip
        assert text.count(before) == 1
        text = text.replace(before, after)
    mapping.write_text(text)
    assert run(["push", "made", "--new-project", "Made", "--mapping", str(mapping)]) == 0
    project = capsys.readouterr().out.strip()
    boxes_of = Counter(
        box.get("label") if box.get("label") != "truck" else box.findtext("attribute[@name='color']") or "truck"
        for box in ElementTree.parse("made/annotations.xml").iter("box")
    )
    expected = Counter[str]()
    for label, count in boxes_of.items():
        expected[{"car": "vehicle", "dog": "animal", "cat": "animal"}.get(label, label)] += count
    del expected["tree"]
    found = Counter[str]()
    for row in server.user().get_project(project).list_label_rows_v2():
        row.initialise_labels()
        found.update(one.object_name for one in row.get_object_instances())
    assert found == expected
    assert run(["verify", "made", project, "--mapping", str(mapping)]) == 0


def test_what_fails_is_told_in_a_file_and_the_rest_goes_on(reached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["push", "boxes", "--new-project", "Boxes", "--plan", "plan.json"]) == 0
    image = Path("boxes/images/0001.png")
    content = bytearray(image.read_bytes())
    content[-5] ^= 1
    image.write_bytes(bytes(content))
    assert run(["apply", "plan.json"]) == 1
    assert "pushed 3 pieces of data and 3 label rows" in capsys.readouterr().err
    [failed] = [json.loads(line) for line in Path("plan.json.failed.jsonl").read_text().splitlines()]
    assert failed["row"] == "0001.png"
    assert failed["reason"].endswith("has changed since the plan was made.")
    content[-5] ^= 1
    image.write_bytes(bytes(content))
    assert run(["apply", "plan.json"]) == 0
    assert "pushed 1 piece of data and 1 label row to" in capsys.readouterr().err
    assert not Path("plan.json.failed.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["push", "boxes"], 2, "Say which project: one that is there with --project, or a new one"),
        (["push", "boxes", "--project", "nope"], 8, "There is no project nope, or this key may not see it."),
        (["verify", "boxes", "nope"], 8, "There is no project nope, or this key may not see it."),
        (["pull", "nope", "out"], 8, "There is no project nope, or this key may not see it."),
        (["apply", "nowhere.json"], 4, "nowhere.json: cannot be read (No such file or directory)."),
        (["verify", "boxes", "x", "--domain", "http://127.0.0.1:9"], 7, "Is `encord-convert serve` running?"),
        (["verify", "boxes", "x", "--key", "no.key"], 8, "no.key: there is no such file"),
    ],
)
def test_errors_have_a_sentence_and_a_code(
    reached: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, sentence: str
) -> None:
    assert run(words) == code
    assert sentence in capsys.readouterr().err


def test_rows_left_out_make_the_exit_code_1(reached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("boxes/images/0003.png").unlink()
    assert run(["push", "boxes", "--new-project", "Boxes", "--plan", "plan.json"]) == 0
    assert "left out  0003.png: no file is named '0003.png'" in capsys.readouterr().err
    assert run(["apply", "plan.json"]) == 1
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 1


def test_labels_that_are_there_exit_with_9(reached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["push", "boxes", "--new-project", "Boxes"]) == 0
    project = capsys.readouterr().out.strip()
    annotations = Path("boxes/annotations.xml")
    annotations.write_text(annotations.read_text().replace('xtl="8"', 'xtl="9"'))
    assert run(["push", "boxes", "--project", project]) == 9
    assert "4 rows already have labels: 0000.png, 0001.png, 0002.png, …" in capsys.readouterr().err
    assert run(["push", "boxes", "--project", project, "--on-conflict", "replace"]) == 0
    assert run(["verify", "boxes", project]) == 0


def test_a_terminal_shows_how_far_it_is_how_fast_and_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    clock = iter((10.0, 10.5, 12.0, 20.0))
    monkeypatch.setattr("encord_convert.cli._push_progress.time.monotonic", lambda: next(clock))
    progress = PushProgress()
    progress.tell({"event": "made", "what": "project", "hash": "x"})
    progress.tell({"event": "sent", "row": "a", "done": 1, "of": 5000})
    progress.tell({"event": "sent", "row": "b", "done": 2, "of": 5000})
    progress.tell({"event": "failed", "row": "c", "reason": "no"})
    progress.tell({"event": "sent", "row": "d", "done": 21, "of": 5000})
    progress.tell({"event": "written", "row": "a", "done": 1, "of": 1})
    lines = [line.rstrip() for line in capsys.readouterr().err.replace("\n", "\r").split("\r") if line]
    assert lines == [
        "sent     1 of 5000",
        "sent     2 of 5000   2/s   0:41:39 left",
        "sent     21 of 5000   10/s   0:08:18 left   1 failed",
        "written  1 of 1   1 failed",
    ]


def test_in_a_pipe_there_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    PushProgress().tell({"event": "sent", "row": "a", "done": 1, "of": 2})
    assert capsys.readouterr().err == ""


CASE = Path(__file__).parents[2] / "fixtures" / "cases" / "push"


def test_a_push_says_what_reading_could_not_take_over(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["push", str(CASE / "src"), "--images", str(CASE / "images"), "--new-project", "Spills"]
    report = reached / "report.json"
    assert run(["convert", str(CASE / "src"), "out", "--to", "coco", "--report", str(report)]) == 0
    read_losses = [one for one in json.loads(report.read_text())["losses"] if "rectangle" in one["type"]]
    assert read_losses
    capsys.readouterr()
    assert run([*words, "--plan", "plan.json", "--json"]) == 0
    shown = capsys.readouterr()
    [planned] = map(json.loads, shown.out.splitlines())
    assert planned["event"] == "planned"
    written = json.loads((reached / "plan.json").read_text())["lost"]
    for loss in read_losses:
        kept = {name: loss[name] for name in ("kind", "code", "feature", "type", "label", "count", "detail")}
        assert kept in planned["lost"]
        assert kept in written
        [line] = [line for line in shown.err.splitlines() if line.endswith(f"  {loss['code']}")]
        assert line.startswith(f"reading   {loss['count']} ")
        assert f"of {loss['label']!r} {loss['kind']}: {loss['detail']}" in line


def test_a_push_of_which_every_row_is_left_out_creates_nothing(
    reached: Path, server: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    (reached / "empty").mkdir()
    before = sorted(path.name for path in reached.iterdir())
    assert run(["push", "boxes", "--images", "empty", "--new-project", "Boxes", "--json"]) == 9
    shown = capsys.readouterr()
    [planned] = map(json.loads, shown.out.splitlines())
    assert len(planned["left"]) == 4
    assert planned["problems"] == ["None of the 4 rows can be pushed; nothing is created."]
    assert "PROBLEM   None of the 4 rows can be pushed" in shown.err
    state = state_of(server.user())
    assert not any(state.values()), state
    assert sorted(path.name for path in reached.iterdir()) == before


def test_the_plan_of_a_push_lies_beside_its_source(
    reached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run(["push", "../boxes", "--new-project", "Boxes"]) == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "boxes.push.json").is_file()
    assert (tmp_path / "boxes.push.json.journal").is_file()
    assert run(["undo", "../boxes.push.json"]) == 0


def test_a_push_that_may_not_sign_in_leaves_no_plan(
    reached: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = key_of("stranger").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    (tmp_path / "stranger").write_bytes(stranger)
    before = sorted(path.name for path in reached.iterdir())
    assert run(["push", "boxes", "--new-project", "Boxes", "--key", "stranger"]) == 8
    assert capsys.readouterr().err.startswith("error: ")
    assert sorted(path.name for path in reached.iterdir()) == before


@pytest.mark.parametrize(
    "words", [["push", "boxes", "--new-project", "B"], ["pull", "x", "out"], ["verify", "boxes", "x"]]
)
def test_a_service_that_is_not_there_is_told_at_once(
    words: list[str], reached: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in reached.iterdir())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        began = time.monotonic()
        assert run([*words, "--domain", address]) == 7
    assert time.monotonic() - began < 3
    fact = "no service answers there (Connection refused). Is `encord-convert serve` running?"
    assert capsys.readouterr().err == f"error: {address}: {fact}\n"
    assert sorted(path.name for path in reached.iterdir()) == before
