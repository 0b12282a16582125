"""Numbers and names that no file should have: told by every reader, and never in what a writer makes."""

from __future__ import annotations

import json
import os
from csv import field_size_limit
from pathlib import Path

import pytest

from encord_convert import LabelSet, ReadError, Report, convert, read, write
from encord_convert._samples import Sample, box
from encord_convert.cli import run
from encord_convert.errors import WriteError
from encord_convert.formats import MemorySource, MemoryTarget, formats
from encord_convert.hub.visibility import FARTHEST_PX, fate
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolylineCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
)

FAR = "1" + "0" * 20
"""Pixels, or shares of an image."""
SIZES = "path,width,height\n{},40,30\n"
POINTS = f"[[5, 5], [9, 5], [{FAR}, 9]]"
BRUSH = '{{"type": "ellipselabels", "original_width": 40, "original_height": 30, "value": {{"x": {x}, "y": 50, '
BRUSH += '"radiusX": 5, "radiusY": 5, "ellipselabels": ["a"]}}}}'


def coco(*annotations: str) -> dict[str, str]:
    entries = [
        f'{{"id": {n}, "image_id": 1, "category_id": 1, {one}}}'
        for n, one in enumerate(('"bbox": [1, 1, 5, 5]', *annotations), 1)
    ]
    image = '{"id": 1, "file_name": "a.png", "width": 40, "height": 30}'
    categories = '[{"id": 1, "name": "a"}]'
    return {"a.json": f'{{"images": [{image}], "categories": {categories}, "annotations": [{", ".join(entries)}]}}'}


def of_cvat(shape: str) -> dict[str, str]:
    labels = "<meta><task><labels><label><name>a</name><attributes/></label></labels></task></meta>"
    good = '<box label="a" xtl="1" ytl="1" xbr="9" ybr="9"/>'
    image = f'<image id="0" name="a.png" width="40" height="30">{good}{shape}</image>'
    return {"a.xml": f"<annotations>{labels}{image}</annotations>"}


def of_voc(*corners: str) -> dict[str, str]:
    names = ("xmin", "ymin", "xmax", "ymax")
    objects = "".join(
        "<object><name>a</name><bndbox>"
        + "".join(f"<{name}>{text}</{name}>" for name, text in zip(names, one.split(), strict=True))
        + "</bndbox></object>"
        for one in ("1 1 9 9", *corners)
    )
    size = "<size><width>40</width><height>30</height><depth>3</depth></size>"
    return {"a.xml": f"<annotation><filename>a.png</filename>{size}{objects}</annotation>"}


def of_labelme(points: str) -> dict[str, str]:
    shapes = [f'{{"label": "a", "shape_type": "polygon", "points": {one}}}' for one in ("[[1,1],[9,1],[9,9]]", points)]
    top = '"version": "5.0.0", "flags": {}, "imagePath": "a.png", "imageWidth": 40, "imageHeight": 30'
    return {"a.json": f'{{{top}, "shapes": [{", ".join(shapes)}]}}'}


def of_createml() -> dict[str, str]:
    boxes = [f'{{"label": "a", "coordinates": {{"x": {x}, "y": 9, "width": 5, "height": 5}}}}' for x in ("9", FAR)]
    return {
        "a.json": f'[{{"image": "a.png", "annotations": [{", ".join(boxes)}]}}]',
        "sizes.csv": SIZES.format("a.png"),
    }


def of_via() -> dict[str, str]:
    regions = [
        {
            "shape_attributes": {"name": "rect", "x": x, "y": 1, "width": 5, "height": 5},
            "region_attributes": {"label": "a"},
        }
        for x in (1, int(FAR))
    ]
    entry = {"filename": "a.png", "size": 1, "regions": regions, "file_attributes": {}}
    return {"a.json": json.dumps({"a.png1": entry}), "sizes.csv": SIZES.format("a.png")}


def of_open_images() -> dict[str, str]:
    head = (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
    )
    rows = "".join(f"a,x,a,1,0.1,{right},0.1,0.5,0,0,0,0,0\n" for right in ("0.5", FAR))
    return {"a-annotations-bbox.csv": f"{head}\n{rows}", "sizes.csv": SIZES.format("a")}


def of_yolo(row: str) -> dict[str, str]:
    return {
        "data.yaml": "train: images\nval: images\nnames: [a]\n", "sizes.csv": SIZES.format("images/a.png"),
        "labels/a.txt": f"0 .5 .5 .2 .2\n{row}\n",
    }  # fmt: skip


BEYOND: dict[str, tuple[str, dict[str, str]]] = {
    "coco box": ("coco", coco(f'"bbox": [1, 1, {FAR}, 5]')),
    "coco polygon": ("coco", coco(f'"segmentation": [[1, 1, {FAR}, 5, 5, 5]]')),
    "coco polygon with an odd ring": ("coco", coco(f'"segmentation": [[1, 1, {FAR}, 5, 5, 5, 7]]')),
    "coco keypoints": ("coco", coco(f'"keypoints": [1, {FAR}, 2]')),
    "createml": ("createml", of_createml()),
    "cvat box": ("cvat", of_cvat(f'<box label="a" xtl="1" ytl="1" xbr="{FAR}" ybr="9"/>')),
    "cvat polygon": ("cvat", of_cvat(f'<polygon label="a" points="1,1;{FAR},1;9,9"/>')),
    "kitti": ("kitti", {
        "label_2/a.txt": "".join(f"a 0 0 -10 1 1 {x} 9 -1 -1 -1 -1000 -1000 -1000 -10\n" for x in ("9", FAR)),
        "sizes.csv": SIZES.format("image_2/a"),
    }),
    "labelme": ("labelme", of_labelme(POINTS)),
    "mot": ("mot", {
        "a/gt/gt.txt": f"1,1,1,1,5,5,1,1,1\n1,2,{FAR},1,5,5,1,1,1\n",
        "a/seqinfo.ini": "[Sequence]\nimWidth=40\nimHeight=30\n",
    }),
    "openimages": ("openimages", of_open_images()),
    "rle": ("rle", {"a.json": '[{"data": {"image": "a.png"}, "annotations": [{"result": [' + ", ".join(
        BRUSH.format(x=x) for x in ("50", FAR)) + "]}]}]"}),
    "via": ("via", of_via()),
    "voc": ("voc", of_voc(f"1 1 {FAR} 9")),
    "yolo box": ("yolo", of_yolo(f"0 .5 {FAR} .2 .2")),
    "yolo polygon": ("yolo", of_yolo(f"0 .1 .1 .9 .1 {FAR} .9")),
}  # fmt: skip


@pytest.mark.parametrize("case", BEYOND)
def test_a_coordinate_beyond_any_image_costs_its_annotation_and_is_told(case: str) -> None:
    name, files = BEYOND[case]
    target, report = MemoryTarget(), Report()
    convert(
        MemorySource({key: text.encode() for key, text in files.items()}),
        target,
        from_=name,
        to="encord",
        report=report,
    )
    assert sum(row["dropped"] for row in report.labels().values()) == 1
    [row] = read(MemorySource(target.files), "encord", report=Report())
    assert len(row.get_object_instances()) == 1


FAR_SHARE = 1.1 * FARTHEST_PX / 40


@pytest.mark.parametrize(
    "coordinates",
    [
        BoundingBoxCoordinates(0.1, 0.1, FAR_SHARE, 0.1),
        BoundingBoxCoordinates(0.1, 0.1, 0.1, float("nan")),
        BoundingBoxCoordinates(float("inf"), 0.1, 0.1, 0.1),
        PointCoordinate(FAR_SHARE, 0.5),
        PolylineCoordinates._from_flat([0.1, 0.1, FAR_SHARE, 0.5]),
        SkeletonCoordinates([SkeletonCoordinate(FAR_SHARE, 0.1, "a", "", "hash", "a")]),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_is_farther_than_readers_go_is_not_written(coordinates: object) -> None:
    assert fate(coordinates, 40, 30, 0.01) == "degenerate"


def hub_row(**members: object) -> dict[str, bytes]:
    """Return a hub of one image, its row with other members."""
    s, target = Sample(), MemoryTarget()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    write(s.done(), target, "encord", report=Report())
    files = dict(target.files)
    row = json.loads(files["label_rows.jsonl"]) | members
    return files | {"label_rows.jsonl": json.dumps(row).encode()}


@pytest.mark.parametrize("to", ["encord", "coco", "cvat", "masks", "masks-index", "masks-instance", "rle", "yolo"])
def test_an_image_that_says_it_has_no_frames_has_one(to: str) -> None:
    target, report = MemoryTarget(), Report()
    convert(MemorySource(hub_row(number_of_frames=0)), target, from_="encord", to=to, report=report)
    [row] = read(MemorySource(target.files), to, report=Report())
    assert (row.number_of_frames, len(row.get_object_instances())) == (1, 1)
    assert "NATIVE_DROPPED" in {loss.code for loss in report.losses()}


@pytest.mark.parametrize(("frame", "width"), [("0", -40), ("-1", 40)])
def test_a_slice_of_a_negative_size_or_frame_is_refused(frame: str, width: int) -> None:
    slice_ = {"dicom_instance_uid": "1", "multiframe_frame_number": None, "file_uri": "", "width": width, "height": 30}
    files = hub_row(data_type="dicom")
    row = json.loads(files["label_rows.jsonl"])
    [unit] = row["data_units"].values()
    unit["labels"] = {frame: unit["labels"] | {"metadata": slice_}}
    files["label_rows.jsonl"] = json.dumps(row).encode()
    with pytest.raises(ReadError, match=r"label_rows\.jsonl:1: is not a label row"):
        read(MemorySource(files), "encord", report=Report())


def test_run_lengths_of_digits_are_masks_and_no_boxes() -> None:
    """ "011" is no pixel and then two: a row that six numbers of MOT could be, if they filled an image of its class."""
    source = MemorySource({"a/gt/gt.txt": b"1 1002 1 2 1 011\n"})
    identified = {name for name, one in formats().items() if one.identify(source).value == "yes"}
    assert identified == {"mots"}
    boxes = MemorySource({"a/gt/gt.txt": b"1 1 10 20 30 40\n2 1 10 20 30 40\n"})
    assert {name for name, one in formats().items() if one.identify(boxes).value == "yes"} == {"mot"}


def test_masks_of_a_class_that_is_no_bitmask_are_refused() -> None:
    target = MemoryTarget()
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    write(s.done(), target, "masks-index", report=Report())
    classes = target.files["classes.json"].replace(b'"bitmask"', b'"polyline"')
    with pytest.raises(ReadError, match="gives a value to the class 'car', which is a polyline and not a bitmask"):
        read(MemorySource(target.files | {"classes.json": classes}), "masks-index", report=Report())


def test_one_side_of_an_image_may_be_unknown() -> None:
    files = {"label_2/a.txt": b"", "sizes.csv": b"path,width,height\nimage_2/a,40,0\n"}
    [row] = read(MemorySource(files), "kitti", report=Report())
    assert (row._units[0].width, row._units[0].height) == (40, 0)


def test_a_video_of_images_without_a_size_and_without_annotations_is_read() -> None:
    image = {"id": 1, "file_name": "v/1.png", "video_id": 1, "width": 0, "height": 0}
    document = {"videos": [{"id": 1, "name": "v"}], "images": [image], "annotations": [], "categories": []}
    [row] = read(MemorySource({"a.json": json.dumps(document).encode()}), "coco", report=Report())
    assert row.number_of_frames == 1
    document["annotations"] = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}]
    document["categories"] = [{"id": 1, "name": "a"}]
    with pytest.raises(ReadError, match=r"the size of the image 'v/1\.png' is not known"):
        [*read(MemorySource({"a.json": json.dumps(document).encode()}), "coco", report=Report())]


# -- names that are no text -------------------------------------------------------------------------------------------


@pytest.fixture
def latin(tmp_path: Path) -> Path:
    """Return a YOLO data set with an image whose name is not UTF-8."""
    from PIL import Image

    for folder in ("images", "labels"):
        (tmp_path / "in" / folder).mkdir(parents=True)
    for name in (b"a\xff", b"a\xfe", b"b"):
        stem = os.fsdecode(name)
        Image.new("RGB", (64, 48)).save(tmp_path / "in" / "images" / f"{stem}.png")
        (tmp_path / "in" / "labels" / f"{stem}.txt").write_text("0 .5 .5 .2 .2\n")
    (tmp_path / "in" / "data.yaml").write_text("train: images\nval: images\nnames: [car]\n")
    return tmp_path


@pytest.mark.parametrize("to", sorted(name for name, one in formats().items() if one.exporter is not None))
def test_names_of_images_that_are_no_text_are_read_again_from_every_format(to: str, latin: Path) -> None:
    report = Report()
    chosen = formats()[to]
    try:
        convert(latin / "in", latin / "out", from_="yolo", to=to, report=report)
    except WriteError as error:
        assert "not written, since none of the 3 annotations can be converted" in str(error)
        return
    is_told = "UNWRITABLE_TEXT" in {loss.code for loss in report.losses()}
    assert is_told is not to.startswith("yolo")
    if formats()[chosen.read_by or to].importer is not None and to not in ("dicom", "coco-results"):
        titles = [row.data_title for row in read(latin / "out", chosen.read_by or to, report=Report())]
        assert len(set(titles)) == 3 if to.startswith("yolo") else any("\ufffd" in title for title in titles)


@pytest.mark.parametrize("target", ["hf", "detectron2", "torchvision", "rfdetr", "ultralytics"])
def test_images_whose_names_are_no_text_are_written_for_training(target: str, latin: Path) -> None:
    words = ["convert", latin / "in", latin / "out", "--target", target, "--images", latin / "in" / "images"]
    assert run([*map(str, words), "--report", str(latin / "report.json")]) == 0
    json.loads((latin / "report.json").read_text())
    written = [*(latin / "out").rglob("*.png")]
    assert len(written) == 3
    texts = [path for path in (latin / "out").rglob("*") if path.suffix in (".json", ".jsonl", ".yaml")]
    assert texts and all(path.read_bytes().decode() for path in texts)


def test_pages_show_names_that_are_no_text(latin: Path) -> None:
    assert run(["view", str(latin / "in"), "-o", str(latin / "view.html")]) == 0
    words = ["convert", str(latin / "in"), str(latin / "out"), "--to", "coco", "--report", str(latin / "report.html")]
    assert run(words) == 0
    assert all((latin / name).read_text() for name in ("view.html", "report.html"))


def test_half_of_a_surrogate_pair_in_the_name_of_a_class_is_refused() -> None:
    files = of_yolo("") | {"data.yaml": 'train: images\nval: images\nnames: ["\\ud800"]\n'}
    source = MemorySource({key: text.encode() for key, text in files.items()})
    with pytest.raises(WriteError, match=r"The name '\\ud800' holds half of a surrogate pair"):
        convert(source, MemoryTarget(), from_="yolo", to="coco", report=Report())


def test_a_pair_that_yaml_escapes_as_json_does_is_one_character() -> None:
    files = of_yolo("") | {"data.yaml": 'train: images\nval: images\nnames: ["\\ud83d\\ude00"]\n'}
    labels = read(MemorySource({key: text.encode() for key, text in files.items()}), "yolo", report=Report())
    assert [one.name for one in labels.ontology.objects] == ["\U0001f600"]


def of_title(title: str) -> LabelSet:
    s = Sample(title=title)
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    return s.done()


@pytest.mark.parametrize("to", ["createml", "kitti", "mot", "openimages", "via", "yolo"])
def test_a_title_of_any_length_comes_back(to: str) -> None:
    title, target = "x" * 300_000 + ".png", MemoryTarget()
    write(of_title(title), target, to, report=Report())
    field_size_limit(131_072)  # as it is in a process that has read no table yet
    [row] = read(MemorySource(target.files), to, report=Report())
    assert (row.data_title, len(row.get_object_instances())) == (title, 1)
    assert max(len(part.encode()) for name in target.files for part in name.split("/")) < 256


@pytest.mark.parametrize("to", ["kitti", "mot", "yolo"])
def test_a_title_that_begins_with_a_point_is_read_again_from_a_folder(to: str, tmp_path: Path) -> None:
    write(of_title("~/.bashrc/.a.png"), tmp_path / "out", to, report=Report())
    [row] = read(tmp_path / "out", to, report=Report())
    assert (row.data_title, len(row.get_object_instances())) == ("~/.bashrc/.a.png", 1)


def test_a_class_name_that_no_reader_would_know_is_refused() -> None:
    s = Sample()
    s.place(s.draft.add_object("x" * 10_001, Shape.BOUNDING_BOX), box())
    with pytest.raises(WriteError, match="has 10001 characters; at most 10000 are written"):
        write(s.done(), MemoryTarget(), "coco", report=Report())


def test_an_embedded_image_that_is_no_text_is_told() -> None:
    files = of_labelme("[[1,1],[9,1],[9,9]]")
    files["a.json"] = files["a.json"].replace('"flags": {}', '"imageData": 1e400')
    report = Report()
    convert(
        MemorySource({"a.json": files["a.json"].encode()}), MemoryTarget(), from_="labelme", to="coco", report=report
    )
    assert "image.imageData" in {loss.label for loss in report.losses() if loss.code == "NATIVE_DROPPED"}


def test_an_answer_where_an_outline_lacks_a_number_is_counted_once() -> None:
    """The object is no longer on that frame, so that the answer there is on no frame of it."""
    from encord_convert._samples import SAMPLES

    target = MemoryTarget()
    write(SAMPLES["newer_tracks"](), target, "encord", report=Report())
    parts = target.files["label_rows.jsonl"].decode().split('"rx":')
    assert len(parts) > 3
    for number in range(1, len(parts)):
        rows = '"rx":'.join(parts[:number]) + '"r":' + '"rx":'.join(parts[number:])
        source, report = MemorySource(target.files | {"label_rows.jsonl": rows.encode()}), Report()
        convert(source, MemoryTarget(), from_="encord", to="openimages", report=report)
        assert all(min(row.values()) >= 0 for row in report.counts().values())


def test_a_contact_sheet_takes_any_title(tmp_path: Path) -> None:
    write(of_title("a\n" + "x" * 2_000_000 + ".png"), tmp_path / "out.json", "coco", report=Report())
    assert run(["view", str(tmp_path / "out.json"), "--png", str(tmp_path / "sheet.png")]) == 0


def test_an_image_beside_a_video_of_the_same_id_is_a_video_of_its_own() -> None:
    images = [{"id": n, "file_name": f"{n}.png", "width": 40, "height": 30} for n in (1, 2, 3)]
    for frame, image in enumerate(images[1:]):
        image |= {"video_id": 1, "frame_id": frame + 1}
    annotations = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 5, 5]} for n in (1, 2, 3)]
    document = {
        "videos": [{"id": 1, "name": "v", "width": 40, "height": 30}], "images": images, "annotations": annotations,
        "categories": [{"id": 1, "name": "a"}],
    }  # fmt: skip
    target = MemoryTarget()
    source = MemorySource({"a.json": json.dumps(document).encode()})
    convert(source, target, from_="coco", to="coco-ytvis", report=Report())
    written = json.loads(target.files["annotations.json"])
    assert sorted(one["id"] for one in written["videos"]) == [1, 2]
    assert sum(len([box for box in one["bboxes"] if box]) for one in written["annotations"]) == 3
