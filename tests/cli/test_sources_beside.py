"""JSON that lies beside COCO files in one folder is named on the screen, and not passed over."""

import json
import shutil
from pathlib import Path

import pytest
from test_sources import CASES, call

COCO = CASES.parent / "coco/boxes-only/train.json"


def shown(folder: Path, capsys: pytest.CaptureFixture[str], *options: object) -> str:
    shutil.copy(COCO, folder)
    capsys.readouterr()
    assert call("convert", folder, folder.parent / "out.json", "--to", "coco", *options) == 0
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (COCO.read_text()[:60], "more.json is not complete JSON: was it cut short?"),
        ('{"item": {"name": "a.jpg"}, "annotations": []}', "more.json looks like V7 Darwin"),
        ('{"item": {"name": "a.jpg"}, "annot', "more.json is not complete JSON"),
        ('{"weather": "rain"}', "more.json is a JSON object with the keys 'weather'"),
        ("", "more.json is empty"),
    ],
)
@pytest.mark.parametrize("place", ["more.json", "a/b/c/d/more.json"])
def test_json_beside_a_coco_file_is_named(
    place: str, text: str, fact: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in" / place
    path.parent.mkdir(parents=True)
    path.write_text(text)
    screen = shown(tmp_path / "in", capsys, "--strict")
    assert fact in screen
    assert "warning" in screen
    assert "FILE_NOT_READ" in screen


def test_many_files_beside_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for number in range(9):
        (tmp_path / "in" / f"{number}.json").write_text(json.dumps({"note": number}))
    screen = shown(tmp_path / "in", capsys)
    assert "4 more" in screen
    assert screen.count("FILE_NOT_READ") == 1


def test_a_report_beside_a_coco_file_is_no_foreign_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    shown(tmp_path / "in", capsys, "--report", tmp_path / "in/report.json")
    assert "FILE_NOT_READ" not in shown(tmp_path / "in", capsys)
