"""One line makes a folder to train on: images are found where the labels are, and splits stay what they were."""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loaders
import pytest
from PIL import Image

import encord_convert
from encord_convert.cli import run
from encord_convert.training import write_target

WIDTH, HEIGHT = 64, 48

TRAINERS: dict[str, tuple[Callable[..., list[dict[str, Any]]], str]] = {
    "detectron2": (loaders.detectron2, "val"),
    "hf": (loaders.hugging_face, "validation"),
    "mmdet": (loaders.mmdet, "val"),
    "rfdetr": (loaders.rfdetr, "valid"),
    "torchvision": (loaders.torchvision, "val"),
    "ultralytics": (lambda root, split: loaders.ultralytics(root, split, "detect"), "val"),
}


def call(*words: object) -> int:
    return run([str(word) for word in words])


def jpeg(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, shade)).save(stream, "JPEG")
    return stream.getvalue()


def save(folder: Path, files: dict[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def zipped(path: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def box(at: int = 5) -> str:
    return f'<box label="car" occluded="0" xtl="{at}" ytl="5" xbr="{at + 20}" ybr="25" z_order="0"></box>'


LABELS = "<labels><label><name>car</name><type>rectangle</type><attributes></attributes></label></labels>"


def cvat_project(*images: tuple[str, str, int]) -> str:
    """A project: names, subsets and tasks of images, each with a box."""
    tasks = sorted({(task, subset) for _, subset, task in images})
    described = "".join(
        f"<task><id>{task}</id><name>t{task}</name><subset>{subset}</subset><mode>annotation</mode></task>"
        for task, subset in tasks
    )
    body = "".join(
        f'<image id="{n}" name="{name}" subset="{subset}" task_id="{task}" width="{WIDTH}" height="{HEIGHT}">'
        f"{box(5 + n)}</image>"
        for n, (name, subset, task) in enumerate(images)
    )
    return (
        f"<annotations><version>1.1</version><meta><project><id>1</id><name>p</name><tasks>{described}</tasks>{LABELS}"
        f"</project></meta>{body}</annotations>"
    )


def cvat_task(*names: str, subset: str = "default") -> str:
    body = "".join(
        f'<image id="{n}" name="{name}" width="{WIDTH}" height="{HEIGHT}">{box(5 + n)}</image>'
        for n, name in enumerate(names)
    )
    return (
        f"<annotations><version>1.1</version><meta><task><id>1</id><name>t</name><subset>{subset}</subset>"
        f"<mode>annotation</mode>{LABELS}</task></meta>{body}</annotations>"
    )


def cvat_video(frames: int) -> str:
    track = "".join(box(5 + n).replace("<box ", f'<box frame="{n}" outside="0" keyframe="1" ') for n in range(frames))
    return (
        "<annotations><version>1.1</version><meta><task><id>1</id><name>t</name>"
        f"<size>{frames}</size><mode>interpolation</mode><start_frame>0</start_frame>"
        f"<stop_frame>{frames - 1}</stop_frame>{LABELS}<original_size><width>{WIDTH}</width><height>{HEIGHT}</height>"
        f'</original_size><source>clip.mp4</source></task></meta><track id="0" label="car" source="manual">{track}'
        "</track></annotations>"
    )


def coco(*names: str, **more: Any) -> str:
    return json.dumps(
        {
            "images": [{"id": n, "file_name": name, "width": WIDTH, "height": HEIGHT, **more} for n, name in
                       enumerate(names, 1)],
            "annotations": [
                {"id": n, "image_id": n, "category_id": 1, "bbox": [5, 5, 20, 20], "area": 400, "iscrowd": 0}
                for n in range(1, len(names) + 1)
            ],
            "categories": [{"id": 1, "name": "car"}],
        }
    )  # fmt: skip


def image_files(*paths: str) -> dict[str, bytes | str]:
    return {path: jpeg(20 * n) for n, path in enumerate(paths, 1)}


def cvat_zip(tmp_path: Path) -> Path:
    images = [("a.jpg", "Train", 1), ("b.jpg", "Train", 1), ("a.jpg", "Validation", 2), ("a.jpg", "Test", 3)]
    files = image_files(*(f"images/{subset}/{name}" for name, subset, _ in images))
    return zipped(tmp_path / "export.zip", {"annotations.xml": cvat_project(*images), **files})


def roboflow(tmp_path: Path) -> Path:
    names = {"train": ("a.jpg", "b.jpg"), "valid": ("a.jpg",), "test": ("a.jpg",)}
    files = {f"{split}/_annotations.coco.json": coco(*some) for split, some in names.items()}
    files |= image_files(*(f"{split}/{name}" for split, some in names.items() for name in some))  # type: ignore[arg-type]
    return save(tmp_path / "roboflow", files)  # type: ignore[arg-type]


def two_exports(tmp_path: Path) -> Path:
    subsets = {"one": ("Train", "a.jpg", "b.jpg"), "two": ("Validation", "a.jpg"), "three": ("Test", "a.jpg")}
    files: dict[str, bytes | str] = {
        f"{folder}/annotations.xml": cvat_task(*some, subset=subset) for folder, (subset, *some) in subsets.items()
    }
    files |= image_files(*(f"{folder}/images/{name}" for folder, (_, *some) in subsets.items() for name in some))
    return save(tmp_path / "exports", files)


def coco_challenge(tmp_path: Path) -> Path:
    names = {"train2017": ("a.jpg", "b.jpg"), "val2017": ("a.jpg",), "test2017": ("a.jpg",)}
    files: dict[str, bytes | str] = {
        f"annotations/instances_{split}.json": coco(*some) for split, some in names.items()
    }
    return save(tmp_path / "coco", files | image_files(*(f"{s}/{name}" for s, some in names.items() for name in some)))


SOURCES = [cvat_zip, roboflow, two_exports, coco_challenge]


@pytest.mark.parametrize("source", SOURCES, ids=lambda make: make.__name__)
@pytest.mark.parametrize("target", TRAINERS)
def test_every_image_arrives_in_the_split_of_the_source(
    target: str, source: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call("convert", source(tmp_path), out, "--target", target, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    load, val = TRAINERS[target]
    assert [len(load(out, split)) for split in ("train", val, "test")] == [2, 1, 1]
    assert report["target"]["splits"] == {"train": 2, "val": 1, "test": 1}
    assert sorted(report["source"]["splits"].values()) == [1, 1, 2]
    images = sorted(path.read_bytes() for path in out.rglob("*.jpg"))
    assert images == sorted(jpeg(20 * n) for n in (1, 2, 3, 4))


def arrived(out: Path) -> dict[str, str]:
    """Return the split folder of each image by its name there."""
    return {path.relative_to(out).as_posix(): path.relative_to(out).parts[0] for path in out.rglob("*.jpg")}


def test_shares_override_the_splits_of_the_source_and_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", roboflow(tmp_path), tmp_path / "out", "--target", "rfdetr", "--split", "train=1") == 0
    assert len(loaders.rfdetr(tmp_path / "out", "train")) == 4
    assert "Images changed splits, since --split gives shares" in capsys.readouterr().err


def test_splits_that_are_to_be_kept_and_are_not_there_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = save(tmp_path / "src", {"a.json": coco("a.jpg"), **image_files("a.jpg")})
    assert call("convert", source, tmp_path / "out", "--target", "hf", "--split", "keep") == 2
    assert "split=keep is not possible: the source has none. Give shares like train=0.8" in capsys.readouterr().err
    assert call("convert", roboflow(tmp_path), tmp_path / "out", "--target", "hf", "--split", "keep") == 0
    assert len(loaders.hugging_face(tmp_path / "out", "validation")) == 1


def test_rows_without_a_known_split_are_trained_on_beside_others_and_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [("a.jpg", "Val", 1), ("b.jpg", "default", 2), ("c.jpg", "holdout", 3), ("d.jpg", "holdout", 3)]
    files = {"annotations.xml": cvat_project(*images), **image_files(*(f"images/{s}/{n}" for n, s, _ in images))}
    assert call("convert", save(tmp_path / "src", files), tmp_path / "out", "--target", "hf") == 0  # type: ignore[arg-type]
    assert Counter(arrived(tmp_path / "out").values()) == {"train": 3, "validation": 1}
    shown = capsys.readouterr().err
    sentence = "Images of other splits went to train; their splits are: none (1), 'holdout' (2)."
    assert sentence in shown


def test_names_that_mean_no_split_are_split_as_if_there_were_none(tmp_path: Path) -> None:
    images = [(f"{n}.jpg", "site A" if n % 2 else "site B", n % 2) for n in range(40)]
    files = {"annotations.xml": cvat_project(*images), **image_files(*(f"images/{s}/{n}" for n, s, _ in images))}
    words = ("--target", "torchvision", "--split", "train=0.5,val=0.5")
    assert call("convert", save(tmp_path / "src", files), tmp_path / "out", *words) == 0  # type: ignore[arg-type]
    counts = Counter(arrived(tmp_path / "out").values())
    assert set(counts) == {"train2017", "val2017"}
    assert sum(counts.values()) == 40


@pytest.mark.parametrize("target", TRAINERS)
def test_a_lone_video_is_trained_on(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"annotations.xml": cvat_video(5), **image_files(*(f"images/frame_{n:06d}.jpg" for n in range(5)))}
    out = tmp_path / "out"
    assert call("convert", save(tmp_path / "src", files), out, "--target", target) == 0  # type: ignore[arg-type]
    assert len(TRAINERS[target][0](out, "train")) == 5
    assert "The split 'val' has no images." in capsys.readouterr().err


def test_a_source_that_has_nothing_to_train_on_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"a.json": coco("a.jpg", split="valid"), **image_files("a.jpg")}
    assert call("convert", save(tmp_path / "src", files), tmp_path / "out", "--target", "hf") == 5  # type: ignore[arg-type]
    shown = capsys.readouterr().err
    assert "no image is left to train on: train 0, val 1. Give other shares with --split train=0.8,val=0.2" in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", [cvat_zip, two_exports], ids=lambda make: make.__name__)
def test_a_subset_survives_cvat_coco_and_back(source: Callable[[Path], Path], tmp_path: Path) -> None:
    assert call("convert", source(tmp_path), tmp_path / "x.json", "--to", "coco") == 0
    splits = [image["split"] for image in json.loads((tmp_path / "x.json").read_text())["images"]]
    assert Counter(splits) == {"Train": 2, "Validation": 1, "Test": 1}
    assert call("convert", tmp_path / "x.json", tmp_path / "y", "--to", "cvat") == 0
    text = (tmp_path / "y" / "annotations.xml").read_text()
    assert [text.count(f' subset="{one}"') for one in ("Train", "Validation", "Test")] == [2, 1, 1]


def test_coco_has_a_file_for_each_split_when_asked(tmp_path: Path) -> None:
    assert call("convert", cvat_zip(tmp_path), tmp_path / "out", "--to", "coco", "-w", "split_files=yes") == 0
    files = {path.name: json.loads(path.read_text()) for path in (tmp_path / "out" / "annotations").iterdir()}
    found = {name: [len(one["images"]), len(one["annotations"])] for name, one in files.items()}
    assert found == {
        "instances_Train.json": [2, 2], "instances_Validation.json": [1, 1], "instances_Test.json": [1, 1],
    }  # fmt: skip
    assert all(one["images"][0]["id"] == one["annotations"][0]["id"] == 1 for one in files.values())
    assert call("convert", tmp_path / "out", tmp_path / "y", "--target", "torchvision", "--image-files", "leave") == 0
    assert len(json.loads((tmp_path / "y" / "annotations" / "instances_train2017.json").read_text())["images"]) == 2


def test_sources_of_a_manifest_that_are_merged_are_in_the_splits_their_folders_name(tmp_path: Path) -> None:
    files = {"a/train/x.json": coco("1.jpg", "2.jpg"), "a/val/x.json": coco("3.jpg"), "a/more/x.json": coco("4.jpg")}
    source = save(tmp_path / "src", files)  # type: ignore[arg-type]
    manifest = tmp_path / "jobs.json"
    entry = {"source": [str(source / name) for name in files], "merge": True, "target": "all", "to": "coco"}
    manifest.write_text(json.dumps({"jobs": [entry]}))
    assert call("batch", "--manifest", manifest, "--out", tmp_path / "out") == 0
    images = json.loads((tmp_path / "out" / "all" / "annotations.json").read_text())["images"]
    assert {one["file_name"]: one.get("split") for one in images} == {
        "1.jpg": "train", "2.jpg": "train", "3.jpg": "val", "4.jpg": None,
    }  # fmt: skip


@pytest.mark.parametrize("file", ["train/_annotations.coco.json", "instances_val2017.json"])
def test_a_file_alone_is_no_split_whatever_it_is_called(file: str, tmp_path: Path) -> None:
    names = [f"{n}.jpg" for n in range(40)]
    folder = file[: file.rfind("/") + 1]
    source = save(tmp_path / "src", {file: coco(*names), **image_files(*(folder + name for name in names))})
    assert call("convert", source, tmp_path / "out", "--target", "torchvision") == 0
    assert set(arrived(tmp_path / "out").values()) == {"train2017", "val2017", "test2017"}


# -- where images are -------------------------------------------------------------------------------------------------


def test_the_image_of_a_row_is_the_one_beside_its_own_labels(tmp_path: Path) -> None:
    source = roboflow(tmp_path)
    assert call("convert", source, tmp_path / "out", "--target", "torchvision") == 0
    names = {"train2017/a.jpg": "train/a.jpg", "train2017/b.jpg": "train/b.jpg", "val2017/a.jpg": "valid/a.jpg",
             "test2017/a.jpg": "test/a.jpg"}  # fmt: skip
    for name, original in names.items():
        assert (tmp_path / "out" / name).samefile(source / original)


def test_names_in_coco_tell_images_of_one_name_in_two_folders_apart(tmp_path: Path) -> None:
    source = roboflow(tmp_path)
    assert call("convert", source, tmp_path / "out", "--to", "coco", "--strict") == 0
    names = [one["file_name"] for one in json.loads((tmp_path / "out" / "annotations.json").read_text())["images"]]
    assert sorted(names) == ["test/a.jpg", "train/a.jpg", "train/b.jpg", "valid/a.jpg"]
    assert all((source / name).is_file() for name in names)


@pytest.mark.parametrize(
    ("labels", "images"),
    [
        ("a.json", "deep/er/a.jpg"),
        ("a.json", "images/a.jpg"),
        ("annotations/instances_train.json", "train2017/a.jpg"),
        ("annotations/a.json", "images/a.jpg"),
        ("labels/train/a.json", "images/train/a.jpg"),
        ("a.json", "a/a.jpg"),
    ],
)
def test_images_are_found_in_the_usual_places(labels: str, images: str, tmp_path: Path) -> None:
    source = save(tmp_path / "src", {labels: coco("a.jpg"), **image_files(images)})
    assert call("convert", source, tmp_path / "out", "--target", "hf", "--split", "train=1") == 0
    assert (tmp_path / "out" / "train" / "a.jpg").samefile(source / images)


def test_an_image_of_the_split_and_another_of_its_name_above_are_not_confused(tmp_path: Path) -> None:
    files = {"a.json": coco("a.jpg", split="train"), **image_files("a.jpg", "train/a.jpg")}
    with pytest.raises(encord_convert.ReadError, match="could be either of 2 files that differ"):
        write_target(encord_convert.read(save(tmp_path / "src", files)), tmp_path / "out", "hf")
    alike = {**files, "a.jpg": files["train/a.jpg"]}
    write_target(encord_convert.read(save(tmp_path / "same", alike)), tmp_path / "out", "hf", split="train=1")
    assert (tmp_path / "out/train/a.jpg").read_bytes() == files["train/a.jpg"]


def mask_png() -> bytes:
    """A mask of an image of this size: class 1 on its lower half."""
    image = Image.new("P", (WIDTH, HEIGHT))
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.paste(1, (0, HEIGHT // 2, WIDTH, HEIGHT))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_a_mask_is_not_taken_for_the_image_it_belongs_to(tmp_path: Path) -> None:
    files = {
        "classes.txt": "background\ncar\n",
        "SegmentationClass/x.png": mask_png(),
        **image_files("JPEGImages/x.jpg"),
    }
    source = save(tmp_path / "src", files)
    words = ["--from", "masks-index", "--target", "detectron2", "--split", "train=1"]
    assert call("convert", source, tmp_path / "out", *words) == 0
    [written] = [path for path in (tmp_path / "out").rglob("x.*") if path.is_file()]
    assert written.samefile(source / "JPEGImages/x.jpg")


def test_a_mask_alone_is_no_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save(tmp_path / "src", {"classes.txt": "background\ncar\n", "SegmentationClass/x.png": mask_png()})
    assert call("convert", source, tmp_path / "out", "--from", "masks-index", "--target", "detectron2") != 0
    assert "image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "images"),
    [
        ("a.json", "a.jpg"),
        ("a.json", "images/a.jpg"),
        ("annotations/instances_train2017.json", "train2017/a.jpg"),
    ],
)
def test_images_are_found_beside_a_lone_file(labels: str, images: str, tmp_path: Path) -> None:
    source = save(tmp_path / "src", {labels: coco("/data/coco/a.jpg"), **image_files(images)})
    assert call("convert", source / labels, tmp_path / "out", "--target", "hf", "--split", "train=1") == 0
    (found,) = (tmp_path / "out").rglob("*.jpg")
    assert found.samefile(source / images)


def test_a_lone_file_does_not_take_what_lies_deeper_in_its_folder(tmp_path: Path) -> None:
    source = save(tmp_path / "src", {"a.json": coco("a.jpg"), **image_files("somebody/else/a.jpg")})
    assert call("convert", source / "a.json", tmp_path / "out", "--target", "hf") == 5


def test_no_image_at_all_is_an_error_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save(tmp_path / "src", {"a.json": coco("a.jpg", "b.jpg")})
    assert call("convert", source, tmp_path / "out", "--target", "ultralytics") == 5
    shown = capsys.readouterr().err
    assert f"not written, since none of the 2 images is next to the labels in {source}." in shown
    assert "Name their folder with --images DIR, or write only the labels with --image-files leave." in shown
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty").mkdir()
    words = ("--target", "ultralytics", "--images", tmp_path / "empty")
    assert call("convert", source, tmp_path / "out", *words) == 5
    assert f"none of the 2 images is in {tmp_path / 'empty'}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--image-files", "--pictures"])
def test_images_that_are_left_give_the_names_of_the_source(option: str, tmp_path: Path) -> None:
    source = save(tmp_path / "src", {"a.json": coco("images/a b.jpg", "c.jpg")})
    assert call("convert", source, tmp_path / "out", "--target", "mmdet", option, "leave", "--split", "train=1") == 0
    file = tmp_path / "out" / "annotations" / "instances_train2017.json"
    assert [one["file_name"] for one in json.loads(file.read_text())["images"]] == ["images/a b.jpg", "c.jpg"]


def test_what_is_missing_is_a_warning_with_the_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save(tmp_path / "src", {"a.json": coco("a.jpg", "b.jpg", "c.jpg"), **image_files("b.jpg")})
    assert call("convert", source, tmp_path / "out", "--target", "hf", "--split", "train=1") == 0
    assert f"2 of 3 images are not next to the labels in {source}; their labels are written." in capsys.readouterr().err


@pytest.mark.parametrize("target", TRAINERS)
def test_two_rows_never_share_an_image(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = [("b_1.jpg", "Train", 1), ("b_1.jpg", "Train", 2)]
    files = {"annotations.xml": cvat_project(*images), **image_files("images/Train/b_1.jpg")}
    source = save(tmp_path / "src", files)  # type: ignore[arg-type]
    assert call("convert", source, tmp_path / "out", "--target", target, "--json") == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert report["counts"]["image"] == {"in": 2, "kept": 1, "changed": 0, "dropped": 1}
    assert report["counts"]["box"] == {"in": 2, "kept": 1, "changed": 0, "dropped": 1}
    (note,) = [note for note in report["notes"] if note["code"] == "DUPLICATE_IMAGE"]
    assert note["level"] == "warning"
    assert "Another row already has the image of 'b_1.jpg'; this row is left out." in shown.err
    (loaded,) = TRAINERS[target][0](tmp_path / "out", "train")
    assert [path.name for path in (tmp_path / "out").rglob("*.jpg")] == ["b_1.jpg"]
    assert loaded


# -- frames -----------------------------------------------------------------------------------------------------------


def cocovid() -> str:
    frames = {1: "seq/img1/000001.jpg", 2: "seq/img1/000002.jpg"}
    return json.dumps(
        {
            "videos": [{"id": 1, "name": "seq"}],
            "images": [
                {"id": n, "video_id": 1, "frame_id": n - 1, "file_name": name, "width": WIDTH, "height": HEIGHT}
                for n, name in frames.items()
            ],
            "annotations": [
                {"id": n, "image_id": n, "category_id": 1, "bbox": [5, 5, 20, 20], "area": 400, "instance_id": 1}
                for n in frames
            ],
            "categories": [{"id": 1, "name": "car"}],
        }
    )


def youtube_vis() -> str:
    names = ["0a/00000.jpg", "0a/00005.jpg", "0a/00010.jpg"]
    box = [5, 5, 20, 20]
    ring = [[5, 5, 25, 5, 25, 25, 5, 25]]
    return json.dumps(
        {
            "videos": [{"id": 1, "width": WIDTH, "height": HEIGHT, "length": 3, "file_names": names}],
            "annotations": [
                {"id": 1, "video_id": 1, "category_id": 1, "iscrowd": 0, "bboxes": [box, None, box],
                 "segmentations": [ring, None, ring], "areas": [400, None, 400]}
            ],
            "categories": [{"id": 1, "name": "car"}],
        }
    )  # fmt: skip


FRAMES = [
    (cocovid, ["seq/img1/000001.jpg", "seq/img1/000002.jpg"]),
    (youtube_vis, ["0a/00000.jpg", "0a/00005.jpg", "0a/00010.jpg"]),
]


@pytest.mark.parametrize(("made", "names"), FRAMES)
def test_frames_of_image_sequences_keep_their_file_names(
    made: Callable[[], str], names: list[str], tmp_path: Path
) -> None:
    source = save(tmp_path / "src", {"in.json": made(), **image_files(*(f"pics/{name}" for name in names))})
    assert call("convert", source / "in.json", tmp_path / "x.json", "--to", "coco") == 0
    assert [one["file_name"] for one in json.loads((tmp_path / "x.json").read_text())["images"]] == names
    for number, (labels, images) in enumerate([("in.json", ("--images", source / "pics")), (".", ())]):
        out = tmp_path / f"out{number}"
        assert call("convert", source / labels, out, "--target", "torchvision", "--split", "train=1", *images) == 0
        found = sorted(path.relative_to(out / "train2017").as_posix() for path in out.rglob("*.jpg"))
        assert found == names
        assert all((out / "train2017" / name).samefile(source / "pics" / name) for name in names)


def test_two_videos_of_one_name_get_a_folder_each(tmp_path: Path) -> None:
    source = save(tmp_path / "src", {f"cam{n}/annotations.xml": cvat_video(n + 1) for n in (1, 2)})
    assert call("convert", source, tmp_path / "x.json", "--to", "coco") == 0
    names = [one["file_name"] for one in json.loads((tmp_path / "x.json").read_text())["images"]]
    assert names == [f"cam{n}/clip/{frame:06d}.jpg" for n in (1, 2) for frame in range(n + 1)]


def test_two_videos_of_one_name_in_one_file_get_a_folder_each(tmp_path: Path) -> None:
    tasks = "".join(
        f"<task><id>{n}</id><name>t{n}</name><size>2</size><mode>interpolation</mode><start_frame>0</start_frame>"
        f"<stop_frame>1</stop_frame><original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size>"
        "<source>clip.mp4</source></task>"
        for n in (1, 2)
    )
    tracks = "".join(
        f'<track id="{n}" label="car" task_id="{n}" subset="default">'
        + "".join(box().replace("<box ", f'<box frame="{2 * n - 2 + f}" outside="0" keyframe="1" ') for f in (0, 1))
        + "</track>"
        for n in (1, 2)
    )
    text = (
        f"<annotations><version>1.1</version><meta><project><id>1</id><name>p</name><tasks>{tasks}</tasks>{LABELS}"
        f"</project></meta>{tracks}</annotations>"
    )
    source = save(tmp_path / "src", {"annotations.xml": text})
    assert call("convert", source, tmp_path / "x.json", "--to", "coco") == 0
    names = [one["file_name"] for one in json.loads((tmp_path / "x.json").read_text())["images"]]
    assert names == [f"{folder}/{frame:06d}.jpg" for folder in ("clip", "clip (2)") for frame in (0, 1)]
    assert call("convert", source, tmp_path / "out", "--target", "torchvision", "--image-files", "leave") == 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_names_in_coco_end_as_the_files_that_were_found(jobs: int, tmp_path: Path) -> None:
    png = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT)).save(png, "PNG")
    frames = {f"images/frame_{n:06d}.PNG": png.getvalue() for n in range(40)}
    names = [f"frame_{n:06d}" for n in range(40)]
    shown: dict[str, list[str]] = {}
    for kind, text in (("video", cvat_video(40)), ("stills", cvat_task(*names))):
        source = save(tmp_path / kind, {"annotations.xml": text, **frames})
        words = ("convert", source, tmp_path / f"{kind}.json", "--to", "coco", "--jobs", jobs)
        assert call(*words) == 0
        images = json.loads((tmp_path / f"{kind}.json").read_text())["images"]
        shown[kind] = [one["file_name"] for one in images]
    assert shown == {"video": [f"clip/{n:06d}.PNG" for n in range(40)], "stills": [f"{name}.PNG" for name in names]}


def test_a_title_that_lacks_its_ending_comes_back_without(tmp_path: Path) -> None:
    source = save(tmp_path / "src", {"annotations.xml": cvat_task("shot"), **image_files("images/shot.jpg")})
    assert call("convert", source, tmp_path / "x.json", "--to", "coco") == 0
    (image,) = json.loads((tmp_path / "x.json").read_text())["images"]
    assert (image["file_name"], image["encord"]["title"]) == ("shot.jpg", "shot")


def test_sets_made_of_a_source_and_edited_rows_find_images_and_keep_splits(tmp_path: Path) -> None:
    labels = encord_convert.read(roboflow(tmp_path))
    for number, make in enumerate((lambda: labels.filter(classes=["car"]), lambda: labels.map(lambda row: row))):
        out = tmp_path / f"made {number}"
        report = write_target(make(), out, "rfdetr", report=encord_convert.Report())
        assert report.target.splits == {"train": 2, "val": 1, "test": 1}
        assert len(loaders.rfdetr(out, "train")) == 2
    source = save(tmp_path / "src", {"a.json": coco("a.jpg", "b.jpg"), **image_files("a.jpg", "b.jpg")})
    labels = encord_convert.read(source)
    for row in labels:
        row.client_metadata = {"split": "val" if row.data_title == "b.jpg" else "train"}
    report = write_target(labels, tmp_path / "edited", "rfdetr", report=encord_convert.Report())
    assert arrived(tmp_path / "edited") == {"train/a.jpg": "train", "valid/b.jpg": "valid"}


@pytest.mark.parametrize("target", ["hf", "mmdet", "rfdetr", "torchvision"])
def test_an_image_says_the_size_that_its_labels_do_not(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images: list[dict[str, Any]] = [{"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}]
    images.append({"id": 2, "file_name": "b.jpg"})
    boxes = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 5, 20, 20]}]
    document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "car"}]}
    source = save(tmp_path / "labels", {"in.json": json.dumps(document)})
    image_files = save(tmp_path / "pictures", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    words = ["--target", target, "--images", image_files, "--split", "train=1"]
    assert call("convert", source, tmp_path / "out", *words) == 0
    assert "SIZE_MISMATCH" not in capsys.readouterr().err
    text = "".join(path.read_text() for path in (tmp_path / "out").rglob("*.json*"))
    assert text.count(f'"width":{WIDTH},"height":{HEIGHT}') == 2
