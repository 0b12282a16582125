"""One label of a hundred changed, of twenty thousand: every change is named, and nothing else."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree

import pytest

from encord_convert.cli import run

GENERATOR = Path(__file__).parents[1] / "bench" / "generate_cvat.py"
DRAWN = ("box", "polygon", "polyline", "points", "mask")


def moved(shape: ElementTree.Element) -> None:
    """Move a shape by two pixels."""
    for key in ("xtl", "xbr", "left"):
        if shape.get(key) is not None:
            shape.set(key, f"{float(shape.attrib[key]) + 2:g}")
    if shape.get("points") is not None:
        points = (point.split(",") for point in shape.attrib["points"].split(";"))
        shape.set("points", ";".join(f"{float(x) + 2:.2f},{y}" for x, y in points))


def changed(tree: ElementTree.ElementTree[ElementTree.Element], each: int) -> dict[str, str]:
    """Change labels in five ways, so many in each, one on an image; return by image how."""
    names = [label.findtext("name") for label in tree.iter("label")]
    images = list(tree.iter("image"))
    chance = random.Random(5)
    chance.shuffle(images)
    told: dict[str, str] = {}
    for how in ("moved", "relabelled", "answered", "deleted", "added"):
        for _ in range(each):
            image, shape = None, None
            while shape is None:
                image = images.pop()
                # Three points of one element are three labels, and would be three changes.
                shapes = [one for one in image if one.tag in DRAWN and one.tag != "points"]
                if how == "answered":
                    shapes = [one for one in shapes if one.find("attribute[@name='color']") is not None]
                shape = chance.choice(shapes) if shapes else None
            assert image is not None
            if how == "moved":
                moved(shape)
            elif how == "relabelled":
                shape.set("label", chance.choice([name for name in names if name != shape.get("label")]))
            elif how == "answered":
                answer = shape.find("attribute[@name='color']")
                answer.text = "red" if answer.text != "red" else "blue"
            elif how == "deleted":
                image.remove(shape)
            else:
                copy = deepcopy(shape)
                moved(copy)
                image.append(copy)
            told[image.attrib["name"]] = how
    return told


def test_every_change_is_named_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "before.xml", tmp_path / "after.xml"
    subprocess.run([sys.executable, str(GENERATOR), str(before), "--images", "2000"], check=True, capture_output=True)
    tree = ElementTree.parse(before)
    assert sum(len([one for one in image if one.tag in (*DRAWN, "tag")]) for image in tree.iter("image")) >= 19_000
    told = changed(tree, 40)
    tree.write(after)
    assert run(["diff", str(before), str(after), "--json"]) == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["where"]["row"]: how_of(one) for one in found} == told
    assert len(found) == len(told) == 200


def how_of(difference: dict[str, str]) -> str:
    """Say which way a difference is one."""
    for end, how in (("its geometry", "moved"), ("its answers", "answered")):
        if difference["what"].endswith(end):
            return how
    if difference["what"].startswith("the class of"):
        return "relabelled"
    return "deleted" if difference["found"] == "none" else "added" if difference["expected"] == "none" else "?"
