"""The label log: what saves changed, found by comparing revisions. Through our own client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

import pytest
from harness import WAYS, Running, running
from worlds import box, save, weather, with_objects, world

from encord_convert.sdk.exceptions import AuthorisationError
from encord_convert.sdk.orm.label_log import Action, LabelLog
from encord_convert.sdk.orm.label_row import LabelStatus
from encord_convert.sdk.utilities.project_user import ProjectUserRole

START = 1_700_000_000.0


class Watch:
    """A clock that is set by hand; ``now`` None: the real one, by which signatures of REST v2 are made."""

    def __init__(self) -> None:
        self.now: float | None = START

    def set(self, seconds: float) -> None:
        """Set it to so many seconds after the start."""
        self.now = START + seconds

    def __call__(self) -> float:
        return time() if self.now is None else self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(params=WAYS)
def server(request: pytest.FixtureRequest, tmp_path: Path, watch: Watch) -> Iterator[Running]:
    with running(tmp_path / "service", request.param, clock=watch) as it:
        yield it


def told(logs: list[LabelLog]) -> list[tuple[Any, ...]]:
    return [(one.action.name, one.identifier, one.feature_hash, one.label_name, one.frame) for one in logs]


@pytest.mark.proves("service: 11")
def test_what_came_changed_and_went_is_logged_once_per_save(server: Running, watch: Watch) -> None:
    here = world(server)
    begun = here.begun("VIDEO", "road.mp4", frames=9)
    moved = box("a", boundingBox={"h": 0.5, "w": 0.2, "x": 0.3, "y": 0.4})
    states = [(box("a"), box("b")), (box("a"), box("b")), (moved, box("b")), (moved,)]
    for number, objects in enumerate(states, 1):
        watch.set(10 * number)
        save(here.project, with_objects(begun, *objects, frame="4"))
    logs = here.project.get_label_logs()
    assert told(logs) == [
        ("ADD", "a", "car00001", "Car", 4), ("ADD", "b", "car00001", "Car", 4),
        ("EDIT", "a", "car00001", "Car", 4), ("DELETE", "b", "car00001", "Car", 4),
    ]  # fmt: skip
    assert [one.created_at.timestamp() - START for one in logs] == [10, 10, 30, 40]
    assert {(one.user_email, one.data_hash) for one in logs} == {("ann@example.com", begun["data_hash"])}
    assert logs[0].annotation_hash == "a" and len({one.log_hash for one in logs}) == 4
    assert [one.log_hash for one in here.project.get_label_logs()] == [one.log_hash for one in logs]


def test_an_answer_that_changes_is_an_edit_without_a_frame(server: Running, watch: Watch) -> None:
    here = world(server)
    row = here.begun()
    [unit] = row["data_units"].values()
    unit["labels"]["classifications"] = [weather("sun")]
    for number, text in enumerate(("fair", "foul")):
        watch.set(10 * number)
        answer = {
            "name": "Weather",
            "value": "weather",
            "answers": text,
            "featureHash": "wtext001",
            "manualAnnotation": True,
        }
        row["classification_answers"] = {"sun": {"classificationHash": "sun", "classifications": [answer]}}
        save(here.project, row)
    assert told(here.project.get_label_logs()) == [
        ("ADD", "sun", "weather1", "Weather", 0), ("EDIT", "sun", "weather1", "Weather", None),
    ]  # fmt: skip


def test_saving_again_what_is_there_is_no_edit(server: Running, watch: Watch) -> None:
    here = world(server)
    begun = here.begun()
    save(here.project, with_objects(begun, box("a")))
    watch.set(10)
    save(here.project, with_objects(begun, box("a", lastEditedAt="Sun, 02 Jun 2024 09:00:00 UTC", lastEditedBy="x")))
    assert told(here.project.get_label_logs()) == [("ADD", "a", "car00001", "Car", 0)]


@pytest.mark.proves("service: 11")
def test_conditions_narrow_the_log(server: Running, watch: Watch) -> None:
    here = world(server)
    a, b = here.begun(title="a.png"), here.begun(title="b.png")
    bobs = here.seen_by("bob", ProjectUserRole.ANNOTATOR)
    for project, row, name in ((here.project, a, "1"), (bobs, a, "2"), (here.project, b, "3"), (here.project, a, "4")):
        watch.set(100 * int(name))
        save(project, with_objects(row, box(name)))

    def names(**conditions: Any) -> list[str]:
        return [f"{one.action.name[0]}{one.identifier}" for one in here.project.get_label_logs(**conditions)]

    everything = names()
    assert sorted(everything) == ["A1", "A2", "A3", "A4", "D1", "D2"]
    assert sorted(names(user_email="bob@example.com")) == ["A2", "D1"]
    [bob_hash] = {one.user_hash for one in here.project.get_label_logs(user_email="bob@example.com")}
    assert sorted(names(user_hash=bob_hash)) == ["A2", "D1"]
    assert names(data_hash=b["data_hash"]) == ["A3"]
    assert sorted(names(from_unix_seconds=int(START) + 250)) == ["A3", "A4", "D2"]
    assert names(before=datetime.fromtimestamp(START + 100, UTC)) == ["A1"]
    assert sorted(names(after=datetime.fromtimestamp(START + 150, UTC), to_unix_seconds=int(START) + 350)) == [
        "A2", "A3", "D1",
    ]  # fmt: skip


@pytest.mark.proves("service: 11")
def test_statuses_and_submissions_stand_in_the_log(server: Running, watch: Watch) -> None:
    here = world(server)
    row = here.begun()
    here.client.submit_label_row_for_review(row["label_hash"])
    watch.set(1)
    here.client.set_label_status(row["label_hash"], LabelStatus.REVIEWED)
    logs = here.project.get_label_logs()
    assert [one.action for one in logs] == [Action.SUBMIT_TASK, Action.MARK_AS_REVIEWED]
    assert logs[0].identifier is None and logs[0].data_hash == row["data_hash"]


def test_an_annotator_does_not_read_the_log(server: Running) -> None:
    with pytest.raises(AuthorisationError):
        world(server).seen_by("bob", ProjectUserRole.ANNOTATOR).get_label_logs()
