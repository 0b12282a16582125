"""Videos in COCO files: YouTube-VIS, CocoVID, TAO and frames by name become one row, and a track one object."""

from typing import Any

import pytest
from coco_files import CATEGORY, IMAGE, Read, document, note

from encord_convert.sdk.constants.enums import DataType


def frames(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {**IMAGE, "id": n + 1, "file_name": f"v/{n}.jpg", "video_id": 1, "frame_id": n, **more} for n in range(count)
    ]


VIDEO = {"id": 1, "name": "road.mp4"}


def on(image: int, **members: Any) -> dict[str, Any]:
    return note(id=image, image_id=image, **members)


def youtube(**annotation: Any) -> Read:
    video = {**VIDEO, "width": 200, "height": 100, "length": 3, "file_names": ["v/0.jpg", "v/1.jpg", "v/2.jpg"]}
    entry = {"id": 1, "video_id": 1, "category_id": 1, "iscrowd": 0, **annotation}
    return Read({"videos": [video], "annotations": [entry], "categories": [CATEGORY]})


@pytest.mark.proves("labels: 37", "coco read: YouTube-VIS")
def test_nulls_of_youtube_vis_are_frames_without_the_object() -> None:
    ring = [[10, 10, 50, 10, 50, 50]]
    found = youtube(segmentations=[ring, None, ring], bboxes=[[10, 10, 40, 40], None, [10, 10, 40, 40]])
    [instance] = found.objects
    assert sorted(instance._frames) == [0, 2]
    assert found.classes == [("car", "polygon")]
    [row] = found.rows
    assert (row.data_type, row.data_title, row.number_of_frames) == (DataType.VIDEO, "road.mp4", 3)
    counts = found.report.counts()
    assert (counts["polygon"]["in"], counts["track"]["in"]) == (2, 1)


def test_a_track_drawn_in_several_ways_is_several_objects_and_that_is_told() -> None:
    ring, mask = [[10, 10, 50, 10, 50, 50]], {"size": [100, 200], "counts": [0, 5, 19995]}
    found = youtube(segmentations=[ring, mask, ring], bboxes=[[10, 10, 40, 40], [0, 0, 1, 5], [10, 10, 40, 40]])
    assert sorted(sorted(one._frames) for one in found.objects) == [[0, 2], [1]]
    assert found.losses == {"TRACK_SPLIT": 1}


@pytest.mark.proves("coco read: YouTube-VIS")
def test_boxes_of_youtube_vis_alone_are_boxes() -> None:
    found = youtube(bboxes=[None, [10, 20, 60, 40], None])
    assert found.place(0, 1).width == 0.3


def test_entries_beyond_the_frames_of_youtube_vis_are_lost_and_counted() -> None:
    box = [10, 20, 60, 40]
    found = youtube(bboxes=[box, None, box, box, None, box])
    assert sorted(found.objects[0]._frames) == [0, 2]
    assert found.losses == {"FRAME_BEYOND": 2}
    assert found.report.counts()["bbox"] == {"in": 4, "kept": 2, "changed": 0, "dropped": 2}


def test_listed_frames_keep_their_numbers_unless_those_are_damaged() -> None:
    for ids, frames, count in (([0, 5, 9], [0, 9], 12), ([0, 5, 5], [0, 2], 12), ([0, "5", 9], [0, 2], 12)):
        video = {**VIDEO, "width": 200, "height": 100, "length": 3, "file_names": ["a", "b", "c"], "frame_ids": ids}
        entry = {"id": 1, "video_id": 1, "category_id": 1, "bboxes": [[1, 2, 3, 4], None, [1, 2, 3, 4]]}
        file = {"videos": [{**video, "frame_count": 12}], "annotations": [entry], "categories": [CATEGORY]}
        found = Read(file)
        assert sorted(found.objects[0]._frames) == frames
        assert found.rows[0].number_of_frames == count


@pytest.mark.proves("labels: 37", "coco read: track ids", "coco read: images of one video")
def test_cocovid_instances_are_one_object_each() -> None:
    entries = [on(n, instance_id=7) for n in (1, 2)] + [note(id=9, image_id=2, instance_id=8)]
    found = Read(document(*entries, images=frames(3), videos=[VIDEO]))
    assert [sorted(one._frames) for one in found.objects] == [[0, 1], [1]]
    [row] = found.rows
    assert (row.data_title, row.number_of_frames) == ("road.mp4", 3)


@pytest.mark.proves("labels: 37", "coco read: track ids")
def test_tao_tracks_keep_the_numbers_of_sparse_frames() -> None:
    images = [{**IMAGE, "id": n, "video_id": 1, "frame_index": index} for n, index in ((1, 0), (2, 30))]
    found = Read(document(on(1, track_id=4, video_id=1), on(2, track_id=4, video_id=1), images=images, videos=[VIDEO]))
    assert [sorted(one._frames) for one in found.objects] == [[0, 30]]
    assert found.rows[0].number_of_frames == 31


@pytest.mark.proves("labels: 37", "coco read: track ids")
def test_track_ids_among_the_attributes_are_tracks() -> None:
    found = Read(document(*(on(n, attributes={"track_id": 3}) for n in (1, 2)), images=frames(2), videos=[VIDEO]))
    assert [sorted(one._frames) for one in found.objects] == [[0, 1]]


@pytest.mark.proves("coco read: track ids")
def test_a_track_of_two_categories_is_two_objects() -> None:
    two = [CATEGORY, {"id": 2, "name": "bus"}]
    entries = [on(1, instance_id=7), on(2, instance_id=7, category_id=2)]
    found = Read(document(*entries, images=frames(2), videos=[VIDEO], categories=two))
    assert [one.object_name for one in found.objects] == ["car", "bus"]


@pytest.mark.proves("coco read: track ids")
def test_attributes_that_change_over_a_track_are_dynamic_and_others_not() -> None:
    entries = [
        on(n, instance_id=1, attributes={"speed": speed, "make": "x"}) for n, speed in ((1, "slow"), (2, "fast"))
    ]
    found = Read(document(*entries, images=frames(2), videos=[VIDEO]))
    assert {one.name: one.dynamic for one in found.labels.ontology.objects[0].attributes} == {
        "speed": True,
        "make": False,
    }
    assert [found.answers(0, frame)["speed"] for frame in (0, 1)] == ["slow", "fast"]
    assert found.answers(0)["make"] == "x"


def test_two_annotations_of_a_track_on_one_frame_are_two_objects_and_said() -> None:
    found = Read(document(on(1, instance_id=7), note(id=5, instance_id=7), images=frames(1), videos=[VIDEO]))
    assert len(found.objects) == 2
    assert found.losses == {"TRACK_SPLIT": 1}


def test_frames_without_numbers_are_in_the_order_of_the_file() -> None:
    images = [{name: value for name, value in one.items() if name != "frame_id"} for one in frames(3)]
    found = Read(document(on(3), images=images, videos=[VIDEO]))
    assert sorted(found.objects[0]._frames) == [2]


@pytest.mark.proves("coco read: images of one video")
def test_frames_can_be_told_by_their_names() -> None:
    images = [{**IMAGE, "id": n, "file_name": f"night/{n:04d}.jpg"} for n in (1, 2)]
    file = document(on(1, track_id=1), on(2, track_id=1), images=images)
    assert len(Read(file).rows) == 2
    found = Read(file, frame_pattern=r"(?P<video>\w+)/(?P<frame>\d+)\.jpg")
    assert [(row.data_title, row.data_type) for row in found.rows] == [("night", DataType.VIDEO)]
    assert sorted(found.objects[0]._frames) == [1, 2]


def test_stills_and_videos_may_stand_in_one_file() -> None:
    images = [*frames(2), {**IMAGE, "id": 9, "file_name": "still.jpg"}]
    found = Read(document(on(1), note(id=8, image_id=9), images=images, videos=[VIDEO]))
    assert [(row.data_title, len(row._objects)) for row in found.rows] == [("road.mp4", 1), ("still.jpg", 1)]


def test_a_video_without_frames_is_a_row() -> None:
    found = Read(document(note(), videos=[{**VIDEO, "width": 4, "height": 3, "length": 9}]))
    assert [row.data_title for row in found.rows] == ["a.jpg", "road.mp4"]
