"""Kinds of CVAT files met in public: skeletons, tracks of single images, files far down, descriptions out of place."""

from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from PIL import Image
from test_sources import CASES, coco_of, notes_of, report_of

NOSE = '<points label="nose" outside="0" occluded="0" points="50,40"/>'


def keypoints_of(written: dict[str, Any]) -> dict[int, list[tuple[float, float, int]]]:
    """Return x, y and visibility of each point, by frame from 0."""
    frames = {image["id"]: image.get("frame_id", at) for at, image in enumerate(written["images"])}
    found = {}
    for annotation in written["annotations"]:
        flat = annotation["keypoints"]
        found[frames[annotation["image_id"]]] = list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
    return found


def test_points_of_a_skeleton_track_go_by_keyframes_of_their_own(tmp_path: Path) -> None:
    source = CASES / "cvat/skeleton-points-with-keyframes-of-their-own"
    found = keypoints_of(coco_of(source, tmp_path))
    assert {frame: points[0] for frame, points in found.items()} == {
        frame: (x, 10, 2) for frame, x in enumerate((10, 20, 30, 40, 40, 40))
    }
    assert {frame: points[1] for frame, points in found.items()} == {
        frame: (x, 20, 2) for frame, x in enumerate((10, 20, 30, 40, 50, 50))
    }
    notes = notes_of(report_of(source, tmp_path))
    assert "INVALID_GEOMETRY" not in notes
    assert notes["INTERPOLATED"]["count"] == 2


def test_a_point_that_is_absent_from_its_own_keyframe_on_stays_absent(tmp_path: Path) -> None:
    text = (CASES / "cvat/skeleton-points-with-keyframes-of-their-own/annotations.xml").read_text()
    text = text.replace('<points label="1" keyframe="1" outside="0" occluded="0" points="40,10">',
                        '<points label="1" keyframe="1" outside="1" occluded="0" points="40,10">')  # fmt: skip
    (tmp_path / "annotations.xml").write_text(text)
    found = keypoints_of(coco_of(tmp_path / "annotations.xml", tmp_path))
    assert [points[0][2] for _, points in sorted(found.items())] == [2, 2, 2, 0, 0, 0]
    assert [points[1][0] for _, points in sorted(found.items())] == [10, 20, 30, 40, 50, 50]


@pytest.mark.parametrize("name", ['hand "L"', '"L" hand', 'hand"', 'a "b" c="d"'])
def test_names_with_quotes_are_those_of_the_drawing(name: str, tmp_path: Path) -> None:
    source = CASES / "cvat/quote.xml"
    text = source.read_text()
    text = text.replace('hand "L"', name).replace("hand &quot;L&quot;", name.replace('"', "&quot;"))
    (tmp_path / "annotations.xml").write_text(text)
    written = coco_of(tmp_path / "annotations.xml", tmp_path)
    assert written["categories"][0]["keypoints"] == ["nose", name]
    assert written["annotations"][0]["keypoints"] == [50, 40, 2, 45, 60, 2]
    assert "INVALID_GEOMETRY" not in notes_of(report_of(tmp_path / "annotations.xml", tmp_path))


@pytest.mark.parametrize("option", ["group_images", "frames_as_video"])
def test_boxes_of_one_track_id_are_one_object_on_all_its_frames(option: str, tmp_path: Path) -> None:
    text = (CASES / "cvat/track-id.xml").read_text()
    if option == "frames_as_video":
        text = text.replace("<mode>annotation", "<mode>interpolation")
    (tmp_path / "annotations.xml").write_text(text)
    written = coco_of(tmp_path / "annotations.xml", tmp_path, "-r", f"{option}=yes")
    tracks = [annotation["attributes"]["track_id"] for annotation in written["annotations"]]
    assert len(tracks) == 2
    assert len(set(tracks)) == 1
    assert [annotation["bbox"][0] for annotation in written["annotations"]] == [10, 12]
    report = report_of(tmp_path / "annotations.xml", tmp_path, "-r", f"{option}=yes")
    assert report["counts"]["box"] == {"in": 2, "kept": 2, "changed": 0, "dropped": 0}


def test_two_boxes_of_one_track_id_on_one_image_stay_two(tmp_path: Path) -> None:
    text = (CASES / "cvat/track-id.xml").read_text()
    text = text.replace('<image id="1" name="frame_000001" width="100" height="100">', "").replace(
        "</image><box", "<box"
    )
    (tmp_path / "annotations.xml").write_text(text)
    assert len(coco_of(tmp_path / "annotations.xml", tmp_path, "-r", "group_images=yes")["annotations"]) == 2


def test_answers_that_differ_on_the_frames_of_a_track_id_are_all_kept(tmp_path: Path) -> None:
    text = (CASES / "cvat/track-id.xml").read_text()
    question = (
        "<attributes><attribute><name>colour</name><mutable>False</mutable><input_type>text</input_type>"
        "<default_value></default_value><values></values></attribute></attributes>"
    )
    text = text.replace("<attributes/>", question)
    for colour in ("red", "blue"):
        text = text.replace('track_id="9"/>', f'track_id="9"><attribute name="colour">{colour}</attribute></box>', 1)
    (tmp_path / "annotations.xml").write_text(text)
    written = coco_of(tmp_path / "annotations.xml", tmp_path, "-r", "group_images=yes")
    assert [one["attributes"]["colour"] for one in written["annotations"]] == ["red", "blue"]


def test_files_are_read_however_far_down_they_are(tmp_path: Path) -> None:
    source = CASES / "cvat/track-id.xml"
    (tmp_path / "far/a/b/c").mkdir(parents=True)
    (tmp_path / "far/a/b/c/annotations.xml").write_text(source.read_text())
    assert len(coco_of(tmp_path / "far", tmp_path)["images"]) == 2
    (tmp_path / "far/annotations.xml").write_text(source.read_text())
    assert len(coco_of(tmp_path / "far", tmp_path)["images"]) == 4


def test_a_file_far_down_does_not_say_of_what_format_a_folder_is(tmp_path: Path) -> None:
    (tmp_path / "mixed/a/b/c").mkdir(parents=True)
    (tmp_path / "mixed/a/b/c/annotations.xml").write_text((CASES / "cvat/track-id.xml").read_text())
    coco_of(CASES / "cvat/track-id.xml", tmp_path)
    (tmp_path / "written.json").rename(tmp_path / "mixed/instances.json")
    assert len(coco_of(tmp_path / "mixed", tmp_path)["images"]) == 2


@pytest.mark.parametrize("place", ["meta", "task/segments/segment", "second meta"])
def test_labels_are_read_wherever_they_stand(place: str, tmp_path: Path) -> None:
    labels = "<labels><label><name>spare</name><color>#010203</color><attributes/></label></labels>"
    text = (CASES / "cvat/track-id.xml").read_text()
    if place == "meta":
        text = text.replace("</meta>", f"{labels}</meta>")
    elif place == "second meta":
        text = text.replace("</meta>", f"</meta><meta>{labels}</meta>")
    else:
        text = text.replace("<frame_filter/>", f"<frame_filter/><segments><segment>{labels}</segment></segments>")
    (tmp_path / "annotations.xml").write_text(text)
    written = coco_of(tmp_path / "annotations.xml", tmp_path)
    assert [(one["name"], one.get("color")) for one in written["categories"]][1:] == [("spare", "#010203")]


@pytest.mark.parametrize("mapping", ["source", "relative"])
def test_a_task_that_leaves_frames_out_comes_back_as_that_task(mapping: str, tmp_path: Path) -> None:
    source = CASES / "cvat/frame-step/annotations.xml"
    report = report_of(source, tmp_path, "-r", f"frame_mapping={mapping}", to="cvat")
    assert report["losses"] == []
    root = etree.parse(tmp_path / "out/annotations.xml").getroot()
    task = root.find("meta/task")
    assert [task.findtext(name) for name in ("start_frame", "stop_frame", "frame_filter", "size")] == [
        "10", "19", "step=3", "4",
    ]  # fmt: skip
    given = etree.parse(source).getroot()
    assert [(box.get("frame"), box.get("outside"), float(box.get("xtl"))) for box in root.iter("box")] == [
        (box.get("frame"), box.get("outside"), float(box.get("xtl"))) for box in given.iter("box")
    ]


def test_a_later_start_alone_comes_back_and_is_counted_elsewhere(tmp_path: Path) -> None:
    text = (CASES / "cvat/frame-step/annotations.xml").read_text().replace("step=3", "").replace("<size>4", "<size>10")
    (tmp_path / "in.xml").write_text(text)
    report_of(tmp_path / "in.xml", tmp_path, to="cvat")
    written = (tmp_path / "out/annotations.xml").read_text()
    assert "<start_frame>10</start_frame>" in written
    assert "<frame_filter></frame_filter>" in written
    assert written.count('outside="1"') == 1
    losses = report_of(tmp_path / "in.xml", tmp_path, to="coco-results")["losses"]
    assert [one["label"] for one in losses if one["code"] == "NATIVE_DROPPED"] == ["image.size", "image.start_frame"]


def test_labels_between_the_frames_of_a_task_make_it_one_of_all_frames(tmp_path: Path) -> None:
    text = (CASES / "cvat/frame-step/annotations.xml").read_text().replace('frame="13"', 'frame="14"')
    (tmp_path / "in.xml").write_text(text)
    report = report_of(tmp_path / "in.xml", tmp_path, to="cvat")
    written = (tmp_path / "out/annotations.xml").read_text()
    assert "<start_frame>0</start_frame>" in written
    assert any("written as one of all frames" in note["detail"] for note in report["notes"])


@pytest.mark.parametrize("option", ["group_images", "frames_as_video"])
def test_what_is_odd_about_an_image_of_a_group_is_said_once(option: str, tmp_path: Path) -> None:
    text = (CASES / "cvat/track-id.xml").read_text().replace("<mode>annotation", "<mode>interpolation")
    (tmp_path / "annotations.xml").write_text(text.replace(' width="100" height="100"', ' lens="wide"'))
    (tmp_path / "images").mkdir()
    rotated = Image.Exif()
    rotated[0x0112] = 6
    for number in range(2):
        Image.new("RGB", (100, 100)).save(tmp_path / f"images/frame_{number:06d}.jpg", exif=rotated)
    report = report_of(tmp_path, tmp_path, "-r", f"{option}=yes")
    assert notes_of(report)["EXIF_ORIENTATION"]["count"] == 2
    assert [loss["count"] for loss in report["losses"] if loss["label"] == "frame.lens"] == [2]
