"""What `info` says of a source: each reason once, and each class by its name with all its shapes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
CASES = ROOT / "fixtures" / "cases"


def told(capsys: pytest.CaptureFixture[str], *words: object) -> list[str]:
    assert run(["info", *map(str, words)]) == 0
    return capsys.readouterr().out.splitlines()


def section(lines: list[str], title: str) -> list[str]:
    """Return the lines below a title."""
    rest = lines[lines.index(title) + 1 :]
    return rest[: rest.index("") if "" in rest else None]


def test_a_reason_stands_once_with_the_labels_it_is_of(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, CASES / "coco" / "info-repeats-itself" / "in.json")
    [line] = section(lines, "lost in reading")
    assert line.split(maxsplit=1) == [
        "PANOPTIC_PNG_MISSING",
        "2 masks of 'cat' and 'sky' dropped: There is no PNG 'p.png' with the pixels of the segments.",
    ]


def test_a_class_stands_once_with_all_its_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, ROOT / "fixtures" / "coco" / "all-tasks")
    names = [re.match(r"  (\S.*?)  +", line)[1] for line in section(lines, "classes")]  # type: ignore[index]
    assert len(names) == len(set(names))
    assert run(["info", str(ROOT / "fixtures" / "coco" / "all-tasks"), "--json"]) == 0
    objects = json.loads(capsys.readouterr().out)["ontology"]["objects"]
    for one in objects:
        [line] = [line for line in section(lines, "classes") if line.startswith(f"  {one['name']}  ")]
        assert one["shape"].replace("_", " ") in line


def test_one_row_is_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, ROOT / "fixtures" / "cvat" / "video-boxes-minimal")[0].endswith(": cvat, 1 label row")
