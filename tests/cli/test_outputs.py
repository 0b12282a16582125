"""Nothing that the tool did not write is replaced; reports and DST are checked before there is any work."""

import os
from pathlib import Path

import pytest

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
CVAT = ROOT / "fixtures" / "cvat"
SUBSETS = CVAT / "images-project-subsets"


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def test_a_file_of_somebody_else_is_replaced_only_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.json").write_text("[1]")
    words = ("convert", SUBSETS, tmp_path / "notes.json", "--to", "coco")
    assert call(*words) == 5
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "notes.json").read_text() == "[1]"
    assert call(*words, "--overwrite") == 0
    assert (tmp_path / "notes.json").read_text() != "[1]"


def test_what_was_written_before_is_written_again_until_somebody_changes_it(tmp_path: Path) -> None:
    words = ("convert", SUBSETS, tmp_path / "out", "--to", "coco")
    assert [call(*words), call(*words)] == [0, 0]
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert call(*words) == 5
    assert (tmp_path / "out" / "mine.txt").exists()


def test_an_earlier_result_leaves_nothing_behind(tmp_path: Path) -> None:
    words = ("convert", SUBSETS, tmp_path / "out", "--target", "ultralytics")
    for shares in ("train=0.5,val=0.5", "train=1"):
        assert call(*words, "--split", shares) == 0
        assert call("convert", SUBSETS, tmp_path / shares, *words[3:], "--split", shares) == 0
        names = [{path.relative_to(place).as_posix() for path in place.rglob("*")}
                 for place in (tmp_path / "out", tmp_path / shares)]  # fmt: skip
        assert names[0] == names[1]


def test_an_empty_folder_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert call("convert", SUBSETS, tmp_path / "out", "--to", "coco") == 0


@pytest.mark.parametrize("more", [(), ("--overwrite",)])
@pytest.mark.parametrize("name", ["in.xml", "link.xml", "folder", "sub/../in.xml"])
def test_a_source_is_never_replaced(
    name: str, more: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (CVAT / "images-task-minimal" / "train.xml").read_text()
    (tmp_path / "sub").mkdir()
    (tmp_path / "in.xml").write_text(text)
    (tmp_path / "link.xml").symlink_to("in.xml")
    (tmp_path / "folder").symlink_to(tmp_path)
    assert call("convert", tmp_path / "in.xml", tmp_path / name, "--to", "cvat", *more) == 5
    assert "the source" in capsys.readouterr().err
    assert (tmp_path / "in.xml").read_text() == text
    assert (tmp_path / "link.xml").is_symlink()


def test_a_result_may_lie_in_the_folder_it_was_made_of(tmp_path: Path) -> None:
    (tmp_path / "in.xml").write_text((CVAT / "images-task-minimal" / "train.xml").read_text())
    assert call("convert", tmp_path, tmp_path / "out", "--from", "cvat", "--to", "coco") == 0


def test_a_batch_keeps_out_of_folders_it_did_not_make(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    words = ("batch", SUBSETS, "--to", "coco", "--out", tmp_path / "out", "--engine", "serial")
    assert call(*words) == 5
    assert "--overwrite" in capsys.readouterr().err
    assert call(*words, "--overwrite") == 0
    assert [call(*words), call(*words, "--resume")] == [0, 0]
    assert (tmp_path / "out" / "mine.txt").exists()


def test_standard_output_is_no_place_for_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("convert", SUBSETS, "-", "--to", "coco") == 2
    assert "standard output" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (tmp_path / "gone" / "r.json", tmp_path):
        assert call("convert", SUBSETS, tmp_path / "out", "--to", "coco", "--report", place) == 5
        assert f"{place}: the report cannot be written" in capsys.readouterr().err
        words = ("batch", SUBSETS, "--to", "coco", "--out", tmp_path / "out", "--report", place)
        assert call(*words) == 5
    assert not (tmp_path / "out").exists()


def test_a_report_is_a_page_if_it_is_called_so(tmp_path: Path) -> None:
    assert call("convert", SUBSETS, tmp_path / "out", "--to", "coco", "--report", tmp_path / "r.html") == 0
    page = (tmp_path / "r.html").read_text()
    assert page.startswith("<!doctype html>")
    for word in ("POLYLINE_SKIPPED", "label2", "annotations.xml:", str(tmp_path / "out")):
        assert word in page


@pytest.mark.parametrize("command", ["convert", "batch"])
def test_a_quiet_command_says_nothing_but_errors(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = (tmp_path / "out",) if command == "convert" else ("--out", tmp_path / "out")
    assert call(command, SUBSETS, *places, "--to", "coco", "--quiet") == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
    assert call(command, os.devnull + "/none", *places, "--to", "coco", "--quiet") == 4
    assert capsys.readouterr().err.startswith("error: ")


SIDE_OUTPUTS = {
    "report": ("convert", "s.xml", "out", "--to", "coco", "--report"),
    "dry": ("convert", "s.xml", "out", "--to", "coco", "--dry-run", "--report"),
    "page": ("convert", "s.xml", "out", "--to", "coco", "--view"),
    "select": ("select", "s.xml", "out", "--sample", "1", "--report"),
    "stats": ("stats", "s.xml", "--html"),
    "merge": ("merge", "s.xml", "t.xml", "out", "--to", "coco", "--report"),
    "suggest": ("merge", "s.xml", "t.xml", "out", "--to", "coco", "--suggest"),
    "batch": ("batch", "s.xml", "--out", "out", "--to", "coco", "--engine", "serial", "--report"),
    "events": ("batch", "s.xml", "--out", "out", "--to", "coco", "--engine", "serial", "--events"),
    "png": ("view", "s.xml", "--png"),
    "view": ("view", "s.xml", "-o"),
}
"""Commands that write a file besides, which is named last."""


@pytest.fixture
def two_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    text = (CVAT / "images-task-minimal" / "train.xml").read_text()
    for name in ("s.xml", "t.xml"):
        Path(name).write_text(text)
    return text


@pytest.mark.parametrize("words", SIDE_OUTPUTS.values(), ids=SIDE_OUTPUTS)
def test_what_is_written_besides_replaces_no_source_and_no_file_of_somebody_else(
    words: tuple[str, ...], two_sources: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("notes.txt").write_text("mine")
    for more in ((), ("--overwrite",)):
        assert call(*words, "s.xml", *more) == 5
        assert "s.xml: not written, since it is the source" in capsys.readouterr().err
        assert Path("s.xml").read_text() == two_sources
    assert call(*words, "notes.txt") == 5
    assert "--overwrite" in capsys.readouterr().err
    assert Path("notes.txt").read_text() == "mine"
    assert not Path("out").exists()
    assert [call(*words, "own"), call(*words, "own")] == [0, 0]
    assert call(*words, "notes.txt", "--overwrite") == 0
    assert Path("notes.txt").read_bytes() != b"mine"


def test_a_batch_replaces_its_own_report_and_events(two_sources: str) -> None:
    words = ("batch", "s.xml", "--out", "out", "--to", "coco", "--engine", "serial")
    words = (*words, "--report", "r.json", "--events", "e.jsonl")
    assert [call(*words), call(*words, "--resume"), call(*words)] == [0, 0, 0]


@pytest.mark.parametrize("more", [(), ("--overwrite",)])
def test_a_file_of_the_source_is_not_replaced_but_a_report_of_ours_in_it_is(
    more: tuple[str, ...], two_sources: str, tmp_path: Path
) -> None:
    Path("set").mkdir()
    Path("s.xml").rename("set/s.xml")
    words = ("convert", "set", "out", "--to", "coco", "--report")
    assert call(*words, "set/s.xml", *more) == 5
    assert Path("set/s.xml").read_text() == two_sources
    assert [call(*words, "set/r.txt", *more), call(*words, "set/r.txt", *more)] == [0, 0]


def test_a_report_of_what_was_refused_is_replaced_by_the_next(two_sources: str) -> None:
    words = ("convert", SUBSETS, "out", "--to", "coco", "--strict", "--report", "r.json")
    assert [call(*words), call(*words)] == [3, 3]


def test_two_outputs_are_not_written_to_one_place(two_sources: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("convert", "s.xml", "o.json", "--to", "coco", "--report", "o.json") == 2
    assert call("convert", "s.xml", "out", "--to", "coco", "--report", "r.html", "--view", "./r.html") == 2
    assert "would replace what else is written there" in capsys.readouterr().err
    assert {path.name for path in Path().iterdir()} == {"s.xml", "t.xml"}


def test_a_report_goes_to_a_device_again(two_sources: str) -> None:
    for _ in range(2):
        assert call("convert", "s.xml", "out", "--to", "coco", "--report", os.devnull) == 0
