"""What a YouTube-VIS file holds: videos, and one annotation for each object."""

import json
from typing import Any

import pytest
from pycocotools import mask as coco_masks

from encord_convert._samples import SAMPLES, Sample, box, mask_of, ring
from encord_convert.errors import WriteError
from encord_convert.formats import format_named
from encord_convert.formats._api import parse_options
from encord_convert.formats._files import MemoryTarget
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import PolygonCoordinates


def written(labels: LabelSet, **options: Any) -> tuple[dict[str, Any], Report]:
    exporter = format_named("coco-ytvis").exporter
    assert exporter is not None
    report, target = Report(), MemoryTarget()
    with target:
        exporter.write(labels, target, parse_options(exporter.options, options, format_name="coco-ytvis"), report)
    assert list(target.files) == ["annotations.json"]
    return json.loads(target.files["annotations.json"]), report


def video() -> LabelSet:
    s = Sample(DataType.VIDEO, frames=6, title="clips/road.mp4")
    leaf = s.draft.add_object("leaf", Shape.POLYGON, color="#102030")
    spill = s.draft.add_object("spill", Shape.BITMASK)
    s.place(leaf, PolygonCoordinates(ring((0.1, 0.1), (0.5, 0.1), (0.5, 0.5))), [0, 4])
    s.place(spill, mask_of("11", "11"), 2)
    return s.done()


def test_a_video_lists_its_labelled_frames() -> None:
    file, _ = written(video())
    assert list(file) == ["info", "licenses", "videos", "annotations", "categories"]
    assert file["videos"] == [
        {
            "id": 1,
            "width": 40,
            "height": 30,
            "length": 3,
            "file_names": ["clips/road/000000.jpg", "clips/road/000002.jpg", "clips/road/000004.jpg"],
            "name": "clips/road.mp4",
            "frame_ids": [0, 2, 4],
            "frame_count": 6,
        }
    ]


def test_all_frames_are_listed_on_request() -> None:
    file, _ = written(video(), frames="all")
    assert file["videos"][0]["length"] == 6
    assert [len(one["bboxes"]) for one in file["annotations"]] == [6, 6]
    assert [place for place, one in enumerate(file["annotations"][0]["bboxes"]) if one] == [0, 4]


def test_an_object_is_one_annotation_with_null_where_it_is_not() -> None:
    file, _ = written(video())
    corners = [[4.0, 3.0, 20.0, 3.0, 20.0, 15.0]]
    assert file["annotations"][0] == {
        "id": 1,
        "video_id": 1,
        "category_id": 1,
        "iscrowd": 0,
        "segmentations": [corners, None, corners],
        "bboxes": [[4.0, 3.0, 16.0, 12.0], None, [4.0, 3.0, 16.0, 12.0]],
        "areas": [96.0, None, 96.0],
    }
    mask = file["annotations"][1]
    assert (mask["id"], mask["bboxes"], mask["areas"]) == (2, [None, [5, 3, 2, 2], None], [None, 4, None])
    assert coco_masks.decode(mask["segmentations"][1])[3:5, 5:7].tolist() == [[1, 1], [1, 1]]


def test_categories_are_those_of_coco() -> None:
    file, _ = written(video())
    assert file["categories"][0] == {"id": 1, "name": "leaf", "supercategory": "leaf", "color": "#102030"}


def test_boxes_have_no_segmentation_unless_asked_for() -> None:
    file, report = written(SAMPLES["tracks"]())
    assert [one["segmentations"] for one in file["annotations"]] == [[[], [], [], []], [None, None, [], None]]
    file, _ = written(SAMPLES["tracks"](), box_polygons=True)
    assert file["annotations"][1]["segmentations"][2] == [[20.0, 6.0, 30.0, 6.0, 30.0, 21.0, 20.0, 21.0]]
    assert [(loss.code, loss.count) for loss in report.losses()] == [("DYNAMIC_ANSWERS_DROPPED", 2)]


def test_a_group_and_a_series_are_videos_of_their_images() -> None:
    file, report = written(SAMPLES["image_group"]())
    assert file["videos"][0]["file_names"] == ["group/group/0.png", "group/group/2.png"]
    assert [(loss.code, loss.type, loss.count) for loss in report.losses()] == [("MEDIA_CHANGED", "row", 1)]
    assert written(SAMPLES["dicom_series"]())[0]["videos"][0]["file_names"] == [
        "series/000000.dcm", "series/000001.dcm",
    ]  # fmt: skip


def test_images_and_videos_without_labels_are_listed_with_a_image_each() -> None:
    s = Sample(DataType.VIDEO, frames=4, title="empty.mp4")
    s.add_row(DataType.IMAGE, 1, "cam/1.png")
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    file, _ = written(s.done())
    assert [(one["id"], one["file_names"]) for one in file["videos"]] == [
        (1, ["empty/000000.jpg"]),
        (2, ["cam/1.png"]),
    ]
    assert [(one["id"], one["video_id"]) for one in file["annotations"]] == [(1, 2)]


def test_a_rotated_box_keeps_its_outline_and_says_so() -> None:
    file, report = written(SAMPLES["rotated_boxes"]())
    ring_ = file["annotations"][0]["segmentations"][0][0]
    left, top, _, height = file["annotations"][0]["bboxes"][0]
    assert min(ring_[0::2]) == pytest.approx(left)
    assert max(ring_[1::2]) == pytest.approx(top + height)
    assert len(ring_) == 8
    assert ("ROTATION_DROPPED", 2) in [(loss.code, loss.count) for loss in report.losses()]


def test_points_and_skeletons_have_no_place() -> None:
    for sample, type_ in (("points", "point"), ("skeletons", "skeleton"), ("polylines_beside_boxes", "polyline")):
        file, report = written(SAMPLES[sample]())
        dropped = [loss for loss in report.losses() if loss.type == type_]
        assert [(str(loss.kind), loss.count) for loss in dropped] == [("dropped", 1)]
        assert len(file["annotations"]) == (sample == "polylines_beside_boxes")


def test_a_row_that_claims_endless_frames_is_refused() -> None:
    labels = Sample(DataType.VIDEO, frames=10**9, title="long.mp4").done()
    with pytest.raises(WriteError, match="at most 10000000 of a row can be listed"):
        written(labels, frames="all")
