"""A package that brings a broken format is warned of and costs its own format alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIMPLE = ROOT / "fixtures" / "cvat" / "images-task-minimal"

HEAD = """
from encord_convert.formats._api import Format, Importer, Match, NoOptions
from encord_convert.hub.loss import Carries

def refuse(*arguments):
    raise RuntimeError("not on Mondays")

def say_no(source):
    return Match.NO

def format_of(identify, read):
    return Format("bdd", "BDD", "https://example.com", (".txt",), identify, Importer(read, NoOptions, CARRIES))

CARRIES = Carries(frozenset(), frozenset(), frozenset())
"""


def call(folder: Path, module: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run our command where a package `bdd_labels` brings the format `bdd`."""
    (folder / "bdd_labels.py").write_text(module)
    info = folder / "bdd_labels-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bdd-labels\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[encord_convert.formats]\nbdd = bdd_labels:FORMAT\n")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    command = [sys.executable, "-m", "encord_convert", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("import absent_package", "The format 'bdd' of bdd_labels needs absent_package, which is not installed."),
        ("1 / 0", "The format 'bdd' of bdd_labels cannot be used: ZeroDivisionError: division by zero."),
        ("FORMAT = 5", "cannot be used: bdd_labels:FORMAT is a int and not a Format."),
        ("pass", "cannot be used: AttributeError: module 'bdd_labels' has no attribute 'FORMAT'."),
        ("from encord_convert.formats import Gone", "cannot be used: ImportError: cannot import name 'Gone'"),
        (HEAD + "FORMAT = format_of(refuse, refuse)", "not asked: its identify raised RuntimeError: not on Mondays."),
        (HEAD + "FORMAT = format_of(print, refuse)", "was not asked: its identify returned None and not a Match."),
    ],
    ids=["missing-package", "raises", "wrong-object", "no-object", "no-name", "identify-raises", "identify-is-silent"],
)
def test_a_broken_format_is_warned_of_and_others_are_found(module: str, reason: str, tmp_path: Path) -> None:
    done = call(tmp_path, module, "convert", SIMPLE, "out", "--to", "coco", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    text = done.stdout if done.stdout.startswith("{") else done.stdout[done.stdout.index("{") :]
    notes = [note for note in json.loads(text)["notes"] if note["code"] == "BROKEN_FORMAT"]
    assert [note["level"] for note in notes] == ["warning"]
    assert reason in notes[0]["detail"]
    assert (tmp_path / "out" / "annotations.json").is_file()


@pytest.mark.parametrize("words", [("formats",), ("formats", "coco"), ("convert", SIMPLE, "out.xml")])
def test_a_broken_format_costs_no_other_command(words: tuple[object, ...], tmp_path: Path) -> None:
    done = call(tmp_path, "1 / 0", *words)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def test_a_broken_format_that_is_asked_for_is_refused(tmp_path: Path) -> None:
    done = call(tmp_path, "1 / 0", "convert", SIMPLE, "out", "--from", "bdd", "--to", "coco")
    assert done.returncode == 6
    assert done.stderr == (
        "error: The format 'bdd' of bdd_labels cannot be used: ZeroDivisionError: division by zero. "
        "Update or uninstall bdd_labels.\n"
    )


def test_a_format_that_raises_as_it_reads_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    words = ("convert", SIMPLE, "out", "--from", "bdd", "--to", "coco")
    done = call(tmp_path, HEAD + "FORMAT = format_of(say_no, refuse)", *words)
    assert done.returncode == 70
    assert done.stderr == (
        "error: RuntimeError: not on Mondays (bdd_labels, line 6). This is a bug of bdd_labels, which brings the "
        "format 'bdd'. Please report it with the traceback that ENCORD_CONVERT_DEBUG=1 shows.\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_traceback_is_for_whoever_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCORD_CONVERT_DEBUG", "1")
    module = HEAD + "FORMAT = format_of(say_no, refuse)"
    done = call(tmp_path, module, "convert", SIMPLE, "out", "--from", "bdd", "--to", "coco")
    assert done.stderr.startswith("Traceback (most recent call last)")
    assert done.returncode == 70
