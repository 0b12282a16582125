"""Times are read in every form the platform reads, keep their zone, and are written in one form."""

from __future__ import annotations

import copy
import locale
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hub_samples import object_entry, row_json, unit, video
from hypothesis import given
from hypothesis import strategies as st

from encord_convert.sdk.common.time_parser import format_datetime, parse_datetime

FORMS = [
    ("Mon, 01 Jan 2024 10:00:00 GMT", datetime(2024, 1, 1, 10, tzinfo=UTC), "Mon, 01 Jan 2024 10:00:00 UTC"),
    ("Mon, 01 Jan 2024 10:00:00 UTC", datetime(2024, 1, 1, 10, tzinfo=UTC), "Mon, 01 Jan 2024 10:00:00 UTC"),
    ("Mon, 01 Jan 2024 10:00:00 ", datetime(2024, 1, 1, 10), "Mon, 01 Jan 2024 10:00:00 "),
    ("Mon, 01 Jan 2024 10:00:00 +0200", datetime(2024, 1, 1, 8, tzinfo=UTC), "Mon, 01 Jan 2024 08:00:00 UTC"),
    ("Mon, 01 Jan 2024 10:00:00 EST", datetime(2024, 1, 1, 15, tzinfo=UTC), "Mon, 01 Jan 2024 15:00:00 UTC"),
    ("Mon, 01 Jul 2024 10:00:00 BST", datetime(2024, 7, 1, 9, tzinfo=UTC), "Mon, 01 Jul 2024 09:00:00 UTC"),
    ("Mon, 01 Jan 2024 10:00:00 CET", datetime(2024, 1, 1, 9, tzinfo=UTC), "Mon, 01 Jan 2024 09:00:00 UTC"),
    ("Mon, 01 Jul 2024 10:00:00 CEST", datetime(2024, 7, 1, 8, tzinfo=UTC), "Mon, 01 Jul 2024 08:00:00 UTC"),
    ("Mon, 01 Jan 2024 10:00:00 IST", datetime(2024, 1, 1, 4, 30, tzinfo=UTC), "Mon, 01 Jan 2024 04:30:00 UTC"),
    ("2024-01-01T10:00:00Z", datetime(2024, 1, 1, 10, tzinfo=UTC), "Mon, 01 Jan 2024 10:00:00 UTC"),
    ("2024-01-01T10:00:00+02:00", datetime(2024, 1, 1, 8, tzinfo=UTC), "Mon, 01 Jan 2024 08:00:00 UTC"),
    ("2024-01-01T10:00:00.123456", datetime(2024, 1, 1, 10, 0, 0, 123456), "Mon, 01 Jan 2024 10:00:00 "),
    ("2024-01-01 10:00:00", datetime(2024, 1, 1, 10), "Mon, 01 Jan 2024 10:00:00 "),
    ("01/02/2024", datetime(2024, 1, 2), "Tue, 02 Jan 2024 00:00:00 "),
]


@pytest.mark.parametrize(("text", "moment", "written"), FORMS, ids=[form[0] for form in FORMS])
def test_every_form_is_read_and_one_is_written(text: str, moment: datetime, written: str) -> None:
    got = parse_datetime(text)
    assert got == moment
    assert (got.tzinfo is None) is (moment.tzinfo is None)
    assert format_datetime(got) == written
    assert parse_datetime(written) == moment.replace(microsecond=0)


@pytest.mark.parametrize("text", ["", "yesterday", "Mon, 01 Foo 2024 10:00:00 UTC", "Mon, 32 Jan 2024 10:00:00 UTC"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_datetime(text)


@pytest.mark.parametrize("wrong", [None, 5])
def test_what_is_no_text_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError):
        parse_datetime(wrong)  # type: ignore[arg-type]


def test_a_time_marked_utc_goes_with_times_without_zone_as_it_always_did() -> None:
    marked, bare = parse_datetime("Mon, 01 Jan 2024 10:00:00 UTC"), datetime(2024, 1, 1, 10)
    assert marked == bare == marked
    assert marked > datetime(2024, 1, 1, 9) and datetime(2024, 1, 1, 11) > marked
    assert marked <= bare <= marked and not marked < bare
    assert marked - datetime(2024, 1, 1) == timedelta(hours=10)
    assert datetime(2024, 1, 2) - marked == timedelta(hours=14)


def test_a_time_marked_utc_is_a_time_in_utc() -> None:
    marked, plain = parse_datetime("Mon, 01 Jan 2024 10:00:00 UTC"), datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert marked == plain and hash(marked) == hash(plain) and repr(marked) == repr(plain)
    assert marked.isoformat() == "2024-01-01T10:00:00+00:00"
    assert marked.astimezone(timezone(timedelta(hours=2))).hour == 12
    assert marked.replace(hour=1) == datetime(2024, 1, 1, 1, tzinfo=UTC)
    assert marked + timedelta(hours=1) == datetime(2024, 1, 1, 11, tzinfo=UTC)
    for twin in (copy.deepcopy(marked), pickle.loads(pickle.dumps(marked))):
        assert twin == plain and type(twin) is datetime


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))
def test_times_are_read_as_written_to_the_second(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert parse_datetime(format_datetime(whole)) == whole
    assert parse_datetime(format_datetime(whole.replace(tzinfo=UTC))) == whole.replace(tzinfo=UTC)


def test_names_are_english_whatever_the_locale() -> None:
    before = locale.setlocale(locale.LC_TIME)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C"):
        try:
            locale.setlocale(locale.LC_TIME, name)
        except locale.Error:
            continue
        assert format_datetime(datetime(2024, 3, 5)) == "Tue, 05 Mar 2024 00:00:00 "
        assert parse_datetime("Tue, 05 Mar 2024 00:00:00 UTC").month == 3
    locale.setlocale(locale.LC_TIME, before)


def test_a_label_made_in_summer_time_is_read_and_written_at_that_moment() -> None:
    entry = object_entry("O1", createdAt="Mon, 01 Jul 2024 10:00:00 BST", lastEditedAt="Mon, 01 Jul 2024 12:00:00 CEST")
    answers = {"O1": {"objectHash": "O1", "classifications": []}}
    labels = {"0": {"objects": [entry], "classifications": []}}
    row = video()
    row.from_labels_dict(row_json(units=[unit("v", labels=labels)], object_answers=answers))
    written = row.to_encord_dict()["data_units"]["v"]["labels"]["0"]["objects"][0]
    assert written["createdAt"] == "Mon, 01 Jul 2024 09:00:00 UTC"
    assert written["lastEditedAt"] == "Mon, 01 Jul 2024 10:00:00 UTC"
