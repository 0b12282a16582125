"""Rows and ontologies of the newest official package, 0.1.211, are read as it reads them, and written for all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hub_samples import differences

from encord_convert import Report, convert
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

NEWEST = Path(__file__).parents[2] / "fixtures" / "newest"
ONTOLOGIES = sorted(path.name for path in (NEWEST / "ontologies").glob("*.json"))
ROWS = {
    (path.name, key): row
    for path in sorted((NEWEST / "label-rows").glob("*.json"))
    if path.name != "cases.json"
    for key, row in json.loads(path.read_text()).items()
    if key in ("input", "output", "row", "made_by_0.1.211")
}
CASES = json.loads((NEWEST / "label-rows" / "cases.json").read_text())


def golden(name: str) -> dict[str, Any]:
    return json.loads((NEWEST / "label-rows" / name).read_text())  # type: ignore[no-any-return]


def ontology_of(name: str) -> dict[str, Any]:
    d = golden(name)["ontology"]
    if isinstance(d, str):
        d = json.loads((NEWEST / d).read_text())
    return d.get("ontology", d)  # type: ignore[no-any-return]


def through(folder: Path, ontology: Any, row: Any) -> tuple[Any, Any]:
    """Convert an ontology and a row from ``encord`` to ``encord``; return what comes out."""
    source, target = folder / "in", folder / "out"
    source.mkdir(parents=True)
    (source / "ontology.json").write_text(json.dumps(ontology))
    (source / "label_rows.jsonl").write_text(json.dumps(row) + "\n")
    report = convert(source, target, from_="encord", to="encord", report=Report())
    assert report.is_lossless
    [line] = (target / "label_rows.jsonl").read_text().splitlines()
    return json.loads((target / "ontology.json").read_text()), json.loads(line)


@pytest.mark.parametrize("name", ONTOLOGIES)
def test_an_ontology_is_written_as_it_was_read(name: str) -> None:
    d = json.loads((NEWEST / "ontologies" / name).read_text())
    d = d.get("ontology", d)
    written = OntologyStructure._from_dict(d).to_dict()
    assert {"skeleton_templates": [], **written} == d
    assert OntologyStructure._from_dict(written).to_dict() == written


@pytest.mark.parametrize(("name", "key"), ROWS)
def test_a_row_loses_nothing_and_is_the_same_when_read_again(name: str, key: str, tmp_path: Path) -> None:
    ontology, row = ontology_of(name), ROWS[name, key]
    _, once = through(tmp_path / "1", ontology, row)
    _, twice = through(tmp_path / "2", ontology, once)
    assert differences(once, twice) == []
    changed = [(path, old, new) for path, old, new in differences(row, once) if old is not ...]
    assert [one for one in changed if not one[0].endswith("/classifications") or one[1] != []] == []


FRAMED = [(name, key) for name, key in ROWS if key in ("output", "row", "made_by_0.1.211")]


@pytest.mark.parametrize(("name", "key"), FRAMED)
def test_a_row_is_read_as_the_package_reads_it(name: str, key: str) -> None:
    expected, row_json = golden(name).get("read_back"), ROWS[name, key]
    if expected is None or row_json["data_type"] in ("audio", "plain_text", "time_series", "scene"):
        pytest.skip("it is carried unread")
    row = LabelRowV2._from_dict(row_json, OntologyStructure._from_dict(ontology_of(name)))
    objects = {one.object_hash: sorted(one._frames) for one in row.get_object_instances()}
    assert objects == {one["objectHash"]: [*map(int, one["frames"])] for one in expected["objects"]}
    placed = [one for one in expected["classifications"] if one["frames"]]
    assert len(row.get_classification_instances()) == len(placed)
    for one in placed:
        instance = row._classifications[one["classificationHash"]]
        assert instance.feature_hash == one["featureHash"]
        assert sorted(instance._frames) == one["frames"]
        assert {answer["featureHash"] for answer in instance._static_json()} == one["answers"].keys()
        on = instance.get_annotation(one["frames"][0])
        assert (on.confidence, on.created_by, on.manual_annotation) == (
            one["confidence"], one["created_by"], one["manual_annotation"],
        )  # fmt: skip


@pytest.mark.parametrize(("name", "key"), ROWS)
def test_what_is_written_is_what_every_version_reads(name: str, key: str) -> None:
    """The rules for writers: each classification in both forms, tracks of dynamic answers, shapes in words."""
    written = LabelRowV2._from_dict(ROWS[name, key], OntologyStructure._from_dict(ontology_of(name))).to_encord_dict()
    assert {"branch_name", "spaces"} <= written.keys()
    grouped = written["data_type"] in ("image", "img_group", "group")
    on_frames: dict[str, set[int]] = {}
    for unit in written["data_units"].values():
        frames = {unit["data_sequence"]: unit["labels"]} if grouped else unit["labels"]
        for frame, labels in frames.items():
            for entry in labels["objects"]:
                assert entry["shape"] and entry["objectHash"] in written["object_answers"]
            for entry in labels["classifications"]:
                on_frames.setdefault(entry["classificationHash"], set()).add(int(frame))
    members = {"featureHash", "spaces", "createdBy", "createdAt", "lastEditedBy", "lastEditedAt", "confidence"}
    for hash_, frames_of_it in on_frames.items():
        answer = written["classification_answers"][hash_]
        assert answer.keys() >= members | {"manualAnnotation"}
        assert {frame for start, end in answer["range"] for frame in range(start, end + 1)} == frames_of_it
    for actions in written["object_actions"].values():
        assert all(len(one["trackHash"]) == 8 for one in actions["actions"])


MEANT = {
    "classifications: A frames 1-3 + old answer": [1, 2, 3],
    "classifications: D2 both: frames 1-3, range []": [1, 2, 3],
    "classifications: frames, no answer": [1, 2],
    "classifications: K per-frame metadata differ (frames)": [1, 2],
    "classifications: H range beyond row 4-9": None,
}
"""Where the newest package sees nothing, and older ones do; or a frame the row does not have, which is carried."""


@pytest.mark.parametrize("name", [name for name in CASES["cases"] if name.startswith("classifications: ")])
def test_a_classification_is_where_the_newest_package_or_else_the_oldest_sees_it(name: str) -> None:
    case = CASES["cases"][name]
    newest = case["read_by"]["0.1.211"]
    if "refused" in newest or "overlapping" in case["read_by"]["0.1.104"].get("refused", ""):
        pytest.skip("the row is refused")
    structure = OntologyStructure._from_dict(CASES["ontologies"]["classifications"])
    row = LabelRowV2._from_dict({"number_of_frames": 6, **case["row"]}, structure)
    expected = {hash_: one["frames"] for hash_, one in newest["classifications"].items() if one["frames"]}
    if name in MEANT:
        expected = {} if MEANT[name] is None else {"CLS00001": MEANT[name]}
    assert {one.classification_hash: sorted(one._frames) for one in row.get_classification_instances()} == expected
