"""Answers behave as measured, step by step; where a defect is mended, the table says which and how."""

from __future__ import annotations

from typing import Any

import pytest
from hub_samples import BOX, ontology, sample, video

from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, ObjectInstance, OntologyStructure, Option
from encord_convert.sdk.objects.frames import Range
from encord_convert.sdk.objects.ontology_object_instance import AnswerForFrames

SEQUENCES = sample("answers_vectors.json")["sequences"]

MENDED: dict[tuple[str, int], dict[str, Any]] = {
    # Attributes nested under dynamic ones can be answered once their option is chosen on some frame.
    ("dynamic radio and its nested attribute", 4): {"error": None},
    ("dynamic radio and its nested attribute", 5): {"returns": "north"},
    # Deleted answers are gone.
    ("dynamic: deletion still counts the frame for validity", 4): {"error": None},
    ("dynamic: deletion still counts the frame for validity", 5): {"error": None},
    # What fails changes nothing.
    ("a failing dynamic set removes what was there", 4): {
        "returns": [{"answer": "keep", "ranges": [{"start": 0, "end": 4}]}]
    },
    # Answers leave a frame with their object.
    ("removing a frame leaves its dynamic answer", 4): {
        "returns": [{"answer": "a", "ranges": [{"start": 0, "end": 2}, {"start": 4, "end": 4}]}]
    },
    ("removing a frame leaves its dynamic answer", 5): {"error": None},
    # A copy goes by its own frames.
    ("copy: default frames come from the original", 4): {
        "returns": [{"answer": "a", "ranges": [{"start": 0, "end": 4}, {"start": 8, "end": 8}]}]
    },
    # Checklists of classifications are as those of objects: empty while unanswered, united when split.
    ("classification checklist unanswered is null", 0): {"returns": {"options": []}},
    ("classification checklist unanswered is null", 9): {"returns": {"options": []}},
    ("from list: classification checklist entries are NOT united", 3): {
        "returns": {"options": ["c2chk0o1", "c2chk0o3"]}
    },
    # A classification is not in its own way.
    ("classification frames", 4): {"error": None},
}
"""Sequence and number of the operation to what it does now."""


def answer(name: str, hash_: str, answers: Any, **more: Any) -> dict[str, Any]:
    value = name.lower().replace(" ", "_")
    return {"name": name, "value": value, "answers": answers, "featureHash": hash_, "manualAnnotation": True} | more


def operator_note(text: str, ranges: list[list[int]]) -> dict[str, Any]:
    more = {"dynamic": True, "range": ranges, "shouldPropagate": False, "trackHash": "*"}
    return {"OBJ00001": {"actions": [answer("Operator Note", "b1dtext1", text, **more)], "objectHash": "OBJ00001"}}


NO_ANSWERS = {"OBJ00001": {"classifications": [], "objectHash": "OBJ00001"}}

MENDED_RESULTS: dict[str, dict[str, Any]] = {
    "wrong value for the attribute": {"object_answers": NO_ANSWERS},
    "dynamic radio and its nested attribute": {
        "object_answers": {
            "OBJ00001": {"classifications": [answer("Heading", "b1dnest1", "north")], "objectHash": "OBJ00001"}
        }
    },
    "dynamic: deletion still counts the frame for validity": {
        "object_answers": NO_ANSWERS,
        "label_frames": {str(frame): [1, 0] for frame in range(5)},
    },
    "a failing dynamic set removes what was there": {"object_actions": operator_note("keep", [[0, 4]])},
    "removing a frame leaves its dynamic answer": {"object_actions": operator_note("a", [[0, 2], [4, 4]])},
    "from list: classification checklist entries are NOT united": {
        "classification_answers": {
            "CLS00001": {
                "classifications": [
                    answer(
                        "Hazards",
                        "c2chk001",
                        [
                            {"name": "Wet Floor", "value": "wet_floor", "featureHash": "c2chk0o1"},
                            {"name": "Blocked Exit", "value": "blocked_exit", "featureHash": "c2chk0o3"},
                        ],
                    )
                ],
                "classificationHash": "CLS00001",
            }
        }
    },
}
"""Sequence to the parts of its result that differ."""


class Play:
    """Plays one sequence."""

    def __init__(self, sequence: dict[str, Any]) -> None:
        self.structure: OntologyStructure = ontology()
        self.row: LabelRowV2 = video(self.structure)
        feature = self.structure.get_child_by_hash(sequence["feature"])
        first = (
            ObjectInstance(feature, object_hash="OBJ00001")
            if sequence["instance"] == "object"
            else ClassificationInstance(feature, classification_hash="CLS00001")
        )
        self.instances: dict[str, Any] = {"1": first}

    def do(self, operation: dict[str, Any]) -> Any:
        on = self.instances[operation.get("on", "1")]
        return getattr(self, operation["op"])(on, operation)

    def place(self, on: Any, operation: dict[str, Any]) -> None:
        arguments = {"frames": frames(operation["frames"]), "overwrite": operation.get("overwrite", False)}
        if isinstance(on, ObjectInstance):
            on.set_for_frames(BOX, **arguments)
        else:
            on.set_for_frames(**arguments)

    def unplace(self, on: Any, operation: dict[str, Any]) -> None:
        on.remove_from_frames(frames(operation["frames"]))

    def add_to_row(self, on: Any, operation: dict[str, Any]) -> None:
        if isinstance(on, ObjectInstance):
            self.row.add_object_instance(on)
        else:
            self.row.add_classification_instance(on)

    def is_valid(self, on: Any, operation: dict[str, Any]) -> None:
        on.is_valid()

    def copy(self, on: Any, operation: dict[str, Any]) -> None:
        copy = on.copy()
        copy._hash = on._hash[:-1] + operation["as"]
        self.instances[operation["as"]] = copy

    def set_answer_from_list(self, on: Any, operation: dict[str, Any]) -> None:
        on.set_answer_from_list(operation["answers"])

    def set_answer(self, on: Any, operation: dict[str, Any]) -> None:
        arguments: dict[str, Any] = {"overwrite": operation.get("overwrite", False)}
        if "attribute" in operation:
            arguments["attribute"] = self.structure.get_child_by_hash(operation["attribute"])
        if "frames" in operation:
            arguments["frames"] = frames(operation["frames"])
        on.set_answer(self.value(operation["answer"]), **arguments)

    def get_answer(self, on: Any, operation: dict[str, Any]) -> Any:
        return on.get_answer(**self.filters(operation))

    def delete_answer(self, on: Any, operation: dict[str, Any]) -> None:
        on.delete_answer(**self.filters(operation))

    def filters(self, operation: dict[str, Any]) -> dict[str, Any]:
        arguments = {key: operation[key] for key in ("filter_frame", "is_dynamic") if key in operation}
        if "attribute" in operation:
            arguments["attribute"] = self.structure.get_child_by_hash(operation["attribute"])
        if "filter_answer" in operation:
            arguments["filter_answer"] = self.value(operation["filter_answer"])
        return arguments

    def value(self, described: Any) -> Any:
        if not isinstance(described, dict):
            return described
        if "option" in described:
            return self.structure.get_child_by_hash(described["option"])
        options = [self.structure.get_child_by_hash(one) for one in described.get("options", described.get("tuple"))]
        return tuple(options) if "tuple" in described else options

    def result(self) -> dict[str, Any]:
        d = self.row.to_encord_dict()
        for entry in d["object_actions"].values():
            for action in entry["actions"]:
                action["trackHash"] = "*"
        for hash_, entry in d["classification_answers"].items():
            d["classification_answers"][hash_] = {key: entry[key] for key in ("classifications", "classificationHash")}
        (unit,) = d["data_units"].values()
        counts = {
            frame: [len(labels["objects"]), len(labels["classifications"])] for frame, labels in unit["labels"].items()
        }
        answers = {name: d[name] for name in ("object_answers", "classification_answers", "object_actions")}
        return {**answers, "label_frames": counts}


def frames(described: Any) -> Any:
    if isinstance(described, dict):
        return Range(described["start"], described["end"])
    if isinstance(described, list):
        return [frames(one) for one in described]
    return described


def plain(answer: Any) -> Any:
    """Return an answer as the vectors write it."""
    if isinstance(answer, AnswerForFrames):
        ranges = [{"start": one.start, "end": one.end} for one in answer.ranges]
        return {"answer": plain(answer.answer), "ranges": ranges}
    if isinstance(answer, Option):
        return {"option": answer.feature_node_hash}
    if isinstance(answer, list):
        if answer and isinstance(answer[0], AnswerForFrames):
            return [plain(one) for one in answer]
        return {"options": [one.feature_node_hash for one in answer]}
    return answer


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence["name"])
def test_answers_behave_as_measured(sequence: dict[str, Any]) -> None:
    play = Play(sequence)
    for number, operation in enumerate(sequence["operations"]):
        expected = operation | MENDED.get((sequence["name"], number), {})
        if expected.get("error"):
            with pytest.raises(Exception) as caught:
                play.do(operation)
            assert type(caught.value).__name__ == expected["error"], (number, operation, caught.value)
            continue
        got = play.do(operation)
        if "returns" in expected:
            assert expected["returns"] in (plain(got), got), (number, operation, got)
    assert play.result() == sequence["result"] | MENDED_RESULTS.get(sequence["name"], {})
