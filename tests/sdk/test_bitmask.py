"""Bitmasks are encoded, decoded and refused as measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hub_samples import sample

from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates

VECTORS = sample("bitmask_vectors.json")


def mask(rows: list[str], height: int, width: int) -> Any:
    return np.array([[pixel == "1" for pixel in row] for row in rows], bool).reshape(height, width)


@pytest.mark.proves("pixels: 34")
@pytest.mark.parametrize("vector", [one for one in VECTORS["encode"] if "rows" in one], ids=lambda one: one["name"])
def test_arrays_are_encoded_as_measured(vector: dict[str, Any]) -> None:
    pixels = mask(vector["rows"], vector["height"], vector["width"])
    for layout in (pixels, np.asfortranarray(pixels), np.ascontiguousarray(pixels.T).T):
        assert BitmaskCoordinates(layout).to_dict() == vector["bitmask"]
    decoded = BitmaskCoordinates.from_dict({"bitmask": vector["bitmask"]}).to_numpy_array()
    assert decoded.flags.writeable
    assert np.array_equal(decoded, pixels)


@pytest.mark.proves("pixels: 34")
@pytest.mark.parametrize("vector", VECTORS["decode"], ids=lambda one: one["name"])
def test_strings_are_decoded_as_measured(vector: dict[str, Any]) -> None:
    bitmask = BitmaskCoordinates(vector["bitmask"])
    assert bitmask.to_dict() == vector["bitmask"]
    if "error" in vector:
        with pytest.raises(Exception) as caught:
            bitmask.to_numpy_array()
        assert type(caught.value).__name__ == vector["error"]
    else:
        expected = mask(vector["rows"], vector["bitmask"]["height"], vector["bitmask"]["width"])
        assert np.array_equal(np.asarray(bitmask), expected)


WRONG_ARRAYS = [np.zeros((2, 2), np.uint8), np.zeros((2, 2)), np.zeros(4, bool), np.zeros((1, 2, 3), bool)]


@pytest.mark.parametrize("wrong", WRONG_ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_of_other_kinds_are_refused(wrong: Any) -> None:
    with pytest.raises(EncordException, match="array of"):
        BitmaskCoordinates(wrong)


@pytest.mark.parametrize(
    "wrong", [None, [[True]], "01", {"top": 0}, {"bitmask": {}}, BitmaskCoordinates(np.zeros((1, 1), bool))]
)
def test_other_sources_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="A bitmask is made from"):
        BitmaskCoordinates(wrong)


@pytest.mark.parametrize("key", ["top", "left", "height", "width", "rleString"])
def test_a_dictionary_without_one_of_the_five_keys_is_refused(key: str) -> None:
    d = {"top": 0, "left": 0, "height": 1, "width": 1, "rleString": "1"}
    del d[key]
    with pytest.raises(EncordException):
        BitmaskCoordinates.from_dict({"bitmask": d})


def test_numbers_may_come_as_text_and_integral_floats() -> None:
    bitmask = BitmaskCoordinates.from_dict({"top": "0", "left": 0.0, "height": 1, "width": "2", "rle_string": "2"})
    assert bitmask.to_dict() == {"top": 0, "left": 0, "height": 1, "width": 2, "rleString": "2"}


def test_pixels_of_other_truthy_bytes_are_set() -> None:
    bytes_ = np.array([[0, 2, 3, 0]], np.uint8).view(bool)
    assert BitmaskCoordinates(bytes_).to_dict()["rleString"] == "121"


def test_a_box_of_runs_is_a_mask_of_its_frame() -> None:
    runs = np.array([1, 2, 1])
    bitmask = BitmaskCoordinates._from_box_runs(runs, 1, 0, 2, 2, frame_width=4, frame_height=3)
    assert bitmask.frame_size == (4, 3)
    assert bitmask.to_numpy_array().astype(int).tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    given, *box = bitmask._box_runs()
    assert given is runs and box == [1, 0, 2, 2]
    again = BitmaskCoordinates(bitmask.to_dict())
    tight, *tight_box = again._box_runs()
    assert tight.tolist() == [1, 2, 1] and tight_box == [1, 0, 2, 2]


def test_an_empty_mask_has_an_empty_box() -> None:
    _, *box = BitmaskCoordinates(np.zeros((3, 4), bool))._box_runs()
    assert box == [0, 0, 0, 0]


def test_bitmasks_are_compared_by_identity() -> None:
    pixels = np.eye(2, dtype=bool)
    assert BitmaskCoordinates(pixels) != BitmaskCoordinates(pixels)
    assert BitmaskCoordinates(pixels).to_dict() == BitmaskCoordinates(pixels).to_dict()
