"""Label rows: begun, listed, saved as revisions, fetched as they were saved; through our own client."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import Running, running
from sqlalchemy import select
from worlds import BOX, World, box, objects_of, save, weather, with_objects, world

from encord_convert.sdk.exceptions import (
    AnswerDictionaryError,
    AuthorisationError,
    CorruptedLabelError,
    InvalidArgumentsError,
    MultiLabelLimitError,
    ResourceExistsError,
    ResourceNotFoundError,
    WrongProjectTypeError,
)
from encord_convert.sdk.objects import OntologyStructure
from encord_convert.sdk.orm.label_row import AnnotationTaskStatus, LabelStatus
from encord_convert.sdk.utilities.project_user import ProjectUserRole
from encord_convert.service.classification_forms import runs
from encord_convert.service.label_bodies import frames_of
from encord_convert.service.store.tables_labels import LABEL_REVISIONS

HUB = Path(__file__).parents[2] / "fixtures/hub"
SAMPLES = sorted(path.stem for path in (HUB / "label-rows").glob("*.json") if path.stem != "refused")


def revisions(server: Running) -> list[Any]:
    query = select(LABEL_REVISIONS).order_by(LABEL_REVISIONS.c.id)
    return server.service.database.read(lambda db: list(db.execute(query)))


# --- saved and fetched ----------------------------------------------------------------------------------------------


IN_PROCESS = pytest.mark.parametrize("server", ["in process"], indirect=True)


@pytest.mark.proves("service: 9")
@IN_PROCESS
@pytest.mark.parametrize("name", SAMPLES)
def test_every_shape_and_answer_is_fetched_as_it_was_saved(server: Running, name: str) -> None:
    sample = json.loads((HUB / f"label-rows/{name}.json").read_text())
    structure = sample["ontology"]
    if isinstance(structure, str):
        structure = json.loads((HUB / structure).read_text())
        structure = structure.get("ontology", structure)
    here = world(server, OntologyStructure.from_dict(structure))
    facts, output = sample["metadata"], sample["output"]
    units = list(output["data_units"].values())
    here.add(
        facts["data_type"],
        facts["data_title"],
        data_hash=facts["data_hash"] if facts["data_type"] == "IMG_GROUP" else units[0]["data_hash"],
        frames=facts["number_of_frames"],
        size=(facts.get("width"), facts.get("height")),
        duration=facts.get("duration"),
        frames_per_second=facts.get("frames_per_second"),
        images=[(unit["data_hash"], unit["data_title"]) for unit in units] if facts["data_type"] == "IMG_GROUP" else [],
    )
    [row] = here.project.list_label_rows_v2()
    begun = here.client.create_label_row(row.data_hash)
    sent = output | {"label_hash": begun["label_hash"], "data_hash": row.data_hash}
    here.client.save_label_rows([begun["label_hash"]], [sent])
    [fetched] = raw(here, begun["label_hash"])
    for key in ("object_answers", "object_actions"):
        assert fetched[key] == sent[key]
    author = "ann@example.com"
    for hash_, answer in sent["classification_answers"].items():
        if answer.get("createdBy", "") is None:
            answer["createdBy"] = author
        told = fetched["classification_answers"][hash_]
        assert {key: told[key] for key in answer} == answer
        placed = runs(on_frames(sent, hash_)) or answer.get("range", [])
        assert told.get("range", []) == placed
        if placed != answer.get("range") or facts["data_type"] == "AUDIO":
            assert runs(on_frames(fetched, hash_)) == ([] if facts["data_type"] == "AUDIO" else placed)
    for unit in units:
        wanted = json.loads(json.dumps(unit["labels"]).replace('"createdBy": null', f'"createdBy": "{author}"'))
        told = fetched["data_units"][unit["data_hash"]]["labels"]
        if any("range" in answer for answer in sent["classification_answers"].values()):
            told, wanted = objects_on(told), objects_on(wanted)
        assert told == wanted
    extras = set(sent) - set(begun) - {"is_shadow_data"}
    assert {key: fetched[key] for key in extras} == {key: sent[key] for key in extras}


def objects_on(labels: dict[str, Any]) -> dict[int, Any]:
    """The objects of a unit by frame; entries of classifications come of ranges."""
    return {frame: entry["objects"] for frame, entry in frames_of(labels) if entry.get("objects")}


def on_frames(row: dict[str, Any], hash_: str) -> list[int]:
    """The frames with an entry of a classification."""
    return [
        frame + (int(unit["data_sequence"]) if row["data_type"] == "img_group" else 0)
        for unit in row["data_units"].values()
        for frame, labels in frames_of(unit["labels"])
        if any(one["classificationHash"] == hash_ for one in labels.get("classifications", []))
    ]


def raw(here: World, *label_hashes: str, **more: Any) -> list[dict[str, Any]]:
    """Label rows as they stand in the reply, all members of them."""
    from encord_convert.sdk.http.routes import Query

    payload = {"get_signed_url": False, "multi_request": True, "include_object_feature_hashes": None,
               "include_classification_feature_hashes": None, "include_reviews": False} | more  # fmt: skip
    rows: list[dict[str, Any]] = here.client._querier.get_list(Query.LABEL_ROW, list(label_hashes), payload)
    return rows


def test_rows_of_the_object_model_are_saved_and_fetched_equal(server: Running) -> None:
    from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates

    here = world(server)
    here.add("VIDEO", "road.mp4", frames=20, file_type="video/mp4", duration=2.0, frames_per_second=10.0)
    [row] = here.project.list_label_rows_v2()
    row.initialise_labels()
    car = here.project.ontology_structure.objects[0].create_instance()
    car.set_for_frames(BoundingBoxCoordinates(height=0.1, width=0.2, top_left_x=0.3, top_left_y=0.4), [3, 4, 7])
    car.set_answer("late", here.project.ontology_structure.objects[0].attributes[0])
    row.add_object_instance(car)
    row.save()
    [again] = here.project.list_label_rows_v2()
    again.initialise_labels()
    sent, got = row.to_encord_dict(), again.to_encord_dict()
    assert got["object_answers"] == sent["object_answers"]
    frames = next(iter(got["data_units"].values()))["labels"]
    assert {number: one["objects"][0]["boundingBox"] for number, one in frames.items()} == dict.fromkeys("347", BOX)
    assert {one["objects"][0]["createdBy"] for one in frames.values()} == {"ann@example.com"}


@pytest.mark.proves("service: 9")
def test_a_bundle_saves_and_fetches_rows_a_hundred_at_a_time(server: Running) -> None:
    here = world(server)
    for number in range(105):
        here.add(title=f"{number:03}.png")
    rows = here.project.list_label_rows_v2()
    with here.project.create_bundle() as bundle:
        for row in rows:
            row.initialise_labels(bundle=bundle)
    assert len({row.label_hash for row in rows}) == 105
    with here.project.create_bundle() as bundle:
        for row in rows:
            row.save(bundle=bundle)
    assert len(revisions(server)) == 105
    listed = here.project.list_label_rows_v2()
    assert [row.data_title for row in listed] == [f"{number:03}.png" for number in range(105)]


def test_more_rows_at_once_than_a_bundle_holds_are_refused(server: Running) -> None:
    here = world(server)
    with pytest.raises(MultiLabelLimitError) as refused:
        here.client.get_label_rows([f"label {number}" for number in range(1001)])
    assert refused.value.maximum_labels_allowed == 1000


def test_a_request_names_ten_thousand_rows_at_most(server: Running) -> None:
    here = world(server, workflow=True)
    with pytest.raises(InvalidArgumentsError, match="uid holds 10001 texts; at most 10000 are taken at once"):
        here.client.workflow_complete([str(number) for number in range(10_001)])


def test_a_row_is_named_by_a_text(server: Running) -> None:
    with pytest.raises(InvalidArgumentsError, match="uid is a list of texts"):
        world(server).client.save_label_rows([["nested"]], [{}])  # type: ignore[list-item]


@pytest.mark.proves("service: 19.11")
def test_the_same_hash_twice_in_a_request_is_one_row(server: Running) -> None:
    here = world(server)
    hash_ = here.begun()["label_hash"]
    assert len(here.client.get_label_rows([hash_] * 150)) == 1


@pytest.mark.proves("service: 9")
def test_a_row_is_begun_once(server: Running) -> None:
    here = world(server)
    begun = here.begun()
    assert (begun["data_type"], begun["label_status"]) == ("image", "LABEL_IN_PROGRESS")
    with pytest.raises(ResourceExistsError, match=f"has the label row {begun['label_hash']} already"):
        here.client.create_label_row(begun["data_hash"])


def test_rows_are_begun_all_or_none(server: Running) -> None:
    here = world(server)
    data_hash = here.add()
    with pytest.raises(ResourceNotFoundError, match="The project has no data nowhere"):
        here.client.create_label_rows([data_hash, "nowhere"])
    [row] = here.project.list_label_rows_v2()
    assert row.label_hash is None


@pytest.mark.proves("service: 9")
def test_only_labels_of_the_classes_asked_for_come(server: Running) -> None:
    here = world(server)
    row = with_objects(here.begun(), box("car"), box("leaf", featureHash="leaf0001", shape="polygon"))
    next(iter(row["data_units"].values()))["labels"]["classifications"] = [weather("sun")]
    row["classification_answers"] = {"sun": {"classificationHash": "sun", "classifications": []}}
    save(here.project, row)
    hash_ = row["label_hash"]
    cars = here.client.get_label_row(hash_, include_object_feature_hashes={"car00001"})
    assert [one["objectHash"] for one in objects_of(cars)] == ["car"]
    assert set(cars["object_answers"]) == {"car"} and set(cars["classification_answers"]) == {"sun"}
    nothing = here.client.get_label_row(
        hash_, include_object_feature_hashes=set(), include_classification_feature_hashes=set()
    )
    assert objects_of(nothing) == [] and nothing["object_answers"] == nothing["classification_answers"] == {}


def test_reviews_come_only_if_asked_for(server: Running) -> None:
    here = world(server)
    reviews = [{"id": 1, "status": "APPROVED", "comment": None}]
    row = with_objects(here.begun(), box(reviews=reviews))
    save(here.project, row)
    assert "reviews" not in objects_of(here.client.get_label_row(row["label_hash"]))[0]
    with_them = here.client.get_label_row(row["label_hash"], include_reviews=True)
    assert objects_of(with_them)[0]["reviews"] == reviews


def test_a_signed_link_opens_the_image_without_a_key(server: Running, tmp_path: Path) -> None:
    from media import image

    from encord_convert.sdk.http.transport import Request

    here = world(server)
    file = image(tmp_path / "a.png", 8, 6)
    here.user.get_dataset(here.dataset_hash).upload_image(file)
    [listed] = here.project.list_label_rows_v2()
    begun = here.client.create_label_row(listed.data_hash)
    row = here.client.get_label_row(begun["label_hash"], get_signed_url=True)
    link = row["data_units"][listed.data_hash]["data_link"]
    assert server.transport().send(Request("GET", link, {})).body == file.read_bytes()
    plain = here.client.get_label_row(begun["label_hash"], get_signed_url=False)
    assert "signature" not in plain["data_units"][listed.data_hash]["data_link"]


# --- what a save does not carry ---------------------------------------------------------------------------------------


@pytest.mark.proves("service: case 13 case 14")
def test_a_save_wipes_neither_the_metadata_of_a_series_nor_its_frames(server: Running) -> None:
    here = world(server)
    blocks = [
        {
            "dicom_instance_uid": f"1.2.{n}",
            "multiframe_frame_number": None,
            "file_uri": f"{n}.dcm",
            "width": 8,
            "height": 6,
        }
        for n in range(3)
    ]
    series = {"metadata": {"patient_id": None, "study_uid": "1.9", "series_uid": "1.8"}, "frames": blocks}
    begun = here.begun("DICOM", "chest", frames=3, dicom=json.dumps(series).encode(),
                       images=[(f"f{n}", f"{n}.dcm") for n in range(3)])  # fmt: skip
    [unit] = begun["data_units"].values()
    sent = json.loads(json.dumps(begun))
    [mine] = sent["data_units"].values()
    for name in ("metadata", "data_links", "data_link"):
        mine.pop(name)
    mine["labels"] = {"1": {"objects": [box()], "classifications": []}, "9": {"objects": [], "classifications": []}}
    save(here.project, sent)
    [fetched] = raw(here, begun["label_hash"])
    [again] = fetched["data_units"].values()
    assert (again["metadata"], again["data_links"]) == (unit["metadata"], unit["data_links"])
    assert again["data_links"] == ["bucket/0.dcm", "bucket/1.dcm", "bucket/2.dcm"]
    assert [again["labels"][str(n)]["metadata"] for n in range(3)] == blocks
    assert [len(again["labels"][str(n)]["objects"]) for n in (0, 1, 2, 9)] == [0, 1, 0, 0]


@pytest.mark.proves("service: case 13 case 14")
def test_labels_beyond_the_end_are_kept_and_told(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    here = world(server)
    begun = here.begun("DICOM", "chest", frames=3)
    for frame, is_told in (("2", False), ("9", True)):
        caplog.clear()
        save(here.project, with_objects(begun, box(), frame=frame))
        told = f"Labels of data {begun['data_hash']} stand on frame 9, and it has 3 frames. They are kept."
        assert (told in caplog.text) is is_told
    [fetched] = raw(here, begun["label_hash"])
    [unit] = fetched["data_units"].values()
    assert len(unit["labels"]["9"]["objects"]) == 1


@pytest.mark.proves("service: 19.12")
def test_frames_dates_that_end_in_a_blank_unknown_keys_and_entries_of_nobody_are_taken(server: Running) -> None:
    here = world(server)
    begun = here.begun("VIDEO", "ride", frames=3)
    odd = box(createdAt="Sat, 01 Jun 2024 09:00:00 ", createdBy=None, lastEditedAt="Sat, 01 Jun 2024 09:00:00 ", new=7)
    save(here.project, with_objects(begun, odd, frame="1") | {"unheard_of": [1]})
    [fetched] = raw(here, begun["label_hash"])
    [unit] = fetched["data_units"].values()
    [entry] = unit["labels"]["1"]["objects"]
    assert entry == odd | {"createdBy": "ann@example.com"}


@pytest.mark.proves("service: 19.13 19.14")
def test_times_statuses_and_titles_are_the_services_whatever_is_sent(server: Running) -> None:
    here = world(server)
    begun = here.begun()
    lie = with_objects(begun, box()) | {"created_at": "1999-01-01", "label_status": "REVIEWED", "dataset_title": "Mine"}
    save(here.project, lie)
    row = here.client.get_label_row(begun["label_hash"])
    assert (row["created_at"], row["label_status"]) == (begun["created_at"], "LABEL_IN_PROGRESS")
    assert row["dataset_title"] == "Crossings" and row["last_edited_at"] > begun["last_edited_at"]


# --- revisions --------------------------------------------------------------------------------------------------------


@pytest.mark.proves("service: 19")
def test_every_save_is_a_revision_with_the_bytes_that_came(server: Running) -> None:
    here = world(server)
    begun = here.begun()
    first = with_objects(begun, box(name="Café \u2028"))
    save(here.project, first)
    save(here.project, with_objects(begun))
    one, two = revisions(server)
    assert (
        json.loads(one.body) == {key: first[key] for key in first if key not in ("branch_name", "spaces")}
        and b"Caf\\u00e9" in one.body
    )
    assert one.user_hash == two.user_hash and one.saved_at < two.saved_at
    from hashlib import sha256

    assert one.sha256 == sha256(one.body).digest()


@pytest.mark.proves("service: 19.11")
def test_the_same_save_sent_again_is_the_same_revision(server: Running) -> None:
    here = world(server)
    row = with_objects(here.begun(), box())
    for _ in range(3):
        save(here.project, row)
    assert len(revisions(server)) == 1


@pytest.mark.proves("service: 19")
def test_the_last_writer_wins_unless_the_service_is_strict(server: Running) -> None:
    here = world(server)
    begun = here.begun()
    bobs = here.seen_by("bob", ProjectUserRole.ANNOTATOR)
    save(here.project, with_objects(begun, box("anns")))
    save(bobs, with_objects(begun, box("bobs")))
    assert [one["objectHash"] for one in objects_of(here.client.get_label_row(begun["label_hash"]))] == ["bobs"]


@pytest.mark.proves("service: 19")
def test_a_strict_service_names_both_revisions_of_a_conflict(tmp_path: Path) -> None:
    with running(tmp_path, strict_saves=True) as server:
        here = world(server)
        begun = here.begun()
        save(here.project, with_objects(begun, box("one")))
        bobs = here.seen_by("bob", ProjectUserRole.ANNOTATOR)
        bobs_copy = bobs._client.get_label_row(begun["label_hash"])
        anns = here.client.get_label_row(begun["label_hash"])
        save(bobs, with_objects(bobs_copy, box("two")))
        save(bobs, with_objects(bobs_copy, box("three")))  # his copy is old, and the newest revision is his own
        message = (
            r"revision 3 by bob@example.com of \S+ is newer than revision 1 by ann@example.com of \S+, "
            "which this save starts from"
        )
        with pytest.raises(ResourceExistsError, match=message):
            save(here.project, with_objects(anns, box("four")))
        save(here.project, with_objects(here.client.get_label_row(begun["label_hash"]), box("five")))
        assert len(revisions(server)) == 4


@IN_PROCESS
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"data_units": []}, CorruptedLabelError, "Expected `object`, got `array` - at `\\$.data_units`"),
        ({"data_hash": "other"}, CorruptedLabelError, "these labels are of other"),
        ({"object_answers": None}, CorruptedLabelError, r"\$.object_answers"),
        ({"data_hash": None}, CorruptedLabelError, r"\$.data_hash"),
        (
            {"data_units": {"a": {"data_hash": None, "labels": {"objects": [], "classifications": []}}}},
            CorruptedLabelError,
            r"\$.data_units\[...\].data_hash",
        ),
    ],
)
def test_what_is_no_label_row_is_refused(
    server: Running, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    here = world(server)
    begun = here.begun()
    with pytest.raises(error, match=message):
        save(here.project, begun | change)
    assert revisions(server) == []


def test_a_classification_without_answers_is_refused(server: Running) -> None:
    here = world(server)
    begun = here.begun()
    next(iter(begun["data_units"].values()))["labels"]["classifications"] = [weather("sun")]
    with pytest.raises(AnswerDictionaryError, match="classification sun has no answers"):
        save(here.project, begun)


@pytest.mark.proves("service: 9")
def test_rows_are_saved_all_or_none(server: Running) -> None:
    here = world(server)
    good, bad = here.begun(title="a.png"), here.begun(title="b.png")
    with pytest.raises(CorruptedLabelError):
        here.client.save_label_rows([good["label_hash"], bad["label_hash"]], [good, good])
    assert revisions(server) == []


def test_rows_of_another_project_are_not_there(server: Running) -> None:
    one, other = world(server), world(server)
    row = one.begun()
    for call in (
        lambda: other.client.get_label_row(row["label_hash"]),
        lambda: save(other.project, row),
        lambda: other.client.set_label_status(row["label_hash"], LabelStatus.LABELLED),
    ):
        with pytest.raises(ResourceNotFoundError, match=f"The project has no label row {row['label_hash']}"):
            call()


def test_a_reviewer_reads_and_does_not_save(server: Running) -> None:
    here = world(server)
    row = here.begun()
    theirs = here.seen_by("rita", ProjectUserRole.REVIEWER)
    assert theirs._client.get_label_row(row["label_hash"])["data_hash"] == row["data_hash"]
    with pytest.raises(AuthorisationError):
        save(theirs, row)


# --- listing ----------------------------------------------------------------------------------------------------------


def titles(rows: Any) -> list[str]:
    return [row.data_title for row in rows]


def test_the_listing_says_what_is_known_of_the_data(server: Running) -> None:
    here = world(server)
    here.add("VIDEO", "road.mp4", frames=20, duration=2.0, frames_per_second=10.0)
    [row] = here.project.list_label_rows_v2()
    assert (row.data_type.value, row.number_of_frames, row.fps, row.duration) == ("video", 20, 10.0, 2.0)
    assert (row.width, row.height, row.dataset_title, row.label_hash) == (8, 6, "Crossings", None)
    assert (row.label_status, row.annotation_task_status) == (LabelStatus.NOT_LABELLED, AnnotationTaskStatus.QUEUED)


@pytest.mark.proves("service: 9")
def test_every_condition_of_the_listing_narrows_it(server: Running) -> None:
    here = world(server)
    a, b = here.begun(title="50%_off.png"), here.begun(title="50 off.png")
    c = here.add(title="c.png")
    listing = here.project.list_label_rows_v2
    assert titles(listing(data_hashes=[c])) == ["c.png"]
    assert titles(listing(label_hashes=[b["label_hash"], "none"])) == ["50 off.png"]
    assert titles(listing(data_title_eq="c.png")) == ["c.png"]
    assert titles(listing(data_title_like="50%off.png")) == ["50%_off.png", "50 off.png"]
    assert titles(listing(data_title_like="50_off.png")) == ["50 off.png"]
    assert titles(listing(data_title_like=r"50\%\_off.png")) == ["50%_off.png"]
    here.client.set_label_status(a["label_hash"], LabelStatus.REVIEWED)
    assert titles(listing(label_statuses=[AnnotationTaskStatus.COMPLETED])) == ["50%_off.png"]
    assert titles(listing(label_statuses=[AnnotationTaskStatus.QUEUED])) == ["50 off.png", "c.png"]
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert titles(listing(edited_before=soon)) == ["50%_off.png", "50 off.png"]
    assert titles(listing(edited_after=soon)) == []
    assert titles(here.client.list_label_rows(include_uninitialised_labels=False)) == titles(listing())[:2]
    assert titles(listing(data_hashes=[c] * 20_000)) == ["c.png"]
    assert titles(listing(data_hashes=[])) == []
    with pytest.raises(InvalidArgumentsError, match="A pattern is a text of at most 1024 characters"):
        listing(data_title_like="%" * 1025)


def test_data_of_a_benchmark_that_its_source_has_is_shadow_data(server: Running) -> None:
    from encord_convert.sdk.orm.dataset import StorageLocation
    from encord_convert.sdk.orm.label_row import ShadowDataState
    from encord_convert.sdk.orm.project import BenchmarkQaWorkflowSettings

    here = world(server)
    here.add(title="known.png")
    other = here.user.create_dataset("New", StorageLocation.CORD_STORAGE).dataset_hash
    from worlds import add_data

    add_data(server, other, title="new.png")
    settings = BenchmarkQaWorkflowSettings([here.project.project_hash])
    made = here.user.create_project("Check", [here.dataset_hash, other], workflow_settings=settings)
    project = here.user.get_project(made)
    assert [(row.data_title, row.is_shadow_data) for row in project.list_label_rows_v2()] == [
        ("known.png", True), ("new.png", False),
    ]  # fmt: skip
    assert titles(project.list_label_rows_v2(shadow_data_state=ShadowDataState.SHADOW_DATA)) == ["known.png"]
    assert titles(project.list_label_rows_v2(shadow_data_state=ShadowDataState.NOT_SHADOW_DATA)) == ["new.png"]


@pytest.mark.proves("service: 19.5 19.6")
def test_replies_have_the_keys_the_wire_demands(server: Running) -> None:
    from encord_convert.sdk.http.routes import Query

    here = world(server)
    begun = here.begun("VIDEO", "road.mp4", frames=9, file_type="video/mp4", duration=0.9, frames_per_second=10.0)
    assert set(begun) == {
        "label_hash", "created_at", "last_edited_at", "dataset_hash", "dataset_title", "data_title", "data_hash",
        "data_type", "data_units", "object_answers", "classification_answers", "object_actions", "label_status",
        "annotation_task_status", "branch_name", "spaces",
    }  # fmt: skip
    [unit] = begun["data_units"].values()
    assert unit == {
        "data_hash": begun["data_hash"], "data_title": "road.mp4", "data_link": "bucket/road.mp4",
        "data_type": "video/mp4", "data_sequence": 0, "width": 8, "height": 6, "labels": {}, "data_duration": 0.9,
        "data_fps": 10.0,
    }  # fmt: skip
    [entry] = here.client._querier.get_list(Query.LABEL_ROW_METADATA, None, {"include_uninitialised_labels": True})
    assert set(entry) == {
        "label_hash", "created_at", "last_edited_at", "data_hash", "dataset_hash", "dataset_title", "data_title",
        "data_type", "data_link", "label_status", "annotation_task_status", "workflow_graph_node", "is_shadow_data",
        "number_of_frames", "duration", "frames_per_second", "height", "width", "priority",
    }  # fmt: skip
    assert (begun["data_type"], entry["data_type"]) == ("video", "VIDEO")


# --- statuses, stages, priorities -------------------------------------------------------------------------------------


@pytest.mark.proves("service: 10")
@IN_PROCESS
@pytest.mark.parametrize(
    ("status", "task"),
    [
        (LabelStatus.NOT_LABELLED, "QUEUED"), (LabelStatus.LABEL_IN_PROGRESS, "ASSIGNED"),
        (LabelStatus.LABELLED, "IN_REVIEW"), (LabelStatus.REVIEW_IN_PROGRESS, "IN_REVIEW"),
        (LabelStatus.REVIEWED, "COMPLETED"), (LabelStatus.REVIEWED_TWICE, "COMPLETED"),
    ],
)  # fmt: skip
def test_a_status_goes_with_a_state_of_the_task(server: Running, status: LabelStatus, task: str) -> None:
    here = world(server)
    row = here.begun()
    assert here.client.set_label_status(row["label_hash"], status) is True
    [listed] = here.project.list_label_rows_v2()
    assert (listed.label_status, listed.annotation_task_status) == (status, AnnotationTaskStatus(task))


@pytest.mark.proves("service: 10")
def test_a_submitted_row_is_in_review(server: Running) -> None:
    here = world(server)
    row = here.begun()
    assert here.client.submit_label_row_for_review(row["label_hash"]) is True
    [listed] = here.project.list_label_rows_v2()
    assert (listed.label_status, listed.annotation_task_status) == (
        LabelStatus.LABELLED,
        AnnotationTaskStatus.IN_REVIEW,
    )


@pytest.mark.proves("service: 10")
def test_rows_move_to_the_ends_of_a_workflow_and_back(server: Running) -> None:
    here = world(server, workflow=True)
    here.begun(title="a.png")
    here.begun(title="b.png")
    listing = here.project.list_label_rows_v2
    a, _ = listing()
    assert a.workflow_graph_node.title == "Annotate 1"
    a.workflow_complete()
    assert titles(listing(workflow_graph_node_title_eq="Complete")) == ["a.png"]
    assert titles(listing(workflow_graph_node_title_like="Ann%")) == ["b.png"]
    listing()[0].workflow_reopen()
    assert titles(listing(workflow_graph_node_title_like="Ann%")) == ["a.png", "b.png"]


@pytest.mark.proves("service: 10")
def test_priorities_stand_in_the_listing_also_of_rows_not_begun(server: Running) -> None:
    here = world(server, workflow=True)
    here.add(title="a.png")
    here.begun(title="b.png")
    a, b = here.project.list_label_rows_v2()
    a.set_priority(0.25)
    b.set_priority(1.0)
    assert [row.priority for row in here.project.list_label_rows_v2()] == [0.25, 1.0]
    a.initialise_labels()
    assert [row.priority for row in here.project.list_label_rows_v2()] == [0.25, 1.0]


@pytest.mark.proves("service: 10")
def test_a_project_of_one_kind_has_no_calls_of_the_other(server: Running) -> None:
    plain, staged = world(server), world(server, workflow=True)
    row, other = plain.begun(), staged.begun()
    plain.client.workflow_complete([row["label_hash"]])  # younger clients see a workflow in every project
    assert plain.project.list_label_rows_v2()[0].label_status is LabelStatus.REVIEWED
    with pytest.raises(WrongProjectTypeError, match="This project has a workflow"):
        staged.client.set_label_status(other["label_hash"], LabelStatus.LABELLED)
    with pytest.raises(WrongProjectTypeError, match="This project has a workflow"):
        staged.client.submit_label_row_for_review(other["label_hash"])
