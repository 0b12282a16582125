"""DICOM files are de-identified where they lie, all of a call or none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import WAYS, Running, key_of, running
from pydicom import dcmread

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http._envelopes import request_bytes
from encord_convert.sdk.http._signatures import authorization
from encord_convert.sdk.http.routes import REQUEST_ID, USER, Query, Verb
from encord_convert.sdk.http.transport import Request
from encord_convert.sdk.objects.common import (
    DeidentifyRedactTextMode,
    SaveDeidentifiedDicomConditionIn,
    SaveDeidentifiedDicomConditionNotSubstr,
)
from encord_convert.service.redactions import Job, redacted

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
from dicom_files import image


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    folder = (tmp_path / "cloud").resolve()
    (folder / "scans").mkdir(parents=True)
    for number, modality in enumerate(("CT", "MR", "CT")):
        (folder / f"scans/{number} a.dcm").write_bytes(image(number, Modality=modality, InstitutionName="SECRET"))
    (folder / "scans/broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 20)
    return folder


@pytest.fixture(params=WAYS)
def served(request: pytest.FixtureRequest, tmp_path: Path, cloud: Path) -> Iterator[Running]:
    with running(tmp_path / "service", request.param, private_data=[str(cloud)]) as it:
        yield it


def deidentified(server: Running, files: list[Path], **options) -> list[Path]:
    ann = server.user("ann")
    [integration] = ann.get_cloud_integrations()
    done = ann.deidentify_dicom_files([file.as_uri() for file in files], integration.id, **options)
    return [Path(one.removeprefix("file://").replace("%20", " ")) for one in done]


@pytest.mark.proves("service: case 19 case 20")
def test_results_lie_beside_their_sources_with_a_stamp_each(served: Running, cloud: Path) -> None:
    files = [cloud / f"scans/{number} a.dcm" for number in (2, 0, 0)]
    before = [file.read_bytes() for file in files]
    done = deidentified(served, files)
    assert [(path.parent, path.name.split("_", 2)[::2]) for path in done] == [
        (cloud / "scans", ["deid", "2 a.dcm"]),
        (cloud / "scans", ["deid", "0 a.dcm"]),
        (cloud / "scans", ["deid", "0 a.dcm"]),
    ]
    stamps = {path.name.split("_")[1] for path in done}
    assert len(stamps) == 3 and all(len(stamp) == 18 and stamp.isdigit() for stamp in stamps)
    assert [file.read_bytes() for file in files] == before
    for path in done:
        assert b"SECRET" not in path.read_bytes()
        assert dcmread(path).PatientIdentityRemoved == "NO"


@pytest.mark.proves("service: case 23", "service: case 24")
def test_files_that_do_not_meet_the_conditions_are_left_out(served: Running, cloud: Path) -> None:
    files = [cloud / f"scans/{number} a.dcm" for number in range(3)]
    done = deidentified(
        served,
        files,
        save_conditions=[
            SaveDeidentifiedDicomConditionIn(["CT"], "Modality"),
            SaveDeidentifiedDicomConditionNotSubstr("2.25.2x", "0008,0018"),
        ],
        upload_dir="out/deep",
    )
    assert [path.name[24:] for path in done] == ["0 a.dcm", "2 a.dcm"]
    assert {path.parent for path in done} == {cloud / "out/deep"}


@pytest.mark.proves("service: case 21")
def test_an_untouched_header_is_the_file_itself(served: Running, cloud: Path) -> None:
    file = cloud / "scans/0 a.dcm"
    [done] = deidentified(served, [file], redact_dicom_tags=False)
    assert done.read_bytes() == file.read_bytes()


@pytest.mark.proves("service: case 25")
def test_one_bad_file_saves_nothing_and_each_is_named(served: Running, cloud: Path) -> None:
    files = [cloud / "scans/0 a.dcm", cloud / "scans/broken.dcm"]
    before = sorted(cloud.rglob("*"))
    with pytest.raises(InvalidArgumentsError, match=r"Nothing was saved, for 1 of 2 files: .*broken\.dcm: It "):
        deidentified(served, files, redact_pixels_mode=DeidentifyRedactTextMode.REDACT_ALL_TEXT)
    with pytest.raises(InvalidArgumentsError, match=r"for 2 of 3 files: .*gone\.dcm: there is no such file.*also\.dcm"):
        deidentified(served, [files[0], cloud / "gone.dcm", cloud / "also.dcm"])
    assert sorted(cloud.rglob("*")) == before


@pytest.mark.proves("service: case 24")
@pytest.mark.parametrize("folder", ["..", "a/../../b", "/../x", "a/\0"])
def test_a_folder_that_leads_out_is_refused(served: Running, cloud: Path, folder: str) -> None:
    with pytest.raises(InvalidArgumentsError, match="does not stay below the root of the integration"):
        deidentified(served, [cloud / "scans/0 a.dcm"], upload_dir=folder)


def test_only_files_of_an_integration_are_treated(served: Running, tmp_path: Path, cloud: Path) -> None:
    with pytest.raises(InvalidArgumentsError, match="is not below the folder or bucket of this integration"):
        deidentified(served, [tmp_path / "elsewhere.dcm"])
    with pytest.raises(ResourceNotFoundError, match="There is no cloud integration"):
        served.user("ann").deidentify_dicom_files([(cloud / "scans/0 a.dcm").as_uri()], "another")


@pytest.mark.proves("service: case 22")
def test_sensitive_text_without_recognition_is_all_text_and_said(
    served: Running, cloud: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deidentified(served, [cloud / "scans/0 a.dcm"], redact_pixels_mode=DeidentifyRedactTextMode.REDACT_SENSITIVE_TEXT)
    assert "No text recognition is installed: all text is painted over" in caplog.text
    assert "PatientName and the UIDs of instance, series and study are kept" in caplog.text
    assert "0 a.dcm" not in caplog.text


@pytest.mark.proves("service: case 19 case 20")
def test_the_log_says_what_became_of_each_file_and_names_none(
    served: Running, cloud: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    named = cloud / "scans/2024 MILLER chest.dcm"
    named.write_bytes(image(9, Modality="CT", PatientName="Miller^Ann"))
    conditions = [SaveDeidentifiedDicomConditionIn(["CT"], "Modality")]
    deidentified(served, [named, cloud / "scans/1 a.dcm", cloud / "scans/0 a.dcm"], save_conditions=conditions)
    assert "File 0 is saved; 0 boxes are painted over, 0.0 % of it." in caplog.text
    assert "File 0 is named after its patient, and the result still is." in caplog.text
    assert "File 1 is not saved: a condition does not hold." in caplog.text
    assert "De-identified 2 of 3 files. PatientName" in caplog.text
    assert "ILLER" not in caplog.text and "File 2 is named" not in caplog.text


@pytest.mark.proves("service: case 23")
def test_no_file_that_meets_the_conditions_is_an_empty_list(served: Running, cloud: Path) -> None:
    before = sorted(cloud.rglob("*"))
    conditions = [SaveDeidentifiedDicomConditionIn(["XA"], "Modality")]
    assert deidentified(served, [cloud / "scans/0 a.dcm"], save_conditions=conditions, upload_dir="new") == []
    assert sorted(cloud.rglob("*")) == before


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (SaveDeidentifiedDicomConditionIn(["CT"], "Nonsense"), "'Nonsense' is no DICOM tag"),
        (SaveDeidentifiedDicomConditionIn("CT", "Modality"), "a list of texts for IN"),
    ],
)
def test_a_condition_that_is_none_is_refused(served: Running, cloud: Path, condition, sentence: str) -> None:
    with pytest.raises(InvalidArgumentsError, match=sentence):
        deidentified(served, [cloud / "scans/0 a.dcm"], save_conditions=[condition])


@pytest.mark.proves("service: case 24")
def test_a_name_that_is_taken_gets_another_stamp(tmp_path: Path, cloud: Path) -> None:
    with running(tmp_path / "service", private_data=[str(cloud)], clock=lambda: 1_700_000_000.0) as server:
        first, second = (deidentified(server, [cloud / "scans/0 a.dcm"])[0] for _ in range(2))
    assert first.name == "deid_170000000000000000_0 a.dcm"
    assert second.name == "deid_170000000000000001_0 a.dcm"


def test_a_call_sent_twice_saves_once(served: Running, cloud: Path) -> None:
    [integration] = served.user("ann").get_cloud_integrations()
    payload = {"dicom_urls": [(cloud / "scans/0 a.dcm").as_uri()]}
    body = request_bytes(Query.DICOM_DEIDENTIFY_TASK, Verb.POST, integration.id, payload)
    headers = {"Authorization": authorization(key_of("ann"), body), REQUEST_ID: "once"}
    request = Request("POST", served.url + USER, headers, body)
    first, second = (served.transport().send(request).body for _ in range(2))
    assert first == second
    assert len(list(cloud.glob("scans/deid_*"))) == 1


def test_a_file_that_is_too_large_fails_alone(tmp_path: Path, cloud: Path) -> None:
    huge = tmp_path / "huge.dcm"
    huge.write_bytes(image(5, Rows=30_000, Columns=30_000, NumberOfFrames=2, PixelData=b"\0\0"))
    files = [(str(huge), str(tmp_path / "1")), (str(cloud / "scans/0 a.dcm"), str(tmp_path / "2"))]
    first, second = redacted(Job(files, True, "REDACT_ALL_TEXT", []))
    assert first.fault is not None and "GiB are the most" in first.fault
    assert second.is_saved and (tmp_path / "2").stat().st_size > 0


def test_a_reader_that_breaks_is_a_fault_of_the_files_after_it(
    tmp_path: Path, cloud: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encord_convert.service.redactions.MOST_TIME_S", 0.01)
    [only] = redacted(Job([(str(cloud / "scans/0 a.dcm"), str(tmp_path / "1"))], True, "REDACT_NO_TEXT", []))
    assert only.fault is not None and "send fewer at once" in only.fault
