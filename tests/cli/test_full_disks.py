"""Full disks, closed outputs, names too long: a sentence and the code of the table, and nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "fixtures" / "cvat" / "images-task-minimal"
LONG = "x" * 300
PRINTING = (
    "info SRC", "formats", "convert SRC out --to coco --json", "batch SRC --to coco --out out --engine serial --json",
    "batch SRC --to coco --out out --engine serial --events -", "help", "--version",
)  # fmt: skip


def done(words: str, place: Path, **how: object) -> tuple[int, str]:
    """Run a command in a process of its own; return its exit code and what it says."""
    command = [sys.executable, "-m", "encord_convert", *words.replace("SRC", str(SOURCE)).split()]
    # Python writes compiled modules without looking how much was written: what is cut short would break the next run.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(command, cwd=place, stderr=subprocess.PIPE, env=environment, check=False, **how)  # type: ignore[call-overload]
    return ended.returncode, ended.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", PRINTING)
def test_output_to_a_full_disk_is_a_sentence(words: str, tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        code, said = done(words, tmp_path, stdout=full)
    assert code == 5
    assert "error: standard output: " in said and "No space left on device" in said
    assert "Traceback" not in said


@pytest.mark.skipif(os.name == "nt", reason="outputs are closed by a POSIX shell")
@pytest.mark.parametrize("words", PRINTING)
def test_output_that_is_closed_is_a_sentence(words: str, tmp_path: Path) -> None:
    code, said = done(words, tmp_path, preexec_fn=lambda: os.close(1))
    assert code == 5
    assert "error: standard output: " in said and "is closed" in said
    assert "Traceback" not in said


def limited() -> None:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))


@pytest.mark.skipif(os.name == "nt", reason="sizes of files have no limit there")
@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("convert SRC out --to coco", []),
        ("convert SRC out.json --to coco", []),
        ("convert SRC out --to encord", []),
        ("convert SRC out --to coco --report report.html", []),
        ("batch SRC --to coco --out out --engine serial", ["out"]),
        ("serve --data data --port 0", ["data"]),
        ("users add a@example.com --key key.pub --data data", ["data", "key.pub"]),
    ],
)
def test_a_file_that_may_not_grow_is_a_sentence(words: str, left: list[str], tmp_path: Path) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVnx3ltx7XG8EWvB4ElFPR3Y3TPYBtkKf9PNSTHZuTi a"
    if "key.pub" in words:
        (tmp_path / "key.pub").write_text(key)
    code, said = done(words, tmp_path, stdout=subprocess.PIPE, preexec_fn=limited)
    assert code == 5, said
    assert said.count("error: ") == 1 and "Traceback" not in said and "bug" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == left


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (f"info {LONG}", 4),
        (f"convert {LONG} out --to coco", 4),
        (f"convert SRC {LONG} --to coco", 5),
        (f"convert SRC out --to coco --report {LONG}", 5),
        (f"convert SRC out --to coco --mapping {LONG}", 2),
        (f"batch SRC --to coco --out {LONG}", 5),
        (f"batch SRC --to coco --out out --events {LONG}", 5),
        (f"diff {LONG} SRC", 4),
        (f"serve --data {LONG}", 5),
        (f"push {LONG} --new-project x", 4),
        (f"push SRC --new-project x --plan {LONG}", 5),
        (f"apply {LONG}", 4),
    ],
)
def test_a_name_that_is_too_long_is_a_sentence(
    words: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("x")
    assert run(words.replace("SRC", str(SOURCE)).split()) == code
    said = capsys.readouterr().err
    assert "File name too long" in said
    assert "Traceback" not in said
