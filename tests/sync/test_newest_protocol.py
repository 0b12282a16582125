"""What holds of pushing, verifying, pulling and undoing holds if the service speaks only the newest protocol."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Running
from pushes import boxes

# The same tests, on another service.
from test_faults import (  # noqa: F401
    test_answers_of_429_and_500_and_cut_connections_change_nothing_and_what_is_asked_to_wait_waits,
    undisturbed,
)
from test_push import (  # noqa: F401
    test_a_dicom_series_is_a_series_again,
    test_a_image_that_changed_since_fails_alone,
    test_a_lost_journal_makes_no_double,
    test_a_push_is_spread_over_projects_and_verified_and_pulled_as_one,
    test_a_sample_that_was_pushed_differs_in_nothing,
    test_an_image_group_is_a_group_again,
    test_data_of_a_dataset_is_used_where_it_has_the_title,
    test_how_far_labelling_is_goes_along_where_the_source_says_it,
)
from test_resume import (  # noqa: F401
    test_a_push_killed_at_random_moments_and_begun_again_leaves_no_double,
    test_a_push_that_ends_at_any_request_goes_on_to_the_same_end,
    test_a_service_killed_while_it_is_pushed_to_has_all_once_when_the_push_was_begun_again,
    test_requests_that_fail_in_any_way_change_nothing,
)
from test_undo import (  # noqa: F401
    test_labels_a_push_wrote_over_are_there_again_with_authors_and_times,
    test_rows_a_push_labelled_first_are_empty_again_and_what_stays_is_said,
    test_undoing_that_ends_at_any_request_goes_on_to_the_same_end,
)

from encord_convert import sync
from encord_convert.sdk.exceptions import InvalidArgumentsError
from encord_convert.sdk.http.transport import AppTransport, Reply, Request
from encord_convert.sdk.orm.dataset import StorageLocation


@pytest.fixture(autouse=True)
def newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_PROTOCOL", "newest")


def test_what_the_newest_do_not_ask_is_not_served(server: Running) -> None:
    with pytest.raises(InvalidArgumentsError, match=r"POST projectapikey is not served at /public/user\."):
        server.user().create_project_api_key("hash", "title", [])


def test_which_protocol_a_service_speaks_is_asked_once(server: Running, tmp_path: Path) -> None:
    client, asked = server.user(), []

    class Watching(AppTransport):
        def send(self, request: Request) -> Reply:
            if isinstance(request.body, bytes) and b"query_type" in request.body:
                asked.append(json.loads(request.body)["query_type"])
            return super().send(request)

    client.querier.session.transport = Watching(server.service.answer)
    for title in ("one", "two"):
        client.create_dataset(title, StorageLocation.CORD_STORAGE)
        client.get_datasets()
    assert asked == ["dataset"]
    plan = sync.plan(boxes(tmp_path, 3), client, new_project="Boxes")
    assert sync.apply(plan, client, journal=tmp_path / "journal").failures == []
    assert not {"dataset POST", "singleimage", "signedimagesurl", "ontology"} & set(asked)
