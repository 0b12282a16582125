import math
import re
from functools import reduce

import numpy as np
import pycocotools.mask as coco_mask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encord_convert.geometry import masks, rings, rle

# pycocotools.decode, which only these tests call, lags behind numpy's protocol.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

small_masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda size: st.binary(min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
        lambda data: (np.frombuffer(data, np.uint8) & 1).astype(bool).reshape(size)
    )
)


@st.composite
def polygons_in_images(draw):
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    # Whole and half pixels too: there the ties are.
    grid = draw(st.sampled_from([1, 2, 1000]))
    xs = st.integers(-width * grid // 2, 3 * width * grid // 2).map(lambda step: step / grid)
    ys = st.integers(-height * grid // 2, 3 * height * grid // 2).map(lambda step: step / grid)
    ring = st.lists(st.tuples(xs, ys), min_size=3, max_size=12).map(
        lambda points: [float(n) for p in points for n in p]
    )
    return draw(st.lists(ring, min_size=1, max_size=3)), height, width


def drawn(image):
    return np.array([[mark == "#" for mark in line] for line in image.split()])


def blob(height, width, cy, cx, radius):
    ys, xs = np.ogrid[:height, :width]
    return (ys + 0.5 - cy) ** 2 + (xs + 0.5 - cx) ** 2 < radius**2


@given(polygons_in_images())
@settings(max_examples=300)
def test_polygons_have_the_pixels_pycocotools_gives_them(case):
    parts, height, width = case
    encoded = coco_mask.frPyObjects(parts, height, width)
    united = coco_mask.decode(coco_mask.merge(encoded)).astype(bool)
    each = coco_mask.decode(encoded).astype(bool)
    assert np.array_equal(masks.mask_from_polygons_union(parts, height, width), united)
    assert np.array_equal(masks.mask_from_rings(parts, height, width), np.logical_xor.reduce(each, axis=2))
    string = rle.string_from_runs(masks.column_runs_from_polygons_union(parts, height, width))
    assert string == coco_mask.merge(encoded)["counts"].decode()


@pytest.mark.proves("pixels: 37")
@given(small_masks)
@settings(max_examples=300)
def test_mask_survives_crack_following(mask):
    traced = masks.rings_from_mask(mask)
    assert np.array_equal(masks.mask_from_rings(traced, *mask.shape), mask)
    assert sum(map(rings.signed_area, traced)) == np.count_nonzero(mask)


@given(small_masks)
@settings(max_examples=200)
def test_traced_ring_turns_at_every_vertex_and_has_whole_numbers(mask):
    for ring in masks.rings_from_mask(mask):
        points = np.array(ring).reshape(-1, 2)
        assert np.array_equal(points, np.round(points))
        steps = np.roll(points, -1, axis=0) - points
        is_level = steps[:, 1] == 0
        assert np.array_equal(steps[:, 0] == 0, ~is_level)
        assert np.array_equal(np.roll(is_level, 1), ~is_level)


@given(small_masks)
@settings(max_examples=200)
def test_each_polygon_is_one_connected_part_with_its_holes(mask):
    polygons = rings.nest(masks.rings_from_mask(mask))
    parts = [masks.mask_from_rings(polygon, *mask.shape) for polygon in polygons]
    assert reduce(np.logical_or, parts, np.zeros(mask.shape, bool)).tolist() == mask.tolist()
    assert sum(np.count_nonzero(part) for part in parts) == np.count_nonzero(mask)
    for polygon, part in zip(polygons, parts, strict=True):
        assert rings.is_clockwise(polygon[0])
        assert not any(rings.is_clockwise(hole) for hole in polygon[1:])
        assert is_connected(part)


def is_connected(mask):
    reached = np.zeros_like(mask)
    reached[tuple(np.argwhere(mask)[0])] = True
    while True:
        grown = np.pad(reached, 1)
        grown = mask & (reached | grown[2:, 1:-1] | grown[:-2, 1:-1] | grown[1:-1, 2:] | grown[1:-1, :-2])
        if np.array_equal(grown, reached):
            return np.array_equal(reached, mask)
        reached = grown


@pytest.mark.proves("pixels: 37")
def test_hole_survives_crack_following():
    mask = drawn("##### #...# #.#.# #...# #####")
    traced = masks.rings_from_mask(mask)
    assert [rings.signed_area(ring) for ring in traced] == [25, -9, 1]
    assert rings.nest(traced) == [[traced[0], traced[1]], [traced[2]]]
    assert np.array_equal(masks.mask_from_rings(traced, 5, 5), mask)


@pytest.mark.proves("pixels: 37")
def test_diagonal_pixels_are_two_rings_that_touch():
    assert masks.rings_from_mask(drawn("#. .#")) == [[0, 0, 1, 0, 1, 1, 0, 1], [1, 1, 2, 1, 2, 2, 1, 2]]
    assert masks.rings_from_mask(drawn(".# #.")) == [[1, 0, 2, 0, 2, 1, 1, 1], [0, 1, 1, 1, 1, 2, 0, 2]]


def test_hole_that_touches_the_outside_at_a_corner_belongs_to_the_outside():
    traced = masks.rings_from_mask(drawn(".## #.# ###"))
    assert len(traced) == 1
    assert rings.signed_area(traced[0]) == 7
    assert rings.distinct_points(traced[0]) == len(traced[0]) // 2 - 1  # the ring passes (1, 1) twice


@pytest.mark.proves("pixels: 37")
@pytest.mark.parametrize(
    "image", ["#", "####", "# # #", "#... .... ...#", ".#. ### .#.", "#.#.# .#.#. #.#.#", "#### #..# #### #..# ####"]
)
def test_lines_corners_and_checkerboards_survive_crack_following(image):
    mask = drawn(image)
    assert np.array_equal(masks.mask_from_rings(masks.rings_from_mask(mask), *mask.shape), mask)


def test_full_mask_is_one_ring_along_the_border():
    assert masks.rings_from_mask(np.ones((3, 5), bool)) == [[0, 0, 5, 0, 5, 3, 0, 3]]


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (4, 0), (0, 0)])
def test_empty_mask_has_no_rings(shape):
    assert masks.rings_from_mask(np.zeros(shape, bool)) == []
    assert np.array_equal(masks.mask_from_rings([], *shape), np.zeros(shape, bool))
    assert masks.box_from_mask(np.zeros(shape, bool)) == (0, 0, 0, 0)


def test_large_blobs_survive_crack_following():
    mask = blob(1080, 1920, 500, 900, 300) ^ blob(1080, 1920, 480, 880, 90) | blob(1080, 1920, 1000, 1900, 120)
    traced = masks.rings_from_mask(mask)
    assert len(traced) == 3
    assert np.array_equal(masks.mask_from_rings(traced, 1080, 1920), mask)


def test_rings_of_runs_are_those_of_the_mask():
    mask = blob(40, 50, 20, 20, 15)
    assert masks.rings_from_runs(rle.runs_from_mask(mask), 40, 50) == masks.rings_from_mask(mask)


@given(small_masks)
def test_box_encloses_exactly_the_set_pixels(mask):
    left, top, width, height = masks.box_from_mask(mask)
    ys, xs = np.nonzero(mask)
    if len(ys):
        assert (left, top, width, height) == (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)
    else:
        assert (left, top, width, height) == (0, 0, 0, 0)


def test_rectangle_has_the_pixels_whose_centres_it_holds():
    assert masks.box_from_mask(masks.mask_from_rings([[2, 1, 6, 1, 6, 4, 2, 4]], 8, 8)) == (2, 1, 4, 3)
    # Half pixels: a centre on the left or top edge is out, on the right or bottom edge in.
    assert masks.box_from_mask(masks.mask_from_rings([[1.5, 1.5, 5.5, 1.5, 5.5, 4.5, 1.5, 4.5]], 8, 8)) == (2, 2, 4, 3)


def test_overlapping_parts_are_united_and_rings_cancel():
    outer, inner = [0, 0, 4, 0, 4, 4, 0, 4], [1, 1, 3, 1, 3, 3, 1, 3]
    assert np.count_nonzero(masks.mask_from_polygons_union([outer, inner], 4, 4)) == 16
    assert np.count_nonzero(masks.mask_from_rings([outer, inner], 4, 4)) == 12


def test_four_numbers_are_two_points_not_a_box():
    assert not masks.mask_from_rings([[0, 0, 4, 4]], 5, 5).any()
    assert np.count_nonzero(masks.mask_from_rings([[0, 0, 4, 4], [], [0, 0, 2, 0, 2, 2, 0, 2]], 5, 5)) == 4


def test_mask_from_rings_is_a_plain_writable_array():
    mask = masks.mask_from_rings([[0, 0, 4, 0, 4, 4]], 5, 6)
    assert mask.shape == (5, 6)
    assert mask.dtype == bool
    assert mask.flags.writeable and mask.flags.c_contiguous


@pytest.mark.proves("pixels: 36")
def test_ring_that_reaches_far_outside_is_cut_and_still_painted():
    assert masks.mask_from_rings([[-1e9, -1e9, 1e9, -1e9, 1e9, 1e9, -1e9, 1e9]], 4, 5).all()
    far_right = masks.mask_from_rings([[2, -1e6, 1e6, -1e6, 1e6, 1e6, 2, 1e6]], 4, 5)
    assert far_right.tolist() == [[False, False, True, True, True]] * 4
    assert not masks.mask_from_rings([[1e9, 1e9, 2e9, 1e9, 2e9, 2e9]], 4, 5).any()


@pytest.mark.proves("pixels: 36")
@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf, 1e308])
def test_ring_without_a_place_is_refused(strange):
    sentence = re.escape(f"A ring has the coordinate {strange}; coordinates are from -1e+12 to 1e+12.")
    for paint in (masks.mask_from_rings, masks.mask_from_polygons_union):
        with pytest.raises(ValueError, match=sentence):
            paint([[0, 0, 4, strange, 4, 4]], 5, 5)


def test_ring_with_a_missing_y_is_refused():
    sentence = re.escape("A ring is a flat list of x and y in turn; this one has shape (7,).")
    with pytest.raises(ValueError, match=sentence):
        masks.mask_from_rings([[0, 0, 4, 0, 4, 4, 1]], 5, 5)


@pytest.mark.proves("pixels: 36")
def test_outline_that_would_fill_the_memory_is_refused():
    zigzag = [number for step in range(2000) for number in (-10_000 if step % 2 else 20_000, step)]
    sentence = r"The outline of a ring is \d+ pixels long, more than 13421772\."
    with pytest.raises(ValueError, match=sentence):
        masks.mask_from_rings([zigzag], 10_000, 10_000)
    # The joining edge counts: in an image one pixel high it may be most of the outline.
    with pytest.raises(ValueError, match=sentence):
        masks.mask_from_rings([[0, 0, 2**26, 0, 2**27, 1]], 1, 2**27)


def test_mask_larger_than_the_cap_is_refused():
    sentence = r"A mask of 100000 x 100000 pixels is larger than the 268435456 pixels allowed here\."
    with pytest.raises(ValueError, match=sentence):
        masks.mask_from_rings([[0, 0, 4, 0, 4, 4]], 100_000, 100_000)
