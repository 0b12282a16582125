"""What result files hold, and that the official evaluation finds each object of the COCO file in them."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coco_files import Read, document, note
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from encord_convert._samples import SAMPLES, Sample, box, mask_of, ring
from encord_convert.conversion import read, write
from encord_convert.errors import ReadError, WriteError
from encord_convert.formats import format_named
from encord_convert.formats.coco.write_shapes import GATHERED
from encord_convert.geometry.rle import pixel_limit
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.compare import diff
from encord_convert.losses.redraw import redrawn
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape, TextAttribute
from encord_convert.sdk.objects.coordinates import PolygonCoordinates, RotatableBoundingBoxCoordinates
from encord_convert.testing import tally
from encord_convert.testing import written as files_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, numpy 2


def written(labels: LabelSet) -> tuple[dict[str, Any], Report]:
    files, report = files_of(format_named("coco-results"), labels)
    return {name.split(".")[1]: json.loads(text) for name, text in files.items()}, report


def scene() -> LabelSet:
    """Two images and a video: boxes, a rotated box, polygons and a mask, some with a confidence."""
    s = Sample()
    lane = s.draft.add_object("lane", Shape.POLYLINE)
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    leaf = s.draft.add_object("leaf", Shape.POLYGON)
    spill = s.draft.add_object("spill", Shape.BITMASK)
    ship = s.draft.add_object("ship", Shape.ROTATABLE_BOUNDING_BOX)
    assert lane.shape is Shape.POLYLINE  # no category: the numbers of the others start with 1 all the same
    s.add_row(DataType.IMAGE, 1, "cam/2.png")
    s.place(car, box(), confidence=0.25)
    s.place(spill, mask_of("0110", "0101", "0111"), confidence=0.5)
    s.place(leaf, PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7))))
    s.place(ship, RotatableBoundingBoxCoordinates(height=0.2, width=0.4, top_left_x=0.3, top_left_y=0.4, theta=30.0))
    s.add_row(DataType.VIDEO, 9, "road.mp4")
    s.place(car, box(0.5), [2, 7])
    s.place(
        leaf, PolygonCoordinates._from_rings([[[0.1, 0.1, 0.3, 0.1, 0.3, 0.3]], [[0.6, 0.6, 0.9, 0.6, 0.9, 0.9]]]), 7
    )
    return s.done()


def test_a_box_is_four_numbers_and_a_score() -> None:
    files, _ = written(scene())
    assert files["bbox"][0] == {"image_id": 2, "category_id": 1, "bbox": [4.0, 6.0, 10.0, 15.0], "score": 0.25}


def test_files_are_of_one_kind_each_and_no_object_is_in_two() -> None:
    files, _ = written(scene())
    assert {kind: [sorted(one)[0] for one in entries] for kind, entries in files.items()} == {
        "bbox": ["bbox"] * 4,
        "segm": ["category_id"] * 3,
    }
    assert all("bbox" not in one for one in files["segm"])
    assert written(SAMPLES["skeletons"]())[0] == {
        "keypoints": [
            {"image_id": 1, "category_id": 1, "keypoints": [8.0, 9.0, 2, 16.0, 9.0, 1, 0, 0, 0], "score": 1.0}
        ]
    }


def test_numbers_are_those_of_the_coco_file() -> None:
    truth = json.loads(files_of(format_named("coco"), scene())[0]["annotations.json"])
    files, _ = written(scene())
    found = sorted((one["image_id"], one["category_id"]) for entries in files.values() for one in entries)
    assert found == sorted((one["image_id"], one["category_id"]) for one in truth["annotations"])
    assert {image for image, _ in found} == {2, 3, 4}


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_the_official_evaluation_finds_every_object(kind: str, tmp_path: Path) -> None:
    labels = scene()
    write(labels, tmp_path / "truth.json", "coco", report=Report())
    write(labels, tmp_path / "out", "coco-results", report=Report())
    entries = json.loads((tmp_path / "out" / f"results.{kind}.json").read_text())
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "truth.json"))
        evaluation = COCOeval(truth, truth.loadRes(str(tmp_path / "out" / f"results.{kind}.json")), kind)
        evaluation.params.catIds = sorted({one["category_id"] for one in entries})
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == 1
    assert evaluation.stats[8] == 1  # recall


def test_a_polygon_is_the_mask_of_its_pixels() -> None:
    files, report = written(SAMPLES["polygon_with_hole"]())
    [entry] = files["segm"]
    mask = coco_masks.decode(entry["segmentation"])
    assert int(mask.sum()) == 24 * 32 - 6 * 8
    assert not mask[15, 20]
    assert sorted(loss.code for loss in report.losses()) == ["HOLES_AS_RLE", "POLYGON_AS_RLE"]


def test_a_polygon_between_the_centres_of_pixels_is_the_pixels_it_touches() -> None:
    s = Sample()
    tiny = PolygonCoordinates(ring((4.1 / 40, 3.1 / 30), (4.4 / 40, 3.1 / 30), (4.4 / 40, 3.4 / 30)))
    s.place(s.draft.add_object("leaf", Shape.POLYGON), tiny)
    [entry] = written(s.done())[0]["segm"]
    assert np.argwhere(coco_masks.decode(entry["segmentation"])).tolist() == [[3, 4]]


def test_a_image_too_large_to_paint_is_refused() -> None:
    with pixel_limit(100), pytest.raises(WriteError) as caught:
        written(SAMPLES["polygons"]())
    assert str(caught.value) == "An image of 40 × 30 pixels is larger than the 100 that can be painted."


def test_what_results_have_no_place_for_is_counted() -> None:
    s = Sample(DataType.VIDEO, frames=4, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX, color="#102030")
    speed = car.add_attribute(TextAttribute, "speed", feature_node_hash="speed000")
    s.place(car, box(), [0, 1], manual_annotation=False).set_answer("slow", speed)
    s.add_row(DataType.IMAGE, 1, "empty.png")
    _, report = written(s.done())
    assert sorted((loss.code, loss.type, loss.count) for loss in report.losses()) == [
        ("ANSWERS_DROPPED", "answer", 1),
        ("COLOUR_DROPPED", "class", 1),
        ("EMPTY_ROWS_DROPPED", "row", 1),
        ("MANUAL_DROPPED", "manual", 2),
        ("TRACKS_DROPPED", "track", 1),
    ]
    assert report.counts()["answer"] == {"in": 1, "kept": 0, "changed": 0, "dropped": 1}


def test_answers_of_objects_that_are_dropped_are_dropped_once() -> None:
    s = Sample()
    for shape, coordinates in ((Shape.POLYLINE, SAMPLES["polylines_beside_boxes"]), (Shape.BOUNDING_BOX, None)):
        class_ = s.draft.add_object(shape.value, shape)
        name = class_.add_attribute(TextAttribute, "name", feature_node_hash=f"name{shape.value}"[:8])
        place = box() if coordinates is None else next(iter(coordinates()))
        if coordinates is not None:
            place = place.get_object_instances()[0].get_annotation(0).coordinates
        s.place(class_, place).set_answer("x", name)
    labels = s.done()
    _, report = written(labels)
    assert report.counts()["answer"] == {"in": 2, "kept": 0, "changed": 0, "dropped": 2}
    exporter = format_named("coco-results").exporter
    assert exporter is not None
    assert Report.predict(labels, exporter.carries).counts() == report.counts()


@pytest.mark.parametrize(("name", "kept"), [("coco-results", 1), ("coco-ytvis", 0), ("coco-encord", 0)])
def test_a_confidence_beside_answers_is_not_counted_with_them(name: str, kept: int) -> None:
    found = Read(document(note(score=0.5, attributes={"make": "x"}), note(id=2)))
    counts = files_of(format_named(name), found.labels)[1].counts()
    assert counts["confidence"] == {"in": 1, "kept": kept, "changed": 0, "dropped": 1 - kept}
    assert counts["answer"]["kept"] == 0


@pytest.mark.proves("coco codes: CLASSIFICATION_DROPPED")
def test_labels_of_frames_are_dropped_and_counted() -> None:
    files, report = written(SAMPLES["classifications"]())
    assert files == {"bbox": []}
    losses = {(str(loss.kind), loss.code, loss.type, loss.count) for loss in report.losses()}
    assert ("dropped", "CLASSIFICATION_DROPPED", "classification", 1) in losses


def test_kinds_do_not_share_a_file(tmp_path: Path) -> None:
    with pytest.raises(WriteError) as caught:
        write(scene(), tmp_path / "out.json", "coco-results", report=Report())
    assert "results are of one kind a file, and these are of 2: bbox, segm. Name a folder." in str(caught.value)
    assert not (tmp_path / "out.json").exists()


def test_no_objects_are_an_empty_list() -> None:
    assert written(SAMPLES["nothing"]())[0] == {"bbox": []}


def test_many_objects_of_one_row_are_drawn_in_their_order() -> None:
    count = 5 * GATHERED
    s = Sample(DataType.VIDEO, frames=count, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    for frame in range(count):
        s.place(car, box(0.5 * frame / count), frame)
    s.place(car, box(), list(range(count)))
    files, report = written(s.done())
    assert [one["image_id"] for one in files["bbox"]] == [frame + 1 for frame in range(count) for _ in range(2)]
    assert [one["bbox"][0] for one in files["bbox"][::2]] == pytest.approx(
        [20 * frame / count for frame in range(count)], abs=0.0006
    )
    assert report.counts()["track"] == {"in": 1, "kept": 0, "changed": 0, "dropped": 1}


SHAPES = {
    "bbox": {"bounding_box", "rotatable_bounding_box"},
    "segm": {"polygon", "bitmask"},
    "keypoints": {"skeleton", "point"},
}


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_what_is_kept_comes_back_with_the_ground_truth(sample: str, tmp_path: Path) -> None:
    exporter = format_named("coco-results").exporter
    assert exporter is not None
    files, _ = files_of(format_named("coco-results"), SAMPLES[sample]())
    truth = json.loads(files_of(format_named("coco"), SAMPLES[sample]())[0]["annotations.json"])
    for image in truth["images"]:
        image.pop("attributes", None)  # labels of the truth, which are no results
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    for name, text in files.items():
        (tmp_path / name).write_bytes(text)
        back = read(tmp_path / name, "coco", report=Report(), ground_truth=str(tmp_path / "truth.json"))
        expected = redrawn(SAMPLES[sample](), exporter.carries).held()
        for row in expected:
            for instance in row.get_object_instances():
                if instance.ontology_item.shape.value not in SHAPES[name.split(".")[1]]:
                    row.remove_object(instance)
        assert [str(one) for one in diff(expected, back, carries=exporter.carries)] == []


REAL = Path(__file__).parents[2] / "fixtures" / "coco-results"


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_real_results_are_read_each_with_its_ground_truth_and_refused_without(kind: str, tmp_path: Path) -> None:
    path = REAL / kind / "results.json"
    with pytest.raises(ReadError, match=r"results\.json: is a list of results.*-r ground_truth=PATH"):
        read(path, "coco", report=Report())
    results = json.loads(path.read_text())
    sizes = {one["image_id"]: one["segmentation"]["size"] for one in results if "segmentation" in one}
    truth = {
        "images": [
            {"id": id_, "file_name": f"{id_}.jpg", "height": height, "width": width}
            for id_ in sorted({one["image_id"] for one in results})
            for height, width in [sizes.get(id_, (640, 640))]
        ],
        "annotations": [],
        "categories": [{"id": id_, "name": f"c{id_}"} for id_ in sorted({one["category_id"] for one in results})],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    labels = read(path, "coco", report=(report := Report()), ground_truth=str(tmp_path / "truth.json")).held()
    found = {row.data_title: list(row._objects.values()) for row in labels}
    assert sum(map(len, found.values())) == len(results) == 734
    assert len(found) == 99
    assert report.is_lossless
    for one in results[:50]:
        infos = [item._frames[0].object_frame_instance_info for item in found[f"{one['image_id']}.jpg"]
                 if item.object_name == f"c{one['category_id']}"]  # fmt: skip
        assert one["score"] in [info.confidence for info in infos]
    painted = [coco_masks.decode(one["segmentation"]).sum() for one in results if "segmentation" in one]
    masks = [item._frames[0].coordinates.to_numpy_array().sum() for items in found.values() for item in items
             if item.ontology_item.shape is Shape.BITMASK]  # fmt: skip
    assert sorted(masks) == sorted(painted)


CVAT = sorted((Path(__file__).parents[2] / "fixtures" / "cvat").iterdir())


@pytest.mark.parametrize("name", ["coco-encord", "coco-keypoints", "coco-results", "coco-ytvis"])
@pytest.mark.parametrize("case", CVAT, ids=lambda case: case.name)
def test_what_an_importer_counted_adds_up_and_is_predicted(case: Path, name: str) -> None:
    options = json.loads(file.read_text()) if (file := case / "options.json").exists() else {}
    format_ = format_named(name)
    assert format_.exporter is not None
    _, observed = files_of(format_, read(case, "cvat", report=Report(), **options))
    predicted = Report.predict(read(case, "cvat", report=Report(), **options), format_.exporter.carries)
    assert tally(predicted.losses()) == tally(observed.losses())
    assert predicted.counts() == observed.counts()
    for counts in observed.counts().values():
        assert counts["in"] == counts["kept"] + counts["changed"] + counts["dropped"]
        assert min(counts.values()) >= 0
