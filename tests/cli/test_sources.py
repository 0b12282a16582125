"""Kinds of source files met in public: what the command line makes of each."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert.cli import run

CASES = Path(__file__).parents[2] / "fixtures" / "cases"


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def coco_of(source: Path, folder: Path, *options: object) -> dict[str, Any]:
    """Convert to COCO and return the file."""
    assert call("convert", source, folder / "written.json", "--to", "coco", *options) == 0
    written: dict[str, Any] = json.loads((folder / "written.json").read_text())
    return written


def report_of(source: Path, folder: Path, *options: object, to: str = "coco") -> dict[str, Any]:
    """Convert and return the report."""
    assert call("convert", source, folder / "out", "--to", to, "--report", folder / "report.json", *options) == 0
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def notes_of(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {note["code"]: note for note in report["notes"]}


# -- CVAT -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", ['<track label="car">', '<track label="car" >', '<track id="0" label="car">'])
def test_a_track_needs_nothing_but_its_label(opening: str, tmp_path: Path) -> None:
    text = (CASES / "cvat/track-with-label-alone/annotations.xml").read_text()
    (tmp_path / "annotations.xml").write_text(text.replace('<track label="car">', opening))
    written = coco_of(tmp_path / "annotations.xml", tmp_path)
    assert [annotation["bbox"][0] for annotation in written["annotations"]] == [10, 20, 30, 40]


@pytest.mark.proves("cvat codes: TRACK_ENDED")
@pytest.mark.parametrize(
    ("option", "count", "code"),
    [("auto", 10, "TRACK_ENDED"), ("listed", 10, "TRACK_ENDED"), ("cvat", 200, "TRACK_EXTENDED")],
)
def test_what_a_track_listed_frame_by_frame_has_behind_its_list_is_a_number_and_a_choice(
    option: str, count: int, code: str, tmp_path: Path
) -> None:
    source = CASES / "cvat/track-listed-frame-by-frame"
    assert len(coco_of(source, tmp_path, "-r", f"tracks={option}")["annotations"]) == count
    note = notes_of(report_of(source, tmp_path, "-r", f"tracks={option}"))[code]
    level = "warning" if option == "auto" else "info"
    assert (note["level"], note["count"]) == (level, 190), "who asks for TRACK_ENDED knows it"


def test_a_track_of_some_keyframes_goes_on_to_the_last_frame_unless_asked(tmp_path: Path) -> None:
    text = (CASES / "cvat/track-listed-frame-by-frame/annotations.xml").read_text()
    sparse = tmp_path / "annotations.xml"
    sparse.write_text(text.replace('<box frame="1"', '<box frame="50"').replace('<box frame="2"', '<box frame="51"'))
    report = report_of(sparse, tmp_path)
    assert notes_of(report)["TRACK_EXTENDED"]["count"] == 48 + 48
    assert len(coco_of(sparse, tmp_path, "-r", "tracks=listed")["annotations"]) == 52 + 52


# -- Encord -----------------------------------------------------------------------------------------------------------


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "label_rows.jsonl").read_text().splitlines()]


def test_a_classification_that_only_its_answer_places_is_read(tmp_path: Path) -> None:
    case = CASES / "encord/classification_only_in_answers"
    written = coco_of(case, tmp_path)
    assert written["images"][0]["attributes"] == {"weather": "sun"}
    assert call("convert", case, tmp_path / "hub", "--to", "encord", "--strict") == 0
    (before,), (after,) = rows_of(case), rows_of(tmp_path / "hub")
    assert after["classification_answers"] == before["classification_answers"]
    (unit,) = after["data_units"].values()
    (on_frame,) = unit["labels"]["classifications"]
    assert (on_frame["classificationHash"], on_frame["createdBy"]) == ("dddddddd", "a@example.com")


@pytest.mark.parametrize("range_", [[[3, 2]], [[0, 10**12]], [[-1, 0]], [[0.5, 1]], "all", [[0]], None, []])
def test_a_range_that_is_not_of_the_row_places_nothing_and_is_carried(range_: Any, tmp_path: Path) -> None:
    case = CASES / "encord/classification_only_in_answers"
    (row,) = rows_of(case)
    row["classification_answers"]["dddddddd"]["range"] = range_
    row["number_of_frames"] = 1
    (tmp_path / "in").mkdir()
    (tmp_path / "in/ontology.json").write_text((case / "ontology.json").read_text())
    (tmp_path / "in/label_rows.jsonl").write_text(json.dumps(row))
    assert call("convert", tmp_path / "in", tmp_path / "hub", "--to", "encord") == 0
    (after,) = rows_of(tmp_path / "hub")
    assert after["classification_answers"] == row["classification_answers"]
    (unit,) = after["data_units"].values()
    assert unit["labels"]["classifications"] == []


@pytest.mark.parametrize("shape", ["ellipse", "circle", "time_range", "egg"])
def test_a_class_of_a_shape_nobody_knows_is_carried(shape: str, tmp_path: Path) -> None:
    case = CASES / "encord/ellipse_class"
    (tmp_path / "in").mkdir()
    ontology = json.loads((case / "ontology.json").read_text().replace('"ellipse"', f'"{shape}"'))
    (tmp_path / "in/ontology.json").write_text(json.dumps(ontology))
    (row,) = rows_of(case)
    (unit,) = row["data_units"].values()
    entry = {"name": "Oval", "value": "oval", "objectHash": "oooooooo", "featureHash": "ffffffff", "shape": shape,
             "createdAt": "Thu, 01 Jan 2026 00:00:00 UTC", "createdBy": None, "confidence": 1.0,
             "manualAnnotation": True, "lastEditedAt": "Thu, 01 Jan 2026 00:00:00 UTC", "color": "#E27300",
             "trackHash": "tttttttt", shape: {"x": 0.5, "rx": 0.1}}  # fmt: skip
    unit["labels"]["objects"] = [entry]
    row["object_answers"] = {"oooooooo": {"objectHash": "oooooooo", "classifications": []}}
    (tmp_path / "in/label_rows.jsonl").write_text(json.dumps(row))
    assert call("convert", tmp_path / "in", tmp_path / "hub", "--to", "encord", "--strict") == 0
    assert json.loads((tmp_path / "hub/ontology.json").read_text()) == ontology
    (after,) = rows_of(tmp_path / "hub")
    (unit,) = after["data_units"].values()
    assert unit["labels"]["objects"] == [entry]
    assert call("diff", tmp_path / "in", tmp_path / "hub") == 0
    report = report_of(tmp_path / "in", tmp_path)
    assert {loss["label"]: loss["count"] for loss in report["losses"] if loss["code"] == "UNSUPPORTED_SHAPE"} == {
        "Oval": 1
    }
    assert call("info", tmp_path / "out") == 0


def test_own_output_is_recognised_whatever_a_class_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = CASES / "cvat/class-named-mask"
    for word in ("mask", "images", "format", "rle", "annotations", "result"):
        text = (source / "annotations.xml").read_text().replace(">mask<", f">{word}<").replace('"mask"', f'"{word}"')
        (tmp_path / "annotations.xml").write_text(text)
        assert call("convert", tmp_path / "annotations.xml", tmp_path / word, "--to", "encord") == 0
        assert call("diff", tmp_path / "annotations.xml", tmp_path / word) == 0
        capsys.readouterr()
        assert call("info", tmp_path / word) == 0
        assert f"{tmp_path / word}: encord" in capsys.readouterr().out
    capsys.readouterr()
    assert call("info", CASES / "encord/class_called_mask") == 0
    assert "class_called_mask: encord" in capsys.readouterr().out


def test_own_output_is_recognised_however_long_what_stands_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"class number {number}" for number in range(700)]
    source = {
        "images": [{"id": 1, "file_name": "1.png", "width": 40, "height": 30}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
        "annotations": [{"id": n, "image_id": 1, "category_id": n, "bbox": [1, 1, 5, 5]} for n in range(1, 701)],
    }
    (tmp_path / "in.json").write_text(json.dumps(source))
    assert call("convert", tmp_path / "in.json", tmp_path / "out.json") == 0
    assert (tmp_path / "out.json").read_bytes().index(b'"images"') > 1 << 16
    capsys.readouterr()
    assert call("info", tmp_path / "out.json") == 0
    assert "coco, 1 label row" in capsys.readouterr().out
    (tmp_path / "out.json.gz").write_bytes(gzip.compress((tmp_path / "out.json").read_bytes()))
    assert call("info", tmp_path / "out.json.gz") == 0


# -- Label Studio -----------------------------------------------------------------------------------------------------

STUDIO = CASES / "label-studio"


def titles_of(written: dict[str, Any]) -> list[str]:
    return [image["file_name"] for image in written["images"]]


def test_a_task_of_several_images_is_a_row_for_each(tmp_path: Path) -> None:
    written = coco_of(STUDIO / "several_images.json", tmp_path)
    assert titles_of(written) == ["a.png", "b.png"]
    assert [annotation["image_id"] for annotation in written["annotations"]] == [1, 2]


@pytest.mark.parametrize("case", ["image_is_null.json", "nodata.json"])
def test_labels_of_a_task_without_an_image_are_counted(case: str, tmp_path: Path) -> None:
    tasks = json.loads((STUDIO / case).read_text())
    (tmp_path / "in.json").write_text(json.dumps(tasks + json.loads((STUDIO / "remark_on_a_brush.json").read_text())))
    report = report_of(tmp_path / "in.json", tmp_path)
    assert [(loss["code"], loss["count"]) for loss in report["losses"]] == [("NO_IMAGE", 1)]
    assert titles_of(coco_of(tmp_path / "in.json", tmp_path)) == ["a.png"]


def test_nothing_is_written_of_tasks_that_have_no_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("convert", STUDIO / "image_is_null.json", tmp_path / "out", "--to", "coco") == 5
    assert "its only annotation cannot be converted" in capsys.readouterr().err


def test_results_of_one_id_are_one_region_and_its_remark(tmp_path: Path) -> None:
    (annotation,) = coco_of(STUDIO / "remark_on_a_brush.json", tmp_path)["annotations"]
    assert annotation["attributes"]["note"] == "a remark"


def test_a_cancelled_annotation_is_left_out_and_counted(tmp_path: Path) -> None:
    assert len(coco_of(STUDIO / "skipped_annotation.json", tmp_path)["annotations"]) == 1
    report = report_of(STUDIO / "skipped_annotation.json", tmp_path)
    assert [(loss["code"], loss["count"]) for loss in report["losses"]] == [("ANNOTATION_CANCELLED", 1)]


def test_predictions_are_counted_and_read_on_request(tmp_path: Path) -> None:
    source = STUDIO / "predictions_only.json"
    assert call("convert", source, tmp_path / "none", "--to", "coco") == 5
    (annotation,) = coco_of(source, tmp_path, "-r", "predictions=yes")["annotations"]
    assert annotation["score"] == 0.9
    assert annotation["attributes"]["manual_annotation"] is False


def test_an_export_is_recognised_wherever_its_first_brush_stands(tmp_path: Path) -> None:
    (brush,) = json.loads((STUDIO / "remark_on_a_brush.json").read_text())
    box = {"id": "q", "type": "rectanglelabels", "original_width": 5, "original_height": 4,
           "value": {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": ["b"]}}  # fmt: skip
    boxes = [{"id": n, "data": {"image": f"{n}.png"}, "annotations": [{"result": [box] * 3}]} for n in range(2, 600)]
    (tmp_path / "in.json").write_text(json.dumps([*boxes, brush]))
    assert (tmp_path / "in.json").read_bytes().index(b'"rle"') > 1 << 16
    assert len(coco_of(tmp_path / "in.json", tmp_path)["annotations"]) == 1


# -- run lengths ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head", ["record_id,encoded_pixels", "id,encoding", "id,rle_mask", "ImageId,EncodedPixels", "img_id,pixels"]
)
def test_run_lengths_are_recognised_by_the_meaning_of_their_columns(head: str, tmp_path: Path) -> None:
    (tmp_path / "masks.csv").write_text(f"{head}\na,5 2 9 3 14 2 20 1\nb,\n")
    assert len(coco_of(tmp_path / "masks.csv", tmp_path, "-r", "size=5x4")["annotations"]) == 1


def test_a_column_of_a_usual_name_that_holds_words_is_no_run_lengths(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("id,annotation\na,a red car\n")
    assert call("info", tmp_path / "notes.csv") == 6


# -- COCO -------------------------------------------------------------------------------------------------------------

KEYED = CASES / "coco/annotations-keyed-by-id/in.json"
UNSIZED = CASES / "coco/without-size"


def document() -> dict[str, Any]:
    """Return a small file whose annotations are keyed by id."""
    found: dict[str, Any] = json.loads(KEYED.read_text())
    return found


def saved(folder: Path, document: Any) -> Path:
    (folder / "in.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return folder / "in.json"


def by_id(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {str(entry["id"]): entry for entry in entries}


@pytest.mark.parametrize("blocks", [(), ("images",), ("categories",), ("images", "categories")])
def test_lists_that_stand_as_objects_keyed_by_id_are_read(blocks: tuple[str, ...], tmp_path: Path) -> None:
    keyed = document() | {block: by_id(document()[block]) for block in blocks}
    written = coco_of(saved(tmp_path, keyed), tmp_path)
    assert [annotation["segmentation"] for annotation in written["annotations"]] == [
        [[10.0, 10.0, 30.0, 10.0, 30.0, 30.0]], [[5.0, 5.0, 9.0, 5.0, 9.0, 9.0]],
    ]  # fmt: skip
    assert [annotation["image_id"] for annotation in written["annotations"]] == [1, 2]


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_annotations_keyed_by_id_are_read_as_a_list_is(jobs: int, tmp_path: Path) -> None:
    first = document()["annotations"]["11"]
    some = [{**first, "id": number, "image_id": 1 + number % 2} for number in range(1, 12_001)]
    files = {"list": some, "keyed": by_id(some)}
    for name, annotations in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document() | {"annotations": annotations}))
        arguments = ("convert", tmp_path / f"{name}.json", tmp_path / f"{name}-out.json", "--jobs", jobs)
        assert call(*arguments) == 0
    assert (tmp_path / "list-out.json").read_bytes() == (tmp_path / "keyed-out.json").read_bytes()


def test_categories_may_be_names_by_id(tmp_path: Path) -> None:
    written = coco_of(saved(tmp_path, document() | {"categories": {"1": "cell", "2": "debris"}}), tmp_path)
    assert [category["name"] for category in written["categories"]] == ["cell", "debris"]
    assert len(written["annotations"]) == 2


def test_annotations_in_a_block_of_another_name_are_read_and_said(tmp_path: Path) -> None:
    renamed = document()
    renamed["anns"] = list(renamed.pop("annotations").values())
    source = saved(tmp_path, renamed)
    assert len(coco_of(source, tmp_path)["annotations"]) == 2
    assert notes_of(report_of(source, tmp_path))["BLOCK_RENAMED"]["level"] == "warning"


def test_a_second_block_of_annotations_is_said_not_to_be_read(tmp_path: Path) -> None:
    more = document() | {"predictions": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}]}
    source = saved(tmp_path, more)
    [loss] = report_of(source, tmp_path)["losses"]
    assert (loss["code"], loss["label"]) == ("BLOCK_NOT_READ", "file.predictions")
    assert "'predictions'" in loss["detail"]
    assert call("convert", source, tmp_path / "refused", "--to", "coco", "--strict") == 3


@pytest.mark.parametrize("block", ["all of them", 7, {"note": 1}])
def test_annotations_that_are_none_are_an_error(block: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("info", saved(tmp_path, document() | {"annotations": block})) == 4
    assert '"annotations" is ' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("case", "images", "unsized", "annotations"),
    [("one-unsized.json", 6, 1, 2), ("via-minus-one.json", 2, 1, 1), ("camera-traps.json", 2, 2, 2)],
)
def test_images_without_a_size_cost_nothing_that_needs_none(
    case: str, images: int, unsized: int, annotations: int, tmp_path: Path
) -> None:
    written = coco_of(UNSIZED / case, tmp_path)
    assert (len(written["images"]), len(written["annotations"])) == (images, annotations)
    report = report_of(UNSIZED / case, tmp_path)
    renumbered = {"annotation.id": 2, "class.id": 2, "image.id": 2} if case == "camera-traps.json" else {}
    assert {loss["code"] for loss in report["losses"]} == ({"ID_RENUMBERED"} if renumbered else set())
    assert {loss["label"]: loss["count"] for loss in report["losses"]} == renumbered, "its ids are texts, or 0"
    note = notes_of(report)["SIZE_UNKNOWN"]
    assert (note["level"], note["count"]) == ("warning", unsized)
    for target in ("encord", "cvat", "masks"):
        assert call("convert", UNSIZED / case, tmp_path / target, "--to", target) == 0
        assert call("info", tmp_path / target) == 0


def test_labels_of_images_that_are_categories_alone_need_no_size(tmp_path: Path) -> None:
    written = coco_of(UNSIZED / "camera-traps.json", tmp_path)
    names = {category["id"]: category["name"] for category in written["categories"]}
    labels = [(names[one["category_id"]], "bbox" in one or "segmentation" in one) for one in written["annotations"]]
    assert sorted(labels) == [("deer", False), ("empty", False)]


def test_an_image_without_a_size_costs_its_own_labels_alone(tmp_path: Path) -> None:
    source = json.loads((UNSIZED / "one-unsized.json").read_text())
    source["annotations"].append({"id": 3, "image_id": 9, "category_id": 2, "bbox": [1, 1, 2, 2]})
    report = report_of(saved(tmp_path, source), tmp_path)
    assert [(loss["code"], loss["label"], loss["count"]) for loss in report["losses"]] == [
        ("SIZE_UNKNOWN", "debris", 1)
    ]
    assert len(coco_of(tmp_path / "in.json", tmp_path)["annotations"]) == 2


def test_several_captions_of_an_image_can_be_read_again(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "1.png", "width": 40, "height": 30}]
    captions = [{"id": number, "image_id": 1, "caption": f"words {number}"} for number in (1, 2, 3)]
    source = saved(tmp_path, {"images": images, "categories": [], "annotations": captions})
    assert call("convert", source, tmp_path / "hub", "--to", "encord", "-r", "captions=separate", "--strict") == 0
    assert coco_of(tmp_path / "hub", tmp_path)["images"][0]["attributes"] == {
        "caption": "words 1", "caption 2": "words 2", "caption 3": "words 3",
    }  # fmt: skip


def test_captions_of_one_image_in_two_files_can_be_read_again(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, name in enumerate(("captions_train.json", "instances_train.json"), 1):
        images = [{"id": 1, "file_name": "1.png", "width": 40, "height": 30}]
        captions = [{"id": number, "image_id": 1, "caption": f"words {number}"}]
        (tmp_path / "in" / name).write_text(json.dumps({"images": images, "annotations": captions, "categories": []}))
    report = report_of(tmp_path / "in", tmp_path, to="encord")
    lost = [(loss["code"], loss["label"], loss["count"]) for loss in report["losses"]]
    assert lost == [("CLASSIFICATION_TWICE", "", 1), ("NATIVE_DROPPED", "annotation.id", 1)]
    assert call("info", tmp_path / "out") == 0


@pytest.mark.parametrize("key", ['a"b', "a\\b", "a\tb", "\u0001"])
def test_a_key_of_odd_characters_is_an_unknown_key_like_any_other(key: str, tmp_path: Path) -> None:
    source = document()
    source["annotations"]["11"] |= {key: 1, "plain": 2}
    assert not report_of(saved(tmp_path, source), tmp_path)["losses"]
    [written] = [one for one in coco_of(tmp_path / "in.json", tmp_path)["annotations"] if "plain" in one]
    assert (written[key], written["plain"]) == (1, 2)
    kept = coco_of(tmp_path / "in.json", tmp_path, "-r", "extras=attributes")["annotations"][0]["attributes"]
    assert sorted(kept.values(), key=str)[:2] == ["1", "2"]


def test_a_second_document_in_a_file_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps(document())
    assert call("convert", saved(tmp_path, f"{text}\n{text}\n"), tmp_path / "out.json") == 4
    assert "in.json:2: has more after the end of the JSON document" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


UNREADABLE = {
    "a file name": (b"p1.jpg", b"p\xff.jpg"),
    "an id": (b'"image_id": 1', b'"image_id": "\xff"'),
    "a key": (b'"iscrowd"', b'"n\xff": 1, "iscrowd"'),
    "a key of an image": (b'"width"', b'"n\xff": 1, "width"'),
    "a category": (b'"cell"', b'"c\xff"'),
    "the info": (b'"info": {}', b'"info": {"d": "\xff"}'),
    "an unknown key": (b'"iscrowd": 0', b'"note": "\xff"'),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_bytes_that_are_no_text_are_refused_with_their_place(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = KEYED.read_bytes().replace(*UNREADABLE[name])
    (tmp_path / "in.json").write_bytes(text)
    assert call("convert", tmp_path / "in.json", tmp_path / "out.json") == 4
    place = f"is not JSON: invalid UTF-8 (invalid start byte), at byte {text.index(0xFF)}."
    assert place in capsys.readouterr().err


@pytest.mark.parametrize(
    "shape",
    [
        '<box label="mask" occluded="0" xtl="1" ytl="1" xbr="1e308" ybr="9"/>',
        '<box label="mask" occluded="0" xtl="1" ytl="1" xbr="2000000000" ybr="9"/>',
        '<polygon label="mask" occluded="0" points="1,1;1e308,2;3,3"/>',
        '<polyline label="mask" occluded="0" points="1,1;-1e300,2"/>',
        '<ellipse label="mask" occluded="0" cx="1" cy="1" rx="1e300" ry="2"/>',
    ],
)
@pytest.mark.parametrize("target", ["coco", "cvat", "encord", "masks"])
def test_numbers_beyond_any_image_are_dropped_with_a_reason(shape: str, target: str, tmp_path: Path) -> None:
    text = (CASES / "cvat/class-named-mask/annotations.xml").read_text()
    (tmp_path / "annotations.xml").write_text(text.replace("</image>", f"{shape}</image>"))
    losses = report_of(tmp_path / "annotations.xml", tmp_path, to=target)["losses"]
    (loss,) = (loss for loss in losses if loss["code"] == "INVALID_GEOMETRY")
    assert "beyond any image" in loss["detail"]


@pytest.mark.parametrize("command", ["info", "convert", "diff"])
def test_the_advice_for_a_size_that_is_not_in_the_file_helps_every_command(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = CASES / "cvat/size-not-in-the-file"
    assert call("convert", source, tmp_path / "other", "--to", "cvat", "-r", "size=100x50") == 0
    more = {"info": [], "convert": [tmp_path / "out", "--to", "coco"], "diff": [tmp_path / "other"]}[command]
    capsys.readouterr()
    assert call(command, source, *more) == 4
    assert "Give it with -r size=WIDTHxHEIGHT." in capsys.readouterr().err
    assert call(command, source, *more, "-r", "size=100x50") == 0
