"""What is pushed is there, and comes back as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import fsspec
import pytest
from harness import Running
from PIL import Image
from pushes import FIXTURES, boxes, source_of, state_of, video
from random_labels import random_labels

import encord_convert
from encord_convert import Report, sync
from encord_convert.errors import ConflictError, ConvertError, OptionError, ReadError, StalePlanError
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.compare import diff
from encord_convert.sdk._project_client import EncordClientProject
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.sdk.orm.label_row import LabelStatus
from encord_convert.sync.limits import Limits, Load, shards_of
from encord_convert.sync.plan_file import read_plan

CASES = {
    "cvat/authored-images-modern-shapes": {},
    "cvat/authored-images-v1.0": {"size": "64x48"},
    "cvat/images-project-subsets": {},
    "cvat/images-skeleton-legacy-attrs": {},
    "cvat/images-task-minimal": {},
    "cvat/job-points": {},
    "cvat/project-skeleton-mixed": {},
    "coco/polygons": {},
}
"""Every sample of images, and what reading it needs."""
VIDEOS = ("cvat/authored-video-modern-tracks", "cvat/video-boxes-minimal", "cvat/video-task-frame-step")
"""Every sample of videos."""


def test_no_sample_is_forgotten() -> None:
    assert {one.name for one in (FIXTURES / "cvat").iterdir()} <= {case.partition("/")[2] for case in (*CASES, *VIDEOS)}


@pytest.mark.parametrize("seed", [0, 1, 7, 9, 13, 24, 31, 61, 105])
def test_a_set_drawn_by_chance_that_was_pushed_differs_in_nothing(server: Running, tmp_path: Path, seed: int) -> None:
    labels, client, source = random_labels(seed), server.user(), tmp_path / "src"
    rows = {row.data_title: row for row in labels if not row.data_title.startswith(".")}  # hidden files are not sent
    encord_convert.write(LabelSet(labels.ontology, list(rows.values())), source, "encord", report=Report())
    for row in rows.values():
        for number, unit in enumerate(row._units):
            path = source / "images" / unit.data_title.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if row.data_type is DataType.VIDEO:
                video(path, row.number_of_frames, 40, 30)
            else:
                Image.new("RGB", (40, 30), (number, 7, 3)).save(path, "PNG")
    plan = sync.plan(source, client, new_project="Pushed")
    outcome = sync.apply(plan, client, journal=tmp_path / "journal")
    assert (outcome.failures, outcome.written) == ([], len(rows))
    assert [str(one) for one in sync.verify(source, client, outcome.project_hash)] == []


@pytest.mark.parametrize("case", [*CASES, *VIDEOS])
def test_a_sample_that_was_pushed_differs_in_nothing(server: Running, tmp_path: Path, case: str) -> None:
    if case in VIDEOS:
        pytest.importorskip("av")
    options = CASES.get(case, {})
    source, client = source_of(case, tmp_path, **options), server.user()
    plan = sync.plan(source, client, new_project="Pushed", options=options)
    plan.write(tmp_path / "plan.json")
    outcome = sync.apply(tmp_path / "plan.json", client)
    labels = encord_convert.read(source, report=Report(), **options).held()
    assert (outcome.failures, plan.left, plan.problems) == ([], [], [])
    assert outcome.sent == outcome.written == len(list(labels)) > 0
    assert list(sync.verify(source, client, outcome.project_hash, options=options)) == []

    converted, pulled = Report(), Report()
    encord_convert.convert(source, tmp_path / "converted", to="coco", read_options=options, report=converted)
    sync.pull(outcome.project_hash, client, tmp_path / "pulled", "coco", report=pulled)
    one, other = (encord_convert.read(tmp_path / name, report=Report()) for name in ("converted", "pulled"))
    assert list(diff(one, other)) == []
    told = {loss.feature.value for loss in pulled.losses()} - {loss.feature.value for loss in converted.losses()}
    added = {"author", "answers", "dynamic_answers", "native", "nested_answers"}
    assert told <= added, "the service adds authors and client metadata, no other loss"
    keys = [{loss.label for loss in one.losses() if loss.feature.value == "native"} for one in (pulled, converted)]
    assert keys[0] - keys[1] <= {"image.client_metadata.coco"}


@pytest.mark.parametrize("case", [*CASES, "dicom/ct_series"])
def test_a_row_that_was_just_begun_is_saved_as_the_model_would_save_it(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    options = CASES.get(case, {})
    source, client = source_of(case, tmp_path, **options), server.user()
    save, saved = EncordClientProject.save_label_rows, []

    def watched(self: EncordClientProject, uids: list[str], payload: list[dict[str, Any]]) -> Any:
        [project] = client.get_projects()
        listed = client.get_project(project["project"].project_hash).list_label_rows_v2(label_hashes=uids)
        rows = {row.label_hash: row for row in listed}
        for uid, body in zip(uids, payload, strict=True):
            row = rows[uid]
            row.initialise_labels()
            row.from_labels_dict(body)
            assert row.to_encord_dict() == body
            saved.append(body)
        return save(self, uids, payload)

    monkeypatch.setattr(EncordClientProject, "save_label_rows", watched)
    outcome = pushed(source, client, tmp_path, new_project="Pushed", options=options)
    assert len(saved) == outcome.written > 0


def test_the_plan_says_what_is_created_and_by_which_rule(server: Running, tmp_path: Path) -> None:
    source = source_of("cvat/images-project-subsets", tmp_path)
    (source / "images" / "Train" / "spare.png").write_bytes(b"")
    plan = sync.plan(source, server.user(), new_project="Subsets")
    assert {(one["class"], one["shape"], one["labels"], one["frames"]) for one in plan.counts} == {
        ("label1", "bounding_box", 3, 3),
        ("label1 (polygon)", "polygon", 3, 3),
        ("label2", "polyline", 3, 3),
        ("label2 (point)", "point", 9, 3),
    }
    assert plan.counts[0]["answers"] == {"a1": 3, "a2": 3, "a3": 3, "a4": 3, "occluded": 3}
    row = next(row for row in plan.rows if row.title == "Train/img0.jpg")
    assert [(file.name, file.rule) for file in row.files] == [("images/Train/img0.jpg", "end of the path")]
    assert plan.unmatched["files"] == {"count": 1, "first": ["images/Train/spare.png"]}
    assert json.loads(plan_text(plan, tmp_path))["projects"] == [{"title": "Subsets"}]
    assert state_of(server.user())["projects"] == {}, "planning sends nothing"


def plan_text(plan, folder: Path) -> str:
    plan.write(folder / "plan.json")
    assert read_plan(folder / "plan.json") == plan
    return (folder / "plan.json").read_text()


@pytest.mark.proves("cvat containers: width and height", "cvat containers: missing image")
def test_a_row_without_a_file_or_with_one_of_another_size_is_left_out_and_said_so(
    server: Running, tmp_path: Path
) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    (source / "images" / "0001.png").unlink()
    (source / "images" / "0002.png").write_bytes((source / "images" / "0000.png").read_bytes())
    text = (source / "annotations.xml").read_text()
    (source / "annotations.xml").write_text(text.replace('name="0002.png" width="16"', 'name="0002.png" width="20"'))
    plan = sync.plan(source, client, new_project="Boxes")
    assert [row.title for row in plan.rows] == ["0000.png"]
    assert [(one.title, one.reason) for one in plan.left] == [
        ("0001.png", "no file is named '0001.png', and the project has no data of that title."),
        ("0002.png", "images/0002.png is 16 × 12 pixels; the labels are for 20 × 12."),
    ]


def test_a_video_without_its_file_is_said_in_the_plan(server: Running, tmp_path: Path) -> None:
    pytest.importorskip("av")
    source = source_of("cvat/video-task-frame-step", tmp_path)
    (source / "t.mp4").unlink()
    plan = sync.plan(source, server.user(), new_project="Video")
    assert [one.title for one in plan.left] == ["t.mp4"]


def pushed(source: Path, client, folder: Path, **options):
    """Plan and apply."""
    plan = sync.plan(source, client, **options)
    return sync.apply(plan, client, journal=folder / f"{len(list(folder.glob('*.journal')))}.journal")


def test_an_image_group_is_a_group_again(server: Running, tmp_path: Path) -> None:
    from encord_convert._samples import Sample, box
    from encord_convert.sdk.constants.enums import DataType
    from encord_convert.sdk.objects import Shape

    sample = Sample(DataType.IMG_GROUP, 3, "walk")
    car = sample.draft.add_object("car", Shape.BOUNDING_BOX)
    sample.place(car, box(), 1)
    sample.place(car, box(0.3), [0, 2])
    encord_convert.write(sample.done(), tmp_path / "src", "encord", report=Report())
    images_of(sample.done(), tmp_path / "src")
    client = server.user()
    outcome = pushed(tmp_path / "src", client, tmp_path, new_project="Groups")
    assert outcome.failures == []
    [row] = client.get_project(outcome.project_hash).list_label_rows_v2()
    assert (row.data_title, row.data_type, row.number_of_frames) == ("walk", DataType.IMG_GROUP, 3)
    assert list(sync.verify(tmp_path / "src", client, outcome.project_hash)) == []


def images_of(labels, folder: Path) -> None:
    from PIL import Image

    for row in labels:
        for number, unit in enumerate(row._units):
            path = folder / unit.data_title
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (unit.width, unit.height), (number, 5, 5)).save(path)


def test_a_dicom_series_is_a_series_again(server: Running, tmp_path: Path) -> None:
    source, client = source_of("dicom/ct_series", tmp_path), server.user()
    plan = sync.plan(source, client, new_project="Series")
    assert [len(row.files) for row in plan.rows] == [len(list(source.rglob("*.dcm")))]
    outcome = sync.apply(plan, client, journal=tmp_path / "journal")
    assert outcome.failures == []
    [row] = client.get_project(outcome.project_hash).list_label_rows_v2()
    assert row.number_of_frames == next(iter(encord_convert.read(source, report=Report()))).number_of_frames


def test_an_archive_is_pushed_as_it_is(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    archive = Path(shutil.make_archive(str(tmp_path / "boxes"), "zip", source))
    outcome = pushed(archive, client, tmp_path, new_project="Zipped")
    assert (outcome.sent, outcome.written, outcome.failures) == (3, 3, [])
    assert list(sync.verify(source, client, outcome.project_hash)) == []


def test_a_file_of_labels_finds_its_images_beside_it_or_where_it_is_told(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 2), server.user()
    assert len(sync.plan(source / "annotations.xml", client, new_project="x").rows) == 2
    (source / "images").rename(tmp_path / "elsewhere")
    assert sync.plan(source / "annotations.xml", client, new_project="x").rows == []
    assert len(sync.plan(source, client, new_project="x", images=tmp_path / "elsewhere").rows) == 2


def test_images_may_lie_in_a_bucket(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    fsspec.filesystem("memory").put(f"{source / 'images'}/", "/bucket/day 1/", recursive=True)
    shutil.rmtree(source / "images")
    outcome = pushed(source, client, tmp_path, new_project="Boxes", images="memory://bucket/day 1")
    assert (outcome.sent, outcome.written, outcome.failures) == (3, 3, [])
    assert list(sync.verify(source, client, outcome.project_hash)) == []
    with pytest.raises(ReadError, match=r"memory://elsewhere: there is nothing there."):
        sync.plan(source, client, new_project="x", images="memory://elsewhere")
    with pytest.raises(OptionError, match=r"nowhere:// is not a known scheme."):
        sync.plan(source, client, new_project="x", images="nowhere://x")


def test_what_is_there_already_is_not_sent_again(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 4), server.user()
    first = pushed(source, client, tmp_path, new_project="Boxes")
    before = state_of(client)
    plan = sync.plan(source, client, project=first.project_hash)
    assert plan.actions() == {"same": 4}
    second = sync.apply(plan, client, journal=tmp_path / "second")
    assert (second.sent, second.written, state_of(client)) == (0, 0, before)


def test_data_of_a_dataset_is_used_where_it_has_the_title(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    made = client.create_dataset("Drives", StorageLocation.CORD_STORAGE)
    client.get_dataset(made.dataset_hash).upload_image(source / "images" / "0001.png")
    plan = sync.plan(source, client, new_project="Boxes", dataset="Drives")
    assert {row.title: row.action for row in plan.rows} == {
        "0000.png": "create", "0001.png": "write", "0002.png": "create",
    }  # fmt: skip
    outcome = sync.apply(plan, client, journal=tmp_path / "journal")
    assert (outcome.sent, outcome.written, outcome.failures) == (2, 3, [])
    assert list(sync.verify(source, client, outcome.project_hash)) == []
    [row] = client.get_dataset(made.dataset_hash).list_data_rows(title_eq="0000.png")
    assert row.title == "0000.png"


def test_a_source_that_changed_since_is_refused_and_nothing_is_sent(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 2), server.user()
    plan = sync.plan(source, client, new_project="Boxes")
    annotations = source / "annotations.xml"
    annotations.write_text(annotations.read_text().replace('xtl="8"', 'xtl="9"'))
    with pytest.raises(StalePlanError, match=r"boxes: has changed since the plan was made. Make the plan again"):
        sync.apply(plan, client, journal=tmp_path / "journal")
    assert state_of(client)["projects"] == {}


def test_a_image_that_changed_since_fails_alone(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    plan = sync.plan(source, client, new_project="Boxes")
    image = source / "images" / "0001.png"
    content = bytearray(image.read_bytes())
    content[-5] ^= 1
    image.write_bytes(bytes(content))
    outcome = sync.apply(plan, client, journal=tmp_path / "journal")
    assert outcome.sent == outcome.written == 2
    assert [(title, reason.rpartition("/")[2]) for title, reason in outcome.failures] == [
        ("0001.png", "0001.png: has changed since the plan was made.")
    ]


def test_a_image_that_is_gone_since_fails_alone(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    plan = sync.plan(source / "annotations.xml", client, new_project="Boxes")
    (source / "images" / "0001.png").unlink()
    outcome = sync.apply(plan, client, journal=tmp_path / "journal")
    assert outcome.sent == outcome.written == 2
    [(title, reason)] = outcome.failures
    assert (title, reason.rpartition("/")[2]) == ("0001.png", "0001.png: cannot be read (No such file or directory).")


def test_a_project_that_changed_since_is_refused(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 2), server.user()
    first = pushed(source, client, tmp_path, new_project="Boxes")
    project = client.get_project(first.project_hash)
    annotations = source / "annotations.xml"
    annotations.write_text(annotations.read_text().replace('xtl="8"', 'xtl="9"'))
    plan = sync.plan(source, client, project=first.project_hash, on_conflict="replace")
    [row] = project.list_label_rows_v2(data_title_eq="0000.png")
    row.initialise_labels()
    row.remove_object(row.get_object_instances()[0])
    row.save()
    with pytest.raises(StalePlanError, match=r"0000.png: was edited since the plan was made"):
        sync.apply(plan, client, journal=tmp_path / "stale")


def test_data_that_came_since_under_a_planned_title_is_not_taken_for_ours(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 2), server.user()
    made = client.create_dataset("Drives", StorageLocation.CORD_STORAGE)
    plan = sync.plan(source, client, new_project="Boxes", dataset=made.dataset_hash)
    client.get_dataset(made.dataset_hash).upload_image(source / "images" / "0000.png", title="0001.png")
    outcome = sync.apply(plan, client, journal=tmp_path / "journal")
    assert outcome.failures == [("0001.png", "data of that title was added to the dataset since the plan was made.")]


def test_a_lost_journal_makes_no_double(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    plan = sync.plan(source, client, new_project="Boxes")
    sync.apply(plan, client, journal=tmp_path / "one")
    before = state_of(client)
    outcome = sync.apply(plan, client, journal=tmp_path / "other")
    assert (outcome.failures, state_of(client)) == ([], before)


def test_an_ontology_that_changed_since_is_refused(server: Running, tmp_path: Path) -> None:
    from encord_convert.sdk.objects import Shape

    source, client = boxes(tmp_path, 2), server.user()
    first = pushed(source, client, tmp_path, new_project="Boxes")
    plan = sync.plan(source, client, project=first.project_hash)
    ontology = client.get_ontology(client.get_project(first.project_hash).ontology_hash)
    ontology.structure.add_object("tram", Shape.POLYGON)
    ontology.save()
    with pytest.raises(StalePlanError, match=r"The ontology .* has changed since the plan was made"):
        sync.apply(plan, client, journal=tmp_path / "stale")


def edited_twice(server: Running, folder: Path) -> tuple[Path, object, str]:
    """Push boxes, and move one of two boxes of each image in the source."""
    source, client = boxes(folder, 2), server.user()
    first = pushed(source, client, folder, new_project="Boxes")
    annotations = source / "annotations.xml"
    annotations.write_text(annotations.read_text().replace('xtl="8"', 'xtl="9"'))
    return source, client, first.project_hash


def test_labels_that_are_there_are_a_conflict_unless_one_says_what_becomes_of_them(
    server: Running, tmp_path: Path
) -> None:
    source, client, project = edited_twice(server, tmp_path)
    plan = sync.plan(source, client, project=project)
    assert plan.actions() == {"error": 2}
    with pytest.raises(ConflictError, match=r"2 rows already have labels: 0000.png, 0001.png. Say --on-conflict"):
        sync.apply(plan, client, journal=tmp_path / "journal")


@pytest.mark.parametrize(("how", "boxes_each", "differences"), [("skip", 2, 2), ("merge", 3, 2), ("replace", 2, 0)])
def test_on_conflict_does_what_it_says(
    server: Running, tmp_path: Path, how: str, boxes_each: int, differences: int
) -> None:
    source, client, project = edited_twice(server, tmp_path)
    for _ in range(2):  # a second time changes nothing
        outcome = pushed(source, client, tmp_path, project=project, on_conflict=how)
        assert outcome.failures == []
        for row in client.get_project(project).list_label_rows_v2():
            row.initialise_labels()
            assert len(row.get_object_instances()) == boxes_each
        assert len(list(sync.verify(source, client, project))) == differences


def test_verify_names_what_differs_and_a_row_that_is_there_twice(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    outcome = pushed(source, client, tmp_path, new_project="Boxes")
    project = client.get_project(outcome.project_hash)
    [row] = project.list_label_rows_v2(data_title_eq="0001.png")
    row.initialise_labels()
    row.remove_object(row.get_object_instances()[1])
    row.save()
    dataset = client.get_dataset(project.datasets[0]["dataset_hash"])
    dataset.upload_image(source / "images" / "0002.png")
    found = [str(one) for one in sync.verify(source, client, outcome.project_hash)]
    assert found == [
        "0001.png, frame 0: the bounding_box 'bike', expected box 8 1 3 4 on frames 0, found none",
        "0002.png: a row, expected none, found 0 labels",
    ]


def test_who_made_a_label_and_when_is_verified_where_the_source_says_it(server: Running, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    source, client = boxes(tmp_path, 1), server.user()
    labels = encord_convert.read(source, report=Report()).held()
    [row] = labels
    car, _ = row.get_object_instances()
    car.set_for_frames(
        car.get_annotation(0).coordinates, 0, overwrite=True, created_by="bo@example.com",
        created_at=datetime(2020, 1, 2, tzinfo=UTC), last_edited_at=datetime(2020, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    encord_convert.write(labels, source / "hub", "encord", report=Report())
    outcome = pushed(source / "hub", client, tmp_path, new_project="Boxes", images=source / "images")
    assert list(sync.verify(source / "hub", client, outcome.project_hash)) == []
    [there] = client.get_project(outcome.project_hash).list_label_rows_v2()
    there.initialise_labels()
    one = there.get_object_instances()[0]
    one.set_for_frames(one.get_annotation(0).coordinates, 0, overwrite=True, created_by="cy@example.com")
    there.save()
    [difference] = sync.verify(source / "hub", client, outcome.project_hash)
    assert difference.what == "'car': its author"


def test_a_plan_needs_one_project_and_a_known_way_with_conflicts(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 1), server.user()
    with pytest.raises(OptionError, match=r"either the hash of a project or the title of a new one"):
        sync.plan(source, client)
    with pytest.raises(OptionError, match=r"expected error, skip, merge, replace"):
        sync.plan(source, client, new_project="x", on_conflict="both")
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(ConvertError, match=r"broken.json: is not a plan"):
        sync.apply(tmp_path / "broken.json", client)


def test_a_push_is_spread_over_projects_and_verified_and_pulled_as_one(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 5), server.user()
    plan = sync.plan(source, client, new_project="Boxes", shard_rows=2)
    assert [one.title for one in plan.projects] == ["Boxes (1 of 3)", "Boxes (2 of 3)", "Boxes (3 of 3)"]
    plan.write(tmp_path / "plan.json")
    outcome = sync.apply(tmp_path / "plan.json", client)
    assert (outcome.sent, outcome.written, outcome.failures) == (5, 5, [])
    titles = [
        [row.data_title for row in client.get_project(one).list_label_rows_v2()] for one in outcome.project_hashes
    ]
    assert sorted(map(sorted, titles)) == [["0000.png", "0001.png"], ["0002.png", "0003.png"], ["0004.png"]]
    assert list(sync.verify(source, client, outcome.project_hashes)) == []
    assert len(list(sync.verify(source, client, outcome.project_hash))) == 3
    sync.pull(outcome.project_hashes, client, tmp_path / "back", "coco", report=Report())
    assert [row.data_title for row in encord_convert.read(tmp_path / "back", report=Report())] == [
        f"{number:04}.png" for number in range(5)
    ]
    before = state_of(client)
    assert sync.apply(plan, client, journal=tmp_path / "lost").failures == []
    assert state_of(client) == before
    assert sync.undo(tmp_path / "plan.json", client).emptied == 5


def test_projects_of_two_ontologies_are_not_those_of_one_push(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 1), server.user()
    hashes = [pushed(source, client, tmp_path, new_project=title).project_hash for title in ("One", "Two")]
    with pytest.raises(OptionError, match=r"Expected projects with one ontology, as one push makes them; found"):
        list(sync.verify(source, client, hashes))


def test_what_is_more_than_recommended_is_said_in_the_plan(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Limits(instances=3, file_bytes=10, row_bytes=100, width_px=15, height_px=15)
    monkeypatch.setattr("encord_convert.sync.planning.LIMITS", {"few": few})
    source, client = boxes(tmp_path, 2), server.user()
    plan = sync.plan(source, client, new_project="Boxes", limits="few")
    assert len(plan.projects) == 2, "three instances are too few for two rows of two"
    size = (source / "images" / "0000.png").stat().st_size
    assert [one for one in plan.beyond if one.startswith("0000") and "its labels" not in one] == [
        f"0000.png: a file has {size} bytes; at most 10 are recommended.",
        "0000.png: it is 16 × 12 pixels; at most 15 × 15 are recommended.",
    ]
    assert "beyond    0000.png: its labels have " in plan.text()
    made = client.create_dataset("Boxes", StorageLocation.CORD_STORAGE)
    whole = sync.plan(source, client, new_project="Boxes", dataset=made.dataset_hash, limits="few")
    assert whole.beyond[-1] == "the project has 4 instances; at most 3 are recommended."
    with pytest.raises(OptionError, match=r"limits 'many': expected few."):
        sync.plan(source, client, new_project="Boxes", limits="many")


def test_rows_go_to_a_new_shard_when_the_next_would_be_too_much() -> None:
    loads = [Load(1, 2, 2, 10), Load(1, 2, 2, 10), Load(1, 9, 9, 10), Load(1, 1, 1, 90), Load(1, 1, 1, 20)]
    assert shards_of(loads, Limits()) == [0, 0, 0, 0, 0]
    assert shards_of(loads, Limits(rows=2)) == [0, 0, 1, 1, 2]
    assert shards_of(loads, Limits(instances=4)) == [0, 0, 1, 2, 2], "one row that is too much is alone"
    assert shards_of(loads, Limits(bytes=100)) == [0, 0, 0, 1, 2]


def with_statuses(source: Path) -> None:
    """Write boxes in the form that says how far labelling of each row is, beside their images."""
    labels = encord_convert.read(source, report=Report())
    encord_convert.write(labels, source / "hub", "encord", report=Report())
    [hub] = (source / "hub").glob("*.jsonl")
    lines = [json.loads(line) for line in hub.read_text().splitlines()]
    for line, status in zip(lines, ("LABELLED", "REVIEWED", "LABEL_IN_PROGRESS"), strict=True):
        line["label_status"] = status
    hub.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_how_far_labelling_is_goes_along_where_the_source_says_it(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    with_statuses(source)
    plan = sync.plan(source / "hub", client, new_project="Boxes", images=source / "images")
    assert "status    LABELLED: 1 row" in plan.text()
    outcome = sync.apply(plan, client, journal=tmp_path / "journal")
    rows = client.get_project(outcome.project_hash).list_label_rows_v2()
    assert {row.data_title: row.label_status.value for row in rows} == {
        "0000.png": "LABELLED", "0001.png": "REVIEWED", "0002.png": "LABEL_IN_PROGRESS",
    }  # fmt: skip
    assert list(sync.verify(source / "hub", client, outcome.project_hash)) == []
    client.get_project(outcome.project_hash)._client.set_label_status(
        next(row.label_hash for row in rows if row.data_title == "0001.png"), LabelStatus.LABELLED
    )
    [difference] = sync.verify(source / "hub", client, outcome.project_hash)
    assert str(difference) == "0001.png: its label status, expected REVIEWED, found LABELLED"


def test_rows_that_were_reviewed_are_complete_in_a_project_with_a_workflow(server: Running, tmp_path: Path) -> None:
    source, client = boxes(tmp_path, 3), server.user()
    with_statuses(source)
    dataset = client.create_dataset("Boxes", StorageLocation.CORD_STORAGE).dataset_hash
    ontology = client.create_ontology("Boxes").ontology_hash
    template = "0f0e0d0c-0b0a-4000-8000-000000000000"
    project = client.create_project("Boxes", [dataset], "", ontology, workflow_template_hash=template)
    outcome = pushed(source / "hub", client, tmp_path, project=project, images=source / "images")
    assert outcome.failures == []
    rows = client.get_project(project).list_label_rows_v2()
    stages = {row.data_title: row.workflow_graph_node.title for row in rows}
    assert stages["0001.png"] != stages["0000.png"] == stages["0002.png"]
    assert list(sync.verify(source / "hub", client, project)) == []
