import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_convert.geometry import boxes

numbers = st.floats(-1e4, 1e4)
sizes = st.floats(0.01, 1e4)
box_numbers = st.tuples(numbers, numbers, sizes, sizes)

ROUNDING = 1e-9
"""Numbers are at most 1e4 and pass through a few operations of 16 digits."""


@given(box_numbers)
def test_every_box_form_returns_to_where_it_started(box):
    forms = [
        (boxes.xyxy_from_xywh, boxes.xywh_from_xyxy),
        (boxes.cxcywh_from_xywh, boxes.xywh_from_cxcywh),
        (boxes.xyxy_from_cxcywh, boxes.cxcywh_from_xyxy),
    ]
    for there, back in forms:
        assert back(there(box)) == pytest.approx(box, abs=ROUNDING)


@given(box_numbers)
def test_the_three_box_forms_agree(box):
    through_centre = boxes.xyxy_from_cxcywh(boxes.cxcywh_from_xywh(box))
    assert through_centre == pytest.approx(boxes.xyxy_from_xywh(box), abs=ROUNDING)


@given(box_numbers, st.integers(1, 10_000), st.integers(1, 10_000))
def test_relative_box_returns_to_pixels(box, width, height):
    relative = boxes.relative_from_pixels(box, width, height)
    assert boxes.pixels_from_relative(relative, width, height) == pytest.approx(box, abs=ROUNDING)


def test_relative_coordinate_is_one_division():
    assert boxes.relative_from_pixels((10, 20, 70, 5), 30, 7) == (10 / 30, 20 / 7, 70 / 30, 5 / 7)


@pytest.mark.parametrize(("width", "height"), [(0, 10), (10, 0), (-1, 5), (math.nan, 5)])
def test_image_without_size_has_no_relative_coordinates(width, height):
    sentence = re.escape(f"An image of {width} x {height} pixels (width x height) has no relative coordinates.")
    with pytest.raises(ValueError, match=sentence):
        boxes.relative_from_pixels((0, 0, 1, 1), width, height)


def test_swapped_corners_are_put_in_order():
    assert boxes.ordered_xyxy((40, 60, 10, 20)) == (10, 20, 40, 60)


@pytest.mark.parametrize(
    ("angle", "expected"),
    [(0, 0), (360, 0), (-360, 0), (390, 30), (-90, 270), (719.5, 359.5), (-1e-20, 0), (1e9, 1e9 % 360)],
)
def test_angle_is_brought_into_one_turn(angle, expected):
    assert boxes.normalised_angle(angle) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_angle_is_brought_into_one_turn(angle):
    assert 0 <= boxes.normalised_angle(angle) < 360


@pytest.mark.parametrize("angle", [math.nan, math.inf, -math.inf])
def test_angle_without_a_value_is_refused(angle):
    with pytest.raises(ValueError, match=rf"An angle is a finite number of degrees, not {angle}\."):
        boxes.normalised_angle(angle)


def test_corners_start_top_left_and_run_clockwise():
    assert boxes.corners_from_rotated(10, 20, 30, 40, 0) == [10, 20, 40, 20, 40, 60, 10, 60]


def test_quarter_turn_has_no_rounding_error():
    assert boxes.corners_from_rotated(0, 0, 4, 2, 90) == [3, -1, 3, 3, 1, 3, 1, -1]
    assert boxes.corners_from_rotated(0, 0, 4, 2, 180) == [4, 2, 0, 2, 0, 0, 4, 0]
    assert boxes.corners_from_rotated(0, 0, 4, 2, -90) == boxes.corners_from_rotated(0, 0, 4, 2, 270)


def test_positive_angle_turns_clockwise_on_screen():
    right_end_of_top = boxes.corners_from_rotated(0, 0, 10, 10, 30)[2:4]
    assert right_end_of_top == pytest.approx([5 + 5 * math.cos(math.radians(30)) + 2.5, 5 + 2.5 - 4.330127018922193])


@given(numbers, numbers, sizes, sizes, st.floats(-720, 720))
def test_rotated_box_is_found_again_from_its_corners(x, y, w, h, angle):
    found = boxes.rotated_from_corners(boxes.corners_from_rotated(x, y, w, h, angle))
    assert found[:4] == pytest.approx((x, y, w, h), abs=1e-7)
    # Corners of at most 2e4 pixels carry 4e-12: over the longer edge that is the error of the angle in radians.
    assert abs(math.remainder(found[4] - angle, 360)) < 1e-9 / max(w, h) + 1e-9


def test_box_without_width_keeps_its_angle():
    assert boxes.rotated_from_corners(boxes.corners_from_rotated(5, 5, 0, 4, 30)) == pytest.approx((5, 5, 0, 4, 30))


@pytest.mark.parametrize("flat", [[0, 0, 4, 0, 5, 2, 0, 2], [0, 0, 0, 2, 4, 2, 4, 0]])
def test_what_is_no_clockwise_rectangle_has_no_rotation(flat):
    sentence = re.escape(f"The points {flat} are not the corners of a rectangle, clockwise on screen.")
    with pytest.raises(ValueError, match=sentence):
        boxes.rotated_from_corners(flat)


def test_corner_without_a_place_has_no_rotation():
    with pytest.raises(
        ValueError, match=re.escape("The corners [0, 0, 4, 0, 4, 2, 0, nan] are not all finite numbers.")
    ):
        boxes.rotated_from_corners([0, 0, 4, 0, 4, 2, 0, math.nan])


def test_rotated_box_needs_four_corners():
    with pytest.raises(ValueError, match=r"A rotated box has four corners, 8 numbers; these are 6\."):
        boxes.rotated_from_corners([0, 0, 1, 0, 1, 1])


def test_upright_box_encloses_the_rotated_one():
    left, top, right, bottom = boxes.xyxy_from_rotated(10, 10, 20, 10, 45)
    half = (20 + 10) / 2 / math.sqrt(2)
    assert (left, top, right, bottom) == pytest.approx((20 - half, 15 - half, 20 + half, 15 + half))


def test_points_are_enclosed_by_their_box():
    assert boxes.xyxy_from_points([3, 1, 0, 5, 2, 2]) == (0, 1, 3, 5)


@pytest.mark.parametrize("flat", [[], [1, 2, 3]])
def test_points_without_pairs_have_no_box(flat):
    sentence = f"Points are pairs of x and y, one pair at least; these are {len(flat)} numbers."
    with pytest.raises(ValueError, match=sentence):
        boxes.xyxy_from_points(flat)


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((-5, 2, 30, 40), (0, 2, 20, 10)),
        ((1, 2, 3, 4), (1, 2, 3, 4)),
        ((30, 30, 40, 40), (20, 10, 20, 10)),
        ((-9, -9, -1, -1), (0, 0, 0, 0)),
    ],
)
def test_box_is_cut_at_the_borders_of_the_image(box, clipped):
    assert boxes.clip_xyxy(box, 20, 10) == clipped
