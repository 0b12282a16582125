"""What the conventions of Encord's exporter say of things that its golden output does not hold."""

import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert._samples import SAMPLES
from encord_convert.formats import format_named
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
from encord_convert.testing import written as files_of

HUB = Path(__file__).parents[2] / "fixtures" / "hub"
GOLDEN = Path(__file__).parents[2] / "fixtures" / "coco-encord" / "exporter" / "expected_coco.json"


def written(labels: LabelSet) -> tuple[dict[str, Any], Report]:
    files, report = files_of(format_named("coco-encord"), labels)
    return json.loads(files["annotations.json"]), report


def newer(name: str) -> LabelSet:
    """Return a row of a newer server."""
    saved = json.loads((HUB / "label-rows" / f"newer-{name}.json").read_text())
    members = json.loads((HUB / saved["ontology"]).read_text())
    structure = OntologyStructure.from_dict(members.get("ontology", members))
    return LabelSet(structure, [LabelRowV2._from_dict(saved["output"], structure)], title="rows")


@pytest.mark.proves("coco official exporter: info", "coco official exporter: licenses")
def test_the_members_of_the_file_are_those_of_the_exporter() -> None:
    golden = json.loads(GOLDEN.read_text())
    file, _ = written(SAMPLES["boxes"]())
    assert set(file) == set(golden) == {"info", "categories", "images", "annotations"}
    assert file["info"].keys() == golden["info"].keys()
    assert [value for key, value in file["info"].items() if key != "description"] == [None] * 5


@pytest.mark.proves("coco official exporter: keys always present", "coco official exporter: attributes")
@pytest.mark.parametrize("sample", ["boxes", "polygons", "bitmasks", "points", "skeletons", "polylines_beside_boxes"])
def test_every_annotation_has_the_ten_members(sample: str) -> None:
    golden = json.loads(GOLDEN.read_text())["annotations"]
    file, _ = written(SAMPLES[sample]())
    has_keypoints = sample in ("points", "skeletons")
    for entry in file["annotations"]:
        assert entry.keys() == golden[0].keys()
        assert len(entry) == 10
        assert (entry["keypoints"] is None, entry["num_keypoints"] is None) == (not has_keypoints, not has_keypoints)
        assert None not in entry["attributes"].values()


@pytest.mark.proves("coco official exporter: categories", "coco official exporter: PDF, text, audio")
@pytest.mark.parametrize("name", ["audio", "text", "html"])
def test_classes_of_other_media_are_no_categories(name: str) -> None:
    labels = newer(name)
    file, report = written(labels)
    shapes = {one["supercategory"] for one in file["categories"]}
    assert len(labels.ontology.objects) > len(file["categories"])
    assert not shapes & {"audio", "text", "cuboid", "cuboid_2d", "segmentation"}
    assert (file["images"], file["annotations"]) == ([], [])
    assert ("EMPTY_ROWS_DROPPED", "row", 1) in {(loss.code, loss.type, loss.count) for loss in report.losses()}


@pytest.mark.proves("coco official exporter: PDF, text, audio")
def test_labels_of_pages_are_dropped_and_counted() -> None:
    file, report = written(newer("pdf"))
    assert file["annotations"] == []
    dropped = {(loss.type, loss.count) for loss in report.losses() if str(loss.kind) == "dropped"}
    assert ("bounding_box", 2) in dropped


@pytest.mark.proves("coco official exporter: cuboids, segmentation")
def test_shapes_the_exporter_has_no_place_for_are_polygons_and_counted() -> None:
    file, report = written(newer("image"))
    assert "cuboid_2d" not in {one["supercategory"] for one in file["categories"]}
    losses = {(str(loss.kind), loss.code, loss.type, loss.count) for loss in report.losses()}
    assert ("approximated", "CUBOID_APPROXIMATED", "cuboid_2d", 2) in losses


@pytest.mark.proves("coco official exporter: images, DICOM")
def test_slices_are_named_by_their_instance_and_frame() -> None:
    labels = SAMPLES["dicom_metadata"]()
    [row] = labels
    file, _ = written(labels)
    folder = f"dicom/{row._units[0].data_hash}"
    assert [image["file_name"] for image in file["images"]] == [
        f"{folder}/2.25.10", f"{folder}/2.25.11/1", f"{folder}/2.25.11/2",
    ]  # fmt: skip
    assert [(image["width"], image["height"]) for image in file["images"]] == [(40, 30), (40, 31), (40, 32)]


@pytest.mark.proves("coco official exporter: frame-level classifications")
def test_classifications_of_frames_are_dropped_and_counted() -> None:
    file, report = written(SAMPLES["classifications"]())
    assert file["annotations"] == []
    assert [(str(loss.kind), loss.code, loss.type, loss.count) for loss in report.losses()] == [
        ("dropped", "CLASSIFICATION_DROPPED", "classification", 1)
    ]
