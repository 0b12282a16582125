"""Pascal VOC: the counts of fixtures, the one-pixel question, odd files, masks, and what comes back."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encord_convert import ReadError, Report, convert, read, write
from encord_convert.formats import MemorySource, detect
from encord_convert.formats._files import source_at
from encord_convert.formats.voc.page import FORMAT, ReadOptions
from encord_convert.geometry import png
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.objects import Shape

FIXTURES = Path(__file__).parents[2] / "fixtures" / "voc"
CASES = {
    "official-parts-actions": ({"cat": 1, "person": 1}, 1, 1),
    "roboflow-chess": (
        {"black-bishop": 4, "black-king": 2, "black-knight": 2, "black-pawn": 4, "black-rook": 1, "white-bishop": 3,
         "white-king": 2, "white-knight": 1, "white-pawn": 2, "white-queen": 1},
        0,
        0,
    ),
}  # fmt: skip
"""Objects by class, parts, and objects that are truncated."""


def box(xmin: Any, ymin: Any, xmax: Any, ymax: Any) -> str:
    return f"<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>"


def xml(*objects: str, top: str = "", name: str = "a.jpg", size: str = "20 10") -> bytes:
    width, height = size.split()
    return (
        f"<annotation>{top}<filename>{name}</filename><size><width>{width}</width><height>{height}</height>"
        f"<depth>3</depth></size>{''.join(f'<object>{one}</object>' for one in objects)}</annotation>"
    ).encode()


def car(*corners: Any, more: str = "") -> str:
    return f"<name>car</name>{more}{box(*corners)}"


def read_members(report: Report | None = None, coordinates: Any = "auto", **members: bytes) -> LabelSet:
    files = {name.replace("__", "/"): data for name, data in members.items()}
    files = {name if "." in name else f"{name}.xml": data for name, data in files.items()}
    assert FORMAT.importer is not None
    labels = FORMAT.importer.read(MemorySource(files), ReadOptions(coordinates=coordinates), Report())
    list(labels.walk())
    if report is not None:
        report.reading = labels.counts or report.reading
    return labels


def boxes_px(labels: LabelSet) -> list[tuple[float, ...]]:
    """Return left, top, right and bottom in pixels of all boxes."""
    found = []
    for row in labels:
        for one in row.get_object_instances():
            c: Any = one.get_annotation(0).coordinates
            if one.ontology_item.shape is Shape.BOUNDING_BOX:
                edges = (c.top_left_x, c.top_left_y, c.top_left_x + c.width, c.top_left_y + c.height)
                pairs = zip(edges, (row.width, row.height) * 2, strict=True)
                found.append(tuple(round(edge * (side or 0), 6) for edge, side in pairs))
    return found


def shapes_of(labels: LabelSet) -> list[tuple[str, Shape]]:
    return [(one.object_name, one.ontology_item.shape) for row in labels for one in row.get_object_instances()]


def codes(report: Report) -> set[str]:
    return {one.code for one in (*report.losses(), *report.notes())}


@pytest.mark.parametrize("case", CASES)
def test_a_fixture_has_the_counts_it_was_published_with(case: str) -> None:
    objects, parts, truncated = CASES[case]
    report = Report()
    labels = read(FIXTURES / case, report=report)
    rows = list(labels)
    into = labels.counts.into if labels.counts else {}
    assert {name: count for (type_, name), count in into.items() if type_ == "object"} == objects
    assert sum(count for (type_, _), count in into.items() if type_ == "part") == parts
    answers = [
        attribute.title for row in rows for one in row.get_object_instances() for attribute, _ in one._static_answers()
    ]
    assert answers.count("truncated") == truncated


@pytest.mark.parametrize("case", CASES)
def test_a_fixture_goes_to_coco_and_encord_and_back(case: str, tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    convert(FIXTURES / case, tmp_path / "coco.json", to="coco")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        coco = COCO(str(tmp_path / "coco.json"))
        results = [
            {key: one[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
            for one in coco.dataset["annotations"]
        ]
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1)
    convert(FIXTURES / case, tmp_path / "encord", to="encord")
    convert(tmp_path / "encord", tmp_path / "back", to="voc")
    assert sorted(boxes_px(read(tmp_path / "back"))) == sorted(boxes_px(read(FIXTURES / case)))


# --- the one-pixel question -------------------------------------------------------------------------------------------

OFFICIAL = "<source><database>The VOC2007 Database</database><annotation>PASCAL VOC2007</annotation></source>"
ROBOFLOW = "<source><database>roboflow.ai</database></source>"
SOURCES: dict[str, tuple[dict[str, bytes], str, str]] = {
    "the official database": ({"a": xml(car(2, 3, 10, 5), top=OFFICIAL)}, "voc", "'The VOC2007 Database'"),
    "a box to the last pixel": ({"a": xml(car(2, 3, 20, 5))}, "voc", "1 end at the last pixel"),
    "a box of one pixel": ({"a": xml(car(2, 3, 2, 5), car(4, 4, 9, 9))}, "voc", "a minimum equal to its maximum"),
    "files of this package": (
        {"a": xml(car(2.5, 3, 10, 5), top='<encord coordinates="voc"/>')}, "voc", "<encord coordinates>",
    ),
    "Roboflow": ({"a": xml(car(2, 3, 20, 5), top=ROBOFLOW)}, "continuous", "'roboflow.ai'"),
    "a minimum of 0": ({"a": xml(car(0, 3, 20, 5)), "b": xml(car(2, 3, 4, 5))}, "continuous", "1 of 2 boxes have a"),
    "a fraction": ({"a": xml(car(2, 3.5, 20, 5))}, "continuous", "1 of 1 boxes have a fraction"),
    "labelmap.txt": (
        {"a": xml(car(2, 3, 20, 5)), "labelmap.txt": b"# label:color_rgb:parts:actions\ncar:1,2,3::\n"},
        "continuous", "labelmap.txt is of CVAT or Datumaro",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_evidence_tells_pixels_from_places(name: str) -> None:
    members, convention, reason = SOURCES[name]
    report = Report()
    labels = read_members(report, **members)
    [note] = [one for one in report.notes() if one.code == "COORDINATES_READ_AS"]
    assert reason in note.detail
    assert note.level == "info"
    left, top, right, bottom = boxes_px(read_members(coordinates="continuous", **members))[0]
    shift = int(convention == "voc")
    assert boxes_px(labels)[0] == (left - shift, top - shift, right, bottom)


def test_without_evidence_places_are_read_and_a_warning_says_how_to_read_pixels() -> None:
    report = Report()
    labels = read_members(report, a=xml(car(2, 3, 10, 5)))
    [note] = [one for one in report.notes() if one.code == "COORDINATES_READ_AS"]
    assert note.level == "warning"
    assert "none of 1 boxes shows which" in note.detail
    assert "-r coordinates=voc" in note.detail
    assert boxes_px(labels) == [(2, 3, 10, 5)]
    assert boxes_px(read_members(coordinates="voc", a=xml(car(2, 3, 10, 5)))) == [(1, 2, 10, 5)]


@pytest.mark.parametrize("coordinates", ["voc", "continuous"])
def test_corners_come_back_in_either_convention(coordinates: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xml").write_bytes(xml(car(2, 3, 20, 5), car(1, 1, 1, 1)))
    convert(tmp_path / "in", tmp_path / "out", to="voc", write_options={"coordinates": coordinates})
    assert boxes_px(read(tmp_path / "out")) == [(1, 2, 20, 5), (0, 0, 1, 1)]
    text = (tmp_path / "out/Annotations/a.xml").read_text()
    assert ("<xmin>2</xmin>" in text) is (coordinates == "voc")


# --- what files say ---------------------------------------------------------------------------------------------------


def test_answers_are_elements_again(tmp_path: Path) -> None:
    more = (
        "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult><actions><run>1</run><sit>0</sit></actions>"
        "<attributes><attribute><name>colour</name><value>red</value></attribute></attributes>"
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xml").write_bytes(xml(car(2, 3, 20, 5, more=more)))
    report = Report()
    convert(tmp_path / "in", tmp_path / "out", to="voc", report=report)
    assert report.is_lossless
    text = "".join((tmp_path / "out/Annotations/a.xml").read_text().split())
    for element in (
        "<pose>Left</pose>", "<truncated>1</truncated>", "<difficult>0</difficult>", "<run>1</run>", "<sit>0</sit>",
        "<attribute><name>colour</name><value>red</value></attribute>",
    ):  # fmt: skip
        assert element in text
    convert(tmp_path / "in", tmp_path / "coco.json", to="coco")
    [annotation] = json.loads((tmp_path / "coco.json").read_text())["annotations"]
    said = {key: value for key, value in annotation["attributes"].items() if not key.startswith("encord")}
    assert said == {"pose": "Left", "truncated": True, "actions": ["run"], "colour": "red"}
    assert not annotation.get("iscrowd")


def test_a_flag_that_says_neither_is_counted_where_a_target_has_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    more = "<truncated>maybe</truncated><difficult>0</difficult>"
    (tmp_path / "in" / "a.xml").write_bytes(
        xml(car(0, 3, 20, 5, more=more), car(0, 3, 9, 5, more="<truncated>0</truncated>"))
    )
    report = Report()
    convert(tmp_path / "in", tmp_path / "coco.json", to="coco", report=report)
    assert [(loss.code, loss.label, loss.count) for loss in report.losses()] == [
        ("NATIVE_DROPPED", "annotation.truncated", 1)
    ]
    convert(tmp_path / "in", tmp_path / "out", to="voc")
    assert "<truncated>maybe</truncated>" in (tmp_path / "out/Annotations/a.xml").read_text()


def test_a_part_stands_in_its_object_again(tmp_path: Path) -> None:
    report = Report()
    convert(FIXTURES / "official-parts-actions", tmp_path / "out", to="voc", report=report)
    assert report.is_lossless
    text = "".join((tmp_path / "out/Annotations/2007_000001.xml").read_text().split())
    assert "<part><name>head</name>" in text.partition("<name>person</name>")[2].partition("</object>")[0]


def test_image_sets_are_splits_and_come_back(tmp_path: Path) -> None:
    report = Report()
    convert(FIXTURES / "official-parts-actions", tmp_path / "out", to="voc", report=report)
    assert report.source.splits == {"train": 1, "test": 1}
    for path in (FIXTURES / "official-parts-actions" / "ImageSets").rglob("*.txt"):
        copy = tmp_path / "out" / path.relative_to(FIXTURES / "official-parts-actions")
        assert copy.read_text().split() == path.read_text().split()


def test_images_with_blanks_in_their_names_keep_their_splits(tmp_path: Path) -> None:
    (tmp_path / "in/ImageSets/Main").mkdir(parents=True)
    (tmp_path / "in/Annotations").mkdir()
    names = {"a": "train", "a b": "val", "a 1": "train", "000000 (2)": "test", "cam 1/c d": "val"}
    for name in names:
        path = tmp_path / f"in/Annotations/{name}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(xml(car(2, 3, 20, 5), name=f"{name}.jpg"))
    for split in ("train", "val", "test"):
        lines = "".join(f"{name}\n" for name, one in names.items() if one == split)
        (tmp_path / f"in/ImageSets/Main/{split}.txt").write_text(lines)
    flagged = "a  1\na b -1\n000000 (2)  0\ncam 1/c d -1\n"
    (tmp_path / "in/ImageSets/Main/car_trainval.txt").write_text(flagged)
    convert(tmp_path / "in", tmp_path / "out", to="voc", strict=True)
    for folder in ("in", "out"):
        rows = [*read(tmp_path / folder)]
        assert {row.data_title: row.client_metadata for row in rows} == {
            f"{name}.jpg": {"split": split} for name, split in names.items()
        }
    assert (tmp_path / "out/ImageSets/Main/car_trainval.txt").read_text() == flagged


def test_of_several_sets_the_split_is_the_one_that_is_called_so() -> None:
    labels = read_members(
        a=xml(car(2, 3, 20, 5)), **{"ImageSets__Main__trainval.txt": b"a\n", "ImageSets__Main__val.txt": b"a\n"}
    )
    assert [row.client_metadata for row in labels] == [{"split": "val"}]


def test_polygons_and_rotated_boxes_have_a_box_beside_that_every_reader_takes(tmp_path: Path) -> None:
    ring = "".join(f"<{axis}{n}>{value}</{axis}{n}>" for n, (x, y) in enumerate([(2, 1), (8, 1), (5, 9)], 1)
                   for axis, value in (("x", x), ("y", y)))  # fmt: skip
    rotated = "<type>robndbox</type><name>ship</name><robndbox><cx>10</cx><cy>5</cy><w>8</w><h>4</h><angle>1.570796327</angle></robndbox>"  # noqa: E501
    (tmp_path / "in").mkdir()
    member = xml(f"<name>leaf</name><polygon>{ring}</polygon>{box(2, 1, 8, 9)}", rotated, car(0, 0, 3, 3))
    (tmp_path / "in" / "a.xml").write_bytes(member)
    report = Report()
    convert(tmp_path / "in", tmp_path / "out", to="voc", report=report)
    assert report.is_lossless
    text = "".join((tmp_path / "out/Annotations/a.xml").read_text().split())
    assert f"<polygon>{ring}</polygon>{box(2, 1, 8, 9)}" in text
    assert f"<angle>1.570796327</angle></robndbox>{box(8, 1, 12, 9)}" in text
    shapes = [one.ontology_item.shape for row in read(tmp_path / "out") for one in row.get_object_instances()]
    assert shapes == [Shape.POLYGON, Shape.ROTATABLE_BOUNDING_BOX, Shape.BOUNDING_BOX]


def test_a_mask_is_that_of_the_object_whose_box_it_fills_and_void_is_counted(tmp_path: Path) -> None:
    objects, classes = np.zeros((10, 20), np.uint8), np.zeros((10, 20), np.uint8)
    objects[2:5, 1:10], classes[2:5, 1:10] = 1, 7
    objects[1, :], classes[1, :] = 255, 255
    objects[8:, 15:], classes[8:, 15:] = 2, 8
    report = Report()
    labels = read_members(
        report, Annotations__a=xml(car(2, 3, 10, 5), top=OFFICIAL),
        **{"SegmentationObject__a.png": png.encoded(objects), "SegmentationClass__a.png": png.encoded(classes)},
    )  # fmt: skip
    assert [(one.object_name, one.ontology_item.shape) for row in labels for one in row.get_object_instances()] == [
        ("car", Shape.BITMASK), ("cat", Shape.BITMASK),
    ]  # fmt: skip
    assert "VOID_DROPPED" in codes(report)


def test_more_masks_than_a_palette_has_colours_come_back(tmp_path: Path) -> None:
    pixels = np.arange(1, 301, dtype=np.uint16).reshape(15, 20)
    labels = read_members(
        Annotations__a=xml(*(car(x, y, x, y) for y in range(15) for x in range(20)), size="20 15",
                           top='<encord coordinates="voc"/>'),
        **{"SegmentationObject__a.png": png.encoded(pixels)},
    )  # fmt: skip
    assert shapes_of(labels) == [("car", Shape.BITMASK)] * 300
    convert_report = Report()
    write(labels, tmp_path / "out", "voc", report=convert_report)
    assert convert_report.is_lossless
    assert shapes_of(read(tmp_path / "out")) == [("car", Shape.BITMASK)] * 300


def test_masks_that_are_damaged_cost_themselves_alone() -> None:
    report = Report()
    labels = read_members(report, Annotations__a=xml(car(2, 3, 10, 5)), **{"SegmentationObject__a.png": b"GIF89a"})
    assert shapes_of(labels) == [("car", Shape.BOUNDING_BOX)]
    assert report.counts()["file"]["dropped"] == 1


def test_an_image_that_only_a_set_names_is_a_row_without_objects() -> None:
    labels = read(FIXTURES / "official-parts-actions")
    assert [(row.data_title, len(row.get_object_instances())) for row in labels][1] == ("2007_000002.jpg", 0)


# --- damage -----------------------------------------------------------------------------------------------------------


def test_damaged_files_and_objects_cost_themselves_alone() -> None:
    report = Report()
    labels = read_members(
        report, a=xml(car(9, 3, 2, 5), car("None", 3, 2, 5), f"<name/>{box(1, 1, 2, 2)}", car(3, 3, 4, 4)),
        b=b"<annotation><filename>R&D.jpg</filename>", c=xml(car(1, 1, 2, 2), size="0 0"), d=b"",
    )  # fmt: skip
    assert boxes_px(labels) == [(2, 3, 9, 5), (3, 3, 4, 4)]
    assert {"CORNERS_SWAPPED", "INVALID_BOX", "NAME_MISSING", "FILE_DAMAGED", "SIZE_UNKNOWN"} <= codes(report)
    sums = report.counts()
    assert sums["file"]["dropped"] == 3
    assert sums["object"]["in"] == 4


def test_one_file_that_is_damaged_is_refused_with_its_place() -> None:
    with pytest.raises(ReadError, match=r"memory/a\.xml.*is not XML"):
        read_members(a=b"<annotation><object>")


def test_entities_are_never_expanded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "cc">]><annotation><filename>&b;</filename></annotation>'
    with pytest.raises(ReadError, match="declares a document type"):
        read_members(a=bomb)


@pytest.mark.parametrize(
    ("member", "filename", "title"),
    [
        ("a b.c", "a b.c.jpg", "a b.c.jpg"),
        ("x", r"C:\images\x.png", "x.png"),
        ("x", "/home/me/x.png", "x.png"),
        ("renamed", "first.png", "renamed.png"),
        ("x", "", "x"),
        ("x", "x", "x"),
    ],
)
def test_odd_file_names(member: str, filename: str, title: str) -> None:
    report = Report()
    labels = read_members(report, **{f"{member}.xml": xml(car(0, 1, 2, 2), name=filename)})
    assert [row.data_title for row in labels] == [title]
    assert ("FILENAME_DIFFERS" in codes(report)) is (member == "renamed")


def test_a_file_read_in_pieces_says_what_it_says_read_whole(tmp_path: Path) -> None:
    """A comment makes a file one that is parsed whole."""
    for kind in ("pieces", "whole"):
        shutil.copytree(FIXTURES / "roboflow-chess", tmp_path / kind)
    for path in (tmp_path / "whole").glob("*.xml"):
        path.write_text(path.read_text().replace("<size>", "<!-- seen --><size>"))
    rows = [
        [
            (row.data_title, row._native.row, row._native.labels[one.object_hash], one.object_name, one.object_hash,
             one.get_annotation(0).coordinates)
            for row in read(tmp_path / kind)
            for one in row.get_object_instances()
        ]
        for kind in ("pieces", "whole")
    ]  # fmt: skip
    assert rows[0] == rows[1]
    assert len(rows[0]) == 22


def test_voc_is_recognised_and_labelme_xml_is_not() -> None:
    with source_at(FIXTURES / "roboflow-chess") as source:
        assert detect(source).name == "voc"
    older = b"<annotation><filename>a</filename><object><polygon><username>x</username></polygon></object></annotation>"
    assert FORMAT.identify(MemorySource({"a.xml": older})).value == "no"
