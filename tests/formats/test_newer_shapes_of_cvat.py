"""Ellipses and cuboids of CVAT go to the hub and back exact, and to targets without them as they went before."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from encord_convert import NotRepresentableError, Report, convert
from encord_convert.testing import tally

SIZE = 640, 480
FACE = ("xtl", "ytl", "xbl", "ybl", "xtr", "ytr", "xbr", "ybr")
WORDS = re.compile(r'([a-z_]+\d?)="(-?\d[^"]*)"')


def document(kind: str, shapes: list[str], frames: int = 1) -> str:
    """Return a file of one label that has an attribute, its shapes on images or each a track."""
    asked = (
        "<attribute><name>k</name><mutable>False</mutable><input_type>select</input_type>"
        "<default_value>a</default_value><values>a\nb</values></attribute>"
    )
    label = f"<label><name>car</name><color>#102030</color><type>any</type><attributes>{asked}</attributes></label>"
    mode = "annotation" if kind == "image" else "interpolation"
    size = "<original_size><width>640</width><height>480</height></original_size>" if kind == "track" else ""
    body = "".join(shapes)
    if kind == "image":
        body = f'<image id="0" name="a.png" width="640" height="480">{body}</image>'
    return (
        f"<annotations><version>1.1</version><meta><task><id>1</id><name>t</name><size>{frames}</size>"
        f"<mode>{mode}</mode><labels>{label}</labels>{size}</task></meta>{body}</annotations>"
    )


def shapes(seed: int, count: int) -> list[tuple[str, dict[str, float]]]:
    """Return elements and their numbers: ellipses, cuboids moved, in perspective, and as they may be drawn."""
    chance = random.Random(seed)

    def number(low: float, high: float) -> float:
        return round(chance.uniform(low, high), 2)

    made: list[tuple[str, dict[str, float]]] = []
    for index in range(count):
        if index % 4 == 0:
            numbers = {"cx": number(0, 640), "cy": number(0, 480), "rx": number(1, 90), "ry": number(1, 90)}
            made.append(("ellipse", {**numbers, "rotation": number(0, 359.9)}))
            continue
        front = [number(100, 200), number(100, 150), number(100, 200), number(250, 300),
                 number(300, 400), number(100, 150), number(300, 400), number(250, 300)]  # fmt: skip
        if index % 4 == 1:
            back = [round(at + (30.5, -20.25)[place % 2], 2) for place, at in enumerate(front)]
        elif index % 4 == 2:
            front = [round(at / 8) * 8.0 for at in front]
            back = [v + 0.5 * (at - v) for at, v in zip(front, (600, 40) * 4, strict=True)]
        else:
            back = [round(at + number(-40, 60), 2) for at in front]
        names = [name + "1" for name in FACE] + [name + "2" for name in FACE]
        made.append(("cuboid", dict(zip(names, front + back, strict=True))))
    return made


def element(kind: str, numbers: dict[str, float], more: str = "") -> str:
    said = " ".join(f'{name}="{number}"' for name, number in numbers.items())
    label = "" if more else 'label="car" '
    answer = '<attribute name="k">b</attribute>'
    return f'<{kind} {label}{more}source="manual" occluded="0" {said} z_order="0">{answer}</{kind}>'


def numbers_in(text: str) -> list[tuple[str, dict[str, float]]]:
    found = re.findall(r"<(ellipse|cuboid) ([^>]*)>", text)
    beside = {"occluded", "outside", "keyframe", "z_order", "frame"}
    return [
        (kind, {name: float(number) for name, number in WORDS.findall(said) if name not in beside})
        for kind, said in found
    ]


def assert_same(found: list[tuple[str, dict[str, float]]], wanted: list[tuple[str, dict[str, float]]]) -> None:
    key: Any = lambda one: (one[0], *sorted(one[1].values()))  # noqa: E731
    assert len(found) == len(wanted)
    for one, other in zip(sorted(found, key=key), sorted(wanted, key=key), strict=True):
        assert one[0] == other[0]
        assert one[1] == pytest.approx(other[1], abs=1e-5)


@pytest.mark.parametrize("way", ["cvat", "encord"])
def test_images_come_back_with_every_number(way: str, tmp_path: Path) -> None:
    made = shapes(1, 80)
    (tmp_path / "annotations.xml").write_text(document("image", [element(*one) for one in made]))
    report = convert(tmp_path / "annotations.xml", tmp_path / "there", from_="cvat", to=way, report=Report())
    assert report.is_lossless
    back = convert(tmp_path / "there", tmp_path / "back", from_=way, to="cvat", report=Report())
    assert back.is_lossless
    assert_same(numbers_in((tmp_path / "back" / "annotations.xml").read_text()), made)


@pytest.mark.parametrize("keyframes", ["all", "sparse"])
def test_tracks_come_back_with_every_number(keyframes: str, tmp_path: Path) -> None:
    first, last = shapes(2, 24), shapes(3, 24)
    tracks = []
    for number, (one, other) in enumerate(zip(first, last, strict=True)):
        at = 'frame="{}" keyframe="1" outside="{}" '.format
        listed = [element(*one, at(0, 0)), element(*other, at(4, 0)), element(*other, at(5, 1))]
        tracks.append(f'<track id="{number}" label="car" source="manual">{"".join(listed)}</track>')
    (tmp_path / "annotations.xml").write_text(document("track", tracks, 8))
    options = {"keyframes": keyframes}
    convert(tmp_path / "annotations.xml", tmp_path / "out", from_="cvat", to="cvat", write_options=options,
            report=(report := Report()))  # fmt: skip
    assert report.is_lossless
    text = (tmp_path / "out" / "annotations.xml").read_text()
    assert text.count('frame="2"') == (24 if keyframes == "all" else 0)
    for frame, wanted in ((0, first), (4, last)):
        there = re.findall(rf'<(?:ellipse|cuboid) frame="{frame}" [^>]*>', text)
        assert_same(numbers_in("".join(there)), wanted)


def test_coco_has_the_polygons_it_had_when_they_were_read_as_such(tmp_path: Path) -> None:
    made = [("box", {"xtl": 1.0, "ytl": 2.0, "xbr": 30.0, "ybr": 40.0}), *shapes(4, 60)]
    polygon = element("polygon", {}).replace('source="manual"', 'source="manual" points="1,1;9,1;9,9"')
    (tmp_path / "annotations.xml").write_text(document("image", [*(element(*one) for one in made), polygon]))
    files, tallies, counts = [], [], []
    for name, options in (("now", {}), ("before", {"ellipse": "polygon", "cuboid": "polygon"})):
        report = convert(tmp_path / "annotations.xml", tmp_path / name, from_="cvat", to="coco",
                         read_options=options, report=Report())  # fmt: skip
        files.append(json.loads((tmp_path / name / "annotations.json").read_text()))
        tallies.append(sorted((*key[:-1], count) for key, count in tally(report.losses()).items()))  # not the sentences
        counts.append(report.counts())
    for key in ("images", "annotations", "categories"):
        assert files[0][key] == files[1][key]
    assert tallies[0] == tallies[1]
    assert counts[0] == counts[1] and counts[0]["cuboid"] == {"in": 45, "kept": 0, "changed": 45, "dropped": 0}


def test_several_processes_write_what_one_does(tmp_path: Path) -> None:
    body = []
    for number in range(40):
        drawn = "".join(element(*one) for one in shapes(number, 8))
        body.append(f'<image id="{number}" name="{number}.png" width="640" height="480">{drawn}</image>\n')
    text = document("track", body, 40).replace("interpolation", "annotation")
    (tmp_path / "annotations.xml").write_text(text)
    reports = []
    for jobs in (1, 2):
        reports.append(convert(tmp_path / "annotations.xml", tmp_path / str(jobs), from_="cvat", to="coco",
                               jobs=jobs, report=Report()))  # fmt: skip
    files = [(tmp_path / str(jobs) / "annotations.json").read_bytes() for jobs in (1, 2)]
    assert files[0] == files[1]
    assert reports[0].to_dict()["losses"] == reports[1].to_dict()["losses"]
    assert reports[0].counts() == reports[1].counts()


def test_a_strict_conversion_refuses_to_flatten_them_and_passes_those_it_keeps(tmp_path: Path) -> None:
    (tmp_path / "annotations.xml").write_text(document("image", [element(*one) for one in shapes(5, 4)]))
    convert(tmp_path / "annotations.xml", tmp_path / "cvat", from_="cvat", to="cvat", strict=True)
    with pytest.raises(NotRepresentableError, match="CUBOID_APPROXIMATED"):
        convert(tmp_path / "annotations.xml", tmp_path / "coco", from_="cvat", to="coco", strict=True)
