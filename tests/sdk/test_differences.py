"""Where the original fails, loses or spoils something, ours does not: each place of the table in ``sdk``.

``fixtures/hub/differences.json`` holds, for each, what was done to a row (the words of ``tests/bench/_hub_world.py``),
and what the official package 0.1.104 made of it, recorded, beside what ours makes of it.
"""

from __future__ import annotations

import cProfile
import json
import re
import sys
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hub_samples import BOX, HUB, listing, object_entry, ontology, row_json, unit

import encord_convert.sdk
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance, OntologyStructure, Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from _hub_world import World

RECORDED = json.loads((HUB / "differences.json").read_text(encoding="utf-8"))
SHOWN_BELOW = {"D2", "D10", "D18", "D19", "D22"}


def part(value: Any, key: Any) -> Any:
    """Return a part of a JSON value, ``-`` for one that is not there."""
    return value.get(key, "-") if isinstance(value, dict) else value[key]


@pytest.mark.parametrize("name", RECORDED)
def test_what_the_original_loses_is_kept(name: str) -> None:
    played = World("encord_convert.sdk").play(RECORDED[name]["steps"])
    assert RECORDED[name]["differences"]
    for difference in RECORDED[name]["differences"]:
        assert reduce(part, difference["at"], played) == difference["ours"]
        assert difference["ours"] != difference["official"]


def test_the_table_names_every_place_and_each_is_shown() -> None:
    table = encord_convert.sdk.__doc__ or ""
    named = set(re.findall(r"\bD\d+b?\b", table))
    assert named == {f"D{number}" for number in range(1, 24)} | {"D8b", "D10b"}
    assert RECORDED.keys() | SHOWN_BELOW == named


def test_skeletons_are_written_where_the_original_refuses() -> None:
    """D2: the original raises ``NotImplementedError`` on reading and on writing a skeleton."""
    skeleton = {"0": {"x": 0.1, "y": 0.2, "name": "nose", "color": "#000000", "value": "nose", "featureHash": "s1"}}
    structure = OntologyStructure()
    structure.add_object("Body", Shape.SKELETON, feature_node_hash="bb000001")
    entry = {key: value for key, value in object_entry("O1").items() if key != "boundingBox"} | {"skeleton": skeleton}
    labels = {"0": {"objects": [entry], "classifications": []}}
    row = LabelRowV2(listing(), None, structure)
    row.from_labels_dict(row_json(units=[unit("v", labels=labels)]))
    written = row.to_encord_dict()["data_units"]["v"]["labels"]["0"]["objects"][0]["skeleton"]
    assert written == skeleton


def test_hidden_answers_stay_written_as_in_the_original() -> None:
    """D10: both write answers whose option is not chosen, since they count again when it is."""
    played = World("encord_convert.sdk").play(
        [
            "video",
            *[["new", 0, "A"], ["place", 0, [0], 1, False, {}], ["add", 0, False]],
            *[["answer", 0, 0, 0, None, False], ["answer", 0, 1, 3, None, False], ["answer", 0, 0, 1, None, True]],
            *[["trip", ""], ["answer", 0, 0, 0, None, True]],
        ]
    )
    hidden, shown = (look["instances"][0]["answers"]["a1.1.1.1"] for _, look in played["steps"][-2:])
    assert (hidden, shown) == (None, ["o1.1.1.1.1", "o1.1.1.1.2"])


def test_every_true_byte_is_a_pixel() -> None:
    """D18: the original reads the bytes 0 2 3 0 back as off, on, off, on."""
    np = pytest.importorskip("numpy")
    mask = np.array([[0, 2, 3, 0]], np.uint8).view(bool)
    assert BitmaskCoordinates(mask).to_numpy_array().tolist() == [[False, True, True, False]]


def test_a_classification_without_attribute_does_not_break_looking_up_titles() -> None:
    """D19: the original raises ``IndexError`` from every look-up by title."""
    structure = OntologyStructure()
    structure.add_classification()
    thing = structure.add_object("Thing", Shape.POINT)
    assert structure.get_child_by_title("Thing") is thing
    assert structure.get_children_by_title("Other") == []


def test_work_to_write_a_row_grows_with_its_labels_alone() -> None:
    """D22: four times the frames are four times the calls; sixteen times in the original."""

    def calls(frames: int) -> int:
        row = LabelRowV2(listing(frames=frames), None, ontology())
        row.from_labels_dict(row_json(units=[unit("v")]))
        for frame in range(frames):
            instance = ObjectInstance(row.ontology_structure.objects[0])
            instance.set_for_frames(BOX, frame)
            row.add_object_instance(instance)
        profile = cProfile.Profile()
        profile.runcall(row.to_encord_dict)
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(400) < 4.1 * calls(100)


def test_reviews_and_deletion_marks_are_carried() -> None:
    reviews = [{"reviewer": "r@example.org", "decision": "approved"}]
    entry = object_entry("O1") | {"reviews": reviews, "isDeleted": True}
    labels = {"0": {"objects": [entry], "classifications": []}}
    row = LabelRowV2(listing(), None, ontology())
    row.from_labels_dict(row_json(units=[unit("v", labels=labels)]))
    written: Any = row.to_encord_dict()["data_units"]["v"]["labels"]["0"]["objects"][0]
    assert (written["reviews"], written["isDeleted"]) == (reviews, True)
    written["reviews"].clear()
    again = row.to_encord_dict()["data_units"]["v"]["labels"]["0"]["objects"][0]
    assert again["reviews"] == [{"reviewer": "r@example.org", "decision": "approved"}]
