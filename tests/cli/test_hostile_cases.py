"""Files that somebody wrote to break us: each costs a sentence, or itself, and is counted."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
CASES = ROOT / "fixtures" / "cases" / "hostile"
SIMPLE = ROOT / "fixtures" / "cvat" / "images-task-minimal"


def call(*words: object) -> int:
    return run([str(word) for word in words])


def test_a_second_document_behind_the_first_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", CASES / "two.json", tmp_path / "out", "--to", "coco", "--strict") == 4
    assert "two.json:2: has more after the end of the JSON document" in capsys.readouterr().err


def test_losses_of_a_track_are_booked_on_the_type_of_each_annotation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", CASES / "neg.json", tmp_path / "out", "--to", "masks", "--json") == 0
    counts = json.loads(capsys.readouterr().out)["counts"]
    one = {"in": 1, "kept": 0, "changed": 1, "dropped": 0}
    assert (counts["bbox"], counts["polygon"]) == (one, one)


def test_a_key_with_a_quote_is_a_key_like_any_other(tmp_path: Path) -> None:
    assert call("convert", CASES / "quote.json", tmp_path / "out.json", "--to", "coco") == 0
    [before], [after] = (
        json.loads(file.read_text())["annotations"] for file in (CASES / "quote.json", tmp_path / "out.json")
    )
    assert set(before) <= set(after)


def test_bytes_that_are_no_text_are_refused_with_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", CASES / "utf8.json", tmp_path / "out", "--to", "coco") == 4
    assert "utf8.json: is not JSON: invalid UTF-8 (invalid start byte), at byte 139." in capsys.readouterr().err


@pytest.mark.parametrize("to", ["coco", "cvat"])
def test_a_number_beyond_any_image_is_dropped_with_a_reason(
    to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", CASES / "inf.xml", tmp_path / "out", "--to", to) == 5
    assert "INVALID_GEOMETRY: xbr='1e308' lies beyond any image" in capsys.readouterr().err


ONTOLOGY = ROOT / "fixtures" / "cases" / "encord" / "ellipse_class"
WRONG = (1, "x", [1], {"a": 1}, True, None, 1e300)


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Return the path of every value in a tree of JSON."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in below for place in places(one, (*path, key)))]


def replaced(value: object, path: tuple[object, ...], new: object) -> object:
    """Return the tree with another value at a path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)  # type: ignore[call-overload]
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("file", ["ontology.json", "label_rows.jsonl"])
def test_no_value_of_a_wrong_type_in_a_hub_file_is_a_bug(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for path in ONTOLOGY.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    whole = json.loads((ONTOLOGY / file).read_text())
    for number, path in enumerate(places(whole)):
        wrong = WRONG[number % len(WRONG)]
        (source / file).write_text(json.dumps(replaced(whole, path, wrong)) + "\n")
        code = call("convert", source, tmp_path / "out.json", "--to", "coco", "--from", "encord", "--overwrite")
        said = capsys.readouterr().err
        assert code in (0, 4, 5), (path, wrong, said)
        assert code != 4 or said.startswith(f"error: {source}/"), (path, wrong, said)


def test_a_zip_with_two_members_of_one_name_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for number in "12":
            archive.writestr("annotations.xml", (SIMPLE / "train.xml").read_text().replace('id="1"', f'id="{number}"'))
    assert call("convert", tmp_path / "a.zip", tmp_path / "out", "--to", "coco", "--from", "cvat") == 4
    assert "a.zip!annotations.xml: the archive holds two members of this name." in capsys.readouterr().err


def test_a_reserved_name_costs_nothing_but_itself(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("annotations.xml", (SIMPLE / "train.xml").read_bytes())
        archive.writestr("images/con.png", b"")
    assert call("convert", tmp_path / "a.zip", tmp_path / "out", "--to", "coco") == 0


def test_an_encrypted_archive_is_said_to_be_encrypted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("annotations.xml", (SIMPLE / "train.xml").read_bytes())
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert call("convert", path, tmp_path / "out", "--to", "coco", "--from", "cvat") == 4
    assert "a.zip!annotations.xml: is encrypted. Pack it again without a password." in capsys.readouterr().err


RING = [1, 2, 4, 2, 4, 6, 1, 6]


@pytest.mark.parametrize("to", ["coco-panoptic", "masks-index", "masks-instance"])
def test_a_small_file_with_a_huge_image_asks_no_more_memory_than_is_drawn(to: str, tmp_path: Path) -> None:
    form = {
        "images": [{"id": 1, "file_name": "a.png", "width": 16384, "height": 16384}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [RING]}],
        "categories": [{"id": 1, "name": "a"}],
    }
    (tmp_path / "in.json").write_text(json.dumps(form))
    words = [sys.executable, "-m", "encord_convert", "convert", "in.json", "out", "--to", to]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20)), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
