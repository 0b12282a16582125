"""What is converted to where: globs, folders, manifests."""

import os
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from encord_convert import batch
from encord_convert.errors import ConvertError, OptionError, ReadError
from encord_convert.formats import format_named

OPTIONS = [one.name for one in fields(format_named("coco").exporter.options)]  # type: ignore[union-attr]
CVAT = Path(__file__).parents[2] / "fixtures" / "cvat"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("day1/a.xml", "day1/b.v2.xml", "day2/a.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CVAT / "job-points" / "annotations.xml", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(*sources: str, **how: object) -> list[tuple[str, str]]:
    plan = batch.plan(sources, **{"to": "coco", "out": "out", **how})  # type: ignore[arg-type]
    return [(job.name, job.target) for job in plan.jobs]


@pytest.mark.usefixtures("folder")
def test_the_target_of_a_source_does_not_depend_on_the_others() -> None:
    assert planned("day1/a.xml") == [("day1/a.xml", "out/a")]
    assert planned("day1/*.xml") == [("day1/a.xml", "out/a"), ("day1/b.v2.xml", "out/b.v2")]
    assert planned("*/a.xml") == [("day1/a.xml", "out/day1/a"), ("day2/a.xml", "out/day2/a")]
    assert planned("**/b*") == [("day1/b.v2.xml", "out/day1/b.v2")]


def test_a_folder_that_is_no_export_stands_for_what_is_in_it(folder: Path) -> None:
    assert planned("day1") == [("day1", "out/day1")]  # CVAT reads all files of a folder as one export
    for name in ("a", "b"):
        shutil.make_archive(str(folder / "zips" / name), "zip", folder / "day1")
    assert planned("zips") == [("zips/a.zip", "out/a"), ("zips/b.zip", "out/b")]


def test_a_folder_keeps_the_dots_of_its_name(folder: Path) -> None:
    os.rename(folder / "day1", folder / "v1.0")
    assert planned("v*") == [("v1.0", "out/v1.0")]


@pytest.mark.usefixtures("folder")
def test_a_file_uri_is_a_path() -> None:
    assert planned(f"file://{os.getcwd()}/day1/a.xml")[0][1] == "out/a"


@pytest.mark.usefixtures("folder")
def test_merged_sources_are_in_the_order_of_their_names() -> None:
    (job,) = batch.plan(["day2/a.xml", "day1/*.xml"], to="coco", out="out", merge=True).jobs
    assert job.sources == ("day1/a.xml", "day1/b.v2.xml", "day2/a.xml")
    assert (job.name, job.target) == ("day1/a.xml and 2 more", "out")


@pytest.mark.parametrize(
    ("sources", "how", "kind", "sentence"),
    [
        (["*.zip"], {}, ReadError, "*.zip: no file matches this."),
        (["gone.xml"], {}, ReadError, "gone.xml: there is no such file or folder. Check the path."),
        ([], {}, OptionError, "There is nothing to convert: name sources, or a manifest that does."),
        (["day1/a.xml"], {"to": None}, OptionError,
         "Say which format to write with --to, or with `to` in the manifest."),
        (["day1/a.xml", "day2/a.xml"], {}, OptionError,
         "day1/a.xml and day2/a.xml would both be written to out/a. Name targets in a manifest."),
        (["day1/a.xml"], {"write_options": {"decimal": "2"}}, OptionError,
         f"coco has no option 'decimal'. Did you mean 'decimals'? It has: {', '.join(OPTIONS)}."),
        (["gopher://x/a.xml"], {}, OptionError,
         "gopher://x/a.xml: gopher:// is not a known scheme. Known with their packages: s3://, gs://, az://."),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_planned_is_refused_in_one_sentence(
    sources: list[str], how: dict[str, object], kind: type[ConvertError], sentence: str
) -> None:
    with pytest.raises(kind) as caught:
        planned(*sources, **how)
    assert str(caught.value) == sentence


def test_a_manifest_names_jobs_with_options_of_their_own(folder: Path) -> None:
    (folder / "jobs.yaml").write_text(
        """
to: coco
write: {decimals: 2}
jobs:
  - source: day1/*.xml
  - source: [day2/a.xml, day1/a.xml]
    merge: true
    target: both/labels.json
    write: {decimals: 4}
  - source: day2/a.xml
    target: masks
    to: coco-rle
    from: cvat
    read: {group_id: true}
    strict: true
"""
    )
    jobs = batch.plan(manifest="jobs.yaml", out="out").jobs
    assert [(job.name, job.target) for job in jobs] == [
        ("day1/a.xml", "out/a"),
        ("day1/b.v2.xml", "out/b.v2"),
        ("day1/a.xml and 1 more", "out/both/labels.json"),
        ("day2/a.xml", "out/masks"),
    ]
    assert [job.write_options for job in jobs] == [{"decimals": 2}, {"decimals": 2}, {"decimals": 4}, {"decimals": 2}]
    assert (jobs[3].to, jobs[3].from_, jobs[3].strict) == ("coco-rle", "cvat", True)
    assert [job.is_merged for job in jobs] == [False, False, True, False]
    assert len({job.options_hash() for job in jobs}) == 3


def test_a_mapping_of_a_manifest_is_that_of_all_jobs_that_name_no_other(folder: Path) -> None:
    (folder / "all.yaml").write_text("classes: []")
    (folder / "one.yaml").write_text("classes: [{name: car}]")
    (folder / "jobs.yaml").write_text(
        """
{to: coco, mapping: all.yaml, jobs: [{source: day1/a.xml}, {source: day2/a.xml, target: b, mapping: one.yaml}]}
"""
    )
    jobs = batch.plan(manifest=folder / "jobs.yaml", out="out").jobs
    assert [job.mapping and job.mapping.text for job in jobs] == ["classes: []", "classes: [{name: car}]"]
    [plain] = batch.plan(["day1/a.xml"], to="coco", out="out").jobs
    assert len({job.options_hash() for job in (*jobs, plain)}) == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{to: coco, mapping: none.yaml, jobs: [{source: day1/a.xml}]}", "none.yaml: cannot be read (No such file or"),
        ("{to: coco, mapping: bad.yaml, jobs: [{source: day1/a.xml}]}", "bad.yaml:1: is not YAML ("),
        ("jobs: [", "m.yaml:2: is not YAML ("),
        ("to: coco", "m.yaml: is not a manifest: Object missing required field `jobs`. `jobs` lists jobs"),
        ("jobs: [{source: a.xml, too: coco}]", "contains unknown field `too` - at `$.jobs[0]`."),
        ("{to: coco, jobs: [{source: day1/a.xml, target: ../x}]}",
         "The target '../x' leaves its folder; it has to lie below out."),
        ("{to: coco, jobs: [{source: day1/*.xml, target: x}]}",
         "day1/*.xml: 2 sources for the one target x. Merge them?"),
    ],
)  # fmt: skip
def test_a_wrong_manifest_is_told_where(text: str, sentence: str, folder: Path) -> None:
    (folder / "m.yaml").write_text(text)
    (folder / "bad.yaml").write_text("classes: [")
    with pytest.raises(ConvertError) as caught:
        batch.plan(manifest="m.yaml", out="out")
    assert sentence in str(caught.value)


def test_the_manifest_of_the_page_names_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "encord_convert" / "docs" / "batch.md").read_text(encoding="utf-8")
    (tmp_path / "jobs.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    (tmp_path / "cvat").symlink_to(CVAT)
    monkeypatch.chdir(tmp_path)
    plan = batch.plan(manifest="jobs.yaml", out="out")
    assert [job.target for job in plan.jobs] == [
        "out/images-project-subsets",
        "out/images-skeleton-legacy-attrs",
        "out/images-task-minimal",
        "out/poses.json",
        "out/authored-images-v1.0",
    ]
    with batch.run(plan, engine="serial") as result:
        result.check()
    assert (tmp_path / "out" / "poses.json").is_file()
