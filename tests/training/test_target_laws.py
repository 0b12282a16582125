"""Every training target × every sample: declared, predicted and observed losses are the same."""

from collections import Counter
from functools import partial

import pytest
from random_labels import random_labels

from encord_convert._samples import SAMPLES, WIDTH, Sample, box, mask_of, ring
from encord_convert.cli import _training as cli
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ChecklistAttribute, Shape, TextAttribute
from encord_convert.sdk.objects.coordinates import PolygonCoordinates, RotatableBoundingBoxCoordinates
from encord_convert.sdk.objects.frames import Range
from encord_convert.testing import FormatLaws, written
from encord_convert.training import TARGETS, TASKS, target_named

VARIANTS = [(name, None) for name in TARGETS if name != "ultralytics"] + [("ultralytics", task) for task in TASKS]


def crowds() -> LabelSet:
    s = Sample(DataType.VIDEO, frames=4, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    claim = car.add_attribute(ChecklistAttribute, "iscrowd", feature_node_hash="iscrowd0")
    yes = claim.add_option("iscrowd", feature_node_hash="yes00000")
    said = car.add_attribute(TextAttribute, "is_crowd", feature_node_hash="iscrowd1", dynamic=True)
    s.place(car, box()).set_answer([yes], claim)
    partly = s.place(car, box(0.2), Range(0, 3))
    partly.set_answer("yes", said, Range(1, 2))
    s.place(car, box(0.3), 1)
    return s.done()


def small() -> LabelSet:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, box(w=0.9 / WIDTH))
    s.place(car, box(w=1.0 / WIDTH))
    s.place(car, box(-0.2, w=0.2 + 0.5 / WIDTH))
    s.place(s.draft.add_object("dot", Shape.BITMASK), mask_of("1"))
    s.place(s.draft.add_object("sliver", Shape.POLYGON), PolygonCoordinates(ring((0.1, 0.1), (0.11, 0.1), (0.1, 0.9))))
    return s.done()


def rotated_out_of_the_image() -> LabelSet:
    s = Sample()
    ship = s.draft.add_object("ship", Shape.ROTATABLE_BOUNDING_BOX)
    s.place(ship, RotatableBoundingBoxCoordinates(height=0.2, width=0.4, top_left_x=0.75, top_left_y=0.4, theta=30.0))
    return s.done()


MORE = {make.__name__: make for make in (crowds, small, rotated_out_of_the_image)}
DRAWN = {f"seed {seed}": partial(random_labels, seed) for seed in range(4)}

for _name, _task in VARIANTS:
    for _negatives in ("keep", "drop") if _task in (None, "detect") else ("keep",):
        _title = f"Test_{_name}_{_task or 'boxes'}_{_negatives}"
        _target = target_named(_name, task=_task, negatives=_negatives)  # type: ignore[arg-type]
        globals()[_title] = type(_title, (FormatLaws,), {"format": _target, "samples": {**SAMPLES, **MORE, **DRAWN}})


def test_the_command_line_knows_every_target() -> None:
    assert cli.TARGETS == TARGETS


@pytest.mark.parametrize(("name", "task"), VARIANTS)
def test_a_target_carries_geometry_and_nothing_that_is_not_learnt_from(name: str, task: str | None) -> None:
    exporter = target_named(name, task=task).exporter
    assert exporter is not None
    assert not exporter.carries.features & {Feature.ANSWERS, Feature.TRACKS, Feature.CLASSIFICATIONS, Feature.HOLES}


def codes(name: str, labels: LabelSet, task: str | None = None) -> Counter[str]:
    losses = written(target_named(name, task=task), labels)[1].losses()
    counts: Counter[str] = Counter()
    for loss in losses:
        if loss.type not in ("answer", "track", "row"):
            counts[loss.code] += loss.count
    return counts


def test_a_crowd_is_left_out_where_training_would_and_only_on_the_frames_that_say_so() -> None:
    for name in ("detectron2", "hf", "rfdetr", "torchvision", "ultralytics"):
        assert codes(name, crowds())["CROWD_DROPPED"] == 3


def test_boxes_below_a_pixel_are_left_out_where_training_would() -> None:
    assert codes("torchvision", small())["TOO_SMALL"] == 5
    assert "TOO_SMALL" not in codes("detectron2", small())


def test_images_below_32_px_are_left_out_where_training_would() -> None:
    assert codes("mmdet", SAMPLES["boxes"]()) == {"PICTURE_TOO_SMALL": 2}


def test_a_rotated_box_that_leaves_its_image_is_cut_where_no_number_may_lie_outside() -> None:
    assert codes("ultralytics", rotated_out_of_the_image(), "obb") == {"CLIPPED": 1}
