"""The report begins at the file: each leaf of a source comes back, is derived, or is named by an entry."""

import copy
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from derived import is_derived
from law import RULES, Converted, Tally, converted, followed, gone
from naming import entries_of, uncovered
from runs import GAPS, run_fixtures, run_mutations, scratch
from sources import Source, sources

from encord_convert import ConvertError, NotRepresentableError

KNOWN = json.loads(GAPS.read_text())
MUTATIONS = 500


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Source]]:
    by_format: dict[str, list[Source]] = {}
    for source in sources(tmp_path_factory.mktemp("made")):
        by_format.setdefault(source.format, []).append(source)
    return by_format


@pytest.mark.parametrize("format_", KNOWN)
def test_each_leaf_of_a_fixture_comes_back_or_is_named(
    format_: str, held: dict[str, list[Source]], tmp_path: Path
) -> None:
    run = run_fixtures(held[format_], tmp_path)
    assert not run.crashed
    known: dict[str, int] = KNOWN[format_]["fixtures"]
    more = {kind: f"{count}: {run.examples[kind]}" for kind, count in (run.tally.gaps - Counter(known)).items()}
    assert not more, "these vanish without a word"
    healed = dict(Counter(known) - run.tally.gaps)
    assert not healed, "these no longer vanish: `python tests/law --accept` takes them off the list"


@pytest.mark.parametrize("format_", KNOWN)
def test_nothing_that_is_added_to_a_file_vanishes(
    format_: str, held: dict[str, list[Source]], pytestconfig: pytest.Config
) -> None:
    count = pytestconfig.getoption("--law-mutations", default=None) or MUTATIONS
    with scratch() as room:
        run = run_mutations(held[format_], room, count)
    assert not run.crashed
    assert run.slowest_s < 30
    known = KNOWN[format_]["added"]
    assert not {kind: run.examples[kind] for kind in run.gaps if kind not in known}
    if count >= FULL:
        assert not [kind for kind in known if kind not in run.gaps], "these no longer vanish: take them off the list"


FULL = 500
"""From as many mutations on, what is on the list of known gaps and is not met is gone."""


def test_the_list_of_known_gaps_holds_every_format(held: dict[str, list[Source]]) -> None:
    assert KNOWN.keys() == held.keys()


COUNTING = ("ID_RENUMBERED", "RESULTS_IGNORED")
"""Codes of notes that lose nothing: ids that count from 0 count from 1 where they are written; results, which are no
labels, are left where they are."""


def test_strict_passes_exactly_where_a_coco_file_comes_back(held: dict[str, list[Source]], tmp_path: Path) -> None:
    for source in held["coco"]:
        try:
            done = converted(source, tmp_path / "out")
        except ConvertError:
            continue  # nothing of it can be written
        lost = [one for one in followed(done, source) if not is_derived(one, done, RULES[source.format])]
        counting = [entry for entry in entries_of(done.report) if not entry.kind and entry.code in COUNTING]
        lost = uncovered(lost, counting, RULES[source.format])
        try:
            converted(source, tmp_path / "strict", strict=True)
            passes = True
        except NotRepresentableError:
            passes = False
        assert passes is (not lost), f"{source.name}: {[(one.pattern, one.value) for one in lost][:5]}"


@pytest.mark.parametrize("format_", ["coco", "cvat", "encord", "rle"])
def test_the_law_sees_whatever_is_taken_away(format_: str, held: dict[str, list[Source]], tmp_path: Path) -> None:
    source = max(
        (source for source in held[format_] if not source.contained and "street" not in source.name),
        key=lambda one: sum(file.stat().st_size for file in one.path.rglob("*.*")),
    )
    done = converted(source, tmp_path / "out")
    whole = Converted(done.source, done.source, {"losses": [], "notes": []})
    tally = Tally()
    assert not gone(whole, source, tally)
    assert tally.followed == tally.back > 50
    chance = random.Random(format_)
    for _ in range(30):
        less = copy.deepcopy(done.source)
        path = _take_a_leaf(less, chance)
        tally = Tally()
        found = gone(Converted(done.source, less, {"losses": [], "notes": []}), source, tally)
        assert found or tally.derived, path


def _take_a_leaf(tree: Any, chance: random.Random, path: str = "") -> str:
    """Remove a leaf that says something from a tree; return where it was."""
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = chance.choice(keys)
    inner = tree[key]
    if isinstance(inner, dict | list) and inner:
        return _take_a_leaf(inner, chance, f"{path}.{key}")
    if isinstance(tree, list):
        tree.pop(key)
    else:
        tree[key] = "something else"
    return f"{path}.{key}"
