"""The plug-in of the page on plug-ins, word for word: installed, found, held to the laws, used by commands."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import encord_convert.formats
from encord_convert import Report, cli, write
from encord_convert.testing import SAMPLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "encord_convert/docs/plugins.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```\w+\n# ([\w.]+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which pip has installed the plug-in; the wheel is made by hand: that needs no network."""
    folder = tmp_path_factory.mktemp("plugin")
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    wheel = folder / f"{project['name'].replace('-', '_')}-{project['version']}-py3-none-any.whl"
    info = wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    )
    members = {
        "bdd_labels.py": FILES["bdd_labels.py"],
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*members, f"{info}/RECORD"]))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(folder / "site")]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return folder / "site"


def run(installed: Path, *words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": f"{ROOT}:{installed}", "PATH": "", "COLUMNS": "100", "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_holds_a_small_plug_in_of_public_names_alone() -> None:
    assert FILES["bdd_labels.py"].count("\n") <= 150
    public = {
        "encord_convert.formats": encord_convert.formats.__all__,
        "encord_convert.sdk.constants.enums": ["DataType"],
        "encord_convert.sdk.objects": ["Shape"],
        "encord_convert.sdk.objects.coordinates": ["BoundingBoxCoordinates"],
        "encord_convert.testing": ["FormatLaws"],
    }
    for text in (FILES["bdd_labels.py"], FILES["test_bdd.py"]):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("encord_convert"):
                assert {one.name for one in node.names} <= {*public[node.module or ""]}
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_") or node.attr.startswith("__"), f"line {node.lineno}: {node.attr}"


def test_the_page_names_all_that_is_public() -> None:
    table = PAGE.rpartition("## Names")[2]
    assert {*re.findall(r"`(\w+)`", table)} == {*encord_convert.formats.__all__}


def test_the_plug_in_is_found(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "encord_convert", "formats", folder=tmp_path)
    assert "bdd" in done.stdout, done.stderr
    page = run(installed, "encord_convert", "formats", "bdd", folder=tmp_path).stdout
    assert "BDD100K labels" in page and "-r size=1280x720" in page and "What is lost" in page


def test_the_plug_in_keeps_the_laws_on_the_samples_that_are_shipped(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_bdd.py").write_text(FILES["test_bdd.py"])
    done = run(installed, "pytest", "-q", "-p", "no:cacheprovider", "test_bdd.py", folder=tmp_path)
    assert f"{len(SAMPLES)} passed" in done.stdout, done.stdout


def test_a_law_that_is_broken_is_told_in_a_sentence_as_the_page_shows_it(installed: Path, tmp_path: Path) -> None:
    claim = "replace(FORMAT.exporter.carries, features=FORMAT.exporter.carries.features | {Feature.AUTHOR})"
    exporter = f"Exporter.of_narrowed(bdd_labels.write, NoOptions, {claim})"
    broken = FILES["test_bdd.py"].replace("format = FORMAT", f"format = replace(FORMAT, exporter={exporter})")
    lines = (
        "from dataclasses import replace\nimport bdd_labels\n"
        "from encord_convert.formats import Exporter, Feature, NoOptions\n"
    )
    (tmp_path / "test_bdd.py").write_text(lines + broken)
    done = run(installed, "pytest", "-q", "-p", "no:cacheprovider", "test_bdd.py", "-k", "provenance", folder=tmp_path)
    shown = re.findall(r"^    (bdd breaks .*)\n    (- .*)\n", PAGE, re.MULTILINE)
    assert shown
    for line in shown[0]:
        assert line in done.stdout


def test_the_plug_in_converts_from_the_command_line(installed: Path, tmp_path: Path) -> None:
    write(SAMPLES["provenance"](), tmp_path / "labels", "encord", report=Report())
    done = run(installed, "encord_convert", "convert", "labels", "bdd", "--to", "bdd", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    [frame] = json.loads((tmp_path / "bdd/labels.json").read_text())
    box = {"x1": 8.0, "y1": 6.0, "x2": 18.0, "y2": 21.0}
    assert {key: frame["labels"][1][key] for key in ("category", "score", "box2d")} == {
        "category": "car", "score": 0.5, "box2d": box,
    }  # fmt: skip
    done = run(installed, "encord_convert", "convert", "bdd", "out", "--to", "coco", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    annotations = json.loads((tmp_path / "out/annotations.json").read_text())["annotations"]
    assert [one["bbox"] for one in annotations][1] == [8.0, 6.0, 10.0, 15.0]


def test_the_plug_in_counts_what_it_does_not_read(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    box = {"x1": 100, "y1": 50, "x2": 200, "y2": 150}
    labels = [
        {"id": "0", "category": "car", "attributes": {"occluded": True, "truncated": False}, "box2d": box},
        {"id": "1", "category": "lane", "poly2d": [{"vertices": [[0, 0], [9, 9]], "closed": False}]},
    ]
    (tmp_path / "data/labels.json").write_text(json.dumps([{"name": "a.jpg", "labels": labels}]))
    done = run(
        installed, "encord_convert", "convert", "data", "out", "--to", "coco", "-r", "size=640x480", "--json",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["counts"]
    assert {type_: row["dropped"] for type_, row in counts.items()} == {"box": 0, "occluded": 1, "region": 1}
    written = json.loads((tmp_path / "out/annotations.json").read_text())
    assert written["images"][0]["width"] == 640 and written["annotations"][0]["bbox"] == [100.0, 50.0, 100.0, 100.0]


def test_a_new_format_starts_as_a_plug_in_that_keeps_the_laws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["formats", "--new", "my-format"]) == 0
    folder = tmp_path / "my-format-labels"
    names = {"pyproject.toml", "my_format_labels.py", "test_my_format.py"}
    assert {path.name for path in folder.iterdir()} == names
    assert not any("bdd" in path.read_text() for path in folder.iterdir() if path.suffix == ".toml")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
    path = os.pathsep.join([str(ROOT), str(folder)])
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["coco", "My Format", "../up"])
def test_a_new_format_needs_a_free_and_plain_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["formats", "--new", name]) == 2
    assert list(tmp_path.iterdir()) == []
