"""Kinds of source files met in public: what the command line makes of each."""

import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert.cli import run

CASES = Path(__file__).parents[2] / "fixtures" / "cases"


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def coco_of(source: Path, folder: Path, *options: object) -> dict[str, Any]:
    """Convert to COCO and return the file."""
    assert call("convert", source, folder / "written.json", "--to", "coco", *options) == 0
    written: dict[str, Any] = json.loads((folder / "written.json").read_text())
    return written


def report_of(source: Path, folder: Path, *options: object, to: str = "coco") -> dict[str, Any]:
    """Convert and return the report."""
    assert call("convert", source, folder / "out", "--to", to, "--report", folder / "report.json", *options) == 0
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def notes_of(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {note["code"]: note for note in report["notes"]}


# -- CVAT -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", ['<track label="car">', '<track label="car" >', '<track id="0" label="car">'])
def test_a_track_needs_nothing_but_its_label(opening: str, tmp_path: Path) -> None:
    text = (CASES / "cvat/track-with-label-alone/annotations.xml").read_text()
    (tmp_path / "annotations.xml").write_text(text.replace('<track label="car">', opening))
    written = coco_of(tmp_path / "annotations.xml", tmp_path)
    assert [annotation["bbox"][0] for annotation in written["annotations"]] == [10, 20, 30, 40]


@pytest.mark.parametrize(
    ("option", "count", "code"),
    [("auto", 10, "TRACK_ENDED"), ("listed", 10, "TRACK_ENDED"), ("cvat", 200, "TRACK_EXTENDED")],
)
def test_what_a_track_listed_frame_by_frame_has_behind_its_list_is_a_number_and_a_choice(
    option: str, count: int, code: str, tmp_path: Path
) -> None:
    source = CASES / "cvat/track-listed-frame-by-frame"
    assert len(coco_of(source, tmp_path, "-r", f"tracks={option}")["annotations"]) == count
    note = notes_of(report_of(source, tmp_path, "-r", f"tracks={option}"))[code]
    assert (note["level"], note["count"]) == ("warning", 190)


def test_a_track_of_some_keyframes_goes_on_to_the_last_frame_unless_asked(tmp_path: Path) -> None:
    text = (CASES / "cvat/track-listed-frame-by-frame/annotations.xml").read_text()
    sparse = tmp_path / "annotations.xml"
    sparse.write_text(text.replace('<box frame="1"', '<box frame="50"').replace('<box frame="2"', '<box frame="51"'))
    report = report_of(sparse, tmp_path)
    assert notes_of(report)["TRACK_EXTENDED"]["count"] == 48 + 48
    assert len(coco_of(sparse, tmp_path, "-r", "tracks=listed")["annotations"]) == 52 + 52
