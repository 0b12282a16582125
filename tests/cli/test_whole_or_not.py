"""A folder that is there already is replaced whole or not at all, and what killed runs left goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
SMALL, OTHER = ROOT / "fixtures/cvat/images-task-minimal", ROOT / "fixtures/cvat/images-project-subsets"


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def call(*words: object) -> int:
    return run([str(word) for word in words])


@pytest.mark.parametrize("to", ["masks", "coco-panoptic"])
def test_an_earlier_result_goes_as_a_whole_when_another_takes_its_place(to: str, tmp_path: Path) -> None:
    assert call("convert", OTHER, tmp_path / "alone", "--to", to) == 0
    assert call("convert", SMALL, tmp_path / "out", "--to", to) == 0
    assert call("convert", OTHER, tmp_path / "out", "--to", to) == 0
    assert files(tmp_path / "out") == files(tmp_path / "alone")
    assert {path.name for path in tmp_path.iterdir()} == {"alone", "out"}


def test_a_folder_that_cannot_be_replaced_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("convert", SMALL, tmp_path / "out", "--to", "masks") == 0
    before = files(tmp_path / "out")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("encord_convert.formats._files.sync", full)
    assert call("convert", OTHER, tmp_path / "out", "--to", "masks") == 5
    assert files(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_not_ours_stays_in_a_folder_that_is_written_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "mine").mkdir(parents=True)
    (out / "mine" / "notes.txt").write_text("notes")
    assert call("convert", SMALL, out, "--to", "encord") == 5
    assert call("convert", SMALL, out, "--to", "encord", "--overwrite") == 0
    assert set(files(out)) == {"mine/notes.txt", "ontology.json", "label_rows.jsonl"}
    assert (out / "mine" / "notes.txt").read_text() == "notes"


def test_the_current_folder_can_be_written_to_and_stays_the_one_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text("")
    assert call("convert", SMALL, ".", "--to", "encord", "--overwrite") == 0
    assert sorted(os.listdir()) == ["label_rows.jsonl", "mine", "ontology.json"]


def test_leftovers_of_a_run_that_was_killed_are_swept_by_the_next_and_those_of_a_live_one_are_not(
    tmp_path: Path,
) -> None:
    code = (
        "import sys, time; from encord_convert.formats._files import Target\n"
        "target = Target(sys.argv[1]); target.open('half.json').write(b'{'); print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code, str(tmp_path / "out")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdout is not None and other.stdout.readline() == b"ready\n"
        assert call("convert", SMALL, tmp_path / "out", "--to", "encord") == 0
        assert len(list(tmp_path.glob(".out.partial-*"))) == 1
        other.send_signal(signal.SIGKILL)
    time.sleep(0.1)
    assert call("convert", SMALL, tmp_path / "out", "--to", "encord") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
