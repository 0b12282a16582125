"""The hub as JSON is exact: what is read comes back, key for key."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from encord_convert import ReadError, Report, convert, read, write
from encord_convert._samples import SAMPLES
from encord_convert.hub.loss import Level

HUB = Path(__file__).parents[2] / "fixtures" / "hub"
ROWS = sorted(path.name for path in (HUB / "label-rows").glob("*.json") if path.name != "refused.json")
DOCUMENTED = [name for name in ROWS if not name.startswith("newer-")]


def case(name: str) -> dict[str, Any]:
    return json.loads((HUB / "label-rows" / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def ontology_of(members: dict[str, Any]) -> Any:
    ontology = members["ontology"]
    if isinstance(ontology, str):
        ontology = json.loads((HUB / ontology).read_text(encoding="utf-8"))
    return ontology.get("ontology", ontology)


def folder(path: Path, ontology: Any, *rows: Any) -> Path:
    path.mkdir()
    (path / "ontology.json").write_text(json.dumps(ontology))
    (path / "label_rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def through(tmp_path: Path, ontology: Any, row: Any) -> tuple[Any, Any]:
    """Convert encord to encord; return the ontology and the row that came out."""
    source = folder(tmp_path / "in", ontology, row)
    report = convert(source, tmp_path / "out", to="encord", report=Report())
    assert {loss.label for loss in report.losses()} <= {
        "image.point.1",
        "image.polygon.z",
    }  # nothing has a place for it
    lines = (tmp_path / "out" / "label_rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1
    written = json.loads((tmp_path / "out" / "ontology.json").read_text(encoding="utf-8"))
    back = json.loads(lines[0])
    if "number_of_frames" not in row:
        del back["number_of_frames"]
    return written, back


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_row_the_official_package_wrote_comes_back(name: str, tmp_path: Path) -> None:
    members = case(name)
    ontology, row = through(tmp_path, ontology_of(members), members["output"])
    assert said_once(row, members["output"]) == members["output"]
    assert ontology == ontology_of(members)


def said_once(row: Any, as_in: Any) -> Any:
    """Return a row without what newer readers need, where another row does not have it."""
    row = {key: value for key, value in row.items() if key in as_in or key not in ("branch_name", "spaces")}
    answers = {
        hash_: {key: value for key, value in entry.items() if key in as_in["classification_answers"].get(hash_, entry)}
        for hash_, entry in row["classification_answers"].items()
    }
    return {**row, "classification_answers": answers}


def test_a_classification_that_two_places_put_on_other_frames_is_counted(tmp_path: Path) -> None:
    members = case("video-server-like.json")
    row = json.loads(json.dumps(members["output"]))
    hash_, frame = next(
        (entry["classificationHash"], int(frame))
        for unit in row["data_units"].values()
        for frame, labels in unit["labels"].items()
        for entry in labels["classifications"]
    )
    row["classification_answers"][hash_] |= {"range": [[frame, frame + 9]], "createdBy": "other@example.org"}
    source = folder(tmp_path / "in", ontology_of(members), row)
    report = convert(source, tmp_path / "out", to="encord", report=Report())
    notes = {note.code: note for note in report.notes() if note.level is Level.WARNING}
    assert notes["RANGE_DIFFERS"].count > 0 and "the range counts" in notes["RANGE_DIFFERS"].detail
    assert notes["AUTHOR_DIFFERS"].where.row == row["data_title"]
    [line] = (tmp_path / "out" / "label_rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["classification_answers"][hash_]["range"] == [[frame, frame + 9]]


@pytest.mark.parametrize("name", ROWS)
def test_no_key_of_a_row_is_lost(name: str, tmp_path: Path) -> None:
    members = case(name)
    _, row = through(tmp_path, ontology_of(members), members["input"])
    missing = [place for place in _places(members["input"]) if not _has(row, place)]
    assert not [place for place in missing if not _renumbered(place)]


def _places(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [path]
    return [path, *(inner for key, item in value.items() for inner in _places(item, (*path, key)))]


def _has(value: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def _renumbered(path: tuple[str, ...]) -> bool:
    """Units stand under their own hash, whatever key they came under; points of a ring are numbered from 0."""
    return len(path) > 1 and (path[0] == "data_units" or "polygon" in path or "polyline" in path)


def test_the_second_passage_changes_no_byte(tmp_path: Path) -> None:
    for name in DOCUMENTED:
        members = case(name)
        place = tmp_path / name
        place.mkdir()
        source = folder(place / "in", ontology_of(members), members["input"])
        convert(source, place / "a", to="encord", report=Report())
        convert(place / "a", place / "b", to="encord", report=Report())
        for file in ("ontology.json", "label_rows.jsonl"):
            assert (place / "a" / file).read_bytes() == (place / "b" / file).read_bytes()


def test_a_row_of_another_ontology_is_refused_with_its_line(tmp_path: Path) -> None:
    members = case("image-all-shapes.json")
    source = folder(tmp_path / "in", {"objects": [], "classifications": []}, members["output"])
    with pytest.raises(ReadError, match=r"label_rows\.jsonl:1: is not a label row of this ontology \(OntologyError"):
        list(read(source))


def test_a_ring_of_an_odd_number_of_coordinates_is_refused_with_its_line(tmp_path: Path) -> None:
    members = case("image-all-shapes.json")
    row = json.loads(json.dumps(members["output"]))
    [unit] = row["data_units"].values()
    polygon = next(one for one in unit["labels"]["objects"] if one["shape"] == "polygon")
    polygon["polygons"] = [[[0.1, 0.1, 0.9, 0.1, 0.9]]]
    source = folder(tmp_path / "in", ontology_of(members), row)
    with pytest.raises(ReadError, match=r"label_rows\.jsonl:1: .* odd number of coordinates"):
        list(read(source))


def test_a_classification_that_asks_nothing_is_refused_with_its_place(tmp_path: Path) -> None:
    ontology = {"objects": [], "classifications": [{"id": "1", "featureNodeHash": "abcdefgh", "attributes": []}]}
    with pytest.raises(ReadError, match=r"ontology\.json: .*attributes: expected array of length >= 1"):
        read(folder(tmp_path / "in", ontology))


def test_a_folder_without_its_ontology_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "label_rows.jsonl").write_text("")
    with pytest.raises(ReadError, match=r"expected ontology\.json and label_rows\.jsonl side by side"):
        read(tmp_path, "encord")


@pytest.mark.parametrize("count", [2, 3, 7, 1000])
def test_the_parts_of_a_file_are_the_whole_and_know_their_lines(count: int, tmp_path: Path) -> None:
    write(SAMPLES["boxes"](), tmp_path, "encord", report=Report())
    file = tmp_path / "label_rows.jsonl"
    row = file.read_bytes().splitlines()[0]
    file.write_bytes(b"\n".join([row, row, b"", row, row, b" ", row]))  # and no line end at the end
    labels = read(tmp_path)
    parts = labels.shards(count)
    assert 1 < len(parts) <= count
    expected = [one.to_encord_dict() for one in labels]
    assert [one.to_encord_dict() for part in parts for one in part] == expected
    assert len(expected) == 5
    file.write_bytes(file.read_bytes() + b"\n{}")
    *_, last = read(tmp_path).shards(count)
    with pytest.raises(ReadError, match=r"label_rows\.jsonl:8: is not a label row of this ontology"):
        list(last)


@pytest.mark.parametrize(
    ("name", "sample"),
    [("encord", "classifications"), ("encord", "bitmasks"), ("masks", "bitmasks"), ("rle", "bitmasks")],
)
def test_what_does_not_say_when_it_was_edited_was_edited_at_no_known_time(
    name: str, sample: str, tmp_path: Path
) -> None:
    write(SAMPLES[sample](), tmp_path / "in", name, report=Report())
    file = tmp_path / "in" / ("label_rows.jsonl" if name == "encord" else "labels.jsonl")
    whole = file.read_text()
    bare = re.sub(r'"lastEditedAt":"[^"]*",?', "", whole).replace(",}", "}")
    assert bare != whole
    file.write_text(bare)
    report = convert(tmp_path / "in", tmp_path / "out", from_=name, to="encord", report=Report())
    assert not report.losses()
    told = re.findall(r'"lastEditedAt":"([^"]*)"', (tmp_path / "out" / "label_rows.jsonl").read_text())
    assert set(told) == {"Thu, 01 Jan 1970 00:00:00 UTC"}
