"""Reading COCO: each task and shape becomes what the format's page says, in any order and of any size."""

import gzip
import io
import json
import random
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coco_files import CATEGORY, HEIGHT, IMAGE, WIDTH, Read, answers_of, document, note, source
from count_coco import count

from encord_convert import OptionError, ReadError, Report, read
from encord_convert._samples import SAMPLES
from encord_convert.formats import Match
from encord_convert.formats._files import MemorySource, source_at, spooled
from encord_convert.formats.coco import json_walk as _coco_documents
from encord_convert.formats.coco.page import FORMAT
from encord_convert.geometry import rle
from encord_convert.geometry.masks import mask_from_rings
from encord_convert.hub.class_names import united
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries
from encord_convert.losses.compare import diff
from encord_convert.losses.narrow import predict
from encord_convert.losses.redraw import redrawn
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects.coordinates import Visibility
from encord_convert.testing import hub_of, written

FIXTURES = Path(__file__).parents[2] / "fixtures" / "coco"
FILES = [
    path
    for path in sorted(FIXTURES.rglob("*.json"))
    if path.name not in ("hub.json", "losses.json", "options.json", "result.json")
]
RUNS = [3, 2, 1, 1, 5]
RLE_IMAGE = {"id": 1, "width": 4, "height": 3, "file_name": "m.png"}
PEOPLE = {"id": 1, "name": "person", "keypoints": ["nose", "eye", "ear"], "skeleton": [[1, 2], [2, 3]]}


def mask(counts: Any, size: Any = (3, 4)) -> Read:
    return Read(document(note(bbox=None, segmentation={"size": list(size), "counts": counts}), images=[RLE_IMAGE]))


# -- real files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_every_thing_of_a_real_file_is_counted_once(path: Path) -> None:
    report = Report()
    for _ in report.rows(read(path, "coco", report=report)):
        pass
    counts = report.counts()
    assert {name: counts[name]["in"] for name in counts if name in count(path)} == count(path)
    for row in counts.values():
        assert min(row.values()) >= 0
        assert row["in"] == row["kept"] + row["changed"] + row["dropped"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_a_real_file_written_back_keeps_what_is_promised(path: Path) -> None:
    labels = read(path, "coco", report=Report()).held()
    assert FORMAT.exporter is not None
    files, report = written(FORMAT, labels)
    back = Read(MemorySource(files))
    assert not [str(one) for one in diff(labels, back.labels, carries=FORMAT.exporter.carries)]
    assert all(min(row.values()) >= 0 for row in report.counts().values())


@pytest.mark.parametrize("name", ["coco", "coco-rle"])
@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_what_this_format_wrote_has_the_same_classes_when_read(sample: str, name: str) -> None:
    from encord_convert.formats import formats

    labels = SAMPLES[sample]()
    back = Read(MemorySource(written(formats()[name], labels)[0]))
    exporter = formats()[name].exporter
    assert exporter is not None
    assert back.labels.ontology.to_dict() == united(redrawn(labels, exporter.carries).ontology.to_dict())


def test_tasks_about_the_same_image_are_one_row() -> None:
    labels = Read(_folder(FIXTURES / "all-tasks"))
    assert [row.data_title for row in labels.rows] == ["a.jpg", "b.jpg"]
    assert {one.ontology_item.title for one in labels.classifications} == {"caption", "Labels"}
    assert {shape for _, shape in labels.classes} >= {"skeleton", "polygon", "bitmask"}


def test_the_list_of_images_beside_a_panoptic_file_makes_no_rows_of_its_own() -> None:
    found = Read(_folder(FIXTURES / "panoptic"))
    assert [(row.data_title, len(row._objects)) for row in found.rows] == [
        ("000000142238.jpg", 18), ("000000439180.jpg", 32),
    ]  # fmt: skip


def _folder(path: Path) -> Any:
    from encord_convert.formats._files import source_at

    return source_at(path)


# -- shapes -------------------------------------------------------------------------------------------------------


@pytest.mark.proves("coco read: bbox")
def test_a_box_becomes_relative_without_rounding() -> None:
    box = Read(document(note(segmentation=[]))).place()
    assert (box.top_left_x, box.top_left_y, box.width, box.height) == (0.05, 0.2, 0.3, 0.4)


@pytest.mark.proves("coco read: category")
@pytest.mark.parametrize("segmentation", [None, []])
def test_no_segmentation_is_a_box(segmentation: Any) -> None:
    assert Read(document(note(segmentation=segmentation))).classes == [("car", "bounding_box")]


@pytest.mark.proves("coco read: one polygon")
def test_a_polygon_keeps_its_vertices_and_drops_the_repeated_last() -> None:
    polygon = Read(document(note(segmentation=[[20, 10, 100, 10, 60, 50, 20, 10]]))).place()
    assert [*polygon._flat] == [0.1, 0.1, 0.5, 0.1, 0.3, 0.5]


@pytest.mark.proves("labels: 33", "coco read: several polygons")
def test_several_polygons_are_one_object_of_several_parts() -> None:
    two = [[0, 0, 20, 0, 20, 20], [100, 50, 150, 50, 150, 90]]
    found = Read(document(note(segmentation=two)))
    assert len(found.objects) == 1
    assert [len(part) for part in found.place().polygons] == [1, 1]


OUTER, INNER = [0, 0, 100, 0, 100, 90, 0, 90], [20, 20, 20, 60, 60, 60, 60, 20]


@pytest.mark.proves("coco read: several polygons")
def test_a_ring_inside_another_is_a_part_as_coco_says() -> None:
    assert [len(part) for part in Read(document(note(segmentation=[OUTER, INNER]))).place().polygons] == [1, 1]


@pytest.mark.proves("coco read: several polygons")
def test_a_ring_inside_another_is_a_hole_on_request() -> None:
    found = Read(document(note(segmentation=[OUTER, INNER])), holes="detect")
    assert [len(part) for part in found.place().polygons] == [2]
    rotated = [*INNER[:2], *INNER[6:], *INNER[4:6], *INNER[2:4]]
    same = Read(document(note(segmentation=[OUTER, rotated])), holes="detect")
    assert [len(part) for part in same.place().polygons] == [1, 1]


@pytest.mark.proves("labels: 32", "coco read: RLE")
@pytest.mark.parametrize("counts", [RUNS, "321O4", "3, 2, 1, 1, 5"])
def test_run_lengths_in_every_form_are_the_same_mask(counts: Any) -> None:
    pixels = mask(counts).place().to_numpy_array()
    assert [tuple(map(int, place)) for place in np.argwhere(pixels)] == [(0, 1), (0, 2), (1, 1)]
    assert mask(counts).place().to_dict()["rleString"] == mask(RUNS).place().to_dict()["rleString"]


@pytest.mark.proves("coco read: category")
def test_polygons_and_masks_of_a_category_are_two_classes_of_its_name() -> None:
    both = [note(segmentation=[OUTER]), note(id=2, segmentation={"size": [100, 200], "counts": [5, 20, 19975]})]
    assert Read(document(*both)).classes == [("car", "polygon"), ("car", "bitmask")]
    as_masks = Read(document(*both), prefer="bitmask")
    assert as_masks.classes == [("car", "bitmask")]
    assert int(as_masks.place(0).to_numpy_array().sum()) == 9000
    assert as_masks.losses == {"POLYGON_AS_RLE": 1}
    as_rings = Read(document(*both), prefer="polygon")
    assert as_rings.classes == [("car", "polygon")]
    assert as_rings.losses == {"RLE_TO_POLYGON": 1}


@pytest.mark.proves("coco read: RLE as polygon", "coco codes: RLE_TO_POLYGON")
def test_a_mask_read_as_a_polygon_has_its_holes() -> None:
    pixels = np.zeros((10, 10), bool)
    pixels[1:9, 1:8] = True
    pixels[3:6, 3:7] = False
    counts = rle.runs_from_mask(np.ascontiguousarray(pixels.T)).tolist()
    entry = note(bbox=None, segmentation={"size": [10, 10], "counts": counts})
    found = Read(document(entry, images=[{**IMAGE, "width": 10, "height": 10}]), prefer="polygon")
    [[outer, hole]] = found.place().polygons
    rings = [[10 * number for number in ring] for ring in (outer, hole)]
    assert np.array_equal(mask_from_rings(rings, 10, 10), pixels)
    assert found.losses == {"RLE_TO_POLYGON": 1}


@pytest.mark.proves("labels: 35", "coco read: category", "coco read: keypoints")
def test_keypoints_are_visible_occluded_or_invisible() -> None:
    entry = note(keypoints=[20, 10, 2, 40, 20, 1, 0, 0, 0], num_keypoints=2)
    found = Read(document(entry, categories=[PEOPLE]))
    points = found.place().values
    assert [point.name for point in points] == ["nose", "eye", "ear"]
    assert [point.visibility for point in points] == [Visibility.VISIBLE, Visibility.OCCLUDED, Visibility.INVISIBLE]
    assert (points[1].x, points[1].y) == (0.2, 0.2)
    [template] = found.labels.ontology.skeleton_templates
    assert [edge[:2] for edge in template.edges] == [(0, 1), (1, 2)]


@pytest.mark.proves("coco read: keypoints")
def test_an_invisible_keypoint_keeps_its_place() -> None:
    found = Read(document(note(keypoints=[20, 10, 2, 40, 20, 1, 60, 30, 0]), categories=[PEOPLE]))
    ear = found.place().values[2]
    assert (ear.x, ear.y, ear.visibility) == (0.3, 0.3, Visibility.INVISIBLE)
    assert found.report.is_lossless


@pytest.mark.proves("coco read: keypoints")
def test_the_template_is_drawn_as_the_first_complete_one() -> None:
    entries = [
        note(id=n, keypoints=keypoints, num_keypoints=sum(v > 0 for v in keypoints[2::3]))
        for n, keypoints in enumerate(
            ([20, 10, 2, 40, 20, 0, 0, 0, 0], [10, 10, 2, 30, 20, 2, 50, 50, 1], [0, 0, 2, 30, 20, 2, 50, 90, 1]), 1
        )
    ]
    [template] = Read(document(*entries, categories=[PEOPLE])).labels.ontology.skeleton_templates
    assert [(node.name, node.x, node.y) for node in template.skeleton] == [
        ("nose", 0.0, 0.0), ("eye", 0.5, 0.25), ("ear", 1.0, 1.0),
    ]  # fmt: skip


@pytest.mark.proves("coco read: keypoints", "coco codes: KEYPOINT_NAMES_MISSING")
def test_keypoints_without_names_are_numbered() -> None:
    found = Read(document(note(keypoints=[20, 10, 2, 40, 20, 1], num_keypoints=2)))
    assert [point.name for point in found.place().values] == ["kp_1", "kp_2"]
    assert "KEYPOINT_NAMES_MISSING" in found.notes


@pytest.mark.proves("coco read: keypoints with an outline")
def test_a_person_without_labelled_keypoints_is_its_outline() -> None:
    entry = note(keypoints=[0] * 9, num_keypoints=0, segmentation=[OUTER])
    assert Read(document(entry, categories=[PEOPLE])).objects[0].ontology_item.shape.value == "polygon"


def test_one_keypoint_is_a_point() -> None:
    found = Read(document(note(keypoints=[50, 25, 2], num_keypoints=1)))
    assert found.classes == [("car", "point")]
    assert (found.place().x, found.place().y) == (0.25, 0.25)


def test_keypoints_without_visibility_are_visible() -> None:
    found = Read(document(note(keypoints=[20, 10, 40, 20], num_keypoints=2)))
    assert [point.visibility for point in found.place().values] == [Visibility.VISIBLE] * 2


@pytest.mark.proves("labels: 34", "coco read: iscrowd", "coco codes: CROWD_KEPT")
def test_a_crowd_is_kept_and_says_so() -> None:
    entry = note(bbox=None, iscrowd=1, segmentation={"size": [3, 4], "counts": RUNS})
    found = Read(document(entry, images=[RLE_IMAGE]))
    assert found.answers() == {"iscrowd": ["iscrowd"]}
    assert "CROWD_KEPT" in found.notes
    assert found.losses == {}
    dropped = Read(document(entry, images=[RLE_IMAGE]), crowd="drop")
    assert len(dropped.objects) == 1
    assert dropped.losses == {"CROWD_DROPPED": 1}


@pytest.mark.proves("labels: 34")
def test_a_crowd_is_a_crowd_again_when_written() -> None:
    entry = note(bbox=None, iscrowd=1, segmentation={"size": [3, 4], "counts": RUNS})
    files, _ = written(FORMAT, Read(document(entry, images=[RLE_IMAGE])).labels)
    assert json.loads(files["annotations.json"])["annotations"][0]["iscrowd"] == 1


@pytest.mark.proves("coco read: bbox of five")
def test_a_bbox_of_five_is_rotated_about_its_centre() -> None:
    entry = note(bbox=[100, 50, 60, 40, 30])
    box = Read(document(entry)).place()
    assert box.theta == 330
    assert (box.top_left_x, box.top_left_y) == (0.35, 0.3)
    box = Read(document(entry), rotated_bbox="corner_clockwise").place()
    assert (box.top_left_x, box.top_left_y, box.theta) == (0.5, 0.5, 30)


# -- tasks --------------------------------------------------------------------------------------------------------


@pytest.mark.proves("coco read: caption")
def test_captions_that_two_files_say_are_counted_once() -> None:
    two = [{"id": n, "image_id": 1, "caption": text} for n, text in enumerate(("a", "b"), 1)]
    file = json.dumps(document(*two, categories=[])).encode()
    report = Report()
    labels = read(MemorySource({"captions_val.json": file, "copy/captions_val.json": file}), "coco", report=report)
    predict(report, labels, Carries(frozenset(), frozenset(DataType), frozenset()))
    assert all(min(row.values()) >= 0 for row in report.counts().values())
    assert report.counts()["caption"]["in"] == 4


def test_a_name_of_a_video_that_is_no_text_is_told() -> None:
    video = {"id": 1, "name": {"a": 1}, "width": 4, "height": 3, "length": 1}
    frame = {"id": 1, "video_id": 1, "frame_id": 0, "file_name": "v/0.jpg", "width": 4, "height": 3}
    found = Read(document(note(bbox=[0, 0, 2, 2], video_id=1), images=[frame], videos=[video]))
    assert [loss.detail for loss in found.report.losses() if loss.label == "image.name"] == [
        "'name' is {'a': 1}, which is no name."
    ]


def test_a_key_with_odd_characters_is_read_beside_an_entry_that_is_no_object() -> None:
    found = Read(document(9007199254740993, note(**{'a"b': 2})))
    assert [loss.code for loss in found.report.losses() if loss.type == "annotation"] == ["INVALID_ANNOTATION"]
    assert len(found.objects) == 1


def test_captions_are_joined_or_kept_apart() -> None:
    two = [{"id": n, "image_id": 1, "caption": text} for n, text in ((1, "a car"), (2, "a road"))]
    joined = Read(document(*two, categories=[]))
    assert [answers_of(one) for one in joined.classifications] == [{"caption": "a car\na road"}]
    assert joined.report.counts()["caption"] == {"in": 2, "kept": 1, "changed": 1, "dropped": 0}
    apart = Read(document(*two, categories=[]), captions="separate")
    assert [answers_of(one) for one in apart.classifications] == [{"caption": "a car"}, {"caption 2": "a road"}]
    assert apart.losses == {}


@pytest.mark.proves("coco read: category without geometry")
def test_categories_without_geometry_are_labels_of_the_image() -> None:
    plain = {"id": 1, "image_id": 1, "category_id": 1}
    found = Read(document(plain, categories=[CATEGORY, {"id": 2, "name": "road"}]))
    assert [answers_of(one) for one in found.classifications] == [{"Labels": ["car"]}]
    assert found.classes == []


def test_images_alone_are_rows_without_labels() -> None:
    found = Read({"images": [IMAGE, {**IMAGE, "id": 2, "file_name": "b.jpg"}], "annotations": [], "categories": []})
    assert [row.data_title for row in found.rows] == ["a.jpg", "b.jpg"]
    assert found.objects == []


def panoptic(numbers: np.ndarray[Any, Any]) -> MemorySource:
    from PIL import Image

    colours = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], -1).astype(np.uint8)
    png = io.BytesIO()
    Image.fromarray(colours).save(png, "PNG")
    segments = [{"id": 197121, "category_id": 1, "iscrowd": 0}, {"id": 7, "category_id": 1, "iscrowd": 0}]
    entry = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    file = document(entry, images=[{**IMAGE, "width": numbers.shape[1], "height": numbers.shape[0]}])
    return MemorySource({"panoptic_x.json": json.dumps(file).encode(), "panoptic_x/a.png": png.getvalue()})


@pytest.mark.proves("labels: 36", "coco read: panoptic")
def test_a_panoptic_segment_is_a_mask_and_void_is_none() -> None:
    numbers = np.zeros((30, 40), np.int64)
    numbers[5:15, 10:30] = 197121
    found = Read(panoptic(numbers))
    assert [int(one._frames[0].coordinates.to_numpy_array().sum()) for one in found.objects] == [200]
    assert found.losses == {"EMPTY_MASK": 1}


def test_a_panoptic_file_without_its_images_says_so() -> None:
    entry = {"image_id": 1, "file_name": "a.png", "segments_info": [{"id": 7, "category_id": 1}]}
    assert Read(document(entry)).losses == {"PANOPTIC_PNG_MISSING": 1}


RESULT = [{"image_id": 1, "category_id": 1, "bbox": [10, 20, 60, 40], "score": 0.25}]


@pytest.mark.proves("labels: 42", "coco read: results")
def test_results_take_images_and_classes_from_the_ground_truth(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(json.dumps(document(note())))
    found = Read(RESULT, ground_truth=str(tmp_path / "truth.json"))
    [instance] = found.objects
    assert instance.object_name == "car"
    info = instance._frames[0].object_frame_instance_info
    assert (info.confidence, info.manual_annotation) == (0.25, False)


@pytest.mark.proves("labels: 42")
def test_results_without_the_ground_truth_are_refused_with_advice() -> None:
    with pytest.raises(ReadError, match=r"is a list of results.*-r ground_truth=PATH") as caught:
        Read(RESULT)
    assert str(caught.value).startswith("memory/annotations.json: ")


def test_a_real_results_file_is_read_with_its_ground_truth() -> None:
    case = FIXTURES / "results-bbox"
    report = Report()
    labels = read(case / "result.json", "coco", report=report, ground_truth=str(case / "dataset.json"))
    objects = [one for row in labels for one in row._objects.values()]
    assert len(objects) == len(json.loads((case / "result.json").read_text()))
    assert all(one._frames[0].object_frame_instance_info.confidence < 1 for one in objects)


# -- names --------------------------------------------------------------------------------------------------------


def image_bytes(size: tuple[int, int]) -> bytes:
    from PIL import Image

    png = io.BytesIO()
    Image.new("L", size).save(png, "PNG")
    return png.getvalue()


def sized(name: Any, members: dict[str, bytes], **image: Any) -> Read:
    entry = {"id": 1, "file_name": name, **image}
    if name is None:
        del entry["file_name"]
    file = json.dumps(document(note(), images=[entry])).encode()
    return Read(MemorySource({"annotations.json": file, **members}))


@pytest.mark.proves("labels: 40", "coco read: automatic maps")
@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("a.png", "images/a.png"),
        ("cam/a.png", "data/cam/a.png"),
        ("http://host/bucket/cam%201/a%20b.png?token=1", "cam 1/a b.png"),
        ("C:\\data\\cam\\a.png", "cam/a.png"),
        ("/data/upload/1/größe.png", "größe.png"),
        ("Gro\u0308ße.png", "cam/Gr\u00f6ße.png"),
        ("Gr\u00f6ße.png", "cam/Gro\u0308ße.png"),
        ("s3://bucket/cam/a.png", "cam/a.png"),
        ("../cam/a.png", "cam/a.png"),
        ("a.jpg", "a.png"),
    ],
)
def test_a_image_is_found_by_any_form_of_its_name(name: str, member: str) -> None:
    found = sized(name, {member: image_bytes((7, 5)), "other/b.png": image_bytes((9, 9))})
    assert (found.rows[0].width, found.rows[0].height) == (7, 5)


def test_a_image_that_exif_turns_has_the_size_as_it_is_shown_and_says_so() -> None:
    from PIL import Image

    exif, jpeg = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (7, 5)).save(jpeg, "JPEG", exif=exif)
    found = sized("a.jpg", {"a.jpg": jpeg.getvalue()})
    assert (found.rows[0].width, found.rows[0].height) == (5, 7)
    assert [(str(one.level), one.count) for one in found.report.notes() if one.code == "EXIF_ORIENTATION"] == [
        ("warning", 1)
    ]
    assert "EXIF_ORIENTATION" not in sized("a.png", {"a.png": image_bytes((7, 5))}).notes


@pytest.mark.proves("labels: 40")
def test_the_longest_common_path_wins_over_equal_names() -> None:
    found = sized("two/a.png", {"x/one/a.png": image_bytes((7, 5)), "x/two/a.png": image_bytes((9, 4))})
    assert (found.rows[0].width, found.rows[0].height) == (9, 4)


@pytest.mark.proves("labels: 40", "coco codes: AMBIGUOUS_FILE")
def test_an_ambiguous_name_names_the_candidates() -> None:
    with pytest.raises(ReadError, match=r"AMBIGUOUS_FILE.*'one/a.png' or 'two/a.png'"):
        sized("a.png", {"one/a.png": image_bytes((7, 5)), "two/a.png": image_bytes((9, 4))})


def test_what_lvis_says_of_images_is_kept_as_metadata() -> None:
    found = Read(document(note(), images=[{**IMAGE, "neg_category_ids": [3, 4], "not_exhaustive_category_ids": [1]}]))
    expected = {"coco": {"neg_category_ids": [3, 4], "not_exhaustive_category_ids": [1]}}
    assert found.rows[0].client_metadata == expected


@pytest.mark.proves("labels: 39")
def test_lvis_images_are_named_by_the_end_of_their_url() -> None:
    url = "http://images.cocodataset.org/train2017/000000391895.jpg"
    found = sized(None, {}, width=20, height=10, coco_url=url)
    assert found.rows[0].data_title == "train2017/000000391895.jpg"


@pytest.mark.proves("labels: 39")
def test_lvis_images_are_found_by_the_end_of_their_url() -> None:
    url = "http://images.cocodataset.org/train2017/000000391895.jpg"
    files = {"train2017/000000391895.jpg": image_bytes((7, 5)), "val2017/000000391895.jpg": image_bytes((9, 9))}
    found = sized(None, files, coco_url=url)
    assert (found.rows[0].width, found.rows[0].height) == (7, 5)


def test_no_file_name_leads_out_of_a_folder() -> None:
    assert sized("../../etc/passwd", {}, width=2, height=2).rows[0].data_title == "etc/passwd"


def test_a_size_nobody_knows_is_an_error_or_an_option() -> None:
    file = document(note(), images=[{"id": 1, "file_name": "a.jpg"}])
    with pytest.raises(ReadError, match=r"the size of the image 'a\.jpg' is not known"):
        Read(file)
    row = Read(file, size="200x100").rows[0]
    assert (row.width, row.height) == (200, 100)


def test_the_size_of_a_image_may_come_from_its_mask() -> None:
    entry = note(bbox=None, segmentation={"size": [3, 4], "counts": RUNS})
    row = Read(document(entry, images=[{"id": 1, "file_name": "a.jpg"}])).rows[0]
    assert (row.width, row.height) == (4, 3)


@pytest.mark.proves("coco read: licence, info, urls")
def test_licence_and_urls_of_an_image_are_client_metadata() -> None:
    file = document(note(), images=[{**IMAGE, "license": 3, "flickr_url": "http://f/1", "coco_url": ""}])
    assert Read(file).rows[0].client_metadata == {"coco": {"license": 3, "flickr_url": "http://f/1"}}


@pytest.mark.proves("coco read: licence, info, urls")
def test_blocks_without_a_place_are_native() -> None:
    blocks = {"info": {"year": 2020}, "licenses": [{"id": 1, "name": "CC"}], "zebra": [1]}
    found = Read({**document(note()), **blocks})
    assert blocks.items() <= found.labels.native["coco"].items()
    assert found.notes == set()


def test_a_block_of_megabytes_that_nobody_knows_is_said_not_to_be_read() -> None:
    assert Read({**document(note()), "zebra": [{"a": "x" * (5 << 20)}]}).losses == {"BLOCK_NOT_READ": 1}


# -- order, size, containers --------------------------------------------------------------------------------------


def crowded(images: int, per_image: int, *, shuffled: bool = False) -> dict[str, Any]:
    entries = [
        note(id=n + 1, image_id=n // per_image + 1, bbox=[n % 90, 1, 5 + n % 7, 5], category_id=1 + n % 3)
        for n in range(images * per_image)
    ]
    if shuffled:
        random.Random(5).shuffle(entries)
    image_entries = [{**IMAGE, "id": n + 1, "file_name": f"{n}.jpg"} for n in range(images)]
    categories = [{"id": n, "name": f"class {n}"} for n in (1, 2, 3)]
    return {"images": image_entries, "annotations": entries, "categories": categories}


def places(found: Read) -> list[Any]:
    return [
        (row.data_title, sorted((one.object_name, repr(one._frames[0].coordinates)) for one in row._objects.values()))
        for row in found.rows
    ]


@pytest.mark.proves("labels: 31")
def test_blocks_may_come_in_any_order() -> None:
    file = crowded(20, 5)
    reverse = {name: file[name] for name in ("annotations", "images", "categories")}
    assert places(Read(reverse)) == places(Read(file))
    assert list(Read(reverse).labels.ontology.to_dict()) == list(Read(file).labels.ontology.to_dict())


@pytest.mark.proves("labels: 31")
def test_sparse_category_ids_have_the_right_names() -> None:
    categories = [{"id": n, "name": name} for n, name in ((90, "brush"), (3, "car"), (17, "cat"))]
    entries = [note(id=n, category_id=category) for n, category in ((1, 3), (2, 17), (3, 90))]
    file = {"annotations": entries, "images": [IMAGE], "categories": categories}
    assert [one.object_name for one in Read(file).objects] == ["car", "cat", "brush"]


def test_annotations_in_any_order_are_on_their_images() -> None:
    assert places(Read(crowded(40, 7, shuffled=True))) == places(Read(crowded(40, 7)))


@pytest.mark.proves("labels: 49")
@pytest.mark.parametrize("size", [64, 500, 4096])
@pytest.mark.parametrize("indent", [None, 1])
def test_stretches_of_any_size_give_the_same(size: int, indent: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    file = crowded(30, 3)
    file["annotations"][5]["attributes"] = {"note": '"}, {"id": 7}', "list": ["}", "{"]}
    expected = hub_of(Read(file).labels)
    monkeypatch.setattr(_coco_documents, "CHUNK_BYTES", size)
    assert hub_of(Read(json.dumps(file, indent=indent).encode()).labels) == expected


def test_gzip_byte_order_mark_and_standard_input_are_read() -> None:
    plain = json.dumps(document(note())).encode()
    assert Read(source(b"\xef\xbb\xbf" + plain)).place().width == 0.3
    assert Read(source(gzip.compress(plain), "a.json.gz")).place().width == 0.3
    with spooled(io.BytesIO(plain)) as stdin:
        assert FORMAT.identify(stdin) is Match.YES
        assert Read(stdin).place().width == 0.3
    assert FORMAT.identify(source(gzip.compress(plain), "a.json.gz")) is Match.YES


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_members_of_archives_are_read(name: str, tmp_path: Path) -> None:
    text = json.dumps(document(note())).encode()
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"annotations/{name}", gzip.compress(text) if name.endswith(".gz") else text)
    assert Read(source_at(tmp_path / "a.zip")).place().width == 0.3


def test_walking_twice_gives_the_same_rows_and_account() -> None:
    found = Read(crowded(5, 2))
    again = list(found.report.rows(found.labels))
    assert [row.to_encord_dict() for row in again] == [row.to_encord_dict() for row in found.rows]
    assert found.report.counts()["bbox"]["in"] == 10


@pytest.mark.proves("labels: 49")
def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_coco_documents, "CHUNK_BYTES", 1 << 16)

    def peak(images: int) -> int:
        path = tmp_path / f"{images}.json"
        path.write_text(json.dumps(crowded(images, 10)))
        tracemalloc.start()
        labels: LabelSet = read(path, "coco", report=Report())
        for _ in labels:
            pass
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    # The index of a shape is 32 bytes; the file has 130 and its objects more than a thousand.
    assert peak(1500) - peak(500) < 10_000 * 150


# -- classes ------------------------------------------------------------------------------------------------------


def test_a_category_that_is_never_used_has_the_shape_one_says() -> None:
    file = document(note(), categories=[CATEGORY, {"id": 2, "name": "bus"}])
    assert Read(file).classes[1] == ("bus", "bounding_box")
    assert Read(file, unused_shape="polygon").classes[1] == ("bus", "polygon")


@pytest.mark.proves("coco read: supercategory")
def test_a_supercategory_is_native_or_an_answer() -> None:
    file = document(note(), categories=[{**CATEGORY, "supercategory": "vehicle"}])
    assert Read(file).labels.native["coco"]["classes"]["car"]["supercategory"] == "vehicle"
    assert Read(file, supercategory="attribute").answers() == {"supercategory": "vehicle"}


@pytest.mark.proves("coco read: supercategory")
@pytest.mark.parametrize("option", ["drop", "attribute"])
def test_a_supercategory_that_is_a_shape_is_no_group(option: str) -> None:
    found = Read(document(note(), categories=[{**CATEGORY, "supercategory": "bounding_box"}]), supercategory=option)
    assert (found.classes, found.answers(), found.notes) == ([("car", "bounding_box")], {}, set())


def test_colours_of_categories_are_kept() -> None:
    file = document(note(), categories=[{**CATEGORY, "color": [16, 32, 48]}])
    assert Read(file).labels.ontology.objects[0].color == "#102030"


@pytest.mark.proves("coco read: automatic maps")
def test_a_given_ontology_is_used_by_name(tmp_path: Path) -> None:
    ontology = Read(document(note(attributes={"state": "new"}))).labels.ontology
    path = tmp_path / "ontology.json"
    path.write_text(json.dumps(ontology.to_dict()))
    found = Read(document(note(attributes={"state": "new"}), note(id=2, attributes={"state": "old"})),
                 ontology=str(path))  # fmt: skip
    assert found.labels.ontology.to_dict() == ontology.to_dict()
    assert found.losses == {"UNKNOWN_OPTION": 1}
    other = Read(document(note(), categories=[{"id": 1, "name": "bus"}]), ontology=str(path))
    assert other.classes == [("car", "bounding_box"), ("bus", "bounding_box")]
    assert "UNDECLARED_LABEL" in other.notes


def test_an_ontology_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"nowhere\.json: cannot be read"):
        Read(document(note()), ontology=str(tmp_path / "nowhere.json"))
    (tmp_path / "o.json").write_text("[1]")
    with pytest.raises(ReadError, match="is not an ontology structure"):
        Read(document(note()), ontology=str(tmp_path / "o.json"))


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("radio_values", "65", "it takes 0 to 64"),
        ("size", "big", "it takes WIDTHxHEIGHT"),
        ("frame_pattern", "(", "is no regular expression"),
        ("frame_pattern", "a", "needs the groups"),
        ("prefer", "box", "it takes as_drawn, polygon or bitmask"),
    ],
)
def test_a_wrong_option_is_refused(option: str, value: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document(note())))
    with pytest.raises(OptionError, match=sentence):
        read(tmp_path / "a.json", "coco", **{option: value})


def test_the_row_is_a_still_image_of_the_size_the_file_says() -> None:
    [row] = Read(document(note())).rows
    assert (row.data_type, row.width, row.height) == (DataType.IMAGE, WIDTH, HEIGHT)


@pytest.mark.parametrize("text", [b"{}", b"[]", b"[1]", b'{"images":{}}', b"hello", b""])
def test_other_json_is_not_claimed(text: bytes) -> None:
    assert FORMAT.identify(source(text)) is Match.NO


def test_rows_are_read_from_wherever_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document(note())))
    labels = read(path, "coco", report=Report())
    monkeypatch.chdir(Path(__file__).parent)
    assert sum(1 for _ in labels) == 1


@pytest.mark.proves("labels: 33")
def test_a_mask_with_a_hole_keeps_its_pixels_and_is_no_crowd_when_written() -> None:
    pixels = np.zeros((10, 10), bool)
    pixels[1:9, 1:8] = True
    pixels[3:6, 3:7] = False
    counts = rle.runs_from_mask(np.ascontiguousarray(pixels.T)).tolist()
    entry = note(bbox=None, area=None, segmentation={"size": [10, 10], "counts": counts})
    found = Read(document(entry, images=[{**IMAGE, "width": 10, "height": 10}]))
    files, _ = written(FORMAT, found.labels)
    [back] = json.loads(files["annotations.json"])["annotations"]
    assert (back["area"], back["iscrowd"]) == (44, 0)
    assert back["segmentation"] == {"size": [10, 10], "counts": rle.string_from_runs(counts)}
    assert np.array_equal(found.place().to_numpy_array(), pixels)
