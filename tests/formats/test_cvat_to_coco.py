"""The main job, on every real CVAT file: it converts, it loads, it scores, it adds up."""

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from count_cvat import count
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from encord_convert import Report, convert
from encord_convert.cli import run

FIXTURES = Path(__file__).parents[2] / "fixtures" / "cvat"
CASES = sorted(case.name for case in FIXTURES.iterdir() if case.is_dir())
OPTIONS: dict[str, dict[str, str]] = {"authored-images-v1.0": {"size": "10x10"}}
"""Version 1.0 does not say how large its images are, so a person must."""


def converted(case: str, out: Path, **kwargs: Any) -> Report:
    return convert(FIXTURES / case, out, to="coco", read_options=OPTIONS.get(case), **kwargs)


def loaded(path: Path) -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


@pytest.mark.parametrize("case", CASES)
def test_the_report_counts_what_is_in_the_file(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [word for key, value in OPTIONS.get(case, {}).items() for word in ("-r", f"{key}={value}")]
    assert run(["convert", str(FIXTURES / case), str(tmp_path / "out"), "--to", "coco", "--json", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    files = list((FIXTURES / case).glob("*.xml"))
    assert len(files) == 1
    for name, number in count(files[0]).items():
        assert report["counts"][name]["in"] == number, name
    for row in (*report["counts"].values(), *report["labels"].values()):
        assert row["in"] == row["kept"] + row["changed"] + row["dropped"]
        assert min(row.values()) >= 0
    for loss in report["losses"]:
        assert {"kind", "code", "feature", "where", "detail", "count"} <= set(loss)


@pytest.mark.parametrize("case", CASES)
def test_the_result_loads_and_every_mask_can_be_painted(case: str, tmp_path: Path) -> None:
    converted(case, tmp_path / "x.json", report=Report())
    coco = loaded(tmp_path / "x.json")
    assert coco.getAnnIds()
    for annotation in coco.loadAnns(coco.getAnnIds()):
        assert annotation["id"] >= 1
        assert annotation["iscrowd"] == 0
        x, y, w, h = annotation["bbox"]
        image = coco.loadImgs(annotation["image_id"])[0]
        assert w > 0 and h > 0 and x >= 0 and y >= 0
        assert x + w <= image["width"] + 0.005 and y + h <= image["height"] + 0.005
        if annotation["segmentation"]:
            assert coco.annToMask(annotation).shape == (image["height"], image["width"])


@pytest.mark.proves("labels: 43")
@pytest.mark.parametrize("case", CASES)
def test_the_result_scores_one_against_itself(case: str, tmp_path: Path) -> None:
    converted(case, tmp_path / "x.json", report=Report())
    truth = loaded(tmp_path / "x.json")
    results = [
        {"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": 1.0}
        for a in truth.loadAnns(truth.getAnnIds())
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_a_stop_at_the_hub_changes_no_byte(case: str, tmp_path: Path) -> None:
    # Without its images: how the names of frames end is known only where they lie.
    source = shutil.copytree(FIXTURES / case, tmp_path / "source", ignore=shutil.ignore_patterns("frame_*"))
    convert(source, tmp_path / "direct.json", to="coco", read_options=OPTIONS.get(case), report=Report())
    convert(source, tmp_path / "hub", to="encord", read_options=OPTIONS.get(case), report=Report())
    convert(tmp_path / "hub", tmp_path / "stopped.json", to="coco", report=Report())
    assert (tmp_path / "stopped.json").read_bytes() == (tmp_path / "direct.json").read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_twice_gives_the_same_bytes(case: str, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        converted(case, tmp_path / name, report=Report())
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.proves("labels: 43", "coco written: numbers")
def test_nothing_in_the_result_is_null_or_not_a_number(tmp_path: Path) -> None:
    def walk(value: Any) -> None:
        assert value is not None
        assert not (isinstance(value, float) and not np.isfinite(value))
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    for case in CASES:
        converted(case, tmp_path / "x.json", report=Report())
        walk(json.loads((tmp_path / "x.json").read_text()))
