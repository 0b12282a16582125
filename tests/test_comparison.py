"""Two label sets compared: every difference has a name, and a declaration narrows what is expected."""

from dataclasses import replace

import pytest

from encord_convert._samples import SAMPLES, Sample, box, mask_of
from encord_convert.formats.encord import CARRIES
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature
from encord_convert.losses.compare import diff
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape, TextAttribute
from encord_convert.sdk.objects.coordinates import PointCoordinate
from encord_convert.sdk.objects.frames import Range


def said(one: LabelSet, other: LabelSet, **options: object) -> list[str]:
    return [str(difference) for difference in diff(one, other, **options)]  # type: ignore[arg-type]


def boxes(*corners: float, name: str = "car", **info: object) -> LabelSet:
    s = Sample()
    car = s.draft.add_object(name, Shape.BOUNDING_BOX)
    for x in corners:
        s.place(car, box(x), **info)
    return s.done()


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_a_set_does_not_differ_from_itself(sample: str) -> None:
    assert said(SAMPLES[sample](), SAMPLES[sample]()) == []


def test_the_order_of_labels_is_no_difference() -> None:
    assert said(boxes(0.1, 0.3), boxes(0.3, 0.1)) == []


def test_a_moved_box_is_named_with_both_places() -> None:
    assert said(boxes(0.1), boxes(0.125)) == [
        "cam/1.png, frame 0: 'car': its geometry, expected box 4 6 10 15, found box 5 6 10 15"
    ]


def test_a_point_that_moved_by_a_few_pixels_is_the_same_one_and_one_far_away_is_another() -> None:
    def points(x: float) -> LabelSet:
        s = Sample()
        s.place(s.draft.add_object("nose", Shape.POINT), PointCoordinate(x, 0.5))
        return s.done()

    assert [one.what for one in diff(points(0.1), points(0.2))] == ["'nose': its geometry"]
    assert [one.what for one in diff(points(0.1), points(0.8))] == ["the point 'nose'", "a point of 'nose'"]


def test_a_box_moved_within_the_tolerance_is_the_same() -> None:
    assert said(boxes(0.1), boxes(0.125), tolerance_px=1.0) == []
    assert len(said(boxes(0.1), boxes(0.125), tolerance_px=0.9)) == 1


def test_a_missing_and_a_further_label_are_named() -> None:
    missing, further = said(boxes(0.1, 0.3), boxes(0.1)), said(boxes(0.1), boxes(0.1, 0.3))
    assert missing == ["cam/1.png, frame 0: the bounding_box 'car', expected box 12 6 10 15 on frames 0, found none"]
    assert further == ["cam/1.png, frame 0: a bounding_box of 'car', expected none, found box 12 6 10 15 on frames 0"]


def test_another_class_in_the_same_place_is_one_difference_and_elsewhere_two() -> None:
    def whats(x: float) -> list[str]:
        return [difference.what for difference in diff(boxes(0.1), boxes(x, name="bus"), carries=CARRIES)]

    assert whats(0.1) == ["the class of 'car'"]
    assert whats(0.6) == ["the bounding_box 'car'", "a bounding_box of 'bus'"]


def test_of_two_boxes_one_moved_and_one_missing_the_nearest_is_the_moved_one() -> None:
    told = [(difference.what, difference.expected) for difference in diff(boxes(0.125, 0.1), boxes(0.15))]
    assert told == [
        ("'car': its geometry", "box 5 6 10 15"),
        ("the bounding_box 'car'", "box 4 6 10 15 on frames 0"),
    ]


def test_one_pixel_of_a_mask_is_a_difference() -> None:
    sets = []
    for rows in (("011",), ("010",)):
        s = Sample()
        s.place(s.draft.add_object("spill", Shape.BITMASK), mask_of(*rows))
        sets.append(s.done())
    assert said(*sets) == [
        "cam/1.png, frame 0: 'spill': its geometry, "
        "expected a mask of 2 pixels in 40 × 30, found a mask of 1 pixels in 40 × 30"
    ]


def test_confidence_counts_only_where_it_is_declared() -> None:
    sure, unsure = boxes(0.1), boxes(0.1, confidence=0.5)
    assert said(unsure, sure) == ["cam/1.png, frame 0: 'car': its confidence, expected 0.5, found 1.0"]
    assert said(unsure, sure, carries=replace(CARRIES, features=CARRIES.features - {Feature.CONFIDENCE})) == []


def track(*values: str, width: float = 0.25) -> LabelSet:
    s = Sample(DataType.VIDEO, frames=4, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    speed = car.add_attribute(TextAttribute, "speed", feature_node_hash="speed000", dynamic=True)
    instance = s.place(car, box(w=width), Range(0, len(values) - 1))
    for frame, value in enumerate(values):
        instance.set_answer(value, speed, frame)
    return s.done()


def test_an_answer_that_differs_on_one_frame_is_named_with_the_frame() -> None:
    assert said(track("slow", "slow"), track("slow", "fast")) == [
        "road.mp4, frame 1: 'car': its answers, expected {'speed': 'slow'}, found {'speed': 'fast'}"
    ]


def test_a_track_cut_into_objects_is_a_difference_unless_tracks_are_not_carried() -> None:
    s = Sample(DataType.VIDEO, frames=4, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    speed = car.add_attribute(TextAttribute, "speed", feature_node_hash="speed000", dynamic=True)
    for frame in (0, 1):
        s.place(car, box(), frame).set_answer("slow", speed, frame)
    cut = s.done()
    assert said(track("slow", "slow"), cut) == [
        "road.mp4, frame 1: 'car': its frames, expected 0-1, found 0",
        "road.mp4, frame 1: a bounding_box of 'car', expected none, found box 4 6 10 15 on frames 1",
    ]
    assert (
        said(track("slow", "slow"), cut, carries=replace(CARRIES, features=CARRIES.features - {Feature.TRACKS})) == []
    )


def test_a_shape_that_is_not_carried_is_not_expected() -> None:
    without = replace(CARRIES, shapes=CARRIES.shapes - {Shape.BOUNDING_BOX})
    empty = Sample()
    empty.draft.add_object("car", Shape.BOUNDING_BOX)
    assert said(boxes(0.1), empty.done(), carries=without) == []
    assert said(boxes(0.1), empty.done(), carries=CARRIES) != []


def test_rows_are_paired_by_title_in_any_order_and_a_missing_row_is_named() -> None:
    def rows(*titles: str) -> LabelSet:
        s = Sample(title=titles[0])
        car = s.draft.add_object("car", Shape.BOUNDING_BOX)
        for index, title in enumerate(titles):
            if index:
                s.add_row(DataType.IMAGE, 1, title)
            s.place(car, box(len(title) / 10))
        return s.done()

    assert said(rows("a.png", "bb.png", "ccc.png"), rows("ccc.png", "a.png", "bb.png")) == []
    assert said(rows("a.png", "bb.png"), rows("a.png")) == ["bb.png: the row, expected 1 labels, found none"]


def test_labels_of_a_medium_that_is_not_carried_may_stand_on_any_image() -> None:
    frames = Sample(title="frame 0.png")
    car = frames.draft.add_object("car", Shape.BOUNDING_BOX)
    car.add_attribute(TextAttribute, "speed", feature_node_hash="speed000")
    for frame in (0, 1):
        if frame:
            frames.add_row(DataType.IMAGE, 1, "frame 1.png")
        frames.place(car, box()).set_answer("slow", car.attributes[0])
    images = replace(CARRIES, data_types=frozenset({DataType.IMAGE}), features=CARRIES.features - {Feature.TRACKS})
    assert said(track("slow", "slow"), frames.done(), carries=images) == []
    assert len(said(track("slow", "fast"), frames.done(), carries=images)) == 1


def test_splits_are_compared_where_that_is_asked_and_valid_is_val() -> None:
    one, other, third = (SAMPLES["boxes"]().held() for _ in range(3))
    for labels, split in ((one, "val"), (other, "valid"), (third, "train")):
        for row in labels:
            row.client_metadata = {"split": split}
    assert not list(diff(one, third)) and not list(diff(one, other, splits=True))
    assert {found.what for found in diff(one, third, splits=True)} == {"the split"}
