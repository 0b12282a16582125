"""CVAT imports and de-identification."""

from __future__ import annotations

from pathlib import Path

from encord.exceptions import (
    InvalidArgumentsError,
    ResourceNotFoundError,
)
from encord.objects import (
    Shape,
)
from encord.objects.common import (
    DeidentifyRedactTextMode,
    SaveDeidentifiedDicomConditionIn,
    SaveDeidentifiedDicomConditionNotSubstr,
)
from encord.orm.label_row import LabelStatus
from encord.orm.project import ReviewMode
from encord.utilities.client_utilities import CvatImporterSuccess, LocalImport
from world import FOLDER, check, refused, w


@check
def import_cvat_project() -> None:
    done = w.ann.create_project_from_cvat(LocalImport(str(FOLDER / "cvat_project")), "From CVAT", ReviewMode.REVIEWED)
    assert isinstance(done, CvatImporterSuccess), done
    project = w.ann.get_project(done.project_hash)
    row = next(one for one in project.list_label_rows_v2() if one.data_title == "a.png")
    assert row.label_status == LabelStatus.REVIEWED
    row.initialise_labels()
    assert {one.ontology_item.shape for one in row.get_object_instances()} == {Shape.BOUNDING_BOX, Shape.POLYGON}


@check
def import_cvat_task_with_polygons() -> None:
    done = w.ann.create_project_from_cvat(
        LocalImport(str(FOLDER / "cvat_task")), "From a task", transform_bounding_boxes_to_polygons=True
    )
    assert isinstance(done, CvatImporterSuccess), done
    project = w.ann.get_project(done.project_hash)
    assert {item.shape for item in project.ontology_structure.objects} == {Shape.POLYGON}
    assert any(issue.issue_type == "Z_ORDER_DROPPED" for issue in done.issues.warnings)


@check
def import_cvat_that_is_broken() -> None:
    refused(ValueError, lambda: w.ann.create_project_from_cvat(LocalImport(str(FOLDER / "cvat_broken")), "Broken"))


def dicom(name: str) -> str:
    return (FOLDER / "cloud" / name).as_uri()


@check
def deidentify_dicom() -> None:
    [done] = w.ann.deidentify_dicom_files([dicom("scan.dcm")], w.integration)
    path = Path(done.removeprefix("file://"))
    assert path.parent == FOLDER / "cloud" and path.name.startswith("deid_") and path.name.endswith("_scan.dcm")
    assert b"SECRET" not in path.read_bytes()
    assert b"SECRET" in (FOLDER / "cloud/scan.dcm").read_bytes()


@check
def deidentify_under_conditions() -> None:
    kept = w.ann.deidentify_dicom_files(
        [dicom("scan.dcm"), dicom("other.dcm")],
        w.integration,
        redact_pixels_mode=DeidentifyRedactTextMode.REDACT_ALL_TEXT,
        save_conditions=[
            SaveDeidentifiedDicomConditionIn(value=["CT"], dicom_tag="00080060"),
            SaveDeidentifiedDicomConditionNotSubstr(value="INVALID", dicom_tag="00081030"),
        ],
        upload_dir="out",
    )
    [path] = [Path(one.removeprefix("file://")) for one in kept]
    assert path.parent == FOLDER / "cloud/out" and path.name.endswith("_scan.dcm")


@check
def deidentify_with_a_bad_file() -> None:
    error = refused(
        InvalidArgumentsError,
        lambda: w.ann.deidentify_dicom_files([dicom("scan.dcm"), dicom("a.png")], w.integration),
    )
    assert "a.png" in str(error)


@check
def deidentify_outside_is_refused() -> None:
    refused(
        InvalidArgumentsError,
        lambda: w.ann.deidentify_dicom_files([dicom("scan.dcm")], w.integration, upload_dir="../out"),
    )


def reviewed(mode: ReviewMode) -> set[LabelStatus]:
    done = w.ann.create_project_from_cvat(LocalImport(str(FOLDER / "cvat_task")), f"As {mode.value}", mode)
    return {row.label_status for row in w.ann.get_project(done.project_hash).list_label_rows_v2() if row.label_hash}


@check
def import_cvat_in_each_review_mode() -> None:
    assert reviewed(ReviewMode.UNLABELLED) == {LabelStatus.LABEL_IN_PROGRESS}
    assert reviewed(ReviewMode.LABELLED) == {LabelStatus.LABELLED}
    assert reviewed(ReviewMode.REVIEWED) == {LabelStatus.REVIEWED}


@check
def import_cvat_says_which_images_have_no_labels() -> None:
    done = w.ann.create_project_from_cvat(LocalImport(str(FOLDER / "cvat_project")), "Told")
    [told] = [one for one in done.issues.infos if one.issue_type == "PICTURE_WITHOUT_ANNOTATIONS"]
    assert told.instances[0].startswith("c.png") and done.issues.errors == []


@check
def deidentify_with_the_header_as_it_is() -> None:
    [done] = w.ann.deidentify_dicom_files([dicom("scan.dcm")], w.integration, redact_dicom_tags=False)
    assert Path(done.removeprefix("file://")).read_bytes() == (FOLDER / "cloud/scan.dcm").read_bytes()


@check
def deidentify_sensitive_text() -> None:
    mode = DeidentifyRedactTextMode.REDACT_SENSITIVE_TEXT
    assert len(w.ann.deidentify_dicom_files([dicom("scan.dcm")], w.integration, redact_pixels_mode=mode)) == 1


@check
def deidentify_where_no_file_meets_the_conditions() -> None:
    conditions = [SaveDeidentifiedDicomConditionIn(value=["XA"], dicom_tag="Modality")]
    assert w.ann.deidentify_dicom_files([dicom("scan.dcm")], w.integration, save_conditions=conditions) == []


@check
def deidentify_in_an_unknown_integration() -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    refused(ResourceNotFoundError, lambda: w.ann.deidentify_dicom_files([dicom("scan.dcm")], unknown))
