"""``--strict`` refuses what the source said and the target has no place for, by name; ``--allow`` permits it."""

import json
from pathlib import Path

import pytest

import encord_convert
from encord_convert.cli import run
from encord_convert.errors import NotRepresentableError, OptionError

ROOT = Path(__file__).parents[2]
SUBSETS = ROOT / "fixtures" / "cvat" / "images-project-subsets"


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def codes_of(report: Path) -> list[str]:
    return sorted({loss["code"] for loss in json.loads(report.read_text())["losses"]})


def coco(path: Path, *names: str, colours: bool = False, **members: object) -> Path:
    categories = [
        {"id": n, "name": name} | ({"color": f"#11111{n}"} if colours else {}) for n, name in enumerate(names, 1)
    ]
    image = f"{path.stem}.jpg"
    boxes = [{"id": n, "image_id": 1, "category_id": n, "bbox": [n, 2, 30, 40], "area": 1200, "iscrowd": 0} | members
             for n in range(1, len(names) + 1)]  # fmt: skip
    images = [{"id": 1, "file_name": image, "width": 640, "height": 480}]
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": boxes}))
    return path


def test_a_refusal_prints_each_code_with_its_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("convert", SUBSETS, tmp_path / "out", "--to", "coco", "--strict", "--report", tmp_path / "r.json")
    assert call(*words) == 3
    sentence = capsys.readouterr().err
    assert "3 polylines dropped (POLYLINE_SKIPPED)" in sentence
    for code in codes_of(tmp_path / "r.json"):
        assert f"({code})" in sentence
    assert not (tmp_path / "out").exists()


def test_what_the_refusal_names_can_be_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("convert", SUBSETS, tmp_path / "out", "--to", "coco", "--strict", "--allow")
    assert call(*words, "POLYLINE_SKIPPED") == 3
    sentence = capsys.readouterr().err
    assert "POLYLINE_SKIPPED" not in sentence
    rest = sentence.partition("--allow ")[2].split()[0]
    assert call(*words, f"POLYLINE_SKIPPED,{rest}") == 0
    assert call("batch", SUBSETS, "--to", "coco", "--out", tmp_path / "two", "--engine", "serial", "--strict",
                "--allow", "POLYLINE_SKIPPED", "--allow", rest) == 0  # fmt: skip


def test_python_allows_as_the_command_does(tmp_path: Path) -> None:
    with pytest.raises(NotRepresentableError) as refused:
        encord_convert.convert(SUBSETS, tmp_path / "out", to="coco", strict=True)
    codes = {loss.code for loss in refused.value.report.losses()}
    encord_convert.convert(
        SUBSETS, tmp_path / "out", to="coco", strict=True, allow=codes, report=encord_convert.Report()
    )
    with pytest.raises(OptionError, match="Did you mean POLYLINE_SKIPPED"):
        encord_convert.convert(SUBSETS, tmp_path / "out", to="coco", strict=True, allow={"POLYLINE_SKIPED"})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--strict", "--allow", "POLYLINES_SKIPPED"), "no loss has this code. Did you mean POLYLINE_SKIPPED?"),
        (("--strict", "--allow", "QQQ"), "no loss has this code."),
        (("--allow", "POLYLINE_SKIPPED"), "--allow goes with --strict, which was not given."),
    ],
)
@pytest.mark.parametrize("command", ["convert", "batch"])
def test_a_code_that_no_loss_has_is_an_error(
    command: str, words: tuple[str, ...], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = (tmp_path / "out",) if command == "convert" else ("--out", tmp_path / "out")
    assert call(command, SUBSETS, *places, "--to", "coco", *words) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_colours_nobody_chose_are_no_loss_when_sources_are_merged(tmp_path: Path) -> None:
    sources = [coco(tmp_path / "a.json", "car", "bus"), coco(tmp_path / "b.json", "bus", "truck", "car")]
    assert call("batch", *sources, "--merge", "--strict", "--to", "coco-results", "--out", tmp_path / "out") == 0


def test_a_colour_somebody_chose_is_a_loss_but_for_a_trainer(tmp_path: Path) -> None:
    source = coco(tmp_path / "a.json", "car", "bus", colours=True)
    assert call("convert", source, tmp_path / "out", "--to", "coco-results", "--strict") == 3
    words = ("convert", source, tmp_path / "yolo", "--target", "ultralytics", "--split", "train=1")
    call(*words, "--dry-run", "--report", tmp_path / "r.json")
    assert codes_of(tmp_path / "r.json") == []


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"segmentation": [[40, 30]], "bbox": None}, "has fewer than three points"),
        ({"category_id": 9}, "category 9"),
    ],
)
def test_a_refusal_of_everything_names_what_reading_found(
    members: dict[str, object], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = coco(tmp_path / "a.json", "cell", **members)
    assert call("convert", source, tmp_path / "out", "--to", "coco") == 5
    sentence = capsys.readouterr().err
    assert "its only annotation cannot be converted" in sentence
    assert reason in sentence
    assert "Another format" not in sentence
