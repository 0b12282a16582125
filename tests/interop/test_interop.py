"""Label sets as objects of other libraries, and back: what they carry comes back, what they do not is told."""

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encord_convert import ConversionWarning, LabelSet, MissingDependencyError, OptionError, Report, read, write
from encord_convert._samples import SAMPLES
from encord_convert.formats._files import MemoryTarget
from encord_convert.losses.compare import diff

STREET = "fixtures/street"
BOXES = "fixtures/coco/boxes-only"
VIDEO = "fixtures/cvat/authored-video-modern-tracks"


def told(call: Callable[[Report], Any]) -> tuple[Any, set[str]]:
    report = Report()
    made = call(report)
    return made, {loss.code for loss in report.losses()}


def objects(labels: LabelSet) -> Iterator[tuple[str, str, Any]]:
    for row in labels.walk():
        for instance in row.get_object_instances():
            yield row.data_title, instance.object_name, instance


@pytest.mark.parametrize(
    ("method", "module"),
    [("to_pandas", "pandas"), ("to_supervision", "supervision"), ("to_hf", "datasets"), ("to_torch", "torch")],
)
def test_a_library_that_is_not_installed_is_one_sentence(
    method: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"^{method} needs {module}: pip install {module}\.$"):
        getattr(SAMPLES["boxes"](), method)()


# --- pandas -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_a_data_frame_gives_back_what_it_does_not_tell_as_lost(sample: str) -> None:
    pytest.importorskip("pandas")
    labels = SAMPLES[sample]()
    frame, codes = told(lambda report: labels.to_pandas(report=report))
    differences = list(diff(labels, LabelSet.from_pandas(frame), tolerance_px=1e-6))
    if not codes:
        assert differences == []
    told_apart = {"MEDIA_CHANGED", "UNPLACED_DROPPED"}
    if codes <= told_apart:
        assert all("frames" in str(one) or "the data type" in str(one) or "the pictures" in str(one)
                   or "slice" in str(one) or "series" in str(one) for one in differences), differences  # fmt: skip


@pytest.mark.parametrize("source", [BOXES, "fixtures/cvat/authored-images-modern-shapes", STREET, VIDEO])
def test_a_data_frame_has_a_row_for_each_annotation(source: str) -> None:
    pytest.importorskip("pandas")
    report = Report()
    labels = read(source, report=Report())
    frame = labels.to_pandas(report=report)
    annotations = frame[frame["class"].notna()]
    drawn = annotations[annotations["shape"] != "classification"]
    assert len(drawn) == sum(len(instance._frames) for *_, instance in objects(labels))
    assert set(frame["title"]) == {row.data_title for row in labels.walk()}, "images without labels have a row"
    assert Counter(drawn["class"]) == Counter(name for _, name, one in objects(labels) for _ in one._frames)
    boxes = drawn[drawn["shape"] == "bounding_box"]
    assert np.allclose(boxes["area"], boxes["width"] * boxes["height"])


def test_an_edit_of_a_data_frame_is_written_or_refused() -> None:
    pytest.importorskip("pandas")
    frame = read(BOXES, report=Report()).to_pandas(report=Report())
    frame["x"] += 5
    moved = LabelSet.from_pandas(frame)
    assert np.allclose(moved.to_pandas(report=Report())["x"], frame["x"])
    polygons = SAMPLES["polygons"]().to_pandas(report=Report())
    polygons["x"] += 5
    with pytest.raises(OptionError, match=r"^from_pandas: row 0: x, y, width and height are not those of its geometry"):
        LabelSet.from_pandas(polygons)


def test_a_data_frame_made_by_hand_is_read() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({
        "title": ["a.jpg", "a.jpg", "b.jpg"], "class": ["car", "bus", None], "image_width": 100, "image_height": 50,
        "x": [10, 20, math.nan], "y": 5, "width": 20, "height": 10, "colour": ["red", None, None],
        "doors": [4, 2, None],
    })  # fmt: skip
    labels = LabelSet.from_pandas(frame)
    [car, bus] = [instance for *_, instance in objects(labels)]
    assert [(one.title, value) for one, value in car._static_answers()] == [("colour", "red"), ("doors", 4.0)]
    assert [(one.title, value) for one, value in bus._static_answers()] == [("doors", 2.0)]
    assert car.get_annotation(0).coordinates.to_dict() == {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}
    target, report = MemoryTarget(), Report()
    write(labels, target, "coco", report=report)
    assert len(labels) == 2 and sum(row["in"] for row in report.labels().values()) == 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"image_width": 0}, r"row 0: the image has 0 × 30 pixels"),
        ({"image_width": math.nan}, r"row 0 has no image_width and image_height"),
        ({"geometry": "{"}, r"row 0: the geometry cannot be read"),
        ({"geometry": None, "x": math.nan}, r"row 0 has neither a geometry nor a box"),
        ({"title": None}, r"row 0 has no title"),
        ({"geometry": 3}, r"row 0: the geometry cannot be read"),
        ({"class": 3}, r"row 0, column class: it is 3, which is not a text\. .* first of \d+ such rows"),
        ({"class": ""}, r"row 0, column class: it is empty, but the row is an annotation\. .* first of \d+ such rows"),
        ({"shape": "polygon"}, r"row 0, column shape: it is 'polygon', and the geometry is of bounding_box\."),
        ({"shape": "classification", "class": "x"}, "row 0 is of the classification 'x', which the ontology"),
        ({"shape": "bounding_bx"}, r"row 0, column shape: .* is not a shape\. Did you mean 'bounding_box'\?"),
        ({"confidence": 1.5}, r"row 0, column confidence: it is 1\.5, which is not a number from 0 to 1\."),
        ({"confidence": -0.1}, r"row 0, column confidence: it is -0\.1"),
        ({"confidence": math.inf}, r"row 0, column confidence: it is inf"),
        ({"confidence": "high"}, r"row 0, column confidence: it is 'high'"),
        ({"frame": -1}, r"row 0 is on frame -1"),
        ({"frame": 10**9}, r"row 0 is on frame 1000000000"),
    ],
)
def test_a_row_of_a_data_frame_that_cannot_be_is_named(changed: dict[str, Any], sentence: str) -> None:
    pytest.importorskip("pandas")
    frame = SAMPLES["boxes"]().to_pandas(report=Report()).assign(**changed)
    with pytest.raises(OptionError, match=f"^from_pandas: {sentence}"):
        LabelSet.from_pandas(frame)
    with pytest.raises(OptionError, match=r"^from_pandas: the frame lacks title, class"):
        LabelSet.from_pandas(frame[["x"]])


@pytest.mark.parametrize("frame", [None, "a.csv", [1]])
def test_what_is_no_data_frame_is_one_sentence(frame: Any) -> None:
    pytest.importorskip("pandas")
    with pytest.raises(OptionError, match=r"^from_pandas: .* is not a pandas DataFrame\.$"):
        LabelSet.from_pandas(frame)


def test_annotations_that_lost_their_class_are_counted_in_the_error_and_images_without_any_stay() -> None:
    pandas = pytest.importorskip("pandas")
    frame = read(BOXES, report=Report()).to_pandas(report=Report())
    left = frame.assign(**{"class": frame["class"].map({"person": "human"})})
    gone = left["class"].isna()
    first, count = left.index[gone][0], int(gone.sum())
    sentence = (
        rf"^from_pandas: row {first}, column class: it is empty, .* It is the first of {count} such rows.*Series\.map"
    )
    with pytest.raises(OptionError, match=sentence):
        LabelSet.from_pandas(left)
    with pytest.raises(OptionError, match=sentence):
        LabelSet.from_pandas(left.drop(columns=["geometry", "shape"]).astype({"class": "string"}))
    empty = pandas.DataFrame(
        [{**dict.fromkeys(frame.columns), "title": "empty.jpg", "image_width": 5, "image_height": 5}]
    )
    assert len(LabelSet.from_pandas(empty.assign(attributes=[{}]))) == 1


# --- supervision ------------------------------------------------------------------------------------------------------


def test_a_dataset_of_supervision_has_boxes_masks_and_trackers() -> None:
    pytest.importorskip("supervision")
    labels = read(STREET, report=Report())
    dataset, codes = told(lambda report: labels.to_supervision(report=report))
    assert codes and all(Path(path).is_file() for path in dataset.image_paths)
    found = [(Path(path).name, dataset.classes[number]) for path, one in dataset.annotations.items()
             for number in one.class_id]  # fmt: skip
    assert set(dataset.classes) >= {name for _, name in found}
    held = SAMPLES["bitmasks"]().to_supervision(report=Report())
    [detections] = held.annotations.values()
    assert detections.mask.shape[1:] == (30, 40)
    tracks, codes = told(lambda report: SAMPLES["tracks"]().to_supervision(report=report))
    ids = [int(number) for one in tracks.annotations.values() for number in one.tracker_id]
    assert len(ids) == 5 and len(set(ids) - {-1}) >= 1


def test_detections_of_supervision_come_back() -> None:
    pytest.importorskip("supervision")
    for sample in ("boxes", "bitmasks"):
        labels = SAMPLES[sample]()
        dataset = labels.to_supervision(report=Report())
        sizes = {row.data_title: (row.width, row.height) for row in labels.walk()}
        back = LabelSet.from_supervision(dataset, sizes=sizes)  # type: ignore[arg-type]
        assert [one[:2] for one in objects(back)] == [one[:2] for one in objects(labels)]
        for (*_, one), (*_, other) in zip(objects(labels), objects(back), strict=True):
            assert one.object_hash == other.object_hash
            left, right = (each.get_annotation(0).coordinates for each in (one, other))
            if sample == "boxes":
                assert np.allclose(list(left.to_dict().values()), list(right.to_dict().values()))
            else:
                assert np.array_equal(left.to_numpy_array(), right.to_numpy_array())
        report = Report()
        write(back, MemoryTarget(), "encord", report=report)
        assert not report.losses()


def test_what_detections_have_beside_is_counted_and_a_missing_size_is_refused() -> None:
    supervision = pytest.importorskip("supervision")
    one = supervision.Detections(
        xyxy=np.array([[1.0, 2.0, 5.0, 6.0]]), class_id=np.array([0]), tracker_id=np.array([7]),
        confidence=np.array([0.5]), data={"speed": np.array([3.5])},
    )  # fmt: skip
    dataset = supervision.DetectionDataset(["car"], ["a.jpg"], {"a.jpg": one})
    with pytest.raises(OptionError, match=r"^from_supervision: the size of a\.jpg is unknown"):
        LabelSet.from_supervision(dataset)
    report = Report()
    write(LabelSet.from_supervision(dataset, sizes={"a.jpg": (10, 10)}), MemoryTarget(), "encord", report=report)
    assert {loss.code: loss.count for loss in report.losses()} == {"NATIVE_DROPPED": 1, "TRACKS_DROPPED": 1}
    assert all(min(row.values()) >= 0 for row in report.counts().values())
    assert report.counts()["confidence"]["kept"] == 1


def test_a_loss_nobody_has_a_report_for_is_a_warning() -> None:
    pytest.importorskip("supervision")
    with pytest.warns(ConversionWarning, match=r"^supervision: 1 point dropped"):
        SAMPLES["points"]().to_supervision()


# --- Hugging Face, PyTorch --------------------------------------------------------------------------------------------


def test_datasets_of_hugging_face_come_back() -> None:
    pytest.importorskip("datasets")
    labels = read(STREET, report=Report())
    splits, codes = told(lambda report: labels.to_hf(report=report))
    assert codes
    assert set(splits) == {"train", "validation"}
    back = LabelSet.from_hf(splits)
    shown = [(title.rpartition("/")[2], name) for title, name, instance in objects(back)]
    assert shown and len(shown) == sum(len(one["id"]) for part in splits.values() for one in part["objects"])
    first = next(iter(splits.values()))[0]
    assert first["image"].size == (first["width"], first["height"])
    boxes = SAMPLES["boxes"]()
    again = LabelSet.from_hf(boxes.to_hf(report=Report()))
    for (*_, one), (*_, other) in zip(objects(boxes), objects(again), strict=True):
        left, right = (each.get_annotation(0).coordinates.to_dict() for each in (one, other))
        assert np.allclose(list(left.values()), list(right.values()))


def test_a_dataset_of_pytorch_has_the_form_of_torchvision() -> None:
    torch = pytest.importorskip("torch")
    labels = read(STREET, report=Report())
    dataset = labels.to_torch(report=Report())
    assert repr(dataset).startswith("Detection(images=")
    image, target = dataset[0]
    assert image.dtype is torch.uint8 and image.shape[0] == 3
    assert target["boxes"].shape == (len(target["labels"]), 4) and target["boxes"].dtype is torch.float32
    assert target["labels"].dtype is torch.int64 and set(target["labels"].tolist()) <= set(
        range(1, len(dataset.classes))
    )
    with_masks = [one for _, one in (dataset[index] for index in range(len(dataset))) if "masks" in one]
    assert with_masks and all(one["masks"].shape[0] == len(one["labels"]) for one in with_masks)
    assert labels.to_torch(lambda image, target: "moved", report=Report())[0] == "moved"
    with pytest.raises(OptionError, match=r"^to_torch: there is no image 'cam/1\.png' next to the labels"):
        SAMPLES["boxes"]().to_torch(report=Report())[0]
