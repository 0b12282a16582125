"""Images are linked, copied or left; what is missing, turned or of another size is told."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import loaders
import pytest
from PIL import Image
from road import HEIGHT, NAMES, WIDTH, Road, images, png, road

from encord_convert._samples import box
from encord_convert.errors import AmbiguousFileError, OptionError, ReadError, WriteError
from encord_convert.formats._paths import safe_name
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Level
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.training import write_target


def cars(*titles: str, data_type: DataType = DataType.IMAGE, frames: int = 1, **metadata: str) -> LabelSet:
    r = Road()
    car = r.draft.add_object("car", Shape.BOUNDING_BOX)
    for title in titles:
        r.row(title, data_type, frames, **metadata)
        r.place(car, box(), list(range(frames)))
    return LabelSet(r.draft.ontology, r.rows, title="cars")


def written(tmp_path: Path, labels: LabelSet, images: Path | None, name: str = "torchvision", **options: Any) -> Report:
    options.setdefault("split", "train=1")
    report = Report()
    where = None if images is None else str(images)
    return write_target(labels, tmp_path / "out", name, report=report, images=where, **options)


def codes(report: Report) -> dict[str, int]:
    return {note.code: note.count for note in report.notes()}


def names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_images_are_hard_links_by_default(tmp_path: Path) -> None:
    source = images(tmp_path / "pictures")
    written(tmp_path, road(), source)
    for name in NAMES:
        assert (tmp_path / "out" / "train2017" / name).samefile(source / name)
        assert not (tmp_path / "out" / "train2017" / name).is_symlink()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("placing", ["link", "copy", "leave"])
def test_images_that_are_cut_short_are_told_once_with_the_first(kind: str, placing: str, tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    names = [f"{number}.{kind.lower()}" for number in range(4)]
    for number, name in enumerate(names):
        picture = Image.effect_noise((WIDTH, HEIGHT), 90)
        picture.save(source / name, kind)
        whole = (source / name).read_bytes()
        (source / name).write_bytes({1: whole[:1500], 2: whole[:-300], 3: whole + b"\0" * 3000}.get(number, whole))
    report = written(tmp_path, cars(*names), source, image_files=placing)
    [note] = [one for one in report.notes() if one.code == "TRUNCATED"]
    assert (note.level, note.count, note.where.row) == (Level.WARNING, 2, names[1])
    assert note.detail.startswith(f"2 images, {names[1]} first, have no end mark")


def test_images_that_are_cut_short_are_told_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", png(1))
        archive.writestr("b.png", png(2)[:-20])
    report = written(tmp_path, cars("a.png", "b.png"), tmp_path / "pictures.zip")
    assert codes(report)["TRUNCATED"] == 1


def test_images_of_another_file_system_are_symbolic_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    source = images(tmp_path / "pictures")
    written(tmp_path, road(), source)
    for name in NAMES:
        assert (tmp_path / "out" / "train2017" / name).readlink() == (source / name).resolve()


def test_images_are_copied_when_asked_or_when_they_cannot_be_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = images(tmp_path / "pictures")
    written(tmp_path, road(), source, image_files="copy")
    copy = tmp_path / "out" / "train2017" / NAMES[0]
    assert copy.read_bytes() == (source / NAMES[0]).read_bytes()
    assert not copy.samefile(source / NAMES[0])


def test_images_are_taken_out_of_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for name in NAMES:
            archive.writestr(f"deep/{name}", png())
    report = written(tmp_path, road(), tmp_path / "pictures.zip")
    assert "MISSING_MEDIA" not in codes(report)
    assert len(loaders.torchvision(tmp_path / "out", "train")) == 12


def test_images_that_are_left_keep_their_names(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a.png").write_bytes(png())
    written(tmp_path, cars("a.jpg"), source, image_files="leave")
    file = tmp_path / "out" / "annotations" / "instances_train2017.json"
    assert [one["file_name"] for one in json.loads(file.read_text())["images"]] == ["deep/a.png"]
    assert names_in(tmp_path / "out") == ["annotations/instances_train2017.json"]
    assert sum(1 for _ in loaders.read_coco(file, source)) == 1


@pytest.mark.proves("cvat codes: MISSING_MEDIA")
def test_a_missing_image_is_counted_and_its_labels_are_written(tmp_path: Path) -> None:
    source = images(tmp_path / "pictures")
    (source / NAMES[1]).unlink()
    (source / NAMES[-1]).unlink()
    report = written(tmp_path, road(), source)
    assert codes(report)["MISSING_MEDIA"] == 2
    (note,) = [note for note in report.notes() if note.code == "MISSING_MEDIA"]
    assert note.where.row == "cam 1/b.png"
    file = tmp_path / "out" / "annotations" / "instances_train2017.json"
    assert len(json.loads(file.read_text())["annotations"]) == 12


@pytest.mark.parametrize(
    "name", ["clip/{:06d}.jpg", "clip/frame_{:06d}.png", "deep/clip/{:06d}.PNG", "frame_{:06d}.png"]
)
def test_frames_of_a_video_are_found_by_their_numbers(name: str, tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    for frame in range(3):
        path = source / name.format(frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(frame))
    report = written(tmp_path, cars("clip.mp4", data_type=DataType.VIDEO, frames=3), source)
    assert "MISSING_MEDIA" not in codes(report)
    for path in (tmp_path / "out" / "train2017" / "clip").iterdir():
        assert path.read_bytes() == png(int(path.stem))


def test_frames_that_could_be_of_either_video_stop_everything(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "frame_000000.png").write_bytes(png())
    with pytest.raises(AmbiguousFileError, match="fits two images: a/frame_000000, b/frame_000000"):
        written(tmp_path, cars("a.mp4", "b.mp4", data_type=DataType.VIDEO), source)


def test_frames_under_the_hash_of_the_video_are_found(tmp_path: Path) -> None:
    labels = cars("clip.mp4", data_type=DataType.VIDEO, frames=2)
    source = tmp_path / "pictures" / "videos" / next(iter(labels)).data_hash
    source.mkdir(parents=True)
    for frame in range(2):
        (source / f"{frame}.jpg").write_bytes(png())
    written(tmp_path, labels, tmp_path / "pictures")
    assert names_in(tmp_path / "out" / "train2017") == ["clip/000000.jpg", "clip/000001.jpg"]


def test_a_name_that_fits_two_images_stops_everything(tmp_path: Path) -> None:
    source = images(tmp_path / "pictures")
    with pytest.raises(AmbiguousFileError, match=r"'a\.png' could be any of 2 files: cam 1/a\.png, cam 2/a\.png"):
        written(tmp_path, cars("a.png"), source)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_a_image_is_found_by_its_content_when_its_name_is_another(tmp_path: Path) -> None:
    import hashlib

    source = tmp_path / "pictures"
    source.mkdir()
    (source / "renamed.png").write_bytes(png(7))
    (source / "other.png").write_bytes(png(8))
    labels = cars("a.png", sha256=hashlib.sha256(png(7)).hexdigest())
    written(tmp_path, labels, source)
    assert (tmp_path / "out" / "train2017" / "a.png").samefile(source / "renamed.png")


def test_a_image_of_another_size_is_told(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "a.png").write_bytes(png(size=(WIDTH * 2, HEIGHT * 2)))
    assert codes(written(tmp_path, cars("a.png"), source))["SIZE_MISMATCH"] == 1


def rotated(size: tuple[int, int], orientation: int, kind: str = "JPEG") -> bytes:
    """An image, stored red on its left and blue on its right half."""
    image = Image.new("RGB", size, (255, 0, 0))
    image.paste((0, 0, 255), (size[0] // 2, 0, *size))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, kind, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_image_that_exif_turns_is_written_upright(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "a.jpg").write_bytes(rotated((HEIGHT, WIDTH), 6, kind))
    report = written(tmp_path, cars("a.jpg"), source)
    assert codes(report)["EXIF_ORIENTATION"] == 1
    assert "SIZE_MISMATCH" not in codes(report)
    with Image.open(tmp_path / "out" / "train2017" / "a.jpg") as image:
        assert image.size == (WIDTH, HEIGHT)
        assert image.getexif().get(0x0112, 1) == 1
        red, _, blue = image.convert("RGB").getpixel((WIDTH // 2, 4))  # type: ignore[misc]
        assert red > 200 > blue  # what was left is on top: turned clockwise
    assert (source / "a.jpg").read_bytes() == rotated((HEIGHT, WIDTH), 6, kind)


def test_a_image_whose_labels_were_drawn_before_turning_is_not_rotated(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "a.jpg").write_bytes(rotated((WIDTH, HEIGHT), 6))
    written(tmp_path, cars("a.jpg"), source)
    with Image.open(tmp_path / "out" / "train2017" / "a.jpg") as image:
        assert image.size == (WIDTH, HEIGHT)
        assert image.getexif().get(0x0112, 1) == 1


def test_a_rotated_image_that_is_left_is_warned_of(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "a.jpg").write_bytes(rotated((HEIGHT, WIDTH), 6))
    report = written(tmp_path, cars("a.jpg"), source, image_files="leave")
    (note,) = [note for note in report.notes() if note.code == "EXIF_ORIENTATION"]
    assert note.detail == "EXIF data rotates an image that is left in place; not all training code applies that."


def test_what_is_no_image_stops_everything(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "a.png").write_bytes(b"no image")
    with pytest.raises(ReadError, match=r"a\.png: is not an image that can be read"):
        written(tmp_path, cars("a.png"), source)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "title", ["../../evil.png", "/etc/evil.png", "C:\\evil.png", "a/../../evil.png", "nul", "..", ""]
)
@pytest.mark.parametrize("name", ["torchvision", "ultralytics", "hf", "rfdetr"])
def test_no_title_leads_out_of_the_target(title: str, name: str, tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    (source / "evil.png").write_bytes(png())
    (source / "other.png").write_bytes(png())
    written(tmp_path, cars(title, "other.png"), source, name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "pictures"]


def test_a_folder_named_images_does_not_mislead_ultralytics(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    (source / "images").mkdir(parents=True)
    (source / "images" / "a.png").write_bytes(png())
    written(tmp_path, cars("images/a.png"), source, "ultralytics")
    assert len(loaders.ultralytics(tmp_path / "out", "train", "detect")) == 1


def test_images_that_differ_in_their_ending_alone_have_labels_each_for_ultralytics(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    source.mkdir()
    for name in ("a.png", "a.bmp"):
        (source / name).write_bytes(png())
    report = written(tmp_path, cars("a.png", "a.bmp"), source, "ultralytics")
    assert names_in(tmp_path / "out") == [
        "data.yaml", "images/train/a (2).bmp", "images/train/a.png", "labels/train/a (2).txt", "labels/train/a.txt",
    ]  # fmt: skip
    assert codes(report)["NAME_CLASH"] == 1


def test_a_image_without_an_ending_gets_that_of_its_kind_and_a_folder_loses_its(tmp_path: Path) -> None:
    source = tmp_path / "pictures"
    (source / "b.png").mkdir(parents=True)
    for name in ("v1.2 shot", "b.png/1.png"):
        (source / name).write_bytes(png())
    written(tmp_path, cars("v1.2 shot", "b.png/1.png"), source, "ultralytics")
    assert names_in(tmp_path / "out" / "images" / "train") == ["b.png_/1.png", "v1.2 shot.png"]
    assert len(loaders.ultralytics(tmp_path / "out", "train", "detect")) == 2


def test_what_lies_in_a_folder_is_not_trained_on_by_accident(tmp_path: Path) -> None:
    (tmp_path / "out" / "labels").mkdir(parents=True)
    with pytest.raises(WriteError, match="the folder is not empty, and its files would be trained on too"):
        written(tmp_path, cars("a.png"), None)
    (tmp_path / "out" / "labels").rmdir()
    written(tmp_path, cars("a.png"), None)


def test_without_a_folder_of_images_labels_are_written_alone(tmp_path: Path) -> None:
    report = written(tmp_path, cars("a.png"), None, "ultralytics")
    assert names_in(tmp_path / "out") == ["data.yaml", "labels/train/a.txt"]
    assert "MISSING_MEDIA" not in codes(report)
    assert codes(report)["NO_IMAGES"] == 1


def test_images_do_not_come_from_standard_input(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="images=- is not allowed"):
        written(tmp_path, cars("a.png"), Path("-"))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cam 1/a.png", "cam 1/a.png"),
        ("a/./b//c.png", "a/b/c.png"),
        ("com1/a.png", "_com1/a.png"),
        ("a\0b\n.png", "a_b_.png"),
        ("a. /b.png", "a/b.png"),
        ("...", "_"),
        ("\ud800\udce9.png", "_\udce9.png"),
    ],
)
def test_a_name_is_made_safe_on_every_system(name: str, safe: str) -> None:
    assert safe_name(name) == safe
