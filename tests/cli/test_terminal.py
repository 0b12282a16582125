"""On a terminal: bars are shown, end before text begins, and leave the cursor; Ctrl-C leaves nothing at all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from terminals import ROOT, in_terminal

CVAT = ROOT / "fixtures" / "cvat"
SIMPLE = CVAT / "images-task-minimal"
COCO = ROOT / "fixtures" / "coco" / "split-folders"
VIDEO = CVAT / "video-boxes-minimal"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A source that takes some seconds to convert."""
    box = '<box label="car" occluded="0" xtl="1" ytl="2" xbr="3.5" ybr="4.5" z_order="0"></box>'
    image = '<image id="{0}" name="{0}.png" width="64" height="48">' + box * 20 + "</image>\n"
    (tmp_path / "large").mkdir()
    with (tmp_path / "large" / "annotations.xml").open("w") as file:
        file.write("<annotations><version>1.1</version><meta/>\n")
        file.writelines(image.format(number) for number in range(20_000))
        file.write("</annotations>\n")
    return tmp_path / "large"


@pytest.mark.parametrize(
    ("words", "code", "first"),
    [
        (("convert", SIMPLE, "out", "--to", "coco"), 0, "read "),
        (("info", SIMPLE), 0, f"{SIMPLE}: cvat"),
        (("info", SIMPLE, "--json"), 0, "{"),
        (("info", COCO), 0, f"{COCO}: coco"),
        (("diff", SIMPLE, SIMPLE), 0, "0 differences"),
        (("diff", SIMPLE, VIDEO), 1, "the class 'label1'"),
        (("diff", SIMPLE, VIDEO, "--json"), 1, "{"),
        (("batch", SIMPLE, "--to", "coco", "--out", "out", "--engine", "serial"), 0, "jobs "),
        (("convert", SIMPLE, "out", "--to", "coco", "--strict"), 3, "error: "),
        (("convert", "broken.xml", "out", "--to", "coco"), 4, "error: broken.xml:"),
    ],
    ids=lambda value: "-".join(str(word).rpartition("/")[2] for word in value) if isinstance(value, tuple) else "",
)
def test_the_bar_ends_before_text_begins_and_the_cursor_comes_back(
    words: tuple[object, ...], code: int, first: str, tmp_path: Path
) -> None:
    text = (SIMPLE / "train.xml").read_text()
    (tmp_path / "broken.xml").write_text(text[: len(text) // 2])
    session = in_terminal(*words, cwd=tmp_path)
    assert session.code == code, session.text()
    session.check_cursor()
    assert session.shown.count(b"\x1b[?25l") == 1, "a second display began"
    after = session.text().rpartition("\x1b[?25h")[2].replace("\r", "\n").replace("\x1b[1A", "").replace("\x1b[2K", "")
    assert after.lstrip("\n").startswith(first), after


def test_a_source_is_recognised_on_a_terminal_as_it_is_in_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    session = in_terminal("convert", "a.txt", "out", "--to", "coco", cwd=tmp_path)
    assert session.code == 6, session.text()
    assert "Name the folder of all label files and images." in session.text()


def test_what_is_data_is_no_text_of_the_display(tmp_path: Path) -> None:
    with (tmp_path / "data.json").open("wb") as file:
        session = in_terminal("info", SIMPLE, "--json", cwd=tmp_path, stdout=file.fileno())
    assert session.code == 0
    session.check_cursor()
    assert b'"ontology"' not in session.shown
    assert b'"ontology"' in (tmp_path / "data.json").read_bytes()


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_conversion_leaves_nothing(jobs: int, large: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with tempfile.TemporaryDirectory(dir="/tmp") as room:  # a short name: processes meet at sockets below it
        session = in_terminal(
            "convert", large, "out", "--to", "coco", "--jobs", jobs, cwd=place, environment={"TMPDIR": room},
            interrupt_when=lambda shown: any(place.glob(".out.partial-*/*")),
        )  # fmt: skip
        assert list(Path(room).iterdir()) == []
    assert session.code == 130, session.text()
    session.check_cursor()
    assert "Interrupted; nothing was left half-written." in session.text()
    assert "Traceback" not in session.text()
    assert list(place.iterdir()) == []


def test_an_interrupted_info_gives_the_cursor_back(large: Path, tmp_path: Path) -> None:
    session = in_terminal("info", large, cwd=tmp_path, interrupt_when=lambda shown: b"annotations.xml" in shown)
    assert session.code == 130
    session.check_cursor()
    assert "Traceback" not in session.text()


def test_an_interrupted_batch_keeps_only_its_journal(large: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    session = in_terminal(
        "batch", large, SIMPLE, "--to", "coco", "--out", "out", "--jobs", 2, cwd=place,
        interrupt_when=lambda shown: any(place.glob("out/.encord-convert.partial/*/*")),
    )  # fmt: skip
    assert session.code == 130, session.text()
    session.check_cursor()
    assert "Traceback" not in session.text()
    left = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert {name for name in left if "images-task-minimal" not in name} <= {"out/.encord-convert.sqlite3"}


def test_a_batch_shows_how_much_of_a_large_source_is_written(large: Path, tmp_path: Path) -> None:
    session = in_terminal("batch", large, "--to", "coco", "--out", "out", "--jobs", 1, cwd=tmp_path)
    assert session.code == 0, session.text()
    assert re.search(r"writing [\d.]+ [kM]B", session.text()), session.text()


def test_an_interrupted_push_ends_its_line() -> None:
    code = (
        "from encord_convert.cli._push_progress import PushProgress\n"
        "with PushProgress() as progress:\n"
        "    progress.tell({'event': 'sent', 'row': 'a', 'done': 1, 'of': 5})\n"
        "print('next')\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        session = in_terminal("-c", code, cwd=Path(folder), module="")
    assert [line.strip() for line in session.text().split("\n") if line.strip()] == ["sent     1 of 5", "next"]


def test_a_closed_or_broken_stream_is_no_failure_of_ours(tmp_path: Path) -> None:
    for redirection in (">&-", "2>&-", ">&- 2>&-", "<&-", "| true"):
        command = f"{sys.executable} -m encord_convert info {SIMPLE} --json {redirection}"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, env=_environment())
        assert "Traceback" not in done.stderr, redirection
        assert "Exception ignored" not in done.stderr, redirection
        is_lost = redirection.startswith(">&-")  # what was asked for can go nowhere
        assert done.returncode == (5 if is_lost else 0), (redirection, done.stderr)


def test_a_full_disk_under_stdout_is_told(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        words = [sys.executable, "-m", "encord_convert", "info", str(SIMPLE), "--json"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=_environment())
    assert done.returncode == 5
    assert done.stderr == "error: standard output: No space left on device.\n"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
