"""What a source is that nobody said the format of: recognised by structure, or told what it looks like."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from encord_convert.cli import run
from encord_convert.formats import Match, format_named
from encord_convert.formats._files import MemorySource, source_at
from encord_convert.formats._registry import KNOWN, WRITTEN_ONLY, _not_asked

FIXTURES = Path(__file__).parents[2] / "fixtures"
CVAT = next((FIXTURES / "cvat" / "images-task-minimal").glob("*.xml"))
COCO = FIXTURES / "coco" / "polygons"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
BRUSHLESS = {
    "id": 1,
    "data": {"image": "a.png"},
    "annotations": [{"result": [{"type": "rectanglelabels", "value": {}}]}],
}


def test_formats_that_are_not_asked_would_say_no() -> None:
    sources = [*FIXTURES.glob("*/*"), *FIXTURES.glob("*/*/*"), *FIXTURES.rglob("*.xml"), *FIXTURES.rglob("*.json")]
    wrong = []
    for path in sources:
        with source_at(path) as source:
            for name in sorted(_not_asked(source) - WRITTEN_ONLY):
                if format_named(name).identify(source) is not Match.NO:
                    wrong.append((str(path), name))
    assert wrong == []


def test_a_source_of_one_kind_asks_few_formats() -> None:
    def asked(members: dict[str, bytes]) -> set[str]:
        return KNOWN.keys() - _not_asked(MemorySource(members))

    assert asked({"a.xml": b" <annotations>"}) == {"cvat"}
    assert asked({"a.xml": b"<?xml version='1.0'?>\n<annotation verified='no'>"}) == {"voc"}
    assert asked({"a.xml": b"<annotation>", "b.xml": b"<annotations>"}) == {"cvat", "voc"}
    assert asked({"a.xml": b"<!-- <annotation> --><annotations>"}) == {"cvat", "voc"}
    assert asked({"a.json": b"{}"}) == {"coco", "createml", "labelme", "rle", "via", "yolo"}
    assert "dicom" in asked({"a.json": b"{" + bytes(200)})
    assert asked({"a.xml": b"<annotation>", "a.jpg": b""}) == {"cvat", "dicom", "voc", "yolo"}


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def seen(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command line says of a source that no format recognises."""
    capsys.readouterr()
    assert call("info", path) == 6
    sentence = capsys.readouterr().err
    assert sentence.startswith(f"error: {path}: no format recognises this: it ")
    return sentence


def files(folder: Path, **members: Any) -> Path:
    """Write files; ``__`` in a name is a dot, ``_0_`` a folder."""
    for name, content in members.items():
        path = folder / name.replace("_0_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes | str):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


LOOKS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an empty folder": ({}, ["is an empty folder", "Name the folder of the labels"]),
    "images without labels": ({"a__png": PNG, "b_0_c__jpg": PNG}, ["holds 2 images and no labels"]),
    "XML of the older LabelMe": (
        {"a__xml": "<annotation><filename>a.jpg</filename><imagesize><nrows>4</nrows></imagesize></annotation>"},
        ["looks like LabelMe's older XML"],
    ),
    "V7 Darwin": ({"a__json": {"version": "2.0", "item": {"name": "a"}, "annotations": []}}, ["like V7 Darwin"]),
    "Datumaro": ({"a__json": {"info": {}, "categories": {}, "items": []}}, ["looks like Datumaro"]),
    "Labelbox": ({"a__ndjson": {"data_row": {"id": "1"}, "projects": {}}}, ["looks like Labelbox"]),
    "NIfTI": ({"liver__nii__gz": b"\x1f\x8b" + bytes(20)}, ["volume of voxels or masks", "Convert it to DICOM"]),
    "Label Studio without brushes": ({"a__json": [BRUSHLESS]}, ["Label Studio export without brush masks"]),
    "a CVAT backup": (
        {"task__json": {"name": "t"}, "annotations__json": [{"version": 0, "tags": [], "shapes": [], "tracks": []}],
         "data_0_manifest__jsonl": "{}"},
        ["is a backup of a CVAT task", "CVAT for images 1.1"],
    ),
    "JSON of nobody": ({"a__json": {"foo": 1, "bar": [2]}}, ["a JSON object with the keys 'foo', 'bar'", "COCO has"]),
    "a list of nobody": ({"a__json": [{"foo": 1}]}, ["a JSON list of objects with the keys 'foo'"]),
    "no JSON at all": ({"a__json": "hello"}, ["is not JSON", "begins with 'hello'"]),
    "label rows alone": ({"label_rows__jsonl": {"data_units": {}}}, ["an Encord label row", "ontology.json"]),
    "an ontology alone": ({"ontology__json": {"objects": [], "classifications": []}}, ["an Encord ontology"]),
    "an image with the name of JSON": ({"a__json": PNG}, ["is an image"]),
    "a table": ({"a__csv": "name,age\nx,3\n"}, ["a table with the columns name,age", "--from rle"]),
    "JSON in UTF-16": ({"a__json": '{"images": []}'.encode("utf-16")}, ["is JSON in UTF-16", "Save it in UTF-8"]),
    "Python": ({"a__json": "{\n 'images': []}"}, ["is Python and not JSON"]),
    "a pointer of Git LFS": ({"a__json": "version https://git-lfs.github.com/spec/v1\n"}, ["git lfs pull"]),
    "a page of a login": ({"a__json": "<!DOCTYPE html><html></html>"}, ["is HTML", "Was a page downloaded"]),
    "a configuration of YOLO": (
        {"data__yaml": "nc: 1\nnames: [a]\n", "notes__md": "x"},
        ["a YOLO configuration without images and labels", "Name the folder"],
    ),
    "an empty file": ({"a__json": ""}, ["is empty"]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "form"),
    [
        (name, form)
        for name, (members, _) in LOOKS.items()
        for form in ("folder", "archive", "file")
        if form != "file" or len(members) == 1
    ],
)
def test_what_no_format_recognises_is_told(
    name: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members, words = LOOKS[name]
    (tmp_path / "in").mkdir()
    source = files(tmp_path / "in", **members)
    if form == "archive":
        with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
            for path in sorted(source.rglob("*.*")):
                archive.write(path, path.relative_to(source))
        source, words = tmp_path / "in.zip", [word.replace("empty folder", "empty archive") for word in words]
    elif form == "file":
        (source,) = (path for path in source.rglob("*") if path.is_file())
    sentence = seen(source, capsys)
    assert [word for word in words if word not in sentence] == []


def test_a_folder_of_archives_is_told_with_the_command_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.zip", "b.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(CVAT, "annotations.xml")
    sentence = seen(tmp_path, capsys)
    assert "a folder of 2 ZIP archives (a.zip, …)" in sentence
    assert "encord-convert batch" in sentence


@pytest.mark.parametrize(
    ("named", "path", "is_of"),
    [("cvat", COCO, "coco"), ("coco", CVAT, "cvat"), ("encord", CVAT, "cvat"), ("dicom", COCO, "coco")],
)
def test_a_source_of_another_format_than_the_named_is_told(
    named: str, path: Path, is_of: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("info", path, "--from", named) == 6
    assert f"{path}: is not {named}; it is {is_of}. Leave out --from, or use --from {is_of}." in capsys.readouterr().err


def test_a_broken_file_of_the_named_format_keeps_its_own_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "annotations.xml").write_bytes(CVAT.read_bytes()[:-200])
    assert call("info", tmp_path, "--from", "cvat") == 4
    assert "annotations.xml" in capsys.readouterr().err


def test_a_volume_beside_a_series_is_said_not_to_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (FIXTURES / "dicom" / "ct_series").glob("*.dcm"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "liver_mask.nii.gz").write_bytes(b"\x1f\x8b" + bytes(400))
    assert call("convert", tmp_path, tmp_path / "out", "--to", "encord", "--json") == 0
    notes = {note["code"]: note for note in json.loads(capsys.readouterr().out)["notes"]}
    assert notes["VOLUME_NOT_READ"]["level"] == "warning"
    assert "liver_mask.nii.gz" in notes["VOLUME_NOT_READ"]["detail"]
