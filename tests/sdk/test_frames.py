"""Frames and ranges are as measured."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hub_samples import sample
from hypothesis import given
from hypothesis import strategies as st

from encord_convert.sdk.objects import frames
from encord_convert.sdk.objects.frames import Range, frames_class_to_frames_list, frames_to_ranges, ranges_to_frames

VECTORS = sample("frames_vectors.json")["vectors"]

MENDED = {"[4, 4, 5]": [{"start": 4, "end": 5}]}
"""Argument to result where a frame given twice no longer counts twice."""


def typed(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"start", "end"}:
        return Range(value["start"], value["end"])
    if isinstance(value, dict):
        return set(value["set"])
    if isinstance(value, list):
        return [typed(one) for one in value]
    return value


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['function']}({vector['argument']})")
def test_frames_are_as_measured(vector: dict[str, Any]) -> None:
    function = getattr(frames, vector["function"])
    argument = typed(vector["argument"])
    if "error" in vector:
        with pytest.raises(Exception) as caught:
            function(argument)
        assert type(caught.value).__name__ == vector["error"]
        return
    assert function(argument) == typed(MENDED.get(str(vector["argument"]), vector["result"]))


@given(st.lists(st.integers(-50, 50)))
def test_ranges_of_frames_hold_exactly_these_frames(numbers: list[int]) -> None:
    ranges = frames_to_ranges(numbers)
    assert ranges_to_frames(ranges) == sorted(set(numbers))
    assert all(one.end + 1 < other.start for one, other in pairwise(ranges))


@pytest.mark.parametrize("wrong", [None, 1.0, "1", (1, 2), {1}, [1, "2"], [1, Range(1, 2)]])
def test_other_forms_of_frames_are_refused(wrong: Any) -> None:
    with pytest.raises(RuntimeError, match="Frames are"):
        frames_class_to_frames_list(wrong)
