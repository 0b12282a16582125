"""What is lost or differs is marked where it is, the worst first; the pages of reports lead to it."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from pages import Page, read_page, scripts_in, shown, viewed

from encord_convert import Report, convert, write
from encord_convert._samples import SAMPLES
from encord_convert.cli import run
from encord_convert.formats import MemoryTarget
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates
from encord_convert.view.reports import Head, report_page

ROOT = Path(__file__).parents[2]
STREET = ROOT / "fixtures" / "street"
CVAT = ROOT / "fixtures" / "cvat"


def marked(page: Page) -> list[tuple[str, str, str]]:
    """Return row, verb and sentence of every mark."""
    found = []
    for row in page.index["rows"]:
        for frame in row["f"]:
            for shape in page.images[frame["b"]]["s"]:
                found += [(row["t"], page.index["lines"][line]["verb"], text) for line, text in shape.get("m", ())]
    return found


def test_what_a_conversion_loses_is_marked_with_its_sentence(tmp_path: Path) -> None:
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    words = [
        "convert",
        str(STREET),
        str(tmp_path / "out"),
        "--to",
        "coco",
        "--view",
        str(page),
        "--report",
        str(report),
    ]
    assert run([*words, "-q"]) == 0
    after = read_page(page)
    lost = [(row, text) for row, verb, text in marked(after) if verb == "dropped"]
    assert len(lost) == 6 and {text for _, text in lost} == {"No polylines in the target."}
    classes = {one["class"] for name in after.names for one in after.shapes(name) if "m" in one}
    assert classes == {"lane"}
    assert f"converted to <b>{tmp_path / 'out'} (coco)</b>" in after.text
    again = viewed(tmp_path, STREET, report)
    assert marked(again) == marked(after)


def test_a_refused_conversion_and_a_dry_run_show_what_would_be_lost(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ["convert", str(STREET), str(tmp_path / "out"), "--to", "coco", "--view", str(page), "-q"]
    assert run([*words, "--strict"]) == 3
    refused = marked(read_page(page))
    assert len(refused) >= 6 and not (tmp_path / "out").exists()
    assert run([*words, "--dry-run"]) == 0
    assert marked(read_page(page)) == refused


def coco(*annotations: tuple[int, int, int, list[float]], images: int = 3) -> str:
    """Return a COCO file of boxes: id, image, category, bbox."""
    return json.dumps({
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 80} for n in range(1, images + 1)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": id_, "image_id": image, "category_id": category, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            for id_, image, category, box in annotations
        ],
    })  # fmt: skip


def test_two_sets_show_what_is_missing_otherwise_and_added(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    same = (1, 1, 1, [5, 5, 20, 20])
    one.write_text(coco(same, (2, 1, 2, [40, 5, 20, 20]), (3, 2, 1, [10, 10, 30, 30]), (4, 3, 1, [1, 2, 9, 9])))
    other.write_text(coco(same, (3, 2, 1, [14, 10, 30, 30]), (5, 2, 2, [60, 40, 20, 20]), images=2))
    page = viewed(tmp_path, one, other)
    assert [(row, verb) for row, verb, _ in marked(page)] == [
        ("1.jpg", "missing"), ("3.jpg", "missing"), ("2.jpg", "added"), ("2.jpg", "differs"),
    ]  # fmt: skip
    assert page.names == ["1.jpg", "3.jpg", "2.jpg"]
    assert [(one["class"], "m" in one) for one in page.shapes("1.jpg")] == [("cat", False), ("dog", True)]
    moved = [shape for shape in page.shapes("2.jpg") if shape["class"] == "cat"]
    assert [("m" in shape, shape["a"][:5]) for shape in moved] == [(False, "M14 1"), (True, "M10 1")]
    assert [shape.get("new") for shape in page.shapes("2.jpg") if shape["class"] == "dog"] == [True]
    assert (
        "expected box 10 10 30 30, found box 14 10 30 30" in {verb: text for _, verb, text in marked(page)}["differs"]
    )


def test_a_track_that_moved_is_marked_on_every_frame_where_it_differs(tmp_path: Path) -> None:
    source = (CVAT / "video-boxes-minimal" / "annotations.xml").read_text()
    file = tmp_path / "moved.xml"
    file.write_text(re.sub(r'xtl="(100|110|120)"', lambda match: f'xtl="{int(match[1]) - 3}"', source))
    page = viewed(tmp_path, CVAT / "video-boxes-minimal", file)
    assert [(frame["n"], bool(frame["m"])) for frame in page.index["rows"][0]["f"]] == [
        (0, True), (1, True), (2, True), (3, False), (4, False),
    ]  # fmt: skip
    assert [(verb, text.partition(":")[0]) for _, verb, text in marked(page)] == 3 * [("differs", "'person'")]


def test_view_and_diff_count_the_same_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = str(CVAT / "job-points"), str(STREET)
    assert run(["diff", *words]) == 1
    count = capsys.readouterr().err.split()[-2]
    assert run(["view", *words, "-o", str(tmp_path / "page.html")]) == 0
    assert f"marked {count} differences" in capsys.readouterr().err


def test_what_was_read_otherwise_is_not_called_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = CVAT / "job-points"
    assert run(["view", str(points), str(points), "-o", str(tmp_path / "page.html")]) == 0
    told = capsys.readouterr().err
    assert "points split" in told and "unread" not in told
    assert "marked 0 differences" in told


def test_of_rows_of_one_title_each_is_compared_with_its_own(tmp_path: Path) -> None:
    one, other = of_equal_titles(0.25, 0.5), of_equal_titles(0.25, 0.6)
    page = shown(tmp_path, one, other=other)
    assert [[bool(shape.get("m")) for shape in image["s"]] for image in page.images] == [[False], [False, True]]


def of_equal_titles(*lefts: float) -> LabelSet:
    """Return images of one title, each with a box."""
    draft = Draft("test")
    item = draft.add_object("car", Shape.BOUNDING_BOX)
    rows = []
    for number, left in enumerate(lefts):
        unit = draft.unit("a.jpg", 100, 80, (number,))
        row = draft.row(DataType.IMAGE, "a.jpg", [unit], frames=1, key=(number,))
        draft.place(row, item, BoundingBoxCoordinates(0.2, 0.2, left, 0.1))
        rows.append(row)
    return LabelSet(draft.ontology, rows)


def test_sets_that_are_the_same_have_no_mark(tmp_path: Path) -> None:
    page = viewed(tmp_path, STREET, STREET)
    assert marked(page) == [] and page.index["lines"] == [] and len(page.images) == 6


def test_images_with_losses_are_in_every_sample_and_come_first(tmp_path: Path) -> None:
    some = [(n, n, 1, [5, 5, 20, 20]) for n in range(1, 301)]
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text(coco(*some, images=300))
    other.write_text(coco(*(row for row in some if row[0] not in (123, 277)), images=300))
    page = viewed(tmp_path, one, other, "--limit", "10")
    assert page.names[:2] == ["123.jpg", "277.jpg"] and len(page.names) == 10


def test_what_is_not_read_is_told_on_the_page_and_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.json"
    file.write_text(coco((1, 1, 1, [5, 5, 20, 20]), (2, 1, 7, [5, 5, 20, 20])))
    assert run(["view", str(file), "-o", str(tmp_path / "page.html")]) == 0
    assert f"unread {file}: 1 bounding box dropped" in capsys.readouterr().err
    [line] = read_page(tmp_path / "page.html").index["lines"]
    assert (line["verb"], line["code"], line["count"]) == ("dropped", "ORPHAN_CATEGORY", 1)


@pytest.mark.parametrize(("key", "value"), [("kind", "lost"), ("count", "many"), ("where", {"row": 5}), ("code", None)])
def test_a_report_that_is_damaged_is_told(
    key: str, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    form = convert(STREET, MemoryTarget(), to="coco", report=Report()).to_dict()
    form["losses"][0][key] = value
    file.write_text(json.dumps(form))
    assert run(["view", str(STREET), str(file), "-o", str(tmp_path / "page.html")]) == 4
    assert "is a report whose losses cannot be read" in capsys.readouterr().err


def test_the_page_of_a_report_has_places_that_lead_to_images_and_to_the_page(tmp_path: Path) -> None:
    report, page = tmp_path / "report.html", tmp_path / "page.html"
    words = [
        "convert",
        str(STREET),
        str(tmp_path / "out"),
        "--to",
        "coco",
        "--view",
        str(page),
        "--report",
        str(report),
    ]
    assert run([*words, "-q"]) == 0
    text = report.read_text()
    assert "annotations.xml:100, Train/street_1.png" in text
    links = re.findall(r'<a href="([^"]*)">', text)
    images = [link for link in links if link.endswith(".png")]
    assert len(images) == 12 and all((tmp_path / unquote(link)).is_file() for link in images)
    assert "./page.html#code=POLYLINE_SKIPPED" in links
    assert "encord-convert convert" in text and re.search(r"duration <b>[0-9.]+ s</b>", text)
    assert scripts_in(text).tags.count("script") == 1 and "script-src 'sha256-" in text


def test_links_of_a_report_are_names_of_files_and_nothing_else(tmp_path: Path) -> None:
    hostile = 'javascript:alert(1)//"><script>x.png'
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / hostile.replace("/", "_")).write_bytes(b"x")
    where = {"row": hostile.replace("/", "_"), "file": "</td><script>alert(1)</script>"}
    loss = {
        "kind": "dropped", "code": "<script>", "feature": "shape", "type": "box", "label": "<img src=x onerror=y>",
        "where": where, "detail": "</script><script>alert(1)", "count": 1,
        "examples": [{"where": where, "detail": "<b>"}],
    }  # fmt: skip
    form = {
        "source": {"path": str(folder), "format": "coco"}, "target": {"path": "out", "format": "x"},
        "counts": {}, "labels": {}, "losses": [loss], "notes": [],
    }  # fmt: skip
    text = "".join(report_page(form, Head(str(tmp_path / "report.html"), "<script>")))
    [link] = re.findall(r'<a href="([^"]*)">', text)
    assert link.startswith("./source/javascript%3Aalert")
    assert scripts_in(text).tags.count("script") == 1
    assert not {"img", "b"} & set(scripts_in(text.partition("</header>")[2]).tags)


def test_a_report_without_losses_says_so(tmp_path: Path) -> None:
    report, hub = tmp_path / "report.html", tmp_path / "hub"
    assert run(["convert", str(STREET), str(hub), "--to", "encord", "-q"]) == 0
    assert run(["convert", str(hub), str(tmp_path / "out"), "--to", "encord", "--report", str(report), "-q"]) == 0
    assert "Nothing was lost." in report.read_text() and "<h2>Losses</h2>" not in report.read_text()


@pytest.mark.parametrize(
    ("name", "target"),
    [("newer_shapes", "coco"), ("tracks", "yolo"), ("skeletons", "yolo"), ("answers", "yolo")],
)
def test_losses_of_every_kind_can_be_shown(name: str, target: str, tmp_path: Path) -> None:
    report = Report()
    write(SAMPLES[name](), MemoryTarget(), target, report=report)
    page = shown(tmp_path, SAMPLES[name](), losses=report)
    assert len(page.index["lines"]) == len(report.losses()) > 0
    assert {one["code"] for one in page.index["lines"]} == {loss.code for loss in report.losses()}
