"""What panoptic files hold, read by a decoder that knows the format alone."""

import io
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from encord_convert._samples import HEIGHT, SAMPLES, WIDTH, Sample, box, mask_of, ring
from encord_convert.errors import OptionError, WriteError
from encord_convert.formats import format_named
from encord_convert.formats._api import parse_options
from encord_convert.formats._files import MemoryTarget
from encord_convert.geometry.rle import pixel_limit
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import PolygonCoordinates


def written(labels: LabelSet, **options: Any) -> tuple[dict[str, bytes], Report]:
    exporter = format_named("coco-panoptic").exporter
    assert exporter is not None
    report, target = Report(), MemoryTarget()
    with target:
        exporter.write(labels, target, parse_options(exporter.options, options, format_name="coco-panoptic"), report)
    return target.files, report


def ids_of(data: bytes) -> NDArray[np.int64]:
    """Decode a PNG by the rules of the format: 8-bit RGB, id = R + 256 G + 65536 B."""
    assert data[24:26] == b"\x08\x02"  # bit depth 8, colour type 2: RGB, no palette, no alpha
    red, green, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(data)), np.int64), 2, 0)
    return np.asarray(red + 256 * green + 65536 * blue)


def checked(files: dict[str, bytes]) -> dict[str, Any]:
    """Return the JSON, after what panopticapi demands of it was checked against every PNG."""
    file: dict[str, Any] = json.loads(files["panoptic.json"])
    images = {image["id"]: image for image in file["images"]}
    categories = {category["id"]: category for category in file["categories"]}
    assert [one["image_id"] for one in file["annotations"]] == list(images)
    assert set(files) == {"panoptic.json", *(f"panoptic/{one['file_name']}" for one in file["annotations"])}
    for annotation in file["annotations"]:
        ids = ids_of(files[f"panoptic/{annotation['file_name']}"])
        image = images[annotation["image_id"]]
        assert ids.shape == (image["height"], image["width"])
        assert set(np.unique(ids)) - {0} == {one["id"] for one in annotation["segments_info"]}
        for segment in annotation["segments_info"]:
            rows, columns = np.nonzero(ids == segment["id"])
            assert segment["area"] == len(rows) > 0
            x, y = columns.min(), rows.min()
            assert segment["bbox"] == [x, y, columns.max() - x + 1, rows.max() - y + 1]
            assert categories[segment["category_id"]]["isthing"] in (0, 1)
    return file


@pytest.mark.proves("coco written: stuff, panoptic")
@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_png_and_json_agree_on_every_pixel(sample: str) -> None:
    checked(written(SAMPLES[sample]())[0])


def overlapping() -> LabelSet:
    s = Sample(title="cam/1.jpg")
    grass = s.draft.add_object("grass", Shape.POLYGON, color="#102030")
    cow = s.draft.add_object("cow", Shape.BITMASK)
    s.place(cow, mask_of("11", "11"))
    s.place(grass, PolygonCoordinates(ring((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))))
    s.place(cow, mask_of("0000", "0011", "0011"))
    return s.done()


@pytest.mark.proves("coco written: stuff, panoptic")
def test_what_comes_later_hides_what_came_before_and_is_counted() -> None:
    files, report = written(overlapping())
    file = checked(files)
    [annotation] = file["annotations"]
    assert annotation == {
        "image_id": 1,
        "file_name": "cam/1.png",
        "segments_info": [
            {"id": 2, "category_id": 1, "area": 20 * 15 - 4, "bbox": [0, 0, 20, 15], "iscrowd": 0},
            {"id": 3, "category_id": 2, "area": 4, "bbox": [7, 4, 2, 2], "iscrowd": 0},
        ],
    }
    losses = {(str(loss.kind), loss.code, loss.label): loss for loss in report.losses()}
    assert losses["dropped", "HIDDEN_PIXELS", "cow"].detail == "Other annotations cover all its 4 pixels."
    grass = losses["approximated", "HIDDEN_PIXELS", "grass"]
    assert grass.detail == "Other annotations cover 4 of its 300 pixels."
    assert report.counts()["bitmask"] == {"in": 2, "kept": 1, "changed": 0, "dropped": 1}


def test_a_mask_keeps_its_pixels() -> None:
    files, report = written(SAMPLES["bitmasks"]())
    expected = np.zeros((HEIGHT, WIDTH), bool)
    for y, row in enumerate(("0110", "0101", "0111")):
        expected[y + 3, 5:9] = [c == "1" for c in row]
    assert (ids_of(files["panoptic/cam/1.png"]) == expected).all()
    assert report.is_lossless


def test_ids_beyond_a_byte_go_into_green() -> None:
    s = Sample()
    dot = s.draft.add_object("dot", Shape.BITMASK)
    for index in range(300):
        pixels = np.zeros((HEIGHT, WIDTH), bool)
        pixels[index // WIDTH, index % WIDTH] = True
        s.place(dot, BitmaskCoordinates(pixels))
    files, _ = written(s.done())
    checked(files)
    pixels = np.asarray(Image.open(io.BytesIO(files["panoptic/cam/1.png"])))
    assert pixels[299 // WIDTH, 299 % WIDTH].tolist() == [300 - 256, 1, 0]


@pytest.mark.proves("coco written: stuff, panoptic")
def test_categories_say_thing_or_stuff_and_have_colours_as_numbers() -> None:
    file = checked(written(overlapping(), stuff="grass")[0])
    assert file["categories"][0] == {
        "id": 1,
        "name": "grass",
        "supercategory": "grass",
        "color": [16, 32, 48],
        "isthing": 0,
    }
    assert file["categories"][1]["isthing"] == 1


def test_stuff_that_is_no_class_is_refused() -> None:
    with pytest.raises(OptionError) as caught:
        written(overlapping(), stuff="sky, grass")
    assert str(caught.value) == "coco-panoptic: stuff names 'sky', which is no class here; there are: 'grass', 'cow'."


def test_stuff_that_is_there_twice_stays_two_and_gets_a_note() -> None:
    s = Sample()
    grass = s.draft.add_object("grass", Shape.BITMASK)
    s.place(grass, mask_of("10"))
    s.place(grass, mask_of("01"))
    files, report = written(s.done(), stuff="grass")
    assert [one["area"] for one in checked(files)["annotations"][0]["segments_info"]] == [1, 1]
    assert [note.code for note in report.notes()] == ["STUFF_TWICE"]


def test_a_hole_is_void() -> None:
    files, report = written(SAMPLES["polygon_with_hole"]())
    [segment] = checked(files)["annotations"][0]["segments_info"]
    assert segment["area"] == 24 * 32 - 6 * 8
    assert ids_of(files["panoptic/cam/1.png"])[15, 20] == 0
    assert sorted(loss.code for loss in report.losses()) == ["HOLES_AS_MASK", "POLYGON_AS_MASK"]


def test_boxes_have_no_place() -> None:
    files, report = written(SAMPLES["boxes"]())
    assert checked(files)["annotations"] == [{"image_id": 1, "file_name": "cam/1.png", "segments_info": []}]
    assert not ids_of(files["panoptic/cam/1.png"]).any()
    assert ("UNSUPPORTED_SHAPE", 2) in [(loss.code, loss.count) for loss in report.losses()]


def test_frames_of_a_video_are_images_of_their_own() -> None:
    s = Sample(DataType.VIDEO, frames=9, title="road.mp4")
    s.place(s.draft.add_object("spill", Shape.BITMASK), mask_of("11"), [2, 7])
    files, report = written(s.done())
    assert [image["file_name"] for image in checked(files)["images"]] == ["road/000002.jpg", "road/000007.jpg"]
    assert sorted((loss.code, loss.count) for loss in report.losses()) == [("MEDIA_CHANGED", 1), ("TRACKS_DROPPED", 1)]


def test_names_that_lead_elsewhere_become_numbers() -> None:
    for title in ("../../evil.jpg", "/etc/evil.jpg", "C:\\evil.jpg", "aux.jpg"):
        files, _ = written(Sample(title=title).done())
        assert sorted(files) == ["panoptic.json", "panoptic/000000000001.png"]


def test_images_that_differ_by_their_suffix_have_a_png_each() -> None:
    s = Sample(title="a.jpg")
    s.add_row(DataType.IMAGE, 1, "a.png")
    files, _ = written(s.done())
    assert [one["file_name"] for one in checked(files)["annotations"]] == ["a.png", "a (2).png"]


def test_a_image_without_size_is_listed_and_not_painted() -> None:
    s = Sample()
    unit = s.draft.unit("b.png", 0, 0, ("b",))
    s.rows = [s.draft.row(DataType.IMAGE, "b.png", [unit], frames=1, key=("b",))]
    s.place(s.draft.add_object("spill", Shape.BITMASK), mask_of("1"))
    files, report = written(s.done())
    assert list(files) == ["panoptic.json"]
    file = json.loads(files["panoptic.json"])
    assert (len(file["images"]), file["annotations"]) == (1, [])
    assert [(loss.code, loss.count) for loss in report.losses()] == [("EMPTY_MASK", 1)]


def test_a_image_too_large_to_paint_is_refused() -> None:
    with pixel_limit(100), pytest.raises(WriteError, match="40 × 30 pixels is larger than the 100"):
        written(SAMPLES["polygons"]())


def test_a_box_beside_a_mask_hides_nothing() -> None:
    s = Sample()
    s.place(s.draft.add_object("spill", Shape.BITMASK), mask_of("11"))
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box(0, 0, 1, 1))
    files, _ = written(s.done())
    assert [one["area"] for one in checked(files)["annotations"][0]["segments_info"]] == [2]
