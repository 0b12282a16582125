"""What a COCO file holds, value by value, and what consumers make of it."""

import contextlib
import io
import json
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from encord_convert._samples import SAMPLES, Sample, box, mask_of, ring, skeletons
from encord_convert.conversion import write
from encord_convert.errors import OptionError, WriteError
from encord_convert.formats import Match, format_named
from encord_convert.formats._api import parse_options
from encord_convert.formats._files import MemorySource, MemoryTarget
from encord_convert.formats.coco import write as _coco_file
from encord_convert.formats.coco.page import WriteOptions
from encord_convert.formats.coco.write_numbers import texts_of
from encord_convert.hub.draft import Draft
from encord_convert.hub.extents import Extents
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.compare import diff
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ChecklistAttribute, LabelRowV2, RadioAttribute, Shape, TextAttribute
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
    Visibility,
)
from encord_convert.sdk.objects.frames import Range
from encord_convert.testing import hub_of

WIDE, HIGH = 200, 100

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, numpy 2


def text_of(labels: LabelSet, name: str = "coco", **options: Any) -> tuple[bytes, Report]:
    exporter = format_named(name).exporter
    assert exporter is not None
    report, target = Report(), MemoryTarget()
    with target:
        exporter.write(labels, target, parse_options(exporter.options, options, format_name=name), report)
    assert list(target.files) == ["annotations.json"]
    return target.files["annotations.json"], report


def written(labels: LabelSet, name: str = "coco", **options: Any) -> tuple[dict[str, Any], Report]:
    text, report = text_of(labels, name, **options)
    return json.loads(text), report


def the_only(labels: LabelSet, **options: Any) -> dict[str, Any]:
    file, _ = written(labels, **options)
    (annotation,) = file["annotations"]
    return annotation  # type: ignore[no-any-return]


def losses(report: Report) -> list[tuple[str, str, str, str, int]]:
    return [(str(x.kind), x.code, str(x.feature), x.type, x.count) for x in report.losses()]


class Wide(Sample):
    """A sample whose image is 200 × 100 pixels."""

    def add_row(self, data_type: DataType, frames: int, title: str) -> None:
        unit = self.draft.unit(title, WIDE, HIGH, (title,))
        self.rows.append(self.draft.row(data_type, title, [unit], frames=frames, key=(title,)))


def one(shape: Shape, coordinates: object) -> LabelSet:
    s = Wide()
    s.place(s.draft.add_object("thing", shape), coordinates)
    return s.done()


def polygon(*flat: float) -> PolygonCoordinates:
    """A ring in pixels of the wide image."""
    return PolygonCoordinates._from_flat([n / (HIGH if i % 2 else WIDE) for i, n in enumerate(flat)])


def rings(*polygons: list[list[float]]) -> PolygonCoordinates:
    return PolygonCoordinates._from_rings([[list(polygon(*flat)._flat) for flat in part] for part in polygons])


def rotated(theta: float, x: float = 0.05, y: float = 0.2, w: float = 0.25, h: float = 0.4) -> Any:
    return RotatableBoundingBoxCoordinates(height=h, width=w, top_left_x=x, top_left_y=y, theta=theta)


def bitmask(*pixels: tuple[int, int], height: int = HIGH, width: int = WIDE) -> BitmaskCoordinates:
    """A mask with the pixels (row, column) set."""
    mask = np.zeros((height, width), bool)
    for row, column in pixels:
        mask[row, column] = True
    return BitmaskCoordinates(mask)


def painted(annotation: dict[str, Any]) -> NDArray[np.bool_]:
    return np.asarray(coco_masks.decode(annotation["segmentation"])).astype(bool)


# --- boxes ----------------------------------------------------------------------------------------------------------


@pytest.mark.proves("coco written: bounding_box")
def test_a_box_is_written_in_pixels() -> None:
    annotation = the_only(one(Shape.BOUNDING_BOX, box(0.05, 0.2, 0.25, 0.4)))
    assert annotation["bbox"] == [10, 20, 50, 40]
    assert annotation["area"] == 2000
    assert annotation["segmentation"] == []
    assert annotation["iscrowd"] == 0


@pytest.mark.proves("coco written: bounding_box")
def test_box_polygons_are_the_corners_clockwise_from_the_top_left() -> None:
    annotation = the_only(one(Shape.BOUNDING_BOX, box(0.05, 0.2, 0.25, 0.4)), box_polygons="yes")
    assert annotation["segmentation"] == [[10, 20, 60, 20, 60, 60, 10, 60]]


@pytest.mark.proves("coco written: ids")
def test_category_ids_are_those_one_gives() -> None:
    s = Wide()
    for name in ("lane", "car", "bus"):
        s.place(s.draft.add_object(name, Shape.BOUNDING_BOX), box())
    file, _ = written(s.done(), category_ids="car=17, bus = 1")
    assert [(one["id"], one["name"]) for one in file["categories"]] == [(2, "lane"), (17, "car"), (1, "bus")]
    assert [one["category_id"] for one in file["annotations"]] == [2, 17, 1]
    with pytest.raises(OptionError, match="category_ids names 'tram', which is no category here; there are: 'lane'"):
        written(s.done(), category_ids="tram=3")
    for wrong in ("car", "car=0", "car=x", "car=3,bus=3", ""):
        with pytest.raises(OptionError, match="it takes name=id,name=id, with ids from 1 that differ"):
            written(s.done(), category_ids=wrong)


@pytest.mark.proves("coco written: numbers")
@pytest.mark.parametrize(("decimals", "left"), [(2, 33.33), (3, 33.333), (9, 33.333333333)])
def test_decimals_are_as_asked_for(decimals: int, left: float) -> None:
    assert the_only(one(Shape.BOUNDING_BOX, box(1 / 6, 0, 0.5, 1)), decimals=decimals)["bbox"][0] == left


@pytest.mark.parametrize("decimals", [2, 3, 4, 5, 9])
@pytest.mark.parametrize("width", [200, 16_383, 16_384, 40_000])
def test_rings_read_as_the_numbers_they_are(decimals: int, width: int) -> None:
    rng = np.random.default_rng(decimals)
    pixels = [np.round(rng.random((n, 2)) * (width, 99), 4) for n in (3, 40)]
    flat = [(points / (width, 99)).ravel() for points in pixels]
    limits = np.array([(width, 99)], np.float64)
    rings = Extents(Shape.POLYGON, np.concatenate(flat), [len(ring) for ring in flat], limits)
    (boxes, _, found), _ = texts_of(rings, WriteOptions(decimals=decimals))
    for points, text, box_text in zip(pixels, found, boxes, strict=True):
        numbers, bbox = np.array(json.loads(b"[" + text + b"]")).reshape(-1, 2), json.loads(b"[" + box_text + b"]")
        assert np.abs(numbers - points).max() <= 0.5 * 10**-decimals + 1e-9
        assert bbox == pytest.approx([*numbers.min(axis=0), *np.ptp(numbers, axis=0)])


def test_a_box_at_the_border_stays_inside_after_rounding() -> None:
    third = 100 / 3
    x = (WIDE - third) / WIDE
    left, _, width, _ = the_only(one(Shape.BOUNDING_BOX, box(x, 0.0, third / WIDE, 1.0)), decimals=2)["bbox"]
    assert left + width <= WIDE
    assert abs(left - x * WIDE) <= 0.005 and abs(width - third) <= 0.005 + 1e-9


@pytest.mark.proves("labels: 2", "coco official defects: rotated geometry", "coco written: rotatable box")
def test_a_rotated_box_is_enclosed_and_keeps_its_own_numbers() -> None:
    annotation = the_only(one(Shape.ROTATABLE_BOUNDING_BOX, rotated(350.0)))
    attributes = annotation["attributes"]
    assert attributes["rotation"] == 350
    assert attributes["unrotated_bbox"] == [10, 20, 50, 40]
    assert annotation["area"] == 2000
    (corners,) = annotation["segmentation"]
    xs, ys = corners[0::2], corners[1::2]
    left, top, width, height = annotation["bbox"]
    assert [left, top] == [min(xs), min(ys)]
    assert [left + width, top + height] == pytest.approx([max(xs), max(ys)])
    # Turned 10 degrees counter-clockwise: the corner that was top-left is now the lowest of the left two.
    assert corners[:2] == pytest.approx([6.907, 24.645], abs=0.001)


@pytest.mark.proves("coco written: rotatable box")
def test_a_quarter_turn_is_exact_and_clockwise_on_screen() -> None:
    annotation = the_only(one(Shape.ROTATABLE_BOUNDING_BOX, rotated(90.0)))
    assert annotation["segmentation"] == [[55, 15, 55, 65, 15, 65, 15, 15]]
    assert annotation["bbox"] == [15, 15, 40, 50]


@pytest.mark.parametrize(("theta", "rotation"), [(0.0, 0), (360.0, 0), (390.0, 30), (-10.0, 350), (-1e-20, 0)])
def test_rotation_is_always_there_and_from_0_to_360(theta: float, rotation: float) -> None:
    assert the_only(one(Shape.ROTATABLE_BOUNDING_BOX, rotated(theta)))["attributes"]["rotation"] == rotation


def test_a_rotated_box_that_leaves_the_image_loses_nothing() -> None:
    labels = one(Shape.ROTATABLE_BOUNDING_BOX, rotated(45.0, x=-0.1))
    file, report = written(labels)
    (annotation,) = file["annotations"]
    assert annotation["attributes"]["unrotated_bbox"] == [-20, 20, 50, 40]
    assert min(annotation["segmentation"][0]) >= 0 and annotation["bbox"][0] == 0
    assert report.is_lossless


# --- polygons -------------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 5", "coco written: polygon, one ring")
def test_a_polygon_keeps_the_order_of_its_points() -> None:
    annotation = the_only(one(Shape.POLYGON, polygon(10, 10, 50, 10, 50, 40)))
    assert annotation["segmentation"] == [[10, 10, 50, 10, 50, 40]]
    assert annotation["area"] == 600
    assert annotation["bbox"] == [10, 10, 40, 30]


@pytest.mark.proves("coco written: several outer rings")
def test_parts_are_rings_of_one_annotation() -> None:
    square, other = [0.0, 0, 10, 0, 10, 10, 0, 10], [20.0, 20, 30, 20, 30, 30, 20, 30]
    file, report = written(one(Shape.POLYGON, rings([square], [other])))
    (annotation,) = file["annotations"]
    assert annotation["segmentation"] == [square, other]
    assert annotation["area"] == 200
    assert annotation["bbox"] == [0, 0, 30, 30]
    assert annotation["iscrowd"] == 0
    assert report.is_lossless


@pytest.mark.proves("coco written: several outer rings")
def test_overlapping_parts_count_once_in_the_area() -> None:
    square, other = [0.0, 0, 10, 0, 10, 10, 0, 10], [5.0, 0, 15, 0, 15, 10, 5, 10]
    assert the_only(one(Shape.POLYGON, rings([square], [other])))["area"] == 150


@pytest.mark.proves("coco official defects: iscrowd", "coco written: holes", "coco codes: HOLES_AS_RLE")
def test_a_polygon_with_a_hole_becomes_a_mask_of_its_pixels() -> None:
    outer, hole = [0.0, 0, 8, 0, 8, 8, 0, 8], [2.0, 2, 2, 6, 7, 6, 7, 2]
    file, report = written(one(Shape.POLYGON, rings([outer, hole])))
    (annotation,) = file["annotations"]
    assert annotation["iscrowd"] == 0
    assert annotation["area"] == 44
    assert annotation["bbox"] == [0, 0, 8, 8]
    assert annotation["attributes"]["encord_shape"] == "polygon"
    expected = np.zeros((HIGH, WIDE), bool)
    expected[:8, :8] = True
    expected[2:6, 2:7] = False
    assert (painted(annotation) == expected).all()
    assert losses(report) == [("approximated", "HOLES_AS_RLE", "holes", "polygon", 1)]


def test_a_hole_in_a_image_too_large_to_paint_is_filled_and_reported() -> None:
    s = Sample()
    s.rows[0] = s.draft.row(DataType.IMAGE, "a", [s.draft.unit("a", 50_000, 50_000, ("a",))], frames=1, key=("a",))
    outer, hole = [0.0, 0, 0.5, 0, 0.5, 0.5, 0, 0.5], [0.1, 0.1, 0.1, 0.2, 0.2, 0.2]
    s.place(s.draft.add_object("leaf", Shape.POLYGON), PolygonCoordinates._from_rings([[outer, hole]]))
    file, report = written(s.done())
    assert file["annotations"][0]["segmentation"] == [[0, 0, 25_000, 0, 25_000, 25_000, 0, 25_000]]
    assert [loss[1] for loss in losses(report)] == ["HOLES_AS_RLE"]


def test_a_polygon_that_crosses_itself_has_an_area() -> None:
    assert the_only(one(Shape.POLYGON, polygon(0, 0, 40, 40, 40, 0, 0, 40)))["area"] > 0


# --- masks ----------------------------------------------------------------------------------------------------------


@pytest.mark.proves("coco official defects: iscrowd", "coco written: bitmask")
def test_a_mask_is_run_lengths_by_columns() -> None:
    annotation = the_only(one(Shape.BITMASK, bitmask((0, 1), (0, 2), (1, 1), height=HIGH)))
    expected = np.zeros((HIGH, WIDE), bool)
    expected[0, 1] = expected[0, 2] = expected[1, 1] = True
    assert annotation["segmentation"]["size"] == [HIGH, WIDE]
    assert (painted(annotation) == expected).all()
    assert annotation["bbox"] == [1, 0, 2, 2]
    assert annotation["area"] == 3
    assert annotation["iscrowd"] == 0
    reference = coco_masks.encode(np.asfortranarray(expected.astype(np.uint8)))
    assert annotation["segmentation"]["counts"] == reference["counts"].decode()


@pytest.mark.proves("coco written: bitmask")
def test_runs_are_lists_on_request() -> None:
    holed = rings([[0.0, 0, 8, 0, 8, 8, 0, 8], [2.0, 2, 2, 6, 7, 6, 7, 2]])
    for labels in (
        one(Shape.BITMASK, bitmask((0, 1), (0, 2), (1, 1))),
        one(Shape.POLYGON, holed),
        SAMPLES["bitmasks"](),
    ):
        usual, listed = the_only(labels), the_only(labels, counts="list")
        segmentation = listed.pop("segmentation")
        assert all(type(run) is int for run in segmentation["counts"])
        packed = coco_masks.frPyObjects(segmentation, *segmentation["size"])
        assert packed["counts"].decode() == usual.pop("segmentation")["counts"]
        assert listed == usual


def test_lists_of_runs_are_written_of_images_in_columns_too() -> None:
    from encord_convert.conversion import read

    mask = '<mask label="a" rle="1, 2, 2, 1, 6" left="10" top="5" width="4" height="3" occluded="0" z_order="0"/>'
    head = "<annotations><version>1.1</version><meta><task><labels><label><name>a</name></label></labels></task></meta>"
    image = f'<image id="0" name="a.jpg" width="20" height="15">\n{mask}\n</image>'
    labels = read(MemorySource({"a.xml": f'<?xml version="1.0"?>\n{head}\n{image}\n</annotations>\n'.encode()}))
    usual, listed = the_only(labels)["segmentation"], the_only(labels, counts="list")["segmentation"]
    assert coco_masks.frPyObjects(listed, 15, 20)["counts"].decode() == usual["counts"]


@pytest.mark.proves("labels: 7")
def test_the_row_runs_of_a_box_become_the_right_pixels() -> None:
    runs = np.array([1, 2, 2, 1, 6])
    labels = one(Shape.BITMASK, BitmaskCoordinates._from_box_runs(runs, 10, 5, 4, 3, WIDE, HIGH))
    annotation = the_only(labels)
    assert annotation["area"] == 3
    assert [tuple(pixel) for pixel in np.argwhere(painted(annotation))] == [(5, 11), (5, 12), (6, 11)]
    assert annotation["bbox"] == [11, 5, 2, 2]


@pytest.mark.parametrize("runs", [[0, 0, 5, 2, 5], [5, 1, 0, 1, 5], [5, 2, 5, 0], [4, 0, 1, 2, 5]])
def test_runs_of_nothing_change_nothing(runs: list[int]) -> None:
    masks = [BitmaskCoordinates._from_box_runs(np.array(r), 10, 5, 4, 3, WIDE, HIGH) for r in (runs, [5, 2, 5])]
    annotations = [the_only(one(Shape.BITMASK, mask)) for mask in masks]
    assert annotations[0] == annotations[1]


@pytest.mark.parametrize("seed", range(20))
def test_random_masks_survive_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((HIGH, WIDE), bool)
    top, left = rng.integers(0, HIGH - 1), rng.integers(0, WIDE - 1)
    crop = mask[top : top + rng.integers(1, 30), left : left + rng.integers(1, 30)]
    crop[...] = rng.random(crop.shape) < 0.5
    crop[0, 0] = True
    annotation = the_only(one(Shape.BITMASK, BitmaskCoordinates(mask)))
    assert (painted(annotation) == mask).all()
    assert annotation["area"] == mask.sum()
    assert annotation["bbox"] == coco_masks.toBbox(annotation["segmentation"]).tolist()


def test_a_mask_of_another_size_keeps_the_pixels_inside_the_image() -> None:
    s = Wide()
    class_ = s.draft.add_object("thing", Shape.BITMASK)
    s.place(class_, bitmask((1, 1), height=10, width=10))
    s.place(class_, bitmask((1, 1), (150, 150), height=300, width=300))
    s.place(class_, bitmask((150, 150), height=300, width=300))
    file, report = written(s.done())
    assert [np.argwhere(painted(a)).tolist() for a in file["annotations"]] == [[[1, 1]], [[1, 1]]]
    assert sorted(losses(report)) == [
        ("approximated", "CLIPPED", "out_of_bounds", "bitmask", 1),
        ("dropped", "CLIPPED", "out_of_bounds", "bitmask", 1),
    ]


# --- points and skeletons -------------------------------------------------------------------------------------------


@pytest.mark.proves("coco official defects: polygons of a point", "coco written: point")
def test_a_point_is_one_keypoint_with_a_box_around_it() -> None:
    file, report = written(one(Shape.POINT, PointCoordinate(0.25, 0.5)))
    (annotation,) = file["annotations"]
    assert annotation["keypoints"] == [50, 50, 2]
    assert annotation["num_keypoints"] == 1
    assert annotation["bbox"] == [49.5, 49.5, 1, 1]
    assert annotation["area"] == 1
    assert annotation["segmentation"] == []
    assert file["categories"][0]["keypoints"] == ["thing"]
    assert file["categories"][0]["skeleton"] == []
    assert report.is_lossless


@pytest.mark.proves("coco written: point")
@pytest.mark.parametrize(
    ("x", "y", "bbox"), [(0.0, 0.0, [0, 0, 3, 3]), (1.0, 1.0, [197, 97, 3, 3]), (1.5, 0.5, [197, 48.5, 3, 3])]
)
def test_the_box_of_a_point_stays_inside_the_image(x: float, y: float, bbox: list[float]) -> None:
    annotation = the_only(one(Shape.POINT, PointCoordinate(x, y)), point_size_px=3)
    assert annotation["bbox"] == bbox
    assert annotation["keypoints"] == [x * WIDE, y * HIGH, 2]


@pytest.mark.proves(
    "labels: 35", "coco official defects: names of skeletons", "coco written: categories", "coco written: skeleton"
)
def test_a_skeleton_follows_its_template() -> None:
    file, report = written(skeletons())
    (annotation,) = file["annotations"]
    assert annotation["keypoints"] == [8, 9, 2, 16, 9, 1, 0, 0, 0]
    assert annotation["num_keypoints"] == 2
    assert annotation["bbox"] == [8, 9, 8, 1]
    assert annotation["area"] == 8
    (category,) = file["categories"]
    assert category["keypoints"] == ["wrist", "thumb", "tip"]
    assert category["skeleton"] == [[1, 2], [2, 3]]
    assert report.is_lossless


@pytest.mark.proves("coco written: skeleton")
def test_points_in_another_order_are_put_in_that_of_the_template() -> None:
    labels = skeletons()
    instance = labels.held()._rows[0].get_object_instances()[0]  # type: ignore[index]
    points = instance.get_annotation(0).coordinates.values
    instance.set_for_frames(SkeletonCoordinates(points[::-1]), 0, overwrite=True)
    (annotation,) = written(labels)[0]["annotations"]
    assert annotation["keypoints"] == [8, 9, 2, 16, 9, 1, 0, 0, 0]


@pytest.mark.proves("coco official defects: invisible keypoints")
def test_the_position_of_an_invisible_point_is_reported() -> None:
    file, report = written(SAMPLES["skeleton_with_hidden_position"]())
    assert file["annotations"][0]["keypoints"][6:] == [0, 0, 0]
    assert losses(report) == [("defaulted", "HIDDEN_POSITION_DROPPED", "hidden_position", "skeleton", 1)]


def test_a_skeleton_without_template_names_its_own_points() -> None:
    s = Wide()
    hand = s.draft.add_object("hand", Shape.SKELETON)
    for names in (("a", "b"), ("b", "c")):
        points = [
            SkeletonCoordinate(0.5, 0.1 * i, name, "", visibility=Visibility.VISIBLE) for i, name in enumerate(names)
        ]
        s.place(hand, SkeletonCoordinates(points))
    file, report = written(s.done())
    assert file["categories"][0]["keypoints"] == ["a", "b"]
    assert [a["keypoints"] for a in file["annotations"]] == [[100, 0, 2, 100, 10, 2], [0, 0, 0, 100, 0, 2]]
    assert [note.code for note in report.notes()] == ["KEYPOINT_NAMES_MISSING"]
    assert losses(report) == [("approximated", "KEYPOINT_UNKNOWN", "unknown_points", "skeleton", 1)]


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 46", "coco written: attributes")
def test_answers_are_attributes_by_name() -> None:
    file, report = written(SAMPLES["answers"]())
    first, second = (annotation["attributes"] for annotation in file["annotations"])
    del first["encord_object_hash"], second["encord_object_hash"]
    assert first == {"colour": "red", "colour/red/shade": "dark “red”\nline 2", "damage": ["dent"], "lit": True}
    assert second == {"lit": False}
    assert report.is_lossless


@pytest.mark.proves("labels: 46")
@pytest.mark.parametrize("sample", ["answers", "classifications"])
def test_nested_answers_come_back(sample: str) -> None:
    from encord_convert.conversion import read

    labels = SAMPLES[sample]()
    text, report = text_of(labels)
    assert report.is_lossless
    assert [str(one) for one in diff(labels, read(MemorySource({"a.json": text}), report=Report()))] == []


@pytest.mark.proves("coco written: attributes")
def test_checklists_are_booleans_on_request() -> None:
    from encord_convert.conversion import read

    labels = SAMPLES["answers"]()
    text, report = text_of(labels, checklists="objects")
    first, second = (annotation["attributes"] for annotation in json.loads(text)["annotations"])
    assert first["damage"] == {"dent": True, "scratch": False}
    assert (first["lit"], second["lit"]) == (True, False)
    assert report.is_lossless
    back = read(MemorySource({"a.json": text}), report=(reading := Report()))
    assert [str(one) for one in diff(labels, back)] == []
    assert reading.is_lossless


@pytest.mark.proves("coco written: attributes")
def test_every_annotation_says_which_object_it_was() -> None:
    labels = SAMPLES["tracks"]()
    hashes = list(next(iter(labels))._objects)
    file, _ = written(labels)
    assert [hashes.index(one["attributes"]["encord_object_hash"]) for one in file["annotations"]] == [0, 0, 0, 1, 0]


@pytest.mark.proves("coco written: attributes")
def test_tracks_count_from_1_in_each_video() -> None:
    s = Sample(DataType.VIDEO, frames=3, title="a.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, box(), [0, 2])
    s.place(car, box(0.4), [1, 2])
    s.add_row(DataType.VIDEO, 2, "b.mp4")
    s.place(car, box(), [0, 1])
    file, _ = written(s.done())
    assert [(one["image_id"], one["attributes"]["track_id"]) for one in file["annotations"]] == [
        (1, 1), (2, 2), (3, 1), (3, 2), (4, 1), (5, 1),
    ]  # fmt: skip


@pytest.mark.proves("labels: 45", "coco official defects: dynamic answers", "coco written: attributes")
def test_answers_that_change_are_those_of_the_frame() -> None:
    s = Sample(DataType.VIDEO, frames=6, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    speed = car.add_attribute(TextAttribute, "speed", feature_node_hash="speed000", dynamic=True)
    for title in ("road.mp4", "lane.mp4"):
        if title != "road.mp4":
            s.add_row(DataType.VIDEO, 6, title)
        instance = s.place(car, box(), [Range(0, 1), Range(3, 4)])
        instance.set_answer(f"slow {title}", speed, Range(0, 1))
        instance.set_answer(f"fast {title}", speed, Range(3, 4))
    file, _ = written(s.done())
    frames = {image["id"]: (image["video_id"], image["frame_id"]) for image in file["images"]}
    assert {frames[a["image_id"]]: a["attributes"]["speed"] for a in file["annotations"]} == {
        (video, frame): f"{pace} {title}"
        for video, title in ((1, "road.mp4"), (2, "lane.mp4"))
        for frame, pace in ((0, "slow"), (1, "slow"), (3, "fast"), (4, "fast"))
    }


@pytest.mark.proves("coco written: crowd")
@pytest.mark.parametrize("name", ["iscrowd", "is_crowd"])
@pytest.mark.parametrize("is_checked", [True, False])
def test_an_answer_decides_what_is_a_crowd(name: str, is_checked: bool) -> None:
    s = Wide()
    people = s.draft.add_object("people", Shape.BOUNDING_BOX)
    crowd = people.add_attribute(ChecklistAttribute, name, feature_node_hash="crowd000")
    option = crowd.add_option(name, feature_node_hash="crowd001")
    s.place(people, box()).set_answer([option] if is_checked else [], crowd)
    annotation = the_only(s.done())
    assert annotation["iscrowd"] == int(is_checked)
    assert annotation["attributes"][name] is is_checked


def test_two_questions_of_one_name_get_numbers_and_a_note() -> None:
    s = Wide()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    questions = [car.add_attribute(TextAttribute, name, feature_node_hash=f"text000{i}") for i, name in
                 enumerate(("note", "note", "track_id"))]  # fmt: skip
    instance = s.place(car, box())
    for number, question in enumerate(questions):
        instance.set_answer(str(number), question)
    file, report = written(s.done())
    attributes = file["annotations"][0]["attributes"]
    assert {key: attributes[key] for key in ("note", "note (2)", "track_id (2)")} == {
        "note": "0", "note (2)": "1", "track_id (2)": "2"
    }  # fmt: skip
    assert [note.code for note in report.notes()] == ["NAME_CLASH"] * 2
    assert report.is_lossless


@pytest.mark.proves("labels: 15")
def test_the_file_is_ascii_and_reads_back_any_text() -> None:
    s = Wide()
    thing = s.draft.add_object('größe \U0001f697 \\ " \n', Shape.BOUNDING_BOX)
    note = thing.add_attribute(TextAttribute, "注", feature_node_hash="note0000")
    s.place(thing, box()).set_answer("line\r\n\u2028 \x00 é", note)
    text, _ = text_of(s.done())
    assert text.isascii()
    file = json.loads(text)
    assert file["categories"][0]["name"] == 'größe \U0001f697 \\ " \n'
    assert file["annotations"][0]["attributes"]["注"] == "line\r\n\u2028 \x00 é"


def test_who_made_it_and_how_surely() -> None:
    file, report = written(SAMPLES["provenance"]())
    by_machine = file["annotations"][1]
    assert by_machine["score"] == 0.5
    assert by_machine["attributes"]["manual_annotation"] is False
    assert all(
        "score" not in a and "manual_annotation" not in a["attributes"] for a in file["annotations"] if a["id"] != 2
    )
    assert {loss.code for loss in report.losses()} == {"AUTHOR_DROPPED", "TIMESTAMPS_DROPPED", "REVIEWS_DROPPED"}


# --- categories -----------------------------------------------------------------------------------------------------


@pytest.mark.proves("coco written: categories")
def test_categories_count_from_1_in_the_order_of_the_ontology() -> None:
    s = Wide()
    for name, shape in (("lane", Shape.POLYLINE), ("car", Shape.BOUNDING_BOX), ("leaf", Shape.POLYGON)):
        s.draft.add_object(name, shape, color="#010203")
    s.place(s.draft.ontology.objects[1], box())
    file, _ = written(s.done())
    assert file["categories"] == [
        {"id": 1, "name": "car", "supercategory": "car", "color": "#010203"},
        {"id": 2, "name": "leaf", "supercategory": "leaf", "color": "#010203"},
    ]


@pytest.mark.proves("coco written: categories")
def test_supercategory_is_as_asked_for() -> None:
    assert written(SAMPLES["boxes"](), supercategory="all")[0]["categories"][0]["supercategory"] == "all"


def test_classes_of_one_name_share_a_category_and_say_their_shape() -> None:
    s = Wide()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    s.place(s.draft.add_object("car", Shape.POLYGON), polygon(10, 10, 50, 10, 50, 40))
    file, report = written(s.done())
    assert [category["name"] for category in file["categories"]] == ["car"]
    assert [a["attributes"]["encord_shape"] for a in file["annotations"]] == ["bounding_box", "polygon"]
    assert report.is_lossless


def test_points_named_like_a_skeleton_get_a_category_of_their_own() -> None:
    labels = skeletons()
    point = Draft("sample").hashes.hex("point")
    class_ = labels.ontology.add_object("hand", Shape.POINT, feature_node_hash=point)
    instance = class_.create_instance()
    instance.set_for_frames(PointCoordinate(0.5, 0.5), 0)
    labels.held()._rows[0].add_object_instance(instance)  # type: ignore[index]
    file, report = written(labels)
    assert [category["name"] for category in file["categories"]] == ["hand", "hand (point)"]
    assert file["categories"][1]["encord_name"] == "hand"
    assert file["categories"][1]["keypoints"] == ["hand"]
    assert [a["category_id"] for a in file["annotations"]] == [1, 2]
    assert "NAME_CLASH" in [note.code for note in report.notes()]


# --- images ---------------------------------------------------------------------------------------------------------


def test_a_image_without_labels_is_listed() -> None:
    file, _ = written(SAMPLES["empty_rows"]())
    assert [(image["id"], image["file_name"]) for image in file["images"]] == [(1, "cam/1.png"), (2, "cam/2.png")]
    assert file["images"][0]["width"] == 40 and file["images"][0]["height"] == 30


@pytest.mark.proves("coco written: images", "coco codes: NAME_CLASH")
def test_equal_titles_get_numbers_and_a_note() -> None:
    file, report = written(SAMPLES["equal_titles"]())
    assert [image["file_name"] for image in file["images"]] == ["cam/1.png", "cam/1 (2).png"]
    assert [(note.code, note.count) for note in report.notes()] == [("NAME_CLASH", 1)]


def test_windows_folders_become_folders() -> None:
    s = Sample(title="cam\\night\\1.png")
    assert written(s.done())[0]["images"][0]["file_name"] == "cam/night/1.png"


@pytest.mark.proves("coco written: images", "coco written: attributes")
def test_a_video_lists_its_labelled_frames() -> None:
    file, report = written(SAMPLES["tracks"]())
    assert file["videos"] == [{"id": 1, "name": "road.mp4", "width": 40, "height": 30, "length": 6}]
    assert [image["file_name"] for image in file["images"]] == [f"road/{n:06d}.jpg" for n in (0, 1, 3, 4)]
    assert [(image["video_id"], image["frame_id"]) for image in file["images"]] == [(1, 0), (1, 1), (1, 3), (1, 4)]
    assert [a["attributes"]["track_id"] for a in file["annotations"]] == [1, 1, 1, 2, 1]
    assert list(file) == ["info", "licenses", "videos", "images", "annotations", "categories"]
    assert report.is_lossless


@pytest.mark.proves("coco official defects: images without labels", "coco written: images")
def test_all_frames_are_listed_on_request() -> None:
    assert len(written(SAMPLES["tracks"](), frames="all")[0]["images"]) == 6


@pytest.mark.proves("coco written: images")
def test_a_group_lists_its_labelled_images_under_its_title() -> None:
    file, _ = written(SAMPLES["image_group"]())
    assert [image["file_name"] for image in file["images"]] == ["group/group/0.png", "group/group/2.png"]
    assert file["images"][1]["encord"]["frame"] == 2
    assert file["images"][1]["encord"]["data_type"] == "img_group"


@pytest.mark.proves("coco written: images")
def test_a_series_lists_its_labelled_slices() -> None:
    file, _ = written(SAMPLES["dicom_series"]())
    assert [image["file_name"] for image in file["images"]] == ["series/000000.dcm", "series/000001.dcm"]


@pytest.mark.proves("coco written: images")
def test_slices_are_named_by_their_uid_where_it_is_known() -> None:
    file, _ = written(SAMPLES["dicom_metadata"](), frames="all")
    assert [image["file_name"] for image in file["images"]] == [
        "series/2.25.10.dcm", "series/2.25.11_1.dcm", "series/2.25.11_2.dcm",
    ]  # fmt: skip


@pytest.mark.proves("pixels: 15", "coco written: images")
def test_a_slice_of_another_size_is_measured_by_its_own() -> None:
    file, _ = written(SAMPLES["slices_of_two_sizes"]())
    assert [(image["width"], image["height"]) for image in file["images"]] == [(40, 30), (80, 60)]
    assert [one["bbox"] for one in file["annotations"] if one["category_id"] == 2] == [
        [30, 22.5, 10, 7.5],
        [60, 45, 20, 15],
    ]


@pytest.mark.proves("coco written: images")
def test_every_image_says_what_it_was_in_the_hub() -> None:
    for sample in ("boxes", "tracks", "image_group", "dicom_series"):
        labels = SAMPLES[sample]()
        [row] = labels
        frames = [image["encord"]["frame"] for image in written(labels)[0]["images"]]
        hashes = [image["encord"]["data_hash"] for image in written(labels)[0]["images"]]
        assert frames == sorted({frame for one in row._objects.values() for frame in one._frames})
        assert hashes == [row._units[frame if sample == "image_group" else 0].data_hash for frame in frames]


def test_a_group_without_labels_is_not_forgotten() -> None:
    assert len(written(Sample(DataType.IMG_GROUP, frames=3, title="group").done())[0]["images"]) == 3


@pytest.mark.proves("labels: 46", "coco written: classifications")
def test_labels_of_a_frame_are_attributes_of_the_image() -> None:
    file, report = written(SAMPLES["classifications"]())
    (image,) = file["images"]
    assert image["attributes"] == {"weather": "rain"}
    assert image["encord"]["classifications"] == {"weather": {"hash": "class000"}}
    assert report.is_lossless


def test_a_question_that_is_not_answered_is_still_there() -> None:
    s = Sample()
    class_ = s.draft.add_classification("weather")
    class_.add_attribute(TextAttribute, "weather", feature_node_hash="weather0")
    instance = class_.create_instance()
    instance.set_for_frames(0)
    s.rows[0].add_classification_instance(instance)
    assert written(s.done())[0]["images"][0]["attributes"] == {"weather": {}}


@pytest.mark.proves("labels: 46", "coco written: classifications")
def test_nested_answers_of_a_frame_stand_under_their_path() -> None:
    s = Sample()
    class_ = s.draft.add_classification("weather")
    weather = class_.add_attribute(RadioAttribute, "weather", feature_node_hash="weather0")
    rain = weather.add_option("rain", feature_node_hash="rain0000")
    amount = rain.add_nested_attribute(TextAttribute, "amount", feature_node_hash="amount00")
    instance = class_.create_instance()
    instance.set_for_frames(0)
    instance.set_answer(rain, weather)
    instance.set_answer("much", amount)
    s.rows[0].add_classification_instance(instance)
    assert written(s.done())[0]["images"][0]["attributes"] == {"weather": "rain", "weather/rain/amount": "much"}


# --- losses ---------------------------------------------------------------------------------------------------------


@pytest.mark.proves("coco written: polyline", "coco codes: POLYLINE_SKIPPED")
def test_polylines_are_left_out_and_counted() -> None:
    file, report = written(SAMPLES["polylines_beside_boxes"]())
    assert len(file["annotations"]) == 1
    assert losses(report) == [("dropped", "POLYLINE_SKIPPED", "shape", "polyline", 1)]
    assert report.counts()["polyline"] == {"in": 1, "kept": 0, "changed": 0, "dropped": 1}


@pytest.mark.proves("coco written: clipping", "coco codes: CLIPPED")
def test_what_leaves_the_image_is_cut_and_what_lies_outside_is_dropped() -> None:
    file, report = written(SAMPLES["out_of_bounds"]())
    assert [a["bbox"] for a in file["annotations"]] == [[0, 6, 16, 15], [20, 3, 20, 15], [4, 6, 10, 15]]
    assert max(file["annotations"][1]["segmentation"][0]) == 40
    assert sorted(losses(report)) == [
        ("approximated", "CLIPPED", "out_of_bounds", "bounding_box", 1),
        ("approximated", "CLIPPED", "out_of_bounds", "polygon", 1),
        ("dropped", "CLIPPED", "out_of_bounds", "bounding_box", 1),
        ("dropped", "CLIPPED", "out_of_bounds", "polygon", 1),
    ]


@pytest.mark.proves("coco written: bitmask", "coco codes: EMPTY_MASK")
def test_what_covers_nothing_is_dropped_under_its_code() -> None:
    file, report = written(SAMPLES["degenerate"]())
    assert len(file["annotations"]) == 1
    assert sorted(losses(report)) == [
        ("dropped", "DEGENERATE_DROPPED", "degenerate", "bounding_box", 1),
        ("dropped", "EMPTY_MASK", "degenerate", "bitmask", 1),
        ("dropped", "INVALID_POLYGON", "degenerate", "polygon", 1),
    ]


@pytest.mark.proves("coco written: numbers")
@pytest.mark.parametrize(
    ("shape", "coordinates"),
    [
        (Shape.BOUNDING_BOX, box(float("nan"))),
        (Shape.BOUNDING_BOX, box(0.1, 0.1, float("inf"), 0.1)),
        (Shape.BOUNDING_BOX, box(0.1, 0.1, -0.2, 0.2)),
        (Shape.ROTATABLE_BOUNDING_BOX, rotated(float("nan"))),
        (Shape.ROTATABLE_BOUNDING_BOX, rotated(10.0, w=0.0)),
        (Shape.POLYGON, polygon(0, 0, 40, 40, 20, 20)),
        (Shape.POLYGON, polygon(0, 0, 40, 40, 40, 40, 0, 0)),
        (Shape.POLYGON, polygon(0, 0, float("nan"), 40, 20, 10)),
        (Shape.POLYGON, polygon(0, 0, 1e30, 40, 20, 10)),
        (Shape.POLYGON, PolygonCoordinates([])),
        (Shape.POLYGON, rings([[0, 0, 1, 1]], [[5, 5, 6, 6, 7, 7]])),
        (Shape.POINT, PointCoordinate(float("nan"), 0.5)),
        (Shape.SKELETON, SkeletonCoordinates([SkeletonCoordinate(float("inf"), 0.5, "a", "")])),
    ],
)
def test_what_cannot_be_drawn_spares_its_neighbours(shape: Shape, coordinates: object) -> None:
    s = Wide()
    thing, leaf, rivet = (
        s.draft.add_object("thing", shape),
        s.draft.add_object("leaf", Shape.POLYGON),
        s.draft.add_object("r", Shape.POINT),
    )
    s.place(leaf, polygon(10, 10, 50, 10, 50, 40))
    s.place(thing, coordinates)
    s.place(rivet, PointCoordinate(0.5, 0.5))
    s.place(leaf, polygon(10, 10, 50, 10, 50, 40))
    text, report = text_of(s.done())
    assert b"NaN" not in text and b"null" not in text
    file = json.loads(text)
    assert [a["category_id"] for a in file["annotations"]] == [2, 3, 2]
    assert [a["bbox"] for a in file["annotations"]] == [[10, 10, 40, 30], [99.5, 49.5, 1, 1], [10, 10, 40, 30]]
    assert [loss[2] for loss in losses(report)] == ["degenerate"]


def test_a_hair_beyond_the_border_is_no_loss() -> None:
    file, report = written(one(Shape.BOUNDING_BOX, box(-0.004 / WIDE, 0.0, 0.5, 1.0)))
    assert file["annotations"][0]["bbox"][:2] == [0, 0]
    assert report.is_lossless


def test_objects_on_no_frame_are_counted() -> None:
    _, report = written(SAMPLES["unplaced"]())
    assert losses(report) == [("dropped", "UNPLACED_DROPPED", "unplaced", "unplaced", 1)]


def test_nothing_but_polylines_is_an_error_that_says_so() -> None:
    labels = one(Shape.POLYLINE, PolylineCoordinates(ring((0.1, 0.1), (0.2, 0.2))))
    target = MemoryTarget()
    with pytest.raises(WriteError) as caught:
        write(labels, target, "coco", report=Report())
    assert str(caught.value).startswith(
        "memory: not written, since its only annotation cannot be converted: 1 polyline of 'thing' (POLYLINE_SKIPPED: "
    )
    assert not target.files


def test_no_labels_at_all_is_a_file_of_images() -> None:
    file, _ = written(Sample().done())
    assert file == {
        "info": {"description": "samples", "version": "1.0"},
        "licenses": [],
        "images": file["images"],
        "annotations": [],
        "categories": [],
    }
    assert written(SAMPLES["nothing"]())[0]["images"] == []


# --- polygons as masks ----------------------------------------------------------------------------------------------


def test_coco_rle_writes_polygons_as_masks() -> None:
    labels = one(Shape.POLYGON, polygon(10, 10, 50, 10, 50, 40, 10, 40))
    file, report = written(labels, "coco-rle")
    (annotation,) = file["annotations"]
    assert painted(annotation).sum() == annotation["area"] == 1200
    assert annotation["attributes"]["encord_shape"] == "polygon"
    assert losses(report) == [("approximated", "POLYGON_AS_RLE", "shape", "polygon", 1)]
    assert report.counts()["polygon"] == {"in": 1, "kept": 0, "changed": 1, "dropped": 0}


def test_coco_rle_keeps_a_polygon_too_small_for_a_pixel() -> None:
    labels = one(Shape.POLYGON, polygon(10.1, 10.1, 10.3, 10.1, 10.3, 10.3))
    (annotation,) = written(labels, "coco-rle")[0]["annotations"]
    assert annotation["segmentation"] == [[10.1, 10.1, 10.3, 10.1, 10.3, 10.3]]


def test_coco_rle_leaves_other_shapes_as_they_are() -> None:
    for name in ("boxes", "rotated_boxes", "bitmasks", "points", "skeletons"):
        assert text_of(SAMPLES[name](), "coco-rle")[0] == text_of(SAMPLES[name]())[0]


# --- the file as a whole --------------------------------------------------------------------------------------------


def everything() -> LabelSet:
    """One image and one video with every shape."""
    s = Sample()
    names = ("bounding_box", "rotatable_bounding_box", "polygon", "bitmask", "point")
    coordinates = (
        box(),
        RotatableBoundingBoxCoordinates(height=0.2, width=0.4, top_left_x=0.3, top_left_y=0.4, theta=30.0),
        PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7))),
        mask_of("0110", "0101", "0111"),
        PointCoordinate(0.5, 0.5),
    )
    classes = [s.draft.add_object(name, Shape(name)) for name in names]
    for number in range(3):
        if number:
            s.add_row(DataType.IMAGE, 1, f"cam/{number + 1}.png")
        for class_, place in zip(classes, coordinates, strict=True):
            s.place(class_, place)
    s.add_row(DataType.VIDEO, 5, "road.mp4")
    for class_, place in zip(classes, coordinates, strict=True):
        s.place(class_, place, [0, 1, 4])
    return s.done()


def loaded(text: bytes, folder: Path) -> COCO:
    (folder / "annotations.json").write_bytes(text)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(folder / "annotations.json"))


@pytest.mark.proves("labels: 43", "coco official defects: annotation id 0", "coco written: ids")
def test_ids_count_from_1_and_nothing_is_missing() -> None:
    text, _ = text_of(everything())
    file = json.loads(text)
    assert b"null" not in text
    for block in ("images", "annotations", "categories"):
        assert [entry["id"] for entry in file[block]] == list(range(1, len(file[block]) + 1))
    for annotation in file["annotations"]:
        assert {"iscrowd", "area", "bbox", "segmentation"} <= annotation.keys()


@pytest.mark.proves("coco written: ids")
def test_annotations_stand_in_the_order_of_rows_frames_and_objects() -> None:
    file, _ = written(everything())
    assert [a["image_id"] for a in file["annotations"]] == [n for n in range(1, 7) for _ in range(5)]
    assert [a["category_id"] for a in file["annotations"]] == [1, 2, 3, 4, 5] * 6


@pytest.mark.proves("labels: 43")
def test_pycocotools_loads_it_and_paints_every_mask(tmp_path: Path) -> None:
    coco = loaded(text_of(everything())[0], tmp_path)
    for annotation in coco.loadAnns(coco.getAnnIds()):
        if annotation["segmentation"]:
            assert coco.annToMask(annotation).any()


@pytest.mark.proves("labels: 43")
@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_it_scores_1_against_itself(kind: str, tmp_path: Path) -> None:
    truth = loaded(text_of(everything())[0], tmp_path)
    keys = ("image_id", "category_id", "bbox" if kind == "bbox" else "segmentation")
    annotations = [a for a in truth.loadAnns(truth.getAnnIds()) if kind == "bbox" or a["segmentation"]]
    if kind == "segm":
        annotations = [a | {"segmentation": truth.annToRLE(a)} for a in annotations]
    results = [{key: a[key] for key in keys} | {"score": 0.9} for a in annotations]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        if kind == "segm":
            evaluation.params.catIds = sorted({a["category_id"] for a in annotations})
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_twice_gives_the_same_bytes_and_leaves_the_input_alone(sample: str) -> None:
    labels = SAMPLES[sample]()
    before = hub_of(labels)
    assert text_of(labels)[0] == text_of(labels)[0]
    assert hub_of(labels) == before


@pytest.mark.proves("coco written: size")
def test_memory_does_not_grow_with_the_frames_of_a_video(tmp_path: Path) -> None:
    def peak(frames: int) -> int:
        s = Sample(DataType.VIDEO, frames=frames, title="road.mp4")
        s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box(), Range(0, frames - 1))
        s.place(s.draft.add_object("leaf", Shape.POLYGON), polygon(10, 10, 50, 10, 50, 40), Range(0, frames - 1))
        labels = s.done()
        tracemalloc.start()
        write(labels, tmp_path / f"{frames}.json", "coco", report=Report())
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    # Of a frame its number, that of its name and the list of its objects are kept: less than the row itself has.
    assert (peak(9_000) - peak(5_000)) / 4_000 < 800


def test_many_rows_are_written_as_few_are() -> None:
    s = Sample()
    car, leaf = s.draft.add_object("car", Shape.BOUNDING_BOX), s.draft.add_object("leaf", Shape.POLYGON)
    for number in range(400):
        if number:
            s.add_row(DataType.IMAGE, 1, f"{number}.png")
        s.place(car, box(0.001 * number))
        s.place(leaf, PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7 + 0.0005 * number))))
        s.place(car, box(0.9, w=0.5) if number % 7 == 0 else box())
    file, report = written(s.done())
    assert len(file["annotations"]) == 1200
    assert [a["bbox"][0] for a in file["annotations"][0::3]] == [round(0.04 * number, 3) for number in range(400)]
    (cut,) = report.losses()
    assert cut.count == sum(1 for n in range(400) if n % 7 == 0)
    assert {where.row for where, _ in cut.examples[1:3]} == {"7.png", "14.png"}


def test_a_line_is_an_entry() -> None:
    text, _ = text_of(everything())
    lines = text.decode().splitlines()
    start = next(i for i, line in enumerate(lines) if line.endswith('"annotations":['))
    for line in lines[start + 1 : start + 31]:
        assert json.loads(line.rstrip(","))["id"]


# --- many processes -------------------------------------------------------------------------------------------------


def images(start: int = 0, end: int = 40, *, apart: bool = True) -> LabelSet:
    """Images ``start`` to ``end`` of a set; ``apart``: each has a name of its own."""
    names = [f"{number if apart else number % 3}.png" for number in range(start, end)]
    s = Sample(title=names[0])
    car, leaf = s.draft.add_object("car", Shape.BOUNDING_BOX), s.draft.add_object("leaf", Shape.POLYGON)
    notes = [car.add_attribute(TextAttribute, "note", feature_node_hash=f"note000{i}") for i in range(2)]
    lane = s.draft.add_object("lane", Shape.POLYLINE)
    for number in range(start, end):
        if number > start:
            s.add_row(DataType.IMAGE, 1, names[number - start])
        if number % 5 == 4:
            continue
        s.place(car, box(0.01 * number)).set_answer("é", notes[1])
        s.place(lane, PolylineCoordinates(ring((0.1, 0.1), (0.2, 0.2))))
        s.place(leaf, PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.5 + 0.01 * number))))
    return s.done()


def part(payload: tuple[int, int]) -> LabelSet:
    """Make one part of the images again, in whatever process."""
    labels = images(*payload)
    labels.spec = (f"{__name__}:part", payload)
    return labels


def sharded(shards: list[LabelSet]) -> tuple[bytes, Report]:
    exporter = format_named("coco").exporter
    assert exporter is not None and exporter.write_sharded is not None
    report, target = Report(), MemoryTarget()
    with target:
        exporter.write_sharded(shards, target, exporter.options(), report)
    return target.files["annotations.json"], report


def in_this_process(parts: Any, folder: Path, *rest: Any) -> list[Any]:
    return [_coco_file._part(part, folder, number, *rest) for number, part in enumerate(parts)]


def same_account(one: Report, other: Report) -> bool:
    return (
        one.counts() == other.counts()
        and one.labels() == other.labels()
        and losses(one) == losses(other)
        and [(note.code, note.detail, note.count) for note in one.notes()]
        == [(note.code, note.detail, note.count) for note in other.notes()]
    )


def test_two_processes_write_the_same_bytes() -> None:
    whole, account = text_of(images())
    parts, merged = sharded([part((0, 17)), part((17, 40))])
    assert parts == whole
    assert same_account(merged, account)
    assert merged.rows_read == 40


@pytest.mark.parametrize("cuts", [(0, 17, 40), (0, 1, 4, 5, 40), (0, 4, 5, 40), (0, 39, 40)])
def test_any_cut_gives_the_same_bytes(cuts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_coco_file, "_parts", in_this_process)
    whole, account = text_of(images())
    parts, merged = sharded([part(span) for span in pairwise(cuts)])
    assert parts == whole
    assert same_account(merged, account)


def test_names_in_two_parts_are_told_apart_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_coco_file, "_parts", in_this_process)
    whole, account = text_of(images(0, 12, apart=False))
    shards = [images(0, 6, apart=False), images(6, 12, apart=False)]
    for shard in shards:
        shard.spec = ("", None)
    parts, merged = sharded(shards)
    assert [image["file_name"] for image in json.loads(parts)["images"]] == [
        image["file_name"] for image in json.loads(whole)["images"]
    ]
    assert merged.counts() == account.counts()


def test_shards_that_cannot_be_sent_are_written_in_turn() -> None:
    whole, account = text_of(images())
    parts, merged = sharded([images(0, 20), images(20, 40)])
    assert parts == whole
    assert same_account(merged, account)


# --- options and recognition ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"decimals": 1}, {"decimals": "10"}, {"point_size_px": 0}, {"frames": "some"}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        written(SAMPLES["boxes"](), **options)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b'{"images":[]}', Match.YES),
        (b'\xef\xbb\xbf{\n "info": {"a": 1}, "annotations" : [ {}]}', Match.YES),
        (b'[{"images": []}]', Match.NO),
        (b'{"images": 3}', Match.NO),
        (b'{"info": "a \\"images\\": [", "licenses": [{"images": [1]}], "categories": {"images": []}}', Match.NO),
        (b'{"items": [{"annotations": [{"id": 1}]}], "info": {}}', Match.NO),
        (b'{"info": {}, "licenses": [{"id": 1}], "images": [{"id":', Match.YES),
        (b"", Match.NO),
    ],
)
def test_a_coco_file_is_recognised_by_its_first_members(text: bytes, match: Match) -> None:
    assert format_named("coco").identify(MemorySource({"x.json": text})) is match


def test_what_is_written_is_recognised() -> None:
    assert format_named("coco").identify(MemorySource({"x.json": text_of(everything())[0]})) is Match.YES


def test_a_row_that_claims_endless_frames_is_refused() -> None:
    labels = SAMPLES["tracks"]()
    row = next(iter(labels)).to_encord_dict() | {"number_of_frames": 10**12}
    endless = LabelSet(labels.ontology, [LabelRowV2._from_dict(row, labels.ontology)])
    with pytest.raises(WriteError, match=r"road\.mp4: says it has 1000000000000 frames"):
        write(endless, MemoryTarget(), "coco", report=Report(), frames="all")


def test_a_part_that_covers_nothing_and_a_skeleton_of_which_nothing_shows_are_told() -> None:
    s = Sample()
    leaf = s.draft.add_object("leaf", Shape.POLYGON)
    s.place(leaf, PolygonCoordinates._from_rings([[[0.1, 0.1, 0.5, 0.1, 0.5, 0.5]], [[0.7, 0.7, 0.9, 0.9]]]))
    file, report = written(s.done())
    [annotation] = file["annotations"]
    assert len(annotation["segmentation"]) == 1
    [loss] = report.losses()
    assert (loss.code, loss.label, loss.count, loss.where.row) == ("INVALID_POLYGON", "leaf", 1, "cam/1.png")
    names = ("wrist", "thumb")
    points = [SkeletonCoordinate(0.5, 0.5, name, "", visibility=Visibility.INVISIBLE) for name in names]
    s = Sample()
    s.place(s.draft.add_object("hand", Shape.SKELETON), SkeletonCoordinates(points))
    file, report = written(s.done())
    assert file["annotations"] == []
    assert [(loss.code, loss.label, loss.count) for loss in report.losses()] == [("DEGENERATE_DROPPED", "hand", 1)]
