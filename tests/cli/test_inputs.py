"""What commands read: standard input, folders with odd things in them, and options for each side of a comparison."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
SIMPLE = ROOT / "fixtures" / "cvat" / "images-task-minimal"
UNSIZED = ROOT / "fixtures" / "cases" / "cvat" / "size-not-in-the-file"


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def piped(file: Path, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run our command with a file as standard input."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(cwd / "spool")}
    (cwd / "spool").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "encord_convert", *map(str, words)]
    with file.open("rb") as stdin:
        return subprocess.run(
            command, stdin=stdin, capture_output=True, text=True, check=False, cwd=cwd, env=environment
        )


def test_an_archive_is_read_from_standard_input(tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "export"), "zip", SIMPLE))
    told = piped(archive, "info", "-", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("standard input: cvat, ")
    assert piped(archive, "convert", "-", "piped.json", "--to", "coco", cwd=tmp_path).returncode == 0
    assert call("convert", archive, tmp_path / "named.json", "--to", "coco") == 0
    assert (tmp_path / "piped.json").read_bytes() == (tmp_path / "named.json").read_bytes()
    assert piped(archive, "diff", "-", SIMPLE, cwd=tmp_path).stderr == "0 differences\n"
    assert list((tmp_path / "spool").iterdir()) == [], "what was kept of standard input is gone"


def test_an_archive_on_standard_input_that_is_cut_short_is_told(tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "export"), "zip", SIMPLE))
    archive.write_bytes(archive.read_bytes()[:300])
    done = piped(archive, "info", "-", cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("error: standard input: not a readable ZIP archive")
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_was_converted_with_an_option_is_compared_with_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", UNSIZED, tmp_path / "cvat", "-r", "size=100x50", "--to", "cvat") == 0
    assert call("convert", UNSIZED, tmp_path / "coco", "-r", "size=100x50", "--to", "coco") == 0
    assert call("diff", UNSIZED, tmp_path / "cvat") == 4
    assert "-r size=WIDTHxHEIGHT" in capsys.readouterr().err
    for words in (["-r", "size=100x50"], ["--option-a", "size=100x50"]):
        assert call("diff", UNSIZED, tmp_path / "cvat", *words) == 0
    # COCO has no option of that name: the option is for the side that has it.
    assert call("diff", UNSIZED, tmp_path / "coco", "-r", "size=100x50") in (0, 1)
    assert call("diff", tmp_path / "cvat", UNSIZED, "--option-b", "size=100x50") == 0
    capsys.readouterr()
    assert call("diff", UNSIZED, tmp_path / "coco", "-r", "sizes=100x50") == 2
    assert "has no option 'sizes'. Did you mean 'size'?" in capsys.readouterr().err


@pytest.mark.timeout(30)
def test_a_pipe_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    shutil.copytree(SIMPLE, tmp_path / "source")
    os.mkfifo(tmp_path / "source" / "waiting.xml")
    assert call("convert", tmp_path / "source", tmp_path / "out", "--to", "coco") == 0


def test_links_are_listed_as_what_they_lead_to(tmp_path: Path) -> None:
    from encord_convert.formats._files import source_at

    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("a.txt", "deep/b.txt", "deep/er/c.txt", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "link.txt").symlink_to("a.txt")
    (tmp_path / "gone.txt").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to(".")
    with source_at(tmp_path) as source:
        assert source.names() == ["a.txt", "deep/b.txt", "deep/er/c.txt", "link.txt"]
        assert source.names(depth=2) == ["a.txt", "deep/b.txt", "link.txt"]
        assert source.names(depth=1) == ["a.txt", "link.txt"]


def test_nothing_is_kept_of_standard_input_that_is_no_labels(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    before = set(Path(tempfile.gettempdir()).glob("encord-convert-*"))
    assert piped(tmp_path / "x", "info", "-", cwd=tmp_path).returncode == 6
    assert set(Path(tempfile.gettempdir()).glob("encord-convert-*")) - before == set()
    assert list((tmp_path / "spool").iterdir()) == []
