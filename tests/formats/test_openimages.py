"""Open Images: names, flags, order, damage, and what comes back."""

from pathlib import Path

import numpy as np
import pytest
from small_formats import FIXTURES, Read, cases, coco_agrees, comes_back, goes_through_the_hub, written

from encord_convert import ReadError
from encord_convert.formats import Match, MemorySource, _lines, format_named
from encord_convert.geometry import png

HEAD = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
CAR = "a,xclick,/m/0k4j,1,0.25,0.75,0.125,0.5,1,0,0,0,-1"


def openimages(*rows: str, head: str = HEAD, **files: str) -> Read:
    members = {"train-annotations-bbox.csv": "\n".join([head, *rows, ""]), **{f"{k}.csv": v for k, v in files.items()}}
    return Read("openimages", members, size="100x80")


def test_the_fixture_is_read_whole() -> None:
    found = Read("openimages", FIXTURES / "openimages" / "boxes", size="1024x768")
    assert (len(found.rows), found.count("box"), found.count("answer")) == (4, 8, 8) and not found.losses


@pytest.mark.parametrize("case", cases("openimages"), ids=lambda case: case.name)
def test_a_fixture_comes_back_from_its_own_format_from_coco_and_from_the_hub(case: Path, tmp_path: Path) -> None:
    comes_back("openimages", case, tmp_path / "own")
    goes_through_the_hub("openimages", case, tmp_path)
    coco_agrees("openimages", case, tmp_path / "coco")


def test_coordinates_are_shares_and_flags_answers_and_what_is_not_known_comes_back() -> None:
    found = openimages(CAR)
    [car] = found.objects
    c = car._frames[0].coordinates
    assert (c.top_left_x, c.top_left_y, c.width, c.height) == (0.25, 0.125, 0.5, 0.375)
    assert [one.title for one, _ in car._static_answers()] == ["IsOccluded"]
    files, report = written("openimages", found.labels)
    assert files["train-annotations-bbox.csv"].decode() == f"{HEAD}\n{CAR}\n" and report.is_lossless


def test_classes_have_the_names_of_their_descriptions_and_their_ids_come_back() -> None:
    names = 'LabelName,DisplayName\n/m/0k4j,Car\n/m/0284d,"Yo-yo, wooden"\n/m/2,Car\n'
    found = openimages(CAR, CAR.replace("/m/0k4j", "/m/2"), **{"class-descriptions": names})
    assert [one.object_name for one in found.objects] == ["Car", "/m/2"]
    files, _ = written("openimages", found.labels)
    assert "/m/0k4j" in files["train-annotations-bbox.csv"].decode()
    assert files["class-descriptions.csv"].decode() == names.replace("/m/2,Car\n", "")


def test_rows_of_an_image_that_are_apart_are_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (CAR, CAR.replace("a,", "b,", 1), CAR)
    found = openimages(*rows)
    assert [(row.data_title, len(row._objects)) for row in found.rows] == [("a.jpg", 2), ("b.jpg", 1)]
    monkeypatch.setattr(_lines, "MOST_HELD", 1)
    with pytest.raises(ReadError, match="Sort it by ImageID"):
        openimages(*rows)


@pytest.mark.parametrize("cells", ["0.75,0.25", "x,0.75", "nan,0.75", "0.25,"])
def test_a_damaged_row_costs_itself_and_is_counted(cells: str) -> None:
    found = openimages(CAR, CAR.replace("0.25,0.75", cells))
    assert len(found.objects) == 1 and found.losses == {"INVALID_BBOX": 1}


@pytest.mark.parametrize("row", [f"{CAR},1", "bad,xclick"])
def test_a_row_of_another_length_costs_itself_and_is_counted_with_its_place(row: str) -> None:
    found = openimages(row, CAR)
    assert len(found.objects) == 1 and found.losses == {"INVALID_ROW": 1}
    assert [loss.where.line for loss in found.report.losses()] == [2]
    with pytest.raises(ReadError, match=r"bbox\.csv:2: has \d+ cells"):
        openimages(row)


def test_sizes_are_those_that_cvat_says_and_an_image_without_boxes_is_a_row() -> None:
    members = {
        "annotations/train-annotations-bbox.csv": f"{HEAD}\n{CAR}\n",
        "annotations/images.meta": '"a" 80 100\n"b c" 30 40\n"d" 0 4\n',
    }
    found = Read("openimages", members)
    assert [(row.data_title, row.width, row.height, row.client_metadata) for row in found.rows] == [
        ("a.jpg", 100, 80, {"split": "train"}), ("b c.jpg", 40, 30, {"split": "train"}),
    ]  # fmt: skip


def test_an_image_that_is_missing_costs_itself_and_is_counted() -> None:
    image = png.encoded(np.zeros((80, 100), np.uint8))
    table = "\n".join([HEAD, "b" + CAR[1:], CAR, ""])
    found = Read("openimages", {"train-annotations-bbox.csv": table, "train/a.jpg": image})
    assert [row.data_title for row in found.rows] == ["a.jpg"] and found.losses == {"SIZE_UNKNOWN": 1}
    with pytest.raises(ReadError, match="-r size=WIDTHxHEIGHT"):
        Read("openimages", {"train-annotations-bbox.csv": table})


def test_tables_that_are_not_read_are_said() -> None:
    found = openimages(
        CAR, **{"train-annotations-human-imagelabels": "ImageID,Source,LabelName,Confidence\na,v,/m/1,1\n"}
    )
    assert "FILE_NOT_READ" in found.notes


def test_a_table_with_other_columns_is_not_open_images() -> None:
    source = MemorySource({"a.csv": b"ImageID,LabelName,XMin,XMax\na,b,0,1\n"})
    assert format_named("openimages").identify(source) is Match.NO
