"""Labels go to rows of the official package, and come from them, through the JSON that its rows take and give."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert._samples import SAMPLES
from encord_convert.errors import MappingError, RowMismatchError
from encord_convert.formats.encord import row_dict
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.objects import OntologyStructure

NEWEST = Path(__file__).parents[2] / "fixtures" / "newest" / "label-rows"


class Official:
    """A row of the official package, as far as anything here looks at it."""

    def __init__(self, title: str, ontology: OntologyStructure, d: dict[str, Any]) -> None:
        self.data_title = title
        self.ontology_structure = ontology
        self.d = d

    def to_encord_dict(self) -> dict[str, Any]:
        return copy.deepcopy(self.d)

    def from_labels_dict(self, d: dict[str, Any]) -> None:
        self.d = copy.deepcopy(d)


def emptied(d: dict[str, Any]) -> dict[str, Any]:
    d = copy.deepcopy(d)
    for unit in d["data_units"].values():
        unit["labels"] = {"objects": [], "classifications": []} if "objects" in unit["labels"] else {}
    return {**d, "object_answers": {}, "classification_answers": {}, "object_actions": {}}


@pytest.mark.parametrize("name", ["audio", "both-video", "group-spaces", "image-all-shapes", "plain-text", "scene"])
def test_rows_of_the_newest_package_are_taken_and_given_as_they_are(name: str) -> None:
    golden = json.loads((NEWEST / f"{name}.json").read_text())
    ontology = golden["ontology"]
    if isinstance(ontology, str):
        ontology = json.loads((NEWEST.parent / ontology).read_text())
    structure = OntologyStructure.from_dict(ontology.get("ontology", ontology))
    saved = golden.get("output") or golden["row"]
    labels = LabelSet.from_encord([Official(saved["data_title"], structure, saved)])
    target = Official(saved["data_title"], structure, emptied(saved))
    assert [one is target for one in labels.to_encord([target])] == [True]
    [wanted] = labels
    assert {key: value for key, value in target.d.items() if key in saved} == {
        key: value for key, value in wanted.to_encord_dict().items() if key in saved
    }


def test_classes_of_another_project_are_those_of_the_same_name_and_shape() -> None:
    labels = SAMPLES["newer_tracks"]()
    [row] = labels
    members = labels.ontology.to_dict()
    for item in members["objects"]:
        item["featureNodeHash"] = item["featureNodeHash"][::-1]
    structure = OntologyStructure.from_dict(members)
    target = Official("road.mp4", structure, emptied(row_dict(row)))
    list(labels.to_encord([target]))
    [given] = LabelSet.from_encord([target])
    assert [one.ontology_item.shape.value for one in given.get_object_instances()] == ["ellipse", "cuboid_2d"]
    assert [one.feature_hash for one in given.get_object_instances()] == [
        one["featureNodeHash"] for one in members["objects"]
    ]


def test_a_class_the_project_lacks_is_named_and_no_row_is_touched() -> None:
    labels = SAMPLES["newer_shapes"]()
    [row] = labels
    structure = OntologyStructure([], [])
    target = Official("cam/1.png", structure, before := emptied(row_dict(row)))
    with pytest.raises(MappingError, match=r"lacks the class 'car' \(bounding_box\); .*'pond' \(ellipse\)"):
        list(labels.to_encord([target]))
    assert target.d == before


def test_a_row_that_belongs_to_none_is_named_and_no_row_is_touched() -> None:
    labels = SAMPLES["boxes"]()
    [row] = labels
    target = Official("other.png", labels.ontology, before := emptied(row_dict(row)))
    with pytest.raises(RowMismatchError, match=r"cam/1\.png: has labels, but there is no row of this title\."):
        list(labels.to_encord([target]))
    assert target.d == before
