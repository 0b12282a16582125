"""Images are found by name, in one order and never by guess, and asked for nothing but their header."""

import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from encord_convert.errors import AmbiguousFileError, ReadError
from encord_convert.formats._files import FolderSource, MemorySource, source_at
from encord_convert.hub.media import Header, Media


def media(*names: str) -> Media:
    return Media(MemorySource({name: name.encode() for name in names}, "pictures"))


def image(size: tuple[int, int] = (40, 30), kind: str = "PNG", orientation: int | None = None) -> bytes:
    stream = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.new("RGB", size).save(stream, kind, exif=exif)
    return stream.getvalue()


@pytest.mark.proves("labels: 27")
@pytest.mark.parametrize(
    ("asked", "found", "names"),
    [
        ("cam/1.png", "cam/1.png", ["cam/1.png", "b/cam/1.png", "cam/1.jpg"]),
        ("cam\\1.png", "cam/1.png", ["cam/1.png"]),
        ("1.png", "train/cam/1.png", ["train/cam/1.png", "train/cam/11.png"]),
        ("1.png", "images/1.png", ["images/cam/1.png", "images/1.png"]),
        ("1", "images/1.png", ["images/cam/1.png", "images/1.png"]),
        ("/home/ann/data/cam/1.png", "cam/1.png", ["cam/1.png", "1.png", "other/1.png"]),
        ("C:\\data\\cam\\1.png", "cam/1.png", ["cam/1.png"]),
        ("s3://bucket/train/a%20b.jpg?sig=1", "train/a b.jpg", ["train/a b.jpg"]),
        ("100%25.jpg", "100%25.jpg", ["100%25.jpg", "100%.jpg"]),
        ("frame_000003", "images/frame_000003.PNG", ["images/frame_000003.PNG", "images/frame_000003.txt"]),
        ("a.jpg", "a.png", ["a.png", "b.png"]),
        ("IMG.0001", "IMG.0001.png", ["IMG.0001.png", "IMG.png"]),
        ("../images/1.png", "images/1.png", ["images/1.png"]),
        ("Gro\u0308ße.png", "Gr\u00f6ße.png", ["Gr\u00f6ße.png"]),
        ("Gr\u00f6ße.png", "Gro\u0308ße.png", ["Gro\u0308ße.png"]),
    ],
)
def test_a_name_finds_its_image(asked: str, found: str, names: list[str]) -> None:
    assert media(*names).find(asked) == found


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("cam1/1.png", ["cam2/1.png"]),
        ("1.PNG", ["1.png.txt"]),
        ("A.png", ["a.png"]),
        ("a.jpg", ["a.json", "a.txt"]),
        ("IMG.0001", ["IMG.png"]),
        ("../..", ["a.png"]),
        ("", ["a.png"]),
    ],
)
def test_what_only_looks_like_a_name_is_not_taken(asked: str, names: list[str]) -> None:
    assert media(*names).find(asked) is None


def test_several_files_that_fit_equally_well_are_an_error_that_lists_them() -> None:
    with pytest.raises(AmbiguousFileError) as caught:
        media("train/1.png", "val/1.png", "x/2.png").find("1.png")
    assert caught.value.candidates == ["train/1.png", "val/1.png"]
    assert str(caught.value) == (
        "pictures: the image '1.png' could be any of 2 files: train/1.png, val/1.png. "
        "Name the folder that holds only what is meant."
    )
    with pytest.raises(AmbiguousFileError, match=r"a\.jpg, a\.png"):
        media("a.jpg", "a.png").find("a")


def test_one_file_is_not_two_images() -> None:
    found = media("a.png")
    assert found.find("cam1/a.png") == found.find("cam1\\a.png") == "a.png"
    with pytest.raises(AmbiguousFileError) as caught:
        found.find("cam2/a.png")
    assert str(caught.value).startswith("pictures: the file 'a.png' fits two images: cam1/a.png, cam2/a.png.")


def test_a_path_is_tried_before_a_suffix_and_a_suffix_before_a_stem() -> None:
    names = ["x/a.jpg", "a.png"]
    assert media(*names, "a.jpg").find("a.jpg") == "a.jpg"
    assert media(*names).find("a.jpg") == "x/a.jpg"
    assert media(names[1]).find("a.jpg") == "a.png"


def test_content_is_tried_last_and_equal_content_is_no_ambiguity() -> None:
    found = Media(MemorySource({"b.png": b"same", "a.png": b"same", "c.png": b"else"}))
    digest = hashlib.sha256(b"same").hexdigest()
    assert found.find("z.png", digest=f"sha256:{digest.upper()}") == "a.png"
    assert found.find("c.png", digest=f"sha256:{digest}") == "c.png"
    assert found.find("z.png", digest=f"md5:{hashlib.md5(b'else').hexdigest()}") == "c.png"
    assert found.find("z.png", digest="crc:1") is None


def test_only_what_lies_in_the_folder_is_found_and_the_whole_name_is_returned() -> None:
    found = Media(MemorySource({"job/a.png": b"", "b.png": b""}), "job")
    assert found.find("a.png") == "job/a.png"
    assert found.find("b.png") is None


def test_a_link_out_of_the_folder_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(image())
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").symlink_to(tmp_path / "secret.png")
    found = Media(FolderSource(folder))
    member = found.find("a.png")
    assert member == "a.png"
    with pytest.raises(ReadError, match="leads through a link out of"):
        found.header(member)
    assert Media(FolderSource(folder)).find("../secret.png") is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_a_header_says_the_size(kind: str) -> None:
    assert Media(MemorySource({"a": image(kind=kind)})).header("a") == Header(40, 30)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_header_says_how_the_image_is_rotated(kind: str) -> None:
    header = Media(MemorySource({"a": image(kind=kind, orientation=6)})).header("a")
    assert header == Header(40, 30, 6)
    assert header.shown == (30, 40)
    assert Header(40, 30, 3).shown == (40, 30)


def test_what_is_no_image_has_no_header() -> None:
    files = {"text": b"no image", "empty": b"", "cut": image()[:20], "pdf": b"%PDF-1.7\n", "ps": b"%!PS-Adobe-3.0"}
    found = Media(MemorySource(files))
    assert [found.header(name) for name in files] == [None] * len(files)


def test_a_image_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = image()[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + image()[33:]
    with pytest.raises(ReadError, match=r"memory/a\.png: declares more pixels than an image should have"):
        Media(MemorySource({"a.png": bomb})).header("a.png")


def test_images_are_found_in_an_archive(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("images/cam/1.png", image())
    with source_at(tmp_path / "a.zip") as source:
        found = Media(source)
        assert found.header(str(found.find("cam/1.jpg"))) == Header(40, 30)


def test_a_photo_of_two_images_is_an_image() -> None:
    stream = io.BytesIO()
    first, second = Image.new("RGB", (40, 30)), Image.new("RGB", (20, 15))
    first.save(stream, "MPO", save_all=True, append_images=[second])
    assert Media(MemorySource({"a.jpg": stream.getvalue()}, "photos")).header("a.jpg") == Header(40, 30)
