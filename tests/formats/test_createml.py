"""Create ML: counts, keys, damage, and what comes back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_formats import FIXTURES, Read, cases, coco_agrees, comes_back, goes_through_the_hub, written

from encord_convert import ReadError
from encord_convert.formats import Match, MemorySource, format_named
from encord_convert.geometry import png

BOX = {"x": 60, "y": 40, "width": 20, "height": 30}


def createml(*entries: Any, **options: object) -> Read:
    return Read("createml", {"annotations.json": json.dumps(entries)}, **{"size": "100x80", **options})


def image(*annotations: Any, **members: Any) -> dict[str, Any]:
    return {"image": "a.jpg", "annotations": list(annotations), **members}


def test_the_sample_is_read_with_the_counts_that_are_expected() -> None:
    case = FIXTURES / "createml" / "sharks-tiny"
    expected, found = json.loads((case / "expected.json").read_text()), Read("createml", case, size="640x640")
    assert (len(found.rows), found.count("box")) == (expected["images"], expected["boxes"]) and not found.losses
    labels = found.report.labels()
    assert {name: row["in"] for name, row in labels.items()} == expected["by_label"]


@pytest.mark.parametrize("case", cases("createml"), ids=lambda case: case.name)
def test_a_fixture_comes_back_from_its_own_format_from_coco_and_from_the_hub(case: Path, tmp_path: Path) -> None:
    comes_back("createml", case, tmp_path / "own")
    goes_through_the_hub("createml", case, tmp_path)
    coco_agrees("createml", case, tmp_path / "coco")


def test_coordinates_are_those_of_the_centre() -> None:
    c = createml(image({"label": "car", "coordinates": BOX})).objects[0]._frames[0].coordinates
    assert (c.top_left_x * 100, c.top_left_y * 80, c.width * 100, c.height * 80) == pytest.approx((50, 25, 20, 30))


def test_other_keys_come_back_and_are_counted_elsewhere() -> None:
    entry = image({"label": "car", "coordinates": {**BOX, "z": 1}, "pose": "left"}, source="cam")
    found = createml(entry)
    files, report = written("createml", found.labels)
    assert json.loads(files["annotations.json"]) == [entry] and report.is_lossless
    lost = written("coco-rle", found.labels)[1].losses()
    assert sorted(one.label for one in lost) == ["annotation.coordinates.z", "annotation.pose", "image.source"]


def test_the_image_beside_its_label_file_is_meant_where_another_split_has_one_of_its_name() -> None:
    entries, members = json.dumps([image({"label": "car", "coordinates": BOX})]), dict[str, Any]()
    for split, width in (("train", 100), ("valid", 200)):
        members[f"{split}/_annotations.createml.json"] = entries
        members[f"{split}/a.jpg"] = png.encoded(np.zeros((80, width), np.uint8))
    assert [(row.width, row.client_metadata) for row in Read("createml", members).rows] == [
        (100, {"split": "train"}), (200, {"split": "valid"}),
    ]  # fmt: skip


def test_splits_are_files_of_their_own() -> None:
    entry = image({"label": "car", "coordinates": BOX})
    files = {
        f"{split}/_annotations.createml.json": json.dumps([{**entry, "image": f"{split}.jpg"}])
        for split in ("train", "valid")
    }
    found = Read("createml", files, size="100x80")
    assert [row.client_metadata for row in found.rows] == [{"split": "train"}, {"split": "valid"}]
    assert {name for name in written("createml", found.labels)[0] if name.endswith(".json")} == files.keys()


@pytest.mark.parametrize(
    ("annotation", "code"),
    [
        ({"label": "car", "coordinates": {**BOX, "width": 0}}, "INVALID_BBOX"),
        ({"label": "car", "coordinates": {**BOX, "x": "left"}}, "INVALID_BBOX"),
        ({"label": "car", "coordinates": {**BOX, "x": 10**400}}, "INVALID_BBOX"),
        ({"label": "car"}, "INVALID_BBOX"),
        ({"coordinates": BOX}, "INVALID_ANNOTATION"),
        ("car", "INVALID_ANNOTATION"),
    ],
)
def test_a_damaged_annotation_costs_itself_and_is_counted(annotation: Any, code: str) -> None:
    found = createml(image({"label": "car", "coordinates": BOX}, annotation))
    assert len(found.objects) == 1 and found.losses == {code: 1}


def test_an_entry_without_an_image_is_counted_and_one_without_annotations_is_said() -> None:
    found = createml(image(), {"annotations": []}, {"image": "b.jpg"})
    assert len(found.rows) == 2 and found.losses == {"INVALID_ANNOTATION": 1} and "NO_ANNOTATIONS" in found.notes


def test_an_image_that_is_missing_costs_itself_and_is_counted() -> None:
    entries = [image({"label": "car", "coordinates": BOX}), {**image(), "image": "gone.jpg"}]
    members = {"a.json": json.dumps(entries), "a.jpg": png.encoded(np.zeros((80, 100), np.uint8))}
    found = Read("createml", members)
    assert [row.data_title for row in found.rows] == ["a.jpg"] and found.losses == {"SIZE_UNKNOWN": 1}


def test_a_size_that_nothing_says_is_refused_with_the_option() -> None:
    with pytest.raises(ReadError, match="-r size=WIDTHxHEIGHT"):
        createml(image({"label": "car", "coordinates": BOX}), size=None)


@pytest.mark.parametrize("text", ["[", "{}", "[1]", '[{"image": "a.jpg"}]', '[{"image": 5, "annotations": []}]'])
def test_other_json_is_not_create_ml(text: str) -> None:
    assert format_named("createml").identify(MemorySource({"a.json": text.encode()})) is Match.NO
