"""What CVAT files and label rows hold comes back from a CVAT file that was written of them."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encord_convert import Report, convert, read, write
from encord_convert._samples import SAMPLES, Sample, box, ring
from encord_convert.formats.cvat.page import WRITES
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.compare import diff
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, OntologyStructure, Shape, TextAttribute
from encord_convert.sdk.objects._skeleton_template import SkeletonNode, SkeletonTemplate
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
from encord_convert.testing import tally

HUB = Path(__file__).parents[2] / "fixtures" / "hub"
FIXTURES = HUB.parent / "cvat"
CASES = sorted(case.name for case in FIXTURES.iterdir() if case.is_dir())
OPTIONS = {"authored-images-v1.0": {"size": "10x10"}}


def differences(one: LabelSet, other: LabelSet, **narrowed: Any) -> list[str]:
    return [str(difference) for difference in diff(one, other, **narrowed)]


@pytest.mark.proves("labels: 1", "cvat written: rounding")
@pytest.mark.parametrize("keyframes", ["all", "sparse"])
@pytest.mark.parametrize("case", CASES)
def test_a_file_of_cvat_comes_back_whole(case: str, keyframes: str, tmp_path: Path) -> None:
    before = read(FIXTURES / case, "cvat", report=Report(), **OPTIONS.get(case, {}))
    report = write(before, tmp_path / "out", "cvat", report=Report(), keyframes=keyframes)
    assert report.writing.losses() == []
    after = read(tmp_path / "out", report=Report())
    assert differences(before, after, tolerance_px=WRITES.tolerance_px) == []
    assert before.ontology.to_dict() == after.ontology.to_dict()
    assert [row.client_metadata for row in after] == [row.client_metadata for row in before]


@pytest.mark.parametrize("name", sorted(path.stem for path in (HUB / "label-rows").glob("[div]*.json")))
def test_a_label_row_comes_back_as_declared(name: str, tmp_path: Path) -> None:
    d = json.loads((HUB / "label-rows" / f"{name}.json").read_text())
    members = json.loads((HUB / d["ontology"]).read_text())
    structure = OntologyStructure.from_dict(members.get("ontology", members))
    before = LabelSet(structure, [LabelRowV2._from_dict(d["output"], structure)], title="rows")
    report = write(before, tmp_path / "out", "cvat", report=Report())
    assert tally(report.losses()) == tally(Report.predict(before, WRITES).losses())
    assert differences(before, read(tmp_path / "out"), carries=WRITES) == []


@pytest.mark.proves("cvat written: nested attributes", "cvat written: hashes")
@pytest.mark.parametrize("keyframes", ["all", "sparse"])
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_which_frames_are_keyframes_changes_nothing(name: str, keyframes: str, tmp_path: Path) -> None:
    labels = SAMPLES[name]()
    write(labels, tmp_path / "out", "cvat", report=Report(), keyframes=keyframes)
    assert differences(labels, read(tmp_path / "out", report=Report()), carries=WRITES) == []


@pytest.mark.proves("cvat written: classification")
@pytest.mark.parametrize("data_type", [DataType.VIDEO, DataType.IMG_GROUP])
def test_classifications_of_several_frames_stay_one(data_type: DataType, tmp_path: Path) -> None:
    s = Sample(data_type, frames=6, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    speed = car.add_attribute(TextAttribute, "speed", dynamic=True)
    instance = s.place(car, box(), Range(0, 3))
    instance.set_answer("slow", speed, Range(1, 2))
    weather = s.draft.add_classification("weather")
    weather.add_attribute(TextAttribute, "weather")
    for number, frames in enumerate(((0, 1, 4), (2,))):
        one = ClassificationInstance(weather, classification_hash=f"class00{number}")
        for frame in frames:
            one._place(frame, s.draft.info)
        one.set_answer("rain")
        s.rows[-1].add_classification_instance(one)
    labels = s.done()
    write(labels, tmp_path / "out", "cvat", strict=True)
    back = read(tmp_path / "out", report=(report := Report()))
    assert differences(labels, back) == []
    assert report.counts()["tag"]["in"] == 4


@pytest.mark.proves("cvat written: one name and several shapes")
def test_classes_of_one_name_are_one_label_again(tmp_path: Path) -> None:
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    s.place(s.draft.add_object("car", Shape.POLYGON), PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.1), (0.4, 0.7))))
    labels = s.done()
    write(labels, tmp_path / "out", "cvat", strict=True)
    assert differences(labels, read(tmp_path / "out")) == []
    rewritten(tmp_path / "out" / "annotations.xml", "    <encord>.*</encord>\n", "")
    apart = read(tmp_path / "out", report=Report())
    assert [(one.name, one.shape.value) for one in apart.ontology.objects] == [
        ("car", "bounding_box"), ("car", "polygon"),
    ]  # fmt: skip


def moving(frame: int) -> dict[Shape, Any]:
    """Return where shapes are on a frame: they move evenly, and turn off at frame 20."""
    t = min(frame, 20) / 100 + (max(frame - 20, 0) / 300)
    visibility = Visibility.OCCLUDED if frame > 25 else Visibility.VISIBLE
    hidden = Visibility.INVISIBLE if 10 <= frame < 15 else Visibility.VISIBLE
    at = (0.0, 0.0) if hidden is Visibility.INVISIBLE else (t, 0.5)
    pixels = np.zeros((30, 40), bool)
    pixels[2:5, 3 : 6 + frame // 15] = True
    return {
        Shape.BOUNDING_BOX: box(t, 0.2),
        Shape.ROTATABLE_BOUNDING_BOX: RotatableBoundingBoxCoordinates(0.2, 0.3, t, 0.4, (350 + 2 * frame) % 360),
        Shape.POLYGON: PolygonCoordinates(ring((t, 0.1), (t + 0.5, 0.1), (t + 0.2, 0.6 + t))),
        Shape.POLYLINE: PolylineCoordinates(ring((t, 0.1), (0.9, 0.1), (0.5, 0.6))),
        Shape.POINT: PointCoordinate(t, 0.3),
        Shape.BITMASK: BitmaskCoordinates(pixels),
        Shape.SKELETON: SkeletonCoordinates(
            [
                SkeletonCoordinate(0.3, t, "tip", "#00ff00", "tip00000", "tip", visibility),
                SkeletonCoordinate(*at, "end", "#00ff00", "end00000", "end", hidden),
            ]
        ),
    }


@pytest.mark.proves("cvat written: object on a video")
def test_tracks_of_every_shape_come_back_from_sparse_keyframes(tmp_path: Path) -> None:
    s = Sample(DataType.VIDEO, frames=50, title="road.mp4")
    for shape in moving(0):
        item = s.draft.add_object(shape.value, shape)
        lane = item.add_attribute(TextAttribute, "lane", dynamic=True)
        instance = s.place(item, moving(0)[shape], 0)
        for frame in (*range(1, 31), *range(33, 41)):
            info = {"created_at": instance.get_annotation(0).created_at, "manual_annotation": frame != 35}
            instance.set_for_frames(moving(frame)[shape], frame, **info)
        instance.set_answer("left", lane, Range(0, 12))
        instance.set_answer("right", lane, Range(17, 30))
    nodes = [SkeletonNode(0.5, 0.5, name, "#00ff00", f"{name}00000", name) for name in ("tip", "end")]
    s.draft.ontology.skeleton_templates.append(SkeletonTemplate("skeleton", 1.0, 1.0, nodes))
    labels = s.done()
    counts = {}
    for keyframes in ("all", "sparse"):
        report = write(labels, tmp_path / f"{keyframes}.xml", "cvat", report=Report(), keyframes=keyframes)
        assert tally(report.losses()) == tally(Report.predict(labels, WRITES).losses())
        assert differences(labels, read(tmp_path / f"{keyframes}.xml"), carries=WRITES) == []
        counts[keyframes] = (tmp_path / f"{keyframes}.xml").read_text().count(' frame="')
    assert counts["sparse"] < counts["all"] / 2


def test_a_mask_that_leaves_its_image_is_cut_and_said_to_be(tmp_path: Path) -> None:
    s = Sample()
    spill = s.draft.add_object("spill", Shape.BITMASK)
    pixels = np.zeros((60, 80), bool)
    pixels[10:40, 10:20] = True
    s.place(spill, BitmaskCoordinates(pixels))
    s.place(spill, BitmaskCoordinates(np.roll(pixels, 40, axis=1)))
    labels = s.done()
    report = write(labels, tmp_path / "out", "cvat", report=Report())
    losses = [(str(loss.kind), loss.code, loss.count) for loss in report.losses()]
    assert losses == [("approximated", "OUT_OF_BOUNDS_DROPPED", 1), ("dropped", "OUT_OF_BOUNDS_DROPPED", 1)]
    assert tally(Report.predict(labels, WRITES).losses()) == tally(report.losses())
    [row] = read(tmp_path / "out", report=(reading := Report()))
    [instance] = row.get_object_instances()
    assert int(instance.get_annotation(0).coordinates.to_numpy_array().sum()) == 20 * 10
    assert reading.is_lossless


def rewritten(path: Path, pattern: str, by: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(pattern, by, text, flags=re.DOTALL)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_geometry_survives_cvat_that_drops_what_it_does_not_know(case: str, tmp_path: Path) -> None:
    before = read(FIXTURES / case, "cvat", report=Report(), **OPTIONS.get(case, {}))
    write(before, tmp_path / "out", "cvat", report=Report())
    rewritten(tmp_path / "out" / "annotations.xml", "    <encord>.*</encord>\n", "")
    after = read(tmp_path / "out", report=Report())

    def shapes(labels: LabelSet) -> list[tuple[str, str, int]]:
        return sorted(
            (instance.object_name, instance.ontology_item.shape.value, len(instance._frames))
            for row in labels
            for instance in row.get_object_instances()
        )

    assert shapes(after) == shapes(before)


def test_a_label_someone_added_is_read_and_the_rest_with_it(tmp_path: Path) -> None:
    write(SAMPLES["boxes"](), tmp_path / "out", "cvat")
    path = tmp_path / "out" / "annotations.xml"
    rewritten(path, "  </image>", '    <box label="new" xtl="1" ytl="2" xbr="3" ybr="4" z_order="0"/>\n  </image>')
    [row] = read(path, report=Report())
    assert [one.object_name for one in row.get_object_instances()] == ["car", "car", "new"]


def test_an_ontology_that_is_none_is_passed_over(tmp_path: Path) -> None:
    write(SAMPLES["boxes"](), tmp_path / "out", "cvat")
    path = tmp_path / "out" / "annotations.xml"
    rewritten(path, "<ontology>.*</ontology>", "<ontology>[[[</ontology>")
    [row] = read(path, report=Report())
    assert [one.object_name for one in row.get_object_instances()] == ["car", "car"]


def test_options_of_reading_hold_for_files_of_this_package(tmp_path: Path) -> None:
    write(SAMPLES["boxes"](), tmp_path / "out", "cvat")
    labels = read(tmp_path / "out", report=Report(), transform_bounding_boxes_to_polygons=True)
    assert [one.shape for one in labels.ontology.objects] == [Shape.POLYGON]


def test_reading_and_writing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    case = FIXTURES / "authored-images-modern-shapes"
    convert(case, tmp_path / "one", to="cvat", report=Report())
    convert(tmp_path / "one", tmp_path / "two", to="cvat", report=Report())
    names = [path.name for path in (tmp_path / "one").iterdir()]
    assert names == ["annotations.xml"]
    assert (tmp_path / "one" / names[0]).read_bytes() == (tmp_path / "two" / names[0]).read_bytes()
