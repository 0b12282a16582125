"""A batch whose classes are mapped: each job by its own file, done again when that changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert import batch
from encord_convert.cli import run as cli

CVAT = Path(__file__).parents[2] / "fixtures" / "cvat"
SUBSETS, POINTS = CVAT / "images-project-subsets", CVAT / "job-points"


def call(*arguments: object) -> int:
    return cli([str(argument) for argument in arguments])


def names(file: Path) -> set[str]:
    """Return the classes of the annotations of a COCO file."""
    document = json.loads(file.read_bytes())
    categories = {one["id"]: one["name"] for one in document["categories"]}
    return {categories[one["category_id"]] for one in document["annotations"]}


def done(out: Path, mapping: Path | None, **how: Any) -> tuple[int, int]:
    plan = batch.plan([SUBSETS, POINTS], to="coco", out=out, mapping=mapping)
    with batch.run(plan, **{"engine": "serial", "resume": True, **how}) as result:
        return result.done, result.unchanged


def test_resuming_does_a_job_again_whose_mapping_says_something_else(tmp_path: Path) -> None:
    file, out = tmp_path / "m.yaml", tmp_path / "out"
    (tmp_path / "jobs.yaml").write_text(
        f"""
to: coco
jobs:
  - source: {SUBSETS}
    mapping: m.yaml
  - source: {POINTS}
"""
    )

    def resumed() -> tuple[int, int]:
        plan = batch.plan(manifest=tmp_path / "jobs.yaml", out=out)
        with batch.run(plan, engine="serial", resume=True) as result:
            assert not result.failed
            return result.done, result.unchanged

    file.write_text("classes:\n- {name: label1, to: a wire}\n")
    assert resumed() == (2, 0)
    assert "a wire" in names(out / SUBSETS.name / "annotations.json")
    assert resumed() == (0, 2)
    file.write_text("classes:\n- {name: label1, to: a rope}\n")
    assert resumed() == (1, 1)
    assert "a rope" in names(out / SUBSETS.name / "annotations.json")
    assert not any("a " in name for name in names(out / POINTS.name / "annotations.json"))


def test_a_mapping_is_of_the_set_all_sources_make(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("classes:\n- {name: label1, to: false}\n- {name: estop, to: dot}\n")
    words = ("batch", SUBSETS, POINTS, "--to", "coco", "--merge", "--mapping", tmp_path / "m.yaml")
    report = tmp_path / "report.json"
    assert call(*words, "--out", tmp_path / "out", "--report", report) == 0
    assert "dot" in names(tmp_path / "out" / "annotations.json")
    assert "label1" not in names(tmp_path / "out" / "annotations.json")
    total = json.loads(report.read_text())["total"]
    assert total["labels"]["label1"]["dropped"] > 0
    for row in (*total["counts"].values(), *total["labels"].values()):
        assert row["in"] == row["kept"] + row["changed"] + row["dropped"]


def test_a_source_that_lacks_what_the_mapping_names_fails_its_own_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.yaml").write_text("classes:\n- name: label1\n  shape: polygon\n  to: false\n")
    words = ("batch", SUBSETS, POINTS, "--to", "coco", "--mapping", tmp_path / "m.yaml", "--jobs", 2)
    assert call(*words, "--out", tmp_path / "out") == 1
    shown = capsys.readouterr().err
    assert f"{tmp_path}/m.yaml:2: the source has no class 'label1'; " in shown
    assert "done 1  unchanged 0  failed 1" in shown
    assert "\nmapped    3 polygons dropped\n" in shown
    assert "3 polygons dropped" not in shown.partition("lost ")[2].partition("\n")[0]


def test_many_sources_of_one_mapping_are_told_and_known_alike(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("classes: []\n")
    assert done(tmp_path / "out", None) == (2, 0)
    assert done(tmp_path / "out", tmp_path / "m.yaml") == (2, 0)
    assert done(tmp_path / "out", tmp_path / "m.yaml") == (0, 2)
