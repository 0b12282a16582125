"""The frames of a series stand where they lie in the patient, whatever the files are called."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from dicom_files import ULTRASOUND_CINE, dataset, file_of, functional_groups, image

from encord_convert import Report, read
from encord_convert.formats._files import MemorySource
from encord_convert.sdk.objects import LabelRowV2

SERIES = Path(__file__).parents[2] / "fixtures" / "dicom" / "ct_series"


def rows_of(files: dict[str, bytes], report: Report | None = None, **options: Any) -> list[LabelRowV2]:
    return list(read(MemorySource(files), "dicom", report=report or Report(), **options))


def uris(files: dict[str, bytes], report: Report | None = None, **options: Any) -> list[str]:
    (row,) = rows_of(files, report, **options)
    return [view.metadata.file_uri for view in row.get_frame_views()]  # type: ignore[union-attr]


def notes(report: Report, *codes: str) -> list[str]:
    return [note.detail.partition(": ")[2] for note in report.notes() if note.code in codes]


@pytest.mark.proves("pixels: 1")
@pytest.mark.parametrize("seed", range(5))
def test_twelve_shuffled_files_stand_in_the_expected_order_whatever_their_names(seed: int) -> None:
    expected = json.loads((SERIES / "expected_order.json").read_text())
    names = [f"{index}" for index in range(len(expected))]
    random.Random(seed).shuffle(names)
    files = {name: (SERIES / one["file"]).read_bytes() for name, one in zip(names, expected, strict=True)}
    (row,) = rows_of(files)
    found = [view.metadata.dicom_instance_uid for view in row.get_frame_views()]  # type: ignore[union-attr]
    assert found == [one["sop_instance_uid"] for one in expected]


@pytest.mark.proves("pixels: 1")
@pytest.mark.parametrize("seed", range(5))
def test_twelve_files_stand_in_the_expected_order_whatever_the_order_they_come_in(seed: int) -> None:
    expected = json.loads((SERIES / "expected_order.json").read_text())
    files = [(one["file"], (SERIES / one["file"]).read_bytes()) for one in expected]
    random.Random(seed).shuffle(files)
    (row,) = rows_of(dict(files))
    found = [view.metadata for view in row.get_frame_views()]
    assert [one.file_uri for one in found] == [one["file"] for one in expected]  # type: ignore[union-attr]
    tags = [row._contents.frame_extras[frame]["metadata"]["tags"] for frame in range(len(expected))]
    assert [one["00200032"]["Value"][2] for one in tags] == [one["position_along_normal"] for one in expected]


@pytest.mark.proves("pixels: 2")
def test_a_tilted_coronal_stack_stands_along_its_normal_though_instance_numbers_are_equal() -> None:
    # Rows run along x, columns along (0, 0.6, -0.8): the normal is (0, 0.8, 0.6), and z alone would reverse the stack.
    tilted = [1, 0, 0, 0, 0.6, -0.8]
    places = {"a": (0, 8, -3), "b": (0, 0, 0), "c": (0, 16, -6)}
    files = {
        name: image(index + 10, place, tilted, InstanceNumber=1) for index, (name, place) in enumerate(places.items())
    }
    assert uris(files) == ["b", "a", "c"]


@pytest.mark.proves("pixels: 3")
def test_a_missing_slice_is_reported_and_not_invented() -> None:
    report = Report()
    files = {str(z): image(10 + z, (0, 0, 2 * z)) for z in (0, 1, 2, 5, 6)}
    assert uris(files, report) == ["0", "1", "2", "5", "6"]
    assert notes(report, "MISSING_SLICES") == ["2 slices are missing between 4 and 10 mm; slices are 2 mm apart."]


def test_an_irregular_gap_is_reported() -> None:
    report = Report()
    uris({str(z): image(10 + z, (0, 0, z if z < 3 else z + 0.4)) for z in range(5)}, report)
    assert notes(report, "IRREGULAR_SPACING") == ["The gap is 1.4 mm between 2 and 3.4 mm; slices are 1 mm apart."]


@pytest.mark.proves("pixels: 4")
@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("TemporalPositionIdentifier", (1, 2)),
        ("TriggerTime", (10.5, 90)),
        ("EchoTime", (9, 80)),
        ("AcquisitionNumber", (3, 4)),
    ],
)
def test_two_stacks_at_equal_positions_stand_one_after_the_other_and_the_key_is_named(
    keyword: str, values: tuple[float, float]
) -> None:
    report = Report()
    files = {
        f"{time}{z}": image(f"1{time}{z}", (0, 0, 5 * z), InstanceNumber=1, **{keyword: value})
        for time, value in enumerate(values)
        for z in range(3)
    }
    assert uris(files, report) == ["00", "01", "02", "10", "11", "12"]
    assert notes(report, "ORDERED_BY") == [
        f"2 slices are at each of 3 positions, ordered stack by stack, by {keyword}."
    ]


def test_instance_numbers_tell_stacks_apart_where_nothing_else_does() -> None:
    report = Report()
    files = {
        f"{time}{z}": image(f"1{time}{z}", (0, 0, 5 * z), InstanceNumber=2 * z + time + 1)
        for time in range(2)
        for z in range(3)
    }
    assert uris(files, report) == ["00", "01", "02", "10", "11", "12"]
    assert notes(report, "ORDERED_BY") == [
        "2 slices are at each of 3 positions, ordered stack by stack, by InstanceNumber."
    ]


def test_slices_at_one_place_that_nothing_tells_apart_stand_by_uid_with_a_warning() -> None:
    report = Report()
    files = {name: image(uid, (0, 0, 0)) for name, uid in (("a", 12), ("b", 11))}
    assert uris(files, report) == ["b", "a"]
    sentence = "2 slices are at 1 positions, and nothing separates those at one position."
    assert notes(report, "AMBIGUOUS_ORDER") == [sentence]


@pytest.mark.proves("pixels: 5")
def test_without_geometry_instance_numbers_decide() -> None:
    files = {
        "a": image(11, InstanceNumber=10),
        "b": image(12, InstanceNumber=9),
        "c": image(13, InstanceNumber=1),
    }
    report = Report()
    assert uris(files, report) == ["c", "b", "a"]
    assert not notes(report, "ORDERED_BY", "ORDERED_BY_TIME", "ORDERED_BY_NAME")


def test_without_geometry_and_numbers_time_decides_and_says_so() -> None:
    report = Report()
    files = {"a": image(11, ContentTime="120001.5"), "b": image(12, ContentTime="120001.25")}
    assert uris(files, report) == ["b", "a"]
    assert len(notes(report, "ORDERED_BY_TIME")) == 1


@pytest.mark.proves("pixels: 5")
def test_without_anything_the_natural_order_of_names_decides_with_a_warning() -> None:
    report = Report()
    assert uris({"IM10": image(11), "IM9": image(12), "IM1": image(13)}, report) == ["IM1", "IM9", "IM10"]
    assert notes(report, "ORDERED_BY_NAME") == [
        "Slices are ordered by file name: they have no usable position, InstanceNumber or time."
    ]


@pytest.mark.parametrize("orientation", [[0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0]])
def test_a_direction_that_is_none_counts_as_no_geometry(orientation: list[int]) -> None:
    files = {name: image(10 + n, (0, 0, -n), orientation, InstanceNumber=n) for n, name in enumerate("ab", 1)}
    assert uris(files) == ["a", "b"]


def test_a_localiser_stands_after_the_stack_with_a_warning() -> None:
    report = Report()
    files = {str(z): image(10 + z, (0, 0, 3 * z)) for z in range(3)}
    files["0-scout"] = image(20, (0, 0, -50), [1, 0, 0, 0, 0, -1])
    assert uris(files, report) == ["0", "1", "2", "0-scout"]
    assert notes(report, "OUTSIDE_STACK") == ["1 slices of another direction, or of none, follow the 3 of the stack."]


def test_slices_that_go_around_stand_by_their_numbers() -> None:
    report = Report()
    angles = [math.radians(5 * index) for index in range(40)]
    files = {
        str(index): image(10 + index, (0, 0, 0), [math.cos(a), math.sin(a), 0, 0, 0, -1], InstanceNumber=99 - index)
        for index, a in enumerate(angles)
    }
    assert uris(files, report) == [str(index) for index in reversed(range(40))]
    assert notes(report, "NO_STACK") == [
        "Slices of more than 32 directions are not one stack; their positions do not order them."
    ]


def test_the_order_can_be_that_of_instance_numbers_or_that_of_the_files() -> None:
    files = {str(z): image(10 + z, (0, 0, 5 * (z * 2 % 5)), InstanceNumber=9 - z) for z in range(4)}
    assert uris(files) == ["0", "3", "1", "2"]
    assert uris(files, order="instance") == ["3", "2", "1", "0"]
    assert uris(files, order="given") == ["0", "1", "2", "3"]


@pytest.mark.proves("pixels: 6")
def test_shuffled_frames_of_an_enhanced_file_are_sorted_and_keep_their_stored_number_and_window() -> None:
    made = functional_groups([20, 0, 10], [(40, 400), (-600, 1500), (300, 1200)])
    (row,) = rows_of({"a.dcm": file_of(made)})
    slices = [view.metadata for view in row.get_frame_views()]
    assert [one.multiframe_frame_number for one in slices] == [2, 3, 1]  # type: ignore[union-attr]
    tags = [row._contents.frame_extras[frame]["metadata"]["tags"] for frame in range(3)]
    assert [one["00281050"]["Value"] for one in tags] == [[-600], [300], [40]]
    assert [one["00281051"]["Value"] for one in tags] == [[1500], [1200], [400]]
    assert [one["00200032"]["Value"] for one in tags] == [[0, 0, 0], [0, 0, 10], [0, 0, 20]]
    assert tags[0]["00280030"] == {"vr": "DS", "Value": [0.5, 0.25]}


def test_an_enhanced_file_of_two_times_stands_time_by_time() -> None:
    made = functional_groups([0, 0, 5, 5], [(40, 400)] * 4, TemporalPositionIndex=[2, 1, 1, 2])
    report = Report()
    (row,) = rows_of({"a.dcm": file_of(made)}, report)
    numbers = [view.metadata.multiframe_frame_number for view in row.get_frame_views()]  # type: ignore[union-attr]
    assert numbers == [2, 3, 1, 4]
    assert "by TemporalPositionIdentifier" in notes(report, "ORDERED_BY")[0]


@pytest.mark.proves("pixels: 7")
def test_an_ultrasound_cine_of_six_frames_keeps_the_stored_order() -> None:
    made = dataset("9", SOPClassUID=ULTRASOUND_CINE, Modality="US", NumberOfFrames=6, InstanceNumber=1)
    (row,) = rows_of({"cine.dcm": file_of(made)})
    assert row.number_of_frames == 6
    numbers = [view.metadata.multiframe_frame_number for view in row.get_frame_views()]  # type: ignore[union-attr]
    assert numbers == [1, 2, 3, 4, 5, 6]
