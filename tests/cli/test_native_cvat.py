"""What only CVAT has words for comes back from CVAT to CVAT, and other targets count it."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from encord_convert.cli import run

FIXTURES = Path(__file__).parents[2] / "fixtures" / "cvat"

IMAGES = """<annotations><version>1.1</version><meta><task><id>7</id><name>harbour</name><size>2</size>
<mode>annotation</mode><overlap>3</overlap><bugtracker>http://bugs.example</bugtracker><colour_of_task>red</colour_of_task>
<labels><label><name>car</name><color>#112233</color><type>any</type><description>four wheels</description><attributes>
<attribute><name>side</name><mutable>False</mutable><input_type>radio</input_type><default_value>left</default_value>
<values>left
right</values></attribute></attributes></label></labels></task><dumped>2025-01-04</dumped></meta>
<image id="40" name="a.png" width="100" height="80" shelf="3">
<box label="car" source="semi-auto" occluded="0" xtl="1" ytl="2" xbr="30" ybr="40" z_order="4" group_id="9"
mood="good"/>
<box label="car" source="manual" occluded="0" xtl="5" ytl="6" xbr="31" ybr="41" z_order="-1" track_id="12"/>
</image><image id="50" name="b.png" width="100" height="80"></image></annotations>"""


def converted(source: Path, target: Path, to: str) -> dict[str, Any]:
    assert run(["convert", str(source), str(target), "--to", to, "--report", f"{target}.json", "--quiet"]) == 0
    report: dict[str, Any] = json.loads(Path(f"{target}.json").read_text("utf-8"))
    return report


def back(source: Path, folder: Path) -> tuple[Any, dict[str, Any]]:
    report = converted(source, folder / "out", "cvat")
    return ElementTree.parse(folder / "out" / "annotations.xml").getroot(), report


def given(folder: Path, text: str = IMAGES) -> Path:
    (folder / "annotations.xml").write_text(text, "utf-8")
    return folder / "annotations.xml"


def test_images_and_shapes_come_back_with_all_their_attributes(tmp_path: Path) -> None:
    root, report = back(given(tmp_path), tmp_path)
    first, second = root.findall("image")
    assert (first.attrib["id"], first.attrib["shelf"], second.attrib["id"]) == ("40", "3", "50")
    said = {one.get("xtl"): one.attrib for one in first}
    named = ("z_order", "group_id", "mood", "source")
    assert [said["1.0"][name] for name in named] == ["4", "9", "good", "semi-auto"]
    assert (said["5.0"]["z_order"], said["5.0"]["track_id"]) == ("-1", "12")
    assert report["losses"] == []


def test_the_task_comes_back_with_its_labels(tmp_path: Path) -> None:
    root, _ = back(given(tmp_path), tmp_path)
    before, after = ElementTree.fromstring(IMAGES).find("meta"), root.find("meta")
    for path in ("dumped", "task/id", "task/overlap", "task/bugtracker", "task/colour_of_task"):
        assert after.findtext(path) == before.findtext(path)
    [label], [own] = (one.findall("task/labels/label") for one in (before, after))
    for path in ("color", "type", "description"):
        assert own.findtext(path) == label.findtext(path)
    attributes = {one.findtext("name"): one for one in own.iter("attribute")}
    for path in ("input_type", "default_value", "values"):
        assert attributes["side"].findtext(path) == label.findtext(f"attributes/attribute/{path}")


def test_other_targets_count_what_only_cvat_has_words_for(tmp_path: Path) -> None:
    report = converted(given(tmp_path), tmp_path / "coco", "coco")
    lost = {(loss["code"], loss["label"]): loss["count"] for loss in report["losses"]}
    assert lost["Z_ORDER_DROPPED", "car"] == 2
    assert lost["GROUP_DROPPED", "car"] == lost["SOURCE_MERGED", "car"] == 1
    assert lost["NATIVE_DROPPED", "image.id"] == 2
    assert lost["NATIVE_DROPPED", "image.shelf"] == lost["NATIVE_DROPPED", "annotation.mood"] == 1
    told = {note["code"]: note["detail"] for note in report["notes"]}
    assert "DEFAULT_DROPPED" in told
    assert all(f"'{name}'" in told["NATIVE_DROPPED"] for name in ("overlap", "colour_of_task", "description"))


def test_a_label_that_changed_is_not_written_as_the_source_had_it(tmp_path: Path) -> None:
    (tmp_path / "classes.yaml").write_text("classes:\n- {name: car, to: vehicle}\n", "utf-8")
    mapping = ["--mapping", str(tmp_path / "classes.yaml")]
    assert run(["convert", str(given(tmp_path)), str(tmp_path / "out"), "--to", "cvat", *mapping]) == 0
    names = [one.text for one in ElementTree.parse(tmp_path / "out" / "annotations.xml").iterfind(".//label/name")]
    assert "vehicle" in names
    assert "car" not in names


def test_what_is_native_goes_through_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "classes.yaml").write_text("classes:\n- {name: car, to: vehicle}\n", "utf-8")
    mapping = ["--mapping", str(tmp_path / "classes.yaml"), "--report", str(tmp_path / "report.json")]
    assert run(["convert", str(given(tmp_path)), str(tmp_path / "out"), "--to", "coco", *mapping]) == 0
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert {"Z_ORDER_DROPPED", "GROUP_DROPPED", "SOURCE_MERGED"} <= {loss["code"] for loss in report["losses"]}


def test_tracks_keep_their_keyframes_and_where_they_are_not(tmp_path: Path) -> None:
    root, _ = back(FIXTURES / "video-boxes-minimal", tmp_path)
    before = ElementTree.parse(FIXTURES / "video-boxes-minimal" / "annotations.xml").getroot()
    for track, own in zip(before.findall("track"), root.findall("track"), strict=True):
        shapes = {one.get("frame"): one for one in own}
        for one in track:
            named = ("keyframe", "outside")
            assert [shapes[one.get("frame")].get(name) for name in named] == [one.get(name) for name in named]
            assert float(shapes[one.get("frame")].get("xtl")) == float(one.get("xtl"))


def test_images_of_a_project_keep_names_tasks_and_ids(tmp_path: Path) -> None:
    root, _ = back(FIXTURES / "images-project-subsets", tmp_path)
    before = ElementTree.parse(FIXTURES / "images-project-subsets" / "annotations.xml").getroot()
    names = ("id", "name", "subset", "task_id")
    assert sorted([[one.get(name) for name in names] for one in root.iter("image")]) == sorted(
        [[one.get(name) for name in names] for one in before.iter("image")]
    )
    assert [one.text for one in root.iter("url")] == [one.text for one in before.iter("url")]


def test_personal_data_is_told_and_not_written(tmp_path: Path) -> None:
    root, report = back(FIXTURES / "images-project-subsets", tmp_path)
    assert b"user@example.com" not in ElementTree.tostring(root)
    assert "PERSONAL_DATA" in {note["code"] for note in report["notes"]}


def lost(report: dict[str, Any]) -> dict[str, str]:
    return {loss["label"]: loss["code"] for loss in report["losses"]}


def test_elements_and_attributes_that_nothing_reads_are_counted(tmp_path: Path) -> None:
    text = IMAGES.replace(
        'mood="good"/>', 'mood="good"><attribute name="side" by="me">left</attribute><extra>x</extra></box>'
    )
    text = text.replace("<version>1.1</version>", '<version build="3">1.1</version>').replace("<meta>", '<meta at="0">')
    _, report = back(given(tmp_path, text), tmp_path)
    assert lost(report) == dict.fromkeys(
        ("annotation.attribute.by", "annotation.extra", "file.meta.at", "file.version.build"), "UNKNOWN_ELEMENT"
    )


VIDEO = """<annotations><version>1.1</version><meta><task><id>1</id><name>v</name><size>10</size>
<mode>interpolation</mode><labels><label><name>car</name><attributes></attributes></label></labels><original_size>
<width>100</width><height>80</height></original_size><source>v.mp4</source></task></meta>
<track id="0" label="car" source="manual" task_id="1" subset="Train">
<box frame="0" keyframe="1" outside="0" occluded="0" xtl="1" ytl="2" xbr="30" ybr="40" z_order="0"/>
<box frame="1" keyframe="1" outside="1" occluded="0" xtl="1" ytl="2" xbr="30" ybr="40" z_order="0"/>
</track></annotations>"""


def test_the_task_and_subset_of_a_track_come_back(tmp_path: Path) -> None:
    root, report = back(given(tmp_path, VIDEO), tmp_path)
    [track] = root.findall("track")
    assert (track.attrib["task_id"], track.attrib["subset"]) == ("1", "Train")
    assert report["losses"] == []
    counted = lost(converted(given(tmp_path, VIDEO), tmp_path / "coco", "coco"))
    assert counted["annotation.track.task_id"] == "NATIVE_DROPPED"


def test_flags_of_a_track_that_are_neither_0_nor_1_are_counted(tmp_path: Path) -> None:
    text = VIDEO.replace('frame="0" keyframe="1" outside="0"', 'frame="0" keyframe="yes" outside="no"')
    _, report = back(given(tmp_path, text), tmp_path)
    assert lost(report) == dict.fromkeys(("annotation.outside", "annotation.keyframe"), "UNKNOWN_ELEMENT")


OLD_SKELETON = """<annotations><version>1.1</version><meta><task><id>1</id><name>v</name><size>4</size>
<mode>interpolation</mode><labels><label><name>body</name><attributes></attributes><svg>&lt;circle cx="1" cy="1"
data-node-id="1" data-label-name="head"&gt;&lt;/circle&gt;</svg></label></labels><original_size><width>100</width>
<height>80</height></original_size><source>v.mp4</source></task></meta>
<track id="0" label="body" source="manual"><skeleton frame="0" keyframe="1" z_order="0"></skeleton>
<track id="1" label="head" source="auto" mood="good">
<points frame="0" keyframe="1" outside="0" occluded="0" points="5.00,6.00"/></track></track></annotations>"""


def test_what_tracks_in_the_track_of_an_old_skeleton_say_of_themselves_is_counted(tmp_path: Path) -> None:
    _, report = back(given(tmp_path, OLD_SKELETON), tmp_path)
    told = {loss["label"]: loss["code"] for loss in report["losses"] if loss["code"] == "UNKNOWN_ELEMENT"}
    assert told == dict.fromkeys(("annotation.track.mood", "annotation.track.source"), "UNKNOWN_ELEMENT")
