"""``check`` names every fault that is put into a set, in its place, and none in a set that is right; it mends some."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from seeded_faults import (
    BOX,
    CUT_SHORT,
    FAULTS,
    OTHER,
    Fault,
    again,
    annotation,
    boxed,
    coco,
    edit,
    file,
    image,
    label,
    of_no_class,
    of_no_image,
    other_size,
    polygons,
    poses,
    roboflow,
    say,
    without_val,
    yolo,
)  # fmt: skip

import encord_convert
from encord_convert.checks import check
from encord_convert.checks import run as checks_run
from encord_convert.cli import run
from encord_convert.hub.table import Table

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"

Base = Callable[[Path], None]


def checked(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    code = run(["check", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def places(found: dict[str, Any], code: str) -> list[str]:
    return [
        f"{one['file']}:{one['line']} {one['image']} {one['annotation']}"
        for one in found["findings"]
        if one["code"] == code
    ]


def made(base: Base, folder: Path, *puts: Callable[[Path], None]) -> Path:
    root = folder / "set"
    base(root)
    for put in puts:
        put(root)
    return root


# --- what is found, and what is not -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.target}-{fault.name}")
def test_a_fault_is_found_in_its_place(fault: Fault, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = made(fault.base, tmp_path, fault.put)
    exit_code, found = checked(capsys, root, "--target", fault.target)
    assert exit_code == 1
    assert any(all(word in place for word in fault.place.split()) for place in places(found, fault.code))


def test_there_are_ten_faults_for_each_trainer() -> None:
    for target in ("detectron2", "rfdetr", "torchvision", "ultralytics"):
        assert sum(fault.target == target for fault in FAULTS) >= 10


RIGHT = {
    "detectron2": [coco], "rfdetr": [roboflow], "torchvision": [coco], "ultralytics": [yolo, polygons, poses],
    "coco": [coco, roboflow, yolo],
}  # fmt: skip


@pytest.mark.parametrize(("target", "base"), [(target, base) for target, some in RIGHT.items() for base in some])
def test_nothing_is_found_in_a_set_that_is_right(
    target: str, base: Base, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(base, tmp_path)
    for words in ((), ("--target", target), ("--leaks",)):
        exit_code, found = checked(capsys, root, *words)
        assert (exit_code, found["findings"]) == (0, [])


CLEAN = [
    *(f"coco/{name}" for name in ("boxes-only", "encord-exporter", "keypoints-17", "missing-bbox",
                                  "panoptic", "polygons", "rle-list", "sahi-terrain", "split-folders",
                                  "video-cocovid")),
    *(f"cvat/{name}" for name in ("authored-video-modern-tracks", "job-points", "project-skeleton-mixed",
                                  "video-task-frame-step")),
    *(f"dicom/{name}" for name in ("ct_series", "enhanced_mr", "private_tags")),
    "labelme/small-shapes",
    *(f"mot/{name}" for name in ("cvat-mot-1.1", "datumaro-mot", "detections")),
    *(f"rle/{name}" for name in ("label-studio", "records", "supervisely")),
    "street", "voc/roboflow-chess", "yolo/cvat-ultralytics-pose", "yolo/cvat-ultralytics-segmentation",
]  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_nothing_is_found_in_a_fixture_that_is_right(name: str) -> None:
    assert check(FIXTURES / name).counts == {}


FOR_TRAINERS = [
    ("coco/boxes-only", "detectron2"), ("coco/boxes-only", "rfdetr"), ("coco/boxes-only", "ultralytics"),
    ("coco/keypoints-17", "rfdetr"), ("coco/polygons", "detectron2"), ("coco/polygons", "rfdetr"),
    ("coco/polygons", "torchvision"), ("coco/polygons", "ultralytics"), ("coco/roboflow", "rfdetr"),
    ("coco/polygons", "mmdet"), ("coco/boxes-only", "hf"), ("voc/roboflow-chess", "torchvision"),
    ("voc/roboflow-chess", "ultralytics"), ("voc/roboflow-chess", "mmdet"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "target"), FOR_TRAINERS)
def test_nothing_is_found_in_a_fixture_that_a_trainer_takes_whole(name: str, target: str) -> None:
    assert check(FIXTURES / name, target=target).counts == {}


SAME = [
    "cvat/images-project-subsets", "cvat/authored-images-modern-shapes", "street", "coco/polygons", "coco/rle-list",
    "coco/keypoints-17", "mot/mot16-shape",
]  # fmt: skip


@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("target", [None, "detectron2", "mmdet", "torchvision", "ultralytics"])
def test_columns_hide_nothing_that_rows_would_tell(
    case: str, target: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = check(FIXTURES / case, target=target)
    monkeypatch.setattr(checks_run, "suspects", lambda table, *_: set(range(len(table))))
    whole = check(FIXTURES / case, target=target)
    assert (quick.counts, quick.findings) == (whole.counts, whole.findings)


@pytest.mark.parametrize("fault", [one for one in FAULTS if one.base is not poses][::3], ids=lambda one: one.name)
def test_columns_hide_no_fault(fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made(fault.base, tmp_path, fault.put)
    quick = check(root, target=fault.target)
    monkeypatch.setattr(checks_run, "suspects", lambda table, *_: set(range(len(table))))
    assert check(root, target=fault.target).findings == quick.findings


def test_shapes_that_a_target_has_not_are_counted_beyond_the_places_that_are_listed(tmp_path: Path) -> None:
    lines = "".join(
        f'<image id="{n}" name="{n}.jpg" width="64" height="48"><polyline label="lane" points="1,1;9,{n % 40}" '
        'occluded="0" z_order="0"/><points label="lane" points="1,1;2,2;3,3" occluded="0" z_order="0"/></image>'
        for n in range(1200)
    )
    meta = "<meta><task><labels><label><name>lane</name><attributes/></label></labels></task></meta>"
    (tmp_path / "a.xml").write_text(f"<annotations><version>1.1</version>{meta}{lines}</annotations>")
    found = check(tmp_path / "a.xml", target="rfdetr")
    assert found.counts == {"UNSUPPORTED_SHAPE": 2400}
    assert len(found.findings) == 1000


# --- images -----------------------------------------------------------------------------------------------------------


def test_an_image_with_bytes_behind_its_end_is_whole(tmp_path: Path) -> None:
    root = made(yolo, tmp_path, file("images/train/1.jpg", image(1) + b"appended by a phone"))
    assert check(root).is_clean


def test_images_in_an_archive_are_looked_at(tmp_path: Path) -> None:
    root = made(roboflow, tmp_path, file("train/3.jpg", CUT_SHORT), file("train/4.jpg", image(2)))
    archive = shutil.make_archive(str(tmp_path / "set"), "zip", root)
    assert check(archive).counts == check(root).counts == {"TRUNCATED": 1, "DUPLICATE_IMAGE": 1, "SIZE_MISMATCH": 1}


def test_labels_alone_have_no_images_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = made(coco, tmp_path)
    assert (
        run(["check", str(root / "annotations" / "instances_train2017.json"), "--images", str(root / "train2017")]) == 0
    )
    shutil.rmtree(root / "train2017")
    shutil.rmtree(root / "val2017")
    capsys.readouterr()
    assert run(["check", str(root)]) == 0
    assert "images   none is next to the labels" in capsys.readouterr().out


# --- splits -----------------------------------------------------------------------------------------------------------


def split_set(folder: Path, train: dict[str, int], val: dict[str, int]) -> Path:
    for split, images in (("train", train), ("val", val)):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for name, number in images.items():
            (folder / "images" / split / f"{name}.jpg").write_bytes(image(number))
            (folder / "labels" / split / f"{name}.txt").write_text(f"{BOX}\n")
    (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [car]\n")
    return folder


@pytest.mark.parametrize(
    ("train", "val", "code", "numbers"),
    [
        ({"a": 1, "b": 2}, {"c": 1, "d": 3}, "LEAK_FILE", [(1, 2), (1, 2)]),
        ({"a_jpg.rf.0a1": 1, "b": 2}, {"a_jpg.rf.9f2": 3, "c_jpg.rf.77": 4}, "LEAK_COPY", [(1, 2), (1, 2)]),
        ({"cam_mp4-10_jpg": 1, "b": 2}, {"cam_mp4-12_jpg": 3}, "LEAK_FRAMES", [(1, 2), (1, 1)]),
        ({"cam_mp4-10_jpg": 1, "cam_mp4-11_jpg": 2}, {"cam_mp4-900_jpg": 3}, "LEAK_VIDEO", [(2, 2), (1, 1)]),
    ],
)
def test_what_splits_share_is_told_with_one_number_for_each(
    train: dict[str, int], val: dict[str, int], code: str, numbers: list[tuple[int, int]], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    root = split_set(tmp_path / "set", train, val)
    exit_code, found = checked(capsys, root, "--leaks")
    assert exit_code == 1
    assert found["counts"][code] == 1
    assert [(one["shared"], one["images"]) for one in found["leaks"].values()] == numbers
    assert run(["check", str(root), "--leaks"]) == 1
    said = "   ".join(
        f"{split} {shared} of {count}" for split, (shared, count) in zip(("train", "val"), numbers, strict=True)
    )
    assert f"leaks    {said}" in capsys.readouterr().out


def test_a_set_without_splits_has_no_leaks_to_look_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = FIXTURES / "coco" / "boxes-only"
    assert run(["check", str(source), "--leaks"]) == 2
    assert capsys.readouterr().err == (
        f"error: leaks: {source} has no splits, so there is nothing to compare. "
        "Keep the labels of each split in a folder of its name: train, val, test.\n"
    )
    root = made(yolo, tmp_path, without_val)
    shutil.rmtree(root / "labels" / "val")
    shutil.rmtree(root / "images" / "val")
    with pytest.raises(encord_convert.OptionError, match=r"is in the split train, so there is nothing"):
        check(root, leaks=True)


def test_photos_that_are_numbered_are_no_frames_of_a_video(tmp_path: Path) -> None:
    root = split_set(tmp_path / "set", {"IMG_0001": 1, "IMG_0002": 2}, {"IMG_0003": 3})
    found = check(root, leaks=True)
    assert (found.counts, found.leaks) == ({}, {"train": (0, 2), "val": (0, 1)})


def test_a_patient_in_two_splits_is_told(tmp_path: Path) -> None:
    labels = encord_convert.read(made(yolo, tmp_path))
    for number, row in enumerate(labels):
        row.client_metadata = {**(row.client_metadata or {}), "patient_id": f"P{min(number, 6)}"}
    encord_convert.write(labels, tmp_path / "rows", "encord", report=encord_convert.Report())
    assert check(tmp_path / "rows", leaks=True).is_clean
    for row in labels:
        row.client_metadata = {**(row.client_metadata or {}), "patient_id": "P1"}
    encord_convert.write(labels, tmp_path / "others", "encord", report=encord_convert.Report())
    found = check(tmp_path / "others", leaks=True)
    assert (found.counts, found.leaks) == ({"LEAK_PATIENT": 2}, {"train": (6, 6), "val": (2, 2)})


# --- what is mended ---------------------------------------------------------------------------------------------------


def test_what_has_one_right_answer_is_mended_and_the_rest_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(
        roboflow, tmp_path, boxed(11, [60, 5, 10, 10]), boxed(21, [70, 5, 10, 10]), edit(again), edit(other_size),
        boxed(41, [5, 5, 10, 0], segmentation=[]), file("train/6.jpg", b"broken"),
    )  # fmt: skip
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    exit_code, found = checked(capsys, root, "--fix", tmp_path / "mended")
    assert exit_code == 1
    assert {one["code"]: one["fix"] for one in found["findings"]} == {
        "OUT_OF_BOUNDS": "clipped to the image", "DEGENERATE_DROPPED": "dropped", "UNREADABLE": None,
        "DUPLICATE_ANNOTATION": "dropped", "SIZE_MISMATCH": "size corrected",
    }  # fmt: skip
    assert [one["fix"] for one in found["findings"] if one["code"] == "OUT_OF_BOUNDS"] == [
        "dropped", "clipped to the image"
    ]  # fmt: skip
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    sums = found["fixed"]["labels"].values()
    assert sum(one["in"] for one in sums) == 17
    assert (sum(one["dropped"] for one in sums), sum(one["changed"] for one in sums)) == (3, 3)
    mended = json.loads((tmp_path / "mended" / "annotations.json").read_text())
    [third] = [one for one in mended["images"] if one["file_name"].endswith("3.jpg") and "train" in str(one)]
    assert (third["width"], third["height"]) == (64, 48)
    boxes = {tuple(one["bbox"]) for one in mended["annotations"] if one["image_id"] == third["id"]}
    assert boxes == {(8, 6, 20, 10), (30, 23, 12, 14)}  # where they were, in pixels
    exit_code, found = checked(capsys, tmp_path / "mended", "--images", root)
    assert list(found["counts"]) == ["UNREADABLE"]


def test_rows_of_yolo_are_mended_as_rows_of_yolo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = made(yolo, tmp_path, label(BOX), file("labels/train/3.txt", b"0 0.95 0.5 0.2 0.2\n"))
    exit_code, _ = checked(capsys, root, "--fix", tmp_path / "mended")
    assert exit_code == 1
    rows = {path.name: path.read_text().split("\n") for path in (tmp_path / "mended").rglob("labels/train/*.txt")}
    assert len(rows["2.txt"]) == 2
    assert [float(one) for one in rows["3.txt"][0].split()] == pytest.approx([0, 0.925, 0.5, 0.15, 0.2])
    assert len(rows["1.txt"]) == 3


def test_a_polygon_with_a_part_outside_is_cut(tmp_path: Path) -> None:
    root = made(coco, tmp_path, say(31, segmentation=[[50, 10, 80, 10, 80, 40, 50, 40]], bbox=[50, 10, 30, 30]))
    assert check(root, fix=tmp_path / "mended").counts == {"OUT_OF_BOUNDS": 1}
    mended = json.loads((tmp_path / "mended" / "annotations.json").read_text())
    [cut] = [one for one in mended["annotations"] if one["bbox"][:2] == [50, 10]]
    assert (cut["bbox"], cut["area"]) == ([50, 10, 14, 30], 420)


def test_an_annotation_that_is_there_twice_with_other_answers_stays(tmp_path: Path) -> None:
    def put(members: dict[str, Any], by_id: dict[int, Any]) -> None:
        by_id[30]["attributes"] = {"colour": "red"}
        members["annotations"].append({**by_id[30], "id": 99, "attributes": {"colour": "blue"}})

    root = made(coco, tmp_path, edit(put))
    found = check(root, fix=tmp_path / "mended")
    assert [(one.code, one.fix) for one in found.findings] == [("DUPLICATE_ANNOTATION", None)]
    assert found.fixed is None
    assert not (tmp_path / "mended").exists()


def test_a_size_in_proportion_is_not_corrected(tmp_path: Path) -> None:
    root = made(coco, tmp_path, edit(lambda members, by_id: members["images"][2].update(width=128, height=96)))
    assert [(one.code, one.fix) for one in check(root).findings] == [("SIZE_MISMATCH", None)]


def test_a_box_that_contradicts_its_shape_is_that_of_the_shape_again(tmp_path: Path) -> None:
    root = made(coco, tmp_path, say(31, bbox=[30, 23, 0, 0]))
    assert check(root, fix=tmp_path / "mended").counts == {"INVALID_BBOX": 1}
    mended = json.loads((tmp_path / "mended" / "annotations.json").read_text())
    assert [30, 23, 12, 14] in [one["bbox"] for one in mended["annotations"]]


def test_a_real_box_that_is_not_that_of_its_shape_is_found_and_mended(tmp_path: Path) -> None:
    found = check(FIXTURES / "coco" / "coco-annotator", fix=tmp_path / "mended")
    assert [(one.code, one.where.element, one.fix) for one in found.findings] == [
        ("INVALID_BBOX", "annotation 1000", "box of the shape")
    ]
    mended = json.loads((tmp_path / "mended" / "annotations.json").read_text())["annotations"]
    assert [one["bbox"] for one in mended] == [[3651, 872, 113, 114], [4787, 1362, 341, 412]]
    assert check(tmp_path / "mended").is_clean


@pytest.mark.parametrize(
    ("box", "is_found"),
    [([0, 0, 60, 40], True), ([30, 23, 12, 15.5], True), ([30, 23, 12, 14.9], False), ([30, 23, 11.2, 14], False)],
)
def test_a_box_is_that_of_its_shape_up_to_a_pixel(box: list[float], is_found: bool, tmp_path: Path) -> None:
    root = made(coco, tmp_path, say(31, bbox=box))
    assert check(root).counts == ({"INVALID_BBOX": 1} if is_found else {})


def test_a_box_is_that_of_a_large_shape_up_to_a_twentieth(tmp_path: Path) -> None:
    ring = {"segmentation": [[2, 2, 62, 2, 62, 42, 2, 42]], "area": 2400}
    assert check(made(coco, tmp_path / "near", say(31, bbox=[4.5, 2, 57.5, 40], **ring))).is_clean
    assert check(made(coco, tmp_path / "far", say(31, bbox=[5.5, 2, 56.5, 40], **ring))).counts == {"INVALID_BBOX": 1}


def test_labels_of_images_without_size_are_not_left_out_by_a_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(yolo, tmp_path, label(BOX), file("images/train/3.jpg", None))
    _, found = checked(capsys, root)
    assert {one["code"]: one["fix"] for one in found["findings"]} == {
        "SIZE_UNKNOWN": None, "MISSING_MEDIA": None, "DUPLICATE_ANNOTATION": "dropped"
    }  # fmt: skip
    assert run(["check", str(root), "--fix", str(tmp_path / "mended")]) == 5
    said = capsys.readouterr()
    assert not said.out
    assert said.err == (
        f"error: {tmp_path / 'mended'}: not written, since what could not be read would be missing (SIZE_UNKNOWN 2). "
        "Put the images next to the labels, or give -r size=WIDTHxHEIGHT.\n"
    )
    assert not (tmp_path / "mended").exists()
    assert run(["check", str(root), "--fix", str(tmp_path / "mended"), "-r", "size=64x48"]) == 1
    assert len((tmp_path / "mended" / "labels" / "train" / "3.txt").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("base", "put", "code"),
    [
        (yolo, label("7 0.5 0.5 0.1 0.1"), "CLASS_UNKNOWN"), (yolo, label("1 nan 0.5 0.1 0.1"), "INVALID_ROW"),
        (coco, edit(of_no_class), "ORPHAN_CATEGORY"), (coco, edit(of_no_image), "ORPHAN_IMAGE"),
        (coco, say(31, bbox=[30, 20, -5, 5], segmentation=[]), "INVALID_BBOX"),
    ],
    ids=["class", "row", "category", "image", "box"],
)  # fmt: skip
def test_what_could_not_be_read_is_not_left_out_by_a_fix(
    base: Base, put: Callable[[Path], None], code: str, tmp_path: Path
) -> None:
    root = made(base, tmp_path, put)
    assert {one.fix for one in check(root).findings if one.code == code} == {None}
    with pytest.raises(encord_convert.WriteError, match=rf"would be missing \({code} 1\)\. Fix the source"):
        check(root, fix=tmp_path / "mended")
    assert not (tmp_path / "mended").exists()


def test_what_lies_outside_its_image_is_dropped_by_a_fix_however_it_is_read(tmp_path: Path) -> None:
    lines = (
        '<image id="0" name="0.jpg" width="64" height="48"><box label="car" xtl="70" ytl="5" xbr="80" ybr="9" '
        'occluded="0" z_order="0"/><box label="car" xtl="7" ytl="5" xbr="10" ybr="9" occluded="0" z_order="0"/></image>'
    )
    meta = "<meta><task><labels><label><name>car</name><attributes/></label></labels></task></meta>"
    (tmp_path / "a.xml").write_text(f"<annotations><version>1.1</version>{meta}{lines}</annotations>")
    found = check(tmp_path / "a.xml", fix=tmp_path / "mended.xml")
    assert {one.fix for one in found.findings} == {"dropped"}
    assert len(next(iter(encord_convert.read(tmp_path / "mended.xml"))).get_object_instances()) == 1


def test_a_fix_of_a_set_that_is_right_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, there = made(coco, tmp_path), tmp_path / "there"
    assert run(["check", str(root), "--fix", str(tmp_path / "mended")]) == 0
    said = f"nothing found; there is nothing to mend, and {tmp_path / 'mended'} is not written"
    assert capsys.readouterr().out.splitlines()[-1] == said
    assert not (tmp_path / "mended").exists()
    there.mkdir()
    (there / "mine.txt").write_text("mine")
    assert run(["check", str(root), "--fix", str(there), "--overwrite"]) == 0
    assert run(["check", str(root), "--fix", str(there)]) == 5  # what was not written is not ours
    assert (there / "mine.txt").read_text() == "mine"


def test_a_format_that_cannot_be_written_is_not_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = made(yolo, tmp_path)
    assert run(["check", str(root), "--fix", str(root)]) == 5
    assert "it is the source" in capsys.readouterr().err


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_screen_has_a_line_for_each_kind_the_worst_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made(yolo, tmp_path, label(BOX), file("labels/val/0.txt", f"{OTHER}\n7 0.5 0.5 0.1 0.1\n".encode()))
    assert run(["check", str(root), "--target", "ultralytics"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{root}: yolo, 8 rows, 16 annotations, for ultralytics (detect)"
    assert [line.split()[:3] for line in lines if line.startswith(("e", "w"))] == [
        ["error", "1", "CLASS_UNKNOWN:"], ["error", "1", "TRAINER_SKIPS:"], ["warning", "1", "DUPLICATE_ANNOTATION:"]
    ]  # fmt: skip
    assert any(line.strip().startswith("labels/val/0.txt:2 0.jpg  ") for line in lines)
    assert lines[-1] == "3 found; --fix DST mends what has one right answer, once all can be read"


def test_a_target_that_is_none_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(encord_convert.OptionError, match=r"no target named 'yolov9'. Known: coco, detectron2"):
        check(made(yolo, tmp_path), target="yolov9")
    with pytest.raises(encord_convert.OptionError, match="task goes with the target ultralytics"):
        check(tmp_path / "set", target="rfdetr", task="obb")


def test_a_table_of_a_thousand_right_images_gives_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made(yolo, tmp_path)
    monkeypatch.setattr(Table, "row", lambda *_: pytest.fail("a row was made"))
    assert check(root).is_clean


def test_annotations_are_named_by_their_ids_in_files_that_share_them(tmp_path: Path) -> None:
    root = made(roboflow, tmp_path, edit(lambda members, by_id: members["annotations"].append(
        annotation(77, 2, (60, 40, 20, 20)))))  # fmt: skip
    [found] = check(root).findings
    assert found.where.element == "annotation 77"


def test_annotations_of_videos_are_named_by_their_ids() -> None:
    found = check(FIXTURES / "coco" / "video-cocovid", target="rfdetr").findings
    crowds = [(one.where.frame, one.where.element) for one in found if one.code == "CROWD_DROPPED"]
    assert crowds[:3] == [(0, "annotation 8"), (0, "annotation 9"), (0, "annotation 10")]


@pytest.mark.parametrize("without_ids", [False, True])
def test_a_place_is_the_same_with_a_target_and_without(without_ids: bool, tmp_path: Path) -> None:
    def put(members: dict[str, Any], by_id: dict[int, Any]) -> None:
        for one in members["annotations"] if without_ids else ():
            del one["id"]

    root = made(coco, tmp_path, boxed(31, [58, 5, 10, 10]), edit(again), edit(put))
    places_ = [sorted((one.where.element or "") for one in check(root, target=target).findings if one.where.row)
               for target in (None, "coco", "detectron2")]  # fmt: skip
    assert places_[0] == places_[1] == places_[2]
    assert len(places_[0]) == 2


def test_what_is_not_cut_has_no_fix(tmp_path: Path) -> None:
    root = made(poses, tmp_path, file("labels/train/2.txt", b"0 0.5 0.4 0.9 0.2 -0.005 0.35 2 0.35 0.45 2\n"))
    found = check(root, target="ultralytics", fix=tmp_path / "mended")
    assert [(one.code, one.fix) for one in found.findings] == [("CLIPPED", None)]
