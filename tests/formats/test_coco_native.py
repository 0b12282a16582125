"""What of a COCO file only COCO has words for comes back from COCO to COCO, and is counted on the way to others."""

import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert.cli import run

CATEGORIES = [{"id": 44, "name": "bottle", "supercategory": "kitchen"}, {"id": 90, "name": "brush"}]


def box(**more: Any) -> dict[str, Any]:
    return {"id": 9001, "image_id": 139, "category_id": 44, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0, **more}


def document(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    image = {"id": 139, "file_name": "p.jpg", "width": 100, "height": 80}
    return {"images": [image], "annotations": list(annotations), "categories": CATEGORIES, **more}


def converted(tmp_path: Path, file: Any, *arguments: str, to: str = "coco") -> tuple[int, dict[str, Any]]:
    """Return the exit code of converting a document, and its report."""
    (tmp_path / "in.json").write_text(json.dumps(file))
    code = run(["convert", str(tmp_path / "in.json"), str(tmp_path / "out"), "--to", to,
                "--report", str(tmp_path / "report.json"), *arguments])  # fmt: skip
    report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    return code, report


def back(tmp_path: Path, file: Any, *arguments: str, to: str = "coco") -> dict[str, Any]:
    """Return what is written of a document of which nothing is lost."""
    assert converted(tmp_path, file, "--strict", *arguments, to=to)[0] == 0
    [written] = (tmp_path / "out").glob("*.json")
    return dict(json.loads(written.read_text()))


def lost(report: dict[str, Any]) -> dict[str, int]:
    return {loss["label"]: loss["count"] for loss in report["losses"] if loss["feature"] == "native"}


def test_ids_and_keys_of_images_annotations_and_categories_come_back(tmp_path: Path) -> None:
    image = {"id": 139, "file_name": "p.jpg", "width": 100, "height": 80, "license": 3, "flickr_url": "", "zone": [1]}
    info = {"description": "d", "version": "2", "year": 2020, "contributor": "c"}
    licences, strange = [{"id": 3, "name": "CC"}], {"a": 1}
    file = document(
        box(weight=2.5), box(id=9007, category_id=90), images=[image], info=info, licenses=licences, x=strange
    )
    made = back(tmp_path, file)
    assert [(one["id"], one["image_id"], one["category_id"]) for one in made["annotations"]] == [
        (9001, 139, 44), (9007, 139, 90)
    ]  # fmt: skip
    assert made["annotations"][0]["weight"] == 2.5
    assert image.items() <= made["images"][0].items()
    assert [(one["id"], one["supercategory"]) for one in made["categories"]] == [(44, "kitchen"), (90, "brush")]
    assert info.items() <= made["info"].items()
    assert (made["licenses"], made["x"]) == (licences, strange)


def test_every_key_that_another_format_has_no_word_for_is_counted(tmp_path: Path) -> None:
    image = {
        "id": 139,
        "file_name": "p.jpg",
        "width": 100,
        "height": 80,
        "license": 3,
        "flickr_url": "",
        "zone": [1, 2],
    }
    report = converted(tmp_path, document(box(weight=2.5), images=[image], info={"year": 2020}), to="cvat")[1]
    assert lost(report) == {
        "class.id": 2, "class.supercategory": 1, "image.id": 1, "image.license": 1, "image.zone": 2,
        "annotation.id": 1, "annotation.weight": 1,
    }  # fmt: skip
    [note] = [note for note in report["notes"] if note["code"] == "NATIVE_DROPPED"]
    assert (note["count"], "'info'" in note["detail"]) == (1, True)


def test_ids_that_only_count_are_written_but_no_loss_elsewhere(tmp_path: Path) -> None:
    images = [{"id": number, "file_name": f"{number}.jpg", "width": 100, "height": 80} for number in (1, 2)]
    file = document(box(id=1, image_id=2, category_id=1), images=images, categories=[{"id": 1, "name": "bottle"}])
    assert lost(converted(tmp_path, file, to="cvat")[1]) == {}
    assert back(tmp_path, file)["annotations"][0]["image_id"] == 2


@pytest.mark.proves("coco codes: ID_RENUMBERED")
@pytest.mark.parametrize("ids", [(7, 7), (0, 7), (-1, 7), ("a", "b")])
def test_ids_that_are_not_unique_are_renumbered_and_counted(tmp_path: Path, ids: tuple[Any, Any]) -> None:
    code, report = converted(tmp_path, document(*(box(id=id_) for id_ in ids)))
    assert (code, lost(report)) == (0, {"annotation.id": 2})
    made = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [one["id"] for one in made["annotations"]] == [1, 2]


@pytest.mark.proves("coco codes: ID_RENUMBERED")
def test_ids_from_0_are_said_to_be_renumbered(tmp_path: Path) -> None:
    report = converted(tmp_path, document(box(id=0), box(id=1)))[1]
    assert [note["count"] for note in report["notes"] if note["code"] == "ID_RENUMBERED"] == [2]
    assert lost(report) == {}


def test_an_annotation_without_an_id_gets_one_above_the_largest(tmp_path: Path) -> None:
    assert [one["id"] for one in back(tmp_path, document(box(id=None), box()))["annotations"]] == [9002, 9001]


PERSON = {"id": 1, "name": "person", "keypoints": ["nose", "hip", "foot"], "skeleton": [[1, 2]]}


def person(**more: Any) -> dict[str, Any]:
    points = [30, 20, 2, 40, 50, 2, 0, 0, 0]
    return box(id=1, category_id=1, bbox=[10, 10, 60, 60], area=3600, keypoints=points, num_keypoints=2, **more)


@pytest.mark.parametrize("to", ["coco", "coco-rle", "coco-keypoints"])
def test_the_box_of_a_person_beside_keypoints_is_kept(tmp_path: Path, to: str) -> None:
    [made] = back(tmp_path, document(person(), categories=[PERSON]), to=to)["annotations"]
    assert (made["bbox"], made["area"]) == ([10, 10, 60, 60], 3600)


def test_the_box_of_a_person_is_counted_where_it_is_not_written(tmp_path: Path) -> None:
    counted = lost(converted(tmp_path, document(person(), categories=[PERSON]), to="cvat")[1])
    assert counted == {"image.id": 1, "annotation.bbox": 4, "annotation.area": 1}


RING = [10, 10, 30, 10, 30, 30, 10, 30]


def test_an_area_and_an_amodal_box_are_kept_beside_a_polygon(tmp_path: Path) -> None:
    many = [box(id=9001 + n, segmentation=[RING], bbox=[10, 10, 20, 20 + n % 2], area=400 + n) for n in range(4)]
    made = back(tmp_path, document(*many))["annotations"]
    assert [(one["bbox"], one["area"]) for one in made] == [
        ([10, 10, 20, 20], 400), ([10, 10, 20, 21], 401), ([10, 10, 20, 20], 402), ([10, 10, 20, 21], 403)
    ]  # fmt: skip


def test_an_area_beside_a_box_and_a_mask_is_kept(tmp_path: Path) -> None:
    mask = {"size": [80, 100], "counts": [100, 20, 7880]}
    many = [box(area=7), box(id=9002, segmentation=mask, bbox=[1, 20, 1, 20], area=7)]
    assert [one["area"] for one in back(tmp_path, document(*many))["annotations"]] == [7, 7]


def test_extents_of_the_geometry_are_no_keys_of_their_own(tmp_path: Path) -> None:
    mask = {"size": [80, 100], "counts": [100, 20, 7880]}
    many = [box(), box(id=9002, segmentation=[RING]), box(id=9003, segmentation=mask, bbox=[1, 20, 1, 20], area=20)]
    assert not {"annotation.bbox", "annotation.area"} & lost(converted(tmp_path, document(*many), to="cvat")[1]).keys()


@pytest.mark.parametrize("more", [{"track_id": 4}, {"instance_id": 4}, {"attributes": {"track_id": 4}}])
def test_track_ids_of_stills_come_back_or_are_counted(tmp_path: Path, more: dict[str, Any]) -> None:
    [made] = back(tmp_path, document(box(**more)))["annotations"]
    assert made.get("track_id", made.get("instance_id", made["attributes"].get("track_id"))) == 4
    assert lost(converted(tmp_path, document(box(**more)), to="encord")[1])[f"annotation.{next(iter(more))}"] == 1


def test_a_category_without_a_geometry_is_an_annotation_again(tmp_path: Path) -> None:
    plain = {"id": 5, "image_id": 139, "category_id": 90, "sure": True}
    caption = {"id": 7, "image_id": 139, "caption": "a bottle"}
    made = back(tmp_path, document(box(), plain, caption))
    assert made["annotations"][1:] == [plain, caption]
    assert "attributes" not in made["images"][0]
    assert [one["id"] for one in made["categories"]] == [44, 90]


def test_frames_keep_their_file_names_ids_and_keys(tmp_path: Path) -> None:
    images = [
        {
            "id": 10 + n,
            "video_id": 3,
            "frame_id": n,
            "file_name": f"seq/img1/{n:06}.jpg",
            "width": 64,
            "height": 48,
            "q": n,
        }
        for n in range(3)
    ]
    video = {"id": 3, "name": "seq", "neg_category_ids": [1]}
    marks = [box(id=9, image_id=11, instance_id=1), box(id=8, image_id=10, instance_id=1)]
    made = back(tmp_path, document(*marks, images=images, videos=[video]))
    assert all(image.items() <= one.items() for image, one in zip(images, made["images"], strict=True))
    assert video.items() <= made["videos"][0].items()
    assert {(one["id"], one["image_id"], one["instance_id"]) for one in made["annotations"]} == {(9, 11, 1), (8, 10, 1)}


MASK = {"size": [80, 100], "counts": [100, 20, 7880]}


def test_panoptic_files_say_crowds_and_stuff_and_keep_ids(tmp_path: Path) -> None:
    stuff = [{"id": 44, "name": "sky", "isthing": 0, "supercategory": "sky"}]
    file = document(box(id=1, segmentation=MASK, bbox=[1, 20, 1, 20], area=20, iscrowd=1), categories=stuff)
    made = back(tmp_path, file, to="coco-panoptic")
    assert [(one["id"], one["isthing"]) for one in made["categories"]] == [(44, 0)]
    [entry] = made["annotations"]
    assert (entry["image_id"], entry["segments_info"][0]["iscrowd"]) == (139, 1)


def test_results_count_that_they_do_not_say_crowds_nor_supercategories(tmp_path: Path) -> None:
    file = document(box(segmentation=MASK, bbox=[1, 20, 1, 20], area=20, iscrowd=1))
    report = converted(tmp_path, file, to="coco-results")[1]
    assert [loss["count"] for loss in report["losses"] if loss["code"] == "CROWD_DROPPED"] == [1]
    assert lost(report)["class.supercategory"] == 1
    [written] = json.loads(next((tmp_path / "out").glob("*.json")).read_text())
    assert (written["image_id"], written["category_id"]) == (139, 44)


def test_labels_of_two_images_of_one_id_are_counted_as_ambiguous(tmp_path: Path) -> None:
    names = {"a.jpg": 139, "b.jpg": 139, "c.jpg": 7}
    images = [{"id": id_, "file_name": name, "width": 100, "height": 80} for name, id_ in names.items()]
    report = converted(tmp_path, document(box(), box(id=9003, image_id=7), images=images))[1]
    assert {(loss["code"], loss["count"]) for loss in report["losses"]} == {("AMBIGUOUS_IMAGE", 1), ("DUPLICATE_ID", 1)}
    made = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [(one["id"], one["image_id"]) for one in made["annotations"]] == [(9003, 7)]


@pytest.mark.proves("coco read: keypoints with an outline", "coco codes: GEOMETRY_DROPPED")
@pytest.mark.parametrize("to", ["coco", "coco-rle", "coco-keypoints"])
def test_the_segmentation_beside_keypoints_comes_back_or_is_counted(tmp_path: Path, to: str) -> None:
    file = document(person(segmentation=[RING]), categories=[PERSON])
    [made] = back(tmp_path, file, to=to)["annotations"]
    assert made["segmentation"] == [RING]
    report = converted(tmp_path, file, to="cvat")[1]
    told = {loss["label"]: (loss["code"], loss["count"]) for loss in report["losses"]}
    assert told["annotation.segmentation"] == ("GEOMETRY_DROPPED", 1)


def test_what_is_said_beside_a_box_stays_beside_it(tmp_path: Path) -> None:
    beside = {"occluded": False, "ignore": 1, "visibility": 0.5}
    [made] = back(tmp_path, document(box(**beside)))["annotations"]
    assert beside.items() <= made.items()
    assert (
        not {f"annotation.{key}" for key in beside}
        & lost(converted(tmp_path, document(box(**beside)), to="cvat")[1]).keys()
    )


def test_a_number_of_keypoints_that_is_not_theirs_comes_back(tmp_path: Path) -> None:
    [made] = back(tmp_path, document({**person(), "num_keypoints": 3}, categories=[PERSON]))["annotations"]
    assert made["num_keypoints"] == 3


@pytest.mark.parametrize("key", ["area", "bbox", "iscrowd"])
def test_a_key_of_a_kind_that_it_has_not_comes_back_or_is_counted(tmp_path: Path, key: str) -> None:
    file = document(box(segmentation=[RING]) | {key: {"a": 1}})
    report = converted(tmp_path, file)[1]
    [made] = json.loads((tmp_path / "out" / "annotations.json").read_text())["annotations"]
    assert made[key] == {"a": 1} or lost(report) == {f"annotation.{key}": 1}


@pytest.mark.parametrize("kind", ["images", "annotations"])
def test_an_id_that_is_neither_number_nor_text_is_counted(tmp_path: Path, kind: str) -> None:
    image = {"id": 139, "file_name": "p.jpg", "width": 100, "height": 80}
    file = document(box(), box(id=7), images=[image, {**image, "id": 140, "file_name": "q.jpg"}])
    file[kind][1]["id"] = {"a": 1}
    report = converted(tmp_path, file)[1]
    told = {loss["label"]: (loss["code"], loss["count"]) for loss in report["losses"]}
    assert told[f"{kind[:-1]}.id"] == ("ID_RENUMBERED", 1)


def test_files_keep_the_names_that_are_no_titles(tmp_path: Path) -> None:
    names = ["images/0a.png", "http://host/a/b/c.jpg?k=1", "C:\\cam\\d.jpg"]
    images = [{"id": n, "file_name": name, "width": 100, "height": 80} for n, name in enumerate(names, 1)]
    images[0]["image_title"] = "first.png"
    made = back(tmp_path, document(box(image_id=1), images=images))["images"]
    assert [(one["file_name"], one["encord"]["title"]) for one in made] == [
        ("images/0a.png", "first.png"), (names[1], "b/c.jpg"), (names[2], "cam/d.jpg")
    ]  # fmt: skip
    assert made[0]["image_title"] == "first.png"
    assert "image.file_name" in lost(converted(tmp_path, document(box(image_id=1), images=images), to="cvat")[1])


def test_what_says_which_frame_an_image_is_comes_back(tmp_path: Path) -> None:
    images = [
        {"id": n, "video_id": 2, "frame_index": 30 * n, "file_name": f"{n}.jpg", "width": 100, "height": 80}
        for n in (1, 2)
    ]
    file = document(box(image_id=1, video_id=2, track_id=5), images=images, videos=[{"id": 2, "name": "v"}])
    made = back(tmp_path, file)
    assert [(one["frame_index"], one["frame_id"]) for one in made["images"]] == [(30, 30), (60, 60)]
    assert made["annotations"][0]["video_id"] == 2


def test_slices_of_one_series_are_told_apart_by_their_whole_name(tmp_path: Path) -> None:
    names = ["dicom/s/1.2.840.1", "dicom/s/1.2.840.2"]
    images = [{"id": n, "file_name": name, "width": 100, "height": 80} for n, name in enumerate(names, 1)]
    made = back(tmp_path, document(box(image_id=1), images=images))
    assert [one["file_name"] for one in made["images"]] == names


def test_edges_that_only_a_later_file_says_are_those_of_the_skeleton(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    plain = document(box(id=2, category_id=1), categories=[{"id": 1, "name": "person"}])
    for name, file in (("instances_val", plain), ("person_keypoints_val", document(person(), categories=[PERSON]))):
        (tmp_path / "in" / f"{name}.json").write_text(json.dumps(file))
    assert run(["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--to", "coco"]) == 0
    [made] = json.loads((tmp_path / "out" / "annotations.json").read_text())["categories"]
    assert (made["keypoints"], made["skeleton"]) == (["nose", "hip", "foot"], [[1, 2]])


def test_files_that_differ_in_what_they_say_of_an_image_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    image = {"id": 139, "file_name": "p.jpg", "width": 100, "height": 80, "license": 1}
    for name, licence in (("instances_val", 1), ("captions_val", 2)):
        file = document(box(), images=[{**image, "license": licence}])
        (tmp_path / "in" / f"{name}.json").write_text(json.dumps(file))
    run(["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--to", "coco", "--report", str(tmp_path / "r.json")])
    losses = json.loads((tmp_path / "r.json").read_text())["losses"]
    assert [loss["label"] for loss in losses if loss["code"] == "IMAGE_DIFFERS"] == ["image.license"]


def test_keys_of_run_lengths_are_counted(tmp_path: Path) -> None:
    file = document(box(segmentation={"size": [80, 100], "counts": [100, 20, 7880], "order": "C"}))
    assert [loss["code"] for loss in converted(tmp_path, file)[1]["losses"]] == ["KEYS_NOT_READ"]


def test_a_caption_keeps_the_category_beside_it(tmp_path: Path) -> None:
    captions = [
        {"id": 5, "image_id": 139, "category_id": 90, "caption": "a"},
        {"id": 6, "image_id": 139, "category_id": 7, "caption": "b"},
    ]
    made = back(tmp_path, document(box(), captions[0]))["annotations"]
    assert made[1] == captions[0]
    assert back(tmp_path, document(box(), captions[1]))["annotations"][1] == captions[1]


def test_sides_in_quotes_are_numbers(tmp_path: Path) -> None:
    image = {"id": 139, "file_name": "p.jpg", "width": "100", "height": "80"}
    [made] = back(tmp_path, document(box(), images=[image]))["images"]
    assert (made["width"], made["height"]) == (100, 80)


def test_of_two_videos_of_one_id_the_first_is_read_and_the_other_counted(tmp_path: Path) -> None:
    image = {"id": 139, "file_name": "p.jpg", "width": 100, "height": 80, "video_id": 1, "frame_id": 0}
    file = document(box(), images=[image], videos=[{"id": 1, "name": "a"}, {"id": 1, "name": "b"}])
    report = converted(tmp_path, file)[1]
    assert ("DUPLICATE_ID", "video", 1) in {(loss["code"], loss["type"], loss["count"]) for loss in report["losses"]}
    assert report["counts"]["video"]["dropped"] == 1


def test_two_images_of_one_frame_are_two_frames_and_told_of(tmp_path: Path) -> None:
    image = {"video_id": 1, "frame_id": 4, "width": 100, "height": 80}
    images = [{**image, "id": 1, "file_name": "a.jpg"}, {**image, "id": 2, "file_name": "b.jpg"}]
    report = converted(tmp_path, document(box(image_id=1), images=images, videos=[{"id": 1, "name": "v"}]))[1]
    assert [(loss["code"], loss["type"], loss["count"]) for loss in report["losses"]] == [("DUPLICATE_ID", "image", 1)]
    made = json.loads((tmp_path / "out" / "annotations.json").read_text())["images"]
    assert [(one["file_name"], one["frame_id"]) for one in made] == [("a.jpg", 4), ("b.jpg", 5)]


def test_what_has_no_size_is_said_where_a_format_must_give_one(tmp_path: Path) -> None:
    image = {"id": 139, "file_name": "p.jpg"}
    file = document({"id": 1, "image_id": 139, "category_id": 44}, images=[image])
    details = [note["detail"] for note in converted(tmp_path, file, to="cvat")[1]["notes"]]
    assert "Images without a size are written as 1 × 1 pixels." in details
    track = {"id": 1, "video_id": 1, "category_id": 44, "segmentations": [None], "bboxes": [[0, 0, 1, 1]]}
    file = {"videos": [{"id": 1, "name": "v", "length": 1}], "annotations": [track], "categories": CATEGORIES}
    details = [note["detail"] for note in converted(tmp_path, file)[1]["notes"]]
    assert "Videos without a size are read as 1 × 1 pixels." in details
