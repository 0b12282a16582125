"""What a COCO keypoint file holds, and what the official evaluation makes of it."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from encord_convert._samples import SAMPLES, Sample, box, skeletons
from encord_convert.conversion import write
from encord_convert.errors import OptionError, WriteError
from encord_convert.formats import format_named
from encord_convert.formats._api import parse_options
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import PointCoordinate, Visibility
from encord_convert.testing import written as files_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, numpy 2


def written(labels: LabelSet) -> tuple[dict[str, Any], Report]:
    files, report = files_of(format_named("coco-keypoints"), labels)
    assert list(files) == ["annotations.json"]
    return json.loads(files["annotations.json"]), report


def skeletons_beside_others() -> LabelSet:
    labels = skeletons(third=Visibility.VISIBLE, position=(0.6, 0.7))
    row = next(iter(labels))
    others = Sample()
    others.draft.ontology, others.rows = labels.ontology, [row]
    others.place(others.draft.add_object("car", Shape.BOUNDING_BOX), box())
    others.place(others.draft.add_object("hand", Shape.POINT), PointCoordinate(0.25, 0.5))
    return others.done()


def test_a_skeleton_has_the_form_of_person_keypoints() -> None:
    file, report = written(skeletons())
    [entry] = file["annotations"]
    del entry["attributes"]
    assert entry == {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [8.0, 9.0, 8.0, 1.0],
        "area": 8.0,
        "iscrowd": 0,
        "segmentation": [],
        "keypoints": [8.0, 9.0, 2, 16.0, 9.0, 1, 0, 0, 0],
        "num_keypoints": 2,
    }
    [category] = file["categories"]
    assert category["keypoints"] == ["wrist", "thumb", "tip"]
    assert category["skeleton"] == [[1, 2], [2, 3]]
    assert report.is_lossless


def test_every_category_and_annotation_has_keypoints() -> None:
    file, _ = written(skeletons_beside_others())
    assert [(one["id"], one["name"], len(one["keypoints"])) for one in file["categories"]] == [
        (1, "hand", 3),
        (2, "hand (point)", 1),
    ]
    assert [(one["category_id"], len(one["keypoints"]) // 3) for one in file["annotations"]] == [(1, 3), (2, 1)]


@pytest.mark.proves("coco codes: UNSUPPORTED_SHAPE")
def test_other_shapes_are_left_out_and_counted() -> None:
    _, report = written(skeletons_beside_others())
    [loss] = report.losses()
    assert (loss.code, loss.type, loss.label, loss.count) == ("UNSUPPORTED_SHAPE", "bounding_box", "car", 1)
    assert loss.detail == "No bounding boxes in the target."


def test_boxes_alone_are_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(WriteError) as caught:
        write(SAMPLES["boxes"](), tmp_path / "out", "coco-keypoints", report=Report())
    assert "none of the 2 annotations can be converted: 2 bounding boxes of 'car'" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_it_scores_1_against_itself(tmp_path: Path) -> None:
    labels = skeletons(third=Visibility.VISIBLE, position=(0.6, 0.7))
    path = tmp_path / "truth.json"
    write(labels, path, "coco-keypoints", report=Report())
    write(labels, tmp_path / "results.json", "coco-results", report=Report())
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(path))
        evaluation = COCOeval(truth, truth.loadRes(str(tmp_path / "results.json")), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.full(3, 0.05)
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 0]  # area range "all"
    assert precision == pytest.approx(1.0)


def test_options_out_of_range_are_refused() -> None:
    exporter = format_named("coco-keypoints").exporter
    assert exporter is not None
    with pytest.raises(OptionError) as caught:
        parse_options(exporter.options, {"decimals": "1"}, format_name="coco-keypoints")
    assert str(caught.value) == "coco-keypoints: decimals=1 is not allowed; it takes 2 to 9."
