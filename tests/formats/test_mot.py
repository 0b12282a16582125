"""MOT Challenge text, and MOTS: counts, dialects, damage, and what comes back."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_formats import FIXTURES, Read, cases, coco_agrees, comes_back, goes_through_the_hub, options_of, written

from encord_convert import ReadError, Report, WriteError, convert
from encord_convert._samples import SAMPLES
from encord_convert.cli import run
from encord_convert.formats import MemorySource, detect
from encord_convert.formats.encord import CARRIES as ALL
from encord_convert.formats.mot import sequences
from encord_convert.geometry import png
from encord_convert.hub.loss import Level
from encord_convert.losses.compare import diff
from encord_convert.sdk.constants.enums import DataType

INI = "[Sequence]\nname=a\nframeRate=25\nseqLength=10\nimWidth=100\nimHeight=80\n"
ROW = "1,1,10,20,30,40,1,1,1\n"


def mot(rows: str, *, ini: str = INI, labels: str = "car\nvan\n", name: str = "a/gt/gt.txt", **options: object) -> Read:
    files = {name: rows, "a/seqinfo.ini": ini} | ({"a/gt/labels.txt": labels} if labels else {})
    return Read("mot", files, **options)


def box_of(one: object, frame: int, size: tuple[int, int] = (100, 80)) -> list[float]:
    c = one._frames[frame].coordinates  # type: ignore[attr-defined]
    sides = c.top_left_x * size[0], c.top_left_y * size[1], c.width * size[0], c.height * size[1]
    return [round(float(side), 6) for side in sides]


@pytest.mark.parametrize(
    "case", [case for case in cases("mot") if (case / "expected.json").exists()], ids=lambda one: one.name
)
def test_a_sample_is_read_with_the_counts_that_are_expected(case: Path) -> None:
    expected, found = json.loads((case / "expected.json").read_text()), Read("mot", case)
    assert found.count("box") == expected["rows"] and not found.losses
    assert len(found.objects) == expected["tracks"]
    assert [row.number_of_frames for row in found.rows] == [expected["frames"]]


@pytest.mark.parametrize(("name", "case"), [(name, case) for name in ("mot", "mots") for case in cases(name)])
def test_a_fixture_comes_back_from_its_own_format_from_coco_and_from_the_hub(
    name: str, case: Path, tmp_path: Path
) -> None:
    comes_back(name, case, tmp_path / "own")
    goes_through_the_hub(name, case, tmp_path)
    coco_agrees(name, case, tmp_path / "coco", "bbox" if name == "mot" else "segm")


def test_a_track_is_one_object_over_its_frames_and_a_gap_stays_one() -> None:
    found = mot("1,7,10,20,30,40,1,1,1\n2,7,11,20,30,40,1,1,1\n5,7,14,20,30,40,1,1,1\n3,8,1,2,3,4,1,2,1\n")
    assert [(one.object_name, sorted(one._frames)) for one in found.objects] == [("car", [0, 1, 4]), ("van", [2])]
    assert found.rows[0].data_type is DataType.VIDEO and found.rows[0].number_of_frames == 10
    assert found.rows[0].fps == 25 and box_of(found.objects[0], 4) == [14, 20, 30, 40]
    filled = mot("1,7,10,20,30,40,1,1,1\n5,7,14,20,30,40,1,1,1\n", fill=3)
    assert [box_of(filled.objects[0], frame)[0] for frame in range(5)] == [10, 11, 12, 13, 14]
    assert "INTERPOLATED" in filled.notes and filled.count("box") == 2
    assert filled.objects[0]._frames[2].object_frame_instance_info.manual_annotation is False
    assert sorted(mot("1,7,10,20,30,40,1,1,1\n5,7,14,20,30,40,1,1,1\n", fill=2).objects[0]._frames) == [0, 4]


def test_what_is_ignored_and_how_visible_it_is_are_answers_that_come_back() -> None:
    rows = "1,1,10,20,30,40,0,1,0.25\n2,1,10,20,30,40,1,1,1\n3,1,10,20,30,40,1,1,0\n"
    found = mot(rows)
    answers = [{one.title: value for one, value in found.objects[0]._dynamic_answers_at(frame)} for frame in range(3)]
    assert [sorted(one) for one in answers] == [["ignored", "visibility"], [], ["visibility"]]
    assert [one.get("visibility") for one in answers] == ["0.25", None, "0"]
    files, report = written("mot", found.labels)
    assert files["a/gt/gt.txt"].decode() == rows and report.is_lossless
    lost = written("masks-instance", found.labels)[1]
    assert sum(one.count for one in lost.losses() if one.type == "answer") == 0
    assert [one.count for one in written("coco-encord", found.labels)[1].losses() if one.type == "answer"] == [3]


def test_answers_of_other_names_are_counted_and_those_that_have_a_column_are_not() -> None:
    labels = SAMPLES["tracks"]()
    report = written("mot", labels)[1]
    assert {one.detail for one in report.losses() if one.type == "answer"} == {
        "The answer to 'speed' cannot be stored in the target."
    }


def test_detections_without_track_are_objects_on_one_frame_with_their_confidence() -> None:
    found = Read("mot", FIXTURES / "mot" / "detections")
    assert [len(one._frames) for one in found.objects] == [1, 1, 1]
    infos = [one._frames[min(one._frames)].object_frame_instance_info for one in found.objects]
    assert [(info.confidence, info.manual_annotation) for info in infos] == [(0.99771, False), (1, False), (1, False)]
    text = written("mot", found.labels)[0]["CAM-1/det/det.txt"].decode()
    assert [line.split(",")[6] for line in text.splitlines()] == ["0.99771", "61.375", "-0.5"]


@pytest.mark.parametrize(
    ("rows", "count", "codes"),
    [
        ("1 1 10 20 30 40\n", 1, set()),
        ("1, 1, 10.0, 20, 30, 40, 0.5\n", 1, set()),
        ("1,3.0,10,20,30,40,1,2\r\n\r\n# a comment\r\n", 1, set()),
        ("1,track_7,10,20,30,40,1,1,1\n", 1, set()),
        ("1,1,10,20,0,40,1,1,1\n", 0, {"INVALID_BBOX"}),
        ("1,1,10,20,30,nan,1,1,1\n", 0, {"INVALID_ANNOTATION"}),
        ("1,1,10,20,30,40,1,1,1,1,1\n", 0, {"INVALID_ANNOTATION"}),
        ("1,1\n", 0, {"INVALID_ANNOTATION"}),
        (ROW + ROW, 1, {"DUPLICATE_ID"}),
        ("99999999999,1,10,20,30,40,1,1,1\n", 0, {"FRAME_BEYOND"}),
        ("1e999,1,10,20,30,40,1,1,1\n", 0, {"FRAME_BEYOND"}),
        ("-3,1,10,20,30,40,1,1,1\n", 0, {"FRAME_BEYOND"}),
        ("", 0, set()),
    ],
)
def test_a_damaged_row_costs_itself_and_is_counted(rows: str, count: int, codes: set[str]) -> None:
    found = mot(rows)
    assert len(found.objects) == count and set(found.losses) == codes
    assert found.count("box") == count + sum(found.losses.values())


def test_frames_from_zero_are_moved_and_come_back_so() -> None:
    found = mot("0,1,10,20,30,40,1,1,1\n1,1,10,20,30,40,1,1,1\n")
    assert sorted(found.objects[0]._frames) == [0, 1] and "FRAMES_FROM_ZERO" in found.notes
    assert written("mot", found.labels)[0]["a/gt/gt.txt"].decode().startswith("0,1,")
    assert "FRAMES_FROM_ZERO" not in mot("0,1,10,20,30,40,1,1,1\n", first="0").notes
    assert mot("0,1,10,20,30,40,1,1,1\n", first="1").losses == {"FRAME_BEYOND": 1}


def test_pixels_from_one_are_moved_if_that_is_asked_for_and_come_back() -> None:
    found = mot(ROW, coordinates="mot")
    assert box_of(found.objects[0], 0) == [9, 19, 30, 40]
    assert written("mot", found.labels)[0]["a/gt/gt.txt"].decode() == ROW


def test_a_class_without_a_name_is_called_by_its_number_and_said() -> None:
    found = mot("1,1,10,20,30,40,1,1,1\n1,2,10,20,30,40,1,3,1\n1,3,10,20,30,40,1,9,1\n", labels="car\n\nbus\n")
    assert sorted(one.object_name for one in found.objects) == ["bus", "car", "class 9"]
    assert "UNDECLARED_LABEL" in found.notes
    official = mot("1,1,10,20,30,40,1,2,1\n", labels="")
    assert [one.object_name for one in official.objects] == ["person on vehicle"]


def test_a_track_that_changes_its_class_is_an_object_for_each_and_keeps_its_id() -> None:
    rows = "1,5,10,20,30,40,1,1,1\n2,5,10,20,30,40,1,2,1\n"
    found = mot(rows)
    assert len(found.objects) == 2 and "TRACK_CLASS_CHANGES" in found.notes
    assert written("mot", found.labels)[0]["a/gt/gt.txt"].decode() == rows


def test_ten_columns_that_could_be_of_two_dialects_are_an_error_that_names_the_option() -> None:
    rows = "1,1,10,20,30,40,1,4,0,1\n1,2,10,20,30,40,0,0,0,0\n"
    with pytest.raises(ReadError, match=r"could be MOT's or VisDrone's.*-r dialect=mot or -r dialect=visdrone"):
        mot(rows, labels="")
    found = mot(rows, labels="", dialect="visdrone")
    assert [one.object_name for one in found.objects] == ["car", "ignored region"]
    assert written("mot", found.labels)[0]["a/gt/gt.txt"].decode() == rows
    assert {one.object_name for one in mot(rows, labels="", dialect="mot").objects} == {"object"}


def test_a_sequence_can_be_an_image_group() -> None:
    found = mot(ROW, kind="group")
    [row] = found.rows
    assert row.data_type is DataType.IMG_GROUP and len(row._units) == 10
    assert [unit.data_title for unit in row._units[:2]] == ["000001.jpg", "000002.jpg"]
    with pytest.raises(ReadError, match="an image group may have"):
        mot(ROW, ini=INI.replace("seqLength=10", "seqLength=5000000"), kind="group")


def test_a_length_that_is_too_small_or_no_number_is_said() -> None:
    found = mot("12,1,10,20,30,40,1,1,1\n")
    assert found.rows[0].number_of_frames == 12 and "FRAME_BEYOND" in found.notes
    assert "SEQINFO_NOT_READ" in mot(ROW, ini=INI.replace("=10\n", "=many\n")).notes


def test_a_size_that_nothing_says_is_refused_with_the_option() -> None:
    with pytest.raises(ReadError, match="-r size=WIDTHxHEIGHT"):
        Read("mot", {"a/gt/gt.txt": ROW})
    image = png.encoded(np.zeros((8, 16), np.uint8))
    assert Read("mot", {"a/gt/gt.txt": ROW, "a/img1/000001.png": image}).rows[0]._units[0].width == 16


def test_results_of_several_sequences_in_one_folder_keep_their_names_and_sizes() -> None:
    row = "1,1,10,20,30,40,0.5,-1,-1,-1\n"
    found = Read("mot", {"tracker/b.txt": row, "tracker/a.txt": row + row.replace("1,1", "4,1", 1)}, size="100x80")
    files, _ = written("mot", found.labels)
    again = Read("mot", files)
    assert not list(diff(found.labels, again.labels, carries=ALL))
    assert {"tracker/a.txt", "tracker/b.txt"} <= files.keys()


GOOD = "1,1,10,20,30,40,0.5,-1,-1,-1\n2,1,10,20,30,40,0.5,-1,-1,-1\n"


def test_every_file_of_a_folder_of_results_is_a_sequence_or_is_said() -> None:
    files = {"A": GOOD, "blanks": GOOD.replace(",", " "), "tabs": GOOD.replace(",", "\t"), "empty": "", "space": " \n"}
    files |= {"damaged": "garbage\n" + GOOD, "README": "Results of a tracker, of 2 sequences.\n"}
    found = Read("mot", {f"{name}.txt": text for name, text in files.items()}, size="100x80")
    boxes = {row.data_title: sum(len(one._frames) for one in row._objects.values()) for row in found.rows}
    assert boxes == {"A": 2, "blanks": 2, "tabs": 2, "empty": 0, "space": 0, "damaged": 2}
    assert found.losses == {"INVALID_ANNOTATION": 1}
    [note] = [note for note in found.report.notes() if note.code == "FILE_NOT_READ"]
    assert "README.txt" in note.detail and note.level is Level.WARNING


def test_an_empty_file_of_results_needs_no_size() -> None:
    found = Read("mot", {"A/gt/gt.txt": ROW, "A/seqinfo.ini": INI, "r/B.txt": "", "r/A.txt": GOOD}, size="100x80")
    assert sorted(row.data_title for row in found.rows) == ["A", "B", "a"]
    alone = Read("mot", {"gt/gt.txt": ""})
    assert [row.number_of_frames for row in alone.rows] == [1]


def test_half_a_size_is_none() -> None:
    found = Read("mot", {"a/gt/gt.txt": "", "a/seqinfo.ini": INI.replace("imHeight=80", "imHe")})
    assert [(row.width, row.height) for row in found.rows] == [(0, 0)]
    assert len(Read("kitti", written("kitti", found.labels)[0]).rows) == 1


def test_shares_of_images_with_blanks_between_are_not_rows_of_mot() -> None:
    polygons = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n0 0 0 1 0 1 1 0 1\n"
    assert detect(MemorySource({"labels/a.txt": polygons.encode(), "labels/b.txt": polygons.encode()})).name != "mot"
    assert detect(MemorySource({"r/a.txt": GOOD.replace(",", " ").encode()})).name == "mot"


def test_an_empty_or_other_file_among_masks_as_lines_is_a_sequence_or_is_said() -> None:
    files = {"0000": "1 1001 1 24 32 `21d06L2O000O20N10001N4J[=\n", "0001": "", "0002": "garbage\n"}
    found = Read("mots", {f"instances_txt/{name}.txt": text for name, text in files.items()})
    assert [row.data_title for row in found.rows] == ["0000", "0001"] and "FILE_NOT_READ" in found.notes


def test_masks_of_two_sizes_and_of_damaged_runs_cost_themselves() -> None:
    lines = "1 1001 1 24 32 `21d06L2O000O20N10001N4J[=\n1 1002 1 20 32 0\n1 1003 1 24 32 zzz\n1 1004 1 24\n"
    found = Read("mots", {"a/gt/gt.txt": lines})
    assert len(found.objects) == 1
    assert found.losses == {"SIZE_MISMATCH": 1, "INVALID_RLE": 1, "INVALID_ANNOTATION": 1}


def test_masks_as_images_and_as_lines_are_the_same(tmp_path: Path) -> None:
    case = FIXTURES / "mots" / "kitti-txt"
    convert(case, tmp_path / "png", from_="mots", to="mots", write_options={"container": "png"}, report=Report())
    back = Read("mots", tmp_path / "png")
    first = Read("mots", case)
    names = {one.object_name: one.object_name for one in first.objects}
    assert sorted((names[one.object_name], *sorted(one._frames)) for one in back.objects) == sorted(
        (one.object_name, *sorted(one._frames)) for one in first.objects
    )
    masks = [
        {(one.object_name, frame): data.coordinates.to_numpy_array().tobytes() for one in read.objects
         for frame, data in one._frames.items()}
        for read in (first, back)
    ]  # fmt: skip
    assert masks[0] == masks[1]


def test_more_objects_of_a_class_than_ids_are_refused() -> None:
    lines = "".join(f"1 {1000 + n} 1 24 32 `21d06L2O000O20N10001N4J[=\n" for n in range(1, 1000))
    labels = Read("mots", {"a/gt/gt.txt": lines + "1 2001 2 24 32 0000\n"}).labels.held()
    [row] = labels._rows  # type: ignore[misc]
    row._native = None
    written("mots", labels)
    twice = Read("mots", {"a/gt/gt.txt": lines + lines.replace("1 1", "2 2").replace(" 1 24", " 2 24")}).labels
    labels = twice.rename({"pedestrian": "car"}).held()
    with pytest.raises(WriteError, match="does not fit into an id"):
        written("mots", labels)


def test_a_line_without_end_and_rows_without_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReadError, match=r"gt\.txt:2: is longer than 65536 bytes"):
        mot(ROW + "1" * (1 << 17))
    monkeypatch.setattr(sequences, "MOST_ROWS", 2)
    with pytest.raises(ReadError, match="has more than 2 rows"):
        mot(ROW * 4)


def test_a_large_image_of_masks_is_refused_before_it_is_read() -> None:
    head = png.encoded(np.zeros((2, 2), np.uint16))
    huge = head[:16] + (1 << 30).to_bytes(4, "big") * 2 + head[24:]
    with pytest.raises(ReadError, match="no sequences of MOTS"):
        Read("mots", {"a/instances/000001.png": huge})
    with pytest.raises(ReadError, match="larger than the 268435456 pixels"):
        Read("mots", {"a/instances/000001.png": head, "a/instances/000002.png": huge})


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"gt/gt.txt": ROW}, "mot"),
        ({"x/det/det.txt": "1 -1 10 20 30 40 0.5\n", "x/seqinfo.ini": INI}, "mot"),
        ({"tracker/a.txt": "1,1,10,20,30,40,0.5,-1,-1,-1\n"}, "mot"),
        ({"a/gt/gt.txt": "1 1001 1 24 32 `21d06\n"}, "mots"),
        ({"a/instances/000001.png": png.encoded(np.zeros((2, 2), np.uint16))}, "mots"),
    ],
)
def test_sources_are_recognised_by_their_structure(files: dict[str, object], name: str) -> None:
    members = {key: text if isinstance(text, bytes) else str(text).encode() for key, text in files.items()}
    assert detect(MemorySource(members)).name == name


def image(frame: int, depth: type = np.uint8) -> bytes:
    return png.encoded(np.full((24, 32), frame, depth))


def trained(files: dict[str, str | bytes], folder: Path, *images: str, task: str = "detect") -> dict[str, int]:
    """Convert a folder for training; return the first pixel of each image written, and that all are of 8 bits."""
    for name, content in files.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    named = [f"--images={folder / 'source' / one}" for one in images]
    options = ["--target", "ultralytics", "--task", task, "--split", "train=1", *named]
    source, target = folder / "source" / ("labels" if images else ""), folder / "out"
    assert run(["convert", str(source), str(target), *options]) == 0
    heads = {path: png.decoded(path.read_bytes()).pixels for path in target.rglob("*.png")}
    assert all(pixels.dtype == np.uint8 for pixels in heads.values())
    return {path.name: int(pixels.flat[0]) for path, pixels in heads.items()}


RUNS = "1 24 32 `21d06L2O000O20N10001N4J[="
MASK = image(1001, np.uint16)
KITTI = "Car 0 0 1.5 10 20 20 23 1.5 1.7 4.1 1 1.7 13 1.6"


@pytest.mark.parametrize(
    ("masks", "images", "first"),
    [
        ("default/instances/frame_00000{}.png", "default/images/frame_00000{}.png", 0),  # CVAT
        ("S/instances/00000{}.png", "S/img1/00000{}.png", 1),
        ("instances/0000/00000{}.png", "training/image_02/0000/00000{}.png", 0),
    ],
)
def test_masks_as_images_are_never_taken_for_the_images_they_are_of(
    masks: str, images: str, first: int, tmp_path: Path
) -> None:
    frames = range(first, first + 3)
    files = {masks.format(n): MASK for n in frames} | {images.format(n): image(n) for n in frames}
    found = trained(files, tmp_path, task="segment")
    assert sorted(found.values()) == [*frames]
    [row] = Read("mots", tmp_path / "source").rows
    assert row.data_title == masks.split("/")[0 if first or "default" in masks else 1]


@pytest.mark.parametrize("masks", ["default/instances/frame_00000{}.png", "instances/0000/00000{}.png"])
def test_masks_as_images_without_the_images_they_are_of_give_no_images(
    masks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        (tmp_path / masks.format(number)).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / masks.format(number)).write_bytes(MASK)
    assert run(["convert", str(tmp_path), str(tmp_path / "out"), "--target", "ultralytics", "--task", "segment"]) != 0
    assert "none of the 3 images is next to the labels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "rows", "images", "first"),
    [
        ("S/gt/gt.txt", "{},1,10,20,10,4,1,1,1\n", "S/img1/00000{}.png", 1),
        ("train/S/gt/gt.txt", "{},1,10,20,10,4,1,1,1\n", "train/S/img1/00000{}.png", 1),
        ("gt/gt.txt", "{},1,10,20,10,4,1,1,1\n", "img1/00000{}.png", 1),
        ("train/S/gt/gt.txt", "{} 1001 " + RUNS + "\n", "train/S/img1/00000{}.png", 1),
        ("instances_txt/0000.txt", "{} 1001 " + RUNS + "\n", "training/image_02/0000/00000{}.png", 0),
        ("tracker/S.txt", "{},1,10,20,10,4,0.5,-1,-1,-1\n", "train/S/img1/00000{}.png", 1),
    ],
)
def test_images_of_each_layout_are_found_by_the_number_of_their_frame(
    labels: str, rows: str, images: str, first: int, tmp_path: Path
) -> None:
    frames = range(first, first + 3)
    files: dict[str, str | bytes] = {labels: "".join(rows.format(n) for n in (first + 2, first + 1, first))}
    found = trained(files | {images.format(n): image(n) for n in frames}, tmp_path)
    assert sorted(found.values()) == [*frames]
    assert {name: number for name, number in found.items() if f"{number}.png" not in name} == {}


@pytest.mark.parametrize(
    ("labels", "rows", "images"),
    [
        ("S/gt/gt.txt", "2,1,10,20,10,4,1,1,1\n", "S/img1/00000{}.png"),
        ("S/gt/gt.txt", "2 1001 " + RUNS + "\n", "S/img1/00000{}.png"),
        ("training/label_02/0000.txt", f"2 1 {KITTI}\n", "training/image_02/0000/00000{}.png"),
        ("training/label_2/000002.txt", f"{KITTI}\n", "training/image_2/00000{}.png"),
    ],
)
def test_images_without_labels_are_negatives(labels: str, rows: str, images: str, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {labels: rows} | {images.format(n): image(n) for n in range(1, 6)}
    assert sorted(trained(files, tmp_path).values()) == [1, 2, 3, 4, 5]
    texts = {int(path.stem): path.read_text() for path in (tmp_path / "out" / "labels").rglob("*.txt")}
    assert [number for number, text in texts.items() if text] == [2]
    assert run(["convert", str(tmp_path / "source"), str(tmp_path / "a.json"), "--to", "coco"]) == 0
    listed = json.loads((tmp_path / "a.json").read_text())
    assert len(listed["images"]) == 5 and len(listed["annotations"]) == 1


@pytest.mark.parametrize("folder", ["frames", "frames/S", "frames/S/img1"])
def test_images_of_another_folder_are_found_by_the_number_of_their_frame(folder: str, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"labels/S/gt/gt.txt": "2,1,10,20,10,4,1,1,1\n3,1,10,20,10,4,1,1,1\n"}
    files["labels/S/seqinfo.ini"] = "imWidth=32\nimHeight=24\nseqLength=4\n"
    files |= {f"frames/S/img1/00000{n}.png": image(n) for n in range(1, 5)}
    assert sorted(trained(files, tmp_path, folder).values()) == [2, 3]
    for label in (tmp_path / "out" / "labels").rglob("*.txt"):
        assert label.stem in ("000002", "000003")


def test_every_fixture_has_the_options_it_is_read_with() -> None:
    assert options_of(FIXTURES / "mot" / "results-3d") == {"size": "768x576"}
