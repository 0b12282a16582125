"""Ontologies: read, written, built, searched."""

from __future__ import annotations

import gc
import re
import time
from typing import Any

import pytest
from hub_samples import HUB, ontology, sample

from encord_convert.sdk.exceptions import OntologyError
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    Classification,
    FlatOption,
    NestableOption,
    Object,
    OntologyStructure,
    Option,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects.constants import AVAILABLE_COLORS

SAMPLES = sorted(path.name for path in (HUB / "ontologies").glob("*.json") if path.name != "parse-cases.json")
CASES = sample("ontologies/parse-cases.json")["cases"]

KEPT = {"extra keys at every level are dropped": {"skeleton_templates"}, "unknown attribute type": set()}
"""Cases where we keep what the platform's package drops or refuses, less the keys we drop too."""


@pytest.mark.parametrize("name", SAMPLES)
def test_an_ontology_is_written_as_it_was_read(name: str) -> None:
    d = sample(f"ontologies/{name}")
    d = d.get("ontology", d)
    assert OntologyStructure.from_dict(d).to_dict() == d


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_ontologies_are_read_or_refused_as_measured(case: dict[str, Any]) -> None:
    if case["name"] in KEPT:
        expected = {key: value for key, value in case["input"].items() if key not in KEPT[case["name"]]}
        assert OntologyStructure.from_dict(case["input"]).to_dict() == expected
    elif "error" in case:
        with pytest.raises(Exception) as caught:
            OntologyStructure.from_dict(case["input"])
        assert type(caught.value).__name__ == case["error"]
    else:
        assert OntologyStructure.from_dict(case["input"]).to_dict() == case["output"]


def test_unknown_keys_of_the_ontology_itself_are_kept() -> None:
    d = {"objects": [], "classifications": [], "revision": {"number": 3}}
    assert OntologyStructure.from_dict(d).to_dict() == d


# --- building -------------------------------------------------------------------------------------------------------


def test_the_palette_is_walked_from_the_last_object_and_wraps() -> None:
    structure = OntologyStructure()
    colors = [structure.add_object(str(n), Shape.POINT).color for n in range(28)]
    assert colors == [*AVAILABLE_COLORS, AVAILABLE_COLORS[0]]
    structure.add_object("own", Shape.POINT, color="#123456")
    assert structure.add_object("after own", Shape.POINT).color == AVAILABLE_COLORS[0]


def test_numbers_follow_the_highest_and_gaps_stay() -> None:
    structure = OntologyStructure()
    assert [structure.add_object("a", Shape.POINT, uid=uid).uid for uid in (None, 7, 3, None)] == [1, 7, 3, 8]
    assert structure.add_classification().uid == 1
    attribute = structure.objects[0].add_attribute(RadioAttribute, "kind", local_uid=4)
    option = attribute.add_option("one")
    nested = option.add_nested_attribute(TextAttribute, "which")
    assert (attribute.uid, option.uid, nested.uid) == ([1, 4], [1, 4, 1], [1, 4, 1, 1])


def test_hashes_have_the_forms_of_the_platform() -> None:
    structure = OntologyStructure()
    one = structure.add_object("a", Shape.POINT)
    attribute = one.add_attribute(ChecklistAttribute, "b")
    assert re.fullmatch(r"[0-9a-f]{8}", one.feature_node_hash)
    for element in (attribute, attribute.add_option("c")):
        assert re.fullmatch(r"[A-Za-z0-9+/]{8}", element.feature_node_hash)
    assert structure.add_classification(feature_node_hash="").feature_node_hash == ""


@pytest.mark.parametrize("given", [{"uid": 1}, {"feature_node_hash": "taken"}])
def test_a_number_or_hash_of_a_sibling_is_refused_and_nothing_added(given: dict[str, Any]) -> None:
    structure = OntologyStructure()
    structure.add_object("a", Shape.POINT, feature_node_hash="taken")
    with pytest.raises(ValueError, match="taken"):
        structure.add_object("b", Shape.POINT, **given)
    structure.add_classification(feature_node_hash="taken")
    assert [one.name for one in structure.objects] == ["a"]


def test_a_classification_takes_one_attribute() -> None:
    one = OntologyStructure().add_classification()
    one.add_attribute(TextAttribute, "remark")
    with pytest.raises(ValueError, match="takes one"):
        one.add_attribute(TextAttribute, "more")
    assert one.title == "remark"


def test_a_classification_without_an_attribute_has_no_title_and_is_in_nobody_s_way() -> None:
    structure = OntologyStructure()
    empty = structure.add_classification()
    structure.add_classification().add_attribute(TextAttribute, "remark")
    assert structure.get_child_by_title("remark", Classification).title == "remark"
    for attempt in (lambda: empty.title, empty.create_instance):
        with pytest.raises(OntologyError, match="no attribute"):
            attempt()
        with pytest.raises(IndexError):
            attempt()


def test_the_default_value_of_an_option_replaces_each_white_space() -> None:
    attribute = OntologyStructure().add_object("a", Shape.POINT).add_attribute(RadioAttribute, "b")
    assert attribute.add_option("Very  Large\tOne").value == "very__large_one"
    assert attribute.add_option("Other", value="").value == "other"
    assert attribute.add_option("Third", value="As Is").value == "As Is"


def test_the_old_name_of_nested_attributes_works_and_warns() -> None:
    option = OntologyStructure().add_object("a", Shape.POINT).add_attribute(RadioAttribute, "b").add_option("c")
    with pytest.warns(DeprecationWarning, match="add_nested_attribute"):
        nested = option.add_nested_option(TextAttribute, "d")
    assert option.attributes == [nested]


# --- looking up -----------------------------------------------------------------------------------------------------


def test_hashes_are_found_at_any_depth() -> None:
    structure = ontology()
    assert structure.get_child_by_hash("bb000001", Object).name == "Forklift"
    assert structure.get_child_by_hash("b1ntext1", TextAttribute).name == "Cell Vendor"
    assert structure.get_child_by_hash("b1nchko2", FlatOption).label == "Noise"
    assert structure.objects[0].get_child_by_hash("b1rad0o1").title == "Electric"
    with pytest.raises(OntologyError, match="nope"):
        structure.get_child_by_hash("nope")
    with pytest.raises(TypeError):
        structure.get_child_by_hash("bb000001", Classification)
    with pytest.raises(OntologyError):
        structure.objects[0].get_child_by_hash("bb000001")


def test_titles_are_found_and_never_guessed() -> None:
    structure = ontology()
    assert structure.get_child_by_title("Forklift").feature_node_hash == "bb000001"
    assert structure.get_child_by_title("Shift", Classification).feature_node_hash == "cc000001"
    assert structure.get_child_by_title("Shift", RadioAttribute).feature_node_hash == "c1rad001"
    assert structure.get_child_by_title("Diesel Engine", NestableOption).value == "diesel_engine"
    with pytest.raises(OntologyError, match="2 things"):
        structure.get_child_by_title("Shift")
    with pytest.raises(OntologyError, match="Nothing"):
        structure.get_child_by_title("shift")
    assert structure.get_children_by_title("Diesel Engine", Object) == []
    assert [one.title for one in structure.objects[0].get_children_by_title("Smoke", Option)] == ["Smoke"]


# --- equality -------------------------------------------------------------------------------------------------------


def test_attributes_are_equal_by_id_and_hash_alone() -> None:
    one = TextAttribute([1, 1], "h", "a", True, False)
    other = RadioAttribute([1, 1], "h", "b", False, True)
    assert one == other
    assert one != TextAttribute([1, 2], "h", "a", True, False)
    with pytest.raises(TypeError):
        hash(one)


def test_other_elements_are_equal_by_their_fields() -> None:
    assert ontology() == ontology()
    assert FlatOption("h", [1], "l", "v") == FlatOption("h", [1], "l", "v") != FlatOption("h", [1], "m", "v")
    assert hash(NestableOption("h", [1], "l", "v")) == hash(NestableOption("h", [2], "l", "v"))
    assert hash(Classification("h", 1, [])) == hash(Classification("h", 2, []))
    for unhashable in (FlatOption("h", [1], "l", "v"), Object("h", 1, "n", "#", Shape.POINT), OntologyStructure()):
        with pytest.raises(TypeError):
            hash(unhashable)


# --- skeletons ------------------------------------------------------------------------------------------------------


def test_the_template_of_a_skeleton_has_its_points_and_edges() -> None:
    (template,) = ontology("ontologies/newer-all.json").skeleton_templates
    assert (template.name, template.width, template.height) == ("Hand", 0.2, 0.3)
    assert [(node.name, node.x, node.y) for node in template.skeleton] == [("wrist", 0.0, 0.0), ("tip", 1.0, 1.0)]
    assert template.edges == [(0, 1, "#000000")]


def seconds_for(count: int) -> float:
    """The least of some runs, in which nothing else is cleared away."""
    times = []
    for _ in range(3):
        gc.collect()
        gc.disable()
        began = time.process_time()
        structure = OntologyStructure()
        radio = structure.add_classification().add_attribute(RadioAttribute, "Colour")
        for number in range(count):
            structure.add_object(f"class {number}", Shape.POLYGON, feature_node_hash=f"{number:08x}")
            radio.add_option(f"option {number}", feature_node_hash=f"{number:08x}")
        times.append(time.process_time() - began)
        gc.enable()
    return min(times)


def test_adding_a_class_takes_as_long_whatever_is_there() -> None:
    """Eight times as many take about eight times as long, not sixty-four times."""
    assert seconds_for(8000) < 30 * seconds_for(1000)


def test_siblings_that_go_and_come_by_hand_are_known_to_the_next() -> None:
    structure = OntologyStructure()
    for number in range(4):
        structure.add_object(f"class {number}", Shape.POLYGON, feature_node_hash=f"hash{number}")
    del structure.objects[1:3]
    again = structure.add_object("again", Shape.POLYGON, feature_node_hash="hash1")
    assert (again.uid, [one.feature_node_hash for one in structure.objects]) == (5, ["hash0", "hash3", "hash1"])
    structure.objects[-1:] = [
        Object(uid=9, name="other", color="#000000", shape=Shape.POLYGON, feature_node_hash="hash9")
    ]
    with pytest.raises(ValueError, match="hash9"):
        structure.add_object("another", Shape.POLYGON, feature_node_hash="hash9")
    assert structure.add_object("last", Shape.POLYGON).uid == 10
