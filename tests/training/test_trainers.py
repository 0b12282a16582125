"""What each trainer leaves out is counted before it trains, or written so that it need not be: commands and files."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import loaders
import pytest
from road import png

from encord_convert.cli import run

BOX = {"bbox": [5, 6, 20, 10], "category_id": 1}
LEAF = {"bbox": [10, 10, 20, 20], "category_id": 2, "segmentation": [[10, 10, 30, 10, 30, 30]]}
FACE = {"bbox": [8, 8, 16, 16], "category_id": 3, "keypoints": [8, 8, 2, 24, 8, 1, 0, 0, 0], "num_keypoints": 2}
HAND = {"bbox": [30, 8, 8, 16], "category_id": 4, "keypoints": [30, 8, 2, 38, 24, 2], "num_keypoints": 2}
DISC = {"bbox": [4, 4, 2, 8], "category_id": 5, "segmentation": {"size": [48, 64], "counts": [196, 8, 40, 8, 2820]}}

CATEGORIES: list[dict[str, Any]] = [
    {"id": 1, "name": "car"},
    {"id": 2, "name": "leaf"},
    {"id": 3, "name": "face", "keypoints": ["nose", "left eye", "right eye"], "skeleton": [[1, 2], [1, 3]]},
    {"id": 4, "name": "hand", "keypoints": ["wrist", "tip"], "skeleton": [[1, 2]]},
    {"id": 5, "name": "spill"},
]


def source(folder: Path, *images: list[dict[str, Any]], size: tuple[int, int] = (64, 48), **file: Any) -> Path:
    """Write a COCO file with an image for each list of annotations, and the images next to it."""
    folder.mkdir(parents=True)
    entries, annotations = [], []
    for number, shown in enumerate(images, 1):
        name = f"{number}.png"
        (folder / name).write_bytes(png(size=size))
        entries.append({"id": number, "file_name": name, "width": size[0], "height": size[1]})
        for one in shown:
            area = one["bbox"][2] * one["bbox"][3]
            annotations.append({"id": len(annotations) + 1, "image_id": number, "iscrowd": 0, "area": area, **one})
    used = {one["category_id"] for one in annotations}
    categories = file.get("categories", [one for one in CATEGORIES if one["id"] in used])
    text = json.dumps({"images": entries, "annotations": annotations, "categories": categories})
    (folder / "labels.json").write_text(text)
    return folder


def convert(src: Path, *words: str) -> tuple[Path, dict[str, Any]]:
    """Convert for a trainer, all of it to train; return the folder and the report."""
    out, report = src.parent / "out", src.parent / "report.json"
    split = ["--images", str(src), "--split", "train=1"] if "--target" in words else []
    assert run(["convert", str(src / "labels.json"), str(out), *split, "--report", str(report), *words]) == 0
    return out, json.loads(report.read_text())


def codes(report: dict[str, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for loss in report["losses"]:
        counts[loss["code"]] += loss["count"]
    return counts


def details(report: dict[str, Any], code: str) -> list[str]:
    return [one["detail"] for one in (*report["losses"], *report["notes"]) if one["code"] == code]


WRITTEN = [
    *(("--to", name) for name in ("coco", "coco-rle", "coco-panoptic", "coco-ytvis")),
    *(("--target", name) for name in ("detectron2", "mmdet", "rfdetr", "torchvision")),
]


@pytest.mark.parametrize("words", WRITTEN, ids=" ".join)
def test_a_coco_file_has_a_licenses_block(words: tuple[str, str], tmp_path: Path) -> None:
    out, _ = convert(source(tmp_path / "src", [LEAF]), *words)
    [file] = out.rglob("*.json")
    assert json.loads(file.read_text())["licenses"] == []


def test_a_keypoint_file_has_a_licenses_block(tmp_path: Path) -> None:
    out, _ = convert(source(tmp_path / "src", [FACE]), "--to", "coco-keypoints")
    assert json.loads((out / "annotations.json").read_text())["licenses"] == []


@pytest.mark.parametrize("name", ["object", "objects", "none", "car"])
def test_a_class_of_any_name_stays_a_class_for_rfdetr(name: str, tmp_path: Path) -> None:
    categories = [{"id": 1, "name": "bus"}, {"id": 2, "name": name}, {"id": 3, "name": "object"}]
    out, _ = convert(
        source(tmp_path / "src", [BOX], categories=categories[: 2 + (name != "object")]), "--target", "rfdetr"
    )
    assert [one["name"] for one in loaders.rfdetr(out, "train")] == ["bus"]


TRAINED_ON_MASKS = {"detectron2": loaders.detectron2, "mmdet": loaders.mmdet}


@pytest.mark.parametrize("name", TRAINED_ON_MASKS)
def test_masks_that_are_not_loaded_beside_a_box_are_counted(name: str, tmp_path: Path) -> None:
    src = source(tmp_path / "src", [LEAF, BOX, DISC], [LEAF], [BOX])
    out, report = convert(src, "--target", name)
    loaded = TRAINED_ON_MASKS[name](out, "train")
    assert [one["has_mask"] for one in loaded if one["image"] == "2.png"] == [True]
    without = [one for one in loaded if one["segmentation"] and not one["has_mask"]]
    assert len(without) == codes(report)["MASK_NOT_LOADED"] == 2
    assert report["counts"]["polygon"] == {"in": 2, "kept": 1, "changed": 1, "dropped": 0}
    assert report["counts"]["rle"] == {"in": 1, "kept": 0, "changed": 1, "dropped": 0}
    assert "-w box_polygons=yes" in details(report, "MASK_NOT_LOADED")[0]
    assert details(report, "IMAGES_WITHOUT_MASKS") == [
        "1 images have only boxes or skeletons, without outlines: training on masks fails there, training on "
        "boxes does not. -w box_polygons=yes gives those their box's corners."
    ]


@pytest.mark.parametrize("name", TRAINED_ON_MASKS)
def test_box_polygons_makes_a_mixed_set_loadable(name: str, tmp_path: Path) -> None:
    src = source(tmp_path / "src", [LEAF, BOX, FACE], [BOX])
    out, report = convert(src, "--target", name, "-w", "box_polygons=yes")
    loaded = TRAINED_ON_MASKS[name](out, "train")
    assert len(loaded) == 4
    assert all(one["has_mask"] for one in loaded)
    rings = [one["segmentation"] for one in loaded if one["name"] == "car"]
    assert rings == [[[5, 6, 25, 6, 25, 16, 5, 16]]] * 2
    assert "MASK_NOT_LOADED" not in codes(report)
    assert details(report, "IMAGES_WITHOUT_MASKS") == []


@pytest.mark.parametrize("name", TRAINED_ON_MASKS)
@pytest.mark.parametrize("shown", [[BOX, BOX], [LEAF, DISC]])
def test_a_set_of_boxes_or_of_masks_alone_loses_nothing(name: str, shown: list[Any], tmp_path: Path) -> None:
    words = ("--target", name, "--strict", "--allow", "NATIVE_DROPPED")  # ids of categories
    _, report = convert(source(tmp_path / "src", shown), *words)
    assert {loss["label"] for loss in report["losses"]} <= {"class.id"}
    assert details(report, "IMAGES_WITHOUT_MASKS") == []


def test_strict_and_dry_run_know_what_box_polygons_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    src = source(tmp_path / "src", [LEAF, BOX])
    words = ["convert", str(src / "labels.json"), str(tmp_path / "out"), "--target", "mmdet", "--strict", "--dry-run"]
    assert run(words) == 3
    assert run([*words, "-w", "box_polygons=yes"]) == 0
    capsys.readouterr()
    assert run([*words[:4], "hf", "-w", "box_polygons=yes"]) == 2
    assert "hf has no option 'box_polygons'" in capsys.readouterr().err


def test_every_object_has_as_many_keypoints_for_detectron2(tmp_path: Path) -> None:
    out, _ = convert(source(tmp_path / "src", [BOX, FACE, HAND], [LEAF, FACE]), "--target", "detectron2")
    loaded = loaders.detectron2(out, "train")
    assert all(one["has_keypoints"] for one in loaded)
    assert [one["num_keypoints"] for one in loaded] == [0, 2, 2, 2, 0]
    hand = next(one for one in loaded if one["name"] == "hand")
    assert hand["keypoints"] == [30, 8, 2, 38, 24, 2, 0.5, 0.5, 0]


def test_masks_holes_and_keypoints_reach_rfdetr(tmp_path: Path) -> None:
    words = ("--target", "rfdetr", "--strict", "--allow", "NATIVE_DROPPED")  # ids of categories
    out, report = convert(source(tmp_path / "src", [DISC, FACE]), *words)
    disc, face = loaders.rfdetr(out, "train")
    assert disc["mask"].sum() == 16
    assert face["keypoints"] == FACE["keypoints"]
    assert {loss["label"] for loss in report["losses"]} == {"class.id"}


def test_pose_yamls_name_the_keypoints_of_each_class(tmp_path: Path) -> None:
    out, _ = convert(source(tmp_path / "src", [FACE, HAND]), "--target", "ultralytics", "--task", "pose")
    data = loaders.yaml_of((out / "data.yaml").read_text())
    assert data["kpt_shape"] == [3, 3]
    assert data["kpt_names"] == {0: ["nose", "left eye", "right eye"], 1: ["wrist", "tip", "point_2"]}


@pytest.mark.parametrize("task", ["detect", "segment", "obb"])
def test_rows_of_one_file_are_of_one_kind_for_ultralytics(task: str, tmp_path: Path) -> None:
    out, _ = convert(source(tmp_path / "src", [BOX, LEAF, DISC, BOX]), "--target", "ultralytics", "--task", task)
    rows = [line.split() for line in (out / "labels" / "train" / "1.txt").read_text().splitlines()]
    assert len(rows) == 4
    assert {len(row) == 5 for row in rows} == {task == "detect"}
    assert len(loaders.ultralytics(out, "train", task)) == 4


def test_images_below_10_px_are_counted_for_ultralytics(tmp_path: Path) -> None:
    src = source(tmp_path / "src", [{"bbox": [1, 1, 5, 5], "category_id": 1}], size=(40, 9))
    words = ["convert", str(src / "labels.json"), str(tmp_path / "out"), "--images", str(src), "--split", "train=1"]
    report = tmp_path / "report.json"
    assert run([*words, "--target", "ultralytics", "--report", str(report)]) == 5  # nothing is left
    assert codes(json.loads(report.read_text())) == {"PICTURE_TOO_SMALL": 1}


CVAT = """<annotations><version>1.1</version><meta><task><labels>
<label><name>car</name><color>#123456</color><type>rectangle</type><attributes/></label>
</labels></task></meta>
<image id="0" name="1.png" width="64" height="48"><box label="car" xtl="5" ytl="6" xbr="25" ybr="16"/></image>
</annotations>"""


@pytest.mark.parametrize("name", ["detectron2", "hf", "mmdet", "rfdetr", "torchvision", "ultralytics"])
def test_colours_are_no_loss_for_a_trainer(name: str, tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(png(size=(64, 48)))
    (tmp_path / "annotations.xml").write_text(CVAT)
    words = ["convert", str(tmp_path / "annotations.xml"), str(tmp_path / "out"), "--strict", "--split", "train=1"]
    report = tmp_path / "report.json"
    code = run([*words, "--images", str(tmp_path), "--target", name, "--report", str(report)])
    assert "CLASS_COLOUR" not in report.read_text()
    assert "COLOUR_DROPPED" not in report.read_text()
    assert code == 0, report.read_text()
