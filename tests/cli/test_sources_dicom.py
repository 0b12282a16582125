"""Kinds of DICOM files met in public: orders of views, planes of a dose, an index, what has no image or no UID."""

import csv
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from test_sources import CASES, call, notes_of, report_of

DICOM = CASES / "dicom"


def table_of(source: Path, folder: Path) -> list[Mapping[str, str]]:
    """Convert to a table and return its lines."""
    assert call("convert", source, folder / "table", "--to", "dicom-table") == 0
    with (folder / "table/dicom.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def views(folder: Path, planes: list[list[float]], numbers: list[int]) -> Path:
    """Write a slice for each orientation, all at one place, with these instance numbers."""
    folder.mkdir()
    for index, (plane, number) in enumerate(zip(planes, numbers, strict=True)):
        made = dcmread(DICOM / "rotating_24/im000.dcm")
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"2.25.{100 + index}"
        made.ImageOrientationPatient, made.InstanceNumber = plane, number
        made.ImagePositionPatient = [0, 0, 3 * index]
        made.save_as(folder / f"{index}.dcm")
    return folder


AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]


def test_views_that_go_around_something_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    assert [line["instance_number"] for line in table_of(DICOM / "rotating_24", tmp_path)] == list(
        map(str, range(1, 25))
    )
    notes = notes_of(report_of(DICOM / "rotating_24", tmp_path, to="dicom"))
    assert "24 directions" in notes["NO_STACK"]["detail"]


def test_localizers_in_three_planes_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    planes, numbers = [AXIAL, AXIAL, CORONAL, CORONAL, SAGITTAL, SAGITTAL], [6, 5, 2, 1, 3, 4]
    lines = table_of(views(tmp_path / "in", planes, numbers), tmp_path)
    assert [line["instance_number"] for line in lines] == ["1", "2", "3", "4", "5", "6"]


def test_a_stack_stands_by_position_and_localizers_in_it_behind_by_their_numbers(tmp_path: Path) -> None:
    planes, numbers = [AXIAL] * 5 + [SAGITTAL, CORONAL], [9, 8, 7, 6, 5, 2, 1]
    lines = table_of(views(tmp_path / "in", planes, numbers), tmp_path)
    assert [line["instance_number"] for line in lines] == ["9", "8", "7", "6", "5", "1", "2"]


def test_planes_of_a_dose_lie_where_its_offsets_say(tmp_path: Path) -> None:
    lines = table_of(DICOM / "rtdose_4_planes.dcm", tmp_path)
    assert [(line["multiframe_frame_number"], line["position_z_mm"]) for line in lines] == [
        ("1", "0"), ("2", "3"), ("3", "6"), ("4", "9"),
    ]  # fmt: skip
    assert {line["gap_mm"] for line in lines} == {"", "3"}
    assert notes_of(report_of(DICOM / "rtdose_4_planes.dcm", tmp_path, to="dicom")).keys() <= {
        "ELEMENT_NOT_KEPT", "MODALITY",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("offsets", "orientation", "first", "heights"),
    [
        ([0, -2, -4, -6], AXIAL, 5, [-1, 1, 3, 5]),
        ([-12, -10, -8, -6], AXIAL, -12, [-12, -10, -8, -6]),
        ([0, 2, 4, 6], [1, 0, 0, 0, -1, 0], 10, [10, 8, 6, 4]),
    ],
)
def test_offsets_go_along_the_normal_or_are_heights(
    offsets: list[int], orientation: list[int], first: int, heights: list[int], tmp_path: Path
) -> None:
    made = dcmread(DICOM / "rtdose_4_planes.dcm")
    made.GridFrameOffsetVector, made.ImageOrientationPatient = offsets, orientation
    made.ImagePositionPatient = [0, 0, first]
    made.save_as(tmp_path / "dose.dcm")
    assert [float(line["position_z_mm"]) for line in table_of(tmp_path / "dose.dcm", tmp_path)] == heights


def test_a_wrong_number_of_offsets_is_said(tmp_path: Path) -> None:
    made = dcmread(DICOM / "rtdose_4_planes.dcm")
    made.GridFrameOffsetVector = [0, 3]
    made.save_as(tmp_path / "dose.dcm")
    notes = notes_of(report_of(tmp_path / "dose.dcm", tmp_path, to="dicom"))
    assert "2 values for 4 frames" in notes["BAD_VALUE"]["detail"]


def test_an_index_of_files_is_no_loss(tmp_path: Path) -> None:
    assert call("convert", DICOM / "cd_with_dicomdir", tmp_path / "out", "--to", "dicom", "--strict") == 0
    report = report_of(DICOM / "cd_with_dicomdir", tmp_path, to="dicom")
    assert report["losses"] == []
    assert "DICOMDIR" in notes_of(report)["NOT_DICOM"]["detail"]


@pytest.mark.parametrize("class_uid", [None, "1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.104.1", "1.3.9.9"])
def test_a_whole_file_without_an_image_is_not_cut_short(
    class_uid: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = dcmread(DICOM / "wsi_annotations.dcm")
    if class_uid is not None:
        made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = class_uid
    made.save_as(tmp_path / "a.dcm")
    assert call("convert", tmp_path / "a.dcm", tmp_path / "out", "--to", "dicom") == 4
    shown = capsys.readouterr().err
    assert "carries no image" in shown
    assert "cut short" not in shown
    shutil.copytree(DICOM / "rotating_24", tmp_path / "in")
    shutil.copy(tmp_path / "a.dcm", tmp_path / "in")
    report = report_of(tmp_path / "in", tmp_path, to="dicom")
    assert [(loss["code"], loss["count"]) for loss in report["losses"]] == [("NO_PICTURE", 1)]


def test_an_image_without_the_uid_of_its_series_is_read_with_a_note(tmp_path: Path) -> None:
    (line,) = table_of(DICOM / "no_series_uid.dcm", tmp_path)
    assert (line["series"], line["series_uid"], line["width"]) == ("no_series_uid.dcm", "", "20")
    report = report_of(DICOM / "no_series_uid.dcm", tmp_path, to="dicom")
    assert report["losses"] == []
    assert "no SeriesInstanceUID" in notes_of(report)["NO_UID"]["detail"]
    assert table_of(tmp_path / "out", tmp_path) == [line]


def test_a_meta_group_without_value_representations_and_preamble_is_read(tmp_path: Path) -> None:
    (line,) = table_of(DICOM / "implicit_meta_no_preamble.dcm", tmp_path)
    assert (line["series_uid"], line["width"], line["height"]) == ("1.2.3.4", "6", "4")


def test_volumes_beside_a_series_are_named_on_the_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(DICOM / "rotating_24", tmp_path / "in")
    names = ["liver.nii.gz", "liver.nii", "liver.nrrd", "sub/liver.seg.nrrd", "liver.mha", "liver.mgz"]
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"\x5c\x01\0\0volume")
    assert call("convert", tmp_path / "in", tmp_path / "out", "--to", "dicom", "--strict") == 0
    shown = capsys.readouterr().err
    assert all(name in shown for name in names)


def test_elements_of_headers_that_are_not_kept_are_named(tmp_path: Path) -> None:
    report = report_of(DICOM / "rtdose_4_planes.dcm", tmp_path, to="dicom")
    said = " ".join(note["detail"] for note in report["notes"] if note["code"] == "ELEMENT_NOT_KEPT")
    told = dcmread(DICOM / "rtdose_4_planes.dcm")
    kept = {
        "SOPInstanceUID", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns", "Modality",
        "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames", "PhotometricInterpretation",
    }  # fmt: skip
    missing = [element for element in told if element.keyword not in kept]
    assert all(f"({element.tag.group:04X},{element.tag.element:04X})" in said for element in missing)
    assert "Test^Made" not in json.dumps(report)


# -- DICOM JSON -------------------------------------------------------------------------------------------------------


def written_again(folder: Path, change: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Write DICOM JSON, change it, convert it to itself; return both arrays of series, and the report."""
    assert call("convert", DICOM / "rtdose_4_planes.dcm", folder / "json", "--to", "dicom") == 0
    for name in ("series.json", "instances.json"):
        members = json.loads((folder / "json" / name).read_text())
        change(name, members)
        (folder / "json" / name).write_text(json.dumps(members))
    report = report_of(folder / "json", folder, to="dicom")
    given, again = ([json.loads((folder / one / name).read_text()) for name in ("series.json", "instances.json")]
                    for one in ("json", "out"))  # fmt: skip
    return given, again, report


def test_elements_added_to_dicom_json_come_back(tmp_path: Path) -> None:
    def change(name: str, members: list[dict[str, Any]]) -> None:
        members[0]["00081030"] = {"vr": "LO", "Value": ["a study"]}
        members[0]["00400275"] = {"vr": "SQ", "Value": [{"00400007": {"vr": "LO"}}]}

    given, again, report = written_again(tmp_path, change)
    assert given == again
    assert report["losses"] == []


def test_what_dicom_json_says_of_a_series_is_counted_where_it_has_no_place(tmp_path: Path) -> None:
    def change(name: str, members: list[dict[str, Any]]) -> None:
        members[0]["00081030"] = {"vr": "LO", "Value": ["a study"]}

    written_again(tmp_path, change)
    losses = report_of(tmp_path / "json", tmp_path, to="encord")["losses"]
    assert [(loss["code"], loss["label"]) for loss in losses] == [("NATIVE_DROPPED", "image.00081030")]


@pytest.mark.parametrize("change", ["vr", "key"])
def test_an_element_that_is_spelt_otherwise_is_said(change: str, tmp_path: Path) -> None:
    def spell(name: str, members: list[dict[str, Any]]) -> None:
        members[0]["00280010"] |= {"vr": "UL"} if change == "vr" else {"note": "sixteen"}

    _, _, report = written_again(tmp_path, spell)
    assert "(0028,0010)" in notes_of(report)["ELEMENT_CHANGED"]["detail"]
    assert notes_of(report)["ELEMENT_CHANGED"]["count"] == 2


def test_files_beside_dicom_json_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written_again(tmp_path, lambda name, members: None)
    shutil.copy(DICOM / "no_series_uid.dcm", tmp_path / "json")
    capsys.readouterr()
    assert call("convert", tmp_path / "json", tmp_path / "more", "--to", "dicom") == 0
    assert "no_series_uid.dcm" in capsys.readouterr().err
