"""Split dynamic checklists are united frame by frame, exactly."""

from __future__ import annotations

from typing import Any

import pytest
from hub_samples import BOX, sample
from hypothesis import given
from hypothesis import strategies as st

from encord_convert.sdk.objects import ChecklistAttribute, ObjectInstance, OntologyStructure, Shape

CASES = sample("checklist_merge_vectors.json")["cases"]

STRUCTURE = OntologyStructure()
THING = STRUCTURE.add_object("Thing", Shape.BOUNDING_BOX)
CHECKLIST = THING.add_attribute(ChecklistAttribute, "Marks", dynamic=True)
for letter in "pqr":
    CHECKLIST.add_option(letter, feature_node_hash=letter)


def read(entries: list[dict[str, Any]]) -> ObjectInstance:
    instance = ObjectInstance(THING)
    instance.set_for_frames(BOX, list(range(12)))
    instance.set_answer_from_list(
        [
            {
                "featureHash": CHECKLIST.feature_node_hash,
                "answers": [{"featureHash": option} for option in entry["options"]],
                "range": [entry["range"]],
            }
            for entry in entries
        ]
    )
    return instance


def by_frame(entries: list[dict[str, Any]]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for entry in entries:
        for frame in range(entry["range"][0], entry["range"][1] + 1):
            found.setdefault(frame, set()).update(entry["options"])
    return found


def answered(instance: ObjectInstance) -> dict[int, set[str]]:
    return {
        frame: {option.title for option in answer.answer}
        for answer in instance.get_answer(CHECKLIST)
        for one in answer.ranges
        for frame in range(one.start, one.end + 1)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_split_entries_are_united_exactly(case: dict[str, Any]) -> None:
    assert answered(read(case["entries"])) == by_frame(case["exact_union"])


entry = st.builds(
    lambda start, length, options: {"range": [start, start + length], "options": sorted(options)},
    st.integers(0, 8),
    st.integers(0, 3),
    st.sets(st.sampled_from("pqr")),
)


@given(st.lists(entry, max_size=6))
def test_any_split_is_united_to_what_it_says_frame_by_frame(entries: list[dict[str, Any]]) -> None:
    assert answered(read(entries)) == by_frame(entries)


def test_an_empty_selection_is_an_answer() -> None:
    instance = read([{"range": [2, 3], "options": []}])
    (only,) = instance.get_answer(CHECKLIST)
    assert only.answer == []
