"""The official package 0.1.211, unmodified and in an environment of its own, reads the rows that are written here."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_samples import differences
from test_newest_rows import NEWEST, ROWS, golden, ontology_of, through

from encord_convert import Report, read, write
from encord_convert._samples import SAMPLES
from encord_convert.formats import MemoryTarget
from encord_convert.hub.labelset import LabelSet

VERSION = "0.1.211"
CVAT = NEWEST.parent / "cvat"


@pytest.fixture(scope="session")
def official(request: pytest.FixtureRequest) -> Path:
    """The interpreter of an environment with the package; made once and kept with pytest's cache."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir(f"encord-{VERSION}")
    python = folder / "bin/python"
    if not (folder / "whole").exists():
        shutil.rmtree(folder)
        venv.create(folder, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"encord=={VERSION}"]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            assert "connection" in done.stderr.lower() or "no matching distribution" in done.stderr.lower(), done.stderr
            pytest.skip(f"encord=={VERSION} cannot be installed here.")
        (folder / "whole").touch()
    return python


def read_by(official: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the package says of rows."""
    script = Path(__file__).parent / "official_rows.py"
    text = "".join(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run([official, script], input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def said_by(ontology: Any, row: Any, spaces: Any = None) -> dict[str, Any]:
    return {"ontology": ontology, "row": row, "spaces": spaces}


def as_written(labels: LabelSet) -> Iterator[dict[str, Any]]:
    target = MemoryTarget()
    write(labels, target, "encord", report=Report())
    ontology = json.loads(target.files["ontology.json"])
    for line in target.files["label_rows.jsonl"].splitlines():
        yield said_by(ontology, json.loads(line))


SEEN_AT_LAST = ("old-frames-only.json", "row")
"""It says its classifications in frames alone, where the package does not look."""


def test_every_kind_of_row_is_read_as_the_golden_one_is(official: Path, tmp_path: Path) -> None:
    ours, theirs = [], []
    for number, (name, key) in enumerate(ROWS):
        spaces = (golden(name).get("input") or {}).get("spaces")
        ontology, row = through(tmp_path / str(number), ontology_of(name), ROWS[name, key])
        ours.append(said_by(ontology, row, spaces))
        theirs.append(said_by(ontology_of(name), ROWS[name, key], spaces))
    assert len(ROWS) >= 33
    for which, one, other in zip(ROWS, read_by(official, ours), read_by(official, theirs), strict=True):
        assert "refused" not in one, (which, one)
        if which == SEEN_AT_LAST:
            assert one["classifications"] and not other["classifications"]
            assert one["objects"] == other["objects"]
        else:
            assert differences(other, one) == [], which


def test_rows_of_every_sample_and_of_every_cvat_file_are_read(official: Path) -> None:
    # One has an ellipse that lacks a number: it is carried as it came, and refused there as it would have been.
    rows = [row for name, make in SAMPLES.items() if name != "solids" for row in as_written(make())]
    for case in sorted(one for one in CVAT.iterdir() if one.is_dir()):
        options = json.loads(file.read_text()) if (file := case / "options.json").exists() else {}
        rows += as_written(read(case, "cvat", report=Report(), **options))
    refused = [one["refused"] for one in read_by(official, rows) if "refused" in one]
    assert refused == []
