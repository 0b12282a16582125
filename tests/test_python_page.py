"""The page on Python: its blocks run and do what they say, and its reference is what the functions take."""

import inspect
import json
import re
from pathlib import Path

import pytest

import encord_convert

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "encord_convert/docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def classes_in(folder: str) -> set[str]:
    written = json.loads(Path(folder, "annotations.json").read_text())
    names = {one["id"]: one["name"] for one in written["categories"]}
    return {names[one["category_id"]] for one in written["annotations"]}


def test_scripts_have_fifteen_lines() -> None:
    scripts = re.findall(
        r"^```python\n(.*?)^```", PAGE.partition("## Scripts")[2].partition("\n## ")[0], re.DOTALL | re.M
    )
    assert len(scripts) == 6
    for text in scripts:
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("import", "from"))]
        assert len(lines) <= 15, text


def test_the_blocks_run_and_write_what_they_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    monkeypatch.chdir(tmp_path)
    for text in BLOCKS:
        exec(compile(text, "python.md", "exec"), {})
    assert "person" not in classes_in("without_persons") and "dog" in classes_in("without_persons")
    assert "sign" in classes_in("signs")
    assert classes_in("animals") == {"animal", "bench"}
    assert classes_in("framed") >= {"animal", "person"} and "dog" not in classes_in("framed")
    tiny = [
        one for one in json.loads(Path("seen", "annotations.json").read_text())["annotations"] if one["bbox"][2] < 20
    ]
    assert not tiny
    assert Path("large").exists() and Path("both").exists() and "car," in Path("csv", "boxes.csv").read_text()
    assert not (tmp_path / "dogs").exists()


@pytest.mark.parametrize("name", ["read", "write", "convert"])
def test_the_reference_has_every_parameter(name: str) -> None:
    shown = re.search(rf"^\| `{name}\((.*?)\)`", PAGE, re.MULTILINE)
    assert shown
    parameters = inspect.signature(getattr(encord_convert, name)).parameters.values()
    assert [re.split(r"\W", one.lstrip("*"))[0] for one in shown[1].split(", ") if one != "*"] == [
        one.name for one in parameters
    ]


@pytest.mark.parametrize("name", ["filter", "rename", "map", "held", "sample", "split", "merge"])
def test_every_way_to_a_new_set_stands_in_the_page(name: str) -> None:
    assert f"`labels.{name}(" in PAGE
