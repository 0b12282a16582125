"""`stats` and `diff --stats` on the command line: tables, JSON, the page, and what is said of wrong input."""

from __future__ import annotations

import builtins
import json
import re
import sys
import types
from pathlib import Path

import pytest
from terminals import in_terminal

from encord_convert.cli import run

ROOT = Path(__file__).parents[2]
STREET = ROOT / "fixtures" / "street"


def call(*words: object) -> int:
    return run([str(word) for word in words])


def test_numbers_are_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("stats", STREET, ROOT / "fixtures" / "coco" / "split-folders", "--json") == 0
    form = json.loads(capsys.readouterr().out)
    assert [one["format"] for one in form["sources"]] == ["cvat", "coco"]
    assert (form["images"], form["annotations"]) == (8, 30)
    assert form["splits"]["Train"] == {"images": 4, "images_without_labels": 0, "annotations": 17}


def test_in_a_pipe_tables_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("stats", STREET) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(": cvat, 6 images, 27 annotations")
    assert "  car     bounding box           10      6           4      0      10            43.81" in lines
    assert all(line.isprintable() for line in lines)


def test_on_a_terminal_tables_are_drawn(tmp_path: Path) -> None:
    session = in_terminal("stats", STREET, cwd=tmp_path)
    assert session.code == 0
    session.check_cursor()
    assert "───" in session.text()


def test_in_a_notebook_tables_are_drawn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []
    display = types.ModuleType("IPython.display")
    display.display = lambda one: shown.append(one._repr_mimebundle_([], [])["text/html"])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(builtins, "get_ipython", type("ZMQInteractiveShell", (), {}), raising=False)
    for command in ("stats", "info"):
        shown.clear()
        assert call(command, STREET) == 0
        assert "car" in "".join(shown) and "car" not in capsys.readouterr().out


def test_the_page_loads_nothing_and_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = '<script>alert(1)</script>"\x1b[31m'
    box = '<box label="{0}" occluded="0" xtl="1" ytl="2" xbr="30" ybr="40" z_order="0"></box>'
    escaped = name.replace("<", "&lt;").replace('"', "&quot;").replace("\x1b", "")
    text = box.format(escaped) + box.format("b")
    image = f'<image id="0" name="a.png" width="64" height="48">{text}</image>'
    (tmp_path / "annotations.xml").write_text(f"<annotations><version>1.1</version>{image}</annotations>")
    page = tmp_path / "page.html"
    assert call("stats", tmp_path / "annotations.xml", "--html", page) == 0
    assert capsys.readouterr().out == ""
    html = page.read_text()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "http" not in re.sub("http-equiv", "", html)
    assert html.count("<svg") == 7
    assert "default-src 'none'" in html


def test_equal_sets_have_equal_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("convert", STREET, tmp_path / "out", "--to", "encord", "-q") == 0
    assert call("diff", STREET, tmp_path / "out", "--stats") == 0
    assert "0 of 36 numbers differ" in capsys.readouterr().err


def test_different_numbers_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("convert", STREET, tmp_path / "out", "--to", "yolo", "-q") == 0
    capsys.readouterr()
    assert call("diff", STREET, tmp_path / "out", "--stats", "--json") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"section": "all", "of": "", "number": "images", "a": 6, "b": 6, "difference": 0} in lines
    assert {
        "section": "classes",
        "of": "lane, polyline",
        "number": "annotations",
        "a": 6,
        "b": 0,
        "difference": -6,
    } in lines
    assert {"section": "splits", "of": "train", "number": "images", "a": 4, "b": 4, "difference": 0} in lines


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "Missing argument 'SOURCES...'"),
        (("nowhere",), 4, "nowhere: there is no such file or folder"),
        ((STREET, "nowhere"), 4, "nowhere: there is no such file or folder"),
        ((STREET, "--html", "."), 5, "it is a folder"),
        ((STREET, "--html", "nowhere/page.html"), 5, "there is no folder nowhere"),
        ((STREET, "--from", "coc"), 6, "Did you mean 'coco'?"),
        ((STREET, "-r", "clipp=yes"), 2, "clip"),
    ],
)
def test_wrong_input_is_told_in_one_sentence(
    words: tuple[object, ...], code: int, told: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert call("stats", *words) == code
    error = capsys.readouterr().err
    assert told in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())
