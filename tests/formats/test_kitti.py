"""KITTI: detection and tracking, scores, damage, and what comes back."""

from pathlib import Path

import numpy as np
import pytest
from small_formats import FIXTURES, Read, cases, coco_agrees, comes_back, goes_through_the_hub, written

from encord_convert import ReadError
from encord_convert._samples import SAMPLES
from encord_convert.formats import Match, MemorySource, detect, format_named
from encord_convert.geometry import png
from encord_convert.sdk.constants.enums import DataType

CAR = "Car 0.00 1 1.55 100.00 50.00 200.00 150.00 1.57 1.73 4.15 1.00 1.75 13.22 1.62"


def kitti(*lines: str, name: str = "label_2/000007.txt", **options: object) -> Read:
    return Read("kitti", {name: "".join(f"{line}\n" for line in lines)}, size="400x200", **options)


@pytest.mark.parametrize(("case", "boxes", "tracks"), [("detection", 6, 6), ("results", 3, 3), ("tracking", 8, 5)])
def test_a_fixture_is_read_whole(case: str, boxes: int, tracks: int) -> None:
    found = Read("kitti", FIXTURES / "kitti" / case, size="1242x375")
    assert (found.count("box"), len(found.objects)) == (boxes, tracks) and not found.losses


@pytest.mark.parametrize("case", cases("kitti"), ids=lambda case: case.name)
def test_a_fixture_comes_back_from_its_own_format_from_coco_and_from_the_hub(case: Path, tmp_path: Path) -> None:
    comes_back("kitti", case, tmp_path / "own")
    goes_through_the_hub("kitti", case, tmp_path)
    coco_agrees("kitti", case, tmp_path / "coco")


def test_every_column_is_read_or_comes_back_and_is_counted_elsewhere() -> None:
    found = kitti(CAR)
    [car] = found.objects
    c = car._frames[0].coordinates
    assert (c.top_left_x * 400, c.top_left_y * 200, c.width * 400, c.height * 200) == pytest.approx((100, 50, 100, 100))
    assert {one.title: value for one, value in car._static_answers()} == {"truncated": "0.00", "occluded": "1"}
    files, report = written("kitti", found.labels)
    assert report.is_lossless
    assert files["label_2/000007.txt"].decode() == CAR.replace(".00 50.00 200.00 150.00", " 50 200 150") + "\n"
    lost = written("coco-rle", found.labels)[1].losses()
    assert {one.label: one.count for one in lost if one.code == "NATIVE_DROPPED"} == dict.fromkeys(
        ("annotation.alpha", "annotation.dimensions", "annotation.location", "annotation.rotation_y"), 1
    )


def test_a_score_is_a_confidence_made_by_a_machine_and_one_beyond_is_kept() -> None:
    found = kitti(f"{CAR} 0.75", f"{CAR} 12.5")
    infos = [one._frames[0].object_frame_instance_info for one in found.objects]
    assert [(info.confidence, info.manual_annotation) for info in infos] == [(0.75, False), (1, False)]
    text = written("kitti", found.labels)[0]["label_2/000007.txt"].decode()
    assert [line.split()[15] for line in text.splitlines()] == ["0.75", "12.5"]


def test_a_sequence_is_a_video_and_an_id_below_0_is_alone() -> None:
    lines = [f"{frame} {track} {CAR}" for frame, track in ((0, 0), (2, 0), (0, -1), (2, -1))]
    found = kitti(*lines, name="label_02/0003.txt")
    [row] = found.rows
    assert (row.data_title, row.data_type, row.number_of_frames) == ("0003", DataType.VIDEO, 3)
    assert [sorted(one._frames) for one in found.objects] == [[0, 2], [0], [2]]
    assert {
        line.split()[1] for line in written("kitti", found.labels)[0]["label_02/0003.txt"].decode().splitlines()
    } == {"0", "-1"}


def test_a_split_is_a_folder_and_comes_back() -> None:
    found = kitti(CAR, name="training/label_2/000001.txt")
    assert found.rows[0].client_metadata == {"split": "training"}
    assert "training/label_2/000001.txt" in written("kitti", found.labels)[0]


def test_a_size_is_that_of_the_image_beside() -> None:
    files = {"label_2/1.txt": CAR, "image_2/1.png": png.encoded(np.zeros((300, 500), np.uint8))}
    [row] = Read("kitti", files).rows
    assert (row.data_title, row._units[0].width, row._units[0].height) == ("1.png", 500, 300)
    with pytest.raises(ReadError, match="-r size=WIDTHxHEIGHT"):
        Read("kitti", {"label_2/1.txt": CAR})


@pytest.mark.parametrize("name", ["traffic light", "1", "50%", "a\nb", "%20"])
def test_names_of_classes_with_blanks_and_of_digits_come_back(name: str) -> None:
    files, _ = written("kitti", SAMPLES["boxes"]().rename({"car": name}))
    assert {one.object_name for one in Read("kitti", files).objects} == {name}
    assert detect(MemorySource(files)).name == "kitti"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (CAR.replace("200.00 150.00", "100.00 150.00"), "INVALID_BBOX"),
        (f"99999999999 1 {CAR}", "FRAME_BEYOND"),
        (f"1e999 1 {CAR}", "FRAME_BEYOND"),
    ],
)
def test_a_damaged_line_costs_itself_and_is_counted(line: str, code: str) -> None:
    good = CAR if line.startswith("Car") else f"0 1 {CAR}"
    found = kitti(good, line)
    assert len(found.objects) == 1 and found.losses == {code: 1}


@pytest.mark.parametrize("line", [CAR.rpartition(" ")[0], CAR.replace("1.55", "left"), CAR.replace("1.55", "nan")])
def test_a_line_of_another_form_costs_itself_and_is_counted_with_its_place(line: str) -> None:
    for lines, number in ((CAR, line), 2), ((line, CAR), 1):
        found = kitti(*lines)
        assert len(found.objects) == 1 and found.losses == {"INVALID_ROW": 1}
        [loss] = found.report.losses()
        assert loss.where.line == number and "columns or a non-numeric one" in loss.detail
        assert {one.title for one in found.labels.ontology.objects} == {"Car"}


def test_a_file_of_broken_lines_among_others_leaves_these_readable() -> None:
    files = {f"label_2/{number}.txt": (CAR if number else CAR[:30]).encode() for number in range(3)}
    assert detect(MemorySource(files)).name == "kitti"
    found = Read("kitti", files, size="400x200")
    assert [len(row._objects) for row in found.rows] == [0, 1, 1] and found.losses == {"INVALID_ROW": 1}


def test_files_that_are_all_broken_are_refused_with_file_and_line() -> None:
    with pytest.raises(ReadError, match=r"label_2/000007\.txt:1: has 7 columns or a non-numeric one"):
        kitti(CAR[:36])


def test_lines_of_yolo_and_of_dota_are_not_kitti() -> None:
    for line in ("0 " + " ".join(["0.5"] * 14), "1 2 3 4 5 6 7 8 plane 0", "P0: " + " ".join(["7.1"] * 12)):
        assert format_named("kitti").identify(MemorySource({"labels/1.txt": line.encode()})) is Match.NO


def test_images_of_a_sequence_without_a_label_file_are_said() -> None:
    pixels = png.encoded(np.zeros((8, 16), np.uint8))
    files: dict[str, str | bytes] = {f"a/image_02/{name}/00000{n}.png": pixels for name in ("0", "1") for n in range(3)}
    found = Read("kitti", files | {"a/label_02/0.txt": f"1 1 {CAR}\n"})
    [note] = [note for note in found.report.notes() if note.code == "FILE_NOT_READ"]
    assert note.count == 3 and "a/image_02/1" in note.detail
    assert [row.number_of_frames for row in found.rows] == [3]
