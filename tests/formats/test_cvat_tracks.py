"""Tracks read in columns are what they are read one by one, by the fast reader and by the exact one."""

import contextlib
import re
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from encord_convert import LabelSet, Report, convert, read, write
from encord_convert.errors import WriteError
from encord_convert.formats._files import MemorySource, MemoryTarget
from encord_convert.formats.cvat.fast_xml import NotCanonical
from encord_convert.formats.cvat.read_tracks import Tracks
from encord_convert.formats.cvat.stats import Collector
from encord_convert.hub.video import Video

LABELS = {
    "car": ("colour", "bent", "word"),
    "man": ("bent",),
    "dog": (),
    "fish": ("colour",),
}
ATTRIBUTES = {
    "colour": ("True", "select", "red", "red\ngreen", ["red", "green", "__undefined__", "blue"]),
    "bent": ("True", "checkbox", "false", "false", ["true", "false"]),
    "word": ("False", "text", "", "", ["a", "b", "100%"]),
}
SKELETON = "<svg>&lt;circle data-node-id='1' data-label-name='p' cx='1' cy='2'/&gt;</svg>"


def description(size: int, step: int, start: int) -> str:
    labels = ""
    for name, attributes in LABELS.items():
        asked = "".join(
            f"<attribute><name>{one}</name><mutable>{m}</mutable><input_type>{kind}</input_type>"
            f"<default_value>{default}</default_value><values>{values}</values></attribute>"
            for one, (m, kind, default, values, _) in ATTRIBUTES.items()
            if one in attributes
        )
        shape = f"<type>skeleton</type>{SKELETON}" if name == "fish" else "<type>any</type>"
        labels += f"<label><name>{name}</name>{shape}<attributes>{asked}</attributes></label>"
    return (
        f"<task><id>1</id><name>clip</name><size>{size}</size><mode>interpolation</mode><start_frame>{start}"
        f"</start_frame><frame_filter>step={step}</frame_filter><labels>{labels}</labels>"
        "<original_size><width>200</width><height>100</height></original_size><source>clip.mp4</source></task>"
    )


def shape_of(random: Random, tag: str, at: list[float]) -> dict[str, str]:
    x, y = at
    if tag == "box":
        values = {"xtl": f"{x:.2f}", "ytl": f"{y:.2f}", "xbr": f"{x + 20:.2f}", "ybr": f"{y + 10:.2f}"}
        if random.random() < 0.03:
            values["xtl"] = random.choice(["7", "x", "500.00", "1e2", f"{x + 20:.2f}"])
        if random.random() < 0.1:
            values["rotation"] = random.choice(["0.00", "30.00", "350.50", "-20", "x"])
        return values
    if tag == "ellipse":
        return {"cx": f"{x:.2f}", "cy": f"{y:.2f}", "rx": "9", "ry": "7"}
    if tag == "mask":
        return {"rle": "3, 6", "left": f"{abs(x):.0f}", "top": "4", "width": "3", "height": "3"}
    count = {"polygon": 4, "polyline": 3, "points": 1}[tag]
    count += random.random() < 0.1
    return {"points": ";".join(f"{x + 9 * (n % 2):.2f},{y + 3 * n:.2f}" for n in range(count))}


def track_of(random: Random, number: int, start: int, step: int, *, tame: bool) -> str:
    label = random.choice(list(LABELS))
    tag = (
        "skeleton"
        if label == "fish"
        else random.choice(["box"] * 7 + ["polygon", "polyline", "points", "mask", "ellipse"])
    )
    own = ['source="manual"', 'source="auto"', "", 'group_id="2"', 'source="manual" group_id="0"', 'strange="1"']
    frame, at, lines = start + step * random.randrange(4), [random.uniform(0, 150), random.uniform(0, 80)], []
    dense, occluded, answers = random.random() < 0.5, random.random() < 0.3, {}
    for _ in range(0 if not tame and random.random() < 0.04 else random.randrange(1, 9)):
        if random.random() < 0.85 or tame:
            at = [one + random.uniform(-3, 3) for one in at]
        values = {
            "frame": str(frame),
            "keyframe": "0" if dense and random.random() < 0.6 else "1",
            "outside": str(int(random.random() < 0.15)),
            "occluded": str(int(occluded)),
        }
        if random.random() < 0.2:
            occluded = not occluded
        if not tame and random.random() < 0.05:
            values[random.choice(list(values))] = random.choice(["", "2", "1.0", "x", "01"])
        if not tame and random.random() < 0.05:
            values.pop(random.choice(list(values)))
        for name in LABELS[label]:
            if random.random() < 0.2 or name not in answers:
                answers[name] = random.choice(ATTRIBUTES[name][-1])
        inner = "".join(
            f'<attribute name="{name}">{text}</attribute>' for name, text in answers.items() if random.random() < 0.9
        )
        if tag == "skeleton":
            spot = f"{at[0]:.2f},{at[1]:.2f}"
            point = f'<points label="p" keyframe="1" outside="0" occluded="0" points="{spot}"></points>'
            lines.append(f'<skeleton frame="{frame}" keyframe="1" z_order="0">{point}{inner}</skeleton>')
        else:
            values |= shape_of(random, tag, at)
            values["z_order"] = random.choice(["0", "0", "3"])
            if not tame and random.random() < 0.05:
                values[random.choice(["unheard", "source", "track_id", "group_id"])] = "7"
            if random.random() < 0.02:
                values = dict(sorted(values.items()))
            given = "".join(f' {name}="{value}"' for name, value in values.items())
            other = "ellipse" if not tame and random.random() < 0.02 else tag
            lines.append(f"<{other}{given}>\n{inner}</{other}>\n")
        frame += step * (1 if dense else random.randrange(1, 7))
        if not tame and random.random() < 0.05:
            frame += random.choice([-1, 0, 1, -99])
    if lines and tag == "box" and random.random() < 0.5:  # closed as CVAT does it
        lines.append(lines[-1].replace('outside="0"', 'outside="1"').replace('frame="', 'frame="9', 1))
    return f'  <track id="{number}" label="{label}" {random.choice(own)}>\n{"".join(lines)}  </track>\n'.replace(
        " >", ">"
    )


def crowded(seed: int) -> bytes:
    """Return a video of any tracks there are, whole and broken."""
    random = Random(seed)
    step, start = random.choice([(1, 0), (1, 0), (3, 0), (2, 4)])
    tracks = "".join(track_of(random, n, start, step, tame=seed % 3 == 0) for n in range(random.randrange(1, 25)))
    meta = description(random.choice([40, 200]), step, start)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    return f"{head}<meta>{meta}</meta>\n{tracks}</annotations>\n".encode()


OPTIONS: list[dict[str, Any]] = [
    {}, {"tracks": "cvat"}, {"tracks": "listed", "group_id": "yes"}, {"frame_mapping": "relative"}, {"clip": "yes"},
    {"keyframes_manual": "no", "boxes": "rotatable"}, {"apply_defaults": "yes", "occluded": "never"},
]  # fmt: skip


def written(labels: LabelSet, target: Path, format_: str) -> tuple[bytes, dict[str, Any]]:
    report = Report()
    with contextlib.suppress(WriteError):
        write(labels, target, format_, report=report)
    account = report.to_dict()
    del account["target"]
    return b"".join(path.read_bytes() for path in sorted(target.rglob("*")) if path.is_file()), account


def by_rows(labels: LabelSet) -> LabelSet:
    """Return the same set without a word of videos in columns."""
    rows = LabelSet(labels.ontology, lambda: iter(labels), title=labels.title, counts=labels.counts)
    rows.source, rows.native = labels.source, labels.native
    return rows


@pytest.mark.parametrize("seed", range(14))
def test_tracks_in_columns_are_written_as_tracks_read_one_by_one(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, options = MemorySource({"a.xml": crowded(seed)}), OPTIONS[seed % len(OPTIONS)]
    labels = read(source, "cvat", **options)
    assert any(isinstance(one, Video) for one in labels._columns())
    for format_ in ("coco", "cvat"):
        columns = written(labels, tmp_path / f"{format_}-columns", format_)
        assert written(by_rows(labels), tmp_path / f"{format_}-rows", format_) == columns
        with monkeypatch.context() as patch:
            patch.setattr(Tracks, "page", lambda *_: None)
            patch.setattr(Collector, "_tracks", lambda *_: False)
            assert written(read(source, "cvat", **options), tmp_path / f"{format_}-records", format_) == columns
        with monkeypatch.context() as patch:
            patch.setattr("encord_convert.formats.cvat.fast_xml.prologue", _refuse)
            assert written(read(source, "cvat", **options), tmp_path / f"{format_}-exact", format_) == columns


def _refuse(*_: object) -> None:
    raise NotCanonical


def test_the_row_of_a_video_is_the_row_of_its_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    source = MemorySource({"a.xml": crowded(3)})
    found = [row.to_encord_dict() for row in read(source, "cvat")]
    monkeypatch.setattr(Tracks, "page", lambda *_: None)
    assert found == [row.to_encord_dict() for row in read(source, "cvat")]


def test_a_plain_video_is_written_without_an_object_on_each_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = "".join(
        f'<box frame="{n}" keyframe="1" outside="{n // 9}" occluded="0" xtl="{n}.00" ytl="1.00" xbr="30.00" '
        'ybr="20.00" z_order="0">\n</box>\n'
        for n in (0, 5, 9)
    )
    text = f'<annotations>\n<version>1.1</version>\n<meta>{description(40, 1, 0)}</meta>\n<track id="0" label="dog">\n'
    labels = read(MemorySource({"a.xml": f"{text}{boxes}</track>\n</annotations>\n".encode()}), "cvat")
    monkeypatch.setattr(Video, "row", property(lambda _: pytest.fail("A row was made.")))
    report = Report()
    write(labels, tmp_path, "coco", report=report)
    entries = msgspec.json.decode((tmp_path / "annotations.json").read_bytes())["annotations"]
    assert [(one["image_id"], one["bbox"][0], one["attributes"]["track_id"]) for one in entries] == [
        (n + 1, n, 1) for n in range(9)
    ]


@pytest.mark.parametrize("prologue", ["", "<!-- read by the exact reader -->"])
def test_an_unknown_attribute_of_a_box_that_is_not_there_is_named_and_comes_back(prologue: str) -> None:
    boxes = [
        box.format(at)
        for at, box in enumerate(
            [
                '<box frame="{0}" keyframe="1" outside="0" occluded="0" xtl="1" ytl="1" xbr="9" ybr="9" z_order="0"/>',
                '<box frame="{0}" keyframe="1" outside="1" occluded="0" xtl="1" ytl="1" xbr="9" ybr="9" z_order="0" '
                'reviewer="kim"/>',
            ]
        )
    ]
    text = (
        f"<annotations>{prologue}<version>1.1</version><meta>{description(4, 1, 0)}</meta>"
        f'<track id="0" label="dog">{"".join(boxes)}</track></annotations>'
    )
    source, report, target = MemorySource({"annotations.xml": text.encode()}), Report(), MemoryTarget()
    convert(source, MemoryTarget(), from_="cvat", to="coco", report=report)
    assert [loss.count for loss in report.losses() if loss.label == "annotation.track.outside.reviewer"] == [1]
    convert(source, target, from_="cvat", to="cvat", report=Report())
    [written] = target.files.values()
    assert re.search(rb'<box frame="1" outside="1"[^>]* reviewer="kim"', written)
