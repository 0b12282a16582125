"""Masks as PNG images: what is in the files, what comes back, what is refused."""

import io
import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encord_convert import Report, convert, formats, read, write
from encord_convert._samples import SAMPLES, Sample, box, mask_of
from encord_convert.errors import OptionError, ReadError
from encord_convert.formats import Match
from encord_convert.formats._files import MemorySource
from encord_convert.formats._paths import Paths
from encord_convert.formats.masks.names import safe_path
from encord_convert.geometry import png
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.testing import hub_of, written

M = np.array([[0, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], np.uint8)


def files_of(name: str, labels: LabelSet) -> dict[str, bytes]:
    return written(formats()[name], labels)[0]


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def read_back(name: str, files: dict[str, bytes], **options: Any) -> LabelSet:
    importer = formats()[name].importer
    assert importer is not None
    return importer.read(MemorySource(files), importer.options(**options), Report())


def masks_in(labels: LabelSet) -> list[list[tuple[str, list[list[int]]]]]:
    return [
        [
            (one.object_name, one.get_annotation(frame).coordinates.to_numpy_array().astype(int).tolist())
            for one in row.get_object_instances()
            for frame in sorted(one._frames)
        ]
        for row in labels
    ]


def overlapping() -> LabelSet:
    s = Sample()
    sea = s.draft.add_object("sea", Shape.BITMASK, color="#0000ff")
    oil = s.draft.add_object("oil/spill?", Shape.BITMASK, color="#ff8000")
    s.place(sea, mask_of("1111", "1111"))
    s.place(sea, mask_of("0001", "0001"))
    s.place(oil, mask_of("0110", "0110"))
    s.place(sea, mask_of("0010"))
    return s.done()


# --- what is in the files -------------------------------------------------------------------------------------------


def test_every_object_has_a_image_of_its_own_and_overlaps_stay() -> None:
    files = files_of("masks", overlapping())
    assert [name for name in sorted(files) if name.endswith(".png")] == [
        "masks/cam/1/000_sea.png",
        "masks/cam/1/001_sea.png",
        "masks/cam/1/002_oil%2Fspill%3F.png",
        "masks/cam/1/003_sea.png",
    ]
    first = pixels_of(files["masks/cam/1/000_sea.png"])
    assert (first.shape, first.dtype, int(first.sum())) == ((30, 40), np.dtype(bool), 8)
    assert hub_of(read_back("masks", files)) == hub_of(overlapping())


def test_later_objects_hide_earlier_ones_in_a_image_of_objects() -> None:
    files, report = written(formats()["masks-instance"], overlapping())
    image = pixels_of(files["masks/cam/1.png"])
    assert image[3:5, 5:9].tolist() == [[1, 3, 4, 2], [1, 3, 3, 2]]
    assert int(image.sum()) == 1 + 3 + 4 + 2 + 1 + 3 + 3 + 2
    losses = [(loss.code, loss.label, loss.count, loss.detail) for loss in report.losses()]
    assert losses == [
        ("HIDDEN_PIXELS", "sea", 1, "Other annotations cover 6 of its 8 pixels."),
        ("HIDDEN_PIXELS", "oil/spill?", 1, "Other annotations cover 1 of its 4 pixels."),
    ]


def test_an_object_that_is_hidden_whole_is_dropped() -> None:
    s = Sample()
    sea = s.draft.add_object("sea", Shape.BITMASK)
    s.place(sea, mask_of("01"))
    s.place(sea, mask_of("11"))
    files, report = written(formats()["masks-instance"], s.done())
    assert [(loss.kind, loss.code, loss.count) for loss in report.losses()] == [("dropped", "HIDDEN_PIXELS", 1)]
    assert report.counts()["bitmask"] == {"in": 2, "kept": 1, "changed": 0, "dropped": 1}
    assert len(masks_in(read_back("masks-instance", files))[0]) == 1


def test_objects_of_a_class_are_one_area_in_a_image_of_classes() -> None:
    files, report = written(formats()["masks-index"], overlapping())
    data = files["masks/cam/1.png"]
    assert pixels_of(data)[3:5, 5:9].tolist() == [[1, 2, 1, 1], [1, 2, 2, 1]]
    assert png.decoded(data).palette[:3] == [(0, 0, 0), (0, 0, 255), (255, 128, 0)]
    classes = json.loads(files["classes.json"])["classes"]
    assert [(one["value"], one["name"], one["color"]) for one in classes] == [
        (1, "sea", "#0000ff"),
        (2, "oil/spill?", "#ff8000"),
    ]
    hidden = {loss.label: loss.count for loss in report.losses() if loss.code == "HIDDEN_PIXELS"}
    assert hidden == {"sea": 1, "oil/spill?": 1}
    [found] = masks_in(read_back("masks-index", files))
    assert [(name, sum(map(sum, mask))) for name, mask in found] == [("sea", 5), ("oil/spill?", 3)]


def test_boxes_and_polygons_become_the_pixels_whose_centres_they_hold() -> None:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, box(2.4 / 40, 1.6 / 30, 4.2 / 40, 2.0 / 30))
    s.place(car, box(9.6 / 40, 5.6 / 30, 0.3 / 40, 0.3 / 30))
    files, report = written(formats()["masks"], s.done())
    first, second = (pixels_of(files[f"masks/cam/1/{n:03d}_car.png"]) for n in (0, 1))
    assert np.argwhere(first).min(axis=0).tolist() == [2, 2]
    assert np.argwhere(first).max(axis=0).tolist() == [3, 6]
    assert np.argwhere(second).tolist() == [[5, 9]]
    assert [(loss.kind, loss.code, loss.count) for loss in report.losses()] == [("approximated", "BOX_AS_MASK", 2)]
    [item] = read_back("masks", files).ontology.objects
    assert (item.title, item.shape) == ("car", Shape.BITMASK)


def test_images_without_objects_have_a_image_of_zeros() -> None:
    files = files_of("masks-index", SAMPLES["empty_rows"]())
    assert not pixels_of(files["masks/cam/2.png"]).any()
    assert [row.data_title for row in read_back("masks-index", files)] == ["cam/1.png", "cam/2.png"]


def test_frames_of_videos_and_groups_have_images_below_the_title() -> None:
    s = Sample(DataType.VIDEO, frames=300_000, title="clips/night.mp4")
    s.place(s.draft.add_object("spill", Shape.BITMASK), mask_of("11"), [3, 299_999])
    files = files_of("masks-instance", s.done())
    names = [name for name in sorted(files) if name.endswith(".png")]
    assert names == ["masks/clips/night/000003.png", "masks/clips/night/299999.png"]
    assert hub_of(read_back("masks-instance", files)) == hub_of(s.done())
    s = Sample(DataType.IMG_GROUP, frames=3, title="group")
    s.place(s.draft.add_object("spill", Shape.BITMASK), mask_of("11"), [0, 2])
    files = files_of("masks", s.done())
    names = [name for name in sorted(files) if name.endswith(".png")]
    assert names == ["masks/group/group/0/000_spill.png", "masks/group/group/2/000_spill.png"]
    assert hub_of(read_back("masks", files)) == hub_of(s.done())


def test_more_classes_than_a_palette_holds_are_16_bits() -> None:
    s = Sample()
    items = [s.draft.add_object(f"c{n}", Shape.BITMASK) for n in range(300)]
    s.place(items[299], mask_of("11"))
    files = files_of("masks-index", s.done())
    image = png.decoded(files["masks/cam/1.png"])
    assert (image.pixels.dtype, int(image.pixels.max()), image.palette) == (np.uint16, 300, [])
    assert masks_in(read_back("masks-index", files))[0][0][0] == "c299"


def test_two_titles_of_one_name_have_two_images() -> None:
    s = Sample(title="a.png")
    spill = s.draft.add_object("spill", Shape.BITMASK)
    s.place(spill, mask_of("1"))
    s.add_row(DataType.IMAGE, 1, "A.jpg")
    s.place(spill, mask_of("11"))
    files = files_of("masks-instance", s.done())
    assert {"masks/a.png", "masks/A (2).png"} <= files.keys()
    assert hub_of(read_back("masks-instance", files)) == hub_of(s.done())


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("cam/1.png", "cam/1.png"),
        ("../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"),
        ("/abs\\win.png", "abs/win.png"),
        ("C:\\x", "C%3A/x"),
        (".hidden", "%2Ehidden"),
        ("aux.png", "%61ux.png"),
        ("100%", "100%25"),
        ("dot.", "dot%2E"),
        ("", "_"),
        ("Grüße 図.png", "Grüße 図.png"),
    ],
)
def test_names_are_safe_everywhere(title: str, path: str) -> None:
    assert safe_path(title) == path


def test_long_names_are_cut_and_stay_apart() -> None:
    one, other = safe_path("é" * 300 + "1"), safe_path("é" * 300 + "2")
    assert one != other
    assert len(one.encode()) <= 200


def test_a_path_given_three_times_is_three_paths() -> None:
    paths = Paths()
    assert [paths.folder(path) for path in ("a", "A", "a", "a (2)")] == ["a", "A (2)", "a (3)", "a (2) (2)"]


def test_files_of_one_stem_may_differ_in_their_suffixes_unless_labels_are_found_by_it() -> None:
    paths = Paths()
    assert [paths.file("a", suffix) for suffix in (".png", ".jpg", ".PNG")] == ["a", "a", "a (2)"]
    paths = Paths()
    assert [paths.file("a", suffix, by_stem=True) for suffix in (".png", ".jpg")] == ["a", "a (2)"]


def test_through_a_folder_and_a_zip_everything_comes_back(tmp_path: Path) -> None:
    for name in ("masks", "masks-instance"):
        write(SAMPLES["bitmasks"](), tmp_path / name, name, strict=True)
        assert hub_of(read(tmp_path / name)) == hub_of(SAMPLES["bitmasks"]())


# --- folders others made --------------------------------------------------------------------------------------------


def saved(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_without_a_list_classes_are_called_after_their_numbers_and_coloured_by_the_palette() -> None:
    image = Image.fromarray(np.where(M, 7, 0).astype(np.uint8))
    image.putpalette([n % 256 for n in range(768)])
    other = Image.fromarray(np.where(M, 255, 300).astype(np.uint16))
    labels = read_back("masks-index", {"a/1.png": saved(image), "a/2.png": saved(other)})
    found = [(item.title, item.color) for item in labels.ontology.objects]
    assert found[0] == ("class 7", "#151617")
    assert [item[0] for item in found] == ["class 7", "class 300"]
    assert [row.data_title for row in labels] == ["1.png", "2.png"]
    assert masks_in(labels) == [[("class 7", M.tolist())], [("class 300", (1 - M).tolist())]]


def test_a_class_may_be_0_if_it_is_listed_as_one() -> None:
    files = {"1.png": saved(Image.fromarray(M)), "names.txt": b"0 road\n1 car\n"}
    labels = read_back("masks-index", files, classes="names.txt")
    assert masks_in(labels) == [[("road", (1 - M).tolist()), ("car", M.tolist())]]


@pytest.mark.parametrize(
    ("listed", "lines"),
    [
        ("label_colors.txt", "0 0 0 Void\n10 20 30\tcar\n"),
        ("class_dict.csv", "name,r,g,b\nbackground,0,0,0\ncar,10,20,30\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncar:10,20,30::\n"),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_are_classes_in_every_list_that_names_them(listed: str, lines: str, mode: str) -> None:
    if mode == "P":
        image = Image.fromarray(M)
        image.putpalette([0, 0, 0, 10, 20, 30])
    else:
        image = Image.fromarray((M[..., None] * np.array([10, 20, 30], np.uint8)).astype(np.uint8)).convert(mode)
    files = {"1.png": saved(image), listed: lines.encode()}
    assert formats()["masks-index"].identify(MemorySource(files)) is Match.YES
    labels = read_back("masks-index", files)
    assert masks_in(labels) == [[("car", M.tolist())]]
    assert labels.ontology.objects[0].color == "#0a141e"


@pytest.mark.parametrize(
    ("files", "options", "sentence"),
    [
        (
            {"1.png": saved(Image.fromarray(M)), "classes.txt": b"background\n"},
            {},
            "has the value 1, which classes.txt",
        ),
        ({"1.png": saved(Image.fromarray(M).convert("RGB"))}, {}, "nothing says which colour is which class"),
        ({"1.png": saved(Image.fromarray(M)), "c.txt": b"300 0 0 car\n"}, {"classes": "c.txt"}, "colour 300 0 0"),
        ({"1.png": saved(Image.fromarray(M)), "c.txt": b"\xff\xfe"}, {"classes": "c.txt"}, "not text in UTF-8"),
        ({"1.png": saved(Image.fromarray(M))[:60]}, {}, "1.png: The PNG image cannot be read"),
        ({"1.png": b"hello"}, {}, "1.png: This is not a PNG image."),
        ({"a.txt": b""}, {}, "holds no .png file"),
    ],
)
def test_a_folder_that_cannot_be_read_is_refused(
    files: dict[str, bytes], options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ReadError, match=sentence):
        list(read_back("masks-index", files, **options))


def test_a_list_that_is_not_there_is_a_wrong_option() -> None:
    with pytest.raises(OptionError, match=r"classes=no.txt is no file of memory"):
        read_back("masks-index", {"1.png": saved(Image.fromarray(M))}, classes="no.txt")


def test_a_folder_of_masks_beside_one_of_images_is_not_taken_for_the_masks_of_one_image() -> None:
    mask = saved(Image.fromarray(M))
    files = {"train/images/1.png": mask, "train/masks/1.png": mask, "train/masks/2.png": mask}
    assert formats()["masks"].identify(MemorySource(files)) is Match.NO
    assert formats()["masks"].identify(MemorySource({**files, "train/images/train.png": mask})) is Match.YES


# --- damaged --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("masks", {"masks/cam/1/000_spill.png": b"x"}, "This is not a PNG image."),
        (
            "masks",
            {"masks/cam/1/000_spill.png": png.encoded(np.ones((4, 5), bool))},
            "5 x 4 pixels, its image 40 x 30",
        ),
        ("masks", {"masks/cam/1/000_spill.png": None}, "has no file 'masks/cam/1/000_spill.png'"),
        ("masks", {"classes.json": b'{\n "format": "masks",'}, "classes.json: is not a JSON object"),
        ("masks", {"classes.json": b'{\n "format": "masks",\n "ontology": 3}'}, "holds no ontology"),
        ("masks", {"labels.jsonl": b"{}\n"}, "labels.jsonl:1: is not a label row with masks beside it"),
        ("masks", {"labels.jsonl": b'{"a"'}, "labels.jsonl:1: is not a JSON object"),
        ("masks-instance", {"masks/cam/1.png": png.encoded(np.zeros((30, 40), np.uint16))}, "no pixel of the value 1"),
        (
            "masks-index",
            {"masks/cam/1.png": png.encoded(np.full((30, 40), 9, np.uint8))},
            "value 9, which classes.json",
        ),
        (
            "masks-index",
            {"masks/cam/1.png": png.encoded(np.ones((4, 5), np.uint8))},
            "5 x 4 pixels, its image 40 x 30",
        ),
    ],
)
def test_a_damaged_folder_is_refused_with_a_sentence(name: str, change: dict[str, bytes | None], sentence: str) -> None:
    files = {**files_of(name, SAMPLES["bitmasks"]()), **change}
    with pytest.raises(ReadError, match=sentence):
        list(read_back(name, {path: data for path, data in files.items() if data is not None}))


@pytest.mark.parametrize("name", ["masks", "masks-instance", "masks-index"])
def test_an_image_of_masks_that_no_label_names_is_told(name: str, tmp_path: Path) -> None:
    for path, data in files_of(name, overlapping()).items():
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / path).write_bytes(data)
    report = convert(tmp_path / "in", tmp_path / "out", to=name, report=Report())
    assert not report.notes()
    (tmp_path / "in" / "masks" / "other.png").write_bytes(png.encoded(M.astype(bool)))
    report = convert(tmp_path / "in", tmp_path / "again", to=name, report=Report())
    [note] = report.notes()
    assert (note.code, note.count) == ("FILE_NOT_READ", 1)
    assert "masks/other.png" in note.detail


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    write(SAMPLES["bitmasks"](), tmp_path / "m", "masks")
    rows = tmp_path / "m" / "labels.jsonl"
    rows.write_bytes(rows.read_bytes().replace(b"masks/cam/1/000_spill.png", b"../../secret.png"))
    with pytest.raises(ReadError, match=r"the name '\.\./\.\./secret\.png' leaves its folder"):
        read(tmp_path / "m")


def test_memory_to_read_an_image_of_classes_grows_with_what_is_drawn(tmp_path: Path) -> None:
    pixels = np.zeros((5000, 5000), np.uint8)
    pixels[4000:4010, 7:90] = 1
    (tmp_path / "a.png").write_bytes(png.encoded(pixels, [(0, 0, 0), (255, 0, 0)]))
    tracemalloc.start()
    [row] = read(tmp_path, "masks-index")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(row.get_object_instances()) == 1
    assert peak < 16 << 20


@pytest.mark.parametrize("name", ["masks", "masks-instance", "encord"])
def test_a_label_without_coordinates_is_refused_with_a_sentence(name: str) -> None:
    files = files_of(name, SAMPLES["bitmasks"]())
    rows = next(path for path in files if path.endswith(("rows.jsonl", "labels.jsonl")))
    files[rows] = files[rows].replace(b'"bitmask":{', b'"bitmask_2":{', 1)
    with pytest.raises(ReadError, match="has no coordinates"):
        list(read_back(name, files))


def index_folder(folder: Path, listed: str) -> Path:
    """Write images of classes, the last with a value and a palette that the others have not."""
    for number in range(5):
        image = Image.fromarray(np.roll(M, number, axis=1) * (1 if number < 4 else 9))
        image.putpalette([number, 7, 8] * 20)
        path = folder / "masks" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    if listed:
        (folder / "classes.txt").write_text(listed)
    return folder


@pytest.mark.parametrize("listed", ["", "0 nothing\n1 car\n9 road\n"])
def test_several_processes_read_images_of_classes_as_one_does(listed: str, tmp_path: Path) -> None:
    source = index_folder(tmp_path / "set", listed)
    files = []
    for jobs in (1, 2, 3):
        report = convert(source, tmp_path / str(jobs), from_="masks-index", to="coco-rle", jobs=jobs)
        files.append(((tmp_path / str(jobs) / "annotations.json").read_bytes(), report.counts()))
    assert len(read(source, "masks-index").shards(2)) == 2
    assert files[0] == files[1] == files[2]


@pytest.mark.parametrize("name", ["masks", "masks-index", "masks-instance"])
@pytest.mark.parametrize("where", ["folder", "archive", "names that meet"])
def test_several_processes_write_masks_as_one_does(
    name: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encord_convert.formats.masks.write._LEAST_SHARED", 1)
    source = index_folder(tmp_path / "set", "")
    if where == "names that meet":  # those of two parts
        (source / "masks" / "4.png").rename(source / "masks" / "0.PNG")
    if where == "archive":  # which is not cut
        source = Path(shutil.make_archive(str(tmp_path / "set"), "zip", source))
    written_by = []
    for jobs in (1, 2, 3):
        report = convert(source, tmp_path / str(jobs), from_="masks-index", to=name, jobs=jobs)
        paths = sorted(path for path in (tmp_path / str(jobs)).rglob("*") if path.is_file())
        files = [(path.relative_to(tmp_path / str(jobs)), path.read_bytes()) for path in paths]
        written_by.append((files, report.counts(), [*map(str, report.losses())]))
    assert written_by[0] == written_by[1] == written_by[2]
    assert len(written_by[0][0]) > 5
