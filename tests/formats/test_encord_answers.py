"""What answers of label rows say comes back, or is counted: every key of every level, and answers nobody can read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from encord_convert import ReadError, Report, convert

HUB = Path(__file__).parents[2] / "fixtures" / "hub"
LIGHTS, LIGHTS_NONE, LIGHTS_TWO, MOVING, IDLE, END, START = range(7)
"""Actions of the object in the fixture."""


def passed(tmp_path: Path, edit: Callable[[Any], object]) -> tuple[dict[str, Any], dict[str, int]]:
    """Edit a row and pass it through the hub; return the row that came out, and what was counted by its label."""
    row = json.loads((HUB / "label-rows" / "video-dynamic-answers.json").read_text("utf-8"))["output"]
    ontology = json.loads((HUB / "ontologies" / "rich-attributes.json").read_text("utf-8"))
    edit(row)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ontology.json").write_text(json.dumps(ontology.get("ontology", ontology)), "utf-8")
    (tmp_path / "in" / "label_rows.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    report = convert(tmp_path / "in", tmp_path / "out", from_="encord", to="encord", report=Report())
    back = json.loads((tmp_path / "out" / "label_rows.jsonl").read_text("utf-8"))
    return back, {loss.label: loss.count for loss in report.losses()}


def actions_of(row: Any) -> Any:
    return row["object_actions"]["OBJfork1"]["actions"]


def answers_of(row: Any) -> Any:
    return row["object_answers"]["OBJfork1"]["classifications"]


def test_answers_with_nothing_odd_come_back_and_nothing_is_counted(tmp_path: Path) -> None:
    kept: list[Any] = []
    back, counted = passed(tmp_path, lambda row: kept.append(json.loads(json.dumps(row))))
    assert not counted
    assert actions_of(back) == actions_of(kept[0])
    assert answers_of(back) == answers_of(kept[0])


@pytest.mark.parametrize("answers", ["moving", [{"featureHash": "b1drado1"}, {"featureHash": "b1drado2"}]])
def test_a_dynamic_choice_that_is_not_one_option_is_counted(answers: Any, tmp_path: Path) -> None:
    back, counted = passed(tmp_path, lambda row: actions_of(row)[MOVING].update(answers=answers))
    assert len(actions_of(back)) == 6
    assert counted.keys() == {"image.object_actions.actions"}


def test_an_empty_choice_is_nothing_unless_it_has_keys_of_its_own(tmp_path: Path) -> None:
    def edit(row: Any) -> None:
        actions_of(row)[MOVING]["answers"] = actions_of(row)[IDLE]["answers"] = []
        actions_of(row)[IDLE]["why"] = "parked"

    back, counted = passed(tmp_path, edit)
    assert len(actions_of(back)) == 5
    assert counted == {"image.object_actions.actions": 13}


def test_a_choice_that_is_not_one_option_is_counted(tmp_path: Path) -> None:
    _, counted = passed(tmp_path, lambda row: answers_of(row)[1].update(answers="Diesel Engine"))
    assert counted.keys() == {"image.object_answers.classifications"}


def test_keys_of_actions_without_a_readable_answer_come_back(tmp_path: Path) -> None:
    def edit(row: Any) -> None:
        row["object_actions"]["OBJfork1"] = {"actions": [], "objectHash": "OBJfork1", "reviewer": "kim"}

    back, counted = passed(tmp_path, edit)
    assert back["object_actions"]["OBJfork1"] == {"actions": [], "objectHash": "OBJfork1", "reviewer": "kim"}
    assert not counted


def test_keys_of_options_come_back_where_a_checklist_is_split_over_actions(tmp_path: Path) -> None:
    def edit(row: Any) -> None:
        first, second = actions_of(row)[LIGHTS_TWO], json.loads(json.dumps(actions_of(row)[LIGHTS_TWO]))
        del first["answers"][1:], second["answers"][:1]
        first["answers"][0]["shade"], second["answers"][0]["shade"], second["pass"] = "warm", "cold", 2
        actions_of(row).append(second)

    back, counted = passed(tmp_path, edit)
    assert not counted
    [lights] = [one for one in actions_of(back) if one["range"] == [[2, 4]]]
    shades = {option["featureHash"]: option["shade"] for option in lights["answers"]}
    assert shades == {"b1dchko1": "warm", "b1dchko3": "cold"}
    assert lights["pass"] == 2


def test_keys_of_options_come_back_where_a_checklist_is_split_over_answers(tmp_path: Path) -> None:
    def edit(row: Any) -> None:
        first, second = answers_of(row)[0], json.loads(json.dumps(answers_of(row)[0]))
        del first["answers"][1:], second["answers"][:1]
        second["answers"][0]["shade"] = "cold"
        answers_of(row).append(second)

    back, counted = passed(tmp_path, edit)
    assert not counted
    assert [option.get("shade") for option in answers_of(back)[0]["answers"]] == [None, "cold"]


def test_keys_of_two_actions_of_one_value_come_back_or_are_counted(tmp_path: Path) -> None:
    def edit(row: Any) -> None:
        again = {**actions_of(row)[START], "range": [[5, 5]], "source": "import", "confidence": 0.5}
        actions_of(row)[START]["confidence"] = 0.25
        actions_of(row).append(again)

    back, counted = passed(tmp_path, edit)
    start = actions_of(back)[START]
    assert (start["range"], start["source"], start["confidence"]) == ([[0, 3], [5, 5]], "import", 0.25)
    assert counted == {"image.object_actions.actions.confidence": 1}


def test_frames_that_another_action_takes_are_counted(tmp_path: Path) -> None:
    back, counted = passed(tmp_path, lambda row: actions_of(row)[END].update(range=[[2, 4], [8, 9], [11, 11]]))
    assert actions_of(back)[END]["range"] == [[4, 4], [8, 9], [11, 11]]
    assert counted == {"image.object_actions.actions.range": 2}


def test_a_range_that_ends_before_it_starts_is_counted(tmp_path: Path) -> None:
    _, counted = passed(tmp_path, lambda row: actions_of(row)[END].update(range=[[8, 9], [7, 3]]))
    assert counted == {"image.object_actions.actions.range": 2}


def test_an_answer_that_a_later_one_replaces_is_counted(tmp_path: Path) -> None:
    def edit(row: Any) -> None:
        [serial] = [one for one in answers_of(row) if one["featureHash"] == "b1text01"]
        answers_of(row).append({**serial, "answers": "another"})

    back, counted = passed(tmp_path, edit)
    assert [one["answers"] for one in answers_of(back) if one["featureHash"] == "b1text01"] == ["another"]
    assert counted.keys() == {"image.object_answers.classifications"}


def test_a_class_that_a_frame_says_otherwise_is_counted(tmp_path: Path) -> None:
    def edit(row: Any) -> None:
        row["data_units"]["vid-0"]["labels"]["1"]["objects"][0]["featureHash"] = "bb000002"

    _, counted = passed(tmp_path, edit)
    assert counted == {"image.objects.featureHash": 1}


def test_a_mask_of_another_size_than_its_image_is_refused_with_its_line(tmp_path: Path) -> None:
    saved = json.loads((HUB / "label-rows" / "image-server-like.json").read_text("utf-8"))
    ontology = json.loads((HUB / saved["ontology"]).read_text("utf-8"))
    unit = next(iter(saved["input"]["data_units"].values()))
    next(one for one in unit["labels"]["objects"] if "bitmask" in one)["bitmask"]["height"] = 7
    (tmp_path / "ontology.json").write_text(json.dumps(ontology.get("ontology", ontology)), "utf-8")
    (tmp_path / "label_rows.jsonl").write_text(json.dumps(saved["input"]), "utf-8")
    with pytest.raises(ReadError, match=r"label_rows.jsonl:1: .*a bitmask is 8 x 7 pixels, its image 8 x 6"):
        convert(tmp_path, tmp_path / "out", from_="encord", to="coco")
