"""Masks that are computed together are what each is alone."""

from __future__ import annotations

import numpy as np
import pytest

from encord_convert.formats.coco import write_numbers as _coco_masks
from encord_convert.formats.coco.write_numbers import mask_numbers
from encord_convert.geometry import rle
from encord_convert.hub.extents import Extents
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import BitmaskCoordinates

SIZES = [(7, 5), (1, 9), (9, 1), (12, 12), (40, 30)]


def drawn(seed: int) -> list[tuple[np.ndarray, tuple[int, int]]]:
    chance = np.random.default_rng(seed)
    return [
        (chance.random((height, width)) < share, (width, height))
        for width, height in SIZES
        for share in (0.0, 0.1, 0.5, 0.9, 1.0)
    ]


def extents(masks: list[BitmaskCoordinates], sizes: list[tuple[int, int]]) -> Extents:
    return Extents(Shape.BITMASK, masks, (), np.array(sizes, np.float64))


@pytest.mark.parametrize("together", [1, 100, 1 << 20])
@pytest.mark.parametrize("seed", range(4))
def test_masks_together_have_the_runs_box_and_area_of_each(
    seed: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coco_masks, "_MOST_PIXELS", together)
    images = drawn(seed)
    coordinates = [BitmaskCoordinates(mask) for mask, _ in images]
    numbers = mask_numbers(extents(coordinates, [size for _, size in images]))
    for (mask, (width, height)), found in zip(images, numbers, strict=True):
        if not mask.any():
            assert found is None
            continue
        assert found is not None
        columns, bbox, area = found
        assert columns.tolist() == rle.runs_from_mask(mask.T).tolist()
        top, left, box_height, box_width = rle.box_from_runs(columns, width, height)
        assert (bbox, area) == ([left, top, box_width, box_height], int(mask.sum()))


def test_runs_of_nothing_between_others_change_nothing() -> None:
    plain = BitmaskCoordinates._from_box_runs(np.array([1, 2, 1]), 1, 0, 2, 2, 4, 2)
    split = BitmaskCoordinates._from_box_runs(np.array([1, 1, 0, 1, 1, 0]), 1, 0, 2, 2, 4, 2)
    one, other = mask_numbers(extents([plain, split], [(4, 2)]))
    assert one is not None and other is not None
    assert (one[0].tolist(), one[1:]) == ([3, 2, 3], ([1, 0, 2, 2], 2))
    assert (other[0].tolist(), other[1:]) == (one[0].tolist(), one[1:])


@pytest.mark.parametrize(
    ("runs", "box"),
    [([1, 2], (1, 0, 2, 2)), ([1, -2, 5], (1, 0, 2, 2)), ([0, 4], (3, 0, 2, 2)), ([4, 0], (1, 0, 2, 2))],
)
def test_a_mask_that_is_not_plain_does_not_disturb_the_others(runs: list[int], box: tuple[int, ...]) -> None:
    plain = BitmaskCoordinates._from_box_runs(np.array([1, 2, 1]), 1, 0, 2, 2, 4, 2)
    odd = BitmaskCoordinates._from_box_runs(np.array(runs), *box, 4, 2)
    found = list(mask_numbers(extents([odd, plain, odd], [(4, 2)])))
    assert [one is None for one in found] == [True, False, True]
    assert found[1] is not None and found[1][0].tolist() == [3, 2, 3]
