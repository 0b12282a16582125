"""CVAT for video: tracks, gaps, frame numbers, interpolation, and what each listed shape counts for."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cvat import FISH, Loaded, attribute, cuboid, document, image, image_bytes, label, point, put, shape

from encord_convert import ReadError, Report, read
from encord_convert.formats._files import MemorySource, source_at
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.visibility import drawn_box
from encord_convert.losses.narrow import predict
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ObjectInstance, Shape

FIXTURES = Path(__file__).parents[2] / "fixtures" / "cvat"
SIZE = "<original_size><width>100</width><height>100</height></original_size>"


def video(
    *tracks: str,
    size: int = 10,
    start: int = 0,
    stop: int | None = None,
    step: int = 1,
    labels: str = label("a"),
    more: str = SIZE + "<source>v.mp4</source>",
) -> bytes:
    """Return a document of one task whose images are 100 x 100."""
    end = start + step * (size - 1) if stop is None else stop
    filter_ = f"step={step}" if step > 1 else ""
    task = (
        f"<task><id>7</id><name>bay</name><size>{size}</size><mode>interpolation</mode><start_frame>{start}</start_frame>"
        f"<stop_frame>{end}</stop_frame><frame_filter>{filter_}</frame_filter><labels>{labels}</labels>{more}</task>"
    )
    return document(*tracks, meta=task)


def track(*shapes: str, label_: str = "a", **more: object) -> str:
    given = "".join(f' {name}="{value}"' for name, value in {"id": 0, "label": label_, **more}.items())
    return f"<track{given}>{''.join(shapes)}</track>"


def tracked(
    frame: int, tag: str = "box", outside: int = 0, key: int = 1, answers: Any = None, inner: str = "", **more: Any
) -> str:
    text = shape(tag, "", answers, inner, frame=frame, keyframe=key, outside=outside, **more)
    return text.replace(' label=""', "", 1)


def at(frame: int, x: float = 0, **more: Any) -> str:
    """Return a box of 10 x 10 pixels at x, 0."""
    return tracked(frame, xtl=x, ytl=0, xbr=x + 10, ybr=10, **more)


def xs(instance: ObjectInstance) -> dict[int, float]:
    """Return the left side of a box in pixels, by frame."""
    return {frame: round(data.coordinates.top_left_x * 100, 9) for frame, data in sorted(instance._frames.items())}


def runs(instance: ObjectInstance) -> dict[str, list[tuple[Any, list[tuple[int, int]]]]]:
    """Return the dynamic answers by attribute: label of the option, or text, and the runs of frames."""
    found: dict[str, list[tuple[Any, list[tuple[int, int]]]]] = {}
    for attribute_, value, ranges in instance._dynamic_runs():
        shown = [o.label for o in value] if isinstance(value, tuple) else getattr(value, "label", value)
        found.setdefault(attribute_.name, []).append((shown, [tuple(run) for run in ranges]))
    return found


def manual(instance: ObjectInstance) -> list[int]:
    return [
        frame for frame, data in sorted(instance._frames.items()) if data.object_frame_instance_info.manual_annotation
    ]


# -- tracks -------------------------------------------------------------------------------------------------------


def test_a_track_of_two_kinds_of_shapes_is_counted_once() -> None:
    polygon = '<polygon frame="5" keyframe="1" outside="0" occluded="0" points="1,1;9,1;9,9" z_order="0"/>'
    loaded = Loaded(video(track(at(0, 1), at(1, 2, outside=1), polygon)))
    assert len(loaded.instances) == 2
    report = Report()
    predict(report, loaded.labels, Carries(frozenset({Shape.BOUNDING_BOX}), frozenset(DataType), frozenset()))
    assert report.counts()["track"] == {"in": 1, "kept": 0, "changed": 0, "dropped": 1}


def test_a_frame_beyond_what_a_label_row_can_have_is_told() -> None:
    loaded = Loaded(video(track(at(0, 1), at(1 << 32, 2, outside=1))))
    assert loaded.loss("INVALID_GEOMETRY").detail == "frame='4294967296' is no frame of the video."
    assert max(xs(loaded.only)) < loaded.rows[0].number_of_frames == 10


@pytest.mark.proves(
    "labels: 18",
    "cvat containers: video task",
    "cvat annotations: track",
    "cvat annotations: outside gaps",
    "cvat annotations: keyframe",
)
def test_a_track_is_one_object_on_its_frames_and_absent_from_its_gap() -> None:
    loaded = Loaded(
        video(track(at(0, 1), at(1, 2, key=0), at(2, 90, outside=1), at(5, 4), at(6, 5, key=0), at(7, 9, outside=1)))
    )
    [row] = loaded.rows
    assert (row.data_type.value, row.data_title, row.number_of_frames, row.width, row.height) == (
        "video",
        "v.mp4",
        10,
        100,
        100,
    )
    assert xs(loaded.only) == {0: 1, 1: 2, 5: 4, 6: 5}
    assert manual(loaded.only) == [0, 5]
    assert loaded.only.is_valid() is None
    assert [(loss.code, loss.label, loss.count) for loss in loaded.report.losses()] == [
        ("NATIVE_DROPPED", "annotation.keyframe", 2), ("NATIVE_DROPPED", "annotation.outside", 10)
    ]  # fmt: skip
    assert loaded.report.counts() == {
        name: {"in": n, "kept": n, "changed": 0, "dropped": 0} for name, n in (("box", 6), ("track", 1))
    }


@pytest.mark.proves("cvat annotations: keyframe")
def test_all_frames_of_a_hand_made_track_are_by_hand_if_asked_for() -> None:
    text = video(track(at(0, 1), at(1, 2, key=0), at(2, outside=1)))
    assert manual(Loaded(text, keyframes_manual=False).only) == [0, 1]
    assert manual(Loaded(text.replace(b"<track ", b'<track source="auto" '), keyframes_manual=False).only) == []


@pytest.mark.proves("cvat annotations: single-frame track")
def test_a_single_shape_is_on_one_frame() -> None:
    assert xs(Loaded(video(track(at(3, 1), at(4, 1, outside=1)))).only) == {3: 1}


def test_a_shape_on_the_last_frame_needs_no_end() -> None:
    assert xs(Loaded(video(track(at(9, 1)))).only) == {9: 1}


@pytest.mark.proves("labels: 19", "cvat codes: TRACK_EXTENDED")
def test_a_track_without_an_end_goes_on_to_the_last_frame() -> None:
    loaded = Loaded(video(track(at(6, 1), at(7, 2))))
    assert xs(loaded.only) == {6: 1, 7: 2, 8: 2, 9: 2}
    assert manual(loaded.only) == [6, 7]
    assert {note.code: note.count for note in loaded.report.notes()}["TRACK_EXTENDED"] == 2
    unknown = Loaded(
        video(track(at(6, 1), at(7, 2))).replace(b"<size>10</size>", b"").replace(b"<stop_frame>9</stop_frame>", b"")
    )
    assert xs(unknown.only) == {6: 1, 7: 2}
    assert unknown.rows[0].number_of_frames == 8


def test_missing_marks_mean_a_visible_keyframe() -> None:
    text = video(track(at(0, 1), at(2, 3))).replace(b' keyframe="1"', b"").replace(b' outside="0"', b"")
    assert manual(Loaded(text).only) == [0, 2]


def test_shapes_are_taken_in_the_order_of_frames() -> None:
    assert xs(Loaded(video(track(at(2, 3), at(3, outside=1), at(0, 1), at(1, 2)))).only) == {0: 1, 1: 2, 2: 3}


def test_a_frame_listed_twice_is_read_once() -> None:
    loaded = Loaded(video(track(at(8, 1), at(8, 2), at(9, 3))))
    assert xs(loaded.only) == {8: 2, 9: 3}
    assert loaded.loss("INVALID_GEOMETRY").count == 1


@pytest.mark.proves("cvat codes: EMPTY_TRACK")
def test_a_track_that_is_never_visible_is_dropped_with_all_it_holds() -> None:
    loaded = Loaded(
        video(
            track(at(0, outside=1, answers={"n": "1"}), at(3, outside=1)),
            labels=label("a", "any", attribute("n", "text")),
        )
    )
    assert loaded.instances == []
    counts = loaded.report.counts()
    assert [counts[name]["dropped"] for name in ("track", "box", "answer")] == [1, 2, 1]
    assert {str(note.level) for note in loaded.report.notes() if note.code == "EMPTY_TRACK"} == {"warning"}


def test_a_shape_of_a_track_that_is_none_is_dropped_alone() -> None:
    loaded = Loaded(video(track(at(7, 1), tracked(8, xtl="nan", ytl=0, xbr=1, ybr=1), at(9, 3))))
    assert xs(loaded.only) == {7: 1, 8: 2, 9: 3}
    assert manual(loaded.only) == [7, 9]
    assert loaded.loss("INVALID_GEOMETRY").count == 1


def test_a_shape_on_no_frame_is_dropped() -> None:
    loaded = Loaded(
        video(track(at(9, 1), at(5).replace('frame="5"', 'frame="x"'), at(5).replace('frame="5"', 'frame="-5"')))
    )
    assert loaded.loss("INVALID_GEOMETRY").count == 2


def test_a_video_without_tracks_is_a_row() -> None:
    [row] = Loaded(video()).rows
    assert (row.data_title, row.number_of_frames) == ("v.mp4", 10)
    assert Loaded(document(meta="<task><mode>annotation</mode></task>")).rows == []


@pytest.mark.proves("labels: 23")
def test_the_size_and_name_of_the_video_may_stand_beside_the_task() -> None:
    old = video(track(at(9)), more="").replace(b"</task>", f"</task>{SIZE}<source>old.avi</source>".encode())
    [row] = Loaded(old).rows
    assert (row.width, row.height, row.data_title) == (100, 100, "old.avi")


@pytest.mark.proves("labels: 23", "cvat containers: job")
def test_a_job_is_read_as_the_frames_of_its_segment() -> None:
    job = video(track(at(4, 1), at(5, 2)), start=4, size=3, more="")
    job = (
        job.replace(b"<task>", b"<job>").replace(b"</task>", f"</job>{SIZE}".encode()).replace(b"<name>bay</name>", b"")
    )
    loaded = Loaded(job)
    assert xs(loaded.only) == {4: 1, 5: 2, 6: 2}
    assert (loaded.rows[0].data_title, loaded.rows[0].number_of_frames) == ("job 7", 7)


def test_a_video_of_unknown_size_is_refused_or_measured(tmp_path: Path) -> None:
    text = video(track(at(3)), more="")
    with pytest.raises(ReadError, match=r"the size of the video is not known.*-r size=WIDTHxHEIGHT"):
        list(read(MemorySource({"a.xml": text}), "cvat"))
    assert Loaded(text, size="50x40").rows[0].width == 50
    folder = put(tmp_path, {"annotations.xml": text, "images/frame_000003.PNG": image_bytes(64, 48)})
    assert Loaded(source_at(folder)).rows[0].height == 48


# -- answers ------------------------------------------------------------------------------------------------------

STATE = label(
    "a", "any", attribute("state", "select", "sail\nmoor\n__undefined__", mutable=True), attribute("hull", "text")
)


@pytest.mark.proves("labels: 14", "cvat ontology: mutable", "cvat annotations: track")
def test_mutable_answers_follow_the_frames_and_the_others_hold_for_all() -> None:
    given = [(0, "sail"), (1, "sail"), (2, "moor"), (3, "sail")]
    shapes = [at(frame, answers={"state": state, "hull": "H7"}) for frame, state in given]
    loaded = Loaded(video(track(*shapes, at(4, outside=1, answers={"state": "moor", "hull": "x"})), labels=STATE))
    assert runs(loaded.only) == {"state": [("sail", [(0, 1), (3, 3)]), ("moor", [(2, 2)])]}
    assert [(a.name, value) for a, value in loaded.only._static_answers()] == [("hull", "H7")]
    assert loaded.report.counts()["answer"] == {"in": 10, "kept": 10, "changed": 0, "dropped": 0}


@pytest.mark.proves("labels: 14")
def test_a_mutable_answer_left_out_is_that_of_the_frame_before() -> None:
    loaded = Loaded(
        video(
            track(at(6, answers={"state": "moor"}), at(7), at(8, answers={"state": "__undefined__"}), at(9)),
            labels=STATE,
        )
    )
    assert runs(loaded.only) == {"state": [("moor", [(6, 7)])]}


@pytest.mark.proves("labels: 13", "cvat ontology: number")
def test_numbers_of_a_track_follow_the_frames_as_numbers_if_asked_for() -> None:
    labels = label("a", "any", attribute("speed", "number", "0\n99\n1", mutable=True))
    shapes = [at(6 + n, answers={"speed": text}) for n, text in enumerate(("3", "3.0", "4.5", "4.5"))]
    loaded = Loaded(video(track(*shapes), labels=labels), numbers="numeric")
    assert runs(loaded.only) == {"speed": [(3, [(6, 7)]), (4.5, [(8, 9)])]}
    assert loaded.report.is_lossless


@pytest.mark.proves("cvat annotations: outside gaps")
def test_answers_stop_at_gaps() -> None:
    shapes = [at(0, answers={"state": "sail"}), at(1, outside=1), at(3, answers={"state": "sail"}), at(4, outside=1)]
    loaded = Loaded(video(track(*shapes), labels=STATE))
    assert runs(loaded.only) == {"state": [("sail", [(0, 0), (3, 3)])]}
    loaded.only.is_valid()


@pytest.mark.proves("cvat annotations: immutable with several values", "cvat codes: IMMUTABLE_CONFLICT")
def test_of_several_immutable_answers_the_most_frequent_counts() -> None:
    loaded = Loaded(video(track(*(at(7 + n, answers={"hull": text}) for n, text in enumerate("xyy"))), labels=STATE))
    assert [value for _, value in loaded.only._static_answers()] == ["y"]
    loss = loaded.loss("IMMUTABLE_CONFLICT")
    assert (loss.type, str(loss.kind), loss.count) == ("answer", "dropped", 1)


def test_an_undeclared_attribute_of_a_track_may_change() -> None:
    loaded = Loaded(video(track(*(at(8 + n, answers={"q": text}) for n, text in enumerate("xy")))))
    assert runs(loaded.only) == {"q": [("x", [(8, 8)]), ("y", [(9, 9)])]}


@pytest.mark.proves("cvat annotations: occluded")
def test_occlusion_follows_the_frames() -> None:
    loaded = Loaded(video(track(at(6, occluded=1), at(7, occluded=1), at(8, occluded=0), at(9))))
    assert runs(loaded.only) == {"occluded": [(["occluded"], [(6, 7)])]}
    assert loaded.report.counts()["occluded"] == {"in": 2, "kept": 2, "changed": 0, "dropped": 0}


@pytest.mark.proves("cvat annotations: source", "cvat annotations: group_id")
def test_groups_and_sources_of_tracks() -> None:
    text = video(track(at(8), at(9), group_id=3, source="semi-auto"), track(at(9), source="auto"))
    loaded = Loaded(text)
    assert loaded.loss("GROUP_DROPPED").count == 1
    assert loaded.report.counts()["source"] == {"in": 3, "kept": 1, "changed": 2, "dropped": 0}
    kept = Loaded(text, group_id=True)
    assert [[value for _, value in i._static_answers()] for i in kept.instances] == [["3"], []]


# -- frames -------------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 21", "cvat containers: video task", "cvat codes: FRAME_STEP")
def test_frames_are_those_of_the_source_unless_relative_ones_are_asked_for() -> None:
    text = video(track(at(10, 1), at(15, 2, key=0), at(20, 3, outside=1)), start=10, step=5, size=4, stop=27)
    loaded = Loaded(text)
    assert xs(loaded.only) == {10: 1, 15: 2}
    assert loaded.rows[0].number_of_frames == 28
    assert {str(note.level) for note in loaded.report.notes() if note.code == "FRAME_STEP"} == {"warning"}
    relative = Loaded(text, frame_mapping="relative")
    assert xs(relative.only) == {0: 1, 1: 2}
    assert relative.rows[0].number_of_frames == 4


def test_answers_on_a_grid_of_frames_stay_on_it() -> None:
    shapes = [at(frame, answers={"state": "sail"}) for frame in (0, 2, 4)]
    loaded = Loaded(video(track(*shapes, at(6, outside=1)), step=2, size=5, labels=STATE))
    assert runs(loaded.only) == {"state": [("sail", [(0, 0), (2, 2), (4, 4)])]}
    loaded.only.is_valid()


def project_of_videos(*tracks: str) -> bytes:
    def task(id_: int, subset: str, size: int, start: int, step: int, side: int) -> str:
        original = (
            f"<original_size><width>{side}</width><height>{side}</height></original_size><source>{id_}.mp4</source>"
        )
        return (
            f"<task><id>{id_}</id><name>t{id_}</name><size>{size}</size><mode>interpolation</mode><subset>{subset}</subset>"
            f"<start_frame>{start}</start_frame><stop_frame>{start + step * (size - 1)}</stop_frame>"
            f"<frame_filter>step={step}</frame_filter>{original}</task>"
        )

    tasks = task(12, "Train", 5, 0, 1, 200) + task(3, "Train", 4, 10, 5, 100) + task(5, "Val", 3, 0, 1, 50)
    return document(
        *tracks, meta=f"<project><id>1</id><name>p</name><tasks>{tasks}</tasks><labels>{label('a')}</labels></project>"
    )


@pytest.mark.proves("labels: 22", "cvat containers: project")
def test_what_a_project_adds_to_the_frames_of_a_task_is_taken_off() -> None:
    # Task 12 comes after task 3 in their subset, and so 10 + 5 * 4 frames later; the count begins again in each subset.
    body = [
        track(at(10, 1), at(15, outside=1), task_id=3, subset="Train"),
        track(at(30, 4), at(31, outside=1), task_id=12, subset="Train"),
        track(at(2, 5), task_id=5, subset="Val"), track(at(34, 6), task_id=12, subset="Train"),
    ]  # fmt: skip
    loaded = Loaded(project_of_videos(*body))
    assert [(row.data_title, row.width, row.number_of_frames) for row in loaded.rows] == [
        ("Train/3.mp4", 100, 26),
        ("Val/5.mp4", 50, 3),
        ("Train/12.mp4", 200, 5),
    ]
    frames = {row.data_title: sorted(f for i in row.get_object_instances() for f in i._frames) for row in loaded.rows}
    assert frames == {"Train/3.mp4": [10], "Val/5.mp4": [2], "Train/12.mp4": [0, 4]}
    assert [row.client_metadata for row in loaded.rows] == [
        {"split": "Train"},
        {"split": "Val"},
        {"split": "Train"},
    ]


def test_a_project_whose_frames_are_not_shifted_is_read_as_it_is() -> None:
    loaded = Loaded(project_of_videos(track(at(0, 4), at(1, outside=1), task_id=12, subset="Train")))
    row = next(row for row in loaded.rows if row.data_title.endswith("12.mp4"))
    assert [sorted(i._frames) for i in row.get_object_instances()] == [[0]]
    assert len(loaded.rows) == 3


# -- interpolation ------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 20", "cvat codes: INTERPOLATED")
def test_boxes_move_and_turn_along_the_shorter_arc() -> None:
    loaded = Loaded(video(track(at(0, 0, rotation=350), at(4, 8, rotation=10), at(9, 8, outside=1))))
    assert xs(loaded.only) == {frame: min(2 * frame, 8) for frame in range(9)}
    assert [loaded.only._frames[frame].coordinates.theta for frame in range(5)] == pytest.approx([350, 355, 0, 5, 10])
    assert manual(loaded.only) == [0, 4]
    assert {note.code: note.count for note in loaded.report.notes()}["INTERPOLATED"] == 7


def test_the_way_leads_to_where_the_absent_shape_would_be() -> None:
    assert xs(Loaded(video(track(at(0, 0), at(5, 10, outside=1)))).only) == {0: 0, 1: 2, 2: 4, 3: 6, 4: 8}


@pytest.mark.proves("labels: 26")
def test_gaps_in_a_file_that_lists_all_frames_are_deleted_frames() -> None:
    other = track(at(0), at(1, key=0), at(2, outside=1))
    loaded = Loaded(video(track(at(0, 1), at(1, 2, key=0), at(4, 3, key=0), at(5, 3, outside=1)), other))
    assert xs(loaded.instances[0]) == {0: 1, 1: 2, 4: 3}


@pytest.mark.proves("labels: 20")
def test_one_point_moves_and_several_hold() -> None:
    one = track(tracked(0, "points", points="0,0"), tracked(4, "points", points="8,4", outside=1))
    two = track(tracked(0, "points", points="0,0;1,1"), tracked(4, "points", points="8,4;9,9", outside=1))
    first, *others = Loaded(video(one, two)).instances
    assert [(round(d.coordinates.x * 100), round(d.coordinates.y * 100)) for d in first._frames.values()] == [
        (0, 0),
        (2, 1),
        (4, 2),
        (6, 3),
    ]
    assert [
        [(round(d.coordinates.x * 100), round(d.coordinates.y * 100)) for d in i._frames.values()] for i in others
    ] == [[(0, 0)] * 4, [(1, 1)] * 4]


@pytest.mark.proves("labels: 20")
def test_polygons_move_vertex_by_vertex() -> None:
    shapes = (
        tracked(0, "polygon", points="0,0;10,0;10,10;0,10"),
        tracked(2, "polygon", points="20,0;30,0;30,10;20,10", outside=1),
    )
    middle = Loaded(video(track(*shapes))).only._frames[1].coordinates
    assert np.allclose([(p.x * 100, p.y * 100) for p in middle.values], [(10, 0), (20, 0), (20, 10), (10, 10)])


@pytest.mark.proves("labels: 10", "cvat annotations: cuboid")
@pytest.mark.parametrize("last", [0.0, 9.0])
def test_cuboids_move_between_keyframes(last: float) -> None:
    def at_frame(frame: int, x: float, bent: float = 0.0, **more: Any) -> str:
        front = [(x, 20), (x, 40), (x + 20, 20), (x + 20, 40)]
        back = [(x + 5, 15), (x + 5, 35), (x + 25 + bent, 15), (x + 25, 35 + bent)]
        return cuboid(front, back, frame=frame, keyframe=1, **more).replace(' label="a"', "", 1)

    shapes = (at_frame(0, 10), at_frame(2, 30, last), at_frame(3, 30, outside=1))
    [instance] = Loaded(video(track(*shapes))).instances
    assert (instance.ontology_item.shape.value, sorted(instance._frames)) == ("cuboid_2d", [0, 1, 2])
    middle = instance._frames[1].coordinates
    assert middle._front[:2] == pytest.approx([0.2, 0.2])  # type: ignore[union-attr]
    assert middle._back[2:6] == pytest.approx([(45 + last / 2) / 100, 0.15, 0.45, (35 + last / 2) / 100])  # type: ignore[union-attr]


@pytest.mark.proves("labels: 20", "cvat codes: MASK_TRACK_HELD")
def test_masks_hold_until_the_next() -> None:
    first = tracked(0, "mask", rle="0, 4", left=1, top=1, width=2, height=2)
    last = tracked(3, "mask", rle="0, 4", left=9, top=9, width=2, height=2, outside=1)
    loaded = Loaded(video(track(first, last), track(at(8), at(9, key=0))))
    mask = next(i for i in loaded.instances if i.ontology_item.shape.value == "bitmask")
    assert [np.argwhere(mask._frames[f].coordinates.to_numpy_array()).min(0).tolist() for f in range(3)] == [[1, 1]] * 3
    assert {note.code: note.count for note in loaded.report.notes()}["MASK_TRACK_HELD"] == 2


def test_answers_hold_between_keyframes() -> None:
    loaded = Loaded(
        video(
            track(at(0, occluded=1, answers={"state": "sail"}), at(3, answers={"state": "moor"}), at(5, outside=1)),
            labels=STATE,
        )
    )
    assert runs(loaded.only) == {
        "state": [("sail", [(0, 2)]), ("moor", [(3, 4)])],
        "occluded": [(["occluded"], [(0, 2)])],
    }


# -- skeletons ----------------------------------------------------------------------------------------------------


def pose(frame: int, x: float, key: int = 1, outside: int = 0, **more: Any) -> str:
    inner = "".join(
        point(name, x, y, keyframe=key, outside=outside) for y, name in enumerate(("head", "left", "right"))
    )
    return shape("skeleton", "", None, inner, frame=frame, keyframe=key, **more).replace(' label=""', "", 1)


def places(instance: ObjectInstance) -> dict[int, list[tuple[float, float, str]]]:
    return {
        frame: [(round(p.x * 100, 6), round(p.y * 100, 6), p.visibility.name) for p in data.coordinates.values]
        for frame, data in sorted(instance._frames.items())
    }


def test_a_skeleton_is_absent_where_all_its_points_are() -> None:
    loaded = Loaded(video(track(pose(2, 5), pose(3, 6, key=0), pose(4, 7, outside=1), label_="fish"), labels=FISH))
    assert list(places(loaded.only)) == [2, 3]
    assert loaded.report.counts()["skeleton"] == {"in": 3, "kept": 3, "changed": 0, "dropped": 0}


def test_each_point_of_a_skeleton_moves_on_its_own() -> None:
    hidden = pose(4, 20).replace(
        'label="right" points="20,2" keyframe="1" outside="0"', 'label="right" points="8,8" outside="1"'
    )
    loaded = Loaded(video(track(pose(0, 0), hidden, pose(5, 0, outside=1), label_="fish"), labels=FISH))
    found = places(loaded.only)
    assert found[2] == [(10, 0, "VISIBLE"), (10, 1, "VISIBLE"), (4, 5, "VISIBLE")]
    assert found[4][2] == (0, 0, "INVISIBLE")


def test_nested_tracks_of_old_skeletons_win_over_the_list_of_points() -> None:
    def nested(name: str, *shapes: str) -> str:
        return track(*shapes, label_=name)

    inner = (
        nested("head", tracked(0, "points", points="1,1"), tracked(4, "points", points="5,1")),
        nested("left", tracked(0, "points", points="2,2", occluded=1), tracked(2, "points", points="2,4", outside=1)),
    )
    outer = tracked(0, "skeleton", points="9,9;9,9;9,9", answers={"y": "1"}) + tracked(
        4, "skeleton", points="9,9;9,9;9,9"
    )
    loaded = Loaded(MemorySource({"a.xml": video(track(outer, *inner, label_="fish"), size=5, labels=FISH)}))
    assert places(loaded.only) == {
        0: [(1, 1, "VISIBLE"), (2, 2, "OCCLUDED"), (0, 0, "INVISIBLE")],
        1: [(2, 1, "VISIBLE"), (2, 3, "OCCLUDED"), (0, 0, "INVISIBLE")],
        2: [(3, 1, "VISIBLE"), (0, 0, "INVISIBLE"), (0, 0, "INVISIBLE")],
        3: [(4, 1, "VISIBLE"), (0, 0, "INVISIBLE"), (0, 0, "INVISIBLE")],
        4: [(5, 1, "VISIBLE"), (0, 0, "INVISIBLE"), (0, 0, "INVISIBLE")],
    }
    assert loaded.report.counts()["skeleton"]["in"] == 2


# -- accounts -----------------------------------------------------------------------------------------------------


def dropped(loaded: Loaded) -> Report:
    """Return the account of an exporter that writes nothing at all."""
    report = Report()
    for row in report.rows(loaded.labels):
        for instance in row.get_object_instances():
            for frame in instance._frames:
                report.drop(instance, frame, "NO", Feature.SHAPE, "")
    return report


def test_every_listed_shape_is_dropped_once_with_its_track() -> None:
    oval = {"cx": 5, "cy": 5, "rx": 2, "ry": 2}
    body = [
        track(
            at(0, outside=1), at(1, 1, answers={"hull": "x"}), at(2, 2, key=0, occluded=1), at(3, outside=1), at(8, 3)
        ),
        track(tracked(0, "ellipse", **oval), tracked(3, "ellipse", outside=1, **oval), source="auto"),
    ]  # fmt: skip
    loaded = Loaded(video(*body, labels=STATE))
    counts = dropped(loaded).counts()
    assert {name: (row["in"], row["dropped"], row["kept"]) for name, row in counts.items()} == {
        "answer": (1, 1, 0), "box": (5, 5, 0), "ellipse": (2, 2, 0), "occluded": (1, 1, 0), "source": (2, 2, 0),
        "track": (2, 2, 0),
    }  # fmt: skip


def test_no_split_object_counts_for_the_shape_again() -> None:
    text = video(track(tracked(8, "points", points="1,1;2,2;3,3"), tracked(9, "points", points="1,1;2,2")))
    loaded = Loaded(text)
    assert [sorted(instance._frames) for instance in loaded.instances] == [[8, 9], [8, 9], [8]]
    for row in (
        dropped(loaded).counts()["points"],
        dropped(Loaded(document(image(shape("points", points="1,1;2,2"))))).counts()["points"],
    ):
        assert row["in"] == row["changed"] + row["dropped"] and min(row.values()) >= 0


@pytest.mark.parametrize("name", ["authored-video-modern-tracks", "video-task-frame-step", "video-boxes-minimal"])
def test_dropping_all_of_a_fixture_leaves_nothing_kept(name: str) -> None:
    [xml] = (FIXTURES / name).glob("*.xml")
    for row in dropped(Loaded(xml.read_bytes())).counts().values():
        assert min(row.values()) >= 0
        assert row["kept"] == 0


# -- the authored files -------------------------------------------------------------------------------------------


def expected(name: str) -> Any:
    return json.loads((FIXTURES / name / "expected.json").read_text())


def test_the_authored_tracks_are_as_said_by_hand() -> None:
    said = expected("authored-video-modern-tracks")
    loaded = Loaded((FIXTURES / "authored-video-modern-tracks" / "annotations.xml").read_bytes())
    by_name = {instance.object_name: instance for instance in loaded.instances}
    for name in ("boat", "fish", "oil"):
        assert sorted(by_name[name]._frames) == said[name]["frames"]
    assert {f for i in loaded.instances for f in i._frames} <= set(said["source_frames"])
    boat = by_name["boat"]
    states = {str(f): boat._dynamic_answers_at(f)[0][1].label for f in boat._frames}
    assert states == said["boat"]["state"]
    assert [value for _, value in boat._static_answers()] == [said["boat"]["hull"]]
    relative = Loaded(
        (FIXTURES / "authored-video-modern-tracks" / "annotations.xml").read_bytes(), frame_mapping="relative"
    )
    assert sorted(relative.named("fish")[0]._frames) == [1, 2, 3]


def test_the_authored_shapes_are_as_said_by_hand() -> None:
    said = expected("authored-images-modern-shapes")
    loaded = Loaded((FIXTURES / "authored-images-modern-shapes" / "annotations.xml").read_bytes())
    drawn = {(instance.object_name, instance.ontology_item.shape.value): instance for instance in loaded.instances}
    boat = drawn["boat", "rotatable_bounding_box"]
    rotated = boat._frames[0].coordinates
    assert said["rotated_box"] == {
        "x": rotated.top_left_x, "y": rotated.top_left_y, "w": rotated.width, "h": rotated.height,
        "theta": rotated.theta,
    }  # fmt: skip
    ellipse, cuboid = (drawn["boat", kind]._frames[0].coordinates for kind in ("ellipse", "cuboid_2d"))
    assert np.allclose(drawn_box(ellipse, 320, 240, 1e-5), said["ellipse_bounds_pixels"])
    mask = drawn["boat", "bitmask"]._frames[0].coordinates.to_numpy_array()
    assert np.argwhere(mask).tolist() == said["mask_pixels_row_col"]
    points = drawn["fish", "skeleton"]._frames[0].coordinates.values
    skeleton = [[p.name, p.x, p.y, p.visibility.name.lower()] for p in points]
    assert skeleton == said["skeleton"]
    given = {a.name: v for a, v in (*boat._static_answers(), *boat._dynamic_answers_at(0))}
    assert given["flag"].label == said["answers"]["flag"]
    assert bool(given["lit"]) == said["answers"]["lit"]
    # The hub's model has no number attribute; the text is the number as written.
    assert (given["len"], given["note"]) == (str(said["answers"]["len"]), said["answers"]["note"])
    [scene] = loaded.rows[0].get_classification_instances()
    name, below = said["classification"]
    assert {a.name: v.label for a, v in scene._static_answers()} == {name: name, **below}
    assert [len(face) for face in (cuboid._front, cuboid._back)] == [8, 8]
    assert Counter(i.ontology_item.shape for i in loaded.instances)[Shape.POINT] == 2
