import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_convert.geometry import interpolation

coordinates = st.floats(-100, 100)
curves = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=15).map(
    lambda points: [number for point in points for number in point]
)


def test_box_moves_linearly():
    assert interpolation.lerp([0, 10, 20, 30], [4, 20, 20, 10], 0.25) == [1, 12.5, 20, 25]


def test_keyframes_of_different_shapes_do_not_move_together():
    sentence = "The keyframes hold 4 and 5 numbers; they move together only when equally many."
    with pytest.raises(ValueError, match=sentence):
        interpolation.lerp([0] * 4, [0] * 5, 0.5)


@pytest.mark.proves("labels: 20")
@pytest.mark.parametrize(
    ("a", "b", "t", "expected"),
    [
        (350, 10, 0.5, 0),
        (350, 10, 0.75, 5),
        (10, 350, 0.25, 5),
        (10, 350, 0.75, 355),
        (0, 90, 0.5, 45),
        (-10, 370, 0.5, 0),
        (0, 0, 0.3, 0),
        (20, 199, 1, 199),
        (0, 180, 0.5, 90),
        (270, 90, 0.5, 0),
    ],
)
def test_rotation_takes_the_shorter_arc(a, b, t, expected):
    assert interpolation.angle_lerp(a, b, t) == pytest.approx(expected)


@given(st.floats(-720, 720), st.floats(-720, 720), st.floats(0, 1))
def test_rotation_stays_within_one_turn_and_never_turns_more_than_half(a, b, t):
    angle = interpolation.angle_lerp(a, b, t)
    assert 0 <= angle < 360
    assert abs(math.remainder(angle - a, 360)) <= 180 * t + 1e-9


def test_one_loose_point_moves_and_several_hold():
    assert interpolation.loose_points_between([0, 0], [4, 2], 0.5) == [2, 1]
    assert interpolation.loose_points_between([0, 0, 1, 1], [4, 2, 5, 5], 0.5) == [0, 0, 1, 1]
    assert interpolation.loose_points_between([0, 0], [4, 2, 5, 5], 0.5) == [0, 0]


def test_equal_polygons_move_vertex_by_vertex():
    a = [0, 0, 10, 0, 10, 10, 0, 10]
    b = [20, 0, 30, 0, 30, 10, 20, 10]
    assert interpolation.points_between(a, b, 0.25, closed=True) == [5, 0, 15, 0, 15, 10, 5, 10]


def test_extra_vertex_of_the_right_curve_is_taken_from_the_nearest_left_one():
    # Positions 0, 1 and 0, 0.6, 1: the middle vertex of b is nearest to the end of a.
    between = interpolation.points_between([0, 0, 10, 0], [0, 10, 6, 10, 10, 10], 0.5, closed=False)
    assert between == [0, 5, 8, 5, 10, 5]


def test_extra_vertex_of_the_left_curve_goes_to_the_nearest_right_one():
    between = interpolation.points_between([0, 0, 6, 0, 10, 0], [0, 10, 10, 10], 0.5, closed=False)
    assert between == [0, 5, 8, 5, 10, 5]


def test_equal_vertex_counts_are_matched_by_position_not_by_index():
    # Positions 0, 0.1, 1 and 0, 0.9, 1: the middle vertices do not meet each other.
    between = interpolation.points_between([0, 0, 10, 0, 100, 0], [0, 10, 90, 10, 100, 10], 0.5, closed=False)
    assert between == [0, 5, 5, 5, 95, 5, 100, 5]


def test_vertex_in_the_middle_goes_to_the_first_of_two_equally_near():
    between = interpolation.points_between([0, 0, 5, 0, 10, 0], [0, 10, 10, 10], 0.5, closed=False)
    assert between == [0, 5, 2.5, 5, 10, 5]


def test_crowding_vertices_are_thinned():
    # The first four vertices meet the first one of b. Their stretch is 3 long, 0.75 for each: a vertex nearer than
    # 0.375 to the one kept before goes; the ends of a stretch stay.
    a = [0, 0, 1, 0, 2, 0, 3, 0, 10, 0]
    b = [0, 0, 10, 0]
    assert interpolation.points_between(a, b, 0.5, closed=False) == [0, 0, 0.5, 0, 1, 0, 1.5, 0, 10, 0]
    assert interpolation.points_between(a, b, 0.75, closed=False) == [0, 0, 0.5, 0, 0.75, 0, 10, 0]


def test_two_ends_of_a_chunk_that_nearly_meet_become_one_vertex():
    a = [0, 0, 4, 0, 10, 0]
    b = [0, 0, 10, 0]
    assert interpolation.points_between(a, b, 0.875, closed=False) == [0.25, 0, 10, 0]


def test_closed_ring_does_not_repeat_its_first_vertex():
    a = [0, 0, 10, 0, 10, 10, 0, 10]
    b = [0, 0, 20, 0, 20, 20, 10, 20, 0, 20]
    between = interpolation.points_between(a, b, 0.5, closed=True)
    assert between == [0, 0, 15, 0, 15, 15, 10, 15, 0, 15]


def test_polygon_matches_its_first_vertices_whatever_their_places():
    a = [0, 0, 10, 0, 10, 10, 0, 10]
    rotated = [10, 0, 10, 10, 0, 10, 0, 0]
    assert interpolation.points_between(a, rotated, 0.5, closed=True) == [5, 0, 10, 5, 5, 10, 0, 5]


def test_curve_without_length_spreads_its_vertices_evenly():
    between = interpolation.points_between([0, 0, 0, 0], [10, 0, 20, 0], 0.5, closed=False)
    assert between == [5, 0, 10, 0]


@given(curves, curves, st.floats(0, 1), st.booleans())
def test_vertices_in_between_stay_within_both_keyframes(a, b, t, closed):
    between = interpolation.points_between(a, b, t, closed)
    assert 2 <= len(between) <= len(a) + len(b) + 2
    for axis in (0, 1):
        both = [*a[axis::2], *b[axis::2]]
        assert min(both) - 1e-9 <= min(between[axis::2])
        assert max(between[axis::2]) <= max(both) + 1e-9


# Along a line of whole numbers no two positions are so near that their distances round to a false tie.
@pytest.mark.proves("labels: 20")
@given(*[st.lists(st.integers(0, 50), min_size=2, max_size=15).map(lambda xs: [n for x in xs for n in (x, 0)])] * 2)
def test_matching_agrees_with_comparing_every_pair(a, b):
    left, right = (interpolation._positions(interpolation._curve(flat, False)) for flat in (a, b))
    expected = [[min(range(len(right)), key=lambda other: abs(right[other] - place))] for place in left]
    taken = {match[0] for match in expected}
    for other in range(len(right)):
        if other not in taken:
            expected[min(range(len(left)), key=lambda index: abs(left[index] - right[other]))].append(other)
    assert interpolation._matches(left, right) == [sorted(match) for match in expected]


@pytest.mark.parametrize("flat", [[], [1.0], [[0, 0], [1, 1]]])
def test_keyframe_without_points_is_refused(flat):
    sentence = re.escape("A curve is a flat list of x and y in turn, one pair at least; this one has shape")
    with pytest.raises(ValueError, match=sentence):
        interpolation.points_between(flat, [0, 0], 0.5, closed=True)
