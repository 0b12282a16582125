"""Every reference label row is read and written as it should be; every difference has a name."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hub_samples import HUB, both_forms, differences, ontology, sample

from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.objects import LabelRowV2
from encord_convert.sdk.orm.label_row import LabelRowMetadata

SAMPLES = sorted(path.name for path in (HUB / "label-rows").glob("*.json") if path.name != "refused.json")
DOCUMENTED = [name for name in SAMPLES if not name.startswith("newer-")]
BUILT = [name for name in SAMPLES if "server-like" not in name]
"""Samples whose output was built in memory, so that their input is what is read, not what is written."""


def read(name: str, key: str) -> tuple[dict[str, Any], LabelRowV2]:
    d = sample(f"label-rows/{name}")
    row = LabelRowV2(LabelRowMetadata.from_dict(d["metadata"]), None, ontology(d["ontology"]))
    row.from_labels_dict(d[key])
    return d, row


@pytest.mark.parametrize("name", SAMPLES)
def test_what_the_platform_wrote_is_written_again(name: str) -> None:
    d, row = read(name, "output")
    assert differences(both_forms(d["output"]), row.to_encord_dict()) == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_keys_are_written_in_the_order_of_the_platform(name: str) -> None:
    d, row = read(name, "output")
    got = row.to_encord_dict()
    assert [key for key in got if key in d["output"] or key not in ("branch_name", "spaces")] == list(d["output"])
    for answers in ("object_answers", "classification_answers", "object_actions"):
        for hash_, entry in d["output"][answers].items():
            assert list(entry) == list(got[answers][hash_])[: len(entry)]
    for before, after in zip(d["output"]["data_units"].values(), got["data_units"].values(), strict=True):
        assert list(before) == list(after)
        assert list(before["labels"]) == list(after["labels"])
        assert _entry_keys(before["labels"]) == _entry_keys(after["labels"])


def _entry_keys(labels: Any) -> list[list[str]]:
    if isinstance(labels, list):
        return [list(entry) for entry in labels]
    return [keys for one in labels.values() for keys in _entry_keys(one)]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_row_says_enough_of_itself_to_be_read_without_its_listing(name: str) -> None:
    d = sample(f"label-rows/{name}")
    row = LabelRowV2._from_dict(d["output"], ontology(d["ontology"]))
    assert differences(both_forms(d["output"]), row.to_encord_dict()) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_reading_leaves_the_json_alone_and_shares_nothing_with_it(name: str) -> None:
    d, row = read(name, "output")
    before = copy.deepcopy(d["output"])
    written = row.to_encord_dict()
    assert d["output"] == before
    _spoil(written)
    _spoil(d["output"])
    assert row.to_encord_dict() == both_forms(before)


def _spoil(value: Any) -> None:
    for one in list(value.values()) if isinstance(value, dict) else value:
        if isinstance(one, (dict, list)):
            _spoil(one)
    value.clear()


EXPLAINED = {
    "a date keeps its zone": (r".*/(createdAt|lastEditedAt)", lambda old, new: new.startswith(old) and "UTC" in new),
    "a date with an offset is written in UTC": (
        r".*/classifications/\d+/lastEditedAt|/classification_answers/\w+/lastEditedAt",
        lambda old, new: (old, new) == ("Sat, 01 Jun 2024 11:00:00 ", "Sat, 01 Jun 2024 09:00:00 UTC"),
    ),
    "who answered is kept": (r"/object_answers/.*/manualAnnotation", lambda old, new: new is False),
    "a dynamic answer keeps its track": (
        r"/object_actions/\w+/actions/\d+/(trackHash|shouldPropagate)",
        lambda old, new: new in (..., True) or new.startswith("11111111-0000"),
    ),
    "unknown keys are kept": (
        r"(/branch_name|/spaces|/data_units/[^/]+/\w+|.*/objects/\d+/vendorExtra|/classification_answers/\w+/featureHash)",
        lambda old, new: old is ...,
    ),
    "reviews are kept": (r".*/reviews", lambda old, new: old is ... and isinstance(new, list)),
    "answers for what is on no frame are kept": (r"/classification_answers/CLSorphn", lambda old, new: old is ...),
    "frames that were read are kept, empty or not": (
        r"/data_units/[^/]+/labels/5",
        lambda old, new: (old, new) == (..., {"objects": [], "classifications": []}),
    ),
}
"""Why what we write differs from what the platform's own package writes: where, and how."""


@pytest.mark.parametrize("name", [name for name in DOCUMENTED if "server-like" in name])
def test_rows_of_a_server_are_written_as_the_platform_does_save_for_what_has_a_reason(name: str) -> None:
    d, row = read(name, "input")
    got = row.to_encord_dict()
    _in_one_order(d["output"]["object_actions"])
    _in_one_order(got["object_actions"])
    for path, old, new in differences(both_forms(d["output"]), got):
        reasons = [why for why, (where, how) in EXPLAINED.items() if re.fullmatch(where, path) and how(old, new)]
        assert reasons, f"{path}: the platform writes {old!r}, we write {new!r}"


def _in_one_order(actions: dict[str, Any]) -> None:
    """Sort dynamic answers: the platform turns their order round each time, we keep it."""
    for entry in actions.values():
        entry["actions"].sort(key=lambda action: (action["featureHash"], action["range"]))


@pytest.mark.parametrize("name", [name for name in BUILT if name.startswith("newer-")])
def test_rows_of_newer_servers_come_through_whole(name: str) -> None:
    d, row = read(name, "input")
    added = {"/data_units/vid-0/data_duration", "/data_units/vid-0/data_fps"}
    added |= {"/data_units/grp-0/labels/objects", "/data_units/grp-0/labels/classifications"}
    assert {path for path, _, _ in differences(d["input"], row.to_encord_dict())} <= added


ACCEPTED = {
    "skeleton object in a frame",
    "answers for an unknown object",
    "classification without an answers entry",
}
"""Rows the platform's package refuses, and we read and write again."""


@pytest.mark.parametrize("case", sample("label-rows/refused.json")["cases"], ids=lambda case: case["name"])
def test_what_is_refused_is_refused_with_the_same_class(case: dict[str, Any]) -> None:
    row = LabelRowV2(LabelRowMetadata.from_dict(case["metadata"]), None, ontology(case["ontology"]))
    if case["name"] in ACCEPTED:
        row.from_labels_dict(case["input"])
        again = LabelRowV2(LabelRowMetadata.from_dict(case["metadata"]), None, row.ontology_structure)
        again.from_labels_dict(row.to_encord_dict())
        assert again.to_encord_dict() == row.to_encord_dict()
        return
    with pytest.raises(Exception) as caught:
        row.from_labels_dict(case["input"])
        row.to_encord_dict()
    assert type(caught.value).__name__ == case["error"]
    assert row.is_labelling_initialised is (case["stage"] == "encode")


class Official:
    """A row of the official package, as far as we look at it: recorded."""

    def __init__(self, d: dict[str, Any]) -> None:
        self._d = d
        self.ontology_structure = ontology(d["ontology"])

    def to_encord_dict(self) -> dict[str, Any]:
        return copy.deepcopy(self._d["output"])  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_of_the_official_package_are_taken_over(name: str) -> None:
    d = sample(f"label-rows/{name}")
    (row,) = LabelSet.from_encord([Official(d)])
    assert differences(both_forms(d["output"]), row.to_encord_dict()) == []
    (again,) = LabelSet.from_encord([row])
    assert again.to_encord_dict() == row.to_encord_dict()
