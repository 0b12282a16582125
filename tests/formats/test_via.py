"""VIA: shapes, attributes, forms, damage, and what comes back."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_formats import FIXTURES, Read, cases, coco_agrees, comes_back, goes_through_the_hub, written

from encord_convert import ReadError, WriteError
from encord_convert._samples import SAMPLES
from encord_convert.formats import Match, MemorySource, format_named
from encord_convert.geometry import png

RECT = {"name": "rect", "x": 10, "y": 20, "width": 30, "height": 40}


def region(shape: Any = RECT, **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def entry(*regions: Any, **members: Any) -> dict[str, Any]:
    return {"a.jpg9": {"filename": "a.jpg", "size": 9, "regions": list(regions), "file_attributes": {}, **members}}


def via(*regions: Any, **options: object) -> Read:
    return Read("via", {"via.json": json.dumps(entry(*regions))}, **{"size": "100x80", **options})


@pytest.mark.parametrize(("case", "regions", "images"), [("project-2", 7, 2), ("json-1", 2, 1), ("csv-2", 5, 2)])
def test_a_fixture_is_read_whole(case: str, regions: int, images: int) -> None:
    found = Read("via", FIXTURES / "via" / case, size="480x320")
    assert (len(found.objects), len(found.rows)) == (regions, images)
    assert not found.losses


@pytest.mark.parametrize("case", cases("via"), ids=lambda case: case.name)
def test_a_fixture_comes_back_from_its_own_format_from_coco_and_from_the_hub(case: Path, tmp_path: Path) -> None:
    comes_back("via", case, tmp_path / "own")
    goes_through_the_hub("via", case, tmp_path)
    coco_agrees("via", case, tmp_path / "coco")


def test_regions_of_each_form_come_back_value_for_value() -> None:
    project = FIXTURES / "via" / "project-2"
    files = written("via", Read("via", project, size="480x320").labels)[0]
    assert json.loads(files["via_project.json"]) == json.loads((project / "via_project.json").read_text())
    table = FIXTURES / "via" / "csv-2" / "via_region_data.csv"
    files = written("via", Read("via", table.parent, size="480x320").labels)[0]
    rows = [list(csv.reader(io.StringIO(text))) for text in (table.read_text(), files["via_region_data.csv"].decode())]
    assert rows[0] == rows[1]


def test_circles_and_ellipses_are_shapes_of_the_hub_and_come_back_as_they_were() -> None:
    circle = {"name": "circle", "cx": 50, "cy": 40, "r": 20}
    ellipse = {"name": "ellipse", "cx": 50, "cy": 40, "rx": 20, "ry": 10, "theta": 0.5}
    found = via(region(circle, label="dial"), region(ellipse, label="dial"))
    assert [str(one.ontology_item.shape.value) for one in found.objects] == ["circle", "ellipse"]
    assert found.objects[1]._frames[0].coordinates.theta == pytest.approx(28.6478898)
    files, report = written("via", found.labels)
    regions = json.loads(files["via_region_data.json"])["a.jpg9"]["regions"]
    assert [one["shape_attributes"] for one in regions] == [circle, ellipse] and report.is_lossless
    lost = written("coco-rle", found.labels)[1]
    assert {one.code for one in lost.losses()} >= {"CIRCLE_APPROXIMATED", "ELLIPSE_APPROXIMATED"}


def test_the_class_is_the_attribute_that_is_named() -> None:
    regions = region(kind="car", colour="red"), region(kind="bus", colour="blue")
    assert {one.object_name for one in via(*regions).objects} == {"region"}
    assert {one.object_name for one in via(*regions, label="kind").objects} == {"car", "bus"}
    assert {one.object_name for one in via(region(kind="car")).objects} == {"car"}
    for options in ({}, {"label": "kind"}):
        files = written("via", via(*regions, **options).labels)[0]
        assert json.loads(files["via_region_data.json"])["a.jpg9"]["regions"] == list(regions)


def test_answers_have_the_kinds_of_the_project() -> None:
    project = {
        "_via_settings": {},
        "_via_img_metadata": entry(
            region(name="car", make="vw", seen={"left": True, "right": False}, doors=4.5, note="")
        ),
        "_via_attributes": {"region": {"make": {"type": "radio", "options": {"vw": "", "fiat": ""}}}, "file": {}},
    }
    found = Read("via", {"p.json": json.dumps(project)}, size="100x80")
    kinds = {one.title: type(one).__name__ for one in found.labels.ontology.objects[0].attributes}
    assert kinds == {
        "make": "RadioAttribute", "seen": "ChecklistAttribute", "doors": "NumericAttribute", "note": "TextAttribute"
    }  # fmt: skip
    assert [option.label for option in found.labels.ontology.objects[0].attributes[0].options] == ["vw", "fiat"]


def test_labels_of_others_are_a_project_that_is_read_again() -> None:
    files, _ = written("via", SAMPLES["answers"]())
    project = json.loads(files["via_project.json"])
    assert {"_via_settings", "_via_img_metadata", "_via_attributes", "_via_image_id_list"} <= project.keys()
    assert project["_via_attributes"]["region"]["colour"]["type"] == "radio"
    for form, name in (("csv", "via_region_data.csv"), ("json", "via_region_data.json")):
        files, _ = written("via", SAMPLES["polygons"](), form=form)
        assert len(Read("via", files).objects) == 1 and name in files


def test_an_attribute_that_is_called_as_the_classes_are_is_refused() -> None:
    regions = region(object_label="car", label="x")
    found = via(regions, label="label")
    with pytest.raises(WriteError, match="classes are the attribute"):
        labels = found.labels
        labels.native = {}
        written("via", labels)


@pytest.mark.parametrize(
    "shape",
    [
        {"name": "rect", "x": 1, "y": 2, "width": 0, "height": 4},
        {"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]},
        {"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]},
        {"name": "circle", "cx": 1, "cy": 1, "r": "big"},
        {"name": "ellipse", "cx": 1, "cy": 1, "rx": 0, "ry": 3},
        {"name": "point", "cx": 1e12, "cy": 1},
        {"name": "star"},
        {},
        "rect",
    ],
)
def test_a_damaged_region_costs_itself_and_is_counted(shape: Any) -> None:
    found = via(region(label="car"), region(shape, label="car"))
    assert len(found.objects) == 1 and found.losses == {"INVALID_GEOMETRY": 1}


def test_an_integer_that_is_no_float_comes_back_as_it_is() -> None:
    files = written("via", via(region(label="car", plate=10**400)).labels)[0]
    assert str(10**400) in files["via_region_data.json"].decode()


def test_attributes_without_a_shape_are_counted_in_a_table() -> None:
    table = (FIXTURES / "via" / "csv-2" / "via_region_data.csv").read_text()
    assert table.endswith('"{}","{}"\n')
    odd = table.removesuffix('"{}"\n') + '"{""name"":""swan""}"\n'
    assert Read("via", {"a.csv": odd}, size="480x320").losses == {"INVALID_GEOMETRY": 1}


def test_a_key_that_is_not_the_name_and_size_is_counted_where_it_has_no_place() -> None:
    odd = json.dumps({"odd": entry(region(label="car"))["a.jpg9"]})
    found = Read("via", {"via.json": odd}, size="100x80")
    _, report = written("voc", found.labels)
    assert [(loss.code, loss.label) for loss in report.losses()] == [("NATIVE_DROPPED", "image.(key)")]


def test_a_region_without_a_shape_or_a_class_is_called_a_region_and_makes_no_class() -> None:
    found = via(region(label="car"), region({}))
    assert [(loss.type, loss.label) for loss in found.report.losses()] == [("region", "")]
    assert {one.title for one in found.labels.ontology.objects} == {"car"}


def two_splits() -> dict[str, Any]:
    image = png.encoded(np.zeros((80, 100), np.uint8))
    label = json.dumps(entry(region(label="car")))
    return {
        f"{split}/{name}": data for split in ("train", "val") for name, data in (("via.json", label), ("a.jpg", image))
    }


def test_the_image_beside_its_label_file_is_meant_where_another_split_has_one_of_its_name() -> None:
    found = Read("via", two_splits())
    assert [(row.data_title, row.width, row.client_metadata) for row in found.rows] == [
        ("a.jpg", 100, {"split": "train"}), ("a.jpg", 100, {"split": "val"}),
    ]  # fmt: skip


def test_splits_come_back_as_a_file_attribute_and_a_name_that_changes_is_said() -> None:
    files, report = written("via", Read("via", two_splits()).labels)
    assert [(note.code, note.count) for note in report.notes() if note.code == "NAME_CLASH"] == [("NAME_CLASH", 1)]
    images = json.loads(files["via_region_data.json"])
    assert {one["filename"]: one["file_attributes"] for one in images.values()} == {
        "a.jpg": {"split": "train"}, "a (2).jpg": {"split": "val"},
    }  # fmt: skip
    again = Read("via", files)
    assert [row.client_metadata for row in again.rows] == [{"split": "train"}, {"split": "val"}]
    assert written("via", again.labels)[0] == files
    project = written("via", again.labels, form="project")[0]["via_project.json"]
    assert json.loads(project)["_via_attributes"]["file"]["split"]["type"] == "text"


def test_images_of_two_files_with_one_key_are_both_written() -> None:
    odd = json.dumps({"odd": entry()["a.jpg9"]})
    found = Read("via", {"x/via.json": odd, "y/via.json": odd}, size="100x80")
    assert len(Read("via", written("via", found.labels)[0]).rows) == 2


def test_an_entry_that_is_no_image_is_counted() -> None:
    text = json.dumps({**entry(region(label="car")), "b.jpg1": {"regions": []}})
    assert Read("via", {"via.json": text}, size="100x80").losses == {"INVALID_ANNOTATION": 1}
    with pytest.raises(ReadError, match="has no object '_via_img_metadata'"):
        Read("via", {"via.json": '{"_via_settings": {}, "_via_img_metadata": 5}'}, size="100x80")


def test_an_entry_that_is_no_image_is_counted_with_the_regions_in_it() -> None:
    inner = {"a.jpg9": {"filename": "a.jpg", "regions": [region(label="car"), region(label="van")]}}
    text = json.dumps({**entry(region(label="car")), "wrapped": inner, "b.jpg1": {"regions": {"0": region()}}})
    counts = Read("via", {"via.json": text}, size="100x80").labels.counts
    assert counts.dropped == {("image", ""): 2, ("region", ""): 3}
    assert counts.into["region", ""] == 3


def test_rows_of_a_table_that_disagree_on_their_image_are_said() -> None:
    text = (FIXTURES / "via" / "csv-2" / "via_region_data.csv").read_text().replace("40512", "7", 1)
    assert "ROWS_DIFFER" in Read("via", {"a.csv": text}, size="480x320").notes


@pytest.mark.parametrize("text", ['{"a": {"filename": "a.jpg"}}', '{"a": {"regions": []}}', "[]", "{}"])
def test_other_json_is_not_via(text: str) -> None:
    assert format_named("via").identify(MemorySource({"a.json": text.encode()})) is Match.NO
