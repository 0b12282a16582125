"""One COCO file that several processes convert gives the bytes and the account that one process gives."""

import gzip
import json
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from coco_files import CATEGORY, note
from random_labels import random_labels

from encord_convert import ConvertError, ReadError, Report, convert, read, write
from encord_convert._samples import SAMPLES
from encord_convert.formats._files import MemorySource
from encord_convert.formats.coco import read_images as _coco_images
from encord_convert.formats.coco import write as _coco_file
from encord_convert.formats.coco.read import open_shard
from encord_convert.losses.narrow import Narrowed

ROOT = Path(__file__).parents[2] / "fixtures" / "coco"
CASES = sorted(case for case in ROOT.iterdir() if case.is_dir() and not (case / "refused.json").exists())
CUT = {"boxes-only", "coco-annotator", "flat-folder", "keypoints-17", "missing-bbox", "polygons", "rle-list"}
"""Fixtures that are a file of several stills."""


def sent(parts: Any, folder: Path, *rest: Any) -> list[Any]:
    """Write parts in this process, each of what would reach another."""
    shards = [open_shard(pickle.loads(pickle.dumps(part.labels.spec))[1]) for part in parts]
    narrowed = [Narrowed(shard, None, part.carries) for shard, part in zip(shards, parts, strict=True)]
    return [_coco_file._part(one, folder, number, *rest) for number, one in enumerate(narrowed)]


@pytest.fixture
def many_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small files have many tables, and parts that are pickled but written here, where tables are as small."""
    monkeypatch.setattr(_coco_images, "MOST_PICTURES", 1)
    monkeypatch.setattr(_coco_file, "_parts", sent)


def converted(source: Path, target: Path, jobs: int, to: str = "coco", **options: Any) -> tuple[bytes, str]:
    """Return what is written and the account; of what cannot be converted the sentence."""
    report = Report()
    try:
        convert(source, target, from_="coco", to=to, jobs=jobs, report=report, read_options=options)
    except ConvertError as error:
        return b"", str(error).replace(str(target), "")
    account = report.to_dict()
    del account["target"]
    return (target / "annotations.json").read_bytes(), json.dumps(account)


def check(source: Path, folder: Path, to: str = "coco", **options: Any) -> int:
    """Compare one process with several; return how many parts two make."""
    alone = converted(source, folder / "alone", 1, to, **options)
    for jobs in (2, 5):
        assert converted(source, folder / str(jobs), jobs, to, **options) == alone
    return len(read(source, "coco", **options).shards(2))


# -- what is cut -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("many_tables")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fixture_is_converted_as_by_one(case: Path, tmp_path: Path) -> None:
    assert (check(case, tmp_path) > 1) == (case.name in CUT)


def crowded(seed: int, images: int = 30, annotations: int = 150) -> dict[str, Any]:
    """Return a file with a little of everything a still can have, and of damage."""
    chance = Random(seed)
    image_entries: list[Any] = [
        {"id": number, "width": 200, "height": chance.choice([100, 50]), "file_name": f"{number}.jpg"}
        for number in range(images)
    ]
    if seed % 2:
        image_entries[chance.randrange(images)]["id"] = chance.randrange(images)
        image_entries[chance.randrange(images)]["file_name"] = f"{chance.randrange(images)}.jpg"
        image_entries[chance.randrange(images)]["attributes"] = {"weather": "wet"}
        image_entries[chance.randrange(images)]["licence"] = "free"
    if seed % 8 == 7:
        image_entries.insert(chance.randrange(images), "no image")
    notes: list[Any] = [note(**drawn(chance, number, images)) for number in range(annotations)]
    notes += [None, 3] if seed % 3 == 0 else []
    if seed % 4:
        notes.sort(key=lambda one: one["image_id"] if one and one != 3 else 0)
    classes = [{"id": number, "name": name} for number, name in enumerate(["car", "tree", "person", "unused"], 1)]
    return {"info": {"description": "all"}, "images": image_entries, "annotations": notes, "categories": classes}


def drawn(chance: Random, number: int, images: int) -> dict[str, Any]:
    left, top, side = chance.randrange(-20, 190), chance.randrange(90), chance.randrange(1, 60)
    shapes: list[dict[str, Any]] = [
        {"bbox": [left, top, side, side]},
        {"segmentation": [[left, top, left + side, top, left, top + side]]},
        {"segmentation": [[left, top, left + side, top, left, top + side], [1, 1, 9, 1, 1, 9]]},
        {"segmentation": {"size": [100, 200], "counts": [30, side, 20000 - 30 - side]}},
        {"keypoints": [left, top, 2, 3, 3, chance.randrange(3)], "num_keypoints": 2, "category_id": 3},
        {"bbox": None, "caption": f"words {number % 4}"},
        {"bbox": None, "category_id": 4},
        {"bbox": [left, top, -3, side]},
        {"segmentation": [[1, 2, 3, 4]]},
    ]
    found = {"id": number, "image_id": chance.randrange(images), "category_id": chance.choice([1, 2])}
    found |= chance.choice(shapes[:4] * 4 + shapes)
    odd: list[dict[str, Any]] = [
        {"iscrowd": 1}, {"score": 0.5}, {"area": None}, {"image_id": 999}, {"category_id": 77}, {"id": 3},
        {"attributes": {"colour": chance.choice(["red", "green"]), "lit": True, "size": number % 3}},
        {"attributes": {"encord_object_hash": "AAAABBBB", "encord_shape": "polygon"}}, {"unheard": number},
        {"attributes": {"manual_annotation": False, "rotation": 30}}, {"occluded": True},
    ]  # fmt: skip
    return found | (chance.choice(odd) if chance.random() < 0.3 else {})


@pytest.mark.usefixtures("many_tables")
@pytest.mark.parametrize("seed", range(18))
def test_files_of_everything_are_converted_as_by_one(seed: int, tmp_path: Path) -> None:
    options: dict[str, str] = [{}, {"prefer": "polygon", "captions": "separate"}, {"extras": "attributes"}][seed % 3]
    file = tmp_path / "a.json"
    file.write_text(json.dumps(crowded(seed)))
    assert check(file, tmp_path, "coco-rle" if seed > 11 else "coco", **options) > 1


@pytest.mark.usefixtures("many_tables")
@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_written_is_converted_as_by_one(name: str, tmp_path: Path) -> None:
    write(SAMPLES[name](), tmp_path, "coco", report=Report())
    check(tmp_path / "annotations.json", tmp_path)


@pytest.mark.usefixtures("many_tables")
@pytest.mark.parametrize("seed", [0, *range(2, 9)])  # of the other nothing can be written
def test_random_sets_that_were_written_are_converted_as_by_one(seed: int, tmp_path: Path) -> None:
    write(random_labels(seed), tmp_path, "coco", report=Report())
    check(tmp_path / "annotations.json", tmp_path)


def plain(count: int = 12, **blocks: Any) -> dict[str, Any]:
    """Return a file of two boxes an image."""
    image_entries = [{"id": n, "width": 200, "height": 100, "file_name": f"{n}.jpg"} for n in range(count)]
    notes = [note(id=n, image_id=n // 2) for n in range(2 * count)]
    return {"images": image_entries, "annotations": notes, "categories": [CATEGORY], **blocks}


@pytest.mark.parametrize("jobs", [2, 3])
def test_other_processes_write_what_one_does(jobs: int, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(crowded(1, images=1200, annotations=3000)))
    assert len(read(tmp_path / "a.json").shards(jobs)) == jobs
    alone = converted(tmp_path / "a.json", tmp_path / "alone", 1)
    assert alone[0]
    assert converted(tmp_path / "a.json", tmp_path / "together", jobs) == alone


@pytest.mark.usefixtures("many_tables")
@pytest.mark.parametrize(
    "box", [lambda n: [0.1, 0.2, 0.3, 0.4], lambda n: [0.1, 0.2, 0.3, 0.4] if n < 12 else [10, 20, 60, 40],
            lambda n: [150, 80, 190, 90], lambda n: [150, 80, 190, 90] if n < 15 else [1, 2, 3, 4],
            lambda n: [150, 80, 190, 90] if n < 9 else [1, 2, 3, 4]],
    ids=["all small", "half small", "all leave", "most leave", "some leave"],
)  # fmt: skip
def test_what_all_boxes_let_one_suspect_is_said_once(box: Callable[[int], list[float]], tmp_path: Path) -> None:
    notes = [note(id=n, image_id=n // 2, bbox=box(n), area=None) for n in range(24)]
    (tmp_path / "a.json").write_text(json.dumps(plain(annotations=notes)))
    assert check(tmp_path / "a.json", tmp_path) > 1


@pytest.mark.usefixtures("many_tables")
def test_an_image_without_size_in_the_second_part_costs_what_it_costs_one_process(tmp_path: Path) -> None:
    image_entries = plain()["images"]
    del image_entries[9]["width"]
    (tmp_path / "a.json").write_text(json.dumps(plain(images=image_entries)))
    assert "The size of its image is not known" in converted(tmp_path / "a.json", tmp_path / "a", 1)[1]
    assert check(tmp_path / "a.json", tmp_path) > 1
    assert check(tmp_path / "a.json", tmp_path / "sized", size="20x10") > 1


# -- what is not -----------------------------------------------------------------------------------------------------


def several_files(folder: Path) -> None:
    for name in ("train", "val"):
        (folder / f"instances_{name}.json").write_text(json.dumps(plain()))


def results_beside(folder: Path) -> None:
    (folder / "a.json").write_text(json.dumps(plain()))
    (folder / "results.json").write_text(json.dumps([note(score=0.5)]))


def compressed(folder: Path) -> None:
    (folder / "a.json.gz").write_bytes(gzip.compress(json.dumps(plain()).encode()))


def written(folder: Path, **blocks: Any) -> None:
    (folder / "a.json").write_text(json.dumps(plain(**blocks)))


def videos(folder: Path) -> None:
    frames = [{**one, "video_id": 1, "frame_id": one["id"]} for one in plain()["images"]]
    written(folder, images=frames, videos=[{"id": 1, "name": "v"}])


def tracks(folder: Path) -> None:
    written(folder, annotations=[note(id=n, image_id=n, track_id=1) for n in range(12)])


def segments(folder: Path) -> None:
    one = {"image_id": 1, "file_name": "1.png", "segments_info": [{"id": 1, "category_id": 1}]}
    written(folder, annotations=[one, note(id=2, image_id=3)])


def shared_names(folder: Path) -> None:
    written(folder, categories=[CATEGORY, {**CATEGORY, "id": 2}])


def one_table(folder: Path) -> None:
    written(folder, images=plain()["images"][:1])


@pytest.mark.usefixtures("many_tables")
@pytest.mark.parametrize(
    "make", [several_files, results_beside, compressed, videos, tracks, segments, shared_names, one_table]
)
def test_a_source_that_is_not_simple_is_not_cut(make: Callable[[Path], None], tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    make(source)
    assert check(source, tmp_path) == 1


@pytest.mark.usefixtures("many_tables")
def test_a_file_that_changes_before_another_process_opens_it_is_refused_there(tmp_path: Path) -> None:
    written(tmp_path)
    *_, last = read(tmp_path / "a.json").shards(2)
    spec = pickle.dumps(last.spec)
    written(tmp_path, info={})
    _, opened = pickle.loads(spec)
    with pytest.raises(ReadError, match=r"a\.json: changed while it was read\. Read it again when it is done\."):
        list(open_shard(opened))


@pytest.mark.usefixtures("many_tables")
def test_archives_and_memory_are_not_cut(tmp_path: Path) -> None:
    text = json.dumps(plain()).encode()
    assert len(read(MemorySource({"a.json": text})).shards(2)) == 1
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.json", text)
    assert check(tmp_path / "a.zip", tmp_path) == 1


def test_what_processes_share_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_coco_images, "MOST_PICTURES", 2)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    written(tmp_path)
    shards = read(tmp_path / "a.json").shards(2)
    assert len(list((tmp_path / "temporary").iterdir())) == 1
    del shards
    assert not list((tmp_path / "temporary").iterdir())
