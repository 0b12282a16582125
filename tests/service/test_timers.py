"""Collaborator timers: the time between saves. Through our own client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import WAYS, Running, running
from test_logs import START, Watch
from worlds import World, box, save, with_objects, world

from encord_convert.sdk.exceptions import EncordException, ResourceNotFoundError
from encord_convert.sdk.utilities.project_user import ProjectUserRole

FROM = datetime.fromtimestamp(START, UTC)


@pytest.fixture
def watch() -> Watch:
    watch = Watch()
    watch.now = None
    return watch


@pytest.fixture(params=WAYS)
def server(request: pytest.FixtureRequest, tmp_path: Path, watch: Watch) -> Iterator[Running]:
    with running(tmp_path / "service", request.param, clock=watch) as it:
        yield it


def saved(project: Any, watch: Watch, row: dict[str, Any], *times: float) -> None:
    """Save a row at moments, seconds after the start."""
    for seconds in times:
        watch.set(seconds)
        save(project, with_objects(row, box(f"{seconds}")))
    watch.now = None


def timers(project: Any, after: datetime = FROM, **more: Any) -> list[tuple[str, Any, float]]:
    found = project.list_collaborator_timers(after, **more)
    return sorted((one.user_email, one.data_title or "", one.time_seconds) for one in found)


def two_people(server: Running, watch: Watch) -> World:
    watch.set(-100)
    here = world(server)
    a, b = here.begun(title="a.png"), here.begun(title="b.png")
    bobs = here.seen_by("bob", ProjectUserRole.ANNOTATOR)
    saved(here.project, watch, a, 0, 10, 40)
    saved(here.project, watch, b, 50, 1000)  # went away: counts as five minutes
    saved(bobs, watch, a, 2000, 2020)
    return here


@pytest.mark.proves("service: 11")
def test_time_between_saves_counts_up_to_five_minutes(server: Running, watch: Watch) -> None:
    here = two_people(server, watch)
    assert timers(here.project) == [
        ("ann@example.com", "a.png", 40.0), ("ann@example.com", "b.png", 300.0), ("bob@example.com", "a.png", 20.0),
    ]  # fmt: skip


def test_times_of_a_project_are_the_sum_of_those_of_its_data(server: Running, watch: Watch) -> None:
    here = two_people(server, watch)
    found = list(here.project.list_collaborator_timers(FROM, group_by_data_unit=False))
    assert {one.user_email: (one.time_seconds, one.user_role, one.data_title) for one in found} == {
        "ann@example.com": (340.0, ProjectUserRole.ADMIN, None),
        "bob@example.com": (20.0, ProjectUserRole.ANNOTATOR, None),
    }


def test_times_of_adjoining_periods_add_up(server: Running, watch: Watch) -> None:
    here = two_people(server, watch)
    middle = FROM + timedelta(seconds=30)
    first = timers(here.project, FROM, before=middle)
    second = timers(here.project, middle)
    assert first == [("ann@example.com", "a.png", 10.0)]
    assert second == [
        ("ann@example.com", "a.png", 30.0), ("ann@example.com", "b.png", 300.0), ("bob@example.com", "a.png", 20.0),
    ]  # fmt: skip


@pytest.mark.proves("service: 11")
@pytest.mark.parametrize("group_by", ["dataUnit", "project"])
def test_pages_hold_every_item_once(server: Running, watch: Watch, group_by: str) -> None:
    here = two_people(server, watch)
    params = {"projectHash": here.project.project_hash, "after": str(FROM), "groupBy": group_by, "pageSize": 1}
    items, token = [], None
    while True:
        page = here.client.timers_page(params | ({"pageToken": token} if token else {}))
        assert len(page["results"]) == 1
        items += page["results"]
        token = page["nextPageToken"]
        if token is None:
            break
    assert sorted(one["timeSeconds"] for one in items) == {"dataUnit": [20, 40, 300], "project": [20, 340]}[group_by]


def test_a_token_of_another_listing_is_refused(server: Running) -> None:
    here = world(server)
    params = {"projectHash": here.project.project_hash, "after": str(FROM), "groupBy": "project", "pageToken": "xx"}
    with pytest.raises(EncordException, match="The pageToken is not one of this listing"):
        here.client.timers_page(params)


def test_whoever_does_not_lead_the_project_sees_no_times(server: Running) -> None:
    here = world(server)
    for project in (here.seen_by("bob", ProjectUserRole.ANNOTATOR),):
        with pytest.raises(ResourceNotFoundError):
            list(project.list_collaborator_timers(FROM))
