import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encord_convert.geometry import rings

SQUARE = [0.0, 0.0, 4.0, 0.0, 4.0, 3.0, 0.0, 3.0]

coordinates = st.floats(-100, 100)
ring_numbers = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=12).map(
    lambda points: [number for point in points for number in point]
)


def reversed_ring(flat):
    return [number for point in list(zip(flat[0::2], flat[1::2], strict=True))[::-1] for number in point]


def square_at(x, y, size):
    return [x, y, x + size, y, x + size, y + size, x, y + size]


def test_clockwise_on_screen_is_positive():
    assert rings.signed_area(SQUARE) == 12
    assert rings.signed_area(reversed_ring(SQUARE)) == -12
    assert rings.is_clockwise(SQUARE)
    assert not rings.is_clockwise(reversed_ring(SQUARE))


def test_repeated_first_point_changes_no_area():
    assert rings.signed_area([*SQUARE, 0.0, 0.0]) == 12


def test_area_keeps_its_digits_far_from_the_origin():
    far = [number + 1e9 for number in square_at(0, 0, 0.5)]
    assert rings.signed_area(far) == 0.25


@pytest.mark.parametrize("flat", [[], [1, 1], [0, 0, 3, 3]])
def test_fewer_than_three_points_enclose_nothing(flat):
    assert rings.signed_area(flat) == 0


@given(st.lists(ring_numbers, min_size=1, max_size=6))
def test_many_rings_measure_as_each_alone(many):
    flat = np.concatenate(many)
    starts = np.cumsum([0] + [len(ring) // 2 for ring in many[:-1]])
    # 12 points of at most 200 apart: products of 4e4, 16 digits.
    assert rings.areas_of(flat, starts) == pytest.approx([rings.signed_area(ring) for ring in many], abs=1e-9)
    boxes = [[min(r[0::2]), min(r[1::2]), max(r[0::2]), max(r[1::2])] for r in many]
    assert rings.bounds_of(flat, starts).tolist() == boxes


def test_broken_ring_leaves_the_others_alone():
    areas = rings.areas_of([*SQUARE, math.nan, 0, 1, 1, 2, 0, *SQUARE], [0, 4, 7])
    assert areas[[0, 2]].tolist() == [12, 12]
    assert math.isnan(areas[1])


def test_no_rings_have_no_areas():
    assert rings.areas_of([], []).shape == (0,)
    assert rings.bounds_of([], []).shape == (0, 4)


@pytest.mark.parametrize("starts", [[1], [0, 2, 2], [0, 4], [0, 3, 1]])
def test_ring_starts_outside_the_points_are_refused(starts):
    sentence = "Ring starts increase from 0 and stay below the 4 points; these do not."
    for measure in (rings.areas_of, rings.bounds_of):
        with pytest.raises(ValueError, match=sentence):
            measure(SQUARE, starts)


@pytest.mark.parametrize("flat", [[1.0, 2.0, 3.0], [[0, 0], [1, 1]]])
def test_ring_that_is_not_flat_pairs_is_refused(flat):
    with pytest.raises(ValueError, match="A ring is a flat list of x and y in turn; this one has shape"):
        rings.signed_area(flat)


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf, 2e12])
def test_coordinate_without_a_place_is_refused(strange):
    sentence = re.escape(f"A ring has the coordinate {strange}; coordinates are from -1e+12 to 1e+12.")
    for variant in (rings.check_ring, lambda flat: rings.clip_ring(flat, 10, 10)):
        with pytest.raises(ValueError, match=sentence):
            variant([0, 0, 1, strange, 1, 1])


def test_repeated_points_count_once():
    assert rings.distinct_points([0, 0, 4, 0, 4, 3, 0, 0]) == 3
    assert rings.distinct_points([1, 1, 1, 1, 1, 1]) == 1
    assert rings.distinct_points([]) == 0


def test_neighbouring_rings_share_no_point():
    left, right = square_at(0, 0, 2), square_at(2, 0, 2)
    for x, y in [(0, 0), (1, 1), (2, 0), (2, 1), (3, 1.5)]:
        assert rings.contains(left, x, y) + rings.contains(right, x, y) == 1
    assert not rings.contains(right, 4, 1)
    assert not rings.contains(left, 1, 2)


def test_ring_that_crosses_itself_contains_by_even_odd():
    twice = square_at(0, 0, 4) + square_at(0, 0, 4)
    assert not rings.contains(twice, 2, 2)


def test_holes_follow_their_outer_ring():
    first, second = square_at(0, 0, 10), square_at(20, 0, 10)
    in_first, in_second, also_in_first = square_at(1, 1, 2), square_at(21, 1, 2), square_at(5, 5, 2)
    polygons = rings.nest([in_first, second, first, in_second, also_in_first])
    assert polygons == [[second, in_second], [first, in_first, also_in_first]]


def test_ring_in_a_hole_is_a_polygon_of_its_own():
    levels = [square_at(level, level, 20 - 2 * level) for level in range(5)]
    assert rings.nest(levels) == [[levels[0], levels[1]], [levels[2], levels[3]], [levels[4]]]


def test_orientation_does_not_matter_for_nesting():
    outer, hole = square_at(0, 0, 10), square_at(1, 1, 2)
    assert rings.nest([reversed_ring(outer), hole]) == [[reversed_ring(outer), hole]]


def test_hole_that_touches_its_outer_ring_at_a_vertex_is_still_its_hole():
    outer, hole = square_at(0, 0, 10), [0.0, 0.0, 5.0, 2.0, 2.0, 5.0]
    assert rings.nest([outer, hole]) == [[outer, hole]]


def test_nothing_and_one_ring_are_nested_at_once():
    assert rings.nest([]) == []
    assert rings.nest([SQUARE]) == [[SQUARE]]


def test_ring_inside_the_image_is_not_changed():
    assert rings.clip_ring(SQUARE, 4, 3) == SQUARE


def test_ring_outside_the_image_is_empty():
    assert rings.clip_ring(square_at(20, 2, 3), 10, 10) == []
    assert rings.clip_ring(square_at(-3, 2, 3), 10, 10) == []  # touches the left border only
    assert rings.clip_ring([], 10, 10) == []


def test_ring_around_the_image_becomes_the_image():
    clipped = rings.clip_ring(square_at(-5, -5, 50), 10, 8)
    assert sorted(zip(clipped[0::2], clipped[1::2], strict=True)) == [(0, 0), (0, 8), (10, 0), (10, 8)]
    assert rings.is_clockwise(clipped)


@given(ring_numbers.filter(lambda flat: len(flat) >= 6))
def test_clipped_ring_stays_in_the_image_and_covers_the_same(flat):
    clipped = rings.clip_ring(flat, 50, 30)
    assert all(0 <= x <= 50 for x in clipped[0::2])
    assert all(0 <= y <= 30 for y in clipped[1::2])
    probes = [(5.123456, 7.654321), (25.35791, 15.97531), (44.86421, 28.12468)]
    for x, y in probes:
        # A ring that passes the probe within rounding may fall on either side of it.
        if _distance_to(flat, x, y) > 1e-9:
            assert rings.contains(clipped, x, y) == rings.contains(flat, x, y) if clipped else True


def _distance_to(flat, x, y):
    points = list(zip(flat[0::2], flat[1::2], strict=True))
    nearest = math.inf
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        length = (bx - ax) ** 2 + (by - ay) ** 2
        share = max(0.0, min(1.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) if length > 0 else 0.0
        nearest = min(nearest, math.hypot(ax + share * (bx - ax) - x, ay + share * (by - ay) - y))
    return nearest


def test_hull_keeps_corners_only_and_runs_clockwise():
    flat = [2.0, 2.0, 0.0, 0.0, 2.0, 0.0, 4.0, 0.0, 4.0, 4.0, 0.0, 4.0, 0.0, 2.0]
    assert rings.hull(flat) == [0.0, 0.0, 4.0, 0.0, 4.0, 4.0, 0.0, 4.0]


@pytest.mark.parametrize(
    ("flat", "expected"),
    [([], []), ([1, 2, 1, 2], [1, 2]), ([0, 0, 2, 2, 1, 1], [0, 0, 2, 2]), ([3, 0, 1, 0], [1, 0, 3, 0])],
)
def test_hull_without_area_is_its_ends(flat, expected):
    assert rings.hull(flat) == expected


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=20))
def test_hull_turns_one_way_around_all_points(points):
    corners = rings.hull([number for point in points for number in point])
    vertices = list(zip(corners[0::2], corners[1::2], strict=True))
    if len(vertices) < 3:
        return
    for (ax, ay), (bx, by) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        sides = [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in points]
        assert min(sides) >= 0
        on_edge = {
            point
            for point, side in zip(
                vertices, [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in vertices], strict=True
            )
            if side == 0
        }
        assert on_edge == {(ax, ay), (bx, by)}


def test_ellipse_starts_at_its_right_end_and_runs_clockwise():
    ring = rings.ring_from_ellipse(10, 20, 4, 2)
    assert len(ring) == 144
    assert ring[:2] == [14, 20]
    assert ring[36:38] == [10, 22]  # a quarter turn clockwise on screen: below the centre
    assert rings.is_clockwise(ring)


def test_ellipse_rotated_by_a_quarter_has_its_axes_swapped():
    ring = rings.ring_from_ellipse(10, 20, 4, 2, 90)
    assert ring[:2] == [10, 24]
    assert (min(ring[0::2]), min(ring[1::2]), max(ring[0::2]), max(ring[1::2])) == (8, 16, 12, 24)


@given(st.floats(-360, 360), st.integers(3, 100))
def test_every_vertex_lies_on_the_rotated_ellipse(angle, vertices):
    ring = rings.ring_from_ellipse(1, 2, 5, 3, angle, vertices)
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    for x, y in zip(ring[0::2], ring[1::2], strict=True):
        along, across = (x - 1) * cos + (y - 2) * sin, (y - 2) * cos - (x - 1) * sin
        assert (along / 5) ** 2 + (across / 3) ** 2 == pytest.approx(1)


def test_ellipse_of_two_vertices_is_refused():
    with pytest.raises(ValueError, match=r"A ring has three vertices at least, not 2\."):
        rings.ring_from_ellipse(0, 0, 1, 1, 0, 2)
