"""Damage in COCO files: each case is repaired and told, or dropped and counted; the rest of the file is read."""

import json
from pathlib import Path
from typing import Any

import pytest
from coco_files import CATEGORY, IMAGE, Read, document, note, source

from encord_convert import ReadError

RLE_IMAGE = {"id": 1, "width": 4, "height": 3, "file_name": "m.png"}


def losses(**members: Any) -> Any:
    return Read(document(note(**members), note(id=2))).losses


def masked(size: Any, counts: Any) -> Read:
    return Read(document(note(bbox=None, segmentation={"size": size, "counts": counts}), images=[RLE_IMAGE]))


# -- ids ----------------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 41", "coco codes: DUPLICATE_ID")
def test_duplicate_annotation_ids_are_all_read_and_noted() -> None:
    found = Read(document(note(), note(), note(id=2)))
    assert len(found.objects) == 3
    assert [(one.code, one.count) for one in found.report.notes()] == [("DUPLICATE_ID", 1)]


@pytest.mark.parametrize("more", [{}, {"score": 0.5}], ids=["plain", "with a score"])
def test_two_objects_of_an_image_with_one_hash_are_two_objects(more: dict[str, Any]) -> None:
    attributes = {"encord_object_hash": "AAAABBBB"}
    found = Read(document(note(attributes=attributes), note(id=2, attributes=attributes, **more)))
    assert len(found.objects) == 2
    assert "AAAABBBB" in {one.object_hash for one in found.objects}
    assert [(one.code, one.count) for one in found.report.notes()] == [("DUPLICATE_ID", 1)]


def test_an_object_that_was_added_to_a_written_file_takes_no_hash_of_another() -> None:
    [first] = Read(document(note())).objects
    found = Read(document(note(id=2), note(attributes={"encord_object_hash": first.object_hash})))
    assert len(found.objects) == 2
    assert found.objects[1].object_hash == first.object_hash


@pytest.mark.proves("labels: 41")
def test_of_duplicate_images_the_first_is_a_row_without_labels_that_may_be_of_either() -> None:
    found = Read(document(note(), images=[IMAGE, {**IMAGE, "file_name": "b.jpg"}]))
    assert [(row.data_title, len(row._objects)) for row in found.rows] == [("a.jpg", 0)]
    assert found.losses == {"AMBIGUOUS_IMAGE": 1, "DUPLICATE_ID": 1}
    twice = Read(document(note(), images=[IMAGE, IMAGE]))
    assert [len(row._objects) for row in twice.rows] == [1]
    assert found.report.counts()["image"] == {"in": 2, "kept": 1, "changed": 0, "dropped": 1}


@pytest.mark.proves("labels: 41", "coco codes: ORPHAN_IMAGE")
def test_annotations_of_unknown_images_are_dropped_and_counted() -> None:
    found = Read(document(note(), note(id=2, image_id=99, attributes={"lit": True})))
    assert found.losses == {"ORPHAN_IMAGE": 1}
    assert found.report.counts()["bbox"] == {"in": 2, "kept": 1, "changed": 0, "dropped": 1}
    assert found.report.counts()["answer"] == {"in": 1, "kept": 0, "changed": 0, "dropped": 1}


@pytest.mark.proves("coco codes: ORPHAN_CATEGORY")
def test_annotations_of_unknown_categories_are_dropped_and_counted() -> None:
    assert losses(category_id=99) == {"ORPHAN_CATEGORY": 1}


@pytest.mark.proves("labels: 41")
@pytest.mark.parametrize("id_", ["1", "5f0c-uuid", 1.0])
def test_ids_may_be_texts(id_: Any) -> None:
    found = Read(document(note(image_id=id_, category_id=id_), images=[{**IMAGE, "id": id_}],
                          categories=[{**CATEGORY, "id": id_}]))  # fmt: skip
    assert len(found.objects) == 1


def test_an_id_as_text_on_one_side_only_is_the_same_id() -> None:
    assert len(Read(document(note(image_id="1", category_id="1"))).objects) == 1


@pytest.mark.proves("labels: 41", "coco read: automatic maps")
def test_nothing_needs_area_iscrowd_or_an_id() -> None:
    assert Read(document(note(area=None, iscrowd=None, id=None))).losses == {}


@pytest.mark.proves("labels: 41", "coco codes: AREA_DERIVED")
def test_areas_that_are_missing_are_noted_and_counted() -> None:
    found = Read(
        document(note(area=None), note(id=2), note(id=3, area=None, bbox=None, segmentation=[[1, 1, 9, 1, 9, 9]]))
    )
    [said] = [one for one in found.report.notes() if one.code == "AREA_DERIVED"]
    assert said.count == 2
    assert found.report.is_lossless


@pytest.mark.proves("labels: 41", "coco codes: BBOX_DERIVED")
def test_boxes_that_are_missing_are_noted_and_counted(tmp_path: Path) -> None:
    (tmp_path / "o.json").write_text(json.dumps(Read(document(note())).labels.ontology.to_dict()))
    ring = [[20, 10, 100, 10, 60, 50]]
    entries = [note(id=n, bbox=None, segmentation=ring) for n in (1, 2)]
    found = Read(document(*entries, note(id=3)), ontology=str(tmp_path / "o.json"))
    box = found.place()
    assert (box.top_left_x, box.top_left_y, box.width, box.height) == (0.1, 0.1, 0.4, 0.4)
    [said] = [one for one in found.report.notes() if one.code == "BBOX_DERIVED"]
    assert said.count == 2


def test_what_categories_say_beside_is_native() -> None:
    category = {**CATEGORY, "synset": "car.n.01", "def": "a motor vehicle", "frequency": "f", "image_count": 3}
    found = Read(document(note(), categories=[category]))
    kept = {key: value for key, value in category.items() if key != "name"}
    assert found.labels.native["coco"]["classes"] == {"car": kept}


def test_a_file_without_categories_has_one_class() -> None:
    assert Read(document(note(category_id=None), categories=[])).classes == [("object", "bounding_box")]


def test_files_about_other_images_may_have_the_same_ids() -> None:
    from encord_convert.formats._files import MemorySource

    files = {"x.json": document(note()), "y.json": document(note(), images=[{**IMAGE, "file_name": "b.jpg"}],
                                                            categories=[{"id": 1, "name": "bus"}])}  # fmt: skip
    found = Read(MemorySource({name: json.dumps(file).encode() for name, file in files.items()}))
    assert [(row.data_title, [one.object_name for one in row._objects.values()]) for row in found.rows] == [
        ("a.jpg", ["car"]),
        ("b.jpg", ["bus"]),
    ]


# -- boxes --------------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 41")
@pytest.mark.parametrize("bbox", [[10, 20, -5, 4], [1, 2, 3], "1,2,3,4", [1, 2, None, 4], [1, 2, 1e300, 4]])
def test_a_box_that_is_none_is_dropped(bbox: Any) -> None:
    assert losses(bbox=bbox) == {"INVALID_BBOX": 1}


def test_a_box_without_a_side_is_kept_as_it_is() -> None:
    assert Read(document(note(bbox=[10, 20, 60, 0]))).place().height == 0


def test_boxes_that_look_relative_are_read_and_warned_about() -> None:
    found = Read(document(*(note(id=n, bbox=[0.1, 0.1, 0.5, 0.5]) for n in (1, 2))))
    assert "BBOX_SUSPECT_FORMAT" in found.notes


@pytest.mark.proves("coco codes: BBOX_SUSPECT_FORMAT")
def test_boxes_that_look_like_corners_are_read_and_warned_about() -> None:
    found = Read(document(*(note(id=n, bbox=[150, 60, 190, 90]) for n in (1, 2))))
    assert "BBOX_SUSPECT_FORMAT" in found.notes
    assert "BBOX_SUSPECT_FORMAT" not in Read(document(note(), note(id=2))).notes


# -- polygons -----------------------------------------------------------------------------------------------------

TRIANGLE = [20, 10, 100, 10, 60, 50]


@pytest.mark.proves("labels: 41")
@pytest.mark.parametrize("segmentation", [TRIANGLE, [[TRIANGLE]], [[[20, 10], [100, 10], [60, 50]]]])
def test_a_polygon_nested_otherwise_is_read_with_a_warning(segmentation: Any) -> None:
    found = Read(document(note(segmentation=segmentation)))
    assert [*found.place()._flat] == [0.1, 0.1, 0.5, 0.1, 0.3, 0.5]
    assert "INVALID_POLYGON" in found.notes
    assert found.losses == {}


def test_an_odd_number_of_coordinates_loses_the_last() -> None:
    found = Read(document(note(segmentation=[[*TRIANGLE, 7]])))
    assert [*found.place()._flat] == [0.1, 0.1, 0.5, 0.1, 0.3, 0.5]
    assert found.report.counts()["polygon"] == {"in": 1, "kept": 0, "changed": 1, "dropped": 0}


def test_a_ring_of_two_points_beside_a_good_one_is_left_out() -> None:
    found = Read(document(note(segmentation=[TRIANGLE, [1, 2, 3, 4]])))
    assert len(found.place().polygons) == 1
    assert found.losses == {"INVALID_POLYGON": 1}


@pytest.mark.proves("coco codes: INVALID_POLYGON")
@pytest.mark.parametrize("segmentation", [[[1, 2, 3, 4]], [["a", 1, 2, 3, 4, 5]], "text", [[1, None, 2, 3, 4, 5]]])
def test_a_polygon_that_is_none_is_dropped(segmentation: Any) -> None:
    assert losses(segmentation=segmentation) == {"INVALID_POLYGON": 1}


# -- masks --------------------------------------------------------------------------------------------------------


@pytest.mark.proves("pixels: 35", "coco codes: INVALID_RLE")
@pytest.mark.parametrize(("counts", "area"), [([3, 2], 2), ([3, 2, 1, 1, 5, 4], 3), ([3, 2, 1, 60], 8)])
def test_runs_of_another_sum_are_repaired_and_told(counts: list[int], area: int) -> None:
    found = masked([3, 4], counts)
    assert int(found.place().to_numpy_array().sum()) == area
    assert found.losses == {"INVALID_RLE": 1}


@pytest.mark.parametrize("counts", [[3, -2, 11], [3, 2.5, 6.5], "ü", None, {}, [3, "2"], [1 << 70, 1]])
def test_runs_that_are_none_are_dropped(counts: Any) -> None:
    assert masked([3, 4], counts).losses == {"INVALID_RLE": 1}


@pytest.mark.proves("coco read: RLE")
def test_a_size_the_other_way_round_is_taken_for_the_images() -> None:
    found = masked([4, 3], [3, 2, 1, 1, 5])
    assert int(found.place().to_numpy_array().sum()) == 3
    assert found.losses == {"SIZE_MISMATCH": 1}


@pytest.mark.proves("coco read: RLE", "coco codes: SIZE_MISMATCH")
@pytest.mark.parametrize("size", [[3, 5], [10**9, 10**9], "3x4"])
def test_a_mask_of_another_size_is_dropped(size: Any) -> None:
    found = masked(size, [3, 2, 1, 1, 5])
    assert found.objects == []
    assert found.losses == {"SIZE_MISMATCH": 1}


# -- documents ----------------------------------------------------------------------------------------------------


def test_numbers_that_are_none_are_damage_of_one_annotation() -> None:
    text = json.dumps(document(note(bbox=[1, 2, 3, 555]), note(id=2))).replace("555", "NaN")
    found = Read(source(text.encode()))
    assert (len(found.objects), found.losses) == (1, {"INVALID_BBOX": 1})
    text = text.replace("NaN", "-Infinity").replace("a.jpg", "NaN.jpg")
    assert Read(source(text.encode())).rows[0].data_title == "NaN.jpg"


@pytest.mark.parametrize("entry", [None, 7, "text", []])
def test_entries_that_are_no_objects_are_counted(entry: Any) -> None:
    found = Read(document(note(), entry, note(id=2)))
    assert (len(found.objects), found.losses) == (2, {"INVALID_ANNOTATION": 1})


@pytest.mark.parametrize("left", [1, 20, 60, 150])
def test_a_file_cut_short_says_so(left: int) -> None:
    text = json.dumps(document(note(), note(id=2))).encode()
    with pytest.raises(ReadError, match="Was the file cut short"):
        Read(source(text[:-left]))


def test_what_is_not_json_is_refused_with_its_place() -> None:
    text = json.dumps(document(note(), note(id=2))).replace('"bbox"', "bbox", 1)
    with pytest.raises(ReadError, match=r"annotations\.json: is not JSON: .*at byte \d+\."):
        Read(source(text.encode()))


def test_damaged_gzip_is_refused() -> None:
    import gzip

    packed = gzip.compress(json.dumps(document(*(note(id=n) for n in range(200)))).encode())
    with pytest.raises(ReadError, match="is damaged gzip"):
        Read(source(packed[:-30], "a.json.gz"))


@pytest.mark.parametrize("keypoints", [[1, 2, 3, 4, 5], ["a", 2, 2], {"x": 1}])
def test_keypoints_that_are_none_are_dropped(keypoints: Any) -> None:
    entry = note(keypoints=keypoints, num_keypoints=3)
    assert Read(document(entry)).losses == {"INVALID_KEYPOINTS": 1}


def test_a_category_without_an_id_is_lost() -> None:
    assert Read(document(note(), categories=[CATEGORY, {"name": "x"}, 7])).losses == {"INVALID_CATEGORY": 2}


def test_a_damaged_ontology_in_the_file_is_noted_and_the_classes_follow_from_the_data() -> None:
    found = Read(document(note(), info={"encord": {"ontology": {"objects": [{"name": []}], "classifications": []}}}))
    assert found.classes == [("car", "bounding_box")]
    assert "INVALID_ONTOLOGY" in found.notes


@pytest.mark.proves("labels: 41")
@pytest.mark.parametrize("id_", [[], {}, [[1]], 1e300, 1 << 70])
def test_ids_of_any_kind_break_nothing(id_: Any) -> None:
    images = [{**IMAGE, "video_id": id_, "encord": [], "file_name": "b.jpg", "id": 2}, IMAGE]
    entry = note(id=id_, category_id=id_, video_id=id_, track_id=id_, attributes={"encord_shape": id_, "track_id": id_})
    found = Read(document(entry, note(id=2), images=images))
    assert len(found.objects) == 1
    lost = found.losses
    assert lost.pop("ID_RENUMBERED") == (2 if id_ == 1 << 70 else 1)
    assert sum(lost.values()) == 1
