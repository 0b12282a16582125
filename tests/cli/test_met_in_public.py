"""Kinds of files met in public that once came out wrong: each claim is of the files and screens a user sees."""

import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert.cli import run

CASES = Path(__file__).parents[2] / "fixtures" / "cases"


def call(*arguments: object) -> int:
    return run(list(map(str, arguments)))


def saved(path: Path, *, name: str = "p.jpg", image: int = 1, **more: Any) -> Path:
    """Save a COCO file of one image with one box of each category."""
    categories = more.pop("categories", [{"id": 1, "name": "cell"}])
    document = {
        "images": [{"id": image, "file_name": name, "width": 100, "height": 80}],
        "annotations": [
            {"id": n, "image_id": image, "category_id": one["id"], "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0}
            for n, one in enumerate(categories, 1)
        ],
        "categories": categories,
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def coco_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "annotations.json").read_text()))


def test_files_without_colours_are_merged_without_a_word_of_colours(tmp_path: Path) -> None:
    one = saved(tmp_path / "a.json", name="a.jpg", categories=[{"id": 1, "name": "cell"}, {"id": 2, "name": "debris"}])
    other = saved(tmp_path / "b.json", name="b.jpg", image=2, categories=[{"id": 1, "name": "debris"}])
    report = tmp_path / "report.json"
    out = ("--merge", "--to", "coco", "--out", tmp_path / "out", "--report", report)
    assert call("batch", one, other, *out) == 0
    assert "CLASS_COLOUR" not in report.read_text()


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"segmentation": [[5, 5]], "bbox": [5, 5, 0, 0]}, "fewer than three points"),
        ({"category_id": 9, "bbox": [1, 1, 2, 2]}, "is not among the categories"),
        ({"image_id": 9, "bbox": [1, 1, 2, 2]}, "There is no image 9"),
    ],
)
def test_a_refusal_names_the_reason_and_no_other_format_where_reading_lost_all(
    annotation: dict[str, Any], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path / "in.json", annotations=[{"id": 1, "image_id": 1, "category_id": 1, **annotation}])
    assert call("convert", file, tmp_path / "out", "--to", "coco") == 5
    said = capsys.readouterr().err
    assert reason in said
    assert "nother format" not in said


def test_no_class_of_rfdetr_is_the_supercategory_of_another(tmp_path: Path) -> None:
    names = [{"id": n, "name": name} for n, name in enumerate(("object", "objects", "car"), 1)]
    file = saved(tmp_path / "in.json", categories=names)
    options = ("--target", "rfdetr", "--split", "train=1", "--image-files", "leave")
    assert call("convert", file, tmp_path / "out", *options) == 0
    written = json.loads((tmp_path / "out" / "train" / "_annotations.coco.json").read_text())["categories"]
    assert not {one["supercategory"] for one in written} & {one["name"] for one in written}


def test_info_says_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    call("info", CASES / "coco" / "info-repeats-itself" / "in.json")
    lines = [line for line in "".join(capsys.readouterr()).splitlines() if line.strip()]
    assert len(lines) == len(set(lines)) > 3


def test_images_of_one_name_in_two_splits_keep_the_folder_of_each(tmp_path: Path) -> None:
    for split, first in (("train", 1), ("valid", 10)):
        saved(tmp_path / "in" / split / "_annotations.coco.json", name="p0.png", image=first)
    assert call("convert", tmp_path / "in", tmp_path / "out", "--to", "coco") == 0
    assert {one["file_name"] for one in coco_of(tmp_path / "out")["images"]} == {"train/p0.png", "valid/p0.png"}


TRACK = """<annotations><version>1.1</version><meta><task><id>{id}</id><size>10</size><mode>interpolation</mode>
<original_size><width>200</width><height>100</height></original_size><source>clip.mp4</source>
<labels><label><name>car</name><attributes></attributes></label></labels></task></meta>
<track id="0" label="car"><box frame="{frame}" keyframe="1" outside="0" occluded="0" xtl="1" ytl="1" xbr="9" ybr="9"/>
<box frame="{end}" keyframe="1" outside="1" occluded="0" xtl="1" ytl="1" xbr="9" ybr="9"/></track></annotations>"""


def test_frames_of_two_videos_of_one_name_share_no_folder(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / "in" / f"cam{number}"
        folder.mkdir(parents=True)
        (folder / "annotations.xml").write_text(TRACK.format(id=number, frame=number, end=number + 1))
    assert call("convert", tmp_path / "in", tmp_path / "out", "--to", "coco") == 0
    folders: dict[int, set[str]] = {}
    for image in coco_of(tmp_path / "out")["images"]:
        folders.setdefault(image["video_id"], set()).add(image["file_name"].rpartition("/")[0])
    one, other = folders.values()
    assert not one & other


def test_what_was_converted_with_an_option_can_be_compared_with_it(tmp_path: Path) -> None:
    source = CASES / "cvat" / "size-not-in-the-file"
    assert call("convert", source, tmp_path / "out", "--to", "cvat", "-r", "size=100x50") == 0
    assert call("diff", source, tmp_path / "out", "-r", "size=100x50") == 0
