"""Values of the wrong kind at odd places of sources: said as an error of reading, or read and written so that it can
be read again."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from encord_convert import ReadError, convert, read
from encord_convert._samples import SAMPLES
from encord_convert.formats._registry import format_named
from encord_convert.testing import written


def laid(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(data)
    return folder / "in"


def track_of(width: object) -> bytes:
    return (
        "<annotations><version>1.1</version><meta><task><id>1</id><size>2</size><mode>interpolation</mode><labels><label>"
        "<name>car</name><attributes/></label></labels>"
        f"<original_size><width>{width}</width><height>100</height></original_size><source>clip.mp4</source></task></meta>"
        '<track id="0" label="car" source="manual"><box frame="0" keyframe="1" outside="0" occluded="0" '
        'xtl="10" ytl="10" xbr="30" ybr="30" z_order="0"/></track></annotations>'
    ).encode()


@pytest.mark.parametrize("width", [2**32, 10**400])
def test_a_video_that_no_screen_could_show_has_no_size(tmp_path: Path, width: int) -> None:
    source = laid(tmp_path, {"annotations.xml": track_of(width)})
    try:
        convert(source, tmp_path / "out", from_="cvat", to="coco")
    except ReadError as error:
        assert "size" in str(error)
    else:
        list(read(tmp_path / "out", "coco"))


def coco(**members: Any) -> dict[str, bytes]:
    category = {"id": 1, "name": "car", "supercategory": "car"}
    image = {"id": 1, "width": 40, "height": 30, "file_name": "a.jpg"}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
    document = {"images": [image], "annotations": [box], "categories": [category], **members}
    return {"annotations.json": json.dumps(document).encode()}


def test_a_list_in_the_place_of_the_information_of_a_file_is_not_read(tmp_path: Path) -> None:
    report = convert(laid(tmp_path, coco(info=[{"version": "1.0"}])), tmp_path / "out", from_="coco", to="coco")
    assert "BLOCK_NOT_READ" in {loss.code for loss in report.losses()}
    assert len(list(read(tmp_path / "out", "coco"))) == 1


@pytest.mark.parametrize("units", [[["series", 40, "30"]], [["series", 40, 40, 30]], "no list"])
def test_a_series_whose_size_is_damaged_has_that_of_its_first_image(tmp_path: Path, units: Any) -> None:
    identity = {"data_type": "dicom", "row_hash": "12098007-5446-80ee-8fa8-81d7400e052f"}
    row = {"title": "series", "frames": 2, "units": units}
    images = [
        {
            "id": 1,
            "width": 40,
            "height": 30,
            "file_name": "series/1.dcm",
            "encord": {**identity, "frame": 0, "row": row},
        },
        {"id": 2, "width": 80, "height": 60, "file_name": "series/2.dcm", "encord": {**identity, "frame": 1}},
    ]
    ring = {"segmentation": [[1, 2, 9, 2, 9, 9]], "category_id": 1, "bbox": [1, 2, 8, 7], "area": 28, "iscrowd": 0}
    annotations = [{**ring, "id": number, "image_id": number} for number in (1, 2)]
    source = laid(tmp_path, coco(images=images, annotations=annotations))
    for target in ("coco", "masks-instance"):
        convert(source, tmp_path / target, from_="coco", to=target)
        [again] = read(tmp_path / target, target)
        assert len(again.get_object_instances()) == 2


def test_a_colour_that_is_a_word_stays_one_in_panoptic_files(tmp_path: Path) -> None:
    files, _ = written(format_named("encord"), SAMPLES["bitmasks"]())
    name = next(name for name in files if "ontology" in name)
    ontology = json.loads(files[name])
    for one in ontology["objects"]:
        one["color"] = "reddish"
    convert(
        laid(tmp_path, {**files, name: json.dumps(ontology).encode()}),
        tmp_path / "out",
        from_="encord",
        to="coco-panoptic",
    )
    [file] = (tmp_path / "out").rglob("*.json")
    assert {one["color"] for one in json.loads(file.read_text())["categories"]} == {"reddish"}


@pytest.mark.parametrize(
    ("format_", "damage"),
    [("masks", "no coordinates"), ("encord", "no coordinates"), ("encord", "a number for run lengths")],
)
def test_a_mask_that_is_none_is_an_error_that_names_its_line(tmp_path: Path, format_: str, damage: str) -> None:
    files, _ = written(format_named(format_), SAMPLES["bitmasks"]())
    name = next(name for name in files if name.endswith(".jsonl"))
    row = json.loads(files[name].splitlines()[0])

    def damaged(value: Any) -> Any:
        if isinstance(value, list):
            return [damaged(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "bitmask" in value and damage == "no coordinates":
            return {key: one for key, one in value.items() if key != "bitmask"}
        return {key: 5.5 if key == "rleString" else damaged(one) for key, one in value.items()}

    source = laid(tmp_path, {**files, name: json.dumps(damaged(row)).encode()})
    with pytest.raises(ReadError, match=rf"{Path(name).name}:1: "):
        list(read(source, format_))


def test_a_title_of_bytes_that_are_no_text_is_an_error_of_reading(tmp_path: Path) -> None:
    files = {
        "annotations.json": b'[{"image": "a.jpg", "annotations": []}]',
        "sizes.csv": b"path,width,height,title,frames\na.jpg,4,4,\xff,\n",
    }
    with pytest.raises(ReadError, match="the title of an image is not UTF-8"):
        list(read(laid(tmp_path, files), "createml"))


def test_a_class_without_a_name_is_written_by_formats_that_change_names(tmp_path: Path) -> None:
    box = b'{"x": 2, "y": 2, "width": 2, "height": 2}'
    files = {
        "annotations.json": b'[{"image": "a.jpg", "annotations": [{"label": "", "coordinates": %b}]}]' % box,
        "sizes.csv": b"path,width,height,title,frames\na.jpg,4,4,,\n",
    }
    convert(laid(tmp_path, files), tmp_path / "out", from_="createml", to="voc")


def test_a_long_limit_takes_no_memory_of_a_short_file(tmp_path: Path) -> None:
    source = laid(tmp_path, {"annotations.json": b'[{"image": "a.jpg", "annotations": []}]'})
    tracemalloc.start()
    list(read(source, "createml", size="4x4"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.parametrize(
    "name", ["createml", "cvat", "encord", "kitti", "labelme", "mot", "openimages", "via", "voc", "yolo"]
)
def test_an_image_whose_size_nobody_knows_can_be_read_again(name: str, tmp_path: Path) -> None:
    file = {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png", "width": 60, "height": 40}],
        "annotations": [
            {"id": 1, "image_id": 2, "category_id": 1, "bbox": [10, 5, 20, 10], "area": 200, "iscrowd": 0},
        ],
        "categories": [{"id": 1, "name": "c"}],
    }
    (tmp_path / "in.json").write_text(json.dumps(file))
    convert(tmp_path / "in.json", tmp_path / "out", to=name)
    rows = list(read(tmp_path / "out", name))
    assert sum(len(row.get_object_instances()) for row in rows) == 1
