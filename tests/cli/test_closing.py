"""The closing lines: what was lost stands there by weight, in true words, and what reading found next to it."""

import json
import re
from pathlib import Path

import pytest

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
CVAT = ROOT / "fixtures" / "cvat"
SUBSETS = CVAT / "images-project-subsets"


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def closing(capsys: pytest.CaptureFixture[str], *words: object) -> list[str]:
    assert call(*words) == 0
    return capsys.readouterr().err.splitlines()


def sums(lines: list[str]) -> list[int]:
    [line] = [line for line in lines if line.startswith("kept ")]
    return [int(number) for number in re.findall(r"\d+", line)]


def test_shapes_come_first_and_what_is_cosmetic_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = closing(capsys, "convert", SUBSETS, tmp_path / "out", "--to", "coco")
    assert re.fullmatch(r"read    cvat   6 images  12 annotations  2 classes.*", lines[0])
    assert lines[1] == f"wrote   coco   {tmp_path / 'out'}"
    assert sum(sums(lines)) == 12
    assert lines[3] == ""
    assert re.fullmatch(r"dropped +3  polylines of 'label2' +no polylines in coco +POLYLINE_SKIPPED", lines[4])
    assert re.fullmatch(r"split +3  points of 'label2' +one annotation a point +POINTS_SPLIT", lines[5])
    assert lines[-2].startswith("minor ")
    assert lines[-2].endswith("z order kept as annotation order (9)")
    assert lines[-1].strip() == "--report FILE for every place; --strict refuses, --allow CODE permits"


def test_files_that_are_not_read_are_in_the_sums(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = ROOT / "fixtures" / "dicom" / "mixed_folder"
    lines = closing(capsys, "convert", source, tmp_path / "out", "--to", "dicom", "--report", tmp_path / "r.json")
    files = json.loads((tmp_path / "r.json").read_text())["counts"]["file"]
    assert f"{files['in']} files" in lines[0]
    assert sums(lines) == [files["kept"], files["changed"], files["dropped"]]
    assert files["dropped"] == 6
    assert any(line.startswith("dropped   3  files ") and line.endswith("  SEGMENTATION") for line in lines)


def test_a_warning_of_reading_stands_once_with_its_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes = [{"id": n, "image_id": 1, "category_id": 1, "bbox": [0.1, 0.1, 0.2, 0.2], "area": 0.04} for n in range(60)]
    (tmp_path / "in.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
        "categories": [{"id": 1, "name": "car"}], "annotations": boxes,
    }))  # fmt: skip
    lines = closing(capsys, "convert", tmp_path / "in.json", tmp_path / "out", "--to", "coco")
    [line] = [line for line in lines if line.startswith("warning")]
    assert re.fullmatch(r"warning +60  .* -r coordinates=relative .*  BBOX_SUSPECT_FORMAT", line)
    lines = closing(capsys, "convert", tmp_path / "in.json", tmp_path / "out", "--to", "coco", "-r",
                    "coordinates=relative")  # fmt: skip
    assert not [line for line in lines if line.startswith("warning")]
    written = json.loads((tmp_path / "out" / "annotations.json").read_text())["annotations"]
    assert {tuple(one["bbox"]) for one in written} == {(64, 48, 128, 96)}


def test_many_classes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes = [{"id": n, "image_id": 1, "category_id": n, "bbox": [10, 10, 20, 20], "area": 400, "isbbox": True}
             for n in range(1, 81)]  # fmt: skip
    (tmp_path / "in.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(1, 81)], "annotations": boxes,
    }))  # fmt: skip
    lines = closing(capsys, "convert", tmp_path / "in.json", tmp_path / "out", "--to", "masks")
    assert len(lines) < 12
    assert any("80  bounding boxes of 80 classes" in line and line.endswith("BOX_AS_MASK") for line in lines)
