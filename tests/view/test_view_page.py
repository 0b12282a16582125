"""The page of a label set: one file that shows what is there, loads nothing, and lets nobody else's words run."""

import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pages import pixels, read_page, scripts_in, shown, viewed
from PIL import Image

from encord_convert import Report, read
from encord_convert._samples import SAMPLES
from encord_convert.cli import run
from encord_convert.formats import MemorySource
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates, PointCoordinate
from encord_convert.view import labels as view_labels

ROOT = Path(__file__).parents[2]
STREET = ROOT / "fixtures" / "street"
UNDRAWN = {"solids": {"cuboid", "ellipse"}, "degenerate": {"bitmask"}}
"""What has nothing to draw: solids of volumes are carried unread, and a mask may have no pixels."""
HOSTILE = "</script><img src=x onerror=alert(1)><!--"


def of_boxes(count: int, on_each: int = 1, *, title: str = "{}.jpg", name: str = "car") -> LabelSet:
    """Return images with boxes on them."""
    draft = Draft("test")
    item = draft.add_object(name, Shape.BOUNDING_BOX)

    def rows():  # type: ignore[no-untyped-def]
        for number in range(count):
            here = title.format(number)
            row = draft.row(DataType.IMAGE, here, [draft.unit(here, 80, 60, (number,))], frames=1, key=(number,))
            for at in range(on_each):
                draft.place(row, item, BoundingBoxCoordinates(0.5, 0.25, 0.1 + at % 5 / 10, 0.25))
            yield row

    return LabelSet(draft.ontology, rows, title="boxes")


def test_the_page_is_one_file_that_loads_nothing_and_runs_only_what_is_ours(tmp_path: Path) -> None:
    text = viewed(tmp_path, STREET).text
    found = scripts_in(text).found
    ours = {one["tag"]: body for one, body in found if one.get("type") != "application/json"}
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    hashes = {tag: f"'sha256-{b64encode(sha256(body.encode()).digest()).decode()}'" for tag, body in ours.items()}
    assert policy.split("; ") == [
        "default-src 'none'", "img-src data:", f"style-src {hashes['style']}", f"script-src {hashes['script']}",
        "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip
    assert sum(one.get("type") != "application/json" for one, _ in found) == 2
    without = text.replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in without and "https://" not in without and " style=" not in without


def test_titles_classes_and_attributes_of_a_source_stay_text(tmp_path: Path) -> None:
    hostile = HOSTILE.replace("&", "&amp;").replace("<", "&lt;")
    source = (STREET / "annotations.xml").read_text()
    source = source.replace("car", hostile).replace("street_1.png", f"{hostile}.png").replace(">red<", f">{hostile}<")
    (tmp_path / "annotations.xml").write_text(source)
    page = viewed(tmp_path, tmp_path / "annotations.xml")
    assert any(HOSTILE in name for name in page.names)
    assert HOSTILE in {one["n"] for one in page.index["classes"]}
    assert "<img" not in page.text
    assert scripts_in(page.text).tags.count("script") == len(page.images) + 2


@pytest.mark.parametrize("name", SAMPLES)
def test_every_label_of_every_kind_is_on_the_page(name: str, tmp_path: Path) -> None:
    labels = SAMPLES[name]()
    page = shown(tmp_path, labels)
    wanted = sum(
        len(one._frames) for row in labels.walk() for one in (*row._objects.values(), *row._classifications.values())
    )
    assert sum(len(image["s"]) for image in page.images) == wanted
    empty = [one for image in page.images for one in image["s"] if not one.keys() & set("alph")]
    without = {page.index["classes"][one["c"]]["s"] for one in empty}
    assert without <= {"frame"} | UNDRAWN.get(name, set())


@pytest.mark.parametrize(("name", "kind", "paths"), [
    ("rotated_boxes", "rotatable bounding box", "a"), ("polygon_with_hole", "polygon", "a"), ("points", "point", "p"),
    ("polylines_beside_boxes", "polyline", "l"), ("skeletons", "skeleton", "lph"), ("newer_shapes", "cuboid 2d", "al"),
])  # fmt: skip
def test_shapes_are_drawn_as_what_they_are(name: str, kind: str, paths: str, tmp_path: Path) -> None:
    page = shown(tmp_path, SAMPLES[name]())
    found = [one for image in page.images for one in image["s"] if page.index["classes"][one["c"]]["s"] == kind]
    assert any(set(paths) <= one.keys() for one in found), found
    if name == "polygon_with_hole":
        assert found[0]["a"].count("M") == found[0]["a"].count("Z") == 2


def test_a_mask_covers_its_very_pixels_holes_and_all(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((12, 17)) > 0.45
    draft = Draft("test")
    row = draft.row(DataType.IMAGE, "a.png", [draft.unit("a.png", 17, 12, (0,))], frames=1, key=(0,))
    draft.place(row, draft.add_object("cell", Shape.BITMASK), BitmaskCoordinates(mask))
    [one] = shown(tmp_path, LabelSet(draft.ontology, [row])).shapes("a.png")
    assert np.array_equal(np.array(pixels(one["a"], 17, 12)), mask)


def test_a_mask_of_noise_is_drawn_coarsely_instead_of_without_end(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((1500, 1500)) > 0.5
    draft = Draft("test")
    row = draft.row(DataType.IMAGE, "a.png", [draft.unit("a.png", 1500, 1500, (0,))], frames=1, key=(0,))
    draft.place(row, draft.add_object("noise", Shape.BITMASK), BitmaskCoordinates(mask))
    [image] = shown(tmp_path, LabelSet(draft.ontology, [row])).images
    assert len(image["s"]) == 1 or image["o"]
    assert (tmp_path / "page.html").stat().st_size < 5_000_000


def test_a_label_says_class_attributes_instance_confidence_and_its_line(tmp_path: Path) -> None:
    page = viewed(tmp_path, STREET)
    car = next(one for one in page.shapes("Train/street_1.png") if one["class"] == "car")
    line = (STREET / "annotations.xml").read_text().splitlines()[car["y"] - 1]
    assert "<box" in line and 'label="car"' in line and car["e"] == "<box>"
    assert dict(car["q"]) and len(car["i"]) == 8
    assert page.index["rows"][0]["file"] == str(STREET / "annotations.xml")
    scores = [one["f"] for image in shown(tmp_path, SAMPLES["provenance"]()).images for one in image["s"] if "f" in one]
    assert scores and all(0 < score < 1 for score in scores)


def test_more_shapes_than_can_be_clicked_are_one_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encord_convert.view.content.MOST_SHAPES", 20)
    assert view_labels.MOST_SHAPES == 2_000
    page = shown(tmp_path, of_boxes(2, 21))
    assert page.images[0]["s"] == [] and page.images[0]["n"] == [
        "21 shapes are drawn as one image and cannot be clicked.",
    ]  # fmt: skip
    overlay = Image.open(BytesIO(b64decode(page.images[0]["o"].partition(",")[2])))
    assert overlay.format == "PNG" and max(overlay.size) == 960
    assert 0 < np.count_nonzero(np.array(overlay)[..., 3]) < overlay.width * overlay.height / 4


def test_a_sample_is_even_the_same_again_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = shown(tmp_path, of_boxes(1000), limit=30).names
    numbers = [int(name.partition(".")[0]) for name in names]
    assert len(numbers) == 30 and numbers == sorted(numbers)
    steps = np.diff(numbers)
    assert steps.min() >= 16 and steps.max() <= 64 and numbers[0] == 0 and numbers[-1] > 930
    assert shown(tmp_path, of_boxes(1000), limit=30).names == names
    assert run(["view", str(STREET), "-o", str(tmp_path / "few.html"), "--limit", "4"]) == 0
    assert "4 images of 6, evenly spaced (--limit shows more)" in capsys.readouterr().err
    assert "4 of 6 images are shown, evenly spaced; --limit shows more." in read_page(tmp_path / "few.html").text


def test_what_is_not_sampled_is_not_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    drawing_of = view_labels.drawing_of
    monkeypatch.setattr(view_labels, "drawing_of", lambda *given: seen.append(1) or drawing_of(*given))  # type: ignore[func-returns-value]
    shown(tmp_path, of_boxes(4000), limit=10)
    assert len(seen) < 150


def test_frames_of_a_track_are_one_row_with_its_frames(tmp_path: Path) -> None:
    page = viewed(tmp_path, ROOT / "fixtures" / "cvat" / "authored-video-modern-tracks")
    [row] = page.index["rows"]
    assert [frame["n"] for frame in row["f"]] == [0, 2, 4, 6, 8] or len(row["f"]) >= 4
    boats = [one for frame in row["f"] for one in page.shapes(row["t"], frame["n"]) if one["class"] == "boat"]
    assert len({one["i"] for one in boats}) == 1
    assert {dict(one["q"])["state"] for one in boats} == {"sail", "moor"}


def test_images_of_a_folder_of_an_archive_and_of_memory_are_shown_the_same(tmp_path: Path) -> None:
    import shutil

    shutil.make_archive(str(tmp_path / "street"), "zip", STREET)
    folder, archive = viewed(tmp_path, STREET), viewed(tmp_path, tmp_path / "street.zip")
    source = MemorySource({str(path.relative_to(STREET)): path.read_bytes() for path in STREET.rglob("*.*")})
    memory = shown(tmp_path, read(source, report=Report()))
    assert [image["i"] for image in folder.images] == [image["i"] for image in archive.images]
    assert [image["i"] for image in folder.images] == [image["i"] for image in memory.images]
    assert all(image["i"].startswith("data:image/jpeg;base64,") for image in folder.images)


def test_without_images_labels_are_on_grey_and_advice_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "annotations.xml").write_text((STREET / "annotations.xml").read_text())
    assert run(["view", str(tmp_path / "annotations.xml"), "-o", str(tmp_path / "page.html")]) == 0
    assert "No images were found" in capsys.readouterr().err
    page = read_page(tmp_path / "page.html")
    assert not any("i" in image or "n" in image for image in page.images)
    assert page.text.count("Name their folder or archive with --images.") == 1
    elsewhere = viewed(tmp_path, tmp_path / "annotations.xml", "--images", STREET / "images")
    assert all("i" in image for image in elsewhere.images)


def test_a_page_that_another_program_wrote_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.html").write_text("mine")
    assert run(["view", str(STREET), "-o", str(tmp_path / "page.html")]) == 5
    assert (tmp_path / "page.html").read_text() == "mine"
    assert run(["view", str(STREET)]) == 2
    assert "Say where to write: -o page.html" in capsys.readouterr().err


def test_points_of_a_damaged_label_are_not_drawn(tmp_path: Path) -> None:
    draft = Draft("test")
    row = draft.row(DataType.IMAGE, "a.png", [draft.unit("a.png", 17, 12, (0,))], frames=1, key=(0,))
    draft.place(row, draft.add_object("dot", Shape.POINT), PointCoordinate(float("nan"), 0.5))
    [one] = shown(tmp_path, LabelSet(draft.ontology, [row])).shapes("a.png")
    assert not one.keys() & set("alph")


def test_a_notebook_shows_images_and_counts_stand(tmp_path: Path) -> None:
    report = Report()
    labels = read(STREET, report=report)
    rows = list(labels)
    before = json.dumps(report.to_dict())
    html = labels._repr_html_()
    assert json.dumps(report.to_dict()) == before
    assert html.count("<svg") == 6 and html.count("data:image/jpeg") == 6 and "<script" not in html
    assert rows[0]._repr_html_().count("<path") >= 4
    hostile = of_boxes(1, title=HOSTILE + "{}", name=HOSTILE)
    assert "<img" not in hostile._repr_html_() + next(hostile.walk())._repr_html_()
