"""Images below labels: from inside the source alone, upright, decoded within limits; grey with a note else."""

import io
import json
import struct
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import Page, shown, viewed
from PIL import Image

from encord_convert import Report, read, write
from encord_convert._samples import SAMPLES
from encord_convert.cli import run
from encord_convert.formats._files import FolderSource
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ObjectInstance, Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.view.thumbnails import MOST_PX

ROOT = Path(__file__).parents[2]
STREET = ROOT / "fixtures" / "street"
DICOM = ROOT / "fixtures" / "dicom"


def of_images(folder: Path, sizes: dict[str, tuple[int, int]]) -> LabelSet:
    """Return a set with an image for each title, whose files are looked for in a folder."""
    draft = Draft("test")
    rows = [
        draft.row(DataType.IMAGE, title, [draft.unit(title, *size, (title,))], frames=1, key=(title,))
        for title, size in sizes.items()
    ]
    labels = LabelSet(draft.ontology, rows)
    labels.source = FolderSource(folder)
    return labels


def pixels_of(page: Page, number: int = 0) -> Any:
    return np.array(
        Image.open(io.BytesIO(b64decode(page.images[number]["i"].partition(",")[2]))).convert("RGB")
    ).astype(int)


def test_no_name_leads_to_an_image_outside_the_source(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 6), "red").save(secret)
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "linked.png").symlink_to(secret)
    (folder / "here.png").write_bytes(secret.read_bytes())
    names = ["../secret.png", str(secret), f"file://{secret}", "linked.png", "..\\secret.png", "here.png"]
    page = shown(tmp_path, of_images(folder, dict.fromkeys(names, (8, 6))))
    assert {row["t"] for row in page.index["rows"] if "i" in page.images[row["f"][0]["b"]]} == {"here.png"}


def test_an_image_is_upright_as_its_labels_are(tmp_path: Path) -> None:
    half = Image.new("RGB", (60, 40), "black")
    half.paste("white", (0, 0, 30, 40))  # as stored: white on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter to the right: white at the top
    half.save(tmp_path / "shown.jpg", exif=exif)
    half.save(tmp_path / "stored.jpg", exif=exif)
    page = shown(tmp_path, of_images(tmp_path, {"shown.jpg": (40, 60), "stored.jpg": (60, 40)}))
    upright, stored = pixels_of(page, 0), pixels_of(page, 1)
    assert upright.shape[:2] == (60, 40) and upright[5].mean() > 240 > 20 > upright[-5].mean()
    assert stored.shape[:2] == (40, 60) and stored[:, 5].mean() > 240 > 20 > stored[:, -5].mean()


def test_an_image_of_another_size_than_its_labels_say_is_told_on_card_and_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name, size in (("wrong.jpg", (640, 480)), ("right.jpg", (1280, 720)), ("lying.jpg", (720, 1280))):
        Image.new("RGB", size).save(images / name)
    names = sorted(path.name for path in images.iterdir())
    document = {
        "images": [{"id": id_, "file_name": name, "width": 1280, "height": 720} for id_, name in enumerate(names)],
        "categories": [],
        "annotations": [],
    }
    (tmp_path / "set.json").write_text(json.dumps(document))
    page = viewed(tmp_path, tmp_path / "set.json", "--images", images)
    notes = {row["t"]: page.images[row["f"][0]["b"]].get("n", []) for row in page.index["rows"]}
    assert notes == {
        "lying.jpg": ["The image is 720x1280, its labels say 1280x720."],
        "right.jpg": [],
        "wrong.jpg": ["The image is 640x480, its labels say 1280x720."],
    }
    capsys.readouterr()
    words = "-o", tmp_path / "page2.html", "--png", tmp_path / "sheet.png", "--images", images
    assert run([str(word) for word in ("view", tmp_path / "set.json", *words)]) == 0
    told = capsys.readouterr().err
    assert "warning  2 images have another size than the labels say. lying.jpg: The image is 720x1280" in told


def test_grey_of_sixteen_bits_is_spread_over_what_it_reaches(tmp_path: Path) -> None:
    deep = np.tile(np.linspace(1000, 1400, 64).astype("uint16"), (48, 1))
    Image.fromarray(deep).save(tmp_path / "deep.png")
    row = pixels_of(shown(tmp_path, of_images(tmp_path, {"deep.png": (64, 48)})))[20, :, 0]
    assert row[0] < 12 and row[-1] > 243 and abs(row[32] - 129) < 12


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a hundred bytes that says it is that large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_bombs_and_damaged_images_are_grey_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "huge.png").write_bytes(bomb(60_000, 60_000))
    (tmp_path / "large.png").write_bytes(bomb(9_000, MOST_PX // 9_000 + 1))
    (tmp_path / "cut.png").write_bytes((STREET / "images" / "street_1.png").read_bytes()[:900])
    (tmp_path / "text.png").write_text("no image")
    names = ["huge.png", "large.png", "cut.png", "text.png", "none.png"]
    page = shown(tmp_path, of_images(tmp_path, dict.fromkeys(names, (8, 6))))
    notes = [image["n"] for image in page.images]
    assert not any("i" in image for image in page.images)
    assert notes[0] == ["The image is too large to decode."]
    assert notes[1] == [f"{tmp_path}/large.png: has 9000 × 5556 pixels, too many to decode."]
    assert notes[2] == ["The image cannot be read (OSError)."]
    assert notes[3] == ["The image cannot be read (UnidentifiedImageError)."]
    assert notes[4] == ["The image was not found."]


def ct_with_masks(tmp_path: Path) -> Path:
    """Write a CT series with a mask on two of its slices as label rows, and return where."""
    labels = read(DICOM / "ct_series", report=Report())
    lesion = labels.ontology.add_object("lesion", Shape.BITMASK)
    [row] = labels
    mask = np.zeros((128, 128), bool)
    mask[60:70, 40:50] = True
    instance = ObjectInstance(lesion)
    instance.set_for_frames(BitmaskCoordinates(mask), [2, 3])
    row.add_object_instance(instance)
    write(labels, tmp_path / "labels", "encord", report=Report())
    return tmp_path / "labels"


def test_slices_are_seen_through_their_window_below_their_masks(tmp_path: Path) -> None:
    page = viewed(tmp_path, ct_with_masks(tmp_path), "--images", DICOM / "ct_series")
    [row] = page.index["rows"]
    assert [frame["n"] for frame in row["f"]] == [2, 3]
    assert page.shapes(row["t"], 2)[0]["a"] == "M40 60h10v10h-10Z"
    seen = pixels_of(page)
    assert seen.shape[:2] == (128, 128) and seen[2, 2].max() < 10 and seen.max() > 230
    assert 60 < seen[20, 64].mean() < 200


@pytest.mark.parametrize(
    ("kind", "count"), [("compressed", 1), ("enhanced_mr", 1), ("big_endian", 1), ("implicit_vr", 1)]
)
def test_dicom_is_shown_or_grey_with_the_reason(kind: str, count: int, tmp_path: Path) -> None:
    page = viewed(tmp_path, DICOM / kind)
    assert len(page.images) >= count
    assert all(("i" in image) != ("n" in image) for image in page.images)
    assert any("i" in image for image in page.images)
    notes = {note for image in page.images for note in image.get("n", ())}
    assert notes <= {f"{DICOM}/compressed/deflated.dcm: is a deflated DICOM file, which is not decoded."}


def test_a_contact_sheet_has_every_image_and_what_is_lost_in_red_dashes(tmp_path: Path) -> None:
    sheet, lost = tmp_path / "sheet.png", tmp_path / "lost.png"
    report = tmp_path / "report.json"
    assert run(["view", str(STREET), "--png", str(sheet), "-q"]) == 0
    assert run(["convert", str(STREET), str(tmp_path / "out"), "--to", "coco", "--report", str(report), "-q"]) == 0
    assert run(["view", str(STREET), str(report), "--png", str(lost), "-q"]) == 0
    plain, marked = (
        np.array(Image.open(io.BytesIO(file.read_bytes())).convert("RGB")).astype(int) for file in (sheet, lost)
    )
    assert plain.shape == marked.shape and plain.shape[1] > 1000
    red = (np.abs(marked - (209, 36, 47)).sum(-1) < 12).sum()
    assert red > 600 > 20 > (np.abs(plain - (209, 36, 47)).sum(-1) < 12).sum()


def test_a_sheet_of_every_kind_of_shape_is_drawn(tmp_path: Path) -> None:
    for name in ("newer_shapes", "skeletons", "polygon_with_hole", "rotated_boxes", "degenerate", "solids"):
        write(SAMPLES[name](), tmp_path / name, "encord", report=Report())
        assert run(["view", str(tmp_path / name), "--png", str(tmp_path / f"{name}.png"), "-q"]) == 0
        with Image.open(tmp_path / f"{name}.png") as sheet:
            assert sheet.width > 180


def test_a_store_is_read_where_it_is_and_an_archive_by_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    import fsspec

    store = fsspec.filesystem("memory")
    store.put(str(STREET), "/bucket/street", recursive=True)
    shutil.make_archive(str(tmp_path / "street"), "zip", STREET)
    store.put(str(tmp_path / "street.zip"), "/bucket/street.zip")
    local = viewed(tmp_path, STREET)
    for place in ("memory://bucket/street", "memory://bucket/street.zip"):
        assert [image["i"] for image in viewed(tmp_path, place).images] == [image["i"] for image in local.images]
    (tmp_path / "annotations.xml").write_text((STREET / "annotations.xml").read_text())
    apart = viewed(tmp_path, tmp_path / "annotations.xml", "--images", "memory://bucket/street/images")
    assert [image["i"] for image in apart.images] == [image["i"] for image in local.images]
    assert run(["view", "memory://bucket/none", "-o", str(tmp_path / "page.html")]) == 4
