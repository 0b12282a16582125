"""Masks painted over each other: what shows, what is hidden, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from encord_convert.geometry import rle
from encord_convert.geometry.paintings import BoxRuns, Painting, values_in


def box_runs(mask: np.ndarray) -> BoxRuns:
    return rle.box_runs_from_frame_runs(rle.runs_from_mask(mask), mask.shape[1], mask.shape[0])


@given(arrays(np.bool_, (4, 5, 7)), st.permutations([1, 2, 2, 9]))
def test_later_hides_earlier_and_hidden_pixels_are_counted(masks: np.ndarray, values: list[int]) -> None:
    expected = np.zeros((5, 7), np.uint32)
    for mask, value in zip(masks, values, strict=True):
        expected[mask] = value
    painting = Painting([box_runs(mask) for mask in masks], values, 5, 7, extents=True)
    assert (np.concatenate(list(painting.image.bands())) == expected).all()
    assert painting.hidden == [int((expected[mask] != value).sum()) for mask, value in zip(masks, values, strict=True)]


def test_an_image_in_bands_is_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(1)
    masks = chance.random((6, 40, 30)) < 0.2
    masks[0, 5:30, 3:20] = True
    values = [1, 2, 3, 3, 4, 5]
    whole = Painting([box_runs(mask) for mask in masks], values, 40, 30, extents=True)
    [image] = whole.image.bands()
    for rows, runs in ((1, 9), (3, 100), (7, 1)):
        monkeypatch.setattr("encord_convert.geometry.paintings._BAND_PIXELS", rows * 30)
        monkeypatch.setattr("encord_convert.geometry.paintings._PAINTED_AT_ONCE", runs)
        bands = Painting([box_runs(mask) for mask in masks], values, 40, 30, extents=True)
        assert (np.concatenate(list(bands.image.bands())) == image).all()
        assert (bands.hidden, bands.extents) == (whole.hidden, whole.extents)


@given(arrays(np.uint16, (6, 9), elements=st.sampled_from([0, 1, 2, 700, 65535])))
def test_each_value_is_one_mask(image: np.ndarray) -> None:
    found = values_in([image[:2], image[2:]])
    assert [value for value, _ in found] == [value for value in np.unique(image).tolist() if value]
    for value, (runs, *box) in found:
        assert rle.frame_runs_from_box_runs(runs, *box, 9, 6).tolist() == rle.runs_from_mask(image == value).tolist()
        assert box_runs(image == value)[1:] == tuple(box)


def test_the_common_example_is_found_again() -> None:
    m = np.array([[0, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], np.uint8)
    [(value, (runs, *box))] = values_in([m])
    assert (value, runs.tolist(), box) == (1, [0, 2, 2, 3, 2, 2, 4, 1], [1, 0, 4, 4])


def test_a_box_beyond_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="A box at 3, 0 of 2 x 1 pixels leaves 4 x 2"):
        Painting([(np.array([0, 2]), 3, 0, 2, 1)], [1], 2, 4)


def test_a_image_without_pixels_holds_no_values() -> None:
    assert values_in([np.zeros((0, 4), np.uint8)]) == []
