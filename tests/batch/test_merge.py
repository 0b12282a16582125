"""Merged sources are one label set."""

import gc
import json
import random
import re
from itertools import count, permutations
from pathlib import Path
from typing import Any

import pytest
from exports import digest, exports
from generate_cvat import Plan, generate, manifest_path, parse_mix

from encord_convert import LabelSet, Report, batch, convert, formats, read, write
from encord_convert._samples import SAMPLES
from encord_convert.batch import merges, naming
from encord_convert.batch.merges import Union, merged
from encord_convert.cli import run as cli
from encord_convert.formats._files import source_at
from encord_convert.losses.compare import diff
from encord_convert.losses.report import sum_counts


def parts(folder: Path, many: int, per_image: int = 100) -> None:
    """Make exports of images with names of their own; with a hundred shapes an image, all draw the same classes."""
    for number in range(many):
        mix = parse_mix("box=1,polygon=1,polyline=1,tag=1")
        xml = folder / f"part_{number:03d}.xml"
        generate(Plan(3, per_image, mix, 0, number), xml)
        manifest_path(xml).unlink()
        xml.write_text(xml.read_text().replace('name="frame_', f'name="{number:03d}/frame_'))


def merge(sources: list[Path], out: Path, to: str = "coco", **read_options: str) -> dict[str, Any]:
    plan = batch.plan(sources, to=to, out=out, merge=True, read_options=read_options)
    with batch.run(plan, engine="serial") as result:
        result.check()
        return batch.account(result)


def united(files: list[Path], out: Path) -> None:
    """Write one export that has the images of several, whose heads are the same."""
    texts = [file.read_text() for file in files]
    head = texts[0][: texts[0].index("<image ")]
    images = "".join(text[text.index("<image ") : text.rindex("</image>") + len("</image>")] for text in texts)
    numbers = count()
    out.write_text(
        head + re.sub(r'<image id="\d+"', lambda _: f'<image id="{next(numbers)}"', images) + "</annotations>"
    )


def test_merging_equals_one_conversion_of_the_folder(tmp_path: Path) -> None:
    parts(tmp_path / "in", 12)
    account = merge([tmp_path / "in" / "*.xml"], tmp_path / "merged")
    report = convert(tmp_path / "in", tmp_path / "whole", to="coco", report=Report())
    assert content(tmp_path / "merged") == content(tmp_path / "whole")
    assert account["counts"] == report.counts()
    assert account["labels"] == report.labels()


def test_merging_a_hundred_sources_equals_one_conversion_of_their_union(tmp_path: Path) -> None:
    parts(tmp_path / "in", 100, per_image=6)
    files = sorted((tmp_path / "in").iterdir())
    united(files, tmp_path / "union.xml")
    random.Random(1).shuffle(files)
    account = merge(files, tmp_path / "merged")
    report = convert(tmp_path / "union.xml", tmp_path / "whole", to="coco", report=Report())
    assert content(tmp_path / "merged") == content(tmp_path / "whole")
    assert account["counts"] == report.counts()
    assert account["labels"] == report.labels()


def content(folder: Path) -> tuple[list[Any], ...]:
    """Return classes by name, images and annotations, without the hashes that tell where in a source each was."""
    file = json.loads((folder / "annotations.json").read_text())
    classes = {one.pop("id"): one for one in file["categories"]}
    for one in file["images"]:
        del one["encord"]
    for one in file["annotations"]:
        one["category_id"] = classes[one["category_id"]]["name"]
        del one["attributes"]["encord_object_hash"]
    return sorted(classes.values(), key=str), file["images"], file["annotations"]


def test_the_order_of_sources_does_not_matter(tmp_path: Path) -> None:
    exports(tmp_path / "in", 3)
    files = sorted((tmp_path / "in").iterdir())
    outs = []
    for number, order in enumerate(permutations(files)):
        merge(list(order), tmp_path / str(number))
        outs.append(digest(tmp_path / str(number)))
    assert all(out == outs[0] for out in outs)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("to", ["encord", "coco", "cvat"])
def test_a_sample_merged_with_another_is_what_it_was(name: str, to: str, tmp_path: Path) -> None:
    write(SAMPLES[name](), tmp_path / "a", "encord", report=Report())
    write(SAMPLES["boxes"](), tmp_path / "b", "encord", report=Report())
    rows_of_b = tmp_path / "b" / "label_rows.jsonl"
    rows_of_b.write_text(rows_of_b.read_text().replace('"cam/1.png"', '"cam/b.png"'))  # one name would get a folder
    with source_at(tmp_path / "a") as a, source_at(tmp_path / "b") as b:
        both, _ = merged([a, b], "encord", {}, Report())
        expected = SAMPLES[name]().held()
        rows = list(both)[: len(list(expected))]
        assert [row.data_title for row in rows] == [row.data_title for row in expected]
        different = {str(one) for one in diff(expected, LabelSet(both.ontology, rows))}
        assert different <= {"the class 'car' (bounding_box)"}  # which the other has
        predicted = Report.predict(both, formats()[to].exporter.carries)  # type: ignore[union-attr]
        written = write(both, tmp_path / "out", to, report=Report())
        assert written.counts() == predicted.counts()


def test_conflicts_by_name_and_shape_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, shape, colour in (
        ("a", "bounding_box", "#111111"),
        ("b", "polygon", "#222222"),
        ("c", "polygon", "#333333"),
    ):
        ontology = {
            "objects": [
                {"id": "1", "name": "car", "color": colour, "shape": shape, "featureNodeHash": f"0000000{name}"}
            ],
            "classifications": [],
        }
        (tmp_path / name).mkdir()
        (tmp_path / name / "ontology.json").write_text(json.dumps(ontology))
        (tmp_path / name / "label_rows.jsonl").write_text("")
    words = ["batch", *(str(tmp_path / name) for name in "cab"), "--to", "encord", "--out", str(tmp_path / "out")]
    assert cli([*words, "--merge", "--engine", "serial"]) == 0
    told = capsys.readouterr().err
    assert f"Sources draw 'car' as bounding box ({tmp_path}/a), polygon ({tmp_path}/b)." in told
    assert "colours (1)" in told
    objects = read(tmp_path / "out").ontology.objects
    assert [(one.name, one.shape.value, one.color, one.uid) for one in objects] == [
        ("car", "bounding_box", "#111111", 1),
        ("car", "polygon", "#222222", 2),
    ]


def test_a_skeleton_of_other_points_gets_a_name_of_its_own() -> None:
    first, second = (SAMPLES["skeletons"]().ontology for _ in range(2))
    (template,) = second.skeleton_templates
    form = second.to_dict()
    nodes = form["skeleton_templates"][0]["template"]["skeleton"]
    nodes["0"]["name"] = "another point"
    union = Union()
    union.add("first", first)
    union.add("second", type(second).from_dict(form))
    structure, _ = union.finished()
    assert [one.name for one in structure.skeleton_templates] == [template.name, f"{template.name} 2"]
    (loss,) = [one for one in union.counts.losses() if one.code == "SKELETON_RENAMED"]
    assert loss.detail == f"{template.name!r} has other points elsewhere; here it becomes '{template.name} 2'."


def test_an_encord_export_is_merged_with_other_formats_and_counted_in_words_of_the_hub(tmp_path: Path) -> None:
    exports(tmp_path / "in", 1)
    one = convert(tmp_path / "in" / "task_0000.xml", tmp_path / "hub", to="encord", report=Report())
    account = merge([tmp_path / "in" / "*", tmp_path / "hub"], tmp_path / "out")
    alone = convert(tmp_path / "hub", tmp_path / "alone", to="coco", report=Report())
    both = sum_counts(one.labels().values())["in"] + sum_counts(alone.labels().values())["in"]
    assert sum_counts(account["labels"].values())["in"] == both


def test_the_account_of_a_merge_adds_up(tmp_path: Path) -> None:
    exports(tmp_path / "in", 5)
    account = merge([tmp_path / "in" / "*"], tmp_path / "out")
    plan = batch.plan([tmp_path / "in" / "*"], to="coco", out=tmp_path / "single")
    with batch.run(plan, engine="serial") as result:
        singles = batch.account(result)
    assert account["counts"] == singles["counts"]
    assert sum_counts(account["labels"].values()) == sum_counts(singles["labels"].values())


def test_a_medium_of_two_sources_gets_a_hash_for_each(tmp_path: Path) -> None:
    exports(tmp_path / "in", 2)
    merge([tmp_path / "in" / "*"], tmp_path / "out", "encord")
    rows = list(read(tmp_path / "out"))
    assert len({row.data_hash for row in rows}) == len({row.label_hash for row in rows}) == len(rows) == 7


def test_coco_files_whose_ids_and_colours_meet_are_merged_without_loss(tmp_path: Path) -> None:
    def file(folder: str, images: list[int], categories: list[str]) -> Path:
        bbox = {"bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0}
        path = tmp_path / f"{folder}.json"
        path.write_text(
            json.dumps(
                {
                    "images": [
                        {"id": id_, "file_name": f"{folder}/{id_}.jpg", "width": 100, "height": 80} for id_ in images
                    ],
                    "annotations": [
                        {"id": id_, "image_id": images[-1], "category_id": id_, **bbox}
                        for id_ in range(1, len(categories) + 1)
                    ],
                    "categories": [{"id": id_, "name": name} for id_, name in enumerate(categories, 1)],
                }
            )
        )
        return path

    files = file("a", [600, 601], ["cell", "debris"]), file("b", [0, 600], ["debris", "vessel", "cell"])
    words = ["batch", *map(str, files), "--merge", "--strict", "--to", "coco", "--out", str(tmp_path / "out")]
    assert cli(words) == 0
    [written] = (tmp_path / "out").rglob("*.json")
    merged_file = json.loads(written.read_text())
    assert [image["id"] for image in merged_file["images"]] == [1, 2, 3, 4]
    assert len(merged_file["annotations"]) == 5


def test_what_was_made_to_read_a_source_is_given_back_before_the_merge_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts(tmp_path / "in", 12, per_image=20)
    held: list[int] = []

    def moved(*how: Any, **more: Any) -> Any:
        held.append(len(gc.get_objects()))
        return move(*how, **more)

    move = merges.moved
    monkeypatch.setattr(merges, "moved", moved)
    monkeypatch.setattr(naming, "GARBAGE", 1000)
    merge([tmp_path / "in" / "*.xml"], tmp_path / "out")
    assert held[-1] - held[3] < 15_000  # 1,000 a source, and not 3,300
