"""Kinds of mask files met in public: regions and people of Label Studio, projects of Supervisely, tables of Kaggle."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_sources import CASES, call, coco_of, notes_of, report_of

RLE = CASES.parent / "rle"
BRUSH = [0, 0, 0, 80, 57, 27, 252, 96, 19, 255, 219, 0, 183, 255, 108, 2, 127, 252, 38, 1, 31, 248]


def result(type_: str, region: str | None = "r", name: str | None = None, **value: Any) -> dict[str, Any]:
    """Return a result; of a region, it repeats the mask."""
    made = {"type": type_, "from_name": name or type_, "to_name": "image", "original_width": 5, "original_height": 4}
    if region is None:
        return {**made, "id": f"about the image: {type_}", "value": value}
    return {**made, "id": region, "value": {"format": "rle", "rle": BRUSH, **value}}


def brush(*labels: str, region: str = "r") -> dict[str, Any]:
    return result("brushlabels", region, brushlabels=list(labels))


def annotation(*results: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"id": 1, "result": list(results), **keys}


def saved(folder: Path, *annotations: dict[str, Any], **task: Any) -> Path:
    (folder / "in.json").write_text(
        json.dumps([{"id": 7, "data": {"image": "a.png"}, "annotations": list(annotations), **task}])
    )
    return folder / "in.json"


def labels_of(written: dict[str, Any]) -> list[str]:
    names = {category["id"]: category["name"] for category in written["categories"]}
    return [names[one["category_id"]] for one in written["annotations"]]


# -- regions of Label Studio ------------------------------------------------------------------------------------------


def test_choices_numbers_and_texts_beside_a_brush_are_its_answers(tmp_path: Path) -> None:
    results = (
        brush("spill"), result("choices", name="state", choices=["wet"]), result("rating", rating=4),
        result("choices", name="seen", choices=["near", "far"]), result("number", number=2.5),
        result("taxonomy", taxonomy=[["oil", "crude"]]), result("textarea", name="note", text=["one", "two"]),
    )  # fmt: skip
    source = saved(tmp_path, annotation(*results))
    (one,) = coco_of(source, tmp_path)["annotations"]
    given = one["attributes"]
    assert given["state"] == "wet"
    assert given["rating"] == "4"
    assert given["number"] == "2.5"
    assert given["taxonomy"] == "oil/crude"
    assert given["note"] == "one\ntwo"
    assert report_of(source, tmp_path)["losses"] == []


def test_a_choice_of_several_is_a_checklist(tmp_path: Path) -> None:
    source = saved(tmp_path, annotation(brush("spill"), result("choices", name="seen", choices=["near", "far"])))
    assert call("convert", source, tmp_path / "out", "--to", "encord") == 0
    assert any('"checklist"' in path.read_text() for path in (tmp_path / "out").rglob("*.json"))
    assert report_of(source, tmp_path, to="encord")["counts"]["answer"]["kept"] == 1


def test_every_label_of_a_region_is_kept(tmp_path: Path) -> None:
    source = saved(tmp_path, annotation(brush("spill", "oil")))
    assert labels_of(coco_of(source, tmp_path)) == ["spill", "oil"]
    report = report_of(source, tmp_path)
    assert report["losses"] == []
    assert notes_of(report)["MULTI_LABEL"]["level"] == "warning"


def test_labels_of_a_brush_may_stand_in_a_result_of_their_own(tmp_path: Path) -> None:
    source = saved(tmp_path, annotation(result("brush"), result("labels", labels=["spill"])))
    assert labels_of(coco_of(source, tmp_path)) == ["spill"]
    assert report_of(source, tmp_path)["losses"] == []


def test_what_is_said_of_the_image_is_a_classification(tmp_path: Path) -> None:
    source = saved(
        tmp_path, annotation(brush("spill"), result("choices", None, "light", choices=["day"]),
                             result("textarea", None, "remark", text=["fine"]))
    )  # fmt: skip
    report = report_of(source, tmp_path, to="encord")
    assert report["counts"]["classification"] == {"in": 2, "kept": 2, "changed": 0, "dropped": 0}
    assert report["losses"] == []
    assert {"light", "remark"} <= report["labels"].keys()


def test_several_people_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = (
        annotation(brush("spill"), completed_by={"id": 3, "email": "c@example.org"}, updated_at="2024-01-02"),
        annotation(brush("leak"), completed_by={"id": 5, "email": "e@example.org"}, updated_at="2024-01-01"),
        annotation(brush("none"), completed_by=6, was_cancelled=True),
    )
    source = saved(tmp_path, *people)
    written = coco_of(source, tmp_path)
    assert "SEVERAL_ANNOTATORS" in capsys.readouterr().err
    assert [one["attributes"]["annotator"] for one in written["annotations"]] == ["3", "5"]
    assert "example.org" not in json.dumps(written)
    assert labels_of(coco_of(source, tmp_path, "-r", "annotations=newest")) == ["spill"]
    losses = report_of(source, tmp_path, "-r", "annotations=newest")["losses"]
    assert {loss["code"] for loss in losses} == {"ANNOTATION_CANCELLED", "ANNOTATOR_SKIPPED"}
    truth = saved(tmp_path, people[0], {**people[1], "ground_truth": True})
    assert labels_of(coco_of(truth, tmp_path, "-r", "annotations=newest")) == ["leak"]


def test_a_single_annotator_is_nobody_s_business(tmp_path: Path) -> None:
    source = saved(tmp_path, annotation(brush("spill"), completed_by=3), annotation(was_cancelled=True))
    (one,) = coco_of(source, tmp_path)["annotations"]
    assert "annotator" not in one["attributes"]


def test_an_image_takes_one_answer_of_several_people(tmp_path: Path) -> None:
    people = [
        annotation(
            brush("spill"), result("choices", None, "light", choices=[light]), completed_by=number, updated_at=time
        )
        for number, light, time in ((1, "day", "2024-01-01"), (2, "night", "2024-01-02"))
    ]
    source = saved(tmp_path, *people)
    assert call("convert", source, tmp_path / "out.json", "--to", "encord") == 0
    assert call("info", tmp_path / "out.json") == 0
    report = report_of(source, tmp_path, to="encord")
    assert [(loss["code"], loss["label"]) for loss in report["losses"]] == [("ANNOTATOR_SKIPPED", "light")]


def test_a_mask_on_a_rotated_image_is_counted_and_not_misplaced(tmp_path: Path) -> None:
    source = saved(tmp_path, annotation({**brush("spill"), "image_rotation": 90}, brush("leak", region="s")))
    assert labels_of(coco_of(source, tmp_path)) == ["leak"]
    (loss,) = report_of(source, tmp_path)["losses"]
    assert "turned by 90 degrees" in loss["detail"]


def test_drafts_are_counted(tmp_path: Path) -> None:
    source = saved(tmp_path, annotation(brush("spill")), drafts=[annotation(brush("leak", region="d"))])
    losses = report_of(source, tmp_path)["losses"]
    assert [(loss["code"], loss["label"]) for loss in losses] == [("DRAFT_NOT_READ", "leak")]


def test_keys_that_are_not_read_are_named(tmp_path: Path) -> None:
    source = saved(tmp_path, annotation({**brush("spill"), "meta": {"text": ["m"]}}, lead_time=3.5), meta={"a": 1})
    note = notes_of(report_of(source, tmp_path))["KEYS_NOT_READ"]
    assert all(key in note["detail"] for key in ("meta", "annotation.lead_time", "result.meta"))


# -- Supervisely ------------------------------------------------------------------------------------------------------


def supervisely(*objects: dict[str, Any], **more: Any) -> str:
    return json.dumps({"description": "", "tags": [], "size": {"height": 4, "width": 5}, "objects": objects, **more})


BITMAP = json.loads((RLE / "supervisely/ann/a.jpg.json").read_text())["objects"][0]
POLYGON = {"classTitle": "field", "geometryType": "polygon", "points": {"exterior": [[0, 0], [4, 0], [4, 3]]}}


def project(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / "in" / f"{name.replace('_', '/ann/')}.jpg.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "in"


def test_files_of_a_project_without_bitmaps_are_read_too(tmp_path: Path) -> None:
    source = project(tmp_path, ds_a=supervisely(BITMAP), ds_b=supervisely(POLYGON), ds_c=supervisely())
    written = coco_of(source, tmp_path)
    assert [image["file_name"] for image in written["images"]] == ["a.jpg", "b.jpg", "c.jpg"]
    losses = report_of(source, tmp_path)["losses"]
    assert [(loss["code"], loss["label"]) for loss in losses] == [("UNSUPPORTED_SHAPE", "field")]


def test_images_of_one_name_in_two_data_sets_are_two(tmp_path: Path) -> None:
    source = project(tmp_path, one_a=supervisely(BITMAP), two_a=supervisely(BITMAP))
    written = coco_of(source, tmp_path)
    assert [image["file_name"] for image in written["images"]] == ["one/a.jpg", "two/a.jpg"]


def test_a_bitmap_needs_no_type_beside_it(tmp_path: Path) -> None:
    plain = {key: value for key, value in BITMAP.items() if key != "geometryType"}
    assert labels_of(coco_of(project(tmp_path, ds_a=supervisely(plain)), tmp_path)) == ["spill"]


def test_tags_are_answers(tmp_path: Path) -> None:
    tagged = {**BITMAP, "tags": [{"name": "depth", "value": 3}, {"name": "fresh", "value": None}]}
    source = project(tmp_path, ds_a=supervisely(tagged, tags=[{"name": "weather", "value": "rain"}]))
    (one,) = coco_of(source, tmp_path)["annotations"]
    assert one["attributes"]["depth"] == "3"
    assert one["attributes"]["fresh"] == "fresh"
    assert report_of(source, tmp_path, to="encord")["counts"]["classification"]["kept"] == 1


# -- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "photo_id,runs\na,5 2 9 3 14 2 20 1\n",
        "image,label,lesion_mask\na,spill,5 2 9 3 14 2 20 1\nb,spill,\n",
        "id,height,width,defect\na,4,5,5 2 9 3 14 2 20 1\n",
        '"image_id","rle_string"\n"a","5 2 9 3 14 2 20 1"\n',
    ],
)
def test_columns_are_known_by_what_stands_in_them(text: str, tmp_path: Path) -> None:
    (tmp_path / "masks.csv").write_text(text)
    assert len(coco_of(tmp_path / "masks.csv", tmp_path, "-r", "size=5x4")["annotations"]) == 1


@pytest.mark.parametrize("text", ["id,bbox\na,5 2 3 14\n", "id,note\na,7 of 9\n", "id,tour\na,9 1 2 1 5 1\n"])
def test_numbers_that_are_no_runs_are_not_taken_for_them(text: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(text)
    assert call("info", tmp_path / "table.csv") == 6


def test_columns_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "masks.csv").write_text("photo,x\na,5 2 9 3 14 2 20 1\n")
    assert call("info", tmp_path / "masks.csv", "--from", "rle", "-r", "dialect=kaggle") == 4
    assert "-r columns=IMAGE,PIXELS" in capsys.readouterr().err
    options = ("--from", "rle", "-r", "columns=photo,x", "-r", "size=5x4")
    assert len(coco_of(tmp_path / "masks.csv", tmp_path, *options)["annotations"]) == 1


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "masks.csv").write_text("ImageId,EncodedPixels,Quality\na,5 2 9 3 14 2 20 1,good\n")
    [loss] = report_of(tmp_path / "masks.csv", tmp_path, "-r", "size=5x4")["losses"]
    assert (loss["code"], loss["label"], loss["count"]) == ("KEYS_NOT_READ", "record.Quality", 1)


def test_the_fixtures_are_read_as_before(tmp_path: Path) -> None:
    shutil.copytree(RLE / "label-studio", tmp_path / "in")
    assert labels_of(coco_of(tmp_path / "in/project-1.json", tmp_path)) == ["spill", "leak"]
