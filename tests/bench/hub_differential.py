"""Random work on label rows, done by ours and by the official package: every difference must be one we know.

    python tests/bench/hub_differential.py --official PYTHON [--sequences 300] [--seed 0]

PYTHON is an interpreter that has the official package, which is told what to do and never looked into. A sequence
creates, places, answers, copies, removes, writes and reads until the two worlds differ in what has a name below; the
names are rows of the table in ``encord_convert.sdk``. Printed: how often each was met. A difference without a name is
an error, shown with the shortest sequence that leads to it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import encord_convert.sdk

ROOT = Path(__file__).parent.parent.parent

frame = st.integers(-1, 6)
inner_frame = st.integers(0, 5)
frames = st.one_of(inner_frame, st.lists(inner_frame, max_size=3), frame)
which = st.integers(0, 3)
number = st.integers(0, 7)
flag = st.booleans()
more = st.sampled_from([{}, {}, {"confidence": 0.5}, {"created_by": "a@example.org"}, {"manual_annotation": False}])
SPICES = ("", "", "", "status", "keys", "unit", "zone", "manual", "orphan", "unanswered", "split")

step = st.one_of(
    st.tuples(st.just("new"), st.integers(0, 5), st.sampled_from(["A", "B", "C", None])),
    st.tuples(st.just("place"), which, frames, number, flag, more),
    st.tuples(st.just("place"), which, st.lists(inner_frame, min_size=1, max_size=4), number, flag, more),
    st.tuples(st.just("view"), which, inner_frame, number, flag),
    st.tuples(st.just("lift"), which, frames),
    st.tuples(st.just("add"), which, flag),
    st.tuples(st.just("add"), which, flag),
    st.tuples(st.just("remove"), which),
    st.tuples(st.just("answer"), which, number, number, st.none() | frames, flag),
    st.tuples(st.just("answer"), which, number, number, st.none(), flag),
    st.tuples(st.just("iterate"), which, number, number),
    st.tuples(st.just("infer"), which, number, number),
    st.tuples(st.just("forget"), which, number, st.none() | inner_frame),
    st.tuples(st.just("copy"), which),
    st.tuples(st.just("mark"), which, inner_frame, st.sampled_from([0.25, 1.0])),
    st.tuples(st.just("trip"), st.sampled_from(SPICES)),
    st.tuples(st.just("frames"), st.lists(inner_frame, max_size=4)),
    st.tuples(st.just("image"), st.integers(0, 7)),
)
FIRST: list[tuple[Any, ...]] = [("new", 0, "A"), ("place", 0, [0, 1], 1, False, {})]
BEGINNINGS = (
    [*FIRST, ("add", 0, False)],
    FIRST,
    [*FIRST, ("add", 0, False), ("new", 3, "K"), ("place", 1, 2, 0, False, {})],
)
sequences = st.tuples(
    st.sampled_from(["video", "img_group"]), st.sampled_from(BEGINNINGS), st.lists(step, min_size=1, max_size=14)
).map(lambda drawn: [drawn[0], *drawn[1], *drawn[2]])


class Player:
    """A world in a process of its own."""

    def __init__(self, python: str, package: str) -> None:
        self.process = subprocess.Popen(
            [python, "-W", "ignore", str(Path(__file__).parent / "_hub_world.py"), package],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
        )

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())  # type: ignore[no-any-return]


# --- differences of form: the official side is brought into ours ----------------------------------------------------


def with_our_spelling(ours: Any, theirs: Any, met: Counter[str]) -> None:
    """Bring the official look of the world into our form where only the form differs."""
    for mine, other in zip(ours["instances"], theirs["instances"], strict=False):
        for key, answer in mine["answers"].items():
            found = other["answers"].get(key)
            if found == answer:
                continue
            if answer == [] and found is None and key.startswith("c"):
                other["answers"][key] = answer
                met["D12"] += 1
            elif is_dynamic(answer) and is_dynamic(found) and sorted_runs(answer) == sorted_runs(found):
                other["answers"][key] = answer
                met["dynamic answers"] += 1


def is_dynamic(answer: Any) -> bool:
    return isinstance(answer, list) and all(isinstance(one, dict) for one in answer) and bool(answer)


def sorted_runs(answer: list[Any]) -> list[str]:
    return sorted(json.dumps(one) for one in answer)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--official", required=True, help="interpreter that has the official package")
    parser.add_argument("--sequences", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--explore", action="store_true", help="count the differences without a name instead")
    options = parser.parse_args()
    ours, theirs = Player(sys.executable, "encord_convert.sdk"), Player(options.official, "encord")
    met: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    examples: dict[str, Any] = {}

    @seed(options.seed)
    @settings(
        max_examples=options.sequences,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[*HealthCheck],
    )
    @given(sequences)
    def play(steps: list[Any]) -> None:
        line = json.dumps(steps)
        ours.send(line)
        theirs.send(line)
        met["sequences"] += 1
        difference = first_difference(steps, ours.receive(), theirs.receive(), met)
        if difference is None:
            return
        name, what = difference
        if name is None and options.explore:
            key = what.splitlines()[0]
            unknown[key] += 1
            if key not in examples or len(what) < len(examples[key]):
                examples[key] = what
        else:
            assert name is not None, what
            met[name] += 1

    play()
    strange = [name for name in met if name != "sequences" and name not in (encord_convert.sdk.__doc__ or "")]
    assert not strange, f"not in the table: {strange}"
    for name, count in met.most_common():
        print(f"{count:8}  {name}")
    for key, count in unknown.most_common():
        print(f"\n{count:8}  UNKNOWN {examples[key]}")
    return 0


def first_difference(
    steps: list[Any], ours: dict[str, Any], theirs: dict[str, Any], met: Counter[str]
) -> tuple[str | None, str] | None:
    """Return the name of the first difference, None if it has none, and what it is; None if there is no difference."""
    before: dict[str, Any] = {"instances": [], "row": [], "on": {}}
    for place, (did, mine, other) in enumerate(zip(steps[1:], ours["steps"], theirs["steps"], strict=True)):
        with_our_spelling(mine[1], other[1], met)
        if mine[1] == other[1] and mine[0] != other[0]:
            name = PURE.get(did[0], lambda *_: None)(mine[0], other[0])
            if name is not None:
                met[name] += 1
                other[0] = mine[0]
        if mine != other:
            name = name_of(Difference(steps[1 : place + 2], did, before, mine, other))
            return name, f"{did[0]} {mine[0]} {other[0]} {parts(mine[1], other[1])}\n{shown(steps, place, mine, other)}"
        before = mine[1]
    return written_difference(steps, ours["written"], theirs["written"], met)


def parts(mine: dict[str, Any], other: dict[str, Any]) -> str:
    """Return where two looks of the world differ."""
    found = [key for key in ("row", "on") if mine[key] != other[key]]
    for one, two in zip(mine["instances"], other["instances"], strict=False):
        found += [key for key in one if one[key] != two[key]]
    if len(mine["instances"]) != len(other["instances"]):
        found.append("count")
    return " ".join(sorted({*found}))


def shown(steps: list[Any], place: int, mine: Any, other: Any) -> str:
    return f"{json.dumps(steps[: place + 2])}\n  ours   {json.dumps(mine)}\n  theirs {json.dumps(other)}"


class Difference:
    """Two outcomes of one step."""

    def __init__(self, steps: list[Any], step: Any, before: Any, mine: Any, other: Any) -> None:
        self.steps, self.step, self.before = steps, step, before
        self.word = step[0]
        self.ours, self.theirs = mine[0], other[0]
        self.mine, self.other = mine[1], other[1]
        self.where = {*parts(mine[1], other[1]).split()}
        count = len(before["instances"])
        self.index = step[1] % count if count and self.word in NEEDS_INSTANCE else None
        self.instance = before["instances"][self.index] if self.index is not None else {}
        self.is_classification: bool = any(key.startswith("c") for key in self.instance.get("answers", ()))

    def both(self, ours: str, theirs: str) -> bool:
        return bool(self.ours[0] == ours and self.theirs[0] == theirs)


NEEDS_INSTANCE = ("place", "view", "lift", "add", "remove", "answer", "iterate", "infer", "forget", "copy", "mark")

PURE: dict[str, Callable[[Any, Any], str | None]] = {
    "frames": lambda ours, theirs: "D21" if merged(theirs[1]) == ours[1] else None,
    "image": lambda ours, theirs: "D17" if (ours, theirs) == (["done", None], ["raised", "KeyError"]) else None,
}
"""Calls that change nothing, and what a difference in their outcome is called."""


def merged(runs: list[list[int]]) -> list[list[int]]:
    frames = sorted({n for start, end in runs for n in range(start, end + 1)})
    starts = [n for n in frames if n - 1 not in frames]
    ends = [n for n in frames if n + 1 not in frames]
    return [[start, end] for start, end in zip(starts, ends, strict=True)]


def on_no_frame(d: Difference) -> bool:
    """Whether an object of the row is on no frame."""
    of_row = [one for one in d.before["instances"] if one["assigned"]]
    return any(not one["frames"] for one in of_row) or not {*d.before["row"]} <= {
        hash_ for there in d.before["on"].values() for hash_ in there
    }


def only_they_see_answers_left(d: Difference) -> bool:
    """Whether all that differs is that theirs takes an object for invalid, whose dynamic answers are where it is."""
    mine, other = d.mine["instances"], d.other["instances"]
    judged = [(one["valid"][0], two["valid"][0]) for one, two in zip(mine, other, strict=True) if one != two]
    return d.where == {"valid"} and d.ours == d.theirs and {*judged} == {("done", "raised")}


def same_hash_twice(d: Difference) -> bool:
    hashes = [one["hash"] for one in d.mine["instances"]]
    return len({*hashes}) < len(hashes)


def changed_answers(d: Difference) -> list[tuple[Any, Any]]:
    return [
        (one["answers"][key], two["answers"].get(key))
        for one, two in zip(d.mine["instances"], d.other["instances"], strict=False)
        for key in one["answers"]
        if one["answers"][key] != two["answers"].get(key)
    ]


def without_empty(answers: Any) -> Any:
    return [one for one in answers if one["answer"] != []]


def is_dynamic_set_on_copy(d: Difference) -> bool:
    changed = changed_answers(d)
    return "copy" in [did[0] for did in d.steps] and d.word in ("answer", "infer", "iterate") and bool(changed)


def below_dynamic(d: Difference) -> bool:
    """Whether all that differs is an answer below a dynamic attribute."""
    changed = [
        key
        for one, two in zip(d.mine["instances"], d.other["instances"], strict=False)
        for key in one["answers"]
        if one["answers"][key] != two["answers"].get(key)
    ]
    return d.word in ("answer", "iterate") and {key.split(".", 1)[1] for key in changed} <= {"5.1.1"}


def is_checklist(answers: Any) -> bool:
    return isinstance(answers, list) and all(isinstance(one.get("answer"), list) for one in answers)


RULES: list[tuple[str, Callable[[Difference], bool]]] = [
    ("D23", lambda d: d.word == "iterate" and d.both("done", "done") and d.where <= {"answers", "valid"}),
    ("D7", lambda d: d.both("raised", "raised") and d.ours == d.theirs and d.mine == d.before),
    ("D5", lambda d: d.word == "trip" and d.step[1] == "orphan" and d.theirs == ["raised", "KeyError"]),
    ("D5", lambda d: d.word == "trip" and d.theirs == ["raised", "KeyError"] and on_no_frame(d)),
    ("D6", lambda d: d.word == "trip" and d.step[1] == "unanswered" and d.theirs == ["raised", "KeyError"]),
    ("D10b", lambda d: d.word == "lift" and d.both("done", "done") and d.where <= {"answers", "valid"}),
    ("D10b", only_they_see_answers_left),
    (
        "D10b",
        lambda d: (
            d.word in ("view", "add")
            and d.ours[0] == "done"
            and d.theirs == ["raised", "LabelRowError"]
            and d.mine["instances"][d.index]["valid"][0] == "done"
            and d.other["instances"][d.index]["valid"][0] == "raised"
        ),
    ),
    ("D9", lambda d: d.word in ("add", "view") and d.ours == ["raised", "LabelRowError"] and d.theirs[0] == "done"),
    ("D11", lambda d: d.word == "remove" and d.is_classification and d.where == {"assigned"}),
    (
        "D11",
        lambda d: (
            d.word in ("view", "place", "add")
            and d.is_classification
            and d.ours[0] == "done"
            and d.theirs == ["raised", "LabelRowError"]
        ),
    ),
    (
        "D15",
        lambda d: (
            d.word == "trip"
            and d.both("done", "done")
            and d.where <= {"answers", "valid"}
            and all(without_empty(one) == (two or []) for one, two in changed_answers(d))
        ),
    ),
    (
        "D1",
        lambda d: (
            d.word == "trip"
            and d.both("done", "done")
            and d.where <= {"answers", "valid"}
            and all(is_checklist(one) and is_checklist(two) for one, two in changed_answers(d))
        ),
    ),
    ("D8", lambda d: d.both("done", "done") and same_hash_twice(d) and d.where <= {"assigned", "on"}),
    ("D8", lambda d: d.word == "remove" and same_hash_twice(d) and d.theirs == ["raised", "KeyError"]),
    ("D8b", is_dynamic_set_on_copy),
    ("D20", lambda d: d.ours[0] == "done" and d.theirs == ["raised", "LabelRowError"] and below_dynamic(d)),
]
"""Names of differences after which the two worlds are not the same, each with what it looks like."""


def name_of(difference: Difference) -> str | None:
    return next((name for name, fits in RULES if fits(difference)), None)


def written_difference(steps: list[Any], mine: Any, other: Any, met: Counter[str]) -> tuple[str | None, str] | None:
    if isinstance(mine, str) or isinstance(other, str):
        return None if mine == other else (None, f"written {str(mine)[:30]} {str(other)[:30]}\n{json.dumps(steps)}")
    in_one_order(mine, other, met)
    spices = {did[1] for did in steps if did[0] == "trip"}
    placed = {hash_ for frame in frames_of(mine) for kind in frame.values() for hash_ in hashes_of(kind)}
    for at, ours, theirs in json_differences(mine, other, ()):
        name = name_of_written(at, ours, theirs, spices, placed)
        if name is None:
            keys = " ".join(str(key) for key in at if isinstance(key, str) and len(key) > 2)
            return None, f"written {keys}\n{json.dumps(steps)} {at} {ours} {theirs}"
        met[name] += 1
    return None


def in_one_order(mine: Any, other: Any, met: Counter[str]) -> None:
    """Bring the official lists whose order means nothing into our order."""
    for hash_, entry in mine["object_actions"].items():
        theirs = other["object_actions"].get(hash_, entry)
        places = {said(one): place for place, one in enumerate(entry["actions"])}
        ordered = sorted(theirs["actions"], key=lambda one: places.get(said(one), len(places)))
        if ordered != theirs["actions"]:
            theirs["actions"] = ordered
            met["dynamic answers"] += 1
    for frame, theirs in zip(frames_of(mine), frames_of(other), strict=False):
        for kind in ("objects", "classifications"):
            if theirs[kind] != frame[kind] and sorted_runs(hashes_of(theirs[kind])) == sorted_runs(
                hashes_of(frame[kind])
            ):
                by_hash = dict(zip(hashes_of(theirs[kind]), theirs[kind], strict=True))
                ordered = [by_hash[hash_] for hash_ in hashes_of(frame[kind])]
                if ordered != theirs[kind]:
                    met["order within a frame"] += 1
                    theirs[kind] = ordered


def said(action: dict[str, Any]) -> str:
    return json.dumps([action["featureHash"], action["answers"], action["range"]])


def frames_of(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for unit in row["data_units"].values():
        labels = unit["labels"]
        yield from [labels] if "objects" in labels else (labels[key] for key in sorted(labels))


def hashes_of(entries: list[dict[str, Any]]) -> list[str]:
    return [str(one.get("objectHash", one.get("classificationHash"))) for one in entries]


def name_of_written(at: tuple[Any, ...], ours: Any, theirs: Any, spices: set[str], placed: set[str]) -> str | None:
    if at == ("label_status",) and "status" in spices:
        return "D16"
    if at[-1] == "data_links" and "unit" in spices:
        return "D3"
    if at[-1] == "further" and "keys" in spices:
        return "keys nobody knows"
    if at[-1] == "createdAt" and "zone" in spices and (ours[17:], theirs[17:]) == ("08:00:00 UTC", "10:00:00 "):
        return "D4"
    if at[-1] == "manualAnnotation" and "manual" in spices and (ours, theirs) == (False, True):
        return "D14"
    if at[-2:-1] == ("labels",) and ours == {"objects": [], "classifications": []} and theirs == "-":
        return "D13"
    is_entry = len(at) == 2 and at[0] in ("object_answers", "classification_answers")
    if is_entry and theirs == "-" and at[1] not in placed:  # answers of what is on no frame
        return "D5"
    return None


def json_differences(mine: Any, other: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(mine, dict) and isinstance(other, dict):
        for key in {**mine, **other}:
            yield from json_differences(mine.get(key, "-"), other.get(key, "-"), (*at, key))
    elif isinstance(mine, list) and isinstance(other, list) and len(mine) == len(other):
        for place, (one, two) in enumerate(zip(mine, other, strict=True)):
            yield from json_differences(one, two, (*at, place))
    elif mine != other:
        yield at, mine, other


if __name__ == "__main__":
    sys.exit(main())
