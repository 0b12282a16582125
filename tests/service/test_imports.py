"""CVAT exports become projects: through our own client, in process and over a socket."""

from __future__ import annotations

import shutil
import sys
import time
from base64 import b64encode
from pathlib import Path

import pytest
from harness import Running
from media import image

from encord_convert.formats._files import MemorySource
from encord_convert.sdk.exceptions import ResourceNotFoundError
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.sdk.orm.label_row import LabelStatus
from encord_convert.sdk.orm.project import ReviewMode
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sdk.utilities.client_utilities import CvatImporterSuccess, LocalImport
from encord_convert.service.handlers import imports

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from label_growth import FORMS, annotations

FIXTURES = Path(__file__).parents[2] / "fixtures/cvat"
TASK = FIXTURES / "images-task-minimal"

PROJECT = """<annotations><version>1.1</version><meta><project><id>2</id><name>Cars</name><tasks><task><id>3</id>
<name>t</name><size>2</size><mode>annotation</mode><subset>default</subset></task></tasks><labels><label>
<name>car</name><color>#ff0000</color><type>any</type><attributes></attributes></label></labels><subsets>default</subsets>
</project></meta>
<image id="0" name="a.png" subset="default" task_id="3" width="40" height="30">
  <box label="car" source="manual" occluded="0" xtl="4" ytl="3" xbr="20" ybr="15" z_order="1"></box>
  <polygon label="car" source="manual" occluded="0" points="1,1;9,1;9,9" z_order="0"></polygon>
</image>
<image id="1" name="gone.png" subset="default" task_id="3" width="40" height="30">
  <box label="car" source="manual" occluded="0" xtl="4" ytl="3" xbr="20" ybr="15" z_order="0"></box>
</image></annotations>"""


def project_export(folder: Path) -> Path:
    """A project of one image, one more that was not exported, and one nobody labelled."""
    (folder / "annotations.xml").parent.mkdir(parents=True)
    (folder / "annotations.xml").write_text(PROJECT)
    for name in ("a.png", "b.png"):
        image(folder / "images/default" / name, 40, 30)
    return folder


def rows_of(user: EncordUserClient, project_hash: str) -> dict[str, LabelRowV2]:
    rows = {row.data_title: row for row in user.get_project(project_hash).list_label_rows_v2()}
    for row in rows.values():
        row.initialise_labels()
    return rows


def imported(user: EncordUserClient, folder: Path, mode: ReviewMode = ReviewMode.LABELLED, **options):
    return user.create_project_from_cvat(LocalImport(str(folder)), "Imported", mode, **options)


@pytest.mark.proves("service: 13")
def test_a_project_export_becomes_a_project_with_its_labels(server: Running, tmp_path: Path) -> None:
    ann = server.user("ann")
    done = imported(ann, project_export(tmp_path / "cvat"))
    assert isinstance(done, CvatImporterSuccess)
    project = ann.get_project(done.project_hash)
    assert project.title == "Cars"
    assert [(item.title, item.shape) for item in project.ontology_structure.objects] == [
        ("car", Shape.BOUNDING_BOX),
        ("car (polygon)", Shape.POLYGON),
    ]
    statuses = {row.data_title: row.label_status for row in project.list_label_rows_v2()}
    assert statuses == {"a.png": LabelStatus.LABELLED, "b.png": LabelStatus.NOT_LABELLED}
    row = rows_of(ann, done.project_hash)["a.png"]
    found = {item.object_name: item.get_annotation(0).coordinates for item in row.get_object_instances()}
    box = found["car"]
    assert (box.top_left_x, box.top_left_y, box.width, box.height) == pytest.approx((0.1, 0.1, 0.4, 0.4))
    assert [(p.x * 40, p.y * 30) for p in found["car (polygon)"].values] == [
        pytest.approx(xy) for xy in ((1, 1), (9, 1), (9, 9))
    ]
    [instance] = [item for item in row.get_object_instances() if item.object_name == "car"]
    assert instance.get_annotation(0).created_by == "ann@example.com"


@pytest.mark.proves("service: 13")
def test_issues_say_what_was_not_imported(server: Running, tmp_path: Path) -> None:
    done = imported(server.user("ann"), project_export(tmp_path / "cvat"))
    told = {
        severity: {one.issue_type: one.instances for one in getattr(done.issues, severity)}
        for severity in ("errors", "warnings", "infos")
    }
    assert told["errors"] == {}
    assert told["warnings"]["PICTURE_NOT_UPLOADED"] == ["gone.png: its labels are not imported."]
    assert "z_order 1" in told["warnings"]["Z_ORDER_DROPPED"][0]
    assert told["infos"]["PICTURE_WITHOUT_ANNOTATIONS"] == ["b.png: the annotations do not mention it."]


def test_boxes_become_polygons_if_asked(server: Running, tmp_path: Path) -> None:
    ann = server.user("ann")
    done = imported(ann, project_export(tmp_path / "cvat"), transform_bounding_boxes_to_polygons=True)
    assert {item.shape for item in ann.get_project(done.project_hash).ontology_structure.objects} == {Shape.POLYGON}
    row = rows_of(ann, done.project_hash)["a.png"]
    corners = [
        sorted((round(point.x * 40), round(point.y * 30)) for point in item.get_annotation(0).coordinates.values)
        for item in row.get_object_instances()
    ]
    assert [(4, 3), (4, 15), (20, 3), (20, 15)] in corners


@pytest.mark.proves("service: 13")
@pytest.mark.parametrize(
    ("mode", "status"),
    [
        (ReviewMode.UNLABELLED, LabelStatus.LABEL_IN_PROGRESS),
        (ReviewMode.LABELLED, LabelStatus.LABELLED),
        (ReviewMode.REVIEWED, LabelStatus.REVIEWED),
    ],
)
def test_the_review_mode_is_the_state_of_the_rows(
    server: Running, tmp_path: Path, mode: ReviewMode, status: LabelStatus
) -> None:
    ann = server.user("ann")
    done = imported(ann, project_export(tmp_path / "cvat"), mode)
    rows = {row.data_title: row for row in ann.get_project(done.project_hash).list_label_rows_v2()}
    assert rows["a.png"].label_status == status


@pytest.mark.proves("service: 13")
def test_a_task_export_is_named_by_paths_below_its_images(server: Running, tmp_path: Path) -> None:
    folder = tmp_path / "cvat"
    shutil.copytree(TASK / "images", folder / "images/cam 1")
    text = (TASK / "train.xml").read_text().replace('name="img', 'name="cam 1/img')
    (folder / "annotations.xml").write_text(text)
    ann = server.user("ann")
    done = imported(ann, folder)
    assert isinstance(done, CvatImporterSuccess)
    files = {path.relative_to(folder / "images").as_posix() for path in (folder / "images").rglob("*.*")}
    assert set(rows_of(ann, done.project_hash)) == files


@pytest.mark.proves("service: 13")
def test_annotations_that_cannot_be_read_make_no_project(server: Running, tmp_path: Path) -> None:
    ann = server.user("ann")
    folder = project_export(tmp_path / "cvat")
    (folder / "annotations.xml").write_text(PROJECT[:-40])
    with pytest.raises(ValueError, match=r"annotations.xml:\d+: "):
        imported(ann, folder)
    dataset = ann.create_dataset("Empty", StorageLocation.CORD_STORAGE).dataset_hash
    payload = {
        "cvat": {"annotations_base64": b64encode(PROJECT[:-40].encode()).decode()},
        "dataset_hash": dataset,
        "image_title_to_image_hash_map": {},
        "review_mode": "labelled",
        "transform_bounding_boxes_to_polygons": False,
    }
    reply = ann.querier.post(Query.PROJECT_IMPORTER, None, payload)
    [told] = reply["error"]["issues"]["errors"]
    assert told["issue_type"] == "UNREADABLE" and told["instances"][0].startswith("export/annotations.xml:")
    assert ann.get_projects() == []


def test_images_are_imported_into_ones_own_dataset_only(server: Running) -> None:
    dataset = server.user("ann").create_dataset("Hers", StorageLocation.CORD_STORAGE).dataset_hash
    payload = {
        "cvat": {"annotations_base64": b64encode(PROJECT.encode()).decode()},
        "dataset_hash": dataset,
        "image_title_to_image_hash_map": {},
        "review_mode": "labelled",
        "transform_bounding_boxes_to_polygons": False,
    }
    with pytest.raises(ResourceNotFoundError, match="There is no dataset"):
        server.user("bob").querier.post(Query.PROJECT_IMPORTER, None, payload)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><annotations><meta/></annotations>", "has a DOCTYPE"),
        ("<annotations", "annotations.xml"),
        ("<annotations><version>1.1</version><meta><task><id>1</id></task></meta><track id='0' label='a'>"
         "<box frame='0' xtl='0' ytl='0' xbr='1' ybr='1' outside='0' occluded='0' keyframe='1'/></track></annotations>",
         "CVAT for images 1.1"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_said_before_anything_is_made(server: Running, text: str, words: str) -> None:
    ann = server.user("ann")
    payload = {"annotations_base64": b64encode(text.encode()).decode()}
    reply = ann.querier.post(Query.PROJECT_IMPORTER_CVAT_INFO, None, payload)
    assert words in reply["error"]["message"]


@pytest.mark.parametrize("form", FORMS)
def test_time_to_import_grows_with_the_labels_and_no_faster(form: str) -> None:
    def seconds(count: int) -> float:
        source = MemorySource({imports.FILE: annotations(form, count)}, "export")
        began = time.process_time()
        imports._read(source, {}, False)
        return time.process_time() - began

    seconds(10)
    assert seconds(6000) < 25 * max(seconds(600), 0.01)  # were each looked for among all before it, it would be 100
