"""`merge`: sources of any formats as one, classes that look alike, images met twice, and an account that adds up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from encord_convert import Report, convert, read
from encord_convert._samples import SAMPLES
from encord_convert.batch.merges import united
from encord_convert.batch.naming import folders_of
from encord_convert.batch.twins import without_twins
from encord_convert.cli import run
from encord_convert.formats._files import source_at
from encord_convert.formats._finding import Finder, beside
from encord_convert.hub.yaml_file import document_at
from encord_convert.losses.compare import diff
from encord_convert.losses.report import sum_counts
from encord_convert.sync.mapping.alike import alike, mapping_of

ROOT = Path(__file__).parents[2]
STREET = ROOT / "fixtures" / "street"


def call(*words: object) -> int:
    return run([str(word) for word in words])


@pytest.fixture
def cars(tmp_path: Path) -> tuple[Path, Path]:
    """Two COCO files whose classes look alike, with one image in both that has one box in both."""
    files = []
    for number, (names, images) in enumerate(
        [(["Car", "traffic light", "person"], [1, 2]), (["cars", "Traffic_Light", "dog"], [2, 3])]
    ):
        document = {
            "images": [{"id": id_, "file_name": f"{id_}.jpg", "width": 100, "height": 80} for id_ in images],
            "categories": [{"id": id_, "name": name} for id_, name in enumerate(names, 1)],
            "annotations": [
                {"id": 10 * image + class_, "image_id": image, "category_id": class_, "iscrowd": 0, "area": 400,
                 "bbox": [10 + (5 + number) * (class_ - 1), 10, 20, 20]}
                for image in images
                for class_ in (1, 2, 3)
            ],
        }  # fmt: skip
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(document))
    return files[0], files[1]


def merged(*words: object, folder: Path, to: str = "coco") -> dict[str, Any]:
    """Merge to COCO, hold that the account adds up, and return the report and the file."""
    assert call("merge", *words, folder / "out", "--to", to, "--report", folder / "report.json", "--overwrite") == 0
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    sums = sum_counts(report["labels"].values())
    assert sums["in"] == sums["kept"] + sums["changed"] + sums["dropped"]
    report["sums"] = sums
    if to == "coco":
        report["file"] = json.loads((folder / "out" / "annotations.json").read_text())
        assert len(report["file"]["annotations"]) == sums["kept"] + sums["changed"]
    return report


def test_counts_of_sources_in_two_formats_add_up_in_one_report(tmp_path: Path) -> None:
    own = convert(STREET, tmp_path / "yolo", to="yolo", report=Report())
    report = merged(STREET, tmp_path / "yolo", folder=tmp_path)
    written = sum_counts(own.labels().values())
    assert report["sums"]["in"] == written["in"] + written["kept"] + written["changed"]
    assert report["source"]["format"] == "cvat, yolo"
    assert len(report["file"]["images"]) == 12


def test_an_encord_export_is_merged_with_another_format(cars: tuple[Path, Path], tmp_path: Path) -> None:
    convert(cars[0], tmp_path / "hub", to="encord", report=Report())
    report = merged(tmp_path / "hub", cars[1], "--twice", "unite", "--same", "yes", folder=tmp_path)
    assert (report["sums"]["in"], report["sums"]["dropped"]) == (12, 1)


def test_classes_that_look_alike_are_told_and_stay_apart(
    cars: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = merged(*cars, folder=tmp_path)
    assert len(report["file"]["categories"]) == 6
    told = capsys.readouterr().err
    assert f"alike    'Car' ({cars[0]}), 'cars' ({cars[1]})" in told
    assert "--same yes makes them one" in told
    merged(*cars, "--same", "no", folder=tmp_path)
    assert "alike  " not in capsys.readouterr().err


def test_the_suggested_mapping_does_what_same_yes_does(cars: tuple[Path, Path], tmp_path: Path) -> None:
    mapping = tmp_path / "same.yaml"
    assert call("merge", *cars, tmp_path / "never", "--to", "coco", "--suggest", mapping) == 0
    assert not (tmp_path / "never").exists()
    assert [one["to"] for one in document_at(mapping)["classes"]] == ["Car", "Car", "traffic light", "traffic light"]
    by_flag = merged(*cars, "--same", "yes", folder=tmp_path)
    by_file = merged(*cars, "--mapping", mapping, folder=tmp_path)
    assert by_flag["file"] == by_file["file"]
    assert {one["name"] for one in by_flag["file"]["categories"]} == {"Car", "traffic light", "person", "dog"}
    assert by_flag["sums"]["kept"] == 12


def test_names_differ_by_more_than_case_blanks_and_plural(tmp_path: Path) -> None:
    def structure(*names: str) -> dict[str, Any]:
        objects = [{"name": name, "shape": "polygon", "featureNodeHash": name} for name in names]
        told = {"attributes": [{"name": "car"}]}
        return {"objects": objects, "classifications": [told]}

    sources = [
        ("a", structure("bus", "glass", "red-light", "car")),
        ("b", structure("buses", "gas", "Red Light", "Cars")),
    ]
    found = alike(sources)
    assert [list(one.names) for one in found] == [["bus", "buses"], ["red-light", "Red Light"], ["car", "Cars"]]
    assert mapping_of(found)["classes"][-2:] == [
        {"name": "car", "shape": "polygon", "to": "car"}, {"name": "Cars", "to": "car"},
    ], "car is a class of whole images, too"  # fmt: skip


def test_attributes_of_one_name_and_different_kinds_stay_apart(tmp_path: Path) -> None:
    kitti = ROOT / "fixtures" / "kitti" / "detection"
    report = merged(STREET, kitti, "--same", "yes", "-r", "size=1242x375", folder=tmp_path, to="encord")
    assert report["sums"]["kept"] == report["sums"]["in"]
    cars = [one for one in read(tmp_path / "out").ontology.objects if one.title.lower() == "car"]
    assert {one.title for one in cars} == {"car"}
    [box] = [one for one in cars if one.shape.value == "bounding_box"]
    assert Counter(one.title for one in box.attributes)["occluded"] == 2
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("classes:\n- name: Car\n  to: car\n  attributes: {occluded: occlusion}\n- name: nothing\n")
    words = "merge", STREET, kitti, tmp_path / "other", "--to", "encord", "-r", "size=1242x375", "--mapping", mapping
    assert call(*words) == 2
    mapping.write_text(mapping.read_text().replace("- name: nothing\n", ""))
    assert call(*words) == 0
    [box] = [one for one in read(tmp_path / "other").ontology.objects
             if (one.title, one.shape.value) == ("car", "bounding_box")]  # fmt: skip
    assert Counter(one.title for one in box.attributes)["occlusion"] == 1


def test_images_met_twice_are_kept_left_out_or_united(
    cars: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = merged(*cars, "--same", "yes", folder=tmp_path)
    assert [one["file_name"] for one in kept["file"]["images"]] == ["1.jpg", "2.jpg", "2 (2).jpg", "3.jpg"]
    assert [one["count"] for one in kept["notes"] if one["code"] == "IMAGE_TWICE"] == [1]
    assert "--twice unite puts all annotations on one" in capsys.readouterr().err
    first = merged(*cars, "--same", "yes", "--twice", "first", folder=tmp_path)
    assert [one["file_name"] for one in first["file"]["images"]] == ["1.jpg", "2.jpg", "3.jpg"]
    assert first["sums"]["dropped"] == 3
    whole = merged(*cars, "--same", "yes", "--twice", "unite", "--strict", folder=tmp_path)
    [two] = [one["id"] for one in whole["file"]["images"] if one["file_name"] == "2.jpg"]
    names = {one["id"]: one["name"] for one in whole["file"]["categories"]}
    on_two = Counter(names[one["category_id"]] for one in whole["file"]["annotations"] if one["image_id"] == two)
    assert on_two == {"Car": 1, "traffic light": 2, "person": 1, "dog": 1}
    assert [(one["code"], one["count"]) for one in whole["losses"]] == [("ANNOTATION_TWICE", 1)]
    assert "united     1  image of a name and size" in capsys.readouterr().err


@pytest.mark.parametrize("name", SAMPLES)
def test_a_set_united_with_itself_is_what_it_was(name: str) -> None:
    report, alone = Report(), SAMPLES[name]().held()
    both = without_twins(united([SAMPLES[name](), SAMPLES[name]()], "unite"), "unite")
    for _ in report.rows(both):
        pass
    titles = [row.data_title for row in SAMPLES[name]()]
    if len(set(titles)) == len(titles):
        assert [str(one) for one in diff(alone, both)] == []
    sums = sum_counts(report.labels().values())
    assert sums["kept"] >= sums["in"] // 2


def test_labels_of_one_hash_that_differ_are_both_on_the_united_video(tmp_path: Path) -> None:
    video = ROOT / "fixtures" / "cvat" / "video-boxes-minimal"
    text = (video / "annotations.xml").read_text()
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "annotations.xml").write_text(text.replace('label="car"', 'label="person"'))
    both = without_twins(united([read(video), read(tmp_path / "moved")], "unite"), "unite")
    [row] = list(both.walk())
    assert sorted(one.object_name for one in row.get_object_instances()) == ["car", "person", "person"]
    assert len({one.object_hash for one in row.get_object_instances()}) == 3


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("0.json", "out"), 2, "There is one source, 0.json. Name two or more, and DST behind them."),
        (("0.json", "nowhere", "out", "--to", "coco"), 4, "nowhere: there is no such file or folder"),
        (("0.json", "1.json", "0.json", "--to", "coco"), 5, "0.json: not written, since it is the source"),
        (("0.json", "1.json", "out"), 2, "say which format to write with --to"),
        (("0.json", "1.json", "out", "--to", "coco", "--mapping", "no.yaml"), 2, "no.yaml: cannot be read"),
        (("0.json", "1.json", "out", "--to", "coco", "--mapping", "x", "--same", "yes"), 2, "Use one of them."),
        (("0.json", "1.json", "out", "--to", "coco", "--twice", "yes"), 2, "'keep', 'first', 'unite'"),
        (("0.json", "1.json", "out", "--to", "coco", "--suggest", "no/same.yaml"), 5, "no/same.yaml"),
    ],
)
def test_wrong_input_is_told_in_one_sentence(
    words: tuple[str, ...], code: int, told: str, cars: tuple[Path, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert call("merge", *words) == code
    error = capsys.readouterr().err
    assert told in error and "Traceback" not in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.json", "1.json"]


# --- images of one name in several sources ----------------------------------------------------------------------------


def camera(folder: Path, shade: int, size: tuple[int, int] = (64, 48), names: Sequence[str] = ("f0.jpg",)) -> Path:
    """A COCO export with one box for each image; where the box is tells whose it is."""
    (folder / "images").mkdir(parents=True)
    for number, name in enumerate(names):
        Image.new("RGB", size, (shade, number, 0)).save(folder / "images" / name, quality=95)
    document = {
        "images": [
            {"id": id_, "file_name": name, "width": size[0], "height": size[1]} for id_, name in enumerate(names, 1)
        ],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [
            {"id": id_, "image_id": id_, "category_id": 1, "iscrowd": 0, "area": 80, "bbox": [shade // 10, 4, 8, 10]}
            for id_, _ in enumerate(names, 1)
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def cams(tmp_path: Path) -> tuple[Path, Path]:
    return camera(tmp_path / "camA", 100), camera(tmp_path / "camB", 200, names=("f0.jpg", "only.jpg"))


def names_in(folder: Path) -> list[str]:
    return [one["file_name"] for one in json.loads((folder / "annotations.json").read_text())["images"]]


def test_each_label_stands_beside_its_own_image_after_a_merge(
    cams: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("merge", *cams, tmp_path / "cams", "--to", "coco") == 0
    assert names_in(tmp_path / "cams") == ["camA/f0.jpg", "camB/f0.jpg", "only.jpg"]
    told = capsys.readouterr().err
    assert "   2  Another source has an image of the same name" in told and "NAME_CLASH" not in told
    words = "--target", "ultralytics", "--images", tmp_path
    assert call("convert", tmp_path / "cams", tmp_path / "set", *words) == 0, capsys.readouterr().err
    own = {path.read_bytes(): cam for cam, folder in zip("AB", cams, strict=True)
           for path in (folder / "images").iterdir()}  # fmt: skip
    found = {}
    for image in sorted((tmp_path / "set" / "images").rglob("*.jpg")):
        label = Path(str(image).replace(f"{tmp_path}/set/images", f"{tmp_path}/set/labels")).with_suffix(".txt")
        left = round((float(label.read_text().split()[1]) - float(label.read_text().split()[3]) / 2) * 64)
        found[image.relative_to(tmp_path / "set").as_posix()] = own[image.read_bytes()], left
    assert sorted(found.values()) == [("A", 10), ("B", 20), ("B", 20)]


@pytest.mark.parametrize(("named", "missing"), [("camA/images", "camB"), ("camB/images", "camA"), ("camB", "camA")])
def test_an_image_of_another_folder_is_not_taken_for_one_of_its_name(
    named: str, missing: str, cams: tuple[Path, Path], tmp_path: Path
) -> None:
    assert call("merge", *cams, tmp_path / "cams", "--to", "coco") == 0
    finder = Finder(source_at(tmp_path / named))
    found = {row.data_title: finder.find(row, 0) for row in read(tmp_path / "cams").walk()}
    assert found[f"{missing}/f0.jpg"] is None
    [own] = [path for title, path in found.items() if title.endswith("/f0.jpg") and missing not in title]
    assert own is not None and own.endswith("f0.jpg")


def test_a_merged_file_beside_one_camera_does_not_take_its_image_for_that_of_another(cams: tuple[Path, Path]) -> None:
    file = cams[0] / "all.json"
    assert call("merge", *cams, file, "--to", "coco") == 0
    labels = read(file)
    finder = beside(labels.source)
    assert finder is not None
    found = {row.data_title: finder.find(row, 0) for row in labels.walk()}
    assert found == {"camA/f0.jpg": "images/f0.jpg", "camB/f0.jpg": None, "only.jpg": None}


def test_archives_and_label_files_in_folders_are_told_apart_too(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a/annotations/x.json", "b/annotations/x.json", "c.zip")]
    for path in paths[:2]:
        path.parent.mkdir(parents=True)
        path.touch()
    assert folders_of([str(path) for path in paths]) == ["a/", "b/", "c/"]


def test_images_whose_bytes_differ_are_not_united(
    cams: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rule in ("unite", "first"):
        report = merged(*cams, "--twice", rule, folder=tmp_path)
        assert names_in(tmp_path / "out") == ["camA/f0.jpg", "camB/f0.jpg", "only.jpg"]
        assert report["sums"]["dropped"] == 0
        assert "its bytes differ; both are kept.  IMAGES_DIFFER" in capsys.readouterr().err


def test_images_that_are_the_same_are_united_under_their_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = camera(tmp_path / "one", 100), camera(tmp_path / "other", 100)
    (other / "annotations.json").write_text((other / "annotations.json").read_text().replace("[10, 4", "[30, 4"))
    report = merged(one, other, "--twice", "unite", folder=tmp_path)
    assert [one["file_name"] for one in report["file"]["images"]] == ["f0.jpg"]
    assert len(report["file"]["annotations"]) == 2
    assert "IMAGES_" not in capsys.readouterr().err
    (other / "images" / "f0.jpg").unlink()
    merged(one, other, "--twice", "unite", folder=tmp_path)
    assert names_in(tmp_path / "out") == ["f0.jpg"]
    assert "nobody compared them.  IMAGES_UNSEEN" in capsys.readouterr().err


def test_images_are_compared_after_a_mapping_too(cams: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("classes:\n- name: car\n  to: auto\n")
    merged(*cams, "--twice", "unite", "--mapping", tmp_path / "mapping.yaml", folder=tmp_path)
    assert names_in(tmp_path / "out") == ["camA/f0.jpg", "camB/f0.jpg", "only.jpg"]


def test_batch_merges_under_the_same_names(cams: tuple[Path, Path], tmp_path: Path) -> None:
    assert call("batch", *cams, "--merge", "--to", "coco", "--out", tmp_path / "out", "--quiet") == 0
    [file] = (tmp_path / "out").rglob("annotations.json")
    assert names_in(file.parent) == ["camA/f0.jpg", "camB/f0.jpg", "only.jpg"]
